package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// AddDonor seals what somebody told outside of a gift, such as the payer of a receipt, under a key of its own.
func AddDonor(ctx context.Context, tx pgx.Tx, book *ledger.Book, told Personal, now time.Time) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make donor id: %w", err)
	}
	s, err := sealDonor(book, id, id, told)
	if err != nil {
		return uuid.Nil, err
	}
	if s.donor == nil {
		return uuid.Nil, fmt.Errorf("%w: nothing was told", ErrBadPaid)
	}
	var rows donorRows
	rows.add(s, id, now)
	b := &pgx.Batch{}
	rows.queue(b, book)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return uuid.Nil, fmt.Errorf("add donor: %w", err)
	}
	return id, nil
}

// Donors opens what donors told, but their messages, by id. Those who were erased are left out.
func Donors(ctx context.Context, q pg.Querier, book *ledger.Book, ids []uuid.UUID) (map[uuid.UUID]Donor, error) {
	found := make(map[uuid.UUID]Donor, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	list, err := donors(ctx, q, book, ids)
	for _, d := range list {
		if d.ErasedAt == nil {
			found[d.ID] = d
		}
	}
	return found, err
}
