package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// DayGift is a gift that an event has decided, as its public page tells it: who gave is not in it. Amounts are minor units; Match is what it earned and
// still has, held or not.
type DayGift struct {
	Seq      int64 // in the order of deciding
	Campaign int32
	Amount   int64
	Currency string
	Match    int64
	PaidAt   time.Time
}

// DayRate is how fast an event is going.
type DayRate struct {
	Gifts  int64 // a minute
	Match  int64 // a minute, minor units
	Missed int64 // gifts that passed without match and that nobody has looked at yet
}

const (
	// One small look: whatever the event's pages tell changes one of these.
	sqlEventPulse = `
select concat_ws('-', e.state, e.stopped_at is not null,
       (select seq from match_award where book_id = $1 and event_id = $2 order by seq desc limit 1),
       (select number from match_step where book_id = $1 and event_id = $2 order by number desc limit 1),
       (select count(*) from match_payment where book_id = $1 and event_id = $2))
  from match_event e where e.book_id = $1 and e.event_id = $2`

	// What was shared at the end stands behind the gifts, and there is no last gift any more.
	sqlDayGifts = `
select a.seq, a.campaign_id, g.amount, g.ccy, a.match, g.paid_at
  from (select seq, campaign_id, gift_id, (select coalesce(sum(m.amount), 0)::int8 from match_award m where m.book_id = $1 and m.gift_id = l.gift_id and m.event_id = $2) as match
          from (select seq, campaign_id, gift_id, part from match_award where book_id = $1 and event_id = $2 order by seq desc limit $3 * 8) l
         where part = 0 and gift_id is not null order by seq desc limit $3) a
 cross join lateral (select id, amount, ccy, paid_at from gift where book_id = $1 and id = a.gift_id limit 1) g
 where not exists (select from refund r where r.book_id = $1 and r.gift_id = g.id)
 order by a.seq desc`

	// Of the last awards only.
	sqlDayRate = `
select count(*) filter (where a.part = 0 and g.paid_at > $3), coalesce(sum(a.amount) filter (where g.paid_at > $3), 0)::int8, coalesce(min(g.paid_at) filter (where g.paid_at > $3), $3), count(*) = $4,
       (select count(*) from match_missed where book_id = $1 and event_id = $2 and known_at is null)
  from (select part, amount, gift_id from match_award where book_id = $1 and event_id = $2 and gift_id is not null order by seq desc limit $4) a
 cross join lateral (select paid_at from gift where book_id = $1 and id = a.gift_id limit 1) g`
)

// dayRateMost bounds how many awards DayRateOf reads: in a rush they are less than a minute's.
const dayRateMost = 20_000

// EventPulse is a text that is another one whenever something of an event has changed: decided, paid, held, closed.
func EventPulse(ctx context.Context, q pg.Querier, book *ledger.Book, event int32) (pulse string, err error) {
	if err := q.QueryRow(ctx, sqlEventPulse, book.ID, event).Scan(&pulse); err != nil {
		return "", fmt.Errorf("feel pulse of event: %w", err)
	}
	return pulse, nil
}

// LastGifts lists the gifts that an event decided last, newest first, without those given back; at most limit.
func LastGifts(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, limit int) ([]DayGift, error) {
	rows, err := q.Query(ctx, sqlDayGifts, book.ID, event, pageSize(limit))
	if err != nil {
		return nil, fmt.Errorf("list last gifts of event: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[DayGift])
}

// DayRateOf reads how fast an event goes: what was paid in the last minute before now, or, where that is very much, what its last seconds make of a minute.
func DayRateOf(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, now time.Time) (r DayRate, err error) {
	var oldest time.Time
	var more bool
	err = q.QueryRow(ctx, sqlDayRate, book.ID, event, now.Add(-time.Minute), dayRateMost).Scan(&r.Gifts, &r.Match, &oldest, &more, &r.Missed)
	if err != nil {
		return r, fmt.Errorf("read rate of event: %w", err)
	}
	if span := now.Sub(oldest); more && span > 0 && span < time.Minute {
		r.Gifts, r.Match = r.Gifts*int64(time.Minute)/int64(span), money.FloorShare(r.Match, int64(time.Minute), int64(span))
	}
	return r, nil
}
