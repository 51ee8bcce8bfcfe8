package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// span is a whole month or a whole year.
type span struct {
	months int16 // 1 or 12
	first  time.Time
}

func yearOf(day time.Time) time.Time { return Day(day.Year(), time.January, 1) }

const sqlSumUpsert = `
insert into turnover_sum as t (book_id, months, first, account_id, debit, credit)
select $1, unnest($2::int2[]), unnest($3::date[]), unnest($4::int4[]), unnest($5::int8[]), unnest($6::int8[])
    on conflict (book_id, months, first, account_id) do update set debit = t.debit + excluded.debit, credit = t.credit + excluded.credit`

// queueSums adds what a batch moved on days of summed months and years. Few batches have any: only what comes late.
func (w *writer) queueSums(b *pgx.Batch, keys []turnKey) {
	if len(w.s.summed) == 0 {
		return
	}
	type sumKey struct {
		span
		account int32
	}
	sums := map[sumKey]*turn{}
	for _, k := range keys {
		for _, s := range []span{{1, Month(k.day)}, {12, yearOf(k.day)}} {
			if !w.s.summed[s] {
				continue
			}
			at := sums[sumKey{s, k.account}]
			if at == nil {
				at = &turn{}
				sums[sumKey{s, k.account}] = at
			}
			at.debit, at.credit = at.debit+w.turned[k].debit, at.credit+w.turned[k].credit
		}
	}
	if len(sums) == 0 {
		return
	}
	ordered := make([]sumKey, 0, len(sums))
	for k := range sums {
		ordered = append(ordered, k)
	}
	slices.SortFunc(ordered, func(a, b sumKey) int {
		if c := int(a.months) - int(b.months); c != 0 {
			return c
		}
		if c := a.first.Compare(b.first); c != 0 {
			return c
		}
		return int(a.account - b.account)
	})
	n := len(ordered)
	months, first, account, debit, credit := make([]int16, n), make([]time.Time, n), make([]int32, n), make([]int64, n), make([]int64, n)
	for i, k := range ordered {
		months[i], first[i], account[i], debit[i], credit[i] = k.months, k.first, k.account, sums[k].debit, sums[k].credit
	}
	b.Queue(sqlSumUpsert, w.book.ID, months, first, account, debit, credit)
}

const (
	sqlSummed = `
select min(first), max(first), (select min(month) from period where book_id = $1)
  from summed where book_id = $1 and months = 1`

	sqlSumMonth = `
insert into turnover_sum (book_id, months, first, account_id, debit, credit)
select $1, 1, $2::date, account_id, sum(debit), sum(credit)
  from turnover where book_id = $1 and day >= $2 and day < ($2 + interval '1 month')::date
 group by account_id`

	sqlSumYear = `
insert into turnover_sum (book_id, months, first, account_id, debit, credit)
select $1, 12, $2::date, account_id, sum(debit), sum(credit)
  from turnover_sum where book_id = $1 and months = 1 and first >= $2 and first < ($2 + interval '1 year')::date
 group by account_id`

	sqlSummedInsert = `insert into summed (book_id, months, first) values ($1, $2, $3)`
)

// SumTurnover sums the next month that has ended before today, or, where something was booked before all sums, the year before
// them; with December its year. It says whether it found one: call it, each time in a transaction of its own, until it
// does not. Nobody posts meanwhile, for as long as it takes to read one month's turnovers.
func SumTurnover(ctx context.Context, tx pgx.Tx, book *Book, today time.Time) (found bool, err error) {
	if _, err := tx.Exec(ctx, sqlLock, book.ID, lockLane); err != nil {
		return false, fmt.Errorf("sum turnovers: %w", err)
	}
	var first, last, begin *time.Time
	if err := tx.QueryRow(ctx, sqlSummed, book.ID).Scan(&first, &last, &begin); err != nil {
		return false, fmt.Errorf("sum turnovers: %w", err)
	}
	if begin == nil { // nothing was ever booked
		return false, nil
	}
	var spans []span
	switch {
	case first != nil && begin.Before(*first):
		for m := range 12 {
			spans = append(spans, span{1, first.AddDate(-1, m, 0)})
		}
	case last != nil:
		spans = []span{{1, last.AddDate(0, 1, 0)}}
	default:
		spans = []span{{1, yearOf(*begin)}}
	}
	end := spans[len(spans)-1].first
	if !end.Before(Month(today)) {
		return false, nil
	}
	if end.Month() == time.December {
		spans = append(spans, span{12, yearOf(end)})
	}
	for _, s := range spans {
		if err := sumSpan(ctx, tx, book, s); err != nil {
			return false, fmt.Errorf("sum turnovers from %s: %w", s.first.Format(time.DateOnly), err)
		}
	}
	return true, nil
}

func sumSpan(ctx context.Context, tx pgx.Tx, book *Book, s span) error {
	sql := sqlSumMonth
	if s.months == 12 {
		sql = sqlSumYear
	}
	if _, err := tx.Exec(ctx, sql, book.ID, s.first); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, sqlSummedInsert, book.ID, s.months, s.first)
	return err
}

// What an account moved before a day P is, with everything from s to e summed and r the start of a month nearest to P in there:
// the years before r's, the months of r's year before r, and the days between r and P, taken off where P lies before r.
// Days before s are read one by one: there are none but for the hour until SumTurnover has met them. Dates that are compared with
// a key are computed beforehand: behind row level security an expression that could fail does not reach an index.
const (
	withPoints = `
with bound as materialized (
  select min(first) as s, (max(first) + interval '1 month')::date as e, (select min(month) from period where book_id = $1) as begin,
         (select (max(month) + interval '1 month')::date from period where book_id = $1) as final
    from summed where book_id = $1 and months = 1
), point as materialized (
  select d.n, p.day, b.s, b.begin, least(b.s, p.day) as early,
         case when b.s is null or p.day <= b.s then null when p.day >= b.e then b.e
              when p.day - date_trunc('month', p.day::timestamp)::date <= 15 then date_trunc('month', p.day::timestamp)::date
              else (date_trunc('month', p.day::timestamp) + interval '1 month')::date end as r
    from unnest($2::date[]) with ordinality d(asked, n) cross join bound b cross join lateral (select least(d.asked, b.final) as day) p
), days as materialized (
  select n, s, early, date_trunc('year', r::timestamp)::date as y, r, least(r, day) as low, greatest(r, day) as high,
         case when r > day then -1 else 1 end as sign, day, begin
    from point
)`

	// All accounts: rows of a span or a day lie together.
	movedOfBook = withPoints + `, moved as (
  select p.n, t.account_id, t.debit, t.credit
    from days p join turnover_sum t on t.book_id = $1 and t.months = 12 and t.first < p.y
  union all
  select p.n, t.account_id, t.debit, t.credit
    from days p join turnover_sum t on t.book_id = $1 and t.months = 1 and t.first >= p.y and t.first < p.r
  union all
  select p.n, t.account_id, p.sign * t.debit, p.sign * t.credit
    from days p join turnover t on t.book_id = $1 and t.day >= p.low and t.day < p.high
  union all
  select p.n, t.account_id, t.debit, t.credit
    from days p join turnover t on t.book_id = $1 and t.day < p.early
)`

	// One account, $3: a probe for each year, month and day. Only what nobody has summed yet may be long.
	sqlMovedOfAccount = withPoints + `, stretch as materialized (
  select n, sign, low, high from days where low < high
  union all
  select n, 1, begin, early from days where begin < early
), probe as materialized (
  select n, 1 as sign, 12::int2 as months, make_date(i, 1, 1) as first
    from days cross join generate_series(extract(year from s)::int4, extract(year from y)::int4 - 1) i
  union all
  select n, 1, 1, (y + make_interval(months => i))::date from days cross join generate_series(0, extract(month from r)::int4 - 2) i
  union all
  select n, sign, 0, low + i from stretch cross join generate_series(0, high - low - 1) i where high - low <= 62
), piece as (
  select p.n, p.sign, t.debit, t.credit
    from probe p
   cross join lateral (select debit, credit from turnover_sum
          where book_id = $1 and months = p.months and first = p.first and account_id = $3 limit 1) t
   where p.months > 0
  union all
  select p.n, p.sign, t.debit, t.credit
    from probe p cross join lateral (select debit, credit from turnover where book_id = $1 and day = p.first and account_id = $3 limit 1) t
   where p.months = 0
  union all
  select p.n, p.sign, t.debit, t.credit
    from stretch p join turnover t on t.book_id = $1 and t.day >= p.low and t.day < p.high and t.account_id = $3
   where p.high - p.low > 62
)
select n, sum(sign * debit)::int8, sum(sign * credit)::int8 from piece group by n`
)

// movedBefore is what an account moved before each of the days.
func movedBefore(ctx context.Context, q pg.Querier, book *Book, account int32, days ...time.Time) ([]Turnover, error) {
	moved := make([]Turnover, len(days))
	rows, err := q.Query(ctx, sqlMovedOfAccount, book.ID, days, account)
	if err != nil {
		return nil, err
	}
	var n int
	var t Turnover
	_, err = pgx.ForEachRow(rows, []any{&n, &t.Debit, &t.Credit}, func() error {
		moved[n-1] = t
		return nil
	})
	return moved, err
}
