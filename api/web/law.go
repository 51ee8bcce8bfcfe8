package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
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

// lawProfile says under which law the book stands. It decides what is blocked, so another person approves.
func (v *visit) lawProfile(p *law.Profile) act {
	forms := make([]Option, 0, 3)
	for _, form := range []string{law.Association, law.Foundation, law.Service} {
		forms = append(forms, Option{Value: form, Label: T(v.lang, "law.form."+form)})
	}
	yes := []Option{{Value: "yes", Label: T(v.lang, "law.public.yes")}, {Value: "no", Label: T(v.lang, "law.public.no")}}
	public, form := "yes", law.Association
	a := act{name: "law-profile", needs: staff.LawWrite, second: staff.LawKind}
	place, code := "", ""
	if p != nil {
		place, code, form = p.Jurisdiction, p.Code, p.Form
		if !p.Public {
			public = "no"
		}
	}
	a.blanks = []blank{{name: "place", label: "law.jurisdiction", hint: "law.jurisdiction.hint", value: place, max: 9}, {name: "form", label: "law.form", kind: "select", options: forms, value: form},
		{name: "public", label: "law.public", kind: "select", options: yes, value: public}, {name: "due-from", label: "law.from", kind: "day", hint: "law.from.hint"},
		{name: "code", label: "law.code", optional: true, value: code, max: 18}}
	a.plan = func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
		p := law.Profile{From: in.day("due-from"), Jurisdiction: in["place"], Form: in["form"], Public: in["public"] == "yes", Code: in["code"]}
		if err := lawField("place", "law.profile.wrong", p.Check()); err != nil {
			return nil, err
		}
		return &giving.Move{Object: "law:00", Act: "law-profile", Note: in["place"] + " · " + in["form"], Source: "law", SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
			p.EnteredBy = &s.By
			return law.SetProfile(ctx, tx, v.book, p, s.At)
		}}, nil
	}
	return a
}

// lawField is a refusal beside one field.
func lawField(field, key string, err error) error {
	if err == nil {
		return nil
	}
	var wrong giving.FieldErrors
	wrong.Refuse(field, key)
	return wrong.Err()
}

func (v *visit) lawProfileSet() error {
	return v.perform(uuid.Nil, lawPath, v.lawListAgain, v.lawProfile(nil))
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
	if lacks := f.Lacks(lang); lacks != "" {
		view.Facts = append(view.Facts, v.fact("law.lacks", lacks))
	}
	v.lawYears(&view, path+"&", year)
	view.Links = append(view.Links, Link{T(v.lang, "law.all"), lawPath})
	params := grid{Title: T(v.lang, "law.params"), Empty: T(v.lang, "law.params.none"), Heads: v.heads("law.param", "#law.value", "law.from", "law.article")}
	for _, p := range f.Params {
		from := ISODay(p.From)
		if p.Own {
			from += T(v.lang, "law.own")
		}
		params.Rows = append(params.Rows, []cell{{Text: p.Name}, {Text: p.Value}, {Text: from}, {Text: p.Article(lang), User: p.Own}})
	}
	view.Grids = []grid{v.lawWorking(f), v.lawCases(f), params}
	facts, err := v.lawFacts(f.Code)
	if err != nil {
		return err
	}
	view.Grids = append(view.Grids, facts)
	acts, err := v.lawForms(f.Code)
	if err != nil {
		return err
	}
	if err := v.offer(&view, path, acts...); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
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
		g.Rows = append(g.Rows, []cell{{Text: orDash(r.Name), Href: v.lawHref(r.Object), User: true}, {Text: r.Text(string(v.lang))}, {Text: T(v.lang, "law.state."+state), Tag: tag}})
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
	case "account":
		return "/console/accounts/" + id
	}
	return objectPath(object)
}

func (v *visit) lawFacts(code string) (grid, error) {
	g := grid{Title: T(v.lang, "law.facts"), Empty: T(v.lang, "law.facts.none"), Heads: v.heads("law.item", "law.object", "law.told", "#filter.amount", "law.words", "rates.by")}
	list, err := law.Facts(v.ctx(), v.s.DB, v.book, code)
	if err != nil {
		return g, err
	}
	objects, err := v.lawObjects("")
	if err != nil {
		return g, err
	}
	names := newNames(v)
	for _, f := range list[:min(len(list), 200)] {
		by, err := names.of(f.EnteredBy)
		if err != nil {
			return g, err
		}
		item := law.ItemOf(f.Rule, f.Item)
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
		case item.Amount:
			sum = v.sumCell(f.Amount)
		}
		name := f.Object
		for _, o := range objects {
			if o.Value == f.Object {
				name = o.Label
			}
		}
		g.Rows = append(g.Rows, []cell{{Text: item.Label(string(v.lang))}, {Text: name, Href: v.lawHref(f.Object), User: true}, {Text: told}, sum, textCell(f.Words), textCell(by)})
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

// lawForms are the forms of a rule: the facts that it rests on, if any, and a figure of the association's own.
func (v *visit) lawForms(code string) ([]act, error) {
	fact := v.lawFact(code)
	if len(fact.blanks[0].options) == 0 {
		return []act{v.lawParam(code)}, nil
	}
	kind, _, _ := strings.Cut(fact.blanks[0].options[0].Value, ".")
	for _, i := range law.Items {
		if i.Rule == kind {
			kind = i.Object
		}
	}
	objects, err := v.lawObjects(kind)
	fact.blanks[1].options = objects
	return []act{fact, v.lawParam(code)}, err
}

// lawFact is the form of the facts that a rule rests on, those of all rules when code is empty.
func (v *visit) lawFact(code string) act {
	a := act{name: "law-fact", needs: staff.LawWrite, second: staff.LawKind}
	var items []Option
	for _, i := range law.Items {
		if i.Rule == code || code == "" {
			items = append(items, Option{Value: i.Rule + "." + i.Name, Label: i.Label(string(v.lang))})
		}
	}
	a.blanks = []blank{{name: "item", label: "law.item", kind: "select", options: items}, {name: "object", label: "law.object", kind: "select"},
		{name: "year", label: "law.year", kind: "number", optional: true}, {name: "due-day", label: "law.day", kind: "day", optional: true}, {name: "due-until", label: "law.until", kind: "day", optional: true},
		{name: "amount", label: "law.amount", kind: "amount", optional: true},
		{name: "count", label: "law.count", kind: "number", optional: true}, {name: "words", label: "law.words", max: 300}}
	a.plan = func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
		rule, item, _ := strings.Cut(in["item"], ".")
		f := law.Fact{Rule: rule, Item: item, Object: in["object"], Year: int32(in.number("year")), Amount: in.sum("amount", v.book), Words: in["words"]}
		if i := law.ItemOf(rule, item); i != nil && i.Count {
			f.Amount = int64(in.number("count"))
		}
		for name, to := range map[string]**time.Time{"due-day": &f.Day, "due-until": &f.Until} {
			if in[name] != "" {
				day := in.day(name)
				*to = &day
			}
		}
		if err := lawField("item", "law.fact.wrong", f.Check()); err != nil {
			return nil, err
		}
		return &giving.Move{Object: lawObject(rule), Act: "law-fact", Note: oneLine(law.ItemOf(rule, item).Label("zh-CN")+" · "+in["words"], 400), Source: "law",
			SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
				f.ID, f.EnteredBy, f.EnteredAt = s.Key, s.By, s.At
				if s.Second != uuid.Nil {
					f.Second = &s.Second
				}
				return law.Enter(ctx, tx, v.book, f)
			}}, nil
	}
	return a
}

// lawParam is a figure of the association's own: its charter, or a rule newer than this program.
func (v *visit) lawParam(code string) act {
	names := []Option{}
	for _, p := range law.Params() {
		if (p.Rule == code || code == "") && !slices.ContainsFunc(names, func(o Option) bool { return o.Value == p.Rule+"."+p.Name }) {
			names = append(names, Option{Value: p.Rule + "." + p.Name, Label: p.Name})
		}
	}
	return act{name: "law-param", needs: staff.LawWrite, second: staff.LawKind, blanks: []blank{{name: "name", label: "law.param", kind: "select", options: names}, {name: "value", label: "law.value", hint: "law.value.hint", max: 40},
		{name: "due-from", label: "law.from", kind: "day"}, {name: "article", label: "law.article", max: 200}},
		plan: func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
			rule, name, _ := strings.Cut(in["name"], ".")
			p := law.Param{Rule: rule, Name: name, From: in.day("due-from"), Value: in["value"], ArticleZH: in["article"]}
			if err := lawField("value", "law.value.wrong", p.Check()); err != nil {
				return nil, err
			}
			return &giving.Move{Object: lawObject(rule), Act: "law-param", Note: name + " " + in["value"], Source: "law", SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
				return law.SetParam(ctx, tx, v.book, p, s.By, s.At)
			}}, nil
		}}
}

// lawSeconds are the steps that another person approves, found by name.
func (v *visit) lawSeconds() []act {
	return []act{v.lawProfile(nil), v.lawParam(""), v.lawFact("")}
}

// lawStep enters a fact or a figure of the association's own.
func (v *visit) lawStep() error {
	code := v.typed("code", 5)
	if law.ByCode(code) == nil {
		return law.ErrNoRule
	}
	acts, err := v.lawForms(code)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, lawRule(code), v.lawShowAgain, acts...)
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
