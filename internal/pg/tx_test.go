package pg_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
)

const (
	sqlTable  = `create table counter (id int primary key, n int not null)`
	sqlSeed   = `insert into counter values (1, 0), (2, 0)`
	sqlAdd    = `update counter set n = n + 1 where id = $1`
	sqlTotal  = `select sum(n) from counter`
	sqlStrict = `set transaction isolation level serializable`
)

func counters(t *testing.T) *pgtest.DB {
	t.Helper()
	db := pgtest.Empty(t)
	for _, sql := range []string{sqlTable, sqlSeed} {
		if _, err := db.Pool.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func total(t *testing.T, db *pgtest.DB) (n int) {
	t.Helper()
	if err := db.Pool.QueryRow(t.Context(), sqlTotal).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestInTxCommitsAndRefuses(t *testing.T) {
	t.Parallel()
	db := counters(t)
	ctx := t.Context()
	add := func(tx pgx.Tx) error { _, err := tx.Exec(ctx, sqlAdd, 1); return err }

	err := pg.InTx(ctx, db.Pool, add)
	if pg.OutcomeOf(err) != pg.Done || total(t, db) != 1 {
		t.Fatalf("committing: %v, total %d", err, total(t, db))
	}

	mine := errors.New("not today")
	err = pg.InTx(ctx, db.Pool, func(tx pgx.Tx) error { return errors.Join(add(tx), mine) })
	if !errors.Is(err, mine) || pg.OutcomeOf(err) != pg.Refused || total(t, db) != 1 {
		t.Errorf("an error of ours: %v, total %d", err, total(t, db))
	}

	// A failed statement whose error was swallowed: the server answers ROLLBACK to COMMIT.
	err = pg.InTx(ctx, db.Pool, func(tx pgx.Tx) error {
		_, _ = tx.Exec(ctx, `select 1/0`)
		return nil
	})
	if !errors.Is(err, pgx.ErrTxCommitRollback) || pg.OutcomeOf(err) != pg.Refused {
		t.Errorf("a swallowed error: %v", err)
	}

	func() {
		defer func() { _ = recover() }()
		_ = pg.InTx(ctx, db.Pool, func(tx pgx.Tx) error { _ = add(tx); panic("bug") })
	}()
	if total(t, db) != 1 {
		t.Errorf("a panic left total %d", total(t, db))
	}
	if n := db.Pool.Stat().AcquiredConns(); n != 0 {
		t.Errorf("%d connections were not given back", n)
	}
}

// A deferred constraint speaks only at COMMIT: an answer of the server, so a refusal.
func TestInTxRefusedAtCommit(t *testing.T) {
	t.Parallel()
	db := counters(t)
	ctx := t.Context()
	if _, err := db.Pool.Exec(ctx, `create table child (id int references counter deferrable initially deferred)`); err != nil {
		t.Fatal(err)
	}
	err := pg.InTx(ctx, db.Pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into child values (99)`)
		return err
	})
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || answer.Code != "23503" || pg.OutcomeOf(err) != pg.Refused {
		t.Errorf("got %v", err)
	}
}

// A warning at COMMIT is how a cancelled wait for a synchronous standby ends. Here a trigger speaks it.
func TestInTxWarnedAtCommit(t *testing.T) {
	t.Parallel()
	db := counters(t)
	ctx := t.Context()
	for _, sql := range []string{
		`create function warn() returns trigger language plpgsql as $$ begin raise warning 'not on the standby'; return null; end $$`,
		`create constraint trigger warn after update on counter deferrable initially deferred for each row execute function warn()`,
	} {
		if _, err := db.Pool.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := db.Pool.Acquire(ctx) // twice on one connection: what was said before does not count
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Release()
	err = pg.InTx(ctx, conn, func(tx pgx.Tx) error { _, err := tx.Exec(ctx, sqlAdd, 1); return err })
	if pg.OutcomeOf(err) != pg.Unknown {
		t.Errorf("a warning at COMMIT: %v", err)
	}
	if err := pg.InTx(ctx, conn, func(tx pgx.Tx) error { return pg.Confirm(ctx, tx) }); err != nil {
		t.Errorf("the next transaction: %v", err)
	}
}

func TestInTxContextOver(t *testing.T) {
	t.Parallel()
	db := counters(t)
	ctx, cancel := context.WithCancel(t.Context())
	err := pg.InTx(ctx, db.Pool, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlAdd, 1)
		cancel() // before COMMIT is sent
		return err
	})
	if !errors.Is(err, context.Canceled) || pg.OutcomeOf(err) != pg.Refused || total(t, db) != 0 {
		t.Errorf("got %v, total %d", err, total(t, db))
	}
}

func TestInTxRetriesSerializationFailures(t *testing.T) {
	t.Parallel()
	db := counters(t)
	ctx := t.Context()
	var attempts atomic.Int32
	var first, both sync.WaitGroup
	first.Add(2) // both have read before either writes, so one of them must fail
	for range 2 {
		both.Go(func() {
			met := false
			err := pg.InTx(ctx, db.Pool, func(tx pgx.Tx) error {
				attempts.Add(1)
				if _, err := tx.Exec(ctx, sqlStrict); err != nil {
					return err
				}
				var n int
				if err := tx.QueryRow(ctx, sqlTotal).Scan(&n); err != nil {
					return err
				}
				if !met {
					met = true
					first.Done()
					first.Wait()
				}
				_, err := tx.Exec(ctx, sqlAdd, 1)
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if total(t, db) != 2 || attempts.Load() < 3 {
		t.Errorf("total %d after %d attempts, want 2 after at least 3", total(t, db), attempts.Load())
	}
}

func TestInTxRetriesDeadlocks(t *testing.T) {
	t.Parallel()
	db := counters(t)
	ctx := t.Context()
	var first, both sync.WaitGroup
	first.Add(2)
	for _, order := range [][2]int{{1, 2}, {2, 1}} {
		both.Go(func() {
			met := false
			err := pg.InTx(ctx, db.Pool, func(tx pgx.Tx) error {
				if _, err := tx.Exec(ctx, sqlAdd, order[0]); err != nil {
					return err
				}
				if !met {
					met = true
					first.Done()
					first.Wait()
				}
				_, err := tx.Exec(ctx, sqlAdd, order[1])
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if total(t, db) != 4 {
		t.Errorf("total %d, want 4", total(t, db))
	}
}

func TestInTxGivesUp(t *testing.T) {
	t.Parallel()
	db := counters(t)
	ctx := t.Context()
	attempts := 0
	err := pg.InTx(ctx, db.Pool, func(tx pgx.Tx) error {
		attempts++
		_, err := tx.Exec(ctx, `do $$ begin raise exception using errcode = '40001'; end $$`)
		return err
	})
	if attempts != 10 || pg.OutcomeOf(err) != pg.Refused {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

// cutter is a wire that breaks when it is told to.
type cutter struct {
	net.Conn
	cut  *atomic.Int32
	sent bool // COMMIT went out: its answer will be lost
}

const (
	beforeCommit = iota + 1
	commitLost
	answerLost
)

var errCut = errors.New("the wire was cut")

func (c *cutter) Write(b []byte) (int, error) {
	cut := c.cut.Load()
	isCommit := bytes.Contains(b, []byte("commit\x00"))
	if cut == beforeCommit || cut == commitLost && isCommit {
		c.Conn.Close()
		return 0, errCut
	}
	c.sent = c.sent || isCommit
	return c.Conn.Write(b)
}

// Read loses the answer to COMMIT after the server has given it.
func (c *cutter) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.cut.Load() == answerLost && c.sent {
		c.Conn.Close()
		return 0, errCut
	}
	return n, err
}

func TestInTxWireCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		cut   int32
		want  pg.Outcome
		total int // what only another connection can tell
	}{
		{"before commit", beforeCommit, pg.Refused, 0},
		{"COMMIT is lost", commitLost, pg.Unknown, 0},
		{"its answer is lost", answerLost, pg.Unknown, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := counters(t)
			ctx := t.Context()
			cfg, err := pgx.ParseConfig(db.DSN(pgtest.Owner))
			if err != nil {
				t.Fatal(err)
			}
			var cut atomic.Int32
			dial := cfg.DialFunc
			cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
				conn, err := dial(ctx, network, addr)
				return &cutter{Conn: conn, cut: &cut}, err
			}
			conn, err := pgx.ConnectConfig(ctx, cfg)
			if err != nil {
				t.Fatal(err)
			}
			attempts := 0
			err = pg.InTx(ctx, conn, func(tx pgx.Tx) error {
				attempts++
				if _, err := tx.Exec(ctx, sqlAdd, 1); err != nil {
					return err
				}
				cut.Store(c.cut)
				if c.cut == beforeCommit {
					_, _ = tx.Exec(ctx, sqlAdd, 2) // even if fn does not notice
				}
				return nil
			})
			if pg.OutcomeOf(err) != c.want || attempts != 1 {
				t.Errorf("outcome %d after %d attempts, want %d after 1: %v", pg.OutcomeOf(err), attempts, c.want, err)
			}
			if got := total(t, db); got != c.total {
				t.Errorf("the database has total %d, want %d", got, c.total)
			}
		})
	}
}

// The server ends the session while the transaction is open: no COMMIT was answered, none was done.
func TestInTxSessionEnded(t *testing.T) {
	t.Parallel()
	db := counters(t)
	ctx := t.Context()
	err := pg.InTx(ctx, db.Pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sqlAdd, 1); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `select pg_terminate_backend(pg_backend_pid())`)
		return err
	})
	if pg.OutcomeOf(err) != pg.Refused || total(t, db) != 0 {
		t.Errorf("got %v, total %d", err, total(t, db))
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	db := pgtest.Empty(t)
	pool, err := pg.Open(t.Context(), db.DSN(pgtest.Owner)+"&pool_max_conns=3&lock_timeout=1234", pg.StatementTimeout(7*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if n := pool.Config().MaxConns; n != 3 {
		t.Errorf("pool_max_conns of the address: %d connections", n)
	}
	for name, want := range map[string]string{"statement_timeout": "7s", "lock_timeout": "1234ms", "TimeZone": "UTC",
		"application_name": "sunfund", "idle_in_transaction_session_timeout": "1min"} {
		var got string
		if err := pool.QueryRow(t.Context(), `select current_setting($1)`, name).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if _, err := pg.Open(t.Context(), "postgres://nobody@/nothing?host=/nowhere&connect_timeout=1"); err == nil {
		t.Error("opened a database that is not there")
	}
	if _, err := pg.Open(t.Context(), "postgres://u:secret@h/db?sslmode=maybe"); err == nil || bytes.Contains([]byte(err.Error()), []byte("secret")) {
		t.Errorf("a bad address: %v", err)
	}
}
