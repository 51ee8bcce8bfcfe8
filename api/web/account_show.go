package web

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// statementPage is how many movements one page of an account statement holds.
const statementPage = 100

type accountView struct {
	Page
	From, To  string
	Code      string
	Name      string
	Fund      string
	FundHref  string
	Tags      string
	Opening   statementRow
	Rows      []statementRow
	Closing   statementRow
	First     bool // the first page, which begins with the opening balance
	Complete  bool // the last page, which ends with the closing balance
	Turn      Turn
	Caption   Caption
	NoneMoved bool
}

// statementRow is a movement, or a line that sums: opening balance, month, year.
type statementRow struct {
	Sum           bool
	Day           time.Time
	Href, Name    string
	Summary       string
	Debit, Credit money.Money
	Side          string
	Balance       money.Money
}

// accountShow is the 明细账: opening, movements with running balance, sums of months and of the year.
func (v *visit) accountShow() error {
	id, err := v.numberParam()
	if err != nil {
		return err
	}
	s, err := v.sight()
	if err != nil {
		return err
	}
	account, err := ledger.AccountByID(v.ctx(), v.db(), v.book, id)
	if err != nil || s.fund(account.Leaf.Fund) == nil {
		if err == nil || errors.Is(err, ledger.ErrUnknownAccount) {
			return ledger.ErrNoEntry // not in sight is not there
		}
		return err
	}
	acct := account.Chart()
	fund := s.fund(account.Leaf.Fund)
	view := accountView{Code: v.code(acct), Name: acct.Name(string(v.lang)), Fund: fund.Name(string(v.lang)),
		FundHref: "/console/funds/" + strconv.Itoa(int(fund.ID)), Tags: v.tags(account.Leaf, s)}
	view.Page = v.consolePage(view.Code+" "+view.Name+" · "+view.Fund, "/console/accounts")
	from, to := v.period(&view.Page, v.yearFrom(), v.yearFrom().AddDate(1, 0, -1))
	view.From, view.To = fieldDay(v, "from", from), fieldDay(v, "to", to)
	if len(view.Errors) > 0 {
		return v.s.render.Render(v.Response(), http.StatusUnprocessableEntity, "console/account_show", view)
	}
	if v.QueryParam("format") == "csv" {
		return v.statementCSV(account, from, to)
	}
	err = v.read(func(q pg.Querier) error { return v.statement(q, &view, account, from, to) })
	if errors.Is(err, ledger.ErrCursor) {
		return v.see(v.with("after", ""))
	}
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/account_show", view)
}

func (v *visit) statement(q pg.Querier, view *accountView, account ledger.Account, from, to time.Time) error {
	after := v.QueryParam("after")
	page, err := ledger.Statement(v.ctx(), q, v.book, account.ID, from, to, after, statementPage)
	if err != nil {
		return err
	}
	at, err := ledger.Postings(v.ctx(), q, v.book)
	if err != nil {
		return err
	}
	ccy := account.Leaf.Currency
	view.First, view.Complete, view.NoneMoved = after == "", page.Next == "", page.Debit == 0 && page.Credit == 0 && len(page.Rows) == 0
	view.Opening = v.balanceRow("statement.opening", page.Opening, ccy)
	if !view.First {
		view.Opening = v.balanceRow("statement.carried", page.Before, ccy)
		view.Turn.First = v.with("after", "")
	}
	view.Closing = v.balanceRow("statement.closing", page.Closing, ccy)
	view.Closing.Debit.Minor, view.Closing.Credit.Minor = page.Debit, page.Credit
	for i, r := range page.Rows {
		view.Rows = append(view.Rows, v.movement(r, ccy))
		last := i == len(page.Rows)-1
		if last && page.Next == "" || !last && ledger.Month(page.Rows[i+1].EffectiveOn) != ledger.Month(r.EffectiveOn) {
			if err := v.monthSums(q, view, account, r, from, to); err != nil {
				return err
			}
		}
	}
	if page.Next != "" {
		view.Turn.Next = v.with("after", page.Next)
	}
	view.Figure = v.asOf(at)
	view.Caption = Caption{Title: view.T("statement.caption", ISODay(from), ISODay(to)), Unit: Unit(v.lang, ccy), AsOf: view.Figure,
		Exports: []Link{{view.T("table.csv"), v.with("format", "csv", "after", "")}}}
	return nil
}

func (v *visit) balanceRow(key string, balance int64, ccy string) statementRow {
	r := statementRow{Sum: true, Summary: T(v.lang, key), Debit: money.Money{Currency: ccy}, Credit: money.Money{Currency: ccy}}
	r.Side, r.Balance = v.side(balance, ccy)
	return r
}

func (v *visit) movement(r ledger.StatementRow, ccy string) statementRow {
	row := v.balanceRow("statement.opening", r.Balance, ccy)
	row.Sum, row.Day, row.Href, row.Summary = false, r.EffectiveOn, "/console/entries/"+r.Entry.String(), r.Summary
	row.Name = v.entryName(&ledger.Recorded{ID: r.Entry, Kind: r.Kind, Number: r.Number, EffectiveOn: r.EffectiveOn})
	if r.Number != 0 {
		row.Name = T(v.lang, "entry.short", strconv.Itoa(int(r.Number)))
	}
	if row.Summary == "" {
		row.Summary = r.Kind.Name(string(v.lang))
	}
	if r.Amount > 0 {
		row.Debit.Minor = r.Amount
	} else {
		row.Credit.Minor = -r.Amount
	}
	return row
}

// monthSums closes a month: 本月合计 and, from 1 January, 本年累计. The first month begins where the statement does.
func (v *visit) monthSums(q pg.Querier, view *accountView, account ledger.Account, last ledger.StatementRow, from, to time.Time) error {
	begin, end := ledger.Month(last.EffectiveOn), ledger.Month(last.EffectiveOn).AddDate(0, 1, -1)
	if begin.Before(from) {
		begin = from
	}
	if end.After(to) {
		end = to
	}
	for _, sum := range []struct {
		key  string
		from time.Time
	}{{"statement.month", begin}, {"statement.year", ledger.Day(end.Year(), time.January, 1)}} {
		turnover, err := ledger.TurnoverBetween(v.ctx(), q, v.book, account.ID, sum.from, end)
		if err != nil {
			return err
		}
		row := v.balanceRow(sum.key, last.Balance, account.Leaf.Currency)
		row.Day, row.Debit.Minor, row.Credit.Minor = end, turnover.Debit, turnover.Credit
		view.Rows = append(view.Rows, row)
	}
	return nil
}

func (v *visit) statementCSV(account ledger.Account, from, to time.Time) error {
	ccy, cursor := account.Leaf.Currency, ""
	out := v.newSheet("account-"+strconv.Itoa(int(account.ID)), "entry.day", "entry.number", "entry.summary", "side.debit", "side.credit", "account.side", "account.balance", "entry.id")
	for {
		page, err := ledger.Statement(v.ctx(), v.db(), v.book, account.ID, from, to, cursor, ledger.PageMax)
		if err != nil {
			return err
		}
		if cursor == "" {
			opening := v.balanceRow("statement.opening", page.Opening, ccy)
			out.row(from, "", opening.Summary, "", "", opening.Side, opening.Balance, "")
		}
		for _, r := range page.Rows {
			row := v.movement(r, ccy)
			out.row(row.Day, row.Name, row.Summary, row.Debit, row.Credit, row.Side, row.Balance, r.Entry)
		}
		if err := out.flush(); err != nil || page.Next == "" {
			return err
		}
		cursor = page.Next
	}
}
