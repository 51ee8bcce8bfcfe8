package statement

import (
	"strings"
	"testing"
)

func TestStripe(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		format Format
		lines  int
		sum    int64
	}{
		"stripe_balance_transactions.json": {StripeBalance, 39, 0},
		"stripe_payouts.json":              {StripePayouts, 3, 156713 + 145099 + 137489},
		"stripe_payout_transactions.json":  {StripeMembers, 0, 156713 + 145099 + 137489 - 7678},
	} {
		body := load(t, "breaks-1/"+name)
		sum, lines, err := readAll(body, Options{})
		if err != nil || sum.Format != want.format || want.lines > 0 && len(lines) != want.lines {
			t.Errorf("%s: %s, %d lines, %v", name, Detect(body), len(lines), err)
			continue
		}
		var got int64
		for _, l := range lines {
			if got += l.Amount; want.format == StripeBalance {
				got -= l.Fee
			}
			if text := string(body[l.At : l.At+l.Size]); !strings.Contains(text, l.Order) || text[0] != '{' {
				t.Errorf("%s: line %d does not lie at its bytes", name, l.No)
			}
		}
		if got != want.sum && want.format != StripeBalance {
			t.Errorf("%s: %d, want %d", name, got, want.sum)
		}
	}
	_, lines, err := readAll(load(t, "breaks-1/stripe_balance_transactions.json"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	foreign := 0
	for _, l := range lines {
		if len(l.Parts) == 1 && l.Parts[0].Currency != "CNY" && l.Parts[0].Rate != "" {
			foreign++
		}
	}
	if foreign == 0 {
		t.Error("no charge keeps its currency")
	}
}

func TestStripeRefused(t *testing.T) {
	t.Parallel()
	row := `{"id":"txn_1","object":"balance_transaction","amount":100,"fee":10,"net":90,"currency":"cny","created":1788000000,"reporting_category":"charge","source":"ch_1"}`
	page := func(rows, more string) string {
		return `[{"url": "/v1/balance_transactions","data":[` + rows + `],"has_more":` + more + `}]`
	}
	for name, c := range map[string]struct {
		body string
		want Reason
	}{
		"whole":          {page(row, "false"), ""},
		"more to come":   {page(row, "true"), ReasonTotals},
		"page broken":    {page(row, "false")[:150], ReasonShape},
		"twice":          {page(row+","+row, "false"), ReasonTwice},
		"net":            {page(strings.Replace(row, "90", "91", 1), "false"), ReasonAmount},
		"float":          {page(strings.Replace(row, ":100", ":100.5", 1), "false"), ReasonShape},
		"other currency": {page(strings.Replace(row, "cny", "usd", 1), "false"), ReasonCurrency},
		"unknown money":  {page(strings.Replace(row, "cny", "xxq", 1), "false"), ReasonCurrency},
		"behind":         {page(row, "false") + "[]", ReasonShape},
		"no row":         {page("", "false"), ReasonEmpty},
	} {
		_, _, err := readAll([]byte(c.body), Options{Format: StripeBalance, Currency: "CNY"})
		if refused(err) != c.want || (c.want == "") != (err == nil) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzStripe(f *testing.F) {
	seeds(f, "stripe_balance_transactions.json", "stripe_payouts.json", "stripe_payout_transactions.json")
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, format := range []Format{StripeBalance, StripePayouts, StripeMembers} {
			hold(t, body, Options{Format: format})
		}
	})
}
