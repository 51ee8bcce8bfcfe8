package money

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		s, ccy string
		want   int64
		err    error
	}{
		{"27505.13", "CNY", 2750513, nil},
		{"0", "CNY", 0, nil},
		{"-0.05", "CNY", -5, nil},
		{"-0", "CNY", 0, nil},
		{"7.5", "CNY", 750, nil},
		{"007", "CNY", 700, nil},
		{"1000", "JPY", 1000, nil},
		{"1.234", "KWD", 1234, nil},
		{"999999999999999.99", "CNY", 99999999999999999, nil},
		{"", "CNY", 0, ErrSyntax},
		{"-", "CNY", 0, ErrSyntax},
		{".", "CNY", 0, ErrSyntax},
		{".5", "CNY", 0, ErrSyntax},
		{"5.", "CNY", 0, ErrSyntax},
		{"--1", "CNY", 0, ErrSyntax},
		{"+1", "CNY", 0, ErrSyntax},
		{"1-", "CNY", 0, ErrSyntax},
		{"1.2.3", "CNY", 0, ErrSyntax},
		{"1.-2", "CNY", 0, ErrSyntax},
		{"1,00", "CNY", 0, ErrSyntax},
		{"1,000.00", "CNY", 0, ErrSyntax},
		{"1e18", "CNY", 0, ErrSyntax},
		{"0x10", "CNY", 0, ErrSyntax},
		{"1_000", "CNY", 0, ErrSyntax},
		{"１２", "CNY", 0, ErrSyntax},
		{"−5", "CNY", 0, ErrSyntax}, // U+2212
		{" 1", "CNY", 0, ErrSyntax},
		{"1 ", "CNY", 0, ErrSyntax},
		{"1\x00", "CNY", 0, ErrSyntax},
		{"NaN", "CNY", 0, ErrSyntax},
		{"Inf", "CNY", 0, ErrSyntax},
		{"1.234", "CNY", 0, ErrPrecision},
		{"1.000", "CNY", 0, ErrPrecision},
		{"1.0", "JPY", 0, ErrPrecision},
		{"1000000000000000", "CNY", 0, ErrRange},
		{"0000000000000001", "CNY", 0, ErrRange},
		{"999999999999999.9999", "CLF", 0, ErrRange}, // fifteen digits, but over int64
		{"1", "cny", 0, ErrCurrency},
		{"1", "XXX", 0, ErrCurrency},
	} {
		got, err := Parse(c.s, c.ccy)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("Parse(%q, %s) = %d, %v; want %d, %v", c.s, c.ccy, got, err, c.want, c.err)
		}
	}
}

func TestParseInput(t *testing.T) {
	for _, c := range []struct {
		s    string
		want int64
		err  error
	}{
		{" 27505.13 ", 2750513, nil},
		{"1,000.00", 100000, nil},
		{"-1,234,567.8", -123456780, nil},
		{"12,345", 1234500, nil},
		{"1,00", 0, ErrSyntax},
		{"1,0000", 0, ErrSyntax},
		{"1000,000", 0, ErrSyntax},
		{",100", 0, ErrSyntax},
		{"1,", 0, ErrSyntax},
		{"1,,000", 0, ErrSyntax},
		{"0,500", 0, ErrSyntax},
		{"1.000,00", 0, ErrSyntax},
		{"1，000", 0, ErrSyntax}, // full-width comma
		{"1,0a0", 0, ErrSyntax},
		{"1 000", 0, ErrSyntax},
		{"\u30001", 0, ErrSyntax},
		{"\t1", 0, ErrSyntax},
		{"   ", 0, ErrSyntax},
		{"1,000.005", 0, ErrPrecision},
		{"1,000,000,000,000,000", 0, ErrRange},
	} {
		got, err := ParseInput(c.s, "CNY")
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("ParseInput(%q) = %d, %v; want %d, %v", c.s, got, err, c.want, c.err)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		minor int64
		ccy   string
		want  string
	}{
		{2750513, "CNY", "27505.13"},
		{0, "CNY", "0.00"},
		{-5, "CNY", "-0.05"},
		{-120000, "CNY", "-1200.00"},
		{1000, "JPY", "1000"},
		{0, "JPY", "0"},
		{-7, "KWD", "-0.007"},
		{1, "CLF", "0.0001"},
		{math.MaxInt64, "CNY", "92233720368547758.07"},
		{math.MinInt64, "CNY", "-92233720368547758.08"},
	} {
		if got := Format(c.minor, c.ccy); got != c.want {
			t.Errorf("Format(%d, %s) = %q, want %q", c.minor, c.ccy, got, c.want)
		}
		if got := Decimal(c.minor, c.ccy).StringFixed(int32(must(c.ccy).Exponent)); got != c.want {
			t.Errorf("Decimal(%d, %s) = %q, want %q", c.minor, c.ccy, got, c.want)
		}
	}
	panics(t, "unknown currency", func() { Format(1, "ZZZ") })
	panics(t, "unknown currency", func() { Decimal(1, "ZZZ") })
}

func TestFormatIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(currencies).Draw(t, "currency")
		limit := int64(math.MaxInt64)
		if c.Exponent < 4 {
			limit = int64(math.Pow10(maxWhole+c.Exponent)) - 1
		}
		minor := rapid.Int64Range(-limit, limit).Draw(t, "minor")
		text := Format(minor, c.Code)
		for name, parse := range map[string]func(string, string) (int64, error){"Parse": Parse, "ParseInput": ParseInput} {
			if back, err := parse(text, c.Code); err != nil || back != minor {
				t.Fatalf("%s(%q) = %d, %v; want %d", name, text, back, err, minor)
			}
		}
		if back, err := ParseDecimal(Decimal(minor, c.Code), c.Code); err != nil || back != minor {
			t.Fatalf("ParseDecimal(%q) = %d, %v; want %d", text, back, err, minor)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"27505.13", "-0.05", "", "+1", "1,00", "1e18", "１", "1.005", "999999999999999999", "NaN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		minor, err := Parse(s, "CNY")
		if err != nil {
			if minor != 0 || !errors.Is(err, ErrSyntax) && !errors.Is(err, ErrPrecision) && !errors.Is(err, ErrRange) {
				t.Fatalf("Parse(%q) = %d, %v", s, minor, err)
			}
			return
		}
		want, err := decimal.NewFromString(s)
		if err != nil || !Decimal(minor, "CNY").Equal(want) {
			t.Fatalf("Parse(%q) = %d, want %s (%v)", s, minor, want, err)
		}
		if typed, err := ParseInput(s, "CNY"); err != nil || typed != minor {
			t.Fatalf("ParseInput(%q) = %d, %v; want %d", s, typed, err, minor)
		}
	})
}

func TestParseDecimal(t *testing.T) {
	for _, c := range []struct {
		d    decimal.Decimal
		ccy  string
		want int64
		err  error
	}{
		{decimal.RequireFromString("27505.13"), "CNY", 2750513, nil},
		{decimal.RequireFromString("-0.05"), "CNY", -5, nil},
		{decimal.RequireFromString("12.00"), "JPY", 12, nil},
		{decimal.New(5, 3), "CNY", 500000, nil},
		{decimal.New(0, 1000000000), "CNY", 0, nil},
		{decimal.RequireFromString("0.005"), "CNY", 0, ErrPrecision},
		{decimal.RequireFromString("1.005"), "CNY", 0, ErrPrecision},
		{decimal.New(1, math.MinInt32), "CNY", 0, ErrPrecision},
		{decimal.New(1, math.MaxInt32), "CNY", 0, ErrRange},
		{decimal.New(1, 15), "CNY", 0, ErrRange},
		{decimal.RequireFromString("999999999999999.9999"), "CLF", 0, ErrRange},
		{decimal.New(1, 0), "ZZZ", 0, ErrCurrency},
	} {
		got, err := ParseDecimal(c.d, c.ccy)
		if got != c.want || !errors.Is(err, c.err) {
			t.Errorf("ParseDecimal(%de%d, %s) = %d, %v; want %d, %v", c.d.CoefficientInt64(), c.d.Exponent(), c.ccy, got, err, c.want, c.err)
		}
	}
}

func TestAddSub(t *testing.T) {
	edge := []int64{math.MinInt64, math.MinInt64 + 1, -1, 0, 1, math.MaxInt64 - 1, math.MaxInt64}
	for _, a := range edge {
		for _, b := range edge {
			da, db := decimal.NewFromInt(a), decimal.NewFromInt(b)
			checkExact(t, "add", da.Add(db), func() (int64, error) { return Add(a, b) })
			checkExact(t, "sub", da.Sub(db), func() (int64, error) { return Sub(a, b) })
		}
	}
}

func checkExact(t *testing.T, op string, want decimal.Decimal, do func() (int64, error)) {
	t.Helper()
	got, err := do()
	if fits := want.BigInt().IsInt64(); fits != (err == nil) || fits && !decimal.NewFromInt(got).Equal(want) {
		t.Errorf("%s: %d, %v; want %s", op, got, err, want)
	}
	if err != nil && !errors.Is(err, ErrRange) {
		t.Errorf("%s: %v is not ErrRange", op, err)
	}
}

func TestCurrencies(t *testing.T) {
	if !slices.IsSortedFunc(currencies, func(a, b Currency) int { return strings.Compare(a.Code, b.Code) }) {
		t.Error("not in code order")
	}
	codes, numbers := map[string]bool{}, map[int16]bool{}
	for _, c := range currencies {
		if codes[c.Code] || numbers[c.Numeric] {
			t.Errorf("%s %d twice", c.Code, c.Numeric)
		}
		codes[c.Code], numbers[c.Numeric] = true, true
		if len(c.Code) != 3 || c.Numeric < 1 || c.Numeric > 999 || c.Exponent < 0 || c.Exponent > 4 || c.NameZH == "" || c.NameEN == "" {
			t.Errorf("bad row %+v", c)
		}
	}
	for code, exponent := range map[string]int{"CNY": 2, "USD": 2, "HKD": 2, "JPY": 0, "KRW": 0, "KWD": 3, "TND": 3, "CLF": 4} {
		if c, ok := Lookup(code); !ok || c.Exponent != exponent {
			t.Errorf("Lookup(%s) = %+v, %v", code, c, ok)
		}
	}
	if c, _ := Lookup("CNY"); c.Numeric != 156 {
		t.Errorf("CNY is %d", c.Numeric)
	}
}

func panics(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}

func ExampleParse() {
	fen, err := Parse("27505.13", "CNY")
	fmt.Println(fen, err)
	_, err = Parse("27505.135", "CNY")
	fmt.Println(errors.Is(err, ErrPrecision))
	fmt.Println(Money{Minor: fen, Currency: "CNY"})
	// Output:
	// 2750513 <nil>
	// true
	// CNY 27505.13
}
