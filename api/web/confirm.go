package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// Fields by which the page "confirm it is you" answers; a form's own fields have no such names.
const (
	confirmPassword = "confirm_password"
	confirmCode     = "confirm_code"
	confirmToken    = "confirm_token"
	confirmAnswer   = "confirm_answer"
)

// notKept are fields that never stand in a page again: secrets.
var notKept = []string{"password", "fresh", "again", confirmPassword, confirmCode, confirmToken, confirmAnswer}

// fresh is a handler that wants the person to have proved themselves within staff.FreshFor. Otherwise it answers with a
// page that asks for it and holds what the form sent; sent again with the proof, it is carried out.
func fresh(h handler) handler {
	return func(v *visit) error {
		if staff.Fresh(v.who, v.now) {
			return h(v)
		}
		return v.confirmThen(h)
	}
}

type confirmView struct {
	Page
	Action  string
	Fields  []Option // what the form sent: name and value
	Code    bool     // a code is asked beside the password
	Passkey bool
	Issuer  string // where the issuer's link leads; empty for none
	Back    string
}

// confirmThen takes the proof that the form carries and goes on, or asks for one.
func (v *visit) confirmThen(h handler) error {
	if v.Request().Method != http.MethodPost || v.FormValue(confirmPassword) == "" && v.FormValue(confirmAnswer) == "" {
		return v.confirmAsk(http.StatusForbidden, nil)
	}
	err := v.confirmProof()
	var wait staff.TooMany
	switch {
	case errors.As(err, &wait):
		v.Response().Header().Set("Retry-After", strconv.Itoa(max(1, int(wait.RetryAfter/time.Second))))
		until := v.now.Add(wait.RetryAfter + time.Minute)
		return v.confirmAsk(http.StatusTooManyRequests, Errors{{confirmPassword, T(v.lang, "signin.many", When(v.lang, until, v.book.Zone))}})
	case errors.Is(err, staff.ErrWrong), errors.Is(err, staff.ErrCeremony):
		return v.confirmAsk(http.StatusUnprocessableEntity, Errors{{confirmPassword, T(v.lang, "confirm.wrong")}})
	case err != nil:
		return err
	}
	if err := v.identify(); err != nil { // who it is, as of now
		return err
	}
	if !staff.Fresh(v.who, v.now) {
		return v.confirmAsk(http.StatusUnprocessableEntity, Errors{{confirmPassword, T(v.lang, "confirm.wrong")}})
	}
	return h(v)
}

func (v *visit) confirmProof() error {
	if answer := v.FormValue(confirmAnswer); answer != "" {
		return staff.ConfirmPasskey(v.ctx(), v.s.DB, v.place(), v.who, v.FormValue(confirmToken), []byte(answer), v.now)
	}
	return staff.Confirm(v.ctx(), v.s.DB, v.s.Hasher, v.who, staff.Try{Password: v.FormValue(confirmPassword),
		Code: v.typed(confirmCode, 40), Device: v.Request().UserAgent(), IP: v.ip()}, v.now)
}

// confirmAsk shows the page that asks for a proof, with what the form sent.
func (v *visit) confirmAsk(status int, wrong Errors) error {
	kept := staff.Kept{Path: v.Request().URL.Path, Form: url.Values{}}
	view := confirmView{Page: v.consolePage(T(v.lang, "confirm.title"), ""), Action: kept.Path, Code: v.who.Person.HasFactor || v.who.Rule() != staff.PasswordAlone, Back: "/console"}
	view.Errors, view.Path = wrong, "/console"
	if v.Request().Method != http.MethodPost {
		kept = staff.Kept{Next: withoutText(v.Request().URL)}
		view.Action, view.Fields = "/console/confirm", []Option{{Label: "next", Value: v.Request().URL.RequestURI()}}
	} else {
		form, err := v.FormParams()
		if err != nil {
			return err
		}
		for name, values := range form {
			if slices.Contains(notKept, name) || v.QueryParams().Has(name) {
				continue
			}
			kept.Form[name] = values
			for _, value := range values {
				view.Fields = append(view.Fields, Option{Label: name, Value: value})
			}
		}
		slices.SortStableFunc(view.Fields, func(a, b Option) int { return strings.Compare(a.Label, b.Label) })
	}
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return v.confirmWays(tx, &view, kept) })
	if err != nil {
		return err
	}
	v.Response().Header().Set("Cache-Control", "no-store")
	return v.s.render.Render(v.Response(), status, "console/confirm", view)
}

// withoutText is an address as it may be stored: without what was searched for, which may be a donor's name, and then as a
// page and not as a file, which would hold more than was asked for.
func withoutText(u *url.URL) string {
	query := u.Query()
	if query.Has("q") || query.Has("ask") { // the address of a list with its filter
		query.Del("q")
		query.Del("ask")
		query.Del("format")
	}
	return (&url.URL{Path: u.Path, RawQuery: query.Encode()}).RequestURI()
}

// stored is withoutText of an address in words.
func stored(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return "/console"
	}
	return withoutText(u)
}

// confirmWays offers what the person has beside the password.
func (v *visit) confirmWays(tx pgx.Tx, view *confirmView, kept staff.Kept) error {
	keys, err := staff.Passkeys(v.ctx(), tx, v.book.ID, v.who.Person.ID)
	if err != nil {
		return err
	}
	view.Passkey = v.place().Passkeys() && slices.ContainsFunc(keys, func(k staff.Passkey) bool { return k.StoppedAt == nil })
	links, err := staff.Links(v.ctx(), tx, v.book.ID, v.who.Person.ID)
	if err != nil || len(links) == 0 || v.s.Issuers == nil {
		return err
	}
	state, err := v.s.Issuers.BeginConfirm(v.ctx(), tx, v.who, kept, v.now)
	if errors.Is(err, staff.ErrLink) {
		return nil // the association has no issuer any more
	}
	view.Issuer = "/console/confirm/issuer?state=" + urlQuery(state)
	return err
}

// confirm goes to a page that wanted a proof, once there is one.
func (v *visit) confirm() error { return v.see(consolePath(v.FormValue("next"))) }

// confirmIssuer sends the browser to the issuer, to prove who it is there.
func (v *visit) confirmIssuer() error {
	if v.s.Issuers == nil {
		return staff.ErrLink
	}
	way, err := v.s.Issuers.Way(v.ctx(), v.s.DB, v.place(), v.who, v.QueryParam("state"), v.now)
	if err != nil {
		return err
	}
	return v.see(way)
}

// confirmPasskeyOptions asks the browser for one of the person's passkeys.
func (v *visit) confirmPasskeyOptions() error {
	return v.passkeyOptions(func(tx pgx.Tx) (any, string, error) {
		return wrap(staff.BeginPasskeyConfirm(v.ctx(), tx, v.place(), v.who, v.now))
	})
}

type goOnView struct {
	Page
	Action string
	Fields []Option
}

// goOn shows what was typed before the way to the issuer, to be sent by one click. It is the person who sends it, from
// our own page: what is waiting in an address could be sent by anybody.
func (v *visit) goOn(kept staff.Kept) error {
	if kept.Path == "" {
		return v.see(consolePath(kept.Next))
	}
	view := goOnView{Page: v.consolePage(T(v.lang, "confirm.done"), ""), Action: kept.Path}
	view.Path = "/console"
	for name, values := range kept.Form {
		for _, value := range values {
			view.Fields = append(view.Fields, Option{Label: name, Value: value})
		}
	}
	slices.SortStableFunc(view.Fields, func(a, b Option) int { return strings.Compare(a.Label, b.Label) })
	v.Response().Header().Set("Cache-Control", "no-store")
	return v.s.render.Render(v.Response(), http.StatusOK, "console/go_on", view)
}
