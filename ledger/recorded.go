package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// How long a transaction may take to commit what it recorded.
const recordedWithin = time.Hour

// Nearly all entries are recorded on their own day. The few others have indices: those that came two days late or more, and those that
// were booked two days ahead or more; by days of UTC, since no clock is two days away from it. Of the rest, what was recorded on one side of a
// moment and belongs to days on the other was recorded near it. Numbers of an account's postings go in the order of recording, so what was recorded
// near a moment lies together: it is read account by account, and summed by days before it is added to the days asked for.
const (
	sqlMovedLate = `
with odd as (
  select effective_on, accounts, seqs from entry
   where book_id = $1 and recorded_at > $2 and effective_on < (recorded_at at time zone 'UTC')::date - 1 and effective_on < (select max(day) from unnest($4::date[]) day)
), near as materialized (
  select effective_on, accounts, seqs from entry
   where book_id = $1 and recorded_at > $2 and recorded_at < $3 and effective_on >= (recorded_at at time zone 'UTC')::date - 1
     and effective_on < (select max(day) from unnest($4::date[]) day)
)` + movedOfEntries

	sqlMovedAhead = `
with odd as (
  select effective_on, accounts, seqs from entry
   where book_id = $1 and recorded_at <= $2 and effective_on >= $3::date and effective_on > (recorded_at at time zone 'UTC')::date + 1
     and effective_on < (select max(day) from unnest($4::date[]) day)
), near as materialized (
  select effective_on, accounts, seqs from entry
   where book_id = $1 and recorded_at <= $2 and recorded_at >= ($3::date - 1)::timestamp at time zone 'UTC' and effective_on >= $3 and effective_on <= (recorded_at at time zone 'UTC')::date + 1
     and effective_on < (select max(day) from unnest($4::date[]) day)
)` + movedOfEntries

	movedOfEntries = `, line as (
  select effective_on, unnest(accounts) as account_id, unnest(seqs) as seq from near
), read as materialized (
  select r.account_id, p.seq, p.amount
    from (select account_id, min(seq) as low, max(seq) as high from line group by 1) r
   cross join lateral (select seq, amount from posting where book_id = $1 and account_id = r.account_id and seq between r.low and r.high) p
), moved as (
  select l.account_id, l.effective_on, p.amount from line l join read p on p.account_id = l.account_id and p.seq = l.seq
  union all
  select u.account_id, e.effective_on, p.amount
    from odd e
   cross join lateral unnest(e.accounts, e.seqs) u(account_id, seq)
   cross join lateral (select amount from posting p where p.book_id = $1 and p.account_id = u.account_id and p.seq = u.seq limit 1) p
), m as (
  select account_id, effective_on, sum(amount) filter (where amount > 0) as debit, -sum(amount) filter (where amount < 0) as credit from moved group by 1, 2
)
select a.chart, a.fund_id, coalesce(a.dims ->> 'nature', ''), coalesce(a.dims ->> $5::text, ''), coalesce(a.dims ->> $6::text, ''), min(a.account_id), d.n::int2,
       coalesce(sum(m.debit), 0)::int8, coalesce(sum(m.credit), 0)::int8
  from m
  join unnest($4::date[]) with ordinality d(day, n) on m.effective_on < d.day
  join account a on a.book_id = $1 and a.account_id = m.account_id
 where a.ccy = $7 and ($8::int4[] is null or a.fund_id = any($8))
 group by 1, 2, 3, 4, 5, 7, case when $9::bool then a.account_id end`
)

// recordedCut splits what a book had moved before days, as it was recorded at a moment: what is kept before the kept days, none much later than the
// moment, less what came after the moment; and what was booked ahead of it on the days from ahead on.
type recordedCut struct {
	kept  []time.Time
	until time.Time // what is not late and belongs before the kept days was recorded before
	ahead time.Time // the moment's own day, or the day after it: whichever is nearer, so that less was recorded between
}

func asRecorded(book *Book, moment time.Time, days []time.Time) (c recordedCut) {
	c.ahead = book.Day(moment)
	if moment.Sub(book.Begin(c.ahead)) > 12*time.Hour {
		c.ahead = c.ahead.AddDate(0, 0, 1)
	}
	for _, day := range days {
		if day.After(c.ahead) {
			day = c.ahead
		}
		c.kept = append(c.kept, day)
		if until := day.AddDate(0, 0, 1); until.After(c.until) {
			c.until = until
		}
	}
	return c
}

func dayUTC(moment time.Time) time.Time {
	y, m, d := moment.UTC().Date()
	return Day(y, m, d)
}

const (
	sqlMarkBefore = `select moment, posted from recorded_mark where book_id = $1 and moment <= $2 order by moment desc limit 1`

	sqlPostedIn = `select coalesce(sum(cardinality(accounts)), 0)::int8 from entry where book_id = $1 and recorded_at >= $2 and recorded_at <= $3`

	sqlMark = `
insert into recorded_mark (book_id, moment, posted)
select $1, day + interval '1 day', $4 + sum(n) over (order by day)
  from (select date_trunc('day', recorded_at, 'UTC') as day, sum(cardinality(accounts)) as n
          from entry where book_id = $1 and recorded_at >= $2 and recorded_at < $3 group by 1) d`
)

// PostedBy is how many postings the book held at a moment: its ledger position then, from the last mark and what was recorded since. Zero
// time means now.
func PostedBy(ctx context.Context, q pg.Querier, book *Book, moment time.Time) (int64, error) {
	if moment.IsZero() {
		return Posted(ctx, q, book, 0)
	}
	mark, posted, err := markBefore(ctx, q, book, moment)
	if err != nil {
		return 0, err
	}
	var since int64
	if err := q.QueryRow(ctx, sqlPostedIn, book.ID, mark, moment).Scan(&since); err != nil {
		return 0, fmt.Errorf("count what was recorded since: %w", err)
	}
	return posted + since, nil
}

// MarkRecorded marks how many postings were recorded before the end of each day (UTC) since the last mark, where an hour has passed since.
// It says of how many days.
func MarkRecorded(ctx context.Context, tx pgx.Tx, book *Book, now time.Time) (int, error) {
	from, posted, err := markBefore(ctx, tx, book, now)
	if err != nil {
		return 0, err
	}
	until := dayUTC(now.Add(-recordedWithin))
	if !until.After(from) {
		return 0, nil
	}
	tag, err := tx.Exec(ctx, sqlMark, book.ID, from, until, posted)
	if err != nil {
		return 0, fmt.Errorf("mark what was recorded: %w", err)
	}
	return int(tag.RowsAffected()), nil
}

// markBefore is the last mark at or before a moment; the beginning of time before the first.
func markBefore(ctx context.Context, q pg.Querier, book *Book, moment time.Time) (mark time.Time, posted int64, err error) {
	err = q.QueryRow(ctx, sqlMarkBefore, book.ID, moment).Scan(&mark, &posted)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return mark, 0, fmt.Errorf("look for the mark: %w", err)
	}
	return mark, posted, nil
}
