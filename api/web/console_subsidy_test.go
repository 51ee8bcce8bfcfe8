package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/staff"
)

// enterLetter writes the letter of the worked case down, over the campaign of street 1.
func (c *client) enterLetter(campaign string, more ...string) string {
	c.Helper()
	return c.stepped(subsidiesPath, "letter-enter", append([]string{"document", "石街函〔2026〕12号", "party", "石坪桥街道办事处", "day", "2026-09-01", "fund", c.fundOf(1), "campaign", campaign,
		"counts", "all", "due-opens", "2026-08-20", "due-closes", "2026-09-30", "num", "1", "den", "1", "per", "letter", "cap", "21,940.87", "year", "2026", "terms", "grant", "homes", "11"}, more...)...)
}

// raise books a gift to the campaign of street 1.
func (o *office) raise(campaign string, amount int64, ref string) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: o.campaignID(campaign), Amount: amount, PaidAt: o.now.Add(-time.Hour), Channel: giving.Bank, Ref: ref}})
		if err != nil {
			return err
		}
		return out[0].Err
	})
}

func (o *office) campaignID(text string) int32 {
	o.Helper()
	var id int32
	o.must(o.db.QueryRow(o.Context(), `select campaign_id from campaign where book_id = $1 and campaign_id::text = $2`, o.book.ID, text).Scan(&id))
	return id
}

// stepForm is the form of a step without fields.
func stepForm(act string) url.Values { return url.Values{"form": {uuid.NewString()}, "act": {act}} }

var claimHash = regexp.MustCompile(`name="hash" value="([0-9a-f]{64})"`)

// TestAStreetLetterInTheConsole goes the whole way: letter, gifts, statement signed by both sides, money, cost, what is left goes back.
func TestAStreetLetterInTheConsole(t *testing.T) {
	t.Parallel()
	o, _, campaign := newOfflineOffice(t)
	two := int32(2)
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: &two})
	li, chen, wu, xie := o.as("li"), o.as("chen"), o.as("wu"), o.as("xie")

	li.wants(li.get(subsidiesPath), http.StatusOK, "没有符合条件的配套函", "登记配套函")
	li.wants(li.step(subsidiesPath, "letter-enter", "document", "x"), http.StatusUnprocessableEntity, "来函单位", "最高金额")
	draft := wu.enterLetter(campaign)
	wu.wants(wu.get(draft), http.StatusOK, "草稿", "还没有入账")
	wu.lacks(wu.get(draft), "收下，入账</summary>")
	wu.wants(wu.step(draft, "letter-accept", "day", "2026-09-07"), http.StatusConflict)
	xie.wants(xie.get(draft), http.StatusNotFound)
	xie.wants(xie.step(draft, "letter-drop", "day", "2026-09-07", "reason", "x"), http.StatusNotFound)
	xie.lacks(xie.get(subsidiesPath), "石街函")
	if a := wu.attach("subsidy:"+lastPart(draft), "石街函.png", scan); a.status != http.StatusSeeOther {
		t.Errorf("the street's officer adds the scan: %d", a.status)
	}
	if a := wu.attach("entry:"+o.entry.String(), "别的.png", scan); a.status != http.StatusNotFound {
		t.Errorf("beside a voucher: %d", a.status)
	}
	paper := regexp.MustCompile(papersPath + `/[0-9a-f-]{36}`).FindString(wu.get(draft).text)
	wu.wants(wu.get(paper), http.StatusOK)
	xie.wants(xie.get(paper), http.StatusNotFound)
	li.stepped(draft, "letter-accept", "day", "2026-09-07")
	letter := draft
	li.wants(li.get(letter), http.StatusOK, "履行中", "21,940.87", "每募 1 元，街道配 1 元", "等捐赠进来", "石街函.png", "登记平行资助")

	o.raise(campaign, 27_505_13, "B-1")
	li.wants(li.get(letter), http.StatusOK, "27,505.13", "现在可以请款 21,940.87")
	li.wants(li.step(letter, "letter-claim", "amount", "21940.88"), http.StatusUnprocessableEntity, "超过已赢得未请款的数")
	wu.wants(wu.step(letter, "letter-claim", "amount", "1"), http.StatusConflict)
	li.stepped(letter, "letter-claim", "amount", "21940.87")
	claim := regexp.MustCompile(claimsPath + `/[0-9a-f-]{36}`).FindString(li.get(letter).text)
	page := li.get(claim)
	li.wants(page, http.StatusOK, "街道配套请款单", "致：", "石坪桥街道办事处", "等 石坪桥街道办事处 的工作人员登录签字", "4,495.10", "4,495.09", "撤回请款单")
	li.lacks(page, "代表街道签字</h2>")
	xie.wants(xie.get(claim), http.StatusNotFound)
	page = wu.get(claim)
	wu.wants(page, http.StatusOK, "代表街道签字", "签字：____")
	hash := claimHash.FindStringSubmatch(page.text)[1]
	sign := func(c *client, hash string) reply {
		form := stepForm("claim-sign")
		form.Set("hash", hash)
		return c.post(claim, form)
	}
	xie.wants(sign(xie, hash), http.StatusNotFound)
	li.wants(sign(li, hash), http.StatusConflict) // not of the street
	wu.wants(sign(wu, strings.Repeat("0", 64)), http.StatusConflict, "请款单与您看到的不同")
	if a := sign(wu, hash); a.status != http.StatusSeeOther {
		t.Fatalf("sign: %d\n%s", a.status, a.text)
	}
	wu.wants(wu.get(claim), http.StatusOK, "双方已签字", "李会计", "吴街道")

	li.wants(li.step(letter, "letter-receive", "day", "2026-09-07", "amount", "30000", "bank", "bank.basic", "ref", "20260907-0001"), http.StatusUnprocessableEntity, "超过街道已签字")
	li.stepped(letter, "letter-receive", "day", "2026-09-07", "amount", "21940.87", "bank", "bank.basic", "ref", "20260907-0001")
	li.wants(li.get(letter), http.StatusOK, "没有用，也没有退", "4,495.09")
	request := li.stepped(letter, "letter-spend", "day", "2026-09-07", "what", "11 户改造", "contract", "HT-1", "project", "EAI-11", "amount", "21000")
	chen.wants(chen.get(request), http.StatusOK, "11 户改造", "21,000.00", "HT-1")
	if a := chen.decidesAs(request, "approve"); a.status != http.StatusSeeOther {
		t.Fatalf("approve: %d\n%s", a.status, a.text)
	}
	request = li.stepped(letter, "letter-return", "day", "2026-09-07", "amount", "940.87", "bank", "bank.basic", "ref", "20260907-0002")
	if a := chen.decidesAs(request, "approve"); a.status != http.StatusSeeOther {
		t.Fatalf("approve: %d\n%s", a.status, a.text)
	}
	page = li.get(letter)
	li.wants(page, http.StatusOK, "已退回", "940.87", "这份函的钱都有了着落")
	li.stepped(letter, "letter-parallel", "day", "2026-09-07", "amount", "800", "what", "街道直付电线改造")
	li.wants(li.get(letter), http.StatusOK, "平行资助备查", "800.00")
	entry := regexp.MustCompile(`/console/entries/[0-9a-f-]{36}`).FindString(li.get(letter).text)
	li.wants(li.get(entry), http.StatusOK, "街道配套承诺", "收下，入账 · J1")
	li.wants(li.get(subsidiesPath+"?street=1&year=2026&state=open"), http.StatusOK, "石街函", "21,000.00")
	li.wants(li.get(subsidiesPath+"?year=x"), http.StatusUnprocessableEntity, "四位年份")
	li.wants(li.get(subsidiesPath+"?format=csv"), http.StatusOK, "石街函", "940.87")
	if _, err := o.owner.Exec(t.Context(), `
insert into subsidy_letter select (jsonb_populate_record(l, jsonb_build_object('id', gen_random_uuid(), 'number', 100 + n))).*
  from subsidy_letter l, generate_series(1, 60) n where l.book_id = $1 and l.number = 1`, o.book.ID); err != nil {
		t.Fatal(err)
	}
	if rows := strings.Count(li.get(subsidiesPath+"?format=csv").text, "石街函"); rows != 61 { // those of other pages too
		t.Errorf("%d letters in the file", rows)
	}
}

// TestLapseIsTold: thirty days before, the accountants and the officers of that street get one letter each, in their own mailbox.
func TestLapseIsTold(t *testing.T) {
	t.Parallel()
	o, _, campaign := newOfflineOffice(t)
	two := int32(2)
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: &two})
	li, wu, xie := o.as("li"), o.as("wu"), o.as("xie")
	path := li.enterLetter(campaign)
	s, err := NewServer(Config{DB: o.bare, Books: []*ledger.Book{o.book}, Now: func() time.Time { return o.now }})
	o.must(err)
	tell := func(now time.Time) {
		o.Helper()
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			l, err := subsidies.ByID(ctx, tx, o.book, uuid.MustParse(lastPart(path)))
			if err != nil {
				return err
			}
			return s.NoticeLetter(ctx, tx, o.book, l, now)
		})
	}
	tell(o.now)
	li.lacks(li.get(mailboxPath), "快失效")
	december := time.Date(2026, 12, 5, 9, 0, 0, 0, o.book.Zone)
	tell(december)
	tell(december.AddDate(0, 0, 1))
	for _, c := range []*client{li, wu} {
		page := c.get(mailboxPath)
		c.wants(page, http.StatusOK, "配套函 J1 快失效")
		if n := strings.Count(page.text, "请双方尽快办理请款"); n != 1 {
			t.Errorf("%d letters", n)
		}
	}
	xie.lacks(xie.get(mailboxPath), "快失效")
	li.wants(li.get(path), http.StatusOK, "快失效，已通知", "通知双方快失效")
	li.wants(li.get(path+"/notice"), http.StatusOK, "失效通知", "21,940.87", "到期未请款将失效")
}

func TestSubsidiesLook(t *testing.T) {
	t.Parallel()
	o, _, campaign := newOfflineOffice(t)
	li, wu := o.as("li"), o.as("wu")
	draft := wu.enterLetter(campaign, "document", "石街函〔2026〕3号 关于支持社区长者午餐与困境儿童居住空间改造项目的配套函", "party", "一个名字特别特别长的街道办事处（重庆市九龙坡区石坪桥街道）")
	letter := li.enterLetter(campaign)
	o.raise(campaign, 27_505_13, "B-1")
	li.stepped(letter, "letter-claim", "amount", "10000")
	claim := regexp.MustCompile(claimsPath + `/[0-9a-f-]{36}`).FindString(li.get(letter).text)
	form := stepForm("claim-sign")
	form.Set("hash", claimHash.FindStringSubmatch(wu.get(claim).text)[1])
	if a := wu.post(claim, form); a.status != http.StatusSeeOther {
		t.Fatal(a.text)
	}
	li.stepped(letter, "letter-receive", "day", "2026-09-07", "amount", "9000", "bank", "bank.basic", "ref", "20260907-0001")
	li.stepped(letter, "letter-claim", "amount", "11940.87")
	open := regexp.MustCompile(claimsPath+`/[0-9a-f-]{36}`).FindAllString(li.get(letter).text, -1)
	o.looks(t, "subsidy", [][3]string{{"li", "list", subsidiesPath}, {"li", "new", subsidiesPath + "/new"}, {"li", "letter", letter}, {"li", "claim", claim}, {"li", "notice", letter + "/notice"},
		{"wu", "draft", draft}, {"wu", "sign", open[len(open)-1]}, {"wu", "street", subsidiesPath}})
}
