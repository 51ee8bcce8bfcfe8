package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/labstack/echo/v4"

	"sunfund/ledger/money"
)

var (
	testZone = time.FixedZone("Asia/Shanghai", 8*3600)
	testNow  = time.Date(2026, 9, 7, 2, 5, 5, 0, time.UTC)
)

// patience ends what hangs; nothing that works takes as long, however slow the machine is.
const patience = 2 * time.Minute

func yuan(minor int64) money.Money { return money.Money{Minor: minor, Currency: "CNY"} }

// gallery is the view of both gallery pages: every part once.
type gallery struct {
	Page
	At                  time.Time
	Bar, Over           MoneyBar
	Sum, Negative, Zero money.Money
	Statuses            []string
	Steps               []Step
	Facts               []Fact
	Tiles, Methods      []Option
	Empty               Empty
	Caption             Caption
	Pager               Pager
	Lines               []string
}

func newGallery(p Page) gallery {
	asOf := &AsOf{At: testNow.Add(-2 * time.Minute), Position: 128344, Href: "/?at=128344"}
	return gallery{
		Page: p, At: testNow.Add(-2 * time.Minute), Sum: yuan(2750513), Negative: yuan(-120000), Zero: yuan(0),
		Statuses: []string{"good", "waiting", "attention", "broken", "held", "draft", "reversed"},
		Bar: MoneyBar{ID: "bar", Goal: yuan(5000000), AsOf: asOf,
			Received: []BarPart{{Kind: Gifts, Amount: yuan(2750513), Count: 412, Href: "/gifts"},
				{Kind: Subsidy, Amount: yuan(2194087)}},
			Promised: []BarPart{{Kind: Match, Amount: yuan(221040), Note: "→ 2026-09-19"}, {Kind: Offline, Amount: yuan(500000), Pledge: true}},
			Pending:  &BarPart{Kind: Gifts, Label: p.T("console.real"), Amount: yuan(12000), Count: 3}},
		Over: MoneyBar{ID: "over", Goal: yuan(1000000), Received: []BarPart{{Kind: Gifts, Amount: yuan(900000), Count: 1},
			{Kind: Match, Amount: yuan(300000)}, {Kind: Offline, Amount: yuan(100000)}, {Kind: Rest, Amount: yuan(50000)}}},
		Steps: []Step{{State: "done", Label: p.T("step.done"), At: "2026-09-07"}, {State: "now", Label: "31.20 / 50.00", Note: p.T("nav.data")},
			{State: "open", Label: p.T("nav.verify"), At: "2026-12"}},
		Facts:   []Fact{{Term: p.T("nav.about"), Value: "阳光区慈善会"}, {Term: p.T("nav.privacy"), Value: p.T("error.404.what"), Href: "/x"}},
		Tiles:   []Option{{Value: "20", Label: "20"}, {Value: "50", Label: "50"}, {Value: "100", Label: "100"}, {Value: "200", Label: "200"}},
		Methods: []Option{{Value: "a", Label: "支付宝", Hint: "Alipay"}, {Value: "b", Label: "微信支付"}, {Value: "c", Label: "银行卡"}},
		Empty:   Empty{Text: p.T("error.422.what"), Action: &Link{p.T("nav.main"), "/x"}},
		Caption: Caption{Title: p.T("kind.subsidy"), Unit: Unit(p.Lang, "CNY"), AsOf: asOf,
			Exports: []Link{{p.T("table.xlsx"), "/x"}, {p.T("table.csv"), "/x"}, {p.T("table.print"), "/x"}}},
		Pager: Pager{Next: "/x", Shown: 50, Total: 1286},
		Lines: []string{"1,000.00", "", "45.50"},
	}
}

// galleryRenderer has the gallery's pages beside the real ones.
var galleryRenderer = sync.OnceValues(func() (*Renderer, error) {
	r, err := NewRenderer()
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"public", "console"} {
		text, err := os.ReadFile(filepath.Join("testdata", name+".html"))
		if err != nil {
			return nil, err
		}
		if err := r.add(name+"/gallery", string(text)); err != nil {
			return nil, err
		}
	}
	return r, nil
})

// galleryServer serves the gallery with the real middleware, so that the security policy is on trial too.
func galleryServer(t *testing.T) *httptest.Server {
	t.Helper()
	r, err := galleryRenderer()
	if err != nil {
		t.Fatal(err)
	}
	guard, err := CrossOrigin()
	if err != nil {
		t.Fatal(err)
	}
	e := echo.New()
	e.Use(Headers, guard, Language)
	e.GET(StaticPath, Static)
	e.POST(PrefsPath, SetPrefs)
	page := func(c echo.Context) Page {
		site := Site{Book: "阳光区慈善会", Legal: "阳光区慈善会（演示）", Filing: "53500000MJ…", Contact: "023-0000 0000", Sandbox: true, Zone: testZone}
		p := NewPage(c, site, testNow, "E爱空间·阳光相伴")
		p.Figure = &AsOf{At: testNow, Position: 128344}
		p.Crumbs = []Link{{p.T("nav.console"), "/x"}, {"E爱空间", ""}}
		p.Nav = []NavItem{{Label: p.T("kind.gift"), Href: "/campaigns", Here: true, Icon: "today", Pinned: true},
			{Label: p.T("kind.subsidy"), Href: "/funds", Icon: "fund", Pinned: true},
			{Label: p.T("nav.verify"), Href: "/approvals", Icon: "approve", Pinned: true, Count: 2},
			{Group: p.T("nav.data"), Label: p.T("nav.data"), Href: "/disclosure", Icon: "book"}}
		return p
	}
	e.GET("/", func(c echo.Context) error {
		p := page(c)
		if c.QueryParam("wrong") != "" {
			p.Errors.Add("other", p.T("error.422.next"))
			p.Errors.Add("method", p.T("error.404.what"))
		}
		return r.Render(c.Response(), http.StatusOK, "public/gallery", newGallery(p))
	})
	e.GET("/console", func(c echo.Context) error {
		p := page(c)
		p.Person, p.Period = &Person{Name: "王", Role: "会计"}, "2026-09"
		return r.Render(c.Response(), http.StatusOK, "console/gallery", newGallery(p))
	})
	e.GET("/missing", func(c echo.Context) error { return r.Fail(c, NewErrorView(page(c), http.StatusNotFound)) })
	e.GET("/live", func(c echo.Context) error {
		updates := make(chan string, 1)
		updates <- "<figure id=\"bar\">\n<p>fresh</p>\n</figure>"
		return Stream(c, testZone, func() time.Time { return testNow }, updates)
	})
	server := httptest.NewServer(e)
	t.Cleanup(server.Close)
	return server
}

func do(ctx context.Context, t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// eval is the text a script gives, waiting for its promise.
func eval(ctx context.Context, t *testing.T, script string) string {
	t.Helper()
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// evalNext is eval on the page that a click leads to: while it comes, the old page's scripts are broken off.
func evalNext(ctx context.Context, t *testing.T, script string) string {
	t.Helper()
	for end := time.Now().Add(patience); ; {
		text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))
		if err == nil {
			return text
		}
		if moving := strings.Contains(err.Error(), "navigated") || strings.Contains(err.Error(), "context was destroyed") || strings.Contains(err.Error(), "context with specified id"); !moving || time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// prefer sets the medium (empty for the screen) and what the device likes, such as "prefers-color-scheme: dark".
func prefer(medium, feature string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		name, value, _ := strings.Cut(feature, ": ")
		_, err := cdp.Call(ctx, tab, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Media: medium, Features: []*emulation.MediaFeature{{Name: name, Value: value}},
		})
		return err
	})
}

// sticksOut lists what makes the page scroll sideways; regions of figures may scroll inside.
const sticksOut = `(() => {
	const d = document.documentElement;
	if (d.scrollWidth <= d.clientWidth) return "";
	return [...document.querySelectorAll("body *")].filter(x => x.getBoundingClientRect().right > d.clientWidth + 1 &&
		!x.closest(".figures, .voucher-scroll, .hidden")).map(x => x.outerHTML.slice(0, 90)).join("\n") || "page";
})()`

// tooSmall lists controls outside sentences below 44 px on a phone.
const tooSmall = `[...document.querySelectorAll("a, button, input:not([type=hidden]), select, textarea, summary")].map(x => {
	const hit = x.closest("label.choice") || x, r = hit.getBoundingClientRect();
	if (!r.width || (r.width <= 1 && r.height <= 1) || x.matches(".skip") || x.closest("p:not([class]), h2, td, dd, .facts")) return "";
	return r.width < 43.5 || r.height < 43.5 ? x.outerHTML.slice(0, 80) + " " + r.width + "x" + r.height : "";
}).filter(Boolean).join("\n")`

func TestGallery(t *testing.T) {
	t.Parallel()
	server := galleryServer(t)
	ctx := browser(t)
	const light, dark = "prefers-color-scheme: light", "prefers-color-scheme: dark"
	looks := []struct {
		name, medium, feature, text string
		width                       int64
	}{
		{"360", "", light, "normal", 360}, {"360-dark", "", dark, "normal", 360}, {"360-large", "", light, "large", 360},
		{"320", "", light, "normal", 320}, {"1280", "", light, "normal", 1280}, {"1280-dark", "", dark, "normal", 1280},
		{"1280-large", "", light, "large", 1280}, {"1280-forced", "", "forced-colors: active", "normal", 1280},
		{"print", "print", dark, "normal", 680}, // 180 mm between the margins of A4; dark screens print light
	}
	pages := map[string]string{"public": "/", "errors": "/?wrong=1", "console": "/console", "missing": "/missing"}
	for name, path := range pages {
		for _, lang := range []Lang{ZH, EN} {
			for _, text := range []string{"normal", "large"} {
				wish(ctx, t, server.URL, "lang", string(lang))
				wish(ctx, t, server.URL, "text", text)
				do(ctx, t, chromedp.Navigate(server.URL+path))
				if body := eval(ctx, t, `document.documentElement.dataset.text || "normal"`); body != text {
					t.Fatalf("%s: text is %s, want %s", name, body, text)
				}
				for _, l := range looks {
					if l.text == text {
						do(ctx, t, prefer(l.medium, l.feature))
						inspectOpen(ctx, t, size{width: l.width}, fmt.Sprintf("%s-%s-%s", name, lang, l.name))
					}
				}
			}
		}
	}
}

func TestScript(t *testing.T) {
	t.Parallel()
	server := galleryServer(t)
	ctx := browser(t)
	until := func(condition, value string) string {
		return `new Promise(done => { const look = () => ` + condition + ` ? done(` + value + `) : setTimeout(look, 20); look() })`
	}
	check := func(what, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	do(ctx, t, chromedp.Navigate(server.URL+"/?wrong=1&lang=en"))
	check("focus after an error", eval(ctx, t, `document.activeElement.className`), "errors")
	do(ctx, t, chromedp.Click(`.errors li:nth-child(2) a`))
	check("summary link leads to", eval(ctx, t, `document.activeElement.id`), "f-method")
	check("live part", eval(ctx, t, until(`document.getElementById("bar").textContent.trim() === "fresh"`, `"fresh"`)), "fresh")
	server.CloseClientConnections()
	lost := eval(ctx, t, until(`!document.querySelector("[data-lost]").hidden`, `document.querySelector("[data-lost]").innerText`))
	if !strings.Contains(lost, "10:05:05") {
		t.Errorf("cut stream: %q lacks the server's last clock", lost)
	}
	do(ctx, t, chromedp.Navigate(server.URL+"/"), chromedp.SetValue(`#f-message`, "typed"), chromedp.Click(`.head-prefs a`))
	check("typed text after a switch of language",
		evalNext(ctx, t, until(`document.documentElement?.lang === "zh-Hans" && document.getElementById("f-message")?.value`, `document.getElementById("f-message").value`)), "typed")
	do(ctx, t, chromedp.Navigate(server.URL+"/console"), chromedp.KeyEvent("/"))
	check("/ leads to", eval(ctx, t, `document.activeElement.id`), "search")
	do(ctx, t, chromedp.SetValue(`[data-line]:nth-child(2) [data-fund]`, "2"), chromedp.SetValue(`[data-line]:nth-child(3) [data-fund]`, "2"),
		chromedp.Focus(`[data-line]:nth-child(2) [data-credit]`), chromedp.KeyEvent("="))
	check("balance per fund", eval(ctx, t, `document.querySelector("[data-balance]").innerText.replace(/\s+/g, " ")`),
		"日常基金 差额 1,000.00 阳光基金 平")
	check("a second click", eval(ctx, t, `(() => {
		const form = document.querySelector("main form"), send = () => form.dispatchEvent(new Event("submit", {bubbles: true, cancelable: true}));
		return send() + " " + send();
	})()`), "true false")
}
