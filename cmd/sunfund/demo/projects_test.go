package demo

import (
	"context"
	"testing"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/polls"
)

// The demo's projects, needs, vote, call and charter are made by the rooms' own functions, also when it is loaded twice.
func TestTheDemosProject(t *testing.T) {
	ctx, db, book, now := demoBook(t)
	l := newLoader(db.Service, nil, now)
	l.book = book
	if err := l.recall(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.post(ctx, []voucher{{"2025-12-31", opening, "接收石坪桥社区阳光基金", "opening", "协议2025-01", []string{"D bank.basic SPQ 86000.00", "C na.r SPQ 86000.00"}}}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.lamps(ctx); err != nil {
			t.Fatal(err)
		}
		if err := l.commons(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, verify := range []func(context.Context, pg.Querier, *ledger.Book) ([]ledger.Check, error){projects.Verify, polls.Verify, calls.Verify} {
		checks, err := verify(ctx, db.Service, book)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range checks {
			if c.DiffersAll > 0 || c.Compared == 0 {
				t.Errorf("%+v", c)
			}
		}
	}
	for what, sql := range map[string]string{
		"needs in four states":              `select count(distinct state) = 4 and count(*) = 8 from need_item where book_id = $1`,
		"an intent":                         `select count(*) = 1 from need_intent where book_id = $1`,
		"a vote counted":                    `select count(*) = 1 from poll where book_id = $1 and state = 'counted'`,
		"a charter":                         `select count(*) = 1 from fund_charter where book_id = $1`,
		"a project over and one that runs":  `select array_agg(state order by state) = '{approved,ended}' from project where book_id = $1`,
		"two proposals, one of them chosen": `select array_agg(state order by state) = '{awarded,reserve}' from proposal where book_id = $1`,
	} {
		var is bool
		if err := db.Pool.QueryRow(ctx, sql, book.ID).Scan(&is); err != nil || !is {
			t.Errorf("the demo has not %s: %v", what, err)
		}
	}
}
