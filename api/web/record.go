package web

import (
	"cmp"
	"errors"
	"net/http"
	"regexp"
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
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// Records of what comes in without a processor share one page: facts, lists, the steps that may follow, papers, history.

// blank is one field of a step's form.
type blank struct {
	name     string
	label    string // key
	of       string // what the label is about, in somebody's words: it stands instead of the label
	thing    string // what is chosen among its options where a second person's page has to look it up: fund, source, purpose, law, bidder
	kind     string // text, area, lines (an area whose lines are kept apart), story (the same with its empty lines), day, amount, number, select, entry (a select of vouchers), picks (boxes of which several may be ticked)
	hint     string // key
	value    string // what stands in it at first
	options  []Option
	optional bool
	max      int // characters; 200 when zero
}

// act is a step that somebody may take with a record, or the making of one.
type act struct {
	name   string
	needs  staff.Permission
	second staff.Kind // what kind of request it is; empty: done at once
	danger bool
	blanks []blank
	// plan says what the step would do. id is the record, or what a new one will be called.
	plan func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error)
	to   string // where a new record is shown, before its id; empty: the page itself
	// photos is the label of a field that takes photos, a key; empty: the step takes none. They are read before the form is.
	photos string
}

// photoField is the name of the field of a step that takes photos.
func (a act) photoField() string { return a.name + "-photo" }

// inputs are the fields of a form in one spelling: amounts as decimals, days as ISO dates.
type inputs map[string]string

func (in inputs) sum(name string, book *ledger.Book) int64 {
	minor, err := money.Parse(in[name], book.Currency)
	if err != nil {
		return 0 // refused by the step where it must not be missing
	}
	return minor
}

func (in inputs) number(name string) int {
	n, err := strconv.Atoi(in[name])
	if err != nil {
		return 0
	}
	return n
}

func (in inputs) day(name string) time.Time {
	day, _ := parseDay(in[name]) // read before
	return day
}

func (in inputs) id(name string) uuid.UUID {
	id, err := uuid.Parse(in[name])
	if err != nil {
		return uuid.Nil
	}
	return id
}

// grid is a list on a record's page.
type grid struct {
	Title string
	Heads []head
	Rows  [][]cell
	Empty string
}

type head struct {
	Label string
	Num   bool
}

// cell is a text, an amount or a state, perhaps with a link.
type cell struct {
	Text, Href string
	Sum        *money.Money
	Tag        string // status of the state in Text
	User       bool   // typed by somebody
}

// Whole tells that the text is a day, which is not broken over two lines.
func (c cell) Whole() bool { return wholeDay.MatchString(c.Text) }

var wholeDay = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// recordForm is the form of one step.
type recordForm struct {
	Act, Action, Form, Title, Rule, Button string
	Fields                                 []Field
	Picks                                  *Choices // boxes, above the fields
	Photos                                 *Field   // takes photos, below the fields
	Danger, Second                         bool
	Again                                  bool // it was sent and something was wrong
}

type recordView struct {
	Page
	Heading, Lead string
	Status, State string // of the tag
	Facts         []Fact
	Grids         []grid
	Forms         []recordForm
	Steps         []stepRow
	Papers        *papersView
	Tabs          []NavItem
	Links         []Link
	Upload        *uploadView
	Progress      *progressView
	Story         string // a longer text that somebody wrote
	Photos        []photoView
	Charts        []Chart
	Raws          []rawView // pieces of files, as they came
}

// Several tells whether the forms are folded away.
func (view recordView) Several() bool { return len(view.Forms) > 1 }

type stepRow struct {
	Act, By, Second, Note string
	At                    time.Time
	Amount                *money.Money
	Entry                 string
}

// offlineTabs lead between the lists of one place.
var offlineTabs = []struct{ key, href string }{
	{"offline.tab.all", "/console/offline"}, {"offline.tab.receipts", "/console/bank-receipts"}, {"offline.tab.cash", "/console/cash"}, {"offline.tab.boxes", "/console/boxes"},
	{"offline.tab.goods", "/console/goods"}, {"offline.tab.pledges", "/console/pledges"}, {"offline.tab.services", "/console/services"},
	{"offline.tab.platforms", platformsPath},
}

// recordPage starts a page of records; title is translated already.
func (v *visit) recordPage(title, here string) recordView {
	view := recordView{Page: v.consolePage(title, "/console/offline"), Heading: title}
	for _, tab := range offlineTabs {
		view.Tabs = append(view.Tabs, NavItem{Label: T(v.lang, tab.key), Href: tab.href, Here: tab.href == here})
	}
	return view
}

// sumCell, textCell and stateCell make cells.
func (v *visit) sumCell(minor int64) cell {
	m := v.amount(minor)
	return cell{Sum: &m}
}

func textCell(text string) cell { return cell{Text: text, User: true} }

func dayCell(day time.Time) cell { return cell{Text: ISODay(day)} }

func (v *visit) heads(keys ...string) []head {
	heads := make([]head, len(keys))
	for i, key := range keys {
		name, num := strings.CutPrefix(key, "#")
		heads[i] = head{T(v.lang, name), num}
	}
	return heads
}

// offer adds the forms of steps that this person may take. Fields carry the step's name, so that no two have one name.
func (v *visit) offer(view *recordView, action string, acts ...act) error {
	for _, a := range acts {
		if !v.who.May(a.needs) {
			continue
		}
		form := recordForm{Act: a.name, Action: action, Form: newForm(), Title: T(v.lang, "act."+a.name), Rule: T(v.lang, "act."+a.name+".rule"),
			Button: T(v.lang, "act."+a.name), Danger: a.danger, Second: a.second != ""}
		if form.Second {
			form.Button = T(v.lang, "request.do")
		}
		again := v.FormValue("act") == a.name && len(view.Errors) > 0
		form.Again = again
		if again {
			if id, err := uuid.Parse(v.FormValue("form")); err == nil {
				form.Form = id.String()
			}
		}
		for _, b := range a.blanks {
			if b.kind == "picks" {
				var err error
				if form.Picks, err = v.pickBoxes(view.Page, a, b, again); err != nil {
					return err
				}
				continue
			}
			value := b.value
			if again {
				value = v.typedIn(a, b, b.most())
			}
			f, err := newField(view.Page, a.name+"-"+b.name, b.label, value, b.pairs()...)
			if err != nil {
				return err
			}
			if b.of != "" {
				f.Label = b.of
			}
			form.Fields = append(form.Fields, f)
		}
		if a.photos != "" {
			f, err := newField(view.Page, a.photoField(), a.photos, "", "hint", a.photos+".hint", "optional", "yes")
			if err != nil {
				return err
			}
			form.Photos = &f
		}
		view.Forms = append(view.Forms, form)
	}
	return nil
}

// pickBoxes are the boxes of a blank, ticked as they were sent.
func (v *visit) pickBoxes(p Page, a act, b blank, again bool) (*Choices, error) {
	name, options := a.name+"-"+b.name, slices.Clone(b.options)
	if again {
		ticked := v.picked(name, options)
		for i := range options {
			options[i].Chosen = slices.Contains(ticked, options[i].Value)
		}
	}
	boxes, err := newChoices(p, name, b.label, options, nil, "many", "yes", "hint", b.hint)
	return &boxes, err
}

// picked are the values of boxes that were ticked, of those that were offered.
func (v *visit) picked(name string, options []Option) (values []string) {
	for _, o := range options {
		if slices.Contains(v.Request().PostForm[name], o.Value) {
			values = append(values, o.Value)
		}
	}
	return values
}

func (b blank) most() int {
	if b.max > 0 {
		return b.max
	}
	return 200
}

func (b blank) pairs() []any {
	var pairs []any
	if b.hint != "" {
		pairs = append(pairs, "hint", b.hint)
	}
	if b.optional {
		pairs = append(pairs, "optional", "yes")
	}
	switch b.kind {
	case "day":
		pairs = append(pairs, "type", "date", "width", "12")
	case "amount":
		pairs = append(pairs, "mode", "decimal", "fill", "off", "width", "8")
	case "number":
		pairs = append(pairs, "mode", "numeric", "fill", "off", "width", "4")
	case "select", "entry":
		pairs = append(pairs, "type", "select", "options", b.options)
	case "area", "lines", "story":
		pairs = append(pairs, "type", "area")
	}
	return pairs
}

// typedIn is what was typed into a field, cleaned; of lines each by itself.
func (v *visit) typedIn(a act, b blank, most int) string {
	name := a.name + "-" + b.name
	if b.kind != "lines" && b.kind != "story" {
		return giving.CleanText(v.typed(name, most))
	}
	var kept []string
	for line := range strings.Lines(v.FormValue(name)) {
		if line = giving.CleanText(oneLine(line, most)); line != "" || b.kind == "story" {
			kept = append(kept, line)
		}
	}
	text := []rune(strings.TrimSpace(strings.Join(kept, "\n")))
	return string(text[:min(len(text), most)])
}

// read takes the fields of a step's form and says what cannot be read.
func (v *visit) readBlanks(a act) (inputs, Errors) {
	in, wrong := inputs{}, Errors{}
	for _, b := range a.blanks {
		name := a.name + "-" + b.name
		if b.kind == "picks" {
			if in[b.name] = strings.Join(v.picked(name, b.options), " "); in[b.name] == "" {
				wrong.Add(name, T(v.lang, "offline.missing", T(v.lang, b.label)))
			}
			continue
		}
		text := v.typedIn(a, b, b.most()+1)
		switch {
		case text == "" && b.optional:
		case text == "":
			wrong.Add(name, T(v.lang, "offline.missing", T(v.lang, b.label)))
		case b.kind == "day":
			day, bad := v.bookedDay(text)
			if b.name == "due" || strings.HasPrefix(b.name, "due-") { // only what is agreed lies ahead
				ahead, ok := parseDay(text)
				if day, bad = ahead, ""; !ok {
					bad = T(v.lang, "wrong.day")
				}
			}
			if bad != "" {
				wrong.Add(name, bad)
			}
			text = ISODay(day)
		case b.kind == "amount":
			minor, err := money.ParseInput(text, v.book.Currency)
			if err != nil || minor < 0 {
				wrong.Add(name, T(v.lang, "wrong.amount"))
			}
			text = money.Format(minor, v.book.Currency)
		case b.kind == "number":
			if n, err := strconv.Atoi(text); err != nil || n < 0 || n > 1_000_000 {
				wrong.Add(name, T(v.lang, "offline.number.wrong"))
			}
		case b.kind == "select", b.kind == "entry":
			known := false
			for _, o := range b.options {
				known = known || o.Value == text
			}
			if !known {
				wrong.Add(name, T(v.lang, "offline.missing", T(v.lang, b.label)))
			}
		case len([]rune(text)) > b.most():
			wrong.Add(name, T(v.lang, "offline.long", T(v.lang, b.label), b.most()))
		}
		in[b.name] = text
	}
	return in, wrong
}

// perform takes the step that the form names. id is the record; nil makes a new one under the form's id. again shows the
// page with what is wrong.
func (v *visit) perform(id uuid.UUID, here string, again func(status int, wrong Errors) error, acts ...act) error {
	var a act
	for _, one := range acts {
		if one.name == v.FormValue("act") && v.who.May(one.needs) {
			a = one
		}
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	if a.plan == nil {
		return giving.ErrStep
	}
	if id == uuid.Nil {
		id = form
	}
	in, wrong := v.readBlanks(a)
	if len(wrong) > 0 {
		return again(http.StatusUnprocessableEntity, wrong)
	}
	if a.second != "" {
		err = v.askStep(a, form, id, in)
	} else {
		err = v.takeStep(a, form, id, in, here)
	}
	return v.stepRefused(err, a, here, again)
}

// stepRefused shows refusals of fields at the fields, and refusals of the book on a page of their own.
func (v *visit) stepRefused(err error, a act, here string, again func(int, Errors) error) error {
	var fields *giving.FieldErrors
	if errors.As(err, &fields) {
		var wrong Errors
		for _, f := range fields.List {
			wrong.Add(a.name+"-"+f.Field, v.fieldWords(f))
		}
		return again(http.StatusUnprocessableEntity, wrong)
	}
	for _, refusal := range slices.Concat(refusals, matchRefusals, workRefusals, []error{receipts.ErrNoNumbers}) {
		if errors.Is(err, refusal) {
			s, sightErr := v.sight()
			if sightErr != nil {
				return sightErr
			}
			return v.refuse(err, s, Link{T(v.lang, "offline.back"), here})
		}
	}
	return err
}

// fieldWords is the message of a refused field; its parameters stand in order of their names.
func (v *visit) fieldWords(f giving.FieldError) string {
	text := T(v.lang, f.Key)
	for name, value := range f.Params {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// takeStep carries a step out at once.
func (v *visit) takeStep(a act, form, id uuid.UUID, in inputs, here string) error {
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		m, err := a.plan(v, tx, id, in)
		if err != nil { // the same form again: it has moved the record already
			return v.stepTaken(tx, form, err)
		}
		if err := v.payeeChanged(tx, a, m.Payee, v.who.Person.ID); err != nil {
			return err
		}
		if _, err = m.Book(v.ctx(), tx, v.book, giving.Sign{Key: form, By: v.who.Person.ID, At: v.now, Made: v.who.Person.NameZH,
			Summary: v.stepSummary(a, m)}); err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: cmp.Or(m.Source, "offline") + "." + strings.ReplaceAll(m.Act, "-", "_"), Object: m.Object,
			Detail: map[string]any{"amount": m.Amount}})
	})
	if err != nil {
		return err
	}
	if a.to != "" {
		here = a.to + form.String() // a new record is called by the form that made it
	}
	return v.see(here)
}

func (v *visit) stepTaken(q pg.Querier, form uuid.UUID, otherwise error) error {
	taken, err := giving.StepTaken(v.ctx(), q, v.book, form)
	if err != nil {
		return err
	}
	if !taken {
		return otherwise
	}
	return nil
}

// stepSummary is the step in one line, for the voucher and the request.
func (v *visit) stepSummary(a act, m *giving.Move) string {
	text := T(v.lang, "act."+a.name)
	if m.Note != "" {
		text += " · " + m.Note
	}
	return oneLine(text, 400)
}

// showRecord ends a record's page: history and papers.
func (v *visit) showRecord(view recordView, object string, status int) error {
	err := v.history(&view, object)
	if err != nil {
		return err
	}
	if view.Papers, err = v.papers(object); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// history tells what was done with a record.
func (v *visit) history(view *recordView, object string) error {
	steps, err := giving.Steps(v.ctx(), v.s.DB, v.book, object)
	if err != nil {
		return err
	}
	names := newNames(v)
	for _, s := range steps {
		row := stepRow{Act: T(v.lang, "deed."+s.Act), Note: s.Note, At: s.At}
		if row.By, err = names.of(s.By); err != nil {
			return err
		}
		if s.Second != nil {
			if row.Second, err = names.of(*s.Second); err != nil {
				return err
			}
		}
		if s.Amount != 0 {
			m := v.amount(s.Amount)
			row.Amount = &m
		}
		if s.Entry != nil {
			row.Entry = "/console/entries/" + s.Entry.String()
		}
		view.Steps = append(view.Steps, row)
	}
	return nil
}

// recordParam is the record of the address.
func (v *visit) recordParam() (uuid.UUID, error) {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return uuid.Nil, giving.ErrNoRecord
	}
	return id, nil
}

// giver is who stands behind a record, by name.
func (v *visit) giver(firm string, donor *uuid.UUID) (string, error) {
	if firm != "" {
		return firm, nil
	}
	if donor == nil {
		return T(v.lang, "offline.giver.none"), nil
	}
	if !v.who.May(staff.GiftRead) {
		return T(v.lang, "gift.anonymous"), nil
	}
	name, err := giving.DonorName(v.ctx(), v.s.DB, v.book, *donor)
	if name == "" {
		name = T(v.lang, "offline.giver.erased")
	}
	return name, err
}

// campaignOptions offers the campaigns of the book.
func (v *visit) campaignOptions(none string) ([]Option, error) {
	list, err := giving.ListCampaigns(v.ctx(), v.s.DB, v.book, giving.CampaignFilter{Drafts: true}, v.now, 0, giving.PageMax)
	if err != nil {
		return nil, err
	}
	var options []Option
	if none != "" {
		options = append(options, Option{Label: T(v.lang, none)})
	}
	for _, c := range list {
		options = append(options, Option{Value: strconv.Itoa(int(c.ID)), Label: c.Title(string(v.lang))})
	}
	return options, nil
}

func (v *visit) campaignName(id int32) (Fact, error) {
	c, err := giving.CampaignByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return Fact{}, err
	}
	return Fact{Term: T(v.lang, "gift.campaign"), Value: c.Title(string(v.lang)), Href: "/c/" + c.Slug}, nil
}

func (v *visit) fact(key, value string) Fact { return Fact{Term: T(v.lang, key), Value: value} }

func (v *visit) sumFact(key string, minor int64) Fact {
	return v.fact(key, Amount(v.lang, v.amount(minor)))
}

func (v *visit) bankOptions() (options []Option) {
	for _, id := range []chart.ID{"bank.basic", "bank.online"} {
		acct := chart.MustByID(id)
		options = append(options, Option{Value: string(id), Label: v.code(acct) + " " + acct.Name(string(v.lang))})
	}
	return options
}

func (v *visit) todayBlank(name, label string) blank {
	return blank{name: name, label: label, kind: "day", value: ISODay(v.businessDay())}
}
