package web

import (
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// signInIssuer sends a browser to the book's issuer to sign in there.
func (v *visit) signInIssuer() error {
	if v.s.Issuers == nil || v.place().Origin == "" {
		return staff.ErrLink
	}
	way, err := v.s.Issuers.BeginSignIn(v.ctx(), v.s.DB, v.place(), v.book.ID, v.browserHolder(), v.ip(), stored(consolePath(v.QueryParam("next"))), v.now)
	if errors.Is(err, staff.ErrIssuer) {
		v.s.Log.Warn("issuer", "error", err)
		return v.signInAgain(http.StatusServiceUnavailable, "signin.issuer.down")
	}
	if err != nil {
		return err
	}
	return v.see(way)
}

// issuerReturn takes the issuer's answer: a sign-in, a confirmation or a new link, as its state says.
func (v *visit) issuerReturn() error {
	if v.s.Issuers == nil {
		return staff.ErrLink
	}
	v.Response().Header().Set("Cache-Control", "no-store")
	a := staff.Returned{Code: v.QueryParam("code"), State: v.QueryParam("state"), Issuer: v.QueryParam("iss")}
	if a.Own() {
		return v.issuerReturnOwn(a)
	}
	token, next, err := v.s.Issuers.SignIn(v.ctx(), v.s.DB, v.place(), v.book.ID, v.browserHolder(), a, v.try(""), v.now)
	switch {
	case errors.Is(err, staff.ErrIssuer):
		v.s.Log.Warn("issuer", "error", err)
		return v.signInAgain(http.StatusServiceUnavailable, "signin.issuer.down")
	case errors.Is(err, staff.ErrWrong), errors.Is(err, staff.ErrCeremony):
		return v.signInAgain(http.StatusUnauthorized, "signin.issuer.wrong")
	case err != nil:
		return err
	}
	v.keepSession(token, int(staff.SessionLife/time.Second))
	return v.see(consolePath(next))
}

func (v *visit) issuerReturnOwn(a staff.Returned) error {
	if err := v.identify(); err != nil {
		return err
	}
	if a.Links() {
		err := v.s.Issuers.Link(v.ctx(), v.s.DB, v.place(), v.who, a, v.now)
		switch {
		case errors.Is(err, staff.ErrLinkTaken):
			return v.meAgain(http.StatusConflict, Errors{{"issuer", T(v.lang, "issuer.taken")}})
		case errors.Is(err, staff.ErrWrong), errors.Is(err, staff.ErrCeremony):
			return v.meAgain(http.StatusUnprocessableEntity, Errors{{"issuer", T(v.lang, "signin.issuer.wrong")}})
		case err != nil:
			return err
		}
		return v.see("/console/me")
	}
	kept, err := v.s.Issuers.Confirm(v.ctx(), v.s.DB, v.place(), v.who, a, v.now)
	if errors.Is(err, staff.ErrWrong) || errors.Is(err, staff.ErrCeremony) {
		view := NewErrorView(v.consolePage("", ""), http.StatusUnprocessableEntity)
		view.Heading, view.What, view.Next = T(v.lang, "confirm.title"), T(v.lang, "confirm.wrong"), T(v.lang, "confirm.again")
		view.Title, view.Ways = view.Heading, []Link{{T(v.lang, "place.today"), "/console"}}
		return v.s.render.Fail(v.Context, view)
	}
	if err != nil {
		return err
	}
	return v.goOn(kept)
}

type issuerView struct {
	Page
	Issuer, Way string
}

// issuerLink leads to the issuer, to link who one is there. A link of its own, since a form may not end elsewhere.
func (v *visit) issuerLink() error {
	settings, err := staff.ReadSettings(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		return err
	}
	if settings.Issuer == "" || v.s.Issuers == nil {
		return staff.ErrLink
	}
	view := issuerView{Page: v.consolePage(T(v.lang, "issuer.title"), "/console/me"), Issuer: settings.Issuer}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		state, err := v.s.Issuers.BeginLink(v.ctx(), tx, v.who, v.now)
		view.Way = "/console/confirm/issuer?state=" + urlQuery(state)
		return err
	})
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/issuer", view)
}

// issuerUnlink takes away who one is at an issuer.
func (v *visit) issuerUnlink() error {
	id, err := uuid.Parse(v.FormValue("link"))
	if err != nil {
		return staff.ErrNoLink
	}
	me := v.who.Person.ID
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return staff.UnlinkIdentity(v.ctx(), tx, v.book.ID, me, id, me, v.now) })
	if err != nil && !errors.Is(err, staff.ErrNoLink) {
		return err
	}
	return v.see("/console/me")
}
