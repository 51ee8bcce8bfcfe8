package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/disclosure"
)

const flowPath = "/flow"

type flowView struct {
	Page
	Lead    string
	Links   []Link
	Sankey  Sankey
	Months  Chart
	Budgets Chart
}

// flowSpendings is how many entries of a year are told one by one before the largest are chosen.
const flowSpendings = ledger.PageMax

// flowShow answers /flow: where a year's money came from, through which funds it went, and what it paid.
func (v *visit) flowShow() error {
	year, err := strconv.Atoi(v.typed("year", 4))
	if today := v.businessDay(); err != nil || year < 1990 || year > today.Year() {
		year = today.Year()
	}
	view := flowView{Page: v.page(T(v.lang, "flow.heading", strconv.Itoa(year))), Lead: T(v.lang, "flow.lead")}
	for _, other := range []int{year - 1, year + 1} {
		if other <= v.businessDay().Year() {
			view.Links = append(view.Links, Link{T(v.lang, "year.other", strconv.Itoa(other)), flowPath + "?year=" + strconv.Itoa(other)})
		}
	}
	err = v.read(func(q pg.Querier) (err error) {
		if view.Sankey, err = v.yearSankey(q, year); err != nil {
			return err
		}
		if view.Months, err = v.monthsChart(q, year, 0); err != nil {
			return err
		}
		view.Budgets, err = v.budgetChart(q)
		if err != nil {
			return err
		}
		position, err := ledger.Posted(v.ctx(), q, v.book, 0)
		view.Figure = v.asOf(position)
		return err
	})
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/flow", view)
}

// yearSankey is kinds of money → funds → what was paid and what is not spent yet. Into a fund flows what it had before, its income and what other funds
// gave; out of it its cost, what it gave, and what is left: both sides are one sum, or nothing is drawn.
func (v *visit) yearSankey(q pg.Querier, year int) (Sankey, error) {
	from, to := ledger.Day(year, time.January, 1), ledger.Day(year, time.December, 31)
	s := Sankey{ID: "flow", Title: T(v.lang, "flow.sankey"), Unit: v.book.Currency, Heads: []string{T(v.lang, "flow.kinds"), T(v.lang, "flow.funds"), T(v.lang, "flow.uses")}}
	before, err := ledger.Positions(v.ctx(), q, v.book, from.AddDate(0, 0, -1))
	if err != nil {
		return s, err
	}
	after, err := ledger.Positions(v.ctx(), q, v.book, to)
	if err != nil {
		return s, err
	}
	flows, err := ledger.Flows(v.ctx(), q, v.book, from, to, 0)
	if err != nil {
		return s, err
	}
	var links []SankeyLink
	names := map[int32]string{}
	rest := map[int32]int64{} // what has to come from or go to other funds, so that both sides are one sum
	key := func(id int32) string { return "fund " + strconv.Itoa(int(id)) }
	into := func(id int32, kind string, minor int64) {
		links = append(links, SankeyLink{From: "kind " + kind, FromName: T(v.lang, "flow.kind."+kind), To: key(id), ToName: names[id], Minor: minor})
		rest[id] -= minor
	}
	out := func(id int32, use, name string, minor int64) {
		links = append(links, SankeyLink{From: key(id), FromName: names[id], To: "use " + use, ToName: name, Minor: minor, column: 1})
		rest[id] += minor
	}
	for _, p := range before {
		names[p.Fund.ID] = p.Fund.Name(string(v.lang))
		if p.NetAssets != 0 {
			into(p.Fund.ID, "before", p.NetAssets)
		}
	}
	program := map[int32]int64{}
	for _, f := range flows {
		switch {
		case f.Chart.Type == chart.Income:
			into(f.Fund, flowKind(f.Chart.ID), f.Amount)
		case f.Chart.ID == "program.r" || f.Chart.ID == "program.u":
			program[f.Fund] += f.Amount
		default:
			out(f.Fund, "cost", T(v.lang, "flow.use.cost"), f.Amount)
		}
	}
	told, err := ledger.Spendings(v.ctx(), q, v.book, 0, flowSpendings)
	if err != nil {
		return s, err
	}
	for _, sp := range told {
		if sp.EffectiveOn.Year() == year && sp.Amount > 0 && !sp.Reversed && sp.Amount <= program[sp.Fund] {
			out(sp.Fund, sp.Entry.String(), oneLine(sp.Summary, 18), sp.Amount)
			program[sp.Fund] -= sp.Amount
		}
	}
	for _, p := range after {
		if names[p.Fund.ID] == "" {
			names[p.Fund.ID] = p.Fund.Name(string(v.lang))
		}
		if minor := program[p.Fund.ID]; minor != 0 {
			out(p.Fund.ID, "program", T(v.lang, "flow.use.program"), minor)
		}
		if p.NetAssets != 0 {
			out(p.Fund.ID, "left", T(v.lang, "flow.use.left"), p.NetAssets)
		}
		switch minor := rest[p.Fund.ID]; {
		case minor > 0:
			into(p.Fund.ID, "other", minor)
		case minor < 0:
			out(p.Fund.ID, "other", T(v.lang, "flow.use.other"), -minor)
		}
	}
	s = newSankey(s, links, func(n int) string { return T(v.lang, "flow.rest", n) })
	switch s.Why {
	case "":
		s.Desc = T(v.lang, "flow.sankey.desc", strconv.Itoa(year))
	default:
		s.Desc = T(v.lang, "flow.why."+s.Why)
	}
	return s, nil
}

// flowKind is under which kind an account of income stands.
func flowKind(id chart.ID) string {
	switch base, _, _ := strings.Cut(string(id), "."); base {
	case "gift", "grant", "service":
		return base
	}
	return "income"
}

// monthsChart is what came in and went out by month, of one fund or, with 0, of all.
func (v *visit) monthsChart(q pg.Querier, year int, fund int32) (Chart, error) {
	c := Chart{ID: "months", Title: T(v.lang, "flow.months"), Axis: Unit(v.lang, v.book.Currency), Series: []string{T(v.lang, "flow.in"), T(v.lang, "flow.out")}, Head: T(v.lang, "flow.month"), Unit: v.book.Currency}
	flows, err := ledger.Flows(v.ctx(), q, v.book, ledger.Day(year, time.January, 1), ledger.Day(year, time.December, 31), fund)
	if err != nil {
		return c, err
	}
	var in, out [13]int64
	last := 0
	for _, f := range flows {
		m := int(f.Month.Month())
		if f.Chart.Type == chart.Income {
			in[m] += f.Amount
		} else {
			out[m] += f.Amount
		}
		last = max(last, m)
	}
	var sumIn, sumOut int64
	for m := 1; m <= last; m++ {
		c.Columns = append(c.Columns, ChartColumn{Label: strconv.Itoa(m), Values: []int64{max(0, in[m]), max(0, out[m])}})
		sumIn, sumOut = sumIn+in[m], sumOut+out[m]
	}
	c.Desc = T(v.lang, "flow.months.desc", strconv.Itoa(year), Amount(v.lang, v.amount(sumIn)), Amount(v.lang, v.amount(sumOut)))
	return c, nil
}

// budgetChart is what projects were given and what they have spent, the newest of them.
func (v *visit) budgetChart(q pg.Querier) (Chart, error) {
	c := Chart{ID: "budgets", Title: T(v.lang, "flow.budgets"), Axis: Unit(v.lang, v.book.Currency), Series: []string{T(v.lang, "flow.budget"), T(v.lang, "flow.committed"), T(v.lang, "flow.spent")}, Head: T(v.lang, "flow.project"), Unit: v.book.Currency,
		Desc: T(v.lang, "flow.budgets.none")}
	list, err := disclosure.OpenProjects(v.ctx(), q, v.book)
	if err != nil {
		return c, err
	}
	over := 0
	for _, p := range list[max(0, len(list)-8):] {
		label := "X" + strconv.Itoa(int(p.Number))
		if p.Spent > p.Budget {
			over++
			label += " ▲"
		}
		c.Columns = append(c.Columns, ChartColumn{Label: label, Values: []int64{p.Budget, max(0, p.Committed), p.Spent}})
	}
	if len(c.Columns) > 0 {
		c.Desc = T(v.lang, "flow.budgets.desc", len(c.Columns), over)
	}
	return c, nil
}
