package web

import (
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

type paymentListView struct {
	Page
	Facts    []Fact
	Alarm    int // events that somebody must look at
	Apart    []payments.Event
	Orders   []orderRow
	Disputes []disputeRow
	Payouts  []payoutRow
	MayWork  bool
	MayTake  bool   // may take up a refund
	Cards    string // the alarm of card testing, with its figures; empty in normal times
}

type orderRow struct {
	payments.Order
	Public string // the gift's reference
	Sum    money.Money
}

type disputeRow struct {
	payments.Dispute
	Public   string
	Sum, Fee money.Money
}

type payoutRow struct {
	payments.Payout
	Sum money.Money
}

// paymentList answers /console/payments: what takes payments, what nobody could book, refunds under way, disputes, payouts.
func (v *visit) paymentList() error {
	view := paymentListView{Page: v.consolePage(T(v.lang, "place.payments"), "/console/payments"), MayWork: v.who.May(staff.GiftWrite), MayTake: v.who.May(staff.GiftWrite)}
	s, err := v.sight()
	if err != nil {
		return err
	}
	if !s.all { // an account at a processor is the association's: a street reads how it stands, and no lists
		v.fillPayments(&view, &payments.Status{}, nil)
		return v.s.render.Render(v.Response(), http.StatusOK, "console/payment_list", view)
	}
	err = v.read(func(q pg.Querier) error {
		status, err := payments.StatusOf(v.ctx(), q, v.book)
		if err != nil {
			return err
		}
		open, err := payments.OpenOrders(v.ctx(), q, v.book)
		if err != nil {
			return err
		}
		failed, err := payments.FailedOrders(v.ctx(), q, v.book)
		if err != nil {
			return err
		}
		v.fillPayments(&view, status, append(open, failed...))
		defence, err := payments.DefenceOf(v.ctx(), q, v.book)
		if err != nil {
			return err
		}
		until := map[payments.Tier]time.Time{payments.TierChallenge: defence.GuardedTo, payments.TierPaused: defence.PausedTo}
		if tier := defence.Tier(v.now); tier != payments.TierNormal {
			view.Cards = T(v.lang, "cards.alarm."+string(tier), defence.Failed, defence.Failed+defence.Paid, When(v.lang, until[tier], v.book.Zone))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/payment_list", view)
}

func (v *visit) fillPayments(view *paymentListView, status *payments.Status, orders []payments.Order) {
	own := func(minor int64) money.Money { return money.Money{Minor: minor, Currency: v.book.Currency} }
	fact := func(key, value string) { view.Facts = append(view.Facts, Fact{Term: T(v.lang, key), Value: value}) }
	switch stripe := v.s.Stripes[v.book.ID]; {
	case stripe != nil && stripe.Live():
		fact("payment.processor", T(v.lang, "payment.stripe.live", stripe.Account()))
	case stripe != nil:
		fact("payment.processor", T(v.lang, "payment.stripe.test", stripe.Account()))
	case v.book.Sandbox:
		fact("payment.processor", T(v.lang, "payment.sandbox"))
	default:
		fact("payment.processor", T(v.lang, "payment.none"))
	}
	never := T(v.lang, "payment.never")
	if status.LastEvent != nil {
		fact("payment.event.last", When(v.lang, *status.LastEvent, v.book.Zone))
	} else {
		fact("payment.event.last", never)
	}
	if status.SweptAt != nil {
		fact("payment.swept", When(v.lang, *status.SweptAt, v.book.Zone))
	} else if v.s.Stripes[v.book.ID] != nil {
		fact("payment.swept", never)
	}
	if status.SweepSays != "" {
		fact("payment.sweep.says", status.SweepSays)
	}
	fact("payment.waiting", T(v.lang, "payment.waiting.count", status.Waiting, status.Stuck))
	view.Apart, view.Alarm = status.Apart, len(status.Apart)
	for _, o := range orders {
		view.Orders = append(view.Orders, orderRow{o, giving.Ref(v.book, o.GiftID), money.Money{Minor: o.Amount, Currency: o.Currency}})
	}
	for _, d := range status.Disputes {
		view.Disputes = append(view.Disputes, disputeRow{d, giving.Ref(v.book, d.GiftID), money.Money{Minor: d.Amount, Currency: d.Currency}, own(d.Fee)})
	}
	for _, p := range status.Payouts {
		view.Payouts = append(view.Payouts, payoutRow{p, own(p.Amount)})
	}
}

// paymentAgain has a refused event worked on once more, after what stood against it was mended.
func (v *visit) paymentAgain() error {
	if v.FormValue("lift") != "" {
		return v.cardsLift(strings.TrimSpace(v.FormValue("reason")))
	}
	id, err := uuid.Parse(v.FormValue("event"))
	if err != nil {
		return payments.ErrMalformed
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return payments.WorkAgain(v.ctx(), tx, v.book, id, v.now) })
	if err != nil {
		return err
	}
	return v.see("/console/payments")
}
