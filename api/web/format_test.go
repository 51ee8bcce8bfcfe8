package web

import (
	"math"
	"testing"
	"time"

	"sunfund/ledger/money"
)

func TestAmounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		m                                money.Money
		zh, en, headline, figure, ledger string
	}{
		{yuan(2750513), "27,505.13 元", "CNY 27,505.13", "¥27,505.13", "27,505.13", "27,505.13"},
		{yuan(-120000), "−1,200.00 元", "CNY −1,200.00", "−¥1,200.00", "−1,200.00", "−1,200.00"},
		{yuan(0), "0.00 元", "CNY 0.00", "¥0.00", "0.00", ""},
		{yuan(5), "0.05 元", "CNY 0.05", "¥0.05", "0.05", "0.05"},
		{yuan(99999999999999999), "999,999,999,999,999.99 元", "CNY 999,999,999,999,999.99", "¥999,999,999,999,999.99", "999,999,999,999,999.99", "999,999,999,999,999.99"},
		{yuan(math.MinInt64), "−92,233,720,368,547,758.08 元", "CNY −92,233,720,368,547,758.08", "−¥92,233,720,368,547,758.08", "−92,233,720,368,547,758.08", "−92,233,720,368,547,758.08"},
		{money.Money{Minor: 123456, Currency: "USD"}, "1,234.56 美元", "USD 1,234.56", "$1,234.56", "1,234.56", "1,234.56"},
		{money.Money{Minor: 123456, Currency: "JPY"}, "123,456 JPY", "JPY 123,456", "JPY 123,456", "123,456", "123,456"},
	} {
		for _, pair := range [][2]string{{Amount(ZH, c.m), c.zh}, {Amount(EN, c.m), c.en}, {Headline(c.m), c.headline},
			{Figure(c.m), c.figure}, {Cell(c.m), c.ledger}} {
			if pair[0] != pair[1] {
				t.Errorf("%v: %q, want %q", c.m, pair[0], pair[1])
			}
		}
	}
}

func TestPercent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		part, whole int64
		want        string
	}{
		{4944600, 5000000, "98.8%"}, {4999999, 5000000, "99.9%"}, {5000000, 5000000, "100%"}, {5000001, 5000000, "100.0%"},
		{1350000, 1000000, "135.0%"}, {0, 100, "0.0%"}, {1, 0, "—"}, {-1, 3, "−33.4%"},
		{math.MaxInt64 - 1, math.MaxInt64, "99.9%"},
	} {
		if got := Percent(c.part, c.whole); got != c.want {
			t.Errorf("Percent(%d, %d) = %s, want %s", c.part, c.whole, got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 7, 2, 3, 5, 0, time.UTC)
	day := time.Date(2026, 9, 7, 0, 0, 0, 0, time.UTC)
	west := time.FixedZone("west", -7*3600)
	for _, pair := range [][2]string{
		{When(ZH, at, testZone), "2026年9月7日 10:03"}, {When(EN, at, testZone), "7 Sep 2026, 10:03"},
		{Stamp(at, testZone), "2026-09-07 10:03:05"}, {Clock(at, west), "19:03:05"},
		{Day(ZH, day), "2026年9月7日"}, {Day(EN, day), "7 Sep 2026"}, {ISODay(day), "2026-09-07"},
		{Ago(ZH, at.Add(2*time.Minute), at), "2 分钟前"}, {Ago(EN, at.Add(time.Hour), at), "1 hour ago"},
		{Ago(EN, at, at), "just now"}, {Ago(EN, at.Add(49*time.Hour), at), "2 days ago"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%q, want %q", pair[0], pair[1])
		}
	}
}
