package payments

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Limits of delivering.
const (
	deliverBatch   = 20
	deliverTimeout = 10 * time.Second
	deliverLease   = 30 * time.Second // until somebody else may try an event that we took
	retryMax       = time.Hour
	poll           = time.Second
)

// Deliverer is the sandbox's outgoing post: it sends its events to our webhook over HTTP and tries each again until
// the answer is 200, as a processor does.
type Deliverer struct {
	db     pg.Querier
	book   *ledger.Book
	url    string
	clock  func() time.Time
	client *http.Client
	Waker
}

// NewDeliverer makes a deliverer that posts to url. Run starts it.
func NewDeliverer(db pg.Querier, book *ledger.Book, url string, clock func() time.Time) *Deliverer {
	client := &http.Client{
		Timeout:       deliverTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Deliverer{db: db, book: book, url: url, clock: clock, client: client, Waker: NewWaker()}
}

// Run delivers until ctx ends: when woken, and every second what has become due.
func (d *Deliverer) Run(ctx context.Context) error {
	return d.Waker.Run(ctx, func(ctx context.Context) (bool, error) {
		sent, err := d.Deliver(ctx)
		return sent == deliverBatch, err
	}, "deliver sandbox events")
}

const (
	sqlDeliveryTake = `
update sandbox_delivery d set attempts = d.attempts + 1, next_attempt_at = $2::timestamptz + $4::interval
 where d.book_id = $1 and d.id in (select id from sandbox_delivery
        where book_id = $1 and delivered_at is null and next_attempt_at <= $2
        order by next_attempt_at limit $3 for update skip locked)
returning d.id, d.attempts, d.body`

	sqlDeliveryDone  = `update sandbox_delivery set delivered_at = $3 where book_id = $1 and id = $2`
	sqlDeliveryLater = `update sandbox_delivery set next_attempt_at = $3 where book_id = $1 and id = $2`
)

// Deliver sends the events that are due now, and says how many it tried.
func (d *Deliverer) Deliver(ctx context.Context) (int, error) {
	ctx = pg.WithBook(ctx, d.book.ID)
	now := d.clock()
	rows, err := d.db.Query(ctx, sqlDeliveryTake, d.book.ID, now, deliverBatch, deliverLease)
	if err != nil {
		return 0, fmt.Errorf("take events to deliver: %w", err)
	}
	type delivery struct {
		ID       uuid.UUID
		Attempts int
		Body     []byte
	}
	due, err := pgx.CollectRows(rows, pgx.RowToStructByPos[delivery])
	if err != nil {
		return 0, fmt.Errorf("take events to deliver: %w", err)
	}
	if len(due) == 0 {
		return 0, nil
	}
	slices.SortFunc(due, func(a, b delivery) int { return bytes.Compare(a.ID[:], b.ID[:]) }) // as they were made
	keys, err := secrets(ctx, d.db, d.book, SandboxCode)
	if err != nil {
		return 0, err
	}
	for _, one := range due {
		sql, at := sqlDeliveryDone, d.clock()
		if err := d.post(ctx, keys[0], one.Body); err != nil {
			slog.Warn("sandbox event not delivered", "book", d.book.Code, "attempt", one.Attempts, "error", err)
			sql, at = sqlDeliveryLater, at.Add(backoff(one.Attempts))
		}
		if _, err := d.db.Exec(ctx, sql, d.book.ID, one.ID, at); err != nil {
			return 0, fmt.Errorf("note delivery: %w", err)
		}
	}
	return len(due), nil
}

func (d *Deliverer) post(ctx context.Context, secret, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(SignatureHeader, Sign(secret, body, d.clock()))
	answer, err := d.client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, BodyMax)); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("webhook answered %s", answer.Status)
	}
	return nil
}

// backoff is how long to wait after the nth failed attempt: 1 s doubled each time, at most an hour.
func backoff(attempts int) time.Duration {
	return min(time.Second<<min(max(attempts-1, 0), 12), retryMax)
}

// Waker lets one goroutine sleep until there is work.
type Waker struct{ signal chan struct{} }

// NewWaker makes one.
func NewWaker() Waker { return Waker{make(chan struct{}, 1)} }

// Wake says that there is work now. It never blocks.
func (w Waker) Wake() {
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// Run calls work when woken and every poll, again at once while it says there is more. Errors are logged and the next
// poll tries again, since the loop has nobody to return them to.
func (w Waker) Run(ctx context.Context, work func(context.Context) (more bool, err error), what string) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		more, err := work(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			slog.Error(what, "error", err)
		} else if more {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.signal:
		case <-tick.C:
		}
	}
}
