package reports

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
)

// Told is how far a file is: of a bundle its part, rows or entries written, and of how many when that is known.
type Told struct {
	Part        string
	Done, Total int64
}

// Exported is what a file is called, and of a bundle the SHA-256 of its SHA256SUMS.
type Exported struct{ Name, Kind, Root string }

// ExportWriter writes the file that a run asks for, all of it from tx, and tells now and then how far it is.
type ExportWriter func(ctx context.Context, tx pgx.Tx, book *ledger.Book, run *ExportRun, w io.Writer, tell func(Told)) (Exported, error)

// Lane is one of the two lines in which files are made: a slow file keeps no short one waiting. Each run has the whole of its line's time, however many came before it.
type Lane struct {
	Slow bool
	Time time.Duration // that one run may take
}

// BriefLane makes what is soon done. What is not done in its time begins again among the slow ones.
func BriefLane() Lane { return Lane{Time: 5 * time.Minute} }

// SlowLane makes the rest. What is not done in its time is late, and ends without a file.
func SlowLane() Lane { return Lane{Slow: true, Time: 2 * time.Hour} }

// exportPart is how much of a file is kept in one piece.
const exportPart = 1 << 20

var (
	errStopped = errors.New("export is stopped")
	// errTaken means that another process makes the run now.
	errTaken = errors.New("export is taken by another process")
	errTime  = errors.New("export has used up its time")
)

const (
	// Those that killed their processes again and again, or are to stop, end here. Only whoever holds the lease of the line's job comes here, so one that is begun has lost its process.
	sqlExportsLost = `
update export_run set ended_at = $2, problem = case when stopping then 'stopped' else 'broken' end
 where book_id = $1 and ended_at is null and slow = $4 and (stopping or begun_at is not null and tries >= $3)`

	sqlExportNext = `
update export_run set begun_at = $2, told_at = $2, tries = tries + 1, part = '', done = 0
 where book_id = $1 and id = (select id from export_run where book_id = $1 and ended_at is null and slow = $3 order by asked_at, id limit 1 for update)
returning ` + exportColumns

	sqlExportPartsOff = `delete from export_part where book_id = $1 and run_id = $2`

	sqlExportTryOff = `delete from export_part where book_id = $1 and run_id = $2 and try = $3`

	sqlExportPart = `insert into export_part (book_id, run_id, try, no, body) values ($1, $2, $3, $4, $5)`

	sqlExportTell = `
update export_run set told_at = $4, part = $5, done = $6::int8, total = case when $7::int8 > 0 then greatest($7, $6) else 0 end where book_id = $1 and id = $2 and tries = $3 and ended_at is null returning stopping`

	sqlExportMade = `
update export_run set told_at = $4, ended_at = $4, name = $5, kind = $6, root = $7, size = $8, parts = $9
 where book_id = $1 and id = $2 and tries = $3 and ended_at is null`

	sqlExportFailed = `update export_run set told_at = $4, ended_at = $4, problem = $5 where book_id = $1 and id = $2 and tries = $3 and ended_at is null`

	// What takes long begins again among the slow ones, and what the service's good order broke off where it was: neither has died of it.
	sqlExportSlow = `update export_run set slow = true, begun_at = null, tries = tries - 1, told_at = $4, done = 0 where book_id = $1 and id = $2 and tries = $3 and ended_at is null`

	sqlExportBack = `update export_run set begun_at = null, tries = tries - 1, told_at = $4 where book_id = $1 and id = $2 and tries = $3 and ended_at is null`
)

// WorkExport makes the file of a line that was asked for first, to its end, and tells whether there may be more. Call it from one place of a book and line at a
// time; when ctx leaves less than a run may take, none is begun. A file is read from one snapshot and kept in pieces; of one that breaks off nothing is kept, and the
// next call begins it again. What stops it for good is noted with the run; an error that somebody has to look into is returned as well.
func WorkExport(ctx context.Context, db *pgxpool.Pool, book *ledger.Book, clock func() time.Time, lane Lane, write ExportWriter) (more bool, err error) {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < lane.Time {
		return false, nil
	}
	ctx = pg.WithBook(ctx, book.ID)
	var w *exportFile
	err = pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
		if w, err = nextExport(ctx, tx, db, book, clock, lane); errors.Is(err, ErrNoExport) {
			return nil // what was found lost stands
		}
		return err
	})
	if err != nil || w == nil {
		return false, err
	}
	inside, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	inside, over := context.WithTimeoutCause(inside, lane.Time, errTime)
	defer over()
	w.ctx, w.stop = inside, stop
	var made Exported
	if w.key, err = w.run.key(book); err == nil {
		err = pg.Snapshot(inside, db, func(tx pgx.Tx) (err error) {
			if made, err = write(inside, tx, book, w.run, w, w.tell); err != nil {
				return err
			}
			return w.flush()
		})
	}
	if cause := context.Cause(inside); err != nil && cause != nil {
		err = fmt.Errorf("%w: %w", cause, err)
	}
	return true, w.end(ctx, made, err)
}

// nextExport takes the next run and clears what an earlier try left of it.
func nextExport(ctx context.Context, tx pgx.Tx, db *pgxpool.Pool, book *ledger.Book, clock func() time.Time, lane Lane) (*exportFile, error) {
	now := clock()
	if _, err := tx.Exec(ctx, sqlExportsLost, book.ID, now, exportTries, lane.Slow); err != nil {
		return nil, fmt.Errorf("take an export: %w", err)
	}
	run, err := oneExport(ctx, tx, sqlExportNext, book.ID, now, lane.Slow)
	if err != nil {
		return nil, err
	}
	w := &exportFile{db: db, book: book, run: run, clock: clock}
	if _, err := tx.Exec(ctx, sqlExportPartsOff, book.ID, run.ID); err != nil {
		return nil, fmt.Errorf("take an export: %w", err)
	}
	return w, nil
}

// exportFile keeps what is written to it in pieces, each in a transaction of its own.
type exportFile struct {
	ctx   context.Context
	stop  context.CancelCauseFunc
	db    *pgxpool.Pool
	book  *ledger.Book
	run   *ExportRun
	clock func() time.Time
	key   *seal.Key // nil: the book has no keys
	buf   []byte
	no    int32
	size  int64
}

func (w *exportFile) Write(p []byte) (int, error) {
	for n := 0; n < len(p); {
		take := min(len(p)-n, exportPart-len(w.buf))
		w.buf = append(w.buf, p[n:n+take]...)
		if n += take; len(w.buf) == exportPart {
			if err := w.flush(); err != nil {
				return n, err
			}
		}
	}
	return len(p), nil
}

func (w *exportFile) flush() error {
	if len(w.buf) == 0 {
		return nil
	}
	body := w.buf
	if w.key != nil {
		body = w.key.Seal(partPlace(w.book, w.run.ID, w.no), string(w.buf))
	}
	if err := w.say(w.ctx, sqlExportPart, w.no, body); err != nil {
		return err
	}
	w.no++
	w.size += int64(len(w.buf))
	w.buf = w.buf[:0]
	return nil
}

// say writes of this try of the run.
func (w *exportFile) say(ctx context.Context, sql string, args ...any) error {
	return pg.InTx(ctx, w.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sql, append([]any{w.book.ID, w.run.ID, w.run.Tries}, args...)...); err != nil {
			return fmt.Errorf("note an export: %w", err)
		}
		return nil
	})
}

// tell notes how far the file is, and breaks it off when somebody stopped it.
func (w *exportFile) tell(t Told) {
	if t.Total == 0 {
		t.Total = w.run.Total
	}
	var stopping bool
	err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		return tx.QueryRow(w.ctx, sqlExportTell, w.book.ID, w.run.ID, w.run.Tries, w.clock(), t.Part, t.Done, t.Total).Scan(&stopping)
	})
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		w.stop(errTaken)
	case err != nil:
		w.stop(fmt.Errorf("note how far an export is: %w", err))
	case stopping:
		w.stop(errStopped)
	}
}

// endTime is how long the end of a run may take to be noted when its time is over.
const endTime = 15 * time.Second

// end notes what became of the run.
func (w *exportFile) end(ctx context.Context, made Exported, err error) error {
	over := ctx.Err()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTime)
	defer cancel()
	now := w.clock()
	if err == nil {
		return w.say(ctx, sqlExportMade, now, made.Name, made.Kind, made.Root, w.size, w.no)
	}
	problem, look := ExportFailed, err
	switch {
	case errors.Is(err, errTaken):
		return nil
	case errors.Is(err, errStopped):
		problem, look = ExportStopped, nil
	case errors.Is(err, ErrTooLong):
		problem, look = ExportTooLong, nil
	case errors.Is(err, ErrNoExport):
		problem, look = ExportBarred, nil
	case over != nil:
		return errors.Join(err, w.say(ctx, sqlExportBack, now))
	case errors.Is(err, errTime) && !w.run.Slow:
		return errors.Join(w.say(ctx, sqlExportTryOff), w.say(ctx, sqlExportSlow, now)) // from then on the slow line may begin anew under the same number
	case errors.Is(err, errTime):
		problem = ExportLate
	}
	return errors.Join(look, w.say(ctx, sqlExportFailed, now, problem), w.say(ctx, sqlExportTryOff))
}

const (
	sqlExportPieces = `select count(*) from export_part where book_id = $1 and run_id = $2 and try = $3`

	sqlExportPiece = `select body from export_part where book_id = $1 and run_id = $2 and try = $3 and no = $4`
)

// OpenExport gives the file of a run that is made: read it with q, a piece at a time. ErrExportGone when it was removed, when a crash of the database took it, or
// when the key that sealed it is not there any more.
func OpenExport(ctx context.Context, q pg.Querier, book *ledger.Book, r *ExportRun) (io.WriterTo, error) {
	if r.EndedAt == nil || r.Problem != "" || r.GoneAt != nil {
		return nil, ErrExportGone
	}
	key, err := r.key(book)
	if err != nil {
		return nil, err
	}
	var pieces int32
	if err := q.QueryRow(ctx, sqlExportPieces, book.ID, r.ID, r.Tries).Scan(&pieces); err != nil {
		return nil, fmt.Errorf("open an export: %w", err)
	}
	if pieces != r.Parts {
		return nil, ErrExportGone
	}
	return &madeFile{ctx, q, book, r, key}, nil
}

// madeFile is a made file on its way out.
type madeFile struct {
	ctx  context.Context
	q    pg.Querier
	book *ledger.Book
	run  *ExportRun
	key  *seal.Key
}

// WriteTo writes the file piece by piece.
func (f *madeFile) WriteTo(w io.Writer) (n int64, err error) {
	for no := range f.run.Parts {
		var body []byte
		if err := f.q.QueryRow(f.ctx, sqlExportPiece, f.book.ID, f.run.ID, f.run.Tries, no).Scan(&body); err != nil {
			return n, fmt.Errorf("read a piece of an export: %w", err)
		}
		if f.key != nil {
			text, err := f.key.Open(partPlace(f.book, f.run.ID, no), body)
			if err != nil {
				return n, fmt.Errorf("read a piece of an export: %w", err)
			}
			body = []byte(text)
		}
		wrote, err := w.Write(body)
		if n += int64(wrote); err != nil {
			return n, fmt.Errorf("send an export: %w", err)
		}
	}
	return n, nil
}
