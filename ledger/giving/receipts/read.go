package receipts

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Receipt as issued, and what became of it.
type Receipt struct {
	ID         uuid.UUID
	RangeID    int32
	Code       string // 票据代码
	Number     int64
	Digits     int16
	CheckCode  string
	Face       string // Single, Merged or Goods
	Payer      string // Nobody, Person or Organisation
	Donor      *uuid.UUID
	USCC       string
	FundID     int32
	CampaignID *int32
	Amount     int64 // minor units of Currency
	Currency   string
	Gifts      int64
	GivenOn    time.Time
	IssuedOn   time.Time
	IssuedAt   time.Time
	IssuedBy   uuid.UUID // nil: by itself
	Batch      *uuid.UUID
	Replaces   *uuid.UUID
	ReplacedBy *uuid.UUID
	Void       *Voiding
	Name       string // of the payer; empty for Nobody and for a donor who was erased
	Erased     bool
}

// Voiding says when and why a receipt was declared void.
type Voiding struct {
	Cause, Reason string
	At            time.Time
	By            uuid.UUID // nil: by itself
}

// Printed is the number as it stands on paper.
func (r *Receipt) Printed() string { return printed(r.Number, r.Digits) }

const (
	receiptColumns = `
i.id, i.range_id, a.code, i.number, a.digits, i.check_code, i.face, i.payer, i.donor_id, i.uscc, i.fund_id, i.campaign_id, i.amount, i.ccy, i.gifts,
i.given_on, i.issued_on, i.issued_at, i.issued_by, i.batch_id, i.replaces, n.id, v.cause, v.reason, v.voided_at, v.voided_by`

	receiptTables = `
  receipt i
  join receipt_range a on a.book_id = i.book_id and a.range_id = i.range_id
  left join receipt n on n.book_id = i.book_id and n.replaces = i.id
  left join receipt_void v on v.book_id = i.book_id and v.receipt_id = i.id`

	sqlReceiptByID = `select ` + receiptColumns + ` from ` + receiptTables + ` where i.book_id = $1 and i.id = $2`

	sqlReceiptByNumber = `
select ` + receiptColumns + ` from ` + receiptTables + ` where i.book_id = $1 and a.code = $2 and i.number = $3`

	sqlReceiptsOfGift = `
select ` + receiptColumns + ` from receipt_gift p join ` + receiptTables + `
    on i.book_id = p.book_id and i.id = p.receipt_id
 where p.book_id = $1 and p.gift_id = $2 order by p.issue desc`

	sqlReceipts = `
select ` + receiptColumns + ` from ` + receiptTables + `
 where i.book_id = $1
   and ($2::uuid is null or i.id < $2)
   and ($4::date is null or i.issued_on >= $4) and ($5::date is null or i.issued_on <= $5)
   and ($6::text = '' or ($6 = 'void') = (v.receipt_id is not null))
   and ($7::text = '' or i.face = $7)
   and ($8::int8 = 0 or i.number = $8)
   and ($9::uuid is null or i.batch_id = $9)
 order by i.id desc limit $3`
)

// scanned reads receiptColumns.
func scanned(row pgx.CollectableRow) (Receipt, error) { return scan(row) }

// scan reads receiptColumns and what stands behind them.
func scan(row pgx.CollectableRow, more ...any) (r Receipt, err error) {
	var cause, reason *string
	var at *time.Time
	var by *uuid.UUID
	err = row.Scan(append([]any{&r.ID, &r.RangeID, &r.Code, &r.Number, &r.Digits, &r.CheckCode, &r.Face, &r.Payer, &r.Donor, &r.USCC, &r.FundID, &r.CampaignID,
		&r.Amount, &r.Currency, &r.Gifts, &r.GivenOn, &r.IssuedOn, &r.IssuedAt, &r.IssuedBy, &r.Batch, &r.Replaces, &r.ReplacedBy,
		&cause, &reason, &at, &by}, more...)...)
	if cause != nil {
		r.Void = &Voiding{*cause, *reason, *at, *by}
	}
	return r, err
}

func query(ctx context.Context, q pg.Querier, sql string, args ...any) ([]Receipt, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read receipts: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanned)
	if err != nil {
		return nil, fmt.Errorf("read receipts: %w", err)
	}
	return list, nil
}

func one(ctx context.Context, q pg.Querier, sql string, args ...any) (Receipt, error) {
	list, err := query(ctx, q, sql, args...)
	if err == nil && len(list) == 0 {
		err = ErrNoReceipt
	}
	if err != nil {
		return Receipt{}, err
	}
	return list[0], nil
}

// ByID reads one receipt, without its payer's name. ErrNoReceipt.
func ByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (Receipt, error) {
	return one(ctx, q, sqlReceiptByID, book.ID, id)
}

// OfGift lists the receipts that a gift was on, the latest first, without names.
func OfGift(ctx context.Context, q pg.Querier, book *ledger.Book, gift uuid.UUID) ([]Receipt, error) {
	return query(ctx, q, sqlReceiptsOfGift, book.ID, gift)
}

// Check finds a receipt by what is printed on it. A wrong check code is ErrNoReceipt like a number never used, so that
// nothing is learnt by trying.
func Check(ctx context.Context, q pg.Querier, book *ledger.Book, code string, number int64, check string) (Receipt, error) {
	r, err := one(ctx, q, sqlReceiptByNumber, book.ID, code, number)
	given := strings.ToLower(strings.Join(strings.Fields(check), ""))
	if err == nil && subtle.ConstantTimeCompare([]byte(r.CheckCode), []byte(given)) != 1 {
		return Receipt{}, ErrNoReceipt
	}
	return r, err
}

// PageMax is how many receipts one call of List gives at most.
const PageMax = 500

// Filter narrows List; zero fields do not.
type Filter struct {
	From, To time.Time // days of issue, both included
	State    string    // "valid" or "void"
	Face     string
	Number   int64
	Batch    *uuid.UUID
	Before   *uuid.UUID // the last receipt of the previous page
	Limit    int
}

// List gives receipts, the latest first, without names: see Names.
func List(ctx context.Context, q pg.Querier, book *ledger.Book, f Filter) ([]Receipt, error) {
	if f.Limit <= 0 || f.Limit > PageMax {
		f.Limit = PageMax
	}
	return query(ctx, q, sqlReceipts, book.ID, f.Before, f.Limit, pg.TimeOrNull(f.From), pg.TimeOrNull(f.To), f.State, f.Face, f.Number, f.Batch)
}

// Names fills in who the receipts were made out to, in one reading.
func Names(ctx context.Context, q pg.Querier, book *ledger.Book, list ...*Receipt) error {
	var ids []uuid.UUID
	for _, r := range list {
		if r.Donor != nil {
			ids = append(ids, *r.Donor)
		}
	}
	donors, err := giving.Donors(ctx, q, book, ids)
	if err != nil {
		return err
	}
	for _, r := range list {
		if r.Donor == nil {
			continue
		}
		d, known := donors[*r.Donor]
		r.Name, r.Erased = d.Name, !known
	}
	return nil
}

// Overstated tells whether a receipt says more than is left of its gifts, or another sum than is due of its lot: it is about to become void.
func Overstated(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (bool, error) {
	var over bool
	err := q.QueryRow(ctx, sqlIsOverstated, book.ID, id).Scan(&over)
	if err == nil && !over {
		err = q.QueryRow(ctx, sqlIsLotDiffering, book.ID, id).Scan(&over)
	}
	if err != nil {
		return false, fmt.Errorf("look whether receipt %s stands: %w", id, err)
	}
	return over, nil
}

const sqlIsOverstated = `
select exists (select from receipt_gift p join ` + giving.StandingRefund + ` r on r.book_id = $1 and r.gift_id = p.gift_id
                where p.book_id = $1 and p.receipt_id = $2
                group by p.gift_id, p.amount
               having p.amount > (select g.amount from gift g where g.book_id = $1 and g.id = p.gift_id) - sum(r.amount))`

// Part is a gift on a receipt.
type Part struct {
	Gift   uuid.UUID
	Amount int64 // minor units of the receipt's currency
}

const sqlParts = `select gift_id, amount from receipt_gift where book_id = $1 and receipt_id = $2 order by gift_id limit $3`

// Parts lists the first gifts of a receipt.
func Parts(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID, limit int) ([]Part, error) {
	rows, err := q.Query(ctx, sqlParts, book.ID, id, limit)
	if err != nil {
		return nil, fmt.Errorf("read gifts of receipt %s: %w", id, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Part])
	if err != nil {
		return nil, fmt.Errorf("read gifts of receipt %s: %w", id, err)
	}
	return list, nil
}

const sqlReceiptsOfGifts = `
select p.gift_id, ` + receiptColumns + ` from receipt_gift p join ` + receiptTables + `
    on i.book_id = p.book_id and i.id = p.receipt_id
 where p.book_id = $1 and p.gift_id = any($2::uuid[]) order by p.gift_id, p.issue`

// OfGifts lists the receipts that each of the gifts was on, the first one first, without names.
func OfGifts(ctx context.Context, q pg.Querier, book *ledger.Book, gifts []uuid.UUID) (map[uuid.UUID][]Receipt, error) {
	found := map[uuid.UUID][]Receipt{}
	rows, err := q.Query(ctx, sqlReceiptsOfGifts, book.ID, gifts)
	if err != nil {
		return nil, fmt.Errorf("read receipts of gifts: %w", err)
	}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
		var gift uuid.UUID
		r, err := scan(prefixed{row, &gift})
		found[gift] = append(found[gift], r)
		return struct{}{}, err
	})
	if err != nil {
		return nil, fmt.Errorf("read receipts of gifts: %w", err)
	}
	return found, nil
}

const sqlStoodThen = `
select r.id from receipt r
 where r.book_id = $1 and r.id = any($2::uuid[]) and coalesce(r.recorded_at, r.issued_at) <= $3
   and not exists (select from receipt_void x where x.book_id = $1 and x.receipt_id = r.id and coalesce(x.recorded_at, x.voided_at) <= $3)`

// StoodThen are those of the receipts that were issued and not void by what was recorded until a moment.
func StoodThen(ctx context.Context, q pg.Querier, book *ledger.Book, ids []uuid.UUID, recorded time.Time) ([]uuid.UUID, error) {
	rows, err := q.Query(ctx, sqlStoodThen, book.ID, ids, recorded)
	if err != nil {
		return nil, fmt.Errorf("read receipts that stood: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	if err != nil {
		return nil, fmt.Errorf("read receipts that stood: %w", err)
	}
	return list, nil
}

// prefixed is a row with one column before those that are asked for.
type prefixed struct {
	pgx.CollectableRow
	first any
}

func (p prefixed) Scan(to ...any) error {
	return p.CollectableRow.Scan(append([]any{p.first}, to...)...)
}
