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

// PaidMatch is one step by which match of a pool was paid, clawed back or returned.
type PaidMatch struct {
	ID        uuid.UUID // of the request that two people signed
	Pool      string
	Kind      string // PaySettled, PayClawed, PayClawedOwn, PayReturned or PayRolled
	Amount    int64  // minor units of the book's currency
	Campaigns int    // that it was shared among; 0 of what is of no campaign
	Day       time.Time
	BankRef   string
	By        uuid.UUID
	Second    uuid.UUID
	At        time.Time
}

const sqlPaidMatch = `
select id, pool, kind, sum(amount)::int8, count(*) filter (where campaign_id <> 0), day, bank_ref, by_person, second, at
  from match_payment
 where book_id = $1 and event_id = $2 and id < $3
 group by id, pool, kind, day, bank_ref, by_person, second, at
 order by id desc, pool limit $4`

// PaidMatches lists the payments of an event, newest first, before one of them (uuid.Max: from the newest on); at most limit.
func PaidMatches(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, before uuid.UUID, limit int) ([]PaidMatch, error) {
	rows, err := q.Query(ctx, sqlPaidMatch, book.ID, event, before, pageSize(limit))
	if err != nil {
		return nil, fmt.Errorf("list payments of match: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[PaidMatch])
}
