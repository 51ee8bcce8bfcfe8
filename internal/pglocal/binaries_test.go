package pglocal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// install lays down programs that only tell their version.
func install(t *testing.T, version string) string {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, program := range []string{"initdb", "pg_ctl", "postgres"} {
		if err := os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFindInFolder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version      string
		major, minor int
		err          error
	}{
		{"15.14 (Debian 15.14-0+deb12u1)", 15, 14, nil},
		{"16.2", 16, 2, nil},
		{"19beta1", 19, 0, nil},
		{"14.9", 0, 0, ErrNotInstalled},
		{"of some kind", 0, 0, ErrNotInstalled},
	} {
		b, err := Find(install(t, c.version), 0)
		if !errors.Is(err, c.err) || b.Major != c.major || b.Minor != c.minor {
			t.Errorf("%s: %d.%d, %v", c.version, b.Major, b.Minor, err)
		}
	}
	if _, err := Find(install(t, "17.1"), 16); !errors.Is(err, ErrVersion) {
		t.Errorf("another version than the data's: %v", err)
	}
}

func TestFindSearches(t *testing.T) {
	dir := install(t, "99.1")
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	if b, err := Find("", 0); err != nil || b.Dir != dir {
		t.Errorf("the newest on the PATH is not taken: %v, %v", b, err)
	}
	older := install(t, "98.7")
	t.Setenv(EnvBinDir, older)
	if b, err := Find("", 0); err != nil || b.Dir != older {
		t.Errorf("%s is not obeyed: %v, %v", EnvBinDir, b, err)
	}
	if b, err := Find(dir, 0); err != nil || b.Dir != dir {
		t.Errorf("an explicit folder is not obeyed: %v, %v", b, err)
	}
	t.Setenv(EnvBinDir, "")
	if _, err := Find("", 97); !errors.Is(err, ErrVersion) {
		t.Errorf("a version that is not installed: %v", err)
	}
}
