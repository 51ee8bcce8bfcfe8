package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// Errors of the sandbox processor.
var (
	ErrNoSession   = errors.New("no such payment session")
	ErrDecided     = errors.New("payment is already decided")
	ErrBadDecision = errors.New("unknown decision")
	ErrNotSandbox  = errors.New("book takes real money, the sandbox is off")
)

// The sandbox's fee: 0.6 % of what is charged, halves rounded up.
const (
	sandboxFeeNum = 6
	sandboxFeeDen = 1000
)

// States of a session.
const (
	SessionOpen      = "open"
	SessionPending   = "pending"
	SessionSucceeded = "succeeded"
	SessionFailed    = "failed"
)

// Session is a payment at the sandbox processor, as the processor knows it.
type Session struct {
	ID        uuid.UUID
	GiftID    uuid.UUID
	Amount    int64 // charged, minor units
	Fee       int64 // kept by the processor, minor units of the book's currency
	Worth     int64 // minor units of the book's currency that it settles for foreign money; zero: it is none
	Currency  string
	Title     string
	ReturnURL string // where the donor goes afterwards; no proof of payment
	State     string
	Charge    string // the processor's number of the payment
	CreatedAt time.Time
	DecidedAt *time.Time
}

// Path is the page where the donor pays, on the processor's site.
func (s *Session) Path() string { return "/sandbox/" + s.ID.String() }

const (
	sessionColumns = `id, gift_id, amount, fee, coalesce(worth, 0), ccy, title, return_url, state, charge, created_at, decided_at`

	sqlSessionInsert = `
insert into sandbox_session (book_id, id, gift_id, amount, fee, ccy, title, return_url, charge, created_at, worth)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, nullif($11, 0))
    on conflict (book_id, gift_id) do nothing`

	sqlSessionByGift   = `select ` + sessionColumns + ` from sandbox_session where book_id = $1 and gift_id = $2`
	sqlSessionByID     = `select ` + sessionColumns + ` from sandbox_session where book_id = $1 and id = $2`
	sqlSessionToDecide = sqlSessionByID + ` for update`
	sqlSessionDecide   = `update sandbox_session set state = $3, decided_at = $4 where book_id = $1 and id = $2`

	sqlFeeBearer = `
select f.fee_bearer from campaign c join fund f on f.book_id = c.book_id and f.fund_id = c.fund_id
 where c.book_id = $1 and c.campaign_id = $2`
)

// OpenSession opens the payment of a started gift, whose id is the idempotency key: asking again gives the same
// session. When the fund's donors bear the fee, the charge is the gift with the fee on top, unless it is foreign money. giving.ErrNoRate.
func OpenSession(ctx context.Context, tx pgx.Tx, book *ledger.Book, c *giving.Checkout, title, returnURL string, now time.Time) (*Session, error) {
	if !book.Sandbox {
		return nil, ErrNotSandbox
	}
	var bearer string
	if err := tx.QueryRow(ctx, sqlFeeBearer, book.ID, c.CampaignID).Scan(&bearer); err != nil {
		return nil, fmt.Errorf("open payment of %s: %w", c.ID, err)
	}
	var fee, worth int64
	charged := c.Amount
	if c.Currency == book.Currency {
		charged = Charge(c.Amount, bearer)
		fee = sandboxFee(charged)
	} else { // it changes foreign money at the book's rate, and takes its fee in the book's currency
		var err error
		if worth, err = giving.WorthOn(ctx, tx, book, c.Amount, c.Currency, book.Day(now)); err != nil {
			return nil, fmt.Errorf("open payment of %s: %w", c.ID, err)
		}
		fee = sandboxFee(worth)
	}
	id, err := uuid.NewRandom() // unguessable: whoever knows it may pay
	if err != nil {
		return nil, fmt.Errorf("make id of a payment: %w", err)
	}
	_, err = tx.Exec(ctx, sqlSessionInsert, book.ID, id, c.ID, charged, fee, c.Currency, title, returnURL, "sbx_"+c.ID.String(), now, worth)
	if err != nil {
		return nil, fmt.Errorf("open payment of %s: %w", c.ID, err)
	}
	return session(ctx, tx, sqlSessionByGift, book.ID, c.ID)
}

// Charge is what the sandbox charges for a gift to a fund whose fee is borne by bearer.
func Charge(gift int64, bearer string) int64 {
	if bearer != ledger.FeeByDonor {
		return gift
	}
	fee := sandboxFee(gift)
	for sandboxFee(gift+fee) > fee { // the fee is taken of the whole charge, itself included
		fee = sandboxFee(gift + fee)
	}
	return gift + fee
}

func sandboxFee(charged int64) int64 { return money.HalfUpShare(charged, sandboxFeeNum, sandboxFeeDen) }

// SessionByID finds a payment session, or ErrNoSession.
func SessionByID(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (*Session, error) {
	return session(ctx, q, sqlSessionByID, book.ID, id)
}

// SessionByGift finds the payment session of a started gift, or ErrNoSession.
func SessionByGift(ctx context.Context, q pg.Querier, book *ledger.Book, gift uuid.UUID) (*Session, error) {
	return session(ctx, q, sqlSessionByGift, book.ID, gift)
}

func session(ctx context.Context, q pg.Querier, sql string, book int32, id uuid.UUID) (*Session, error) {
	rows, err := q.Query(ctx, sql, book, id)
	if err != nil {
		return nil, fmt.Errorf("read payment session: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Session])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: %s", ErrNoSession, id)
	}
	if err != nil {
		return nil, fmt.Errorf("read payment session: %w", err)
	}
	return &s, nil
}

// Results that the sandbox page offers.
const (
	Success = "success"
	Fail    = "fail"
	Pending = "pending"
)

// Decision is what the person on the sandbox page chose.
type Decision struct {
	Result    string        // Success, Fail or Pending
	Duplicate bool          // the event is delivered twice
	Late      time.Duration // the event is delivered so much later; at most LateMax
}

// LateMax is how long the sandbox may hold back an event.
const LateMax = time.Hour

var decided = map[string]struct{ state, kind string }{
	Success: {SessionSucceeded, "checkout.completed"},
	Fail:    {SessionFailed, "checkout.failed"},
	Pending: {SessionPending, "checkout.pending"},
}

const sqlDeliveryInsert = `
insert into sandbox_delivery (book_id, id, event_id, body, next_attempt_at) values ($1, $2, $3, $4, $5)`

// Decide ends a payment, or leaves it pending to be decided again, and queues the signed events that tell us. The same
// decision again changes nothing; another one on an ended payment is ErrDecided.
func Decide(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, d Decision, now time.Time) (*Session, error) {
	to, ok := decided[d.Result]
	if !ok || d.Late < 0 || d.Late > LateMax {
		return nil, fmt.Errorf("%w: %q after %s", ErrBadDecision, d.Result, d.Late)
	}
	s, err := session(ctx, tx, sqlSessionToDecide, book.ID, id)
	if err != nil {
		return nil, err
	}
	switch {
	case s.State == to.state:
		return s, nil
	case s.State == SessionSucceeded || s.State == SessionFailed:
		return nil, fmt.Errorf("%w: it has %s", ErrDecided, s.State)
	}
	if _, err := tx.Exec(ctx, sqlSessionDecide, book.ID, id, to.state, now); err != nil {
		return nil, fmt.Errorf("decide payment %s: %w", id, err)
	}
	s.State, s.DecidedAt = to.state, &now
	return s, announce(ctx, tx, book, s, to.kind, d, now)
}

// announce puts the event of a decision into the sandbox's outgoing post.
func announce(ctx context.Context, tx pgx.Tx, book *ledger.Book, s *Session, kind string, d Decision, now time.Time) error {
	eventID, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("make id of an event: %w", err)
	}
	e := event{ID: "evt_" + eventID.String(), Type: kind, Created: now.Unix(), Live: false, Account: book.Code}
	e.Data.Object = eventObject{s.ID, money.Format(s.Amount, s.Currency), s.Currency}
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	copies := 1
	if d.Duplicate {
		copies = 2
	}
	for range copies {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make id of a delivery: %w", err)
		}
		if _, err := tx.Exec(ctx, sqlDeliveryInsert, book.ID, id, e.ID, body, now.Add(d.Late)); err != nil {
			return fmt.Errorf("queue event: %w", err)
		}
	}
	return nil
}
