package projects_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
)

// owing is a contract of which an amount is accepted and owed, judged by all four sides.
func (w *world) owing(amount string) uuid.UUID {
	w.t.Helper()
	w.post("D bank.basic R "+amount, "C gift.r R "+amount)
	id := w.drafted(w.project("R", amount), projects.Contract{}, []src{{"R", projects.AsGift, amount}}, amount)
	w.do(w.sign(id))
	w.accept(id, 1, amount)
	w.assess(id, projects.AtEnd, 90, 90, 90, 90)
	return id
}

// Ten people ask for the same money at once, approve it at once, send it at once, and enter its bank line at once: it goes once.
func TestNothingIsPaidTwice(t *testing.T) {
	w := newWorld(t)
	id := w.owing("100.00")
	race := func(step func(i int) error) (won int) {
		var wait sync.WaitGroup
		errs := make([]error, 10)
		for i := range errs {
			wait.Go(func() { errs[i] = step(i) })
		}
		wait.Wait()
		for _, err := range errs {
			var fields *giving.FieldErrors
			switch {
			case err == nil:
				won++
			case !errors.Is(err, giving.ErrStep) && !errors.Is(err, ledger.ErrGuarded) && !errors.As(err, &fields):
				t.Error(err)
			}
		}
		return won
	}
	asked := make([]func(pgx.Tx) (*giving.Move, error), 10)
	for i := range asked {
		asked[i] = w.ask(id, uuid.New(), projects.ForStage, "bank.basic", "100.00")
	}
	if n := race(func(i int) error { return w.try(asked[i]) }); n != 1 {
		t.Fatalf("asked for %d times", n)
	}
	list, err := projects.Payments(w.ctx, w.db, w.book, projects.PaymentFilter{All: true})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	payment := list[0].ID
	if n := race(func(int) error { return w.try(w.agree(payment)) }); n != 1 {
		t.Errorf("approved %d times", n)
	}
	if n := race(func(int) error { _, err := w.send("bank.basic", payment); return err }); n != 1 {
		t.Errorf("sent %d times", n)
	}
	if n := race(func(int) error { return w.try(w.debited(payment, "B-1")) }); n != 1 {
		t.Errorf("debited %d times", n)
	}
	w.wants("bank.basic", "R", "0.00")
	w.wants("ap", "R", "0.00")
	w.verified()
}

func TestRefusalsOfPayment(t *testing.T) {
	w := newWorld(t)
	id := w.owing("100.00")
	ask := func(p projects.Payment) func(pgx.Tx) (*giving.Move, error) {
		return w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			p.ID, p.Kind, p.Bank, p.Purpose = uuid.New(), projects.ForStage, "bank.basic", "进度款"
			return projects.Ask(w.ctx, tx, w.book, c, p, w.now)
		})
	}
	w.field("pay.amount.more", ask(projects.Payment{Amount: 100_01, Invoice: "1"}))
	w.field("offline.amount.wrong", ask(projects.Payment{Amount: -1, Invoice: "1"}))
	w.field("offline.text.wrong", ask(projects.Payment{Amount: 1}))
	w.do(ask(projects.Payment{Amount: 40_00, Invoice: "1"}))
	w.field("pay.invoice.taken", ask(projects.Payment{Amount: 60_00, Invoice: "1"}))
	list, err := projects.Payments(w.ctx, w.db, w.book, projects.PaymentFilter{All: true})
	if err != nil {
		t.Fatal(err)
	}
	payment := list[0].ID
	if _, err := w.send("bank.basic", payment); !errors.Is(err, giving.ErrStep) { // not approved
		t.Errorf("sent without approval: %v", err)
	}
	account := func(holder, number string, at int) func(pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			p, err := projects.PayeeByID(w.ctx, tx, w.book, w.payee)
			if err != nil {
				return nil, err
			}
			return projects.ChangeAccount(w.book, p, projects.Account{Holder: holder, Bank: "银行", Number: number}, w.now.AddDate(0, 0, at))
		}
	}
	w.field("payee.holder.other", account("别人", "6501010400", 0))
	w.field("payee.account.wrong", account("向阳社工服务中心", "12-34", 0))
	w.do(account("向阳社工服务中心", "6501010400999", -1)) // changed yesterday
	w.refused(projects.ErrPayee, w.agree(payment))
	w.refused(projects.ErrPayee, ask(projects.Payment{Amount: 1, Invoice: "2"}))
	w.now = w.now.AddDate(0, 0, 3) // it has rested; but what was asked for went to another account
	w.refused(projects.ErrPayee, w.agree(payment))
	w.do(w.ofPayment(payment, func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
		return projects.Drop(w.ctx, tx, w.book, p, "账户改了", w.day())
	}))
	w.do(ask(projects.Payment{Amount: 100_00, Invoice: "1"}))
	alone := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error { // an account that one person alone would change
		p, err := projects.PayeeByID(w.ctx, tx, w.book, w.payee)
		if err != nil {
			return err
		}
		m, err := projects.ChangeAccount(w.book, p, projects.Account{Holder: p.Name, Bank: "银行", Number: "6501010400888"}, w.now)
		if err != nil {
			return err
		}
		_, err = m.Book(w.ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.accountant, At: w.now, Made: "李会计"})
		return err
	})
	if !errors.Is(alone, giving.ErrStep) {
		t.Errorf("changed alone: %v", alone)
	}
	w.verified()
}

// Direct aid: reserved when approved, paid out of the account, and free again when it comes back. What is sealed is in the bank's file alone.
func TestAidToAFamily(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.basic R 5000.00", "C gift.r R 5000.00")
	home := uuid.New()
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.EnterHome(w.ctx, tx, w.book, projects.Payee{ID: home, StreetID: &w.street, EnteredBy: w.accountant}, projects.Home{Name: "周小满", Bank: "=邮储银行", Account: "6210 9912 3456"}, w.now)
	})
	read := func(q pg.Querier) *projects.Payee {
		p, err := projects.PayeeByID(w.ctx, q, w.book, home)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	payment := uuid.New()
	fund := w.funds["R"].ID
	ask := func(tx pgx.Tx) (*giving.Move, error) {
		return projects.AskAid(w.ctx, tx, w.book, read(tx), projects.Payment{ID: payment, FundID: &fund, Bank: "bank.basic", Amount: 3_000_00, Purpose: "困难救助", AskedBy: w.accountant}, w.now)
	}
	w.refused(projects.ErrPayee, ask)
	w.do(func(tx pgx.Tx) (*giving.Move, error) { return projects.VerifyPayee(w.book, read(tx), w.now) })
	w.refused(projects.ErrPayee, ask) // it rests
	w.now = w.now.Add(projects.Cooling)
	w.do(ask)
	w.available("R", "5000.00")
	w.do(w.agree(payment))
	w.wants("resv", "R", "3000.00")
	w.available("R", "2000.00")
	batch, err := w.send("bank.basic", payment)
	if err != nil {
		t.Fatal(err)
	}
	w.wants("program.r", "R", "3000.00")
	w.wants("resv", "R", "0.00")
	w.do(w.debited(payment, "B-1"))
	w.wants("bank.basic", "R", "2000.00")
	b, err := projects.BatchByID(w.ctx, w.db, w.book, batch)
	if err != nil {
		t.Fatal(err)
	}
	orders, err := projects.Orders(w.ctx, w.db, w.book, b)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := projects.BankCSV(&out, w.book, b, orders); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 3 || rows[1][3] != "周小满" || rows[1][4] != "'=邮储银行" || rows[1][6] != "621099123456" || rows[1][8] != "3000.00" {
		t.Errorf("%v %v", rows, err)
	}
	var clear bool
	if err := w.db.QueryRow(w.ctx, `select exists (select from payee where payee::text ~ '周小满|621099') or exists (select from record_step r where r::text ~ '周小满|621099')`).Scan(&clear); err != nil || clear {
		t.Errorf("a name stands in clear: %v %v", clear, err)
	}
	w.do(w.ofPayment(payment, func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
		return projects.Bounce(w.ctx, tx, w.book, p, "账号错误", w.day())
	}))
	w.available("R", "5000.00")
	w.wants("program.r", "R", "0.00")
	w.verified()
}

// The file has the structure of pain.001.001.09 and the batch's sums; a file that has not is not handed out.
func TestBankFile(t *testing.T) {
	w := newWorld(t)
	id := w.owing("100.00")
	payment := uuid.New()
	w.do(w.ask(id, payment, projects.ForStage, "bank.basic", "100.00"))
	w.do(w.agree(payment))
	batch, err := w.send("bank.basic", payment)
	if err != nil {
		t.Fatal(err)
	}
	b, err := projects.BatchByID(w.ctx, w.db, w.book, batch)
	if err != nil {
		t.Fatal(err)
	}
	orders, err := projects.Orders(w.ctx, w.db, w.book, b)
	if err != nil {
		t.Fatal(err)
	}
	payer := projects.Payer{Name: "阳光区慈善会 <&>", Bank: "重庆银行"}
	body, err := projects.BankXML(w.book, b, payer, orders)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"<CtrlSum>100.00</CtrlSum>", `<InstdAmt Ccy="CNY">100.00</InstdAmt>`, "<MmbId>313653000013</MmbId>", "<Nm>向阳社工服务中心</Nm>", "&lt;&amp;&gt;"} {
		if !bytes.Contains(body, []byte(part)) {
			t.Errorf("%s is missing in\n%s", part, body)
		}
	}
	for name, change := range map[string][2]string{
		"another sum":     {"<CtrlSum>100.00</CtrlSum>", "<CtrlSum>100.01</CtrlSum>"},
		"another amount":  {`CNY">100.00`, `CNY">99.00`},
		"another money":   {`Ccy="CNY"`, `Ccy="USD"`},
		"an unknown part": {"<RmtInf>", "<Purp><Cd>X</Cd></Purp><RmtInf>"},
		"no account":      {"<Id>650101040012345</Id>", "<Id></Id>"},
		"another format":  {"pain.001.001.09", "pain.001.001.03"},
		"a long id":       {"<MsgId>PL1</MsgId>", "<MsgId>" + strings.Repeat("1", 36) + "</MsgId>"},
	} {
		broken := strings.Replace(string(body), change[0], change[1], 1)
		if broken == string(body) {
			t.Errorf("%s: nothing was changed", name)
		}
		if err := projects.CheckBankXML([]byte(broken), b, w.book); !errors.Is(err, projects.ErrBankFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A failure in the middle stops payment until two people let the contract go on; nobody speaks for two sides; the grade holds back by its formula.
func TestFourSides(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.basic R 1000.00", "C gift.r R 1000.00")
	id := w.drafted(w.project("R", "1000.00"), projects.Contract{KeptBP: 1000}, []src{{"R", projects.AsGift, "600.01"}, {"R", projects.AsOwn, "399.99"}}, "500.00", "500.00")
	w.do(w.sign(id))
	w.accept(id, 1, "500.00")
	score := func(side string, by uuid.UUID, points int32) func(pgx.Tx) (*giving.Move, error) {
		return w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
			return projects.Assess(w.ctx, tx, w.book, c, projects.Score{Phase: projects.Middle, Side: side, By: by, Points: points, Note: "看过", At: w.now})
		})
	}
	w.do(score(projects.SideStreet, w.officer, 50))
	w.refused(projects.ErrScored, score(projects.SideResidents, w.officer, 90))
	w.refused(giving.ErrStep, score(projects.SideStreet, uuid.New(), 90))
	w.field("assess.points.wrong", score(projects.SideResidents, uuid.New(), 101))
	w.do(score(projects.SideProvider, uuid.New(), 60))
	w.do(score(projects.SideResidents, uuid.New(), 50))
	w.do(score(projects.SideIndependent, uuid.New(), 89)) // 59.80: below 60
	w.refused(projects.ErrStopped, w.ask(id, uuid.New(), projects.ForStage, "bank.basic", "450.00"))
	w.refused(giving.ErrStep, w.inspect(id, 2, "500.00"))
	w.do(w.of(id, func(_ pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Resume(w.book, c, "整改完成")
	}))
	w.pay(id, projects.ForStage, "bank.basic", "450.00")
	w.accept(id, 2, "500.00")
	w.pay(id, projects.ForStage, "bank.basic", "450.00")
	forfeit := w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Forfeit(w.ctx, tx, w.book, c, w.day())
	})
	w.refused(projects.ErrScores, forfeit)
	w.assess(id, projects.AtEnd, 70, 70, 70)
	w.refused(projects.ErrScores, w.ask(id, uuid.New(), projects.ForLast, "bank.basic", "80.00"))
	w.do(w.of(id, func(tx pgx.Tx, c *projects.Contract) (*giving.Move, error) {
		return projects.Assess(w.ctx, tx, w.book, c, projects.Score{Phase: projects.AtEnd, Side: projects.SideIndependent, By: uuid.New(), Points: 70, Note: "合格", At: w.now})
	}))
	w.refused(projects.ErrHoldOff, w.ask(id, uuid.New(), projects.ForLast, "bank.basic", "80.00"))
	w.do(forfeit) // 70 is a pass, which pays 80 per cent of 100.00
	w.wants("program.r", "R", "980.00")
	w.field("pay.amount.more", w.ask(id, uuid.New(), projects.ForLast, "bank.basic", "80.01"))
	w.pay(id, projects.ForLast, "bank.basic", "80.00")
	w.do(w.close(id))
	w.available("R", "20.00")
	ratings, err := projects.Ratings(w.ctx, w.db, w.book, []uuid.UUID{w.payee})
	if r := ratings[w.payee]; err != nil || r.Contracts != 1 || r.Points != 7000 {
		t.Errorf("rating %+v %v", r, err)
	}
	w.verified()
}

// Refusals of signing: budget, stages, a barred payee, agency money that is not there.
func TestRefusalsOfContracts(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.basic R 1000.00", "C gift.r R 1000.00")
	w.post("D bank.agency A 100.00", "C agency.l A 100.00")
	p := w.project("R", "500.00")
	w.refused(projects.ErrBudget, w.sign(w.drafted(p, projects.Contract{}, []src{{"R", projects.AsGift, "500.01"}}, "500.01")))
	w.refused(projects.ErrStages, w.sign(w.drafted(p, projects.Contract{}, []src{{"R", projects.AsGift, "100.00"}}, "99.99")))
	w.refused(projects.ErrHeld, w.sign(w.drafted(p, projects.Contract{}, []src{{"A", projects.AsAgency, "60.00"}, {"A", projects.AsAgency, "40.01"}}, "100.01")))
	first := w.drafted(p, projects.Contract{}, []src{{"A", projects.AsAgency, "60.00"}}, "60.00")
	w.do(w.sign(first))
	w.refused(projects.ErrHeld, w.sign(w.drafted(p, projects.Contract{}, []src{{"A", projects.AsAgency, "40.01"}}, "40.01")))
	draft := func(c projects.Contract) func(pgx.Tx) (*giving.Move, error) {
		return w.ofProject(p, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			payee, err := projects.PayeeByID(w.ctx, tx, w.book, w.payee)
			if err != nil {
				return nil, err
			}
			c.ID, c.Title, c.EndsOn = uuid.New(), "合同", w.day()
			return projects.DraftContract(w.ctx, tx, w.book, p, payee, c)
		})
	}
	w.field("contract.kept.wrong", draft(projects.Contract{Code: "X", Kind: projects.Works, KeptBP: 5001, Draws: projects.ProRata}))
	w.field("contract.advance.specific", draft(projects.Contract{Code: "X", Kind: projects.Service, Advance: 1, Draws: projects.Specific}))
	w.field("contract.code.taken", draft(projects.Contract{Code: "HT-4", Kind: projects.Service, Draws: projects.ProRata}))
	barred := w.drafted(p, projects.Contract{}, []src{{"R", projects.AsGift, "10.00"}}, "10.00")
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		payee, err := projects.PayeeByID(w.ctx, tx, w.book, w.payee)
		if err != nil {
			return nil, err
		}
		return projects.SetCredit(w.book, payee, projects.Barred, "转包")
	})
	w.refused(projects.ErrPayee, w.sign(barred))
	w.field("contract.payee.barred", draft(projects.Contract{Code: "Y", Kind: projects.Service, Draws: projects.ProRata}))
	w.verified()
}

// Each check of verify finds what was planted behind the triggers' back.
func TestVerifyFinds(t *testing.T) {
	w := newWorld(t)
	id := w.owing("100.00")
	payment := uuid.New()
	w.do(w.ask(id, payment, projects.ForStage, "bank.basic", "100.00"))
	w.do(w.agree(payment))
	if _, err := w.send("bank.basic", payment); err != nil {
		t.Fatal(err)
	}
	for code, plant := range map[string]string{
		"contract":        `update contract_source set kept = 1`,
		"contract-source": `update contract_source set drawn = 1`,
		"payment-transit": `update disbursement set state = 'paid'`,
	} {
		var found []ledger.Check
		err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
			if _, err := tx.Exec(w.ctx, plant); err != nil {
				return err
			}
			list, err := projects.Verify(context.WithoutCancel(w.ctx), tx, w.book)
			found = list
			return errors.Join(err, errRollBack)
		})
		if !errors.Is(err, errRollBack) {
			t.Fatal(err)
		}
		for _, c := range found {
			if c.Code == code && c.DiffersAll == 0 {
				t.Errorf("%s finds nothing", code)
			}
		}
	}
}

var errRollBack = errors.New("rolled back")

// While a fund does not balance nothing is approved or sent; it goes on once the break has ended.
func TestABrokenFundStopsPayments(t *testing.T) {
	w := newWorld(t)
	id := w.owing("100.00")
	payment := uuid.New()
	w.do(w.ask(id, payment, projects.ForStage, "bank.basic", "100.00"))
	w.halted(true)
	w.refused(ledger.ErrHalted, w.agree(payment))
	w.halted(false)
	w.do(w.agree(payment))
	w.halted(true)
	if _, err := w.send("bank.basic", payment); !errors.Is(err, ledger.ErrHalted) {
		t.Errorf("sent: %v", err)
	}
	w.halted(false)
	if _, err := w.send("bank.basic", payment); err != nil {
		t.Error(err)
	}
}

// halted plants the break that stops payments, or ends it.
func (w *world) halted(on bool) {
	w.t.Helper()
	sql := `update break_item set ended_at = now() where book_id = $1`
	if on {
		sql = `insert into break_item (book_id, id, key, type, amount, ccy, day, ours, lines, files, note, first_seen, due_at, run_no, state)
			values ($1, gen_random_uuid(), 'B14', 'B14', 1, 'CNY', current_date, '{}', '{}', '{}', '', now(), now(), 1, 'open')`
	}
	w.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, sql, w.book.ID)
		return err
	})
}
