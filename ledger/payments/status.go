package payments

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Status is how payments of a book stand, for the people who look after them.
type Status struct {
	LastEvent *time.Time // the last that came in
	Waiting   int64      // events still to be worked off
	Stuck     int64      // of them, those that were tried five times and more
	SweptAt   *time.Time // when the processor's balance was last looked through
	SweepSays string     // why the last sweep failed; empty when it did not
	Apart     []Event    // refused or kept apart, the latest first
	Disputes  []Dispute  // the latest first
	Payouts   []Payout   // the latest first
}

// Event is one that somebody must look at.
type Event struct {
	ID         uuid.UUID
	EventID    string // the processor's
	Kind       string
	State      string // "refused" or "quarantined"
	Problem    string
	ReceivedAt time.Time
}

// Dispute is a payment that a cardholder disputes.
type Dispute struct {
	ID       string
	GiftID   uuid.UUID
	Amount   int64 // minor units of Currency
	Currency string
	Fee      int64 // minor units of the book's currency
	Reason   string
	State    string
	OpenedAt time.Time
	DueBy    *time.Time // until when evidence is taken
	ClosedAt *time.Time
}

// Payout is money on its way from the processor to the bank.
type Payout struct {
	ID        string
	Amount    int64 // minor units of the book's currency
	State     string
	ArrivesOn time.Time
	CreatedAt time.Time
}

// Limits of the lists of a Status.
const statusMax = 50

const (
	sqlInboxState = `
select max(received_at) filter (where kind <> 'swept'), count(*) filter (where state = 'new'), count(*) filter (where state = 'new' and attempts >= 5)
  from inbox where book_id = $1`

	sqlSweepState = `select swept_at, problem from processor_sweep where book_id = $1 and processor = 'stripe'`

	sqlEventsApart = `
select id, event_id, kind, state, problem, received_at from inbox
 where book_id = $1 and state in ('refused', 'quarantined') order by received_at desc, id desc limit $2`

	sqlDisputes = `
select dispute, gift_id, amount, ccy, fee, reason, state, opened_at, due_by, closed_at from dispute
 where book_id = $1 order by opened_at desc, dispute limit $2`

	sqlPayouts = `
select payout, amount, state, arrives_on, created_at from payout where book_id = $1 order by created_at desc, payout limit $2`

	sqlInboxAgain = `
update inbox set state = 'new', attempts = 0, next_attempt_at = $3, done_at = null, problem = ''
 where book_id = $1 and id = $2 and state = 'refused'`
)

// StatusOf reads how payments of a book stand.
func StatusOf(ctx context.Context, q pg.Querier, book *ledger.Book) (*Status, error) {
	var s Status
	b := &pgx.Batch{}
	b.Queue(sqlInboxState, book.ID).QueryRow(func(row pgx.Row) error { return row.Scan(&s.LastEvent, &s.Waiting, &s.Stuck) })
	b.Queue(sqlSweepState, book.ID).Query(func(rows pgx.Rows) error {
		var at time.Time
		_, err := pgx.ForEachRow(rows, []any{&at, &s.SweepSays}, func() error { s.SweptAt = &at; return nil })
		return err
	})
	b.Queue(sqlEventsApart, book.ID, statusMax).Query(func(rows pgx.Rows) (err error) {
		s.Apart, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Event])
		return err
	})
	b.Queue(sqlDisputes, book.ID, statusMax).Query(func(rows pgx.Rows) (err error) {
		s.Disputes, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Dispute])
		return err
	})
	b.Queue(sqlPayouts, book.ID, statusMax).Query(func(rows pgx.Rows) (err error) {
		s.Payouts, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Payout])
		return err
	})
	if err := q.SendBatch(ctx, b).Close(); err != nil {
		return nil, fmt.Errorf("read how payments stand: %w", err)
	}
	return &s, nil
}

const sqlAlarms = `
select (select count(*) from inbox where book_id = $1 and state in ('refused', 'quarantined') and received_at > $2)
     + (select count(*) from card_defence where book_id = $1 and guarded_to > $3)`

// alarmFor is how long an event that nobody could book is counted beside the page's name.
const alarmFor = 30 * 24 * time.Hour

// Alarms counts the events of the last 30 days that somebody must look at, and an alarm of card testing.
func Alarms(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) (n int64, err error) {
	if err := q.QueryRow(ctx, sqlAlarms, book.ID, now.Add(-alarmFor), now).Scan(&n); err != nil {
		return 0, fmt.Errorf("count alarms: %w", err)
	}
	return n, nil
}

// WorkAgain gives a refused event another chance, after what stood against it was mended. One that is kept apart stays there.
func WorkAgain(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, now time.Time) error {
	if _, err := tx.Exec(ctx, sqlInboxAgain, book.ID, id, now); err != nil {
		return fmt.Errorf("work on event again: %w", err)
	}
	return nil
}
