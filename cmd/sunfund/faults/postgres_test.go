package faults

import (
	"syscall"
	"testing"
	"time"
)

const manyWriters = 32

// blow is a way in which PostgreSQL is hurt. It says whether the server has to be started again.
type blow struct {
	name   string
	strike func(c *cluster) (down bool)
}

var blows = []blow{
	{"all processes killed", func(c *cluster) bool { c.killAll(); return true }},
	{"immediate stop", func(c *cluster) bool { return c.strikePostmaster(syscall.SIGQUIT) }},
	{"sessions terminated", func(c *cluster) bool {
		c.exec(`select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'`)
		return false
	}},
	{"postmaster killed", func(c *cluster) bool { return c.strikePostmaster(syscall.SIGKILL) }},
	{"one backend killed", func(c *cluster) bool {
		if sessions := c.processes("backend_type = 'client backend'"); len(sessions) > 0 {
			signal(c.t, sessions[0], syscall.SIGKILL) // PostgreSQL ends all sessions and recovers
		}
		return false
	}},
	{"fast stop", func(c *cluster) bool { return c.strikePostmaster(syscall.SIGINT) }},
}

func (c *cluster) strikePostmaster(sig syscall.Signal) (down bool) {
	c.t.Helper()
	pid := c.postmaster()
	signal(c.t, pid, sig)
	await(c.t, "the end of PostgreSQL", func() bool { return gone(pid) })
	return true
}

// R2. PostgreSQL is killed and stopped under 32 writers, with data checksums; every index is compared with its table after.
func TestPostgresKilled(t *testing.T) {
	together(t)
	w := newWorld(t, setup{name: "R2 PostgreSQL killed or stopped", settings: map[string]string{"restart_after_crash": "on"}})
	dice := dice(w.figures.name)
	for i := range times(3, 100) {
		r := w.begin(manyWriters)
		time.Sleep(time.Duration(50+dice.IntN(200)) * time.Millisecond)
		r.fault()
		if blows[i%len(blows)].strike(w.cluster) {
			w.cluster.stop()
			w.cluster.start()
		}
		r.recovered()
		r.end()
		r.audit()
		if *long && i%10 == 9 {
			w.cluster.amcheck()
		}
	}
	w.cluster.amcheck()
	w.figures.note = "checksums and pg_amcheck clean"
	w.finish()
}

// The control. Without waiting for the disk the same must show losses, or the bench proves nothing.
func TestControlLosesWithoutFlush(t *testing.T) {
	together(t)
	w := newWorld(t, setup{name: "R3n control: killed with synchronous_commit=off",
		settings: map[string]string{"synchronous_commit": "off", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}})
	w.figures.expectLoss = true
	dice := dice(w.figures.name)
	for n := 0; n < times(5, 10) && (*long || w.figures.lost == 0); n++ {
		r := w.begin(manyWriters)
		r.busy()
		time.Sleep(time.Duration(dice.IntN(200)) * time.Millisecond)
		r.fault()
		w.cluster.killAll()
		w.cluster.stop()
		w.cluster.start()
		r.recovered()
		r.end()
		r.audit()
		w.cluster.exec("checkpoint") // so that the next kill takes no gifts of rounds already counted
	}
	w.finish()
}
