package receipts

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Worker issues what batches ask for, posts their letters and voids the receipts of refunded gifts. Several processes may run one: the book's lock
// lets one work at a time.
type Worker struct {
	db    pg.Beginner
	book  *ledger.Book
	clock func() time.Time
	log   *slog.Logger
	woken chan struct{}
}

// NewWorker makes a worker; Run starts it.
func NewWorker(db pg.Beginner, book *ledger.Book, clock func() time.Time, log *slog.Logger) *Worker {
	return &Worker{db: db, book: book, clock: clock, log: log, woken: make(chan struct{}, 1)}
}

// Wake lets the worker look at once.
func (w *Worker) Wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// workEvery is how long a batch or refund waits at most for a worker that nobody woke.
const workEvery = 5 * time.Second

// Run works until ctx ends.
func (w *Worker) Run(ctx context.Context) error {
	tick := time.NewTicker(workEvery)
	defer tick.Stop()
	for {
		for more := true; more && ctx.Err() == nil; {
			var err error
			if more, err = w.Work(ctx); err != nil {
				w.log.Error("receipts", "book", w.book.Code, "error", err)
				break
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-w.woken:
		}
	}
}

// Work does one piece and tells whether there is more.
func (w *Worker) Work(ctx context.Context) (more bool, err error) {
	ctx = pg.WithBook(ctx, w.book.ID)
	err = pg.InTx(ctx, w.db, func(tx pgx.Tx) error {
		n, err := Settle(ctx, tx, w.book, rand.Reader, nil, w.clock())
		more = n == settleMax
		return err
	})
	if err != nil {
		return false, fmt.Errorf("settle receipts: %w", err)
	}
	var steps bool
	err = pg.InTx(ctx, w.db, func(tx pgx.Tx) error {
		steps, err = Step(ctx, tx, w.book, rand.Reader, w.clock())
		return err
	})
	if err != nil {
		return false, err
	}
	var letters bool
	err = pg.InTx(ctx, w.db, func(tx pgx.Tx) error {
		letters, err = MailStep(ctx, tx, w.book, w.clock())
		return err
	})
	return more || steps || letters, err
}
