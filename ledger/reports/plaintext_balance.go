package reports

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

const sqlPlainBalances = `select account_id, balance from balance where book_id = $1`

// PlainBalances are the balances of all accounts that have postings, by the names they have in exports; debits are positive. Read in the
// transaction of an export they are what an outside program has to find.
func PlainBalances(ctx context.Context, q pg.Querier, book *ledger.Book) (map[string]money.Money, error) {
	accounts, err := plainAccounts(ctx, q, book)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, sqlPlainBalances, book.ID)
	if err != nil {
		return nil, fmt.Errorf("read balances: %w", err)
	}
	of := map[int32]int64{}
	var id int32
	var minor int64
	if _, err := pgx.ForEachRow(rows, []any{&id, &minor}, func() error { of[id] = minor; return nil }); err != nil {
		return nil, fmt.Errorf("read balances: %w", err)
	}
	balances := make(map[string]money.Money, len(accounts))
	for _, a := range accounts {
		balances[a.name] = money.Money{Minor: of[a.id], Currency: a.leaf.Currency}
	}
	return balances, nil
}
