package recon

import "sunfund/ledger/giving"

// Rows that break a check: say, object, name, sums, day. $1 is the book, $2 today.

const (
	sqlOfFunds    = `select count(*) from fund where book_id = $1`
	sqlOfAccounts = `select count(*) from account where book_id = $1`
	sqlOfCloses   = `select count(*) from period_close where book_id = $1`
	sqlOfAgency   = `select count(*) from fund where book_id = $1 and kind = 'agency'`
	sqlOfTxns     = `select count(*) from processor_txn where book_id = $1`
	sqlOfPayouts  = `select count(*) from payout where book_id = $1`
	sqlOfDisputes = `select count(*) from dispute where book_id = $1`
	sqlOfVoids    = `select count(*) from receipt_gift where book_id = $1`
	sqlOfPayments = `select count(*) from disbursement where book_id = $1`
	sqlOfFlow     = `select count(*) from account a join fund f on f.book_id = a.book_id and f.fund_id = a.fund_id
 where a.book_id = $1 and f.kind in ('restricted', 'subsidy', 'endowment')`
)

// An entry that does not balance shows in the sums of its fund.
const sqlUnbalanced = `
select 'unbalanced', 'fund:' || a.fund_id, f.code, array[sum(b.balance)::int8], null::date
  from account a
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
  join fund f on f.book_id = a.book_id and f.fund_id = a.fund_id
 where a.book_id = $1
 group by a.fund_id, f.code, a.unit having sum(b.balance) <> 0`

// The newest entries alone; the others at night. A month that was closed for good has its close, by two people.
const sqlClosedNewest = `
select 'unsigned', 'month:' || to_char(p.month, 'YYYY-MM'), to_char(p.month, 'YYYY-MM'), null::int8[], null::date
  from period p
 where p.book_id = $1 and p.state = 'hard'
   and not exists (select from period_close c where c.book_id = $1 and p.month <= c.month)
 union all
select 'inside', 'entry:' || e.id, e.id::text, null, e.effective_on
  from (select id, effective_on, xid from entry where book_id = $1 order by xid desc, id desc limit 10000) e
 where exists (select from period_close c where c.book_id = $1 and e.effective_on < c.month + interval '1 month' and e.xid > c.xid)`

const sqlClosedAll = `
select 'inside', 'entry:' || e.id, e.id::text, null::int8[], e.effective_on
  from entry e
 where e.book_id = $1 and e.effective_on < (select max(month) + interval '1 month' from period_close where book_id = $1)
   and exists (select from period_close c where c.book_id = $1 and e.effective_on < c.month + interval '1 month' and e.xid > c.xid)`

// Whole years, whole months behind them, and the days that are not summed.
const sqlCached = `
with low as (select min(first) as day from summed where book_id = $1 and months = 1),
high as (select (max(first) + interval '1 month')::date as day from summed where book_id = $1 and months = 1),
years as (select (max(first) + interval '1 year')::date as day from summed where book_id = $1 and months = 12),
moved as (
  select account_id, sum(debit - credit) as sum
    from (select account_id, debit, credit from turnover_sum where book_id = $1 and months = 12
           union all
          select account_id, debit, credit from turnover_sum
           where book_id = $1 and months = 1 and first >= coalesce((select day from years), '-infinity')
           union all
          select account_id, debit, credit from turnover
           where book_id = $1 and (day < coalesce((select day from low), 'infinity') or day >= (select day from high))) t
   group by account_id)
select 'cached', 'account:' || coalesce(b.account_id, m.account_id), a.chart || ' ' || f.code, array[coalesce(b.balance, 0), coalesce(m.sum, 0)::int8], null::date
  from (select account_id, balance from balance where book_id = $1) b
  full join moved m using (account_id)
  left join account a on a.book_id = $1 and a.account_id = coalesce(b.account_id, m.account_id)
  left join fund f on f.book_id = $1 and f.fund_id = a.fund_id
 where coalesce(b.balance, 0) <> coalesce(m.sum, 0)`

// aged is what of a clearing account's balance is older than its lag: the balance less what moved to that side since.
const aged = `,
old as (
  select a.account_id, a.chart, a.fund_id, f.code, b.balance, lag.since,
         abs(b.balance) - coalesce((select sum(case when b.balance > 0 then t.debit else t.credit end)
                                      from turnover t where t.book_id = $1 and t.day >= lag.since and t.account_id = a.account_id), 0) as amount
    from lag
    join account a on a.book_id = $1 and a.chart = lag.chart and a.unit < 1000
    join balance b on b.book_id = $1 and b.account_id = a.account_id and b.balance <> 0
    join fund f on f.book_id = $1 and f.fund_id = a.fund_id)
select 'aged', 'account:' || account_id, chart || ' ' || code, array[balance, amount::int8], since
  from old where amount > 0`

// weekdays is the n-th weekday before today; holidays are not known, so that a long one shows early.
const weekdays = `
workday as (
  select d::date as day, row_number() over (order by d desc) as n
    from generate_series($2::date - 20, $2::date - 1, interval '1 day') d where extract(isodow from d) < 6)`

const (
	sqlAgedClearing = `
with ` + weekdays + `,
lag (chart, since) as (
  select 'psp.transit', day from workday where n = 3
   union all select 'pay.transit', day from workday where n = 2
   union all select 'unident', $2::date - 30
   union all select 'bounced', $2::date - 5
   union all select 'ar.platform', $2::date - 60)` + aged

	sqlAgedTransit  = `with ` + weekdays + `, lag (chart, since) as (select 'psp.transit', day from workday where n = 3)` + aged
	sqlAgedUnknown  = `with lag (chart, since) as (values ('unident', $2::date - 30))` + aged
	sqlAgedPayments = `with ` + weekdays + `, lag (chart, since) as (select 'pay.transit', day from workday where n = 2 union all select 'bounced', $2::date - 5)` + aged
)

const sqlInterfund = `
with lag (chart, since) as (values ('if.due.from', $2::date - 30), ('if.due.to', $2::date - 30))` + aged + `
 union all
select 'interfund', '', a.ccy, array[sum(b.balance)::int8], null
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.chart in ('if.due.from', 'if.due.to') group by a.ccy having sum(b.balance) <> 0
 union all
select 'transfers', '', a.ccy, array[sum(b.balance)::int8], null
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.chart = 'transfer' group by a.ccy having sum(b.balance) <> 0
 union all
select 'released', 'fund:' || a.fund_id, f.code, array[sum(b.balance)::int8], null
  from account a
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
  join fund f on f.book_id = a.book_id and f.fund_id = a.fund_id
 where a.book_id = $1 and a.chart in ('release.u', 'release.r') group by a.fund_id, f.code having sum(b.balance) <> 0`

// What a processor lists, fund by fund, against what the book says it holds. A payout is a row of it too.
const sqlProcessor = `
select 'processor', 'fund:' || fund, x.processor || ' ' || f.code, array[coalesce(b.held, 0), coalesce(p.net, 0)::int8], null::date
  from (select t.processor, u.fund, sum(u.net) as net
          from processor_txn t cross join lateral unnest(t.funds, t.nets) u(fund, net) where t.book_id = $1 group by 1, 2) p
  full join (select a.dims ->> 'instrument' as processor, a.fund_id as fund, sum(b.balance)::int8 as held
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'psp.avail' and a.unit < 1000
                and a.dims ->> 'instrument' in (select distinct processor from processor_txn where book_id = $1)
              group by 1, 2) b using (processor, fund)
 cross join lateral (select processor) x
  left join fund f on f.book_id = $1 and f.fund_id = fund
 where coalesce(b.held, 0) <> coalesce(p.net, 0)`

const sqlPayoutMembers = `
select 'payout', 'payout:' || p.payout, p.processor || ' ' || p.payout, array[p.amount, coalesce(sum(t.net), 0)::int8], p.arrives_on
  from payout p
  left join payout_member m on m.book_id = $1 and m.processor = p.processor and m.payout = p.payout
  left join processor_txn t on t.book_id = $1 and t.processor = m.processor and t.txn = m.txn and t.category <> 'payout'
 where p.book_id = $1 and p.complete and p.state <> 'failed'
 group by p.processor, p.payout, p.amount, p.arrives_on having p.amount <> coalesce(sum(t.net), 0)`

const sqlPayoutLate = sqlAgedTransit + `
 union all
select 'late-payout', 'payout:' || p.payout, p.processor || ' ' || p.payout, array[p.amount], p.arrives_on
  from payout p where p.book_id = $1 and p.state = 'created' and p.arrives_on < (select day from workday where n = 2)
 union all
select * from (` + sqlPayoutMembers + `) members`

const sqlAgencyIncome = `
select 'agency', 'account:' || a.account_id, a.chart || ' ' || f.code, array[b.balance], null::date
  from fund f
  join account a on a.book_id = f.book_id and a.fund_id = f.fund_id
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id and b.seq > 0
 where f.book_id = $1 and f.kind = 'agency'
   and a.chart ~ '^(gift|dues|service|grant|sales|invest|hq|other\.inc|program|surtax|admin|fundraising|impair|other\.exp)\.[ur]$|^income\.tax$'`

const sqlReceiptsLeft = `
select 'receipt', 'gift:' || g.id, coalesce(g.ref, g.id::text), array[p.amount, g.amount - r.amount], null::date
  from (select gift_id, sum(amount)::int8 as amount from ` + giving.StandingRefund + ` z where book_id = $1 group by gift_id) r
  join gift g on g.book_id = $1 and g.id = r.gift_id
  join receipt_gift p on p.book_id = $1 and p.gift_id = r.gift_id
 where p.amount > g.amount - r.amount and not exists (select from receipt_void v where v.book_id = $1 and v.receipt_id = p.receipt_id)`

// Under the rules of 2004 a forgotten release shows as unrestricted net assets of a restricted fund that are overdrawn; under those of
// 2026 a restricted fund has no unrestricted cost.
const sqlReleases = `
select 'release-lacks', 'fund:' || f.fund_id, f.code, array[sum(b.balance)::int8], null::date
  from book k
  join fund f on f.book_id = k.book_id and f.kind in ('restricted', 'subsidy', 'endowment')
  join account a on a.book_id = f.book_id and a.fund_id = f.fund_id and a.chart = 'na.u'
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where k.book_id = $1 and k.regime = 'cn2004'
 group by f.fund_id, f.code having sum(b.balance) > 0
 union all
select 'cost-class', 'account:' || a.account_id, a.chart || ' ' || f.code, array[b.balance], null
  from book k
  join fund f on f.book_id = k.book_id and f.kind in ('restricted', 'subsidy', 'endowment')
  join account a on a.book_id = f.book_id and a.fund_id = f.fund_id
   and (a.chart ~ '^(program|surtax|admin|fundraising|impair|other\.exp)\.u$' or a.chart = 'income.tax') and a.dims ->> 'nature' is distinct from 'close'
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id and b.balance <> 0
 where k.book_id = $1 and k.regime = 'cn2026'`

const sqlDisputes = `
select 'disputes', '', 'ar.dispute', array[coalesce(b.held, 0), coalesce(d.open, 0)], null::date
  from (select sum(withdrawn)::int8 as open from dispute where book_id = $1 and state = 'open') d
 cross join (select sum(b.balance)::int8 as held
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'ar.dispute' and a.unit < 1000) b
 where coalesce(b.held, 0) <> coalesce(d.open, 0)`

// E6. What left the bank for a project against what was sent there; contracts' payments against what was accepted and advanced; contracts against
// the budget that a second person approved. Payments of the last 31 days each have the word of a second person for their amount; the others at night.
const (
	sqlOverpaid = `
select 'paid-over', 'account:' || min(a.account_id), a.dims ->> 'project', array[sum(b.balance)::int8], null::date
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.chart = 'pay.transit' and a.dims ? 'project' group by a.fund_id, a.dims ->> 'project' having sum(b.balance) > 0
 union all
select 'contract-over', 'contract:' || c.id, c.code, array[d.paid, c.accepted - c.applied - c.forfeited + c.advanced], null
  from contract c
 cross join lateral (select sum(amount)::int8 as paid from disbursement d where d.book_id = $1 and d.contract_id = c.id and d.state in ('approved', 'sent', 'paid')) d
 where c.book_id = $1 and d.paid > c.accepted - c.applied - c.forfeited + case when c.state in ('signed', 'stopped') then c.advance else c.advanced end
 union all
select 'project-over', 'project:' || p.id, p.title, array[s.agreed, p.budget], null
  from project p
 cross join lateral (select sum(case when state in ('closed', 'terminated') then accepted - forfeited else amount end)::int8 as agreed from contract c
                      where c.book_id = $1 and c.project_id = p.id and c.state not in ('draft', 'void')) s
 where p.book_id = $1 and s.agreed > p.budget
 union all` + unapproved + ` and d.sent_on >= $2::date - 31`

	// A day more than the hourly part leaves, so that none is between the two at midnight.
	sqlUnapproved = unapproved + ` and d.sent_on < $2::date - 30`

	unapproved = `
select 'unapproved', 'disbursement:' || d.id, 'FK' || d.number, array[d.amount, coalesce(s.amount, 0)], d.sent_on
  from disbursement d
  left join lateral (select max(s.amount) as amount from record_step s
                      where s.book_id = $1 and s.object = 'disbursement:' || d.id and s.act = 'payment-approved' and s.second_person is not null) s on true
 where d.book_id = $1 and d.state in ('sent', 'paid') and s.amount is distinct from d.amount`

	// Who was given more than came in for them.
	sqlAgencyParties = `
select 'beneficiary', 'fund:' || f.fund_id, f.code || ' ' || coalesce(a.dims ->> 'counterparty', '—'), array[sum(b.balance)::int8], null::date
  from fund f
  join account a on a.book_id = f.book_id and a.fund_id = f.fund_id and a.chart = 'agency.l' and a.unit < 1000
  join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where f.book_id = $1 and f.kind = 'agency' group by f.fund_id, f.code, a.dims ->> 'counterparty' having sum(b.balance) > 0`
)

// What moves income or net assets of a restricted fund to the general fund by a voucher takes a levy past the register, which holds each to the charter's cap
// (E29, R05); and what the register has of a fund together against the cap of its largest base.
const sqlLevies = `
select 'levy', 'entry:' || e.id, f.code, array[sum(p.amount)::int8], e.effective_on
  from account a
  join fund f on f.book_id = $1 and f.fund_id = a.fund_id and f.kind in ('restricted', 'subsidy', 'endowment')
  join posting p on p.book_id = $1 and p.account_id = a.account_id and p.amount > 0
  join entry e on e.book_id = $1 and e.id = p.entry_id and e.kind in (1, 10)
 where a.book_id = $1 and a.chart in ('gift.r', 'na.r') and coalesce(a.dims ->> 'nature', '') not in ('close', 'refund')
   and not exists (select from entry v where v.book_id = $1 and v.reverses = e.id) and not exists (select from fund_levy l where l.book_id = $1 and l.entry_id = e.id)
   and exists (select from account o join fund g on g.book_id = $1 and g.fund_id = o.fund_id and g.kind = 'general'
                join posting x on x.book_id = $1 and x.account_id = o.account_id and x.entry_id = e.id and x.amount < 0
                where o.book_id = $1 and o.account_id = any(e.accounts) and o.chart in ('gift.u', 'na.u'))
 group by e.id, e.effective_on, f.code
 union all
select 'levy-over', 'fund:' || l.fund_id, max(f.code), array[sum(l.amount)::int8, max(l.base * l.levy_bp / 10000)], null
  from fund_levy l join fund f on f.book_id = $1 and f.fund_id = l.fund_id
 where l.book_id = $1 and not exists (select from entry v where v.book_id = $1 and v.reverses = l.entry_id)
 group by l.fund_id having sum(l.amount) > max(l.base * l.levy_bp / 10000)`

const sqlOfLevies = `select count(*) from fund_levy where book_id = $1`

// Final accounts as they were published.
const (
	sqlOfPublished = `select count(*) from project_account where book_id = $1`

	sqlPublished = `
select 'published', 'project:' || a.project_id, p.title, null::int8[], a.day
  from project_account a join project p on p.book_id = $1 and p.id = a.project_id where a.book_id = $1 and sha256(a.body) <> a.hash`
)
