package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// personChange ends sessions, lets somebody out or in, sets the e-mail address, or makes a new initial password. Roles are
// asked for and given by two admins: see roleRequest.
func (v *visit) personChange() error {
	p, err := v.visiblePerson()
	if err != nil {
		return err
	}
	do := v.FormValue("do")
	if do == "password" {
		return v.personPassword(p)
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return v.changePerson(tx, p, do) })
	switch {
	case errors.Is(err, staff.ErrEmail):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"email", T(v.lang, "person.email.wrong")}})
	case errors.Is(err, staff.ErrOwn):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"role", T(v.lang, "person.own")}})
	case err != nil:
		return err
	}
	return v.see("/console/people/" + p.ID.String())
}

func (v *visit) changePerson(tx pgx.Tx, p staff.Person, do string) error {
	ctx, book, by := v.ctx(), v.book.ID, v.who.Person.ID
	switch do {
	case "email":
		return staff.SetEmail(ctx, tx, book, p.ID, by, v.typed("email", 200), v.now)
	case "sessions":
		return staff.EndSessions(ctx, tx, book, p.ID, by, v.now)
	case "disable":
		return staff.SetState(ctx, tx, book, p.ID, by, staff.Disabled, v.now)
	case "enable":
		return staff.SetState(ctx, tx, book, p.ID, by, staff.Active, v.now)
	case "factor":
		if p.ID == by {
			return staff.ErrOwn // one's own is removed on one's own page, with a code
		}
		return staff.RemoveFactor(ctx, tx, book, p.ID, by, v.now)
	}
	return staff.ErrRequestInvalid
}

// personPassword replaces a forgotten password; all the person's sessions end.
func (v *visit) personPassword(p staff.Person) error {
	if p.ID == v.who.Person.ID {
		return v.see("/console/me")
	}
	password, hash, err := v.initialPassword()
	if err != nil {
		return err
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.SetPassword(v.ctx(), tx, v.book.ID, p.ID, v.who.Person.ID, hash, v.now)
	})
	if err != nil {
		return err
	}
	return v.showPassword(p, password)
}

func sortOptions(options []Option) {
	slices.SortFunc(options, func(a, b Option) int { return strings.Compare(a.Label, b.Label) })
}
