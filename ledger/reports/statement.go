package reports

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Request says which statement of which days. Zero fields ask for what is usual.
type Request struct {
	From, To time.Time // both included; From defaults to the month's or the year's first day, as the form has it
	Recorded time.Time // as the book stood at this moment; zero for now
	Funds    []int32   // nil for all of the book
	Scope    string    // how these funds are called
	Lang     string
	Now      time.Time // of lists that say how long something has waited
	Donor    uuid.UUID // of a donor's statement
	// All asks for every row of a list, however long, as files have it; pages and prints stop at ListMax and say so. The report must then be written before its
	// transaction ends. Progress is told how many rows of such a list are written.
	All      bool
	Progress func(rows int64)
	// Parts asks to keep what figures are made of, account by account, for Report.Parts and Statement.Parts.
	Parts bool
}

// points of time that every statement is made from.
const (
	atYear = iota // the first day of the year
	atFrom
	atEnd // the day after the last
	atPriorYear
	atPriorEnd
	pointsOf
)

// column is how a column of a statement is made: what moved between two points, or what there is at one.
type column struct {
	Column
	begin, end int
	holds      bool
	class      string // of net assets; empty for all
}

// Statement is a statement with what its figures are made of.
type Statement struct {
	Report
	form    *Form
	facts   *facts
	columns []column
	at      [][]int // where each row of the form stands: table and row; nil when it is left out
}

// Make draws up a statement from kept turnovers. Run it in one repeatable read transaction.
func Make(ctx context.Context, q pg.Querier, book *ledger.Book, form *Form, r Request) (*Statement, error) {
	points := form.points(&r)
	f, err := readFacts(ctx, q, book, ledger.Cut{Funds: r.Funds, Recorded: r.Recorded, Leaves: r.Parts}, points)
	if err != nil {
		return nil, err
	}
	s := f.statement(form, r)
	if s.Position, err = ledger.PostedBy(ctx, q, book, r.Recorded); err != nil {
		return nil, err
	}
	s.Ties = s.ties(r)
	return s, nil
}

// points are the days that a statement is made from; From is filled in where it is missing.
func (f *Form) points(r *Request) []time.Time {
	year := ledger.Day(r.To.Year(), time.January, 1)
	if r.From.IsZero() {
		if r.From = year; f.Period == "month" {
			r.From = ledger.Month(r.To)
		}
	}
	points := make([]time.Time, pointsOf)
	points[atYear], points[atFrom], points[atEnd] = year, r.From, r.To.AddDate(0, 0, 1)
	points[atPriorYear], points[atPriorEnd] = year.AddDate(-1, 0, 0), yearBefore(r.To).AddDate(0, 0, 1)
	if f.Kind == Balance { // nothing in it is of a part of the year, or of the year before
		points[atFrom], points[atPriorYear], points[atPriorEnd] = year, year, points[atEnd]
	}
	return points
}

// yearBefore is the same day of the year before; the last of February for the 29th.
func yearBefore(day time.Time) time.Time {
	before := day.AddDate(-1, 0, 0)
	if before.Month() != day.Month() {
		before = before.AddDate(0, 0, -before.Day())
	}
	return before
}

func (f *facts) statement(form *Form, r Request) *Statement {
	s := &Statement{form: form, facts: f, Report: Report{ID: form.ID, Title: form.Name(r.Lang), Code: form.Code, Maker: f.book.Name(r.Lang), Scope: r.Scope,
		From: r.From, To: r.To, Currency: f.book.Currency, Recorded: r.Recorded, Official: true, lang: r.Lang}}
	s.Period = r.From.Format(time.DateOnly) + " – " + r.To.Format(time.DateOnly)
	if form.Kind == Balance {
		s.Period = r.To.Format(time.DateOnly)
	}
	s.columns = form.columns(r)
	values := s.values()
	s.lay(values)
	return s
}

// columns are the figures of each kind of statement.
func (f *Form) columns(r Request) []column {
	say := func(zh, en string) string { return words(r.Lang, zh, en) }
	if f.Kind == Balance {
		return []column{{Column{Key: "opening", Label: say("年初数", "Start of year"), Sum: true}, 0, atYear, true, ""},
			{Column{Key: "closing", Label: say("期末数", "End of period"), Sum: true}, 0, atEnd, true, ""}}
	}
	type period struct {
		key, zh, en string
		begin, end  int
	}
	this := period{"period", "本期数", "Period", atFrom, atEnd}
	if month := ledger.Month(r.To); r.From.Equal(month) && r.To.Equal(month.AddDate(0, 1, -1)) {
		this.zh, this.en = "本月数", "Month"
	}
	year, prior := period{"year", "本年累计数", "Year to date", atYear, atEnd}, period{"prior", "上年同期累计数", "Prior year", atPriorYear, atPriorEnd}
	periods := []period{this, year, prior}
	if r.From.Equal(ledger.Day(r.To.Year(), time.January, 1)) {
		periods = []period{year, prior}
	}
	var all []column
	for _, p := range periods {
		whole := Column{Key: p.key, Label: say(p.zh, p.en), Sum: true}
		if f.Kind == Cash || p.key == "prior" {
			all = append(all, column{whole, p.begin, p.end, false, ""})
			continue
		}
		classes := []struct{ id, zh, en string }{{"unrestricted", "非限定性", "Unrestricted"}, {"restricted", "限定性", "Restricted"}}
		if f.Endowment {
			classes = append(classes, struct{ id, zh, en string }{"endowment", "留本", "Endowment"})
		}
		var sums []int
		for _, c := range classes {
			sums = append(sums, len(all))
			all = append(all, column{Column{Key: p.key + "." + c.id, Group: say(p.zh, p.en), Label: say(c.zh, c.en), Sum: true}, p.begin, p.end, false, c.id})
		}
		whole.Group, whole.Label, whole.sums = whole.Label, say("合计", "Total"), sums
		all = append(all, column{whole, p.begin, p.end, false, ""})
	}
	return all
}

// classOf says in which columns a fact stands: its class, and its fund's kind where the form has a column or a row for that.
func (s *Statement) classOf(x *fact) string {
	byFund := s.byFund()
	acct, account := chart.ByID(x.chart)
	class := x.class
	switch {
	case account && acct.Type == chart.Expense && s.form.Expenses == string(chart.Unrestricted) && (s.form.Kind != Balance || !byFund):
		return string(chart.Unrestricted)
	case x.chart == factSpent:
	case byFund || account && acct.Class == chart.ClassNone:
		class = chart.Unrestricted
		if x.fund.HasRestriction() {
			class = chart.Restricted
		}
	case account:
		class = acct.Class
	}
	if s.form.Endowment && class == chart.Restricted && x.fund.Kind == ledger.Endowment {
		return "endowment"
	}
	return string(class)
}

// byFund tells that classes follow from the kind of fund: under foreign rules, and when a book kept under one Chinese regime is shown
// under the other.
func (s *Statement) byFund() bool {
	return s.form.Classes == "fund" || s.form.Regime != s.facts.book.Regime
}

// counts tells whether a fact stands in a statement at all.
func (s *Statement) counts(x *fact) bool {
	switch x.chart {
	case factSpent:
		return s.byFund() && s.form.Expenses == string(chart.Unrestricted)
	case factPending:
		return !s.byFund()
	}
	return true
}

func fits(only, class string, x *fact) bool {
	switch only {
	case "", class:
		return true
	case ledger.Designated:
		return class == string(chart.Unrestricted) && x.fund.Kind == ledger.Designated
	case ledger.General:
		return class == string(chart.Unrestricted) && x.fund.Kind != ledger.Designated
	}
	return false
}

// amount is what a fact gives to a row in a column, by a term.
func (s *Statement) amount(x *fact, class string, t term, c column) int64 {
	r := s.form.Rows[t.row]
	holds, begin, end := c.holds, c.begin, c.end
	if r.At != "" {
		holds = true
		if r.At == "begin" {
			end = begin
		}
	}
	if !s.counts(x) || c.class != "" && c.class != class || !fits(r.Only, class, x) || holds && !x.holds || !holds && !x.flows {
		return 0
	}
	moved := x.before[end]
	if !holds {
		moved = ledger.Turnover{Debit: moved.Debit - x.before[begin].Debit, Credit: moved.Credit - x.before[begin].Credit}
	}
	switch t.side {
	case chart.Debit:
		moved.Credit = 0
	case chart.Credit:
		moved.Debit = 0
	}
	if r.Side == "credit" {
		return -netOf(moved)
	}
	return netOf(moved)
}

// values are the figures of every row and column.
func (s *Statement) values() [][]int64 {
	values := make([][]int64, len(s.form.Rows))
	for i := range values {
		values[i] = make([]int64, len(s.columns))
	}
	type key struct {
		id     chart.ID
		nature string
	}
	known := map[key][]term{}
	for i := range s.facts.all {
		x := &s.facts.all[i]
		terms, there := known[key{x.chart, x.nature}]
		if !there {
			terms = s.form.rowsOf(x.chart, x.nature)
			known[key{x.chart, x.nature}] = terms
		}
		class := s.classOf(x)
		for _, t := range terms {
			for c := range s.columns {
				values[t.row][c] += s.amount(x, class, t, s.columns[c])
			}
		}
	}
	for i, r := range s.form.Rows {
		for _, p := range r.parts() {
			for c := range s.columns {
				values[i][c] += p.sign * values[s.form.row[p.id]][c]
			}
		}
	}
	return values
}

// lay puts the figures into tables: one, or the two sides of a balance sheet.
func (s *Statement) lay(values [][]int64) {
	s.at = make([][]int, len(s.form.Rows))
	parts := 1
	for _, r := range s.form.Rows {
		parts = max(parts, r.Part)
	}
	for n := 1; n <= parts; n++ {
		heads := []Column{{Key: "name", Label: words(s.lang, "项目", "Item")}, {Key: "no", Label: words(s.lang, "行次", "Line")}}
		if s.form.Kind == Balance && parts > 1 {
			heads[0].Label = []string{words(s.lang, "资产", "Assets"), words(s.lang, "负债和净资产", "Liabilities and net assets")}[n-1]
		}
		t := Table{Columns: heads}
		for _, c := range s.columns {
			c.sums = slices.Clone(c.sums)
			for i := range c.sums {
				c.sums[i] += len(heads)
			}
			t.Columns = append(t.Columns, c.Column)
		}
		for i, r := range s.form.Rows {
			if max(r.Part, 1) != n || r.Optional && !slices.ContainsFunc(values[i], func(v int64) bool { return v != 0 }) {
				continue
			}
			row := Row{ID: r.ID, Style: Line, Cells: []Cell{{Text: r.Name(s.lang)}, {Text: r.No}}}
			switch {
			case r.Head:
				row.Style = Head
			case r.Grand:
				row.Style = Grand
			case r.Sum != "" || r.Top:
				row.Style = Sum
			}
			if !r.Head {
				row.Opens = true
				if r.No == "" {
					row.Cells[1].Text = fmt.Sprint(s.number(i))
				}
				for _, v := range values[i] {
					row.Cells = append(row.Cells, Cell{Minor: v})
				}
			}
			for _, p := range r.parts() {
				if at := s.at[s.form.row[p.id]]; at != nil && at[0] == n-1 {
					row.sums = append(row.sums, summed{at[1], p.sign})
				}
			}
			s.at[i] = []int{n - 1, len(t.Rows)}
			t.Rows = append(t.Rows, row)
		}
		s.Tables = append(s.Tables, t)
	}
}

// number counts the rows with figures where the form has no numbers of its own.
func (s *Statement) number(at int) (n int) {
	if slices.ContainsFunc(s.form.Rows, func(r *FormRow) bool { return r.No != "" }) {
		return 0
	}
	for _, r := range s.form.Rows[:at+1] {
		if !r.Head && !r.Optional {
			n++
		}
	}
	return n
}

// uncovered names the accounts that stand in no row, so that the page can say why a statement does not tie.
func (s *Statement) uncovered() (names []string) {
	seen := map[chart.ID]bool{}
	for i := range s.facts.all {
		x := &s.facts.all[i]
		acct, account := chart.ByID(x.chart)
		if !account || seen[x.chart] || s.form.Kind == Cash && acct.CashLike || !s.form.covers(acct) {
			continue
		}
		seen[x.chart] = true
		if len(s.form.rowsOf(x.chart, x.nature)) == 0 {
			names = append(names, acct.Code2026+" "+acct.Name(s.lang))
		}
	}
	return names
}

// covers tells whether a form has to have a row for an account.
func (f *Form) covers(a chart.Account) bool {
	switch f.Kind {
	case Balance:
		return !a.Memo()
	case Activities:
		return a.Type == chart.Income || a.Type == chart.Expense || a.ID == "transfer" || strings.HasPrefix(string(a.ID), "release.") || strings.HasPrefix(string(a.ID), "na.prior.")
	}
	return !a.Memo() && !a.CashLike && a.ID != "na.u" && a.ID != "na.r"
}
