package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// authenticator is a virtual security key in a browser.
func authenticator(ctx context.Context, t *testing.T) {
	t.Helper()
	do(ctx, t, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		if _, err := cdp.Call(ctx, tab, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true, HasUserVerification: true,
			IsUserVerified: true, AutomaticPresenceSimulation: true}})
		return err
	}))
}

// caught presses the passkey button of the page and returns the form's fields instead of sending them.
func caught(ctx context.Context, t *testing.T, origin string) url.Values {
	t.Helper()
	do(ctx, t, chromedp.Navigate(origin+"/console/sign-in"), chromedp.WaitVisible(`[data-passkey-button]`))
	text := eval(ctx, t, `new Promise((done) => {
		HTMLFormElement.prototype.submit = function () { done(JSON.stringify(Object.fromEntries(new FormData(this)))); };
		document.querySelector("[data-passkey-button]").click();
		setTimeout(() => done(""), 60000);
	})`)
	var fields map[string]string
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		t.Fatalf("the device gave %q", text)
	}
	form := url.Values{}
	for name, value := range fields {
		form.Set(name, value)
	}
	return form
}

// sent posts a form from the page that is open: "in" when it led on, else the status.
func sent(ctx context.Context, t *testing.T, path string, form url.Values) string {
	t.Helper()
	return eval(ctx, t, `fetch("`+path+`", {method: "POST", redirect: "manual", body: new URLSearchParams("`+form.Encode()+`")})
		.then((a) => a.type === "opaqueredirect" ? "in" : String(a.status))`)
}

func (o *office) signedOut(ctx context.Context) {
	o.Helper()
	do(ctx, o.T, chromedp.Navigate(o.url+"/console/sign-in"))
	eval(ctx, o.T, `fetch("/console/sign-out", {method: "POST", redirect: "manual"}).then(() => "out")`)
}

// A person adds a passkey on the own page and signs in with it, without typing a name.
func TestS8Passkeys(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	target, err := url.Parse(o.url)
	o.must(err)
	// The same pages at another origin of the same host name: the passkey is offered there, the origin differs.
	elsewhere := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }})
	t.Cleanup(elsewhere.Close)
	local := func(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) }
	o.url = local(o.url)
	ctx := browser(t)
	authenticator(ctx, t)

	o.signInBrowser(ctx, "li")
	do(ctx, t, chromedp.Navigate(o.url+"/console/me"), chromedp.WaitVisible(`[data-passkey-button]`), chromedp.SetValue(`#f-name`, "办公室电脑"),
		chromedp.Click(`[data-passkey-button]`), chromedp.WaitVisible(`form[action="/console/me/passkeys/remove"]`))
	if text := eval(ctx, t, `document.querySelector("main").innerText`); !strings.Contains(text, "办公室电脑") {
		t.Errorf("the page does not name the passkey:\n%s", text)
	}

	o.signedOut(ctx)
	do(ctx, t, chromedp.Navigate(o.url+"/console/sign-in"), chromedp.WaitVisible(`[data-passkey-button]`), chromedp.Click(`[data-passkey-button]`), chromedp.WaitReady(`nav.side`), chromedp.Navigate(o.url+"/console/me"))
	if text := eval(ctx, t, `document.querySelector("main").innerText`); !strings.Contains(text, "li\n") {
		t.Errorf("signed in as nobody:\n%s", text)
	}

	// Replay: an answer opens one session.
	o.signedOut(ctx)
	form := caught(ctx, t, o.url)
	if first, again := sent(ctx, t, "/console/sign-in/passkey", form), sent(ctx, t, "/console/sign-in/passkey", form); first != "in" || again != "401" {
		t.Errorf("first %s, again %s", first, again)
	}
	// Another browser's answer.
	o.signedOut(ctx)
	form = caught(ctx, t, o.url)
	if a := o.browser().post("/console/sign-in/passkey", form); a.status != http.StatusUnauthorized {
		t.Errorf("another browser: %d", a.status)
	}
	// Too late.
	form = caught(ctx, t, o.url)
	o.now = o.now.Add(staff.CeremonyLife)
	if a := sent(ctx, t, "/console/sign-in/passkey", form); a != "401" {
		t.Errorf("too late: %s", a)
	}
	// Another origin: what a page elsewhere got signed does not open ours.
	form = caught(ctx, t, local(elsewhere.URL))
	do(ctx, t, chromedp.Navigate(o.url+"/console/sign-in"))
	if a := sent(ctx, t, "/console/sign-in/passkey", form); a != "401" {
		t.Errorf("wrong origin: %s", a)
	}
	form = caught(ctx, t, local(elsewhere.URL)) // where it was signed it would do
	if a := sent(ctx, t, "/console/sign-in/passkey", form); a != "in" {
		t.Errorf("own origin: %s", a)
	}
	o.signedOut(ctx)
	// Nor does an answer that was changed on the way.
	form = caught(ctx, t, o.url)
	form.Set("answer", strings.Replace(form.Get("answer"), `"signature":"M`, `"signature":"N`, 1))
	if a := sent(ctx, t, "/console/sign-in/passkey", form); a != "401" {
		t.Errorf("changed answer: %s", a)
	}
	o.clonedCounter(ctx)
}

// clonedCounter: a copy of the key was used meanwhile, so the counter of this one has fallen behind.
func (o *office) clonedCounter(ctx context.Context) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update passkey set sign_count = sign_count + 100 where book_id = $1`, o.book.ID)
		return err
	})
	for range 2 { // the second time it is stopped
		o.signedOut(ctx)
		if a := sent(ctx, o.T, "/console/sign-in/passkey", caught(ctx, o.T, o.url)); a != "401" {
			o.Errorf("cloned counter: %s", a)
		}
	}
	li := o.as("li")
	li.wants(li.get("/console/me"), http.StatusOK, "已停用：可能被复制")
	if n := o.audited("passkey.cloned"); n != 1 {
		o.Errorf("%d audit events of a cloned passkey", n)
	}
}

// The passkey confirms a step on the page that asks for it, and what was typed goes on.
func TestS6PasskeyConfirms(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.url = strings.Replace(o.url, "127.0.0.1", "localhost", 1)
	li := o.as("li")
	path := li.drafted("付长者午餐首期款", o.lunch("2,850.00")...)
	ctx := browser(t)
	authenticator(ctx, t)
	o.signInBrowser(ctx, "chen")
	do(ctx, t, chromedp.Navigate(o.url+"/console/me"), chromedp.WaitVisible(`[data-passkey-button]`), chromedp.Click(`[data-passkey-button]`),
		chromedp.WaitVisible(`form[action="/console/me/passkeys/remove"]`), chromedp.Navigate(o.url+path), chromedp.WaitVisible(`button[value=approve]`))
	o.now = o.now.Add(staff.FreshFor)
	do(ctx, t, chromedp.Click(`button[value=approve]`), chromedp.WaitVisible(`[data-passkey-button]`))
	if li.get(path); strings.Contains(li.get(path).text, "已入账") {
		t.Error("booked without a fresh proof")
	}
	do(ctx, t, chromedp.Click(`[data-passkey-button]`), chromedp.WaitVisible(`main a[href^="/console/entries/"]`))
}
