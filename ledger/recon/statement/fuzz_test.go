package statement

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"sunfund/internal/sheet"
	"sunfund/ledger/money"
)

// hold reads what a fuzzer made and holds the outcome to what must be true of any file: it is refused, or its lines add up, lie
// inside the file and one behind the other, and are what a second reading gives.
func hold(t *testing.T, body []byte, opt Options) {
	t.Helper()
	if len(body) > 1<<20 {
		return
	}
	sum, lines, err := readAll(bytes.Clone(body), opt)
	if err != nil {
		if !errors.Is(err, ErrRefused) {
			t.Fatalf("neither read nor refused: %v", err)
		}
		return
	}
	if sum.Lines != len(lines) {
		t.Fatalf("%d lines, %d told", len(lines), sum.Lines)
	}
	net := make([]int64, len(sum.Statements))
	end := 0
	for i := range lines {
		l := &lines[i]
		if sum.Member == "" && (l.At < end || l.Size < 1 || l.At+l.Size > len(body)) {
			t.Fatalf("line %d claims %d bytes at %d of %d", l.No, l.Size, l.At, len(body))
		}
		end = l.At + l.Size
		if l.Booked.IsZero() || l.Currency != sum.Statements[l.Statement].Currency {
			t.Fatalf("line without a day or of another currency: %+v", l)
		}
		net[l.Statement] += l.Amount
	}
	for i, s := range sum.Statements {
		moved := net[i]
		for _, g := range s.Gaps {
			moved += g.Amount
		}
		if s.In-s.Out != net[i] || s.Opening.Known && s.Closing.Known && s.Opening.Minor+moved != s.Closing.Minor || len(s.Proved) == 0 {
			t.Fatalf("statement %+v with lines of %d", s, net[i])
		}
		_ = money.Format(s.In, s.Currency)
	}
	again, err := Read(context.Background(), body, opt, func(*Line) error { return nil })
	if err != nil || again.Lines != sum.Lines {
		t.Fatalf("a second reading: %d lines, %v", again.Lines, err)
	}
}

func seeds(f *testing.F, names ...string) {
	f.Helper()
	for _, set := range []string{"clean-1", "breaks-1"} {
		for _, name := range names {
			f.Add(load(f, set+"/"+name))
		}
	}
}

func FuzzCamt(f *testing.F) {
	seeds(f, "bank_camt053.xml")
	f.Add([]byte(xmlHead + xmlEntry + xmlTail))
	f.Fuzz(func(t *testing.T, body []byte) { hold(t, body, Options{Format: Camt053}) })
}

func FuzzMT940(f *testing.F) {
	seeds(f, "bank_mt940.sta")
	f.Add([]byte(mtSample))
	f.Fuzz(func(t *testing.T, body []byte) { hold(t, body, Options{Format: MT940}) })
}

func FuzzOFX(f *testing.F) {
	seeds(f, "bank_ofx.ofx")
	f.Add([]byte(ofxHead + ofxEntry + ofxTail))
	f.Fuzz(func(t *testing.T, body []byte) { hold(t, body, Options{Format: OFX}) })
}

func FuzzWeChatTrade(f *testing.F) {
	seeds(f, "wechat_trade_20260901.csv", "wechat_trade_20260902.csv")
	f.Fuzz(func(t *testing.T, body []byte) { hold(t, body, Options{Format: WeChatTrade}) })
}

func FuzzWeChatFund(f *testing.F) {
	seeds(f, "wechat_fund_20260902.csv", "wechat_fund_20260903.csv")
	f.Fuzz(func(t *testing.T, body []byte) { hold(t, body, Options{Format: WeChatFund}) })
}

func FuzzAlipay(f *testing.F) {
	seeds(f, "alipay_trade_20260901.csv", "alipay_trade_20260902.csv")
	f.Add(archive(f, map[string][]byte{"a.csv": load(f, "clean-1/alipay_trade_20260901.csv")}))
	f.Fuzz(func(t *testing.T, body []byte) { hold(t, body, Options{Format: AlipayTrade}) })
}

func FuzzBankCSV(f *testing.F) {
	seeds(f, "bank_cmb.csv")
	f.Add([]byte(ccbHead + "20260901,20260901,,1.00,10.00,人民币,a,b,c\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for format := range banks {
			hold(t, body, Options{Format: format})
		}
		hold(t, body, Options{})
	})
}

func FuzzProfile(f *testing.F) {
	f.Add([]byte("d;a;b\n01/09/2026;1.00;1.00\n"), "d", "a", "b", "02/01/2006", true)
	f.Fuzz(func(t *testing.T, body []byte, date, amount, balance, form string, negate bool) {
		p := Profile{Charset: sheet.Charsets[0], Delimiter: ";", DateForm: DateForms[len(form)%len(DateForms)], Negate: negate,
			Columns: map[string][]string{"date": {date}, "amount": {amount}, "balance": {balance}}}
		hold(t, body, Options{Format: CSV, Profile: &p})
	})
}
