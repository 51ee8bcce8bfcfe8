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
	Say    string // unbooked, unpaid, later: on the statement; unseen, ahead: in the book
	Line   []byte // of the source; nil for ours
	Ours   *uuid.UUID
	Name   string
	Amount int64 // what the ledger has more for it
	Day    time.Time
}

// InBook tells that the book has it and the statement does not.
func (o *Outstanding) InBook() bool { return o.Say == "unseen" || o.Say == "ahead" }

// outstandingKept is how many items of an account are listed.
const outstandingKept = 100

const (
	sqlBankTied = `
select s.id, s.name, s.chart, l.to_on, l.closing
  from source_account s
 cross join lateral (select t.to_on, t.closing from source_statement t where t.book_id = $1 and t.source_id = s.id and t.to_on <= $3 and t.closing is not null
                      order by t.to_on desc, t.number desc, t.no desc limit 1) l
 where s.book_id = $1 and s.chart <> '' and s.currency = $2 order by s.id`

	// Units below 1000 are the book's currency.
	sqlBankLedger = `
select coalesce(sum(b.balance), 0)::int8 - coalesce((select sum(t.debit - t.credit) from turnover t join account x on x.book_id = $1 and x.account_id = t.account_id
                                                      where t.book_id = $1 and t.day > $3 and x.chart = $2 and x.unit < 1000), 0)::int8
  from account a join balance b on b.book_id = $1 and b.account_id = a.account_id where a.book_id = $1 and a.chart = $2 and a.unit < 1000`

	// $2: the source; $3: the day; $4: its account in the book. Lines that nobody has matched, or that no run has looked at; lines that are matched with what is not booked yet, or was booked
	// on a later day; gifts in the book that the bank has not told of, or told of on a later day. A line whose break was put right by hand is booked.
	sqlBankOutstanding = `
select 'unbooked', o.line_key, null::uuid, l.ext_id, -l.amount, l.booked_on
  from open_line o join ext_line l on l.book_id = $1 and l.source_id = o.source_id and l.line_key = o.line_key
 where o.book_id = $1 and o.source_id = $2 and l.booked_on <= $3
   and not exists (select from break_item b where b.book_id = $1 and b.source_id = o.source_id and o.line_key = any(b.lines) and b.state = 'closed')
 union all
select 'unbooked', l.line_key, null, l.ext_id, -l.amount, l.booked_on
  from source_file f join ext_line l on l.book_id = $1 and l.file_id = f.id and l.booked_on <= $3
 where f.book_id = $1 and f.source_id = $2 and f.state = 'imported' and f.run_no is null
 union all
select 'unpaid', l.line_key, m.ours, l.ext_id, -l.amount, l.booked_on
  from recon_member m
  join ext_line l on l.book_id = $1 and l.source_id = m.source_id and l.line_key = m.line_key and l.booked_on <= $3
 where m.book_id = $1 and m.source_id = $2 and m.live and m.part = 0 and m.kind = 4
   and not exists (select from correction c where c.book_id = $1 and c.key = 'recon:' || m.ours || ':landed')
   and not exists (select from settlement s join payout p on p.book_id = $1 and p.payout = s.key and p.landed is not null where s.book_id = $1 and s.id = m.ours)
 union all
select 'unpaid', null, m.ours, e.key, -e.amount, e.day
  from recon_member m
  join expectation e on e.book_id = $1 and e.id = m.ours
  left join disbursement d on d.book_id = $1 and d.id = e.origin and d.state = 'sent'
  left join cash_deposit c on c.book_id = $1 and c.id = e.origin and c.state = 'carried'
 where m.book_id = $1 and m.source_id = $2 and m.live and m.part = 0 and m.kind = 3 and (d.id is not null or c.id is not null)
 union all
select 'later', l.line_key, x.id, l.ext_id, -l.amount, e.effective_on
  from entry e
 cross join lateral (select e.id
                      union all select s.id from correction c join settlement s on s.book_id = $1 and c.key = 'recon:' || s.id || ':landed' where c.book_id = $1 and c.entry_id = e.id
                      union all select q.id from record_step r join expectation q on q.book_id = $1 and r.object in ('disbursement:' || q.origin, 'deposit:' || q.origin)
                                 where r.book_id = $1 and r.entry_id = e.id and r.act in ('payment-paid', 'banked')) x
  join recon_member m on m.book_id = $1 and m.ours = x.id and m.source_id = $2 and m.live and m.part = 0 and m.line_key is not null
  join ext_line l on l.book_id = $1 and l.source_id = m.source_id and l.line_key = m.line_key and l.booked_on <= $3
 where e.book_id = $1 and e.effective_on > $3
   and e.id in (select p.entry_id from account a cross join lateral (select entry_id from posting p where p.book_id = $1 and p.account_id = a.account_id order by p.seq desc limit 2000) p
                 where a.book_id = $1 and a.chart = $4)
 union all
select 'unseen', null, o.id, o.ref, sum(p.amount)::int8, o.day
  from open_ours o
  join entry e on e.book_id = $1 and e.id = o.id and e.effective_on <= $3
  join account a on a.book_id = $1 and a.account_id = any(e.accounts) and a.chart = $4
  join posting p on p.book_id = $1 and p.account_id = a.account_id and p.entry_id = e.id
 where o.book_id = $1 and o.kind in (1, 2) and e.effective_on >= (select min(from_on) from source_statement where book_id = $1 and source_id = $2)
 group by o.id, o.ref, o.day having sum(p.amount) <> 0
 union all
select 'ahead', l.line_key, m.ours, l.ext_id, l.amount, e.effective_on
  from ext_line l
  join recon_member m on m.book_id = $1 and m.source_id = $2 and m.line_key = l.line_key and m.live and m.part = 0 and m.ours is not null
 cross join lateral (select m.ours as id
                      union all select c.entry_id from correction c where c.book_id = $1 and c.key = 'recon:' || m.ours || ':landed'
                      union all select r.entry_id from expectation q join record_step r on r.book_id = $1 and r.object in ('disbursement:' || q.origin, 'deposit:' || q.origin)
                                 where q.book_id = $1 and q.id = m.ours and r.act in ('payment-paid', 'banked')) x
 cross join lateral (select effective_on from entry where book_id = $1 and id = x.id limit 1) e
 where l.book_id = $1 and l.source_id = $2 and l.booked_on > $3 and e.effective_on <= $3
 order by 6, 4`
)

// BankPositions holds the book's bank accounts against their last statements; every item outstanding is named, up to a hundred an account.
func BankPositions(ctx context.Context, q pg.Querier, book *ledger.Book) ([]BankPosition, error) {
	return BankPositionsOn(ctx, q, book, ledger.Day(9998, 12, 31), outstandingKept)
}

// BankPositionsOn is BankPositions as of the last statements that end on a day or before, with up to keep items an account.
func BankPositionsOn(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time, keep int) ([]BankPosition, error) {
	rows, err := q.Query(ctx, sqlBankTied, book.ID, book.Currency, day)
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
	for i := range list {
		p := &list[i]
		if err := q.QueryRow(ctx, sqlBankLedger, book.ID, p.Chart, p.Day).Scan(&p.Ledger); err != nil {
			return nil, fmt.Errorf("read bank account: %w", err)
		}
		rows, err := q.Query(ctx, sqlBankOutstanding, book.ID, p.SourceID, p.Day, p.Chart)
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
