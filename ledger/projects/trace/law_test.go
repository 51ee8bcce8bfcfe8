package trace

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/law"
)

// R04: a gift with a day is used by that day, wherever it was moved; R05: a gift with a cap of its own is levied under that and not its fund's.
func TestAgreedTerms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gifts := w.gives(0, 0, 100_00, 50_33)
	by := ledger.Day(2026, time.December, 31)
	w.tx(func(tx pgx.Tx) error {
		if err := law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2020, time.January, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, w.now); err != nil {
			return err
		}
		for i, f := range []law.Fact{{Item: "spend_by", Day: &by}, {Item: "fee_cap", Amount: 300}} {
			f.ID, f.Rule, f.Object, f.Words, f.EnteredBy, f.EnteredAt = uuid.New(), "R04", "gift:"+gifts[i].String(), "协议第三条", uuid.New(), w.now
			if err := law.Enter(w.ctx, tx, w.book, f); err != nil {
				return err
			}
		}
		return nil
	})
	levy := func(want law.LevyState) {
		t.Helper()
		if s, err := law.LevyOf(w.ctx, w.db, w.book, w.funds[1].ID, 500); err != nil || s != want {
			t.Errorf("%+v, %v, want %+v", s, err, want)
		}
	}
	levy(law.LevyState{BP: 500, Base: 150_33, Own: 50_33, OwnCap: 1_50, Cap: 6_50, Left: 6_50}) // 5 % of 100.00 and 3 % of 50.33, each rounded down
	stands := func(today time.Time, state law.State, waiting int64) {
		t.Helper()
		f, err := law.LookAt(w.ctx, w.db, w.book, "R04", today.Year(), today)
		if err != nil {
			t.Fatal(err)
		}
		left := int64(-1)
		for _, s := range f.Steps {
			if s.EN == "Not used yet" {
				left = *s.Sum
			}
		}
		if f.State != state || left != waiting {
			t.Errorf("on %s it is %s with %d not used, want %s and %d", today.Format(time.DateOnly), f.State, left, state, waiting)
		}
	}
	stands(ledger.Day(2026, time.October, 1), law.Holds, 100_00) // not followed yet
	w.follows(1)
	stands(ledger.Day(2026, time.December, 8), law.Holds, 100_00) // 91 of 114 days
	stands(ledger.Day(2026, time.December, 9), law.Warned, 100_00)
	stands(ledger.Day(2027, time.January, 1), law.Broken, 100_00)
	w.pays(1, 60_00, false)
	w.follows(1)
	stands(ledger.Day(2027, time.January, 1), law.Broken, 40_00)
	w.moves(1, 2, 40_00, false)
	w.follows(1)
	stands(ledger.Day(2027, time.January, 1), law.Broken, 40_00) // in another fund it still waits
	w.pays(2, 40_00, false)
	w.follows(1)
	stands(ledger.Day(2027, time.January, 1), law.Holds, 0)
	w.refunds(gifts[1], 50_33)
	levy(law.LevyState{BP: 500, Base: 100_00, Cap: 5_00, Left: 5_00})
	capped := func(want int64) {
		t.Helper()
		f, err := law.LookAt(w.ctx, w.db, w.book, "R04", 2027, ledger.Day(2027, time.January, 1))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range f.Steps {
			if s.EN == "At most, rounded down" && *s.Sum != want {
				t.Errorf("of a gift with a cap of its own %d may be levied, want %d", *s.Sum, want)
			}
		}
	}
	capped(0)
	w.failsRefund()
	capped(1_50)
	levy(law.LevyState{BP: 500, Base: 150_33, Own: 50_33, OwnCap: 1_50, Cap: 6_50, Left: 6_50}) // a refund that failed gave nothing back
	// A cap that names no gift, entered before that was asked for, caps nothing; one that was taken back no longer does.
	facts, err := law.Facts(w.ctx, w.db, w.book, "R04")
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(facts, func(f law.Fact) bool { return f.Item == "fee_cap" })
	w.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, `insert into law_fact (book_id, id, rule, item, object, year, amount, words, entered_by, entered_at) values ($1, $2, 'R04', 'fee_cap', 'gift:12', 0, 100, '旧协议', $2, $3)`, w.book.ID, uuid.New(), w.now)
		return err
	})
	levy(law.LevyState{BP: 500, Base: 150_33, Own: 50_33, OwnCap: 1_50, Cap: 6_50, Left: 6_50})
	w.tx(func(tx pgx.Tx) error {
		return law.Enter(w.ctx, tx, w.book, law.Fact{ID: uuid.New(), Rule: "R04", Item: law.Withdrawn, Object: "fact:" + facts[at].ID.String(), Words: "看错协议", EnteredBy: uuid.New(), EnteredAt: w.now})
	})
	levy(law.LevyState{BP: 500, Base: 150_33, Cap: 7_51, Left: 7_51})
}
