package statement

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/sheet"
	"sunfund/ledger/money"
)

// mtTag begins a field. Other text between colons at the beginning of a line belongs to the field before.
var mtTag = regexp.MustCompile(`^:(20|21|25P?|28C?|60F|60M|61|62F|62M|64|65|86|13D?|34F|90C|90D|NS):`)

// mtField is a field with the lines that belong to it.
type mtLines struct {
	tag   string
	lines []string
	row   int
	at    int
	end   int
}

// mtLinesMax is how many lines a field may have; :86: has six by the book, banks write more.
const mtLinesMax = 100

// mtReader reads MT940 messages: one after the other, each proved by its own balances.
type mtReader struct {
	*reader
	opened, closed bool   // :60: and :62: of the message have been read
	account        string // of :25:
	number         string // of :28:
	line           *Line  // waits for its :86:
}

// mt940 reads SWIFT's customer statement message, with or without its envelope.
func (r *reader) mt940() error {
	m := &mtReader{reader: r}
	charset := r.opt.Charset
	if charset == "" {
		charset = "utf-8"
	}
	if sheet.Foreign(r.body) {
		return refuse(ReasonCharset, 0, "", "")
	}
	var field *mtLines
	row, at := 0, 0
	for line := range bytes.Lines(r.body) {
		row++
		begin := at
		at += len(line)
		if len(line) > sheet.RecordMax {
			return refuse(ReasonShape, row, "", "")
		}
		text, err := sheet.Text(bytes.TrimRight(line, "\r\n"), charset)
		if err != nil {
			return refuse(ReasonCharset, row, charset, "")
		}
		tag := mtTag.FindStringSubmatch(text)
		ends := text == "-" || strings.HasPrefix(text, "-}") || m.closed && (strings.HasPrefix(text, "-") || strings.HasPrefix(text, "{"))
		switch {
		case tag != nil:
			if err := m.take(field); err != nil {
				return err
			}
			field = &mtLines{tag: tag[1], lines: []string{text[len(tag[0]):]}, row: row, at: begin, end: begin + len(bytes.TrimRight(line, "\r\n"))}
		case ends:
			if err := m.take(field); err != nil {
				return err
			}
			field = nil
		case field != nil && text != "":
			if len(field.lines) == mtLinesMax {
				return refuse(ReasonShape, row, "", text)
			}
			field.lines = append(field.lines, text)
			field.end = begin + len(bytes.TrimRight(line, "\r\n"))
		}
	}
	if err := m.take(field); err != nil {
		return err
	}
	return m.finish()
}

// take works off a field once it is whole.
func (m *mtReader) take(f *mtLines) error {
	if f == nil {
		return nil
	}
	text := strings.TrimSpace(f.lines[0])
	switch f.tag {
	case "20":
		return m.finish()
	case "25", "25P":
		m.account = text
	case "28", "28C":
		m.number = text
	case "60F", "60M":
		return m.open(f, text)
	case "61":
		return m.entry(f)
	case "86":
		if m.line != nil {
			m.line.Size = f.end - m.line.At
			mtDetails(m.line, f.lines)
			return m.flush()
		}
	case "62F", "62M":
		return m.close(f, text)
	}
	return nil
}

// flush hands out the line that has waited for its details.
func (m *mtReader) flush() error {
	if m.line == nil {
		return nil
	}
	l := m.line
	m.line = nil
	return m.emit(l)
}

// finish ends a message: one without its closing balance is cut off.
func (m *mtReader) finish() error {
	if m.opened && !m.closed {
		return refuse(ReasonNoBalance, 0, ":62F:", "")
	}
	m.opened, m.closed, m.account, m.number = false, false, "", ""
	return nil
}

var mtBalance = regexp.MustCompile(`^([CD])(\d{6})([A-Z]{3})([\d,]+)$`)

// balance reads "C260831CNY2823215,99".
func (m *mtReader) balance(f *mtLines, text string) (b Balance, day time.Time, ccy string, err error) {
	found := mtBalance.FindStringSubmatch(text)
	if found == nil {
		return b, day, "", refuse(ReasonLine, f.row, "", text)
	}
	day, ok := mtDay(found[2])
	if !ok {
		return b, day, "", refuse(ReasonDate, f.row, "", found[2])
	}
	if _, known := money.Lookup(found[3]); !known {
		return b, day, "", refuse(ReasonCurrency, f.row, "", found[3])
	}
	if b.Minor, err = commaAmount(found[4], found[3]); err != nil {
		return b, day, "", refuse(ReasonAmount, f.row, "", found[4])
	}
	if b.Known = true; found[1] == "D" {
		b.Minor = -b.Minor
	}
	return b, day, found[3], nil
}

// mtDay reads YYMMDD; years from 80 on are of the last century.
func mtDay(text string) (time.Time, bool) {
	n, err := strconv.Atoi(text)
	if err != nil || len(text) != 6 {
		return time.Time{}, false
	}
	year := 2000 + n/10000
	if year >= 2080 {
		year -= 100
	}
	d, _, ok := date(year, n/100%100, n%100, "")
	return d, ok
}

func (m *mtReader) open(f *mtLines, text string) error {
	if m.opened && !m.closed {
		return refuse(ReasonNoBalance, f.row, ":62F:", "")
	}
	b, _, ccy, err := m.balance(f, text)
	if err != nil {
		return err
	}
	m.opened, m.closed = true, false
	if _, err := m.reader.open(Statement{Account: m.account, Number: m.number, Currency: ccy, Opening: b}, f.row); err != nil {
		return err
	}
	m.follow(f.row)
	return nil
}

func (m *mtReader) close(f *mtLines, text string) error {
	if err := m.flush(); err != nil {
		return err
	}
	if !m.opened || m.closed {
		return refuse(ReasonNoBalance, f.row, ":60F:", "")
	}
	b, to, ccy, err := m.balance(f, text)
	if err != nil {
		return err
	}
	s := m.last()
	if ccy != s.Currency {
		return refuse(ReasonCurrency, f.row, s.Currency, ccy)
	}
	m.closed = true
	if s.Closing = b; s.CountIn+s.CountOut == 0 {
		s.From, s.To = to, to
	}
	return nil
}

// entry reads a :61:, "2608310901C666,00NTRFJZ5LATRJ//260901694940001": value day, booking day, direction, third letter of the
// currency, amount, type, our reference, the bank's. RC takes a credit back, RD a debit.
func (m *mtReader) entry(f *mtLines) error {
	if err := m.flush(); err != nil {
		return err
	}
	if !m.opened || m.closed {
		return refuse(ReasonNoBalance, f.row, ":60F:", "")
	}
	found, extra := mtEntry.FindStringSubmatch(f.lines[0]), strings.Join(f.lines[1:], " ")
	if found == nil { // some break the line amid the field
		found, extra = mtEntry.FindStringSubmatch(strings.Join(f.lines, "")), ""
	}
	if found == nil || found[6] == "" && strings.HasPrefix(found[7], ".") {
		return refuse(ReasonLine, f.row, "", f.lines[0])
	}
	l := &Line{Row: f.row, At: f.at, Size: f.end - f.at, Code: found[6], Reversal: len(found[3]) == 2, Text: extra}
	var ok bool
	if l.Value, ok = mtDay(found[1]); !ok {
		return refuse(ReasonDate, f.row, "", found[1])
	}
	if l.Booked = l.Value; found[2] != "" {
		if l.Booked, ok = mtBooked(l.Value, found[2]); !ok {
			return refuse(ReasonDate, f.row, "", found[2])
		}
	}
	var err error
	if l.Amount, err = commaAmount(found[5], m.last().Currency); err != nil {
		return refuse(ReasonAmount, f.row, "", found[5])
	}
	if found[3] == "D" || found[3] == "RC" {
		l.Amount = -l.Amount
	}
	ours, banks, _ := strings.Cut(found[7], "//")
	if l.ID = strings.TrimSpace(banks); ours != "NONREF" {
		l.EndToEnd = strings.TrimSpace(ours)
	}
	m.line = l
	return nil
}

var mtEntry = regexp.MustCompile(`^(\d{6})(\d{4})?(RC|RD|C|D)([A-Z])?(\d[\d,]*)([NFS][A-Z0-9]{3})?(.*)$`)

// mtBooked gives the booking day MMDD the year in which it is nearest to the value day.
func mtBooked(value time.Time, text string) (best time.Time, ok bool) {
	n, _ := strconv.Atoi(text)
	for year := value.Year() - 1; year <= value.Year()+1; year++ {
		d, _, real := date(year, n/100, n%100, "")
		if real && (!ok || d.Sub(value).Abs() < best.Sub(value).Abs()) {
			best, ok = d, true
		}
	}
	return best, ok
}

var (
	mtGerman = regexp.MustCompile(`^\s?(\d{3})\?(\d\d)`)
	mtSlash  = regexp.MustCompile(`/(EREF|KREF|MREF|PREF|ORDP|BENM|REMI|ISDT|NAME|IBAN|TRTP|CSID|MARF|RTRN|ADDR|BIC)/`)
	mtSEPA   = regexp.MustCompile(`(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|BREF|RREF)\+`)
)

// mtDetails reads what :86: says of a line: fields of two digits behind question marks, words between slashes, or free text.
func mtDetails(l *Line, lines []string) {
	joined := mtJoin(lines)
	if found := mtGerman.FindStringSubmatch(joined); found != nil {
		l.Code = strings.Trim(l.Code+" "+found[1], " ")
		mtGermanDetails(l, joined)
		return
	}
	marks := mtSlash.FindAllStringSubmatchIndex(joined, -1)
	if len(marks) == 0 || marks[0][0] != 0 {
		l.Text = strings.TrimSpace(l.Text + " " + joined)
		return
	}
	for i, at := range marks {
		end := len(joined)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		value := strings.Trim(joined[at[1]:end], " /")
		switch joined[at[2]:at[3]] {
		case "EREF":
			l.EndToEnd = value
		case "ORDP", "BENM", "NAME":
			l.Party = value
		case "IBAN":
			l.PartyAccount = value
		case "REMI":
			l.Text = strings.TrimSpace(l.Text + " " + value)
		}
	}
}

// mtJoin joins lines that were broken because they were full, and leaves a space between those that were not.
func mtJoin(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		full := 64
		if i == 1 {
			full -= len(":86:")
		}
		if i > 0 && len([]rune(lines[i-1])) < full && !strings.HasPrefix(line, "?") {
			b.WriteByte(' ')
		}
		b.WriteString(line)
	}
	return b.String()
}

// mtGermanDetails reads "166?00GUTSCHRIFT?20SVWZ+…?30BIC?31account?32name".
func mtGermanDetails(l *Line, joined string) {
	var purpose strings.Builder
	for _, field := range strings.Split(joined, "?")[1:] {
		if len(field) < 2 {
			continue
		}
		value := field[2:]
		switch n, err := strconv.Atoi(field[:2]); {
		case err != nil:
			purpose.WriteString("?" + field) // a question mark of the text
		case n >= 20 && n <= 29, n >= 60 && n <= 63:
			if purpose.WriteString(value); len([]rune(value)) < 27 {
				purpose.WriteByte('\n') // not full: what follows is no part of a word or number
			}
		case n == 31, n == 38:
			l.PartyAccount = value
		case n == 32, n == 33:
			l.Party += value
		}
	}
	text := purpose.String()
	marks := mtSEPA.FindAllStringSubmatchIndex(text, -1)
	if len(marks) == 0 {
		l.Text = strings.TrimSpace(l.Text + " " + text)
		return
	}
	l.Text = strings.TrimSpace(l.Text + " " + text[:marks[0][0]])
	for i, at := range marks {
		end := len(text)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		value := strings.TrimSpace(text[at[1]:end])
		switch text[at[2]:at[3]] {
		case "EREF":
			l.EndToEnd, _, _ = strings.Cut(value, "\n")
		case "SVWZ":
			l.Text = strings.TrimSpace(l.Text + " " + value)
		}
	}
}
