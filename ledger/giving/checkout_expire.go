package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

// expireMax is how many started gifts one transaction ends.
const expireMax = 1000

// Ids of started gifts are in the order of their beginning. A plan whose first gift is not paid is ended by plans.Step.
const sqlCheckoutExpire = `
update checkout c set state = 'failed', ended_at = $4
 where c.book_id = $1 and c.id in (select o.id from checkout o
        where o.book_id = $1 and o.id >= $2 and o.id < $3 and o.state = 'started'
          and not exists (select from plan p where p.book_id = $1 and p.first_gift = o.id)
        order by o.id limit $5 for update skip locked)`

// ExpireCheckouts ends gifts that were started in [from, to) and for which no payment was ever begun or tried, and says how many; again until none
// are left. A payment that comes all the same is booked.
func ExpireCheckouts(ctx context.Context, tx pgx.Tx, book *ledger.Book, from, to, now time.Time) (int, error) {
	tag, err := tx.Exec(ctx, sqlCheckoutExpire, book.ID, startedAt(from), startedAt(to), now, expireMax)
	if err != nil {
		return 0, fmt.Errorf("end started gifts: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// startedAt is the least id that a gift started at a moment can have.
func startedAt(at time.Time) (id uuid.UUID) {
	stamp(&id, at)
	return id
}
