package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/robfig/cron/v3"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/runs"
)

// Job is something that happens by itself.
type Job struct {
	Name string // stored, and part of addresses: never changes
	When Schedule
	// Each has every missed slot run by itself, the earliest first; otherwise one run makes up for all of them.
	Each bool
	// Long jobs run one at a time, beside the others; those with a seat of their own do not wait for the rest.
	Long bool
	Seat string
	// Late is how long behind a slot the job has to be done before somebody is told.
	Late time.Duration
	// For tells whether a book has the job; nil: each has.
	For func(*ledger.Book) bool
	// Do does what is due.
	Do func(context.Context, *Turn) error
}

// Limits of running.
const (
	leaseLife  = time.Minute      // a killed process's jobs are taken up after it
	shortLimit = 30 * time.Minute // how long a run may take
	longLimit  = 6 * time.Hour
	seats      = 4 // short jobs at a time
	endTimeout = 15 * time.Second
	lookSpec   = "* * * * *"
)

// Config is what a Runner runs.
type Config struct {
	DB    *pgxpool.Pool
	Books []*ledger.Book
	Jobs  []Job
	Now   func() time.Time
	Log   *slog.Logger
	// Alarm tells people of jobs that fail or are late, in the transaction that notes that they were told; nil tells nobody.
	Alarm func(ctx context.Context, tx pgx.Tx, book *ledger.Book, list []runs.Job, now time.Time) error
	Lease time.Duration // zero: a minute
}

// Runner runs jobs when they are due. Several processes may have one for the same books.
type Runner struct {
	Config
	name  string    // of this process, for the history
	since time.Time // when it began
	short chan struct{}
	long  map[string]chan struct{} // by seat
	woken chan wake
	all   sync.WaitGroup
}

type wake struct {
	book *ledger.Book
	name string // empty: whatever was asked for
}

// NewRunner makes a runner; Run starts it.
func NewRunner(cfg Config) *Runner {
	if cfg.Lease == 0 {
		cfg.Lease = leaseLife
	}
	host, err := os.Hostname()
	if err != nil {
		host = "?"
	}
	long := map[string]chan struct{}{}
	for _, j := range cfg.Jobs {
		if j.Long && long[j.Seat] == nil {
			long[j.Seat] = make(chan struct{}, 1)
		}
	}
	return &Runner{Config: cfg, since: cfg.Now(), name: fmt.Sprintf("%.150s %d", host, os.Getpid()), short: make(chan struct{}, seats), long: long, woken: make(chan wake, 256)}
}

// Wake has a job of a book run now, because there is work for it; empty: those that somebody asked for. It never blocks: when too many wait, the
// job's next slot does the work.
func (r *Runner) Wake(book *ledger.Book, name string) {
	select {
	case r.woken <- wake{book, name}:
	default:
	}
}

// Run runs jobs until ctx ends, and returns when none is under way any more. What is broken off then is taken up by whoever comes next.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.Plan(ctx); err != nil {
		return err
	}
	logger := cronLog{r.Log}
	clock := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(logger), cron.WithChain(cron.Recover(logger), cron.SkipIfStillRunning(logger)))
	if _, err := clock.AddFunc(lookSpec, func() { r.Look(ctx) }); err != nil {
		return fmt.Errorf("set the jobs' clock: %w", err)
	}
	r.Look(ctx)
	clock.Start()
	for {
		select {
		case <-ctx.Done():
			<-clock.Stop().Done()
			r.all.Wait()
			return nil
		case w := <-r.woken:
			r.hurry(ctx, w)
		}
	}
}

// cronLog has cron speak through our log, and only of what went wrong.
type cronLog struct{ log *slog.Logger }

func (c cronLog) Info(string, ...any) {}

func (c cronLog) Error(err error, msg string, more ...any) {
	c.log.Error("clock of the jobs: "+msg, append([]any{"error", err}, more...)...)
}

// has tells whether a book has a job.
func (j *Job) has(book *ledger.Book) bool { return j.For == nil || j.For(book) }

// Plan notes the jobs of each book. A job that is new has missed nothing.
func (r *Runner) Plan(ctx context.Context) error {
	for _, b := range r.Books {
		var list []runs.Planned
		for i := range r.Jobs {
			if j := &r.Jobs[i]; j.has(b) {
				list = append(list, runs.Planned{Name: j.Name, Spec: j.When.spec, Every: j.When.every(), LateAfter: j.Late,
					Next: func(after time.Time) time.Time { return j.When.Next(after, b.Zone) }})
			}
		}
		err := pg.InTx(pg.WithBook(ctx, b.ID), r.DB, func(tx pgx.Tx) error { return runs.Plan(ctx, tx, b.ID, list, r.Now()) })
		if err != nil {
			return fmt.Errorf("book %s: %w", b.Code, err)
		}
	}
	return nil
}

// Look starts what is due, was broken off or was asked for, and tells of what is late or fails. Runs go on when it returns; Wait waits for them.
func (r *Runner) Look(ctx context.Context) {
	for _, b := range r.Books {
		for i := range r.Jobs {
			if j := &r.Jobs[i]; j.has(b) && ctx.Err() == nil {
				r.try(ctx, b, j, false)
			}
		}
		if err := r.alarm(ctx, b); err != nil && ctx.Err() == nil {
			r.Log.Error("alarms of jobs not told", "book", b.Code, "error", err)
		}
	}
}

// Wait waits for the runs that are under way.
func (r *Runner) Wait() { r.all.Wait() }

func (r *Runner) hurry(ctx context.Context, w wake) {
	for i := range r.Jobs {
		if j := &r.Jobs[i]; j.has(w.book) && (w.name == "" || w.name == j.Name) {
			r.try(ctx, w.book, j, w.name != "")
		}
	}
}

func (r *Runner) alarm(ctx context.Context, b *ledger.Book) error {
	if r.Alarm == nil {
		return nil
	}
	ctx = pg.WithBook(ctx, b.ID)
	return pg.InTx(ctx, r.DB, func(tx pgx.Tx) error {
		now := r.Now()
		list, err := runs.Alarms(ctx, tx, b.ID, r.since, now)
		if err != nil || len(list) == 0 {
			return err
		}
		return r.Alarm(ctx, tx, b, list, now)
	})
}

// try takes a seat, claims the job's slot and runs it beside. A long job that finds another one under way waits for a later look.
func (r *Runner) try(ctx context.Context, b *ledger.Book, j *Job, hurry bool) {
	seat := r.short
	if j.Long {
		seat = r.long[j.Seat]
		select {
		case seat <- struct{}{}:
		default:
			return
		}
	} else {
		select {
		case seat <- struct{}{}:
		case <-ctx.Done():
			return
		}
	}
	run, ok, err := r.claim(ctx, b, j, hurry)
	if err != nil || !ok {
		<-seat
		if err != nil && ctx.Err() == nil {
			r.Log.Error("job not taken", "book", b.Code, "job", j.Name, "error", err)
		}
		return
	}
	r.all.Go(func() {
		defer func() { <-seat }()
		for ok && ctx.Err() == nil {
			failed := r.run(ctx, b, j, &run)
			if !j.Each || failed != nil {
				return
			}
			if run, ok, err = r.claim(ctx, b, j, false); err != nil { // the next of the missed ones
				r.Log.Error("job not taken", "book", b.Code, "job", j.Name, "error", err)
				return
			}
		}
		if ok {
			r.drop(ctx, b, &run)
		}
	})
}

func (r *Runner) claim(ctx context.Context, b *ledger.Book, j *Job, hurry bool) (run runs.Run, ok bool, err error) {
	ctx = pg.WithBook(ctx, b.ID)
	err = pg.InTx(ctx, r.DB, func(tx pgx.Tx) (err error) {
		now := r.Now()
		run, ok, err = runs.Claim(ctx, tx, b.ID, j.Name, runs.Claimant{Runner: r.name, Lease: r.Lease, Now: now, Hurry: hurry,
			Due: func(after time.Time) (time.Time, int, bool) {
				if j.Each {
					slot, ok := j.When.first(after, now, b.Zone)
					return slot, 0, ok
				}
				return j.When.last(after, now, b.Zone)
			}})
		return err
	})
	return run, ok && err == nil, err
}

// run does one run to its end and notes it.
func (r *Runner) run(ctx context.Context, b *ledger.Book, j *Job, run *runs.Run) error {
	ctx = pg.WithBook(ctx, b.ID)
	limit := shortLimit
	if j.Long {
		limit = longLimit
	}
	inside, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("took longer than %s", limit))
	defer cancel()
	beats := make(chan struct{})
	go func() {
		defer close(beats)
		r.beat(inside, b, run, cancel)
	}()
	turn := &Turn{Book: b, Slot: run.Slot, After: run.After, Now: r.Now(), DB: r.DB, run: run}
	err := contained(inside, turn, j.Do, r.Log)
	if cause := context.Cause(inside); err != nil && inside.Err() != nil && !errors.Is(cause, context.Canceled) {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	cancel()
	<-beats
	if err != nil && ctx.Err() != nil { // the service stops
		r.drop(ctx, b, run)
		return err
	}
	end, done := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer done()
	noted := pg.InTx(end, r.DB, func(tx pgx.Tx) error {
		return runs.End(end, tx, b.ID, run, err, j.When.Next(run.Slot, b.Zone), r.Now())
	})
	if err != nil {
		r.Log.Error("job failed", "book", b.Code, "job", j.Name, "slot", run.Slot, "error", err)
	}
	if noted != nil {
		r.Log.Error("end of a job not noted", "book", b.Code, "job", j.Name, "slot", run.Slot, "error", noted)
	}
	return errors.Join(err, noted)
}

// errPanic is what is noted of a job that panicked; the log has where.
var errPanic = errors.New("panic")

func contained(ctx context.Context, t *Turn, do func(context.Context, *Turn) error, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
			log.Error("a job panicked", "book", t.Book.Code, "job", t.run.Name, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	return do(ctx, t)
}

// beat renews the lease until the run ends. When another process took the slot, or the database was away for as long as the lease lasts, the
// run is broken off.
func (r *Runner) beat(ctx context.Context, b *ledger.Book, run *runs.Run, stop func()) {
	tick := time.NewTicker(r.Lease / 4)
	defer tick.Stop()
	until := time.Now().Add(r.Lease)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		one, cancel := context.WithDeadline(ctx, until)
		err := pg.InTx(one, r.DB, func(tx pgx.Tx) error { return runs.Beat(one, tx, b.ID, run, r.Lease) })
		cancel()
		switch {
		case err == nil:
			until = time.Now().Add(r.Lease)
		case ctx.Err() != nil:
		case errors.Is(err, runs.ErrLost) || time.Now().After(until):
			r.Log.Error("a job's lease is lost", "book", b.Code, "job", run.Name, "slot", run.Slot, "error", err)
			stop()
			return
		}
	}
}

// drop gives back a run that a stop of the service broke off.
func (r *Runner) drop(ctx context.Context, b *ledger.Book, run *runs.Run) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(pg.WithBook(ctx, b.ID)), endTimeout)
	defer cancel()
	err := pg.InTx(ctx, r.DB, func(tx pgx.Tx) error { return runs.Drop(ctx, tx, b.ID, run) })
	if err != nil && !errors.Is(err, runs.ErrLost) {
		r.Log.Error("a broken off job is not given back", "book", b.Code, "job", run.Name, "error", err)
	}
}
