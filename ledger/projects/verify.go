package projects

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlCountContracts = `select count(*) from contract where book_id = $1 and state not in ('draft', 'void')`

	// C10, C11: what contracts have open, paid before, owed and kept, against 9201, 1141 and 1122.05, 2202.01 and 2202.02.
	sqlDifferContract = `
select format('contract %s %s: open %s, prepaid %s, owed %s, kept %s by the register; %s, %s, %s, %s by its accounts', code, source, coalesce(r.open, 0), coalesce(r.prepaid, 0), coalesce(r.owed, 0),
              coalesce(r.kept, 0), coalesce(a.open, 0), coalesce(a.prepaid, 0), coalesce(a.owed, 0), coalesce(a.kept, 0))
  from (select c.code, 'S' || s.position as source, case when s.treatment = 'off_book' then 0 else s.open end as open, case when s.treatment = 'agency' then 0 else s.prepaid end as prepaid,
               case when s.treatment = 'agency' then 0 else s.owed + w.stage end as owed, case when s.treatment = 'agency' then 0 else s.kept + w.last end as kept
          from contract c join contract_source s on s.book_id = c.book_id and s.contract_id = c.id
         cross join lateral (select coalesce(sum(h.amount) filter (where d.kind = 'stage'), 0) as stage, coalesce(sum(h.amount) filter (where d.kind = 'last'), 0) as last
                               from disbursement d join disbursement_share h on h.book_id = d.book_id and h.disbursement_id = d.id and h.position = s.position
                              where d.book_id = c.book_id and d.contract_id = c.id and d.state in ('asked', 'approved')) w
         where c.book_id = $1 and c.state not in ('draft', 'void')) r
  full join (select a.dims ->> 'contract' as code, a.dims ->> 'source' as source, sum(b.balance) filter (where a.chart = 'enc') as open,
                    sum(b.balance) filter (where a.chart in ('prepay', 'ar.recover')) as prepaid, -sum(b.balance) filter (where a.chart = 'ap') as owed,
                    -sum(b.balance) filter (where a.chart = 'retention') as kept
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart in ('enc', 'prepay', 'ar.recover', 'ap', 'retention') and a.dims ->> 'source' ~ '^S[0-9]$' and a.dims ? 'project' and a.dims ? 'contract'
              group by 1, 2) a using (code, source)
 where coalesce(r.open, 0) <> coalesce(a.open, 0) or coalesce(r.prepaid, 0) <> coalesce(a.prepaid, 0) or coalesce(r.owed, 0) <> coalesce(a.owed, 0) or coalesce(r.kept, 0) <> coalesce(a.kept, 0)`

	// C10, C12: a contract's own sums against its sources, and its sources against each other.
	sqlDifferSums = `
select format('contract %s: sources give %s, open %s, prepaid %s, drawn %s, owed %s, kept %s; accepted %s, applied %s, asked %s', c.code, s.amount, s.open, s.prepaid, s.drawn, s.owed, s.kept,
              c.accepted, c.applied, c.asked)
  from contract c
 cross join lateral (select sum(amount) as amount, sum(open) as open, sum(prepaid) as prepaid, sum(drawn) as drawn, sum(owed) as owed, sum(kept) as kept
                       from contract_source where book_id = c.book_id and contract_id = c.id) s
 where c.book_id = $1 and c.state not in ('draft', 'void')
   and (s.amount <> c.amount or s.drawn <> c.accepted - c.forfeited or s.prepaid <> c.advanced - c.applied - c.recovered - c.written_off or s.owed <> c.accepted - c.applied - c.kept - c.asked
     or s.kept <> c.kept - c.forfeited - c.asked_last or c.state in ('signed', 'stopped') and s.open + s.prepaid + s.drawn <> c.amount - c.forfeited)`

	sqlCountPayments = `select count(*) from disbursement where book_id = $1`

	// E40 to E42: what is in transit by the register against 1009.03, by bank account.
	sqlDifferTransit = `
select format('payments in transit from %s: %s by the register, %s by the accounts', bank, coalesce(r.sum, 0), coalesce(a.sum, 0))
  from (select d.bank, sum(d.amount) as sum from disbursement d where d.book_id = $1 and d.state = 'sent' and d.bank <> 'bank.agency' group by 1) r
  full join (select a.dims ->> 'instrument' as bank, -sum(b.balance) as sum
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'pay.transit' and a.dims ? 'instrument' and a.dims ? 'project' and a.dims ? 'source' group by 1) a using (bank)
 where coalesce(r.sum, 0) <> coalesce(a.sum, 0)`
)

var checks = []ledger.CheckQuery{
	{Code: "contract", Name: "contracts equal their accounts", Compare: sqlCountContracts, Rows: sqlDifferContract},
	{Code: "contract-source", Name: "sources of contracts add up", Compare: sqlCountContracts, Rows: sqlDifferSums},
	{Code: "payment-transit", Name: "payments in transit equal 1009.03", Compare: sqlCountPayments, Rows: sqlDifferTransit},
}

// Verify holds contracts and payments to the ledger.
func Verify(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	return ledger.RunChecks(ctx, q, book, checks)
}
