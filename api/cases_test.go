package api

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"github.com/google/uuid"
)

// A cursor that we did not give out is refused, byte for byte the same whatever is wrong with it.
func TestA3TamperedCursor(t *testing.T) {
	o := newOffice(t)
	o.oneGift()
	o.oneEntry()
	for _, path := range []string{"/gifts", "/entries", "/campaigns", "/balances", "/bank-receipts", "/cash-counts", "/pledges", "/goods", "/services"} {
		for _, cursor := range []string{"x", "%27", "-1", "1.5", "019d3a1c", "99999999999", "AAAA", "%00", "1%20or%201=1"} {
			a := o.ask(request{method: http.MethodGet, path: path + "?cursor=" + cursor})
			if a.status != http.StatusBadRequest {
				t.Errorf("%s?cursor=%s: %d %s", path, cursor, a.status, a.body)
			}
		}
	}
}

// TestM10MassAssignment is made from the table of routes: each write with fields that are not the caller's to set.
func TestM10MassAssignment(t *testing.T) {
	o := newOffice(t)
	objects := o.plant()
	bodies := map[string]fields{"/match": {"code": "m10", "name_zh": "九九", "name_en": "Giving day"}, "/match/:event/steps": {"act": "close"}, "/gifts": wechat("m10"), "/entries": interest("1.00"), "/entries/:id/reversal": {"effective_on": "2026-03-31", "reason": "mistake"},
		"/gifts/batch": {"gifts": []fields{wechat("m10")}}}
	maps.Copy(bodies, offlineBodies())
	before := o.postings()
	for _, r := range routes() {
		if r.method != http.MethodPost {
			continue
		}
		body, ok := bodies[r.path]
		if !ok {
			t.Errorf("%s: there is no body to try", r.path)
			continue
		}
		for _, name := range []string{"approved_by", "checked_by", "made_by", "book_id", "book", "xid", "id", "key", "actor", "recorded_at", "number", "kind", "state", "reverses", "refunded", "__proto__"} {
			for _, value := range []any{"me", 2, uuid.NewString(), nil} {
				path := sample(r.path, objects)
				a := o.ask(request{method: r.method, path: path, key: uuid.NewString(), body: o.with(body, name, value)})
				if a.status != http.StatusBadRequest || a.problem().Pointer != "/"+name {
					t.Errorf("%s %s=%v: %d %s", r.path, name, value, a.status, a.body)
				}
			}
		}
	}
	if after := o.postings(); after != before {
		t.Errorf("%d rows more", after-before)
	}
}

// Methods that an operation does not have are refused on every address, and nothing is done.
func TestMethodsOfTheTable(t *testing.T) {
	o := newOffice(t)
	objects := o.plant()
	before := o.postings()
	has := map[string][]string{}
	for _, r := range routes() {
		has[r.path] = append(has[r.path], r.method)
	}
	for path, methods := range has {
		for _, method := range []string{http.MethodDelete, http.MethodPut, http.MethodPatch, http.MethodPost, http.MethodGet, "PURGE", "get"} {
			if slices.Contains(methods, method) {
				continue
			}
			r, err := http.NewRequestWithContext(o.ctx, method, o.url+apiPath+sample(path, objects), http.NoBody)
			o.must(err)
			r.Header.Set("Authorization", "Bearer "+o.book.token)
			r.Header.Set("X-HTTP-Method-Override", methods[0])
			a, err := http.DefaultClient.Do(r)
			o.must(err)
			o.must(a.Body.Close())
			if a.StatusCode != http.StatusMethodNotAllowed && !(a.StatusCode == http.StatusNotFound && path == "/gifts/batch") {
				t.Errorf("%s %s: %d", method, path, a.StatusCode)
			}
		}
	}
	if after := o.postings(); after != before {
		t.Error(fmt.Sprint(after-before, " rows more"))
	}
}
