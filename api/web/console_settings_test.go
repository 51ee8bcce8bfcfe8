package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// One admin adds a rule, which only asks for more. Another must agree before one changes or ends.
func TestRulesByTwoAdmins(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.person("zhou", "周审批", "Zhou", staff.Held{Role: staff.Approver})
	guan, hu, li, chen := o.as("guan"), o.as("hu"), o.as("li"), o.as("chen")
	rule := func(pairs ...string) url.Values {
		form := url.Values{"form": {uuid.NewString()}, "kind": {"voucher"}, "from": {"50,000"}, "hours": {"0"}, "approvers": {"2"}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	guan.wants(guan.get("/console/settings"), http.StatusOK, "没有规则：每个申请由一个人批准。", "增加规则")
	li.wants(li.post("/console/settings/rules", rule()), http.StatusForbidden)
	guan.wants(guan.post("/console/settings/rules", rule("from", "-1", "approvers", "9", "hours", "x")), http.StatusUnprocessableEntity, "起点金额：", "批准人数：请写 1 到 5", "看哪些申请：")
	guan.wants(guan.post("/console/settings/rules", rule("approvers", "3")), http.StatusUnprocessableEntity, "只有 2 人", `value="50,000"`)
	guan.wants(guan.post("/console/settings/rules", rule("kind", "role", "approvers", "2")), http.StatusUnprocessableEntity, "只有 1 人")
	guan.wants(guan.post("/console/settings/rules", rule("kind", "nope")), http.StatusUnprocessableEntity, "申请种类：")
	guan.wants(guan.post("/console/settings/rules", rule()), http.StatusSeeOther)
	guan.wants(guan.post("/console/settings/rules", rule()), http.StatusSeeOther) // sent twice is one rule
	page := li.get("/console/settings")
	li.wants(page, http.StatusOK, "手工凭证", "50,000.00", "2 人（审批人）")
	li.lacks(page, "增加规则", "申请修改")
	chen.wants(chen.get("/console/mailbox"), http.StatusOK, "新的审批规则：手工凭证", "50,000.00")
	if n := strings.Count(page.text, "/console/settings/rules/"); n != 1 {
		t.Fatalf("%d rules", n)
	}
	at := strings.Index(page.text, "/console/settings/rules/")
	path := page.text[at : at+len("/console/settings/rules/")+36]

	guan.wants(guan.post(path, url.Values{"form": {uuid.NewString()}, "do": {"end"}}), http.StatusUnprocessableEntity, "理由：请写明")
	guan.wants(guan.post(path, rule("do", "change", "reason", "x")), http.StatusUnprocessableEntity, "没有改动")
	asked := guan.post(path, rule("do", "change", "from", "80000", "reason", "活动多，五万太低"))
	guan.wants(asked, http.StatusSeeOther)
	guan.wants(guan.decidesAs(asked.to, "approve"), http.StatusForbidden)
	guan.wants(guan.get("/console/settings"), http.StatusOK, "50,000.00")
	li.wants(li.get(asked.to), http.StatusNotFound)
	hu.wants(hu.get(asked.to), http.StatusOK, "活动多，五万太低", "50,000.00", "80,000.00", "批准后")
	hu.wants(hu.decides(asked.to, "approve", ""), http.StatusSeeOther)
	page = guan.get("/console/settings")
	guan.wants(page, http.StatusOK, "80,000.00", "已结束的规则", "活动多，五万太低", "管理员")
	guan.wants(guan.get(path), http.StatusNotFound)
	at = strings.Index(page.text, "/console/settings/rules/")
	path = page.text[at : at+len("/console/settings/rules/")+36]
	first, second := guan.post(path, url.Values{"form": {uuid.NewString()}, "do": {"end"}, "reason": {"不再需要"}}), guan.post(path, rule("do", "change", "from", "90000", "reason", "再改"))
	hu.wants(hu.decides(first.to, "approve", ""), http.StatusSeeOther)
	hu.wants(hu.get(second.to), http.StatusOK, "现在办不了：")
	hu.wants(hu.decides(second.to, "approve", ""), http.StatusNotFound, "没有这条审批规则")
	guan.wants(guan.get("/console/settings"), http.StatusOK, "没有规则：")
}

func TestSignInSettingsByTwoAdmins(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	guan, hu := o.as("guan"), o.as("hu")
	form := func(password, issuer, client string) url.Values {
		return url.Values{"form": {uuid.NewString()}, "what": {"sign-in"}, "password_rule": {password}, "issuer": {issuer}, "client": {client}, "acr": {""}}
	}
	path := "/console/settings/sign-in"
	guan.wants(guan.post(path, form("alone", "", "")), http.StatusUnprocessableEntity, "没有改动")
	guan.wants(guan.post(path, form("with_code", "https://id.example.org", "")), http.StatusUnprocessableEntity, "客户端编号：", `value="https://id.example.org"`)
	guan.wants(guan.post(path, form("with_code", "http://id.example.org", "sunfund")), http.StatusUnprocessableEntity, "要以 https:// 开头")
	guan.wants(guan.post(path, form("nope", "", "")), http.StatusUnprocessableEntity)
	asked := guan.post(path, form("with_code", "https://id.example.org", "sunfund"))
	guan.wants(asked, http.StatusSeeOther)
	hu.wants(hu.get(asked.to), http.StatusOK, "只要密码 → 密码加动态码", "没有 → https://id.example.org", "sunfund")
	settings, err := staff.ReadSettings(t.Context(), o.db, o.book.ID)
	if o.must(err); settings.Password != staff.PasswordAlone {
		t.Fatalf("settings before anybody agreed: %+v", settings)
	}
	hu.wants(hu.decides(asked.to, "approve", ""), http.StatusSeeOther)
	settings, err = staff.ReadSettings(t.Context(), o.db, o.book.ID)
	if o.must(err); settings != (staff.Settings{Password: staff.PasswordWithCode, Issuer: "https://id.example.org", Client: "sunfund"}) {
		t.Fatalf("settings %+v", settings)
	}
}

// A11: an admin alone takes over nobody who holds a role: not by a new password, not by the factors, the e-mail address or
// a linked identity. The person is told, and only who approved sees the password.
func TestA11AdminAloneCannotBecomeAnApprover(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	guan, hu, chen := o.as("guan"), o.as("hu"), o.as("chen")
	who, err := staff.ByLogin(t.Context(), o.db, o.book.ID, "chen")
	o.must(err)
	path := "/console/people/" + who.ID.String()
	guan.wants(guan.get(path), http.StatusOK, "改密码、登录方式或邮箱是一个申请")
	ask := func(do string, pairs ...string) reply {
		form := url.Values{"form": {uuid.NewString()}, "do": {do}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return guan.post(path, form)
	}
	var paths []string
	for do, pairs := range map[string][]string{"password": nil, "factor": nil, "email": {"email", "guan@example.org"}, "passkey": {"factor", uuid.NewString()}} {
		a := ask(do, pairs...)
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/console/approvals/") {
			t.Fatalf("%s: %d to %q", do, a.status, a.to)
		}
		paths = append(paths, a.to)
		guan.wants(guan.decidesAs(a.to, "approve"), http.StatusForbidden)
	}
	guan.wants(ask("email", "email", "not an address"), http.StatusUnprocessableEntity, "邮箱：")
	guan.wants(ask("link", "subject", "s"), http.StatusUnprocessableEntity)
	chen.wants(chen.get("/console"), http.StatusOK) // nothing was done
	chen.wants(chen.get("/console/mailbox"), http.StatusOK, "有人申请改您的登录方式：给 陈审批（chen）新的初始密码", "修改 陈审批（chen）的邮箱")
	chen.wants(chen.get(paths[0]), http.StatusNotFound)

	asked := ask("password")
	hu.wants(hu.get(asked.to), http.StatusOK, "陈审批 (chen)", "新的初始密码", "批准的管理员，只显示一次")
	shown := hu.decides(asked.to, "approve", "")
	hu.wants(shown, http.StatusOK, "陈审批", "chen")
	at := strings.Index(shown.text, `class="once"><code>`) + len(`class="once"><code>`)
	password := shown.text[at : at+19]
	guan.lacks(guan.get(asked.to), password)
	hu.lacks(hu.get(asked.to), password)
	chen.wants(chen.get("/console"), http.StatusSeeOther) // signed out
	again := o.browser()
	again.wants(again.post("/console/sign-in", url.Values{"login": {"chen"}, "password": {consolePassword}}), http.StatusUnauthorized)
	again.wants(again.post("/console/sign-in", url.Values{"login": {"chen"}, "password": {password}}), http.StatusSeeOther)
	again.wants(again.get("/console/mailbox"), http.StatusSeeOther) // hu has seen this password
	again.wants(again.post("/console/me/password", url.Values{"fresh": {"chen's own words"}, "again": {"chen's own words"}}), http.StatusSeeOther)
	again.wants(again.post("/console/sign-in", url.Values{"login": {"chen"}, "password": {"chen's own words"}}), http.StatusSeeOther)
	again.wants(again.get("/console/mailbox"), http.StatusOK, "您的登录方式已改：给 陈审批（chen）新的初始密码")

	o.person("newcomer", "新同事", "Newcomer")
	newcomer, err := staff.ByLogin(t.Context(), o.db, o.book.ID, "newcomer")
	o.must(err)
	guan.wants(guan.post("/console/people/"+newcomer.ID.String(), url.Values{"do": {"password"}}), http.StatusOK, "新同事") // who may do nothing
}

// S6: a session that is not fresh revokes no key.
func TestS6KeyRevocationAsksAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	guan := o.as("guan")
	made := guan.post("/console/keys", url.Values{"name": {"平台"}, "scopes": {"gifts:write"}, "life": {"90"}})
	guan.wants(made, http.StatusOK, "平台")
	id := guan.hidden(guan.get("/console/keys"), "key")
	o.now = o.now.Add(staff.FreshFor + time.Second)
	guan.wants(guan.post("/console/keys/revoke", url.Values{"key": {id}}), http.StatusForbidden, "confirm_password", id)
	guan.wants(guan.get("/console/keys"), http.StatusOK, `action="/console/keys/revoke"`)
	guan.wants(guan.post("/console/keys/revoke", url.Values{"key": {id}, "confirm_password": {consolePassword}}), http.StatusSeeOther)
	guan.lacks(guan.get("/console/keys"), `action="/console/keys/revoke"`)
}

func draftCampaign(pairs ...string) url.Values {
	form := url.Values{"title_zh": {"社区长者晚餐"}, "title_en": {"Supper for our elders"}, "slug": {"elder-supper"}, "summary_zh": {"一份热晚饭"}, "summary_en": {"A hot supper"},
		"story_zh": {"每天一份。\r\n\r\n志愿者送到家。"}, "story_en": {"One a day.\n\nVolunteers bring it."}, "fund": {"2"}, "theme": {"elders"}, "filing": {"A1"},
		"goal": {"60000"}, "least": {"1"}, "most": {"5000"}, "presets": {"20 50，100"}, "opens": {"2026-09-01"}, "closes": {"2026-12-31"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// A campaign from its draft over the second person to its end; another street's officer learns nothing of it.
func TestCampaignByTwoPeople(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: o.funds[2].StreetID})
	li, chen, wu, xie := o.as("li"), o.as("chen"), o.as("wu"), o.as("xie")
	wu.wants(wu.get("/console/campaigns"), http.StatusOK, "还没有您能看的募捐项目")
	wu.wants(wu.get("/console/campaigns/new"), http.StatusForbidden)
	li.wants(li.post("/console/campaigns", url.Values{"slug": {"Not An Address"}, "fund": {"99"}, "presets": {"x"}, "least": {"5"}, "most": {"1"}}), http.StatusUnprocessableEntity,
		"标题：", "网址：只能用", "基金：请从列表里选", "一句话：", "故事：", "目标金额：", "不能少于最少捐", "先给出的金额：", "第一天：", "最后一天：")
	li.wants(li.post("/console/campaigns", draftCampaign("closes", "2026-08-01")), http.StatusUnprocessableEntity, "结束日期不能早于开始日期")
	made := li.post("/console/campaigns", draftCampaign())
	li.wants(made, http.StatusSeeOther)
	if again := li.post("/console/campaigns", draftCampaign()); again.to != made.to {
		t.Errorf("the same form twice leads to %q and %q", made.to, again.to)
	}
	li.wants(li.get(made.to+"/preview"), http.StatusOK, "这是草稿，公开后就是这个样子", "长者晚餐")
	li.wants(li.post("/console/campaigns", draftCampaign("title_zh", "别的")), http.StatusUnprocessableEntity, "已经有项目在用")
	public := o.browser()
	public.wants(public.get("/c/elder-supper"), http.StatusNotFound)
	wu.wants(wu.get(made.to), http.StatusOK, "社区长者晚餐", "草稿")
	wu.lacks(wu.get(made.to), "提交公开申请")
	if a, b := xie.get(made.to), xie.get("/console/campaigns/9999"); a.status != http.StatusNotFound || strings.ReplaceAll(a.text, made.to, "/console/campaigns/9999") != b.text {
		t.Errorf("an officer of another street: %d", a.status)
	}
	xie.lacks(xie.get("/console/campaigns"), "长者晚餐")

	asked := li.post(made.to, url.Values{"form": {uuid.NewString()}, "do": {"publish"}})
	li.wants(asked, http.StatusSeeOther)
	li.wants(li.decidesAs(asked.to, "approve"), http.StatusForbidden)
	li.wants(li.post(made.to, draftCampaign("do", "save", "goal", "80000")), http.StatusSeeOther)
	chen.wants(chen.get(asked.to), http.StatusOK, "60,000.00", "志愿者送到家", "草稿在提交之后改过")
	chen.wants(chen.decides(asked.to, "approve", ""), http.StatusConflict, "草稿在提交之后改过")
	public.wants(public.get("/c/elder-supper"), http.StatusNotFound)

	asked = li.post(made.to, url.Values{"form": {uuid.NewString()}, "do": {"publish"}})
	chen.wants(chen.decides(asked.to, "approve", ""), http.StatusSeeOther)
	public.wants(public.get("/c/elder-supper"), http.StatusOK, "社区长者晚餐", "80,000.00")
	li.wants(li.post(made.to, draftCampaign("do", "save")), http.StatusConflict, "不能再改")
	li.wants(li.post(made.to, url.Values{"do": {"close"}}), http.StatusUnprocessableEntity, "理由：")
	for range 2 {
		li.wants(li.post(made.to, url.Values{"do": {"close"}, "reason": {"目标达到"}}), http.StatusSeeOther)
	}
	li.wants(li.get(made.to), http.StatusOK, "已结束")
	c, err := giving.CampaignBySlug(t.Context(), o.db, o.book, "elder-supper")
	if o.must(err); c.State != giving.Closed || c.ClosesAt.Sub(c.OpensAt) != 122*24*time.Hour {
		t.Errorf("%+v", c)
	}
}

func TestFundsAndStreets(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen, guan := o.as("li"), o.as("chen"), o.as("guan")
	chen.wants(chen.get("/console/funds/new"), http.StatusForbidden)
	chen.wants(chen.post("/console/streets", nil), http.StatusForbidden)
	li.wants(li.post("/console/streets", url.Values{"code": {"中文"}}), http.StatusUnprocessableEntity, "名称：", "编号：只能用")
	li.wants(li.post("/console/streets", url.Values{"code": {"A"}, "name_zh": {"甲"}, "name_en": {"A"}}), http.StatusUnprocessableEntity, "已经有街道在用")
	li.wants(li.post("/console/streets", url.Values{"code": {"qinghe"}, "name_zh": {"青禾街道"}, "name_en": {"Qinghe"}}), http.StatusSeeOther)
	li.wants(li.get("/console/streets"), http.StatusOK, "青禾街道", "qinghe")
	li.wants(li.get("/console/streets?street=3"), http.StatusOK, "街道改名", `value="青禾街道"`)
	li.wants(li.get("/console/streets?street=99"), http.StatusNotFound)
	names := func(street, zh, en string) url.Values {
		return url.Values{"street": {street}, "name_zh": {zh}, "name_en": {en}}
	}
	li.wants(li.post("/console/streets/rename", names("3", "", "X")), http.StatusUnprocessableEntity, "名称：")
	li.wants(li.post("/console/streets/rename", names("99", "新", "New")), http.StatusNotFound)
	chen.wants(chen.post("/console/streets/rename", names("3", "新", "New")), http.StatusForbidden)
	li.wants(li.post("/console/streets/rename", names("3", "青禾新街道", "New Qinghe")), http.StatusSeeOther)
	li.wants(li.get("/console/streets"), http.StatusOK, "青禾新街道", "New Qinghe", "qinghe")
	li.wants(li.post("/console/streets/rename", names("3", "青禾街道", "Qinghe")), http.StatusSeeOther)
	guan.wants(guan.get("/console/audit?what=street"), http.StatusOK, "street.rename", "street:qinghe")
	fund := func(pairs ...string) url.Values {
		form := url.Values{"code": {"qh"}, "kind": {"designated"}, "name_zh": {"青禾阳光基金"}, "name_en": {"Qinghe fund"}, "purpose_zh": {"社区服务"}, "purpose_en": {"Services"},
			"street": {"3"}, "bearer": {"general"}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return form
	}
	li.wants(li.get("/console/funds/new"), http.StatusOK, "青禾街道", "理事会指定")
	li.wants(li.post("/console/funds", fund("code", "a b", "kind", "x", "name_zh", "", "street", "99", "bearer", "y")), http.StatusUnprocessableEntity,
		"名称：", "编号：", "性质：", "街道：", "支付手续费：")
	li.wants(li.post("/console/funds", fund("kind", "restricted")), http.StatusUnprocessableEntity, "性质：") // applied for: see fund-files
	li.wants(li.post("/console/funds", fund("code", "SPQ")), http.StatusUnprocessableEntity, "已经有基金在用")
	made := li.post("/console/funds", fund())
	li.wants(made, http.StatusSeeOther)
	li.wants(li.get(made.to), http.StatusOK, "青禾阳光基金", "QH", "社区服务", "青禾街道")
	guan.wants(guan.get("/console/audit?what=fund"), http.StatusOK, "fund.open", "李会计")
}

// A month that is closed for now takes nothing by hand, neither drafted nor approved, and still what happened outside.
func TestCloseMonthForNow(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen := o.as("li"), o.as("chen")
	voucher := li.voucher("八月漏记", o.lunch("10.00")...)
	voucher.Set("day", "2026-08-20")
	early := li.post("/console/vouchers", voucher)
	li.wants(early, http.StatusSeeOther)
	li.wants(li.post("/console/periods/close", url.Values{"close": {"2026-09"}}), http.StatusUnprocessableEntity, "还没有过完")
	li.wants(li.post("/console/periods/close", url.Values{"close": {"next"}}), http.StatusUnprocessableEntity, "从列表里选")
	chen.wants(chen.post("/console/periods/close", url.Values{"close": {"2026-08"}}), http.StatusForbidden)
	for range 2 {
		li.wants(li.post("/console/periods/close", url.Values{"close": {"2026-08"}}), http.StatusSeeOther)
	}
	li.wants(li.get("/console/periods"), http.StatusOK, "2026-08", "暂时结账", "查看报告，正式结账")
	transfer := url.Values{"form": {uuid.NewString()}, "day": {"2026-08-31"}, "from": {"2"}, "to": {"3"}, "bank": {"bank.basic"}, "amount": {"1.00"}, "document": {"x"}, "reason": {"x"}}
	li.wants(li.post("/console/transfers", transfer), http.StatusUnprocessableEntity, "日期：2026-08 已结账")
	chen.wants(chen.decides(early.to, "approve", ""), http.StatusConflict, "已结账")
	o.post(ledger.KindTransfer, ledger.Day(2026, 8, 15), "银行流水", o.debit("program.r", 1, 100), o.credit("bank.basic", 1, 100)) // has happened
	if state, err := ledger.PeriodOf(t.Context(), o.db, o.book, ledger.Day(2026, 8, 1)); err != nil || state != ledger.PeriodSoft {
		t.Errorf("%s, %v", state, err)
	}
}

// The page that an initial password opens, and a street about to be renamed.
func TestOwnPasswordLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update person set password_due = true where book_id = $1 and login = 'chen'`, o.book.ID)
		return err
	})
	o.looks(t, "own", [][3]string{{"chen", "password", "/console/me"}, {"li", "street", "/console/streets?street=1"}})
}
