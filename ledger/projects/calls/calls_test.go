package calls_test

import (
	"context"
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
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/needs"
)

type world struct {
	t         *testing.T
	ctx       context.Context
	db        *pgxpool.Pool
	book      *ledger.Book
	now       time.Time
	street    int32
	fund      map[string]int32
	li, chen  uuid.UUID
	reviewers []uuid.UUID
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	w := &world{t: t, ctx: t.Context(), db: pgtest.New(t).Service, now: time.Date(2026, 9, 7, 2, 0, 0, 0, time.UTC), fund: map[string]int32{}, li: uuid.New(), chen: uuid.New(),
		reviewers: []uuid.UUID{uuid.New(), uuid.New(), uuid.New()}}
	err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) (err error) {
		if w.book, err = ledger.CreateBook(w.ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "demo", NameZH: "慈善会", NameEN: "Association", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC}); err != nil {
			return err
		}
		for _, code := range []string{"a", "b"} {
			street, err := ledger.CreateStreet(w.ctx, tx, w.book, ledger.Street{Code: code, NameZH: code, NameEN: code})
			if err != nil {
				return err
			}
			f, err := ledger.CreateFund(w.ctx, tx, w.book, ledger.Fund{Code: "F" + code, Kind: ledger.Restricted, NameZH: code, NameEN: code, StreetID: &street.ID})
			if err != nil {
				return err
			}
			w.fund[code] = f.ID
		}
		g, err := ledger.CreateFund(w.ctx, tx, w.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "G", NameEN: "G"})
		if err != nil {
			return err
		}
		w.street, w.fund["g"] = 1, g.ID
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

type plan func(tx pgx.Tx) (*giving.Move, error)

// try takes a step, made by the accountant and approved by another.
func (w *world) try(p plan) error {
	return pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		m, err := p(tx)
		if err != nil {
			return err
		}
		_, err = m.Book(w.ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.li, Second: w.chen, At: w.now, Made: "李会计", Check: "陈审批"})
		return err
	})
}

func (w *world) do(p plan) {
	w.t.Helper()
	if err := w.try(p); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) refused(want error, p plan) {
	w.t.Helper()
	if err := w.try(p); !errors.Is(err, want) {
		w.t.Fatalf("got %v, want %v", err, want)
	}
}

func (w *world) field(key string, p plan) {
	w.t.Helper()
	var wrong *giving.FieldErrors
	if err := w.try(p); !errors.As(err, &wrong) || wrong.List[0].Key != key {
		w.t.Fatalf("got %v, want %s", err, key)
	}
}

func (w *world) organisation(name, standing string) *projects.Payee {
	w.t.Helper()
	id := uuid.New()
	w.do(func(tx pgx.Tx) (*giving.Move, error) {
		return projects.EnterPayee(w.ctx, tx, w.book, projects.Payee{ID: id, Name: name, Standing: standing, Code: id.String(), EnteredBy: w.li})
	})
	return w.payee(id)
}

func (w *world) payee(id uuid.UUID) *projects.Payee {
	w.t.Helper()
	p, err := projects.PayeeByID(w.ctx, w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// sample is a call that is open for a week: 1,000.00 from two sources, two scores, a notice of a week.
func (w *world) sample() calls.Call {
	return calls.Call{ID: uuid.New(), StreetID: w.street, Title: "为老服务", About: "助餐与助浴", OpensAt: w.now, ClosesAt: w.now.AddDate(0, 0, 7), EachMost: 700_00, PerFirm: 1, Standings: []string{projects.Registered, projects.Filed},
		Credit: projects.Good, RatingLeast: 60_00, RenewLeast: 90_00, RenewPoints: 5, Reviews: 2, Pass: 60_00, Ties: []string{calls.LowerCost, calls.MorePeople}, NoticeDays: 7, MadeBy: w.li}
}

func (w *world) open(c calls.Call) uuid.UUID {
	w.t.Helper()
	w.do(func(tx pgx.Tx) (*giving.Move, error) { return calls.Enter(w.ctx, tx, w.book, c) })
	w.do(w.of(c.ID, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		return calls.AddSource(w.ctx, tx, w.book, c, calls.Source{FundID: w.fund["a"], Treatment: projects.AsGift, Payer: "网上捐赠", Amount: 600_00})
	}))
	w.do(w.of(c.ID, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		return calls.AddSource(w.ctx, tx, w.book, c, calls.Source{FundID: w.fund["g"], Treatment: projects.AsOwn, Payer: "慈善会", Amount: 400_00})
	}))
	for _, part := range []int32{60, 40} {
		w.do(w.of(c.ID, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
			return calls.AddCriterion(w.ctx, tx, w.book, c, fmt.Sprint("方面", part), part)
		}))
	}
	for _, person := range w.reviewers {
		w.do(w.of(c.ID, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) { return calls.AddReviewer(w.book, c, person) }))
	}
	w.do(w.of(c.ID, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		return calls.Publish(w.ctx, tx, w.book, c, w.now)
	}))
	return c.ID
}

func (w *world) of(id uuid.UUID, p func(tx pgx.Tx, c *calls.Call) (*giving.Move, error)) plan {
	return func(tx pgx.Tx) (*giving.Move, error) {
		c, err := calls.ByID(w.ctx, tx, w.book, id)
		if err != nil {
			return nil, err
		}
		return p(tx, c)
	}
}

func (w *world) ofProposal(id uuid.UUID, p func(tx pgx.Tx, p *calls.Proposal) (*giving.Move, error)) plan {
	return func(tx pgx.Tx) (*giving.Move, error) {
		one, err := calls.ProposalByID(w.ctx, tx, w.book, id)
		if err != nil {
			return nil, err
		}
		return p(tx, one)
	}
}

func (w *world) apply(call, id uuid.UUID, payee *projects.Payee) plan {
	return w.of(call, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		return calls.Apply(w.ctx, tx, w.book, c, payee, calls.Proposal{ID: id, Title: payee.Name + "的方案", Plan: "每周两次", People: 50, StartsOn: w.now, EndsOn: w.now.AddDate(0, 6, 0), EnteredBy: w.li}, w.now)
	})
}

func (w *world) item(id uuid.UUID, amount int64) plan {
	return w.ofProposal(id, func(tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
		return calls.AddItem(w.ctx, tx, w.book, p, "人工", amount, w.now)
	})
}

func (w *world) file(id uuid.UUID) plan {
	return w.ofProposal(id, func(tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
		return calls.File(w.ctx, tx, w.book, p, w.now)
	})
}

func (w *world) examine(id uuid.UUID) plan {
	return w.ofProposal(id, func(tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) { return calls.Examine(w.ctx, tx, w.book, p) })
}

// proposes hands a proposal of an amount in and has it checked.
func (w *world) proposes(call uuid.UUID, payee *projects.Payee, amount int64) uuid.UUID {
	w.t.Helper()
	id := uuid.New()
	w.do(w.apply(call, id, payee))
	w.do(w.item(id, amount))
	w.do(w.file(id))
	w.do(w.examine(id))
	return id
}

func (w *world) score(id uuid.UUID, reviewer int, points ...int32) plan {
	return w.ofProposal(id, func(tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
		return calls.Score(w.ctx, tx, w.book, p, calls.Review{Person: w.reviewers[reviewer], Points: points, Note: "按评分表"}, w.now)
	})
}

func (w *world) proposal(id uuid.UUID) *calls.Proposal {
	w.t.Helper()
	p, err := calls.ProposalByID(w.ctx, w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *world) wants(id uuid.UUID, state string) *calls.Proposal {
	w.t.Helper()
	p := w.proposal(id)
	if p.State != state {
		w.t.Errorf("%s of %s is %s, want %s", p.Name(), p.Payee, p.State, state)
	}
	return p
}

func (w *world) announce(call uuid.UUID) plan {
	return w.of(call, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		return calls.Announce(w.ctx, tx, w.book, c, w.now.AddDate(0, 0, 7), w.now)
	})
}

func (w *world) award(id uuid.UUID) plan {
	return w.ofProposal(id, func(tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
		return calls.Award(w.ctx, tx, w.book, p, "", w.book.Day(w.now), w.now)
	})
}

func (w *world) object(call uuid.UUID, o calls.Objection) error {
	return pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		c, err := calls.ByID(w.ctx, tx, w.book, call)
		if err != nil {
			return err
		}
		o.ID, o.Resident = uuid.New(), &w.li
		return calls.Object(w.ctx, tx, w.book, c, o, w.now)
	})
}

func (w *world) answer(call uuid.UUID, n int, upheld bool) plan {
	return w.of(call, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		list, err := calls.Objections(w.ctx, tx, w.book, call)
		if err != nil {
			return nil, err
		}
		return calls.Answer(w.ctx, tx, w.book, c, &list[n], upheld, "已核实", w.now)
	})
}

// TestApplying: a call takes proposals in its days, of organisations and amounts that it allows; what breaks a rule is refused with it.
func TestApplying(t *testing.T) {
	w := newWorld(t)
	bad := w.sample()
	bad.ClosesAt = bad.OpensAt
	w.field("call.days.wrong", func(tx pgx.Tx) (*giving.Move, error) { return calls.Enter(w.ctx, tx, w.book, bad) })
	draft := w.sample()
	w.do(func(tx pgx.Tx) (*giving.Move, error) { return calls.Enter(w.ctx, tx, w.book, draft) })
	w.field("call.fund.wrong", w.of(draft.ID, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) { // of another street
		return calls.AddSource(w.ctx, tx, w.book, c, calls.Source{FundID: w.fund["b"], Treatment: projects.AsGift, Payer: "x", Amount: 1})
	}))
	w.field("call.publish.sources", w.of(draft.ID, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		return calls.Publish(w.ctx, tx, w.book, c, w.now)
	}))
	call := w.open(w.sample())
	good, firm, warned := w.organisation("向阳社工", projects.Registered), w.organisation("某公司", projects.Other), w.organisation("春晖助老", projects.Filed)
	w.do(func(pgx.Tx) (*giving.Move, error) {
		return projects.SetCredit(w.book, warned, projects.Warned, "逾期交账")
	})
	one := uuid.New()
	w.now = w.now.Add(-time.Second)
	w.refused(calls.ErrLate, w.apply(call, one, good))
	w.now = w.now.Add(time.Second)
	w.do(w.apply(call, one, good))
	w.field("call.firm.many", w.apply(call, uuid.New(), good))
	w.refused(giving.ErrStep, w.file(one)) // no budget
	w.do(w.item(one, 600_00))
	w.field("call.amount.over", w.item(one, 100_01)) // one may cost 700.00
	w.do(w.item(one, 100_00))
	w.do(w.ofProposal(one, func(tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
		return calls.DropItem(w.ctx, tx, w.book, p, 2)
	}))
	if p := w.proposal(one); p.Amount != 600_00 || p.FundID != w.fund["a"] {
		t.Errorf("%+v", p)
	}
	w.refused(giving.ErrStep, w.examine(one)) // not handed in
	w.do(w.file(one))
	w.refused(giving.ErrStep, w.item(one, 1))
	w.do(w.examine(one))
	w.wants(one, calls.Eligible)
	for payee, rule := range map[*projects.Payee]string{firm: calls.RuleStanding, w.payee(warned.ID): calls.RuleCredit} {
		p := w.wants(w.proposes(call, payee, 1_00), calls.Refused)
		broken := ""
		for _, check := range p.Checks {
			if !check.OK {
				broken += check.Rule
			}
		}
		if broken != rule {
			t.Errorf("%s breaks %q, want %s: %+v", p.Payee, broken, rule, p.Checks)
		}
	}
	late := uuid.New()
	w.do(w.apply(call, late, w.organisation("晚来的", projects.Filed)))
	w.do(w.item(late, 1_00))
	w.now = w.now.AddDate(0, 0, 7) // the last moment has passed
	w.refused(calls.ErrLate, w.file(late))
	w.refused(calls.ErrLate, w.item(late, 1_00))
	w.do(w.ofProposal(late, func(_ pgx.Tx, p *calls.Proposal) (*giving.Move, error) { return calls.Withdraw(w.book, p, "来不及") }))
}

// TestReviewing: points are given once, by reviewers without a conflict; the ranking follows points, tie-breaks and the budget; a notice takes
// objections in its days and is answered before anything is awarded.
func TestReviewing(t *testing.T) {
	w := newWorld(t)
	call := w.open(w.sample())
	var ids []uuid.UUID
	for i, amount := range []int64{500_00, 450_00, 450_00, 50_00, 10_00} {
		ids = append(ids, w.proposes(call, w.organisation(fmt.Sprint("机构", i), projects.Registered), amount))
	}
	w.refused(giving.ErrStep, w.score(ids[0], 0, 50, 30)) // the call is still open
	w.refused(calls.ErrWindow, w.announce(call))
	w.now = w.now.AddDate(0, 0, 7)
	w.refused(calls.ErrReviews, w.announce(call))
	w.field("call.number.wrong", w.score(ids[0], 0, 61, 30))
	w.field("call.number.wrong", w.score(ids[0], 0, 50, 30, 20)) // points for a criterion that is none
	w.do(w.score(ids[0], 0, 50, 30))
	w.refused(calls.ErrReviewed, w.score(ids[0], 0, 60, 40))
	abstain := func(id uuid.UUID, person uuid.UUID) plan {
		return w.ofProposal(id, func(tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
			return calls.Abstain(w.ctx, tx, w.book, p, person, "我是它的理事", w.now)
		})
	}
	w.refused(calls.ErrReviewed, abstain(ids[0], w.reviewers[0]))
	w.do(abstain(ids[0], w.reviewers[1]))
	w.refused(calls.ErrConflict, w.score(ids[0], 1, 60, 40))
	w.refused(calls.ErrNotReviewer, abstain(ids[0], uuid.New()))
	payee := w.payee(w.proposal(ids[1]).PayeeID)
	w.do(func(pgx.Tx) (*giving.Move, error) { return projects.LinkPerson(w.book, payee, w.reviewers[0], w.now) })
	w.refused(calls.ErrConflict, w.score(ids[1], 0, 60, 40)) // signs in for it
	w.do(w.score(ids[0], 2, 50, 31))                         // 80.5
	for i, points := range map[int]int32{1: 30, 2: 30, 3: 20, 4: 15} {
		w.do(w.score(ids[i], 1, 45, points))
		w.do(w.score(ids[i], 2, 45, points)) // 75, 75, 65, 60
	}
	w.do(w.announce(call))
	for i, want := range []struct {
		state  string
		rank   int16
		points int32
	}{{calls.Chosen, 1, 80_50}, {calls.Chosen, 2, 75_00}, {calls.Reserve, 3, 75_00}, {calls.Chosen, 4, 65_00}, {calls.Reserve, 5, 60_00}} {
		// of two alike the one handed in first; 450.00 more do not fit into 1,000.00, the 50.00 below do
		if p := w.wants(ids[i], want.state); *p.Rank != want.rank || *p.Points != want.points {
			t.Errorf("%s: rank %d, %d points", p.Name(), *p.Rank, *p.Points)
		}
	}
	c, err := calls.ByID(w.ctx, w.db, w.book, call)
	if err != nil {
		t.Fatal(err)
	}
	ranked, err := calls.Ranking(w.ctx, w.db, w.book, c)
	if err != nil {
		t.Fatal(err)
	}
	sources, err := calls.Sources(w.ctx, w.db, w.book, call)
	if err != nil {
		t.Fatal(err)
	}
	shares := calls.Split(sources, ranked)
	if got := shares[ids[1]]; len(got) != 2 || got[0].Pays != 100_00 || got[1].Pays != 350_00 {
		t.Errorf("the second draws %+v", got)
	}
	w.refused(giving.ErrStep, w.score(ids[0], 1, 1, 1))
	w.refused(calls.ErrWindow, w.award(ids[0]))
	if err := w.object(call, calls.Objection{ProposalID: &ids[1], Text: "没有食品许可"}); err != nil {
		t.Fatal(err)
	}
	elsewhere := w.proposes(w.open(func() calls.Call { c := w.sample(); c.Title = "另一个"; return c }()), payee, 1_00)
	if err := w.object(call, calls.Objection{ProposalID: &elsewhere, Text: "别处的"}); !errors.Is(err, giving.ErrNoRecord) {
		t.Errorf("a proposal of another call: %v", err)
	}
	w.now = w.now.AddDate(0, 0, 7)
	if err := w.object(call, calls.Objection{Text: "晚了"}); !errors.Is(err, calls.ErrWindow) {
		t.Errorf("after the window: %v", err)
	}
	w.refused(calls.ErrObjections, w.award(ids[0]))
	w.do(w.answer(call, 0, true)) // struck, and all ranked anew
	w.refused(giving.ErrStep, w.answer(call, 0, false))
	w.wants(ids[1], calls.Refused)
	w.wants(ids[0], calls.Eligible)
	w.do(w.announce(call))
	w.wants(ids[2], calls.Chosen)
	if err := w.object(call, calls.Objection{Text: "分数太低"}); err != nil {
		t.Fatal(err)
	}
	w.do(w.answer(call, 1, false))
	w.refused(calls.ErrWindow, w.award(ids[0]))
	w.now = w.now.AddDate(0, 0, 7)
	w.do(w.award(ids[0]))
	w.refused(giving.ErrStep, w.award(ids[0]))
	w.refused(giving.ErrStep, w.award(ids[4]))
	p, err := projects.ProjectByID(w.ctx, w.db, w.book, *w.wants(ids[0], calls.Awarded).ProjectID)
	if err != nil || p.State != projects.Approved || p.Budget != 500_00 || p.Title != "机构0的方案" || p.EnteredBy != w.li {
		t.Fatalf("%+v %v", p, err)
	}
	w.refused(giving.ErrStep, w.promote(call, ids[4])) // no room
	w.do(w.decline(ids[3]))
	w.do(w.promote(call, ids[4]))
	w.refused(giving.ErrStep, w.settle(call))
	w.do(w.award(ids[2]))
	w.do(w.award(ids[4]))
	w.do(w.settle(call))
	w.refused(giving.ErrStep, w.revoke(call))
	var budget int64
	err = w.db.QueryRow(w.ctx, `select sum(b.balance)::int8 from account a join balance b using (book_id, account_id) where a.chart = 'budget' and a.fund_id = $1`, w.fund["a"]).Scan(&budget)
	if err != nil || budget != 960_00 {
		t.Errorf("%d of budgets, %v", budget, err)
	}
	w.verified(map[string]string{
		"call":       `update call set budget = budget + 1`,
		"call-award": `update proposal set amount = amount - 1 where state = 'awarded'`,
		"call-score": `insert into proposal_review (book_id, proposal_id, person_id, conflict, points, note, at) select book_id, id, gen_random_uuid(), '', array[1, 1], '', now() from proposal limit 1`,
	})
}

var errRollBack = errors.New("rolled back")

// verified holds what stands to be right, and each planted change to be found by its check.
func (w *world) verified(planted map[string]string) {
	w.t.Helper()
	found := func(plant string) map[string]int64 {
		differs := map[string]int64{}
		err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
			if _, err := tx.Exec(w.ctx, plant); err != nil {
				return err
			}
			list, err := calls.Verify(w.ctx, tx, w.book)
			for _, c := range list {
				if c.DiffersAll > 0 {
					differs[c.Code] = c.DiffersAll
				}
				if c.Compared == 0 {
					w.t.Errorf("%s compares nothing", c.Code)
				}
			}
			return errors.Join(err, errRollBack)
		})
		if !errors.Is(err, errRollBack) {
			w.t.Fatal(err)
		}
		return differs
	}
	if wrong := found(`select`); len(wrong) > 0 {
		w.t.Errorf("a right call differs: %v", wrong)
	}
	for code, plant := range planted {
		if wrong := found(plant); wrong[code] == 0 {
			w.t.Errorf("%s is not found: %v", code, wrong)
		}
	}
}

// TestIntentBecomesProposal: without a call, from a need, an offer and money that were linked.
func TestIntentBecomesProposal(t *testing.T) {
	w := newWorld(t)
	var items []*needs.Item
	for _, kind := range []string{needs.Need, needs.Offer} {
		i := needs.Item{ID: uuid.New(), Book: kind, Theme: "elderly", StreetID: w.street, Title: "助浴", Firm: "向阳社工"}
		w.do(func(pgx.Tx) (*giving.Move, error) { return needs.Enter(w.book, i, w.now) })
		read, err := needs.ByID(w.ctx, w.db, w.book, i.ID)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, read)
	}
	fund := w.fund["a"]
	in := needs.Intent{ID: uuid.New(), Amount: 300_00, FundID: &fund}
	w.do(func(pgx.Tx) (*giving.Move, error) { return needs.Link(w.book, in, items[0], items[1], nil) })
	payee := w.organisation("向阳社工", projects.Registered)
	id := uuid.New()
	propose := func(fund int32, id uuid.UUID) plan {
		return func(tx pgx.Tx) (*giving.Move, error) {
			link, _, err := needs.IntentSight(w.ctx, tx, w.book, in.ID)
			if err != nil {
				return nil, err
			}
			need, err := needs.ByID(w.ctx, tx, w.book, items[0].ID)
			if err != nil {
				return nil, err
			}
			return calls.FromIntent(w.ctx, tx, w.book, link, need, payee, calls.Proposal{ID: id, Title: "助浴", Plan: "每周一次", FundID: fund, StartsOn: w.now, EndsOn: w.now, EnteredBy: w.li})
		}
	}
	w.field("call.fund.wrong", propose(w.fund["b"], id))
	w.do(propose(fund, id))
	w.refused(giving.ErrStep, propose(fund, uuid.New()))
	w.do(w.item(id, 300_00))
	w.do(w.file(id))
	w.refused(giving.ErrStep, w.award(id)) // not checked
	w.do(w.examine(id))
	w.do(w.award(id))
	if p := w.wants(id, calls.Awarded); *p.NeedID != items[0].ID {
		t.Errorf("%+v", p)
	}
	if p, err := calls.ProposalOf(w.ctx, w.db, w.book, id); err != nil || p.ID != id {
		t.Errorf("%+v %v", p, err)
	}
}
