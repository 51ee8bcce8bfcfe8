package faults

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pglocal"
)

const (
	dbName   = "sunfund"
	deadline = 2 * time.Minute // for whatever must come back
)

// cluster is a PostgreSQL of ours, with data checksums, that may be killed.
type cluster struct {
	t        *testing.T
	dir      string
	settings map[string]string
	server   *pglocal.Server
}

func (c *cluster) start() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	server, err := pglocal.Start(ctx, pglocal.Config{Dir: c.dir, Settings: c.settings})
	if err != nil {
		c.t.Fatal(err)
	}
	c.server = server
}

// stop ends the server in good order, or our use of one that is dead.
func (c *cluster) stop() {
	if c.server == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := c.server.Stop(ctx); err != nil {
		c.t.Error(err)
	}
	c.server = nil
}

// socket is the folder of the server's socket; it stays the same after a restart.
func (c *cluster) socket() string {
	cfg, err := pgx.ParseConfig(c.server.DSN(dbName, pglocal.Owner))
	if err != nil {
		c.t.Fatal(err)
	}
	return cfg.Host
}

// owner connects as a superuser, past the wire.
func (c *cluster) owner(ctx context.Context) *pgx.Conn {
	c.t.Helper()
	conn, err := pgx.Connect(ctx, c.server.DSN(dbName, pglocal.Owner))
	if err != nil {
		c.t.Fatal(err)
	}
	return conn
}

// exec runs statements as a superuser.
func (c *cluster) exec(statements ...string) {
	c.t.Helper()
	ctx := context.Background()
	conn := c.owner(ctx)
	defer conn.Close(ctx)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			c.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// postmaster is the process that all others of the server descend from; 0 when it is gone.
func (c *cluster) postmaster() int {
	text, err := os.ReadFile(filepath.Join(c.server.Home(), "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(strings.SplitN(string(text), "\n", 2)[0]))
	if err != nil || gone(pid) {
		return 0
	}
	return pid
}

// processes are the server's children: sessions and helpers.
func (c *cluster) processes(where string) (pids []int) {
	c.t.Helper()
	ctx := context.Background()
	conn := c.owner(ctx)
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `select pid from pg_stat_activity where pid <> pg_backend_pid() and `+where)
	if err != nil {
		c.t.Fatal(err)
	}
	pids, err = pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		c.t.Fatal(err)
	}
	return pids
}

// killAll ends every process of the server at once, as a machine does that goes down, and waits until they are gone.
func (c *cluster) killAll() {
	c.t.Helper()
	all := append([]int{c.postmaster()}, c.processes("true")...)
	for _, pid := range all {
		signal(c.t, pid, syscall.SIGKILL)
	}
	for _, pid := range all {
		await(c.t, "the end of PostgreSQL", func() bool { return gone(pid) })
	}
}

func signal(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if pid <= 1 {
		t.Fatal("no process to signal")
	}
	if err := syscall.Kill(pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		t.Fatal(err)
	}
}

func gone(pid int) bool { return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come within %v", what, deadline)
		}
	}
}

// amcheck compares every index with its table, reads every page and its checksum.
func (c *cluster) amcheck() {
	c.t.Helper()
	bin, err := pglocal.Find("", 0)
	if err != nil {
		c.t.Fatal(err)
	}
	program := filepath.Join(bin.Dir, "pg_amcheck")
	if _, err := os.Stat(program); err != nil {
		noted(c.t, "pg_amcheck is not installed")
		return
	}
	out, err := exec.Command(program, "-h", c.socket(), "-p", "5432", "-U", pglocal.Owner, "--install-missing", "--heapallindexed", "-d", dbName).CombinedOutput()
	if err != nil { // it ends with 2 when it found something
		c.t.Errorf("pg_amcheck: %v: %s", err, out)
	}
	ctx := context.Background()
	conn := c.owner(ctx)
	defer conn.Close(ctx)
	var broken int
	var on string
	err = conn.QueryRow(ctx, `select coalesce(sum(checksum_failures), 0)::int, current_setting('data_checksums') from pg_stat_database`).Scan(&broken, &on)
	if err != nil || broken > 0 || on != "on" {
		c.t.Errorf("%d pages with a wrong checksum, checksums %s: %v", broken, on, err)
	}
}

// trySwitch has PostgreSQL begin a new file of its log, if it still can.
func (c *cluster) trySwitch() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if conn, err := pgx.Connect(ctx, c.server.DSN(dbName, pglocal.Owner)); err == nil {
		_, _ = conn.Exec(ctx, `select pg_switch_wal()`)
		_ = conn.Close(ctx)
	}
}
