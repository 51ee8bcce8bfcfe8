package web

import (
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

type refundAskView struct {
	Page
	Back, Amount, Why, Note string
	Whys                    []Option
	Facts                   []Fact
}

// refundAsk answers /g/{ref}/refund: a donor asks for money back. Nothing moves; staff take it up.
func (v *visit) refundAsk() error {
	r, err := v.giftToAsk()
	if err != nil {
		return err
	}
	return v.refundAskAgain(http.StatusOK, r, refundAskView{Amount: money.Format(r.Gift.Amount-r.Gift.Refunded, r.Gift.Currency)}, nil)
}

// giftToAsk is the gift of the address, when its refunds go through us.
func (v *visit) giftToAsk() (*giving.Receipt, error) {
	r, err := giving.GiftByRef(v.ctx(), v.s.DB, v.book, v.Param("ref"))
	if err == nil && !v.sends(r) {
		return nil, giving.ErrNoGift
	}
	return r, err
}

func (v *visit) refundAskAgain(status int, r *giving.Receipt, view refundAskView, wrong Errors) error {
	view.Page = v.page(T(v.lang, "ask.title"))
	view.Errors, view.Back = wrong, "/g/"+r.Ref
	for _, reason := range payments.Reasons() {
		if !reason.Own {
			view.Whys = append(view.Whys, Option{Value: reason.Code, Label: T(v.lang, "ask.why."+reason.Code), Chosen: reason.Code == view.Why})
		}
	}
	view.Facts = []Fact{{Term: T(v.lang, "mine.fact.ref"), Value: r.Ref},
		{Term: T(v.lang, "mine.fact.campaign"), Value: r.Campaign.Title(string(v.lang))},
		{Term: T(v.lang, "ask.left"), Value: Amount(v.lang, money.Money{Minor: r.Gift.Amount - r.Gift.Refunded, Currency: r.Gift.Currency})}}
	secret(v)
	return v.s.render.Render(v.Response(), status, "public/refund_ask", view)
}

// refundAsked stores what the donor asks for.
func (v *visit) refundAsked() error {
	r, err := v.giftToAsk()
	if err != nil {
		return err
	}
	view := refundAskView{Amount: v.typed("amount", 40), Why: v.typed("why", 40), Note: v.typed("note", keptMax)}
	minor, err := money.ParseInput(view.Amount, r.Gift.Currency)
	if err != nil || minor <= 0 {
		return v.refundAskAgain(http.StatusUnprocessableEntity, r, view, Errors{{"amount", T(v.lang, "ask.amount.wrong")}})
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return payments.AskRefund(v.ctx(), tx, v.book, payments.Order{ID: id, GiftID: r.Gift.ID, Amount: minor, Reason: view.Why, Note: view.Note}, v.now)
	})
	for _, refusal := range []struct {
		err   error
		field string
	}{{giving.ErrRefundTooLarge, "amount"}, {payments.ErrInDispute, "amount"}, {payments.ErrReason, "why"}} {
		if errors.Is(err, refusal.err) {
			return v.refundAskAgain(http.StatusUnprocessableEntity, r, view, Errors{{refusal.field, problem.Of(err).Title(string(v.lang))}})
		}
	}
	if err != nil && !errors.Is(err, payments.ErrAskedOnce) { // asked twice is asked
		return err
	}
	return v.see("/g/" + r.Ref)
}
