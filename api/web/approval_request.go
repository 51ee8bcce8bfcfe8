package web

import (
	"errors"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// request stores a request, tells those who may decide it, and shows it. The same form again shows the same request.
func (v *visit) request(draft staff.Draft) error {
	return v.requested(func(tx pgx.Tx) (staff.Approval, error) { return staff.Request(v.ctx(), tx, v.who, draft, v.now) })
}

func (v *visit) requested(ask func(tx pgx.Tx) (staff.Approval, error)) error {
	var a staff.Approval
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
		if a, err = ask(tx); err != nil {
			return err
		}
		if !a.MadeAt.Equal(v.now) {
			return nil // the form came a second time
		}
		return v.announce(tx, a)
	})
	if errors.Is(err, staff.ErrOtherBody) {
		return v.refuse(err, nil, Link{T(v.lang, "refuse.mine"), "/console/approvals?box=mine"})
	}
	if err != nil {
		return err
	}
	return v.see(approvalPath(a))
}

func approvalPath(a staff.Approval) string { return "/console/approvals/" + a.ID.String() }

// announce leaves a letter to everybody who may decide the request.
func (v *visit) announce(tx pgx.Tx, a staff.Approval) error {
	approvers, err := staff.Approvers(v.ctx(), tx, v.book.ID, a, v.now)
	if err != nil {
		return err
	}
	for _, p := range approvers {
		if err := v.post(tx, p, "mail.waiting", a); err != nil {
			return err
		}
	}
	if a.Kind == staff.Reset {
		return v.alarm(tx, a, "mail.access.asked")
	}
	return nil
}

// report tells the maker what was decided.
func (v *visit) report(tx pgx.Tx, a staff.Approval) error {
	if a.State != staff.Approved && a.State != staff.Rejected {
		return nil
	}
	maker, err := staff.ByID(v.ctx(), tx, v.book.ID, a.MadeBy)
	if err != nil {
		return err
	}
	if a.Kind == staff.UpdateKind {
		path, err := v.updateLetterPath(tx, a)
		if err != nil {
			return err
		}
		return v.tell(tx, maker, "mail."+string(a.State), path, a.Summary)
	}
	return v.post(tx, maker, "mail."+string(a.State), a)
}

// post writes a letter in the reader's language: the request's sentence, and where to read it. No more goes out.
func (v *visit) post(tx pgx.Tx, to staff.Person, key string, a staff.Approval) error {
	return v.tell(tx, to, key, approvalPath(a), a.Summary)
}

// tell writes a letter in the reader's language: what happened in one sentence, and where to read it.
func (v *visit) tell(tx pgx.Tx, to staff.Person, key, path string, args ...any) error {
	lang, ok := parseLang(to.Lang)
	if !ok {
		lang = v.lang
	}
	return staff.Post(v.ctx(), tx, v.book.ID, staff.Mail{Person: to.ID, Subject: T(lang, key, args...), Body: T(lang, key+".body", args...), Path: path}, v.now)
}
