package reports

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func (b *sampleBook) bundle() []byte {
	b.t.Helper()
	var out bytes.Buffer
	if err := WriteBundle(b.t.Context(), b.db, b.Book, &out); err != nil {
		b.t.Fatal(err)
	}
	return out.Bytes()
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
	for name, says := range map[string]string{BundlePostings: "differs by", BundleTrial: "does not close", BundleAccounts: ""} {
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
	r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Open(BundleJournal)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(journal, []byte("made-by:")) || bytes.Contains(journal, []byte("checked-by:")) {
		t.Error("the journal tells who signed")
	}
	file := filepath.Join(t.TempDir(), "book.journal")
	if err := os.WriteFile(file, journal, 0o600); err != nil {
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
