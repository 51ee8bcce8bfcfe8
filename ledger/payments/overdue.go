package payments

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/law"
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

// What is older than $4 should have been counted, than $5 be at the bank; null where no law says by when. Working days are Monday to Friday: a public
// holiday makes a row appear early, never late.
const sqlOverdue = `
select 'receipt-open', 'bank-receipt:' || id, ref, day, $2::date - day, amount
  from bank_receipt where book_id = $1 and state = 'open' and day < $2::date - $3::int4
union all
select 'box-open', 'box:' || id, code || ' ' || place, since, $2::date - since, 0
  from box where book_id = $1 and state = 'sealed' and since + open_days < $2::date
union all
select 'box-count', 'box:' || id, code || ' ' || place, since, $2::date - since, 0
  from box where book_id = $1 and state in ('opening', 'opened') and since < $4::date
union all
select 'count-confirm', 'cash-count:' || id, to_char(day, 'YYYY-MM-DD'), day, $2::date - day, 0
  from cash_count where book_id = $1 and state = 'counted' and day < $4::date
union all
select 'count-bank', 'cash-count:' || id, to_char(day, 'YYYY-MM-DD'), day, $2::date - day, counted
  from cash_count where book_id = $1 and state = 'confirmed' and deposit_id is null and counted > 0 and day < $5::date
union all
select 'deposit-bank', 'deposit:' || id, bag, day, $2::date - day, amount
  from cash_deposit where book_id = $1 and state = 'carried' and day < $5::date
 order by 4, 2 limit 500`

// Overdue lists what is late on a day, longest first: unidentified receipts after UnidentifiedDays, boxes not opened in time or
// not counted in time, counts without a second person, cash that is not at the bank in time (R17).
func Overdue(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) ([]Late, error) {
	l, err := law.Read(ctx, q, book)
	if err != nil {
		return nil, err
	}
	var latest [2]*time.Time
	for i, name := range []string{"book", "bank"} {
		if p, ok := l.Figure("R17", name, day); ok {
			before := p.Before(day)
			latest[i] = &before
		}
	}
	rows, err := q.Query(ctx, sqlOverdue, book.ID, day, UnidentifiedDays, latest[0], latest[1])
	if err != nil {
		return nil, fmt.Errorf("list what is late: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Late])
}
