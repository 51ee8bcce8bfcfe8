package pglocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	port       = "5432" // only names the socket file
	socketName = ".s.PGSQL." + port
	// A socket's path must fit the kernel's field: 103 bytes on macOS, 107 on Linux.
	maxSocketPath = 103
	maxLog        = 16 << 20

	codeCannotConnectNow = "57P03" // starting up or shutting down

	sqlRoles = `do $$ begin
		if not exists (select from pg_roles where rolname = 'sunfund_app') then
			create role sunfund_app nologin;
		end if;
		if not exists (select from pg_roles where rolname = 'sunfund_service') then
			create role sunfund_service login in role sunfund_app;
		end if;
	end $$`
)

var defaultSettings = map[string]string{
	"listen_addresses": "", // the socket is the only way in
	"shared_buffers":   "128MB",
	"max_wal_size":     "2GB",
	"timezone":         "UTC",
	"log_timezone":     "UTC",
}

// adopt waits for a server that already works on the folder and says whether there is one.
func (s *Server) adopt(ctx context.Context) (bool, error) {
	for {
		found, running := findPostmaster(s.data)
		if !running {
			return false, nil
		}
		if found.socket != "" {
			s.socket = found.socket
			err := s.ready(ctx)
			if err == nil || !notYet(err) {
				return err == nil, err
			}
		}
		if err := pause(ctx); err != nil {
			return false, fmt.Errorf("process %d holds the folder but does not answer: %w", found.pid, err)
		}
	}
}

// launch makes the cluster if need be and starts its server. Called under the start lock.
func (s *Server) launch(ctx context.Context, cfg Config) error {
	major, err := dataMajor(s.data)
	if err != nil {
		return err
	}
	bin, err := Find(cfg.BinDir, major)
	if err != nil {
		return err
	}
	acc, err := accountFor(s.data)
	if err != nil {
		return err
	}
	if major == 0 {
		if err := initialise(ctx, bin, acc, s.data, cfg.Disposable); err != nil {
			return err
		}
	}
	if s.socket, err = socketDir(acc, s.home); err != nil {
		return err
	}
	if err := clearStale(s.data, s.socket); err != nil {
		return err
	}
	for {
		if s.proc, err = startProcess(bin, acc, s, cfg); err != nil {
			return err
		}
		err = s.awaitReady(ctx)
		if err == nil {
			return nil
		}
		s.proc.kill()
		// After a kill -9 of the server alone its children need a moment to notice and leave.
		if !strings.Contains(err.Error(), "pre-existing shared memory block") || pause(ctx) != nil {
			return err
		}
	}
}

// initialise makes a cluster beside its final place and moves it there when it is whole, so that an
// interrupted initdb is never mistaken for data.
func initialise(ctx context.Context, bin Binaries, acc account, data string, disposable bool) error {
	if entries, err := os.ReadDir(data); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty and not a PostgreSQL cluster; move it away", data)
	}
	// initdb must not go on writing there when we are killed, and follow watches this thread.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	unfinished := data + ".unfinished"
	var out []byte
	for _, locale := range []string{"C.UTF-8", "C"} { // the second where the system lacks the first
		if err := os.RemoveAll(unfinished); err != nil {
			return err
		}
		if err := acc.privateDir(unfinished); err != nil {
			return err
		}
		args := []string{"-D", unfinished, "-U", Owner, "--auth=trust", "--data-checksums", "-E", "UTF8", "--locale=" + locale}
		if disposable {
			args = append(args, "--no-sync")
		}
		cmd := acc.command(bin.path("initdb"), args...)
		follow(cmd)
		var err error
		if out, err = cmd.CombinedOutput(); err == nil {
			return os.Rename(unfinished, data)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return fmt.Errorf("initdb: %s", bytes.TrimSpace(out))
}

// socketDir makes the folder of the socket: beside the data, or in the system's temporary folder when
// that path is too long, or holds a comma, which separates hosts in an address.
func socketDir(acc account, home string) (string, error) {
	dir := filepath.Join(home, "run")
	if len(dir)+1+len(socketName) > maxSocketPath || strings.Contains(dir, ",") {
		dir = filepath.Join(os.TempDir(), "sunfund-"+shortHash(home))
	}
	if err := acc.privateDir(dir); err != nil {
		return "", fmt.Errorf("make socket folder: %w", err)
	}
	return dir, nil
}

// process is a server that we started.
type process struct {
	cmd  *exec.Cmd
	log  string
	from int64 // where our part of the log begins
	done chan struct{}
}

func startProcess(bin Binaries, acc account, s *Server, cfg Config) (*process, error) {
	p := &process{log: filepath.Join(s.home, "postgres.log"), done: make(chan struct{})}
	if info, err := os.Stat(p.log); err == nil && info.Size() > maxLog {
		if err := os.Rename(p.log, p.log+".1"); err != nil {
			return nil, err
		}
	}
	log, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if p.from, err = log.Seek(0, io.SeekEnd); err != nil {
		return nil, err
	}

	settings := maps.Clone(defaultSettings)
	maps.Copy(settings, cfg.Settings)
	settings["unix_socket_directories"] = `"` + strings.ReplaceAll(s.socket, `"`, `""`) + `"`
	args := []string{"-D", s.data, "-p", port}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		args = append(args, "-c", name+"="+settings[name])
	}
	p.cmd = acc.command(bin.path("postgres"), args...)
	// A file, never our own output: whoever waits for the end of our output would wait for the server.
	p.cmd.Stdout, p.cmd.Stderr = log, log
	if cfg.Keep {
		p.cmd.SysProcAttr.Setsid = true
	} else {
		p.cmd.SysProcAttr.Setpgid = true // Ctrl-C is for us; we stop the server when we are done with it
		follow(p.cmd)
	}
	started := make(chan error)
	go func() {
		// follow ties the server's life to this thread. It is never unlocked, so it serves nothing else
		// and ends with this function, after the server.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			_ = p.cmd.Wait() // the log says why it ended
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s as %s: %w", bin.path("postgres"), acc.name, err)
	}
	return p, nil
}

// awaitReady waits until the server that we started answers.
func (s *Server) awaitReady(ctx context.Context) error {
	for {
		err := s.ready(ctx)
		if err == nil || !notYet(err) {
			return err
		}
		select {
		case <-s.proc.done:
			return fmt.Errorf("the server ended while starting: %s", s.proc.logTail())
		default:
		}
		if err := pause(ctx); err != nil {
			return fmt.Errorf("the server does not answer (%w), its log %s ends: %s", err, s.proc.log, s.proc.logTail())
		}
	}
}

// ready connects once and makes the login roles. Called under the start lock, so never twice at a time.
func (s *Server) ready(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DSN("postgres", Owner))
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sqlRoles); err != nil {
		return fmt.Errorf("make login roles: %w", err)
	}
	return nil
}

// notYet says whether the error means that the server is starting or stopping.
func notYet(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Code == codeCannotConnectNow || strings.HasPrefix(answer.Code, "57P")
	}
	var failed *pgconn.ConnectError
	return errors.As(err, &failed)
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(25 * time.Millisecond):
		return nil
	}
}

// logTail returns the last lines that the server wrote since we started it.
func (p *process) logTail() string {
	f, err := os.Open(p.log)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, p.from, maxLog))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}

// stop asks for a fast shutdown: sessions are ended, everything committed is on disk.
func (p *process) stop(ctx context.Context) error {
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop PostgreSQL: %w", ctx.Err())
	}
}

// kill ends a server that did not become ready: an immediate shutdown, which loses nothing committed.
func (p *process) kill() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGQUIT) // an error means that it is gone
	<-p.done
}
