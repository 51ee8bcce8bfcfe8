package api

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// deliver sends an event as a processor would.
func (o *office) deliver(book, processor, header string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(o.ctx, http.MethodPost, o.url+"/webhooks/"+book+"/"+processor, strings.NewReader(string(body)))
	if err != nil {
		return 0, err
	}
	req.Header.Set(payments.SignatureHeader, header)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

func sandboxEvent(id, account string, live bool) []byte {
	return fmt.Appendf(nil, `{"id":%q,"type":"checkout.completed","created":1774929600,"livemode":%v,"account":%q,"data":{"object":{"id":%q,"amount":"50.00","currency":"CNY"}}}`,
		id, live, account, uuid.NewString())
}

func TestW1W9Webhook(t *testing.T) {
	o := newOffice(t)
	secrets := map[string][]byte{}
	for _, a := range []*association{o.book, o.other} {
		o.must(pg.InTx(pg.WithBook(o.ctx, a.ID), o.db, func(tx pgx.Tx) error { return payments.AddProcessor(o.ctx, tx, a.Book, payments.SandboxCode) }))
		var secret []byte
		o.must(o.owner.QueryRow(o.ctx, `select webhook_secret from processor where book_id = $1`, a.ID).Scan(&secret))
		secrets[a.Code] = secret
	}
	one, two := secrets["one"], secrets["two"]
	body := sandboxEvent("evt_1", "one", false)
	good := payments.Sign(one, body, testNow)
	large := append(sandboxEvent("evt_9", "one", false), strings.Repeat(" ", 5<<20)...)
	for name, c := range map[string]struct {
		book, processor, header string
		body                    []byte
		status                  int
	}{
		"W1 no signature":         {"one", "sandbox", "", body, 400},
		"garbage":                 {"one", "sandbox", "t=1,v1=zz", body, 400},
		"W2 secret of other book": {"one", "sandbox", payments.Sign(two, body, testNow), body, 400},
		"W3 one byte changed":     {"one", "sandbox", good, []byte(strings.Replace(string(body), "50.00", "51.00", 1)), 400},
		"W4 301 s old":            {"one", "sandbox", payments.Sign(one, body, testNow.Add(-301*time.Second)), body, 400},
		"W4 301 s ahead":          {"one", "sandbox", payments.Sign(one, body, testNow.Add(301*time.Second)), body, 400},
		"W7 of the other mode":    {"one", "sandbox", payments.Sign(one, sandboxEvent("evt_2", "one", true), testNow), sandboxEvent("evt_2", "one", true), 400},
		"W9 5 MB":                 {"one", "sandbox", payments.Sign(one, large, testNow), large, 413},
		"not JSON":                {"one", "sandbox", payments.Sign(one, []byte("x"), testNow), []byte("x"), 400},
		"unknown processor":       {"one", "stripe", good, body, 404},
		"at the other book":       {"two", "sandbox", good, body, 400},
	} {
		status, err := o.deliver(c.book, c.processor, c.header, c.body)
		if err != nil || status != c.status {
			t.Errorf("%s: %d %v", name, status, err)
		}
	}
	foreign := sandboxEvent("evt_3", "two", false)
	if status, err := o.deliver("one", "sandbox", payments.Sign(one, foreign, testNow), foreign); err != nil || status != 400 {
		t.Errorf("W8 of another account: %d %v", status, err)
	}
	if n := o.count(`select count(*) from inbox`); n != 0 {
		t.Fatalf("%d events stored", n)
	}
	for book, want := range map[string]int{"one": 200, "unknown": 404} {
		if status, err := o.deliver(book, "sandbox", good, body); err != nil || status != want {
			t.Errorf("%s: %d %v", book, status, err)
		}
	}
	if n := o.count(`select count(*) from inbox where book_id = $1 and event_id = 'evt_1' and state = 'new' and body = $2 and received_at = $3`, o.book.ID, body, testNow); n != 1 {
		t.Errorf("%d events stored", n)
	}
}

// paidSession is a payment of 50.00 that the sandbox has taken.
func (o *office) paidSession() (id uuid.UUID) {
	o.Helper()
	o.tx(func(tx pgx.Tx) error {
		c, err := giving.Begin(o.ctx, tx, o.book.Book, giving.Form{FormID: uuid.New(), CampaignID: o.book.campaigns["sunshine"].ID, Amount: "50",
			Currency: "CNY", Lang: "en", Channel: giving.Sandbox}, testNow)
		if err != nil {
			return err
		}
		s, err := payments.OpenSession(o.ctx, tx, o.book.Book, c, "The sunshine", "/", testNow)
		if err != nil {
			return err
		}
		id = s.ID
		_, err = payments.Decide(o.ctx, tx, o.book.Book, id, payments.Decision{Result: payments.Success}, testNow)
		return err
	})
	return id
}

// TestW5WebhookInParallel is W5, to the end: fifty deliveries of a payment are one gift.
func TestW5WebhookInParallel(t *testing.T) {
	o := newOffice(t)
	o.tx(func(tx pgx.Tx) error { return payments.AddProcessor(o.ctx, tx, o.book.Book, payments.SandboxCode) })
	var secret []byte
	o.must(o.owner.QueryRow(o.ctx, `select webhook_secret from processor where book_id = $1`, o.book.ID).Scan(&secret))
	worker := payments.NewWorker(o.db, o.book.Book, o.server.Intakes[o.book.ID], nil, o.server.Now)
	o.server.Workers = map[int32]*payments.Worker{o.book.ID: worker}
	session := o.paidSession()
	body := fmt.Appendf(nil, `{"id":"evt_5","type":"checkout.completed","created":1774929600,"livemode":false,"account":"one","data":{"object":{"id":%q,"amount":"9999.00","currency":"CNY"}}}`, session)
	header := payments.Sign(secret, body, testNow)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if status, err := o.deliver("one", "sandbox", header, body); err != nil || status != 200 {
				t.Errorf("%d %v", status, err)
			}
		})
	}
	wg.Wait()
	if n := o.count(`select count(*) from inbox`); n != 1 {
		t.Fatalf("%d events stored", n)
	}
	if _, err := worker.Work(o.ctx); err != nil {
		t.Fatal(err)
	}
	// W11: the amount is the processor's own, not the event's.
	if n := o.count(`select sum(amount)::int8 from gift where channel = 1`); n != 50_00 {
		t.Errorf("booked %d", n)
	}
}
