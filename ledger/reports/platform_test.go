package reports

import (
	"context"
	"errors"
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

// platformFile stores a file of a giving platform and has it read, for a campaign of the second fund.
func (b *sampleBook) platformFile(name, text string, now time.Time) (read func() *platforms.File) {
	b.t.Helper()
	layout, err := platforms.Guess([]byte(text), "Asia/Shanghai")
	if err != nil {
		b.t.Fatal(err)
	}
	id, profile, by := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7()), uuid.New()
	read = func() (file *platforms.File) {
		b.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			file, err = platforms.FileByID(ctx, tx, b.Book, id)
			return err
		})
		return file
	}
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		c, err := giving.CreateCampaign(ctx, tx, b.Book, giving.Campaign{FundID: b.funds[1].ID, Slug: name, TitleZH: "题", TitleEN: "Title", SummaryZH: "要", SummaryEN: "Summary",
			StoryZH: "事", StoryEN: "Story", Goal: 10_000_00, OpensAt: now.AddDate(0, 0, -9), ClosesAt: now.AddDate(0, 0, 9)})
		if err != nil {
			return err
		}
		layout.Codes, layout.Donor = []platforms.Code{{Code: "P-001", Campaign: c.ID}}, "示例平台基金会"
		if err := platforms.SaveProfile(ctx, tx, b.Book, platforms.Profile{ID: profile, Platform: name, Name: "示例", Layout: layout, MadeBy: by, MadeAt: now}); err != nil {
			return err
		}
		if _, err := platforms.Keep(ctx, tx, b.Book, id, name+".csv", []byte(text), by, now); err != nil {
			return err
		}
		file, err := platforms.FileByID(ctx, tx, b.Book, id)
		if err != nil {
			return err
		}
		return platforms.UseProfile(ctx, tx, b.Book, file, profile)
	})
	return read
}

// past changes what is kept by hand, past the triggers that refuse it.
func (b *sampleBook) past(sql string) {
	b.t.Helper()
	if err := pg.InTx(b.t.Context(), b.owner, func(tx pgx.Tx) error {
		_, err := tx.Exec(b.t.Context(), `set local session_replication_role = replica; `+sql)
		return err
	}); err != nil {
		b.t.Fatal(err)
	}
}

// TestMatchOfPlatforms: the match statement tells what the gifts of booked files earned, from what is kept of each file, and of a file that was booked
// before anything was kept, from its gifts. What is booked of a file that is not at its end is not earned yet.
func TestMatchOfPlatforms(t *testing.T) {
	t.Parallel()
	b := newSampleBook(t, "CNY")
	now := time.Date(2026, 9, 10, 2, 0, 0, 0, time.UTC)
	const head = "订单号,捐赠时间,捐赠金额,配捐金额,项目编号\n"
	sign := giving.Sign{Key: uuid.Must(uuid.NewV7()), By: uuid.New(), At: now, Made: "王会计"}
	killed := errors.New("killed")
	earned := func(id string) int64 {
		t.Helper()
		s, _ := SheetByID("match")
		var report *Report
		b.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			report, err = s.Make(ctx, tx, b.Book, Request{To: ledger.Day(2026, 12, 31), Lang: "en", Now: now})
			return err
		})
		sum, _ := report.Figure(id, "earned")
		return sum
	}
	first := b.platformFile("first", head+"A-1,2026-09-09 08:00:00,40000.00,12000.00,P-001\nA-2,2026-09-09 08:00:01,10.00,3.00,P-001\nA-3,2026-09-09 08:00:02,10.00,0.00,P-001\n", now)
	second := b.platformFile("second", head+"B-1,2026-09-09 08:00:00,100.00,50.00,P-001\n", now)
	if _, err := platforms.Book(t.Context(), b.db, b.Book, first(), sign, func(int, int) error { return killed }); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	if got := earned("first"); got != 0 {
		t.Errorf("a file that is not booked to its end earned %d", got)
	}
	for _, file := range []*platforms.File{first(), second()} {
		sign.Key = uuid.Must(uuid.NewV7())
		if _, err := platforms.Book(t.Context(), b.db, b.Book, file, sign, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, change := range []struct {
		sql   string
		first int64
	}{
		{`select 1`, 12_003_00},
		{`update platform_match set amount = 1 where amount = 1200300`, 1}, // what is kept is what is read
		{`delete from platform_match where amount = 1`, 12_003_00},         // as if an older program had booked it
	} {
		b.past(change.sql)
		if got := earned("first"); got != change.first {
			t.Errorf("%s: the first campaign earned %d, want %d", change.sql, got, change.first)
		}
		if got := earned("second"); got != 50_00 {
			t.Errorf("%s: the second campaign earned %d", change.sql, got)
		}
	}
}

// TestPlatformFileInHledger: after a platform's file of 2,000 gifts with match, settled short, verify finds nothing and
// hledger has every balance as the book has it.
func TestPlatformFileInHledger(t *testing.T) {
	t.Parallel()
	hledger := program(t, "hledger", "hledger")
	b := newSampleBook(t, "CNY")
	now := time.Date(2026, 9, 10, 2, 0, 0, 0, time.UTC)
	text, totals := platforms.Sample(2000, time.Date(2026, 9, 9, 0, 0, 0, 0, time.UTC))
	read, by := b.platformFile("shili", text, now), uuid.New()
	sign := func() giving.Sign {
		return giving.Sign{Key: uuid.Must(uuid.NewV7()), By: by, At: now, Made: "王会计"}
	}
	if _, err := platforms.Book(t.Context(), b.db, b.Book, read(), sign(), nil); err != nil {
		t.Fatal(err)
	}
	file := read()
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
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
