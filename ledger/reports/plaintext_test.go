package reports

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// program finds a program that the exports are checked with.
func program(t *testing.T, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatalf("%s is needed to check the export: apt-get install %s", name, debian)
	}
	return path
}

// ask runs a program and gives its output; what it has to complain about fails the test.
func ask(t *testing.T, path string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%.2000s%.2000s", path, args, err, out.String(), errs.String())
	}
	return out.String()
}

// askCSV gives the rows behind the heading.
func askCSV(t *testing.T, path string, args ...string) [][]string {
	t.Helper()
	out := ask(t, path, args...)
	r := csv.NewReader(strings.NewReader(out))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatalf("%v\n%.1000s", err, out)
	}
	return rows[1:]
}

var nasty = []string{
	"两行\n2026-01-01 * 假凭证\n    Assets:Evil  100 CNY\n    Equity:Evil",
	"crlf\r\n; comment\r\n2020-01-01 open Assets:Evil",
	`"quoted" \" and \\ back`, `\`, `"`, `""" option "title" "x"`,
	"; begins as a comment", "* begins as a mark", "! also", "(code) first", "= 2026", "~ monthly", "# tag ^link", "|", "a | b", "date:2020-01-01, type:X",
	"[2020-01-01]", "include /etc/passwd", "end comment", "tab\tand\vvertical\fform", "line\u2028separator\u2029para\u0085next", "\u202egnitirw", "  spaces   ", "\u3000",
	"配套资金；含税，项目｜一期", "emoji 👩‍👧 fine", "@ 5 USD", "{100 CNY}", "100 CNY = 5", "%!s(x)", "%d%s%n",
}

// sampleBook is a book full of everything.
type sampleBook struct {
	*ledger.Book
	t         *testing.T
	db        *pgxpool.Pool
	owner     *pgxpool.Pool
	funds     []*ledger.Fund
	rng       *rand.Rand
	entries   int
	summaries map[string]int // as the exports should tell them
}

func newSampleBook(t *testing.T, base string) *sampleBook {
	t.Helper()
	db := pgtest.New(t)
	b := &sampleBook{t: t, db: db.Service, owner: db.Pool, rng: rand.New(rand.NewPCG(7, 9)), summaries: map[string]int{}}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		b.Book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "sample", NameZH: "样本；\"慈善会\"", NameEN: "Sample; \"association\"",
			Regime: chart.CN2026, Currency: base, Zone: zone, Sandbox: true})
		if err != nil {
			return err
		}
		for _, f := range []ledger.Fund{
			{Code: "G", Kind: ledger.General, NameZH: "非限定; type: X", NameEN: "General, type: X"},
			{Code: "R01", Kind: ledger.Restricted, NameZH: "阳光基金", NameEN: "Sunshine \"fund\" \\"},
			{Code: "r01", Kind: ledger.Restricted, NameZH: "小写", NameEN: "Small letters"},
			{Code: "7-S", Kind: ledger.Subsidy, NameZH: "配套", NameEN: "Subsidy"},
		} {
			fund, err := ledger.CreateFund(ctx, tx, b.Book, f)
			if err != nil {
				return err
			}
			b.funds = append(b.funds, fund)
		}
		return nil
	})
	// No form lets a line break into a name; an export must bear it all the same.
	err = pg.InTx(t.Context(), db.Pool, func(tx pgx.Tx) error {
		if err := pg.EnterBook(t.Context(), tx, b.ID); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `update fund set name_zh = E'阳光\n基金' where code = 'R01'`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *sampleBook) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	b.t.Helper()
	if err := pg.InTx(b.t.Context(), b.db, func(tx pgx.Tx) error { return fn(b.t.Context(), tx) }); err != nil {
		b.t.Fatal(err)
	}
}

// add books entries of one batch; each has to be booked.
func (b *sampleBook) add(entries ...ledger.Entry) (ids []uuid.UUID) {
	b.t.Helper()
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		results, err := ledger.Post(ctx, tx, b.Book, entries)
		if err != nil {
			return err
		}
		for i, r := range results {
			if r.Err != nil {
				return fmt.Errorf("entry %d: %w", i, r.Err)
			}
			ids = append(ids, r.ID)
		}
		return nil
	})
	for _, e := range entries {
		b.booked(e.Kind, e.Document)
	}
	return ids
}

func (b *sampleBook) booked(kind ledger.Kind, doc *ledger.Document) {
	b.entries++
	summary := kind.Name("en")
	if doc != nil {
		if s := oneLine(doc.Summary); s != "" {
			summary = s
		}
	}
	b.summaries[summary]++
}

var clerk = uuid.MustParse("01900000-0000-7000-8000-000000000001")

// random makes an entry of some kind on some day of 2026; days are not in the order of booking.
func (b *sampleBook) random() ledger.Entry {
	fund := b.funds[b.rng.IntN(len(b.funds))]
	amount := 1 + b.rng.Int64N(9_999_99)
	e := ledger.Entry{ID: uuid.Must(uuid.NewV7()), Actor: clerk, EffectiveOn: ledger.Day(2026, 3, 1).AddDate(0, 0, b.rng.IntN(200))}
	if b.rng.IntN(2) == 0 {
		e.Key = uuid.New()
	}
	text := nasty[b.rng.IntN(len(nasty))]
	leaf := func(id chart.ID, d ledger.Dims) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund.ID, Dims: d} }
	switch b.rng.IntN(6) {
	case 0: // a gift has no document
		e.Kind = ledger.KindGift
		campaign := fmt.Sprint(b.rng.IntN(5) + 1)
		e.Lines = []ledger.Line{
			ledger.Debit(leaf("psp.avail", ledger.Dims{Instrument: "wechat"}), amount),
			ledger.Credit(leaf(chart.ID(fund.Class("gift")), ledger.Dims{Campaign: campaign, Nature: ledger.NatureGift}), amount),
		}
		return e
	case 1: // promised, not yet money
		e.Kind = ledger.KindContract
		e.Lines = []ledger.Line{ledger.Debit(leaf("subsidy", ledger.Dims{Street: text}), amount), ledger.Credit(leaf("subsidy.contra", ledger.Dims{}), amount)}
	case 2: // foreign money with its units
		e.Kind = ledger.KindVoucher
		usd := leaf("bank.fx", ledger.Dims{Instrument: "boc 88/1"})
		usd.Currency = []string{"USD", "JPY", "KWD"}[b.rng.IntN(3)]
		e.Lines = []ledger.Line{{Leaf: usd, Amount: amount, Units: 1 + amount/7}, ledger.Credit(leaf(chart.ID(fund.Class("other.inc")), ledger.Dims{}), amount)}
	case 3: // money between funds
		e.Kind = ledger.KindTransfer
		other := b.funds[(int(fund.ID))%len(b.funds)].ID
		e.Lines = []ledger.Line{
			ledger.Debit(leaf("if.due.from", ledger.Dims{}), amount), ledger.Credit(leaf("transfer", ledger.Dims{}), amount),
			ledger.Debit(ledger.Leaf{Chart: "transfer", Fund: other}, amount), ledger.Credit(ledger.Leaf{Chart: "if.due.to", Fund: other}, amount),
		}
	case 4:
		e.Kind = ledger.KindPayment
		e.Lines = []ledger.Line{
			ledger.Debit(leaf(chart.ID(fund.Class("program")), ledger.Dims{Project: "P-1", Contract: text, Counterparty: "社区/居委会"}), amount),
			ledger.Credit(leaf("bank.basic", ledger.Dims{}), amount),
		}
	default: // many lines on few accounts
		e.Kind = ledger.KindVoucher
		for range 1 + b.rng.IntN(20) {
			e.Lines = append(e.Lines, ledger.Debit(leaf("bank.online", ledger.Dims{}), amount), ledger.Credit(leaf("advance", ledger.Dims{Source: text}), amount))
		}
	}
	e.Document = &ledger.Document{Summary: text, SourceKind: "test", SourceRef: nasty[b.rng.IntN(len(nasty))], Reason: text, MadeBy: "王\n会计", CheckedBy: "Li; \"checker\""}
	return e
}

// fill books n entries, some of them reversals.
func (b *sampleBook) fill(n int) {
	b.t.Helper()
	for _, f := range b.funds { // something to spend
		na := ledger.Leaf{Chart: "na.u", Fund: f.ID}
		if f.HasRestriction() {
			na.Chart = "na.r"
		}
		b.add(ledger.Entry{Kind: ledger.KindOpening, Actor: clerk, EffectiveOn: ledger.Day(2026, 1, 1),
			Document: &ledger.Document{Summary: "期初", SourceKind: "opening", MadeBy: "王"},
			Lines:    []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: f.ID}, 1e12), ledger.Credit(na, 1e12)}})
	}
	for b.entries < n {
		var batch []ledger.Entry
		for range 1 + b.rng.IntN(10) {
			batch = append(batch, b.random())
		}
		ids := b.add(batch...)
		if at := b.rng.IntN(len(ids)); b.rng.IntN(3) == 0 && batch[at].Kind != ledger.KindTransfer {
			doc := ledger.Document{Summary: nasty[b.rng.IntN(len(nasty))], SourceKind: "correction", Reason: "错\n账", MadeBy: "王"}
			b.tx(func(ctx context.Context, tx pgx.Tx) error {
				r, err := ledger.Reverse(ctx, tx, b.Book, ids[at], uuid.New(), batch[at].EffectiveOn.AddDate(0, 0, -3), clerk, doc)
				if err == nil {
					err = r.Err
				}
				return err
			})
			b.booked(ledger.KindCorrection, &doc)
		}
	}
}

// balances are what every account holds, by its name in exports.
func (b *sampleBook) balances() map[string]string {
	b.t.Helper()
	accounts, err := plainAccounts(b.t.Context(), b.db, b.Book)
	if err != nil {
		b.t.Fatal(err)
	}
	all := make(map[string]string, len(accounts))
	for _, a := range accounts {
		account, err := ledger.AccountByID(b.t.Context(), b.db, b.Book, a.id)
		if err != nil {
			b.t.Fatal(err)
		}
		all[a.name] = amount(money.Format(account.Balance, a.leaf.Currency), a.leaf.Currency)
	}
	if len(all) != len(accounts) {
		b.t.Fatalf("%d names for %d accounts", len(all), len(accounts))
	}
	return all
}

// amount writes a decimal number one way, however the programs write it; zero has no currency there.
func amount(number, ccy string) string {
	if strings.Contains(number, ".") {
		number = strings.TrimSuffix(strings.TrimRight(number, "0"), ".")
	}
	if number == "0" || number == "-0" || number == "" {
		return "0"
	}
	return number + " " + ccy
}

func (b *sampleBook) export(name string, write func(context.Context, pg.Querier, *ledger.Book, *bytes.Buffer) error) string {
	b.t.Helper()
	var text bytes.Buffer
	if err := write(b.t.Context(), b.db, b.Book, &text); err != nil {
		b.t.Fatal(err)
	}
	if want := fmt.Sprintf("; 完 · end: %d\n", b.entries); !strings.HasSuffix(text.String(), want) {
		b.t.Errorf("export does not end with %q", want)
	}
	file := filepath.Join(b.t.TempDir(), name)
	if err := os.WriteFile(file, text.Bytes(), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return file
}

func toHledger(ctx context.Context, q pg.Querier, book *ledger.Book, w *bytes.Buffer) error {
	return WriteHledger(ctx, q, book, w, Options{Lang: "en"})
}

func toBeancount(ctx context.Context, q pg.Querier, book *ledger.Book, w *bytes.Buffer) error {
	return WriteBeancount(ctx, q, book, w, Options{Lang: "en"})
}

// same compares every account and every description with what a program has read.
func (b *sampleBook) same(balances map[string]string, summaries map[string]int) {
	b.t.Helper()
	want := b.balances()
	for name, balance := range want {
		if balances[name] != balance {
			b.t.Errorf("%s stands at %q there, at %q here", name, balances[name], balance)
		}
	}
	if len(balances) != len(want) {
		b.t.Errorf("%d accounts there, %d here", len(balances), len(want))
	}
	if !reflect.DeepEqual(summaries, b.summaries) {
		b.t.Errorf("descriptions differ:\nthere %v\nhere  %v", summaries, b.summaries)
	}
	if !b.t.Failed() {
		b.t.Logf("%d accounts and %d entries are the same", len(want), b.entries)
	}
}

func TestHledgerReadsTheSameBook(t *testing.T) {
	t.Parallel()
	hledger := program(t, "hledger", "hledger")
	b := newSampleBook(t, "CNY")
	b.fill(700)
	file := b.export("book.journal", toHledger)
	ask(t, hledger, "-f", file, "check")
	ask(t, hledger, "-f", file, "check", "--strict")
	balances := map[string]string{}
	for _, row := range askCSV(t, hledger, "-f", file, "balance", "--flat", "-N", "-E", "-O", "csv") {
		number, ccy, _ := strings.Cut(row[1], " ")
		balances[row[0]] = amount(number, ccy)
	}
	summaries := map[string]int{}
	last := ""
	for _, row := range askCSV(t, hledger, "-f", file, "print", "-O", "csv") {
		if row[0] == last {
			continue
		}
		last = row[0]
		for twin, sign := range map[string]string{"；": ";", "｜": "|"} {
			row[5] = strings.ReplaceAll(row[5], twin, sign)
		}
		summaries[row[5]]++
	}
	for summary, n := range b.summaries { // full-width signs of the original come back as plain ones
		plain := strings.NewReplacer("；", ";", "｜", "|").Replace(summary)
		if plain != summary {
			delete(b.summaries, summary)
			b.summaries[plain] += n
		}
	}
	b.same(balances, summaries)
}

func TestBeancountReadsTheSameBook(t *testing.T) {
	t.Parallel()
	check, query := program(t, "bean-check", "beancount"), program(t, "bean-query", "beancount")
	b := newSampleBook(t, "CNY")
	b.fill(300)
	file := b.export("book.beancount", toBeancount)
	if out := ask(t, check, file); out != "" {
		t.Errorf("bean-check: %s", out)
	}
	balances := map[string]string{}
	for _, row := range askCSV(t, query, "-f", "csv", file, "select account, currency, str(sum(number)) group by account, currency") {
		number := strings.Trim(strings.TrimSpace(row[2]), "Decimal(')") // str shows every digit, where a bare sum is rounded
		balances[strings.TrimSpace(row[0])] = amount(number, strings.TrimSpace(row[1]))
	}
	summaries := map[string]int{}
	for _, row := range askCSV(t, query, "-f", "csv", file, "select distinct entry_meta('id') as entry, narration") {
		summaries[strings.TrimSpace(row[1])]++
	}
	b.same(balances, summaries)
}

func TestEmptyBookIsLegal(t *testing.T) {
	t.Parallel()
	b := newSampleBook(t, "JPY")
	ask(t, program(t, "hledger", "hledger"), "-f", b.export("empty.journal", toHledger), "check", "--strict")
	ask(t, program(t, "bean-check", "beancount"), b.export("empty.beancount", toBeancount))
}

func TestNamesCarryEveryTag(t *testing.T) {
	var d ledger.Dims
	v := reflect.ValueOf(&d).Elem()
	for i := range v.NumField() {
		v.Field(i).SetString(fmt.Sprintf("value%d", i))
	}
	name := accountName(ledger.Leaf{Chart: "psp.avail", Fund: 1, Currency: "CNY", Dims: d}, "R01", "CNY")
	for i := range v.NumField() {
		if !strings.Contains(name, fmt.Sprintf("-value%d", i)) {
			t.Errorf("%s does not carry %s", name, v.Type().Field(i).Name)
		}
	}
}

func TestEveryChartAccountHasANameOfItsOwn(t *testing.T) {
	seen := map[string]chart.ID{}
	for _, acct := range chart.All() {
		name := accountName(ledger.Leaf{Chart: acct.ID, Fund: 1, Currency: "CNY"}, "G", "CNY")
		if seen[name] != "" || !legalName.MatchString(name) {
			t.Errorf("%s is called %s, and so is %q", acct.ID, name, seen[name])
		}
		seen[name] = acct.ID
	}
}

var legalName = regexp.MustCompile(`^(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+$`)

func ExampleWriteHledger() {
	leaf := ledger.Leaf{Chart: "gift.r", Currency: "CNY", Dims: ledger.Dims{Campaign: "3", Nature: ledger.NatureGift}}
	fmt.Println(accountName(leaf, "R01", "CNY"))
	// Output: Income:4101-02:F-R01:Campaign-3:Nature-gift
}

func FuzzComponent(f *testing.F) {
	for _, s := range nasty {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name := accountName(ledger.Leaf{Chart: "bank.fx", Currency: "CNY", Dims: ledger.Dims{Instrument: s}}, "G", "CNY")
		if !legalName.MatchString(name) {
			t.Errorf("%q makes the name %q", s, name)
		}
	})
}

// FuzzEntry holds that text stays inside its line and its quotes in both formats.
func FuzzEntry(f *testing.F) {
	for _, s := range nasty {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, summary, reason string) {
		e := &plainEntry{kind: ledger.KindVoucher, day: ledger.Day(2026, 9, 7), number: 3, summary: summary, source: "x", sourceRef: reason, reason: reason}
		for format, write := range map[string]func(*plainText, *plainEntry){"hledger": (*plainText).hledgerEntry, "beancount": (*plainText).beancountEntry} {
			var out bytes.Buffer
			p := &plainText{w: bufio.NewWriter(&out), lang: "en"}
			write(p, e)
			if err := p.w.Flush(); err != nil {
				t.Fatal(err)
			}
			// The first line is empty, the last one too.
			for i, line := range strings.Split(strings.Trim(out.String(), "\n"), "\n") {
				if !entryLine[format][min(i, 1)].MatchString(line) {
					t.Errorf("%s line %d of %q: %q", format, i, summary, line)
				}
			}
			if strings.ContainsFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 }) {
				t.Errorf("%s of %q holds control signs: %q", format, summary, out.String())
			}
		}
	})
}

var entryLine = map[string][2]*regexp.Regexp{
	"hledger": {
		regexp.MustCompile(`^2026-09-07 \* \(2026-09/3\) [^;|\s]([^;|\n\r]*[^;|\s])?$`),
		regexp.MustCompile(`^    ; (id|key|kind|recorded|actor|source|reason): [^,;|]+$`),
	},
	"beancount": {
		regexp.MustCompile(`^2026-09-07 \* "([^"\\]|\\["\\])+" #voucher$`),
		regexp.MustCompile(`^  (code|id|key|kind|recorded|actor|source|reason): "([^"\\]|\\["\\])+"$`),
	},
}
