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
	case errors.Is(err, staff.ErrLink):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"subject", T(v.lang, "issuer.subject.wrong")}})
	case errors.Is(err, staff.ErrLinkTaken):
		return v.personAgain(http.StatusConflict, Errors{{"subject", T(v.lang, "issuer.taken")}})
	case errors.Is(err, staff.ErrNoSession), errors.Is(err, staff.ErrNoPasskey), errors.Is(err, staff.ErrNoLink): // sent twice is done once
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
	case "session":
		session, err := uuid.Parse(v.FormValue("session"))
		if err != nil {
			return staff.ErrNoSession
		}
		return staff.EndSession(ctx, tx, book, p.ID, session, by, v.now)
	case "passkey", "unlink", "link":
		return v.changeFactors(tx, p, do)
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

// changeFactors takes a passkey or a link of somebody else away, for a lost device, or links who they are at the issuer.
func (v *visit) changeFactors(tx pgx.Tx, p staff.Person, do string) error {
	ctx, book, by := v.ctx(), v.book.ID, v.who.Person.ID
	if p.ID == by {
		return staff.ErrOwn
	}
	if do == "link" {
		settings, err := staff.ReadSettings(ctx, tx, book)
		if err != nil {
			return err
		}
		return staff.LinkIdentity(ctx, tx, book, p.ID, by, settings.Issuer, v.typed("subject", 255), v.now)
	}
	id, err := uuid.Parse(v.FormValue("factor"))
	switch {
	case err != nil:
		return staff.ErrNoPasskey
	case do == "passkey":
		return staff.RemovePasskey(ctx, tx, book, p.ID, id, by, v.now)
	}
	return staff.UnlinkIdentity(ctx, tx, book, p.ID, id, by, v.now)
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
