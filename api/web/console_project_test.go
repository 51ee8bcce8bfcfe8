package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/projects/trace"
	"sunfund/ledger/staff"
)

// approved sends a request through the second person, whom path leads to.
func (c *client) approved(path string) {
	c.Helper()
	if a := c.decidesAs(path, "approve"); a.status != http.StatusSeeOther {
		c.Fatalf("approve %s: %d\n%s", path, a.status, a.text)
	}
}

func (c *client) paymentOf(contract string) string {
	c.Helper()
	found := regexp.MustCompile(disbursementsPath+`/[0-9a-f-]{36}`).FindAllString(c.get(contract).text, -1)
	if len(found) == 0 {
		c.Fatalf("no payment on %s", contract)
	}
	return found[0] // the newest
}

// gives books a gift by bank to a campaign.
func (o *office) gives(campaign string, amount int64) (id uuid.UUID) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: o.campaignID(campaign), Amount: amount, PaidAt: o.now.Add(-time.Hour), Channel: giving.Bank, Ref: "B" + uuid.NewString()}})
		if err == nil {
			id, err = out[0].ID, out[0].Err
		}
		return err
	})
	return id
}

// followed lays all that was booked on the lines of money, as the job does.
func (o *office) followed() {
	o.Helper()
	for behind := true; behind; { // what other tests have under way in their databases holds it up
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			if _, err := trace.Follow(ctx, tx, o.book); err != nil {
				return err
			}
			return tx.QueryRow(ctx, `select exists (select from entry e left join trace_cursor c on c.book_id = e.book_id
				where e.book_id = $1 and (c.book_id is null or (e.xid, e.id) > (c.xid, c.entry_id)))`, o.book.ID).Scan(&behind)
		})
	}
}

// TestAProjectInTheConsole goes the whole way with the right person at each step: payee, project, contract, acceptance by the street, four
// sides, payment with its file, bank line, closing, final account.
func TestAProjectInTheConsole(t *testing.T) {
	t.Parallel()
	o, _, street := newOfflineOffice(t)
	one, two := int32(1), int32(2)
	o.person("jian", "简监督", "Jian", staff.Held{Role: staff.Supervisor, Street: &one})
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: &two})
	li, chen := o.as("li"), o.as("chen")

	gift := o.gives(street, 20_00)
	li.wants(li.get(payeesPath), http.StatusOK, "没有符合条件的收款单位", "登记收款单位")
	payee := li.stepped(payeesPath, "payee-enter", "name", "向阳社工服务中心", "standing", "registered", "code", "91500107MA5U000001", "services", "居室改造")
	li.wants(li.get(payee), http.StatusOK, "下一步：登记账户", "民政登记")
	li.wants(li.step(payee, "payee-account", "holder", "别人", "bank", "重庆银行", "account", "650101040012345"), http.StatusUnprocessableEntity, "户名要与单位名称一致")
	account := li.stepped(payee, "payee-account", "holder", "向阳社工服务中心", "bank", "重庆银行", "account", "650101040012345")
	chen.wants(chen.get(account), http.StatusOK, "650101040012345", "向阳社工服务中心", "收款单位")
	chen.approved(account)
	li.wants(li.get(payee), http.StatusOK, "新账户还不满 72 小时")
	home := li.stepped(payeesPath, "home-enter", "street", "1", "name", "周小满", "bank", "邮储银行", "account", "621099123456")
	li.wants(li.get(home), http.StatusOK, "周小满", "621099123456", "H-2")
	o.as("wu").wants(o.as("wu").get(home), http.StatusOK, "H-2")
	o.as("wu").lacks(o.as("wu").get(home), "周小满", "621099123456")
	o.as("xie").wants(o.as("xie").get(home), http.StatusNotFound)
	o.as("xie").lacks(o.as("xie").get(payee), "650101040012345")
	chen.approved(li.stepped(home, "payee-verify"))

	o.now = o.now.Add(73 * time.Hour)
	day := o.book.Day(o.now).Format(time.DateOnly)
	li, wu, jian, xie, qian := o.as("li"), o.as("wu"), o.as("jian"), o.as("xie"), o.as("qian")
	li.wants(li.get(payee), http.StatusOK, "可以签合同、付款")
	project := wu.stepped(projectsPath, "project-enter", "title", "11 户居室改造", "fund", wu.fundOf(1), "plan", "给 11 户装床和灯", "homes", "11", "due-starts", "2026-09-01", "due-ends", "2026-12-31")
	wu.stepped(project, "item-add", "label", "人工与材料", "amount", "1,000.10")
	li.wants(li.get(project), http.StatusOK, "下一步：提交立项", "1,000.10")
	xie.wants(xie.get(project), http.StatusNotFound)
	xie.wants(xie.step(project, "item-add", "label", "x", "amount", "1"), http.StatusNotFound)
	chen = o.as("chen")
	chen.approved(li.stepped(project, "project-approve", "day", day))
	li.stepped(project, "project-earmark", "campaign", street)
	contract := li.stepped(project, "contract-draft", "code", "HT-1", "title", "改造合同", "payee", lastPart(payee), "kind", "works", "draws", "pro_rata", "kept", "3", "due-ends", "2026-12-31")
	li.stepped(contract, "source-add", "fund", li.fundOf(1), "treatment", "gift", "payer", "网上捐赠", "amount", "1000.00")
	li.stepped(contract, "stage-add", "title", "全部改造", "due", "2026-10-01", "amount", "1000.00")
	li.wants(li.step(contract, "stage-add", "title", "x", "due", "2026-10-01", "amount", "0"), http.StatusUnprocessableEntity)
	sign := li.stepped(contract, "contract-sign", "day", day)
	chen.wants(chen.get(sign), http.StatusOK, "HT-1", "1,000.00")
	chen.approved(sign)
	li.wants(li.get(contract), http.StatusOK, "履行中", "等街道到现场验收")
	xie.wants(xie.get(contract), http.StatusNotFound)
	// The stage, agreed for 1 October, grows older: not due, up to 30 days late, up to 90, more.
	for to, row := range map[string]string{"2026-09-30": ",,1000.00,0.00,0.00,0.00", "2026-10-31": ",30,0.00,1000.00,0.00,0.00", "2026-11-01": ",31,0.00,0.00,1000.00,0.00", "2027-01-01": ",92,0.00,0.00,0.00,1000.00"} {
		li.wants(li.get(reportPath+"?report=encumbrances&format=csv&to="+to), http.StatusOK, "全部改造,2026-10-01"+row)
	}
	for _, lang := range []string{"en", "zh-CN"} { // the picture of it, and of the budget with what is committed
		li.pictures(reportPath+"?report=encumbrances&to=2026-10-31&lang="+lang, "ages")
		li.pictures(flowPath+"?lang="+lang, "flow", "months", "budgets")
	}

	picture := project + "/photo"
	xie.wants(xie.sendsFiles(picture, nil, "file", photo(1)), http.StatusNotFound)
	jian.wants(jian.sendsFiles(picture, nil, "file", photo(1)), http.StatusForbidden)
	wu.wants(wu.sendsFiles(picture, url.Values{"form": {uuid.NewString()}}, "file"), http.StatusUnprocessableEntity)
	wu.wants(wu.sendsFiles(picture, nil, "file", []byte("<svg>")), http.StatusUnprocessableEntity, "photo-1.jpg 不是 JPEG 或 PNG")
	large := append(photo(80), make([]byte, formMax)...) // as a camera's, beyond what other forms may send
	if a := wu.sendsFiles(picture, nil, "file", large, photo(160)); a.to != project {
		t.Fatalf("photo: %d\n%s", a.status, a.text)
	}
	wu.wants(wu.get(project), http.StatusOK, picture+"?n=1")
	wu.wants(wu.get(picture+"?n=0"), http.StatusOK)
	xie.wants(xie.get(picture+"?n=0"), http.StatusNotFound)
	li.wants(li.step(contract, "stage-inspect", "stage", "1", "amount", "1000", "report", "x"), http.StatusConflict) // only the street's own officer
	wu.stepped(contract, "stage-inspect", "stage", "1", "amount", "1000.00", "report", "11 户都看过")
	jian.stepped(contract, "visit-note", "day", day, "report", "入户督导", "times", "44", "people", "30", "finding", "两户插座松动", "due", "2026-09-20")
	visit := regexp.MustCompile(`<option value="([0-9a-f-]{36})">[^<]*两户插座松动`).FindStringSubmatch(wu.get(contract).text)
	wu.stepped(contract, "finding-answer", "visit", visit[1], "answer", "已重装")
	jian.stepped(contract, "finding-settle", "visit", visit[1])
	chen.approved(li.stepped(contract, "stage-book", "stage", "1", "day", day))
	li.wants(li.get(contract), http.StatusOK, "970.00", "30.00", "还缺街道", "已了结", "44")
	// What is owed for it grows older too; what is kept back is due when the contract ends.
	owed := li.get(reportPath + "?report=payables&format=csv&to=2026-10-31")
	li.wants(owed, http.StatusOK, ",51,0.00,0.00,970.00,0.00", "2026-12-31,,30.00,0.00,0.00,0.00")
	li.pictures(reportPath+"?report=payables&to=2026-10-31", "ages")
	wu.stepped(contract, "pay-ask", "kind", "stage", "amount", "970.00", "bank", "bank.basic", "invoice", "FP-1", "purpose", "改造款")
	li.wants(li.step(contract, "pay-ask", "kind", "last", "amount", "30.00", "bank", "bank.basic", "purpose", "质保金"), http.StatusConflict, "四方评估还没有齐")
	payment := li.paymentOf(contract)
	li.wants(li.get(payment), http.StatusOK, "已申请", "650101040012345", "网上捐赠")
	request := li.stepped(payment, "pay-approve")
	qian.wants(qian.get(request), http.StatusOK, "账户可付款起", "向阳社工服务中心", "970.00")
	qian.approved(request)

	for _, assess := range []struct {
		who    *client
		side   string
		points string
	}{{wu, "street", "92"}, {li, "provider", "90"}, {chen, "residents", "95"}, {jian, "independent", "70"}} {
		assess.who.stepped(contract, "assess", "phase", "end", "side", assess.side, "points", assess.points, "note", "按评分表")
		if assess.side == "street" {
			li.wants(li.get(contract), http.StatusOK, "已评", "未评")
			li.lacks(li.get(contract), ">92<")
		}
	}
	li.wants(li.get(contract), http.StatusOK, "良好", "88.1", "可以付最后一笔")

	li.wants(li.get(bankFilesPath), http.StatusOK, "从基本户付款", "FK1")
	make := func(account string) reply {
		return li.post(bankFilesPath, url.Values{"form": {uuid.NewString()}, "act": {"file-make-basic"}, "file-make-basic-payments": {lastPart(payment)}, "file-make-basic-account": {account}})
	}
	li.wants(make("1"), http.StatusConflict, "付款文件")
	made := make("50001040009999")
	if made.status != http.StatusSeeOther {
		t.Fatal(made.text)
	}
	li.wants(li.get(made.to), http.StatusOK, "970.00", "下载 pain.001")
	li.wants(li.get(made.to+"/data?format=xml"), http.StatusOK, "<CtrlSum>970.00</CtrlSum>", "650101040012345", "50001040009999")
	li.wants(li.get(made.to+"/data?format=csv"), http.StatusOK, "970.00", "FP-1")
	wu.wants(wu.get(made.to), http.StatusForbidden)
	li.wants(li.get(payment+"/note"), http.StatusNotFound)
	li.stepped(payment, "pay-debited", "day", day, "ref", "20260910-1")
	li.wants(li.get(payment+"/note"), http.StatusOK, "付款通知", "970.00", "20260910-1")
	// The year's flow leads through the project to its invoice and to what is still owed.
	o.flows("11 户居室改造", "1,000.00", "FK1 · FP-1", "970.00", "已验收、还没有付", "30.00")

	wu.stepped(contract, "pay-ask", "kind", "last", "amount", "30.00", "bank", "bank.basic", "purpose", "质保金")
	last := li.paymentOf(contract)
	qian.approved(li.stepped(last, "pay-approve"))
	made = li.post(bankFilesPath, url.Values{"form": {uuid.NewString()}, "act": {"file-make-basic"}, "file-make-basic-payments": {lastPart(last)}, "file-make-basic-account": {"50001040009999"}})
	li.wants(li.get(made.to), http.StatusOK, "30.00")
	li.stepped(last, "pay-bounce", "day", day, "reason", "户名不符")
	li.wants(li.get(payee), http.StatusOK, "退汇后待核对")
	verify := li.stepped(payee, "payee-verify")
	chen.approved(verify)
	again := li.stepped(last, "pay-retry")
	request = li.stepped(again, "pay-approve")
	chen.wants(chen.get(request), http.StatusOK, "最近改过收款信息，不能审批") // who verified the account does not approve its payment
	qian.approved(request)
	made = li.post(bankFilesPath, url.Values{"form": {uuid.NewString()}, "act": {"file-make-basic"}, "file-make-basic-payments": {lastPart(again)}, "file-make-basic-account": {"50001040009999"}})
	li.wants(li.get(made.to), http.StatusOK, "30.00")
	li.stepped(again, "pay-debited", "day", day, "ref", "20260910-2")
	chen.approved(li.stepped(contract, "contract-close", "day", day, "surplus", "back"))
	chen.approved(li.stepped(project, "project-end", "day", day))
	li.wants(li.get(project), http.StatusOK, "2026年12月10日前公布", "90.91", "90.90", "1,000.00")
	li.stepped(project, "project-publish", "day", day, "where", "社区公告栏")
	li.wants(li.get(project), http.StatusOK, "决算已公布")
	li.wants(li.get(payee), http.StatusOK, "88.1")
	li.wants(li.step(project, "project-correct", "day", day), http.StatusUnprocessableEntity) // a correction says why
	li.stepped(project, "project-correct", "day", day, "reason", "补列质保金")

	o.followed()
	o.flows("11 户居室改造", "1,000.00", "FK1 · FP-1", "970.00", "FK3", "30.00")
	// A payee close to the managers stands in the list of related parties with its contract and what it was paid; what the bank sent back was not paid.
	li.lacks(li.get(reportPath+"?report=related&format=csv"), "向阳社工服务中心")
	since := o.book.Day(o.now)
	o.fact(law.Fact{Rule: "R23", Item: "related", Object: "payee:" + lastPart(payee), Day: &since, Words: "会长之弟任理事"})
	related := li.get(reportPath + "?report=related&format=csv")
	li.wants(related, http.StatusOK, "1 向阳社工服务中心,"+day+",会长之弟任理事,1,1000.00,1000.00,0.00", "1 改造款,1 向阳社工服务中心,HT-1,"+day+",970.00", "3 质保金,1 向阳社工服务中心,HT-1,"+day+",30.00", "1000.00")
	li.lacks(related, "2 质保金")
	anybody := o.browser()
	anybody.wants(anybody.get("/projects"), http.StatusOK, "11 户居室改造", "88.10", "向阳社工服务中心", "44", "1 份（已评 1 份）")
	anybody.wants(anybody.get("/projects"), http.StatusOK, `href="/organisations/1"`, `href="/organisations"`)
	anybody.wants(anybody.get("/organisations?q=居室&standing=registered"), http.StatusOK, "向阳社工服务中心", "民政登记", "88.10", "1 份（已评 1 份）")
	anybody.lacks(anybody.get("/organisations?standing=filed"), "向阳社工服务中心")
	anybody.wants(anybody.get("/organisations?q=没有"), http.StatusOK, "没有符合条件的社会组织")
	anybody.wants(anybody.get("/organisations?format=csv"), http.StatusOK, "向阳社工服务中心,民政登记,居室改造,88.10")
	provider := o.browser().get("/organisations/1?lang=en")
	anybody.wants(provider, http.StatusOK, "91500107MA5U000001", "11 户居室改造", "88.10", "1,000.00", "Registered")
	for _, hidden := range []string{"650101040012345", "重庆银行", "李会计"} {
		anybody.lacks(provider, hidden)
		anybody.lacks(anybody.get("/organisations"), hidden)
	}
	anybody.wants(anybody.get("/organisations/2"), http.StatusNotFound) // a household
	public := anybody.get("/projects/1")
	anybody.wants(public, http.StatusOK, "给 11 户装床和灯", "全部改造", "发票 FP-1 · 向阳社工服务中心", "被退回", "良好", "30", "网上捐赠", "/projects/1/account")
	anybody.wants(public, http.StatusOK, "/projects/1/photo?n=1")
	for path, status := range map[string]int{"/projects/1/photo?n=1": http.StatusOK, "/projects/1/photo?n=2": http.StatusNotFound, "/projects/9/photo?n=0": http.StatusNotFound} {
		anybody.wants(anybody.get(path), status)
	}
	for _, hidden := range []string{"周小满", "H-2", "两户插座松动", "入户督导", "按评分表", "户名不符", "李会计"} {
		anybody.lacks(public, hidden)
		anybody.lacks(anybody.get("/payments/2"), hidden)
	}
	anybody.wants(anybody.get(dataPath+"/projects.json"), http.StatusOK, `"title":"11 户居室改造"`, `"score":"88.10","contracts_scored":1`, `"person_times":44`)
	anybody.wants(anybody.get(dataPath+"/milestones.json"), http.StatusOK, `"title":"全部改造"`, `"state":"accepted"`)
	anybody.lacks(anybody.get(dataPath+"/payments.json"), "周小满")
	if rows := anybody.openSets(); rows["projects"] == 0 || rows["milestones"] == 0 || rows["payments"] == 0 || len(anybody.grantsHeld()) == 0 {
		t.Errorf("open data %v", rows)
	}
	anybody.wants(anybody.get("/payments/1"), http.StatusOK, "付款 970.00 元", "FP-1", "捐赠", "20.00", "建账时已有", "950.00", "经第二人批准")
	anybody.wants(anybody.get("/payments/2"), http.StatusOK, "被退回", "/payments/3")
	anybody.wants(anybody.get("/payments/3"), http.StatusOK, "/payments/2", "补付")
	anybody.wants(anybody.get("/payments/9"), http.StatusNotFound)
	anybody.wants(anybody.get("/projects/1/account"), http.StatusOK, "第 2 版", "补列质保金", "1,000.00", "FK1", "FP-1")
	anybody.wants(anybody.get("/projects/1/account?version=1"), http.StatusOK, "第 1 版", "这是旧版")
	anybody.wants(anybody.get("/f/"+o.funds[1].Code), http.StatusOK, "11 户居室改造", "/payments/1")
	anybody.wants(anybody.get("/follow"), http.StatusOK, "钱的去向")
	mine := anybody.get("/g/" + giving.Ref(o.book, gift))
	anybody.wants(mine, http.StatusOK, "发票 FP-1 · 向阳社工服务中心", "/payments/1", "11 户居室改造", "20.00")
	li.wants(li.get(payment), http.StatusOK, "用到的捐赠", giving.Ref(o.book, gift))
	wu.lacks(wu.get(payment), giving.Ref(o.book, gift)) // who gave is not the street's to know

	aid := li.stepped(disbursementsPath, "aid-ask", "payee", lastPart(home), "fund", li.fundOf(1), "amount", "30", "bank", "bank.basic", "purpose", "困难救助")
	li.wants(li.get(aid), http.StatusOK, "直接救助", "H-2")
	qian.approved(li.stepped(aid, "pay-approve"))
	li.wants(li.get(aid), http.StatusOK, "已批准")
	for _, list := range []string{payeesPath + "?text=向阳&state=good&kind=organisation", projectsPath + "?state=ended", contractsPath + "?state=closed&text=HT", disbursementsPath + "?state=paid&kind=last", assessmentPath, payeesPath + "?format=csv"} {
		li.wants(li.get(list), http.StatusOK)
	}
	chen.approved(li.stepped(assessmentPath, "scheme-set", "weight-street", "25", "weight-provider", "25", "weight-residents", "25", "weight-independent", "25", "least-excellent", "90", "least-good", "80", "least-pass", "60",
		"pays-excellent", "100", "pays-good", "90", "pays-pass", "50", "pays-fail", "0"))
	li.wants(li.get(assessmentPath), http.StatusOK, "第 2 版", "25%")
	o.looks(t, "project", [][3]string{{"li", "project", project}, {"li", "contract", contract}, {"li", "payment", payment}, {"li", "note", payment + "/note"}, {"li", "assessment", assessmentPath}, {"li", "payee", payee},
		{"li", "public", "/projects/1"}, {"li", "account", "/projects/1/account"}, {"li", "board", "/projects"}, {"li", "directory", "/organisations"}, {"li", "organisation", "/organisations/1"}, {"li", "paid", "/payments/1"}, {"li", "gift", "/g/" + giving.Ref(o.book, gift)}, {"li", "follow", "/follow"}})
}
