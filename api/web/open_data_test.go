package web

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/money"
)

// openAnswer is a page of a set.
type openAnswer struct {
	Set, Book, Licence, Next string
	Items                    []map[string]any
}

// openPage takes a page of a set.
func (c *client) openPage(path string) (a openAnswer, head http.Header) {
	c.Helper()
	page := c.get(path)
	c.wants(page, http.StatusOK)
	if err := json.Unmarshal([]byte(page.text), &a); err != nil {
		c.Fatalf("%s: %v", path, err)
	}
	return a, page.head
}

// openTold holds the page of open data to the schema in a language: every field of every set is told in it, in the same words.
func (o *office) openTold(lang string) {
	o.Helper()
	c := o.browser() // whoever asks in a language keeps it
	page := c.get(dataPath + "?lang=" + lang)
	c.wants(page, http.StatusOK, "campaigns", "360Giving", "CC BY 4.0", `lang="`+lang+`"`)
	var schema struct {
		Defs map[string]struct {
			Description string
			Properties  struct {
				Items struct {
					Items struct {
						Properties map[string]struct{ Description string }
					}
				}
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(c.get(dataPath+"/schema.json?lang="+lang).text), &schema); err != nil {
		c.Fatal(err)
	}
	text := html.UnescapeString(page.text)
	told := func(where, said, words string) {
		c.Helper()
		chinese := strings.ContainsFunc(words, func(r rune) bool { return unicode.Is(unicode.Han, r) })
		if words == "" || strings.Contains(words, "⟦") || !strings.Contains(said, words) || chinese != (lang == "zh-CN") {
			c.Errorf("%s is not told on the page in %s: %q", where, lang, words)
		}
	}
	for _, set := range openSets() {
		_, section, _ := strings.Cut(text, `<section id="`+set.name+`"`)
		section, _, _ = strings.Cut(section, "</section>")
		told(set.name, section, schema.Defs[set.name].Description)
		for _, name := range set.names() {
			told(set.name+"."+name, section, schema.Defs[set.name].Properties.Items.Items.Properties[name].Description)
			if !strings.Contains(section, ">"+name+"<") {
				c.Errorf("%s.%s does not stand on the page", set.name, name)
			}
		}
	}
}

// openSets takes every set whole and page by page, as JSON and as CSV, and holds it to what the page for people and the schema say of it; it counts their rows.
func (c *client) openSets() (counts map[string]int) {
	c.Helper()
	counts = map[string]int{}
	for _, lang := range []string{"zh-CN", "en"} {
		c.office.openTold(lang)
	}
	var schema struct {
		Defs map[string]struct {
			Properties struct {
				Items struct {
					Items struct {
						Required   []string
						Properties map[string]struct{ Type, Pattern string }
					}
				}
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal([]byte(c.get(dataPath+"/schema.json").text), &schema); err != nil {
		c.Fatal(err)
	}
	if len(schema.Defs) != len(openSets()) {
		c.Errorf("%d sets in the schema", len(schema.Defs))
	}
	for _, set := range openSets() {
		item := schema.Defs[set.name].Properties.Items.Items
		if !slices.Equal(item.Required, set.names()) {
			c.Errorf("%s in the schema: %v", set.name, item.Required)
		}
		all, _ := c.openPage(dataPath + "/" + set.name + ".json")
		if all.Set != set.name || all.Next != "" {
			c.Errorf("%s: %q, next %q", set.name, all.Set, all.Next)
		}
		for _, row := range all.Items {
			for name, value := range row {
				rule, ok := item.Properties[name]
				kind := map[string]string{"string": "string", "float64": "integer", "bool": "boolean"}[fmt.Sprintf("%T", value)]
				if !ok || rule.Type != kind || rule.Pattern != "" && !regexp.MustCompile(rule.Pattern).MatchString(value.(string)) {
					c.Errorf("%s.%s is %v, told as %+v", set.name, name, value, rule)
				}
			}
			if len(row) != len(set.fields) {
				c.Errorf("%s has %d fields, not %d: %v", set.name, len(row), len(set.fields), row)
			}
		}
		rows := strings.Count(strings.TrimSpace(c.get(dataPath+"/"+set.name+".csv").text), "\n")
		if counts[set.name] = len(all.Items); len(all.Items) != rows {
			c.Errorf("%s has %d items and %d rows", set.name, len(all.Items), rows)
		}
		var seen []map[string]any
		for next := dataPath + "/" + set.name + ".json?limit=1"; next != ""; {
			_, path, _ := strings.Cut(next, dataPath)
			page, head := c.openPage(dataPath + path)
			if link := head.Get("Link"); len(page.Items) > 1 || (page.Next != "") != (link == "<"+page.Next+`>; rel="next"`) {
				c.Fatalf("%s: %d items, next %q, Link %q", set.name, len(page.Items), page.Next, link)
			}
			seen, next = append(seen, page.Items...), page.Next
		}
		if fmt.Sprint(seen) != fmt.Sprint(all.Items) {
			c.Errorf("%s page by page: %v, at once: %v", set.name, seen, all.Items)
		}
		c.wants(c.get(dataPath+"/"+set.name+".csv?after=nothing"), http.StatusBadRequest)
	}
	return counts
}

// TestOpenData: sets are as the page and the schema tell them, CSV is paged like JSON, and figures are those of the books.
func TestOpenData(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.disclosed()
	anybody := o.browser()
	rows := anybody.openSets()
	for name, n := range rows {
		if want := map[string]int{"campaigns": 1, "funds": 4, "fund_kinds": 4}[name]; n != want {
			t.Errorf("%s has %d rows, want %d", name, n, want)
		}
	}
	first := anybody.get(dataPath + "/funds.csv?limit=3")
	if link := first.head.Get("Link"); strings.Count(strings.TrimSpace(first.text), "\n") != 3 || !strings.HasSuffix(link, `>; rel="next"`) {
		t.Errorf("first page of CSV: Link %q", link)
	}
	anybody.wants(anybody.get(dataPath+"/fund_kinds.json"), http.StatusOK, `"fund":"YRJ","direction":"in"`, `"amount":"8000.00"`, `"fund":"YRJ","direction":"out"`, `"amount":"3500.00"`)
}

// TestOpenDataIsKept: who has a page already hears 304, without a cookie; within a minute nothing is read again, after it there are new figures.
func TestOpenDataIsKept(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	get := func(path, known string) (*http.Response, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, o.url+dataPath+path, nil)
		o.must(err)
		request.Header.Set("If-None-Match", known)
		response, err := http.DefaultClient.Do(request)
		o.must(err)
		defer response.Body.Close()
		var body bytes.Buffer
		_, err = body.ReadFrom(response.Body)
		o.must(err)
		return response, body.String()
	}
	for _, path := range []string{"/campaigns.json", "/campaigns.csv", "/grants.json", "/schema.json"} {
		first, _ := get(path, "")
		tag := first.Header.Get("ETag")
		if again, body := get(path, `"other", W/`+tag); tag == "" || again.StatusCode != http.StatusNotModified || body != "" || first.Header.Get("Set-Cookie") != "" || first.Header.Get("Cache-Control") != "public, max-age=60" {
			t.Errorf("%s: ETag %q, then %d; head %v", path, tag, again.StatusCode, first.Header)
		}
	}
	was, old := get("/campaigns.json", "")
	o.gift("王女士", 50_00)
	if _, body := get("/campaigns.json", ""); body != old {
		t.Error("read again within the minute")
	}
	o.now = o.now.Add(openKept)
	if now, body := get("/campaigns.json", was.Header.Get("ETag")); now.StatusCode != http.StatusOK || !strings.Contains(body, `"received":"50.00"`) || strings.Contains(body, "王女士") {
		t.Errorf("after a minute: %d %s", now.StatusCode, body)
	}
}

// The server keeps so many answers and no more; what is over is not kept, and old ones make room.
func TestOpenMemory(t *testing.T) {
	t.Parallel()
	m, now := newOpenMemory[int](), time.Unix(0, 0)
	for i := range openBodies + 10 {
		m.place(fmt.Sprint(i), now)
	}
	same := func(key string, at time.Time) bool {
		first := m.place(key, at)
		return first == m.place(key, at)
	}
	if len(m.kept) != openBodies || same("x", now) {
		t.Errorf("%d kept", len(m.kept))
	}
	later := now.Add(openKept)
	if !same("x", later) || len(m.kept) != 1 {
		t.Errorf("%d kept a minute later", len(m.kept))
	}
}

// What was read is kept for a minute; a reading that failed is not.
func TestOpenMemoryReadsOnce(t *testing.T) {
	t.Parallel()
	m, now, reads := newOpenMemory[int](), time.Unix(0, 0), 0
	ask := func(at time.Time, wrong error) (int, error) {
		return m.of("x", at, func() (int, error) { reads++; return reads, wrong })
	}
	if _, err := ask(now, io.ErrUnexpectedEOF); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	for _, c := range []struct {
		at   time.Time
		want int
	}{{now, 2}, {now.Add(openKept - 1), 2}, {now.Add(openKept), 3}} {
		if got, err := ask(c.at, nil); got != c.want || err != nil {
			t.Errorf("at %v: reading %d, %v", c.at, got, err)
		}
	}
}

// What a spreadsheet program would take for a formula is text in CSV; amounts stay numbers, and other text is as it was.
func TestOpenCSVGuardsFormulas(t *testing.T) {
	t.Parallel()
	texts := []any{"=1+1", "+86", "-x", "@SUM(A1)", "\tx", "＝1", "-12.50", "12.50", "a=b", int64(-3), true}
	want := []string{"'=1+1", "'+86", "'-x", "'@SUM(A1)", "'\tx", "'＝1", "-12.50", "12.50", "a=b", "-3", "true"}
	rows, err := csv.NewReader(bytes.NewReader(openCSV([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"}, [][]any{texts}))).ReadAll()
	if err != nil || !slices.Equal(rows[1], want) {
		t.Errorf("%q: %v", rows, err)
	}
}

// grantsHeld holds the set of grants to the schema of the 360Giving standard 1.1 (github.com/ThreeSixtyGiving/standard, schema/360-giving-schema.json and
// 360-giving-package-schema.json): what it requires of a grant, of an organisation and of a package, and the types of these.
// Amounts are what the contracts have, to the fen; page by page the grants are the same.
func (c *client) grantsHeld() (grants []map[string]any) {
	c.Helper()
	type grantPage struct {
		Version, License, Next string
		Grants                 []map[string]any
	}
	read := func(path string) (page grantPage) {
		c.Helper()
		decoder := json.NewDecoder(strings.NewReader(c.get(dataPath + path).text))
		decoder.UseNumber()
		if err := decoder.Decode(&page); err != nil || page.Version != "1.1" || page.License != openLicence {
			c.Errorf("package %+v: %v", page, err)
		}
		return page
	}
	held := read("/grants.json")
	signed := map[string]int64{}
	rows, err := c.owner.Query(c.Context(), `select k.id::text, k.amount from contract k join payee p using (book_id) where p.id = k.payee_id and k.book_id = $1 and p.kind = 'organisation' and k.state in ('signed', 'stopped', 'terminated', 'closed')`, c.book.ID)
	c.must(err)
	var contract string
	var fen int64
	_, err = pgx.ForEachRow(rows, []any{&contract, &fen}, func() error { signed[contract] = fen; return nil })
	c.must(err)
	if len(held.Grants) != len(signed) {
		c.Errorf("%d grants of %d contracts", len(held.Grants), len(signed))
	}
	var paged []map[string]any
	for next := "/grants.json?limit=1"; next != ""; {
		page := read(next)
		paged = append(paged, page.Grants...)
		if _, next, _ = strings.Cut(page.Next, dataPath); len(page.Grants) > 1 {
			c.Fatalf("%d grants on a page of one", len(page.Grants))
		}
	}
	if fmt.Sprint(paged) != fmt.Sprint(held.Grants) {
		c.Errorf("page by page: %v, at once: %v", paged, held.Grants)
	}
	day := regexp.MustCompile(`^[0-9]{4}-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])$`)
	for _, g := range held.Grants {
		for _, field := range strings.Fields("id title description currency awardDate") {
			if text, _ := g[field].(string); text == "" {
				c.Errorf("%s is %v", field, g[field])
			}
		}
		amount, number := g["amountAwarded"].(json.Number)
		id, _ := g["id"].(string)
		if minor, err := money.Parse(amount.String(), c.book.Currency); !number || err != nil || minor <= 0 || minor != signed[strings.TrimPrefix(id, "360G-sunfund-"+c.book.Code+"-")] {
			c.Errorf("%s awards %v: %v", id, g["amountAwarded"], err)
		}
		if !day.MatchString(g["awardDate"].(string)) || !strings.HasPrefix(g["id"].(string), "360G-") {
			c.Errorf("grant %v", g)
		}
		for _, field := range []string{"recipientOrganization", "fundingOrganization"} {
			all, _ := g[field].([]any)
			if len(all) == 0 {
				c.Errorf("%s is %v", field, g[field])
			}
			for _, one := range all {
				if org, _ := one.(map[string]any); org["id"] == nil || org["id"] == "" || org["name"] == nil || org["name"] == "" {
					c.Errorf("%s has %v", field, one)
				}
			}
		}
	}
	return held.Grants
}
