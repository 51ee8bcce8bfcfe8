package web

import (
	"html/template"
	"net/url"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/money"
)

// face is a donation receipt as it stands on paper (财综〔2024〕1号: code, number, check code, payer and credit code, item, amount in words and
// figures, date, remark).
type face struct {
	Receipt   receipts.Receipt
	Legal     string // who issued it
	Payer     string
	Item      string
	Amount    money.Money
	Words     string // in Chinese capitals; empty for another currency than yuan
	Remark    string
	Void      string // what stands across it; empty when it is good
	Successor *Link
	Address   string // where it is verified
	Code      template.HTML
}

// face reads what a receipt says beside its own row. mask hides all but the first sign of a natural person's name.
func (v *visit) face(q pg.Querier, r receipts.Receipt, mask bool) (*face, error) {
	lang := string(v.lang)
	if err := receipts.Names(v.ctx(), q, v.book, &r); err != nil {
		return nil, err
	}
	funds, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return nil, err
	}
	fund := funds[r.FundID]
	f := &face{Receipt: r, Legal: v.book.Name(lang), Payer: r.Name, Item: T(v.lang, "slip.item.fund", fund.Name(lang)), Amount: money.Money{Minor: r.Amount, Currency: r.Currency}}
	if r.CampaignID != nil {
		c, err := giving.CampaignByID(v.ctx(), q, v.book, *r.CampaignID)
		if err != nil {
			return nil, err
		}
		f.Item = T(v.lang, "slip.item.campaign", c.Title(lang), fund.Name(lang))
	}
	switch {
	case r.Payer == receipts.Nobody:
		f.Payer, f.Remark = T(v.lang, "slip.payer.none"), T(v.lang, "slip.remark.merged", r.Gifts, ISODay(r.GivenOn))
	case r.Erased || r.Name == "":
		f.Payer = T(v.lang, "slip.payer.erased")
	case mask && r.Payer == receipts.Person:
		f.Payer = masked(r.Name)
	}
	switch {
	case r.Face == receipts.Goods:
		l, role, err := receipts.LotOf(v.ctx(), q, v.book, r.ID)
		if err != nil {
			return nil, err
		}
		if l.KeepsTitle {
			role = "proceeds"
		}
		f.Remark = T(v.lang, "slip.remark."+role, l.Title, int(l.Pieces), l.Unit, ISODay(r.GivenOn))
	case r.Payer != receipts.Nobody:
		f.Remark = T(v.lang, "slip.remark.single", ISODay(r.GivenOn))
	}
	if r.Currency == "CNY" {
		f.Words = money.WordsZH(r.Amount)
	}
	if r.Void != nil {
		f.Void = T(v.lang, "slip.void", T(v.lang, "slip.cause."+r.Void.Cause), ISODay(v.book.Day(r.Void.At)))
	} else if over, err := receipts.Overstated(v.ctx(), q, v.book, r.ID); err != nil {
		return nil, err
	} else if over {
		f.Void = T(v.lang, "slip.void.due")
	}
	f.Address = v.Scheme() + "://" + v.Request().Host + address("/verify", url.Values{"code": {r.Code}, "number": {r.Printed()}, "check": {r.CheckCode}})
	f.Code, err = qrSVG(f.Address, T(v.lang, "slip.qr"))
	return f, err
}

// masked keeps the first sign of a name: whoever knows the payer recognises it, nobody else learns it.
func masked(name string) string {
	for _, first := range name {
		return string(first) + "**"
	}
	return ""
}

type verifyView struct {
	Page
	Code, Number, Check string
	Asked               bool
	Good                bool
	Heading             string
	Face                *face
	IssuedOn            time.Time
}

// receiptVerify answers /verify: whether a receipt on paper is one of ours. Whatever is wrong with number and check code, the words are
// the same.
func (v *visit) receiptVerify() error {
	view := verifyView{Page: v.page(T(v.lang, "verify.title")), Code: v.typed("code", 20), Number: v.typed("number", 12), Check: v.typed("check", 20)}
	secret(v)
	view.Asked = view.Code != "" || view.Number != "" || view.Check != ""
	if view.Asked {
		if err := v.answerVerify(&view); err != nil {
			return err
		}
	}
	return v.s.render.Render(v.Response(), 200, "public/verify", view)
}

func (v *visit) answerVerify(view *verifyView) error {
	number, _ := strconv.ParseInt(view.Number, 10, 64) // 0 is no receipt's
	var f *face
	err := v.read(func(q pg.Querier) error {
		r, err := receipts.Check(v.ctx(), q, v.book, view.Code, number, view.Check)
		if err != nil {
			return err
		}
		f, err = v.face(q, r, true)
		return err
	})
	if isNoReceipt(err) {
		view.Heading = view.T("verify.unknown")
		return nil
	}
	if err != nil {
		return err
	}
	view.Face, view.Good, view.IssuedOn = f, f.Void == "", f.Receipt.IssuedOn
	view.Heading = view.T("verify.good")
	if !view.Good {
		view.Heading = view.T("verify.void")
	}
	if f.Receipt.ReplacedBy != nil {
		view.Heading = view.T("verify.replaced")
	}
	return nil
}
