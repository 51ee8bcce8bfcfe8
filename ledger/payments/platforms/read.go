package platforms

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// Row is a line of a file that can be booked.
type Row struct {
	Line     int
	Order    string
	At       time.Time
	Campaign int32
	Amount   int64 // minor units of the book's currency, as Fee and Match
	Fee      int64 // kept by the platform
	Match    int64 // promised by its foundation
	Donor    string
}

// Fault is a line that cannot be booked.
type Fault struct {
	Line   int
	Order  string
	Field  string // a meaning; empty: the line as a whole
	Reason string // key platform.fault.…
	Cells  []string
}

// Totals are the control totals of the lines that are gifts, minor units of the book's currency. Net is what the platform owes
// for the gifts; match comes from its foundation.
type Totals struct {
	Count  int64 `json:"count"`
	Amount int64 `json:"amount"`
	Fee    int64 `json:"fee"`
	Match  int64 `json:"match"`
	Net    int64 `json:"net"`
}

// Content is what a file says when it is read by a layout.
type Content struct {
	Header  []string
	Rows    []Row
	Faults  []Fault
	Ignored int // sum lines, empty lines, and states that are no gift
	Totals  Totals
	Last    time.Time // business day of the last gift; zero without gifts
}

// reader reads lines by a layout.
type reader struct {
	*Layout
	book  *ledger.Book
	zone  *time.Location
	codes map[string]int32
	now   time.Time
	seen  map[string]int
	out   *Content
}

// Read reads a file by a layout that Check has passed. now keeps out gifts of the future. ErrSize, ErrCharset, ErrShape, ErrLines.
func Read(book *ledger.Book, l *Layout, body []byte, now time.Time) (*Content, error) {
	list, err := records(body, l, 0)
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(l.Zone)
	if err != nil {
		return nil, fmt.Errorf("read platform file: %w", err)
	}
	r := &reader{Layout: l, book: book, zone: zone, codes: map[string]int32{}, now: now, seen: map[string]int{}, out: &Content{}}
	for _, c := range l.Codes {
		r.codes[c.Code] = c.Campaign
	}
	if len(list) >= l.Header {
		r.out.Header = list[l.Header-1].cells
	}
	for _, one := range list[min(l.Header, len(list)):] {
		if err := r.take(one); err != nil {
			return nil, err
		}
	}
	return r.out, nil
}

// take puts a line where it belongs.
func (r *reader) take(one record) error {
	if r.ignored(one.cells) {
		r.out.Ignored++
		return nil
	}
	row, field, reason := r.row(one)
	if reason != "" {
		order := row.Order
		if field == "order" {
			order = ""
		}
		r.out.Faults = append(r.out.Faults, Fault{one.line, order, field, reason, one.cells})
		return nil
	}
	r.seen[row.Order] = one.line
	t := &r.out.Totals
	t.Count++
	for _, sum := range []struct {
		of    *int64
		minor int64
	}{{&t.Amount, row.Amount}, {&t.Fee, row.Fee}, {&t.Match, row.Match}, {&t.Net, row.Amount - row.Fee}} {
		var err error
		if *sum.of, err = money.Add(*sum.of, sum.minor); err != nil {
			return fmt.Errorf("add up platform file at line %d: %w", one.line, err)
		}
	}
	if day := r.book.Day(row.At); day.After(r.out.Last) {
		r.out.Last = day
	}
	r.out.Rows = append(r.out.Rows, row)
	return nil
}

// ignored tells whether a line is none of a gift: empty, a sum, or of a state that the profile does not count.
func (r *reader) ignored(cells []string) bool {
	first := ""
	for _, cell := range cells {
		if first = cell; first != "" {
			break
		}
	}
	if first == "" || slices.ContainsFunc(r.Ignore, func(begin string) bool { return begin != "" && strings.HasPrefix(first, begin) }) {
		return true
	}
	state := cellOf(cells, r.Columns["state"])
	return len(r.Paid) > 0 && r.Columns["state"] > 0 && !slices.ContainsFunc(r.Paid, func(paid string) bool { return strings.EqualFold(paid, state) })
}

// row reads a line, or says which field is wrong and why.
func (r *reader) row(one record) (row Row, field, reason string) {
	cell := func(meaning string) string { return cellOf(one.cells, r.Columns[meaning]) }
	row.Line = one.line
	if slices.ContainsFunc(one.cells, func(c string) bool { return strings.ContainsAny(c, "\r\n") }) {
		return row, "", "line-break" // perhaps a quote that stays open and has swallowed the lines below
	}
	if row.Order = cell("order"); !goodNumber(row.Order) {
		return row, "order", "order"
	}
	if _, again := r.seen[row.Order]; again {
		return row, "order", "twice"
	}
	var err error
	if row.At, err = time.ParseInLocation(r.TimeForm, cell("time"), r.zone); err != nil || row.At.Year() < 1990 || row.At.Year() > 2200 {
		return row, "time", "time"
	}
	if row.At.After(r.now.Add(24 * time.Hour)) {
		return row, "time", "future"
	}
	if ccy := cell("currency"); ccy != "" && !r.isOurs(ccy) {
		return row, "currency", "currency"
	}
	if row.Amount, err = r.sum(cell("amount")); err != nil || row.Amount <= 0 || row.Amount > ledger.AmountMax {
		return row, "amount", "amount"
	}
	for _, part := range []struct {
		name  string
		minor *int64
	}{{"fee", &row.Fee}, {"match", &row.Match}} {
		text := cell(part.name)
		if text == "" || text == "-" || text == "—" {
			continue
		}
		if *part.minor, err = r.sum(text); err != nil || *part.minor < 0 || *part.minor > ledger.AmountMax {
			return row, part.name, "amount"
		}
	}
	if row.Fee > row.Amount {
		return row, "fee", "fee"
	}
	row.Campaign = r.Campaign
	if code := cell("campaign"); len(r.codes) > 0 && code != "" {
		row.Campaign = r.codes[code]
	}
	if row.Campaign == 0 {
		return row, "campaign", "campaign"
	}
	row.Donor = giving.CleanText(cell("donor"))
	if len([]rune(row.Donor)) > donorMax {
		return row, "donor", "donor"
	}
	if slices.Contains(nobody, strings.ToLower(row.Donor)) {
		row.Donor = ""
	}
	return row, "", ""
}

const (
	donorMax = 100
	orderMax = 100
)

// nobody are names that platforms give to who does not want to be named.
var nobody = []string{"匿名", "匿名用户", "爱心网友", "爱心人士", "anonymous"}

// isOurs tells whether a cell means the book's currency: gifts of other currencies are settled in it, and then it says so.
func (r *reader) isOurs(ccy string) bool {
	return strings.EqualFold(ccy, r.book.Currency) || r.book.Currency == "CNY" && slices.Contains([]string{"人民币", "元", "RMB", "￥", "¥"}, strings.ToUpper(ccy))
}

// sum reads an amount as the profile says that it is written.
func (r *reader) sum(text string) (int64, error) {
	text = strings.Trim(text, "¥￥元 +")
	if r.Unit == "fen" {
		return strconv.ParseInt(text, 10, 64)
	}
	return money.ParseInput(text, r.book.Currency)
}

// goodNumber wants 1 to 100 printable ASCII signs without space.
func goodNumber(s string) bool {
	return s != "" && len(s) <= orderMax && strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c > '~' }) < 0
}
