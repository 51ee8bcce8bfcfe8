package match

import (
	"testing"
	"time"
)

// Windows that open each day at ten, one that is open throughout, and none any more.
func TestOpening(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour int) time.Time { return time.Date(2026, 9, day, hour, 0, 0, 0, zone) }
	daily := &Rule{zone: zone, windows: []window{{from: at(7, 0), to: at(10, 0), opens: 10 * 60, closes: 12 * 60}}}
	through := &Rule{zone: zone, windows: []window{{from: at(7, 0), to: at(10, 0), closes: wholeDay}}}
	for _, c := range []struct {
		name string
		rule *Rule
		now  time.Time
		open bool
		next time.Time
	}{
		{"before the first day", daily, at(6, 9), false, at(7, 10)},
		{"the first morning", daily, at(7, 9), false, at(7, 10)},
		{"open", daily, at(7, 11), true, at(8, 10)},
		{"after it closed", daily, at(8, 13), false, at(9, 10)},
		{"the last afternoon", daily, at(9, 13), false, time.Time{}},
		{"throughout, before", through, at(6, 9), false, at(7, 0)},
		{"throughout, open", through, at(8, 9), true, time.Time{}},
		{"throughout, over", through, at(11, 9), false, time.Time{}},
	} {
		if open, next := c.rule.Opening(c.now); open != c.open || !next.Equal(c.next) {
			t.Errorf("%s: %v, next %v", c.name, open, next)
		}
	}
}
