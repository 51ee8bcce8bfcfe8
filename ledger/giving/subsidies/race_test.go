package subsidies_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
)

// crossing plans two steps on the same figures and carries them out one after the other: whoever comes second decided on what is no more.
func (w *world) crossing(first, second plan) error {
	w.t.Helper()
	return w.try(func(ctx context.Context, tx pgx.Tx) error {
		m, err := second(ctx, tx)
		if err != nil {
			return err
		}
		w.steps(first)
		_, err = m.Book(ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.accountant, Second: w.approver, At: w.now, Made: "王会计", Check: "李主任"})
		return err
	})
}

// funded is a letter of the fund with money here.
func (w *world) funded(terms string, amount int64, ref string) uuid.UUID {
	w.t.Helper()
	l := w.letter()
	l.Terms = terms
	id := w.commit(l)
	w.claimed(id, amount)
	w.steps(w.receiving(id, amount, ref))
	return id
}

func (w *world) spending(letter uuid.UUID, amount int64) plan {
	return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.SpendOn(ctx, tx, w.book, w.read(letter), subsidies.Cost{Amount: amount, Contract: "HT-1", Project: "EAI", What: "改造", Day: day(11, 1)})
	}
}

func (w *world) returning(letter uuid.UUID, amount int64) plan {
	return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.Return(ctx, tx, w.book, w.read(letter), amount, "bank.basic", "T-1", day(12, 1))
	}
}

func (w *world) drawing(letter, entry uuid.UUID, amount int64) plan {
	return func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
		return subsidies.DrawOn(ctx, tx, w.book, w.read(letter), entry, amount, day(11, 20))
	}
}

// TestSpentOnce: a letter's money goes once, whoever approves at the same moment; and a cost is borne once, by whichever letters.
func TestSpentOnce(t *testing.T) {
	for name, pair := range map[string]func(w *world, letter, other, cost uuid.UUID) (first, second plan){
		"spent and spent": func(w *world, letter, _, _ uuid.UUID) (plan, plan) {
			return w.spending(letter, 700_00), w.spending(letter, 700_00)
		},
		"spent and returned": func(w *world, letter, _, _ uuid.UUID) (plan, plan) {
			return w.spending(letter, 700_00), w.returning(letter, 700_00)
		},
		"returned and spent": func(w *world, letter, _, _ uuid.UUID) (plan, plan) {
			return w.returning(letter, 700_00), w.spending(letter, 700_00)
		},
		"spent and taken back": func(w *world, letter, _, _ uuid.UUID) (plan, plan) {
			return w.spending(letter, 700_00), func(ctx context.Context, tx pgx.Tx) (*giving.Move, error) {
				return subsidies.TakeBack(ctx, tx, w.book, w.read(letter), "B-1", "记错了", day(12, 2))
			}
		},
		"one cost by two letters": func(w *world, letter, other, cost uuid.UUID) (plan, plan) {
			return w.drawing(letter, cost, 800_00), w.drawing(other, cost, 800_00)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, chart.CN2026)
			w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
			letter, other := w.funded(subsidies.Grant, 1_000_00, "B-1"), w.funded(subsidies.Grant, 1_000_00, "B-2")
			cost := w.post(ledger.KindAcceptance, day(11, 20), ledger.Debit(w.leaf("program.r"), 800_00), ledger.Credit(w.leaf("ap"), 800_00))
			first, second := pair(w, letter, other, cost)
			if err := w.crossing(first, second); !errors.Is(err, giving.ErrStep) {
				t.Errorf("the second went through: %v", err)
			}
			for _, id := range []uuid.UUID{letter, other} {
				if left := w.read(id).Left(w.tally(id)); left < 0 {
					t.Errorf("%d are left", left)
				}
			}
			w.clean()
		})
	}
}

// TestAdvanceAfterCostBack: an advance is income as far as it is spent, also when a cost that it bore was taken back.
func TestAdvanceAfterCostBack(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
	id := w.funded(subsidies.Advance, 1_000_00, "B-1")
	cost := w.post(ledger.KindAcceptance, day(11, 20), ledger.Debit(w.leaf("program.r"), 800_00), ledger.Credit(w.leaf("ap"), 800_00))
	w.steps(w.drawing(id, cost, 800_00))
	if w.holds("advance") != -200_00 || w.holds("grant.r") != -800_00 {
		t.Fatalf("drawn: owed %d, income %d", w.holds("advance"), w.holds("grant.r"))
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := ledger.Reverse(ctx, tx, w.book, cost, uuid.New(), day(11, 21), uuid.Nil, ledger.Document{Summary: "冲销", Reason: "误记", MadeBy: "王会计"})
		return err
	})
	w.steps(w.spending(id, 300_00))
	if w.holds("advance") != -700_00 || w.holds("grant.r") != -300_00 {
		t.Errorf("spent again: owed %d, income %d", w.holds("advance"), w.holds("grant.r"))
	}
	w.steps(w.returning(id, 700_00))
	if w.holds("advance") != 0 || w.holds("grant.r") != -300_00 {
		t.Errorf("returned: owed %d, income %d", w.holds("advance"), w.holds("grant.r"))
	}
	w.clean()
}

// TestDrawnTwice: a letter bears a cost by one note; a second one is refused at its field.
func TestDrawnTwice(t *testing.T) {
	w := newWorld(t, chart.CN2026)
	w.gift(w.campaign, 1_000_00, day(9, 6), giving.WeChat)
	id := w.funded(subsidies.Grant, 1_000_00, "B-1")
	cost := w.post(ledger.KindAcceptance, day(11, 20), ledger.Debit(w.leaf("program.r"), 800_00), ledger.Credit(w.leaf("ap"), 800_00))
	w.steps(w.drawing(id, cost, 300_00))
	_, err := w.step(w.drawing(id, cost, 300_00))
	w.refused(err, "entry")
}
