// Package pgtest gives each test a PostgreSQL database of its own, migrated, within milliseconds, so
// that all tests run in parallel and leave nothing behind.
//
// One private cluster serves all test processes of a user. The first test that needs it starts it,
// and it goes on running, so that the next `go test` of any package begins at once. `make test` ends
// with stopping it; `make stop-test-db` does so at any other time. It runs with fsync off: it
// loses its data in a power cut and nobody minds.
//
// The migrated schema is kept as a template database under the hash of the migrations; each test
// gets a copy. Templates of other hashes and databases of tests that were killed are dropped once
// they are an hour old.
package pgtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pglocal"
	"sunfund/migrations"
)

// The roles that a test may connect as, for DSN.
const (
	Owner   = pglocal.Owner
	Service = pglocal.Service
)

// EnvDir names the environment variable that puts the cluster into another folder.
const EnvDir = "SUNFUND_TEST_PG"

// poolSize is small since hundreds of tests share the cluster's connections.
const poolSize = 4

const (
	templatePrefix = "sunfund_template_"
	testPrefix     = "sunfund_test_"
	staleAfter     = time.Hour
	// One process at a time looks for the template, makes it and sweeps.
	lockKey = 0x7067746573746c

	codeNoSuchDatabase = "3D000"

	sqlLock   = `select pg_advisory_lock($1)`
	sqlExists = `select exists (select from pg_database where datname = $1)`
	// A database is as old as its version file, which is written once.
	sqlStale = `select datname from pg_database d
		where (datname like 'sunfund\_template\_%' or datname like 'sunfund\_test\_%')
		  and datname <> $1
		  and (pg_stat_file('base/' || oid || '/PG_VERSION', true)).modification < now() - make_interval(secs => $2)
		  and not exists (select from pg_stat_activity a where a.datid = d.oid)`
)

// DB is a database of one test. It is dropped when the test ends.
type DB struct {
	Pool *pgxpool.Pool // as the owner of the schema; also a superuser
	// Service connects as the service, with the rights that the migrations grant, in book 1 unless the context says
	// another: most tests have that one only.
	Service *pgxpool.Pool
	Name    string
	server  *pglocal.Server
}

// DSN returns the database's address for a role: Owner or Service.
func (db *DB) DSN(role string) string { return db.server.DSN(db.Name, role) }

// New returns a fresh migrated database.
func New(t testing.TB) *DB {
	t.Helper()
	db := create(t, func(ctx context.Context, c *cluster) (string, error) { return c.cloned(ctx, testName()) })
	db.Service = open(t, db.DSN(Service), pg.Param("sunfund.book", "1"))
	return db
}

// Empty returns a fresh database without any of our tables, for tests of migrations and of start-up.
// Its Service pool is nil.
func Empty(t testing.TB) *DB {
	t.Helper()
	return create(t, func(ctx context.Context, c *cluster) (string, error) {
		name := testName()
		_, err := c.admin.Exec(ctx, "create database "+name)
		return name, err
	})
}

// Copies prepares a database once and gives what makes copies of it, each for a test of its own.
func Copies(t testing.TB, prepare func(*DB)) func(testing.TB) *DB {
	t.Helper()
	model := New(t)
	prepare(model)
	model.Pool.Close() // nobody may be connected while it is copied
	model.Service.Close()
	var one sync.Mutex // two copies at a time disturb each other
	return func(t testing.TB) *DB {
		t.Helper()
		db := create(t, func(ctx context.Context, c *cluster) (string, error) {
			one.Lock()
			defer one.Unlock()
			name := testName()
			_, err := c.admin.Exec(ctx, "create database "+name+" template "+model.Name+" strategy file_copy")
			return name, err
		})
		db.Service = open(t, db.DSN(Service), pg.Param("sunfund.book", "1"))
		return db
	}
}

// Bare connects as the service in no book but the context's, as a running service does.
func (db *DB) Bare(t testing.TB) *pgxpool.Pool {
	t.Helper()
	return open(t, db.DSN(Service))
}

func create(t testing.TB, named func(context.Context, *cluster) (string, error)) *DB {
	t.Helper()
	c, err := shared()
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	name, err := named(context.Background(), c)
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := c.admin.Exec(ctx, "drop database if exists "+name+" with (force)"); err != nil {
			t.Errorf("drop test database: %v", err)
		}
	})
	db := &DB{Name: name, server: c.server}
	db.Pool = open(t, db.DSN(Owner))
	return db
}

func open(t testing.TB, dsn string, opts ...pg.Option) *pgxpool.Pool {
	t.Helper()
	pool, err := pg.Open(context.Background(), dsn, append(opts, pg.MaxConns(poolSize))...)
	if err != nil {
		t.Fatalf("test database: %v", err)
	}
	t.Cleanup(func() {
		// Close waits for connections that a test forgot to give back; the drop that follows ends them.
		closed := make(chan struct{})
		go func() { pool.Close(); close(closed) }()
		select {
		case <-closed:
		case <-time.After(time.Minute):
			t.Error("a connection of the test's pool was never given back (rows not closed, transaction not ended)")
		}
	})
	return pool
}

// cluster is the running server and this process's connections for administration.
type cluster struct {
	server   *pglocal.Server
	admin    *pgxpool.Pool
	template string
}

// shared starts or finds the cluster, once per process. The process's end is its release.
var shared = sync.OnceValues(func() (*cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cfg, err := Config()
	if err != nil {
		return nil, err
	}
	server, err := pglocal.Start(ctx, cfg)
	if err != nil {
		return nil, err
	}
	admin, err := pg.Open(ctx, server.DSN("postgres", Owner), pg.MaxConns(poolSize))
	if err != nil {
		return nil, err
	}
	hash, err := migrations.Hash()
	if err != nil {
		return nil, err
	}
	c := &cluster{server: server, admin: admin, template: templatePrefix + hash[:16]}
	return c, c.prepare(ctx)
})

// Config says where the cluster of the tests lives: in $SUNFUND_TEST_PG, or in the user's cache folder
// under the version of PostgreSQL.
func Config() (pglocal.Config, error) {
	bin, err := pglocal.Find("", 0)
	if err != nil {
		return pglocal.Config{}, err
	}
	cache, err := os.UserCacheDir()
	if err == nil {
		err = os.MkdirAll(cache, 0o700)
	}
	if err != nil { // no home, or none to write in
		cache = filepath.Join(os.TempDir(), fmt.Sprintf("sunfund-%d", os.Getuid()))
	}
	dir := cmp.Or(os.Getenv(EnvDir), filepath.Join(cache, "sunfund", fmt.Sprintf("pgtest-%d", bin.Major)))
	return pglocal.Config{
		Dir:        dir,
		BinDir:     bin.Dir,
		Keep:       true,
		Disposable: true,
		Settings: map[string]string{
			"fsync":                   "off",
			"full_page_writes":        "off",
			"max_connections":         "300",
			"shared_buffers":          "256MB",
			"max_wal_size":            "4GB",
			"autovacuum_naptime":      "5min", // hundreds of short-lived databases to look through
			"log_min_error_statement": "panic",
		},
	}, nil
}

// prepare makes the template if the hash is new and sweeps away what is old.
func (c *cluster) prepare(ctx context.Context) error {
	conn, err := c.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, sqlLock, int64(lockKey)); err != nil {
		return err
	}
	defer func() { _, _ = conn.Exec(ctx, `select pg_advisory_unlock_all()`) }()

	if err := c.sweep(ctx, conn.Conn()); err != nil {
		return fmt.Errorf("sweep old test databases: %w", err)
	}
	var exists bool
	if err := conn.QueryRow(ctx, sqlExists, c.template).Scan(&exists); err != nil {
		return err
	}
	if exists {
		return nil
	}
	if err := c.build(ctx, conn.Conn()); err != nil {
		return fmt.Errorf("make template database: %w", err)
	}
	return nil
}

// build migrates a database and turns it into the template, under its final name only when it is whole.
func (c *cluster) build(ctx context.Context, conn *pgx.Conn) error {
	raw := c.template + "_building"
	for _, sql := range []string{"drop database if exists " + raw + " with (force)", "create database " + raw} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	if err := c.migrate(ctx, raw); err != nil {
		return err
	}
	for _, sql := range []string{
		"alter database " + raw + " with is_template true allow_connections false",
		"alter database " + raw + " rename to " + c.template,
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

func (c *cluster) migrate(ctx context.Context, name string) error {
	conn, err := pgx.Connect(ctx, c.server.DSN(name, Owner))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = migrations.Apply(ctx, conn)
	return err
}

// cloned makes a copy of the template, which another checkout's sweep may have dropped meanwhile.
func (c *cluster) cloned(ctx context.Context, name string) (string, error) {
	for attempt := 1; ; attempt++ {
		_, err := c.admin.Exec(ctx, "create database "+name+" template "+c.template+" strategy file_copy")
		var answer *pgconn.PgError
		if attempt == 1 && errors.As(err, &answer) && answer.Code == codeNoSuchDatabase {
			if err := c.prepare(ctx); err != nil {
				return "", err
			}
			continue
		}
		return name, err
	}
}

func (c *cluster) sweep(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, sqlStale, c.template, staleAfter.Seconds())
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, templatePrefix) {
			if _, err := conn.Exec(ctx, "alter database "+name+" with is_template false"); err != nil {
				return err
			}
		}
		if _, err := conn.Exec(ctx, "drop database if exists "+name); err != nil {
			return err
		}
	}
	return nil
}

// testName is unique among all processes that share the cluster.
func testName() string { return testPrefix + strings.ToLower(rand.Text()) }
