package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// fundFilesPath is where funds are applied for, and where their charters stand.
const fundFilesPath = "/console/fund-files"

// fundFile reads a file in this person's sight; one of another street is as one that is not there.
func (v *visit) fundFile(q pg.Querier, id uuid.UUID) (*funds.File, error) {
	f, err := funds.FileByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	fund := int32(0)
	if f.FundID != nil {
		fund = *f.FundID
	}
	if !v.who.MaySee(fund, f.StreetID) {
		return nil, giving.ErrNoRecord
	}
	return f, nil
}

// fundRecord starts a page about the files of funds.
func (v *visit) fundRecord(heading string, wrong Errors, path string) recordView {
	view := recordView{Page: v.consolePage(heading, "/console/funds"), Heading: heading}
	view.Errors, view.Path = wrong, path
	for _, tab := range []struct{ key, href string }{{"place.funds", "/console/funds"}, {"fundfile.heading", fundFilesPath}} {
		view.Tabs = append(view.Tabs, NavItem{Label: T(v.lang, tab.key), Href: tab.href, Here: tab.href == fundFilesPath})
	}
	return view
}

func (v *visit) fundFileState(f *funds.File) cell {
	tag := map[string]string{funds.Draft: "draft", funds.Open: "done", funds.Closed: "done", funds.Refused: "reversed", funds.Dropped: "reversed"}[f.State]
	return cell{Text: T(v.lang, "fundfile.state."+f.State), Tag: tag}
}

// fundFileList shows applications and charters, what sleeps and what is due to be public, and the purposes of the book.
func (v *visit) fundFileList() error { return v.fundFilesAgain(http.StatusOK, nil) }

func (v *visit) fundFilesAgain(status int, wrong Errors) error {
	view := v.fundRecord(T(v.lang, "fundfile.heading"), wrong, fundFilesPath)
	view.Lead = T(v.lang, "fundfile.lead")
	filter := funds.FileFilter{Limit: funds.FilesMax + 1, Before: v.number("before"), Funds: v.who.Funds()}
	filter.All, filter.Streets = v.who.Streets()
	list, err := funds.Files(v.ctx(), v.s.DB, v.book, filter)
	if err != nil {
		return err
	}
	if v.who.May(staff.FundApply) {
		view.Links = append(view.Links, Link{T(v.lang, "fundfile.new"), fundFilesPath + "/test"})
	}
	if len(list) > funds.FilesMax {
		list = list[:funds.FilesMax]
		view.Links = append(view.Links, Link{T(v.lang, "pager.next"), v.with("before", strconv.Itoa(int(list[len(list)-1].Number)))})
	}
	g := grid{Title: T(v.lang, "fundfile.list"), Empty: T(v.lang, "fundfile.none"), Heads: v.heads("fundfile.number", "fund.name", "fundfile.sort", "person.state")}
	for i := range list {
		f := &list[i]
		g.Rows = append(g.Rows, []cell{{Text: f.Label(), Href: fundFilesPath + "/" + f.ID.String()}, textCell(f.Name(string(v.lang))), {Text: T(v.lang, "fundfile.sort."+f.Terms.Sort)}, v.fundFileState(f)})
	}
	watch, err := v.fundWatch()
	if err != nil {
		return err
	}
	purposes, err := funds.Purposes(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	uses := grid{Title: T(v.lang, "fundfile.purposes.all"), Empty: T(v.lang, "fundfile.purposes.none"), Heads: v.heads("fundfile.purpose.code", "fundfile.purpose.name")}
	for i := range purposes {
		uses.Rows = append(uses.Rows, []cell{{Text: purposes[i].Code}, textCell(purposes[i].Name(string(v.lang)))})
	}
	view.Grids = []grid{g, watch, uses}
	if err := v.offer(&view, fundFilesPath, v.fundBookActs()...); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// fundWatch lists what somebody has to look at: funds that sleep, that have to spend, and ends that are not public yet.
func (v *visit) fundWatch() (grid, error) {
	g := grid{Title: T(v.lang, "fundfile.watch"), Empty: T(v.lang, "fundfile.watch.none"), Heads: v.heads("fund.name", "fundfile.watch.what", "fundfile.watch.since")}
	s, err := v.sight()
	if err != nil {
		return g, err
	}
	row := func(fund int32, what string, day time.Time) {
		if f := s.fund(fund); f != nil {
			g.Rows = append(g.Rows, []cell{{Text: f.Name(string(v.lang)), Href: "/console/funds/" + strconv.Itoa(int(fund)), User: true}, {Text: what, Tag: "attention"}, dayCell(day)})
		}
	}
	today := v.businessDay()
	sleepers, err := funds.Dormant(v.ctx(), v.s.DB, v.book, today)
	if err != nil {
		return g, err
	}
	for _, one := range sleepers {
		row(one.FundID, T(v.lang, "fundfile.dormant.is", int(one.Months)), one.Since)
	}
	spending, err := funds.Spending(v.ctx(), v.s.DB, v.book, today)
	if err != nil {
		return g, err
	}
	for i := range s.funds {
		if state := spending[s.funds[i].ID]; state.Due {
			row(s.funds[i].ID, T(v.lang, "fundfile.spend.due", v.amount(state.Left)), ledger.Day(today.Year(), time.December, 31))
		}
	}
	ended, err := funds.Unpublished(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return g, err
	}
	for i := range ended {
		since := *ended[i].ClosedOn
		if by := ended[i].PublishBy; by != nil {
			since = *by
		}
		row(*ended[i].FundID, T(v.lang, "fundfile.publish.due"), since)
	}
	return g, nil
}

// purposeOptions are the purposes of the book.
func (v *visit) purposeOptions() (options []Option, err error) {
	list, err := funds.Purposes(v.ctx(), v.s.DB, v.book)
	for i := range list {
		options = append(options, Option{Value: list[i].Code, Label: list[i].Name(string(v.lang))})
	}
	return options, err
}

// useOptions are they with none of them first: a fund without a charter asks for none, and one purpose alone needs no choice.
func (v *visit) useOptions() ([]Option, error) {
	options, err := v.purposeOptions()
	return append([]Option{{Label: T(v.lang, "project.use.none")}}, options...), err
}

// purposeNames are purposes as people read them.
func (v *visit) purposeNames(codes []string) (string, error) {
	options, err := v.purposeOptions()
	if err != nil {
		return "", err
	}
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = code
		if at := slices.IndexFunc(options, func(o Option) bool { return o.Value == code }); at >= 0 {
			names[i] = options[at].Label
		}
	}
	return strings.Join(names, T(v.lang, "console.and")), nil
}

// fundBookActs are steps of the whole book: one more purpose, and interest shared out.
func (v *visit) fundBookActs() []act {
	return []act{
		{name: "purpose-add", needs: staff.FundWrite, blanks: []blank{{name: "code", label: "fundfile.purpose.code", hint: "fundfile.purpose.code.hint", max: 20}, {name: "zh", label: "fundfile.purpose.zh", max: 40},
			{name: "en", label: "fundfile.purpose.en", max: 60}}, plan: func(v *visit, q pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
			return funds.AddPurpose(v.ctx(), q, v.book, funds.Purpose{Code: in["code"], NameZH: in["zh"], NameEN: in["en"]})
		}},
		v.fundInterest(),
	}
}

func (v *visit) fundInterest() act {
	return act{name: "fund-interest", needs: staff.FundWrite, second: staff.FundKind, blanks: []blank{{name: "bank", label: "transfer.bank", kind: "select", options: v.bankOptions()},
		{name: "from", label: "fundfile.interest.from", kind: "day"}, {name: "to", label: "fundfile.interest.to", kind: "day"}, {name: "amount", label: "filter.amount", kind: "amount"}, v.todayBlank("day", "voucher.day")},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			return funds.Earn(v.ctx(), q, v.book, funds.Interest{ID: id, Bank: chart.ID(in["bank"]), From: in.day("from"), To: in.day("to"), Amount: in.sum("amount", v.book), Day: in.day("day")})
		}}
}

// fundFileCreate enters an application, or takes a step of the book.
func (v *visit) fundFileCreate() error {
	if v.FormValue("act") != "fund-apply" {
		return v.perform(uuid.Nil, fundFilesPath, v.fundFilesAgain, v.fundBookActs()...)
	}
	apply, err := v.fundApply()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, fundFilesPath, v.fundFileFormAgain, apply)
}

func (v *visit) fundFileForm() error {
	if _, done := v.agencyAnswers(); !done {
		return v.see(fundFilesPath + "/test")
	}
	return v.fundFileFormAgain(http.StatusOK, nil)
}

func (v *visit) fundFileFormAgain(status int, wrong Errors) error {
	answers := v.agencyQuery()
	view := v.fundRecord(T(v.lang, "fundfile.new"), wrong, address(fundFilesPath+"/new", answers))
	view.Lead = T(v.lang, "fundfile.new.lead")
	test, _ := v.agencyAnswers()
	view.Facts = []Fact{{Term: T(v.lang, "agency.outcome"), Value: v.agencyOutcome(test), Href: address(fundFilesPath+"/test", answers)}}
	apply, err := v.fundApply()
	if err != nil {
		return err
	}
	if err := v.offer(&view, address(fundFilesPath, answers), apply); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// fundApply is the application: the fund, and the rules it will have.
func (v *visit) fundApply() (act, error) {
	s, err := v.sight()
	if err != nil {
		return act{}, err
	}
	all, err := funds.Charters(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return act{}, err
	}
	old := []Option{{Label: T(v.lang, "fundfile.fund.new")}}
	for i := range s.funds {
		if f := &s.funds[i]; all[f.ID] == nil && f.Kind != ledger.General && f.Kind != ledger.Designated {
			old = append(old, Option{Value: strconv.Itoa(int(f.ID)), Label: f.Code + " " + f.Name(string(v.lang))})
		}
	}
	streets, err := v.ownStreets()
	if err != nil {
		return act{}, err
	}
	test, _ := v.agencyAnswers()
	var sorts []Option
	for _, sort := range funds.Sorts() {
		if test.Agency() == (sort == funds.Agency) {
			sorts = append(sorts, Option{Value: sort, Label: T(v.lang, "fundfile.sort."+sort)})
		}
	}
	purposes, err := v.purposeOptions()
	if err != nil {
		return act{}, err
	}
	rules := v.termBlanks(nil, purposes)
	blanks := append([]blank{rules[0], {name: "sort", label: "fundfile.sort", kind: "select", options: sorts}, {name: "fund", label: "fundfile.fund", hint: "fundfile.fund.hint", kind: "select", options: old, optional: true},
		{name: "street", label: "fund.street", kind: "select", options: streets, optional: true}, {name: "code", label: "fund.code", hint: "fundfile.code.hint", max: 40, optional: true},
		{name: "zh", label: "fundfile.zh", max: 100, optional: true}, {name: "en", label: "fundfile.en", max: 100, optional: true},
		{name: "about-zh", label: "fundfile.about.zh", kind: "area", max: 400}, {name: "about-en", label: "fundfile.about.en", kind: "area", max: 400}}, rules[1:]...)
	return act{name: "fund-apply", needs: staff.FundApply, to: fundFilesPath + "/", blanks: blanks, plan: (*visit).planApplication}, nil
}

func (v *visit) planApplication(q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
	f := funds.File{ID: id, Code: strings.ToUpper(in["code"]), NameZH: in["zh"], NameEN: in["en"], AboutZH: in["about-zh"], AboutEN: in["about-en"], Terms: v.termsOf(in), EnteredBy: v.who.Person.ID, EnteredAt: v.now}
	f.Terms.Sort = in["sort"]
	if test, done := v.agencyAnswers(); done {
		f.Agency = &test
	}
	if n := int32(in.number("street")); n != 0 {
		f.StreetID = &n
	}
	if n := int32(in.number("fund")); n != 0 { // of those in sight: the form offered no others
		f.FundID = &n
	}
	if all, _ := v.who.Streets(); !all && f.StreetID == nil && f.FundID == nil {
		var wrong giving.FieldErrors
		wrong.Refuse("street", "fundfile.street.own")
		return nil, wrong.Err()
	}
	return funds.Apply(v.ctx(), q, v.book, f)
}

// ownStreets offers the streets that this person applies for.
func (v *visit) ownStreets() ([]Option, error) {
	names, err := v.streets()
	if err != nil {
		return nil, err
	}
	all, mine := v.who.Streets()
	var options []Option
	for id, name := range names {
		if all || slices.Contains(mine, id) {
			options = append(options, Option{Value: strconv.Itoa(int(id)), Label: name})
		}
	}
	sortOptions(options)
	return append([]Option{{Label: T(v.lang, "funds.street.none")}}, options...), nil
}

// agencyQuery are the answers of the test as an address carries them.
func (v *visit) agencyQuery() url.Values {
	answers := url.Values{}
	for _, name := range agencyQuestions {
		if answer := v.FormValue(name); answer == "yes" || answer == "no" {
			answers.Set(name, answer)
		}
	}
	return answers
}
