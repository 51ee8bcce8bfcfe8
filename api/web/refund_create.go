package web

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// refundDraft is the payload of a request to give money of a gift back. Ref is the number under which the refund is then
// made at the processor or bank: when the processor reports it, nothing more is booked.
type refundDraft struct {
	Gift   uuid.UUID `json:"gift"`
	Amount string    `json:"amount"` // decimal, in the gift's currency
	Ref    string    `json:"ref"`
	Reason string    `json:"reason"`
}

// refundCreate asks another person for a refund. Nothing is booked yet.
func (v *visit) refundCreate() error {
	r, err := v.giftParam()
	if err != nil {
		return err
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	view := refundView{Form: form.String(), Amount: v.typed("amount", 40), Ref: v.typed("ref", 100), Reason: v.typed("reason", 1000)}
	var wrong Errors
	minor, err := money.ParseInput(view.Amount, r.Gift.Currency)
	if err != nil || minor <= 0 {
		wrong.Add("amount", T(v.lang, "refund.amount.wrong"))
	}
	if view.Ref == "" {
		wrong.Add("ref", T(v.lang, "refund.ref.wrong"))
	}
	if view.Reason == "" {
		wrong.Add("reason", T(v.lang, "refund.reason.wrong"))
	}
	if len(wrong) > 0 {
		return v.refundAgain(http.StatusUnprocessableEntity, r, view, wrong)
	}
	draft := refundDraft{Gift: r.Gift.ID, Amount: money.Format(minor, r.Gift.Currency), Ref: view.Ref, Reason: view.Reason}
	lines, err := giving.PreviewRefund(v.ctx(), v.s.DB, v.book, v.refunded(r, draft, minor))
	switch {
	case errors.Is(err, giving.ErrRefundTooLarge):
		return v.refundAgain(http.StatusUnprocessableEntity, r, view, Errors{{"amount", problem.Of(err).Title(string(v.lang))}})
	case errors.Is(err, giving.ErrRefReused), err == nil && lines == nil:
		return v.refundAgain(http.StatusUnprocessableEntity, r, view, Errors{{"ref", T(v.lang, "refund.ref.used")}})
	case err != nil:
		return err
	}
	return v.request(staff.Draft{Form: form, Kind: staff.Refund, Amount: asked{lines: lines}.debits(), Payload: draft, Payee: "gift:" + r.Gift.ID.String(),
		Summary: T(v.lang, "refund.summary", r.Ref, Amount(v.lang, money.Money{Minor: minor, Currency: r.Gift.Currency}))})
}

// refunded is the refund as it would be booked now.
func (v *visit) refunded(r *giving.Receipt, d refundDraft, minor int64) giving.Refunded {
	return giving.Refunded{GiftID: r.Gift.ID, Amount: minor, Currency: r.Gift.Currency, RefundedAt: v.now, Channel: r.Gift.Channel, Ref: d.Ref,
		Actor: v.who.Person.ID}
}

// readRefund reads the payload of a request to refund.
func (v *visit) readRefund(q pg.Querier, a staff.Approval) (r *giving.Receipt, d refundDraft, would giving.Refunded, err error) {
	if err := json.Unmarshal(a.Payload, &d); err != nil {
		return nil, d, would, fmt.Errorf("read request %s: %w", a.ID, err)
	}
	if r, err = giving.GiftByID(v.ctx(), q, v.book, d.Gift); err != nil {
		return nil, d, would, err
	}
	minor, err := money.Parse(d.Amount, r.Gift.Currency)
	if err != nil {
		return nil, d, would, fmt.Errorf("read request %s: %w", a.ID, err)
	}
	return r, d, v.refunded(r, d, minor), nil
}

func (v *visit) askedRefund(q pg.Querier, a staff.Approval) (asked, error) {
	r, d, would, err := v.readRefund(q, a)
	if err != nil {
		return asked{}, err
	}
	out := asked{day: v.book.Day(v.now), reason: d.Reason, facts: append(v.leftOfGift(r),
		Fact{Term: T(v.lang, "refund.amount"), Value: Amount(v.lang, money.Money{Minor: would.Amount, Currency: would.Currency})},
		Fact{Term: T(v.lang, "refund.ref"), Value: d.Ref})}
	if a.State == staff.Open {
		out.lines, out.stop = giving.PreviewRefund(v.ctx(), q, v.book, would)
	}
	return out, nil
}

// refund books the money given back.
func (v *visit) refund(tx pgx.Tx, a staff.Approval) (*uuid.UUID, error) {
	_, _, would, err := v.readRefund(tx, a)
	if err != nil {
		return nil, err
	}
	out, err := giving.BookRefunds(v.ctx(), tx, v.book, []giving.Refunded{would})
	if err != nil {
		return nil, err
	}
	if out[0].Err != nil {
		return nil, out[0].Err
	}
	if _, err := receipts.Settle(v.ctx(), tx, v.book, rand.Reader, &would.GiftID, v.now); err != nil {
		return nil, err
	}
	return &out[0].ID, nil
}
