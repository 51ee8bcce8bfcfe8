package giving

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

var (
	// ErrRules means that what a book asks of gifts is outside of its limits, or names no foreign currency.
	ErrRules = errors.New("what the book asks of gifts is not possible")
	// ErrForeign means that gifts in this currency are not taken.
	ErrForeign = errors.New("gifts in this currency are not taken")
)

// Limits of a book's rules.
const (
	NoticeDaysDefault = 7
	NoticeDaysMax     = 60
	CurrenciesMax     = 20
)

// Accepted is a foreign currency that the gift form takes. Minor units of it.
type Accepted struct {
	Currency         string
	GiftMin, GiftMax int64
}

// Rules are what a book asks of gifts.
type Rules struct {
	GiftMin    int64 // minor units of the book's currency; zero: what each campaign says
	NoticeDays int   // so many days before a yearly charge the donor gets a letter
	Currencies []Accepted
}

const (
	sqlRules = `select gift_min, notice_days from giving_rule where book_id = $1`

	sqlAccepted = `select ccy::text, gift_min, gift_max from gift_currency where book_id = $1 order by ccy`

	sqlRulesSet = `
insert into giving_rule (book_id, gift_min, notice_days) values ($1, $2, $3)
    on conflict (book_id) do update set gift_min = excluded.gift_min, notice_days = excluded.notice_days`

	sqlAcceptedClear = `delete from gift_currency where book_id = $1`

	sqlAcceptedInsert = `
insert into gift_currency (book_id, ccy, gift_min, gift_max) select $1, unnest($2::text[]), unnest($3::int8[]), unnest($4::int8[])`

	sqlRateThere = `select exists (select from fx_rate where book_id = $1 and ccy = $2::bpchar and day <= $3)`
)

// ReadRules reads what a book asks of gifts; a book that never said so asks nothing beyond its campaigns.
func ReadRules(ctx context.Context, q pg.Querier, book *ledger.Book) (Rules, error) {
	r := Rules{NoticeDays: NoticeDaysDefault}
	err := q.QueryRow(ctx, sqlRules, book.ID).Scan(&r.GiftMin, &r.NoticeDays)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return r, fmt.Errorf("read rules of gifts: %w", err)
	}
	rows, err := q.Query(ctx, sqlAccepted, book.ID)
	if err != nil {
		return r, fmt.Errorf("read currencies of gifts: %w", err)
	}
	if r.Currencies, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Accepted]); err != nil {
		return r, fmt.Errorf("read currencies of gifts: %w", err)
	}
	return r, nil
}

// SetRules says what a book asks of gifts from now on. ErrRules.
func SetRules(ctx context.Context, tx pgx.Tx, book *ledger.Book, r Rules) error {
	if r.GiftMin < 0 || r.GiftMin > ledger.AmountMax || r.NoticeDays < 1 || r.NoticeDays > NoticeDaysMax || len(r.Currencies) > CurrenciesMax {
		return ErrRules
	}
	var ccys []string
	var least, most []int64
	for _, a := range r.Currencies {
		if _, known := money.Lookup(a.Currency); !known || a.Currency == book.Currency || a.GiftMin <= 0 || a.GiftMax < a.GiftMin || a.GiftMax > ledger.AmountMax {
			return fmt.Errorf("%w: %s", ErrRules, a.Currency)
		}
		ccys, least, most = append(ccys, a.Currency), append(least, a.GiftMin), append(most, a.GiftMax)
	}
	if _, err := tx.Exec(ctx, sqlRulesSet, book.ID, r.GiftMin, r.NoticeDays); err != nil {
		return fmt.Errorf("set rules of gifts: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlAcceptedClear, book.ID); err != nil {
		return fmt.Errorf("set currencies of gifts: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlAcceptedInsert, book.ID, ccys, least, most); err != nil {
		return fmt.Errorf("set currencies of gifts: %w", err)
	}
	return nil
}

// Limits are what one gift may be, in minor units of its currency. It is a multiple of Step.
type Limits struct{ Min, Max, Step int64 }

// Limits of a gift to a campaign in a currency. ErrForeign.
func (r *Rules) Limits(book *ledger.Book, c *Campaign, ccy string) (Limits, error) {
	if ccy == c.Currency {
		return Limits{max(c.GiftMin, r.GiftMin), c.GiftMax, stepOf(ccy)}, nil
	}
	for _, a := range r.Currencies {
		if a.Currency == ccy && ccy != book.Currency {
			return Limits{a.GiftMin, a.GiftMax, stepOf(ccy)}, nil
		}
	}
	return Limits{}, fmt.Errorf("%w: %s", ErrForeign, ccy)
}

// decimals are how many an amount may be typed with.
func (l Limits) decimals(ccy string) int {
	c, _ := money.Lookup(ccy)
	if l.Step > 1 {
		return c.Exponent - 1
	}
	return c.Exponent
}

// stepOf is the least difference of two amounts: processors take currencies of three decimals to the second only.
func stepOf(ccy string) int64 {
	if c, ok := money.Lookup(ccy); ok && c.Exponent == 3 {
		return 10
	}
	return 1
}

// LimitsOf reads the limits of a gift to a campaign. ErrForeign.
func LimitsOf(ctx context.Context, q pg.Querier, book *ledger.Book, c *Campaign, ccy string) (Limits, error) {
	r, err := ReadRules(ctx, q, book)
	if err != nil {
		return Limits{}, err
	}
	return r.Limits(book, c, ccy)
}

// Rated tells whether a gift in a currency can be booked at a rate of the table on a day.
func Rated(ctx context.Context, q pg.Querier, book *ledger.Book, ccy string, day time.Time) (there bool, err error) {
	if ccy == book.Currency {
		return true, nil
	}
	if err := q.QueryRow(ctx, sqlRateThere, book.ID, ccy, day).Scan(&there); err != nil {
		return false, fmt.Errorf("look for a rate of %s: %w", ccy, err)
	}
	return there, nil
}

// taken lists the currencies that a campaign's form takes.
func (r *Rules) taken(c *Campaign) string {
	list := []string{c.Currency}
	for _, a := range r.Currencies {
		list = append(list, a.Currency)
	}
	return strings.Join(list, ", ")
}
