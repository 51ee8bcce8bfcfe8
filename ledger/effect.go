package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
)

// Effect is what an entry did to one fund: income and expense, minor units of the book's currency. Both are zero where money only
// changed its place.
type Effect struct{ In, Out int64 }

const sqlEffects = `
select e.id, coalesce(-sum(p.amount) filter (where a.chart = any($5::text[])), 0)::int8, coalesce(sum(p.amount) filter (where a.chart = any($6::text[])), 0)::int8
  from unnest($2::uuid[]) x(id)
 cross join lateral (select id, accounts, seqs from entry where book_id = $1 and id = x.id limit 1) e
 cross join lateral unnest(e.accounts, e.seqs) u(account_id, seq)
 cross join lateral (select amount, fund_id from posting where book_id = $1 and account_id = u.account_id and seq = u.seq limit 1) p
 cross join lateral (select chart, ccy from account where book_id = $1 and account_id = u.account_id limit 1) a
 where p.fund_id = $3 and a.ccy = $4
 group by e.id`

// Effects tells for each of the entries what it did to the fund.
func Effects(ctx context.Context, q pg.Querier, book *Book, fund int32, entries []uuid.UUID) (map[uuid.UUID]Effect, error) {
	var income, expense []string
	for _, a := range chart.All() {
		switch a.Type {
		case chart.Income:
			income = append(income, string(a.ID))
		case chart.Expense:
			expense = append(expense, string(a.ID))
		}
	}
	rows, err := q.Query(ctx, sqlEffects, book.ID, entries, fund, book.Currency, income, expense)
	if err != nil {
		return nil, fmt.Errorf("read effects of entries: %w", err)
	}
	found := map[uuid.UUID]Effect{}
	var id uuid.UUID
	var e Effect
	if _, err := pgx.ForEachRow(rows, []any{&id, &e.In, &e.Out}, func() error { found[id] = e; return nil }); err != nil {
		return nil, fmt.Errorf("read effects of entries: %w", err)
	}
	return found, nil
}
