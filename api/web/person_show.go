package web

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger/staff"
)

type personView struct {
	Page
	Who      staff.Person
	Called   string
	Facts    []Fact
	Grants   []grantRow
	Sessions []staff.Session
	Roles    []Option
	Streets  []Option
	Funds    []Option
	Role     string
	Street   string
	Fund     string
	Email    string
	Form     string
	May      bool // to change the person
	Self     bool
	Passkeys []staff.Passkey
	Links    []staff.Link
	Issuer   string
	Guarded  bool // how the person signs in takes a second admin
}

// grantRow is a role given, or once given, to a person.
type grantRow struct {
	ID    string
	Form  string
	Name  string
	From  time.Time
	By    string
	Ended *time.Time
}

func (v *visit) personShow() error { return v.personAgain(http.StatusOK, nil) }

// visiblePerson reads the person of the address, or staff.ErrNoPerson.
func (v *visit) visiblePerson() (staff.Person, error) {
	id, err := uuid.Parse(v.Param("id"))
	if err != nil {
		return staff.Person{}, staff.ErrNoPerson
	}
	return staff.ByID(v.ctx(), v.s.DB, v.book.ID, id)
}

// personAgain shows a person, also after a change was refused.
func (v *visit) personAgain(status int, wrong Errors) error {
	p, err := v.visiblePerson()
	if err != nil {
		return err
	}
	view := personView{Page: v.consolePage(p.Name(string(v.lang)), "/console/people"), Who: p, Called: p.Name(string(v.lang)), Role: v.typed("role", 20),
		Street: v.typed("street", 10), Fund: v.typed("fund", 10), Email: p.Email, Form: newForm(), May: v.who.May(staff.PeopleAdmin), Self: p.ID == v.who.Person.ID}
	view.Errors = wrong
	if wrong.For("email") != "" {
		view.Email = v.typed("email", 200)
	}
	if view.Guarded, err = staff.Guarded(v.ctx(), v.s.DB, v.book.ID, staff.Access{Person: p.ID}); err != nil {
		return err
	}
	scopes, err := v.scopes()
	if err != nil {
		return err
	}
	grants, err := staff.Grants(v.ctx(), v.s.DB, v.book.ID, p.ID, true)
	if err != nil {
		return err
	}
	names := newNames(v)
	for _, g := range grants {
		by, err := names.of(g.GrantedBy)
		if err != nil {
			return err
		}
		view.Grants = append(view.Grants, grantRow{g.ID.String(), newForm(), v.heldName(g.Held, scopes), g.GrantedAt, by, g.RevokedAt})
	}
	if view.Sessions, err = staff.Sessions(v.ctx(), v.s.DB, v.book.ID, p.ID, v.now); err != nil {
		return err
	}
	if view.Passkeys, err = staff.Passkeys(v.ctx(), v.s.DB, v.book.ID, p.ID); err != nil {
		return err
	}
	if view.Links, err = staff.Links(v.ctx(), v.s.DB, v.book.ID, p.ID); err != nil {
		return err
	}
	settings, err := staff.ReadSettings(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		return err
	}
	view.Issuer = settings.Issuer
	for _, role := range staff.Roles() {
		view.Roles = append(view.Roles, Option{Value: string(role), Label: view.T("role." + string(role))})
	}
	view.Streets = []Option{{Value: "", Label: view.T("person.street.none")}}
	for id, name := range scopes.streets {
		view.Streets = append(view.Streets, Option{Value: strconv.Itoa(int(id)), Label: name})
	}
	sortOptions(view.Streets[1:])
	view.Funds = []Option{{Value: "", Label: view.T("person.street.none")}}
	for id, name := range scopes.funds {
		view.Funds = append(view.Funds, Option{Value: strconv.Itoa(int(id)), Label: name})
	}
	sortOptions(view.Funds[1:])
	factor := view.T("person.factor.off")
	if p.HasFactor {
		factor = view.T("person.factor.on")
	}
	view.Facts = []Fact{{Term: view.T("person.login"), Value: p.Login}, {Term: view.T("person.name.zh"), Value: p.NameZH},
		{Term: view.T("person.name.en"), Value: p.NameEN}, {Term: view.T("person.state"), Value: view.T("person." + string(p.State))},
		{Term: view.T("person.factor"), Value: factor}, {Term: view.T("person.since"), Value: When(v.lang, p.CreatedAt, v.book.Zone)}}
	return v.s.render.Render(v.Response(), status, "console/person_show", view)
}
