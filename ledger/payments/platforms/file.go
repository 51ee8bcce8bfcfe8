package platforms

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// States of a file.
const (
	FileNew     = "new"     // nobody has said how it is read
	FileRead    = "read"    // by a profile; some of it may be booked already
	FileBooked  = "booked"  // all of it that can be
	FileDropped = "dropped" // put aside before anything of it was booked
)

// ErrStarted means that some of a file is booked, so that it can be finished but not put aside or read another way.
var ErrStarted = errors.New("some of the platform file is booked already")

// File is a file of a platform.
type File struct {
	ID        uuid.UUID
	Name      string
	Hash      []byte
	Size      int32
	State     string
	ProfileID *uuid.UUID
	Told      *Totals // of the platform's letter
	Counted   *Totals // of the file, once it is booked
	LastDay   *time.Time
	MadeBy    uuid.UUID
	MadeAt    time.Time
	BookedAt  *time.Time
}

// Object names the file in its history and beside its papers.
func (f *File) Object() string { return giving.Object("platform-file", f.ID) }

const (
	fileColumns = `id, name, hash, size, state, profile_id, told, counted, last_day, made_by, made_at, booked_at`

	sqlFileSame = `select id from platform_file where book_id = $1 and hash = $2 and state <> 'dropped' order by made_at limit 1`

	sqlFileInsert = `
insert into platform_file (book_id, id, name, hash, size, state, sealed_by, sealed_key, body, made_by, made_at)
values ($1, $2, $3, $4, $5, 'new', $6, $7, $8, $9, $10) on conflict (book_id, id) do nothing`

	sqlFileByID = `select ` + fileColumns + ` from platform_file where book_id = $1 and id = $2`

	sqlFileBody = `select sealed_by, sealed_key, body from platform_file where book_id = $1 and id = $2 and body is not null`

	sqlFileProfile = `
update platform_file set state = 'read', profile_id = $3
 where book_id = $1 and id = $2 and state in ('new', 'read')`

	sqlFileTold = `update platform_file set told = $3 where book_id = $1 and id = $2 and state in ('new', 'read')`

	sqlFileDrop = `
update platform_file set state = 'dropped', body = null, sealed_key = null, sealed_by = null
 where book_id = $1 and id = $2 and state in ('new', 'read')`

	sqlFileStarted = `select exists (select from platform_gift where book_id = $1 and file_id = $2)`

	sqlFileLock = `select state from platform_file where book_id = $1 and id = $2 for update`
)

// Keep stores a file as it came, sealed. The same content again is the file that is there already.
// ErrSize; *giving.FieldErrors; ledger.ErrNoKeys.
func Keep(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, name string, body []byte, by uuid.UUID, now time.Time) (uuid.UUID, error) {
	if len(body) == 0 || len(body) > FileMax {
		return uuid.Nil, fmt.Errorf("%w: %d bytes of at most %d", ErrSize, len(body), FileMax)
	}
	if book.Keys == nil {
		return uuid.Nil, ledger.ErrNoKeys
	}
	var wrong giving.FieldErrors
	wrong.Text("file", name, 1, 120)
	if err := wrong.Err(); err != nil {
		return uuid.Nil, err
	}
	hash := sha256.Sum256(body)
	var same uuid.UUID
	err := tx.QueryRow(ctx, sqlFileSame, book.ID, hash[:]).Scan(&same)
	if err == nil {
		return same, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return uuid.Nil, fmt.Errorf("look for platform file: %w", err)
	}
	key, wrapped, err := book.Keys.New(place(book, id))
	if err != nil {
		return uuid.Nil, fmt.Errorf("seal platform file: %w", err)
	}
	sealed := key.Seal(place(book, id), string(body))
	if _, err := tx.Exec(ctx, sqlFileInsert, book.ID, id, name, hash[:], len(body), wrapped.By, wrapped.Key, sealed, by, now); err != nil {
		return uuid.Nil, fmt.Errorf("keep platform file: %w", err)
	}
	return id, nil
}

// place is where a file's text opens.
func place(book *ledger.Book, id uuid.UUID) string {
	return "book " + strconv.Itoa(int(book.ID)) + " platform file " + id.String()
}

// FileByID reads a file without its text, or giving.ErrNoRecord.
func FileByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*File, error) {
	return giving.Record[File](ctx, q, sqlFileByID, book.ID, id)
}

// Body opens the text of a file that is not booked yet; giving.ErrStep when it is gone.
func (f *File) Body(ctx context.Context, q pg.Querier, book *ledger.Book) ([]byte, error) {
	if book.Keys == nil {
		return nil, ledger.ErrNoKeys
	}
	var w seal.Wrapped
	var sealed []byte
	err := q.QueryRow(ctx, sqlFileBody, book.ID, f.ID).Scan(&w.By, &w.Key, &sealed)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, giving.ErrStep
	}
	if err != nil {
		return nil, fmt.Errorf("read platform file: %w", err)
	}
	key, err := book.Keys.Unwrap(w, place(book, f.ID))
	if err != nil {
		return nil, fmt.Errorf("open key of platform file %s: %w", f.ID, err)
	}
	text, err := key.Open(place(book, f.ID), sealed)
	if err != nil {
		return nil, fmt.Errorf("open platform file %s: %w", f.ID, err)
	}
	return []byte(text), nil
}

// Content reads the file by its profile. giving.ErrStep when there is no text or no profile; what Read refuses.
func (f *File) Content(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) (*Content, *Profile, error) {
	if f.ProfileID == nil {
		return nil, nil, giving.ErrStep
	}
	p, err := ProfileByID(ctx, q, book, *f.ProfileID)
	if err != nil {
		return nil, nil, err
	}
	body, err := f.Body(ctx, q, book)
	if err != nil {
		return nil, p, err
	}
	c, err := Read(book, &p.Layout, body, now)
	return c, p, err
}

// UseProfile says by which profile a file is read. ErrStarted, giving.ErrStep.
func UseProfile(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, profile uuid.UUID) error {
	if err := f.untouched(ctx, tx, book); err != nil {
		return err
	}
	return giving.Settled(ctx, tx, sqlFileProfile, book.ID, f.ID, profile)
}

// untouched locks the file and refuses when some of it is booked.
func (f *File) untouched(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	var state string
	if err := tx.QueryRow(ctx, sqlFileLock, book.ID, f.ID).Scan(&state); err != nil {
		return fmt.Errorf("lock platform file: %w", err)
	}
	var started bool
	if err := tx.QueryRow(ctx, sqlFileStarted, book.ID, f.ID).Scan(&started); err != nil {
		return fmt.Errorf("look for gifts of platform file: %w", err)
	}
	if started {
		return ErrStarted
	}
	return nil
}

// Tell notes the totals of the platform's letter. giving.ErrStep when the file is booked.
func Tell(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File, told Totals) error {
	return giving.Settled(ctx, tx, sqlFileTold, book.ID, f.ID, told)
}

// Drop puts a file aside; its text is gone then. ErrStarted, giving.ErrStep.
func Drop(ctx context.Context, tx pgx.Tx, book *ledger.Book, f *File) error {
	if err := f.untouched(ctx, tx, book); err != nil {
		return err
	}
	return giving.Settled(ctx, tx, sqlFileDrop, book.ID, f.ID)
}
