package law_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/law"
)

type world struct {
	t     *testing.T
	ctx   context.Context
	db    *pgxpool.Pool
	book  *ledger.Book
	funds map[string]int32
	at    time.Time
	who   uuid.UUID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, ctx: t.Context(), db: pgtest.New(t).Service, funds: map[string]int32{}, at: time.Date(2026, 11, 20, 12, 0, 0, 0, zone), who: uuid.New()}
	w.tx(func(tx pgx.Tx) (err error) {
		if w.book, err = ledger.CreateBook(w.ctx, tx, ledger.Book{Code: "demo", NameZH: "慈善会", NameEN: "Association", Regime: chart.CN2026, Currency: "CNY", Zone: zone}); err != nil {
			return err
		}
		for _, kind := range []string{ledger.General, ledger.Restricted, ledger.Subsidy, ledger.Agency} {
			f, err := ledger.CreateFund(w.ctx, tx, w.book, ledger.Fund{Code: kind, Kind: kind, NameZH: kind, NameEN: kind})
			if err != nil {
				return err
			}
			w.funds[kind] = f.ID
		}
		return nil
	})
	return w
}

func (w *world) tx(f func(tx pgx.Tx) error) {
	w.t.Helper()
	if err := pg.InTx(w.ctx, w.db, f); err != nil {
		w.t.Fatal(err)
	}
}

// under says under which law the book stands.
func (w *world) under(form string, public bool) {
	w.t.Helper()
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2018, 1, 1), Jurisdiction: "CN", Form: form, Public: public}, w.at)
	})
}

func (w *world) fact(f law.Fact) {
	w.t.Helper()
	f.ID, f.EnteredBy, f.EnteredAt = uuid.New(), w.who, w.at
	w.at = w.at.Add(time.Second)
	w.tx(func(tx pgx.Tx) error { return law.Enter(w.ctx, tx, w.book, f) })
}

// post books bank against an income or expense account of the general fund; amounts are minor units, expense positive.
func (w *world) post(day time.Time, id chart.ID, amount int64, nature string) {
	w.t.Helper()
	lines := []ledger.Line{{Leaf: ledger.Leaf{Chart: id, Fund: w.funds[ledger.General], Dims: ledger.Dims{Nature: nature}}, Amount: amount},
		{Leaf: ledger.Leaf{Chart: "bank.basic", Fund: w.funds[ledger.General]}, Amount: -amount}}
	w.tx(func(tx pgx.Tx) error {
		_, err := ledger.PostOne(w.ctx, tx, w.book, ledger.Entry{Key: uuid.New(), Kind: ledger.KindVoucher, EffectiveOn: day, Actor: w.who, Lines: lines})
		return err
	})
}

func (w *world) look(code string, year int, today time.Time) *law.Finding {
	w.t.Helper()
	f, err := law.LookAt(w.ctx, w.db, w.book, code, year, today)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

func sumOf(t *testing.T, f *law.Finding, words string) int64 {
	t.Helper()
	for _, s := range f.Steps {
		if strings.Contains(s.EN, words) && s.Sum != nil {
			return *s.Sum
		}
	}
	t.Fatalf("%s has no line %q in %+v", f.Code, words, f.Steps)
	return 0
}

// TV4: three years of 12,000,000.00, 14,239,000.00 and 15,500,000.00 ask for 9,739,100.00; a fen less is broken.
func TestSpendingFloor(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, true)
	w.post(ledger.Day(2023, 6, 1), "gift.u", -12_000_000_00, "")
	w.post(ledger.Day(2024, 6, 1), "gift.u", -14_239_000_00, "")
	w.post(ledger.Day(2025, 6, 1), "gift.u", -15_500_000_00, "")
	w.post(ledger.Day(2026, 3, 1), "program.u", 9_739_099_99, "")
	after := ledger.Day(2027, 1, 10)

	f := w.look("R01", 2026, after)
	if f.State != law.Broken {
		t.Errorf("9,739,099.99 is %s, not broken", f.State)
	}
	if last, mean := sumOf(t, f, "of last year's income"), sumOf(t, f, "of the mean of 3 years"); last != 10_850_000_00 || mean != 9_739_100_00 {
		t.Errorf("floors of %d and %d, want 10,850,000.00 and 9,739,100.00", last, mean)
	}
	err := law.MayCloseYear(w.ctx, w.db, w.book, 2026, after)
	var refusal *law.Refusal
	if !errors.As(err, &refusal) || !errors.Is(err, law.ErrLaw) || refusal.Rule.Code != "R01" {
		t.Fatalf("the year may be closed: %v", err)
	}
	for _, lang := range []string{"en", "zh-CN"} {
		if text := refusal.Text(lang); !strings.Contains(text, "R01") || !strings.Contains(text, refusal.Param.Article(lang)) || !strings.Contains(text, refusal.Rule.Lift(lang)) || !strings.Contains(text, "0.01") {
			t.Errorf("the refusal says %q", text)
		}
	}

	w.post(ledger.Day(2026, 12, 1), "program.u", 1, "")
	if f := w.look("R01", 2026, after); f.State != law.Holds {
		t.Errorf("9,739,100.00 is %s, it should hold", f.State)
	}
	if err := law.MayCloseYear(w.ctx, w.db, w.book, 2026, after); err != nil {
		t.Errorf("a year at its floor may not be closed: %v", err)
	}
}

// What was sold is no aid, what a purchaser pays for is judged, and the forecast warns while the year runs.
func TestSpendingForecast(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, true)
	w.post(ledger.Day(2025, 6, 1), "gift.u", -1_000_00, "")
	w.post(ledger.Day(2026, 2, 1), "program.u", 350_00, "")
	w.post(ledger.Day(2026, 2, 1), "program.u", 500_00, "cost_of_sale")

	f := w.look("R01", 2026, ledger.Day(2026, 7, 2)) // day 183 of 365
	if spent, ahead := sumOf(t, f, "Charitable spending"), sumOf(t, f, "at the pace"); f.State != law.Warned || sumOf(t, f, "less: no charitable") != -500_00 || ahead != 698_08 {
		t.Errorf("%s with %d spent and %d ahead", f.State, spent, ahead)
	}
	if f := w.look("R01", 2026, ledger.Day(2026, 6, 30)); f.State != law.Holds { // 350 in 181 days is 705 in the year
		t.Errorf("on course is %s", f.State)
	}
	if err := law.MayCloseYear(w.ctx, w.db, w.book, 2026, ledger.Day(2027, 1, 5)); err == nil {
		t.Error("a year below its floor may be closed")
	}
	w.fact(law.Fact{Rule: "R01", Item: "explained", Object: "book", Year: 2026, Words: "2027-01-04 已书面说明"})
	if err := law.MayCloseYear(w.ctx, w.db, w.book, 2026, ledger.Day(2027, 1, 5)); err != nil {
		t.Errorf("an explained year may not be closed: %v", err)
	}
	w.fact(law.Fact{Rule: "R01", Item: "time_barred", Object: "book", Year: 2025, Amount: 600_00, Words: "协议约定 2027 年起使用"})
	if f := w.look("R01", 2026, ledger.Day(2027, 1, 5)); f.State != law.Holds || sumOf(t, f, "Adjusted income") != 400_00 {
		t.Errorf("less what might not be used: %s", f.State)
	}
}

// TV4, R02: 11,000,000.00 of expense allow 1,430,000.00 to an association and 1,100,000.00 to a foundation; below 200,000.00 nothing binds.
func TestManagementCap(t *testing.T) {
	for _, c := range []struct {
		form         string
		admin, other int64
		cap          int64
		state        law.State
	}{
		{law.Association, 1_430_000_00, 9_570_000_00, 1_430_000_00, law.Warned},
		{law.Association, 1_430_000_01, 9_569_999_99, 1_430_000_00, law.Broken},
		{law.Association, 1_000_000_00, 10_000_000_00, 1_430_000_00, law.Holds},
		{law.Foundation, 1_100_000_01, 9_899_999_99, 1_100_000_00, law.Broken},
		{law.Association, 199_999_99, 800_000_01, 130_000_00, law.Holds},
		{law.Association, 200_000_00, 800_000_00, 130_000_00, law.Broken},
	} {
		t.Run(c.form, func(t *testing.T) {
			w := newWorld(t)
			w.under(c.form, true)
			w.post(ledger.Day(2025, 6, 1), "gift.u", -100_000_000_00, "")
			w.post(ledger.Day(2026, 6, 1), "admin.u", c.admin, "")
			w.post(ledger.Day(2026, 6, 1), "program.u", c.other, "")
			f := w.look("R02", 2026, ledger.Day(2027, 1, 5))
			if got := sumOf(t, f, "Cap of"); f.State != c.state || got != c.cap {
				t.Errorf("management of %d in %d: %s under a cap of %d, want %s and %d", c.admin, c.admin+c.other, f.State, got, c.state, c.cap)
			}
		})
	}
}

// R03 goes by net assets at the end of the year before; a body that raises from the public is not bound by it.
func TestBands(t *testing.T) {
	for _, c := range []struct {
		form string
		rule string
		net  int64
		need int64
	}{
		{law.Association, "R03", 999_999_99, 500_000_00}, // half of last year's income is more than 8 %
		{law.Association, "R03", 1_000_000_00, 80_000_00},
		{law.Association, "R03", 5_000_000_00, 350_000_00},
		{law.Service, "R03", 10_000_000_00, 600_000_00},
		{law.Foundation, "R03b", 3_999_999_99, 320_000_00},
		{law.Foundation, "R03b", 4_000_000_00, 280_000_00},
		{law.Foundation, "R03b", 60_000_000_00, 3_600_000_00},
	} {
		t.Run(c.form, func(t *testing.T) {
			w := newWorld(t)
			w.under(c.form, false)
			// Three equal year ends: the mean and the last are one.
			w.post(ledger.Day(2022, 6, 1), "gift.u", -c.net, "")
			w.post(ledger.Day(2025, 6, 1), "gift.u", -min(c.net, 1_000_000_00), "")
			w.post(ledger.Day(2025, 6, 2), "program.u", min(c.net, 1_000_000_00), "")
			f := w.look(c.rule, 2026, ledger.Day(2027, 1, 5))
			if need := sumOf(t, f, "Charitable spending needed"); need != c.need || f.State != law.Broken {
				t.Errorf("net assets of %d ask for %d and it is %s, want %d", c.net, need, f.State, c.need)
			}
			if f := w.look("R01", 2026, ledger.Day(2027, 1, 5)); f.State != law.Exempt {
				t.Errorf("R01 is %s for a body that does not raise from the public", f.State)
			}
		})
	}
}

// A book without a profile stands under no law; the book's own figure goes before the statute's from its day on.
func TestParams(t *testing.T) {
	w := newWorld(t)
	if f := w.look("R01", 2026, ledger.Day(2026, 5, 1)); f.State != law.NoLaw {
		t.Errorf("without a profile R01 is %s", f.State)
	}
	if err := law.MayCloseYear(w.ctx, w.db, w.book, 2026, ledger.Day(2027, 5, 1)); err != nil {
		t.Error(err)
	}
	w.under(law.Association, true)
	w.tx(func(tx pgx.Tx) error {
		return law.SetParam(w.ctx, tx, w.book, law.Param{Rule: "R02", Name: "cap", From: ledger.Day(2027, 1, 1), Value: "12.5%", ArticleZH: "章程第三十条"}, w.who, w.at)
	})
	l, err := law.Read(w.ctx, w.db, w.book)
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[time.Time]int64{ledger.Day(2026, 12, 31): 1300, ledger.Day(2027, 1, 1): 1250} {
		if p, ok := l.Param("R02", "cap", day); !ok || p.BasisPoints() != want {
			t.Errorf("on %s the cap is %q, want %d", day.Format(time.DateOnly), p.Value, want)
		}
	}
	if _, ok := l.Param("R02", "cap", ledger.Day(2017, 1, 1)); ok {
		t.Error("a figure applies before the book stood under the law")
	}
	for _, p := range []law.Profile{{Jurisdiction: "CN", Form: law.Association}, {From: w.at, Jurisdiction: "China", Form: law.Association}, {From: w.at, Jurisdiction: "CN", Form: "club"}, {From: w.at, Jurisdiction: "CN", Form: law.Service, Code: "123"}} {
		err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error { return law.SetProfile(w.ctx, tx, w.book, p, w.at) })
		if !errors.Is(err, law.ErrBadProfile) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, wrong := range [][3]string{{"R01", "floor", "0.7"}, {"R01", "years", "0"}, {"R11", "by", "99-99"}, {"R11", "by", "02-30"}, {"R02", "cap", "13"}, {"R02", "cap", "101%"}, {"R02", "capp", "13%"}, {"R06", "before", "10"},
		{"R03", "band.1", "8%"}, {"R07", "pattern", "^[0-9$"}, {"R09", "after_end", "3%"}, {"R02", "exempt_below", "20 0000"}} {
		if err := (law.Param{Rule: wrong[0], Name: wrong[1], From: w.at, Value: wrong[2], ArticleZH: "x"}).Check(); !errors.Is(err, law.ErrBadParam) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	for _, p := range law.Params() { // every statute can be entered as it stands, and with another figure of its kind
		if err := p.Check(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, good := range [][3]string{{"R03", "band.5", "from=20000000.00 spend=5% admin=12%"}, {"R07", "pattern", "^[0-9A-Z]{18}$"}, {"R06", "before", "1m"}, {"R17", "bank", "5wd"}} {
		if err := (law.Param{Rule: good[0], Name: good[1], From: w.at, Value: good[2], ArticleZH: "x"}).Check(); err != nil {
			t.Errorf("%v: %v", good, err)
		}
	}
	for _, p := range []law.Param{{Rule: "R99", Name: "cap", From: w.at, Value: "1%", ArticleZH: "x"}, {Rule: "R02", Name: "cap", From: w.at, Value: "much", ArticleZH: "x"}, {Rule: "R02", Name: "cap", From: w.at, Value: "1%"}} {
		err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error { return law.SetParam(w.ctx, tx, w.book, p, w.who, w.at) })
		if !errors.Is(err, law.ErrBadParam) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// Of figures that fit at once the one that names the legal form goes first, then the one that names the right, then the newest.
func TestExactFigures(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, true)
	figure := func(year int, form, public, value, want string) {
		t.Helper()
		w.at = w.at.Add(time.Second)
		p := law.Param{Rule: "R02", Name: "cap", Form: form, Public: public, From: ledger.Day(year, 1, 1), Value: value, ArticleZH: "章程"}
		w.tx(func(tx pgx.Tx) error { return law.SetParam(w.ctx, tx, w.book, p, w.who, w.at) })
		l, err := law.Read(w.ctx, w.db, w.book)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := l.Param("R02", "cap", ledger.Day(2026, 6, 1)); got.Value != want {
			t.Errorf("with %s for %q, %q the cap is %s, want %s", value, form, public, got.Value, want)
		}
	}
	figure(2022, "*", "*", "1%", "1%")
	figure(2022, "*", "yes", "2%", "2%")
	figure(2022, law.Association, "*", "3%", "3%")
	figure(2024, "*", "*", "4%", "3%")
	figure(2024, "*", "yes", "5%", "3%")
	figure(2021, law.Association, "yes", "6%", "6%")
	figure(2020, law.Association, "yes", "7%", "6%")
}

// A file of figures begins with the names of params.csv; what cannot be read is named by its line.
func TestReadFigures(t *testing.T) {
	t.Parallel()
	const head = "rule,name,jurisdiction,form,public,valid_from,valid_to,value,article_zh,article_en,source\n"
	const good = "R02,cap,CN,*,*,2027-01-01,,9%,新办法,new measure,S\n"
	if all, err := law.ReadFigures(strings.NewReader("\ufeff" + head + good)); err != nil || len(all) != 1 || all[0].BasisPoints() != 900 {
		t.Errorf("%+v, %v", all, err)
	}
	for text, want := range map[string]string{"": "line 1", good: "line 1", "rule,name\n": "line 1", head + good + "R02,cap\n": "line 3", head + good + "R02,cap,CN,*,*,soon,,9%,x,x,S\n": "line 3",
		head + "R02,cap,CN,*,*,2027-01-01,,nine,x,x,S\n" + good: "line 2, R02 cap", head + good + "R02,cap,CN,club,*,2027-01-01,,9%,x,x,S\n": "line 3, R02 cap"} {
		if _, err := law.ReadFigures(strings.NewReader(text)); !errors.Is(err, law.ErrBadParam) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want one that says %s", text, err, want)
		}
	}
}

// Every parameter names a rule, can be read, and says where it is written in both languages; every rule has its words.
func TestTable(t *testing.T) {
	t.Parallel()
	for _, p := range law.Params() {
		if law.ByCode(p.Rule) == nil || p.Value == "" || p.ArticleZH == "" || p.ArticleEN == "" || strings.Contains(p.ArticleZH, "同上") || p.Source == "" {
			t.Errorf("parameter %+v", p)
		}
	}
	rules := law.Rules()
	if len(rules) != 25 {
		t.Errorf("%d rules, want R01 to R23 with R03b and R09b", len(rules))
	}
	for _, r := range rules {
		if r.NameZH == "" || r.NameEN == "" || r.LiftZH == "" || r.LiftEN == "" || r.Effect == "" {
			t.Errorf("rule %+v", r)
		}
	}
}

// A figure that is entered for another part of the country, legal form or right changes nothing; one for this body changes the answer on its day,
// without a line of code. It ends on its day too.
func TestFiguresAreData(t *testing.T) {
	w := newWorld(t)
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2018, 1, 1), Jurisdiction: "CN-HN", Form: law.Association, Public: true}, w.at)
	})
	for year := 2024; year <= 2027; year++ {
		w.post(ledger.Day(year, 6, 1), "gift.u", -10_000_000_00, "")
		w.post(ledger.Day(year, 6, 2), "admin.u", 1_250_000_00, "")
		w.post(ledger.Day(year, 6, 2), "program.u", 8_750_000_00, "")
	}
	cap := func(year int, want int64, state law.State) {
		t.Helper()
		f := w.look("R02", year, ledger.Day(year+1, 1, 5))
		if got := sumOf(t, f, "Cap of"); got != want || f.State != state {
			t.Errorf("in %d a cap of %d and it is %s, want %d and %s", year, got, f.State, want, state)
		}
	}
	set := func(p law.Param) {
		t.Helper()
		p.Rule, p.Name, p.ArticleZH = "R02", "cap", "新办法"
		w.at = w.at.Add(time.Second)
		w.tx(func(tx pgx.Tx) error { return law.SetParam(w.ctx, tx, w.book, p, w.who, w.at) })
	}
	cap(2026, 1_300_000_00, law.Warned) // 13 %, and 12.5 % is spent
	for _, p := range []law.Param{{Jurisdiction: "CN-GD", Value: "1%"}, {Form: law.Foundation, Value: "2%"}, {Public: "no", Value: "3%"}} {
		p.From = ledger.Day(2020, 1, 1)
		set(p)
	}
	cap(2026, 1_300_000_00, law.Warned)
	set(law.Param{Jurisdiction: "CN", Form: law.Association, Public: "yes", From: ledger.Day(2026, 1, 1), To: ledger.Day(2027, 1, 1), Value: "12%"})
	cap(2025, 1_300_000_00, law.Warned)
	cap(2026, 1_200_000_00, law.Broken)
	cap(2027, 1_300_000_00, law.Warned)
	set(law.Param{Jurisdiction: "CN-HN", From: ledger.Day(2026, 7, 1), Value: "20%"}) // its own province goes first
	cap(2026, 2_000_000_00, law.Holds)
	for _, p := range []law.Param{{Jurisdiction: "Hunan"}, {Form: "club"}, {Public: "maybe"}, {To: ledger.Day(2026, 1, 1)}, {Value: "from=1"}} {
		p.Rule, p.Name, p.ArticleZH, p.From = "R02", "cap", "新办法", ledger.Day(2026, 1, 1)
		if p.Value == "" {
			p.Value = "1%"
		}
		if err := p.Check(); !errors.Is(err, law.ErrBadParam) {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

// The statutes differ by form: the same books are under another cap once the body is another, from that day on.
func TestFormsAreData(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, true)
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2026, 1, 1), Jurisdiction: "CN", Form: law.Foundation, Public: true}, w.at)
	})
	w.post(ledger.Day(2024, 6, 1), "gift.u", -20_000_000_00, "")
	for _, year := range []int{2025, 2026} {
		w.post(ledger.Day(year, 6, 2), "admin.u", 1_200_000_00, "")
		w.post(ledger.Day(year, 6, 2), "program.u", 8_800_000_00, "")
	}
	for year, want := range map[int]law.State{2025: law.Warned, 2026: law.Broken} {
		if f := w.look("R02", year, ledger.Day(year+1, 1, 5)); f.State != want {
			t.Errorf("in %d it is %s, want %s", year, f.State, want)
		}
	}
}

// The course of a year: what was done by the end of each month, where the pace leads, and the line; the year's end of it is the forecast.
func TestCourse(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, true)
	w.post(ledger.Day(2025, 6, 1), "gift.u", -1_000_00, "")
	w.post(ledger.Day(2026, 2, 1), "program.u", 350_00, "")
	w.post(ledger.Day(2026, 3, 1), "admin.u", 50_00, "")
	today := ledger.Day(2026, 7, 2) // day 183 of 365
	spending := w.look("R01", 2026, today)
	if len(spending.Months) != 1 || spending.Months[0].Of != law.OfSpending || len(spending.Months[0].Months) != 12 {
		t.Fatalf("%+v", spending.Months)
	}
	for month, want := range map[int]law.Month{0: {Line: 700_00}, 1: {Done: 350_00, Line: 700_00}, 5: {Done: 350_00, Line: 700_00}, 6: {Done: 350_00, Ahead: 55_46, Line: 700_00}, 11: {Done: 350_00, Ahead: 348_08, Line: 700_00}} {
		got := spending.Months[0].Months[month]
		if want.First = ledger.Day(2026, time.Month(month+1), 1); got != want {
			t.Errorf("month %d: %+v, want %+v", month+1, got, want)
		}
	}
	if end := spending.Months[0].Months[11].Sum(); end != sumOf(t, spending, "at the pace") {
		t.Errorf("the course ends at %d, the working says otherwise", end)
	}
	cost := w.look("R02", 2026, today).Months[0].Months
	for month, want := range map[int]law.Month{1: {Line: 45_50}, 2: {Done: 50_00, Line: 52_00}, 11: {Done: 50_00, Ahead: 49_72, Line: 103_71}} {
		got := cost[month]
		if want.First = ledger.Day(2026, time.Month(month+1), 1); got != want {
			t.Errorf("management, month %d: %+v, want %+v", month+1, got, want)
		}
	}
	over := w.look("R01", 2026, ledger.Day(2027, 2, 1)).Months[0].Months[11] // the year is over: nothing lies ahead
	if over.Done != 350_00 || over.Ahead != 0 {
		t.Errorf("%+v", over)
	}
}

// R03 warns at four fifths of its cap as R02 does, and has a course of both.
func TestBandsWarn(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, false)
	w.post(ledger.Day(2022, 6, 1), "gift.u", -12_000_000_00, "")
	w.post(ledger.Day(2026, 2, 1), "program.u", 8_950_000_00, "")
	w.post(ledger.Day(2026, 2, 1), "admin.u", 1_050_000_00, "") // 10.5 % under a cap of 13 %
	f := w.look("R03", 2026, ledger.Day(2027, 1, 5))
	if f.State != law.Warned || len(f.Months) != 2 {
		t.Errorf("%s with %d courses", f.State, len(f.Months))
	}
	w.post(ledger.Day(2026, 3, 1), "admin.u", 300_000_00, "")
	if f := w.look("R03", 2026, ledger.Day(2027, 1, 5)); f.State != law.Broken {
		t.Errorf("over its cap it is %s", f.State)
	}
}

// R03: a body younger than three years is held to its last year end: a mean with unknown years would ask for too little.
func TestBandsOfTheYoung(t *testing.T) {
	w := newWorld(t)
	w.under(law.Service, false)
	w.post(ledger.Day(2025, 6, 1), "gift.u", -12_000_000_00, "")
	if need := sumOf(t, w.look("R03", 2026, ledger.Day(2027, 1, 5)), "Charitable spending needed"); need != 720_000_00 {
		t.Errorf("6 %% of 12,000,000.00 is 720,000.00 and not %d", need)
	}
}

// R03: a year end at which a body had exactly nothing counts in the mean; one before its books does not.
func TestBandsOfNothing(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, false)
	w.post(ledger.Day(2023, 6, 1), "gift.u", -1_000_00, "")
	w.post(ledger.Day(2023, 6, 2), "program.u", 1_000_00, "")
	w.post(ledger.Day(2025, 6, 1), "gift.u", -12_000_000_00, "")
	if mean := sumOf(t, w.look("R03", 2026, ledger.Day(2027, 1, 5)), "Mean net assets of 3"); mean != 4_000_000_00 {
		t.Errorf("the mean of 0, 0 and 12,000,000.00 is 4,000,000.00 and not %d", mean)
	}
}

// R15 binds nobody where the figure says that no right is asked for, neither when a campaign is made nor when the book is looked at.
func TestRightNotAskedFor(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, false)
	today := ledger.Day(2026, 6, 1)
	stands := func(state law.State, refused bool) {
		t.Helper()
		if f := w.look("R15", 2026, today); f.State != state {
			t.Errorf("it is %s, want %s", f.State, state)
		}
		if err := law.MayRaise(w.ctx, w.db, w.book, today); errors.Is(err, law.ErrLaw) != refused {
			t.Errorf("to raise: %v", err)
		}
	}
	stands(law.Nothing, true)
	w.tx(func(tx pgx.Tx) error {
		return law.SetParam(w.ctx, tx, w.book, law.Param{Rule: "R15", Name: "public", From: ledger.Day(2020, 1, 1), Value: "no", ArticleZH: "批复"}, w.who, w.at)
	})
	stands(law.Exempt, false)
}

// R04 binds nobody before its figure: a line to warn at that nobody set would warn of everything.
func TestAgreementsBeforeTheLaw(t *testing.T) {
	w := newWorld(t)
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2010, 1, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, w.at)
	})
	if f := w.look("R04", 2015, ledger.Day(2026, 6, 1)); f.State != law.Exempt {
		t.Errorf("in 2015 it is %s", f.State)
	}
}

// A fact is about a record of its item's sort, named in full.
func TestFactsNameTheirRecord(t *testing.T) {
	t.Parallel()
	day, id := ledger.Day(2026, 1, 1), uuid.NewString()
	for _, c := range []struct {
		rule, item, object string
		ok                 bool
	}{{"R04", "spend_by", "gift:" + id, true}, {"R04", "spend_by", "gift:", false}, {"R04", "spend_by", "", false}, {"R04", "spend_by", "g", false}, {"R04", "spend_by", "payee:" + id, false}, {"R04", "spend_by", "gift:" + id + "0", false},
		{"R10", "event", "book", true}, {"R10", "event", "book:1", false}, {"R14", "no_invest", "fund:12", true}, {"R14", "no_invest", "fund:R", false}, {"R14", "no_invest", "campaign:1", false}, {"R23", "related", "payee:7", false}} {
		if err := (law.Fact{Rule: c.rule, Item: c.item, Object: c.object, Day: &day, Words: "协议"}).Check(); (err == nil) != c.ok || err != nil && !errors.Is(err, law.ErrBadFact) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// Findings of a reading: an entered income stands for years before the books alone; a tie ends on its day and not when it is entered; many facts
// of one thing do not push out another.
func TestFactsStand(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, true)
	w.post(ledger.Day(2025, 6, 1), "gift.u", -1_000_00, "")
	w.fact(law.Fact{Rule: "R01", Item: "income", Object: "book", Year: 2025, Amount: 1, Words: "审计报告"})
	w.fact(law.Fact{Rule: "R01", Item: "income", Object: "book", Year: 2024, Amount: 2_000_00, Words: "审计报告"})
	f := w.look("R01", 2026, ledger.Day(2026, 7, 1))
	if last, before := sumOf(t, f, "Income of 2025"), sumOf(t, f, "Income of 2024"); last != 1_000_00 || before != 2_000_00 {
		t.Errorf("income of %d and %d", last, before)
	}
	payee := uuid.New()
	object := "payee:" + payee.String()
	since, until := ledger.Day(2026, 3, 1), ledger.Day(2027, 1, 1)
	w.fact(law.Fact{Rule: "R23", Item: "related", Object: object, Day: &since, Words: "理事"})
	w.fact(law.Fact{Rule: "R23", Item: "unrelated", Object: object, Day: &until, Words: "明年离任"})
	for day, close := range map[time.Time]bool{ledger.Day(2026, 2, 28): false, since: true, ledger.Day(2026, 12, 31): true, until: false} {
		if err := law.MayPay(w.ctx, w.db, w.book, payee, day); errors.Is(err, law.ErrLaw) != close {
			t.Errorf("on %s: %v", day.Format(time.DateOnly), err)
		}
	}
	again := ledger.Day(2028, 1, 1)
	w.fact(law.Fact{Rule: "R23", Item: "related", Object: object, Day: &again, Words: "再任理事"}) // the tie before it stays what it was
	for _, c := range []struct {
		from, to time.Time
		words    string
	}{{ledger.Day(2026, 1, 1), ledger.Day(2026, 2, 28), ""}, {ledger.Day(2026, 1, 1), since, "理事"}, {ledger.Day(2026, 12, 31), until, "理事"}, {until, ledger.Day(2027, 12, 31), ""}, {until, again, "再任理事"}, {since, again, "再任理事"}} {
		close, err := law.Related(w.ctx, w.db, w.book, c.from, c.to, time.Time{})
		if f, found := close[payee]; err != nil || found != (c.words != "") || f.Words != c.words {
			t.Errorf("%s..%s: %+v, %v, want %q", c.from.Format(time.DateOnly), c.to.Format(time.DateOnly), close, err, c.words)
		}
	}
	for day, close := range map[time.Time]bool{since: true, until: false, again: true} {
		if err := law.MayPay(w.ctx, w.db, w.book, payee, day); errors.Is(err, law.ErrLaw) != close {
			t.Errorf("on %s, with a second tie: %v", day.Format(time.DateOnly), err)
		}
	}
}

// What a province asks for goes before the country's while it is in force; elsewhere the program's own rule says the same.
func TestHunansGuideOfFunds(t *testing.T) {
	w := newWorld(t)
	for place, from := range map[string]time.Time{"CN-HN": ledger.Day(2018, 1, 1), "CN-CQ": ledger.Day(2028, 1, 1)} {
		w.tx(func(tx pgx.Tx) error {
			return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: from, Jurisdiction: place, Form: law.Association, Public: true}, w.at)
		})
	}
	l, err := law.Read(w.ctx, w.db, w.book)
	if err != nil {
		t.Fatal(err)
	}
	for day, place := range map[time.Time]string{ledger.Day(2024, 12, 31): "CN", ledger.Day(2025, 1, 1): "CN-HN", ledger.Day(2026, 12, 31): "CN-HN", ledger.Day(2027, 1, 1): "CN", ledger.Day(2028, 2, 1): "CN"} {
		if p, ok := l.Param("R20", "committee", day); !ok || p.Value != "5" || p.Jurisdiction != place || p.Undated() {
			t.Errorf("committee on %s: %+v, want that of %s", day.Format(time.DateOnly), p, place)
		}
	}
}

// A fact that was entered wrong is taken back: what stood before it stands again. Only facts of rules that have any are taken back, and by name.
func TestFactsAreTakenBack(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, true)
	income := func() int64 { return sumOf(t, w.look("R01", 2026, ledger.Day(2026, 7, 1)), "Income of 2024") }
	w.post(ledger.Day(2025, 6, 1), "gift.u", -1_000_00, "")
	w.fact(law.Fact{Rule: "R01", Item: "income", Object: "book", Year: 2024, Amount: 2_000_00, Words: "审计报告"})
	w.fact(law.Fact{Rule: "R01", Item: "income", Object: "book", Year: 2024, Amount: 9_000_00, Words: "看错一行"})
	if got := income(); got != 9_000_00 {
		t.Errorf("the newer figure: %d", got)
	}
	list, err := law.Facts(w.ctx, w.db, w.book, "R01")
	if err != nil {
		t.Fatal(err)
	}
	w.fact(law.Fact{Rule: "R01", Item: law.Withdrawn, Object: "fact:" + list[0].ID.String(), Words: "看错一行"})
	if got := income(); got != 2_000_00 {
		t.Errorf("once the newer one was taken back: %d", got)
	}
	if err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		return law.Enter(w.ctx, tx, w.book, law.Fact{ID: uuid.New(), Rule: "R01", Item: law.Withdrawn, Object: "fact:" + list[0].ID.String(), Words: "又一次", EnteredBy: w.who, EnteredAt: w.at})
	}); !errors.Is(err, law.ErrNoFact) {
		t.Errorf("taken back twice: %v", err)
	}
	for _, f := range []law.Fact{{Rule: "R01", Item: law.Withdrawn, Object: "book", Words: "x"}, {Rule: "R01", Item: law.Withdrawn, Object: "fact:" + uuid.NewString()}, {Rule: "R08", Item: law.Withdrawn, Object: "fact:" + uuid.NewString(), Words: "x"},
		{Rule: "R01", Item: "income", Object: "fact:" + uuid.NewString(), Year: 2024, Words: "x"}} {
		if err := f.Check(); !errors.Is(err, law.ErrBadFact) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// old is a fact that was entered before its form was checked.
func (w *world) old(rule, item, object string, day *time.Time, words string) (id uuid.UUID) {
	w.t.Helper()
	id = uuid.New()
	w.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, `insert into law_fact (book_id, id, rule, item, object, year, day, amount, words, entered_by, entered_at) values ($1, $2, $3, $4, $5, 0, $6, 0, $7, $8, $9)`,
			w.book.ID, id, rule, item, object, day, words, w.who, w.at)
		return err
	})
	w.at = w.at.Add(time.Second)
	return id
}

// A fact that is not complete holds by what it says: what forbids goes on forbidding without its words or its day, until it is taken back.
func TestIncompleteFacts(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, true)
	today, since := ledger.Day(2026, 7, 1), ledger.Day(2026, 3, 1)
	fund := w.funds[ledger.Restricted]
	object := fmt.Sprintf("fund:%d", fund)
	entry := ledger.Entry{Lines: []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "st.inv", Fund: fund}, 1), ledger.Credit(ledger.Leaf{Chart: "bank.basic", Fund: fund}, 1)}}
	for name, day := range map[string]*time.Time{"words": &since, "day": nil} {
		if err := law.MayPost(w.ctx, w.db, w.book, []ledger.Entry{entry}, today); err != nil {
			t.Fatal(err)
		}
		words := "捐赠协议第五条"
		if day != nil {
			words = ""
		}
		id := w.old("R14", "no_invest", object, day, words)
		if err := law.MayPost(w.ctx, w.db, w.book, []ledger.Entry{entry}, today); !errors.Is(err, law.ErrLaw) {
			t.Errorf("what forbids to invest, without its %s: %v", name, err)
		}
		if f := w.look("R14", 2026, today); len(f.Rows) != 1 || !strings.Contains(f.Rows[0].EN, "not complete") {
			t.Errorf("R14 does not tell of it: %+v", f.Rows)
		}
		w.fact(law.Fact{Rule: "R14", Item: law.Withdrawn, Object: "fact:" + id.String(), Words: "重新登记"})
	}
	payee := uuid.New()
	object = "payee:" + payee.String()
	related := w.old("R23", "related", object, nil, "理事")
	w.old("R23", "unrelated", object, nil, "")
	if err := law.MayPay(w.ctx, w.db, w.book, payee, today); !errors.Is(err, law.ErrLaw) {
		t.Errorf("close since nobody knows when, and no longer since nobody knows when: %v", err)
	}
	close, err := law.Related(w.ctx, w.db, w.book, ledger.Day(2020, 1, 1), ledger.Day(2020, 12, 31), time.Time{})
	if f, ok := close[payee]; err != nil || !ok || !f.Day.IsZero() {
		t.Errorf("%+v, %v", close, err)
	}
	w.fact(law.Fact{Rule: "R23", Item: law.Withdrawn, Object: "fact:" + related.String(), Words: "重新登记"})
	if err := law.MayPay(w.ctx, w.db, w.book, payee, today); err != nil {
		t.Errorf("once it was taken back: %v", err)
	}
	event := w.old("R10", "event", "book", &since, "")
	dues, err := law.Deadlines(w.ctx, w.db, w.book, today)
	if err != nil || !slices.ContainsFunc(dues, func(d law.Deadline) bool { return d.Object == "event:"+event.String() && d.Name != "" }) {
		t.Errorf("an event that nobody put into words is not due: %+v, %v", dues, err)
	}
}

// A cap is broken when the year is over; while it runs, more than the cap and a year that is small only so far are warned of.
func TestCapWhileTheYearRuns(t *testing.T) {
	w := newWorld(t)
	w.under(law.Association, true)
	w.post(ledger.Day(2026, 1, 5), "gift.u", -5_000_000_00, "")
	w.post(ledger.Day(2026, 2, 10), "admin.u", 150_000_00, "") // under the 200,000.00 below which there is no cap, and going past it
	w.post(ledger.Day(2026, 2, 11), "program.u", 850_000_00, "")
	for day, want := range map[time.Time]law.State{ledger.Day(2026, 3, 1): law.Warned, ledger.Day(2026, 12, 31): law.Holds, ledger.Day(2027, 1, 1): law.Holds} {
		if f := w.look("R02", 2026, day); f.State != want {
			t.Errorf("150,000.00 on %s: %s, want %s: %+v", day.Format(time.DateOnly), f.State, want, f.Steps)
		}
	}
	w.post(ledger.Day(2026, 5, 10), "admin.u", 60_000_00, "")
	for day, want := range map[time.Time]law.State{ledger.Day(2026, 6, 1): law.Warned, ledger.Day(2026, 12, 31): law.Warned, ledger.Day(2027, 1, 1): law.Broken} {
		if f := w.look("R02", 2026, day); f.State != want {
			t.Errorf("210,000.00 of 1,060,000.00 on %s: %s, want %s", day.Format(time.DateOnly), f.State, want)
		}
	}
}
