package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Refusals of an event that is signed well.
var (
	ErrMalformed = errors.New("event cannot be read")
	ErrForeign   = errors.New("event is of another account or mode")
)

// BodyMax is the largest event taken, in bytes; the web server refuses larger ones before reading them.
const BodyMax = 64 << 10

// event is what the inbox needs to know of one: the rest stays in the stored body.
type event struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Live    bool   `json:"livemode"`
	Account string `json:"account"`
	Data    struct {
		Object eventObject `json:"object"`
	} `json:"data"`
}

// eventObject names the payment. Its figures are for people who read logs: nothing is booked from them.
type eventObject struct {
	Session  uuid.UUID `json:"id"`
	Amount   string    `json:"amount"`
	Currency string    `json:"currency"`
}

func parseEvent(body []byte) (*event, error) {
	if len(body) > BodyMax {
		return nil, fmt.Errorf("%w: %d bytes of at most %d", ErrMalformed, len(body), BodyMax)
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if e.ID == "" || len(e.ID) > 255 || e.Type == "" || len(e.Type) > 100 || e.Data.Object.Session == uuid.Nil {
		return nil, fmt.Errorf("%w: id, type or object is missing", ErrMalformed)
	}
	return &e, nil
}

const sqlInboxInsert = `
insert into inbox (book_id, id, processor, event_id, kind, received_at, next_attempt_at, body)
values ($1, $2, $3, $4, $5, $6, $6, $7)
    on conflict (book_id, processor, event_id) do nothing`

// Receive verifies an event and stores it once; that is all, the worker does the rest. It answers whether
// the event is new: one that came before is fine too. It fails, and stores nothing, with ErrNoProcessor,
// ErrSignature, ErrTooOld, ErrMalformed or ErrForeign.
func Receive(ctx context.Context, db pg.Querier, book *ledger.Book, processor string, body []byte, header string, now time.Time) (fresh bool, err error) {
	if len(body) > BodyMax {
		return false, fmt.Errorf("%w: %d bytes of at most %d", ErrMalformed, len(body), BodyMax)
	}
	ctx = pg.WithBook(ctx, book.ID)
	keys, err := secrets(ctx, db, book, processor)
	if err != nil {
		return false, err
	}
	if err := Verify(keys, body, header, now); err != nil {
		return false, err
	}
	e, err := parseEvent(body)
	if err != nil {
		return false, err
	}
	if e.Account != book.Code || e.Live == book.Sandbox {
		return false, fmt.Errorf("%w: account %q, live %v", ErrForeign, e.Account, e.Live)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return false, fmt.Errorf("make id of an event: %w", err)
	}
	tag, err := db.Exec(ctx, sqlInboxInsert, book.ID, id, processor, e.ID, e.Type, now, body)
	if err != nil {
		return false, fmt.Errorf("store event %s: %w", e.ID, err)
	}
	return tag.RowsAffected() == 1, nil
}
