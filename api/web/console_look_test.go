package web

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// busy fills the office's books, so that every page has something to show.
func (o *office) busy() (long uuid.UUID, open, own string) {
	o.Helper()
	day := o.book.Day(o.now)
	for i := range 12 {
		o.gift([]string{"王女士", "", "Mr Zhang", "一位名字特别特别长的爱心企业（重庆）有限责任公司工会委员会"}[i%4], int64(1990+i*731))
	}
	o.post(ledger.KindContract, day.AddDate(0, 0, -3), "签订社区长者午餐合同（丙社工中心）", o.debit("enc", 1, 3_000_000), o.credit("enc.contra", 1, 3_000_000))
	lines := []ledger.Line{}
	for i := range 5 {
		leaf := ledger.Leaf{Chart: "program.r", Fund: o.funds[1].ID, Dims: ledger.Dims{Project: "E爱空间", Counterparty: fmt.Sprintf("第%d户施工队", i+1)}}
		lines = append(lines, ledger.Debit(leaf, int64(100_00*(i+1))))
	}
	lines = append(lines, o.credit("bank.basic", 1, 1_400_00), o.credit("ap", 1, 100_00), o.debit("program.r", 2, 55_00), o.credit("bank.basic", 2, 55_00),
		o.debit("enc.contra", 1, 1_500_00), o.credit("enc", 1, 1_500_00))
	long = o.post(ledger.KindAcceptance, day, "第一期验收：社区长者午餐与居住改造", lines...)
	li, chen := o.as("li"), o.as("chen")
	done := li.drafted("付长者午餐首期款", o.lunch("2,850.00")...)
	chen.decides(done, "approve", "")
	back := li.drafted("付办公用品", o.lunch("88.00")...)
	chen.decides(back, "reject", "发票没有盖章")
	open = li.drafted("付装修款（丙社工中心第二期）", o.lunch("57,089.90")...)
	form := url.Values{"form": {li.hidden(li.get("/console/entries/"+o.both.String()), "form")}, "day": {"2026-09-07"}, "reason": {"分摊比例算错，应为各半"}}
	own = li.post("/console/entries/"+o.both.String()+"/reverse", form).to
	chen.decides(own, "approve", "")
	return long, open, own
}

// payments plants what stands on the page of payments: a notice nobody could book, a refund, a dispute and a payout.
func (o *office) payments() {
	o.Helper()
	for _, sql := range []string{
		`insert into inbox (book_id, id, processor, event_id, kind, received_at, body, state, problem)
		 values ($1, gen_random_uuid(), 'stripe', 'evt_1QxYzLongNumberOfStripe', 'charge.refunded', '2026-09-07', '', 'quarantined', 'api_version 2026-08-26'),
		        ($1, gen_random_uuid(), 'stripe', 'swept:txn_1QxYz', 'swept', '2026-09-06', '', 'refused', 'cannot be booked by itself: balance row txn_1QxYz is of kind "topup"')`,
		`insert into refund_order (book_id, id, gift_id, amount, ccy, reason, by_donor, state, asked_at, next_attempt_at)
		 select $1, gen_random_uuid(), id, 2000, 'CNY', 'changed-mind', true, 'asked', '2026-09-06', '2026-09-06' from gift where book_id = $1
		    and id not in (select gift_id from refund_order) limit 1`,
		`insert into dispute (book_id, processor, dispute, gift_id, amount, ccy, withdrawn, cover, fee, reason, state, opened_at, due_by)
		 select $1, 'stripe', 'dp_1', id, 5000, 'CNY', 5000, 0, 1500, 'fraudulent', 'open', '2026-09-06', '2026-09-14' from gift where book_id = $1 order by id desc limit 1`,
		`insert into payout (book_id, processor, payout, amount, state, complete, arrives_on, created_at) values ($1, 'stripe', 'po_1QxYz', 1234567, 'created', true, '2026-09-09', '2026-09-07')`,
	} {
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, sql, o.book.ID)
			return err
		})
	}
}

// TestConsoleLook opens every page of the console in both languages, on a phone and on a desk, and keeps pictures.
func TestConsoleLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	long, open, own := o.busy()
	reversed, err := ledger.ReadEntry(t.Context(), o.db, o.book, o.both)
	o.must(err)
	folder := os.Getenv("SUNFUND_SCREENSHOTS")
	guan := o.as("guan")
	gift := o.gift("王女士", 50_00)
	donor := o.mailed("王女士", "wang.nvshi.with-a-long-address@mail.example.org", "愿每个孩子都有阳光和自己的一张书桌，也谢谢每一位街坊。")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, '2026-05-01', 'hard'), ($1, '2026-06-01', 'soft')`, o.book.ID)
		if err != nil {
			return err
		}
		return payments.AskRefund(ctx, tx, o.book, payments.Order{ID: uuid.Must(uuid.NewV7()), GiftID: gift, Amount: 20_00, Reason: "changed-mind", Note: "我想少捐一点"}, o.now)
	})
	o.payments()
	o.jobs()
	wu, err := staff.ByLogin(t.Context(), o.db, o.book.ID, "wu")
	o.must(err)
	give := guan.post("/console/people/"+wu.ID.String()+"/roles", url.Values{"form": {uuid.NewString()}, "role": {"street_officer"}, "street": {"2"}})
	people := guan.get("/console/people")
	_, at, _ := strings.Cut(people.text, `<a href="/console/people/`)
	bank := "/console/accounts/" + strconv.Itoa(int(o.account("bank.basic", 1)))
	pages := []struct{ who, name, path string }{
		{"", "sign-in", "/console/sign-in"},
		{"li", "today", "/console"}, {"chen", "today-approver", "/console"}, {"wu", "today-street", "/console"}, {"guan", "today-admin", "/console"},
		{"li", "me", "/console/me"}, {"li", "factor", "/console/me/factor"}, {"li", "search", "/console/search?q=2"},
		{"li", "funds", "/console/funds"}, {"li", "fund", "/console/funds/" + o.fundOf(1)}, {"wu", "funds-street", "/console/funds"},
		{"li", "entries", "/console/entries"}, {"li", "entries-none", "/console/entries?q=zzz"}, {"li", "entries-wrong", "/console/entries?amount=x"},
		{"li", "entry", "/console/entries/" + long.String()}, {"li", "entry-plain", "/console/entries/" + long.String() + "?view=plain"},
		{"li", "reversal", "/console/entries/" + reversed.ReversedBy.String()}, {"wu", "entry-part", "/console/entries/" + long.String()},
		{"li", "voucher", "/console/vouchers/new"}, {"li", "voucher-copy", "/console/vouchers/new?copy=" + open[len("/console/approvals/"):]},
		{"chen", "approvals", "/console/approvals"}, {"li", "approvals-mine", "/console/approvals?box=mine"}, {"chen", "approval", open},
		{"li", "approval-own", open}, {"chen", "approval-done", own},
		{"li", "trial", "/console/trial-balance"}, {"li", "trial-fund", "/console/trial-balance?per=fund&level=1"},
		{"li", "accounts", "/console/accounts"}, {"li", "account", bank}, {"li", "gifts", "/console/gifts"},
		{"guan", "people", "/console/people"}, {"guan", "person", "/console/people/" + at[:36]}, {"guan", "keys", "/console/keys"},
		{"li", "transfer", "/console/transfers/new"}, {"li", "refund", "/console/gifts/" + gift.String() + "/refund"}, {"li", "periods", "/console/periods"}, {"li", "payments", "/console/payments"},
		{"li", "donor", donorHref(donor)}, {"li", "donor-erase", donorHref(donor) + "/erase"},
		{"hu", "approval-role", give.to}, {"hu", "mailbox", "/console/mailbox"}, {"shen", "audit", "/console/audit"}, {"shen", "jobs-history", jobHistoryPath}, {"guan", "jobs", jobsPath}, {"li", "rates", "/console/rates"},
		{"wu", "missing", "/console/entries/" + o.other.String()},
	}
	ctx := browser(t)
	signed := "nobody"
	for _, page := range pages {
		if page.who != signed {
			o.signInBrowser(ctx, page.who)
			signed = page.who
		}
		inspect(ctx, t, deskHeard, "console-"+page.name, o.url+page.path)
	}
	o.signInBrowser(ctx, "li")
	wish(ctx, t, o.url, "lang", string(ZH))
	for name, path := range map[string]string{"voucher": "/console/entries/" + long.String(), "reversal": "/console/entries/" + reversed.ReversedBy.String(),
		"trial": "/console/trial-balance", "account": bank} {
		do(ctx, t, chromedp.Navigate(o.url+path))
		pdf := paper(ctx, t)
		if !bytes.HasPrefix(pdf, []byte("%PDF-")) {
			t.Errorf("%s does not print", name)
		}
		if folder == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, "console-print-"+name+".pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// signInBrowser signs somebody in by the page itself; nobody signs out.
func (o *office) signInBrowser(ctx context.Context, login string) {
	o.Helper()
	do(ctx, o.T, chromedp.Navigate(o.url+"/console/sign-in"))
	eval(ctx, o.T, `fetch("/console/sign-out", {method: "POST", redirect: "manual"}).then(() => "out")`)
	if login != "" {
		eval(ctx, o.T, fmt.Sprintf(`fetch("/console/sign-in", {method: "POST", redirect: "manual",
			body: new URLSearchParams({login: %q, password: %q})}).then(() => "in")`, login, consolePassword))
	}
}

// paper is the page as it is printed.
func paper(ctx context.Context, t *testing.T) (pdf []byte) {
	t.Helper()
	yes := true
	do(ctx, t, chromedp.Func(func(ctx context.Context, tab *chromedp.Target) error {
		printed, err := cdp.Call(ctx, tab, cdppage.PrintToPDF, cdppage.PrintToPDFParams{PreferCSSPageSize: &yes})
		if err != nil {
			return err
		}
		pdf = printed.Data
		return nil
	}))
	return pdf
}
