package giving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// MatchHour is what came to an event in an hour of the book's clock. Amounts are minor units of the book's currency.
type MatchHour struct {
	Hour   time.Time // when it begins
	Gifts  int64     // that were paid in it and that the event's rule decided
	Amount int64     // of these as they were given: what was refunded later is not taken off
	Match  int64     // that these earned, whenever it was decided
	Freed  int64     // match that fell back to the pools in the hour, by refunds and refusals of whichever gifts
}

// MatchHours are the hours of an event in which anything happened, in order.
type MatchHours struct {
	Hours  []MatchHour
	Given  int64 // match of no hour: what campaigns got without a gift, once all gifts were in
	Behind int64 // awards and steps that are not counted yet: in a rush, those of the last minute or so
}

// Bounds of counting.
const (
	hourStepMax = 20_000 // awards, and steps, of one call of CountHours
	hourOnTheGo = 500    // awards and steps that a reader counts itself
)

const (
	// $3 to $4 are awards, $5 to $6 are steps. What a campaign earned without a gift is of no hour.
	hourRows = `
select date_trunc('hour', x.at, z.time_zone) as hour, sum(x.gifts)::int8 as gifts, sum(x.amount)::int8 as amount, sum(x.match)::int8 as match, sum(x.freed)::int8 as freed
  from (select g.paid_at as at, case when a.part = 0 then 1 else 0 end as gifts, case when a.part = 0 then g.amount else 0 end as amount, a.amount as match, 0::int8 as freed
          from match_award a
         cross join lateral (select amount, paid_at from gift where book_id = $1 and id = a.gift_id limit 1) g
         where a.book_id = $1 and a.event_id = $2 and a.seq > $3 and a.seq <= $4 and a.gift_id is not null
         union all
        select s.at, 0, 0, 0, s.amount
          from match_step s
         where s.book_id = $1 and s.event_id = $2 and s.number > $5 and s.number <= $6 and s.amount > 0 and s.kind in (` + freeing + `)) x
 cross join (select time_zone from book where book_id = $1) z
 group by 1`

	sqlHoursAdd = `
insert into match_hour as h (book_id, event_id, hour, gifts, amount, match, freed)
select $1, $2, hour, gifts, amount, match, freed from (` + hourRows + `) c
on conflict (book_id, event_id, hour) do update
   set gifts = h.gifts + excluded.gifts, amount = h.amount + excluded.amount, match = h.match + excluded.match, freed = h.freed + excluded.freed`

	lastNumbers = `coalesce((select seq from match_award where book_id = $1 and event_id = e.event_id order by seq desc limit 1), 0) as seq,
       coalesce((select number from match_step where book_id = $1 and event_id = e.event_id order by number desc limit 1), 0) as step`

	// The first event of which something is not counted, by hours or by pools.
	sqlHoursDue = `
select n.event_id
  from (select e.event_id, ` + lastNumbers + ` from match_event e where e.book_id = $1 and e.state <> 'draft') n
  left join match_counted c on c.book_id = $1 and c.event_id = n.event_id
 where n.seq > least(coalesce(c.seq, 0), coalesce(c.earned_seq, 0)) or n.step > least(coalesce(c.step, 0), coalesce(c.earned_step, 0))
 order by n.event_id limit 1`

	sqlHoursMark  = `insert into match_counted (book_id, event_id) values ($1, $2) on conflict do nothing`
	sqlHoursMarks = `select seq, step, earned_seq, earned_step from match_counted where book_id = $1 and event_id = $2 for update`
	sqlHoursLast  = `select ` + lastNumbers + ` from match_event e where e.book_id = $1 and e.event_id = $2`
	sqlHoursMove  = `update match_counted set seq = $3, step = $4, earned_seq = $5, earned_step = $6 where book_id = $1 and event_id = $2`

	sqlHoursSeen = `
select coalesce(c.seq, 0), coalesce(c.step, 0), coalesce(c.earned_seq, 0), coalesce(c.earned_step, 0), ` + lastNumbers + `
  from match_event e left join match_counted c on c.book_id = e.book_id and c.event_id = e.event_id
 where e.book_id = $1 and e.event_id = $2`

	// What is kept, and what came since, up to $4 and $6.
	sqlHours = `
select hour, sum(gifts)::int8, sum(amount)::int8, sum(match)::int8, sum(freed)::int8
  from (select hour, gifts, amount, match, freed from match_hour where book_id = $1 and event_id = $2
         union all
        select hour, gifts, amount, match, freed from (` + hourRows + `) c) h
 group by hour order by hour`
)

// CountHours counts the next awards and steps of an event by their hours and pools and tells how many; none when all are counted. Calls take turns.
func CountHours(ctx context.Context, tx pgx.Tx, book *ledger.Book) (int, error) {
	return countHours(ctx, tx, book, hourStepMax)
}

// countHours counts at most so many awards and as many steps.
func countHours(ctx context.Context, tx pgx.Tx, book *ledger.Book, most int64) (int, error) {
	var event int32
	err := tx.QueryRow(ctx, sqlHoursDue, book.ID).Scan(&event)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look for hours to count: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlHoursMark, book.ID, event); err != nil {
		return 0, fmt.Errorf("begin to count hours: %w", err)
	}
	var hours, pools, last counted
	if err := tx.QueryRow(ctx, sqlHoursMarks, book.ID, event).Scan(&hours.seq, &hours.step, &pools.seq, &pools.step); err != nil {
		return 0, fmt.Errorf("read how far hours are counted: %w", err)
	}
	if err := tx.QueryRow(ctx, sqlHoursLast, book.ID, event).Scan(&last.seq, &last.step); err != nil {
		return 0, fmt.Errorf("read how far hours could be counted: %w", err)
	}
	toHours, toPools := hours.towards(last, most), pools.towards(last, most)
	if _, err := tx.Exec(ctx, sqlHoursAdd, book.ID, event, hours.seq, toHours.seq, hours.step, toHours.step); err != nil {
		return 0, fmt.Errorf("count hours: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlEarnedAdd, book.ID, event, pools.seq, toPools.seq, pools.step, toPools.step); err != nil {
		return 0, fmt.Errorf("count match of pools: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlHoursMove, book.ID, event, toHours.seq, toHours.step, toPools.seq, toPools.step); err != nil {
		return 0, fmt.Errorf("keep how far hours are counted: %w", err)
	}
	return int(max(toHours.since(hours), toPools.since(pools))), nil
}

// counted is how far awards and steps of an event are counted.
type counted struct{ seq, step int64 }

// towards is at most so many awards and steps nearer to the last.
func (c counted) towards(last counted, most int64) counted {
	return counted{min(last.seq, c.seq+most), min(last.step, c.step+most)}
}

func (c counted) since(before counted) int64 { return c.seq - before.seq + c.step - before.step }

// HoursOf reads the hours of an event: what is counted, and of what came since a few hundred, so that a look costs the same on a quiet day and in a
// rush. q sees one moment (a repeatable read transaction), else a count in between is told twice.
func HoursOf(ctx context.Context, q pg.Querier, book *ledger.Book, event int32) (*MatchHours, error) {
	var hours, pools, last counted
	if err := q.QueryRow(ctx, sqlHoursSeen, book.ID, event).Scan(&hours.seq, &hours.step, &pools.seq, &pools.step, &last.seq, &last.step); err != nil {
		return nil, fmt.Errorf("read how far hours are counted: %w", err)
	}
	to := hours.towards(last, hourOnTheGo)
	rows, err := q.Query(ctx, sqlHours, book.ID, event, hours.seq, to.seq, hours.step, to.step)
	if err != nil {
		return nil, fmt.Errorf("read hours of event: %w", err)
	}
	all := &MatchHours{Behind: last.since(to)}
	if all.Hours, err = pgx.CollectRows(rows, pgx.RowToStructByPos[MatchHour]); err != nil {
		return nil, fmt.Errorf("read hours of event: %w", err)
	}
	to = pools.towards(last, hourOnTheGo)
	if err := q.QueryRow(ctx, sqlHoursGiven, book.ID, event, pools.seq, to.seq, pools.step, to.step).Scan(&all.Given); err != nil {
		return nil, fmt.Errorf("read match without a gift: %w", err)
	}
	return all, nil
}
