package subsidies

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlCountLetters = `select count(*) from subsidy_letter where book_id = $1`

	// The register against 9021, 9401 and the money: what came less what went back is grant, advance, or cost of returning (2004).
	sqlDifferLetter = `
select format('letter J%s: promised %s, beside %s, kept %s by the register; %s, %s, %s by its accounts', number, coalesce(l.promised, 0), coalesce(l.parallel, 0), coalesce(l.kept, 0),
              coalesce(a.promised, 0), coalesce(a.parallel, 0), coalesce(a.kept, 0))
  from (select number, case when state in ('draft', 'void') then 0 else cap - received - lapsed end as promised, parallel, received - returned as kept
          from subsidy_letter where book_id = $1) l
  full join (select substr(a.dims ->> 'source', 9)::int4 as number,
                    sum(b.balance) filter (where a.chart = 'subsidy') as promised,
                    sum(b.balance) filter (where a.chart = 'parallel') as parallel,
                    -sum(b.balance) filter (where a.chart in ('grant.r', 'grant.u', 'advance', 'admin.r', 'admin.u')) as kept
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart in ('subsidy', 'parallel', 'grant.r', 'grant.u', 'advance', 'admin.r', 'admin.u') and a.dims ->> 'source' ~ '^letter:J[0-9]+$'
                and coalesce(a.dims ->> 'nature', '') <> 'close'
              group by 1) a using (number)
 where coalesce(l.promised, 0) <> coalesce(a.promised, 0) or coalesce(l.parallel, 0) <> coalesce(a.parallel, 0) or coalesce(l.kept, 0) <> coalesce(a.kept, 0)`

	// Sums of the register against its receipts and signed claims.
	sqlDifferClaimed = `
select format('letter J%s: claimed %s and received %s by the register; %s and %s by its statements and receipts', number, claimed, received, signed, come)
  from (select l.number, l.claimed, l.received,
               coalesce((select sum(c.amount) from subsidy_claim c where c.book_id = l.book_id and c.letter_id = l.id and c.state = 'signed'), 0) as signed,
               coalesce((select sum(r.amount) from subsidy_receipt r where r.book_id = l.book_id and r.letter_id = l.id and not r.void), 0) as come
          from subsidy_letter l where l.book_id = $1) s
 where claimed <> signed or received <> come`

	sqlCountRaised = `select count(*) from subsidy_cursor where book_id = $1`

	// What was counted against the postings below the cursors, all counted again.
	sqlDifferRaised = `
with letter as materialized (select * from subsidy_letter where book_id = $1),
again as (
  select l.id as letter_id, case when l.per = 'campaign' then g.campaign_id::text else '' end as unit, -p.amount as raised,
         case when a.dims ->> 'nature' = 'gift' then sign(-p.amount)::int8 else 0 end as gifts
    from letter l
    join subsidy_cursor c on c.book_id = $1 and c.letter_id = l.id
    join account a on a.book_id = $1 and a.account_id = c.account_id
    join posting p on p.book_id = $1 and p.account_id = c.account_id and p.seq <= c.seq
    join entry e on e.book_id = $1 and e.id = p.entry_id
    left join refund r on a.dims ->> 'nature' = 'refund' and r.book_id = $1 and r.id = coalesce(e.reverses, e.id)
    join gift g on g.book_id = $1 and g.id = coalesce(r.gift_id, e.reverses, e.id)
    join entry x on x.book_id = $1 and x.id = g.id
   where x.effective_on between l.opens_on and l.closes_on and (g.ccy <> a.ccy or g.amount >= l.gift_min)
     and (l.counts = 'all' or (l.counts = 'online') = (g.channel not in (5, 6))))
select format('letter %s %s: %s raised by %s gifts counted, %s by %s in the postings', letter_id, unit, coalesce(k.raised, 0), coalesce(k.gifts, 0), coalesce(s.raised, 0), coalesce(s.gifts, 0))
  from (select letter_id, unit, raised, gifts from subsidy_raised where book_id = $1) k
  full join (select letter_id, unit, sum(raised) as raised, sum(gifts) as gifts from again group by 1, 2) s using (letter_id, unit)
 where coalesce(k.raised, 0) <> coalesce(s.raised, 0) or coalesce(k.gifts, 0) <> coalesce(s.gifts, 0)`
)

var checks = []ledger.CheckQuery{
	{Code: "letter", Name: "letters of streets equal their accounts", Compare: sqlCountLetters, Rows: sqlDifferLetter},
	{Code: "letter-claim", Name: "letters equal their statements and receipts", Compare: sqlCountLetters, Rows: sqlDifferClaimed},
	{Code: "letter-raised", Name: "what letters counted equals the gifts", Compare: sqlCountRaised, Rows: sqlDifferRaised},
}

// Verify holds the letters to the ledger.
func Verify(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	return ledger.RunChecks(ctx, q, book, checks)
}
