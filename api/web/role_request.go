package web

import (
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/staff"
)

// roleRequest asks another admin to give a role to the person or to take one away.
func (v *visit) roleRequest() error {
	p, err := v.visiblePerson()
	if err != nil {
		return err
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	change, err := v.roleChange(p)
	if err == nil {
		key := "role.summary.give"
		if change.Revoke != nil {
			key = "role.summary.take"
		}
		var named string
		if named, err = v.roleName(change.Held); err != nil {
			return err
		}
		summary := T(v.lang, key, p.Name(string(v.lang)), p.Login, named)
		err = v.requested(func(tx pgx.Tx) (staff.Approval, error) {
			return staff.RequestRole(v.ctx(), tx, v.who, form, summary, change, v.now)
		})
	}
	switch {
	case errors.Is(err, staff.ErrRoleInvalid):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"street", T(v.lang, "person.street.wrong")}})
	case errors.Is(err, staff.ErrRolesClash):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"role", T(v.lang, "person.role.clash")}})
	case errors.Is(err, staff.ErrRoleHeld):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"role", T(v.lang, "person.role.held")}})
	case errors.Is(err, staff.ErrInitialPassword):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"role", T(v.lang, "person.role.initial")}})
	case errors.Is(err, staff.ErrOwn): // nobody raises themselves, and the try is on record
		return v.refuse(err, nil, Link{p.Name(string(v.lang)), "/console/people/" + p.ID.String()})
	}
	return err
}

// roleChange reads what the form asks for.
func (v *visit) roleChange(p staff.Person) (staff.RoleChange, error) {
	c := staff.RoleChange{Person: p.ID, Held: staff.Held{Role: staff.Role(v.typed("role", 20))}}
	if text := v.FormValue("grant"); text != "" {
		id, err := uuid.Parse(text)
		if err != nil {
			return c, staff.ErrNoGrant
		}
		c.Revoke = &id
		held, err := staff.Grants(v.ctx(), v.s.DB, v.book.ID, p.ID, false)
		for _, g := range held {
			if g.ID == id {
				c.Held = g.Held
			}
		}
		return c, err
	}
	if street := v.number("street"); street != 0 {
		c.Street = &street
	}
	if fund := v.number("fund"); fund != 0 {
		c.Fund = &fund
	}
	return c, nil
}

// roleName is a role with its street or fund.
func (v *visit) roleName(h staff.Held) (string, error) {
	scopes, err := v.scopes()
	return v.heldName(h, scopes), err
}

// scopeNames are what roles are good for, by number.
type scopeNames struct{ streets, funds map[int32]string }

func (v *visit) scopes() (scopeNames, error) {
	streets, err := v.streets()
	if err != nil {
		return scopeNames{}, err
	}
	list, err := ledger.Funds(v.ctx(), v.s.DB, v.book)
	names := scopeNames{streets, map[int32]string{}}
	for _, f := range list {
		names.funds[f.ID] = f.Code + " " + f.Name(string(v.lang))
	}
	return names, err
}

func (v *visit) askedRole(a staff.Approval) (asked, error) {
	c, err := staff.ReadRoleChange(a)
	if err != nil {
		return asked{}, err
	}
	p, err := newNames(v).person(c.Person)
	if err != nil {
		return asked{}, err
	}
	named, err := v.roleName(c.Held)
	if err != nil {
		return asked{}, err
	}
	do := T(v.lang, "role.give")
	if c.Revoke != nil {
		do = T(v.lang, "role.take")
	}
	return asked{facts: []Fact{{Term: T(v.lang, "role.whose"), Value: p.Name(string(v.lang)) + " (" + p.Login + ")"}, {Term: do, Value: named}}}, nil
}
