package payments

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Late is something that has waited longer than its rule allows.
type Late struct {
	Rule   string // receipt-open, …
	Object string
	Name   string // as people call it
	Since  time.Time
	Days   int // waited so far
	Amount int64
}

const sqlOverdue = `
select 'receipt-open', 'bank-receipt:' || id, ref, day, $2::date - day, amount
  from bank_receipt where book_id = $1 and state = 'open' and day < $2::date - $3::int4
 order by 4, 2 limit 500`

// Overdue lists what is late on a day, longest first: unidentified receipts after UnidentifiedDays.
func Overdue(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) ([]Late, error) {
	rows, err := q.Query(ctx, sqlOverdue, book.ID, day, UnidentifiedDays)
	if err != nil {
		return nil, fmt.Errorf("list what is late: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Late])
}
