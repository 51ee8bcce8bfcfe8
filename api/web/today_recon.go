package web

import (
	"strconv"

	"sunfund/ledger"
	"sunfund/ledger/recon"
	"sunfund/ledger/runs"
	"sunfund/ledger/staff"
)

// todayDays is over how many days the first page draws what moved.
const todayDays = 14

// reconToday is what whoever keeps the books has to know first: what is red, why, and what to do next.
type reconToday struct {
	Halts    []haltRow
	Todo     []todoRow
	Hours    recon.Hours
	Ageing   *Chart
	Turnover *Chart
}

// Part is what was explained in time, for the percentage.
func (t reconToday) Part() int64 { return t.Hours.InTime }

// todoRow is something that needs a person.
type todoRow struct {
	Tag, What, Href string
	Why, Next       string
}

// todayRecon reads it; nil for those who do not see the whole book.
func (v *visit) todayRecon() (*reconToday, error) {
	if !v.who.May(staff.OfflineRead) {
		return nil, nil
	}
	t := &reconToday{}
	var err error
	if t.Halts, err = v.halts(); err != nil {
		return nil, err
	}
	for _, find := range []func(*reconToday) error{v.todoChecks, v.todoBreaks, v.todoFiles, v.todoJobs, v.todoPeriods} {
		if err := find(t); err != nil {
			return nil, err
		}
	}
	if t.Hours, err = recon.Explain(v.ctx(), v.s.DB, v.book, v.now); err != nil {
		return nil, err
	}
	if t.Ageing, err = v.ageing("ageing"); err != nil {
		return nil, err
	}
	t.Turnover, err = v.turnover()
	return t, err
}

// todoChecks are the checks that are red.
func (v *visit) todoChecks(t *reconToday) error {
	all, err := recon.Outcomes(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	for _, o := range all {
		if o.State != recon.Red {
			continue
		}
		why := ""
		if len(o.Breaks) > 0 {
			why = o.Breaks[0].Text(v.book, string(v.lang))
		}
		t.Todo = append(t.Todo, todoRow{"broken", o.Code + " " + o.Name(string(v.lang)), checksPath, why, o.Next(string(v.lang))})
	}
	return nil
}

// todoBreaks are open breaks by how grave they are, and those for which a second person's word is wanted.
func (v *visit) todoBreaks(t *reconToday) error {
	bands, err := recon.Bands(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	filter := recon.BreakFilter{Now: v.now, Bands: bands}
	for level := 1; level < len(levelTags); level++ { // those of 0 stand above everything
		filter.Ripe = &level
		n, sum, err := recon.CountBreaks(v.ctx(), v.s.DB, v.book, filter)
		if err != nil {
			return err
		}
		if n > 0 {
			text := strconv.Itoa(level)
			t.Todo = append(t.Todo, todoRow{levelTags[level], T(v.lang, "today.breaks", n, T(v.lang, "severity."+text)), breaksPath + "?severity=" + text, T(v.lang, "today.breaks.why", v.amount(sum)), T(v.lang, "today.breaks.next")})
		}
	}
	filter.Ripe, filter.State = nil, recon.BreakProposed
	n, _, err := recon.CountBreaks(v.ctx(), v.s.DB, v.book, filter)
	if n > 0 && v.who.May(staff.EntryApprove) {
		t.Todo = append(t.Todo, todoRow{"waiting", T(v.lang, "today.second", n), breaksPath + "?state=" + recon.BreakProposed, T(v.lang, "today.second.why"), T(v.lang, "today.second.next")})
	}
	return err
}

// todoFiles are accounts with files that were not taken.
func (v *visit) todoFiles(t *reconToday) error {
	sources, err := recon.Sources(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	for _, s := range sources {
		if s.Quarantined > 0 {
			t.Todo = append(t.Todo, todoRow{"broken", T(v.lang, "today.files", s.Quarantined, s.Name), sourceHref(s.ID), T(v.lang, "today.files.why"), T(v.lang, "today.files.next")})
		}
	}
	return nil
}

// todoJobs are jobs that fail or are late.
func (v *visit) todoJobs(t *reconToday) error {
	list, err := runs.Jobs(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		return err
	}
	for i := range list {
		j := &list[i]
		switch {
		case j.Red():
			why := T(v.lang, "job.state.failed")
			if j.Last != nil && j.Last.Error != "" {
				why = oneLine(j.Last.Error, 120)
			}
			t.Todo = append(t.Todo, todoRow{"broken", T(v.lang, "today.job.red", jobTitle(v.lang, j.Name)), jobsPath, why, T(v.lang, "today.job.next")})
		case j.Late(v.now):
			t.Todo = append(t.Todo, todoRow{"attention", T(v.lang, "today.job.late", jobTitle(v.lang, j.Name)), jobsPath, T(v.lang, "today.job.late.why", v.stampOr(j.NextSlot)), T(v.lang, "today.job.next")})
		}
	}
	return nil
}

// todoPeriods are the months that are over and not closed for good. The oldest comes first: closing a month closes all before it.
func (v *visit) todoPeriods(t *reconToday) error {
	first, err := ledger.FirstOpen(v.ctx(), v.s.DB, v.book)
	if err != nil || first.IsZero() {
		return err
	}
	var n int64
	this := ledger.Month(v.businessDay())
	for month := first; month.Before(this); month = month.AddDate(0, 1, 0) {
		n++
	}
	if n > 0 {
		name := first.Format("2006-01")
		t.Todo = append(t.Todo, todoRow{"waiting", T(v.lang, "today.period", n), monthPath + "?month=" + name, T(v.lang, "today.period.why", name), T(v.lang, "today.period.next")})
	}
	return nil
}

// turnover draws what came in and went out day by day.
func (v *visit) turnover() (*Chart, error) {
	to := v.businessDay()
	from := to.AddDate(0, 0, 1-todayDays)
	moved, err := recon.Turnover(v.ctx(), v.s.DB, v.book, from, to)
	if err != nil {
		return nil, err
	}
	c := Chart{ID: "turnover", Title: T(v.lang, "today.turnover"), Axis: Unit(v.lang, v.book.Currency), Head: T(v.lang, "recon.day"), Unit: v.book.Currency, Series: []string{T(v.lang, "today.in"), T(v.lang, "today.out")}}
	at := map[string]recon.DayMoved{}
	var in, out int64
	for _, m := range moved {
		at[ISODay(m.Day)] = m
		in, out = in+m.In, out+m.Out
	}
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		m := at[ISODay(day)]
		c.Columns = append(c.Columns, ChartColumn{Label: ISODay(day), Short: strconv.Itoa(day.Day()), Href: address("/console/entries", map[string][]string{"from": {ISODay(day)}, "to": {ISODay(day)}}), Values: []int64{max(m.In, 0), max(m.Out, 0)}})
	}
	if c.Side() > 4 { // values as long as that leave a phone no room for each day's number
		c.Every = 2
	}
	c.Desc = T(v.lang, "today.turnover.desc", todayDays, v.amount(in), v.amount(out))
	return &c, nil
}
