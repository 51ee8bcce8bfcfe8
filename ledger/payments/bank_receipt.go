package payments

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// States of a bank receipt.
const (
	ReceiptOpen     = "open"     // 待查来款: a liability until somebody claims it
	ReceiptClaimed  = "claimed"  // a gift by now
	ReceiptKept     = "kept"     // nobody came: an unrestricted gift by the board's rule
	ReceiptReturned = "returned" // sent back
	ReceiptVoid     = "void"     // was never there: its entry is reversed
)

// UnidentifiedDays is after how many days an unidentified receipt is overdue (C09).
const UnidentifiedDays = 30

// BankReceipt is money on the giving account (1002.02) that no processor announced.
type BankReceipt struct {
	ID      uuid.UUID
	Ref     string // the bank's number of the line
	Day     time.Time
	Amount  int64 // minor units of the book's currency
	FundID  int32 // whose liability it is while it is open
	Firm    string
	Donor   *uuid.UUID
	State   string
	GiftID  *uuid.UUID
	Proof   string
	EndedOn *time.Time
	SeenBy  uuid.UUID
	SeenAt  time.Time
}

// Object names the receipt in its history and beside its papers.
func (r *BankReceipt) Object() string { return giving.Object("bank-receipt", r.ID) }

// Seen is a receipt as the accountant reads it off the bank's list.
type Seen struct {
	ID         uuid.UUID // made with the form
	Ref        string
	Day        time.Time
	Amount     int64
	CampaignID int32  // zero: nobody knows what it is for
	Firm       string // the sender, if it is a firm
	Person     string // or a natural person; kept in the donor record alone
	Anonymous  bool
	Bank       chart.ID // the bank account that money nobody knows came to; empty: the one of gifts
}

const (
	sqlReceiptKnown = `select exists (select from bank_receipt where book_id = $1 and ref = $2 and id <> $3)`

	sqlReceiptInsert = `
insert into bank_receipt (book_id, id, ref, day, amount, fund_id, firm, donor_id, state, gift_id, ended_on, seen_by, seen_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`

	receiptColumns = `id, ref, day, amount, fund_id, firm, donor_id, state, gift_id, proof, ended_on, seen_by, seen_at`

	sqlReceiptByID = `select ` + receiptColumns + ` from bank_receipt where book_id = $1 and id = $2`

	sqlReceiptsBefore = `select ` + receiptColumns + ` from bank_receipt where book_id = $1 and id < $2 order by id desc limit $3`

	sqlReceiptsOpen = `
select ` + receiptColumns + ` from bank_receipt where book_id = $1 and state = 'open' order by day, id limit $2`

	sqlReceiptsEnded = `
select ` + receiptColumns + ` from bank_receipt where book_id = $1 and state <> 'open' order by seen_at desc, id desc limit $2`

	sqlReceiptEnd = `
update bank_receipt set state = $3, gift_id = $4, proof = $5, ended_on = $6
 where book_id = $1 and id = $2 and state = 'open'`
)

// Take plans the booking of a receipt: identified at once it is a gift (E12), else a liability of the general fund (E13a).
// *giving.FieldErrors.
func Take(ctx context.Context, q pg.Querier, book *ledger.Book, s Seen, by uuid.UUID, now time.Time) (*giving.Move, error) {
	var wrong giving.FieldErrors
	wrong.Text("ref", s.Ref, 1, 100)
	wrong.Sum("amount", s.Amount)
	wrong.Text("firm", s.Firm, 0, 100)
	if s.Firm != "" && s.Person != "" {
		wrong.Refuse("person", "offline.giver.both")
	}
	var known bool
	if err := q.QueryRow(ctx, sqlReceiptKnown, book.ID, s.Ref, s.ID).Scan(&known); err != nil {
		return nil, fmt.Errorf("look for receipt: %w", err)
	}
	if known {
		wrong.Refuse("ref", "offline.ref.used")
	}
	general, err := giving.GeneralFund(ctx, q, book)
	if err != nil {
		return nil, err
	}
	r := BankReceipt{ID: s.ID, Ref: s.Ref, Day: s.Day, Amount: s.Amount, FundID: general, Firm: s.Firm, State: ReceiptOpen, SeenBy: by, SeenAt: now}
	m := &giving.Move{Object: r.Object(), Act: "unidentified", Note: s.Ref, Amount: s.Amount, Kind: ledger.KindReceipt, Day: s.Day,
		Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: cmp.Or(s.Bank, giftBank(general).Chart), Fund: general}, s.Amount), ledger.Credit(unidentified(general), s.Amount)}}
	if s.CampaignID != 0 {
		c, err := giving.CampaignByID(ctx, q, book, s.CampaignID)
		if err != nil {
			return nil, err
		}
		r.State, r.FundID = "identified", c.FundID
		m.Act, m.Note, m.Lines = "identified", s.Ref, nil
		m.Gift = &giving.Paid{CampaignID: s.CampaignID, Amount: s.Amount, PaidAt: noon(book, s.Day), Channel: giving.Bank, Ref: s.Ref,
			Name: s.Firm + s.Person, Anonymous: s.Anonymous}
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		var gift, donor *uuid.UUID
		var ended *time.Time
		if m.Gift != nil {
			gift, ended = &entry, &s.Day
		} else if s.Person != "" {
			id, err := giving.KeepDonor(ctx, tx, book, s.Person, now)
			if err != nil {
				return err
			}
			donor = &id
		}
		return giving.Settled(ctx, tx, sqlReceiptInsert, book.ID, r.ID, r.Ref, r.Day, r.Amount, r.FundID, r.Firm, donor, r.State, gift, ended, by, now)
	}
	return m, wrong.Err()
}

// giftBank is the account that gifts by transfer come to.
func giftBank(fund int32) ledger.Leaf { return ledger.Leaf{Chart: "bank.online", Fund: fund} }

// unidentified is the liability of receipts kept here; a voucher by hand has other tags.
func unidentified(fund int32) ledger.Leaf {
	return ledger.Leaf{Chart: "unident", Fund: fund, Dims: ledger.Dims{Instrument: "bank-receipt"}}
}

// noon stands for the time of day that a bank's list does not tell.
func noon(book *ledger.Book, day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, book.Zone)
}

// Claim is who says that an unidentified receipt is theirs, and what they showed.
type Claim struct {
	CampaignID int32
	Firm       string
	Person     string
	Anonymous  bool
	Proof      string // which paper showed it: number and day of the payment slip
	Day        time.Time
}

// ClaimReceipt plans E13b: the liability goes, the money moves within the bank to the campaign's fund and is a gift.
// The paper that proves it must lie beside the receipt. *giving.FieldErrors, ErrStep.
func ClaimReceipt(ctx context.Context, q pg.Querier, book *ledger.Book, r *BankReceipt, c Claim) (*giving.Move, error) {
	if r.State != ReceiptOpen {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("proof", c.Proof, 1, 200)
	if c.Firm == "" && c.Person == "" || c.Firm != "" && c.Person != "" {
		wrong.Refuse("firm", "offline.giver.one")
	}
	if c.Day.Before(r.Day) {
		wrong.Refuse("day", "offline.day.before")
	}
	papers, err := ledger.Papers(ctx, q, book, r.Object())
	if err != nil {
		return nil, err
	}
	if len(papers) == 0 {
		wrong.Refuse("proof", "offline.proof.paper")
	}
	fund, err := wrong.Campaign(ctx, q, book, c.CampaignID)
	if err != nil {
		return nil, err
	}
	came, err := r.came(ctx, q, book)
	if err != nil {
		return nil, err
	}
	m := &giving.Move{Object: r.Object(), Act: "claimed", Note: c.Proof, Amount: r.Amount, Day: c.Day,
		Gift: &giving.Paid{CampaignID: c.CampaignID, Amount: r.Amount, PaidAt: noon(book, c.Day), Channel: giving.Bank, Ref: r.Ref, Name: c.Firm + c.Person,
			Anonymous: c.Anonymous, Also: []ledger.Line{ledger.Debit(unidentified(r.FundID), r.Amount), ledger.Credit(came, r.Amount)}}}
	if came.Chart != giftBank(0).Chart {
		m.Gift.Asset = ledger.Leaf{Chart: came.Chart, Fund: fund.ID}
	}
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlReceiptEnd, book.ID, r.ID, ReceiptClaimed, entry, c.Proof, c.Day)
	}
	return m, wrong.Err()
}

// ReturnReceipt plans sending an unidentified receipt back to where it came from, out of the account that it came to. Money leaves: a second person approves.
// *giving.FieldErrors, ErrStep.
func ReturnReceipt(ctx context.Context, q pg.Querier, book *ledger.Book, r *BankReceipt, reason string, day time.Time) (*giving.Move, error) {
	m, err := endReceipt(book, r, ReceiptReturned, reason, day)
	if m != nil {
		came, cameErr := r.came(ctx, q, book)
		if cameErr != nil {
			return nil, cameErr
		}
		m.Kind, m.Note = ledger.KindReturn, r.Ref
		m.Lines = []ledger.Line{ledger.Debit(unidentified(r.FundID), r.Amount), ledger.Credit(came, r.Amount)}
	}
	return m, err
}

const sqlReceiptCame = `
select coalesce((select a.chart from record_step s
                   join entry e on e.book_id = $1 and e.id = s.entry_id
                   join account a on a.book_id = $1 and a.account_id = any(e.accounts) and a.chart like 'bank.%'
                  where s.book_id = $1 and s.object = $2 and s.act = 'unidentified' order by s.at limit 1), $3)`

// came is the bank account that the receipt came to, as the entry says that took it.
func (r *BankReceipt) came(ctx context.Context, q pg.Querier, book *ledger.Book) (ledger.Leaf, error) {
	leaf := ledger.Leaf{Fund: r.FundID}
	if err := q.QueryRow(ctx, sqlReceiptCame, book.ID, r.Object(), giftBank(r.FundID).Chart).Scan(&leaf.Chart); err != nil {
		return leaf, fmt.Errorf("read where receipt came: %w", err)
	}
	return leaf, nil
}

// KeepReceipt plans E13c: after the board's period nobody has come, and the money is an unrestricted gift, never one to a
// restricted fund by guess. A second person approves. *giving.FieldErrors, ErrStep.
func KeepReceipt(book *ledger.Book, r *BankReceipt, reason string, day time.Time) (*giving.Move, error) {
	m, err := endReceipt(book, r, ReceiptKept, reason, day)
	if m != nil {
		m.Kind, m.Note = ledger.KindReceipt, r.Ref
		m.Lines = []ledger.Line{ledger.Debit(unidentified(r.FundID), r.Amount),
			ledger.Credit(ledger.Leaf{Chart: "gift.u", Fund: r.FundID, Dims: ledger.Dims{Nature: "unidentified"}}, r.Amount)}
	}
	return m, err
}

// VoidReceipt plans taking back an unidentified receipt that was typed wrong. A second person approves.
// *giving.FieldErrors, ErrStep.
func VoidReceipt(ctx context.Context, q pg.Querier, book *ledger.Book, r *BankReceipt, reason string, day time.Time) (*giving.Move, error) {
	m, err := endReceipt(book, r, ReceiptVoid, reason, day)
	if err != nil {
		return nil, err
	}
	m.Note, m.Reason = r.Ref, reason
	return giving.TakeBack(ctx, q, book, *m, "unidentified")
}

func endReceipt(book *ledger.Book, r *BankReceipt, state, reason string, day time.Time) (*giving.Move, error) {
	if r.State != ReceiptOpen {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if day.Before(r.Day) {
		wrong.Refuse("day", "offline.day.before")
	}
	if state == ReceiptKept && day.Before(r.Day.AddDate(0, 0, UnidentifiedDays)) {
		wrong.Refuse("day", "offline.receipt.young", "days", fmt.Sprint(UnidentifiedDays))
	}
	return &giving.Move{Object: r.Object(), Act: state, Amount: r.Amount, Day: day,
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return giving.Settled(ctx, tx, sqlReceiptEnd, book.ID, r.ID, state, nil, reason, day)
		}}, wrong.Err()
}

// ReceiptByID reads a receipt, or giving.ErrNoRecord.
func ReceiptByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*BankReceipt, error) {
	return giving.Record[BankReceipt](ctx, q, sqlReceiptByID, book.ID, id)
}

// ReceiptsBefore lists receipts in the order of their ids, latest first.
func ReceiptsBefore(ctx context.Context, q pg.Querier, book *ledger.Book, before uuid.UUID, limit int) ([]BankReceipt, error) {
	return giving.RecordsBefore[BankReceipt](ctx, q, sqlReceiptsBefore, book, before, limit)
}

// Receipts lists the open ones, oldest first, or those that are settled, newest first.
func Receipts(ctx context.Context, q pg.Querier, book *ledger.Book, open bool, limit int) ([]BankReceipt, error) {
	sql := sqlReceiptsEnded
	if open {
		sql = sqlReceiptsOpen
	}
	rows, err := q.Query(ctx, sql, book.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list receipts: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[BankReceipt])
}
