package disclosure

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"sunfund/ledger"
	"sunfund/ledger/money"
)

// Errors about lines of cost that were typed.
var (
	// ErrCosts means that they cannot be read, or do not add up to what the books say was spent.
	ErrCosts = errors.New("lines of cost do not fit the books")
	// ErrUnsaid means that they are not those of the draft, and nobody says why.
	ErrUnsaid = errors.New("lines of cost differ from the draft and nobody says why")
)

// Kinds of income, as the platforms' yearly form has them; the others follow when there are any.
const (
	OfPlatform = "platform" // gifts over platforms and processors
	OfMatch    = "match"    // match of giving days and companies
	OfCompany  = "company"  // gifts of organisations
	OfOffline  = "offline"  // cash, transfers, goods, auctions
	OfSource   = "source"   // of a project: what a payer set aside for it
	OfOther    = "other"    // of a year: what is no gift
)

// Income is one line of income. Amounts are decimals of the figures' currency.
type Income struct {
	Kind   string `json:"kind"`
	Label  string `json:"label,omitempty"` // of sources and accounts
	Amount string `json:"amount"`
}

// OfLoss is the category of what did not come back of an advance.
const OfLoss = "loss"

// Cost is one line of cost: quantity times price.
type Cost struct {
	Category string `json:"category"`
	Content  string `json:"content"`
	Quantity int64  `json:"quantity"`
	Price    string `json:"price"`
	Amount   string `json:"amount"`
	Invoice  string `json:"invoice,omitempty"`
}

// Figures are what is published. Closing = opening + income − refunded − fees − cost + moved + adjusted.
type Figures struct {
	TitleZH     string   `json:"title_zh"`
	TitleEN     string   `json:"title_en"`
	Filing      string   `json:"filing,omitempty"`
	From        string   `json:"from,omitempty"`
	To          string   `json:"to,omitempty"`
	AsOf        string   `json:"as_of"`
	Currency    string   `json:"currency"`
	Gifts       int64    `json:"gifts,omitempty"`
	Opening     string   `json:"opening"`
	Income      []Income `json:"income"`
	IncomeTotal string   `json:"income_total"`
	Refunded    string   `json:"refunded"`
	Fees        string   `json:"fees"`
	Costs       []Cost   `json:"costs"`
	CostTotal   string   `json:"cost_total"`
	Moved       string   `json:"moved,omitempty"`    // of a campaign with a fund of its own: management fees, transfers from and to other funds, what was left when the fund ended
	Adjusted    string   `json:"adjusted,omitempty"` // opening balances of these books and what was put right of earlier years, straight in net assets
	Closing     string   `json:"closing"`
	Budget      string   `json:"budget,omitempty"`
	Rate        string   `json:"rate,omitempty"` // cost of budget
	Words       string   `json:"words,omitempty"`
	Partners    string   `json:"partners,omitempty"` // how fundraising partners did
	Basis       string   `json:"basis,omitempty"`    // ByPayment for a campaign that shares its fund; else as the statements count
	Edited      string   `json:"edited,omitempty"`   // why somebody wrote the lines of cost otherwise than they were drafted
}

// Draft is figures on their way: sums in minor units of the book's currency.
type Draft struct {
	Figures
	Object   string
	Kind     string
	FundID   *int32
	Position int64
	Ended    bool    // its last figures may be published
	Spent    int64   // the lines of cost add up to it
	Shares   []Share // of a campaign that shares its fund: how the fund is divided

	book                                    *ledger.Book
	opening, income, refunded, fees, budget int64
	cost, moved, adjusted                   int64
	rest                                    int64 // in the last of costsMax lines
	drafted                                 []Cost
}

func (d *Draft) format(minor int64) string { return money.Format(minor, d.book.Currency) }

// addIncome adds a line.
func (d *Draft) addIncome(kind, label string, minor int64) {
	d.income += minor
	d.Income = append(d.Income, Income{kind, label, d.format(minor)})
}

// addCost adds a line; what lies beyond costsMax becomes part of the last line.
func (d *Draft) addCost(category, content, invoice string, minor int64) {
	d.cost += minor
	d.rest += minor
	if n := len(d.Costs); n == costsMax {
		d.Costs[n-1] = Cost{Content: "…", Quantity: 1, Price: d.format(d.rest), Amount: d.format(d.rest)}
		return
	}
	d.rest = minor
	d.Costs = append(d.Costs, Cost{typed(category), cmp.Or(typed(content), "…"), 1, d.format(minor), d.format(minor), typed(invoice)})
}

// typed is text as it comes back when its line is typed: without what parts lines and columns, and not too long.
func typed(text string) string {
	text = strings.Join(strings.Fields(strings.NewReplacer("|", "/", "｜", "/").Replace(text)), " ")
	if runes := []rune(text); len(runes) > lineMax {
		return strings.TrimSpace(string(runes[:lineMax]))
	}
	return text
}

// settle works out what follows from the lines.
func (d *Draft) settle() {
	d.Opening, d.IncomeTotal, d.Refunded, d.Fees = d.format(d.opening), d.format(d.income), d.format(d.refunded), d.format(d.fees)
	d.CostTotal = d.format(d.cost)
	d.Closing = d.format(d.closing())
	if d.moved != 0 {
		d.Moved = d.format(d.moved)
	}
	if d.adjusted != 0 {
		d.Adjusted = d.format(d.adjusted)
	}
	if d.budget > 0 {
		d.Budget = d.format(d.budget)
		share := money.HalfUpShare(d.cost, 10_000, d.budget)
		d.Rate = fmt.Sprintf("%d.%02d%%", share/100, share%100)
	}
}

// CostsText is the lines of cost as they are typed: category | content | quantity | price | invoice.
func (d *Draft) CostsText() string {
	var b strings.Builder
	for _, c := range d.Costs {
		fmt.Fprintf(&b, "%s | %s | %d | %s | %s\n", c.Category, c.Content, c.Quantity, c.Price, c.Invoice)
	}
	return b.String()
}

const (
	costsMax = 200
	lineMax  = 200 // characters of a category, content or invoice
)

// WithCosts replaces the lines of cost by those typed: category | content | quantity | price | invoice, one a line. They must add up to what
// the books say was spent; where they are not those of the draft, why is told to the public with them. ErrCosts, ErrUnsaid.
func (d *Draft) WithCosts(text, why string) error {
	var costs []Cost
	var cost int64
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		c, amount, err := d.readCost(strings.TrimSpace(line))
		if err != nil {
			return err
		}
		if len(costs) == costsMax {
			return fmt.Errorf("%w: more than %d lines", ErrCosts, costsMax)
		}
		costs, cost = append(costs, c), cost+amount
	}
	if cost != d.Spent {
		return fmt.Errorf("%w: %s in lines, %s in the books", ErrCosts, d.format(cost), d.format(d.Spent))
	}
	why = strings.TrimSpace(why)
	if slices.Equal(costs, d.drafted) {
		why = ""
	} else if why == "" {
		return ErrUnsaid
	}
	d.Costs, d.cost, d.Edited = costs, cost, why
	d.settle()
	return nil
}

func (d *Draft) readCost(line string) (c Cost, amount int64, err error) {
	fields := strings.Split(strings.ReplaceAll(line, "｜", "|"), "|")
	if len(fields) < 4 || len(fields) > 5 {
		return c, 0, fmt.Errorf("%w: %q", ErrCosts, line)
	}
	for i := range fields {
		if fields[i] = strings.TrimSpace(fields[i]); utf8.RuneCountInString(fields[i]) > lineMax {
			return c, 0, fmt.Errorf("%w: %q", ErrCosts, line)
		}
	}
	c = Cost{Category: fields[0], Content: fields[1]}
	if len(fields) == 5 {
		c.Invoice = fields[4]
	}
	price, err := money.ParseInput(fields[3], d.book.Currency)
	if err != nil || fields[1] == "" {
		return c, 0, fmt.Errorf("%w: %q", ErrCosts, line)
	}
	if c.Quantity, err = strconv.ParseInt(fields[2], 10, 32); err != nil || c.Quantity < 1 || price > ledger.AmountMax/c.Quantity || price < -ledger.AmountMax/c.Quantity {
		return c, 0, fmt.Errorf("%w: %q", ErrCosts, line)
	}
	amount = price * c.Quantity
	c.Price, c.Amount = d.format(price), d.format(amount)
	return c, amount, nil
}
