package recon

import (
	"context"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

const (
	sqlFilesBehind = `
select id::text, sealed_by, sealed_key from source_file where book_id = $1 and id::text > $2 and sealed_by <> $3 order by id::text limit $4 for update`

	sqlFileRewrap = `update source_file set sealed_by = $3, sealed_key = $4 where book_id = $1 and id = $2::text::uuid`
)

// RewrapFiles wraps the keys of statement files by the first key of the book's ring, and says how many; what they seal stays as it is.
func RewrapFiles(ctx context.Context, db pg.Beginner, book *ledger.Book) (int, error) {
	return giving.Rewrap(ctx, db, book, giving.Wraps{What: "statement files", Behind: sqlFilesBehind, Update: sqlFileRewrap, Place: func(id string) string {
		return filePlace(book, uuid.MustParse(id)) // as the database writes it
	}})
}
