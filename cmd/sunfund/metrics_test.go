package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/recon"
	"sunfund/ledger/runs"
)

// /metrics tells which job is late, which failed and which book's payments are stopped, and nothing of money, people or what went wrong.
func TestMetrics(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx := t.Context()
	start := time.Date(2026, time.November, 22, 4, 0, 0, 0, time.UTC)
	const secret = "postgres" + "://sunfund:hunter2@db 王女士"
	hourly := func(after time.Time) time.Time { return after.Truncate(time.Hour).Add(time.Hour) }
	var book, other *ledger.Book
	tx := func(f func(ctx context.Context, tx pgx.Tx) error) {
		t.Helper()
		if err := pg.InTx(ctx, db.Service, func(tx pgx.Tx) error { return f(ctx, tx) }); err != nil {
			t.Fatal(err)
		}
	}
	tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "sun", NameZH: "慈善会", NameEN: "Charity", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC})
		return err
	})
	tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		other, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "moon", NameZH: "另一会", NameEN: "Other", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC})
		return err
	})
	ctx = pg.WithBook(ctx, book.ID)
	tx(func(ctx context.Context, tx pgx.Tx) error {
		var list []runs.Planned
		for _, name := range []string{"recon", "verify"} {
			list = append(list, runs.Planned{Name: name, Spec: "0 * * * *", Every: time.Hour, LateAfter: 10 * time.Minute, Next: hourly})
		}
		return runs.Plan(ctx, tx, book.ID, list, start)
	})
	s := &service{db: db.Service, books: []*ledger.Book{book, other}}
	says := func(now time.Time, want ...string) {
		t.Helper()
		text, err := s.writeMetrics(context.Background(), now)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range want {
			if !strings.Contains(string(text), "\n"+line+"\n") {
				t.Errorf("lacks %s in\n%s", line, text)
			}
		}
		for _, never := range []string{secret, "hunter2", "王女士", "7.00", "慈善会"} {
			if strings.Contains(string(text), never) {
				t.Errorf("tells %q", never)
			}
		}
	}
	says(start.Add(time.Minute), `sunfund_job_red{book="sun",job="recon"} 0`, `sunfund_job_late{book="sun",job="recon"} 0`, `sunfund_book_halted{book="sun"} 0`, `sunfund_book_halted{book="moon"} 0`)

	now := start.Add(61 * time.Minute)
	tx(func(ctx context.Context, tx pgx.Tx) error {
		run, ok, err := runs.Claim(ctx, tx, book.ID, "recon", runs.Claimant{Runner: "test", Lease: time.Minute, Now: now,
			Due: func(after time.Time) (time.Time, int, bool) { return hourly(after), 0, true }})
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return runs.End(ctx, tx, book.ID, &run, errors.New(secret), hourly(now), now.Add(3*time.Second))
	})
	tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := recon.Halt(ctx, tx, book, "E5:fund 1", secret, 7_00, now)
		return err
	})
	says(start.Add(2*time.Hour), `sunfund_job_red{book="sun",job="recon"} 1`, `sunfund_job_red{book="sun",job="verify"} 0`, `sunfund_job_late{book="sun",job="verify"} 1`,
		`sunfund_book_halted{book="sun"} 1`, `sunfund_book_halted{book="moon"} 0`)
}
