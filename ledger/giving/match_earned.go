package giving

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// PoolEarned is what was earned of a pool of an event so far. Amounts are minor units of the book's currency.
type PoolEarned struct {
	Event  int32
	Pool   string
	Earned int64
	Freed  int64 // of Earned, fallen back by refunds, refusals and disallowing
}

const (
	// m says of which event, behind which award and step, and up to which.
	earnedRows = `
 cross join lateral (
select a.pool, a.amount as earned, 0::int8 as freed, case when a.gift_id is null then a.amount else 0 end as given
  from match_award a
 where a.book_id = $1 and a.event_id = m.event_id and a.seq > m.seq and a.seq <= m.to_seq and a.amount > 0
 union all
select a.pool, 0, s.amount, 0
  from match_step s
 cross join lateral (select pool from match_award where book_id = $1 and event_id = m.event_id and seq = s.seq limit 1) a
 where s.book_id = $1 and s.event_id = m.event_id and s.number > m.step and s.number <= m.to_step and s.amount > 0 and s.kind in (` + freeing + `)) x`

	earnedSpan = `(select $2::int4 as event_id, $3::int8 as seq, $4::int8 as to_seq, $5::int8 as step, $6::int8 as to_step) m` + earnedRows

	sqlEarnedAdd = `
insert into match_earned as e (book_id, event_id, pool, earned, freed, given)
select $1, $2, x.pool, sum(x.earned), sum(x.freed), sum(x.given) from ` + earnedSpan + ` group by x.pool
on conflict (book_id, event_id, pool) do update
   set earned = e.earned + excluded.earned, freed = e.freed + excluded.freed, given = e.given + excluded.given`

	sqlHoursGiven = `
select (coalesce((select sum(given) from match_earned where book_id = $1 and event_id = $2), 0) + coalesce((select sum(x.given) from ` + earnedSpan + `), 0))::int8`

	// What is kept, and all that came since. One statement sees one moment.
	sqlPoolsEarned = `
select event_id, pool, sum(earned)::int8, sum(freed)::int8
  from (select event_id, pool, earned, freed from match_earned where book_id = $1 and event_id = any($2)
         union all
        select m.event_id, x.pool, x.earned, x.freed
          from (select e.event_id, coalesce(c.earned_seq, 0) as seq, 9223372036854775807 as to_seq, coalesce(c.earned_step, 0) as step, 9223372036854775807 as to_step
                  from match_event e left join match_counted c on c.book_id = $1 and c.event_id = e.event_id
                 where e.book_id = $1 and e.event_id = any($2)) m` + earnedRows + `) p
 group by 1, 2 order by 1, 2`
)

// PoolsEarned reads what was earned of the pools of some events, in order of event and pool: what the job of CountHours has counted, and award by award what came
// since. A pool of which nothing was earned is not listed.
func PoolsEarned(ctx context.Context, q pg.Querier, book *ledger.Book, events ...int32) ([]PoolEarned, error) {
	rows, err := q.Query(ctx, sqlPoolsEarned, book.ID, events)
	if err != nil {
		return nil, fmt.Errorf("read what pools' gifts earned: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[PoolEarned])
	if err != nil {
		return nil, fmt.Errorf("read what pools' gifts earned: %w", err)
	}
	return list, nil
}
