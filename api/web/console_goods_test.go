package web

import (
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
)

// auctioned takes a picture in, has it valued at 5,000 and put up with one bidder. It returns lot and auction.
func (c *client) auctioned(second *client, campaign string) (lot, auction string) {
	c.Helper()
	const day = "2026-09-07"
	lot = c.stepped("/console/goods", "lot-receive", "day", day, "kind", "art", "title", "《嘉陵春晓》", "pieces", "1", "unit", "幅", "campaign", campaign, "person", "陈某某", "place", "一号库")
	second.decides(c.stepped(lot, "lot-value", "day", day, "basis", "appraisal", "appraiser", "山城书画评估所 2026-88", "value", "5000"), "approve", "")
	c.stepped(lot, "auction-open", "day", day, "house", "山城拍卖行", "reserve", "3000")
	auction = regexp.MustCompile(`/console/auctions/[0-9a-f-]{36}`).FindString(c.get(lot).text)
	c.stepped(auction, "auction-deposit", "day", day, "paddle", "7", "firm", "巴渝建设公司", "deposit", "1000")
	return lot, auction
}

// buyer is the id of the bidder whom the page offers first.
func (c *client) buyer(auction string) string {
	c.Helper()
	m := regexp.MustCompile(`<option value="([0-9a-f-]{36})"`).FindStringSubmatch(c.get(auction).text)
	if m == nil {
		c.Fatal("no bidder is offered")
	}
	return m[1]
}

// A picture is received, valued by two people, auctioned at 8,800 and paid for; the page says who gets which receipt.
func TestAPictureInTheConsole(t *testing.T) {
	t.Parallel()
	o, _, street := newOfflineOffice(t)
	li, chen := o.as("li"), o.as("chen")
	const day = "2026-09-07"
	li.wants(li.step("/console/goods", "lot-receive", "day", day, "kind", "goods", "title", "米", "pieces", "0", "unit", "袋", "campaign", street, "title-kept", "yes"),
		http.StatusUnprocessableEntity, "数量：要有 1 到", "只有书画可以由作者保留")
	lot, auction := li.auctioned(chen, street)
	li.wants(li.get(lot), http.StatusOK, "5,000.00", "山城书画评估所", "陈某某", "计价入账", "陈审批")
	li.wants(li.get(auction), http.StatusOK, "巴渝建设公司", "1,000.00", "代管中")
	sell := []string{"day", day, "buyer", li.buyer(auction), "price", "8800", "costs", "300", "way", "premium"}
	li.wants(li.step(auction, "auction-sell", append(sell, "price", "2000")...), http.StatusUnprocessableEntity, "不能低于保留价和保证金")
	request := li.stepped(auction, "auction-sell", sell...)
	chen.wants(chen.get(request), http.StatusOK, "8,800.00", "#7", "1201.01", "4501.02", "5401.02")
	if a := li.decides(request, "approve", ""); a.status == http.StatusSeeOther && strings.Contains(li.get(auction).text, "成交") {
		t.Error("the maker approves the sale")
	}
	chen.decides(request, "approve", "")
	li.wants(li.get(auction), http.StatusOK, "成交", "8,800.00", "买受人（溢价部分）", "3,800.00", "已抵价款")
	li.wants(li.get(lot), http.StatusOK, "已拍出", "0 / 1 幅")
	li.wants(li.step(lot, "lot-use", "day", day, "pieces", "1", "use", "x"), http.StatusConflict)

	li.wants(li.get(lot), http.StatusOK, "还没有开")
	li.wants(li.step(lot, "lot-receipt", "to", "buyer"), http.StatusConflict, "票据号码已用完")
	li.numbered("50030126", "1", "20")
	if a := chen.step(lot, "lot-receipt", "to", "buyer"); a.status != http.StatusForbidden {
		t.Errorf("who approves issues a receipt: %d", a.status)
	}
	li.wants(li.step(lot, "lot-receipt", "to", "buyer", "uscc", "123"), http.StatusUnprocessableEntity, "统一社会信用代码")
	li.stepped(lot, "lot-receipt", "to", "buyer")
	li.stepped(lot, "lot-receipt", "to", "artist")
	li.wants(li.step(lot, "lot-receipt", "to", "artist"), http.StatusConflict)
	li.lacks(li.get(lot), "还没有开", "lot-receipt-to")
	receipt := regexp.MustCompile(`/console/receipts/[0-9a-f-]{36}`).FindAllString(li.get(lot).text, -1)
	if len(receipt) != 2 {
		t.Fatalf("receipts on the page: %q", receipt)
	}
	artist := li.get(receipt[0])
	li.wants(artist, http.StatusOK, "陈某某", "伍仟元整", "实物捐赠：《嘉陵春晓》，1 幅", lot)
	li.lacks(artist, "/replace")
	li.wants(li.get(receipt[1]), http.StatusOK, "巴渝建设公司", "叁仟捌佰元整", "高于物品价值的部分")
	verify := "/verify?" + html.UnescapeString(between(artist.text, "/verify?", "</span>"))
	anybody := o.browser()
	anybody.wants(anybody.get(verify), http.StatusOK, "陈**", "5,000.00")
	li.post(receipt[0]+"/void", url.Values{"reason": {"打印坏了"}})
	li.wants(li.get(lot), http.StatusOK, "已作废", "lot-receipt-to")
	anybody.wants(anybody.get(verify), http.StatusOK, "作废")
	li.stepped(lot, "lot-receipt", "to", "artist")
	li.lacks(li.get(lot), "lot-receipt-to")
}

// A firm's pledge is half paid and then given up; a service is booked from its invoice.
func TestAPledgeAndAServiceInTheConsole(t *testing.T) {
	t.Parallel()
	o, _, street := newOfflineOffice(t)
	li, chen := o.as("li"), o.as("chen")
	const day = "2026-09-07"
	li.wants(li.step("/console/pledges", "pledge-sign", "day", day, "firm", "巴渝", "document", "协议", "campaign", street, "amount", "100", "parts", "0", "due", "2026-10-01", "months", "1"),
		http.StatusUnprocessableEntity, "期数：1 到 60 期")
	pledge := li.stepped("/console/pledges", "pledge-sign", "day", day, "firm", "巴渝建设公司", "document", "捐赠协议 2026-9", "campaign", street, "amount", "300000", "parts", "3",
		"due", "2026-09-15", "months", "3")
	li.wants(li.get("/console/pledges"), http.StatusOK, "到期和将到期的", "2026-09-15", "100,000.00", "300,000.00")
	li.wants(li.step(pledge, "pledge-paid", "day", day, "amount", "300001", "ref", "B-1"), http.StatusUnprocessableEntity, "超过了还没有到的部分")
	li.stepped(pledge, "pledge-paid", "day", day, "amount", "150000", "ref", "B-1")
	li.wants(li.get(pledge), http.StatusOK, "150,000.00", "50,000.00")
	chen.decides(li.stepped(pledge, "pledge-end", "day", day, "reason", "企业停产"), "approve", "")
	li.wants(li.get(pledge), http.StatusOK, "已终止", "不再履行", "陈审批")

	li.stepped("/console/pledges", "pledge-sign", "day", "2026-08-01", "firm", "嘉陵文化公司", "document", "协议", "campaign", street, "amount", "5000", "parts", "1", "due", "2026-09-01", "months", "1")
	late := li.stepped("/console/pledges", "pledge-sign", "day", "2026-07-01", "firm", "两江物流公司", "document", "协议", "campaign", street, "amount", "600", "parts", "1", "due", "2026-08-20", "months", "1",
		"email", "finance@example.org", "lang", "en")
	page := li.get(late)
	li.wants(page, http.StatusOK, "到期前 7 天、逾期 7 天后各发一封，用英文")
	li.lacks(page, "finance@example.org")
	li.wants(li.get(pledge), http.StatusOK, "没有留邮箱，请自行提醒企业")
	li.wants(li.get("/console/pledges"), http.StatusOK, "pledge-sign-email", "提醒邮箱")
	li.wants(li.step("/console/pledges", "pledge-sign", "day", day, "firm", "巴渝", "document", "协议", "campaign", street, "amount", "100", "parts", "1", "due", "2026-10-01", "months", "1", "email", "nobody"),
		http.StatusUnprocessableEntity, "邮箱：请写成")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		if n, err := giving.RemindPledges(ctx, tx, o.book, o.now); err != nil || n != 1 {
			t.Errorf("%d letters: %v", n, err)
		}
		list, err := giving.Letters(ctx, tx, o.book, uuid.Nil, 1)
		if err != nil {
			return err
		}
		text, err := WriteLetter(ctx, tx, o.book, list[0])
		if want := "has not reached us yet"; err != nil || !strings.Contains(text.Body, want) || !strings.Contains(text.Subject, "600.00") || !strings.HasPrefix(text.Path, "/c/") {
			t.Errorf("%v %+v", err, text)
		}
		return nil
	})
	li.wants(li.get(late), http.StatusOK, "最近提醒", "2026-09-")
	li.wants(li.get("/console/offline"), http.StatusOK, "认捐分期到期未到账", "P2 嘉陵文化公司", "5,000.00")

	service := li.stepped("/console/services", "service-note", "day", day, "what", "义务法律咨询", "hours", "8", "campaign", street, "person", "吴律师")
	li.wants(li.get(service), http.StatusOK, "只在附注里披露", "吴律师")
	chen.decides(li.stepped(service, "service-value", "day", day, "value", "800", "document", "发票 00912"), "approve", "")
	li.wants(li.get(service), http.StatusOK, "800.00", "发票 00912", "冲销入账")
}

func TestGoodsLook(t *testing.T) {
	t.Parallel()
	o, general, street := newOfflineOffice(t)
	li, chen := o.as("li"), o.as("chen")
	const day = "2026-09-07"
	lot, auction := li.auctioned(chen, street)
	request := li.stepped(auction, "auction-sell", "day", day, "buyer", li.buyer(auction), "price", "8800", "costs", "300", "way", "premium")
	chen.decides(request, "approve", "")
	li.numbered("50030126", "1", "20")
	li.stepped(lot, "lot-receipt", "to", "buyer")
	slip := regexp.MustCompile(`/console/receipts/[0-9a-f-]{36}`).FindString(li.get(lot).text)
	rice := li.stepped("/console/goods", "lot-receive", "day", day, "kind", "goods", "title", "五公斤装长粒香大米（重庆丰年粮油有限责任公司捐赠）", "pieces", "200", "unit", "袋", "campaign", general,
		"firm", "重庆丰年粮油有限责任公司")
	pledge := li.stepped("/console/pledges", "pledge-sign", "day", day, "firm", "巴渝建设公司", "document", "捐赠协议 2026-9", "campaign", street, "amount", "300000", "parts", "3",
		"due", "2026-09-15", "months", "3")
	li.stepped(pledge, "pledge-paid", "day", day, "amount", "150000", "ref", "B-1")
	service := li.stepped("/console/services", "service-note", "day", day, "what", "义务法律咨询", "hours", "8", "campaign", street, "firm", "山城律师事务所")
	o.looks(t, "offline", [][3]string{{"li", "goods", "/console/goods"}, {"li", "lot-sold", lot}, {"li", "lot-slip", slip}, {"li", "lot", rice}, {"li", "auction", auction}, {"li", "pledges", "/console/pledges"},
		{"li", "pledge", pledge}, {"li", "services", "/console/services"}, {"li", "service", service}, {"chen", "sale-approved", request}})
}
