package statement

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/ledger/money"
)

// prove holds a statement to its balances and to the account it should be of. What proves nothing at all is refused.
func (r *reader) prove(s *Statement) error {
	if !sameAccount(r.opt.Account, s.Account) {
		return refuse(ReasonAccount, 0, r.opt.Account, s.Account)
	}
	net, err := money.Sub(s.In, s.Out)
	if err != nil {
		return refuse(ReasonAmount, 0, "", "")
	}
	if err := r.told(s); err != nil {
		return err
	}
	switch {
	case s.Opening.Known && s.Closing.Known:
		closing, err := money.Add(s.Opening.Minor, net)
		if err != nil || closing != s.Closing.Minor-sum(s.Gaps) {
			return refuse(ReasonBalance, 0, money.Format(s.Closing.Minor, s.Currency), money.Format(closing, s.Currency))
		}
		if !slices.Contains(s.Proved, ProofRunning) && !slices.Contains(s.Proved, ProofTold) {
			s.Proved = append(s.Proved, ProofBalance)
		}
	case s.Closing.Known:
		opening, err := money.Sub(s.Closing.Minor, net)
		if err != nil {
			return refuse(ReasonAmount, 0, "", "")
		}
		s.Opening = Balance{opening, true}
		s.Proved = append(s.Proved, ProofChain)
	case len(s.Proved) == 0:
		return refuse(ReasonUnproved, 0, "", "")
	}
	return nil
}

// told takes balances from a person where the file has none.
func (r *reader) told(s *Statement) error {
	if r.opt.Opening == nil || r.opt.Closing == nil || len(r.sum.Statements) > 1 {
		return nil
	}
	if s.Opening.Known && s.Opening.Minor != *r.opt.Opening || s.Closing.Known && s.Closing.Minor != *r.opt.Closing {
		return refuse(ReasonBalance, 0, money.Format(*r.opt.Closing, s.Currency), money.Format(s.Closing.Minor, s.Currency))
	}
	if !s.Opening.Known || !s.Closing.Known {
		s.Opening, s.Closing = Balance{*r.opt.Opening, true}, Balance{*r.opt.Closing, true}
		s.Proved = append(s.Proved, ProofTold)
	}
	return nil
}

func sum(gaps []Gap) (total int64) {
	for _, g := range gaps {
		total += g.Amount
	}
	return total
}

// sameAccount compares account numbers as banks write them: with the bank before a slash, with spaces, with stars for digits,
// with the currency behind. What a file does not tell cannot differ.
func sameAccount(told, found string) bool {
	told, found = accountNumber(told), accountNumber(found)
	if told == "" || found == "" || told == found {
		return true
	}
	if len(told) == len(found)+3 || len(found) == len(told)+3 {
		return strings.HasPrefix(told, found) && letters(told[len(found):]) || strings.HasPrefix(found, told) && letters(found[len(told):])
	}
	begin, rest, starred := strings.Cut(found, "*") // however many stars a bank puts there
	end := strings.TrimLeft(rest, "*")
	return starred && len(begin)+len(end) >= 4 && len(begin)+len(end) <= len(told) && strings.HasPrefix(told, begin) && strings.HasSuffix(told, end)
}

func letters(s string) bool { return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" }

func accountNumber(s string) string {
	if at := strings.LastIndexByte(s, '/'); at >= 0 {
		s = s[at+1:]
	}
	return strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(s))
}

// chain follows a running balance through the lines of a file that may be written newest first. It keeps no lines, so that a file
// may be long.
type chain struct {
	rows        int
	first, last step
	broken      [2][]breach // oldest first, newest first
}

// step is a line of the chain.
type step struct {
	row             int
	day             time.Time
	amount, balance int64
}

// breach is where the balance moves by another amount than the line's.
type breach struct {
	row    int
	amount int64 // what moved without a line
	days   bool  // between two days
}

const breachesMax = 10

func (c *chain) add(row int, booked time.Time, amount, balance int64) {
	s := step{row, booked, amount, balance}
	if c.rows++; c.rows == 1 {
		c.first = s
	} else {
		// Oldest first: this line moves the last one's balance. Newest first: the last line moved this one's.
		for i, missing := range []int64{balance - c.last.balance - amount, c.last.balance - balance - c.last.amount} {
			if missing != 0 && len(c.broken[i]) < breachesMax {
				c.broken[i] = append(c.broken[i], breach{row, missing, !booked.Equal(c.last.day)})
			}
		}
	}
	c.last = s
}

// close proves the running balance of a statement and takes opening and closing balance from it. Money may have moved on days of
// which the file has no line, when control totals show that the file itself is whole; within a day it may not.
func (c *chain) close(s *Statement) error {
	if c.rows == 0 {
		return nil
	}
	way := 0
	if len(c.broken[1]) < len(c.broken[0]) || len(c.broken[1]) == len(c.broken[0]) && c.last.day.Before(c.first.day) {
		way = 1
	}
	for _, b := range c.broken[way] {
		if !b.days || !slices.Contains(s.Proved, ProofTotals) || len(c.broken[way]) == breachesMax {
			return refuse(ReasonRunning, b.row, "", money.Format(b.amount, s.Currency))
		}
		s.Gaps = append(s.Gaps, Gap{b.row, b.amount})
	}
	oldest, newest := c.first, c.last
	if s.NewestFirst = way == 1; s.NewestFirst {
		oldest, newest = newest, oldest
	}
	opening, err := money.Sub(oldest.balance, oldest.amount)
	if err != nil {
		return refuse(ReasonAmount, oldest.row, "", "")
	}
	s.Opening, s.Closing = Balance{opening, true}, Balance{newest.balance, true}
	s.Proved = append(s.Proved, ProofRunning)
	return nil
}

// follow notes what moved between the statement before of the same account and this one: a statement is missing.
func (r *reader) follow(row int) {
	s := r.last()
	for i := len(r.sum.Statements) - 2; i >= 0 && s.Opening.Known; i-- {
		before := &r.sum.Statements[i]
		if before.Account != s.Account || before.Currency != s.Currency {
			continue
		}
		if before.Closing.Known && before.Closing.Minor != s.Opening.Minor {
			r.sum.Gaps = append(r.sum.Gaps, Gap{row, s.Opening.Minor - before.Closing.Minor})
		}
		return
	}
}

// count compares a control total that a file tells as text with what was counted.
func count(told string, got, row int) error {
	n, err := strconv.Atoi(strings.TrimSuffix(told, ".0")) // fund bills write 20.0
	if err != nil || n != got {
		return refuse(ReasonTotals, row, told, strconv.Itoa(got))
	}
	return nil
}

// total compares a control sum with the lines' sum.
func total(told string, got int64, ccy string, row int) error {
	minor, err := amount(told, ccy)
	if err != nil {
		return refuse(ReasonAmount, row, "", told)
	}
	if minor != got {
		return refuse(ReasonTotals, row, told, money.Format(got, ccy))
	}
	return nil
}
