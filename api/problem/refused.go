package problem

import (
	"log/slog"
	"sync"
	"time"
)

const refusedEvery = 10 * time.Second

// Refused notes requests that were turned away because the service was busy or could not reach its database. Nothing is lost by
// one, the caller is told to come again, and there are thousands at a time: so one line in ten seconds says how many. The
// zero value is ready for use.
type Refused struct {
	mu    sync.Mutex
	last  time.Time
	count int64 // since the last line
}

// Note counts a request and, when the last line is long enough ago, warns with the count and the request at hand.
func (r *Refused) Note(log *slog.Logger, now time.Time, route string, err error) {
	r.mu.Lock()
	r.count++
	count := r.count
	due := now.Sub(r.last) >= refusedEvery
	if due {
		r.last, r.count = now, 0
	}
	r.mu.Unlock()
	if due {
		log.Warn("requests turned away", "count", count, "path", route, "error", err)
	}
}
