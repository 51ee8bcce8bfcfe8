package ledger

import (
	"context"
	"sort"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

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
	lateEntry                              []uuid.UUID
	lateDay                                []time.Time
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
	if !d.happened.IsZero() {
		w.lateEntry, w.lateDay = append(w.lateEntry, e.ID), append(w.lateDay, d.happened)
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

	sqlLateInsert = `insert into late_entry (book_id, entry_id, happened_on) select $1, unnest($2::uuid[]), unnest($3::date[])`

	sqlDocumentInsert = `
insert into document (book_id, entry_id, month, number, summary, source_kind, source_ref, reason, attachments, made_by, checked_by)
select $1, * from unnest($2::uuid[], $3::date[], $4::int4[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int2[], $10::text[], $11::text[])`
)

// write sends everything in one round trip.
func (w *writer) write(ctx context.Context, tx pgx.Tx, results []Result, rider Rider) (err error) {
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
	if len(w.lateEntry) > 0 {
		b.Queue(sqlLateInsert, w.book.ID, w.lateEntry, w.lateDay)
	}
	if rider.Write != nil {
		rider.Write(b, results)
	}
	send := func() error {
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
	if rider.Aside == nil {
		return send()
	}
	written := make(chan error, 1)
	go func() { written <- send() }()
	defer func() { err = <-written }() // also when the rider panics: before the answer nobody may touch tx
	rider.Aside(results)
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
