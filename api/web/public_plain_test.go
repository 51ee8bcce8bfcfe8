package web

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Somebody gives with scripts switched off: each step is a link or a form, what is wrong is said, and a reload shows the rest.
func TestGivingWithoutScript(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	folder := os.Getenv("SUNFUND_SCREENSHOTS")
	ctx := browser(t)
	do(ctx, t, chromedp.EmulateViewport(360, 740), chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	for _, lang := range []Lang{ZH, EN} {
		says := func(key string, args ...any) {
			t.Helper()
			if text := eval(ctx, t, `document.querySelector("main").innerText`); !strings.Contains(text, T(lang, key, args...)) {
				t.Errorf("the page lacks %q:\n%s", T(lang, key, args...), text)
			}
		}
		campaign := s.URL + "/c/ekongjian?lang=" + string(lang)
		do(ctx, t, chromedp.Navigate(campaign), chromedp.Click(`.action-bar a.button`), chromedp.WaitVisible(`#f-other`),
			chromedp.SetValue(`#f-other`, "1,00"), chromedp.Click(`.action-bar button`), chromedp.WaitVisible(`.errors`))
		says("gift.amount.syntax", "1.00", "50,000.00")
		if focused := eval(ctx, t, `document.activeElement.className`); focused == "errors" { // our script does that
			t.Fatal("scripts run, so this shows nothing")
		}
		picture(ctx, t, folder, "plain-errors-"+string(lang))
		do(ctx, t, chromedp.SetValue(`#f-other`, "36.50"), chromedp.SetValue(`#f-name`, "王女士"), chromedp.Click(`.action-bar button`),
			chromedp.WaitVisible(`button[value=success]`), chromedp.Click(`button[value=success]`), chromedp.WaitVisible(`#gift-state`))
		gift := strings.TrimPrefix(eval(ctx, t, `location.href`), s.URL)
		s.until(gift, `/receipt"`)
		do(ctx, t, chromedp.Reload(), chromedp.Click(`#gift-state a[href$="/receipt"]`), chromedp.WaitVisible(`article.receipt`))
		says("receipt.heading")
		picture(ctx, t, folder, "plain-receipt-"+string(lang))
		do(ctx, t, chromedp.Navigate(campaign))
		bar := eval(ctx, t, `document.querySelector("#campaign-bar").innerText`)
		if want := map[Lang]string{ZH: "36.50", EN: "73.00"}[lang]; !strings.Contains(bar, want) {
			t.Errorf("the bar lacks %s: %q", want, bar)
		}
	}
}
