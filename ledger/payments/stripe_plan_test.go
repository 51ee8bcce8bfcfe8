package payments_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/stripefake"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/payments"
)

// starts begins a plan by card and opens its payment page, whose answer may be lost.
func (w *stripeWorld) starts(campaign, amount, every string) (*plans.Plan, error) {
	w.t.Helper()
	var first *giving.Checkout
	var p *plans.Plan
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		first, err = giving.Begin(ctx, tx, w.book, giving.Form{FormID: uuid.New(), CampaignID: w.campaigns[campaign], Amount: amount, Currency: "CNY",
			Name: "王女士", Email: "wang@example.org", Lang: "zh-CN", Channel: giving.Stripe}, w.now())
		if err != nil {
			return err
		}
		p, err = plans.Start(ctx, tx, w.book, first, plans.Terms{Way: plans.ByCard, Every: every}, w.now())
		return err
	})
	_, err := w.stripe.OpenPlan(w.t.Context(), p, first, "题", "https://example.org/g/1")
	return p, err
}

// subscribes begins a plan by card whose first gift is paid; it gives the plan and its number at Stripe.
func (w *stripeWorld) subscribes(campaign, amount, every string) (*plans.Plan, string) {
	w.t.Helper()
	p, err := w.starts(campaign, amount, every)
	if err != nil {
		w.t.Fatal(err)
	}
	session := w.fake.Sessions()
	if _, err := w.fake.Pay(session[len(session)-1]); err != nil {
		w.t.Fatal(err)
	}
	w.turn()
	w.step()
	all := w.fake.Subscriptions()
	return w.plan(p.ID), all[len(all)-1]
}

func (w *stripeWorld) plan(id uuid.UUID) *plans.Plan {
	w.t.Helper()
	p, err := plans.ByID(w.t.Context(), w.db, w.book, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

func (w *stripeWorld) step() {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := plans.Step(ctx, tx, w.book, w.now())
		return err
	})
}

func (w *stripeWorld) change(id uuid.UUID, c plans.Change) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) error { return plans.Apply(ctx, tx, w.book, id, c, w.now()) })
	w.turn()
}

func (w *stripeWorld) letters() (kinds []giving.LetterKind) {
	w.t.Helper()
	list, err := giving.Letters(w.t.Context(), w.db, w.book, uuid.Nil, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range slices.Backward(list) {
		kinds = append(kinds, l.Kind)
	}
	return kinds
}

func (w *stripeWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// Each paid invoice is a gift of its own, once, with its donor: the first is the one that was started, the fee on top is not given.
func TestACardGivesEachMonth(t *testing.T) {
	t.Parallel()
	for campaign, charged := range map[string]int64{"general": 50_00, "donor": 54_20} {
		t.Run(campaign, func(t *testing.T) {
			t.Parallel()
			w := newStripeWorld(t, 1)
			w.fake.Trouble(stripefake.Faults{Doubled: 100, Late: 60})
			p, sub := w.subscribes(campaign, "50", plans.Monthly)
			w.settle()
			w.step()
			if p = w.plan(p.ID); p.State != plans.Active || p.Subscription != sub || p.Customer == "" || p.Processor != payments.StripeCode {
				t.Fatalf("plan %+v", p)
			}
			if status, amount := w.fake.Subscribed(sub); status != "active" || amount != charged {
				t.Errorf("%s, %d a month", status, amount)
			}
			for range 2 {
				w.sleep(30 * 24 * time.Hour)
				w.must(w.fake.Renew(sub))
				w.settle()
			}
			w.same()
			if n := w.count(`select count(*) from gift where amount = 5000`); n != 3 {
				t.Errorf("%d gifts of 50.00: %s", n, w.text(`select coalesce(string_agg(amount::text, ' '), '') from gift`))
			}
			if n := w.count(`select count(*) from gift g join private.donor d on d.id = g.donor_id where d.email is not null`); n != 3 {
				t.Errorf("%d gifts with their donor", n)
			}
			if n := w.count(`select count(*) from checkout where state = 'paid'`); n != 1 {
				t.Errorf("%d started gifts paid", n)
			}
			list, err := plans.Charges(t.Context(), w.db, w.book, p.ID)
			w.must(err)
			if len(list) != 3 || list[0].State != plans.ChargePaid || list[0].Gift == uuid.Nil || list[0].Amount != charged {
				t.Errorf("charges %+v", list)
			}
			if next := w.plan(p.ID).NextOn; !next.After(w.book.Day(w.now())) {
				t.Errorf("next charge on %s", next)
			}
			if n := w.count(`select count(*) from inbox where state = 'refused'`); n != 0 {
				t.Errorf("%d events refused: %s", n, w.text(`select string_agg(kind || ': ' || problem, E'\n') from inbox where state = 'refused'`))
			}
		})
	}
}

// A refused card: one letter, another card pays what is open, and after the last try the plan stops with a letter.
func TestADeadCard(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	p, sub := w.subscribes("general", "50", plans.Monthly)
	w.sleep(30 * 24 * time.Hour)
	w.must(w.fake.KillCard(sub))
	w.must(w.fake.Renew(sub))
	w.settle()
	w.must(w.fake.Retry(sub))
	w.settle()
	if p = w.plan(p.ID); !p.Failing || p.State != plans.Active {
		t.Errorf("after two refusals %+v", p)
	}
	if got := w.letters(); !slices.Equal(got, []giving.LetterKind{giving.FailingLetter}) {
		t.Errorf("letters %v", got)
	}
	if _, err := w.stripe.OpenCard(t.Context(), p, "https://example.org/plan/1"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.fake.Pay(w.fake.Sessions()[0]); err != nil {
		t.Fatal(err)
	}
	w.settle()
	if p = w.plan(p.ID); p.Failing || p.CardAt == nil {
		t.Errorf("with another card %+v", p)
	}
	if n := w.count(`select count(*) from gift`); n != 2 {
		t.Errorf("%d gifts", n)
	}
	w.sleep(30 * 24 * time.Hour)
	w.must(w.fake.KillCard(sub))
	w.must(w.fake.Renew(sub))
	for range 3 {
		w.turn()
		w.must(w.fake.Retry(sub))
	}
	w.settle()
	if p = w.plan(p.ID); p.State != plans.Ended || p.Reason != plans.DeadCard || p.Failing {
		t.Errorf("after the last refusal %+v", p)
	}
	want := []giving.LetterKind{giving.FailingLetter, giving.FailingLetter, giving.StoppedLetter}
	if got := w.letters(); !slices.Equal(got, want) {
		t.Errorf("letters %v", got)
	}
	if status, _ := w.fake.Subscribed(sub); status != "canceled" {
		t.Errorf("at Stripe it is %s", status)
	}
	if _, err := w.stripe.OpenCard(t.Context(), p, "https://example.org/plan/1"); !errors.Is(err, plans.ErrEnded) {
		t.Errorf("a card for an ended plan: %v", err)
	}
	w.same()
}

// What the donor changes is told to Stripe until it has heard, whatever answers are lost; what Stripe ends is ended here.
func TestStripeHearsWhatDonorsChange(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	p, sub := w.subscribes("general", "50", plans.Monthly)
	stands := func(status string, amount int64) {
		t.Helper()
		w.settle()
		for range 20 { // each try waits longer than the one before
			w.sleep(time.Hour)
			w.turn()
		}
		if s, a := w.fake.Subscribed(sub); s != status || a != amount {
			t.Errorf("at Stripe %s, %d; want %s, %d", s, a, status, amount)
		}
	}
	trouble := stripefake.Faults{Refused: 30, Vanished: 60}
	w.fake.Trouble(trouble)
	w.change(p.ID, plans.Change{Pause: true})
	w.change(p.ID, plans.Change{Resume: true})
	w.change(p.ID, plans.Change{Pause: true, Amount: 70_00})
	stands("paused", 70_00)
	w.must(w.fake.Renew(sub))
	w.settle()
	if n := w.count(`select count(*) from gift`); n != 1 {
		t.Errorf("%d gifts while it pauses", n)
	}
	w.fake.Trouble(trouble)
	w.change(p.ID, plans.Change{Resume: true})
	stands("active", 70_00)
	w.must(w.fake.Renew(sub))
	w.settle()
	if n := w.count(`select count(*) from gift where amount = 7000`); n != 1 {
		t.Errorf("%d gifts of the new amount", n)
	}
	w.fake.Trouble(trouble)
	w.change(p.ID, plans.Change{Leave: true})
	stands("canceled", 70_00)
	if got := w.letters(); len(got) != 0 {
		t.Errorf("letters %v", got)
	}
	other, there := w.subscribes("general", "20", plans.Monthly)
	w.must(w.fake.Unsubscribe(there))
	w.settle()
	if other = w.plan(other.ID); other.State != plans.Ended || other.Reason != plans.Outside {
		t.Errorf("ended in the dashboard: %+v", other)
	}
	third, there := w.subscribes("general", "20", plans.Monthly)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := giving.EraseDonors(ctx, tx, w.book, []uuid.UUID{third.Donor}, w.now())
		return err
	})
	w.turn()
	if s, _ := w.fake.Subscribed(there); s != "canceled" {
		t.Errorf("of somebody erased at Stripe: %s", s)
	}
	w.same()
}

// Before a yearly charge there is one letter, so many days before as the book says; plans end with their campaign.
func TestALetterBeforeAYearlyCharge(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		return giving.SetRules(ctx, tx, w.book, giving.Rules{NoticeDays: 10})
	})
	yearly, sub := w.subscribes("general", "500", plans.Yearly)
	w.subscribes("general", "50", plans.Monthly)
	day := func(before int) {
		t.Helper()
		w.elapsed.Store(int64(yearly.NextOn.AddDate(0, 0, -before).Sub(testStart)))
		w.step()
		w.step()
	}
	day(11)
	if got := w.letters(); len(got) != 0 {
		t.Errorf("eleven days before: %v", got)
	}
	for _, before := range []int{10, 9, 1} {
		day(before)
		if got := w.letters(); !slices.Equal(got, []giving.LetterKind{giving.UpcomingLetter}) {
			t.Errorf("%d days before: %v", before, got)
		}
	}
	day(0)
	w.must(w.fake.Renew(sub))
	w.settle()
	w.step()
	if got := w.letters(); !slices.Equal(got, []giving.LetterKind{giving.UpcomingLetter}) {
		t.Errorf("after it was paid: %v", got)
	}
	w.sleep(20 * 24 * time.Hour) // the campaign has closed
	w.step()
	if got := w.letters(); !slices.Equal(got, []giving.LetterKind{giving.UpcomingLetter, giving.StoppedLetter, giving.StoppedLetter}) {
		t.Errorf("after the campaign: %v", got)
	}
	w.turn()
	if left := w.fake.Subscriptions(); len(left) != 0 {
		t.Errorf("still charged: %v", left)
	}
}

// A donor who thinks again before the first gift is paid is charged the new amount from then on.
func TestAnAmountChangedAtThePaymentPage(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 3)
	p, err := w.starts("general", "50", plans.Monthly)
	w.must(err)
	w.change(p.ID, plans.Change{Amount: 20_00})
	if _, err := w.fake.Pay(w.fake.Sessions()[0]); err != nil {
		t.Fatal(err)
	}
	w.turn()
	w.step()
	w.settle()
	if s, a := w.fake.Subscribed(w.fake.Subscriptions()[0]); s != "active" || a != 20_00 {
		t.Errorf("at Stripe %s, %d", s, a)
	}
	w.same()
}

// Stripe is slow, and another process has told it since what the donor changed: the first one does not tell the old again.
func TestAnOldChangeIsNotToldLate(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 4)
	one, _ := w.subscribes("general", "50", plans.Monthly)
	two, sub := w.subscribes("general", "50", plans.Monthly)
	apply := func(id uuid.UUID, c plans.Change) {
		w.tx(func(ctx context.Context, tx pgx.Tx) error { return plans.Apply(ctx, tx, w.book, id, c, w.now()) })
	}
	apply(one.ID, plans.Change{Amount: 70_00})
	apply(two.ID, plans.Change{Amount: 70_00})
	tell := func() {
		if _, err := w.worker.TellPlans(t.Context()); err != nil {
			t.Error(err)
		}
	}
	w.tee = func(*http.Request, []byte) {
		w.tee = nil
		w.sleep(2 * time.Minute)
		apply(two.ID, plans.Change{Pause: true})
		tell()
	}
	tell()
	if s, a := w.fake.Subscribed(sub); s != "paused" || a != 70_00 {
		t.Errorf("at Stripe %s, %d", s, a)
	}
	w.same()
}

// Who is erased is erased at Stripe too, also when the plan had ended long before.
func TestErasedAfterThePlanEnded(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 5)
	p, _ := w.subscribes("general", "50", plans.Monthly)
	w.change(p.ID, plans.Change{Leave: true})
	w.settle()
	var gone []string
	w.tee = func(r *http.Request, _ []byte) {
		if r.Method == http.MethodDelete {
			gone = append(gone, r.URL.Path)
		}
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := giving.EraseDonors(ctx, tx, w.book, []uuid.UUID{p.Donor}, w.now())
		return err
	})
	w.settle()
	if !slices.Contains(gone, "/v1/customers/"+p.Customer) {
		t.Errorf("deleted at Stripe: %v", gone)
	}
}
