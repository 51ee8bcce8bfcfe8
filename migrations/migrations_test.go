package migrations_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pgtest"
	"sunfund/migrations"
)

func connect(t *testing.T, db *pgtest.DB) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), db.DSN(pgtest.Owner))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// folder makes migrations from pairs of file name and text.
func folder(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return fsys
}

func TestApplyOurs(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	conn := connect(t, db)
	pending, err := migrations.Pending(t.Context(), conn)
	if err != nil || len(pending) == 0 {
		t.Fatalf("pending in an empty database: %v, %v", pending, err)
	}
	applied, err := migrations.Apply(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(applied, pending) {
		t.Errorf("applied %v, pending were %v", applied, pending)
	}
	if again, err := migrations.Apply(t.Context(), conn); err != nil || len(again) != 0 {
		t.Errorf("a second time: %v, %v", again, err)
	}
	service, err := pgx.Connect(t.Context(), db.DSN(pgtest.Service))
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close(t.Context())
	if pending, err := migrations.Pending(t.Context(), service); err != nil || len(pending) != 0 {
		t.Errorf("the service sees pending: %v, %v", pending, err)
	}
}

func TestApplyAtOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	files := folder("0001_slow.sql", "select pg_sleep(0.1); create table a (x int)", "0002_b.sql", "create table b (x int)")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var all []string
	for range 3 {
		conn := connect(t, db)
		wg.Go(func() {
			applied, err := migrations.ApplyFS(context.Background(), conn, files)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, applied...)
		})
	}
	wg.Wait()
	if want := []string{"0001_slow.sql", "0002_b.sql"}; !slices.Equal(all, want) {
		t.Errorf("three migrators applied %v, want %v", all, want)
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	a, b := "create table a (x int)", "create table b (x int)"
	for _, c := range []struct {
		name  string
		first fstest.MapFS
		then  fstest.MapFS
		want  error
	}{
		{"a changed file", folder("0001_a.sql", a), folder("0001_a.sql", a+" -- but longer"), migrations.ErrChanged},
		{"a missing file", folder("0001_a.sql", a, "0002_b.sql", b), folder("0001_a.sql", a), migrations.ErrNewer},
		{"a gap", folder(), folder("0001_a.sql", a, "0003_b.sql", b), migrations.ErrOrder},
		{"a number twice", folder(), folder("0001_a.sql", a, "0001_b.sql", b), migrations.ErrOrder},
		{"another first number", folder(), folder("0000_a.sql", a), migrations.ErrOrder},
		{"another kind of name", folder(), folder("1-a.sql", a), migrations.ErrOrder},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			if _, err := migrations.ApplyFS(t.Context(), conn, c.first); err != nil {
				t.Fatal(err)
			}
			if _, err := migrations.ApplyFS(t.Context(), conn, c.then); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestApplyRefusesLostVersion(t *testing.T) {
	t.Parallel()
	conn := connect(t, pgtest.Empty(t))
	files := folder("0001_a.sql", "create table a (x int)", "0002_b.sql", "create table b (x int)")
	if _, err := migrations.ApplyFS(t.Context(), conn, files); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), `delete from schema_migration where version = 1`); err != nil {
		t.Fatal(err)
	}
	if _, err := migrations.ApplyFS(t.Context(), conn, files); !errors.Is(err, migrations.ErrOrder) {
		t.Errorf("got %v", err)
	}
}

// A file that fails leaves nothing of itself, the ones before it stay, and its line is named.
func TestApplyNamesTheLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, sql, want string }{
		{"syntax", "create table b (x int);\n\ncreate tabel c (x int);\n", "0002_b.sql:3:"},
		{"unknown column, after Chinese text", "-- 账\ncreate table b (x int);\ninsert into b\n  (y) values (1);\n", "0002_b.sql:4:"},
		{"while running", "create table b (x int primary key);\n" +
			"/* ; */ insert into b values (1); -- one; two\n" +
			"do $body$ begin\n  perform 1; perform ';';\nend $body$;\n\n" +
			"-- again\ninsert into b\n  values (1);", "0002_b.sql:8:"},
		{"raised", "create table b (x int);\ndo $$ begin\n  raise exception 'no';\nend $$;\n", "0002_b.sql:2:"},
		{"its own commit", "create table b (x int);\ncommit;\n", "must not end its transaction"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, pgtest.Empty(t))
			applied, err := migrations.ApplyFS(t.Context(), conn, folder("0001_a.sql", "create table a (x int)", "0002_b.sql", c.sql))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if !slices.Equal(applied, []string{"0001_a.sql"}) {
				t.Errorf("applied %v", applied)
			}
			if c.name == "its own commit" {
				return // what it committed cannot be taken back, only reported
			}
			var a, b bool
			err = conn.QueryRow(t.Context(), `select to_regclass('a') is not null, to_regclass('b') is not null`).Scan(&a, &b)
			if err != nil || !a || b {
				t.Errorf("table a %t, table b %t (%v)", a, b, err)
			}
		})
	}
}

func TestHash(t *testing.T) {
	t.Parallel()
	hash, err := migrations.Hash()
	if err != nil || len(hash) != 64 {
		t.Errorf("%q, %v", hash, err)
	}
}
