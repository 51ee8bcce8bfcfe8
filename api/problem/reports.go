package problem

import (
	"errors"
	"sync"
)

// ErrReports means that this person or key, or all of them together, have as many reports and files in the making as one
// process takes on. Answer 429 with Retry-After.
var ErrReports = errors.New("too many reports at once")

// Limits of reports in the making, in one process: each may read a year of postings on a connection that gifts need.
const (
	ReportsEach = 2
	ReportsAll  = 4
	ReportsWait = 5 // seconds until it is worth trying again
)

// Reports counts those in the making. The zero value is ready for use.
type Reports struct {
	mu  sync.Mutex
	all int
	by  map[string]int
}

// Take begins a report for who asks, or says ErrReports; done ends it, and is called once.
func (r *Reports) Take(who string) (done func(), err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all >= ReportsAll || r.by[who] >= ReportsEach {
		return nil, ErrReports
	}
	if r.by == nil {
		r.by = map[string]int{}
	}
	r.all++
	r.by[who]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all--
		if r.by[who]--; r.by[who] == 0 {
			delete(r.by, who)
		}
	}, nil
}
