package web

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/google/uuid"
)

// A contract is ended with an advance that does not come back: the accountant asks to write it off, another person approves, and both see who
// bears it.
func TestAnAdvanceIsWrittenOff(t *testing.T) {
	t.Parallel()
	o, _, _ := newOfflineOffice(t)
	li, chen := o.as("li"), o.as("chen")
	payee := li.stepped(payeesPath, "payee-enter", "name", "向阳社工服务中心", "standing", "registered", "code", "91500107MA5U000001", "services", "居室改造")
	chen.approved(li.stepped(payee, "payee-account", "holder", "向阳社工服务中心", "bank", "重庆银行", "account", "650101040012345"))
	o.now = o.now.Add(73 * time.Hour)
	day := o.book.Day(o.now).Format(time.DateOnly)
	li, chen = o.as("li"), o.as("chen")
	qian := o.as("qian")
	project := li.stepped(projectsPath, "project-enter", "title", "11 户居室改造", "fund", li.fundOf(1), "plan", "给 11 户装床和灯", "homes", "11", "due-starts", "2026-09-01", "due-ends", "2026-12-31")
	li.stepped(project, "item-add", "label", "人工与材料", "amount", "1000.00")
	chen.approved(li.stepped(project, "project-approve", "day", day))
	contract := li.stepped(project, "contract-draft", "code", "HT-1", "title", "改造合同", "payee", lastPart(payee), "kind", "works", "draws", "pro_rata", "advance", "300.00", "kept", "3", "due-ends", "2026-12-31")
	li.stepped(contract, "source-add", "fund", li.fundOf(1), "treatment", "gift", "payer", "网上捐赠", "amount", "1000.00")
	li.stepped(contract, "stage-add", "title", "全部改造", "due", "2026-10-01", "amount", "1000.00")
	chen.approved(li.stepped(contract, "contract-sign", "day", day))
	li.stepped(contract, "pay-ask", "kind", "advance", "amount", "300.00", "bank", "bank.basic", "purpose", "预付款")
	payment := li.paymentOf(contract)
	qian.approved(li.stepped(payment, "pay-approve"))
	li.wants(li.post(bankFilesPath, url.Values{"form": {uuid.NewString()}, "act": {"file-make-basic"}, "file-make-basic-payments": {lastPart(payment)}, "file-make-basic-account": {"50001040009999"}}), http.StatusSeeOther)
	li.stepped(payment, "pay-debited", "day", day, "ref", "20260910-1")
	loss := []string{"day", day, "amount", "300.00", "bearer", "fund", "ref", "", "bank", "bank.basic", "reason", "承接方已注销"}
	li.wants(li.step(contract, "contract-write-off", loss...), http.StatusConflict) // it is still worked off
	chen.approved(li.stepped(contract, "contract-terminate", "day", day, "reason", "中期不合格"))
	li.wants(li.get(contract), http.StatusOK, "核销收不回的预付款", "由谁承担")
	o.as("wu").lacks(o.as("wu").get(contract), "contract-write-off")
	li.wants(li.step(contract, "contract-write-off", loss...), http.StatusUnprocessableEntity, "编号")
	loss[7] = "协议〔2026〕1号"
	asked := li.stepped(contract, "contract-write-off", loss...)
	li.wants(li.decides(asked, "approve", ""), http.StatusForbidden)
	chen.wants(chen.get(asked), http.StatusOK, "核销收不回的预付款", "300.00", "承接方已注销", "5501")
	chen.approved(asked)
	english := li.get(contract + "?lang=en")
	li.wants(english, http.StatusOK, "Advance written off", "300.00")
	li.lacks(english, "contract-write-off")
	chen.approved(li.stepped(contract, "contract-close", "day", day, "surplus", "stay"))
}
