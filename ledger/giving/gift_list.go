package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Listed is a gift with the names of what it belongs to.
type Listed struct {
	Gift
	Campaign string // its slug
	Fund     string // its code
}

// Reference is what a gift is known by in its book.
type Reference struct {
	Channel Channel
	Ref     string
}

// ListFilter narrows a list of gifts; zero fields do not.
type ListFilter struct {
	CampaignID int32
	Ref        string
	From, To   time.Time // instants: paid from, and before
	Before     uuid.UUID // the last gift of the page before
	Limit      int       // at most PageMax
}

const (
	listedGifts = `
select ` + giftColumns + `, c.slug, f.code
  from ` + giftTables + `
  join campaign c on c.book_id = g.book_id and c.campaign_id = g.campaign_id
  join fund f on f.book_id = g.book_id and f.fund_id = g.fund_id`

	sqlGiftsFiltered = listedGifts + `
 where g.book_id = $1 and g.id < $2 and ($3 = 0 or g.campaign_id = $3) and ($4 = '' or g.ref = $4)
   and ($5::timestamptz is null or g.paid_at >= $5) and ($6::timestamptz is null or g.paid_at < $6)
 order by g.id desc limit $7`

	sqlGiftsByReference = listedGifts + `
  join unnest($2::int2[], $3::text[]) u(channel, ref) on u.channel = g.channel and u.ref = g.ref
 where g.book_id = $1`
)

// FilterGifts lists the gifts that the filter leaves, latest started first.
func FilterGifts(ctx context.Context, q pg.Querier, book *ledger.Book, f ListFilter) ([]Listed, error) {
	if f.Before == uuid.Nil {
		f.Before = uuid.Max
	}
	return listed(ctx, q, book, sqlGiftsFiltered, book.ID, f.Before, f.CampaignID, f.Ref, pg.TimeOrNull(f.From), pg.TimeOrNull(f.To), pageSize(f.Limit))
}

// GiftsByReference finds gifts by the references under which they reached us; those that are not there are left out.
func GiftsByReference(ctx context.Context, q pg.Querier, book *ledger.Book, refs []Reference) (map[Reference]Listed, error) {
	channels, texts := make([]int16, len(refs)), make([]string, len(refs))
	for i, r := range refs {
		channels[i], texts[i] = int16(r.Channel), r.Ref
	}
	list, err := listed(ctx, q, book, sqlGiftsByReference, book.ID, channels, texts)
	if err != nil {
		return nil, err
	}
	found := make(map[Reference]Listed, len(list))
	for _, g := range list {
		found[Reference{g.Channel, g.Ref}] = g
	}
	return found, nil
}

func listed(ctx context.Context, q pg.Querier, book *ledger.Book, sql string, args ...any) ([]Listed, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list gifts: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l Listed, err error) {
		l.Gift, err = scanGift(book, &l.Campaign, &l.Fund)(row)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("list gifts: %w", err)
	}
	return list, nil
}
