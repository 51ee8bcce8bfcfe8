package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/runs"
)

// start is when the tests' clocks begin: between two slots.
var start = time.Date(2026, time.November, 22, 4, 2, 30, 0, time.UTC)

// bench is a database with a book, and a clock to be turned by hand.
type bench struct {
	*testing.T
	db   *pgtest.DB
	book *ledger.Book
	now  atomic.Pointer[time.Time]
	told []string // alarms
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{T: t, db: pgtest.New(t)}
	b.at(start)
	b.ok(pg.InTx(t.Context(), b.db.Service, func(tx pgx.Tx) (err error) {
		b.book, err = ledger.CreateBook(t.Context(), tx, ledger.Book{Keys: pgtest.Ring(), Code: "jobs", NameZH: "任务", NameEN: "Jobs", Regime: chart.CN2026, Currency: "CNY",
			Zone: zone(t, "Asia/Shanghai"), Sandbox: true})
		return err
	}))
	return b
}

func (b *bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) at(now time.Time) { b.now.Store(&now) }

func (b *bench) later(d time.Duration) { b.at(b.now.Load().Add(d)) }

// runner makes a process's runner of jobs and plans them.
func (b *bench) runner(list ...Job) *Runner {
	b.Helper()
	for i := range list {
		list[i].Late = lateOften
	}
	r := NewRunner(Config{DB: b.db.Service, Books: []*ledger.Book{b.book}, Jobs: list, Now: func() time.Time { return *b.now.Load() },
		Log: slog.New(slog.NewTextHandler(b.Output(), nil)),
		Alarm: func(_ context.Context, _ pgx.Tx, _ *ledger.Book, list []runs.Job, _ time.Time) error {
			for _, j := range list {
				b.told = append(b.told, j.Name)
			}
			return nil
		}})
	b.ok(r.Plan(b.Context()))
	return r
}

func (b *bench) look(r *Runner) {
	b.Helper()
	r.Look(b.Context())
	r.Wait()
}

func (b *bench) job(name string) runs.Job {
	b.Helper()
	list, err := runs.Jobs(b.Context(), b.db.Service, b.book.ID)
	b.ok(err)
	i := slices.IndexFunc(list, func(j runs.Job) bool { return j.Name == name })
	if i < 0 {
		b.Fatalf("no job %s", name)
	}
	return list[i]
}

func (b *bench) history(name string) []runs.Run {
	b.Helper()
	list, err := runs.History(b.Context(), b.db.Service, b.book.ID, runs.Filter{Name: name, Limit: runs.HistoryMax})
	b.ok(err)
	return list
}

func every5(b *bench) Schedule {
	s, err := ParseSchedule("*/5 * * * *")
	b.ok(err)
	return s
}

// Two processes that look at the same time run each slot once between them.
func TestOneRunnerPerSlot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var ran sync.Map
	job := func() Job {
		return Job{Name: "count", When: every5(b), Do: func(_ context.Context, t *Turn) error {
			if _, twice := ran.LoadOrStore(t.Slot, true); twice {
				return fmt.Errorf("slot %s ran twice", t.Slot)
			}
			return nil
		}}
	}
	two := []*Runner{b.runner(job()), b.runner(job())}
	const slots = 8
	for range slots {
		b.later(5 * time.Minute)
		var both sync.WaitGroup
		for _, r := range two {
			both.Go(func() { b.look(r); b.look(r) })
		}
		both.Wait()
	}
	list := b.history("count")
	if len(list) != slots {
		t.Errorf("%d runs of %d slots", len(list), slots)
	}
	for _, r := range list {
		if r.State != runs.Done || r.Tries != 1 || r.Missed != 0 {
			t.Errorf("slot %s: %s, try %d, %d missed: %s", r.Slot, r.State, r.Tries, r.Missed, r.Error)
		}
	}
}

// After a time without anybody, one run makes up for all slots of most jobs; of others each slot runs, in order.
func TestMissedSlotsAreMadeUpFor(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var after []time.Time
	var each []string
	r := b.runner(
		Job{Name: "at-once", When: every5(b), Do: func(_ context.Context, t *Turn) error { after = append(after, t.After); return nil }},
		Job{Name: "one-by-one", When: every5(b), Each: true, Do: func(_ context.Context, t *Turn) error {
			each = append(each, t.Slot.Format("15:04"))
			return nil
		}})
	b.look(r)
	if len(after)+len(each) > 0 {
		t.Fatal("a new job has missed something")
	}
	b.later(21 * time.Minute)
	b.look(r)
	if list := b.history("at-once"); len(list) != 1 || list[0].Missed != 3 || !list[0].Slot.Equal(start.Add(17*time.Minute+30*time.Second)) || len(after) != 1 || !after[0].Equal(start) {
		t.Errorf("at once: %+v after %v", list, after)
	}
	if got := strings.Join(each, " "); got != "04:05 04:10 04:15 04:20" {
		t.Errorf("one by one: %s", got)
	}
	b.look(r)
	b.later(time.Minute)
	b.look(r)
	if len(after) != 1 || len(each) != 4 {
		t.Errorf("done slots ran again: %v, %v", after, each)
	}
	if j := b.job("one-by-one"); !j.NextSlot.Equal(start.Add(22*time.Minute + 30*time.Second)) {
		t.Errorf("next is %s", j.NextSlot)
	}
}

// A panic is a failure like another: it is noted, tried again ever later, told once, and others go on.
func TestPanicAndFailure(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	well := false
	var fine int
	hourly, err := ParseSchedule("5 * * * *")
	b.ok(err)
	r := b.runner(
		Job{Name: "wild", When: hourly, Do: func(context.Context, *Turn) error {
			if !well {
				panic("boo\x00")
			}
			return nil
		}},
		Job{Name: "calm", When: hourly, Do: func(context.Context, *Turn) error { fine++; return nil }})
	b.later(3 * time.Minute)
	b.look(r)
	if j := b.job("wild"); !j.Red() || j.Last == nil || j.Last.State != runs.Failed || !strings.Contains(j.Last.Error, "panic: boo") || !j.DoneSlot.Equal(start) {
		t.Fatalf("after a panic: %+v", j)
	}
	tries := func() int32 { return b.history("wild")[0].Tries }
	for _, want := range []struct {
		after time.Duration
		tries int32
	}{{0, 1}, {30 * time.Second, 1}, {30 * time.Second, 2}, {time.Minute, 2}, {3 * time.Minute, 3}, {4 * time.Minute, 3}} {
		b.later(want.after)
		b.look(r)
		if tries() != want.tries {
			t.Errorf("%s later: try %d, want %d", want.after, tries(), want.tries)
		}
	}
	if len(b.told) != 0 {
		t.Errorf("told too early: %v", b.told)
	}
	b.later(time.Minute)
	b.look(r)
	b.later(10 * time.Minute)
	b.look(r)
	b.look(r)
	if strings.Join(b.told, " ") != "wild" {
		t.Errorf("told of %v", b.told)
	}
	well = true
	b.later(time.Hour)
	b.look(r)
	if j := b.job("wild"); j.Red() || j.Late(*b.now.Load()) || len(b.history("wild")) != 2 {
		t.Errorf("after it went well: %+v", j)
	}
	well = false
	b.later(time.Hour)
	b.look(r)
	b.later(runs.TellAfter)
	b.look(r)
	if strings.Join(b.told, " ") != "wild wild" {
		t.Errorf("told of %v after it failed again", b.told)
	}
	if fine != 3 {
		t.Errorf("the other job ran %d times", fine)
	}
}

// A job that overruns its next slots is not started beside itself, by nobody; it is late and told of once. What it missed it makes up for.
func TestOverrun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var begun atomic.Int32
	go1, in := make(chan struct{}), make(chan struct{}, 4)
	job := func() Job {
		return Job{Name: "slow", When: every5(b), Do: func(ctx context.Context, _ *Turn) error {
			begun.Add(1)
			in <- struct{}{}
			<-go1
			return nil
		}}
	}
	one, two := b.runner(job()), b.runner(job())
	b.later(3 * time.Minute)
	one.Look(t.Context())
	<-in
	for range 5 {
		b.later(5 * time.Minute)
		one.Look(t.Context())
		two.Look(t.Context())
		two.Wait()
	}
	if n := begun.Load(); n != 1 {
		t.Errorf("%d under way at a time", n)
	}
	if strings.Join(b.told, " ") != "slow" {
		t.Errorf("told of %v", b.told)
	}
	close(go1)
	one.Wait()
	b.look(two)
	list := b.history("slow")
	if len(list) != 2 || list[0].Missed != 4 || list[0].State != runs.Done {
		t.Errorf("runs: %+v", list)
	}
}

// A process that was killed holds its slot until its lease lapses. Who comes next takes it over, and what the first still writes is refused.
func TestLeaseIsTakenOver(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.runner(Job{Name: "count", When: every5(b), Do: func(ctx context.Context, t *Turn) error {
		_, err := t.Tx(ctx, "steps", func(pgx.Tx) (int, error) { return 2, nil })
		return err
	}})
	b.later(5 * time.Minute)
	claim := func(lease time.Duration) (run runs.Run, ok bool) {
		t.Helper()
		b.ok(pg.InTx(t.Context(), b.db.Service, func(tx pgx.Tx) (err error) {
			run, ok, err = runs.Claim(t.Context(), tx, b.book.ID, "count", runs.Claimant{Runner: "gone", Lease: lease, Now: *b.now.Load(),
				Due: func(after time.Time) (time.Time, int, bool) {
					return r.Jobs[0].When.last(after, *b.now.Load(), time.UTC)
				}})
			return err
		}))
		return run, ok
	}
	first, ok := claim(time.Hour)
	if !ok {
		t.Fatal("nothing to take")
	}
	write := func(f func(tx pgx.Tx) error) error { return pg.InTx(t.Context(), b.db.Service, f) }
	b.ok(write(func(tx pgx.Tx) error { return runs.Count(t.Context(), tx, b.book.ID, &first, "steps", 1) }))
	b.look(r)
	if _, ok := claim(time.Hour); ok || b.job("count").Now == nil {
		t.Error("a slot whose lease holds is taken")
	}
	b.ok(write(func(tx pgx.Tx) error { return runs.Drop(t.Context(), tx, b.book.ID, &first) }))
	b.look(r)
	list := b.history("count")
	if len(list) != 1 || list[0].State != runs.Done || list[0].Tries != 2 || list[0].Counts["steps"] != 3 {
		t.Errorf("runs: %+v", list)
	}
	for what, f := range map[string]func(tx pgx.Tx) error{
		"count": func(tx pgx.Tx) error { return runs.Count(t.Context(), tx, b.book.ID, &first, "steps", 1) },
		"once":  func(tx pgx.Tx) error { _, err := runs.Once(t.Context(), tx, b.book.ID, &first, "x"); return err },
		"beat":  func(tx pgx.Tx) error { return runs.Beat(t.Context(), tx, b.book.ID, &first, time.Hour) },
		"end": func(tx pgx.Tx) error {
			return runs.End(t.Context(), tx, b.book.ID, &first, nil, start.Add(time.Hour), start)
		},
	} {
		if err := write(f); !errors.Is(err, runs.ErrLost) {
			t.Errorf("%s by who was overtaken: %v", what, err)
		}
	}
}

// A run whose lease another took is broken off.
func TestOvertakenRunEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ended := make(chan error, 1)
	in := make(chan struct{})
	r := b.runner(Job{Name: "slow", When: every5(b), Do: func(ctx context.Context, _ *Turn) error {
		close(in)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	}})
	r.Lease = 200 * time.Millisecond
	b.later(5 * time.Minute)
	r.Look(t.Context())
	<-in
	_, err := b.db.Pool.Exec(pg.WithBook(t.Context(), b.book.ID), `update job_run set token = $1`, uuid.New())
	b.ok(err)
	r.Wait()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if list := b.history("slow"); list[0].State != runs.Running {
		t.Errorf("the other's run is %+v", list[0])
	}
}

// Asked for, a job runs at once and once; woken for work, likewise.
func TestRunNow(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	daily, err := ParseSchedule("local 02:30")
	b.ok(err)
	ran := 0
	r := b.runner(Job{Name: "daily", When: daily, Do: func(context.Context, *Turn) error { ran++; return nil }})
	ask := func(name string) error {
		return pg.InTx(t.Context(), b.db.Service, func(tx pgx.Tx) error { return runs.Ask(t.Context(), tx, b.book.ID, name, uuid.New(), *b.now.Load()) })
	}
	if err := ask("nightly"); !errors.Is(err, runs.ErrNoJob) {
		t.Errorf("an unknown job: %v", err)
	}
	b.ok(ask("daily"))
	b.ok(ask("daily"))
	b.look(r)
	b.look(r)
	if list := b.history("daily"); ran != 1 || len(list) != 1 || list[0].AskedBy == nil || !list[0].Slot.Equal(start) {
		t.Errorf("ran %d times: %+v", ran, list)
	}
	b.later(time.Minute)
	ctx, stop := context.WithCancel(t.Context())
	over := make(chan error)
	go func() { over <- r.Run(ctx) }()
	r.Wake(b.book, "daily")
	for deadline := time.Now().Add(time.Minute); len(b.history("daily")) < 2 || b.history("daily")[0].State == runs.Running; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not run")
		}
	}
	stop()
	b.ok(<-over)
	if ran != 2 {
		t.Errorf("ran %d times", ran)
	}
	b.at(time.Date(2026, time.November, 22, 18, 30, 0, 0, time.UTC))
	b.look(r)
	if j := b.job("daily"); ran != 3 || !j.DoneSlot.Equal(*b.now.Load()) {
		t.Errorf("at its slot: %d times, %+v", ran, j)
	}
}

// Old runs are swept away, the last of each job never.
func TestRunsAreSwept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	r := b.runner(Job{Name: "often", When: every5(b), Do: func(context.Context, *Turn) error { return nil }})
	for range 3 {
		b.later(5 * time.Minute)
		b.look(r)
	}
	sweep := func(now time.Time) (n int64) {
		t.Helper()
		b.ok(pg.InTx(t.Context(), b.db.Service, func(tx pgx.Tx) (err error) {
			n, err = runs.Sweep(t.Context(), tx, b.book.ID, now)
			return err
		}))
		return n
	}
	if n := sweep(start.Add(runs.OftenLife)); n != 0 {
		t.Errorf("%d young runs gone", n)
	}
	if n := sweep(start.Add(runs.OftenLife + time.Hour)); n != 2 {
		t.Errorf("%d old runs gone", n)
	}
	if b.job("often").Last == nil {
		t.Error("the last run is gone")
	}
}
