package match

import (
	"slices"
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

// A slice opens once, with its window; a daily part every day, with the first window in which it may be used.
func TestOpens(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour int) time.Time { return time.Date(2026, 9, day, hour, 0, 0, 0, zone) }
	r, err := New(Terms{Language: Language, Currency: "CNY", Zone: "Asia/Shanghai",
		Windows: []Window{{Name: "days", From: "2026-09-07T00:00", To: "2026-09-10T00:00", Opens: "10:00", Closes: "22:00"}, {Name: "noon", From: "2026-09-08T12:00", To: "2026-09-10T00:00", Opens: "11:00", Closes: "13:00"},
			{Name: "late", From: "2026-09-07T23:30", To: "2026-09-09T00:00", Opens: "09:00", Closes: "23:00"}},
		Pools: []Pool{{Code: "main", Funder: Name{ZH: "甲", EN: "A"}, Amount: "1000.00", Daily: "100.00", Slices: []Slice{{Window: "noon", Amount: "50.00"}, {Window: "late", Amount: "60.00"}}},
			{Code: "plain", Funder: Name{ZH: "乙", EN: "B"}, Amount: "10.00"}},
		Award: Formula{Fixed: &Ratio{Match: 1, Gift: 1}}, Order: FirstCome, Unspent: GiveBack, Refund: ToPool})
	if err != nil {
		t.Fatal(err)
	}
	all := []Opened{{at(7, 10), "main", "", 100_00}, {at(8, 9), "main", "late", 60_00}, {at(8, 10), "main", "", 100_00}, {at(8, 12), "main", "noon", 50_00}, {at(9, 10), "main", "", 100_00}}
	for _, c := range []struct {
		from, to time.Time
		want     []Opened
	}{{at(1, 0), at(30, 0), all}, {at(8, 0), at(9, 0), all[1:4]}, {at(8, 9), at(8, 12), all[1:3]}, {at(9, 11), at(10, 0), nil}} {
		got := r.Opens(c.from, c.to)
		if !slices.EqualFunc(got, c.want, func(a, b Opened) bool {
			same := a.At.Equal(b.At)
			a.At = b.At
			return same && a == b
		}) {
			t.Errorf("from %v to %v: %+v", c.from, c.to, got)
		}
	}
}
