package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

var (
	// ErrPaperKind means that a file is no PDF, JPEG, PNG or WebP, or that its content is not what its name says.
	ErrPaperKind = errors.New("paper is of no accepted kind")
	// ErrPaperSize means that a file is empty or larger than PaperMax.
	ErrPaperSize = errors.New("paper is empty or too large")
	// ErrNoPaper means that there is no such paper beside a record of this book.
	ErrNoPaper = errors.New("no such paper")
)

// PaperMax is the largest paper that is kept, in bytes.
const PaperMax = 5 << 20

// papersMax is how many papers one record shows.
const papersMax = 200

// Paper is a scan or photo beside a record. Its content is kept once a book, under its SHA-256, and only ever handed out
// for download.
type Paper struct {
	ID      uuid.UUID
	Object  string // the record: "lot:0190…"
	Name    string // safe as a file name
	Media   string
	Size    int32
	Hash    []byte
	AddedBy uuid.UUID
	AddedAt time.Time
}

// media are the accepted kinds by the first bytes of a file, with the endings that its name may have.
var media = []struct {
	media string
	fits  func(body []byte) bool
	ends  []string
}{
	{"application/pdf", func(b []byte) bool { return bytes.HasPrefix(b, []byte("%PDF-")) }, []string{".pdf"}},
	{"image/jpeg", func(b []byte) bool { return bytes.HasPrefix(b, []byte("\xff\xd8\xff")) }, []string{".jpg", ".jpeg"}},
	{"image/png", func(b []byte) bool { return bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")) }, []string{".png"}},
	{"image/webp", func(b []byte) bool {
		return len(b) > 12 && bytes.HasPrefix(b, []byte("RIFF")) && string(b[8:12]) == "WEBP"
	}, []string{".webp"}},
}

// paperMedia tells what a file is by its content, and refuses one that names itself otherwise.
func paperMedia(name string, body []byte) (string, error) {
	end := strings.ToLower(path.Ext(name))
	for _, m := range media {
		if m.fits(body) {
			for _, allowed := range m.ends {
				if end == allowed {
					return m.media, nil
				}
			}
		}
	}
	return "", fmt.Errorf("%w: %q", ErrPaperKind, end)
}

// PaperName makes a name safe to download under: letters and digits of any script, one dot before the ending.
func PaperName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	end := strings.ToLower(path.Ext(name))
	var b strings.Builder
	for _, r := range strings.TrimSuffix(name, path.Ext(name)) {
		switch {
		case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	runes := []rune(strings.Trim(b.String(), "_"))
	if len(runes) > 80 {
		runes = runes[:80]
	}
	if len(runes) == 0 {
		runes = []rune("paper")
	}
	return string(runes) + end
}

const (
	sqlPaperInsert = `
insert into paper (book_id, hash, media, body, added_at) values ($1, $2, $3, $4, $5) on conflict (book_id, hash) do nothing`

	sqlAttachmentInsert = `
insert into attachment (book_id, id, object, hash, name, added_by, added_at) values ($1, $2, $3, $4, $5, $6, $7)
on conflict (book_id, object, hash) do nothing`

	paperColumns = `a.id, a.object, a.name, p.media, length(p.body)::int4, a.hash, a.added_by, a.added_at`

	sqlPaperList = `
select ` + paperColumns + `
  from attachment a join paper p on p.book_id = a.book_id and p.hash = a.hash
 where a.book_id = $1 and a.object = $2
 order by a.added_at, a.id limit $3`

	sqlPaperRead = `
select ` + paperColumns + `, p.body
  from attachment a join paper p on p.book_id = a.book_id and p.hash = a.hash
 where a.book_id = $1 and a.id = $2`
)

// AddPaper puts a paper beside a record. The same content beside the same record again changes nothing.
// ErrPaperSize, ErrPaperKind.
func AddPaper(ctx context.Context, tx pgx.Tx, book *Book, object, name string, body []byte, by uuid.UUID, now time.Time) (Paper, error) {
	if len(body) == 0 || len(body) > PaperMax {
		return Paper{}, fmt.Errorf("%w: %d bytes", ErrPaperSize, len(body))
	}
	kind, err := paperMedia(name, body)
	if err != nil {
		return Paper{}, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return Paper{}, fmt.Errorf("make id of a paper: %w", err)
	}
	sum := sha256.Sum256(body)
	p := Paper{ID: id, Object: object, Name: PaperName(name), Media: kind, Size: int32(len(body)), Hash: sum[:], AddedBy: by, AddedAt: now}
	if _, err := tx.Exec(ctx, sqlPaperInsert, book.ID, p.Hash, kind, body, now); err != nil {
		return Paper{}, fmt.Errorf("keep paper: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlAttachmentInsert, book.ID, id, object, p.Hash, p.Name, by, now); err != nil {
		return Paper{}, fmt.Errorf("attach paper: %w", err)
	}
	return p, nil
}

// Papers lists what lies beside a record, oldest first.
func Papers(ctx context.Context, q pg.Querier, book *Book, object string) ([]Paper, error) {
	rows, err := q.Query(ctx, sqlPaperList, book.ID, object, papersMax)
	if err != nil {
		return nil, fmt.Errorf("list papers: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Paper])
}

// ReadPaper gives a paper with its content, or ErrNoPaper. The content is checked against its hash.
func ReadPaper(ctx context.Context, q pg.Querier, book *Book, id uuid.UUID) (p Paper, body []byte, err error) {
	err = q.QueryRow(ctx, sqlPaperRead, book.ID, id).Scan(&p.ID, &p.Object, &p.Name, &p.Media, &p.Size, &p.Hash, &p.AddedBy, &p.AddedAt, &body)
	if errors.Is(err, pgx.ErrNoRows) {
		return p, nil, ErrNoPaper
	}
	if err != nil {
		return p, nil, fmt.Errorf("read paper: %w", err)
	}
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], p.Hash) {
		return p, nil, fmt.Errorf("read paper %s: its content is not what was kept", id)
	}
	return p, body, nil
}
