package web

import (
	"net/http"

	"github.com/google/uuid"

	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
)

type refundView struct {
	Page
	Form, Amount, Ref, Reason string
	Why, Asked                string // the reason's code; the donor's asking that it takes up
	Answer                    string // why the donor's asking is declined
	Whys                      []Option
	Sends                     bool // we send it ourselves
	History                   []Step
	Gift                      string // its address
	Facts                     []Fact
}

// refundForm asks how much of a gift is to be given back, and why.
func (v *visit) refundForm() error {
	r, err := v.giftParam()
	if err != nil {
		return err
	}
	if refused, err := v.refuseMatch(r); refused || err != nil {
		return err
	}
	view := refundView{Form: newForm()}
	if err := v.fillAsked(r, &view); err != nil {
		return err
	}
	return v.refundAgain(http.StatusOK, r, view, nil)
}

// refuseMatch leads from match of a platform's foundation to the file where alone it is given back.
func (v *visit) refuseMatch(r *giving.Receipt) (refused bool, err error) {
	file, err := platforms.FileOfMatch(v.ctx(), v.s.DB, v.book, r.Gift.ID)
	if err != nil || file == uuid.Nil {
		return false, err
	}
	return true, v.refuse(giving.ErrMatchOfFile, nil, Link{T(v.lang, "refuse.match-file"), platformsPath + "/" + file.String()})
}

// fillAsked puts what the donor asked for into the form.
func (v *visit) fillAsked(r *giving.Receipt, view *refundView) error {
	orders, err := payments.OrdersOf(v.ctx(), v.s.DB, v.book, r.Gift.ID)
	if err != nil {
		return err
	}
	for _, o := range orders {
		if o.State == payments.OrderAsked {
			view.Asked, view.Amount, view.Why, view.Reason = o.ID.String(), money.Format(o.Amount, o.Currency), o.Reason, o.Note
		}
	}
	return nil
}

// giftParam reads the gift of the address, or giving.ErrNoGift.
func (v *visit) giftParam() (*giving.Receipt, error) {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return nil, giving.ErrNoGift
	}
	return giving.GiftByID(v.ctx(), v.s.DB, v.book, id)
}

func (v *visit) refundAgain(status int, r *giving.Receipt, view refundView, wrong Errors) error {
	view.Page = v.consolePage(T(v.lang, "refund.title", r.Ref), "/console/gifts")
	view.Errors, view.Gift = wrong, "/console/gifts/"+r.Gift.ID.String()
	view.Facts, view.Sends = v.leftOfGift(r), v.sends(r)
	view.Whys = []Option{{Label: T(v.lang, "refund.why.choose"), Chosen: view.Why == ""}}
	for _, reason := range payments.Reasons() {
		view.Whys = append(view.Whys, Option{Value: reason.Code, Label: T(v.lang, "refund.why."+reason.Code), Chosen: reason.Code == view.Why})
	}
	var err error
	if view.History, err = v.refundHistory(v.ctx(), v.s.DB, r); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/refund_form", view)
}

// leftOfGift says which gift it is and what is left of it. The giver's name is not needed for that.
func (v *visit) leftOfGift(r *giving.Receipt) []Fact {
	in := func(minor int64) string { return Amount(v.lang, money.Money{Minor: minor, Currency: r.Gift.Currency}) }
	return []Fact{
		{Term: T(v.lang, "gift.ref"), Value: r.Ref, Href: giftsHref(r.Ref)},
		{Term: T(v.lang, "gift.paid"), Value: When(v.lang, r.Gift.PaidAt, v.book.Zone)},
		{Term: T(v.lang, "gift.channel"), Value: r.Gift.Channel.Name(string(v.lang))},
		{Term: T(v.lang, "gift.campaign"), Value: r.Campaign.Title(string(v.lang))},
		{Term: T(v.lang, "gift.amount"), Value: in(r.Gift.Amount)},
		{Term: T(v.lang, "refund.before"), Value: in(r.Gift.Refunded)},
	}
}
