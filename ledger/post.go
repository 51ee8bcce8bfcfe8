package ledger

import (
	"bytes"
	"context"
	"fmt"
	"sort"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// EntriesMax is how many entries one call of Post takes.
const EntriesMax = 4000

// ErrStale means that somebody posted past the lock: the transaction must be rolled back. It may be tried again.
var ErrStale error = staleError{}

type staleError struct{}

func (staleError) Error() string { return "balances changed while deciding" }

// TryAgain tells pg.InTx that a new transaction may succeed.
func (staleError) TryAgain() bool { return true }

// Advisory locks of a book, always taken in this order: vouchers' numbers, then lanes. New accounts come last.
const (
	lockNumbers  = -2
	lockAccounts = -1
	lockLane     = 0 // one lane a book: on two cores a second one gained nothing for entries that share funds
)

// Post books entries in the order given, inside tx, and says for each what became of it. A refused
// entry (Result.Err) leaves the others alone. An error from Post itself means that nothing may be
// committed. Riders queue statements of the caller that travel with the writes; they are given the results.
//
// It costs two round trips: take the lock and read; decide in Go; write.
func Post(ctx context.Context, tx pgx.Tx, book *Book, entries []Entry, riders ...func(*pgx.Batch, []Result)) ([]Result, error) {
	if len(entries) > EntriesMax {
		return nil, fmt.Errorf("%w: %d entries of at most %d", ErrTooManyLines, len(entries), EntriesMax)
	}
	results := make([]Result, len(entries))
	drafts := make([]draft, len(entries))
	ls := leaves{}
	for i, e := range entries {
		drafts[i], results[i].Err = prepare(book, ls, e)
		results[i].ID = drafts[i].entry.ID
	}
	s, err := readState(ctx, tx, book, drafts, results)
	if err != nil {
		return nil, err
	}
	w := newWriter(book, s)
	for i := range drafts {
		if results[i].Err != nil || !recount(book, ls, &drafts[i], results, i) {
			continue
		}
		if err := s.decide(ctx, tx, &drafts[i], &results[i]); err != nil {
			return nil, err
		}
		if results[i].Err == nil && !results[i].Replayed {
			w.add(&drafts[i])
		}
	}
	if err := w.write(ctx, tx, results, riders); err != nil {
		return nil, err
	}
	return results, nil
}

// PostOne books one entry and turns a refusal into an error.
func PostOne(ctx context.Context, tx pgx.Tx, book *Book, e Entry) (Result, error) {
	results, err := Post(ctx, tx, book, []Entry{e})
	if err != nil {
		return Result{}, err
	}
	return results[0], results[0].Err
}

// recount replaces the lines of a draft that depends on those before it, and tells whether there is anything to book.
func recount(book *Book, ls leaves, d *draft, results []Result, i int) bool {
	if d.entry.Recount == nil {
		return true
	}
	e := d.entry
	e.Lines = e.Recount(results[:i])
	if len(e.Lines) == 0 {
		results[i].ID = uuid.Nil
		return false
	}
	*d, results[i].Err = prepare(book, ls, e)
	return results[i].Err == nil
}

// known is an entry that stands under a key.
type known struct {
	id   uuid.UUID
	hash [32]byte
}

// state is all that a batch needs to decide, read under the lock.
type state struct {
	book    *Book
	held    map[uuid.UUID]*held // wanted leaves by their hash
	known   map[uuid.UUID]known // by key
	closed  map[time.Time]bool  // months
	summed  map[span]bool       // months and years whose turnovers are summed
	numbers map[time.Time]int32 // last voucher number by month
	funds   map[int32]*fundState
}

const (
	sqlLock = `select pg_advisory_xact_lock($1, $2)`

	sqlKnown = `
select u.key, e.id, e.body_hash
  from unnest($2::uuid[]) u(key)
 cross join lateral (select id, body_hash from entry where book_id = $1 and key = u.key limit 1) e`

	sqlPeriodsMake = `insert into period (book_id, month) select $1, unnest($2::date[]) on conflict do nothing`
	sqlPeriods     = `
select month, state, exists (select from summed where book_id = $1 and months = 1 and first = month),
       exists (select from summed where book_id = $1 and months = 12 and first = date_trunc('year', month::timestamp)::date)
  from period where book_id = $1 and month = any($2::date[]) for share`

	sqlNumbers = `select m, coalesce((select max(number) from document where book_id = $1 and month = m), 0)::int4
  from unnest($2::date[]) m`
)

// readState takes the locks and reads in one round trip; a second one only for months and accounts never seen before.
func readState(ctx context.Context, tx pgx.Tx, book *Book, drafts []draft, results []Result) (*state, error) {
	s := &state{
		book: book, held: map[uuid.UUID]*held{}, known: make(map[uuid.UUID]known, len(drafts)),
		closed: map[time.Time]bool{}, summed: map[span]bool{}, numbers: map[time.Time]int32{}, funds: map[int32]*fundState{},
	}
	var hashes, keys []uuid.UUID
	var months, numbered []time.Time
	seen := map[time.Time]bool{}
	for i := range drafts {
		if results[i].Err != nil {
			continue
		}
		d := &drafts[i]
		keys = append(keys, d.entry.Key)
		month := Month(d.entry.EffectiveOn)
		if !seen[month] {
			seen[month] = true
			months = append(months, month)
		}
		if d.entry.Document != nil {
			if _, ok := s.numbers[month]; !ok {
				s.numbers[month] = 0
				numbered = append(numbered, month)
			}
		}
		for _, side := range d.sides {
			if h := side.at; !h.wanted {
				h.wanted = true
				s.held[h.hash] = h
				hashes = append(hashes, h.hash)
			}
		}
	}
	if len(keys) == 0 {
		return s, nil
	}
	found := 0
	b := &pgx.Batch{}
	if len(numbered) > 0 {
		b.Queue(sqlLock, book.ID, lockNumbers)
	}
	b.Queue(sqlLock, book.ID, lockLane)
	if len(numbered) > 0 {
		b.Queue(sqlNumbers, book.ID, numbered).Query(func(rows pgx.Rows) error {
			var m time.Time
			var n int32
			_, err := pgx.ForEachRow(rows, []any{&m, &n}, func() error { s.numbers[m] = n; return nil })
			return err
		})
	}
	b.Queue(sqlKnown, book.ID, keys).Query(s.scanKnown)
	b.Queue(sqlHeld, book.ID, hashes).Query(s.scanHeld)
	b.Queue(sqlPeriods, book.ID, months).Query(func(rows pgx.Rows) (err error) {
		found, err = s.scanPeriods(rows)
		return err
	})
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("read book: %w", err)
	}
	if found < len(months) {
		if err := s.makePeriods(ctx, tx, months); err != nil {
			return nil, err
		}
	}
	if missing, _ := s.missing(); len(missing) > 0 {
		if err := s.makeAccounts(ctx, tx); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *state) scanKnown(rows pgx.Rows) error {
	var key uuid.UUID
	var k known
	var hash []byte
	_, err := pgx.ForEachRow(rows, []any{&key, &k.id, &hash}, func() error {
		copy(k.hash[:], hash)
		s.known[key] = k
		return nil
	})
	return err
}

func (s *state) scanPeriods(rows pgx.Rows) (found int, err error) {
	var month time.Time
	var st string
	var monthSummed, yearSummed bool
	_, err = pgx.ForEachRow(rows, []any{&month, &st, &monthSummed, &yearSummed}, func() error {
		found++
		s.closed[month] = st == "hard"
		if monthSummed {
			s.summed[span{1, month}] = true
		}
		if yearSummed {
			s.summed[span{12, yearOf(month)}] = true
		}
		return nil
	})
	return found, err
}

// makePeriods makes the rows that a closer must lock, then locks them as any poster does.
func (s *state) makePeriods(ctx context.Context, tx pgx.Tx, months []time.Time) error {
	if _, err := tx.Exec(ctx, sqlPeriodsMake, s.book.ID, months); err != nil {
		return fmt.Errorf("make periods: %w", err)
	}
	rows, err := tx.Query(ctx, sqlPeriods, s.book.ID, months)
	if err != nil {
		return fmt.Errorf("read periods: %w", err)
	}
	_, err = s.scanPeriods(rows)
	return err
}

// decide books one entry on the state, or refuses it.
func (s *state) decide(ctx context.Context, tx pgx.Tx, d *draft, r *Result) error {
	e := &d.entry
	if k, ok := s.known[e.Key]; ok {
		r.ID, r.Replayed = k.id, true
		if !bytes.Equal(k.hash[:], d.hash[:]) {
			r.Replayed, r.Err = false, fmt.Errorf("%w: it stands for entry %s", ErrKeyReused, k.id)
		}
		return nil
	}
	if s.closed[Month(e.EffectiveOn)] {
		r.Err = fmt.Errorf("%w: %s", ErrPeriodClosed, e.EffectiveOn.Format("2006-01"))
		return nil
	}
	if r.Err = s.checkAccounts(d); r.Err != nil {
		return nil
	}
	refused, err := s.checkFunds(ctx, tx, d)
	if err != nil {
		return err
	}
	if r.Err = refused; r.Err != nil {
		return nil
	}
	s.known[e.Key] = known{e.ID, d.hash}
	s.applyFunds(d)
	return nil
}

// writer gathers the arrays that one batch is written from.
type writer struct {
	book *Book
	s    *state

	entryDay                               []time.Time
	entryID, entryKey, entryActor          []uuid.UUID
	entryHash                              [][]byte
	entryKind                              []int16
	entryReverses                          []*uuid.UUID
	entryFirst, entryLast                  []int32 // its postings, counted from 1
	account                                []int32
	seq                                    []int64
	postingEntry                           []uuid.UUID
	amount, after                          []int64
	fund                                   []int32
	line, unit                             []int16
	turned                                 map[turnKey]*turn
	docEntry                               []uuid.UUID
	docMonth                               []time.Time
	docNumber                              []int32
	docSummary, docKind, docRef, docReason []string
	docAttachments                         []int16
	docMadeBy                              []string
	docCheckedBy                           []*string
}

type turnKey struct {
	account int32
	day     time.Time
}

type turn struct{ debit, credit int64 }

func newWriter(book *Book, s *state) *writer {
	return &writer{book: book, s: s, turned: map[turnKey]*turn{}}
}

// add takes an entry that was decided into the arrays and moves the balances.
func (w *writer) add(d *draft) {
	e := &d.entry
	w.entryFirst = append(w.entryFirst, int32(len(w.account)+1))
	w.entryLast = append(w.entryLast, int32(len(w.account)+len(d.sides)))
	for i, side := range d.sides {
		h := side.at
		h.touched = true
		h.seq++
		h.balance += side.amount // checked by checkAccounts
		key := turnKey{h.id, e.EffectiveOn}
		t := w.turned[key]
		if t == nil {
			t = &turn{}
			w.turned[key] = t
		}
		if side.amount > 0 {
			h.debits++
			t.debit += side.amount
		} else {
			t.credit -= side.amount
		}
		w.account = append(w.account, h.id)
		w.seq = append(w.seq, h.seq)
		w.postingEntry = append(w.postingEntry, e.ID)
		w.amount = append(w.amount, side.amount)
		w.after = append(w.after, h.balance)
		w.fund = append(w.fund, h.leaf.Fund)
		w.line = append(w.line, int16(i+1))
		w.unit = append(w.unit, h.unit)
	}
	w.entryDay = append(w.entryDay, e.EffectiveOn)
	w.entryID = append(w.entryID, e.ID)
	w.entryKey = append(w.entryKey, e.Key)
	w.entryActor = append(w.entryActor, e.Actor)
	w.entryHash = append(w.entryHash, d.hash[:])
	w.entryKind = append(w.entryKind, int16(e.Kind))
	var reverses *uuid.UUID
	if e.Reverses != uuid.Nil {
		reverses = &e.Reverses
	}
	w.entryReverses = append(w.entryReverses, reverses)
	if e.Document != nil {
		w.addDocument(e)
	}
}

func (w *writer) addDocument(e *Entry) {
	month := Month(e.EffectiveOn)
	w.s.numbers[month]++
	doc := e.Document
	w.docEntry = append(w.docEntry, e.ID)
	w.docMonth = append(w.docMonth, month)
	w.docNumber = append(w.docNumber, w.s.numbers[month])
	w.docSummary = append(w.docSummary, doc.Summary)
	w.docKind = append(w.docKind, doc.SourceKind)
	w.docRef = append(w.docRef, doc.SourceRef)
	w.docReason = append(w.docReason, doc.Reason)
	w.docAttachments = append(w.docAttachments, doc.Attachments)
	w.docMadeBy = append(w.docMadeBy, doc.MadeBy)
	var checked *string
	if doc.CheckedBy != "" {
		checked = &doc.CheckedBy
	}
	w.docCheckedBy = append(w.docCheckedBy, checked)
}

// Arrays of one length are unnested side by side in the list of columns: as a table they would be gathered first, which costs
// a tenth more.
const (
	sqlEntryInsert = `
insert into entry (book_id, effective_on, id, key, body_hash, actor, kind, reverses, accounts, seqs)
select $1, unnest($2::date[]), unnest($3::uuid[]), unnest($4::uuid[]), unnest($5::bytea[]), unnest($6::uuid[]), unnest($7::int2[]),
       unnest($8::uuid[]), ($11::int4[])[unnest($9::int4[]):unnest($10::int4[])], ($12::int8[])[unnest($9::int4[]):unnest($10::int4[])]`

	sqlPostingInsert = `
insert into posting (book_id, account_id, seq, entry_id, amount, balance_after, fund_id, line, unit)
select $1, unnest($2::int4[]), unnest($3::int8[]), unnest($4::uuid[]), unnest($5::int8[]), unnest($6::int8[]), unnest($7::int4[]),
       unnest($8::int2[]), unnest($9::int2[])`

	// The rows are there, so this is an update. As an update it would be a join, and planned on the empty tables of a new book
	// that compares every account with every other. Stale balances have collided on the key of posting before.
	sqlBalanceUpdate = `
insert into balance as b (book_id, account_id, balance, seq, debits)
select $1, unnest($2::int4[]), unnest($3::int8[]), unnest($4::int8[]), unnest($5::int8[])
    on conflict (book_id, account_id) do update set balance = excluded.balance, seq = excluded.seq, debits = excluded.debits
 where b.seq < excluded.seq`

	sqlTurnoverUpsert = `
insert into turnover as t (book_id, account_id, day, debit, credit)
select $1, unnest($2::int4[]), unnest($3::date[]), unnest($4::int8[]), unnest($5::int8[])
    on conflict (book_id, account_id, day) do update set debit = t.debit + excluded.debit, credit = t.credit + excluded.credit`

	sqlDocumentInsert = `
insert into document (book_id, entry_id, month, number, summary, source_kind, source_ref, reason, attachments, made_by, checked_by)
select $1, * from unnest($2::uuid[], $3::date[], $4::int4[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int2[], $10::text[], $11::text[])`
)

// write sends everything in one round trip.
func (w *writer) write(ctx context.Context, tx pgx.Tx, results []Result, riders []func(*pgx.Batch, []Result)) error {
	b := &pgx.Batch{}
	var stale bool
	if len(w.entryID) > 0 {
		b.Queue(sqlEntryInsert, w.book.ID, w.entryDay, w.entryID, w.entryKey, w.entryHash, w.entryActor, w.entryKind,
			w.entryReverses, w.entryFirst, w.entryLast, w.account, w.seq)
		b.Queue(sqlPostingInsert, w.book.ID, w.account, w.seq, w.postingEntry, w.amount, w.after, w.fund, w.line, w.unit)
		w.queueBalances(b, &stale)
		w.queueTurnover(b)
	}
	if len(w.docEntry) > 0 {
		b.Queue(sqlDocumentInsert, w.book.ID, w.docEntry, w.docMonth, w.docNumber, w.docSummary, w.docKind, w.docRef,
			w.docReason, w.docAttachments, w.docMadeBy, w.docCheckedBy)
	}
	for _, ride := range riders {
		ride(b, results)
	}
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return refusal(err)
	}
	if stale {
		return ErrStale
	}
	return nil
}

func (w *writer) queueBalances(b *pgx.Batch, stale *bool) {
	var touched []*held
	for _, h := range w.s.held {
		if h.touched {
			touched = append(touched, h)
		}
	}
	sort.Slice(touched, func(i, j int) bool { return touched[i].id < touched[j].id })
	n := len(touched)
	id, balance, seq, debits := make([]int32, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, h := range touched {
		id[i], balance[i], seq[i], debits[i] = h.id, h.balance, h.seq, h.debits
	}
	b.Queue(sqlBalanceUpdate, w.book.ID, id, balance, seq, debits).Exec(func(tag pgconn.CommandTag) error {
		*stale = tag.RowsAffected() != int64(n)
		return nil
	})
}

func (w *writer) queueTurnover(b *pgx.Batch) {
	keys := make([]turnKey, 0, len(w.turned))
	for k := range w.turned {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool { return keys[i].before(keys[j]) })
	n := len(keys)
	account, day, debit, credit := make([]int32, n), make([]time.Time, n), make([]int64, n), make([]int64, n)
	for i, k := range keys {
		t := w.turned[k]
		account[i], day[i], debit[i], credit[i] = k.account, k.day, t.debit, t.credit
	}
	b.Queue(sqlTurnoverUpsert, w.book.ID, account, day, debit, credit)
	w.queueSums(b, keys)
}

// before orders as the key of turnover does.
func (k turnKey) before(other turnKey) bool {
	if !k.day.Equal(other.day) {
		return k.day.Before(other.day)
	}
	return k.account < other.account
}
