package giving_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pgtest"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// A seed of match outlives the key that sealed it: rewrapped, it opens by the new key alone; and as long as it is not, the old key is not forgotten.
func TestSeedsAreRewrapped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.event("nine", matchTerms(nil))
	use := func(lines ...string) error {
		return w.try(func(ctx context.Context, tx pgx.Tx) error {
			return ledger.UseKeys(ctx, tx, w.book, newRing(t, lines...))
		})
	}
	fresh := seal.NewLine()
	if err := use(fresh, pgtest.KeyLine); err != nil {
		t.Fatal(err)
	}
	if _, err := giving.RewrapDonors(t.Context(), w.db, w.book); err != nil {
		t.Fatal(err)
	}
	if err := use(fresh); !errors.Is(err, ledger.ErrKeyLost) {
		t.Errorf("the old key, by which the seed is sealed, was forgotten: %v", err)
	}
	for _, want := range []int{1, 0} {
		if n, err := giving.RewrapSeeds(t.Context(), w.db, w.book); n != want || err != nil {
			t.Errorf("%d seeds, %v", n, err)
		}
	}
	if _, err := giving.RewrapDonors(t.Context(), w.db, w.book); err != nil {
		t.Fatal(err)
	}
	if err := use(fresh); err != nil {
		t.Fatal(err)
	}
	w.give(w.from("a", "fund", "g1", 100_00))
	w.wantAmounts(e, giving.MatchAmounts{Pledged: 900_00, Reserved: 100_00})
	w.verify()
}
