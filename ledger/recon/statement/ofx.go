package statement

import (
	"bytes"
	"html"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/sheet"
	"sunfund/ledger/money"
)

// ofxGroups are the aggregates in which an element's meaning is looked for. Others are passed through.
var ofxGroups = map[string]bool{"OFX": true, "STMTRS": true, "CCSTMTRS": true, "BANKTRANLIST": true, "STMTTRN": true, "LEDGERBAL": true, "AVAILBAL": true,
	"BANKACCTFROM": true, "CCACCTFROM": true, "BANKACCTTO": true, "CCACCTTO": true, "PAYEE": true, "CURRENCY": true, "ORIGCURRENCY": true, "STATUS": true,
	"BALLIST": true, "INVSTMTRS": true}

// ofxReader reads tags one by one. SGML leaves the end tags of elements out, XML does not: an element ends where the next tag begins.
type ofxReader struct {
	*reader
	charset string
	at, row int
	ahead   int      // rows between the tag that was read and the next one
	open    []string // groups
	from    Statement
	begun   bool // the statement is opened
	line    *Line
	balance string

	elements map[string]string // of the line, with their group where it is another
}

// ofx reads bank and credit card statements of OFX 1 and 2. FITID is kept and never trusted: banks give it twice.
func (r *reader) ofx() error {
	o := &ofxReader{reader: r, row: 1, charset: r.opt.Charset}
	if sheet.Foreign(r.body) {
		return refuse(ReasonCharset, 0, "", "")
	}
	begin := bytes.Index(r.body, []byte("<OFX>"))
	if begin < 0 {
		return refuse(ReasonShape, 0, "<OFX>", "")
	}
	if err := o.header(r.body[:begin]); err != nil {
		return err
	}
	o.at, o.row = begin, 1+bytes.Count(r.body[:begin], []byte("\n"))
	for {
		tag, value, at, more, err := o.next()
		if err != nil {
			return err
		}
		if !more {
			return refuse(ReasonShape, o.row, "</OFX>", "")
		}
		if tag == "/OFX" {
			break
		}
		if err := o.element(tag, value, at); err != nil {
			return err
		}
	}
	if rest := bytes.TrimSpace(r.body[o.at:]); len(rest) > 0 {
		return refuse(ReasonShape, o.row, "", string(rest[:min(len(rest), gotMax)]))
	}
	return nil
}

// header takes the version and the charset from what stands before <OFX>.
func (o *ofxReader) header(head []byte) error {
	if bytes.Contains(head, []byte("<!")) {
		return refuse(ReasonDoctype, 0, "", "")
	}
	if len(head) > sheet.RecordMax {
		return refuse(ReasonShape, 0, "", "")
	}
	fields := map[string]string{}
	for _, word := range strings.FieldsFunc(string(head), func(c rune) bool { return c == '\n' || c == '\r' || c == ' ' || c == '?' }) {
		name, value, ok := strings.Cut(word, ":")
		if !ok || strings.Contains(word, "=") {
			name, value, _ = strings.Cut(word, "=")
		}
		fields[strings.ToUpper(name)] = strings.ToUpper(strings.Trim(value, `"'`))
	}
	o.sum.Version = fields["VERSION"]
	if o.charset != "" {
		return nil
	}
	o.charset = "utf-8"
	declared := fields["ENCODING"]
	switch {
	case declared == "USASCII" && (fields["CHARSET"] == "1252" || fields["CHARSET"] == "WINDOWS-1252"), declared == "WINDOWS-1252":
		o.charset = "windows-1252"
	case declared == "ISO-8859-1", declared == "USASCII" && (fields["CHARSET"] == "8859-1" || fields["CHARSET"] == "ISO-8859-1"):
		o.charset = "iso-8859-1"
	case fields["CHARSET"] == "936", declared == "GBK", declared == "GB18030", declared == "GB2312":
		o.charset = "gb18030"
	}
	return nil
}

// next gives a tag with the text behind it, and where it begins.
func (o *ofxReader) next() (tag, value string, at int, more bool, err error) {
	rest := o.body[o.at:]
	open := bytes.IndexByte(rest, '<')
	if open < 0 {
		return "", "", 0, false, nil
	}
	o.row += o.ahead + bytes.Count(rest[:open], []byte("\n"))
	o.ahead = 0
	at = o.at + open
	window := rest[open:min(len(rest), open+tagMax)]
	end := bytes.IndexByte(window, '>')
	if end < 0 || end > 100 {
		return "", "", at, false, refuse(ReasonShape, o.row, "", string(window[:min(len(window), gotMax)]))
	}
	if window[1] == '!' || window[1] == '?' {
		return "", "", at, false, refuse(ReasonDoctype, o.row, "", "")
	}
	tag = strings.ToUpper(strings.TrimSpace(string(window[1:end])))
	next := bytes.IndexByte(window[end:], '<')
	if next < 0 {
		if len(window) == tagMax {
			return "", "", at, false, refuse(ReasonShape, o.row, "", tag)
		}
		next = len(window) - end
	}
	raw := window[end+1 : end+next]
	text, err := sheet.Text(bytes.TrimSpace(raw), o.charset)
	if err != nil {
		return "", "", at, false, refuse(ReasonCharset, o.row, o.charset, "")
	}
	o.at = at + end + next
	if strings.Contains(text, "&") {
		text = html.UnescapeString(text)
	}
	tag, empty := strings.CutSuffix(tag, "/")
	if empty {
		text = ""
	}
	o.ahead = bytes.Count(raw, []byte("\n"))
	return tag, text, at, true, nil
}

// in tells whether the reader is inside a group.
func (o *ofxReader) in(group string) bool { return len(o.open) > 0 && o.open[len(o.open)-1] == group }

// element takes a tag.
func (o *ofxReader) element(tag, value string, at int) error {
	if name, ends := strings.CutPrefix(tag, "/"); ends {
		if !ofxGroups[name] {
			return nil
		}
		if !o.in(name) {
			return refuse(ReasonShape, o.row, "", "</"+name+">")
		}
		o.open = o.open[:len(o.open)-1]
		return o.end(name)
	}
	if ofxGroups[tag] {
		if len(o.open) > depthMax {
			return refuse(ReasonShape, o.row, "", tag)
		}
		o.open = append(o.open, tag)
		return o.start(tag, at)
	}
	switch {
	case o.in("STATUS"):
		if tag == "SEVERITY" && value == "ERROR" {
			return refuse(ReasonLine, o.row, "", value)
		}
	case o.in("STMTRS") || o.in("CCSTMTRS"):
		if tag == "CURDEF" {
			o.from.Currency = value
		}
	case (o.in("BANKACCTFROM") || o.in("CCACCTFROM")) && tag == "ACCTID":
		o.from.Account = value
	case o.line != nil:
		if group := o.open[len(o.open)-1]; group != "STMTTRN" {
			tag = group + "." + tag
		}
		o.elements[tag] = value
	case o.in("LEDGERBAL") && tag == "BALAMT":
		o.balance = value
	}
	return nil
}

// start enters a group.
func (o *ofxReader) start(tag string, at int) error {
	switch tag {
	case "STMTRS", "CCSTMTRS":
		o.from, o.begun, o.balance = Statement{}, false, ""
	case "STMTTRN":
		if o.line != nil || !o.in("STMTTRN") || len(o.open) < 2 || o.open[len(o.open)-2] != "BANKTRANLIST" {
			return refuse(ReasonShape, o.row, "", tag)
		}
		o.line, o.elements = &Line{Row: o.row, At: at}, map[string]string{}
		return o.begin()
	}
	return nil
}

func (o *ofxReader) begin() error {
	if o.begun {
		return nil
	}
	o.begun = true
	_, err := o.reader.open(o.from, o.row)
	return err
}

// end leaves a group.
func (o *ofxReader) end(name string) error {
	switch name {
	case "STMTTRN":
		l := o.line
		o.line = nil
		l.Size = bytes.LastIndexByte(o.body[:o.at], '>') + 1 - l.At
		return o.entry(l)
	case "LEDGERBAL":
		if err := o.begin(); err != nil {
			return err
		}
		s := o.last()
		minor, err := ofxAmount(o.balance, s.Currency)
		if err != nil {
			return refuse(ReasonAmount, o.row, "", o.balance)
		}
		s.Closing = Balance{minor, true}
	case "STMTRS", "CCSTMTRS":
		return o.begin()
	}
	return nil
}

// entry takes a STMTTRN.
func (o *ofxReader) entry(l *Line) error {
	of := func(name string) string { return o.elements[name] }
	s := o.last()
	if ccy := of("CURRENCY.CURSYM"); ccy != "" && ccy != s.Currency {
		return refuse(ReasonCurrency, l.Row, s.Currency, ccy)
	}
	var err error
	if l.Amount, err = ofxAmount(of("TRNAMT"), s.Currency); err != nil {
		return refuse(ReasonAmount, l.Row, "", of("TRNAMT"))
	}
	if l.Booked, l.Clock, err = o.moment(of("DTPOSTED"), l.Row); err != nil {
		return err
	}
	if user := of("DTUSER"); user != "" {
		if l.Value, _, err = o.moment(user, l.Row); err != nil {
			return err
		}
	}
	l.ID, l.Code, l.Order = of("FITID"), of("TRNTYPE"), of("CHECKNUM")
	if l.Party = of("NAME"); l.Party == "" {
		l.Party = of("PAYEE.NAME")
	}
	if l.PartyAccount = of("BANKACCTTO.ACCTID"); l.PartyAccount == "" {
		l.PartyAccount = of("CCACCTTO.ACCTID")
	}
	l.Text = of("MEMO")
	return o.emit(l)
}

// ofxAmount reads an amount with a point or a comma for the decimals; thousands are never grouped.
func ofxAmount(text, ccy string) (int64, error) {
	if strings.Count(text, ",")+strings.Count(text, ".") > 1 {
		return 0, money.ErrSyntax
	}
	return amount(strings.Replace(text, ",", ".", 1), ccy)
}

// moment reads 20260901000612.000[+8:CST]. The day is the bank's own, whatever its zone.
func (o *ofxReader) moment(text string, row int) (d, clock time.Time, err error) {
	digits, zone, zoned := strings.Cut(text, "[")
	digits, _, _ = strings.Cut(digits, ".")
	d, rest, ok := day(digits)
	if !ok || len(digits) < 8 {
		return d, clock, refuse(ReasonDate, row, "", text)
	}
	at, err := time.Parse("150405", rest)
	if err != nil {
		return d, clock, nil
	}
	in := o.opt.Zone
	if offset, _, _ := strings.Cut(strings.TrimSuffix(zone, "]"), ":"); zoned {
		whole, fraction, _ := strings.Cut(offset, ".") // +5.50 is five hours and a half
		hours, err := strconv.Atoi(whole)
		hundredths, _ := strconv.Atoi((fraction + "00")[:2])
		if strings.HasPrefix(whole, "-") {
			hundredths = -hundredths
		}
		if err == nil && hours >= -12 && hours <= 14 {
			in = time.FixedZone("", hours*3600+hundredths*36)
		}
	}
	return d, time.Date(d.Year(), d.Month(), d.Day(), at.Hour(), at.Minute(), at.Second(), 0, in), nil
}
