package ledger_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// next is the day after the year 2025.
var next = ledger.Day(2026, time.January, 1)

// closeYear plans and books the end of 2025.
func (b *testBook) closeYear() (entries []ledger.Entry, err error) {
	err = b.try(func(ctx context.Context, tx pgx.Tx) error {
		if entries, err = ledger.YearEnd(ctx, tx, b.Book, 2025, next); err != nil {
			return err
		}
		_, err = ledger.PostYear(ctx, tx, b.Book, 2025, slices.Clone(entries), uuid.New(), actor, ledger.Document{Summary: "年终结转", MadeBy: "张三", CheckedBy: "李四"})
		return err
	})
	return entries, err
}

// account sums an account of a fund over its leaves.
func (b *testBook) sum(code, fund string) (sum int64) {
	b.t.Helper()
	leaf := b.leaf(code, fund)
	accounts, err := ledger.Accounts(b.ctx(), b.db, b.Book, ledger.AccountFilter{Fund: leaf.Fund, Charts: []chart.ID{leaf.Chart}})
	if err != nil {
		b.t.Fatal(err)
	}
	for _, a := range accounts {
		sum += a.Balance
	}
	return sum
}

func (b *testBook) stands(code, fund string, want int64) {
	b.t.Helper()
	if got := b.sum(code, fund); got != want {
		b.t.Errorf("%s %s stands at %d, want %d", code, fund, got, want)
	}
}

// The worked examples TV7a and TV7b (accounting.md 6): the same facts under both engines come to the same fund, by other ways.
func TestTV7YearEndUnderBothRules(t *testing.T) {
	t.Parallel()
	shared := newBook(t)
	for _, c := range []struct{ vector, regime, cost string }{{"TV7a", chart.CN2026, "5101.02"}, {"TV7b", chart.CN2004, "5101.01"}} {
		b := shared.another(t)
		b.Regime = c.regime
		in2025 := func(month time.Month, lines ...ledger.Line) { b.post(entry(ledger.Day(2025, month, 5), lines...)) }
		in2025(1, ledger.Debit(b.leaf("1002.01", "R"), 100_00), ledger.Credit(b.leaf("3102", "R"), 100_00))
		in2025(6, ledger.Debit(b.leaf(c.cost, "R"), 40_00), ledger.Credit(b.leaf("1002.01", "R"), 40_00))
		if _, err := b.closeYear(); err != nil {
			t.Fatalf("%s: %v", c.vector, err)
		}
		b.stands(c.cost, "R", 0)
		b.stands("3102", "R", -60_00)
		b.stands("3101", "R", 0)
		if _, err := b.closeYear(); !errors.Is(err, ledger.ErrYearClosed) {
			t.Errorf("%s again: %v", c.vector, err)
		}
		b.verified()
	}
}

// E47a and E47b line by line: online gifts and the street's money of a restricted fund, all of it spent.
func TestE47(t *testing.T) {
	t.Parallel()
	shared := newBook(t)
	type line struct {
		code   string
		amount int64
	}
	for _, c := range []struct {
		regime, cost string
		want         [][]line
	}{
		{chart.CN2026, "5101.02", [][]line{{{"4101.02", 2750513}, {"4401.02", 2194087}, {"5101.02", -4944600}, {"3102", -4944600}, {"3102", 4944600}}}},
		{chart.CN2004, "5101.01", [][]line{{{"4101.02", 2750513}, {"4401.02", 2194087}, {"5101.01", -4944600}, {"3101", 4944600}, {"3102", -4944600}},
			{{"3102", 4944600}, {"3101", -4944600}}}},
	} {
		b := shared.another(t)
		b.Regime = c.regime
		day := ledger.Day(2025, 7, 1)
		b.post(entry(day, pair(b.leaf("1002.01", "R"), b.leaf("4101.02", "R"), 2750513)...))
		b.post(entry(day, pair(b.leaf("1002.01", "R"), b.leaf("4401.02", "R"), 2194087)...))
		b.post(entry(day, pair(b.leaf(c.cost, "R"), b.leaf("1002.01", "R"), 4944600)...))
		entries, err := b.closeYear()
		if err != nil {
			t.Fatal(err)
		}
		var got [][]line
		for _, e := range entries {
			var lines []line
			for _, l := range e.Lines {
				lines = append(lines, line{chart.MustByID(l.Leaf.Chart).Code(chart.CN2026), l.Amount})
			}
			got = append(got, lines)
		}
		if len(got) != len(c.want) {
			t.Fatalf("%s: %v", c.regime, got)
		}
		for i := range got {
			if !slices.Equal(got[i], c.want[i]) {
				t.Errorf("%s: %v, want %v", c.regime, got[i], c.want[i])
			}
		}
		b.stands("4101.02", "R", 0)
		if b.balance(b.leaf("4101.02", "R")) != -2750513 {
			t.Error("the leaf of the gifts lost its amount")
		}
		flows, err := ledger.Flows(b.ctx(), b.db, b.Book, ledger.Day(2025, 1, 1), ledger.Day(2025, 12, 31), b.funds["R"].ID)
		if err != nil || len(flows) != 3 {
			t.Errorf("%s: what came and went in the year shows as %v (%v)", c.regime, flows, err)
		}
		b.verified()
	}
}

// What was released by hand in the year is not released again; a restricted fund that lives on transfers never stands below zero on
// the way; everything of every fund comes to zero.
func TestYearEndWithTransfersAndReleases(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.Regime = chart.CN2004
	day := ledger.Day(2025, 7, 1)
	b.post(entry(day, pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 100_00)...))
	b.post(entry(day, pair(b.leaf("1002.01", "R"), b.leaf("4101.02", "R"), 50_00)...))
	between := func(from, to string, amount int64) {
		b.post(entry(day, ledger.Debit(b.leaf("3901", from), amount), ledger.Credit(b.leaf("1002.01", from), amount),
			ledger.Debit(b.leaf("1002.01", to), amount), ledger.Credit(b.leaf("3901", to), amount)))
	}
	between("G", "R", 30_00)
	between("R", "P", 20_00)
	between("G", "P", 15_00)
	b.post(entry(day, pair(b.leaf("5101.02", "P"), b.leaf("1002.01", "P"), 35_00)...))
	b.post(entry(day, pair(b.leaf("5301.01", "R"), b.leaf("1002.01", "R"), 60_00)...))
	b.post(entry(day, pair(b.leaf("4101.02", "R"), b.leaf("4101.01", "R"), 10_00)...)) // E45b by hand
	b.post(entry(day, pair(b.leaf("5301.01", "G"), b.leaf("1002.01", "G"), 5_00)...))
	if _, err := b.closeYear(); err != nil {
		t.Fatal(err)
	}
	for _, fund := range []string{"G", "R", "P"} {
		for _, code := range []string{"4101.01", "4101.02", "5101.02", "5301.01", "3901"} {
			b.stands(code, fund, 0)
		}
	}
	b.stands("3101", "G", -50_00)
	b.stands("3102", "R", 0)
	b.stands("3101", "R", 0)
	b.stands("3102", "P", 0)
	b.stands("3101", "P", 0)
	b.verified()

	// Taken back and closed again, it is the same; once December is closed for good, it stands.
	undo := func() error {
		return b.try(func(ctx context.Context, tx pgx.Tx) error {
			entries, err := ledger.YearUndo(ctx, tx, b.Book, 2025)
			if err != nil {
				return err
			}
			_, err = ledger.PostYear(ctx, tx, b.Book, 2025, entries, uuid.New(), actor, ledger.Document{Summary: "撤销结转", Reason: "补记一张", MadeBy: "张三", CheckedBy: "李四"})
			return err
		})
	}
	ids, err := ledger.YearEntries(b.ctx(), b.db, b.Book, 2025)
	if err != nil || len(ids) == 0 {
		t.Fatal(ids, err)
	}
	if _, err := b.tryReverse(ids[0], uuid.New(), "误记"); !errors.Is(err, ledger.ErrClosing) {
		t.Errorf("one closing entry reversed by itself: %v", err)
	}
	if err := undo(); err != nil {
		t.Fatal(err)
	}
	b.stands("5301.01", "R", 60_00)
	b.stands("3101", "G", 0)
	if err := undo(); !errors.Is(err, ledger.ErrYearNone) {
		t.Errorf("taken back twice: %v", err)
	}
	b.post(entry(ledger.Day(2025, 12, 31), pair(b.leaf("1002.01", "G"), b.leaf("4101.01", "G"), 7_00)...)) // came late
	if _, err := b.closeYear(); err != nil {
		t.Fatal(err)
	}
	b.stands("3101", "G", -57_00)
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		return ledger.CloseForGood(ctx, tx, b.Book, ledger.Day(2025, 12, 1), next)
	})
	if err := undo(); !errors.Is(err, ledger.ErrYearLater) {
		t.Errorf("taken back after December was closed: %v", err)
	}
	b.verified()
}

func TestYearEndRefusals(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	plan := func(year int, today time.Time) error {
		_, err := ledger.YearEnd(b.ctx(), b.db, b.Book, year, today)
		return err
	}
	b.gift(ledger.Day(2025, 3, 1), 100)
	b.gift(ledger.Day(2026, 1, 1), 100)
	for _, c := range []struct {
		year  int
		today time.Time
		want  error
	}{
		{2025, ledger.Day(2025, 12, 31), ledger.ErrYearOngoing}, {2025, next, nil}, {2024, next, ledger.ErrYearClosed}, {2026, ledger.Day(2027, 1, 1), ledger.ErrYearBefore},
	} {
		if err := plan(c.year, c.today); !errors.Is(err, c.want) {
			t.Errorf("%d on %s: %v, want %v", c.year, c.today.Format(time.DateOnly), err, c.want)
		}
	}
	// A restricted fund that spent more than it holds does not close: somebody has to say who bears it.
	e := entry(ledger.Day(2025, 5, 1), pair(b.leaf("5401.02", "R"), b.leaf("1009.01", "R"), 1_00)...)
	e.Kind = ledger.KindFee
	b.post(e)
	if _, err := b.closeYear(); !errors.Is(err, ledger.ErrGuarded) {
		t.Errorf("an overspent restricted fund: %v", err)
	}
}
