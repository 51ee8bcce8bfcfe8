package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

type accountListView struct {
	Page
	Q, Fund  string
	Funds    []Option
	Caption  Caption
	Rows     []accountRow
	Pager    Pager
	Empty    Empty
	From, To string // carried on to the statements
}

// accountRow is a leaf account with what it holds.
type accountRow struct {
	Href, Code, Name, Fund, Tags string
	Side                         string // 借, 贷 or 平
	Balance                      money.Money
	Currency                     string
	Postings                     int64
}

// side says on which side a balance stands, and its size.
func (v *visit) side(balance int64, ccy string) (string, money.Money) {
	switch {
	case balance > 0:
		return T(v.lang, "side.dr"), money.Money{Minor: balance, Currency: ccy}
	case balance < 0:
		return T(v.lang, "side.cr"), money.Money{Minor: -balance, Currency: ccy}
	}
	return T(v.lang, "side.even"), money.Money{Currency: ccy}
}

func (v *visit) accountRow(a ledger.Account, s *sight, query url.Values) accountRow {
	acct := a.Chart()
	r := accountRow{Href: address("/console/accounts/"+strconv.Itoa(int(a.ID)), query), Code: v.code(acct), Name: acct.Name(string(v.lang)),
		Fund: v.fundName(s, a.Leaf.Fund), Tags: v.tags(a.Leaf, s), Currency: a.Leaf.Currency, Postings: a.Seq}
	r.Side, r.Balance = v.side(a.Balance, a.Leaf.Currency)
	return r
}

func (v *visit) accountList() error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	view := accountListView{Page: v.consolePage(T(v.lang, "place.accounts"), "/console/accounts"), Q: v.typed("q", textMax), Fund: v.typed("fund", 10),
		Funds: s.options(v.lang, T(v.lang, "filter.all")), From: v.typed("from", 20), To: v.typed("to", 20)}
	query := url.Values{}
	for name, day := range map[string]string{"from": view.From, "to": view.To} {
		if _, ok := parseDay(day); ok {
			query.Set(name, day)
		}
	}
	err = v.read(func(q pg.Querier) error {
		list, err := v.accounts(q, view.Q, s)
		if err != nil {
			return err
		}
		for _, a := range list {
			view.Rows = append(view.Rows, v.accountRow(a, s, query))
		}
		at, err := ledger.Postings(v.ctx(), q, v.book)
		view.Figure = v.asOf(at)
		return err
	})
	if err != nil {
		return err
	}
	if len(view.Rows) == 1 && len(query) > 0 { // drilling down needs no list of one
		return v.see(view.Rows[0].Href)
	}
	if v.QueryParam("format") == "csv" {
		return v.accountsCSV(view.Rows)
	}
	view.Rows, view.Pager = v.accountPage(view.Rows)
	view.Caption = Caption{Title: view.T("accounts.list"), Unit: Unit(v.lang, v.book.Currency), AsOf: view.Figure,
		Exports: []Link{{view.T("table.csv"), v.with("format", "csv")}}}
	view.Empty = Empty{Text: view.T("accounts.empty"), Action: &Link{view.T("filter.clear"), "/console/accounts"}}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/account_list", view)
}

// accountsPage is how many accounts one page lists.
const accountsPage = 100

// accountPage cuts one page out of the list; accounts are few enough to be sorted in whole.
func (v *visit) accountPage(rows []accountRow) ([]accountRow, Pager) {
	total, at := len(rows), int(max(1, v.number("page")))
	from := min((at-1)*accountsPage, total)
	rows = rows[from:min(from+accountsPage, total)]
	pager := Pager{Shown: int64(len(rows)), Total: int64(total)}
	if at > 1 {
		pager.Prev = v.with("page", strconv.Itoa(at-1))
	}
	if from+len(rows) < total {
		pager.Next = v.with("page", strconv.Itoa(at+1))
	}
	return rows, pager
}

// accounts lists the accounts in sight whose code or name fits, in the order of the chart.
func (v *visit) accounts(q pg.Querier, text string, s *sight) ([]ledger.Account, error) {
	var charts []chart.ID
	if text != "" {
		code, _, _ := strings.Cut(text, " ")
		charts = []chart.ID{}
		for _, acct := range chart.All() {
			if under(v.code(acct), code) || under(acct.Code2026, code) || strings.Contains(acct.NameZH, text) ||
				strings.Contains(strings.ToLower(acct.NameEN), strings.ToLower(text)) {
				charts = append(charts, acct.ID)
			}
		}
		if len(charts) == 0 {
			return nil, nil
		}
	}
	funds := s.ids()
	if fund := v.number("fund"); fund != 0 {
		if s.fund(fund) == nil {
			return nil, nil
		}
		funds = []int32{fund}
	}
	if funds == nil {
		funds = []int32{0} // all of the book
	}
	var all []ledger.Account
	for _, fund := range funds {
		filter := ledger.AccountFilter{Fund: fund, Charts: charts}
		for {
			page, err := ledger.Accounts(v.ctx(), q, v.book, filter)
			if err != nil {
				return nil, err
			}
			all = append(all, page...)
			if len(page) < ledger.AccountsMax {
				break
			}
			filter.After = page[len(page)-1].ID
		}
	}
	order := map[chart.ID]int{}
	for i, acct := range chart.All() {
		order[acct.ID] = i
	}
	slices.SortFunc(all, func(a, b ledger.Account) int {
		return cmp.Or(cmp.Compare(order[a.Leaf.Chart], order[b.Leaf.Chart]), cmp.Compare(a.Leaf.Fund, b.Leaf.Fund), cmp.Compare(a.ID, b.ID))
	})
	return all, nil
}

// under tells whether a code is the one asked for, or one of its sub-accounts.
func under(code, asked string) bool {
	return code == asked || len(asked) == 4 && strings.HasPrefix(code, asked+".")
}

func (v *visit) accountsCSV(rows []accountRow) error {
	out := v.newSheet("accounts", "account.code", "account.name", "account.fund", "account.tags", "account.side", "account.balance", "account.currency", "account.postings")
	for _, r := range rows {
		out.row(r.Code, r.Name, r.Fund, r.Tags, r.Side, r.Balance, r.Currency, r.Postings)
	}
	return out.flush()
}
