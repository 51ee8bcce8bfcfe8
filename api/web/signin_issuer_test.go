package web

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/oidctest"
	"sunfund/ledger/staff"
)

// withIssuer lets the office's people sign in at an issuer; chen is linked there as "subject-chen".
func withIssuer(t *testing.T, rule staff.PasswordRule) (*office, *oidctest.Issuer) {
	o := newOffice(t)
	issuer := oidctest.New(t, func() time.Time { return o.now })
	issuer.Redirect, issuer.Subject, issuer.AMR = o.url+"/console/sign-in/return", "subject-chen", []string{"pwd", "otp"}
	o.rule(staff.Settings{Password: rule, Issuer: issuer.URL, Client: oidctest.Client})
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		p, err := staff.ByLogin(ctx, tx, o.book.ID, "chen")
		if err != nil {
			return err
		}
		return staff.LinkIdentity(ctx, tx, o.book.ID, p.ID, uuid.Nil, issuer.URL, "subject-chen", o.now)
	})
	return o, issuer
}

// follow goes to the issuer, as a browser that was sent there, and returns the way back with its query.
func (c *client) follow(way string) string {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), http.MethodGet, way, nil)
	c.must(err)
	answer, err := c.http.Do(request)
	c.must(err)
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusFound {
		c.Fatalf("issuer: %d for %s", answer.StatusCode, way)
	}
	return strings.TrimPrefix(answer.Header.Get("Location"), c.url)
}

func (c *client) signedIn() bool { c.Helper(); return c.get("/console/me").status == http.StatusOK }

func TestS7SignInAtAnIssuer(t *testing.T) {
	t.Parallel()
	o, issuer := withIssuer(t, staff.PasswordWithCode)
	issuer.Login = o.now.Add(-time.Minute)
	c := o.browser()
	c.wants(c.get("/console/sign-in"), http.StatusOK, "用单位身份登录")
	start := c.get("/console/sign-in/issuer?next=" + url.QueryEscape("/console/approvals?box=mine"))
	c.wants(start, http.StatusSeeOther)
	back := c.follow(start.to)
	if asked := issuer.Asked; asked.Get("scope") != "openid" || asked.Get("code_challenge_method") != "S256" || asked.Get("nonce") == asked.Get("state") {
		t.Errorf("asked the issuer %v", asked)
	}
	a := c.get(back)
	if a.status != http.StatusSeeOther || a.to != "/console/approvals?box=mine" {
		t.Fatalf("%d to %q\n%s", a.status, a.to, a.text)
	}
	c.wants(c.get("/console"), http.StatusOK, "陈审批")
	// The same answer again opens nothing, and no other browser's.
	other := o.browser()
	other.wants(other.get(back), http.StatusUnauthorized, "请重新开始")
	c.wants(c.get(back), http.StatusUnauthorized)

	// Nobody is made from an e-mail address, and nobody is guessed.
	issuer.Subject = "somebody-else"
	issuer.Forge = func(claims map[string]any) {
		claims["email"], claims["preferred_username"] = "chen@example.org", "chen"
	}
	stranger := o.browser()
	stranger.wants(stranger.get(stranger.follow(stranger.get("/console/sign-in/issuer").to)), http.StatusUnauthorized)
	if stranger.signedIn() {
		t.Error("a stranger is in")
	}
}

func TestS7ForgedAnswersOfAnIssuer(t *testing.T) {
	t.Parallel()
	o, issuer := withIssuer(t, staff.PasswordWithCode)
	for name, forge := range map[string]func(){
		"alg none":      func() { issuer.Alg = "none" },
		"alg HS256":     func() { issuer.Alg = "HS256" },
		"another key":   func() { issuer.Alg = "other" },
		"nonce":         func() { issuer.Forge = func(c map[string]any) { c["nonce"] = "replayed" } },
		"no nonce":      func() { issuer.Forge = func(c map[string]any) { delete(c, "nonce") } },
		"issuer":        func() { issuer.Forge = func(c map[string]any) { c["iss"] = "https://accounts.example.org" } },
		"audience":      func() { issuer.Forge = func(c map[string]any) { c["aud"] = "another" } },
		"two audiences": func() { issuer.Forge = func(c map[string]any) { c["aud"] = []string{oidctest.Client, "another"} } },
		"azp":           func() { issuer.Forge = func(c map[string]any) { c["azp"] = "another" } },
		"expired":       func() { issuer.Forge = func(c map[string]any) { c["exp"] = o.now.Add(-time.Minute).Unix() } },
		"no subject":    func() { issuer.Forge = func(c map[string]any) { delete(c, "sub") } },
	} {
		issuer.Alg, issuer.Forge = "", nil
		forge()
		c := o.browser()
		if a := c.get(c.follow(c.get("/console/sign-in/issuer").to)); a.status != http.StatusUnauthorized || c.signedIn() {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	issuer.Alg, issuer.Forge = "", nil

	// What the browser brings back is changed on the way.
	change := func(name string, how func(url.Values)) {
		c := o.browser()
		path, query, _ := strings.Cut(c.follow(c.get("/console/sign-in/issuer").to), "?")
		q, err := url.ParseQuery(query)
		o.must(err)
		how(q)
		if a := c.get(path + "?" + q.Encode()); a.status != http.StatusUnauthorized || c.signedIn() {
			t.Errorf("%s: %d", name, a.status)
		}
	}
	change("mix-up: another issuer answers", func(q url.Values) { q.Set("iss", "https://accounts.example.org") })
	change("state of nobody", func(q url.Values) { q.Set("state", "s.guess") })
	change("no state", func(q url.Values) { q.Del("state") })
	change("no code", func(q url.Values) { q.Del("code") })
	// Login CSRF: the answer to somebody else's browser, and a code that was meant for another passage (PKCE).
	foreign := o.browser()
	stolen, err := url.ParseQuery(strings.SplitN(foreign.follow(foreign.get("/console/sign-in/issuer").to), "?", 2)[1])
	o.must(err)
	change("login CSRF", func(q url.Values) { q.Set("state", stolen.Get("state")) })
	change("code of another passage", func(q url.Values) { q.Set("code", stolen.Get("code")) })

	// Too late.
	c := o.browser()
	back := c.follow(c.get("/console/sign-in/issuer").to)
	o.now = o.now.Add(staff.CeremonyLife)
	c.wants(c.get(back), http.StatusUnauthorized)
	// Another redirect than the registered one is the issuer's to refuse; ours is exact.
	if want := o.url + "/console/sign-in/return"; issuer.Asked.Get("redirect_uri") != want {
		t.Errorf("redirect %q", issuer.Asked.Get("redirect_uri"))
	}
}

// A session that came from an issuer is as fresh as the issuer says that the person was there, and no more.
func TestS6IssuerConfirms(t *testing.T) {
	t.Parallel()
	o, issuer := withIssuer(t, staff.PasswordWithCode)
	guan := func() *client {
		c := o.browser()
		c.wants(c.get(c.follow(c.get("/console/sign-in/issuer").to)), http.StatusSeeOther)
		return c
	}
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		p, err := staff.ByLogin(ctx, tx, o.book.ID, "guan")
		if err != nil {
			return err
		}
		return staff.LinkIdentity(ctx, tx, o.book.ID, p.ID, uuid.Nil, issuer.URL, "subject-guan", o.now)
	})
	issuer.Subject, issuer.Login = "subject-guan", o.now.Add(-time.Hour) // single sign-on: was there an hour ago
	c := guan()
	form := url.Values{"name": {"日报程序"}, "scopes": {"funds:read", "books:read"}, "life": {"90"}}
	ask := func() string {
		a := c.post("/console/keys", form)
		c.wants(a, http.StatusForbidden, "请确认是您本人", "到单位身份平台确认", "日报程序", "funds:read")
		_, rest, _ := strings.Cut(a.text, `href="/console/confirm/issuer?state=`)
		state, _, _ := strings.Cut(rest, `"`)
		way := c.get("/console/confirm/issuer?state=" + state)
		c.wants(way, http.StatusSeeOther)
		return c.follow(way.to)
	}
	c.wants(c.get(ask()), http.StatusUnprocessableEntity, "没有通过") // did not ask again, whatever we said
	if issuer.Asked.Get("prompt") != "login" || issuer.Asked.Get("max_age") != "0" {
		t.Errorf("asked the issuer %v", issuer.Asked)
	}
	issuer.Login, issuer.AMR = o.now, []string{"pwd"} // a password only
	c.wants(c.get(ask()), http.StatusUnprocessableEntity)
	issuer.AMR, issuer.Subject = []string{"pwd", "otp"}, "subject-chen" // somebody else
	c.wants(c.get(ask()), http.StatusUnprocessableEntity)
	issuer.Subject = "subject-guan"
	thief := o.browser() // the answer is for one session
	back := ask()
	if a := thief.get(back); a.status != http.StatusUnauthorized {
		t.Errorf("another browser: %d", a.status)
	}
	on := c.get(back)
	c.wants(on, http.StatusOK, "还没有提交", "日报程序", `name="scopes" value="books:read"`, `action="/console/keys"`)
	c.wants(c.post("/console/keys", form), http.StatusOK, "sf_")
}

// A person links who they are at the issuer by signing in there; nobody is linked twice.
func TestS7LinkOwnIdentity(t *testing.T) {
	t.Parallel()
	o, issuer := withIssuer(t, staff.PasswordAlone)
	issuer.Subject, issuer.Login = "subject-li", o.now
	li := o.as("li")
	way := func() string {
		a := li.get("/console/me/issuer")
		li.wants(a, http.StatusOK, issuer.URL)
		_, rest, _ := strings.Cut(a.text, `href="/console/confirm/issuer`)
		query, _, _ := strings.Cut(rest, `"`)
		return li.follow(li.get("/console/confirm/issuer" + query).to)
	}
	li.wants(li.get(way()), http.StatusSeeOther)
	li.wants(li.get("/console/me"), http.StatusOK, "subject-li", "解除绑定")
	issuer.Subject = "subject-chen"
	li.wants(li.get(way()), http.StatusConflict, "已经绑定给别人")
	issuer.Subject = "subject-li"
	c := o.browser()
	c.wants(c.get(c.follow(c.get("/console/sign-in/issuer").to)), http.StatusSeeOther)
	c.wants(c.get("/console"), http.StatusOK, "李会计")
	li.wants(li.post("/console/me/issuer/remove", url.Values{"link": {li.hidden(li.get("/console/me"), "link")}}), http.StatusSeeOther)
	c = o.browser()
	c.wants(c.get(c.follow(c.get("/console/sign-in/issuer").to)), http.StatusUnauthorized)

	// Two admins link somebody else, never oneself.
	guan, hu := o.as("guan"), o.as("hu")
	person := "/console/people/" + o.personID("li").String()
	asked := guan.post(person, url.Values{"form": {uuid.NewString()}, "do": {"link"}, "subject": {"subject-li"}})
	guan.lacks(guan.get(person), "subject-li")
	hu.wants(hu.get(asked.to), http.StatusOK, "绑定单位身份", "subject-li")
	hu.wants(hu.decides(asked.to, "approve", ""), http.StatusSeeOther)
	guan.wants(guan.get(person), http.StatusOK, "subject-li")
	guan.wants(guan.post("/console/people/"+o.personID("guan").String(), url.Values{"form": {uuid.NewString()}, "do": {"link"}, "subject": {"x"}}), http.StatusUnprocessableEntity)
}

func (o *office) personID(login string) (id uuid.UUID) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		p, err := staff.ByLogin(ctx, tx, o.book.ID, login)
		id = p.ID
		return err
	})
	return id
}

// O1: an issuer that may be asked names a door that may not: our secret and the code are not sent there.
func TestO1TokenEndpointInside(t *testing.T) {
	t.Parallel()
	o, issuer := withIssuer(t, staff.PasswordWithCode)
	var reached atomic.Int32
	inside := "http://127.0.0.2:1" // where a machine has no second loopback address, nobody listens there
	if listener, err := net.Listen("tcp", "127.0.0.2:0"); err == nil {
		server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) })}}
		server.Start()
		t.Cleanup(server.Close)
		inside = server.URL
	}
	issuer.Token = inside + "/token"
	c := o.browser()
	back := c.follow(c.get("/console/sign-in/issuer").to)
	if a := c.get(back); a.status == http.StatusSeeOther || c.signedIn() {
		t.Errorf("%d to %q", a.status, a.to)
	}
	if reached.Load() > 0 {
		t.Error("the door inside was reached")
	}
}
