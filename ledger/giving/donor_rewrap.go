package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
)

// rewrapBatch is how many donors are sealed anew in one transaction.
const rewrapBatch = 500

const (
	sqlDonorsBehind = `
select id, key_id, key, name, email from private.donor
 where book_id = $1 and id > $2 and key_id <> $3
 order by id limit $4
   for update`

	sqlDonorsRewrap = `
update private.donor d set key_id = $2, key = u.key, name_index = u.name_index, email_index = u.email_index
  from unnest($3::uuid[], $4::bytea[], $5::int8[], $6::int8[]) u(id, key, name_index, email_index)
 where d.book_id = $1 and d.id = u.id`

	// Keys that seal nothing any more.
	sqlKeysDone = `
delete from private.outside_key k
 where book_id = $1 and key_id <> $2
   and not exists (select from private.donor d where d.book_id = $1 and d.key_id = k.key_id)
   and not exists (select from match_seed m where m.book_id = $1 and m.sealed_by = k.key_id)
   and not exists (select from source_file f where f.book_id = $1 and f.sealed_by = k.key_id)
   and not exists (select from platform_file f where f.book_id = $1 and f.sealed_by = k.key_id)`
)

// RewrapDonors seals by the first key of the book's ring what older ones seal: each donor's key, and where names and addresses
// are found. It says how many donors it changed. It may be broken off and begun again; the service goes on meanwhile, with a
// ring that has both keys. It forgets the older keys once nothing of the book is sealed by them: run it after the other rewraps.
func RewrapDonors(ctx context.Context, db pg.Beginner, book *ledger.Book) (n int, err error) {
	ctx = pg.WithBook(ctx, book.ID)
	var after uuid.UUID
	for done := false; !done; {
		var some int // the transaction may be tried twice
		var to uuid.UUID
		err := pg.InTx(ctx, db, func(tx pgx.Tx) error {
			changed, last, err := rewrapSome(ctx, tx, book, after)
			if err != nil {
				return err
			}
			if done = changed < rewrapBatch; done {
				_, err = tx.Exec(ctx, sqlKeysDone, book.ID, book.Keys.Current())
			}
			some, to = changed, last
			return err
		})
		if err != nil {
			return n, fmt.Errorf("rewrap donors: %w", err)
		}
		n, after = n+some, to
	}
	return n, nil
}

func rewrapSome(ctx context.Context, tx pgx.Tx, book *ledger.Book, after uuid.UUID) (n int, last uuid.UUID, err error) {
	rows, err := tx.Query(ctx, sqlDonorsBehind, book.ID, after, book.Keys.Current(), rewrapBatch)
	if err != nil {
		return 0, after, err
	}
	behind, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s sealed, err error) {
		return s, row.Scan(&s.donor, &s.by, &s.key, &s.name, &s.email)
	})
	if err != nil || len(behind) == 0 {
		return 0, after, err
	}
	var now donorRows
	for i := range behind {
		s := &behind[i]
		told, err := s.open(book, uuid.Nil)
		if err != nil {
			return 0, after, err
		}
		wrapped, err := book.Keys.Rewrap(seal.Wrapped{By: *s.by, Key: s.key}, donorPlace(book, *s.donor))
		if err != nil {
			return 0, after, fmt.Errorf("donor %s: %w", *s.donor, err)
		}
		s.key = wrapped.Key
		if told.Name != "" {
			s.nameIndex = index(book, placeName, told.Name)
		}
		if told.Email != "" {
			s.emailIndex = index(book, placeEmail, told.Email)
		}
		now.add(s, uuid.Nil, time.Time{})
	}
	_, err = tx.Exec(ctx, sqlDonorsRewrap, book.ID, book.Keys.Current(), now.id, now.key, now.nameIndex, now.emailIndex)
	return len(behind), now.id[len(now.id)-1], err
}
