package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

// giftAnonymous is whether the donor of a gift g stays unnamed: what was wished last, or what was said with the gift.
const giftAnonymous = `coalesce((select w.anonymous from gift_wish w where w.book_id = g.book_id and w.gift_id = g.id order by w.n desc limit 1), g.anonymity = 1)`

const sqlWishInsert = `
insert into gift_wish (book_id, gift_id, n, anonymous, wished_at)
select $1, g.id, coalesce((select max(w.n) from gift_wish w where w.book_id = g.book_id and w.gift_id = g.id), 0) + 1, $3, $4
  from gift g where g.book_id = $1 and g.id = $2 and ` + giftAnonymous + ` <> $3`

// WishAnonymous notes whether a gift's donor is named from now on, wherever names are shown; earlier wishes stay on record. The
// wish that stands already changes nothing.
func WishAnonymous(ctx context.Context, tx pgx.Tx, book *ledger.Book, gift uuid.UUID, anonymous bool, now time.Time) error {
	if _, err := tx.Exec(ctx, sqlWishInsert, book.ID, gift, anonymous, now); err != nil {
		return fmt.Errorf("note wish about a name: %w", err)
	}
	return nil
}
