package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/runs"
)

// jobs has a few jobs planned, one of them done, one failed and one late.
func (o *office) jobs() {
	o.Helper()
	plan := func(name, spec string, every time.Duration) runs.Planned {
		return runs.Planned{Name: name, Spec: spec, Every: every, LateAfter: time.Hour, Next: func(after time.Time) time.Time { return after.Add(every) }}
	}
	day := 24 * time.Hour
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		before := o.now.Add(-2 * time.Hour)
		list := []runs.Planned{plan("receipts", "*/5 * * * *", 5*time.Minute), plan("verify", "local 02:30", day), plan("sweep", "40 * * * *", time.Hour/2),
			plan("backup", "local 06:00", day), plan("mail", "* * * * *", 3*time.Hour)}
		if err := runs.Plan(ctx, tx, o.book.ID, list, before); err != nil {
			return err
		}
		run := func(name string, slot, began time.Time, failed error, counts map[string]int64) error {
			r, ok, err := runs.Claim(ctx, tx, o.book.ID, name, runs.Claimant{Runner: "host 7", Lease: time.Minute, Now: began, Due: func(time.Time) (time.Time, int, bool) { return slot, 2, true }})
			if err != nil || !ok {
				return fmt.Errorf("%s not taken: %w", name, err)
			}
			for what, n := range counts {
				if err := runs.Count(ctx, tx, o.book.ID, &r, what, n); err != nil {
					return err
				}
			}
			return runs.End(ctx, tx, o.book.ID, &r, failed, slot.Add(day), began.Add(1500*time.Millisecond))
		}
		for i := range 60 {
			slot := before.Add(time.Duration(i+1) * time.Minute)
			if err := run("receipts", slot, slot, nil, map[string]int64{"steps": int64(i)}); err != nil {
				return err
			}
		}
		return run("verify", o.now.Add(-time.Hour), o.now.Add(-time.Hour), errors.New("the books differ from themselves: gift-amount 2"), map[string]int64{"compared": 41_250})
	})
}

// What happens by itself: what fails stands on top with its reason; admins run a job now and the audit trail tells; others look or are kept out.
func TestConsoleJobs(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	guan, li, wu := o.as("guan"), o.as("li"), o.as("wu")
	guan.wants(guan.get(jobsPath), http.StatusOK, "还没有任务")
	o.jobs()
	page := guan.get(jobsPath)
	guan.wants(page, http.StatusOK, "1 项失败，1 项迟到", "账目自查", "gift-amount 2", "比较 41,250 项", "每天 02:30", "每 5 分钟", "59 步", "1 秒", "还没运行过", "现在运行")
	if first, second := strings.Index(page.text, "账目自查"), strings.Index(page.text, "捐赠票据"); first > second {
		t.Error("what fails does not stand on top")
	}
	li.wants(li.get(jobsPath), http.StatusOK, "账目自查")
	li.lacks(li.get(jobsPath), `action="/console/jobs"`)
	for name, page := range map[string]reply{"the accountant runs a job": li.post(jobsPath, url.Values{"job": {"verify"}}), "a street looks": wu.get(jobsPath), "a street looks at the history": wu.get(jobHistoryPath)} {
		if page.status != http.StatusForbidden {
			t.Errorf("%s: %d", name, page.status)
		}
	}
	li.wants(li.get("/console"), http.StatusOK, "自动任务失败：账目自查", "自动任务迟到：")
	wu.lacks(wu.get("/console"), "自动任务")

	guan.wants(guan.post(jobsPath, url.Values{"job": {"nightly"}}), http.StatusNotFound)
	guan.wants(guan.post(jobsPath, url.Values{"job": {"verify"}}), http.StatusSeeOther)
	guan.wants(guan.get(jobsPath), http.StatusOK, "马上运行")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		r, ok, err := runs.Claim(ctx, tx, o.book.ID, "verify", runs.Claimant{Runner: "host 7", Lease: time.Minute, Now: o.now, Due: func(time.Time) (time.Time, int, bool) { return o.now, 0, false }})
		if err != nil || !ok {
			t.Errorf("what was asked for is not run: %v", err)
			return err
		}
		return runs.End(ctx, tx, o.book.ID, &r, nil, o.now.Add(time.Hour), o.now)
	})
	guan.wants(guan.get("/console/audit?what=job"), http.StatusOK, "要求任务马上运行", "任务 verify")

	history := li.get(jobHistoryPath + "?job=verify")
	li.wants(history, http.StatusOK, "管理员 要求", "补上 2 次", "gift-amount 2", "host 7")
	li.lacks(history, "59 步")
	li.lacks(li.get(jobHistoryPath+"?job=verify&state=done"), "gift-amount")
	li.wants(li.get(jobHistoryPath+"?job=verify&state=running"), http.StatusOK, "没有符合条件的运行记录")
	first := li.get(jobHistoryPath + "?job=receipts")
	li.wants(first, http.StatusOK, "59 步", "before=")
	li.lacks(first, "<td class=\"small\">3 步")
	next := strings.ReplaceAll(between(first.text, `href="/console/jobs/history?before=`, `"`), "&amp;", "&")
	li.wants(li.get(jobHistoryPath+"?before="+next), http.StatusOK, "3 步")
	guan.wants(guan.get(jobsPath+"?lang=en"), http.StatusOK, "Verifying the books", "Every 5 minutes", "Daily at 02:30")
}

// Who runs the house gets one letter about what fails or is late, which names the jobs and no figure of the books; until it has ended well nobody is told again.
func TestAlarmsOfJobsAreLetters(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.jobs()
	tell := func() (told int) {
		o.tx(func(ctx context.Context, tx pgx.Tx) error {
			list, err := runs.Alarms(ctx, tx, o.book.ID, time.Time{}, o.now)
			if told = len(list); err != nil || told == 0 {
				return err
			}
			return (&Server{}).NoticeJobs(ctx, tx, o.book, list, o.now)
		})
		return told
	}
	if n := tell(); n != 2 {
		t.Fatalf("%d jobs told, not 2", n)
	}
	guan, li := o.as("guan"), o.as("li")
	letters := guan.get(mailboxPath)
	guan.wants(letters, http.StatusOK, "自动任务有 2 项失败或迟到", "账目自查：失败", "恢复正常之前，同一项不再来信", jobsPath)
	guan.lacks(letters, "gift-amount", "41,250")
	li.lacks(li.get(mailboxPath), "失败或迟到")
	if n := tell(); n != 0 {
		t.Errorf("%d jobs told a second time", n)
	}
}
