package demo

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

// october31 holds the printed reconciliations of the closed month against its close report, though November is under way.
func october31(t *testing.T, ctx context.Context, q pg.Querier, book *ledger.Book, kept *recon.Kept) {
	t.Helper()
	make := func(id string, from, to time.Time) *reports.Report {
		t.Helper()
		sheet, _ := reports.SheetByID(id)
		r, err := sheet.Make(ctx, q, book, reports.Request{From: from, To: to, Lang: "en"})
		if err != nil {
			t.Fatal(err)
		}
		if !r.Tied() || len(r.Ties) < 3 {
			t.Errorf("%s: %+v", id, r.Ties)
		}
		return r
	}
	figureOf := func(table reports.Table, row string) (int64, bool) {
		at := slices.IndexFunc(table.Rows, func(r reports.Row) bool { return r.ID == row })
		if at < 0 {
			return 0, false
		}
		return table.Rows[at].Cells[len(table.Columns)-1].Minor, true
	}
	figure := func(table reports.Table, row string) int64 {
		t.Helper()
		sum, there := figureOf(table, row)
		if !there {
			t.Errorf("%s has no row %s", table.Title, row)
		}
		return sum
	}
	bank := make("bank", october, oct(31))
	for i, b := range kept.Report.Banks {
		table := bank.Tables[i]
		if !strings.HasPrefix(table.Title, b.Name) || !strings.HasSuffix(table.Title, b.Day) || figure(table, "statement") != b.Statement || figure(table, "ledger") != b.Ledger || figure(table, "off") != b.Unexplained {
			t.Errorf("%s is printed as %+v, closed as %+v", table.Title, table.Rows, b)
		}
	}
	// hledger has the same balances of the accounts, from the journal in a bundle.
	journal := journalOf(t, bundled(t, ctx, q, book))
	held := func(until time.Time, code, instrument string) (sum int64) {
		t.Helper()
		for _, l := range hledgerSums(t, journal, "-e", until.Format(time.DateOnly), "Assets:"+strings.ReplaceAll(code, ".", "-")).lines() {
			if instrument == "" || l.tags["Instrument"] == instrument {
				sum += l.amount
			}
		}
		return sum
	}
	for i, table := range bank.Tables {
		title := strings.Split(table.Title, " · ")
		if i >= len(kept.Report.Banks) { // 1009.02 and 1009.03, entry by entry
			code, _, _ := strings.Cut(title[0], " ")
			if sum, _ := figureOf(table, "total"); sum != held(nov(1), code, "") {
				t.Errorf("%s: %d on its way, hledger has %d", table.Title, sum, held(nov(1), code, ""))
			}
			continue
		}
		code, _, _ := strings.Cut(title[1], " ")
		day, err := time.Parse(time.DateOnly, title[len(title)-1])
		if want := held(day.AddDate(0, 0, 1), code, ""); err != nil || figure(table, "ledger") != want || want == 0 {
			t.Errorf("%s: the book has %d, hledger %d (%v)", table.Title, figure(table, "ledger"), want, err)
		}
	}
	sheet, _ := reports.SheetByID("notes")
	notes, err := sheet.Make(ctx, q, book, reports.Request{To: oct(31), Lang: "en"})
	if err != nil {
		t.Fatal(err)
	}
	var dollars, want int64
	for _, row := range notes.Tables[1].Rows {
		if row.Cells[0].Text == foreignMoney {
			dollars = row.Cells[2].Minor
		}
	}
	for _, l := range hledgerSums(t, journal, "-e", "2026-11-01", "Assets").lines() {
		if l.tags["Foreign"] != "" && l.code != "1002-09" {
			want += l.amount
		}
	}
	if dollars != want || want == 0 {
		t.Errorf("foreign money is worth %d, hledger has %d", dollars, want)
	}
	processors := make("processor", october, oct(31))
	for _, table := range processors.Tables {
		code := table.Title // of the processor, as the book tags its balance
		for _, c := range giving.Channels() {
			if name, _, _ := strings.Cut(table.Title, " · "); c.Name("en") == name {
				code = c.Code()
			}
		}
		if opening, closing := held(october, "1009.01", code), held(nov(1), "1009.01", code); figure(table, "opening") != opening || figure(table, "closing") != closing {
			t.Errorf("%s: the book has %d and %d, hledger %d and %d", table.Title, figure(table, "opening"), figure(table, "closing"), opening, closing)
		}
		if figure(table, "charges") == 0 || figure(table, "fees") == 0 || figure(table, "payouts") == 0 || figure(table, "off") != 0 {
			t.Errorf("%s: %+v", table.Title, table.Rows)
		}
	}
	if len(bank.Tables) != len(kept.Report.Banks)+2 || len(processors.Tables) != 3 {
		t.Errorf("%d tables of banks, %d of processors", len(bank.Tables), len(processors.Tables))
	}
	// In November there is something outstanding: named, and the balances agree.
	named := 0
	for _, table := range make("bank", nov(1), nov(20)).Tables[:len(kept.Report.Banks)] {
		named += len(table.Rows) - 5
	}
	if named < 2 {
		t.Errorf("%d items are outstanding", named)
	}
}

// demoBook is the demo's association before anything is booked, with keys, and the moment at which it is looked at.
func demoBook(t *testing.T) (ctx context.Context, db *pgtest.DB, book *ledger.Book, now time.Time) {
	t.Helper()
	db, now = pgtest.New(t), time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	hasher, err := staff.NewHasher(1)
	if err != nil {
		t.Fatal(err)
	}
	if book, err = Prepare(t.Context(), db.Service, hasher, now); err != nil {
		t.Fatal(err)
	}
	ctx = pg.WithBook(t.Context(), book.ID)
	if err := pg.InTx(ctx, db.Service, func(tx pgx.Tx) error { return ledger.UseKeys(ctx, tx, book, pgtest.Ring()) }); err != nil {
		t.Fatal(err)
	}
	return ctx, db, book, now
}

// A month of the demo association: files of every format are taken in, reconciled, their breaks worked off by whose work it is, the month closed for good by
// two; then everything recomputed is the same and every check is green. The next month is open, with breaks to work off. Loaded again, nothing changes.
func TestTheDemosMonth(t *testing.T) {
	t.Parallel()
	ctx, db, book, now := demoBook(t)
	l := newLoader(db.Service, nil, now)
	l.book = book
	if err := l.recall(ctx); err != nil {
		t.Fatal(err)
	}
	if err := l.post(ctx, []voucher{{"2025-01-01", opening, "期初余额：日常基金", "opening", "2025", []string{"D bank.basic G 5000.00", "C na.u G 5000.00"}}}); err != nil {
		t.Fatal(err)
	}
	load := func(steps ...func(context.Context) error) {
		t.Helper()
		for _, step := range steps {
			if err := step(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	count := func(sql string) (n int) {
		t.Helper()
		if err := db.Pool.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	was := &past{T: t, ctx: ctx, db: db, book: book, now: now}
	for _, step := range []struct {
		name string
		run  func(context.Context) error
	}{{"what came offline", l.offline}, {"the platform's list", l.platform}, {"the year", l.secondYear}, {"the month", l.month}} {
		load(step.run)
		was.look(step.name)
	}
	entries := count(`select count(*) from entry`)
	load(l.month)
	if n := count(`select count(*) from entry`); n != entries {
		t.Errorf("loaded again it has %d entries, not %d", n, entries)
	}

	// October: every format, every line explained, each planted difference put right, closed by two on a report without waivers.
	if n := count(`select count(distinct a.format) from source_file f join source_account a on a.id = f.source_id where f.state = 'imported'`); n != len(outsides) {
		t.Errorf("files of %d formats of %d", n, len(outsides))
	}
	if n := count(`select count(*) from break_item where day <= '2026-10-31' and ended_at is null and type <> 'B12'`); n != 0 {
		t.Errorf("%d breaks of October are open", n)
	}
	if n := count(`select count(*) from open_line o join ext_line l using (source_id, line_key) join source_account a on a.id = o.source_id where l.booked_on <= '2026-10-31' and a.currency = 'CNY'`); n != 0 {
		t.Errorf("%d lines of October are not explained", n)
	}
	got := map[string]int{}
	rows, err := db.Pool.Query(t.Context(), `select action || ' ' || mode, count(*) from correction where at < '2026-11-10' group by 1`)
	if err != nil {
		t.Fatal(err)
	}
	var action string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&action, &n}, func() error { got[action] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	if want := map[string]int{"landed auto": 6, "paid auto": 1, "unknown auto": 1, "bank-fee auto": 1, "fee auto": 1, "processor auto": 1, "voucher approved": 1}; !maps.Equal(got, want) {
		t.Errorf("corrections %v, want %v", got, want)
	}
	kept, err := recon.ReportOf(ctx, db.Service, book, october)
	if err != nil {
		t.Fatal(err)
	}
	if kept.AskedBy == *kept.ApprovedBy || len(kept.Report.Waivers) != 0 || len(kept.Report.Breaks) != 0 || len(kept.Report.Files) < 10 {
		t.Errorf("closed by %s and %s, waivers %v, breaks %v, %d files", kept.AskedBy, *kept.ApprovedBy, kept.Report.Waivers, kept.Report.Breaks, len(kept.Report.Files))
	}

	october31(t, ctx, db.Service, book, kept)

	// November waits for people: what differs, what nobody approved.
	if n := count(`select count(*) from break_item where ended_at is null and type in ('B03', 'B08') and day > '2026-10-31'`); n != 2 {
		t.Errorf("%d breaks of November to work off", n)
	}
	var outcomes []recon.Outcome
	var checks []ledger.Check
	if err := pg.InTx(ctx, db.Service, func(tx pgx.Tx) (err error) {
		if outcomes, err = recon.RunChecks(ctx, tx, book, now); err != nil {
			return err
		}
		checks, err = recon.Verify(ctx, tx, book)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, o := range outcomes {
		for _, b := range o.Breaks {
			t.Errorf("%s: %s", o.Code, b.Text(book, "en"))
		}
		if o.State == recon.Pending {
			t.Errorf("%s did not run", o.Code)
		}
	}
	was.holds()
	for _, c := range checks {
		if c.DiffersAll > 0 {
			t.Errorf("%+v", c)
		}
	}
}
