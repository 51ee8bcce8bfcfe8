package web

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"sunfund/ledger/staff"
)

// TestSignInLook opens the pages of signing in and proving oneself in both languages, on a phone and on a desk.
func TestSignInLook(t *testing.T) {
	t.Parallel()
	o, _ := withIssuer(t, staff.PasswordAlone)
	o.url = strings.Replace(o.url, "127.0.0.1", "localhost", 1)
	ctx := browser(t)
	authenticator(ctx, t)
	look := func(name, path string, more ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		inspect(ctx, t, bothHeard, "sign-in-"+name, o.url+path, more...)
	}
	look("sign-in", "/console/sign-in")
	o.signInBrowser(ctx, "chen")
	do(ctx, t, chromedp.Navigate(o.url+"/console/me"), chromedp.WaitVisible(`[data-passkey-button]`), chromedp.Click(`[data-passkey-button]`),
		chromedp.WaitVisible(`form[action="/console/me/passkeys/remove"]`))
	look("me", "/console/me")
	look("recovery", "/console/me", chromedp.Click(`form[action="/console/me/recovery"] button`), chromedp.WaitVisible(`ul.once`))
	look("issuer", "/console/me/issuer")
	o.signInBrowser(ctx, "guan")
	look("person", "/console/people/"+o.personID("chen").String())
	o.signInBrowser(ctx, "chen")
	o.now = o.now.Add(staff.FreshFor)
	look("confirm", "/console/gifts?format=csv")
}
