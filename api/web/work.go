package web

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// Addresses of what the funds pay for.
const (
	payeesPath        = "/console/payees"
	projectsPath      = "/console/projects"
	contractsPath     = "/console/contracts"
	disbursementsPath = "/console/disbursements"
	bankFilesPath     = "/console/bank-files"
	assessmentPath    = "/console/assessment"
)

// workTabs lead between the lists of one place.
var workTabs = []struct{ key, href string }{
	{"work.tab.projects", projectsPath}, {"work.tab.contracts", contractsPath}, {"work.tab.payments", disbursementsPath}, {"work.tab.files", bankFilesPath}, {"work.tab.payees", payeesPath},
	{"work.tab.assessment", assessmentPath},
}

// workPages is the list of one of them with its filters.
type workPages struct {
	Page
	Heading, Lead, Here string
	Tabs                []NavItem
	Facts               []Fact
	Links               []Link
	Filters             []Field
	Grid                grid
	Caption             Caption
	First, Next         string
	Empty               Empty
}

func (v *visit) workNav(here string) (tabs []NavItem) {
	for _, tab := range workTabs {
		tabs = append(tabs, NavItem{Label: T(v.lang, tab.key), Href: tab.href, Here: tab.href == here})
	}
	return tabs
}

// workList starts a list; its words stand under family.
func (v *visit) workList(family, here string) workPages {
	heading := T(v.lang, family+".heading")
	return workPages{Page: v.consolePage(heading, projectsPath), Heading: heading, Lead: T(v.lang, family+".lead"), Here: here, Tabs: v.workNav(here), Empty: Empty{Text: T(v.lang, family+".none")}}
}

// workRecord starts a record's page under one of the tabs.
func (v *visit) workRecord(heading, here string, wrong Errors, path string) recordView {
	view := recordView{Page: v.consolePage(heading, projectsPath), Heading: heading, Tabs: v.workNav(here)}
	view.Errors, view.Path = wrong, path
	return view
}

// pick is the one of fixed choices that the address asks for, none when it asks for another, and all of them behind "all".
func (v *visit) pick(name, family string, values ...string) (chosen string, options []Option) {
	if slices.Contains(values, v.queried(name)) {
		chosen = v.queried(name)
	}
	return chosen, append([]Option{{Label: T(v.lang, "filter.all")}}, v.choices(family, values...)...)
}

// choose adds a filter of fixed choices and answers the one that was made.
func (l *workPages) choose(v *visit, name, label, family string, values ...string) (string, error) {
	chosen, options := v.pick(name, family, values...)
	f, err := newField(l.Page, name, label, chosen, "type", "select", "options", options)
	l.Filters = append(l.Filters, f)
	return chosen, err
}

// search adds a filter of free text.
func (l *workPages) search(v *visit, label string) (text string, err error) {
	text = oneLine(v.queried("text"), 60)
	f, err := newField(l.Page, "text", label, text, "optional", "yes", "fill", "off")
	l.Filters = append(l.Filters, f)
	return text, err
}

// turned reads after which number the page before ended; 0 on the first page.
func (v *visit) turned() int32 {
	before, _ := cursorID(v.QueryParam("before")) // anything else is the first page
	return before
}

// listed is what a list shows: read gives the records behind a key, one more than most if there are more.
type listed[T any, K comparable] struct {
	most int
	read func(before K) ([]T, error)
	key  func(*T) K
	rows func([]T) ([][]cell, error)
}

// page reads up to most records; next is the key behind which there are more, or zero.
func (f listed[T, K]) page(before K) (rows [][]cell, next K, err error) {
	list, err := f.read(before)
	if err != nil {
		return nil, next, err
	}
	if len(list) > f.most {
		list = list[:f.most]
		next = f.key(&list[len(list)-1])
	}
	rows, err = f.rows(list)
	return rows, next, err
}

// showAll ends a list: as one page, or as a file with all that the filter leaves, which is written page by page and never held whole.
func showAll[T any, K comparable](v *visit, l *workPages, file string, before K, from listed[T, K]) error {
	var none K
	if v.QueryParam("format") != "csv" {
		rows, next, err := from.page(before)
		if err != nil {
			return err
		}
		l.First = v.firstPage("before", before != none)
		if l.Grid.Rows = rows; next != none {
			l.Next = v.with("before", fmt.Sprint(next))
		}
		return l.show(v, file)
	}
	rows, next, err := from.page(none) // what is wrong with the filter is said before the file begins
	if err != nil {
		return err
	}
	out := l.file(v, file)
	for {
		out.cells(rows)
		if err := out.flush(); err != nil || next == none {
			return err
		}
		if rows, next, err = from.page(next); err != nil {
			return err
		}
	}
}

// file begins a CSV with the heads of the list.
func (l *workPages) file(v *visit, name string) *sheet {
	out := v.newSheet(name)
	heads := make([]any, len(l.Grid.Heads))
	for i, h := range l.Grid.Heads {
		heads[i] = h.Label
	}
	out.row(heads...)
	return out
}

// cells writes rows of a grid.
func (s *sheet) cells(rows [][]cell) {
	for _, row := range rows {
		list := make([]any, len(row))
		for i, c := range row {
			if c.Sum != nil {
				list[i] = *c.Sum
			} else {
				list[i] = c.Text
			}
		}
		s.row(list...)
	}
}

// show ends a list that is there whole: as a page, or as CSV.
func (l *workPages) show(v *visit, file string) error {
	if v.QueryParam("format") == "csv" {
		out := l.file(v, file)
		out.cells(l.Grid.Rows)
		return out.flush()
	}
	l.Caption = Caption{Title: l.Heading, Unit: Unit(v.lang, v.book.Currency), Exports: []Link{{T(v.lang, "table.csv"), v.with("format", "csv", "before", "")}}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/work_list", *l)
}

// choices are options with words of a family.
func (v *visit) choices(family string, values ...string) (options []Option) {
	for _, value := range values {
		options = append(options, Option{Value: value, Label: T(v.lang, family+"."+value)})
	}
	return options
}

// paidFrom are the bank accounts that payments may leave.
func (v *visit) paidFrom() []Option {
	acct := chart.MustByID("bank.agency")
	return append(v.bankOptions(), Option{Value: "bank.agency", Label: v.code(acct) + " " + acct.Name(string(v.lang))})
}

// project reads a project in this person's sight; one of another street is as one that is not there.
func (v *visit) project(q pg.Querier, id uuid.UUID) (*projects.Project, error) {
	p, err := projects.ProjectByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if !v.who.MaySee(p.FundID, p.StreetID) {
		return nil, giving.ErrNoRecord
	}
	return p, nil
}

// contract reads a contract whose project is in sight.
func (v *visit) contract(q pg.Querier, id uuid.UUID) (*projects.Contract, error) {
	fund, street, err := projects.ContractSight(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if !v.who.MaySee(fund, street) {
		return nil, giving.ErrNoRecord
	}
	return projects.ContractByID(v.ctx(), q, v.book, id)
}

// disbursement reads a payment of a contract in sight, or of aid out of a fund in sight.
func (v *visit) disbursement(q pg.Querier, id uuid.UUID) (*projects.Payment, error) {
	fund, street, err := projects.PaymentSight(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if !v.who.MaySee(fund, street) {
		return nil, giving.ErrNoRecord
	}
	return projects.PaymentByID(v.ctx(), q, v.book, id)
}

// payee reads a payee: organisations are seen by all who see projects, households by their own street.
func (v *visit) payee(q pg.Querier, id uuid.UUID) (*projects.Payee, error) {
	p, err := projects.PayeeByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if p.Kind == projects.Household && !v.who.MaySee(0, p.StreetID) {
		return nil, giving.ErrNoRecord
	}
	return p, nil
}

// workExists is nil when there is such a record in sight, for its papers.
func (v *visit) workExists(kind string, id uuid.UUID) (err error) {
	if !v.who.May(staff.ProjectRead) {
		return giving.ErrNoRecord
	}
	switch kind {
	case "payee":
		_, err = v.payee(v.s.DB, id)
	case "project":
		_, err = v.project(v.s.DB, id)
	case "contract":
		_, err = v.contract(v.s.DB, id)
	case "disbursement":
		_, err = v.disbursement(v.s.DB, id)
	}
	return err
}

// workSeconds are the steps of this place that a second person approves.
func (v *visit) workSeconds() (acts []act) {
	acts = append(acts, v.payeeSeconds()...)
	acts = append(acts, v.projectSeconds()...)
	acts = append(acts, v.proposalSeconds(nil)...)
	acts = append(acts, v.contractSeconds(contractChoices{})...)
	return append(acts, v.paymentAgree(), v.schemeSet(nil))
}

// stepObject is the record that a request of this place is about; empty for requests of other places, whose payee it is.
func stepObject(a staff.Approval, d stepDraft) string {
	kind := ""
	switch {
	case a.Kind == staff.PayeeKind:
		kind = "payee"
	case d.Act == "proposal-award":
		kind = "proposal"
	case d.Act == "project-approve", d.Act == "project-end":
		kind = "project"
	case d.Act == "scheme-set":
		return ""
	case a.Kind == staff.ContractKind, d.Act == "source-back":
		kind = "contract"
	case a.Kind == staff.PaymentKind:
		kind = "disbursement"
	default:
		return a.Payee
	}
	return giving.Object(kind, d.ID)
}

// payeeFacts say who gains by a request and since when its account stands.
func (v *visit) payeeFacts(q pg.Querier, object string) ([]Fact, error) {
	m := objectName.FindStringSubmatch(object)
	if m == nil || m[1] != "payee" {
		return nil, nil
	}
	id, err := uuid.Parse(m[2])
	if err != nil {
		return nil, giving.ErrNoRecord
	}
	p, err := projects.PayeeByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	facts := []Fact{{Term: T(v.lang, "payee.name"), Value: p.Name, Href: payeesPath + "/" + p.ID.String()}}
	if p.Account != "" {
		facts = append(facts, v.fact("payee.account", p.Bank+" "+v.accountShown(p)))
	}
	if p.UsableAt != nil {
		facts = append(facts, v.fact("payee.usable", When(v.lang, *p.UsableAt, v.book.Zone)))
	}
	return facts, nil
}
