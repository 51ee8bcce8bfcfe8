package payments

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlCountSteps    = `select count(*) from record_step where book_id = $1`
	sqlCountReceipts = `select count(*) from bank_receipt where book_id = $1`

	// 40 to 47 and 55, letters of streets, are the kinds that only records with steps make; 12 is what a letter pays for, 16 takes one back.
	// Match of events (46, on accounts of a pool) is held by the checks of package giving; that of giving platforms has a step.
	sqlDifferStep = `
select case when e.id is null then format('step %s of %s: its entry %s is not there', s.act, s.object, s.entry_id)
            else format('entry %s belongs to no step of a record', e.id) end
  from (select act, object, entry_id from record_step where book_id = $1 and entry_id is not null) s
  full join (select id, kind from entry where book_id = $1 and kind in (3, 8, 12, 16, 40, 41, 42, 43, 44, 45, 46, 47, 55, 60, 61, 62, 63)
                and not (kind = 46 and exists (select from unnest(accounts) u(id) join account a on a.book_id = $1 and a.account_id = u.id where a.dims ->> 'source' like 'match:%'))) e on e.id = s.entry_id
 where e.id is null or s.entry_id is null and (e.kind between 40 and 47 or e.kind in (55, 60, 61, 62, 63))`

	sqlDifferReceipt = `
select format('fund %s: %s unidentified by its receipts, %s by its account', fund_id, coalesce(r.amount, 0), coalesce(a.amount, 0))
  from (select fund_id, sum(amount) as amount from bank_receipt where book_id = $1 and state = 'open' group by 1) r
  full join (select a.fund_id, -sum(b.balance) as amount
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'unident' and a.dims ->> 'instrument' = 'bank-receipt' group by 1) a using (fund_id)
 where coalesce(r.amount, 0) <> coalesce(a.amount, 0)`
)

const (
	sqlCountCounts   = `select count(*) from cash_count where book_id = $1`
	sqlCountDeposits = `select count(*) from cash_deposit where book_id = $1`

	// 6 is giving.Cash.
	sqlDifferCount = `
select format('count %s of %s: its gift is %s', c.id, c.slips, coalesce(g.amount::text, 'not there'))
  from cash_count c left join gift g on g.book_id = c.book_id and g.id = c.gift_id and g.channel = 6
 where c.book_id = $1 and c.state = 'confirmed' and coalesce(g.amount, 0) <> c.slips`

	sqlDifferDeposit = `
select format('deposit %s of %s: its counts add up to %s', d.id, d.amount, coalesce(sum(c.counted), 0))
  from cash_deposit d left join cash_count c on c.book_id = d.book_id and c.deposit_id = d.id
 where d.book_id = $1
 group by d.id, d.amount having d.amount <> coalesce(sum(c.counted), 0)
union all
select format('%s under way to the bank by its deposits, %s by its account', coalesce(d.amount, 0), coalesce(a.amount, 0))
  from (select sum(amount) as amount from cash_deposit where book_id = $1 and state = 'carried') d,
       (select sum(b.balance) as amount from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
         where a.book_id = $1 and a.chart = 'psp.transit' and a.dims ->> 'instrument' = 'deposit') a
 where coalesce(d.amount, 0) <> coalesce(a.amount, 0)`
)

var offlineChecks = []ledger.CheckQuery{
	{Code: "step", Name: "steps of offline records have their entries, and those entries their steps", Compare: sqlCountSteps, Rows: sqlDifferStep},
	{Code: "bank-receipt", Name: "unidentified receipts equal the liability", Compare: sqlCountReceipts, Rows: sqlDifferReceipt},
	{Code: "cash-count", Name: "confirmed counts are gifts of what their slips say", Compare: sqlCountCounts, Rows: sqlDifferCount},
	{Code: "deposit", Name: "deposits equal their counts, those under way the account", Compare: sqlCountDeposits, Rows: sqlDifferDeposit},
}

// VerifyBook holds offline records against the entries and balances they made. Run it in the same repeatable read
// transaction as [ledger.Verify].
func VerifyBook(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	return ledger.RunChecks(ctx, q, book, offlineChecks)
}
