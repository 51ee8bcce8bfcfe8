package subsidies

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

// ErrLapsed means that the letter's fiscal year is over: nothing of it can be claimed any more.
var ErrLapsed = errors.New("letter has lapsed")

// Letter is what a street has promised in writing. Amounts are minor units of the book's currency.
type Letter struct {
	ID         uuid.UUID
	Number     int32
	FundID     int32
	StreetID   int32
	CampaignID *int32 // whose gifts count; nil: all gifts to the fund
	Party      string // the office that signed
	Document   string // number and name of the letter
	SignedOn   time.Time
	Counts     string // All, Online, Offline
	GiftMin    int64  // smaller gifts do not count
	Rule
	OpensOn    time.Time // first and last day of the gifts that count
	ClosesOn   time.Time
	FiscalYear int16
	LapsesOn   time.Time // last day on which it may be claimed: the fiscal year's
	Terms      string    // Grant, Advance
	Homes      int32     // families that share the whole; zero: not told
	Claimed    int64     // by statements that both sides signed
	Received   int64
	Returned   int64
	Lapsed     int64
	Parallel   int64 // paid by the street itself; never on the books
	State      string
	EnteredBy  uuid.UUID
	NoticedOn  *time.Time
}

// Which gifts count.
const (
	All     = "all"
	Online  = "online"
	Offline = "offline"
)

// Whether the street's money is the association's when it comes, or owed back until it is spent as agreed (E32b).
const (
	Grant   = "grant"
	Advance = "advance"
)

// States of a letter.
const (
	Draft  = "draft"  // entered by the street, not on the books
	Open   = "open"   // committed
	Lapsed = "lapsed" // what was not claimed is gone; what was may still come and be spent
	Void   = "void"   // written down wrong
)

// Object names the letter in its history and beside its papers.
func (l *Letter) Object() string { return giving.Object("subsidy", l.ID) }

// Name is what the books call it.
func (l *Letter) Name() string { return fmt.Sprintf("J%d", l.Number) }

// source tags the letter's accounts.
func (l *Letter) source() string { return "letter:" + l.Name() }

// Promised is what may still come by the memo account: committed, not received, not lapsed.
func (l *Letter) Promised() int64 {
	if l.State == Draft || l.State == Void {
		return 0
	}
	return l.Cap - l.Received - l.Lapsed
}

// Due is what the street has signed for and has not paid.
func (l *Letter) Due() int64 { return l.Claimed - l.Received }

// LettersMax is how many letters one page lists; limitMax how many one may ask for.
const (
	LettersMax = 50
	limitMax   = 101
)

// Filter narrows the list of letters. Zero values narrow nothing.
type Filter struct {
	All     bool    // of every street and fund
	Streets []int32 // else those of these streets, and of these funds
	Funds   []int32
	State   string
	Street  int32
	Year    int16
	Before  int32 // number of the last letter of the page before
	Limit   int
}

const (
	sqlLetterNext = `select coalesce(max(number), 0) + 1 from subsidy_letter where book_id = $1`

	letterColumns = `id, number, fund_id, street_id, campaign_id, party, document, signed_on, counts, gift_min, per, threshold, lump, ratio_num, ratio_den,
       share_cap, cap, opens_on, closes_on, fiscal_year, lapses_on, terms, homes, claimed, received, returned, lapsed, parallel, state, entered_by, noticed_on`

	sqlLetterInsert = `
insert into subsidy_letter (book_id, id, number, fund_id, street_id, campaign_id, party, document, signed_on, counts, gift_min, per, threshold, lump, ratio_num, ratio_den,
       share_cap, cap, opens_on, closes_on, fiscal_year, lapses_on, terms, homes, state, entered_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)`

	sqlLetterByID = `select ` + letterColumns + ` from subsidy_letter where book_id = $1 and id = $2`

	sqlLetters = `
select ` + letterColumns + `
  from subsidy_letter
 where book_id = $1 and ($2 or street_id = any($3::int4[]) or fund_id = any($4::int4[])) and ($5 = '' or state = $5) and ($6 = 0 or street_id = $6)
   and ($7 = 0 or fiscal_year = $7) and ($8 = 0 or number < $8)
 order by number desc limit $9`

	// A step that began from other figures moves no row.
	sqlLetterMove = `
update subsidy_letter set claimed = $3, received = $4, returned = $5, lapsed = $6, parallel = $7, state = $8, noticed_on = $9
 where book_id = $1 and id = $2 and claimed = $10 and received = $11 and returned = $12 and lapsed = $13 and parallel = $14 and state = $15`
)

// ByID reads a letter, or giving.ErrNoRecord.
func ByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Letter, error) {
	rows, err := q.Query(ctx, sqlLetterByID, book.ID, id)
	if err != nil {
		return nil, fmt.Errorf("read letter: %w", err)
	}
	l, err := pgx.CollectExactlyOneRow(rows, scanLetter)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, giving.ErrNoRecord
	}
	if err != nil {
		return nil, fmt.Errorf("read letter: %w", err)
	}
	return &l, nil
}

func scanLetter(row pgx.CollectableRow) (l Letter, err error) {
	err = row.Scan(&l.ID, &l.Number, &l.FundID, &l.StreetID, &l.CampaignID, &l.Party, &l.Document, &l.SignedOn, &l.Counts, &l.GiftMin, &l.Per, &l.Threshold, &l.Lump, &l.Num, &l.Den,
		&l.ShareCap, &l.Cap, &l.OpensOn, &l.ClosesOn, &l.FiscalYear, &l.LapsesOn, &l.Terms, &l.Homes, &l.Claimed, &l.Received, &l.Returned, &l.Lapsed, &l.Parallel, &l.State,
		&l.EnteredBy, &l.NoticedOn)
	return l, err
}

// Letters lists letters, newest first.
func Letters(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter) ([]Letter, error) {
	if f.Limit < 1 || f.Limit > limitMax {
		f.Limit = LettersMax
	}
	rows, err := q.Query(ctx, sqlLetters, book.ID, f.All, f.Streets, f.Funds, f.State, f.Street, f.Year, f.Before, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list letters: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanLetter)
	if err != nil {
		return nil, fmt.Errorf("list letters: %w", err)
	}
	return list, nil
}

// becomes writes what the letter becomes, or giving.ErrStep when it has moved since it was read.
func (l *Letter) becomes(ctx context.Context, tx pgx.Tx, book *ledger.Book, to Letter) error {
	return giving.Settled(ctx, tx, sqlLetterMove, book.ID, l.ID, to.Claimed, to.Received, to.Returned, to.Lapsed, to.Parallel, to.State, to.NoticedOn,
		l.Claimed, l.Received, l.Returned, l.Lapsed, l.Parallel, l.State)
}

// settle is becomes as a move's Settle.
func (l *Letter) settle(book *ledger.Book, to Letter) func(context.Context, pgx.Tx, uuid.UUID) error {
	return func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return l.becomes(ctx, tx, book, to) }
}

const sqlLetterStreet = `
select f.kind, coalesce(f.street_id, 0), coalesce((select c.fund_id from campaign c where c.book_id = $1 and c.campaign_id = $3), 0), exists (select from street where book_id = $1 and street_id = $4)
  from fund f where f.book_id = $1 and f.fund_id = $2`

// check holds a letter to what the form may say. *giving.FieldErrors.
func (l *Letter) check(ctx context.Context, q pg.Querier, book *ledger.Book) error {
	var wrong giving.FieldErrors
	wrong.Text("party", l.Party, 1, 100)
	wrong.Text("document", l.Document, 1, 200)
	wrong.Sum("cap", l.Cap)
	if l.Lump < 0 || l.Lump > ledger.AmountMax || l.Lump == 0 && l.Num == 0 {
		wrong.Refuse("num", "subsidy.rule.none")
	}
	if l.Num < 0 || l.Num > RatioMax || l.Den < 1 || l.Den > RatioMax {
		wrong.Refuse("num", "subsidy.ratio.wrong", "most", fmt.Sprint(RatioMax))
	}
	if l.ClosesOn.Before(l.OpensOn) {
		wrong.Refuse("due-closes", "subsidy.window.wrong")
	}
	if l.FiscalYear < 1990 || l.FiscalYear > 2200 || l.LapsesOn.Before(l.ClosesOn) {
		wrong.Refuse("year", "subsidy.year.wrong")
	}
	var kind string
	var street, campaignFund int32
	var known bool
	err := q.QueryRow(ctx, sqlLetterStreet, book.ID, l.FundID, l.CampaignID, l.StreetID).Scan(&kind, &street, &campaignFund, &known)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		wrong.Refuse("fund", "subsidy.fund.wrong")
	case err != nil:
		return fmt.Errorf("read fund of letter: %w", err)
	case kind == ledger.Agency || kind == ledger.General:
		wrong.Refuse("fund", "subsidy.fund.wrong")
	case !known || street != 0 && street != l.StreetID:
		wrong.Refuse("fund", "subsidy.fund.street")
	case l.CampaignID != nil && campaignFund != l.FundID:
		wrong.Refuse("campaign", "subsidy.campaign.wrong")
	default:
		if err := wrong.FundTakes(ctx, q, book, l.FundID, "fund"); err != nil {
			return err
		}
	}
	return wrong.Err()
}

// FiscalYearEnd is the last day of a fiscal year, which in China is the calendar year.
func FiscalYearEnd(year int) time.Time { return ledger.Day(year, time.December, 31) }
