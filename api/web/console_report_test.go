package web

import (
	"context"
	"errors"
	"html"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

// The accountant reads a statement, opens a figure down to the entry, and takes it away as a file; an officer sees her own funds' only.
func TestReportsInTheConsole(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, wu, shen := o.as("li"), o.as("wu"), o.as("shen")
	const sheet = "/console/reports/sheet?report="
	li.wants(li.get(reportsPath), http.StatusOK, "资产负债表", "会民非02表", "英国准则", sheet+"cn2026-cash")
	page := li.get(sheet + "cn2026-balance&to=2026-09-30")
	li.wants(page, http.StatusOK, "货币资金", "57,700.00", "相符", "会民非01表", "编制单位", "format=xlsx")
	li.lacks(page, "不符", "format=pdf") // no font is installed
	li.wants(shen.get(sheet+"cn2026-activities&from=2026-09-01&to=2026-09-30"), http.StatusOK, "本月数", "业务活动成本", "300.00", "相符")
	li.wants(li.get(sheet+"cn2004-activities&to=2026-09-30"), http.StatusOK, "三、限定性净资产转为非限定性净资产", "相符")
	link := regexp.MustCompile(`/console/reports/figure\?[^"]*row=monetary[^"]*`).FindString(page.text)
	figure := li.get(strings.ReplaceAll(link, "&amp;", "&"))
	li.wants(figure, http.StatusOK, "货币资金", "1002.01", "49,900.00", "7,800.00", "57,700.00")
	account := regexp.MustCompile(`/console/accounts/[0-9]+\?[^"]*`).FindString(figure.text)
	lines := li.get(strings.ReplaceAll(account, "&amp;", "&"))
	li.wants(lines, http.StatusOK, "/console/entries/"+o.entry.String())
	li.attach("entry:"+o.entry.String(), "发票.png", scan) // and from there the voucher with its paper
	voucher := li.get("/console/entries/" + o.entry.String())
	li.wants(voucher, http.StatusOK, "发票.png", "记账凭证")
	if file := li.get(regexp.MustCompile(papersPath + `/[0-9a-f-]{36}`).FindString(voucher.text)); file.text != string(scan) {
		t.Errorf("the source file is %d of %d bytes", len(file.text), len(scan))
	}
	li.wants(page, http.StatusOK, `class="sheet-title on-paper">资产负债表`, "单位负责人 ____", "财务负责人 ____") // as it prints
	for format, begins := range map[string]string{"xlsx": "PK", "csv": "\ufeff资产负债表", "json": "{"} {
		if a := li.get(sheet + "cn2026-balance&to=2026-09-30&format=" + format); a.status != http.StatusOK || !strings.HasPrefix(a.text, begins) {
			t.Errorf("%s: %d %.40q", format, a.status, a.text)
		}
	}
	li.wants(li.get(sheet+"cn2026-balance&format=pdf"), http.StatusNotImplemented, "字体")
	li.wants(li.get(sheet+"cn2026-balance&to=2026-09-30&at=2020-01-01"), http.StatusOK, "截至记账时刻")
	li.lacks(li.get(sheet+"cn2026-balance&to=2026-09-30&at=2020-01-01"), "57,700.00")
	li.wants(li.get(sheet+"cn2026-balance&at=gestern"), http.StatusUnprocessableEntity, "请写日期或时刻")
	li.wants(li.get(sheet+"cn2026-cash&from=2026-09-30&to=2026-09-01"), http.StatusUnprocessableEntity, "结束日期不能早于开始日期")
	li.wants(li.get(sheet+"nothing"), http.StatusNotFound)
	li.wants(li.get(figurePath+"?report=cn2026-balance&row=current&column=closing"), http.StatusNotFound) // a heading has no figure

	li.wants(li.get(reportsPath), http.StatusOK, "银行存款余额调节表", "支付机构对账表", "关联方清单", "捐赠人对账单")
	li.wants(li.get(sheet+"bank&to=2026-09-30"), http.StatusOK, "还没有本位币对账单可以核对", "1009.03", "逐笔合计 = 账面余额")
	wu.lacks(wu.get(reportsPath), "余额调节表", "关联方", "捐赠人对账单")
	for _, whole := range []string{"bank", "processor", "related", "donor"} {
		wu.wants(wu.get(sheet+whole), http.StatusNotFound)
	}
	li.wants(li.get(sheet+"donor"), http.StatusNotFound) // from the donor's page alone

	own := wu.get(sheet + "cn2026-balance&to=2026-09-30")
	wu.wants(own, http.StatusOK, "49,900.00", "本人管理的基金", "相符")
	wu.lacks(own, "57,700.00", "谢家湾")
	wu.wants(wu.get(sheet+"cn2026-balance&fund="+o.fundOf(2)), http.StatusNotFound)
	wu.lacks(wu.get(figurePath+"?report=cn2026-balance&row=monetary&column=closing&to=2026-09-30"), "7,800.00", "谢家湾")
	if a := o.as("guan").get(reportsPath); a.status != http.StatusForbidden {
		t.Errorf("who keeps the accounts of people reads reports: %d", a.status)
	}
}

// Every report that accounts make has figures that open: each page has the figure and parts that add up to it, and each part's page the account with these lines.
func TestEveryFigureOpens(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	day := o.book.Day(o.now)
	for _, pair := range [][2]chart.ID{{"bank.basic", "grant.r"}, {"enc", "enc.contra"}, {"prepay", "bank.basic"}, {"stock.goods", "gift.r"}, {"bank.agency", "agency.l"}, {"pledge", "pledge.contra"}, {"subsidy", "subsidy.contra"},
		{"match.pledged", "match.contra"}, {"program.r", "ap"}} {
		o.post(ledger.KindVoucher, day, "构成", o.debit(pair[0], 1, 12_345), o.credit(pair[1], 1, 12_345))
	}
	li, wu := o.as("li"), o.as("wu")
	link := regexp.MustCompile(`href="(/console/reports/figure\?[^"]*)">([0-9,.−-]+)<`)
	part := regexp.MustCompile(`href="(/console/accounts/[0-9]+\?[^"]*)"`)
	opens := map[string]int{}
	for _, s := range reports.Sheets(chart.CN2026) {
		if s.Donor || s.Form != nil && s.Form.Regime == chart.CN2004 {
			continue
		}
		page := li.get(reportPath + "?report=" + s.ID + "&to=" + ISODay(day))
		links := link.FindAllStringSubmatch(page.text, -1)
		opens[s.ID] = len(links)
		for i, m := range links {
			if i%5 != 0 { // TestHledgerAddsUpTheDemosYear opens them all
				continue
			}
			figure := li.get(html.UnescapeString(m[1]))
			li.wants(figure, http.StatusOK, m[2], "构成")
			if account := part.FindStringSubmatch(figure.text); i == 0 && account != nil {
				li.wants(li.get(html.UnescapeString(account[1])), http.StatusOK, "/console/entries/")
			}
		}
	}
	for _, id := range strings.Fields("cn2026-balance us-position uk-sofa funds sources agency encumbrances payables match pledges letters in-kind notes us-functional us-net-assets us-liquidity uk-funds") {
		if opens[id] == 0 {
			t.Errorf("no figure of %s opens", id)
		}
	}
	figure := figurePath + "?report=funds&row=XJW&column=closing&to=" + ISODay(day)
	li.wants(li.get(figure), http.StatusOK, "7,800.00", "谢家湾")
	li.wants(li.get(figure+"&at=2026-09-07"), http.StatusOK, "明细账按现在的记录列示")
	wu.lacks(wu.get(figure), "7,800.00", "谢家湾") // another street's
	for _, none := range []string{"&row=XJW&column=fund", "&row=XJW&column=closing&table=7", "&row=NO&column=closing", "&row=XJW&column=closing&table=-1"} {
		li.wants(li.get(figurePath+"?report=funds"+none), http.StatusNotFound)
	}
	li.wants(li.get(figurePath+"?report=receipts&row=total&column=amount"), http.StatusNotFound) // no account has receipts
}

func TestReportsLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	day := o.book.Day(o.now)
	o.post(ledger.KindVoucher, day, "街道配套到账", o.debit("bank.basic", 1, 2_194_087), o.credit("grant.r", 1, 2_194_087))
	o.post(ledger.KindVoucher, day, "企业捐赠", o.debit("bank.online", 2, 1_000_000_00), o.credit("gift.r", 2, 1_000_000_00))
	looks := [][3]string{{"li", "list", reportsPath}}
	for _, s := range reports.Sheets(chart.CN2026) {
		if s.Donor {
			continue
		}
		looks = append(looks, [3]string{"li", s.ID, reportPath + "?report=" + s.ID + "&to=2026-09-30"})
	}
	looks = append(looks, [3]string{"li", "figure", figurePath + "?report=cn2026-balance&row=assets&column=closing&to=2026-09-30"}, [3]string{"li", "figure-fund", figurePath + "?report=funds&row=SPQ&column=available&to=2026-09-30"}, [3]string{"wu", "own", reportPath + "?report=cn2026-activities&to=2026-09-30"})
	o.looks(t, "report", looks)
}

// A donor's statement has gifts, refunds and what they paid; who may not read a donor's record has none of it, and reading is on record.
func TestDonorStatement(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	donor := o.mailed("王芳", "wang@example.org", "")
	o.mailed("Wang Fang", "WANG@example.org", "")
	o.mailed("李强", "li@example.org", "")
	page := donorHref(donor) + "/statement"
	li := o.as("li")
	li.wants(li.get(donorHref(donor)), http.StatusOK, page)
	a := li.get(page)
	li.wants(a, http.StatusOK, "捐赠人对账单", "王芳", "60.00", "用到哪里", "本表不是票据", "format=csv")
	li.lacks(a, "李强", "90.00", `name="fund"`)
	li.wants(li.get(page+"?to=2020-01-01"), http.StatusOK, "这个范围里没有数据")
	li.wants(a, http.StatusOK, `name="at"`)
	then := li.get(page + "?at=2020-01-01T12:00:00") // before anything was recorded
	li.wants(then, http.StatusOK, "王芳", "捐赠、退款、票据按所选时刻", "2020-01-01 12:00:00")
	li.lacks(then, "60.00")
	li.wants(li.get(page+"?at=yesterday"), http.StatusUnprocessableEntity, "wrong")
	sheet := li.get(page + "?format=csv")
	if li.wants(sheet, http.StatusOK, "王芳", "60.00"); strings.Contains(sheet.head.Get("Content-Disposition"), "王") {
		t.Errorf("%s", sheet.head)
	}
	related := li.get(reportPath + "?report=related")
	li.wants(related, http.StatusOK, "捐赠最多的", "60.00", page[:len(page)-len("/statement")-36])
	li.lacks(related, "王芳")
	chen := o.as("chen")
	chen.wants(chen.get(page), http.StatusForbidden)
	o.now = o.now.Add(staff.FreshFor + time.Minute)
	li.lacks(li.get(page), "王芳")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		events, err := staff.Events(ctx, tx, o.book.ID, staff.EventFilter{What: "personal", Object: "donor:" + donor.String()})
		if len(events) < 4 || events[0].What != "personal.read" {
			t.Errorf("%+v", events)
		}
		return err
	})
}

// A donor's statement as of a moment keeps what it said, whatever was given, given back or given a receipt since.
func TestDonorStatementOfAMoment(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	donor := o.mailed("王芳", "wang@example.org", "")
	sheets := reports.Sheets(o.book.Regime)
	sheet := sheets[slices.IndexFunc(sheets, func(s reports.Sheet) bool { return s.Donor })]
	ctx := pg.WithBook(t.Context(), o.book.ID)
	says := func(recorded time.Time) (rows [][]reports.Row) {
		r, err := sheet.Make(ctx, o.bare, o.book, reports.Request{To: o.book.Day(o.now), Recorded: recorded, Now: o.now, Lang: "en", Donor: donor})
		o.must(err)
		for _, table := range r.Tables {
			rows = append(rows, table.Rows)
		}
		return rows
	}
	then := says(time.Time{})
	var at time.Time
	o.must(o.db.QueryRow(t.Context(), `select clock_timestamp()`).Scan(&at))
	ref := then[0][0].Cells[0].To.ID
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.BookRefunds(ctx, tx, o.book, []giving.Refunded{{GiftID: uuid.MustParse(ref), Amount: 10_00, RefundedAt: o.now, Channel: giving.Bank, Ref: "back"}})
		return errors.Join(err, out[0].Err)
	})
	now := says(time.Time{})
	if now[0][0].Cells[5].Minor != 10_00 || now[0][0].Cells[6].Minor != 20_00 {
		t.Errorf("after the refund: %+v", now[0])
	}
	o.mailed("王芳", "wang@example.org", "")
	if more := says(time.Time{}); len(more[0]) != len(then[0])+1 {
		t.Errorf("after one more gift: %+v", more[0])
	}
	if was := says(at); !reflect.DeepEqual(was[0], then[0]) || !reflect.DeepEqual(was[1][len(was[1])-1], then[1][len(then[1])-1]) {
		t.Errorf("said %+v, and as of then %+v", then, was)
	}
}
