package api

import (
	"net/http"
	"strings"
	"testing"
)

// Money tied to a purpose is not moved to another by a key, not even where the fund has as much as before.
func TestPurposeLock(t *testing.T) {
	o := newOffice(t)
	fund := o.book.funds["R"].ID
	for _, sql := range []string{
		`insert into purpose values ($1, 'homes', '居住改造', 'Homes')`,
		`insert into fund_file (book_id, id, number, state, fund_id, code, name_zh, name_en, about_zh, about_en, terms, agreement, entered_by, entered_at)
			values ($1, '00000000-0000-0000-0000-000000000001', 1, 'open', (select fund_id from fund where book_id = $1 and code = 'R'), 'R', 'R', 'R', 'R', 'R', '{}', sha256('x'), gen_random_uuid(), now())`,
		`insert into fund_charter (book_id, fund_id, version, sort, purposes, interest, fee_bearer, voted, basis, basis_ref, file_id, made_by, second, made_at)
			values ($1, (select fund_id from fund where book_id = $1 and code = 'R'), 1, 'sunshine', '{homes}', 'fund', 'general', false, 'opening', '1', '00000000-0000-0000-0000-000000000001', gen_random_uuid(), gen_random_uuid(), now())`,
	} {
		if _, err := o.owner.Exec(o.ctx, sql, o.book.ID); err != nil {
			t.Fatal(err)
		}
	}
	entry := func(purpose string) fields {
		cost := line("5301.02", "R", "debit", "1.00")
		cost["tags"] = fields{"purpose": purpose}
		return fields{"effective_on": "2026-03-31", "summary": "调整用途", "lines": []fields{cost, line("5101.02", "R", "credit", "1.00")}}
	}
	before := o.postings()
	refused := o.want(request{method: http.MethodPost, path: "/entries", key: "p1", body: entry("office")}, 409, "purpose").problem()
	if refused.Fund != "R" || !strings.Contains(refused.Detail, "homes") || !strings.Contains(refused.Title, "filing number") && !strings.Contains(refused.Title, "备案编号") {
		t.Errorf("%+v", refused)
	}
	o.want(request{method: http.MethodPost, path: "/entries", key: "p2", body: entry("")}, 409, "purpose")
	if after := o.postings(); after != before {
		t.Errorf("%d rows more on fund %d", after-before, fund)
	}
	o.want(request{method: http.MethodPost, path: "/entries", key: "p3", body: entry("homes")}, 201, "")
	spend := fields{"effective_on": "2026-03-31", "summary": "付款", "lines": []fields{line("5101.02", "R", "debit", "1.00"), line("1002.01", "R", "credit", "1.00")}}
	o.want(request{method: http.MethodPost, path: "/entries", key: "p4", body: spend}, 403, "needs-second-person") // a key alone spends nothing at all
}
