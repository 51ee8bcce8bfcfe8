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

// MatchAmounts are the amounts of match, each by itself and never added up: minor units of the book's currency.
type MatchAmounts struct {
	Pledged  int64 // by funders, and not earned yet
	Reserved int64 // earned by gifts, not paid: it may still be refused
	Held     int64 // earned, and being looked at
	Settled  int64 // paid to campaigns
	Clawed   int64 // of Settled, gone back
	Returned int64 // of the pools, given back to funders or rolled over to a later event
}

func (a *MatchAmounts) add(b MatchAmounts) {
	a.Pledged, a.Reserved, a.Held = a.Pledged+b.Pledged, a.Reserved+b.Reserved, a.Held+b.Held
	a.Settled, a.Clawed, a.Returned = a.Settled+b.Settled, a.Clawed+b.Clawed, a.Returned+b.Returned
}

// PoolAmounts is a pool of an event.
type PoolAmounts struct {
	Pool   string
	Kind   string // PoolPromised or PoolFund
	FundID int32
	Amount int64 // promised in all
	MatchAmounts
}

// CampaignAmounts is a campaign's match in an event. It has nothing pledged: pools are.
type CampaignAmounts struct {
	CampaignID int32
	Slug       string
	MatchAmounts
}

// EventAmounts is an event at a moment. Gifts of one donor in several events are told in each.
type EventAmounts struct {
	MatchAmounts
	Pools       []PoolAmounts     // in order of their codes
	Campaigns   []CampaignAmounts // that gifts have earned something for, in order of their ids
	Decided     int64             // awards so far: rises with every gift that is decided
	HeldAwards  int64             // how many are being looked at
	HeldDonors  int64             // of how many donors
	AsOf        time.Time
	EventState  string
	Commitments string // the seed's
}

const (
	// One query for a snapshot: rows of a pool and a campaign (0 for none) with their accounts, and what was paid.
	sqlEventAmounts = `
with pool as (
  select code, kind, fund_id, amount, 'match:' || $2::int4 || ':' || code as tag from match_pool where book_id = $1 and event_id = $2
), moved as (
  select p.code, coalesce(a.campaign::int4, 0) as campaign_id,
         coalesce(sum(b.balance) filter (where a.chart = 'match.pledged'), 0)::int8 as pledged,
         coalesce(sum(b.balance) filter (where a.chart = 'match.earned'), 0)::int8 as reserved,
         coalesce(sum(b.balance) filter (where a.chart = 'match.held'), 0)::int8 as held,
         0::int8 as settled, 0::int8 as clawed, 0::int8 as returned
    from pool p
    join account a on a.book_id = $1 and a.dims ->> 'source' = p.tag and a.chart in ('match.pledged', 'match.earned', 'match.held')
    join balance b on b.book_id = a.book_id and b.account_id = a.account_id
   group by 1, 2
   union all
  select pool, campaign_id, 0, 0, 0, coalesce(sum(amount) filter (where kind = 'settled'), 0)::int8,
         coalesce(sum(amount) filter (where kind in ('clawed', 'clawed-own')), 0)::int8, coalesce(sum(amount) filter (where kind in ('returned', 'rolled')), 0)::int8
    from match_payment where book_id = $1 and event_id = $2 group by 1, 2
)
select p.code, p.kind, p.fund_id, p.amount, m.campaign_id, coalesce(c.slug, ''), sum(m.pledged)::int8, sum(m.reserved)::int8, sum(m.held)::int8, sum(m.settled)::int8,
       sum(m.clawed)::int8, sum(m.returned)::int8
  from pool p join moved m on m.code = p.code
  left join match_campaign c on c.book_id = $1 and c.event_id = $2 and c.campaign_id = m.campaign_id
 group by 1, 2, 3, 4, 5, 6 order by 5, 1`

	sqlEventCounts = `
select e.state, s.commitment, coalesce((select seq from match_award where book_id = $1 and event_id = $2 order by seq desc limit 1), 0)
  from match_event e join match_seed s on s.book_id = e.book_id and s.event_id = e.event_id where e.book_id = $1 and e.event_id = $2`

	heldAwards = `
 from (select * from match_award where book_id = $1 and event_id = $2 and held
        union
       select w.* from match_step h join match_award w on w.book_id = h.book_id and w.event_id = h.event_id and w.seq = h.seq
        where h.book_id = $1 and h.event_id = $2 and h.kind = 'hold') a` + awardSteps + `
 where coalesce(s.held, a.held) and a.amount > coalesce(s.freed, 0)`

	sqlHeldCount = `select count(*), count(distinct a.donor)` + heldAwards

	sqlHeldAwards = `select ` + awardColumns + heldAwards + ` and a.seq > $3 order by a.seq limit $4`

	sqlAwardsOfGift = `
select ` + awardColumns + `
  from (select * from match_award where book_id = $1 and gift_id = $2) a` + awardSteps + ` order by a.event_id, a.seq limit 100`
)

// AmountsOf reads all amounts of an event in one round trip.
func AmountsOf(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, now time.Time) (*EventAmounts, error) {
	all := &EventAmounts{AsOf: now}
	b := &pgx.Batch{}
	b.Queue(sqlEventAmounts, book.ID, event).Query(all.scan)
	b.Queue(sqlEventCounts, book.ID, event).QueryRow(func(row pgx.Row) error {
		return row.Scan(&all.EventState, &all.Commitments, &all.Decided)
	})
	b.Queue(sqlHeldCount, book.ID, event).QueryRow(func(row pgx.Row) error { return row.Scan(&all.HeldAwards, &all.HeldDonors) })
	if err := q.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("read amounts of event: %w", err)
	}
	return all, nil
}

func (all *EventAmounts) scan(rows pgx.Rows) error {
	var p PoolAmounts
	var campaign int32
	var slug string
	var m MatchAmounts
	pools := map[string]int{}
	_, err := pgx.ForEachRow(rows, []any{&p.Pool, &p.Kind, &p.FundID, &p.Amount, &campaign, &slug, &m.Pledged, &m.Reserved, &m.Held, &m.Settled, &m.Clawed, &m.Returned}, func() error {
		all.add(m)
		i, ok := pools[p.Pool]
		if !ok {
			i = len(all.Pools)
			pools[p.Pool], all.Pools = i, append(all.Pools, p)
		}
		all.Pools[i].add(m)
		if campaign == 0 {
			return nil
		}
		if n := len(all.Campaigns); n == 0 || all.Campaigns[n-1].CampaignID != campaign {
			all.Campaigns = append(all.Campaigns, CampaignAmounts{CampaignID: campaign, Slug: slug})
		}
		all.Campaigns[len(all.Campaigns)-1].add(m)
		return nil
	})
	return err
}

// Held lists awards that are being looked at, in the order of deciding, behind seq after; at most limit.
func Held(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, after int64, limit int) ([]MatchAward, error) {
	return awards(ctx, q, sqlHeldAwards, book.ID, event, after, pageSize(limit))
}

// AwardsOfGift lists what a gift earned in each event, and why not more.
func AwardsOfGift(ctx context.Context, q pg.Querier, book *ledger.Book, gift uuid.UUID) ([]MatchAward, error) {
	return awards(ctx, q, sqlAwardsOfGift, book.ID, gift)
}

func awards(ctx context.Context, q pg.Querier, sql string, args ...any) ([]MatchAward, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list awards: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MatchAward])
}

// ReasonList is what stood against more, as the rule's engine names it.
func (a *MatchAward) ReasonList() []string { return strings.Fields(a.Reasons) }

// AwardFilter narrows a list of awards. Zero values narrow nothing.
type AwardFilter struct {
	Campaign int32
	Pool     string
	Gift     uuid.UUID
	Held     bool  // only what is held now
	Before   int64 // seq of the last award of the page before
}

// What is held is found by its own index and by the steps that held it, a gift's awards by theirs; everything else goes back from the newest.
const sqlAwardsNewest = `
select ` + awardColumns + `
  from (select * from match_award
         where book_id = $1 and event_id = $2 and seq < $3 and ($4 = 0 or campaign_id = $4) and ($5 = '' or pool = $5)
           and ($6::uuid is null or gift_id = $6 and seq in (select seq from match_award where book_id = $1 and gift_id = $6))
           and (not $7 or held or seq in (select seq from match_step where book_id = $1 and event_id = $2 and kind = 'hold'))) a` + awardSteps + `
 where not $7 or coalesce(s.held, a.held) and a.amount > coalesce(s.freed, 0)
 order by a.seq desc limit $8`

// Awards lists awards of an event, newest first; at most limit.
func Awards(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, f AwardFilter, limit int) ([]MatchAward, error) {
	if f.Before == 0 {
		f.Before = 1<<63 - 1
	}
	return awards(ctx, q, sqlAwardsNewest, book.ID, event, f.Before, f.Campaign, f.Pool, idOrNull(f.Gift), f.Held, pageSize(limit))
}
