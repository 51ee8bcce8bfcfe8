package faults

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// bookingSteps are the flights of a transaction that books gifts, on a connection that has prepared nothing yet.
var bookingSteps = []string{"begin", "prepare select u.channel", "select u.channel", "prepare select pg_advisory_xact_lock",
	"select pg_advisory_xact_lock", "prepare insert into entry", "insert into entry", "commit"}

// R6. The wire to PostgreSQL breaks at every step of booking one gift, in two ways: the step fails, or it succeeds and its
// answer is lost; once, so that the service settles it by itself, or each time, so that it must say that it cannot.
func TestWireCut(t *testing.T) {
	together(t)
	w := newWorld(t, setup{name: "R6 wire cut at every step"})
	w.client = &http.Client{Timeout: time.Minute} // a donor whose own wire holds
	r := w.begin(0)
	dice := dice(w.figures.name)
	r.book(r.gift(dice))
	moments := []moment{leaving, answered}
	if *long {
		moments = append(moments, left)
	}
	for _, flight := range bookingSteps {
		for _, when := range moments {
			r.cutAt(dice, flight, when, false)
			r.cutAt(dice, flight, when, true)
		}
	}
	r.lostThenUnreachable(dice)
	r.end()
	r.audit()
	w.finish()
}

// cutAt books one gift while the wire is cut at a step, once or each time.
func (r *round) cutAt(dice *rand.Rand, flight string, when moment, always bool) {
	w := r.w
	w.t.Helper()
	w.wire.cutAll() // new connections have everything to prepare
	await(w.t, "the service's health", w.healthy)
	var cuts atomic.Int64
	w.wire.set(func(s step) bool {
		here := s.moment == when && strings.HasPrefix(s.statements, flight) && (flight != "commit" || s.booking)
		return !here || cuts.Add(1) > 1 && !always
	})
	g := r.gift(dice)
	status, kind := r.book(g)
	w.wire.set(nil)
	w.figures.faults++
	at := fmt.Sprintf("cut at %q, %s, always %v", flight, when, always)
	if cuts.Load() == 0 {
		w.t.Errorf("%s: never came to it", at)
	}
	switch {
	case !always && status != http.StatusCreated:
		w.t.Errorf("%s: answered %d %s", at, status, kind)
	case always && (status != http.StatusServiceUnavailable || (kind == outcomeUnknown) != (flight == "commit")):
		w.t.Errorf("%s: answered %d %s", at, status, kind)
	}
	if always {
		if status, kind := r.book(g); !acknowledged(status) {
			w.t.Errorf("%s: afterwards answered %d %s", at, status, kind)
		}
	}
}

const outcomeUnknown = "/problems/outcome-unknown"

// book sends one gift and gives the answer with the type of its problem.
func (r *round) book(g gift) (status int, kind string) {
	r.w.t.Helper()
	if err := r.journal.write(line{At: time.Now(), Key: g.Ref, Hash: g.hash(), Gift: &g}); err != nil {
		r.w.t.Fatal(err)
	}
	var problem struct{ Type string }
	status, err := r.call("/api/v1/gifts", g.body(), &problem)
	if err != nil {
		r.complain("gift %s: %v", g.Ref, err)
	}
	if err := r.journal.write(line{At: time.Now(), Key: g.Ref, Status: status}); err != nil {
		r.w.t.Fatal(err)
	}
	return status, problem.Type
}

// lostThenUnreachable loses the answer to COMMIT and with it the database: the service may not say that nothing was booked.
func (r *round) lostThenUnreachable(dice *rand.Rand) {
	w := r.w
	w.t.Helper()
	w.wire.set(func(s step) bool {
		if !commit(s) || s.moment != answered {
			return true
		}
		w.wire.refuse(true)
		return false
	})
	w.figures.faults++
	status, kind := r.book(r.gift(dice))
	w.wire.set(nil)
	w.wire.refuse(false)
	if status != http.StatusServiceUnavailable || kind != outcomeUnknown {
		w.t.Errorf("the answer to COMMIT was lost, and then the database: answered %d %s", status, kind)
	}
}

// R6. The answer to COMMIT never comes and nobody hangs up: donors are told within their deadline, and the service goes on
// with a new connection by itself.
func TestWireStalls(t *testing.T) {
	together(t)
	w := newWorld(t, setup{name: "R6 wire stalls at COMMIT"})
	for range times(1, 2) {
		r := w.begin(8)
		time.Sleep(200 * time.Millisecond)
		var stalled atomic.Bool
		hang := make(chan struct{})
		w.wire.set(func(s step) bool {
			if commit(s) && s.moment == answered && stalled.CompareAndSwap(false, true) {
				r.fault()
				<-hang
			}
			return true
		})
		r.recovered()
		w.wire.set(nil)
		close(hang)
		r.end()
		r.audit()
	}
	w.finish()
}
