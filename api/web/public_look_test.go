package web

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPublicLook opens every public page in a browser: nothing sticks out, targets are large enough, and with
// SUNFUND_SCREENSHOTS set there are pictures to look at.
func TestPublicLook(t *testing.T) {
	t.Parallel()
	s := newPublicSite(t)
	form := s.form("50")
	form.Set("name", "王女士")
	form.Set("message", "加油，孩子们！")
	gift := s.give(form, url.Values{"result": {"success"}})
	s.until(gift, "已收到")
	s.spend()
	unpaid := s.post("/c/ekongjian/give", s.form("20")).head.Get("Location")
	_, started, _ := strings.Cut(s.get(unpaid).body, `href="/g/`)
	started, _, _ = strings.Cut(started, `"`)
	pending := s.give(s.form("120"), url.Values{"result": {"pending"}})
	failed := s.give(s.form("30"), url.Values{"result": {"fail"}})
	s.until(pending, "正在处理")
	s.until(failed, "没有付成")
	pages := map[string]string{"sandbox": unpaid, "unpaid": "/g/" + started, "pending": pending, "failed": failed}
	for _, path := range publicPaths(gift) {
		name := strings.NewReplacer(gift, "gift", "/", "-", "?", "-", "=", "-").Replace(path)
		pages["p"+name] = path
	}
	folder := os.Getenv("SUNFUND_SCREENSHOTS")
	ctx := browser(t)
	do(ctx, t, prefer("", "prefers-color-scheme: light"))
	for name, path := range pages {
		inspect(ctx, t, []size{{1280, false}, {360, true}, {320, false}}, name, s.URL+path)
	}
	wish(ctx, t, s.URL, "text", "large")
	wish(ctx, t, s.URL, "theme", "dark")
	for name, path := range pages {
		do(ctx, t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(s.URL+path))
		inspectOpen(ctx, t, size{360, true}, name+"-large-dark")
	}
	wish(ctx, t, s.URL, "text", "normal")
	wish(ctx, t, s.URL, "theme", "auto")
	t.Run("errors", func(t *testing.T) {
		do(ctx, t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(s.URL+"/c/ekongjian/give?lang=zh-CN"),
			chromedp.SetValue("#f-other", "1,00"), chromedp.Click(".action-bar button"), chromedp.WaitVisible(".errors"))
		focused := eval(ctx, t, `new Promise(done => { const look = () => document.activeElement?.className === "errors" ? done(document.activeElement.innerText) : setTimeout(look, 20); look() })`)
		if !strings.Contains(focused, "36.50") {
			t.Errorf("focused: %q", focused)
		}
		picture(ctx, t, folder, "errors")
	})
	t.Run("receipt on paper", func(t *testing.T) {
		const a4Wide, a4High = 680, 1009 // at 96 dots an inch, without margins of 15 mm
		do(ctx, t, prefer("print", "prefers-color-scheme: light"), chromedp.EmulateViewport(a4Wide, a4High), chromedp.Navigate(s.URL+gift+"/receipt?lang=zh-CN"))
		if rest := eval(ctx, t, `[...document.querySelectorAll("nav, .top-row, .foot, .off-paper, button")].filter(x => x.getClientRects().length).map(x => x.outerHTML.slice(0, 80)).join("\n")`); rest != "" {
			t.Errorf("printed too:\n%s", rest)
		}
		if fits := eval(ctx, t, fmt.Sprintf(`String(document.body.scrollHeight <= %d)`, a4High)); fits != "true" {
			t.Error("the receipt needs more than one sheet")
		}
		picture(ctx, t, folder, "receipt-print")
		do(ctx, t, prefer("", "prefers-color-scheme: light"))
	})
	t.Run("live", func(t *testing.T) {
		do(ctx, t, chromedp.Navigate(s.URL+"/c/ekongjian?lang=zh-CN"))
		before := eval(ctx, t, `document.querySelector(".bar-total b").textContent`)
		s.give(s.form("88"), url.Values{"result": {"success"}})
		after := eval(ctx, t, `new Promise(done => { const look = () => {
			const now = document.querySelector(".bar-total b").textContent;
			now !== "`+before+`" ? done(now) : setTimeout(look, 20); }; look() })`)
		if after != "1,138.00 元" {
			t.Errorf("the bar said %s, then %s", before, after)
		}
	})
}
