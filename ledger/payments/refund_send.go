package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Limits of sending refunds.
const (
	sendBatch = 20
	sendLease = time.Minute
)

const (
	// Marked as sent before anything leaves: whoever comes after a crash looks first.
	sqlOrdersTake = `
update refund_order o set state = 'sent', attempts = o.attempts + 1, sent_at = coalesce(o.sent_at, $2), next_attempt_at = $2::timestamptz + $4::interval
 where o.book_id = $1 and o.id in (select id from refund_order
        where book_id = $1 and state in ('approved', 'sent') and ref = '' and next_attempt_at <= $2
        order by next_attempt_at limit $3 for update skip locked)
returning o.id, o.attempts`

	sqlOrderAgain = `update refund_order set next_attempt_at = $3, problem = $4 where book_id = $1 and id = $2 and state = 'sent'`

	sqlOrderNote = `
update refund_order
   set ref = $3, state = $4, problem = $5, ended_at = case when $4 in ('succeeded', 'failed') then $6::timestamptz end
 where book_id = $1 and id = $2 and state <> 'failed' and (state <> 'succeeded' or $4 = 'failed')`
)

// SendRefunds sends the refunds that are approved, each under its id as idempotency key, and says how many it tried: none while the book's payments are stopped.
func (w *Worker) SendRefunds(ctx context.Context) (int, error) {
	ctx = pg.WithBook(ctx, w.book.ID)
	now := w.clock()
	if err := ledger.MayPayOut(ctx, w.db, w.book.ID); errors.Is(err, ledger.ErrHalted) {
		return 0, nil // they stay approved and go when the funds balance again
	} else if err != nil {
		return 0, err
	}
	type taken struct {
		ID       uuid.UUID
		Attempts int
	}
	rows, err := w.db.Query(ctx, sqlOrdersTake, w.book.ID, now, sendBatch, sendLease)
	if err != nil {
		return 0, fmt.Errorf("take refunds to send: %w", err)
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[taken])
	if err != nil {
		return 0, fmt.Errorf("take refunds to send: %w", err)
	}
	for _, one := range due {
		err := w.sendRefund(ctx, one.ID, one.Attempts, now)
		if err == nil {
			continue
		}
		if errors.Is(err, ErrAway) || pg.Unavailable(err) { // nobody knows: look again later
			_, err = w.db.Exec(ctx, sqlOrderAgain, w.book.ID, one.ID, now.Add(backoff(one.Attempts)), clip(err.Error()))
		} else {
			_, err = w.db.Exec(ctx, sqlOrderNote, w.book.ID, one.ID, "", OrderFailed, clip(err.Error()), now)
		}
		if err != nil {
			return 0, fmt.Errorf("note refund: %w", err)
		}
	}
	return len(due), nil
}

func (w *Worker) sendRefund(ctx context.Context, id uuid.UUID, attempt int, now time.Time) error {
	o, err := OrderByID(ctx, w.db, w.book, id)
	if err != nil {
		return err
	}
	g, err := giving.GiftByID(ctx, w.db, w.book, o.GiftID)
	if err != nil {
		return err
	}
	switch {
	case g.Gift.Channel == giving.Stripe && w.stripe != nil:
		return w.stripe.sendRefund(ctx, o, &g.Gift, attempt)
	case g.Gift.Channel == giving.Sandbox:
		return w.sandboxRefund(ctx, o, g, now)
	}
	return fmt.Errorf("%w: %s", ErrNoProcessor, g.Gift.Channel.Code())
}

// sandboxRefund is the sandbox paying back: it does at once.
func (w *Worker) sandboxRefund(ctx context.Context, o *Order, g *giving.Receipt, now time.Time) error {
	ref := "sbx_re_" + o.ID.String()
	return pg.InTx(ctx, w.db, func(tx pgx.Tx) error {
		outcomes, err := giving.BookRefunds(ctx, tx, w.book, []giving.Refunded{o.refunded(g, ref, now)})
		if err == nil {
			err = outcomes[0].Err
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, sqlOrderNote, w.book.ID, o.ID, ref, OrderSucceeded, "", now)
		return err
	})
}

// sendRefund asks Stripe for a refund. After a try whose outcome is unknown it looks for it first.
func (s *Stripe) sendRefund(ctx context.Context, o *Order, g *giving.Gift, attempt int) error {
	if attempt > 1 {
		r, err := s.findRefund(ctx, o, g.Ref)
		if err != nil {
			return err
		}
		if r != nil {
			return s.sent(ctx, g.Ref, r)
		}
	}
	p := &stripe.RefundParams{Charge: &g.Ref, Amount: &o.Amount}
	if o.Reason == "twice" {
		p.Reason = stripe.String(string(stripe.RefundReasonDuplicate))
	} else {
		p.Reason = stripe.String(string(stripe.RefundReasonRequestedByCustomer))
	}
	p.Context = ctx
	p.Metadata = map[string]string{"book": s.book.Code, "gift": o.GiftID.String(), "refund": o.ID.String()}
	p.SetIdempotencyKey(o.ID.String())
	for _, name := range expandRefund {
		p.AddExpand(name)
	}
	r, err := s.api.Refunds.New(p)
	if err != nil {
		return away(fmt.Errorf("send refund %s: %w", o.ID, err))
	}
	return s.sent(ctx, g.Ref, r)
}

func (s *Stripe) findRefund(ctx context.Context, o *Order, charge string) (*stripe.Refund, error) {
	p := &stripe.RefundListParams{Charge: &charge}
	p.Context = ctx
	p.Limit = stripe.Int64(100)
	for _, name := range expandRefund {
		p.AddExpand("data." + name)
	}
	list := s.api.Refunds.List(p)
	for list.Next() {
		if r := list.Refund(); r.Metadata["refund"] == o.ID.String() {
			return r, nil
		}
	}
	if err := list.Err(); err != nil {
		return nil, away(fmt.Errorf("look for refund %s: %w", o.ID, err))
	}
	return nil, nil
}

// sent notes that Stripe has a refund, then books it. What cannot be booked now is booked when its event or the sweep comes.
func (s *Stripe) sent(ctx context.Context, charge string, r *stripe.Refund) error {
	if err := s.noteRefund(ctx, r); err != nil {
		return fmt.Errorf("%w: %w", ErrAway, err)
	}
	if err := s.syncCharge(ctx, charge); err != nil { // with those before it
		return s.hint(ctx, "refund", r.ID, "", s.clock())
	}
	return nil
}

// noteRefund notes on our order what Stripe says of its refund.
func (s *Stripe) noteRefund(ctx context.Context, r *stripe.Refund) error {
	id, err := uuid.Parse(r.Metadata["refund"])
	if err != nil {
		return nil // begun in Stripe's dashboard
	}
	state, problem := OrderSent, ""
	switch r.Status {
	case stripe.RefundStatusSucceeded:
		state = OrderSucceeded
	case stripe.RefundStatusFailed, stripe.RefundStatusCanceled:
		state, problem = OrderFailed, clip("Stripe: "+string(r.FailureReason))
	}
	if _, err := s.db.Exec(ctx, sqlOrderNote, s.book.ID, id, r.ID, state, problem, s.clock()); err != nil {
		return fmt.Errorf("note refund %s: %w", r.ID, err)
	}
	return nil
}
