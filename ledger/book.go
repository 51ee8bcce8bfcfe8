package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
)

// Errors about books and funds.
var (
	ErrNoBook = errors.New("no such book")
	ErrNoFund = errors.New("no such fund")
	// ErrCodeTaken means that another fund or street of the book has the code.
	ErrCodeTaken = errors.New("code is taken")
	// ErrBadFund means an unknown kind or fee bearer, a code that cannot be one, a name that is missing, or a street that is
	// not of the book. ErrBadStreet likewise.
	ErrBadFund   = errors.New("fund is not complete")
	ErrBadStreet = errors.New("street is not complete")
	// ErrNoStreet means that the book has no such street. Answer 404.
	ErrNoStreet = errors.New("no such street")
)

// Book is one association's set of books. Read once; nothing changes its fields once it is in use.
type Book struct {
	ID       int32
	Code     string
	Host     string // host name that serves it; empty for none
	NameZH   string
	NameEN   string
	Regime   string // "cn2026" or "cn2004"
	Currency string // ISO 4217, the currency the books are kept in
	RefKey   [16]byte
	Sandbox  bool // no real money is taken
	Zone     *time.Location
	// Keys open personal data. They come from outside of the database: Books does not know them, UseKeys sets them.
	Keys *seal.Ring
}

// Name is the association's name in lang ("zh-CN" or "en").
func (b *Book) Name(lang string) string { return pick(lang, b.NameZH, b.NameEN) }

// Day is the business day of an instant in the book's time zone.
func (b *Book) Day(t time.Time) time.Time {
	y, m, d := t.In(b.Zone).Date()
	return Day(y, m, d)
}

// Begin is the first instant of a business day in the book's time zone.
func (b *Book) Begin(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, b.Zone)
}

// Day is a calendar day, as midnight UTC.
func Day(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// Year is the first day of a day's year.
func Year(day time.Time) time.Time { return Day(day.Year(), time.January, 1) }

// Month is the first day of a day's month.
func Month(day time.Time) time.Time { return Day(day.Year(), day.Month(), 1) }

func pick(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

const sqlBookInsert = `
insert into book (book_id, code, host, name_zh, name_en, regime, ccy, time_zone, ref_key, sandbox)
values ((select coalesce(max(book_id), 0) + 1 from book), $1, nullif($2, ''), $3, $4, $5, $6, $7, $8, $9)
returning book_id`

// CreateBook opens a new, empty book. It fills ID and RefKey, and the rest of the transaction works in the book.
func CreateBook(ctx context.Context, tx pgx.Tx, b Book) (*Book, error) {
	if _, err := rand.Read(b.RefKey[:]); err != nil {
		return nil, fmt.Errorf("make reference key: %w", err)
	}
	err := tx.QueryRow(ctx, sqlBookInsert, b.Code, b.Host, b.NameZH, b.NameEN, b.Regime, b.Currency,
		b.Zone.String(), b.RefKey[:], b.Sandbox).Scan(&b.ID)
	if err != nil {
		return nil, fmt.Errorf("create book %s: %w", b.Code, err)
	}
	if err := pg.EnterBook(ctx, tx, b.ID); err != nil || b.Keys == nil {
		return &b, err
	}
	return &b, UseKeys(ctx, tx, &b, b.Keys)
}

const sqlBooks = `
select book_id, code, coalesce(host, ''), name_zh, name_en, regime, ccy, time_zone, ref_key, sandbox
  from book order by book_id`

// Books lists all books of this database.
func Books(ctx context.Context, q pg.Querier) ([]*Book, error) {
	rows, err := q.Query(ctx, sqlBooks)
	if err != nil {
		return nil, fmt.Errorf("read books: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (*Book, error) {
		var b Book
		var zone string
		var key []byte
		if err := row.Scan(&b.ID, &b.Code, &b.Host, &b.NameZH, &b.NameEN, &b.Regime, &b.Currency, &zone, &key, &b.Sandbox); err != nil {
			return nil, err
		}
		copy(b.RefKey[:], key)
		if b.Zone, err = time.LoadLocation(zone); err != nil {
			return nil, fmt.Errorf("book %s: %w", b.Code, err)
		}
		return &b, nil
	})
}

// BookByCode finds a book, or ErrNoBook.
func BookByCode(ctx context.Context, q pg.Querier, code string) (*Book, error) {
	books, err := Books(ctx, q)
	if err != nil {
		return nil, err
	}
	for _, b := range books {
		if b.Code == code {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: %s", ErrNoBook, code)
}

// Kinds of funds (accounting.md 1.2).
const (
	General    = "general"    // G 非限定
	Designated = "designated" // D 理事会指定, not a restriction
	Restricted = "restricted" // R 捐赠人限定
	Subsidy    = "subsidy"    // S 财政限定
	Endowment  = "endowment"  // E 留本
	Agency     = "agency"     // A 受托代理
)

// Who bears a processor's fee on a gift to the fund.
const (
	FeeByGeneral = "general"
	FeeByFund    = "fund"
	FeeByDonor   = "donor"
)

// Fund is a self-balancing set of accounts inside a book.
type Fund struct {
	ID        int32
	Code      string
	Kind      string
	NameZH    string
	NameEN    string
	PurposeZH string
	PurposeEN string
	StreetID  *int32
	FeeBearer string
}

// Name is the fund's name in lang.
func (f *Fund) Name(lang string) string { return pick(lang, f.NameZH, f.NameEN) }

// Purpose is what the fund may be used for, in lang.
func (f *Fund) Purpose(lang string) string { return pick(lang, f.PurposeZH, f.PurposeEN) }

// HasRestriction tells whether income of the fund is restricted (.02), which follows from its kind.
func (f *Fund) HasRestriction() bool {
	return f.Kind == Restricted || f.Kind == Subsidy || f.Kind == Endowment
}

// Class picks the restricted or the unrestricted account of a pair by the fund's kind: Class("gift") is "gift.r" or "gift.u".
func (f *Fund) Class(base string) string {
	if f.HasRestriction() {
		return base + ".r"
	}
	return base + ".u"
}

// Street is a street office (街道) that keeps funds.
type Street struct {
	ID     int32
	Code   string
	NameZH string
	NameEN string
}

// Name is the street's name in lang.
func (s *Street) Name(lang string) string { return pick(lang, s.NameZH, s.NameEN) }

const sqlStreetInsert = `
insert into street (book_id, street_id, code, name_zh, name_en)
values ($1, (select coalesce(max(street_id), 0) + 1 from street where book_id = $1), $2, $3, $4)
returning street_id`

// CreateStreet adds a street to a book. ErrCodeTaken, ErrBadStreet.
func CreateStreet(ctx context.Context, tx pgx.Tx, book *Book, s Street) (*Street, error) {
	if !codeOK(s.Code) || !labelOK(s.NameZH) || !labelOK(s.NameEN) {
		return nil, fmt.Errorf("create street %s: %w", s.Code, ErrBadStreet)
	}
	if err := tx.QueryRow(ctx, sqlStreetInsert, book.ID, s.Code, s.NameZH, s.NameEN).Scan(&s.ID); err != nil {
		return nil, fmt.Errorf("create street %s: %w", s.Code, codeError(err))
	}
	return &s, nil
}

const sqlStreetRename = `
update street set name_zh = $3, name_en = $4 where book_id = $1 and street_id = $2
returning code`

// RenameStreet gives a street other names, on old pages too; its code stays. ErrNoStreet, ErrBadStreet.
func RenameStreet(ctx context.Context, tx pgx.Tx, book *Book, s Street) (*Street, error) {
	if !labelOK(s.NameZH) || !labelOK(s.NameEN) {
		return nil, fmt.Errorf("rename street %d: %w", s.ID, ErrBadStreet)
	}
	err := tx.QueryRow(ctx, sqlStreetRename, book.ID, s.ID, s.NameZH, s.NameEN).Scan(&s.Code)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, ErrNoStreet
	}
	if err != nil {
		return nil, fmt.Errorf("rename street %d: %w", s.ID, err)
	}
	return &s, nil
}

const sqlStreets = `select street_id, code, name_zh, name_en from street where book_id = $1 order by street_id`

// Streets lists a book's streets.
func Streets(ctx context.Context, q pg.Querier, book *Book) ([]Street, error) {
	rows, err := q.Query(ctx, sqlStreets, book.ID)
	if err != nil {
		return nil, fmt.Errorf("read streets: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Street])
}

const sqlFundInsert = `
insert into fund (book_id, fund_id, code, kind, name_zh, name_en, purpose_zh, purpose_en, street_id, fee_bearer)
values ($1, (select coalesce(max(fund_id), 0) + 1 from fund where book_id = $1), $2, $3, $4, $5, $6, $7, $8, $9)
returning fund_id`

// CreateFund adds a fund to a book. An empty FeeBearer means the general fund. ErrCodeTaken, ErrBadFund.
func CreateFund(ctx context.Context, tx pgx.Tx, book *Book, f Fund) (*Fund, error) {
	if f.FeeBearer == "" {
		f.FeeBearer = FeeByGeneral
	}
	if !labelOK(f.NameZH) || !labelOK(f.NameEN) {
		return nil, fmt.Errorf("create fund %s: %w: name", f.Code, ErrBadFund)
	}
	err := tx.QueryRow(ctx, sqlFundInsert, book.ID, f.Code, f.Kind, f.NameZH, f.NameEN, f.PurposeZH, f.PurposeEN,
		f.StreetID, f.FeeBearer).Scan(&f.ID)
	if err != nil {
		return nil, fmt.Errorf("create fund %s: %w", f.Code, codeError(err))
	}
	return &f, nil
}

// FeeBearers lists who may bear a processor's fee.
func FeeBearers() []string { return []string{FeeByGeneral, FeeByFund, FeeByDonor} }

var codePattern = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)

func codeOK(code string) bool { return codePattern.MatchString(code) }

// labelOK wants one to a hundred characters on one line.
func labelOK(name string) bool {
	n := utf8.RuneCountInString(name)
	return n >= 1 && n <= 100 && utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// codeError turns what the database refused of a fund or a street into our words.
func codeError(err error) error {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.ConstraintName {
		case "fund_book_id_code_key", "street_book_id_code_key":
			return ErrCodeTaken
		case "fund_code_check", "fund_kind_check", "fund_fee_bearer_check", "fund_book_id_street_id_fkey":
			return fmt.Errorf("%w: %s", ErrBadFund, refused.ConstraintName)
		}
	}
	return err
}

const sqlFunds = `
select fund_id, code, kind, name_zh, name_en, purpose_zh, purpose_en, street_id, fee_bearer
  from fund where book_id = $1 order by fund_id`

// Funds lists a book's funds in order of opening.
func Funds(ctx context.Context, q pg.Querier, book *Book) ([]Fund, error) {
	rows, err := q.Query(ctx, sqlFunds, book.ID)
	if err != nil {
		return nil, fmt.Errorf("read funds: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Fund])
}

const sqlFundByCode = `
select fund_id, code, kind, name_zh, name_en, purpose_zh, purpose_en, street_id, fee_bearer
  from fund where book_id = $1 and code = $2`

// FundByCode finds a fund of a book, or ErrNoFund.
func FundByCode(ctx context.Context, q pg.Querier, book *Book, code string) (*Fund, error) {
	rows, err := q.Query(ctx, sqlFundByCode, book.ID, code)
	if err != nil {
		return nil, fmt.Errorf("read fund %s: %w", code, err)
	}
	f, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Fund])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", ErrNoFund, code)
	}
	if err != nil {
		return nil, fmt.Errorf("read fund %s: %w", code, err)
	}
	return &f, nil
}
