package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// DonorSum is what a donor gave in some days, by whichever names with one e-mail address. Amounts are minor units of the book's currency.
type DonorSum struct {
	Donor  uuid.UUID // the latest record of the donor
	Gifts  int64
	Amount int64 // less refunds
}

// $2: the moment until which it was recorded, null for now.
const (
	sqlLargestDonors = `
select max(g.donor_id::text)::uuid, count(*), (sum(g.amount) - coalesce(sum((` + refundedThen + `)), 0))::int8
  from gift g left join private.donor d on d.book_id = $1 and d.id = g.donor_id
 where g.book_id = $1 and g.donor_id is not null and g.ccy = $3 and g.paid_at >= $4 and g.paid_at < $5
   and ($2::timestamptz is null or exists (select from entry e where e.book_id = $1 and e.id = g.id and e.recorded_at <= $2))
 group by coalesce(d.email_index::text, g.donor_id::text) order by 3 desc, 1 limit $6`

	sqlRefundedThen = `
select g.id, coalesce((` + refundedThen + `), 0)::int8
  from unnest($3::uuid[]) g(id) join entry e on e.book_id = $1 and e.id = g.id and e.recorded_at <= $2`

	// What was given back of gift g. A refund that a processor could not carry out counts until that is known.
	refundedThen = `
select sum(r.amount) from refund r
 where r.book_id = $1 and r.gift_id = g.id
   and ($2::timestamptz is null or exists (select from entry e where e.book_id = $1 and e.id = r.id and e.recorded_at <= $2))
   and not exists (select from refund_failure f where f.book_id = $1 and f.refund_id = r.id
                      and ($2 is null or exists (select from entry e where e.book_id = $1 and e.id = f.entry_id and e.recorded_at <= $2)))`
)

// LargestDonors are those who gave most in the days from..to, the largest first; as it was recorded until a moment, unless that is zero.
func LargestDonors(ctx context.Context, q pg.Querier, book *ledger.Book, from, to, recorded time.Time, limit int) ([]DonorSum, error) {
	rows, err := q.Query(ctx, sqlLargestDonors, book.ID, pg.TimeOrNull(recorded), book.Currency, book.Begin(from), book.Begin(to.AddDate(0, 0, 1)), limit)
	if err != nil {
		return nil, fmt.Errorf("find largest donors: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DonorSum])
	if err != nil {
		return nil, fmt.Errorf("find largest donors: %w", err)
	}
	return list, nil
}

// RefundedThen says which of the gifts were recorded until a moment, and what of each had been given back by then: minor units of the gift's currency.
func RefundedThen(ctx context.Context, q pg.Querier, book *ledger.Book, gifts []uuid.UUID, recorded time.Time) (map[uuid.UUID]int64, error) {
	rows, err := q.Query(ctx, sqlRefundedThen, book.ID, recorded, gifts)
	if err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	all := map[uuid.UUID]int64{}
	var id uuid.UUID
	var amount int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &amount}, func() error {
		all[id] = amount
		return nil
	}); err != nil {
		return nil, fmt.Errorf("read refunds: %w", err)
	}
	return all, nil
}
