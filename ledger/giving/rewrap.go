package giving

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
)

// Wraps says where keys are that an outside key wraps.
type Wraps struct {
	What   string // for errors
	Behind string // a query of id as text, the outside key's name and the wrapped key, of a book, behind an id, not by that outside key, so many, for update
	Update string // a statement for a book, an id as text, the outside key's name and the wrapped key
	Place  func(id string) string
	Also   func(ctx context.Context, tx pgx.Tx, id string) error // what else of the row an outside key made; nil: nothing
}

// Rewrap wraps such keys by the first key of the book's ring, and says how many. It may be broken off and begun again; the service goes
// on meanwhile, with a ring that has both keys. Run it before RewrapDonors, which forgets outside keys that seal nothing any more.
func Rewrap(ctx context.Context, db pg.Beginner, book *ledger.Book, w Wraps) (n int, err error) {
	ctx = pg.WithBook(ctx, book.ID)
	after := ""
	for {
		some, last := 0, after // the transaction may be tried twice
		err := pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
			some, last, err = w.some(ctx, tx, book, after)
			return err
		})
		if err != nil {
			return n, fmt.Errorf("rewrap %s: %w", w.What, err)
		}
		n, after = n+some, last
		if some < rewrapBatch {
			return n, nil
		}
	}
}

type wrappedRow struct {
	id string
	seal.Wrapped
}

func (w *Wraps) some(ctx context.Context, tx pgx.Tx, book *ledger.Book, after string) (n int, last string, err error) {
	rows, err := tx.Query(ctx, w.Behind, book.ID, after, book.Keys.Current(), rewrapBatch)
	if err != nil {
		return 0, after, err
	}
	behind, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r wrappedRow, err error) {
		return r, row.Scan(&r.id, &r.By, &r.Key)
	})
	if err != nil {
		return 0, after, err
	}
	for _, r := range behind {
		now, err := book.Keys.Rewrap(r.Wrapped, w.Place(r.id))
		if err != nil {
			return 0, after, fmt.Errorf("%s: %w", r.id, err)
		}
		if err := Settled(ctx, tx, w.Update, book.ID, r.id, now.By, now.Key); err != nil {
			return 0, after, err
		}
		if w.Also != nil {
			if err := w.Also(ctx, tx, r.id); err != nil {
				return 0, after, fmt.Errorf("%s: %w", r.id, err)
			}
		}
		after = r.id
	}
	return len(behind), after, nil
}

const (
	sqlSeedsBehind = `
select event_id::text, sealed_by, sealed_key from match_seed
 where book_id = $1 and event_id::text > $2 and sealed_by <> $3 order by event_id::text limit $4 for update`

	sqlSeedRewrap = `update match_seed set sealed_by = $3, sealed_key = $4 where book_id = $1 and event_id = $2::text::int4`
)

// RewrapSeeds wraps the keys of the seeds of match that are still secret, and says how many.
func RewrapSeeds(ctx context.Context, db pg.Beginner, book *ledger.Book) (int, error) {
	return Rewrap(ctx, db, book, Wraps{What: "seeds of match", Behind: sqlSeedsBehind, Update: sqlSeedRewrap, Place: func(id string) string {
		return fmt.Sprintf("book %d match event %s", book.ID, id)
	}})
}
