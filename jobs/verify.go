package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/recon"
)

// ErrDiffers means that the book differs from itself. Stop posting, keep everything as it is and find the cause.
var ErrDiffers = errors.New("the books differ from themselves")

const sqlNoHurry = `select set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '0', true)`

// noHurry lets the statements of a transaction take their time.
func noHurry(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, sqlNoHurry); err != nil {
		return fmt.Errorf("read without hurry: %w", err)
	}
	return nil
}

// moment reads in one moment of the database, however long it takes.
func (t *Turn) moment(ctx context.Context, read func(pgx.Tx) error) error {
	return pg.Snapshot(ctx, t.DB, func(tx pgx.Tx) error {
		if err := noHurry(ctx, tx); err != nil {
			return err
		}
		return read(tx)
	})
}

// verify recomputes every figure of the book. What differs is in the error, by the checks' codes.
func verify(ctx context.Context, t *Turn) error {
	var checks []ledger.Check
	err := t.moment(ctx, func(tx pgx.Tx) (err error) {
		checks, err = recon.Verify(ctx, tx, t.Book)
		return err
	})
	if err != nil {
		return err
	}
	compared, differ := 0, []string{}
	for _, c := range checks {
		compared += int(c.Compared)
		if c.DiffersAll > 0 {
			differ = append(differ, fmt.Sprintf("%s %d", c.Code, c.DiffersAll))
		}
	}
	if _, err := t.Tx(ctx, "compared", func(pgx.Tx) (int, error) { return compared, nil }); err != nil {
		return err
	}
	if len(differ) > 0 {
		return fmt.Errorf("%w: %s", ErrDiffers, strings.Join(differ, ", "))
	}
	return nil
}
