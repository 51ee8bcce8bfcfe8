package web

import (
	"fmt"
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestMatchWalk is the walk of an event in a browser: the accountant builds a rule, tries it and asks for it to be published, another person approves, gifts
// come, the live page shows what they reserved, it is paid, and with the seed told it comes out again from what is public.
func TestMatchWalk(t *testing.T) {
	t.Parallel()
	o, campaign, _ := newOfflineOffice(t)
	ctx := browser(t)
	folder := os.Getenv("SUNFUND_SCREENSHOTS")
	look := func(name, path string) {
		t.Helper()
		if folder == "" {
			return // how each page looks is held to by TestMatchLook and TestDayLook
		}
		for _, lang := range []Lang{EN, ZH} {
			for _, width := range []int64{1280, 360} {
				do(ctx, t, chromedp.EmulateViewport(width, 800), chromedp.Navigate(o.url+"/prefs?lang="+string(lang)), chromedp.Navigate(o.url+path), chromedp.WaitVisible(`h1`))
				picture(ctx, t, folder, fmt.Sprintf("match-walk-%s-%s-%d", name, lang, width))
			}
		}
	}
	w := &walker{T: t, ctx: ctx, o: o}
	open, says, set, press, act, where := w.open, w.says, w.set, w.press, w.act, w.where
	second := func(request string) { t.Helper(); w.second("chen", request) }

	o.signInBrowser(ctx, "li")
	do(ctx, t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(o.url+"/prefs?lang=zh-CN"))
	open(matchPath)
	set("match-create-name_zh", "九九公益日", "match-create-name_en", "Giving day", "match-create-code", "nine")
	act(matchCreate)
	event := where()
	says("筹备中", "下一步：编写规则")
	look("draft", event)

	do(ctx, t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(o.url+"/prefs?lang=zh-CN"))
	open(event + "/rule?template=one-to-one")
	day := func(days int) string { return o.now.In(o.book.Zone).AddDate(0, 0, days).Format("2006-01-02T15:04") }
	set("windows[0].from", day(-1), "windows[0].to", day(2), "pools[0].code", "main", "pools[0].funder.zh", "甲公司", "pools[0].funder.en", "Company A", "pools[0].amount", "1,000",
		"caps.gift.amount", "100", "notice_days", "", "holds.per_minute", "", "size", "300")
	press(`button[value="try"]`)
	says("300 笔捐赠", "配捐池何时用完")
	press(`button[value="publish"]`)
	published := where()
	says("公布配捐规则", "甲公司", "1,000.00")
	look("request", published)
	second(published)

	do(ctx, t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(o.url+"/prefs?lang=zh-CN"))
	open(event)
	act("match-open")
	second(where())

	// Somebody has the live page open while gifts come.
	open("/days/nine")
	says("正在配捐", "1,000.00", "还没有赢得配捐的项目")
	o.matched(campaign, 60_00, 300_00)
	do(ctx, t, chromedp.WaitVisible(`.day-rows li`)) // by itself, without a reload
	says("840.00", "已赢得，未结算 160.00", "最新捐赠", "300.00")
	look("live", "/days/nine")

	do(ctx, t, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(o.url+"/prefs?lang=zh-CN"))
	open(event)
	says("每分钟 2 笔捐赠", "没有：开放以来每笔捐赠都已计算", "160.00")
	act(matchClose)
	set("match-settle-bank", "bank.basic", "match-settle-ref", "20260907-9", "match-settle-day", "2026-09-07")
	act("match-settle")
	second(where())
	open(event)
	act("match-return")
	second(where())
	open(event)
	act(matchReveal)
	look("settled", event)
	open("/match/nine")
	says("160.00", "840.00")
	look("public", "/match/nine")

	open("/match/nine/recompute")
	says("相符：每笔捐赠得到的正是规则给的", "正是事先承诺的种子", "2 笔，共 360.00")
	look("recompute", "/match/nine/recompute")
}
