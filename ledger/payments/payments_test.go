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
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

var testStart = time.Date(2026, 9, 8, 1, 30, 0, 0, time.UTC)

// world is a book with a campaign, its sandbox, and our webhook behind real HTTP.
type world struct {
	t         *testing.T
	db, owner *pgxpool.Pool
	book      *ledger.Book
	campaigns map[string]int32 // by fee bearer
	intake    *giving.Intake
	worker    *payments.Worker
	deliverer *payments.Deliverer
	secret    []byte
	received  atomic.Int64
	failing   atomic.Int64 // how many deliveries to answer with 500 first
	elapsed   atomic.Int64 // what the clock has gone on, ns
}

func (w *world) now() time.Time { return testStart.Add(time.Duration(w.elapsed.Load())) }

func (w *world) sleep(d time.Duration) { w.elapsed.Add(int64(d)) }

func newWorld(t *testing.T) *world {
	t.Helper()
	w := newBook(t)
	w.campaigns = map[string]int32{}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		if _, err := ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "总", NameEN: "General"}); err != nil {
			return err
		}
		for _, bearer := range []string{ledger.FeeByGeneral, ledger.FeeByDonor} {
			f, err := ledger.CreateFund(ctx, tx, w.book, ledger.Fund{Code: bearer, Kind: ledger.Restricted, NameZH: "阳", NameEN: "Sun", FeeBearer: bearer})
			if err != nil {
				return err
			}
			c, err := giving.CreateCampaign(ctx, tx, w.book, giving.Campaign{FundID: f.ID, Slug: bearer, TitleZH: "题", TitleEN: "Title", SummaryZH: "要",
				SummaryEN: "Summary", StoryZH: "事", StoryEN: "Story", Goal: 10_000_00, OpensAt: testStart.AddDate(0, 0, -1), ClosesAt: testStart.AddDate(0, 0, 9)})
			if err != nil {
				return err
			}
			w.campaigns[bearer] = c.ID
		}
		return payments.AddProcessor(ctx, tx, w.book, payments.SandboxCode)
	})
	w.readSecret()
	w.intake = giving.NewIntake(w.db, w.book)
	w.worker = payments.NewWorker(w.db, w.book, w.intake, nil, w.now)
	server := httptest.NewServer(http.HandlerFunc(w.webhook))
	w.deliverer = payments.NewDeliverer(w.db, w.book, server.URL, w.now)
	t.Cleanup(func() {
		server.Close()
		if err := w.intake.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return w
}

// newBook makes an empty book on a database of its own.
func newBook(t *testing.T) *world {
	t.Helper()
	db := pgtest.New(t)
	w := &world{t: t, db: db.Service, owner: db.Pool}
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		w.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "nanqiao", NameZH: "南桥区慈善会", NameEN: "Nanqiao", Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		return err
	})
	return w
}

func (w *world) readSecret() {
	w.t.Helper()
	if err := w.owner.QueryRow(w.t.Context(), `select webhook_secret from processor`).Scan(&w.secret); err != nil {
		w.t.Fatal(err)
	}
}

// webhook answers as the API does.
func (w *world) webhook(out http.ResponseWriter, req *http.Request) {
	w.received.Add(1)
	if w.failing.Add(-1) >= 0 {
		out.WriteHeader(http.StatusInternalServerError)
		return
	}
	body, err := io.ReadAll(req.Body)
	if err == nil {
		_, err = payments.Receive(req.Context(), w.db, w.book, payments.SandboxCode, body, req.Header.Get(payments.SignatureHeader), w.now())
	}
	if err != nil {
		w.t.Error(err)
		out.WriteHeader(http.StatusBadRequest)
	}
}

func (w *world) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	w.t.Helper()
	if err := pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error { return fn(w.t.Context(), tx) }); err != nil {
		w.t.Fatal(err)
	}
}

// start begins a gift and opens its payment.
func (w *world) start(campaign, amount string) (c *giving.Checkout, s *payments.Session) {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		c, err = giving.Begin(ctx, tx, w.book, giving.Form{FormID: uuid.New(), CampaignID: w.campaigns[campaign], Amount: amount, Currency: "CNY",
			Name: "王芳", Lang: "zh-CN", Channel: giving.Sandbox}, w.now())
		if err != nil {
			return err
		}
		s, err = payments.OpenSession(ctx, tx, w.book, c, "题", "/thanks", w.now())
		if err != nil {
			return err
		}
		again, err := payments.OpenSession(ctx, tx, w.book, c, "题", "/thanks", w.now())
		if err == nil && again.ID != s.ID {
			w.t.Error("the same gift opened a second session")
		}
		return err
	})
	return c, s
}

func (w *world) decide(s *payments.Session, d payments.Decision) error {
	return pg.InTx(w.t.Context(), w.db, func(tx pgx.Tx) error {
		_, err := payments.Decide(w.t.Context(), tx, w.book, s.ID, d, w.now())
		return err
	})
}

func (w *world) mustDecide(s *payments.Session, d payments.Decision) {
	w.t.Helper()
	if err := w.decide(s, d); err != nil {
		w.t.Fatal(err)
	}
}

// turn delivers what is due and works off the inbox.
func (w *world) turn() {
	w.t.Helper()
	if _, err := w.deliverer.Deliver(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.worker.Work(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) progress(campaign string) giving.Progress {
	w.t.Helper()
	p, err := giving.ProgressOf(w.t.Context(), w.db, w.book, w.now(), w.campaigns[campaign])
	if err != nil {
		w.t.Fatal(err)
	}
	return p[0]
}

func (w *world) count(sql string, args ...any) (n int64) {
	w.t.Helper()
	if err := w.owner.QueryRow(w.t.Context(), sql, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) verify() {
	w.t.Helper()
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		gifts, err := giving.Verify(ctx, tx, w.book)
		if err != nil {
			return err
		}
		entries, err := ledger.Verify(ctx, tx, w.book)
		for _, c := range append(gifts, entries...) {
			if c.DiffersAll > 0 {
				w.t.Errorf("%s: %v", c.Name, c.Differs)
			}
		}
		return err
	})
}

func TestOneGiftThroughTheSandbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c, s := w.start("general", "50")
	w.failing.Store(2) // the webhook is down at first
	w.mustDecide(s, payments.Decision{Result: payments.Success, Duplicate: true})
	w.mustDecide(s, payments.Decision{Result: payments.Success}) // the button pressed twice
	if err := w.decide(s, payments.Decision{Result: payments.Fail}); !errors.Is(err, payments.ErrDecided) {
		t.Errorf("changing one's mind: %v", err)
	}
	w.turn()
	if w.received.Load() != 2 || w.progress("general").Gifts != 0 {
		t.Fatalf("%d deliveries, %+v", w.received.Load(), w.progress("general"))
	}
	w.sleep(2 * time.Second)
	w.turn()
	if w.received.Load() != 4 {
		t.Errorf("%d deliveries", w.received.Load())
	}
	w.sleep(time.Hour)
	w.turn()
	if w.received.Load() != 4 {
		t.Errorf("delivered again after 200: %d", w.received.Load())
	}
	if n := w.count(`select count(*) from inbox where state = 'done'`); n != 1 {
		t.Errorf("%d events in the inbox", n)
	}
	receipt, err := giving.GiftByID(t.Context(), w.db, w.book, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Gift.Amount != 50_00 || receipt.Gift.Fee != 30 || receipt.Gift.Ref != s.Charge {
		t.Errorf("gift %+v", receipt.Gift)
	}
	w.verify()
}

// The sandbox changes foreign money at the book's rate and keeps its fee in the book's currency, as a processor does.
func TestForeignMoneyThroughTheSandbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		rules := giving.Rules{NoticeDays: 7, Currencies: []giving.Accepted{{Currency: "USD", GiftMin: 1_00, GiftMax: 5_000_00}}}
		if err := giving.SetRules(ctx, tx, w.book, rules); err != nil {
			return err
		}
		return giving.SetRate(ctx, tx, w.book, giving.Rate{Currency: "USD", Day: w.book.Day(w.now()), Rate: decimal.RequireFromString("7.1")})
	})
	for _, campaign := range []string{ledger.FeeByGeneral, ledger.FeeByDonor} { // 0.6 % of 710.00 each, nothing on top
		var s *payments.Session
		w.tx(func(ctx context.Context, tx pgx.Tx) error {
			c, err := giving.Begin(ctx, tx, w.book, giving.Form{FormID: uuid.New(), CampaignID: w.campaigns[campaign], Amount: "100", Currency: "USD", Channel: giving.Sandbox}, w.now())
			if err != nil {
				return err
			}
			s, err = payments.OpenSession(ctx, tx, w.book, c, "题", "/", w.now())
			return err
		})
		if s.Amount != 100_00 || s.Worth != 710_00 || s.Fee != 4_26 {
			t.Errorf("%s: charged %d, worth %d, fee %d", campaign, s.Amount, s.Worth, s.Fee)
		}
		w.mustDecide(s, payments.Decision{Result: payments.Success, Duplicate: true})
	}
	w.turn()
	if n := w.count(`select count(*) from gift where ccy = 'USD' and amount = 10000`); n != 2 {
		t.Errorf("%d gifts", n)
	}
	if got := w.count(`select coalesce(sum(b.balance), 0)::int8 from account a join balance b using (book_id, account_id) where a.chart = 'psp.avail'`); got != 2*(710_00-4_26) {
		t.Errorf("the processor holds %d", got)
	}
	w.verify()
}

func TestPendingThenDecided(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	paid, s1 := w.start("general", "20")
	failed, s2 := w.start("general", "30")
	w.mustDecide(s1, payments.Decision{Result: payments.Pending, Late: 30 * time.Second}) // arrives after the success
	w.mustDecide(s2, payments.Decision{Result: payments.Pending})
	w.turn()
	if p := w.progress("general"); p.PendingGifts != 1 || p.Pending != 30_00 {
		t.Errorf("progress %+v", p)
	}
	w.mustDecide(s1, payments.Decision{Result: payments.Success})
	w.mustDecide(s2, payments.Decision{Result: payments.Fail})
	w.turn()
	w.sleep(time.Minute)
	w.turn()
	if p := w.progress("general"); p.PendingGifts != 0 || p.Gifts != 1 || p.Received != 20_00 {
		t.Errorf("progress %+v", p)
	}
	for id, want := range map[uuid.UUID]string{paid.ID: giving.CheckoutPaid, failed.ID: giving.CheckoutFailed} {
		if c, err := giving.CheckoutByID(t.Context(), w.db, w.book, id); err != nil || c.State != want {
			t.Errorf("%s is %+v, %v", want, c, err)
		}
	}
	if n := w.count(`select count(*) from inbox where state = 'done'`); n != 4 {
		t.Errorf("%d events done", n)
	}
	w.verify()
}

func TestDonorsBearTheFee(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, s := w.start("donor", "100")
	if s.Amount != 100_60 || s.Fee != 60 {
		t.Fatalf("session %+v", s)
	}
	for gift := int64(1); gift < 300_000; gift += 7 {
		charged := payments.Charge(gift, ledger.FeeByDonor)
		if fee := (charged*6 + 500) / 1000; charged-fee != gift {
			t.Fatalf("a gift of %d is charged %d, of which %d are fee", gift, charged, fee)
		}
	}
	w.mustDecide(s, payments.Decision{Result: payments.Success})
	w.turn()
	if p := w.progress("donor"); p.Received != 100_00 {
		t.Errorf("progress %+v", p)
	}
	w.verify()
}

// event is a body as the sandbox writes it, with whatever amount somebody might forge.
func (w *world) event(id string, session uuid.UUID, amount string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"type":"checkout.completed","created":%d,"livemode":false,"account":%q,"data":{"object":{"id":%q,"amount":%q,"currency":"CNY"}}}`,
		id, w.now().Unix(), w.book.Code, session, amount)
}

func (w *world) receive(body []byte, header string) (bool, error) {
	return payments.Receive(w.t.Context(), w.db, w.book, payments.SandboxCode, body, header, w.now())
}

// The attacks W1 to W5 and W8 to W12 on a webhook.
func TestW1W9AttacksOnTheInbox(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, s := w.start("general", "50")
	body := w.event("evt_1", s.ID, "50.00")
	header := payments.Sign(w.secret, body, w.now())
	flipped := bytes.Clone(body)
	flipped[len(flipped)/2] ^= 1
	big := w.event("evt_2", s.ID, strings.Repeat("9", 5<<20))
	foreign := bytes.Replace(body, []byte(w.book.Code), []byte("another"), 1)
	live := bytes.Replace(body, []byte("false"), []byte("true"), 1)
	garbage := []byte(`{"id":1`)
	signed := func(b []byte) string { return payments.Sign(w.secret, b, w.now()) }
	at := func(d time.Duration) string { return payments.Sign(w.secret, body, w.now().Add(d)) }
	for _, c := range []struct {
		name   string
		body   []byte
		header string
		want   error
	}{
		{"W1 none", body, "", payments.ErrSignature},
		{"W2 wrong secret", body, payments.Sign(make([]byte, 32), body, w.now()), payments.ErrSignature},
		{"W3 one byte changed", flipped, header, payments.ErrSignature},
		{"W4 301 s old", body, at(-301 * time.Second), payments.ErrTooOld},
		{"W4 301 s ahead", body, at(301 * time.Second), payments.ErrTooOld},
		{"time moved by hand", body, strings.Replace(at(-301*time.Second), "t=", "t=1", 1), payments.ErrSignature},
		{"two times", body, header + ",t=1", payments.ErrSignature},
		{"endless header", body, strings.Repeat(header+",", 100), payments.ErrSignature},
		{"W7 live event on a sandbox book", live, signed(live), payments.ErrForeign},
		{"W8 another account", foreign, signed(foreign), payments.ErrForeign},
		{"W9 5 MB", big, signed(big), payments.ErrMalformed},
		{"not an event", garbage, signed(garbage), payments.ErrMalformed},
	} {
		if _, err := w.receive(c.body, c.header); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	if _, err := payments.Receive(t.Context(), w.db, w.book, "other", body, header, w.now()); !errors.Is(err, payments.ErrNoProcessor) {
		t.Errorf("unknown processor: %v", err)
	}
	if n := w.count(`select count(*) from inbox`); n != 0 {
		t.Fatalf("%d refused events were stored", n)
	}
	for _, header := range []string{at(-300 * time.Second), at(300 * time.Second), header + ",v1=" + strings.Repeat("00", 32) + ",v0=x"} {
		if _, err := w.receive(body, header); err != nil {
			t.Errorf("within tolerance: %v", err)
		}
	}
}

func TestW10SecretRotation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, s := w.start("general", "50")
	body := w.event("evt_1", s.ID, "50.00")
	old := w.secret
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		return payments.RotateSecret(ctx, tx, w.book, payments.SandboxCode)
	})
	w.readSecret()
	if bytes.Equal(old, w.secret) {
		t.Fatal("the secret stayed")
	}
	for _, secret := range [][]byte{old, w.secret} {
		if _, err := w.receive(body, payments.Sign(secret, body, w.now())); err != nil {
			t.Errorf("during rotation: %v", err)
		}
	}
	w.tx(func(ctx context.Context, tx pgx.Tx) error {
		return payments.ForgetSecret(ctx, tx, w.book, payments.SandboxCode)
	})
	if _, err := w.receive(body, payments.Sign(old, body, w.now())); !errors.Is(err, payments.ErrSignature) {
		t.Errorf("after rotation: %v", err)
	}
}

func TestW11W12ForgedAndReplayedEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, s := w.start("general", "50")
	unknown := w.event("evt_unknown", uuid.New(), "9999.00")
	early := w.event("evt_early", s.ID, "50.00") // says paid; the processor does not
	for _, body := range [][]byte{unknown, early} {
		if _, err := w.receive(body, payments.Sign(w.secret, body, w.now())); err != nil {
			t.Fatal(err)
		}
	}
	w.turn()
	if n := w.count(`select count(*) from inbox where event_id = 'evt_unknown' and state = 'refused' and problem <> ''`); n != 1 {
		t.Error("W11: an event of an unknown payment was not refused")
	}
	if w.progress("general").Gifts != 0 {
		t.Error("an event that lied was believed")
	}
	w.mustDecide(s, payments.Decision{Result: payments.Success, Late: payments.LateMax})
	forged := w.event("evt_forged", s.ID, "9999.00")
	var fresh atomic.Int64
	var wg sync.WaitGroup
	for range 50 { // W5
		wg.Go(func() {
			ok, err := w.receive(forged, payments.Sign(w.secret, forged, w.now()))
			if err != nil {
				t.Error(err)
			}
			if ok {
				fresh.Add(1)
			}
		})
	}
	wg.Wait()
	for range 4 {
		wg.Go(func() {
			if _, err := w.worker.Work(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	w.sleep(4 * 24 * time.Hour) // W12
	if ok, err := w.receive(forged, payments.Sign(w.secret, forged, w.now())); err != nil || ok {
		t.Errorf("a replay after four days: %v, %v", ok, err)
	}
	w.turn()
	if p := w.progress("general"); fresh.Load() != 1 || p.Gifts != 1 || p.Received != 50_00 {
		t.Errorf("%d fresh, %+v", fresh.Load(), p)
	}
	w.verify()
}

// Trouble that may pass keeps an event in the inbox, and it is tried again later each time.
func TestEventWaitsForOpenIntake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	closed := giving.NewIntake(w.db, w.book)
	if err := closed.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	broken := payments.NewWorker(w.db, w.book, closed, nil, w.now)
	_, s := w.start("general", "50")
	w.mustDecide(s, payments.Decision{Result: payments.Success})
	if _, err := w.deliverer.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	for attempt := range 3 {
		if n, err := broken.Work(t.Context()); n != 1 || err != nil {
			t.Fatalf("attempt %d: %d, %v", attempt, n, err)
		}
		if n, err := broken.Work(t.Context()); n != 0 || err != nil {
			t.Fatalf("attempt %d was repeated at once: %d, %v", attempt, n, err)
		}
		w.sleep(time.Second << attempt)
	}
	w.turn()
	if p := w.progress("general"); p.Gifts != 1 {
		t.Errorf("progress %+v", p)
	}
}

func TestLoopsRunByThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, run := range []func(context.Context) error{w.worker.Run, w.deliverer.Run} {
		wg.Go(func() {
			if err := run(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	_, s := w.start("general", "50")
	w.mustDecide(s, payments.Decision{Result: payments.Success})
	w.deliverer.Wake()
	for deadline := time.Now().Add(2 * time.Minute); w.progress("general").Gifts == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the gift did not come")
		}
	}
	stop()
	wg.Wait()
}
