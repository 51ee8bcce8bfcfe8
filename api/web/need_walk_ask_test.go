package web

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
)

// opensFund: the street applies for a fund of the community, its committee decides, another person opens it with its charter, and gifts come in.
func (w *needWalk) opensFund() {
	w.Helper()
	w.does("li", fundFilesPath, "purpose-add", "code", "homes", "zh", "社区适老改造", "en", "Safe homes for older people")
	w.is("wu")
	w.open(fundFilesPath + "/test")
	w.press(`button[name="passed"][value="no"]`)
	w.press(`button[name="duty"][value="no"]`)
	w.says(T(w.lang, "agency.isnot"))
	w.press(`.card a.button`)
	w.set("fund-apply-purposes", "homes", "fund-apply-sort", "sunshine", "fund-apply-street", "1", "fund-apply-code", "YG", "fund-apply-zh", "向阳社区基金", "fund-apply-en", "Sunny community fund",
		"fund-apply-about-zh", "给老人住处和楼道做适老改造", "fund-apply-about-en", "Handrails, lamps and benches for older people", "fund-apply-interest", "fund", "fund-apply-bearer", "general", "fund-apply-voted", "yes")
	w.act("fund-apply")
	file := w.where()
	for _, one := range [][2]string{{"街道代表", "For the street"}, {"社区代表", "For the community"}, {"居民代表", "A resident"}, {"居民代表", "A resident"}, {"慈善会代表", "For the association"}} {
		w.does("wu", file, "fund-seat", "kind", "member", "capacity", w.in(one[0], one[1]), "vote", "yes")
	}
	w.does("wu", file, "fund-seat", "kind", "supervisor", "capacity", w.in("监事", "Supervisor"), "vote", "heard", "opinion", w.in("同意设立，每季公示", "Agrees, with figures every quarter"))
	w.uploads("wu", file, papersPath, w.in("协议.pdf", "agreement.pdf"), []byte("%PDF-1.4 agreement"))
	asked := w.does("li", file, "fund-open", "agreement", w.in("协议", "agreement"), "ref", w.in("协议〔2026〕1号", "Agreement 2026/1"))
	w.approves("chen", asked, w.in("向阳社区基金", "Sunny community fund"))
	w.at("wu", file)
	w.says(T(w.lang, "fundfile.state.open"), w.in("同意设立，每季公示", "Agrees, with figures every quarter"))
	w.fund = w.link(`main a[href^="/console/funds/"]:not([href="/console/funds"])`)
	w.fundID = lastPart(w.fund)
	w.gifts()
	w.at("wu", w.fund)
	w.says(w.in("社区适老改造", "Safe homes for older people"), "1,500.00")
	w.open(w.fund + "/available")
	w.says(T(w.lang, "available.heading"), "1,500.00")
}

// gifts come in through a campaign of the fund: the donor's, and others after it. The accountant moves them to the account that pays.
func (w *needWalk) gifts() {
	w.o.tx(func(ctx context.Context, tx pgx.Tx) error {
		var id int32
		if _, err := fmt.Sscan(w.fundID, &id); err != nil {
			return err
		}
		made, err := giving.CreateCampaign(ctx, tx, w.o.book, giving.Campaign{FundID: id, Slug: "yg-2026", TitleZH: "楼道安全", TitleEN: "Safe stairs", SummaryZH: "简介", SummaryEN: "Summary", StoryZH: "故事", StoryEN: "Story",
			Goal: 500_000, OpensAt: w.o.now.AddDate(0, -1, 0), ClosesAt: w.o.now.AddDate(0, 2, 0)})
		w.campaign = fmt.Sprint(made.ID)
		return err
	})
	w.gift = w.o.gives(w.campaign, 20_00)
	w.o.gives(w.campaign, 1480_00)
	li := w.o.as("li")
	w.o.as("chen").approved(li.drafted(w.in("捐赠转到付款账户", "Gifts moved to the account that pays"), [4]string{li.accountCode("bank.basic"), w.fundID, "1500.00", ""}, [4]string{li.accountCode("bank.online"), w.fundID, "", "1500.00"}))
	w.fresh = false
}

// bringsOrganisation: an organisation stands in the directory, a person of it may sign in, its account rests for three days, and it offers what it does.
func (w *needWalk) bringsOrganisation() {
	w.Helper()
	name := w.in("向阳社工服务中心", "Sunrise Social Work Centre")
	w.payee = w.does("li", payeesPath+"/new", "payee-enter", "name", name, "standing", "registered", "code", "91500107MA5U000001", "services", w.in("居室改造", "Safe homes"))
	w.approves("chen", w.does("li", w.payee, "payee-person", "login", "yang"), name)
	w.approves("chen", w.does("li", w.payee, "payee-account", "holder", name, "bank", w.in("重庆银行", "Bank of Chongqing"), "account", "650101040012345"), name, "650101040012345")
	w.at("li", w.payee)
	w.says(w.in("72 小时", "72 hours"))
	w.does("yang", providerPath, "own-offer", "title", w.in("楼道适老改造", "Stairs made safe"), "theme", "elderly", "street", "1", "people", "50")
	w.says(w.in("楼道适老改造", "Stairs made safe"))
}

// residentsAsk: on a phone, with the codes that the street gave them, one asks for handrails, another for the same; a third looks on.
func (w *needWalk) residentsAsk() {
	w.Helper()
	w.resident(0, needFormPath)
	w.set("kind", "need", "title", w.in("楼道装扶手", "Handrails on the stairs"), "theme", "elderly", "story", w.in("三栋没有电梯，老人上下楼要扶墙走", "House 3 has no lift; older people hold on to the wall"), "place", w.in("三栋二单元", "House 3, entrance 2"), "people", "40")
	w.puts(`input[name="photo"]`, w.in("楼道.jpg", "stairs.jpg"), stairs(false))
	w.look("ask", phoneWidth)
	w.press(`form[action="/needs/new"] button`)
	w.asked = w.where()
	w.says(T(w.lang, "need.filed.note"))
	w.shows(w.asked + "/photo?n=0")
	w.resident(1, needFormPath)
	w.set("kind", "need", "title", w.in("三栋要扶手", "House 3 needs a handrail"), "theme", "elderly", "people", "2")
	w.press(`form[action="/needs/new"] button`)
}

// streetSorts: the street publishes the need, puts the second one into it, takes in the organisation's offer, and files an idea of its own.
func (w *needWalk) streetSorts() {
	w.Helper()
	wu := w.o.as("wu")
	title := w.in("楼道装扶手", "Handrails on the stairs")
	w.need = wu.deskOf(title)
	w.does("wu", w.need, "need-list")
	w.does("wu", wu.deskOf(w.in("三栋要扶手", "House 3 needs")), "need-merge", "into", title)
	w.does("wu", wu.deskOf(w.in("楼道适老改造", "Stairs made safe")), "need-list")
	w.idea = w.does("wu", needsPath+"/new", "need-enter", "book", "idea", "title", w.in("楼下放长椅", "A bench by the door"), "theme", "elderly", "street", "1", "people", "60")
	w.is("")
	w.open(needsPublicPath)
	w.says(title, w.in("楼下放长椅", "A bench by the door"))
	w.resident(2, w.asked)
	w.press(`form[action="` + w.asked + `"] button`)
	w.says(title, w.in("三栋没有电梯", "House 3 has no lift"))
	w.says(T(w.lang, "need.supported.note"))
	if eval(w.ctx, w.T, `document.querySelector('main form') ? "again" : ""`) != "" {
		w.Error("the need can be supported twice")
	}
	w.look("need", phoneWidth)
}

// intentBecomesProject: on the matching page the idea meets an offer and money; the intent becomes a proposal and, approved by a second person, a project. The need
// is linked as well, and goes the longer way, by a call.
func (w *needWalk) intentBecomesProject() {
	w.Helper()
	offer := w.in("楼道适老改造", "Stairs made safe")
	w.at("wu", pairsPath)
	w.says(offer, w.in("楼道装扶手", "Handrails on the stairs"))
	intent := w.does("wu", w.idea, "intent-sign", "offer", offer, "means", "SPQ", "amount", "300")
	proposal := w.does("wu", intent, "intent-propose", "plan", w.in("门口放两张带扶手的长椅", "Two benches with arms by the door"), "due-starts", w.day(3), "due-ends", w.day(60))
	w.does("wu", proposal, "proposal-item", "label", w.in("长椅两张", "Two benches"), "amount", "300")
	w.does("wu", proposal, "proposal-file")
	w.does("wu", proposal, "proposal-check")
	w.approves("qian", w.does("li", proposal, "proposal-award", "day", w.day(0)), "300.00") // chen agreed to the organisation's account today
	w.at("wu", w.idea)
	w.says(T(w.lang, "need.state.taken"))
	intent = w.does("wu", w.need, "intent-sign", "offer", offer, "means", "YG", "amount", "1000")
	if !strings.HasPrefix(intent, intentsPath+"/") {
		w.Errorf("the intent is at %s", intent)
	}
}
