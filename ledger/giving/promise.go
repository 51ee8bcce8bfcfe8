package giving

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Promised is what others have undertaken to give a campaign and have not given yet: minor units of the
// book's currency, from its memo accounts. It is never part of what is received.
type Promised struct {
	Subsidy int64 // by a street
	Pledge  int64 // by word of a donor
	Match   int64 // match won, not paid
}

const sqlPromised = `
select coalesce(sum(b.balance) filter (where a.chart = 'subsidy'), 0)::int8,
       coalesce(sum(b.balance) filter (where a.chart = 'pledge'), 0)::int8,
       coalesce(sum(b.balance) filter (where a.chart = 'match.earned'), 0)::int8
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.campaign = $2 and a.ccy = $3`

// PromisedTo reads what is promised to a campaign.
func PromisedTo(ctx context.Context, q pg.Querier, book *ledger.Book, campaign int32) (Promised, error) {
	rows, err := q.Query(ctx, sqlPromised, book.ID, campaignTag(campaign), book.Currency)
	if err != nil {
		return Promised{}, fmt.Errorf("read promises: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Promised])
	if err != nil {
		return Promised{}, fmt.Errorf("read promises: %w", err)
	}
	return p, nil
}
