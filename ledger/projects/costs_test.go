package projects_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
)

// What a project is said to have cost contract by contract, which is what is disclosed of it, is its final account, and that is what the books have: whatever
// was accepted, kept back, paid in advance, recovered, written off by one or the other, closed and given back to a payer.
func TestCostsAreTheFinalAccount(t *testing.T) {
	var lost, closed, returned atomic.Int64
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t)
			r := rand.New(rand.NewPCG(seed, 11))
			w.post("D bank.basic R 3000.00", "C gift.r R 3000.00")
			w.post("D bank.basic R2 2000.00", "C grant.r R2 2000.00")
			w.post("D bank.agency A 900.00", "C agency.l A 900.00")
			w.post("D bank.basic G 5000.00", "C gift.u G 5000.00")
			project := w.project("R", "100000.00")
			var general int64 // what the general fund bore of losses
			for range 2 {
				w.randomContract(r, project)
				w.costed(project, general)
			}
			list, err := projects.Contracts(w.ctx, w.db, w.book, projects.ContractFilter{All: true, Project: &project})
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range list {
				made := w.try(w.of(one.ID, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
					return projects.Terminate(w.ctx, tx, w.book, c, "停", w.day())
				}))
				if made != nil && !errors.Is(made, giving.ErrStep) {
					t.Fatal(made)
				}
				w.costed(project, general)
				general += w.settled(r, one.ID, &lost)
				w.costed(project, general)
				w.payRest(one.ID)
				if w.try(w.close(one.ID)) == nil {
					closed.Add(1)
				}
				w.costed(project, general)
			}
			finals, err := projects.FinalAccount(w.ctx, w.db, w.book, project)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range finals {
				if f.Returned > 0 {
					returned.Add(1)
				}
			}
			w.verified()
		})
	}
	t.Cleanup(func() {
		if lost.Load() == 0 || closed.Load() == 0 || returned.Load() == 0 {
			t.Errorf("%d losses, %d contracts closed, %d sums returned: the seeds show too little", lost.Load(), closed.Load(), returned.Load())
		}
	})
}

// settled ends what a contract's advance left open: some comes back, some the funds lose, the rest the general fund bears, which it tells.
func (w *world) settled(r *rand.Rand, id uuid.UUID, lost *atomic.Int64) (general int64) {
	w.t.Helper()
	open := func() (sum int64) {
		list, err := projects.Sources(w.ctx, w.db, w.book, id)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, s := range list {
			if s.Treatment != projects.AsAgency && s.Treatment != projects.OffBook {
				sum += s.Prepaid
			}
		}
		return sum
	}
	for _, bearer := range []string{"", projects.LossFund, projects.LossGeneral} {
		before := open()
		amount := before
		if bearer != projects.LossGeneral {
			amount = before / 3
		}
		if amount == 0 {
			continue
		}
		err := w.try(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			if bearer == "" {
				return projects.Recover(w.ctx, tx, w.book, c, amount, "bank.basic", "R", w.day())
			}
			return projects.WriteOff(w.ctx, tx, w.book, c, amount, bearer, "协议第 9 条", "bank.basic", "已注销", w.day())
		}))
		switch {
		case err != nil && !errors.Is(err, giving.ErrStep) && !errors.Is(err, ledger.ErrGuarded) && !errors.Is(err, ledger.ErrShort):
			w.t.Fatal(err)
		case err == nil && bearer == projects.LossFund:
			lost.Add(1)
		case err == nil && bearer == projects.LossGeneral:
			general += before - open()
		}
	}
	return general
}

// payRest pays what is still owed, as far as the room lets it.
func (w *world) payRest(id uuid.UUID) {
	w.t.Helper()
	for _, kind := range []string{projects.ForStage, projects.ForLast} {
		c, err := projects.ContractByID(w.ctx, w.db, w.book, id)
		if err != nil {
			w.t.Fatal(err)
		}
		rest := map[string]int64{projects.ForStage: c.Accepted - c.Applied - c.Kept - c.Asked, projects.ForLast: c.Kept - c.Forfeited - c.AskedLast}[kind]
		payment := uuid.New()
		if rest <= 0 || w.try(w.ask(id, payment, kind, "bank.basic", money.Format(rest, "CNY"))) != nil || w.try(w.agree(payment)) != nil {
			continue
		}
		if _, err := w.send("bank.basic", payment); err == nil {
			w.do(w.debited(payment, "B-"+payment.String()[:8]))
		}
	}
}

const sqlBookedCost = `
select coalesce(sum(b.balance), 0)::int8 from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.chart ~ '^(program|impair)[.]' and a.dims ->> 'contract' in (select code from contract where book_id = $1 and project_id = $2)`

// costed holds the costs of a project against its final account and the books.
func (w *world) costed(project uuid.UUID, general int64) {
	w.t.Helper()
	costs, err := projects.Costs(w.ctx, w.db, w.book, project)
	if err != nil {
		w.t.Fatal(err)
	}
	finals, err := projects.FinalAccount(w.ctx, w.db, w.book, project)
	if err != nil {
		w.t.Fatal(err)
	}
	var told, cost, onBooks int64
	for _, c := range costs {
		told += c.Drawn + c.Lost
	}
	for _, f := range finals {
		cost += f.Cost
		if f.Treatment != projects.AsAgency && f.Treatment != projects.OffBook {
			onBooks += f.Cost
		}
	}
	var booked int64
	if err := w.db.QueryRow(w.ctx, sqlBookedCost, w.book.ID, project).Scan(&booked); err != nil {
		w.t.Fatal(err)
	}
	if told != cost || booked != onBooks+general {
		w.t.Errorf("contracts cost %d, the final account has %d; the books have %d, the final account %d and %d that the general fund bore", told, cost, booked, onBooks, general)
	}
}
