package plans

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// A processor outside charges cards by its own clock. The sandbox, which is ours, asks here what is due.

const (
	sqlCardsToOpen = `
select ` + planColumns + ` from plan p
 where p.book_id = $1 and p.way = 'card' and p.state = 'active' and p.subscription = ''
   and exists (select from checkout c where c.book_id = p.book_id and c.id = p.first_gift and c.channel = $2)
 order by p.id limit $3 for update skip locked`

	sqlCardsDue = `
select ` + planColumns + ` from plan p
 where p.book_id = $1 and p.processor = $2 and p.state in ('active', 'paused') and not p.failing and p.next_on <= $3
 order by p.next_on, p.id limit $4 for update skip locked`

	sqlCardsToRetry = `
select ` + planColumns + ` from plan p
 where p.book_id = $1 and p.processor = $2 and p.state = 'active' and p.failing
   and exists (select from plan_charge c where c.book_id = p.book_id and c.plan_id = p.id and c.state = 'failed' and c.next_try <= $3)
 order by p.id limit $4 for update skip locked`

	sqlPlanBring  = `update plan set next_on = $3 where book_id = $1 and id = $2 and state = 'active'`
	sqlRetryBring = `update plan_charge set next_try = $3 where book_id = $1 and plan_id = $2 and state = 'failed' and next_try is not null`
)

// CardsToOpen takes plans by card whose first gift came in by a channel and that have no number there yet.
func CardsToOpen(ctx context.Context, tx pgx.Tx, book *ledger.Book, by giving.Channel) ([]Plan, error) {
	return query(ctx, tx, sqlCardsToOpen, book.ID, int16(by), stepMax)
}

// CardsDue takes plans of a processor whose day has come, paused ones too.
func CardsDue(ctx context.Context, tx pgx.Tx, book *ledger.Book, processor string, today time.Time) ([]Plan, error) {
	return query(ctx, tx, sqlCardsDue, book.ID, processor, today, stepMax)
}

// CardsToRetry takes plans of a processor whose card was refused and is to be tried again by now.
func CardsToRetry(ctx context.Context, tx pgx.Tx, book *ledger.Book, processor string, now time.Time) ([]Plan, error) {
	return query(ctx, tx, sqlCardsToRetry, book.ID, processor, now, stepMax)
}

// Renewed notes when the next charge is.
func Renewed(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, next time.Time) error {
	if _, err := tx.Exec(ctx, sqlPlanRenewed, book.ID, id, next); err != nil {
		return fmt.Errorf("note next charge of plan %s: %w", id, err)
	}
	return nil
}

// Bring has the next charge, or the next try of one that was refused, be due now.
func Bring(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *Plan, now time.Time) error {
	sql, at := sqlPlanBring, any(book.Day(now))
	if p.Failing {
		sql, at = sqlRetryBring, now
	}
	if _, err := tx.Exec(ctx, sql, book.ID, p.ID, at); err != nil {
		return fmt.Errorf("bring charge of plan %s: %w", p.ID, err)
	}
	return nil
}
