package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"sunfund/ledger/staff"
)

// made sends a record and gives its id.
func (o *office) made(path, key string, body fields) string {
	o.Helper()
	a := o.ask(request{method: http.MethodPost, path: path, key: key, body: body})
	if a.status != http.StatusCreated {
		o.Fatalf("%s: %d %s", path, a.status, a.body)
	}
	var j struct{ ID string }
	o.must(json.Unmarshal(a.body, &j))
	return j.ID
}

// Each sort of offline record is recorded once under its key, read by itself and in the list, and names no natural person.
func TestOfflineRecords(t *testing.T) {
	o := newOffice(t)
	bodies := offlineBodies()
	bodies["/bank-receipts"]["person"] = "王芳"
	bodies["/goods"]["person"], bodies["/services"]["person"] = "王芳", "王芳"
	delete(bodies["/goods"], "firm")
	delete(bodies["/services"], "firm")
	wants := map[string][]string{"/bank-receipts": {`"amount":"500.00"`, `"state":"open"`, `"fund":"G"`}, "/pledges": {`"amount":"300.00"`, `"due":"2026-05-01"`, `"fund":"R"`},
		"/goods": {`"pieces":200`, `"left":200`, `"campaign":"sunshine"`, `"basis":"none"`}, "/services": {`"minutes":480`, `"value":"0.00"`}}
	for path, body := range bodies {
		key := uuid.NewString()
		id := o.made(path, key, body)
		if again := o.made(path, key, body); again != id {
			t.Errorf("%s: sent again it is %s, not %s", path, again, id)
		}
		for _, at := range []string{path, path + "/" + id} {
			text := string(o.ask(request{method: http.MethodGet, path: at}).body)
			for _, want := range append(wants[path], id) {
				if !strings.Contains(text, want) {
					t.Errorf("%s lacks %s: %s", at, want, text)
				}
			}
			if strings.Contains(text, "王芳") {
				t.Errorf("%s names a natural person: %s", at, text)
			}
		}
		if a := o.ask(request{method: http.MethodPost, path: path, body: body}); a.status != http.StatusBadRequest {
			t.Errorf("%s without an Idempotency-Key: %d %s", path, a.status, a.body)
		}
		if a := o.ask(request{method: http.MethodPost, path: path, key: key, body: o.with(body, "firm", "Another")}); a.status != http.StatusConflict {
			t.Errorf("%s: another body under the key: %d %s", path, a.status, a.body)
		}
	}
	identified := offlineBodies()["/bank-receipts"]
	identified["ref"], identified["campaign"], identified["firm"] = "B-2", "sunshine", "Ba Yu"
	id := o.made("/bank-receipts", uuid.NewString(), identified)
	if text := string(o.ask(request{method: http.MethodGet, path: "/bank-receipts/" + id}).body); !strings.Contains(text, `"state":"identified"`) || !strings.Contains(text, `"gift":`) {
		t.Errorf("a receipt with its campaign: %s", text)
	}
	first := o.ask(request{method: http.MethodGet, path: "/bank-receipts?limit=1"})
	var p struct {
		Items []struct{ ID string }
		Next  string
	}
	o.must(json.Unmarshal(first.body, &p))
	if len(p.Items) != 1 || p.Items[0].ID != id || p.Next != id {
		t.Errorf("first page: %s", first.body)
	}
	second := o.ask(request{method: http.MethodGet, path: "/bank-receipts?limit=1&cursor=" + p.Next})
	if !strings.Contains(string(second.body), `"ref":"B-1"`) || strings.Contains(string(second.body), `"next"`) {
		t.Errorf("second page: %s", second.body)
	}
}

// What is wrong is said at its field, and nothing is recorded; a key without the scope may not.
func TestOfflineRefusals(t *testing.T) {
	o := newOffice(t)
	for _, c := range []struct {
		path, field string
		value       any
		pointer     string
	}{
		{"/bank-receipts", "ref", "", "/ref"}, {"/bank-receipts", "day", "2027-01-01", "/day"}, {"/bank-receipts", "amount", "0.00", "/amount"},
		{"/bank-receipts", "campaign", "draft", "/campaign"}, {"/bank-receipts", "person", "a\nb", "/person"},
		{"/pledges", "amount", "301.00", "/parts"}, {"/pledges", "firm", "", "/firm"}, {"/pledges", "signed_on", "2026-03-32", "/signed_on"},
		{"/pledges", "parts", []fields{{"due": "2026-01-01", "amount": "300.00"}}, "/parts"},
		{"/goods", "type", "gold", "/type"}, {"/goods", "pieces", 0, "/pieces"}, {"/goods", "person", "王芳", "/person"}, {"/goods", "keeps_title", true, "/keeps_title"},
		{"/services", "minutes", 0, "/minutes"}, {"/services", "firm", "", "/firm"}, {"/services", "campaign", "none", "/campaign"},
	} {
		a := o.ask(request{method: http.MethodPost, path: c.path, key: uuid.NewString(), body: o.with(offlineBodies()[c.path], c.field, c.value)})
		if a.status != http.StatusBadRequest && a.status != http.StatusUnprocessableEntity || a.problem().Pointer != c.pointer {
			t.Errorf("%s %s=%v: %d %s", c.path, c.field, c.value, a.status, a.body)
		}
	}
	_, reads := o.key(o.book, staff.OfflineReads)
	_, other := o.key(o.book, staff.GiftsRead, staff.EntriesWrite)
	for path, body := range offlineBodies() {
		if a := o.ask(request{method: http.MethodPost, path: path, token: reads, key: uuid.NewString(), body: body}); a.status != http.StatusForbidden {
			t.Errorf("%s by a key that only reads: %d", path, a.status)
		}
		if a := o.ask(request{method: http.MethodGet, path: path, token: other}); a.status != http.StatusForbidden {
			t.Errorf("%s by a key of other scopes: %d", path, a.status)
		}
		if a := o.ask(request{method: http.MethodGet, path: path, token: reads}); a.status != http.StatusOK || !strings.Contains(string(a.body), `"items":[]`) {
			t.Errorf("%s after refusals: %d %s", path, a.status, a.body)
		}
	}
}
