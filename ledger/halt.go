package ledger

import (
	"context"
	"errors"
	"fmt"

	"sunfund/internal/pg"
)

// ErrHalted means that a fund does not balance, or a project is over its limit (a break of severity 0): no money leaves the book until that is
// cleared.
var ErrHalted = errors.New("payments are stopped: a fund does not balance")

const sqlHalted = `select exists (select from break_item where book_id = $1 and type = 'B14' and ended_at is null)`

// MayPayOut refuses with ErrHalted while the equations of the book's funds are broken. Whoever sends money out asks it first, in the transaction that
// does.
func MayPayOut(ctx context.Context, q pg.Querier, book int32) error {
	var halted bool
	if err := q.QueryRow(ctx, sqlHalted, book).Scan(&halted); err != nil {
		return fmt.Errorf("look whether payments are stopped: %w", err)
	}
	if halted {
		return ErrHalted
	}
	return nil
}
