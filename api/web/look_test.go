package web

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

func TestMain(m *testing.M) {
	debug.SetGCPercent(400) // as the service does
	code := m.Run()
	quit()
	os.Exit(code)
}

var (
	// chromium is the one browser of the package: starting one takes as long as reading ten pages.
	chromium = sync.OnceValues(func() (context.Context, error) {
		ctx, stop := launch(context.Background())
		quit = stop
		return ctx, chromedp.Do(ctx)
	})
	quit = func() {}
)

// launch prepares a headless Chromium, which starts with the first thing it is asked to do.
func launch(ctx context.Context, more ...chromedp.ExecAllocatorOption) (context.Context, func()) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		// Pages that were left are not kept, and no process waits for the next: both cost more than they save here.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,BackForwardCache,RenderDocument,SpareRendererForSitePerProcess"))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, end := chromedp.NewExecAllocator(ctx, append(options, more...)...)
	ctx, stop := chromedp.NewContext(ctx)
	return ctx, func() { stop(); end() }
}

// browser opens a window with cookies of its own; a script error or a breach of the security policy fails the test.
func browser(t *testing.T) context.Context {
	t.Helper()
	all, err := chromium()
	if err != nil {
		t.Fatalf("start browser: %v", err)
	}
	ctx, stop := chromedp.NewContext(all, chromedp.WithNewBrowserContext())
	t.Cleanup(stop)
	listen(ctx, t, func(report string) { t.Errorf("policy: %s", report) })
	do(ctx, t, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error { // other windows take no focus away
		_, err := cdp.Call(ctx, tab, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
		return err
	}))
	return ctx
}

// browserWith is a browser of its own with more options, which tells what it refuses for the sake of a policy.
func browserWith(t *testing.T, refused func(report string), more ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	ctx, stop := launch(t.Context(), more...)
	t.Cleanup(stop)
	listen(ctx, t, refused)
	return ctx
}

func listen(ctx context.Context, t *testing.T, refused func(report string)) {
	t.Helper()
	if err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("script: %s", e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			if e.Entry.Source == "security" {
				refused(e.Entry.Text)
			}
		}
	}); err != nil {
		t.Fatalf("open a window: %v", err)
	}
}

// size is how wide a page is looked at, and whether it is also held to what accessible asks.
type size struct {
	width int64
	heard bool
}

var (
	deskHeard  = []size{{1280, true}, {360, false}}
	phoneHeard = []size{{1280, false}, {360, true}}
	bothHeard  = []size{{1280, true}, {360, true}}
)

// inspect opens a page in both languages, takes more steps on it and looks at it in several widths: nothing sticks out, and targets are large
// enough for a finger. SUNFUND_SCREENSHOTS keeps pictures. A page is asked for once a language: in another width it is laid out anew, and no
// script of ours knows the width.
func inspect(ctx context.Context, t *testing.T, sizes []size, name, address string, more ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	for _, lang := range []Lang{ZH, EN} {
		wish(ctx, t, address, "lang", string(lang))
		do(ctx, t, append([]chromedp.Action[chromedp.Void]{chromedp.EmulateViewport(sizes[0].width, 800), chromedp.Navigate(address)}, more...)...)
		for _, s := range sizes {
			inspectOpen(ctx, t, s, fmt.Sprintf("%s-%s-%d", name, lang, s.width))
		}
	}
}

// inspectOpen looks at the page that is open.
func inspectOpen(ctx context.Context, t *testing.T, s size, name string) {
	t.Helper()
	do(ctx, t, chromedp.EmulateViewport(s.width, 800))
	eval(ctx, t, fmt.Sprintf(`new Promise(done => { const look = () => innerWidth === %d ? done("") : setTimeout(look, 5); look() })`, s.width))
	if out := eval(ctx, t, sticksOut); out != "" {
		t.Errorf("%s scrolls sideways:\n%s", name, out)
	}
	if s.width == 360 {
		if small := eval(ctx, t, tooSmall); small != "" {
			t.Errorf("%s: targets below 44 px:\n%s", name, small)
		}
	}
	if s.heard {
		accessible(ctx, t)
	}
	picture(ctx, t, os.Getenv("SUNFUND_SCREENSHOTS"), name)
}

// wish keeps a reader's wish as the forms to /prefs do, which have tests of their own.
func wish(ctx context.Context, t *testing.T, address, name, value string) {
	t.Helper()
	do(ctx, t, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		_, err := cdp.Call(ctx, tab, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address, Path: "/"})
		return err
	}))
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
