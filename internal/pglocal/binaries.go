package pglocal

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// MinMajor is the oldest PostgreSQL that Sunfund runs on.
const MinMajor = 15

// EnvBinDir names the environment variable that fixes the folder of the PostgreSQL programs.
const EnvBinDir = "SUNFUND_PG_BIN"

// ErrNotInstalled means that no usable PostgreSQL was found; its text says what to install.
var ErrNotInstalled = errors.New("PostgreSQL is not installed")

// ErrVersion means that a data folder was made by another major version than the one that is
// installed. Nothing is changed: install that version, or upgrade the folder with pg_upgrade.
var ErrVersion = errors.New("data folder and PostgreSQL differ in version")

// Binaries is a folder with initdb, pg_ctl and postgres of one version.
type Binaries struct {
	Dir          string
	Major, Minor int
}

func (b Binaries) path(program string) string { return filepath.Join(b.Dir, program) }

// Find returns the newest installed PostgreSQL. It looks into dir, or if that is empty into
// $SUNFUND_PG_BIN, and only there when one of them is set; otherwise it asks pg_config, then the
// PATH, then the folders of Debian's packages and of Homebrew. A major other than zero takes only
// that version, for a data folder that was made by it.
func Find(dir string, major int) (Binaries, error) {
	dir = cmp.Or(dir, os.Getenv(EnvBinDir))
	if dir != "" {
		b, err := probe(dir)
		if err != nil {
			return Binaries{}, fmt.Errorf("%w in %s: %w", ErrNotInstalled, dir, err)
		}
		if err := fits(b, major); err != nil {
			return Binaries{}, err
		}
		return b, nil
	}
	var found []Binaries
	for _, d := range candidates() {
		b, err := probe(d)
		if err == nil && fits(b, major) == nil {
			found = append(found, b)
		}
	}
	if len(found) == 0 {
		if major != 0 {
			return Binaries{}, fmt.Errorf("%w: the data was made by PostgreSQL %d, which is not installed", ErrVersion, major)
		}
		return Binaries{}, fmt.Errorf("%w: its programs initdb, pg_ctl and postgres, version %d or newer, were not found; "+
			"install them (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql@16) "+
			"or set %s to their folder", ErrNotInstalled, MinMajor, EnvBinDir)
	}
	// Stable, so that among equals the one named first in the search order wins.
	slices.SortStableFunc(found, func(a, b Binaries) int {
		return -cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor))
	})
	return found[0], nil
}

func fits(b Binaries, major int) error {
	if b.Major < MinMajor {
		return fmt.Errorf("%w: %s holds version %d, Sunfund needs %d or newer", ErrNotInstalled, b.Dir, b.Major, MinMajor)
	}
	if major != 0 && b.Major != major {
		return fmt.Errorf("%w: the data was made by PostgreSQL %d and %s holds version %d",
			ErrVersion, major, b.Dir, b.Major)
	}
	return nil
}

func candidates() []string {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	if p, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil {
			p = real
		}
		dirs = append(dirs, filepath.Dir(p))
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin",
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
	} {
		if match, err := filepath.Glob(pattern); err == nil {
			dirs = append(dirs, match...)
		}
	}
	return dirs
}

var versionText = regexp.MustCompile(`\(PostgreSQL\) (\d+)(?:\.(\d+))?`)

// probe reads the version of the programs in a folder and checks that all three are there.
func probe(dir string) (Binaries, error) {
	b := Binaries{Dir: dir}
	for _, program := range []string{"initdb", "pg_ctl", "postgres"} {
		if _, err := os.Stat(b.path(program)); err != nil {
			return b, err
		}
	}
	out, err := exec.Command(b.path("postgres"), "--version").Output()
	if err != nil {
		return b, fmt.Errorf("run %s --version: %w", b.path("postgres"), err)
	}
	m := versionText.FindSubmatch(out)
	if m == nil {
		return b, fmt.Errorf("%s --version said %q", b.path("postgres"), out)
	}
	b.Major, _ = strconv.Atoi(string(m[1]))
	b.Minor, _ = strconv.Atoi(string(m[2])) // a beta has none
	return b, nil
}
