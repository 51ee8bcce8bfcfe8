package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// keyOverlaps are the days offered for which the old key goes on working.
var keyOverlaps = []int{1, 7, 30}

// keyRotate makes a successor of a key; the old one goes on working for some days. The token is shown this once.
func (v *visit) keyRotate() error {
	id, err := uuid.Parse(v.FormValue("key"))
	if err != nil {
		return staff.ErrNoKey
	}
	days := int(v.number("overlap"))
	if !slices.Contains(keyOverlaps, days) {
		return staff.ErrKeyInvalid
	}
	var k staff.Key
	var token string
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
		k, token, err = staff.RotateKey(v.ctx(), tx, v.book.ID, id, v.who.Person.ID, time.Duration(days)*24*time.Hour, v.now)
		return err
	})
	if err != nil {
		return err
	}
	view := onceView{Page: v.consolePage(T(v.lang, "once.key.title"), "/console/keys"), Secret: token, What: T(v.lang, "once.key.what", k.Name),
		Hint: T(v.lang, "once.key.rotated", days), Back: Link{T(v.lang, "once.key.back"), "/console/keys"}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/once", view)
}
