package demo

import (
	"testing"
	"time"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// The demo's project goes from its budget to its final account by the room's own functions, also when it is loaded twice.
func TestTheDemosProject(t *testing.T) {
	db := pgtest.New(t)
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	hasher, err := staff.NewHasher(1)
	if err != nil {
		t.Fatal(err)
	}
	book, err := Prepare(t.Context(), db.Service, hasher, now)
	if err != nil {
		t.Fatal(err)
	}
	ctx := pg.WithBook(t.Context(), book.ID)
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
	}
	checks, err := projects.Verify(ctx, db.Service, book)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if c.DiffersAll > 0 || c.Compared == 0 {
			t.Errorf("%+v", c)
		}
	}
}
