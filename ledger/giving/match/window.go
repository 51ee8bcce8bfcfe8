package match

import "time"

// window is a Window that was checked. Opens and closes are minutes of the local day.
type window struct {
	from, to      time.Time
	opens, closes int
}

const wholeDay = 24 * 60

// windowsAt gives the day of a moment and the windows that are open then, a bit each.
func (r *Rule) windowsAt(t time.Time) (day Day, open uint64) {
	day = dayOf(r.zone, t)
	for i, w := range r.windows {
		if t.Before(w.from) || !t.Before(w.to) {
			continue
		}
		if w.opens > 0 && t.Before(instant(r.zone, day, w.opens)) || w.closes < wholeDay && !t.Before(instant(r.zone, day, w.closes)) {
			continue
		}
		open |= 1 << i
	}
	return day, open
}

// dayOf is the local day of a moment. A day ends where the next begins for the first time, so days never go back when
// clocks are put back over midnight.
func dayOf(zone *time.Location, t time.Time) Day {
	y, m, d := t.In(zone).Date()
	day := Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / secondsADay)
	if !t.Before(instant(zone, day+1, 0)) {
		day++
	}
	return day
}

// instant is the first moment at which clocks of the zone show the minute of the day, or, where they jump over it, the
// moment of the jump.
func instant(zone *time.Location, day Day, minute int) time.Time {
	shown := time.Unix(int64(day)*secondsADay+int64(minute)*60, 0) // as if the zone were UTC
	late := shown.Add(15 * time.Hour).In(zone)                     // no zone is further than 14 hours off
	_, before := shown.Add(-15 * time.Hour).In(zone).Zone()
	_, after := late.Zone()
	first := shown.Add(-time.Duration(before) * time.Second)
	if before == after {
		return first
	}
	change, _ := late.ZoneBounds()
	second := shown.Add(-time.Duration(after) * time.Second)
	switch {
	case first.Before(change):
		return first
	case second.Before(change):
		return change
	}
	return second
}
