package web

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"

	"sunfund/ledger/giving"
)

// rules sends the form of what the book asks of gifts.
func rules(least, days, currencies string) url.Values {
	return url.Values{"form": {uuid.NewString()}, "least": {least}, "days": {days}, "currencies": {currencies}}
}

// An admin says what every gift has to be; the public form holds to it and names the field that does not fit.
func TestRulesOfGifts(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	guan, li, donor := o.as("guan"), o.as("li"), o.browser()
	o.gift("", 1_00)
	guan.wants(guan.get("/console/settings"), http.StatusOK, giftRulesPath)
	guan.wants(guan.get(giftRulesPath), http.StatusOK, `name="least"`, `value="7"`)
	li.lacks(li.get(giftRulesPath), `name="least"`)
	li.wants(li.post(giftRulesPath, rules("5", "7", "")), http.StatusForbidden)
	guan.wants(guan.post(giftRulesPath, rules("x", "61", "USD 5")), http.StatusUnprocessableEntity, "每笔最低金额：", "请填写 1 到 60", "“USD 5”不行", `value="x"`)
	guan.wants(guan.post(giftRulesPath, rules("", "7", "CNY 1 2")), http.StatusUnprocessableEntity, "不写 CNY")
	guan.wants(guan.post(giftRulesPath, rules("", "7", "USD 1 2\nusd 1 3")), http.StatusUnprocessableEntity, "收哪些外币：")
	guan.wants(guan.post(giftRulesPath, rules("5", "10", "usd 1 5000\nJPY 100 500000")), http.StatusSeeOther)
	guan.wants(guan.get(giftRulesPath), http.StatusOK, `value="5.00"`, "USD 1.00 5000.00", "JPY 100 500000", "还没有汇率")
	guan.wants(guan.get("/console/audit"), http.StatusOK, "修改捐赠规则")

	give := func(amount, other, ccy string) url.Values {
		return url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {ccy}, "amount": {amount}, "other": {other}}
	}
	donor.lacks(donor.get("/c/space/give"), "美元")
	donor.wants(donor.get("/c/space/give"), http.StatusOK, "5.00")
	donor.wants(donor.post("/c/space/give", give("other", "4.99", "CNY")), http.StatusUnprocessableEntity, "最少 5.00")
	donor.wants(donor.post("/c/space/give", give("other", "10", "USD")), http.StatusUnprocessableEntity, "币种：这里只收")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		return giving.SetRate(ctx, tx, o.book, giving.Rate{Currency: "USD", Day: o.book.Day(o.now), Rate: decimal.RequireFromString("7.1")})
	})
	donor.wants(donor.get("/c/space/give"), http.StatusOK, "美元", `name="currency"`)
	donor.wants(donor.post("/c/space/give", give("20.00", "", "USD")), http.StatusUnprocessableEntity, "列出的金额是 CNY")
	donor.wants(donor.post("/c/space/give", give("other", "0.5", "USD")), http.StatusUnprocessableEntity, "selected")
	paid := donor.post("/c/space/give", give("other", "10", "USD"))
	donor.wants(paid, http.StatusSeeOther)
	donor.wants(donor.get(paid.to), http.StatusOK, "10.00", "美元", "0.43")
}

// TestGiftRulesLook opens the page and the form of several currencies in both languages, on a phone and on a desk, and keeps pictures.
func TestGiftRulesLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	guan := o.as("guan")
	guan.wants(guan.post(giftRulesPath, rules("5", "10", "usd 1 5000\nJPY 100 500000")), http.StatusSeeOther)
	o.gift("", 5_00)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		return giving.SetRate(ctx, tx, o.book, giving.Rate{Currency: "USD", Day: o.book.Day(o.now), Rate: decimal.RequireFromString("7.1")})
	})
	ctx := browser(t)
	o.signInBrowser(ctx, "guan")
	for name, path := range map[string]string{"rules": giftRulesPath, "form": "/c/space/give"} {
		inspect(ctx, t, bothHeard, "gift-"+name, o.url+path)
	}
}
