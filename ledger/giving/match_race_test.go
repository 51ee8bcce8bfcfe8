package giving_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
)

// raceRules are rules that a race could break: random, capped, by what is left of the pools, by days, by thresholds, with holds.
var raceRules = map[string]func(*match.Terms){
	"draw, three pools, caps": func(m *match.Terms) {
		m.Pools = append(m.Pools, match.Pool{Code: "second", Funder: m.Pools[0].Funder, Amount: "300.00", Campaigns: []string{"fund", "donor"}},
			match.Pool{Code: "third", Funder: m.Pools[0].Funder, Amount: "500.00", Daily: "200.00"})
		m.Award = match.Formula{Draw: &match.Draw{Base: "8.00", Wave: "8.00", Chance: "5", Bonus: "40.00", BonusWave: "10.00"}}
		m.Caps = match.Caps{DonorDay: match.Limit{Amount: "60.00"}, CampaignEvent: match.Limit{Percent: "45"}}
		m.Holds = match.Holds{PerMinute: 5}
	},
	"stages of what is used, first gift of a donor": func(m *match.Terms) {
		m.Award = match.Formula{Stages: &match.Stages{Per: match.PerEvent, Rows: []match.Stage{
			{Until: match.Limit{Percent: "50"}, Award: match.Formula{Fixed: &match.Ratio{Match: 1, Gift: 1}}},
			{Award: match.Formula{Between: &match.Between{Low: "5", High: "20"}}}}}}
		m.Gifts.First = match.FirstOfDonorCampaign
	},
	"threshold": func(m *match.Terms) { m.Unlock = match.Goal{Raised: "400.00", Donors: 8} },
}

// TestMatchRace: writers at once in batches of many sizes, refunds among the gifts, connections killed under way. Afterwards every award is that of
// a single thread deciding the gifts in the order in which they were decided, every counter and account agrees, and no pool is overdrawn.
// SUNFUND_MATCH_GIFTS makes it as long as patience allows; with 1000000 it is the giving day.
func TestMatchRace(t *testing.T) {
	t.Parallel()
	gifts := 360
	if text := os.Getenv("SUNFUND_MATCH_GIFTS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		gifts = n
	}
	for name, change := range raceRules {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			events := []*giving.MatchEvent{w.event("city", matchTerms(change)), w.event("street", matchTerms(func(m *match.Terms) { m.Pools[0].Amount = "77.00" }))}
			w.race(gifts)
			for _, e := range events {
				a := w.amounts(e)
				if a.Pledged < 0 || a.Pledged+a.Reserved+a.Held > 2000_00 || a.Reserved == 0 {
					t.Errorf("%s: %+v", e.Code, a.MatchAmounts)
				}
				w.likeOneThread(e)
			}
			w.verify()
			for _, e := range events {
				w.closeEvent(e, testNow.AddDate(0, 0, 2))
				w.recomputes(e)
			}
		})
	}
}

// race has each gift booked by one of several writers, some of them twice, while backends are killed.
func (w *world) race(gifts int) {
	const writers = 4
	var wg sync.WaitGroup
	done := make(chan struct{})
	for c := range writers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(c), 9))
			db := []*pgxpool.Pool{w.db, w.owner}[c%2]
			for from := c; from < gifts; {
				var batch []giving.Paid
				for range 1 + random.IntN(24) {
					if from < gifts {
						p := w.from(fmt.Sprint("d", random.IntN(20)), []string{"fund", "general", "donor"}[random.IntN(3)], fmt.Sprint("g", from), 1_00+random.Int64N(30_00))
						p.PaidAt = testNow.Add(time.Duration(random.IntN(24*60)) * time.Minute).Add(-12 * time.Hour)
						batch = append(batch, p)
					}
					from += writers
				}
				w.insist(func() error {
					outcomes, err := giving.Commit(w.t.Context(), db, w.book, batch)
					for _, o := range outcomes {
						err = errors.Join(err, o.Err)
					}
					return err
				})
				back := giving.Refunded{GiftRef: batch[0].Ref, Amount: batch[0].Amount / int64(1+random.IntN(2)), RefundedAt: batch[0].PaidAt.Add(time.Hour), Channel: giving.Sandbox, Ref: "r" + batch[0].Ref}
				if random.IntN(3) == 0 {
					w.insist(func() error {
						outcomes, err := giving.CommitRefunds(w.t.Context(), db, w.book, []giving.Refunded{back})
						for _, o := range outcomes {
							err = errors.Join(err, o.Err)
						}
						return err
					})
				}
			}
		})
	}
	var killed int
	var killer sync.WaitGroup
	killer.Go(func() {
		for wait := 40 * time.Millisecond; ; wait += wait / 8 { // longer each time: on a busy machine nobody would ever get through
			select {
			case <-done:
				return
			case <-time.After(wait):
			}
			var n int
			err := w.owner.QueryRow(w.t.Context(), `select count(pg_terminate_backend(pid)) from (
				select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and state <> 'idle' order by random() limit 1) v`).Scan(&n)
			if err == nil {
				killed += n
			}
		}
	})
	wg.Wait()
	close(done)
	killer.Wait()
	w.db.Reset() // some that lie idle were killed as they came to lie there
	w.owner.Reset()
	if killed == 0 {
		w.t.Error("no connection was killed")
	}
}

// insist does again what a lost connection broke off: the same references book nothing twice.
func (w *world) insist(do func() error) {
	for try := 0; ; try++ {
		err := do()
		if err == nil {
			return
		}
		if try > 200 {
			w.t.Error(err)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// likeOneThread decides the gifts of an event one after the other, by the engine alone, and compares award by award. It knows only what
// is public: the rule, the seed, the gifts in order, and what refunds freed.
func (w *world) likeOneThread(e *giving.MatchEvent) {
	w.t.Helper()
	err := pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error {
		return w.decideAgain(w.t.Context(), tx, e)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) decideAgain(ctx context.Context, tx pgx.Tx, e *giving.MatchEvent) error {
	versions, err := giving.RuleVersions(ctx, tx, w.book, e.ID)
	if err != nil {
		return err
	}
	rule, err := versions[0].Rule()
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `
		select 0 as what, a.seq, 0::int8, g.id::text, m.slug, m.organisation, a.donor, g.amount, g.ccy, g.paid_at, m.goal, a.part, a.pool, a.amount, 0::int8, 0::int8
		  from match_award a join gift g using (book_id) join match_campaign m on m.book_id = a.book_id and m.event_id = a.event_id and m.campaign_id = a.campaign_id
		 where a.event_id = $1 and g.id = a.gift_id
		 union all
		select distinct on (s.refund_id) 1, s.position, s.number, a.gift_id::text, '', '', '', 0, '', now(), 0, 0, '', 0, r.amount,
		       (select coalesce(sum(o.amount), 0) from refund o where o.gift_id = r.gift_id and o.id <> r.id and o.id < r.id)::int8
		  from match_step s join match_award a using (book_id, event_id, seq) join refund r on r.book_id = s.book_id and r.id = s.refund_id
		 where s.event_id = $1
		 order by seq, what, 3`, e.ID)
	if err != nil {
		return err
	}
	type oneGift struct {
		gift  match.Gift
		parts []match.Part
		left  int64
	}
	state, known := match.State{}, map[string]*oneGift{}
	var due []match.Part // what the last gift has still to show
	var what, part int
	var seq, number, amount, refunded, before int64
	var g match.Gift
	var pool string
	_, err = pgx.ForEachRow(rows, []any{&what, &seq, &number, &g.ID, &g.Campaign, &g.Organisation, &g.Donor, &g.Amount, &g.Currency, &g.PaidAt, &g.Goal, &part, &pool, &amount, &refunded, &before}, func() error {
		if what == 1 {
			of := known[g.ID]
			_, changes := rule.Refund(of.gift, of.parts, of.left, of.left-refunded)
			of.left -= refunded
			state.Apply(changes)
			return nil
		}
		if part == 0 {
			if len(due) > 0 {
				return fmt.Errorf("event %s: before award %d %v is missing", e.Code, seq, due)
			}
			g.Channel = giving.Sandbox.Code()
			a := rule.Decide(state, testSeed, g)
			state.Apply(a.Changes)
			due, known[g.ID] = a.Parts, &oneGift{g, a.Parts, g.Amount}
			if len(due) == 0 && pool == "" {
				return nil
			}
		}
		if len(due) == 0 || due[0].Pool != pool || due[0].Amount != amount {
			return fmt.Errorf("event %s: award %d is %d of %s, one thread gives %v", e.Code, seq, amount, pool, due)
		}
		due = due[1:]
		return nil
	})
	return err
}
