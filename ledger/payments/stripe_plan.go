package payments

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stripe/stripe-go/v76"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
)

// ErrNotByCard means that a plan has no card that could be replaced.
var ErrNotByCard = errors.New("plan is not paid by card")

// planBatch is how many plans a processor is told of, one after the other, before other work has its turn.
const planBatch = 20

// OpenPlan opens the payment page of a plan by card, whose first gift is stored already: Stripe keeps the card and takes it each month or
// year. The first gift's id is the idempotency key. ErrNoMethod, ErrAway, ErrCardsPaused.
func (s *Stripe) OpenPlan(ctx context.Context, p *plans.Plan, first *giving.Checkout, title, returnURL string) (*PaymentPage, error) {
	if page, err := PageOf(ctx, s.db, s.book, first); !errors.Is(err, ErrNoSession) {
		return page, err
	}
	if !slices.Contains(methods(p.Currency), "card") {
		return nil, fmt.Errorf("%w: %s", ErrNoMethod, p.Currency)
	}
	defence, err := DefenceOf(ctx, s.db, s.book)
	if err != nil {
		return nil, err
	}
	if defence.Tier(s.clock()) == TierPaused {
		return nil, ErrCardsPaused
	}
	charged, err := s.chargeOf(ctx, p)
	if err != nil {
		return nil, err
	}
	meta := s.planMeta(p)
	meta["gift"] = first.ID.String()
	params := &stripe.CheckoutSessionParams{
		Mode: stripe.String("subscription"), Locale: stripeLocale(p.Lang), ClientReferenceID: stripe.String(first.ID.String()),
		SuccessURL: &returnURL, CancelURL: &returnURL, PaymentMethodTypes: stripe.StringSlice([]string{"card"}), CustomerEmail: &first.Email,
		LineItems: []*stripe.CheckoutSessionLineItemParams{{Quantity: stripe.Int64(1), PriceData: &stripe.CheckoutSessionLineItemPriceDataParams{
			Currency: stripe.String(strings.ToLower(p.Currency)), UnitAmount: &charged,
			Recurring:   &stripe.CheckoutSessionLineItemPriceDataRecurringParams{Interval: &p.Every},
			ProductData: &stripe.CheckoutSessionLineItemPriceDataProductDataParams{Name: &title}}}},
		SubscriptionData: &stripe.CheckoutSessionSubscriptionDataParams{Metadata: meta},
	}
	params.Metadata = meta
	params.Context = ctx
	params.SetIdempotencyKey(first.ID.String())
	session, err := s.newSession(ctx, params)
	if err != nil {
		return nil, fmt.Errorf("open payment of plan %s: %w", p.ID, err)
	}
	return s.keepPage(ctx, first, session, charged, true)
}

// OpenCard opens a page where a plan's donor puts another card; nothing is taken there. ErrNotByCard, plans.ErrEnded, ErrAway.
func (s *Stripe) OpenCard(ctx context.Context, p *plans.Plan, returnURL string) (url string, err error) {
	if p.Way != plans.ByCard || p.Processor != StripeCode {
		return "", ErrNotByCard
	}
	if p.State == plans.Ended {
		return "", plans.ErrEnded
	}
	params := &stripe.CheckoutSessionParams{
		Mode: stripe.String("setup"), Locale: stripeLocale(p.Lang), Customer: &p.Customer, PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
		SuccessURL: &returnURL, CancelURL: &returnURL, SetupIntentData: &stripe.CheckoutSessionSetupIntentDataParams{Metadata: s.planMeta(p)},
	}
	params.Metadata = s.planMeta(p)
	params.Context = ctx
	params.SetIdempotencyKey("card-" + uuid.NewString()) // each asking is a page of its own, and moves nothing
	session, err := s.newSession(ctx, params)
	if err != nil {
		return "", fmt.Errorf("open page for a card of plan %s: %w", p.ID, err)
	}
	return session.URL, nil
}

// newSession opens a page at Stripe, once more at once when no answer came: a donor waits. ErrAway.
func (s *Stripe) newSession(ctx context.Context, params *stripe.CheckoutSessionParams) (*stripe.CheckoutSession, error) {
	session, err := s.api.CheckoutSessions.New(params)
	if err != nil && errors.Is(away(err), ErrAway) && ctx.Err() == nil {
		session, err = s.api.CheckoutSessions.New(params)
	}
	if err != nil {
		return nil, away(err)
	}
	return session, nil
}

func stripeLocale(lang string) *string {
	if lang == "en" {
		return stripe.String("en")
	}
	return stripe.String("zh")
}

// planMeta is what a subscription says of its plan. Invoices take a copy when they are made, so that each says what gift it was to be.
func (s *Stripe) planMeta(p *plans.Plan) map[string]string {
	return map[string]string{"book": s.book.Code, "campaign": fmt.Sprint(p.CampaignID), "plan": p.ID.String(), "given": strconv.FormatInt(p.Amount, 10)}
}

// chargeOf is what is charged for a plan each time: in the book's currency, with the fee on top where donors bear it.
func (s *Stripe) chargeOf(ctx context.Context, p *plans.Plan) (int64, error) {
	if p.Currency != s.book.Currency {
		return p.Amount, nil
	}
	var bearer string
	if err := s.db.QueryRow(ctx, sqlFeeBearer, s.book.ID, p.CampaignID).Scan(&bearer); err != nil {
		return 0, fmt.Errorf("read who bears the fee of plan %s: %w", p.ID, err)
	}
	return stripeCharge(p.Amount, bearer), nil
}

// planOf is the plan that an invoice or subscription names; plans.ErrNoPlan for none of this book.
func (s *Stripe) planOf(ctx context.Context, meta map[string]string) (*plans.Plan, error) {
	id, err := uuid.Parse(meta["plan"])
	if err != nil || meta["book"] != s.book.Code {
		return nil, plans.ErrNoPlan
	}
	return plans.ByID(ctx, s.db, s.book, id)
}

func (s *Stripe) invoice(ctx context.Context, id string) (*stripe.Invoice, error) {
	p := &stripe.InvoiceParams{}
	p.Context = ctx
	invoice, err := s.api.Invoices.Get(id, p)
	if err != nil {
		return nil, away(fmt.Errorf("look up invoice %s: %w", id, err))
	}
	return invoice, nil
}

func metaOf(invoice *stripe.Invoice) map[string]string {
	if invoice.SubscriptionDetails == nil {
		return nil
	}
	return invoice.SubscriptionDetails.Metadata
}

// workInvoice books what an invoice of monthly or yearly giving has brought, and notes on its plan what became of it.
func (s *Stripe) workInvoice(ctx context.Context, id string) error {
	invoice, err := s.invoice(ctx, id)
	if err != nil {
		return err
	}
	if invoice.Paid && invoice.Charge != nil {
		if err := s.syncCharge(ctx, invoice.Charge.ID); err != nil {
			return err
		}
	}
	if err := s.noteInvoice(ctx, invoice); err != nil || invoice.Subscription == nil {
		return err
	}
	return s.workSubscription(ctx, invoice.Subscription.ID)
}

// noteInvoice notes an invoice that is paid and booked, or whose payment failed, on its plan.
func (s *Stripe) noteInvoice(ctx context.Context, invoice *stripe.Invoice) error {
	p, err := s.planOf(ctx, metaOf(invoice))
	if errors.Is(err, plans.ErrNoPlan) {
		return nil // of another program on the account, or older than plans
	}
	if err != nil {
		return err
	}
	c := plans.Charge{Invoice: invoice.ID, Amount: invoice.AmountDue, Currency: strings.ToUpper(string(invoice.Currency)), State: plans.ChargeFailed,
		Tries: int(invoice.AttemptCount), AskedAt: time.Unix(invoice.Created, 0)}
	if invoice.NextPaymentAttempt > 0 {
		at := time.Unix(invoice.NextPaymentAttempt, 0)
		c.NextTry = &at
	}
	switch {
	case invoice.Paid && invoice.Charge != nil:
		c.State, c.NextTry = plans.ChargePaid, nil
	case invoice.Paid || c.Tries == 0 || invoice.BillingReason == stripe.InvoiceBillingReasonSubscriptionCreate:
		return nil // nothing was due, not tried yet, or the donor is still at the payment page
	case invoice.Status != stripe.InvoiceStatusOpen && invoice.Status != stripe.InvoiceStatusUncollectible:
		return nil // a void one asks for nothing
	}
	return pg.InTx(ctx, s.db, func(tx pgx.Tx) error {
		if c.State == plans.ChargePaid {
			g, err := giving.StakeOf(ctx, tx, s.book, giving.Stripe, invoice.Charge.ID)
			if err != nil {
				return err
			}
			c.Gift = g.ID
		}
		return plans.NoteCharge(ctx, tx, s.book, p.ID, c, s.clock())
	})
}

// workSubscription notes what a subscription is at Stripe: its number, its next charge, its end, and its latest invoice.
func (s *Stripe) workSubscription(ctx context.Context, id string) error {
	params := &stripe.SubscriptionParams{}
	params.Context = ctx
	params.AddExpand("latest_invoice")
	sub, err := s.api.Subscriptions.Get(id, params)
	if err != nil {
		return away(fmt.Errorf("look up subscription %s: %w", id, err))
	}
	p, err := s.planOf(ctx, sub.Metadata)
	if errors.Is(err, plans.ErrNoPlan) {
		return nil
	}
	if err != nil {
		return err
	}
	if sub.Livemode != s.keys.Live() {
		return fmt.Errorf("%w: subscription %s is of the other mode", errOdd, id)
	}
	if sub.Status == stripe.SubscriptionStatusIncomplete { // the donor is still at the payment page
		return nil
	}
	if last := sub.LatestInvoice; last != nil {
		if last.Paid && last.Charge != nil {
			if err := s.syncCharge(ctx, last.Charge.ID); err != nil {
				return err
			}
		}
		if err := s.noteInvoice(ctx, last); err != nil {
			return err
		}
	}
	customer := ""
	if sub.Customer != nil {
		customer = sub.Customer.ID
	}
	return pg.InTx(ctx, s.db, func(tx pgx.Tx) error {
		card := plans.Card{Processor: StripeCode, Subscription: sub.ID, Customer: customer}
		if err := plans.Opened(ctx, tx, s.book, p.ID, card, s.book.Day(time.Unix(sub.CurrentPeriodEnd, 0))); err != nil {
			return err
		}
		switch sub.Status {
		case stripe.SubscriptionStatusCanceled, stripe.SubscriptionStatusIncompleteExpired, stripe.SubscriptionStatusUnpaid:
			return plans.EndedThere(ctx, tx, s.book, p.ID, s.clock())
		}
		return nil
	})
}

// workNewCard has a plan's charges taken from the card that its donor put, and the one that failed tried again at once.
func (s *Stripe) workNewCard(ctx context.Context, session *stripe.CheckoutSession) error {
	if session.Status != stripe.CheckoutSessionStatusComplete {
		return nil
	}
	p, err := s.planOf(ctx, session.Metadata)
	if err != nil {
		return fmt.Errorf("%w: page %s: %w", errOdd, session.ID, err)
	}
	at := time.Unix(session.Created, 0)
	if p.State == plans.Ended || p.CardAt != nil && !p.CardAt.Before(at) {
		return nil // done, or a later card is there
	}
	if session.SetupIntent == nil || session.SetupIntent.PaymentMethod == nil {
		return fmt.Errorf("page %s is done and has no card yet", session.ID)
	}
	card := session.SetupIntent.PaymentMethod.ID
	params := &stripe.SubscriptionParams{DefaultPaymentMethod: &card}
	params.Context = ctx
	params.SetIdempotencyKey(session.ID)
	params.AddExpand("latest_invoice")
	sub, err := s.api.Subscriptions.Update(p.Subscription, params)
	if err != nil {
		return away(fmt.Errorf("put card of plan %s: %w", p.ID, err))
	}
	if last := sub.LatestInvoice; last != nil && last.Status == stripe.InvoiceStatusOpen {
		pay := &stripe.InvoicePayParams{PaymentMethod: &card}
		pay.Context = ctx
		pay.SetIdempotencyKey(session.ID + "-pay")
		if _, err := s.api.Invoices.Pay(last.ID, pay); err != nil && errors.Is(away(err), ErrAway) {
			return away(fmt.Errorf("pay invoice %s: %w", last.ID, err))
		} // a card that is refused again tells so by its own events
		if err := s.hint(ctx, "invoice", last.ID, " "+session.ID, s.clock()); err != nil {
			return err
		}
	}
	return pg.InTx(ctx, s.db, func(tx pgx.Tx) error { return plans.NewCard(ctx, tx, s.book, p.ID, at) })
}

// TellPlans tells Stripe what donors changed of plans by card, and says how many it tried. What Stripe has not confirmed is told again.
func (s *Stripe) TellPlans(ctx context.Context) (tried int, err error) {
	for ; tried < planBatch; tried++ {
		t, err := plans.ToTell(ctx, s.db, s.book, StripeCode, s.clock())
		if err != nil || t == nil {
			return tried, err
		}
		if s.tellPlan(ctx, t) == nil {
			err = plans.Told(ctx, s.db, s.book, t)
		} else {
			err = plans.TellLater(ctx, s.db, s.book, t, s.clock().Add(backoff(t.Try)))
		}
		if err != nil {
			return tried, err
		}
	}
	return tried, nil
}

func (s *Stripe) tellPlan(ctx context.Context, t *plans.Telling) error {
	p := &t.Plan
	key := fmt.Sprintf("%s-%d", p.ID, t.Try)
	if t.State == plans.Ended {
		params := &stripe.SubscriptionCancelParams{}
		params.Context = ctx
		params.SetIdempotencyKey(key)
		if _, err := s.api.Subscriptions.Cancel(p.Subscription, params); err != nil && !missing(err) { // it is not there: it has ended
			return away(fmt.Errorf("end subscription %s: %w", p.Subscription, err))
		}
		if p.Reason != plans.Erased {
			return nil
		}
		gone := &stripe.CustomerParams{}
		gone.Context = ctx
		if _, err := s.api.Customers.Del(p.Customer, gone); err != nil && !missing(err) {
			return away(fmt.Errorf("erase customer of plan %s: %w", p.ID, err))
		}
		return nil
	}
	get := &stripe.SubscriptionParams{}
	get.Context = ctx
	sub, err := s.api.Subscriptions.Get(p.Subscription, get)
	if err != nil {
		return away(fmt.Errorf("look up subscription %s: %w", p.Subscription, err))
	}
	if sub.Items == nil || len(sub.Items.Data) != 1 || sub.Items.Data[0].Price == nil || sub.Items.Data[0].Price.Product == nil {
		return fmt.Errorf("%w: subscription %s has not one price", errOdd, p.Subscription)
	}
	item := sub.Items.Data[0]
	charged, err := s.chargeOf(ctx, p)
	if err != nil {
		return err
	}
	params := &stripe.SubscriptionParams{ProrationBehavior: stripe.String("none")}
	if item.Price.UnitAmount != charged {
		params.Items = []*stripe.SubscriptionItemsParams{{ID: &item.ID, PriceData: &stripe.SubscriptionItemPriceDataParams{
			Currency: stripe.String(strings.ToLower(p.Currency)), Product: &item.Price.Product.ID, UnitAmount: &charged,
			Recurring: &stripe.SubscriptionItemPriceDataRecurringParams{Interval: &p.Every}}}}
	}
	if t.State == plans.Paused { // its invoices are void: nobody is asked for what was paused
		params.PauseCollection = &stripe.SubscriptionPauseCollectionParams{Behavior: stripe.String("void")}
	} else {
		params.AddExtra("pause_collection", "")
	}
	params.Metadata = map[string]string{"given": strconv.FormatInt(p.Amount, 10)}
	params.Context = ctx
	params.SetIdempotencyKey(key)
	if _, err := s.api.Subscriptions.Update(p.Subscription, params); err != nil {
		return away(fmt.Errorf("change subscription %s: %w", p.Subscription, err))
	}
	return nil
}

// asked is what a charge was for: a gift that was started here, or the next of a plan, whose donor gives again.
type asked struct {
	gift     uuid.UUID // zero: not started here
	campaign int32
	given    int64 // of the charge, the gift, the rest covers the fee; zero: the charge or what was started
	plan     *plans.Plan
	invoice  *stripe.Invoice
}

// askedBy reads from a charge what it was for.
func (s *Stripe) askedBy(ctx context.Context, ch *stripe.Charge) (a asked, err error) {
	meta := ch.Metadata
	if ch.Invoice != nil && ch.Invoice.ID != "" {
		if a.invoice, err = s.invoice(ctx, ch.Invoice.ID); err != nil {
			return a, err
		}
		meta = metaOf(a.invoice)
	}
	n, err := strconv.ParseInt(meta["campaign"], 10, 32)
	if meta["book"] != s.book.Code || err != nil || n <= 0 {
		return a, fmt.Errorf("%w: charge %s names no gift of this book", errOdd, ch.ID)
	}
	a.campaign = int32(n)
	if a.invoice == nil || a.invoice.BillingReason == stripe.InvoiceBillingReasonSubscriptionCreate {
		if a.gift, err = uuid.Parse(meta["gift"]); err != nil {
			return a, fmt.Errorf("%w: charge %s names no gift of this book", errOdd, ch.ID)
		}
		return a, nil
	}
	switch a.plan, err = s.planOf(ctx, meta); {
	case errors.Is(err, plans.ErrNoPlan): // its money is here
		return a, nil
	case err != nil:
		return a, err
	}
	if n, err := strconv.ParseInt(meta["given"], 10, 64); err == nil && n > 0 && n < ch.Amount {
		a.given = n
	}
	return a, nil
}

// again fills in who gives again by a plan. Of somebody erased it knows nothing.
func (s *Stripe) again(ctx context.Context, p *plans.Plan, paid *giving.Paid) error {
	told, err := giving.Donors(ctx, s.db, s.book, []uuid.UUID{p.Donor})
	if err != nil {
		return err
	}
	donor, there := told[p.Donor]
	paid.Anonymous = p.Anonymous || !there
	paid.Name, paid.Email = donor.Name, donor.Email
	return nil
}
