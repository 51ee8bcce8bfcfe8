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

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// expandRefund names what is read of a refund in one go.
var expandRefund = []string{"balance_transaction", "failure_balance_transaction"}

// workRefund books a refund, after the gift that it belongs to.
func (s *Stripe) workRefund(ctx context.Context, id string) error {
	p := &stripe.RefundParams{}
	p.Context = ctx
	for _, name := range expandRefund {
		p.AddExpand(name)
	}
	r, err := s.api.Refunds.Get(id, p)
	if err != nil {
		return away(fmt.Errorf("look up refund %s: %w", id, err))
	}
	if r.Charge == nil {
		return fmt.Errorf("%w: refund %s is of no charge", errOdd, id)
	}
	if err := s.syncCharge(ctx, r.Charge.ID); err != nil {
		return err
	}
	return s.bookRefund(ctx, r.Charge.ID, r)
}

// syncRefunds books all refunds of a charge, the earliest first: one that failed made room for those after it.
func (s *Stripe) syncRefunds(ctx context.Context, ch *stripe.Charge) error {
	p := &stripe.RefundListParams{Charge: &ch.ID}
	p.Context = ctx
	p.Limit = stripe.Int64(100)
	for _, name := range expandRefund {
		p.AddExpand("data." + name)
	}
	var all []*stripe.Refund // the latest first
	list := s.api.Refunds.List(p)
	for list.Next() {
		all = append(all, list.Refund())
	}
	if err := list.Err(); err != nil {
		return away(fmt.Errorf("look up refunds of %s: %w", ch.ID, err))
	}
	for i := len(all) - 1; i >= 0; i-- {
		if err := s.bookRefund(ctx, ch.ID, all[i]); err != nil {
			return err
		}
	}
	return nil
}

// bookRefund books a refund (E07), and takes it back when it has failed.
func (s *Stripe) bookRefund(ctx context.Context, charge string, r *stripe.Refund) error {
	if r.BalanceTransaction == nil {
		return s.noteRefund(ctx, r) // nothing has moved
	}
	t, err := s.rowOf(r.BalanceTransaction, r.ID)
	if err != nil {
		return err
	}
	cause, err := s.causeOf(ctx, r)
	if err != nil {
		return err
	}
	err = s.once(ctx, &t, func(tx pgx.Tx, on time.Time) error {
		g, err := giving.StakeOf(ctx, tx, s.book, giving.Stripe, charge)
		if err != nil {
			return err
		}
		back := giving.Refunded{GiftRef: charge, Amount: r.Amount, Currency: strings.ToUpper(string(r.Currency)), Fee: t.fee, RefundedAt: t.at,
			Channel: giving.Stripe, Ref: r.ID, ProcessorRef: t.id, Cause: cause, On: on}
		if back.Currency != s.book.Currency {
			back.Worth = -t.amount
		} else if g.FeeBearer == ledger.FeeByDonor && back.Amount > g.Left && g.Left > 0 {
			back.Amount, back.Cover = g.Left, back.Amount-g.Left
		}
		outcomes, err := giving.BookRefunds(ctx, tx, s.book, []giving.Refunded{back})
		if err != nil {
			return err
		}
		if err := outcomes[0].Err; err != nil {
			return err
		}
		t.gift, t.entry = g.ID, outcomes[0].ID
		t.shares = shareOut(g, t.amount, t.fee, -back.Cover)
		if cause == giving.OwnFault { // the general fund pays it, the fee stays where fees of the fund are
			t.shares = join(share{g.General, t.amount}, share{g.FundID, 0})
			t.shares = append(t.shares, shareOut(g, 0, t.fee, 0)...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.failRefund(ctx, r); err != nil {
		return err
	}
	return s.noteRefund(ctx, r)
}

const sqlTxnShares = `
select gift_id, fee, funds, nets from processor_txn where book_id = $1 and processor = 'stripe' and txn = $2`

// failRefund takes back a refund whose money has come back to the balance.
func (s *Stripe) failRefund(ctx context.Context, r *stripe.Refund) error {
	if r.FailureBalanceTransaction == nil {
		return nil
	}
	t, err := s.rowOf(r.FailureBalanceTransaction, r.ID)
	if err != nil {
		return err
	}
	return s.once(ctx, &t, func(tx pgx.Tx, on time.Time) error {
		var fee int64
		var funds []int32
		var nets []int64
		if err := tx.QueryRow(ctx, sqlTxnShares, s.book.ID, r.BalanceTransaction.ID).Scan(&t.gift, &fee, &funds, &nets); err != nil {
			return fmt.Errorf("read refund %s: %w", r.ID, err)
		}
		if fee != 0 || t.fee != 0 {
			return fmt.Errorf("%w: refund %s failed and a fee was taken", errOdd, r.ID)
		}
		for i := range funds {
			t.shares = append(t.shares, share{funds[i], -nets[i]})
		}
		t.entry, err = giving.FailRefund(ctx, tx, s.book, giving.RefundFailure{Channel: giving.Stripe, Ref: r.ID, At: t.at, On: on,
			Reason: clip("Stripe: " + string(r.FailureReason)), By: "Stripe"})
		return err
	})
}

// causeOf reads why money went back from our own order; what was begun in Stripe's dashboard has an outside cause.
func (s *Stripe) causeOf(ctx context.Context, r *stripe.Refund) (giving.Cause, error) {
	id, err := uuid.Parse(r.Metadata["refund"])
	if err != nil {
		return giving.Outside, nil
	}
	order, err := OrderByID(ctx, s.db, s.book, id)
	if errors.Is(err, ErrNoOrder) {
		return giving.Outside, nil
	}
	if err != nil {
		return "", err
	}
	return order.Cause(), nil
}
