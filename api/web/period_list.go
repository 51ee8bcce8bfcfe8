package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/recon"
	"sunfund/ledger/staff"
)

// periodsShown is how many closed months the page lists.
const periodsShown = 60

type periodListView struct {
	Page
	Rows                []periodRow
	MayAsk              bool
	Form, Month, Reason string
	Months              []Option // that may be reopened
	Close               string
	Closable            []Option
	Empty               Empty
	Reports             []Option // months whose report may be looked at: open and closed for now
	Days                *grid
	Day                 string // to close for now
	Year                string // the year's page, of the last one that is over
}

// periodRow is a closed month.
type periodRow struct {
	Month string // 2026-08
	State ledger.PeriodState
}

// periodDraft is the payload of a request to reopen a month.
type periodDraft struct {
	Month  string `json:"month"` // its first day
	Reason string `json:"reason"`
}

// periodList shows which months are closed.
func (v *visit) periodList() error { return v.periodsAgain(http.StatusOK, nil) }

func (v *visit) periodsAgain(status int, wrong Errors) error {
	view := periodListView{Page: v.consolePage(T(v.lang, "place.periods"), "/console/periods"), MayAsk: v.who.May(staff.EntryDraft),
		Form: newForm(), Month: v.typed("month", 7), Reason: v.typed("reason", 1000), Close: v.typed("close", 7), Day: v.typed("day", 20)}
	if view.Day == "" {
		view.Day = ISODay(v.businessDay().AddDate(0, 0, -1))
	}
	view.Path = "/console/periods"
	view.Errors, view.Empty = wrong, Empty{Text: T(v.lang, "period.empty")}
	list, err := ledger.ClosedPeriods(v.ctx(), v.s.DB, v.book, periodsShown)
	if err != nil {
		return err
	}
	for _, p := range list {
		row := periodRow{p.Month.Format("2006-01"), p.State}
		view.Rows = append(view.Rows, row)
		if p.State == ledger.PeriodSoft {
			view.Months = append(view.Months, Option{Value: row.Month, Label: row.Month})
		}
	}
	view.Closable = v.openMonths(list)
	view.Year = yearsPath + "?year=" + strconv.Itoa(v.businessDay().Year()-1)
	if v.who.May(staff.OfflineRead) {
		if view.Days, err = v.dayGrid(); err != nil {
			return err
		}
	}
	if view.Reports = append(slices.Clone(view.Closable), view.Months...); len(view.Reports) > 1 {
		slices.SortFunc(view.Reports, func(a, b Option) int { return strings.Compare(b.Value, a.Value) })
		view.Reports = view.Reports[:min(len(view.Reports), 12)]
	}
	return v.s.render.Render(v.Response(), status, "console/period_list", view)
}

// daysShown is how many days closed for now the page lists.
const daysShown = 31

// dayGrid lists the days closed for now, and what came on them later.
func (v *visit) dayGrid() (*grid, error) {
	g := &grid{Title: T(v.lang, "period.days"), Empty: T(v.lang, "period.days.none"), Heads: v.heads("period.day", "#period.moved", "#period.later", "period.red")}
	days, err := recon.ClosedDays(v.ctx(), v.s.DB, v.book, daysShown)
	if err != nil {
		return g, err
	}
	for _, d := range days {
		late := cell{Text: "—"}
		if d.Late != 0 {
			late = v.sumCell(d.Late)
		}
		g.Rows = append(g.Rows, []cell{dayCell(d.Day), v.sumCell(d.Moved), late, {Text: strings.Join(d.Red, " ")}})
	}
	return g, nil
}

// periodReopen asks another person to reopen a month that is closed for now. One that is closed for good stays closed.
func (v *visit) periodReopen() error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	month, err := time.Parse("2006-01", v.typed("month", 7))
	if err != nil {
		return v.periodsAgain(http.StatusUnprocessableEntity, Errors{{"month", T(v.lang, "period.month.wrong")}})
	}
	state, err := ledger.PeriodOf(v.ctx(), v.s.DB, v.book, month)
	back := Link{T(v.lang, "place.periods"), "/console/periods"}
	switch {
	case err != nil:
		return err
	case state == ledger.PeriodHard:
		return v.refuse(ledger.ErrPeriodHard, nil, back)
	case state == ledger.PeriodOpen:
		return v.refuse(ledger.ErrPeriodOpen, nil, back)
	}
	reason := v.typed("reason", 1000)
	if reason == "" {
		return v.periodsAgain(http.StatusUnprocessableEntity, Errors{{"reason", T(v.lang, "period.reason.wrong")}})
	}
	return v.request(staff.Draft{Form: form, Kind: staff.Reopening, Summary: T(v.lang, "period.summary", month.Format("2006-01")),
		Payload: periodDraft{Month: ISODay(month), Reason: reason}})
}

func (v *visit) readPeriod(a staff.Approval) (month time.Time, d periodDraft, err error) {
	if err := json.Unmarshal(a.Payload, &d); err != nil {
		return month, d, fmt.Errorf("read request %s: %w", a.ID, err)
	}
	month, _ = parseDay(d.Month) // checked when it was asked for
	return month, d, nil
}

func (v *visit) askedReopening(a staff.Approval) (asked, error) {
	month, d, err := v.readPeriod(a)
	return asked{day: month, reason: d.Reason, facts: []Fact{{Term: T(v.lang, "period.month"), Value: month.Format("2006-01")}}}, err
}

// reopen opens the month again.
func (v *visit) reopen(tx pgx.Tx, a staff.Approval) error {
	month, d, err := v.readPeriod(a)
	if err != nil {
		return err
	}
	if err := ledger.Reopen(v.ctx(), tx, v.book, month); err != nil {
		return err
	}
	return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "month.reopen", Object: "period:" + month.Format("2006-01"),
		Reason: d.Reason})
}
