package giving

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// errFeeEntry marks a batch whose gifts would stand without their fee.
var errFeeEntry = errors.New("fee entry refused")

const (
	commitAttempts = 5
	commitPause    = 20 * time.Millisecond // doubled with each attempt
)

// Commit books gifts in a transaction of its own. What may go away is tried again; an unknown outcome is settled by
// booking again, since a gift is booked once; and what one gift alone makes fail is found by halving, so that
// it fails alone. An error means that nothing was booked, or pg.ErrUnknown: when an answer was lost and could not be
// found out after it.
func Commit(ctx context.Context, db pg.Beginner, book *ledger.Book, paid []Paid) ([]Outcome, error) {
	paid = slices.Clone(paid)
	if err := sealAll(book, paid); err != nil {
		return nil, err
	}
	return commit(pg.WithBook(ctx, book.ID), db, paid, func(tx pgx.Tx, some []Paid) ([]Outcome, error) { return Book(ctx, tx, book, some) })
}

// CommitRefunds books refunds in a transaction of its own, as Commit does gifts.
func CommitRefunds(ctx context.Context, db pg.Beginner, book *ledger.Book, list []Refunded) ([]Outcome, error) {
	return commit(pg.WithBook(ctx, book.ID), db, list, func(tx pgx.Tx, some []Refunded) ([]Outcome, error) { return BookRefunds(ctx, tx, book, some) })
}

func commit[T any](ctx context.Context, db pg.Beginner, members []T, book func(pgx.Tx, []T) ([]Outcome, error)) ([]Outcome, error) {
	var lost []Outcome // of a commit whose answer was lost
	for attempt := 1; ; attempt++ {
		var outcomes []Outcome
		err := pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
			outcomes, err = book(tx, members)
			if err == nil && slices.ContainsFunc(outcomes, func(o Outcome) bool { return o.Replayed }) {
				err = pg.Confirm(ctx, tx)
			}
			return err
		})
		switch {
		case err == nil:
			return own(outcomes, lost), nil
		case pg.OutcomeOf(err) == pg.Unknown:
			lost = own(outcomes, lost)
		case ofOneMember(err):
			return halve(ctx, db, members, book, err)
		}
		if lost != nil && pg.OutcomeOf(err) != pg.Unknown {
			err = fmt.Errorf("%w: %w", pg.ErrUnknown, err)
		}
		if attempt == commitAttempts {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(commitPause << (attempt - 1)):
		}
	}
}

// own takes the mark "booked before" off members that were booked by our own commit whose answer was lost.
func own(outcomes, lost []Outcome) []Outcome {
	for i := range lost {
		if outcomes[i].Replayed && !lost[i].Replayed && lost[i].Err == nil {
			outcomes[i].Replayed = false
		}
	}
	return outcomes
}

// ofOneMember tells whether the error can be the fault of one member, so that the others may pass without it.
func ofOneMember(err error) bool {
	if errors.Is(err, errFeeEntry) {
		return true
	}
	var answer *pgconn.PgError
	if errors.Is(err, ledger.ErrStale) || !errors.As(err, &answer) {
		return false
	}
	switch answer.Code[:2] {
	case "22", "23", "54": // data, constraint, a limit of the server exceeded
		return true
	}
	return false
}

func halve[T any](ctx context.Context, db pg.Beginner, members []T, book func(pgx.Tx, []T) ([]Outcome, error), cause error) ([]Outcome, error) {
	if len(members) == 1 {
		return []Outcome{{Err: cause}}, nil
	}
	half := len(members) / 2
	first, err := commit(ctx, db, members[:half], book)
	if err != nil {
		return nil, err
	}
	second, err := commit(ctx, db, members[half:], book)
	if err != nil { // the first half is booked and must be told so
		second = make([]Outcome, len(members)-half)
		for i := range second {
			second[i].Err = err
		}
	}
	return append(first, second...), nil
}
