package payments_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/payments"
)

// The sandbox charges cards as Stripe does: each month a gift of its own with its donor, a letter when the card is refused, another card
// pays what is open, and the last refusal ends the plan.
func TestTheSandboxChargesEachMonth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.owner.Exec(t.Context(), `update campaign set closes_at = closes_at + interval '2 years'`); err != nil {
		t.Fatal(err)
	}
	var p *plans.Plan
	var first *payments.Session
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		c, err := giving.Begin(ctx, tx, w.book, giving.Form{FormID: uuid.New(), CampaignID: w.campaigns["donor"], Amount: "50", Currency: "CNY", Name: "王芳", Email: "wang@example.org",
			Channel: giving.Sandbox}, w.now())
		if err != nil {
			return err
		}
		if first, err = payments.OpenSession(ctx, tx, w.book, c, "题", "/", w.now()); err != nil {
			return err
		}
		p, err = plans.Start(ctx, tx, w.book, c, plans.Terms{Way: plans.ByCard, Every: plans.Monthly}, w.now())
		return err
	})
	turn := func() {
		t.Helper()
		for range 2 {
			w.turn()
			w.tx(func(ctx context.Context, tx pgx.Tx) error {
				if _, err := plans.Step(ctx, tx, w.book, w.now()); err != nil {
					return err
				}
				_, err := payments.ChargeSandboxPlans(ctx, tx, w.book, w.now())
				return err
			})
		}
		w.turn()
		var err error
		if p, err = plans.ByID(t.Context(), w.db, w.book, p.ID); err != nil {
			t.Fatal(err)
		}
	}
	gifts := func(want int64) {
		t.Helper()
		if n := w.count(`select count(*) from gift g join private.donor d on d.id = g.donor_id where g.amount = 5000 and d.email is not null`); n != want {
			t.Errorf("%d gifts with their donor, want %d", n, want)
		}
	}
	card := func(dead bool) {
		t.Helper()
		w.tx(func(ctx context.Context, tx pgx.Tx) error {
			return payments.SandboxCard(ctx, tx, w.book, p, dead, w.now())
		})
	}
	w.mustDecide(first, payments.Decision{Result: payments.Success})
	turn()
	if p.State != plans.Active || p.Processor != payments.SandboxCode {
		t.Fatalf("plan %+v", p)
	}
	gifts(1)
	w.sleep(32 * 24 * time.Hour)
	turn()
	gifts(2)
	card(true)
	w.sleep(32 * 24 * time.Hour)
	turn()
	gifts(2)
	if !p.Failing {
		t.Errorf("a refused card: %+v", p)
	}
	card(false)
	turn()
	gifts(3)
	if p.Failing {
		t.Errorf("another card: %+v", p)
	}
	card(true)
	for range 20 {
		w.sleep(4 * 24 * time.Hour)
		turn()
	}
	if p.State != plans.Ended || p.Reason != plans.DeadCard {
		t.Errorf("after the last refusal: %+v", p)
	}
	gifts(3)
	list, err := giving.Letters(t.Context(), w.db, w.book, uuid.Nil, 10)
	if err != nil || len(list) != 3 || list[0].Kind != giving.StoppedLetter || list[1].Kind != giving.FailingLetter {
		t.Errorf("letters %+v, %v", list, err)
	}
	w.verify()
}
