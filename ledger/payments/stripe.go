package payments

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/client"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Errors of the connection to Stripe.
var (
	ErrStripeKeys = errors.New("settings of Stripe do not fit the book")
	ErrNoMethod   = errors.New("processor takes no payments in this currency")
	ErrAway       = errors.New("processor does not answer")
)

// StripeCode names Stripe in webhook addresses and tables.
const StripeCode = "stripe"

// StripeVersion is the version of Stripe's API that this program speaks; events of another are kept apart.
const StripeVersion = stripe.APIVersion

// StripeKeys are a book's settings for Stripe. They print as nothing.
type StripeKeys struct {
	Secret   string   // sk_test_…, sk_live_…, rk_…: its middle says the mode
	Webhooks []string // whsec_…: two while one is being replaced
	Account  string   // acct_…
	URL      string   // of the API; empty: Stripe's own. Test mode only
}

// String, GoString and MarshalText keep the keys out of logs.
func (StripeKeys) String() string               { return "(keys of Stripe)" }
func (StripeKeys) GoString() string             { return "(keys of Stripe)" }
func (StripeKeys) MarshalText() ([]byte, error) { return []byte("(keys of Stripe)"), nil }

// Live tells whether the secret key moves real money.
func (k StripeKeys) Live() bool {
	return strings.HasPrefix(k.Secret, "sk_live_") || strings.HasPrefix(k.Secret, "rk_live_")
}

func (k StripeKeys) test() bool {
	return strings.HasPrefix(k.Secret, "sk_test_") || strings.HasPrefix(k.Secret, "rk_test_")
}

func (k StripeKeys) check(book *ledger.Book) error {
	switch {
	case !k.Live() && !k.test():
		return fmt.Errorf("%w: %s: the secret key is neither a live nor a test key", ErrStripeKeys, book.Code)
	case k.Live() == book.Sandbox:
		return fmt.Errorf("%w: %s: a book takes real money with a live key, a sandbox book with a test key", ErrStripeKeys, book.Code)
	case len(k.Webhooks) == 0 || len(k.Webhooks) > 2:
		return fmt.Errorf("%w: %s: one webhook secret is needed, two while one is being replaced", ErrStripeKeys, book.Code)
	case slices.ContainsFunc(k.Webhooks, func(s string) bool { return len(s) < secretLen }):
		return fmt.Errorf("%w: %s: a webhook secret is too short", ErrStripeKeys, book.Code)
	case !strings.HasPrefix(k.Account, "acct_"):
		return fmt.Errorf("%w: %s: the account's id begins with acct_", ErrStripeKeys, book.Code)
	case k.URL != "" && k.Live():
		return fmt.Errorf("%w: %s: live keys go to Stripe only", ErrStripeKeys, book.Code)
	}
	return nil
}

// Limits of talking to Stripe.
const stripeTimeout = 4 * time.Second // a request of a donor has ten

// Stripe is a book's connection to its account at Stripe.
type Stripe struct {
	db     Database
	book   *ledger.Book
	intake *giving.Intake
	keys   StripeKeys
	api    *client.API
	clock  func() time.Time
}

// NewStripe makes a connection; nothing is sent yet. ErrStripeKeys when the keys do not fit the book.
func NewStripe(db Database, book *ledger.Book, intake *giving.Intake, keys StripeKeys, clock func() time.Time) (*Stripe, error) {
	if err := keys.check(book); err != nil {
		return nil, err
	}
	cfg := &stripe.BackendConfig{
		HTTPClient:    &http.Client{Timeout: stripeTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}, EnableTelemetry: stripe.Bool(false), MaxNetworkRetries: stripe.Int64(0), // the worker tries again
	}
	if keys.URL != "" {
		if u, err := url.Parse(keys.URL); err != nil || u.Host == "" {
			return nil, fmt.Errorf("%w: %s: address of the API", ErrStripeKeys, book.Code)
		}
		cfg.URL = &keys.URL
	}
	backend := stripe.GetBackendWithConfig(stripe.APIBackend, cfg)
	return &Stripe{db: db, book: book, intake: intake, keys: keys, clock: clock,
		api: client.New(keys.Secret, &stripe.Backends{API: backend, Connect: backend, Uploads: backend})}, nil
}

// Account is the id of the account at Stripe.
func (s *Stripe) Account() string { return s.keys.Account }

// Live tells whether real money moves.
func (s *Stripe) Live() bool { return s.keys.Live() }

// PayOrigin is the site where donors pay.
func (s *Stripe) PayOrigin() string {
	if u, err := url.Parse(s.keys.URL); err == nil && u.Host != "" {
		return u.Scheme + "://" + u.Host
	}
	return "https://checkout.stripe.com"
}

// methods are the ways to pay that Checkout offers for a currency. Only currencies whose smallest unit is Stripe's too.
func methods(ccy string) []string {
	const card, alipay, wechat = "card", "alipay", "wechat_pay"
	switch ccy {
	case "CNY", "AUD", "CAD", "EUR", "GBP", "HKD", "JPY", "SGD", "USD":
		return []string{card, alipay, wechat}
	case "NZD", "MYR":
		return []string{card, alipay}
	case "CHF", "DKK", "NOK", "SEK":
		return []string{card, wechat}
	case "KRW", "MXN", "PLN", "CZK", "THB", "PHP", "INR", "BRL", "KWD", "BHD", "OMR", "JOD", "TND":
		return []string{card}
	}
	return nil
}

// PaymentPage is where the donor of a started gift pays.
type PaymentPage struct {
	URL   string
	State string // "open", "pending", "paid" or "failed"
}

const (
	sqlPageInsert = `
insert into checkout_session (book_id, gift_id, processor, session, url, charged, created_at, cards)
values ($1, $2, 'stripe', $3, $4, $5, $6, $7) on conflict (book_id, gift_id) do nothing`

	sqlPage = `select url, state from checkout_session where book_id = $1 and gift_id = $2`
)

// PageOf finds the payment page of a started gift, or ErrNoSession.
func PageOf(ctx context.Context, q pg.Querier, book *ledger.Book, c *giving.Checkout) (*PaymentPage, error) {
	rows, err := q.Query(ctx, sqlPage, book.ID, c.ID)
	if err != nil {
		return nil, fmt.Errorf("read payment page: %w", err)
	}
	p, err := pgx.CollectExactlyOneRow(rows, pgx.RowToAddrOfStructByPos[PaymentPage])
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("%w: gift %s", ErrNoSession, c.ID)
	}
	if err != nil {
		return nil, fmt.Errorf("read payment page: %w", err)
	}
	return p, nil
}

// Open opens the payment page of a started gift that is stored already: its event may come before the answer. The gift's id is
// the idempotency key, so asking again gives the same page. No transaction is open meanwhile. ErrNoMethod, ErrAway.
// While cards are paused (TierPaused) the page offers the other ways; ErrCardsPaused when there is none.
func (s *Stripe) Open(ctx context.Context, c *giving.Checkout, title, returnURL string) (*PaymentPage, error) {
	if page, err := PageOf(ctx, s.db, s.book, c); !errors.Is(err, ErrNoSession) {
		return page, err
	}
	pay := methods(c.Currency)
	if pay == nil {
		return nil, fmt.Errorf("%w: %s", ErrNoMethod, c.Currency)
	}
	defence, err := DefenceOf(ctx, s.db, s.book)
	if err != nil {
		return nil, err
	}
	paused := defence.Tier(s.clock()) == TierPaused
	if paused {
		if pay = slices.DeleteFunc(pay, func(m string) bool { return m == "card" }); len(pay) == 0 {
			return nil, ErrCardsPaused
		}
	}
	var bearer string
	if err := s.db.QueryRow(ctx, sqlFeeBearer, s.book.ID, c.CampaignID).Scan(&bearer); err != nil {
		return nil, fmt.Errorf("open payment of %s: %w", c.ID, err)
	}
	charged := c.Amount
	if c.Currency == s.book.Currency { // the fee is taken in the book's currency
		charged = stripeCharge(c.Amount, bearer)
	}
	params := s.sessionParams(ctx, c, pay, charged, title, returnURL)
	if paused { // a page that offers other ways is another request
		params.SetIdempotencyKey(c.ID.String() + "-no-card")
	}
	session, err := s.newSession(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("open payment of %s: %w", c.ID, err)
	}
	return s.keepPage(ctx, c, session, charged, !paused)
}

// keepPage stores the payment page of a started gift.
func (s *Stripe) keepPage(ctx context.Context, c *giving.Checkout, session *stripe.CheckoutSession, charged int64, cards bool) (*PaymentPage, error) {
	if _, err := s.db.Exec(ctx, sqlPageInsert, s.book.ID, c.ID, session.ID, session.URL, charged, s.clock(), cards); err != nil {
		return nil, fmt.Errorf("store payment page of %s: %w", c.ID, err)
	}
	return PageOf(ctx, s.db, s.book, c)
}

// The fee that donors are asked to cover: 3.4 % of what is charged and 2.35 of the currency. Stripe takes what it takes; the general
// fund keeps or bears the difference.
const (
	coverPerMille = 34
	coverFixed    = 235
)

// stripeCharge is what is charged for a gift to a fund whose fee is borne by bearer: the smallest sum of which the gift is left.
func stripeCharge(gift int64, bearer string) int64 {
	if bearer != ledger.FeeByDonor {
		return gift
	}
	const whole = 1000
	return (gift+coverFixed)*whole/(whole-coverPerMille) + 1
}

func (s *Stripe) sessionParams(ctx context.Context, c *giving.Checkout, pay []string, charged int64, title, returnURL string) *stripe.CheckoutSessionParams {
	meta := map[string]string{"book": s.book.Code, "campaign": fmt.Sprint(c.CampaignID), "gift": c.ID.String()}
	p := &stripe.CheckoutSessionParams{
		Mode: stripe.String("payment"), SubmitType: stripe.String("donate"), Locale: stripeLocale(c.Lang), ClientReferenceID: stripe.String(c.ID.String()),
		SuccessURL: &returnURL, CancelURL: &returnURL, PaymentMethodTypes: stripe.StringSlice(pay),
		LineItems: []*stripe.CheckoutSessionLineItemParams{{Quantity: stripe.Int64(1), PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
			Currency: stripe.String(strings.ToLower(c.Currency)), UnitAmount: &charged,
			ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: &title}}}},
		PaymentIntentData: &stripe.CheckoutSessionPaymentIntentDataParams{Metadata: meta},
	}
	if slices.Contains(pay, "wechat_pay") {
		p.PaymentMethodOptions = &stripe.CheckoutSessionPaymentMethodOptionsParams{
			WeChatPay: &stripe.CheckoutSessionPaymentMethodOptionsWeChatPayParams{Client: stripe.String("web")}}
	}
	if c.Email != "" {
		p.CustomerEmail = &c.Email
	}
	p.Metadata = meta
	p.Context = ctx
	p.SetIdempotencyKey(c.ID.String())
	return p
}

// away tells trouble that may pass from a refusal: no answer, too many requests, or an error on the other side.
func away(err error) error {
	var refusal *stripe.Error
	if errors.As(err, &refusal) && refusal.HTTPStatusCode < 500 && refusal.HTTPStatusCode != http.StatusTooManyRequests &&
		refusal.HTTPStatusCode != http.StatusConflict {
		return err
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// missing tells that Stripe does not know an object.
func missing(err error) bool {
	var refusal *stripe.Error
	return errors.As(err, &refusal) && refusal.HTTPStatusCode == http.StatusNotFound
}
