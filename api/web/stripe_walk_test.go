package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/labstack/echo/v4"

	"sunfund/internal/stripefake"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// stripeSite is the public site of a book that takes payments through our own fake of Stripe.
type stripeSite struct {
	*publicSite
	fake *stripefake.Fake
}

func newStripeSite(t *testing.T) *stripeSite {
	t.Helper()
	const secret, account = "whsec_a-secret-of-the-walks-0123456789", "acct_walk"
	s := &stripeSite{publicSite: newPublicSite(t)}
	s.fake = stripefake.New(stripefake.Config{Account: account, Secret: secret, Currency: "cny", Now: time.Now, Seed: 1})
	there := httptest.NewServer(s.fake)
	intake := giving.NewIntake(s.db, s.book)
	stripe, err := payments.NewStripe(s.db, s.book, intake, payments.StripeKeys{Secret: "sk_test_0123456789", Webhooks: []string{secret}, Account: account, URL: there.URL}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	worker := payments.NewWorker(s.db, s.book, intake, stripe, time.Now)
	e := echo.New()
	s.Server = httptest.NewServer(e)
	pages, err := NewServer(Config{DB: s.db, Books: []*ledger.Book{s.book}, Now: time.Now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Stripes: map[int32]*payments.Stripe{s.book.ID: stripe}})
	if err != nil {
		t.Fatal(err)
	}
	e.HTTPErrorHandler = pages.Error
	if err := pages.Register(e); err != nil {
		t.Fatal(err)
	}
	e.POST("/hook", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		if _, err := stripe.Receive(c.Request().Context(), body, c.Request().Header.Get(payments.StripeHeader)); err != nil {
			return err
		}
		worker.Wake()
		return c.NoContent(http.StatusOK)
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- worker.Run(ctx) }()
	go func() { // the processor's post goes out all the time
		for ctx.Err() == nil {
			_ = s.fake.Deliver(ctx, s.URL+"/hook") // what did not arrive goes again
			time.Sleep(20 * time.Millisecond)
		}
		ended <- nil
	}()
	closing := s.Server
	t.Cleanup(func() {
		pages.Close()
		stop()
		<-ended
		<-ended
		closing.Close()
		there.Close()
		if err := intake.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// giveIn gives in the browser and ends on the gift's page, whose path it answers.
func (s *stripeSite) giveIn(ctx context.Context, t *testing.T, amount, how string) (gift string) {
	t.Helper()
	do(ctx, t, chromedp.Navigate(s.URL+"/c/ekongjian/give"), chromedp.WaitReady(`input[name="other"]`))
	eval(ctx, t, `(() => { const f = document.querySelector('input[name="other"]').form; f.elements.other.value = "`+amount+`";
		const r = [...f.querySelectorAll('input[name="amount"]')].find(x => x.value === "other"); if (r) r.checked = true; f.requestSubmit(); return "" })()`)
	do(ctx, t, chromedp.WaitVisible(`button[value="`+how+`"]`), chromedp.Click(`button[value="`+how+`"]`), chromedp.WaitVisible(`#gift-state`))
	return eval(ctx, t, `location.pathname`)
}

// A card gift that succeeds, one that succeeds later, one that fails, a dispute that is lost and a partial refund after the payout:
// what the donor's page says of each.
func TestStripeWalks(t *testing.T) {
	t.Parallel()
	s := newStripeSite(t)
	ctx := browser(t)
	do(ctx, t, chromedp.EmulateViewport(360, 800))

	paid := s.giveIn(ctx, t, "50", "pay")
	s.until(paid+"?lang=zh-CN", "记入账簿")
	s.until(paid, "50.00")

	later := s.giveIn(ctx, t, "60", "later")
	s.until(later, s.words("mine.tag.pending"))
	session := s.session(later)
	if err := s.fake.Settle(session, true); err != nil {
		t.Fatal(err)
	}
	do(ctx, t, chromedp.WaitVisible(`a[href="`+later+`/receipt"]`)) // the open page says so by itself

	failed := s.giveIn(ctx, t, "70", "leave")
	s.until(failed, s.words("mine.tag.failed"))

	payout, err := s.fake.PayOut()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.fake.Reconcile(payout); err != nil {
		t.Fatal(err)
	}
	if err := s.fake.Land(payout); err != nil {
		t.Fatal(err)
	}
	if _, err := s.fake.Refund(s.charge(paid), 20_00); err != nil {
		t.Fatal(err)
	}
	s.until(paid, "20.00")
	dispute, err := s.fake.Dispute(s.charge(later), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.fake.CloseDispute(dispute, false); err != nil {
		t.Fatal(err)
	}
	s.until(later, s.words("mine.tag.refunded"))

	// The donor asks for the rest back; the page says that it was asked.
	inspect(ctx, t, deskHeard, "public-refund-ask", s.URL+paid+"/refund")
	do(ctx, t, chromedp.Click(`form[action="`+paid+`/refund"] button`), chromedp.WaitVisible(`#gift-state`))
	s.until(paid, s.words("mine.step.order.asked", yuan(30_00)))
	if wrong := s.post(paid+"/refund", url.Values{"amount": {"1"}, "why": {"wrong-fund"}}); wrong.status != http.StatusUnprocessableEntity {
		t.Errorf("a donor tells our own fault: %d", wrong.status)
	}
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		checks, err := giving.Verify(ctx, tx, s.book)
		for _, c := range checks {
			if len(c.Differs) > 0 {
				t.Errorf("%s: %v", c.Name, c.Differs)
			}
		}
		return err
	})
}

// words is a text as the page says it in the language of a visitor who has chosen none.
func (s *stripeSite) words(key string, args ...any) string { return T(ZH, key, args...) }

func (s *stripeSite) id(path string) uuid.UUID {
	s.t.Helper()
	id, err := giving.ParseRef(s.book, strings.TrimPrefix(path, "/g/"))
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}

func (s *stripeSite) text(sql string, args ...any) (text string) {
	s.t.Helper()
	if err := s.owner.QueryRow(context.Background(), sql, args...).Scan(&text); err != nil {
		s.t.Fatal(err)
	}
	return text
}

func (s *stripeSite) session(path string) string {
	return s.text(`select session from checkout_session where gift_id = $1`, s.id(path))
}

func (s *stripeSite) charge(path string) string {
	return s.text(`select ref from gift where id = $1`, s.id(path))
}
