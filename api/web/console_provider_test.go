package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// signsInFor lets a provider's person sign in for an organisation, asked by the accountant and agreed to by the approver.
func (o *office) signsInFor(login, payee string) {
	o.Helper()
	o.as("chen").approved(o.as("li").stepped(payeesPath+"/"+payee, "payee-person", "login", login))
}

// TestAProviderSeesItsOwn: an organisation's person offers, applies, adds evidence, answers findings and asks for payment; another organisation's
// proposal, contract, papers and payments are as what is not there, and the console stays shut.
func TestAProviderSeesItsOwn(t *testing.T) {
	t.Parallel()
	o, _, _ := newOfflineOffice(t)
	one := int32(1)
	o.person("jian", "简监督", "Jian", staff.Held{Role: staff.Supervisor, Street: &one})
	o.person("yang", "杨向阳", "Yang", staff.Held{Role: staff.Provider})
	o.person("chun", "春晖", "Chun", staff.Held{Role: staff.Provider})
	li, wu := o.as("li"), o.as("wu")
	sun, spring := li.organisation("向阳社工服务中心", "registered", "A1"), li.organisation("春晖助老服务中心", "registered", "C3")
	li.wants(li.step(payeesPath+"/"+sun, "payee-person", "login", "wu"), http.StatusUnprocessableEntity, "没有这个登录名，或者他没有")
	yang := o.as("yang")
	if a := yang.get("/console"); a.to != providerPath {
		t.Errorf("first page: %d to %q", a.status, a.to)
	}
	yang.wants(yang.get(providerPath), http.StatusOK, "还没有和单位对应")
	o.signsInFor("yang", sun)
	o.signsInFor("chun", spring)
	chun := o.as("chun")
	for _, path := range []string{"/console/funds", needsPath, proposalsPath, payeesPath, "/console/entries"} {
		yang.wants(yang.get(path), http.StatusForbidden)
	}
	li.wants(li.get(payeesPath+"/"+sun), http.StatusOK, "杨向阳")
	account := li.stepped(payeesPath+"/"+sun, "payee-account", "holder", "向阳社工服务中心", "bank", "重庆银行", "account", "650101040012345")
	o.as("chen").approved(account)

	yang.stepped(providerPath, "own-offer", "payee", sun, "title", "上门助浴", "theme", "elderly", "street", "1", "people", "40")
	yang.wants(yang.step(providerPath, "own-offer", "payee", spring, "title", "冒名", "theme", "elderly", "street", "1"), http.StatusUnprocessableEntity)
	yang.wants(yang.get(providerPath), http.StatusOK, "上门助浴", "已收到", "重庆银行 …2345", "请联系慈善会会计")
	yang.lacks(yang.get(providerPath), "650101040012345", "春晖助老服务中心")
	offer := wu.deskOf("上门助浴")
	wu.stepped(offer, "need-list")
	o.browser().wants(o.browser().get(needsPublicPath+"?kind=offer"), http.StatusOK, "上门助浴")

	call := o.callPublished(wu, "wu", "chen")
	yang.wants(yang.get("/calls/2"), http.StatusNotFound)
	yang.wants(yang.get(providerPath+"/calls/1"), http.StatusOK, "为老服务征集", "最多 7,000.00")
	mine := yang.stepped(providerPath+"/calls/1", "own-apply", "payee", sun, "title", "助浴", "plan", "每周两次", "people", "40", "due-starts", "2026-10-01", "due-ends", "2026-12-31")
	yang.wants(yang.step(mine, "proposal-item", "label", "人工", "amount", "7000.01"), http.StatusUnprocessableEntity, "还可以填")
	yang.stepped(mine, "proposal-item", "label", "人工", "amount", "1000")
	chun.wants(chun.get(mine), http.StatusNotFound)
	chun.wants(chun.step(mine, "proposal-file"), http.StatusNotFound)
	chun.wants(chun.step(providerPath+"/calls/1", "own-apply", "payee", sun, "title", "冒名", "plan", "x", "due-starts", "2026-10-01", "due-ends", "2026-12-31"), http.StatusUnprocessableEntity)
	yang.stepped(mine, "proposal-file")
	if a := yang.upload(providerPath+"/papers", [2]string{"object", "proposal:" + lastPart(mine)}, "paper", "方案.png", scan); a.status != http.StatusSeeOther {
		t.Fatalf("paper: %d\n%s", a.status, a.text)
	}
	paper := regexp.MustCompile(providerPath + `/papers/[0-9a-f-]{36}`).FindString(yang.get(mine).text)
	yang.wants(yang.get(paper), http.StatusOK)
	chun.wants(chun.get(paper), http.StatusNotFound)
	chun.wants(chun.upload(providerPath+"/papers", [2]string{"object", "proposal:" + lastPart(mine)}, "paper", "x.png", scan), http.StatusNotFound)
	desk := proposalsPath + "/" + lastPart(mine)
	staffs := func(object, name string) { // what staff put beside it is theirs
		li.attach(object, name, append(slices.Clone(scan), name...))
		kept := regexp.MustCompile(papersPath + `/([0-9a-f-]{36})" download data-user-text>` + name).FindStringSubmatch(li.get(objectPath(object)).text)
		yang.lacks(yang.get(ownObjectPath(object)), name)
		yang.wants(yang.get(providerPath+"/papers/"+kept[1]), http.StatusNotFound)
	}
	staffs("proposal:"+lastPart(mine), "内部意见.png")
	wu.wants(wu.get(desk), http.StatusOK, "方案.png")
	wu.stepped(desk, "proposal-check")

	o.now = o.now.Add(7 * 24 * time.Hour)
	wu, chen := o.as("wu"), o.as("chen")
	for _, c := range []*client{wu, chen} {
		c.stepped(desk, "review-score", "points-1", "55", "points-2", "35", "note", "好")
	}
	wu.stepped(call, "call-announce")
	o.now = o.now.Add(8 * 24 * time.Hour)
	day := o.book.Day(o.now).Format(time.DateOnly)
	li, wu, chen, yang, chun = o.as("li"), o.as("wu"), o.as("chen"), o.as("yang"), o.as("chun")
	chen.approved(li.stepped(desk, "proposal-award", "day", day))
	contract := li.stepped(projectsPath+"/"+lastPart(mine), "contract-draft", "code", "HT-1", "title", "助浴合同", "payee", sun, "kind", "service", "draws", "pro_rata", "due-ends", "2026-12-31")
	li.stepped(contract, "source-add", "fund", li.fundOf(1), "treatment", "gift", "payer", "网上捐赠", "amount", "1000.00")
	li.stepped(contract, "stage-add", "title", "十月", "due", "2026-10-31", "amount", "1000.00")
	own := providerPath + "/contracts/" + lastPart(contract)
	yang.wants(yang.get(own), http.StatusNotFound) // a draft is the association's
	chen.approved(li.stepped(contract, "contract-sign", "day", day))
	yang.wants(yang.get(own), http.StatusOK, "HT-1", "十月", "1,000.00")
	yang.wants(yang.get(providerPath), http.StatusOK, "HT-1", own)
	chun.wants(chun.get(own), http.StatusNotFound)
	chun.wants(chun.step(own, "own-ask", "kind", "stage", "amount", "1", "purpose", "x"), http.StatusNotFound)
	yang.wants(yang.step(own, "own-ask", "kind", "stage", "amount", "10.00", "invoice", "FP-1", "purpose", "首期"), http.StatusUnprocessableEntity) // nothing is accepted
	wu.stepped(contract, "stage-inspect", "stage", "1", "amount", "1000.00", "report", "看过")
	o.as("jian").stepped(contract, "visit-note", "day", day, "report", "督导", "finding", "没有签到表", "due", "2026-10-10")
	visit := regexp.MustCompile(`<option value="([0-9a-f-]{36})">[^<]*没有签到表`).FindStringSubmatch(yang.get(own).text)
	yang.stepped(own, "own-answer", "visit", visit[1], "answer", "已补")
	chen.approved(li.stepped(contract, "stage-book", "stage", "1", "day", day))
	if a := yang.upload(providerPath+"/papers", [2]string{"object", "contract:" + lastPart(contract)}, "paper", "签到表.png", scan); a.to != own {
		t.Fatalf("evidence: %d\n%s", a.status, a.text)
	}
	wu.wants(wu.get(contract), http.StatusOK, "签到表.png")
	yang.wants(yang.get(own), http.StatusOK, "签到表.png")
	staffs("contract:"+lastPart(contract), "审计底稿.png")
	yang.stepped(own, "own-ask", "kind", "stage", "amount", "900.00", "invoice", "FP-1", "purpose", "首期款")
	yang.wants(yang.step(own, "own-ask", "kind", "stage", "amount", "50.00", "invoice", "FP-1", "purpose", "再来"), http.StatusUnprocessableEntity, "发票") // paid once
	payment := li.paymentOf(contract)
	note := providerPath + "/payments/" + lastPart(payment) + "/note"
	yang.wants(yang.get(note), http.StatusNotFound)
	o.as("qian").approved(li.stepped(payment, "pay-approve"))
	made := li.post(bankFilesPath, url.Values{"form": {li.hidden(li.get(bankFilesPath), "form")}, "act": {"file-make-basic"}, "file-make-basic-payments": {lastPart(payment)}, "file-make-basic-account": {"50001040009999"}})
	if made.status != http.StatusSeeOther {
		t.Fatal(made.text)
	}
	li.stepped(payment, "pay-debited", "day", day, "ref", "20260922-1")
	yang.wants(yang.get(note), http.StatusOK, "付款通知", "900.00", "20260922-1")
	chun.wants(chun.get(note), http.StatusNotFound)
	li.wants(li.get(payment), http.StatusOK, "等待发出")
	told := "付款 " + regexp.MustCompile(`FK[0-9]+`).FindString(li.get(payment).text)
	for n := range 2 { // the second time there is nobody left to tell
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			p, err := projects.PaymentByID(ctx, tx, o.book, uuid.MustParse(lastPart(payment)))
			if err != nil {
				return err
			}
			written, err := (&Server{}).NoticeRemittance(ctx, tx, o.book, p, o.now)
			if written != (n == 0) {
				t.Errorf("the %d. time written: %v", n+1, written)
			}
			return err
		})
	}
	if box := yang.get(mailboxPath); strings.Count(box.text, note) != 1 || !strings.Contains(box.text, told) || !strings.Contains(box.text, "900.00") {
		t.Errorf("%d letters about %s", strings.Count(box.text, note), told)
	}
	chun.lacks(chun.get(mailboxPath), told)
	li.lacks(li.get(payment), "等待发出", "没有写信")
	if page := yang.get(providerPath); !strings.Contains(page.text, note) {
		t.Error("the note is not on the first page")
	}
	li.stepped(payeesPath+"/"+sun, "payee-person-off", "person", o.personID("yang").String())
	yang.wants(yang.get(own), http.StatusNotFound)
}

// TestProviderLook opens the pages of an organisation's person on a phone and on a desk, in both languages.
func TestProviderLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.person("yang", "杨向阳", "Yang", staff.Held{Role: staff.Provider})
	li := o.as("li")
	sun := li.organisation("向阳社工服务中心", "registered", "A1")
	o.signsInFor("yang", sun)
	o.callPublished(li, "wu", "chen")
	yang := o.as("yang")
	mine := yang.stepped(providerPath+"/calls/1", "own-apply", "payee", sun, "title", "助浴", "plan", "每周两次", "people", "40", "due-starts", "2026-10-01", "due-ends", "2026-12-31")
	yang.stepped(mine, "proposal-item", "label", "社工两人六个月", "amount", "1000")
	o.looks(t, "provider", [][3]string{{"yang", "home", providerPath}, {"yang", "apply", providerPath + "/calls/1"}, {"yang", "proposal", mine}})
}
