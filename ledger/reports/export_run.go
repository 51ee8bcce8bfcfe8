package reports

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
)

// DirectMax is how many rows a file may have to be sent as soon as it is asked for. A longer one is made by a run.
const DirectMax = 20_000

// ExportLife is how long the file of a run is kept.
const ExportLife = 24 * time.Hour

// Limits of runs.
const (
	exportsEach = 2 // that one person has waiting or under way
	exportsAll  = 8 // of a book
	exportTries = 3 // processes that may die while they make it
)

var (
	// ErrExports means that this person, or all of the book together, have as many files in the making as there may be. Answer 429.
	ErrExports = errors.New("too many exports at once")
	// ErrNoExport means that there is no such run, or not for who asks. Answer 404.
	ErrNoExport = errors.New("no such export")
	// ErrExportGone means that the file of a run is not there any more. Answer 410.
	ErrExportGone = errors.New("the exported file is gone")
)

// Why a run has no file.
const (
	ExportStopped = "stopped" // by who asked
	ExportBroken  = "broken"  // every process that began it died
	ExportFailed  = "failed"  // the log and the job say why
	ExportLate    = "late"    // it took longer than a slow one may
	ExportTooLong = "long"    // for a spreadsheet
	ExportBarred  = "barred"  // who asked lost the right to it before it was made
)

// ExportRun is a file that somebody has had made, or has made now, because it is too long to wait for: a report, a list, the whole book or its bundle.
type ExportRun struct {
	ID       uuid.UUID
	What     string // the page that has the file
	Ask      []byte // its address, sealed; empty once the file is gone: see Address
	Title    string
	Lang     string
	Funds    []int32 // what whoever asked saw; nil: the whole book
	AskedBy  uuid.UUID
	AskedAt  time.Time
	Tries    int16
	BegunAt  *time.Time
	ToldAt   time.Time // when it was last heard of
	Stopping bool
	EndedAt  *time.Time
	Problem  string // why there is no file
	Part     string // of a bundle: the file being written
	Done     int64  // rows, or entries of that file
	Total    int64
	Root     string // of a bundle: SHA-256 of its SHA256SUMS
	Name     string // of the file
	Kind     string // its media type
	Size     int64  // bytes
	Parts    int32
	GoneAt   *time.Time
	SealedBy *string // by which key of the book the run's own is sealed; nil: the book has none
	Sealed   []byte
	Slow     bool // it is made in the line of slow ones
}

// exportSilence is after how long without a word a run counts as broken off: its process is gone, and the next one that looks takes it up.
const exportSilence = 5 * time.Minute

// What a run is at.
const (
	RunWaits  = "waiting"
	RunGoes   = "running"
	RunSilent = "silent" // begun, and not heard of for long
	RunMade   = "made"
	RunGone   = "gone" // made, and removed since
	RunNone   = "none" // ended without a file: see Problem
)

// State is what the run is at.
func (r *ExportRun) State(now time.Time) string {
	switch {
	case r.Problem != "":
		return RunNone
	case r.GoneAt != nil:
		return RunGone
	case r.EndedAt != nil:
		return RunMade
	case r.BegunAt == nil:
		return RunWaits
	case now.Sub(r.ToldAt) >= exportSilence:
		return RunSilent
	}
	return RunGoes
}

const (
	exportColumns = `id, what, ask, title, lang, funds, asked_by, asked_at, tries, begun_at, told_at, stopping, ended_at, problem, part, done, total, root, name, kind, size, parts, gone_at, sealed_by, sealed_key, slow`

	sqlExportLock = `select pg_advisory_xact_lock(hashtextextended('exports:' || $1::int4, 0))`

	sqlExportOpen = `select count(*) filter (where asked_by = $2), count(*), count(*) filter (where id = $3) from export_run where book_id = $1 and (ended_at is null or id = $3)`

	sqlExportAsk = `
insert into export_run (book_id, id, what, ask, title, lang, funds, asked_by, asked_at, told_at, total, sealed_by, sealed_key, slow) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11, $12, $13)`

	sqlExportByID = `select ` + exportColumns + ` from export_run where book_id = $1 and id = $2`

	sqlExportsOf = `select ` + exportColumns + ` from export_run where book_id = $1 and asked_by = $2 order by asked_at desc, id desc limit $3`

	sqlExportsFrom = `select ` + exportColumns + ` from export_run where book_id = $1 and what = $2 order by asked_at desc, id desc limit $3`

	// One that nobody has begun ends at once; the others end when whoever makes them hears of it.
	sqlExportStop = `
update export_run set stopping = true, ended_at = case when begun_at is null then $3::timestamptz end, problem = case when begun_at is null then 'stopped' else '' end
 where book_id = $1 and id = $2 and ended_at is null and not stopping`

	sqlExportsOld = `
with old as (
  update export_run set gone_at = $2::timestamptz, ask = '', sealed_by = null, sealed_key = null
   where book_id = $1 and ended_at <= $2::timestamptz - $3::interval and gone_at is null returning id),
pieces as (delete from export_part where book_id = $1 and run_id in (select id from old))
select count(*) from old`
)

// AskExport has the file at an address of the console made by the next worker. Asked twice by the same form it is made once. ErrExports.
func AskExport(ctx context.Context, tx pgx.Tx, book *ledger.Book, r ExportRun, address string) (fresh bool, err error) {
	if _, err := tx.Exec(ctx, sqlExportLock, book.ID); err != nil {
		return false, fmt.Errorf("ask for an export: %w", err)
	}
	var own, all, same int
	if err := tx.QueryRow(ctx, sqlExportOpen, book.ID, r.AskedBy, r.ID).Scan(&own, &all, &same); err != nil {
		return false, fmt.Errorf("ask for an export: %w", err)
	}
	switch {
	case same > 0:
		return false, nil
	case own >= exportsEach || all >= exportsAll:
		return false, ErrExports
	}
	if err := r.seal(book, address); err != nil {
		return false, err
	}
	if _, err := tx.Exec(ctx, sqlExportAsk, book.ID, r.ID, r.What, r.Ask, r.Title, r.Lang, r.Funds, r.AskedBy, r.AskedAt, r.Total, r.SealedBy, r.Sealed, r.Slow); err != nil {
		return false, fmt.Errorf("ask for an export: %w", err)
	}
	return true, nil
}

// seal gives the run a key of its own and seals its address. A book without keys holds both in clear.
func (r *ExportRun) seal(book *ledger.Book, address string) error {
	if book.Keys == nil {
		r.Ask = []byte(address)
		return nil
	}
	key, wrapped, err := book.Keys.New(exportPlace(book, r.ID))
	if err != nil {
		return fmt.Errorf("seal an export: %w", err)
	}
	r.Ask, r.SealedBy, r.Sealed = key.Seal(askPlace(book, r.ID), address), &wrapped.By, wrapped.Key
	return nil
}

// key opens the run's own key; nil when it has none. ErrExportGone when the key that seals it is not there any more.
func (r *ExportRun) key(book *ledger.Book) (*seal.Key, error) {
	if r.SealedBy == nil {
		return nil, nil
	}
	if book.Keys == nil {
		return nil, ErrExportGone
	}
	key, err := book.Keys.Unwrap(seal.Wrapped{By: *r.SealedBy, Key: r.Sealed}, exportPlace(book, r.ID))
	if errors.Is(err, seal.ErrNoKey) {
		return nil, fmt.Errorf("%w: %w", ErrExportGone, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open an export: %w", err)
	}
	return &key, nil
}

// Address is what the file is made of. ErrExportGone when it was removed with the file.
func (r *ExportRun) Address(book *ledger.Book) (string, error) {
	if len(r.Ask) == 0 {
		return "", ErrExportGone
	}
	key, err := r.key(book)
	if err != nil || key == nil {
		return string(r.Ask), err
	}
	address, err := key.Open(askPlace(book, r.ID), r.Ask)
	if err != nil {
		return "", fmt.Errorf("open an export: %w", err)
	}
	return address, nil
}

// exportPlace is where a run's key opens, askPlace where its address does, partPlace where a piece of its file does.
func exportPlace(book *ledger.Book, id uuid.UUID) string {
	return "book " + strconv.Itoa(int(book.ID)) + " export " + id.String()
}

func askPlace(book *ledger.Book, id uuid.UUID) string { return exportPlace(book, id) + " address" }

func partPlace(book *ledger.Book, id uuid.UUID, no int32) string {
	return exportPlace(book, id) + " part " + strconv.Itoa(int(no))
}

// ExportByID reads a run, or ErrNoExport.
func ExportByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*ExportRun, error) {
	return oneExport(ctx, q, sqlExportByID, book.ID, id)
}

func oneExport(ctx context.Context, q pg.Querier, sql string, args ...any) (*ExportRun, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read export: %w", err)
	}
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[ExportRun])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoExport
	}
	if err != nil {
		return nil, fmt.Errorf("read export: %w", err)
	}
	return r, nil
}

func exports(ctx context.Context, q pg.Querier, sql string, args ...any) ([]ExportRun, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list exports: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ExportRun])
}

// ExportsOf are the latest of one person, newest first.
func ExportsOf(ctx context.Context, q pg.Querier, book *ledger.Book, person uuid.UUID, limit int) ([]ExportRun, error) {
	return exports(ctx, q, sqlExportsOf, book.ID, person, limit)
}

// ExportsFrom are the latest of one page, whoever asked, newest first.
func ExportsFrom(ctx context.Context, q pg.Querier, book *ledger.Book, what string, limit int) ([]ExportRun, error) {
	return exports(ctx, q, sqlExportsFrom, book.ID, what, limit)
}

// StopExport ends a run without a file; one that is being written ends at its next count of rows. One that has ended, or is to stop already, stays as it is: then stopped is false.
func StopExport(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, now time.Time) (stopped bool, err error) {
	tag, err := tx.Exec(ctx, sqlExportStop, book.ID, id, now)
	if err != nil {
		return false, fmt.Errorf("stop an export: %w", err)
	}
	return tag.RowsAffected() > 0, nil
}

// SweepExports removes files that are older than ExportLife, and says how many.
func SweepExports(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (n int, err error) {
	if err := tx.QueryRow(ctx, sqlExportsOld, book.ID, now, ExportLife).Scan(&n); err != nil {
		return 0, fmt.Errorf("remove old exports: %w", err)
	}
	return n, nil
}

const sqlEntriesUpTo = `select count(*) from (select from entry where book_id = $1 limit $2) e`

// EntriesUpTo counts the entries of the book, at most limit.
func EntriesUpTo(ctx context.Context, q pg.Querier, book *ledger.Book, limit int64) (n int64, err error) {
	if err := q.QueryRow(ctx, sqlEntriesUpTo, book.ID, limit).Scan(&n); err != nil {
		return 0, fmt.Errorf("count entries: %w", err)
	}
	return n, nil
}
