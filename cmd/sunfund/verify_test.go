package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// keptBook makes a book with one voucher and one gift.
func keptBook(t *testing.T, db *pgtest.DB, code string) {
	t.Helper()
	now := time.Date(2026, 9, 7, 4, 0, 0, 0, time.UTC)
	err := pg.InTx(t.Context(), db.Service, func(tx pgx.Tx) error {
		ctx := t.Context()
		book, err := ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: code, NameZH: "测试慈善会", NameEN: "Test association",
			Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC, Sandbox: true})
		if err != nil {
			return err
		}
		fund, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "非限定", NameEN: "General"})
		if err != nil {
			return err
		}
		r, err := ledger.PostOne(ctx, tx, book, ledger.Entry{Kind: ledger.KindOpening, EffectiveOn: ledger.Day(2026, 1, 1), Actor: uuid.New(),
			Document: &ledger.Document{Summary: "期初", SourceKind: "opening", MadeBy: "王"},
			Lines:    []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: fund.ID}, 100_00), ledger.Credit(ledger.Leaf{Chart: "na.u", Fund: fund.ID}, 100_00)}})
		if err = errors.Join(err, r.Err); err != nil {
			return err
		}
		c, err := giving.CreateCampaign(ctx, tx, book, giving.Campaign{FundID: fund.ID, Slug: "c", TitleZH: "题", TitleEN: "Title", SummaryZH: "要",
			SummaryEN: "Summary", StoryZH: "事", StoryEN: "Story", Goal: 1_000_00, OpensAt: now, ClosesAt: now.AddDate(0, 1, 0)})
		if err != nil {
			return err
		}
		gifts, err := giving.Book(ctx, tx, book, []giving.Paid{{CampaignID: c.ID, Amount: 20_00, Fee: 12, PaidAt: now, Channel: giving.Sandbox, Ref: "1"}})
		if err != nil {
			return err
		}
		return gifts[0].Err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	verify := func(book, lang string) (string, error) {
		var out bytes.Buffer
		c := verifyCmd{Book: book, Lang: lang, database: database{DatabaseURL: db.DSN(pgtest.Service)}}
		err := c.Run(t.Context(), terminal{out: &out})
		return out.String(), err
	}
	if _, err := verify("", "en"); !errors.Is(err, errNoBooks) {
		t.Errorf("no book: %v", err)
	}
	keptBook(t, db, "one")
	keptBook(t, db, "two")
	out, err := verify("", "en_US.UTF-8")
	if err != nil || !strings.Contains(out, "Book one: Test association\n") || !strings.Contains(out, "Book two") ||
		!strings.Contains(out, "every gift has its entry and every gift's entry its gift; 1 compared, 0 differ\n") || strings.Contains(out, "DIFFERS") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := verify("three", "en"); !errors.Is(err, ledger.ErrNoBook) {
		t.Errorf("no such book: %v", err)
	}
	if _, err := db.Pool.Exec(t.Context(), `update turnover set debit = debit + 1 where book_id = 2`); err != nil {
		t.Fatal(err)
	}
	out, err = verify("two", "zh_CN.UTF-8")
	if !errors.Is(err, errDiffers) || exitCode(err, &bytes.Buffer{}) != 1 || !strings.Contains(out, "账套 two：测试慈善会") ||
		!strings.Contains(out, "不符  turnover：每日发生额等于当日分录之和") || strings.Contains(out, "账套 one") {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err = verify("one", "zh-CN"); err != nil {
		t.Errorf("the other book: %v\n%s", err, out)
	}
}

func TestCheckPrintsWhatBreaks(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	keptBook(t, db, "one")
	check := func(every, lang string) (string, error) {
		var out bytes.Buffer
		err := (&checkCmd{Every: every, Lang: lang, database: database{DatabaseURL: db.DSN(pgtest.Service)}}).Run(t.Context(), terminal{out: &out})
		return out.String(), err
	}
	out, err := check("", "en")
	if err != nil || !strings.Contains(out, "green     C01") || !strings.Contains(out, "nothing   C24") || strings.Contains(out, "RED") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := db.Pool.Exec(t.Context(), `update balance set balance = balance + 5 where balance > 0`); err != nil {
		t.Fatal(err)
	}
	out, err = check("hourly", "zh-CN")
	if !errors.Is(err, errRed) || !strings.Contains(out, "不符  C01") || !strings.Contains(out, "基金 G 的借方与贷方相差 0.") || !strings.Contains(out, "→ 停止记账") || !strings.Contains(out, "正常  C06") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEveryCheckHasAChineseName(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	keptBook(t, db, "one")
	books, err := ledger.Books(t.Context(), db.Service)
	if err != nil {
		t.Fatal(err)
	}
	var checks []ledger.Check
	err = pg.InTx(t.Context(), db.Service, func(tx pgx.Tx) (err error) {
		checks, err = verifyBook(t.Context(), tx, books[0])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks {
		if checkNames[c.Code] == "" {
			t.Errorf("%s (%s) has no Chinese name", c.Code, c.Name)
		}
	}
	if len(checks) != len(checkNames) {
		t.Errorf("%d checks, %d Chinese names", len(checks), len(checkNames))
	}
}

func TestExport(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	export := func(c exportCmd) (string, error) {
		var out bytes.Buffer
		c.DatabaseURL = db.DSN(pgtest.Service)
		err := c.Run(t.Context(), terminal{out: &out})
		return out.String(), err
	}
	keptBook(t, db, "one")
	out, err := export(exportCmd{Format: "hledger", Lang: "zh_CN.UTF-8"})
	if err != nil || !strings.Contains(out, ") 捐赠\n") || !strings.HasSuffix(out, "end: 3\n") {
		t.Errorf("%v\n%s", err, out)
	}
	keptBook(t, db, "two")
	if _, err := export(exportCmd{Format: "hledger"}); !errors.Is(err, errWhichBook) {
		t.Errorf("two books: %v", err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "two.beancount")
	if out, err := export(exportCmd{Format: "beancount", Book: "two", Output: file}); err != nil || out != "" {
		t.Errorf("%v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), `* "Gift" #gift`) || !strings.HasSuffix(string(text), "end: 3\n") {
		t.Errorf("%v\n%s", err, text)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := export(exportCmd{Format: "match", Book: "two", Event: "none"}); !errors.Is(err, giving.ErrNoEvent) || out != "" {
		t.Errorf("an event that is not there: %q, %v", out, err)
	}
	c := exportCmd{Format: "hledger", Book: "two", Output: filepath.Join(dir, "never"), database: database{DatabaseURL: db.DSN(pgtest.Service)}}
	if err := c.Run(ctx, terminal{}); err == nil {
		t.Error("a cancelled export succeeds")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 1 {
		t.Errorf("half an export is left behind: %q", left)
	}
	if out, err := export(exportCmd{Format: "hledger", Book: "two", Output: os.DevNull}); err != nil || out != "" {
		t.Errorf("into a device: %v\n%s", err, out)
	}
}
