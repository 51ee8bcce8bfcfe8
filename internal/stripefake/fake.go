// Package stripefake is a small Stripe of our own for trials and tests: real HTTP, a balance that keeps every rule of the real
// one, signed webhooks, and faults on demand. It knows nothing of the books; they are held against its balance. What donors, the
// office at Stripe's dashboard and banks do is in deeds.go, its API in api.go, its outgoing post in post.go.
package stripefake

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Version is the version of the API that it speaks.
const Version = "2023-10-16"

// Config is what a fake is made of.
type Config struct {
	Account  string // acct_…
	Secret   string // of its webhooks, whsec_…
	Currency string // of its balance, lower case
	Now      func() time.Time
	Seed     uint64
	Faults   Faults
}

// Faults are chances in a hundred.
type Faults struct {
	Refused  int // the API answers 500 and has done nothing
	Vanished int // the API has done it, and the connection ends without an answer
	Lost     int // an event is never delivered
	Doubled  int // an event is delivered twice
	Late     int // an event waits until others have passed it
}

// Fake is the account at Stripe.
type Fake struct {
	Config
	mu     sync.Mutex
	rng    *rand.Rand
	serial int
	mux    *http.ServeMux

	sessions      map[string]*session
	charges       map[string]*charge
	refunds       []*refund
	disputes      []*dispute
	payouts       []*payout
	txns          []*txn
	invoices      map[string]*invoice
	subscriptions map[string]*subscription
	order         []string          // of subscriptions
	answers       map[string]answer // by idempotency key
	post          []*letter
	requests      int
}

type session struct {
	id, url, success, status, payment, currency, title string
	amount                                             int64
	meta, intentMeta                                   map[string]string
	charge                                             *charge
	tried                                              bool // a try has failed for good
	mode, interval                                     string
	sub                                                *subscription
	card                                               string // that the donor put
	created                                            int64
}

type charge struct {
	id, currency string
	amount       int64
	refunded     int64
	disputed     bool
	meta         map[string]string
	txn          *txn // nil: declined
	created      int64
	invoice      string
}

type refund struct {
	id, status, reason, failure string
	amount                      int64
	charge                      *charge
	meta                        map[string]string
	txn, back                   *txn
	created                     int64
}

type dispute struct {
	id, status string
	amount     int64
	charge     *charge
	txns       []*txn
	created    int64
}

type payout struct {
	id, status string
	amount     int64
	txn, back  *txn
	complete   bool
	byHand     bool
	created    int64
}

// txn is a row of the balance.
type txn struct {
	id, category, kind, source, payout string
	amount, fee                        int64
	created                            int64
}

type invoice struct {
	id, charge, status, reason, currency string
	meta                                 map[string]string
	sub                                  *subscription // nil: of another program
	amount, created, next                int64
	tries                                int
}

// New makes an account without any money.
func New(cfg Config) *Fake {
	f := &Fake{Config: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 7)), sessions: map[string]*session{}, charges: map[string]*charge{},
		invoices: map[string]*invoice{}, subscriptions: map[string]*subscription{}, answers: map[string]answer{}}
	f.routes()
	return f
}

func (f *Fake) id(prefix string) string {
	f.serial++
	return fmt.Sprintf("%s_%s%06d", prefix, "fake", f.serial)
}

// chance is true so many times in a hundred.
func (f *Fake) chance(percent int) bool { return percent > 0 && f.rng.IntN(100) < percent }

// Balance is what the account holds, in the smallest unit of its currency.
func (f *Fake) Balance() (sum int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, t := range f.txns {
		sum += t.amount - t.fee
	}
	return sum
}

// Calm ends all faults, for what comes.
func (f *Fake) Calm() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Faults = Faults{}
}

// Trouble sets the faults for what comes.
func (f *Fake) Trouble(faults Faults) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.Faults = faults
}

// Requests counts the calls of the API so far.
func (f *Fake) Requests() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

func (f *Fake) move(category, kind, source string, amount, fee int64) *txn {
	t := &txn{id: f.id("txn"), category: category, kind: kind, source: source, amount: amount, fee: fee, created: f.Now().Unix()}
	f.txns = append(f.txns, t)
	return t
}

// The fee of a charge: 3.4 % and 2.35, the fraction of a unit dropped.
func feeOf(settled int64) int64 { return settled*34/1000 + 235 }

// What one unit of another currency is worth in the account's, in ten-thousandths.
const rate = 71234

func (f *Fake) settle(amount int64, currency string) int64 {
	if currency == f.Currency {
		return amount
	}
	return amount * rate / 10000
}
