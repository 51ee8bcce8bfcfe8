package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

var (
	// ErrPeriodHard means that a month is closed for good. Corrections are booked in an open month.
	ErrPeriodHard = errors.New("month is closed for good")
	// ErrPeriodOpen means that there is nothing to reopen.
	ErrPeriodOpen = errors.New("month is open")
	// ErrPeriodOngoing means that a month is not over, so it cannot be closed.
	ErrPeriodOngoing = errors.New("month is not over")
)

// PeriodState says whether a month takes entries.
type PeriodState string

const (
	PeriodOpen PeriodState = "open"
	PeriodSoft PeriodState = "soft" // closed for now: the statements are being checked
	PeriodHard PeriodState = "hard" // closed for good
)

// Period is a month of a book.
type Period struct {
	Month time.Time // its first day
	State PeriodState
}

const sqlPeriodList = `
select month, case when exists (select from period later where later.book_id = $1 and later.month > period.month and later.state = 'hard') then 'hard' else state end
  from period where book_id = $1 and (state <> 'open' or exists (select from period later where later.book_id = $1 and later.month > period.month and later.state = 'hard'))
 order by month desc limit $2`

// ClosedPeriods lists the months that are closed, newest first.
func ClosedPeriods(ctx context.Context, q pg.Querier, book *Book, limit int) ([]Period, error) {
	rows, err := q.Query(ctx, sqlPeriodList, book.ID, min(max(limit, 1), PageMax))
	if err != nil {
		return nil, fmt.Errorf("read closed months: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Period])
}

const (
	sqlPeriodRead = `
select case when exists (select from period where book_id = $1 and month >= $2 and state = 'hard') then 'hard'
            else coalesce((select state from period where book_id = $1 and month = $2), 'open') end`
	sqlPeriodLock = `select state from period where book_id = $1 and month = $2 for update`
	sqlPeriodOpen = `update period set state = 'open' where book_id = $1 and month = $2`
)

// PeriodOf reads whether a month takes entries.
func PeriodOf(ctx context.Context, q pg.Querier, book *Book, month time.Time) (state PeriodState, err error) {
	if err := q.QueryRow(ctx, sqlPeriodRead, book.ID, Month(month)).Scan(&state); err != nil {
		return "", fmt.Errorf("read month: %w", err)
	}
	return state, nil
}

const sqlPeriodClose = `update period set state = 'soft' where book_id = $1 and month = $2`

// CloseForNow closes a month that is over, while its statements are checked. What has happened outside still lands in
// it: gifts, fees, bank lines. Nobody books in it by hand until it is reopened. ErrPeriodClosed when it is closed
// already, ErrPeriodOngoing when it is not over on the day of today.
func CloseForNow(ctx context.Context, tx pgx.Tx, book *Book, month, today time.Time) error {
	month = Month(month)
	if !month.Before(Month(today)) {
		return ErrPeriodOngoing
	}
	if _, err := tx.Exec(ctx, sqlPeriodsMake, book.ID, []time.Time{month}); err != nil {
		return fmt.Errorf("make month: %w", err)
	}
	var state PeriodState
	if err := tx.QueryRow(ctx, sqlPeriodLock, book.ID, month).Scan(&state); err != nil {
		return fmt.Errorf("lock month: %w", err)
	}
	if state == PeriodOpen {
		var err error
		if state, err = PeriodOf(ctx, tx, book, month); err != nil { // closed with a later one
			return err
		}
	}
	if state != PeriodOpen {
		return ErrPeriodClosed
	}
	if _, err := tx.Exec(ctx, sqlPeriodClose, book.ID, month); err != nil {
		return fmt.Errorf("close month: %w", err)
	}
	return nil
}

// Reopen opens a month that is closed for now. ErrPeriodHard, ErrPeriodOpen.
func Reopen(ctx context.Context, tx pgx.Tx, book *Book, month time.Time) error {
	var state PeriodState
	err := tx.QueryRow(ctx, sqlPeriodLock, book.ID, Month(month)).Scan(&state)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && state == PeriodOpen:
		return ErrPeriodOpen
	case err != nil:
		return fmt.Errorf("lock month: %w", err)
	case state == PeriodHard:
		return ErrPeriodHard
	}
	if _, err := tx.Exec(ctx, sqlPeriodOpen, book.ID, Month(month)); err != nil {
		return fmt.Errorf("reopen month: %w", err)
	}
	return nil
}
