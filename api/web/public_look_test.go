package web

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
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
	for name, path := range pages {
		for _, lang := range []Lang{ZH, EN} {
			for _, width := range []int64{320, 360, 1280} {
				t.Run(fmt.Sprintf("%s-%s-%d", name, lang, width), func(t *testing.T) {
					separator := "?"
					if strings.Contains(path, "?") {
						separator = "&"
					}
					do(ctx, t, prefer("", "prefers-color-scheme: light"), chromedp.EmulateViewport(width, 740), chromedp.Navigate(s.URL+path+separator+"lang="+string(lang)))
					if out := eval(ctx, t, sticksOut); out != "" {
						t.Errorf("scrolls sideways:\n%s", out)
					}
					if small := eval(ctx, t, tooSmall); width == 360 && small != "" {
						t.Errorf("targets below 44 px:\n%s", small)
					}
					if width == 360 {
						accessible(ctx, t)
					}
					if width != 320 {
						picture(ctx, t, folder, filepath.Base(t.Name()))
					}
				})
			}
		}
	}
	do(ctx, t, chromedp.Navigate(s.URL+"/about"))
	eval(ctx, t, `fetch("/prefs", {method: "POST", redirect: "manual", body: new URLSearchParams({text: "large", theme: "dark"})}).then(() => "set")`)
	for name, path := range pages {
		t.Run(name+"-large-dark", func(t *testing.T) {
			do(ctx, t, chromedp.EmulateViewport(360, 740), chromedp.Navigate(s.URL+path))
			if out := eval(ctx, t, sticksOut); out != "" {
				t.Errorf("scrolls sideways:\n%s", out)
			}
			accessible(ctx, t)
			picture(ctx, t, folder, name+"-large-dark")
		})
	}
	eval(ctx, t, `fetch("/prefs", {method: "POST", redirect: "manual", body: new URLSearchParams({text: "normal", theme: "auto"})}).then(() => "set")`)
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

// picture keeps what the browser shows, when somebody wants to look.
func picture(ctx context.Context, t *testing.T, folder, name string) {
	t.Helper()
	if folder == "" {
		return
	}
	image, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), image, 0o644); err != nil {
		t.Fatal(err)
	}
}
