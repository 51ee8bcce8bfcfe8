package web

import (
	"encoding/hex"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/law"
	"sunfund/ledger/payments"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// approvalDecide approves, rejects or withdraws the request exactly as the form's hash says it was read.
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
	if do == "reject" && reason == "" {
		return v.approvalAgain(http.StatusUnprocessableEntity, Errors{{"reason", T(v.lang, "approval.reason.wrong")}})
	}
	var password, hash string
	if a.Kind == staff.Reset && do == "approve" {
		if password, hash, err = v.resetPassword(a); err != nil {
			return err
		}
	}
	decided := a
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
		switch do {
		case "approve":
			effect := func(a staff.Approval) (*uuid.UUID, error) {
				if a.Kind == staff.Reset {
					return nil, v.resetAccess(tx, a, hash)
				}
				return v.carryOut(tx, a)
			}
			decided, err = staff.Approve(v.ctx(), tx, v.who, a.ID, seen, effect, v.now)
		case "reject":
			decided, err = staff.Reject(v.ctx(), tx, v.who, a.ID, seen, reason, v.now)
		case "withdraw":
			decided, err = staff.Withdraw(v.ctx(), tx, v.who, a.ID, v.now)
		default:
			err = staff.ErrRequestInvalid
		}
		if err != nil {
			return err
		}
		if err := v.dropRefund(tx, decided); err != nil {
			return err
		}
		return v.report(tx, decided)
	})
	if err == nil {
		v.settleCorrections(a.Kind)
	}
	if err == nil && password != "" && decided.State == staff.Approved {
		return v.showResetPassword(decided, password)
	}
	return v.decided(a.ID, err)
}

// refusals are rules that stand against a request when it is to be carried out, or against who decides it. The request
// stays open; the page says what stood against it.
var refusals = []error{staff.ErrOwn, staff.ErrPayee, staff.ErrRolesClash, staff.ErrRoleHeld, staff.ErrInitialPassword, staff.ErrNoGrant, ledger.ErrShort, ledger.ErrGuarded,
	ledger.ErrPeriodClosed, ledger.ErrPeriodHard, ledger.ErrPeriodOpen, ledger.ErrReversed, ledger.ErrClosing, ledger.ErrPeriodOngoing, ledger.ErrYearOngoing, ledger.ErrYearBefore, ledger.ErrYearClosed, ledger.ErrYearLater, ledger.ErrYearNone,
	recon.ErrCloseRed, recon.ErrReportStale, recon.ErrNoReport, ledger.ErrUnbalanced, ledger.ErrUnknownAccount,
	staff.ErrNoRule, staff.ErrRule, staff.ErrSettings, staff.ErrNoPasskey, staff.ErrNoLink, staff.ErrLink, staff.ErrLinkTaken, staff.ErrEmail,
	giving.ErrNotDraft, giving.ErrCampaignChanged,
	giving.ErrRefundTooLarge, giving.ErrMatchOfFile, payments.ErrInDispute, payments.ErrOrderState, giving.ErrMismatch, giving.ErrRefReused, giving.ErrStep, ledger.ErrAmount, funds.ErrNotTransferable,
	subsidies.ErrLapsed, subsidies.ErrStatement, subsidies.ErrSameSide, ledger.ErrUndecided, law.ErrLaw, disclosure.ErrPhase, disclosure.ErrNote, polls.ErrSheets, polls.ErrNotOpen, polls.ErrNotWon, polls.ErrOverVote,
	ledger.ErrPurpose, ledger.ErrWindow, ledger.ErrTied, funds.ErrNoCharter, funds.ErrNoLevy, funds.ErrUnlike, giving.ErrFundClosed, funds.ErrEnds, ledger.ErrSamePerson}

// decided leads to the request as it now stands, or says why nothing was decided.
func (v *visit) decided(id uuid.UUID, err error) error {
	here := "/console/approvals/" + id.String()
	switch {
	case err == nil, errors.Is(err, staff.ErrDecided): // decided twice is decided
		return v.see(here)
	case errors.Is(err, staff.ErrChanged):
		return v.approvalAgain(http.StatusConflict, nil)
	}
	for _, refusal := range slices.Concat(refusals, matchRefusals, workRefusals) {
		if errors.Is(err, refusal) {
			s, sightErr := v.sight()
			if sightErr != nil {
				return sightErr
			}
			return v.refuse(err, s, Link{T(v.lang, "refuse.request"), here})
		}
	}
	return err
}

// carryOut does what a request asks for, in the transaction of the approval that completes it. What it books is booked
// under the request's id as key: however often, it is booked once.
func (v *visit) carryOut(tx pgx.Tx, a staff.Approval) (*uuid.UUID, error) {
	switch a.Kind {
	case staff.RoleKind:
		return nil, staff.ChangeRole(v.ctx(), tx, v.book.ID, a, v.now)
	case staff.Reopening:
		return nil, v.reopen(tx, a)
	case staff.RuleKind:
		return nil, staff.ChangeRule(v.ctx(), tx, v.book.ID, a, v.now)
	case staff.SignInSet:
		return nil, staff.ChangeSettings(v.ctx(), tx, v.book.ID, a, v.now)
	case staff.Opening:
		return nil, v.openCampaign(tx, a)
	case staff.Refund:
		return v.refund(tx, a)
	case staff.BankReceiptKind, staff.GoodsKind, staff.PledgeKind, staff.PlatformKind, staff.SubsidyKind, staff.PayeeKind, staff.ContractKind, staff.PaymentKind, staff.PollKind, staff.LawKind, staff.FundKind, staff.ReconKind, staff.UpdateKind:
		return v.carryStep(tx, a)
	case staff.MatchKind:
		return nil, v.carryMatch(tx, a)
	case staff.CloseKind:
		return nil, v.carryClose(tx, a)
	case staff.YearKind:
		return v.carryYear(tx, a)
	}
	r, err := v.ask(tx, a)
	if err != nil {
		return nil, err
	}
	if r.stop != nil {
		return nil, r.stop
	}
	if err := v.byHand(tx, r.day); err != nil {
		return nil, err
	}
	maker, err := newNames(v).person(a.MadeBy)
	if err != nil {
		return nil, err
	}
	checkers, err := v.approvedBy(tx, a)
	if err != nil {
		return nil, err
	}
	doc := ledger.Document{Summary: a.Summary, SourceKind: string(a.Kind), SourceRef: a.ID.String(), Reason: r.reason, Attachments: r.attachments}
	doc.MadeBy, doc.CheckedBy = signatures(maker, checkers)
	var posted ledger.Result
	if r.original != nil {
		posted, err = ledger.Reverse(v.ctx(), tx, v.book, r.original.ID, a.ID, r.day, v.who.Person.ID, doc)
	} else {
		e := ledger.Entry{Key: a.ID, Kind: r.kind, EffectiveOn: r.day, Actor: v.who.Person.ID, Document: &doc, Lines: r.lines}
		if err := law.MayPost(v.ctx(), tx, v.book, []ledger.Entry{e}, v.businessDay()); err != nil {
			return nil, err
		}
		posted, err = ledger.PostOne(v.ctx(), tx, v.book, e)
	}
	return &posted.ID, err
}

// approvedBy are the people whose approvals stand, in the order in which they gave them.
func (v *visit) approvedBy(q pg.Querier, a staff.Approval) ([]staff.Person, error) {
	p, err := staff.ProgressOf(v.ctx(), q, v.book.ID, a, v.now)
	if err != nil {
		return nil, err
	}
	names := newNames(v)
	var people []staff.Person
	for _, d := range p.Decisions {
		if !d.Counts {
			continue
		}
		one, err := names.person(d.Person)
		if err != nil {
			return nil, err
		}
		people = append(people, one)
	}
	return people, nil
}

// signatures are the names on a voucher. People of one name are told apart by their logins.
func signatures(maker staff.Person, checkers []staff.Person) (made, checked string) {
	made = maker.NameZH
	names := make([]string, len(checkers))
	for i, p := range checkers {
		names[i] = p.NameZH
		if p.NameZH == maker.NameZH {
			made, names[i] = maker.NameZH+" ("+maker.Login+")", p.NameZH+" ("+p.Login+")"
		}
	}
	return made, strings.Join(names, "、")
}
