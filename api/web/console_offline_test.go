package web

import (
	"bytes"
	"context"
	"fmt"
	"html"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// offlineOffice is an office with campaigns of the general fund and of street 1, and more people who may count.
func newOfflineOffice(t *testing.T) (o *office, general, street string) {
	t.Helper()
	o = newOffice(t)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		for _, c := range []struct {
			fund int32
			slug string
			id   *string
		}{{o.general.ID, "everyday", &general}, {o.funds[1].ID, "space", &street}} {
			made, err := giving.CreateCampaign(ctx, tx, o.book, giving.Campaign{FundID: c.fund, Slug: c.slug, TitleZH: "每一天的善意 " + c.slug, TitleEN: "Everyday kindness " + c.slug,
				SummaryZH: "简介", SummaryEN: "Summary", StoryZH: "故事", StoryEN: "Story", Goal: 5_000_000, OpensAt: o.now.AddDate(0, -1, 0), ClosesAt: o.now.AddDate(0, 1, 0)})
			if err != nil {
				return err
			}
			*c.id = fmt.Sprint(made.ID)
		}
		return nil
	})
	o.person("qian", "钱主任", "Qian", staff.Held{Role: staff.Approver})
	return o, general, street
}

// step posts the form of a step; pairs are field and value. It returns the answer.
func (c *client) step(path, act string, pairs ...string) reply {
	c.Helper()
	form := url.Values{"form": {uuid.NewString()}, "act": {act}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(act+"-"+pairs[i], pairs[i+1])
	}
	return c.post(path, form)
}

// stepped is a step that succeeds; it returns where it leads.
func (c *client) stepped(path, act string, pairs ...string) string {
	c.Helper()
	a := c.step(path, act, pairs...)
	if a.status != http.StatusSeeOther {
		c.Fatalf("%s: %d\n%s", act, a.status, a.text)
	}
	return a.to
}

// attach sends a file as the part "papers" does.
func (c *client) attach(object, name string, body []byte) reply {
	c.Helper()
	var sent bytes.Buffer
	w := multipart.NewWriter(&sent)
	c.must(w.WriteField("object", object))
	part, err := w.CreateFormFile("paper", name)
	c.must(err)
	_, err = part.Write(body)
	c.must(err)
	c.must(w.Close())
	request, err := http.NewRequestWithContext(c.Context(), http.MethodPost, c.url+papersPath, &sent)
	c.must(err)
	request.Header.Set("Content-Type", w.FormDataContentType())
	request.Header.Set("Accept-Language", "zh-CN")
	response, err := c.http.Do(request)
	c.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	c.must(err)
	return reply{response.StatusCode, response.Header.Get("Location"), response.Header, html.UnescapeString(string(text))}
}

func lastPart(path string) string { return path[strings.LastIndex(path, "/")+1:] }

var scan = []byte("\x89PNG\r\n\x1a\n a scan of a slip")

// An unidentified receipt is claimed with a proof, or sent back by two people.
func TestReceiptsInTheConsole(t *testing.T) {
	t.Parallel()
	o, _, street := newOfflineOffice(t)
	li, chen, shen := o.as("li"), o.as("chen"), o.as("shen")
	li.wants(li.step("/console/receipts", "receipt-take", "day", "2026-09-07", "ref", "", "amount", "x"), http.StatusUnprocessableEntity,
		"银行流水号：请填写。", "金额：请用半角数字", `value="x"`)
	one := li.stepped("/console/receipts", "receipt-take", "day", "2026-09-07", "ref", "B-1", "amount", "500", "person", "赵某某")
	li.wants(li.step("/console/receipts", "receipt-take", "day", "2026-09-07", "ref", "B-1", "amount", "7"), http.StatusUnprocessableEntity, "这一笔已经登记过")
	li.wants(li.get("/console/receipts"), http.StatusOK, "B-1", "500.00", "待查来款合计")
	li.wants(li.get(one), http.StatusOK, "赵某某", "登记为待查", "李会计")
	li.wants(li.step(one, "receipt-claim", "day", "2026-09-07", "campaign", street, "person", "赵某某", "proof", "回单 1"), http.StatusUnprocessableEntity, "请先在下面附上证明")

	object := "bank-receipt:" + lastPart(one)
	li.wants(li.attach(object, "回单.html", []byte("<script>")), http.StatusUnprocessableEntity, "附件只收 PDF")
	li.wants(li.attach("person:"+uuid.NewString(), "回单.png", scan), http.StatusNotFound)
	if a := li.attach(object, "回单 1.png", scan); a.to != one {
		t.Fatalf("%d %s\n%s", a.status, a.to, a.text)
	}
	page := li.get(one)
	li.wants(page, http.StatusOK, "回单_1.png", "PNG")
	paper := li.get(regexp.MustCompile(papersPath + `/[0-9a-f-]{36}`).FindString(page.text))
	if h := paper.head; paper.status != http.StatusOK || h.Get("Content-Type") != "image/png" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment;") ||
		h.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || h.Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", paper.status, h)
	}
	if a := shen.attach(object, "a.png", scan); a.status != http.StatusForbidden {
		t.Errorf("the auditor attaches: %d", a.status)
	}
	shen.wants(shen.get(one), http.StatusOK, "回单_1.png")
	li.stepped(one, "receipt-claim", "day", "2026-09-07", "campaign", street, "person", "赵某某", "proof", "回单 1")
	li.wants(li.get(one), http.StatusOK, "已认领", "回单 1")
	li.wants(li.step(one, "receipt-claim", "day", "2026-09-07", "campaign", street, "person", "赵某某", "proof", "回单 1"), http.StatusConflict, "这条记录已经变了")

	two := li.stepped("/console/receipts", "receipt-take", "day", "2026-09-01", "ref", "B-2", "amount", "66.60")
	li.wants(li.step(two, "receipt-keep", "day", "2026-09-07", "reason", "没人来"), http.StatusUnprocessableEntity, "满 30 天后")
	request := li.stepped(two, "receipt-return", "day", "2026-09-07", "reason", "汇款人来信要求退回")
	li.wants(li.get(two), http.StatusOK, "待查") // nothing has moved yet
	chen.wants(chen.get(request), http.StatusOK, "退回汇款人", "汇款人来信要求退回", "66.60", "2209.02")
	chen.decides(request, "approve", "")
	li.wants(li.get(two), http.StatusOK, "已退回", "陈审批")
	chen.wants(chen.get(request), http.StatusOK, "已批准")

	entry := regexp.MustCompile(`/console/entries/[0-9a-f-]{36}`).FindString(li.get(two).text)
	li.wants(li.post(entry+"/reverse", url.Values{"form": {uuid.NewString()}, "day": {"2026-09-07"}, "reason": {"x"}}), http.StatusConflict, "线下记录")
}

// looks opens pages in both languages, on a phone and on a desk, and keeps pictures.
func (o *office) looks(t *testing.T, prefix string, pages [][3]string) {
	t.Helper()
	folder := os.Getenv("SUNFUND_SCREENSHOTS")
	ctx := browser(t)
	signed := ""
	for _, page := range pages {
		if page[0] != signed {
			o.signInBrowser(ctx, page[0])
			signed = page[0]
		}
		for _, lang := range []Lang{ZH, EN} {
			for _, width := range []int64{360, 1280} {
				do(ctx, t, chromedp.EmulateViewport(width, 800), chromedp.Navigate(o.url+"/prefs?lang="+string(lang)), chromedp.Navigate(o.url+page[2]))
				name := fmt.Sprintf("%s-%s-%s-%d", prefix, page[1], lang, width)
				if out := eval(ctx, t, sticksOut); out != "" {
					t.Errorf("%s scrolls sideways:\n%s", name, out)
				}
				if small := eval(ctx, t, tooSmall); width == 360 && small != "" {
					t.Errorf("%s: targets below 44 px:\n%s", name, small)
				}
				picture(ctx, t, folder, name)
			}
		}
	}
}

func TestReceiptsLook(t *testing.T) {
	t.Parallel()
	o, general, _ := newOfflineOffice(t)
	li := o.as("li")
	one := li.stepped("/console/receipts", "receipt-take", "day", "2026-07-02", "ref", "20260702-0007", "amount", "500", "firm", "一位名字特别特别长的爱心企业（重庆）有限责任公司工会委员会")
	li.attach("bank-receipt:"+lastPart(one), "一张名字特别特别长特别特别长特别特别长的回单照片.png", scan)
	li.stepped("/console/receipts", "receipt-take", "day", "2026-09-05", "ref", "20260905-0003", "amount", "88.80")
	li.stepped("/console/receipts", "receipt-take", "day", "2026-09-05", "ref", "20260905-0004", "amount", "10000", "campaign", general, "firm", "向阳建设公司")
	request := li.stepped(one, "receipt-return", "day", "2026-09-07", "reason", "汇款人来信要求退回")
	o.looks(t, "offline", [][3]string{{"li", "overview", "/console/offline"}, {"li", "receipts", "/console/receipts"}, {"li", "receipt", one}, {"chen", "request", request}})
}
