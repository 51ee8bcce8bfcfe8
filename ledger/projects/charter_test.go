package projects_test

import (
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
)

// chartered gives a fund of the world its charter, by application, committee, agreement and a second person.
func (w *world) chartered(fund string, t funds.Terms) {
	w.t.Helper()
	known, err := funds.Purposes(w.ctx, w.db, w.book)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(known) == 0 {
		for _, code := range []string{"homes", "service", "office"} {
			w.do(func(tx pgx.Tx) (*giving.Move, error) {
				return funds.AddPurpose(w.ctx, tx, w.book, funds.Purpose{Code: code, NameZH: code, NameEN: code})
			})
		}
	}
	id := uuid.New()
	t.Interest, t.FeeBearer = funds.InterestFund, ledger.FeeByGeneral
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Apply(w.ctx, tx, w.book, funds.File{ID: id, FundID: &w.funds[fund].ID, AboutZH: "社区服务", AboutEN: "Services", Terms: t, Agency: &funds.AgencyTest{}, EnteredBy: w.officer, EnteredAt: w.now})
	})
	file := func(tx pgx.Tx) *funds.File {
		f, err := funds.FileByID(w.ctx, tx, w.book, id)
		if err != nil {
			w.t.Fatal(err)
		}
		return f
	}
	const members = 5
	for n := range members + 1 {
		s := funds.Seat{Kind: funds.Member, Capacity: "居民代表", Vote: funds.Yes}
		if n == members {
			s = funds.Seat{Kind: funds.Supervisor, Capacity: "监事", Vote: funds.Heard, Opinion: "同意"}
		}
		w.do(func(tx pgx.Tx) (*giving.Move, error) { return funds.AddSeat(w.ctx, tx, w.book, file(tx), s) })
	}
	paper := []byte("%PDF-1.4 " + fund)
	w.tx(func(tx pgx.Tx) error {
		_, err := ledger.AddPaper(w.ctx, tx, w.book, file(tx).Object(), "agreement.pdf", paper, w.officer, w.now)
		return err
	})
	hash := sha256.Sum256(paper)
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Begin(w.ctx, tx, w.book, file(tx), hash[:], "协议 1", w.day())
	})
}

// Money tied to a purpose goes through no contract and no aid for another: not by the project's own fund, not by a source beside it, not as
// an advance, not as help to a family.
func TestPurposeLock(t *testing.T) {
	w := newWorld(t)
	w.chartered("R", funds.Terms{Sort: funds.Sunshine, Purposes: []string{"homes"}})
	w.chartered("R1", funds.Terms{Sort: funds.Named, Purposes: []string{"homes", "service"}})
	for _, fund := range []string{"R", "R1", "R2"} {
		w.post("D bank.basic "+fund+" 10000.00", "C gift.r "+fund+" 10000.00")
	}
	propose := func(fund, use string) func(pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			return projects.Propose(w.ctx, tx, w.book, projects.Project{ID: uuid.New(), Title: "项目", FundID: w.funds[fund].ID, Plan: "做", StartsOn: w.day(), EndsOn: w.day(), EnteredBy: w.officer, Purpose: use})
		}
	}
	w.field("project.use.wrong", propose("R", "office"))
	w.field("project.use.wrong", propose("R1", "")) // two purposes: say which
	w.do(propose("R1", "service"))
	w.do(propose("R", "")) // it has one alone

	free := w.project("R2", "5000.00") // a fund without a charter, and a project that says no purpose
	w.refused(ledger.ErrPurpose, w.sign(w.drafted(free, projects.Contract{}, []src{{"R2", projects.AsGift, "1.00"}, {"R", projects.AsGift, "1.00"}}, "2.00")))

	homes := w.project("R", "9000.00")
	contract := w.drafted(homes, projects.Contract{Advance: 100_00}, []src{{"R", projects.AsGift, "200.00"}, {"R1", projects.AsGift, "200.00"}}, "400.00")
	w.do(w.sign(contract))
	w.wants("enc", "R", "200.00")
	w.pay(contract, projects.ForAdvance, "bank.basic", "100.00")
	w.accept(contract, 1, "400.00")
	w.wants("program.r", "R1", "200.00")

	home := uuid.New()
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.EnterHome(w.ctx, tx, w.book, projects.Payee{ID: home, StreetID: &w.street, EnteredBy: w.accountant}, projects.Home{Name: "周小满", Bank: "邮储银行", Account: "6210 9912 3456"}, w.now.Add(-2*projects.Cooling))
	})
	payee := func(tx pgx.Tx) *projects.Payee {
		p, err := projects.PayeeByID(w.ctx, tx, w.book, home)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.VerifyPayee(w.book, payee(tx), w.now.Add(-2*projects.Cooling))
	})
	aid := func(id uuid.UUID, fund, use string) func(pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			return projects.AskAid(w.ctx, tx, w.book, payee(tx), projects.Payment{ID: id, FundID: &w.funds[fund].ID, Bank: "bank.basic", Amount: 100, Purpose: "救助", Use: use, AskedBy: w.accountant}, w.now)
		}
	}
	w.field("project.use.wrong", aid(uuid.New(), "R", "office"))
	w.field("project.use.wrong", aid(uuid.New(), "R1", ""))
	id := uuid.New()
	w.do(aid(id, "R1", "service"))
	w.do(w.agree(id))
	w.wants("resv", "R1", "1.00")
	if _, err := w.send("bank.basic", id); err != nil {
		t.Fatal(err)
	}
	w.wants("program.r", "R1", "201.00")

	later := uuid.New() // asked for while it was allowed, approved when it no longer is
	w.do(aid(later, "R1", "service"))
	f, err := funds.FileOf(w.ctx, w.db, w.book, w.funds["R1"].ID)
	if err != nil {
		t.Fatal(err)
	}
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Change(w.ctx, tx, w.book, f, funds.Terms{Purposes: []string{"homes"}, Interest: funds.InterestFund, FeeBearer: ledger.FeeByGeneral}, funds.ByConsent, "同意书 1")
	})
	var wrong *ledger.PurposeError
	if err := w.try(w.agree(later)); !errors.As(err, &wrong) || wrong.Purpose != "service" {
		t.Errorf("after the change: %v", err)
	}
	w.verified()
}
