package projects_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
)

// A contract fails in the middle: it is stopped and paid no more, then ended. Part of the advance comes back. The rest is a loss, which the
// general fund makes good; only where an agreement says so the funds bear it themselves.
func TestAdvanceLost(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.basic R 800.00", "C gift.r R 800.00")
	w.post("D bank.basic R1 400.00", "C gift.r R1 400.00")
	id := w.drafted(w.project("R", "1000.00"), projects.Contract{Advance: 300_00}, []src{{"R", projects.AsGift, "600.01"}, {"R1", projects.AsGrant, "399.99"}}, "500.00", "500.00")
	w.do(w.sign(id))
	w.pay(id, projects.ForAdvance, "bank.basic", "300.00")
	off := func(amount, bearer, ref string) func(pgx.Tx) (*giving.Move, error) {
		return w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.WriteOff(w.ctx, tx, w.book, c, w.yuan(amount), bearer, ref, "bank.basic", "承接方已注销，法院裁定无财产", w.day())
		})
	}
	w.refused(giving.ErrStep, off("1.00", projects.LossGeneral, "")) // it is still being worked off
	w.assess(id, projects.Middle, 50, 50, 50, 50)
	w.refused(projects.ErrStopped, w.ask(id, w.accountant, projects.ForStage, "bank.basic", "1.00"))
	w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Terminate(w.ctx, tx, w.book, c, "中期不合格", w.day())
	}))
	w.wants("ar.recover", "R", "180.00")
	w.wants("ar.recover", "R1", "120.00")
	w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Recover(w.ctx, tx, w.book, c, 100_00, "bank.basic", "20260401-1", w.day())
	}))
	w.refused(projects.ErrOpen, w.close(id))                          // 200 are still to come back
	for _, bank := range []chart.ID{"bank.agency", "program.u", ""} { // none in which the association's own money lies
		w.field("transfer.bank.wrong", w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.WriteOff(w.ctx, tx, w.book, c, 1_00, projects.LossGeneral, "", bank, "承接方已注销", w.day())
		}))
	}
	w.field("transfer.bank.wrong", w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Recover(w.ctx, tx, w.book, c, 1_00, "program.u", "20260401-2", w.day())
	}))
	w.field("contract.recover.more", off("200.01", projects.LossGeneral, ""))
	w.field("contract.loss.bearer.wrong", off("1.00", "nobody", ""))
	w.field("offline.text.wrong", off("1.00", projects.LossFund, "")) // by which agreement?
	w.refused(ledger.ErrGuarded, off("150.00", projects.LossGeneral, ""))
	w.post("D bank.basic G 500.00", "C gift.u G 500.00")
	w.do(off("150.00", projects.LossGeneral, ""))
	w.wants("bank.basic", "G", "350.00")
	w.wants("transfer", "G", "150.00")
	w.wants("impair.r", "R", "90.00")
	w.wants("impair.r", "R1", "60.00")
	w.wants("ar.recover", "R", "30.00")
	w.available("R", "770.00") // 800, less 180, back 60 and 90
	w.do(off("50.00", projects.LossFund, "协议〔2026〕1号第 9 条"))
	w.wants("ar.recover", "R", "0.00")
	w.wants("ar.recover", "R1", "0.00")
	w.wants("bank.basic", "G", "350.00")
	w.refused(giving.ErrStep, off("0.01", projects.LossGeneral, ""))
	w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.CloseContract(w.ctx, tx, w.book, c, true, w.day())
	}))
	w.wants("return.due", "R1", "-379.99") // the public source gets back all but what it lost itself
	w.verified()
}
