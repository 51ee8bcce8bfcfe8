package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

func (o *office) needsApprovers(r staff.Rule) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := staff.AddRule(ctx, tx, o.book.ID, r, uuid.Nil, o.now)
		return err
	})
}

// A transfer above the limit: two approvers, nothing booked before the second.
func TestTransferByThreePeople(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.person("zhou", "周审批", "Zhou", staff.Held{Role: staff.Approver})
	o.needsApprovers(staff.Rule{Kind: staff.Transfer, From: 10_000_00, Approvers: 2, Role: staff.Approver})
	li, chen, zhou := o.as("li"), o.as("chen"), o.as("zhou")
	li.wants(li.get("/console/transfers/new"), http.StatusOK, "基金间划转", "SPQ", "XJW")
	form := url.Values{"form": {uuid.NewString()}, "day": {"2026-09-07"}, "from": {"2"}, "to": {"3"}, "bank": {"bank.basic"}, "amount": {"12,000.00"},
		"document": {"2026 年第 3 次理事会决议"}, "reason": {"两个基金用途相近"}}
	bad := url.Values{"form": {uuid.NewString()}, "from": {"2"}, "to": {"2"}, "bank": {"na.r"}}
	li.wants(li.post("/console/transfers", bad), http.StatusUnprocessableEntity, "账户：", "依据：", "划转理由：")
	same := url.Values{"to": {"2"}}
	for key, value := range form {
		if key != "to" {
			same[key] = value
		}
	}
	li.wants(li.post("/console/transfers", same), http.StatusUnprocessableEntity, "不能是同一个基金")
	form.Set("form", uuid.NewString())
	// M10: what is not the form's to set is not set.
	for _, name := range []string{"decided_by", "approved_by", "book_id", "state", "needed", "version", "xid"} {
		form.Set(name, "2")
	}
	asked := li.post("/console/transfers", form)
	li.wants(asked, http.StatusSeeOther)
	path := asked.to
	li.wants(li.get(path), http.StatusOK, "等第二人", "还差 2 人批准（共需 2 人）", "陈审批、周审批")
	li.wants(li.decidesAs(path, "approve"), http.StatusForbidden, "不能审批自己的申请") // A6
	chen.wants(chen.get("/console/mailbox"), http.StatusOK, "等您审批：划转 12,000.00 元", path)
	chen.wants(chen.get(path), http.StatusOK, "2026 年第 3 次理事会决议", "两个基金用途相近", "12,000.00")
	chen.wants(chen.decides(path, "approve", ""), http.StatusSeeOther)
	chen.wants(chen.get(path), http.StatusOK, "您已经批准过", "还差 1 人批准")
	chen.wants(chen.get("/console/approvals"), http.StatusOK, "没有等您审批的申请")
	entries := li.get("/console/entries?q=" + url.QueryEscape("划转 12,000.00"))
	li.lacks(entries, "划转 12,000.00 元：")
	zhou.wants(zhou.decides(path, "approve", ""), http.StatusSeeOther)
	done := li.get(path)
	li.wants(done, http.StatusOK, "已批准", "打开凭证", "陈审批", "周审批")
	entry := done.text[strings.Index(done.text, "/console/entries/0"):]
	li.wants(li.get(entry[:strings.Index(entry, "\"")]), http.StatusOK, "李会计", "陈审批、周审批", "基金间划转")
	li.wants(li.get("/console/mailbox"), http.StatusOK, "已批准：划转")
	wu := o.as("wu")
	wu.wants(wu.get(path), http.StatusNotFound)
}

// decidesAs posts a decision with whatever hash the person can see.
func (c *client) decidesAs(path, do string) reply {
	c.Helper()
	return c.post(path, url.Values{"hash": {c.hidden(c.get(path), "hash")}, "do": {do}})
}

func TestRefundByTwoPeople(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	id := o.gift("王女士", 50_00)
	li, chen := o.as("li"), o.as("chen")
	path := "/console/gifts/" + id.String() + "/refund"
	li.wants(li.get("/console/gifts"), http.StatusOK, path)
	chen.lacks(chen.get("/console/gifts"), path)
	chen.wants(chen.get(path), http.StatusForbidden)
	page := li.get(path)
	li.wants(page, http.StatusOK, "申请退款", "50.00")
	li.lacks(page, "王女士")
	form := func(amount, ref string) url.Values {
		return url.Values{"form": {uuid.NewString()}, "amount": {amount}, "ref": {ref}, "reason": {"重复捐赠"}, "why": {"twice"}}
	}
	li.wants(li.post(path, url.Values{"form": {uuid.NewString()}}), http.StatusUnprocessableEntity, "退款金额：", "退款单号：", "退款原因：", "退款理由：")
	li.wants(li.post(path, form("50.01", "R1")), http.StatusUnprocessableEntity, "退款超过这笔捐赠剩下的金额")
	li.wants(li.post("/console/gifts/"+uuid.NewString()+"/refund", form("1", "R1")), http.StatusNotFound)
	first, second := li.post(path, form("30.00", "R1")), li.post(path, form("30.00", "R2"))
	li.wants(first, http.StatusSeeOther)
	li.wants(second, http.StatusSeeOther)
	chen.wants(chen.get(first.to), http.StatusOK, "捐赠退款", "重复捐赠", "30.00", "R1", "对各基金的影响")
	chen.lacks(chen.get(first.to), "王女士")
	chen.wants(chen.decides(first.to, "approve", ""), http.StatusSeeOther)
	chen.wants(chen.get(first.to), http.StatusOK, "已批准", "打开凭证")
	chen.wants(chen.get(second.to), http.StatusOK, "现在办不了：", "退款超过")
	chen.wants(chen.decides(second.to, "approve", ""), http.StatusConflict, "退款超过") // and nothing was decided
	chen.wants(chen.get(second.to), http.StatusOK, "等第二人")
	li.wants(li.post(path, form("1.00", "R1")), http.StatusUnprocessableEntity, "这个编号已经入账")
	r, err := giving.GiftByID(t.Context(), o.db, o.book, id)
	o.must(err)
	if r.Gift.Refunded != 30_00 {
		t.Errorf("refunded %d", r.Gift.Refunded)
	}
}

func TestReopenMonth(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, chen := o.as("li"), o.as("chen")
	li.wants(li.get("/console/periods"), http.StatusOK, "没有结账的月份")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, '2026-06-01', 'hard'), ($1, '2026-07-01', 'soft')
			on conflict (book_id, month) do update set state = excluded.state`, o.book.ID)
		return err
	})
	ask := func(month, reason string) reply {
		return li.post("/console/periods", url.Values{"form": {uuid.NewString()}, "month": {month}, "reason": {reason}})
	}
	li.wants(li.get("/console/periods"), http.StatusOK, "2026-07", "正式结账", "2026-06", "暂时结账")
	li.wants(ask("2026-06", "漏记"), http.StatusConflict, "已正式结账，不能再打开", "记在开放的月份")
	li.wants(ask("2026-08", "漏记"), http.StatusConflict, "这个月没有结账")
	li.wants(ask("2026-07", ""), http.StatusUnprocessableEntity, "反结账理由")
	asked := ask("2026-07", "漏记一张凭证")
	li.wants(asked, http.StatusSeeOther)
	late := ask("2026-07", "再来一次")
	chen.wants(chen.get(asked.to), http.StatusOK, "反结账 2026-07", "漏记一张凭证")
	chen.wants(chen.decides(asked.to, "approve", ""), http.StatusSeeOther)
	if state, err := ledger.PeriodOf(t.Context(), o.db, o.book, ledger.Day(2026, 7, 1)); err != nil || state != ledger.PeriodOpen {
		t.Errorf("%s, %v", state, err)
	}
	chen.wants(chen.decides(late.to, "approve", ""), http.StatusConflict, "没有结账")
}

// Denied tries are on record with who, what and where from; the auditor finds and exports them, and changes nothing.
func TestAuditPage(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	li, shen := o.as("li"), o.as("shen")
	for range 3 {
		li.wants(li.get("/console/people"), http.StatusForbidden)
	}
	unknown := "/console/approvals/" + uuid.NewString()
	li.wants(li.get(unknown), http.StatusNotFound)
	li.wants(li.get("/console/audit"), http.StatusForbidden)
	page := shen.get("/console/audit?what=denied&q=li")
	shen.wants(page, http.StatusOK, "被拒绝的尝试", "GET /console/people", "GET "+unknown, "GET /console/audit", "forbidden", "127.0.0.1", "李会计")
	if n := strings.Count(page.text, "<code>GET /console/people</code>"); n != 1 {
		t.Errorf("%d lines of one minute", n)
	}
	shen.wants(shen.get("/console/audit?q=nobody-here"), http.StatusUnprocessableEntity, "没有这个登录名")
	shen.wants(shen.get("/console/audit?from=2020-01-01&to=2020-01-02"), http.StatusOK, "没有找到记录")
	csv := shen.get("/console/audit?what=denied&format=csv")
	shen.wants(csv, http.StatusOK, "时间,谁,做了什么", "denied,GET /console/people,forbidden")
	shen.wants(shen.get("/console/audit?what=export"), http.StatusOK, "export.audit", "沈审计")
	wu := o.as("wu")
	wu.wants(wu.get("/console/entries/"+o.other.String()), http.StatusNotFound) // of another street: recorded like what is not there
	shen.wants(shen.get("/console/audit?what=denied&q=wu"), http.StatusOK, "GET /console/entries/"+o.other.String())
	// Paging leads through everything, each line once.
	for range 130 {
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			return staff.Record(ctx, tx, o.book.ID, staff.Event{At: o.now.Add(time.Second), What: "export.journal"})
		})
	}
	first := shen.get("/console/audit?what=export.journal")
	next := first.text[strings.Index(first.text, `rel="next" href="`)+17:]
	second := shen.get(next[:strings.Index(next, "\"")])
	if a, b := strings.Count(first.text, "export.journal</code>"), strings.Count(second.text, "export.journal</code>"); a != 100 || b != 30 {
		t.Errorf("%d and %d lines", a, b)
	}
}

// A supervisor of one fund sees its books, no other's, and asks or decides nothing.
func TestSupervisorOfFund(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.person("he", "何监督", "He", staff.Held{Role: staff.Supervisor, Fund: &o.funds[1].ID})
	he := o.as("he")
	he.wants(he.get("/console/entries/"+o.entry.String()), http.StatusOK, "期初：石坪桥基金存款")
	he.wants(he.get("/console/entries/"+o.other.String()), http.StatusNotFound)
	page := he.get("/console/funds")
	he.wants(page, http.StatusOK, "SPQ")
	he.lacks(page, "XJW")
	for _, path := range []string{"/console/approvals", "/console/gifts", "/console/people", "/console/vouchers/new"} {
		he.wants(he.get(path), http.StatusForbidden)
	}
}
