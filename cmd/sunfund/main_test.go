package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"sunfund/internal/pgtest"
)

// sunfund runs a command line in this process.
func sunfund(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, complaints bytes.Buffer
	err = run(t.Context(), args, &out, &complaints)
	return out.String(), complaints.String(), err
}

func TestHelp(t *testing.T) {
	t.Parallel()
	out, _, err := sunfund(t, "--help")
	if err != nil || !strings.Contains(out, "migrate") {
		t.Errorf("%v\n%s", err, out)
	}
	out, _, err = sunfund(t, "migrate", "--help")
	if err != nil || !strings.Contains(out, "MIGRATE_DATABASE_URL") {
		t.Errorf("help does not name the environment: %v\n%s", err, out)
	}
}

func TestUsage(t *testing.T) {
	for _, name := range []string{"MIGRATE_DATABASE_URL", "DATABASE_URL"} {
		t.Setenv(name, "")
	}
	for _, args := range [][]string{{}, {"fly"}, {"version", "--fast"}} {
		_, _, err := sunfund(t, args...)
		var usage *kong.ParseError
		if !errors.As(err, &usage) {
			t.Errorf("%q: %v", args, err)
		}
		if code := exitCode(err, &bytes.Buffer{}); code != 2 {
			t.Errorf("%q exits %d", args, code)
		}
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	out, _, err := sunfund(t, "version")
	if err != nil || !strings.HasPrefix(out, "sunfund ") || !strings.Contains(out, "\nschema ") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestMigrate(t *testing.T) {
	db := pgtest.Empty(t)
	t.Setenv("DATABASE_URL", db.DSN(pgtest.Service)) // must not be used: it may not make tables
	t.Setenv("MIGRATE_DATABASE_URL", db.DSN(pgtest.Owner))
	out, _, err := sunfund(t, "migrate")
	if err != nil || !strings.Contains(out, "applied 0001_") {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, _, err = sunfund(t, "migrate"); err != nil || out != "the schema is up to date\n" {
		t.Errorf("again: %v\n%s", err, out)
	}
	_, _, err = sunfund(t, "migrate", "--database-url", "postgres://u:secret@/nothing?host=/nowhere")
	if err == nil || exitCode(err, &bytes.Buffer{}) != 1 || strings.Contains(err.Error(), "secret") {
		t.Errorf("a database that is not there: %v", err)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/healthz" {
			status = http.StatusNotFound
		}
		w.WriteHeader(status)
	}))
	_, port, _ := strings.Cut(strings.TrimPrefix(server.URL, "http://"), ":")
	for _, host := range []string{"", "127.0.0.1", "0.0.0.0"} {
		if _, _, err := sunfund(t, "health", "--listen", host+":"+port); err != nil {
			t.Errorf("%q: %v", host, err)
		}
	}
	status = http.StatusServiceUnavailable
	if _, _, err := sunfund(t, "health", "--listen", ":"+port); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("an unwell service: %v", err)
	}
	server.Close()
	if _, _, err := sunfund(t, "health", "--listen", ":"+port); err == nil {
		t.Error("no service, and well")
	}
}
