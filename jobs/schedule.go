package jobs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// errSchedule means that a spec cannot be read.
var errSchedule = errors.New("schedule is neither five fields of cron nor local HH:MM")

// local begins the spec of a time of day where the book is.
const local = "local "

// Schedule says when a job is due.
type Schedule struct {
	spec         string
	cron         cron.Schedule // nil: a time of day where the book is
	hour, minute int
}

// ParseSchedule reads a spec: "*/5 * * * *" is every five minutes by UTC, "local 02:30" is once a day by the book's clock.
//
// A day that has no such time, because clocks go forward, has its slot all the same, an hour beside; one that has it twice has one slot. cron
// itself would leave that day out, so it gets specs in UTC only, without a zone.
func ParseSchedule(spec string) (Schedule, error) {
	s := Schedule{spec: spec}
	var err error
	if of, ok := strings.CutPrefix(spec, local); ok {
		at, err := time.Parse("15:04", of)
		if err != nil || len(of) != len("15:04") {
			return s, fmt.Errorf("%w: %q", errSchedule, spec)
		}
		s.hour, s.minute = at.Hour(), at.Minute()
		return s, nil
	}
	if strings.Contains(spec, "TZ=") || strings.HasPrefix(spec, "@") {
		return s, fmt.Errorf("%w: %q", errSchedule, spec)
	}
	if s.cron, err = cron.ParseStandard(spec); err != nil {
		return s, fmt.Errorf("%w: %q: %w", errSchedule, spec, err)
	}
	return s, nil
}

// Next is the first slot after a moment for a book in zone, in UTC.
func (s Schedule) Next(after time.Time, zone *time.Location) time.Time {
	if s.cron != nil {
		return s.cron.Next(after.UTC())
	}
	y, m, d := after.In(zone).Date()
	for ; ; d++ {
		if slot := time.Date(y, m, d, s.hour, s.minute, 0, 0, zone).UTC(); slot.After(after) {
			return slot
		}
	}
}

// lookBack is how far back single missed slots are counted. What was missed earlier is made up for all the same.
const lookBack = 40 * 24 * time.Hour

// last is the latest slot after a moment that is not after now, and how many there are before it. ok is false when there is none.
func (s Schedule) last(after, now time.Time, zone *time.Location) (slot time.Time, missed int, ok bool) {
	if from := now.Add(-lookBack); after.Before(from) {
		after = from
	}
	for next := s.Next(after, zone); !next.After(now); next = s.Next(next, zone) {
		if ok {
			missed++
		}
		slot, ok = next, true
	}
	return slot, missed, ok
}

// first is the earliest slot after a moment that is not after now.
func (s Schedule) first(after, now time.Time, zone *time.Location) (slot time.Time, ok bool) {
	slot = s.Next(after, zone)
	return slot, !slot.After(now)
}

// every is how far apart slots are, as a rule: the shortest distance of a few.
func (s Schedule) every() time.Duration {
	at := time.Date(2026, time.June, 1, 0, 0, 0, 0, time.UTC)
	shortest := time.Duration(0)
	for range 5 {
		next := s.Next(at, time.UTC)
		if d := next.Sub(at); shortest == 0 || d < shortest {
			shortest = d
		}
		at = next
	}
	return shortest
}
