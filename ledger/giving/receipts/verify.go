package receipts

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlCountRanges   = `select count(*) from receipt_range where book_id = $1`
	sqlCountReceipts = `select count(*) from receipt where book_id = $1`
	sqlCountParts    = `select count(*) from receipt_gift where book_id = $1`

	sqlDifferNumbers = `
select format('range %s: numbers %s to %s, %s receipts from %s to %s', r.range_id, r.first_number, r.last_number, count(i.id), min(i.number), max(i.number))
  from receipt_range r left join receipt i on i.book_id = $1 and i.range_id = r.range_id
 where r.book_id = $1
 group by r.range_id, r.first_number, r.last_number
having count(i.id) > 0 and (min(i.number) <> r.first_number or max(i.number) <> r.first_number + count(i.id) - 1 or max(i.number) > r.last_number)`

	sqlDifferSums = `
select format('receipt %s: %s over %s gifts; its gifts add up to %s over %s', i.id, i.amount, i.gifts, coalesce(p.amount, 0), coalesce(p.n, 0))
  from receipt i
  left join (select receipt_id, sum(amount) as amount, count(*) as n
               from (select receipt_id, amount from receipt_gift where book_id = $1
                      union all
                     select receipt_id, amount from receipt_goods where book_id = $1) x
              group by 1) p on p.receipt_id = i.id
 where i.book_id = $1 and (p.n is distinct from i.gifts or p.amount is distinct from i.amount)`

	sqlDifferTwice = `
select format('gift %s is on %s receipts that are not void', p.gift_id, count(*))
  from receipt_gift p
 where p.book_id = $1 and not exists (select from receipt_void v where v.book_id = $1 and v.receipt_id = p.receipt_id)
 group by p.gift_id having count(*) > 1`

	sqlCountLots = `select count(*) from receipt_goods where book_id = $1`

	sqlDifferLots = `
select format('receipt %s: lot %s is of fund %s; the receipt, a %s one, is of fund %s', p.receipt_id, p.lot_id, l.fund_id, i.face, i.fund_id)
  from receipt_goods p
  join receipt i on i.book_id = $1 and i.id = p.receipt_id
  join lot l on l.book_id = $1 and l.id = p.lot_id
 where p.book_id = $1 and (i.fund_id <> l.fund_id or i.face <> 'goods')
 union all
select format('lot %s has %s receipts to the %s that are not void', p.lot_id, count(*), p.role)
  from receipt_goods p
 where p.book_id = $1 and not exists (select from receipt_void v where v.book_id = $1 and v.receipt_id = p.receipt_id)
 group by p.lot_id, p.role having count(*) > 1`

	sqlDifferGift = `
select format('receipt %s: gift %s is %s', p.receipt_id, p.gift_id,
              case when g.id is null then 'not there' else format('of %s %s to fund %s; the receipt says %s to fund %s', g.amount, g.ccy, g.fund_id, p.amount, i.fund_id) end)
  from receipt_gift p
  join receipt i on i.book_id = $1 and i.id = p.receipt_id
  left join gift g on g.book_id = $1 and g.id = p.gift_id
 where p.book_id = $1 and (g.id is null or p.amount > g.amount or g.ccy <> i.ccy or g.fund_id <> i.fund_id)`
)

var checks = []ledger.CheckQuery{
	{Code: "receipt-number", Name: "receipts use their numbers one after the other", Compare: sqlCountRanges, Rows: sqlDifferNumbers},
	{Code: "receipt-sum", Name: "receipts are the sum of their gifts", Compare: sqlCountReceipts, Rows: sqlDifferSums},
	{Code: "receipt-once", Name: "no gift is on two receipts that stand", Compare: sqlCountParts, Rows: sqlDifferTwice},
	{Code: "receipt-gift", Name: "receipts are for gifts that are there, of their fund and no more than they were", Compare: sqlCountParts, Rows: sqlDifferGift},
	{Code: "receipt-goods", Name: "receipts for gifts in kind are of their lot's fund, one that stands for each role", Compare: sqlCountLots, Rows: sqlDifferLots},
}

// Verify holds receipts against numbers and gifts (accounting.md C17, I13). That a refunded gift's receipt is void is settled after the
// refund, like one of a lot that was corrected, and shown at once by Overstated.
func Verify(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	return ledger.RunChecks(ctx, q, book, checks)
}
