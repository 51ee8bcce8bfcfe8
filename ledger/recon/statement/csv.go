package statement

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"sunfund/internal/sheet"
)

// Meanings are what a column of a bank's CSV file can mean, in the order in which a form asks for them.
var Meanings = []string{"date", "time", "value", "amount", "in", "out", "direction", "balance", "currency", "kind", "text", "note", "party",
	"party_account", "id"}

// Profile says how a bank's CSV file is read: columns are found by their names, wherever they stand. It is kept as JSON.
type Profile struct {
	Charset   string              `json:"charset"` // of sheet.Charsets; empty: UTF-8, or else GB18030
	Delimiter string              `json:"delimiter"`
	Columns   map[string][]string `json:"columns"`   // meaning to the names that a column may have
	DateForm  string              `json:"date_form"` // as time.Parse; empty: year, month, day in any of the usual ways
	Negate    bool                `json:"negate"`    // the amount column says what went out
	InWords   []string            `json:"in_words"`  // in the direction column: money in
	OutWords  []string            `json:"out_words"`
	Ignore    []string            `json:"ignore"` // a line whose first filled cell begins so is no movement
}

// Charsets are the ways in which a table's text may be written.
var Charsets = sheet.Charsets

// HeaderMax is how far down the names of the columns may stand, in records.
const HeaderMax = sheet.HeaderMax

// DateForms are the ways in which a profile may say that a date is written; empty is year, month, day in any usual way.
var DateForms = []string{"", "02/01/2006", "01/02/2006", "02.01.2006", "02-01-2006", "2 Jan 2006", "02/01/06", "01/02/06"}

// sums are words with which a line of sums begins.
var sums = []string{"合计", "总计", "小计", "本页合计", "人民币合计", "收入合计", "支出合计", "Total", "TOTAL", "Sum"}

// table reads lines of a CSV file once its header is found.
type table struct {
	*reader
	*Profile
	columns map[string]int // from 1
	chain   chain
	account string
	ccy     string // said above the columns
	sides   int    // whose sums are proved
}

func (r *reader) table(p *Profile) *table { return &table{reader: r, Profile: p} }

// csv reads a bank's CSV file.
func (r *reader) csv(p *Profile) error {
	t := r.table(p)
	form := sheet.Form{Charset: p.Charset, Delimiter: p.Delimiter}
	if form.Charset == "" {
		form.Charset = sheet.CharsetOf(r.body)
	}
	if form.Delimiter == "" {
		form.Delimiter = ","
	}
	records := 0
	for record, err := range sheet.Records(r.body, form) {
		if err != nil {
			return r.broken(record, err)
		}
		if records++; t.columns == nil {
			if records > sheet.HeaderMax {
				break
			}
			if err := t.head(record); err != nil {
				return err
			}
			continue
		}
		if err := t.row(&record); err != nil {
			return err
		}
	}
	if t.columns == nil {
		return refuse(ReasonHeader, 0, strings.Join(p.needed(), ", "), "")
	}
	if len(r.sum.Statements) == 0 {
		return refuse(ReasonEmpty, 0, "", "")
	}
	return t.chain.close(r.last())
}

// broken turns an error of the sheet into a refusal.
func (r *reader) broken(record sheet.Record, err error) error {
	reason := ReasonShape
	if errors.Is(err, sheet.ErrCharset) {
		reason = ReasonCharset
	}
	return refuse(reason, record.Line, "", "")
}

// needed names the columns without which nothing can be read.
func (p *Profile) needed() (names []string) {
	for _, meaning := range []string{"date", "amount", "in", "out"} {
		if list := p.Columns[meaning]; len(list) > 0 {
			names = append(names, list[0])
		}
	}
	return names
}

var (
	accountNote  = regexp.MustCompile(`(?:账\s*号|卡\s*号|帐\s*号|账户)\s*[:：]\s*\[?\s*([0-9*]{6,40})`)
	currencyNote = regexp.MustCompile(`币\s*种\s*[:：]\s*\[?\s*(\S+?)\s*\]`)
	totalNote    = regexp.MustCompile(`(收入|支出)合计\s*[:：]\s*(\d+)\s*笔\s*[，,]\s*共\s*([\d.,]+)\s*元`)
)

// head takes what stands above the columns' names, and the names.
func (t *table) head(record sheet.Record) error {
	if found := accountNote.FindStringSubmatch(record.Text); found != nil && t.account == "" {
		t.account = found[1]
	}
	if found := currencyNote.FindStringSubmatch(record.Text); found != nil && t.ccy == "" {
		t.ccy = currencyOf(found[1])
	}
	columns, twice := t.find(record.Cells)
	if columns == nil {
		return nil
	}
	if twice != "" {
		return refuse(ReasonHeader, record.Line, "", twice)
	}
	t.columns = columns
	return nil
}

// find looks for the columns by name; nil when the cells are no header. twice is a name that stands more than once.
func (p *Profile) find(cells []string) (columns map[string]int, twice string) {
	columns = map[string]int{}
	for meaning, names := range p.Columns {
		for _, name := range names {
			for i, cell := range cells {
				if columnName(cell) != columnName(name) || cell == "" {
					continue
				}
				if columns[meaning] > 0 && columnName(cells[columns[meaning]-1]) == columnName(cell) {
					twice = cell
				}
				if columns[meaning] == 0 {
					columns[meaning] = i + 1
				}
			}
			if columns[meaning] > 0 {
				break
			}
		}
		if columns[meaning] == 0 {
			delete(columns, meaning)
		}
	}
	if columns["date"] == 0 || columns["amount"] == 0 && (columns["in"] == 0 || columns["out"] == 0) {
		return nil, ""
	}
	return columns, twice
}

// columnName makes names comparable: without spaces, unit and the width of brackets.
func columnName(s string) string {
	s = strings.NewReplacer("（", "(", "）", ")", " ", "", "\t", "", "\u00a0", "").Replace(s)
	for _, unit := range []string{"(元)", "(人民币)", "(CNY)", "(RMB)"} {
		s = strings.TrimSuffix(s, unit)
	}
	return strings.ToLower(s)
}

// currencies are the names that banks give to currencies.
var currencies = map[string]string{"人民币": "CNY", "人民币元": "CNY", "RMB": "CNY", "元": "CNY", "￥": "CNY", "¥": "CNY", "156": "CNY", "美元": "USD", "港币": "HKD",
	"港元": "HKD", "欧元": "EUR", "英镑": "GBP", "日元": "JPY", "澳门元": "MOP", "新加坡元": "SGD"}

func currencyOf(word string) string {
	word = strings.ToUpper(word)
	if code := currencies[word]; code != "" {
		return code
	}
	return word
}

// row takes a record below the header.
func (t *table) row(record *sheet.Record) error {
	first := ""
	for _, cell := range record.Cells {
		if first = cell; first != "" {
			break
		}
	}
	begins := func(begin string) bool { return begin != "" && strings.HasPrefix(first, begin) }
	switch {
	case first == "":
		return nil
	case strings.HasPrefix(first, "#") || slices.ContainsFunc(sums, begins):
		return t.totals(record)
	case slices.ContainsFunc(t.Ignore, begins):
		return nil
	}
	cell := func(meaning string) string { return record.Cell(t.columns[meaning]) }
	l := &Line{Row: record.Line, At: record.At, Size: record.Size, Code: clean(cell("kind")), Party: cell("party"), PartyAccount: cell("party_account"), ID: cell("id")}
	l.Text = strings.TrimSpace(cell("text") + " " + cell("note"))
	if strings.ContainsAny(record.Text, "\r\n") {
		return refuse(ReasonShape, record.Line, "", "") // perhaps a quote that stays open and has swallowed the lines below
	}
	rest, ok := "", false
	if l.Booked, rest, ok = t.day(cell("date")); !ok {
		return refuse(ReasonDate, record.Line, "", cell("date"))
	}
	if text := cell("value"); text != "" {
		if l.Value, _, ok = t.day(text); !ok {
			return refuse(ReasonDate, record.Line, "", text)
		}
	}
	l.Clock = t.clock(l.Booked, cell("time"), rest)
	if err := t.begin(record.Line, cell("currency")); err != nil {
		return err
	}
	if err := t.money(l, cell); err != nil {
		return err
	}
	if l.Amount == 0 && !l.Balance.Known {
		t.last().Skipped++
		return nil
	}
	return t.emit(l)
}

// begin opens the file's one statement with its first line; a second currency is refused.
func (t *table) begin(row int, word string) error {
	ccy := t.ccy
	if word = strings.Trim(word, "-—"); word != "" {
		ccy = currencyOf(word)
	}
	if len(t.sum.Statements) == 0 {
		_, err := t.open(Statement{Account: t.account, Currency: ccy}, row)
		return err
	}
	if s := t.last(); ccy != "" && s.Currency != ccy {
		return refuse(ReasonCurrency, row, s.Currency, ccy)
	}
	return nil
}

func (t *table) day(text string) (d time.Time, rest string, ok bool) {
	if t.DateForm == "" {
		return day(text)
	}
	at, err := time.Parse(t.DateForm, text[:min(len(text), len(t.DateForm))])
	if err != nil {
		return d, "", false
	}
	return date(at.Year(), int(at.Month()), at.Day(), "")
}

// clock reads a time of day, from its own column or behind the day; zero when there is none that can be read.
func (t *table) clock(day time.Time, own, behind string) time.Time {
	text := strings.TrimSpace(own)
	if text == "" {
		text = strings.TrimSpace(strings.TrimPrefix(behind, "T"))
	}
	for _, form := range []string{"15:04:05", "150405", "15:04", "15时04分05秒"} {
		if at, err := time.Parse(form, text); err == nil {
			return time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), at.Second(), 0, t.opt.Zone)
		}
	}
	return time.Time{}
}

// blank tells whether a cell says that there is no amount.
func blank(cell string) bool { return strings.Trim(cell, "-—") == "" }

// money reads amount and balance of a line.
func (t *table) money(l *Line, cell func(string) string) error {
	ccy := t.last().Currency
	read := func(meaning string) (minor int64, err error) {
		if text := cell(meaning); !blank(text) {
			if minor, err = amount(text, ccy); err != nil {
				return 0, refuse(ReasonAmount, l.Row, "", text)
			}
		}
		return minor, nil
	}
	in, err := read("in")
	if err != nil {
		return err
	}
	out, err := read("out")
	if err != nil {
		return err
	}
	one, err := read("amount")
	if err != nil {
		return err
	}
	switch {
	case t.columns["amount"] > 0 && blank(cell("amount")):
		return refuse(ReasonAmount, l.Row, "", cell("amount"))
	case t.columns["amount"] == 0 && (blank(cell("in")) && blank(cell("out")) || in != 0 && out != 0):
		return refuse(ReasonAmount, l.Row, "", cell("in")+" / "+cell("out"))
	case t.columns["amount"] == 0:
		l.Amount = in - out
	case t.columns["direction"] > 0:
		way, ok := t.direction(cell("direction"))
		if !ok {
			return refuse(ReasonDirection, l.Row, "", cell("direction"))
		}
		if l.Amount = one; way < 0 && one > 0 { // some write the minus sign besides
			l.Amount = -one
		}
		if way > 0 && one < 0 {
			return refuse(ReasonDirection, l.Row, cell("direction"), cell("amount"))
		}
	case t.Negate:
		l.Amount = -one
	default:
		l.Amount = one
	}
	if t.columns["balance"] == 0 {
		return nil
	}
	if l.Balance.Minor, err = amount(cell("balance"), ccy); err != nil {
		return refuse(ReasonAmount, l.Row, "", cell("balance"))
	}
	l.Balance.Known = true
	t.chain.add(l.Row, l.Booked, l.Amount, l.Balance.Minor)
	return nil
}

func (t *table) direction(word string) (way int, ok bool) {
	if slices.Contains(t.InWords, word) {
		return 1, true
	}
	if slices.Contains(t.OutWords, word) {
		return -1, true
	}
	return 0, false
}

// totals holds the lines to what the file says of their sums: "收入合计: 34 笔，共 52788.61 元", or sums below the columns.
func (t *table) totals(record *sheet.Record) error {
	if len(t.sum.Statements) == 0 {
		return nil
	}
	s := t.last()
	if found := totalNote.FindStringSubmatch(record.Text); found != nil {
		side, lines, minor := 1, s.CountIn, s.In
		if found[1] == "支出" {
			side, lines, minor = 2, s.CountOut, s.Out
		}
		if err := count(found[2], lines, record.Line); err != nil {
			return err
		}
		if err := total(found[3], minor, s.Currency, record.Line); err != nil {
			return err
		}
		t.tallied(side)
		return nil
	}
	for i, meaning := range []string{"in", "out", "amount"} {
		text := record.Cell(t.columns[meaning])
		if t.columns[meaning] == 0 || blank(text) {
			continue
		}
		if err := total(text, []int64{s.In, s.Out, s.In - s.Out}[i], s.Currency, record.Line); err != nil {
			return err
		}
		t.tallied(i + 1)
	}
	return nil
}

// tallied notes a side whose sum is right: money in is 1, money out 2, both together 3.
func (t *table) tallied(side int) {
	if t.sides |= side; t.sides == 3 && !slices.Contains(t.last().Proved, ProofTotals) {
		t.last().Proved = append(t.last().Proved, ProofTotals)
	}
}
