package jobs

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/runs"
)

// Turn is one run of a job, as its function sees it.
type Turn struct {
	Book  *ledger.Book
	Slot  time.Time // the moment it was due at
	After time.Time // everything up to here was done before
	Now   time.Time

	DB  *pgxpool.Pool // for reading
	run *runs.Run
}

// Tx does a step in a transaction of its own, which also counts what it did under a word. It refuses to commit when another process has
// taken the slot.
func (t *Turn) Tx(ctx context.Context, what string, step func(pgx.Tx) (int, error)) (n int, err error) {
	err = pg.InTx(ctx, t.DB, func(tx pgx.Tx) error {
		if n, err = step(tx); err != nil || n == 0 {
			return err
		}
		return runs.Count(ctx, tx, t.Book.ID, t.run, what, int64(n))
	})
	return n, err
}

// Until repeats a step until it has nothing left to do.
func (t *Turn) Until(ctx context.Context, what string, step func(pgx.Tx) (int, error)) error {
	for {
		if n, err := t.Tx(ctx, what, step); err != nil || n == 0 {
			return err
		}
	}
}

// Once tells, inside a step, whether the run does something for the first time; see runs.Once.
func (t *Turn) Once(ctx context.Context, tx pgx.Tx, what string) (bool, error) {
	return runs.Once(ctx, tx, t.Book.ID, t.run, what)
}
