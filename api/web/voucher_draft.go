package web

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// voucherDraft is the payload of a request to book a manual entry. Amounts are decimal strings in the book's currency.
type voucherDraft struct {
	Day         string        `json:"day"`
	Attachments int           `json:"attachments"`
	Lines       []draftedLine `json:"lines"`
}

// draftedLine is one line of it; one of Debit and Credit is set.
type draftedLine struct {
	Chart  chart.ID    `json:"chart"`
	Fund   int32       `json:"fund"`
	Dims   ledger.Dims `json:"dims"`
	Debit  string      `json:"debit,omitempty"`
	Credit string      `json:"credit,omitempty"`
}

// lines reads a draft back.
func (d voucherDraft) lines(book *ledger.Book) ([]ledger.Line, error) {
	lines := make([]ledger.Line, len(d.Lines))
	for i, l := range d.Lines {
		text, sign := l.Debit, int64(1)
		if text == "" {
			text, sign = l.Credit, -1
		}
		minor, err := money.Parse(text, book.Currency)
		if err != nil {
			return nil, fmt.Errorf("read drafted line %d: %w", i+1, err)
		}
		lines[i] = ledger.Line{Leaf: ledger.Leaf{Chart: l.Chart, Fund: l.Fund, Dims: l.Dims}, Amount: sign * minor}
	}
	return lines, nil
}

// gridLine is one line of the form as it was typed.
type gridLine struct {
	At                           int
	Account, Fund, Debit, Credit string
	AccountWrong, FundWrong      string
	DebitWrong, CreditWrong      string
	line                         ledger.Line
}

// Wrong tells whether the line has an error.
func (l gridLine) Wrong() bool {
	return l.AccountWrong != "" || l.FundWrong != "" || l.DebitWrong != "" || l.CreditWrong != ""
}

func (l gridLine) empty() bool { return l.Account == "" && l.Debit == "" && l.Credit == "" }

// fundRest is what is missing in a fund until it balances; memo lines balance apart.
type fundRest struct {
	Fund string
	Memo bool
	Rest money.Money // debits less credits
}

// rests sums the lines per fund, in order of first use.
func (v *visit) rests(lines []ledger.Line, s *sight) []fundRest {
	type cell struct {
		fund int32
		memo bool
	}
	var order []cell
	sums := map[cell]int64{}
	for _, l := range lines {
		acct, ok := chart.ByID(l.Leaf.Chart)
		if !ok {
			continue
		}
		c := cell{l.Leaf.Fund, acct.Memo()}
		if _, seen := sums[c]; !seen {
			order = append(order, c)
		}
		sums[c] += l.Amount
	}
	rests := make([]fundRest, len(order))
	for i, c := range order {
		rests[i] = fundRest{Fund: v.fundName(s, c.fund), Memo: c.memo, Rest: v.amount(sums[c])}
	}
	return rests
}

// accountChoice is one account that a person may book to by hand.
type accountChoice struct {
	Text string
	leaf ledger.Leaf // Fund 0: an account of the chart, in whatever fund
}

// accountChoices are the chart, then the tagged accounts in use (their number makes them unique). Gift income belongs to
// the intake alone, and foreign money to its own screens.
func (v *visit) accountChoices(q pg.Querier, s *sight) ([]accountChoice, error) {
	var choices []accountChoice
	for _, acct := range chart.All() {
		if !strings.HasPrefix(string(acct.ID), "fx.") {
			choices = append(choices, accountChoice{v.code(acct) + " " + acct.Name(string(v.lang)), ledger.Leaf{Chart: acct.ID}})
		}
	}
	used, err := ledger.Accounts(v.ctx(), q, v.book, ledger.AccountFilter{})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(used, func(a, b ledger.Account) int {
		return cmp.Or(strings.Compare(v.code(a.Chart()), v.code(b.Chart())), cmp.Compare(a.ID, b.ID))
	})
	for _, a := range used {
		fund := s.fund(a.Leaf.Fund)
		if a.Leaf.Dims == (ledger.Dims{}) || fund == nil || !byHand(a.Leaf, v.book) {
			continue
		}
		acct := a.Chart()
		choices = append(choices, accountChoice{fmt.Sprintf("%s %s · %s · %s #%d", v.code(acct), acct.Name(string(v.lang)), fund.Code,
			v.tags(a.Leaf, s), a.ID), a.Leaf})
	}
	return choices, nil
}

func byHand(leaf ledger.Leaf, book *ledger.Book) bool {
	return leaf.Dims.Nature != ledger.NatureGift && leaf.Dims.Foreign == "" && leaf.Dims.UnitsOf == "" && leaf.Currency == book.Currency
}

// errNoAccount means that the text names no account, or several.
var errNoAccount = errors.New("no such account")

var accountNumber = regexp.MustCompile(`#(\d{1,9})$`)

// leafOf finds what was typed for an account: a code, a name, a code and name as offered, or the number of one in use in
// a fund in sight.
func (v *visit) leafOf(q pg.Querier, text string, s *sight) (ledger.Leaf, error) {
	if m := accountNumber.FindStringSubmatch(text); m != nil {
		id, err := strconv.ParseInt(m[1], 10, 32)
		if err != nil {
			return ledger.Leaf{}, errNoAccount
		}
		a, err := ledger.AccountByID(v.ctx(), q, v.book, int32(id))
		if errors.Is(err, ledger.ErrUnknownAccount) || err == nil && (s.fund(a.Leaf.Fund) == nil || !byHand(a.Leaf, v.book)) {
			return ledger.Leaf{}, errNoAccount
		}
		return a.Leaf, err
	}
	code, rest, _ := strings.Cut(text, " ")
	var byName []chart.Account
	for _, acct := range chart.All() {
		if strings.HasPrefix(string(acct.ID), "fx.") {
			continue
		}
		if v.code(acct) == text || acct.Code2026 == text || v.code(acct) == code && strings.TrimSpace(rest) == acct.Name(string(v.lang)) {
			return ledger.Leaf{Chart: acct.ID}, nil
		}
		if strings.Contains(acct.NameZH, text) || strings.Contains(strings.ToLower(acct.NameEN), strings.ToLower(text)) {
			byName = append(byName, acct)
		}
	}
	if len(byName) != 1 {
		return ledger.Leaf{}, errNoAccount
	}
	return ledger.Leaf{Chart: byName[0].ID}, nil
}

// readGrid reads the lines of the form and finds what is wrong with each. Empty lines are kept, but are no lines.
func (v *visit) readGrid(q pg.Querier, p *Page, s *sight) ([]gridLine, error) {
	form, err := v.FormParams()
	if err != nil {
		return nil, fmt.Errorf("read voucher form: %w", err)
	}
	at := func(name string, i int) string {
		if i < len(form[name]) {
			return oneLine(form[name][i], textMax)
		}
		return ""
	}
	grid := make([]gridLine, min(len(form["account"]), linesMax))
	for i := range grid {
		grid[i] = gridLine{At: i + 1, Account: at("account", i), Fund: at("fund", i), Debit: at("debit", i), Credit: at("credit", i)}
		if l := &grid[i]; !l.empty() {
			if err := v.checkLine(q, p, s, l); err != nil {
				return nil, err
			}
		}
	}
	return grid, nil
}

// checkLine turns what was typed into a line, or notes what is wrong at its field.
func (v *visit) checkLine(q pg.Querier, p *Page, s *sight, l *gridLine) error {
	wrong := func(place *string, field, key string) {
		*place = p.T(key, strconv.Itoa(l.At))
		p.Errors.Add(fmt.Sprintf("%s-%d", field, l.At), *place)
	}
	leaf, err := v.leafOf(q, l.Account, s)
	switch {
	case errors.Is(err, errNoAccount):
		wrong(&l.AccountWrong, "account", "voucher.account.wrong")
	case err != nil:
		return err
	}
	fund, _ := strconv.ParseInt(l.Fund, 10, 32)
	switch {
	case s.fund(int32(fund)) == nil:
		wrong(&l.FundWrong, "fund", "voucher.fund.wrong")
	case leaf.Fund != 0 && leaf.Fund != int32(fund):
		wrong(&l.FundWrong, "fund", "voucher.fund.other")
	}
	leaf.Fund = int32(fund)
	l.line.Leaf = leaf
	debit, debitErr := v.gridAmount(l.Debit)
	credit, creditErr := v.gridAmount(l.Credit)
	switch {
	case debitErr != nil:
		wrong(&l.DebitWrong, "debit", "voucher.amount.wrong")
	case creditErr != nil:
		wrong(&l.CreditWrong, "credit", "voucher.amount.wrong")
	case debit != 0 && credit != 0:
		wrong(&l.CreditWrong, "credit", "voucher.amount.both")
	case debit == 0 && credit == 0:
		wrong(&l.DebitWrong, "debit", "voucher.amount.none")
	}
	l.line.Amount = debit - credit
	return nil
}

// gridAmount reads an amount of the grid. Red entries are typed with a minus.
func (v *visit) gridAmount(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	minor, err := money.ParseInput(strings.Replace(text, minus, "-", 1), v.book.Currency)
	if err == nil && (minor > ledger.AmountMax || minor < -ledger.AmountMax) {
		err = money.ErrRange
	}
	return minor, err
}

// drafted are the lines that say something.
func drafted(grid []gridLine) []ledger.Line {
	var lines []ledger.Line
	for _, l := range grid {
		if !l.empty() {
			lines = append(lines, l.line)
		}
	}
	return lines
}

// draftOf writes lines as a payload.
func (v *visit) draftOf(day time.Time, attachments int, lines []ledger.Line) voucherDraft {
	d := voucherDraft{Day: ISODay(day), Attachments: attachments}
	for _, l := range lines {
		one := draftedLine{Chart: l.Leaf.Chart, Fund: l.Leaf.Fund, Dims: l.Leaf.Dims}
		if l.Amount > 0 {
			one.Debit = money.Format(l.Amount, v.book.Currency)
		} else {
			one.Credit = money.Format(-l.Amount, v.book.Currency)
		}
		d.Lines = append(d.Lines, one)
	}
	return d
}
