package reports

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// plainAccount is a leaf account under the name it has in exports.
type plainAccount struct {
	id     int32
	leaf   ledger.Leaf
	name   string
	code   string // in the book's regime, with its dots; empty when the regime has none
	zh, en string // chart account and fund
	first  time.Time
}

// An account nobody has posted to (its one entry was refused) is not part of the book yet.
const sqlPlainAccounts = `
select a.account_id, a.chart, a.fund_id, a.ccy, a.dims, t.first
  from account a
  join (select account_id, min(day) as first from turnover where book_id = $1 group by account_id) t on t.account_id = a.account_id
 where a.book_id = $1
 order by a.account_id`

// plainAccounts reads and names a book's accounts. Names are unique, and stay as they are when accounts are added.
func plainAccounts(ctx context.Context, q pg.Querier, book *ledger.Book) ([]plainAccount, error) {
	funds, err := ledger.Funds(ctx, q, book)
	if err != nil {
		return nil, err
	}
	fundByID := make(map[int32]*ledger.Fund, len(funds))
	for i := range funds {
		fundByID[funds[i].ID] = &funds[i]
	}
	rows, err := q.Query(ctx, sqlPlainAccounts, book.ID)
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	accounts, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a plainAccount, err error) {
		err = row.Scan(&a.id, &a.leaf.Chart, &a.leaf.Fund, &a.leaf.Currency, &a.leaf.Dims, &a.first)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("read accounts: %w", err)
	}
	taken := make(map[string]bool, len(accounts))
	for i := range accounts {
		a := &accounts[i]
		acct, fund := chart.MustByID(a.leaf.Chart), fundByID[a.leaf.Fund]
		a.name = accountName(a.leaf, fund.Code, book.Currency)
		for taken[a.name] {
			a.name += fmt.Sprintf("-%d", a.id) // two tags that differ only in what a name cannot carry
		}
		taken[a.name] = true
		a.code = acct.Code(book.Regime)
		a.zh, a.en = acct.NameZH+" · "+fund.NameZH, acct.NameEN+" · "+fund.NameEN
	}
	return accounts, nil
}

// accountName says root, code, fund and tags in letters, digits and dashes, which both programs accept.
// The code is always the 2026 one: in 2004 several accounts share a code.
func accountName(leaf ledger.Leaf, fund, base string) string {
	acct := chart.MustByID(leaf.Chart)
	parts := []string{root(acct), dashed(acct.Code2026), "F-" + fund}
	if leaf.Currency != base {
		parts = append(parts, leaf.Currency)
	}
	for _, d := range dimTags(leaf.Dims) {
		if d.value != "" {
			parts = append(parts, d.name+"-"+component(d.value))
		}
	}
	return strings.Join(parts, ":")
}

// root is one of the five that beancount knows. Debts between funds stand where their side is, transfers and
// releases in equity. Memo accounts stand in equity by themselves, where they add up to nothing.
func root(acct chart.Account) string {
	if acct.Memo() {
		return "Equity:Memo"
	}
	switch acct.Code2026[0] {
	case '1':
		return "Assets"
	case '2':
		return "Liabilities"
	case '3':
		return "Equity"
	case '4':
		return "Income"
	}
	return "Expenses"
}

func dashed(code string) string { return strings.ReplaceAll(code, ".", "-") }

// dimTags lists all tags of a leaf, in the order in which they stand in names.
func dimTags(d ledger.Dims) []tag {
	unitsOf := d.UnitsOf
	if acct, ok := chart.ByID(chart.ID(unitsOf)); ok {
		unitsOf = dashed(acct.Code2026)
	}
	return []tag{
		{"Campaign", d.Campaign}, {"Project", d.Project}, {"Contract", d.Contract}, {"Source", d.Source},
		{"Street", d.Street}, {"Counterparty", d.Counterparty}, {"Instrument", d.Instrument}, {"Nature", d.Nature},
		{"Foreign", d.Foreign}, {"Of", unitsOf}, {"Purpose", d.Purpose},
	}
}

// component makes a tag's value part of an account name. Letters, digits and dashes stay; anything else
// becomes a dash, and a hash of the value keeps two such values apart.
func component(value string) string {
	var b strings.Builder
	same := true
	for _, r := range value {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			b.WriteRune(r)
		default:
			same = false
			if s := b.String(); s != "" && !strings.HasSuffix(s, "-") {
				b.WriteByte('-')
			}
		}
	}
	if same && b.Len() <= 60 {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	plain := strings.TrimSuffix(b.String(), "-")
	if plain != "" {
		plain = plain[:min(len(plain), 40)] + "-"
	}
	return plain + hex.EncodeToString(sum[:4])
}
