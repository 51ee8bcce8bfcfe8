package receipts

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

// Work does the next piece of what waits: it makes receipts of refunded gifts void, issues what the running batch asks for, and posts a batch's
// letters. It says how many pieces it did; none means that nothing waits. Several processes may: the book's lock lets one work at a time.
func Work(ctx context.Context, tx pgx.Tx, book *ledger.Book, random io.Reader, now time.Time) (n int, err error) {
	if n, err = Settle(ctx, tx, book, random, nil, now); err != nil {
		return 0, fmt.Errorf("settle receipts: %w", err)
	}
	if n > 0 {
		return n, nil
	}
	for _, step := range []func() (bool, error){
		func() (bool, error) { return Step(ctx, tx, book, random, now) },
		func() (bool, error) { return MailStep(ctx, tx, book, now) },
	} {
		if more, err := step(); err != nil || more {
			return 1, err
		}
	}
	return 0, nil
}
