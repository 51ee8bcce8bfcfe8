package payments_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/stripefake"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// refunds of the matrix in docs/payments.md, each with who bears what.

func (w *stripeWorld) order(gift *giving.Checkout, amount int64, reason string) payments.Order {
	return payments.Order{ID: uuid.Must(uuid.NewV7()), GiftID: gift.ID, Amount: amount, Reason: reason}
}

func (w *stripeWorld) state(o payments.Order) payments.OrderState {
	w.t.Helper()
	now, err := payments.OrderByID(w.t.Context(), w.db, w.book, o.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return now.State
}

func TestRefundBeforeAndAfterThePayout(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	gift, _ := w.give("general", "100.00")
	before := w.order(gift, 30_00, "changed-mind")
	w.approve(before)
	w.turn()
	if w.state(before) != payments.OrderSucceeded || w.held("psp.avail", "general") != 70_00-575 || w.held("gift.r", "general") != -70_00 {
		t.Errorf("before: %s, %d at Stripe, %d income", w.state(before), w.held("psp.avail", "general"), w.held("gift.r", "general"))
	}
	payout, err := w.fake.PayOut()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.fake.Reconcile(payout), w.fake.Land(payout)); err != nil {
		t.Fatal(err)
	}
	w.turn()
	after := w.order(gift, 20_00, "changed-mind")
	w.approve(after)
	w.turn()
	if w.held("psp.avail", "general") != -20_00 || w.held("bank.online", "general") != 70_00-575 {
		t.Errorf("after: %d at Stripe, %d at the bank", w.held("psp.avail", "general"), w.held("bank.online", "general"))
	}
	w.same()
}

// Our own fault: the general fund gives the money back, the gift stays in its fund and in its campaign's total.
func TestRefundByOurOwnFault(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	gift, _ := w.give("fund", "100.00")
	w.approve(w.order(gift, 40_00, "wrong-fund"))
	w.turn()
	if w.held("gift.r", "fund") != -100_00 || w.held("psp.avail", "fund") != 100_00-575 || w.held("admin.u", "G") != 40_00 || w.held("psp.avail", "G") != -40_00 {
		t.Errorf("income %d, at Stripe %d and %d, cost %d", w.held("gift.r", "fund"), w.held("psp.avail", "fund"), w.held("psp.avail", "G"), w.held("admin.u", "G"))
	}
	if p := w.progress("fund"); p.Raised() != 100_00 {
		t.Errorf("raised %d", p.Raised())
	}
	w.same()
}

// The fund has spent the money: the general fund makes it good first, and when it cannot, nothing is sent.
func TestRefundOfMoneyThatIsSpent(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	gift, _ := w.give("fund", "100.00")
	post := func(kind ledger.Kind, lines ...ledger.Line) {
		w.tx(func(ctx context.Context, tx pgx.Tx) error {
			_, err := ledger.PostOne(ctx, tx, w.book, ledger.Entry{Kind: kind, EffectiveOn: w.book.Day(w.now()), Lines: lines})
			return err
		})
	}
	fund := int32(w.count(`select fund_id from fund where code = 'fund'`))
	general := int32(w.count(`select fund_id from fund where code = 'G'`))
	post(ledger.KindPayment, ledger.Debit(ledger.Leaf{Chart: "program.r", Fund: fund}, 80_00),
		ledger.Credit(ledger.Leaf{Chart: "psp.avail", Fund: fund, Dims: ledger.Dims{Instrument: "stripe"}}, 80_00))
	o := w.order(gift, 100_00, "campaign-ended")
	approve := func() error {
		return pg.InTx(t.Context(), w.db, func(tx pgx.Tx) error {
			if err := payments.RequestRefund(t.Context(), tx, w.book, o, uuid.Nil, w.now()); err != nil {
				return err
			}
			_, err := payments.ApproveOrder(t.Context(), tx, w.book, o.ID, uuid.Nil, w.now())
			return err
		})
	}
	if err := approve(); !errors.Is(err, ledger.ErrShort) && !errors.Is(err, ledger.ErrGuarded) {
		t.Fatalf("the general fund has nothing: %v", err)
	}
	post(ledger.KindGift, ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: general}, 500_00), ledger.Credit(ledger.Leaf{Chart: "other.inc.u", Fund: general}, 500_00))
	if err := approve(); err != nil {
		t.Fatal(err)
	}
	w.turn()
	if got := w.held("bank.basic", "fund"); got != 80_00+575 {
		t.Errorf("made good by %d", got)
	}
	if w.state(o) != payments.OrderSucceeded {
		t.Errorf("the refund is %s", w.state(o))
	}
}

// Whatever becomes of the answers, a refund goes out once.
func TestRefundIsSentOnce(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 3)
	gift, _ := w.give("general", "100.00")
	o := w.order(gift, 60_00, "twice")
	w.approve(o)
	w.fake.Trouble(stripefake.Faults{Vanished: 70, Refused: 20, Lost: 100})
	for range 12 {
		w.work()
		w.sleep(26 * time.Hour) // longer than a processor keeps keys
	}
	w.settle()
	if w.state(o) != payments.OrderSucceeded {
		t.Errorf("the refund is %s", w.state(o))
	}
	if n := w.count(`select count(*) from refund`); n != 1 {
		t.Errorf("%d refunds", n)
	}
	w.same()
}

// More than is left is refused by us; what Stripe refuses fails and gives the reason, and nothing is booked.
func TestRefundThatIsRefused(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	gift, charge := w.give("general", "100.00")
	first := w.order(gift, 60_00, "other")
	w.approve(first)
	err := pg.InTx(t.Context(), w.db, func(tx pgx.Tx) error {
		return payments.RequestRefund(t.Context(), tx, w.book, w.order(gift, 41_00, "other"), uuid.Nil, w.now())
	})
	if !errors.Is(err, giving.ErrRefundTooLarge) {
		t.Errorf("two refunds of one gift: %v", err)
	}
	if _, err := w.fake.Refund(charge, 90_00); err != nil { // somebody in the dashboard was faster
		t.Fatal(err)
	}
	w.work()
	w.turn()
	if w.state(first) != payments.OrderFailed {
		t.Errorf("the refund is %s", w.state(first))
	}
	w.same()
}

func TestDonorAsksOnce(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	gift, _ := w.give("general", "100.00")
	ask := func(reason string) error {
		return pg.InTx(t.Context(), w.db, func(tx pgx.Tx) error {
			return payments.AskRefund(t.Context(), tx, w.book, w.order(gift, 10_00, reason), w.now())
		})
	}
	if err := ask("wrong-fund"); !errors.Is(err, payments.ErrReason) {
		t.Errorf("a donor says whose fault it was: %v", err)
	}
	if err := ask("changed-mind"); err != nil {
		t.Fatal(err)
	}
	if err := ask("changed-mind"); !errors.Is(err, payments.ErrAskedOnce) {
		t.Errorf("asked twice: %v", err)
	}
	asked, err := payments.OrdersOf(t.Context(), w.db, w.book, gift.ID)
	if err != nil || len(asked) != 1 {
		t.Fatalf("%v %v", asked, err)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		return payments.RequestRefund(ctx, tx, w.book, payments.Order{GiftID: gift.ID, Amount: 5_00, Reason: "other"}, asked[0].ID, w.now())
	})
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		return payments.DropRequest(ctx, tx, w.book, asked[0].ID, w.now())
	})
	again, err := payments.OrderByID(t.Context(), w.db, w.book, asked[0].ID)
	if err != nil || again.State != payments.OrderAsked || again.Amount != 10_00 || again.Reason != "changed-mind" {
		t.Errorf("what a second person refused is asked again, as the donor asked it: %+v %v", again, err)
	}
	decline := func(answer string) error {
		return pg.InTx(t.Context(), w.db, func(tx pgx.Tx) error {
			_, err := payments.DeclineRefund(t.Context(), tx, w.book, again.ID, answer, w.now())
			return err
		})
	}
	if err := decline("  "); !errors.Is(err, payments.ErrAnswer) {
		t.Errorf("declined without a reason: %v", err)
	}
	if err := decline("已经用于午餐"); err != nil {
		t.Fatal(err)
	}
	if err := decline("再说一次"); !errors.Is(err, payments.ErrOrderState) {
		t.Errorf("declined twice: %v", err)
	}
	r, err := giving.GiftByID(t.Context(), w.db, w.book, gift.ID)
	if err != nil {
		t.Fatal(err)
	}
	history, err := payments.HistoryOf(t.Context(), w.db, w.book, r)
	if err != nil || len(history) != 2 || history[0].What != "asked" || history[0].Amount != 10_00 || history[1].What != "declined" || history[1].Answer != "已经用于午餐" {
		t.Errorf("%+v %v", history, err)
	}
	w.turn()
	if n := w.count(`select count(*) from refund`); n != 0 {
		t.Errorf("%d refunds of what was declined", n)
	}
}
