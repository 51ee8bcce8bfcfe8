package web

import (
	"errors"
	"html/template"
	"net/http"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

type meView struct {
	Page
	Login     string
	HasFactor bool
	Sessions  []staff.Session
	Current   uuid.UUID
	Languages []Option
	Spoken    string
	Min       int
	Setup     bool // nothing else is open to this session
	Choose    bool // not even that, before a password of one's own
	Codes     bool // time-based codes are taken here
	Passkeys  []staff.Passkey
	MayKey    bool
	Issuer    string
	Links     []staff.Link
	Recovery  int // codes left
}

func (v *visit) meShow() error { return v.meAgain(http.StatusOK, nil) }

// meAgain shows the page, also after a form on it was wrong.
func (v *visit) meAgain(status int, wrong Errors) error {
	view := meView{Page: v.consolePage(T(v.lang, "place.me"), "/console/me"), Login: v.who.Person.Login, Current: v.who.Session,
		HasFactor: v.who.Person.HasFactor, Spoken: v.who.Person.Lang, Min: staff.PasswordMin,
		Languages: []Option{{Value: string(ZH), Label: "中文"}, {Value: string(EN), Label: "English"}}}
	view.Errors, view.Path = wrong, "/console/me"
	view.Choose = v.who.MustChoose()
	view.Setup, view.Codes, view.MayKey = v.who.MustSetUp(), v.who.Rule() != staff.PasswordNever, v.place().Passkeys()
	if err := v.meFactors(&view); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/me_show", view)
}

// meFactors reads where the person is signed in, and by what they can.
func (v *visit) meFactors(view *meView) (err error) {
	ctx, book, me := v.ctx(), v.book.ID, v.who.Person.ID
	if view.Sessions, err = staff.Sessions(ctx, v.s.DB, book, me, v.now); err != nil {
		return err
	}
	if view.Passkeys, err = staff.Passkeys(ctx, v.s.DB, book, me); err != nil {
		return err
	}
	if view.Links, err = staff.Links(ctx, v.s.DB, book, me); err != nil {
		return err
	}
	if view.Recovery, err = staff.RecoveryLeft(ctx, v.s.DB, book, me); err != nil {
		return err
	}
	settings, err := staff.ReadSettings(ctx, v.s.DB, book)
	if v.s.Issuers != nil {
		view.Issuer = settings.Issuer
	}
	return err
}

// sessionEnd signs out one session of one's own, or all others.
func (v *visit) sessionEnd() error {
	me := v.who.Person.ID
	id, one := uuid.Parse(v.FormValue("session"))
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if one == nil {
			return staff.EndSession(v.ctx(), tx, v.book.ID, me, id, me, v.now)
		}
		all, err := staff.Sessions(v.ctx(), tx, v.book.ID, me, v.now)
		if err != nil {
			return err
		}
		for _, s := range all {
			if s.ID == v.who.Session {
				continue
			}
			if err := staff.EndSession(v.ctx(), tx, v.book.ID, me, s.ID, me, v.now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, staff.ErrNoSession) { // ended meanwhile is what was asked for
		return err
	}
	return v.see("/console/me")
}

// languageSet keeps the language in which the person is spoken to, on this device and in mails.
func (v *visit) languageSet() error {
	lang, ok := parseLang(v.FormValue("lang"))
	if !ok {
		return v.see("/console/me")
	}
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.SetLang(v.ctx(), tx, v.book.ID, v.who.Person.ID, string(lang))
	})
	if err != nil {
		return err
	}
	setPref(v.Context, "lang", string(lang))
	return v.see("/console/me")
}

// passwordSet changes one's own password; all sessions end, this one too.
func (v *visit) passwordSet() error {
	fresh := v.FormValue("fresh")
	hash, err := v.s.Hasher.Hash(v.ctx(), fresh)
	switch {
	case errors.Is(err, staff.ErrPassword):
		return v.meAgain(http.StatusUnprocessableEntity, Errors{{"fresh", T(v.lang, "me.fresh.wrong")}})
	case err != nil:
		return err
	case fresh != v.FormValue("again"):
		return v.meAgain(http.StatusUnprocessableEntity, Errors{{"again", T(v.lang, "me.again.wrong")}})
	}
	if v.who.MustChoose() {
		switch same, err := staff.IsPassword(v.ctx(), v.s.DB, v.s.Hasher, v.who, fresh); {
		case err != nil:
			return err
		case same:
			return v.meAgain(http.StatusUnprocessableEntity, Errors{{"fresh", T(v.lang, "me.fresh.same")}})
		}
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.SetPassword(v.ctx(), tx, v.book.ID, v.who.Person.ID, v.who.Person.ID, hash, v.now)
	})
	if err != nil {
		return err
	}
	return v.signedOutBy()
}

// signedOutBy leads to signing in again after all sessions have ended.
func (v *visit) signedOutBy() error {
	v.keepSession("", -1)
	return v.see("/console/sign-in?changed=1&next=%2Fconsole%2Fme")
}

type factorView struct {
	Page
	Secret, Spaced string
	QR             template.HTML
}

// factorForm offers a fresh secret, as a picture and to be typed.
func (v *visit) factorForm() error {
	if v.who.Person.HasFactor {
		return v.see("/console/me")
	}
	factor, err := staff.NewFactor(v.book.Name(string(v.lang)), v.who.Person.Login)
	if err != nil {
		return err
	}
	return v.factorAgain(http.StatusOK, factor.Secret, nil)
}

func (v *visit) factorAgain(status int, secret string, wrong Errors) error {
	page := v.consolePage(T(v.lang, "factor.title"), "/console/me")
	page.Errors = wrong
	link := "otpauth://totp/" + urlQuery(v.who.Person.Login) + "?secret=" + secret + "&issuer=" + urlQuery(v.book.Code)
	code, err := qrSVG(link, page.T("factor.qr"))
	if err != nil {
		return err
	}
	var spaced strings.Builder
	for i, r := range secret {
		if i > 0 && i%4 == 0 {
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(r)
	}
	return v.s.render.Render(v.Response(), status, "console/factor", factorView{Page: page, Secret: secret, Spaced: spaced.String(), QR: code})
}

// factorSet stores the second factor once a code proves that the phone took it.
func (v *visit) factorSet() error {
	secret := v.typed("secret", 64)
	again := func(status int, wrong Errors) error { return v.factorAgain(status, secret, wrong) }
	if len(secret) < 16 || strings.Trim(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") != "" || v.who.Person.HasFactor {
		return v.see("/console/me/factor")
	}
	me := v.who.Person.ID
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if err := staff.SetFactor(v.ctx(), tx, v.book.ID, me, me, secret, v.typed("code", 20), v.now); err != nil {
			return err
		}
		return staff.Prove(v.ctx(), tx, v.who, staff.ByCode, v.now, v.now)
	})
	if errors.Is(err, staff.ErrCode) {
		return again(http.StatusUnprocessableEntity, Errors{{"code", T(v.lang, "factor.code.wrong")}})
	}
	if err != nil {
		return err
	}
	return v.see("/console/me")
}

// factorRemove takes the second factor away; all sessions end.
func (v *visit) factorRemove() error {
	me := v.who.Person.ID
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.RemoveFactor(v.ctx(), tx, v.book.ID, me, me, v.now)
	})
	if err != nil {
		return err
	}
	return v.signedOutBy()
}
