package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving/match"
)

const sqlPastGifts = `
select g.id::text, g.amount, g.ccy, g.channel, g.paid_at, c.slug, c.goal, coalesce(s.code, b.code), d.email_index,
       (select count(o.gift_id)
          from plan_gift p
          join plan l on l.book_id = $1 and l.id = p.plan_id and l.every = 'month'
          join plan_gift o on o.book_id = $1 and o.plan_id = p.plan_id and o.gift_id <= g.id and exists (select from gift x where x.book_id = $1 and x.id = o.gift_id)
         where p.book_id = $1 and p.gift_id = g.id)
  from gift g
  join book b on b.book_id = g.book_id
  join campaign c on c.book_id = g.book_id and c.campaign_id = g.campaign_id
  join fund f on f.book_id = g.book_id and f.fund_id = c.fund_id
  left join street s on s.book_id = f.book_id and s.street_id = f.street_id
  left join lateral (select email_index from private.donor where book_id = g.book_id and id = g.donor_id limit 1) d on true
 where g.book_id = $1 and g.paid_at >= $2 and g.paid_at < $3
 order by g.paid_at, g.id limit $4`

// PastGifts are the gifts of a book paid from until to, in the order of payment, as a rule would see them: to try a rule with, before it is published.
// The first limit of them; donors by a pseudonym that means nothing elsewhere. What others did for a donor by then is not known any more.
func PastGifts(ctx context.Context, q pg.Querier, book *ledger.Book, from, to time.Time, limit int) ([]match.Gift, error) {
	rows, err := q.Query(ctx, sqlPastGifts, book.ID, from, to, limit)
	if err != nil {
		return nil, fmt.Errorf("read gifts of the past: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (g match.Gift, err error) {
		var channel Channel
		var email *int64
		err = row.Scan(&g.ID, &g.Amount, &g.Currency, &channel, &g.PaidAt, &g.Campaign, &g.Goal, &g.Organisation, &email, &g.Recurring)
		g.Channel, g.Donor = channel.Code(), donorOf(book, 0, email)
		return g, err
	})
}
