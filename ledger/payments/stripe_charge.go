package payments

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
)

// workSession notes what became of a payment page and books its gift when it is paid.
func (s *Stripe) workSession(ctx context.Context, id string) error {
	p := &stripe.CheckoutSessionParams{}
	p.Context = ctx
	p.AddExpand("payment_intent")
	p.AddExpand("setup_intent")
	session, err := s.api.CheckoutSessions.Get(id, p)
	if err != nil {
		return away(fmt.Errorf("look up payment page %s: %w", id, err))
	}
	if session.Metadata["book"] != s.book.Code {
		return fmt.Errorf("%w: payment page %s is not of this book", errOdd, id)
	}
	if session.Mode == stripe.CheckoutSessionModeSetup {
		return s.workNewCard(ctx, session)
	}
	gift, err := uuid.Parse(session.Metadata["gift"])
	if err != nil {
		return fmt.Errorf("%w: payment page %s names no gift", errOdd, id)
	}
	if session.Mode == stripe.CheckoutSessionModeSubscription && session.PaymentStatus == stripe.CheckoutSessionPaymentStatusPaid {
		if session.Invoice == nil {
			return fmt.Errorf("payment page %s is paid and has no invoice yet", id)
		}
		if err := s.workInvoice(ctx, session.Invoice.ID); err != nil {
			return err
		}
		return s.markSession(ctx, gift, pagePaid)
	}
	intent := session.PaymentIntent
	switch {
	case session.PaymentStatus == stripe.CheckoutSessionPaymentStatusPaid:
		if intent == nil || intent.LatestCharge == nil {
			return fmt.Errorf("payment page %s is paid and has no charge yet", id)
		}
		if err := s.syncCharge(ctx, intent.LatestCharge.ID); err != nil {
			return err
		}
		return s.markSession(ctx, gift, pagePaid)
	case session.Status == stripe.CheckoutSessionStatusExpired,
		session.Status == stripe.CheckoutSessionStatusComplete && intent != nil && intent.Status == stripe.PaymentIntentStatusRequiresPaymentMethod:
		return s.markSession(ctx, gift, pageFailed)
	case session.Status == stripe.CheckoutSessionStatusComplete:
		return s.markSession(ctx, gift, pagePending)
	}
	return nil
}

// States of a payment page.
const (
	pagePending = "pending"
	pagePaid    = "paid"
	pageFailed  = "failed"
)

const sqlPageMark = `update checkout_session set state = $3 where book_id = $1 and gift_id = $2 and state not in ('paid', $3)`

// markSession notes the state of a payment page and of its gift. What is paid stays paid.
func (s *Stripe) markSession(ctx context.Context, gift uuid.UUID, state string) error {
	now := s.clock()
	return pg.InTx(ctx, s.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlPageMark, s.book.ID, gift, state); err != nil {
			return fmt.Errorf("mark payment page: %w", err)
		}
		switch state {
		case pagePending:
			return giving.MarkCheckouts(ctx, tx, s.book, []giving.Mark{{ID: gift, State: giving.CheckoutPending}}, now)
		case pageFailed:
			return giving.MarkCheckouts(ctx, tx, s.book, []giving.Mark{{ID: gift, State: giving.CheckoutFailed}}, now)
		}
		return nil
	})
}

const sqlPagePaid = `select gift_id from checkout_session where book_id = $1 and processor = 'stripe' and session = $2 and state = 'paid'`

// tried is what an event that was worked on tells the defence against card testing: a card that was declined, or a payment page
// that was paid. The books are not touched.
func (s *Stripe) tried(ctx context.Context, kind string, e *stripeEvent) ([]outcome, error) {
	id := e.Data.Object.ID
	switch kind {
	case "checkout.session.completed", "checkout.session.async_payment_succeeded":
		var gift uuid.UUID
		err := s.db.QueryRow(ctx, sqlPagePaid, s.book.ID, id).Scan(&gift)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read payment page %s: %w", id, err)
		}
		return []outcome{{gift, false}}, nil
	case "charge.failed":
		p := &stripe.ChargeParams{}
		p.Context = ctx
		ch, err := s.api.Charges.Get(id, p)
		if err != nil {
			return nil, away(fmt.Errorf("look up charge %s: %w", id, err))
		}
		if ch.Status != stripe.ChargeStatusFailed {
			return nil, nil
		}
		a, err := s.askedBy(ctx, ch)
		if errors.Is(err, ErrAway) {
			return nil, err
		}
		if err == nil && a.gift != uuid.Nil {
			return []outcome{{a.gift, true}}, nil
		}
	}
	return nil, nil // a monthly gift, not ours, or nothing that was decided
}

// syncCharge books whatever has happened to a charge and is not booked: the gift with its fee, refunds, refunds that failed,
// and disputes. However often, in whatever order it is called.
func (s *Stripe) syncCharge(ctx context.Context, id string) error {
	p := &stripe.ChargeParams{}
	p.Context = ctx
	p.AddExpand("balance_transaction")
	ch, err := s.api.Charges.Get(id, p)
	if err != nil {
		return away(fmt.Errorf("look up charge %s: %w", id, err))
	}
	if ch.Livemode != s.keys.Live() {
		return fmt.Errorf("%w: charge %s is of the other mode", errOdd, id)
	}
	if ch.Status != stripe.ChargeStatusSucceeded || !ch.Captured {
		return nil
	}
	fresh, err := s.bookCharge(ctx, ch)
	if err != nil || fresh && ch.AmountRefunded == 0 && !ch.Disputed {
		return err
	}
	if err := s.syncRefunds(ctx, ch); err != nil {
		return err
	}
	if !ch.Disputed {
		return nil
	}
	return s.syncDisputes(ctx, ch)
}

const sqlGiftStarted = `
select c.amount, f.fee_bearer
  from checkout c
  join campaign g on g.book_id = $1 and g.campaign_id = c.campaign_id
  join fund f on f.book_id = $1 and f.fund_id = g.fund_id
 where c.book_id = $1 and c.id = $2`

// bookCharge books a gift and its fee (E02, E03), and tells whether it was not booked before.
func (s *Stripe) bookCharge(ctx context.Context, ch *stripe.Charge) (fresh bool, err error) {
	t, err := s.rowOf(ch.BalanceTransaction, ch.ID)
	if err != nil {
		return false, err
	}
	if known, err := s.known(ctx, s.db, t.id); known || err != nil {
		return false, err
	}
	a, err := s.askedBy(ctx, ch)
	if err != nil {
		return false, err
	}
	id := a.gift
	ccy := strings.ToUpper(string(ch.Currency))
	paid := giving.Paid{ID: id, CampaignID: a.campaign, Amount: ch.Amount, Currency: ccy, Fee: t.fee, PaidAt: t.at, Channel: giving.Stripe,
		Ref: ch.ID, ProcessorRef: t.id, Anonymous: id == uuid.Nil, Exact: true}
	if a.plan != nil {
		if err := s.again(ctx, a.plan, &paid); err != nil {
			return false, err
		}
	}
	if ccy != s.book.Currency {
		paid.Worth = t.amount
	} else if a.given != 0 {
		paid.Amount, paid.Cover = a.given, ch.Amount-a.given
	} else if id != uuid.Nil {
		var started int64
		var bearer string
		err := s.db.QueryRow(ctx, sqlGiftStarted, s.book.ID, id).Scan(&started, &bearer)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return false, fmt.Errorf("%w: charge %s: gift %s was not started here", errOdd, ch.ID, id)
		case err != nil:
			return false, fmt.Errorf("read started gift: %w", err)
		case ch.Amount > started && bearer == ledger.FeeByDonor:
			paid.Amount, paid.Cover = started, ch.Amount-started
		}
	}
	if a.plan != nil {
		gift := paid.ID
		if gift == uuid.Nil {
			gift = giving.GiftID(s.book, paid.Channel, paid.Ref, paid.PaidAt)
		}
		if err := plans.NoteGift(ctx, s.db, s.book, a.plan.ID, gift); err != nil {
			return false, err
		}
	}
	if err := s.submit(ctx, paid); err != nil {
		return false, err
	}
	err = s.once(ctx, &t, func(tx pgx.Tx, _ time.Time) error {
		g, err := giving.StakeOf(ctx, tx, s.book, giving.Stripe, ch.ID)
		if err != nil {
			return err
		}
		t.gift, t.entry, t.shares = g.ID, g.ID, shareOut(g, t.amount, t.fee, paid.Cover)
		return nil
	})
	if err != nil || a.invoice == nil {
		return true, err
	}
	return true, s.noteInvoice(ctx, a.invoice)
}

// submit sends a gift through the intake; when its month is closed it goes to today.
func (s *Stripe) submit(ctx context.Context, paid giving.Paid) error {
	_, err := s.intake.Submit(ctx, paid)
	if errors.Is(err, ledger.ErrPeriodClosed) {
		paid.On = s.book.Day(s.clock())
		_, err = s.intake.Submit(ctx, paid)
	}
	return err
}
