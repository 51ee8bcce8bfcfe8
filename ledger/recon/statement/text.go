package statement

import (
	"crypto/sha1"
	"encoding/hex"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// clean makes text of a file fit to be kept and shown: one line, no control or direction signs, not endless.
func clean(s string) string {
	if s == "" {
		return ""
	}
	return cut(giving.CleanText(s), textMax)
}

// cut shortens to at most n characters.
func cut(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// amount reads an amount with a point, in minor units of ccy. Groups of three by comma are taken; zeros beyond the currency's
// decimals too, other digits there are refused.
func amount(text, ccy string) (int64, error) {
	if minor, ok := plain(text); ok && ccy == "CNY" {
		return minor, nil
	}
	text = strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(text), "+"), "¥")
	if c, ok := money.Lookup(ccy); ok {
		if whole, fraction, point := strings.Cut(text, "."); point && len(fraction) > c.Exponent {
			if strings.Trim(fraction[c.Exponent:], "0") == "" {
				text = whole
				if c.Exponent > 0 {
					text += "." + fraction[:c.Exponent]
				}
			}
		}
	}
	if strings.HasPrefix(text, ".") {
		text = "0" + text
	}
	return money.ParseInput(text, ccy)
}

// plain reads an amount of two decimals as processors print it, "1234.56"; whatever looks otherwise is left to amount.
func plain(text string) (minor int64, ok bool) {
	point := len(text) - 3
	if point < 1 || point > 12 || text[point] != '.' {
		return 0, false
	}
	for i := range len(text) {
		if c := text[i]; c >= '0' && c <= '9' {
			minor = minor*10 + int64(c-'0')
		} else if i != point {
			return 0, false
		}
	}
	return minor, true
}

// commaAmount reads an amount whose decimal sign is a comma and stands there always, as in MT940: "1234,", "9,4".
func commaAmount(text, ccy string) (int64, error) {
	whole, fraction, _ := strings.Cut(text, ",")
	if strings.ContainsAny(text, ".-+ ") || strings.Contains(fraction, ",") {
		return 0, money.ErrSyntax
	}
	if fraction == "" {
		return amount(whole, ccy)
	}
	return amount(whole+"."+fraction, ccy)
}

// exact reads a decimal of at most five places in 1/100,000, without rounding.
func exact(text string) (int64, error) {
	digits, negative := strings.CutPrefix(strings.TrimSpace(text), "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if len(fraction) > 5 || len(whole) > 12 || strings.Trim(whole+fraction, "0123456789") != "" || whole == "" {
		return 0, money.ErrSyntax
	}
	n, err := strconv.ParseInt(whole+fraction+"00000"[len(fraction):], 10, 64)
	if err != nil {
		return 0, money.ErrSyntax
	}
	if negative {
		n = -n
	}
	return n, nil
}

// half rounds 1/100,000 to minor units of two decimals, halves away from zero.
func half(exact int64) int64 { return money.HalfUpShare(exact, 1, 1000) }

// day reads a date as Chinese banks and ISO 20022 write it: 20260901, 2026-09-01, 2026/9/1, 2026.9.1, 2026年9月1日; what follows is
// given back.
func day(text string) (d time.Time, rest string, ok bool) {
	var number [3]int
	at := 0
	for i := range number {
		begin, most := at, 2
		if i == 0 {
			most = 4
		}
		for at < len(text) && at-begin < most && text[at] >= '0' && text[at] <= '9' {
			number[i] = number[i]*10 + int(text[at]-'0')
			at++
		}
		if at == begin || i == 0 && at != 4 {
			return d, "", false
		}
		for _, sign := range []string{"-", "/", ".", "年", "月", "日"} {
			if i < 2 || sign == "日" {
				if after, cut := strings.CutPrefix(text[at:], sign); cut {
					at = len(text) - len(after)
					break
				}
			}
		}
	}
	return date(number[0], number[1], number[2], text[at:])
}

func date(year, month, dayOfMonth int, after string) (d time.Time, rest string, ok bool) {
	d = time.Date(year, time.Month(month), dayOfMonth, 0, 0, 0, 0, time.UTC)
	if year < 1970 || year > 2200 || int(d.Month()) != month || d.Day() != dayOfMonth {
		return time.Time{}, "", false
	}
	return d, after, true
}

// dayOf gives the day of a moment in its own zone.
func dayOf(at time.Time) time.Time {
	y, m, d := at.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// announced holds the file to the SHA-1 that the processor announced.
func (r *reader) announced() error {
	if r.opt.SHA1 == "" {
		return nil
	}
	hash := sha1.Sum(r.body)
	if got := hex.EncodeToString(hash[:]); !strings.EqualFold(got, r.opt.SHA1) {
		return refuse(ReasonHash, 0, r.opt.SHA1, got)
	}
	return nil
}
