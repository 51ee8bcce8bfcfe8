package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

const (
	sqlDonorsErase = `
update private.donor set erased_at = $3, name_index = null, email_index = null, key_id = null, key = null, name = null, email = null
 where book_id = $1 and id = any($2::uuid[]) and erased_at is null`

	sqlMessagesErase = `delete from private.message where book_id = $1 and donor_id = any($2::uuid[])`

	sqlLettersErase = `delete from private.letter where book_id = $1 and donor_id = any($2::uuid[])`

	sqlSessionsErase = `delete from private.donor_session where book_id = $1 and donor_id = any($2::uuid[])`

	// One that had ended is told again where the processor knows its donor, so that they are erased there too.
	sqlPlansErase = `
update plan set state = 'ended', reason = 'erased', ended_at = coalesce(ended_at, $3), told_state = case when customer = '' then told_state else '' end
 where book_id = $1 and donor_id = any($2::uuid[]) and (state <> 'ended' or customer <> '' and reason <> 'erased')`

	sqlSignInsErase = `delete from private.sign_in where book_id = $1 and donor_id = any($2::uuid[])`
)

// EraseDonors deletes donors' keys, what they told, letters to them and their sessions, ends their monthly giving, and says how many it erased; who was erased before is left alone.
// Gifts, entries and totals stay as they are, their donors unnamed. ErrErased when nobody was left to erase.
func EraseDonors(ctx context.Context, tx pgx.Tx, book *ledger.Book, ids []uuid.UUID, now time.Time) (n int64, err error) {
	tag, err := tx.Exec(ctx, sqlDonorsErase, book.ID, ids, now)
	if err != nil {
		return 0, fmt.Errorf("erase donors: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return 0, ErrErased
	}
	for _, sql := range []string{sqlMessagesErase, sqlLettersErase, sqlSessionsErase, sqlSignInsErase} {
		if _, err := tx.Exec(ctx, sql, book.ID, ids); err != nil {
			return 0, fmt.Errorf("erase what belongs to donors: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, sqlPlansErase, book.ID, ids, now); err != nil {
		return 0, fmt.Errorf("end plans of donors: %w", err)
	}
	return tag.RowsAffected(), nil
}
