package api

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
)

type fields = map[string]any

func line(account, fund, side, amount string) fields {
	return fields{"account": account, "fund": fund, side: amount}
}

// interest is an entry that a key alone may post.
func interest(amount string) fields {
	return fields{"effective_on": "2026-03-31", "summary": "收到银行利息 Interest", "lines": []fields{
		line("1002.01", "G", "debit", amount), line("4901.01", "G", "credit", amount)}}
}

// with copies fields and sets one.
func (o *office) with(f fields, name string, value any) fields {
	c := fields{}
	for k, v := range f {
		c[k] = v
	}
	c[name] = value
	return c
}

func (o *office) oneEntry() uuid.UUID {
	o.Helper()
	var e entryJSON
	o.want(request{method: http.MethodPost, path: "/entries", key: uuid.NewString(), body: interest("12.34")}, 201, "").decode(o.T, &e)
	return e.ID
}

func TestEntry(t *testing.T) {
	o := newOffice(t)
	id := o.oneEntry()
	var e entryJSON
	o.get("/entries/"+id.String()).decode(t, &e)
	if e.Kind != "voucher" || e.Amount != "12.34" || e.EffectiveOn != "2026-03-31" || e.Number != 1 || e.MadeBy != "api:partner" || e.Source != "api" ||
		len(e.Lines) != 2 || e.Lines[0].Debit != "12.34" || e.Lines[0].Account != "1002.01" || e.Lines[1].Credit != "12.34" || e.Lines[1].Fund != "G" {
		t.Errorf("%+v", e)
	}
	if name := e.Lines[0].Name; name != "Bank, basic account" {
		t.Error(name)
	}
	o.want(request{method: http.MethodGet, path: "/entries/" + id.String(), lang: "zh"}, 200, "").decode(t, &e)
	if name := e.Lines[0].Name; name != "银行存款—基本户" {
		t.Error(name)
	}
	for query, want := range map[string]int{"q=Interest": 1, "q=nothing": 0, "amount=12.34": 1, "amount=12.35": 0, "kind=voucher": 1, "kind=gift": 0,
		"fund=G": 1, "fund=R": 0, "source=api": 1, "from=2026-03-31&to=2026-03-31": 1, "from=2026-04-01": 0, "to=2026-03-30": 0, "q=%25": 0} {
		if got := len(pages[entryJSON](o, "/entries?"+query)); got != want {
			t.Errorf("%s: %d", query, got)
		}
	}
}

func TestEntryPages(t *testing.T) {
	o := newOffice(t)
	want := map[uuid.UUID]bool{}
	for range 7 {
		want[o.oneEntry()] = true
	}
	for _, limit := range []int{1, 2, 3, 7, 100} {
		seen := map[uuid.UUID]bool{}
		all := pages[entryJSON](o, fmt.Sprintf("/entries?limit=%d", limit))
		for _, e := range all {
			seen[e.ID] = want[e.ID]
		}
		if len(all) != 7 || len(seen) != 7 {
			t.Errorf("%d a page: %d entries, %d different ones", limit, len(all), len(seen))
		}
	}
}

func TestM9M10EntryRefusals(t *testing.T) {
	o := newOffice(t)
	o.oneEntry() // so that there is something to lose
	before := o.postings()
	good := interest("1.00")
	lines := func(l ...fields) fields { return o.with(good, "lines", l) }
	tagged := line("1002.01", "G", "debit", "1.00")
	tagged["tags"] = fields{"nature": "gift"}
	for name, c := range map[string]struct {
		body    any
		status  int
		problem string
		pointer string
	}{
		"one fund gives, another takes": {lines(line("1002.01", "G", "debit", "1.00"), line("4901.01", "R", "credit", "1.00")), 422, "unbalanced", ""},
		"one line":                      {lines(line("1002.01", "G", "debit", "1.00")), 422, "unbalanced", ""},
		"no lines":                      {lines(), 422, "unbalanced", ""},
		"takes from a fund":             {lines(line("4901.01", "G", "debit", "1.00"), line("1002.01", "G", "credit", "1.00")), 403, "needs-second-person", ""},
		"sets money aside":              {lines(line("9301", "G", "debit", "1.00"), line("9302", "G", "credit", "1.00")), 403, "needs-second-person", ""},
		"moves between funds":           {lines(line("if.due.from", "G", "debit", "1.00"), line("1002.01", "G", "credit", "1.00"), line("1002.01", "R", "debit", "1.00"), line("if.due.to", "R", "credit", "1.00")), 403, "needs-second-person", ""},
		"pays out agency money":         {lines(line("agency.l", "A", "debit", "1.00"), line("bank.agency", "A", "credit", "1.00")), 403, "needs-second-person", ""},
		"unknown fund":                  {lines(line("1002.01", "X", "debit", "1.00"), line("4901.01", "G", "credit", "1.00")), 422, "unknown-name", "/lines/0/fund"},
		"unknown account":               {lines(line("1002.01", "G", "debit", "1.00"), line("8888", "G", "credit", "1.00")), 422, "unknown-name", "/lines/1/account"},
		"tag of the intake":             {lines(tagged, line("4901.01", "G", "credit", "1.00")), 400, "body", "/lines/0/tags"},
		"debit and credit":              {lines(fields{"account": "1002.01", "fund": "G", "debit": "1.00", "credit": "1.00"}, line("4901.01", "G", "credit", "1.00")), 400, "body", "/lines/0"},
		"neither":                       {lines(fields{"account": "1002.01", "fund": "G"}, line("4901.01", "G", "credit", "1.00")), 400, "body", "/lines/0"},
		"no summary":                    {o.with(good, "summary", ""), 400, "body", "/summary"},
		"long summary":                  {o.with(good, "summary", strings.Repeat("长", 401)), 400, "body", "/summary"},
		"NUL in summary":                {o.with(good, "summary", "a\x00b"), 400, "body", "/summary"},
		"no day":                        {o.with(good, "effective_on", ""), 400, "body", "/effective_on"},
		"no such day":                   {o.with(good, "effective_on", "2026-02-30"), 400, "body", "/effective_on"},
		"day of the year one":           {o.with(good, "effective_on", "0001-01-01"), 400, "body", "/effective_on"},
		"tomorrow":                      {o.with(good, "effective_on", "2026-04-01"), 400, "body", "/effective_on"},
		"M10 checked_by":                {o.with(good, "checked_by", "me"), 400, "body", "/checked_by"},
		"M10 book_id":                   {o.with(good, "book_id", 2), 400, "body", "/book_id"},
		"M10 kind":                      {o.with(good, "kind", "opening"), 400, "body", "/kind"},
		"not JSON":                      {"{", 400, "body", ""},
		"an array":                      {"[]", 400, "body", ""},
		"two values":                    {"{}{}", 400, "body", ""},
		"a brace too many":              {"{}}", 400, "body", ""},
		"empty":                         {"", 400, "body", ""},
		"summary is a number":           {o.with(good, "summary", 1), 400, "body", "/summary"},
	} {
		a := o.want(request{method: http.MethodPost, path: "/entries", key: "k", body: c.body}, c.status, c.problem)
		if a.problem().Pointer != c.pointer {
			t.Errorf("%s: %s", name, a.body)
		}
	}
	unbalanced := lines(line("1002.01", "G", "debit", "3.50"), line("4901.01", "G", "credit", "2.50"))
	for lang, detail := range map[string]string{"en": "Fund G: debits less credits are 1.00.", "zh": "基金 G：借方合计减贷方合计是 1.00。"} {
		p := o.want(request{method: http.MethodPost, path: "/entries", key: "k", body: unbalanced, lang: lang}, 422, "unbalanced").problem()
		if p.Difference != "1.00" || p.Fund != "G" || p.Detail != detail {
			t.Errorf("%+v", p)
		}
	}
	if after := o.postings(); after != before {
		t.Errorf("%d rows more", after-before)
	}
}

// badAmounts are M4: none of them may come on the books.
var badAmounts = []any{"-1.00", "-0.01", "0", "0.00", "", " 1.00", "1.00 ", "0.001", "1e3", "1e18", "1,00", "1,000.00", "NaN", "Infinity", "0x10",
	"１０.００", "¥10", "+1.00", ".5", "1.", "1.0.0", "9999999999999999999", "1234567890123456", "999999999999999.99", "1_000", "--1", 0.1, 1, -1, 1e18, true, nil, []int{1}}

func TestM4EntryAmounts(t *testing.T) {
	o := newOffice(t)
	before := o.postings()
	for _, bad := range badAmounts {
		body := o.with(interest("1.00"), "lines", []fields{{"account": "1002.01", "fund": "G", "debit": bad}, {"account": "4901.01", "fund": "G", "credit": bad}})
		a := o.ask(request{method: http.MethodPost, path: "/entries", key: "k", body: body})
		if a.status != 400 && a.status != 422 {
			t.Errorf("%v: %d %s", bad, a.status, a.body)
		}
	}
	if after := o.postings(); after != before {
		t.Errorf("%d rows more", after-before)
	}
}

func TestM1M2EntryIdempotency(t *testing.T) {
	o := newOffice(t)
	ask := request{method: http.MethodPost, path: "/entries", key: "interest-3", body: interest("5.00")}
	first, again := o.want(ask, 201, ""), o.want(ask, 201, "")
	if !bytes.Equal(first.body, again.body) {
		t.Errorf("%s\n%s", first.body, again.body)
	}
	ask.body = interest("6.00")
	o.want(ask, 409, "key-reused")
	_, ask.token = o.key(o.book, "entries:write")
	o.want(ask, 201, "") // each key has its own names
	for _, key := range []string{"", strings.Repeat("k", 256), "two words"} {
		o.want(request{method: http.MethodPost, path: "/entries", key: key, body: interest("1.00")}, 400, "idempotency-key")
	}
	// A refusal leaves no trace: what was mended goes through under the same key.
	bad := o.with(interest("1.00"), "lines", []fields{line("1002.01", "G", "debit", "1.00"), line("4901.01", "G", "credit", "2.00")})
	o.want(request{method: http.MethodPost, path: "/entries", key: "mended", body: bad}, 422, "unbalanced")
	o.want(request{method: http.MethodPost, path: "/entries", key: "mended", body: interest("1.00")}, 201, "")
}

func TestM3EntryInParallel(t *testing.T) {
	o := newOffice(t)
	ask := request{method: http.MethodPost, path: "/entries", key: "once", body: interest("5.00")}
	answers := o.parallel(50, func(int) request { return ask })
	for _, a := range answers {
		if a.status != 201 || !bytes.Equal(a.body, answers[0].body) {
			t.Fatalf("%d %s", a.status, a.body)
		}
	}
	if n := o.count(`select count(*) from entry`); n != 1 {
		t.Errorf("%d entries", n)
	}
}

// parallel asks n requests at once.
func (o *office) parallel(n int, make1 func(i int) request) []answer {
	o.Helper()
	answers, errs := make([]answer, n), make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { answers[i], errs[i] = o.try(make1(i)) })
	}
	wg.Wait()
	for _, err := range errs {
		o.must(err)
	}
	return answers
}

func TestReversal(t *testing.T) {
	o := newOffice(t)
	// An entry that lowered its fund, as two people would have posted it, may be taken back by a key alone.
	o.oneEntry()
	var cost uuid.UUID
	o.tx(func(tx pgx.Tx) error {
		r, err := ledger.PostOne(o.ctx, tx, o.book.Book, ledger.Entry{Kind: ledger.KindVoucher, EffectiveOn: ledger.Day(2026, 3, 31),
			Document: &ledger.Document{Summary: "Bank charge", SourceKind: "voucher", MadeBy: "A", CheckedBy: "B"},
			Lines: []ledger.Line{
				ledger.Debit(ledger.Leaf{Chart: "other.inc.u", Fund: o.book.funds["G"].ID}, 200),
				ledger.Credit(ledger.Leaf{Chart: "bank.basic", Fund: o.book.funds["G"].ID}, 200)}})
		cost = r.ID
		return err
	})
	path := "/entries/" + cost.String() + "/reversal"
	good := fields{"effective_on": "2026-03-31", "reason": "charged twice"}
	o.want(request{method: http.MethodPost, path: path, key: "r0", body: o.with(good, "reason", "")}, 422, "reason-needed")
	o.want(request{method: http.MethodPost, path: path, key: "r0", body: o.with(good, "effective_on", "31.3.")}, 400, "body")
	o.want(request{method: http.MethodPost, path: path, key: "r0", body: o.with(good, "effective_on", "2026-04-01")}, 400, "body")
	first := o.want(request{method: http.MethodPost, path: path, key: "r1", body: good}, 201, "")
	again := o.want(request{method: http.MethodPost, path: path, key: "r1", body: good}, 201, "")
	var e entryJSON
	first.decode(t, &e)
	if !bytes.Equal(first.body, again.body) || e.Kind != "correction" || *e.Reverses != cost || e.Reason != "charged twice" || e.Amount != "2.00" || e.Lines[0].Credit != "2.00" {
		t.Errorf("%s", first.body)
	}
	o.want(request{method: http.MethodPost, path: path, key: "r2", body: good}, 409, "reversed")
	var original entryJSON
	o.get("/entries/"+cost.String()).decode(t, &original)
	if original.ReversedBy == nil || *original.ReversedBy != e.ID {
		t.Errorf("%+v", original)
	}
	income, gift := o.oneEntry(), o.oneGift()
	before := o.postings()
	// Taking income back lowers the fund; a gift is taken back by a refund.
	o.want(request{method: http.MethodPost, path: "/entries/" + income.String() + "/reversal", key: "r3", body: good}, 403, "needs-second-person")
	o.want(request{method: http.MethodPost, path: "/entries/" + gift.String() + "/reversal", key: "r3", body: good}, 409, "kept-by-gift")
	if after := o.postings(); after != before {
		t.Errorf("%d rows more", after-before)
	}
}

func TestM8ClosedMonth(t *testing.T) {
	o := newOffice(t)
	_, err := o.owner.Exec(o.ctx, `insert into period (book_id, month, state) values ($1, '2026-02-01', 'hard')`, o.book.ID)
	if err != nil {
		t.Fatal(err)
	}
	o.want(request{method: http.MethodPost, path: "/entries", key: "k", body: o.with(interest("1.00"), "effective_on", "2026-02-27")}, 409, "period-closed")
	o.want(request{method: http.MethodPost, path: "/gifts", key: "k", body: o.with(wechat("g"), "paid_at", "2026-02-27T10:00:00+08:00")}, 409, "period-closed")
}

func TestBodyLimit(t *testing.T) {
	o := newOffice(t)
	body := fmt.Sprintf(`{"summary":"%s"}`, strings.Repeat("a", 2<<20))
	for _, path := range []string{"/entries", "/gifts", "/gifts/batch"} {
		o.want(request{method: http.MethodPost, path: path, key: "k", body: body}, 413, "http")
		// Without a Content-Length it is found out while reading.
		req, err := http.NewRequestWithContext(o.ctx, http.MethodPost, o.url+apiPath+path, struct{ *strings.Reader }{strings.NewReader(body)})
		o.must(err)
		req.Header.Set("Authorization", "Bearer "+o.book.token)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		o.must(err)
		res.Body.Close()
		if res.StatusCode != 413 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestMediaType(t *testing.T) {
	o := newOffice(t)
	for _, kind := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"} {
		req, err := http.NewRequestWithContext(o.ctx, http.MethodPost, o.url+apiPath+"/gifts", strings.NewReader("{}"))
		o.must(err)
		req.Header.Set("Authorization", "Bearer "+o.book.token)
		req.Header.Set("Content-Type", kind)
		res, err := http.DefaultClient.Do(req)
		o.must(err)
		res.Body.Close()
		if res.StatusCode != 415 {
			t.Errorf("%q: %d", kind, res.StatusCode)
		}
	}
}
