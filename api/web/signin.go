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
	Passkeys    bool      // this address can have them
	Issuer      string    // where the issuer's link leads; empty for none
	Password    staff.PasswordRule
}

func (v *visit) signInView() (signInView, error) {
	view := signInView{Page: v.page(T(v.lang, "signin.title")), Login: v.typed("login", 64), Next: consolePath(v.FormValue("next")),
		Changed: v.QueryParam("changed") != "", Passkeys: v.place().Passkeys()}
	view.Path = "/console/sign-in" // the issuer's answer in the address is for nobody's links
	settings, err := staff.ReadSettings(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		return view, err
	}
	view.Password = settings.Password
	if settings.Issuer != "" && v.s.Issuers != nil && v.place().Origin != "" {
		view.Issuer = "/console/sign-in/issuer?next=" + urlQuery(view.Next)
	}
	return view, nil
}

// signInAgain shows the page after another way than the password failed.
func (v *visit) signInAgain(status int, key string) error {
	view, err := v.signInView()
	if err != nil {
		return err
	}
	view.Errors.Add("login", T(v.lang, key))
	return v.s.render.Render(v.Response(), status, "public/sign_in", view)
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
	view, err := v.signInView()
	if err != nil {
		return err
	}
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
	view, err := v.signInView()
	if err != nil {
		return err
	}
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
	return staff.Try{Login: login, Password: v.FormValue("password"), Code: v.typed("code", 40),
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
