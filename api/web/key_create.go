package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// errKeyNamed means that a live key has the name already. It makes the same form sent twice one key.
var errKeyNamed = errors.New("a live key has this name")

// keyCreate makes a key for a program; its token is shown this once.
func (v *visit) keyCreate() error {
	form, err := v.FormParams()
	if err != nil {
		return fmt.Errorf("read key form: %w", err)
	}
	name, life, chosen := v.typed("name", 100), v.typed("life", 5), form["scopes"]
	var wrong Errors
	if name == "" {
		wrong.Add("name", T(v.lang, "keys.name.wrong"))
	}
	if len(chosen) == 0 {
		wrong.Add("scopes", T(v.lang, "keys.scopes.wrong"))
	}
	days, err := strconv.Atoi(life)
	if err != nil || !slices.Contains(keyLives, days) {
		wrong.Add("life", T(v.lang, "keys.life.wrong"))
	}
	if len(wrong) > 0 {
		return v.keysAgain(http.StatusUnprocessableEntity, name, chosen, life, wrong)
	}
	scopes := make([]staff.Scope, len(chosen))
	for i, s := range chosen {
		scopes[i] = staff.Scope(s)
	}
	var token string
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		if err := v.freeName(tx, name); err != nil {
			return err
		}
		_, token, err = staff.CreateKey(v.ctx(), tx, v.book.ID, name, scopes, v.who.Person.ID, v.now.AddDate(0, 0, days), v.now)
		return err
	})
	switch {
	case errors.Is(err, errKeyNamed):
		return v.keysAgain(http.StatusUnprocessableEntity, name, chosen, life, Errors{{"name", T(v.lang, "keys.name.taken")}})
	case errors.Is(err, staff.ErrKeyInvalid):
		return v.keysAgain(http.StatusUnprocessableEntity, name, chosen, life, Errors{{"scopes", T(v.lang, "keys.scopes.wrong")}})
	case err != nil:
		return err
	}
	view := onceView{Page: v.consolePage(T(v.lang, "once.key.title"), "/console/keys"), Secret: token, What: T(v.lang, "once.key.what", name),
		Hint: T(v.lang, "once.key.hint"), Back: Link{T(v.lang, "once.key.back"), "/console/keys"}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/once", view)
}

// freeName looks through the keys for a live one of that name.
func (v *visit) freeName(q pg.Querier, name string) error {
	before := uuid.Nil
	for {
		keys, err := staff.Keys(v.ctx(), q, v.book.ID, before, 200)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if k.Name == name && k.RevokedAt == nil && v.now.Before(k.ExpiresAt) {
				return errKeyNamed
			}
		}
		if len(keys) < 200 {
			return nil
		}
		before = keys[len(keys)-1].ID
	}
}
