package web

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/recon"
)

// isPaid: the organisation asks, another person approves, a file goes to the bank, and the bank's own line says that it is paid.
func (w *needWalk) isPaid() {
	w.Helper()
	own := providerPath + "/contracts/" + lastPart(w.contract)
	w.does("yang", own, "own-ask", "kind", "stage", "amount", "921.50", "invoice", "FP-1", "purpose", w.in("扶手款", "Handrails"))
	payment := w.paymentSent("921.50")
	w.does("li", statementsPath, "statement-source", "name", w.in("基本户", "Basic account"), "kind", "bank", "format", "mt940", "number", "50001040009999", "currency", "CNY")
	bank := statementsPath + "/1"
	w.uploads("li", bank, bank, "0925.sta", []byte(":20:1\r\n:25:50001040009999\r\n:28C:1\r\n:60F:C260925CNY9000,00\r\n:61:2609250925D921,50NTRFFK1//B1\r\n:86:FK1\r\n:62F:C260925CNY8078,50\r\n-\r\n"))
	w.reconciled()
	w.at("li", payment)
	w.says(T(w.lang, "pay.state.paid"))
	w.look("payment", deskWidth)
	w.open(payment + "/note")
	w.says(T(w.lang, "pay.note"), "921.50", w.in("向阳社工服务中心", "Sunrise Social Work Centre"))
	w.at("yang", providerPath)
	w.open(w.link(`a[href^="/provider/payments/"]`))
	w.says("921.50")
}

// paymentSent goes from what was asked for to the file for the bank.
func (w *needWalk) paymentSent(sum string) (payment string) {
	w.Helper()
	w.at("li", w.contract)
	payment = w.link(`a[href^="` + disbursementsPath + `/"]`)
	w.approves("qian", w.does("li", payment, "pay-approve"), sum, w.in("向阳社工服务中心", "Sunrise Social Work Centre"))
	file := w.does("li", bankFilesPath, "file-make-basic", "account", "50001040009999")
	w.says(sum)
	if xml := w.reads(`a[href$="format=xml"]`); !strings.Contains(xml, "<CtrlSum>"+sum+"</CtrlSum>") || !strings.Contains(xml, "650101040012345") {
		w.Errorf("pain.001 of %s:\n%s", file, xml)
	}
	if csv := w.reads(`a[href$="format=csv"]`); !strings.Contains(csv, sum) {
		w.Errorf("CSV of %s:\n%s", file, csv)
	}
	return payment
}

// reconciled holds the bank's lines against what is expected and books what follows, as the job does.
func (w *needWalk) reconciled() {
	w.Helper()
	w.o.tx(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := recon.Run(ctx, tx, w.o.book, w.o.now); err != nil {
			return err
		}
		due, err := recon.CorrectionsDue(ctx, tx, w.o.book)
		for _, c := range due {
			if err == nil {
				_, err = recon.Correct(ctx, tx, w.o.book, c, w.o.now)
			}
		}
		return err
	})
	w.fresh = false
}

// isAssessed: without all four sides nobody may pay the last part; then it is asked for, approved and found at the bank.
func (w *needWalk) isAssessed() {
	w.Helper()
	for i, side := range [][3]string{{"wu", "street", "92"}, {"li", "provider", "90"}, {"chen", "residents", "95"}, {"jian", "independent", "80"}} {
		if i == 3 {
			w.at("li", w.contract)
			w.says(T(w.lang, "contract.next.assess", T(w.lang, "assess.side.independent")))
		}
		w.does(side[0], w.contract, "assess", "phase", "end", "side", side[1], "points", side[2], "note", w.in("按评分表", "By the score sheet"))
	}
	w.says("90.1")
	w.does("wu", w.contract, "pay-ask", "kind", "last", "amount", "28.50", "bank", "bank.basic", "invoice", "FP-2", "purpose", w.in("尾款", "Last part"))
	payment := w.paymentSent("28.50")
	w.does("li", payment, "pay-debited", "day", w.day(0), "ref", "20260925-9")
	w.says(T(w.lang, "pay.state.paid"))
}

// isClosed: what was not needed goes back to its public payer and stays in the fund of gifts; the project ends, its final account is published.
func (w *needWalk) isClosed() {
	w.Helper()
	w.approves("chen", w.does("li", w.contract, "contract-close", "day", w.day(0), "surplus", "back"))
	w.approves("qian", w.does("li", w.contract, "source-back", "day", w.day(0), "source", "2", "bank", "bank.basic", "ref", "20260925-10"), "20.00")
	w.approves("chen", w.does("li", w.project, "project-end", "day", w.day(0)))
	w.at("li", w.project)
	w.says("570.00", "380.00", "20.00")
	w.does("li", w.project, "project-publish", "day", w.day(0), "where", w.in("社区公告栏", "Notice board of the community"))
	w.look("account", deskWidth)
	w.public = w.link(`a[href^="/projects/"]:not([href$="/account"])`)
	w.o.followed()
}

// streetAnswers: the street tells residents that the need is met, and the organisation's mark stands in the directory.
func (w *needWalk) streetAnswers() {
	w.Helper()
	w.does("wu", w.need, "need-finish", "answer", w.in("三栋的扶手装好了，谢谢您提出来。", "The rails in house 3 are up. Thank you for asking."))
	w.says(T(w.lang, "need.state.done"))
	w.open(w.payee)
	w.says("90.1")
}

// everybodyReads: the board ranks project and organisation, the need's page leads to the project, the project to its invoice, the payment says what it was made of, and the donor's page names the invoice.
func (w *needWalk) everybodyReads() {
	w.Helper()
	w.is("")
	w.open(boardPath)
	w.says(w.in("楼道扶手", "Handrails for house 3"), w.in("向阳社工服务中心", "Sunrise Social Work Centre"), "90.10")
	w.open(w.asked)
	w.says(w.in("扶手装好了", "The rails in house 3 are up"))
	w.press(`a[href="` + w.public + `"]`)
	w.press(`a[href="` + w.asked + `"]`)
	w.open(w.public)
	w.says(w.in("网上捐赠", "Gifts on line"), w.in("石坪桥街道办事处", "Shiping Bridge street office"), "44", "FP-1", "570.00", "380.00", "90.1")
	w.shows(w.public + "/photo?n=0")
	w.look("project", phoneWidth)
	w.open("/payments/1")
	w.says("921.50", "FP-1", "552.90", "368.60")
	w.look("paid", phoneWidth)
	w.open("/f/YG")
	w.says(w.in("楼道扶手", "Handrails for house 3"))
	w.open("/g/" + giving.Ref(w.o.book, w.gift))
	w.says(fmt.Sprintf(w.in("发票 FP-1 · %s", "Invoice FP-1 · %s"), w.in("向阳社工服务中心", "Sunrise Social Work Centre")), w.in("楼道扶手", "Handrails for house 3"), "20.00")
	w.look("gift", phoneWidth)
}
