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

const sqlLargestDonors = `
select max(g.donor_id::text)::uuid, count(*), (sum(g.amount) - coalesce(sum((select sum(r.amount) from ` + StandingRefund + ` r where r.book_id = $1 and r.gift_id = g.id)), 0))::int8
  from gift g left join private.donor d on d.book_id = $1 and d.id = g.donor_id
 where g.book_id = $1 and g.donor_id is not null and g.ccy = $2 and g.paid_at >= $3 and g.paid_at < $4
 group by coalesce(d.email_index::text, g.donor_id::text) order by 3 desc, 1 limit $5`

// LargestDonors are those who gave most in the days from..to, the largest first.
func LargestDonors(ctx context.Context, q pg.Querier, book *ledger.Book, from, to time.Time, limit int) ([]DonorSum, error) {
	rows, err := q.Query(ctx, sqlLargestDonors, book.ID, book.Currency, book.Begin(from), book.Begin(to.AddDate(0, 0, 1)), limit)
	if err != nil {
		return nil, fmt.Errorf("find largest donors: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[DonorSum])
	if err != nil {
		return nil, fmt.Errorf("find largest donors: %w", err)
	}
	return list, nil
}
