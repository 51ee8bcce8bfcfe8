package giving

import (
	"context"
	"slices"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlCountDonors    = `select count(*) from private.donor where book_id = $1`
	sqlCountGifts     = `select count(*) from gift where book_id = $1`
	sqlCountForeign   = `select count(*) from gift g join book b on b.book_id = g.book_id where g.book_id = $1 and g.ccy <> b.ccy`
	sqlCountCampaigns = `select count(*) from campaign where book_id = $1`
	sqlCountRefunds   = `select count(*) from refund where book_id = $1`
	sqlCountPaid      = `select count(*) from checkout where book_id = $1 and state = 'paid'`
	sqlCountFees      = `
select (select count(*) from gift where book_id = $1 and fee <> 0) + (select count(*) from refund where book_id = $1 and fee <> 0)`

	// 3 is ledger.KindGift.
	sqlDifferGift = `
select case when e.id is null then format('gift %s has no entry', id) else format('entry %s is of a gift that is not there', id) end
  from (select id from gift where book_id = $1) g
  full join (select id from entry where book_id = $1 and kind = 3) e using (id)
 where g.id is null or e.id is null`

	sqlDifferGiftNames = `
select format('gift %s names fund %s, campaign %s, donor %s; not all of them are there', g.id, g.fund_id, g.campaign_id, coalesce(g.donor_id::text, '-'))
  from gift g
  left join fund f on f.book_id = $1 and f.fund_id = g.fund_id
  left join campaign c on c.book_id = $1 and c.campaign_id = g.campaign_id
  left join private.donor d on d.book_id = $1 and d.id = g.donor_id
 where g.book_id = $1 and (f.fund_id is null or c.campaign_id is null or g.donor_id is not null and d.id is null)`

	sqlDifferDonor = `
select format('donor %s is sealed by key %s, which the book does not know', d.id, d.key_id)
  from private.donor d
  left join private.outside_key k on k.book_id = $1 and k.key_id = d.key_id
 where d.book_id = $1 and d.erased_at is null and k.key_id is null
 union all
select format('message with gift %s is of donor %s, who is erased or not there', m.gift_id, m.donor_id)
  from private.message m
  left join private.donor d on d.book_id = $1 and d.id = m.donor_id and d.erased_at is null
 where m.book_id = $1 and d.id is null
 union all
select format('started gift %s names donor %s, who is not there', c.id, c.donor_id)
  from checkout c
  left join private.donor d on d.book_id = $1 and d.id = c.donor_id
 where c.book_id = $1 and c.donor_id is not null and d.id is null`

	// The id of a gift that was not started here is made of its channel, its reference and the moment it was paid, see derivedID; of one
	// that was, the checkout knows who gave, how openly, and when it was paid.
	sqlDifferGiftID = `
select format('gift %s: is not what channel %s, reference %s and %s make, or not as it was started', g.id, g.channel, g.ref, g.paid_at)
  from (select g.id, g.channel, g.ref, g.paid_at, g.anonymity, g.donor_id, replace(g.id::text, '-', '') as hex,
               encode(sha256(convert_to('gift' || chr(10) || $1::int4 || chr(10) || g.channel || chr(10) || g.ref, 'UTF8')), 'hex') as hash
          from gift g where g.book_id = $1) g
  left join checkout c on c.book_id = $1 and c.id = g.id
 where case when c.id is null
            then substr(g.hex, 1, 12) <> lpad(to_hex(floor(extract(epoch from g.paid_at) * 1000)::int8), 12, '0')
                 or substr(g.hex, 14, 3) <> substr(g.hash, 14, 3) or substr(g.hex, 18) <> substr(g.hash, 18, 15)
            else c.ended_at is distinct from g.paid_at or c.anonymity <> g.anonymity or c.donor_id is distinct from g.donor_id end`

	// Its day is its entry's, in the book's time zone; later when that month is closed: then it was closed before the gift was known.
	sqlDifferGiftDay = `
select format('gift %s: paid on %s, its entry belongs to %s', g.id, g.paid_at, e.effective_on)
  from gift g
  join book b on b.book_id = g.book_id
  join entry e on e.book_id = g.book_id and e.id = g.id
 where g.book_id = $1 and (g.paid_at at time zone b.time_zone)::date <> e.effective_on
   and not (e.effective_on > g.paid_at at time zone b.time_zone and exists (
         select from period p where p.book_id = $1 and p.state <> 'open'
            and p.month = date_trunc('month', g.paid_at at time zone b.time_zone)::date))`

	// The worth of foreign money is known to the entry only; its units are compared below.
	sqlDifferGiftAmount = `
select format('gift %s: %s %s to fund %s, campaign %s; its entry credits %s %s to fund %s, campaign %s in %s postings',
              g.id, g.amount, g.ccy, g.fund_id, g.campaign_id, coalesce(c.amount, 0), b.ccy, c.fund_id, c.campaign, coalesce(c.n, 0))
  from gift g
  join book b on b.book_id = g.book_id
  left join (select p.entry_id as id, count(*) as n, -sum(p.amount) as amount, min(a.fund_id) as fund_id, min(a.dims ->> 'campaign') as campaign
               from account a join posting p on p.book_id = a.book_id and p.account_id = a.account_id
              where a.book_id = $1 and a.chart in ('gift.u', 'gift.r') and a.dims ->> 'nature' = 'gift'
              group by p.entry_id) c on c.id = g.id
 where g.book_id = $1
   and (c.n is distinct from 1 or c.fund_id is distinct from g.fund_id or c.campaign is distinct from g.campaign_id::text
        or c.amount <= 0 or g.ccy = b.ccy and c.amount <> g.amount)`

	// 5 is Bank, 6 is Cash: the channels that keep foreign money as it came.
	sqlDifferGiftUnits = `
select format('gift %s: %s %s; its entry keeps %s', g.id, g.amount, g.ccy, coalesce(u.units, 0))
  from gift g
  join book b on b.book_id = g.book_id
  left join (select p.entry_id as id, a.ccy, sum(p.amount) as units
               from account a join posting p on p.book_id = a.book_id and p.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'fx.units' group by 1, 2) u on u.id = g.id and u.ccy = g.ccy
 where g.book_id = $1 and g.ccy <> b.ccy
   and u.units is distinct from case when g.channel in (5, 6) then g.amount end`

	// undone are entries whose reversal stands; a reversal that is itself reversed gives them back.
	withUndone = `
with recursive reversal as (
  select e.reverses as origin, e.id, 1 as depth from entry e where e.book_id = $1 and e.reverses is not null
     and exists (select from entry o where o.book_id = $1 and o.id = e.reverses and o.kind in (3, 8))
   union all
  select r.origin, e.id, r.depth + 1 from reversal r join entry e on e.book_id = $1 and e.reverses = r.id and e.reverses is not null
), undone as (
  select origin as id from reversal group by origin having max(depth) % 2 = 1
)`

	// What the public sees of a campaign is read from the balances of its accounts; here it is added up gift by gift.
	sqlDifferCampaign = withUndone + `
select format('campaign %s: %s gifts of %s; its accounts say %s of %s', campaign, coalesce(g.n, 0), coalesce(g.amount, 0), coalesce(a.n, 0), coalesce(a.amount, 0))
  from (select g.campaign_id::text as campaign, count(*) as n, sum(case when g.ccy = b.ccy then g.amount else w.amount end) as amount
          from gift g
          join book b on b.book_id = g.book_id
          left join (
               select g.id, -sum(p.amount) as amount
                 from gift g
                 join book b on b.book_id = g.book_id and b.ccy <> g.ccy
                 join posting p on p.book_id = $1 and p.entry_id = g.id
                 join account a on a.book_id = $1 and a.account_id = p.account_id and a.dims ->> 'nature' = 'gift'
                where g.book_id = $1 group by g.id) w on w.id = g.id
         where g.book_id = $1 and not exists (select from undone where undone.id = g.id)
         group by 1) g
  full join (select a.dims ->> 'campaign' as campaign, sum(l.seq - 2 * l.debits) as n, -sum(l.balance) as amount
               from account a join balance l on l.book_id = a.book_id and l.account_id = a.account_id
              where a.book_id = $1 and a.dims ->> 'nature' = 'gift' and a.dims ? 'campaign'
              group by 1) a using (campaign)
 where coalesce(g.n, 0) <> coalesce(a.n, 0) or coalesce(g.amount, 0) <> coalesce(a.amount, 0)`

	sqlDifferCampaignRefunds = withUndone + `
select format('campaign %s: %s given back; its accounts say %s', campaign, coalesce(r.amount, 0), coalesce(a.amount, 0))
  from (select g.campaign_id::text as campaign, sum(case when r.ccy = b.ccy then r.amount else w.amount end) as amount
          from refund r
          join gift g on g.book_id = r.book_id and g.id = r.gift_id
          join book b on b.book_id = r.book_id
          left join (
               select r.id, sum(p.amount) as amount
                 from refund r
                 join book b on b.book_id = r.book_id and b.ccy <> r.ccy
                 join posting p on p.book_id = $1 and p.entry_id = r.id
                 join account a on a.book_id = $1 and a.account_id = p.account_id and a.dims ->> 'nature' = 'refund'
                where r.book_id = $1 group by r.id) w on w.id = r.id
         where r.book_id = $1 and r.cause <> 'own' and not exists (select from undone where undone.id = r.id)
         group by 1) r
  full join (select a.dims ->> 'campaign' as campaign, sum(l.balance) as amount
               from account a join balance l on l.book_id = a.book_id and l.account_id = a.account_id
              where a.book_id = $1 and a.dims ->> 'nature' = 'refund' and a.dims ? 'campaign'
              group by 1) a using (campaign)
 where coalesce(r.amount, 0) <> coalesce(a.amount, 0)`

	// Fees by the fund of the gift and its channel, how accounts call the channel, and the fund that bears them. What donors pay on top
	// comes to the general fund and is its income, so both sides of it are left out of what was kept.
	withFees = `
with channel (number, code) as (
  values (1, 'sandbox'), (2, 'wechat'), (3, 'alipay'), (4, 'stripe'), (5, 'bank'), (6, 'cash'), (7, 'platform')
), fee as (
  select g.fund_id, case when c.number = 7 and f.fee_bearer = 'donor' then 'general' else f.fee_bearer end as fee_bearer, c.code as channel, sum(g.fee) as fee,
         case when f.fee_bearer = 'fund' then g.fund_id
              else (select min(fund_id) from fund where book_id = $1 and kind = 'general') end as bearer
    from (select fund_id, channel, fee from gift where book_id = $1 and fee <> 0
           union all
          select g.fund_id, g.channel, r.fee from refund r join gift g on g.book_id = $1 and g.id = r.gift_id where r.book_id = $1 and r.fee <> 0) g
    join fund f on f.book_id = $1 and f.fund_id = g.fund_id
    join channel c on c.number = g.channel
   group by 1, 2, 3, f.fee_bearer
), booked as (
  select a.fund_id, a.chart, a.dims ->> 'instrument' as channel, sum(p.amount) as amount
    from entry e
    join posting p on p.book_id = $1 and p.entry_id = e.id
    join account a on a.book_id = $1 and a.account_id = p.account_id and a.chart in ('psp.avail', 'ar.platform', 'gift.u', 'fundraising.u', 'fundraising.r')
   where e.book_id = $1 and e.kind = 4
   group by 1, 2, 3
)`

	sqlDifferFeeKept = withFees + `
select format('fund %s, %s: gifts say the processor kept %s, fee entries %s', fund_id, channel, coalesce(f.fee, 0), coalesce(b.fee, 0))
  from (select case when fee_bearer = 'donor' then bearer else fund_id end as fund_id, channel, sum(fee) as fee from fee group by 1, 2) f
  full join (select fund_id, channel, -sum(amount) as fee from booked where chart in ('psp.avail', 'ar.platform', 'gift.u') group by 1, 2) b using (fund_id, channel)
 where coalesce(f.fee, 0) <> coalesce(b.fee, 0)`

	sqlDifferFeeCost = withFees + `
select format('fund %s, %s: bears fees of %s by its gifts, %s by fee entries', fund_id, channel, coalesce(f.fee, 0), coalesce(b.fee, 0))
  from (select bearer as fund_id, channel, sum(fee) as fee from fee group by 1, 2) f
  full join (select fund_id, channel, sum(amount) as fee from booked where chart like 'fundraising.%' group by 1, 2) b using (fund_id, channel)
 where coalesce(f.fee, 0) <> coalesce(b.fee, 0)`

	// 8 is ledger.KindRefund.
	sqlDifferRefund = `
select format('refund %s of gift %s: %s %s; its entry gives back %s', r.id, r.gift_id, r.amount, r.ccy, coalesce(d.amount::text, 'nothing'))
  from refund r
  join book b on b.book_id = r.book_id
  left join entry e on e.book_id = r.book_id and e.id = r.id and e.kind = 8
  left join (select p.entry_id as id, sum(p.amount) as amount
               from account a join posting p on p.book_id = a.book_id and p.account_id = a.account_id
              where a.book_id = $1 and a.chart in ('gift.u', 'gift.r', 'admin.u') and a.dims ->> 'nature' = 'refund'
              group by p.entry_id) d on d.id = e.id
 where r.book_id = $1 and (d.id is null or d.amount < 0 or r.ccy = b.ccy and d.amount <> r.amount)`

	sqlDifferRefunded = withUndone + `
select format('gift %s of %s %s: %s %s given back', r.gift_id, coalesce(g.amount::text, 'nothing'), g.ccy, r.amount, r.ccy)
  from (select gift_id, ccy, sum(amount) as amount from refund r
         where book_id = $1 and not exists (select from undone where undone.id = r.id)
         group by 1, 2) r
  left join gift g on g.book_id = $1 and g.id = r.gift_id
 where g.id is null or g.ccy <> r.ccy or r.amount > g.amount`

	sqlDifferCheckout = `
select case when g.id is null then format('started gift %s is marked paid, no gift is there', c.id)
            else format('started gift %s: %s %s to campaign %s, %s; paid %s %s to campaign %s',
                        c.id, c.amount, c.ccy, c.campaign_id, c.state, g.amount, g.ccy, g.campaign_id) end
  from checkout c left join gift g on g.book_id = $1 and g.id = c.id
 where c.book_id = $1
   and (c.state = 'paid' and g.id is null
        or g.id is not null and (c.state <> 'paid' or c.amount <> g.amount or c.ccy <> g.ccy or c.campaign_id <> g.campaign_id))`
)

var giftChecks = []ledger.CheckQuery{
	{Code: "gift", Name: "every gift has its entry and every gift's entry its gift", Compare: sqlCountGifts, Rows: sqlDifferGift},
	{Code: "gift-names", Name: "gifts name funds, campaigns and donors that are there", Compare: sqlCountGifts, Rows: sqlDifferGiftNames},
	{Code: "donor", Name: "donors are sealed by known keys, and nothing is left of erased ones", Compare: sqlCountDonors, Rows: sqlDifferDonor},
	{Code: "gift-amount", Name: "gifts are credited in full, once, to their fund and campaign", Compare: sqlCountGifts, Rows: sqlDifferGiftAmount},
	{Code: "gift-id", Name: "gifts are of the reference and the moment under which they were booked", Compare: sqlCountGifts, Rows: sqlDifferGiftID},
	{Code: "gift-day", Name: "gifts belong to the day they were paid, or to a later one when its month is closed", Compare: sqlCountGifts, Rows: sqlDifferGiftDay},
	{Code: "gift-units", Name: "foreign gifts are kept to the last unit", Compare: sqlCountForeign, Rows: sqlDifferGiftUnits},
	{Code: "campaign", Name: "campaigns show as many gifts and as much as was given", Compare: sqlCountCampaigns, Rows: sqlDifferCampaign},
	{Code: "campaign-refund", Name: "campaigns show as much given back as was refunded", Compare: sqlCountCampaigns, Rows: sqlDifferCampaignRefunds},
	{Code: "fee-kept", Name: "gifts' fees equal what processors kept of each fund", Compare: sqlCountFees, Rows: sqlDifferFeeKept},
	{Code: "fee-cost", Name: "gifts' fees equal the cost of the funds that bear them", Compare: sqlCountFees, Rows: sqlDifferFeeCost},
	{Code: "refund", Name: "every refund has its entry, of its amount", Compare: sqlCountRefunds, Rows: sqlDifferRefund},
	{Code: "refunded", Name: "no gift was given back more than it was", Compare: sqlCountRefunds, Rows: sqlDifferRefunded},
	{Code: "checkout", Name: "what was started and paid is a gift, as it was started", Compare: sqlCountPaid, Rows: sqlDifferCheckout},
}

// Verify holds gifts, refunds and fees against the entries and balances they made. Run it in the same
// repeatable read transaction as [ledger.Verify].
func Verify(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	checks, err := ledger.RunChecks(ctx, q, book, slices.Concat(giftChecks, recordChecks, matchChecks))
	if err != nil {
		return nil, err
	}
	replayed, err := verifyReplay(ctx, q, book)
	return append(checks, replayed...), err
}
