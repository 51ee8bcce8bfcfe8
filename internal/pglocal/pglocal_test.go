package pglocal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// envChild makes the test binary start the folder that it names, print the process id of the server
// and wait to be killed or for the end of its input.
const envChild = "SUNFUND_PGLOCAL_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(envChild); dir != "" {
		child(dir)
		return
	}
	os.Exit(m.Run())
}

func child(dir string) {
	ctx := context.Background()
	s, err := Start(ctx, testConfig(dir))
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	p, _ := findPostmaster(s.data)
	fmt.Println("ready", p.pid, s.Started())
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if err := s.Stop(ctx); err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
}

func testConfig(dir string) Config {
	return Config{Dir: dir, Disposable: true, Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB", "max_connections": "20"}}
}

// folder is a temporary folder that the server's account can enter when the tests run as root.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "pg")
}

func mustStart(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopAll(t, s.home) })
	return s
}

// stopAll leaves no server behind, whatever the test did.
func stopAll(t *testing.T, home string) {
	data := filepath.Join(home, "data")
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		p, running := findPostmaster(data)
		if !running {
			return
		}
		_ = syscall.Kill(p.pid, syscall.SIGINT)
	}
	t.Errorf("the server of %s does not stop", data)
}

func mustStop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func query(t *testing.T, s *Server, user, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN("postgres", user))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	rows, err := conn.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(got, " ")
}

func remember(t *testing.T, s *Server) {
	t.Helper()
	query(t, s, Owner, `create table if not exists memory (x text)`)
	query(t, s, Owner, `insert into memory values ('kept')`)
}

func TestStartStop(t *testing.T) {
	t.Parallel()
	cfg := testConfig(folder(t))
	s := mustStart(t, cfg)
	if !s.Started() {
		t.Error("a new server was found running")
	}
	remember(t, s)
	for sql, want := range map[string]string{
		`select current_setting('listen_addresses')`:                              "",
		`select current_setting('data_checksums')`:                                "on",
		`select current_setting('server_encoding')`:                               "UTF8",
		`select current_setting('shared_buffers')`:                                "16MB",
		`select string_agg(rolname, ' ' order by 1) from pg_roles where rolsuper`: Owner,
		`select string_agg(r::text, ' ') from (select roleid::regrole from pg_auth_members where member = 'sunfund_service'::regrole) as m(r)`: "sunfund_app",
	} {
		if got := query(t, s, Owner, sql); got != want {
			t.Errorf("%s is %q, want %q", sql, got, want)
		}
	}
	if got := query(t, s, Service, `select current_user::text`); got != Service {
		t.Errorf("the service connects as %s", got)
	}
	for _, dir := range []string{s.socket, s.data} {
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s has mode %v (%v)", dir, info.Mode(), err)
		}
	}
	mustStop(t, s)
	if _, running := findPostmaster(s.data); running {
		t.Error("the server runs after Stop")
	}

	again := mustStart(t, cfg)
	if got := query(t, again, Owner, `select x from memory`); got != "kept" {
		t.Errorf("after a restart the table holds %q", got)
	}
	mustStop(t, again)
}

func startChild(t *testing.T, dir string) (cmd *exec.Cmd, pid int, started bool) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envChild+"="+dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // killed by some tests
		stopAll(t, dir)
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if _, scanErr := fmt.Sscanf(line, "ready %d %t", &pid, &started); err != nil || scanErr != nil {
		t.Fatalf("child said %q (%v)", line, err)
	}
	return cmd, pid, started
}

// The parent is killed: on Linux its server follows, elsewhere it is found running; no data is lost.
func TestParentKilled(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	first := mustStart(t, testConfig(dir))
	remember(t, first)
	mustStop(t, first)

	cmd, pid, started := startChild(t, dir)
	if !started {
		t.Error("the child did not start the server itself")
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	s := mustStart(t, testConfig(dir))
	if p, _ := findPostmaster(s.data); s.Started() && p.pid == pid {
		t.Error("the killed parent's server still runs")
	}
	if got := query(t, s, Owner, `select x from memory`); got != "kept" {
		t.Errorf("the table holds %q", got)
	}
	mustStop(t, s)
	if _, running := findPostmaster(s.data); running {
		t.Error("the server runs after its last user stopped it")
	}
}

// The server itself is killed, and a start follows at once, while its children may still live.
func TestServerKilled(t *testing.T) {
	t.Parallel()
	cfg := testConfig(folder(t))
	s := mustStart(t, cfg)
	remember(t, s)
	p, _ := findPostmaster(s.data)
	if err := syscall.Kill(p.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	again := mustStart(t, cfg)
	if got := query(t, again, Owner, `select x from memory`); got != "kept" {
		t.Errorf("the table holds %q", got)
	}
	mustStop(t, again)
	mustStop(t, s)
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	dir := folder(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	starters, pids := 0, map[int]bool{}
	for range 3 {
		wg.Go(func() {
			_, pid, started := startChild(t, dir)
			mu.Lock()
			defer mu.Unlock()
			pids[pid] = true
			if started {
				starters++
			}
		})
	}
	wg.Wait()
	if starters != 1 || len(pids) != 1 {
		t.Errorf("%d processes started a server, %d servers", starters, len(pids))
	}
}

func TestKeepAndShutdown(t *testing.T) {
	t.Parallel()
	cfg := testConfig(folder(t))
	cfg.Keep = true
	s := mustStart(t, cfg)
	if stopped, err := Shutdown(t.Context(), cfg); stopped || err != nil {
		t.Errorf("stopped under its user: %t, %v", stopped, err)
	}
	mustStop(t, s)
	if _, running := findPostmaster(s.data); !running {
		t.Fatal("a kept server stopped with its user")
	}
	if stopped, err := Shutdown(t.Context(), cfg); !stopped || err != nil {
		t.Errorf("shut down: %t, %v", stopped, err)
	}
	if stopped, err := Shutdown(t.Context(), cfg); stopped || err != nil {
		t.Errorf("shut down twice: %t, %v", stopped, err)
	}
}

// The number in postmaster.pid was given to another process of the server's account.
func TestStalePid(t *testing.T) {
	t.Parallel()
	cfg := testConfig(folder(t))
	s := mustStart(t, cfg)
	mustStop(t, s)
	acc, err := accountFor(s.data)
	if err != nil {
		t.Fatal(err)
	}
	other := acc.command("/bin/sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	pidFile := strconv.Itoa(other.Process.Pid) + "\n" + s.data + "\n1\n5432\n" + s.socket + "\n\n"
	if err := os.WriteFile(filepath.Join(s.data, "postmaster.pid"), []byte(pidFile), 0o644); err != nil {
		t.Fatal(err)
	}
	mustStop(t, mustStart(t, cfg))
}

func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(folder(t), strings.Repeat("长", 40))
	s := mustStart(t, testConfig(dir))
	t.Cleanup(func() { os.RemoveAll(s.socket) })
	if len(s.socket)+1+len(socketName) > maxSocketPath {
		t.Errorf("socket folder %s is too long", s.socket)
	}
	query(t, s, Owner, `select 'hello'`)
	mustStop(t, s)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	t.Run("not installed", func(t *testing.T) {
		t.Parallel()
		_, err := Start(t.Context(), Config{Dir: folder(t), BinDir: t.TempDir()})
		if !errors.Is(err, ErrNotInstalled) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("other version", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		file := filepath.Join(dir, "data", "PG_VERSION")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("9\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), testConfig(dir)); !errors.Is(err, ErrVersion) {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the refused folder was touched: %v", err)
		}
	})
	t.Run("foreign files", func(t *testing.T) {
		t.Parallel()
		dir := folder(t)
		file := filepath.Join(dir, "data", "thesis.txt")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("years of work"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), testConfig(dir)); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("got %v", err)
		}
		if _, err := os.Stat(file); err != nil {
			t.Errorf("the refused folder was touched: %v", err)
		}
	})
	t.Run("bad setting", func(t *testing.T) {
		t.Parallel()
		cfg := testConfig(folder(t))
		cfg.Settings["no_such_setting"] = "1"
		if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "no_such_setting") {
			t.Errorf("the error does not quote the server's log: %v", err)
		}
	})
}

// Root's checkout may lie where the server's account cannot go.
func TestRootOutOfReach(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pg") // below a folder of mode 0700
	s := mustStart(t, testConfig(dir))
	remember(t, s)
	mustStop(t, s)
	if os.Getuid() != 0 {
		if s.Home() != dir {
			t.Errorf("an ordinary user's data is in %s, not in %s", s.Home(), dir)
		}
		return
	}
	t.Cleanup(func() { os.RemoveAll(s.Home()) })
	if filepath.Dir(s.Home()) != rootHome {
		t.Errorf("the data is in %s", s.Home())
	}
	note, err := os.ReadFile(filepath.Join(dir, "kept-elsewhere"))
	if err != nil || !strings.Contains(string(note), s.Home()) {
		t.Errorf("the note says %q (%v)", note, err)
	}
	again := mustStart(t, testConfig(dir))
	if got := query(t, again, Owner, `select x from memory`); got != "kept" {
		t.Errorf("the table holds %q", got)
	}
	mustStop(t, again)
}
