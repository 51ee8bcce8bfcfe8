package recon

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon/statement"
)

// States of a file.
const (
	FileReceived    = "received"    // kept; not read yet
	FileImported    = "imported"    // proved, and all its lines are on file
	FileQuarantined = "quarantined" // refused whole, with the reason
	FileDuplicate   = "duplicate"   // the same bytes came before
)

// File is a file of a source.
type File struct {
	ID         uuid.UUID
	SourceID   int32
	Name       string
	Hash       []byte // SHA-256
	Size       int64
	State      string
	SameAs     *uuid.UUID
	Announced  string // SHA-1, hex
	Opening    *int64 // minor units, as a person told them
	Closing    *int64
	ProfileID  *uuid.UUID
	Version    string // of the message
	Reason     *string
	ReasonLine *int32
	Want       *string
	Got        *string
	Lines      *int32
	Fresh      *int32 // of the lines those that no file before told
	MadeBy     uuid.UUID
	MadeAt     time.Time
	DoneAt     *time.Time
}

// Object names the file in its history.
func (f *File) Object() string { return giving.Object("source-file", f.ID) }

const (
	fileColumns = `id, source_id, name, hash, size, state, same_as, announced, opening, closing, profile_id, version, reason, reason_line, want, got, lines, fresh, made_by,
made_at, done_at`

	sqlFileInsert = `
insert into source_file (book_id, id, source_id, name, hash, size, state, same_as, announced, opening, closing, sealed_by, sealed_key, made_by, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) on conflict do nothing`

	sqlFileSame = `select id from source_file where book_id = $1 and source_id = $2 and hash = $3 and state <> 'duplicate'`

	sqlPartInsert = `insert into source_part (book_id, file_id, no, body) values ($1, $2, $3, $4)`

	sqlFileByID = `select ` + fileColumns + ` from source_file where book_id = $1 and id = $2`

	sqlFiles = `select ` + fileColumns + ` from source_file where book_id = $1 and source_id = $2 order by made_at desc, id desc limit $3`

	sqlFileKey = `select sealed_by, sealed_key from source_file where book_id = $1 and id = $2 and sealed_by is not null`

	sqlParts = `select body from source_part where book_id = $1 and file_id = $2 and no between $3 and $4 order by no`
)

// partSize is how much of a file is sealed at a time.
const partSize = 1 << 20

// NewFile is a file to be kept.
type NewFile struct {
	ID        uuid.UUID
	Name      string
	Body      []byte
	Announced string // SHA-1 that the processor announced, hex; empty: none
	Opening   *int64 // minor units, as a person reads them elsewhere, for a file without balances
	Closing   *int64
	By        uuid.UUID
}

// Receive keeps a file as it came, sealed in pieces. When the same bytes have come to the source before, only that is noted: the
// duplicate names the file. statement.ErrRefused for a size that is never read; *giving.FieldErrors; ledger.ErrNoKeys.
func Receive(ctx context.Context, tx pgx.Tx, book *ledger.Book, source *Source, n NewFile, now time.Time) (*File, error) {
	if len(n.Body) == 0 {
		return nil, &statement.Refusal{Reason: statement.ReasonEmpty}
	}
	if len(n.Body) > statement.SizeMax {
		return nil, &statement.Refusal{Reason: statement.ReasonSize, Want: strconv.Itoa(statement.SizeMax), Got: strconv.Itoa(len(n.Body))}
	}
	if book.Keys == nil {
		return nil, ledger.ErrNoKeys
	}
	n.Announced = strings.ToLower(n.Announced)
	var wrong giving.FieldErrors
	wrong.Text("file", n.Name, 1, 120)
	if n.Announced != "" && (len(n.Announced) != 40 || strings.Trim(n.Announced, "0123456789abcdef") != "") {
		wrong.Refuse("announced", "recon.hash.wrong")
	}
	if (n.Opening == nil) != (n.Closing == nil) {
		wrong.Refuse("closing", "recon.balance.both")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	hash := sha256.Sum256(n.Body)
	insert := func(state string, same *uuid.UUID, w seal.Wrapped) (bool, error) {
		var by *string
		if w.By != "" {
			by = &w.By
		}
		tag, err := tx.Exec(ctx, sqlFileInsert, book.ID, n.ID, source.ID, n.Name, hash[:], len(n.Body), state, same, n.Announced, n.Opening, n.Closing, by, w.Key, n.By, now)
		if err != nil {
			return false, fmt.Errorf("keep statement file: %w", err)
		}
		return tag.RowsAffected() == 1, nil
	}
	key, wrapped, err := book.Keys.New(filePlace(book, n.ID))
	if err != nil {
		return nil, fmt.Errorf("seal statement file: %w", err)
	}
	kept, err := insert(FileReceived, nil, wrapped)
	if err != nil {
		return nil, err
	}
	if kept {
		for no := 0; no*partSize < len(n.Body); no++ {
			piece := n.Body[no*partSize : min(len(n.Body), (no+1)*partSize)]
			if _, err := tx.Exec(ctx, sqlPartInsert, book.ID, n.ID, no, key.Seal(partPlace(book, n.ID, no), string(piece))); err != nil {
				return nil, fmt.Errorf("keep statement file: %w", err)
			}
		}
		return FileByID(ctx, tx, book, n.ID)
	}
	// The same form again is the file that it made; other forms with the same bytes are duplicates.
	f, err := FileByID(ctx, tx, book, n.ID)
	if err == nil || !errors.Is(err, giving.ErrNoRecord) {
		return f, err
	}
	var same uuid.UUID
	if err := tx.QueryRow(ctx, sqlFileSame, book.ID, source.ID, hash[:]).Scan(&same); err != nil {
		return nil, fmt.Errorf("look for statement file: %w", err)
	}
	if _, err := insert(FileDuplicate, &same, seal.Wrapped{}); err != nil {
		return nil, err
	}
	return FileByID(ctx, tx, book, n.ID)
}

// filePlace is where a file's key opens, partPlace where a piece of it does.
func filePlace(book *ledger.Book, id uuid.UUID) string {
	return "book " + strconv.Itoa(int(book.ID)) + " statement file " + id.String()
}

func partPlace(book *ledger.Book, id uuid.UUID, no int) string {
	return filePlace(book, id) + " part " + strconv.Itoa(no)
}

// FileByID reads a file without its bytes, or giving.ErrNoRecord.
func FileByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*File, error) {
	return giving.Record[File](ctx, q, sqlFileByID, book.ID, id)
}

// Files lists the newest files of a source.
func Files(ctx context.Context, q pg.Querier, book *ledger.Book, source int32, limit int) ([]File, error) {
	rows, err := q.Query(ctx, sqlFiles, book.ID, source, limit)
	if err != nil {
		return nil, fmt.Errorf("list statement files: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[File])
}

// Body opens the bytes of a file. giving.ErrStep for a duplicate: the file that it names has them.
func (f *File) Body(ctx context.Context, q pg.Querier, book *ledger.Book) ([]byte, error) {
	return f.Bytes(ctx, q, book, 0, int(f.Size))
}

// Bytes opens a piece of a file, as a line points at it.
func (f *File) Bytes(ctx context.Context, q pg.Querier, book *ledger.Book, at, size int) ([]byte, error) {
	if book.Keys == nil {
		return nil, ledger.ErrNoKeys
	}
	if at < 0 || size < 1 || at+size > int(f.Size) {
		return nil, giving.ErrStep
	}
	var w seal.Wrapped
	err := q.QueryRow(ctx, sqlFileKey, book.ID, f.ID).Scan(&w.By, &w.Key)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, giving.ErrStep
	}
	if err != nil {
		return nil, fmt.Errorf("read statement file: %w", err)
	}
	key, err := book.Keys.Unwrap(w, filePlace(book, f.ID))
	if err != nil {
		return nil, fmt.Errorf("open key of statement file %s: %w", f.ID, err)
	}
	first, last := at/partSize, (at+size-1)/partSize
	rows, err := q.Query(ctx, sqlParts, book.ID, f.ID, first, last)
	if err != nil {
		return nil, fmt.Errorf("read statement file: %w", err)
	}
	defer rows.Close()
	body := make([]byte, 0, (last-first+1)*partSize)
	for no := first; rows.Next(); no++ {
		var sealed []byte
		if err := rows.Scan(&sealed); err != nil {
			return nil, fmt.Errorf("read statement file: %w", err)
		}
		piece, err := key.Open(partPlace(book, f.ID, no), sealed)
		if err != nil {
			return nil, fmt.Errorf("open part %d of statement file %s: %w", no, f.ID, err)
		}
		body = append(body, piece...)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read statement file: %w", err)
	}
	begin := at - first*partSize
	if begin+size > len(body) {
		return nil, fmt.Errorf("statement file %s has %d of %d bytes", f.ID, first*partSize+len(body), f.Size)
	}
	return body[begin : begin+size], nil
}
