package statement

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// Stripe's answers, as its list interface gives them: pages with "data" and "has_more". A file holds one page or an array of pages to
// the last one; that of members holds an object of payouts with the pages of each. What proves a file is that the last page says that
// no more follow, and that each row's net is its amount less its fee.

// stripeRow is a row of the balance, or a payout.
type stripeRow struct {
	ID        string          `json:"id"`
	Object    string          `json:"object"`
	Amount    *int64          `json:"amount"`
	Fee       int64           `json:"fee"`
	Net       *int64          `json:"net"`
	Currency  string          `json:"currency"`
	Created   int64           `json:"created"`
	Arrival   int64           `json:"arrival_date"`
	Category  string          `json:"reporting_category"`
	Type      string          `json:"type"`
	Status    string          `json:"status"`
	Complete  string          `json:"reconciliation_status"`
	Automatic *bool           `json:"automatic"`
	Rate      *json.Number    `json:"exchange_rate"`
	Source    json.RawMessage `json:"source"`
}

// stripeSource is what a row of the balance comes from, when the list was asked to expand it.
type stripeSource struct {
	ID       string `json:"id"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
	Charge   string `json:"charge"`
}

var (
	stripeWord = regexp.MustCompile(`^[a-z_]{2,40}$`)

	// Our words for its categories; the others keep its own.
	stripeKinds = map[string]string{"charge": "payment", "fee": "processor-fee"}
)

// stripe reads its pages.
type stripe struct {
	*reader
	json *json.Decoder
	seen map[string]bool
}

// stripe reads one of the three kinds of its files.
func (r *reader) stripe() error {
	s := &stripe{reader: r, json: json.NewDecoder(bytes.NewReader(r.body)), seen: map[string]bool{}}
	var err error
	if r.sum.Format == StripeMembers {
		err = s.object(func(payout string) error {
			return s.pages(func(row *stripeRow, at, size int) error { return s.member(payout, row, at, size) })
		})
	} else {
		err = s.pages(s.row)
	}
	if err != nil {
		return s.broken(err)
	}
	if _, err := s.json.Token(); !errors.Is(err, io.EOF) {
		return s.refuse(ReasonShape, "")
	}
	if len(r.sum.Statements) > 0 {
		r.last().Proved = append(r.last().Proved, ProofTotals)
	}
	return nil
}

// broken turns what the decoder says into a refusal.
func (s *stripe) broken(err error) error {
	var refusal *Refusal
	var syntax *json.SyntaxError
	var shape *json.UnmarshalTypeError
	switch {
	case errors.As(err, &refusal):
		return err
	case errors.As(err, &syntax), errors.As(err, &shape), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return s.refuse(ReasonShape, "")
	}
	return err
}

func (s *stripe) refuse(why Reason, got string) error {
	return refuse(why, 1+bytes.Count(s.body[:s.json.InputOffset()], []byte("\n")), "", got)
}

// object walks through the members of an object; field reads the value.
func (s *stripe) object(field func(name string) error) error {
	if t, err := s.json.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(err, s.refuse(ReasonShape, ""))
	}
	for s.json.More() {
		t, err := s.json.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if err := field(name); err != nil {
			return err
		}
	}
	_, err := s.json.Token()
	return err
}

// pages reads an array of pages; after the last nothing follows, after the others something does.
func (s *stripe) pages(row func(*stripeRow, int, int) error) error {
	if t, err := s.json.Token(); err != nil || t != json.Delim('[') {
		return errors.Join(err, s.refuse(ReasonShape, ""))
	}
	more := true
	for s.json.More() {
		if !more {
			return s.refuse(ReasonTotals, "has_more")
		}
		told := false
		if err := s.object(func(name string) error {
			switch name {
			case "has_more":
				told = true
				return s.json.Decode(&more)
			case "data":
				return s.data(row)
			}
			var skipped json.RawMessage
			return s.json.Decode(&skipped)
		}); err != nil {
			return err
		}
		if !told {
			return s.refuse(ReasonTotals, "has_more")
		}
	}
	if more {
		return s.refuse(ReasonTotals, "has_more")
	}
	_, err := s.json.Token()
	return err
}

// data reads the rows of a page.
func (s *stripe) data(row func(*stripeRow, int, int) error) error {
	if t, err := s.json.Token(); err != nil || t != json.Delim('[') {
		return errors.Join(err, s.refuse(ReasonShape, ""))
	}
	for s.json.More() {
		var raw json.RawMessage
		if err := s.json.Decode(&raw); err != nil {
			return err
		}
		one := stripeRow{}
		if err := json.Unmarshal(raw, &one); err != nil {
			return err
		}
		if one.ID == "" || one.Amount == nil || one.Created <= 0 || one.Currency == "" {
			return s.refuse(ReasonLine, one.ID)
		}
		if s.seen[one.ID] {
			return s.refuse(ReasonTwice, one.ID)
		}
		s.seen[one.ID] = true
		end := int(s.json.InputOffset())
		if err := row(&one, end-len(raw), len(raw)); err != nil {
			return err
		}
	}
	_, err := s.json.Token()
	return err
}

// line begins a line and, with the first, the statement.
func (s *stripe) line(row *stripeRow, at, size int, created int64) (*Line, error) {
	ccy := strings.ToUpper(row.Currency)
	if len(s.sum.Statements) == 0 {
		if _, err := s.open(Statement{Currency: ccy}, 1); err != nil {
			return nil, err
		}
	}
	if s.last().Currency != ccy {
		return nil, s.refuse(ReasonCurrency, ccy)
	}
	if created > 1<<36 {
		return nil, s.refuse(ReasonDate, row.ID)
	}
	clock := time.Unix(created, 0).In(s.opt.Zone)
	return &Line{At: at, Size: size, Row: s.sum.Lines + 1, Booked: dayOf(clock), Clock: clock, Order: row.ID, Code: row.Type}, nil
}

// row reads a row of the balance, or a payout.
func (s *stripe) row(row *stripeRow, at, size int) error {
	if s.sum.Format == StripePayouts {
		return s.payout(row, at, size)
	}
	l, err := s.line(row, at, size, row.Created)
	if err != nil {
		return err
	}
	if row.Object != "balance_transaction" || row.Net == nil || *row.Net != *row.Amount-row.Fee {
		return s.refuse(ReasonAmount, row.ID)
	}
	if l.Kind = stripeKinds[row.Category]; l.Kind == "" {
		l.Kind = strings.ReplaceAll(row.Category, "_", "-")
	}
	if !stripeWord.MatchString(row.Category) {
		return s.refuse(ReasonLine, row.Category)
	}
	l.Amount, l.Fee, l.FeeExact, l.ID = *row.Amount, row.Fee, row.Fee*1000, row.ID
	source, err := s.source(row.Source)
	if err != nil {
		return err
	}
	if source.ID != "" {
		l.ID, l.Original = source.ID, source.Charge
	}
	if ccy := strings.ToUpper(source.Currency); ccy != "" && ccy != s.last().Currency {
		p := Part{Amount: source.Amount, Currency: ccy, ID: source.ID}
		if l.Amount < 0 {
			p.Amount = -source.Amount
		}
		if row.Rate != nil {
			rate, err := decimal.NewFromString(row.Rate.String())
			if err != nil || !rate.IsPositive() || len(row.Rate.String()) > 30 {
				return s.refuse(ReasonAmount, row.ID)
			}
			p.Rate = rate.String()
		}
		l.Parts = []Part{p}
	}
	return s.emit(l)
}

// source reads what a row comes from: an object, a number, or nothing.
func (s *stripe) source(raw json.RawMessage) (source stripeSource, err error) {
	switch {
	case len(raw) == 0 || string(raw) == "null":
	case raw[0] == '"':
		err = json.Unmarshal(raw, &source.ID)
	default:
		err = json.Unmarshal(raw, &source)
	}
	return source, err
}

// payout reads a payout. Its day is that of its arrival, a date without a zone.
func (s *stripe) payout(row *stripeRow, at, size int) error {
	l, err := s.line(row, at, size, row.Arrival)
	if err != nil {
		return err
	}
	if row.Object != "payout" || row.Arrival <= 0 || row.Automatic == nil {
		return s.refuse(ReasonLine, row.ID)
	}
	l.Booked, l.Clock = dayOf(l.Clock.UTC()), time.Unix(row.Created, 0)
	l.ID, l.Amount, l.Code = row.ID, *row.Amount, row.Complete
	switch row.Status {
	case "paid":
		l.Kind = "payout"
	case "failed", "canceled":
		l.Kind = "payout-failed"
	default:
		l.Kind = "payout-pending"
	}
	if !*row.Automatic {
		l.Kind += "-manual"
	}
	return s.emit(l)
}

// member reads a row that a payout pays out; the payout's own row is counted and left out.
func (s *stripe) member(payout string, row *stripeRow, at, size int) error {
	l, err := s.line(row, at, size, row.Created)
	if err != nil {
		return err
	}
	if row.Object != "balance_transaction" || row.Net == nil || *row.Net != *row.Amount-row.Fee || payout == "" {
		return s.refuse(ReasonAmount, row.ID)
	}
	source, err := s.source(row.Source)
	if err != nil {
		return err
	}
	if source.ID == payout {
		s.last().Skipped++
		return nil
	}
	l.Kind, l.ID, l.Original, l.Order, l.Amount = "member", row.ID, payout, source.ID, *row.Net
	return s.emit(l)
}
