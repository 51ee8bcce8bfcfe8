package payments

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"

	"sunfund/internal/pg"
)

// Limits of closing payment pages.
const (
	closeBatch = 20
	closeLease = 30 * time.Second // until a page that did not close is tried again
)

// Taken before anything is sent: another worker leaves them alone, and after a crash they are tried again.
const sqlPagesToClose = `
update checkout_session c set close_next = $2::timestamptz + $4::interval, close_tries = c.close_tries + 1
 where c.book_id = $1 and c.processor = 'stripe' and c.gift_id in (select gift_id from checkout_session
        where book_id = $1 and processor = 'stripe' and state = 'open' and cards and (close_next is null or close_next <= $2)
        order by created_at limit $3 for update skip locked)
returning c.gift_id, c.session, c.close_tries`

// CloseCardPages expires open payment pages that take cards, as long as cards are paused, and says how many it tried. A page that was
// paid meanwhile is booked instead. ErrAway when some could not be asked about; they are tried again.
func (w *Worker) CloseCardPages(ctx context.Context) (int, error) {
	if w.stripe == nil {
		return 0, nil
	}
	ctx = pg.WithBook(ctx, w.book.ID)
	now := w.clock()
	defence, err := DefenceOf(ctx, w.db, w.book)
	if err != nil || defence.Tier(now) != TierPaused {
		return 0, err
	}
	rows, err := w.db.Query(ctx, sqlPagesToClose, w.book.ID, now, closeBatch, closeLease)
	if err != nil {
		return 0, fmt.Errorf("take payment pages to close: %w", err)
	}
	type open struct {
		Gift    uuid.UUID
		Session string
		Tries   int
	}
	pages, err := pgx.CollectRows(rows, pgx.RowToStructByPos[open])
	if err != nil {
		return 0, fmt.Errorf("take payment pages to close: %w", err)
	}
	var failed error
	for _, p := range pages {
		failed = errors.Join(failed, w.stripe.closePage(ctx, p.Gift, p.Session, p.Tries))
	}
	return len(pages), failed
}

// closePage expires a page. What Stripe refuses to expire has been decided there: it is looked up.
func (s *Stripe) closePage(ctx context.Context, gift uuid.UUID, session string, try int) error {
	p := &stripe.CheckoutSessionExpireParams{}
	p.Context = ctx
	p.SetIdempotencyKey(fmt.Sprintf("%s-close-%d", gift, try))
	_, err := s.api.CheckoutSessions.Expire(session, p)
	if err == nil {
		return s.markSession(ctx, gift, pageFailed)
	}
	if err = away(fmt.Errorf("close payment page %s: %w", session, err)); errors.Is(err, ErrAway) {
		return err
	}
	return s.workSession(ctx, session)
}
