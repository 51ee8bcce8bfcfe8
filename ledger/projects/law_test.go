package projects_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/projects"
)

func (w *world) lawful() {
	w.t.Helper()
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2020, time.January, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, w.now)
	})
}

func (w *world) fact(f law.Fact) {
	w.t.Helper()
	w.n++
	f.ID, f.EnteredBy, f.EnteredAt = uuid.New(), w.accountant, w.now.Add(time.Duration(w.n)*time.Second)
	w.tx(func(tx pgx.Tx) error { return law.Enter(w.ctx, tx, w.book, f) })
}

// outlaw wants a step refused by a rule, in words that name the rule, its ground, what would lift it, and more, in both languages.
func (w *world) outlaw(rule string, plan func(pgx.Tx) (*giving.Move, error), zh, en string) {
	w.t.Helper()
	err := w.try(plan)
	var refusal *law.Refusal
	if !errors.As(err, &refusal) || refusal.Rule.Code != rule {
		w.t.Fatalf("got %v, want a refusal by %s", err, rule)
	}
	for lang, want := range map[string]string{"zh-CN": zh, "en": en} {
		text := refusal.Text(lang)
		for _, part := range []string{rule + " " + refusal.Rule.Name(lang), refusal.Param.Article(lang), refusal.Rule.Lift(lang), want} {
			if part == "" || !strings.Contains(text, part) {
				w.t.Errorf("the refusal says %q, it lacks %q", text, part)
			}
		}
	}
}

// R18: what is kept back of works is capped by a dated figure; a newer figure of another height changes the answer, and nothing else is needed.
func TestRetentionByLaw(t *testing.T) {
	w := newWorld(t)
	w.post("D bank.basic R 1000.00", "C gift.r R 1000.00")
	draft := func(kept int32) uuid.UUID {
		return w.drafted(w.project("R", "100.00"), projects.Contract{Kind: projects.Works, KeptBP: kept}, []src{{"R", projects.AsGift, "100.00"}}, "100.00")
	}
	w.do(w.sign(draft(500))) // a book without a profile stands under no law
	w.lawful()
	over := draft(301)
	f, err := law.LookAt(w.ctx, w.db, w.book, "R18", 2026, w.day())
	if err != nil || len(f.Rows) == 0 || f.Rows[0].Broken || f.Rows[0].Object != "contract:"+over.String() { // a draft is a warning
		t.Errorf("before it is signed: %+v, %v", f, err)
	}
	w.outlaw("R18", w.sign(over), "质保金 3.01%，上限 3%", "Retention of 3.01%, the cap is 3%")
	w.do(w.sign(draft(300)))
	figure := law.Param{Rule: "R18", Name: "retention", From: w.day().AddDate(0, 0, 1), Value: "5%", ArticleZH: "质量保证金新办法"}
	for _, scope := range []law.Param{{Jurisdiction: "CN-HN"}, {Form: law.Foundation}, {Public: "no"}} { // for others
		scope.Rule, scope.Name, scope.From, scope.Value, scope.ArticleZH = figure.Rule, figure.Name, w.day(), "9%", "外地"
		w.tx(func(tx pgx.Tx) error { return law.SetParam(w.ctx, tx, w.book, scope, w.accountant, w.now) })
	}
	w.tx(func(tx pgx.Tx) error { return law.SetParam(w.ctx, tx, w.book, figure, w.accountant, w.now) })
	w.outlaw("R18", w.sign(over), "3.01%", "3.01%") // not in force yet
	w.now = w.now.AddDate(0, 0, 1)
	w.do(w.sign(over))
}

// R21: a contract that a purchaser pays for runs twelve months, or thirty-six once it is entered that the budget is assured.
func TestPurchaseByLaw(t *testing.T) {
	w := newWorld(t)
	w.lawful()
	long := w.drafted(w.project("G", "100.00"), projects.Contract{EndsOn: w.day().AddDate(0, 18, 0)}, []src{{"G", projects.AsService, "100.00"}}, "100.00")
	w.outlaw("R21", w.sign(long), "最迟 2027-03-10", "2027-03-10 at the latest")
	w.fact(law.Fact{Rule: "R21", Item: "assured", Object: "contract:" + long.String(), Words: "三年预算批复〔2026〕3号"})
	if err := w.try(w.sign(long)); errors.Is(err, law.ErrLaw) {
		t.Errorf("with an assured budget: %v", err)
	}
	if f, err := law.LookAt(w.ctx, w.db, w.book, "R21", 2026, w.day()); err != nil || f.State == law.Nothing {
		t.Errorf("%+v, %v", f, err)
	}
}

// R19: a place that asks for a share of pay in purchased projects is data; elsewhere the rule binds nobody.
func TestMixByLaw(t *testing.T) {
	w := newWorld(t)
	w.lawful()
	project := w.project("G", "100.01")
	w.drafted(project, projects.Contract{}, []src{{"G", projects.AsService, "100.01"}}, "100.01")
	stands := func(state law.State, words string) {
		t.Helper()
		f, err := law.LookAt(w.ctx, w.db, w.book, "R19", 2026, w.day())
		if err != nil || f.State != state || words != "" && (len(f.Rows) != 1 || !strings.Contains(f.Rows[0].EN, words)) {
			t.Errorf("%+v, %v, want %s with %q", f, err, state, words)
		}
	}
	stands(law.Exempt, "")
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: w.day(), Jurisdiction: "CN-410100", Form: law.Association, Public: true}, w.now)
	})
	stands(law.Warned, "not entered")
	pay := law.Fact{Rule: "R19", Item: "pay", Object: "project:" + project.String(), Amount: 70_00, Words: "预算表"}
	w.fact(pay)
	stands(law.Warned, "Pay of 70.00; at least 70.01 is asked for.") // 70 % of 100.01, rounded up
	pay.Amount++
	w.fact(pay)
	stands(law.Holds, "")
}

// R12: what was asked for before its fund's charter left the purpose out stands against the rule until it is dropped.
func TestOffPurposeByLaw(t *testing.T) {
	w := newWorld(t)
	w.lawful()
	w.post("D bank.basic R2 100.00", "C gift.r R2 100.00")
	home, payment := uuid.New(), uuid.New()
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.EnterHome(w.ctx, tx, w.book, projects.Payee{ID: home, StreetID: &w.street, EnteredBy: w.accountant}, projects.Home{Name: "周小满", Bank: "邮储银行", Account: "6210 9912 3456"}, w.now)
	})
	payee := func(tx pgx.Tx) *projects.Payee {
		p, err := projects.PayeeByID(w.ctx, tx, w.book, home)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	w.do(func(tx pgx.Tx) (*giving.Move, error) { return projects.VerifyPayee(w.book, payee(tx), w.now) })
	w.now = w.now.Add(projects.Cooling)
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.AskAid(w.ctx, tx, w.book, payee(tx), projects.Payment{ID: payment, FundID: &w.funds["R2"].ID, Bank: "bank.basic", Amount: 1_00, Purpose: "救助", Use: "office", AskedBy: w.accountant}, w.now)
	})
	w.chartered("R2", funds.Terms{Sort: funds.Sunshine, Purposes: []string{"homes"}})
	stands := func(state law.State, rows int) {
		t.Helper()
		if f, err := law.LookAt(w.ctx, w.db, w.book, "R12", 2026, w.day()); err != nil || f.State != state || len(f.Rows) != rows {
			t.Errorf("%+v, %v, want %s with %d rows", f, err, state, rows)
		}
	}
	stands(law.Broken, 1)
	w.do(w.ofPayment(payment, func(tx pgx.Tx, p *projects.Payment) (*giving.Move, error) {
		return projects.Drop(w.ctx, tx, w.book, p, "用途不符", w.day())
	}))
	stands(law.Nothing, 0)
}

// R23: nobody close to the managers signs or is paid, neither an organisation nor a household; once the tie has ended they may.
func TestInsidersByLaw(t *testing.T) {
	w := newWorld(t)
	w.lawful()
	w.post("D bank.basic R 5000.00", "C gift.r R 5000.00")
	payee := "payee:" + w.payee.String()
	day := w.day()
	id := w.drafted(w.project("R", "100.00"), projects.Contract{}, []src{{"R", projects.AsGift, "100.00"}}, "100.00")
	w.fact(law.Fact{Rule: "R23", Item: "related", Object: payee, Day: &day, Words: "会长之弟任理事"})
	w.outlaw("R23", w.sign(id), "会长之弟任理事", "会长之弟任理事")
	w.fact(law.Fact{Rule: "R23", Item: "unrelated", Object: payee, Day: &day, Words: "已辞任"})
	w.do(w.sign(id))

	home := uuid.New()
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.EnterHome(w.ctx, tx, w.book, projects.Payee{ID: home, StreetID: &w.street, EnteredBy: w.accountant}, projects.Home{Name: "周小满", Bank: "邮储银行", Account: "6210 9912 3456"}, w.now)
	})
	read := func(q pg.Querier) *projects.Payee {
		p, err := projects.PayeeByID(w.ctx, q, w.book, home)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	w.do(func(tx pgx.Tx) (*giving.Move, error) { return projects.VerifyPayee(w.book, read(tx), w.now) })
	w.now = w.now.Add(projects.Cooling)
	fund := w.funds["R"].ID
	payment := uuid.New()
	ask := func(id uuid.UUID) func(tx pgx.Tx) (*giving.Move, error) {
		return func(tx pgx.Tx) (*giving.Move, error) {
			return projects.AskAid(w.ctx, tx, w.book, read(tx), projects.Payment{ID: id, FundID: &fund, Bank: "bank.basic", Amount: 3_000_00, Purpose: "困难救助", AskedBy: w.accountant}, w.now)
		}
	}
	w.do(ask(payment))
	w.fact(law.Fact{Rule: "R23", Item: "related", Object: "payee:" + home.String(), Day: &day, Words: "秘书长家属"})
	w.outlaw("R23", w.agree(payment), "秘书长家属", "秘书长家属") // known after it was asked for
	w.outlaw("R23", ask(uuid.New()), "收款方与管理人员有利害关系", "The payee is close to the managers")
}

// By when a final account is public is the law's figure of the day on which a project ends; where no law has one, no day is kept.
func TestEndByLaw(t *testing.T) {
	w := newWorld(t)
	ends := func(now time.Time) string {
		t.Helper()
		id := w.project("R", "100.00")
		w.do(w.ofProject(id, func(tx pgx.Tx, p *projects.Project) (*giving.Move, error) {
			return projects.End(w.ctx, tx, w.book, p, w.book.Day(now))
		}))
		p, err := projects.ProjectByID(w.ctx, w.db, w.book, id)
		if err != nil {
			t.Fatal(err)
		}
		if p.PublishBy == nil {
			return ""
		}
		return p.PublishBy.Format(time.DateOnly)
	}
	w.post("D bank.basic R 1000.00", "C gift.r R 1000.00")
	if by := ends(time.Date(2026, time.November, 30, 12, 0, 0, 0, w.book.Zone)); by != "2027-02-28" {
		t.Errorf("without a profile, as its country asks: %s", by)
	}
	w.tx(func(tx pgx.Tx) error {
		return law.SetProfile(w.ctx, tx, w.book, law.Profile{From: ledger.Day(2020, time.January, 1), Jurisdiction: "US", Form: law.Association}, w.now)
	})
	if by := ends(w.now); by != "" {
		t.Errorf("under a law without the rule: %s", by)
	}
}

// R21: the papers of a purchase are looked for one by one and stand in the working; a draft that lacks some is a warning, a signed contract that does breaks the
// rule, and so does a budget that came after it. Which papers are asked for is data.
func TestPapersOfPurchase(t *testing.T) {
	w := newWorld(t)
	w.lawful()
	id := w.drafted(w.project("G", "100.00"), projects.Contract{}, []src{{"G", projects.AsService, "100.00"}}, "100.00")
	object := "contract:" + id.String()
	stands := func(state law.State, words ...string) *law.Finding {
		t.Helper()
		f, err := law.LookAt(w.ctx, w.db, w.book, "R21", 2026, w.day())
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, r := range f.Rows {
			text += r.ZH + r.EN
		}
		if f.State != state || len(words) == 0 && text != "" {
			t.Errorf("%s, %q, want %s", f.State, text, state)
		}
		for _, want := range words {
			if !strings.Contains(text, want) {
				t.Errorf("%q lacks %q", text, want)
			}
		}
		return f
	}
	stands(law.Warned, "购买主体", "The purchaser is a state organ", "承接主体", "负面清单", "预算已批复", "Its budget was approved", "书面合同")
	day := w.day()
	late := day.AddDate(0, 0, 1)
	for _, item := range []string{"purchaser", "eligible", "listed", "terms"} {
		w.fact(law.Fact{Rule: "R21", Item: item, Object: object, Words: "档案 " + item})
	}
	w.fact(law.Fact{Rule: "R21", Item: "budget", Object: object, Day: &late, Words: "财预〔2026〕9号"})
	f := stands(law.Holds)
	found := false
	for _, s := range f.Steps {
		found = found || strings.Contains(s.ZH, "预算已批复") && strings.Contains(s.EN, "Its budget was approved") && s.Text == late.Format(time.DateOnly)+" 财预〔2026〕9号"
	}
	if !found {
		t.Errorf("the working has no budget: %+v", f.Steps)
	}
	w.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(w.ctx, `update contract set state = 'signed', signed_on = $2 where id = $1`, id, day)
		return err
	})
	stands(law.Broken, "预算批复晚于签订日", "its budget was approved after it was signed", "购买合同已公开", "Purchase contract published")
	w.fact(law.Fact{Rule: "R21", Item: "published", Object: object, Day: &day, Words: "政府采购网"})
	w.fact(law.Fact{Rule: "R21", Item: "budget", Object: object, Day: &day, Words: "财预〔2026〕9号"})
	stands(law.Holds)
	w.fact(law.Fact{Rule: "R21", Item: "eligible", Object: object, Words: "档案"})
	w.tx(func(tx pgx.Tx) error {
		return law.SetParam(w.ctx, tx, w.book, law.Param{Rule: "R21", Name: "paper.terms", From: day, Value: "no", ArticleZH: "本市办法"}, w.accountant, w.now)
	})
	stands(law.Holds)
}
