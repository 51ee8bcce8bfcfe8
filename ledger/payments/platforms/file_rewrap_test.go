package platforms_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pgtest"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
)

// A file of a platform outlives the key that sealed it.
func TestFilesAreRewrapped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	body := []byte("a table, kept as it came")
	var f *platforms.File
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		id, err := platforms.Keep(ctx, tx, d.book, uuid.New(), "a.csv", body, d.by, start)
		if err != nil {
			return err
		}
		f, err = platforms.FileByID(ctx, tx, d.book, id)
		return err
	})
	fresh := seal.NewLine()
	use := func(lines string) {
		ring, err := seal.Parse([]byte(lines))
		d.ok(err)
		d.tx(func(ctx context.Context, tx pgx.Tx) error { return ledger.UseKeys(ctx, tx, d.book, ring) })
	}
	use(fresh + "\n" + pgtest.KeyLine + "\n")
	for _, want := range []int{1, 0} {
		if n, err := platforms.RewrapFiles(t.Context(), d.db, d.book); n != want || err != nil {
			t.Errorf("%d files, %v", n, err)
		}
	}
	_, err := giving.RewrapDonors(t.Context(), d.db, d.book)
	d.ok(err)
	use(fresh + "\n")
	if got, err := f.Body(t.Context(), d.db, d.book); err != nil || !bytes.Equal([]byte(got), body) {
		t.Errorf("%q, %v", got, err)
	}
}
