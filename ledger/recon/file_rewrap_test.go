package recon_test

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
	"sunfund/ledger/recon"
)

// A statement file outlives the key that sealed it.
func TestFilesAreRewrapped(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	body := []byte("not a statement, and kept all the same")
	s := d.source("bank", "camt053", "")
	var f *recon.File
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		f, err = recon.Receive(ctx, tx, d.book, s, recon.NewFile{ID: uuid.New(), Name: "a", Body: body, By: d.by}, start)
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
		if n, err := recon.RewrapFiles(t.Context(), d.db, d.book); n != want || err != nil {
			t.Errorf("%d files, %v", n, err)
		}
	}
	_, err := giving.RewrapDonors(t.Context(), d.db, d.book)
	d.ok(err)
	use(fresh + "\n")
	if got, err := f.Body(t.Context(), d.db, d.book); err != nil || !bytes.Equal(got, body) {
		t.Errorf("%q, %v", got, err)
	}
}
