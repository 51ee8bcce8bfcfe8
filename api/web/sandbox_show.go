package web

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

type sandboxView struct {
	Page
	Session string
	Item    string
	Amount  money.Money
	Fee     money.Money
	State   string
	Back    string
	Twice   []Option
	Lates   []Option
}

// lates are the delays that testers may choose for the event.
var lates = []time.Duration{0, 5 * time.Second, 30 * time.Second, 5 * time.Minute}

// sandboxShow answers /sandbox/{session}: the page of the sandbox processor, where a person decides how a payment ends.
func (v *visit) sandboxShow() error {
	s, err := v.session(v.s.DB)
	if err != nil {
		return err
	}
	view := sandboxView{Session: s.ID.String(), Item: s.Title, State: s.State, Back: s.ReturnURL,
		Amount: money.Money{Minor: s.Amount, Currency: s.Currency}, Fee: money.Money{Minor: s.Fee, Currency: v.book.Currency}}
	view.Page = v.page(T(v.lang, "sandbox.title", view.Amount))
	view.Twice = []Option{{Value: "yes", Label: view.T("sandbox.twice")}}
	for _, late := range lates {
		label := view.T("sandbox.late.none")
		if late > 0 {
			label = view.T("sandbox.late.seconds", int64(late/time.Second))
		}
		view.Lates = append(view.Lates, Option{Value: late.String(), Label: label})
	}
	secret(v)
	return v.s.render.Render(v.Response(), http.StatusOK, "public/sandbox", view)
}

// session finds the payment of the address.
func (v *visit) session(q pg.Querier) (*payments.Session, error) {
	id, err := uuid.Parse(v.Param("session"))
	if err != nil {
		return nil, payments.ErrNoSession
	}
	return payments.SessionByID(v.ctx(), q, v.book, id)
}

// secret keeps a page that only its address protects out of search engines.
func secret(v *visit) { v.Response().Header().Set("X-Robots-Tag", "noindex, nofollow") }
