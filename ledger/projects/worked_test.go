package projects_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/polls"
)

// TV1: 27,505.13 raised and 21,940.87 of the street, works for eleven families; 3 per cent kept back; paid from two bank accounts.
func TestShipingqiao(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.online R 27505.13", "C gift.r R 27505.13")
	p := w.project("R", "49446.01")
	sources := []src{{"R", projects.AsGift, "27505.13"}, {"R", projects.AsGrant, "21940.87"}}
	id := w.drafted(p, projects.Contract{Kind: projects.Works, KeptBP: 300}, sources, "49446.00")
	var short *ledger.ShortError
	if err := w.try(w.sign(id)); !errors.As(err, &short) || short.Available != 27_505_13 || short.Needed != 49_446_00 { // before the street's money is there
		t.Fatalf("signing early: %v", err)
	}
	w.post("D bank.basic R 21940.87", "C grant.r R 21940.87")
	over := w.drafted(p, projects.Contract{Kind: projects.Works}, []src{{"R", projects.AsGift, "49446.01"}}, "49446.01")
	if err := w.try(w.sign(over)); !errors.As(err, &short) || short.Needed-short.Available != 1 {
		t.Fatalf("one fen more: %v", err)
	}
	w.do(w.sign(id))
	w.wants("enc", "R", "49446.00")
	w.available("R", "0.00")
	w.accept(id, 1, "49446.00")
	w.wants("ap", "R", "-47962.62")
	w.wants("retention", "R", "-1483.38")
	w.wants("enc", "R", "0.00")
	w.pay(id, projects.ForStage, "bank.online", "27505.13")
	w.pay(id, projects.ForStage, "bank.basic", "20457.49")
	w.wants("bank.online", "R", "0.00")
	w.wants("bank.basic", "R", "1483.38")
	w.wants("pay.transit", "R", "0.00")
	last := uuid.New()
	w.refused(projects.ErrScores, w.ask(id, last, projects.ForLast, "bank.basic", "1483.38"))
	w.assess(id, projects.AtEnd, 95, 92, 96, 90)
	w.pay(id, projects.ForLast, "bank.basic", "1483.38")
	w.wants("retention", "R", "0.00")
	w.wants("bank.basic", "R", "0.00")
	w.wants("program.r", "R", "49446.00")
	w.verified()
	list, err := subsidies.Shares(27_505_13, 21_940_87, 11)
	if err != nil {
		t.Fatal(err)
	}
	shares := make([]int64, len(list))
	for i, h := range list {
		shares[i] = h.Total()
	}
	if want := append([]int64{449_510}, slices.Repeat([]int64{449_509}, 10)...); !slices.Equal(shares, want) {
		t.Errorf("shares %v", shares)
	}
}

// TV2: one of 88 projects of 126,250.00, of four sources, with an advance of 40 per cent, an accepted cost of 120,000 and a surplus of which the
// public part goes back; then all 88 are the sums of one.
func TestEightyEightProjects(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.basic R4 12625.00", "C gift.r R4 12625.00")
	p := w.project("R2", "126250.00")
	id := w.drafted(p, projects.Contract{Advance: 50_500_00}, []src{{"R1", projects.AsService, "50500.00"}, {"R2", projects.AsGrant, "25250.00"}, {"A", projects.AsAgency, "37875.00"}, {"R4", projects.AsGift, "12625.00"}}, "126250.00")
	for i, bank := range []ledger.Leaf{{Chart: "bank.basic"}, {Chart: "bank.basic"}, {Chart: "bank.agency"}} {
		w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			amount := []int64{50_500_00, 25_250_00, 37_875_00}[i]
			return projects.Receive(w.ctx, tx, w.book, c, int16(i+1), amount, bank.Chart, "来款", w.day())
		}))
	}
	w.wants("advance", "R1", "-50500.00")
	w.wants("grant.r", "R2", "-25250.00")
	w.wants("agency.l", "A", "-37875.00")
	w.do(w.sign(id))
	// The advance of 50,500: 35,350 from the association's account, 15,150 of agency money from its own.
	w.pay(id, projects.ForAdvance, "bank.basic", "35350.00")
	w.pay(id, projects.ForAdvance, "bank.agency", "15150.00")
	w.wants("prepay", "R1", "20200.00")
	w.wants("prepay", "R2", "10100.00")
	w.wants("prepay", "R4", "5050.00")
	w.wants("bank.agency", "A", "22725.00")
	w.accept(id, 1, "120000.00")
	w.wants("program.r", "R1", "48000.00")
	w.wants("service.r", "R1", "-48000.00")
	w.wants("program.r", "R2", "24000.00")
	w.wants("program.r", "R4", "12000.00")
	w.wants("agency.l", "A", "-22725.00")
	w.pay(id, projects.ForStage, "bank.agency", "20850.00")
	w.refused(projects.ErrScores, w.ask(id, uuid.New(), projects.ForStage, "bank.basic", "48650.00")) // the last instalment
	w.assess(id, projects.AtEnd, 90, 90, 90, 90)
	w.pay(id, projects.ForStage, "bank.basic", "48650.00")
	w.do(w.close(id))
	w.wants("return.due", "R1", "-2500.00")
	w.wants("return.due", "R2", "-1250.00")
	for i, bank := range []ledger.Leaf{{Chart: "bank.basic"}, {Chart: "bank.basic"}, {Chart: "bank.agency"}} {
		w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.GiveBack(w.ctx, tx, w.book, c, int16(i+1), bank.Chart, "退款", w.day())
		}))
	}
	for _, fund := range []string{"R1", "R2"} {
		w.wants("bank.basic", fund, "0.00")
		w.available(fund, "0.00")
	}
	w.wants("bank.agency", "A", "0.00")
	w.wants("agency.l", "A", "0.00")
	w.wants("bank.basic", "R4", "625.00")
	w.available("R4", "625.00")
	w.do(w.ofProject(p, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
		return projects.End(w.ctx, tx, w.book, p, w.day())
	}))
	w.wants("budget", "R2", "120000.00") // E46a: the surplus of 6,250 left it
	final, err := projects.FinalAccount(w.ctx, w.db, w.book, p)
	if err != nil {
		t.Fatal(err)
	}
	var budget, cost, paid, returned, rest int64
	for _, f := range final {
		if f.Budget != f.Cost+f.Returned+f.Rest || f.Paid != f.Cost {
			t.Errorf("source %+v does not add up", f)
		}
		budget, cost, paid, returned, rest = budget+f.Budget, cost+f.Cost, paid+f.Paid, returned+f.Returned, rest+f.Rest
	}
	if 88*budget != 11_110_000_00 || 88*cost != 10_560_000_00 || 88*paid != 10_560_000_00 || 88*returned != 495_000_00 || 88*rest != 55_000_00 {
		t.Errorf("88 of them: %d, %d, %d, %d, %d", 88*budget, 88*cost, 88*paid, 88*returned, 88*rest)
	}
	w.verified()
}

// TV3: 200,000 a year of which residents decide; nothing of it without their decision, and not a fen more than there is.
func TestResidentsDecide(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.basic S 200000.00", "C grant.r S 200000.00")
	w.chartered("S", funds.Terms{Sort: funds.Street, Purposes: []string{"service"}, Voted: true}) // the yearly budget, by its own charter
	poll := w.voted("S", 80_000_00, 65_000_00, 50_000_00)
	w.wants("resv", "S", "195000.00")
	approve := func(id uuid.UUID, decision *projects.Decision) func(pgx.Tx) (*giving.Move, error) {
		return w.ofProject(id, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			return projects.Approve(w.ctx, tx, w.book, p, decision, w.day())
		})
	}
	of := func(poll uuid.UUID, place int16, budget int64) (id uuid.UUID) {
		id = uuid.New()
		w.do(func(tx pgx.Tx) (*giving.Move, error) {
			return projects.Propose(w.ctx, tx, w.book, projects.Project{ID: id, Title: "社区服务", FundID: w.funds["S"].ID, Plan: "居民议定", StartsOn: w.day(), EndsOn: w.day(), EnteredBy: w.officer})
		})
		w.do(w.ofProject(id, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			return projects.AddItem(w.ctx, tx, w.book, p, "服务", budget)
		}))
		w.refused(projects.ErrVote, approve(id, nil))
		w.do(approve(id, &projects.Decision{Poll: poll, Place: place}))
		return id
	}
	var first uuid.UUID
	for i, amount := range []string{"80000.00", "65000.00", "50000.00"} {
		project := of(poll, int16(i+1), 200_000_00)
		over := w.drafted(project, projects.Contract{}, []src{{"S", projects.AsGrant, "80000.01"}}, "80000.01")
		w.refused(polls.ErrOverVote, w.sign(over))
		id := w.drafted(project, projects.Contract{}, []src{{"S", projects.AsGrant, amount}}, amount)
		w.do(w.sign(id))
		if i == 0 {
			first = id
		}
	}
	w.wants("enc", "S", "195000.00")
	w.available("S", "5000.00")
	w.accept(first, 1, "80000.00")
	w.assess(first, projects.AtEnd, 80, 80, 80, 80)
	w.pay(first, projects.ForStage, "bank.basic", "80000.00")
	w.wants("enc", "S", "115000.00")
	w.wants("bank.basic", "S", "120000.00")
	w.available("S", "5000.00")
	if err := w.vote("S", 5_000_01); !errors.Is(err, ledger.ErrShort) { // one fen more than there is
		t.Errorf("a fourth request: %v", err)
	}
	w.do(w.sign(w.drafted(of(w.voted("S", 5_000_00), 1, 5_000_00), projects.Contract{}, []src{{"S", projects.AsGrant, "5000.00"}}, "5000.00")))
	w.available("S", "0.00")
	other := w.project("R", "1000.00") // a project without a decision draws nothing of that fund either
	w.refused(projects.ErrVote, w.sign(w.drafted(other, projects.Contract{}, []src{{"S", projects.AsGrant, "10.00"}}, "10.00")))
	w.verified()
}

// The running sample of accounting.md 2.9: E36 to E44 on one fund.
func TestRunningSample(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.basic R 200000.00", "C gift.r R 200000.00")
	id := w.drafted(w.project("R", "200000.00"), projects.Contract{Kind: projects.Works, Advance: 50_500_00, KeptBP: 300}, []src{{"R", projects.AsGift, "126250.00"}}, "50000.00", "76250.00")
	w.do(w.sign(id))
	w.available("R", "73750.00")
	w.pay(id, projects.ForAdvance, "bank.basic", "50500.00")
	w.wants("prepay", "R", "50500.00")
	w.wants("enc", "R", "75750.00")
	w.available("R", "73750.00")
	w.accept(id, 1, "50000.00")
	w.wants("prepay", "R", "30500.00")
	w.wants("retention", "R", "-1500.00")
	w.wants("ap", "R", "-28500.00")
	w.wants("enc", "R", "45750.00")
	w.available("R", "73750.00")
	paid := w.pay(id, projects.ForStage, "bank.basic", "28500.00")
	w.wants("ap", "R", "0.00")
	w.do(w.ofPayment(paid, func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error) { // E42b: returned after the debit
		return projects.Bounce(w.ctx, tx, w.book, p, "户名不符", w.day())
	}))
	w.wants("bounced", "R", "0.00")
	w.wants("ap", "R", "-28500.00")
	again := uuid.New()
	retry := w.ofPayment(paid, func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
		return projects.Retry(w.ctx, tx, w.book, p, again, w.accountant, w.now)
	})
	w.refused(projects.ErrPayee, retry) // locked until somebody else has looked
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		p, err := projects.PayeeByID(w.ctx, tx, w.book, w.payee)
		if err != nil {
			return nil, err
		}
		return projects.VerifyPayee(w.book, p, w.now)
	})
	w.do(retry)
	w.refused(giving.ErrStep, w.ofPayment(paid, func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
		return projects.Retry(w.ctx, tx, w.book, p, uuid.New(), w.accountant, w.now)
	}))
	w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.ChangeAmount(w.ctx, tx, w.book, c, 1, 1_000_00, "增加扶手", w.day(), w.day())
	}))
	w.wants("enc", "R", "46750.00")
	w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.ChangeAmount(w.ctx, tx, w.book, c, 1, -1_000_00, "不做了", w.day(), w.day())
	}))
	terminate := w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Terminate(w.ctx, tx, w.book, c, "停工", w.day())
	})
	w.do(terminate)
	w.refused(giving.ErrStep, terminate)
	w.wants("enc", "R", "0.00")
	w.wants("ar.recover", "R", "30500.00")
	w.available("R", "119500.00") // 45,750 at once
	w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Recover(w.ctx, tx, w.book, c, 30_500_00, "bank.basic", "20260401-1", w.day())
	}))
	w.available("R", "150000.00")
	w.do(w.agree(again))
	if _, err := w.send("bank.basic", again); err != nil {
		t.Fatal(err)
	}
	w.do(w.debited(again, "20260402-1"))
	w.refused(projects.ErrOpen, w.close(id)) // what was kept back is still owed
	w.verified()
}
