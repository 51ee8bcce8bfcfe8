package web

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/staff"
)

var parameter = regexp.MustCompile(`:[a-z]+`)

// same fails unless both answers say the same and sent the same statements, but for the id that was asked for; at is what stands before it in
// the address, or its parameter's name.
func (n *neighbourhood) same(what, at string, o object, theirs, unknown reply) {
	n.Helper()
	clean := func(a reply, id string) (string, http.Header) {
		head := a.head.Clone()
		head.Del("Date")
		head.Del("Content-Length")
		before := `(^|\W)`
		if _, err := strconv.Atoi(id); err == nil { // a small number stands in pages for other things too
			before = `((?:[?&]` + at + `=|name="` + at + `"[^>]* value="|#|%23|` + at + `))`
		}
		as := regexp.MustCompile(before + `(` + regexp.QuoteMeta(id) + "|" + regexp.QuoteMeta(url.QueryEscape(id)) + `)(\W|$)`)
		twice := func(text string) string {
			if head.Get("Content-Type") == "application/zip" || !strings.Contains(text, id) && !strings.Contains(text, url.QueryEscape(id)) {
				return text // a number is found in packed bytes by chance only
			}
			return as.ReplaceAllString(as.ReplaceAllString(text, "${1}ID$3"), "${1}ID$3")
		}
		head.Set("Location", twice(head.Get("Location")))
		return formIDs.ReplaceAllString(twice(a.text), "FORM"), head
	}
	textA, headA := clean(theirs, o.theirs)
	textB, headB := clean(unknown, o.unknown)
	if theirs.status != unknown.status || textA != textB {
		n.Errorf("%s: %d as another's, %d as nobody's\n%s", what, theirs.status, unknown.status, firstDifference(textA, textB))
	}
	if !slices.Equal(theirs.sent, unknown.sent) { // the time of an answer would tell them apart
		n.Errorf("%s: the database is asked otherwise\n%s", what, firstDifference(strings.Join(theirs.sent, "\n"), strings.Join(unknown.sent, "\n")))
	}
	for name := range headA {
		if headA.Get(name) != headB.Get(name) {
			n.Errorf("%s: %s is %q as another's, %q as nobody's", what, name, headA.Get(name), headB.Get(name))
		}
	}
}

// shownOnce are pages with a secret of their own each time.
var shownOnce = []string{"/console/sign-in/passkey/options", "/console/confirm/passkey/options", "/console/me/passkeys/options", "/console/me/factor", "/console/me/recovery"}

// formIDs are made anew each time a form is shown.
var formIDs = regexp.MustCompile(`name="form" value="[^"]*"`)

func firstDifference(a, b string) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	from := max(0, i-80)
	return "…" + a[from:min(len(a), i+160)] + "\n…" + b[from:min(len(b), i+160)]
}

// triesForgotten takes back what was counted of signing in.
func (n *neighbourhood) triesForgotten() {
	n.Helper()
	for _, book := range append([]*ledger.Book{n.book}, n.others...) {
		_, err := n.db.Exec(pg.WithBook(n.Context(), book.ID), `update sign_in_attempt set tries = 0 where book_id = $1`, book.ID)
		n.must(err)
	}
}

// standing is what the first book has: nobody's request may change it.
func (n *neighbourhood) standing() string {
	n.Helper()
	var text string
	n.must(n.db.QueryRow(n.Context(), `select concat_ws(' ', (select count(*) from entry), (select sum(abs(balance)) from balance), (select count(*) from approval where state = 'open'),
		(select count(*) from person where state = 'active'), (select count(*) from role_grant where revoked_at is null), (select count(*) from api_key where revoked_at is null and successor is null),
		(select count(*) from session where revoked_at is null and person_id = $1), (select count(*) from passkey where removed_at is null), (select count(*) from identity_link where removed_at is null),
		(select string_agg(version::text || payload_hash::text, ',') from approval), (select string_agg(state, ',') from sandbox_session), (select count(*) from checkout),
		(select count(*) from receipt), (select count(*) from receipt_void), (select string_agg(state, ',') from bank_receipt), (select count(*) from attachment), (select count(*) from record_step),
		(select string_agg(state, ',') from plan), (select string_agg(state, ',') from subsidy_letter), (select string_agg(state, ',') from subsidy_claim), (select string_agg(state, ',') from box), (select string_agg(state, ',') from cash_count), (select string_agg(state, ',') from cash_deposit), (select string_agg(state, ',') from platform_file), (select count(*) from platform_profile),
		(select string_agg(state || credit, ',') from payee), (select string_agg(state, ',') from project), (select string_agg(state || version, ',') from contract), (select string_agg(state, ',') from disbursement),
		(select string_agg(state, ',') from source_file), (select count(*) filter (where not stopping) from export_run), (select string_agg(state, ',') from break_item), (select count(*) from source_account), (select count(*) from source_profile), (select count(*) from ext_line),
		(select string_agg(state, ',') from poll), (select count(*) from poll_sheet), (select count(*) from poll_voter), (select string_agg(state, ',') from need_item), (select string_agg(state, ',') from need_intent), (select count(*) from need_photo), (select count(*) from update_post), (select count(*) from update_shown), (select count(*) from update_end), (select string_agg(state || version, ',') from call), (select string_agg(state || version, ',') from proposal), (select count(*) from private.resident))`,
		n.personID("li")).Scan(&text))
	return text
}

// TestA1ObjectsOfOthers is made from the table of routes: whoever asks for an object of another street or of another book,
// by its id in the address, is answered as for an id that nothing has, whatever the method, from the same statements. Where
// the role does not have the permission, both are refused alike.
func TestA1ObjectsOfOthers(t *testing.T) {
	t.Parallel()
	n := newNeighbourhood(t)
	people := map[string]*client{"wu": n.as("wu")}
	roles := map[string]staff.Role{"wu": staff.StreetOfficer}
	sun := int32(1)
	n.person("jian", "监督", "Jian", staff.Held{Role: staff.Supervisor, Street: &sun})
	people["jian"], roles["jian"] = n.as("jian"), staff.Supervisor
	for login, role := range n.neighbours {
		people[login], roles[login] = n.neighbour(login), role
	}
	before, asked := n.standing(), 0
	for _, r := range (&Server{}).routes() {
		if !strings.Contains(r.path, ":") {
			continue
		}
		sort, ok := objectOfPath[r.path]
		if !ok {
			t.Errorf("%s %s: no object is planted for its parameter: say in objectOfPath which", r.method, r.path)
			continue
		}
		o := n.objects[sort]
		if n := len(parameter.FindAllString(r.path, -1)); n != 1 || o.theirs == "" {
			t.Fatalf("%s has %d parameters; object %q", r.path, n, o.theirs)
		}
		ask := func(c *client, id string) reply {
			asked++
			var form url.Values
			if r.method == http.MethodPost {
				form = n.formOf(r.path)
			}
			return c.do(r.method, parameter.ReplaceAllLiteralString(r.path, id), form)
		}
		for login, c := range people {
			if r.open && c.host == "" {
				continue // the public sees the pages of all streets
			}
			if sort == "event" && c.host == "" {
				continue // an event of match is the book's own: every street reads it
			}
			want := http.StatusNotFound
			if !r.open && !roles[login].May(r.needs) {
				want = http.StatusForbidden
			}
			theirs, unknown := ask(c, o.theirs), ask(c, o.unknown)
			if theirs.status != want {
				t.Errorf("%s as %s: %d, want %d", r.method+" "+r.path, login, theirs.status, want)
			}
			n.same(r.method+" "+r.path+" as "+login, r.path[:strings.Index(r.path, ":")], o, theirs, unknown)
		}
	}
	if after := n.standing(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	t.Logf("%d requests", asked)
}

// objectsOfParameters names what each parameter of a query or field of a form can point at. Empty: at nothing that belongs to
// somebody. A parameter that is not here fails the test.
var objectsOfParameters = map[string][]string{
	"fund": {"fund"}, "from": {"fund"}, "to": {"fund"}, "street": {"street"}, "account": {"account", "account-text"}, "chart": {"account-text"},
	"q": {"entry", "ref", "gift", "login"}, "copy": {"approval"}, "change": {"approval"}, "campaign": {"campaign"}, "object": {"person"},
	"before": {"entry", "approval", "gift"}, "after": {"entry", "break", "line"}, "key": {"key"}, "session": {"session"}, "grant": {"grant"}, "passkey": {"passkey"}, "link": {"link"},
	"factor": {"passkey", "link"}, "ref": {"ref"}, "login": {"login"}, "form": {"approval"}, "batch": {"batch"}, "report": {"close-report"}, "break": {"break"}, "owner": {"person"}, "line": {"line"}, "ours": {"gift"}, "later": {"gift"},
}

// plainParameters point at nothing that belongs to somebody.
var plainParameters = strings.Fields(`ask bonus uses firm notice pass plan rating renew reviews report row column table at base campaigns job daily from_at gift json match notice_days seed size template title version acr act again allotted amount anonymous answer approvers asked attachments back bank batch_from batch_mail batch_to bearer box ccy challenge changed channel
	cast charset check choice client close closes code codes col_ confirm_answer confirm_code confirm_password confirm_token count counterparty credit currencies currency day days debit
	date_form delay each points project delimiter den do document email event filing first format foundation fresh goal hash header homes hours how ignore in_words iss issuer keys kind known lang last late least
	level life lift limit message month months most name name_en name_zh negate next note num number often on opens other out_words overlap paddle page paid parts password
	password_rule payer per pieces platform presets purpose_en purpose_zh rate reason result role scopes secret seen sent setup sheet since single_min site slug
	source speaks spoiled state story_en story_zh subject sum summary summary_en summary_zh sure team text theme time_form title title_en title_zh token twice unit uscc v
	age group severity type
	view waive_ what when why work year zero zone item kept people points stage times n place filed story supported object until words form public value article who
	basis try passed duty powerless named dormant purpose seat objection about phase lines partners correct was version`)

// TestA2ListsAndForms is made from the tables of routes and of parameters: what belongs to another street or book is in no
// list, search, page or file, and a filter, a cursor or a hidden field with its id does what one with an unknown id does.
func TestA2ListsAndForms(t *testing.T) {
	t.Parallel()
	n := newNeighbourhood(t)
	for _, name := range namedParameters(t) {
		if _, ok := objectsOfParameters[name]; !ok && !slices.Contains(plainParameters, name) {
			t.Errorf("parameter %s: say in objectsOfParameters what it can point at, or in plainParameters that it cannot", name)
		}
	}
	people, roles := map[string]*client{"wu": n.as("wu")}, map[string]staff.Role{"wu": staff.StreetOfficer}
	for login, role := range n.neighbours { // between them they have nearly every permission
		if slices.Contains([]staff.Role{staff.Accountant, staff.Admin, staff.Donor}, role) {
			people[login], roles[login] = n.neighbour(login), role
		}
	}
	ofStreet := []string{"谢家湾", "XJW", "8,000.00", "8000.00", "7,800.00", "7800.00", "77.00", "谢女士", n.other.String()}
	ofBook := append([]string{"阳光区", "石坪桥", "期初：", "50,000.00", "李会计", n.objects["person"].theirs}, ofStreet...)
	before, asked := n.standing(), 0
	for _, r := range (&Server{}).routes() {
		if strings.Contains(r.path, ":") || slices.Contains([]string{"/console/sign-out", "/console/me/password", "/console/me/factor/remove"}, r.path) {
			continue // the last ones sign out whoever asks, and name no object
		}
		for login, c := range people {
			if r.open && roles[login] != staff.Donor || !r.open && !roles[login].May(r.needs) && r.needs != signedIn {
				continue // open to all alike, or refused to all alike: TestA5EveryRoleOnEveryRoute
			}
			if r.needs == signedIn && !r.open && roles[login] == staff.Admin {
				continue // one of them is enough for one's own account
			}
			secrets := ofStreet
			if c.host != "" {
				secrets = ofBook
			}
			ask := func(query url.Values) reply {
				asked++
				if r.method == http.MethodGet {
					return c.get(address(r.path, query))
				}
				form := n.formOf(r.path)
				for name, values := range query {
					form[name] = values
				}
				return c.post(r.path, form)
			}
			shows := func(what string, a reply, typed string) {
				text := a.text
				if typed != "" {
					text = strings.NewReplacer(typed, "", url.QueryEscape(typed), "").Replace(text)
				}
				for _, secret := range secrets {
					if !slices.Contains(shownOnce, r.path) && strings.Contains(text, secret) {
						t.Errorf("%s shows %s", what, secret)
					}
				}
				if a.status >= http.StatusInternalServerError || !r.open && strings.HasPrefix(a.to, "/console/sign-in") {
					t.Fatalf("%s: %d to %q", what, a.status, a.to)
				}
			}
			what := r.method + " " + r.path + " as " + login
			if r.method == http.MethodGet {
				for _, format := range []string{"", "csv"} {
					shows(what, ask(url.Values{"format": {format}}), "")
					shows(what+" per fund", ask(url.Values{"format": {format}, "per": {"fund"}, "from": {"2026-01-01"}, "to": {"2026-12-31"}, "zero": {"1"}, "box": {"done"}}), "")
				}
				shows(what+" by amount", ask(url.Values{"amount": {"8000"}, "q": {"777.00"}}), "777.00")
			}
			for name, sorts := range objectsOfParameters {
				if r.open && name != "street" && name != "before" && name != "q" {
					continue
				}
				for _, sort := range sorts {
					o := n.objects[sort]
					if (name == "from" || name == "to" || name == "account" || name == "fund") && r.method == http.MethodPost && r.path == "/console/vouchers" && name != "fund" {
						continue // a row of fields
					}
					if r.method == http.MethodPost { // or the try that is one too many, which alone is noted, falls on one of the two
						n.triesForgotten()
					}
					theirs, unknown := ask(url.Values{name: {o.theirs}}), ask(url.Values{name: {o.unknown}})
					on := what + " with " + name + " of a " + sort
					shows(on, theirs, o.theirs)
					if name == "before" || name == "after" || name == "form" || slices.Contains(shownOnce, r.path) {
						continue // a place in an order
					}
					n.same(on, name, o, theirs, unknown)
				}
			}
		}
	}
	if after := n.standing(); after != before {
		t.Errorf("something changed:\n%s\n%s", before, after)
	}
	t.Logf("%d requests", asked)
}

// namedParameters are the names that handlers read from queries and forms.
func namedParameters(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	read := regexp.MustCompile(`(?:QueryParam|FormValue|number|typed|dayField|amountField|form|at)(?:\(|\[)(?:&view\.Page, |p, )?"([a-z_]+)"`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range read.FindAllSubmatch(source, -1) {
			names = append(names, string(found[1]))
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 50 {
		t.Fatalf("only %d parameters found: %q", len(names), names)
	}
	return names
}
