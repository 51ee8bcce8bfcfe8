package stripefake

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// subscription is a card that is charged again and again.
type subscription struct {
	id, customer, item, product, status, currency, interval, method string
	amount                                                          int64
	meta                                                            map[string]string
	paused, dead                                                    bool // dead: the card is refused
	ends                                                            int64
	last                                                            *invoice
	first                                                           string // invoice
}

// The processor tries a refused card so often, some days apart.
const (
	tryMax   = 4
	tryEvery = 3 * 24 * time.Hour
)

func (f *Fake) subscriptionRoutes(api func(string, func(*http.Request) answer)) {
	found := func(r *http.Request, do func(*subscription) answer) answer {
		s := f.subscriptions[r.PathValue("id")]
		if s == nil {
			return refusal(http.StatusNotFound, "resource_missing", "No such subscription")
		}
		return do(s)
	}
	api("GET /v1/subscriptions/{id}", func(r *http.Request) answer {
		return found(r, func(s *subscription) answer { return answer{status: http.StatusOK, body: s.full()} })
	})
	api("POST /v1/subscriptions/{id}", func(r *http.Request) answer {
		return found(r, func(s *subscription) answer { return f.changeSubscription(s, r) })
	})
	api("DELETE /v1/subscriptions/{id}", func(r *http.Request) answer {
		return found(r, func(s *subscription) answer {
			if s.status == "canceled" {
				return refusal(http.StatusNotFound, "resource_missing", "No such subscription")
			}
			f.cancel(s)
			return answer{status: http.StatusOK, body: s.full()}
		})
	})
	api("DELETE /v1/customers/{id}", func(r *http.Request) answer {
		return answer{status: http.StatusOK, body: object{"id": r.PathValue("id"), "object": "customer", "deleted": true}}
	})
	api("POST /v1/invoices/{id}/pay", func(r *http.Request) answer {
		i := f.invoices[r.PathValue("id")]
		if i == nil || i.sub == nil || i.status != "open" {
			return refusal(http.StatusBadRequest, "invoice_already_paid", "Invoice cannot be paid")
		}
		if f.try(i); i.status != "paid" {
			return refusal(http.StatusPaymentRequired, "card_declined", "Your card was declined")
		}
		return answer{status: http.StatusOK, body: i.object()}
	})
}

func (f *Fake) changeSubscription(s *subscription, r *http.Request) answer {
	form := r.PostForm
	if s.status == "canceled" {
		return refusal(http.StatusBadRequest, "", "A canceled subscription can only update its cancellation_details and metadata")
	}
	if text := form.Get("items[0][price_data][unit_amount]"); text != "" {
		amount, err := strconv.ParseInt(text, 10, 64)
		if err != nil || amount <= 0 || form.Get("items[0][id]") != s.item || form.Get("items[0][price_data][product]") != s.product ||
			form.Get("items[0][price_data][recurring][interval]") != s.interval || form.Get("proration_behavior") != "none" {
			return refusal(http.StatusBadRequest, "parameter_invalid", "This price cannot be made")
		}
		s.amount = amount
	}
	maps.Copy(s.meta, metaOf(form, "metadata"))
	switch {
	case form.Get("pause_collection[behavior]") == "void":
		s.paused = true
	case form.Has("pause_collection"):
		s.paused = false
	}
	if card := form.Get("default_payment_method"); card != "" {
		s.method, s.dead = card, false
	}
	f.tell("customer.subscription.updated", s.object())
	return answer{status: http.StatusOK, body: s.full()}
}

// subscribe makes the subscription of a payment page whose donor has paid, and its first invoice.
func (f *Fake) subscribe(s *session) {
	sub := &subscription{id: f.id("sub"), customer: f.id("cus"), item: f.id("si"), product: f.id("prod"), status: "active", currency: s.currency,
		interval: s.interval, method: f.id("pm"), amount: s.amount, meta: maps.Clone(s.intentMeta)}
	f.subscriptions[sub.id] = sub
	s.sub = sub
	f.order = append(f.order, sub.id)
	sub.ends = sub.after(f.Now())
	sub.last = f.invoiceOf(sub, "subscription_create")
	sub.first = sub.last.id
	f.tell("customer.subscription.created", sub.object())
	f.try(sub.last)
	s.status, s.payment, s.charge = "complete", "paid", f.charges[sub.last.charge]
}

func (s *subscription) after(at time.Time) int64 {
	if s.interval == "year" {
		return at.AddDate(1, 0, 0).Unix()
	}
	return at.AddDate(0, 1, 0).Unix()
}

func (f *Fake) invoiceOf(s *subscription, reason string) *invoice {
	i := &invoice{id: f.id("in"), meta: maps.Clone(s.meta), sub: s, amount: s.amount, currency: s.currency, reason: reason, status: "open", created: f.Now().Unix()}
	f.invoices[i.id] = i
	return i
}

// try asks the card for an invoice.
func (f *Fake) try(i *invoice) {
	s := i.sub
	i.tries++
	if !s.dead {
		c := f.charged(i.amount, i.currency, nil)
		c.invoice = i.id
		i.charge, i.status, i.next = c.id, "paid", 0
		if s.status == "past_due" {
			s.status = "active"
		}
		f.tell("charge.succeeded", f.chargeObject(c))
		f.tell("invoice.paid", i.object())
		f.tell("customer.subscription.updated", s.object())
		return
	}
	c := &charge{id: f.id("ch"), amount: i.amount, currency: i.currency, created: f.Now().Unix(), invoice: i.id}
	f.charges[c.id] = c
	f.tell("charge.failed", f.chargeObject(c))
	s.status, i.next = "past_due", f.Now().Add(tryEvery).Unix()
	if i.tries >= tryMax {
		s.status, i.next = "unpaid", 0
	}
	f.tell("invoice.payment_failed", i.object())
	f.tell("customer.subscription.updated", s.object())
}

func (f *Fake) cancel(s *subscription) {
	s.status = "canceled"
	f.tell("customer.subscription.deleted", s.object())
}

// Subscriptions lists those that are not canceled, in the order in which they began.
func (f *Fake) Subscriptions() (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range f.order {
		if f.subscriptions[id].status != "canceled" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (f *Fake) ofSubscription(id string, deed func(*subscription) error) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.subscriptions[id]
	if s == nil || s.status == "canceled" {
		return ErrNotNow
	}
	return deed(s)
}

// Renew is the next month, or year, of a subscription: its card is charged, unless it is paused.
func (f *Fake) Renew(id string) error {
	return f.ofSubscription(id, func(s *subscription) error {
		if s.status != "active" {
			return ErrNotNow
		}
		s.ends = s.after(time.Unix(s.ends, 0).UTC())
		s.last = f.invoiceOf(s, "subscription_cycle")
		if s.paused {
			s.last.status = "void"
			f.tell("invoice.voided", s.last.object())
			return nil
		}
		f.try(s.last)
		return nil
	})
}

// Retry tries a refused card again.
func (f *Fake) Retry(id string) error {
	return f.ofSubscription(id, func(s *subscription) error {
		if s.last.status != "open" || s.last.next == 0 {
			return ErrNotNow
		}
		f.try(s.last)
		return nil
	})
}

// KillCard has a subscription's card refused from now on.
func (f *Fake) KillCard(id string) error {
	return f.ofSubscription(id, func(s *subscription) error { s.dead = true; return nil })
}

// Unsubscribe is somebody in the dashboard.
func (f *Fake) Unsubscribe(id string) error {
	return f.ofSubscription(id, func(s *subscription) error { f.cancel(s); return nil })
}

// Subscribed tells how a subscription stands: its status, "paused" when it collects nothing, and what it charges each time.
func (f *Fake) Subscribed(id string) (status string, amount int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.subscriptions[id]
	if s == nil {
		return "", 0
	}
	if s.paused && s.status == "active" {
		return "paused", s.amount
	}
	return s.status, s.amount
}

func (s *subscription) object() object {
	o := object{"id": s.id, "object": "subscription", "livemode": false, "status": s.status, "customer": s.customer, "metadata": maps.Clone(s.meta),
		"current_period_end": s.ends, "currency": s.currency, "default_payment_method": s.method, "latest_invoice": s.last.id,
		"items": object{"object": "list", "data": []object{{"id": s.item, "object": "subscription_item", "price": object{"id": fmt.Sprintf("price_%d", s.amount),
			"object": "price", "product": s.product, "unit_amount": s.amount, "currency": s.currency}}}}}
	if s.paused {
		o["pause_collection"] = object{"behavior": "void"}
	}
	return o
}

func (s *subscription) full() object {
	o := s.object()
	o["latest_invoice"] = s.last.object()
	return o
}

// modes are the kinds of payment pages: paid once, again and again, or to put a card.
var modes = []string{"payment", "subscription", "setup"}

// readSession reads what a page is for. false when it cannot be made.
func (f *Fake) readSession(r *http.Request) (*session, bool) {
	form := r.PostForm
	s := &session{status: "open", payment: "unpaid", mode: form.Get("mode"), success: form.Get("success_url"), created: f.Now().Unix(),
		currency: form.Get("line_items[0][price_data][currency]"), title: form.Get("line_items[0][price_data][product_data][name]"),
		interval: form.Get("line_items[0][price_data][recurring][interval]"), meta: metaOf(form, "metadata"),
		intentMeta: metaOf(form, "payment_intent_data[metadata]")}
	if !slices.Contains(modes, s.mode) || form.Get("payment_method_types[0]") == "" {
		return nil, false
	}
	if s.mode == "setup" {
		s.payment = "no_payment_required"
		return s, form.Get("customer") != "" && s.currency == ""
	}
	if s.mode == "subscription" {
		s.intentMeta = metaOf(form, "subscription_data[metadata]")
		if s.interval != "month" && s.interval != "year" || form.Get("submit_type") != "" || form.Get("payment_method_types[0]") != "card" || form.Has("payment_method_types[1]") {
			return nil, false
		}
	}
	var err error
	s.amount, err = strconv.ParseInt(form.Get("line_items[0][price_data][unit_amount]"), 10, 64)
	return s, err == nil && s.amount > 0 && len(s.currency) == 3
}
