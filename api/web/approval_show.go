package web

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// asked is what a request would do. Roles and months post nothing.
type asked struct {
	kind        ledger.Kind
	day         time.Time
	attachments int16
	lines       []ledger.Line
	reason      string           // as the maker gave it
	original    *ledger.Recorded // of a reversal
	facts       []Fact           // what else is to be read
	stop        error            // why it could not be carried out as things stand
}

// ask reads a request's payload.
func (v *visit) ask(q pg.Querier, a staff.Approval) (asked, error) {
	switch a.Kind {
	case staff.Voucher:
		var d voucherDraft
		if err := json.Unmarshal(a.Payload, &d); err != nil {
			return asked{}, fmt.Errorf("read request %s: %w", a.ID, err)
		}
		lines, err := d.lines(v.book)
		if err != nil {
			return asked{}, fmt.Errorf("read request %s: %w", a.ID, err)
		}
		day, _ := parseDay(d.Day) // checked when it was drafted
		return asked{kind: ledger.KindVoucher, day: day, attachments: int16(d.Attachments), lines: lines}, nil
	case staff.Reversal:
		var d reversalDraft
		if err := json.Unmarshal(a.Payload, &d); err != nil {
			return asked{}, fmt.Errorf("read request %s: %w", a.ID, err)
		}
		original, err := ledger.ReadEntry(v.ctx(), q, v.book, d.Entry)
		if err != nil {
			return asked{}, err
		}
		day, _ := parseDay(d.Day)
		r := asked{day: day, reason: d.Reason, original: original}
		for _, p := range original.Postings {
			r.lines = append(r.lines, ledger.Line{Leaf: p.Leaf, Amount: -p.Amount})
		}
		return r, nil
	case staff.Refund:
		return v.askedRefund(q, a)
	case staff.Transfer:
		return v.askedTransfer(q, a)
	case staff.RoleKind:
		return v.askedRole(a)
	case staff.Reopening:
		return v.askedReopening(a)
	case staff.BankReceiptKind, staff.GoodsKind, staff.PledgeKind, staff.PlatformKind, staff.SubsidyKind, staff.PayeeKind, staff.ContractKind, staff.PaymentKind, staff.PollKind, staff.LawKind, staff.FundKind, staff.ReconKind, staff.UpdateKind:
		return v.askedStep(q, a)
	case staff.MatchKind:
		return v.askedMatch(q, a)
	case staff.CloseKind:
		return v.askedClose(q, a)
	case staff.YearKind:
		return v.askedYear(q, a)
	case staff.RuleKind:
		return v.askedRule(q, a)
	case staff.SignInSet:
		return v.askedSettings(q, a)
	case staff.Reset:
		return v.askedReset(q, a)
	case staff.Opening:
		return v.askedCampaign(q, a)
	}
	return asked{}, fmt.Errorf("request %s: no screen for kind %q", a.ID, a.Kind)
}

type approvalView struct {
	Page
	approvalRow
	Doc     *voucher // nil: it posts nothing
	Day     time.Time
	Facts   []Fact
	Stop    string // what stands against it now
	Given   []decisionRow
	Lacks   string // how many approvals are missing, of whom
	Moves   []fundMove
	Hash    string
	Reason  string // of the decision, as typed or as given
	Why     string // as the maker gave it
	Own     bool
	Decide  bool   // this person may decide now
	Changed bool   // it was changed since the person read it
	Barred  string // why this person may not decide
	Others  string
	Decided []Fact
}

// decisionRow is one person's word.
type decisionRow struct {
	Who     string
	At      time.Time
	Approve bool
	Void    bool // given for an earlier version, or by somebody who may no longer decide
}

// fundMove is what a request would do to a fund.
type fundMove struct {
	Fund   string
	Rows   []moveRow
	Beyond bool // available would fall below zero
}

type moveRow struct {
	Label         string
	Before, After money.Money
	Change        money.Money
}

func (v *visit) approvalShow() error { return v.approvalAgain(http.StatusOK, nil) }

// visibleApproval reads the request of the address, or staff.ErrNoApproval.
func (v *visit) visibleApproval() (staff.Approval, error) {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return staff.Approval{}, staff.ErrNoApproval
	}
	return staff.ApprovalByID(v.ctx(), v.s.DB, v.who, id)
}

// approvalAgain shows a request, also after a decision on it could not be taken.
func (v *visit) approvalAgain(status int, wrong Errors) error {
	a, err := v.visibleApproval()
	if err != nil {
		return err
	}
	s, err := v.sight()
	if err != nil {
		return err
	}
	r, err := v.ask(v.s.DB, a)
	if err != nil {
		return err
	}
	names := newNames(v)
	row, err := v.approvalRow(a, names)
	if err != nil {
		return err
	}
	page := v.consolePage(a.Summary, "/console/approvals")
	page.Errors = wrong
	view := approvalView{Page: page, approvalRow: row, Hash: hex.EncodeToString(a.Hash), Why: r.reason, Reason: a.Reason, Facts: r.facts, Day: r.day,
		Own: a.MadeBy == v.who.Person.ID, Changed: status == http.StatusConflict}
	if len(wrong) > 0 {
		view.Reason = v.typed("reason", 1000)
	}
	if a.Kind == staff.Voucher || a.Kind == staff.Reversal {
		corrects, err := v.correctedBreak(func() (uuid.UUID, error) { return recon.BreakOfForm(v.ctx(), v.s.DB, v.book, a.Form) }, s)
		if err != nil {
			return err
		}
		if corrects != nil {
			view.Facts = append(view.Facts, Fact{Term: T(v.lang, "place.breaks"), Value: corrects.Label, Href: corrects.Href})
		}
	}
	if len(r.lines) > 0 {
		view.Doc = v.askedVoucher(a, r, row.Maker, s)
		if view.Moves, err = v.moves(r.lines, s, row.Open); err != nil {
			return err
		}
	}
	if r.stop != nil && row.Open {
		view.Stop = problem.Of(r.stop).Title(string(v.lang))
	}
	if err := v.showProgress(&view, a, names); err != nil {
		return err
	}
	if view.Decided, err = v.decidedFacts(a, names); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/approval_show", view)
}

// askedVoucher draws what would be posted.
func (v *visit) askedVoucher(a staff.Approval, r asked, maker string, s *sight) *voucher {
	lines := make([]voucherLine, len(r.lines))
	for i, l := range r.lines {
		lines[i] = voucherLine{leaf: l.Leaf, amount: l.Amount}
	}
	doc := v.newVoucher(r.day, a.Summary, lines, r.original != nil, s)
	doc.Attachments, doc.Maker = r.attachments, maker
	if r.original != nil {
		doc.Reverses = Link{v.entryName(r.original), "/console/entries/" + r.original.ID.String()}
	}
	return doc
}

// moves says for each fund what it has now and what it would have. Once decided, only the change is told.
func (v *visit) moves(lines []ledger.Line, s *sight, open bool) ([]fundMove, error) {
	positions, err := ledger.Positions(v.ctx(), v.s.DB, v.book, time.Time{})
	if err != nil {
		return nil, err
	}
	var moves []fundMove
	for _, move := range ledger.Moves(lines) {
		for _, now := range positions {
			if now.Fund.ID != move.Fund.ID || s.fund(now.Fund.ID) == nil {
				continue
			}
			one := fundMove{Fund: now.Fund.Code + " " + now.Fund.Name(string(v.lang)),
				Beyond: open && now.Available+move.Available < 0 && move.Available < 0}
			for _, row := range []struct {
				key         string
				before, add int64
			}{
				{"fund.net", now.NetAssets, move.NetAssets}, {"fund.cash", now.Cash, move.Cash},
				{"fund.committed", now.Committed, move.Committed}, {"fund.set-aside", now.SetAside, move.SetAside},
				{"fund.available", now.Available, move.Available},
			} {
				one.Rows = append(one.Rows, moveRow{T(v.lang, row.key), v.amount(row.before), v.amount(row.before + row.add), v.amount(row.add)})
			}
			moves = append(moves, one)
		}
	}
	return moves, nil
}

func (v *visit) decidedFacts(a staff.Approval, names *names) ([]Fact, error) {
	if a.State == staff.Open || a.DecidedBy == nil || a.DecidedAt == nil {
		return nil, nil
	}
	by, err := names.of(*a.DecidedBy)
	if err != nil {
		return nil, err
	}
	facts := []Fact{{Term: T(v.lang, "approval.by"), Value: by}, {Term: T(v.lang, "approval.at"), Value: When(v.lang, *a.DecidedAt, v.book.Zone)}}
	if a.Reason != "" {
		facts = append(facts, Fact{Term: T(v.lang, "approval.reason"), Value: a.Reason})
	}
	if a.Entry != nil {
		facts = append(facts, Fact{Term: T(v.lang, "approval.entry"), Value: T(v.lang, "approval.entry.open"), Href: "/console/entries/" + a.Entry.String()})
	}
	return facts, nil
}

// showProgress says who has approved, how many are missing, who may, and whether this person is one of them.
func (v *visit) showProgress(view *approvalView, a staff.Approval, names *names) error {
	p, err := staff.ProgressOf(v.ctx(), v.s.DB, v.book.ID, a, v.now)
	if err != nil {
		return err
	}
	for _, d := range p.Decisions {
		who, err := names.of(d.Person)
		if err != nil {
			return err
		}
		view.Given = append(view.Given, decisionRow{who, d.At, d.Approve, d.Void || d.Approve && !d.Counts && a.State == staff.Open})
	}
	if a.State != staff.Open {
		return nil
	}
	view.Lacks = T(v.lang, "approval.lacks", p.Missing(), p.Need.Approvers)
	if r := p.Need.Rule; r != nil && r.Window > 0 {
		view.Lacks += T(v.lang, "approval.rule.window", v.amount(r.From), int(r.Window/time.Hour), v.amount(p.Need.Sum))
	} else if r != nil {
		view.Lacks += T(v.lang, "approval.rule", v.amount(r.From))
	}
	approvers, err := staff.Approvers(v.ctx(), v.s.DB, v.book.ID, a, v.now)
	if err != nil {
		return err
	}
	var who []string
	for _, one := range approvers {
		who = append(who, one.Name(string(v.lang)))
	}
	view.Others = strings.Join(who, T(v.lang, "console.and"))
	switch err := staff.MayDecide(v.ctx(), v.s.DB, v.who, a, v.now); {
	case err == nil:
		view.Decide = true
	case errors.Is(err, staff.ErrPayee):
		view.Barred = T(v.lang, "approval.payee")
	case errors.Is(err, staff.ErrDecided):
		view.Barred = T(v.lang, "approval.spoken")
	case !errors.Is(err, staff.ErrOwn) && !errors.Is(err, staff.ErrDenied):
		return err
	}
	return nil
}

// names turns ids of people into names, each looked up once.
type names struct {
	v     *visit
	known map[uuid.UUID]staff.Person
}

func newNames(v *visit) *names {
	return &names{v, map[uuid.UUID]staff.Person{v.who.Person.ID: v.who.Person}}
}

func (n *names) person(id uuid.UUID) (staff.Person, error) {
	if p, ok := n.known[id]; ok {
		return p, nil
	}
	p, err := staff.ByID(n.v.ctx(), n.v.db(), n.v.book.ID, id)
	if err != nil && !errors.Is(err, staff.ErrNoPerson) {
		return p, err
	}
	n.known[id] = p
	return p, nil
}

// of is a person's name; whoever is no person (the command line, a program) is the system.
func (n *names) of(id uuid.UUID) (string, error) {
	p, err := n.person(id)
	if err != nil {
		return "", err
	}
	if name := p.Name(string(n.v.lang)); name != "" {
		return name, nil
	}
	return T(n.v.lang, "console.system"), nil
}
