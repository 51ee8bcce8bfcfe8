package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"sunfund/ledger"
)

// A cursor that we did not give out is an error, or the first page; never another's rows, and never a fault of ours.
func TestA3TamperedCursors(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, shen := o.as("li"), o.as("shen")
	bank := "/console/accounts/" + strconv.Itoa(int(o.account("bank.basic", 1)))
	for _, cursor := range []string{"x", "-1", "0", "019d3a1c", "'", "%00", "99999999999999999999", strings.Repeat("A", 5000), "AAAAAAAAAAAAAAAA", uuid.Nil.String() + "x"} {
		for path, want := range map[string]int{"/campaigns?before=": 400, "/console/entries?after=": 303, bank + "?after=": 303} {
			if a := li.get(path + cursor); a.status != want {
				t.Errorf("%s%.40s: %d, want %d", path, cursor, a.status, want)
			}
		}
		for _, path := range []string{"/console/gifts?before=", "/console/approvals?before=", "/console/audit?before=", "/console/mailbox?before=", "/console/accounts?page=", "/console/people?before="} {
			if a := shen.get(path + cursor); a.status != http.StatusOK {
				t.Errorf("%s%.40s: %d", path, cursor, a.status)
			}
		}
	}
}

// Over https the session's cookie is bound to the host by its name; a cookie without that name, as another host of the same
// site could set it, or one that came over http, opens nothing.
func TestS2CookieOfTheHost(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	ask := func(method, path, scheme string, form url.Values, cookies ...*http.Cookie) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, o.url+path, strings.NewReader(form.Encode()))
		o.must(err)
		r.Header.Set("X-Forwarded-Proto", scheme)
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		for _, c := range cookies {
			r.AddCookie(c)
		}
		a, err := http.DefaultTransport.RoundTrip(r)
		o.must(err)
		o.must(a.Body.Close())
		return a
	}
	kept := func(scheme string) *http.Cookie {
		a := ask(http.MethodPost, "/console/sign-in", scheme, url.Values{"login": {"li"}, "password": {consolePassword}})
		if len(a.Cookies()) != 1 {
			t.Fatalf("%s: %v", a.Status, a.Cookies())
		}
		return a.Cookies()[0]
	}
	secure, plain := kept("https"), kept("http")
	if !strings.HasPrefix(secure.Name, "__Host-") || !secure.Secure || !secure.HttpOnly || secure.Path != "/" || secure.Domain != "" || secure.SameSite != http.SameSiteLaxMode {
		t.Errorf("%+v", secure)
	}
	named := func(name string, c *http.Cookie) *http.Cookie { return &http.Cookie{Name: name, Value: c.Value} }
	for name, c := range map[string]*http.Cookie{"set over http": plain, "without the prefix": named(sessionCookie, secure), "another name": named("session", secure), "prefix of a domain": named("__Secure-sunfund_session", secure)} {
		if a := ask(http.MethodGet, "/console", "https", nil, c); a.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", name, a.StatusCode)
		}
	}
	if a := ask(http.MethodGet, "/console", "https", nil, secure); a.StatusCode != http.StatusOK || a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("the right one: %d %v", a.StatusCode, a.Header)
	}
}

// TestS3CrossSitePost is made from the table of routes: no page of another site changes anything in a signed-in person's
// name, as a form, as plain text, by GET or by naming another method.
func TestS3CrossSitePost(t *testing.T) {
	t.Parallel()
	n := newNeighbourhood(t)
	people := []*client{n.as("li"), n.as("guan")}
	before, asked := n.standing(), 0
	send := func(c *client, method, path, kind, body string, heads ...string) *http.Response {
		asked++
		r, err := http.NewRequestWithContext(t.Context(), method, c.url+path, strings.NewReader(body))
		n.must(err)
		r.Header.Set("Content-Type", kind)
		for i := 0; i < len(heads); i += 2 {
			r.Header.Set(heads[i], heads[i+1])
		}
		a, err := c.http.Do(r)
		n.must(err)
		n.must(a.Body.Close())
		return a
	}
	const form = "application/x-www-form-urlencoded"
	reads := map[string]bool{}
	for _, r := range (&Server{}).routes() {
		if r.method == http.MethodGet {
			reads[r.path] = true
		}
	}
	for _, r := range (&Server{}).routes() {
		if r.method != http.MethodPost {
			continue
		}
		path := r.path
		if sort := objectOfPath[r.path]; sort != "" {
			path = parameter.ReplaceAllLiteralString(r.path, n.objects[sort].theirs)
		}
		body := n.formOf(r.path).Encode()
		for _, c := range people {
			for name, heads := range map[string][]string{
				"form of another site": {"Origin", "https://evil.example"}, "fetch of another site": {"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"},
				"another host of our site": {"Sec-Fetch-Site", "same-site", "Origin", "https://shop." + nextHost}, "sandboxed frame": {"Origin", "null"},
				"same name, other port": {"Origin", "http://127.0.0.1:1"},
			} {
				for _, kind := range []string{form, "text/plain", "multipart/form-data; boundary=x", ""} {
					if a := send(c, http.MethodPost, path, kind, body, heads...); a.StatusCode != http.StatusForbidden {
						t.Errorf("%s %s as %s: %d", r.path, name, kind, a.StatusCode)
					}
				}
			}
			if !reads[r.path] {
				for _, heads := range [][]string{nil, {"X-HTTP-Method-Override", "POST"}, {"X-Method-Override", "POST"}} {
					a := send(c, http.MethodGet, path+"?_method=POST&"+body, "", "", heads...)
					// Forbidden: the address is read as that of an object ("/console/platforms/policy"), which this person may not see.
					if !slices.Contains([]int{http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusForbidden}, a.StatusCode) {
						t.Errorf("GET %s: %d", r.path, a.StatusCode)
					}
				}
			}
		}
	}
	for _, c := range people {
		if a := send(c, http.MethodPost, PrefsPath, form, "theme=dark", "Origin", "https://evil.example"); a.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", PrefsPath, a.StatusCode)
		}
	}
	if after := n.standing(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	t.Logf("%d requests", asked)
}

// ways out are addresses that lead to another site.
var waysOut = []string{"https://evil.example/", "http://evil.example", "//evil.example", `/\evil.example`, `\\evil.example`, "///evil.example", "https:evil.example", "javascript:alert(1)",
	"data:text/html,x", "/%5cevil.example", "/\t/evil.example", "\n//evil.example", " //evil.example", "//evil.example/console", "https://evil.example/console", "/console@evil.example", "/.evil.example", "/console/../..//evil.example"}

// Whatever a form or an address names as the place to go on to, the answer stays on our host.
func TestS11OpenRedirect(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	stays := func(what string, a reply) {
		t.Helper()
		to, err := url.Parse(a.to)
		if err != nil || a.status != http.StatusSeeOther || to.Host != "" || to.Scheme != "" || !strings.HasPrefix(a.to, "/") || strings.HasPrefix(a.to, "//") || strings.Contains(a.to, `\`) {
			t.Errorf("%s: %d to %q", what, a.status, a.to)
		}
	}
	for _, out := range waysOut {
		stays("prefs "+out, li.post(PrefsPath, url.Values{"theme": {"dark"}, "back": {out}}))
		stays("sign-in "+out, o.browser().post("/console/sign-in", url.Values{"login": {"chen"}, "password": {consolePassword}, "next": {out}}))
		stays("signed in "+out, li.get("/console/sign-in?next="+url.QueryEscape(out)))
		stays("confirm "+out, li.post("/console/confirm", url.Values{"next": {out}}))
		stays("signed out "+out, o.browser().get("/console/funds?next="+url.QueryEscape(out)))
	}
}

// After signing out no staff page comes from a cache: none was allowed to keep one, and the next request asks to sign in.
func TestS12PagesAreNotKept(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	people := map[string]*client{"li": o.as("li"), "guan": o.as("guan"), "shen": o.as("shen")}
	var seen []string
	for _, r := range (&Server{}).routes() {
		if r.open || r.method != http.MethodGet {
			continue
		}
		for login, c := range people {
			for _, path := range []string{fill(r.path), strings.Replace(r.path, ":id", o.entry.String(), 1), fill(r.path) + "?format=csv"} {
				a := c.get(path)
				if a.head.Get("Cache-Control") != "no-store" {
					t.Errorf("%s as %s: %d, Cache-Control %q", path, login, a.status, a.head.Get("Cache-Control"))
				}
				if a.status == http.StatusOK {
					seen = append(seen, login+" "+path)
				}
			}
		}
	}
	for _, c := range people {
		c.wants(c.post("/console/sign-out", nil), http.StatusSeeOther)
	}
	slices.Sort(seen)
	for _, page := range slices.Compact(seen) {
		login, path, _ := strings.Cut(page, " ")
		if a := people[login].get(path); a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/console/sign-in?") || a.head.Get("Cache-Control") != "no-store" {
			t.Errorf("%s after signing out: %d to %q, Cache-Control %q", page, a.status, a.to, a.head.Get("Cache-Control"))
		}
	}
	if len(seen) < 40 {
		t.Errorf("only %d pages seen", len(seen))
	}
}

// What donors, payees and staff typed is never a formula in a file.
func TestF10FormulasInFiles(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"=1+1", "+1", "-1-1", "-x", "@sum(A1)", "\t=1", "\r=1", "\n=1", "\x00=1", "＝1+1", "＋1", "－1", "＠x", "=HYPERLINK(\"http://evil.example\")"} {
		w := httptest.NewRecorder()
		v := &visit{Context: echo.New().NewContext(httptest.NewRequest(http.MethodGet, "/", nil), w), lang: EN}
		v.book = &ledger.Book{Zone: testZone}
		s := v.newSheet("x", "gift.name")
		s.row(text)
		if err := s.flush(); err != nil {
			t.Fatal(err)
		}
		_, cell, _ := strings.Cut(w.Body.String(), "\n")
		if !regexp.MustCompile(`^"?'`).MatchString(cell) {
			t.Errorf("%q is written as %q", text, cell)
		}
	}
	o := newOffice(t)
	o.gift("=cmd|' /C calc'!A0", 50_00)
	shen := o.as("shen")
	shen.wants(shen.get("/console/gifts?format=csv"), http.StatusOK, "'=cmd|")
	head := shen.get("/console/gifts?format=csv").head
	if !strings.HasPrefix(head.Get("Content-Disposition"), "attachment; filename=") || head.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%v", head)
	}
}
