package recon

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Reconcile holds what is new from banks and processors and what is open against the book, books what needs nobody's word, and closes the breaks whose
// corrections were approved. It tells how many corrections it booked. do carries out a step in a transaction of its own; a step answers with how many it did, and
// is named matched, booked, settled or corrected. What the ledger refuses is left for the next time and joined to the error; it keeps nothing else from being
// booked. A settlement whose rows are not all there waits and is no error.
func Reconcile(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time, do func(what string, step func(pgx.Tx) (int, error)) error) (booked int, err error) {
	if err := do("matched", func(tx pgx.Tx) (int, error) {
		r, err := Run(ctx, tx, book, now)
		if err != nil {
			return 0, err
		}
		if r.Written { // the equations of funds and projects follow every run
			err = Equations(ctx, tx, book, now)
		}
		return int(r.Matched), err
	}); err != nil {
		return 0, err
	}
	if err := do("booked", func(tx pgx.Tx) (int, error) { return MatchBooked(ctx, tx, book) }); err != nil {
		return 0, err
	}
	if err := do("settled", func(tx pgx.Tx) (int, error) { return Settle(ctx, tx, book, now) }); err != nil {
		return 0, err
	}
	due, err := CorrectionsDue(ctx, q, book)
	if err != nil {
		return 0, err
	}
	var refused []error
	for _, c := range due {
		n := 0
		err := do("corrected", func(tx pgx.Tx) (int, error) {
			n = 0 // of this try
			done, err := Correct(ctx, tx, book, c, now)
			if done {
				n = 1
			}
			return n, err
		})
		if err == nil {
			booked += n
		} else if !errors.Is(err, ErrParts) {
			refused = append(refused, err)
		}
	}
	return booked, errors.Join(refused...)
}
