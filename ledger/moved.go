package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
)

// Cut says of what a sum is made: of which funds, kept apart by which tags, and as the book stood when.
type Cut struct {
	Funds    []int32   // nil for all of the book
	Tags     [2]string // names of dims, as in their JSON ("project", "source"); empty keeps nothing apart
	Recorded time.Time // only what was recorded until this moment; zero for all
	Leaves   bool      // each account by itself
}

// Moved is what the accounts of one chart account in one fund, of one nature and with the same tags, had moved before each of the days
// asked for. Minor units of the book's currency.
type Moved struct {
	Chart   chart.ID
	Fund    int32
	Nature  string // NatureClose on what a year's end empties accounts by
	Tags    [2]string
	Account int32 // the account, or the first of several
	Before  []Turnover
}

const sqlMoved = movedOfBook + `
select a.chart, a.fund_id, coalesce(a.dims ->> 'nature', ''), coalesce(a.dims ->> $7::text, ''), coalesce(a.dims ->> $8::text, ''), min(a.account_id), m.n,
       sum(m.debit)::int8, sum(m.credit)::int8
  from (select account_id, n, sum(debit) as debit, sum(credit) as credit from moved group by 1, 2) m join account a on a.book_id = $1 and a.account_id = m.account_id
 where a.ccy = $9 and ($10::int4[] is null or a.fund_id = any($10))
 group by 1, 2, 3, 4, 5, 7, case when $11::bool then a.account_id end`

// MovedBefore sums the book before each of the days, from kept turnovers alone; as of a past moment, what was recorded after it is taken
// off again, see asRecorded. Run it with what it is compared to in one repeatable read transaction.
func MovedBefore(ctx context.Context, q pg.Querier, book *Book, cut Cut, days ...time.Time) ([]Moved, error) {
	b, err := readBounds(ctx, q, book)
	if err != nil {
		return nil, fmt.Errorf("read what was moved: %w", err)
	}
	var asked []time.Time // each day once
	places := map[time.Time][]int{}
	for i, day := range days {
		if places[day] == nil {
			asked = append(asked, day)
		}
		places[day] = append(places[day], i)
	}
	type key struct {
		id     chart.ID
		fund   int32
		nature string
		tags   [2]string
		leaf   int32
	}
	at := map[key]int{}
	var all []Moved
	read := func(sql string, sign int64, args ...any) error {
		rows, err := q.Query(ctx, sql, args...)
		if err != nil {
			return fmt.Errorf("read what was moved: %w", err)
		}
		var k key
		var account int32
		var n int
		var t Turnover
		if _, err = pgx.ForEachRow(rows, []any{&k.id, &k.fund, &k.nature, &k.tags[0], &k.tags[1], &account, &n, &t.Debit, &t.Credit}, func() error {
			if cut.Leaves {
				k.leaf = account
			}
			i, there := at[k]
			if !there {
				i = len(all)
				at[k] = i
				all = append(all, Moved{k.id, k.fund, k.nature, k.tags, account, make([]Turnover, len(days))})
			}
			all[i].Account = min(all[i].Account, account)
			for _, place := range places[asked[n-1]] {
				all[i].Before[place].Debit += sign * t.Debit
				all[i].Before[place].Credit += sign * t.Credit
			}
			return nil
		}); err != nil {
			return fmt.Errorf("read what was moved: %w", err)
		}
		return nil
	}
	of := []any{cut.Tags[0], cut.Tags[1], book.Currency, cut.Funds, cut.Leaves}
	if cut.Recorded.IsZero() {
		err = read(sqlMoved, 1, slices.Concat([]any{book.ID}, b.pieces(asked...), of)...)
	} else {
		then := asRecorded(book, cut.Recorded, asked)
		err = errors.Join(
			read(sqlMoved, 1, slices.Concat([]any{book.ID}, b.pieces(then.kept...), of)...),
			read(sqlMovedLate, -1, slices.Concat([]any{book.ID, cut.Recorded, then.until, then.kept}, of)...),
			read(sqlMovedAhead, 1, slices.Concat([]any{book.ID, cut.Recorded, then.ahead, asked}, of)...))
	}
	if err != nil {
		return nil, err
	}
	if !cut.Recorded.IsZero() { // of some all was recorded later
		all = slices.DeleteFunc(all, func(m Moved) bool {
			return !slices.ContainsFunc(m.Before, func(t Turnover) bool { return t != Turnover{} })
		})
	}
	slices.SortFunc(all, func(a, b Moved) int { return int(a.Account - b.Account) })
	return all, nil
}

// DirectLine is a line of an entry that reaches net assets past income and expense.
type DirectLine struct {
	Entry       uuid.UUID
	Kind        Kind
	EffectiveOn time.Time
	Pure        bool // all lines of the entry are of net assets: it moves them between classes only
	Chart       chart.ID
	Fund        int32
	Nature      string
	Tags        [2]string
	Amount      int64 // minor units of the book's currency, debit positive
}

// Of closing and opening entries all lines count that are not on leaves of NatureClose, of others those on net assets: the rest is
// in the turnovers. Accounts of net assets have few postings.
const sqlDirect = `
with named as (
  select distinct p.entry_id as id
    from account n join posting p on p.book_id = n.book_id and p.account_id = n.account_id
   where n.book_id = $1 and n.chart in ('na.u', 'na.r')),
line as (
  select e.id, e.kind, e.effective_on, bool_and(a.chart in ('na.u', 'na.r')) over (partition by e.id) as pure,
         a.chart, a.fund_id, a.dims, a.ccy, p.amount
    from named
   cross join lateral (select * from entry e where e.book_id = $1 and e.id = named.id limit 1) e
   cross join lateral unnest(e.accounts, e.seqs) u(account_id, seq)
   cross join lateral (select amount from posting p where p.book_id = $1 and p.account_id = u.account_id and p.seq = u.seq limit 1) p
   cross join lateral (select * from account a where a.book_id = $1 and a.account_id = u.account_id limit 1) a
   where e.effective_on >= $2 and e.effective_on < $3 and ($4::timestamptz is null or e.recorded_at <= $4))
select id, kind, effective_on, pure, chart, fund_id, coalesce(dims ->> 'nature', ''), coalesce(dims ->> $5::text, ''), coalesce(dims ->> $6::text, ''), sum(amount)::int8
  from line
 where ccy = $7 and (chart in ('na.u', 'na.r') or kind = any($8)) and dims ->> 'nature' is distinct from 'close'
 group by 1, 2, 3, 4, 5, 6, 7, 8, 9
 order by 3, 1, 5, 6`

// DirectLines gives the lines of the days from until before to, of all funds: what an entry moves between classes is seen only in whole.
func DirectLines(ctx context.Context, q pg.Querier, book *Book, cut Cut, from, before time.Time) ([]DirectLine, error) {
	var moment *time.Time
	if !cut.Recorded.IsZero() {
		moment = &cut.Recorded
	}
	rows, err := q.Query(ctx, sqlDirect, book.ID, from, before, moment, cut.Tags[0], cut.Tags[1], book.Currency, []Kind{KindOpening, KindClose})
	if err != nil {
		return nil, fmt.Errorf("read what went to net assets: %w", err)
	}
	lines, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (l DirectLine, err error) {
		err = row.Scan(&l.Entry, &l.Kind, &l.EffectiveOn, &l.Pure, &l.Chart, &l.Fund, &l.Nature, &l.Tags[0], &l.Tags[1], &l.Amount)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("read what went to net assets: %w", err)
	}
	return lines, nil
}
