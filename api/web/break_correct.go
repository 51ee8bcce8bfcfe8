package web

import (
	"errors"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// fromBreak fills the form of a voucher that corrects a break: what is known of it, under the form id that its correction has until it is decided.
func (v *visit) fromBreak(view *voucherView, text string, s *sight) error {
	id, err := uuid.Parse(text)
	if err != nil {
		return giving.ErrNoRecord
	}
	b, err := recon.BreakByID(v.ctx(), v.s.DB, v.book, id, s.ids())
	if err != nil {
		return err
	}
	form, err := recon.CorrectionForm(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	view.Form, view.Break = form.String(), id.String()
	view.Summary = oneLine(T(v.lang, "voucher.break.summary", string(b.Type), breakName(v.lang, b.Type), ISODay(b.Day)), textMax)
	if b.Currency != v.book.Currency {
		return nil
	}
	general, err := giving.GeneralFund(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	fund := ""
	if s.fund(general) != nil {
		fund = strconv.Itoa(int(general))
	}
	debit, credit := correctingAccounts(b)
	if b.Type == recon.BankUnknown && b.SourceID != nil { // at the account of the book that the line's account is
		if source, err := recon.SourceByID(v.ctx(), v.s.DB, v.book, *b.SourceID); err != nil {
			return err
		} else if source.Chart != "" && b.Amount < 0 {
			credit = source.Chart
		} else if source.Chart != "" {
			debit = source.Chart
		}
	}
	amount := money.Format(max(b.Amount, -b.Amount), b.Currency)
	view.Grid = []gridLine{{At: 1, Account: v.accountName(debit), Fund: fund, Debit: amount}, {At: 2, Account: v.accountName(credit), Fund: fund, Credit: amount}}
	return nil
}

// correctingAccounts are the accounts that a correction of a break begins with; empty where it takes a person to know. Money that came in unknown is owed to
// whoever claims it, money that left unknown is to be got back until it is explained, and fees are a cost.
func correctingAccounts(b *recon.BreakItem) (debit, credit chart.ID) {
	switch b.Type {
	case recon.BankUnknown:
		if b.Amount < 0 {
			return "ar.recover", "bank.online"
		}
		return "bank.online", "unident"
	case recon.FeeVariance, recon.Rounding, recon.FXDifference:
		if b.Amount < 0 {
			return "psp.avail", "admin.u"
		}
		return "admin.u", "psp.avail"
	case recon.PayoutNotAtBank, recon.PayoutComposition:
		return "ar.recover", "psp.transit"
	case recon.ProcessorOnly:
		return "psp.avail", "unident"
	}
	return "", ""
}

func (v *visit) accountName(id chart.ID) string {
	if id == "" {
		return ""
	}
	acct := chart.MustByID(id)
	return v.code(acct) + " " + acct.Name(string(v.lang))
}

// requestCorrection asks a second person for the voucher, and notes that the break waits for it.
func (v *visit) requestCorrection(text string, draft staff.Draft, s *sight) error {
	id, err := uuid.Parse(text)
	if err != nil {
		return giving.ErrNoRecord
	}
	here := breaksPath + "/" + id.String()
	err = v.requested(func(tx pgx.Tx) (staff.Approval, error) {
		if _, err := recon.BreakByID(v.ctx(), tx, v.book, id, s.ids()); err != nil {
			return staff.Approval{}, err
		}
		known, err := recon.BreakOfForm(v.ctx(), tx, v.book, draft.Form)
		if err != nil {
			return staff.Approval{}, err
		}
		a, err := staff.Request(v.ctx(), tx, v.who, draft, v.now)
		if err != nil || known == id { // the form came a second time
			return a, err
		}
		return a, recon.Propose(v.ctx(), tx, v.book, id, draft.Form, v.who.Person.ID, v.now)
	})
	if errors.Is(err, giving.ErrStep) {
		return v.refuse(err, s, Link{T(v.lang, "voucher.break"), here})
	}
	return err
}

// correctedBreak is the way from a voucher or request to the break that it corrects; nil when there is none that this person sees.
func (v *visit) correctedBreak(find func() (uuid.UUID, error), s *sight) (*Link, error) {
	id, err := find()
	if err != nil || id == uuid.Nil {
		return nil, err
	}
	b, err := recon.BreakByID(v.ctx(), v.s.DB, v.book, id, s.ids())
	if errors.Is(err, giving.ErrNoRecord) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &Link{T(v.lang, "breaks.correcting", string(b.Type)+" "+breakName(v.lang, b.Type)), breaksPath + "/" + id.String()}, nil
}
