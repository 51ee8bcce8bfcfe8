package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/staff"
)

// sample is a route's address with one of the objects in it, and the first version of what it has.
func sample(path string, objects map[string]object) string {
	sort := objectOfPath[path]
	path = strings.Replace(path, ":version", "1", 1)
	return parameter.ReplaceAllLiteralString(path, objects[sort].theirs)
}

func TestKeys(t *testing.T) {
	o := newOffice(t)
	objects := o.plant()
	before := o.postings()

	revoked, revokedToken := o.key(o.book, staff.Scopes()...)
	o.tx(func(tx pgx.Tx) error { return staff.RevokeKey(o.ctx, tx, o.book.ID, revoked.ID, clerk, testNow) })
	var expiredToken string
	o.tx(func(tx pgx.Tx) (err error) {
		_, expiredToken, err = staff.CreateKey(o.ctx, tx, o.book.ID, "old", staff.Scopes(), clerk, testNow, testNow.Add(-time.Hour))
		return err
	})
	bad := map[string]string{"none": "-", "empty": " ", "not ours": "sk_live_1234", "wrong secret": o.book.token[:len(o.book.token)-1] + "0",
		"revoked": revokedToken, "expired": expiredToken}
	for _, r := range routes() {
		ask := request{method: r.method, path: sample(r.path, objects), key: "k"}
		if r.method == http.MethodPost {
			ask.body = "{}"
		}
		for name, token := range bad {
			ask.token = token
			a := o.want(ask, 401, "unauthorized")
			if a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s: %s: no challenge", r.path, name)
			}
		}
		var others []staff.Scope
		for _, s := range staff.Scopes() {
			if s != r.scope {
				others = append(others, s)
			}
		}
		_, ask.token = o.key(o.book, others...)
		o.want(ask, 403, "forbidden")
		if r.method == http.MethodGet {
			_, ask.token = o.key(o.book, r.scope)
			if r.path == "/match/:event/replay" { // the seed is not told yet
				o.want(ask, 409, "match-event-state")
				continue
			}
			o.want(ask, 200, "")
		}
	}
	if after := o.postings(); after != before {
		t.Errorf("%d rows more", after-before)
	}
}

func TestKeyUseIsNoted(t *testing.T) {
	o := newOffice(t)
	o.get("/books")
	o.get("/books")
	if n := o.count(`select count(*) from api_key where book_id = $1 and last_used_at = $2`, o.book.ID, testNow); n != 1 {
		t.Error(n)
	}
}

func TestLanguage(t *testing.T) {
	o := newOffice(t)
	for header, want := range map[string]string{"": "en", "en": "en", "de": "en", "zh": "zh-CN", "zh-CN,zh;q=0.9": "zh-CN", "zh-TW": "zh-CN",
		"en;q=0.5, zh;q=0.8": "zh-CN", "en, zh;q=0.8": "en", "%%%": "en", strings.Repeat("a", 5000): "en"} {
		a := o.want(request{method: http.MethodGet, path: "/gifts/x", lang: header}, 404, "not-found")
		title := map[string]string{"en": "There is no such gift, or it is not open to you.", "zh-CN": "没有这笔捐赠，或者不在您的权限里。"}[want]
		if a.problem().Title != title || a.header.Get("Content-Language") != want {
			t.Errorf("%q: %s", header, a.body)
		}
	}
}

func TestNoSuchAddress(t *testing.T) {
	o := newOffice(t)
	for path, status := range map[string]int{"GET /api/v1/nothing": 404, "DELETE /api/v1/gifts": 405, "PUT /api/v1/entries/1": 405} {
		method, path, _ := strings.Cut(path, " ")
		req, err := http.NewRequestWithContext(o.ctx, method, o.url+path, nil)
		o.must(err)
		res, err := http.DefaultClient.Do(req)
		o.must(err)
		res.Body.Close()
		if res.StatusCode != status || res.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.Header.Get("Content-Type"))
		}
	}
}

// What a key may not do, or not see, is on record once a minute.
func TestDeniedTriesAreRecorded(t *testing.T) {
	o := newOffice(t)
	entry := o.oneEntry()
	key, token := o.key(o.book, staff.GiftsRead)
	for range 3 {
		o.want(request{method: http.MethodGet, path: "/entries", token: token}, 403, "forbidden")
	}
	o.want(request{method: http.MethodGet, path: "/entries/" + entry.String(), token: o.other.token}, 404, "not-found")
	if n := o.count(`select count(*) from audit_event where book_id = $1 and who = $2 and what = 'denied' and object = 'GET /api/v1/entries'
		and reason = 'forbidden' and request <> '' and ip is not null`, o.book.ID, key.ID); n != 1 {
		t.Errorf("%d lines", n)
	}
	if n := o.count(`select count(*) from audit_event where book_id = $1 and what = 'denied' and object = $2`, o.other.ID, "GET /api/v1/entries/"+entry.String()); n != 1 {
		t.Errorf("%d lines in the asker's own book", n)
	}
}
