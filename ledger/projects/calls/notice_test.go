package calls_test

import (
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/votes"
)

// ranked is a call of 1,000.00 whose notice is over, with a proposal of each amount, in this order of rank.
func (w *world) ranked(amounts ...int64) (call uuid.UUID, ids []uuid.UUID) {
	w.t.Helper()
	call = w.open(w.sample())
	for _, amount := range amounts {
		ids = append(ids, w.proposes(call, w.organisation(uuid.NewString(), projects.Registered), amount))
	}
	w.now = w.now.AddDate(0, 0, 7)
	for i, id := range ids {
		w.do(w.score(id, 0, 50, 40-int32(i)))
		w.do(w.score(id, 1, 50, 40-int32(i)))
	}
	w.do(w.announce(call))
	w.now = w.now.AddDate(0, 0, 7)
	return call, ids
}

func (w *world) promote(call, id uuid.UUID) plan {
	return w.ofProposal(id, func(tx pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
		c, err := calls.ByID(w.ctx, tx, w.book, call)
		if err != nil {
			return nil, err
		}
		return calls.Promote(w.ctx, tx, w.book, c, p, w.now)
	})
}

func (w *world) settle(call uuid.UUID) plan {
	return w.of(call, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) { return calls.Settle(w.ctx, tx, w.book, c, w.now) })
}

func (w *world) revoke(call uuid.UUID) plan {
	return w.of(call, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		return calls.Revoke(w.ctx, tx, w.book, c, "不办了")
	})
}

func (w *world) decline(id uuid.UUID) plan {
	return w.ofProposal(id, func(_ pgx.Tx, p *calls.Proposal) (*giving.Move, error) {
		return calls.Decline(w.book, p, "人手不够")
	})
}

// beside takes a step that was planned before another one was taken.
func (w *world) beside(taken, late plan) error {
	w.t.Helper()
	return pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		m, err := late(tx)
		if err != nil {
			w.t.Fatal(err)
		}
		w.do(taken)
		_, err = m.Book(w.ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.li, Second: w.chen, At: w.now, Made: "李会计", Check: "陈审批"})
		return err
	})
}

// TestStepsTakeTurns: an award or a promotion beside a step that ends the call does not stand.
func TestStepsTakeTurns(t *testing.T) {
	w := newWorld(t)
	call, ids := w.ranked(600_00)
	if err := w.beside(w.revoke(call), w.award(ids[0])); !errors.Is(err, giving.ErrStep) {
		t.Errorf("an award of a call that was taken back: %v", err)
	}
	call, ids = w.ranked(600_00)
	if err := w.beside(w.award(ids[0]), w.revoke(call)); !errors.Is(err, giving.ErrStep) {
		t.Errorf("taking back a call that awarded: %v", err)
	}
	call, ids = w.ranked(600_00, 500_00)
	w.do(w.decline(ids[0]))
	if err := w.beside(w.settle(call), w.promote(call, ids[1])); !errors.Is(err, giving.ErrStep) {
		t.Errorf("a promotion in a call that is over: %v", err)
	}
	call, ids = w.ranked(600_00, 500_00)
	w.do(w.decline(ids[0]))
	if err := w.beside(w.promote(call, ids[1]), w.settle(call)); !errors.Is(err, giving.ErrStep) {
		t.Errorf("the end of a call while one was promoted: %v", err)
	}
	w.wants(ids[1], calls.Chosen)
}

// TestOneOfAnOrganisation: two applications of an organisation at once take turns, and the second one is counted with the first.
func TestOneOfAnOrganisation(t *testing.T) {
	w := newWorld(t)
	call := w.open(w.sample()) // takes one of each
	payee := w.organisation("向阳社工", projects.Registered)
	second := make(chan error, 1)
	err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		m, err := w.apply(call, uuid.New(), payee)(tx)
		if err != nil {
			return err
		}
		go func() { second <- w.try(w.apply(call, uuid.New(), payee)) }()
		if err := pgtest.Waits(w.ctx, w.db, func() bool { return len(second) > 0 }); err != nil {
			return err
		}
		_, err = m.Book(w.ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.li, At: w.now, Made: "李会计"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var wrong *giving.FieldErrors
	if err := <-second; !errors.As(err, &wrong) || wrong.List[0].Key != "call.firm.many" {
		t.Errorf("the second: %v", err)
	}
}

// TestAnnouncedStays: what was announced is shown and decides, whatever is rated, declined or promoted later.
func TestAnnouncedStays(t *testing.T) {
	w := newWorld(t)
	call, ids := w.ranked(600_00, 500_00, 400_00) // the third fits beside the first, the second does not
	p := w.wants(ids[1], calls.Reserve)
	w.finished("R", w.payee(p.PayeeID), 95, 95, 95, 95) // worth five points from now on, and the first rank
	w.do(w.decline(ids[0]))
	w.do(w.promote(call, ids[1]))
	c, err := calls.ByID(w.ctx, w.db, w.book, call)
	if err != nil {
		t.Fatal(err)
	}
	ranked, err := calls.Ranking(w.ctx, w.db, w.book, c)
	if err != nil || len(ranked) != 3 {
		t.Fatalf("%+v %v", ranked, err)
	}
	for i, want := range []struct {
		points int32
		fits   bool
	}{{90_00, false}, {89_00, true}, {88_00, true}} {
		if r := ranked[i]; r.ID != ids[i] || r.Total != want.points || r.Fits != want.fits {
			t.Errorf("%d: %s with %d, fits %v", i+1, r.Name(), r.Total, r.Fits)
		}
	}
	sources, err := calls.Sources(w.ctx, w.db, w.book, call)
	if err != nil {
		t.Fatal(err)
	}
	shares := calls.Split(sources, ranked)
	if len(shares[ids[0]]) != 0 || len(shares[ids[1]]) != 1 || shares[ids[1]][0].Pays != 500_00 || len(shares[ids[2]]) != 2 || shares[ids[2]][0].Pays != 100_00 {
		t.Errorf("%+v", shares)
	}
}

// TestManyObjections: the one that is open holds the award up, however many were answered before it, and is in the list to be answered.
func TestManyObjections(t *testing.T) {
	w := newWorld(t)
	call, ids := w.ranked(600_00)
	_, err := w.db.Exec(w.ctx, `
insert into call_objection (book_id, id, call_id, body, person_id, filed_at, state, answer, answered_at)
select $1, gen_random_uuid(), $2, '分数太低', $3::uuid, $4::timestamptz + make_interval(secs => i), case when i = 501 then 'open' else 'rejected' end, case when i = 501 then '' else '已核实' end, case when i < 501 then now() end
  from generate_series(1, 501) i`, w.book.ID, call, w.li, w.now.AddDate(0, 0, -1))
	if err != nil {
		t.Fatal(err)
	}
	w.refused(calls.ErrObjections, w.award(ids[0]))
	list, err := calls.Objections(w.ctx, w.db, w.book, call)
	if err != nil || list[len(list)-1].State != calls.ObjectionOpen {
		t.Fatalf("%d, the last %+v, %v", len(list), list[len(list)-1], err)
	}
	w.do(w.answer(call, len(list)-1, false))
	w.do(w.award(ids[0]))
}

// TestVoteWithinTheCall: residents are not asked about more money than the call has, nor on another fund, and an award stays within it.
func TestVoteWithinTheCall(t *testing.T) {
	w := newWorld(t)
	call, ids := w.ranked(600_00, 500_00)
	community := uuid.New()
	w.do(func(pgx.Tx) (*giving.Move, error) {
		return residents.Found(w.book, community, residents.Community{StreetID: w.street, Code: "c", NameZH: "社区", NameEN: "Community"})
	})
	places, err := residents.Communities(w.ctx, w.db, w.book, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	toVote := func(fund int32, budget int64) plan {
		id := uuid.New()
		w.do(func(tx pgx.Tx) (*giving.Move, error) {
			return polls.Enter(w.ctx, tx, w.book, polls.Poll{ID: id, FundID: fund, StreetID: w.street, TitleZH: "今年做什么", TitleEN: "This year", Budget: budget, OpensAt: w.now, ClosesAt: w.now.AddDate(0, 0, 7),
				Rule: votes.Rule{Ballot: votes.Approval, Least: 1, Method: votes.Greedy, Ties: []string{votes.LowerCost}}, MadeBy: w.li, Communities: []int32{places[0].ID}})
		})
		return w.of(call, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
			poll, err := polls.ByID(w.ctx, tx, w.book, id)
			if err != nil {
				return nil, err
			}
			return calls.PutToVote(w.ctx, tx, w.book, c, poll, w.now)
		})
	}
	w.field("call.vote.budget", toVote(w.fund["a"], 1000_01))
	w.field("call.vote.fund", toVote(w.fund["g"], 1000_00))
	w.do(toVote(w.fund["a"], 1000_00))
	if p := w.wants(ids[1], calls.Reserve); p.PollID == nil || *p.PollPlace != 2 {
		t.Errorf("%+v", p)
	}
	if _, err := w.db.Exec(w.ctx, `update call set budget = 59999 where id = $1`, call); err != nil {
		t.Fatal(err)
	}
	w.refused(calls.ErrRoom, w.award(ids[0]))
}

// TestIntentStandsAgain: a proposal that comes to nothing gives need and intent back, unless another project serves the need.
func TestIntentStandsAgain(t *testing.T) {
	w := newWorld(t)
	offer := &needs.Item{ID: uuid.New(), Book: needs.Offer, Theme: "elderly", StreetID: w.street, Title: "助浴", Firm: "向阳社工"}
	need := &needs.Item{ID: uuid.New(), Book: needs.Need, Theme: "elderly", StreetID: w.street, Title: "助浴"}
	read := func(id uuid.UUID) *needs.Item {
		t.Helper()
		i, err := needs.ByID(w.ctx, w.db, w.book, id)
		if err != nil {
			t.Fatal(err)
		}
		return i
	}
	for _, i := range []*needs.Item{offer, need} {
		w.do(func(pgx.Tx) (*giving.Move, error) { return needs.Enter(w.book, *i, w.now) })
	}
	fund := w.fund["a"]
	in := needs.Intent{ID: uuid.New(), Amount: 300_00, FundID: &fund}
	w.do(func(pgx.Tx) (*giving.Move, error) { return needs.Link(w.book, in, read(need.ID), read(offer.ID), nil) })
	payee := w.organisation("向阳社工", projects.Registered)
	propose := func() uuid.UUID {
		t.Helper()
		id := uuid.New()
		w.do(func(tx pgx.Tx) (*giving.Move, error) {
			link, _, err := needs.IntentSight(w.ctx, tx, w.book, in.ID)
			if err != nil {
				return nil, err
			}
			return calls.FromIntent(w.ctx, tx, w.book, link, read(need.ID), payee, calls.Proposal{ID: id, Title: "助浴", Plan: "每周一次", FundID: fund, StartsOn: w.now, EndsOn: w.now, EnteredBy: w.li})
		})
		if got := read(need.ID).State; got != needs.Taken {
			t.Errorf("the need is %s", got)
		}
		return id
	}
	filed := func() uuid.UUID {
		t.Helper()
		id := propose()
		w.do(w.item(id, 300_00))
		w.do(w.file(id))
		return id
	}
	back := func(what, state string, ends plan) {
		t.Helper()
		w.do(ends)
		link, _, err := needs.IntentSight(w.ctx, w.db, w.book, in.ID)
		if err != nil || link.State != needs.Meant || read(need.ID).State != state {
			t.Errorf("%s: %+v, the need is %s, %v", what, link, read(need.ID).State, err)
		}
	}
	id := propose()
	back("withdrawn", needs.Listed, w.ofProposal(id, func(_ pgx.Tx, p *calls.Proposal) (*giving.Move, error) { return calls.Withdraw(w.book, p, "改主意") }))
	id = filed()
	back("refused", needs.Listed, w.ofProposal(id, func(_ pgx.Tx, p *calls.Proposal) (*giving.Move, error) { return calls.Refuse(w.book, p, "不合适") }))
	id = filed()
	w.do(w.examine(id))
	back("declined", needs.Listed, w.decline(id))
	id = filed()
	w.do(func(pgx.Tx) (*giving.Move, error) {
		return projects.SetCredit(w.book, w.payee(payee.ID), projects.Barred, "挪用")
	})
	back("refused by a rule", needs.Listed, w.examine(id))
	w.do(func(pgx.Tx) (*giving.Move, error) {
		return projects.SetCredit(w.book, w.payee(payee.ID), projects.Good, "已补正")
	})

	call := w.open(w.sample()) // somebody else is awarded a project for the same need
	other := uuid.New()
	w.do(w.of(call, func(tx pgx.Tx, c *calls.Call) (*giving.Move, error) {
		return calls.Apply(w.ctx, tx, w.book, c, payee, calls.Proposal{ID: other, Title: "助浴", Plan: "每天", NeedID: &need.ID, StartsOn: w.now, EndsOn: w.now, EnteredBy: w.li}, w.now)
	}))
	w.do(w.item(other, 300_00))
	w.do(w.file(other))
	w.do(w.examine(other))
	id = propose()
	w.now = w.now.AddDate(0, 0, 7)
	w.do(w.score(other, 0, 50, 40))
	w.do(w.score(other, 1, 50, 40))
	w.do(w.announce(call))
	w.now = w.now.AddDate(0, 0, 7)
	w.do(w.award(other))
	back("withdrawn beside an award", needs.Taken, w.ofProposal(id, func(_ pgx.Tx, p *calls.Proposal) (*giving.Move, error) { return calls.Withdraw(w.book, p, "改主意") }))
}

// TestScoresTakeTurnsWithTheAnnouncement: a score that is given while the ranking is announced is refused, or the announcement is.
func TestScoresTakeTurnsWithTheAnnouncement(t *testing.T) {
	w := newWorld(t)
	call := w.open(w.sample())
	id := w.proposes(call, w.organisation("向阳", projects.Registered), 600_00)
	w.now = w.now.AddDate(0, 0, 7)
	w.do(w.score(id, 0, 50, 40))
	w.do(w.score(id, 1, 50, 40))
	if err := w.beside(w.score(id, 2, 10, 10), w.announce(call)); !errors.Is(err, giving.ErrStep) {
		t.Errorf("an announcement without a score that was given since: %v", err)
	}
	w.do(w.announce(call))
	if p := w.wants(id, calls.Chosen); *p.Points != 6667 {
		t.Errorf("announced with %d hundredths", *p.Points)
	}
	call = w.open(w.sample())
	id = w.proposes(call, w.organisation("春晖", projects.Registered), 600_00)
	w.now = w.now.AddDate(0, 0, 7)
	w.do(w.score(id, 0, 50, 40))
	w.do(w.score(id, 1, 50, 40))
	if err := w.beside(w.announce(call), w.score(id, 2, 10, 10)); !errors.Is(err, giving.ErrStep) {
		t.Errorf("a score for what was announced: %v", err)
	}

	// Both at once: whoever holds the call first is waited for.
	call = w.open(w.sample())
	id = w.proposes(call, w.organisation("晚霞", projects.Registered), 600_00)
	w.now = w.now.AddDate(0, 0, 7)
	w.do(w.score(id, 0, 50, 40))
	w.do(w.score(id, 1, 50, 40))
	late := make(chan error, 1)
	err := pg.InTx(w.ctx, w.db, func(tx pgx.Tx) error {
		m, err := w.score(id, 2, 10, 10)(tx)
		if err != nil {
			return err
		}
		if _, err := m.Book(w.ctx, tx, w.book, giving.Sign{Key: uuid.New(), By: w.li, Second: w.chen, At: w.now, Made: "李会计", Check: "陈审批"}); err != nil {
			return err
		}
		planned := make(chan struct{})
		go func() {
			late <- pg.InTx(w.ctx, w.db, func(other pgx.Tx) error {
				m, err := w.announce(call)(other)
				close(planned)
				if err != nil {
					return err
				}
				_, err = m.Book(w.ctx, other, w.book, giving.Sign{Key: uuid.New(), By: w.li, Second: w.chen, At: w.now, Made: "李会计", Check: "陈审批"})
				return err
			})
		}()
		<-planned // without the score, which is not committed
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-late; !errors.Is(err, giving.ErrStep) {
		t.Errorf("an announcement that waited for a score: %v", err)
	}
	w.do(w.announce(call))
	if p := w.proposal(id); *p.Points != 6667 {
		t.Errorf("announced with %d hundredths", *p.Points)
	}
}
