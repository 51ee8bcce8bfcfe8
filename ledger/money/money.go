// Package money holds amounts: integer minor units and an ISO 4217 currency, never a float.
// It reads and writes decimal strings, splits amounts without losing a fen, and takes shares with a stated rounding.
package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// Money is an amount in minor units (fen for CNY) of an ISO 4217 currency.
type Money struct {
	Minor    int64
	Currency string
}

// String gives "CNY 27505.13". Like Format it panics on a currency that Lookup does not know.
func (m Money) String() string { return m.Currency + " " + Format(m.Minor, m.Currency) }

// What can be wrong with an amount. Errors of this package wrap one of them.
var (
	ErrSyntax    = errors.New("not a decimal amount")
	ErrPrecision = errors.New("more decimals than the currency has")
	ErrRange     = errors.New("amount out of range")
	ErrCurrency  = errors.New("unknown currency")
)

// maxWhole is the number of digits allowed before the point; it keeps sums of many amounts inside int64.
const maxWhole = 15

// Parse reads a strict decimal string ("27505.13", "-0.05") into minor units of ccy.
// It fails with ErrSyntax, ErrPrecision, ErrRange or ErrCurrency; it never rounds.
func Parse(s, ccy string) (int64, error) {
	c, ok := Lookup(ccy)
	if !ok {
		return 0, fmt.Errorf("parse amount in %q: %w", ccy, ErrCurrency)
	}
	minor, err := parse(s, c.Exponent)
	if err != nil {
		return 0, fmt.Errorf("parse amount %q in %s: %w", clip(s), ccy, err)
	}
	return minor, nil
}

func parse(s string, exponent int) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if !allDigits(whole) || point && !allDigits(fraction) {
		return 0, ErrSyntax
	}
	if len(fraction) > exponent {
		return 0, ErrPrecision
	}
	if len(whole) > maxWhole {
		return 0, ErrRange
	}
	minor, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", exponent-len(fraction)), 10, 64)
	if err != nil {
		return 0, ErrRange // only digits went in, so it can only be too large
	}
	if negative {
		minor = -minor
	}
	return minor, nil
}

// allDigits wants at least one ASCII digit and nothing else.
func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// clip keeps a hostile input out of logs.
func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// ParseInput reads what a person typed into a form: as Parse, but ordinary spaces around the amount are dropped and
// commas are accepted in proper groups of three ("1,000.00"). "1,00" and "0,500" are refused, they may be decimal commas.
func ParseInput(s, ccy string) (int64, error) {
	typed := strings.Trim(s, " ")
	plain, ok := ungroup(typed)
	if !ok {
		return 0, fmt.Errorf("parse amount %q in %s: %w", clip(typed), ccy, ErrSyntax)
	}
	return Parse(plain, ccy)
}

func ungroup(s string) (plain string, ok bool) {
	whole, _, _ := strings.Cut(s, ".")
	groups := strings.Split(strings.TrimPrefix(whole, "-"), ",")
	if len(groups) == 1 {
		return s, true // a comma after the point stays and is refused by Parse
	}
	if len(groups[0]) < 1 || len(groups[0]) > 3 || groups[0][0] == '0' {
		return "", false
	}
	for _, g := range groups[1:] {
		if len(g) != 3 {
			return "", false
		}
	}
	return strings.ReplaceAll(whole, ",", "") + s[len(whole):], true
}

// Format writes minor units of ccy as a plain decimal string, "27505.13"; Parse reads it back.
// It panics on a currency that Lookup does not know: a guessed number of decimals would be a wrong amount.
func Format(minor int64, ccy string) string {
	exponent := must(ccy).Exponent
	digits := strconv.FormatUint(magnitude(minor), 10)
	if missing := exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	if exponent > 0 {
		point := len(digits) - exponent
		digits = digits[:point] + "." + digits[point:]
	}
	if minor < 0 {
		return "-" + digits
	}
	return digits
}

func must(ccy string) Currency {
	c, ok := Lookup(ccy)
	if !ok {
		panic(fmt.Sprintf("money: unknown currency %q", ccy))
	}
	return c
}

// magnitude is |v|, also for the smallest int64.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

// ParseDecimal turns a decimal number of major units into minor units of ccy, exactly; errors as Parse.
func ParseDecimal(d decimal.Decimal, ccy string) (int64, error) {
	c, ok := Lookup(ccy)
	if !ok {
		return 0, fmt.Errorf("amount in %q: %w", ccy, ErrCurrency)
	}
	if d.IsZero() {
		return 0, nil
	}
	// Exponents are looked at before any arithmetic: 1e1000000000 must not fill the memory.
	digits, scale := int64(d.NumDigits()), int64(d.Exponent())
	if digits+scale > maxWhole {
		return 0, fmt.Errorf("amount in %s: %w", ccy, ErrRange)
	}
	if digits+scale+int64(c.Exponent) <= 0 { // smaller than one minor unit
		return 0, fmt.Errorf("amount in %s: %w", ccy, ErrPrecision)
	}
	minor := d.Shift(int32(c.Exponent))
	if !minor.IsInteger() {
		return 0, fmt.Errorf("amount in %s: %w", ccy, ErrPrecision)
	}
	whole := minor.BigInt()
	if !whole.IsInt64() {
		return 0, fmt.Errorf("amount in %s: %w", ccy, ErrRange)
	}
	return whole.Int64(), nil
}

// Decimal gives minor units of ccy as a decimal number of major units. It panics on an unknown currency, as Format.
func Decimal(minor int64, ccy string) decimal.Decimal {
	return decimal.New(minor, -int32(must(ccy).Exponent))
}

// Add gives a + b, or ErrRange when int64 cannot hold it.
func Add(a, b int64) (int64, error) {
	if b > 0 && a > math.MaxInt64-b || b < 0 && a < math.MinInt64-b {
		return 0, fmt.Errorf("%d + %d: %w", a, b, ErrRange)
	}
	return a + b, nil
}

// Sub gives a - b, or ErrRange when int64 cannot hold it.
func Sub(a, b int64) (int64, error) {
	if b < 0 && a > math.MaxInt64+b || b > 0 && a < math.MinInt64+b {
		return 0, fmt.Errorf("%d - %d: %w", a, b, ErrRange)
	}
	return a - b, nil
}
