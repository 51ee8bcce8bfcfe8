package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"slices"
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
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
	"sunfund/ledger/reports"
)

// yearRow is what hledger has to add up for a row: codes of accounts of income, those of costs, whether what restricted money paid is released in it,
// or what accounts hold. It is written from the rules of section 3, not from forms/*.yaml.
type yearRow struct {
	in, out  string
	released bool
	holds    string // codes
	sign     int64  // of holds
	funds    string // of holds; empty for all
}

const (
	cashCodes = "1001|1002-0[123]|1009-0[123]"
	freeFunds = "G|D-RES"
	boundTo   = "EAI|SPQ|LJ|QH|E-EDU|S-.*|A-HELP"
	netCodes  = "[345].*"
)

// yearRows are the rows of the demo's year 2025 that are not nothing, those of one form by its name before the row's.
var yearRows = map[string]yearRow{
	"monetary": {holds: cashCodes, sign: 1}, "cash": {holds: cashCodes, sign: 1}, "current-sum": {holds: "1.*", sign: 1}, "net-current": {holds: "1.*", sign: 1}, "assets": {holds: "1.*", sign: 1},
	"net-u": {holds: netCodes, sign: -1, funds: freeFunds}, "net-r": {holds: netCodes, sign: -1, funds: boundTo}, "net-sum": {holds: netCodes, sign: -1}, "debts-net": {holds: "[2345].*", sign: -1},
	"uk-balance endowment": {holds: netCodes, sign: -1, funds: "E-EDU"}, "uk-balance restricted": {holds: netCodes, sign: -1, funds: "EAI|SPQ|LJ|QH|S-.*|A-HELP"},
	"uk-balance designated": {holds: netCodes, sign: -1, funds: "D-RES"}, "uk-balance general": {holds: netCodes, sign: -1, funds: "G"},

	"gifts": {in: "4101"}, "grants": {in: "4401"}, "donations": {in: "4101|4401"}, "income-sum": {in: "4.*"}, "support-sum": {in: "4.*", released: true}, "released": {released: true},
	"program": {out: "5101"}, "activities": {out: "5101"}, "fundraising": {out: "5401"}, "raising": {out: "5401"}, "expense-sum": {out: "5.*"}, "change": {in: "4.*", out: "5.*", released: true}, "net": {in: "4.*", out: "5.*", released: true},

	// the other side of the cash: what was spent and is not owed, what was given
	"in-sum": {in: "4101|4401"}, "goods": {out: "5101|2202-0[12]|2209-05"}, "other-out": {out: "5401"}, "out-sum": {out: "5101|2202-0[12]|2209-05|5401"},
}

var yearAccount = regexp.MustCompile(`^(?:Assets|Liabilities|Equity|Income|Expenses):([0-9-]+):F-([A-Z0-9-]+?)(?::|$)`)

// yearSums are changes of accounts by hledger, in minor units, debit positive.
type yearSums map[string]int64

func (s yearSums) of(codes, funds string) (sum int64) {
	if codes == "" {
		return 0
	}
	code, fund := regexp.MustCompile(`^(`+codes+`)(-0[12])?$`), regexp.MustCompile(`^(`+funds+`)$`)
	for name, amount := range s {
		if p := yearAccount.FindStringSubmatch(name); p != nil && code.MatchString(p[1]) && (funds == "" || fund.MatchString(p[2])) {
			sum += amount
		}
	}
	return sum
}

// want is what hledger has for a row in a column of a class; empty for all. In a form that is freed all costs are unrestricted, and what restricted money paid is released to them.
func (s yearSums) want(r yearRow, class string, freed, endowment bool) int64 {
	funds := map[string]string{"unrestricted": freeFunds, "restricted": boundTo, "endowment": "E-EDU"}[class]
	if endowment && class == "restricted" {
		funds = "EAI|SPQ|LJ|QH|S-.*|A-HELP"
	}
	if r.holds != "" {
		return r.sign * s.of(r.holds, r.funds)
	}
	sum, out := -s.of(r.in, funds), s.of(r.out, funds)
	if freed { // costs stand in the unrestricted column
		out = map[string]int64{"": out, "unrestricted": s.of(r.out, "")}[class]
		if r.released {
			sum += map[string]int64{"unrestricted": 1, "restricted": -1}[class] * s.of("5.*", boundTo)
		}
	}
	if r.in == "" {
		return sum + out
	}
	return sum - out
}

// hledger is what hledger says of a journal.
func hledger(t *testing.T, file string, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "hledger", append(args, "-f", file)...)
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("hledger %q: %v: %.1000s", args, err, errs.String())
	}
	return out
}

// hledgerRows gives the rows of a report of hledger behind its heading.
func hledgerRows(t *testing.T, file string, args ...string) [][]string {
	t.Helper()
	out := hledger(t, file, append(args, "-O", "csv")...)
	r := csv.NewReader(bytes.NewReader(out))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		t.Fatalf("hledger %q: %v: %.1000s", args, err, out)
	}
	return rows[1:]
}

func hledgerMoney(t *testing.T, text string) int64 {
	t.Helper()
	number, _, _ := strings.Cut(text, " ")
	minor, err := money.Parse(number, "CNY")
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return minor
}

func hledgerSums(t *testing.T, file string, query ...string) yearSums {
	t.Helper()
	sums := yearSums{}
	for _, row := range hledgerRows(t, file, append([]string{"balance", "--flat", "-N"}, query...)...) {
		sums[row[0]] = hledgerMoney(t, row[1])
	}
	return sums
}

// The demo's year 2025, closed, kept under either regime: every figure of every statement of every set is what hledger's own reports add up from
// the journal in the auditor's bundle, which verifies; so is every figure of the registers that accounts keep.
func TestHledgerAddsUpTheDemosYear(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("hledger"); err != nil {
		t.Fatal("hledger is needed to check the export: apt-get install hledger")
	}
	for _, regime := range []string{chart.CN2026, chart.CN2004} {
		t.Run(regime, func(t *testing.T) {
			t.Parallel()
			ctx, q, book := demoYear(t, regime)
			bundle := bundled(t, ctx, q, book)
			file := journalOf(t, bundle)
			compareBundle(t, bundle, compareYear(t, ctx, q, book, file))
			compareRegisters(t, ctx, q, book, file)
			matchStatement(t, ctx, q, book)
			opened(t, ctx, q, book)
		})
	}
}

// compareYear holds the statements of 2025 to hledger's reports of a journal, and gives their figures.
func compareYear(t *testing.T, ctx context.Context, q pg.Querier, book *ledger.Book, file string) map[string]func(row, column string) (int64, bool) {
	t.Helper()
	made := map[string]func(row, column string) (int64, bool){}
	ordinary := []string{"not:tag:kind=close", "not:tag:kind=opening"}
	days := map[string][]string{"year": {"-b", "2025-01-01", "-e", "2026-01-01"}, "period": {"-b", "2025-10-01", "-e", "2026-01-01"}}
	sums := map[string]yearSums{"opening": hledgerSums(t, file, "-e", "2025-01-01"), "closing": hledgerSums(t, file, "-e", "2026-01-01")}
	begin := map[string]yearSums{"year": sums["opening"], "period": hledgerSums(t, file, "-e", "2025-10-01")}
	own := map[string]int64{} // totals of hledger's own statements
	for key, of := range days {
		sums[key] = hledgerSums(t, file, slices.Concat(of, ordinary)...)
		last := func(report string, query ...string) int64 {
			rows := hledgerRows(t, file, slices.Concat([]string{report}, of, query)...)
			return hledgerMoney(t, rows[len(rows)-1][1])
		}
		own[reports.Cash+key] = last("cashflow", "not:tag:kind=opening")
		own[reports.Activities+key] = last("incomestatement", append(ordinary, "not:Memo")...)
	}
	compared, seen := 0, map[string]bool{}
	for _, f := range reports.Forms(book.Regime) {
		s, err := reports.Make(ctx, q, book, f, reports.Request{From: ledger.Day(2025, 10, 1), To: ledger.Day(2025, 12, 31), Lang: "en"})
		if err != nil {
			t.Fatal(err)
		}
		made[f.ID] = s.Figure
		if !s.Tied() {
			t.Errorf("%s: %+v", f.ID, s.Ties)
		}
		for _, table := range s.Tables {
			for i, c := range table.Columns {
				key, class, _ := strings.Cut(c.Key, ".")
				for _, r := range table.Rows {
					if i >= len(r.Cells) || r.Style == reports.Head || r.ID == "" {
						continue
					}
					got, there := s.Figure(r.ID, c.Key)
					rule, known := yearRows[f.ID+" "+r.ID]
					if !known {
						rule, known = yearRows[r.ID]
					}
					var want int64
					switch {
					case !there || sums[key] == nil && got == 0: // the year before: the book had not begun
						continue
					case f.ID == "uk-sofa" && (r.ID == "brought" || r.ID == "carried"):
						at := map[string]yearSums{"brought": begin[key], "carried": sums["closing"]}[r.ID]
						want = -at.want(yearRow{out: netCodes}, class, false, f.Endowment)
					case f.Kind == reports.Cash && (r.ID == "change" || r.ID == "operating-net"):
						want = own[reports.Cash+key]
					case f.Kind == reports.Activities && r.ID == "change" && class == "":
						want = own[reports.Activities+key]
					case known:
						want = sums[key].want(rule, class, f.Expenses != "", f.Endowment)
					}
					if got != want {
						t.Errorf("%s: %s %s is %s, hledger has %s", f.ID, r.ID, c.Key, money.Format(got, "CNY"), money.Format(want, "CNY"))
					}
					if compared++; got != 0 {
						seen[f.ID] = true
					}
				}
			}
		}
	}
	if len(seen) != len(reports.Forms(book.Regime)) || compared < 500 {
		t.Errorf("%d figures were compared, there are some in %v", compared, slices.Sorted(maps.Keys(seen)))
	}
	t.Logf("%d figures of %d statements", compared, len(seen))
	return made
}

// withMail is the demo's loader with a sandbox whose events come back over HTTP.
func withMail(t *testing.T, db *pgtest.DB, book *ledger.Book, now time.Time) (l *loader) {
	t.Helper()
	clock := func() time.Time { return now }
	intake := giving.NewIntake(db.Service, book)
	t.Cleanup(func() { _ = intake.Close(context.Background()) })
	inbox := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = payments.Receive(pg.WithBook(r.Context(), book.ID), db.Service, book, payments.SandboxCode, body, r.Header.Get(payments.SignatureHeader), now)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}))
	t.Cleanup(inbox.Close)
	l = newLoader(db.Service, nil, now)
	l.book, l.mail = book, Post{Deliver: payments.NewDeliverer(db.Service, book, inbox.URL, clock).Deliver, Work: payments.NewWorker(db.Service, book, intake, nil, clock).Work}
	return l
}

// demoYear is the demo's book, kept under a regime, with 2025 closed as the regime has it, what was booked since, and what is rare.
func demoYear(t *testing.T, regime string) (context.Context, pg.Querier, *ledger.Book) {
	t.Helper()
	ctx, db, book, now := demoBook(t)
	if _, err := db.Pool.Exec(ctx, `update book set regime = $2 where book_id = $1`, book.ID, regime); err != nil {
		t.Fatal(err)
	}
	book.Regime = regime
	l := withMail(t, db, book, now)
	first := l.firstYear
	if regime == chart.CN2004 { // the demo's own close is that of the other rules
		first = l.firstYearOpen
	}
	for _, step := range []func(context.Context) error{l.recall, first, l.offline, l.platform, l.charityDay, l.secondYear, l.rare} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if regime == chart.CN2004 {
		if err := pg.InTx(ctx, db.Service, func(tx pgx.Tx) error {
			plan, err := ledger.YearEnd(ctx, tx, book, 2025, ledger.Day(2026, 1, 4))
			if err != nil {
				return err
			}
			_, err = ledger.PostYear(ctx, tx, book, 2025, plan, uuid.New(), uuid.New(), ledger.Document{Summary: "2025 年终结转", MadeBy: maker})
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	return ctx, db.Service, book
}
