package funds_test

import (
	"errors"
	"strconv"
	"strings"
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

func (w *world) lawful(place string) {
	w.Helper()
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2020, time.January, 1), Jurisdiction: place, Form: law.Association, Public: true}, w.now)
	})
}

func (w *world) fact(f law.Fact) {
	w.Helper()
	f.ID, f.EnteredBy, f.EnteredAt = uuid.New(), w.accountant, w.now
	w.now = w.now.Add(time.Second)
	w.tx(func(tx pgx.Tx) error { return law.Enter(w.ctx, tx, w.book, f) })
}

func (w *world) looks(rule string, state law.State) *law.Finding {
	w.Helper()
	f, err := law.LookAt(w.ctx, w.db, w.book, rule, w.day().Year(), w.day())
	if err != nil {
		w.Fatal(err)
	}
	if f.State != state {
		w.Errorf("%s is %s, want %s: %+v", rule, f.State, state, f.Rows)
	}
	return f
}

// line finds a line of the working by its English words.
func (w *world) line(f *law.Finding, words string) law.Step {
	w.Helper()
	for _, s := range f.Steps {
		if strings.Contains(s.EN, words) {
			return s
		}
	}
	w.Fatalf("%s has no line %q in %+v", f.Code, words, f.Steps)
	return law.Step{}
}

// R05 from the charter: base, cap rounded down, what was taken and what is left stand line by line; a silent charter allows nothing.
func TestLevyByLaw(t *testing.T) {
	w := newWorld(t)
	w.lawful("CN")
	w.opened("SILENT", terms(funds.Sunshine, "homes"))
	w.looks("R05", law.Nothing)
	rules := terms(funds.Sunshine, "homes")
	rules.LevyBP = bp(500)
	f := w.opened("LEVY", rules)
	w.given(*f.FundID, "27505.13")
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Levy(w.ctx, tx, w.book, w.file(f.ID), 1_375_25, "bank.basic", w.day())
	})
	found := w.looks("R05", law.Holds)
	for words, want := range map[string]int64{"gifts less refunds": 27_505_13, "cap (5% agreed": 1_375_25, "levied": 1_375_25, "still allowed": 0} {
		if got := *w.line(found, words).Sum; got != want {
			t.Errorf("%s: %d, want %d", words, got, want)
		}
	}
	// Gifts given back lower the base: what was taken is more than the agreement allows then.
	w.must(w.post(ledger.KindOpening, w.day(), w.lines(*f.FundID, "D gift.r - 0.20", "C bank.basic - 0.20")))
	if found = w.looks("R05", law.Broken); len(found.Rows) != 1 || !found.Rows[0].Broken || !strings.Contains(found.Rows[0].EN, "1375.24 is agreed") {
		t.Errorf("%+v", found.Rows)
	}
}

// R12: what a fund is for changes by filing or consent; each change stands with its ground, and what was not changed is refused where it is posted.
func TestChangeOfUseByLaw(t *testing.T) {
	w := newWorld(t)
	w.lawful("CN")
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	w.given(*f.FundID, "1000.00")
	w.looks("R12", law.Nothing)
	elders := w.lines(*f.FundID, "D program.r elders 100.00", "C bank.basic - 100.00")
	if err := w.post(ledger.KindVoucher, w.day(), elders); !errors.Is(err, ledger.ErrPurpose) {
		t.Fatalf("spent on another purpose: %v", err)
	}
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return funds.Change(w.ctx, tx, w.book, w.file(f.ID), terms(funds.Sunshine, "homes", "elders"), funds.ByFiling, "备案 7")
	})
	w.must(w.post(ledger.KindVoucher, w.day(), elders))
	found := w.looks("R12", law.Holds)
	if s := w.line(found, "version 2"); !strings.Contains(s.EN, "filing 备案 7") || !strings.Contains(s.ZH, "方案变更备案 备案 7") || s.Text != "homes → homes, elders" {
		t.Errorf("%+v", s)
	}
}

// R14: what donors forbade to invest is refused at posting, from its day on.
func TestInvestingByLaw(t *testing.T) {
	w := newWorld(t)
	w.lawful("CN")
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	may := func() error {
		leaf := func(id chart.ID) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: *f.FundID} }
		return law.MayPost(w.ctx, w.db, w.book, []ledger.Entry{{Lines: []ledger.Line{ledger.Debit(leaf("st.inv"), 1), ledger.Credit(leaf("bank.basic"), 1)}}}, w.day())
	}
	w.must(may())
	day := w.day()
	w.fact(law.Fact{Rule: "R14", Item: "no_invest", Object: "fund:" + strconv.Itoa(int(*f.FundID)), Day: &day, Words: "协议第五条"})
	var refusal *law.Refusal
	if err := may(); !errors.As(err, &refusal) || refusal.Rule.Code != "R14" || !strings.Contains(refusal.Text("zh-CN"), "协议第五条") {
		t.Errorf("%v", err)
	}
}

// R20: the committee that decided is counted; that members are not paid is entered; an account that a fund alone uses has to be the association's.
func TestGovernanceByLaw(t *testing.T) {
	w := newWorld(t)
	w.lawful("CN")
	f := w.opened("SUN", terms(funds.Sunshine, "homes"))
	object := "fund:" + strconv.Itoa(int(*f.FundID))
	wants := func(state law.State, words ...string) {
		t.Helper()
		var rows []string
		for _, r := range w.looks("R20", state).Rows {
			if r.Object == object {
				rows = append(rows, r.EN)
			}
		}
		if len(rows) != len(words) {
			t.Errorf("%d cases, want %d: %q", len(rows), len(words), rows)
			return
		}
		for i := range words {
			if !strings.Contains(rows[i], words[i]) {
				t.Errorf("%q, want %q", rows[i], words[i])
			}
		}
	}
	wants(law.Warned, "members are not paid")
	day := w.day()
	w.fact(law.Fact{Rule: "R20", Item: "unpaid", Object: object, Day: &day, Words: "章程第八条"})
	wants(law.Holds)
	found := w.looks("R20", law.Holds)
	if s := w.line(found, "members of the committee (at least 5, odd)"); s.Text != "5 · 单数 · odd" {
		t.Errorf("%q", s.Text)
	}
	if s := w.line(found, "supervisors (at least 1)"); s.Text != "1" {
		t.Errorf("%q", s.Text)
	}
	w.fact(law.Fact{Rule: "R20", Item: "committee", Object: object, Amount: 6, Words: "一人增补"})
	wants(law.Warned, "A committee of 6; it needs at least 5, odd.")
	w.fact(law.Fact{Rule: "R20", Item: "committee", Object: object, Amount: 3, Words: "两人退出"})
	wants(law.Warned, "A committee of 3")
	w.tx(func(tx pgx.Tx) error { // a new figure of the place changes the answer
		return law.SetParam(w.ctx, tx, w.book, law.Param{Rule: "R20", Name: "committee", Jurisdiction: "CN", From: w.day(), Value: "3", ArticleZH: "本市指引"}, w.accountant, w.now)
	})
	wants(law.Holds)
	w.given(*f.FundID, "10.00")
	if s := w.line(w.looks("R20", law.Holds), "accounts of the association that hold its money"); s.Text != "1002.01 银行存款—基本户" {
		t.Errorf("%q", s.Text)
	}
	w.fact(law.Fact{Rule: "R20", Item: "own_account", Object: object, Day: &day, Words: "街道代开专户"})
	wants(law.Warned, "It has an account of its own: 街道代开专户")
	w.fact(law.Fact{Rule: "R20", Item: "account_ended", Object: object, Day: &day, Words: "已销户"})
	wants(law.Holds)
}

// What a committee needs and by when an end is public are the law's figures of the day, for a book without a profile those of its country; figures of the
// association's own change the answer from their day on, and where no law asks for anything nothing is asked for.
func TestFiguresInProcedures(t *testing.T) {
	w := newWorld(t)
	seated := func(code string, members int) func(tx pgx.Tx) (*giving.Move, error) {
		id := w.apply(code, terms(funds.Sunshine, "homes"))
		for range members {
			w.seat(id, funds.Member, funds.Yes, "")
		}
		w.seat(id, funds.Supervisor, funds.Heard, "同意")
		hash := w.paper(id)
		return func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Begin(w.ctx, tx, w.book, w.file(id), hash, "协议〔2026〕1号", w.day())
		}
	}
	own := func(rule, name, value string, from time.Time) {
		w.tx(func(tx pgx.Tx) error {
			return law.SetParam(w.ctx, tx, w.book, law.Param{Rule: rule, Name: name, From: from, Value: value, ArticleZH: "本市指引"}, w.accountant, w.now)
		})
	}
	ends := func(f *funds.File, now time.Time) string {
		t.Helper()
		w.do(func(tx pgx.Tx) (*giving.Move, error) {
			return funds.Close(w.ctx, tx, w.book, w.file(f.ID), nil, "", "", "做完了", now)
		})
		if by := w.file(f.ID).PublishBy; by != nil {
			return by.Format(time.DateOnly)
		}
		return ""
	}
	four := seated("FOUR", 4)
	w.field(four, "fundfile.committee.few", "fundfile.committee.even") // no profile: as the country asks
	first, second, third := w.opened("A", terms(funds.Sunshine, "homes")), w.opened("B", terms(funds.Sunshine, "homes")), w.opened("C", terms(funds.Sunshine, "homes"))
	late := time.Date(2027, time.November, 30, 12, 0, 0, 0, w.book.Zone)
	if by := ends(first, late); by != "2028-02-29" { // three months after 30 November, in a leap year
		t.Errorf("public by %s", by)
	}
	w.lawful("CN-HN")
	own("R20", "committee", "4", w.day().AddDate(0, 0, 1))
	own("R20", "odd", "no", w.day().AddDate(0, 0, 1))
	own("R09", "after_end", "30d", w.day().AddDate(0, 0, 1))
	w.field(four, "fundfile.committee.few", "fundfile.committee.even") // not in force yet
	w.now = w.now.AddDate(0, 0, 1)
	w.field(seated("THREE", 3), "fundfile.committee.few")
	w.do(four)
	if by := ends(second, late); by != "2027-12-30" {
		t.Errorf("public by %s", by)
	}
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: w.day(), Jurisdiction: "US", Form: law.Association}, w.now)
	})
	own("R20", "committee", "1", w.day())
	if by := ends(third, late); by != "2027-12-30" { // its own figure is of every place
		t.Errorf("public by %s", by)
	}
	bench, err := funds.BenchOf(w.ctx, w.db, w.book, w.day())
	w.must(err)
	if bench != (funds.Bench{Members: 1}) {
		t.Errorf("%+v", bench)
	}
}

// R04: what a charter says of its time and its yearly least is held to, with a warning before: line by line, pass and fail.
func TestChartersByLaw(t *testing.T) {
	w := newWorld(t)
	w.lawful("CN")
	timed, least := terms(funds.Named, "homes"), terms(funds.Endowment, "homes")
	last := ledger.Day(2026, 12, 31)
	timed.ClosesOn, least.SpendBP = &last, bp(800)
	a, b := w.opened("NAM", timed), w.opened("END", least)
	w.must(w.post(ledger.KindOpening, ledger.Day(2025, 12, 31), w.lines(*b.FundID, "D bank.basic - 1000.01", "C na.r - 1000.01")))
	w.given(*a.FundID, "500.00")
	looks := func(today time.Time, state law.State, words ...string) *law.Finding {
		t.Helper()
		f, err := law.LookAt(w.ctx, w.db, w.book, "R04", 2026, today)
		w.must(err)
		var rows []string
		for _, r := range f.Rows {
			rows = append(rows, r.EN)
		}
		if f.State != state || len(rows) != len(words) {
			t.Errorf("on %s: %s with %q, want %s with %q", today.Format(time.DateOnly), f.State, rows, state, words)
			return f
		}
		for _, want := range words {
			if !strings.Contains(strings.Join(rows, "\n"), want) {
				t.Errorf("on %s: %q lacks %q", today.Format(time.DateOnly), rows, want)
			}
		}
		return f
	}
	f := looks(ledger.Day(2026, 9, 30), law.Holds)
	for words, want := range map[string]int64{"not used yet": 500_00, "net assets when 2026 began": 1_000_01, "least by its charter, 8%, rounded up": 80_01, ": used": 0} {
		if got := *w.line(f, words).Sum; got != want {
			t.Errorf("%s: %d, want %d", words, got, want)
		}
	}
	looks(ledger.Day(2026, 10, 1), law.Warned, "80.01 is still to be used this year")
	looks(ledger.Day(2026, 12, 1), law.Warned, "80.01 is still to be used this year", "The charter's time is nearly over; 500.00 is not used.")
	looks(ledger.Day(2027, 1, 2), law.Broken, "80.01 less was used than its charter asks for", "The charter's time is over; 500.00 is not used.")
	w.must(w.post(ledger.KindVoucher, w.day(), w.lines(*b.FundID, "D program.r homes 80.01", "C bank.basic - 80.01")))
	w.must(w.post(ledger.KindVoucher, w.day(), w.lines(*a.FundID, "D program.r homes 500.00", "C bank.basic - 500.00")))
	looks(ledger.Day(2026, 12, 1), law.Holds)
	looks(ledger.Day(2027, 1, 2), law.Holds)
}
