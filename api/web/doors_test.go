package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// Only the sites that staff put on the list may hold a campaign's small page in a frame, and no page else.
func TestS10Frames(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("王女士", 50_00)
	guest, li := o.browser(), o.as("li")
	framed := func() string {
		a := guest.get("/c/space/widget?lang=en")
		guest.wants(a, http.StatusOK, "E-Space", "CNY 50.00", `target="_blank"`, `href="/c/space"`)
		guest.lacks(a, "<script", "<form", "<input", " style=", "onclick")
		if cookies := a.head.Values("Set-Cookie"); len(cookies) > 0 {
			t.Errorf("cookies in a frame: %q", cookies)
		}
		policy := a.head.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "form-action 'none'", "base-uri 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("policy %q lacks %s", policy, part)
			}
		}
		_, ancestors, _ := strings.Cut(policy, "frame-ancestors ")
		if (a.head.Get("X-Frame-Options") == "DENY") != (ancestors == "'none'") {
			t.Errorf("X-Frame-Options %q beside frame-ancestors %s", a.head.Get("X-Frame-Options"), ancestors)
		}
		return ancestors
	}
	if got := framed(); got != "'none'" {
		t.Errorf("before anybody is allowed: %s", got)
	}
	for _, wrong := range []string{"", "http://www.example.org", "https://", "https://example.org/path", "https://*.example.org", "https://a.org https://b.org", "https://a.org; script-src *",
		"https://user@example.org", "https://example.org?x", "javascript:alert(1)", "*", "'self'", "https://exa\u202emple.org", "https://例子.org", "https://localhost", strings.Repeat("a", 300)} {
		a := li.post(widgetPath, url.Values{"site": {wrong}})
		li.wants(a, http.StatusUnprocessableEntity, "网站：")
	}
	li.wants(li.post(widgetPath, url.Values{"site": {" HTTPS://www.Example.org/ "}}), http.StatusSeeOther)
	li.wants(li.post(widgetPath, url.Values{"site": {"https://news.example.com:8443"}}), http.StatusSeeOther)
	li.wants(li.post(widgetPath, url.Values{"site": {"https://www.example.org"}}), http.StatusSeeOther) // twice is once
	li.wants(li.get(widgetPath), http.StatusOK, "https://www.example.org", "李会计", `/c/space/widget?lang=zh-CN`)
	if got := framed(); got != "https://news.example.com:8443 https://www.example.org" {
		t.Errorf("frame-ancestors %s", got)
	}
	if n := o.audited("widget.allow"); n != 2 {
		t.Errorf("%d audit events", n)
	}
	// Every other page of the table stays out of frames, for whoever asks.
	for _, r := range (&Server{}).routes() {
		if r.method != http.MethodGet || r.path == "/c/:slug/widget" || strings.HasSuffix(r.path, "/live") {
			continue
		}
		for _, c := range []*client{guest, li} {
			for _, path := range []string{fill(r.path), strings.NewReplacer(":slug", "space", ":code", "SPQ", ":id", o.entry.String()).Replace(r.path)} {
				a := c.get(path)
				if !strings.Contains(a.head.Get("Content-Security-Policy"), "frame-ancestors 'none'") || a.head.Get("X-Frame-Options") != "DENY" {
					t.Errorf("%s may be framed: %v", path, a.head)
				}
			}
		}
	}
	if a := guest.get("/c/nothing/widget"); a.status != http.StatusNotFound || !strings.Contains(a.head.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		t.Errorf("an unknown campaign's: %d %v", a.status, a.head)
	}
	for range 2 {
		li.wants(li.post(widgetPath+"/remove", url.Values{"site": {"https://www.example.org"}}), http.StatusSeeOther)
	}
	if got := framed(); got != "https://news.example.com:8443" {
		t.Errorf("after removing one: %s", got)
	}
	for _, login := range []string{"wu", "chen", "shen", "guan"} {
		o.as(login).wants(o.as(login).post(widgetPath, url.Values{"site": {"https://evil.example"}}), http.StatusForbidden)
	}
}

// HEAD says what GET says, without the body.
func TestHead(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.gift("王女士", 50_00)
	guest, li := o.browser(), o.as("li")
	for _, r := range (&Server{}).routes() {
		if r.method != http.MethodGet || !r.headed() {
			continue
		}
		path := strings.NewReplacer(":slug", "space", ":code", "SPQ").Replace(fill(r.path))
		c := li
		if r.open {
			c = guest
		}
		get, head := c.get(path), c.do(http.MethodHead, path, nil)
		if head.status != get.status || head.to != get.to || head.text != "" || head.head.Get("Content-Type") != get.head.Get("Content-Type") ||
			head.head.Get("Content-Security-Policy") != get.head.Get("Content-Security-Policy") {
			t.Errorf("%s: HEAD %d %q, GET %d %q", path, head.status, head.to, get.status, get.to)
		}
	}
	if a := guest.do(http.MethodHead, "/console/funds", nil); a.status != http.StatusSeeOther {
		t.Errorf("HEAD of the console, signed out: %d", a.status)
	}
}

// used writes down that an address, and perhaps a visitor, used a form so often in the window.
func (o *office) used(form staff.Form, turns int) {
	o.Helper()
	_, err := o.db.Exec(o.Context(), `update form_turn set turns = $3 where book_id = $1 and form = $2 and kind = 'address'`, o.book.ID, form, turns)
	o.must(err)
}

// TestT2ReceiptEnumeration: references are 128 random bits; who guesses waits, and who finds does not.
func TestT2ReceiptEnumeration(t *testing.T) {
	t.Parallel()
	n := newNeighbourhood(t)
	guest, ref := n.browser(), n.objects["ref"].theirs
	if len(ref) != 26 {
		t.Errorf("a reference of %d characters", len(ref)) // base32 of 128 bits
	}
	const most = 1_000 // guesses from one address in a window

	for range 20 { // looking at one's own gift is not counted
		guest.wants(guest.get("/g/"+ref), http.StatusOK)
		guest.wants(guest.get("/g/"+ref+"/receipt"), http.StatusOK)
	}
	for _, guess := range []string{"nothing", strings.Repeat("a", 26), n.objects["ref"].unknown} {
		guest.wants(guest.get("/g/"+guess), http.StatusNotFound)
		guest.wants(guest.get("/g/"+guess+"/receipt"), http.StatusNotFound)
	}
	var turns int
	n.must(n.db.QueryRow(t.Context(), `select turns from form_turn where book_id = $1 and form = 'look_up' and kind = 'address'`, n.book.ID).Scan(&turns))
	if turns != 6 {
		t.Errorf("%d guesses counted, want 6", turns)
	}
	n.used(staff.LookUp, most-1)
	guest.wants(guest.get("/g/nothing"), http.StatusNotFound)
	for _, path := range []string{"/g/nothing", "/g/" + ref, "/g/" + ref + "/receipt", "/g/" + ref + "/live"} {
		a := guest.get(path)
		guest.wants(a, http.StatusTooManyRequests, "请求太多，请稍等")
		if after, err := strconv.Atoi(a.head.Get("Retry-After")); err != nil || after < 1 || after > int(staff.TurnWindow.Seconds()) {
			t.Errorf("Retry-After %q", a.head.Get("Retry-After"))
		}
	}
	guest.wants(guest.get("/g/nothing?lang=en"), http.StatusTooManyRequests, "Too many requests; please wait", "nothing was charged")
	n.now = n.now.Add(staff.TurnWindow)
	guest.wants(guest.get("/g/"+ref), http.StatusOK)
}

// A giving day's rush from one address of a mobile network passes; one form sent over and over, or a machine that makes
// thousands, does not.
func TestFormsAreCounted(t *testing.T) {
	t.Parallel()
	n := newNeighbourhood(t)
	guest := n.browser()
	give := func(form string) reply {
		return guest.post("/c/xiejia/give", url.Values{"form": {form}, "currency": {"CNY"}, "amount": {"other"}, "other": {"1,00"}})
	}
	const visitor, address = 30, 12_000 // uses of one form and from one address in ten minutes: a giving day's rush of one network
	one := uuid.NewString()
	for range visitor {
		guest.wants(give(one), http.StatusUnprocessableEntity) // wrong amount: counted, whatever becomes of it
	}
	a := give(one)
	guest.wants(a, http.StatusTooManyRequests, "没有扣款")
	if a.head.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	for range 3 * visitor { // others behind the same address go on
		guest.wants(give(uuid.NewString()), http.StatusUnprocessableEntity)
	}
	n.used(staff.GiftForm, address-1)
	guest.wants(give(uuid.NewString()), http.StatusUnprocessableEntity)
	guest.wants(give(uuid.NewString()), http.StatusTooManyRequests)
	n.now = n.now.Add(staff.TurnWindow)
	guest.wants(give(uuid.NewString()), http.StatusUnprocessableEntity)

	pay := "/sandbox/" + n.objects["payment"].theirs
	for range visitor {
		if a := guest.post(pay, url.Values{"result": {"nonsense"}}); a.status == http.StatusTooManyRequests {
			t.Fatal("too early")
		}
	}
	guest.wants(guest.post(pay, url.Values{"result": {"success"}}), http.StatusTooManyRequests)
	// What has run out is swept away.
	n.now = n.now.Add(staff.TurnWindow)
	n.tx(func(ctx context.Context, tx pgx.Tx) error { return staff.Sweep(ctx, tx, n.book.ID, n.now) })
	var left int
	n.must(n.db.QueryRow(t.Context(), `select count(*) from form_turn where book_id = $1`, n.book.ID).Scan(&left))
	if left != 0 {
		t.Errorf("%d counters left", left)
	}
}

// TestWidgetLook keeps pictures of the small page and of the console's page about it.
func TestWidgetLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for i := range 3 {
		o.gift("王女士", int64(50_00+i*880_00))
	}
	li := o.as("li")
	for _, site := range []string{"https://www.example.org", "https://a-rather-long-name-of-a-news-site.example.com:8443"} {
		li.wants(li.post(widgetPath, url.Values{"site": {site}}), http.StatusSeeOther)
	}
	ctx := browser(t)
	o.signInBrowser(ctx, "li")
	for name, path := range map[string]string{"widget": "/c/space/widget", "widget-list": widgetPath} {
		inspect(ctx, t, []size{{1280, false}, {360, false}}, name, o.url+path)
	}
}
