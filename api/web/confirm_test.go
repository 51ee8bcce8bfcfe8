package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sunfund/ledger/staff"
)

// A stolen session that proved itself too long ago decides nothing, and changes nobody's rights.
func TestS6StepUp(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen, guan, shen := o.as("li"), o.as("chen"), o.as("guan"), o.as("shen")
	path := li.drafted("付长者午餐首期款", o.lunch("2,850.00")...)
	hash := chen.hidden(chen.get(path), "hash")
	o.now = o.now.Add(staff.FreshFor)

	refuse := url.Values{"hash": {hash}, "do": {"reject"}, "reason": {"发票 <没有> 盖章"}}
	a := chen.post(path, refuse)
	chen.wants(a, http.StatusForbidden, "请确认是您本人", `action="`+path+`"`, `name="reason" value="发票 <没有> 盖章"`, `name="do" value="reject"`)
	with := func(form url.Values, password string) url.Values {
		more := url.Values{confirmPassword: {password}}
		for name, values := range form {
			more[name] = values
		}
		return more
	}
	a = chen.post(path, with(refuse, "not it at all"))
	chen.wants(a, http.StatusUnprocessableEntity, "没有通过", `name="reason" value="发票 <没有> 盖章"`)
	chen.lacks(a, "not it at all")
	chen.wants(chen.get(path), http.StatusOK, `value="approve"`) // still open
	chen.wants(chen.post(path, with(refuse, consolePassword)), http.StatusSeeOther)
	chen.wants(chen.get(path), http.StatusOK, "发票 <没有> 盖章")

	// Everything else that needs it, by the same wrapper.
	for _, step := range []struct {
		who  *client
		path string
		form url.Values
	}{
		{guan, "/console/people", url.Values{"login": {"mei"}}},
		{guan, "/console/people/" + o.personID("li").String(), url.Values{"do": {"disable"}}},
		{guan, "/console/keys", url.Values{"name": {"x"}}},
		{li, "/console/me/password", url.Values{"fresh": {"battery staple"}, "again": {"battery staple"}}},
		{li, "/console/me/factor", url.Values{"secret": {"ABCDEFGHIJKLMNOP"}}},
		{li, "/console/me/factor/remove", nil}, {li, "/console/me/passkeys", nil}, {li, "/console/me/passkeys/remove", nil},
		{li, "/console/me/recovery", nil}, {li, "/console/me/issuer/remove", nil},
	} {
		a := step.who.post(step.path, step.form)
		step.who.wants(a, http.StatusForbidden, "请确认是您本人")
		step.who.lacks(a, "battery staple")
	}
	for _, page := range []string{"/console/gifts?format=csv", "/console/me/factor", "/console/me/issuer"} {
		who := shen
		who.wants(who.get(page), http.StatusForbidden, "请确认是您本人", `name="next" value="`+page+`"`)
	}
	shen.wants(shen.get("/console/gifts"), http.StatusOK) // on the screen it may be read
	a = shen.post("/console/confirm", url.Values{"next": {"/console/gifts?format=csv"}, confirmPassword: {consolePassword}})
	if a.status != http.StatusSeeOther || a.to != "/console/gifts?format=csv" {
		t.Fatalf("%d to %q", a.status, a.to)
	}
	if a := shen.get(a.to); a.status != http.StatusOK || !strings.HasPrefix(a.head.Get("Content-Type"), "text/csv") {
		t.Errorf("export: %d", a.status)
	}
	// Tries count like those of signing in.
	for range staff.AccountTries {
		guan.post("/console/keys", url.Values{"name": {"x"}, confirmPassword: {"wrong password"}})
	}
	guan.wants(guan.post("/console/keys", url.Values{"name": {"x"}, confirmPassword: {consolePassword}}), http.StatusTooManyRequests)
	// S11: no way out of the console.
	if a := shen.post("/console/confirm", url.Values{"next": {"https://evil.example/console"}}); a.to != "/console" {
		t.Errorf("leads to %q", a.to)
	}
}

func sessionToken(a reply) string {
	m := regexp.MustCompile(`sunfund_session=([^;]*)`).FindStringSubmatch(a.head.Get("Set-Cookie"))
	if m == nil {
		return ""
	}
	return m[1]
}

// Signing in always makes a new session id, whatever cookie the browser came with.
func TestS1SessionFixation(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	signIn := url.Values{"login": {"li"}, "password": {consolePassword}}
	c := o.browser()
	at, err := url.Parse(o.url)
	o.must(err)
	planted := strings.Repeat("A", 43)
	c.http.Jar.SetCookies(at, []*http.Cookie{{Name: sessionCookie, Value: planted, Path: "/"}})
	if c.signedIn() {
		t.Fatal("a planted cookie opens the console")
	}
	first := sessionToken(c.post("/console/sign-in", signIn))
	second := sessionToken(c.post("/console/sign-in", signIn))
	if first == "" || first == planted || second == "" || second == first {
		t.Errorf("session ids %q, %q", first, second)
	}
	victim := o.browser()
	victim.http.Jar.SetCookies(at, []*http.Cookie{{Name: sessionCookie, Value: planted, Path: "/"}})
	if victim.signedIn() {
		t.Error("the planted id is a session now")
	}
}

func TestS4SessionsEnd(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	idle, busy := o.as("li"), o.as("chen")
	begin := o.now
	for o.now.Sub(begin) < staff.SessionLife-time.Minute {
		o.now = o.now.Add(min(staff.SessionIdle-time.Minute, begin.Add(staff.SessionLife-time.Minute).Sub(o.now)))
		if !busy.signedIn() {
			t.Fatalf("ended after %v", o.now.Sub(begin))
		}
		if o.now.Sub(begin) > staff.SessionIdle && idle.signedIn() {
			t.Fatalf("idle for %v and still in", o.now.Sub(begin))
		}
	}
	o.now = begin.Add(staff.SessionLife)
	if busy.signedIn() {
		t.Error("a busy session has no end")
	}
}

// One's own sessions end on one's own page, anybody's on the person's page by an admin, one by one or all.
func TestS5SignOutEverywhere(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	here, there, third := o.as("li"), o.as("li"), o.as("li")
	here.wants(here.post("/console/me/sessions", url.Values{"session": {here.hidden(here.get("/console/me"), "session")}}), http.StatusSeeOther)
	if in := [3]bool{here.signedIn(), there.signedIn(), third.signedIn()}; in != [3]bool{true, true, false} && in != [3]bool{true, false, true} {
		t.Fatalf("signed in: %v", in)
	}
	here.wants(here.post("/console/me/sessions", url.Values{"session": {"others"}}), http.StatusSeeOther)
	if !here.signedIn() || there.signedIn() || third.signedIn() {
		t.Error("others are still in")
	}
	guan, shen := o.as("guan"), o.as("shen")
	person := "/console/people/" + o.personID("li").String()
	session := url.Values{"do": {"session"}, "session": {guan.hidden(guan.get(person), "session")}}
	shen.wants(shen.get(person), http.StatusOK)
	if a := shen.post(person, session); a.status != http.StatusForbidden || !here.signedIn() {
		t.Errorf("the auditor ends a session: %d", a.status)
	}
	guan.wants(guan.post(person, session), http.StatusSeeOther)
	if here.signedIn() {
		t.Error("ended by the admin and still in")
	}
	again, more := o.as("li"), o.as("li")
	guan.wants(guan.post(person, url.Values{"do": {"sessions"}}), http.StatusSeeOther)
	if again.signedIn() || more.signedIn() {
		t.Error("all ended by the admin and still in")
	}
}

// Where a password alone is not enough, who has nothing else yet gets in to set it up, and to nothing more.
func TestPasswordRules(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	old := o.as("li") // from when a password was enough
	o.rule(staff.Settings{Password: staff.PasswordWithCode})
	old.wants(old.get("/console"), http.StatusSeeOther)
	c := o.as("li")
	for _, path := range []string{"/console", "/console/entries", "/console/vouchers/new", "/console/gifts?format=csv"} {
		if a := c.get(path); a.status != http.StatusSeeOther || a.to != "/console/me?setup=1" {
			t.Errorf("%s: %d to %q", path, a.status, a.to)
		}
	}
	c.wants(c.get("/console/me"), http.StatusOK, "不接受只用密码登录")
	form := c.get("/console/me/factor")
	secret := c.hidden(form, "secret")
	code := func() string {
		text, err := totp.GenerateCode(secret, o.now)
		o.must(err)
		return text
	}
	c.wants(c.post("/console/me/factor", url.Values{"secret": {secret}, "code": {code()}}), http.StatusSeeOther)
	c.wants(c.get("/console"), http.StatusOK)
	if a := old.get("/console"); a.status != http.StatusSeeOther { // proved by a password only, and stays so
		t.Errorf("the old session: %d", a.status)
	}
	old.wants(old.post("/console/me/recovery", nil), http.StatusForbidden)
	o.now = o.now.Add(time.Minute)
	b := o.browser()
	b.wants(b.post("/console/sign-in", url.Values{"login": {"li"}, "password": {consolePassword}}), http.StatusUnauthorized)
	b.wants(b.post("/console/sign-in", url.Values{"login": {"li"}, "password": {consolePassword}, "code": {code()}}), http.StatusSeeOther)
	o.rule(staff.Settings{Password: staff.PasswordNever})
	o.now = o.now.Add(time.Minute)
	b.wants(b.post("/console/sign-in", url.Values{"login": {"li"}, "password": {consolePassword}, "code": {code()}}), http.StatusUnauthorized)
}

// Ten codes, each once, beside the password; new ones end the old.
func TestRecoveryCodes(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.as("li")
	codes := func() []string {
		a := c.post("/console/me/recovery", nil)
		c.wants(a, http.StatusOK, "只显示这一次")
		return regexp.MustCompile(`[A-Z2-7]{4}(-[A-Z2-7]{4}){3}`).FindAllString(a.text, -1)
	}
	first := codes()
	if len(first) != staff.RecoveryCodes {
		t.Fatalf("%d codes", len(first))
	}
	o.rule(staff.Settings{Password: staff.PasswordNever})
	in := func(code string) int {
		b := o.browser()
		return b.post("/console/sign-in", url.Values{"login": {"li"}, "password": {consolePassword}, "code": {code}}).status
	}
	if a := o.browser().post("/console/sign-in", url.Values{"login": {"chen"}, "password": {consolePassword}, "code": {first[0]}}); a.status != http.StatusUnauthorized {
		t.Errorf("somebody else's code: %d", a.status)
	}
	if once, again := in(strings.ToLower(first[0])), in(first[0]); once != http.StatusSeeOther || again != http.StatusUnauthorized {
		t.Errorf("a code: %d, again %d", once, again)
	}
	if n := o.audited("recovery.used"); n != 1 {
		t.Errorf("%d audit events", n)
	}
	o.rule(staff.Settings{Password: staff.PasswordAlone})
	c.wants(c.get("/console/me"), http.StatusOK, "还有 9 个没有用过")
	second := codes()
	if old, fresh := in(first[1]), in(second[1]); old != http.StatusUnauthorized || fresh != http.StatusSeeOther {
		t.Errorf("old code %d, new code %d", old, fresh)
	}
}

func (o *office) audited(what string) (n int) {
	o.Helper()
	events, err := staff.Events(o.Context(), o.db, o.book.ID, staff.EventFilter{})
	o.must(err)
	for _, e := range events {
		if e.What == what {
			n++
		}
	}
	return n
}
