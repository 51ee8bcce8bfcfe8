package giving

import "sunfund/ledger"

const (
	sqlCountLots    = `select count(*) from lot where book_id = $1`
	sqlCountPledges = `select count(*) from pledge where book_id = $1`
	sqlCountBidders = `select count(*) from bidder where book_id = $1`

	// The register against 1201, 1202 and 9501; pieces without a value stand at one yuan each.
	sqlDifferLot = `
select format('lot L%s: stock %s, allowance %s, unvalued %s by the register; %s, %s, %s by its accounts',
              l.number, l.left_value, l.impaired, l.memo, coalesce(a.stock, 0), coalesce(a.impaired, 0), coalesce(a.memo, 0))
  from (select number, left_value, impaired, case when value = 0 and not keeps_title then left_pieces * 100 else 0 end as memo from lot where book_id = $1) l
  full join (select substr(a.dims ->> 'instrument', 6)::int4 as number,
                    sum(b.balance) filter (where a.chart in ('stock.art', 'stock.goods')) as stock,
                    -sum(b.balance) filter (where a.chart = 'stock.imp') as impaired,
                    sum(b.balance) filter (where a.chart = 'unvalued') as memo
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart in ('stock.art', 'stock.goods', 'stock.imp', 'unvalued') and a.dims ->> 'instrument' ~ '^lot:L[0-9]+$'
              group by 1) a using (number)
 where coalesce(l.left_value, 0) <> coalesce(a.stock, 0) or coalesce(l.impaired, 0) <> coalesce(a.impaired, 0) or coalesce(l.memo, 0) <> coalesce(a.memo, 0)`

	sqlDifferPledge = `
select format('pledge P%s: %s open by the register, %s by its account', number, coalesce(p.amount, 0), coalesce(a.amount, 0))
  from (select number, case when state = 'void' then 0 else amount - received - given_up end as amount from pledge where book_id = $1) p
  full join (select substr(a.dims ->> 'counterparty', 9)::int4 as number, sum(b.balance) as amount
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'pledge' and a.dims ->> 'counterparty' ~ '^pledge:P[0-9]+$' group by 1) a using (number)
 where coalesce(p.amount, 0) <> coalesce(a.amount, 0)`

	sqlDifferBidder = `
select format('bidder %s: %s held by the register, %s by its account', id, coalesce(d.amount, 0), coalesce(a.amount, 0))
  from (select 'bidder:' || id as id, case when state = 'held' then deposit else 0 end as amount from bidder where book_id = $1) d
  full join (select a.dims ->> 'counterparty' as id, -sum(b.balance) as amount
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'deposit' and a.dims ->> 'counterparty' like 'bidder:%' group by 1) a using (id)
 where coalesce(d.amount, 0) <> coalesce(a.amount, 0)`
)

var recordChecks = []ledger.CheckQuery{
	{Code: "lot", Name: "gifts in kind equal stock, allowance and the unvalued register", Compare: sqlCountLots, Rows: sqlDifferLot},
	{Code: "pledge", Name: "pledges equal the memo accounts", Compare: sqlCountPledges, Rows: sqlDifferPledge},
	{Code: "bidder", Name: "bidders' deposits equal the liability", Compare: sqlCountBidders, Rows: sqlDifferBidder},
}
