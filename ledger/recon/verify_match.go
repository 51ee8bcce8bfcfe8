package recon

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	// What pages say, one row a line. Whole tables are read here: each page is opened once, where matchedRows opens one for each line.
	pagedRows = `
select source_id, file_id, page, run_no, from_at, to_at, page * 1000 + unnest(places) + 1 as line_no, unnest(ours) as ours from recon_page where book_id = $1`

	// matchedRows for all of a book.
	heldRows = `
select source_id, line_key, part, rule, group_id, ours, kind, amount from recon_member where book_id = $1 and live
union all
select l.source_id, l.line_key, 0::int2, 1::int2, null::uuid, p.ours, 1::int2, l.amount
  from (` + pagedRows + `) p join ext_line l on l.book_id = $1 and l.file_id = p.file_id and l.line_no = p.line_no
 where not exists (select from recon_member d where d.book_id = $1 and not d.live and d.source_id = l.source_id and d.line_key = l.line_key and d.run_no = p.run_no)`

	sqlCountHeld = `
select (select count(*) from recon_member where book_id = $1 and live) + (select coalesce(sum(cardinality(places)), 0) from recon_page where book_id = $1)`

	// A gift may stand in the bill of trades and in that of the money, an entry at both accounts that it moves between; in accounts of one kind only once.
	sqlDifferHeld = `
with m as materialized (` + heldRows + `),
o as (select m.*, case when m.kind = 5 then m.source_id::text when a.format ~ '^(wechat|alipay|stripe)-' then a.format else 'bank' end as sort
        from m join source_account a on a.book_id = $1 and a.id = m.source_id where m.ours is not null)
select format('line %s of account %s is in %s matches', encode(line_key, 'hex'), source_id, count(*)) from m where line_key is not null group by source_id, line_key having count(*) > 1
union all
select format('%s is in %s matches of part %s, at accounts %s', ours, count(*), part, array_agg(source_id order by source_id)) from o group by ours, part, sort having count(*) > 1
union all
select format('line %s of account %s is matched, and open', encode(m.line_key, 'hex'), m.source_id)
  from open_line x join m on m.source_id = x.source_id and m.line_key = x.line_key where x.book_id = $1
union all
select format('%s is matched at account %s, and open', o.ours, o.source_id)
  from open_ours x join o on o.ours = x.id and o.kind = x.kind where x.book_id = $1 and o.part = 0 and o.rule = 1
union all
select format('page %s of file %s: line %s and gift %s are not both there, of its account and time', p.page, p.file_id, p.line_no, p.ours)
  from (` + pagedRows + `) p
  left join ext_line l on l.book_id = $1 and l.file_id = p.file_id and l.line_no = p.line_no and l.source_id = p.source_id
  left join gift g on g.book_id = $1 and g.id = p.ours and g.paid_at between p.from_at and p.to_at
 where l.line_no is null or g.id is null
union all
select format('page %s of file %s names line %s %s times', page, file_id, line_no, count(*)) from (` + pagedRows + `) p group by page, file_id, line_no having count(*) > 1`

	// told is what the donor paid, before it was converted; a donor who covers the fee pays what the checkout charged. A refund's row in the bill of money is
	// without the fee that was given back with it. What differs in fee, rate or rounding has a break that names the line or ours; a row of the bill of money goes
	// with its trade, whose other amount is a break of ours.
	sqlDifferAllotted = `
with m as materialized (
  select m.*, l.amount as line, l.fee, l.ccy, l.told, l.told_ccy, x.amount as sum, x.charged, x.fee as kept, x.ccy as sum_ccy
    from (` + heldRows + `) m
    left join (select l.source_id, l.line_key, l.amount, l.fee, a.currency as ccy, coalesce((l.parts->0->>'amount')::int8, l.amount) as told, coalesce(l.parts->0->>'currency', a.currency) as told_ccy
                 from ext_line l join source_account a on a.book_id = $1 and a.id = l.source_id where l.book_id = $1) l on l.source_id = m.source_id and l.line_key = m.line_key
    left join (select 1 as kind, g.id, g.amount, c.charged, g.fee, g.ccy from gift g left join checkout_session c on c.book_id = $1 and c.gift_id = g.id where g.book_id = $1
               union all
               select 2, id, -amount, null, fee, ccy from refund where book_id = $1
               union all
               select 3, id, amount, null, 0, ccy from expectation where book_id = $1
               union all
               select 4, id, amount, null, 0, ccy from settlement where book_id = $1) x on x.kind = m.kind and x.id = m.ours
), named as (
  select source_id, unnest(lines) as line_key, null::uuid as ours from break_item where book_id = $1 and type in ('B06', 'B10', 'B11', 'B12')
  union all
  select null, null, unnest(ours) from break_item where book_id = $1 and type in ('B03', 'B04', 'B06', 'B12')
)
select format('line %s of account %s is of %s, allotted %s', encode(line_key, 'hex'), source_id, line, amount) from m where line_key is not null and group_id is null and amount is distinct from line
union all
select format('line %s of account %s is of %s %s, %s of %s %s', encode(line_key, 'hex'), source_id, line, ccy, ours, sum, sum_ccy)
  from m
 where group_id is null and line_key is not null and kind < 5 and part <> 1
   and not coalesce((line, ccy) = (case part when 2 then -sum else sum end, sum_ccy) or (told, told_ccy) = (sum, sum_ccy) or (told, told_ccy) = (charged, sum_ccy)
                    or rule = 2 and kind = 2 and line = sum - kept, false)
   and not exists (select from named n where n.source_id = m.source_id and n.line_key = m.line_key) and not exists (select from named n where n.ours = m.ours)
union all
select format('line %s of account %s kept a fee of %s, %s has %s', encode(line_key, 'hex'), source_id, fee, ours, kept)
  from m where group_id is null and rule = 1 and kind < 3 and part = 0 and fee <> kept and not exists (select from named n where n.source_id = m.source_id and n.line_key = m.line_key)
union all
select format('match %s: its lines add up to %s, ours to %s', group_id, coalesce(sum(line), 0), coalesce(sum(sum), 0))
  from m where group_id is not null group by group_id having coalesce(sum(line), 0) <> coalesce(sum(sum) filter (where kind < 5), 0) + coalesce(sum(amount) filter (where kind = 5), 0)`
)

// verifyMatches proves that nothing is matched twice, and that what is matched is of one amount or has a line that names the difference.
func verifyMatches(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	return ledger.RunChecks(ctx, q, book, []ledger.CheckQuery{
		{Code: "recon-once", Name: "no statement line and nothing of ours is matched twice, or matched and open", Compare: sqlCountHeld, Rows: sqlDifferHeld},
		{Code: "recon-amount", Name: "what is matched with statement lines is of their amount, or the difference has a line of its own", Compare: sqlCountHeld, Rows: sqlDifferAllotted},
	})
}
