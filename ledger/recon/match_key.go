package recon

// Pass 1 at processors: one line, one gift, by the processor's own number. Pass 2 of a fund bill, and what the lines of a day or a payout add up to.
const (
	// What fits is written at once; only what is left to look at stands in stage_pair: what does not fit, was open before, has another fee than recorded or
	// agreed, a conversion, or lies across a lock. $2: the run; $3: all of it, and nothing written yet; $4: the last day that is closed for good; the rest are
	// the newest terms by source.
	sqlPair = `
with j as materialized (
  select t.source_id, t.line_key, t.channel as l_channel, t.sign as l_sign, t.ref as l_ref, t.amount as l_amount, t.told, t.told_ccy, t.fee as l_fee, t.kind as l_kind, t.rate, t.booked,
         t.clock, t.txn, t.fresh as l_fresh, t.file_id, g.id, g.kind, g.channel, g.sign, g.ref, g.amount, g.ccy, g.fee, g.at, g.day, g.fresh, t.told = g.amount and t.told_ccy = g.ccy as fits
    from stage_trade t full join (select * from stage_gift where channel <> all('{5,6}')) g
      on t.ref = g.ref and t.channel = g.channel and t.sign = g.sign and t.among = g.among
), made as (
  insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount)
  select $1, source_id, 0, 1, $2, row_number() over (order by id), id, line_key, kind, l_amount from j where fits and not $3::bool
)
insert into stage_pair
select j.source_id, line_key, l_channel, l_sign, l_ref, l_amount, told, told_ccy, l_fee, l_kind, j.rate, booked, clock, txn, l_fresh, file_id, id, kind, channel, sign, ref, amount, ccy, fee,
       at, day, fresh, fits, fits and not $3
  from j left join unnest($5::int4[], $6::date[], $7::int4[], $8::int8[]) s(source_id, from_on, rate_ppm, fixed) on s.source_id = j.source_id
 where $3 or fits is not true or not fresh or not l_fresh or j.rate is not null or l_fee <> fee or l_kind <> 'payment'
    or l_kind = 'payment' and (booked < s.from_on or l_fee <> (abs(l_amount) * s.rate_ppm + 500000) / 1000000 + s.fixed)
    or (day <= $4::date) <> (booked <= $4::date)`

	sqlPairCount = `select count(*) from recon_member where book_id = $1 and run_no = $2`

	// Whether anything was taken apart in the book; the machine has to look, then.
	sqlPairAnyDead = `select exists (select from recon_member where book_id = $1 and not live)`

	sqlPairTerms = `
select distinct on (source_id) source_id, from_on, rate_ppm, fixed from source_term where book_id = $1 order by source_id, from_on desc`

	// A donor who covers the fee pays more than the gift; the checkout tells how much.
	sqlPairCovered = `
update stage_pair p set fits = true
  from checkout_session c
 where p.fits is false and p.kind = 1 and c.book_id = $1 and c.gift_id = p.id and c.charged = p.told and p.told_ccy = p.ccy`

	// Rows of Stripe's balance that our books followed without a gift or refund of their own: disputes won, refunds that failed.
	sqlPairFollowed = `
update stage_pair p set id = x.entry_id, kind = 5, channel = p.l_channel, sign = p.l_sign, ref = p.l_ref, amount = p.told, ccy = p.told_ccy, fee = p.l_fee, at = p.clock,
       day = p.booked, fresh = true, fits = true
  from processor_txn x
 where p.id is null and p.l_channel = 4 and x.book_id = $1 and x.processor = 'stripe' and x.txn = p.txn and x.amount = p.l_amount and x.category <> 'charge'`

	// What a person took apart the machine does not put together again.
	sqlPairDead = `
update stage_pair p set fits = null
  from recon_member d
 where p.fits and d.book_id = $1 and not d.live and d.source_id = p.source_id and d.line_key = p.line_key and d.ours = p.id`

	sqlPairWrite = `
insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount)
select $1, source_id, 0, 1, $2, (select coalesce(max(no), 0) from recon_member where book_id = $1 and run_no = $2) + row_number() over (order by id), id, line_key, kind, l_amount
  from stage_pair where fits and not coalesce(written, false)`

	sqlPairCloseLines = `
delete from open_line o using stage_pair p where o.book_id = $1 and p.fits and not p.l_fresh and o.source_id = p.source_id and o.line_key = p.line_key`

	sqlPairCloseOurs = `delete from open_ours o using stage_pair p where o.book_id = $1 and p.fits and not p.fresh and o.id = p.id`

	sqlPairOpenLines = `
insert into open_line (book_id, source_id, line_key, state, since)
select $1, source_id, line_key, 'timing', $2 from stage_pair where fits is not true and line_key is not null and l_fresh`

	sqlPairOpenOurs = `
insert into open_ours (book_id, id, kind, channel, source_id, ref, batch, amount, ccy, fee, at, day, due_on, state, since)
select $1, id, kind, channel, 0, ref, '', amount, ccy, fee, at, day, day + 1, 'timing', $2 from stage_pair where fits is not true and id is not null and fresh`

	// Same number, another amount or currency: a break at once, and no candidate for anything else.
	sqlBreakMismatch = `
insert into stage_break
select (case when told_ccy <> p.ccy then 'B04:' else 'B03:' end) || p.channel || ':' || p.sign || ':' || p.ref || ':' || p.id, case when told_ccy <> p.ccy then 'B04' else 'B03' end, source_id,
       case when told_ccy <> p.ccy then told else p.amount - told end, p.ccy, booked, array[p.id], array[line_key], '{}',
       format('recorded %s %s, told %s %s', p.amount, p.ccy, told, told_ccy)
  from stage_pair p where fits is false`

	// What a processor should keep of a line by its terms t; null when nothing was agreed.
	agreedFee = `case l_kind when 'payment' then (abs(l_amount) * t.rate_ppm + 500000) / 1000000 + t.fixed when 'dispute' then t.dispute_fee end`

	// What a processor kept against what was agreed, of lines that are new, and against what is recorded, of those that are matched now.
	sqlBreakFees = `
insert into stage_break
select 'B10:' || l_channel || ':' || l_sign || ':' || l_ref || ':' || encode(line_key, 'hex'), 'B10', source_id,
       l_fee - case when l_fee <> agreed then agreed else fee end, a.currency, booked,
       case when x.id is null then '{}'::uuid[] else array[x.id] end, array[line_key], '{}', format('kept %s, agreed %s, recorded %s', l_fee, agreed, fee)
  from (select p.*, ` + agreedFee + ` as agreed
          from stage_pair p
          left join (select source_id, from_on, rate_ppm, fixed, dispute_fee,
                            coalesce(lead(from_on) over (partition by source_id order by from_on), 'infinity') as until
                       from source_term where book_id = $1) t on t.source_id = p.source_id and p.booked >= t.from_on and p.booked < t.until
         where p.line_key is not null and (p.l_fresh or p.fits)) x
  join source_account a on a.book_id = $1 and a.id = x.source_id
 where l_fresh and l_fee <> agreed or fits and x.kind < 3 and l_fee <> fee and (agreed is null or l_fee = agreed)`

	// A conversion that is not the charge times the printed rate, halves rounded up.
	sqlBreakRates = `
insert into stage_break
select 'B11:' || l_channel || ':' || l_ref, 'B11', source_id, l_amount - should, a.currency, booked, case when x.id is null then '{}'::uuid[] else array[x.id] end, array[line_key], '{}',
       format('%s %s at %s is %s, settled %s', told, told_ccy, rate, should, l_amount)
  from (select p.*, (sign(told) * floor(abs(told) * rate + 0.5))::int8 as should from stage_pair p where p.rate is not null and p.l_fresh) x
  join source_account a on a.book_id = $1 and a.id = x.source_id
 where l_amount <> should`

	// Money of one side of a lock that the other side dates on the other. $2: the last day of the newest month that is closed for good.
	sqlBreakLate = `
insert into stage_break
select 'B16:' || source_id || ':' || encode(line_key, 'hex'), 'B16', source_id, l_amount, a.currency, booked, array[p.id], array[line_key], '{}'::uuid[], format('ours of %s, theirs of %s', p.day, booked)
  from stage_pair p join source_account a on a.book_id = $1 and a.id = p.source_id
 where fits and (p.day <= $2) <> (booked <= $2)
union all
select 'B16:' || m.source_id || ':' || encode(l.line_key, 'hex'), 'B16', m.source_id, l.amount, l.ccy, l.booked, array[d.id], array[l.line_key], '{}',
       format('ours of %s, theirs of %s', d.day, l.booked)
  from stage_match m
  join stage_due d on d.id = m.ours and d.kind < 3
  join stage_bank l on l.source_id = m.source_id and l.line_key = m.line_key
 where not m.proposed and (d.day <= $2) <> (l.booked <= $2)`
)

// Fund bills. A row belongs to what the trade bill's row of its number was matched with, in this run or before; while there is none it waits.
const (
	sqlFundMatch = `
with known as (
  select f.source_id, f.line_key, f.part, f.sign, f.amount, f.fresh, f.booked, f.ref, f.channel, x.id, x.kind, x.t_amount, x.t_fee, x.t_fits
    from stage_fund f
    cross join lateral (
      select p.id, p.kind, p.l_amount as t_amount, p.l_fee as t_fee, p.fits as t_fits from stage_pair p
       where p.l_ref = f.ref and p.l_channel = f.channel and p.l_sign = f.sign and p.id is not null
      union all
      select g.id, 1::int2, l.amount, l.fee, true
        from gift g
        join recon_member m on m.book_id = $1 and m.ours = g.id and m.part = 0 and m.live and m.source_id = any($2::int4[])
        join ext_line l on l.book_id = $1 and l.source_id = m.source_id and l.line_key = m.line_key and l.ext_id = f.ref
       where f.sign > 0 and g.book_id = $1 and g.processor_ref = f.ref and g.channel = f.channel
      union all
      select g.id, 1::int2, l.amount, l.fee, true
        from gift g
        join recon_member m on m.book_id = $1 and m.ours = g.id and m.part = 0 and m.live and m.source_id = any($2::int4[])
        join ext_line l on l.book_id = $1 and l.source_id = m.source_id and l.line_key = m.line_key and l.ext_id = f.ref
       where f.sign > 0 and g.book_id = $1 and g.ref = f.ref and g.channel = f.channel
      union all
      select g.id, 1::int2, l.amount, l.fee, true
        from gift g
        join recon_page p on p.book_id = $1 and p.to_at >= g.paid_at and p.from_at <= g.paid_at and p.source_id = any($2) and g.id = any(p.ours)
        join ext_line l on l.book_id = $1 and l.file_id = p.file_id and l.line_no = p.page * 1000 + p.places[array_position(p.ours, g.id)] + 1 and l.ext_id = f.ref
       where f.sign > 0 and g.book_id = $1 and g.processor_ref = f.ref and g.channel = f.channel
         and not exists (select from recon_member d where d.book_id = $1 and not d.live and d.source_id = l.source_id and d.line_key = l.line_key and d.run_no = p.run_no)
      union all
      select g.id, 1::int2, l.amount, l.fee, true
        from gift g
        join recon_page p on p.book_id = $1 and p.to_at >= g.paid_at and p.from_at <= g.paid_at and p.source_id = any($2) and g.id = any(p.ours)
        join ext_line l on l.book_id = $1 and l.file_id = p.file_id and l.line_no = p.page * 1000 + p.places[array_position(p.ours, g.id)] + 1 and l.ext_id = f.ref
       where f.sign > 0 and g.book_id = $1 and g.ref = f.ref and g.channel = f.channel
         and not exists (select from recon_member d where d.book_id = $1 and not d.live and d.source_id = l.source_id and d.line_key = l.line_key and d.run_no = p.run_no)
      union all
      select r.id, 2::int2, l.amount, l.fee, true
        from refund r
        join recon_member m on m.book_id = $1 and m.ours = r.id and m.part = 0 and m.live and m.source_id = any($2::int4[])
        join ext_line l on l.book_id = $1 and l.source_id = m.source_id and l.line_key = m.line_key and l.ext_id = f.ref
       where f.sign < 0 and r.book_id = $1 and r.processor_ref = f.ref and r.channel = f.channel
      limit 1) x
   where f.kind = any('{payment,refund,fee}')
), matched as (
  insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount)
  select $1, source_id, part, 2, $3, (select coalesce(max(no), 0) from recon_member where book_id = $1 and run_no = $3) + row_number() over (order by line_key), id, line_key, kind, amount from known
   where part = 1 and abs(-amount - t_fee) <= 1 or part = 0 and amount = case when sign < 0 then t_amount - t_fee else t_amount end
  on conflict do nothing returning source_id, line_key
), odd as (
  insert into stage_break
  select (case when abs(-amount - t_fee) = 1 then 'B12:' else 'B10:fund:' end) || channel || ':' || ref, case when abs(-amount - t_fee) = 1 then 'B12' else 'B10' end,
         source_id, -amount - t_fee, a.currency, booked, array[k.id], array[line_key], '{}', format('the trade bill rounds to %s, the fund bill took %s', t_fee, -amount)
    from known k join source_account a on a.book_id = $1 and a.id = k.source_id
   where part = 1 and -amount <> t_fee
), other as (
  insert into stage_break
  select 'B03:fund:' || channel || ':' || sign || ':' || ref, 'B03', source_id, t_amount - case when sign < 0 then t_fee else 0 end - amount, a.currency, booked, array[k.id],
         array[line_key], '{}', format('the trade bill says %s, the fund bill %s', t_amount, amount)
    from known k join source_account a on a.book_id = $1 and a.id = k.source_id
   where part = 0 and amount <> case when sign < 0 then t_amount - t_fee else t_amount end
), closed as (
  delete from open_line o using matched m where o.book_id = $1 and o.source_id = m.source_id and o.line_key = m.line_key
), opened as (
  insert into open_line (book_id, source_id, line_key, state, since)
  select $1, f.source_id, f.line_key, 'timing', $4 from stage_fund f
   where f.fresh and f.kind = any('{payment,refund,fee}') and not exists (select from matched m where m.source_id = f.source_id and m.line_key = f.line_key)
)
select count(*) from matched`

	// What the lines of a day add up to at a processor that sends no fund bill. $2: its sources, $3: days to the bank by source, $4: files.
	sqlSettleDays = `
insert into settlement (book_id, id, source_id, key, amount, ccy, lines, day, due_on)
select $1, recon_id('settlement:' || $1::int4 || ':' || t.source_id || ':' || t.booked), t.source_id, t.booked::text, t.sum, a.currency, t.n, t.booked, t.booked + s.days
  from (select l.source_id, l.booked_on as booked, sum(l.amount - l.fee) as sum, count(*) as n
          from ext_line l
         where l.book_id = $1 and l.source_id = any($2::int4[]) and l.file_id = any($4::uuid[]) and l.kind = any('{payment,refund,refund-failure,dispute,dispute-reversal}') group by 1, 2) t
  join unnest($2, $3::int4[]) s(source_id, days) on s.source_id = t.source_id
  join source_account a on a.book_id = $1 and a.id = t.source_id
on conflict (book_id, id) do update set amount = settlement.amount + excluded.amount, lines = settlement.lines + excluded.lines`

	// A fund bill tells the transfer itself; the rows of the day before must add up to it. $2: fund bills, $3: days.
	sqlSettleFund = `
insert into settlement (book_id, id, source_id, key, amount, ccy, lines, day, due_on, members, told)
select $1, recon_id('settlement:' || $1::int4 || ':' || x.source_id || ':' || x.day), x.source_id, x.day::text, sum(x.told), max(a.currency), sum(x.n), x.day, x.day + x.days, sum(x.members), bool_or(x.withdrawn)
  from (select f.source_id, case when f.kind = 'withdrawal' then f.booked - 1 else f.booked end as day, s.days, case when f.kind = 'withdrawal' then -f.amount else 0 end as told,
               case when f.kind = 'withdrawal' then 0 else f.amount end as members, case when f.kind = 'withdrawal' then 0 else 1 end as n, f.kind = 'withdrawal' as withdrawn
          from stage_fund f join unnest($2::int4[], $3::int4[]) s(source_id, days) on s.source_id = f.source_id
         where f.fresh) x
  join source_account a on a.book_id = $1 and a.id = x.source_id
 group by x.source_id, x.day, x.days
on conflict (book_id, id) do update set amount = settlement.amount + excluded.amount, members = settlement.members + excluded.members, lines = settlement.lines + excluded.lines,
   told = settlement.told or excluded.told`

	// Payouts tell themselves; their members come in lists of their own. $2: sources of payouts, $3: of members, $4: files.
	sqlSettlePayouts = `
insert into settlement (book_id, id, source_id, key, amount, ccy, lines, day, due_on, told)
select $1, recon_id('settlement:' || $1::int4 || ':' || l.ext_id), l.source_id, l.ext_id, l.amount, a.currency, 0, l.booked_on, l.booked_on, l.code = 'completed'
  from ext_line l join source_account a on a.book_id = $1 and a.id = l.source_id
 where l.book_id = $1 and l.source_id = any($2::int4[]) and l.file_id = any($3::uuid[]) and l.kind = any('{payout,payout-manual}')
on conflict (book_id, id) do update set amount = excluded.amount, day = excluded.day, due_on = excluded.due_on, told = excluded.told`

	sqlSettleMembers = `
insert into settlement (book_id, id, source_id, key, amount, ccy, lines, day, due_on, members)
select $1, recon_id('settlement:' || $1::int4 || ':' || l.original), coalesce(($4::int4[])[1], l.source_id), l.original, 0, max(a.currency), count(*), max(l.booked_on), max(l.booked_on), sum(l.amount)
  from ext_line l join source_account a on a.book_id = $1 and a.id = l.source_id
 where l.book_id = $1 and l.source_id = any($2::int4[]) and l.file_id = any($3::uuid[]) and l.kind = 'member'
 group by l.source_id, l.original
on conflict (book_id, id) do update set members = settlement.members + excluded.members, lines = settlement.lines + excluded.lines`

	// A settlement that is known and not matched waits at the bank. $2: those that lines of this run touch, as fund bills, days and payouts.
	sqlSettleOpen = `
insert into open_ours (book_id, id, kind, channel, source_id, ref, batch, amount, ccy, fee, at, day, due_on, state, since)
select $1, s.id, 4, 0, s.source_id, s.key, '', s.amount, s.ccy, 0, s.due_on::timestamp at time zone 'UTC', s.day, s.due_on, 'timing', $2
  from settlement s
 where s.book_id = $1 and s.amount > 0 and s.due_on >= $3::date
   and not exists (select from recon_member m where m.book_id = $1 and m.ours = s.id and m.part = 0 and m.live)
   and not exists (select from open_ours o where o.book_id = $1 and o.id = s.id and o.amount = s.amount and o.due_on = s.due_on)
on conflict (book_id, id) do update set amount = excluded.amount, day = excluded.day, due_on = excluded.due_on`

	// The transfer as the processor's own account tells it; new rows of it are open by now. $2: sources, $3: run.
	sqlSettleTold = `
with moved as (
  select l.source_id, l.line_key, l.amount, s.id
    from (select f.source_id, f.line_key, f.amount, f.booked from stage_fund f where f.kind = 'withdrawal') l
    join settlement s on s.book_id = $1 and s.source_id = l.source_id and s.key = (l.booked - 1)::text and s.amount = -l.amount
  union all
  select l.source_id, l.line_key, l.amount, s.id
    from open_line o
   cross join lateral (select * from ext_line l where l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key limit 1) l
    join settlement s on s.book_id = $1 and s.id = recon_id('settlement:' || $1::int4 || ':' || l.ext_id) and s.amount = -l.amount
   where o.book_id = $1 and o.source_id = any($2::int4[]) and l.kind = 'payout'
), matched as (
  insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount)
  select $1, source_id, 2, 2, $3, (select coalesce(max(no), 0) from recon_member where book_id = $1 and run_no = $3) + row_number() over (order by line_key), id, line_key, 4, amount from moved on conflict do nothing returning source_id, line_key
), closed as (
  delete from open_line o using matched m where o.book_id = $1 and o.source_id = m.source_id and o.line_key = m.line_key
)
select count(*) from matched`

	// Rows of a processor that belong to no gift wait for what they are told to be: transfers for their settlement, its own fees for a correction. A payout in the
	// list of payouts is the settlement itself.
	sqlOpenOther = `
insert into open_line (book_id, source_id, line_key, state, since)
select $1, l.source_id, l.line_key, 'timing', $4 from ext_line l
 where l.book_id = $1 and l.source_id = any($2::int4[]) and l.file_id = any($3::uuid[])
   and l.kind <> all('{payment,refund,refund-failure,dispute,dispute-reversal,fee}')
   and not (l.kind = 'payout' and exists (select from source_account p where p.book_id = $1 and p.id = l.source_id and p.format = 'stripe-payouts'))
   and not exists (select from recon_member m where m.book_id = $1 and m.source_id = l.source_id and m.line_key = l.line_key and m.live)
on conflict do nothing`
)
