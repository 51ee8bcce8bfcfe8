package web

import (
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// cardTry is what a form counts under, against card testing.
func (v *visit) cardTry(form giving.Form) payments.Try {
	return payments.Try{Form: form.FormID, IP: v.ip(), Email: form.Email, Campaign: form.CampaignID}
}

// admit tells whether a form may begin a payment: payments.Watch.Admit with what this form brought. The sandbox stands for a card;
// Stripe's own page leaves cards out while they are paused.
func (v *visit) admit(form giving.Form) (answered bool, err error) {
	return v.s.cards.Admit(v.ctx(), v.s.DB, v.book, v.cardTry(form), payments.Answer{Token: v.FormValue("challenge"), Nonce: v.FormValue("work"), Sum: v.FormValue("sum")},
		form.Channel == giving.Sandbox, v.now)
}

// guardForm puts a challenge into the form where one will be asked.
func (v *visit) guardForm(q pg.Querier, c *giving.Campaign, view *giftFormView) error {
	tier, err := v.s.cards.Tier(v.ctx(), q, v.book, v.now)
	if err != nil {
		return err
	}
	view.Paused = tier == payments.TierPaused
	form, err := uuid.Parse(view.Form)
	if err != nil {
		return err
	}
	doubt, err := payments.Doubt(v.ctx(), q, v.book, payments.Try{Form: form, IP: v.ip(), Campaign: c.ID}, v.now)
	if err != nil && !errors.Is(err, payments.ErrTries) { // sending the form will say so
		return err
	}
	if tier == payments.TierNormal && !doubt {
		return nil
	}
	return v.challenge(view, form)
}

func (v *visit) challenge(view *giftFormView, form uuid.UUID) error {
	c, err := payments.NewChallenge(v.book, form, v.now)
	if err != nil {
		return err
	}
	view.Challenge, view.Question = &c, T(v.lang, "give.challenge.sum", c.A, c.B)
	return nil
}

// cardsLift ends an alarm of card testing before its time, on record with who and why.
func (v *visit) cardsLift(reason string) error {
	if len([]rune(reason)) < 3 || len([]rune(reason)) > 500 {
		return payments.ErrReason
	}
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		was, err := payments.DefenceOf(v.ctx(), tx, v.book)
		if err != nil {
			return err
		}
		lifted, err := payments.LiftDefence(v.ctx(), tx, v.book, v.now)
		if err != nil || !lifted {
			return err
		}
		return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: "cards.lift", Object: "cards:alarm", Reason: reason,
			Detail: map[string]any{"tier": was.Tier(v.now), "failed": was.Failed, "paid": was.Paid}})
	})
	if err != nil {
		return err
	}
	v.s.cards.Forget()
	return v.see("/console/payments")
}
