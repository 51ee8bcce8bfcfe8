package polls_test

import (
	"context"
	"crypto/rand"
	"testing"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pgtest"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
)

// Ballots of an open vote and residents' numbers outlive the key that sealed them, and a number stays one resident: verified once more, it
// is the same person, who has voted already.
func TestKeysAreRewrapped(t *testing.T) {
	w := newWorld(t)
	const number = "138 0000 1234"
	verify := func() (again bool) {
		w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			_, again, err = residents.Verify(ctx, tx, w.book, &w.communities[0], number, an, rand.Reader, now)
			return err
		})
		return again
	}
	if verify() {
		t.Fatal("a new number was known")
	}
	r, err := residents.Find(t.Context(), w.db, w.book, number)
	if err != nil {
		t.Fatal(err)
	}
	w.slips(&w.communities[0], 1) // without a number: nothing of it is sealed
	p := w.poll(approval, 100, 60, 40)
	if err := w.cast(p, r, now, 2); err != nil {
		t.Fatal(err)
	}
	fresh := seal.NewLine()
	use := func(lines string) {
		ring, err := seal.Parse([]byte(lines))
		if err != nil {
			t.Fatal(err)
		}
		w.tx(func(ctx context.Context, tx pgx.Tx) error { return ledger.UseKeys(ctx, tx, w.book, ring) })
	}
	use(fresh + "\n" + pgtest.KeyLine + "\n")
	for _, want := range []int{1, 0} {
		if n, err := residents.Rewrap(t.Context(), w.db, w.book); n != want || err != nil {
			t.Errorf("%d residents, %v; want %d", n, err, want)
		}
		if n, err := polls.Rewrap(t.Context(), w.db, w.book); n != want || err != nil {
			t.Errorf("%d votes, %v; want %d", n, err, want)
		}
	}
	if _, err := giving.RewrapDonors(t.Context(), w.db, w.book); err != nil {
		t.Fatal(err)
	}
	use(fresh + "\n")
	if got, err := residents.Number(t.Context(), w.db, w.book, r.ID); got != "13800001234" || err != nil {
		t.Errorf("number %q, %v", got, err)
	}
	if !verify() {
		t.Error("the same number became a second resident")
	}
	if same, err := residents.Find(t.Context(), w.db, w.book, number); err != nil || same.ID != r.ID {
		t.Errorf("found %+v, %v; want %s", same, err, r.ID)
	}
	if b, err := polls.Mine(t.Context(), w.db, w.book, p, r); err != nil || len(b) != 1 || b[0].Option != 1 {
		t.Errorf("ballot %v, %v", b, err)
	}
	if p = w.close(p); p.State != polls.Closed {
		t.Errorf("vote is %s", p.State)
	}
}
