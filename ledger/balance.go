package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/chart"
)

// Account is a leaf with what it holds.
type Account struct {
	ID      int32
	Leaf    Leaf
	Balance int64 // minor units of the leaf's currency, debit positive
	Seq     int64 // postings so far
	Debits  int64 // how many of them are debits
}

// Chart is the chart account behind the leaf.
func (a *Account) Chart() chart.Account { return chart.MustByID(a.Leaf.Chart) }

// AccountFilter narrows a list of accounts; zero fields do not.
type AccountFilter struct {
	Fund   int32
	Charts []chart.ID
	After  int32 // account id to continue behind
	Limit  int   // at most AccountsMax
}

// AccountsMax is the most accounts one call lists.
const AccountsMax = 500

const sqlAccounts = `
select a.account_id, a.chart, a.fund_id, a.ccy, a.dims, b.balance, b.seq, b.debits
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and ($2 = 0 or a.fund_id = $2) and ($3::text[] is null or a.chart = any($3)) and a.account_id > $4
 order by a.account_id limit $5`

// Accounts lists leaf accounts in order of their making.
func Accounts(ctx context.Context, q pg.Querier, book *Book, f AccountFilter) ([]Account, error) {
	if f.Limit <= 0 || f.Limit > AccountsMax {
		f.Limit = AccountsMax
	}
	var charts []string
	for _, c := range f.Charts {
		charts = append(charts, string(c))
	}
	rows, err := q.Query(ctx, sqlAccounts, book.ID, f.Fund, charts, f.After, f.Limit)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	return pgx.CollectRows(rows, scanAccount)
}

func scanAccount(row pgx.CollectableRow) (a Account, err error) {
	err = row.Scan(&a.ID, &a.Leaf.Chart, &a.Leaf.Fund, &a.Leaf.Currency, &a.Leaf.Dims, &a.Balance, &a.Seq, &a.Debits)
	return a, err
}

const sqlAccountByID = `
select a.account_id, a.chart, a.fund_id, a.ccy, a.dims, b.balance, b.seq, b.debits
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.account_id = $2`

// AccountByID finds an account, or ErrUnknownAccount.
func AccountByID(ctx context.Context, q pg.Querier, book *Book, id int32) (Account, error) {
	return oneAccount(ctx, q, sqlAccountByID, book.ID, id)
}

const sqlAccountsByID = `
select a.account_id, a.chart, a.fund_id, a.ccy, a.dims, b.balance, b.seq, b.debits
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.account_id = any($2)`

// AccountsByID finds accounts by their ids; one that is not there is left out.
func AccountsByID(ctx context.Context, q pg.Querier, book *Book, ids []int32) (map[int32]Account, error) {
	rows, err := q.Query(ctx, sqlAccountsByID, book.ID, ids)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanAccount)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	all := make(map[int32]Account, len(list))
	for _, a := range list {
		all[a.ID] = a
	}
	return all, nil
}

const sqlAccountByLeaf = `
select a.account_id, a.chart, a.fund_id, a.ccy, a.dims, b.balance, b.seq, b.debits
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.leaf = $2`

// AccountByLeaf finds the account of a leaf, or ErrUnknownAccount while nothing was posted to it.
func AccountByLeaf(ctx context.Context, q pg.Querier, book *Book, leaf Leaf) (Account, error) {
	if leaf.Currency == "" {
		leaf.Currency = book.Currency
	}
	return oneAccount(ctx, q, sqlAccountByLeaf, book.ID, leaf.hash())
}

func oneAccount(ctx context.Context, q pg.Querier, sql string, args ...any) (Account, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return Account{}, fmt.Errorf("read account: %w", err)
	}
	a, err := pgx.CollectExactlyOneRow(rows, scanAccount)
	if errors.Is(err, pgx.ErrNoRows) {
		return Account{}, ErrUnknownAccount
	}
	if err != nil {
		return Account{}, fmt.Errorf("read account: %w", err)
	}
	return a, nil
}

// BalanceOn is what an account held at the end of a day: entries that belong to it or to days before it,
// whenever they were recorded. Minor units, debit positive.
func BalanceOn(ctx context.Context, q pg.Querier, book *Book, account int32, day time.Time) (balance int64, err error) {
	moved, err := movedBefore(ctx, q, book, account, day.AddDate(0, 0, 1))
	if err != nil {
		return 0, fmt.Errorf("read balance: %w", err)
	}
	return moved[0].net(), nil
}

// Turnover is what moved in an account on the days from..to.
type Turnover struct {
	Debit  int64
	Credit int64
}

func (t Turnover) net() int64 { return t.Debit - t.Credit }

func (t Turnover) less(other Turnover) Turnover {
	return Turnover{t.Debit - other.Debit, t.Credit - other.Credit}
}

// TurnoverBetween sums an account's debits and credits over days, both included.
func TurnoverBetween(ctx context.Context, q pg.Querier, book *Book, account int32, from, to time.Time) (t Turnover, err error) {
	moved, err := movedBefore(ctx, q, book, account, from, to.AddDate(0, 0, 1))
	if err != nil {
		return t, fmt.Errorf("read turnover: %w", err)
	}
	if to.Before(from) {
		return t, nil
	}
	return moved[1].less(moved[0]), nil
}

// Position is what a fund has and may spend (accounting.md 1.4). Minor units of the book's currency.
type Position struct {
	Fund      Fund
	NetAssets int64
	Cash      int64 // 1001 + 1002 + 1009
	Liquid    int64
	Committed int64 // 9201: signed, not yet accepted
	SetAside  int64 // 9301: approved, not yet contracted or paid
	Available int64 // Liquid - Committed - SetAside
}

const (
	sqlPositions = `
select a.fund_id, a.chart, sum(b.balance)::int8
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.ccy = $2
 group by a.fund_id, a.chart`

	sqlPositionsOn = movedOfBook + `
select a.fund_id, a.chart, sum(m.debit - m.credit)::int8
  from moved m join account a on a.book_id = $1 and a.account_id = m.account_id
 where a.ccy = $7
 group by a.fund_id, a.chart`
)

// Positions gives every fund's position now, or at the end of a day when day is not zero.
func Positions(ctx context.Context, q pg.Querier, book *Book, day time.Time) ([]Position, error) {
	funds, err := Funds(ctx, q, book)
	if err != nil {
		return nil, err
	}
	positions := make([]Position, len(funds))
	at := make(map[int32]*Position, len(funds))
	for i, f := range funds {
		positions[i].Fund = f
		at[f.ID] = &positions[i]
	}
	sql, args := sqlPositions, []any{book.ID, book.Currency}
	if !day.IsZero() {
		b, err := readBounds(ctx, q, book)
		if err != nil {
			return nil, fmt.Errorf("read positions: %w", err)
		}
		sql, args = sqlPositionsOn, slices.Concat([]any{book.ID}, b.pieces(day.AddDate(0, 0, 1)), []any{book.Currency})
	}
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	var fund int32
	var id chart.ID
	var sum int64
	_, err = pgx.ForEachRow(rows, []any{&fund, &id, &sum}, func() error {
		if p := at[fund]; p != nil { // else opened since the funds were read
			p.add(chart.MustByID(id), sum)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read positions: %w", err)
	}
	return positions, nil
}

func (p *Position) add(acct chart.Account, sum int64) {
	if holdsNetAssets(acct) {
		p.NetAssets -= sum
	}
	if acct.CashLike {
		p.Cash += sum
	}
	p.Liquid += sum * int64(acct.Liquid)
	p.Available += sum * int64(acct.Liquid-acct.Commit)
	switch acct.ID {
	case "enc":
		p.Committed += sum
	case "resv":
		p.SetAside += sum
	}
}

// TrialRow is one chart account of a trial balance, in one currency. Opening, Closing: debit positive.
type TrialRow struct {
	Chart    chart.Account
	Currency string
	Fund     int32 // zero when the row sums all funds
	Opening  int64
	Debit    int64 // of the period
	Credit   int64
	YearTo   Turnover // from 1 January to the end of the period
	Closing  int64
}

const sqlTrialBalance = movedOfBook + `
select a.chart, a.ccy, case when $8 then a.fund_id else 0 end as fund_id, m.n, sum(m.debit)::int8, sum(m.credit)::int8
  from moved m join account a on a.book_id = $1 and a.account_id = m.account_id
 where $7 = 0 or a.fund_id = $7
 group by 1, 2, 3, 4
having sum(m.debit) <> 0 or sum(m.credit) <> 0`

// TrialBalance sums the book, or one fund when fund is not zero, over the days from..to. perFund keeps
// funds apart in rows of their own. Rows come in the order of the chart; accounts never used are left out.
func TrialBalance(ctx context.Context, q pg.Querier, book *Book, from, to time.Time, fund int32, perFund bool) ([]TrialRow, error) {
	// Each figure is what was moved before one day less what was moved before another.
	points := []time.Time{to.AddDate(0, 0, 1), from}
	if year := Year(to); !year.Equal(from) {
		points = append(points, year)
	}
	b, err := readBounds(ctx, q, book)
	if err != nil {
		return nil, fmt.Errorf("read trial balance: %w", err)
	}
	rows, err := q.Query(ctx, sqlTrialBalance, slices.Concat([]any{book.ID}, b.pieces(points...), []any{fund, perFund})...)
	if err != nil {
		return nil, fmt.Errorf("read trial balance: %w", err)
	}
	type rowKey struct {
		id       chart.ID
		currency string
		fund     int32
	}
	moved := map[rowKey]*[3]Turnover{}
	var key rowKey
	var n int
	var t Turnover
	_, err = pgx.ForEachRow(rows, []any{&key.id, &key.currency, &key.fund, &n, &t.Debit, &t.Credit}, func() error {
		if moved[key] == nil {
			moved[key] = &[3]Turnover{}
		}
		moved[key][n-1] = t
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read trial balance: %w", err)
	}
	byChart := map[chart.ID][]TrialRow{}
	for key, at := range moved {
		if at[0] == (Turnover{}) { // used only after the period
			continue
		}
		end, begin, year := at[0], at[1], at[len(points)-1]
		if to.Before(from) { // nothing lies between
			begin = end
		}
		period := end.less(begin)
		byChart[key.id] = append(byChart[key.id], TrialRow{Chart: chart.MustByID(key.id), Currency: key.currency, Fund: key.fund,
			Opening: begin.net(), Debit: period.Debit, Credit: period.Credit, YearTo: end.less(year), Closing: end.net()})
	}
	var all []TrialRow
	for _, acct := range chart.All() {
		group := byChart[acct.ID]
		slices.SortFunc(group, func(a, b TrialRow) int {
			return cmp.Or(cmp.Compare(a.Fund, b.Fund), cmp.Compare(a.Currency, b.Currency))
		})
		all = append(all, group...)
	}
	return all, nil
}
