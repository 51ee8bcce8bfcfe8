package recon

// Passes at a bank. Each takes what the passes before have left; what it finds stands in stage_match, and is gone for those that follow.
const (
	// Pass 1: our number on the line, one line and one of ours, the same amount. Several of one number and amount go in the order of their days.
	sqlBankKey = `
insert into stage_match
select distinct on (l.source_id, l.line_key) 'k' || d.id, 1, false, false, 100, l.source_id, l.line_key, d.id, d.kind, l.amount
  from (select x.*, row_number() over (partition by k, amount, ccy order by booked, source_id, line_key) as n
          from (select distinct on (b.source_id, b.line_key, k) b.*, k from stage_bank b, unnest(b.keys) k where not b.gone and not b.fee) x) l
  join (select x.*, row_number() over (partition by ref, amount, ccy order by day, id) as n from stage_due x where not gone and ref <> '' and kind <> 4) d
    on d.ref = l.k and d.amount = l.amount and d.ccy = l.ccy and d.n = l.n and (d.source_id = 0 or d.source_id = l.source_id)
 order by l.source_id, l.line_key, d.id`

	// Pass 2: what was counted into one bag or sent in one batch comes or goes in one line.
	sqlBankGroup = `
insert into stage_match
select 'g' || encode(l.line_key, 'hex'), 2, false, false, 100, l.source_id, case when d.first then l.line_key end, d.id, d.kind, d.amount
  from (select distinct on (b.source_id, b.line_key, k) b.*, k from stage_bank b, unnest(b.keys) k where not b.gone and not b.fee) l
  join (select x.*, sum(amount) over w as total, count(*) over w as n, row_number() over (partition by key, ccy order by id) = 1 as first
          from (select id, kind, ref as key, amount, ccy from stage_due where not gone and ref <> '' and kind <> 4
                union all select id, kind, batch, amount, ccy from stage_due where not gone and batch <> '' and batch <> ref) x
        window w as (partition by key, ccy)) d
    on d.key = l.k and d.total = l.amount and d.ccy = l.ccy and d.n > 1
 where not exists (select from stage_bank o, unnest(o.keys) k where k = l.k and not o.gone and not o.fee and o.amount = l.amount and (o.source_id, o.line_key) < (l.source_id, l.line_key))`

	// Pass 2: a line that names several of ours, and is what they add up to.
	sqlBankNamed = `
insert into stage_match
select 'n' || encode(line_key, 'hex'), 2, false, false, 100, source_id, case when first then line_key end, id, kind, amount
  from (select l.source_id, l.line_key, l.amount as total, d.id, d.kind, d.amount, sum(d.amount) over w as sum, count(*) over w as n,
               row_number() over (partition by l.source_id, l.line_key order by d.id) = 1 as first
          from (select distinct on (k) b.*, k from stage_bank b, unnest(b.keys) k where not b.gone and not b.fee order by k, b.booked, b.source_id, b.line_key) l
          join stage_due d on d.ref = l.k and d.ccy = l.ccy and (d.source_id = 0 or d.source_id = l.source_id) and not d.gone and d.kind <> 4
        window w as (partition by l.source_id, l.line_key)) x
 where sum = total and n > 1`

	// Pass 3: a payment of ours by its amount and the payee's account. Equal ones go in the order of their days, never before they were sent.
	sqlBankPayee = `
insert into stage_match
select distinct on (l.source_id, l.line_key) 'a' || d.id, 3, false, false, 95, l.source_id, l.line_key, d.id, d.kind, l.amount
  from (select b.*, row_number() over (partition by party, amount, ccy order by booked, source_id, line_key) as n
          from stage_bank b
         where not gone and not fee and party is not null
           and exists (select from stage_due d where not d.gone and b.party = any(d.accounts) and d.amount = b.amount and d.ccy = b.ccy and d.day <= b.booked)) l
  join (select x.*, h, row_number() over (partition by h, amount, ccy order by day, id) as n from stage_due x, unnest(x.accounts) h where not gone and kind = 3) d
    on d.h = l.party and d.amount = l.amount and d.ccy = l.ccy and d.n = l.n and d.day <= l.booked and (d.source_id = 0 or d.source_id = l.source_id)
 order by l.source_id, l.line_key, d.id`

	// Pass 2: a settlement and one credit of its amount. $1: 1 when the line names the day or the payout, 2 when the line is of the very day, 3 any day of
	// the window. Only where each is the other's only candidate.
	sqlBankSettle = `
insert into stage_match
select 's' || id, 2, false, false, case $1::int4 when 1 then 100 when 2 then 90 else 80 end, source_id, line_key, id, 4, amount
  from (select d.id, l.source_id, l.line_key, l.amount, count(*) over (partition by d.id) as lines, count(*) over (partition by l.source_id, l.line_key) as dues
          from stage_due d join stage_bank l on l.amount = d.amount and l.ccy = d.ccy and l.booked between d.due_on - 3 and d.due_on + 15
         where d.kind = 4 and not d.gone and not l.gone and not l.fee
           and case $1::int4 when 1 then l.keys && array[d.ref, replace(d.ref, '-', '')] when 2 then l.booked = d.due_on
               else not exists (select from unnest(l.keys) k where k ~ '^20[0-9]{6}$' and k <> replace(d.ref, '-', '')) end) x
 where lines = 1 and dues = 1`

	// Pass 4: an amount that stands once on either side within the window, and once within twice the window.
	sqlBankSweep = `
insert into stage_match
select 'u' || id, 4, false, false, 70, source_id, line_key, id, kind, amount
  from (select d.id, d.kind, l.source_id, l.line_key, l.amount, abs(l.booked - d.day) as days,
               count(*) over (partition by d.id) as lines, count(*) over (partition by l.source_id, l.line_key) as dues
          from stage_due d join stage_bank l on l.amount = d.amount and l.ccy = d.ccy and abs(l.booked - d.day) <= 2 * $1::int4
         where d.kind < 3 and not d.gone and not l.gone and not l.fee and d.amount > 0 and (d.source_id = 0 or d.source_id = l.source_id)) x
 where lines = 1 and dues = 1 and days <= $1`

	// What is left of an amount is proposed together: ambiguous when a person has to choose. A debit to another account than the payee's is no candidate.
	sqlBankPropose = `
insert into stage_match
select 'p' || amount || ccy, 4, true, n > 1 or m > 1, 40, source_id, case when side = 1 then line_key end, case when side = 2 then id end, case when side = 2 then kind end, amount
  from (select x.*, count(*) filter (where side = 1) over w as n, count(*) filter (where side = 2) over w as m
          from (select 1 as side, l.amount, l.ccy, l.source_id, l.line_key, null::uuid as id, null::int2 as kind from stage_bank l
                 where not l.gone and not l.fee and exists (select from stage_due d where not d.gone and d.amount = l.amount and d.ccy = l.ccy
                   and (l.party = any(d.accounts)) is not false and abs(l.booked - case when d.kind = 4 then d.due_on else d.day end) <= case when d.kind < 3 then $1::int4 else 15 end)
                union all
                select 2, d.amount, d.ccy, (select min(l.source_id) from stage_bank l where not l.gone and l.amount = d.amount and l.ccy = d.ccy), null, d.id, d.kind from stage_due d
                 where not d.gone and exists (select from stage_bank l where not l.gone and not l.fee and d.amount = l.amount and d.ccy = l.ccy
                   and (l.party = any(d.accounts)) is not false and abs(l.booked - case when d.kind = 4 then d.due_on else d.day end) <= case when d.kind < 3 then $1::int4 else 15 end)) x
        window w as (partition by amount, ccy)) y`

	// Of settlements and amounts: what had the same amount within a month, and why it was not it. number: the line names another; taken: another match
	// has it; kind: not of the kind that is looked for; day: too far apart, or another day fits better.
	sqlRejectedEqual = `
with g as (
  select m.group_key, m.rule, l.amount, l.ccy, min(l.booked) as booked, bool_or(m.score = 100) as named
    from stage_match m join stage_bank l on l.source_id = m.source_id and l.line_key = m.line_key where m.group_key ~ '^[sup]' group by 1, 2, 3, 4
)
insert into stage_rejected
select group_key, ours, line_key, why, n
  from (select x.*, row_number() over (partition by group_key order by n, ours, line_key) as place
          from (select g.group_key, d.id as ours, null::bytea as line_key, abs(d.day - g.booked) as n,
                       case when exists (select from stage_match t where t.ours = d.id) then 'taken' when g.rule = 2 and d.kind <> 4 or g.rule = 4 and d.kind > 2 then 'kind'
                            when g.named then 'number' else 'day' end as why
                  from g join stage_due d on d.amount = g.amount and d.ccy = g.ccy and abs(d.day - g.booked) <= 31
                 where not exists (select from stage_match m where m.group_key = g.group_key and m.ours = d.id)
                union all
                select g.group_key, null, l.line_key, abs(l.booked - g.booked),
                       case when l.fee then 'kind' when exists (select from stage_match t where t.source_id = l.source_id and t.line_key = l.line_key) then 'taken'
                            when g.named then 'number' else 'day' end
                  from g join stage_bank l on l.amount = g.amount and l.ccy = g.ccy and abs(l.booked - g.booked) <= 31
                 where not exists (select from stage_match m where m.group_key = g.group_key and m.source_id = l.source_id and m.line_key = l.line_key)) x) y
 where place <= 20`

	sqlBankGoneLines = `
update stage_bank b set gone = true from stage_match m where not b.gone and m.source_id = b.source_id and m.line_key = b.line_key`

	sqlBankGoneOurs = `update stage_due d set gone = true from stage_match m where not d.gone and m.ours = d.id`

	// The same number with another amount is a break at once, and no candidate for what follows.
	sqlBankOther = `
insert into stage_break
select 'B03:bank:' || d.id, 'B03', l.source_id, d.amount - l.amount, l.ccy, l.booked, array[d.id], array[l.line_key], '{}', format('recorded %s, the bank says %s', d.amount, l.amount)
  from (select b.*, k, row_number() over (partition by k order by booked, source_id, line_key) as n from stage_bank b, unnest(b.keys) k where not b.gone and not b.fee) l
  join (select x.*, row_number() over (partition by ref order by day, id) as n from stage_due x where not gone and ref <> '' and kind <> 4) d
    on d.ref = l.k and d.ccy = l.ccy and d.amount <> l.amount and sign(d.amount) = sign(l.amount) and d.n = l.n`

	sqlBankOtherGone = `
with odd as (select ours, lines, source_id from stage_break where type = 'B03' and key like 'B03:bank:%'),
     l as (update stage_bank b set gone = true from odd where b.source_id = odd.source_id and b.line_key = any(odd.lines))
update stage_due d set gone = true from odd where d.id = any(odd.ours)`

	// A payment of ours that has left before: the line names it, and it is matched.
	sqlBankTwice = `
insert into stage_break
select 'B05:' || l.source_id || ':' || encode(l.line_key, 'hex'), 'B05', l.source_id, -l.amount, l.ccy, l.booked, array[e.id], array[l.line_key], '{}', format('%s has left before', e.key)
  from stage_bank l
  cross join lateral (select e.id, e.key from expectation e where e.book_id = $1 and e.ref = any(l.keys) and e.ref <> '' and e.amount = l.amount
                       order by e.id limit 1) e
 where not l.gone and not l.fee and l.amount < 0
   and (exists (select from recon_member m where m.book_id = $1 and m.ours = e.id and m.live) or exists (select from stage_match m where m.ours = e.id and not m.proposed))`

	// A line that nobody expects: a debit at once, a credit after a day. $2: the day as of which the books are looked at.
	sqlBankUnknown = `
insert into stage_break
select 'B08:' || l.source_id || ':' || encode(l.line_key, 'hex'), 'B08', l.source_id, l.amount, l.ccy, l.booked, '{}', array[l.line_key], '{}', case when l.amount < 0 then 'debit' else 'credit' end
  from stage_bank l
 where not l.gone and not l.fee and (l.amount < 0 or l.booked < $1::date)
   and not exists (select from stage_break b where b.source_id = l.source_id and l.line_key = any(b.lines))`
)

// Writing down what was found.
const (
	// Groups as they are staged; the id is the hash of the rule and the members in their order.
	stagedGroups = `
select *, recon_id(format('%s %s %s', rule, ours, lines)) as id
  from (select group_key, min(rule) as rule, bool_or(proposed) as proposed, bool_or(ambiguous) as ambiguous, min(score) as score, min(source_id) as source_id,
               coalesce(sum(amount) filter (where ours is not null), 0) as amount,
               coalesce(array_agg(distinct ours) filter (where ours is not null), '{}') as ours,
               coalesce(array_agg(kind order by ours) filter (where ours is not null), '{}') as kinds,
               coalesce(array_agg(distinct line_key order by line_key) filter (where line_key is not null), '{}') as lines
          from stage_match group by group_key) s`

	stagedRejected = `
select group_key, jsonb_agg(jsonb_strip_nulls(jsonb_build_object('ours', ours, 'line', encode(line_key, 'hex'), 'why', why, 'days', n)) order by n, ours, line_key) as rejected
  from stage_rejected group by group_key`

	// What a person took apart or turned down the machine does not put together again; its members are free for what follows.
	sqlMatchDead = `
with dropped as (
  delete from stage_match m
   where exists (select from recon_member d where d.book_id = $1 and not d.live and d.source_id = m.source_id and d.ours = m.ours and d.line_key = m.line_key)
      or m.group_key in (select x.group_key from (` + stagedGroups + `) x join recon_group g on g.book_id = $1 and g.id = x.id and g.state in ('revoked', 'rejected')
                          where g.state = 'rejected' or $2 <> (select e.actor from recon_event e where e.book_id = $1 and e.group_id = g.id order by e.seq desc limit 1))
  returning m.source_id, m.line_key, m.ours
), lines as (
  update stage_bank b set gone = false from dropped d where b.source_id = d.source_id and b.line_key = d.line_key
)
update stage_due b set gone = false from dropped d where b.id = d.ours`

	// Proposals that are found no more are taken back by the machine, and come again when they are found again. $2: the machine.
	sqlProposalsAgain = `
with again as (
  update recon_group g set state = 'proposed' from (` + stagedGroups + `) x where g.book_id = $1 and g.id = x.id and x.proposed and g.state = 'revoked' returning g.id
)
insert into recon_event (book_id, group_id, seq, state, actor, reason, at)
select $1, id, (select max(seq) + 1 from recon_event e where e.book_id = $1 and e.group_id = again.id), 'proposed', $2, '', $3 from again`

	sqlProposalsGone = `
with gone as (
  update recon_group g set state = 'revoked' where g.book_id = $1 and g.state = 'proposed' and g.id not in (select x.id from (` + stagedGroups + `) x where x.proposed) returning g.id
)
insert into recon_event (book_id, group_id, seq, state, actor, reason, at)
select $1, id, (select max(seq) + 1 from recon_event e where e.book_id = $1 and e.group_id = gone.id), 'revoked', $2, 'found no more', $3 from gone`

	// Matches of one with one are members alone.
	sqlMatchGroups = `
insert into recon_group (book_id, id, rule, rule_ver, cardinality, score, ambiguous, run_no, source_id, amount, ours, kinds, lines, rejected, state)
select $1, id, rule, $3, case when cardinality(ours) = 1 and cardinality(lines) = 1 then '1:1' when cardinality(ours) = 1 then '1:N'
       when cardinality(lines) = 1 then 'N:1' else 'N:M' end, score, ambiguous, $2, source_id, amount, ours, kinds, lines, n.rejected, case when proposed then 'proposed' else 'confirmed' end
  from (` + stagedGroups + `) x left join (` + stagedRejected + `) n using (group_key)
 where proposed or cardinality(ours) > 1 or cardinality(lines) > 1
on conflict (book_id, id) do nothing`

	sqlMatchEvents = `
insert into recon_event (book_id, group_id, seq, state, actor, reason, at)
select g.book_id, g.id, 1, g.state, $3, '', $4 from recon_group g where g.book_id = $1 and g.run_no = $2
    on conflict do nothing`

	sqlMatchMembers = `
insert into recon_member (book_id, source_id, part, rule, run_no, no, group_id, ours, line_key, kind, amount, rejected)
select $1, source_id, 0, rule, $2, (select coalesce(max(no), 0) from recon_member where book_id = $1 and run_no = $2) + row_number() over (order by line_key, ours), group_id, ours, line_key,
       kind, amount, rejected
  from (select source_id, rule, null::uuid as group_id, m.ours, m.line_key, kind, amount, c.rejected
          from (select *, count(*) over (partition by group_key) as n from stage_match) m left join (` + stagedRejected + `) c using (group_key) where not proposed and m.n = 1
        union all
        select m.source_id, m.rule, g.id, x.ours, x.line_key, x.kind, case when x.ours is null then g.amount else m.amount end, null
          from (select *, count(*) over (partition by group_key) as n from stage_match) m
          join recon_group g on g.book_id = $1 and g.run_no = $2 and g.state = 'confirmed' and m.ours = any(g.ours) and m.source_id = g.source_id
          cross join lateral (select m.ours, null::bytea as line_key, m.kind union all select null, m.line_key, null where m.line_key is not null) x
         where not m.proposed and m.n > 1) y`

	sqlMatchedLines = `
delete from open_line o using stage_match m where o.book_id = $1 and not m.proposed and o.source_id = m.source_id and o.line_key = m.line_key`

	sqlMatchedOurs = `delete from open_ours o using stage_match m where o.book_id = $1 and not m.proposed and o.id = m.ours`

	sqlBankOpenLines = `
insert into open_line (book_id, source_id, line_key, state, since)
select $1, l.source_id, l.line_key, 'timing', $2 from stage_bank l
 where l.fresh and not exists (select from stage_match m where not m.proposed and m.source_id = l.source_id and m.line_key = l.line_key)`

	sqlBankOpenOurs = `
insert into open_ours (book_id, id, kind, channel, source_id, ref, batch, amount, ccy, fee, at, day, due_on, state, since)
select $1, d.id, d.kind, d.channel, d.source_id, d.ref, d.batch, d.amount, d.ccy, d.fee, d.at, d.day, d.due_on, 'timing', $2 from stage_due d
 where d.fresh and not exists (select from stage_match m where not m.proposed and m.ours = d.id)`
)
