package web

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/law"
	"sunfund/ledger/staff"
)

// yearDraft is the payload of a request to close a year, or to take its closing entries back: what would be booked, by its hash.
type yearDraft struct {
	Year   int    `json:"year"`
	Undo   bool   `json:"undo"`
	Hash   string `json:"hash"`
	Reason string `json:"reason"`
}

// yearPlan is what a request would book.
func (v *visit) yearPlan(q pg.Querier, year int, undo bool) ([]ledger.Entry, error) {
	if undo {
		return ledger.YearUndo(v.ctx(), q, v.book, year)
	}
	if err := law.MayCloseYear(v.ctx(), q, v.book, year, v.businessDay()); err != nil {
		return nil, err
	}
	return ledger.YearEnd(v.ctx(), q, v.book, year, v.businessDay())
}

// yearShow shows a year's closing entries: those planned, those that stand, and the way to ask for either.
func (v *visit) yearShow() error { return v.yearAgain(http.StatusOK, nil) }

func (v *visit) yearAgain(status int, wrong Errors) error {
	year, err := strconv.Atoi(v.typed("year", 4))
	if err != nil || year < 1900 || year > 9998 {
		year = v.businessDay().Year() - 1
	}
	view := recordView{Page: v.consolePage(T(v.lang, "year.heading", year), "/console/periods"), Heading: T(v.lang, "year.heading", year), Lead: T(v.lang, "year.lead."+v.book.Regime)}
	view.Errors = wrong
	for _, other := range []int{year - 1, year + 1} {
		if other < v.businessDay().Year() {
			view.Links = append(view.Links, Link{T(v.lang, "year.other", other), yearsPath + "?year=" + strconv.Itoa(other)})
		}
	}
	s, err := v.sight()
	if err != nil {
		return err
	}
	stands, err := ledger.YearEntries(v.ctx(), v.s.DB, v.book, year)
	if err != nil {
		return err
	}
	plan, planErr := v.yearPlan(v.s.DB, year, false)
	switch {
	case planErr == nil:
		view.Status, view.State = "waiting", T(v.lang, "year.open")
		view.Grids = append(view.Grids, v.yearGrid(plan, s))
	case errors.Is(planErr, ledger.ErrYearClosed) && len(stands) > 0:
		view.Status, view.State = "done", T(v.lang, "year.closed")
	case errors.Is(planErr, ledger.ErrYearClosed):
		view.Status, view.State = "reversed", T(v.lang, "year.none")
	case errors.Is(planErr, ledger.ErrYearOngoing), errors.Is(planErr, ledger.ErrYearBefore):
		return v.refuse(planErr, nil, Link{T(v.lang, "year.other", year-1), yearsPath + "?year=" + strconv.Itoa(year-1)})
	case errors.Is(planErr, law.ErrLaw):
		view.Status, view.State = "broken", problem.Of(planErr).Title(string(v.lang))
		view.Links = append(view.Links, Link{T(v.lang, "law.open", "R01"), lawRule("R01") + "&year=" + strconv.Itoa(year)})
	default:
		return planErr
	}
	booked := grid{Title: T(v.lang, "year.booked"), Empty: T(v.lang, "year.booked.none"), Heads: v.heads("approval.entry")}
	for _, id := range stands[:min(len(stands), 200)] {
		booked.Rows = append(booked.Rows, []cell{{Text: id.String(), Href: "/console/entries/" + id.String()}})
	}
	view.Grids = append(view.Grids, booked)
	if v.who.May(staff.EntryDraft) {
		action := yearsPath + "?year=" + strconv.Itoa(year)
		if planErr == nil {
			view.Forms = append(view.Forms, recordForm{Act: "year-close", Action: action, Form: newForm(), Title: T(v.lang, "year.ask"), Rule: T(v.lang, "year.ask.rule"), Button: T(v.lang, "request.do"), Second: true})
		}
		if len(stands) > 0 {
			f := Field{Name: "reason", Label: T(v.lang, "year.reason"), Value: v.typed("reason", 400), Error: view.Errors.For("reason"), Type: "area"}
			view.Forms = append(view.Forms, recordForm{Act: "year-undo", Action: action, Form: newForm(), Title: T(v.lang, "year.undo"), Rule: T(v.lang, "year.undo.rule"), Button: T(v.lang, "request.do"),
				Danger: true, Second: true, Fields: []Field{f}, Again: len(wrong) > 0})
		}
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// yearLinesShown is how many lines of a plan a page lists.
const yearLinesShown = 500

func (v *visit) yearGrid(plan []ledger.Entry, s *sight) grid {
	g := grid{Title: T(v.lang, "year.plan"), Heads: v.heads("year.entry", "close.fund", "year.account", "#year.debit", "#year.credit")}
	for i, e := range plan {
		for _, l := range e.Lines {
			if len(g.Rows) == yearLinesShown {
				return g
			}
			acct, debit, credit := chart.MustByID(l.Leaf.Chart), cell{}, cell{}
			if l.Amount > 0 {
				debit = v.sumCell(l.Amount)
			} else {
				credit = v.sumCell(-l.Amount)
			}
			g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(i + 1)}, textCell(v.fundName(s, l.Leaf.Fund)), {Text: v.code(acct) + " " + acct.Name(string(v.lang))}, debit, credit})
		}
	}
	return g
}

// yearAsk asks another person to book the closing entries, or to take them back.
func (v *visit) yearAsk() error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	year, err := strconv.Atoi(v.typed("year", 4))
	if err != nil {
		return ledger.ErrYearNone
	}
	d := yearDraft{Year: year, Undo: v.FormValue("act") == "year-undo", Reason: v.typed("reason", 400)}
	if d.Undo && d.Reason == "" {
		return v.yearAgain(http.StatusUnprocessableEntity, Errors{{"reason", T(v.lang, "year.reason.wrong")}})
	}
	plan, err := v.yearPlan(v.s.DB, year, d.Undo)
	if err != nil {
		return v.yearRefused(year, err)
	}
	hash := ledger.HashEntries(plan)
	d.Hash = hex.EncodeToString(hash[:])
	key := "year.summary"
	if d.Undo {
		key = "year.undo.summary"
	}
	return v.request(staff.Draft{Form: form, Kind: staff.YearKind, Summary: T(v.lang, key, year), Payload: d})
}

func (v *visit) yearRefused(year int, err error) error {
	for _, refusal := range []error{law.ErrLaw, ledger.ErrYearOngoing, ledger.ErrYearBefore, ledger.ErrYearClosed, ledger.ErrYearLater, ledger.ErrYearNone} {
		if errors.Is(err, refusal) {
			return v.refuse(err, nil, Link{T(v.lang, "year.other", year), yearsPath + "?year=" + strconv.Itoa(year)})
		}
	}
	return err
}

func (v *visit) readYear(a staff.Approval) (d yearDraft, err error) {
	if err := json.Unmarshal(a.Payload, &d); err != nil {
		return d, fmt.Errorf("read request %s: %w", a.ID, err)
	}
	return d, nil
}

// askedYear shows the lines that would be booked, or what stands against it now.
func (v *visit) askedYear(q pg.Querier, a staff.Approval) (asked, error) {
	d, err := v.readYear(a)
	if err != nil {
		return asked{}, err
	}
	r := asked{kind: ledger.KindClose, day: ledger.Day(d.Year, 12, 31), reason: d.Reason, facts: []Fact{v.fact("year.year", strconv.Itoa(d.Year)), v.fact("close.hash", d.Hash),
		{Term: T(v.lang, "year.page"), Value: T(v.lang, "year.page.open"), Href: yearsPath + "?year=" + strconv.Itoa(d.Year)}}}
	if a.State != staff.Open {
		return r, nil
	}
	plan, err := v.yearPlan(q, d.Year, d.Undo)
	if err != nil {
		r.stop = err
		return r, nil
	}
	if hash := ledger.HashEntries(plan); hex.EncodeToString(hash[:]) != d.Hash {
		r.stop = staff.ErrChanged
		return r, nil
	}
	for _, e := range plan {
		if len(r.lines)+len(e.Lines) > yearLinesShown {
			r.facts = append(r.facts, v.fact("year.more", strconv.Itoa(len(plan))))
			break
		}
		r.lines = append(r.lines, e.Lines...)
	}
	return r, nil
}

// carryYear books what was asked for if it is still the same.
func (v *visit) carryYear(tx pgx.Tx, a staff.Approval) (*uuid.UUID, error) {
	d, err := v.readYear(a)
	if err != nil {
		return nil, err
	}
	if err := ledger.LockBook(v.ctx(), tx, v.book); err != nil {
		return nil, err
	}
	plan, err := v.yearPlan(tx, d.Year, d.Undo)
	if err != nil {
		return nil, err
	}
	if hash := ledger.HashEntries(plan); hex.EncodeToString(hash[:]) != d.Hash {
		return nil, staff.ErrChanged
	}
	maker, err := newNames(v).person(a.MadeBy)
	if err != nil {
		return nil, err
	}
	checkers, err := v.approvedBy(tx, a)
	if err != nil {
		return nil, err
	}
	doc := ledger.Document{Summary: a.Summary, Reason: d.Reason}
	doc.MadeBy, doc.CheckedBy = signatures(maker, checkers)
	results, err := ledger.PostYear(v.ctx(), tx, v.book, d.Year, plan, a.ID, v.who.Person.ID, doc)
	if err != nil {
		return nil, err
	}
	return &results[0].ID, nil
}
