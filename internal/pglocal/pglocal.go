// Package pglocal runs an installed PostgreSQL privately: in a folder, on a Unix socket, without a
// TCP port and without root rights. It is what `sunfund demo` and the tests stand on; it never
// deletes data.
//
// The folder holds the cluster (data), the socket (run), the server's log (postgres.log) and two
// lock files. Any number of processes may Start the same folder: the first one starts the server,
// the others use it. The server stops with the process that started it, even if that one is killed
// (on Linux); if it outlived that process, the last user stops it. With Keep it goes on running
// until Shutdown.
//
// Root cannot run PostgreSQL, so it hands the cluster to the user postgres, or nobody where there is
// none. If that user cannot enter the folder (a checkout below /root), the cluster is kept in
// /var/lib/sunfund under a hash of the folder's path; Home tells.
package pglocal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// The login roles of a private cluster. Both are let in without a password, because only the socket's
// owner and root can reach it.
const (
	Owner   = "sunfund_owner"   // superuser, owns the schema, runs migrations
	Service = "sunfund_service" // member of sunfund_app and nothing else
)

// rootHome is where root's clusters live when the wanted folder is out of the server's reach.
const rootHome = "/var/lib/sunfund"

// startTimeout bounds a start; recovery after a crash may need minutes.
const startTimeout = 5 * time.Minute

// Config says where a private cluster lives and how it runs.
type Config struct {
	Dir      string            // made when missing
	BinDir   string            // folder of PostgreSQL's programs; empty: Find looks for them
	Settings map[string]string // server settings, e.g. "shared_buffers": "256MB"
	Keep     bool              // the server outlives us
	// Disposable skips the waits for the disk while making the cluster. With fsync=off in Settings it
	// makes a cluster that is fast and may be lost in a power cut: for tests only.
	Disposable bool
}

// Server is our use of a running private cluster.
type Server struct {
	home   string // Dir, or its stand-in
	data   string
	socket string
	keep   bool
	users  *os.File // held shared as long as we use the server
	proc   *process // nil when somebody else started it
}

// Start makes the cluster if there is none, starts its server unless it runs already, and makes sure
// that the login roles exist.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	s, err := start(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL in %s: %w", cfg.Dir, err)
	}
	return s, nil
}

func start(ctx context.Context, cfg Config) (*Server, error) {
	home, err := findHome(cfg)
	if err != nil {
		return nil, err
	}
	lock, err := lockFile(ctx, filepath.Join(home, "start.lock"), syscall.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer lock.Close()

	s := &Server{home: home, data: filepath.Join(home, "data"), keep: cfg.Keep}
	running, err := s.adopt(ctx)
	if err != nil {
		return nil, err
	}
	if !running {
		if err := s.launch(ctx, cfg); err != nil {
			return nil, err
		}
	}
	if s.users, err = lockFile(ctx, usersLock(home), syscall.LOCK_SH); err != nil {
		s.proc.kill()
		return nil, err
	}
	return s, nil
}

func usersLock(home string) string { return filepath.Join(home, "users.lock") }

// findHome makes the folder, or for root the one that the server's account can enter.
func findHome(cfg Config) (string, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return "", err
	}
	makeDir := publicDir
	if os.Getuid() != 0 {
		makeDir = func(dir string) error { return os.MkdirAll(dir, 0o755) }
	}
	if err := makeDir(dir); err != nil {
		return "", err
	}
	// One name for one folder: a running server is recognised by the path it was started with.
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	acc, err := accountFor(filepath.Join(dir, "data"))
	if err != nil {
		return "", err
	}
	if !acc.switched {
		return dir, nil
	}
	bin, err := Find(cfg.BinDir, 0)
	if err != nil {
		return "", err
	}
	err = acc.mayEnter(bin, dir)
	if !errors.Is(err, errCannotEnter) {
		return dir, err
	}
	standIn := filepath.Join(rootHome, shortHash(dir))
	if err := publicDir(standIn); err != nil {
		return "", err
	}
	// For whoever looks for the data where it was wanted.
	note := fmt.Sprintf("%v.\nThe data is kept in %s\n", err, standIn)
	if err := os.WriteFile(filepath.Join(dir, "kept-elsewhere"), []byte(note), 0o644); err != nil {
		return "", err
	}
	return standIn, acc.mayEnter(bin, standIn)
}

func shortHash(s string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(s)))[:12]
}

// Home returns the folder that holds the cluster and its log.
func (s *Server) Home() string { return s.home }

// Started says whether this process started the server, rather than finding it running.
func (s *Server) Started() bool { return s.proc != nil }

// DSN returns the address of a database for a role, as a URL.
func (s *Server) DSN(db, user string) string { return dsn(s.socket, db, user) }

func dsn(socket, db, user string) string {
	u := url.URL{Scheme: "postgres", User: url.User(user), Path: "/" + db}
	u.RawQuery = url.Values{"host": {socket}, "port": {port}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// Stop ends our use. The server stops in good order if we started it, or if whoever started it is gone
// and nobody else uses it. A server with Keep stays.
func (s *Server) Stop(ctx context.Context) error {
	if s.keep {
		return s.users.Close()
	}
	lock, err := lockFile(ctx, filepath.Join(s.home, "start.lock"), syscall.LOCK_EX)
	if err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	defer lock.Close()
	if err := s.users.Close(); err != nil {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	if s.proc != nil {
		return s.proc.stop(ctx)
	}
	_, err = stopUnused(ctx, s.home)
	return err
}

// Shutdown stops the server of a folder if it runs and no process uses it. It says whether it did.
func Shutdown(ctx context.Context, cfg Config) (stopped bool, err error) {
	home, err := findHome(cfg)
	if err != nil {
		return false, err
	}
	lock, err := lockFile(ctx, filepath.Join(home, "start.lock"), syscall.LOCK_EX)
	if err != nil {
		return false, err
	}
	defer lock.Close()
	return stopUnused(ctx, home)
}

// stopUnused is called under the start lock.
func stopUnused(ctx context.Context, home string) (bool, error) {
	data := filepath.Join(home, "data")
	found, running := findPostmaster(data)
	if !running {
		return false, nil
	}
	users, err := os.OpenFile(usersLock(home), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return false, err
	}
	defer users.Close()
	if alone, err := tryLock(users, syscall.LOCK_EX); err != nil || !alone {
		return false, err
	}
	if err := syscall.Kill(found.pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return false, fmt.Errorf("stop PostgreSQL (process %d): %w", found.pid, err)
	}
	for {
		if _, running := findPostmaster(data); !running {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("stop PostgreSQL (process %d): %w", found.pid, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// dataMajor reads the major version that made a data folder; zero when there is none yet.
func dataMajor(data string) (int, error) {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0, fmt.Errorf("read version of %s: %w", data, err)
	}
	return major, nil
}
