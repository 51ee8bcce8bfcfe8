package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

// What leaves the house on a donor, for the donor to have.
type (
	donorRecordJSON struct {
		Association string            `json:"association"`
		MadeAt      time.Time         `json:"made_at"`
		Told        []donorToldJSON   `json:"told"`
		Gifts       []donorGiftJSON   `json:"gifts"`
		Started     []donorGiftJSON   `json:"started"` // begun and not booked
		Wishes      []donorWishJSON   `json:"wishes"`  // about the name on a gift, after it was given
		Plans       []donorPlanJSON   `json:"plans"`
		Refunds     []donorRefundJSON `json:"refund_requests"`
	}
	donorToldJSON struct {
		ID       uuid.UUID  `json:"id"`
		Name     string     `json:"name,omitempty"`
		Email    string     `json:"email,omitempty"`
		At       time.Time  `json:"at"`
		ErasedAt *time.Time `json:"erased_at,omitempty"`
	}
	donorGiftJSON struct {
		Reference string    `json:"reference"`
		Donor     uuid.UUID `json:"donor"`
		Amount    string    `json:"amount"`
		Refunded  string    `json:"refunded,omitempty"`
		Currency  string    `json:"currency"`
		At        time.Time `json:"at"`
		Channel   string    `json:"channel"`
		Ref       string    `json:"ref,omitempty"` // under which the channel knows it
		Anonymous bool      `json:"anonymous"`
		Message   string    `json:"message,omitempty"`
		Receipts  []string  `json:"receipts,omitempty"` // numbers, void ones too
	}
	donorWishJSON struct {
		Reference string    `json:"reference"`
		Anonymous bool      `json:"anonymous"`
		At        time.Time `json:"at"`
	}
	donorPlanJSON struct {
		Reference    string     `json:"reference"`
		Donor        uuid.UUID  `json:"donor"`
		Campaign     string     `json:"campaign"`
		Amount       string     `json:"amount"`
		Currency     string     `json:"currency"`
		Every        string     `json:"every"`
		Way          string     `json:"way"`
		Day          int        `json:"day"`
		Anonymous    bool       `json:"anonymous"`
		Language     string     `json:"language"`
		State        string     `json:"state"`
		Reason       string     `json:"reason,omitempty"`
		Subscription string     `json:"subscription,omitempty"` // its number at the processor
		Customer     string     `json:"customer,omitempty"`
		At           time.Time  `json:"at"`
		NextOn       string     `json:"next_on"`
		EndedAt      *time.Time `json:"ended_at,omitempty"`
	}
	donorRefundJSON struct {
		Reference string    `json:"reference"` // of the gift
		Amount    string    `json:"amount"`
		Currency  string    `json:"currency"`
		Reason    string    `json:"reason"`
		Note      string    `json:"note,omitempty"`
		State     string    `json:"state"`
		Answer    string    `json:"answer,omitempty"`
		At        time.Time `json:"at"`
	}
)

// donorExport gives the record as a file. Its name tells a number, not a person.
func (v *visit) donorExport() error {
	r, id, err := v.donor("personal.export")
	if err != nil {
		return err
	}
	return v.writeRecord(r, "donor-"+id.String())
}

// writeRecord answers with all that is held on a donor as a file of the name. It is read as of one moment, and answered when it is whole.
func (v *visit) writeRecord(r *giving.DonorRecord, name string) error {
	out := donorRecordJSON{Association: v.book.Name(string(v.lang)), MadeAt: v.now.UTC(), Told: []donorToldJSON{}, Gifts: []donorGiftJSON{}, Started: []donorGiftJSON{},
		Wishes: []donorWishJSON{}, Plans: []donorPlanJSON{}, Refunds: []donorRefundJSON{}}
	for _, d := range r.Donors {
		out.Told = append(out.Told, donorToldJSON{d.ID, d.Name, d.Email, d.CreatedAt.UTC(), d.ErasedAt})
	}
	if err := v.read(func(q pg.Querier) error { return v.fillRecord(q, r, &out) }); err != nil {
		return err
	}
	var body bytes.Buffer
	to := json.NewEncoder(&body)
	to.SetIndent("", "  ")
	if err := to.Encode(out); err != nil {
		return fmt.Errorf("write record of a donor: %w", err)
	}
	v.Response().Header().Set("Content-Disposition", `attachment; filename="`+name+`.json"`)
	return v.Blob(http.StatusOK, "application/json; charset=utf-8", body.Bytes())
}

func (v *visit) fillRecord(q pg.Querier, r *giving.DonorRecord, out *donorRecordJSON) error {
	ids := r.IDs()
	if err := v.recordGifts(q, ids, out); err != nil {
		return err
	}
	started, err := giving.StartedBy(v.ctx(), q, v.book, ids)
	if err != nil {
		return err
	}
	for _, c := range started {
		out.Started = append(out.Started, donorGiftJSON{Reference: giving.Ref(v.book, c.ID), Donor: c.ID, Amount: money.Format(c.Amount, c.Currency), Currency: c.Currency,
			At: c.CreatedAt.UTC(), Channel: c.Channel.Code(), Anonymous: c.Anonymous, Message: c.Message})
	}
	wishes, err := giving.WishesOf(v.ctx(), q, v.book, ids)
	if err != nil {
		return err
	}
	for _, w := range wishes {
		out.Wishes = append(out.Wishes, donorWishJSON{giving.Ref(v.book, w.Gift), w.Anonymous, w.At.UTC()})
	}
	list, err := plans.OfDonors(v.ctx(), q, v.book, ids)
	if err != nil {
		return err
	}
	for _, p := range list {
		c, err := giving.CampaignByID(v.ctx(), q, v.book, p.CampaignID)
		if err != nil {
			return err
		}
		out.Plans = append(out.Plans, donorPlanJSON{giving.Ref(v.book, p.ID), p.Donor, c.Slug, money.Format(p.Amount, p.Currency), p.Currency, p.Every, p.Way, p.Day,
			p.Anonymous, p.Lang, p.State, p.Reason, p.Subscription, p.Customer, p.MadeAt.UTC(), ISODay(p.NextOn), p.EndedAt})
	}
	orders, err := payments.AskedBy(v.ctx(), q, v.book, ids)
	if err != nil {
		return err
	}
	for _, o := range orders {
		out.Refunds = append(out.Refunds, donorRefundJSON{giving.Ref(v.book, o.GiftID), money.Format(o.Amount, o.Currency), o.Currency, o.Reason, o.Note, string(o.State), o.Answer, o.AskedAt.UTC()})
	}
	return nil
}

func (v *visit) recordGifts(q pg.Querier, ids []uuid.UUID, out *donorRecordJSON) error {
	var gifts []uuid.UUID
	err := giving.EachGift(v.ctx(), q, v.book, ids, func(g *giving.Gift) error {
		gifts = append(gifts, g.ID)
		out.Gifts = append(out.Gifts, donorGiftJSON{Reference: giving.Ref(v.book, g.ID), Donor: g.Donor, Amount: money.Format(g.Amount, g.Currency),
			Refunded: money.Format(g.Refunded, g.Currency), Currency: g.Currency, At: g.PaidAt.UTC(), Channel: g.Channel.Code(), Ref: g.Ref, Anonymous: g.Anonymous, Message: g.Message})
		return nil
	})
	if err != nil {
		return err
	}
	of, err := receipts.OfGifts(v.ctx(), q, v.book, gifts)
	if err != nil {
		return err
	}
	for i, id := range gifts {
		for _, one := range of[id] {
			out.Gifts[i].Receipts = append(out.Gifts[i].Receipts, one.Printed())
		}
	}
	return nil
}
