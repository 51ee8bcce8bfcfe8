package projects_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/votes"
)

// world is an association with a street, funds of each kind and a verified payee.
type world struct {
	t                             testing.TB
	ctx                           context.Context
	db                            *pgxpool.Pool
	book                          *ledger.Book
	street                        int32
	funds                         map[string]*ledger.Fund
	now                           time.Time
	accountant, approver, officer uuid.UUID
	payee                         uuid.UUID
	n                             int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: t.Context(), db: pgtest.New(t).Service, funds: map[string]*ledger.Fund{}, now: time.Date(2026, 3, 10, 12, 0, 0, 0, zone), accountant: uuid.New(), approver: uuid.New(), officer: uuid.New()}
	w.tx(func(tx pgx.Tx) (err error) {
		w.book, err = ledger.CreateBook(w.ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "demo", NameZH: "慈善会", NameEN: "Association", Regime: chart.CN2026, Currency: "CNY", Zone: zone})
		if err != nil {
			return err
		}
		s, err := ledger.CreateStreet(w.ctx, tx, w.book, ledger.Street{Code: "spq", NameZH: "石坪桥街道", NameEN: "Shipingqiao"})
		if err != nil {
			return err
		}
		w.street = s.ID
		for _, f := range []struct{ code, kind string }{{"G", ledger.General}, {"R", ledger.Restricted}, {"R1", ledger.Restricted}, {"R2", ledger.Restricted}, {"R4", ledger.Restricted}, {"A", ledger.Agency}, {"S", ledger.Subsidy}} {
			w.funds[f.code], err = ledger.CreateFund(w.ctx, tx, w.book, ledger.Fund{Code: f.code, Kind: f.kind, NameZH: f.code, NameEN: f.code, StreetID: &w.street})
			if err != nil {
				return err
			}
		}
		return nil
	})
	w.payee = w.organisation("向阳社工服务中心", "91500107MA5U000000")
	return w
}

// organisation is a payee whose account has rested.
func (w *world) organisation(name, code string) uuid.UUID {
	w.t.Helper()
	id := uuid.New()
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.EnterPayee(w.ctx, tx, w.book, projects.Payee{ID: id, Name: name, Standing: projects.Registered, Code: code, EnteredBy: w.accountant})
	})
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		p, err := projects.PayeeByID(w.ctx, tx, w.book, id)
		if err != nil {
			return nil, err
		}
		return projects.ChangeAccount(w.book, p, projects.Account{Holder: name, Bank: "重庆银行石坪桥支行", BankCode: "313653000013", Number: "650101040012345"}, w.now.Add(-2*projects.Cooling))
	})
	return id
}

func (w *world) tx(f func(tx pgx.Tx) error) {
	w.t.Helper()
	if err := pg.InTx(w.ctx, w.db, f); err != nil {
		w.t.Fatal(err)
	}
}

// try takes a step, made by the accountant and approved by another.
func (w *world) try(plan func(tx pgx.Tx) (*giving.Move, error)) error {
	return pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		m, err := plan(tx)
		if err != nil {
			return err
		}
		_, err = m.Book(w.ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.accountant, Second: w.approver, At: w.now, Made: "李会计", Check: "陈审批"})
		return err
	})
}

func (w *world) do(plan func(tx pgx.Tx) (*giving.Move, error)) {
	w.t.Helper()
	if err := w.try(plan); err != nil {
		w.t.Fatal(err)
	}
}

// refused takes a step that must fail as said, and change nothing.
func (w *world) refused(want error, plan func(tx pgx.Tx) (*giving.Move, error)) {
	w.t.Helper()
	if err := w.try(plan); !errors.Is(err, want) {
		w.t.Fatalf("got %v, want %v", err, want)
	}
}

// field takes a step that must be refused at a field.
func (w *world) field(key string, plan func(tx pgx.Tx) (*giving.Move, error)) {
	w.t.Helper()
	var wrong *giving.FieldErrors
	if err := w.try(plan); !errors.As(err, &wrong) || wrong.List[0].Key != key {
		w.t.Fatalf("got %v, want %s", err, key)
	}
}

func (w *world) day() time.Time { return w.book.Day(w.now) }

// post books plain lines: "D bank.basic R 100.00".
func (w *world) post(lines ...string) {
	w.t.Helper()
	e := ledger.Entry{Key: uuid.New(), Kind: ledger.KindOpening, EffectiveOn: w.day()}
	for _, text := range lines {
		var side, id, fund, amount string
		if _, err := fmt.Sscan(text, &side, &id, &fund, &amount); err != nil {
			w.t.Fatal(err)
		}
		minor := w.yuan(amount)
		if side == "C" {
			minor = -minor
		}
		e.Lines = append(e.Lines, ledger.Line{Leaf: ledger.Leaf{Chart: chart.ID(id), Fund: w.funds[fund].ID}, Amount: minor})
	}
	w.tx(func(tx pgx.Tx) error {
		r, err := ledger.PostOne(w.ctx, tx, w.book, e)
		if err != nil {
			return err
		}
		return r.Err
	})
}

func (w *world) yuan(text string) int64 {
	w.t.Helper()
	minor, err := money.Parse(text, "CNY")
	if err != nil {
		w.t.Fatal(err)
	}
	return minor
}

// wants compares a chart account of a fund, debit positive, over all of its leaves.
func (w *world) wants(id, fund, amount string) {
	w.t.Helper()
	var sum int64
	err := w.db.QueryRow(w.ctx, `select coalesce(sum(b.balance), 0)::int8 from account a join balance b using (book_id, account_id) where a.book_id = $1 and a.fund_id = $2 and a.chart = $3`,
		w.book.ID, w.funds[fund].ID, id).Scan(&sum)
	if err != nil {
		w.t.Fatal(err)
	}
	if sum != w.yuan(amount) {
		w.t.Errorf("%s of %s is %s, want %s", id, fund, money.Format(sum, "CNY"), amount)
	}
}

// available is what a fund may spend.
func (w *world) available(fund, amount string) {
	w.t.Helper()
	list, err := ledger.Positions(w.ctx, w.db, w.book, w.day().AddDate(1, 0, 0))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, p := range list {
		if p.Fund.ID == w.funds[fund].ID {
			if p.Available != w.yuan(amount) {
				w.t.Errorf("available of %s is %s, want %s", fund, money.Format(p.Available, "CNY"), amount)
			}
			return
		}
	}
	if w.yuan(amount) != 0 {
		w.t.Errorf("fund %s has no position", fund)
	}
}

// project is an approved project of a budget.
func (w *world) project(fund, budget string) uuid.UUID {
	w.t.Helper()
	id := uuid.New()
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.Propose(w.ctx, tx, w.book, projects.Project{ID: id, Title: "11 户居室改造", FundID: w.funds[fund].ID, Plan: "改造", StartsOn: w.day(), EndsOn: w.day().AddDate(0, 6, 0), EnteredBy: w.officer})
	})
	w.do(w.ofProject(id, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
		return projects.AddItem(w.ctx, tx, w.book, p, "人工与材料", w.yuan(budget))
	}))
	w.do(w.ofProject(id, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
		return projects.Approve(w.ctx, tx, w.book, p, nil, w.day())
	}))
	return id
}

func (w *world) ofProject(id uuid.UUID, plan func(tx pgx.Tx, p *projects.Project) (*giving.Move, error)) func(pgx.Tx) (*giving.Move, error) {
	return func(tx pgx.Tx) (*giving.Move, error) {
		p, err := projects.ProjectByID(w.ctx, tx, w.book, id)
		if err != nil {
			return nil, err
		}
		return plan(tx, p)
	}
}

// voted is a vote that residents have taken and the ledger has set money aside for.
func (w *world) voted(fund string, costs ...int64) uuid.UUID {
	w.t.Helper()
	if err := w.vote(fund, costs...); err != nil {
		w.t.Fatal(err)
	}
	list, err := polls.List(w.ctx, w.db, w.book, polls.Filter{All: true})
	if err != nil {
		w.t.Fatal(err)
	}
	return list[0].ID
}

// vote lets one resident choose projects of these costs, and counts.
func (w *world) vote(fund string, costs ...int64) error {
	w.t.Helper()
	id := uuid.New()
	w.do(func(pgx.Tx) (*giving.Move, error) {
		return residents.Found(w.book, id, residents.Community{StreetID: w.street, Code: "c-" + id.String()[:6], NameZH: "社区", NameEN: "Community"})
	})
	list, err := residents.Communities(w.ctx, w.db, w.book, true, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	community := list[len(list)-1]
	poll := uuid.New()
	read := func(q pg.Querier) *polls.Poll {
		p, err := polls.ByID(w.ctx, q, w.book, poll)
		if err != nil {
			w.t.Fatal(err)
		}
		return p
	}
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return polls.Enter(w.ctx, tx, w.book, polls.Poll{ID: poll, FundID: w.funds[fund].ID, StreetID: w.street, TitleZH: "今年做什么", TitleEN: "This year", Budget: 200_000_00, OpensAt: w.now, ClosesAt: w.now.AddDate(0, 0, 7),
			Rule: votes.Rule{Ballot: votes.Approval, Least: 1, Method: votes.Greedy, Ties: []string{votes.LowerCost}}, MadeBy: w.officer, Communities: []int32{community.ID}})
	})
	ballot := votes.Ballot{}
	for i, cost := range append(costs, 200_000_00) { // the last one nobody wants: a vote has two projects at least
		w.do(func(tx pgx.Tx) (*giving.Move, error) {
			return polls.Add(w.book, read(tx), polls.Choice{TitleZH: "项目", TitleEN: "Project", Cost: cost})
		})
		if i < len(costs) {
			ballot = append(ballot, votes.Mark{Option: i, Points: 1})
		}
	}
	w.do(func(tx pgx.Tx) (*giving.Move, error) { return polls.Publish(w.book, read(tx), w.now) })
	w.tx(func(tx pgx.Tx) error {
		codes, err := residents.Slips(w.ctx, tx, w.book, &community, 1, w.officer, rand.Reader, w.now)
		if err != nil {
			return err
		}
		r, err := residents.Find(w.ctx, tx, w.book, codes[0])
		if err != nil {
			return err
		}
		return polls.Cast(w.ctx, tx, w.book, read(tx), r, ballot, w.now)
	})
	late := w.now.AddDate(0, 0, 8)
	w.tx(func(tx pgx.Tx) error { return polls.Close(w.ctx, tx, w.book, read(tx), late) })
	return w.try(func(tx pgx.Tx) (*giving.Move, error) {
		return polls.Count(w.ctx, tx, w.book, read(tx), w.day(), late)
	})
}

// src is a source as tests write it.
type src struct{ fund, treatment, amount string }

// drafted is a contract with sources and stages, not signed.
func (w *world) drafted(project uuid.UUID, c projects.Contract, sources []src, stages ...string) uuid.UUID {
	w.t.Helper()
	w.n++
	c.ID, c.Title = uuid.New(), "改造合同"
	if c.EndsOn.IsZero() {
		c.EndsOn = w.day().AddDate(0, 6, 0)
	}
	if c.Code == "" {
		c.Code = fmt.Sprintf("HT-%d", w.n)
	}
	if c.Kind == "" {
		c.Kind = projects.Service
	}
	if c.Draws == "" {
		c.Draws = projects.ProRata
	}
	w.do(w.ofProject(project, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
		payee, err := projects.PayeeByID(w.ctx, tx, w.book, w.payee)
		if err != nil {
			return nil, err
		}
		return projects.DraftContract(w.ctx, tx, w.book, p, payee, c)
	}))
	for _, s := range sources {
		w.do(w.of(c.ID, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.AddSource(w.ctx, tx, w.book, c, projects.Source{FundID: w.funds[s.fund].ID, Treatment: s.treatment, Payer: s.fund, Amount: w.yuan(s.amount)})
		}))
	}
	for _, amount := range stages {
		w.do(w.of(c.ID, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.AddMilestone(w.ctx, tx, w.book, c, projects.Milestone{Title: "验收", DueOn: w.day(), Amount: w.yuan(amount)})
		}))
	}
	return c.ID
}

func (w *world) of(id uuid.UUID, plan func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error)) func(pgx.Tx) (*giving.Move, error) {
	return func(tx pgx.Tx) (*giving.Move, error) {
		c, err := projects.ContractByID(w.ctx, tx, w.book, id)
		if err != nil {
			return nil, err
		}
		return plan(tx, c)
	}
}

func (w *world) sign(id uuid.UUID) func(pgx.Tx) (*giving.Move, error) {
	return w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Sign(w.ctx, tx, w.book, c, w.day())
	})
}

func (w *world) inspect(id uuid.UUID, stage int16, amount string) func(pgx.Tx) (*giving.Move, error) {
	return w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Inspect(w.ctx, tx, w.book, c, stage, w.yuan(amount), "到现场看过", w.officer)
	})
}

func (w *world) accept(id uuid.UUID, stage int16, amount string) {
	w.t.Helper()
	w.do(w.inspect(id, stage, amount))
	w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Book(w.ctx, tx, w.book, c, stage, w.day())
	}))
}

// assess gives each side's points in the order of projects.Sides.
func (w *world) assess(id uuid.UUID, phase string, points ...int32) {
	w.t.Helper()
	for i, p := range points {
		w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.Assess(w.ctx, tx, w.book, c, projects.Score{Phase: phase, Side: projects.Sides()[i], By: uuid.New(), Points: p, Note: "按评分表", At: w.now})
		}))
	}
}

func (w *world) ask(contract, id uuid.UUID, kind, bank, amount string) func(pgx.Tx) (*giving.Move, error) {
	w.n++
	invoice := fmt.Sprintf("FP-%d", w.n)
	return w.of(contract, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Ask(w.ctx, tx, w.book, c, projects.Payment{ID: id, Kind: kind, Bank: chart.ID(bank), Amount: w.yuan(amount), Invoice: invoice, Purpose: "进度款", AskedBy: w.officer}, w.now)
	})
}

func (w *world) ofPayment(id uuid.UUID, plan func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error)) func(pgx.Tx) (*giving.Move, error) {
	return func(tx pgx.Tx) (*giving.Move, error) {
		p, err := projects.PaymentByID(w.ctx, tx, w.book, id)
		if err != nil {
			return nil, err
		}
		return plan(tx, p)
	}
}

func (w *world) agree(id uuid.UUID) func(pgx.Tx) (*giving.Move, error) {
	return w.ofPayment(id, func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
		return projects.AgreeToPay(w.ctx, tx, w.book, p, w.now)
	})
}

// send makes a file of payments out of one account.
func (w *world) send(bank string, payments ...uuid.UUID) (batch uuid.UUID, err error) {
	batch = uuid.New()
	return batch, pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		return projects.MakeBatch(w.ctx, tx, w.book, projects.Batch{ID: batch, Bank: chart.ID(bank), Day: w.day(), MadeBy: w.accountant, MadeAt: w.now, Account: "50001040009999"}, payments, "李会计")
	})
}

func (w *world) debited(id uuid.UUID, ref string) func(pgx.Tx) (*giving.Move, error) {
	return w.ofPayment(id, func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
		return projects.Debited(w.ctx, tx, w.book, p, ref, w.day())
	})
}

// pay goes the whole way of one payment: asked for, approved, sent, at the bank.
func (w *world) pay(contract uuid.UUID, kind, bank, amount string) uuid.UUID {
	w.t.Helper()
	id := uuid.New()
	w.do(w.ask(contract, id, kind, bank, amount))
	w.do(w.agree(id))
	if _, err := w.send(bank, id); err != nil {
		w.t.Fatal(err)
	}
	w.do(w.debited(id, "B-"+id.String()[:8]))
	return id
}

func (w *world) close(id uuid.UUID) func(pgx.Tx) (*giving.Move, error) {
	return w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.CloseContract(w.ctx, tx, w.book, c, true, w.day())
	})
}

// verified holds the room's checks and the ledger's.
func (w *world) verified() {
	w.t.Helper()
	for _, verify := range []func(context.Context, pg.Querier, *ledger.Book) ([]ledger.Check, error){ledger.Verify, projects.Verify} {
		list, err := verify(w.ctx, w.db, w.book)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, c := range list {
			if c.DiffersAll > 0 {
				w.t.Errorf("%s: %v", c.Code, c.Differs)
			}
		}
	}
}
