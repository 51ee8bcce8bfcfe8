package giving

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

var (
	// ErrRateTaken means that the currency has a rate for that day; rates are neither changed nor replaced.
	ErrRateTaken = errors.New("this currency has a rate for that day")
	// ErrRate means that a rate is not for a known foreign currency, not above zero, or has more than eight decimals.
	ErrRate = errors.New("no rate of exchange for the book")
)

// Rate is what one unit of a foreign currency is worth in the book's, from Day until the next rate.
type Rate struct {
	Currency string
	Day      time.Time
	Rate     decimal.Decimal
}

// RateDecimals is how many decimals a rate may have.
const RateDecimals = 8

// rateMost is above what one unit of any currency is worth in any other.
var rateMost = decimal.New(1, 9)

const (
	sqlRateInsert = `
insert into fx_rate (book_id, ccy, day, rate) values ($1, $2, $3, $4::numeric) on conflict (book_id, ccy, day) do nothing`

	sqlRateList = `
select ccy::text, day, rate::text from fx_rate
 where book_id = $1 and ($2::date is null or (day, ccy) < ($2, $3::bpchar))
 order by day desc, ccy desc limit $4`

	sqlRateNear = `
select ccy::text, day, rate::text from fx_rate where book_id = $1 and ccy = $2::bpchar order by abs(day - $3::date), day limit 1`
)

// SetRate adds a rate. Gifts already booked keep the rate they were booked at. ErrRate, ErrRateTaken.
func SetRate(ctx context.Context, tx pgx.Tx, book *ledger.Book, r Rate) error {
	if _, known := money.Lookup(r.Currency); !known || r.Currency == book.Currency || !r.Rate.IsPositive() || r.Rate.Exponent() < -RateDecimals ||
		r.Rate.GreaterThanOrEqual(rateMost) {
		return ErrRate
	}
	done, err := tx.Exec(ctx, sqlRateInsert, book.ID, r.Currency, r.Day, r.Rate.String())
	if err != nil {
		return fmt.Errorf("add rate of %s: %w", r.Currency, err)
	}
	if done.RowsAffected() == 0 {
		return ErrRateTaken
	}
	return nil
}

// Rates lists rates, the latest day first; before is the last one of the page before, or zero.
func Rates(ctx context.Context, q pg.Querier, book *ledger.Book, before Rate, limit int) ([]Rate, error) {
	var day *time.Time
	if before.Currency != "" {
		day = &before.Day
	}
	rows, err := q.Query(ctx, sqlRateList, book.ID, day, before.Currency, limit)
	if err != nil {
		return nil, fmt.Errorf("list rates: %w", err)
	}
	return pgx.CollectRows(rows, scanRate)
}

// RateNear is the rate nearest to a day, before or after it, to compare a new one with; false when there is none yet.
func RateNear(ctx context.Context, q pg.Querier, book *ledger.Book, currency string, day time.Time) (Rate, bool, error) {
	rows, err := q.Query(ctx, sqlRateNear, book.ID, currency, day)
	if err != nil {
		return Rate{}, false, fmt.Errorf("read rate of %s: %w", currency, err)
	}
	r, err := pgx.CollectOneRow(rows, scanRate)
	if errors.Is(err, pgx.ErrNoRows) {
		return Rate{}, false, nil
	}
	return r, err == nil, err
}

const sqlRateOn = `select rate::text from fx_rate where book_id = $1 and ccy = $2::bpchar and day <= $3 order by day desc limit 1`

// WorthOn is what units of a foreign currency are worth in the book's on a day, in minor units, halves rounded up. ErrNoRate.
func WorthOn(ctx context.Context, q pg.Querier, book *ledger.Book, units int64, ccy string, day time.Time) (int64, error) {
	var text string
	err := q.QueryRow(ctx, sqlRateOn, book.ID, ccy, day).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("%w: %s on %s", ErrNoRate, ccy, day.Format(time.DateOnly))
	}
	if err != nil {
		return 0, fmt.Errorf("read rate of %s: %w", ccy, err)
	}
	rate, err := decimal.NewFromString(text)
	if err != nil {
		return 0, fmt.Errorf("read rate of %s: %w", ccy, err)
	}
	return worth(units, ccy, rate, book)
}

func scanRate(row pgx.CollectableRow) (r Rate, err error) {
	var rate string
	if err = row.Scan(&r.Currency, &r.Day, &rate); err != nil {
		return r, err
	}
	r.Rate, err = decimal.NewFromString(rate)
	return r, err
}
