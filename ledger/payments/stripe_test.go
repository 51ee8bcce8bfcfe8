package payments_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/stripefake"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

const (
	testWhsec   = "whsec_a-secret-of-the-tests-0123456789"
	testAccount = "acct_test0001"
)

// stripeWorld is a book whose donors pay through our own fake of Stripe, both sides over real HTTP.
type stripeWorld struct {
	*world
	fake   *stripefake.Fake
	stripe *payments.Stripe
	api    *httptest.Server
	hook   *httptest.Server
	tee    func(r *http.Request, body []byte) // sees each request to the API
}

func testKeys(url string) payments.StripeKeys {
	return payments.StripeKeys{Secret: "sk_test_0123456789", Webhooks: []string{testWhsec}, Account: testAccount, URL: url}
}

func newStripeWorld(t *testing.T, seed uint64) *stripeWorld {
	t.Helper()
	w := &stripeWorld{world: newBook(t)}
	w.campaigns = map[string]int32{}
	w.fake = stripefake.New(stripefake.Config{Account: testAccount, Secret: testWhsec, Currency: "cny", Now: w.now, Seed: seed})
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		general, err := ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "总", NameEN: "General"})
		if err != nil {
			return err
		}
		open := func(name string, fund int32) error {
			c, err := giving.CreateCampaign(ctx, tx, w.book, giving.Campaign{FundID: fund, Slug: name, TitleZH: "题", TitleEN: "Title", SummaryZH: "要",
				SummaryEN: "Summary", StoryZH: "事", StoryEN: "Story", Goal: 10_000_00, OpensAt: testStart.AddDate(0, 0, -1), ClosesAt: testStart.AddDate(1, 0, 9)})
			if err == nil {
				w.campaigns[name] = c.ID
			}
			return err
		}
		if err := open("open", general.ID); err != nil {
			return err
		}
		foreign := []giving.Accepted{{Currency: "USD", GiftMin: 1_00, GiftMax: 5_000_00}, {Currency: "JPY", GiftMin: 100, GiftMax: 500_000}, {Currency: "KWD", GiftMin: 500, GiftMax: 1_000_000}}
		if err := giving.SetRules(ctx, tx, w.book, giving.Rules{NoticeDays: giving.NoticeDaysDefault, Currencies: foreign}); err != nil {
			return err
		}
		for _, bearer := range []string{ledger.FeeByGeneral, ledger.FeeByDonor, ledger.FeeByFund} {
			f, err := ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: bearer, Kind: ledger.Restricted, NameZH: "阳", NameEN: "Sun", FeeBearer: bearer})
			if err != nil {
				return err
			}
			if err := open(bearer, f.ID); err != nil {
				return err
			}
		}
		return nil
	})
	w.api = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, req *http.Request) {
		if w.tee != nil {
			body, err := io.ReadAll(req.Body)
			if err != nil {
				w.t.Error(err)
			}
			w.tee(req, body)
			req.Body = io.NopCloser(bytes.NewReader(body))
		}
		w.fake.ServeHTTP(out, req)
	}))
	w.hook = httptest.NewServer(http.HandlerFunc(w.webhook))
	w.intake = giving.NewIntake(w.db, w.book)
	var err error
	if w.stripe, err = payments.NewStripe(w.db, w.book, w.intake, testKeys(w.api.URL), w.now); err != nil {
		t.Fatal(err)
	}
	w.worker = payments.NewWorker(w.db, w.book, w.intake, w.stripe, w.now)
	t.Cleanup(func() {
		w.hook.Close()
		w.api.Close()
		if err := w.intake.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// webhook answers as the API does.
func (w *stripeWorld) webhook(out http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err == nil {
		_, err = w.stripe.Receive(req.Context(), body, req.Header.Get(payments.StripeHeader))
	}
	if err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
	}
}

// begin stores a started gift without opening its payment.
func (w *stripeWorld) begin(campaign, amount string) (c *giving.Checkout) {
	w.t.Helper()
	ccy := "CNY"
	if before, rest, foreign := strings.Cut(campaign, "-"); foreign {
		ccy, campaign = strings.ToUpper(before), rest
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		c, err = giving.Begin(ctx, tx, w.book, giving.Form{FormID: uuid.New(), CampaignID: w.campaigns[campaign], Amount: amount, Currency: ccy,
			Lang: "zh-CN", Channel: giving.Stripe}, w.now())
		return err
	})
	return c
}

// open begins a gift and opens its payment page, whose id it gives.
func (w *stripeWorld) open(campaign, amount string) (*giving.Checkout, string) {
	w.t.Helper()
	c := w.begin(campaign, amount)
	page, err := w.stripe.Open(w.t.Context(), c, "题", "https://example.org/g/1")
	if err != nil {
		w.t.Fatal(err)
	}
	return c, page.URL[strings.LastIndex(page.URL, "/")+1:]
}

// give is a gift that is paid by card at once; it gives the charge.
func (w *stripeWorld) give(campaign, amount string) (*giving.Checkout, string) {
	w.t.Helper()
	c, session := w.open(campaign, amount)
	charge, err := w.fake.Pay(session)
	if err != nil {
		w.t.Fatal(err)
	}
	w.turn()
	return c, charge
}

// turn delivers what waits and works it off, refunds included.
func (w *stripeWorld) turn() {
	w.t.Helper()
	if err := w.fake.Deliver(w.t.Context(), w.hook.URL); err != nil {
		w.t.Fatal(err)
	}
	w.work()
}

func (w *stripeWorld) work() {
	w.t.Helper()
	if _, err := w.worker.Work(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.worker.SendRefunds(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.worker.CloseCardPages(w.t.Context()); err != nil && !errors.Is(err, payments.ErrAway) {
		w.t.Fatal(err)
	}
	if _, err := w.worker.TellPlans(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// approve asks for a refund as staff and has it approved.
func (w *stripeWorld) approve(o payments.Order) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		if err := payments.RequestRefund(ctx, tx, w.book, o, uuid.Nil, w.now()); err != nil {
			return err
		}
		_, err := payments.ApproveOrder(ctx, tx, w.book, o.ID, uuid.Nil, w.now())
		return err
	})
}

const sqlUntold = `
select count(*) from plan where subscription <> '' and (case when state = 'new' then 'active' else state end <> told_state or state <> 'ended' and amount <> told_amount)`

// settle ends all faults and turns until everything is told, swept and booked.
func (w *stripeWorld) settle() {
	w.t.Helper()
	w.fake.Calm()
	for range 40 {
		w.sleep(2 * time.Hour)
		if _, err := w.stripe.Sweep(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		for range 3 {
			w.turn()
		}
		if w.fake.Waiting() == 0 && w.count(`select count(*) from inbox where state = 'new'`)+w.count(sqlUntold) == 0 {
			return
		}
	}
	w.t.Fatal("the inbox does not come to an end: " + w.text(`select coalesce(string_agg(kind || ': ' || problem, '; '), '') from inbox where state = 'new'`))
}

func (w *stripeWorld) text(sql string, args ...any) (s string) {
	w.t.Helper()
	if err := w.owner.QueryRow(w.t.Context(), sql, args...).Scan(&s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// held is the balance of a chart account over all funds, or of one.
func (w *stripeWorld) held(chart, fund string) int64 {
	w.t.Helper()
	return w.count(`select coalesce(sum(b.balance), 0)::int8 from account a join balance b using (book_id, account_id) join fund f using (book_id, fund_id)
	                 where a.chart = $1 and ($2 = '' or f.code = $2) and a.ccy = 'CNY'`, chart, fund)
}

// same holds the books against the balance at Stripe, to the fen.
func (w *stripeWorld) same() {
	w.t.Helper()
	if book, there := w.held("psp.avail", ""), w.fake.Balance(); book != there {
		w.t.Errorf("the books say %d, Stripe holds %d: %s", book, there,
			w.text(`select coalesce(string_agg(kind || ' ' || state || ': ' || problem, E'\n'), '') from inbox where state <> 'done'`))
	}
	if n := w.count(`select count(*) from (select f.fund, sum(f.net) from (select unnest(funds) as fund, unnest(nets) as net from processor_txn) f group by 1
	                  except select a.fund_id, sum(b.balance) from account a join balance b using (book_id, account_id) where a.chart = 'psp.avail' group by 1) x
	                  where sum <> 0`); n != 0 {
		w.t.Errorf("%d funds hold something else than their rows say", n)
	}
	w.verify()
}

func TestACardGiftIsBookedWithItsFee(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	c, charge := w.give("general", "100.00")
	if got := w.held("gift.r", "general"); got != -100_00 {
		t.Errorf("income %d", got)
	}
	if got := w.held("psp.avail", "general"); got != 100_00-575 {
		t.Errorf("at Stripe %d", got)
	}
	if got := w.held("fundraising.u", "G"); got != 575 {
		t.Errorf("cost of the general fund %d", got)
	}
	r, err := giving.GiftByID(t.Context(), w.db, w.book, c.ID)
	if err != nil || r.Gift.Ref != charge || r.Gift.Channel != giving.Stripe || r.Gift.Fee != 575 {
		t.Errorf("gift %+v, %v", r, err)
	}
	w.same()
}

// The general fund bears or keeps what the real fee differs from what donors were asked to cover.
func TestACoveredFeeAndAForeignGift(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	w.give("donor", "100.00")
	if got := w.held("gift.r", "donor"); got != -100_00 {
		t.Errorf("income of the fund %d", got)
	}
	if got := w.held("psp.avail", "donor"); got != 100_00 {
		t.Errorf("the fund has %d", got)
	}
	w.give("usd-fund", "10.00")
	settled := int64(1000 * 71234 / 10000)
	if got := w.held("gift.r", "fund"); got != -settled {
		t.Errorf("foreign gift is worth %d, want %d", got, settled)
	}
	w.give("usd-donor", "10.00")
	w.same()
	for campaign, asked := range map[string]struct {
		amount string
		minor  int64
	}{"jpy-open": {"1500", 1500}, "kwd-open": {"1.25", 1250}} { // in the smallest units of each, which Stripe counts too
		c, charge := w.give(campaign, asked.amount)
		r, err := giving.GiftByID(t.Context(), w.db, w.book, c.ID)
		if err != nil || r.Gift.Amount != asked.minor || r.Gift.Ref != charge || r.Gift.Currency != strings.ToUpper(campaign[:3]) {
			t.Errorf("%s: %+v, %v", campaign, r, err)
		}
	}
	w.same()
}

func TestAnAsyncGiftSucceedsLaterAndAnotherFails(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	later, a := w.open("general", "20.00")
	fails, b := w.open("general", "30.00")
	gone, c := w.open("general", "40.00")
	for _, err := range []error{w.fake.PayLater(a), w.fake.PayLater(b), w.fake.Expire(c)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.turn()
	state := func(g *giving.Checkout) string {
		now, err := giving.CheckoutByID(t.Context(), w.db, w.book, g.ID)
		if err != nil {
			t.Fatal(err)
		}
		return now.State
	}
	if state(later) != giving.CheckoutPending || state(fails) != giving.CheckoutPending || state(gone) != giving.CheckoutFailed {
		t.Errorf("%s, %s, %s", state(later), state(fails), state(gone))
	}
	if n := w.count(`select count(*) from entry`); n != 0 {
		t.Errorf("%d entries before anything is paid", n)
	}
	for _, err := range []error{w.fake.Settle(a, true), w.fake.Settle(b, false)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.turn()
	if state(later) != giving.CheckoutPaid || state(fails) != giving.CheckoutFailed {
		t.Errorf("%s, %s", state(later), state(fails))
	}
	w.same()
}

// Refunds begun in Stripe's dashboard, in parts, and one that the donor's bank sends back.
func TestRefundsOfTheDashboard(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	gift, charge := w.give("fund", "100.00")
	if _, err := w.fake.Refund(charge, 30_00); err != nil {
		t.Fatal(err)
	}
	second, err := w.fake.Refund(charge, 20_00)
	if err != nil {
		t.Fatal(err)
	}
	w.turn()
	w.same()
	left := func() int64 {
		r, err := giving.GiftByID(t.Context(), w.db, w.book, gift.ID)
		if err != nil {
			t.Fatal(err)
		}
		return r.Gift.Amount - r.Gift.Refunded
	}
	if left() != 50_00 {
		t.Errorf("%d left", left())
	}
	if err := w.fake.FailRefund(second); err != nil {
		t.Fatal(err)
	}
	w.turn()
	w.same()
	if left() != 70_00 {
		t.Errorf("%d left after one has failed", left())
	}
}

func TestDisputesWonAndLost(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	_, one := w.give("general", "50.00")
	two, other := w.give("general", "100.00")
	won, err := w.fake.Dispute(one, false)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := w.fake.Dispute(other, false)
	if err != nil {
		t.Fatal(err)
	}
	w.turn()
	if got := w.held("ar.dispute", "general"); got != 150_00 {
		t.Errorf("held back %d", got)
	}
	w.same()
	err = pgx.BeginFunc(t.Context(), w.db, func(tx pgx.Tx) error {
		return payments.RequestRefund(t.Context(), tx, w.book, payments.Order{ID: uuid.New(), GiftID: two.ID, Amount: 1, Reason: "other"}, uuid.Nil, w.now())
	})
	if !errors.Is(err, payments.ErrInDispute) {
		t.Errorf("a refund of a disputed gift: %v", err)
	}
	for _, err := range []error{w.fake.CloseDispute(won, true), w.fake.CloseDispute(lost, false)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	w.turn()
	w.same()
	if got := w.held("ar.dispute", ""); got != 0 {
		t.Errorf("still held back %d", got)
	}
	if got := w.held("gift.r", "general"); got != -50_00 {
		t.Errorf("income %d", got)
	}
	if got := w.held("fundraising.u", "G"); got != 2*15_00+405+575 {
		t.Errorf("costs of the general fund %d", got)
	}
	if got := w.text(`select string_agg(state, ' ' order by state) from dispute`); got != "lost won" {
		t.Error(got)
	}
}

// A payout is divided by fund once its rows are known; one that bounced after it was called paid comes back from the bank.
func TestPayouts(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	for i := range 4 {
		w.give([]string{"general", "fund", "donor", "open"}[i], "100.00")
	}
	first, err := w.fake.PayOut()
	if err != nil {
		t.Fatal(err)
	}
	w.turn()
	if got := w.held("psp.transit", ""); got != 0 {
		t.Errorf("%d in transit before its rows are known", got)
	}
	if err := w.fake.Reconcile(first); err != nil {
		t.Fatal(err)
	}
	w.sleep(time.Hour)
	w.turn()
	w.same()
	if got := w.held("psp.transit", "fund"); got != 100_00-575 {
		t.Errorf("in transit of the fund: %d", got)
	}
	if err := w.fake.Land(first); err != nil {
		t.Fatal(err)
	}
	w.turn()
	if transit, bank := w.held("psp.transit", ""), w.held("bank.online", "fund"); transit != 0 || bank != 100_00-575 {
		t.Errorf("in transit %d, at the bank %d", transit, bank)
	}
	w.same()
	if err := w.fake.Bounce(first); err != nil {
		t.Fatal(err)
	}
	w.turn()
	if bank, avail := w.held("bank.online", ""), w.held("psp.avail", "fund"); bank != 0 || avail != 100_00-575 {
		t.Errorf("at the bank %d, at Stripe %d", bank, avail)
	}
	w.same()
	// The next one takes along what the refund after the payout has left.
	charge := w.text(`select ref from gift g join fund f using (book_id, fund_id) where f.code = 'fund'`)
	if _, err := w.fake.Refund(charge, 100_00); err != nil {
		t.Fatal(err)
	}
	w.turn()
	second, err := w.fake.PayOut()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.fake.Reconcile(second), w.fake.Land(second)); err != nil {
		t.Fatal(err)
	}
	w.turn()
	w.same()
	if got := w.held("bank.online", "fund"); got != 0 {
		t.Errorf("a fund below zero got %d", got)
	}
	if got := w.held("psp.avail", "fund"); got != -575 {
		t.Errorf("the fund stands at %d", got)
	}
}

// Late events change nothing, early ones wait for nothing: the charge is paid before the answer to our call is stored.
func TestAnEventBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	c := w.begin("general", "10.00")
	w.fake.Trouble(stripefake.Faults{Vanished: 100})
	if _, err := w.stripe.Open(t.Context(), c, "题", "https://example.org/g/1"); !errors.Is(err, payments.ErrAway) {
		t.Fatalf("open: %v", err)
	}
	w.fake.Calm()
	sessions := w.fake.Sessions()
	if len(sessions) != 1 {
		t.Fatalf("%d payment pages from one gift", len(sessions))
	}
	if _, err := w.fake.Pay(sessions[0]); err != nil {
		t.Fatal(err)
	}
	w.turn()
	w.same()
	if n := w.count(`select count(*) from gift`); n != 1 {
		t.Errorf("%d gifts", n)
	}
	page, err := w.stripe.Open(t.Context(), c, "题", "https://example.org/g/1")
	if err != nil || !strings.HasSuffix(page.URL, sessions[0]) {
		t.Errorf("the same gift got another page: %v %v", page, err)
	}
}

func TestMonthlyInvoicesAndAccountFees(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	meta := map[string]string{"book": w.book.Code, "campaign": fmt.Sprint(w.campaigns["general"]), "gift": uuid.NewString()}
	for range 2 {
		w.fake.Invoice(50_00, meta)
	}
	w.fake.Bill(88)
	w.turn()
	w.settle()
	w.same()
	if got := w.held("gift.r", "general"); got != -100_00 {
		t.Errorf("income %d", got)
	}
}

// What cannot be booked by itself stands on the console with its reason, and nothing is guessed.
func TestWhatCannotBeBooked(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	w.fake.Charge(10_00, "cny", map[string]string{"shop": "tea"})
	w.fake.Charge(10_00, "cny", map[string]string{"book": w.book.Code, "campaign": fmt.Sprint(w.campaigns["general"]), "gift": uuid.Must(uuid.NewV7()).String()})
	w.fake.Odd(5_00)
	w.turn()
	w.settle()
	if n := w.count(`select count(*) from entry`); n != 0 {
		t.Errorf("%d entries", n)
	}
	if n := w.count(`select count(*) from inbox where state = 'refused' and kind = 'swept' and problem like '%topup%'`); n != 1 {
		t.Errorf("the odd row stands there %d times", n)
	}
	if n := w.count(`select count(*) from inbox where state = 'refused' and problem like '%of this book%'`); n == 0 {
		t.Error("the shop's charge is not told of")
	}
}

// A gift of a closed month is booked today.
func TestAGiftOfAClosedMonth(t *testing.T) {
	t.Parallel()
	w := newStripeWorld(t, 1)
	_, session := w.open("general", "10.00")
	charge, err := w.fake.Pay(session)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.fake.Refund(charge, 4_00); err != nil {
		t.Fatal(err)
	}
	w.sleep(40 * 24 * time.Hour)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, `insert into period (book_id, month, state) values ($1, '2026-09-01', 'open') on conflict do nothing`, w.book.ID)
		return err
	})
	if _, err := w.owner.Exec(t.Context(), `update period set state = 'hard'`); err != nil {
		t.Fatal(err)
	}
	w.turn()
	w.same()
	if n := w.count(`select count(*) from entry where effective_on < '2026-10-01'`); n != 0 {
		t.Errorf("%d entries in the closed month", n)
	}
	if n := w.count(`select count(*) from gift`); n != 1 {
		t.Errorf("%d gifts", n)
	}
}
