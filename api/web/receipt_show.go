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
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// receiptGifts is how many gifts of a merged receipt the page lists.
const receiptGifts = 100

type receiptShowView struct {
	Page
	Face     *face
	PDF      bool
	Facts    []Fact
	Gifts    []receiptGift
	More     int64 // gifts that are not listed
	Voidable bool
	Single   bool
	Reason   string
	Payers   payerForm
}

type receiptGift struct {
	Ref    string
	ID     uuid.UUID
	Amount money.Money
}

func (v *visit) receiptShow() error { return v.receiptShowAgain(http.StatusOK, nil) }

func (v *visit) receiptShowAgain(status int, wrong Errors) error {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return receipts.ErrNoReceipt
	}
	var view receiptShowView
	err = v.read(func(q pg.Querier) error {
		r, err := receipts.ByID(v.ctx(), q, v.book, id)
		if err != nil {
			return err
		}
		view = receiptShowView{Page: v.consolePage(T(v.lang, "slip.title", r.Printed()), "/console/receipts"), Reason: v.typed("reason", 1000), Payers: v.payerForm("")}
		view.Errors, view.PDF = wrong, len(v.s.Font) > 0
		view.Voidable, view.Single = r.Void == nil && v.who.May(staff.GiftWrite), r.Face == receipts.Single
		if view.Face, err = v.face(q, r, false); err != nil {
			return err
		}
		if view.Payers.Name == "" && r.Payer != receipts.Nobody && !r.Erased {
			view.Payers.Name, view.Payers.Kind, view.Payers.USCC = view.Face.Receipt.Name, r.Payer, r.USCC
		}
		parts, err := receipts.Parts(v.ctx(), q, v.book, id, receiptGifts)
		if err != nil {
			return err
		}
		for _, p := range parts {
			view.Gifts = append(view.Gifts, receiptGift{giving.Ref(v.book, p.Gift), p.Gift, money.Money{Minor: p.Amount, Currency: r.Currency}})
		}
		if len(parts) > 0 {
			view.More = r.Gifts - int64(len(parts))
		}
		view.Facts, err = v.receiptFacts(q, r)
		return err
	})
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/receipt_show", view)
}

// receiptFacts says what became of a receipt, and by whom.
func (v *visit) receiptFacts(q pg.Querier, r receipts.Receipt) ([]Fact, error) {
	names := newNames(v)
	who, err := names.of(r.IssuedBy)
	if err != nil {
		return nil, err
	}
	facts := []Fact{{Term: T(v.lang, "receipts.issued-by"), Value: who + T(v.lang, "receipts.at") + Stamp(r.IssuedAt, v.book.Zone)}}
	if r.Face == receipts.Goods {
		l, _, err := receipts.LotOf(v.ctx(), q, v.book, r.ID)
		if err != nil {
			return nil, err
		}
		facts = append(facts, Fact{Term: T(v.lang, "receipts.lot"), Value: l.Name() + " " + l.Title, Href: "/console/goods/" + l.ID.String()})
	}
	if r.Void != nil {
		if who, err = names.of(r.Void.By); err != nil {
			return nil, err
		}
		facts = append(facts, Fact{Term: T(v.lang, "receipts.voided-by"), Value: who + T(v.lang, "receipts.at") + Stamp(r.Void.At, v.book.Zone)},
			Fact{Term: T(v.lang, "slip.cause"), Value: T(v.lang, "slip.cause."+r.Void.Cause)}, Fact{Term: T(v.lang, "slip.reason"), Value: r.Void.Reason})
	}
	for _, other := range []struct {
		key string
		id  *uuid.UUID
	}{{"receipts.replaces", r.Replaces}, {"receipts.replaced-by", r.ReplacedBy}} {
		if other.id == nil {
			continue
		}
		o, err := receipts.ByID(v.ctx(), q, v.book, *other.id)
		if err != nil {
			return nil, err
		}
		facts = append(facts, Fact{Term: T(v.lang, other.key), Value: o.Code + " " + o.Printed(), Href: "/console/receipts/" + o.ID.String()})
	}
	return facts, nil
}

// receiptVoid declares a receipt void.
func (v *visit) receiptVoid() error {
	return v.receiptChange("donation_receipt.void", func(tx pgx.Tx, id uuid.UUID) error {
		return receipts.Void(v.ctx(), tx, v.book, id, receipts.Other, v.typed("reason", 1000), v.who.Person.ID, v.now)
	})
}

// receiptReplace declares a receipt void and makes it out to another payer.
func (v *visit) receiptReplace() error {
	payer := v.payerForm("").payer()
	return v.receiptChange("donation_receipt.replace", func(tx pgx.Tx, id uuid.UUID) error {
		_, err := receipts.Replace(v.ctx(), tx, v.book, rand.Reader, id, payer, v.typed("reason", 1000), v.who.Person.ID, v.now)
		return err
	})
}

func (v *visit) receiptChange(what string, change func(pgx.Tx, uuid.UUID) error) error {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return receipts.ErrNoReceipt
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if err := change(tx, id); err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: what, Object: "receipt:" + id.String(), Reason: v.typed("reason", 1000)})
	})
	switch {
	case errors.Is(err, receipts.ErrReason):
		return v.receiptShowAgain(http.StatusUnprocessableEntity, Errors{{"reason", T(v.lang, "slip.reason.wrong")}})
	case errors.Is(err, receipts.ErrPayer), errors.Is(err, receipts.ErrCreditCode):
		return v.receiptShowAgain(http.StatusUnprocessableEntity, v.wrongPayer(err))
	case errors.Is(err, receipts.ErrVoid), errors.Is(err, receipts.ErrNothingLeft), errors.Is(err, receipts.ErrNoNumbers):
		return v.refuse(err, nil, Link{T(v.lang, "place.receipts"), "/console/receipts/" + id.String()})
	case err != nil:
		return err
	}
	return v.see("/console/receipts/" + id.String())
}
