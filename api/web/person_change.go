package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// personChange ends sessions or lets somebody out or in. How somebody signs in, and their roles, take two admins: see
// personAccess and roleRequest.
func (v *visit) personChange() error {
	p, err := v.visiblePerson()
	if err != nil {
		return err
	}
	do := v.FormValue("do")
	if slices.Contains(staff.Steps(), staff.Step(do)) {
		return v.personAccess(p, staff.Step(do))
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return v.changePerson(tx, p, do) })
	switch {
	case errors.Is(err, staff.ErrOwn):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"role", T(v.lang, "person.own")}})
	case errors.Is(err, staff.ErrNoSession): // sent twice is done once
	case err != nil:
		return err
	}
	return v.see("/console/people/" + p.ID.String())
}

func (v *visit) changePerson(tx pgx.Tx, p staff.Person, do string) error {
	ctx, book, by := v.ctx(), v.book.ID, v.who.Person.ID
	switch do {
	case "sessions":
		return staff.EndSessions(ctx, tx, book, p.ID, by, v.now)
	case "session":
		session, err := uuid.Parse(v.FormValue("session"))
		if err != nil {
			return staff.ErrNoSession
		}
		return staff.EndSession(ctx, tx, book, p.ID, session, by, v.now)
	case "disable":
		return staff.SetState(ctx, tx, book, p.ID, by, staff.Disabled, v.now)
	case "enable":
		return staff.SetState(ctx, tx, book, p.ID, by, staff.Active, v.now)
	}
	return staff.ErrRequestInvalid
}

func sortOptions(options []Option) {
	slices.SortFunc(options, func(a, b Option) int { return strings.Compare(a.Label, b.Label) })
}
