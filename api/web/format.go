package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sunfund/ledger/money"
)

const minus = "−" // U+2212; exports carry the ASCII sign, pages never

// Figure is an amount without its unit, as in a table that names the unit once: 27,505.13 or −1,200.00.
func Figure(m money.Money) string { return grouped(money.Format(m.Minor, m.Currency)) }

// Amount is an amount with its unit as in ledgers and receipts: 27,505.13 元 in Chinese, CNY 27,505.13 in English.
func Amount(lang Lang, m money.Money) string {
	if lang == EN {
		return m.Currency + " " + Figure(m)
	}
	return Figure(m) + " " + unitZH(m.Currency)
}

// Headline is an amount with its sign, for headlines and English running text: ¥27,505.13.
func Headline(m money.Money) string {
	figure := Figure(m)
	sign, ok := symbols[m.Currency]
	if !ok {
		sign = m.Currency + " "
	}
	if rest, negative := strings.CutPrefix(figure, minus); negative {
		return minus + sign + rest
	}
	return sign + figure
}

// Cell is a ledger cell: blank for zero, as accountants read it.
func Cell(m money.Money) string {
	if m.Minor == 0 {
		return ""
	}
	return Figure(m)
}

var symbols = map[string]string{"CNY": "¥", "USD": "$", "GBP": "£", "EUR": "€", "HKD": "HK$"}

func unitZH(currency string) string {
	switch currency {
	case "CNY":
		return "元"
	case "USD":
		return "美元"
	case "GBP":
		return "英镑"
	case "EUR":
		return "欧元"
	case "HKD":
		return "港元"
	}
	return currency
}

// Unit is the unit a table states once: 元 or CNY.
func Unit(lang Lang, currency string) string {
	if lang == ZH {
		return unitZH(currency)
	}
	return currency
}

// Count is a number of things with thousands groups.
func Count(n int64) string { return grouped(strconv.FormatInt(n, 10)) }

// grouped puts commas into a plain decimal and turns its ASCII minus into U+2212.
func grouped(plain string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(plain, "-"); negative {
		sign, plain = minus, rest
	}
	whole, decimals, hasDecimals := strings.Cut(plain, ".")
	var out strings.Builder
	out.WriteString(sign)
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			out.WriteByte(',')
		}
		out.WriteRune(digit)
	}
	if hasDecimals {
		out.WriteByte('.')
		out.WriteString(decimals)
	}
	return out.String()
}

// Percent is part of whole, rounded down to one decimal, so that 100% appears only when it is reached. Without a
// whole there is no percentage: —.
func Percent(part, whole int64) string {
	if whole <= 0 {
		return "—"
	}
	if part == whole {
		return "100%"
	}
	tenths, sign := money.FloorShare(part, 1000, whole), ""
	if tenths < 0 {
		tenths, sign = -tenths, minus
	}
	return fmt.Sprintf("%s%s.%d%%", sign, Count(tenths/10), tenths%10)
}

// Day writes a business day (a calendar date; its zone is left alone): 2026年9月7日 or 7 Sep 2026.
func Day(lang Lang, day time.Time) string {
	if lang == ZH {
		return day.Format("2006年1月2日")
	}
	return day.Format("2 Jan 2006")
}

// ISODay writes a business day as in tables: 2026-09-07.
func ISODay(day time.Time) string { return day.Format(time.DateOnly) }

// When writes a moment in the book's zone: 2026年9月7日 10:03 or 7 Sep 2026, 10:03.
func When(lang Lang, at time.Time, zone *time.Location) string {
	if lang == ZH {
		return at.In(zone).Format("2006年1月2日 15:04")
	}
	return at.In(zone).Format("2 Jan 2006, 15:04")
}

// Stamp writes a moment to the second as in as-of lines and tables: 2026-09-07 10:03:05.
func Stamp(at time.Time, zone *time.Location) string { return at.In(zone).Format(time.DateTime) }

// Clock writes the time of day: 10:03:05.
func Clock(at time.Time, zone *time.Location) string { return at.In(zone).Format(time.TimeOnly) }

// Ago says how long before now a moment was, in the largest full unit. It never stands alone: the full time is beside
// it (see the template function ago).
func Ago(lang Lang, now, at time.Time) string {
	gone := now.Sub(at)
	switch {
	case gone < time.Minute:
		return T(lang, "time.now")
	case gone < time.Hour:
		return T(lang, "time.minutes", int64(gone/time.Minute))
	case gone < 48*time.Hour:
		return T(lang, "time.hours", int64(gone/time.Hour))
	default:
		return T(lang, "time.days", int64(gone/(24*time.Hour)))
	}
}
