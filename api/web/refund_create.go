package web

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// refundDraft is the payload of a request to give money of a gift back. Ref is the number under which the refund is then
// made at the processor or bank: when the processor reports it, nothing more is booked.
type refundDraft struct {
	Gift   uuid.UUID `json:"gift"`
	Amount string    `json:"amount"` // decimal, in the gift's currency
	Ref    string    `json:"ref"`
	Reason string    `json:"reason"`
	Why    string    `json:"why"`            // one of payments.Reasons: it decides who bears it
	Order  uuid.UUID `json:"order,omitzero"` // when we send it ourselves: its order
}

// refundCreate asks another person for a refund. Nothing is booked yet.
func (v *visit) refundCreate() error {
	r, err := v.giftParam()
	if err != nil {
		return err
	}
	if refused, err := v.refuseMatch(r); refused || err != nil {
		return err
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	view := refundView{Form: form.String(), Amount: v.typed("amount", 40), Ref: v.typed("ref", 100), Reason: v.typed("reason", 1000), Why: v.typed("why", 40),
		Asked: v.typed("asked", 40)}
	sends := v.sends(r)
	var wrong Errors
	minor, err := money.ParseInput(view.Amount, r.Gift.Currency)
	if err != nil || minor <= 0 {
		wrong.Add("amount", T(v.lang, "refund.amount.wrong"))
	}
	if view.Ref == "" && !sends {
		wrong.Add("ref", T(v.lang, "refund.ref.wrong"))
	}
	if _, err := payments.ReasonCause(view.Why); err != nil {
		wrong.Add("why", T(v.lang, "refund.why.wrong"))
	}
	if view.Reason == "" {
		wrong.Add("reason", T(v.lang, "refund.reason.wrong"))
	}
	if len(wrong) > 0 {
		return v.refundAgain(http.StatusUnprocessableEntity, r, view, wrong)
	}
	draft := refundDraft{Gift: r.Gift.ID, Amount: money.Format(minor, r.Gift.Currency), Ref: view.Ref, Reason: view.Reason, Why: view.Why}
	asked, _ := uuid.Parse(view.Asked) // nothing: nobody asked
	if sends {
		if draft.Order = form; asked != uuid.Nil {
			draft.Order = asked
		}
		draft.Ref = draft.Order.String()
	}
	lines, err := giving.PreviewRefund(v.ctx(), v.s.DB, v.book, v.refunded(r, draft, minor))
	switch {
	case errors.Is(err, giving.ErrRefundTooLarge):
		return v.refundAgain(http.StatusUnprocessableEntity, r, view, Errors{{"amount", problem.Of(err).Title(string(v.lang))}})
	case errors.Is(err, giving.ErrRefReused), err == nil && lines == nil:
		return v.refundAgain(http.StatusUnprocessableEntity, r, view, Errors{{"ref", T(v.lang, "refund.ref.used")}})
	case err != nil:
		return err
	}
	request := staff.Draft{Form: form, Kind: staff.Refund, Amount: debitsOf(lines), Payload: draft, Payee: "gift:" + r.Gift.ID.String(),
		Summary: T(v.lang, "refund.summary", r.Ref, Amount(v.lang, money.Money{Minor: minor, Currency: r.Gift.Currency}))}
	err = v.requested(func(tx pgx.Tx) (staff.Approval, error) {
		if sends {
			o := payments.Order{ID: draft.Order, GiftID: r.Gift.ID, Amount: minor, Reason: draft.Why, Note: draft.Reason}
			if err := payments.RequestRefund(v.ctx(), tx, v.book, o, asked, v.now); err != nil {
				return staff.Approval{}, err
			}
		}
		return staff.Request(v.ctx(), tx, v.who, request, v.now)
	})
	if errors.Is(err, payments.ErrInDispute) || errors.Is(err, payments.ErrOrderState) || errors.Is(err, giving.ErrRefundTooLarge) {
		return v.refundAgain(http.StatusConflict, r, view, Errors{{"amount", problem.Of(err).Title(string(v.lang))}})
	}
	return err
}

// debitsOf is what a request is measured by.
func debitsOf(lines []ledger.Line) int64 { return asked{lines: lines}.debits() }

// sends tells whether we send refunds of this gift ourselves; others are made by hand, under a number.
func (v *visit) sends(r *giving.Receipt) bool {
	return r.Gift.Channel == giving.Sandbox || r.Gift.Channel == giving.Stripe && v.s.Stripes[v.book.ID] != nil
}

// refunded is the refund as it would be booked now.
func (v *visit) refunded(r *giving.Receipt, d refundDraft, minor int64) giving.Refunded {
	cause, err := payments.ReasonCause(d.Why)
	if err != nil {
		cause = giving.Outside // of a request made before there were causes
	}
	return giving.Refunded{GiftID: r.Gift.ID, Amount: minor, Currency: r.Gift.Currency, RefundedAt: v.now, Channel: r.Gift.Channel, Ref: d.Ref,
		Actor: v.who.Person.ID, Cause: cause}
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
		Fact{Term: T(v.lang, "refund.why"), Value: T(v.lang, "refund.why."+cmp.Or(d.Why, "other"))}, Fact{Term: T(v.lang, "refund.ref"), Value: d.Ref})}
	if a.State == staff.Open {
		out.lines, out.stop = giving.PreviewRefund(v.ctx(), q, v.book, would)
	}
	return out, nil
}

// dropRefund ends the order of a refund that was rejected or withdrawn; a donor who asked for it is still owed an answer.
func (v *visit) dropRefund(tx pgx.Tx, a staff.Approval) error {
	if a.Kind != staff.Refund || a.State != staff.Rejected && a.State != staff.Withdrawn {
		return nil
	}
	_, d, _, err := v.readRefund(tx, a)
	if err != nil || d.Order == uuid.Nil {
		return err
	}
	return payments.DropRequest(v.ctx(), tx, v.book, d.Order, v.now)
}

// refund books the money given back.
func (v *visit) refund(tx pgx.Tx, a staff.Approval) (*uuid.UUID, error) {
	_, d, would, err := v.readRefund(tx, a)
	if err != nil {
		return nil, err
	}
	if d.Order != uuid.Nil { // the worker sends it, and books it when the processor has it
		return payments.ApproveOrder(v.ctx(), tx, v.book, d.Order, v.who.Person.ID, v.now)
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
