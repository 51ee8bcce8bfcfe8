package giving_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/giving/teams"
)

// earned is what a gift earned of an event, with why not more.
func (w *world) earned(e *giving.MatchEvent, gift uuid.UUID) (sum int64, reasons string) {
	w.t.Helper()
	list, err := giving.AwardsOfGift(w.t.Context(), w.db, w.book, gift)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, a := range list {
		if a.Event == e.ID {
			sum, reasons = sum+a.Amount, reasons+a.Reasons
		}
	}
	return sum, reasons
}

// A rule that matches the second payment of a monthly gift knows which payment a gift is, however it was paid, also of two in one batch.
func TestLiveGiftsSayWhichPaymentTheyAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.event("second", matchTerms(func(m *match.Terms) { m.Gifts.Recurring = 2 }))
	var plan *plans.Plan
	first, err := w.begin(w.form())
	if err != nil {
		t.Fatal(err)
	}
	start := func(terms plans.Terms, first *giving.Checkout) (p *plans.Plan) {
		w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			p, err = plans.Start(ctx, tx, w.book, first, terms, testNow)
			return err
		})
		return p
	}
	again := func(p *plans.Plan) giving.Paid {
		c, err := w.begin(w.form())
		if err != nil {
			t.Fatal(err)
		}
		w.tx(func(ctx context.Context, tx pgx.Tx) error { return plans.NoteGift(ctx, tx, w.book, p.ID, c.ID) })
		return w.settled(c)
	}
	plan = start(plans.Terms{Way: plans.ByLetter, Every: plans.Monthly}, first)
	unpaid := again(plan) // begun before the others, and paid last: it counts when it is paid
	out := w.give(w.settled(first), again(plan), again(plan))
	single := w.give(w.from("wang", "general", "single", 50_00))
	late := w.give(unpaid)
	for i, want := range []int64{0, 50_00, 0} {
		if got, why := w.earned(e, out[i].ID); got != want {
			t.Errorf("payment %d earned %d (%s)", i+1, got, why)
		}
	}
	if got, why := w.earned(e, late[0].ID); got != 0 || why != string(match.NotRecurring) {
		t.Errorf("the fourth payment earned %d (%s)", got, why)
	}
	if got, why := w.earned(e, single[0].ID); got != 0 || why != string(match.NotRecurring) {
		t.Errorf("a single gift earned %d (%s)", got, why)
	}
	yearly, err := w.begin(w.form())
	if err != nil {
		t.Fatal(err)
	}
	year := start(plans.Terms{Way: plans.ByCard, Every: plans.Yearly}, yearly)
	if got, _ := w.earned(e, w.give(w.settled(yearly), again(year))[1].ID); got != 0 {
		t.Errorf("the second payment of a yearly gift earned %d", got)
	}
	w.verify()
	w.closeEvent(e, testNow.AddDate(0, 0, 2))
	w.recomputes(e)
}

// settled is the payment of a started gift.
func (w *world) settled(c *giving.Checkout) giving.Paid {
	return giving.Paid{ID: c.ID, CampaignID: c.CampaignID, Amount: c.Amount, PaidAt: testNow, Channel: giving.Sandbox, Ref: "p" + c.ID.String()}
}

// Friends who gave through a donor's link and people who gave flowers are each counted once, of the campaign's teams alone; hidden teams, the
// donor's own gifts and flowers, and gifts that were given back do not count. A rule that does not ask is told nothing.
func TestLiveGiftsTellFriendsAndFlowers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	boosted := matchTerms(func(m *match.Terms) {
		m.Boosts = []match.Boost{{Invited: 2, Low: "1", High: "1", Step: "1"}, {Invited: 2, Flowers: 3, Low: "4", High: "4", Step: "1"}}
	})
	e, plain := w.event("friends", boosted), w.event("plain", matchTerms(nil))
	gift := func(donor, campaign string) uuid.UUID {
		t.Helper()
		out := w.give(w.from(donor, campaign, uuid.NewString(), 1_00))
		if out[0].Err != nil {
			t.Fatal(out[0].Err)
		}
		return out[0].ID
	}
	wants := func(campaign string, want int64) {
		t.Helper()
		if got, why := w.earned(e, gift("an", campaign)); got != want {
			t.Errorf("earned %d, want %d (%s)", got, want, why)
		}
	}
	team := func(donor, campaign string) (made *teams.Team) {
		t.Helper()
		first := gift(donor, campaign)
		w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			made, err = teams.Start(ctx, tx, w.book, first, "楼下的朋友", 100_00, rand.Reader, testNow)
			return err
		})
		return made
	}
	joins := func(made *teams.Team, donor string) uuid.UUID {
		t.Helper()
		id := gift(donor, "fund")
		w.tx(func(ctx context.Context, tx pgx.Tx) error { return teams.Join(ctx, tx, w.book, made, id) })
		return id
	}
	flower := func(made *teams.Team, gift uuid.UUID) {
		t.Helper()
		w.tx(func(ctx context.Context, tx pgx.Tx) error {
			var donor uuid.UUID
			if err := tx.QueryRow(ctx, `select donor_id from gift where book_id = $1 and id = $2`, w.book.ID, gift).Scan(&donor); err != nil {
				return err
			}
			return teams.Flower(ctx, tx, w.book, made, donor, testNow)
		})
	}
	one, two := team("an", "fund"), team("An", "fund")
	b, again := joins(one, "b"), joins(two, "b") // one friend through both links
	own := joins(one, "an")
	c := joins(two, "c")
	wants("fund", 2_00)
	wants("general", 1_00) // no team there
	flower(one, b)
	flower(two, again) // the same person
	flower(one, own)
	flower(two, c)
	wants("fund", 2_00)
	flower(one, gift("d", "general"))
	wants("fund", 5_00)
	w.refund(giving.Refunded{GiftID: c, Amount: 1_00, RefundedAt: testNow.Add(time.Hour), Channel: giving.Sandbox, Ref: "back"})
	wants("fund", 1_00)
	joins(one, "f")
	wants("fund", 5_00)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `update team set hidden = true where book_id = $1 and id = $2`, w.book.ID, one.ID)
		return err
	})
	wants("fund", 1_00)
	last := gift("an", "fund")
	list, err := giving.AwardsOfGift(t.Context(), w.db, w.book, last)
	if err != nil || len(list) != 2 || list[0].Facts == nil || *list[0].Facts != `{"invited":1,"flowers":2}` || list[1].Facts != nil {
		t.Errorf("%+v, %v", list, err)
	}
	w.verify()
	for _, event := range []*giving.MatchEvent{e, plain} {
		w.closeEvent(event, testNow.AddDate(0, 0, 2))
		w.recomputes(event)
	}
}

// What a platform says of the effort behind a gift counts for the rule that asks for it.
func TestLiveGiftsTellEffort(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.event("steps", matchTerms(func(m *match.Terms) {
		m.Award = match.Formula{Effort: &match.Effort{From: match.EffortPoint{Effort: 1000, Match: "1.00"}, To: match.EffortPoint{Effort: 11000, Match: "11.00"}}}
	}))
	for i, of := range []struct{ effort, want int64 }{{0, 0}, {6000, 6_00}, {50000, 11_00}} {
		p := w.from("a", "fund", fmt.Sprint("g", i), 1_00)
		p.Effort = of.effort
		if got, why := w.earned(e, w.give(p)[0].ID); got != of.want {
			t.Errorf("%d steps earned %d (%s)", of.effort, got, why)
		}
	}
	bad := w.from("a", "fund", "bad", 1_00)
	bad.Effort = -1
	if out := w.give(bad); !errors.Is(out[0].Err, giving.ErrBadPaid) {
		t.Errorf("%+v", out)
	}
	w.closeEvent(e, testNow.AddDate(0, 0, 2))
	w.recomputes(e)
}

// Shimen'er Road (domain/matching.md 3.4): a building that raises 500 gets the street's top-up, once; each building is a campaign. Layers of
// district and firm lie over it as events of their own, and a fourth by the building's share of its goal.
func TestBuildingsAndLayers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	street := w.event("street", matchTerms(func(m *match.Terms) {
		m.Pools[0].Amount, m.Award = "10000.00", match.Formula{Lump: &match.Lump{Amount: "300.00", Goal: match.Goal{Raised: "500.00"}}}
	}))
	district := w.event("district", matchTerms(func(m *match.Terms) {
		m.Award, m.Unlock = match.Formula{Fixed: &match.Ratio{Match: 1, Gift: 2}}, match.Goal{Raised: "500.00", Donors: 2}
	}))
	firm := w.event("firm", matchTerms(func(m *match.Terms) {
		m.Pools[0].Amount, m.Pools[0].Campaigns = "60.00", []string{"fund"}
		m.Award = match.Formula{Fixed: &match.Ratio{Match: 1, Gift: 10}}
	}))
	out := w.give(w.from("a", "fund", "a", 305_70), w.from("b", "general", "b", 499_99), w.from("c", "fund", "c", 194_30), w.from("d", "fund", "d", 305_70))
	for i, want := range [][3]int64{{0, 0, 30_57}, {0, 0, 0}, {300_00, 97_15, 19_43}, {0, 152_85, 10_00}} {
		for j, e := range []*giving.MatchEvent{street, district, firm} {
			if got, why := w.earned(e, out[i].ID); got != want[j] {
				t.Errorf("gift %d earned %d of %s, want %d (%s)", i, got, e.Code, want[j], why)
			}
		}
	}
	if p := w.progress("fund"); p.Received != 805_70 || p.Reserved != 300_00+250_00+60_00 {
		t.Errorf("the building has %+v", p)
	}
	// The gift that lifted the building over the threshold goes back: so does the top-up, and the next gift that lifts it brings it again.
	w.refund(giving.Refunded{GiftRef: "c", Amount: 194_30, RefundedAt: testNow.Add(time.Hour), Channel: giving.Sandbox, Ref: "r"})
	if got := w.amounts(street).Reserved; got != 0 {
		t.Errorf("%d of the top-up stand", got)
	}
	w.give(w.from("e", "fund", "e", 1_00))
	w.wantAmounts(street, giving.MatchAmounts{Pledged: 9_700_00, Reserved: 300_00})
	w.verify()
	for _, e := range []*giving.MatchEvent{street, district, firm} {
		w.closeEvent(e, testNow.AddDate(0, 0, 2))
		w.recomputes(e)
	}
}

// Accounts that refuse what was decided stop their event: its gifts are booked without match, other events match them.
func TestAccountsThatRefuseMatchStopNoGift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e, other := w.event("nine", matchTerms(nil)), w.event("ten", matchTerms(nil))
	w.damage(`update balance set balance = 6000 where account_id = (select account_id from account where chart = 'match.pledged' and dims ->> 'source' = 'match:1:main')`)
	out := w.give(w.from("a", "fund", "g1", 50_00), w.from("b", "fund", "g2", 25_00))
	for _, o := range out {
		if o.Err != nil || !errors.Is(o.Stopped, giving.ErrEventUnread) || !strings.Contains(o.Stopped.Error(), "accounts") {
			t.Errorf("%+v", o)
		}
	}
	w.wantAmounts(e, giving.MatchAmounts{Pledged: 60_00})
	w.wantAmounts(other, giving.MatchAmounts{Pledged: 925_00, Reserved: 75_00})
	missed, err := giving.Missed(t.Context(), w.db, w.book, e.ID, uuid.Nil, 10)
	if err != nil || len(missed) != 2 {
		t.Errorf("missed %+v, %v", missed, err)
	}
	if again := w.give(w.from("a", "fund", "g1", 50_00)); !again[0].Replayed {
		t.Errorf("%+v", again)
	}
}

// Refunds of several days in one batch free their match each on its own day.
func TestMatchFallsOnTheDayOfItsRefund(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.event("nine", matchTerms(nil))
	w.give(w.from("a", "fund", "g1", 100_00), w.from("b", "fund", "g2", 70_00))
	back := func(ref string, fen int64, days int) giving.Refunded {
		return giving.Refunded{GiftRef: ref, Amount: fen, RefundedAt: testNow.AddDate(0, 0, days), Channel: giving.Sandbox, Ref: "r" + ref + fmt.Sprint(days)}
	}
	w.refund(back("g1", 40_00, 1), back("g2", 70_00, 3), back("g1", 10_00, 2))
	rows, err := w.owner.Query(t.Context(), `
select s.amount || ' on ' || e.effective_on from match_step s join entry e on e.book_id = s.book_id and e.id = s.entry_id where s.kind = 'refund' order by s.amount`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if want := "1000 on 2026-09-10, 4000 on 2026-09-09, 7000 on 2026-09-11"; err != nil || strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s; %v", got, want, err)
	}
	w.verify()
}
