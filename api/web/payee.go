package web

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// payeeList is the directory of those who are paid.
func (v *visit) payeeList() error {
	view := v.workList("payee", payeesPath)
	filter := projects.PayeeFilter{Limit: projects.PageMax + 1}
	filter.All, filter.Streets = v.who.Streets()
	var err error
	if filter.Text, err = view.search(v, "payee.search"); err != nil {
		return err
	}
	if filter.Kind, err = view.choose(v, "kind", "payee.kind", "payee.kind", projects.Organisation, projects.Household); err != nil {
		return err
	}
	if filter.Credit, err = view.choose(v, "state", "payee.credit", "payee.credit", projects.Good, projects.Warned, projects.Barred); err != nil {
		return err
	}
	view.Grid.Heads = v.heads("payee.name", "payee.standing", "payee.services", "payee.credit", "payee.ready", "#payee.rating", "#payee.running")
	if v.who.May(staff.ProjectWrite) {
		view.Links = []Link{{T(v.lang, "payee.new"), payeesPath + "/new"}}
		view.Empty.Action = &view.Links[0]
	}
	return showAll(v, &view, "payees", v.turned(), listed[projects.Payee, int32]{projects.PageMax, func(before int32) ([]projects.Payee, error) {
		filter.Before = before
		return projects.Payees(v.ctx(), v.db(), v.book, filter)
	}, func(p *projects.Payee) int32 { return p.Number }, v.payeeRows})
}

// payeeRows are payees with how their contracts went.
func (v *visit) payeeRows(list []projects.Payee) (rows [][]cell, err error) {
	ids := make([]uuid.UUID, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	ratings, err := projects.Ratings(v.ctx(), v.db(), v.book, ids)
	if err != nil {
		return nil, err
	}
	for i := range list {
		p := &list[i]
		r := ratings[p.ID]
		rows = append(rows, []cell{{Text: p.Name, Href: payeesPath + "/" + p.ID.String(), User: true}, {Text: T(v.lang, "payee.standing."+p.Standing)}, textCell(p.Services), v.creditCell(p),
			v.readyCell(p), {Text: v.points(r.Points, r.Contracts)}, {Text: strconv.Itoa(int(r.Running))}})
	}
	return rows, nil
}

// points are hundredths of a point as read.
func (v *visit) points(hundredths, contracts int32) string {
	if contracts == 0 {
		return "—"
	}
	return strconv.FormatInt(int64(hundredths/100), 10) + "." + strconv.FormatInt(int64(hundredths%100/10), 10)
}

func (v *visit) creditCell(p *projects.Payee) cell {
	return cell{Text: T(v.lang, "payee.credit."+p.Credit), Tag: map[string]string{projects.Good: "done", projects.Warned: "attention", projects.Barred: "reversed"}[p.Credit]}
}

// readyCell says whether money may go to the payee, and if not why.
func (v *visit) readyCell(p *projects.Payee) cell {
	switch {
	case p.Credit == projects.Barred:
		return cell{Text: T(v.lang, "payee.ready.barred"), Tag: "reversed"}
	case p.State != projects.Verified:
		return cell{Text: T(v.lang, "payee.ready."+p.State), Tag: "waiting"}
	case p.UsableAt != nil && v.now.Before(*p.UsableAt):
		return cell{Text: T(v.lang, "payee.ready.rests", When(v.lang, *p.UsableAt, v.book.Zone)), Tag: "waiting"}
	}
	return cell{Text: T(v.lang, "payee.ready.yes"), Tag: "done"}
}

// accountShown is an account's number, whole for those who pay and its last four figures for others.
func (v *visit) accountShown(p *projects.Payee) string {
	if v.who.May(staff.ProjectWrite) || v.who.May(staff.EntryApprove) {
		return p.Account
	}
	return "…" + p.Account[max(0, len(p.Account)-4):]
}

func ofPayee(plan func(v *visit, q pg.Querier, p *projects.Payee, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		p, err := v.payee(q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, p, in)
	}
}

// payeeEnters make a place in the directory.
func (v *visit) payeeEnters() ([]act, error) {
	names, err := v.streets()
	if err != nil {
		return nil, err
	}
	s, err := v.sight()
	if err != nil {
		return nil, err
	}
	streets, seen := []Option{{Label: T(v.lang, "offline.choose")}}, map[int32]bool{}
	for _, f := range s.funds {
		if f.StreetID != nil && !seen[*f.StreetID] {
			seen[*f.StreetID] = true
			streets = append(streets, Option{Value: strconv.Itoa(int(*f.StreetID)), Label: names[*f.StreetID]})
		}
	}
	return []act{
		{name: "payee-enter", needs: staff.ProjectWrite, to: payeesPath + "/", blanks: []blank{{name: "name", label: "payee.name", hint: "payee.name.hint", max: 100},
			{name: "standing", label: "payee.standing", kind: "select", options: v.choices("payee.standing", projects.Registered, projects.Filed, projects.Other)},
			{name: "code", label: "payee.code", hint: "payee.code.hint", max: 40, optional: true}, {name: "services", label: "payee.services", optional: true}, {name: "contact", label: "payee.contact", max: 100, optional: true}},
			plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
				return projects.EnterPayee(v.ctx(), q, v.book, projects.Payee{ID: id, Name: in["name"], Standing: in["standing"], Code: in["code"], Services: in["services"], Contact: in["contact"], EnteredBy: v.who.Person.ID})
			}},
		{name: "home-enter", needs: staff.ProjectWrite, to: payeesPath + "/", blanks: []blank{{name: "street", label: "subsidy.street", kind: "select", options: streets}, {name: "name", label: "payee.home.name", hint: "payee.home.hint", max: 60},
			{name: "bank", label: "payee.bank", max: 100}, {name: "account", label: "payee.account", max: 40}},
			plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
				street := int32(in.number("street"))
				return projects.EnterHome(v.ctx(), q, v.book, projects.Payee{ID: id, StreetID: &street, EnteredBy: v.who.Person.ID}, projects.Home{Name: in["name"], Bank: in["bank"], Account: in["account"]}, v.now)
			}},
	}, nil
}

// payeeSeconds are the steps with a payee that a second person approves.
func (v *visit) payeeSeconds() []act {
	reason := blank{name: "reason", label: "offline.reason", kind: "area"}
	credit := func(name, to string, danger bool) act {
		return act{name: name, needs: staff.ProjectWrite, second: staff.PayeeKind, danger: danger, blanks: []blank{reason}, plan: ofPayee(func(v *visit, _ pg.Querier, p *projects.Payee, in inputs) (*giving.Move, error) {
			return projects.SetCredit(v.book, p, to, in["reason"])
		})}
	}
	return []act{
		{name: "payee-account", needs: staff.ProjectWrite, second: staff.PayeeKind, blanks: []blank{{name: "holder", label: "payee.holder", hint: "payee.holder.hint", max: 100}, {name: "bank", label: "payee.bank", max: 100},
			{name: "bank-code", label: "payee.bankcode", hint: "payee.bankcode.hint", optional: true, max: 12}, {name: "account", label: "payee.account", max: 40}},
			plan: ofPayee(func(v *visit, _ pg.Querier, p *projects.Payee, in inputs) (*giving.Move, error) {
				return projects.ChangeAccount(v.book, p, projects.Account{Holder: in["holder"], Bank: in["bank"], BankCode: in["bank-code"], Number: in["account"]}, v.now)
			})},
		{name: "payee-verify", needs: staff.ProjectWrite, second: staff.PayeeKind, plan: ofPayee(func(v *visit, _ pg.Querier, p *projects.Payee, _ inputs) (*giving.Move, error) {
			return projects.VerifyPayee(v.book, p, v.now)
		})},
		credit("payee-bar", projects.Barred, true), credit("payee-good", projects.Good, false),
		{name: "payee-person", needs: staff.ProjectWrite, second: staff.PayeeKind, blanks: []blank{{name: "login", label: "payee.login", hint: "payee.login.hint", max: 60}},
			plan: ofPayee(func(v *visit, q pg.Querier, p *projects.Payee, in inputs) (*giving.Move, error) {
				var wrong giving.FieldErrors
				person, err := v.providerByLogin(q, in["login"])
				if err != nil {
					return nil, err
				}
				if person == uuid.Nil {
					wrong.Refuse("login", "payee.login.wrong")
					return nil, wrong.Err()
				}
				return projects.LinkPerson(v.book, p, person, v.now)
			})},
	}
}

// providerByLogin is who signs in by a login and has the role of a provider; uuid.Nil for nobody.
func (v *visit) providerByLogin(q pg.Querier, login string) (uuid.UUID, error) {
	p, err := staff.ByLogin(v.ctx(), q, v.book.ID, login)
	if errors.Is(err, staff.ErrNoPerson) {
		return uuid.Nil, nil
	}
	if err != nil {
		return uuid.Nil, err
	}
	held, err := staff.Grants(v.ctx(), q, v.book.ID, p.ID, false)
	if err != nil || !slices.ContainsFunc(held, func(g staff.Grant) bool { return g.Role == staff.Provider }) {
		return uuid.Nil, err
	}
	return p.ID, nil
}

// payeePeople says who signs in for an organisation, and offers to take that back.
func (v *visit) payeePeople(p *projects.Payee) (names string, acts []act, err error) {
	people, err := projects.PeopleOf(v.ctx(), v.s.DB, v.book, p.ID)
	if err != nil || len(people) == 0 {
		return "", nil, err
	}
	known, list, options := newNames(v), []string{}, []Option{}
	for _, id := range people {
		name, err := known.of(id)
		if err != nil {
			return "", nil, err
		}
		list, options = append(list, name), append(options, Option{Value: id.String(), Label: name})
	}
	return strings.Join(list, T(v.lang, "bar.comma")), []act{{name: "payee-person-off", needs: staff.ProjectWrite, danger: true, blanks: []blank{{name: "person", label: "payee.person", kind: "select", options: options}},
		plan: ofPayee(func(v *visit, _ pg.Querier, p *projects.Payee, in inputs) (*giving.Move, error) {
			return projects.UnlinkPerson(v.book, p, in.id("person"), v.now), nil
		})}}, nil
}

// payeeActs are the steps that may follow, the likeliest first.
func (v *visit) payeeActs(p *projects.Payee) (acts []act) {
	warn := act{name: "payee-warn", needs: staff.ProjectWrite, danger: true, blanks: []blank{{name: "reason", label: "offline.reason", kind: "area"}},
		plan: ofPayee(func(v *visit, _ pg.Querier, p *projects.Payee, in inputs) (*giving.Move, error) {
			return projects.SetCredit(v.book, p, projects.Warned, in["reason"])
		})}
	organisation := p.Kind == projects.Organisation
	for _, a := range append(v.payeeSeconds(), warn) {
		fits := map[string]bool{"payee-account": organisation, "payee-verify": p.State != projects.Verified && (!organisation || p.AccountID != nil), "payee-warn": organisation && p.Credit == projects.Good,
			"payee-bar": organisation && p.Credit != projects.Barred, "payee-good": organisation && p.Credit != projects.Good, "payee-person": organisation}
		if fits[a.name] {
			acts = append(acts, a)
		}
	}
	return acts
}

// payeeForm is the page on which a payee is written down.
func (v *visit) payeeForm() error { return v.payeeFormAgain(http.StatusOK, nil) }

func (v *visit) payeeFormAgain(status int, wrong Errors) error {
	acts, err := v.payeeEnters()
	if err != nil {
		return err
	}
	view := v.workRecord(T(v.lang, "payee.new"), payeesPath, wrong, payeesPath+"/new")
	view.Lead = T(v.lang, "payee.new.lead")
	if err := v.offer(&view, payeesPath, acts...); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) payeeCreate() error {
	acts, err := v.payeeEnters()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, payeesPath+"/new", v.payeeFormAgain, acts...)
}

// payeeShow is a payee with its account, its credit and its contracts.
func (v *visit) payeeShow() error { return v.payeeAgain(http.StatusOK, nil) }

func (v *visit) payeeAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.payee(v.s.DB, id)
	if err != nil {
		return err
	}
	here := payeesPath + "/" + id.String()
	view := v.workRecord(p.Name, payeesPath, wrong, here)
	ready := v.readyCell(p)
	view.Status, view.State, view.Lead = ready.Tag, ready.Text, T(v.lang, "payee.next."+v.payeeNext(p))
	view.Facts = []Fact{v.fact("payee.kind", T(v.lang, "payee.kind."+p.Kind)), v.fact("payee.credit", T(v.lang, "payee.credit."+p.Credit))}
	if p.Kind == projects.Organisation {
		view.Facts = append(view.Facts, v.fact("payee.standing", T(v.lang, "payee.standing."+p.Standing)), v.fact("payee.code", p.Code), v.fact("payee.services", p.Services), v.fact("payee.contact", p.Contact))
		if p.AccountID != nil {
			view.Facts = append(view.Facts, v.fact("payee.holder", p.Holder), v.fact("payee.account", p.Bank+" "+p.BankCode+" "+v.accountShown(p)))
		}
	} else if v.who.May(staff.GiftRead) { // those who see donors' names
		h, err := projects.HomeOf(v.ctx(), v.s.DB, v.book, p)
		if err != nil {
			return err
		}
		if h.Name == "" {
			h.Name = T(v.lang, "offline.giver.erased")
		}
		view.Facts = append(view.Facts, v.fact("payee.home.name", h.Name), v.fact("payee.account", h.Bank+" "+h.Account))
	}
	if p.UsableAt != nil {
		view.Facts = append(view.Facts, v.fact("payee.usable", When(v.lang, *p.UsableAt, v.book.Zone)))
	}
	ratings, err := projects.Ratings(v.ctx(), v.s.DB, v.book, []uuid.UUID{id})
	if err != nil {
		return err
	}
	r := ratings[id]
	view.Facts = append(view.Facts, v.fact("payee.rating", v.points(r.Points, r.Contracts)), v.fact("payee.findings", strconv.Itoa(int(r.Findings))))
	filter := projects.ContractFilter{Payee: &id}
	filter.All, filter.Streets = v.who.Streets()
	filter.Funds = v.who.Funds()
	contracts, err := v.contractGrid(filter)
	if err != nil {
		return err
	}
	view.Grids = []grid{contracts}
	people, off, err := v.payeePeople(p)
	if err != nil {
		return err
	}
	if people != "" {
		view.Facts = append(view.Facts, v.fact("payee.people", people))
	}
	if err := v.offer(&view, here, append(v.payeeActs(p), off...)...); err != nil {
		return err
	}
	return v.showRecord(view, p.Object(), status)
}

// payeeNext names what is to be done next.
func (v *visit) payeeNext(p *projects.Payee) string {
	switch {
	case p.Credit == projects.Barred:
		return "barred"
	case p.State == projects.Locked:
		return "locked"
	case p.Kind == projects.Organisation && p.AccountID == nil:
		return "account"
	case p.State == projects.Entered:
		return "verify"
	case p.UsableAt != nil && v.now.Before(*p.UsableAt):
		return "rests"
	}
	return "ready"
}

func (v *visit) payeeStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.payee(v.s.DB, id)
	if err != nil {
		return err
	}
	_, off, err := v.payeePeople(p)
	if err != nil {
		return err
	}
	return v.perform(id, payeesPath+"/"+id.String(), v.payeeAgain, append(v.payeeActs(p), off...)...)
}
