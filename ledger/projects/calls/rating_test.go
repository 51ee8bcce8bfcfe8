package calls_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
)

// TestRatingsDecide: whose finished work was weak is refused by the rule and by name, whose was good gets the published bonus and goes first, and
// who has finished nothing yet is neither refused nor helped.
func TestRatingsDecide(t *testing.T) {
	w := newWorld(t)
	weak, good, middling, fresh := w.organisation("弱", projects.Registered), w.organisation("好", projects.Registered), w.organisation("中", projects.Registered), w.organisation("新", projects.Registered)
	w.finished("W", weak, 55, 60, 62, 60)     // 59.10
	w.finished("G", good, 95, 90, 85, 90)     // 90.00
	w.finished("M", middling, 92, 88, 89, 90) // 89.90: a tenth of a point short of the bonus
	call := w.open(w.sample())                // 60.00 are asked for, 90.00 give five points
	refused := w.wants(w.proposes(call, weak, 10_00), calls.Refused)
	for _, check := range refused.Checks {
		if check.OK == (check.Rule == calls.RuleRating) {
			t.Errorf("%+v", check)
		}
		if check.Rule == calls.RuleRating && (check.Wants != "6000" || check.Is != "5910") {
			t.Errorf("the rule says %+v", check)
		}
	}
	ids := []uuid.UUID{w.proposes(call, fresh, 10_00), w.proposes(call, middling, 10_00), w.proposes(call, good, 10_00)}
	if check := w.proposal(ids[0]).Checks[2]; check.Rule != calls.RuleRating || check.Is != "none" || !check.OK {
		t.Errorf("of who is new: %+v", check)
	}
	w.now = w.now.AddDate(0, 0, 7)
	for i, points := range []int32{34, 32, 30} { // 84, 82, 80
		w.do(w.score(ids[i], 0, 50, points))
		w.do(w.score(ids[i], 1, 50, points))
	}
	w.do(w.announce(call))
	for i, want := range []struct {
		rank   int16
		points int32
	}{{2, 84_00}, {3, 82_00}, {1, 85_00}} {
		if p := w.wants(ids[i], calls.Chosen); *p.Rank != want.rank || *p.Points != want.points {
			t.Errorf("%s of %s: rank %d, %d points", p.Name(), p.Payee, *p.Rank, *p.Points)
		}
	}
}

// finished plants a contract that an organisation has behind it, with the four sides' points weighed by 30, 20, 30 and 20 per cent.
func (w *world) finished(code string, payee *projects.Payee, street, provider, residents, independent int) {
	w.t.Helper()
	err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		project, contract := uuid.New(), uuid.New()
		if _, err := tx.Exec(w.ctx, `insert into assess_scheme (book_id, scheme, part, code, value, pays)
			values ($1, 1, 'side', 'street', 3000, 0), ($1, 1, 'side', 'provider', 2000, 0), ($1, 1, 'side', 'residents', 3000, 0), ($1, 1, 'side', 'independent', 2000, 0) on conflict do nothing`, w.book.ID); err != nil {
			return err
		}
		m, err := projects.Propose(w.ctx, tx, w.book, projects.Project{ID: project, Title: code, FundID: w.fund["a"], Plan: "做过的", StartsOn: w.now, EndsOn: w.now, EnteredBy: w.li})
		if err != nil {
			return err
		}
		if err := m.Settle(w.ctx, tx, uuid.Nil); err != nil {
			return err
		}
		if _, err := tx.Exec(w.ctx, `insert into contract (book_id, id, number, code, project_id, payee_id, title, kind, draws, advance, kept_bp, scheme, ends_on, state, entered_by)
			select $1, $2, count(*) + 1, $3, $4, $5, $3, 'service', 'pro_rata', 0, 0, 1, '2026-08-31', 'closed', $6 from contract`, w.book.ID, contract, code, project, payee.ID, w.li); err != nil {
			return err
		}
		_, err = tx.Exec(w.ctx, `insert into contract_score (book_id, contract_id, phase, round, side, by_person, points, note, at)
			select $1, $2, 'end', 1, s.side, gen_random_uuid(), s.points, '按评分表', $7 from (values ('street', $3::int4), ('provider', $4), ('residents', $5), ('independent', $6)) as s (side, points)`,
			w.book.ID, contract, street, provider, residents, independent, w.now)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
