package house

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sunfund/internal/skipped"
)

// secretPatterns find what must not lie in a repository: keys of services and of people, passwords in addresses, and the
// names of machines that only somebody's own network knows. Each begins so that a test's own made-up value, which says that
// it is one, is told apart.
var secretPatterns = map[string]*regexp.Regexp{
	"private key":                  regexp.MustCompile(`-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/=]{40}`),
	"live key of Stripe":           regexp.MustCompile(`\b(?:sk|rk)_live_[A-Za-z0-9]{16,}`),
	"key of Stripe's test mode":    regexp.MustCompile(`\b(?:sk|rk)_test_[A-Za-z0-9]{24,}`),
	"webhook secret of Stripe":     regexp.MustCompile(`\bwhsec_[A-Za-z0-9+/]{32,}`),
	"key of a cloud":               regexp.MustCompile(`\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bLTAI[A-Za-z0-9]{16,}|\bAIza[A-Za-z0-9_-]{35}`),
	"token of a code host":         regexp.MustCompile(`\bgh[pousr]_[A-Za-z0-9]{36}|\bgithub_pat_[A-Za-z0-9_]{40,}|\bglpat-[A-Za-z0-9_-]{20}|\bxox[abpr]-[0-9A-Za-z-]{20,}`),
	"password in an address":       regexp.MustCompile(`\b[a-z][a-z0-9+]*://[^\s/:@"'` + "`" + `$<{]+:[^\s/@"'` + "`" + `$<{]{3,}@[a-z0-9.-]+`),
	"host of a private network":    regexp.MustCompile(`//[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:internal|intranet|corp|lan|local)\b`),
	"address of a private network": regexp.MustCompile(`//(?:10\.\d{1,3}\.\d{1,3}\.\d{1,3}|192\.168\.\d{1,3}\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3})\b`),
	"somebody's home folder":       regexp.MustCompile(`(?:/home|/Users)/[a-z][a-z0-9_-]+/`),
}

// notSecret are the lines that look like one and are none, each with its reason.
var notSecret = map[string]string{
	"postgres://u:secret@h": "internal/pg tests that an address is told without its password",
}

// TestK2NothingSecretInTheRepository (K2) reads every tracked file, the sources of a release where there is no repository.
func TestK2NothingSecretInTheRepository(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	list, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		skipped.Test(t, "not in a repository: nothing is tracked here")
	}
	files := strings.Split(strings.TrimRight(string(list), "\x00"), "\x00")
	if len(files) < 200 {
		t.Fatalf("only %d files", len(files))
	}
	for _, name := range files {
		if strings.Contains(name, "testdata/rapid/") {
			t.Errorf("%s: what a failed run left behind", name)
		}
		switch base := filepath.Base(name); {
		case strings.HasSuffix(base, ".pem"), strings.HasSuffix(base, ".key"), strings.HasSuffix(base, ".p12"), strings.HasSuffix(base, ".dump"), base == ".env", base == ".netrc", base == ".pgpass":
			t.Errorf("%s: no such file belongs here", name)
		}
		body, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		for what, pattern := range secretPatterns {
			for _, at := range pattern.FindAllIndex(body, -1) {
				if found := string(body[at[0]:at[1]]); notSecret[found] == "" {
					t.Errorf("%s:%d: %s: %.40s", name, 1+bytes.Count(body[:at[0]], []byte("\n")), what, found)
				}
			}
		}
	}
}

// Each pattern finds what it is for: the marks are put together here, so that this file holds none.
func TestK2PatternsFind(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("A1b2C3d4", 6)
	for what, planted := range map[string]string{
		"private key": "-----BEGIN " + "PRIVATE KEY-----\n" + long, "live key of Stripe": "sk_" + "live_" + long, "key of Stripe's test mode": "rk_" + "test_" + long,
		"webhook secret of Stripe": "whsec" + "_" + long, "key of a cloud": "AKIA" + "ABCDEFGHIJKLMNOP", "token of a code host": "ghp" + "_" + long,
		"password in an address": "postgres" + "://me:secret@" + "db.example.org", "host of a private network": "https:/" + "/build.corp",
		"address of a private network": "http:/" + "/192.168.7.1", "somebody's home folder": "/home" + "/somebody/",
	} {
		if !secretPatterns[what].MatchString(planted) {
			t.Errorf("%s is not found", what)
		}
	}
	if len(secretPatterns) != 10 {
		t.Errorf("%d patterns, and not all of them tried here", len(secretPatterns))
	}
}
