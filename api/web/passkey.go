package web

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// place is where this book's pages are for passkeys and issuers. At a host that is not the book's own there are none.
func (v *visit) place() staff.Site {
	host := v.Request().Host
	site := staff.Site{Name: v.book.Name(string(v.lang)), Origin: v.Scheme() + "://" + host, Host: host}
	if name, _, err := net.SplitHostPort(host); err == nil {
		site.Host = name
	}
	if v.book.Host != "" && v.book.Host != site.Host {
		return staff.Site{Name: site.Name}
	}
	return site
}

// browserHolder is this browser, signed in or not, by a cookie of its own.
func (v *visit) browserHolder() staff.Holder {
	name := "sunfund_browser"
	if v.Scheme() == "https" {
		name = "__Host-" + name
	}
	secret := cookie(v.Context, name)
	if len(secret) < 26 {
		secret = rand.Text()
		v.SetCookie(&http.Cookie{Name: name, Value: secret, Path: "/", MaxAge: int(staff.SessionLife / time.Second), HttpOnly: true,
			Secure: v.Scheme() == "https", SameSite: http.SameSiteLaxMode})
	}
	return staff.BrowserHolder(secret)
}

// passkeyQuestion is what the script asks the device.
type passkeyQuestion struct {
	Token   string `json:"token"`
	Options any    `json:"options"`
}

func wrap(options json.RawMessage, token string, err error) (any, string, error) {
	return options, token, err
}

func (v *visit) passkeyOptions(begin func(pgx.Tx) (any, string, error)) error {
	var q passkeyQuestion
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
		q.Options, q.Token, err = begin(tx)
		return err
	})
	if err != nil {
		return err
	}
	v.Response().Header().Set("Cache-Control", "no-store")
	return v.JSON(http.StatusOK, q)
}

// signInPasskeyOptions asks a browser for any passkey of this site.
func (v *visit) signInPasskeyOptions() error {
	options, token, err := staff.BeginPasskeySignIn(v.ctx(), v.s.DB, v.place(), v.book.ID, v.browserHolder(), v.ip(), v.now)
	if err != nil {
		return err
	}
	v.Response().Header().Set("Cache-Control", "no-store")
	return v.JSON(http.StatusOK, passkeyQuestion{token, options})
}

// signInPasskey opens a session by the passkey's answer.
func (v *visit) signInPasskey() error {
	token, err := staff.PasskeySignIn(v.ctx(), v.s.DB, v.place(), v.book.ID, v.browserHolder(), v.FormValue("token"), []byte(v.FormValue("answer")), v.try(""), v.now)
	if errors.Is(err, staff.ErrWrong) || errors.Is(err, staff.ErrCeremony) {
		return v.signInAgain(http.StatusUnauthorized, "signin.passkey.wrong")
	}
	if err != nil {
		return err
	}
	v.keepSession(token, int(staff.SessionLife/time.Second))
	return v.see(consolePath(v.FormValue("next")))
}

// passkeyAddOptions asks the person's browser to make a passkey.
func (v *visit) passkeyAddOptions() error {
	return v.passkeyOptions(func(tx pgx.Tx) (any, string, error) {
		return wrap(staff.BeginPasskey(v.ctx(), tx, v.place(), v.who, v.now))
	})
}

// passkeyAdd stores the passkey that the browser made.
func (v *visit) passkeyAdd() error {
	name := v.typed("name", 100)
	if name == "" {
		name = T(v.lang, "passkey.unnamed", ISODay(v.businessDay()))
	}
	err := staff.AddPasskey(v.ctx(), v.s.DB, v.place(), v.who, v.FormValue("token"), name, []byte(v.FormValue("answer")), v.now)
	if errors.Is(err, staff.ErrPasskey) || errors.Is(err, staff.ErrCeremony) {
		return v.meAgain(http.StatusUnprocessableEntity, Errors{{"name", T(v.lang, "passkey.wrong")}})
	}
	if err != nil {
		return err
	}
	return v.see("/console/me")
}

// passkeyRemove takes one of one's own passkeys away.
func (v *visit) passkeyRemove() error {
	id, err := uuid.Parse(v.FormValue("passkey"))
	if err != nil {
		return staff.ErrNoPasskey
	}
	me := v.who.Person.ID
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return staff.RemovePasskey(v.ctx(), tx, v.book.ID, me, id, me, v.now) })
	if err != nil && !errors.Is(err, staff.ErrNoPasskey) { // removed twice is removed
		return err
	}
	return v.see("/console/me")
}

type recoveryView struct {
	Page
	Codes []string
}

// recoverySet makes ten new recovery codes, shown this once.
func (v *visit) recoverySet() error {
	view := recoveryView{Page: v.consolePage(T(v.lang, "recovery.title"), "/console/me")}
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
		view.Codes, err = staff.NewRecoveryCodes(v.ctx(), tx, v.who, v.now)
		return err
	})
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/recovery", view)
}
