package web

import (
	"github.com/jackc/pgx/v5"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger/staff"
)

// denied writes into the audit trail that somebody asked for what is not theirs: refused, or not in their sight, which
// looks the same from outside. The answer is given whether or not that succeeds.
func (v *visit) denied(p problem.Problem) {
	object := v.Request().Method + " " + v.Request().URL.Path
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return staff.RecordDenial(v.ctx(), tx, v.book.ID, v.who.Person.ID, object, p.Type, v.now)
	})
	if err != nil {
		v.s.Log.Error("denied try not recorded", "route", v.Path(), "error", err)
	}
}
