package reports

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

func (b *sampleBook) bundle() []byte {
	b.t.Helper()
	var out bytes.Buffer
	info, root, err := WriteBundle(b.t.Context(), b.db, b.Book, &out, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	if c := verified(b.t, out.Bytes()); c.Root != root || c.Info != info {
		b.t.Errorf("told %s %+v, the bundle says %s %+v", root, info, c.Root, c.Info)
	}
	return out.Bytes()
}

func (b *keptBook) bundle() []byte {
	b.Helper()
	var out bytes.Buffer
	b.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, _, err := WriteBundle(ctx, tx, b.Book, &out, nil)
		return err
	})
	return out.Bytes()
}

// held is a file of a bundle.
func held(t *testing.T, data []byte, name string) string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func verified(t *testing.T, data []byte) *BundleCheck {
	t.Helper()
	c, err := VerifyBundle(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// replaced is the bundle with one file changed; with its hash set right again when honest is false, as a forger would.
func replaced(t *testing.T, data []byte, name string, change func(string) string, forge bool) []byte {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	var was, is string
	for _, f := range r.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		in.Close()
		body := string(text)
		hash := func(s string) string { sum := sha256.Sum256([]byte(s)); return hex.EncodeToString(sum[:]) }
		switch {
		case f.Name == name:
			changed := change(body)
			if changed == body {
				t.Fatalf("nothing to change in %s", name)
			}
			was, is, body = hash(body), hash(changed), changed
		case f.Name == BundleSums && forge:
			body = strings.Replace(body, was, is, 1)
		}
		out, err := w.CreateHeader(&zip.FileHeader{Name: f.Name, Method: zip.Deflate})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// The same book gives the same bytes; they verify without the book; a change of any file is told, that of a figure even when its hash was set right.
func TestBundle(t *testing.T) {
	t.Parallel()
	b := newSampleBook(t, "CNY")
	b.fill(60)
	data := b.bundle()
	if !bytes.Equal(data, b.bundle()) {
		t.Error("two bundles of one book differ")
	}
	c := verified(t, data)
	if c.All != 0 || c.Info.Entries != int64(b.entries) || c.Files < 13 {
		t.Fatalf("%d files, %d entries of %d, differs: %v", c.Files, c.Info.Entries, b.entries, c.Differs)
	}
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.File {
		if f.Name == BundleSums {
			continue
		}
		touched := verified(t, replaced(t, data, f.Name, func(s string) string { return s + "\n" }, false))
		if touched.All == 0 || !strings.Contains(touched.Differs[0].EN, "was changed") || touched.Differs[0].File != f.Name {
			t.Errorf("a line more in %s is not told: %v", f.Name, touched.Differs)
		}
	}
	digit := func(s string) string { // another amount in the last line
		i := strings.LastIndexAny(strings.TrimSpace(s), "0123456789")
		d := "7"
		if s[i] == '7' {
			d = "8"
		}
		return s[:i] + d + s[i+1:]
	}
	for name, says := range map[string]string{BundlePostings: "another", BundleTrial: "does not close", BundleAccounts: ""} {
		change := digit
		if name == BundleAccounts {
			change = func(s string) string { return strings.Replace(s, ".00,", ".01,", 1) }
		}
		forged := verified(t, replaced(t, data, name, change, true))
		if forged.All == 0 || !strings.Contains(fmt.Sprint(forged.Differs), says) {
			t.Errorf("a forged %s is not told: %v", name, forged.Differs)
		}
		if forged.Root == c.Root {
			t.Errorf("a forged %s has the root of the true one", name)
		}
	}
	if _, err := VerifyBundle(strings.NewReader("no zip"), 6); err == nil {
		t.Error("anything is a bundle")
	}
}

// hledger reads the bundle's journal and finds the balances of its accounts; nobody's name stands in it.
func TestBundleInHledger(t *testing.T) {
	t.Parallel()
	hledger := program(t, "hledger", "hledger")
	b := newSampleBook(t, "CNY")
	b.fill(60)
	data := b.bundle()
	journal := held(t, data, BundleJournal)
	if strings.Contains(journal, "made-by:") || strings.Contains(journal, "checked-by:") {
		t.Error("the journal tells who signed")
	}
	file := filepath.Join(t.TempDir(), "book.journal")
	if err := os.WriteFile(file, []byte(journal), 0o600); err != nil {
		t.Fatal(err)
	}
	ask(t, hledger, "-f", file, "check", "--strict")
	found := 0
	want := b.balances()
	for _, row := range askCSV(t, hledger, "-f", file, "balance", "--flat", "-N", "-E", "-O", "csv") {
		number, ccy, _ := strings.Cut(row[1], " ")
		if found++; want[row[0]] != amount(number, ccy) {
			t.Errorf("%s: hledger %s, here %s", row[0], row[1], want[row[0]])
		}
	}
	if found != len(want) {
		t.Errorf("hledger knows %d accounts, the book has %d", found, len(want))
	}
}

// Whoever changes a bundle and sets SHA256SUMS right again is told by what the files say of each other: a changed amount, a dropped entry, a word of an
// entry, a swapped file, an edited statement, a broken chain.
func TestBundleDamaged(t *testing.T) {
	t.Parallel()
	b := newKeptBook(t, chart.CN2026)
	b.worked()
	b.unusual()
	data := b.bundle()
	if c := verified(t, data); c.All != 0 {
		t.Fatalf("an honest bundle differs: %v", c.Differs)
	}
	line := func(n int) func(string) string { // drops a line
		return func(s string) string {
			lines := strings.SplitAfter(s, "\n")
			return strings.Join(append(lines[:n:n], lines[n+1:]...), "")
		}
	}
	swap := func(a, b string) func(string) string {
		return func(s string) string { return strings.Replace(s, a, b, 1) }
	}
	asked := func(needed string) func(string) string { // adds a request that was approved
		return func(s string) string {
			return s + "r-1,voucher," + strings.Repeat("0", 64) + ",1," + needed + ",p-1,2026-11-01T00:00:00.000000Z,approved,2026-11-01T00:00:00.000000Z,\n"
		}
	}
	other := func(name string) func(string) string { return func(string) string { return held(t, data, name) } }
	last := strings.Split(strings.TrimSpace(held(t, data, BundleEntries)), "\n")
	tail := last[len(last)-1]
	chain := tail[strings.LastIndex(tail, ",")+1:]
	for _, c := range []struct {
		what, file string
		change     func(string) string
		says       string
	}{
		{"a changed amount", BundlePostings, swap("40000.00", "40001.00"), "differs by 1.00"},
		{"a changed amount", BundlePostings, swap("40000.00", "40001.00"), "its postings add up to"},
		{"a posting on another account", BundlePostings, swap(",2026-01-15,", ",2026-01-16,"), "lines of entry"},
		{"a dropped entry", BundleEntries, line(3), "the chain breaks at entry"},
		{"a dropped entry", BundleEntries, line(3), "does not stand in entries.csv"},
		{"dropped lines", BundlePostings, line(2), "should have"},
		{"a word of an entry", BundleEntries, swap(",voucher,", ",gift,"), "was changed"},
		{"a broken chain", BundleEntries, swap(chain, strings.Repeat("0", 64)), "the chain breaks"},
		{"another chain told", BundleAbout, swap(chain, strings.Repeat("0", 64)), "not the one that about.json tells"},
		{"an edited statement", BundleStatement + "2026/cn2026-activities.csv", swap("40000.00", "50000.00"), "the entries add up to"},
		{"an edited statement", BundleStatement + "2026/cn2004-activities.json", swap(`"40000.00"`, `"40000.01"`), "the entries add up to"},
		{"a line taken out of a statement", BundleStatement + "2026/cn2026-cash.csv", line(2), "says —"},
		{"a swapped statement", BundleStatement + "2026/cn2026-balance.csv", other(BundleStatement + "2026/cn2004-balance.csv"), "the entries add up to"},
		{"another year's statement", BundleStatement + "2026/cn2004-balance.csv", other(BundleStatement + "2025/cn2004-balance.csv"), "the entries add up to"},
		{"another account of a line", bundleForms + "cn2026-balance.yaml", swap("of: cash", "of: fa"), "the entries add up to"},
		{"another kind of fund", BundleFunds, swap(",restricted,", ",general,"), "the entries add up to"},
		{"how many have to agree, unreadable", BundleApprovals, asked("two"), "how many request r-1 needs cannot be read"},
		{"nobody who has to agree", BundleApprovals, asked("0"), "how many request r-1 needs cannot be read"},
		{"nobody who agreed", BundleApprovals, asked("2"), "request r-1 was approved by 0 people, 2 were needed"},
		{"a journal that differs", BundleJournal, swap("40000.00", "40001.00"), "adds up to"},
		{"accounts that differ", BundleAccounts, swap("40000.00", "40001.00"), "its postings add up to"},
	} {
		forged := verified(t, replaced(t, data, c.file, c.change, true))
		if said := fmt.Sprint(forged.Differs); forged.All == 0 || !strings.Contains(said, c.says) {
			t.Errorf("%s in %s is not told: %.600s", c.what, c.file, said)
		}
	}
	agrees := func(person string) string {
		return "r-1,1," + person + ",approve," + strings.Repeat("0", 64) + ",2026-11-01T00:00:00.000000Z\n"
	}
	for second, says := range map[string]string{"p-2": "request r-1 was approved by 1 people, 2 were needed", "p-3": ""} {
		both := func(s string) string { return s + agrees("p-2") + agrees(second) }
		forged := verified(t, replaced(t, replaced(t, data, BundleApprovals, asked("2"), true), BundleDecisions, both, true))
		if said := fmt.Sprint(forged.Differs); (forged.All != 0) != (says != "") || !strings.Contains(said, says) {
			t.Errorf("agreed to by p-2 and %s: %.600s, want %q", second, said, says)
		}
	}
}

// What was booked later changes nothing of the chain before it: the chain of an earlier bundle stands in every later one.
func TestBundlesFollow(t *testing.T) {
	t.Parallel()
	b := newSampleBook(t, "CNY")
	b.fill(5)
	before := verified(t, b.bundle()).Info
	b.fill(5)
	later := b.bundle()
	if info := verified(t, later).Info; info.Chain == before.Chain || info.Entries <= before.Entries {
		t.Errorf("before %+v, later %+v", before, info)
	}
	if !strings.Contains(held(t, later, BundleEntries), ","+before.Chain+"\n") {
		t.Error("the chain of the earlier bundle is not in the later one")
	}
	var told []BundleProgress
	if _, _, err := WriteBundle(t.Context(), b.db, b.Book, io.Discard, func(p BundleProgress) { told = append(told, p) }); err != nil {
		t.Fatal(err)
	}
	if len(told) < 10 || told[0].File != BundleReadme || told[0].Entries == 0 {
		t.Errorf("progress %+v", told)
	}
}

// hledger adds the journal in a bundle up to the lines of the statements beside it, under both sets of rules, in books of both, before and after
// the year is closed.
func TestBundleStatementsInHledger(t *testing.T) {
	t.Parallel()
	hledger := program(t, "hledger", "hledger")
	for _, regime := range []string{chart.CN2026, chart.CN2004} {
		t.Run(regime, func(t *testing.T) {
			t.Parallel()
			b := newKeptBook(t, regime)
			b.worked()
			b.unusual()
			b.bundleInHledger(hledger)
			b.tx(func(ctx context.Context, tx pgx.Tx) error {
				plan, err := ledger.YearEnd(ctx, tx, b.Book, 2026, ledger.Day(2027, 1, 4))
				if err != nil {
					return err
				}
				_, err = ledger.PostYear(ctx, tx, b.Book, 2026, plan, uuid.New(), uuid.New(), ledger.Document{Summary: "年终结转", MadeBy: "李会计"})
				return err
			})
			b.bundleInHledger(hledger)
		})
	}
}

func (b *keptBook) bundleInHledger(hledger string) {
	b.Helper()
	data := b.bundle()
	if c := verified(b.T, data); c.All != 0 {
		b.Fatalf("differs: %v", c.Differs)
	}
	file := filepath.Join(b.TempDir(), "book.journal")
	if err := os.WriteFile(file, []byte(held(b.T, data, BundleJournal)), 0o600); err != nil {
		b.Fatal(err)
	}
	u := b.addedUp(hledger, file)
	delete(u.moved, "period") // a bundle's statements are of years
	compared := 0
	for _, f := range Forms(b.Regime) {
		if f.Regime == "" {
			continue
		}
		rows, err := csv.NewReader(strings.NewReader(held(b.T, data, BundleStatement+"2026/"+f.ID+".csv"))).ReadAll()
		if err != nil {
			b.Fatal(err)
		}
		figures := map[[2]string]int64{}
		for _, r := range rows[1:] {
			for i := 5; i < len(r); i++ {
				if r[i] == "" {
					continue
				}
				if figures[[2]string{r[1], rows[0][i]}], err = money.Parse(r[i], "CNY"); err != nil {
					b.Errorf("%s %s: %v", f.ID, r[1], err)
				}
			}
		}
		compared += b.compareRows(f, u, func(row, column string) (int64, bool) {
			minor, there := figures[[2]string{row, column}]
			return minor, there
		})
		if f.Kind == Cash { // as hledger's cash flow report has it, of the same journal
			year := askCSV(b.T, hledger, "-f", file, "cashflow", "-b", "2026-01-01", "-e", "2027-01-01", "-O", "csv", "not:tag:kind=opening")
			number, _, _ := strings.Cut(year[len(year)-1][1], " ")
			if minor, err := money.Parse(number, "CNY"); err != nil || minor != figures[[2]string{"change", "year"}] {
				b.Errorf("%s: the bundle has %d more in cash, hledger %s (%v)", f.ID, figures[[2]string{"change", "year"}], number, err)
			}
			compared++
		}
	}
	if compared < 200 {
		b.Errorf("only %d figures were compared", compared)
	}
	b.Logf("%d figures of the bundle's statements", compared)
}
