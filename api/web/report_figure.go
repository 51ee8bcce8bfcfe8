package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/reports"
)

// figurePartsMax is how many accounts a figure's page lists; what the smaller ones beyond come to is one more line.
const figurePartsMax = 300

// figureHref leads to what a figure of this address is made of.
func (v *visit) figureHref(table int, row, column string) string {
	query := url.Values{"row": {row}, "column": {column}}
	if table > 0 {
		query.Set("table", strconv.Itoa(table))
	}
	for _, name := range []string{"report", "from", "to", "fund", "at"} {
		if text := v.QueryParam(name); text != "" {
			query.Set(name, text)
		}
	}
	return address(figurePath, query)
}

// openFigure is a figure of a report with what it is made of.
type openFigure struct {
	report    *reports.Report
	row, head string // what they are called
	amount    int64
	made      []reports.Made
}

// openedFigure reads what a figure is made of; ErrNoReport when there is none such.
func (v *visit) openedFigure(q pg.Querier, a reportAsk) (f openFigure, err error) {
	at, there := reports.Place{Table: int(v.number("table")), Row: v.QueryParam("row"), Column: v.typed("column", 40)}, false
	a.request.Parts = true
	if a.kind.Form != nil {
		s, err := reports.Make(v.ctx(), q, v.book, a.kind.Form, a.request)
		if err != nil {
			return f, err
		}
		f.report = &s.Report
		f.made, there = s.Parts(at.Row, at.Column)
		f.row, f.head, f.amount = s.Names(at.Row, at.Column)
	} else {
		if f.report, err = a.kind.Make(v.ctx(), q, v.book, a.request); err != nil {
			return f, err
		}
		if f.made, there = f.report.Parts(at); there {
			f.row, f.head, f.amount = f.report.Names(at)
		}
	}
	if !there {
		return f, reports.ErrNoReport
	}
	return f, nil
}

// reportFigure shows what a figure is made of: accounts with their lines, or entries.
func (v *visit) reportFigure() error {
	a, err := v.askReport()
	if err != nil {
		return err
	}
	if len(a.view.Errors) > 0 {
		return reports.ErrNoReport
	}
	s, err := v.sight()
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "report.made"), Empty: T(v.lang, "report.nothing"), Heads: v.heads("account.code", "account.name", "close.fund", "account.tags", "#report.amount")}
	var f openFigure
	if err := v.read(func(q pg.Querier) (err error) {
		if f, err = v.openedFigure(q, a); err != nil {
			return err
		}
		shown := f.made[:min(len(f.made), figurePartsMax)]
		ids := make([]int32, len(shown))
		for i, m := range shown {
			ids[i] = m.Account
		}
		accounts, err := ledger.AccountsByID(v.ctx(), q, v.book, ids)
		if err != nil {
			return err
		}
		for _, m := range shown {
			g.Rows = append(g.Rows, v.partRow(m, accounts[m.Account], s))
		}
		return nil
	}); err != nil {
		return err
	}
	if more := f.made[min(len(f.made), figurePartsMax):]; len(more) > 0 {
		var sum int64
		for _, m := range more {
			sum += m.Amount
		}
		g.Rows = append(g.Rows, []cell{{}, {Text: T(v.lang, "report.made.more", strconv.Itoa(len(more)))}, {}, {}, v.sumCell(sum)})
	}
	query := v.Request().URL.Query()
	for _, name := range []string{"table", "row", "column", "lang"} {
		query.Del(name)
	}
	r := f.report
	view := recordView{Page: v.consolePage(T(v.lang, "report.figure", f.row, r.Title), reportsPath), Heading: f.row, Lead: T(v.lang, "report.figure.lead"), Grids: []grid{g},
		Facts: []Fact{{Term: T(v.lang, "report.name"), Value: r.Title, Href: address(reportPath, query)}, v.fact("report.column", f.head), v.fact("report.scope", r.Scope), v.fact("filter.to", ISODay(r.To)),
			v.sumFact("report.amount", f.amount)}}
	at := v.now
	if !r.Recorded.IsZero() {
		at = r.Recorded
		view.Lead += " " + T(v.lang, "report.figure.then")
	}
	view.Figure = &AsOf{At: at, Position: r.Position}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/record", view)
}

// partRow is a part of a figure as a line that leads to the account's lines of the same days, or to the entry.
func (v *visit) partRow(m reports.Made, account ledger.Account, s *sight) []cell {
	switch {
	case m.Fact == "" && m.Account != 0:
		from := m.From
		if from.IsZero() { // what there is on a day: its year until then
			from = ledger.Day(m.To.Year(), time.January, 1)
		}
		href := address("/console/accounts/"+strconv.Itoa(int(m.Account)), url.Values{"from": {ISODay(from)}, "to": {ISODay(m.To)}})
		return []cell{{Text: v.code(m.Chart), Href: href}, {Text: m.Chart.Name(string(v.lang)), Href: href}, textCell(v.fundName(s, account.Leaf.Fund)), textCell(v.tags(account.Leaf, s)), v.sumCell(m.Amount)}
	case m.Fact == "":
		return []cell{{Text: v.code(m.Chart), Href: "/console/entries/" + m.Entry.String()}, {Text: m.Chart.Name(string(v.lang))}, textCell(v.fundName(s, m.Fund.ID)), {}, v.sumCell(m.Amount)}
	}
	href := ""
	if m.Entry != [16]byte{} {
		href = "/console/entries/" + m.Entry.String()
	}
	return []cell{{}, {Text: T(v.lang, "report.fact."+m.Fact), Href: href}, textCell(v.fundName(s, m.Fund.ID)), {}, v.sumCell(m.Amount)}
}
