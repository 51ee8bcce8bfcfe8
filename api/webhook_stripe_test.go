package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sunfund/internal/stripefake"
	"sunfund/ledger/payments"
)

// What Stripe is answered over HTTP, by the names of the attack list. What becomes of the events is shown in ledger/payments.
func TestStripeWebhookAnswers(t *testing.T) {
	o := newOffice(t)
	const secret, old = "whsec_a-secret-of-the-tests-0123456789", "whsec_the-one-before-it-0123456789012"
	stripe, err := payments.NewStripe(o.db, o.book.Book, o.server.Intakes[o.book.ID], payments.StripeKeys{Secret: "sk_test_0123456789",
		Webhooks: []string{secret, old}, Account: "acct_one", URL: "http://127.0.0.1:9"}, o.server.Now)
	o.must(err)
	o.server.Stripes = map[int32]*payments.Stripe{o.book.ID: stripe}
	event := func(id, more string) []byte {
		return fmt.Appendf(nil, `{"id":%q,"type":"charge.refunded","api_version":%q%s,"data":{"object":{"id":"ch_1","object":"charge"}}}`, id, payments.StripeVersion, more)
	}
	body := event("evt_1", "")
	send := func(name, book string, body []byte, header string, want int) {
		t.Helper()
		req, err := http.NewRequestWithContext(o.ctx, http.MethodPost, o.url+"/webhooks/"+book+"/stripe", strings.NewReader(string(body)))
		o.must(err)
		req.Header.Set(payments.StripeHeader, header)
		res, err := http.DefaultClient.Do(req)
		o.must(err)
		o.must(res.Body.Close())
		if res.StatusCode != want {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, want)
		}
	}
	sign := func(body []byte) string { return stripefake.Sign(secret, body, testNow) }
	large := append(event("evt_9", ""), strings.Repeat(" ", 5<<20)...)
	send("W1 no signature", "one", body, "", 400)
	send("W2 wrong secret", "one", body, stripefake.Sign("whsec_wrong-0123456789012345678901234", body, testNow), 400)
	send("W3 one byte changed", "one", event("evt_2", ""), sign(body), 400)
	send("W4 301 s old", "one", body, stripefake.Sign(secret, body, testNow.Add(-301*time.Second)), 400)
	send("W4 301 s ahead", "one", body, stripefake.Sign(secret, body, testNow.Add(301*time.Second)), 400)
	send("W9 5 MB", "one", large, sign(large), 413)
	send("a book without Stripe", "two", body, sign(body), 404)
	if n := o.count(`select count(*) from inbox`); n != 0 {
		t.Errorf("%d events stored", n)
	}
	live, foreign := event("evt_7", `,"livemode":true`), event("evt_8", `,"account":"acct_other"`)
	send("W7 of the other mode", "one", live, sign(live), 400)
	send("W8 of another account", "one", foreign, sign(foreign), 400)
	if n := o.count(`select count(*) from inbox where state = 'quarantined'`); n != 2 {
		t.Errorf("%d events kept apart", n)
	}
	send("W10 the new secret", "one", body, sign(body), 200)
	send("W10 the old secret", "one", event("evt_3", ""), stripefake.Sign(old, event("evt_3", ""), testNow), 200)
	if n := o.count(`select count(*) from inbox where state = 'new'`); n != 2 {
		t.Errorf("%d events to work off", n)
	}
}
