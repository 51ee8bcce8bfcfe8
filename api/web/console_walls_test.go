package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/pquerna/otp/totp"

	"sunfund/ledger/staff"
)

// Every route says who it is for: anybody, everybody signed in, or the carriers of a permission that exists.
func TestRoutesStateTheirNeeds(t *testing.T) {
	t.Parallel()
	signedInOnly := map[string]bool{"/console": true, "/console/search": true, "/console/sign-out": true,
		"/console/confirm": true, "/console/confirm/issuer": true, "/console/confirm/passkey/options": true, mailboxPath: true}
	for _, r := range (&Server{}).routes() {
		name := r.method + " " + r.path
		console := strings.HasPrefix(r.path, "/console")
		switch {
		case r.answer == nil:
			t.Errorf("%s has no handler", name)
		case r.open && r.needs != "":
			t.Errorf("%s is open and needs %s", name, r.needs)
		case r.open && console && !strings.HasPrefix(r.path, "/console/sign-in"):
			t.Errorf("%s is open", name)
		case !r.open && !console && !strings.HasPrefix(r.path, providerPath):
			t.Errorf("%s is no console page and not open", name)
		case !r.open && r.needs == signedIn && !signedInOnly[r.path] && !strings.HasPrefix(r.path, "/console/me"):
			t.Errorf("%s needs no permission", name)
		case !r.open && r.needs != signedIn && !slices.ContainsFunc(staff.Roles(), func(role staff.Role) bool { return role.May(r.needs) }):
			t.Errorf("%s needs %q, which nobody can have", name, r.needs)
		case r.method == http.MethodPost && !r.open && r.needs != signedIn && staff.Auditor.May(r.needs) && r.path != "/console/approvals/:id" && !strings.HasPrefix(r.path, exportsPath): // a file of her own is no change of the book
			t.Errorf("%s lets the auditor change something", name)
		}
	}
}

// path fills in a route's parameters with ids that exist nowhere, or with given ones.
func fill(path string) string {
	switch {
	case strings.HasPrefix(path, "/console/funds/"), strings.HasPrefix(path, "/console/accounts/"):
		return strings.Replace(path, ":id", "1", 1)
	}
	return strings.Replace(path, ":id", uuid.NewString(), 1)
}

func TestA5EveryRoleOnEveryRoute(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	roles := map[string]staff.Role{"li": staff.Accountant, "chen": staff.Approver, "wu": staff.StreetOfficer, "shen": staff.Auditor, "guan": staff.Admin}
	street := int32(2)
	for login, held := range map[string]staff.Held{"donor": {Role: staff.Donor}, "resident": {Role: staff.Resident, Street: &street}, "provider": {Role: staff.Provider},
		"supervisor": {Role: staff.Supervisor, Fund: &o.funds[2].ID}} {
		o.person(login, login, login, held)
		roles[login] = held.Role
	}
	browsers := map[string]*client{}
	for login := range roles {
		browsers[login] = o.as(login)
	}
	anonymous := o.browser()
	for _, r := range (&Server{}).routes() {
		if r.open || r.path == "/console/sign-out" {
			continue
		}
		path := fill(r.path)
		switch a := anonymous.do(r.method, path, nil); {
		case r.method == http.MethodGet && (a.status != http.StatusSeeOther || a.to != "/console/sign-in?next="+url.QueryEscape(path)):
			t.Errorf("anonymous %s %s: %d to %q", r.method, r.path, a.status, a.to)
		case r.method == http.MethodPost && a.status != http.StatusUnauthorized:
			t.Errorf("anonymous %s %s: %d", r.method, r.path, a.status)
		}
		if r.needs == signedIn {
			continue
		}
		for login, role := range roles {
			a := browsers[login].do(r.method, path, nil)
			if refused := a.status == http.StatusForbidden; refused == role.May(r.needs) {
				t.Errorf("%s %s %s: %d", login, r.method, r.path, a.status)
			}
			if a.status >= http.StatusInternalServerError {
				t.Errorf("%s %s %s: %d", login, r.method, r.path, a.status)
			}
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.browser()
	wrong := c.post("/console/sign-in", url.Values{"login": {"li"}, "password": {"wrong password"}})
	c.wants(wrong, http.StatusUnauthorized, "登录名、密码或动态码不对。", `value="li"`, "<title>错误：")
	for _, next := range []string{"https://evil.example/", "//evil.example", "/c/space", `/\evil.example`, "/console/sign-out"} {
		if a := o.browser().post("/console/sign-in", url.Values{"login": {"li"}, "password": {consolePassword}, "next": {next}}); a.to != "/console" {
			t.Errorf("next %q leads to %q", next, a.to)
		}
	}
	a := c.post("/console/sign-in", url.Values{"login": {" LI "}, "password": {consolePassword}, "next": {"/console/funds?on=2026-09-01"}})
	if a.status != http.StatusSeeOther || a.to != "/console/funds?on=2026-09-01" {
		t.Fatalf("%d to %q", a.status, a.to)
	}
	cookie := a.head.Get("Set-Cookie")
	for _, part := range []string{"HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("session cookie %q lacks %s", cookie, part)
		}
	}
	c.wants(c.get("/console"), http.StatusOK, "今日 · 李会计", "会计")
	if a := c.post("/console/sign-out", nil); a.to != "/console/sign-in" {
		t.Errorf("sign out leads to %q", a.to)
	}
	if a := c.get("/console"); a.status != http.StatusSeeOther {
		t.Errorf("after signing out: %d", a.status)
	}
}

// Whoever is refused, and why, gets the same page from the same statements; the hashing is counted in ledger/staff.
func TestT4SignInAnswers(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.rule(staff.Settings{Password: staff.PasswordWithCode})
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		return staff.SetState(ctx, tx, o.book.ID, o.personID("wu"), o.personID("guan"), staff.Disabled, o.now)
	})
	factor, err := staff.NewFactor("Sunfund", "li")
	o.must(err)
	used, err := totp.GenerateCode(factor.Secret, o.now)
	o.must(err)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		return staff.SetFactor(ctx, tx, o.book.ID, o.personID("li"), o.personID("li"), factor.Secret, used, o.now)
	})
	answer := func(login, password, code string, status int) string {
		t.Helper()
		a := o.browser().post("/console/sign-in", url.Values{"login": {login}, "password": {password}, "code": {code}})
		if a.status != status || a.to != "" || a.head.Get("Set-Cookie") != "" {
			t.Errorf("%s: %d to %q, cookie %q", login, a.status, a.to, a.head.Get("Set-Cookie"))
		}
		a.head.Del("Date")
		a.head.Del("Content-Length")
		return fmt.Sprint(a.sent, a.head, strings.ReplaceAll(a.text, `value="`+login+`"`, `value="LOGIN"`))
	}
	for _, code := range []string{"", "000000", "AAAA-BBBB-CCCC-DDDD"} {
		unknown := answer("nobody", consolePassword, code, http.StatusUnauthorized)
		for _, who := range [][2]string{{"li", "wrong password"}, {"li", consolePassword}, {"wu", consolePassword}, {"chen", "wrong password"}} {
			if got := answer(who[0], who[1], code, http.StatusUnauthorized); got != unknown {
				t.Errorf("%s, code %q:\n%s", who[0], code, firstDifference(got, unknown))
			}
		}
	}
	if _, err := o.db.Exec(o.Context(), `update sign_in_attempt set tries = $1 where kind = 'account'`, staff.AccountTries+1); err != nil {
		t.Fatal(err)
	}
	locked := answer("nobody", consolePassword, "", http.StatusTooManyRequests)
	for _, login := range []string{"li", "wu", "chen"} {
		if got := answer(login, consolePassword, "", http.StatusTooManyRequests); got != locked {
			t.Errorf("%s, locked:\n%s", login, firstDifference(got, locked))
		}
	}
}

func TestSignInTooMany(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c := o.browser()
	for range staff.AccountTries {
		c.wants(c.post("/console/sign-in", url.Values{"login": {"li"}, "password": {"wrong password"}}), http.StatusUnauthorized)
	}
	a := c.post("/console/sign-in", url.Values{"login": {"li"}, "password": {consolePassword}})
	c.wants(a, http.StatusTooManyRequests, "试的次数太多。请在 2026年9月7日 10:21 以后再试。")
	if a.head.Get("Retry-After") != "900" {
		t.Errorf("Retry-After %q", a.head.Get("Retry-After"))
	}
}

func TestSecondFactorAndSessions(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	c, elsewhere := o.as("li"), o.as("li")
	form := c.get("/console/me/factor")
	c.wants(form, http.StatusOK, `<svg class="qr"`)
	secret := c.hidden(form, "secret")
	code := func() string {
		text, err := totp.GenerateCode(secret, o.now)
		o.must(err)
		return text
	}
	c.wants(c.post("/console/me/factor", url.Values{"secret": {secret}, "code": {"000000"}, "password": {consolePassword}}), http.StatusUnprocessableEntity, "动态码不对", secret)
	c.wants(c.post("/console/me/factor", url.Values{"secret": {secret}, "code": {code()}, "password": {consolePassword}}), http.StatusSeeOther)
	c.wants(c.get("/console/me"), http.StatusOK, "已设置", "这台设备", "让它退出")

	fresh := o.browser()
	fresh.wants(fresh.post("/console/sign-in", url.Values{"login": {"li"}, "password": {consolePassword}}), http.StatusUnauthorized)
	o.now = o.now.Add(60e9)
	fresh.wants(fresh.post("/console/sign-in", url.Values{"login": {"li"}, "password": {consolePassword}, "code": {code()}}), http.StatusSeeOther)

	c.wants(c.post("/console/me/sessions", url.Values{"session": {"others"}}), http.StatusSeeOther)
	elsewhere.wants(elsewhere.get("/console"), http.StatusSeeOther)
	c.wants(c.get("/console"), http.StatusOK)

	o.now = o.now.Add(60e9)
	c.wants(c.post("/console/me/password", url.Values{"password": {consolePassword}, "code": {code()}, "fresh": {"short"}, "again": {"short"}}), http.StatusUnprocessableEntity, "新密码：要有 10 到 200 个字符。")
	c.wants(c.post("/console/me/password", url.Values{"password": {consolePassword}, "code": {code()}, "fresh": {"battery staple"}, "again": {"battery stable"}}), http.StatusUnprocessableEntity, "不一样")
	a := c.post("/console/me/password", url.Values{"password": {consolePassword}, "code": {code()}, "fresh": {"battery staple"}, "again": {"battery staple"}})
	c.wants(a, http.StatusSeeOther)
	c.wants(c.get(a.to), http.StatusOK, "所有设备都已退出")
	o.now = o.now.Add(60e9)
	c.wants(c.post("/console/sign-in", url.Values{"login": {"li"}, "password": {"battery staple"}, "code": {code()}}), http.StatusSeeOther)
	o.now = o.now.Add(60e9)
	c.wants(c.post("/console/me/factor/remove", url.Values{"password": {"battery staple"}, "code": {code()}}), http.StatusSeeOther)
	c.wants(c.post("/console/sign-in", url.Values{"login": {"li"}, "password": {"battery staple"}}), http.StatusSeeOther)
}

// A street officer sees her street's funds and nothing of any other.
func TestStreetOfficerSight(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	wu := o.as("wu")
	secrets := []string{"谢家湾", "XJW", "8,000.00", "7,800.00", "200.00"}
	for _, path := range []string{"/console", "/console/funds", "/console/entries", "/console/trial-balance?from=2026-01-01&to=2026-12-31&per=fund&zero=1",
		"/console/accounts", "/console/search?q=200.00", "/console/search?q=谢家湾x", "/console/entries?amount=200.00", "/console/entries?fund=3",
		"/console/entries/" + o.both.String(), "/console/entries/" + o.both.String() + "?view=plain", "/console/funds?format=csv",
		"/console/entries?format=csv", "/console/trial-balance?from=2026-01-01&to=2026-12-31&format=csv", "/console/accounts?format=csv"} {
		a := wu.get(strings.ReplaceAll(path, "谢家湾", url.QueryEscape("不存在")))
		wu.wants(a, http.StatusOK)
		text := strings.ReplaceAll(a.text, "q=200.00", "")
		for _, secret := range secrets {
			if strings.Contains(path, "200.00") && secret == "200.00" {
				continue // what she typed herself
			}
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %s", path, secret)
			}
		}
	}
	wu.wants(wu.get("/console/entries/"+o.both.String()), http.StatusOK, "100.00", "那些分录不在您的权限里")
	wu.wants(wu.get("/console/entries?amount=100.00"), http.StatusOK, "两街道共同活动分摊")
	wu.wants(wu.get("/console/entries?amount=200.00"), http.StatusOK, "没有符合条件的凭证")
	for _, path := range []string{"/console/entries/" + o.other.String(), "/console/funds/" + strconv.Itoa(int(o.funds[2].ID)), "/console/funds/" + strconv.Itoa(int(o.general.ID)),
		"/console/accounts/" + strconv.Itoa(int(o.account("bank.basic", 2))), "/console/trial-balance?fund=" + strconv.Itoa(int(o.funds[2].ID)),
		"/console/entries/" + uuid.NewString(), "/console/accounts/9999", "/console/funds/9999", "/console/entries/nonsense"} {
		if a := wu.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, a.status)
		}
	}
	wu.wants(wu.get("/console/accounts/"+strconv.Itoa(int(o.account("bank.basic", 1)))), http.StatusOK, "50,000.00", "49,900.00")
}
