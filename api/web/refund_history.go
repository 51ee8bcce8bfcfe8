package web

import (
	"context"
	"slices"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

// refundHistory is what has been asked, decided, sent and given back of a gift, the earliest first. Donor and accountant read
// the same lines; the donor's words and ours about reasons are not among them.
func (v *visit) refundHistory(ctx context.Context, q pg.Querier, r *giving.Receipt) ([]Step, error) {
	orders, err := payments.OrdersOf(ctx, q, v.book, r.Gift.ID)
	if err != nil {
		return nil, err
	}
	type line struct {
		at   time.Time
		step Step
	}
	var lines []line
	add := func(at time.Time, state, key string, minor int64) {
		amount := money.Money{Minor: minor, Currency: r.Gift.Currency}
		lines = append(lines, line{at, Step{State: state, Label: T(v.lang, key, amount), At: When(v.lang, at, v.book.Zone)}})
	}
	for _, back := range r.Refunds {
		key := "mine.step.refunded"
		if back.Cause == giving.Disputed {
			key = "mine.step.disputed"
		}
		add(back.RefundedAt, "done", key, back.Amount)
	}
	for _, o := range orders {
		if o.ByDonor {
			add(o.AskedAt, "done", "mine.step.asked", o.Amount)
		}
		switch o.State {
		case payments.OrderRequested, payments.OrderApproved, payments.OrderSent:
			add(latest(o), "now", "mine.step.order."+string(o.State), o.Amount)
		case payments.OrderFailed, payments.OrderDeclined:
			add(latest(o), "open", "mine.step.order."+string(o.State), o.Amount)
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	steps := make([]Step, len(lines))
	for i, l := range lines {
		steps[i] = l.step
	}
	return steps, nil
}

// latest is when an order came to where it stands.
func latest(o payments.Order) time.Time {
	switch {
	case o.EndedAt != nil:
		return *o.EndedAt
	case o.SentAt != nil:
		return *o.SentAt
	}
	return o.AskedAt
}
