package recon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Term is what a processor has agreed to keep of a payment, and how long its money takes to the bank.
type Term struct {
	SourceID   int32
	From       time.Time // day
	RatePPM    int32     // millionths of the payment, halves up
	Fixed      int64     // of each payment, minor units of the account's currency
	DisputeFee int64
	SettleDays int16 // from the day of the trade to the day at the bank
	MadeBy     uuid.UUID
	MadeAt     time.Time
}

const (
	sqlTermInsert = `
insert into source_term (book_id, source_id, from_on, rate_ppm, fixed, dispute_fee, settle_days, made_by, made_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	sqlBankDay = `
insert into bank_day (book_id, day, open) values ($1, $2, $3) on conflict (book_id, day) do update set open = excluded.open`

	sqlBankDays = `select day, open from bank_day where book_id = $1 and day between $2 and $3`

	sqlToldDays = `select day, open from bank_day where book_id = $1 and day >= $2 order by day limit $3`

	sqlTerms = `
select source_id, from_on, rate_ppm, fixed, dispute_fee, settle_days, made_by, made_at from source_term where book_id = $1 order by source_id, from_on desc limit 500`

	sqlSettingHours = `
insert into recon_setting (book_id, bands, fee_limit, hours, made_by, made_at) values ($1, $2, $3, $4, $5, $6)
on conflict (book_id) do update set hours = excluded.hours, made_by = excluded.made_by, made_at = excluded.made_at`
)

// SettleDaysMax is the most days that money may take to the bank.
const SettleDaysMax = 60

// hoursMax is the most hours in which money may have to be explained.
const hoursMax = 720

// TermObject is the record under which the history of terms, banking days and hours is kept.
const TermObject = "recon-terms:0"

// Terms lists what was agreed for each account outside, the newest first. An account without any has its money at the bank the day after, and its fees are
// not held against anything.
func Terms(ctx context.Context, q pg.Querier, book *ledger.Book) ([]Term, error) {
	rows, err := q.Query(ctx, sqlTerms, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list terms: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[Term])
}

// ToldDay is a day of which somebody said whether banks work.
type ToldDay struct {
	Day  time.Time
	Open bool
}

// ToldDays lists days from one on of which somebody said whether banks work, the earliest first.
func ToldDays(ctx context.Context, q pg.Querier, book *ledger.Book, from time.Time, limit int) ([]ToldDay, error) {
	rows, err := q.Query(ctx, sqlToldDays, book.ID, from, min(max(limit, 1), ledger.PageMax))
	if err != nil {
		return nil, fmt.Errorf("list banking days: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[ToldDay])
}

// ExplainHours is within how many hours after its file came money should be explained.
func ExplainHours(ctx context.Context, q pg.Querier, book *ledger.Book) (hours int, err error) {
	hours = DefaultHours
	if err := q.QueryRow(ctx, sqlReconHours, book.ID).Scan(&hours); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return hours, fmt.Errorf("read hours: %w", err)
	}
	return hours, nil
}

// SetHours changes it: 1 to 720. Nothing is matched otherwise for it. *giving.FieldErrors.
func SetHours(ctx context.Context, tx pgx.Tx, book *ledger.Book, hours int, by uuid.UUID, at time.Time) error {
	if hours < 1 || hours > hoursMax {
		var wrong giving.FieldErrors
		wrong.Refuse("hours", "term.hours.wrong")
		return wrong.Err()
	}
	if _, err := tx.Exec(ctx, sqlSettingHours, book.ID, DefaultBands[:], DefaultFeeLimit, hours, by, at); err != nil {
		return fmt.Errorf("set hours: %w", err)
	}
	return nil
}

// Window is how many days two sides may lie apart, or how many something may take before it is a break. Amounts have no such window: they are equal or not.
type Window struct {
	Name    string
	Days    int
	Banking bool // counted in banking days
}

// Windows are those that hold for every book.
var Windows = []Window{{"amount", sweepDays, false}, {"alone", 2 * sweepDays, false}, {"sum", payDays, false}, {"near", textDays, false}, {"payout", payoutDays, true}, {"payment", staleDays, true}}

// SetTerm notes a contract from a day on. *giving.FieldErrors; a second contract from the same day is refused by the database.
func SetTerm(ctx context.Context, tx pgx.Tx, book *ledger.Book, t Term) error {
	var wrong giving.FieldErrors
	if t.RatePPM < 0 || t.RatePPM > 1_000_000 {
		wrong.Refuse("rate", "recon.choice.wrong")
	}
	if t.Fixed < 0 || t.DisputeFee < 0 || t.Fixed > ledger.AmountMax || t.DisputeFee > ledger.AmountMax {
		wrong.Refuse("fixed", "recon.choice.wrong")
	}
	if t.SettleDays < 0 || t.SettleDays > SettleDaysMax {
		wrong.Refuse("settle_days", "recon.choice.wrong")
	}
	if err := wrong.Err(); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlTermInsert, book.ID, t.SourceID, t.From, t.RatePPM, t.Fixed, t.DisputeFee, t.SettleDays, t.MadeBy, t.MadeAt); err != nil {
		return fmt.Errorf("note terms: %w", err)
	}
	return nil
}

// SetBankDay says that banks work on a day, or do not. Without it they work from Monday to Friday.
func SetBankDay(ctx context.Context, tx pgx.Tx, book *ledger.Book, day time.Time, open bool) error {
	if _, err := tx.Exec(ctx, sqlBankDay, book.ID, day, open); err != nil {
		return fmt.Errorf("note banking day: %w", err)
	}
	return nil
}

// Calendar knows the banking days about a day.
type Calendar map[time.Time]bool

// BankDays reads the banking days within a hundred days of day.
func BankDays(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) (Calendar, error) {
	rows, err := q.Query(ctx, sqlBankDays, book.ID, day.AddDate(0, 0, -100), day.AddDate(0, 0, 100))
	if err != nil {
		return nil, fmt.Errorf("read banking days: %w", err)
	}
	c := Calendar{}
	var d time.Time
	var open bool
	if _, err := pgx.ForEachRow(rows, []any{&d, &open}, func() error { c[d.UTC()] = open; return nil }); err != nil {
		return nil, fmt.Errorf("read banking days: %w", err)
	}
	return c, nil
}

// Open tells whether banks work on a day (midnight UTC).
func (c Calendar) Open(day time.Time) bool {
	if open, told := c[day]; told {
		return open
	}
	return day.Weekday() != time.Saturday && day.Weekday() != time.Sunday
}

// After is the day n banking days after day; before it, when n is negative.
func (c Calendar) After(day time.Time, n int) time.Time {
	step := 1
	if n < 0 {
		n, step = -n, -1
	}
	for n > 0 {
		if day = day.AddDate(0, 0, step); c.Open(day) {
			n--
		}
	}
	return day
}
