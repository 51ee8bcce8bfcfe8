package disclosure_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/disclosure"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
)

// What is published of a project is its final account, lost advances with it; open data say the same. Random contracts: projects.TestCostsAreTheFinalAccount.
func TestProjectIsItsFinalAccount(t *testing.T) {
	w := newWorld(t)
	project, payee, first, second := uuid.New(), uuid.New(), uuid.New(), uuid.New()
	w.tx(func(tx pgx.Tx) error {
		for _, sql := range []string{
			`insert into project (book_id, id, number, title, fund_id, community, plan, people, homes, budget, state, starts_on, ends_on, ended_on, publish_by, entered_by) values ($1, $2, 1, '助餐', $6, '', '计划', 0, 0, 20000, 'ended', '2024-01-01', '2024-06-30', '2024-06-30', '2024-09-30', $2)`,
			`insert into payee (book_id, id, number, kind, name, standing, code, services, contact, credit, state, entered_by) values ($1, $3, 1, 'organisation', '向阳社工', 'other', '', '', '', 'good', 'entered', $2)`,
			`insert into contract (book_id, id, number, code, project_id, payee_id, title, kind, draws, amount, advance, kept_bp, ends_on, state, entered_by) values
				($1, $4, 1, 'HT-1', $2, $3, '送餐', 'service', 'pro_rata', 10000, 0, 0, '2024-06-30', 'closed', $2), ($1, $5, 2, 'HT-2', $2, $3, '灶台', 'works', 'pro_rata', 5000, 0, 0, '2024-06-30', 'closed', $2)`,
			`insert into contract_source (book_id, contract_id, position, fund_id, treatment, payer, party, amount, open, drawn, lost, due_back, given_back) values
				($1, $4, 1, $6, 'gift', '捐赠人', '', 6000, 0, 4000, 700, 0, 0), ($1, $4, 2, $6, 'grant', '区民政局', '', 4000, 0, 2500, 300, 1200, 0), ($1, $5, 1, $6, 'gift', '捐赠人', '', 5000, 0, 5000, 0, 0, 0)`,
		} {
			if _, err := tx.Exec(w.ctx, "with v(a, b, c, d, e, f) as (values ($1::int4, $2::uuid, $3::uuid, $4::uuid, $5::uuid, $6::int4)) "+sql, w.book.ID, project, payee, first, second, w.fund.ID); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
	d := w.draft("project:" + project.String())
	finals, err := projects.FinalAccount(w.ctx, w.db, w.book, project)
	if err != nil {
		t.Fatal(err)
	}
	var promised, cost, returned, rest int64
	for _, f := range finals {
		promised, cost, returned, rest = promised+f.Budget, cost+f.Cost, returned+f.Returned, rest+f.Rest
	}
	text := func(minor int64) string { return money.Format(minor, "CNY") }
	if cost != 125_00 || d.Spent != cost || d.CostTotal != text(cost) || d.IncomeTotal != text(promised) || d.Refunded != text(returned) || d.Closing != text(rest) || d.Rate != "62.50%" {
		t.Errorf("%+v; the final account has %d promised, %d cost, %d returned, %d left", d.Figures, promised, cost, returned, rest)
	}
	lines := ""
	for _, c := range d.Costs {
		lines += c.Category + " " + c.Content + " " + c.Amount + "; "
	}
	if lines != "service HT-1 送餐 65.00; loss HT-1 送餐 10.00; works HT-2 灶台 50.00; " {
		t.Errorf("lines %s", lines)
	}
	open, err := disclosure.OpenProjects(w.ctx, w.db, w.book, uuid.Nil, 10)
	if err != nil || len(open) != 1 || open[0].Spent != cost {
		t.Errorf("open data %+v, %v", open, err)
	}
}
