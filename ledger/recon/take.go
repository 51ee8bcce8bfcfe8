package recon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon/statement"
)

// parserVersion goes up when a file may be read otherwise than before; each file remembers which one read it.
const parserVersion = 1

// readTime is how long a file may take to be read.
const readTime = 5 * time.Minute

// Contradicts is the reason of a file that tells otherwise what another one told and proved: another amount under a number that a
// processor gives once, another sum of a numbered statement, another set of lines on a day that both have whole.
const Contradicts = "contradicts"

const (
	sqlFileLock = `select state from source_file where book_id = $1 and id = $2 for update`

	// Below the numbers that posting uses; no other lock is taken while it is held.
	sqlSourceLock = `select pg_advisory_xact_lock($1::int4, -1000 - $2::int4)`

	sqlFileImported = `
update source_file set state = 'imported', done_at = $3, taken_at = now(), profile_id = $4, parser = $5, version = $6, lines = $7, fresh = $8, reason = null, reason_line = null,
       want = null, got = null
 where book_id = $1 and id = $2 and state in ('received', 'quarantined')`

	sqlFileQuarantined = `
update source_file set state = 'quarantined', done_at = $3, profile_id = $4, parser = $5, reason = $6, reason_line = $7, want = $8, got = $9
 where book_id = $1 and id = $2 and state in ('received', 'quarantined')`

	sqlFileTold = `update source_file set opening = $3, closing = $4 where book_id = $1 and id = $2 and state in ('received', 'quarantined')`

	sqlStatementInsert = `
insert into source_statement (book_id, source_id, file_id, no, account, number, from_on, to_on, opening, closing, count_in, count_out, sum_in, sum_out, skipped,
       newest_first, proved, gap, gaps)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`
)

// Take reads a file that was received, or lay in quarantine, and either imports all of it or says why not. Both are an outcome: the
// error is only for what hinders either. The file's state is that of the answer. giving.ErrStep when it is imported already.
func Take(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, now time.Time) (*File, error) {
	var state string
	if err := tx.QueryRow(ctx, sqlFileLock, book.ID, f.ID).Scan(&state); err != nil {
		return nil, fmt.Errorf("lock statement file: %w", err)
	}
	if state != FileReceived && state != FileQuarantined {
		return nil, giving.ErrStep
	}
	source, err := SourceByID(ctx, tx, book, f.SourceID)
	if err != nil {
		return nil, err
	}
	t := &taking{tx: tx, book: book, file: f, source: source, now: now}
	profile, err := t.write(ctx)
	if refusal := refusalOf(err); refusal != nil {
		if err := giving.Settled(ctx, tx, sqlFileQuarantined, book.ID, f.ID, now, profile, parserVersion, refusal.Reason, refusal.Line, refusal.Want, refusal.Got); err != nil {
			return nil, err
		}
		return FileByID(ctx, tx, book, f.ID)
	}
	if err != nil {
		return nil, err
	}
	if err := giving.Settled(ctx, tx, sqlFileImported, book.ID, f.ID, now, profile, parserVersion, t.sum.Version, t.sum.Lines, t.fresh); err != nil {
		return nil, err
	}
	return FileByID(ctx, tx, book, f.ID)
}

// Tell notes the balances that a person read elsewhere, minor units, for a file that has none. giving.ErrStep when it is imported.
func Tell(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, opening, closing int64) error {
	return giving.Settled(ctx, tx, sqlFileTold, book.ID, f.ID, opening, closing)
}

func refusalOf(err error) *statement.Refusal {
	var refusal *statement.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return nil
}

// Read reads a file again, as it was read when it was taken, and gives its lines with the names and texts that are kept in it alone.
// What statement.Read refuses; giving.ErrStep for a duplicate.
func (f *File) Read(ctx context.Context, q pg.Querier, book *ledger.Book, yield func(*statement.Line) error) (*statement.Summary, *uuid.UUID, error) {
	body, opt, profile, err := f.open(ctx, q, book)
	if err != nil {
		return nil, profile, err
	}
	sum, err := read(ctx, body, opt, yield)
	return sum, profile, err
}

// open gets all that is needed to read a file without the database.
func (f *File) open(ctx context.Context, q pg.Querier, book *ledger.Book) (body []byte, opt statement.Options, profile *uuid.UUID, err error) {
	source, err := SourceByID(ctx, q, book, f.SourceID)
	if err != nil {
		return nil, opt, nil, err
	}
	opt = statement.Options{Format: source.Format, Account: source.Number, Currency: source.Currency, Zone: book.Zone, SHA1: f.Announced, Opening: f.Opening, Closing: f.Closing}
	if source.Format == statement.CSV {
		p, err := f.profile(ctx, q, book)
		if err == nil {
			opt.Profile, profile = &p.Layout, &p.ID
		} else if !errors.Is(err, giving.ErrNoRecord) {
			return nil, opt, nil, err
		}
	}
	body, err = f.Body(ctx, q, book)
	return body, opt, profile, err
}

// read reads a file within its time.
func read(ctx context.Context, body []byte, opt statement.Options, yield func(*statement.Line) error) (*statement.Summary, error) {
	limited, stop := context.WithTimeout(ctx, readTime)
	defer stop()
	return statement.Read(limited, body, opt, yield)
}

// profile is what a file is read by: an imported one by what read it then, another one by the newest.
func (f *File) profile(ctx context.Context, q pg.Querier, book *ledger.Book) (*Profile, error) {
	if f.State == FileImported && f.ProfileID != nil {
		return giving.Record[Profile](ctx, q, sqlProfileByID, book.ID, *f.ProfileID)
	}
	return NewestProfile(ctx, q, book, f.SourceID)
}

// taking carries a file into the tables.
type taking struct {
	tx     pgx.Tx
	book   *ledger.Book
	file   *File
	source *Source
	now    time.Time
	sum    *statement.Summary
	days   []map[time.Time]int // lines by statement and day
	fresh  int
	known  bool // lines of the file have come before
}

// party is the hash of the account that a line's money went to.
func (t *taking) party(l *statement.Line) *int64 {
	number := partyText(l.PartyAccount)
	if l.Amount >= 0 || number == "" {
		return nil
	}
	hash := t.book.Keys.Index(partyPlace(t.book), number)
	return &hash
}

// write reads the file and puts its lines and statements down. Files of one source take turns, so that each sees what the other told. What proves a file
// stands at its end; a refusal takes back what was written meanwhile.
func (t *taking) write(ctx context.Context) (profile *uuid.UUID, err error) {
	body, opt, profile, err := t.file.open(ctx, t.tx, t.book)
	if err != nil {
		return profile, err
	}
	if _, err := t.tx.Exec(ctx, sqlSourceLock, t.book.ID, t.source.ID); err != nil {
		return profile, fmt.Errorf("lock source: %w", err)
	}
	inside, err := t.tx.Begin(ctx)
	if err != nil {
		return profile, fmt.Errorf("import statement file: %w", err)
	}
	outer := t.tx
	t.tx = inside
	defer func() { t.tx = outer }()
	if err := t.put(ctx, body, opt); err != nil {
		if refusalOf(err) != nil {
			if back := inside.Rollback(ctx); back != nil {
				return profile, fmt.Errorf("take statement file back: %w", back)
			}
		}
		return profile, err
	}
	if err := inside.Commit(ctx); err != nil {
		return profile, fmt.Errorf("import statement file: %w", err)
	}
	return profile, nil
}

// put reads and writes at the same time: while PostgreSQL takes some lines, the next ones are read. What the file itself is refused for comes before what
// contradicts other files.
func (t *taking) put(ctx context.Context, body []byte, opt statement.Options) error {
	r := t.read(ctx, body, opt)
	defer r.stop()
	var odd error
	var lines int64
	for b := range r.batches {
		if odd != nil {
			continue
		}
		lines += int64(b.len())
		if err := t.say(ctx, lines, b.ats[b.len()-1], int64(len(body))); err != nil {
			return err
		}
		fresh, err := t.insert(ctx, b)
		if err != nil && refusalOf(err) == nil {
			return err
		}
		t.fresh, odd = t.fresh+fresh, err
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	if r.err != nil {
		return r.err
	}
	t.sum = r.sum
	for i := range t.sum.Statements {
		if err := t.numbered(ctx, &t.sum.Statements[i]); err != nil {
			return err
		}
		if err := t.statement(ctx, i); err != nil {
			return err
		}
	}
	if odd != nil {
		return odd
	}
	return t.whole(ctx)
}

// reading is a file on its way through the parser. What it found out is there once batches is closed.
type reading struct {
	batches  chan *batch
	stop     context.CancelFunc
	sum      *statement.Summary
	err      error
	panicked any
}

// read begins to read a file beside what else is done.
func (t *taking) read(ctx context.Context, body []byte, opt statement.Options) *reading {
	ctx, stop := context.WithCancel(ctx)
	r := &reading{batches: make(chan *batch, 2), stop: stop}
	keys := statement.Keys{Format: t.source.Format}
	go func() {
		defer close(r.batches)
		defer func() { r.panicked = recover() }() // it goes on where the panics of a request or job are caught
		b := newBatch()
		send := func() error {
			select {
			case r.batches <- b:
				b = newBatch()
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if r.sum, r.err = read(ctx, body, opt, func(l *statement.Line) error {
			for len(t.days) <= l.Statement {
				t.days = append(t.days, map[time.Time]int{})
			}
			t.days[l.Statement][l.Booked]++
			if err := b.add(keys.Key(l), l, t.party(l)); err != nil {
				return err
			}
			if b.len() < batchLines {
				return nil
			}
			return send()
		}); r.err == nil && b.len() > 0 {
			r.err = send()
		}
	}()
	return r
}

// Proven is a statement of an imported file with what is proved of it; amounts are minor units of the source's currency.
type Proven struct {
	Account, Number  string
	From, To         *time.Time
	Opening, Closing *int64
	CountIn          int32
	CountOut         int32
	In, Out          int64
	Skipped          int32
	Proved           []string
	Gap              int64 // moved on days that are missing inside it, or between the one before and it
}

const sqlStatements = `
select account, number, from_on, to_on, opening, closing, count_in, count_out, sum_in, sum_out, skipped, proved,
       gap + coalesce(opening - lag(closing) over (partition by account order by no), 0)
  from source_statement where book_id = $1 and file_id = $2 order by no`

// Statements lists the statements of an imported file in its order.
func Statements(ctx context.Context, q pg.Querier, book *ledger.Book, file uuid.UUID) ([]Proven, error) {
	rows, err := q.Query(ctx, sqlStatements, book.ID, file)
	if err != nil {
		return nil, fmt.Errorf("list statements: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Proven])
}

// statement writes a statement of the file.
func (t *taking) statement(ctx context.Context, no int) error {
	s := &t.sum.Statements[no]
	var gap int64
	for _, g := range s.Gaps {
		gap += g.Amount
	}
	proved := make([]string, len(s.Proved))
	for i, p := range s.Proved {
		proved[i] = string(p)
	}
	slices.Sort(proved)
	_, err := t.tx.Exec(ctx, sqlStatementInsert, t.book.ID, t.source.ID, t.file.ID, no, s.Account, s.Number, pg.TimeOrNull(s.From), pg.TimeOrNull(s.To), balance(s.Opening), balance(s.Closing),
		s.CountIn, s.CountOut, s.In, s.Out, s.Skipped, s.NewestFirst, proved, gap, len(s.Gaps))
	if err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	return nil
}

func balance(b statement.Balance) *int64 {
	if !b.Known {
		return nil
	}
	return &b.Minor
}
