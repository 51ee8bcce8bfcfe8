package platforms

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// States of a booking.
const (
	BookingRuns    = "running"
	BookingStopped = "stopped" // by what Problem says; asked for again it goes on
	BookingDone    = "done"
)

// Booking is the booking of a file that somebody asked for, and how far it is.
type Booking struct {
	File    uuid.UUID
	Key     uuid.UUID
	AskedBy uuid.UUID
	Made    string
	Summary string
	AskedAt time.Time
	Total   int32 // lines that can be booked
	Done    int32 // of them, looked at
	State   string
	Problem string
}

const (
	bookingColumns = `file_id, key, asked_by, made, summary, asked_at, total, done, state, problem`

	sqlBookingInsert = `
insert into platform_booking (book_id, file_id, key, asked_by, made, summary, asked_at, total) values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (book_id, file_id) do update set key = excluded.key, asked_by = excluded.asked_by, made = excluded.made, summary = excluded.summary,
       asked_at = excluded.asked_at, total = excluded.total, done = 0, state = 'running', problem = '', ended_at = null
 where platform_booking.state = 'stopped'`

	sqlBookingOf = `select ` + bookingColumns + ` from platform_booking where book_id = $1 and file_id = $2`

	sqlBookingNext = `select ` + bookingColumns + ` from platform_booking where book_id = $1 and state = 'running' order by asked_at, file_id limit 1`

	sqlBookingMoved = `update platform_booking set done = greatest(done, $3) where book_id = $1 and file_id = $2 and state = 'running'`

	sqlBookingEnded = `
update platform_booking set state = $3, problem = $4, ended_at = $5, done = case when $3 = 'done' then total else done end
 where book_id = $1 and file_id = $2 and state = 'running'`
)

// Ask has a file booked by the worker. Asked twice it is booked once; one that stopped goes on. giving.ErrStep when the file is not
// there to be booked.
func Ask(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, lines int, sign giving.Sign) error {
	var state string
	if err := tx.QueryRow(ctx, sqlFileLock, book.ID, f.ID).Scan(&state); err != nil {
		return fmt.Errorf("lock platform file: %w", err)
	}
	if state != FileRead {
		return giving.ErrStep
	}
	if _, err := tx.Exec(ctx, sqlBookingInsert, book.ID, f.ID, sign.Key, sign.By, sign.Made, sign.Summary, sign.At, lines); err != nil {
		return fmt.Errorf("ask for the booking of a platform file: %w", err)
	}
	return nil
}

// BookingOf is how far the booking of a file is, or giving.ErrNoRecord when nobody asked for it.
func BookingOf(ctx context.Context, q pg.Querier, book *ledger.Book, file uuid.UUID) (*Booking, error) {
	return giving.Record[Booking](ctx, q, sqlBookingOf, book.ID, file)
}

// Worker books the files that were asked for, one after the other. Several processes may run one: a line is booked once.
type Worker struct {
	db    Database
	book  *ledger.Book
	clock func() time.Time
}

// NewWorker makes a worker.
func NewWorker(db Database, book *ledger.Book, clock func() time.Time) *Worker {
	return &Worker{db: db, book: book, clock: clock}
}

// Work books the next file to its end and tells whether there may be more. What was booked before a stop stands; the next call
// goes on behind it.
func (w *Worker) Work(ctx context.Context) (more bool, err error) {
	ctx = pg.WithBook(ctx, w.book.ID)
	b, err := giving.Record[Booking](ctx, w.db, sqlBookingNext, w.book.ID)
	if errors.Is(err, giving.ErrNoRecord) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	f, err := FileByID(ctx, w.db, w.book, b.File)
	if err != nil {
		return false, err
	}
	_, err = Book(ctx, w.db, w.book, f, giving.Sign{Key: b.Key, By: b.AskedBy, At: w.clock(), Made: b.Made, Summary: b.Summary}, func(done, _ int) error {
		return w.note(ctx, sqlBookingMoved, b.File, done)
	})
	state, problem := BookingDone, ""
	switch {
	case err == nil, errors.Is(err, giving.ErrStep): // another worker was faster, or the file was put aside
	case final(err):
		state, problem = BookingStopped, reasonOf(err)
	default:
		return false, err
	}
	return true, w.note(ctx, sqlBookingEnded, b.File, state, problem, w.clock())
}

// final tells that trying again by itself would not help.
func final(err error) bool {
	for _, refusal := range []error{ledger.ErrPeriodClosed, ledger.ErrShort, ledger.ErrGuarded, ledger.ErrNoKeys, giving.ErrNoGeneral, giving.ErrFundKind, giving.ErrRefReused,
		giving.ErrNoCampaign, ErrCharset, ErrShape, ErrLines, ErrSize} {
		if errors.Is(err, refusal) {
			return true
		}
	}
	return false
}

func (w *Worker) note(ctx context.Context, sql string, file uuid.UUID, args ...any) error {
	return pg.InTx(ctx, w.db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sql, append([]any{w.book.ID, file}, args...)...); err != nil {
			return fmt.Errorf("note how far the booking of a platform file is: %w", err)
		}
		return nil
	})
}
