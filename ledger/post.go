package ledger

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
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

// Rider is what a caller has done along with its entries. Every part may be missing.
type Rider struct {
	Read  func(*pgx.Batch)                // queues what is read under the book's lock, in the ledger's own round trip
	Then  func([]Result) ([]Entry, error) // more entries, without documents, once those given are decided
	Check func([]Result) error            // stops the post before anything is written, for what became of the entries of Then
	Write func(*pgx.Batch, []Result)      // queues what is written with the entries; told of those of Then, too
	Aside func([]Result)                  // runs while PostgreSQL writes; may not touch the transaction
}

// Post books entries in the order given, inside tx, and says for each what became of it. A refused
// entry (Result.Err) leaves the others alone. An error from Post itself means that nothing may be
// committed. Riders queue statements of the caller that travel with the writes; they are given the results.
//
// It costs two round trips: take the lock and read; decide in Go; write.
func Post(ctx context.Context, tx pgx.Tx, book *Book, entries []Entry, riders ...func(*pgx.Batch, []Result)) ([]Result, error) {
	return PostWith(ctx, tx, book, entries, Rider{Write: func(q *pgx.Batch, results []Result) {
		for _, ride := range riders {
			ride(q, results)
		}
	}})
}

// PostWith is Post for callers who decide further entries on what was booked. Their results follow those of entries. Further entries cost
// one more round trip.
func PostWith(ctx context.Context, tx pgx.Tx, book *Book, entries []Entry, rider Rider) ([]Result, error) {
	s := newState(book)
	w := newWriter(book, s)
	results, err := s.post(ctx, tx, w, entries, rider.Read)
	if err != nil {
		return nil, err
	}
	if rider.Then != nil {
		more, err := rider.Then(results)
		if err != nil {
			return nil, err
		}
		for i := range more {
			if more[i].Document != nil { // vouchers' numbers are locked before the lane
				return nil, fmt.Errorf("%w: entry %d that follows others has one", ErrDocument, i)
			}
		}
		further, err := s.post(ctx, tx, w, more, nil)
		if err != nil {
			return nil, err
		}
		if rider.Check != nil {
			if err := rider.Check(further); err != nil {
				return nil, err
			}
		}
		results = append(results, further...)
	}
	if err := w.write(ctx, tx, results, rider); err != nil {
		return nil, err
	}
	return results, nil
}

// post prepares entries, reads what they need and decides them.
func (s *state) post(ctx context.Context, tx pgx.Tx, w *writer, entries []Entry, also func(*pgx.Batch)) ([]Result, error) {
	if len(entries) > EntriesMax {
		return nil, fmt.Errorf("%w: %d entries of at most %d", ErrTooManyLines, len(entries), EntriesMax)
	}
	results := make([]Result, len(entries))
	drafts := make([]draft, len(entries))
	for i, e := range entries {
		drafts[i], results[i].Err = prepare(s.book, s.leaves, e)
		results[i].ID = drafts[i].entry.ID
	}
	if err := s.read(ctx, tx, drafts, results, also); err != nil {
		return nil, err
	}
	for i := range drafts {
		if results[i].Err != nil || !recount(s.book, s.leaves, &drafts[i], results, i) {
			continue
		}
		if err := s.decide(ctx, tx, &drafts[i], &results[i]); err != nil {
			return nil, err
		}
		if results[i].Err == nil && !results[i].Replayed {
			w.add(&drafts[i])
		}
	}
	return results, nil
}

// LockBook keeps every other poster of the book waiting until the transaction ends, for steps that must not fall between two batches.
// It takes the numbers of vouchers too, in the order in which Post does, so that the transaction may post documents.
func LockBook(ctx context.Context, tx pgx.Tx, book *Book) error {
	b := &pgx.Batch{}
	b.Queue(sqlLock, book.ID, lockNumbers)
	b.Queue(sqlLock, book.ID, lockLane)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("lock book: %w", err)
	}
	return nil
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
	leaves  leaves
	locked  bool
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
select month, state = 'hard' or exists (select from period later where later.book_id = $1 and later.month > period.month and later.state = 'hard'),
       exists (select from summed where book_id = $1 and months = 1 and first = month),
       exists (select from summed where book_id = $1 and months = 12 and first = date_trunc('year', month::timestamp)::date)
  from period where book_id = $1 and month = any($2::date[]) for share`

	sqlNumbers = `select m, coalesce((select max(number) from document where book_id = $1 and month = m), 0)::int4
  from unnest($2::date[]) m`
)

func newState(book *Book) *state {
	return &state{
		book: book, leaves: leaves{}, held: map[uuid.UUID]*held{}, known: map[uuid.UUID]known{},
		closed: map[time.Time]bool{}, summed: map[span]bool{}, numbers: map[time.Time]int32{}, funds: map[int32]*fundState{},
	}
}

// read takes the locks and reads in one round trip; a second one only for months and accounts never seen before.
func (s *state) read(ctx context.Context, tx pgx.Tx, drafts []draft, results []Result, also func(*pgx.Batch)) error {
	book := s.book
	var hashes, keys []uuid.UUID
	var months, numbered []time.Time
	seen := map[time.Time]bool{}
	for i := range drafts {
		if results[i].Err != nil {
			continue
		}
		d := &drafts[i]
		keys = append(keys, d.entry.Key)
		for _, month := range d.months() {
			if _, known := s.closed[month]; !known && !seen[month] {
				seen[month] = true
				months = append(months, month)
			}
			if d.entry.Document != nil {
				if _, ok := s.numbers[month]; !ok {
					s.numbers[month] = 0
					numbered = append(numbered, month)
				}
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
		return nil
	}
	found := 0
	b := &pgx.Batch{}
	if len(numbered) > 0 {
		b.Queue(sqlLock, book.ID, lockNumbers)
	}
	if !s.locked {
		b.Queue(sqlLock, book.ID, lockLane)
		s.locked = true
	}
	if len(numbered) > 0 {
		b.Queue(sqlNumbers, book.ID, numbered).Query(func(rows pgx.Rows) error {
			var m time.Time
			var n int32
			_, err := pgx.ForEachRow(rows, []any{&m, &n}, func() error { s.numbers[m] = n; return nil })
			return err
		})
	}
	b.Queue(sqlKnown, book.ID, keys).Query(s.scanKnown)
	if len(hashes) > 0 {
		b.Queue(sqlHeld, book.ID, hashes).Query(s.scanHeld)
	}
	if len(months) > 0 {
		b.Queue(sqlPeriods, book.ID, months).Query(func(rows pgx.Rows) (err error) {
			found, err = s.scanPeriods(rows)
			return err
		})
	}
	if also != nil {
		also(b)
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return fmt.Errorf("read book: %w", err)
	}
	if found < len(months) {
		if err := s.makePeriods(ctx, tx, months); err != nil {
			return err
		}
	}
	if missing, _ := s.missing(); len(missing) > 0 {
		if err := s.makeAccounts(ctx, tx); err != nil {
			return err
		}
	}
	return nil
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
	var closed, monthSummed, yearSummed bool
	_, err = pgx.ForEachRow(rows, []any{&month, &closed, &monthSummed, &yearSummed}, func() error {
		found++
		s.closed[month] = closed
		if monthSummed {
			s.summed[span{1, month}] = true
		}
		if yearSummed {
			s.summed[span{12, Year(month)}] = true
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
	if !e.Late.IsZero() && s.closed[Month(e.EffectiveOn)] && e.Late.After(e.EffectiveOn) {
		d.happened, e.EffectiveOn = e.EffectiveOn, e.Late
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
