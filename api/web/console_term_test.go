package web

import (
	"net/http"
	"slices"
	"testing"

	"sunfund/ledger"
	"sunfund/ledger/recon"
)

// What a processor keeps, how long its money takes and on which days banks rest is asked for by one person and approved by another; until then nothing holds. The
// hours of the headline hold at once. The page tells who changed what.
func TestTermsInTheConsole(t *testing.T) {
	t.Parallel()
	o, _, _ := newOfflineOffice(t)
	li, chen, wu := o.as("li"), o.as("chen"), o.as("wu")
	wu.wants(wu.get(termsPath), http.StatusForbidden)
	page := li.get(termsPath)
	li.wants(page, http.StatusOK, "还没有账户", "银行周一到周五工作", "提现应到而未到", "银行工作日", "登记休息日或调休")
	li.lacks(page, "更改约定")
	li.addsSource("1", "微信交易账单", "processor", "wechat-trade", "")
	li.wants(li.get(termsPath), http.StatusOK, "没有约定：按次日到账", "更改约定")
	chen.lacks(chen.get(termsPath), "更改约定", "更改时限")
	chen.wants(chen.step(termsPath, "recon-hours", "hours", "48"), http.StatusForbidden)

	term := func(from, days, rate, fixed string) []string {
		return []string{"source", "1", "due-from", from, "days", days, "rate", rate, "fixed", fixed, "dispute", "0", "reason", "新合同"}
	}
	for _, c := range []struct {
		sent []string
		said string
	}{
		{term("2026-09-01", "61", "0.6", "0"), "到账天数最多 60 天"}, {term("2026-09-01", "1", "100.1", "0"), "费率是 0 到 100 的数"}, {term("2026-09-01", "1", "0.60001", "0"), "费率是 0 到 100 的数"},
		{term("昨天", "1", "0.6", "0"), "日期"}, {append(term("2026-09-01", "1", "0.6", "0")[2:], "source", "7"), "账户"}, {term("2026-09-01", "1", "0.6", "0")[:12], "理由"},
	} {
		li.wants(li.step(termsPath, "recon-term", c.sent...), http.StatusUnprocessableEntity, c.said)
	}
	asked := li.stepped(termsPath, "recon-term", term("2026-09-01", "2", "0.6", "0.10")...)
	li.wants(li.decides(asked, "approve", ""), http.StatusForbidden)
	chen.wants(chen.get(asked), http.StatusOK, "微信交易账单", "到账天数", "0.6", "新合同")
	li.wants(li.get(termsPath), http.StatusOK, "没有约定") // asked, not approved
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(termsPath), http.StatusOK, "2026-09-01", "0.6%", "0.10", "现行", "2 天到账", "李会计", "陈审批")
	li.wants(li.step(termsPath, "recon-term", term("2026-09-01", "1", "0.5", "0")...), http.StatusUnprocessableEntity, "最新一条约定从 2026-09-01 起")
	terms, err := recon.Terms(t.Context(), o.db, o.book)
	if err != nil || len(terms) != 1 || terms[0].RatePPM != 6000 || terms[0].Fixed != 10 || terms[0].SettleDays != 2 || terms[0].MadeBy != o.personID("li") {
		t.Errorf("%+v, %v", terms, err)
	}
	// Sums are in the account's own currency, which has no cents here.
	li.stepped(statementsPath, "statement-source", "name", "东京账户", "kind", "processor", "format", "csv", "currency", "JPY")
	yen := []string{"source", "2", "due-from", "2026-09-01", "days", "2", "rate", "0.6", "dispute", "1500", "reason", "新合同"}
	for _, wrong := range []string{"30.50", "-30", "x"} {
		li.wants(li.step(termsPath, "recon-term", append(yen, "fixed", wrong)...), http.StatusUnprocessableEntity, "金额")
	}
	asked = li.stepped(termsPath, "recon-term", append(yen, "fixed", "30")...)
	chen.wants(chen.get(asked), http.StatusOK, "东京账户 · JPY", "<dd>30</dd>", "<dd>1500</dd>")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	terms, err = recon.Terms(t.Context(), o.db, o.book)
	if i := slices.IndexFunc(terms, func(t recon.Term) bool { return t.SourceID == 2 }); err != nil || i < 0 || terms[i].Fixed != 30 || terms[i].DisputeFee != 1500 {
		t.Errorf("%+v, %v", terms, err)
	}
	// Two requests for one day: the second is refused when it is decided.
	one, two := li.stepped(termsPath, "recon-term", term("2027-01-01", "3", "0.5", "0")...), li.stepped(termsPath, "recon-term", term("2027-01-01", "4", "0.5", "0")...)
	chen.wants(chen.decides(one, "approve", ""), http.StatusSeeOther)
	if a := chen.decides(two, "approve", ""); a.status != http.StatusConflict {
		t.Errorf("terms of a day that has some: %d", a.status)
	}
	li.wants(li.get(termsPath), http.StatusOK, "还没有生效", "现行")

	li.wants(li.step(termsPath, "recon-bank-day", "due-from", "2026-10-08", "due-to", "2026-10-01", "open", "no", "reason", "国庆"), http.StatusUnprocessableEntity, "最后一天不能早于第一天")
	asked = li.stepped(termsPath, "recon-bank-day", "due-from", "2026-10-01", "due-to", "2026-10-07", "open", "no", "reason", "国庆")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	chen.wants(chen.decides(li.stepped(termsPath, "recon-bank-day", "due-from", "2026-10-10", "due-to", "2026-10-10", "open", "yes", "reason", "国庆调休"), "approve", ""), http.StatusSeeOther)
	li.wants(li.get(termsPath), http.StatusOK, "2026-10-07", "星期三", "休息", "2026-10-10", "星期六", "国庆调休")
	days, err := recon.BankDays(t.Context(), o.db, o.book, ledger.Day(2026, 10, 1))
	if err != nil || !days.After(ledger.Day(2026, 9, 30), 3).Equal(ledger.Day(2026, 10, 10)) {
		t.Errorf("three banking days after 30 September: %s, %v", days.After(ledger.Day(2026, 9, 30), 3), err)
	}

	for _, hours := range []string{"0", "721", "x"} {
		li.wants(li.step(termsPath, "recon-hours", "hours", hours), http.StatusUnprocessableEntity)
	}
	li.stepped(termsPath, "recon-hours", "hours", "48")
	li.wants(li.get(termsPath), http.StatusOK, "<dd>48</dd>", "改了说明时限")
	if hours, err := recon.ExplainHours(t.Context(), o.db, o.book); err != nil || hours != 48 {
		t.Errorf("%d hours, %v", hours, err)
	}
}

func TestTermsLook(t *testing.T) {
	t.Parallel()
	o, _, _ := newOfflineOffice(t)
	li, chen := o.as("li"), o.as("chen")
	o.looks(t, "terms-empty", [][3]string{{"li", "list", termsPath}})
	li.addsSource("1", "微信支付交易账单（名字特别特别长的一个账户）", "processor", "wechat-trade", "")
	asked := li.stepped(termsPath, "recon-term", "source", "1", "due-from", "2026-09-01", "days", "2", "rate", "0.6", "fixed", "0.10", "dispute", "0", "reason", "新合同")
	chen.wants(chen.decides(asked, "approve", ""), http.StatusSeeOther)
	asked = li.stepped(termsPath, "recon-bank-day", "due-from", "2026-10-01", "due-to", "2026-10-07", "open", "no", "reason", "国庆")
	o.looks(t, "terms", [][3]string{{"li", "list", termsPath}, {"chen", "request", asked}})
}
