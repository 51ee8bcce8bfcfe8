package payments_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/stripefake"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/payments"
)

// Whatever donors, banks and the dashboard do, and whatever is lost, late, doubled, out of order, refused or done without an answer:
// in the end the books hold what Stripe holds, to the fen. SUNFUND_STRIPE_SEEDS=n tries more seeds.
func TestTheBooksEqualStripeAfterAnySeed(t *testing.T) {
	t.Parallel()
	seeds, steps := 3, 160
	if n, err := strconv.Atoi(os.Getenv("SUNFUND_STRIPE_SEEDS")); err == nil {
		seeds = n
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newStripeWorld(t, uint64(seed))
			p := &plan{stripeWorld: w, rng: rand.New(rand.NewPCG(uint64(seed), 11))}
			w.fake.Trouble(stripefake.Faults{Refused: 8, Vanished: 8, Lost: 20, Doubled: 20, Late: 30})
			for range steps {
				p.step()
			}
			w.settle()
			w.same()
			if n := w.count(`select count(*) from inbox where state = 'refused'`); n != 0 {
				t.Errorf("%d events refused: %s", n, w.text(`select string_agg(kind || ': ' || problem, E'\n') from inbox where state = 'refused'`))
			}
			if n := w.count(`select count(*) from refund_order where state in ('approved', 'sent')`); n != 0 {
				t.Errorf("%d refunds do not come to an end", n)
			}
			if n := w.count(`select count(*) from (select o.id from refund_order o join refund r on r.book_id = o.book_id and r.processor_ref like 'txn%' and r.ref = o.ref
			                  where o.state = 'succeeded' group by 1 having count(*) <> 1) x`); n != 0 {
				t.Errorf("%d refunds went out more than once", n)
			}
			for _, sub := range w.fake.Subscriptions() {
				if n := w.count(`select count(*) from plan where subscription = $1 and state <> 'ended'`, sub); n != 1 {
					t.Errorf("subscription %s has %d plans that go on", sub, n)
				}
			}
			if n := w.count(`select count(*) from plan_charge where state = 'paid'`); n == 0 {
				t.Error("no card was charged for a plan")
			}
			t.Logf("%d plans, %d charges, %d of them failed", w.count(`select count(*) from plan`), w.count(`select count(*) from plan_charge`), w.count(`select count(*) from plan_charge where state = 'failed'`))
			t.Logf("%d gifts, %d refunds, %d disputes, %d payouts, %d rows, %d calls", w.count(`select count(*) from gift`), w.count(`select count(*) from refund`),
				w.count(`select count(*) from dispute`), w.count(`select count(*) from payout`), w.count(`select count(*) from processor_txn`), w.fake.Requests())
		})
	}
}

// plan does what the world might do, by chance.
type plan struct {
	*stripeWorld
	rng                                    *rand.Rand
	charges, later, refunds, open, payouts []string
}

// one takes something out of a list by chance.
func (p *plan) one(list *[]string) (string, bool) {
	if len(*list) == 0 {
		return "", false
	}
	i := p.rng.IntN(len(*list))
	id := (*list)[i]
	(*list)[i] = (*list)[len(*list)-1]
	*list = (*list)[:len(*list)-1]
	return id, true
}

func (p *plan) step() {
	p.t.Helper()
	p.sleep(time.Duration(p.rng.IntN(600)) * time.Second)
	switch n := p.rng.IntN(25); {
	case n >= 20:
		p.monthly(n - 20)
	case n < 7:
		p.gift()
	case n < 8:
		if id, ok := p.one(&p.later); ok {
			p.check(p.fake.Settle(id, p.rng.IntN(3) > 0))
		}
	case n < 10:
		if charge, ok := p.one(&p.charges); ok {
			if id, err := p.fake.Refund(charge, int64(1+p.rng.IntN(40_00))); p.check(err) {
				p.refunds = append(p.refunds, id)
			}
			p.charges = append(p.charges, charge)
		}
	case n < 11:
		if id, ok := p.one(&p.refunds); ok && p.rng.IntN(2) == 0 {
			p.check(p.fake.FailRefund(id))
		}
	case n < 12:
		if charge, ok := p.one(&p.charges); ok {
			if id, err := p.fake.Dispute(charge, p.rng.IntN(4) == 0); p.check(err) {
				p.open = append(p.open, id)
			}
		}
	case n < 13:
		if id, ok := p.one(&p.open); ok {
			p.check(p.fake.CloseDispute(id, p.rng.IntN(2) == 0))
		}
	case n < 14:
		if id, err := p.fake.PayOut(); p.check(err) {
			p.payouts = append(p.payouts, id)
			p.check(p.fake.Reconcile(id))
		}
	case n < 15:
		if id, ok := p.one(&p.payouts); ok {
			if p.rng.IntN(3) == 0 {
				p.check(p.fake.Bounce(id))
			} else {
				p.check(p.fake.Land(id))
			}
		}
	case n < 16:
		p.fake.Bill(int64(1 + p.rng.IntN(500)))
	case n < 18:
		p.refund()
	default:
		p.turn()
	}
}

// check lets pass what the account does not allow as things stand.
func (p *plan) check(err error) bool {
	p.t.Helper()
	if err != nil && !errors.Is(err, stripefake.ErrNotNow) {
		p.t.Fatal(err)
	}
	return err == nil
}

func (p *plan) gift() {
	p.t.Helper()
	campaign := []string{"general", "donor", "fund", "open", "usd-general", "usd-fund", "usd-donor", "jpy-fund", "kwd-general"}[p.rng.IntN(9)]
	amount := fmt.Sprintf("%d.%02d", 10+p.rng.IntN(200), p.rng.IntN(100))
	if strings.HasPrefix(campaign, "jpy-") {
		amount = fmt.Sprint(100 + p.rng.IntN(20000))
	}
	c := p.begin(campaign, amount)
	_, err := p.stripe.Open(p.t.Context(), c, "题", "https://example.org/g/1")
	if err != nil && !errors.Is(err, payments.ErrAway) {
		p.t.Fatal(err)
	}
	for _, session := range p.fake.Sessions() { // pages whose answer we never saw are paid too
		switch n := p.rng.IntN(6); {
		case n == 0:
			p.check(p.fake.PayLater(session))
			p.later = append(p.later, session)
		case n == 1:
			p.check(p.fake.Expire(session))
		default:
			if charge, err := p.fake.Pay(session); p.check(err) {
				p.charges = append(p.charges, charge)
			}
		}
	}
}

// monthly is what happens to cards that are charged again and again.
func (p *plan) monthly(what int) {
	p.t.Helper()
	if what == 0 {
		campaign := []string{"general", "donor", "fund", "open"}[p.rng.IntN(4)]
		_, err := p.starts(campaign, fmt.Sprintf("%d.%02d", 10+p.rng.IntN(200), p.rng.IntN(100)), []string{plans.Monthly, plans.Yearly}[p.rng.IntN(2)])
		if err != nil && !errors.Is(err, payments.ErrAway) {
			p.t.Fatal(err)
		}
		for _, session := range p.fake.Sessions() {
			_, err := p.fake.Pay(session)
			p.check(err)
		}
		return
	}
	p.world.tx(func(ctx context.Context, tx pgx.Tx) error { _, err := plans.Step(ctx, tx, p.book, p.now()); return err })
	all := p.fake.Subscriptions()
	if len(all) == 0 {
		return
	}
	sub := all[p.rng.IntN(len(all))]
	switch n := p.rng.IntN(10); {
	case n < 4:
		p.check(p.fake.Renew(sub))
	case n < 5:
		p.check(p.fake.KillCard(sub))
	case n < 7:
		p.check(p.fake.Retry(sub))
	case n < 8:
		p.check(p.fake.Unsubscribe(sub))
	default:
		var id uuid.UUID
		err := p.db.QueryRow(p.t.Context(), `select id from plan where subscription = $1 and state <> 'ended'`, sub).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return // its event is late
		}
		p.check(err)
		c := []plans.Change{{Pause: true}, {Resume: true}, {Amount: int64(10_00 + p.rng.IntN(100_00))}, {Leave: true}}[p.rng.IntN(4)]
		p.world.tx(func(ctx context.Context, tx pgx.Tx) error { return plans.Apply(ctx, tx, p.book, id, c, p.now()) })
		if page, err := p.stripe.OpenCard(p.t.Context(), p.stripeWorld.plan(id), "https://example.org/plan/1"); err == nil && page != "" {
			for _, session := range p.fake.Sessions() {
				_, err := p.fake.Pay(session)
				p.check(err)
			}
		}
	}
}

// refund is one that staff have asked for and approved.
func (p *plan) refund() {
	p.t.Helper()
	var gift uuid.UUID
	err := p.db.QueryRow(p.t.Context(), `select id from gift order by md5(ref || $1) limit 1`, fmt.Sprint(p.rng.Uint64())).Scan(&gift)
	if errors.Is(err, pgx.ErrNoRows) {
		return
	}
	if err != nil {
		p.t.Fatal(err)
	}
	reason := payments.Reasons()[p.rng.IntN(len(payments.Reasons()))].Code
	o := payments.Order{ID: uuid.Must(uuid.NewV7()), GiftID: gift, Amount: int64(1 + p.rng.IntN(30_00)), Reason: reason}
	err = pgx.BeginFunc(p.t.Context(), p.db, func(tx pgx.Tx) error {
		if err := payments.RequestRefund(p.t.Context(), tx, p.book, o, uuid.Nil, p.now()); err != nil {
			return err
		}
		_, err := payments.ApproveOrder(context.WithoutCancel(p.t.Context()), tx, p.book, o.ID, uuid.Nil, p.now())
		return err
	})
	for _, allowed := range []error{giving.ErrRefundTooLarge, payments.ErrInDispute, ledger.ErrShort, ledger.ErrGuarded} {
		if errors.Is(err, allowed) {
			return
		}
	}
	if err != nil {
		p.t.Fatal(err)
	}
}
