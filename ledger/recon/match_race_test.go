package recon_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

// Runs at once, one that is cut off, files that come meanwhile and a person who takes matches apart and puts every other one together again: nothing is matched
// twice, what was taken apart stays so, and the last run leaves nothing to do.
func TestRunsAndPeopleAtOnce(t *testing.T) {
	t.Parallel()
	m := newMonth(t, "clean-1", statement.MT940)
	m.paged = true
	ctx := pg.WithBook(context.Background(), m.book.ID)
	names := m.files("bank_mt940.sta")
	early := len(names) * 2 / 3
	for _, name := range names[:early] {
		m.take(name, shared(t, m.set, name))
	}
	m.run(asOf)
	type match struct {
		source int32
		line   []byte
		ours   uuid.UUID
	}
	rows, err := m.db.Query(ctx, `select m.source_id, m.line_key, m.ours from (`+recon.MatchedRows+`) m where exists (select from recon_page p where m.ours = any(p.ours)) order by m.line_key limit 8`)
	m.ok(err)
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (x match, err error) { return x, row.Scan(&x.source, &x.line, &x.ours) })
	m.ok(err)
	if len(list) != 8 {
		t.Fatalf("%d matches on pages", len(list))
	}
	cut := errors.New("cut off")
	var group sync.WaitGroup
	failed := make(chan error, 8)
	start := func(do func() error) {
		group.Go(func() {
			if err := do(); err != nil {
				failed <- err
			}
		})
	}
	for worker := range 3 {
		start(func() error {
			for i := range 3 {
				err := pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
					if _, err := recon.RunFrom(ctx, tx, m.book, asOf.Add(time.Minute), -1); err != nil {
						return fmt.Errorf("run: %w", err)
					}
					if worker == 0 && i < 2 { // when its pages are written
						return cut
					}
					return nil
				})
				if err != nil && !errors.Is(err, cut) {
					return err
				}
			}
			return nil
		})
	}
	start(func() error {
		for i, x := range list {
			if err := pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
				return recon.Revoke(ctx, tx, m.book, uuid.Nil, x.source, x.line, m.by, "of another donor", asOf)
			}); err != nil {
				return fmt.Errorf("revoke: %w", err)
			}
			if i%2 == 1 {
				continue
			}
			if err := pg.InTx(ctx, m.db, func(tx pgx.Tx) error {
				_, err := recon.Match(ctx, tx, m.book, x.source, [][]byte{x.line}, []uuid.UUID{x.ours}, m.by, "it was right", asOf)
				return err
			}); err != nil {
				return fmt.Errorf("match: %w", err)
			}
		}
		return nil
	})
	for _, name := range slices.Backward(names[early:]) {
		m.take(name, shared(t, m.set, name))
	}
	group.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	m.run(asOf.Add(time.Hour))
	if again := m.run(asOf.Add(time.Hour)); again.Written {
		t.Errorf("a further run wrote: %+v", again)
	}
	if said := m.told(""); len(said) > 0 {
		t.Errorf("verify: %s", strings.Join(said, "\n"))
	}
	for i, x := range list {
		n := m.number(`select count(*) from (`+recon.MatchedRows+`) m where source_id = $1 and line_key = $2`, x.source, x.line)
		if want := (i + 1) % 2; n != want {
			t.Errorf("%d: %d matches, want %d", i, n, want)
		}
	}
	if n := m.number(`select count(*) from source_file where state = 'imported' and run_no is null`); n != 0 {
		t.Errorf("%d files were left out", n)
	}
}
