package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

func (o *office) account(id chart.ID, street int) int32 {
	o.Helper()
	a, err := ledger.AccountByLeaf(o.Context(), o.db, o.book, ledger.Leaf{Chart: id, Fund: o.funds[street].ID})
	o.must(err)
	return a.ID
}

func (o *office) fundOf(street int) string { return strconv.Itoa(int(o.funds[street].ID)) }

// lunch is a voucher that spends an amount from the fund of street 1.
func (o *office) lunch(amount string) [][4]string {
	return [][4]string{{"5101.02", o.fundOf(1), amount, ""}, {"1002.01 银行存款—基本户", o.fundOf(1), "", amount}}
}

func TestVoucherByTwoPeople(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen, shen := o.as("li"), o.as("chen"), o.as("shen")
	form := li.voucher("付长者午餐九月款", o.lunch("28,500.00")...)
	first := li.post("/console/vouchers", form)
	li.wants(first, http.StatusSeeOther)
	if again := li.post("/console/vouchers", form); again.to != first.to {
		t.Errorf("the same form twice: %q, then %q", first.to, again.to)
	}
	path := first.to
	li.wants(li.get(path), http.StatusOK, "您是制单人，不能审批自己的申请。", "可审批的人：陈审批。", "28,500.00", "将要入账的凭证")
	li.wants(li.decides(path, "approve", ""), http.StatusForbidden, "您是制单人，不能审批自己的申请。")
	li.wants(li.get("/console/approvals?box=mine"), http.StatusOK, "付长者午餐九月款", "等第二人")

	page := chen.get(path)
	chen.wants(page, http.StatusOK, "49,900.00", "21,400.00", "−28,500.00", "批准并入账", "李会计")
	chen.wants(chen.get("/console"), http.StatusOK, "付长者午餐九月款")
	chen.wants(chen.decides(path, "reject", ""), http.StatusUnprocessableEntity, "请写明为什么退回")
	a := shen.post(path, url.Values{"hash": {chen.hidden(page, "hash")}, "do": {"approve"}})
	if a.status != http.StatusForbidden {
		t.Errorf("auditor approves: %d", a.status)
	}
	chen.wants(chen.decides(path, "approve", ""), http.StatusSeeOther)
	done := chen.get(path)
	chen.wants(done, http.StatusOK, "已批准", "打开凭证")
	chen.wants(chen.post(path, url.Values{"hash": {chen.hidden(page, "hash")}, "do": {"approve"}}), http.StatusSeeOther)

	journal, err := ledger.Journal(t.Context(), o.db, o.book, ledger.JournalFilter{Text: "长者午餐"})
	o.must(err)
	if len(journal.Entries) != 1 || journal.Entries[0].Document.MadeBy != "李会计" || journal.Entries[0].Document.CheckedBy != "陈审批" || journal.Entries[0].Amount != 2_850_000 {
		t.Fatalf("%+v", journal.Entries)
	}
	entry := li.get("/console/entries/" + journal.Entries[0].ID.String())
	li.wants(entry, http.StatusOK, "记账凭证", "人民币贰万捌仟伍佰元整", "李会计", "陈审批", "附单据 2 张", "石坪桥街道阳光基金", "5101.02", "冲销这张凭证")
	shen.lacks(shen.get("/console/entries/"+journal.Entries[0].ID.String()), "冲销这张凭证")
	en := li.get("/console/entries/" + journal.Entries[0].ID.String() + "?lang=en")
	li.wants(en, http.StatusOK, "Journal voucher", "CNY 28,500.00")
}

func TestVoucherIsChecked(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	count := func() int64 {
		n, err := ledger.Postings(t.Context(), o.db, o.book)
		o.must(err)
		return n
	}
	before := count()
	bad := li.voucher("差一分", [4]string{"5101.02", o.fundOf(1), "100.00", ""}, [4]string{"1002.01", o.fundOf(1), "", "99.99"})
	a := li.post("/console/vouchers", bad)
	li.wants(a, http.StatusUnprocessableEntity, "石坪桥街道阳光基金 不平：借方比贷方多 0.01 元。", `value="99.99"`, "差一分", "<title>错误：")
	wrong := li.voucher("", [4]string{"没有这个科目", o.fundOf(1), "1,00", ""}, [4]string{"1002.01", "", "", "1e3"}, [4]string{"1002.01", o.fundOf(1), "5", "5"})
	wrong.Set("day", "明天")
	wrong.Set("attachments", "-1")
	a = li.post("/console/vouchers", wrong)
	li.wants(a, http.StatusUnprocessableEntity, "日期：", "附单据：", "摘要：", "第 1 行科目", "第 1 行金额", "第 2 行：请选基金。", "第 2 行金额", "第 3 行：借方和贷方只能填一个。",
		`href="#f-account-1"`, `id="f-account-1"`, `value="没有这个科目"`, `value="1e3"`, `value="明天"`)
	across := li.voucher("两基金之间", [4]string{"5101.02", o.fundOf(1), "10", ""}, [4]string{"1002.01", o.fundOf(2), "", "10"})
	li.wants(li.post("/console/vouchers", across), http.StatusUnprocessableEntity, "石坪桥街道阳光基金 不平", "谢家湾街道阳光基金 不平：贷方比借方多 10.00 元")
	across.Set("do", "check")
	li.wants(li.post("/console/vouchers", across), http.StatusOK, "差额", `value="两基金之间"`)
	across.Set("do", "lines")
	li.wants(li.post("/console/vouchers", across), http.StatusOK, `id="f-account-7"`)
	li.wants(li.post("/console/vouchers", li.voucher("一行", [4]string{"5101.02", o.fundOf(1), "10", ""})), http.StatusUnprocessableEntity, "至少要两行")
	ahead := li.voucher("年份写错", [4]string{"5101.02", o.fundOf(1), "10", ""}, [4]string{"1002.01", o.fundOf(1), "", "10"})
	ahead.Set("day", "2062-09-07")
	li.wants(li.post("/console/vouchers", ahead), http.StatusUnprocessableEntity, "这一天还没有到", `value="2062-09-07"`)
	if n := count(); n != before {
		t.Errorf("%d postings, were %d", n, before)
	}
	if n, err := staff.Approvals(t.Context(), o.db, staff.Identity{Book: o.book.ID, Roles: []staff.Held{{Role: staff.Approver}}}, staff.ForMe, uuid.Nil, 10); err != nil || len(n) != 0 {
		t.Errorf("%d requests, %v", len(n), err)
	}
}

func TestRequestChangedMeanwhile(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen := o.as("li"), o.as("chen")
	path := li.drafted("付午餐", o.lunch("300.00")...)
	old := chen.hidden(chen.get(path), "hash")
	id := strings.TrimPrefix(path, "/console/approvals/")
	li.wants(li.get("/console/vouchers/new?change="+id), http.StatusOK, `value="300.00"`, "修改申请")
	form := li.voucher("付午餐", o.lunch("280.00")...)
	form.Set("change", id)
	li.wants(li.post("/console/vouchers", form), http.StatusSeeOther)
	chen.wants(chen.post(path, url.Values{"hash": {old}, "do": {"approve"}}), http.StatusConflict, "内容在您打开之后改过了，没有批准。", "280.00")
	chen.wants(chen.decides(path, "reject", "发票没有盖章"), http.StatusSeeOther)
	li.wants(li.get(path), http.StatusOK, "已退回", "发票没有盖章", "照此再制一张")
	li.wants(li.get("/console"), http.StatusOK, "退回给我的")
	li.wants(li.get("/console/vouchers/new?copy="+id), http.StatusOK, `value="280.00"`)
	other := li.drafted("撤回的", o.lunch("1.00")...)
	li.wants(li.decides(other, "withdraw", ""), http.StatusSeeOther)
	li.wants(li.get(other), http.StatusOK, "已撤回")
}

func TestApprovalShortOfMoney(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	path := o.as("li").drafted("付装修款", o.lunch("57,089.90")...)
	chen := o.as("chen")
	chen.wants(chen.get(path), http.StatusOK, "可用余额不够")
	chen.wants(chen.decides(path, "approve", ""), http.StatusConflict, "没有入账", "石坪桥街道阳光基金", "7,189.90 元", "回到申请")
	chen.wants(chen.get(path), http.StatusOK, "等第二人")
}

func TestReversalByTwoPeople(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen := o.as("li"), o.as("chen")
	path := "/console/entries/" + o.both.String()
	form := url.Values{"form": {li.hidden(li.get(path), "form")}, "day": {"2026-09-07"}, "reason": {""}}
	li.wants(li.post(path+"/reverse", form), http.StatusUnprocessableEntity, "请写明为什么要冲销")
	form.Set("reason", "分摊比例算错")
	a := li.post(path+"/reverse", form)
	li.wants(a, http.StatusSeeOther)
	chen.wants(chen.get(a.to), http.StatusOK, "分摊比例算错", "红字冲销", "−100.00")
	chen.wants(chen.decides(a.to, "approve", ""), http.StatusSeeOther)
	reversed, err := ledger.ReadEntry(t.Context(), o.db, o.book, o.both)
	o.must(err)
	if reversed.ReversedBy == uuid.Nil {
		t.Fatal("not reversed")
	}
	mirror := "/console/entries/" + reversed.ReversedBy.String()
	li.wants(li.get(path), http.StatusOK, "已冲销", mirror)
	li.wants(li.get(mirror), http.StatusOK, "红字冲销", path, "人民币负叁佰元整", "−100.00")
	form.Set("form", uuid.NewString())
	li.wants(li.post(path+"/reverse", form), http.StatusConflict, "已经冲销过", mirror)
}

func TestTrialBalance(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	a := li.get("/console/trial-balance?from=2026-09-01&to=2026-09-30")
	li.wants(a, http.StatusOK, "58,000.00", "57,700.00", "300.00", "借贷相等", "四对合计都相等，期末各 58,000.00 元。")
	li.lacks(a, "借贷不等", "1001")
	per := li.get("/console/trial-balance?from=2026-09-01&to=2026-09-30&per=fund")
	li.wants(per, http.StatusOK, "SPQ", "49,900.00", "7,800.00")
	if n := strings.Count(per.text, "四对合计都相等"); n != 2 {
		t.Errorf("%d funds balance, want 2", n)
	}
	csv := li.get("/console/trial-balance?from=2026-09-01&to=2026-09-30&format=csv")
	li.wants(csv, http.StatusOK, "\ufeff部分,编码", "1002.01,银行存款—基本户,58000.00,0.00,0.00,300.00")
	li.wants(li.get("/console/trial-balance?from=2026-09-30&to=2026-09-01"), http.StatusUnprocessableEntity, "结束日期不能早于开始日期")
	accounts := li.get("/console/accounts?q=1002&fund=" + o.fundOf(1) + "&from=2026-09-01&to=2026-09-30")
	bank := "/console/accounts/" + strconv.Itoa(int(o.account("bank.basic", 1)))
	if accounts.status != http.StatusSeeOther || accounts.to != bank+"?from=2026-09-01&to=2026-09-30" {
		t.Errorf("drill down: %d to %s", accounts.status, accounts.to)
	}
	li.wants(li.get(accounts.to), http.StatusOK, "期初余额", "50,000.00", "本月合计", "本年累计", "49,900.00", "/console/entries/"+o.both.String())
}

func TestJournalAndSearch(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for i := range 60 {
		o.post(ledger.KindOpening, o.book.Day(o.now), "=1+1 补记"+strconv.Itoa(i), o.debit("bank.basic", 1, 1), o.credit("na.r", 1, 1))
	}
	li := o.as("li")
	a := li.get("/console/entries?q=" + url.QueryEscape("补记"))
	li.wants(a, http.StatusOK, "补记59", "本页 50 行，共 60 行")
	next := a.text[strings.Index(a.text, `rel="next" href="`)+len(`rel="next" href="`):]
	second := li.get(next[:strings.Index(next, `"`)])
	li.wants(second, http.StatusOK, "补记0", "本页 10 行，共 60 行")
	csv := li.get("/console/entries?format=csv&q=" + url.QueryEscape("补记"))
	if n := strings.Count(csv.text, "'=1+1 补记"); n != 60 || csv.head.Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("%d guarded rows, %s", n, csv.head.Get("Content-Type"))
	}
	li.wants(li.get("/console/entries?amount=abc&from=x"), http.StatusUnprocessableEntity, "金额：", "日期：", `value="abc"`)
	li.wants(li.get("/console/entries?after=zzz"), http.StatusSeeOther)
	for q, want := range map[string]string{o.other.String(): "/console/entries/" + o.other.String(), "8,000.00": "/console/entries/" + o.other.String(),
		"共同活动": "/console/entries/" + o.both.String()} {
		if a := li.get("/console/search?q=" + url.QueryEscape(q)); a.to != want {
			t.Errorf("search %q leads to %q, want %q (%d)", q, a.to, want, a.status)
		}
	}
	li.wants(li.get("/console/search?q="+url.QueryEscape("记字第 2 号")), http.StatusOK, "凭证号相同")
	li.wants(li.get("/console/search?q=%00%ff"), http.StatusOK)

	id := o.gift("王女士", 5000)
	ref := giving.Ref(o.book, id)
	li.wants(li.get("/console/gifts?q="+url.QueryEscape("王女士")), http.StatusOK, "王女士", ref, "50.00", "合计 1 笔")
	li.wants(li.get("/console/gifts?q="+url.QueryEscape("王女")), http.StatusOK, "没有符合条件的捐赠", "只能按完整内容查找")
	li.wants(li.get("/console/gifts?q="+ref), http.StatusOK, "王女士")
	li.wants(li.get("/console/gifts?amount=50.01"), http.StatusOK, "没有符合条件的捐赠")
	li.wants(li.get("/console/gifts?format=csv&from=2026-09-07&to=2026-09-07"), http.StatusOK, "王女士", "50.00")
	if a := li.get("/console/search?q=" + ref); a.to != "/console/entries/"+id.String() {
		t.Errorf("a gift's reference leads to %q", a.to)
	}
	li.wants(li.get("/console/entries/"+id.String()), http.StatusOK, "4101.02", ref)
}

func TestPeopleAndKeys(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	guan := o.as("guan")
	form := url.Values{"name_zh": {"赵会计"}, "name_en": {"Zhao"}, "login": {"zhao"}, "speaks": {"zh-CN"}}
	made := guan.post("/console/people", form)
	guan.wants(made, http.StatusOK, "初始密码", "只显示这一次")
	guan.wants(guan.post("/console/people", form), http.StatusUnprocessableEntity, "已经有人用了", `value="赵会计"`)
	secret := made.text[strings.Index(made.text, "<code>")+6:]
	secret = secret[:strings.Index(secret, "<")]
	zhao := o.browser()
	zhao.wants(zhao.post("/console/sign-in", url.Values{"login": {"zhao"}, "password": {secret}}), http.StatusSeeOther)
	// A11: guan has seen this password. It opens one page, and until it is replaced zhao is given no role.
	zhao.wants(zhao.get("/console/entries"), http.StatusSeeOther)
	zhao.wants(zhao.get("/console/me"), http.StatusOK, "改成自己的密码")
	zhao.wants(zhao.get("/console/me/factor"), http.StatusSeeOther)
	p, err := staff.ByLogin(t.Context(), o.db, o.book.ID, "zhao")
	o.must(err)
	path := "/console/people/" + p.ID.String()
	roles := path + "/roles"
	ask := func(pairs ...string) url.Values {
		form := url.Values{"form": {uuid.NewString()}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	guan.wants(guan.post(roles, ask("role", "street_officer")), http.StatusUnprocessableEntity, "街道工作人员、居民和监督选一个")
	guan.wants(guan.post(roles, ask("role", "approver")), http.StatusUnprocessableEntity, "还在用初始密码")
	own := func(fresh string) reply {
		return zhao.post("/console/me/password", url.Values{"fresh": {fresh}, "again": {fresh}})
	}
	zhao.wants(own(secret), http.StatusUnprocessableEntity, "管理员看到过")
	zhao.wants(own("zhao's own words"), http.StatusSeeOther)
	zhao.wants(zhao.post("/console/sign-in", url.Values{"login": {"zhao"}, "password": {"zhao's own words"}}), http.StatusSeeOther)
	zhao.wants(zhao.get("/console/entries"), http.StatusForbidden)
	give := guan.post(roles, ask("role", "street_officer", "street", "2"))
	guan.wants(give, http.StatusSeeOther)
	zhao.wants(zhao.get("/console/entries"), http.StatusForbidden) // asked for is not given
	guan.wants(guan.post(give.to, url.Values{"do": {"approve"}, "hash": {guan.hidden(guan.get(give.to), "hash")}}), http.StatusForbidden, "不能审批自己的申请")
	hu := o.as("hu")
	hu.wants(hu.get(give.to), http.StatusOK, "给 赵会计（zhao）角色：街道工作人员（谢家湾街道）", "还差 1 人批准")
	hu.wants(hu.decides(give.to, "approve", ""), http.StatusSeeOther)
	guan.wants(guan.post(roles, ask("role", "auditor")), http.StatusUnprocessableEntity, "不能兼任")
	guan.wants(guan.post(roles, ask("role", "street_officer", "street", "2")), http.StatusUnprocessableEntity, "已经有这个角色")
	guan.wants(guan.get(path), http.StatusOK, "街道工作人员（谢家湾街道）", "申请收回")
	zhao.wants(zhao.get("/console/entries"), http.StatusOK, "期初：谢家湾基金存款")
	take := guan.post(roles, ask("grant", guan.hidden(guan.get(path), "grant")))
	guan.wants(take, http.StatusSeeOther)
	hu.wants(hu.decides(take.to, "approve", ""), http.StatusSeeOther)
	zhao.wants(zhao.get("/console/entries"), http.StatusForbidden) // A4: with the next request of an open session
	mine, err := staff.ByLogin(t.Context(), o.db, o.book.ID, "guan")
	o.must(err)
	guan.wants(guan.post("/console/people/"+mine.ID.String()+"/roles", ask("role", "approver")), http.StatusForbidden) // A11
	guan.wants(guan.get("/console/audit?what=denied&q=guan"), http.StatusOK, "POST /console/people/"+mine.ID.String()+"/roles", "second-person")
	guan.wants(guan.post(path, url.Values{"do": {"sessions"}}), http.StatusSeeOther)
	zhao.wants(zhao.get("/console"), http.StatusSeeOther)
	guan.wants(guan.post(path, url.Values{"do": {"disable"}}), http.StatusSeeOther)
	guan.wants(guan.get("/console/people"), http.StatusOK, "已停用")
	me, err := staff.ByLogin(t.Context(), o.db, o.book.ID, "guan")
	o.must(err)
	guan.wants(guan.post("/console/people/"+me.ID.String(), url.Values{"do": {"disable"}}), http.StatusUnprocessableEntity, "另一位管理员")

	guan.wants(guan.post("/console/keys", url.Values{"name": {""}, "life": {"365"}}), http.StatusUnprocessableEntity, "名称：", "权限：")
	key := url.Values{"name": {"官网"}, "life": {"365"}, "scopes": {"gifts:read", "funds:read"}}
	guan.wants(guan.post("/console/keys", key), http.StatusOK, "sf_")
	guan.wants(guan.post("/console/keys", key), http.StatusUnprocessableEntity, "同名的有效密钥")
	list := guan.get("/console/keys")
	guan.wants(list, http.StatusOK, "官网", "gifts:read")
	guan.lacks(list, "sf_")
	rotated := guan.post("/console/keys/rotate", url.Values{"key": {guan.hidden(list, "key")}, "overlap": {"7"}})
	guan.wants(rotated, http.StatusOK, "sf_", "旧密钥还能用 7 天")
	list = guan.get("/console/keys")
	guan.wants(list, http.StatusOK, "已有新密钥", "2026-09-14")
	guan.lacks(list, "sf_")
	guan.wants(guan.post("/console/keys/revoke", url.Values{"key": {guan.hidden(list, "key")}}), http.StatusSeeOther)
	guan.wants(guan.get("/console/keys"), http.StatusOK, "已撤销")
}
