package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"sunfund/cmd/sunfund/demo"
)

// signIn opens a window and signs somebody of the demo in.
func (w *walk) signIn(t *testing.T, login string, width, height int64) *window {
	win := w.window(t, width, height)
	win.do(chromedp.Navigate(w.url+"/console?lang=zh-CN"), chromedp.WaitVisible(`input[name=login]`),
		chromedp.SendKeys(`input[name=login]`, login), chromedp.SendKeys(`input[name=password]`, demo.Password),
		chromedp.Click(`form[action="/console/sign-in"] button`), chromedp.WaitVisible(`main h1`))
	return win
}

// kiosk has a box opened and counted by two people, carried by a third and confirmed at the bank, ten yuan short.
func (w *walk) kiosk(t *testing.T, wang, li, qian *window, today string) {
	wang.open(w.url + "/console/boxes")
	wang.shot("offline-boxes")
	wang.do(chromedp.Click(`main .figures a`), chromedp.WaitVisible(`form[action^="/console/boxes/"]`))
	box := wang.path()
	wang.take("box-open", "day", today, "seal", "S-2026-031")
	li.open(w.url + box)
	li.take("box-witness")
	wang.open(w.url + box)
	wang.take("box-count", "day", today, "n10000", "12", "n1000", "3", "n100", "5")
	wang.do(chromedp.Click(`main .figures a`), chromedp.WaitVisible(`.facts`))
	count := wang.path()
	wang.shot("offline-count-first")
	li.open(w.url + count)
	if strings.Contains(li.text(`main`), "1,235.00") {
		t.Error("the second person reads the first figure")
	}
	li.take("count-confirm", "total", "1235")
	li.shot("offline-count-confirmed")
	qian.open(w.url + "/console/cash")
	qian.noSidewaysScroll()
	qian.take("cash-carry", "day", today, "count", "all", "bank", "bank.basic", "bag", "D-0042")
	deposit := qian.path()
	qian.shot("offline-deposit-phone")
	wang.open(w.url + deposit)
	wang.take("deposit-bank", "day", today, "received", "1225", "ref", "bank-42", "cause", "原因不明")
	if text := wang.text(`main`); !strings.Contains(text, "已到账") || !strings.Contains(text, "1,235.00") || !strings.Contains(text, "10.00") {
		t.Errorf("deposit: %q", text)
	}
}

// picture has a picture valued at 5,000 and auctioned at 8,800.
func (w *walk) picture(t *testing.T, wang, li *window, today string) {
	wang.open(w.url + "/console/goods")
	campaign := ask(wang, chromedp.Evaluate[string](`[...document.querySelectorAll("#f-lot-receive-campaign option")].find(o => o.textContent.includes("社区长者午餐")).value`))
	wang.take("lot-receive", "day", today, "kind", "art", "title", "《渝州夜雨》", "pieces", "1", "unit", "幅", "campaign", campaign, "person", "陈画家")
	lot := wang.path()
	wang.take("lot-value", "day", today, "basis", "appraisal", "appraiser", "山城书画评估所 2026-91", "value", "5000")
	li.approve(w.url + wang.path())
	wang.open(w.url + lot)
	wang.take("auction-open", "day", today, "house", "山城拍卖行", "reserve", "3000")
	wang.do(chromedp.Click(`main .figures a[href^="/console/auctions/"]`), chromedp.WaitVisible(`form[action^="/console/auctions/"]`))
	auction := wang.path()
	wang.take("auction-deposit", "day", today, "paddle", "9", "firm", "嘉陵文化有限公司", "deposit", "1000")
	buyer := ask(wang, chromedp.Evaluate[string](`document.querySelector("#f-auction-sell-buyer option").value`))
	wang.take("auction-sell", "day", today, "buyer", buyer, "price", "8800", "costs", "300", "way", "premium")
	li.approve(w.url + wang.path())
	li.shot("offline-sale-approved")
	wang.open(w.url + auction)
	text := wang.text(`main`)
	for _, want := range []string{"成交", "8,800.00", "300.00", "5,000.00", "3,800.00"} {
		if !strings.Contains(text, want) {
			t.Errorf("the auction's page lacks %s: %q", want, text)
		}
	}
	wang.shot("offline-auction-sold")
}

func (win *window) open(url string) {
	win.Helper()
	win.do(chromedp.Navigate(url), chromedp.WaitVisible(`main h1`))
}

// take fills in the form of a step, as a person does, and sends it; pairs are field and value.
func (win *window) take(act string, pairs ...string) {
	win.Helper()
	form := fmt.Sprintf(`form:has(input[name="act"][value=%q])`, act)
	ask(win, chromedp.Evaluate[string](`document.querySelectorAll("details").forEach(d => d.open = true), "open"`))
	for i := 0; i < len(pairs); i += 2 {
		win.do(chromedp.SetValue(fmt.Sprintf(`#f-%s-%s`, act, pairs[i]), pairs[i+1]))
	}
	win.turn(form + ` button`)
	if wrong := ask(win, chromedp.Evaluate[string](`(document.querySelector(".errors") || {textContent: ""}).textContent`)); wrong != "" {
		win.Fatalf("%s: %s", act, wrong)
	}
}

// approve gives the second person's word to a request.
func (win *window) approve(url string) {
	win.Helper()
	win.open(url)
	win.turn(`button[value=approve]`)
	if text := win.text(`main`); !strings.Contains(text, "已批准") {
		win.Fatalf("not approved: %q", text)
	}
}
