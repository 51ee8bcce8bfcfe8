package recon

import (
	"context"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// What arrives is set against what was sent in the same amount, else against the oldest; the rest is still on its way.
func TestSettle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ moved, open []int64 }{
		{[]int64{100, -100}, nil},
		{[]int64{100, 30, -30}, []int64{100}},
		{[]int64{100, 30, -40}, []int64{60, 30}},
		{[]int64{100, 30, -120}, []int64{10}},
		{[]int64{100, 30, -50, -80}, nil},
		{[]int64{100, 30, -150}, []int64{-20}},
		{[]int64{-40, 15}, []int64{-25}},
	} {
		open := onItsWay{by: map[int64][]int{}}
		for _, amount := range c.moved {
			open.settle(Transit{Amount: amount})
		}
		var got []int64
		for _, o := range open.left() {
			got = append(got, o.Amount)
		}
		if !slices.Equal(got, c.open) {
			t.Errorf("%v leaves %v, not %v", c.moved, got, c.open)
		}
	}
}

// What is read back from the newest posting to the last day without anything on its way is what all postings say, in whichever order they were booked.
func TestInTransit(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t).Service
	rng := rand.New(rand.NewPCG(3, 9))
	day := func(n int) time.Time { return ledger.Day(2026, time.March, n) }
	var book *ledger.Book
	inTx := func(f func(ctx context.Context, tx pgx.Tx) error) {
		t.Helper()
		if err := pg.InTx(t.Context(), db, func(tx pgx.Tx) error { return f(t.Context(), tx) }); err != nil {
			t.Fatal(err)
		}
	}
	var funds [2]int32
	inTx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if book, err = ledger.CreateBook(ctx, tx, ledger.Book{Code: "t", NameZH: "会", NameEN: "T", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC}); err != nil {
			return err
		}
		for i := range funds {
			f, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: fmt.Sprint("F", i), Kind: ledger.Restricted, NameZH: "金", NameEN: "F"})
			if err != nil {
				return err
			}
			funds[i] = f.ID
		}
		return nil
	})
	type move struct {
		fund, on int
		amount   int64
	}
	var moves []move
	sums := map[[2]int]int64{}
	for range 2*transitPage + 100 {
		m := move{rng.IntN(2), 1 + rng.IntN(30), rng.Int64N(9) - 4}
		if m.amount == 0 {
			m.amount = 5
		}
		moves = append(moves, m)
		sums[[2]int{m.fund, m.on}] += m.amount
	}
	for fund := range funds { // nothing is on its way at the end of the 10th, of the first fund's money on the 20th neither
		var held int64
		for on := 1; on <= 30; on++ {
			if held += sums[[2]int{fund, on}]; (on == 10 || on == 20 && fund == 0) && held != 0 {
				moves = append(moves, move{fund, on, -held})
				held = 0
			}
		}
	}
	rng.Shuffle(len(moves), func(i, j int) { moves[i], moves[j] = moves[j], moves[i] })
	inTx(func(ctx context.Context, tx pgx.Tx) error {
		var entries []ledger.Entry
		for _, fund := range funds {
			entries = append(entries, ledger.Entry{Key: uuid.New(), Kind: ledger.KindVoucher, EffectiveOn: day(1), Actor: uuid.New(), Lines: []ledger.Line{
				{Leaf: ledger.Leaf{Chart: "bank.online", Fund: fund}, Amount: 1_000_00}, {Leaf: ledger.Leaf{Chart: "gift.r", Fund: fund}, Amount: -1_000_00}}})
		}
		for _, m := range moves {
			entries = append(entries, ledger.Entry{Key: uuid.New(), Kind: ledger.KindVoucher, EffectiveOn: day(m.on), Actor: uuid.New(), Lines: []ledger.Line{
				{Leaf: ledger.Leaf{Chart: "psp.transit", Fund: funds[m.fund]}, Amount: m.amount}, {Leaf: ledger.Leaf{Chart: "bank.online", Fund: funds[m.fund]}, Amount: -m.amount}}})
		}
		out, err := ledger.Post(ctx, tx, book, entries)
		for _, r := range out {
			if err == nil {
				err = r.Err
			}
		}
		return err
	})
	for _, until := range []int{1, 9, 10, 11, 20, 21, 30, 31} {
		var want []int64
		for fund := range funds {
			open := onItsWay{by: map[int64][]int{}}
			for on := 1; on <= until; on++ {
				for _, m := range moves {
					if m.fund == fund && m.on == on {
						open.settle(Transit{Amount: m.amount})
					}
				}
			}
			for _, o := range open.left() {
				want = append(want, o.Amount)
			}
		}
		ways, err := InTransit(t.Context(), db, book, day(until), time.Time{}, 3)
		if err != nil {
			t.Fatal(err)
		}
		w := ways["psp.transit"]
		if w == nil {
			w = &Way{}
		}
		var sum int64
		for _, amount := range want {
			sum += amount
		}
		if w.ItemsAll != int64(len(want)) || w.ItemsSum != sum || len(w.Items) != min(3, len(want)) {
			t.Errorf("until the %d: %+v, want %d items of %d", until, w, len(want), sum)
		}
		all, err := InTransit(t.Context(), db, book, day(until), time.Time{}, len(moves))
		if err != nil {
			t.Fatal(err)
		}
		if recorded, err := InTransit(t.Context(), db, book, day(until), time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC), len(moves)); err != nil || !reflect.DeepEqual(recorded, all) {
			t.Errorf("until the %d as of a moment: %+v, want %+v, %v", until, recorded, all, err)
		}
		var got []int64
		if len(want) > 0 {
			for _, item := range all["psp.transit"].Items {
				got = append(got, item.Amount)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("until the %d: %v, want %v", until, got, want)
		}
	}
}
