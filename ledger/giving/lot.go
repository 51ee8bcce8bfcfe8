package giving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// States of a lot.
const (
	LotKept     = "kept"
	LotAuction  = "auction"
	LotSold     = "sold"
	LotUsed     = "used"
	LotReturned = "returned"
	LotVoid     = "void"
)

// Natures of what lots make.
const (
	natureInKind     = "in-kind"
	natureCostOfSale = "cost_of_sale" // what a sold picture stood for: no aid to anybody (R01)
	naturePremium    = "auction"
)

// Lot is pieces of one kind from one giver. Without a value it stands in the memo accounts, one yuan a piece (E17).
type Lot struct {
	ID         uuid.UUID
	Number     int32
	Kind       string // art, goods
	Title      string
	Unit       string
	Pieces     int32
	FundID     int32
	CampaignID int32
	Firm       string
	Donor      *uuid.UUID
	KeepsTitle bool // the artist gives only what it is sold for (E20)
	ReceivedOn time.Time
	Place      string
	Basis      string // none, document, appraisal
	Appraiser  string
	Value      int64 // what it was received for; zero while it has none
	State      string
	Left       int32 // pieces
	LeftValue  int64 // on 1201
	Impaired   int64 // on 1202
}

// Object names the lot in its history and beside its papers.
func (l *Lot) Object() string { return Object("lot", l.ID) }

// Name is what the books call it.
func (l *Lot) Name() string { return fmt.Sprintf("L%d", l.Number) }

const (
	// Numbers of records are given one at a time; the lock comes before all of the ledger.
	lockRecords = -4

	sqlLotNext = `select coalesce(max(number), 0) + 1 from lot where book_id = $1`

	lotColumns = `id, number, kind, title, unit, pieces, fund_id, campaign_id, firm, donor_id, keeps_title, received_on, place, basis, appraiser, value, state,
       left_pieces, left_value, impaired`

	sqlLotsBefore = `select ` + lotColumns + ` from lot where book_id = $1 and id < $2 order by id desc limit $3`

	sqlLotInsert = `
insert into lot (book_id, id, number, kind, title, unit, pieces, fund_id, campaign_id, firm, donor_id, keeps_title, received_on, place, state, left_pieces, left_value)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'kept', $7, 0)`

	sqlLotByID = `select ` + lotColumns + ` from lot where book_id = $1 and id = $2`
	sqlLots    = `select ` + lotColumns + ` from lot where book_id = $1 order by state in ('kept', 'auction') desc, number desc limit 300`

	sqlLotMove = `
update lot set state = $3, place = $4, basis = $5, appraiser = $6, value = $7, left_pieces = $8, left_value = $9, impaired = $10
 where book_id = $1 and id = $2 and state = $11 and left_pieces = $12 and left_value = $13 and impaired = $14`

	sqlFundByID = `select fund_id, code, kind, name_zh, name_en, purpose_zh, purpose_en, street_id, fee_bearer from fund where book_id = $1 and fund_id = $2`
)

// LotByID reads a lot, or ErrNoRecord.
func LotByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Lot, error) {
	return Record[Lot](ctx, q, sqlLotByID, book.ID, id)
}

// LotsBefore lists them in the order of their ids, latest first.
func LotsBefore(ctx context.Context, q pg.Querier, book *ledger.Book, before uuid.UUID, limit int) ([]Lot, error) {
	return RecordsBefore[Lot](ctx, q, sqlLotsBefore, book, before, limit)
}

// Lots lists those that are here first, newest first.
func Lots(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Lot, error) {
	rows, err := q.Query(ctx, sqlLots, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list lots: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Lot])
}

func fundByID(ctx context.Context, q pg.Querier, book *ledger.Book, id int32) (*ledger.Fund, error) {
	return Record[ledger.Fund](ctx, q, sqlFundByID, book.ID, id)
}

// Campaign is the fund of a campaign that takes gifts, or a refusal of the field campaign.
func (e *FieldErrors) Campaign(ctx context.Context, q pg.Querier, book *ledger.Book, id int32) (*ledger.Fund, error) {
	c, err := CampaignByID(ctx, q, book, id)
	if errors.Is(err, ErrNoCampaign) {
		e.Refuse("campaign", "offline.campaign.wrong")
		return nil, e
	}
	if err != nil {
		return nil, err
	}
	if err := e.FundTakes(ctx, q, book, c.FundID, "campaign"); err != nil {
		return nil, err
	}
	return fundByID(ctx, q, book, c.FundID)
}

// FundTakes refuses, at a field, a fund that has ended.
func (e *FieldErrors) FundTakes(ctx context.Context, q pg.Querier, book *ledger.Book, fund int32, field string) error {
	err := FundTakes(ctx, q, book, fund)
	if errors.Is(err, ErrFundClosed) {
		e.Refuse(field, "offline.fund.closed")
		return nil
	}
	return err
}

// nextNumber gives the next number of a kind of records, held until the transaction ends.
func nextNumber(ctx context.Context, q pg.Querier, book *ledger.Book, sql string) (n int32, err error) {
	if _, err := q.Exec(ctx, sqlLock, book.ID, lockRecords); err != nil {
		return 0, fmt.Errorf("lock numbers: %w", err)
	}
	if err := q.QueryRow(ctx, sql, book.ID).Scan(&n); err != nil {
		return 0, fmt.Errorf("read next number: %w", err)
	}
	return n, nil
}

// ReceiveLot plans taking a lot in: it has no value yet and stands in the memo accounts (E17), unless the artist keeps it.
// Person is the name of a natural person who gives it. *FieldErrors.
func ReceiveLot(ctx context.Context, q pg.Querier, book *ledger.Book, l Lot, person string, now time.Time) (*Move, error) {
	var wrong FieldErrors
	wrong.Text("title", l.Title, 1, 120)
	wrong.Text("unit", l.Unit, 1, 20)
	wrong.Text("place", l.Place, 0, 100)
	if l.Kind != "art" && l.Kind != "goods" {
		wrong.Refuse("kind", "offline.lot.kind")
	}
	if l.Pieces < 1 || l.Pieces > 1_000_000 {
		wrong.Refuse("pieces", "offline.lot.pieces")
	}
	if l.Firm != "" && person != "" {
		wrong.Refuse("person", "offline.giver.both")
	}
	if l.KeepsTitle && l.Kind != "art" {
		wrong.Refuse("title-kept", "offline.lot.title")
	}
	fund, err := wrong.Campaign(ctx, q, book, l.CampaignID)
	if err != nil {
		return nil, err
	}
	if l.Number, err = nextNumber(ctx, q, book, sqlLotNext); err != nil {
		return nil, err
	}
	l.FundID, l.Left = fund.ID, l.Pieces
	m := &Move{Object: l.Object(), Act: "received", Note: l.Name() + " " + l.Title, Kind: ledger.KindGoods, Day: l.ReceivedOn}
	if !l.KeepsTitle {
		m.Lines = l.memo(l.Pieces)
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		if person != "" {
			id, err := KeepDonor(ctx, tx, book, person, now)
			if err != nil {
				return err
			}
			l.Donor = &id
		}
		return Settled(ctx, tx, sqlLotInsert, book.ID, l.ID, l.Number, l.Kind, l.Title, l.Unit, l.Pieces, l.FundID, l.CampaignID, l.Firm, l.Donor, l.KeepsTitle,
			l.ReceivedOn, l.Place)
	}
	return m, wrong.Err()
}

// leaf is an account of the lot.
func (l *Lot) leaf(id chart.ID, nature string) ledger.Leaf {
	leaf := ledger.Leaf{Chart: id, Fund: l.FundID, Dims: ledger.Dims{Instrument: "lot:" + l.Name(), Nature: nature}}
	if acct := chart.MustByID(id); acct.Type == chart.Income || acct.Type == chart.Expense {
		leaf.Dims = ledger.Dims{Campaign: campaignTag(l.CampaignID), Nature: nature}
	}
	return leaf
}

func (l *Lot) stock() ledger.Leaf {
	if l.Kind == "art" {
		return l.leaf("stock.art", "")
	}
	return l.leaf("stock.goods", "")
}

// memo puts unvalued pieces into the register, or takes them out of it when there are fewer than none.
func (l *Lot) memo(pieces int32) []ledger.Line {
	amount := int64(pieces) * 100
	return []ledger.Line{{Leaf: l.leaf("unvalued", ""), Amount: amount}, {Leaf: l.leaf("unvalued.contra", ""), Amount: -amount}}
}

// becomes is the lot's change, refused when it has changed meanwhile.
func (l *Lot) becomes(book *ledger.Book, to Lot) func(context.Context, pgx.Tx, uuid.UUID) error {
	return func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return Settled(ctx, tx, sqlLotMove, book.ID, l.ID, to.State, to.Place, to.Basis, to.Appraiser, to.Value, to.Left, to.LeftValue, to.Impaired,
			l.State, l.Left, l.LeftValue, l.Impaired)
	}
}

// ValueLot plans E16: a document or an appraisal gives the lot its value, and it is a gift. A second person approves.
// *FieldErrors, ErrStep.
func ValueLot(ctx context.Context, q pg.Querier, book *ledger.Book, l *Lot, basis, appraiser string, value int64, day time.Time) (*Move, error) {
	if l.State != LotKept || l.Value != 0 || l.KeepsTitle {
		return nil, ErrStep
	}
	var wrong FieldErrors
	if basis != "document" && basis != "appraisal" {
		wrong.Refuse("basis", "offline.lot.basis")
	}
	wrong.Text("appraiser", appraiser, 1, 100)
	wrong.Sum("value", value)
	l.notBefore(&wrong, day)
	fund, err := fundByID(ctx, q, book, l.FundID)
	if err != nil {
		return nil, err
	}
	to := *l
	to.Basis, to.Appraiser, to.Value, to.LeftValue = basis, appraiser, value, value
	lines := append([]ledger.Line{ledger.Debit(l.stock(), value), ledger.Credit(l.leaf(chart.ID(fund.Class("gift")), natureInKind), value)}, l.memo(-l.Left)...)
	return &Move{Object: l.Object(), Act: "valued", Note: l.Name() + " " + l.Title, Amount: value, Kind: ledger.KindGoods, Day: day, Lines: lines,
		Settle: l.becomes(book, to)}, wrong.Err()
}

func (l *Lot) notBefore(wrong *FieldErrors, day time.Time) {
	if day.Before(l.ReceivedOn) {
		wrong.Refuse("day", "offline.lot.day")
	}
}

// UseLot plans giving pieces out for the fund's purpose: their share of the value is a program cost (E19). A second person
// approves. *FieldErrors, ErrStep.
func UseLot(ctx context.Context, q pg.Querier, book *ledger.Book, l *Lot, pieces int32, use string, day time.Time) (*Move, error) {
	if l.State != LotKept || l.KeepsTitle {
		return nil, ErrStep
	}
	var wrong FieldErrors
	if pieces < 1 || pieces > l.Left {
		wrong.Refuse("pieces", "offline.lot.left", "left", fmt.Sprint(l.Left))
		return nil, &wrong
	}
	wrong.Text("use", use, 1, 200)
	l.notBefore(&wrong, day)
	fund, err := fundByID(ctx, q, book, l.FundID)
	if err != nil {
		return nil, err
	}
	to := *l
	value, impaired := part(l.LeftValue, int64(pieces), int64(l.Left)), part(l.Impaired, int64(pieces), int64(l.Left))
	to.Left, to.LeftValue, to.Impaired = l.Left-pieces, l.LeftValue-value, l.Impaired-impaired
	if to.Left == 0 {
		to.State = LotUsed
	}
	return &Move{Object: l.Object(), Act: "used", Note: l.Name() + " " + use, Amount: value, Kind: ledger.KindGoods, Day: day,
		Lines: l.goes(chart.ID(fund.Class("program")), natureInKind, pieces, value, impaired), Settle: l.becomes(book, to)}, wrong.Err()
}

// goes takes pieces off the books against an account.
func (l *Lot) goes(against chart.ID, nature string, pieces int32, value, impaired int64) (lines []ledger.Line) {
	if l.Value == 0 {
		return l.memo(-pieces)
	}
	if value > impaired {
		lines = append(lines, ledger.Debit(l.leaf(against, nature), value-impaired))
	}
	if impaired > 0 {
		lines = append(lines, ledger.Debit(l.leaf("stock.imp", ""), impaired))
	}
	return append(lines, ledger.Credit(l.stock(), value))
}

// ImpairLot plans E19: the lot has lost worth. A second person approves. *FieldErrors, ErrStep.
func ImpairLot(ctx context.Context, q pg.Querier, book *ledger.Book, l *Lot, amount int64, reason string, day time.Time) (*Move, error) {
	if l.State != LotKept || l.LeftValue == 0 {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Sum("amount", amount)
	if amount > l.LeftValue-l.Impaired {
		wrong.Refuse("amount", "offline.lot.worth")
	}
	wrong.Text("reason", reason, 1, 200)
	l.notBefore(&wrong, day)
	fund, err := fundByID(ctx, q, book, l.FundID)
	if err != nil {
		return nil, err
	}
	to := *l
	to.Impaired += amount
	return &Move{Object: l.Object(), Act: "impaired", Note: l.Name() + " " + reason, Amount: amount, Kind: ledger.KindGoods, Day: day, Lines: []ledger.Line{
		ledger.Debit(l.leaf(chart.ID(fund.Class("impair")), ""), amount), ledger.Credit(l.leaf("stock.imp", ""), amount)}, Settle: l.becomes(book, to)}, wrong.Err()
}

// ReturnLot plans giving a whole lot back to its giver: the gift is taken out of income again. A second person approves.
// *FieldErrors, ErrStep.
func ReturnLot(ctx context.Context, q pg.Querier, book *ledger.Book, l *Lot, reason string, day time.Time) (*Move, error) {
	if l.State != LotKept || l.Left != l.Pieces {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Text("reason", reason, 1, 200)
	l.notBefore(&wrong, day)
	fund, err := fundByID(ctx, q, book, l.FundID)
	if err != nil {
		return nil, err
	}
	to := *l
	to.State, to.Left, to.LeftValue, to.Impaired = LotReturned, 0, 0, 0
	m := &Move{Object: l.Object(), Act: "returned", Note: l.Name() + " " + reason, Amount: l.LeftValue, Kind: ledger.KindGoods, Day: day, Settle: l.becomes(book, to)}
	if !l.KeepsTitle {
		m.Lines = l.goes(chart.ID(fund.Class("gift")), natureInKind, l.Left, l.LeftValue, l.Impaired)
	}
	return m, wrong.Err()
}

// CorrectLot plans taking back what was written down wrong: the value, or before there is one the lot itself, by a reversal
// in red. A second person approves. *FieldErrors, ErrStep.
func CorrectLot(ctx context.Context, q pg.Querier, book *ledger.Book, l *Lot, reason string, day time.Time) (*Move, error) {
	if l.State != LotKept || l.Left != l.Pieces || l.LeftValue != l.Value || l.Impaired != 0 {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	to, last := *l, "valued"
	if l.Value == 0 {
		to.State, to.Left, last = LotVoid, 0, "received"
	} else {
		to.Basis, to.Appraiser, to.Value, to.LeftValue = "none", "", 0, 0
	}
	m := Move{Object: l.Object(), Act: "corrected", Note: l.Name() + " " + l.Title, Reason: reason, Amount: l.Value, Day: day, Settle: l.becomes(book, to)}
	if l.KeepsTitle {
		return &m, nil
	}
	return TakeBack(ctx, q, book, m, last)
}

// StoreLot plans moving a lot to another place. *FieldErrors, ErrStep.
func StoreLot(book *ledger.Book, l *Lot, place string, day time.Time) (*Move, error) {
	if l.State != LotKept && l.State != LotAuction {
		return nil, ErrStep
	}
	var wrong FieldErrors
	wrong.Text("place", place, 1, 100)
	to := *l
	to.Place = place
	return &Move{Object: l.Object(), Act: "stored", Note: place, Day: day, Settle: l.becomes(book, to)}, wrong.Err()
}
