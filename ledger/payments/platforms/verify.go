package platforms

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlCountGifts = `select count(*) from platform_gift where book_id = $1`
	sqlCountFiles = `select count(*) from platform_file where book_id = $1`
	sqlCountPaid  = `select count(*) from platform_settlement where book_id = $1`
	sqlCountHeld  = `select count(*) from platform_match_step where book_id = $1`
	sqlCountUndo  = `select count(*) from platform_undo where book_id = $1`
	sqlCountKept  = `select count(*) from platform_match where book_id = $1`
	sqlCountEarn  = `select count(*) from platform_earned where book_id = $1`

	// 7 is giving.Platform.
	sqlDifferGift = `
select case when g.id is null then format('order %s %s: its gift %s is not there', p.platform, p.order_no, p.gift_id)
            when p.gift_id is null then format('gift %s %s came through a platform and stands in no file', g.id, g.ref)
            else format('order %s %s of %s, fee %s; its gift is %s, fee %s', p.platform, p.order_no, p.amount, p.fee, g.amount, g.fee) end
  from (select * from platform_gift where book_id = $1) p
  full join (select id, ref, campaign_id, fund_id, amount, fee from gift where book_id = $1 and channel = 7) g on g.id = p.gift_id
 where g.id is null or p.gift_id is null or g.amount <> p.amount or g.fee <> p.fee or g.campaign_id <> p.campaign_id or g.fund_id <> p.fund_id
    or g.ref <> p.platform || ':' || p.order_no`

	sqlDifferReceivable = withOpen + `
select format('fund %s: platforms owe %s by their files, %s by its account', fund_id, coalesce(o.amount, 0), coalesce(a.amount, 0))
  from (select fund_id, sum(gifts) as amount from owed group by 1) o
  full join (select a.fund_id, sum(b.balance) as amount
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'ar.platform' and a.dims ->> 'instrument' = 'platform' group by 1) a using (fund_id)
 where coalesce(o.amount, 0) <> coalesce(a.amount, 0)`

	// Match of files that are booked to the end; what is booked of others is not earned yet.
	sqlDifferMatch = withOpen + `
select format('campaign %s: match of %s by its files, %s by its memo', campaign, coalesce(o.amount, 0), coalesce(a.amount, 0))
  from (select o.campaign_id::text as campaign, sum(o.match) as amount
          from owed o join platform_file f on f.book_id = $1 and f.id = o.file_id and f.state = 'booked' group by 1) o
  full join (select a.dims ->> 'campaign' as campaign, sum(b.balance) as amount
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'match.earned' and a.dims ->> 'instrument' = 'platform' group by 1) a using (campaign)
 where coalesce(o.amount, 0) <> coalesce(a.amount, 0)`

	// 47 is ledger.KindPlatform. Match that was income before it came is the gift of its earning, of another amount.
	sqlDifferSettlement = `
select case when e.id is null then format('settlement %s has no entry', s.id)
            when s.id is null then format('entry %s settles no platform file', e.id)
            else format('settlement %s: match of %s by it, %s by its gifts', s.id, s.match, coalesce(s.given, 0)) end
  from (select s.id, sum(s.match) filter (where s.kind = 'paid' and n.gift_id is null) as match, sum(g.amount) filter (where n.gift_id is null) as given
          from platform_settlement s
          left join platform_earned n on n.book_id = $1 and n.file_id = s.file_id and n.campaign_id = s.campaign_id and n.gift_id = s.gift_id
          left join gift g on g.book_id = $1 and g.id = s.gift_id
         where s.book_id = $1 group by s.id
         union all
        select distinct m.id, 0, 0 from platform_match_step m where m.book_id = $1) s
  full join (select id from entry where book_id = $1 and kind = 47) e on e.id = s.id
 where e.id is null or s.id is null or coalesce(s.match, 0) <> coalesce(s.given, 0)`

	sqlDifferEarned = withOpen + `
select format('campaign %s: match of %s earned and not paid by its files, %s by its account', campaign, coalesce(o.amount, 0), coalesce(a.amount, 0))
  from (select o.campaign_id::text as campaign, sum(o.match) as amount
          from owed o join platform_earned n on n.book_id = $1 and n.file_id = o.file_id and n.campaign_id = o.campaign_id group by 1) o
  full join (select a.dims ->> 'campaign' as campaign, sum(b.balance) as amount
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'ar.match' and a.dims ->> 'instrument' = 'platform' group by 1) a using (campaign)
 where coalesce(o.amount, 0) <> coalesce(a.amount, 0)`

	sqlDifferFrozen = `
select format('campaign %s: match of %s frozen by its steps, %s by its memo', campaign, coalesce(m.amount, 0), coalesce(a.amount, 0))
  from (select campaign_id::text as campaign, sum(case kind when 'frozen' then amount when 'freed' then -amount else 0 end) as amount
          from platform_match_step where book_id = $1 group by 1) m
  full join (select a.dims ->> 'campaign' as campaign, sum(b.balance) as amount
               from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
              where a.book_id = $1 and a.chart = 'resv' and a.dims ->> 'instrument' = 'platform' group by 1) a using (campaign)
 where coalesce(m.amount, 0) <> coalesce(a.amount, 0)`

	// A file of which nothing is kept was booked by a program that kept nothing, and is read gift by gift.
	sqlDifferKept = `
select format('file %s, campaign %s, fund %s: match of %s is kept, its gifts earned %s', file_id, campaign_id, fund_id, coalesce(k.amount, 0), coalesce(g.amount, 0))
  from (select file_id, campaign_id, fund_id, amount from platform_match where book_id = $1) k
  full join (select g.file_id, g.campaign_id, g.fund_id, sum(g.match) as amount
               from platform_gift g join platform_file f on f.book_id = $1 and f.id = g.file_id and f.state = 'booked'
              where g.book_id = $1 and exists (select from platform_match m where m.book_id = $1 and m.file_id = g.file_id)
              group by 1, 2, 3) g using (file_id, campaign_id, fund_id)
 where k.amount is distinct from g.amount`

	sqlDifferUndo = `
select format('settlement %s was taken back by %s, which is %s', u.settlement_id, u.entry_id, coalesce('the reversal of ' || e.reverses, 'no reversal'))
  from platform_undo u left join entry e on e.book_id = $1 and e.id = u.entry_id
 where u.book_id = $1 and e.reverses is distinct from u.settlement_id`
)

var checks = []ledger.CheckQuery{
	{Code: "platform-gift", Name: "lines of platform files are gifts, and gifts of platforms their lines", Compare: sqlCountGifts, Rows: sqlDifferGift},
	{Code: "platform-owed", Name: "what platforms owe equals the receivable of each fund", Compare: sqlCountFiles, Rows: sqlDifferReceivable},
	{Code: "platform-match", Name: "match that is earned and not paid equals its memo", Compare: sqlCountFiles, Rows: sqlDifferMatch},
	{Code: "platform-paid", Name: "settlements have their entries, and match that was paid its gifts", Compare: sqlCountPaid, Rows: sqlDifferSettlement},
	{Code: "platform-earned", Name: "match that was income when it was earned and is not paid equals what foundations owe", Compare: sqlCountEarn, Rows: sqlDifferEarned},
	{Code: "platform-kept", Name: "match that is kept of platform files is what their gifts earned", Compare: sqlCountKept, Rows: sqlDifferKept},
	{Code: "platform-frozen", Name: "frozen match equals its reservation", Compare: sqlCountHeld, Rows: sqlDifferFrozen},
	{Code: "platform-undone", Name: "settlements that were taken back are reversed", Compare: sqlCountUndo, Rows: sqlDifferUndo},
}

// Verify holds platform files against the gifts, entries and balances they made. Run it in the same repeatable read
// transaction as [ledger.Verify].
func Verify(ctx context.Context, q pg.Querier, book *ledger.Book) ([]ledger.Check, error) {
	return ledger.RunChecks(ctx, q, book, checks)
}
