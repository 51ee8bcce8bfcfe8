package giving

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pgtest"
)

// misses finds a probed key that is compared row by row, because the plan goes by another index.
var misses = regexp.MustCompile(`\n +Filter: .*\bu(_\d+)?\.`)

// A new book's plans are made on empty tables and kept. None may scan a table or compare every row with every other.
func TestPlansOfANewBook(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgtest.New(t).DSN(pgtest.Service))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "set plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	for name, sql := range map[string]string{
		"known gifts": sqlGiftKnown, "known ids": sqlGiftKnownID, "checkouts": sqlCheckoutKnown, "funds": sqlFundsOfBatch,
		"gifts": sqlGiftInsert, "donors": sqlDonorsInsert, "messages": sqlMessagesInsert, "rates": sqlRates, "paid": sqlCheckoutPaid,
	} {
		probe, err := conn.Prepare(t.Context(), "probe", sql)
		if err != nil {
			t.Fatal(err)
		}
		nulls := strings.TrimSuffix(strings.Repeat("null, ", len(probe.ParamOIDs)), ", ")
		rows, err := conn.Query(t.Context(), "explain execute probe("+nulls+")", pgx.QueryExecModeSimpleProtocol)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		plan := strings.Join(lines, "\n")
		if misses.MatchString(plan) {
			t.Errorf("%s: reads all of the book in an index and looks at each row\n%s", name, plan)
		}
		for _, bad := range []string{"Seq Scan", "Join Filter", "Hash", "Materialize"} {
			if strings.Contains(plan, bad) {
				t.Errorf("%s: %s\n%s", name, bad, plan)
			}
		}
		if err := conn.Deallocate(t.Context(), "probe"); err != nil {
			t.Fatal(err)
		}
	}
}
