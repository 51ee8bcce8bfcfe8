package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sunfund/cmd/sunfund/demo"
	"sunfund/internal/stripefake"
)

// stripeWalk is a demo whose donors pay through our own fake of Stripe.
type stripeWalk struct {
	*walk
	fake *stripefake.Fake
}

func startStripeWalk(t *testing.T) *stripeWalk {
	t.Helper()
	const secret, account = "whsec_a-secret-of-the-walks-0123456789", "acct_walk"
	fake := stripefake.New(stripefake.Config{Account: account, Secret: secret, Currency: "cny", Now: time.Now, Seed: 1})
	there := httptest.NewServer(fake)
	t.Cleanup(there.Close)
	w := &stripeWalk{fake: fake, walk: startWalk(t, "--stripe-keys", demo.Code+"=sk_test_0123456789", "--stripe-webhooks", demo.Code+"="+secret,
		"--stripe-accounts", demo.Code+"="+account, "--stripe-url", there.URL)}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil { // the processor's post goes out all the time; what did not arrive goes again
			_ = fake.Deliver(ctx, w.url+"/webhooks/"+demo.Code+"/stripe")
			time.Sleep(50 * time.Millisecond)
		}
	}()
	t.Cleanup(func() { stop(); <-ended })
	return w
}

// gives fills in the form on the phone and does at the processor's page what a donor does there. It tells the gift's reference and the page's number.
func (w *stripeWalk) gives(phone *window, amount, does string) (ref, session string) {
	phone.Helper()
	phone.do(chromedp.Navigate(w.url+"/c/elder-lunch/give?lang=zh-CN"), chromedp.WaitReady(`input[name="other"]`))
	ask(phone, chromedp.Evaluate[string](`(() => { const f = document.querySelector('input[name="other"]').form; f.elements.other.value = "`+amount+`";
		const r = [...f.querySelectorAll('input[name="amount"]')].find(x => x.value === "other"); if (r) r.checked = true; f.requestSubmit(); return "" })()`))
	button := `button[value="` + does + `"]`
	phone.do(chromedp.WaitVisible(button))
	session = path.Base(phone.path())
	phone.do(chromedp.Click(button), chromedp.WaitVisible(`#gift-state`))
	return strings.TrimPrefix(phone.path(), "/g/"), session
}

// says waits until a page says something, asking anew: what comes from the processor comes in its own time.
func (win *window) says(url string, words ...string) {
	win.Helper()
	deadline := time.Now().Add(patience)
	for {
		win.open(url)
		text, missing := win.text(`main`), ""
		for _, word := range words {
			if !strings.Contains(text, word) {
				missing = word
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			win.Fatalf("%s never says %q: %s", url, missing, text)
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// Every way that money comes in, one after the other in one book: a card gift, one that succeeds later, one that fails, a refund after the
// payout by two people, a dispute that is lost, a kiosk, a picture at 8,800. Afterwards the books verify, hledger agrees, and the fund's pages say what happened.
func TestEveryWayIntoOneBook(t *testing.T) {
	w := startStripeWalk(t)
	phone := w.window(t, 360, 740)
	wang, li, qian := w.signIn(t, "wang", 1280, 900), w.signIn(t, "li", 1280, 900), w.signIn(t, "qian", 360, 740)

	paid, _ := w.gives(phone, "50", "pay")
	phone.says(w.url+"/g/"+paid, "记入账簿", "50.00")
	later, session := w.gives(phone, "60", "later")
	phone.says(w.url+"/g/"+later, "处理中")
	if err := w.fake.Settle(session, true); err != nil {
		t.Fatal(err)
	}
	phone.says(w.url+"/g/"+later, "业务日期")
	failed, _ := w.gives(phone, "70", "leave")
	phone.says(w.url+"/g/"+failed, "付款没有成功")

	payout, err := w.fake.PayOut()
	if err := errors.Join(err, w.fake.Reconcile(payout), w.fake.Land(payout)); err != nil {
		t.Fatal(err)
	}
	wang.says(w.url+"/console/payments", payout, "已到账")
	w.refunds(wang, li, paid, "20")
	phone.says(w.url+"/g/"+paid, "退还 20.00 元")
	dispute, err := w.fake.Dispute(w.fake.ChargeOf(session), false)
	if err := errors.Join(err, w.fake.CloseDispute(dispute, false)); err != nil {
		t.Fatal(err)
	}
	phone.says(w.url+"/g/"+later, "支付争议败诉", "60.00")

	today := ask(wang, chromedp.Evaluate[string](`new Intl.DateTimeFormat("sv-SE", {timeZone: "Asia/Shanghai"}).format(new Date())`))
	w.kiosk(t, wang, li, qian, today)
	w.picture(t, wang, li, today)
	w.fundPages(wang)
	w.agrees(t)
}

// refunds asks for a refund as one person and approves it as another; the worker sends it to the processor.
func (w *stripeWalk) refunds(maker, checker *window, ref, amount string) {
	maker.Helper()
	maker.open(w.url + "/console/gifts?q=" + ref)
	form := ask(maker, chromedp.Evaluate[string](`document.querySelector('a[href^="/console/gifts/"][href$="/refund"]').getAttribute("href")`))
	maker.open(w.url + form)
	maker.do(chromedp.SetValue(`#f-amount`, amount), chromedp.SetValue(`#f-reason`, "捐赠人多付"), chromedp.SetValue(`#f-why`, "twice"))
	maker.turn(fmt.Sprintf(`form[action=%q] button`, form))
	checker.approve(w.url + maker.path())
}

// fundPages opens the page of each fund that was touched, as a donor and as an auditor, in both languages, on a phone and on a desk: each
// tells what happened.
func (w *stripeWalk) fundPages(win *window) {
	win.Helper()
	told := map[string]map[string][]string{
		"zh-CN": {"SPQ": {"收到捐赠", "退还捐赠人", "支付机构把捐款转往银行", "义拍"}, "G": {"发生了什么"}},
		"en":    {"SPQ": {"Gifts received", "Given back to donors", "sends gifts to the bank", "Charity auction"}, "G": {"What happened"}},
	}
	for lang, funds := range told {
		for code, words := range funds {
			for _, width := range []int64{360, 1280} {
				win.do(chromedp.EmulateViewport(width, 800))
				win.open(w.url + "/f/" + code + "?lang=" + lang)
				public := win.text(`main`)
				win.noSidewaysScroll()
				win.shot(fmt.Sprintf("fund-%s-%s-%d", code, lang, width))
				win.open(w.url + "/console/funds?lang=" + lang)
				win.open(w.url + ask(win, chromedp.Evaluate[string](`[...document.querySelectorAll("main tbody tr")].find(r => r.querySelector("td.code").textContent === "`+code+`").querySelector("a").getAttribute("href")`)) + "?lang=" + lang)
				desk := win.text(`main`)
				win.noSidewaysScroll()
				win.shot(fmt.Sprintf("fund-desk-%s-%s-%d", code, lang, width))
				for _, word := range words {
					if !strings.Contains(public, word) || !strings.Contains(desk, word) {
						win.Errorf("fund %s at %d px does not say %q", code, width, word)
					}
				}
			}
		}
	}
}
