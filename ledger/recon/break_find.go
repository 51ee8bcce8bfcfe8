package recon

// What is open and should not be any more. These are looked for in every run among what is open, so they clear themselves when the other side
// arrives; the rest are found once, when a line is matched or a file comes.
const (
	// $2: as of; $3: the book's zone. A gift is missed once a bill of its day is here, and the day's last ten minutes may be in the next one.
	sqlBreakOurs = `
insert into stage_break
select t.type || ':' || p.channel || ':' || p.id, t.type, null, p.amount, p.ccy, p.day,
       case t.type when 'B05' then array[same.id, p.id] when 'B13' then array[r.gift_id, p.id] else array[p.id] end, '{}', '{}',
       format('recorded under %s', p.ref)
  from stage_pair p
  left join refund r on p.kind = 2 and r.book_id = $1 and r.id = p.id
  left join lateral (select g.id from gift g where p.kind = 1 and g.book_id = $1 and g.processor_ref = p.ref and g.channel = p.channel and g.id <> p.id
                        and (exists (select from recon_member m where m.book_id = $1 and m.ours = g.id and m.live)
                          or exists (select from recon_page x where x.book_id = $1 and x.to_at >= g.paid_at and x.from_at <= g.paid_at and g.id = any(x.ours))) order by g.id limit 1) same on true
  cross join lateral (select case when p.kind = 2 then 'B13' when same.id is not null then 'B05' else 'B01' end as type) t
 where p.id is not null and p.kind < 3 and (p.line_key is null or p.fits is null)
   and case t.type when 'B13' then p.at + interval '1 day' < $2 when 'B01' then p.at + interval '1 hour' < $2 else true end
   and exists (select from unnest($4::int4[], $5::int2[]) s(source_id, channel)
                 join source_statement x on x.book_id = $1 and x.source_id = s.source_id
                where s.channel = p.channel and x.from_on <= p.day and x.to_on >= ((p.at + interval '10 minutes') at time zone $3::text)::date)`

	// Money at a processor that the book does not know.
	sqlBreakLines = `
insert into stage_break
select (case when p.l_kind = 'payment' then 'B02:' else 'B13:' end) || p.l_channel || ':' || p.l_ref || ':' || encode(p.line_key, 'hex'), case when p.l_kind = 'payment' then 'B02' else 'B13' end,
       p.source_id, p.l_amount, a.currency, p.booked,
       coalesce((select array[g.id] from ext_line l join gift g on g.book_id = $1 and g.processor_ref = l.original where p.l_kind <> 'payment' and l.book_id = $1
                    and l.source_id = p.source_id and l.line_key = p.line_key and l.original <> '' order by g.id limit 1), '{}'),
       array[p.line_key], '{}', format('told under %s', p.l_ref)
  from stage_pair p join source_account a on a.book_id = $1 and a.id = p.source_id
 where p.line_key is not null and (p.id is null or p.fits is null)
   and coalesce(p.clock, p.booked::timestamptz) + case when p.l_kind = 'payment' then interval '1 hour' else interval '1 day' end < $2`

	// E2: a payout or transfer is not what its rows add up to.
	sqlBreakSettlement = `
insert into stage_break
select 'B06:' || s.id || ':' || (s.amount - s.members), 'B06', s.source_id, s.amount - s.members, s.ccy, s.day, array[s.id], '{}', '{}',
       format('%s: told %s, its rows %s', s.key, s.amount, s.members)
  from settlement s
 where s.book_id = $1 and s.told and s.lines > 0 and s.members <> s.amount`

	// A settlement whose money is not at the bank, and payments and gifts that no line tells of. $2: settlements due on it or before are late; $3: today.
	sqlBreakDue = `
insert into stage_break
select (case when d.kind = 4 then 'B07:' else 'B15:' end) || d.id, case when d.kind = 4 then 'B07' else 'B15' end, nullif(d.source_id, 0), abs(d.amount), d.ccy, d.day, array[d.id], '{}', '{}',
       format('%s due on %s', d.ref, d.due_on)
  from stage_due d
 where not d.gone
   and case d.kind when 4 then d.due_on <= $2 when 3 then d.due_on < $3
       else d.due_on < $3 and exists (select from unnest($4::int4[]) s(id) join source_statement x on x.book_id = $1 and x.source_id = s.id
                                       where x.to_on >= d.due_on and x.from_on <= d.day) end`

	// E5 as the books alone can tell it: every fund balances in itself, in every currency.
	sqlBreakFunds = `
insert into stage_break
select 'B14:' || fund_id || ':' || unit || ':' || rest, 'B14', null, rest, ccy, $2, '{}', '{}', '{}', format('fund %s does not balance', fund_id)
  from (select a.fund_id, a.unit, max(a.ccy) as ccy, sum(b.balance)::int8 as rest
          from account a join balance b on b.book_id = $1 and b.account_id = a.account_id where a.book_id = $1 group by 1, 2) x
 where rest <> 0`
)

// What is found becomes a break once, and ends by itself when it is found no more.
const (
	sqlBreakRaise = `
with due as (select * from unnest($4::text[], $5::timestamptz[]) d(type, due_at)),
raised as (
  insert into break_item (book_id, id, key, type, source_id, amount, ccy, day, ours, lines, files, note, first_seen, due_at, run_no, state)
  select $1, recon_id(b.key), b.key, b.type, b.source_id, b.amount, b.ccy, b.day, b.ours, b.lines, b.files, b.note, $2, d.due_at, $3, 'open'
    from (select distinct on (key) * from stage_break order by key) b join due d on d.type = b.type
  on conflict (book_id, id) do nothing
  returning id, note
), events as (
  insert into break_event (book_id, break_id, seq, state, actor, note, at) select $1, id, 1, 'open', $6, '', $2 from raised
)
select count(*) from raised`

	// Age goes on from the first time.
	sqlBreakReopen = `
with again as (
  update break_item i set state = 'open', ended_at = null
   where i.book_id = $1 and i.state = 'self-cleared' and i.id in (select recon_id(key) from stage_break) returning i.id
), events as (
  insert into break_event (book_id, break_id, seq, state, actor, note, at)
  select $1, a.id, (select max(seq) + 1 from break_event e where e.book_id = $1 and e.break_id = a.id), 'reopened', $3, '', $2 from again a
)
select count(*) from again`

	sqlBreakClear = `
with cleared as (
  update break_item i set state = 'self-cleared', ended_at = $2
   where i.book_id = $1 and i.ended_at is null and i.type = any($4::text[]) and (i.type <> 'B14' and i.state in ('open', 'assigned') or i.key ~ '^B14:[0-9]+:')
     and i.id not in (select recon_id(key) from stage_break) returning i.id
), events as (
  insert into break_event (book_id, break_id, seq, state, actor, note, at)
  select $1, c.id, (select max(seq) + 1 from break_event e where e.book_id = $1 and e.break_id = c.id), 'self-cleared', $3, '', $2 from cleared c
)
select count(*) from cleared`

	// Where open items stand: in a break, proposed, or within their time.
	sqlOpenLineStates = `
update open_line o set state = x.state
  from (select o.source_id, o.line_key, case when b.line_key is not null then 'break' when g.line_key is not null then 'proposed' else 'timing' end as state
          from open_line o
          left join (select distinct source_id, unnest(lines) as line_key from break_item where book_id = $1 and ended_at is null) b
            on b.source_id = o.source_id and b.line_key = o.line_key
          left join (select distinct source_id, unnest(lines) as line_key from recon_group where book_id = $1 and state = 'proposed') g
            on g.source_id = o.source_id and g.line_key = o.line_key
         where o.book_id = $1) x
 where o.book_id = $1 and o.source_id = x.source_id and o.line_key = x.line_key and o.state <> x.state`

	sqlOpenOursStates = `
update open_ours o set state = x.state
  from (select o.id, case when b.id is not null then 'break' when g.id is not null then 'proposed' else 'timing' end as state
          from open_ours o
          left join (select distinct unnest(ours) as id from break_item where book_id = $1 and ended_at is null) b on b.id = o.id
          left join (select distinct unnest(ours) as id from recon_group where book_id = $1 and state = 'proposed') g on g.id = o.id
         where o.book_id = $1) x
 where o.book_id = $1 and o.id = x.id and o.state <> x.state`
)
