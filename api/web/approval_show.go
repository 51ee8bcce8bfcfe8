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

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// asked is what a request would post.
type asked struct {
	day         time.Time
	attachments int16
	lines       []ledger.Line
	reason      string           // of a reversal
	original    *ledger.Recorded // of a reversal
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
		return asked{day: day, attachments: int16(d.Attachments), lines: lines}, nil
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
	}
	return asked{}, fmt.Errorf("request %s: no screen for kind %q", a.ID, a.Kind)
}

type approvalView struct {
	Page
	approvalRow
	Doc     *voucher
	Moves   []fundMove
	Hash    string
	Reason  string // of the decision, as typed or as given
	Why     string // of the reversal
	Own     bool
	Decide  bool // this person may decide now
	Changed bool // it was changed since the person read it
	Others  string
	Decided []Fact
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
	row, err := v.approvalRow(a, r, names)
	if err != nil {
		return err
	}
	page := v.consolePage(a.Summary, "/console/approvals")
	page.Errors = wrong
	view := approvalView{Page: page, approvalRow: row, Hash: hex.EncodeToString(a.Hash), Why: r.reason, Reason: a.Reason,
		Own: a.MadeBy == v.who.Person.ID, Changed: status == http.StatusConflict}
	view.Decide = row.Open && !view.Own && v.who.May(staff.EntryApprove)
	if len(wrong) > 0 {
		view.Reason = v.typed("reason", 1000)
	}
	view.Doc = v.askedVoucher(a, r, row.Maker, s)
	if view.Moves, err = v.moves(r.lines, s, row.Open); err != nil {
		return err
	}
	if view.Decided, err = v.decidedFacts(a, names); err != nil {
		return err
	}
	if view.Own && row.Open {
		if view.Others, err = v.approvers(); err != nil {
			return err
		}
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

// approvers names who else may decide, for the maker who has to wait for one of them.
func (v *visit) approvers() (string, error) {
	people, err := staff.People(v.ctx(), v.s.DB, v.book.ID, "", 200)
	if err != nil {
		return "", err
	}
	var who []string
	for _, p := range people {
		if p.ID == v.who.Person.ID || p.State != staff.Active {
			continue
		}
		held, err := staff.Grants(v.ctx(), v.s.DB, v.book.ID, p.ID, false)
		if err != nil {
			return "", err
		}
		for _, g := range held {
			if g.Role.May(staff.EntryApprove) {
				who = append(who, p.Name(string(v.lang)))
				break
			}
		}
	}
	return strings.Join(who, T(v.lang, "console.and")), nil
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
	p, err := staff.ByID(n.v.ctx(), n.v.s.DB, n.v.book.ID, id)
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
