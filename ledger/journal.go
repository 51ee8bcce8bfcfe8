package ledger

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
)

// ErrCursor means that a page was asked for with a cursor we did not give out.
var ErrCursor = errors.New("bad cursor")

// PageMax is the most rows one page of the journal or of a statement holds.
const PageMax = 500

// Posting is one line of an entry as it stands in the book.
type Posting struct {
	Account      int32
	Leaf         Leaf
	Seq          int64
	Amount       int64 // minor units of the leaf's currency, debit positive
	BalanceAfter int64
	Line         int16
}

// Chart is the chart account behind the posting.
func (p *Posting) Chart() chart.Account { return chart.MustByID(p.Leaf.Chart) }

// Recorded is an entry as it stands in the book.
type Recorded struct {
	ID          uuid.UUID
	Key         uuid.UUID
	Kind        Kind
	EffectiveOn time.Time
	RecordedAt  time.Time
	Actor       uuid.UUID
	Reverses    uuid.UUID // zero for none
	ReversedBy  uuid.UUID // zero for none
	HappenedOn  time.Time // the day in a closed month that it belongs to, when it was booked late; zero otherwise
	Number      int32     // 记字第 n 号 of its month; zero for a gift, which has no voucher of its own
	Document    *Document // nil for a gift
	Amount      int64     // sum of its debits, memo lines left out unless there is nothing else
	Postings    []Posting // nil in lists
}

const recordedColumns = `
  e.id, e.key, e.kind, e.effective_on, e.recorded_at, e.actor, coalesce(e.reverses, '00000000-0000-0000-0000-000000000000'),
  coalesce((select r.id from entry r where r.book_id = e.book_id and r.reverses = e.id), '00000000-0000-0000-0000-000000000000'),
  coalesce(d.number, 0), d.summary, d.source_kind, d.source_ref, d.reason, d.attachments, d.made_by, d.checked_by`

const sqlEntry = `
select ` + recordedColumns + `
  from entry e left join document d on d.book_id = e.book_id and d.entry_id = e.id
 where e.book_id = $1 and e.id = $2`

// The entry says where its postings lie; nothing indexes postings by entry.
const sqlEntryPostings = `
select p.account_id, a.chart, a.fund_id, a.ccy, a.dims, p.seq, p.amount, p.balance_after, p.line
  from entry e
 cross join lateral unnest(e.accounts, e.seqs) u(account_id, seq)
 cross join lateral (select * from posting p where p.book_id = $1 and p.account_id = u.account_id and p.seq = u.seq limit 1) p
 cross join lateral (select * from account a where a.book_id = $1 and a.account_id = u.account_id limit 1) a
 where e.book_id = $1 and e.id = $2
 order by p.line`

const sqlEntryHappened = `select happened_on from late_entry where book_id = $1 and entry_id = $2`

// ReadEntry reads an entry with its postings, or ErrNoEntry. Both are asked for at once: an id that nothing has is as much
// work as one that the reader may not see.
func ReadEntry(ctx context.Context, q pg.Querier, book *Book, id uuid.UUID) (*Recorded, error) {
	var r Recorded
	var postings []Posting
	var both pgx.Batch
	both.Queue(sqlEntry, book.ID, id).Query(func(rows pgx.Rows) (err error) {
		r, err = pgx.CollectExactlyOneRow(rows, scanRecorded)
		return err
	})
	both.Queue(sqlEntryPostings, book.ID, id).Query(func(rows pgx.Rows) (err error) {
		postings, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (p Posting, err error) {
			err = row.Scan(&p.Account, &p.Leaf.Chart, &p.Leaf.Fund, &p.Leaf.Currency, &p.Leaf.Dims, &p.Seq, &p.Amount, &p.BalanceAfter, &p.Line)
			return p, err
		})
		return err
	})
	var happened *time.Time
	both.Queue(sqlEntryHappened, book.ID, id).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(&happened); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return nil
	})
	err := q.SendBatch(ctx, &both).Close()
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", ErrNoEntry, id)
	}
	if err != nil {
		return nil, fmt.Errorf("read entry %s: %w", id, err)
	}
	r.Postings = postings
	if happened != nil {
		r.HappenedOn = *happened
	}
	var memo int64
	for _, p := range r.Postings {
		acct := p.Chart()
		if p.Amount > 0 && acct.Memo() {
			memo += p.Amount
		} else if p.Amount > 0 {
			r.Amount += p.Amount
		}
	}
	if r.Amount == 0 {
		r.Amount = memo
	}
	return &r, nil
}

func scanRecorded(row pgx.CollectableRow) (r Recorded, err error) {
	var summary, sourceKind, sourceRef, reason, madeBy, checkedBy *string
	var attachments *int16
	err = row.Scan(&r.ID, &r.Key, &r.Kind, &r.EffectiveOn, &r.RecordedAt, &r.Actor, &r.Reverses, &r.ReversedBy,
		&r.Number, &summary, &sourceKind, &sourceRef, &reason, &attachments, &madeBy, &checkedBy)
	if err == nil && summary != nil {
		r.Document = &Document{Summary: *summary, SourceKind: *sourceKind, SourceRef: *sourceRef, Reason: *reason,
			Attachments: *attachments, MadeBy: *madeBy}
		if checkedBy != nil {
			r.Document.CheckedBy = *checkedBy
		}
	}
	return r, err
}

// JournalFilter narrows the journal; zero fields do not.
type JournalFilter struct {
	Text     string // in the summary, source reference or reason, or an entry id
	Number   int32  // of the voucher, in whatever month
	Amount   int64  // an amount of a line, minor units
	From, To time.Time
	Account  int32
	Chart    chart.ID
	Fund     int32
	Funds    []int32 // whose lines are in sight, amounts too; nil for all, empty for none
	Kind     Kind
	Source   string // source_kind of the document
	After    string // cursor of the page before
	Limit    int
}

// Text searches documents; amount, account, chart and fund look at the entry's postings.
const journalWhere = `
 where e.book_id = $1
   and ($2 = '' or d.summary ilike '%' || $2 || '%' or d.source_ref ilike '%' || $2 || '%' or d.reason ilike '%' || $2 || '%' or e.id::text = lower($2))
   and ($3::date is null or e.effective_on >= $3) and ($4::date is null or e.effective_on <= $4)
   and ($5 = 0 or e.kind = $5) and ($6 = '' or d.source_kind = $6)
   and ($7::int4[] is null or e.accounts && $7)
   and ($8::int8 = 0 or exists (select from unnest(e.accounts, e.seqs) u(account_id, seq)
         cross join lateral (select amount, fund_id from posting p where p.book_id = $1 and p.account_id = u.account_id and p.seq = u.seq limit 1) p
         where abs(p.amount) = $8 and ($9::int4[] is null or p.fund_id = any($9))))
   and ($10 = 0 or d.number = $10)`

const journalSelect = `
select ` + recordedColumns + `,
  (select coalesce(sum(p.amount) filter (where p.unit < 1000), sum(p.amount), 0)::int8 from unnest(e.accounts, e.seqs) u(account_id, seq)
    cross join lateral (select amount, unit, fund_id from posting p where p.book_id = $1 and p.account_id = u.account_id and p.seq = u.seq limit 1) p
   where p.amount > 0 and ($9::int4[] is null or p.fund_id = any($9)))`

// Nothing indexes entries by account: that would cost every gift. The entries of one account are reached through its postings, in
// the order they were booked, so a page reads no more than a page. Those of several accounts with few postings are reached through
// these, and those of accounts with many are soon met going through all entries.
const (
	journalPostingsMax = 50_000

	journalAll = `
  from entry e left join document d on d.book_id = e.book_id and d.entry_id = e.id` + journalWhere

	journalOfFew = `
  from (select distinct p.entry_id as id
          from unnest($7::int4[]) u(account_id)
         cross join lateral (select entry_id from posting where book_id = $1 and account_id = u.account_id offset 0) p
         where $11::uuid is null or p.entry_id < $11
         order by 1 desc offset 0) named
 cross join lateral (select * from entry where book_id = $1 and id = named.id limit 1) e
  left join lateral (select * from document where book_id = $1 and entry_id = named.id limit 1) d on true` + journalWhere

	// An entry with several postings to the account comes once, where the last of them stands.
	sqlJournalOfOne = journalSelect + `, named.seq
  from (select p.entry_id as id, p.seq from posting p
         where p.book_id = $1 and p.account_id = $13 and p.seq < coalesce($11::int8, 9223372036854775807)
         order by p.seq desc offset 0) named
 cross join lateral (select * from entry where book_id = $1 and id = named.id limit 1) e
  left join lateral (select * from document where book_id = $1 and entry_id = named.id limit 1) d on true` + journalWhere + `
   and not exists (select from unnest(e.accounts, e.seqs) u(account_id, seq) where u.account_id = $13 and u.seq > named.seq)
 order by named.seq desc
 limit $12`

	// Newest first.
	sqlJournal = journalSelect + journalAll + `
   and ($11::uuid is null or e.id < $11)
 order by e.id desc
 limit $12`

	sqlJournalOfFew = journalSelect + journalOfFew + `
 order by named.id desc
 limit $12`

	sqlJournalCount = `select count(*)` + journalAll

	sqlJournalCountOfFew = `select count(*)` + journalOfFew
)

// JournalPage is one page of the journal, newest first.
type JournalPage struct {
	Entries []Recorded
	Next    string // cursor of the next page; empty at the end
}

// asIs takes the meaning from the signs that LIKE gives one.
var asIs = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Journal searches the book's entries. Those of one account come in the order they were booked, the latest first.
func Journal(ctx context.Context, q pg.Querier, book *Book, f JournalFilter) (*JournalPage, error) {
	if f.Limit <= 0 || f.Limit > PageMax {
		f.Limit = PageMax
	}
	after, err := f.after()
	if err != nil {
		return nil, err
	}
	args, way, err := journalArgs(ctx, q, book, f)
	if err != nil {
		return nil, err
	}
	args = append(args, after, f.Limit+1)
	sql := sqlJournal
	switch {
	case way == throughNothing:
		return &JournalPage{}, nil
	case f.Account != 0:
		sql, args = sqlJournalOfOne, append(args, f.Account)
	case way == throughPostings:
		sql = sqlJournalOfFew
	}
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("search journal: %w", err)
	}
	var cursors []string
	entries, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Recorded, error) {
		var amount, seq int64
		tail := []any{&amount}
		if f.Account != 0 {
			tail = append(tail, &seq)
		}
		r, err := scanRecorded(withTail{row, tail})
		r.Amount = amount
		if f.Account != 0 {
			cursors = append(cursors, strconv.FormatInt(seq, 10))
		} else {
			cursors = append(cursors, r.ID.String())
		}
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("search journal: %w", err)
	}
	page := &JournalPage{Entries: entries}
	if len(entries) > f.Limit {
		page.Entries = entries[:f.Limit]
		page.Next = cursors[f.Limit-1]
	}
	return page, nil
}

// after is the place of the last entry of the page before: its seq in the account that is asked for, else its id. Nil for the first page.
func (f *JournalFilter) after() (place any, err error) {
	switch {
	case f.After == "" && f.Account != 0:
		return (*int64)(nil), nil
	case f.After == "":
		return (*uuid.UUID)(nil), nil
	case f.Account != 0:
		place, err = strconv.ParseInt(f.After, 10, 64)
	default:
		place, err = uuid.Parse(f.After)
	}
	if err != nil {
		return nil, ErrCursor
	}
	return place, nil
}

// JournalCount counts the entries that the filter leaves, on all pages.
func JournalCount(ctx context.Context, q pg.Querier, book *Book, f JournalFilter) (n int64, err error) {
	args, way, err := journalArgs(ctx, q, book, f)
	if err != nil {
		return 0, err
	}
	sql := sqlJournalCount
	switch way {
	case throughNothing:
		return 0, nil
	case throughPostings:
		sql, args = sqlJournalCountOfFew, append(args, nil) // from the first page on
	}
	if err := q.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count journal: %w", err)
	}
	return n, nil
}

// way is how the entries of a filter are reached.
type way int

const (
	throughEntries  way = iota
	throughPostings     // of the accounts that the filter speaks of
	throughNothing      // it speaks of accounts that are not there, or out of sight
)

func journalArgs(ctx context.Context, q pg.Querier, book *Book, f JournalFilter) (args []any, by way, err error) {
	accounts, postings, err := journalAccounts(ctx, q, book, f)
	if err != nil {
		return nil, 0, err
	}
	switch {
	case accounts != nil && len(accounts) == 0:
		by = throughNothing
	case accounts != nil && postings <= journalPostingsMax:
		by = throughPostings
	}
	return []any{book.ID, asIs.Replace(f.Text), pg.TimeOrNull(f.From), pg.TimeOrNull(f.To), f.Kind, f.Source, accounts, f.Amount, f.Funds, f.Number}, by, nil
}

// withTail scans more columns behind those of scanRecorded.
type withTail struct {
	pgx.CollectableRow
	tail []any
}

func (w withTail) Scan(dest ...any) error { return w.CollectableRow.Scan(append(dest, w.tail...)...) }

const sqlJournalAccounts = `
select coalesce(array_agg(a.account_id), '{}'), coalesce(sum(b.seq), 0)::int8
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and ($2 = 0 or a.account_id = $2) and ($3 = '' or a.chart = $3) and ($4 = 0 or a.fund_id = $4)
   and ($5::int4[] is null or a.fund_id = any($5))`

// journalAccounts are the accounts the filter speaks of, with how many postings they have; nil when it speaks of none.
func journalAccounts(ctx context.Context, q pg.Querier, book *Book, f JournalFilter) (accounts []int32, postings int64, err error) {
	if f.Account == 0 && f.Chart == "" && f.Fund == 0 && f.Funds == nil {
		return nil, 0, nil
	}
	if err := q.QueryRow(ctx, sqlJournalAccounts, book.ID, f.Account, string(f.Chart), f.Fund, f.Funds).Scan(&accounts, &postings); err != nil {
		return nil, 0, fmt.Errorf("search journal: %w", err)
	}
	return accounts, postings, nil
}

// StatementRow is a line of an account statement (明细账).
type StatementRow struct {
	Posting
	Entry       uuid.UUID
	Kind        Kind
	EffectiveOn time.Time
	Number      int32
	Summary     string
	Balance     int64 // running, in the order of the statement; debit positive
}

// StatementPage is one page of an account statement over the days From..To, by effective day.
type StatementPage struct {
	Account Account
	Opening int64 // before the first day of the statement
	Before  int64 // before the first row of this page
	Rows    []StatementRow
	Debit   int64 // of the whole period, not of the page
	Credit  int64
	Closing int64
	Next    string
}

// By effective day, then by the order of booking, so that a back-dated entry stands on its day.
const sqlStatement = `
select p.account_id, p.seq, p.amount, p.balance_after, p.line, e.id, e.kind, e.effective_on,
       coalesce(d.number, 0), coalesce(d.summary, ''), p.running::int8
  from (select p.*, e.effective_on, sum(p.amount) over (order by e.effective_on, p.seq) as running
          from posting p
         cross join lateral (select effective_on from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
         where p.book_id = $1 and p.account_id = $2 and e.effective_on between $3 and $4) p
 cross join lateral (select * from entry e where e.book_id = $1 and e.id = p.entry_id limit 1) e
  left join document d on d.book_id = $1 and d.entry_id = p.entry_id
 where (p.effective_on, p.seq) > ($5, $6)
 order by p.effective_on, p.seq
 limit $7`

// Statement reads one page of an account's movements on the days from..to. cursor is empty for the first page.
func Statement(ctx context.Context, q pg.Querier, book *Book, account int32, from, to time.Time, cursor string, limit int) (*StatementPage, error) {
	if limit <= 0 || limit > PageMax {
		limit = PageMax
	}
	afterDay, afterSeq, err := parseStatementCursor(cursor)
	if err != nil {
		return nil, err
	}
	page := &StatementPage{}
	if page.Account, err = AccountByID(ctx, q, book, account); err != nil {
		return nil, err
	}
	if page.Opening, err = BalanceOn(ctx, q, book, account, from.AddDate(0, 0, -1)); err != nil {
		return nil, err
	}
	turnover, err := TurnoverBetween(ctx, q, book, account, from, to)
	if err != nil {
		return nil, err
	}
	page.Debit, page.Credit = turnover.Debit, turnover.Credit
	page.Closing = page.Opening + page.Debit - page.Credit
	rows, err := q.Query(ctx, sqlStatement, book.ID, account, from, to, afterDay, afterSeq, limit+1)
	if err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	page.Rows, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r StatementRow, err error) {
		err = row.Scan(&r.Account, &r.Seq, &r.Amount, &r.BalanceAfter, &r.Line, &r.Entry, &r.Kind, &r.EffectiveOn, &r.Number, &r.Summary, &r.Balance)
		r.Leaf = page.Account.Leaf
		r.Balance += page.Opening
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	if len(page.Rows) > limit {
		page.Rows = page.Rows[:limit]
		last := page.Rows[limit-1]
		page.Next = statementCursor(last.EffectiveOn, last.Seq)
	}
	page.Before = page.Closing
	if len(page.Rows) > 0 {
		page.Before = page.Rows[0].Balance - page.Rows[0].Amount
	}
	return page, nil
}

func statementCursor(day time.Time, seq int64) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(day.Unix()))
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(seq)))
}

func parseStatementCursor(cursor string) (day time.Time, seq int64, err error) {
	if cursor == "" {
		return Day(1, 1, 1), 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != 16 {
		return day, 0, ErrCursor
	}
	day = time.Unix(int64(binary.BigEndian.Uint64(b)), 0).UTC()
	if day.Year() < 1 || day.Year() > 9999 {
		return day, 0, ErrCursor
	}
	return day, int64(binary.BigEndian.Uint64(b[8:])), nil
}
