package recon

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Transit is money on its way on a day (1009.02, 1009.03): an entry that sent it, and how much of that has not arrived. What arrives is set against what was sent
// in the same amount, else against the oldest.
type Transit struct {
	Chart   chart.ID
	Fund    int32
	Entry   uuid.UUID
	Day     time.Time
	Summary string
	Amount  int64 // minor units of the book's currency, debit positive
}

const sqlTransit = `
select a.account_id, a.chart, a.fund_id, e.id, e.effective_on, coalesce(d.summary, ''), p.amount
  from account a
  join posting p on p.book_id = $1 and p.account_id = a.account_id
 cross join lateral (select id, effective_on from entry where book_id = $1 and id = p.entry_id limit 1) e
  left join document d on d.book_id = $1 and d.entry_id = e.id
 where a.book_id = $1 and a.ccy = $2 and a.chart in ('psp.transit', 'pay.transit') and e.effective_on <= $3
 order by a.chart desc, a.account_id, e.effective_on, p.seq`

// InTransit lists what was on its way at the end of a day.
func InTransit(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) ([]Transit, error) {
	rows, err := q.Query(ctx, sqlTransit, book.ID, book.Currency, day)
	if err != nil {
		return nil, fmt.Errorf("read money on its way: %w", err)
	}
	var all, open []Transit // open of one account
	var last, account int32
	var t Transit
	if _, err := pgx.ForEachRow(rows, []any{&account, &t.Chart, &t.Fund, &t.Entry, &t.Day, &t.Summary, &t.Amount}, func() error {
		if account != last {
			all, open, last = append(all, open...), nil, account
		}
		open = settle(open, t)
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read money on its way: %w", err)
	}
	return append(all, open...), nil
}

// settle takes a movement off what is open, or adds it.
func settle(open []Transit, t Transit) []Transit {
	if at := slices.IndexFunc(open, func(o Transit) bool { return o.Amount == -t.Amount }); at >= 0 {
		return slices.Delete(open, at, at+1)
	}
	for len(open) > 0 && (open[0].Amount < 0) != (t.Amount < 0) {
		switch open[0].Amount += t.Amount; {
		case open[0].Amount == 0:
			return open[1:]
		case (open[0].Amount < 0) != (t.Amount < 0):
			return open // a part of the oldest is left
		}
		t.Amount = open[0].Amount
		open = open[1:]
	}
	return append(open, t)
}
