package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/staff"
)

const (
	lawPath        = "/console/law"
	lawRulePath    = "/console/law/rule"
	lawProfilePath = "/console/law/profile"
)

// lawTags are the states of a rule that are tags; the others are words.
var lawTags = map[law.State]string{law.Holds: "done", law.Broken: "broken", law.Warned: "attention"}

// lawYear is the year of the address, this year when it names none.
func (v *visit) lawYear() int {
	year, err := strconv.Atoi(v.typed("year", 4))
	if err != nil || year < 1990 || year > v.businessDay().Year() {
		return v.businessDay().Year()
	}
	return year
}

// lawRule is where a rule is shown.
func lawRule(code string) string { return lawRulePath + "?code=" + code }

func (v *visit) lawYears(view *recordView, path string, year int) {
	for _, other := range []int{year - 1, year + 1} {
		if other <= v.businessDay().Year() {
			view.Links = append(view.Links, Link{T(v.lang, "year.other", strconv.Itoa(other)), path + "year=" + strconv.Itoa(other)})
		}
	}
}

// lawList shows how each rule stands; broken ones and warnings come first.
func (v *visit) lawList() error { return v.lawListAgain(http.StatusOK, nil) }

func (v *visit) lawListAgain(status int, wrong Errors) error {
	year := v.lawYear()
	view := recordView{Page: v.consolePage(T(v.lang, "law.heading", strconv.Itoa(year)), lawPath), Heading: T(v.lang, "law.heading", strconv.Itoa(year)), Lead: T(v.lang, "law.lead")}
	view.Errors = wrong
	l, err := law.Read(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	all, err := law.Look(v.ctx(), v.s.DB, v.book, year, v.businessDay())
	if err != nil {
		return err
	}
	if p := l.On(v.businessDay()); p != nil {
		view.Facts = v.profileFacts(p)
	} else {
		view.Status, view.State = "waiting", T(v.lang, "law.profile.none")
	}
	v.lawYears(&view, lawPath+"?", year)
	view.Links = append(view.Links, Link{T(v.lang, "place.deadlines"), deadlinesPath})
	order := map[law.State]int{law.Broken: -2, law.Warned: -1}
	slices.SortStableFunc(all, func(a, b law.Finding) int { return order[a.State] - order[b.State] })
	g := grid{Title: T(v.lang, "law.all"), Heads: v.heads("check.code", "law.rule", "person.state", "law.effect", "#law.cases")}
	for _, f := range all {
		g.Rows = append(g.Rows, []cell{{Text: f.Code}, {Text: f.Name(string(v.lang)), Href: lawRule(f.Code) + "&year=" + strconv.Itoa(year)},
			{Text: T(v.lang, "law.state."+string(f.State)), Tag: lawTags[f.State]}, {Text: T(v.lang, "law.effect."+string(f.Effect))}, {Text: strconv.Itoa(len(f.Rows))}})
	}
	view.Grids = []grid{g}
	if v.who.May(staff.LawWrite) {
		p := l.On(v.businessDay())
		if p == nil {
			p = &law.Profile{Jurisdiction: "CN", Form: law.Association, Public: true}
		}
		if err := v.offer(&view, lawProfilePath, v.lawProfile(p)); err != nil {
			return err
		}
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) profileFacts(p *law.Profile) []Fact {
	public := "law.public.no"
	if p.Public {
		public = "law.public.yes"
	}
	return []Fact{v.fact("law.jurisdiction", p.Jurisdiction), v.fact("law.form", T(v.lang, "law.form."+p.Form)), v.fact("law.public", T(v.lang, public)),
		v.fact("law.from", Day(v.lang, p.From)), v.fact("law.code", orDash(p.Code))}
}

func orDash(text string) string {
	if text == "" {
		return "—"
	}
	return text
}

// lawShow shows a rule: how it stands, what it asks for and where that is written, the working line by line, the cases, the facts.
func (v *visit) lawShow() error { return v.lawShowAgain(http.StatusOK, nil) }

func (v *visit) lawShowAgain(status int, wrong Errors) error {
	year := v.lawYear()
	f, err := law.LookAt(v.ctx(), v.s.DB, v.book, v.typed("code", 5), year, v.businessDay())
	if err != nil {
		return err
	}
	lang := string(v.lang)
	heading := f.Code + " · " + f.Name(lang)
	path := lawRule(f.Code)
	view := recordView{Page: v.consolePage(heading, lawPath), Heading: heading, Lead: f.Lift(lang), Status: lawTags[f.State], State: T(v.lang, "law.state."+string(f.State))}
	view.Errors, view.Path = wrong, path
	if view.Status == "" {
		view.Status = "good"
	}
	view.Facts = []Fact{v.fact("law.effect", T(v.lang, "law.effect."+string(f.Effect))), v.fact("law.year", strconv.Itoa(year))}
	v.lawYears(&view, path+"&", year)
	view.Links = append(view.Links, Link{T(v.lang, "law.all"), lawPath})
	for _, course := range f.Months {
		view.Charts = append(view.Charts, v.courseChart(course, year))
	}
	params := v.lawParams(f.Params)
	view.Grids = []grid{v.lawWorking(f), v.lawCases(f), params}
	list, err := law.Facts(v.ctx(), v.s.DB, v.book, f.Code)
	if err != nil {
		return err
	}
	facts, err := v.lawFacts(list)
	if err != nil {
		return err
	}
	view.Grids = append(view.Grids, facts)
	acts, err := v.lawForms(f.Code, list)
	if err != nil {
		return err
	}
	if err := v.offer(&view, path, acts...); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// lawParams lists figures: for whom, from when to when, and where each is written.
func (v *visit) lawParams(all []law.Param) grid {
	g := grid{Title: T(v.lang, "law.params"), Empty: T(v.lang, "law.params.none"), Heads: v.heads("law.param", "#law.value", "law.from", "law.for", "law.article")}
	for _, p := range all {
		from := lawDays(p)
		if p.Own {
			from += T(v.lang, "law.own")
		}
		article := p.Article(string(v.lang))
		if p.Unread() {
			article += T(v.lang, "law.check.figure")
		}
		if p.Undated() {
			article += T(v.lang, "law.check.from")
		}
		g.Rows = append(g.Rows, []cell{{Text: p.Name}, {Text: p.Value}, {Text: from}, {Text: lawScope(v.lang, p)}, {Text: article, User: p.Own}})
	}
	return g
}

// lawDays says from when to when a figure holds.
func lawDays(p law.Param) string {
	if p.To.IsZero() {
		return ISODay(p.From)
	}
	return ISODay(p.From) + " – " + ISODay(p.To.AddDate(0, 0, -1))
}

// lawScope says for whom a figure holds.
func lawScope(lang Lang, p law.Param) string {
	of := []string{cmp.Or(strings.Trim(p.Jurisdiction, "*"), T(lang, "law.any"))}
	if p.Form != "*" && p.Form != "" {
		of = append(of, T(lang, "law.form."+p.Form))
	}
	if p.Public != "*" && p.Public != "" {
		of = append(of, T(lang, "law.raises."+p.Public))
	}
	return strings.Join(of, " · ")
}

// courseChart draws a yearly rule month by month: what was done, where the pace leads, and the line.
func (v *visit) courseChart(c law.Course, year int) Chart {
	chart := Chart{ID: "law-" + c.Of, Title: T(v.lang, "law.course."+c.Of), Axis: Unit(v.lang, v.book.Currency), Head: T(v.lang, "flow.month"), Unit: v.book.Currency,
		Series: []string{T(v.lang, "law.course.done"), T(v.lang, "law.course.ahead"), T(v.lang, "law.course.line."+c.Of)}}
	for _, m := range c.Months {
		column := ChartColumn{Label: strconv.Itoa(int(m.First.Month())), Values: []int64{0, 0, max(0, m.Line)}}
		if !m.First.After(v.businessDay()) {
			column.Values[0] = max(0, m.Done)
		}
		if m.Ahead > 0 {
			column.Values[1] = m.Sum()
		}
		chart.Columns = append(chart.Columns, column)
	}
	last := c.Months[len(c.Months)-1]
	chart.Desc = T(v.lang, "law.course."+c.Of+".desc", strconv.Itoa(year), Amount(v.lang, v.amount(last.Done)), Amount(v.lang, v.amount(last.Sum())), Amount(v.lang, v.amount(last.Line)))
	return chart
}

// lawObject is what the history of a rule's facts is kept under.
func lawObject(code string) string { return "law:" + strings.TrimPrefix(code, "R") }

// lawWorking is the working: an amount that comes from entries opens them.
func (v *visit) lawWorking(f *law.Finding) grid {
	g := grid{Title: T(v.lang, "law.working"), Empty: T(v.lang, "law.working.none"), Heads: v.heads("law.line", "#filter.amount")}
	for _, s := range f.Steps {
		c := cell{Text: s.Text}
		if s.Sum != nil {
			c = v.sumCell(*s.Sum)
		}
		line := cell{Text: s.Label(string(v.lang))}
		if s.Part {
			acct := chart.MustByID(chart.ID(s.Chart))
			line.Text = T(v.lang, "law.part", v.code(acct)+" "+line.Text)
			line.Href = "/console/entries?chart=" + v.code(acct) + "&from=" + ISODay(s.From) + "&to=" + ISODay(s.To)
		}
		g.Rows = append(g.Rows, []cell{line, c})
	}
	return g
}

func (v *visit) lawCases(f *law.Finding) grid {
	g := grid{Title: T(v.lang, "law.cases"), Empty: T(v.lang, "law.cases.none"), Heads: v.heads("law.case", "law.why", "person.state")}
	for _, r := range f.Rows {
		state, tag := "warned", "attention"
		if r.Broken {
			state, tag = "broken", "broken"
		}
		g.Rows = append(g.Rows, []cell{{Text: orDash(r.Called(string(v.lang))), Href: v.lawHref(r.Object), User: true}, {Text: r.Text(string(v.lang))}, {Text: T(v.lang, "law.state."+state), Tag: tag}})
	}
	return g
}

// lawHref is where what a case speaks of is shown; empty when it has no page.
func (v *visit) lawHref(object string) string {
	kind, id, _ := strings.Cut(object, ":")
	switch kind {
	case "campaign":
		return "/console/campaigns/" + id
	case "fund":
		return "/console/funds/" + id
	case "gift":
		return "/console/entries/" + id
	case "account":
		return "/console/accounts/" + id
	}
	return objectPath(object)
}

func (v *visit) lawFacts(list []law.Fact) (grid, error) {
	g := grid{Title: T(v.lang, "law.facts"), Empty: T(v.lang, "law.facts.none"), Heads: v.heads("law.item", "law.object", "law.told", "#filter.amount", "law.words", "rates.by")}
	objects, err := v.lawObjects("")
	if err != nil {
		return g, err
	}
	names := newNames(v)
	back := law.TakenBack(list)
	for _, f := range list[:min(len(list), 200)] {
		by, err := names.of(f.EnteredBy)
		if err != nil {
			return g, err
		}
		item := law.ItemOf(f.Rule, f.Item)
		if item == nil { // entered before its form was checked
			item = &law.Item{NameZH: f.Item, NameEN: f.Item}
		}
		told := ""
		if f.Year != 0 {
			told = strconv.Itoa(int(f.Year))
		}
		if f.Day != nil {
			told = ISODay(*f.Day)
		}
		if f.Until != nil {
			told += " – " + ISODay(*f.Until)
		}
		sum := cell{}
		switch {
		case item.Count:
			sum.Text = strconv.FormatInt(f.Amount, 10)
		case item.Share:
			sum.Text = law.Percent(f.Amount)
		case item.Amount:
			sum = v.sumCell(f.Amount)
		}
		words := f.Words
		if back["fact:"+f.ID.String()] {
			words = T(v.lang, "law.withdrawn", words)
		}
		name := f.Object
		if at := slices.IndexFunc(list, func(x law.Fact) bool { return f.Object == "fact:"+x.ID.String() }); at >= 0 {
			name = list[at].Words
		}
		if id, ok := strings.CutPrefix(f.Object, "gift:"); ok {
			if gift, err := uuid.Parse(id); err == nil {
				name = giving.Ref(v.book, gift)
			}
		}
		for _, o := range objects {
			if o.Value == f.Object {
				name = o.Label
			}
		}
		g.Rows = append(g.Rows, []cell{{Text: item.Label(string(v.lang))}, {Text: name, Href: v.lawHref(f.Object), User: true}, {Text: told}, sum, textCell(words), textCell(by)})
	}
	return g, nil
}

// lawObjects offers what facts may speak of: one sort, or all when kind is empty.
func (v *visit) lawObjects(kind string) (options []Option, err error) {
	want := func(k string) bool { return kind == "" || kind == k }
	if want("book") {
		options = append(options, Option{Value: "book", Label: T(v.lang, "law.object.book")})
	}
	if want("campaign") {
		list, err := v.campaignOptions("")
		if err != nil {
			return nil, err
		}
		for _, o := range list {
			options = append(options, Option{Value: "campaign:" + o.Value, Label: o.Label})
		}
	}
	if want("fund") {
		funds, err := ledger.Funds(v.ctx(), v.s.DB, v.book)
		if err != nil {
			return nil, err
		}
		for _, f := range funds {
			options = append(options, Option{Value: "fund:" + strconv.Itoa(int(f.ID)), Label: f.Name(string(v.lang))})
		}
	}
	if !want("payee") && !want("contract") && !want("project") {
		return options, nil
	}
	records, err := law.Records(v.ctx(), v.s.DB, v.book, kind)
	for _, r := range records {
		options = append(options, Option{Value: r.Object, Label: r.Name})
	}
	return options, err
}

// lawName is how people call what a fact speaks of.
func (v *visit) lawName(object string) string {
	kind, _, _ := strings.Cut(object, ":")
	options, err := v.lawObjects(kind)
	if err != nil {
		return object
	}
	for _, o := range options {
		if o.Value == object {
			return o.Label
		}
	}
	return object
}
