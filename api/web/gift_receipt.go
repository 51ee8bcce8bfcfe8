package web

import (
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/money"
)

type receiptView struct {
	Page
	Ref         string
	Payer       string // empty: the giver left no name
	Erased      bool   // and what they left was erased
	Amount      money.Money
	Words       string // in Chinese capitals; empty for another currency than yuan
	Refunded    money.Money
	Void        bool // given back in whole
	For, FundOf string
	Day         time.Time
	RecordedAt  time.Time
	Way         string
	Address     string
	Code        template.HTML

	Ask    bool // the donor may have the receipt made out now
	Payers payerForm
	Merged string // number of the receipt that the gift shares with others
	Mail   string // how a link may be sent: "may", "sent", or empty where no address was told
}

// giftReceipt answers /g/{ref}/receipt: the donation receipt where one was issued, else a certificate of the gift and the form to ask for
// the receipt. Before the money is here there is neither.
func (v *visit) giftReceipt() error { return v.receiptAgain(http.StatusOK, nil) }

func (v *visit) receiptAgain(status int, wrong Errors) error {
	ref := v.Param("ref")
	var receipt *giving.Receipt
	var slip *slipView
	var merged *receipts.Receipt
	var to uuid.UUID
	numbers := false
	err := v.read(func(q pg.Querier) (err error) {
		if receipt, err = giving.GiftByRef(v.ctx(), q, v.book, ref); err != nil {
			return err
		}
		if to, err = v.mailTo(q, receipt); err != nil {
			return err
		}
		if slip, merged, err = v.slip(q, receipt); err != nil || slip != nil {
			return err
		}
		numbers, err = receipts.Available(v.ctx(), q, v.book)
		return err
	})
	secret(v)
	if errors.Is(err, giving.ErrNoGift) {
		return v.noReceipt(ref)
	}
	if err != nil {
		return err
	}
	if slip != nil {
		slip.Mail = v.mailState(to)
		return v.s.render.Render(v.Response(), http.StatusOK, "public/slip", slip)
	}
	lang := string(v.lang)
	gift := &receipt.Gift
	view := receiptView{
		Page: v.page(T(v.lang, "receipt.title", ref)), Ref: ref, Payer: gift.Name, Erased: gift.Erased,
		Amount:   money.Money{Minor: gift.Amount, Currency: gift.Currency},
		Refunded: money.Money{Minor: gift.Refunded, Currency: gift.Currency}, Void: gift.Refunded >= gift.Amount,
		For: receipt.Campaign.Title(lang), FundOf: receipt.Fund.Name(lang), Day: v.book.Day(gift.PaidAt),
		RecordedAt: receipt.RecordedAt, Way: gift.Channel.Name(lang),
		Address: v.Scheme() + "://" + v.Request().Host + "/g/" + ref,
	}
	if gift.Currency == "CNY" {
		view.Words = money.WordsZH(gift.Amount)
	}
	if view.Code, err = qrSVG(view.Address, view.T("receipt.code")); err != nil {
		return err
	}
	view.Crumbs = []Link{{view.T("mine.heading"), "/g/" + ref}, {Label: view.T("receipt.heading")}}
	view.Mail = v.mailState(to)
	view.Errors, view.Ask, view.Payers = wrong, numbers && !view.Void, v.payerForm(gift.Name)
	if merged != nil {
		view.Merged = merged.Printed()
	}
	return v.s.render.Render(v.Response(), status, "public/receipt", view)
}

// noReceipt tells a started gift without money from one that never was.
func (v *visit) noReceipt(ref string) error {
	id, err := giving.ParseRef(v.book, ref)
	if err != nil {
		return err
	}
	if _, err := giving.CheckoutByID(v.ctx(), v.s.DB, v.book, id); err != nil {
		return err
	}
	view := ErrorView{Page: v.page(T(v.lang, "receipt.none.heading")), Status: http.StatusConflict}
	view.Heading, view.What = view.T("receipt.none.heading"), view.T("receipt.none.what")
	view.Ways = []Link{{view.T("receipt.none.way"), "/g/" + ref}}
	return v.s.render.Fail(v.Context, view)
}

// mailTo is the donor to whose address the receipt's link can be sent: the one told with the gift, or else that of who is signed in
// and asks. Nil for none.
func (v *visit) mailTo(q pg.Querier, r *giving.Receipt) (uuid.UUID, error) {
	if r.Gift.Email != "" {
		return r.Gift.Donor, nil
	}
	id, err := v.donorOf(q)
	if errors.Is(err, giving.ErrNoSession) {
		return uuid.Nil, nil
	}
	return id, err
}

// mailState says whether the receipt's link can be sent, or just was.
func (v *visit) mailState(to uuid.UUID) string {
	switch {
	case to == uuid.Nil:
		return ""
	case v.QueryParam("sent") != "":
		return "sent"
	}
	return "may"
}
