package recon

// What sqlBankOutstanding reads, as it was recorded until a moment ($5): each table stands for what was in it then. $6: the book's zone. Facts are append-only
// and know when they were recorded; what was open follows from them: lines that were taken in and not matched, and gifts that a run had seen and nothing matched.
const sqlBankOutstandingThen = `
with again as (
  select distinct m.ours, m.kind from source_account s join recon_member m on m.book_id = $1 and m.source_id = s.id
   where s.book_id = $1 and s.chart <> '' and m.part = 0 and m.kind in (1, 2) and (not m.live or m.made_at > $5)
), recon_member as not materialized (
  select book_id, source_id, part, run_no, no, group_id, ours, line_key, kind, amount, true as live
    from recon_member where book_id = $1 and live and coalesce(made_at, '-infinity') <= $5
  union all
  select book_id, source_id, part, run_no, no, group_id, ours, line_key, kind, amount, true
    from recon_member where book_id = $1 and not live and coalesce(made_at, '-infinity') <= $5 and fell_at > $5
), entry as not materialized (
  select * from entry where book_id = $1 and recorded_at <= $5
), source_file as not materialized (
  select book_id, id, source_id, state, 0 as run_no from source_file where book_id = $1 and state = 'imported' and coalesce(taken_at, '-infinity') <= $5
), source_statement as not materialized (
  select t.book_id, t.source_id, t.from_on from source_statement t join source_file f on f.book_id = $1 and f.id = t.file_id where t.book_id = $1
), ext_line as not materialized (
  select l.* from ext_line l where l.book_id = $1 and exists (select from source_file f where f.book_id = $1 and f.id = l.file_id)
), open_line as not materialized (
  select l.book_id, l.source_id, l.line_key from ext_line l
   where l.book_id = $1 and not exists (select from recon_member m where m.book_id = $1 and m.source_id = l.source_id and m.line_key = l.line_key)
), open_ours as (
  select e.book_id, x.id, x.kind, x.ref, x.day
    from (select o.id, o.kind, o.ref, o.day from open_ours o where o.book_id = $1 and o.kind in (1, 2)
          union
          select g.id, 1::int2, ` + giftRef + `, (g.paid_at at time zone $6::text)::date from again join gift g on again.kind = 1 and g.book_id = $1 and g.id = again.ours
          union
          select r.id, 2::int2, ` + refundRef + `, (r.refunded_at at time zone $6::text)::date from again join refund r on again.kind = 2 and r.book_id = $1 and r.id = again.ours) x
    join entry e on e.book_id = $1 and e.id = x.id
   where not exists (select from recon_member m where m.book_id = $1 and m.ours = x.id and m.part = 0)
     and pg_visible_in_snapshot(e.xid, (select r.inputs from recon_run r where r.book_id = $1 and r.finished <= $5 order by r.no desc limit 1))
), break_item as not materialized (
  select b.book_id, b.source_id, b.lines,
         (select e.state from break_event e where e.book_id = $1 and e.break_id = b.id and coalesce(e.recorded_at, '-infinity') <= $5 and e.state <> 'noted' order by e.seq desc limit 1) as state
    from break_item b where b.book_id = $1 and b.source_id = $2
), disbursement as not materialized (
  select d.book_id, d.id, coalesce((select p.state from disbursement_past p where p.book_id = $1 and p.disbursement_id = d.id and p.until > $5 order by p.version limit 1), d.state) as state
    from disbursement d where d.book_id = $1
), cash_deposit as not materialized (
  select c.book_id, c.id, case when c.state = 'banked' and exists (select from record_step s where s.book_id = $1 and s.object = 'deposit:' || c.id and s.act = 'banked' and s.recorded_at > $5)
                               then 'carried' else c.state end as state
    from cash_deposit c where c.book_id = $1
), ` + bankOutstanding
