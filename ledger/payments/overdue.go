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

// Days that cash may wait (R17): counted and booked within a week of opening, banked within three working days.
const (
	CountDays = 7
	BankDays  = 3
)

// Working days are Monday to Friday; a public holiday makes a row appear early, never late.
const sqlOverdue = `
with workdays (d) as (
  select d::date from generate_series($2::date - 14, $2::date, interval '1 day') d where extract(isodow from d) < 6
), latest as (
  select d from workdays where d < $2::date order by d desc offset $5 - 1 limit 1
)
select 'receipt-open', 'bank-receipt:' || id, ref, day, $2::date - day, amount
  from bank_receipt where book_id = $1 and state = 'open' and day < $2::date - $3::int4
union all
select 'box-open', 'box:' || id, code || ' ' || place, since, $2::date - since, 0
  from box where book_id = $1 and state = 'sealed' and since + open_days < $2::date
union all
select 'box-count', 'box:' || id, code || ' ' || place, since, $2::date - since, 0
  from box where book_id = $1 and state in ('opening', 'opened') and since < $2::date - $4::int4
union all
select 'count-confirm', 'cash-count:' || id, to_char(day, 'YYYY-MM-DD'), day, $2::date - day, 0
  from cash_count where book_id = $1 and state = 'counted' and day < $2::date - $4::int4
union all
select 'count-bank', 'cash-count:' || id, to_char(day, 'YYYY-MM-DD'), day, $2::date - day, counted
  from cash_count, latest where book_id = $1 and state = 'confirmed' and deposit_id is null and counted > 0 and day < latest.d
union all
select 'deposit-bank', 'deposit:' || id, bag, day, $2::date - day, amount
  from cash_deposit, latest where book_id = $1 and state = 'carried' and day < latest.d
 order by 4, 2 limit 500`

// Overdue lists what is late on a day, longest first: unidentified receipts after UnidentifiedDays, boxes not opened in time or
// not counted within CountDays, counts without a second person, cash that is not at the bank within BankDays working days.
func Overdue(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) ([]Late, error) {
	rows, err := q.Query(ctx, sqlOverdue, book.ID, day, UnidentifiedDays, CountDays, BankDays)
	if err != nil {
		return nil, fmt.Errorf("list what is late: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Late])
}
