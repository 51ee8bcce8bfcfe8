package payments

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// StripeHeader carries the signature of an event that Stripe delivers.
const StripeHeader = "Stripe-Signature"

// stripeEvent is what the inbox needs to know of one: which object to look up. Its figures are not even read.
type stripeEvent struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Live    bool   `json:"livemode"`
	Account string `json:"account"` // empty on events of our own account
	Version string `json:"api_version"`
	Data    struct {
		Object struct {
			ID   string `json:"id"`
			Kind string `json:"object"`
		} `json:"object"`
	} `json:"data"`
}

func parseStripeEvent(body []byte) (*stripeEvent, error) {
	var e stripeEvent
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if e.ID == "" || len(e.ID) > 255 || e.Type == "" || len(e.Type) > 100 || e.Data.Object.ID == "" || len(e.Data.Object.ID) > 255 {
		return nil, fmt.Errorf("%w: id, type or object is missing", ErrMalformed)
	}
	return &e, nil
}

const sqlInboxApart = `
insert into inbox (book_id, id, processor, event_id, kind, received_at, next_attempt_at, body, state, problem)
values ($1, $2, $3, $4, $5, $6, $6, $7, 'quarantined', $8)
    on conflict (book_id, processor, event_id) do nothing`

// Receive verifies an event and stores it once; the worker does the rest. Well signed events of another version are kept apart
// and answered well; those of another account or mode are kept apart and answered with ErrForeign. Otherwise it fails as the
// function Receive does, and stores nothing.
func (s *Stripe) Receive(ctx context.Context, body []byte, header string) (fresh bool, err error) {
	if len(body) > BodyMax {
		return false, fmt.Errorf("%w: %d bytes of at most %d", ErrMalformed, len(body), BodyMax)
	}
	secrets := make([][]byte, len(s.keys.Webhooks))
	for i, secret := range s.keys.Webhooks {
		secrets[i] = []byte(secret)
	}
	now := s.clock()
	if err := Verify(secrets, body, header, now); err != nil {
		return false, err
	}
	e, err := parseStripeEvent(body)
	if err != nil {
		return false, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return false, fmt.Errorf("make id of an event: %w", err)
	}
	ctx = pg.WithBook(ctx, s.book.ID)
	if why := s.foreign(e); why != "" {
		_, err := s.db.Exec(ctx, sqlInboxApart, s.book.ID, id, StripeCode, e.ID, e.Type, now, body, why)
		if err != nil {
			return false, fmt.Errorf("store event %s: %w", e.ID, err)
		}
		if e.Live != s.keys.Live() || e.Account != "" && e.Account != s.keys.Account {
			return false, fmt.Errorf("%w: %s", ErrForeign, why)
		}
		return false, nil
	}
	tag, err := s.db.Exec(ctx, sqlInboxInsert, s.book.ID, id, StripeCode, e.ID, e.Type, now, body)
	if err != nil {
		return false, fmt.Errorf("store event %s: %w", e.ID, err)
	}
	return tag.RowsAffected() == 1, nil
}

// foreign says why an event is not ours to work on.
func (s *Stripe) foreign(e *stripeEvent) string {
	switch {
	case e.Live != s.keys.Live():
		return fmt.Sprintf("livemode %v", e.Live)
	case e.Account != "" && e.Account != s.keys.Account:
		return clip("account " + e.Account)
	case e.Version != StripeVersion:
		return clip("api_version " + e.Version)
	}
	return ""
}

// errOdd is what somebody must look at: trying again does not help.
var errOdd = errors.New("cannot be booked by itself")

// work looks up at Stripe what an event speaks of and books what is not booked.
func (s *Stripe) work(ctx context.Context, kind string, e *stripeEvent) error {
	id := e.Data.Object.ID
	switch e.Data.Object.Kind {
	case "checkout.session":
		return s.workSession(ctx, id)
	case "charge":
		if kind == "charge.failed" || kind == "charge.pending" {
			return nil // tries never touch the books
		}
		return s.syncCharge(ctx, id)
	case "refund":
		return s.workRefund(ctx, id)
	case "dispute":
		return s.workDispute(ctx, id)
	case "payout":
		return s.syncPayout(ctx, id)
	case "invoice":
		return s.workInvoice(ctx, id)
	case "subscription":
		return s.workSubscription(ctx, id)
	case "balance_transaction":
		return s.workTxn(ctx, id)
	}
	return nil
}

// handled are the events that are worked on; others are noted and left.
func handled(kind string) bool {
	for _, prefix := range []string{"checkout.session.", "charge.", "refund.", "payout.", "invoice.p", "customer.subscription.", sweptKind} {
		if strings.HasPrefix(kind, prefix) {
			return true
		}
	}
	return false
}

// verdict says what becomes of an event after work.
func (e *waiting) verdict(err error) {
	switch {
	case err == nil:
	case errors.Is(err, errOdd), missing(err), refused(err), errors.Is(err, giving.ErrRefundTooLarge), errors.Is(err, ledger.ErrKeyReused):
		e.refuse(err)
	default:
		e.later(err)
	}
}
