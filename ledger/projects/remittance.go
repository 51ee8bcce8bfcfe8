package projects

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const (
	sqlNotesDue = `select id from disbursement where book_id = $1 and note_due order by number limit 200`
	// Whoever is second waits here, and then finds nothing due.
	sqlNoteTold = `
update disbursement set note_due = false, noted_at = case when $3 then $4::timestamptz end where book_id = $1 and id = $2 and note_due`
	sqlToldAt = `select noted_at, note_due from disbursement where book_id = $1 and id = $2`
)

// NotesDue lists the payments that their bank line confirmed and whose payees were not told yet, at most two hundred.
func NotesDue(ctx context.Context, q pg.Querier, book *ledger.Book) ([]uuid.UUID, error) {
	return ids(ctx, q, sqlNotesDue, book.ID)
}

// Tell marks a payment's remittance note as told and lists who signs in for its payee: they get the letter in the same transaction. It lists
// nobody when they were told before, when the payment came back meanwhile, and when nobody signs in for the payee; then the note is printed.
func Tell(ctx context.Context, tx pgx.Tx, book *ledger.Book, p *Payment, now time.Time) ([]uuid.UUID, error) {
	people, err := PeopleOf(ctx, tx, book, p.PayeeID)
	if err != nil {
		return nil, err
	}
	tag, err := tx.Exec(ctx, sqlNoteTold, book.ID, p.ID, len(people) > 0, now)
	if err != nil {
		return nil, fmt.Errorf("mark note of %s: %w", p.Name(), err)
	}
	if tag.RowsAffected() == 0 {
		return nil, nil
	}
	return people, nil
}

// Told is when the payee was told of a payment by letter, nil when it was not, and whether it still will be.
func Told(ctx context.Context, q pg.Querier, book *ledger.Book, payment uuid.UUID) (at *time.Time, due bool, err error) {
	if err := q.QueryRow(ctx, sqlToldAt, book.ID, payment).Scan(&at, &due); err != nil {
		return nil, false, fmt.Errorf("read when a payee was told: %w", err)
	}
	return at, due, nil
}
