package ledger

import (
	"testing"

	"sunfund/internal/pgtest"
)

// A new book's plans are made on empty tables and kept.
func TestPlansOfANewBook(t *testing.T) {
	t.Parallel()
	pgtest.NoScans(t, map[string]string{
		"known keys": sqlKnown, "accounts": sqlHeld, "periods": sqlPeriods, "new accounts": sqlAccountMake, "entries": sqlEntryInsert,
		"postings": sqlPostingInsert, "balances": sqlBalanceUpdate, "turnovers": sqlTurnoverUpsert,
		"late turnovers": sqlSumUpsert,
	})
}
