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
		for _, s := range []span{{1, Month(k.day)}, {12, Year(k.day)}} {
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
		spans = []span{{1, Year(*begin)}}
	}
	end := spans[len(spans)-1].first
	if !end.Before(Month(today)) {
		return false, nil
	}
	if end.Month() == time.December {
		spans = append(spans, span{12, Year(end)})
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

// bounds are the days between which something is booked, and summed. All are nil in an empty book.
type bounds struct {
	begin, end           *time.Time // of the months that something was booked in
	summedFrom, summedTo *time.Time
}

const sqlBounds = `
select p.low, p.high, s.low, s.high
  from (select min(month) as low, (max(month) + interval '1 month')::date as high from period where book_id = $1) p
 cross join (select min(first) as low, (max(first) + interval '1 month')::date as high from summed where book_id = $1 and months = 1) s`

func readBounds(ctx context.Context, q pg.Querier, book *Book) (b bounds, err error) {
	err = q.QueryRow(ctx, sqlBounds, book.ID).Scan(&b.begin, &b.end, &b.summedFrom, &b.summedTo)
	return b, err
}

// piece is a stretch of years (12 months), of months (1) or of days (0) whose turnovers are added, or taken off.
type piece struct {
	point    int16 // which of the days asked for, from 1
	sign     int16
	months   int16
	from, to time.Time // before to
}

const nearMonth = 15 * 24 * time.Hour

// before says what adds up to all that was moved before a day: the summed years and months before the start of a month near to
// it, and the days between, which are taken off where that month begins after the day. Days before all that is summed are
// there only for the hour until SumTurnover has met them.
func (b bounds) before(point int16, day time.Time) (all []piece) {
	add := func(sign, months int16, from, to time.Time) {
		if from.Before(to) {
			all = append(all, piece{point, sign, months, from, to})
		}
	}
	if b.begin == nil {
		return nil
	}
	if day.After(*b.end) {
		day = *b.end
	}
	if b.summedFrom == nil || !day.After(*b.summedFrom) {
		add(1, 0, *b.begin, day)
		return all
	}
	near := Month(day)
	if day.Sub(near) > nearMonth {
		near = near.AddDate(0, 1, 0)
	}
	if near.After(*b.summedTo) {
		near = *b.summedTo
	}
	add(1, 0, *b.begin, *b.summedFrom)
	add(1, 12, *b.summedFrom, Year(near))
	add(1, 1, Year(near), near)
	add(1, 0, near, day)
	add(-1, 0, day, near)
	return all
}

// pieces is before for several days, as the arrays that go with movedOfBook.
func (b bounds) pieces(days ...time.Time) []any {
	var point, sign, months []int16
	var from, to []time.Time
	for i, day := range days {
		for _, p := range b.before(int16(i+1), day) {
			point, sign, months = append(point, p.point), append(sign, p.sign), append(months, p.months)
			from, to = append(from, p.from), append(to, p.to)
		}
	}
	return []any{point, sign, months, from, to}
}

// movedOfBook is what each account moved before the days that the pieces $2 to $6 are of: rows of a month or a day lie together.
const movedOfBook = `
with moved as (
  select p.n, t.account_id, p.sign * t.debit as debit, p.sign * t.credit as credit
    from unnest($2::int2[], $3::int2[], $4::int2[], $5::date[], $6::date[]) p(n, sign, months, low, high)
    join turnover_sum t on t.book_id = $1 and t.months = p.months and t.first >= p.low and t.first < p.high
   where p.months > 0
  union all
  select p.n, t.account_id, p.sign * t.debit, p.sign * t.credit
    from unnest($2::int2[], $3::int2[], $4::int2[], $5::date[], $6::date[]) p(n, sign, months, low, high)
    join turnover t on t.book_id = $1 and t.day >= p.low and t.day < p.high
   where p.months = 0
)`

// One account, $2: a probe for each year and month ($3 to $6) and for each day ($7 to $9). What nobody has summed yet ($10 to $12)
// may be long.
const sqlMovedOfAccount = `
select n, sum(sign * debit)::int8, sum(sign * credit)::int8
  from (select p.n, p.sign, t.debit, t.credit
          from unnest($3::int2[], $4::int2[], $5::int2[], $6::date[]) p(n, sign, months, first)
         cross join lateral (select debit, credit from turnover_sum
                where book_id = $1 and months = p.months and first = p.first and account_id = $2 limit 1) t
         union all
        select p.n, p.sign, t.debit, t.credit
          from unnest($7::int2[], $8::int2[], $9::date[]) p(n, sign, day)
         cross join lateral (select debit, credit from turnover where book_id = $1 and day = p.day and account_id = $2 limit 1) t
         union all
        select p.n, 1, t.debit, t.credit
          from unnest($10::int2[], $11::date[], $12::date[]) p(n, low, high)
          join turnover t on t.book_id = $1 and t.day >= p.low and t.day < p.high and t.account_id = $2) x
 group by n`

// manyDays are so many that a range of all accounts' days is sooner read than a probe for each of them.
const manyDays = 62 * 24 * time.Hour

// movedBefore is what an account moved before each of the days.
func movedBefore(ctx context.Context, q pg.Querier, book *Book, account int32, days ...time.Time) ([]Turnover, error) {
	b, err := readBounds(ctx, q, book)
	if err != nil {
		return nil, err
	}
	var sumPoint, sumSign, sumMonths, dayPoint, daySign, longPoint []int16
	var sumFirst, day, longFrom, longTo []time.Time
	for i, d := range days {
		for _, p := range b.before(int16(i+1), d) {
			switch {
			case p.months > 0:
				for at := p.from; at.Before(p.to); at = at.AddDate(0, int(p.months), 0) {
					sumPoint, sumSign, sumMonths, sumFirst = append(sumPoint, p.point), append(sumSign, p.sign), append(sumMonths, p.months), append(sumFirst, at)
				}
			case p.to.Sub(p.from) > manyDays:
				longPoint, longFrom, longTo = append(longPoint, p.point), append(longFrom, p.from), append(longTo, p.to)
			default:
				for at := p.from; at.Before(p.to); at = at.AddDate(0, 0, 1) {
					dayPoint, daySign, day = append(dayPoint, p.point), append(daySign, p.sign), append(day, at)
				}
			}
		}
	}
	moved := make([]Turnover, len(days))
	rows, err := q.Query(ctx, sqlMovedOfAccount, book.ID, account, sumPoint, sumSign, sumMonths, sumFirst, dayPoint, daySign, day, longPoint, longFrom, longTo)
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
