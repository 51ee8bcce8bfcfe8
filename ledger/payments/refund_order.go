package payments

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

// Errors of refunds before they are booked.
var (
	ErrNoOrder    = errors.New("no such refund order")
	ErrOrderState = errors.New("refund order is no longer where it was")
	ErrInDispute  = errors.New("gift is under dispute")
	ErrAskedOnce  = errors.New("a refund of this gift is asked for already")
	ErrReason     = errors.New("unknown reason of a refund")
)

// Reason is why a gift is given back. It decides who bears it.
type Reason struct {
	Code string
	Own  bool // our own fault
}

// Reasons lists all reasons in the order in which a form offers them. Codes are stored and never change meaning.
func Reasons() []Reason {
	return []Reason{
		{"changed-mind", false}, {"twice", false}, {"not-mine", false}, {"campaign-ended", false}, {"other", false},
		{"wrong-fund", true}, {"wrong-amount", true}, {"promise-broken", true},
	}
}

// ReasonCause is the cause that a reason stands for, or ErrReason.
func ReasonCause(code string) (giving.Cause, error) {
	for _, r := range Reasons() {
		if r.Code == code {
			if r.Own {
				return giving.OwnFault, nil
			}
			return giving.Outside, nil
		}
	}
	return "", fmt.Errorf("%w: %q", ErrReason, code)
}

// OrderState is where a refund stands.
type OrderState string

const (
	OrderAsked     OrderState = "asked"     // by the donor; nobody has taken it up
	OrderRequested OrderState = "requested" // by staff; a second person decides
	OrderApproved  OrderState = "approved"  // to be sent
	OrderSent      OrderState = "sent"      // the processor has it, or may have it
	OrderSucceeded OrderState = "succeeded"
	OrderFailed    OrderState = "failed"
	OrderDeclined  OrderState = "declined"
)

// NoteMax is the longest note of a refund, in characters.
const NoteMax = 500

// Order is a refund from the asking to its end.
type Order struct {
	ID       uuid.UUID // idempotency key at the processor
	GiftID   uuid.UUID
	Amount   int64 // minor units of Currency, the gift's
	Currency string
	Reason   string
	Note     string
	ByDonor  bool
	State    OrderState
	Ref      string
	AskedAt  time.Time
	SentAt   *time.Time
	EndedAt  *time.Time
	Problem  string
	Asked    int64  // minor units, as the donor asked; Amount when staff did
	Answer   string // why it was declined, as the donor is told
}

// Cause is whose doing the refund is.
func (o *Order) Cause() giving.Cause {
	cause, err := ReasonCause(o.Reason)
	if err != nil {
		return giving.Outside
	}
	return cause
}

const (
	orderColumns = `id, gift_id, amount, ccy, reason, note, by_donor, state, ref, asked_at, sent_at, ended_at, problem,
       coalesce(asked_amount, amount), answer`

	sqlOrderInsert = `
insert into refund_order (book_id, id, gift_id, amount, ccy, reason, note, by_donor, state, asked_at, next_attempt_at, asked_amount, asked_reason, asked_note)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, case when $8 then $4::int8 end, case when $8 then $6 else '' end, case when $8 then $7 else '' end)
on conflict do nothing`

	sqlOrderByID = `select ` + orderColumns + ` from refund_order where book_id = $1 and id = $2`

	sqlOrdersOfGift = `select ` + orderColumns + ` from refund_order where book_id = $1 and gift_id = $2 order by asked_at, id`

	sqlOrdersOpen = `
select ` + orderColumns + ` from refund_order
 where book_id = $1 and state in ('asked', 'requested', 'approved', 'sent') order by asked_at, id limit 200`

	sqlOrdersFailed = `
select ` + orderColumns + ` from refund_order where book_id = $1 and state = 'failed' order by asked_at desc, id limit 50`

	sqlOrderMove = `
update refund_order set state = $4, next_attempt_at = $5, ended_at = case when $4 in ('declined', 'failed', 'succeeded') then $5::timestamptz end
 where book_id = $1 and id = $2 and state = any($3::text[])`

	sqlOrderTake = `
update refund_order set state = 'requested', amount = $3, reason = $4, note = $5, asked_amount = coalesce(asked_amount, amount),
       asked_reason = case when asked_reason = '' then reason else asked_reason end,
       asked_note = case when asked_reason = '' then note else asked_note end
 where book_id = $1 and id = $2 and gift_id = $6 and state = 'asked'`

	sqlOrdersUnderWay = `
select coalesce(sum(amount), 0)::int8 from refund_order
 where book_id = $1 and gift_id = $2 and state in ('approved', 'sent') and id <> $3`

	sqlDisputed = `
select exists (select from dispute where book_id = $1 and gift_id = $2 and state in ('inquiry', 'open'))`
)

// AskRefund stores what a donor asks for; nothing moves until staff take it up. ErrAskedOnce when it is asked already, ErrReason,
// giving.ErrNoGift, giving.ErrRefundTooLarge.
func AskRefund(ctx context.Context, tx pgx.Tx, book *ledger.Book, o Order, now time.Time) error {
	o.ByDonor, o.State = true, OrderAsked
	if cause, err := ReasonCause(o.Reason); err != nil || cause != giving.Outside {
		return fmt.Errorf("%w: %q", ErrReason, o.Reason)
	}
	if err := o.fits(ctx, tx, book); err != nil {
		return err
	}
	fresh, err := o.insert(ctx, tx, book, now)
	if err == nil && !fresh {
		return fmt.Errorf("%w: %s", ErrAskedOnce, o.GiftID)
	}
	return err
}

// RequestRefund stores a refund that staff ask a second person for; from says which of a donor's asking it takes up, if any.
// Errors are those of AskRefund, ErrInDispute and ErrOrderState.
func RequestRefund(ctx context.Context, tx pgx.Tx, book *ledger.Book, o Order, from uuid.UUID, now time.Time) error {
	o.State = OrderRequested
	if _, err := ReasonCause(o.Reason); err != nil {
		return err
	}
	if err := o.fits(ctx, tx, book); err != nil {
		return err
	}
	if from != uuid.Nil {
		tag, err := tx.Exec(ctx, sqlOrderTake, book.ID, from, o.Amount, o.Reason, o.Note, o.GiftID)
		if err != nil {
			return fmt.Errorf("take up refund: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return fmt.Errorf("%w: %s", ErrOrderState, from)
		}
		return nil
	}
	_, err := o.insert(ctx, tx, book, now)
	return err
}

// fits holds an order to its gift: what is left, less what is under way, and no dispute.
func (o *Order) fits(ctx context.Context, tx pgx.Tx, book *ledger.Book) error {
	g, err := giving.GiftByID(ctx, tx, book, o.GiftID)
	if err != nil {
		return err
	}
	stake, err := giving.StakeOf(ctx, tx, book, g.Gift.Channel, g.Gift.Ref)
	if err != nil {
		return err
	}
	var underWay int64
	var disputed bool
	if err := tx.QueryRow(ctx, sqlOrdersUnderWay, book.ID, o.GiftID, o.ID).Scan(&underWay); err != nil {
		return fmt.Errorf("read refunds under way: %w", err)
	}
	if err := tx.QueryRow(ctx, sqlDisputed, book.ID, o.GiftID).Scan(&disputed); err != nil {
		return fmt.Errorf("read disputes: %w", err)
	}
	switch {
	case disputed:
		return ErrInDispute
	case o.Amount <= 0 || o.Amount > stake.Left-underWay:
		return fmt.Errorf("%w: %d of %d", giving.ErrRefundTooLarge, o.Amount, stake.Left-underWay)
	}
	o.Currency = stake.Currency
	return nil
}

func (o *Order) insert(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (fresh bool, err error) {
	tag, err := tx.Exec(ctx, sqlOrderInsert, book.ID, o.ID, o.GiftID, o.Amount, o.Currency, o.Reason, clip(o.Note), o.ByDonor, o.State, now)
	if err != nil {
		return false, fmt.Errorf("store refund order: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// OrderByID finds an order, or ErrNoOrder.
func OrderByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Order, error) {
	list, err := orders(ctx, q, sqlOrderByID, book.ID, id)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w: %s", ErrNoOrder, id)
	}
	return &list[0], nil
}

// OrdersOf lists the orders of a gift, the earliest first: what donor and accountant both see.
func OrdersOf(ctx context.Context, q pg.Querier, book *ledger.Book, gift uuid.UUID) ([]Order, error) {
	return orders(ctx, q, sqlOrdersOfGift, book.ID, gift)
}

// OpenOrders lists up to 200 orders that are not at their end, the earliest first.
func OpenOrders(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Order, error) {
	return orders(ctx, q, sqlOrdersOpen, book.ID)
}

// FailedOrders lists up to 50 orders that failed, the latest first.
func FailedOrders(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Order, error) {
	return orders(ctx, q, sqlOrdersFailed, book.ID)
}

func orders(ctx context.Context, q pg.Querier, sql string, args ...any) ([]Order, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read refund orders: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Order])
	if err != nil {
		return nil, fmt.Errorf("read refund orders: %w", err)
	}
	return list, nil
}

// move takes an order from one of several states to another, or says ErrOrderState.
func move(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, from []string, to OrderState, now time.Time) error {
	tag, err := tx.Exec(ctx, sqlOrderMove, book.ID, id, from, to, now)
	if err != nil {
		return fmt.Errorf("move refund order: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w: %s", ErrOrderState, id)
	}
	return nil
}

// ApproveOrder lets an order be sent. When the cause is outside and the fund has spent the money, the general fund makes it good first
// (E08d); the entry's id is given then, and ledger.ErrShort when the general fund cannot. giving.ErrRefundTooLarge, ErrInDispute.
func ApproveOrder(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, actor uuid.UUID, now time.Time) (*uuid.UUID, error) {
	o, err := OrderByID(ctx, tx, book, id)
	if err != nil {
		return nil, err
	}
	if err := o.fits(ctx, tx, book); err != nil {
		return nil, err
	}
	if err := move(ctx, tx, book, id, []string{string(OrderRequested)}, OrderApproved, now); err != nil {
		return nil, err
	}
	short, general, fund, err := o.shortfall(ctx, tx, book, now)
	if err != nil || short == 0 {
		return nil, err
	}
	bank := func(fund int32) ledger.Leaf { return ledger.Leaf{Chart: "bank.basic", Fund: fund} }
	moved := func(fund int32) ledger.Leaf { return ledger.Leaf{Chart: "transfer", Fund: fund} }
	posted, err := ledger.PostOne(ctx, tx, book, ledger.Entry{Key: o.ID, Kind: ledger.KindTransfer, EffectiveOn: book.Day(now), Actor: actor,
		Document: &ledger.Document{Summary: "总基金补足退款 General fund makes a refund good: " + giving.Ref(book, o.GiftID), SourceKind: "refund", SourceRef: o.ID.String(), MadeBy: "Sunfund"},
		Lines:    []ledger.Line{ledger.Debit(moved(general), short), ledger.Credit(bank(general), short), ledger.Debit(bank(fund), short), ledger.Credit(moved(fund), short)}})
	return &posted.ID, err
}

// shortfall is what the fund lacks to give the money back, minor units of the book's currency.
func (o *Order) shortfall(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (short int64, general, fund int32, err error) {
	if o.Cause() != giving.Outside {
		return 0, 0, 0, nil
	}
	g, err := giving.GiftByID(ctx, tx, book, o.GiftID)
	if err != nil {
		return 0, 0, 0, err
	}
	lines, err := giving.PreviewRefund(ctx, tx, book, o.refunded(g, "preview", now))
	if err != nil {
		return 0, 0, 0, err
	}
	var taken int64
	for _, l := range lines {
		taken += max(l.Amount, 0)
	}
	positions, err := ledger.Positions(ctx, tx, book, time.Time{})
	if err != nil {
		return 0, 0, 0, err
	}
	for i := range positions {
		switch p := &positions[i]; {
		case p.Fund.Kind == ledger.General && general == 0:
			general = p.Fund.ID
		case p.Fund.ID == g.Gift.FundID:
			short = max(0, taken-max(0, p.Available))
		}
	}
	return short, general, g.Gift.FundID, nil
}

func (o *Order) refunded(g *giving.Receipt, ref string, at time.Time) giving.Refunded {
	return giving.Refunded{GiftID: o.GiftID, Amount: o.Amount, Currency: o.Currency, RefundedAt: at, Channel: g.Gift.Channel, Ref: ref, Cause: o.Cause()}
}
