package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/payments/platforms"
)

// numbered enters receipt numbers through the page.
func (c *client) numbered(code, first, last string) reply {
	c.Helper()
	return c.post("/console/receipt-ranges", url.Values{"code": {code}, "first": {first}, "last": {last}, "allotted": {"2026-09-01"}})
}

// worked does what there is to do for receipts and for platform files.
func (o *office) worked() {
	o.Helper()
	for n := 1; n > 0; {
		o.must(pg.InTx(o.Context(), o.db, func(tx pgx.Tx) (err error) {
			n, err = receipts.Work(o.Context(), tx, o.book, rand.Reader, o.now)
			return err
		}))
	}
	files := platforms.NewWorker(o.db, o.book, func() time.Time { return o.now })
	for more := true; more; {
		var err error
		more, err = files.Work(o.Context())
		o.must(err)
	}
}

// A donor asks for the receipt, anybody verifies it, the accountant makes it out anew, and the refund makes it void.
func TestReceiptFromGiftToVoid(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen, donor := o.as("li"), o.as("chen"), o.browser()
	gift := o.gift("王女士", 123_45)
	page := "/g/" + giving.Ref(o.book, gift) + "/receipt"
	donor.lacks(donor.get(page), `name="payer"`) // no numbers yet
	li.wants(li.numbered("ab", "1", "x"), http.StatusUnprocessableEntity, "截止号码")
	li.wants(li.numbered("ab-1", "1", "2"), http.StatusUnprocessableEntity, "票据代码")
	li.wants(li.numbered("50010126", "00000101", "00000200"), http.StatusSeeOther)
	li.wants(li.numbered("50010126", "200", "300"), http.StatusUnprocessableEntity, "以前登记过")
	chen.wants(chen.numbered("50010127", "1", "9"), http.StatusForbidden)

	donor.wants(donor.get(page), http.StatusOK, `name="payer"`, `value="王女士"`)
	donor.wants(donor.post(page, url.Values{"kind": {"organisation"}, "payer": {"某公司"}, "uscc": {"91350100M000100Y44"}}), http.StatusUnprocessableEntity, "统一社会信用代码：")
	donor.wants(donor.post(page, url.Values{"kind": {"person"}, "payer": {" "}}), http.StatusUnprocessableEntity, "交款人：")
	ask := url.Values{"kind": {"person"}, "payer": {"王晓明"}}
	donor.wants(donor.post(page, ask), http.StatusSeeOther)
	donor.wants(donor.post(page, ask), http.StatusSeeOther) // sent twice
	shown := donor.get(page)
	donor.wants(shown, http.StatusOK, "00000101", "王晓明", "人民币壹佰贰拾叁元肆角伍分", "123.45")
	check := between(shown.text, "/verify?", "</span>")
	answer := donor.get("/verify?" + strings.ReplaceAll(check, "&amp;", "&"))
	donor.wants(answer, http.StatusOK, "真实有效", "王**", "123.45")
	donor.lacks(answer, "王晓明")
	for _, wrong := range []string{"code=50010126&number=00000101&check=aaaaaaaa", "code=50010126&number=00000102&check=x", "number=x"} {
		donor.wants(donor.get("/verify?"+wrong), http.StatusOK, "查无此票")
	}

	list := li.get("/console/receipts")
	li.wants(list, http.StatusOK, "王晓明", "00000101", "00000102")
	at := "/console/receipts/" + between(list.text, `href="/console/receipts/`, `"`)
	again := url.Values{"kind": {"organisation"}, "payer": {"石坪桥小学"}}
	li.wants(li.post(at+"/replace", again), http.StatusUnprocessableEntity, "理由：")
	again.Set("reason", "抬头改为单位")
	li.wants(li.post(at+"/replace", again), http.StatusSeeOther)
	li.wants(li.get(at), http.StatusOK, "更换交款人", "由此代替", "00000102")
	donor.wants(donor.get("/verify?"+strings.ReplaceAll(check, "&amp;", "&")), http.StatusOK, "由另一张票据代替")
	donor.wants(donor.get(page), http.StatusOK, "00000102", "石坪桥小学")

	form := li.get("/console/gifts/" + gift.String() + "/refund")
	path := li.post("/console/gifts/"+gift.String()+"/refund", url.Values{"form": {li.hidden(form, "form")}, "amount": {"23.45"}, "ref": {"R-1"}, "reason": {"多付了"}, "why": {"twice"}}).to
	chen.wants(chen.decides(path, "approve", ""), http.StatusSeeOther)
	donor.wants(donor.get(page), http.StatusOK, "00000103", "100.00", "石坪桥小学")
	li.wants(li.get("/console/receipts?state=void"), http.StatusOK, "00000101", "00000102", "捐赠已退款")
	if replaced, entered := o.audited("donation_receipt.replace"), o.audited("donation_receipt.range"); replaced != 1 || entered != 1 {
		t.Errorf("on record: %d receipts made out anew, %d ranges entered", replaced, entered)
	}
}

func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}

func TestReceiptsOfADay(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	li.wants(li.numbered("50010126", "1", "2"), http.StatusSeeOther)
	o.gift("王女士", 60_00)
	o.gift("", 5_00)
	o.gift("", 6_00)
	today := o.now
	o.now = o.now.AddDate(0, 0, 1)
	li = o.as("li") // the session ended over night
	day := today.In(o.book.Zone).Format("2006-01-02")
	send := func(from, to, least string) reply {
		return li.post("/console/receipt-batches", url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "batch_from": {from}, "batch_to": {to}, "single_min": {least}})
	}
	li.wants(send(day, "2026-99-99", "50"), http.StatusUnprocessableEntity, "日期：")
	li.wants(send(day, day, "-1"), http.StatusUnprocessableEntity, "金额：")
	li.wants(send("2030-01-01", "2030-01-01", "50"), http.StatusUnprocessableEntity, "截止日期：")
	li.wants(send(day, day, "50.00"), http.StatusSeeOther)
	li.wants(li.get("/console/receipts"), http.StatusOK, "进行中", "0 / 3")
	li.wants(send(day, day, "50.00"), http.StatusConflict, "另一批正在开具")
	o.worked()
	li.wants(li.get("/console/receipts"), http.StatusOK, "3 / 3", "爱心人士", "王女士", "11.00", "已用完")
	li.wants(send(day, day, "50.00"), http.StatusUnprocessableEntity, "号码已用完")
}

// mailedBatch is a batch of yesterday's gifts whose letters are posted; one goes out, one is refused until it is given up.
func (o *office) mailedBatch(li *client) string {
	o.Helper()
	yesterday := o.now.AddDate(0, 0, -1)
	o.giftBy("王女士", ownEmail, 60_00, yesterday)
	o.giftBy("李四", "full@example.org", 70_00, yesterday)
	o.giftBy("没有邮箱的人", "", 80_00, yesterday)
	day := ISODay(o.book.Day(yesterday))
	id := uuid.Must(uuid.NewV7()).String()
	li.wants(li.post("/console/receipt-batches", url.Values{"form": {id}, "batch_from": {day}, "batch_to": {day}, "single_min": {"50.00"}, "batch_mail": {"yes"}}), http.StatusSeeOther)
	o.worked()
	for at, tries := o.now, 0; tries <= giving.LetterTries; tries++ {
		for found := true; found; {
			o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
				found, _, err = giving.SendLetter(ctx, tx, o.book, func(l giving.Letter) error {
					if l.Email != ownEmail {
						return errors.New("mailbox is full")
					}
					return nil
				}, at)
				return err
			})
		}
		at = at.Add(24 * time.Hour)
	}
	return "/console/receipt-batches/" + id
}

// The page of a batch tells how far its letters are and lists those that did not go out, to be tried again.
func TestLettersOfABatchInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen := o.as("li"), o.as("chen")
	li.wants(li.numbered("50010126", "1", "9"), http.StatusSeeOther)
	path := o.mailedBatch(li)
	li.wants(li.get("/console/receipts"), http.StatusOK, path)
	page := li.get(path)
	li.wants(page, http.StatusOK, "完成", "3 笔中的 3 笔", "没有留邮箱", "没有发出的邮件", "李四", "再发一次")
	li.lacks(page, "full@example.org", "发送邮件</button>")
	chen.wants(chen.post(path+"/mail", nil), http.StatusForbidden)
	li.wants(li.post(path+"/mail", nil), http.StatusSeeOther)
	page = li.get(path)
	li.wants(page, http.StatusOK, "等待发送")
	li.lacks(page, "李四", "再发一次")
	shen := o.as("shen")
	shen.wants(shen.get("/console/audit"), http.StatusOK, "再次发送一批票据的邮件")
}

// TestDonationReceiptsLook opens the pages of receipts in both languages, on a phone and on a desk, and keeps pictures.
func TestDonationReceiptsLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	li.numbered("50010126", "0000020001", "0000030000")
	var gifts []uuid.UUID
	for i := range 8 {
		gifts = append(gifts, o.gift([]string{"王女士", "", "一位名字特别特别长的爱心企业（重庆）有限责任公司工会委员会"}[i%3], int64(1990+i*731)))
	}
	page := func(i int) string { return "/g/" + giving.Ref(o.book, gifts[i]) + "/receipt" }
	donor := o.browser()
	donor.post(page(0), url.Values{"kind": {"organisation"}, "payer": {"石坪桥小学"}, "uscc": {"91350100M000100Y43"}})
	donor.post(page(2), url.Values{"kind": {"person"}, "payer": {"李四"}})
	verify := "/verify?" + strings.ReplaceAll(between(donor.get(page(0)).text, "/verify?", "</span>"), "&amp;", "&")
	var list []receipts.Receipt
	o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		list, err = receipts.List(ctx, tx, o.book, receipts.Filter{})
		return err
	})
	first, second := "/console/receipts/"+list[1].ID.String(), "/console/receipts/"+list[0].ID.String()
	li.post(second+"/void", url.Values{"reason": {"重复开票"}})
	batch := o.mailedBatch(li)
	ctx := browser(t)
	o.signInBrowser(ctx, "li")
	for name, path := range map[string]string{"ask": page(1), "slip": page(0), "verify": verify, "verify-none": "/verify?number=1", "list": "/console/receipts",
		"show": first, "void": second, "batch": batch} {
		inspect(ctx, t, deskHeard, "receipts-"+name, o.url+path)
	}
}
