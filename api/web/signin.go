package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

type signInView struct {
	Page
	Login, Next string
	Changed     bool      // comes from changing the password or the second factor
	Until       time.Time // too many tries: when the next one counts
}

func (v *visit) signInView() signInView {
	page := v.page(T(v.lang, "signin.title"))
	return signInView{Page: page, Login: v.typed("login", 64), Next: consolePath(v.FormValue("next")), Changed: v.QueryParam("changed") != ""}
}

// consolePath is where to go after signing in: a page of the console, never another site.
func consolePath(next string) string {
	next = backPath(next)
	if next != "/console" && !strings.HasPrefix(next, "/console/") && !strings.HasPrefix(next, "/console?") ||
		strings.HasPrefix(next, "/console/sign-") {
		return "/console"
	}
	return next
}

func (v *visit) signInForm() error {
	view := v.signInView()
	switch err := v.identify(); {
	case err == nil:
		return v.see(view.Next)
	case !errors.Is(err, staff.ErrNoSession):
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/sign_in", view)
}

// signIn opens a session. A wrong name, password or code give the same answer.
func (v *visit) signIn() error {
	view := v.signInView()
	token, err := staff.SignIn(v.ctx(), v.s.DB, v.s.Hasher, v.book.ID, v.try(view.Login), v.now)
	var wait staff.TooMany
	switch {
	case errors.As(err, &wait):
		view.Until = v.now.Add(wait.RetryAfter)
		view.Errors.Add("login", T(v.lang, "signin.many", When(v.lang, view.Until.Add(time.Minute), v.book.Zone)))
		v.Response().Header().Set("Retry-After", strconv.Itoa(max(1, int(wait.RetryAfter/time.Second))))
		return v.s.render.Render(v.Response(), http.StatusTooManyRequests, "public/sign_in", view)
	case errors.Is(err, staff.ErrWrong):
		view.Errors.Add("login", T(v.lang, "signin.wrong"))
		return v.s.render.Render(v.Response(), http.StatusUnauthorized, "public/sign_in", view)
	case err != nil:
		return err
	}
	v.keepSession(token, int(staff.SessionLife/time.Second))
	return v.see(view.Next)
}

func (v *visit) try(login string) staff.Try {
	return staff.Try{Login: login, Password: v.FormValue("password"), Code: v.typed("code", 20),
		Device: v.Request().UserAgent(), IP: v.ip()}
}

// keepSession puts the token into the browser; seconds below zero take it away.
func (v *visit) keepSession(token string, seconds int) {
	v.SetCookie(&http.Cookie{Name: v.cookieName(), Value: token, Path: "/", MaxAge: seconds, HttpOnly: true,
		Secure: v.Scheme() == "https", SameSite: http.SameSiteLaxMode})
}

func (v *visit) signOut() error {
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.EndSession(v.ctx(), tx, v.book.ID, v.who.Person.ID, v.who.Session, v.who.Person.ID, v.now)
	})
	if err != nil && !errors.Is(err, staff.ErrNoSession) {
		return err
	}
	v.keepSession("", -1)
	return v.see("/console/sign-in")
}

// prove asks for the password (and code) once more before something is changed that a borrowed, open desk must not
// change. Its tries count like those of signing in. The session that proves it is ended at once.
func (v *visit) prove() error {
	token, err := staff.SignIn(v.ctx(), v.s.DB, v.s.Hasher, v.book.ID, v.try(v.who.Person.Login), v.now)
	if err != nil {
		return err
	}
	proof, _, err := staff.Lookup(v.ctx(), v.s.DB, v.book.ID, token, v.now)
	if err != nil {
		return err
	}
	return pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.EndSession(v.ctx(), tx, v.book.ID, proof.Person.ID, proof.Session, proof.Person.ID, v.now)
	})
}
