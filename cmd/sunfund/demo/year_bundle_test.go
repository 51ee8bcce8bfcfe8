package demo

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"testing"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/reports"
)

// bundled is the auditor's bundle of the demo, verified as `sunfund verify --bundle` does it.
func bundled(t *testing.T, ctx context.Context, q pg.Querier, book *ledger.Book) *zip.Reader {
	t.Helper()
	var out bytes.Buffer
	if _, _, err := reports.WriteBundle(ctx, q, book, &out, nil); err != nil {
		t.Fatal(err)
	}
	check, err := reports.VerifyBundle(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil || check.All != 0 {
		t.Fatalf("the bundle differs: %v %+v", err, check)
	}
	bundle, err := zip.NewReader(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func fileOf(t *testing.T, bundle *zip.Reader, name string) []byte {
	t.Helper()
	file, err := bundle.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// journalOf puts a bundle's journal where hledger can read it; hledger finds nothing to say against it.
func journalOf(t *testing.T, bundle *zip.Reader) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), reports.BundleJournal)
	if err := os.WriteFile(file, fileOf(t, bundle, reports.BundleJournal), 0o600); err != nil {
		t.Fatal(err)
	}
	hledger(t, file, "check", "--strict")
	return file
}

// compareBundle holds each figure of the statements of 2025 in a bundle to those that hledger was asked about.
func compareBundle(t *testing.T, bundle *zip.Reader, figure map[string]func(row, column string) (int64, bool)) {
	t.Helper()
	compared, forms := 0, 0
	for id, of := range figure {
		if form, _ := reports.FormByID(id); form.Regime == "" || form.Since > 2025 {
			continue
		}
		rows, err := csv.NewReader(bytes.NewReader(fileOf(t, bundle, reports.BundleStatement+"2025/"+id+".csv"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows[1:] {
			for i := 5; i < len(r); i++ { // behind part, row, number and names
				if r[i] == "" {
					continue
				}
				want, there := of(r[1], rows[0][i])
				if got, err := money.Parse(r[i], "CNY"); err != nil || got != want || !there {
					t.Errorf("%s %s %s: the bundle has %s, the statement %s (%v)", id, r[1], rows[0][i], r[i], money.Format(want, "CNY"), there)
				}
				compared++
			}
		}
		forms++
	}
	if forms != 3 || compared < 100 {
		t.Errorf("%d figures of %d statements of the bundle were compared", compared, forms)
	}
	t.Logf("%d figures of %d statements of the bundle", compared, forms)
}
