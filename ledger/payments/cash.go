package payments

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// States of a count and of a deposit.
const (
	CountOpen      = "counted"
	CountConfirmed = "confirmed"
	CountVoid      = "void"
	DepositCarried = "carried"
	DepositBanked  = "banked"
)

// Denominations are the notes and coins of the yuan in fen, largest first.
func Denominations() []int64 {
	return []int64{100_00, 50_00, 20_00, 10_00, 5_00, 1_00, 50, 10}
}

// Sheet is a count sheet: pieces by denomination in minor units.
type Sheet map[int64]int32

// Total is what the sheet adds up to, in minor units.
func (s Sheet) Total() (sum int64) {
	for each, pieces := range s {
		sum += each * int64(pieces)
	}
	return sum
}

// CashCount is cash counted by one person and confirmed by another.
type CashCount struct {
	ID          uuid.UUID
	Box         *uuid.UUID // nil: cash handed in
	CampaignID  int32
	FundID      int32
	Day         time.Time
	SheetJSON   []byte
	Counted     int64
	Slips       int64 // what donors' slips add up to, and the gift; Counted when there are none
	Reason      string
	State       string
	CountedBy   uuid.UUID
	CountedAt   time.Time
	ConfirmedBy *uuid.UUID
	ConfirmedAt *time.Time
	GiftID      *uuid.UUID
	Deposit     *uuid.UUID
}

// Object names the count in its history and beside its papers.
func (c *CashCount) Object() string { return giving.Object("cash-count", c.ID) }

// Sheet is the count by denomination.
func (c *CashCount) Sheet() (s Sheet, err error) {
	if err := json.Unmarshal(c.SheetJSON, &s); err != nil {
		return nil, fmt.Errorf("read count sheet %s: %w", c.ID, err)
	}
	return s, nil
}

const (
	sqlCountInsert = `
insert into cash_count (book_id, id, box_id, campaign_id, fund_id, day, sheet, counted, slips, reason, state, counted_by, counted_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'counted', $11, $12)`

	countColumns = `id, box_id, campaign_id, fund_id, day, sheet, counted, slips, reason, state, counted_by, counted_at, confirmed_by, confirmed_at,
       gift_id, deposit_id`

	sqlCountByID = `select ` + countColumns + ` from cash_count where book_id = $1 and id = $2`

	sqlCountsBefore = `select ` + countColumns + ` from cash_count where book_id = $1 and id < $2 order by id desc limit $3`

	sqlCountsToConfirm = `select ` + countColumns + ` from cash_count where book_id = $1 and state = 'counted' order by day, id limit 500`

	sqlCountsToBank = `
select ` + countColumns + ` from cash_count
 where book_id = $1 and state = 'confirmed' and deposit_id is null and counted > 0 order by day, id limit 500`

	sqlCountsDone = `
select ` + countColumns + ` from cash_count
 where book_id = $1 and (state = 'void' or deposit_id is not null or state = 'confirmed' and counted = 0) order by day desc, id desc limit 200`

	sqlCountsOfDeposit = `select ` + countColumns + ` from cash_count where book_id = $1 and deposit_id = $2 order by day, id`

	sqlCountConfirm = `
update cash_count set state = 'confirmed', confirmed_by = $3, confirmed_at = $4, gift_id = $5
 where book_id = $1 and id = $2 and state = 'counted'`

	sqlCountVoid = `update cash_count set state = 'void' where book_id = $1 and id = $2 and state = 'counted'`
)

// Counting is a count sheet as somebody fills it in.
type Counting struct {
	ID         uuid.UUID
	CampaignID int32
	Day        time.Time
	Sheet      Sheet
	Slips      int64  // zero: no slips were given
	Reason     string // of a difference to the slips
	box        *uuid.UUID
}

// CountCash plans a count of cash that was handed in. Nothing is booked before a second person has counted the same.
// *giving.FieldErrors.
func CountCash(ctx context.Context, q pg.Querier, book *ledger.Book, c Counting, by uuid.UUID, now time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	counted := c.Sheet.Total()
	if c.Slips == 0 {
		c.Slips = counted
	}
	wrong.Text("reason", c.Reason, 0, 200)
	if c.Slips != counted && c.Reason == "" {
		wrong.Refuse("reason", "offline.difference.reason")
	}
	if counted == 0 && (c.box == nil || c.Slips != 0) {
		wrong.Refuse("n10000", "offline.count.nothing")
	}
	var fund int32
	if c.box == nil {
		takes, err := wrong.Campaign(ctx, q, book, c.CampaignID)
		if err != nil {
			return nil, err
		}
		fund = takes.ID
	} else { // what is in a box has to be counted
		campaign, err := giving.CampaignByID(ctx, q, book, c.CampaignID)
		if err != nil {
			return nil, err
		}
		fund = campaign.FundID
	}
	sheet, err := json.Marshal(c.Sheet)
	if err != nil {
		return nil, fmt.Errorf("write count sheet: %w", err)
	}
	return &giving.Move{Object: giving.Object("cash-count", c.ID), Act: "counted", Day: c.Day, // no amount: who confirms counts unread
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return giving.Settled(ctx, tx, sqlCountInsert, book.ID, c.ID, c.box, c.CampaignID, fund, c.Day, sheet, counted, c.Slips, c.Reason, by, now)
		}}, wrong.Err()
}

// ConfirmCount plans E14a or E15a: a second person has counted anew and comes to total. The gift is what the slips say; cash
// that is short or over them is a cost or other income. ErrSamePerson of the ledger, *giving.FieldErrors, giving.ErrStep.
func ConfirmCount(ctx context.Context, q pg.Querier, book *ledger.Book, c *CashCount, total int64, by uuid.UUID, now time.Time) (*giving.Move, error) {
	if c.State != CountOpen {
		return nil, giving.ErrStep
	}
	if c.CountedBy == by {
		return nil, ledger.ErrSamePerson
	}
	var wrong giving.FieldErrors
	if total != c.Counted {
		wrong.Refuse("total", "offline.count.differs")
		return nil, &wrong
	}
	m := &giving.Move{Object: c.Object(), Act: "confirmed", Amount: c.Counted, Day: c.Day}
	if c.Slips > 0 {
		general, err := giving.GeneralFund(ctx, q, book)
		if err != nil {
			return nil, err
		}
		drawer := giving.Drawer(c.FundID)
		fund, err := fundOf(ctx, q, book, c.FundID)
		if err != nil {
			return nil, err
		}
		m.Gift = &giving.Paid{CampaignID: c.CampaignID, FundID: c.FundID, Amount: c.Slips, PaidAt: noon(book, c.Day), Channel: giving.Cash, Ref: "count:" + c.ID.String(),
			Anonymous: true, Also: difference(fund, general, drawer, c.Counted-c.Slips)}
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		var gift *uuid.UUID
		if m.Gift != nil {
			gift = &entry
		}
		if err := giving.Settled(ctx, tx, sqlCountConfirm, book.ID, c.ID, by, now, gift); err != nil {
			return err
		}
		if c.Box != nil {
			return giving.Settled(ctx, tx, sqlBoxCounted, book.ID, *c.Box, c.Day)
		}
		return nil
	}
	return m, nil
}

// VoidCount plans taking back a count that nobody has confirmed. *giving.FieldErrors, giving.ErrStep.
func VoidCount(book *ledger.Book, c *CashCount, reason string) (*giving.Move, error) {
	if c.State != CountOpen {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	return &giving.Move{Object: c.Object(), Act: "void", Note: reason, Day: c.Day, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlCountVoid, book.ID, c.ID)
	}}, wrong.Err()
}

// difference books cash over (above zero) or short (below) against where it lies. What is short is the association's own
// cost, never the restricted fund's: the general fund makes it good as it does with fees.
func difference(fund *ledger.Fund, general int32, at ledger.Leaf, amount int64) []ledger.Line {
	switch {
	case amount == 0:
		return nil
	case amount > 0:
		return []ledger.Line{ledger.Debit(at, amount), ledger.Credit(ledger.Leaf{Chart: chartOf(fund, "other.inc"), Fund: fund.ID, Dims: cashOver}, amount)}
	case fund.ID == general:
		return []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "admin.u", Fund: general, Dims: cashShort}, -amount), ledger.Credit(at, -amount)}
	}
	return []ledger.Line{
		ledger.Debit(ledger.Leaf{Chart: "admin.u", Fund: general, Dims: cashShort}, -amount),
		ledger.Credit(ledger.Leaf{Chart: "if.due.to", Fund: general, Dims: ledger.Dims{Counterparty: fmt.Sprintf("fund:%d", fund.ID)}}, -amount),
		ledger.Debit(ledger.Leaf{Chart: "if.due.from", Fund: fund.ID, Dims: ledger.Dims{Counterparty: fmt.Sprintf("fund:%d", general)}}, -amount),
		ledger.Credit(at, -amount),
	}
}

// Natures of what is over and short.
var (
	cashShort = ledger.Dims{Nature: "cash-short"}
	cashOver  = ledger.Dims{Nature: "cash-over"}
)

// CountsBefore lists counts in the order of their ids, latest first.
func CountsBefore(ctx context.Context, q pg.Querier, book *ledger.Book, before uuid.UUID, limit int) ([]CashCount, error) {
	return giving.RecordsBefore[CashCount](ctx, q, sqlCountsBefore, book, before, limit)
}

// CountByID reads a count, or giving.ErrNoRecord.
func CountByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*CashCount, error) {
	return giving.Record[CashCount](ctx, q, sqlCountByID, book.ID, id)
}

// CountsToConfirm, CountsToBank and CountsDone list counts that wait for a second person, for the bank, and the rest.
func CountsToConfirm(ctx context.Context, q pg.Querier, book *ledger.Book) ([]CashCount, error) {
	return counts(ctx, q, sqlCountsToConfirm, book.ID)
}

// CountsToBank lists counted cash that still lies here, oldest first.
func CountsToBank(ctx context.Context, q pg.Querier, book *ledger.Book) ([]CashCount, error) {
	return counts(ctx, q, sqlCountsToBank, book.ID)
}

// CountsDone lists counts that need nothing more, newest first.
func CountsDone(ctx context.Context, q pg.Querier, book *ledger.Book) ([]CashCount, error) {
	return counts(ctx, q, sqlCountsDone, book.ID)
}

// CountsOf lists what a deposit is made of.
func CountsOf(ctx context.Context, q pg.Querier, book *ledger.Book, deposit uuid.UUID) ([]CashCount, error) {
	return counts(ctx, q, sqlCountsOfDeposit, book.ID, deposit)
}

func counts(ctx context.Context, q pg.Querier, sql string, args ...any) ([]CashCount, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("list counts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[CashCount])
}
