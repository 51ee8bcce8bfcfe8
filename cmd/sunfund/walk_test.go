package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"sunfund/cmd/sunfund/demo"
	"sunfund/ledger/chart"
	"sunfund/ledger/reports"
)

// patience ends what hangs; nothing that works takes as long, however slow the machine is.
const patience = 4 * time.Minute

// The main job on real input, as in the README: somebody gives on a phone, another window sees it, the accountant
// finds the entry, the books verify, and an outside program agrees. SUNFUND_SCREENSHOTS keeps the pictures.
func TestAGiftFromPhoneToTrialBalance(t *testing.T) {
	w := startWalk(t)
	for _, lang := range []string{"zh-CN", "en"} {
		t.Run(lang, func(t *testing.T) {
			phone, second := w.window(t, 360, 740), w.window(t, 360, 740)
			campaign := w.url + "/c/elder-lunch?lang=" + lang
			second.do(chromedp.Navigate(campaign), chromedp.WaitVisible(`#campaign-bar`))
			before := second.text(`#campaign-bar`)

			phone.do(chromedp.Navigate(campaign), chromedp.WaitVisible(`.action-bar a.button`))
			phone.noSidewaysScroll()
			phone.shot("campaign-phone-" + lang)
			phone.do(chromedp.Click(`.action-bar a.button`), chromedp.WaitVisible(`input[name=amount][value="50.00"], input[name=amount][value="50"]`))
			phone.do(chromedp.Click(`input[name=amount][value="50.00"], input[name=amount][value="50"]`))
			phone.noSidewaysScroll()
			phone.shot("give-phone-" + lang)
			phone.do(chromedp.Click(`.action-bar button`), chromedp.WaitVisible(`button[value=success]`))
			phone.shot("sandbox-phone-" + lang)
			phone.do(chromedp.Click(`button[value=success]`), chromedp.WaitVisible(`#gift-state a[href$="/receipt"]`))
			phone.noSidewaysScroll()
			phone.shot("gift-phone-" + lang)
			ref := strings.TrimPrefix(phone.path(), "/g/")

			second.changed(`#campaign-bar`, before) // by itself, without a reload
			second.shot("bar-moved-phone-" + lang)

			phone.do(chromedp.Click(`#gift-state a[href$="/receipt"]`), chromedp.WaitVisible(`article.receipt`)) // the page before has an h1 too
			receipt := phone.text(`main`)
			if words := "人民币伍拾元整"; lang == "zh-CN" && !strings.Contains(receipt, words) || !strings.Contains(receipt, "50.00") {
				t.Errorf("receipt: %q", receipt)
			}
			phone.shot("receipt-phone-" + lang)
			phone.pdf("receipt-" + lang)

			w.accountant(t, lang, ref)
		})
	}
	w.agrees(t)
}

// accountant signs in, finds the gift's entry by its public reference, opens the voucher and prints the trial balance.
func (w *walk) accountant(t *testing.T, lang, ref string) {
	desk := w.window(t, 1280, 900)
	desk.do(chromedp.Navigate(w.url+"/console?lang="+lang), chromedp.WaitVisible(`input[name=login]`))
	desk.do(chromedp.SendKeys(`input[name=login]`, "wang"), chromedp.SendKeys(`input[name=password]`, "wrong-password"),
		chromedp.Click(`form[action="/console/sign-in"] button`), chromedp.WaitVisible(`.errors`))
	desk.do(chromedp.SetValue(`input[name=login]`, "wang"), chromedp.SendKeys(`input[name=password]`, demo.Password),
		chromedp.Click(`form[action="/console/sign-in"] button`), chromedp.WaitVisible(`nav.side a[href="/console/entries"]`))
	desk.shot("today-" + lang)
	desk.do(chromedp.SendKeys(`#search`, ref+"\r"), chromedp.WaitVisible(`.voucher`))
	voucher := desk.text(`.voucher`)
	for _, want := range []string{"1009.01", "4101.02", "50.00"} {
		if !strings.Contains(voucher, want) {
			t.Errorf("the gift's voucher lacks %s: %q", want, voucher)
		}
	}
	desk.shot("voucher-" + lang)
	desk.pdf("voucher-" + lang)
	desk.do(chromedp.Click(`nav.side a[href="/console/trial-balance"]`), chromedp.WaitVisible(`.figures tfoot`))
	desk.shot("trial-balance-" + lang)
	desk.pdf("trial-balance-" + lang)
	w.reports(desk, lang)
}

// reports prints the closed year 2025 of the demo, and its closed month for what is held against statements: with SUNFUND_SCREENSHOTS every report, otherwise one.
func (w *walk) reports(desk *window, lang string) {
	desk.Helper()
	for _, s := range reports.Sheets(chart.CN2026) {
		if os.Getenv("SUNFUND_SCREENSHOTS") == "" && s.ID != "cn2026-activities" {
			continue
		}
		if s.Donor { // opened from a donor's page
			desk.do(chromedp.Navigate(w.url + "/console/gifts?lang=" + lang))
			donor := ask(desk, chromedp.Evaluate[string](`document.querySelector('a[href^="/console/donors/"]').href`))
			desk.do(chromedp.Navigate(donor+"/statement?from=2026-01-01&to=2026-12-31&lang="+lang), chromedp.WaitVisible(`.report-sheet .figures`))
			desk.pdf("report-" + s.ID + "-" + lang)
			continue
		}
		days := "&from=2025-01-01&to=2025-12-31"
		if slices.Contains([]string{"bank", "processor", "related", "in-kind", "letters", "pledges", "agency", "encumbrances", "payables", "projects", "notes"}, s.ID) {
			days = "&from=2026-10-01&to=2026-10-31"
		}
		if s.ID == "match" { // the month of the giving day
			days = "&from=2026-09-01&to=2026-09-30"
		}
		if s.ID == "receipts" { // of the gifts of 2025, made when the demo was
			days = "&from=2025-01-01&to=2026-12-31"
		}
		desk.do(chromedp.Navigate(w.url+"/console/reports/sheet?report="+s.ID+days+"&lang="+lang), chromedp.WaitVisible(`.report-sheet .figures`))
		desk.pdf("report-" + s.ID + "-" + lang)
	}
}

// agrees has the books verified, and their export checked by hledger.
func (w *walk) agrees(t *testing.T) (journal string) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"verify", "--demo-dir", w.dir}, &out, io.Discard); err != nil {
		t.Errorf("verify: %v\n%s", err, out.String())
	}
	journal = filepath.Join(t.TempDir(), "book.journal")
	if err := run(t.Context(), []string{"export", "--format", "hledger", "--demo-dir", w.dir, "-o", journal}, io.Discard, io.Discard); err != nil {
		t.Fatalf("export: %v", err)
	}
	if report, err := exec.CommandContext(t.Context(), "hledger", "-f", journal, "check", "--strict").CombinedOutput(); err != nil {
		t.Errorf("hledger: %v\n%s", err, report)
	}
	report, err := exec.CommandContext(t.Context(), "hledger", "-f", journal, "bal", "-E", "-N", "--depth", "3", "Income:4101-02:F-EAI").CombinedOutput()
	if err != nil || !bytes.Contains(report, []byte("0")) {
		t.Errorf("hledger balance: %v\n%s", err, report)
	}
	return journal
}

// walk is a running demo with a browser before it.
type walk struct {
	url     string
	dir     string
	browser context.Context
	shots   string
}

// startWalk runs the demo as the command line does, on a folder and a port of its own.
func startWalk(t *testing.T, settings ...string) *walk {
	t.Helper()
	w := &walk{dir: t.TempDir(), shots: os.Getenv("SUNFUND_SCREENSHOTS")}
	if w.shots == "" {
		w.shots = t.TempDir()
	}
	ctx, stop := context.WithCancel(context.Background())
	out := &watched{wanted: regexp.MustCompile(`(http://localhost:\d+)/ `), found: make(chan string, 1)}
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, append([]string{"demo", "--dir", w.dir, "--port", "18480"}, settings...), out, out)
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("demo: %v", err)
		}
	})
	select {
	case w.url = <-out.found:
	case err := <-ended:
		ended <- nil
		t.Fatalf("demo ended: %v\n%s", err, out.String())
	case <-time.After(patience):
		t.Fatalf("demo did not start:\n%s", out.String())
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.DisableGPU, chromedp.NoFirstRun, chromedp.WSURLReadTimeout(patience),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	w.browser, end = chromedp.NewContext(allocator)
	t.Cleanup(end)
	if err := chromedp.Do(w.browser); err != nil {
		t.Fatalf("start browser: %v", err)
	}
	return w
}

// watched keeps what is written and tells once when the wanted text has come.
type watched struct {
	mu     sync.Mutex
	text   bytes.Buffer
	wanted *regexp.Regexp
	found  chan string
}

func (o *watched) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	if m := o.wanted.FindSubmatch(o.text.Bytes()); m != nil {
		select {
		case o.found <- string(m[1]):
		default:
		}
	}
	return len(p), nil
}

func (o *watched) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// window is a tab of its own size, with cookies of its own.
type window struct {
	*testing.T
	w   *walk
	ctx context.Context
}

func (w *walk) window(t *testing.T, width, height int64) *window {
	t.Helper()
	ctx, end := chromedp.NewContext(w.browser, chromedp.WithNewBrowserContext())
	t.Cleanup(end)
	ctx, cancel := context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	if err := chromedp.Listen(ctx, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			t.Errorf("script: %s", e.ExceptionDetails.Text)
		}
	}); err != nil {
		t.Fatalf("open window: %v", err)
	}
	win := &window{t, w, ctx}
	scale := 1.0
	if width < 600 { // phones have fine screens
		scale = 2
	}
	win.do(chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale)))
	return win
}

func (win *window) do(steps ...chromedp.Action[chromedp.Void]) {
	win.Helper()
	if err := chromedp.Do(win.ctx, steps...); err != nil {
		win.Fatalf("%v", err)
	}
}

func (win *window) text(selector string) string {
	win.Helper()
	return ask(win, chromedp.Text(selector))
}

func (win *window) path() string {
	win.Helper()
	u, err := url.Parse(ask(win, chromedp.Location()))
	if err != nil {
		win.Fatal(err)
	}
	return u.Path
}

// changed waits for an element's text to become another one. The page swaps elements while it is open, so it looks by itself.
func (win *window) changed(selector, before string) {
	win.Helper()
	win.do(chromedp.Poll[chromedp.Void](fmt.Sprintf(`(document.querySelector(%q)?.innerText ?? %q) !== %q`, selector, before, before),
		chromedp.WithPollingInterval(100*time.Millisecond), chromedp.WithPollingTimeout(0)))
}

func (win *window) noSidewaysScroll() {
	win.Helper()
	over := ask(win, chromedp.Evaluate[int](`document.documentElement.scrollWidth - document.documentElement.clientWidth`))
	if over > 0 {
		win.Errorf("%s scrolls sideways by %d px", win.path(), over)
	}
}

func (win *window) keep(name string, content []byte) {
	win.Helper()
	if err := os.WriteFile(filepath.Join(win.w.shots, name), content, 0o644); err != nil {
		win.Fatal(err)
	}
}

func (win *window) shot(name string) {
	win.Helper()
	png := ask(win, chromedp.FullScreenshot(100))
	if len(png) < 10_000 {
		win.Errorf("%s: a picture of %d bytes shows nothing", name, len(png))
	}
	win.keep(name+".png", png)
}

// turn clicks what leads to another page and waits for that: a picture of a page that is being left never comes.
func (win *window) turn(button string) {
	win.Helper()
	ask(win, chromedp.Evaluate[string](`document.documentElement.dataset.before = "yes"`))
	win.do(chromedp.Click(button), chromedp.WaitVisible(`html:not([data-before]) main h1`))
}

// pdf prints the page as an accountant does.
func (win *window) pdf(name string) {
	win.Helper()
	win.keep(name+".pdf", ask(win, chromedp.PrintToPDF(chromedp.PDFPreferCSSPageSize())))
}

// ask does what has an answer.
func ask[T any](win *window, a chromedp.Action[T]) T {
	win.Helper()
	answer, err := chromedp.Run(win.ctx, a)
	if err != nil {
		win.Fatal(err)
	}
	return answer
}
