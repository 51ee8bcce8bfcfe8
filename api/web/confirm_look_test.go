package web

import (
	"os"
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
	folder := os.Getenv("SUNFUND_SCREENSHOTS")
	ctx := browser(t)
	authenticator(ctx, t)
	look := func(name, path string) {
		t.Helper()
		for _, lang := range []Lang{ZH, EN} {
			for _, width := range []int64{360, 1280} {
				do(ctx, t, chromedp.EmulateViewport(width, 800), chromedp.Navigate(o.url+"/prefs?lang="+string(lang)), chromedp.Navigate(o.url+path))
				if name == "recovery" {
					do(ctx, t, chromedp.Click(`form[action="/console/me/recovery"] button`), chromedp.WaitVisible(`ul.once`))
				}
				if out := eval(ctx, t, sticksOut); out != "" {
					t.Errorf("%s scrolls sideways:\n%s", name, out)
				}
				if small := eval(ctx, t, tooSmall); width == 360 && small != "" {
					t.Errorf("%s: targets below 44 px:\n%s", name, small)
				}
				accessible(ctx, t)
				picture(ctx, t, folder, "sign-in-"+name+"-"+string(lang)+map[int64]string{360: "-phone", 1280: "-desk"}[width])
			}
		}
	}
	look("sign-in", "/console/sign-in")
	o.signInBrowser(ctx, "chen")
	do(ctx, t, chromedp.Navigate(o.url+"/console/me"), chromedp.WaitVisible(`[data-passkey-button]`), chromedp.Click(`[data-passkey-button]`),
		chromedp.WaitVisible(`form[action="/console/me/passkeys/remove"]`))
	look("me", "/console/me")
	look("recovery", "/console/me")
	look("issuer", "/console/me/issuer")
	o.signInBrowser(ctx, "guan")
	look("person", "/console/people/"+o.personID("chen").String())
	o.signInBrowser(ctx, "chen")
	o.now = o.now.Add(staff.FreshFor)
	look("confirm", "/console/gifts?format=csv")
}
