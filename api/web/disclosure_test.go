package web

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"testing"

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
	if rss.Version != "2.0" || len(rss.Items) != 1 || !strings.Contains(rss.Items[0].Title, "更正") {
		t.Errorf("feed %+v", rss)
	}
	page := anybody.get(dataPath + "/disclosure.json")
	anybody.wants(page, http.StatusOK, `"income":"8001.00"`, `"version":2`, `"correction":true`)
}

// Each set is JSON and CSV alike, with the fields that the page names, and is not sent again to who has it.
func TestOpenData(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.disclosed()
	anybody := o.browser()
	anybody.wants(anybody.get(dataPath), http.StatusOK, "campaigns", "360Giving", "CC BY 4.0")
	for _, set := range openSets() {
		page := anybody.get(dataPath + "/" + set.name + ".json")
		var answer struct {
			Items []map[string]any `json:"items"`
		}
		if err := json.Unmarshal([]byte(page.text), &answer); err != nil {
			t.Errorf("%s: %v", set.name, err)
		}
		for _, item := range answer.Items {
			if len(item) != len(set.fields) {
				t.Errorf("%s has %d fields, not %d: %v", set.name, len(item), len(set.fields), item)
			}
		}
		rows := strings.Count(strings.TrimSpace(anybody.get(dataPath+"/"+set.name+".csv").text), "\n")
		if want := map[string]int{"campaigns": 1, "funds": 4, "fund_kinds": 4}[set.name]; len(answer.Items) != want || rows != want {
			t.Errorf("%s has %d items and %d rows, want %d", set.name, len(answer.Items), rows, want)
		}
	}
	anybody.wants(anybody.get(dataPath+"/fund_kinds.json"), http.StatusOK, `"fund":"YRJ","direction":"in"`, `"amount":"8000.00"`, `"fund":"YRJ","direction":"out"`, `"amount":"3500.00"`)
	var grants struct {
		Grants []any `json:"grants"`
	}
	o.must(json.Unmarshal([]byte(anybody.get(dataPath+"/grants.json").text), &grants))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.url+dataPath+"/campaigns.json", nil)
	o.must(err)
	first, err := http.DefaultClient.Do(request)
	o.must(err)
	first.Body.Close()
	request.Header.Set("If-None-Match", first.Header.Get("ETag"))
	second, err := http.DefaultClient.Do(request)
	o.must(err)
	second.Body.Close()
	if first.Header.Get("ETag") == "" || second.StatusCode != http.StatusNotModified || first.Header.Get("Set-Cookie") != "" {
		t.Errorf("ETag %q, then %d; cookie %q", first.Header.Get("ETag"), second.StatusCode, first.Header.Get("Set-Cookie"))
	}
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
