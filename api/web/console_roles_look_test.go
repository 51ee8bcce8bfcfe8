package web

import (
	"context"
	"net/url"
	"regexp"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// TestRolesLook opens the pages of each role as that role sees them: what an approver, a street officer, a supervisor, an
// auditor and an admin come upon that an accountant does not.
func TestRolesLook(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.busy()
	o.person("he", "何监督", "He", staff.Held{Role: staff.Supervisor, Fund: &o.funds[1].ID})
	o.person("idle", "未授权", "Idle")
	o.person("zhou", "周审批", "Zhou", staff.Held{Role: staff.Approver})
	li, chen, guan := o.as("li"), o.as("chen"), o.as("guan")
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, '2026-05-01', 'hard'), ($1, '2026-06-01', 'soft')`, o.book.ID)
		return err
	})
	gift := "/console/gifts/" + o.gift("王女士", 50_00).String() + "/refund"
	send := func(c *client, path string, pairs ...string) string {
		form := url.Values{"form": {uuid.NewString()}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		a := c.post(path, form)
		if a.to == "" {
			t.Fatalf("%s: %d\n%s", path, a.status, a.text)
		}
		return a.to
	}
	refund := send(li, gift, "amount", "23.45", "ref", "R-1", "reason", "重复付款，捐赠人要求退回多付的部分", "why", "twice")
	transfer := send(li, "/console/transfers", "day", "2026-09-07", "from", "2", "to", "3", "bank", "bank.basic", "amount", "12,000.00", "document", "2026 年第 3 次理事会决议", "reason", "两个基金用途相近")
	reopening := send(li, "/console/periods", "month", "2026-06", "reason", "漏记一张六月的发票")
	send(guan, "/console/settings/rules", "kind", "voucher", "from", "50,000", "hours", "72", "approvers", "2", "per", "payee")
	rule := regexp.MustCompile(`/console/settings/rules/[0-9a-f-]{36}`).FindString(guan.get("/console/settings").text)
	change := send(guan, rule, "do", "end", "reason", "理事会决议：改为按年复核")
	signIn := send(guan, "/console/settings/sign-in", "password_rule", "with_code", "reason", "换用动态码")
	idle, held := "/console/people/"+o.personID("idle").String(), "/console/people/"+o.personID("chen").String()
	reset := send(guan, held, "do", "password", "reason", "忘记密码")
	chen.decides(transfer, "approve", "")
	o.looks(t, "role", [][3]string{
		{"chen", "approver-history", "/console/approvals?box=done"}, {"chen", "approver-mine-none", "/console/approvals?box=mine"}, {"chen", "approver-refund", refund},
		{"chen", "approver-transfer-done", transfer}, {"chen", "approver-reopening", reopening}, {"chen", "approver-gifts", "/console/gifts"}, {"chen", "approver-settings", "/console/settings"},
		{"chen", "approver-mailbox", "/console/mailbox"}, {"chen", "approver-campaigns", "/console/campaigns"},
		{"wu", "officer-fund", "/console/funds/" + o.fundOf(1)}, {"wu", "officer-approvals", "/console/approvals"}, {"wu", "officer-campaigns", "/console/campaigns"},
		{"wu", "officer-trial", "/console/trial-balance"}, {"wu", "officer-mailbox-none", "/console/mailbox"}, {"wu", "officer-forbidden", "/console/gifts"},
		{"he", "supervisor-today", "/console"}, {"he", "supervisor-funds", "/console/funds"}, {"he", "supervisor-entries", "/console/entries"}, {"he", "supervisor-me", "/console/me"},
		{"shen", "auditor-today", "/console"}, {"shen", "auditor-approval", refund}, {"shen", "auditor-people", "/console/people"}, {"shen", "auditor-person", held},
		{"shen", "auditor-settings", "/console/settings"}, {"shen", "auditor-audit-none", "/console/audit?what=donor.none"}, {"shen", "auditor-offline", "/console/offline"}, {"shen", "auditor-receipts", "/console/receipts"},
		{"guan", "admin-settings", "/console/settings"}, {"guan", "admin-rule", rule}, {"hu", "admin-rule-request", change}, {"hu", "admin-sign-in-request", signIn}, {"hu", "admin-reset", reset},
		{"guan", "admin-person-idle", idle}, {"guan", "admin-audit", "/console/audit"}, {"idle", "idle-today", "/console"},
	})
}
