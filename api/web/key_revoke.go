package web

import (
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// keyRevoke ends a key from the next request on.
func (v *visit) keyRevoke() error {
	id, err := uuid.Parse(v.FormValue("key"))
	if err != nil {
		return staff.ErrNoKey
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.RevokeKey(v.ctx(), tx, v.book.ID, id, v.who.Person.ID, v.now)
	})
	if err != nil && !errors.Is(err, staff.ErrNoKey) { // revoked twice is revoked
		return err
	}
	return v.see("/console/keys")
}
