package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sunfund/ledger/money"
)

// Whatever hledger finds otherwise than we is told by account.
func TestDifferencesFromHledger(t *testing.T) {
	t.Parallel()
	ours := map[string]money.Money{"Assets:Bank": {Minor: 1234_05, Currency: "CNY"}, "Assets:Yen": {Minor: -500, Currency: "JPY"}, "Assets:Empty": {Currency: "CNY"}}
	theirs := func(more ...string) map[string]string {
		m := map[string]string{"Assets:Bank": "1234.05 CNY", "Assets:Yen": "-500 JPY", "Assets:Empty": "0"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	if err := differences(ours, theirs()); err != nil {
		t.Error(err)
	}
	for _, wrong := range [][]string{{"Assets:Bank", "1234.06 CNY"}, {"Assets:Bank", "1234.05 USD"}, {"Assets:Yen", "0"}, {"Assets:Empty", "0.01 CNY"}, {"Assets:Other", "1 CNY"}, {"Assets:Bank", "x"}} {
		if err := differences(ours, theirs(wrong...)); !errors.Is(err, ErrOutside) || !strings.Contains(err.Error(), wrong[0]) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

// The newest finished file counts, by its age, its content and the checksum beside it.
func TestBackupsAreLookedAt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir := t.TempDir()
	put := func(name, text string, age time.Duration) {
		t.Helper()
		file := filepath.Join(dir, name)
		b.ok(os.WriteFile(file, []byte(text), 0o600))
		b.ok(os.Chtimes(file, start, start.Add(-age)))
	}
	tools := Tools{Backups: Backups{Dir: dir, Age: 26 * time.Hour}}
	r := b.runner(Job{Name: "backup", When: every5(b), Do: tools.backup})
	check := func(what, want string) {
		t.Helper()
		b.later(5 * time.Minute)
		b.look(r)
		j := b.job("backup")
		if !strings.Contains(j.Last.Error, want) || (want == "") != (j.Last.Error == "") {
			t.Errorf("%s: %q, want %q", what, j.Last.Error, want)
		}
	}
	check("an empty folder", ErrNoBackup.Error())
	put("old.dump", "PGDMP old", 30*time.Hour)
	put("new.dump.tmp", "PGD", 0)
	check("an old backup and one that is being written", ErrOldBackup.Error())
	put("new.dump", "", time.Hour)
	check("an empty one", "is empty")
	put("new.dump", "select 1", time.Hour)
	check("something else", "is no dump")
	put("new.dump", "PGDMP new", time.Hour)
	check("without checksum", "")
	put("new.dump.sha256", strings.Repeat("0", 64)+"  new.dump\n", time.Hour)
	check("another checksum", "another checksum")
	sum := sha256.Sum256([]byte("PGDMP new"))
	put("new.dump.sha256", hex.EncodeToString(sum[:])+"  new.dump\n", time.Hour)
	check("its checksum", "")
	if j := b.job("backup"); j.Last.Counts["compared"] != 1 || j.Red() {
		t.Errorf("at the end: %+v", j)
	}
}
