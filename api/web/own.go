package web

import (
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// ownPath is the donor's own page, opened by a letter and by nothing of the console's.
const ownPath = "/me"

// Cookies of donors. Over https the names bind them to the host.
const (
	donorCookie  = "sunfund_donor" // an open page
	askingCookie = "sunfund_asked" // a browser that asked for a letter
)

func (v *visit) donorCookie(name string) string {
	if v.Scheme() == "https" {
		return "__Host-" + name
	}
	return name
}

func (v *visit) keepDonorCookie(name, value string, seconds int) {
	v.SetCookie(&http.Cookie{Name: v.donorCookie(name), Value: value, Path: "/", MaxAge: seconds, HttpOnly: true, Secure: v.Scheme() == "https", SameSite: http.SameSiteLaxMode})
}

// donorOf is the donor whose page is open in this browser, or giving.ErrNoSession.
func (v *visit) donorOf(q pg.Querier) (uuid.UUID, error) {
	token := cookie(v.Context, v.donorCookie(donorCookie))
	if token == "" {
		return uuid.Nil, giving.ErrNoSession
	}
	return giving.SignedIn(v.ctx(), q, v.book, token, v.now)
}

// owned is a page of the donor's own; who is not signed in is asked to.
func owned(h func(*visit, *giving.DonorRecord) error) handler {
	return func(v *visit) error {
		v.private()
		var r *giving.DonorRecord
		err := v.read(func(q pg.Querier) error {
			id, err := v.donorOf(q)
			if err != nil {
				return err
			}
			r, err = giving.ReadDonor(v.ctx(), q, v.book, id)
			return err
		})
		if errors.Is(err, giving.ErrNoSession) {
			return v.see(ownPath)
		}
		if err != nil {
			return err
		}
		return h(v, r)
	}
}

// private keeps a page out of caches and search engines.
func (v *visit) private() {
	v.Response().Header().Set("Cache-Control", "no-store")
	secret(v)
}

type ownSignInView struct {
	Page
	Email string
	Note  string // why the form is here again
}

func (v *visit) ownSignInForm(status int, email, note string, wrong Errors) error {
	view := ownSignInView{Page: v.page(T(v.lang, "own.heading")), Email: email, Note: note}
	view.Path, view.Errors = ownPath, wrong
	return v.s.render.Render(v.Response(), status, "public/own_sign_in", view)
}

// ownAsk notes that somebody wants a letter. The answer is the same, and as much work, whoever has the address.
func (v *visit) ownAsk() error {
	v.private()
	email := v.typed("email", keptMax)
	if !giving.CheckEmail(email) {
		return v.ownSignInForm(http.StatusUnprocessableEntity, email, "", Errors{{"email", T(v.lang, "gift.email.bad")}})
	}
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.AskLink, giving.Searched(email), v.ip(), v.now); err != nil {
		return err
	}
	browser := cookie(v.Context, v.donorCookie(askingCookie))
	if len(browser) != 43 {
		browser = giving.NewSecret()
	}
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return giving.AskSignIn(v.ctx(), tx, v.book, email, browser, string(v.lang), v.now)
	})
	if err != nil {
		return err
	}
	v.donorAsked()
	v.keepDonorCookie(askingCookie, browser, int(giving.SignInLife.Seconds())*2)
	return v.see(ownPath + "/asked")
}

func (v *visit) donorAsked() {
	if v.s.DonorAsked != nil {
		v.s.DonorAsked(v.book)
	}
}

// ownAsked says that a letter is on its way if there is somebody to get it.
func (v *visit) ownAsked() error {
	v.private()
	return v.s.render.Render(v.Response(), http.StatusOK, "public/own_asked", struct{ Page }{v.page(T(v.lang, "own.asked.heading"))})
}

type ownLinkView struct {
	Page
	Token string
}

// ownLink answers the letter's link with a button: programs that look at links in mail use nothing up.
func (v *visit) ownLink() error {
	v.private()
	token := v.Param("token")
	if err := giving.SignInReady(v.ctx(), v.s.DB, v.book, token, cookie(v.Context, v.donorCookie(askingCookie)), v.now); err != nil {
		return v.ownLinkFailed(err)
	}
	view := ownLinkView{Page: v.page(T(v.lang, "own.link.heading")), Token: token}
	view.Path = ownPath // the link is for nobody's links
	return v.s.render.Render(v.Response(), http.StatusOK, "public/own_link", view)
}

// ownLinkFailed says why a link does not open, and offers a new one.
func (v *visit) ownLinkFailed(err error) error {
	switch {
	case errors.Is(err, giving.ErrSignInLink):
		if full := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.LookUp, "", v.ip(), v.now); full != nil {
			return full
		}
		return v.ownSignInForm(http.StatusNotFound, "", T(v.lang, "own.link.old"), nil)
	case errors.Is(err, giving.ErrSignInBrowser):
		return v.ownSignInForm(http.StatusForbidden, "", T(v.lang, "own.link.browser"), nil)
	}
	return err
}

// ownSignIn uses the link up.
func (v *visit) ownSignIn() error {
	v.private()
	var session string
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
		session, err = giving.SignIn(v.ctx(), tx, v.book, v.Param("token"), cookie(v.Context, v.donorCookie(askingCookie)), v.now)
		return err
	})
	if err != nil {
		return v.ownLinkFailed(err)
	}
	v.keepDonorCookie(askingCookie, "", -1)
	v.keepDonorCookie(donorCookie, session, int(giving.SessionLife.Seconds()))
	return v.see(ownPath)
}

func (v *visit) ownSignOut() error {
	v.private()
	token := cookie(v.Context, v.donorCookie(donorCookie))
	if err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return giving.SignOut(v.ctx(), tx, v.book, token) }); err != nil {
		return err
	}
	v.keepDonorCookie(donorCookie, "", -1)
	return v.see(ownPath)
}
