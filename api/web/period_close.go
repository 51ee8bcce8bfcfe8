package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/recon"
)

// monthsOffered is how many months back the form offers to close.
const monthsOffered = 24

// openMonths are the months that are over and open, the latest first.
func (v *visit) openMonths(closed []ledger.Period) (options []Option) {
	state := map[time.Time]bool{}
	for _, p := range closed {
		state[ledger.Month(p.Month)] = true
	}
	for month := ledger.Month(v.businessDay()).AddDate(0, -1, 0); len(options) < monthsOffered && !month.Before(v.earliestDay()); month = month.AddDate(0, -1, 0) {
		if !state[month] {
			name := month.Format("2006-01")
			options = append(options, Option{Value: name, Label: name})
		}
	}
	return options
}

// periodClose closes a month for now. It is undone by a request that somebody else approves.
func (v *visit) periodClose() error {
	month, err := time.Parse("2006-01", v.typed("close", 7))
	if err != nil {
		return v.periodsAgain(http.StatusUnprocessableEntity, Errors{{"close", T(v.lang, "period.close.wrong")}})
	}
	err = v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		if err := ledger.CloseForNow(ctx, tx, v.book, month, v.businessDay()); err != nil {
			return err
		}
		return v.record(tx, "month", "close", month.Format("2006-01"), "")
	})
	switch {
	case errors.Is(err, ledger.ErrPeriodOngoing):
		return v.periodsAgain(http.StatusUnprocessableEntity, Errors{{"close", T(v.lang, "period.close.ongoing")}})
	case err != nil && !errors.Is(err, ledger.ErrPeriodClosed): // closed twice is closed
		return err
	}
	return v.see("/console/periods")
}

// byHand says whether somebody may book by hand on the day: not in a month that is closed, also for now.
func (v *visit) byHand(q pg.Querier, day time.Time) error {
	state, err := ledger.PeriodOf(v.ctx(), q, v.book, day)
	if err == nil && state != ledger.PeriodOpen {
		err = ledger.ErrPeriodClosed
	}
	return err
}

// dayClose closes a day for now: what moved on it is kept, and what comes later is shown as late.
func (v *visit) dayClose() error {
	if _, err := v.formID(); err != nil {
		return err
	}
	day, ok := parseDay(v.typed("day", 20))
	if !ok {
		return v.periodsAgain(http.StatusUnprocessableEntity, Errors{{"day", T(v.lang, "wrong.day")}})
	}
	by := v.who.Person.ID
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		if err := recon.SoftClose(ctx, tx, v.book, day, &by, v.now); err != nil {
			return err
		}
		return v.record(tx, "day", "close", ISODay(day), "")
	})
	if errors.Is(err, ledger.ErrPeriodOngoing) {
		return v.periodsAgain(http.StatusUnprocessableEntity, Errors{{"day", T(v.lang, "period.day.ongoing")}})
	}
	if err != nil {
		return err
	}
	return v.see("/console/periods")
}
