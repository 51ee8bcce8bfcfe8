package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/recon"
)

func formWith(pairs ...string) url.Values {
	form := url.Values{"form": {uuid.Must(uuid.NewV7()).String()}}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// The accountant checks, sees what is red and why, lets it pass with a reason and asks; the approver reads exactly that report and
// closes; nobody opens it again. The year is closed likewise, and its entries are not taken back one by one.
func TestClosingInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen, wu := o.as("li"), o.as("chen"), o.as("wu")
	month := ledger.Month(o.book.Day(o.now)).AddDate(0, -1, 0)
	name := month.Format("2006-01")
	path := monthPath + "?month=" + name
	for _, p := range []string{checksPath, path, yearsPath} {
		if a := wu.get(p); a.status != http.StatusForbidden {
			t.Errorf("a street reads %s: %d", p, a.status)
		}
	}
	if a := chen.post(checksPath, formWith()); a.status != http.StatusForbidden {
		t.Errorf("who approves runs checks: %d", a.status)
	}
	li.wants(li.get(checksPath), http.StatusOK, "还没有检查", "C24", "公开与备案的期限没有超过")
	li.wants(li.post(path, formWith("act", "close-month")), http.StatusUnprocessableEntity, "C06：请先处理")
	li.wants(li.post(checksPath, formWith()), http.StatusSeeOther)
	li.wants(li.get(checksPath), http.StatusOK, "正常", "没有这类业务")
	// A transit that nobody clears: red, with its row and what to do.
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		g := o.funds[1].ID
		_, err := ledger.PostOne(ctx, tx, o.book, ledger.Entry{Kind: ledger.KindPayment, EffectiveOn: month.AddDate(0, 0, 3), Actor: uuid.New(), Lines: []ledger.Line{
			ledger.Debit(ledger.Leaf{Chart: "pay.transit", Fund: g}, 12_00), ledger.Credit(ledger.Leaf{Chart: "bank.basic", Fund: g}, 12_00)}})
		return err
	})
	li.wants(li.post(checksPath, formWith()), http.StatusSeeOther)
	li.wants(li.get(checksPath), http.StatusOK, "2 项不符", "pay.transit", "12.00", "在网银里查这笔付款")
	li.wants(li.get("/console/periods"), http.StatusOK, "查看报告，正式结账", path)
	li.wants(li.get(path), http.StatusOK, "还要处理的", "C10", "E7", "仍要结账的理由", "各基金月末")
	li.wants(li.post(path, formWith("act", "close-month", "waive_C10", "银行周一入账")), http.StatusUnprocessableEntity, "E7：请先处理", "银行周一入账")
	form := formWith("act", "close-month", "waive_C10", "银行周一入账", "waive_E7", "同上")
	asked := li.post(path, form)
	li.wants(asked, http.StatusSeeOther)
	if again := li.post(path, form); again.to != asked.to {
		t.Errorf("the form again leads to %s (%d)", again.to, again.status)
	}
	li.wants(li.decides(asked.to, "approve", ""), http.StatusForbidden)
	page := chen.get(asked.to)
	chen.wants(page, http.StatusOK, "正式结账到 "+name, "银行周一入账", "打开结账报告")
	_, at, _ := strings.Cut(page.text, `href="`+monthPath+`?month=`+name+`&report=`)
	report, _, _ := strings.Cut(at, `"`)
	chen.wants(chen.get(path+"&report="+report), http.StatusOK, "等待批准", "SHA-256", "银行周一入账", "还没有公开日志")
	chen.wants(chen.get(path+"&report="+uuid.NewString()), http.StatusNotFound)
	chen.wants(chen.decides(asked.to, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(path), http.StatusOK, "正式结账", "批准人", "银行周一入账")
	li.wants(li.get("/console/periods"), http.StatusOK, name, "正式结账")
	li.wants(li.post("/console/periods", formWith("month", name, "reason", "漏记")), http.StatusConflict, "已正式结账，不能再打开")
	// Asked again, and late: refused in words.
	li.wants(li.post(path, formWith("act", "close-month")), http.StatusConflict, "已正式结账")
	ongoing := ledger.Month(o.book.Day(o.now)).Format("2006-01")
	li.wants(li.get(monthPath+"?month="+ongoing), http.StatusConflict, "还没有过完")
}

func TestYearEndInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen := o.as("li"), o.as("chen")
	last := o.book.Day(o.now).Year() - 1
	year := yearsPath + "?year=" + ISODay(ledger.Day(last, 1, 1))[:4]
	li.wants(li.get(year), http.StatusOK, "没有要结转的")
	book := func(day int, amount int64) {
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			g := o.funds[1].ID
			_, err := ledger.PostOne(ctx, tx, o.book, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: ledger.Day(last, 6, day), Actor: uuid.New(), Lines: []ledger.Line{
				ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: g}, amount), ledger.Credit(ledger.Leaf{Chart: chart.ID(o.funds[1].Class("gift")), Fund: g}, amount)}})
			return err
		})
	}
	book(1, 88_00)
	li.wants(li.get(year), http.StatusOK, "待结转", "88.00", "4101", "申请年终结转")
	asked := li.post(year, formWith("act", "year-close"))
	li.wants(asked, http.StatusSeeOther)
	book(2, 11_00)
	chen.wants(chen.decides(asked.to, "approve", ""), http.StatusConflict) // not what was read
	asked = li.post(year, formWith("act", "year-close"))
	chen.wants(chen.get(asked.to), http.StatusOK, "99.00")
	chen.wants(chen.decides(asked.to, "approve", ""), http.StatusSeeOther)
	page := li.get(year)
	li.wants(page, http.StatusOK, "已结转", "整年撤销结转")
	_, entry, _ := strings.Cut(page.text, `href="/console/entries/`)
	entry, _, _ = strings.Cut(entry, `"`)
	li.wants(li.get("/console/entries/"+entry), http.StatusOK, "年终结转")
	li.wants(li.post("/console/entries/"+entry+"/reverse", formWith("day", ISODay(o.book.Day(o.now)), "reason", "误记")), http.StatusConflict, "不能单独冲销")
	li.wants(li.post(year, formWith("act", "year-undo")), http.StatusUnprocessableEntity, "撤销理由")
	undo := li.post(year, formWith("act", "year-undo", "reason", "补记一张"))
	chen.wants(chen.get(undo.to), http.StatusOK, "补记一张")
	chen.wants(chen.decides(undo.to, "approve", ""), http.StatusSeeOther)
	li.wants(li.get(year), http.StatusOK, "待结转", "99.00")
	li.wants(li.get(yearsPath+"?year="+ISODay(ledger.Day(last+1, 1, 1))[:4]), http.StatusConflict, "还没有过完")
}

// A day that is over is closed for now by a form, as often as it is sent; what is booked on it later is shown as late. A day that is not over is refused, and so is
// who does not book.
func TestADayIsClosedByHand(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen := o.as("li"), o.as("chen")
	const path = "/console/periods/day"
	yesterday := o.book.Day(o.now).AddDate(0, 0, -1)
	li.wants(li.get("/console/periods"), http.StatusOK, "还没有软结账的日子", "某一天暂时结账")
	chen.lacks(chen.get("/console/periods"), "某一天暂时结账")
	chen.wants(chen.post(path, formWith("day", ISODay(yesterday))), http.StatusForbidden)
	li.wants(li.post(path, formWith("day", ISODay(o.book.Day(o.now)))), http.StatusUnprocessableEntity, "这一天还没有过完")
	li.wants(li.post(path, formWith("day", "昨天")), http.StatusUnprocessableEntity)
	for range 2 {
		li.wants(li.post(path, formWith("day", ISODay(yesterday))), http.StatusSeeOther)
	}
	li.lacks(li.get("/console/periods"), "还没有软结账的日子", "43.21")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		g := o.funds[1].ID
		_, err := ledger.PostOne(ctx, tx, o.book, ledger.Entry{Kind: ledger.KindPayment, EffectiveOn: yesterday, Actor: uuid.New(), Lines: []ledger.Line{
			ledger.Debit(ledger.Leaf{Chart: "pay.transit", Fund: g}, 43_21), ledger.Credit(ledger.Leaf{Chart: "bank.basic", Fund: g}, 43_21)}})
		return err
	})
	li.wants(li.get("/console/periods"), http.StatusOK, ISODay(yesterday), "43.21")
}

func TestClosingLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	month := ledger.Month(o.book.Day(o.now)).AddDate(0, -1, 0)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		g := o.funds[1].ID
		for _, day := range []ledger.Entry{{EffectiveOn: month.AddDate(0, 0, 3)}, {EffectiveOn: ledger.Day(month.Year()-1, 6, 1)}} {
			day.Kind, day.Actor = ledger.KindPayment, uuid.New()
			day.Lines = []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "pay.transit", Fund: g}, 1_234_567_12), ledger.Credit(ledger.Leaf{Chart: chart.ID(o.funds[1].Class("gift")), Fund: g}, 1_234_567_12)}
			if _, err := ledger.PostOne(ctx, tx, o.book, day); err != nil {
				return err
			}
		}
		return recon.SoftClose(ctx, tx, o.book, o.book.Day(o.now).AddDate(0, 0, -1), nil, o.now)
	})
	li.wants(li.post(checksPath, formWith()), http.StatusSeeOther)
	path := monthPath + "?month=" + month.Format("2006-01")
	asked := li.post(path, formWith("act", "close-month", "waive_C10", "银行周一入账，已打电话问过开户行，回单周二来", "waive_E7", "同上", "waive_C07", "x"))
	li.wants(asked, http.StatusSeeOther)
	year := yearsPath + "?year=" + ISODay(ledger.Day(month.Year()-1, 1, 1))[:4]
	o.looks(t, "closing", [][3]string{{"li", "checks", checksPath}, {"li", "periods", "/console/periods"}, {"li", "month", path}, {"chen", "request", asked.to}, {"li", "year", year}})
}
