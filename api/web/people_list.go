package web

import (
	"net/http"
	"strings"

	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// peoplePage is how many people one page lists.
const peoplePage = 100

type peopleListView struct {
	Page
	personForm
	Rows   []personRow
	First  string
	Next   string
	MayAdd bool
	Empty  Empty
	Langs  []Option
}

// personForm is the form for a new person as it was typed.
type personForm struct {
	Login, NameZH, NameEN, Speaks string
}

// personRow is a person of the association's staff.
type personRow struct {
	staff.Person
	Called   string // in the page's language
	Roles    string
	Sessions int
}

// peopleList shows who may do what.
func (v *visit) peopleList() error {
	return v.peopleAgain(http.StatusOK, personForm{Speaks: string(ZH)}, nil)
}

func (v *visit) peopleAgain(status int, form personForm, wrong Errors) error {
	view := peopleListView{Page: v.consolePage(T(v.lang, "place.people"), "/console/people"), personForm: form, MayAdd: v.who.May(staff.PeopleAdmin),
		Langs: []Option{{Value: string(ZH), Label: "中文"}, {Value: string(EN), Label: "English"}}}
	view.Errors, view.Path = wrong, "/console/people"
	after := giving.CleanText(v.QueryParam("after"))
	view.First = v.firstPage("after", after != "")
	people, err := staff.People(v.ctx(), v.s.DB, v.book.ID, after, peoplePage+1)
	if err != nil {
		return err
	}
	if len(people) > peoplePage {
		people = people[:peoplePage]
		view.Next = v.with("after", people[peoplePage-1].Login)
	}
	scopes, err := v.scopes()
	if err != nil {
		return err
	}
	for _, p := range people {
		row := personRow{Person: p, Called: p.Name(string(v.lang))}
		grants, err := staff.Grants(v.ctx(), v.s.DB, v.book.ID, p.ID, false)
		if err != nil {
			return err
		}
		var roles []string
		for _, g := range grants {
			roles = append(roles, v.heldName(g.Held, scopes))
		}
		row.Roles = strings.Join(roles, T(v.lang, "console.and"))
		sessions, err := staff.Sessions(v.ctx(), v.s.DB, v.book.ID, p.ID, v.now)
		if err != nil {
			return err
		}
		row.Sessions = len(sessions)
		view.Rows = append(view.Rows, row)
	}
	return v.s.render.Render(v.Response(), status, "console/people_list", view)
}

// heldName is a role, with its street or fund.
func (v *visit) heldName(h staff.Held, names scopeNames) string {
	name := T(v.lang, "role."+string(h.Role))
	if h.Street != nil {
		name += T(v.lang, "role.of", names.streets[*h.Street])
	}
	if h.Fund != nil {
		name += T(v.lang, "role.of", names.funds[*h.Fund])
	}
	return name
}
