package recon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// Entries that were booked on a bank account by hand or by another room, such as vouchers, transfers and letters of streets, have lines at the bank too.
// They are held against what the passes have left: an amount that stands once on either side (pass 4), or by a person's word.
const (
	// How many of the newest postings of each account of a fund are looked through for entries: by a run, and by a page.
	bookedDepth = 2000
	nearDepth   = 200

	// Entries whose line is an entry's: none that is told of as a gift, refund or payment, and none that is taken back or matched already. $2: the source.
	entryFree = `
       not exists (select from gift g where g.book_id = $1 and g.id = e.id) and not exists (select from refund r where r.book_id = $1 and r.id = e.id)
   and not exists (select from entry v where v.book_id = $1 and v.reverses = e.id) and e.reverses is null
   and not exists (select from correction c where c.book_id = $1 and c.entry_id = e.id and c.action in ('landed', 'paid', 'banked'))
   and not exists (select from recon_member m where m.book_id = $1 and m.ours = e.id and m.source_id = $2 and m.live)
   and not exists (select from record_step s where s.book_id = $1 and s.entry_id = e.id and s.act in ('payment-paid', 'payment-bounced') and s.object like 'disbursement:%')`

	// What an entry moves on a bank account of the book, of the newest postings of those leaves that moved in the days. $7: the account; $3: how many; $4, $5: days.
	bankEntries = `
select e.id, e.kind, e.effective_on, e.reverses, sum(p.amount)::int8 as amount
  from account a
 cross join lateral (select from generate_series($4::date, $5::date, interval '1 day') d
                      cross join lateral (select from turnover t where t.book_id = $1 and t.day = d::date and t.account_id = a.account_id limit 1) t limit 1) moved
 cross join lateral (select entry_id, amount from posting p where p.book_id = $1 and p.account_id = a.account_id order by p.seq desc limit $3) p
  join entry e on e.book_id = $1 and e.id = p.entry_id
 where a.book_id = $1 and a.chart = $7 and e.effective_on between $4 and $5
 group by e.id, e.kind, e.effective_on, e.reverses having sum(p.amount) <> 0`

	// The entries nearest in days to a line, of its amount. $6: the amount; $8: how many.
	sqlBookedNear = `
with e as materialized (` + bankEntries + `)
select e.id, e.kind, e.effective_on, coalesce(d.number, 0), coalesce(d.summary, '')
  from e left join document d on d.book_id = $1 and d.entry_id = e.id
 where e.amount = $6 and ` + entryFree + ` order by least(e.effective_on - $4::date, $5::date - e.effective_on) desc, e.id limit $8`

	// $6: how many days apart. Once within them on both sides, and once within twice as many. What a person took apart stays apart.
	sqlBookedFind = `
with e as materialized (` + bankEntries + `),
x as (
  select o.line_key, l.amount, e.id, abs(l.booked_on - e.effective_on) as days, count(*) over (partition by o.line_key) as entries, count(*) over (partition by e.id) as lines
    from open_line o
    join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
    join e on e.amount = l.amount and abs(l.booked_on - e.effective_on) <= 2 * $6::int4
   where o.book_id = $1 and o.source_id = $2 and not exists (select from correction c where c.book_id = $1 and c.entry_id = e.id)
     and ` + entryFree + `
)
select line_key, amount, id from x
 where entries = 1 and lines = 1 and days <= $6
   and not exists (select from recon_member d where d.book_id = $1 and not d.live and d.source_id = $2 and d.line_key = x.line_key and d.ours = x.id)
   and not exists (select from recon_group g where g.book_id = $1 and g.source_id = $2 and g.state = 'proposed' and x.line_key = any(g.lines))
 order by line_key`

	sqlBookedDays = `
select min(l.booked_on) - 7, max(l.booked_on) + 7 from open_line o join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
 where o.book_id = $1 and o.source_id = $2`

	sqlTied = `select id, chart from source_account where book_id = $1 and chart <> '' and currency = $2 order by id`

	sqlBookedOpen = `
select l.amount, a.chart from open_line o
  join source_account a on a.book_id = $1 and a.id = o.source_id and a.currency = $4
  join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
 where o.book_id = $1 and o.source_id = $2 and o.line_key = $3`

	sqlEntryAtBank = `
select coalesce(sum(p.amount), 0)::int8 from account a join posting p on p.book_id = $1 and p.account_id = a.account_id and p.entry_id = $2
 where a.book_id = $1 and a.chart = $3`

	sqlEntryFree = `select exists (select from entry e where e.book_id = $1 and e.id = $3 and ` + entryFree + `)`

	// Rows of a fund bill whose payment was booked by a correction belong to it too.
	sqlBookedFollow = `
with known as (
  select f.id as source_id, o.line_key, case when l.kind = 'fee' then 1 else 0 end as part, m.ours, l.amount
    from source_account f
    join open_line o on o.book_id = $1 and o.source_id = f.id
    join ext_line l on l.book_id = $1 and l.source_id = f.id and l.line_key = o.line_key and l.kind in ('payment', 'fee')
    join source_account t on t.book_id = $1 and t.format = 'wechat-trade'
    join ext_line x on x.book_id = $1 and x.source_id = t.id and x.ext_id = l.ext_id and x.kind = 'payment'
    join recon_member m on m.book_id = $1 and m.source_id = t.id and m.line_key = x.line_key and m.live and m.kind = 5
   where f.book_id = $1 and f.format = 'wechat-fund'
), made as (
  insert into recon_member (book_id, source_id, part, rule, run_no, no, ours, line_key, kind, amount)
  select $1, source_id, part, 2, 0, (select coalesce(max(no), 0) from recon_member where book_id = $1 and run_no = 0) + row_number() over (order by line_key), ours, line_key, 5, amount from known
  on conflict do nothing returning source_id, line_key
), closed as (
  delete from open_line o using made m where o.book_id = $1 and o.source_id = m.source_id and o.line_key = m.line_key
)
select count(*) from made`
)

// MatchBooked matches open lines of accounts that are tied to the book with entries that move the same amount there within three days, where each is the
// other's only candidate within six; and rows of fund bills with what booked their payments. It tells how many. Breaks of the lines end with the next run.
func MatchBooked(ctx context.Context, tx pgx.Tx, book *ledger.Book) (n int, err error) {
	if _, err := tx.Exec(ctx, sqlReconLock, book.ID); err != nil {
		return 0, fmt.Errorf("match entries: %w", err)
	}
	if err := tx.QueryRow(ctx, sqlBookedFollow, book.ID).Scan(&n); err != nil {
		return 0, fmt.Errorf("match entries: %w", err)
	}
	type tied struct {
		ID    int32
		Chart chart.ID
	}
	rows, err := tx.Query(ctx, sqlTied, book.ID, book.Currency)
	if err != nil {
		return 0, fmt.Errorf("match entries: %w", err)
	}
	sources, err := pgx.CollectRows(rows, pgx.RowToStructByPos[tied])
	if err != nil {
		return 0, fmt.Errorf("match entries: %w", err)
	}
	for _, s := range sources {
		var from, to any
		if err := tx.QueryRow(ctx, sqlBookedDays, book.ID, s.ID).Scan(&from, &to); err != nil {
			return n, fmt.Errorf("match entries: %w", err)
		}
		if from == nil {
			continue
		}
		type found struct {
			Line   []byte
			Amount int64
			Entry  uuid.UUID
		}
		rows, err := tx.Query(ctx, sqlBookedFind, book.ID, s.ID, bookedDepth, from, to, sweepDays, s.Chart)
		if err != nil {
			return n, fmt.Errorf("match entries: %w", err)
		}
		list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[found])
		if err != nil {
			return n, fmt.Errorf("match entries: %w", err)
		}
		for _, f := range list {
			if err := bookedBy(ctx, tx, book, s.ID, f.Line, f.Entry, f.Amount, RuleSweep); err != nil {
				return n, fmt.Errorf("match entries: %w", err)
			}
			n++
		}
	}
	return n, nil
}

// entryNearDays is how many days before and after a line entries are offered for it.
const entryNearDays = 62

// NearEntry is an entry that may be what books a line.
type NearEntry struct {
	ID      uuid.UUID
	Kind    ledger.Kind
	Day     time.Time
	Number  int32 // of its voucher in the month of its day; 0: it has none
	Summary string
}

// EntriesNear lists the entries that MatchEntry would take for an open line of a source that is tied to the book, the nearest day first, of the newest of each account.
func EntriesNear(ctx context.Context, q pg.Querier, book *ledger.Book, source *Source, line *Line, limit int) ([]NearEntry, error) {
	if source.Chart == "" || source.Currency != book.Currency {
		return nil, nil
	}
	rows, err := q.Query(ctx, sqlBookedNear, book.ID, source.ID, nearDepth, line.Day.AddDate(0, 0, -entryNearDays), line.Day.AddDate(0, 0, entryNearDays), line.Amount, source.Chart, limit)
	if err != nil {
		return nil, fmt.Errorf("look for entries of line: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[NearEntry])
}

// MatchEntry says, on a person's word and with a reason, that an entry books a line. It moves exactly the line's amount on the account that the line's account
// is tied to, and books no other line of it and no gift, refund or payment, which are matched as such. ErrUnequal, giving.ErrNoRecord, *giving.FieldErrors.
func MatchEntry(ctx context.Context, tx pgx.Tx, book *ledger.Book, source int32, line []byte, entry, by uuid.UUID, why string, now time.Time) error {
	if err := reason(why); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlReconLock, book.ID); err != nil {
		return fmt.Errorf("match entry: %w", err)
	}
	var amount, moved int64
	var at chart.ID
	err := tx.QueryRow(ctx, sqlBookedOpen, book.ID, source, line, book.Currency).Scan(&amount, &at)
	if errors.Is(err, pgx.ErrNoRows) {
		return giving.ErrNoRecord
	}
	if err != nil {
		return fmt.Errorf("match entry: %w", err)
	}
	if err := tx.QueryRow(ctx, sqlEntryAtBank, book.ID, entry, at).Scan(&moved); err != nil {
		return fmt.Errorf("match entry: %w", err)
	}
	var isFree bool
	if err := tx.QueryRow(ctx, sqlEntryFree, book.ID, source, entry).Scan(&isFree); err != nil {
		return fmt.Errorf("match entry: %w", err)
	}
	if !isFree || at == "" || moved != amount {
		return ErrUnequal
	}
	if err := bookedBy(ctx, tx, book, source, line, entry, amount, RulePerson); err != nil {
		return fmt.Errorf("match entry: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlGroupEvent, book.ID, PairID(source, line, entry), "confirmed", by, why, now); err != nil {
		return fmt.Errorf("match entry: %w", err)
	}
	return nil
}
