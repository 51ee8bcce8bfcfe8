package web

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/money"
	"sunfund/ledger/projects/trace"
	"sunfund/ledger/staff"
)

const (
	disclosurePath  = "/disclosure"
	disclosuresPath = "/console/disclosure"
)

// disclosureDesk shows the draft that the books make of an object beside what was published, and publishes it with a second person.
func (v *visit) disclosureDesk() error {
	draft, entry, err := v.disclosureOf(v.QueryParam("object"))
	if err != nil {
		return err
	}
	return v.disclosureShown(draft, entry, http.StatusOK, nil)
}

func disclosureDraftHref(object string) string { return disclosuresPath + "?object=" + object }

// disclosureOf drafts an object, and reads what was published of it: nil when nothing was.
func (v *visit) disclosureOf(object string) (*disclosure.Draft, *disclosure.Entry, error) {
	draft, err := v.disclosureDraft(object)
	if err != nil {
		return nil, nil, err
	}
	entry, err := disclosure.ByObject(v.ctx(), v.s.DB, v.book, object)
	if errors.Is(err, disclosure.ErrNoEntry) {
		return draft, nil, nil
	}
	return draft, entry, err
}

func (v *visit) disclosureShown(draft *disclosure.Draft, entry *disclosure.Entry, status int, wrong Errors) error {
	heading := v.figuresTitle(&draft.Figures)
	view := recordView{Page: v.consolePage(heading, deadlinesPath), Heading: heading, Lead: T(v.lang, "disclosure.draft.lead")}
	view.Errors, view.Path, view.Figure = wrong, disclosuresPath, v.asOf(draft.Position)
	var last *disclosure.Figures
	if entry != nil && len(entry.Versions) > 0 {
		last = &entry.Newest().Figures
		view.Links = []Link{{T(v.lang, "disclosure.open"), disclosurePath + "/" + entry.ID.String()}}
	}
	view.Facts = v.countedFacts(&draft.Figures)
	view.Grids = v.figureGrids(&draft.Figures, last)
	if len(draft.Shares) > 0 {
		view.Grids = append(view.Grids, v.shareGrid(draft))
	}
	view.Grids = append(view.Grids, v.versionGrid(entry))
	if v.who.May(staff.LawWrite) {
		if err := v.offer(&view, disclosureDraftHref(draft.Object), v.disclosureActs(draft, entry)...); err != nil {
			return err
		}
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// catchUpMax bounds how often the draft of a shared fund that is far behind has the next entries followed; the job goes on with the rest.
const catchUpMax = 5

// disclosureDraft reads figures and the position they are frozen with in one moment of the book.
func (v *visit) disclosureDraft(object string) (draft *disclosure.Draft, err error) {
	draw := func(q pg.Querier) (err error) {
		draft, err = disclosure.Make(v.ctx(), q, v.book, object, v.now)
		return err
	}
	if err = v.read(draw); errors.Is(err, trace.ErrBehind) {
		if err = trace.CatchUp(v.ctx(), v.s.DB, v.book, catchUpMax); err == nil {
			err = v.read(draw)
		}
	}
	return draft, noDisclosure(err)
}

// noDisclosure turns what is not there into one answer.
func noDisclosure(err error) error {
	if errors.Is(err, giving.ErrNoCampaign) || errors.Is(err, giving.ErrNoRecord) {
		return disclosure.ErrNoObject
	}
	return err
}

func (v *visit) figuresTitle(f *disclosure.Figures) string {
	if v.lang == EN && f.TitleEN != "" {
		return f.TitleEN
	}
	return f.TitleZH
}

// countedFacts say how the figures are counted, and why their lines of cost were written by hand.
func (v *visit) countedFacts(f *disclosure.Figures) (facts []Fact) {
	if f.Basis == disclosure.ByPayment {
		fact := v.fact("disclosure.basis", T(v.lang, "disclosure.basis.payment"))
		fact.Href = tracePath
		facts = append(facts, fact)
	}
	if f.Edited != "" {
		facts = append(facts, v.fact("disclosure.edited", f.Edited))
	}
	return facts
}

// shareGrid shows how a shared fund is its campaigns' and what else is in it; its last line is the fund.
func (v *visit) shareGrid(d *disclosure.Draft) grid {
	g := grid{Title: T(v.lang, "disclosure.shares"), Heads: v.heads("law.object", "#disclosure.income", "#disclosure.refunded", "#disclosure.fees", "#disclosure.cost", "#disclosure.share.moved", "#disclosure.share.left")}
	add := func(name cell, s disclosure.Share) {
		g.Rows = append(g.Rows, []cell{name, v.sumCell(s.In), v.sumCell(s.Back), v.sumCell(s.Fees), v.sumCell(s.Cost), v.sumCell(s.Moved), v.sumCell(s.Left)})
	}
	for _, s := range d.Shares {
		if s.Campaign == 0 {
			add(cell{Text: T(v.lang, "disclosure.share.rest")}, s)
			continue
		}
		title := s.TitleZH
		if v.lang == EN && s.TitleEN != "" {
			title = s.TitleEN
		}
		add(cell{Text: title, Href: disclosureDraftHref(law.Campaign(s.Campaign)), User: true}, s)
	}
	add(cell{Text: T(v.lang, "disclosure.share.fund")}, disclosure.Fund(d.Shares))
	return g
}

// figureGrids are figures as they are published; beside them those of before, when there are any.
func (v *visit) figureGrids(f, before *disclosure.Figures) []grid {
	was := func(text func(*disclosure.Figures) string, now string) cell {
		if before == nil {
			return cell{}
		}
		c := cell{Text: text(before)}
		if c.Text != now {
			c.Tag = "attention"
		}
		return c
	}
	heads := v.heads("law.line", "#filter.amount")
	if before != nil {
		heads = v.heads("law.line", "#filter.amount", "#disclosure.before")
	}
	sums := grid{Title: T(v.lang, "disclosure.sums"), Heads: heads}
	add := func(label, value string, of func(*disclosure.Figures) string) {
		row := []cell{{Text: label}, {Text: v.figure(value, f.Currency)}}
		if before != nil {
			c := was(of, value)
			c.Text = v.figure(c.Text, f.Currency)
			row = append(row, c)
		}
		sums.Rows = append(sums.Rows, row)
	}
	add(T(v.lang, "disclosure.opening"), f.Opening, func(f *disclosure.Figures) string { return f.Opening })
	for i, line := range f.Income {
		label := T(v.lang, "disclosure.income."+line.Kind)
		if line.Label != "" {
			label += " · " + v.accountWords(line.Label)
		}
		add(label, line.Amount, func(f *disclosure.Figures) string {
			if i < len(f.Income) && f.Income[i].Kind == line.Kind {
				return f.Income[i].Amount
			}
			return ""
		})
	}
	for _, s := range []struct {
		key string
		of  func(*disclosure.Figures) string
	}{{"income", func(f *disclosure.Figures) string { return f.IncomeTotal }}, {"refunded", func(f *disclosure.Figures) string { return f.Refunded }}, {"fees", func(f *disclosure.Figures) string { return f.Fees }},
		{"cost", func(f *disclosure.Figures) string { return f.CostTotal }}, {"moved", func(f *disclosure.Figures) string { return f.Moved }}, {"adjusted", func(f *disclosure.Figures) string { return f.Adjusted }}, {"closing", func(f *disclosure.Figures) string { return f.Closing }}, {"budget", func(f *disclosure.Figures) string { return f.Budget }},
		{"rate", func(f *disclosure.Figures) string { return f.Rate }}} {
		if s.of(f) != "" {
			add(T(v.lang, "disclosure."+s.key), s.of(f), s.of)
		}
	}
	costs := grid{Title: T(v.lang, "disclosure.costs"), Empty: T(v.lang, "disclosure.costs.none"), Heads: v.heads("disclosure.category", "disclosure.content", "#disclosure.quantity", "#disclosure.price", "#filter.amount", "disclosure.invoice")}
	for _, c := range f.Costs {
		costs.Rows = append(costs.Rows, []cell{textCell(v.costCategory(c.Category)), textCell(v.accountWords(c.Content)), {Text: strconv.FormatInt(c.Quantity, 10)}, {Text: v.figure(c.Price, f.Currency)}, {Text: v.figure(c.Amount, f.Currency)}, textCell(orDash(c.Invoice))})
	}
	return []grid{sums, costs}
}

// accountWords is the name of an account, which figures keep in Chinese, in the visitor's language; other words stay as they are.
func (v *visit) accountWords(text string) string {
	for _, a := range chart.All() {
		if v.lang == EN && a.NameZH == text {
			return a.NameEN
		}
	}
	return text
}

func (v *visit) costCategory(category string) string {
	switch category {
	case "works", "service", disclosure.OfLoss, disclosure.OfGoods, disclosure.OfAid:
		return T(v.lang, "disclosure.category."+category)
	}
	return orDash(category)
}

// figure groups the digits of a decimal; a share stays as it is.
func (v *visit) figure(text, currency string) string {
	minor, err := money.Parse(text, currency)
	if err != nil {
		return text
	}
	return Figure(money.Money{Minor: minor, Currency: currency})
}

func (v *visit) versionGrid(e *disclosure.Entry) grid {
	g := grid{Title: T(v.lang, "disclosure.versions"), Empty: T(v.lang, "disclosure.versions.none"), Heads: v.heads("#disclosure.version", "disclosure.phase", "disclosure.published", "disclosure.note")}
	if e == nil {
		return g
	}
	for i := range e.Versions {
		w := &e.Versions[i]
		note := "—"
		if w.Corrects != nil {
			note = T(v.lang, "disclosure.corrects", int(*w.Corrects), w.Was, w.Correct, w.Reason)
		}
		g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(int(w.Version)), Href: disclosurePath + "/" + e.ID.String() + "?version=" + strconv.Itoa(int(w.Version))}, {Text: T(v.lang, "disclosure.phase."+w.Phase)},
			{Text: When(v.lang, w.PublishedAt, v.book.Zone)}, textCell(note)})
	}
	return g
}

// frozen is a draft as a request keeps it: what is approved is what was asked for, whatever came in meanwhile.
type frozen struct {
	Figures  disclosure.Figures `json:"figures"`
	Kind     string             `json:"kind"`
	FundID   *int32             `json:"fund_id"`
	Position int64              `json:"position"`
	Ended    bool               `json:"ended"`
}

// disclosureActs publish the draft, or correct what was published. draft and entry are nil where acts are looked up by name.
func (v *visit) disclosureActs(draft *disclosure.Draft, entry *disclosure.Entry) []act {
	object := blank{name: "object", label: "law.object", thing: "law", kind: "select"}
	lines := blank{name: "lines", label: "disclosure.costs", hint: "disclosure.costs.hint", kind: "lines", max: 20_000, optional: true}
	edited := blank{name: "edited", label: "disclosure.edited", hint: "disclosure.edited.hint", kind: "area", max: 300, optional: true}
	words := blank{name: "words", label: "disclosure.words", hint: "disclosure.words.hint", kind: "area", max: 2000, optional: true}
	partners := blank{name: "partners", label: "disclosure.partners", kind: "area", max: 1000, optional: true}
	phase := blank{name: "phase", label: "disclosure.phase", kind: "select"}
	for _, p := range []string{disclosure.Start, disclosure.Progress, disclosure.Last} {
		phase.options = append(phase.options, Option{Value: p, Label: T(v.lang, "disclosure.phase."+p)})
	}
	version := blank{name: "version", label: "disclosure.version", kind: "select"}
	if draft != nil {
		object.options = []Option{{Value: draft.Object, Label: v.figuresTitle(&draft.Figures)}}
		object.value, lines.value, words.value, phase.value = draft.Object, draft.CostsText(), draft.Words, disclosure.Progress
		if draft.Ended {
			phase.value = disclosure.Last
		}
	}
	plan := func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
		return disclosePlan(v, draft, in)
	}
	publish := act{name: "disclose", needs: staff.LawWrite, second: staff.LawKind, blanks: []blank{object, phase, lines, edited, words, partners}, plan: plan}
	correct := act{name: "disclose-correct", needs: staff.LawWrite, second: staff.LawKind, danger: true, blanks: []blank{object, version, {name: "was", label: "disclosure.was", kind: "area", max: 1000},
		{name: "correct", label: "disclosure.correct", kind: "area", max: 1000}, {name: "reason", label: "disclosure.why", kind: "area", max: 1000}, lines, words, partners}, plan: plan}
	if draft == nil {
		return []act{publish, correct}
	}
	if entry == nil || len(entry.Versions) == 0 {
		return []act{publish}
	}
	n := strconv.Itoa(int(entry.Newest().Version)) // what stands
	correct.blanks[1].options = []Option{{Value: n, Label: n + " · " + ISODay(entry.Newest().PublishedOn)}}
	if slices.ContainsFunc(entry.Versions, func(w disclosure.Version) bool { return w.Phase == disclosure.Last && w.Corrects == nil }) {
		return []act{correct}
	}
	return []act{publish, correct}
}

// disclosePlan freezes the draft when it is asked for, and publishes exactly that when it is approved: drafted is nil then.
func disclosePlan(v *visit, drafted *disclosure.Draft, in inputs) (*giving.Move, error) {
	var f frozen
	if in["figures"] == "" {
		if drafted == nil || drafted.Object != in["object"] {
			return nil, disclosure.ErrNoObject
		}
		draft := *drafted                         // what is typed is not in the draft that the page shows again
		why := cmp.Or(in["edited"], in["reason"]) // a correction says why in its note
		switch err := draft.WithCosts(in["lines"], why); {
		case errors.Is(err, disclosure.ErrUnsaid):
			return nil, lawField("edited", "disclosure.edited.wrong", err)
		case err != nil:
			return nil, lawField("lines", "disclosure.costs.wrong", err)
		}
		draft.Words, draft.Partners = in["words"], in["partners"]
		f = frozen{draft.Figures, draft.Kind, draft.FundID, draft.Position, draft.Ended}
		text, err := json.Marshal(f)
		if err != nil {
			return nil, fmt.Errorf("freeze figures: %w", err)
		}
		in["figures"] = string(text)
	} else if err := json.Unmarshal([]byte(in["figures"]), &f); err != nil {
		return nil, fmt.Errorf("read figures: %w", err)
	}
	d := &disclosure.Draft{Figures: f.Figures, Object: in["object"], Kind: f.Kind, FundID: f.FundID, Position: f.Position, Ended: f.Ended}
	w := disclosure.Version{Phase: in["phase"], Was: in["was"], Correct: in["correct"], Reason: in["reason"]}
	if n := int32(in.number("version")); n > 0 {
		w.Corrects = &n
	}
	sums := T(v.lang, "disclosure.summary", f.Figures.TitleZH, f.Figures.IncomeTotal, f.Figures.CostTotal, f.Figures.Closing)
	name := "disclose"
	if w.Corrects != nil {
		name = "disclose-correct"
	}
	return &giving.Move{Object: in["object"], Act: name, Note: oneLine(sums, 400), Source: "law", SettleAs: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID, s giving.Sign) error {
		w.Entry, w.MadeBy, w.Second, w.PublishedAt, w.PublishedOn = s.Key, s.By, s.Second, s.At, v.book.Day(s.At)
		_, err := disclosure.Publish(ctx, tx, v.book, d, w)
		return err
	}}, nil
}

func (v *visit) disclosureStep() error {
	object := v.QueryParam("object")
	if strings.HasPrefix(object, "campaign:") { // what is sent is of one moment: a fund's other figures are as now
		if err := trace.CatchUp(v.ctx(), v.s.DB, v.book, catchUpMax); err != nil {
			return err
		}
	}
	draft, entry, err := v.disclosureOf(object)
	if err != nil {
		return err
	}
	again := func(status int, wrong Errors) error { return v.disclosureShown(draft, entry, status, wrong) }
	return v.perform(uuid.Nil, disclosureDraftHref(draft.Object), again, v.disclosureActs(draft, entry)...)
}

type disclosureListView struct {
	Page
	Tabs  []NavItem
	Late  grid
	Grid  grid
	Feed  string
	Next  string
	Empty Empty
}

const disclosurePage = 50

// disclosureList answers /disclosure: what was published, by kind, and what is overdue.
func (v *visit) disclosureList() error {
	kind := v.typed("kind", 10)
	kinds := []string{"", "campaign", "project", "year", "event"}
	if !slices.Contains(kinds, kind) {
		kind = ""
	}
	view := disclosureListView{Page: v.page(T(v.lang, "disclosure.heading")), Feed: disclosurePath + "/feed", Empty: Empty{Text: T(v.lang, "disclosure.none")}}
	view.Feeds = []Link{{v.book.Name(string(v.lang)) + " · " + T(v.lang, "disclosure.heading"), view.Feed}}
	for _, k := range kinds {
		view.Tabs = append(view.Tabs, NavItem{Label: T(v.lang, "disclosure.kind."+orAll(k)), Href: disclosurePath + "?kind=" + k, Here: k == kind})
	}
	at, id := cursorOf(v.typed("before", 80))
	list, err := disclosure.List(v.ctx(), v.s.DB, v.book, kind, at, id, disclosurePage+1)
	if err != nil {
		return err
	}
	if len(list) > disclosurePage {
		list = list[:disclosurePage]
		last := list[len(list)-1]
		view.Next = v.with("before", last.PublishedAt.UTC().Format(time.RFC3339Nano)+"_"+last.ID.String())
	}
	view.Grid = grid{Title: T(v.lang, "disclosure.entries"), Heads: v.heads("law.object", "disclosure.kind", "disclosure.phase", "disclosure.published", "#disclosure.income", "#disclosure.cost", "#disclosure.closing")}
	for _, e := range list {
		phase := T(v.lang, "disclosure.phase."+e.Phase)
		if e.Corrected {
			phase += T(v.lang, "disclosure.corrected")
		}
		view.Grid.Rows = append(view.Grid.Rows, []cell{{Text: v.figuresTitle(&e.Figures), Href: disclosurePath + "/" + e.ID.String(), User: true}, {Text: T(v.lang, "disclosure.kind."+e.Kind)}, {Text: phase},
			{Text: ISODay(v.book.Day(e.PublishedAt))}, {Text: v.figure(e.Figures.IncomeTotal, e.Figures.Currency)}, {Text: v.figure(e.Figures.CostTotal, e.Figures.Currency)}, {Text: v.figure(e.Figures.Closing, e.Figures.Currency)}})
	}
	due, err := law.Deadlines(v.ctx(), v.s.DB, v.book, v.businessDay())
	if err != nil {
		return err
	}
	view.Late = grid{Title: T(v.lang, "disclosure.late"), Heads: v.heads("law.object", "deadline.what", "deadline.due")}
	for _, d := range due {
		if public := d.Phase == "progress" || d.Phase == "final" || d.Phase == "year"; public && d.Left(v.businessDay()) < 0 {
			view.Late.Rows = append(view.Late.Rows, []cell{textCell(d.Called(string(v.lang))), {Text: T(v.lang, "deadline.phase."+d.Phase)}, {Text: ISODay(d.Due), Tag: "broken"}})
		}
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/disclosure_list", view)
}

func orAll(kind string) string {
	if kind == "" {
		return "all"
	}
	return kind
}

// cursorOf reads where a page of the list begins; anything else is the start.
func cursorOf(text string) (at time.Time, id uuid.UUID) {
	day, rest, _ := strings.Cut(text, "_")
	at, err := time.Parse(time.RFC3339Nano, day)
	id, wrong := uuid.Parse(rest)
	if err != nil || wrong != nil {
		return time.Time{}, uuid.Nil
	}
	return at, id
}

type disclosureView struct {
	Page
	Heading, Lead string
	Older         string // address of the version that stands, when this is another
	Note          []Fact
	Facts         []Fact
	Grids         []grid
	Words         []Fact
	Data          string
}

// disclosureShow answers /disclosure/{id}: the version that stands, or one of before.
func (v *visit) disclosureShow() error {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return disclosure.ErrNoEntry
	}
	e, err := disclosure.ByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	w := e.Newest()
	if n := v.number("version"); n != 0 {
		if w = e.Version(n); w == nil {
			return disclosure.ErrNoEntry
		}
	}
	f := &w.Figures
	view := disclosureView{Page: v.page(v.figuresTitle(f)), Heading: v.figuresTitle(f), Lead: T(v.lang, "disclosure.lead", T(v.lang, "disclosure.phase."+w.Phase), int(w.Version), When(v.lang, w.PublishedAt, v.book.Zone))}
	view.Crumbs = []Link{{view.T("disclosure.heading"), disclosurePath}, {Label: view.Heading}}
	view.Figure = &AsOf{At: w.PublishedAt, Position: w.Position, Href: disclosurePath + "/" + id.String() + "?version=" + strconv.Itoa(int(w.Version))}
	view.Data = "/data/disclosure.json"
	if w != e.Newest() {
		view.Older = disclosurePath + "/" + id.String()
	}
	if w.Corrects != nil {
		names := newNames(v)
		by, err := names.of(w.MadeBy)
		if err != nil {
			return err
		}
		view.Note = []Fact{v.fact("disclosure.was", w.Was), v.fact("disclosure.correct", w.Correct), v.fact("disclosure.why", w.Reason), v.fact("disclosure.who", by)}
	}
	view.Facts = []Fact{v.fact("disclosure.by", v.book.Name(string(v.lang))), v.fact("disclosure.kind", T(v.lang, "disclosure.kind."+e.Kind)), v.fact("disclosure.days", orDash(strings.Trim(f.From+" – "+f.To, " –"))), v.fact("disclosure.asof", f.AsOf), v.fact("disclosure.position", strconv.FormatInt(w.Position, 10))}
	if f.Filing != "" {
		view.Facts = append(view.Facts, v.fact("campaigns.filing", f.Filing))
	}
	if f.Gifts > 0 {
		view.Facts = append(view.Facts, v.fact("disclosure.gifts", strconv.FormatInt(f.Gifts, 10)))
	}
	view.Facts = append(view.Facts, v.countedFacts(f)...)
	view.Facts = append(view.Facts, v.fact("disclosure.hash", fmt.Sprintf("%x", w.Hash)))
	if f.Words != "" {
		view.Words = append(view.Words, v.fact("disclosure.words", f.Words))
	}
	if f.Partners != "" {
		view.Words = append(view.Words, v.fact("disclosure.partners", f.Partners))
	}
	view.Grids = append(v.figureGrids(f, nil), v.versionGrid(e))
	return v.s.render.Render(v.Response(), http.StatusOK, "public/disclosure", view)
}
