package statement

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io/fs"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// change gives a sample file with one text replaced.
func change(t *testing.T, name, old, by string) []byte {
	t.Helper()
	body := load(t, name)
	if !bytes.Contains(body, []byte(old)) {
		t.Fatalf("%s has no %q", name, old)
	}
	return bytes.Replace(body, []byte(old), []byte(by), 1)
}

func gbk(t testing.TB, text string) []byte {
	t.Helper()
	body, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	return []byte(body)
}

const (
	mtSample = ":20:A\n:25:12345678\n:28C:1/1\n:60F:C260901CNY100,00\n:61:2609010901C9,5NTRFX//Y\n:86:hello\n:62F:C260901CNY109,50\n-\n"
	xmlHead  = `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>1</Id><Acct><Id><IBAN>DE1</IBAN></Id></Acct>` +
		`<Bal><Tp><CdOrPrtry><Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">1.00</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>` +
		`<Bal><Tp><CdOrPrtry><Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy="EUR">3.50</Amt><CdtDbtInd>CRDT</CdtDbtInd></Bal>`
	xmlEntry = `<Ntry><Amt Ccy="EUR">2.50</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-09-01</Dt></BookgDt></Ntry>`
	xmlTail  = `</Stmt></BkToCstmrStmt></Document>`
	ofxHead  = "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:UTF-8\nCHARSET:NONE\n\n<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR<BANKACCTFROM><ACCTID>99887766</BANKACCTFROM><BANKTRANLIST>"
	ofxEntry = "<STMTTRN><TRNTYPE>CREDIT<DTPOSTED>20260901<TRNAMT>2,50<FITID>7<NAME>A &amp; B</STMTTRN>"
	ofxTail  = "</BANKTRANLIST><LEDGERBAL><BALAMT>3.50<DTASOF>20260901</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
	ccbHead  = "账号：6227001122334455\n记账日,交易日期,支出,收入,余额,币种,摘要,对方账号,对方户名\n"
)

func TestRefusals(t *testing.T) {
	t.Parallel()
	trade, fund, bank := "breaks-1/wechat_trade_20260901.csv", "breaks-1/wechat_fund_20260902.csv", "breaks-1/bank_camt053.xml"
	for name, c := range map[string]struct {
		body []byte
		opt  Options
		want Reason
	}{
		"empty":                    {nil, Options{}, ReasonEmpty},
		"picture":                  {[]byte("\x89PNG\r\n\x1a\n\x00\x00"), Options{}, ReasonFormat},
		"program renamed":          {[]byte("\x7fELF\x02\x01\x01\x00\x00"), Options{Format: CMB}, ReasonCharset},
		"UTF-16":                   {[]byte("\xff\xfe`\x00"), Options{Format: WeChatTrade}, ReasonCharset},
		"other table":              {[]byte("a,b,c\n1,2,3\n"), Options{}, ReasonFormat},
		"mixed charsets":           {append(load(t, trade), gbk(t, "交易")...), Options{Format: WeChatTrade}, ReasonCharset},
		"hash":                     {load(t, trade), Options{SHA1: "5fa4f09edb7b7dbe36a6826e0d471def316c794f"}, ReasonHash},
		"other account":            {load(t, trade), Options{Account: "1900012346"}, ReasonAccount},
		"other account, starred":   {load(t, "breaks-1/bank_cmb.csv"), Options{Account: "755930112210809"}, ReasonAccount},
		"other currency":           {load(t, bank), Options{Currency: "EUR"}, ReasonCurrency},
		"trade: amount changed":    {change(t, trade, "`419.01,", "`418.01,"), Options{}, ReasonTotals},
		"trade: fee changed":       {change(t, trade, "`2.51000,", "`2.52000,"), Options{}, ReasonTotals},
		"trade: row cut out":       {dropRow(load(t, trade), 3), Options{}, ReasonTotals},
		"trade: row twice":         {twiceRow(load(t, trade), 3), Options{}, ReasonTwice},
		"trade: totals cut off":    {cutRows(load(t, trade), 2), Options{}, ReasonTotals},
		"trade: column gone":       {change(t, trade, "退款金额,充值", "退款额,充值"), Options{}, ReasonHeader},
		"trade: column twice":      {change(t, trade, "设备号", "手续费"), Options{}, ReasonHeader},
		"trade: state unknown":     {change(t, trade, "`SUCCESS,", "`CLOSED,"), Options{}, ReasonLine},
		"trade: exponent":          {change(t, trade, "`419.01,", "`4e2,"), Options{}, ReasonAmount},
		"trade: below the totals":  {append(load(t, trade), "`1\r\n"...), Options{}, ReasonShape},
		"fund: amount changed":     {change(t, fund, "`200.00,`10613.73", "`201.00,`10613.73"), Options{}, ReasonTotals},
		"fund: balance changed":    {change(t, fund, "`10613.73", "`10614.73"), Options{}, ReasonRunning},
		"fund: direction":          {change(t, fund, "`收入,", "`存入,"), Options{}, ReasonDirection},
		"alipay: totals":           {change(t, "breaks-1/alipay_trade_20260901.csv", "1589.77", "1589.78"), Options{}, ReasonTotals},
		"alipay: no totals":        {change(t, "breaks-1/alipay_trade_20260901.csv", string(gbk(t, "交易合计")), "x"), Options{}, ReasonTotals},
		"camt: closing changed":    {change(t, bank, "2830736.06", "2830736.07"), Options{}, ReasonBalance},
		"camt: entry changed":      {change(t, bank, `<NtryRef>244-1</NtryRef><Amt Ccy="CNY">666.00`, `<NtryRef>244-1</NtryRef><Amt Ccy="CNY">667.00`), Options{}, ReasonTotals},
		"camt: count changed":      {change(t, bank, "<NbOfNtries>8<", "<NbOfNtries>9<"), Options{}, ReasonTotals},
		"camt: batch changed":      {change(t, bank, ">14091.00<", ">14092.00<"), Options{}, ReasonBatch},
		"camt: pending only":       {[]byte(xmlHead + strings.Replace(xmlEntry, "BOOK", "PDNG", 1) + xmlTail), Options{}, ReasonBalance},
		"camt: no day":             {[]byte(xmlHead + strings.Replace(xmlEntry, "2026-09-01", "2026-02-30", 1) + xmlTail), Options{}, ReasonDate},
		"camt: three decimals":     {[]byte(xmlHead + strings.Replace(xmlEntry, "2.50", "2.501", 1) + xmlTail), Options{}, ReasonAmount},
		"camt: negative":           {[]byte(xmlHead + strings.Replace(xmlEntry, "2.50", "-2.50", 1) + xmlTail), Options{}, ReasonAmount},
		"camt: no direction":       {[]byte(xmlHead + strings.Replace(xmlEntry, "CRDT", "IN", 1) + xmlTail), Options{}, ReasonDirection},
		"camt: cut":                {[]byte(xmlHead + xmlEntry), Options{}, ReasonShape},
		"camt: wrong nesting":      {[]byte(xmlHead + "<Ntry><Amt></Ntry></Amt>" + xmlTail), Options{}, ReasonShape},
		"camt: version 1":          {[]byte(strings.Replace(xmlHead, "001.08", "001.01", 1) + xmlTail), Options{}, ReasonVersion},
		"camt: version 11":         {[]byte(strings.Replace(xmlHead, "001.08", "001.11", 1) + xmlTail), Options{}, ReasonVersion},
		"camt: other message":      {[]byte(strings.Replace(xmlHead, "camt.053.001.08", "camt.054.001.08", 1) + xmlTail), Options{}, ReasonVersion},
		"XML: other version":       {[]byte(`<?xml version="0"?><a/>`), Options{}, ReasonShape},
		"XML: no message":          {[]byte("<html><body></body></html>"), Options{}, ReasonFormat},
		"XML: billion laughs":      {[]byte(`<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>`), Options{}, ReasonDoctype},
		"XML: external entity":     {[]byte(`<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`), Options{}, ReasonDoctype},
		"XML: own entity":          {[]byte(xmlHead + "<AddtlStmtInf>&x;</AddtlStmtInf>" + xmlTail), Options{}, ReasonDoctype},
		"XML: a million deep":      {[]byte(xmlHead + strings.Repeat("<a>", 1_000_000)), Options{}, ReasonShape},
		"XML: endless attribute":   {[]byte(xmlHead + `<a b="` + strings.Repeat("c", 1_000_000) + `"/>`), Options{}, ReasonShape},
		"XML: many attributes":     {[]byte(xmlHead + "<a " + strings.Repeat(`b="" `, 10_000) + "/>"), Options{}, ReasonShape},
		"XML: endless text":        {[]byte(xmlHead + "<AddtlStmtInf>" + strings.Repeat("c", 1_000_000)), Options{}, ReasonShape},
		"XML: not UTF-8":           {[]byte(xmlHead + "<AddtlStmtInf>\xc4</AddtlStmtInf>" + xmlTail), Options{}, ReasonCharset},
		"XML: charset unknown":     {[]byte(strings.Replace(xmlHead, "UTF-8", "UTF-7", 1) + xmlTail), Options{}, ReasonCharset},
		"MT940: closing changed":   {[]byte(strings.Replace(mtSample, "109,50", "109,51", 1)), Options{}, ReasonBalance},
		"MT940: point":             {[]byte(strings.Replace(mtSample, "C9,5N", "C9.5N", 1)), Options{}, ReasonLine},
		"MT940: three decimals":    {[]byte(strings.Replace(mtSample, "C9,5N", "C9,500N", 1)), Options{}, ""}, // zeros only
		"MT940: day":               {[]byte(strings.Replace(mtSample, ":61:260901", ":61:260931", 1)), Options{}, ReasonDate},
		"MT940: direction":         {[]byte(strings.Replace(mtSample, "0901C9", "0901X9", 1)), Options{}, ReasonLine},
		"MT940: cut":               {[]byte(mtSample[:len(mtSample)-30]), Options{}, ReasonNoBalance},
		"MT940: two currencies":    {[]byte(strings.Replace(mtSample, ":62F:C260901CNY", ":62F:C260901EUR", 1)), Options{}, ReasonCurrency},
		"MT940: not UTF-8":         {[]byte(strings.Replace(mtSample, "hello", "gr\xfc\xdfe", 1)), Options{}, ReasonCharset},
		"OFX: cut":                 {[]byte(ofxHead + ofxEntry), Options{}, ReasonShape},
		"OFX: line in a line":      {[]byte(ofxHead + "<STMTTRN>" + ofxEntry + ofxTail), Options{}, ReasonShape},
		"OFX: document type":       {[]byte(strings.Replace(ofxHead, "\n\n", "\n<!DOCTYPE a [<!ENTITY b 'c'>]>\n", 1) + ofxTail), Options{}, ReasonDoctype},
		"OFX: entity inside":       {[]byte(ofxHead + "<!ENTITY a 'b'>" + ofxTail), Options{}, ReasonDoctype},
		"OFX: groups":              {[]byte(ofxHead + strings.Replace(ofxEntry, "2,50", "1,002.50", 1) + ofxTail), Options{}, ReasonAmount},
		"OFX: other currency":      {[]byte(ofxHead + strings.Replace(ofxEntry, "<FITID>", "<CURRENCY><CURSYM>USD</CURRENCY><FITID>", 1) + ofxTail), Options{}, ReasonCurrency},
		"OFX: endless tag":         {[]byte(ofxHead + "<" + strings.Repeat("A", 1_000_000)), Options{}, ReasonShape},
		"CSV: amount":              {[]byte(ccbHead + "20260901,20260901,,1.2.3,10.00,人民币,a,b,c\n"), Options{}, ReasonAmount},
		"CSV: in and out":          {[]byte(ccbHead + "20260901,20260901,1.00,1.00,10.00,人民币,a,b,c\n"), Options{}, ReasonAmount},
		"CSV: neither":             {[]byte(ccbHead + "20260901,20260901,,,10.00,人民币,a,b,c\n"), Options{}, ReasonAmount},
		"CSV: decimal comma":       {[]byte(ccbHead + "20260901,20260901,,\"1,00\",10.00,人民币,a,b,c\n"), Options{}, ReasonAmount},
		"CSV: two currencies":      {[]byte(ccbHead + "20260901,20260901,,1.00,10.00,人民币,a,b,c\n20260901,20260901,,1.00,11.00,美元,a,b,c\n"), Options{}, ReasonCurrency},
		"CSV: day":                 {[]byte(ccbHead + "20261301,20260901,,1.00,10.00,人民币,a,b,c\n"), Options{}, ReasonDate},
		"CSV: broken balance":      {[]byte(ccbHead + "20260901,20260901,,1.00,10.00,人民币,a,b,c\n20260901,20260901,,1.00,12.00,人民币,a,b,c\n"), Options{}, ReasonRunning},
		"CSV: broken between days": {[]byte(ccbHead + "20260901,20260901,,1.00,10.00,人民币,a,b,c\n20260903,20260903,,1.00,12.00,人民币,a,b,c\n"), Options{}, ReasonRunning},
		"CSV: nothing proves it":   {[]byte("记账日,交易日期,支出,收入,摘要\n20260901,20260901,,1.00,a\n"), Options{}, ReasonUnproved},
		"CSV: open quote":          {[]byte(ccbHead + "20260901,20260901,,\"1.00,10.00,人民币,a,b,c\n20260901,20260901,,1.00,10.00,人民币,a,b,c\n"), Options{}, ReasonShape},
		"CSV: a million columns":   {[]byte(ccbHead + strings.Repeat(",", 1_000_000)), Options{}, ReasonShape},
		"CSV: too large an amount": {[]byte(ccbHead + "20260901,20260901,,99999999999999999999.00,10.00,人民币,a,b,c\n"), Options{}, ReasonAmount},
	} {
		_, _, err := readAll(c.body, c.opt)
		if got := refused(err); got != c.want || (err == nil) != (c.want == "") {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func dropRow(body []byte, n int) []byte {
	rows := bytes.SplitAfter(body, []byte("\n"))
	return bytes.Join(append(rows[:n:n], rows[n+1:]...), nil)
}

func twiceRow(body []byte, n int) []byte {
	rows := bytes.SplitAfter(body, []byte("\n"))
	return bytes.Join(append(append(rows[:n+1:n+1], rows[n]), rows[n+1:]...), nil)
}

func cutRows(body []byte, n int) []byte {
	rows := bytes.SplitAfter(bytes.TrimSpace(body), []byte("\n"))
	return bytes.Join(rows[:len(rows)-n], nil)
}

// archive packs files into a zip.
func archive(t testing.TB, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for name, body := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		if strings.HasSuffix(name, ".link") {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchives(t *testing.T) {
	t.Parallel()
	bill := load(t, "breaks-1/alipay_trade_20260901.csv")
	many := map[string][]byte{}
	for i := range membersMax + 1 {
		many[strconv.Itoa(i)] = nil
	}
	sum, lines, err := readAll(archive(t, map[string][]byte{"20885311900726140156_业务明细.csv": bill, "汇总.csv": gbk(t, "#支付宝业务汇总查询\n")}), Options{})
	if err != nil || len(lines) != 24 || !strings.HasSuffix(sum.Member, "业务明细.csv") {
		t.Fatalf("%d lines of %+v, %v", len(lines), sum, err)
	}
	if l := lines[0]; !bytes.HasPrefix(bill[l.At:], []byte(l.ID)) {
		t.Errorf("the first line does not stand at %d of the member", l.At)
	}
	for name, c := range map[string]struct {
		body []byte
		want Reason
	}{
		"bomb":        {archive(t, map[string][]byte{"a.csv": make([]byte, 50<<20)}), ReasonArchive},
		"in a zip":    {archive(t, map[string][]byte{"a.zip": archive(t, map[string][]byte{"a.csv": bill})}), ReasonArchive},
		"link":        {archive(t, map[string][]byte{"a.link": []byte("/etc/passwd")}), ReasonArchive},
		"many":        {archive(t, many), ReasonArchive},
		"two bills":   {archive(t, map[string][]byte{"a.csv": bill, "b.csv": bill}), ReasonArchive},
		"no bill":     {archive(t, map[string][]byte{"a.csv": []byte("x")}), ReasonArchive},
		"spreadsheet": {archive(t, map[string][]byte{"[Content_Types].xml": []byte("x")}), ReasonFormat},
		"cut":         {archive(t, map[string][]byte{"a.csv": bill})[:200], ReasonArchive},
	} {
		if _, _, err := readAll(c.body, Options{}); refused(err) != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	// A path that leads out of a folder leads nowhere: nothing is written.
	if _, lines, err := readAll(archive(t, map[string][]byte{"../../bill.csv": bill}), Options{}); err != nil || len(lines) != 24 {
		t.Errorf("path upwards: %d lines, %v", len(lines), err)
	}
}

func TestTimeLimitAndCaller(t *testing.T) {
	t.Parallel()
	body := []byte(":20:A\n:25:1\n:28C:1\n:60F:C260901CNY0,\n" + strings.Repeat(":61:260901C0,NTRFX\n", 1000) + ":62F:C260901CNY0,\n")
	late, stop := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer stop()
	if _, err := Read(late, body, Options{}, func(*Line) error { return nil }); refused(err) != ReasonTime {
		t.Errorf("past the deadline: %v", err)
	}
	gone, leave := context.WithCancel(context.Background())
	leave()
	if _, err := Read(gone, body, Options{}, func(*Line) error { return nil }); !errors.Is(err, context.Canceled) || errors.Is(err, ErrRefused) {
		t.Errorf("caller gone: %v", err)
	}
	mine := errors.New("mine")
	if _, err := Read(context.Background(), body, Options{}, func(*Line) error { return mine }); !errors.Is(err, mine) {
		t.Errorf("error of the taker: %v", err)
	}
}

func TestForeignCharsets(t *testing.T) {
	t.Parallel()
	latin, err := charmap.ISO8859_1.NewEncoder().String(strings.Replace(mtSample, "hello", "grüße", 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, lines, err := readAll([]byte(latin), Options{Charset: "iso-8859-1"}); err != nil || lines[0].Text != "grüße" {
		t.Errorf("MT940 in Latin 1: %v, %v", lines, err)
	}
	text := strings.Replace(xmlHead, "UTF-8", "GB18030", 1) + "\n<AddtlStmtInf>傷</AddtlStmtInf>\n" + strings.Replace(xmlEntry, "</Ntry>", "<AddtlNtryInf>捐款</AddtlNtryInf></Ntry>", 1) + "\n" + xmlTail
	body := gbk(t, text)
	_, lines, err := readAll(body, Options{})
	if err != nil || lines[0].Text != "捐款" || lines[0].Row != 3 {
		t.Fatalf("camt in GB18030: %+v, %v", lines, err)
	}
	if raw := body[lines[0].At : lines[0].At+lines[0].Size]; !bytes.HasPrefix(raw, []byte("<Ntry>")) || !bytes.HasSuffix(raw, []byte("</Ntry>")) {
		t.Errorf("camt in GB18030: line is %q", raw)
	}
}
