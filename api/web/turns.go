package web

import (
	"net/http"

	"sunfund/api/problem"
	"sunfund/ledger/staff"
)

// counted is a page found by a secret in its address: who asks for too many that do not exist waits. Finding one costs
// nothing, so a network full of donors looks at its gifts as often as it likes.
func counted(h handler) handler {
	return func(v *visit) error {
		if err := staff.TurnLeft(v.ctx(), v.s.DB, v.book.ID, staff.LookUp, v.ip(), v.now); err != nil {
			return err
		}
		err := h(v)
		if err != nil && problem.Of(err).Status == http.StatusNotFound {
			if full := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.LookUp, "", v.ip(), v.now); full != nil {
				return full
			}
		}
		return err
	}
}
