package recon

// What a run looks at lies in temporary tables of its connection: lines and gifts that are new, and those that are open. They are
// empty outside a transaction.
const (
	// Rows of processors whose money belongs to one gift or refund. told is the money that the donor paid, in told_ccy; amount what it was settled as.
	sqlStageTrade = `
create temporary table if not exists stage_trade (source_id int4, line_key bytea, channel int2, sign int2, ref text, among int8, amount int8, told int8, told_ccy text, fee int8,
  kind text, rate numeric, booked date, clock timestamptz, txn text, fresh bool, file_id uuid) on commit delete rows`

	// Gifts and refunds through processors.
	sqlStageGift = `
create temporary table if not exists stage_gift (id uuid, kind int2, channel int2, sign int2, ref text, among int8, amount int8, ccy text, fee int8, at timestamptz, day date, fresh bool)
on commit delete rows`

	// The two, side by side; on each row one of them may be missing.
	sqlStagePair = `
create temporary table if not exists stage_pair (source_id int4, line_key bytea, l_channel int2, l_sign int2, l_ref text, l_amount int8, told int8, told_ccy text, l_fee int8, l_kind text,
  rate numeric, booked date, clock timestamptz, txn text, l_fresh bool, file_id uuid, id uuid, kind int2, channel int2, sign int2, ref text, amount int8, ccy text, fee int8,
  at timestamptz, day date, fresh bool, fits bool, written bool) on commit delete rows`

	// Rows of a fund bill, which tells the money and its fee apart.
	sqlStageFund = `
create temporary table if not exists stage_fund (source_id int4, line_key bytea, channel int2, part int2, sign int2, ref text, amount int8, kind text, booked date, fresh bool)
on commit delete rows`

	// Lines of bank accounts, and what is expected there. gone: matched or spoken for.
	sqlStageBank = `
create temporary table if not exists stage_bank (source_id int4, line_key bytea, amount int8, ccy text, keys text[], booked date, fee bool, code text, fresh bool, gone bool default false,
  party int8)
on commit delete rows`

	sqlStageDue = `
create temporary table if not exists stage_due (id uuid, kind int2, channel int2, source_id int4, ref text, batch text, amount int8, ccy text, at timestamptz, day date, due_on date, fee int8,
  fresh bool, gone bool default false, accounts int8[]) on commit delete rows`

	// What the passes at the bank find: rows of one group belong together.
	sqlStageMatch = `
create temporary table if not exists stage_match (group_key text, rule int2, proposed bool, ambiguous bool, score int2, source_id int4, line_key bytea, ours uuid, kind int2, amount int8)
on commit delete rows`

	// Candidates that a group was preferred to. n: days apart.
	sqlStageRejected = `
create temporary table if not exists stage_rejected (group_key text, ours uuid, line_key bytea, why text, n int4) on commit delete rows`

	// What does not fit.
	sqlStageBreak = `
create temporary table if not exists stage_break (key text, type text, source_id int4, amount int8, ccy text, day date, ours uuid[], lines bytea[], files uuid[], note text)
on commit delete rows`
)

var stages = []string{sqlStageTrade, sqlStageGift, sqlStagePair, sqlStageFund, sqlStageBank, sqlStageDue, sqlStageMatch, sqlStageRejected, sqlStageBreak}

const (
	// $2, $3: trade sources and their channels; $4: the files that no run has taken. Open lines come again.
	sqlTakeTrade = `
insert into stage_trade
select l.source_id, l.line_key, s.channel, case when l.amount < 0 then -1 else 1 end, l.ext_id, 0, l.amount, coalesce((l.parts->0->>'amount')::int8, l.amount),
       coalesce(l.parts->0->>'currency', a.currency), l.fee, l.kind, (l.parts->0->>'rate')::numeric, l.booked_on, l.clock, l.order_no, true, l.file_id
  from unnest($2::int4[], $3::int2[]) s(source_id, channel)
  join source_account a on a.book_id = $1 and a.id = s.source_id
  join ext_line l on l.book_id = $1 and l.source_id = s.source_id and l.file_id = any($4::uuid[])
 where l.kind = any('{payment,refund,refund-failure,dispute,dispute-reversal}')
union all
select l.source_id, l.line_key, s.channel, case when l.amount < 0 then -1 else 1 end, l.ext_id, 0, l.amount, coalesce((l.parts->0->>'amount')::int8, l.amount),
       coalesce(l.parts->0->>'currency', a.currency), l.fee, l.kind, (l.parts->0->>'rate')::numeric, l.booked_on, l.clock, l.order_no, false, l.file_id
  from unnest($2::int4[], $3::int2[]) s(source_id, channel)
  join source_account a on a.book_id = $1 and a.id = s.source_id
  join open_line o on o.book_id = $1 and o.source_id = s.source_id
  join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
 where l.kind = any('{payment,refund,refund-failure,dispute,dispute-reversal}')`

	// $2: channels; $3: what the run before saw; $4: what this one sees; $5: the book's zone. Stripe's gifts keep the charge in ref and the row of its balance
	// in processor_ref. Counted cash comes to the bank in its bag.
	sqlTakeGifts = `
insert into stage_gift
select g.id, 1, g.channel, 1, ` + giftRef + `, 0, g.amount, g.ccy, g.fee, g.paid_at,
       (g.paid_at at time zone $5::text)::date, true
  from entry e join gift g on g.book_id = $1 and g.id = e.id
 where e.book_id = $1 and e.xid >= pg_snapshot_xmin($3::pg_snapshot) and not pg_visible_in_snapshot(e.xid, $3::pg_snapshot)
   and pg_visible_in_snapshot(e.xid, $4::pg_snapshot) and g.channel = any($2::int2[]) and not (g.channel = 6 and g.ref like 'count:%')`

	// On first sight of a channel all is new but what came while this run was under way: looked up by channel, not entry by entry.
	sqlTakeGiftsFirst = `
insert into stage_gift
select g.id, 1, g.channel, 1, ` + giftRef + `, 0, g.amount, g.ccy, g.fee, g.paid_at, (g.paid_at at time zone $4::text)::date, true
  from gift g
 where g.book_id = $1 and g.channel = any($2::int2[]) and not (g.channel = 6 and g.ref like 'count:%')
   and g.id <> all(array(select e.id from entry e where e.book_id = $1 and e.xid >= pg_snapshot_xmin($3::pg_snapshot) and not pg_visible_in_snapshot(e.xid, $3::pg_snapshot)))`

	sqlTakeRefundsFirst = `
insert into stage_gift
select r.id, 2, r.channel, -1, ` + refundRef + `, 0, -r.amount, r.ccy, r.fee, r.refunded_at, (r.refunded_at at time zone $4::text)::date, true
  from refund r
 where r.book_id = $1 and r.channel = any($2::int2[])
   and r.id <> all(array(select e.id from entry e where e.book_id = $1 and e.xid >= pg_snapshot_xmin($3::pg_snapshot) and not pg_visible_in_snapshot(e.xid, $3::pg_snapshot)))`

	sqlTakeRefunds = `
insert into stage_gift
select r.id, 2, r.channel, -1, ` + refundRef + `, 0, -r.amount, r.ccy, r.fee, r.refunded_at,
       (r.refunded_at at time zone $5::text)::date, true
  from entry e join refund r on r.book_id = $1 and r.id = e.id
 where e.book_id = $1 and e.xid >= pg_snapshot_xmin($3::pg_snapshot) and not pg_visible_in_snapshot(e.xid, $3::pg_snapshot)
   and pg_visible_in_snapshot(e.xid, $4::pg_snapshot) and r.channel = any($2::int2[])`

	sqlTakeOpen = `
insert into stage_gift
select o.id, o.kind, o.channel, case when o.amount < 0 then -1 else 1 end, o.ref, 0, o.amount, o.ccy, o.fee, o.at, o.day, false
  from open_ours o where o.book_id = $1 and o.channel = any($2::int2[])`

	// $2, $3: fund bills and their channels. A fee comes under the number of its payment.
	sqlTakeFund = `
insert into stage_fund
select l.source_id, l.line_key, s.channel, case when l.kind = 'fee' then 1 else 0 end, case when l.kind = 'refund' then -1 else 1 end, l.ext_id, l.amount, l.kind, l.booked_on, true
  from unnest($2::int4[], $3::int2[]) s(source_id, channel)
  join ext_line l on l.book_id = $1 and l.source_id = s.source_id and l.file_id = any($4::uuid[])
union all
select l.source_id, l.line_key, s.channel, case when l.kind = 'fee' then 1 else 0 end, case when l.kind = 'refund' then -1 else 1 end, l.ext_id, l.amount, l.kind, l.booked_on, false
  from unnest($2::int4[], $3::int2[]) s(source_id, channel)
  join open_line o on o.book_id = $1 and o.source_id = s.source_id
  join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key`

	// $2: bank accounts. A bank's charge or interest is known by the bank's own word for it.
	sqlTakeBank = `
insert into stage_bank (source_id, line_key, amount, ccy, keys, booked, fee, code, fresh, party)
select l.source_id, l.line_key, l.amount, a.currency,
       array(select distinct k from unnest(l.marks || array[l.end_to_end] ||
             array(select p ->> 'end_to_end' from jsonb_array_elements(coalesce(l.parts, '[]')) p) ||
             array(select m from jsonb_array_elements(coalesce(l.parts, '[]')) p, jsonb_array_elements_text(coalesce(p -> 'marks', '[]')) m)) k where k <> ''),
       l.booked_on, l.code ~* '(手续费|工本费|账户管理费|服务费|结息|利息|CHRG|NCHG|INTR|NINT|^FEE$|^SRVCHG$|^INT$)', l.code, x.fresh, l.party
  from (select source_id, line_key, true as fresh from ext_line where book_id = $1 and file_id = any($3::uuid[]) and source_id = any($2::int4[])
        union all
        select source_id, line_key, false from open_line where book_id = $1 and source_id = any($2::int4[])) x
  join source_account a on a.book_id = $1 and a.id = x.source_id
  join ext_line l on l.book_id = $1 and l.source_id = x.source_id and l.line_key = x.line_key`

	// What is expected at a bank: gifts by transfer and in cash, expectations, settlements. Channel 0 is a bank.
	sqlTakeDueGifts = `
insert into stage_due (id, kind, channel, source_id, ref, batch, amount, ccy, at, day, due_on, fee, fresh)
select id, kind, channel, 0, ref, '', amount, ccy, at, day, day + 10, fee, fresh from stage_gift where channel = any('{5,6}')`

	sqlTakeDueOpen = `
insert into stage_due (id, kind, channel, source_id, ref, batch, amount, ccy, at, day, due_on, fee, fresh)
select id, kind, channel, source_id, ref, batch, amount, ccy, at, day, due_on, fee, false from open_ours where book_id = $1 and channel = 0`

	// Numbers that stand more than once on a side: partial refunds of one trade, a gift booked twice. Among those the amount is part of the key.
	sqlTwice = `
select exists (select from stage_gift where channel <> all('{5,6}') group by hashtextextended(ref, channel * 4 + sign) having count(*) > 1)
    or exists (select from stage_trade group by hashtextextended(ref, channel * 4 + sign) having count(*) > 1)`

	sqlTwiceGift = `
update stage_gift g set among = d.n
  from (select id, amount * 1000 + row_number() over (partition by channel, sign, ref, amount order by at, id) as n
          from stage_gift where (channel, sign, ref) in (select channel, sign, ref from stage_gift group by 1, 2, 3 having count(*) > 1
                                                         union all select channel, sign, ref from stage_trade group by 1, 2, 3 having count(*) > 1)) d
 where g.id = d.id`

	sqlTwiceTrade = `
update stage_trade t set among = d.n
  from (select source_id, line_key, told * 1000 + row_number() over (partition by channel, sign, ref, told order by clock, line_key) as n
          from stage_trade where (channel, sign, ref) in (select channel, sign, ref from stage_gift where among <> 0
                                                          union all select channel, sign, ref from stage_trade group by 1, 2, 3 having count(*) > 1)) d
 where t.source_id = d.source_id and t.line_key = d.line_key`
)
