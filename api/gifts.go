package api

import (
	"net/http"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

// giftJSON is a booked gift. The donor's name is the one the public sees; an e-mail address never leaves by the API.
type giftJSON struct {
	ID           uuid.UUID `json:"id"`        // of the gift and of its entry
	Reference    string    `json:"reference"` // of its public page
	Campaign     string    `json:"campaign"`
	Fund         string    `json:"fund"`
	Amount       string    `json:"amount"`
	Currency     string    `json:"currency"`
	Fee          string    `json:"fee"` // in the book's currency
	PaidAt       time.Time `json:"paid_at"`
	Channel      string    `json:"channel"`
	Ref          string    `json:"ref"`
	ProcessorRef string    `json:"processor_ref,omitempty"`
	Anonymous    bool      `json:"anonymous"`
	DonorName    string    `json:"donor_name,omitempty"`
	Message      string    `json:"message,omitempty"`
	Refunded     string    `json:"refunded,omitempty"` // when read, not when booked: it changes
}

func (c *call) giftOf(g *giving.Gift, campaign, fund string) giftJSON {
	return giftJSON{ID: g.ID, Reference: giving.Ref(c.book, g.ID), Campaign: campaign, Fund: fund,
		Amount: money.Format(g.Amount, g.Currency), Currency: g.Currency, Fee: money.Format(g.Fee, c.book.Currency),
		PaidAt: g.PaidAt.UTC(), Channel: g.Channel.Code(), Ref: g.Ref, ProcessorRef: g.ProcessorRef,
		Anonymous: g.Anonymous, DonorName: g.ShownName(), Message: g.Message}
}

func (c *call) gifts() error {
	limit, err := c.limit()
	if err != nil {
		return err
	}
	from, to, err := c.period()
	if err != nil {
		return err
	}
	before, err := c.beforeID()
	if err != nil {
		return err
	}
	var campaign int32
	if slug := c.QueryParam("campaign"); slug != "" {
		g, err := giving.CampaignBySlug(c.ctx(), c.s.DB, c.book, slug)
		if err != nil {
			return err
		}
		campaign = g.ID
	}
	filter := giving.ListFilter{CampaignID: campaign, Ref: c.QueryParam("ref"), From: c.midnight(from), To: c.midnight(to.AddDate(0, 0, 1)), Before: before, Limit: limit + 1}
	list, err := giving.FilterGifts(c.ctx(), c.s.DB, c.book, filter)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, pageOf(list, limit, c.readGift, func(g *giving.Listed) string { return g.ID.String() }))
}

func (c *call) readGift(g *giving.Listed) giftJSON {
	j := c.giftOf(&g.Gift, g.Campaign, g.Fund)
	j.Refunded = money.Format(g.Refunded, g.Currency)
	return j
}

// midnight is when a day begins for the book; zero for no day.
func (c *call) midnight(day time.Time) time.Time {
	if day.Year() < 1900 {
		return time.Time{}
	}
	return c.book.Begin(day)
}

type refundJSON struct {
	ID         uuid.UUID `json:"id"`
	Amount     string    `json:"amount"`
	Fee        string    `json:"fee"`
	RefundedAt time.Time `json:"refunded_at"`
	Ref        string    `json:"ref"`
	Cause      string    `json:"cause"`
}

// happenedJSON is a line of the history that the gift's page shows donor and accountant.
type happenedJSON struct {
	At     time.Time `json:"at"`
	What   string    `json:"what"`
	Amount string    `json:"amount"`
	Answer string    `json:"answer,omitempty"`
}

// orderJSON is a refund on its way.
type orderJSON struct {
	ID      uuid.UUID `json:"id"`
	Amount  string    `json:"amount"`
	Reason  string    `json:"reason"`
	ByDonor bool      `json:"by_donor"`
	State   string    `json:"state"`
	AskedAt time.Time `json:"asked_at"`
	Ref     string    `json:"ref,omitempty"`
}

// giftDetailJSON is a gift with what became of it.
type giftDetailJSON struct {
	giftJSON
	EffectiveOn string         `json:"effective_on"`
	RecordedAt  time.Time      `json:"recorded_at"`
	Refunds     []refundJSON   `json:"refunds"`
	Orders      []orderJSON    `json:"refund_orders"`
	History     []happenedJSON `json:"refund_history"`
}

func (c *call) gift() error {
	id, err := uuid.Parse(c.Param("id"))
	if err != nil {
		return giving.ErrNoGift
	}
	r, err := giving.GiftByID(c.ctx(), c.s.DB, c.book, id)
	if err != nil {
		return err
	}
	j := giftDetailJSON{giftJSON: c.giftOf(&r.Gift, r.Campaign.Slug, r.Fund.Code), EffectiveOn: r.EffectiveOn.Format(time.DateOnly),
		RecordedAt: r.RecordedAt.UTC(), Refunds: []refundJSON{}, Orders: []orderJSON{}, History: []happenedJSON{}}
	j.giftJSON.Refunded = money.Format(r.Gift.Refunded, r.Gift.Currency)
	for _, b := range r.Refunds {
		j.Refunds = append(j.Refunds, refundJSON{b.ID, money.Format(b.Amount, r.Gift.Currency),
			money.Format(b.Fee, c.book.Currency), b.RefundedAt.UTC(), b.Ref, string(b.Cause)})
	}
	orders, err := payments.OrdersOf(c.ctx(), c.s.DB, c.book, id)
	if err != nil {
		return err
	}
	for _, o := range orders {
		j.Orders = append(j.Orders, orderJSON{o.ID, money.Format(o.Amount, o.Currency), o.Reason, o.ByDonor, string(o.State), o.AskedAt.UTC(), o.Ref})
	}
	history, err := payments.HistoryOf(c.ctx(), c.s.DB, c.book, r)
	if err != nil {
		return err
	}
	for _, h := range history {
		j.History = append(j.History, happenedJSON{h.At.UTC(), h.What, money.Format(h.Amount, r.Gift.Currency), h.Answer})
	}
	return c.JSON(http.StatusOK, j)
}
