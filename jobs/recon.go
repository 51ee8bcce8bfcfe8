package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
)

// ErrRed means that named checks of the book are red; the console shows the rows.
var ErrRed = errors.New("checks are red")

// reconcile holds what is new from banks and processors and what is open against the book, books what needs nobody's word, and closes the breaks whose
// corrections were approved. What the ledger refuses is left for the next time and named; it keeps nothing else from being booked.
func reconcile(ctx context.Context, t *Turn) error {
	unread, err := readFiles(ctx, t)
	if err != nil {
		return errors.Join(append(unread, err)...)
	}
	_, err = recon.Reconcile(ctx, t.DB, t.Book, t.Now, func(what string, step func(pgx.Tx) (int, error)) error {
		_, err := t.Tx(ctx, what, func(tx pgx.Tx) (int, error) {
			if err := noHurry(ctx, tx); err != nil {
				return 0, err
			}
			return step(tx)
		})
		return err
	})
	return errors.Join(append(unread, err)...)
}

// readFiles reads the statement files that wait, such as large ones sent by the page. One that cannot be opened is named and waits; the others are read.
func readFiles(ctx context.Context, t *Turn) (unread []error, err error) {
	if t.Book.Keys == nil {
		return nil, nil
	}
	var after time.Time
	var last uuid.UUID
	for { // those that cannot be opened stay on the list
		files, err := recon.FilesWaiting(ctx, t.DB, t.Book, after, last)
		if err != nil {
			return unread, err
		}
		if len(files) == 0 {
			return unread, nil
		}
		for i := range files {
			after, last = files[i].MadeAt, files[i].ID
			_, err := t.Tx(ctx, "files", func(tx pgx.Tx) (int, error) {
				_, err := recon.Take(ctx, tx, t.Book, &files[i], t.Now)
				if errors.Is(err, giving.ErrStep) { // somebody else had it read meanwhile
					return 0, nil
				}
				return 1, err
			})
			if err != nil {
				unread = append(unread, err)
			}
		}
	}
}

// checks runs the named checks of a frequency. They keep what they found in one transaction of one moment, so that counting follows by itself.
func checks(every recon.Frequency) func(context.Context, *Turn) error {
	return func(ctx context.Context, t *Turn) error {
		var all []recon.Outcome
		err := pgx.BeginTxFunc(ctx, t.DB, pgx.TxOptions{IsoLevel: pgx.RepeatableRead}, func(tx pgx.Tx) (err error) {
			if err := noHurry(ctx, tx); err != nil {
				return err
			}
			all, err = recon.RunChecks(ctx, tx, t.Book, t.Now, every)
			return err
		})
		if err != nil {
			return err
		}
		var red []string
		for _, o := range all {
			if o.State == recon.Red {
				red = append(red, o.Code)
			}
		}
		if _, err := t.Tx(ctx, "compared", func(pgx.Tx) (int, error) { return len(all), nil }); err != nil {
			return err
		}
		if len(red) > 0 {
			return fmt.Errorf("%w: %s", ErrRed, strings.Join(red, ", "))
		}
		return nil
	}
}

// monthly runs on the first day of a month only, by the book's clock.
func monthly(do func(context.Context, *Turn) error) func(context.Context, *Turn) error {
	return func(ctx context.Context, t *Turn) error {
		first, last := t.Book.Day(t.After), t.Book.Day(t.Slot)
		if first.Year() == last.Year() && first.Month() == last.Month() { // no month has ended since the run before
			return nil
		}
		return do(ctx, t)
	}
}
