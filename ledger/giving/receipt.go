package giving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Gift is a paid gift as it stands. Personal is for staff: the public sees ShownName and Message.
type Gift struct {
	ID           uuid.UUID
	CampaignID   int32
	FundID       int32
	Amount       int64 // minor units of Currency
	Currency     string
	Fee          int64 // minor units of the book's currency
	PaidAt       time.Time
	Channel      Channel
	Anonymous    bool
	Ref          string
	ProcessorRef string
	Personal
	Donor    uuid.UUID // nil: the donor told nothing
	Erased   bool      // what the donor told was erased
	Refunded int64     // minor units of Currency
}

// ShownName is the name that the public sees; empty means 爱心人士 / a kind person.
func (g *Gift) ShownName() string {
	if g.Anonymous {
		return ""
	}
	return g.Name
}

// Refund is money of a gift given back.
type Refund struct {
	ID           uuid.UUID
	Amount       int64 // minor units of the gift's currency
	Fee          int64 // minor units of the book's currency; negative when the processor gave it back
	RefundedAt   time.Time
	Ref          string
	ProcessorRef string
	Cause        Cause
}

const (
	giftColumns = `g.id, g.campaign_id, g.fund_id, g.amount, g.ccy, g.fee, g.paid_at, g.channel, ` + giftAnonymous + `, g.ref,
       coalesce(g.processor_ref, ''),
       coalesce((select sum(r.amount) from ` + StandingRefund + ` r where r.book_id = g.book_id and r.gift_id = g.id), 0)::int8, ` + donorColumns

	giftTables = `gift g` + donorTables

	sqlGiftsOfCampaign = `
select ` + giftColumns + ` from ` + giftTables + `
 where g.book_id = $1 and g.campaign_id = $2 and g.id < $3 order by g.id desc limit $4`

	sqlGifts = `
select ` + giftColumns + ` from ` + giftTables + `
 where g.book_id = $1 and g.id < $2 order by g.id desc limit $3`

	sqlGiftByID = `select ` + giftColumns + ` from ` + giftTables + ` where g.book_id = $1 and g.id = $2`

	sqlReceiptFund = `
select fund_id, code, kind, name_zh, name_en, purpose_zh, purpose_en, street_id, fee_bearer
  from fund where book_id = $1 and fund_id = $2`

	sqlReceiptRefunds = `
select id, amount, fee, refunded_at, ref, coalesce(processor_ref, ''), cause
  from ` + StandingRefund + ` r where r.book_id = $1 and r.gift_id = $2 order by id`

	sqlReceiptEntry = `select recorded_at, effective_on from entry where book_id = $1 and id = $2`
)

// ListGifts gives up to limit gifts, latest started first, before the one named by before (nil id: from the start),
// of one campaign or, with campaign 0, of the book.
func ListGifts(ctx context.Context, q pg.Querier, book *ledger.Book, campaign int32, before uuid.UUID, limit int) ([]Gift, error) {
	if before == uuid.Nil {
		before = uuid.Max
	}
	var rows pgx.Rows
	var err error
	if campaign == 0 {
		rows, err = q.Query(ctx, sqlGifts, book.ID, before, pageSize(limit))
	} else {
		rows, err = q.Query(ctx, sqlGiftsOfCampaign, book.ID, campaign, before, pageSize(limit))
	}
	if err != nil {
		return nil, fmt.Errorf("list gifts: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanGift(book))
	if err != nil {
		return nil, fmt.Errorf("list gifts: %w", err)
	}
	return list, nil
}

// RecentGift is a gift as a campaign's page shows it, without personal data its donor keeps back.
type RecentGift struct {
	ID       uuid.UUID // the cursor of the page; public links use Ref
	Name     string    // empty: 爱心人士 / a kind person
	Amount   int64
	Currency string
	Message  string
	Erased   bool // what the donor told was erased
	PaidAt   time.Time
}

// RecentGifts gives a campaign's latest gifts, before the one named by before (nil id: from the start).
func RecentGifts(ctx context.Context, q pg.Querier, book *ledger.Book, campaign int32, before uuid.UUID, limit int) ([]RecentGift, error) {
	gifts, err := ListGifts(ctx, q, book, campaign, before, limit)
	if err != nil {
		return nil, err
	}
	list := make([]RecentGift, len(gifts))
	for i := range gifts {
		g := &gifts[i]
		list[i] = RecentGift{g.ID, g.ShownName(), g.Amount, g.Currency, g.Message, g.Erased, g.PaidAt}
	}
	return list, nil
}

// scanGift reads giftColumns and what else a query has behind them, and opens what the donor told.
func scanGift(book *ledger.Book, more ...any) pgx.RowToFunc[Gift] {
	return func(row pgx.CollectableRow) (g Gift, err error) {
		var s sealed
		err = row.Scan(append(s.targets(&g.ID, &g.CampaignID, &g.FundID, &g.Amount, &g.Currency, &g.Fee, &g.PaidAt, &g.Channel, &g.Anonymous, &g.Ref,
			&g.ProcessorRef, &g.Refunded), more...)...)
		if err != nil {
			return g, err
		}
		return g, g.told(book, &s)
	}
}

// told opens what the donor told of themselves.
func (g *Gift) told(book *ledger.Book, s *sealed) (err error) {
	g.Personal, err = s.open(book, g.ID)
	if g.Erased = s.erased(); s.donor != nil {
		g.Donor = *s.donor
	}
	return err
}

func oneGift(ctx context.Context, q pg.Querier, book *ledger.Book, sql string, args ...any) (*Gift, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read gift: %w", err)
	}
	g, err := pgx.CollectExactlyOneRow(rows, scanGift(book))
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %v", ErrNoGift, args[1])
	}
	if err != nil {
		return nil, fmt.Errorf("read gift: %w", err)
	}
	return &g, nil
}

// Receipt is all that the gift's own page and its printed receipt say. The entry's id is the gift's.
type Receipt struct {
	Gift        Gift
	Ref         string // public
	Campaign    Campaign
	Fund        ledger.Fund
	Refunds     []Refund
	EffectiveOn time.Time // business day of the entry
	RecordedAt  time.Time // when it came on the books
}

// GiftByRef reads a gift by its public reference: ErrRef or ErrNoGift when there is none.
func GiftByRef(ctx context.Context, q pg.Querier, book *ledger.Book, ref string) (*Receipt, error) {
	id, err := ParseRef(book, ref)
	if err != nil {
		return nil, err
	}
	return GiftByID(ctx, q, book, id)
}

// GiftByID reads a gift with all that belongs to it, or ErrNoGift.
func GiftByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Receipt, error) {
	gift, err := oneGift(ctx, q, book, sqlGiftByID, book.ID, id)
	if err != nil {
		return nil, err
	}
	r := &Receipt{Gift: *gift, Ref: Ref(book, id)}
	b := &pgx.Batch{}
	b.Queue(sqlCampaignByID, book.ID, gift.CampaignID).Query(func(rows pgx.Rows) (err error) {
		r.Campaign, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Campaign])
		return err
	})
	b.Queue(sqlReceiptFund, book.ID, gift.FundID).Query(func(rows pgx.Rows) (err error) {
		r.Fund, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[ledger.Fund])
		return err
	})
	b.Queue(sqlReceiptRefunds, book.ID, id).Query(func(rows pgx.Rows) (err error) {
		r.Refunds, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Refund])
		return err
	})
	b.Queue(sqlReceiptEntry, book.ID, id).QueryRow(func(row pgx.Row) error { return row.Scan(&r.RecordedAt, &r.EffectiveOn) })
	if err := q.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("read gift %s: %w", id, err)
	}
	return r, nil
}
