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

// KeepDonor keeps the name of a natural person who stands in a record other than a gift, sealed like a gift's. The record
// carries the id alone. ErrBadPaid, ledger.ErrNoKeys.
func KeepDonor(ctx context.Context, tx pgx.Tx, book *ledger.Book, name string, now time.Time) (uuid.UUID, error) {
	if name == "" || !storable(name, paidNameMax) {
		return uuid.Nil, fmt.Errorf("%w: name", ErrBadPaid)
	}
	return keep(ctx, tx, book, Personal{Name: name}, now)
}

// KeepPerson is KeepDonor for somebody who told more than a name, such as where their money goes. ErrBadPaid, ledger.ErrNoKeys.
func KeepPerson(ctx context.Context, tx pgx.Tx, book *ledger.Book, name, told string, now time.Time) (uuid.UUID, error) {
	if name == "" || !storable(name, paidNameMax) || !storable(told, paidMessageMax) {
		return uuid.Nil, fmt.Errorf("%w: name", ErrBadPaid)
	}
	return keep(ctx, tx, book, Personal{Name: name, Message: told}, now)
}

const sqlPersonTold = `
select ` + donorColumns + ` from (select $1::int4 as book_id, $2::uuid as donor_id, $2::uuid as id) g ` + donorTables

// PersonTold opens what KeepPerson sealed; nothing is left of somebody who was erased.
func PersonTold(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (name, told string, err error) {
	var s sealed
	if err := q.QueryRow(ctx, sqlPersonTold, book.ID, id).Scan(s.targets()...); err != nil {
		return "", "", fmt.Errorf("read person: %w", err)
	}
	p, err := s.open(book, id)
	return p.Name, p.Message, err
}

// keep seals what a person told and answers the id of the new donor.
func keep(ctx context.Context, tx pgx.Tx, book *ledger.Book, p Personal, now time.Time) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make id of a donor: %w", err)
	}
	s, err := sealDonor(book, id, id, p)
	if err != nil {
		return uuid.Nil, err
	}
	var rows donorRows
	rows.add(s, id, now)
	b := &pgx.Batch{}
	rows.queue(b, book)
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return uuid.Nil, fmt.Errorf("keep donor: %w", err)
	}
	return id, nil
}

// DonorName is a natural person's name, empty once it is erased.
func DonorName(ctx context.Context, q pg.Querier, book *ledger.Book, id uuid.UUID) (string, error) {
	found, err := donors(ctx, q, book, []uuid.UUID{id})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0].Name, nil
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
