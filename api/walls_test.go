package api

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

// object is something that only the first book has, and an id like it that nothing has.
type object struct{ theirs, unknown string }

// objectOfPath names the object of each address with a parameter. A route that is not here fails the test.
var objectOfPath = map[string]string{"/funds/:code": "fund", "/campaigns/:slug": "campaign", "/gifts/:id": "gift", "/entries/:id": "entry",
	"/entries/:id/reversal": "entry", "/bank-receipts/:id": "bank-receipt", "/cash-counts/:id": "cash-count", "/pledges/:id": "pledge", "/goods/:id": "lot", "/services/:id": "service", "/subsidies/:id": "subsidy",
	"/match/:event": "event", "/match/:event/rules": "event", "/match/:event/rules/:version": "event", "/match/:event/awards": "event", "/match/:event/payments": "event",
	"/match/:event/requests": "event", "/match/:event/replay": "event", "/match/:event/steps": "event"}

// objectsOfQuery names what the parameters of queries can point at; none: nothing that belongs to a book.
var objectsOfQuery = map[string][]string{"campaign": {"campaign"}, "fund": {"fund"}, "ref": {"ref"}, "q": {"entry", "campaign", "ref", "words"}, "cursor": {"gift", "entry", "bank-receipt", "pledge"},
	"account": nil, "amount": nil, "from": nil, "to": nil, "on": nil, "when": nil, "kind": nil, "source": nil, "per_fund": nil, "limit": nil, "year": nil, "rule": nil}

var parameter = regexp.MustCompile(`:([a-z]+)`)

// plant makes one object of every sort in the first book.
func (o *office) plant() map[string]object {
	o.Helper()
	gift, entry := o.oneGift(), o.oneEntry()
	o.tx(func(tx pgx.Tx) error {
		if _, err := ledger.CreateFund(o.ctx, tx, o.book.Book, ledger.Fund{Code: "MINE", Kind: ledger.Restricted, NameZH: "独有", NameEN: "Only here"}); err != nil {
			return err
		}
		_, err := tx.Exec(o.ctx, `update campaign set slug = 'mine' where book_id = $1 and slug = 'spring'`, o.book.ID)
		return err
	})
	objects := map[string]object{}
	for sort, path := range map[string]string{"bank-receipt": "/bank-receipts", "pledge": "/pledges", "lot": "/goods", "service": "/services"} {
		body := offlineBodies()[path]
		body["firm"] = "Only here Ltd"
		if path != "/bank-receipts" {
			body["campaign"] = "mine"
		}
		a := o.ask(request{method: http.MethodPost, path: path, key: uuid.NewString(), body: body})
		if a.status != http.StatusCreated {
			o.Fatalf("%s: %d %s", path, a.status, a.body)
		}
		var made struct{ ID string }
		o.must(json.Unmarshal(a.body, &made))
		objects[sort] = object{made.ID, uuid.NewString()}
	}
	count := uuid.Must(uuid.NewV7())
	o.tx(func(tx pgx.Tx) error {
		_, err := tx.Exec(o.ctx, `insert into cash_count (book_id, id, campaign_id, fund_id, day, sheet, counted, slips, state, counted_by, counted_at)
select $1, $2, campaign_id, fund_id, '2026-03-30', '{}', 0, 0, 'counted', $2, now() from campaign where book_id = $1 and slug = 'mine'`, o.book.ID, count)
		return err
	})
	objects["cash-count"] = object{count.String(), uuid.NewString()}
	maps.Copy(objects, map[string]object{"fund": {"MINE", "NONE"}, "campaign": {"mine", "none"}, "gift": {gift.String(), uuid.NewString()},
		"entry": {entry.String(), uuid.NewString()}, "ref": {"g-1", "g-9"}, "subsidy": {o.letter().String(), uuid.NewString()}, "event": {o.ruled("mine-day").Code, "no-day"}, "words": {"Interest", "Nothing at all"}})
	return objects
}

// offlineBodies are one good body of each write of an offline record.
func offlineBodies() map[string]fields {
	return map[string]fields{
		"/bank-receipts": {"ref": "B-1", "day": "2026-03-30", "amount": "500.00"},
		"/pledges": {"firm": "Ba Yu", "campaign": "sunshine", "document": "2026-6", "signed_on": "2026-03-01", "amount": "300.00",
			"parts": []fields{{"due": "2026-04-01", "amount": "100.00"}, {"due": "2026-05-01", "amount": "200.00"}}},
		"/goods":    {"type": "goods", "title": "rice", "unit": "bag", "pieces": 200, "campaign": "sunshine", "firm": "Feng Nian", "received_on": "2026-03-20", "place": "store"},
		"/services": {"day": "2026-03-20", "what": "legal advice", "firm": "Shan Cheng", "minutes": 480, "campaign": "sunshine"},
	}
}

// TestM11KeyOfAnotherBook is A1, A2 and M11 for programs, made from the table of routes and from the contract: a key of
// another book is answered as for what was never there, byte for byte but for the reference of the request, and lists show
// nothing.
func TestM11KeyOfAnotherBook(t *testing.T) {
	o := newOffice(t)
	objects := o.plant()
	doc, err := parsedContract()
	o.must(err)
	before, asked := o.postings(), 0
	bodies := map[string]any{"/match/:event/steps": fields{"act": "close"}, "/entries/:id/reversal": fields{"effective_on": "2026-03-31", "reason": "mistake"}}
	ask := func(method, path string, body any) answer {
		asked++
		return o.ask(request{method: method, path: path, token: o.other.token, key: uuid.NewString(), body: body})
	}
	same := func(what string, obj object, theirs, unknown answer) {
		t.Helper()
		clean := func(a answer, id string) string {
			text := strings.ReplaceAll(string(a.body), id, "ID")
			if p := a.problem(); p.Instance != "" {
				text = strings.ReplaceAll(text, p.Instance, "REQUEST")
			}
			return text
		}
		if a, b := clean(theirs, obj.theirs), clean(unknown, obj.unknown); theirs.status != unknown.status || a != b {
			t.Errorf("%s: %d %s\nas nobody's: %d %s", what, theirs.status, a, unknown.status, b)
		}
	}
	secrets := []string{"MINE", "mine", "g-1", "36.50", "王芳", "Interest", "Only here Ltd", objects["gift"].theirs, objects["entry"].theirs}
	for _, r := range routes() {
		item := doc.Paths.Find(parameter.ReplaceAllString(r.path, "{$1}"))
		if item == nil {
			t.Fatalf("%s is not in the contract", r.path)
		}
		if strings.Contains(r.path, ":") {
			obj, ok := objects[objectOfPath[r.path]]
			if !ok {
				t.Errorf("%s %s: say in objectOfPath what its parameter is", r.method, r.path)
				continue
			}
			theirs := ask(r.method, parameter.ReplaceAllLiteralString(r.path, obj.theirs), bodies[r.path])
			if theirs.status != http.StatusNotFound {
				t.Errorf("%s %s: %d", r.method, r.path, theirs.status)
			}
			same(r.method+" "+r.path, obj, theirs, ask(r.method, parameter.ReplaceAllLiteralString(r.path, obj.unknown), bodies[r.path]))
			continue
		}
		if r.method != http.MethodGet {
			continue // names in bodies: below
		}
		shows := func(path, typed string, a answer) {
			t.Helper()
			text := strings.ReplaceAll(string(a.body), typed, "")
			for _, secret := range secrets {
				if strings.Contains(text, secret) && secret != typed {
					t.Errorf("%s shows %s", path, secret)
				}
			}
		}
		shows(r.path, "\x00", ask(r.method, r.path, nil))
		for _, p := range append(item.GetOperation(r.method).Parameters, item.Parameters...) {
			if p.Value.In != "query" {
				continue
			}
			sorts, ok := objectsOfQuery[p.Value.Name]
			if !ok {
				t.Errorf("parameter %s of %s: say in objectsOfQuery what it can point at", p.Value.Name, r.path)
			}
			for _, sort := range sorts {
				obj := objects[sort]
				with := func(id string) string { return r.path + "?" + url.Values{p.Value.Name: {id}}.Encode() }
				theirs, unknown := ask(r.method, with(obj.theirs), nil), ask(r.method, with(obj.unknown), nil)
				shows(with(obj.theirs), obj.theirs, theirs)
				same(with(obj.theirs), obj, theirs, unknown)
			}
		}
	}
	// What a body names is of one's own book too.
	posts := map[string]func(name string) any{
		"/gifts fund":           func(name string) any { return o.with(wechat("m11"), "fund", name) },
		"/gifts campaign":       func(name string) any { return o.with(wechat("m11"), "campaign", name) },
		"/gifts/batch campaign": func(name string) any { return fields{"gifts": []any{o.with(wechat("m11"), "campaign", name)}} },
		"/entries fund": func(name string) any {
			return o.with(interest("1.00"), "lines", []fields{line("1002.01", name, "debit", "1.00"), line("4901.01", name, "credit", "1.00")})
		},
	}
	for path, body := range offlineBodies() {
		posts[path+" campaign"] = func(name string) any { return o.with(body, "campaign", name) }
	}
	covered := []string{"/entries/:id/reversal", "/match/:event/steps", "/match"} // they name their object in the address, or nothing
	for what, body := range posts {
		path, field, _ := strings.Cut(what, " ")
		covered = append(covered, path)
		obj := objects[field]
		theirs := ask(http.MethodPost, path, body(obj.theirs))
		if theirs.status < 400 && path != "/gifts/batch" {
			t.Errorf("%s: %d %s", what, theirs.status, theirs.body)
		}
		same(what, obj, theirs, ask(http.MethodPost, path, body(obj.unknown)))
	}
	for _, r := range routes() {
		if r.method == http.MethodPost && !slices.Contains(covered, r.path) {
			t.Errorf("%s: its body is not tried with names of another book", r.path)
		}
	}
	if after := o.postings(); after != before {
		t.Errorf("%d rows more", after-before)
	}
	t.Logf("%d requests", asked)
}
