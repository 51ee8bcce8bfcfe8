package stripefake

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

type object = map[string]any

// answer is what a request was answered with; the same idempotency key gets it again.
type answer struct {
	status int
	body   object
	asked  string
}

func (f *Fake) routes() {
	f.mux = http.NewServeMux()
	api := func(pattern string, do func(r *http.Request) answer) {
		f.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { f.answer(w, r, do) })
	}
	found := func(o object, ok bool, id string) answer {
		if !ok {
			return refusal(http.StatusNotFound, "resource_missing", "No such object: '"+id+"'")
		}
		return answer{status: http.StatusOK, body: o}
	}
	api("GET /v1/account", func(*http.Request) answer { return found(object{"id": f.Account, "object": "account"}, true, "") })
	api("POST /v1/checkout/sessions", f.createSession)
	api("GET /v1/checkout/sessions/{id}", func(r *http.Request) answer {
		s := f.sessions[r.PathValue("id")]
		if s == nil {
			return found(nil, false, r.PathValue("id"))
		}
		return found(s.object(), true, "")
	})
	api("POST /v1/checkout/sessions/{id}/expire", func(r *http.Request) answer {
		s := f.sessions[r.PathValue("id")]
		if err := f.expire(s); err != nil {
			return refusal(http.StatusBadRequest, "", "Only Checkout Sessions with a status in [\"open\"] can be expired")
		}
		return found(s.object(), true, "")
	})
	api("GET /v1/charges/{id}", func(r *http.Request) answer {
		c := f.charges[r.PathValue("id")]
		if c == nil {
			return found(nil, false, r.PathValue("id"))
		}
		return found(f.chargeObject(c), true, "")
	})
	api("GET /v1/invoices/{id}", func(r *http.Request) answer {
		i := f.invoices[r.PathValue("id")]
		if i == nil {
			return found(nil, false, r.PathValue("id"))
		}
		return found(i.object(), true, "")
	})
	f.subscriptionRoutes(api)
	api("POST /v1/refunds", f.createRefund)
	api("GET /v1/refunds/{id}", func(r *http.Request) answer {
		i := slices.IndexFunc(f.refunds, func(one *refund) bool { return one.id == r.PathValue("id") })
		if i < 0 {
			return found(nil, false, r.PathValue("id"))
		}
		return found(f.refunds[i].full(f), true, "")
	})
	api("GET /v1/refunds", func(r *http.Request) answer {
		var all []object
		for _, one := range f.refunds {
			if one.charge.id == r.URL.Query().Get("charge") {
				all = append(all, one.full(f))
			}
		}
		return page(r, all)
	})
	api("GET /v1/disputes/{id}", func(r *http.Request) answer {
		i := slices.IndexFunc(f.disputes, func(one *dispute) bool { return one.id == r.PathValue("id") })
		if i < 0 {
			return found(nil, false, r.PathValue("id"))
		}
		return found(f.disputes[i].full(f), true, "")
	})
	api("GET /v1/disputes", func(r *http.Request) answer {
		var all []object
		for _, one := range f.disputes {
			if one.charge.id == r.URL.Query().Get("charge") {
				all = append(all, one.full(f))
			}
		}
		return page(r, all)
	})
	api("GET /v1/payouts/{id}", func(r *http.Request) answer {
		i := slices.IndexFunc(f.payouts, func(one *payout) bool { return one.id == r.PathValue("id") })
		if i < 0 {
			return found(nil, false, r.PathValue("id"))
		}
		return found(f.payouts[i].full(f), true, "")
	})
	api("GET /v1/balance_transactions/{id}", func(r *http.Request) answer {
		i := slices.IndexFunc(f.txns, func(one *txn) bool { return one.id == r.PathValue("id") })
		if i < 0 {
			return found(nil, false, r.PathValue("id"))
		}
		return found(f.txns[i].object(f), true, "")
	})
	api("GET /v1/balance_transactions", f.listTxns)
	f.mux.HandleFunc("GET /pay/{id}", f.payPage)
	f.mux.HandleFunc("POST /pay/{id}", f.payForm)
}

// ServeHTTP answers the API and the payment pages.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) { f.mux.ServeHTTP(w, r) }

// answer does one request, with the faults that are planned.
func (f *Fake) answer(w http.ResponseWriter, r *http.Request, do func(*http.Request) answer) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests++
	if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer sk_test_") {
		write(w, refusal(http.StatusUnauthorized, "", "Invalid API key"))
		return
	}
	if f.chance(f.Faults.Refused) {
		write(w, refusal(http.StatusInternalServerError, "", "An unknown error occurred"))
		return
	}
	key, asked := r.Header.Get("Idempotency-Key"), r.URL.Path+"?"+r.PostForm.Encode()
	a, again := f.answers[key]
	switch {
	case r.Method == http.MethodPost && key == "":
		a = refusal(http.StatusBadRequest, "", "This fake wants an idempotency key on every POST")
	case r.Method == http.MethodPost && again && a.asked != asked:
		a = refusal(http.StatusBadRequest, "", "Keys for idempotent requests can only be used with the same parameters")
	case r.Method == http.MethodPost && again:
	default:
		if a = do(r); r.Method == http.MethodPost && a.status < 500 {
			a.asked = asked
			f.answers[key] = a
		}
	}
	if f.chance(f.Faults.Vanished) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close()
			return
		}
	}
	write(w, a)
}

func write(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body)
}

func refusal(status int, code, message string) answer {
	kind := "invalid_request_error"
	if status >= 500 {
		kind = "api_error"
	}
	return answer{status: status, body: object{"error": object{"type": kind, "code": code, "message": message}}}
}

// page gives one page of a list, the latest first.
func page(r *http.Request, all []object) answer {
	slices.Reverse(all)
	limit, err := strconv.Atoi(r.URL.Query().Get("limit"))
	if err != nil || limit < 1 {
		limit = 10
	}
	if after := r.URL.Query().Get("starting_after"); after != "" {
		i := slices.IndexFunc(all, func(o object) bool { return o["id"] == after })
		all = all[i+1:]
	}
	more := len(all) > limit
	if more {
		all = all[:limit]
	}
	if all == nil {
		all = []object{}
	}
	return answer{status: http.StatusOK, body: object{"object": "list", "data": all, "has_more": more, "url": r.URL.Path}}
}

func metaOf(form url.Values, name string) map[string]string {
	meta := map[string]string{}
	for key := range form {
		if rest, ok := strings.CutPrefix(key, name+"["); ok {
			meta[strings.TrimSuffix(rest, "]")] = form.Get(key)
		}
	}
	return meta
}

func (f *Fake) createSession(r *http.Request) answer {
	s, ok := f.readSession(r)
	if !ok {
		return refusal(http.StatusBadRequest, "parameter_invalid", "This payment page cannot be made")
	}
	s.id = f.id("cs")
	s.url = "http://" + r.Host + "/pay/" + s.id
	f.sessions[s.id] = s
	return answer{status: http.StatusOK, body: s.object()}
}

func (f *Fake) createRefund(r *http.Request) answer {
	amount, err := strconv.ParseInt(r.PostForm.Get("amount"), 10, 64)
	if err != nil {
		return refusal(http.StatusBadRequest, "parameter_invalid_integer", "Invalid amount")
	}
	back, err := f.giveBack(r.PostForm.Get("charge"), amount, r.PostForm.Get("reason"), metaOf(r.PostForm, "metadata"))
	if err != nil {
		return refusal(http.StatusBadRequest, "charge_already_refunded", "The charge cannot be refunded by that much")
	}
	return answer{status: http.StatusOK, body: back.full(f)}
}

func (f *Fake) listTxns(r *http.Request) answer {
	q := r.URL.Query()
	from, _ := strconv.ParseInt(q.Get("created[gte]"), 10, 64)
	of := q.Get("payout")
	var all []object
	for _, t := range f.txns {
		if of != "" && t.payout != of || t.created < from {
			continue
		}
		all = append(all, t.object(f))
	}
	if i := slices.IndexFunc(f.payouts, func(p *payout) bool { return p.id == of }); i >= 0 && !f.payouts[i].complete && len(all) > 2 {
		all = all[1:] // the list is not complete yet
	}
	return page(r, all)
}

func (s *session) object() object {
	intent := any(nil)
	if s.status == "complete" && s.mode == "payment" {
		o := object{"id": "pi" + strings.TrimPrefix(s.id, "cs"), "object": "payment_intent", "status": "processing"}
		switch {
		case s.charge != nil:
			o["status"], o["latest_charge"] = "succeeded", s.charge.id
		case s.tried:
			o["status"] = "requires_payment_method"
		}
		intent = o
	}
	o := object{"id": s.id, "object": "checkout.session", "livemode": false, "mode": s.mode, "status": s.status, "payment_status": s.payment,
		"amount_total": s.amount, "currency": s.currency, "metadata": s.meta, "payment_intent": intent, "url": s.url, "created": s.created}
	if s.sub != nil {
		o["subscription"], o["invoice"] = s.sub.id, s.sub.first
	}
	if s.card != "" {
		o["setup_intent"] = object{"id": "seti" + strings.TrimPrefix(s.id, "cs"), "object": "setup_intent", "status": "succeeded", "payment_method": s.card}
	}
	return o
}

func (f *Fake) chargeObject(c *charge) object {
	o := object{"id": c.id, "object": "charge", "livemode": false, "status": "succeeded", "paid": true, "captured": true, "amount": c.amount,
		"amount_refunded": c.refunded, "refunded": c.refunded == c.amount, "disputed": c.disputed, "currency": c.currency, "metadata": maps.Clone(c.meta),
		"created": c.created}
	if c.txn == nil {
		o["status"], o["paid"], o["captured"] = "failed", false, false
	} else {
		o["balance_transaction"] = c.txn.object(f)
	}
	if c.invoice != "" {
		o["invoice"] = c.invoice
	}
	return o
}

func (i *invoice) object() object {
	o := object{"id": i.id, "object": "invoice", "livemode": false, "paid": i.status == "paid", "status": i.status, "attempt_count": i.tries,
		"amount_due": i.amount, "currency": i.currency, "created": i.created, "billing_reason": i.reason, "subscription_details": object{"metadata": i.meta}}
	if i.charge != "" {
		o["charge"] = i.charge
	}
	if i.next != 0 {
		o["next_payment_attempt"] = i.next
	}
	if i.sub != nil {
		o["subscription"] = i.sub.id
	}
	return o
}

func (r *refund) object() object {
	o := object{"id": r.id, "object": "refund", "status": r.status, "amount": r.amount, "currency": r.charge.currency, "charge": r.charge.id,
		"metadata": r.meta, "created": r.created, "reason": r.reason, "balance_transaction": r.txn.id}
	if r.back != nil {
		o["failure_reason"], o["failure_balance_transaction"] = r.failure, r.back.id
	}
	return o
}

func (r *refund) full(f *Fake) object {
	o := r.object()
	o["balance_transaction"] = r.txn.object(f)
	if r.back != nil {
		o["failure_balance_transaction"] = r.back.object(f)
	}
	return o
}

func (d *dispute) object() object {
	return object{"id": d.id, "object": "dispute", "livemode": false, "status": d.status, "amount": d.amount, "currency": d.charge.currency,
		"charge": d.charge.id, "reason": "fraudulent", "created": d.created, "evidence_details": object{"due_by": d.created + 7*24*3600}}
}

func (d *dispute) full(f *Fake) object {
	o := d.object()
	rows := []object{}
	for _, t := range d.txns {
		rows = append(rows, t.object(f))
	}
	o["balance_transactions"] = rows
	return o
}

func (p *payout) object() object {
	status := "in_progress"
	if p.complete {
		status = "completed"
	}
	return object{"id": p.id, "object": "payout", "livemode": false, "status": p.status, "amount": p.amount, "automatic": !p.byHand, "created": p.created,
		"arrival_date": p.created + 86400, "reconciliation_status": status, "balance_transaction": p.txn.id}
}

func (p *payout) full(f *Fake) object {
	o := p.object()
	o["balance_transaction"] = p.txn.object(f)
	if p.back != nil {
		o["failure_balance_transaction"] = p.back.object(f)
	}
	return o
}

func (t *txn) object(f *Fake) object {
	o := object{"id": t.id, "object": "balance_transaction", "amount": t.amount, "fee": t.fee, "net": t.amount - t.fee, "currency": f.Currency,
		"created": t.created, "available_on": t.created, "status": "available", "type": t.kind, "reporting_category": t.category, "source": nil}
	if t.source != "" {
		o["source"] = t.source
	}
	return o
}

// payPage is what a donor sees: pay, pay later, or turn away.
func (f *Fake) payPage(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	s := f.sessions[r.PathValue("id")]
	f.mu.Unlock()
	if s == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, `<!doctype html><html lang="en"><title>Pay</title><h1>%s</h1><p>%d %s</p><form method="post">
<button name="do" value="pay">Pay</button><button name="do" value="later">Pay later</button><button name="do" value="leave">Turn away</button></form></html>`,
		html.EscapeString(s.title), s.amount, html.EscapeString(s.currency))
}

func (f *Fake) payForm(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	var err error
	switch r.FormValue("do") {
	case "pay":
		_, err = f.Pay(id)
	case "later":
		err = f.PayLater(id)
	default:
		err = f.Expire(id)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	f.mu.Lock()
	back := f.sessions[id].success
	f.mu.Unlock()
	http.Redirect(w, r, back, http.StatusSeeOther)
}
