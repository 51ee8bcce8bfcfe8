package web

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/disclosure"
)

const flowPath = "/flow"

// flowProjects is how many projects the drawing of budgets has room for.
const flowProjects = 8

type flowView struct {
	Page
	Lead    string
	Links   []Link
	Sankey  Sankey
	Months  Chart
	Budgets Chart
}

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
		c.Columns = append(c.Columns, ChartColumn{Label: strconv.Itoa(m), Values: []int64{in[m], out[m]}})
		sumIn, sumOut = sumIn+in[m], sumOut+out[m]
	}
	c.Desc = T(v.lang, "flow.months.desc", strconv.Itoa(year), Amount(v.lang, v.amount(sumIn)), Amount(v.lang, v.amount(sumOut)))
	return c, nil
}

// budgetChart is what projects were given and what they have spent, the newest of them.
func (v *visit) budgetChart(q pg.Querier) (Chart, error) {
	c := Chart{ID: "budgets", Title: T(v.lang, "flow.budgets"), Axis: Unit(v.lang, v.book.Currency), Series: []string{T(v.lang, "flow.budget"), T(v.lang, "flow.committed"), T(v.lang, "flow.spent")}, Head: T(v.lang, "flow.project"), Unit: v.book.Currency,
		Desc: T(v.lang, "flow.budgets.none")}
	list, err := disclosure.NewestProjects(v.ctx(), q, v.book, flowProjects)
	if err != nil {
		return c, err
	}
	over := 0
	for _, p := range slices.Backward(list) {
		label := "X" + strconv.Itoa(int(p.Number))
		if p.Spent > p.Budget {
			over++
			label += " ▲"
		}
		c.Columns = append(c.Columns, ChartColumn{Label: label, Values: []int64{p.Budget, p.Committed, p.Spent}})
	}
	if len(c.Columns) > 0 {
		c.Desc = T(v.lang, "flow.budgets.desc", len(c.Columns), over)
	}
	return c, nil
}
