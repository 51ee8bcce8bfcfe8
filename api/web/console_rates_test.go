package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// TestConsoleRates enters rates of exchange: what is wrong is told at its field, one far from the last is asked about
// again, and a day's rate stays.
func TestConsoleRates(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	rate := func(day, ccy, rate, source string, more ...string) reply {
		form := url.Values{"day": {day}, "ccy": {ccy}, "rate": {rate}, "source": {source}}
		if len(more) > 0 {
			form.Set("sure", more[0])
		}
		return li.post(ratesPath, form)
	}
	li.wants(li.get(ratesPath), http.StatusOK, "还没有汇率")
	li.wants(rate("2062-01-01", "CNY", "7,1", ""), http.StatusUnprocessableEntity, "记账本位币，不用汇率", "最多八位小数", "来源：请写明", `value="7,1"`)
	li.wants(rate("2026-09-01", "XYZ", "0", "行情"), http.StatusUnprocessableEntity, "三个字母的货币代码", "大于零")
	if a := rate("2026-09-01", "usd", "7.1048", "外汇交易中心中间价"); a.status != http.StatusSeeOther {
		t.Fatalf("a good rate: %d", a.status)
	}
	li.wants(rate("2026-09-01", "USD", "7.2", "再来"), http.StatusUnprocessableEntity, "已经登记过")
	li.wants(rate("2026-09-02", "USD", "71.05", "行情"), http.StatusUnprocessableEntity, "和最近一天的 7.1048 相差一成以上", "已经核对")
	li.wants(rate("2026-08-31", "USD", "71.05", "行情"), http.StatusUnprocessableEntity, "和最近一天的 7.1048 相差一成以上")
	if a := rate("2026-09-02", "USD", "71.05", "行情", "yes"); a.status != http.StatusSeeOther {
		t.Errorf("a rate that was checked: %d", a.status)
	}
	li.wants(li.get(ratesPath), http.StatusOK, "7.1048", "外汇交易中心中间价", "71.05", "李")
	r, found, err := giving.RateNear(t.Context(), o.db, o.book, "USD", ledger.Day(2026, time.September, 1))
	if err != nil || !found || !r.Rate.Equal(decimal.RequireFromString("7.1048")) {
		t.Errorf("rate of the day: %v %v %v", r, found, err)
	}
	if a := o.as("shen").get(ratesPath); a.status != http.StatusForbidden && a.status != http.StatusNotFound {
		t.Errorf("an auditor enters rates: %d", a.status)
	}
	trail := o.as("shen").get("/console/audit?what=rate")
	for _, said := range []string{"登记汇率", "汇率 USD-2026-09-02", "汇率：71.05"} {
		if !strings.Contains(trail.text, said) {
			t.Errorf("the audit trail does not say %s", said)
		}
	}
	if strings.Contains(trail.text, "{&#34;") {
		t.Error("the audit trail shows JSON")
	}
}

// TestFilters stand folded behind a link until the address narrows the list.
func TestFilters(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, path := range []string{"/console/entries", "/console/gifts", "/console/accounts", "/console/receipts", "/console/funds", "/console/trial-balance"} {
		if a := o.as("li").get(path); !strings.Contains(a.text, `class="filters fold"`) || !strings.Contains(a.text, `href="#filters"`) {
			t.Errorf("%s: filters are not folded", path)
		}
	}
	li := o.as("li")
	if a := li.get("/console/entries?q=zzz"); strings.Contains(a.text, "fold") {
		t.Error("filters in use are folded")
	}
	if a := li.get("/console/approvals?before=01a20107-0000-7000-8000-000000000000"); !strings.Contains(a.text, "回到第一页") {
		t.Error("no way back to the first page")
	}
}
