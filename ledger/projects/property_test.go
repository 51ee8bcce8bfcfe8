package projects_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
)

// C10 to C12 under whatever order of steps: contracts of random sources, orders of drawing, stages and advances, with changes, payments that
// come back and early ends. No fund is overdrawn, nothing is paid beyond what was accepted and advanced, and the sources bear the cost exactly.
func TestRandomContracts(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w := newWorld(t)
			r := rand.New(rand.NewPCG(seed, 7))
			w.post("D bank.basic R 3000.00", "C gift.r R 3000.00")
			w.post("D bank.basic R2 2000.00", "C grant.r R2 2000.00")
			w.post("D bank.agency A 900.00", "C agency.l A 900.00")
			project := w.project("R", "100000.00")
			for range 2 {
				w.randomContract(r, project)
			}
			w.verified()
		})
	}
}

func (w *world) randomContract(r *rand.Rand, project uuid.UUID) {
	w.t.Helper()
	c := projects.Contract{Draws: []string{projects.ProRata, projects.Waterfall, projects.Specific}[r.IntN(3)], KeptBP: int32(r.IntN(3) * 333)}
	var sources []src
	var total int64
	for _, s := range []src{{"R", projects.AsGift, ""}, {"R2", projects.AsGrant, ""}, {"A", projects.AsAgency, ""}, {"R", projects.OffBook, ""}} {
		if r.IntN(3) > 0 || len(sources) == 0 {
			minor := 1 + r.Int64N(900_00)
			s.amount = money.Format(minor, "CNY")
			total += minor
			sources = append(sources, s)
		}
	}
	if c.Draws != projects.Specific {
		c.Advance = r.Int64N(total + 1)
	}
	id := w.drafted(project, c, sources)
	stages := int16(0)
	stage := func(minor int64, source *int16) {
		if minor == 0 {
			return
		}
		stages++
		w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.AddMilestone(w.ctx, tx, w.book, c, projects.Milestone{Title: "段", DueOn: w.day(), Amount: minor, Source: source})
		}))
	}
	if c.Draws == projects.Specific {
		for i, s := range sources {
			position := int16(i + 1)
			stage(w.yuan(s.amount), &position)
		}
	} else {
		for left := total; left > 0; {
			part := min(left, 1+r.Int64N(total/2+1))
			stage(part, nil)
			left -= part
		}
	}
	if err := w.try(w.sign(id)); err != nil {
		if !errors.Is(err, ledger.ErrShort) && !errors.Is(err, projects.ErrHeld) {
			w.t.Fatal(err)
		}
		return
	}
	var sent []uuid.UUID
	for range 14 {
		w.randomStep(r, id, stages, &sent)
		w.held(id)
	}
}

// randomStep tries something; what the room refuses is refused.
func (w *world) randomStep(r *rand.Rand, id uuid.UUID, stages int16, sent *[]uuid.UUID) {
	w.t.Helper()
	bank := []string{"bank.basic", "bank.basic", "bank.agency"}[r.IntN(3)]
	amount := money.Format(1+r.Int64N(600_00), "CNY")
	at := 1 + int16(r.IntN(int(stages)))
	var err error
	switch r.IntN(9) {
	case 0, 1, 2:
		if err = w.try(w.inspect(id, at, amount)); err == nil {
			err = w.try(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
				return projects.Book(w.ctx, tx, w.book, c, at, w.day())
			}))
			if err != nil {
				w.t.Fatal(err) // what the street accepted can always be booked
			}
		}
	case 3, 4:
		payment := uuid.New()
		if err = w.try(w.ask(id, payment, []string{projects.ForAdvance, projects.ForStage, projects.ForLast}[r.IntN(3)], bank, amount)); err == nil {
			if err = w.try(w.agree(payment)); err == nil {
				if _, err = w.send(bank, payment); err == nil {
					*sent = append(*sent, payment)
				}
			}
		}
	case 5:
		if len(*sent) > 0 {
			err = w.try(w.debited((*sent)[r.IntN(len(*sent))], amount))
		}
	case 6:
		if len(*sent) > 0 {
			err = w.try(w.ofPayment((*sent)[r.IntN(len(*sent))], func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
				return projects.Bounce(w.ctx, tx, w.book, p, "退汇", w.day())
			}))
			w.unlock()
		}
	case 7:
		err = w.try(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.ChangeAmount(w.ctx, tx, w.book, c, 1, r.Int64N(200_00)-100_00, "变更", w.day(), w.day())
		}))
	case 8:
		if r.IntN(4) == 0 {
			err = w.try(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
				return projects.Terminate(w.ctx, tx, w.book, c, "停", w.day())
			}))
		}
	}
	var fields *giving.FieldErrors
	for _, expected := range []error{nil, giving.ErrStep, projects.ErrDraw, projects.ErrScores, projects.ErrBank, projects.ErrPayee, projects.ErrBudget, projects.ErrHeld, ledger.ErrShort, ledger.ErrGuarded} {
		if err == nil || errors.Is(err, expected) || errors.As(err, &fields) {
			return
		}
	}
	w.t.Fatal(err)
}

func (w *world) unlock() {
	err := w.try(func(tx pgx.Tx) (*giving.Move, error) {
		p, err := projects.PayeeByID(w.ctx, tx, w.book, w.payee)
		if err != nil {
			return nil, err
		}
		return projects.VerifyPayee(w.book, p, w.now)
	})
	if err != nil && !errors.Is(err, giving.ErrStep) {
		w.t.Fatal(err)
	}
}

// held states what must be true of a contract after every step.
func (w *world) held(id uuid.UUID) {
	w.t.Helper()
	c, err := projects.ContractByID(w.ctx, w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	list, err := projects.Sources(w.ctx, w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	payments, err := projects.Payments(w.ctx, w.db, w.book, projects.PaymentFilter{All: true, Contract: &id})
	if err != nil {
		w.t.Fatal(err)
	}
	var drawn, paid int64
	for _, s := range list {
		if s.Drawn > s.Amount {
			w.t.Fatalf("source %d bears %d of %d", s.Position, s.Drawn, s.Amount)
		}
		drawn += s.Drawn
	}
	for _, p := range payments {
		if p.State == projects.Sent || p.State == projects.Paid {
			paid += p.Amount
		}
	}
	if drawn != c.Accepted-c.Forfeited || paid > c.Accepted+c.Advanced-c.Applied {
		w.t.Fatalf("drawn %d, paid %d, %+v", drawn, paid, c)
	}
}
