package payments_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/stripefake"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// cardStreet is where donors and attackers come to pay by card.
type cardStreet struct {
	*world
	watch payments.Watch
}

// What became of one who came to pay.
const (
	came       = "paid or declined" // reached the processor
	challenged = "challenged"
	refused    = "refused"
	paused     = "paused"
)

// pay is one try: good says whether the bank says yes, solve whether the visitor answers a challenge.
func (s *cardStreet) pay(t payments.Try, solve, good bool) string {
	s.t.Helper()
	t.Campaign = s.campaigns["general"]
	var a payments.Answer
	if solve {
		if tier, err := s.watch.Tier(s.t.Context(), s.db, s.book, s.now()); err != nil {
			s.t.Fatal(err)
		} else if doubt, err := payments.Doubt(s.t.Context(), s.db, s.book, t, s.now()); err == nil && (doubt || tier == payments.TierChallenge) {
			c, err := payments.NewChallenge(s.book, t.Form, s.now())
			if err != nil {
				s.t.Fatal(err)
			}
			a = payments.Answer{Token: c.Token, Nonce: c.Work()}
		}
	}
	ok, err := s.watch.Admit(s.t.Context(), s.db, s.book, t, a, true, s.now())
	switch {
	case errors.Is(err, payments.ErrTries):
		return refused
	case errors.Is(err, payments.ErrCardsPaused):
		return paused
	case err != nil:
		s.t.Fatal(err)
	case !ok:
		return challenged
	}
	var c *giving.Checkout
	var session *payments.Session
	s.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		c, err = giving.Begin(ctx, tx, s.book, giving.Form{FormID: t.Form, CampaignID: t.Campaign, Amount: "20", Currency: "CNY", Lang: "zh-CN", Email: t.Email, Channel: giving.Sandbox}, s.now())
		if err != nil {
			return err
		}
		session, err = payments.OpenSession(ctx, tx, s.book, c, "题", "/thanks", s.now())
		return err
	})
	if err := payments.Begun(s.t.Context(), s.db, s.book, c.ID, t, s.now()); err != nil {
		s.t.Fatal(err)
	}
	if session.State != payments.SessionOpen { // the page of before, which is decided
		return refused
	}
	result := payments.Fail
	if good {
		result = payments.Success
	}
	s.mustDecide(session, payments.Decision{Result: result})
	return came
}

// told delivers all that waits and works it off.
func (s *cardStreet) told() {
	s.t.Helper()
	for range 100 {
		s.turn()
		if s.count(`select (select count(*) from sandbox_delivery where delivered_at is null) + (select count(*) from inbox where state = 'new')`) == 0 {
			return
		}
	}
	s.t.Fatal("the processor's post has no end")
}

func (s *cardStreet) tier() payments.Tier {
	d, err := payments.DefenceOf(s.t.Context(), s.db, s.book)
	if err != nil {
		s.t.Fatal(err)
	}
	return d.Tier(s.now())
}

func address(n int) netip.Addr {
	return netip.AddrFrom4([4]byte{10, byte(n >> 8), byte(n), 7})
}

// 1,000 tries of stolen cards in 200 seconds, while one genuine donor comes every second.
func TestT1CardTesting(t *testing.T) {
	t.Parallel()
	one := uuid.New()
	for _, c := range []struct {
		name     string
		attacker func(n int) payments.Try
		solve    bool
		reach    int // attackers' tries at the processor, at most
		genuine  int // genuine donors who may pay by card, of a hundred at least
		ends     payments.Tier
	}{
		{"one address", func(int) payments.Try { return payments.Try{Form: uuid.New(), IP: address(60_000)} }, false, 60, 99, payments.TierNormal},
		{"one address that answers challenges", func(int) payments.Try { return payments.Try{Form: uuid.New(), IP: address(60_000)} }, true, 80, 99, payments.TierChallenge},
		{"one session", func(n int) payments.Try { return payments.Try{Form: one, IP: address(60_000)} }, false, 1, 99, payments.TierNormal},
		{"1,000 addresses", func(n int) payments.Try { return payments.Try{Form: uuid.New(), IP: address(30_000 + n)} }, false, 60, 99, payments.TierChallenge},
		{"1,000 addresses that answer challenges", func(n int) payments.Try { return payments.Try{Form: uuid.New(), IP: address(30_000 + n)} }, true, 200, 15, payments.TierPaused},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &cardStreet{world: newWorld(t)}
			reached, donors, let, good := 0, 0, 0, 0
			said := map[string]int{}
			for n := range 1000 {
				what := s.pay(c.attacker(n), c.solve, false)
				said[what]++
				if what == came {
					reached++
				}
				if n%5 != 4 {
					continue
				}
				donors++ // every tenth genuine card is declined too
				fine := donors%10 != 0
				if s.pay(payments.Try{Form: uuid.New(), IP: address(donors), Email: fmt.Sprintf("d%d@example.org", donors)}, true, fine) == came {
					let++
					if fine {
						good++
					}
				}
				s.sleep(time.Second)
				s.turn()
			}
			t.Logf("%s: %d of 1,000 tries reached the processor (%v), %d of %d genuine donors could pay by card, tier %s", c.name, reached, said, let, donors, s.tier())
			if reached > c.reach {
				t.Errorf("%d tries reached the processor, at most %d", reached, c.reach)
			}
			if let*100 < donors*c.genuine {
				t.Errorf("%d of %d genuine donors could pay, at least %d %%", let, donors, c.genuine)
			}
			if tier := s.tier(); tier != c.ends {
				t.Errorf("ends in tier %s, want %s", tier, c.ends)
			}
			s.told()
			if gifts := s.count(`select count(*) from gift`); gifts != int64(good) {
				t.Errorf("%d gifts of %d genuine payments", gifts, good)
			}
			if n := s.count(`select count(*) from entry e where not exists (select 1 from gift g where g.id = e.id) and kind = (select min(kind) from entry join gift using (id))`); n != 0 {
				t.Errorf("%d entries of gifts that nobody paid", n)
			}
			s.verify()
			s.sleep(time.Hour)
			if tier := s.tier(); tier != payments.TierNormal {
				t.Errorf("an hour later: %s", tier)
			}
		})
	}
}

// Failed tries leave the ledger as it was, to the row.
func TestFailedTriesAreNoEntries(t *testing.T) {
	t.Parallel()
	s := &cardStreet{world: newWorld(t)}
	s.pay(payments.Try{Form: uuid.New(), IP: address(1)}, true, true)
	s.told()
	const books = `select count(*) from (select id::text from entry union all select account_id || ' ' || seq from posting union all select account_id || ' ' || balance from balance) x`
	before := s.count(books)
	for n := range 100 {
		s.pay(payments.Try{Form: uuid.New(), IP: address(n)}, true, false)
	}
	s.told()
	if after := s.count(books); after != before || s.count(`select count(*) from checkout where state = 'failed'`) != 100 {
		t.Errorf("%d rows of the ledger, %d before", after, before)
	}
}

// A giving day: thousands behind one mobile network's address, one in eight declined. Nobody notices anything.
func TestARushFromOneAddress(t *testing.T) {
	t.Parallel()
	s := &cardStreet{world: newWorld(t)}
	for n := range 800 {
		if what := s.pay(payments.Try{Form: uuid.New(), IP: address(7), Email: fmt.Sprintf("d%d@example.org", n)}, false, n%8 != 7); what != came {
			t.Fatalf("donor %d: %s", n, what)
		}
		if n%50 == 49 {
			s.sleep(10 * time.Second)
			s.told()
		}
	}
	s.told()
	if s.tier() != payments.TierNormal || s.count(`select count(*) from card_defence`) != 0 {
		t.Errorf("tier %s", s.tier())
	}
}

// Another process sees the alarm; lifting it begins the counting anew.
func TestTheAlarmIsSharedAndLifted(t *testing.T) {
	t.Parallel()
	s := &cardStreet{world: newWorld(t)}
	for n := range 40 {
		s.pay(payments.Try{Form: uuid.New(), IP: address(n)}, false, false)
	}
	s.told()
	var other payments.Watch
	if tier, err := other.Tier(t.Context(), s.db, s.book, s.now()); err != nil || tier != payments.TierChallenge {
		t.Fatalf("tier %s: %v", tier, err)
	}
	if n, err := payments.Alarms(t.Context(), s.db, s.book, s.now()); err != nil || n != 1 {
		t.Errorf("%d alarms: %v", n, err)
	}
	s.sleep(time.Minute)
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		lifted, err := payments.LiftDefence(ctx, tx, s.book, s.now())
		if !lifted {
			t.Error("there was nothing to lift")
		}
		return err
	})
	s.sleep(time.Minute)
	s.pay(payments.Try{Form: uuid.New(), IP: address(1000)}, false, false)
	s.told()
	if s.tier() != payments.TierNormal {
		t.Errorf("one more failure raised it again: %s", s.tier())
	}
}

// An answer holds for its own form, for half an hour, and not when anything of it is changed.
func TestChallengeAnswers(t *testing.T) {
	t.Parallel()
	s := &cardStreet{world: newWorld(t)}
	for n := range 40 {
		s.pay(payments.Try{Form: uuid.New(), IP: address(n)}, false, false)
	}
	s.told()
	s.watch.Forget()
	form := uuid.New()
	c, err := payments.NewChallenge(s.book, form, s.now())
	if err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprint(c.A + c.B)
	admits := func(form uuid.UUID, a payments.Answer, later time.Duration) bool {
		var fresh payments.Watch
		ok, err := fresh.Admit(t.Context(), s.db, s.book, payments.Try{Form: form, IP: address(5000)}, a, true, s.now().Add(later))
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	for name, one := range map[string]struct {
		form uuid.UUID
		a    payments.Answer
		want bool
	}{
		"work":           {form, payments.Answer{Token: c.Token, Nonce: c.Work()}, true},
		"sum":            {form, payments.Answer{Token: c.Token, Sum: " " + sum + " "}, true},
		"nothing":        {form, payments.Answer{}, false},
		"no nonce":       {form, payments.Answer{Token: c.Token}, false},
		"long nonce":     {form, payments.Answer{Token: c.Token, Nonce: strings.Repeat("1", 1000)}, false},
		"wrong sum":      {form, payments.Answer{Token: c.Token, Sum: "1"}, false},
		"another form":   {uuid.New(), payments.Answer{Token: c.Token, Sum: sum}, false},
		"changed token":  {form, payments.Answer{Token: c.Token[:len(c.Token)-1] + "g", Sum: sum}, false},
		"token too long": {form, payments.Answer{Token: c.Token + "-", Sum: sum}, false},
	} {
		if got := admits(one.form, one.a, 0); got != one.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if !admits(form, payments.Answer{Token: c.Token, Sum: sum}, 29*time.Minute) {
		t.Error("refused within its time")
	}
}

// Cards declined at Stripe's own page are counted by its events, each once, and paid pages too; while cards are paused a new page
// offers the other ways alone.
func TestStripeDeclinesCount(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 7)
	pay := func(n int) (payments.Try, string) {
		c, session := w.open("open", "20")
		try := payments.Try{Form: c.FormID, IP: address(n), Campaign: c.CampaignID}
		if err := payments.Begun(t.Context(), w.db, w.book, c.ID, try, w.now()); err != nil {
			t.Fatal(err)
		}
		return try, session
	}
	entries := w.count(`select count(*) from entry`)
	try, session := pay(1)
	for range 5 {
		if err := w.fake.Decline(session); err != nil {
			t.Fatal(err)
		}
	}
	w.turn()
	w.turn()
	if _, err := payments.Doubt(t.Context(), w.db, w.book, try, w.now()); !errors.Is(err, payments.ErrTries) {
		t.Errorf("a form with five declined cards: %v", err)
	}
	if n := w.count(`select sum(failed) from card_slot`); n != 5 || w.count(`select count(*) from entry`) != entries {
		t.Errorf("%d failures counted", n)
	}
	_, session = pay(2)
	if _, err := w.fake.Pay(session); err != nil {
		t.Fatal(err)
	}
	w.turn()
	if n := w.count(`select sum(paid) from card_slot`); n != 1 {
		t.Errorf("%d payments counted", n)
	}
	w.pauseCards()
	var asked string
	w.tee = func(r *http.Request, body []byte) { asked = r.URL.Path + " " + string(body) }
	w.open("open", "20")
	if !strings.Contains(asked, "alipay") || strings.Contains(asked, "=card") {
		t.Errorf("while cards are paused: %s", asked)
	}
}

func (w *stripeWorld) pauseCards() {
	w.t.Helper()
	if _, err := w.owner.Exec(w.t.Context(), `insert into card_defence (book_id, paused_to, guarded_to, raised_at, counted_at, failed, paid)
		values ($1, $2::timestamptz + interval '15 min', $2, $2, $2, 1, 1)`, w.book.ID, w.now()); err != nil {
		w.t.Fatal(err)
	}
}

// A pause closes the pages at Stripe that still take cards, however often the calls fail; what was paid just before is booked, and
// pages without cards stay open. When the pause is over nothing is closed any more.
func TestThePauseClosesOpenPages(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 11)
	var cards []*giving.Checkout
	for range 25 { // more than one batch
		c, _ := w.open("open", "20")
		cards = append(cards, c)
	}
	w.work()
	if n := len(w.fake.Sessions()); n != 25 {
		t.Fatalf("%d pages open in normal times", n)
	}
	paid, session := w.open("open", "30")
	w.pauseCards()
	if _, err := w.fake.Pay(session); err != nil { // in the last moment; its event comes later
		t.Fatal(err)
	}
	_, other := w.open("open", "40") // offers the other ways
	w.fake.Trouble(stripefake.Faults{Refused: 30, Vanished: 30})
	for range 20 {
		w.work()
		w.sleep(31 * time.Second)
	}
	w.fake.Calm()
	w.work()
	if open := w.fake.Sessions(); len(open) != 1 || open[0] != other {
		t.Errorf("open while cards are paused: %v", open)
	}
	for _, c := range cards {
		now, err := giving.CheckoutByID(t.Context(), w.db, w.book, c.ID)
		if err != nil || now.State != giving.CheckoutFailed {
			t.Fatalf("the gift of a closed page is %v %v", now.State, err)
		}
	}
	if _, err := giving.GiftByID(t.Context(), w.db, w.book, paid.ID); err != nil {
		t.Errorf("what was paid in time: %v", err)
	}
	if n := w.count(`select coalesce(sum(failed), 0) from card_slot`); n != 0 {
		t.Errorf("%d closed pages count as declined cards", n)
	}
	w.sleep(time.Hour)
	_, late := w.open("open", "50")
	w.turn()
	if open := w.fake.Sessions(); len(open) != 2 || open[1] != late {
		t.Errorf("open after the pause: %v", open)
	}
	w.settle()
	w.same()
}
