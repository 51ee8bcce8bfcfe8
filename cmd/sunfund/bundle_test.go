package main

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sunfund/internal/pgtest"
	"sunfund/internal/skipped"
	"sunfund/ledger/reports"
)

// unpacked is a bundle's files in a folder.
func unpacked(t *testing.T, file string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if err := os.CopyFS(folder, z); err != nil {
		t.Fatal(err)
	}
	return folder
}

// packed is the folder as a bundle, with SHA256SUMS of the files as they are now: what a forger would hand over.
func packed(t *testing.T, folder string) (file string) {
	t.Helper()
	var sums strings.Builder
	for line := range strings.Lines(read(t, filepath.Join(folder, reports.BundleSums))) {
		_, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sum := sha256.Sum256([]byte(read(t, filepath.Join(folder, name))))
		sums.WriteString(hex.EncodeToString(sum[:]) + "  " + name + "\n")
	}
	if err := os.WriteFile(filepath.Join(folder, reports.BundleSums), []byte(sums.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "forged.zip")
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	if err := errors.Join(z.AddFS(os.DirFS(folder)), z.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// shell runs a check of the README as an auditor types it.
func shell(t *testing.T, folder, command string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), "sh", "-c", command)
	c.Dir, c.Env = folder, append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := c.CombinedOutput()
	if err != nil {
		t.Errorf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

// TestBundleCommands makes and checks a bundle as its users do: with both commands, with what any computer has, and with hledger; then damages it.
func TestBundleCommands(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	keptBook(t, db, "one")
	file := filepath.Join(t.TempDir(), "bundle.zip")
	out, progress, err := sunfund(t, "bundle", "--database-url", db.DSN(pgtest.Service), "--output", file)
	if err != nil || !strings.Contains(out, "3 entries, ") || !strings.Contains(out, "SHA256SUMS ") || !strings.Contains(progress, "postings.csv\n") {
		t.Fatalf("%v\n%s\n%s", err, out, progress)
	}
	_, root, _ := strings.Cut(strings.TrimSpace(out), "SHA256SUMS ")
	verify := func(file string, more ...string) (string, error) {
		out, _, err := sunfund(t, append([]string{"verify", "--lang", "en", "--bundle", file}, more...)...)
		return out, err
	}
	if out, err := verify(file, "--root", root); err != nil || !strings.Contains(out, "0 differ") || !strings.Contains(out, root) {
		t.Errorf("%v\n%s", err, out)
	}

	folder := unpacked(t, file)
	if got := shell(t, folder, "sha256sum --quiet -c SHA256SUMS && sha256sum SHA256SUMS | cut -c1-64"); strings.TrimSpace(got) != root {
		t.Errorf("sha256sum says %s, the command %s", got, root)
	}
	commands := map[string]string{}
	number := ""
	for line := range strings.Lines(read(t, filepath.Join(folder, reports.BundleReadme))) {
		if text := strings.TrimSpace(line); strings.HasPrefix(line, "  ") && len(text) > 2 && text[1] == '.' {
			number = text[:1]
		} else if strings.HasPrefix(line, "       ") {
			commands[number] += line
		}
	}
	if got := shell(t, folder, commands["2"]+commands["5"][:strings.Index(commands["5"], "grep")]); got != "" {
		t.Errorf("entries that do not balance, or a broken chain: %s", got)
	}
	entry, _, _ := strings.Cut(strings.Split(read(t, filepath.Join(folder, reports.BundleEntries)), "\n")[1], ",")
	for n, line := range strings.Split(strings.TrimSpace(shell(t, folder, strings.Replace(commands["4"], "E=…", "E="+entry, 1))), "\n") {
		if sum, _, _ := strings.Cut(line, " "); len(sum) != 64 || !strings.Contains(read(t, filepath.Join(folder, reports.BundleEntries)), sum) {
			t.Errorf("hash %d of an entry is %q", n+1, line)
		}
	}
	if _, err := exec.LookPath("hledger"); err != nil {
		skipped.Test(t, "hledger is not installed")
	} else if got := shell(t, folder, commands["6"]); !strings.Contains(got, "119.88 CNY") {
		t.Errorf("hledger: %s", got)
	}

	for what, damage := range map[string]struct{ file, was, is, says string }{
		"amount":    {reports.BundlePostings, "20.00", "30.00", "lines of entry"},
		"statement": {"statements/2026/cn2026-balance.csv", "119.88", "129.88", "the entries add up to 119.88"},
		"entry":     {reports.BundleEntries, ",gift,", ",voucher,", "its hash is another"},
	} {
		path := filepath.Join(unpacked(t, file), damage.file)
		changed := strings.Replace(read(t, path), damage.was, damage.is, 1)
		if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		top := path[:len(path)-len(damage.file)]
		out, err := verify(packed(t, top), "--root", root)
		if !errors.Is(err, errDiffers) || !strings.Contains(out, damage.says) || !strings.Contains(out, "not the one that was told") {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
	papers := t.TempDir()
	if err := os.WriteFile(filepath.Join(papers, "contract.pdf"), []byte("swapped"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := verify(file, "--papers", papers); !errors.Is(err, errDiffers) || !strings.Contains(out, "contract.pdf: no such paper") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := verify(filepath.Join(papers, "contract.pdf")); !errors.Is(err, reports.ErrNotBundle) {
		t.Errorf("no bundle: %v", err)
	}
}
