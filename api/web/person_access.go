package web

import (
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// personAccess changes how somebody signs in: at once for who holds no role, else as a request that another admin
// approves. An admin alone cannot become anybody who can do something.
func (v *visit) personAccess(p staff.Person, step staff.Step) error {
	if p.ID == v.who.Person.ID && step == staff.StepPassword {
		return v.see("/console/me")
	}
	c, err := v.readAccess(p, step)
	if err != nil {
		return v.accessWrong(p, err)
	}
	guarded, err := staff.Guarded(v.ctx(), v.s.DB, v.book.ID, c)
	if err != nil {
		return err
	}
	if guarded {
		return v.accessWrong(p, v.askAccess(p, c))
	}
	var password, hash string
	if step == staff.StepPassword {
		if password, hash, err = v.initialPassword(); err != nil {
			return err
		}
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.SetAccess(v.ctx(), tx, v.book.ID, c, v.who.Person.ID, hash, v.now)
	})
	switch {
	case err != nil:
		return v.accessWrong(p, err)
	case password != "":
		return v.showPassword(p, password)
	}
	return v.see("/console/people/" + p.ID.String())
}

// accessWrong says at the form what was wrong with a change to how somebody signs in.
func (v *visit) accessWrong(p staff.Person, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, staff.ErrEmail):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"email", T(v.lang, "person.email.wrong")}})
	case errors.Is(err, staff.ErrOwn):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"role", T(v.lang, "person.own")}})
	case errors.Is(err, staff.ErrLink), errors.Is(err, staff.ErrAccess):
		return v.personAgain(http.StatusUnprocessableEntity, Errors{{"subject", T(v.lang, "issuer.subject.wrong")}})
	case errors.Is(err, staff.ErrLinkTaken):
		return v.personAgain(http.StatusConflict, Errors{{"subject", T(v.lang, "issuer.taken")}})
	case errors.Is(err, staff.ErrNoPasskey), errors.Is(err, staff.ErrNoLink): // sent twice is done once
		return v.see("/console/people/" + p.ID.String())
	}
	return err
}

// readAccess reads what the form asks for.
func (v *visit) readAccess(p staff.Person, step staff.Step) (staff.Access, error) {
	c := staff.Access{Person: p.ID, Step: step}
	switch step {
	case staff.StepEmail:
		c.Email = v.typed("email", 200)
	case staff.StepLink:
		settings, err := staff.ReadSettings(v.ctx(), v.s.DB, v.book.ID)
		if err != nil {
			return c, err
		}
		c.Issuer, c.Subject = settings.Issuer, v.typed("subject", 255)
	case staff.StepPasskey, staff.StepUnlink:
		id, err := uuid.Parse(v.FormValue("factor"))
		if err != nil {
			return c, staff.ErrNoPasskey
		}
		c.Factor = &id
	}
	return c, nil
}

// askAccess asks another admin, and tells the person at once.
func (v *visit) askAccess(p staff.Person, c staff.Access) error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	summary := T(v.lang, "access.summary."+string(c.Step), p.Name(string(v.lang)), p.Login)
	return v.requested(func(tx pgx.Tx) (staff.Approval, error) {
		return staff.RequestAccess(v.ctx(), tx, v.who, form, summary, c, v.now)
	})
}

func (v *visit) askedReset(q pg.Querier, a staff.Approval) (asked, error) {
	c, err := staff.ReadAccess(a)
	if err != nil {
		return asked{}, err
	}
	p, err := newNames(v).person(c.Person)
	if err != nil {
		return asked{}, err
	}
	facts := []Fact{{Term: T(v.lang, "role.whose"), Value: p.Name(string(v.lang)) + " (" + p.Login + ")"},
		{Term: T(v.lang, "access.step"), Value: T(v.lang, "access.step."+string(c.Step))}}
	switch c.Step {
	case staff.StepEmail:
		before, after := p.Email, c.Email
		if a.State != staff.Open {
			before = ""
		}
		if after == "" {
			after = T(v.lang, "setting.none")
		}
		if before != "" {
			facts = append(facts, Fact{Term: T(v.lang, "setting.now"), Value: before})
		}
		facts = append(facts, Fact{Term: T(v.lang, "setting.then"), Value: after})
	case staff.StepLink:
		facts = append(facts, Fact{Term: T(v.lang, "issuer.subject"), Value: c.Issuer + " " + c.Subject})
	case staff.StepPasskey:
		facts, err = v.passkeyFact(q, facts, c)
	case staff.StepPassword:
		facts = append(facts, Fact{Term: T(v.lang, "access.seen"), Value: T(v.lang, "access.seen.by")})
	}
	return asked{facts: facts}, err
}

// passkeyFact names the passkey that is to go.
func (v *visit) passkeyFact(q pg.Querier, facts []Fact, c staff.Access) ([]Fact, error) {
	keys, err := staff.Passkeys(v.ctx(), q, v.book.ID, c.Person)
	for _, k := range keys {
		if k.ID == *c.Factor {
			facts = append(facts, Fact{Term: T(v.lang, "passkey.one"), Value: k.Name})
		}
	}
	return facts, err
}

// resetPassword makes the new initial password of a request that asks for one, before its transaction begins.
func (v *visit) resetPassword(a staff.Approval) (password, hash string, err error) {
	c, err := staff.ReadAccess(a)
	if err != nil || c.Step != staff.StepPassword {
		return "", "", err
	}
	return v.initialPassword()
}

// resetAccess carries the change out, and tells the person whom it is about.
func (v *visit) resetAccess(tx pgx.Tx, a staff.Approval, hash string) error {
	if err := staff.ChangeAccess(v.ctx(), tx, v.book.ID, a, hash, v.now); err != nil {
		return err
	}
	return v.alarm(tx, a, "mail.access.done")
}

// alarm tells the person that somebody asked to change, or changed, how they sign in.
func (v *visit) alarm(tx pgx.Tx, a staff.Approval, key string) error {
	c, err := staff.ReadAccess(a)
	if err != nil {
		return err
	}
	p, err := staff.ByID(v.ctx(), tx, v.book.ID, c.Person)
	if err != nil {
		return err
	}
	return v.tell(tx, p, key, "/console/me", a.Summary)
}

// showResetPassword shows the new initial password to the admin who gave the last word, this once.
func (v *visit) showResetPassword(a staff.Approval, password string) error {
	c, err := staff.ReadAccess(a)
	if err != nil {
		return err
	}
	p, err := newNames(v).person(c.Person)
	if err != nil {
		return err
	}
	return v.showPassword(p, password)
}
