package web

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// disclosed has a finished campaign with a gift of 8,000.00 and 3,500.00 spent of it.
func (o *office) disclosed() (object string) {
	o.Helper()
	o.lawful()
	var fund *ledger.Fund
	var c *giving.Campaign
	o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		if fund, err = ledger.CreateFund(ctx, tx, o.book, ledger.Fund{Code: "YRJ", Kind: ledger.Restricted, NameZH: "一日捐基金", NameEN: "One day fund"}); err != nil {
			return err
		}
		opens := o.now.AddDate(0, -3, 0)
		c, err = giving.CreateCampaign(ctx, tx, o.book, giving.Campaign{FundID: fund.ID, Slug: "one-day", TitleZH: "慈善一日捐", TitleEN: "One day's gift", SummaryZH: "简", SummaryEN: "Short", StoryZH: "故事", StoryEN: "Story", FilingNo: "51A2026009",
			Goal: 50_000_00, OpensAt: opens, ClosesAt: o.now.AddDate(0, 0, -10)})
		if err != nil {
			return err
		}
		_, err = giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: c.ID, Amount: 8_000_00, Currency: "CNY", Channel: giving.Bank, Ref: "D-1", PaidAt: opens.AddDate(0, 0, 5)}})
		return err
	})
	at := func(id chart.ID) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund.ID} }
	o.post(ledger.KindVoucher, o.book.Day(o.now).AddDate(0, 0, -5), "助困物资", ledger.Debit(at("program.r"), 3_500_00), ledger.Credit(at("bank.online"), 3_500_00))
	return fmt.Sprintf("campaign:%d", c.ID)
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
	li.wants(li.step(desk, "disclose", "object", object, "phase", "final", "lines", "助困 | 米面油 | 100 | 30.00"), http.StatusUnprocessableEntity, "须与账上的支出相符")
	asked := li.stepped(desk, "disclose", "object", object, "phase", "final", "lines", "助困 | 米面油 | 100 | 35.00 | FP-1", "words", "余款用于冬季慰问")
	anybody.wants(anybody.get(disclosurePath), http.StatusOK, "还没有公开的内容")
	chen.wants(chen.get(asked), http.StatusOK, "慈善一日捐", "米面油")
	// More comes in before it is approved: what was sent is what is published.
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: o.campaignID(strings.TrimPrefix(object, "campaign:")), Amount: 1_00, Currency: "CNY", Channel: giving.Bank, Ref: "D-2", PaidAt: o.now.AddDate(0, 0, -20)}})
		return err
	})
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	list := anybody.get(disclosurePath)
	anybody.wants(list, http.StatusOK, "慈善一日捐", "结果", "4,500.00")
	entry := entryOf(list.text)
	anybody.wants(anybody.get(entry), http.StatusOK, "8,000.00", "35.00", "FP-1", "余款用于冬季慰问", "51A2026009", "第 1 版")
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

func TestDisclosureLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	object := o.disclosed()
	li, chen := o.as("li"), o.as("chen")
	asked := li.stepped(disclosureDraftHref(object), "disclose", "object", object, "phase", "final", "lines", "助困 | 米面油 | 100 | 35.00 | FP-1", "words", "余款用于冬季慰问")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	o.looks(t, "disclosure", [][3]string{{"li", "draft", disclosureDraftHref(object)}, {"li", "list", disclosurePath}, {"li", "entry", entryOf(li.get(disclosurePath).text)}, {"li", "data", dataPath}})
}
