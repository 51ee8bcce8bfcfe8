package stripefake

import (
	"errors"
	"fmt"
)

// ErrNotNow means that the account does not allow it as things stand.
var ErrNotNow = errors.New("not possible as things stand")

// Sessions lists the payment pages that are still open, in the order in which they were opened.
func (f *Fake) Sessions() (open []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := 1; i <= f.serial; i++ {
		if s := f.sessions[fmt.Sprintf("cs_fake%06d", i)]; s != nil && s.status == "open" {
			open = append(open, s.id)
		}
	}
	return open
}

// Pay is a donor who pays at once.
func (f *Fake) Pay(session string) (charge string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[session]
	if s == nil || s.status != "open" {
		return "", ErrNotNow
	}
	switch s.mode {
	case "subscription":
		f.subscribe(s)
	case "setup":
		s.status, s.card = "complete", f.id("pm")
	default:
		f.paid(s)
	}
	f.tell("checkout.session.completed", s.object())
	if s.charge == nil {
		return "", nil
	}
	return s.charge.id, nil
}

// Decline is a card that the bank refuses; the page stays open for another.
func (f *Fake) Decline(session string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[session]
	if s == nil || s.status != "open" {
		return ErrNotNow
	}
	c := &charge{id: f.id("ch"), amount: s.amount, currency: s.currency, meta: s.intentMeta, created: f.Now().Unix()}
	f.charges[c.id] = c
	f.tell("charge.failed", f.chargeObject(c))
	return nil
}

// ChargeOf is the charge by which a payment page was paid; empty when it was not.
func (f *Fake) ChargeOf(session string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if s := f.sessions[session]; s != nil && s.charge != nil {
		return s.charge.id
	}
	return ""
}

// PayLater is a donor whose bank takes its time.
func (f *Fake) PayLater(session string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[session]
	if s == nil || s.status != "open" || s.mode != "payment" {
		return ErrNotNow
	}
	s.status = "complete"
	f.tell("checkout.session.completed", s.object())
	return nil
}

// Settle says what became of a payment that took its time.
func (f *Fake) Settle(session string, paid bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.sessions[session]
	if s == nil || s.status != "complete" || s.payment == "paid" || s.tried {
		return ErrNotNow
	}
	if !paid {
		s.tried = true
		f.tell("checkout.session.async_payment_failed", s.object())
		return nil
	}
	f.paid(s)
	f.tell("checkout.session.async_payment_succeeded", s.object())
	return nil
}

// Expire is a donor who never came back.
func (f *Fake) Expire(session string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.expire(f.sessions[session])
}

func (f *Fake) expire(s *session) error {
	if s == nil || s.status != "open" {
		return ErrNotNow
	}
	s.status = "expired"
	f.tell("checkout.session.expired", s.object())
	return nil
}

func (f *Fake) paid(s *session) {
	s.status, s.payment = "complete", "paid"
	s.charge = f.charged(s.amount, s.currency, s.intentMeta)
	f.tell("charge.succeeded", f.chargeObject(s.charge))
}

func (f *Fake) charged(amount int64, currency string, meta map[string]string) *charge {
	c := &charge{id: f.id("ch"), amount: amount, currency: currency, meta: meta, created: f.Now().Unix()}
	settled := f.settle(amount, currency)
	c.txn = f.move("charge", "charge", c.id, settled, feeOf(settled))
	f.charges[c.id] = c
	return c
}

// Charge takes money without a payment page, as other programs on the account do.
func (f *Fake) Charge(amount int64, currency string, meta map[string]string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.charged(amount, currency, meta)
	f.tell("charge.succeeded", f.chargeObject(c))
	return c.id
}

// Invoice is a month of a subscription with these metadata, paid.
func (f *Fake) Invoice(amount int64, meta map[string]string) (charge string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.charged(amount, f.Currency, nil)
	i := &invoice{id: f.id("in"), charge: c.id, meta: meta, status: "paid", reason: "subscription_cycle", currency: f.Currency, amount: amount, created: f.Now().Unix()}
	c.invoice, f.invoices[i.id] = i.id, i
	f.tell("invoice.paid", i.object())
	return c.id
}

// Refund is somebody in the dashboard giving money back.
func (f *Fake) Refund(charge string, amount int64) (refund string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	r, err := f.giveBack(charge, amount, "requested_by_customer", nil)
	if err != nil {
		return "", err
	}
	return r.id, nil
}

func (f *Fake) giveBack(id string, amount int64, reason string, meta map[string]string) (*refund, error) {
	c := f.charges[id]
	if c == nil || c.disputed || amount <= 0 || amount > c.amount-c.refunded {
		return nil, ErrNotNow
	}
	r := &refund{id: f.id("re"), status: "succeeded", reason: reason, amount: amount, charge: c, meta: meta, created: f.Now().Unix()}
	before := f.settle(c.refunded, c.currency)
	c.refunded += amount
	r.txn = f.move("refund", "refund", r.id, before-f.settle(c.refunded, c.currency), 0)
	f.refunds = append(f.refunds, r)
	f.tell("charge.refunded", f.chargeObject(c))
	return r, nil
}

// FailRefund is a bank that sends a refund back.
func (f *Fake) FailRefund(id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.refunds {
		if r.id == id && r.status == "succeeded" {
			r.status, r.failure = "failed", "lost_or_stolen_card"
			r.charge.refunded -= r.amount
			r.back = f.move("refund_failure", "refund_failure", r.id, -r.txn.amount, 0)
			f.tell("charge.refund.updated", r.object())
			return nil
		}
	}
	return ErrNotNow
}

// The fee of a dispute, in the account's currency.
const disputeFee = 1500

// Dispute is a cardholder who disputes what is left of a charge. An inquiry withdraws nothing.
func (f *Fake) Dispute(charge string, inquiry bool) (id string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.charges[charge]
	if c == nil || c.disputed || c.amount == c.refunded {
		return "", ErrNotNow
	}
	d := &dispute{id: f.id("dp"), status: "needs_response", amount: c.amount - c.refunded, charge: c, created: f.Now().Unix()}
	c.disputed = true
	if inquiry {
		d.status = "warning_needs_response"
	} else {
		d.txns = append(d.txns, f.move("dispute", "adjustment", d.id, -f.settle(d.amount, c.currency), disputeFee))
	}
	f.disputes = append(f.disputes, d)
	f.tell("charge.dispute.created", d.object())
	return d.id, nil
}

// CloseDispute is the bank's decision.
func (f *Fake) CloseDispute(id string, won bool) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, d := range f.disputes {
		if d.id != id || d.status == "won" || d.status == "lost" || d.status == "warning_closed" {
			continue
		}
		switch {
		case len(d.txns) == 0:
			d.status = "warning_closed"
		case won:
			d.status = "won"
			d.txns = append(d.txns, f.move("dispute_reversal", "adjustment", d.id, -d.txns[0].amount, 0))
		default:
			d.status = "lost"
		}
		f.tell("charge.dispute.closed", d.object())
		return nil
	}
	return ErrNotNow
}

// PayOut sends what is in the balance to the bank. Its list of rows is complete only after Reconcile.
func (f *Fake) PayOut() (id string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sum int64
	var members []*txn
	for _, t := range f.txns {
		if t.payout == "" && t.category != "payout" {
			members, sum = append(members, t), sum+t.amount-t.fee
		}
	}
	if sum <= 0 {
		return "", ErrNotNow
	}
	p := &payout{id: f.id("po"), status: "in_transit", amount: sum, created: f.Now().Unix()}
	for _, t := range members {
		t.payout = p.id
	}
	p.txn = f.move("payout", "payout", p.id, -sum, 0)
	p.txn.payout = p.id
	f.payouts = append(f.payouts, p)
	f.tell("payout.created", p.object())
	return p.id, nil
}

// Reconcile says that the list of a payout's rows is complete.
func (f *Fake) Reconcile(id string) error {
	return f.ofPayout(id, func(p *payout) string {
		if p.complete {
			return ""
		}
		p.complete = true
		return "payout.reconciliation_completed"
	})
}

// Land says that a payout is at the bank.
func (f *Fake) Land(id string) error {
	return f.ofPayout(id, func(p *payout) string {
		if p.status != "in_transit" {
			return ""
		}
		p.status = "paid"
		return "payout.paid"
	})
}

// Bounce says that the bank has sent a payout back, even one that was called paid.
func (f *Fake) Bounce(id string) error {
	return f.ofPayout(id, func(p *payout) string {
		if p.status == "failed" {
			return ""
		}
		p.status = "failed"
		p.back = f.move("payout_reversal", "payout_failure", p.id, p.amount, 0)
		return "payout.failed"
	})
}

func (f *Fake) ofPayout(id string, deed func(*payout) (event string)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.payouts {
		if p.id == id {
			if event := deed(p); event != "" {
				f.tell(event, p.object())
				return nil
			}
		}
	}
	return ErrNotNow
}

// Bill takes a fee of the account itself. No event tells of it.
func (f *Fake) Bill(amount int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.move("fee", "stripe_fee", "", -amount, 0)
}

// Odd moves the balance in a way that a charity's account should not know. No event tells of it.
func (f *Fake) Odd(amount int64) (row string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.move("topup", "topup", "", amount, 0).id
}
