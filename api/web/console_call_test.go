package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// organisation stands in the directory.
func (c *client) organisation(name, standing, code string) string {
	c.Helper()
	return lastPart(c.stepped(payeesPath, "payee-enter", "name", name, "standing", standing, "code", "91500107MA5U0000"+code, "services", "为老服务"))
}

// callDrafted is a draft of a call of street 1 with money of its fund and of the general one, two criteria, and three reviewers.
func (o *office) callDrafted(c *client) string {
	o.Helper()
	call := lastPart(c.stepped(callsPath, "call-enter", "standings", "registered", "title", "为老服务征集", "about", "助餐、助浴、上门理发", "street", "1", "due-opens", "2026-09-07", "due-closes", "2026-09-13",
		"each", "7000", "firm", "1", "credit", "good", "reviews", "2", "pass", "60", "ties", "cost-people", "notice", "7"))
	call = callsPath + "/" + call
	c.stepped(call, "call-source", "fund", o.fundOf(1), "treatment", "gift", "payer", "网上捐赠", "amount", "6000")
	c.stepped(call, "call-source", "fund", o.fundOf(1), "treatment", "grant", "payer", "石坪桥街道", "amount", "4000")
	c.stepped(call, "call-criterion", "label", "需求和方案", "points", "60")
	return call
}

// published adds the rest and publishes.
func (o *office) callPublished(c *client, reviewers ...string) string {
	o.Helper()
	call := o.callDrafted(c)
	c.stepped(call, "call-criterion", "label", "团队和预算", "points", "40")
	for _, login := range reviewers {
		c.stepped(call, "call-reviewer", "person", o.personID(login).String())
	}
	c.stepped(call, "call-publish")
	return call
}

// proposed writes a proposal down for an organisation and hands it in.
func (c *client) proposed(call, payee, title, amount string, pairs ...string) string {
	c.Helper()
	p := c.stepped(call, "proposal-enter", append([]string{"payee", payee, "title", title, "plan", "每周两次，入户服务", "people", "60", "due-starts", "2026-10-01", "due-ends", "2027-03-31"}, pairs...)...)
	c.stepped(p, "proposal-item", "label", "社工两人", "amount", amount)
	c.stepped(p, "proposal-file")
	return p
}

// TestACallInTheConsole goes the whole way: published, applied for, checked, reviewed with a conflict, announced, objected to, answered,
// awarded by a second person, and a contract drafted from it. Each refusal stands where it belongs.
func TestACallInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	one, two := int32(1), int32(2)
	o.person("jian", "简监督", "Jian", staff.Held{Role: staff.Supervisor, Street: &one})
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: &two})
	codes := o.community("2")
	li, wu := o.as("li"), o.as("wu")
	sun, firm := li.organisation("向阳社工服务中心", "registered", "A1"), li.organisation("某某公司", "other", "B2")
	spring := li.organisation("春晖助老服务中心", "registered", "C3")
	need := wu.stepped(needsPath, "need-enter", "book", "need", "title", "老人要助餐", "theme", "elderly", "street", "1")

	wu.wants(wu.step(callsPath, "call-enter", "standings", "registered", "title", "x", "about", "", "street", "1", "due-opens", "2026-09-07", "due-closes", "2026-09-01"), http.StatusUnprocessableEntity)
	draft := o.callDrafted(wu)
	wu.wants(wu.step(draft, "call-publish"), http.StatusUnprocessableEntity, "评分项合计要是 100 分", "评审人数少于")
	wu.wants(wu.step(draft, "call-criterion", "label", "团队", "points", "41"), http.StatusUnprocessableEntity, "请填 1 到 40 之间的整数")
	wu.stepped(draft, "call-revoke", "reason", "规则要改")
	call := o.callPublished(wu, "wu", "jian", "chen")
	anybody := o.browser()
	anybody.wants(anybody.get("/calls/1"), http.StatusNotFound) // never published
	anybody.wants(anybody.get("/calls/2"), http.StatusOK, "为老服务征集", "正在征集", "10,000.00", "石坪桥街道", "同分时费用低的先", "可以申报的单位：民政登记")
	anybody.wants(anybody.get(callsPublicPath+"?q="+url.QueryEscape("助浴")), http.StatusOK, "为老服务征集")
	wu.wants(wu.step(call, "call-source", "fund", o.fundOf(1), "treatment", "gift", "payer", "x", "amount", "1"), http.StatusConflict)
	xie := o.as("xie")
	xie.wants(xie.get(call), http.StatusNotFound)
	xie.wants(xie.step(call, "proposal-enter", "payee", sun), http.StatusNotFound)

	first := wu.stepped(call, "proposal-enter", "payee", sun, "title", "幸福食堂", "plan", "每天两餐", "need", lastPart(need), "people", "85", "due-starts", "2026-10-01", "due-ends", "2027-03-31")
	wu.wants(wu.step(call, "proposal-enter", "payee", sun, "title", "再来一份", "plan", "x", "due-starts", "2026-10-01", "due-ends", "2027-03-31"), http.StatusUnprocessableEntity, "已经申报了 1 份")
	wu.wants(wu.step(first, "proposal-item", "label", "厨具", "amount", "7000.01"), http.StatusUnprocessableEntity, "还可以填 7000.00")
	wu.stepped(first, "proposal-item", "label", "厨具", "amount", "6500")
	wu.stepped(first, "proposal-file")
	second := li.proposed(call, spring, "上门助浴", "3000")
	third := li.proposed(call, firm, "营养餐", "100")
	xie.wants(xie.get(first), http.StatusNotFound)
	xie.lacks(xie.get(proposalsPath), "幸福食堂")
	for _, p := range []string{first, second, third} {
		wu.stepped(p, "proposal-check")
	}
	wu.wants(wu.get(third), http.StatusOK, "未通过", "其他单位", "不符合")
	chen := o.as("chen")
	score := func(c *client, p, a, b string) reply {
		return c.step(p, "review-score", "points-1", a, "points-2", b, "note", "按评分表")
	}
	wu.wants(score(chen, second, "50", "30"), http.StatusConflict) // still open

	o.now = o.now.AddDate(0, 0, 7)
	jian := o.as("jian")
	li, wu, chen = o.as("li"), o.as("wu"), o.as("chen")
	li.wants(li.step(call, "proposal-enter", "payee", firm, "title", "晚了", "plan", "x", "due-starts", "2026-10-01", "due-ends", "2027-03-31"), http.StatusConflict)
	wu.wants(wu.step(call, "call-announce"), http.StatusConflict, "还有申报没有审核，或者打分的人不够")
	li.wants(score(li, first, "50", "30"), http.StatusForbidden, "您不是这次征集的评审")
	wu.wants(score(wu, first, "50", "30"), http.StatusForbidden, "有利害关系") // wrote it down
	wu.wants(score(jian, second, "61", "30"), http.StatusUnprocessableEntity, "请填 0 到 60 之间的整数")
	jian.stepped(second, "review-conflict", "conflict", "我是它的理事")
	wu.wants(score(jian, second, "60", "40"), http.StatusForbidden, "有利害关系")
	for _, c := range []*client{jian, chen} {
		if a := score(c, first, "50", "30"); a.status != http.StatusSeeOther {
			t.Fatalf("score: %d\n%s", a.status, a.text)
		}
	}
	wu.wants(score(chen, first, "60", "40"), http.StatusConflict, "每人只有一次")
	wu.lacks(wu.get(first), ">80<")
	wu.wants(wu.get(first), http.StatusOK, "已打分，公示后可看")
	jian.wants(jian.get(first), http.StatusOK, ">80<") // one's own
	for _, c := range []*client{wu, chen} {
		if a := score(c, second, "40", "35"); a.status != http.StatusSeeOther {
			t.Fatalf("score: %d\n%s", a.status, a.text)
		}
	}
	wu.stepped(call, "call-announce")
	wu.wants(wu.get(call), http.StatusOK, "公示中", "80.0", "75.0", "拟中选")
	anybody.wants(anybody.get("/calls/2"), http.StatusOK, "评审结果", "幸福食堂", "80.0", "公示到", "输入居民码，提出异议")
	li.wants(li.step(first, "proposal-award", "day", "2026-09-14"), http.StatusConflict, "不在公示期内")

	zhou := o.browser()
	zhou.post(residentPath, url.Values{"code": {codes[0]}, "next": {"/calls/2"}})
	object := func(form string, text string) reply {
		return zhou.post("/calls/2", url.Values{"form": {form}, "about": {lastPart(second)}, "objection": {text}})
	}
	zhou.wants(object(uuid.NewString(), "没"), http.StatusUnprocessableEntity, "这里要有 2 到 400 个字")
	form := uuid.NewString()
	for range 2 { // the same form again changes nothing
		if a := object(form, "助浴车没有年检"); a.to != "/calls/2?sent=1" {
			t.Fatalf("objection: %d to %s\n%s", a.status, a.to, a.text)
		}
	}
	if a := anybody.post("/calls/2", url.Values{"form": {uuid.NewString()}, "objection": {"x"}}); a.to != residentPath+"?next=/calls/2" {
		t.Errorf("without a code: %d to %s", a.status, a.to)
	}
	o.now = o.now.AddDate(0, 0, 8)
	li, wu, chen = o.as("li"), o.as("wu"), o.as("chen")
	zhou = o.browser()
	zhou.post(residentPath, url.Values{"code": {codes[0]}, "next": {"/calls/2"}})
	zhou.wants(object(uuid.NewString(), "晚了的异议"), http.StatusConflict, "不在公示期内")
	li.wants(li.step(first, "proposal-award", "day", "2026-09-22"), http.StatusConflict, "还有异议没有答复")
	said := regexp.MustCompile(`<option value="([0-9a-f-]{36})">[^<]*助浴车没有年检`).FindStringSubmatch(wu.get(call).text)
	wu.stepped(call, "objection-reject", "objection", said[1], "answer", "年检证已核实，见公告栏。")
	anybody.wants(anybody.get("/calls/2"), http.StatusOK, "助浴车没有年检", "年检证已核实", "不成立")

	wu.wants(wu.step(first, "proposal-award", "day", "2026-09-22"), http.StatusConflict) // the association's accountant asks
	request := li.stepped(first, "proposal-award", "day", "2026-09-22")
	chen.wants(chen.get(request), http.StatusOK, "9101", "6,500.00", "向阳社工服务中心")
	chen.approved(request)
	li.wants(li.get(first), http.StatusOK, "已中选")
	project := projectsPath + "/" + lastPart(first)
	made, err := projects.ProjectByID(t.Context(), o.db, o.book, uuid.MustParse(lastPart(first)))
	if err != nil || made.EnteredBy != o.personID("li") {
		t.Errorf("entered by %s, not by who asked: %v", made.EnteredBy, err)
	}
	li.wants(li.get(project), http.StatusOK, "幸福食堂", "6,500.00", "来自申报", "进行中", "申报中选，立项")
	wu.wants(wu.get(need), http.StatusOK, "已立项")
	page := li.get(project)
	if !regexp.MustCompile(`<option value="` + sun + `" selected>向阳社工服务中心`).MatchString(page.text) {
		t.Error("the contract's form does not name the organisation")
	}
	contract := li.stepped(project, "contract-draft", "code", "HT-1", "title", "幸福食堂", "payee", sun, "kind", "service", "draws", "pro_rata", "due-ends", "2027-03-31")
	li.wants(li.get(contract), http.StatusOK, "HT-1", "草稿")
	wu.wants(wu.step(call, "call-settle"), http.StatusConflict)
	wu.stepped(second, "proposal-decline", "reason", "车坏了，做不了")
	wu.stepped(call, "call-settle")
	anybody.wants(anybody.get("/calls/2"), http.StatusOK, "已完成")
	anybody.wants(anybody.get(callsPublicPath), http.StatusOK, "已完成")
}

// TestIntentToProject: what was linked at the fair becomes a proposal and a project without a call.
func TestIntentToProject(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, wu, chen := o.as("li"), o.as("wu"), o.as("chen")
	sun := li.organisation("向阳社工服务中心", "registered", "A1")
	need := wu.stepped(needsPath, "need-enter", "book", "need", "title", "老人要助餐", "theme", "elderly", "street", "1", "people", "30")
	wu.stepped(needsPath, "need-enter", "book", "offer", "title", "助餐", "theme", "elderly", "street", "1", "firm", "向阳社工服务中心")
	offer := regexp.MustCompile(`<option value="([0-9a-f-]{36})">N2 助餐`).FindStringSubmatch(wu.get(need).text)
	intent := wu.stepped(need, "intent-sign", "offer", offer[1], "means", o.fundOf(1), "amount", "2000")
	if page := wu.get(intent); !strings.Contains(page.text, sun+`" selected>`) {
		t.Errorf("the form does not name the organisation\n%s", page.text)
	}
	proposal := wu.stepped(intent, "intent-propose", "payee", sun, "fund", o.fundOf(1), "title", "老人要助餐", "plan", "每天一餐", "people", "30", "due-starts", "2026-10-01", "due-ends", "2026-12-31")
	wu.wants(wu.get(intent), http.StatusOK, "已成为申报")
	wu.stepped(proposal, "proposal-item", "label", "餐费", "amount", "2000")
	wu.stepped(proposal, "proposal-file")
	wu.stepped(proposal, "proposal-check")
	chen.approved(li.stepped(proposal, "proposal-award", "day", "2026-09-07"))
	li.wants(li.get(projectsPath+"/"+lastPart(proposal)), http.StatusOK, "老人要助餐", "2,000.00")
	wu.wants(wu.get(need), http.StatusOK, "已立项")
}

// TestResidentsChooseAmongProposals: on a fund that is spent by vote the proposals that passed are voted on, and only what residents chose is
// awarded.
func TestResidentsChooseAmongProposals(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	codes := o.community("1")
	li, wu, chen := o.as("li"), o.as("wu"), o.as("chen")
	chen.decides(li.stepped(pollsPath, "vote-require", "fund", o.fundOf(1), "reason", "居民大会决定"), "approve", "")
	sun, spring := li.organisation("向阳社工服务中心", "registered", "A1"), li.organisation("春晖助老服务中心", "registered", "C3")
	call := o.callPublished(wu, "wu", "chen")
	proposals := []string{li.proposed(call, sun, "幸福食堂", "3000"), li.proposed(call, spring, "上门助浴", "3000")}
	o.now = o.now.AddDate(0, 0, 7)
	wu, chen = o.as("wu"), o.as("chen")
	for _, p := range proposals {
		wu.stepped(p, "proposal-check")
		for _, c := range []*client{wu, chen} {
			c.stepped(p, "review-score", "points-1", "50", "points-2", "30", "note", "好")
		}
	}
	wu.stepped(call, "call-announce")
	o.now = o.now.AddDate(0, 0, 8)
	li, wu, chen = o.as("li"), o.as("wu"), o.as("chen")
	li.wants(li.step(proposals[0], "proposal-award", "day", "2026-09-22"), http.StatusConflict, "请先写明是哪次投票选中的")
	poll := wu.stepped(pollsPath, "poll-enter", "communities", "1", "zh", "选一个", "en", "Choose one", "fund", o.fundOf(1), "budget", "3000", "due-opens", "2026-09-22", "due-closes", "2026-09-24", "ballot", "approval",
		"least", "1", "method", "greedy", "ties", "order")
	wu.stepped(call, "call-to-vote", "vote", lastPart(poll))
	wu.wants(wu.get(poll), http.StatusOK, "幸福食堂", "上门助浴")
	wu.wants(wu.step(call, "call-to-vote", "vote", lastPart(poll)), http.StatusConflict) // they are there already
	chen.decides(li.stepped(poll, "poll-publish"), "approve", "")
	li.wants(li.step(proposals[1], "proposal-award", "day", "2026-09-22"), http.StatusConflict, "居民没有选中这个项目")
	o.votes(codes[0], "/vote/1", "2")
	o.now = o.now.AddDate(0, 0, 3)
	o.closeVote(1)
	li, chen = o.as("li"), o.as("chen")
	chen.decides(li.stepped(poll, "poll-count"), "approve", "")
	li.wants(li.step(proposals[0], "proposal-award", "day", "2026-09-25"), http.StatusConflict, "居民没有选中这个项目")
	chen.approved(li.stepped(proposals[1], "proposal-award", "day", "2026-09-25"))
	li.wants(li.get(proposals[1]), http.StatusOK, "已中选", "V1 · 2")
}

// TestCallsLook opens the pages of calls on a phone and on a desk, in both languages.
func TestCallsLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.community("1")
	li := o.as("li")
	sun, spring := li.organisation("一个名字特别特别长的社会工作服务中心（民办非企业单位）", "registered", "A1"), li.organisation("春晖助老服务中心", "registered", "C3")
	draft := o.callDrafted(li)
	call := o.callPublished(li, "wu", "chen")
	one := li.proposed(call, sun, "幸福食堂：给独居和高龄老人每天送两餐，节假日不停", "6500")
	two := li.proposed(call, spring, "上门助浴", "3000")
	li.stepped(one, "proposal-check")
	li.stepped(two, "proposal-check")
	o.looks(t, "call", [][3]string{{"li", "draft", draft}, {"li", "new", callsPath + "/new"}, {"chen", "score", one}})
	o.now = o.now.AddDate(0, 0, 7)
	li, chen, wu := o.as("li"), o.as("chen"), o.as("wu")
	for _, c := range []*client{wu, chen} {
		c.stepped(one, "review-score", "points-1", "55", "points-2", "35", "note", "方案清楚")
		c.stepped(two, "review-score", "points-1", "50", "points-2", "30", "note", "好")
	}
	li.stepped(call, "call-announce")
	li.stepped(call, "call-object", "about", lastPart(two), "objection", "助浴车没有年检")
	o.looks(t, "call", [][3]string{{"li", "list", callsPath}, {"li", "notice", call}, {"li", "proposals", proposalsPath}, {"li", "proposal", one}, {"li", "public-list", callsPublicPath}, {"li", "public", "/calls/2"}})
}
