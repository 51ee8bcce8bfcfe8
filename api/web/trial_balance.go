package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

type trialView struct {
	Page
	From, To, Fund, Level string
	PerFund, Zeros        bool
	Funds, Levels         []Option
	Sections              []trialSection
	Empty                 Empty
	Exports               []Link
	Unit                  string
	Scope                 string // which fund, or all
}

// trialSection is a table with totals of its own: the books, or the memo accounts, of all funds or of one.
type trialSection struct {
	Title string
	Rows  []trialRow
	Total trialSums
	Even  bool
	Fund  int32
}

// trialRow is one account; a heading sums the accounts below it.
type trialRow struct {
	Code, Name, Href string
	Group, Heading   bool // a first-digit group without figures; a sum of those below
	In               int  // indent
	trialSums
}

// trialSums are the four pairs of columns.
type trialSums struct {
	OpeningDebit, OpeningCredit money.Money
	Debit, Credit               money.Money
	YearDebit, YearCredit       money.Money
	ClosingDebit, ClosingCredit money.Money
}

// Cells are the figures in the order of the columns.
func (t trialSums) Cells() []money.Money {
	return []money.Money{t.OpeningDebit, t.OpeningCredit, t.Debit, t.Credit, t.YearDebit, t.YearCredit, t.ClosingDebit, t.ClosingCredit}
}

func (t trialSums) even() bool {
	cells := t.Cells()
	for i := 0; i < len(cells); i += 2 {
		if cells[i].Minor != cells[i+1].Minor {
			return false
		}
	}
	return true
}

func (t trialSums) zero() bool {
	for _, c := range t.Cells() {
		if c.Minor != 0 {
			return false
		}
	}
	return true
}

func sumsIn(ccy string) trialSums {
	zero := money.Money{Currency: ccy}
	return trialSums{zero, zero, zero, zero, zero, zero, zero, zero}
}

// sumsOf splits one account's balances into debit and credit.
func sumsOf(r ledger.TrialRow) trialSums {
	t := sumsIn(r.Currency)
	t.OpeningDebit.Minor, t.OpeningCredit.Minor = max(r.Opening, 0), max(-r.Opening, 0)
	t.ClosingDebit.Minor, t.ClosingCredit.Minor = max(r.Closing, 0), max(-r.Closing, 0)
	t.Debit.Minor, t.Credit.Minor = r.Debit, r.Credit
	t.YearDebit.Minor, t.YearCredit.Minor = r.YearTo.Debit, r.YearTo.Credit
	return t
}

func (t *trialSums) add(o trialSums) {
	for _, pair := range []struct{ to, of *money.Money }{
		{&t.OpeningDebit, &o.OpeningDebit}, {&t.OpeningCredit, &o.OpeningCredit}, {&t.Debit, &o.Debit}, {&t.Credit, &o.Credit},
		{&t.YearDebit, &o.YearDebit}, {&t.YearCredit, &o.YearCredit}, {&t.ClosingDebit, &o.ClosingDebit}, {&t.ClosingCredit, &o.ClosingCredit},
	} {
		pair.to.Minor += pair.of.Minor
	}
}

// trialBalance is the 科目余额表: opening, turnover, year to date and closing of every account of the chart.
func (v *visit) trialBalance() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	view := trialView{Page: v.consolePage(T(v.lang, "place.trial"), "/console/trial-balance"), Fund: v.typed("fund", 10), Level: v.typed("level", 4),
		PerFund: v.QueryParam("per") == "fund", Zeros: v.QueryParam("zero") != "", Unit: Unit(v.lang, v.book.Currency)}
	view.Wide = true
	if view.Level != "1" {
		view.Level = "2"
	}
	view.Funds = s.options(v.lang, T(v.lang, "trial.all"))
	view.Levels = []Option{{Value: "2", Label: view.T("trial.level.2")}, {Value: "1", Label: view.T("trial.level.1")}}
	from, to := v.period(&view.Page, ledger.Month(v.businessDay()), ledger.Month(v.businessDay()).AddDate(0, 1, -1))
	view.From, view.To = fieldDay(v, "from", from), fieldDay(v, "to", to)
	if len(view.Errors) > 0 {
		return v.s.render.Render(v.Response(), http.StatusUnprocessableEntity, "console/trial_balance", view)
	}
	funds := s.ids()
	view.Scope = view.T("trial.all")
	if fund := v.number("fund"); fund != 0 {
		f := s.fund(fund)
		if f == nil {
			return ledger.ErrNoFund
		}
		funds, view.Scope = []int32{fund}, f.Code+" "+f.Name(string(v.lang))
	}
	var rows []ledger.TrialRow
	err = v.read(func(q pg.Querier) error {
		if rows, err = v.trialRows(q, from, to, funds); err != nil {
			return err
		}
		at, err := ledger.Postings(v.ctx(), q, v.book)
		view.Figure = v.asOf(at)
		return err
	})
	if err != nil {
		return err
	}
	view.Sections = v.trialSections(view, rows, s, from, to)
	if v.QueryParam("format") == "csv" {
		return v.trialCSV(view)
	}
	view.Exports = []Link{{view.T("table.csv"), v.with("format", "csv")}}
	view.Empty = Empty{Text: view.T("trial.empty")}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/trial_balance", view)
}

// period reads from and to, which may be left out; one behind the other is an error.
func (v *visit) period(p *Page, from, to time.Time) (time.Time, time.Time) {
	if day := v.dayField(p, "from"); !day.IsZero() {
		from = day
		if v.typed("to", 20) == "" {
			to = ledger.Month(day).AddDate(0, 1, -1)
		}
	}
	if day := v.dayField(p, "to"); !day.IsZero() {
		to = day
	}
	if len(p.Errors) == 0 && to.Before(from) {
		p.Errors.Add("to", p.T("wrong.period"))
	}
	return from, to
}

// fieldDay is what a day field shows: what was typed, or the day that was taken.
func fieldDay(v *visit, name string, day time.Time) string {
	if text := v.typed(name, 20); text != "" {
		if day, ok := parseDay(text); ok {
			return ISODay(day)
		}
		return text
	}
	return ISODay(day)
}

// trialRows reads the balances per fund, of the given funds alone; nil is all of the book.
func (v *visit) trialRows(q pg.Querier, from, to time.Time, funds []int32) ([]ledger.TrialRow, error) {
	if funds == nil {
		return ledger.TrialBalance(v.ctx(), q, v.book, from, to, 0, true)
	}
	var all []ledger.TrialRow
	for _, fund := range funds {
		rows, err := ledger.TrialBalance(v.ctx(), q, v.book, from, to, fund, true)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	return all, nil
}

// trialSections makes the tables: books before memo accounts, each currency of units by itself.
func (v *visit) trialSections(view trialView, rows []ledger.TrialRow, s *sight, from, to time.Time) []trialSection {
	var sections []trialSection
	funds := []int32{0}
	if view.PerFund {
		funds = nil
		for _, f := range s.funds {
			funds = append(funds, f.ID)
		}
	}
	for _, fund := range funds {
		for _, memo := range []bool{false, true} {
			for _, ccy := range currencies(rows) {
				picked := pick(rows, func(r ledger.TrialRow) bool {
					return (fund == 0 || r.Fund == fund) && r.Chart.Memo() == memo && r.Currency == ccy
				})
				if section := v.trialSection(view, picked, ccy, from, to, fund); len(section.Rows) > 0 {
					section.Title, section.Fund = v.sectionTitle(s, fund, memo, ccy), fund
					sections = append(sections, section)
				}
			}
		}
	}
	return sections
}

func (v *visit) sectionTitle(s *sight, fund int32, memo bool, ccy string) string {
	title := T(v.lang, "trial.books")
	if memo {
		title = T(v.lang, "trial.memo")
	}
	if ccy != v.book.Currency {
		title += " " + ccy
	}
	if f := s.fund(fund); f != nil {
		title = f.Code + " " + f.Name(string(v.lang)) + " · " + title
	}
	return title
}

func currencies(rows []ledger.TrialRow) []string {
	var list []string
	seen := map[string]bool{}
	for _, r := range rows {
		if !seen[r.Currency] {
			seen[r.Currency] = true
			list = append(list, r.Currency)
		}
	}
	return list
}

func pick(rows []ledger.TrialRow, belongs func(ledger.TrialRow) bool) []ledger.TrialRow {
	var some []ledger.TrialRow
	for _, r := range rows {
		if belongs(r) {
			some = append(some, r)
		}
	}
	return some
}

// trialSection sums rows of several funds into one per account and puts headings above them.
func (v *visit) trialSection(view trialView, rows []ledger.TrialRow, ccy string, from, to time.Time, fund int32) trialSection {
	section := trialSection{Total: sumsIn(ccy)}
	byChart := map[chart.ID]ledger.TrialRow{}
	byHeading := map[string]ledger.TrialRow{}
	leaves := map[string]int{}
	merge := func(a, b ledger.TrialRow) ledger.TrialRow {
		a.Chart, a.Currency = b.Chart, b.Currency
		a.Opening, a.Debit, a.Credit, a.Closing = a.Opening+b.Opening, a.Debit+b.Debit, a.Credit+b.Credit, a.Closing+b.Closing
		a.YearTo.Debit, a.YearTo.Credit = a.YearTo.Debit+b.YearTo.Debit, a.YearTo.Credit+b.YearTo.Credit
		return a
	}
	for _, r := range rows {
		byChart[r.Chart.ID] = merge(byChart[r.Chart.ID], r)
	}
	for id, r := range byChart {
		if sumsOf(r).zero() && !view.Zeros {
			delete(byChart, id)
			continue
		}
		heading := v.headingOf(r.Chart)
		byHeading[heading] = merge(byHeading[heading], r)
		leaves[heading]++
	}
	headings := map[string]chart.Heading{}
	for _, regime := range []string{chart.CN2026, v.book.Regime} {
		for _, h := range chart.Headings(regime) {
			headings[h.Code] = h
		}
	}
	group, last := "", ""
	for _, acct := range chart.All() {
		r, used := byChart[acct.ID]
		if !used {
			continue
		}
		heading := v.headingOf(acct)
		if heading[:1] != group {
			group = heading[:1]
			section.Rows = append(section.Rows, trialRow{Code: group, Name: headings[group].Name(string(v.lang)), Group: true})
		}
		split := view.Level == "1" || leaves[heading] > 1
		if split && heading != last {
			row := trialRow{Code: heading, Name: headings[heading].Name(string(v.lang)), Heading: true, In: 1, trialSums: sumsOf(byHeading[heading])}
			row.Href = v.accountsHref(heading, fund, view.Fund, from, to)
			section.Rows = append(section.Rows, row)
			if view.Level == "1" {
				section.Total.add(row.trialSums)
			}
		}
		last = heading
		if view.Level == "1" {
			continue
		}
		row := trialRow{Code: v.code(acct), Name: acct.Name(string(v.lang)), In: 1, trialSums: sumsOf(r), Href: v.accountsHref(v.code(acct), fund, view.Fund, from, to)}
		if split {
			row.In = 2
		}
		section.Rows = append(section.Rows, row)
		section.Total.add(row.trialSums)
	}
	section.Even = section.Total.even()
	return section
}

func (v *visit) headingOf(acct chart.Account) string {
	if code := acct.HeadingCode(v.book.Regime); code != "" {
		return code
	}
	return acct.HeadingCode(chart.CN2026)
}

// accountsHref leads to the accounts behind a row.
func (v *visit) accountsHref(code string, section int32, fund string, from, to time.Time) string {
	query := url.Values{"q": {code}, "from": {ISODay(from)}, "to": {ISODay(to)}}
	if section != 0 {
		fund = strconv.Itoa(int(section))
	}
	if fund != "" {
		query.Set("fund", fund)
	}
	return address("/console/accounts", query)
}

func (v *visit) trialCSV(view trialView) error {
	out := v.newSheet("trial-balance", "trial.part", "account.code", "account.name", "trial.opening.debit", "trial.opening.credit", "trial.turnover.debit", "trial.turnover.credit",
		"trial.year.debit", "trial.year.credit", "trial.closing.debit", "trial.closing.credit")
	write := func(section trialSection, code, name string, sums trialSums) {
		cells := []any{section.Title, code, name}
		for _, c := range sums.Cells() {
			cells = append(cells, c)
		}
		out.row(cells...)
	}
	for _, section := range view.Sections {
		for _, r := range section.Rows {
			if !r.Group {
				write(section, r.Code, r.Name, r.trialSums)
			}
		}
		write(section, "", view.T("trial.total"), section.Total)
	}
	return out.flush()
}
