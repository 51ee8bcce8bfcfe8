package jobs

import (
	"testing"
	"time"

	"sunfund/ledger"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// A time of day where the book is: each day has one slot, also the days on which the clocks change.
func TestSlotsOfADay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		zone, spec, from string
		want             []string
	}{
		{"Asia/Shanghai", "local 02:30", "2026-11-21T00:00:00Z", []string{"2026-11-21T18:30:00Z", "2026-11-22T18:30:00Z"}},
		{"Asia/Shanghai", "local 02:30", "2026-11-21T18:30:00Z", []string{"2026-11-22T18:30:00Z"}},                                                 // a slot is not after itself
		{"Europe/Berlin", "local 02:30", "2026-03-27T12:00:00Z", []string{"2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"}}, // 02:30 is not there on the 29th
		{"America/New_York", "local 01:30", "2026-10-31T12:00:00Z", []string{"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},                      // 01:30 comes twice on the 1st
		{"Asia/Kathmandu", "local 08:30", "2026-11-21T00:00:00Z", []string{"2026-11-21T02:45:00Z"}},                                                // +05:45
		{"Asia/Shanghai", "*/15 * * * *", "2026-11-21T23:46:00Z", []string{"2026-11-22T00:00:00Z", "2026-11-22T00:15:00Z"}},                        // in UTC
		{"Europe/Berlin", "30 * * * *", "2026-03-29T00:00:00Z", []string{"2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"}},  // no hour is left out
		{"Pacific/Apia", "local 23:59", "2011-12-29T20:00:00Z", []string{"2011-12-30T09:59:00Z", "2011-12-31T09:59:00Z"}},                          // a zone that left out a whole day
	} {
		s, err := ParseSchedule(c.spec)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.from)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range c.want {
			if at = s.Next(at, zone(t, c.zone)); at.Format(time.RFC3339) != want {
				t.Errorf("%s in %s: %s, want %s", c.spec, c.zone, at.Format(time.RFC3339), want)
			}
		}
	}
}

func TestSpecsThatAreNone(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{"", "local", "local 24:00", "local 2:30", "local 02:30:00", "* * * *", "60 * * * *", "@daily", "TZ=Asia/Shanghai", "CRON_TZ=UTC 5 * * * *", "TZ=UTC"} {
		if _, err := ParseSchedule(spec); err == nil {
			t.Errorf("%q is taken", spec)
		}
	}
}

// What was missed is counted, and however long nobody ran it is found at once.
func TestMissedSlots(t *testing.T) {
	t.Parallel()
	s, err := ParseSchedule("*/5 * * * *")
	if err != nil {
		t.Fatal(err)
	}
	done := time.Date(2026, time.November, 21, 10, 0, 0, 0, time.UTC)
	if _, _, ok := s.last(done, done.Add(4*time.Minute), time.UTC); ok {
		t.Error("a slot before its time")
	}
	if slot, missed, ok := s.last(done, done.Add(5*time.Minute), time.UTC); !ok || missed != 0 || !slot.Equal(done.Add(5*time.Minute)) {
		t.Errorf("at its time: %s, %d, %t", slot, missed, ok)
	}
	if slot, missed, ok := s.last(done, done.Add(61*time.Minute), time.UTC); !ok || missed != 11 || !slot.Equal(done.Add(time.Hour)) {
		t.Errorf("after an hour: %s, %d, %t", slot, missed, ok)
	}
	if slot, missed, ok := s.last(done, done.AddDate(30, 0, 0), time.UTC); !ok || missed < 10_000 || missed > 12_000 || !slot.Equal(done.AddDate(30, 0, 0)) {
		t.Errorf("after thirty years: %s, %d, %t", slot, missed, ok)
	}
}

func TestTableOfJobs(t *testing.T) {
	t.Parallel()
	table, err := Table(Tools{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, j := range table {
		if seen[j.Name] {
			t.Errorf("%s stands twice", j.Name)
		}
		seen[j.Name] = true
		if j.Late < lateOften || j.Late > 24*time.Hour {
			t.Errorf("%s is late after %s", j.Name, j.Late)
		}
		if every := j.When.every(); every < time.Minute || every > 24*time.Hour {
			t.Errorf("%s is due every %s", j.Name, every)
		}
		if j.Name == Mail && j.has(&ledger.Book{}) {
			t.Error("letters are sent without a mail server")
		}
	}
}
