package faults

import (
	"net/http"
	"strconv"
	"testing"
	"time"
)

// R10n. A commit waits for a synchronous standby that is not there, and the wait is cancelled: PostgreSQL says COMMIT, with a
// warning. That is not success, neither for the gift nor for the same gift sent again.
func TestStandbyWaitCancelled(t *testing.T) {
	together(t)
	w := newWorld(t, setup{name: "R10n wait for the standby cancelled"})
	w.client = &http.Client{Timeout: time.Minute}
	r := w.begin(0)
	dice := dice(w.figures.name)
	r.book(r.gift(dice))
	w.cluster.exec(`alter system set synchronous_standby_names = 'nobody'`, `select pg_reload_conf()`)
	time.Sleep(200 * time.Millisecond)
	for range times(2, 10) {
		g := r.gift(dice)
		for range 2 {
			answered := make(chan struct{})
			go func() {
				defer close(answered)
				if status, kind := r.book(g); status != http.StatusServiceUnavailable || kind != outcomeUnknown {
					r.complain("the standby has not got gift %s, and it was answered %d %s", g.Ref, status, kind)
				}
			}()
			w.cancelWaits(answered)
		}
	}
	w.cluster.exec(`alter system reset synchronous_standby_names`, `select pg_reload_conf()`)
	r.end()
	r.audit()
	w.finish()
}

// cancelWaits cancels every wait for a standby until done.
func (w *world) cancelWaits(done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case <-time.After(10 * time.Millisecond):
			for _, pid := range w.cluster.processes("wait_event = 'SyncRep'") {
				w.figures.faults++
				w.cluster.exec(`select pg_cancel_backend(` + strconv.Itoa(pid) + `)`)
			}
		}
	}
}
