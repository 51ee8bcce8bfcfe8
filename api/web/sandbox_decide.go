package web

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// sandboxDecide answers POST /sandbox/{session}. It needs no form id: the payment itself is decided once. What comes of
// it reaches us by the processor's event alone, as with a real one.
func (v *visit) sandboxDecide() error {
	s, err := v.session(v.s.DB)
	if err != nil {
		return err
	}
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.PayForm, s.ID.String(), v.ip(), v.now); err != nil {
		return err
	}
	late, err := time.ParseDuration(v.FormValue("late"))
	if err != nil || !slices.Contains(lates, late) {
		late = 0
	}
	decision := payments.Decision{Result: v.FormValue("result"), Duplicate: v.FormValue("twice") != "", Late: late}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		_, err := payments.Decide(v.ctx(), tx, v.book, s.ID, decision, v.now)
		return err
	})
	if errors.Is(err, payments.ErrDecided) {
		view := ErrorView{Page: v.page(T(v.lang, "sandbox.decided.heading")), Status: http.StatusConflict}
		view.Heading, view.What = view.T("sandbox.decided.heading"), view.T("sandbox.decided.what")
		view.Ways = []Link{{view.T("sandbox.back"), s.ReturnURL}}
		return v.s.render.Fail(v.Context, view)
	}
	if err != nil {
		return err
	}
	if v.s.Decided != nil {
		v.s.Decided(v.book)
	}
	return v.see(s.ReturnURL)
}
