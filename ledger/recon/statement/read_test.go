package statement

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestAmounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, ccy string
		want      int64
		ok        bool
	}{
		{"1234.50", "CNY", 123450, true}, {"1,234.5", "CNY", 123450, true}, {"-0.05", "CNY", -5, true}, {"+7", "CNY", 700, true}, {".5", "EUR", 50, true},
		{"12.50000", "CNY", 1250, true}, {"12.50001", "CNY", 0, false}, {"2700.00", "JPY", 2700, true}, {"1.2345", "KWD", 0, false}, {"1.234", "KWD", 1234, true},
		{"92233720368547758.08", "CNY", 0, false}, {"1e3", "CNY", 0, false}, {"１２", "CNY", 0, false},
		{"", "CNY", 0, false}, {"--1", "CNY", 0, false}, {"1,00", "CNY", 0, false}, {"0x10", "CNY", 0, false}, {"1 000", "CNY", 0, false}, {"NaN", "CNY", 0, false},
	} {
		if got, err := amount(c.text, c.ccy); got != c.want || (err == nil) != c.ok {
			t.Errorf("%q %s is %d, %v", c.text, c.ccy, got, err)
		}
	}
	for text, want := range map[string]int64{"1234,": 123400, "9,4": 940, "0,05": 5, "7": 700, "1,234": -1, "1.5": -1, ",5": 50, "1,2,3": -1, "-1,": -1} {
		if got, err := commaAmount(text, "EUR"); err == nil && got != want || err != nil && want != -1 {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for text, want := range map[string]int64{"2.51000": 251000, "-1.2": -120000, "0.00001": 1, "3": 300000} {
		if got, err := exact(text); err != nil || got != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{"20260901": "2026-09-01", "2026/9/1 10:00": "2026-09-01", "2026年9月1日": "2026-09-01", "2026.09.01": "2026-09-01", "2026-09-01T10:00:00Z": "2026-09-01"} {
		if got, _, ok := day(text); !ok || got.Format("2006-01-02") != want {
			t.Errorf("%q is %s", text, got)
		}
	}
	for _, text := range []string{"", "2026", "20260230", "1.9.2026", "26-09-01", "2026-13-01"} {
		if got, _, ok := day(text); ok {
			t.Errorf("%q is taken as %s", text, got)
		}
	}
	if half(251_499) != 251 || half(251_500) != 252 || half(-251_500) != -252 {
		t.Error("fees are not rounded half up")
	}
}

func TestCamtVersions(t *testing.T) {
	t.Parallel()
	for version := camtFirst; version <= camtLast; version++ {
		head := strings.Replace(xmlHead, "001.08", fmt.Sprintf("001.%02d", version), 1)
		if version < 8 {
			xml := head + strings.Replace(xmlEntry, "<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>", 1) + xmlTail
			if sum, lines, err := readAll([]byte(xml), Options{}); err != nil || len(lines) != 1 || sum.Version != fmt.Sprintf("camt.053.001.%02d", version) {
				t.Errorf("version %d: %+v, %v", version, sum, err)
			}
			continue
		}
		if _, lines, err := readAll([]byte(head+xmlEntry+xmlTail), Options{}); err != nil || len(lines) != 1 || lines[0].Amount != 250 {
			t.Errorf("version %d: %+v, %v", version, lines, err)
		}
	}
	prefixed := strings.NewReplacer("<?", "<?", "</", "</c:", "<", "<c:", `xmlns="`, `xmlns:c="`).Replace(strings.TrimPrefix(xmlHead+xmlEntry+xmlTail, `<?xml version="1.0" encoding="UTF-8"?>`))
	if _, lines, err := readAll([]byte(prefixed), Options{}); err != nil || len(lines) != 1 {
		t.Errorf("namespace prefix: %v", err)
	}
}

func TestCamtEntries(t *testing.T) {
	t.Parallel()
	// A returned payment, a pending one that moves nothing, a batch of two with the parties of version 08.
	body := xmlHead +
		`<Ntry><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>2026-09-01T10:00:00+02:00</DtTm></BookgDt><ValDt><Dt>2026-09-02</Dt></ValDt>` +
		`<NtryDtls><TxDtls><Refs><EndToEndId>E1</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>Ann</Nm></Pty></Dbtr><DbtrAcct><Id><IBAN>DE9</IBAN></Id></DbtrAcct></RltdPties><RmtInf><Ustrd>one</Ustrd><Ustrd>two</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>` +
		`<Ntry><Amt Ccy="EUR">9.00</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>PDNG</Cd></Sts><BookgDt><Dt>2026-09-01</Dt></BookgDt></Ntry>` +
		`<Ntry><Amt Ccy="EUR">3.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-09-02</Dt></BookgDt><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>RCDT</Cd><SubFmlyCd>ESCT</SubFmlyCd></Fmly></Domn></BkTxCd><NtryDtls>` +
		`<TxDtls><Refs><EndToEndId>A</EndToEndId></Refs><Amt Ccy="EUR">1.25</Amt><RltdPties><Dbtr><Pty><Nm>Bea</Nm></Pty></Dbtr></RltdPties></TxDtls>` +
		`<TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy="EUR">2.25</Amt></TxDtls></NtryDtls></Ntry>` + xmlTail
	sum, lines, err := readAll([]byte(body), Options{})
	if err != nil || len(lines) != 2 || sum.Statements[0].Skipped != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if l := lines[0]; l.Amount != -100 || !l.Reversal || l.EndToEnd != "E1" || l.Party != "Ann" || l.PartyAccount != "DE9" || l.Text != "one two" || l.Booked.Day() != 1 || l.Value.Day() != 2 || l.Clock.UTC().Hour() != 8 {
		t.Errorf("%+v", l)
	}
	if l := lines[1]; l.Amount != 350 || len(l.Parts) != 2 || l.Parts[0].Amount != 125 || l.Parts[0].Party != "Bea" || l.Parts[1].EndToEnd != "" || l.Code != "PMNT/RCDT/ESCT" {
		t.Errorf("%+v", l)
	}
}

func TestMT940Entries(t *testing.T) {
	t.Parallel()
	body := "{1:F01X}{2:I940X}{4:\r\n:20:S\r\n:25:BANK/123456EUR\r\n:28C:7/1\r\n:60F:D251230EUR10,00\r\n" +
		":61:2601021231RC1,00NTRFNONREF//B1\r\n:86:020?00STORNO?20EREF+E-1?21SVWZ+Gabe fuer?22 alle?30BIC?31DE77?32Berta?33 Braun\r\n" +
		":61:260102RD2,5NMSCREF2\r\nextra\r\n:61:260102CR3,00F123NONREF\r\n:86:/EREF/E-3/ORDP/Carl/REMI/one lin\r\ne\r\n:61:260102DR0,50NCHGNONREF\r\n:62F:D260102EUR6,00\r\n-}\r\n" +
		":20:S\r\n:25:BANK/123456EUR\r\n:28C:9/1\r\n:60F:D260103EUR5,00\r\n:62F:D260103EUR5,00\r\n-\r\n"
	sum, lines, err := readAll([]byte(body), Options{Account: "123456"})
	if err != nil || len(lines) != 4 {
		t.Fatalf("%+v, %v", lines, err)
	}
	if l := lines[0]; l.Amount != -100 || !l.Reversal || l.EndToEnd != "E-1" || l.Text != "Gabe fuer alle" || l.Party != "Berta Braun" || l.PartyAccount != "DE77" || l.ID != "B1" || l.Booked.Format("20060102") != "20251231" {
		t.Errorf("%+v", l)
	}
	if l := lines[1]; l.Amount != 250 || !l.Reversal || l.EndToEnd != "REF2" || l.Text != "extra" {
		t.Errorf("%+v", l)
	}
	if l := lines[2]; l.Amount != 300 || l.EndToEnd != "E-3" || l.Party != "Carl" || l.Text != "one lin e" {
		t.Errorf("%+v", l)
	}
	if lines[3].Amount != -50 || len(sum.Gaps) != 1 || sum.Gaps[0].Amount != 100 {
		t.Errorf("%+v, gaps %v", lines[3], sum.Gaps)
	}
}

func TestOFX(t *testing.T) {
	t.Parallel()
	xml := strings.Replace(ofxHead, ofxHead[:strings.Index(ofxHead, "<OFX>")], `<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE"?>`, 1)
	xml = strings.Replace(xml, "<CURDEF>EUR", "<CURDEF>EUR</CURDEF>", 1)
	xml = strings.Replace(xml, "<ACCTID>99887766", "<ACCTID>99887766</ACCTID>", 1)
	entry := "<STMTTRN><TRNTYPE>DEBIT</TRNTYPE><DTPOSTED>20260901120000.000[-5:EST]</DTPOSTED><TRNAMT>-1.00</TRNAMT><FITID>7</FITID><NAME>C</NAME><MEMO/></STMTTRN>"
	for name, body := range map[string]string{"SGML": ofxHead + ofxEntry + ofxEntry + ofxTail, "XML": xml + ofxEntry + entry + ofxTail} {
		sum, lines, err := readAll([]byte(body), Options{Account: "99887766"})
		if err != nil || len(lines) != 2 || lines[0].Amount != 250 || lines[0].Party != "A & B" || sum.Statements[0].Closing.Minor != 350 {
			t.Errorf("%s: %+v, %+v, %v", name, sum, lines, err)
			continue
		}
		if name == "XML" && (lines[1].Amount != -100 || lines[1].Clock.UTC().Hour() != 17 || sum.Version != "211") {
			t.Errorf("%s: %+v of %s", name, lines[1], sum.Version)
		}
		if !slices.Equal(sum.Statements[0].Proved, []Proof{ProofChain}) {
			t.Errorf("%s: proved %v by a closing balance alone", name, sum.Statements[0].Proved)
		}
	}
}

func TestBankTables(t *testing.T) {
	t.Parallel()
	// CCB without a balance is proved by what a person read in the bank's own pages, or not at all.
	body := []byte("账号：6227001122334455\n记账日,交易日期,支出,收入,币种,摘要,对方户名,没见过的列\n20260901,20260831,,\"1,200.00\",人民币,转账,王小明,x\n20260902,20260902,200.00,,人民币,手续费,,\n")
	opening, closing, wrong := int64(5000), int64(105000), int64(105001)
	if sum, lines, err := readAll(body, Options{Opening: &opening, Closing: &closing}); err != nil || sum.Format != CCB || lines[0].Amount != 120000 || lines[1].Amount != -20000 || lines[0].Party != "王小明" {
		t.Errorf("CCB: %+v, %v", lines, err)
	}
	if _, _, err := readAll(body, Options{Opening: &opening, Closing: &wrong}); refused(err) != ReasonBalance {
		t.Errorf("CCB with a wrong closing balance: %v", err)
	}
	// ICBC with its sums below.
	icbc := gbk(t, "卡号: 6222****1234\n\n交易日期,摘要,交易场所,钞/汇,记账金额(收入),记账金额(支出),记账币种,余额,对方户名\n\"2026-09-02 \t\",\"转账\t\",\"-\t\",钞\t,\"\t\",\"5.00\t\",人民币\t,\"1,005.00\t\",\"甲\t\",\n"+
		"2026-09-01,工资,-,钞,\"10.00\",-,人民币,\"1,010.00\",乙,\n人民币合计,,,,\"10.00\",\"5.00\",\n")
	sum, lines, err := readAll(icbc, Options{Account: "6222021200001234"})
	if err != nil || len(lines) != 2 || !sum.Statements[0].NewestFirst || sum.Statements[0].Opening.Minor != 100000 || !slices.Equal(sum.Statements[0].Proved, []Proof{ProofTotals, ProofRunning}) {
		t.Errorf("ICBC: %+v, %v", sum, err)
	}
	// Any other bank by a profile.
	p := &Profile{Charset: "utf-8", Delimiter: ";", DateForm: "02.01.2006", Columns: map[string][]string{"date": {"Buchung"}, "amount": {"Betrag"}, "direction": {"S/H"}, "balance": {"Saldo"}, "text": {"Zweck"}},
		InWords: []string{"H"}, OutWords: []string{"S"}, Ignore: []string{"Ende"}}
	own := []byte("Kontoauszug\nZweck;Buchung;Betrag;S/H;Saldo\nGabe;01.09.2026;10.00;H;110.00\nMiete;02.09.2026;30.00;S;80.00\nEnde;;;;\n")
	if _, lines, err := readAll(own, Options{Format: CSV, Profile: p, Currency: "EUR"}); err != nil || len(lines) != 2 || lines[1].Amount != -3000 || lines[1].Booked.Month() != 9 || lines[1].Currency != "EUR" {
		t.Errorf("profile: %+v, %v", lines, err)
	}
	if _, _, err := readAll(own, Options{Format: CSV}); refused(err) != ReasonHeader {
		t.Errorf("no profile: %v", err)
	}
}

func compareKeys(a, b Key) int { return bytes.Compare(a[:], b[:]) }

// A line keeps its key in any other cut and order of the files; equal lines of one day stay several.
func TestKeys(t *testing.T) {
	t.Parallel()
	keys := func(body []byte) (list []Key) {
		sum, lines, err := readAll(body, Options{})
		if err != nil {
			t.Fatal(err)
		}
		k := Keys{Format: sum.Format}
		for i := range lines {
			list = append(list, k.Key(&lines[i]))
		}
		return list
	}
	for _, name := range []string{"bank_camt053.xml", "bank_mt940.sta", "bank_ofx.ofx", "bank_cmb.csv", "wechat_trade_20260903.csv", "wechat_fund_20260903.csv", "alipay_trade_20260903.csv"} {
		body := load(t, "breaks-1/"+name)
		all := keys(body)
		if distinct := slices.Compact(slices.SortedFunc(slices.Values(all), compareKeys)); len(distinct) != len(all) {
			t.Errorf("%s: %d keys of %d lines", name, len(distinct), len(all))
		}
		if !slices.Equal(all, keys(body)) {
			t.Errorf("%s: another reading gives other keys", name)
		}
	}
	mt := load(t, "breaks-1/bank_mt940.sta")
	messages := strings.SplitAfter(string(mt), "\n-\r\n")
	var pieces []Key
	for _, m := range messages {
		if strings.Contains(m, ":61:") {
			pieces = append(pieces, keys([]byte(m))...)
		}
	}
	if !slices.Equal(pieces, keys(mt)) {
		t.Error("day by day a line has another key than in the whole file")
	}
	twins := ":20:A\n:25:1\n:28C:1\n:60F:C260901CNY0,\n:61:260901C5,NTRFX\n:61:260901C5,NTRFX\n:62F:C260901CNY10,\n"
	if k := keys([]byte(twins)); len(k) != 2 || k[0] == k[1] || [16]byte(k[0][:16]) != [16]byte(k[1][:16]) {
		t.Errorf("two equal lines have the keys %v", k)
	}
	// In any order the set of keys is the same.
	_, lines, err := readAll(load(t, "breaks-1/bank_ofx.ofx"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	set := func(lines []Line) []Key {
		k, list := Keys{Format: OFX}, []Key{}
		for i := range lines {
			list = append(list, k.Key(&lines[i]))
		}
		slices.SortFunc(list, compareKeys)
		return list
	}
	want := set(lines)
	rand.New(rand.NewPCG(8, 8)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	if !slices.Equal(want, set(lines)) {
		t.Error("another order gives other keys")
	}
}
