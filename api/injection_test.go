package api

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// TestA13Injection is A13 for the API: each operation with SQL in each parameter of its contract, each part of its address and
// each text of its body.
func TestA13Injection(t *testing.T) {
	o := newOffice(t)
	o.oneGift()
	o.oneEntry()
	before := o.postings()
	doc, err := parsedContract()
	o.must(err)
	part := regexp.MustCompile(`:([a-z]+)`)
	asked := 0
	for _, r := range routes() {
		item := doc.Paths.Find(part.ReplaceAllString(r.path, "{$1}"))
		if item == nil {
			t.Fatalf("%s is not in the contract", r.path)
		}
		operation := item.GetOperation(r.method)
		for _, sql := range []string{"' or '1'='1", "'; delete from gift; --", "1); truncate posting cascade; --", "1 or 1=1", "'||pg_sleep(120)||'", "$1",
			"' union select secret_hash::text from api_key --", `\'; update balance set balance = 0; --`, "(select login from person)", "desc, (select 1/0)"} {
			ask := func(path string, body any) {
				t.Helper()
				asked++
				a := o.ask(request{method: r.method, path: path, key: uuid.NewString(), body: body})
				if a.status >= http.StatusInternalServerError || a.status < 300 && r.method == http.MethodPost && r.path != "/gifts/batch" {
					t.Errorf("%s %s %v: %d %s", r.method, path, body, a.status, a.body)
				}
			}
			path := part.ReplaceAllLiteralString(r.path, uuid.NewString())
			var body any
			if r.method == http.MethodPost {
				body = map[string]any{"effective_on": sql, "reason": sql, "summary": sql, "campaign": sql, "amount": sql, "currency": sql, "channel": sql, "ref": sql}
				if r.path == "/gifts/batch" {
					body = map[string]any{"gifts": []any{body}}
				}
			}
			if part.MatchString(r.path) {
				ask(part.ReplaceAllLiteralString(r.path, url.PathEscape(sql)), body)
			}
			ask(path, body)
			for _, p := range append(operation.Parameters, item.Parameters...) {
				if p.Value.In == "query" {
					a := o.ask(request{method: r.method, path: path + "?" + p.Value.Name + "=" + url.QueryEscape(sql)})
					asked++
					if a.status >= http.StatusInternalServerError || a.status == http.StatusOK && !empty(a.body) {
						t.Errorf("%s %s %s=%s: %d %s", r.method, path, p.Value.Name, sql, a.status, a.body)
					}
				}
			}
		}
	}
	if after := o.postings(); after != before {
		t.Errorf("%d rows, before %d", after, before)
	}
	t.Logf("%d requests", asked)
}

func empty(body []byte) bool {
	return strings.HasPrefix(string(body), `{"items":[]`)
}
