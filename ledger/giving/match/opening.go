package match

import (
	"slices"
	"time"
)

// Opening tells whether a window of the rule is open, and when the next one opens; zero when none does any more.
func (r *Rule) Opening(now time.Time) (open bool, next time.Time) {
	_, bits := r.windowsAt(now)
	for i, w := range r.windows {
		for day := dayOf(r.zone, later(w.from, now)); ; day++ {
			at := later(instant(r.zone, day, w.opens), w.from)
			if !at.Before(w.to) || !next.IsZero() && !at.Before(next) {
				break
			}
			if at.After(now) && r.opensAt(i, at) {
				next = at
				break
			}
		}
	}
	return bits != 0, next
}

// opensAt tells whether the window was closed just before the moment and is open then.
func (r *Rule) opensAt(window int, at time.Time) bool {
	_, before := r.windowsAt(at.Add(-time.Second))
	_, then := r.windowsAt(at)
	return then&(1<<window) != 0 && before&(1<<window) == 0
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Opened is a part of a pool that opens at a moment: its slice for a window, or as much of it as may be used on the day.
type Opened struct {
	At     time.Time
	Pool   string
	Window string // of a slice; empty: of the day
	Amount int64  // minor units
}

// Opens lists what opens from a moment until another one, not included: a slice when its window opens for the first time, a daily part when the first
// window of the day does in which it may be used. In order of time, and then of the pools.
func (r *Rule) Opens(from, to time.Time) (list []Opened) {
	add := func(o Opened) {
		if !o.At.IsZero() && !o.At.Before(from) && o.At.Before(to) {
			list = append(list, o)
		}
	}
	for day := dayOf(r.zone, from); day <= dayOf(r.zone, to); day++ {
		for i := range r.pools {
			p := &r.pools[i]
			for _, s := range p.slices {
				if first := dayOf(r.zone, r.windows[s.window].from); day == first || day == first+1 && r.opensOn(s.window, first).IsZero() {
					add(Opened{r.opensOn(s.window, day), p.code, s.name, s.amount})
				}
			}
			if p.daily == unlimited {
				continue
			}
			var first time.Time
			for w := range r.windows {
				if at := r.opensOn(w, day); p.sliced&(1<<w) == 0 && !at.IsZero() && (first.IsZero() || at.Before(first)) {
					first = at
				}
			}
			add(Opened{At: first, Pool: p.code, Amount: p.daily})
		}
	}
	slices.SortStableFunc(list, func(a, b Opened) int { return a.At.Compare(b.At) })
	return list
}

// opensOn is when a window opens on a day; zero when it does not.
func (r *Rule) opensOn(window int, day Day) time.Time {
	w := r.windows[window]
	at := later(instant(r.zone, day, w.opens), w.from)
	if dayOf(r.zone, at) != day || !at.Before(w.to) || w.closes < wholeDay && !at.Before(instant(r.zone, day, w.closes)) {
		return time.Time{}
	}
	return at
}
