package web

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/staff"
)

// approvalDecide approves, refuses or withdraws the request exactly as the form's hash says it was read.
func (v *visit) approvalDecide() error {
	a, err := v.visibleApproval()
	if err != nil {
		return err
	}
	seen, err := hex.DecodeString(v.FormValue("hash"))
	if err != nil {
		seen = nil // read by nobody: changed
	}
	reason := v.typed("reason", 1000)
	do := v.FormValue("do")
	if do == "refuse" && reason == "" {
		return v.approvalAgain(http.StatusUnprocessableEntity, Errors{{"reason", T(v.lang, "approval.reason.wrong")}})
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		switch do {
		case "approve":
			return v.approve(tx, a.ID, seen)
		case "refuse":
			_, err := staff.Refuse(v.ctx(), tx, v.who, a.ID, seen, reason, v.now)
			return err
		case "withdraw":
			_, err := staff.Withdraw(v.ctx(), tx, v.who, a.ID, v.now)
			return err
		}
		return staff.ErrRequestInvalid
	})
	return v.decided(a.ID, err)
}

// decided leads to the request as it now stands, or says why nothing was decided.
func (v *visit) decided(id uuid.UUID, err error) error {
	here := "/console/approvals/" + id.String()
	switch {
	case err == nil, errors.Is(err, staff.ErrDecided): // decided twice is decided
		return v.see(here)
	case errors.Is(err, staff.ErrChanged):
		return v.approvalAgain(http.StatusConflict, nil)
	case errors.Is(err, staff.ErrOwn), errors.Is(err, ledger.ErrShort), errors.Is(err, ledger.ErrGuarded),
		errors.Is(err, ledger.ErrPeriodClosed), errors.Is(err, ledger.ErrReversed), errors.Is(err, ledger.ErrUnbalanced),
		errors.Is(err, ledger.ErrUnknownAccount):
		s, sightErr := v.sight()
		if sightErr != nil {
			return sightErr
		}
		return v.refuse(err, s, Link{T(v.lang, "refuse.request"), here})
	}
	return err
}

// approve posts what was asked and decides for it; both are committed or neither. Who may not decide, or read something
// else, is told so before the book is asked.
func (v *visit) approve(tx pgx.Tx, id uuid.UUID, seen []byte) error {
	a, err := staff.ApprovalByID(v.ctx(), tx, v.who, id)
	switch {
	case err != nil:
		return err
	case a.MadeBy == v.who.Person.ID:
		return staff.ErrOwn
	case !v.who.May(staff.EntryApprove):
		return staff.ErrDenied
	case a.State != staff.Open:
		return staff.ErrDecided
	case !bytes.Equal(a.Hash, seen):
		return staff.ErrChanged
	}
	posted, err := v.carryOut(tx, a)
	if err != nil {
		return err
	}
	// Approve locks the request and looks at all of this again: what changed meanwhile takes the posting back.
	_, err = staff.Approve(v.ctx(), tx, v.who, id, seen, &posted, v.now)
	return err
}

// carryOut books what a request asks for, under the request's id as key: however often, it is booked once.
func (v *visit) carryOut(tx pgx.Tx, a staff.Approval) (uuid.UUID, error) {
	r, err := v.ask(tx, a)
	if err != nil {
		return uuid.Nil, err
	}
	maker, err := newNames(v).person(a.MadeBy)
	if err != nil {
		return uuid.Nil, err
	}
	doc := ledger.Document{Summary: a.Summary, SourceKind: string(a.Kind), SourceRef: a.ID.String(), Reason: r.reason, Attachments: r.attachments}
	doc.MadeBy, doc.CheckedBy = signatures(maker, v.who.Person)
	var posted ledger.Result
	if r.original != nil {
		posted, err = ledger.Reverse(v.ctx(), tx, v.book, r.original.ID, a.ID, r.day, v.who.Person.ID, doc)
	} else {
		posted, err = ledger.PostOne(v.ctx(), tx, v.book, ledger.Entry{Key: a.ID, Kind: ledger.KindVoucher, EffectiveOn: r.day,
			Actor: v.who.Person.ID, Document: &doc, Lines: r.lines})
	}
	return posted.ID, err
}

// signatures are the names on a voucher. Two people of one name are told apart by their logins.
func signatures(maker, checker staff.Person) (made, checked string) {
	made, checked = maker.NameZH, checker.NameZH
	if made == checked {
		made, checked = made+" ("+maker.Login+")", checked+" ("+checker.Login+")"
	}
	return made, checked
}
