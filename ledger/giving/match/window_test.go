package match_test

import (
	"testing"
	"time"

	"sunfund/ledger/giving/match"
)

// In New York clocks go from 01:59 to 03:00 on 8 March 2026 and from 01:59 back to 01:00 on 1 November; in Beirut they jump over
// midnight on 29 March, in St John's (2010) they fell back over midnight on 7 November.
func TestWindowsOverChangesOfClocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, from, to, opens, closes string
		at                            string // UTC
		day                           string // empty: shut
	}{
		{"America/New_York", "2026-03-08T02:30", "2026-03-09T00:00", "", "", "2026-03-08T06:59:59Z", ""},
		{"America/New_York", "2026-03-08T02:30", "2026-03-09T00:00", "", "", "2026-03-08T07:00:00Z", "2026-03-08"}, // 02:30 is not: 03:00
		{"America/New_York", "2026-03-07T00:00", "2026-03-10T00:00", "09:00", "24:00", "2026-03-07T14:00:00Z", "2026-03-07"},
		{"America/New_York", "2026-03-07T00:00", "2026-03-10T00:00", "09:00", "24:00", "2026-03-08T12:59:59Z", ""},
		{"America/New_York", "2026-03-07T00:00", "2026-03-10T00:00", "09:00", "24:00", "2026-03-08T13:00:00Z", "2026-03-08"},
		{"America/New_York", "2026-11-01T01:30", "2026-11-02T00:00", "", "", "2026-11-01T05:30:00Z", "2026-11-01"}, // the first 01:30
		{"America/New_York", "2026-11-01T01:30", "2026-11-02T00:00", "", "", "2026-11-01T06:10:00Z", "2026-11-01"}, // 01:10 again
		{"America/New_York", "2026-10-31T00:00", "2026-11-01T01:30", "", "", "2026-11-01T05:29:59Z", "2026-11-01"},
		{"America/New_York", "2026-10-31T00:00", "2026-11-01T01:30", "", "", "2026-11-01T06:10:00Z", ""}, // 01:10 again, but the end has been
		{"America/New_York", "2026-10-31T00:00", "2026-11-03T00:00", "", "01:30", "2026-11-01T06:10:00Z", ""},
		{"America/New_York", "2026-11-01T02:00", "2026-11-02T00:00", "", "", "2026-11-01T06:59:59Z", ""}, // 01:59 again
		{"America/New_York", "2026-11-01T02:00", "2026-11-02T00:00", "", "", "2026-11-01T07:00:00Z", "2026-11-01"},
		{"Asia/Beirut", "2026-03-29T00:00", "2026-03-30T00:00", "", "", "2026-03-28T21:59:59Z", ""},
		{"Asia/Beirut", "2026-03-29T00:00", "2026-03-30T00:00", "", "", "2026-03-28T22:00:00Z", "2026-03-29"}, // its day begins at 01:00
		{"America/St_Johns", "2010-11-01T00:00", "2010-11-20T00:00", "", "", "2010-11-07T02:30:00Z", "2010-11-07"},
		{"America/St_Johns", "2010-11-01T00:00", "2010-11-20T00:00", "", "", "2010-11-07T02:35:00Z", "2010-11-07"}, // clocks show the 6th again
		{"Asia/Shanghai", "2017-09-07T00:00", "2017-09-10T00:00", "09:00", "", "2017-09-07T00:59:59Z", ""},
		{"Asia/Shanghai", "2017-09-07T00:00", "2017-09-10T00:00", "09:00", "", "2017-09-09T15:59:59Z", "2017-09-09"},
		{"Asia/Shanghai", "2017-09-07T00:00", "2017-09-10T00:00", "09:00", "", "2017-09-09T16:00:00Z", ""},
	} {
		r := rule(t, func(t *match.Terms) {
			t.Zone = c.zone
			t.Windows = []match.Window{{Name: "w", From: c.from, To: c.to, Opens: c.opens, Closes: c.closes}}
		})
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		day, open := r.OpenAt(at)
		if open != (c.day != "") || open && day.String() != c.day {
			t.Errorf("%+v: open %v on %s", c, open, day)
		}
	}
}

// Days never go back, whatever clocks do.
func TestDaysOnlyGoOn(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"America/New_York", "America/St_Johns", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo", "Asia/Shanghai", "Africa/Casablanca"} {
		r := rule(t, func(t *match.Terms) {
			t.Zone = zone
			t.Windows = []match.Window{{Name: "w", From: "2009-12-31T00:00", To: "2012-01-05T00:00"}}
		})
		from, to := r.Bounds()
		last, days := match.Day(0), 0
		for at := from; at.Before(to); at = at.Add(29 * time.Minute) {
			day, open := r.OpenAt(at)
			if !open || day < last {
				t.Fatalf("%s at %s: %s after %s, open %v", zone, at, day, last, open)
			}
			if day > last {
				last, days = day, days+1
			}
		}
		if days < 734 || days > 735 { // Apia never saw 30 December 2011
			t.Errorf("%s: %d days", zone, days)
		}
	}
}
