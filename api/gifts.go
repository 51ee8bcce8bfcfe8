package api

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
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

// listedGift is a gift with the names of what it belongs to.
type listedGift struct {
	giving.Gift
	Campaign string
	Fund     string
}

const (
	listedColumns = `
select g.id, g.campaign_id, g.fund_id, g.amount, g.ccy as currency, g.fee, g.paid_at, g.channel, g.anonymity = 1 as anonymous,
       g.ref, coalesce(g.processor_ref, '') as processor_ref, coalesce(g.message, '') as message, coalesce(d.name, '') as name,
       coalesce((select sum(r.amount) from refund r where r.book_id = g.book_id and r.gift_id = g.id), 0)::int8 as refunded,
       c.slug as campaign, f.code as fund
  from gift g
  join campaign c on c.book_id = g.book_id and c.campaign_id = g.campaign_id
  join fund f on f.book_id = g.book_id and f.fund_id = g.fund_id
  left join donor d on d.book_id = g.book_id and d.id = g.donor_id`

	sqlGiftsFiltered = listedColumns + `
 where g.book_id = $1 and g.id < $2 and ($3 = 0 or g.campaign_id = $3) and ($4 = '' or g.ref = $4)
   and ($5::timestamptz is null or g.paid_at >= $5) and ($6::timestamptz is null or g.paid_at < $6)
 order by g.id desc limit $7`

	sqlGiftsByRef = listedColumns + `
  join unnest($2::int2[], $3::text[]) u(channel, ref) on u.channel = g.channel and u.ref = g.ref
 where g.book_id = $1`
)

func scanListed(row pgx.CollectableRow) (listedGift, error) {
	return pgx.RowToStructByNameLax[listedGift](row)
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
	before := uuid.Max
	if text := c.QueryParam("cursor"); text != "" {
		if before, err = uuid.Parse(text); err != nil {
			return ledger.ErrCursor
		}
	}
	var campaign int32
	if slug := c.QueryParam("campaign"); slug != "" {
		g, err := giving.CampaignBySlug(c.ctx(), c.s.DB, c.book, slug)
		if err != nil {
			return err
		}
		campaign = g.ID
	}
	rows, err := c.s.DB.Query(c.ctx(), sqlGiftsFiltered, c.book.ID, before, campaign, c.QueryParam("ref"),
		c.midnight(from), c.midnight(to.AddDate(0, 0, 1)), limit+1)
	if err != nil {
		return fmt.Errorf("list gifts: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanListed)
	if err != nil {
		return fmt.Errorf("list gifts: %w", err)
	}
	return c.JSON(http.StatusOK, pageOf(list, limit, c.readGift, func(g *listedGift) string { return g.ID.String() }))
}

func (c *call) readGift(g *listedGift) giftJSON {
	j := c.giftOf(&g.Gift, g.Campaign, g.Fund)
	j.Refunded = money.Format(g.Refunded, g.Currency)
	return j
}

// midnight is when a day begins for the book; nil for no day.
func (c *call) midnight(day time.Time) *time.Time {
	if day.Year() < 1900 {
		return nil
	}
	at := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, c.book.Zone)
	return &at
}

type refundJSON struct {
	ID         uuid.UUID `json:"id"`
	Amount     string    `json:"amount"`
	Fee        string    `json:"fee"`
	RefundedAt time.Time `json:"refunded_at"`
	Ref        string    `json:"ref"`
}

// giftDetailJSON is a gift with what became of it.
type giftDetailJSON struct {
	giftJSON
	EffectiveOn string       `json:"effective_on"`
	RecordedAt  time.Time    `json:"recorded_at"`
	Refunds     []refundJSON `json:"refunds"`
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
		RecordedAt: r.RecordedAt.UTC(), Refunds: []refundJSON{}}
	j.giftJSON.Refunded = money.Format(r.Gift.Refunded, r.Gift.Currency)
	for _, b := range r.Refunds {
		j.Refunds = append(j.Refunds, refundJSON{b.ID, money.Format(b.Amount, r.Gift.Currency),
			money.Format(b.Fee, c.book.Currency), b.RefundedAt.UTC(), b.Ref})
	}
	return c.JSON(http.StatusOK, j)
}
