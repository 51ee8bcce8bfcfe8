package disclosure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

var (
	// ErrNoEntry means that nothing was published under the number. Answer 404.
	ErrNoEntry = errors.New("no such disclosure")
	// ErrPhase means that the version does not follow from those before: last figures before the end, something but a correction after
	// them, a correction of figures that others have followed.
	ErrPhase = errors.New("version does not follow from those before")
	// ErrNote means that a correction lacks what was published, what is right, or why; or that another version has a note.
	ErrNote = errors.New("correction needs its note")
)

// Phases of a version.
const (
	Start    = "start"    // before or at its beginning
	Progress = "progress" // while it runs
	Last     = "final"    // after its end
)

// Version is what was published once. It never changes.
type Version struct {
	Entry       uuid.UUID
	Version     int32
	Phase       string
	Corrects    *int32
	PublishedAt time.Time
	PublishedOn time.Time
	Figures     Figures
	Hash        []byte // SHA-256 of the figures as they are kept
	Position    int64
	MadeBy      uuid.UUID
	Second      uuid.UUID
	Was         string // what was published
	Correct     string // what is right
	Reason      string // why
}

// Entry is all that was published of one campaign, project, year or event.
type Entry struct {
	ID       uuid.UUID
	Kind     string
	Object   string
	FundID   *int32
	OpenedAt time.Time
	Versions []Version // newest first
}

// Newest is the version that stands.
func (e *Entry) Newest() *Version { return &e.Versions[0] }

// Version is one of its versions, or nil.
func (e *Entry) Version(n int32) *Version {
	for i := range e.Versions {
		if e.Versions[i].Version == n {
			return &e.Versions[i]
		}
	}
	return nil
}

const (
	sqlEntryInsert = `
insert into disclosure (book_id, id, kind, object, fund_id, opened_at) values ($1, $2, $3, $4, $5, $6) on conflict (book_id, object) do nothing`

	sqlEntryByObject = `select id, kind, object, fund_id, opened_at from disclosure where book_id = $1 and object = $2`
	sqlEntryByID     = `select id, kind, object, fund_id, opened_at from disclosure where book_id = $1 and id = $2`

	sqlVersionInsert = `
insert into disclosure_version (book_id, entry_id, version, phase, corrects, published_at, published_on, figures, hash, position, made_by, second, was, correct, reason)
values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, sha256(convert_to($8::jsonb::text, 'UTF8')), $9, $10, $11, $12, $13, $14)`

	versionColumns = `entry_id, version, phase, corrects, published_at, published_on, figures, hash, position, made_by, second, was, correct, reason`

	sqlVersions = `select ` + versionColumns + ` from disclosure_version where book_id = $1 and entry_id = $2 order by version desc limit 500`
)

// Publish freezes figures as the next version of their entry. What is not a correction may follow until the last figures are out; those wait for
// the end. An event that was taken back since it was drafted is not published. ErrPhase, ErrNote, ErrNoObject.
func Publish(ctx context.Context, tx pgx.Tx, book *ledger.Book, d *Draft, v Version) (*Entry, error) {
	if err := ledger.LockBook(ctx, tx, book); err != nil { // versions of an entry follow each other
		return nil, err
	}
	if id, ok := strings.CutPrefix(d.Object, "event:"); ok && v.Corrects == nil {
		if _, err := eventOf(ctx, tx, book, id); err != nil {
			return nil, err
		}
	}
	if _, err := tx.Exec(ctx, sqlEntryInsert, book.ID, v.Entry, d.Kind, d.Object, d.FundID, v.PublishedAt); err != nil {
		return nil, fmt.Errorf("open disclosure: %w", err)
	}
	e, err := ByObject(ctx, tx, book, d.Object)
	if err != nil {
		return nil, err
	}
	if err := e.follows(&v, d.Ended); err != nil {
		return nil, err
	}
	figures, err := json.Marshal(d.Figures)
	if err != nil {
		return nil, fmt.Errorf("publish: %w", err)
	}
	_, err = tx.Exec(ctx, sqlVersionInsert, book.ID, e.ID, v.Version, v.Phase, v.Corrects, v.PublishedAt, v.PublishedOn, string(figures), d.Position, v.MadeBy, v.Second, v.Was, v.Correct, v.Reason)
	if err != nil {
		return nil, fmt.Errorf("publish version %d of %s: %w", v.Version, d.Object, err)
	}
	return ByID(ctx, tx, book, e.ID)
}

// follows numbers a version, and refuses one that does not follow.
func (e *Entry) follows(v *Version, ended bool) error {
	v.Version = int32(len(e.Versions)) + 1
	last := false
	for _, old := range e.Versions {
		last = last || old.Phase == Last && old.Corrects == nil
	}
	if v.Corrects == nil {
		if v.Was != "" || v.Correct != "" || v.Reason != "" {
			return ErrNote
		}
		if v.Phase != Start && v.Phase != Progress && v.Phase != Last || last || v.Phase == Last && !ended {
			return ErrPhase
		}
		return nil
	}
	old := e.Version(*v.Corrects)
	if old == nil || old != e.Newest() { // what stands is put right; older figures were followed by newer ones
		return ErrPhase
	}
	v.Phase = old.Phase
	for _, text := range []string{v.Was, v.Correct, v.Reason} {
		if strings.TrimSpace(text) == "" || utf8.RuneCountInString(text) > 1000 {
			return ErrNote
		}
	}
	return nil
}

// ByObject finds what was published of an object; an entry without versions while its first is being written. ErrNoEntry.
func ByObject(ctx context.Context, q pg.Querier, book *ledger.Book, object string) (*Entry, error) {
	return read(ctx, q, book, sqlEntryByObject, object)
}

// ByID finds an entry. ErrNoEntry.
func ByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Entry, error) {
	return read(ctx, q, book, sqlEntryByID, id)
}

func read(ctx context.Context, q pg.Querier, book *ledger.Book, sql string, key any) (*Entry, error) {
	var e Entry
	err := q.QueryRow(ctx, sql, book.ID, key).Scan(&e.ID, &e.Kind, &e.Object, &e.FundID, &e.OpenedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoEntry
	}
	if err != nil {
		return nil, fmt.Errorf("read disclosure: %w", err)
	}
	rows, err := q.Query(ctx, sqlVersions, book.ID, e.ID)
	if err != nil {
		return nil, fmt.Errorf("read disclosure: %w", err)
	}
	if e.Versions, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Version]); err != nil {
		return nil, fmt.Errorf("read disclosure: %w", err)
	}
	return &e, nil
}

// Listed is an entry in a list, with its newest version.
type Listed struct {
	ID          uuid.UUID
	Kind        string
	Object      string
	Version     int32
	Phase       string
	Corrected   bool
	PublishedAt time.Time
	Figures     Figures
}

const sqlListed = `
select d.id, d.kind, d.object, v.version, v.phase, v.corrects is not null, v.published_at, v.figures
  from disclosure d
 cross join lateral (select * from disclosure_version v where v.book_id = d.book_id and v.entry_id = d.id order by version desc limit 1) v
 where d.book_id = $1 and ($2 = '' or d.kind = $2) and ($3::timestamptz is null or (v.published_at, d.id) < ($3, $4))
 order by v.published_at desc, d.id desc limit $5`

// List gives what is published, the newest first, older than the entry named by at and id (zero: from the start). The newest versions alone.
func List(ctx context.Context, q pg.Querier, book *ledger.Book, kind string, at time.Time, id uuid.UUID, limit int) ([]Listed, error) {
	var before *time.Time
	if !at.IsZero() {
		before = &at
	}
	rows, err := q.Query(ctx, sqlListed, book.ID, kind, before, id, limit)
	if err != nil {
		return nil, fmt.Errorf("list disclosures: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Listed])
}
