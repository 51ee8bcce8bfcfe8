package problem_test

import (
	"errors"
	"testing"

	"sunfund/api/problem"
)

// T6: so many reports at once for each, so many in all, and every one that ends makes room.
func TestT6ReportsAreCounted(t *testing.T) {
	t.Parallel()
	var r problem.Reports
	var ends []func()
	for _, who := range []string{"li", "li", "chen", "wu"} {
		done, err := r.Take(who)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, done)
	}
	if _, err := r.Take("guan"); !errors.Is(err, problem.ErrReports) {
		t.Errorf("a fifth: %v", err)
	}
	ends[2]()
	if _, err := r.Take("li"); !errors.Is(err, problem.ErrReports) {
		t.Errorf("a third of li: %v", err)
	}
	if _, err := r.Take("guan"); err != nil {
		t.Errorf("after one has ended: %v", err)
	}
	ends[0]()
	if _, err := r.Take("li"); err != nil {
		t.Errorf("a second of li: %v", err)
	}
}
