package web

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sunfund/ledger/staff"
)

// injections try to leave the value that they stand in and to become SQL.
var injections = []string{
	"' or '1'='1", `'; update balance set balance = 0; --`, "1); truncate gift cascade; --", "1 or 1=1", `\'; delete from entry; --`, "$1", "'||pg_sleep(120)||'",
	"1; select pg_sleep(120)", "' union select webhook_secret::text from processor --", `{"$ne":1}`, "%' or true --", "(select login from person)", "x' /*", "'::int4",
	"desc; drop table gift", "a\x00b", "1e400", "９９",
}

// TestA13Injection is A13 for the pages: each of them with SQL in each parameter, field and part of its address.
func TestA13Injection(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("王五", 100_00)
	names := parameters(t)
	standing := func() (n int64) {
		t.Helper()
		o.must(o.db.QueryRow(t.Context(), `select (select sum(abs(balance)) from balance) + 1000000007 * ((select count(*) from posting) + (select count(*) from gift)
			+ (select count(*) from person) + (select count(*) from role_grant where revoked_at is null) + (select count(*) from api_key))`).Scan(&n))
		return n
	}
	before := standing()
	browsers := map[string]*client{"": o.browser(), "li": o.as("li"), "wu": o.as("wu"), "guan": o.as("guan")}
	roles := map[string]staff.Role{"li": staff.Accountant, "wu": staff.StreetOfficer, "guan": staff.Admin}
	part := regexp.MustCompile(`:[a-z]+`)
	asked, refused := 0, 0
	for _, r := range (&Server{}).routes() {
		if strings.HasSuffix(r.path, "/live") || r.path == "/console/sign-out" || r.path == "/console/sign-in" || strings.HasPrefix(r.path, "/console/me/") {
			continue // streams, and what would lock our own people out
		}
		let := slices.DeleteFunc(slices.Sorted(maps.Keys(browsers)), func(login string) bool {
			return (login == "") != r.open || !r.open && r.needs != signedIn && !roles[login].May(r.needs)
		})
		for login, browser := range browsers {
			if (login == "") != r.open {
				continue
			}
			turn := slices.Index(let, login)
			if turn < 0 {
				refused++
			}
			for i, sql := range injections {
				if turn < 0 && i != refused%len(injections) || turn >= 0 && i%len(let) != turn {
					continue // those who see a page take turns; who does not is refused before anything is read: one text each time
				}
				form, piles, deal := url.Values{}, []url.Values{{}, {}, {}}, rand.New(rand.NewPCG(1, uint64(i)))
				for _, name := range names { // also in piles, dealt otherwise for each text, so that none hides another
					form.Set(name, sql)
					piles[deal.IntN(len(piles))].Set(name, sql)
				}
				paths := []string{part.ReplaceAllLiteralString(r.path, url.PathEscape(sql)), fill(r.path)}
				if r.method == http.MethodGet {
					paths[1] += "?" + form.Encode()
					for _, pile := range piles {
						if turn >= 0 {
							paths = append(paths, fill(r.path)+"?"+pile.Encode())
						}
					}
					form = nil
				}
				for _, path := range slices.Compact(paths) {
					asked++
					begun := time.Now()
					a := browser.do(r.method, path, form)
					if a.status >= http.StatusInternalServerError || time.Since(begun) > time.Minute {
						t.Errorf("%s %s as %q: %d after %s", r.method, path, login, a.status, time.Since(begun))
					}
				}
			}
		}
	}
	if after := standing(); after != before {
		t.Errorf("something was written: %d, before %d", after, before)
	}
	t.Logf("%d requests", asked)
}

// parameters are the names that the pages read from addresses and forms.
func parameters(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := regexp.MustCompile(`(?:QueryParam|FormValue|Get|number|text|day|field)\("([a-z_]+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range read.FindAllSubmatch(source, -1) {
			names = append(names, string(found[1]))
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 25 {
		t.Fatalf("only %d parameters found: %q", len(names), names)
	}
	return names
}
