package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger/giving"
)

func wechat(ref string) fields {
	return fields{"campaign": "sunshine", "amount": "36.50", "currency": "CNY", "fee": "0.22", "paid_at": "2026-03-31T10:00:00+08:00",
		"channel": "wechat", "ref": ref, "donor_name": "王芳", "message": "加油 👨‍👩‍👧", "processor_ref": "4200-1"}
}

func (o *office) oneGift() uuid.UUID {
	o.Helper()
	var g giftJSON
	o.want(request{method: http.MethodPost, path: "/gifts", body: wechat("g-1")}, 201, "").decode(o.T, &g)
	return g.ID
}

func TestGift(t *testing.T) {
	o := newOffice(t)
	id := o.oneGift()
	var g giftDetailJSON
	o.get("/gifts/"+id.String()).decode(t, &g)
	want := giftJSON{ID: id, Reference: giving.Ref(o.book.Book, id), Campaign: "sunshine", Fund: "R", Amount: "36.50", Currency: "CNY", Fee: "0.22",
		PaidAt: time.Date(2026, 3, 31, 2, 0, 0, 0, time.UTC), Channel: "wechat", Ref: "g-1", ProcessorRef: "4200-1", DonorName: "王芳",
		Message: "加油 👨‍👩‍👧", Refunded: "0.00"}
	if g.giftJSON != want || g.EffectiveOn != "2026-03-31" || len(g.Refunds) != 0 {
		t.Errorf("%+v", g)
	}
	var e entryJSON
	o.get("/entries/"+id.String()).decode(t, &e)
	if e.Kind != "gift" || e.Amount != "36.50" || e.Lines[0].Account != "1009.01" || e.Lines[1].Account != "4101.02" {
		t.Errorf("%+v", e)
	}
	if n := o.count(`select count(*) from entry where actor = (select id from api_key where book_id = $1)`, o.book.ID); n < 1 {
		t.Error("the key is not the entry's actor")
	}
	o.tx(func(tx pgx.Tx) error {
		out, err := giving.BookRefunds(o.ctx, tx, o.book.Book, []giving.Refunded{{GiftID: id, Amount: 1000, RefundedAt: testNow, Channel: giving.WeChat, Ref: "back-1"}})
		if err == nil {
			err = out[0].Err
		}
		return err
	})
	o.get("/gifts/"+id.String()).decode(t, &g)
	if g.Refunded != "10.00" || len(g.Refunds) != 1 || g.Refunds[0].Ref != "back-1" {
		t.Errorf("%+v", g)
	}
}

func TestGiftPrivacy(t *testing.T) {
	o := newOffice(t)
	body := o.with(wechat("quiet"), "anonymous", true)
	for _, status := range []int{201, 200} {
		a := o.want(request{method: http.MethodPost, path: "/gifts", body: body}, status, "")
		if bytes.Contains(a.body, []byte("王芳")) {
			t.Errorf("%s", a.body)
		}
	}
	if a := o.get("/gifts"); bytes.Contains(a.body, []byte("王芳")) || !bytes.Contains(a.body, []byte("quiet")) {
		t.Errorf("%s", a.body)
	}
}

func TestGiftChannels(t *testing.T) {
	o := newOffice(t)
	for channel, status := range map[string]int{"wechat": 201, "alipay": 201, "bank": 201, "cash": 201, "sandbox": 400, "stripe": 400, "": 400, "WeChat": 400} {
		body := o.with(wechat("c-"+channel), "channel", channel)
		delete(body, "fee")
		o.want(request{method: http.MethodPost, path: "/gifts", body: body}, status, "body")
	}
	o.want(request{method: http.MethodPost, path: "/gifts", body: o.with(wechat("fee"), "channel", "cash")}, 422, "fee-channel")
}

func TestM1M2GiftIdempotency(t *testing.T) {
	o := newOffice(t)
	ask := request{method: http.MethodPost, path: "/gifts", body: wechat("twice")}
	first, again := o.want(ask, 201, ""), o.want(ask, 200, "")
	if !bytes.Equal(first.body, again.body) {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	for name, value := range map[string]any{"amount": "36.51", "fee": "0.23", "currency": "USD", "campaign": "spring", "fund": "G", "donor_name": "李雷", "anonymous": true,
		"message": "", "processor_ref": "4200-2", "paid_at": "2026-03-31T10:00:01+08:00"} {
		ask.body = o.with(wechat("twice"), name, value)
		o.want(ask, 409, "key-reused")
	}
	ask.body = o.with(wechat("twice"), "paid_at", "2026-03-31T02:00:00Z") // the same instant
	o.want(ask, 200, "")
	ask.body = o.with(wechat("twice"), "fund", "R") // the same fund, named
	o.want(ask, 200, "")

	// Without a ref the Idempotency-Key is the ref.
	plain := wechat("")
	delete(plain, "ref")
	keyed := request{method: http.MethodPost, path: "/gifts", key: "4f0f6f0e-9c5e", body: plain}
	o.want(keyed, 201, "")
	o.want(keyed, 200, "")
	keyed.body = o.with(plain, "amount", "1.00")
	o.want(keyed, 409, "key-reused")
	for _, key := range []string{"", strings.Repeat("k", 201)} {
		keyed.key = key
		o.want(keyed, 400, "parameter")
	}
	if n := o.count(`select count(*) from gift`); n != 2 {
		t.Errorf("%d gifts", n)
	}
	if n := o.count(`select count(*) from request_key`); n != 0 {
		t.Errorf("%d request keys", n)
	}
	// A donor's name may be erased later; the gift stays the same gift.
	_, err := o.owner.Exec(o.ctx, `with gone as (delete from private.message where book_id = $1)
		update private.donor set erased_at = now(), name_index = null, email_index = null, key_id = null, key = null, name = null, email = null where book_id = $1`, o.book.ID)
	o.must(err)
	o.want(request{method: http.MethodPost, path: "/gifts", body: wechat("twice")}, 200, "")
	// Another book has its own references.
	o.want(request{method: http.MethodPost, path: "/gifts", token: o.other.token, body: wechat("twice")}, 201, "")
}

func TestM3GiftInParallel(t *testing.T) {
	o := newOffice(t)
	answers := o.parallel(50, func(int) request {
		return request{method: http.MethodPost, path: "/gifts", body: wechat("once")}
	})
	created := 0
	for _, a := range answers {
		if a.status == 201 {
			created++
		} else if a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		if !bytes.Equal(a.body, answers[0].body) {
			t.Fatalf("%s\n%s", a.body, answers[0].body)
		}
	}
	if n := o.count(`select count(*) from entry where kind = 3`); n != 1 || created != 1 {
		t.Errorf("%d entries, %d told that they made it", n, created)
	}
}

func TestM4GiftAmounts(t *testing.T) {
	o := newOffice(t)
	before := o.postings()
	for _, field := range []string{"amount", "fee"} {
		for _, bad := range badAmounts {
			if field == "fee" && (bad == nil || bad == "" || bad == "0" || bad == "0.00") {
				continue // no fee
			}
			a := o.ask(request{method: http.MethodPost, path: "/gifts", body: o.with(wechat("bad"), field, bad)})
			if a.status != 400 && a.status != 422 || a.problem().Pointer != "/"+field {
				t.Errorf("%s %v: %d %s", field, bad, a.status, a.body)
			}
		}
	}
	if after := o.postings(); after != before {
		t.Errorf("%d rows more", after-before)
	}
}

func TestGiftRefusals(t *testing.T) {
	o := newOffice(t)
	before := o.postings()
	for _, c := range []struct {
		field   string
		value   any
		status  int
		problem string
	}{
		{"campaign", "", 422, "unknown-name"},
		{"campaign", "nowhere", 422, "unknown-name"},
		{"campaign", "draft", 422, "unknown-name"},
		{"campaign", "sun\x00shine", 400, "body"},
		{"fund", "X", 422, "unknown-name"},
		{"fund", "A", 422, "fund-kind"},
		{"currency", "", 422, "currency"},
		{"currency", "cny", 422, "currency"},
		{"currency", "XXX", 422, "currency"},
		{"currency", "USD", 422, "no-rate"},
		{"fee", "36.51", 422, "amount"},
		{"paid_at", "", 400, "body"},
		{"paid_at", "2026-03-31", 400, "body"},
		{"paid_at", "2026-03-31T10:00:00", 400, "body"},
		{"paid_at", "2026-03-31T12:06:00+08:00", 400, "body"},
		{"paid_at", "1889-03-31T12:06:00+08:00", 422, "gift-invalid"},
		{"ref", strings.Repeat("r", 201), 400, "body"},
		{"ref", "a\nb", 400, "body"},
		{"donor_name", strings.Repeat("名", 201), 400, "body"},
		{"donor_name", strings.Repeat("n", 900_000), 400, "body"},
		{"donor_name", "a\u202eb", 400, "body"},
		{"donor_name", "a\x00b", 400, "body"},
		{"message", strings.Repeat("m", 2001), 400, "body"},
		{"anonymous", "yes", 400, "body"},
		{"id", uuid.NewString(), 400, "body"}, // M10
		{"book_id", 2, 400, "body"},
		{"approved_by", "me", 400, "body"},
		{"rate", "7.1", 400, "body"},
		{"email", "a@example.org", 400, "body"},
	} {
		a := o.want(request{method: http.MethodPost, path: "/gifts", body: o.with(wechat("bad"), c.field, c.value)}, c.status, c.problem)
		if p := a.problem().Pointer; p != "/"+c.field && p != "" {
			t.Errorf("%s: %s", c.field, a.body)
		}
	}
	if after := o.postings(); after != before {
		t.Errorf("%d rows more", after-before)
	}
	// Money for a campaign that has ended is here all the same.
	o.want(request{method: http.MethodPost, path: "/gifts", body: o.with(wechat("late"), "campaign", "ended")}, 201, "")
}

func TestGiftBusy(t *testing.T) {
	o := newOffice(t)
	o.must(o.server.Intakes[o.book.ID].Close(context.Background()))
	for path, body := range map[string]any{"/gifts": wechat("late"), "/gifts/batch": fields{"gifts": []fields{wechat("late")}}} {
		a := o.want(request{method: http.MethodPost, path: path, body: body}, 503, "busy")
		if a.header.Get("Retry-After") != "1" {
			t.Error(a.header)
		}
	}
	delete(o.server.Intakes, o.book.ID)
	o.want(request{method: http.MethodPost, path: "/gifts", body: wechat("late")}, 503, "busy")
}

func TestGiftBatch(t *testing.T) {
	o := newOffice(t)
	o.oneGift()
	wrong := o.with(wechat("b-3"), "amount", 12)
	gifts := []any{wechat("b-1"), wechat("g-1"), wrong, o.with(wechat("b-4"), "amount", "0"), o.with(wechat("g-1"), "amount", "1.00"),
		wechat("b-1"), o.with(wechat("b-1"), "amount", "2.00"), o.with(wechat("b-8"), "campaign", "nowhere"), wechat("b-9"), wechat(""), "text", nil,
		o.with(wechat("b-13"), "approved_by", "me"), o.with(wechat("b-14"), "currency", "USD"), o.with(wechat("g-1"), "message", "other")}
	want := []string{"booked", "already", "body", "amount", "key-reused", "already", "key-reused", "unknown-name", "booked", "body", "body", "body", "body", "no-rate", "key-reused"}
	ask := request{method: http.MethodPost, path: "/gifts/batch", body: fields{"gifts": gifts}}
	check := func(want []string) batchJSON {
		t.Helper()
		var b batchJSON
		o.want(ask, 200, "").decode(t, &b)
		for i, m := range b.Items {
			got := m.Outcome
			if m.Problem != nil {
				got = strings.TrimPrefix(m.Problem.Type, problemPath)
			}
			if got != want[i] || (m.Gift == nil) == (m.Problem == nil) {
				t.Errorf("%d: %s, want %s", i, got, want[i])
			}
		}
		return b
	}
	b := check(want)
	if b.Booked != 2 || b.Already != 2 || b.Refused != 11 || b.Items[0].Gift.Ref != "b-1" || *b.Items[0].Gift != *b.Items[5].Gift {
		t.Errorf("%+v", b)
	}
	before := o.postings()
	want[0], want[8] = "already", "already"
	check(want)
	if after := o.postings(); after != before || o.count(`select count(*) from gift`) != 3 {
		t.Errorf("%d rows more", after-before)
	}
	for _, body := range []any{fields{}, fields{"gifts": []any{}}, fields{"gifts": "x"}, fields{"gifts": make([]fields, 1001)}, fields{"gifts": []any{}, "book": 1}} {
		o.want(request{method: http.MethodPost, path: "/gifts/batch", body: body}, 400, "body")
	}
}

func TestGiftBatchOfThousand(t *testing.T) {
	o := newOffice(t)
	var gifts []fields
	for i := range 1000 {
		gifts = append(gifts, wechat(fmt.Sprint("t-", i)))
	}
	ask := request{method: http.MethodPost, path: "/gifts/batch", body: fields{"gifts": gifts}}
	for _, want := range []batchJSON{{Booked: 1000}, {Already: 1000}} {
		var b batchJSON
		o.want(ask, 200, "").decode(t, &b)
		if b.Booked != want.Booked || b.Already != want.Already || b.Refused != 0 {
			t.Errorf("%d %d %d", b.Booked, b.Already, b.Refused)
		}
	}
	var c campaignJSON
	o.get("/campaigns/sunshine").decode(t, &c)
	if c.Progress.Gifts != 1000 || c.Progress.Received != "36500.00" {
		t.Errorf("%+v", c.Progress)
	}
}

func TestGiftList(t *testing.T) {
	o := newOffice(t)
	var gifts []fields
	for i := range 23 {
		g := wechat(fmt.Sprint("l-", i))
		g["paid_at"] = testNow.Add(-time.Duration(i) * 7 * time.Hour).Format(time.RFC3339)
		if i%2 == 1 {
			g["campaign"] = "spring"
		}
		gifts = append(gifts, g)
	}
	o.want(request{method: http.MethodPost, path: "/gifts/batch", body: fields{"gifts": gifts}}, 200, "")
	for query, want := range map[string]int{"": 23, "limit=1": 23, "limit=23": 23, "limit=22": 23, "limit=5&campaign=spring": 11, "ref=l-7": 1, "ref=nothing": 0,
		"limit=2&from=2026-03-30&to=2026-03-30": 4, "from=2026-03-31": 2, "limit=4&to=2026-03-29": 17} {
		var refs []string
		var last time.Time
		for _, g := range pages[giftJSON](o, "/gifts?"+query) {
			if !last.IsZero() && g.PaidAt.After(last) {
				t.Errorf("%s: not the latest first", query)
			}
			refs, last = append(refs, g.Ref), g.PaidAt
		}
		slices.Sort(refs)
		if n := len(refs); n != want || len(slices.Compact(refs)) != n {
			t.Errorf("%s: %d %v", query, n, refs)
		}
	}
	for _, query := range []string{"limit=0", "limit=101", "limit=-1", "limit=x", "from=today", "from=2026-13-01", "from=2026-03-02&to=2026-03-01", "ref=%00", "ref=%ff", "from=0001-01-01"} {
		o.want(request{method: http.MethodGet, path: "/gifts?" + query}, 400, "parameter")
	}
	for _, path := range []string{"/gifts?cursor=x", "/gifts?cursor=019d3a1c", "/entries?cursor=%27", "/campaigns?cursor=abc", "/campaigns?cursor=-1", "/balances?cursor=1.5",
		"/balances?cursor=99999999999", "/campaigns?cursor=0"} {
		o.want(request{method: http.MethodGet, path: path}, 400, "cursor")
	}
}
