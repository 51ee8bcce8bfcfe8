package funds_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
)

func bp(n int32) *int32 { return &n }

// A fund opens by application, agreement and a committee that decided soundly; nothing less.
func TestOpening(t *testing.T) {
	w := newWorld(t)
	id := w.apply("SUN", terms(funds.Sunshine, "homes"))
	begin := func(hash []byte) func(tx pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Begin(w.ctx, tx, w.book, w.file(id), hash, "协议〔2026〕1号", w.day())
		}
	}
	w.field(begin(nil), "fundfile.committee.few", "fundfile.committee.even", "fundfile.committee.supervisor", "fundfile.committee.majority", "fundfile.agreement.missing")
	for _, vote := range []string{funds.Yes, funds.Yes, funds.No, funds.Absent} {
		w.seat(id, funds.Member, vote, "")
	}
	hash := w.paper(id)
	w.field(begin(hash), "fundfile.committee.few", "fundfile.committee.even", "fundfile.committee.supervisor", "fundfile.committee.majority")
	w.seat(id, funds.Member, funds.Abstain, "")
	w.seat(id, funds.Supervisor, funds.Absent, "")
	w.field(begin(hash), "fundfile.committee.supervisor", "fundfile.committee.majority")
	w.seat(id, funds.Supervisor, funds.Heard, "")
	w.field(begin(hash), "fundfile.committee.opinion", "fundfile.committee.majority")
	w.seat(id, funds.Supervisor, funds.Heard, "同意设立，每季公示")
	w.field(begin(hash), "fundfile.committee.majority") // two of five, with one abstaining and one absent
	w.do(func(tx pgx.Tx) (*giving.Move, error) { return funds.DropSeat(w.book, w.file(id), 4) })
	w.seat(id, funds.Member, funds.Yes, "")
	w.field(begin([]byte("another paper")), "fundfile.agreement.missing")
	w.do(begin(hash))
	w.refused(giving.ErrStep, begin(hash))

	f := w.file(id)
	c, err := funds.CharterOf(w.ctx, w.db, w.book, *f.FundID)
	w.must(err)
	if f.State != funds.Open || c.Version != 1 || c.Basis != funds.ByOpening || c.MadeBy != w.accountant || c.Second != w.approver {
		t.Errorf("file %+v, charter %+v", f, c)
	}
	w.field(func(tx pgx.Tx) (*giving.Move, error) {
		return w.application(tx, uuid.New(), "SUN", terms(funds.Named, "homes"))
	}, "funds.code.taken")
	w.field(func(tx pgx.Tx) (*giving.Move, error) {
		return w.application(tx, uuid.New(), "X", funds.Terms{Sort: "other", Purposes: []string{"nowhere"}, LevyBP: bp(10001), SpendBP: bp(0), DormantMonths: bp(0)})
	}, "fundfile.sort.wrong", "fundfile.purposes.wrong", "fundfile.percent.wrong", "fundfile.percent.wrong", "fundfile.dormant.wrong", "fundfile.interest.wrong", "fundfile.bearer.wrong")
}

// Whose money it is follows from the three-part test alone.
func TestAgency(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		test   funds.AgencyTest
		agency bool
	}{
		{funds.AgencyTest{}, false}, {funds.AgencyTest{NoIncrease: true, NoPower: true}, false}, {funds.AgencyTest{NoIncrease: true, Named: true}, false}, {funds.AgencyTest{NoPower: true, Named: true}, false},
		{funds.AgencyTest{NoIncrease: true, NoPower: true, Named: true}, true}, {funds.AgencyTest{PassOn: true}, true},
	} {
		if c.test.Agency() != c.agency {
			t.Errorf("%+v", c.test)
		}
		sort := map[bool]string{true: funds.Agency, false: funds.Sunshine}
		apply := func(sort string) func(tx pgx.Tx) (*giving.Move, error) {
			return func(tx pgx.Tx) (*giving.Move, error) {
				return funds.Apply(w.ctx, tx, w.book, funds.File{ID: uuid.New(), Code: "A", NameZH: "甲", NameEN: "A", AboutZH: "甲", AboutEN: "A", Terms: terms(sort, "homes"), Agency: &c.test, EnteredBy: w.accountant, EnteredAt: w.now})
			}
		}
		w.do(apply(sort[c.agency]))
		w.field(apply(sort[!c.agency]), map[bool]string{true: "fundfile.agency.is", false: "fundfile.agency.isnot"}[c.agency])
	}
	f := w.opened("AG", terms(funds.Agency, "homes"))
	w.must(w.post(ledger.KindVoucher, w.day(), w.lines(*f.FundID, "D bank.agency - 10000.00", "C agency.l - 10000.00")))
	if income, _, err := ledger.FlowSum(w.ctx, w.db, w.book, *f.FundID); err != nil || income != 0 {
		t.Errorf("income of agency money: %d, %v", income, err)
	}
}

// A charter changes by a further version, on a filing number or the donors' consent, and the ledger follows the last one.
func TestChange(t *testing.T) {
	w := newWorld(t)
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	w.given(*f.FundID, "1000.00")
	elders := w.lines(*f.FundID, "D program.r elders 100.00", "C bank.basic - 100.00")
	if err := w.post(ledger.KindVoucher, w.day(), elders); !errors.Is(err, ledger.ErrPurpose) {
		t.Fatalf("before the change: %v", err)
	}
	change := func(to funds.Terms, basis, ref string) func(tx pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Change(w.ctx, tx, w.book, w.file(f.ID), to, basis, ref)
		}
	}
	wider := terms(funds.Named, "homes", "elders") // the sort stays what it was
	w.field(change(wider, "", ""), "offline.text.wrong", "fundfile.basis.wrong")
	w.field(change(terms(funds.Sunshine, "homes"), funds.ByFiling, "备案 7"), "fundfile.change.none")
	w.do(change(wider, funds.ByFiling, "备案 7"))
	w.must(w.post(ledger.KindVoucher, w.day(), elders))
	last := ledger.Day(2026, time.March, 9)
	wider.ClosesOn = &last
	w.do(change(wider, funds.ByConsent, "同意书 3"))
	if err := w.post(ledger.KindVoucher, w.day(), elders); !errors.Is(err, ledger.ErrWindow) {
		t.Errorf("after the last day: %v", err)
	}
	w.must(w.post(ledger.KindVoucher, last, elders))
	list, err := funds.Versions(w.ctx, w.db, w.book, *f.FundID)
	w.must(err)
	if len(list) != 3 || list[1].BasisRef != "备案 7" || list[1].Terms.Sort != funds.Sunshine || len(list[0].Terms.Purposes) != 1 || list[2].Basis != funds.ByConsent {
		t.Errorf("%+v", list)
	}
	w.tx(func(tx pgx.Tx) error {
		if _, err := tx.Exec(w.ctx, `savepoint s`); err != nil {
			return err
		}
		if _, err := tx.Exec(w.ctx, `update fund_charter set version = 9 where book_id = $1`, w.book.ID); err == nil {
			t.Error("a charter was edited")
		}
		_, err := tx.Exec(w.ctx, `rollback to s`)
		return err
	})
}

// What is spent of a fund says what it is for, and its charter allows it; by hand no money leaves its restriction.
func TestLockByHand(t *testing.T) {
	w := newWorld(t)
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	fund := *f.FundID
	w.given(fund, "1000.00")
	w.must(w.post(ledger.KindOpening, w.day(), w.lines(fund, "D bank.basic - 5.00", "C na.r - 5.00")))
	for _, c := range []struct {
		what  string
		want  error
		lines []string
	}{
		{"its purpose", nil, []string{"D program.r homes 1.00", "C bank.basic - 1.00"}},
		{"another purpose", ledger.ErrPurpose, []string{"D admin.r office 1.00", "C bank.basic - 1.00"}},
		{"no purpose", ledger.ErrPurpose, []string{"D program.r - 1.00", "C bank.basic - 1.00"}},
		{"an advance", ledger.ErrPurpose, []string{"D prepay - 1.00", "C bank.basic - 1.00"}},
		{"a thing bought", ledger.ErrPurpose, []string{"D fa office 1.00", "C bank.basic - 1.00"}},
		{"a promise", ledger.ErrPurpose, []string{"D enc office 1.00", "C enc.contra - 1.00"}},
		{"set aside", ledger.ErrPurpose, []string{"D resv - 1.00", "C resv.contra - 1.00"}},
		{"out of income", ledger.ErrTied, []string{"D gift.r - 1.00", "C gift.u - 1.00"}},
		{"out of net assets", ledger.ErrTied, []string{"D na.r - 1.00", "C na.u - 1.00"}},
		{"owed, then paid", nil, []string{"D program.r homes 1.00", "C ap - 1.00"}},
		{"paid", nil, []string{"D ap - 1.00", "C bank.basic - 1.00"}},
		{"hidden beside a return", ledger.ErrPurpose, []string{"D enc office 1.00", "C enc.contra - 1.00", "D bank.basic - 1.00", "C program.r homes 1.00"}},
	} {
		if err := w.post(ledger.KindVoucher, w.day(), w.lines(fund, c.lines...)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	away := append(w.lines(fund, "D transfer - 1.00", "C bank.basic - 1.00"), w.lines(w.general, "D bank.basic - 1.00", "C transfer - 1.00")...)
	if err := w.post(ledger.KindVoucher, w.day(), away); !errors.Is(err, ledger.ErrTied) {
		t.Errorf("transfer by hand: %v", err)
	}
	var wrong *ledger.PurposeError
	err := w.post(ledger.KindVoucher, w.day(), w.lines(fund, "D program.r office 1.00", "C bank.basic - 1.00"))
	if !errors.As(err, &wrong) || wrong.Fund != fund || wrong.Purpose != "office" || len(wrong.May) != 1 || wrong.May[0] != "homes" {
		t.Errorf("refusal: %+v", wrong)
	}
}

// E28: both funds' rules are looked at.
func TestTransferRules(t *testing.T) {
	w := newWorld(t)
	from := w.opened("HOLD", terms(funds.Holding, "homes", "elders"))
	to := w.opened("SUN", terms(funds.Sunshine, "homes"))
	other := w.opened("OFF", terms(funds.Named, "office"))
	w.given(*from.FundID, "20000.00")
	list, err := ledger.Funds(w.ctx, w.db, w.book)
	w.must(err)
	fund := func(id int32) *ledger.Fund { return &list[id-1] }
	for _, c := range []struct {
		what       string
		to         int32
		basis, ref string
		want       error
	}{
		{"to a like purpose", *to.FundID, funds.BySimilar, "", nil}, {"to another", *other.FundID, funds.BySimilar, "", funds.ErrUnlike}, {"with a filing", *other.FundID, funds.ByFiling, "备案 9", nil},
		{"with an empty filing", *other.FundID, funds.ByFiling, "", funds.ErrUnlike}, {"with consent", *other.FundID, funds.ByConsent, "同意书 1", nil},
		{"to the general fund", w.general, funds.ByConsent, "同意书 1", funds.ErrUnlike}, // that is a release
	} {
		m := funds.Transfer{From: fund(*from.FundID), To: fund(c.to), Amount: 2_000_000, Bank: "bank.basic", Basis: c.basis, Ref: c.ref}
		if err := m.Check(w.ctx, w.db, w.book, w.day()); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	lines, err := funds.Transfer{From: fund(*from.FundID), To: fund(*to.FundID), Amount: 2_000_000, Bank: "bank.basic"}.Lines()
	w.must(err)
	w.must(w.post(ledger.KindTransfer, w.day(), lines))
	w.wants("bank.basic", *to.FundID, "20000.00")
	w.wants("transfer", *from.FundID, "20000.00")
	if err := w.post(ledger.KindTransfer, w.day(), lines); !errors.Is(err, ledger.ErrShort) && !errors.Is(err, ledger.ErrGuarded) {
		t.Errorf("twice: %v", err)
	}
}

// E29: 5 % of 27,505.13 is 1,375.25 and not a fen more; a silent agreement allows none.
func TestLevy(t *testing.T) {
	w := newWorld(t)
	silent := w.opened("SUN", terms(funds.Sunshine, "homes"))
	w.given(*silent.FundID, "100.00")
	levy := func(f *funds.File, amount int64) func(tx pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Levy(w.ctx, tx, w.book, w.file(f.ID), amount, "bank.basic", w.day())
		}
	}
	w.refused(funds.ErrNoLevy, levy(silent, 1))
	rules := terms(funds.Sunshine, "homes")
	rules.LevyBP = bp(500)
	f := w.opened("LEVY", rules)
	w.given(*f.FundID, "27505.13")
	tags := ledger.Dims{Nature: "match"}
	w.must(w.post(ledger.KindOpening, w.day(), []ledger.Line{{Leaf: ledger.Leaf{Chart: "bank.basic", Fund: *f.FundID}, Amount: 100_00}, {Leaf: ledger.Leaf{Chart: "gift.r", Fund: *f.FundID, Dims: tags}, Amount: -100_00}}))
	w.field(levy(f, 1_375_26), "fundfile.levy.more")
	before, _, err := ledger.FlowSum(w.ctx, w.db, w.book, *f.FundID)
	w.must(err)
	w.do(levy(f, 1_375_25))
	w.wants("gift.r", *f.FundID, "-26229.88") // 27,605.13 with the match, less the levy
	w.wants("gift.u", w.general, "-1375.25")
	w.wants("bank.basic", w.general, "1375.25")
	after, _, err := ledger.FlowSum(w.ctx, w.db, w.book, *f.FundID)
	w.must(err)
	general, cost, err := ledger.FlowSum(w.ctx, w.db, w.book, w.general)
	w.must(err)
	if before != after+general || cost != 0 {
		t.Errorf("income of the association changed: %d, then %d and %d; cost %d", before, after, general, cost)
	}
	w.field(levy(f, 1), "fundfile.levy.more")
	s, err := funds.LevyOf(w.ctx, w.db, w.book, *f.FundID)
	if err != nil || s != (law.LevyState{BP: 500, Base: 2_750_513, Cap: 137_525, Levied: 137_525}) {
		t.Errorf("%+v %v", s, err)
	}
	w.given(*f.FundID, "0.20") // a fen more of cap: 27,505.33 × 5 % = 1,375.2665
	w.do(levy(f, 1))
	w.field(levy(f, 1), "fundfile.levy.more")
}

// E30: interest follows balance and days, to the fen, to the fund or to the association as each charter says.
func TestInterest(t *testing.T) {
	w := newWorld(t)
	own := w.opened("OWN", terms(funds.Sunshine, "homes"))
	theirs := terms(funds.Named, "homes")
	theirs.Interest = funds.InterestGeneral
	not := w.opened("NOT", theirs)
	first, last := ledger.Day(2026, 1, 1), ledger.Day(2026, 1, 31)
	put := func(fund int32, day int, amount string) {
		w.Helper()
		w.must(w.post(ledger.KindOpening, ledger.Day(2026, 1, day), w.lines(fund, "D bank.basic - "+amount, "C gift.r - "+amount)))
	}
	put(*own.FundID, 1, "100.00")
	put(*not.FundID, 1, "100.00")
	w.must(w.post(ledger.KindOpening, ledger.Day(2026, 1, 22), w.lines(w.general, "D bank.basic - 310.00", "C gift.u - 310.00"))) // ten days
	earn := func(from, to time.Time, amount int64) func(tx pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Earn(w.ctx, tx, w.book, funds.Interest{ID: uuid.New(), Bank: "bank.basic", From: from, To: to, Amount: amount, Day: w.day()})
		}
	}
	w.do(earn(first, last, 1_00)) // 3,100 each: a third of a yuan each, the first fund of all has the fen
	w.wants("other.inc.r", *own.FundID, "-0.33")
	w.wants("other.inc.u", w.general, "-0.67")
	w.wants("other.inc.r", *not.FundID, "0.00")
	w.field(earn(last, last.AddDate(0, 0, 5), 1_00), "fundfile.interest.known")
	w.field(earn(first, last, 0), "offline.amount.wrong")
	w.field(earn(last, first, 1), "fundfile.interest.days")
	w.field(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Earn(w.ctx, tx, w.book, funds.Interest{ID: uuid.New(), Bank: "bank.online", From: first, To: last, Amount: 1, Day: w.day()})
	}, "fundfile.interest.empty")
}

// E45: what is no longer restricted moves to an unrestricted fund, older money out of net assets.
func TestRelease(t *testing.T) {
	w := newWorld(t)
	rules := terms(funds.Named, "homes")
	last := ledger.Day(2026, 12, 31)
	rules.ClosesOn = &last
	f := w.opened("NAM", rules)
	fund := *f.FundID
	w.must(w.post(ledger.KindOpening, w.day(), w.lines(fund, "D bank.basic - 49446.00", "C na.r - 40000.00", "C gift.r - 9446.00")))
	general := &ledger.Fund{ID: w.general, Kind: ledger.General}
	release := func(amount int64, why string, to *ledger.Fund) func(tx pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Release(w.ctx, tx, w.book, w.file(f.ID), to, amount, why, "同意书 1", "bank.basic", w.day())
		}
	}
	w.field(release(1, funds.ByTime, general), "fundfile.release.early")
	w.field(release(1, funds.ByGiver, &ledger.Fund{ID: fund, Kind: ledger.Restricted}), "fundfile.release.to")
	w.refused(ledger.ErrGuarded, release(49_446_01, funds.ByGiver, general))
	w.do(release(49_446_00, funds.ByGiver, general))
	w.wants("na.r", fund, "0.00")
	w.wants("gift.r", fund, "0.00")
	w.wants("na.u", w.general, "-40000.00")
	w.wants("gift.u", w.general, "-9446.00")
	w.wants("bank.basic", w.general, "49446.00")
	w.refused(funds.ErrNotTransferable, func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Release(w.ctx, tx, w.book, w.opened("PUB", terms(funds.Street, "homes")), general, 1, funds.ByGiver, "函", "bank.basic", w.day())
	})
}

// A fund ends once nothing is open; its rest goes to a like purpose and what became of it is due to be public.
func TestClose(t *testing.T) {
	w := newWorld(t)
	f, like, other := w.opened("SUN", terms(funds.Sunshine, "homes", "elders")), w.opened("LIKE", terms(funds.Service, "homes")), w.opened("OTHER", terms(funds.Service, "office"))
	fund := *f.FundID
	w.given(fund, "6250.00")
	w.must(w.post(ledger.KindOpening, w.day(), w.lines(fund, "D bank.online - 0.01", "C gift.r - 0.01")))
	end := func(to *funds.File) func(tx pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Close(w.ctx, tx, w.book, w.file(f.ID), &ledger.Fund{ID: *to.FundID, Kind: ledger.Restricted}, funds.BySimilar, "", "项目做完了", w.now)
		}
	}
	w.must(w.post(ledger.KindVoucher, w.day(), w.lines(fund, "D enc homes 1.00", "C enc.contra - 1.00")))
	w.refused(funds.ErrEnds, end(like))
	w.must(w.post(ledger.KindVoucher, w.day(), w.lines(fund, "C enc homes 1.00", "D enc.contra - 1.00")))
	w.must(w.post(ledger.KindVoucher, w.day(), w.lines(fund, "D program.r homes 1.00", "C ap - 1.00")))
	w.refused(funds.ErrEnds, end(like))
	w.must(w.post(ledger.KindVoucher, w.day(), w.lines(fund, "D ap - 1.00", "C bank.basic - 1.00")))
	w.refused(funds.ErrUnlike, end(other))
	w.do(end(like))
	w.wants("bank.basic", fund, "0.00")
	w.wants("bank.online", fund, "0.00")
	w.wants("bank.basic", *like.FundID, "6249.00")
	w.wants("transfer", *like.FundID, "-6249.01")
	w.refused(giving.ErrStep, end(like))
	list, err := funds.Unpublished(w.ctx, w.db, w.book)
	if err != nil || len(list) != 1 || *list[0].Rest != 6_249_01 || !list[0].PublishBy.Equal(ledger.Day(2026, 6, 10)) {
		t.Errorf("%+v %v", list, err)
	}
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Publish(w.book, w.file(f.ID), "基金公示页", w.day())
	})
	if list, err = funds.Unpublished(w.ctx, w.db, w.book); err != nil || len(list) != 0 {
		t.Errorf("%+v %v", list, err)
	}
	into := funds.Transfer{From: &ledger.Fund{ID: w.general, Kind: ledger.General}, To: &ledger.Fund{ID: fund, Kind: ledger.Restricted}}
	if err := into.Check(w.ctx, w.db, w.book, w.day()); !errors.Is(err, giving.ErrFundClosed) {
		t.Errorf("into a closed fund: %v", err)
	}
}

// A fund sleeps when nothing but interest has moved in it for as long as its charter says.
func TestDormant(t *testing.T) {
	w := newWorld(t)
	rules := terms(funds.Sunshine, "homes")
	rules.DormantMonths = bp(6)
	f := w.opened("SUN", rules)
	never := w.opened("EVER", terms(funds.Sunshine, "homes"))
	w.given(*f.FundID, "10.00")
	w.given(*never.FundID, "10.00")
	asleep := func(day time.Time) []funds.Sleeper {
		w.Helper()
		list, err := funds.Dormant(w.ctx, w.db, w.book, day)
		w.must(err)
		return list
	}
	half := w.day().AddDate(0, 6, 0)
	if list := asleep(half); len(list) != 0 {
		t.Errorf("on the last day: %+v", list)
	}
	w.must(w.post(ledger.KindInterest, half, w.lines(*f.FundID, "D bank.basic - 0.01", "C other.inc.r - 0.01")))
	list := asleep(half.AddDate(0, 0, 1))
	if len(list) != 1 || list[0] != (funds.Sleeper{FundID: *f.FundID, Months: 6, Since: w.day()}) {
		t.Errorf("%+v", list)
	}
	w.must(w.post(ledger.KindVoucher, half, w.lines(*f.FundID, "D program.r homes 0.01", "C bank.basic - 0.01")))
	if list := asleep(half.AddDate(0, 0, 1)); len(list) != 0 {
		t.Errorf("awake: %+v", list)
	}
}

// The least spending of a year is a part of what was there when it began, rounded up.
func TestLeastSpending(t *testing.T) {
	w := newWorld(t)
	rules := terms(funds.Endowment, "homes")
	rules.SpendBP = bp(800)
	f := w.opened("END", rules)
	fund := *f.FundID
	w.must(w.post(ledger.KindOpening, ledger.Day(2025, 12, 31), w.lines(fund, "D bank.basic - 1000.01", "C na.r - 1000.01")))
	w.must(w.post(ledger.KindVoucher, w.day(), w.lines(fund, "D program.r homes 80.00", "C bank.basic - 80.00")))
	for day, due := range map[time.Time]bool{ledger.Day(2026, 9, 30): false, ledger.Day(2026, 10, 1): true} {
		s, err := funds.SpendOf(w.ctx, w.db, w.book, fund, day)
		if err != nil || s != (law.SpendState{BP: 800, Opened: 100_001, Least: 80_01, Spent: 80_00, Left: 1, Due: due}) {
			t.Errorf("%s: %+v %v", day.Format(time.DateOnly), s, err)
		}
	}
}

// Available explained adds up, account by account, to what the posting guard goes by.
func TestExplain(t *testing.T) {
	w := newWorld(t)
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	fund := *f.FundID
	for _, lines := range [][]string{
		{"D bank.basic - 182340.10", "C gift.r - 182340.10"}, {"D ar.platform - 6420.00", "C gift.r - 6420.00"}, {"D program.r homes 30000.00", "C ap - 28500.00", "C retention - 1500.00"},
		{"D gift.r - 200.00", "C refund.due - 200.00"}, {"D enc homes 45750.00", "C enc.contra - 45750.00"}, {"D resv homes 20000.00", "C resv.contra - 20000.00"},
		{"D subsidy - 50000.00", "C subsidy.contra - 50000.00"}, {"D prepay homes 100.00", "C pay.transit - 100.00"}, {"D bank.basic - 300.00", "C advance - 300.00"},
	} {
		w.must(w.post(ledger.KindOpening, w.day(), w.lines(fund, lines...)))
	}
	e, err := funds.Explain(w.ctx, w.db, w.book, fund, time.Time{})
	w.must(err)
	groups := map[string]int64{}
	var sum int64
	for _, p := range e.Parts {
		groups[p.Group] += p.Amount
		sum += p.Amount
	}
	want := map[string]int64{"cash": 182_540_10, "due": 6_420_00, "owed": -30_200_00, "enc": -45_750_00, "resv": -20_000_00}
	for group, amount := range want {
		if groups[group] != amount {
			t.Errorf("%s is %d, want %d", group, groups[group], amount)
		}
	}
	if sum != e.Available || e.Liquid != 158_760_10 || e.Committed != 45_750_00 || e.SetAside != 20_000_00 || e.Available != 93_010_10 || len(groups) != len(want) {
		t.Errorf("%+v, parts add up to %d", e, sum)
	}
	var later []chart.ID
	for _, p := range e.Later {
		later = append(later, p.Chart.ID)
	}
	if len(later) != 3 {
		t.Errorf("not counted: %v", later)
	}
	positions, err := ledger.Positions(w.ctx, w.db, w.book, time.Time{})
	w.must(err)
	if p := positions[fund-1]; p.Available != e.Available || p.Liquid != e.Liquid || p.Committed != e.Committed || p.SetAside != e.SetAside {
		t.Errorf("position %+v", p)
	}
	var short *ledger.ShortError // the guard says what it went by
	err = w.post(ledger.KindVoucher, w.day(), []ledger.Line{{Leaf: ledger.Leaf{Chart: "enc", Fund: fund, Dims: ledger.Dims{Purpose: "homes"}}, Amount: e.Available + 1}, {Leaf: ledger.Leaf{Chart: "enc.contra", Fund: fund}, Amount: -e.Available - 1}})
	if !errors.As(err, &short) || short.Available != e.Available {
		t.Errorf("guard: %+v %v", short, err)
	}
	w.must(w.post(ledger.KindVoucher, w.day(), []ledger.Line{{Leaf: ledger.Leaf{Chart: "enc", Fund: fund, Dims: ledger.Dims{Purpose: "homes"}}, Amount: e.Available}, {Leaf: ledger.Leaf{Chart: "enc.contra", Fund: fund}, Amount: -e.Available}}))
}
