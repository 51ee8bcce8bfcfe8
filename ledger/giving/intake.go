package giving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Refusals of the intake itself.
var (
	ErrBusy    = errors.New("too many gifts are waiting")
	ErrClosed  = errors.New("intake is closed")
	ErrTooMany = errors.New("too many gifts in one call")
)

// Limits of the intake, in gifts.
const (
	IntakeBatch = 1000            // in one transaction, and in one call of SubmitAll
	IntakeQueue = 4 * IntakeBatch // waiting; beyond it callers get ErrBusy
)

// batchTimeout bounds the commit of one batch: a server that has fallen silent may not hold up all gifts for ever.
const batchTimeout = 15 * time.Second

// A commit costs as much as some twenty gifts whatever is in it. Callers who were just answered come again at once, so after
// a commit the intake waits for them a moment: until half as many gifts wait as the last batch had, at most gatherShare of the time
// that it took and never longer than gatherMax. A gift that came alone makes nobody wait.
const (
	gatherShare = 4 // a quarter
	gatherMax   = 2 * time.Millisecond
)

// Intake books the paid gifts of one book for many callers at once: what comes while a commit is under way is the next
// batch. An answer is given after a durable commit only. Several
// intakes on one database are as safe as one.
type Intake struct {
	db   pg.Beginner
	book *ledger.Book

	mu      sync.Mutex
	queue   []*call
	waiting int // gifts in queue
	enough  int // gifts in queue that wake the committer
	closed  bool

	wake chan struct{} // capacity 1: enough is in the queue
	done chan struct{} // the committer has ended
	stop context.CancelFunc
}

// call is what one caller waits for.
type call struct {
	paid     []Paid
	outcomes []Outcome
	err      error
	state    atomic.Int32
	answered chan struct{}
}

// A call that its caller gave up is dropped only as long as nobody has taken it.
const (
	callWaiting = iota
	callTaken
	callGone
)

// NewIntake starts an intake for a book. Close ends it.
func NewIntake(db pg.Beginner, book *ledger.Book) *Intake {
	ctx, stop := context.WithCancel(context.Background())
	in := &Intake{db: db, book: book, wake: make(chan struct{}, 1), done: make(chan struct{}), stop: stop}
	go in.run(ctx)
	return in
}

// Submit books one gift and waits for the commit. The error is the gift's own refusal, ErrBusy, ErrClosed,
// or what kept the batch from being booked; pg.ErrUnknown when the caller stopped waiting while it was being
// booked: then only sending the same gift again tells.
func (in *Intake) Submit(ctx context.Context, p Paid) (Outcome, error) {
	outcomes, err := in.SubmitAll(ctx, []Paid{p})
	if err != nil {
		return Outcome{}, err
	}
	return outcomes[0], outcomes[0].Err
}

// SubmitAll books up to IntakeBatch gifts in one transaction with whatever else waits; a refused one is
// told by its Outcome.Err. Errors are those of Submit, and ErrTooMany.
func (in *Intake) SubmitAll(ctx context.Context, paid []Paid) ([]Outcome, error) {
	if len(paid) == 0 {
		return nil, nil
	}
	paid = slices.Clone(paid)
	if err := sealAll(in.book, paid); err != nil { // here and not in the committer, for which all others wait
		return nil, err
	}
	c := &call{paid: paid, answered: make(chan struct{})}
	if err := in.enqueue(c); err != nil {
		return nil, err
	}
	select {
	case <-c.answered:
	case <-ctx.Done():
		if c.state.CompareAndSwap(callWaiting, callGone) {
			return nil, fmt.Errorf("wait for the intake: %w", ctx.Err())
		}
		select {
		case <-c.answered:
		default:
			return nil, fmt.Errorf("wait for the intake: %w: %w", pg.ErrUnknown, ctx.Err())
		}
	}
	return c.outcomes, c.err
}

func (in *Intake) enqueue(c *call) error {
	if len(c.paid) > IntakeBatch {
		return fmt.Errorf("%w: %d of at most %d", ErrTooMany, len(c.paid), IntakeBatch)
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.closed:
		return ErrClosed
	case in.waiting+len(c.paid) > IntakeQueue:
		return ErrBusy
	}
	in.queue = append(in.queue, c)
	in.waiting += len(c.paid)
	if in.waiting >= in.enough {
		in.call()
	}
	return nil
}

// call wakes the committer.
func (in *Intake) call() {
	select {
	case in.wake <- struct{}{}:
	default:
	}
}

// Close takes no more gifts, books those that wait and returns when all are answered. When ctx ends first, the batch
// under way is broken off; its callers are told that its outcome is unknown or that it failed.
func (in *Intake) Close(ctx context.Context) error {
	in.mu.Lock()
	if !in.closed {
		in.closed = true
		close(in.wake)
	}
	in.mu.Unlock()
	defer in.stop()
	select {
	case <-in.done:
		return nil
	case <-ctx.Done():
		in.stop()
		<-in.done
		return fmt.Errorf("close intake: %w", ctx.Err())
	}
}

// run is the committer.
func (in *Intake) run(ctx context.Context) {
	defer close(in.done)
	for range in.wake {
		in.drain(ctx)
	}
	in.drain(ctx)
}

func (in *Intake) drain(ctx context.Context) {
	for calls := in.take(); len(calls) > 0; calls = in.take() {
		begun := time.Now()
		gifts := in.bookCalls(ctx, calls)
		in.gather(gifts/2, min(time.Since(begun)/gatherShare, gatherMax))
	}
}

// gather waits until enough gifts are in the queue, no longer than patience.
func (in *Intake) gather(enough int, patience time.Duration) {
	in.mu.Lock()
	if in.waiting >= enough || in.closed {
		in.mu.Unlock()
		return
	}
	in.enough = enough
	select { // what was called for before is in the queue
	case <-in.wake:
	default:
	}
	in.mu.Unlock()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-in.wake:
	case <-late.C:
	}
	in.mu.Lock()
	in.enough = 0
	in.mu.Unlock()
}

// take gives the calls of the next batch, in the order they came.
func (in *Intake) take() []*call {
	in.mu.Lock()
	defer in.mu.Unlock()
	var calls []*call
	gifts, n := 0, 0
	for _, c := range in.queue {
		if gifts+len(c.paid) > IntakeBatch {
			break
		}
		n++
		in.waiting -= len(c.paid)
		if c.state.CompareAndSwap(callWaiting, callTaken) {
			calls = append(calls, c)
			gifts += len(c.paid)
		}
	}
	rest := copy(in.queue, in.queue[n:])
	clear(in.queue[rest:])
	in.queue = in.queue[:rest]
	return calls
}

// bookCalls books one batch, answers its callers and tells how many gifts it had.
func (in *Intake) bookCalls(ctx context.Context, calls []*call) int {
	var paid []Paid
	for _, c := range calls {
		paid = append(paid, c.paid...)
	}
	ctx, cancel := context.WithTimeout(ctx, batchTimeout)
	defer cancel()
	outcomes, err := Commit(ctx, in.db, in.book, paid)
	if i := slices.IndexFunc(outcomes, func(o Outcome) bool { return o.Stopped != nil }); i >= 0 {
		slog.Error("event of match stopped; gifts are booked without it", "book", in.book.Code, "gift", outcomes[i].ID, "error", outcomes[i].Stopped)
	}
	for _, c := range calls {
		if err != nil {
			c.err = err
		} else {
			c.outcomes, outcomes = outcomes[:len(c.paid):len(c.paid)], outcomes[len(c.paid):]
		}
		close(c.answered)
	}
	return len(paid)
}
