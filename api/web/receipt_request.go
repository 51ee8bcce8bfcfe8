package web

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
)

func isNoReceipt(err error) bool { return errors.Is(err, receipts.ErrNoReceipt) }

// slipView is a donation receipt on its gift's page.
type slipView struct {
	Page
	Face *face
	Ref  string
	PDF  bool
	Mail string // as on the certificate
}

// payerForm asks whom a receipt is to be made out to.
type payerForm struct {
	Kind, Name, USCC string
	Kinds            []Option
}

func (v *visit) payerForm(name string) payerForm {
	f := payerForm{Kind: v.typed("kind", 20), Name: v.typed("payer", 200), USCC: v.typed("uscc", 30), Kinds: []Option{
		{Value: receipts.Person, Label: T(v.lang, "slip.kind.person")}, {Value: receipts.Organisation, Label: T(v.lang, "slip.kind.organisation")}}}
	if f.Kind == "" {
		f.Kind, f.Name = receipts.Person, name
	}
	return f
}

func (f payerForm) payer() receipts.Payer {
	return receipts.Payer{Kind: f.Kind, Name: f.Name, USCC: f.USCC}
}

// wrong says at which field the payer is not acceptable.
func (v *visit) wrongPayer(err error) Errors {
	if errors.Is(err, receipts.ErrCreditCode) {
		return Errors{{"uscc", T(v.lang, "slip.uscc.wrong")}}
	}
	return Errors{{"payer", T(v.lang, "slip.payer.wrong")}}
}

// slip shows the receipt that was issued for a gift alone; false when there is none that stands. merged is the one it shares with others.
func (v *visit) slip(q pg.Querier, r *giving.Receipt) (view *slipView, merged *receipts.Receipt, err error) {
	list, err := receipts.OfGift(v.ctx(), q, v.book, r.Gift.ID)
	if err != nil || len(list) == 0 {
		return nil, nil, err
	}
	latest := list[0]
	if latest.Face == receipts.Merged {
		if latest.Void == nil {
			merged = &latest
		}
		return nil, merged, nil
	}
	if latest.Void != nil && r.Gift.Refunded < r.Gift.Amount {
		return nil, nil, nil // void for another reason than the refund: ask again
	}
	view = &slipView{Page: v.page(T(v.lang, "slip.title", latest.Printed())), Ref: r.Ref, PDF: len(v.s.Font) > 0}
	view.Crumbs = []Link{{view.T("mine.heading"), "/g/" + r.Ref}, {Label: view.T("slip.heading")}}
	view.Face, err = v.face(q, latest, false)
	return view, nil, err
}

// receiptRequest makes out the gift's receipt at once, to whom the donor says.
func (v *visit) receiptRequest() error {
	ref := v.Param("ref")
	r, err := giving.GiftByRef(v.ctx(), v.s.DB, v.book, ref)
	if err != nil {
		return err
	}
	payer := v.payerForm("").payer()
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		_, err := receipts.Issue(v.ctx(), tx, v.book, rand.Reader, r.Gift.ID, payer, uuid.Nil, v.now)
		return err
	})
	switch {
	case errors.Is(err, receipts.ErrPayer), errors.Is(err, receipts.ErrCreditCode):
		return v.receiptAgain(http.StatusUnprocessableEntity, v.wrongPayer(err))
	case errors.Is(err, receipts.ErrIssued): // sent twice
	case err != nil:
		return err
	}
	return v.see("/g/" + ref + "/receipt")
}
