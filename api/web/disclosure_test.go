package web

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// disclosed has a finished campaign with a gift of 8,000.00 and 3,500.00 spent of it.
func (o *office) disclosed() (object string) {
	o.Helper()
	object, fund := o.disclosing(8_000_00)
	at := func(id chart.ID) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund.ID} }
	o.post(ledger.KindVoucher, o.book.Day(o.now).AddDate(0, 0, -5), "助困物资", ledger.Debit(at("program.r"), 3_500_00), ledger.Credit(at("bank.online"), 3_500_00))
	return object
}

// disclosing is a campaign that has ended with one gift, in a fund of its own of which nothing is spent yet.
func (o *office) disclosing(gift int64) (object string, fund *ledger.Fund) {
	o.Helper()
	o.lawful()
	var c *giving.Campaign
	o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if fund, err = ledger.CreateFund(ctx, tx, o.book, ledger.Fund{Code: "YRJ", Kind: ledger.Restricted, NameZH: "一日捐基金", NameEN: "One day fund"}); err != nil {
			return err
		}
		opens := o.now.AddDate(0, -3, 0)
		c, err = giving.CreateCampaign(ctx, tx, o.book, giving.Campaign{FundID: fund.ID, Slug: "one-day", TitleZH: "慈善一日捐", TitleEN: "One day's gift", SummaryZH: "简", SummaryEN: "Short", StoryZH: "故事", StoryEN: "Story", FilingNo: "51A2026009",
			Goal: 8_000_000_00, GiftMax: 10_000_000_00, OpensAt: opens, ClosesAt: o.now.AddDate(0, 0, -10)})
		if err != nil {
			return err
		}
		_, err = giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: c.ID, Amount: gift, Currency: "CNY", Channel: giving.Bank, Ref: "D-1", PaidAt: opens.AddDate(0, 0, 5)}})
		return err
	})
	return fmt.Sprintf("campaign:%d", c.ID), fund
}

// entryOf is the address of the entry that a list of disclosures shows first.
func entryOf(list string) string {
	_, entry, _ := strings.Cut(list, `href="/disclosure/0`)
	entry, _, _ = strings.Cut(entry, `"`)
	return disclosurePath + "/0" + entry
}

// TestDisclosureInTheConsole: one button shows the draft made from the books, a second person publishes it, the books move on and it does not; a
// correction is a new version with its note; nothing is due any more.
func TestDisclosureInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	object := o.disclosed()
	li, chen, anybody := o.as("li"), o.as("chen"), o.browser()
	desk := disclosureDraftHref(object)
	li.wants(li.get(deadlinesPath), http.StatusOK, "公开结果", "慈善一日捐", desk)
	li.wants(li.get(desk), http.StatusOK, "8,000.00", "3,500.00", "4,500.00", "43.75%", "助困物资")
	li.wants(li.get(disclosureDraftHref("campaign:99")), http.StatusNotFound)
	o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		var n int
		if err = tx.QueryRow(ctx, `select count(*) from trace_cursor`).Scan(&n); n != 0 {
			t.Error("to look at a draft writes to the lines of money")
		}
		return err
	})
	li.wants(li.step(desk, "disclose", "object", object, "phase", "final", "lines", "助困 | 米面油 | 100 | 30.00\n助困 | 棉被 | 1 | 1.00"), http.StatusUnprocessableEntity, "须与账上的支出相符", "30.00\n助困 | 棉被")
	lines := " 助困 | 米面油 | 100 | 15.00 | FP-1\r\n\r\n助困 | 棉被 | 20 | 100.00 |\r\n"
	li.wants(li.step(desk, "disclose", "object", object, "phase", "final", "lines", lines), http.StatusUnprocessableEntity, "请写明为什么")
	asked := li.stepped(desk, "disclose", "object", object, "phase", "final", "lines", lines, "edited", "按物资清单分列数量", "words", "余款用于冬季慰问")
	anybody.wants(anybody.get(disclosurePath), http.StatusOK, "还没有公开的内容")
	chen.wants(chen.get(asked), http.StatusOK, "慈善一日捐", "米面油", "棉被")
	// More comes in before it is approved: what was sent is what is published.
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: o.campaignID(strings.TrimPrefix(object, "campaign:")), Amount: 1_00, Currency: "CNY", Channel: giving.Bank, Ref: "D-2", PaidAt: o.now.AddDate(0, 0, -20)}})
		return err
	})
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	list := anybody.get(disclosurePath)
	anybody.wants(list, http.StatusOK, "慈善一日捐", "结果", "4,500.00")
	entry := entryOf(list.text)
	anybody.wants(anybody.get(entry), http.StatusOK, "8,000.00", "15.00", "FP-1", "棉被", "2,000.00", "按物资清单分列数量", "余款用于冬季慰问", "51A2026009", "第 1 版")
	if page := li.get(deadlinesPath); strings.Contains(page.text, "慈善一日捐") {
		t.Error("what was published is still due")
	}
	li.wants(li.get(desk), http.StatusOK, "8,001.00", "8,000.00", "更正")
	asked = li.stepped(desk, "disclose-correct", "object", object, "version", "1", "was", "收入 8,000.00", "correct", "收入 8,001.00", "reason", "漏记一笔一元捐赠", "lines", "助困 | 米面油 | 100 | 35.00 | FP-1")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	anybody.wants(anybody.get(entry), http.StatusOK, "8,001.00", "更正说明", "漏记一笔一元捐赠", "李会计", "第 2 版")
	anybody.wants(anybody.get(entry+"?version=1"), http.StatusOK, "8,000.00", "这不是最新的一版")
	anybody.wants(anybody.get(entry+"?version=9"), http.StatusNotFound)
	anybody.wants(anybody.get(disclosurePath+"/x"), http.StatusNotFound)
	li.wants(li.get(disclosureDraftHref("campaign:99")), http.StatusNotFound)
	var rss feed
	o.must(xml.Unmarshal([]byte(anybody.get(disclosurePath+"/feed").text), &rss))
	if rss.Version != "2.0" || len(rss.Items) != 1 || !strings.Contains(rss.Items[0].Title, "更正") || rss.Lang != "zh-CN" {
		t.Fatalf("feed %+v", rss)
	}
	item := rss.Items[0]
	if when, err := time.Parse(time.RFC1123Z, item.Date); err != nil || !when.Equal(o.now.Truncate(time.Second)) || item.GUID.Permanent || !strings.HasSuffix(item.GUID.ID, "-2") || !strings.HasPrefix(item.Link, o.url+disclosurePath) {
		t.Errorf("item %+v: %v", item, err)
	}
	var english feed
	o.must(xml.Unmarshal([]byte(anybody.get(disclosurePath+"/feed?lang=en").text), &english))
	if english.Lang != "en" || len(english.Items) != 1 || english.Items[0].GUID != item.GUID || !strings.Contains(english.Items[0].Title, "One day's gift") {
		t.Errorf("feed in English %+v", english)
	}
	page := anybody.get(dataPath + "/disclosure.json")
	anybody.wants(page, http.StatusOK, `"income":"8001.00"`, `"version":2`, `"correction":true`)
}

// The ten lines that Wuxi published of its one-day gift of 2023: 7.7285 million came in, 6.0455 million went out. Contents and quantities are ours.
var wuxi = []struct {
	content          string
	quantity, amount int64 // minor units
}{{"困难家庭生活救助", 9241, 924_100_00}, {"大病医疗救助", 604, 1_208_400_00}, {"助学金", 1291, 516_400_00}, {"助老服务", 7534, 753_400_00}, {"残疾人帮扶", 410, 410_000_00}, {"社区慈善项目", 52, 832_000_00},
	{"应急救灾", 1, 544_500_00}, {"孤儿和困境儿童", 1987, 198_700_00}, {"慈善宣传和志愿服务", 1, 278_000_00}, {"其他救助", 95, 380_000_00}}

// TestDisclosureLook: the platform's yearly finance form with Wuxi's figures, as draft, as public entry and, in both languages, on A4; a correction beside it.
func TestDisclosureLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	object, fund := o.disclosing(7_728_500_00)
	at := func(id chart.ID) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund.ID} }
	lines := ""
	for i, line := range wuxi {
		if line.amount%line.quantity != 0 {
			line.quantity = 1
		}
		o.post(ledger.KindVoucher, o.book.Day(o.now).AddDate(0, 0, -5), line.content, ledger.Debit(at("program.r"), line.amount), ledger.Credit(at("bank.online"), line.amount))
		lines += fmt.Sprintf("助困 | %s | %d | %s | FP-%d\n", line.content, line.quantity, money.Format(line.amount/line.quantity, "CNY"), i+1)
	}
	li, chen := o.as("li"), o.as("chen")
	asked := li.stepped(disclosureDraftHref(object), "disclose", "object", object, "phase", "final", "lines", lines, "edited", "按项目数量分列", "words", "余款用于下一年度同一目的")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	entry := entryOf(li.get(disclosurePath).text)
	li.wants(li.get(entry), http.StatusOK, "公布时的账页", "阳光区慈善会", "7,728,500.00", "6,045,500.00", "1,683,000.00", "78.22%", "9241", "困难家庭生活救助")
	asked = li.stepped(disclosureDraftHref(object), "disclose-correct", "object", object, "version", "1", "was", "孤儿和困境儿童一行的发票号 FP-8", "correct", "发票号 FP-18", "reason", "录入时写错发票号", "lines", strings.Replace(lines, "FP-8\n", "FP-18\n", 1))
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	o.looks(t, "disclosure", [][3]string{{"li", "draft", disclosureDraftHref(object)}, {"li", "list", disclosurePath}, {"li", "entry", entry}, {"li", "corrected", entry + "?version=1"}, {"li", "data", dataPath}})

	folder, ctx := os.Getenv("SUNFUND_SCREENSHOTS"), browser(t)
	for _, lang := range []Lang{ZH, EN} {
		const a4Wide, a4High = 680, 1009 // at 96 dots an inch, without margins of 15 mm
		do(ctx, t, prefer("print", "prefers-color-scheme: light"), chromedp.EmulateViewport(a4Wide, a4High), chromedp.Navigate(o.url+entry+"?lang="+string(lang)))
		if fits := eval(ctx, t, fmt.Sprintf(`String(document.documentElement.scrollWidth <= %d)`, a4Wide)); fits != "true" {
			t.Errorf("%s: the form is wider than the sheet", lang)
		}
		picture(ctx, t, folder, "disclosure-print-"+string(lang))
	}
	do(ctx, t, prefer("", "prefers-color-scheme: light"))
}

// Two campaigns share a fund: the draft of each is what its money paid, the page shows how the fund is divided, and the public is told how it is counted.
func TestDisclosureOfASharedFund(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	object := o.sharing()
	li, chen, anybody := o.as("li"), o.as("chen"), o.browser()
	desk := disclosureDraftHref(object)
	page := li.get(desk)
	li.wants(page, http.StatusOK, "这个基金的钱怎样分到各活动", "慈善二日捐", "不属于哪个活动的钱", "基金合计", "计算方法", `href="/follow"`, "棉被 400 条", "3,000.00", "5,000.00", "9,000.00")
	lines := "| 米面油 1000 份 | 1 | 3000.00 |"
	li.wants(li.step(desk, "disclose", "object", object, "phase", "final", "lines", lines+"\n | 棉被 | 1 | 1.00 |"), http.StatusUnprocessableEntity, "须与账上的支出相符")
	li.wants(li.step(desk, "disclose", "object", object, "phase", "final", "lines", lines), http.StatusUnprocessableEntity, "须与账上的支出相符") // not a part of it either
	asked := li.stepped(desk, "disclose", "object", object, "phase", "final", "lines", lines+"\n| 棉被 400 条 | 1 | 2000.00 |")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	entry := entryOf(anybody.get(disclosurePath).text)
	public := anybody.get(entry)
	anybody.wants(public, http.StatusOK, "银行付出去才算支出", "8,000.00", "5,000.00", "3,000.00")
	if strings.Contains(public.text, "支出明细为什么") {
		t.Error("lines as they were drafted say why they differ")
	}
	anybody.wants(anybody.get(dataPath+"/disclosure.json"), http.StatusOK, `"basis":"payment"`)
	li.wants(li.get(desk+"&lang=en"), http.StatusOK, "How the money of this fund is its campaigns’", "Money of no campaign")
	o.looks(t, "shared-fund", [][3]string{{"li", "draft", desk}, {"li", "entry", entry}})
}

// sharing is disclosing with a second campaign in the fund: 8,000.00 and then 1,000.00 came in, 3,000.00 and 2,000.00 were spent.
func (o *office) sharing() (object string) {
	o.Helper()
	object, fund := o.disclosing(8_000_00)
	at := func(id chart.ID) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund.ID} }
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		c, err := giving.CreateCampaign(ctx, tx, o.book, giving.Campaign{FundID: fund.ID, Slug: "two-days", TitleZH: "慈善二日捐", TitleEN: "Two days' gift", SummaryZH: "简", SummaryEN: "Short", StoryZH: "故事", StoryEN: "Story", FilingNo: "51A2026010",
			Goal: 8_000_000_00, GiftMax: 10_000_000_00, OpensAt: o.now.AddDate(0, -2, 0), ClosesAt: o.now.AddDate(0, 0, -10)})
		if err != nil {
			return err
		}
		_, err = giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: c.ID, Amount: 1_000_00, Currency: "CNY", Channel: giving.Bank, Ref: "D-2", PaidAt: o.now.AddDate(0, -2, 5)}})
		return err
	})
	for i, amount := range []int64{3_000_00, 2_000_00} {
		o.post(ledger.KindVoucher, o.book.Day(o.now).AddDate(0, 0, i-5), []string{"米面油 1000 份", "棉被 400 条"}[i], ledger.Debit(at("program.r"), amount), ledger.Credit(at("bank.online"), amount))
	}
	o.followed()
	return object
}
