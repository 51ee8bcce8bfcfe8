package funds_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
)

type plan func(tx pgx.Tx) (*giving.Move, error)

// beside takes a step that was planned before another one was taken.
func (w *world) beside(taken func(), late plan) error {
	w.Helper()
	return pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		m, err := late(tx)
		if err != nil {
			w.Fatal(err)
		}
		taken()
		_, err = m.Book(w.ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.accountant, Second: w.approver, At: w.now, Made: "李会计", Check: "陈审批"})
		return err
	})
}

func (w *world) earn(amount int64) plan {
	return func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Earn(w.ctx, tx, w.book, funds.Interest{ID: uuid.New(), Bank: "bank.basic", From: w.day(), To: w.day(), Amount: amount, Day: w.day()})
	}
}

func (w *world) close(f *funds.File, to int32) plan {
	return func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Close(w.ctx, tx, w.book, w.file(f.ID), &ledger.Fund{ID: to, Kind: ledger.Restricted}, funds.BySimilar, "", "项目做完了", w.now)
	}
}

func (w *world) campaign(fund int32, slug, state string, ends time.Time) (c *giving.Campaign, err error) {
	err = pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		c, err = giving.CreateCampaign(w.ctx, tx, w.book, giving.Campaign{FundID: fund, Slug: slug, TitleZH: "募捐", TitleEN: "Campaign", SummaryZH: "一", SummaryEN: "One", StoryZH: "二", StoryEN: "Two", Goal: 1_00,
			OpensAt: w.now.AddDate(0, -2, 0), ClosesAt: ends, State: state})
		return err
	})
	return c, err
}

// TestInterestOnce: two people share out the same interest at once; it is booked once.
func TestInterestOnce(t *testing.T) {
	w := newWorld(t)
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	w.given(*f.FundID, "100.00")
	var wrong *giving.FieldErrors
	if err := w.beside(func() { w.do(w.earn(1_00)) }, w.earn(1_00)); !errors.As(err, &wrong) || wrong.List[0].Key != "fundfile.interest.known" {
		t.Errorf("the second: %v", err)
	}
	w.wants("other.inc.r", *f.FundID, "-1.00")
}

// TestEndBesideOthers: what comes to a fund while it is closed keeps it open, or does not come.
func TestEndBesideOthers(t *testing.T) {
	w := newWorld(t)
	like := w.opened("LIKE", terms(funds.Service, "homes"))
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	fund := *f.FundID
	w.given(fund, "10.00")
	if err := w.beside(func() { w.given(fund, "5.00") }, w.close(f, *like.FundID)); !errors.Is(err, giving.ErrStep) {
		t.Errorf("a gift beside the end: %v", err)
	}
	if err := w.beside(func() {
		_, err := w.campaign(fund, "late", giving.Draft, w.now.AddDate(0, 1, 0))
		w.must(err)
	}, w.close(f, *like.FundID)); !errors.Is(err, funds.ErrEnds) {
		t.Errorf("a campaign beside the end: %v", err)
	}
	other := w.opened("SUN2", terms(funds.Sunshine, "homes"))
	w.given(*other.FundID, "10.00")
	if err := w.beside(func() { w.do(w.close(other, *like.FundID)) }, w.earn(1_00)); !errors.Is(err, giving.ErrFundClosed) {
		t.Errorf("interest beside the end: %v", err)
	}
	w.wants("bank.basic", *other.FundID, "0.00")
}

// TestClosedFund: nothing new comes to a fund that has ended; its part of the interest of the days before is the general fund's.
func TestClosedFund(t *testing.T) {
	w := newWorld(t)
	like := w.opened("LIKE", terms(funds.Service, "homes"))
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	fund := *f.FundID
	over, err := w.campaign(fund, "over", giving.Published, w.now.AddDate(0, -1, 0))
	w.must(err)
	draft, err := w.campaign(fund, "draft", giving.Draft, w.now.AddDate(0, -1, 0))
	w.must(err)
	enter := func(document string) (uuid.UUID, plan) {
		id := uuid.New()
		return id, func(tx pgx.Tx) (*giving.Move, error) {
			return subsidies.Enter(w.ctx, tx, w.book, subsidies.Letter{ID: id, FundID: fund, StreetID: w.street, Party: "街道办", Document: document, SignedOn: w.day(), Counts: subsidies.All,
				Rule: subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 1, Cap: 1_00}, OpensOn: w.day(), ClosesOn: w.day(), FiscalYear: 2026, LapsesOn: subsidies.FiscalYearEnd(2026), Terms: subsidies.Grant, EnteredBy: w.accountant})
		}
	}
	drafted, letter := enter("函 1")
	w.do(letter)
	w.given(fund, "100.00")
	w.do(w.close(f, *like.FundID))

	if _, err := w.campaign(fund, "new", giving.Draft, w.now.AddDate(0, 1, 0)); !errors.Is(err, giving.ErrFundClosed) {
		t.Errorf("a campaign: %v", err)
	}
	err = pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error { return giving.Publish(w.ctx, tx, w.book, *draft, w.now) })
	if !errors.Is(err, giving.ErrFundClosed) {
		t.Errorf("a draft goes public: %v", err)
	}
	w.field(func(tx pgx.Tx) (*giving.Move, error) {
		return giving.SignPledge(w.ctx, tx, w.book, giving.Pledge{ID: uuid.New(), Firm: "重庆某公司", CampaignID: over.ID, Document: "捐赠协议", SignedOn: w.day(), Amount: 1_00},
			[]giving.Part{{Part: 1, Due: w.day(), Amount: 1_00}}, giving.Contact{}, w.now)
	}, "offline.fund.closed")
	_, letter = enter("函 2")
	w.field(letter, "offline.fund.closed")
	w.refused(giving.ErrFundClosed, func(tx pgx.Tx) (*giving.Move, error) {
		l, err := subsidies.ByID(w.ctx, tx, w.book, drafted)
		if err != nil {
			return nil, err
		}
		return subsidies.Accept(w.ctx, tx, w.book, l, w.day())
	})

	// a day of 100.00 in the closed fund, moved to the other one at its end: balance and days are half of each
	w.must(w.post(ledger.KindOpening, w.day().AddDate(0, 0, -1), w.lines(fund, "D bank.basic - 100.00", "C gift.r - 100.00")))
	w.must(w.post(ledger.KindOpening, w.day(), w.lines(fund, "C bank.basic - 100.00", "D gift.r - 100.00")))
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Earn(w.ctx, tx, w.book, funds.Interest{ID: uuid.New(), Bank: "bank.basic", From: w.day().AddDate(0, 0, -1), To: w.day(), Amount: 1_00, Day: w.day()})
	})
	w.wants("other.inc.r", fund, "0.00")
	w.wants("other.inc.u", w.general, "-0.50")
	w.wants("other.inc.r", *like.FundID, "-0.50")
}

// TestForeignEnds: dollars are an open end as well.
func TestForeignEnds(t *testing.T) {
	w := newWorld(t)
	like := w.opened("LIKE", terms(funds.Service, "homes"))
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	usd := ledger.Leaf{Chart: "bank.basic", Fund: *f.FundID, Currency: "USD"}
	move := func(kind ledger.Kind, value, units int64) {
		t.Helper()
		w.must(w.post(kind, w.day(), []ledger.Line{{Leaf: usd, Amount: value, Units: units}, {Leaf: ledger.Leaf{Chart: "gift.r", Fund: *f.FundID}, Amount: -value}}))
	}
	move(ledger.KindOpening, 7_10, 1_00)
	w.refused(funds.ErrEnds, w.close(f, *like.FundID))
	move(ledger.KindOpening, -7_10, -1_00)
	w.do(w.close(f, *like.FundID))
}

// TestOneFileOfAFund: of two applications for the charter of one fund, one opens.
func TestOneFileOfAFund(t *testing.T) {
	w := newWorld(t)
	var fund *ledger.Fund
	w.tx(func(tx pgx.Tx) (err error) {
		fund, err = ledger.CreateFund(w.ctx, tx, w.book, ledger.Fund{Code: "OLD", Kind: ledger.Restricted, NameZH: "老基金", NameEN: "Old", StreetID: &w.street})
		return err
	})
	begin := func() plan {
		id := uuid.New()
		w.do(func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Apply(w.ctx, tx, w.book, funds.File{ID: id, FundID: &fund.ID, AboutZH: "给孩子", AboutEN: "For children", Terms: terms(funds.Sunshine, "homes"), Agency: &funds.AgencyTest{}, EnteredBy: w.accountant, EnteredAt: w.now})
		})
		for range 5 {
			w.seat(id, funds.Member, funds.Yes, "")
		}
		w.seat(id, funds.Supervisor, funds.Heard, "同意")
		hash := w.paper(id)
		return func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Begin(w.ctx, tx, w.book, w.file(id), hash, "协议〔2026〕1号", w.day())
		}
	}
	first, second, third := begin(), begin(), begin()
	if err := w.beside(func() { w.do(first) }, second); !errors.Is(err, giving.ErrStep) {
		t.Errorf("beside the first: %v", err)
	}
	w.field(third, "fundfile.fund.taken")
}

// TestBankOfAFund: money moves between funds inside the accounts that both keep it in.
func TestBankOfAFund(t *testing.T) {
	w := newWorld(t)
	rules := terms(funds.Sunshine, "homes")
	rules.LevyBP = bp(500)
	f := w.opened("SUN", rules)
	w.given(*f.FundID, "100.00")
	for _, bank := range []chart.ID{"cash", "psp.avail", ""} {
		w.field(func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Levy(w.ctx, tx, w.book, w.file(f.ID), 1, bank, w.day())
		}, "transfer.bank.wrong")
		w.field(func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Release(w.ctx, tx, w.book, w.file(f.ID), &ledger.Fund{ID: w.general, Kind: ledger.General}, 1, funds.ByGiver, "同意书 1", bank, w.day())
		}, "transfer.bank.wrong")
	}
}
