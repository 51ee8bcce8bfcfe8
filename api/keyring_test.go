package api

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// A revoked key sends no gifts once the moment is over for which a reading of it holds; it reads nothing from then on.
func TestRevokedKeyIsRemembered(t *testing.T) {
	o := newOffice(t)
	var now atomic.Pointer[time.Time]
	set := func(at time.Time) { now.Store(&at) }
	set(testNow)
	o.server.Now = func() time.Time { return *now.Load() }
	k, token := o.key(o.book, staff.GiftsWrite, staff.GiftsRead)
	send := func(ref string) request {
		return request{method: "POST", path: "/gifts", token: token, body: `{"campaign":"sunshine","amount":"5.00","currency":"CNY","channel":"cash","paid_at":"2026-03-31T10:00:00+08:00","ref":"` + ref + `"}`}
	}
	o.want(send("a"), 201, "")
	o.tx(func(tx pgx.Tx) error { return staff.RevokeKey(o.ctx, tx, o.book.ID, k.ID, clerk, testNow) })
	o.want(request{method: "GET", path: "/gifts", token: token}, 401, "unauthorized")
	o.want(send("b"), 401, "unauthorized") // the refused reading was remembered too

	k, token = o.key(o.book, staff.GiftsWrite)
	o.want(send("c"), 201, "")
	o.tx(func(tx pgx.Tx) error { return staff.RevokeKey(o.ctx, tx, o.book.ID, k.ID, clerk, testNow) })
	set(testNow.Add(keyRemembered))
	o.want(send("d"), 401, "unauthorized")
}

// The day a key ends is exact, whether it was read a moment ago or not.
func TestRememberedKeyExpires(t *testing.T) {
	o := newOffice(t)
	ends := testNow.AddDate(0, 6, 0) // as the office's keys do
	var now atomic.Pointer[time.Time]
	set := func(at time.Time) { now.Store(&at) }
	set(ends.Add(-time.Millisecond))
	o.server.Now = func() time.Time { return *now.Load() }
	_, token := o.key(o.book, staff.GiftsWrite)
	send := func(ref string) request {
		return request{method: "POST", path: "/gifts", token: token, body: `{"campaign":"sunshine","amount":"5.00","currency":"CNY","channel":"cash","paid_at":"2026-03-31T10:00:00+08:00","ref":"` + ref + `"}`}
	}
	o.want(send("a"), 201, "")
	set(ends)
	o.want(send("b"), 401, "unauthorized")
}
