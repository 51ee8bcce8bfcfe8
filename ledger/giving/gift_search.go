package giving

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Found is a gift as the association's accountants see it: with the giver's name.
type Found struct {
	ID           uuid.UUID // also of the entry that books it
	CampaignID   int32
	CampaignZH   string
	CampaignEN   string
	Amount       int64 // minor units of Currency
	Fee          int64 // minor units of the book's currency
	Refunded     int64 // minor units of Currency
	Currency     string
	PaidAt       time.Time
	Channel      Channel
	Anonymous    bool // to the public
	Ref          string
	ProcessorRef string
	Personal
	Donor  uuid.UUID // nil: the donor told nothing
	Erased bool      // what the donor told was erased
}

// Campaign is the campaign's title in lang.
func (f *Found) Campaign(lang string) string { return pick(lang, f.CampaignZH, f.CampaignEN) }

// GiftFilter narrows a search for gifts; zero fields do not.
type GiftFilter struct {
	Text       string    // in a reference, or a whole name or e-mail address; a public reference finds its gift
	Amount     int64     // minor units
	From, To   time.Time // instants: paid from, and before
	CampaignID int32
	Channel    Channel
	Before     uuid.UUID // the last gift of the page before
	Limit      int       // at most PageMax
}

const giftWhere = `
  from gift g
 where g.book_id = $1
   and ($2 = '' or g.ref ilike $2 or g.processor_ref ilike $2 or g.id = $3 or g.donor_id in (
        select d.id from unnest($9::int8[]) x join private.donor d on d.book_id = $1 and d.name_index = x
         union all
        select d.id from unnest($10::int8[]) x join private.donor d on d.book_id = $1 and d.email_index = x))
   and ($4::int8 = 0 or g.amount = $4)
   and ($5::timestamptz is null or g.paid_at >= $5) and ($6::timestamptz is null or g.paid_at < $6)
   and ($7 = 0 or g.campaign_id = $7) and ($8 = 0 or g.channel = $8)`

const sqlGiftSearch = `
select g.id, g.campaign_id, c.title_zh, c.title_en, g.amount, g.fee,
       (select coalesce(sum(r.amount), 0)::int8 from ` + StandingRefund + ` r where r.book_id = $1 and r.gift_id = g.id), g.ccy, g.paid_at, g.channel,
       ` + giftAnonymous + `, g.ref, coalesce(g.processor_ref, ''), ` + donorColumns + `
  from (select g.*` + giftWhere + ` and ($11::uuid is null or g.id < $11) order by g.id desc limit $12) g
  join campaign c on c.book_id = $1 and c.campaign_id = g.campaign_id` + donorTables + `
 order by g.id desc`

const sqlGiftCount = `select count(*), coalesce(sum(g.amount) filter (where g.ccy = $11), 0)::int8` + giftWhere

const sqlGiftsUpTo = `select count(*) from (select` + giftWhere + ` limit $11) g`

// SearchGifts lists the gifts that the filter leaves, newest first.
func SearchGifts(ctx context.Context, q pg.Querier, book *ledger.Book, f GiftFilter) ([]Found, error) {
	var before *uuid.UUID
	if f.Before != uuid.Nil {
		before = &f.Before
	}
	rows, err := q.Query(ctx, sqlGiftSearch, append(f.args(book), before, pageSize(f.Limit))...)
	if err != nil {
		return nil, fmt.Errorf("search gifts: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Found, err error) {
		var s sealed
		err = row.Scan(s.targets(&f.ID, &f.CampaignID, &f.CampaignZH, &f.CampaignEN, &f.Amount, &f.Fee, &f.Refunded, &f.Currency, &f.PaidAt, &f.Channel,
			&f.Anonymous, &f.Ref, &f.ProcessorRef)...)
		if err != nil {
			return f, err
		}
		if f.Erased = s.erased(); s.donor != nil {
			f.Donor = *s.donor
		}
		f.Personal, err = s.open(book, f.ID)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("search gifts: %w", err)
	}
	return list, nil
}

// CountGifts counts the gifts that the filter leaves on all pages, and sums those in the book's currency.
func CountGifts(ctx context.Context, q pg.Querier, book *ledger.Book, f GiftFilter) (n, sum int64, err error) {
	if err := q.QueryRow(ctx, sqlGiftCount, append(f.args(book), book.Currency)...).Scan(&n, &sum); err != nil {
		return 0, 0, fmt.Errorf("count gifts: %w", err)
	}
	return n, sum, nil
}

// GiftsUpTo counts the gifts that the filter leaves, at most limit.
func GiftsUpTo(ctx context.Context, q pg.Querier, book *ledger.Book, f GiftFilter, limit int64) (n int64, err error) {
	if err := q.QueryRow(ctx, sqlGiftsUpTo, append(f.args(book), limit)...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count gifts: %w", err)
	}
	return n, nil
}

func (f GiftFilter) args(book *ledger.Book) []any {
	var id *uuid.UUID
	if known, err := ParseRef(book, strings.ToLower(strings.TrimSpace(f.Text))); err == nil {
		id = &known
	} else if known, err := uuid.Parse(f.Text); err == nil {
		id = &known
	}
	names, emails := indexes(book, placeName, f.Text), indexes(book, placeEmail, f.Text)
	return []any{book.ID, pattern(f.Text), id, f.Amount, pg.TimeOrNull(f.From), pg.TimeOrNull(f.To), f.CampaignID, f.Channel, names, emails}
}
