package api

import (
	"net/http"
	"strconv"
	"time"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

type bookJSON struct {
	Code     string `json:"code"`
	NameZH   string `json:"name_zh"`
	NameEN   string `json:"name_en"`
	Regime   string `json:"regime"`
	Currency string `json:"currency"`
	TimeZone string `json:"time_zone"`
	Sandbox  bool   `json:"sandbox"`
}

// books lists the one book the key is for.
func (c *call) books() error {
	b := c.book
	return c.JSON(http.StatusOK, page[bookJSON]{Items: []bookJSON{{b.Code, b.NameZH, b.NameEN, b.Regime, b.Currency, b.Zone.String(), b.Sandbox}}})
}

type fundJSON struct {
	Code      string `json:"code"`
	Kind      string `json:"kind"`
	NameZH    string `json:"name_zh"`
	NameEN    string `json:"name_en"`
	Currency  string `json:"currency"`
	NetAssets string `json:"net_assets"`
	Cash      string `json:"cash"`
	Committed string `json:"committed"`
	SetAside  string `json:"set_aside"`
	Available string `json:"available"`
}

func (c *call) fundOf(p ledger.Position) fundJSON {
	f := func(minor int64) string { return money.Format(minor, c.book.Currency) }
	return fundJSON{p.Fund.Code, p.Fund.Kind, p.Fund.NameZH, p.Fund.NameEN, c.book.Currency,
		f(p.NetAssets), f(p.Cash), f(p.Committed), f(p.SetAside), f(p.Available)}
}

func (c *call) positions() ([]ledger.Position, error) {
	on, err := c.day("on")
	if err != nil {
		return nil, err
	}
	return ledger.Positions(c.ctx(), c.s.DB, c.book, on)
}

func (c *call) funds() error {
	positions, err := c.positions()
	if err != nil {
		return err
	}
	p := page[fundJSON]{Items: []fundJSON{}}
	for _, one := range positions {
		p.Items = append(p.Items, c.fundOf(one))
	}
	return c.JSON(http.StatusOK, p)
}

func (c *call) fund() error {
	positions, err := c.positions()
	if err != nil {
		return err
	}
	for _, one := range positions {
		if one.Fund.Code == c.Param("code") {
			return c.JSON(http.StatusOK, c.fundOf(one))
		}
	}
	return ledger.ErrNoFund
}

type balanceJSON struct {
	ID       int32       `json:"id"`
	Account  string      `json:"account"`
	Name     string      `json:"name"`
	Fund     string      `json:"fund"`
	Currency string      `json:"currency"`
	Tags     ledger.Dims `json:"tags"`
	Balance  string      `json:"balance"` // debit positive
	Postings int64       `json:"postings"`
}

// balances lists leaf accounts with what they hold now, or held at the end of the day `on`.
func (c *call) balances() error {
	limit, err := c.limit()
	if err != nil {
		return err
	}
	f := ledger.AccountFilter{Limit: limit + 1}
	if f.After, err = c.after(); err != nil {
		return err
	}
	if f.Fund, err = c.fundFilter(); err != nil {
		return err
	}
	if text := c.QueryParam("account"); text != "" {
		id, ok := c.chartID(text)
		if !ok {
			return badParam{"account"}
		}
		f.Charts = []chart.ID{id}
	}
	on, err := c.day("on")
	if err != nil {
		return err
	}
	codes, err := c.fundCodes(c.s.DB)
	if err != nil {
		return err
	}
	accounts, err := ledger.Accounts(c.ctx(), c.s.DB, c.book, f)
	if err != nil {
		return err
	}
	if !on.IsZero() {
		for i := range accounts {
			if accounts[i].Balance, err = ledger.BalanceOn(c.ctx(), c.s.DB, c.book, accounts[i].ID, on); err != nil {
				return err
			}
		}
	}
	return c.JSON(http.StatusOK, pageOf(accounts, limit,
		func(a *ledger.Account) balanceJSON {
			acct := a.Chart()
			return balanceJSON{a.ID, c.code(acct), acct.Name(lang(c)), codes[a.Leaf.Fund], a.Leaf.Currency, a.Leaf.Dims,
				money.Format(a.Balance, a.Leaf.Currency), a.Seq}
		},
		func(a *ledger.Account) string { return strconv.Itoa(int(a.ID)) }))
}

// code is an account's code in the book's regime; the memo accounts, which the 2004 regime does not know, keep theirs of 2026.
func (c *call) code(acct chart.Account) string {
	if code := acct.Code(c.book.Regime); code != "" {
		return code
	}
	return acct.Code2026
}

type trialJSON struct {
	Account  string `json:"account"`
	Name     string `json:"name"`
	Fund     string `json:"fund,omitempty"`
	Currency string `json:"currency"`
	Opening  string `json:"opening"`
	Debit    string `json:"debit"`
	Credit   string `json:"credit"`
	Closing  string `json:"closing"`
}

func (c *call) trialBalance() error {
	done, err := c.s.reports.Take(c.key.ID.String())
	if err != nil {
		return err
	}
	defer done()
	from, to, err := c.period()
	if err != nil {
		return err
	}
	if to.IsZero() {
		to = c.book.Day(c.now)
	}
	if from.IsZero() {
		from = ledger.Day(to.Year(), time.January, 1)
	}
	if from.After(to) {
		return badParam{"from"}
	}
	fund, err := c.fundFilter()
	if err != nil {
		return err
	}
	perFund := false
	switch c.QueryParam("per_fund") {
	case "", "false":
	case "true":
		perFund = true
	default:
		return badParam{"per_fund"}
	}
	codes, err := c.fundCodes(c.s.DB)
	if err != nil {
		return err
	}
	rows, err := ledger.TrialBalance(c.ctx(), c.s.DB, c.book, from, to, fund, perFund)
	if err != nil {
		return err
	}
	p := page[trialJSON]{Items: []trialJSON{}}
	for _, r := range rows {
		f := func(minor int64) string { return money.Format(minor, r.Currency) }
		p.Items = append(p.Items, trialJSON{c.code(r.Chart), r.Chart.Name(lang(c)), codes[r.Fund], r.Currency,
			f(r.Opening), f(r.Debit), f(r.Credit), f(r.Closing)})
	}
	return c.JSON(http.StatusOK, p)
}
