package reports

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
)

// TestPlatformFileInHledger: after a platform's file of 2,000 gifts with match, settled short, verify finds nothing and
// hledger has every balance as the book has it.
func TestPlatformFileInHledger(t *testing.T) {
	t.Parallel()
	hledger := program(t, "hledger", "hledger")
	b := newSampleBook(t, "CNY")
	now := time.Date(2026, 9, 10, 2, 0, 0, 0, time.UTC)
	text, totals := platforms.Sample(2000, time.Date(2026, 9, 9, 0, 0, 0, 0, time.UTC))
	layout, err := platforms.Guess([]byte(text), "Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	var file *platforms.File
	id, profile, by := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.New()
	read := func(ctx context.Context, tx pgx.Tx) (err error) {
		file, err = platforms.FileByID(ctx, tx, b.Book, id)
		return err
	}
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		c, err := giving.CreateCampaign(ctx, tx, b.Book, giving.Campaign{FundID: b.funds[1].ID, Slug: "sun", TitleZH: "题", TitleEN: "Title", SummaryZH: "要", SummaryEN: "Summary",
			StoryZH: "事", StoryEN: "Story", Goal: 10_000_00, OpensAt: now.AddDate(0, 0, -9), ClosesAt: now.AddDate(0, 0, 9)})
		if err != nil {
			return err
		}
		layout.Codes, layout.Donor = []platforms.Code{{Code: "P-001", Campaign: c.ID}}, "示例平台基金会"
		if err := platforms.SaveProfile(ctx, tx, b.Book, platforms.Profile{ID: profile, Platform: "shili", Name: "示例", Layout: layout, MadeBy: by, MadeAt: now}); err != nil {
			return err
		}
		if _, err := platforms.Keep(ctx, tx, b.Book, id, "a.csv", []byte(text), by, now); err != nil {
			return err
		}
		if err := read(ctx, tx); err != nil {
			return err
		}
		if err := platforms.UseProfile(ctx, tx, b.Book, file, profile); err != nil {
			return err
		}
		return read(ctx, tx)
	})
	sign := func() giving.Sign {
		return giving.Sign{Key: uuid.Must(uuid.NewV7()), By: by, At: now, Made: "王会计"}
	}
	if _, err := platforms.Book(t.Context(), b.db, b.Book, file, sign(), nil); err != nil {
		t.Fatal(err)
	}
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		if err := read(ctx, tx); err != nil {
			return err
		}
		m, err := platforms.Pay(ctx, tx, b.Book, file, platforms.Payment{Day: ledger.Day(2026, 9, 16), BankRef: "B-1", Gifts: totals.Net - 123_45, Match: totals.Match - 50_00})
		if err != nil {
			return err
		}
		_, err = m.Book(ctx, tx, b.Book, sign())
		return err
	})
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		for _, verify := range []func(context.Context, pg.Querier, *ledger.Book) ([]ledger.Check, error){ledger.Verify, giving.Verify, payments.VerifyBook, platforms.Verify} {
			checks, err := verify(ctx, tx, b.Book)
			if err != nil {
				return err
			}
			if !ledger.Clean(checks) {
				t.Errorf("verify: %+v", checks)
			}
		}
		return tx.QueryRow(ctx, `select count(*) from entry where book_id = $1`, b.ID).Scan(&b.entries)
	})
	journal := b.export("platform.journal", toHledger)
	ask(t, hledger, "-f", journal, "check", "--strict")
	there := map[string]string{}
	for _, row := range askCSV(t, hledger, "-f", journal, "balance", "--flat", "-N", "-E", "-O", "csv") {
		number, ccy, _ := strings.Cut(row[1], " ")
		there[row[0]] = amount(number, ccy)
	}
	here := b.balances()
	for name, balance := range here {
		if there[name] != balance {
			t.Errorf("%s stands at %q there, at %q here", name, there[name], balance)
		}
	}
	if len(there) != len(here) || len(here) < 8 {
		t.Errorf("%d accounts there, %d here", len(there), len(here))
	}
}
