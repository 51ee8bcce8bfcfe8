package web

import (
	"bytes"
	"context"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

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
	return c.upload(papersPath, [2]string{"object", object}, "paper", name, body)
}

// upload sends a form with one field and one file.
func (c *client) upload(path string, field [2]string, part, name string, body []byte) reply {
	c.Helper()
	var sent bytes.Buffer
	w := multipart.NewWriter(&sent)
	c.must(w.WriteField(field[0], field[1]))
	file, err := w.CreateFormFile(part, name)
	c.must(err)
	_, err = file.Write(body)
	c.must(err)
	c.must(w.Close())
	request, err := http.NewRequestWithContext(c.Context(), http.MethodPost, c.url+path, &sent)
	c.must(err)
	request.Header.Set("Content-Type", w.FormDataContentType())
	request.Header.Set("Accept-Language", "zh-CN")
	return c.send(request)
}

func lastPart(path string) string { return path[strings.LastIndex(path, "/")+1:] }

var scan = []byte("\x89PNG\r\n\x1a\n a scan of a slip")

// An unidentified receipt is claimed with a proof, or sent back by two people.
func TestReceiptsInTheConsole(t *testing.T) {
	t.Parallel()
	o, _, street := newOfflineOffice(t)
	li, chen, shen := o.as("li"), o.as("chen"), o.as("shen")
	li.wants(li.step("/console/bank-receipts", "receipt-take", "day", "2026-09-07", "ref", "", "amount", "x"), http.StatusUnprocessableEntity,
		"银行流水号：请填写。", "金额：请用半角数字", `value="x"`)
	one := li.stepped("/console/bank-receipts", "receipt-take", "day", "2026-09-07", "ref", "B-1", "amount", "500", "person", "赵某某")
	li.wants(li.step("/console/bank-receipts", "receipt-take", "day", "2026-09-07", "ref", "B-1", "amount", "7"), http.StatusUnprocessableEntity, "这一笔已经登记过")
	li.wants(li.get("/console/bank-receipts"), http.StatusOK, "B-1", "500.00", "待查来款合计")
	li.wants(li.get(one), http.StatusOK, "赵某某", "登记为待查", "李会计")
	li.wants(li.step(one, "receipt-claim", "day", "2026-09-07", "campaign", street, "person", "赵某某", "proof", "回单 1"), http.StatusUnprocessableEntity, "请先在下面附上证明")

	object := "bank-receipt:" + lastPart(one)
	li.wants(li.attach(object, "回单.html", []byte("<script>")), http.StatusUnprocessableEntity, "附件只收 PDF")
	for _, nothing := range []string{"person:", "bank-receipt:", "lot:", "entry:"} {
		li.wants(li.attach(nothing+uuid.NewString(), "回单.png", scan), http.StatusNotFound)
	}
	entry := "entry:" + o.entry.String()
	li.attach(entry, "合同.png", scan)
	li.wants(li.get("/console/entries/"+o.entry.String()), http.StatusOK, "合同.png")
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

	two := li.stepped("/console/bank-receipts", "receipt-take", "day", "2026-09-01", "ref", "B-2", "amount", "66.60")
	li.wants(li.step(two, "receipt-keep", "day", "2026-09-07", "reason", "没人来"), http.StatusUnprocessableEntity, "满 30 天后")
	request := li.stepped(two, "receipt-return", "day", "2026-09-07", "reason", "汇款人来信要求退回")
	li.wants(li.get(two), http.StatusOK, "待查") // nothing has moved yet
	chen.wants(chen.get(request), http.StatusOK, "退回汇款人", "汇款人来信要求退回", "66.60", "2209.02")
	chen.decides(request, "approve", "")
	li.wants(li.get(two), http.StatusOK, "已退回", "陈审批")
	chen.wants(chen.get(request), http.StatusOK, "已批准")

	returned := regexp.MustCompile(`/console/entries/[0-9a-f-]{36}`).FindString(li.get(two).text)
	li.wants(li.post(returned+"/reverse", url.Values{"form": {uuid.NewString()}, "day": {"2026-09-07"}, "reason": {"x"}}), http.StatusConflict, "线下记录")
}

// looks is inspect for pages of the console: who, name, address.
func (o *office) looks(t *testing.T, prefix string, pages [][3]string) {
	t.Helper()
	ctx := browser(t)
	signed := ""
	for _, page := range pages {
		if page[0] != signed {
			o.signInBrowser(ctx, page[0])
			signed = page[0]
		}
		inspect(ctx, t, deskHeard, prefix+"-"+page[1], o.url+page[2])
	}
}

func TestReceiptsLook(t *testing.T) {
	t.Parallel()
	o, general, _ := newOfflineOffice(t)
	li := o.as("li")
	one := li.stepped("/console/bank-receipts", "receipt-take", "day", "2026-07-02", "ref", "20260702-0007", "amount", "500", "firm", "一位名字特别特别长的爱心企业（重庆）有限责任公司工会委员会")
	li.attach("bank-receipt:"+lastPart(one), "一张名字特别特别长特别特别长特别特别长的回单照片.png", scan)
	li.stepped("/console/bank-receipts", "receipt-take", "day", "2026-09-05", "ref", "20260905-0003", "amount", "88.80")
	li.stepped("/console/bank-receipts", "receipt-take", "day", "2026-09-05", "ref", "20260905-0004", "amount", "10000", "campaign", general, "firm", "向阳建设公司")
	request := li.stepped(one, "receipt-return", "day", "2026-09-07", "reason", "汇款人来信要求退回")
	o.looks(t, "offline", [][3]string{{"li", "overview", "/console/offline"}, {"li", "receipts", "/console/bank-receipts"}, {"li", "receipt", one}, {"chen", "request", request}})
}

// A kiosk is placed, sealed, opened by two, counted by two, carried by a third and confirmed at the bank.
func TestAKioskInTheConsole(t *testing.T) {
	t.Parallel()
	o, general, _ := newOfflineOffice(t)
	li, chen, qian := o.as("li"), o.as("chen"), o.as("qian")
	const day = "2026-09-07"
	li.wants(li.step("/console/boxes", "box-issue", "day", day, "code", "箱子", "kind", "kiosk", "campaign", general, "days", "500"), http.StatusUnprocessableEntity,
		"编号：请用 1 到 20 个字母", "开箱期限：1 到 400 天")
	box := li.stepped("/console/boxes", "box-issue", "day", "2026-06-01", "code", "K-01", "kind", "kiosk", "campaign", general, "days", "90")
	li.stepped(box, "box-place", "day", "2026-06-01", "place", "石坪桥便民服务中心", "keeper", "石坪桥街道社工站")
	chen.stepped(box, "box-seal", "day", "2026-06-01", "seal", "S-100")
	li.wants(li.get("/console/offline"), http.StatusOK, "募捐箱到期未开箱", "K-01 石坪桥便民服务中心", "98")
	li.wants(li.step(box, "box-open", "day", day, "seal", "S-101"), http.StatusUnprocessableEntity, "封条号和登记的不一样")
	li.stepped(box, "box-open", "day", day, "seal", "S-100")
	li.wants(li.get(box), http.StatusOK, "要由在场的另一个人登录确认")
	li.wants(li.step(box, "box-witness"), http.StatusForbidden, "要由另一个人来做")
	chen.stepped(box, "box-witness")
	li.wants(li.step(box, "box-count", "day", day, "n10000", "x"), http.StatusUnprocessableEntity, "请用半角整数")
	li.stepped(box, "box-count", "day", day, "n10000", "32", "n1000", "1", "n500", "1", "n100", "2", "n50", "1")
	count := regexp.MustCompile(`/console/cash/[0-9a-f-]{36}`).FindString(li.get(box).text)
	li.wants(li.get(count), http.StatusOK, "3,217.50", "要由另一个人登录后复点")
	li.wants(li.step(count, "count-confirm", "total", "3217.50"), http.StatusForbidden, "要由另一个人来做")
	page := chen.get(count)
	chen.lacks(page, "3,217.50</dd>", "点钞单</h2>") // who confirms does not read the first figure
	chen.wants(chen.step(count, "count-confirm", "total", "3200"), http.StatusUnprocessableEntity, "和第一次点的不一样")
	chen.stepped(count, "count-confirm", "total", "3217.5")
	chen.wants(chen.get(count), http.StatusOK, "已复点", "32", "打开凭证")
	for _, counter := range []*client{li, chen} {
		counter.wants(counter.step("/console/cash", "cash-carry", "day", day, "count", "all", "bank", "bank.basic", "bag", "D-0007"), http.StatusForbidden)
	}
	deposit := qian.stepped("/console/cash", "cash-carry", "day", day, "count", "all", "bank", "bank.basic", "bag", "D-0007")
	qian.wants(qian.get(deposit), http.StatusOK, "由另一个人按银行回单确认", "3,217.50")
	li.wants(li.step(deposit, "deposit-bank", "day", day, "received", "3207.50", "ref", "B-9"), http.StatusUnprocessableEntity, "请写明原因")
	li.stepped(deposit, "deposit-bank", "day", day, "received", "3207.50", "ref", "B-9", "cause", "原因不明")
	li.wants(li.get(deposit), http.StatusOK, "已到账", "−10.00")
	li.wants(li.get(box), http.StatusOK, "已放置，未封", "第二人在场确认")
}

func TestCashLook(t *testing.T) {
	t.Parallel()
	o, general, street := newOfflineOffice(t)
	li, chen, qian := o.as("li"), o.as("chen"), o.as("qian")
	const day = "2026-09-07"
	box := li.stepped("/console/boxes", "box-issue", "day", "2026-06-01", "code", "K-01", "kind", "kiosk", "campaign", general, "days", "90")
	li.stepped(box, "box-place", "day", "2026-06-01", "place", "石坪桥便民服务中心一楼大厅东侧服务台旁边", "keeper", "石坪桥街道社会工作服务站")
	li.stepped(box, "box-seal", "day", "2026-06-01", "seal", "S-100")
	li.stepped("/console/boxes", "box-issue", "day", day, "code", "B-02", "kind", "box", "campaign", street, "days", "30")
	banked := li.stepped("/console/cash", "cash-count", "day", "2026-09-01", "campaign", street, "n10000", "2", "slips", "210", "reason", "少一张十元")
	chen.stepped(banked, "count-confirm", "total", "200")
	deposit := qian.stepped("/console/cash", "cash-carry", "day", day, "count", "all", "bank", "bank.basic", "bag", "D-0007")
	waiting := li.stepped("/console/cash", "cash-count", "day", day, "campaign", street, "n10000", "3", "n500", "1")
	bag := li.stepped("/console/cash", "cash-count", "day", day, "campaign", general, "n100", "7")
	chen.stepped(bag, "count-confirm", "total", "7")
	o.looks(t, "offline", [][3]string{{"li", "overview-late", "/console/offline"}, {"li", "boxes", "/console/boxes"}, {"li", "box", box}, {"li", "cash", "/console/cash"},
		{"li", "count", banked}, {"li", "deposit", deposit}, {"chen", "count-confirm", waiting}})
}
