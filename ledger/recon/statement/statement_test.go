package statement

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sunfund/internal/skipped"
	"sunfund/ledger/money"
)

// readAll reads a file whole.
func readAll(body []byte, opt Options) (*Summary, []Line, error) {
	var lines []Line
	sum, err := Read(context.Background(), body, opt, func(l *Line) error {
		lines = append(lines, *l)
		return nil
	})
	return sum, lines, err
}

func load(t testing.TB, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// refused tells the reason of a refusal; empty for none.
func refused(err error) Reason {
	var r *Refusal
	if errors.As(err, &r) {
		return r.Reason
	}
	return ""
}

// truth is what the agreed vectors say of their files.
type truth struct {
	Files []struct{ File, Verdict string }
	Lines []struct {
		Source, File, Ref, Kind string
		Row                     int
		Amount                  int64  `json:"amount_fen"`
		Fee                     *int64 `json:"fee_1e5_yuan"`
		Service                 *int64 `json:"service_fee_fen"`
		Booked                  string `json:"booked_on"`
		Value                   string `json:"value_on"`
	}
	Control struct {
		Bank struct {
			Opening     int64 `json:"opening_fen"`
			Closing     int64 `json:"closing_fen"`
			Undelivered int64 `json:"undelivered_fen"`
		}
	}
}

func TestVectors(t *testing.T) {
	t.Parallel()
	for _, set := range []string{"clean-1", "breaks-1"} {
		var want truth
		if err := json.Unmarshal(load(t, "../../../payments/testdata/recon/"+set+"/truth.json"), &want); err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, f := range want.Files {
			if !strings.Contains(f.File, "bank_") && !strings.Contains(f.File, "wechat_t") && !strings.Contains(f.File, "wechat_f") && !strings.HasPrefix(f.File, "alipay") {
				continue // what the association has, and what Stripe tells by its API
			}
			sum, lines, err := readAll(load(t, set+"/"+f.File), Options{SHA1: announcedFund(f.File)})
			if f.Verdict != "accept" {
				if !errors.Is(err, ErrRefused) {
					t.Errorf("%s %s is taken", set, f.File)
				}
				checked++
				continue
			}
			if err != nil {
				t.Errorf("%s %s: %v", set, f.File, err)
				continue
			}
			checked += compare(t, &want, f.File, sum, lines)
		}
		if checked < 4*30+4*20 {
			t.Errorf("%s: only %d lines compared", set, checked)
		}
	}
}

// announcedFund is the hash that came with the second delivery of a fund bill, whose bytes differ from it.
func announcedFund(name string) string {
	if name == "redelivered/wechat_fund_20260902.csv" {
		return "9c23e72312c994298e3e10f691448609cfddc42d"
	}
	return ""
}

// compare holds the lines of a file to the truth, one by one; the bank's four files have the same lines.
func compare(t *testing.T, want *truth, file string, sum *Summary, lines []Line) (checked int) {
	t.Helper()
	bank := strings.HasPrefix(file, "bank_")
	if bank {
		first, last := sum.Statements[0], sum.Statements[len(sum.Statements)-1]
		missing := want.Control.Bank.Undelivered
		opening := want.Control.Bank.Opening
		if sum.Format == OFX { // tells the closing balance only: what is missing shows against the statement before
			opening += missing
		} else if gaps := append(first.Gaps, sum.Gaps...); missing != 0 && (len(gaps) != 1 || gaps[0].Amount != missing) || missing == 0 && len(gaps) > 0 {
			t.Errorf("%s: gaps %v, want %d", file, gaps, missing)
		}
		if first.Opening.Minor != opening || last.Closing.Minor != want.Control.Bank.Closing {
			t.Errorf("%s: %d to %d, want %d to %d", file, first.Opening.Minor, last.Closing.Minor, opening, want.Control.Bank.Closing)
		}
		if first.NewestFirst {
			slices.Reverse(lines)
		}
	}
	for _, w := range want.Lines {
		if strings.HasPrefix(w.Source, "stripe") {
			continue
		}
		if bank != (w.Source == "bank") || !bank && w.File != file {
			continue
		}
		checked++
		if w.Row > len(lines) {
			t.Errorf("%s has %d lines, want more than %d", file, len(lines), w.Row)
			continue
		}
		l := lines[w.Row-1]
		if l.Amount != w.Amount || w.Fee != nil && l.FeeExact != *w.Fee || w.Service != nil && l.Fee != -*w.Service {
			t.Errorf("%s line %d: %d, fee %d, want %d", file, w.Row, l.Amount, l.FeeExact, w.Amount)
		}
		if !bank && l.ID != w.Ref || (sum.Format == Camt053 || sum.Format == MT940) && l.ID != w.Ref {
			t.Errorf("%s line %d is %q, want %q", file, w.Row, l.ID, w.Ref)
		}
		if bank && (l.Booked.Format("2006-01-02") != w.Booked || sum.Format != CMB && l.Value.Format("2006-01-02") != w.Value) {
			t.Errorf("%s line %d of %s, %s, want %s, %s", file, w.Row, l.Booked, l.Value, w.Booked, w.Value)
		}
	}
	if n := checked; n != len(lines) {
		t.Errorf("%s: %d lines, the vectors have %d", file, len(lines), n)
	}
	return checked
}

// bytesOfLines holds every line to the bytes that it claims.
func TestLinesPointAtTheirBytes(t *testing.T) {
	t.Parallel()
	for name, has := range map[string]func(l *Line) string{
		"breaks-1/bank_camt053.xml":          func(l *Line) string { return "<AcctSvcrRef>" + l.ID + "</AcctSvcrRef>" },
		"breaks-1/bank_mt940.sta":            func(l *Line) string { return "//" + l.ID },
		"breaks-1/bank_ofx.ofx":              func(l *Line) string { return "<FITID>" + l.ID },
		"breaks-1/wechat_trade_20260903.csv": func(l *Line) string { return "`" + l.ID + "," },
		"breaks-1/wechat_fund_20260903.csv":  func(l *Line) string { return "`" + l.ID + "," },
		"breaks-1/alipay_trade_20260903.csv": func(l *Line) string { return l.ID + "\t," },
		"breaks-1/bank_cmb.csv": func(l *Line) string {
			return strings.TrimPrefix(money.Format(l.Amount, "CNY"), "-") + `","`
		},
	} {
		body := load(t, name)
		_, lines, err := readAll(body, Options{})
		if err != nil {
			t.Fatal(err)
		}
		row, end := 0, 0
		for i := range lines {
			l := &lines[i]
			text := string(body[l.At : l.At+l.Size])
			if !strings.Contains(text, has(l)) || l.At < end || l.Row <= row || strings.Count(string(body[:l.At]), "\n")+1 != l.Row {
				t.Fatalf("%s line %d (row %d) is %q", name, l.No, l.Row, text)
			}
			row, end = l.Row, l.At+l.Size
		}
	}
}

// Real files that banks or their users published; they are not kept here.
func TestRealFiles(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("SUNFUND_VECTORS")
	if dir == "" {
		dir = filepath.FromSlash("../../../../shared/vectors")
	}
	dir = filepath.Join(dir, "statements")
	if _, err := os.Stat(dir); err != nil {
		skipped.Test(t, "no real statement files here; SUNFUND_VECTORS names their folder")
	}
	for name, want := range map[string]struct {
		reason  Reason
		lines   int
		in, out int64
		closing string // of the last statement
	}{
		"camt053/camt053.v2.minimal.xml":           {reason: ReasonCurrency}, // opens in EUR, closes in SEK
		"camt053/camt053.v2.multi.statement.xml":   {"", 2, 885, 700, "EUR 20.00"},
		"camt053/camt053.v2.wrong.xml":             {reason: ReasonEmpty},
		"camt053/camt053.v4.xml":                   {reason: ReasonCurrency},
		"camt053/camt053.v8.xml":                   {reason: ReasonCurrency},
		"csv-cn/example-boc-records.csv":           {"", 17, 982100, 939430, "CNY 3240.28"},
		"csv-cn/example-cmb-records.csv":           {reason: ReasonRunning}, // days are left out
		"csv-cn/example-icbc-debit-v1-records.csv": {reason: ReasonAmount},  // balances are letters
		"mt940/betterplace-sepa_mt9401.sta":        {"", 97, 518847494, 1445761084, "EUR 50.05"},
		"mt940/cmxl-mt940.sta":                     {reason: ReasonCurrency}, // German marks
		"mt940/jejik-abnamro.sta":                  {reason: ReasonBalance},  // lines are left out
		"mt940/jejik-generic.sta":                  {"", 2, 0, 2000, "EUR 80.00"},
		"mt940/jejik-ing.sta":                      {reason: ReasonBalance},
		"mt940/mBank-mt940.sta":                    {"", 3, 3, 0, "PLN 0.43"},
		"mt940/self-provided-sparkassen.sta":       {reason: ReasonNoBalance}, // a piece
	} {
		body, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		sum, lines, err := readAll(body, Options{})
		if refused(err) != want.reason {
			t.Errorf("%s: %v, want %q", name, err, want.reason)
		}
		if want.reason != "" || err != nil {
			continue
		}
		var in, out int64
		for _, s := range sum.Statements {
			in, out = in+s.In, out+s.Out
		}
		last := sum.Statements[len(sum.Statements)-1]
		closing := money.Money{Minor: last.Closing.Minor, Currency: last.Currency}.String()
		if len(lines) != want.lines || in != want.in || out != want.out || closing != want.closing {
			t.Errorf("%s: %d lines, in %d, out %d, closing %s, want %+v", name, len(lines), in, out, closing, want)
		}
	}
}
