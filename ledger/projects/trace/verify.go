package trace

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlCountFunds = `select count(distinct fund_id) from trace_in where book_id = $1`

	// What came in less what went out, against the postings of all entries that were followed.
	sqlDifferLines = `
select format('fund %s: the lines say %s, its accounts of money %s', fund_id, coalesce(l.sum, 0), coalesce(a.sum, 0))
  from (select fund_id, sum(amount) as sum from (select fund_id, amount from trace_in where book_id = $1
                                                  union all
                                                 select fund_id, -amount from trace_out where book_id = $1) x group by 1) l
  full join (select p.fund_id, sum(p.amount) as sum
               from trace_cursor c
               join entry e on e.book_id = c.book_id and (e.xid, e.id) <= (c.xid, c.entry_id)
              cross join lateral unnest(e.accounts, e.seqs) x(account_id, seq)
               join posting p on p.book_id = c.book_id and p.account_id = x.account_id and p.seq = x.seq
               join account a on a.book_id = c.book_id and a.account_id = x.account_id
              where c.book_id = $1 and p.unit < 1000 and a.chart in ` + moneyAccounts + `
              group by 1) a using (fund_id)
 where coalesce(l.sum, 0) <> coalesce(a.sum, 0)`

	sqlCountPieces = `select count(*) from trace_piece where book_id = $1`

	// Pieces cover each lane from its beginning to its end, side by side; those of a use, with what it had no money for, are what went out.
	sqlDifferPieces = `
select format('fund %s, lane %L: a piece begins at %s, the one before ends at %s', fund_id, lane, at, before)
  from (select fund_id, lane, at, coalesce(lag(until) over w, 0) as before from trace_piece where book_id = $1 window w as (partition by fund_id, lane order by at)) x
 where at <> before
union all
select format('fund %s, lane %L: its pieces end at %s, what came in at %s', fund_id, lane, p.until, i.until)
  from (select fund_id, lane, max(until) as until from trace_piece where book_id = $1 group by 1, 2) p
  full join (select fund_id, lane, sum(amount) as until from trace_in where book_id = $1 group by 1, 2) i using (fund_id, lane)
 where p.until is distinct from i.until
union all
select format('use %s of fund %s: %s went out, its pieces are %s', entry_id, fund_id, amount, coalesce(p.sum, 0))
  from trace_out o
  left join (select entry_id, fund_id, sum(n) as sum, count(*) as n
               from (select out_entry as entry_id, fund_id, until - at as n from trace_piece where book_id = $1 and out_entry is not null
                      union all
                     select out_entry, fund_id, amount from trace_unmet where book_id = $1) x group by 1, 2) p using (entry_id, fund_id)
 where o.book_id = $1 and o.amount <> coalesce(p.sum, 0)`
)

// Verify proves that the lines add up to the postings, and that pieces partition them.
func Verify(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	return ledger.RunChecks(ctx, q, book, []ledger.CheckQuery{
		{Code: "trace-line", Name: "money in and out of funds equals the lines that are followed", Compare: sqlCountFunds, Rows: sqlDifferLines},
		{Code: "trace-piece", Name: "pieces of followed money leave no gap and do not overlap", Compare: sqlCountPieces, Rows: sqlDifferPieces},
	})
}
