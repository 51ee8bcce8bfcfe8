package giving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

const sqlDonorName = `select name from donor where book_id = $1 and id = $2`

// KeepDonor keeps the name of a natural person who stands in a record other than a gift. The record carries the id alone.
func KeepDonor(ctx context.Context, tx pgx.Tx, book *ledger.Book, name string, now time.Time) (uuid.UUID, error) {
	if name == "" || !storable(name, paidNameMax) {
		return uuid.Nil, fmt.Errorf("%w: name", ErrBadPaid)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make id of a donor: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlCheckoutDonor, book.ID, id, name, "", now); err != nil {
		return uuid.Nil, fmt.Errorf("keep donor: %w", err)
	}
	return id, nil
}

// DonorName is a natural person's name, empty once it is erased.
func DonorName(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (name string, err error) {
	err = q.QueryRow(ctx, sqlDonorName, book.ID, id).Scan(&name)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return "", fmt.Errorf("read donor: %w", err)
	}
	return name, nil
}
