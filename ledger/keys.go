package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/seal"
)

// Errors about the keys that personal data is sealed by.
var (
	ErrNoKeys  = errors.New("book has no keys for personal data")
	ErrKeyLost = errors.New("a key that personal data is sealed by is not on the key ring")
)

const (
	sqlKeysUsed = `select key_id, first_used_at from private.outside_key where book_id = $1 order by first_used_at, key_id`
	sqlKeyUse   = `insert into private.outside_key (book_id, key_id, first_used_at) values ($1, $2, now()) on conflict do nothing`
)

// UseKeys gives a book the keys that personal data is sealed by from now on. ErrNoKeys without a ring; ErrKeyLost when the book
// has data that a key seals which the ring does not have.
func UseKeys(ctx context.Context, tx pgx.Tx, book *Book, ring *seal.Ring) error {
	if ring == nil {
		return ErrNoKeys
	}
	rows, err := tx.Query(ctx, sqlKeysUsed, book.ID)
	if err != nil {
		return fmt.Errorf("read keys in use: %w", err)
	}
	var id string
	var since time.Time
	_, err = pgx.ForEachRow(rows, []any{&id, &since}, func() error {
		if !ring.Has(id) {
			return fmt.Errorf("%w: key %s, in use in book %s since %s", ErrKeyLost, id, book.Code, since.Format(time.DateOnly))
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlKeyUse, book.ID, ring.Current()); err != nil {
		return fmt.Errorf("note key in use: %w", err)
	}
	book.Keys = ring
	return nil
}
