package web

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// TestNeedWalk is the walk of the issue in one browser: a resident asks for something, the street publishes it and links it with an offer and money,
// residents vote, the project is approved with its vote, its contract is signed out of two sources, a stage is accepted, four sides assess it, it is
// paid with a second person and found at the bank, it is closed and published, and a donor's page shows the invoice. SUNFUND_WALK_IMAGES keeps the
// pictures of docs/street.md.
func TestNeedWalk(t *testing.T) {
	t.Parallel()
	o, _, campaign := newOfflineOffice(t)
	one := int32(1)
	o.person("jian", "简监督", "Jian", staff.Held{Role: staff.Supervisor, Street: &one})
	codes := o.community("3")
	gift := o.gives(campaign, 20_00)
	w := &walker{T: t, ctx: browser(t), o: o}
	day := func() string { return o.book.Day(o.now).Format(time.DateOnly) }
	look := func(name, path string) {
		t.Helper()
		if folder := os.Getenv("SUNFUND_WALK_IMAGES"); folder != "" {
			do(w.ctx, t, chromedp.EmulateViewport(412, 800), chromedp.Navigate(o.url+path), chromedp.WaitVisible(`h1`))
			picture(w.ctx, t, folder, name)
			do(w.ctx, t, chromedp.EmulateViewport(1280, 800))
		}
	}
	do(w.ctx, t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(o.url))
	wish(w.ctx, t, o.url, "lang", string(EN))

	// A resident, with the code that the street gave her.
	w.open(residentPath + "?next=" + needFormPath)
	w.set("code", codes[0])
	w.press(`form[action="/resident"] button`)
	w.set("kind", "need", "title", "楼道装扶手", "theme", "elderly", "story", "三栋没有电梯", "place", "三栋二单元", "people", "40")
	w.press(`form[action="/needs/new"] button`)
	need := w.where()
	look("street-need", need)

	// The street publishes it, and links it with who can do it and who pays.
	desk := o.as("wu").deskOf("楼道装扶手")
	w.does("wu", desk, "need-list")
	w.does("wu", needsPath+"/new", "need-enter", "book", "offer", "title", "楼道适老改造", "theme", "elderly", "street", "1", "people", "50", "firm", "向阳社工服务中心")
	w.does("wu", desk, "intent-sign", "offer", "楼道适老改造", "means", "SPQ", "amount", "1000")
	w.open(need)
	w.says("楼道装扶手", "三栋没有电梯")

	// Residents decide.
	poll := w.does("wu", pollsPath, "poll-enter", "communities", "1", "zh", "今年做什么", "en", "What to do", "fund", o.fundOf(1), "budget", "1000", "due-opens", day(), "due-closes", "2026-09-20", "paper", "向阳居委会",
		"ballot", "approval", "least", "1", "method", "greedy", "ties", "cost-votes")
	w.does("wu", poll, "poll-add", "zh", "楼道扶手", "en", "Handrails", "cost", "1000")
	w.does("wu", poll, "poll-add", "zh", "凉亭", "en", "Pavilion", "cost", "900")
	w.second("chen", w.does("li", poll, "poll-publish"))
	w.is("")
	w.open("/vote/1")
	w.set("choice", "1")
	w.press(`button[value="check"]`)
	w.press(`button[value="cast"]`)
	o.now = o.now.AddDate(0, 0, 14)
	o.closeVote(1)
	w.login = ""
	w.second("chen", w.does("li", poll, "poll-count"))
	w.open("/vote/1/result")
	w.says("Handrails")
	look("street-vote", "/vote/1/result")

	// A provider is entered and its account verified before; the new account rests.
	payee := w.does("li", payeesPath+"/new", "payee-enter", "name", "向阳社工服务中心", "standing", "registered", "code", "91500107MA5U000001", "services", "居室改造")
	w.second("chen", w.does("li", payee, "payee-account", "holder", "向阳社工服务中心", "bank", "重庆银行", "account", "650101040012345"))
	o.now = o.now.Add(73 * time.Hour)
	w.login = ""

	// From the vote to a contract out of two sources.
	project := w.does("wu", projectsPath+"/new", "project-enter", "title", "楼道扶手", "fund", o.fundOf(1), "plan", "三栋每层装扶手", "due-starts", "2026-09-01", "due-ends", "2026-12-31")
	w.does("wu", project, "item-add", "label", "人工与材料", "amount", "1000")
	w.second("chen", w.does("li", project, "project-approve", "day", day(), "vote", "Handrails"))
	w.does("li", project, "project-earmark", "campaign", campaign)
	contract := w.does("li", project, "contract-draft", "code", "HT-1", "title", "扶手合同", "payee", lastPart(payee), "kind", "works", "draws", "pro_rata", "kept", "3", "due-ends", "2026-12-31")
	w.does("li", contract, "source-add", "fund", o.fundOf(1), "treatment", "gift", "payer", "网上捐赠", "amount", "600")
	w.does("li", contract, "source-add", "fund", o.fundOf(1), "treatment", "own", "payer", "石坪桥阳光基金", "amount", "400")
	w.does("li", contract, "stage-add", "title", "三栋全部", "due", "2026-10-31", "amount", "1000")
	w.second("chen", w.does("li", contract, "contract-sign", "day", day()))

	// The street accepts on site, the supervisor visits, four sides assess.
	w.does("wu", contract, "stage-inspect", "stage", "1", "amount", "1000", "report", "每层都试过")
	w.does("jian", contract, "visit-note", "day", day(), "report", "现场查看", "times", "44", "people", "30")
	w.second("chen", w.does("li", contract, "stage-book", "stage", "1", "day", day()))
	for _, side := range [][3]string{{"wu", "street", "92"}, {"li", "provider", "90"}, {"chen", "residents", "95"}, {"jian", "independent", "80"}} {
		w.does(side[0], contract, "assess", "phase", "end", "side", side[1], "points", side[2], "note", "按评分表")
	}

	// Paid with a second person, and found at the bank.
	for i, p := range [][3]string{{"stage", "970", "FP-1"}, {"last", "30", "FP-2"}} {
		w.does("wu", contract, "pay-ask", "kind", p[0], "amount", p[1], "bank", "bank.basic", "invoice", p[2], "purpose", "扶手款")
		payment := o.as("li").paymentOf(contract)
		w.second("qian", w.does("li", payment, "pay-approve"))
		w.does("li", bankFilesPath, "file-make-basic", "payments", lastPart(payment), "account", "50001040009999")
		w.does("li", payment, "pay-debited", "day", day(), "ref", fmt.Sprintf("20260924-%d", i+1))
		w.open(payment + "/note")
		w.says("Remittance note", "向阳社工服务中心")
	}

	// Closed and published; the donor reads which invoice it was.
	w.second("chen", w.does("li", contract, "contract-close", "day", day()))
	w.second("chen", w.does("li", project, "project-end", "day", day()))
	w.does("li", project, "project-publish", "day", day())
	o.followed()
	w.is("")
	w.open("/projects/1")
	w.says("Final account by source", "网上捐赠", "44", "Invoice FP-1")
	look("street-project", "/projects/1")
	w.open("/g/" + giving.Ref(o.book, gift))
	w.says("What became of this gift", "Invoice FP-1 · 向阳社工服务中心", "楼道扶手", "20.00")
	wish(w.ctx, t, o.url, "lang", string(ZH))
	w.open("/g/" + giving.Ref(o.book, gift))
	w.says("这笔捐赠的去向", "发票 FP-1 · 向阳社工服务中心", "楼道扶手", "20.00")
	look("street-gift", "/g/"+giving.Ref(o.book, gift))
}
