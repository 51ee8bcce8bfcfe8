package funds

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// States of a file.
const (
	Draft   = "draft"
	Open    = "open"
	Closed  = "closed"
	Refused = "refused" // by the committee
	Dropped = "dropped" // by who applied
)

// File is a fund's life on paper: the application with agreement and committee, later its charter, its changes and its end.
type File struct {
	ID             uuid.UUID
	Number         int32
	State          string
	FundID         *int32 // made by the opening; of an application, a fund that is there and has no charter yet
	StreetID       *int32
	Code           string
	NameZH, NameEN string
	AboutZH        string // what it is for, in words
	AboutEN        string
	Terms          Terms // as applied for
	Agency         *AgencyTest
	Agreement      []byte // SHA-256 of the paper
	EnteredBy      uuid.UUID
	EnteredAt      time.Time
	RestTo         *int32
	Rest           *int64 // minor units
	ClosedOn       *time.Time
	PublishBy      *time.Time // last day to publish what became of its rest; nil where no law asks for it
	PublishedOn    *time.Time
	PublishedAt    string
	Version        int32
	RestBasis      string     // what let the rest go there: BySimilar, ByFiling, ByConsent; empty where nothing was left
	RestRef        string     // number of the filing or the consent
	RestReason     string     // why the fund ended
	RestEntry      *uuid.UUID // the entry that moved it
}

// Object names the file in its history and beside its papers.
func (f *File) Object() string { return giving.Object("fund-file", f.ID) }

// Label is what people call it.
func (f *File) Label() string { return fmt.Sprintf("F%d", f.Number) }

// Name is the fund's name in lang.
func (f *File) Name(lang string) string {
	if lang == "en" {
		return f.NameEN
	}
	return f.NameZH
}

const (
	fileColumns = `
id, number, state, fund_id, street_id, code, name_zh, name_en, about_zh, about_en, terms, agency, agreement, entered_by, entered_at, rest_to, rest, closed_on, publish_by,
       published_on, published_at, version, rest_basis, rest_ref, rest_reason, rest_entry`

	sqlFileByID   = `select ` + fileColumns + ` from fund_file where book_id = $1 and id = $2`
	sqlFileByFund = `select ` + fileColumns + ` from fund_file where book_id = $1 and fund_id = $2 and state in ('open', 'closed')`

	sqlFiles = `
select ` + fileColumns + `
  from fund_file
 where book_id = $1 and ($2 or street_id = any($3::int4[]) or fund_id = any($4::int4[])) and ($5 = '' or state = $5) and ($6 = 0 or number < $6)
 order by number desc limit $7`

	sqlFileNext = `select coalesce(max(number), 0) + 1 from fund_file where book_id = $1`
	sqlFileLock = `select pg_advisory_xact_lock(hashtextextended('fund files:' || $1::int4, 0))`

	sqlFileInsert = `
insert into fund_file (book_id, id, number, state, fund_id, street_id, code, name_zh, name_en, about_zh, about_en, terms, agency, entered_by, entered_at)
values ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`

	sqlFileMove = `
update fund_file set state = $4, fund_id = $5, agreement = $6, rest_to = $7, rest = $8, closed_on = $9, publish_by = $10, published_on = $11, published_at = $12, rest_basis = $13, rest_ref = $14,
       rest_reason = $15, rest_entry = $16, version = version + 1
 where book_id = $1 and id = $2 and version = $3`

	sqlCodeTaken = `select exists (select from fund where book_id = $1 and code = $2)`
)

// FilesMax is the most files one call lists.
const FilesMax = 100

// FileFilter narrows the list of files; All, Streets and Funds say what is in sight.
type FileFilter struct {
	All     bool
	Streets []int32
	Funds   []int32
	State   string
	Before  int32 // number to continue behind
	Limit   int   // at most FilesMax
}

// Files lists files, newest first.
func Files(ctx context.Context, q pg.Querier, book *ledger.Book, f FileFilter) ([]File, error) {
	if f.Limit < 1 || f.Limit > FilesMax+1 {
		f.Limit = FilesMax
	}
	rows, err := q.Query(ctx, sqlFiles, book.ID, f.All, f.Streets, f.Funds, f.State, f.Before, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list fund files: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[File])
}

// FileByID reads a file, or giving.ErrNoRecord.
func FileByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*File, error) {
	return giving.Record[File](ctx, q, sqlFileByID, book.ID, id)
}

// FileOf reads the file of a fund that was opened by one, or giving.ErrNoRecord.
func FileOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32) (*File, error) {
	return giving.Record[File](ctx, q, sqlFileByFund, book.ID, fund)
}

var fundCode = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)

// Apply plans an application for a fund; with FundID, for the charter of a fund that is there. Agency says whose money it will be, and so which
// sort it may be. *giving.FieldErrors.
func Apply(ctx context.Context, q pg.Querier, book *ledger.Book, f File) (*giving.Move, error) {
	var wrong giving.FieldErrors
	known, err := Purposes(ctx, q, book)
	if err != nil {
		return nil, err
	}
	f.Terms.check(known, &wrong)
	if f.Agency == nil {
		wrong.Refuse("sort", "fundfile.agency.missing")
	} else if f.Agency.Agency() != (f.Terms.Sort == Agency) {
		wrong.Refuse("sort", map[bool]string{true: "fundfile.agency.is", false: "fundfile.agency.isnot"}[f.Agency.Agency()])
	}
	if err := f.place(ctx, q, book, &wrong); err != nil {
		return nil, err
	}
	if _, err := q.Exec(ctx, sqlFileLock, book.ID); err != nil {
		return nil, fmt.Errorf("lock numbers: %w", err)
	}
	if err := q.QueryRow(ctx, sqlFileNext, book.ID).Scan(&f.Number); err != nil {
		return nil, fmt.Errorf("number fund file: %w", err)
	}
	return f.move("fund-applied", f.Label()+" "+f.NameZH, func(ctx context.Context, tx pgx.Tx) error {
		return giving.Settled(ctx, tx, sqlFileInsert, book.ID, f.ID, f.Number, f.FundID, f.StreetID, f.Code, f.NameZH, f.NameEN, f.AboutZH, f.AboutEN, f.Terms, f.Agency, f.EnteredBy, f.EnteredAt)
	}), wrong.Err()
}

// place checks names and code of a new fund, or takes those of the one that is there.
func (f *File) place(ctx context.Context, q pg.Querier, book *ledger.Book, wrong *giving.FieldErrors) error {
	if f.FundID == nil {
		wrong.Text("zh", f.NameZH, 1, 100)
		wrong.Text("en", f.NameEN, 1, 100)
		wrong.Text("about-zh", f.AboutZH, 1, 400)
		wrong.Text("about-en", f.AboutEN, 1, 400)
		var taken bool
		if err := q.QueryRow(ctx, sqlCodeTaken, book.ID, f.Code).Scan(&taken); err != nil {
			return fmt.Errorf("look for fund: %w", err)
		}
		if taken || !fundCode.MatchString(f.Code) {
			wrong.Refuse("code", map[bool]string{true: "funds.code.taken", false: "funds.code.wrong"}[taken])
		}
		return nil
	}
	fund, err := fundByID(ctx, q, book, *f.FundID)
	if err != nil {
		return err
	}
	if fund.Kind != Kind(f.Terms.Sort) {
		wrong.Refuse("fund", "fundfile.fund.kind")
	}
	if err := f.free(ctx, q, book, "fund", wrong); err != nil {
		return err
	}
	f.Code, f.NameZH, f.NameEN, f.StreetID = fund.Code, fund.NameZH, fund.NameEN, fund.StreetID
	wrong.Text("about-zh", f.AboutZH, 1, 400)
	wrong.Text("about-en", f.AboutEN, 1, 400)
	return nil
}

// free refuses, at a field, a fund that has been opened by another file.
func (f *File) free(ctx context.Context, q pg.Querier, book *ledger.Book, field string, wrong *giving.FieldErrors) error {
	if f.FundID == nil {
		return nil
	}
	_, err := FileOf(ctx, q, book, *f.FundID)
	switch {
	case err == nil:
		wrong.Refuse(field, "fundfile.fund.taken")
	case !errors.Is(err, giving.ErrNoRecord):
		return err
	}
	return nil
}

// fundByID finds a fund, or ledger.ErrNoFund.
func fundByID(ctx context.Context, q pg.Querier, book *ledger.Book, id int32) (*ledger.Fund, error) {
	list, err := ledger.Funds(ctx, q, book)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].ID == id {
			return &list[i], nil
		}
	}
	return nil, fmt.Errorf("%w: %d", ledger.ErrNoFund, id)
}

func (f *File) becomes(ctx context.Context, tx pgx.Tx, book *ledger.Book, to File) error {
	err := giving.Settled(ctx, tx, sqlFileMove, book.ID, f.ID, f.Version, to.State, to.FundID, to.Agreement, to.RestTo, to.Rest, to.ClosedOn, to.PublishBy, to.PublishedOn, to.PublishedAt,
		to.RestBasis, to.RestRef, to.RestReason, to.RestEntry)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.ConstraintName == "fund_file_fund" { // another file opened the fund meanwhile
		return giving.ErrStep
	}
	return err
}

// move is a step of the file that books nothing.
func (f *File) move(act, note string, settle func(ctx context.Context, tx pgx.Tx) error) *giving.Move {
	return &giving.Move{Source: "fund", Object: f.Object(), Act: act, Note: note, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return settle(ctx, tx) }}
}

// end plans that an application comes to nothing.
func (f *File) end(book *ledger.Book, act, state, reason string) (*giving.Move, error) {
	if f.State != Draft {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *f
	to.State = state
	return f.move(act, reason, func(ctx context.Context, tx pgx.Tx) error { return f.becomes(ctx, tx, book, to) }), wrong.Err()
}

// Refuse plans the note that the committee said no. *giving.FieldErrors, giving.ErrStep.
func Refuse(book *ledger.Book, f *File, reason string) (*giving.Move, error) {
	return f.end(book, "fund-refused", Refused, reason)
}

// Drop plans that who applied takes the application back. *giving.FieldErrors, giving.ErrStep.
func Drop(book *ledger.Book, f *File, reason string) (*giving.Move, error) {
	return f.end(book, "fund-dropped", Dropped, reason)
}
