package pg_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
)

const sqlWhere = `select coalesce(current_setting('sunfund.book', true), '')`

// where says which book a statement runs in.
func where(ctx context.Context, t *testing.T, q pg.Querier) (book string) {
	t.Helper()
	if err := q.QueryRow(ctx, sqlWhere).Scan(&book); err != nil {
		t.Fatal(err)
	}
	return book
}

// TestAConnectionKeepsNoBook: one connection serves visit after visit, and each is in its own book or in none.
func TestAConnectionKeepsNoBook(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool, err := pg.Open(t.Context(), db.DSN(pgtest.Service), pg.MaxConns(1))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	none, one, two := t.Context(), pg.WithBook(t.Context(), 1), pg.WithBook(t.Context(), 2)
	want := map[context.Context]string{none: "", one: "1", two: "2"}
	visits := []context.Context{none, one, one, two, none, two, one, none}
	for i, ctx := range visits {
		if got := where(ctx, t, pool); got != want[ctx] {
			t.Errorf("visit %d reads in book %q, want %q", i, got, want[ctx])
		}
		err := pg.InTx(ctx, pool, func(tx pgx.Tx) error {
			if got := where(ctx, t, tx); got != want[ctx] {
				t.Errorf("visit %d writes in book %q, want %q", i, got, want[ctx])
			}
			if i%2 == 0 {
				return pg.EnterBook(ctx, tx, 7)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		failed := pg.InTx(ctx, pool, func(tx pgx.Tx) error {
			return errors.Join(pg.EnterBook(ctx, tx, 8), errors.New("changed my mind"))
		})
		if pg.OutcomeOf(failed) != pg.Refused {
			t.Errorf("visit %d: %v", i, failed)
		}
		if got := where(ctx, t, pool); got != want[ctx] {
			t.Errorf("after its transactions visit %d reads in book %q, want %q", i, got, want[ctx])
		}
	}
	if total := pool.Stat().NewConnsCount(); total != 1 {
		t.Errorf("%d connections, so this showed nothing", total)
	}
}

// TestBooksTakeTurns: many visits of several books share few connections, some of them broken off.
func TestBooksTakeTurns(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	pool, err := pg.Open(t.Context(), db.DSN(pgtest.Service), pg.MaxConns(3))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var all sync.WaitGroup
	for i := range 12 {
		book := int32(i % 4)
		all.Go(func() {
			ctx := t.Context()
			want := ""
			if book > 0 {
				ctx, want = pg.WithBook(ctx, book), fmt.Sprint(book)
			}
			for r := range 40 {
				visit, cancel := context.WithTimeout(ctx, time.Duration(r%5)*200*time.Microsecond)
				var got string
				if err := pool.QueryRow(visit, sqlWhere).Scan(&got); err == nil && got != want {
					t.Errorf("a hurried visit of book %q reads in %q", want, got)
				}
				cancel()
				if got := where(ctx, t, pool); got != want {
					t.Errorf("a visit of book %q reads in %q", want, got)
				}
			}
		})
	}
	all.Wait()
}

// TestTransactionBringsItsBook: a connection of no pool is set for the transaction, in the message that begins it.
func TestTransactionBringsItsBook(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	conn, err := pgx.Connect(t.Context(), db.DSN(pgtest.Service))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	ctx := pg.WithBook(t.Context(), 5)
	err = pg.InTx(ctx, conn, func(tx pgx.Tx) error {
		if got := where(ctx, t, tx); got != "5" {
			t.Errorf("in book %q", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := where(ctx, t, conn); got != "" {
		t.Errorf("after it, in book %q", got)
	}
}
