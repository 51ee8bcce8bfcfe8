package web

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// closeDraft is the payload of a request to close months for good: the report, by the hash of its bytes.
type closeDraft struct {
	Month  string    `json:"month"` // 2026-08
	Report uuid.UUID `json:"report"`
	Hash   string    `json:"hash"`
}

// monthShow shows what closing a month for good takes, or the report on which it was closed, or one that waits for a second person.
func (v *visit) monthShow() error { return v.monthAgain(http.StatusOK, nil) }

func (v *visit) monthAgain(status int, wrong Errors) error {
	month, err := time.Parse("2006-01", v.typed("month", 7))
	if err != nil {
		return recon.ErrNoReport
	}
	name := month.Format("2006-01")
	view := recordView{Page: v.consolePage(T(v.lang, "close.heading", name), "/console/periods"), Heading: T(v.lang, "close.heading", name)}
	view.Errors = wrong
	kept, err := v.keptReport(month)
	switch {
	case err == nil:
		return v.showKept(status, view, kept)
	case !errors.Is(err, recon.ErrNoReport):
		return err
	case v.FormValue("report") != "":
		return err
	}
	state, err := ledger.PeriodOf(v.ctx(), v.s.DB, v.book, month)
	if err != nil {
		return err
	}
	if state == ledger.PeriodHard { // closed before there were reports
		view.Status, view.State, view.Lead = "done", T(v.lang, "period.hard"), T(v.lang, "close.unsigned")
		return v.s.render.Render(v.Response(), status, "console/record", view)
	}
	var r *recon.CloseReport
	if err := v.read(func(q pg.Querier) error {
		r, err = recon.ViewReport(v.ctx(), q, v.book, month, v.now)
		return err
	}); err != nil {
		if errors.Is(err, ledger.ErrPeriodOngoing) {
			return v.refuse(err, nil, Link{T(v.lang, "place.periods"), "/console/periods"})
		}
		return err
	}
	obstacles := r.Obstacles()
	view.Status, view.State = "waiting", T(v.lang, "period."+string(state))
	view.Lead = T(v.lang, "close.lead", r.First, r.Month)
	view.Facts = v.reportFacts(r)
	view.Links = []Link{{T(v.lang, "place.checks"), checksPath}}
	todo := grid{Title: T(v.lang, "close.todo"), Empty: T(v.lang, "close.todo.none"), Heads: v.heads("check.code", "check.name", "check.next")}
	form := recordForm{Act: "close-month", Action: monthPath + "?month=" + name, Form: newForm(), Title: T(v.lang, "close.ask"), Rule: T(v.lang, "close.ask.rule"), Button: T(v.lang, "request.do"),
		Danger: true, Second: true, Again: len(wrong) > 0}
	for _, code := range obstacles {
		said, next := T(v.lang, "close.breaks"), T(v.lang, "close.breaks.next")
		if c := recon.CheckByCode(code); c != nil {
			said, next = c.Name(string(v.lang)), c.Next(string(v.lang))
		}
		todo.Rows = append(todo.Rows, []cell{{Text: code}, {Text: said}, {Text: next}})
		form.Fields = append(form.Fields, Field{Name: "waive_" + code, Label: T(v.lang, "close.waive", code), Value: v.typed("waive_"+code, 400), Error: view.Errors.For("waive_" + code), Type: "area"})
	}
	view.Grids = append([]grid{todo}, v.reportGrids(r)...)
	if v.who.May(staff.EntryDraft) {
		view.Forms = []recordForm{form}
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// keptReport reads the report of the address, or that by which the month was closed.
func (v *visit) keptReport(month time.Time) (*recon.Kept, error) {
	if text := v.FormValue("report"); text != "" {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, recon.ErrNoReport
		}
		return recon.ReportByID(v.ctx(), v.s.DB, v.book, id)
	}
	return recon.ReportOf(v.ctx(), v.s.DB, v.book, month)
}

func (v *visit) reportFacts(r *recon.CloseReport) []Fact {
	return []Fact{v.fact("close.months", r.First+" – "+r.Month), v.fact("close.figures", r.Figures), v.fact("close.late", fmt.Sprint(r.Late))}
}

// showKept shows a report as it was kept, with who signed it.
func (v *visit) showKept(status int, view recordView, k *recon.Kept) error {
	names := newNames(v)
	asked, err := names.of(k.AskedBy)
	if err != nil {
		return err
	}
	view.Status, view.State = "waiting", T(v.lang, "close.waits")
	view.Facts = append(v.reportFacts(&k.Report), v.fact("close.hash", hex.EncodeToString(k.Hash)), v.fact("close.asked", asked+" · "+When(v.lang, k.Report.MadeAt, v.book.Zone)))
	if k.ApprovedBy != nil {
		approved, err := names.of(*k.ApprovedBy)
		if err != nil {
			return err
		}
		view.Status, view.State = "done", T(v.lang, "period.hard")
		view.Facts = append(view.Facts, v.fact("close.approved", approved+" · "+When(v.lang, *k.ClosedAt, v.book.Zone)))
	}
	view.Facts = append(view.Facts, v.fact("close.log", T(v.lang, "close.log.none")))
	view.Grids = v.reportGrids(&k.Report)
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// monthAsk asks another person to close the month for good, on a report made now.
func (v *visit) monthAsk() error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	month, err := time.Parse("2006-01", v.typed("month", 7))
	if err != nil {
		return recon.ErrNoReport
	}
	name := month.Format("2006-01")
	var waivers []recon.CloseWaiver
	for _, code := range append(checkCodes(), recon.OpenBreaks) {
		if reason := v.typed("waive_"+code, 400); strings.TrimSpace(reason) != "" {
			waivers = append(waivers, recon.CloseWaiver{Code: code, Reason: reason, By: v.who.Person.NameZH})
		}
	}
	var missing []string
	err = v.requested(func(tx pgx.Tx) (staff.Approval, error) {
		r, err := recon.MakeReport(v.ctx(), tx, v.book, month, v.who.Person.NameZH, waivers, v.now)
		if err != nil {
			return staff.Approval{}, err
		}
		missing = missing[:0]
		for _, code := range r.Obstacles() {
			if !slices.ContainsFunc(waivers, func(w recon.CloseWaiver) bool { return w.Code == code }) {
				missing = append(missing, code)
			}
		}
		r.Waivers = slices.DeleteFunc(slices.Clone(waivers), func(w recon.CloseWaiver) bool { return !slices.Contains(r.Obstacles(), w.Code) })
		hash, err := recon.KeepReport(v.ctx(), tx, v.book, form, r, v.who.Person.ID)
		if err != nil {
			return staff.Approval{}, err
		}
		if kept, err := recon.ReportByID(v.ctx(), tx, v.book, form); err == nil {
			hash = [32]byte(kept.Hash) // the same form again: the report that it made
		}
		return staff.Request(v.ctx(), tx, v.who, staff.Draft{Form: form, Kind: staff.CloseKind, Summary: T(v.lang, "close.summary", name),
			Payload: closeDraft{Month: name, Report: form, Hash: hex.EncodeToString(hash[:])}}, v.now)
	})
	switch {
	case errors.Is(err, recon.ErrCloseRed):
		var wrong Errors
		for _, code := range missing {
			wrong.Add("waive_"+code, T(v.lang, "close.waive.wrong", code))
		}
		return v.monthAgain(http.StatusUnprocessableEntity, wrong)
	case errors.Is(err, ledger.ErrPeriodOngoing), errors.Is(err, ledger.ErrPeriodHard):
		return v.refuse(err, nil, Link{T(v.lang, "place.periods"), "/console/periods"})
	}
	return err
}

func checkCodes() (codes []string) {
	for i := range recon.Checks {
		codes = append(codes, recon.Checks[i].Code)
	}
	return codes
}

func (v *visit) readClose(a staff.Approval) (d closeDraft, hash []byte, err error) {
	if err := json.Unmarshal(a.Payload, &d); err != nil {
		return d, nil, fmt.Errorf("read request %s: %w", a.ID, err)
	}
	hash, err = hex.DecodeString(d.Hash)
	return d, hash, err
}

// askedClose is what the second person reads: the report with its hash, and each reason for which something red is let pass.
func (v *visit) askedClose(q pg.Querier, a staff.Approval) (asked, error) {
	d, _, err := v.readClose(a)
	if err != nil {
		return asked{}, err
	}
	kept, err := recon.ReportByID(v.ctx(), q, v.book, d.Report)
	if err != nil {
		return asked{}, err
	}
	r := asked{day: lastOfMonth(d.Month), facts: append(v.reportFacts(&kept.Report), v.fact("close.hash", d.Hash))}
	for _, w := range kept.Report.Waivers {
		r.facts = append(r.facts, Fact{Term: T(v.lang, "close.waived", w.Code), Value: w.Reason + " · " + w.By})
	}
	r.facts = append(r.facts, Fact{Term: T(v.lang, "close.report"), Value: T(v.lang, "close.report.open"), Href: monthPath + "?month=" + d.Month + "&report=" + d.Report.String()})
	return r, nil
}

func lastOfMonth(text string) time.Time {
	month, _ := time.Parse("2006-01", text) // written by monthAsk
	return month.AddDate(0, 1, -1)
}

// carryClose closes the months in the transaction of the approval.
func (v *visit) carryClose(tx pgx.Tx, a staff.Approval) error {
	d, hash, err := v.readClose(a)
	if err != nil {
		return err
	}
	if err := recon.Close(v.ctx(), tx, v.book, recon.Signed{Report: d.Report, Hash: hash, AskedBy: a.MadeBy, ApprovedBy: v.who.Person.ID, Approval: a.ID}, v.now); err != nil {
		return err
	}
	return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "month.lock", Object: "month:" + d.Month, After: hash})
}
