package ledger

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

const (
	sqlOpenSpan = `
select (select (max(month) + interval '1 month')::date from period where book_id = $1 and state = 'hard'),
       (select min(month) from period where book_id = $1)`

	sqlPeriodHard = `
update period set state = 'hard' where book_id = $1 and month <= $2 and state <> 'hard'`
)

// FirstOpen is the first month that is not closed for good: the one after the last that is, or the first in which something was
// booked. Zero while nothing was.
func FirstOpen(ctx context.Context, q pg.Querier, book *Book) (month time.Time, err error) {
	var after, begin *time.Time
	if err := q.QueryRow(ctx, sqlOpenSpan, book.ID).Scan(&after, &begin); err != nil {
		return month, fmt.Errorf("read months: %w", err)
	}
	switch {
	case after != nil:
		return *after, nil
	case begin != nil:
		return *begin, nil
	}
	return month, nil
}

// CloseForGood closes a month and all that lie before it for good; nobody opens them again. It waits for those who are posting,
// and those who post afterwards find the months closed. What stands against closing is looked at before, by recon.
// ErrPeriodOngoing when the month is not over on the day of today, ErrPeriodHard when it is closed for good already.
func CloseForGood(ctx context.Context, tx pgx.Tx, book *Book, month, today time.Time) error {
	month = Month(month)
	if !month.Before(Month(today)) {
		return ErrPeriodOngoing
	}
	if err := LockBook(ctx, tx, book); err != nil {
		return err
	}
	state, err := PeriodOf(ctx, tx, book, month)
	if err != nil {
		return err
	}
	if state == PeriodHard {
		return ErrPeriodHard
	}
	if _, err := tx.Exec(ctx, sqlPeriodsMake, book.ID, []time.Time{month}); err != nil {
		return fmt.Errorf("make month: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlPeriodHard, book.ID, month); err != nil {
		return fmt.Errorf("close month for good: %w", err)
	}
	return nil
}

// Figures is a trial balance of every fund over the days from..to, in one spelling, with its hash: what a close is signed on.
// The same days of an unchanged book give the same bytes.
func Figures(ctx context.Context, q pg.Querier, book *Book, from, to time.Time) (rows []TrialRow, hash [32]byte, err error) {
	if rows, err = TrialBalance(ctx, q, book, from, to, 0, true); err != nil {
		return nil, hash, err
	}
	var text []byte
	for _, r := range rows {
		text = fmt.Appendf(text, "%s %d %s %d %d %d %d\n", r.Chart.ID, r.Fund, r.Currency, r.Opening, r.Debit, r.Credit, r.Closing)
	}
	return rows, sha256.Sum256(text), nil
}
