package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
)

// Flow is the income or expense of a fund in one month on one chart account. Closing transfers are left
// out: they move what was earned and spent into net assets and are neither.
type Flow struct {
	Fund   int32
	Month  time.Time
	Chart  chart.Account
	Amount int64 // minor units of the book's currency; income is positive when money came, expense when it was spent
}

// Closing entries are found from the net assets they end in: these accounts have few postings.
const sqlFlows = `
with closing as (
  select distinct on (e.id) e.effective_on, e.accounts, e.seqs
    from account n
    join posting p on p.book_id = n.book_id and p.account_id = n.account_id
   cross join lateral (select * from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
   where n.book_id = $1 and n.chart in ('na.u', 'na.r') and ($6 = 0 or n.fund_id = $6)
     and e.kind = $7 and e.effective_on between $4::date and $5::date),
bound as materialized (
  select case when min(first) is not null then greatest(min(first), (date_trunc('month', $4::timestamp - interval '1 day') + interval '1 month')::date) end as low,
         least((max(first) + interval '1 month')::date, date_trunc('month', $5::timestamp + interval '1 day')::date) as high
    from summed where book_id = $1 and months = 1),
whole as materialized ( -- the summed months that lie inside the days; none of them: nothing is below low and all is above high
  select case when low < high then low else $4 end as low, case when low < high then high else $4 end as high from bound),
moved as (
  select t.account_id, t.first as day, t.debit - t.credit as amount
    from whole w join turnover_sum t on t.book_id = $1 and t.months = 1 and t.first >= w.low and t.first < w.high
  union all
  select t.account_id, t.day, t.debit - t.credit
    from whole w join turnover t on t.book_id = $1 and t.day >= $4 and t.day < w.low
  union all
  select t.account_id, t.day, t.debit - t.credit
    from whole w join turnover t on t.book_id = $1 and t.day >= w.high and t.day <= $5
  union all
  select u.account_id, c.effective_on, -p.amount
    from closing c
   cross join lateral unnest(c.accounts, c.seqs) u(account_id, seq)
   cross join lateral (select amount from posting p
                        where p.book_id = $1 and p.account_id = u.account_id and p.seq = u.seq limit 1) p)
select a.fund_id, date_trunc('month', m.day::timestamp)::date, a.chart, sum(m.amount)::int8
  from account a join moved m on m.account_id = a.account_id
 where a.book_id = $1 and a.chart = any($2) and a.ccy = $3 and ($6 = 0 or a.fund_id = $6)
 group by 1, 2, 3
having sum(m.amount) <> 0
 order by 2, 1, 3`

// Flows gives the income and expense of the days from..to by fund, month and account; fund 0 means all funds.
func Flows(ctx context.Context, q pg.Querier, book *Book, from, to time.Time, fund int32) ([]Flow, error) {
	rows, err := q.Query(ctx, sqlFlows, book.ID, flowCharts(), book.Currency, from, to, fund, KindClose)
	if err != nil {
		return nil, fmt.Errorf("read flows: %w", err)
	}
	flows, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f Flow, err error) {
		var id chart.ID
		if err := row.Scan(&f.Fund, &f.Month, &id, &f.Amount); err != nil {
			return f, err
		}
		f.Chart = chart.MustByID(id)
		f.Amount *= int64(f.Chart.Normal)
		return f, nil
	})
	if err != nil {
		return nil, fmt.Errorf("read flows: %w", err)
	}
	return flows, nil
}

const sqlFlowSum = `
with closing as (
  select distinct on (e.id) e.accounts, e.seqs
    from account n
    join posting p on p.book_id = n.book_id and p.account_id = n.account_id
   cross join lateral (select * from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
   where n.book_id = $1 and n.chart in ('na.u', 'na.r') and n.fund_id = $4 and e.kind = $5),
moved as (
  select b.account_id, b.balance as amount
    from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
   where a.book_id = $1 and a.fund_id = $4
  union all
  select u.account_id, -p.amount
    from closing c
   cross join lateral unnest(c.accounts, c.seqs) u(account_id, seq)
   cross join lateral (select amount from posting p
                        where p.book_id = $1 and p.account_id = u.account_id and p.seq = u.seq limit 1) p)
select a.chart, sum(m.amount)::int8
  from account a join moved m on m.account_id = a.account_id
 where a.book_id = $1 and a.chart = any($2) and a.ccy = $3 and a.fund_id = $4
 group by 1`

// FlowSum is a fund's income and expense since it began, read from its balances. Minor units of the book's currency.
func FlowSum(ctx context.Context, q pg.Querier, book *Book, fund int32) (income, expense int64, err error) {
	rows, err := q.Query(ctx, sqlFlowSum, book.ID, flowCharts(), book.Currency, fund, KindClose)
	if err != nil {
		return 0, 0, fmt.Errorf("sum flows: %w", err)
	}
	var id chart.ID
	var sum int64
	_, err = pgx.ForEachRow(rows, []any{&id, &sum}, func() error {
		if a := chart.MustByID(id); a.Type == chart.Income {
			income += sum * int64(a.Normal)
		} else {
			expense += sum * int64(a.Normal)
		}
		return nil
	})
	if err != nil {
		return 0, 0, fmt.Errorf("sum flows: %w", err)
	}
	return income, expense, nil
}

// flowCharts are the accounts of income and expense.
func flowCharts() (charts []string) {
	for _, a := range chart.All() {
		if a.Type == chart.Income || a.Type == chart.Expense {
			charts = append(charts, string(a.ID))
		}
	}
	return charts
}

// Spending is an entry that used money of a fund for its purpose.
type Spending struct {
	Entry       uuid.UUID
	Fund        int32
	EffectiveOn time.Time
	Number      int32 // of the voucher in its month; zero for none
	Summary     string
	Amount      int64 // minor units; negative when it takes an earlier one back
	Reversed    bool  // a later entry took it back
	Project     bool  // it is a project's
}

// Each account gives its newest postings; what is newest among them all is decided afterwards.
const sqlSpendings = `
select e.id, a.fund_id, e.effective_on, coalesce(d.number, 0), coalesce(d.summary, ''), sum(e.amount)::int8,
       exists (select from entry r where r.book_id = $1 and r.reverses = e.id), bool_or(coalesce(a.dims ->> 'project', '') <> '')
  from account a
 cross join lateral (
       select e.id, e.effective_on, p.amount
         from posting p
        cross join lateral (select id, effective_on, kind from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
        where p.book_id = $1 and p.account_id = a.account_id and e.kind <> $4
        order by p.seq desc limit $5) e
  left join document d on d.book_id = $1 and d.entry_id = e.id
 where a.book_id = $1 and a.chart in ('program.u', 'program.r') and a.ccy = $2 and ($3 = 0 or a.fund_id = $3)
 group by 1, 2, 3, 4, 5
 order by e.effective_on desc, e.id desc
 limit $5`

// Spendings gives the newest program costs, of one fund or, with fund 0, of the book.
func Spendings(ctx context.Context, q pg.Querier, book *Book, fund int32, limit int) ([]Spending, error) {
	rows, err := q.Query(ctx, sqlSpendings, book.ID, book.Currency, fund, KindClose, min(max(limit, 1), PageMax))
	if err != nil {
		return nil, fmt.Errorf("read spending: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Spending])
	if err != nil {
		return nil, fmt.Errorf("read spending: %w", err)
	}
	return list, nil
}

const sqlPosted = `
select coalesce(sum(b.seq), 0)::int8
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and ($2 = 0 or a.fund_id = $2)`

// Posted is the ledger position that figures are stamped with: how many postings the book, or one fund
// of it, holds. The same position means the same figures.
func Posted(ctx context.Context, q pg.Querier, book *Book, fund int32) (postings int64, err error) {
	if err := q.QueryRow(ctx, sqlPosted, book.ID, fund).Scan(&postings); err != nil {
		return 0, fmt.Errorf("read ledger position: %w", err)
	}
	return postings, nil
}
