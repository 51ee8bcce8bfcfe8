package pgtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// NoScans fails the test when the plan that PostgreSQL makes of a statement on empty tables, and keeps, scans a table or
// compares every row with every other. The statements are named for the message.
func NoScans(t *testing.T, statements map[string]string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), New(t).DSN(Service))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "set plan_cache_mode = force_generic_plan"); err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(statements)) {
		probe, err := conn.Prepare(t.Context(), "probe", statements[name])
		if err != nil {
			t.Fatalf("%s: %v", name, err)
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
