package projects_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
)

// TestFinalAccountIsWhole: a final account lists each payment or is refused, a project is found on the board however long that is, and a
// correction of what was published elsewhere keeps its reason.
func TestFinalAccountIsWhole(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.basic R 1000.00", "C gift.r R 1000.00")
	p := w.project("R", "1000.00")
	id := w.drafted(p, projects.Contract{}, []src{{"R", projects.AsGift, "1000.00"}}, "1000.00")
	w.do(w.sign(id))
	w.accept(id, 1, "1000.00")
	w.assess(id, projects.AtEnd, 90, 90, 90, 90)
	paid := w.pay(id, projects.ForStage, "bank.basic", "1000.00")
	w.do(w.close(id))
	w.do(w.ofProject(p, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
		return projects.End(w.ctx, tx, w.book, p, w.day())
	}))
	other := w.project("R", "1000.00") // stands on the same fund's board, with nothing added up for it
	more := func(n int) {
		t.Helper()
		_, err := w.db.Exec(w.ctx, `
insert into disbursement (book_id, id, number, kind, contract_id, payee_id, account_id, bank, amount, invoice, purpose, state, sent_on, paid_on, asked_by)
select book_id, gen_random_uuid(), (select max(number) from disbursement) + i, kind, contract_id, payee_id, account_id, bank, 1, repeat('号', 24) || gen_random_uuid(), purpose, state, sent_on, paid_on, asked_by
  from disbursement, generate_series(1, $2) i where id = $1`, paid, n)
		if err != nil {
			t.Fatal(err)
		}
	}
	publish := func(reason string) func(pgx.Tx) (*giving.Move, error) {
		return w.ofProject(p, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			return projects.Publish(w.ctx, tx, w.book, p, "公告栏", reason, w.day())
		})
	}
	read := func() (v *projects.Published, a *projects.Settlement) {
		t.Helper()
		list, err := projects.Settlements(w.ctx, w.db, w.book, p)
		if err == nil && len(list) > 0 {
			v = &list[0]
			a, err = v.Read()
		}
		if err != nil || a == nil {
			t.Fatalf("%d versions, %v", len(list), err)
		}
		return v, a
	}
	if _, err := w.db.Exec(w.ctx, `update project set published_on = ended_on, published_at = '公告栏' where id = $1`, p); err != nil { // as before final accounts were frozen
		t.Fatal(err)
	}
	w.field("offline.text.wrong", publish(""))
	w.do(publish("补发网页"))
	if v, a := read(); v.Version != 1 || v.Reason != "补发网页" || len(a.Payments) != 1 || a.Points != "90.00" {
		t.Errorf("%d %q %+v", v.Version, v.Reason, a)
	}
	more(1999)
	w.do(publish("补记付款"))
	if v, a := read(); v.Version != 2 || len(a.Payments) != 2000 || a.Payments[1999].Amount != "1000.00" {
		t.Errorf("version %d, %d payments", v.Version, len(a.Payments))
	}
	more(3001)
	w.field("project.publish.long", publish("再补"))

	project, err := projects.ProjectByID(w.ctx, w.db, w.book, other)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := project.Standing(w.ctx, w.db, w.book); err != nil || s.ID != other || s.Paid != 0 || s.Assessed != 0 {
		t.Errorf("%+v %v", s, err)
	}
	board, err := projects.Board(w.ctx, w.db, w.book, w.funds["R"].ID, 1)
	if err != nil || len(board) != 1 || board[0].ID != p || board[0].Points != 90_00 || board[0].Paid != 1000_00+5000 || board[0].Stages != 1 {
		t.Errorf("%+v %v", board, err)
	}
}
