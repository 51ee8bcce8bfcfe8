package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
)

// ruleForm is a rule of one to one from one promised pool, around the office's now, as the form sends it; pairs change it.
func (o *office) matchRuleForm(do string, pairs ...string) url.Values {
	day := func(days int) string { return o.now.In(o.book.Zone).AddDate(0, 0, days).Format("2006-01-02T15:04") }
	form := url.Values{"form": {uuid.NewString()}, "do": {do}, "template": {"one-to-one"}, "zone": {"Asia/Shanghai"},
		"windows[0].name": {"days"}, "windows[0].from": {day(-1)}, "windows[0].to": {day(2)},
		"pools[0].code": {"main"}, "pools[0].funder.zh": {"甲公司"}, "pools[0].funder.en": {"Company A"}, "pools[0].amount": {"1,000"},
		"award.fixed.match": {"1"}, "award.fixed.gift": {"1"}, "caps.gift.amount": {"100"}, "order": {"first-come"}, "notice_days": {""}, "unspent": {"return"}, "refund": {"pool"},
		"holds.per_minute": {"2"}, "source": {"made"}, "seed": {"7"}, "size": {"500"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// matched books gifts of one donor, a second apart, as the intake does.
func (o *office) matched(campaign string, sums ...int64) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		for i, sum := range sums {
			out, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: o.campaignID(campaign), Amount: sum, PaidAt: o.now.Add(time.Duration(i) * time.Second), Channel: giving.WeChat,
				Ref: uuid.NewString(), Name: "周先生", Email: "zhou@example.org"}})
			if err != nil {
				return err
			}
			if out[0].Err != nil {
				return out[0].Err
			}
		}
		return nil
	})
}

// damage changes what the service may not change.
func (o *office) damage(sql string) {
	o.Helper()
	tx, err := o.owner.Begin(o.Context())
	if err != nil {
		o.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(o.Context()))
	for _, one := range []string{"set local session_replication_role = replica", sql} {
		if _, err := tx.Exec(o.Context(), one); err != nil {
			o.Fatal(err)
		}
	}
	if err := tx.Commit(o.Context()); err != nil {
		o.Fatal(err)
	}
}

// paidTo books what a party was paid, and gives the entry.
func (o *office) paidTo(party string, sum int64) (entry string) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		general, err := giving.GeneralFund(ctx, tx, o.book)
		if err != nil {
			return err
		}
		bank := ledger.Leaf{Chart: "bank.online", Fund: general}
		for i, lines := range [][]ledger.Line{{ledger.Debit(bank, sum), ledger.Credit(ledger.Leaf{Chart: "na.u", Fund: general}, sum)},
			{ledger.Debit(ledger.Leaf{Chart: "program.u", Fund: general, Dims: ledger.Dims{Counterparty: party}}, sum), ledger.Credit(bank, sum)}} {
			r, err := ledger.PostOne(ctx, tx, o.book, ledger.Entry{Kind: []ledger.Kind{ledger.KindOpening, ledger.KindPayment}[i], EffectiveOn: o.book.Day(o.now.AddDate(0, 0, -1)),
				Actor: uuid.New(), Lines: lines})
			if err != nil {
				return err
			}
			entry = r.ID.String()
		}
		return nil
	})
	return entry
}

// TestAnEventOfMatchInTheConsole goes the whole way: event, rule, trial, publishing and opening by a second person, gifts, a hold released, payment, what is
// left returned, the seed told, the end.
func TestAnEventOfMatchInTheConsole(t *testing.T) {
	t.Parallel()
	o, campaign, _ := newOfflineOffice(t)
	li, chen, wu := o.as("li"), o.as("chen"), o.as("wu")
	approve := func(request string) {
		t.Helper()
		if a := chen.decidesAs(request, "approve"); a.status != http.StatusSeeOther {
			t.Fatalf("approve: %d\n%s", a.status, a.text)
		}
	}
	li.wants(li.get(matchPath), http.StatusOK, "还没有配捐活动", "新建活动")
	wu.lacks(wu.get(matchPath), "新建活动")
	li.wants(li.step(matchPath, matchCreate, "code", "Not A Code", "name_zh", "九九", "name_en", "Giving day"), http.StatusUnprocessableEntity, "小写字母、数字或横线")
	event := li.stepped(matchPath, matchCreate, "code", "nine", "name_zh", "九九公益日", "name_en", "Giving day")
	li.wants(li.step(matchPath, matchCreate, "code", "nine", "name_zh", "九九", "name_en", "Giving day"), http.StatusUnprocessableEntity, "已经用在另一场活动上")
	page := li.get(event)
	li.wants(page, http.StatusOK, "筹备中", "下一步：编写规则", "截止以后公布")
	commitment := regexp.MustCompile(`[0-9a-f]{64}`).FindString(page.text)

	rule := event + "/rule"
	li.wants(li.get(rule), http.StatusOK, "从样板开始", "Asia/Shanghai")
	for _, template := range ruleTemplates {
		li.wants(li.get(rule+"?template="+template), http.StatusOK, T("zh-CN", "matchrule.template."+template))
	}
	wrong := li.post(rule, o.matchRuleForm("show", "pools[0].amount", "-5", "award.fixed.gift", "x", "windows[0].to", "2020-01-01T00:00", "pools[0].funder.en", ""))
	li.wants(wrong, http.StatusUnprocessableEntity, `href="#f-pools[0].amount"`, `href="#f-windows[0].to"`, `href="#f-award.fixed.gift"`, `href="#f-pools[0].funder.en"`, `value="x"`)
	li.wants(li.post(rule, o.matchRuleForm("show")), http.StatusOK, "这是一条完整的规则", "规则（英文）", "Company A")
	trial := li.post(rule, o.matchRuleForm("try"))
	li.wants(trial, http.StatusOK, "500 笔捐赠", "<title id=\"trial-title\">", "配捐池何时用完", "达到每笔捐赠的配捐上限")
	if again := li.post(rule, o.matchRuleForm("try")); formIDs.ReplaceAllString(again.text, "") != formIDs.ReplaceAllString(trial.text, "") {
		t.Error("the same trial twice differs")
	}
	li.wants(li.post(rule, o.matchRuleForm("try", "size", "20001")), http.StatusUnprocessableEntity, "1 到 20,000")
	li.wants(li.post(rule, o.matchRuleForm("try", "source", "past")), http.StatusOK, "没有可用来试算的捐赠")
	li.wants(li.post(rule, url.Values{"form": {uuid.NewString()}, "do": {"json"}, "json": {"{"}}), http.StatusUnprocessableEntity, "JSON 的写法有误")
	json := regexp.MustCompile(`name="base" value="(\{.*?\})">`).FindStringSubmatch(trial.text)[1]
	li.wants(li.post(rule, url.Values{"form": {uuid.NewString()}, "do": {"json"}, "json": {json}}), http.StatusOK, "这是一条完整的规则", "甲公司")
	if a := wu.get(rule); a.status != http.StatusForbidden {
		t.Errorf("the street's officer writes the rule: %d", a.status)
	}

	published := li.post(rule, o.matchRuleForm("publish"))
	if published.status != http.StatusSeeOther {
		t.Fatalf("publish: %d\n%s", published.status, published.text)
	}
	li.wants(li.get(event), http.StatusOK, "还没有公布规则") // only tried, and taken back
	chen.wants(chen.get(published.to), http.StatusOK, "公布配捐规则", "甲公司", "1,000.00", "九九公益日", "出资方承诺")
	if a := li.decidesAs(published.to, "approve"); a.status == http.StatusSeeOther {
		t.Error("the maker approves the rule")
	}
	approve(published.to)
	li.wants(li.get(event), http.StatusOK, "请另一个人批准开放", "甲公司", "1,000.00")
	li.wants(li.post(rule, o.matchRuleForm("publish", "pools[0].amount", "999")), http.StatusUnprocessableEntity, "金额只能增加")
	approve(li.stepped(event, "match-open"))
	o.matched(campaign, 60_00, 300_00)
	page = li.get(event)
	li.wants(page, http.StatusOK, "进行中", "60.00", "100.00", "840.00", "1 笔，1 位捐赠人", "一分钟内捐得太多")
	li.lacks(page, "周先生", "zhou@example.org")
	statement := func(figures string) { // of the pool: its amount, earned, disallowed, frozen, to be paid, settled, clawed back, returned, not earned
		t.Helper()
		page, file := li.get(reportPath+"?report=match"), li.get(reportPath+"?report=match&format=csv")
		li.wants(page, http.StatusOK, T("zh-CN", "report.tied.say"))
		li.wants(file, http.StatusOK, figures)
	}
	statement("1000.00,160.00,0.00,100.00,60.00,0.00,0.00,0.00,840.00")
	seq := regexp.MustCompile(`value="(\d+)"[^>]*><span class="choice-word">#`).FindStringSubmatch(page.text)[1]
	li.wants(li.step(event, "match-release", "reason", "本人来电确认"), http.StatusUnprocessableEntity, "暂扣待查的配捐")
	asked := li.stepped(event, "match-release", "awards", seq, "reason", "本人来电确认")
	li.wants(li.get(event), http.StatusOK, "等待第二个人批准", `href="`+asked+`"`, "解除暂扣 · 九九公益日")
	wu.lacks(wu.get(event), `href="`+asked+`"`)
	approve(asked)
	li.lacks(li.get(event), `href="`+asked+`"`)
	li.wants(li.step(event, matchCircle, "counterparty", "nobody", "email", "zhou@example.org", "since", "2026-01-01"), http.StatusUnprocessableEntity, "没有查到付给对方")
	paidBack := o.paidTo("acme", 50_00)
	li.stepped(event, matchCircle, "counterparty", "acme", "email", "zhou@example.org", "since", "2026-01-01")
	li.wants(li.get(event), http.StatusOK, "2 笔，1 位捐赠人")
	li.wants(li.get("/console/entries/"+paidBack), http.StatusOK)
	for _, one := range regexp.MustCompile(`value="(\d+)"[^>]*><span class="choice-word">#`).FindAllStringSubmatch(li.get(event).text, 2) {
		approve(li.stepped(event, "match-release", "awards", one[1], "reason", "查明是货款"))
	}
	li.stepped(event, matchClose)
	li.wants(li.get(event), http.StatusOK, "已截止", "待付", "160.00", "还没有支付、追回或退回")
	statement("1000.00,160.00,0.00,0.00,160.00,0.00,0.00,0.00,840.00")
	li.wants(o.browser().get("/match/nine/recompute"), http.StatusOK, "还不能重算", "sunfund verify match --rule match-nine-rule-1.json --gifts match-nine.jsonl --commitment "+commitment)
	li.wants(o.browser().get("/match/nine/replay"), http.StatusConflict)
	settle := li.stepped(event, "match-settle", "pool", "main", "bank", "bank.basic", "ref", "20260907-9", "day", "2026-09-07")
	chen.wants(chen.get(settle), http.StatusOK, "160.00", "20260907-9")
	approve(settle)
	statement("1000.00,160.00,0.00,0.00,0.00,160.00,0.00,0.00,840.00")
	li.wants(li.step(event, "match-claw-back", "pool", "main", "campaign", campaign, "amount", "160.01", "cause", "own", "reason", "x"), http.StatusConflict, "金额超过现有的配捐")
	approve(li.stepped(event, "match-return", "pool", "main"))
	li.stepped(event, matchReveal)
	page = li.get(event)
	li.wants(page, http.StatusOK, commitment, "结束活动")
	li.lacks(page, "截止以后公布")
	li.stepped(event, matchEnd)
	li.wants(li.get(event), http.StatusOK, "已结束", "160.00", "840.00")
	public := o.browser().get("/match/nine")
	li.wants(public, http.StatusOK, "九九公益日", "甲公司", commitment, "160.00", "840.00", "0 笔")
	li.lacks(public, "周先生", "截止以后公布")
	li.wants(li.get(event), http.StatusOK, "支付给项目", "20260907-9", "退回出资方", "李会计 · 陈")
	for _, page := range []string{"", "/recompute", "/replay", "/rule"} {
		li.wants(o.browser().get("/match/other"+page), http.StatusNotFound)
	}
	recomputed := o.browser().get("/match/nine/recompute")
	li.wants(recomputed, http.StatusOK, "相符：每笔捐赠得到的正是规则给的", "正是事先承诺的种子", "2 笔，共 360.00 元", "2 笔，共 160.00 元")
	rules, gifts := o.browser().get("/match/nine/rule?version=1").text, o.browser().get("/match/nine/replay").text
	parsed, err := match.Parse([]byte(rules))
	if err != nil || !strings.Contains(public.text, parsed.Hash().String()) {
		t.Errorf("the rule's file: %v", err)
	}
	if v, err := match.Verify([]*match.Rule{parsed}, strings.NewReader(gifts)); err != nil || !v.Clean() || v.Gifts != 2 || v.Commitment != commitment {
		t.Errorf("the published files recompute to %+v, %v", v, err)
	}
	for _, secret := range []string{"周先生", "zhou", "example.org", "WeChat:"} {
		if strings.Contains(gifts, secret) {
			t.Errorf("the published file names %s", secret)
		}
	}
	o.damage(`update match_award set amount = amount + 1 where amount > 0 and seq = 1`)
	li.wants(o.browser().get("/match/nine/recompute"), http.StatusOK, "不符：见下面", "哪里不符", "main 60.01 元", "main 60.00 元")
	li.wants(li.get(rule), http.StatusConflict, "活动现在的状态不适合这一步")
}

// TestMatchLook looks at the pages of match in both languages on a phone and on a desk.
func TestMatchLook(t *testing.T) {
	t.Parallel()
	o, campaign, _ := newOfflineOffice(t)
	li, chen := o.as("li"), o.as("chen")
	event := li.stepped(matchPath, matchCreate, "code", "nine", "name_zh", "九九公益日", "name_en", "Giving day")
	li.stepped(matchPath, matchCreate, "code", "winter", "name_zh", "冬衣行动", "name_en", "Winter clothes")
	published := li.post(event+"/rule", o.matchRuleForm("publish"))
	for _, request := range []string{published.to, ""} {
		if request == "" {
			request = li.stepped(event, "match-open")
		}
		if a := chen.decidesAs(request, "approve"); a.status != http.StatusSeeOther {
			t.Fatalf("approve: %d\n%s", a.status, a.text)
		}
	}
	o.matched(campaign, 60_00, 300_00)
	ctx := browser(t)
	o.signInBrowser(ctx, "li")
	for _, page := range []struct{ name, path string }{{"list", matchPath}, {"event", event}, {"rule", event + "/rule"}, {"tiers", event + "/rule?template=tiers"}, {"trial", event + "/rule"}, {"request", published.to}, {"public", "/match/nine"}, {"recompute", "/match/nine/recompute"}} {
		var try []chromedp.Action[chromedp.Void]
		if page.name == "trial" {
			try = append(try, chromedp.Click(`button[value=try]`), chromedp.WaitVisible(`#trial`))
		}
		inspect(ctx, t, deskHeard, "match-"+page.name, o.url+page.path, try...)
	}
}
