package web

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

// askedFor has the file at an address made by a run, and gives the run's address.
func (c *client) askedFor(ask string) string {
	c.Helper()
	page := c.get(exportNewPath + "?ask=" + url.QueryEscape(ask))
	c.wants(page, http.StatusOK)
	a := c.post(exportsPath+"?ask="+url.QueryEscape(ask), url.Values{"form": {c.hidden(page, "form")}})
	if a.status != http.StatusSeeOther {
		c.Fatalf("%s is not asked for: %d\n%s", ask, a.status, a.text)
	}
	return a.to
}

// exports makes what was asked for, as the job does.
func (o *office) exports() (made int, err error) {
	for _, lane := range []reports.Lane{reports.BriefLane(), reports.SlowLane()} {
		for err == nil {
			var more bool
			if more, err = reports.WorkExport(o.Context(), o.bare, o.book, func() time.Time { return o.now }, lane, o.pages.WriteExport); !more {
				break
			}
			made++
		}
	}
	return made, err
}

// has has the file at an address made, to its end.
func (c *client) has(ask string) string {
	c.Helper()
	run := c.askedFor(ask)
	if n, err := c.office.exports(); err != nil || n != 1 {
		c.Fatalf("%s: %d made, %v", ask, n, err)
	}
	return run
}

// manyReceipts puts receipts into the register of a fund, more than are sent at once.
func (o *office) manyReceipts(fund int32, n int) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `insert into receipt_range (book_id, range_id, code, first_number, last_number, digits, allotted_on, made_by, made_at)
			values ($1, 1, '5001', 1, 9999999999, 10, '2026-01-01', gen_random_uuid(), now())`, o.book.ID); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `insert into receipt (book_id, id, range_id, number, check_code, face, payer, fund_id, amount, ccy, gifts, given_on, issued_on, issued_at, issued_by)
			select $1, gen_random_uuid(), 1, n, 'abcdefgh', 'merged', 'nobody', $2, 100, 'CNY', 1, '2026-03-01', date '2026-03-01', now(), gen_random_uuid() from generate_series(1, $3::int) n`, o.book.ID, fund, n)
		return err
	})
}

// A file with more rows than are sent at once is made by a run: the page says so, how far it is, and gives the file at the end, whole and of one moment. A short one is sent at once.
func TestALongFileIsMadeByARun(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	const of = reportPath + "?report=receipts&to=2026-12-31&format="
	a := li.get(of + "csv")
	li.wants(a, http.StatusOK, "捐赠票据台账")
	const n = reports.DirectMax + 1
	o.manyReceipts(o.funds[1].ID, n)
	ask := of + "csv"
	a = li.get(ask)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, exportNewPath+"?ask=") {
		t.Fatalf("a long file: %d to %s", a.status, a.to)
	}
	li.wants(li.get(a.to), http.StatusOK, "这个文件有 20,001 行", "超过 20,000 行的文件在后台生成", "保留 24 小时", "开始生成")
	run := li.askedFor(ask)
	li.wants(li.get(run), http.StatusOK, "排队中", "可以离开这一页", "李会计", `<progress max="20001" value="0"`, "看看进度", "停止生成")
	wrote := 0
	_, err := reports.WorkExport(t.Context(), o.bare, o.book, func() time.Time { return o.now }, reports.BriefLane(), func(ctx context.Context, tx pgx.Tx, b *ledger.Book, r *reports.ExportRun, w io.Writer, tell func(reports.Told)) (reports.Exported, error) {
		return o.pages.WriteExport(ctx, tx, b, r, w, func(told reports.Told) {
			tell(told)
			if wrote++; wrote == 1 {
				li.wants(li.get(run), http.StatusOK, "正在生成", "已写 5,000 / 20,001 行", `<progress max="20001" value="5000"`)
				o.tx(func(ctx context.Context, tx pgx.Tx) error { // what is issued meanwhile is of another moment
					_, err := tx.Exec(ctx, `insert into receipt (book_id, id, range_id, number, check_code, face, payer, fund_id, amount, ccy, gifts, given_on, issued_on, issued_at, issued_by)
						values ($1, gen_random_uuid(), 1, 30000, 'abcdefgh', 'merged', 'nobody', $2, 100, 'CNY', 1, '2026-03-01', '2026-03-02', now(), gen_random_uuid())`, o.book.ID, o.funds[1].ID)
					return err
				})
			}
		})
	})
	o.must(err)
	li.wants(li.get(run), http.StatusOK, "已生成", "下载 receipts-2026-12-31.csv", "文件自动删除", "重新生成")
	li.lacks(li.get(run), "停止生成")
	file := li.get(run + "/file")
	li.wants(file, http.StatusOK)
	lines := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.text, "\ufeff")))
	lines.FieldsPerRecord = -1
	rows, err := lines.ReadAll()
	o.must(err)
	if last := rows[len(rows)-1]; last[0] != "合计" || last[10] != "20001.00" || !strings.Contains(file.head.Get("Content-Disposition"), "receipts-2026-12-31.csv") {
		t.Errorf("at the end %v", last)
	}
	li.wants(li.get(exportsPath), http.StatusOK, "捐赠票据台账", "已生成")
	if o.audited("export.file") != 1 {
		t.Error("the audit trail does not tell who took the file")
	}
	// Others do not have it, and she has it no longer once she may not see all of it; after a day it is gone.
	for _, login := range []string{"shen", "wu"} {
		c := o.as(login)
		c.wants(c.get(run), http.StatusNotFound)
		c.wants(c.get(run+"/file"), http.StatusNotFound)
		c.wants(c.post(run+"/stop", url.Values{}), http.StatusNotFound)
	}
	o.now = o.now.Add(reports.ExportLife)
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := reports.SweepExports(ctx, tx, o.book, o.now)
		return err
	})
	li = o.as("li")
	li.wants(li.get(run), http.StatusOK, "文件已删除", "只保留 24 小时")
	li.lacks(li.get(run), exportNewPath)
	li.wants(li.get(run+"/file"), http.StatusGone, "这个文件已经删除")
}

// What a street officer has made holds her own funds only, and who loses a fund loses the files with it.
func TestARunHoldsWhatItsMakerSees(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	wu := o.as("wu")
	run := wu.has("/console/entries?format=csv")
	wu.wants(wu.get(run+"/file"), http.StatusOK, "期初：石坪桥基金存款", "两街道共同活动分摊")
	wu.lacks(wu.get(run+"/file"), "期初：谢家湾基金存款")
	wu.wants(wu.get(exportNewPath+"?ask="+url.QueryEscape(bundleFile)), http.StatusNotFound)
	wu.wants(wu.post(exportsPath+"?ask="+url.QueryEscape(bookFile+"?format=hledger"), url.Values{"form": {uuid.NewString()}}), http.StatusNotFound)
	wu.wants(wu.get(exportNewPath+"?ask="+url.QueryEscape("/console/gifts?format=csv")), http.StatusNotFound)
	for _, strange := range []string{"https://elsewhere.example/console/entries?format=csv", "/console/people?format=csv", "/console/entries", "%zz", "/console/entries?format=pdf", "/console/entries?format=csv&from=x"} {
		wu.wants(wu.get(exportNewPath+"?ask="+url.QueryEscape(strange)), http.StatusNotFound)
	}
	second := o.funds[2].StreetID
	o.person("xie", "谢街道", "Xie", staff.Held{Role: staff.StreetOfficer, Street: second})
	xie := o.as("xie")
	own := xie.has(reportPath + "?report=funds&to=2026-12-31&format=json")
	xie.wants(xie.get(own+"/file"), http.StatusOK, "谢家湾")
	xie.lacks(xie.get(own+"/file"), "石坪桥")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		var grant uuid.UUID
		if err := tx.QueryRow(ctx, `select id from role_grant where person_id = $1`, o.personID("xie")).Scan(&grant); err != nil {
			return err
		}
		first := int32(1)
		_, err := staff.GrantRole(ctx, tx, o.book.ID, o.personID("xie"), uuid.Nil, staff.Held{Role: staff.StreetOfficer, Street: &first}, o.now)
		return errors.Join(err, staff.RevokeRole(ctx, tx, o.book.ID, grant, uuid.Nil, o.now))
	})
	xie.wants(xie.get(own+"/file"), http.StatusNotFound)
}

// The whole book comes as text for each of the programs, the journal as a table, a spreadsheet and JSON; a list with names only to who has just proved who she is.
func TestWhatRunsMake(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	shen, li := o.as("shen"), o.as("li")
	li.wants(li.get(bundlePath), http.StatusOK, "整本账，给别的记账程序", "hledger", "beancount")
	for format, want := range map[string]string{"hledger": "account ", "ledger": "account ", "beancount": " open "} {
		direct := shen.get(bookFile + "?format=" + format)
		shen.wants(direct, http.StatusOK, want)
		run := shen.has(bookFile + "?format=" + format)
		if made := shen.get(run + "/file"); made.text != direct.text || made.text == "" {
			t.Errorf("%s: a run makes another file than is sent at once", format)
		}
	}
	shen.wants(shen.get(bookFile+"?format=gnucash"), http.StatusNotFound)
	if o.audited("export.book") != 6 {
		t.Error("the audit trail does not tell who took the book along")
	}
	sheet := li.get("/console/entries?format=xlsx")
	li.wants(sheet, http.StatusOK)
	z, err := zip.NewReader(strings.NewReader(sheet.text), int64(len(sheet.text)))
	o.must(err)
	part, err := z.Open("xl/worksheets/sheet1.xml")
	o.must(err)
	body, err := io.ReadAll(part)
	o.must(err)
	if !regexp.MustCompile(`<f>SUM\(E\d+:E\d+\)</f><v>58300.00</v>`).Match(body) {
		t.Error("the journal as a spreadsheet has no sum")
	}
	var back struct {
		Tables []struct{ Rows []struct{ Cells []string } }
	}
	o.must(json.Unmarshal([]byte(li.get("/console/entries?format=json").text), &back))
	if rows := back.Tables[0].Rows; len(rows) != 4 || rows[3].Cells[entryAmount] != "58300.00" {
		t.Errorf("%+v", back)
	}
	li.wants(li.get("/console/entries?format=pdf"), http.StatusNotFound)
	gifts := li.has("/console/gifts?format=csv")
	li.wants(li.get(gifts+"/file"), http.StatusOK, "捐赠人")
	o.now = o.now.Add(staff.FreshFor + time.Minute)
	li.wants(li.get(gifts+"/file"), http.StatusForbidden)
	li.wants(li.get(exportNewPath+"?ask="+url.QueryEscape("/console/gifts?format=csv")), http.StatusForbidden)
}

// A run can be stopped by who asked for it, nobody has ten at once, and one whose process died says so until the next one takes it up.
func TestRunsStopAndBreakOff(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li := o.as("li")
	const ask = "/console/entries?format=csv"
	one, two := li.askedFor(ask), li.askedFor(ask)
	li.wants(li.post(exportsPath+"?ask="+url.QueryEscape(ask), url.Values{"form": {uuid.NewString()}}), http.StatusTooManyRequests, "正在生成的文件太多")
	li.post(one+"/stop", url.Values{})
	li.wants(li.get(one), http.StatusOK, "已停止", "账没有变", "重新生成")
	if o.audited("export.stop") != 1 {
		t.Error("the audit trail does not tell who stopped it")
	}
	died := errors.New("died")
	leaving, leave := context.WithCancel(t.Context())
	_, err := reports.WorkExport(leaving, o.bare, o.book, func() time.Time { return o.now }, reports.BriefLane(), func(context.Context, pgx.Tx, *ledger.Book, *reports.ExportRun, io.Writer, func(reports.Told)) (reports.Exported, error) {
		li.wants(li.get(two), http.StatusOK, "正在生成")
		o.now = o.now.Add(6 * time.Minute)
		li.wants(li.get(two), http.StatusOK, "没有动静", "停止后重新生成")
		leave()
		return reports.Exported{}, died
	})
	if !errors.Is(err, died) {
		t.Error(err)
	}
	waits := li.get(two)
	li.wants(waits, http.StatusOK, "排队中")
	li.lacks(waits, "没有动静")
	if n, err := o.exports(); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	li.wants(li.get(two), http.StatusOK, "已生成")
}

// Whoever asked for a file hears how far it is while it is made, and that it has ended; nobody else hears of it.
func TestARunTellsHowFarItIs(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, shen := o.as("li"), o.as("shen")
	o.manyReceipts(o.funds[1].ID, reports.DirectMax+1)
	run := li.askedFor(reportPath + "?report=receipts&to=2026-12-31&format=csv")
	_, live, found := strings.Cut(li.get(run).text, `data-live="`)
	live, _, _ = strings.Cut(live, `"`)
	if !found || !strings.HasPrefix(live, run+"/live") {
		t.Fatalf("the page leads to no stream but %q", live)
	}
	shen.wants(shen.get(live), http.StatusNotFound)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	heard := eventsOf(ctx, t, li.http, o.url+live)
	_, err := reports.WorkExport(t.Context(), o.bare, o.book, func() time.Time { return o.now }, reports.BriefLane(), func(ctx context.Context, tx pgx.Tx, b *ledger.Book, r *reports.ExportRun, w io.Writer, tell func(reports.Told)) (reports.Exported, error) {
		return o.pages.WriteExport(ctx, tx, b, r, w, func(told reports.Told) {
			if tell(told); told.Done == 5000 {
				next(t, heard, "已写 5,000 / 20,001 行")
			}
		})
	})
	o.must(err)
	next(t, heard, "已结束，查看结果")
	li.wants(li.get(run), http.StatusOK, "已生成")
}

// The pages of a run at their work, looked at.
func TestExportsLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.manyReceipts(o.funds[1].ID, reports.DirectMax+1)
	ask := reportPath + "?report=receipts&to=2026-12-31&format=csv"
	li, shen := o.as("li"), o.as("shen")
	made := li.has(ask)
	failed := li.askedFor(ask)
	li.post(failed+"/stop", url.Values{})
	going := li.askedFor(ask)
	_, err := o.db.Exec(pg.WithBook(t.Context(), o.book.ID), `update export_run set begun_at = $1, told_at = $1, tries = 1, done = 15000 where id = $2`, o.now, lastPart(going))
	o.must(err)
	shen.askedFor(bundleFile)
	list := breaksPath + "?format=csv"
	unknown := shen.askedFor(list)
	_, err = o.db.Exec(pg.WithBook(t.Context(), o.book.ID), `update export_run set begun_at = $1, told_at = $1, tries = 1, done = 15000 where id = $2`, o.now, lastPart(unknown))
	o.must(err)
	o.looks(t, "export", [][3]string{{"li", "list", exportsPath}, {"shen", "newlist", exportNewPath + "?ask=" + url.QueryEscape(list)}, {"shen", "unknown", unknown}, {"li", "new", exportNewPath + "?ask=" + url.QueryEscape(ask)}, {"li", "going", going}, {"li", "made", made}, {"li", "stopped", failed}, {"shen", "bundle", bundlePath}})
}

// A list of the console that is too long to wait for is made by a run as well, by the same page that shows it: whole, of one moment, with the rights of who asked. Who has lost one of
// them since has lost the file.
func TestALongListIsMadeByARun(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for _, p := range sheetPages() {
		if i := slices.IndexFunc((&Server{}).routes(), func(r route) bool { return r.method == http.MethodGet && r.path == p.path && !r.open }); i < 0 || T("en", p.title) == p.title {
			t.Errorf("%s is no page of the console with a title", p.path)
		}
	}
	li := o.as("li")
	const ask = "/console/receipts?state=valid&format=csv"
	o.manyReceipts(o.funds[1].ID, 1)
	short := li.get(ask)
	li.wants(short, http.StatusOK, "0000000001")
	li.wants(li.get("/console/receipts?number=x&format=csv"), http.StatusUnprocessableEntity)
	if got := short.head.Get("Content-Disposition"); !strings.Contains(got, `"receipts-2026-`) || short.head.Get("Content-Length") == "" {
		t.Errorf("a short list is sent as %q", got)
	}
	_, err := o.db.Exec(pg.WithBook(t.Context(), o.book.ID), `insert into receipt (book_id, id, range_id, number, check_code, face, payer, fund_id, amount, ccy, gifts, given_on, issued_on, issued_at, issued_by)
		select $1, gen_random_uuid(), 1, n, 'abcdefgh', 'merged', 'nobody', $2, 100, 'CNY', 1, '2026-03-01', date '2026-03-01', now(), gen_random_uuid() from generate_series(2, $3::int) n`, o.book.ID, o.funds[1].ID, reports.DirectMax+1)
	o.must(err)
	a := li.get(ask)
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, exportNewPath+"?ask=") {
		t.Fatalf("a long list: %d to %s", a.status, a.to)
	}
	li.wants(li.get(a.to), http.StatusOK, "票据管理 CSV", "超过 20,000 行或要整理较久的名单", "开始生成")
	li.lacks(li.get(a.to), "现在下载")
	for _, strange := range []string{"/console/receipts", "/console/receipts?format=pdf", "/console/receipts?number=x&format=csv", "/console/accounts/x?format=csv", "/console/accounts/999999?format=csv"} {
		li.wants(li.get(exportNewPath+"?ask="+url.QueryEscape(strange)), http.StatusNotFound)
	}
	run := li.askedFor(ask)
	told := 0
	_, err = reports.WorkExport(t.Context(), o.bare, o.book, func() time.Time { return o.now }, reports.BriefLane(), func(ctx context.Context, tx pgx.Tx, b *ledger.Book, r *reports.ExportRun, w io.Writer, tell func(reports.Told)) (reports.Exported, error) {
		return o.pages.WriteExport(ctx, tx, b, r, w, func(t reports.Told) {
			tell(t)
			if told++; told == 1 {
				page := li.get(run)
				li.wants(page, http.StatusOK, "正在生成", "已写 5,000 行", "<progress aria-label")
				o.tx(func(ctx context.Context, tx pgx.Tx) error { // of another moment
					_, err := tx.Exec(ctx, `insert into receipt (book_id, id, range_id, number, check_code, face, payer, fund_id, amount, ccy, gifts, given_on, issued_on, issued_at, issued_by)
						values ($1, '00000000-0000-0000-0000-000000000001', 1, 30000, 'abcdefgh', 'merged', 'nobody', $2, 100, 'CNY', 1, '2026-03-01', '2026-03-02', now(), gen_random_uuid())`, o.book.ID, o.funds[1].ID)
					return err
				})
			}
		})
	})
	o.must(err)
	file := li.get(run + "/file")
	li.wants(file, http.StatusOK)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file.text, "\ufeff"))).ReadAll()
	o.must(err)
	if len(rows) != reports.DirectMax+2 || !strings.Contains(file.head.Get("Content-Disposition"), "receipts-2026-") {
		t.Errorf("%d rows as %s", len(rows), file.head.Get("Content-Disposition"))
	}
	li.wants(li.get(run), http.StatusOK, "20,001")
	o.person("zhao", "赵审计", "Zhao", staff.Held{Role: staff.Auditor})
	zhao := o.as("zhao")
	trail := zhao.has("/console/audit?format=csv")
	zhao.wants(zhao.get(trail+"/file"), http.StatusOK, "export.file")
	if o.audited("export.audit") != 1 {
		t.Error("the audit trail does not tell who took it along")
	}
	o.person("qian", "钱", "Qian", staff.Held{Role: staff.Accountant}, staff.Held{Role: staff.Approver})
	qian := o.as("qian")
	breaks := qian.has(breaksPath + "?format=csv")
	qian.wants(qian.get(breaks+"/file"), http.StatusOK)
	waits := qian.askedFor(subsidiesPath + "?format=csv")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		var grant uuid.UUID
		if err := tx.QueryRow(ctx, `select id from role_grant where person_id = $1 and role = 'approver'`, o.personID("qian")).Scan(&grant); err != nil {
			return err
		}
		return staff.RevokeRole(ctx, tx, o.book.ID, grant, uuid.Nil, o.now.Add(time.Second))
	})
	qian.wants(qian.get(breaksPath), http.StatusOK)
	qian.wants(qian.get(breaks+"/file"), http.StatusNotFound)
	if n, err := o.exports(); err != nil || n != 1 { // nobody has to look into it
		t.Error(n, err)
	}
	qian.wants(qian.get(waits), http.StatusOK, "已没有权限，没有文件")

	o.now = o.now.Add(staff.FreshFor + time.Minute)
	li.wants(li.get(exportNewPath+"?ask="+url.QueryEscape(ask)), http.StatusForbidden, "确认")
	if again := li.post(exportsPath+"?ask="+url.QueryEscape(ask), formWith()); again.status != http.StatusSeeOther || !strings.HasPrefix(again.to, exportNewPath) {
		t.Errorf("names without a fresh proof: %d to %q", again.status, again.to)
	}
}
