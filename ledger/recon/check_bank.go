package recon

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// BankPosition holds a bank account of the book against the last statement of the account outside that is tied to it (E4). Amounts are minor units of the
// book's currency; accounts of another one are not compared.
type BankPosition struct {
	SourceID  int32
	Name      string
	Chart     chart.ID
	Day       time.Time // of the statement's end
	Statement int64
	Ledger    int64 // at the end of that day
	Items     []Outstanding
	ItemsAll  int64 // how many there are
	ItemsSum  int64 // of all of them: what the ledger should have beside the statement
}

// Unexplained is what the book has more than the statement and the items outstanding say.
func (p *BankPosition) Unexplained() int64 { return p.Ledger - p.Statement - p.ItemsSum }

// Outstanding is a reason for which the book and the statement differ: on the statement and not in the book (Line), or the other way round.
type Outstanding struct {
	Say    string // unbooked, unpaid, later: on the statement; unseen, ahead, undone: in the book
	Line   []byte // of the source; nil for ours
	Ours   *uuid.UUID
	Name   string
	Amount int64 // what the ledger has more for it
	Day    time.Time
}

// InBook tells that the book has it and the statement does not.
func (o *Outstanding) InBook() bool {
	return o.Say == "unseen" || o.Say == "ahead" || o.Say == "undone"
}

// outstandingKept is how many items of an account are listed.
const outstandingKept = 100

const (
	sqlBankTied = `
select s.id, s.name, s.chart, l.to_on, l.closing
  from source_account s
 cross join lateral (select t.to_on, t.closing from source_statement t where t.book_id = $1 and t.source_id = s.id and t.to_on <= $3 and t.closing is not null
                         and ($4::timestamptz is null or exists (select from source_file f where f.book_id = $1 and f.id = t.file_id and coalesce(f.taken_at, '-infinity') <= $4))
                      order by t.to_on desc, t.number desc, t.no desc limit 1) l
 where s.book_id = $1 and s.chart <> '' and s.currency = $2 order by s.id`

	// Units below 1000 are the book's currency.
	sqlBankLedger = `
select coalesce(sum(b.balance), 0)::int8 - coalesce((select sum(t.debit - t.credit) from turnover t join account x on x.book_id = $1 and x.account_id = t.account_id
                                                      where t.book_id = $1 and t.day > $3 and x.chart = $2 and x.unit < 1000), 0)::int8
  from account a join balance b on b.book_id = $1 and b.account_id = a.account_id where a.book_id = $1 and a.chart = $2 and a.unit < 1000`

	// What nearly all matches of long ago are: booked by the day, and never taken back. Their lines are there by the day as well, or looked at for being late.
	bookedByDay = ` and e.effective_on <= $3 and not exists (select from entry v where v.book_id = $1 and v.reverses = e.id)`

	// $2: the source; $3: the day; $4: its account in the book. Lines that nobody has matched, or that no run has looked at; matches of which one side is there by the day and the
	// other is not; gifts in the book that the bank has not told of. Of a match of several each of ours counts by itself once the first line is there, and so does each line that comes
	// after the day. A line whose break was put right by hand is booked. What was booked by the day and taken back on a later one is in the book then, and its line, if
	// it has one, counts by itself.
	sqlBankOutstanding = `
with ` + bankOutstanding

	bankOutstanding = `late as (
  select x.group_id, x.line_key from ext_line l
   cross join lateral (select x.group_id, x.line_key from recon_member x where x.book_id = $1 and x.source_id = $2 and x.line_key = l.line_key and x.live limit 1) x
   where l.book_id = $1 and l.source_id = $2 and l.booked_on > $3
), look as (
  select run_no, no from recon_member m
   where m.book_id = $1 and m.source_id = $2 and m.live and m.kind in (3, 4)
     and not exists (select from correction c join entry e on e.book_id = $1 and e.id = c.entry_id
                      where c.book_id = $1 and c.break_id = m.ours and c.action = 'landed'` + bookedByDay + `)
     and not exists (select from settlement s join payout p on p.book_id = $1 and p.payout = s.key join entry e on e.book_id = $1 and e.id = p.landed
                      where s.book_id = $1 and s.id = m.ours` + bookedByDay + `)
     and not exists (select from expectation x
                      cross join lateral unnest(array['disbursement:' || x.origin, 'deposit:' || x.origin]) o
                       join record_step r on r.book_id = $1 and r.object = o and r.act in ('payment-paid', 'banked') join entry e on e.book_id = $1 and e.id = r.entry_id
                      where x.book_id = $1 and x.id = m.ours` + bookedByDay + `)
   union
  select m.run_no, m.no from late cross join lateral (select m.run_no, m.no from recon_member m where m.book_id = $1 and m.source_id = $2 and m.line_key = late.line_key and m.live) m
   union
  select m.run_no, m.no from (select distinct group_id from late where group_id is not null) late join recon_member m on m.book_id = $1 and m.group_id = late.group_id and m.live
   union
  select m.run_no, m.no from recon_member m cross join lateral (select e.effective_on from entry e where e.book_id = $1 and e.id = m.ours limit 1) e
   where m.book_id = $1 and m.source_id = $2 and m.live and m.kind in (1, 2, 5) and e.effective_on > $3
   union
  select m.run_no, m.no from entry v cross join lateral (select m.run_no, m.no from recon_member m where m.book_id = $1 and m.ours = v.reverses and m.source_id = $2 and m.live) m
   where v.book_id = $1 and v.reverses is not null
), m as (
  select m.ours, m.kind, m.amount, m.group_id, l.line_key, l.ext_id, l.first, l.last, b.day, b.entries, b.booked, q.key, q.day as made, q.origin
    from look
   cross join lateral (select m.ours, m.kind, m.amount, m.group_id, m.line_key from recon_member m where m.book_id = $1 and m.run_no = look.run_no and m.no = look.no and m.part = 0 and m.ours is not null limit 1) m
   cross join lateral (
     select (array_agg(k order by l.booked_on, k))[1] as line_key, (array_agg(l.ext_id order by l.booked_on, k))[1] as ext_id, min(l.booked_on) as first, max(l.booked_on) as last
       from unnest(case when m.line_key is not null then array[m.line_key]
                   else array(select x.line_key from recon_member x where x.book_id = $1 and x.group_id = m.group_id and x.live and x.line_key is not null) end) k
      cross join lateral (select l.ext_id, l.booked_on from ext_line l where l.book_id = $1 and l.source_id = $2 and l.line_key = k limit 1) l) l
   cross join lateral (
     select min(e.effective_on) filter (where not exists (select from entry v where v.book_id = $1 and v.reverses = e.id and v.effective_on <= $3)) as day, count(*) as entries,
            array_agg(e.id) as booked
       from (select m.ours as entry_id where m.kind in (1, 2, 5) union all` + matchEntries + `) x
      cross join lateral (select e.id, e.effective_on from entry e where e.book_id = $1 and e.id = x.entry_id limit 1) e) b
    left join expectation q on m.kind = 3 and q.book_id = $1 and q.id = m.ours
)
select 'unbooked', o.line_key, null::uuid, l.ext_id, -l.amount, l.booked_on
  from open_line o join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
 where o.book_id = $1 and o.source_id = $2 and l.booked_on <= $3
   and not exists (select from break_item b where b.book_id = $1 and b.source_id = o.source_id and o.line_key = any(b.lines) and b.state = 'closed')
 union all
select 'unbooked', l.line_key, null, l.ext_id, -l.amount, l.booked_on
  from source_file f join ext_line l on l.book_id = $1 and l.file_id = f.id and l.booked_on <= $3
 where f.book_id = $1 and f.source_id = $2 and f.state = 'imported' and f.run_no is null
 union all
select case when day is null then 'unpaid' else 'later' end, line_key, ours, coalesce(key, ext_id), -amount, coalesce(day, made, first)
  from m
 where first <= $3 and (day > $3 or day is null and (kind <> 3 or entries > 0 or exists (select from disbursement d where d.book_id = $1 and d.id = m.origin and d.state = 'sent')
                                                                              or exists (select from cash_deposit c where c.book_id = $1 and c.id = m.origin and c.state = 'carried')))
 union all
select 'ahead', line_key, ours, ext_id, amount, day from m where first > $3 and day <= $3
 union all
select 'ahead', l.line_key, null, l.ext_id, l.amount, coalesce(m.day, l.booked_on)
  from (select group_id, min(day) as day from m where first <= $3 and last > $3 group by group_id) m
  join recon_member x on x.book_id = $1 and x.group_id = m.group_id and x.live
  join ext_line l on l.book_id = $1 and l.source_id = $2 and l.line_key = x.line_key and l.booked_on > $3
 union all
select 'unseen', null, o.id, o.ref, sum(p.amount)::int8, o.day
  from open_ours o
  join entry e on e.book_id = $1 and e.id = o.id and e.effective_on <= $3
  join account a on a.book_id = $1 and a.account_id = any(e.accounts) and a.chart = $4
  join posting p on p.book_id = $1 and p.account_id = a.account_id and p.entry_id = e.id
 where o.book_id = $1 and o.kind in (1, 2) and e.effective_on >= (select min(from_on) from source_statement where book_id = $1 and source_id = $2)
 group by o.id, o.ref, o.day having sum(p.amount) <> 0
 union all
select 'undone', null, e.id, coalesce(max(d.summary), ''), sum(p.amount)::int8, e.effective_on
  from entry v
  join entry e on e.book_id = $1 and e.id = v.reverses and e.effective_on <= $3
  join account a on a.book_id = $1 and a.account_id = any(e.accounts) and a.chart = $4 and a.unit < 1000
  join posting p on p.book_id = $1 and p.account_id = a.account_id and p.entry_id = e.id
  left join document d on d.book_id = $1 and d.entry_id = e.id
 where v.book_id = $1 and v.reverses is not null and v.effective_on > $3
   and e.effective_on >= (select min(from_on) from source_statement where book_id = $1 and source_id = $2)
   and not exists (select from recon_member x where x.book_id = $1 and x.ours = e.id and x.source_id = $2 and x.live)
   and not exists (select from m where e.id = any(m.booked))
   and not exists (select from open_ours o where o.book_id = $1 and o.id = e.id)
 group by e.id, e.effective_on having sum(p.amount) <> 0
 order by 6, 4`
)

// BankPositions holds the book's bank accounts against their last statements; every item outstanding is named, up to a hundred an account.
func BankPositions(ctx context.Context, q pg.Querier, book *ledger.Book) ([]BankPosition, error) {
	return BankPositionsOn(ctx, q, book, ledger.Day(9998, 12, 31), time.Time{}, outstandingKept)
}

// BankPositionsOn is BankPositions as of the last statements that end on a day or before, with up to keep items an account; as all of it was recorded until a moment,
// unless that is zero. Which accounts outside are tied to which of the book is as now.
func BankPositionsOn(ctx context.Context, q pg.Querier, book *ledger.Book, day, recorded time.Time, keep int) ([]BankPosition, error) {
	moment := pg.TimeOrNull(recorded)
	rows, err := q.Query(ctx, sqlBankTied, book.ID, book.Currency, day, moment)
	if err != nil {
		return nil, fmt.Errorf("read tied accounts: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p BankPosition, err error) {
		err = row.Scan(&p.SourceID, &p.Name, &p.Chart, &p.Day, &p.Statement)
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("read tied accounts: %w", err)
	}
	if err := bankLedgers(ctx, q, book, list, recorded); err != nil {
		return nil, err
	}
	for i := range list {
		p := &list[i]
		sql, args := sqlBankOutstanding, []any{book.ID, p.SourceID, p.Day, p.Chart}
		if moment != nil {
			sql, args = sqlBankOutstandingThen, append(args, recorded, book.Zone.String())
		}
		rows, err := q.Query(ctx, sql, args...)
		if err != nil {
			return nil, fmt.Errorf("read what is outstanding: %w", err)
		}
		var o Outstanding
		if _, err := pgx.ForEachRow(rows, []any{&o.Say, &o.Line, &o.Ours, &o.Name, &o.Amount, &o.Day}, func() error {
			if p.ItemsAll, p.ItemsSum = p.ItemsAll+1, p.ItemsSum+o.Amount; len(p.Items) < keep {
				p.Items = append(p.Items, o)
			}
			o = Outstanding{}
			return nil
		}); err != nil {
			return nil, fmt.Errorf("read what is outstanding: %w", err)
		}
	}
	return list, nil
}

// bankLedgers reads what the book has on the accounts at the ends of their days.
func bankLedgers(ctx context.Context, q pg.Querier, book *ledger.Book, list []BankPosition, recorded time.Time) error {
	if recorded.IsZero() {
		for i := range list {
			p := &list[i]
			if err := q.QueryRow(ctx, sqlBankLedger, book.ID, p.Chart, p.Day).Scan(&p.Ledger); err != nil {
				return fmt.Errorf("read bank account: %w", err)
			}
		}
		return nil
	}
	ends := make([]time.Time, len(list))
	at := map[chart.ID]int{}
	for i := range list {
		ends[i], at[list[i].Chart] = list[i].Day.AddDate(0, 0, 1), i
	}
	if len(list) == 0 {
		return nil
	}
	moved, err := ledger.MovedBefore(ctx, q, book, ledger.Cut{Recorded: recorded}, ends...)
	if err != nil {
		return err
	}
	for _, m := range moved {
		if i, there := at[m.Chart]; there {
			list[i].Ledger += m.Before[i].Debit - m.Before[i].Credit
		}
	}
	return nil
}

// lookBanks finds bank accounts whose difference from the statement is not explained by what is outstanding (E4), and lists what is.
func lookBanks(ctx context.Context, q pg.Querier, book *ledger.Book, _ time.Time) (int64, []Break, error) {
	list, err := BankPositions(ctx, q, book)
	var breaks []Break
	for _, p := range list {
		if p.Unexplained() == 0 {
			continue
		}
		day := p.Day
		breaks = append(breaks, Break{Say: "bank", Object: fmt.Sprintf("source:%d", p.SourceID), Name: p.Name, Sums: []int64{p.Ledger, p.Statement, p.ItemsSum, p.Unexplained()}, Day: &day})
		for _, o := range p.Items {
			day := o.Day
			breaks = append(breaks, Break{Say: "bank-" + o.Say, Object: fmt.Sprintf("source:%d", p.SourceID), Name: p.Name + " " + o.Name, Sums: []int64{o.Amount}, Day: &day})
		}
	}
	return int64(len(list)), breaks, err
}
