package web

import (
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// refundDecline tells a donor that money is not given back, and why. Nothing moves, so one person may.
func (v *visit) refundDecline() error {
	r, err := v.giftParam()
	if err != nil {
		return err
	}
	id, err := uuid.Parse(v.FormValue("asked"))
	if err != nil {
		return payments.ErrNoOrder
	}
	view := refundView{Form: newForm(), Answer: v.typed("answer", payments.NoteMax+1)}
	o, err := payments.OrderByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	if o.GiftID != r.Gift.ID {
		return payments.ErrNoOrder
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		written, err := payments.DeclineRefund(v.ctx(), tx, v.book, id, view.Answer, v.now)
		if err != nil {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "refund.decline", Object: "gift:" + r.Gift.ID.String(),
			Reason: view.Answer, Detail: map[string]any{"amount": o.Asked, "letter": written}})
	})
	if errors.Is(err, payments.ErrAnswer) {
		if err := v.fillAsked(r, &view); err != nil {
			return err
		}
		return v.refundAgain(http.StatusUnprocessableEntity, r, view, Errors{{"answer", T(v.lang, "refund.answer.wrong")}})
	}
	if err != nil {
		return err
	}
	v.donorAsked()
	return v.see("/console/gifts/" + r.Gift.ID.String() + "/refund")
}
