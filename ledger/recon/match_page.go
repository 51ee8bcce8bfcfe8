package recon

import (
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// Many lines at once: pass 1 of a whole bill. Lines and gifts of a channel are joined where they lie. Where the number, amount and currency of a new line and
// a new gift are the same, the line's page says so; only what is left to look at becomes a row of stage_pair: what does not fit, was open before, is no gift,
// has another fee than recorded or agreed, a conversion, or lies across a lock.
const (
	// $2: sources of the channel; $3: files; $5 to $8: the newest terms by source. odd: the line alone tells that it is to be looked at.
	pageLines = `
select l.file_id, l.line_no, l.source_id, case when l.amount < 0 then '-' || l.ext_id else l.ext_id end as ref, l.amount, l.fee, l.booked_on, s.currency, true as fresh,
       l.parts is not null or l.kind <> 'payment' or l.booked_on < s.from_on or l.fee <> (l.amount * s.rate_ppm + 500000) / 1000000 + s.fixed as odd, l.parts is null and l.kind = 'payment' as pays
  from ext_line l join (` + pageTerms + `) s on s.id = l.source_id
 where l.book_id = $1 and l.source_id = any($2::int4[]) and l.file_id = any($3::uuid[]) and l.kind = any('{payment,refund,refund-failure,dispute,dispute-reversal}')
union all
select l.file_id, l.line_no, l.source_id, case when l.amount < 0 then '-' || l.ext_id else l.ext_id end, l.amount, l.fee, l.booked_on, '', false, true, false
  from open_line o
 cross join lateral (select * from ext_line l where l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key limit 1) l
 where o.book_id = $1 and o.source_id = any($2) and l.kind = any('{payment,refund,refund-failure,dispute,dispute-reversal}')`

	pageTerms = `
select a.id, a.currency, t.from_on, t.rate_ppm, t.fixed
  from source_account a left join unnest($5::int4[], $6::date[], $7::int4[], $8::int8[]) t(source_id, from_on, rate_ppm, fixed) on t.source_id = a.id where a.book_id = $1`

	pageLinesCount = `
select (select count(*) from ext_line l where l.book_id = $1 and l.source_id = any($2) and l.file_id = any($3) and l.kind = any('{payment,refund,refund-failure,dispute,dispute-reversal}'))
     + (select count(*) from open_line o cross join lateral (select l.kind from ext_line l where l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key limit 1) l
         where o.book_id = $1 and o.source_id = any($2) and l.kind = any('{payment,refund,refund-failure,dispute,dispute-reversal}'))`

	// Gifts that no run has seen. $4: the channel; $9: what the run before saw, null: nothing of the channel; $10: what this one sees.
	// On first sight all gifts are new but those that came while this run was under way.
	pageOurs = `
select g.id, true as fresh, ` + giftRef + ` as ref, g.amount, g.ccy, g.fee, g.paid_at as at
  from gift g
 where $9::text is null and g.book_id = $1 and g.channel = $4::int2
   and g.id <> all(array(select e.id from entry e where e.book_id = $1 and e.xid >= pg_snapshot_xmin($10::pg_snapshot) and not pg_visible_in_snapshot(e.xid, $10::pg_snapshot)))
union all
select g.id, true, ` + giftRef + `, g.amount, g.ccy, g.fee, g.paid_at
  from entry e
 cross join lateral (select * from gift g where g.book_id = $1 and g.id = e.id limit 1) g
 where $9 is not null and e.book_id = $1 and e.xid >= pg_snapshot_xmin($9::pg_snapshot) and not pg_visible_in_snapshot(e.xid, $9::pg_snapshot)
   and pg_visible_in_snapshot(e.xid, $10) and g.channel = $4
union all
select r.id, false, '-' || ` + refundRef + `, -r.amount, r.ccy, r.fee, r.refunded_at
  from refund r
 cross join lateral (select e.xid from entry e where e.book_id = $1 and e.id = r.id limit 1) e
 where r.book_id = $1 and r.channel = $4 and pg_visible_in_snapshot(e.xid, $10) and ($9 is null or not pg_visible_in_snapshot(e.xid, $9::pg_snapshot))
union all
select o.id, false, case when o.amount < 0 then '-' || o.ref else o.ref end, o.amount, o.ccy, o.fee, o.at from open_ours o where o.book_id = $1 and o.channel = $4`

	// Stripe's gifts keep the charge in ref and the row of its balance in processor_ref.
	giftRef   = `case when g.processor_ref is null or g.processor_ref like 'txn\_%' then g.ref else g.processor_ref end`
	refundRef = `case when r.processor_ref is null or r.processor_ref like 'txn\_%' then r.ref else r.processor_ref end`

	// $11: the book's zone; $12: the run; $13, $14: the last day that is closed for good, and when it ended. It answers with how many lines and ours there
	// are, how many rows they make side by side, on how many of these one side is missing, and how many lines stand on pages: where a number stands twice on a
	// side, more rows than lines are matched.
	sqlPages = `
with j as materialized (
  select l.file_id, l.line_no, l.source_id, g.id, g.at,
         l.pays and l.amount = g.amount and l.currency = g.ccy and l.fresh and g.fresh as plain,
         l.odd or l.fee <> g.fee or (g.at < $14::timestamptz) <> (l.booked_on <= $13::date) as odd
    from (` + pageLines + `) l full join (` + pageOurs + `) g on g.ref = l.ref
), made as (
  insert into recon_page (book_id, file_id, page, source_id, run_no, lines, from_at, to_at, places, ours)
  select $1, file_id, (line_no - 1) / 1000, source_id, $12, count(*), min(at), max(at), array_agg(((line_no - 1) % 1000)::int2), array_agg(id)
    from j where plain group by file_id, (line_no - 1) / 1000, source_id
  returning lines
), rest as (
  insert into stage_pair
  select l.source_id, l.line_key, case when l.line_key is not null then $4 end, l.sign, l.ref, l.amount, l.told, l.told_ccy, l.fee, l.kind, (l.parts->0->>'rate')::numeric, l.booked_on, l.clock,
         l.order_no, l.line_key is not null and o.line_key is null, l.file_id, g.id, g.kind, case when g.id is not null then $4 end, g.sign, g.ref, g.amount, g.ccy, g.fee, g.at, g.day, g.fresh,
         l.told = g.amount and l.told_ccy = g.ccy, j.plain
    from j
    left join lateral (
      select l.*, case when l.amount < 0 then -1 else 1 end as sign, l.ext_id as ref, coalesce((l.parts->0->>'amount')::int8, l.amount) as told, coalesce(l.parts->0->>'currency', a.currency) as told_ccy
        from ext_line l join source_account a on a.book_id = $1 and a.id = l.source_id where l.book_id = $1 and l.file_id = j.file_id and l.line_no = j.line_no limit 1) l on true
    left join lateral (select o.line_key from open_line o where o.book_id = $1 and o.source_id = l.source_id and o.line_key = l.line_key limit 1) o on true
    left join lateral (
      select o.id, o.kind, case when o.amount < 0 then -1 else 1 end as sign, o.ref, o.amount, o.ccy, o.fee, o.at, o.day, false as fresh from open_ours o where o.book_id = $1 and o.id = j.id
      union all
      select g.id, 1, 1, ` + giftRef + `, g.amount, g.ccy, g.fee, g.paid_at, (g.paid_at at time zone $11::text)::date, true from gift g where g.book_id = $1 and g.id = j.id
      union all
      select r.id, 2, -1, ` + refundRef + `, -r.amount, r.ccy, r.fee, r.refunded_at, (r.refunded_at at time zone $11)::date, true from refund r where r.book_id = $1 and r.id = j.id
      limit 1) g on true
   where j.plain is not true or j.odd
)
select (` + pageLinesCount + `), (select count(*) from (` + pageOurs + `) x), count(*), count(*) filter (where id is null), count(*) filter (where line_no is null),
       (select coalesce(sum(lines), 0) from made)
  from j`
)

// matchedRows is every match that holds, on pages and in recon_member.
const matchedRows = `
select book_id, source_id, line_key, part, rule, run_no, group_id, ours, kind, amount, rejected from recon_member where live
union all
select l.book_id, l.source_id, l.line_key, 0::int2, 1::int2, p.run_no, null, p.ours[array_position(p.places, ((l.line_no - 1) % 1000)::int2)], 1::int2, l.amount, null
  from ext_line l join recon_page p on p.book_id = l.book_id and p.file_id = l.file_id and p.page = (l.line_no - 1) / 1000
 where ((l.line_no - 1) % 1000)::int2 = any(p.places)
   and not exists (select from recon_member d where not d.live and d.book_id = l.book_id and d.source_id = l.source_id and d.line_key = l.line_key and d.run_no = p.run_no)`

// paged is what went through pages.
type paged struct{ lines, ours, matched int64 }

// pages matches whole bills channel by channel. It gives false, and has written nothing, when a number stands twice on a side: then each is looked at.
func (r *run) pages() (bool, error) {
	inside, err := r.tx.Begin(r.ctx)
	if err != nil {
		return false, err
	}
	t, err := r.terms()
	if err != nil {
		return false, err
	}
	var sum paged
	s := &r.roles
	for _, channel := range slices.Compact(slices.Sorted(slices.Values(s.tradeChannels))) {
		var sources []int32
		for i, c := range s.tradeChannels {
			if c == channel {
				sources = append(sources, s.trade[i])
			}
		}
		var since *string
		if slices.Contains(r.last.seen, channel) {
			since = &r.last.inputs
		}
		var ended *time.Time
		if r.locked != nil {
			at := r.book.Begin(r.locked.AddDate(0, 0, 1))
			ended = &at
		}
		var lines, ours, rows, noOurs, noLine, matched int64
		if err := inside.QueryRow(r.ctx, sqlPages, r.book.ID, sources, r.files, channel, t.sources, t.from, t.rates, t.fixed, since, r.sees, r.book.Zone.String(), r.no,
			r.locked, ended).Scan(&lines, &ours, &rows, &noOurs, &noLine, &matched); err != nil {
			return false, err
		}
		if both := rows - noOurs - noLine; both != lines-noOurs || both != ours-noLine {
			return false, inside.Rollback(r.ctx)
		}
		sum.lines, sum.ours, sum.matched = sum.lines+lines, sum.ours+ours, sum.matched+matched
	}
	*r.paged = sum
	r.touched, r.report.Matched = r.touched+sum.matched, r.report.Matched+sum.matched
	return true, inside.Commit(r.ctx)
}

// terms are the newest of each source, as columns.
type terms struct {
	sources, rates []int32
	from           []time.Time
	fixed          []int64
}

func (r *run) terms() (t terms, err error) {
	rows, err := r.tx.Query(r.ctx, sqlPairTerms, r.book.ID)
	if err != nil {
		return t, err
	}
	var source, rate int32
	var day time.Time
	var fix int64
	_, err = pgx.ForEachRow(rows, []any{&source, &day, &rate, &fix}, func() error {
		t.sources, t.from, t.rates, t.fixed = append(t.sources, source), append(t.from, day), append(t.rates, rate), append(t.fixed, fix)
		return nil
	})
	return t, err
}
