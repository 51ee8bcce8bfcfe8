package giving

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// natureRefund marks the accounts that money given back is debited to, beside the gifts' own.
const natureRefund = "refund"

// Progress is what has come to a campaign. Amounts are minor units of the book's currency.
type Progress struct {
	CampaignID int32
	Currency   string
	Received   int64 // gifts on the books, gross: before fees and refunds
	Refunded   int64
	Subsidy    int64 // public support received for the campaign
	Gifts      int64 // number of gifts on the books; a refunded one was a gift too

	// Match is never part of Received: what waits to be paid may still be refused.
	Reserved int64 // match earned and not paid, that of giving platforms as well
	Held     int64 // match earned and being looked at
	Settled  int64 // match paid, by events of match of this book; Clawed of it went back
	Clawed   int64

	Pending      int64 // started and announced by the processor as under way; never part of Received
	PendingGifts int64

	Position int64     // ledger position: postings in the campaign's accounts so far
	AsOf     time.Time // when it was read
}

// Raised is what gifts have brought: received less given back.
func (p Progress) Raised() int64 { return p.Received - p.Refunded }

const (
	// The balance of an account is one row, so this reads as many rows as the campaign has accounts, however many gifts.
	// A gift is one credit; a reversed one is taken out again by its debit.
	sqlProgress = `
select a.campaign,
       coalesce(-sum(b.balance) filter (where a.dims ->> 'nature' = 'gift'), 0)::int8,
       coalesce(sum(b.seq - 2 * b.debits) filter (where a.dims ->> 'nature' = 'gift'), 0)::int8,
       coalesce(sum(b.balance) filter (where a.dims ->> 'nature' = 'refund'), 0)::int8,
       coalesce(-sum(b.balance) filter (where a.chart in ('grant.r', 'grant.u')), 0)::int8,
       coalesce(sum(b.balance) filter (where a.chart = 'match.earned'), 0)::int8,
       coalesce(sum(b.balance) filter (where a.chart = 'match.held'), 0)::int8,
       coalesce(-sum(b.balance) filter (where a.dims ->> 'nature' = 'match'), 0)::int8,
       coalesce(sum(b.balance) filter (where a.dims ->> 'nature' = 'match-back'), 0)::int8,
       sum(b.seq)::int8
  from unnest($2::text[]) u(campaign)
  join account a on a.book_id = $1 and a.campaign = u.campaign
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.ccy = $3 and (a.unit < 1000 or a.chart in ('match.earned', 'match.held'))
 group by 1`

	sqlPending = `
select campaign_id, count(*), coalesce(sum(amount) filter (where ccy = $3), 0)::int8
  from checkout
 where book_id = $1 and campaign_id = any($2::int4[]) and state = 'pending'
 group by 1`
)

// ProgressOf reads the progress of campaigns in one round trip, in the order of ids, which all differ.
func ProgressOf(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time, ids ...int32) ([]Progress, error) {
	list := make([]Progress, len(ids))
	tags := make([]string, len(ids))
	at := make(map[string]*Progress, len(ids))
	for i, id := range ids {
		list[i] = Progress{CampaignID: id, Currency: book.Currency, AsOf: now}
		tags[i] = campaignTag(id)
		at[tags[i]] = &list[i]
	}
	b := &pgx.Batch{}
	b.Queue(sqlProgress, book.ID, tags, book.Currency).Query(func(rows pgx.Rows) error {
		var tag string
		var p Progress
		_, err := pgx.ForEachRow(rows, []any{&tag, &p.Received, &p.Gifts, &p.Refunded, &p.Subsidy, &p.Reserved, &p.Held, &p.Settled, &p.Clawed, &p.Position}, func() error {
			to := at[tag]
			to.Received, to.Gifts, to.Refunded, to.Subsidy, to.Position = p.Received, p.Gifts, p.Refunded, p.Subsidy, p.Position
			to.Reserved, to.Held, to.Settled, to.Clawed = p.Reserved, p.Held, p.Settled, p.Clawed
			return nil
		})
		return err
	})
	b.Queue(sqlPending, book.ID, ids, book.Currency).Query(func(rows pgx.Rows) error {
		var id int32
		var count, sum int64
		_, err := pgx.ForEachRow(rows, []any{&id, &count, &sum}, func() error {
			at[campaignTag(id)].PendingGifts, at[campaignTag(id)].Pending = count, sum
			return nil
		})
		return err
	})
	if err := q.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("read progress: %w", err)
	}
	return list, nil
}

// campaignTag is how accounts name a campaign.
func campaignTag(id int32) string { return strconv.Itoa(int(id)) }
