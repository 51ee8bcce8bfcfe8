package house

import (
	"context"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sunfund/internal/pglocal"
	"sunfund/internal/pgtest"
)

// TestBackupHasEveryBook: the role that operating.md makes for backups sees all books; the others fail instead of leaving
// rows out in silence.
func TestBackupHasEveryBook(t *testing.T) {
	t.Parallel()
	db := newOwned(t)
	db.fill(t)
	backup := strings.Replace(db.owner, "walls", "backup", 1)
	if _, err := db.Pool.Exec(t.Context(), "create role "+backup+" login bypassrls in role pg_read_all_data"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Pool.Exec(context.WithoutCancel(t.Context()), "drop role "+backup); err != nil {
			t.Error(err)
		}
	})
	bin, err := pglocal.Find("", 0)
	if err != nil {
		t.Fatal(err)
	}
	dump := func(role string) (string, error) {
		out, err := exec.CommandContext(t.Context(), filepath.Join(bin.Dir, "pg_dump"), "--data-only", "--table=balance", "--inserts", "--dbname", db.DSN(role)).CombinedOutput()
		return string(out), err
	}
	if out, err := dump(backup); err != nil || strings.Count(out, "INSERT INTO public.balance") != 3 {
		t.Errorf("%v\n%s", err, out)
	}
	for _, role := range []string{pgtest.Service, db.owner} {
		if out, err := dump(role); err == nil || !strings.Contains(out, "row-level security") {
			t.Errorf("%s: %v\n%s", role, err, out)
		}
	}
}
