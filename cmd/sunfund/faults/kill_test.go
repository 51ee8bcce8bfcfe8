package faults

import (
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// point is a place at which the service is killed.
type point struct {
	name string
	at   func(step) bool
	// halts: the service is stopped before the answer of the database is delivered to it, and killed after.
	halts bool
}

func insert(s step) bool { return strings.Contains(s.statements, "insert into entry") }
func commit(s step) bool { return s.writes && s.statements == "commit" }

var points = []point{
	{name: "before insert", at: func(s step) bool { return insert(s) && s.moment == leaving }},
	{name: "during insert", at: func(s step) bool { return insert(s) && s.moment == left }},
	{name: "after insert", at: func(s step) bool { return insert(s) && s.moment == answered }},
	{name: "before COMMIT", at: func(s step) bool { return commit(s) && s.moment == leaving }},
	{name: "during COMMIT", at: func(s step) bool { return commit(s) && s.moment == left }},
	{name: "after COMMIT", at: func(s step) bool { return commit(s) && s.moment == answered }},
	{name: "before the answer", at: func(s step) bool { return commit(s) && s.moment == answered }, halts: true},
}

// R1. The service is killed in mid-load, at random and at each named point in turn.
func TestServiceKilled(t *testing.T) {
	together(t)
	w := newWorld(t, setup{name: "R1 service killed"})
	dice := dice(w.figures.name)
	for i := range times(20, 210) {
		r := w.begin(16)
		time.Sleep(time.Duration(20+dice.IntN(150)) * time.Millisecond)
		if which := i % (len(points) + 1); which < len(points) {
			r.killAt(points[which], 1+dice.IntN(6))
		} else {
			r.fault()
			w.killService()
		}
		w.startService()
		r.recovered()
		r.end()
		r.audit()
	}
	w.finish()
}

// killAt kills the service when it comes to a point for the nth time.
func (r *round) killAt(p point, nth int) {
	w := r.w
	w.t.Helper()
	var seen atomic.Int64
	killed := make(chan struct{})
	w.wire.set(func(s step) bool {
		if !p.at(s) || seen.Add(1) != int64(nth) {
			return true
		}
		defer close(killed)
		pid := w.service.Process.Pid
		if !p.halts {
			r.fault()
			w.killService()
			return false
		}
		_ = syscall.Kill(pid, syscall.SIGSTOP)
		go func() { // when the answer lies in the service's socket
			time.Sleep(2 * time.Millisecond)
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}()
		r.fault()
		return true
	})
	defer w.wire.set(nil)
	select {
	case <-killed:
	case <-time.After(deadline):
		w.t.Fatalf("the service never came to the point %q", p.name)
	}
	await(w.t, "the end of the service", func() bool { return gone(w.service.Process.Pid) })
}
