package giving

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlCountAwards   = `select count(*) from match_award where book_id = $1`
	sqlCountMissed   = `select count(*) from match_missed where book_id = $1`
	sqlCountPools    = `select count(*) from match_pool where book_id = $1`
	sqlCountPayments = `select count(*) from match_payment where book_id = $1`

	// 46 is ledger.KindMatch.
	sqlDifferAward = `
select format('award %s of event %s: gift %s, campaign %s, entry %s; not all of them are there and of it', a.seq, a.event_id, a.gift_id, a.campaign_id, a.entry_id)
  from match_award a
  left join gift g on g.book_id = $1 and g.id = a.gift_id
  left join entry e on e.book_id = $1 and e.id = a.entry_id and e.kind = 46
 where a.book_id = $1 and (a.gift_id is not null and g.campaign_id is distinct from a.campaign_id or a.entry_id is not null and e.id is null)
 union all
select format('event %s: %s awards, the last is %s', event_id, count(*), max(seq)) from match_award where book_id = $1 group by event_id having count(*) <> max(seq)
 union all
select format('event %s: %s steps, the last is %s', event_id, count(*), max(number)) from match_step where book_id = $1 group by event_id having count(*) <> max(number)`

	// What awards, steps and payments leave in each account of each pool. What a gift earned lies in the account of its campaign, held or not; what
	// fell is the pool's again.
	sqlDifferPool = `
with award as (
  select a.event_id, a.pool, a.campaign_id, a.amount, coalesce(s.freed, 0) as freed, coalesce(s.held, a.held) as held
    from match_award a
    left join (select event_id, seq, sum(amount) filter (where kind in (` + freeing + `)) as freed,
                      (array_agg(kind = 'hold' order by number desc) filter (where kind in ('hold', 'release')))[1] as held
                 from match_step where book_id = $1 group by 1, 2) s on s.event_id = a.event_id and s.seq = a.seq
   where a.book_id = $1 and a.amount > 0
), due as (
  select event_id, pool, campaign_id, case when held then 'match.held' else 'match.earned' end as chart, amount - freed as amount from award
   union all
  select event_id, pool, campaign_id, 'match.earned', -amount from match_payment where book_id = $1 and kind = 'settled'
   union all
  select event_id, code, 0, 'match.pledged', amount from match_pool where book_id = $1
   union all
  select event_id, pool, 0, 'match.pledged', freed - amount from award
   union all
  select event_id, pool, 0, 'match.pledged', -amount from match_payment where book_id = $1 and kind in ('returned', 'rolled')
), held as (
  select a.dims ->> 'source' as source, coalesce(a.campaign::int4, 0) as campaign_id, a.chart, sum(b.balance) as amount
    from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
   where a.book_id = $1 and a.chart in ('match.pledged', 'match.earned', 'match.held') and a.dims ->> 'source' like 'match:%'
   group by 1, 2, 3
)
select format('%s, campaign %s, %s: %s by awards, steps and payments, %s by the account', source, campaign_id, chart, coalesce(d.amount, 0), coalesce(h.amount, 0))
  from (select 'match:' || event_id || ':' || pool as source, campaign_id, chart, sum(amount) as amount from due group by 1, 2, 3) d
  full join held h using (source, campaign_id, chart)
 where coalesce(d.amount, 0) <> coalesce(h.amount, 0)`

	// Own money is reserved as long as it waits: pledged, earned or held.
	sqlDifferReserved = `
select format('%s: %s of its own money waits, %s is reserved', p.tag, coalesce(w.amount, 0), coalesce(r.amount, 0))
  from (select 'match:' || event_id || ':' || code as tag from match_pool where book_id = $1 and kind = 'fund') p
  left join (select a.dims ->> 'source' as tag, sum(b.balance) as amount from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart in ('match.pledged', 'match.earned', 'match.held') group by 1) w using (tag)
  left join (select a.dims ->> 'source' as tag, sum(b.balance) as amount from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'resv' group by 1) r using (tag)
 where coalesce(w.amount, 0) <> coalesce(r.amount, 0)`

	sqlDifferPaid = `
select format('%s, campaign %s: %s settled and %s clawed back by payments, %s and %s by accounts', source, campaign_id, coalesce(p.settled, 0), coalesce(p.clawed, 0),
              coalesce(a.settled, 0), coalesce(a.clawed, 0))
  from (select 'match:' || m.event_id || ':' || m.pool as source, m.campaign_id, sum(m.amount) filter (where m.kind = 'settled') as settled,
               sum(m.amount) filter (where m.kind = 'clawed') as clawed
          from match_payment m
          join match_pool p on p.book_id = $1 and p.event_id = m.event_id and p.code = m.pool
          join match_campaign c on c.book_id = $1 and c.event_id = m.event_id and c.campaign_id = m.campaign_id
         where m.book_id = $1 and m.kind in ('settled', 'clawed') and (p.kind = 'promised' or p.fund_id <> c.fund_id)
         group by 1, 2) p
  full join (select a.dims ->> 'source' as source, a.campaign::int4 as campaign_id, -sum(b.balance) filter (where a.dims ->> 'nature' = 'match') as settled,
                    sum(b.balance) filter (where a.dims ->> 'nature' = 'match-back') as clawed
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.dims ->> 'nature' in ('match', 'match-back') and a.dims ->> 'source' like 'match:%' group by 1, 2) a using (source, campaign_id)
 where coalesce(p.settled, 0) <> coalesce(a.settled, 0) or coalesce(p.clawed, 0) <> coalesce(a.clawed, 0)`

	sqlDifferMissed = `
select format('event %s was stopped and did not decide gift %s; nobody has signed for it', event_id, gift_id) from match_missed where book_id = $1 and known_at is null`

	sqlCountHours = `select count(*) from match_hour where book_id = $1`

	// What awards and steps give up to where they are counted, by the hour of payment and of falling back.
	sqlDifferHours = `
with due as (
  select event_id, date_trunc('hour', at, (select time_zone from book where book_id = $1)) as hour, sum(gifts) as gifts, sum(amount) as amount, sum(match) as match, sum(freed) as freed
    from (select a.event_id, g.paid_at as at, case when a.part = 0 then 1 else 0 end as gifts, case when a.part = 0 then g.amount else 0 end as amount, a.amount as match, 0 as freed
            from match_counted c
            join match_award a on a.book_id = $1 and a.event_id = c.event_id and a.seq <= c.seq
            join gift g on g.book_id = $1 and g.id = a.gift_id
           where c.book_id = $1
           union all
          select s.event_id, s.at, 0, 0, 0, s.amount
            from match_counted c
            join match_step s on s.book_id = $1 and s.event_id = c.event_id and s.number <= c.step
           where c.book_id = $1 and s.amount > 0 and s.kind in (` + freeing + `)) x
   group by 1, 2
)
select format('event %s, hour from %s: %s gifts of %s, match %s, fallen %s; awards and steps give %s of %s, %s, %s', event_id, hour, h.gifts, h.amount, h.match, h.freed, d.gifts, d.amount, d.match, d.freed)
  from (select event_id, hour, gifts, amount, match, freed from match_hour where book_id = $1) h
  full join due d using (event_id, hour)
 where (h.gifts, h.amount, h.match, h.freed) is distinct from (d.gifts, d.amount, d.match, d.freed)
 union all
select format('event %s: %s awards and %s steps are counted by hours, %s and %s by pools, which are not there', c.event_id, c.seq, c.step, c.earned_seq, c.earned_step)
  from match_counted c
 where c.book_id = $1 and (greatest(c.seq, c.earned_seq) > coalesce((select max(seq) from match_award a where a.book_id = $1 and a.event_id = c.event_id), 0)
                        or greatest(c.step, c.earned_step) > coalesce((select max(number) from match_step s where s.book_id = $1 and s.event_id = c.event_id), 0))`

	sqlCountEarned = `select count(*) from match_earned where book_id = $1`

	// What awards and steps give each pool up to where they are counted. Each is counted by its own mark, so a step may be before its award.
	sqlDifferEarned = `
with due as (
  select event_id, pool, sum(earned) as earned, sum(freed) as freed, sum(given) as given
    from (select a.event_id, a.pool, a.amount as earned, 0 as freed, case when a.gift_id is null then a.amount else 0 end as given
            from match_counted c
            join match_award a on a.book_id = $1 and a.event_id = c.event_id and a.seq <= c.earned_seq
           where c.book_id = $1 and a.amount > 0
           union all
          select s.event_id, a.pool, 0, s.amount, 0
            from match_counted c
            join match_step s on s.book_id = $1 and s.event_id = c.event_id and s.number <= c.earned_step
            join match_award a on a.book_id = $1 and a.event_id = s.event_id and a.seq = s.seq
           where c.book_id = $1 and s.amount > 0 and s.kind in (` + freeing + `)) x
   group by 1, 2
)
select format('event %s, pool %s: earned %s, fallen back %s, given without a gift %s; awards and steps give %s, %s, %s', event_id, pool, e.earned, e.freed, e.given, d.earned, d.freed, d.given)
  from (select event_id, pool, earned, freed, given from match_earned where book_id = $1) e
  full join due d using (event_id, pool)
 where (e.earned, e.freed, e.given) is distinct from (d.earned, d.freed, d.given)`

	sqlEventsToVerify = `select event_id from match_event where book_id = $1 and state <> 'draft' order by event_id`

	sqlAllCounts = `select subject, day, counts from match_count where book_id = $1 and event_id = $2`
)

var matchChecks = []ledger.CheckQuery{
	{Code: "match-award", Name: "awards of match are of gifts, campaigns and entries that are there, without a gap", Compare: sqlCountAwards, Rows: sqlDifferAward},
	{Code: "match-pool", Name: "accounts of match hold what awards, steps and payments leave", Compare: sqlCountPools, Rows: sqlDifferPool},
	{Code: "match-reserved", Name: "own money promised as match is reserved in its fund", Compare: sqlCountPools, Rows: sqlDifferReserved},
	{Code: "match-missed", Name: "gifts that a stopped event of match did not decide are signed for by two people", Compare: sqlCountMissed, Rows: sqlDifferMissed},
	{Code: "match-hour", Name: "gifts by the hour are those that awards, steps and gifts give", Compare: sqlCountHours, Rows: sqlDifferHours},
	{Code: "match-earned", Name: "match that pools' gifts earned and lost is what awards and steps give", Compare: sqlCountEarned, Rows: sqlDifferEarned},
	{Code: "match-paid", Name: "match that was paid and clawed back is what the campaigns' accounts say", Compare: sqlCountPayments, Rows: sqlDifferPaid},
}

// verifyReplay decides every gift of every event again, from the rule, the seed and what is stored of the gift, and compares awards and
// counters. A seed that is still sealed needs the book's keys: without them the event differs, for it was not looked at.
func verifyReplay(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	rows, err := q.Query(ctx, sqlEventsToVerify, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	events, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	awards := ledger.Check{Code: "match-replay", Name: "every gift decided again by its rule and seed gives the same match"}
	counts := ledger.Check{Code: "match-count", Name: "counters of match are what the gifts decided again leave"}
	for _, event := range events {
		r, err := newReplay(ctx, q, book, event)
		if errors.Is(err, ledger.ErrNoKeys) {
			awards.Differ(fmt.Sprintf("event %d: its seed is sealed; give the keys to decide its gifts again", event))
			continue
		}
		if errors.Is(err, ErrEventUnread) {
			awards.Differ(fmt.Sprintf("event %d: %v", event, err))
			continue
		}
		if err != nil {
			return nil, err
		}
		r.differs = awards.Differ
		if err := r.run(ctx, q); err != nil {
			return nil, err
		}
		awards.Compared += r.compared
		if err := r.compareCounts(ctx, q, &counts); err != nil {
			return nil, err
		}
	}
	return []ledger.Check{awards, counts}, nil
}

func (r *replay) compareCounts(ctx context.Context, q pg.Querier, c *ledger.Check) error {
	rows, err := q.Query(ctx, sqlAllCounts, r.book.ID, r.event)
	if err != nil {
		return fmt.Errorf("read counters of match: %w", err)
	}
	stored := newCounters()
	var subject, text string
	var day int32
	_, err = pgx.ForEachRow(rows, []any{&subject, &day, &text}, func() error {
		if err := stored.read(subject, day, text); err != nil {
			c.Differ(fmt.Sprintf("event %d, counters of %s %d: %v", r.event, subject, day, err))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read counters of match: %w", err)
	}
	for k, n := range stored.state {
		c.Compared++
		if r.state[k] != n {
			c.Differ(fmt.Sprintf("event %d, counter %d %s %s %s: %d, decided again %d", r.event, k.Kind, k.A, k.B, k.Day, n, r.state[k]))
		}
		delete(r.state, k)
	}
	for k, n := range r.state {
		if n != 0 {
			c.Differ(fmt.Sprintf("event %d, counter %d %s %s %s: none, decided again %d", r.event, k.Kind, k.A, k.B, k.Day, n))
		}
	}
	return nil
}
