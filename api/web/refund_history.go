package web

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

// refundHistory is payments.HistoryOf in words, the same for donor and accountant.
func (v *visit) refundHistory(ctx context.Context, q pg.Querier, r *giving.Receipt) ([]Step, error) {
	lines, err := payments.HistoryOf(ctx, q, v.book, r)
	if err != nil {
		return nil, err
	}
	steps := make([]Step, len(lines))
	for i, l := range lines {
		steps[i] = Step{State: "done", Label: T(v.lang, "mine.step.order."+l.What, money.Money{Minor: l.Amount, Currency: r.Gift.Currency}), At: When(v.lang, l.At, v.book.Zone)}
		switch payments.OrderState(l.What) {
		case payments.OrderRequested, payments.OrderApproved, payments.OrderSent:
			steps[i].State = "now"
		case payments.OrderFailed, payments.OrderDeclined:
			steps[i].State = "open"
		}
		if l.Answer != "" {
			steps[i].Note = T(v.lang, "mine.step.answer", l.Answer)
		}
	}
	return steps, nil
}
