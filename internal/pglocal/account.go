package pglocal

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// account is whom the server runs as. PostgreSQL refuses to run as root, so root hands it to
// somebody without rights; everybody else runs it as themselves.
type account struct {
	name     string
	uid, gid int
	switched bool // the child needs other credentials than ours
}

// accountFor chooses the account for a data folder: its owner when it exists already.
func accountFor(data string) (account, error) {
	if os.Getuid() != 0 {
		return account{name: "this user", uid: os.Getuid(), gid: os.Getgid()}, nil
	}
	if info, err := os.Stat(data); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok && st.Uid != 0 {
			uid, gid := int(st.Uid), int(st.Gid)
			return account{name: "user " + strconv.Itoa(uid), uid: uid, gid: gid, switched: true}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return account{}, fmt.Errorf("read ids of user %s: %w", name, err)
		}
		return account{name: "user " + name, uid: uid, gid: gid, switched: true}, nil
	}
	return account{}, errors.New("PostgreSQL does not run as root, and there is neither a user postgres nor a user nobody to run it as")
}

// command prepares a PostgreSQL program to run as the account, away from our terminal, our output and
// our settings.
func (a account) command(path string, args ...string) *exec.Cmd {
	cmd := exec.Command(path, args...)
	cmd.Dir = "/"
	// PGDATA, PGHOST and the like would talk into it; English messages can be recognised.
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") && !strings.HasPrefix(kv, "LC_") && !strings.HasPrefix(kv, "LANG") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C")
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if a.switched {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return cmd
}

// mayEnter tries whether the account can work below dir, by starting a program there as that account.
func (a account) mayEnter(b Binaries, dir string) error {
	if err := a.command(b.path("postgres"), "--version").Run(); err != nil {
		return fmt.Errorf("%s cannot run %s: %w", a.name, b.path("postgres"), err)
	}
	cmd := a.command(b.path("postgres"), "--version")
	cmd.Dir = dir
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s, as which the server runs, cannot enter %s", errCannotEnter, a.name, dir)
	}
	return nil
}

var errCannotEnter = errors.New("folder out of reach")

// privateDir makes a folder that only the account can enter, or checks that it is one. A folder
// under /tmp could have been laid there by somebody else.
func (a account) privateDir(dir string) error {
	err := os.Mkdir(dir, 0o700)
	switch {
	case err == nil && a.switched:
		return os.Chown(dir, a.uid, a.gid)
	case err == nil:
		return nil
	case !errors.Is(err, os.ErrExist):
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !info.IsDir() || !ok || (int(st.Uid) != a.uid && int(st.Uid) != os.Getuid()) {
		return fmt.Errorf("%s is not a folder of %s", dir, a.name)
	}
	if a.switched {
		if err := os.Chown(dir, a.uid, a.gid); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o700)
}

// publicDir makes a folder, and its parents, that the account can pass through.
func publicDir(dir string) error {
	if _, err := os.Stat(dir); err == nil {
		return nil
	}
	if parent := filepath.Dir(dir); parent != dir {
		if err := publicDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return os.Chmod(dir, 0o755) // whatever the umask is
}
