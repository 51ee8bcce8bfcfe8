package payments

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// Limits of working off the inbox.
const (
	workBatch = 500         // events at a time
	workLease = time.Minute // until another worker may take an event that we took
)

// Database is what runs reads and transactions of their own: a pool.
type Database interface {
	pg.Querier
	pg.Beginner
}

// Worker has the events of a book's inbox booked through the intake. Several workers share the work.
type Worker struct {
	db     Database
	book   *ledger.Book
	intake *giving.Intake
	clock  func() time.Time
	stripe *Stripe // nil: the book takes no payments through Stripe
	Waker
}

// NewWorker makes a worker; stripe is nil for a book that takes no payments there. Run starts it; Wake it after each Receive.
func NewWorker(db Database, book *ledger.Book, intake *giving.Intake, stripe *Stripe, clock func() time.Time) *Worker {
	return &Worker{db: db, book: book, intake: intake, clock: clock, stripe: stripe, Waker: NewWaker()}
}

// Run works until ctx ends: when woken, and every second what has become due.
func (w *Worker) Run(ctx context.Context) error {
	return w.Waker.Run(ctx, func(ctx context.Context) (bool, error) {
		n, err := w.Work(ctx)
		if err != nil {
			return false, err
		}
		sent, err := w.SendRefunds(ctx)
		if err != nil {
			return false, err
		}
		told, err := w.TellPlans(ctx)
		if err != nil {
			return false, err
		}
		closed, err := w.CloseCardPages(ctx)
		return n == workBatch || sent == sendBatch || told == planBatch || closed == closeBatch, err
	}, "work off the inbox")
}

// TellPlans tells the processor what was changed of plans by card, and says of how many.
func (w *Worker) TellPlans(ctx context.Context) (int, error) {
	if w.stripe == nil {
		return 0, nil
	}
	return w.stripe.TellPlans(pg.WithBook(ctx, w.book.ID))
}

// waiting is one event under work.
type waiting struct {
	id        uuid.UUID
	processor string
	kind      string
	attempts  int
	body      []byte

	session uuid.UUID
	payment *payment  // nil: the processor knows of none
	tries   []outcome // what came of payments, for the defence against card testing
	state   string    // "new" (again later), "done" or "refused"
	problem string
}

// States of an event in the inbox.
const (
	inboxNew     = "new"
	inboxDone    = "done"
	inboxRefused = "refused"
)

const (
	// No transaction stays open while the intake books: it needs a connection too.
	sqlInboxTake = `
update inbox i set attempts = i.attempts + 1, next_attempt_at = $2::timestamptz + $4::interval
 where i.book_id = $1 and i.id in (select id from inbox
        where book_id = $1 and state = 'new' and next_attempt_at <= $2
        order by next_attempt_at, id limit $3 for update skip locked)
returning i.id, i.processor, i.kind, i.attempts, i.body`

	sqlInboxSettle = `
update inbox i set state = u.state, problem = u.problem, next_attempt_at = u.next,
       done_at = case when u.state <> 'new' then $2::timestamptz end
  from unnest($3::uuid[], $4::text[], $5::text[], $6::timestamptz[]) u(id, state, problem, next)
 where i.book_id = $1 and i.id = u.id and i.state = 'new'`
)

// Work takes the events that are due, looks up at the processor what became of each payment, books the
// paid ones and notes the others. It says how many events it worked off. The gifts are committed before
// the events are marked; after a crash between the two they are booked again, which changes nothing.
func (w *Worker) Work(ctx context.Context) (n int, err error) {
	ctx = pg.WithBook(ctx, w.book.ID)
	now := w.clock()
	events, err := w.take(ctx, now)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	own := slices.DeleteFunc(slices.Clone(events), func(e *waiting) bool { return e.processor == StripeCode })
	if err := w.lookUp(ctx, own); err != nil {
		return 0, err
	}
	w.bookPaid(ctx, own)
	w.workStripe(ctx, events)
	err = pg.InTx(ctx, w.db, func(tx pgx.Tx) error {
		if err := w.markUnpaid(ctx, tx, own, now); err != nil {
			return err
		}
		if err := noteOutcomes(ctx, tx, w.book, outcomes(events), now); err != nil {
			return err
		}
		return w.settle(ctx, tx, events, now)
	})
	return len(events), err
}

// outcomes are what events that are worked off tell of payments.
func outcomes(events []*waiting) (of []outcome) {
	for _, e := range events {
		if e.state != inboxDone {
			continue
		}
		of = append(of, e.tries...)
		if p := e.payment; p != nil && (p.state == SessionFailed || p.state == SessionSucceeded) {
			of = append(of, outcome{p.giftID, p.state == SessionFailed})
		}
	}
	return of
}

// lookers is how many objects are looked up at Stripe at a time.
const lookers = 8

// workStripe works on the events of Stripe, several at a time: each costs some calls over the wire.
func (w *Worker) workStripe(ctx context.Context, events []*waiting) {
	var all sync.WaitGroup
	seats := make(chan struct{}, lookers)
	for _, e := range events {
		if e.processor != StripeCode {
			continue
		}
		seats <- struct{}{}
		all.Go(func() {
			defer func() { <-seats }()
			e.verdict(w.workOne(ctx, e))
		})
	}
	all.Wait()
}

func (w *Worker) workOne(ctx context.Context, e *waiting) error {
	if w.stripe == nil {
		return fmt.Errorf("%w: %s", ErrNoProcessor, e.processor)
	}
	parsed, err := parseStripeEvent(e.body)
	if err != nil {
		return fmt.Errorf("%w: %w", errOdd, err)
	}
	if !handled(e.kind) {
		return nil
	}
	if err := w.stripe.work(ctx, e.kind, parsed); err != nil {
		return err
	}
	e.tries, err = w.stripe.tried(ctx, e.kind, parsed)
	return err
}

func (w *Worker) take(ctx context.Context, now time.Time) ([]*waiting, error) {
	rows, err := w.db.Query(ctx, sqlInboxTake, w.book.ID, now, workBatch, workLease)
	if err != nil {
		return nil, fmt.Errorf("take events: %w", err)
	}
	events, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (*waiting, error) {
		e := &waiting{state: inboxDone}
		return e, row.Scan(&e.id, &e.processor, &e.kind, &e.attempts, &e.body)
	})
	if err != nil {
		return nil, fmt.Errorf("take events: %w", err)
	}
	slices.SortFunc(events, func(a, b *waiting) int { return bytes.Compare(a.id[:], b.id[:]) })
	for _, e := range events {
		if e.processor == StripeCode {
			continue
		}
		parsed, err := parseEvent(e.body)
		if err != nil {
			e.refuse(err)
			continue
		}
		e.session = parsed.Data.Object.Session
	}
	return events, nil
}

// payment is what the processor answers when asked: the only source of figures.
type payment struct {
	giftID    uuid.UUID
	amount    int64 // charged
	fee       int64 // of the book's currency
	worth     int64 // likewise: what foreign money was settled for; zero: it is none
	currency  string
	state     string
	charge    string
	decidedAt *time.Time
	feeOnTop  bool // the fund's donors give the fee on top: the gift is the charge less the fee
}

const sqlPayments = `
select s.id, s.gift_id, s.amount, s.fee, coalesce(s.worth, 0), s.ccy, s.state, s.charge, s.decided_at,
       coalesce((select f.fee_bearer = 'donor'
                   from checkout c
                   join campaign g on g.book_id = $1 and g.campaign_id = c.campaign_id
                   join fund f on f.book_id = $1 and f.fund_id = g.fund_id
                  where c.book_id = $1 and c.id = s.gift_id), false)
  from sandbox_session s
 where s.book_id = $1 and s.id = any($2::uuid[])`

// lookUp asks the processor about the payments that the events name.
func (w *Worker) lookUp(ctx context.Context, events []*waiting) error {
	var ids []uuid.UUID
	for _, e := range events {
		if e.state == inboxDone {
			ids = append(ids, e.session)
		}
	}
	rows, err := w.db.Query(ctx, sqlPayments, w.book.ID, ids)
	if err != nil {
		return fmt.Errorf("look up payments: %w", err)
	}
	found := map[uuid.UUID]*payment{}
	var id uuid.UUID
	var p payment
	_, err = pgx.ForEachRow(rows, []any{&id, &p.giftID, &p.amount, &p.fee, &p.worth, &p.currency, &p.state, &p.charge, &p.decidedAt, &p.feeOnTop}, func() error {
		one := p
		found[id] = &one
		return nil
	})
	if err != nil {
		return fmt.Errorf("look up payments: %w", err)
	}
	for _, e := range events {
		if e.state != inboxDone {
			continue
		}
		if e.payment = found[e.session]; e.payment == nil {
			e.refuse(fmt.Errorf("%w: %s", ErrNoSession, e.session))
		}
	}
	return nil
}

// bookPaid sends the gifts of succeeded payments through the intake.
func (w *Worker) bookPaid(ctx context.Context, events []*waiting) {
	var paid []giving.Paid
	var of []*waiting
	for _, e := range events {
		if p := e.payment; p != nil && p.state == SessionSucceeded && p.decidedAt != nil {
			gift := p.amount
			if p.feeOnTop && p.worth == 0 {
				gift -= p.fee
			}
			paid = append(paid, giving.Paid{
				ID: p.giftID, Amount: gift, Currency: p.currency, Fee: p.fee, PaidAt: *p.decidedAt, Channel: giving.Sandbox, Ref: p.charge, Worth: p.worth, Exact: p.worth != 0,
			})
			of = append(of, e)
		}
	}
	outcomes, err := w.intake.SubmitAll(ctx, paid)
	for i, e := range of {
		switch {
		case err != nil:
			e.later(err)
		case outcomes[i].Err != nil && refused(outcomes[i].Err):
			e.refuse(outcomes[i].Err)
		case outcomes[i].Err != nil:
			e.later(outcomes[i].Err)
		}
	}
}

// refused tells a refusal that will stay one from trouble that may pass.
func refused(err error) bool {
	for _, final := range []error{
		giving.ErrBadPaid, giving.ErrMismatch, giving.ErrRefReused, giving.ErrPaidTwice, giving.ErrNoCampaign, giving.ErrNoCheckout,
		giving.ErrFundKind, giving.ErrFeeChannel, ledger.ErrNoFund, ledger.ErrAmount, money.ErrCurrency,
	} {
		if errors.Is(err, final) {
			return true
		}
	}
	return false
}

func (e *waiting) refuse(err error) { e.state, e.problem = inboxRefused, clip(err.Error()) }

func (e *waiting) later(err error) { e.state, e.problem = inboxNew, clip(err.Error()) }

// clip makes an error's text fit for the table, whatever an event put into it.
func clip(s string) string {
	const max = 500
	s = giving.CleanText(s)
	return strings.ToValidUTF8(s[:min(len(s), max)], "")
}

// markUnpaid notes pending and failed payments on their checkouts.
func (w *Worker) markUnpaid(ctx context.Context, tx pgx.Tx, events []*waiting, now time.Time) error {
	marks := map[uuid.UUID]giving.Mark{}
	for _, e := range events {
		if e.payment == nil {
			continue
		}
		switch e.payment.state {
		case SessionPending:
			marks[e.payment.giftID] = giving.Mark{ID: e.payment.giftID, State: giving.CheckoutPending}
		case SessionFailed:
			marks[e.payment.giftID] = giving.Mark{ID: e.payment.giftID, State: giving.CheckoutFailed}
		}
	}
	if len(marks) == 0 {
		return nil
	}
	list := make([]giving.Mark, 0, len(marks))
	for _, m := range marks {
		list = append(list, m)
	}
	return giving.MarkCheckouts(ctx, tx, w.book, list, now)
}

// settle writes down what became of the events.
func (w *Worker) settle(ctx context.Context, tx pgx.Tx, events []*waiting, now time.Time) error {
	n := len(events)
	id, state, problem, next := make([]uuid.UUID, n), make([]string, n), make([]string, n), make([]time.Time, n)
	for i, e := range events {
		id[i], state[i], problem[i], next[i] = e.id, e.state, e.problem, now.Add(backoff(e.attempts))
	}
	if _, err := tx.Exec(ctx, sqlInboxSettle, w.book.ID, now, id, state, problem, next); err != nil {
		return fmt.Errorf("settle events: %w", err)
	}
	return nil
}
