package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/text/encoding/simplifiedchinese"

	"sunfund/ledger/money"
	"sunfund/ledger/payments/platforms"
)

// A platform's file of 2,000 gifts with match, in GBK, is mapped on a page, booked while the page tells how far it is, settled
// short, and the difference stands in 应收平台待结算; the books verify and hledger has the same difference.
func TestAPlatformFileByHand(t *testing.T) {
	w := startWalk(t)
	wang := w.signedIn(t, "wang", "zh-CN", 1280)
	today := ask(wang, chromedp.Evaluate[string](`new Intl.DateTimeFormat("sv-SE", {timeZone: "Asia/Shanghai"}).format(new Date())`))
	day, err := time.Parse(time.DateOnly, today)
	if err != nil {
		t.Fatal(err)
	}
	text, totals := platforms.Sample(2000, day)
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}
	sample := filepath.Join(t.TempDir(), "某平台捐赠明细.csv")
	if err := os.WriteFile(sample, []byte(gbk), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := func(minor int64) string { return money.Format(minor, "CNY") }

	wang.open(w.url + "/console/platforms")
	if list := wang.text(`main`); !strings.Contains(list, "示例公益平台_9月9日捐赠明细.csv") || !strings.Contains(list, "11,790.72") {
		t.Errorf("the demo's own file is not there: %q", list)
	}
	wang.shot("platform-demo")
	wang.do(chromedp.SetUploadFiles(`#f-file`, []string{sample}), chromedp.Click(`form[enctype] button`), chromedp.WaitVisible(`a[href$="/profile"]`))
	file := wang.path()
	wang.open(w.url + file + "/profile")
	if charset := ask(wang, chromedp.Evaluate[string](`document.querySelector("#f-charset").value`)); charset != "gb18030" {
		t.Errorf("the sample's charset is taken for %s", charset)
	}
	wang.do(chromedp.SetValue(`#f-codes`, "P-001=elder-lunch"), chromedp.SetValue(`#f-foundation`, "某平台公益基金会"), chromedp.SetValue(`#f-platform`, "moumou"), chromedp.SetValue(`#f-name`, "某平台"),
		chromedp.WaitVisible(`button[value=show]`))
	wang.turn(`button[value=show]`)
	wang.do(chromedp.WaitVisible(`button[value=save]`))
	wang.shot("platform-mapped")
	wang.turn(`button[value=save]`)
	wang.do(chromedp.WaitVisible(`form:has(input[value="platform-book"])`))
	if page := wang.text(`main`); !strings.Contains(page, "每一行都可以入账") || !strings.Contains(page, "180,800.00") {
		t.Errorf("what would be booked: %q", page)
	}
	wang.take("platform-tell", "count", "2000", "amount", sum(totals.Amount), "fee", sum(totals.Fee), "match", sum(totals.Match))
	wang.take("platform-book")
	wang.do(chromedp.WaitVisible(`#booking a[data-over], form:has(input[value="platform-pay"])`)) // the page follows by itself
	wang.shot("platform-progress")
	wang.open(w.url + file)
	wang.take("platform-pay", "day", today, "ref", "B-"+today, "gifts", sum(totals.Net-345_67), "match", sum(totals.Match-200_00))
	page := wang.text(`main`)
	for _, want := range []string{"345.67", "200.00", "待结算"} {
		if !strings.Contains(page, want) {
			t.Errorf("the file's page lacks %s: %q", want, page)
		}
	}
	wang.shot("platform-settled-short")
	wang.open(w.url + "/console/platforms")
	if list := wang.text(`main`); !strings.Contains(list, "345.67") { // the demo's own file was paid in full before its month was closed
		t.Errorf("应收平台待结算 in the list: %q", list)
	}
	journal := w.agrees(t)
	report, err := exec.CommandContext(t.Context(), "hledger", "-f", journal, "bal", "-N", "--depth", "2", "Assets:1122-01").CombinedOutput()
	if err != nil || !bytes.Contains(report, []byte("345.67")) {
		t.Errorf("1122.01 in hledger: %v\n%s", err, report)
	}
}
