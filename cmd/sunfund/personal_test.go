package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// site is a running service with an accountant's browser and a partner's API key.
type site struct {
	*testing.T
	db      *pgtest.DB
	book    *ledger.Book
	home    string
	token   string
	browser *http.Client
	log     *kept
	asked   *[]asking // by all its browsers
}

// asking is a request that was made.
type asking struct {
	browser                  *http.Client
	method, path, kind, body string
	headers                  []string
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{T: t, db: pgtest.New(t), log: &kept{}, asked: &[]asking{}}
	now := time.Now()
	hasher, err := staff.NewHasher(1)
	s.must(err)
	hash, err := hasher.Hash(t.Context(), "right-canary-password")
	s.must(err)
	s.must(pg.InTx(t.Context(), s.db.Service, func(tx pgx.Tx) (err error) {
		ctx := t.Context()
		s.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "sun", NameZH: "慈善会", NameEN: "Charity", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC, Sandbox: true})
		s.must(err)
		fund, err := ledger.CreateFund(ctx, tx, s.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"})
		s.must(err)
		_, err = giving.CreateCampaign(ctx, tx, s.book, giving.Campaign{FundID: fund.ID, Slug: "c", TitleZH: "题", TitleEN: "Title", SummaryZH: "要",
			SummaryEN: "Summary", StoryZH: "事", StoryEN: "Story", Goal: 1_000_00, OpensAt: now.AddDate(0, -1, 0), ClosesAt: now.AddDate(0, 1, 0)})
		s.must(err)
		s.must(payments.AddProcessor(ctx, tx, s.book, payments.SandboxCode))
		s.must(staff.SetSettings(ctx, tx, s.book.ID, staff.Settings{Password: staff.PasswordAlone}, uuid.Nil, now))
		for login, role := range map[string]staff.Role{"mei": staff.Accountant, "bo": staff.Approver, "guan": staff.Admin} {
			p, err := staff.Create(ctx, tx, s.book.ID, staff.Person{Login: login, NameZH: "梅", NameEN: "Accountant Mei", Lang: "zh-CN"}, hash, uuid.Nil, now)
			s.must(err)
			_, err = staff.GrantRole(ctx, tx, s.book.ID, p.ID, uuid.Nil, staff.Held{Role: role}, now)
			s.must(err)
		}
		_, s.token, err = staff.CreateKey(ctx, tx, s.book.ID, "partner", staff.Scopes(), uuid.Nil, now.AddDate(0, 1, 0), now)
		return err
	}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	service, err := newService(t.Context(), s.db.Bare(t), listener, serveCmd{LogLevel: "debug", keyRing: keyRing{Keys: pgtest.KeyLine}}, terminal{out: io.Discard, err: s.log})
	s.must(err)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- service.run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	jar, err := cookiejar.New(nil)
	s.must(err)
	s.browser, s.home = &http.Client{Jar: jar}, "http://"+listener.Addr().String()
	return s
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) ask(want int, method, path, kind, body string, headers ...string) (*http.Response, string) {
	s.Helper()
	a := asking{s.browser, method, path, kind, body, headers}
	*s.asked = append(*s.asked, a)
	answer, text := s.send(a)
	if want != 0 && answer.StatusCode != want {
		s.Fatalf("%s %s: %s\n%s", method, path, answer.Status, text)
	}
	return answer, text
}

func (s *site) send(a asking) (*http.Response, string) {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), a.method, s.home+a.path, strings.NewReader(a.body))
	s.must(err)
	r.Header.Set("Content-Type", a.kind)
	for i := 0; i < len(a.headers); i += 2 {
		r.Header.Set(a.headers[i], a.headers[i+1])
	}
	answer, err := a.browser.Do(r)
	s.must(err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	s.must(err)
	return answer, string(text)
}

func (s *site) get(want int, path string) string {
	s.Helper()
	_, text := s.ask(want, http.MethodGet, path, "", "")
	return text
}

func (s *site) post(want int, path string, form url.Values) (*http.Response, string) {
	s.Helper()
	return s.ask(want, http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode(), "Origin", s.home)
}

func (s *site) api(want int, path, body string) string {
	s.Helper()
	_, text := s.ask(want, http.MethodPost, path, "application/json", body, "Authorization", "Bearer "+s.token, "Idempotency-Key", uuid.NewString())
	return text
}

// rows are all rows of every table, as text: bytea in hex, JSON as it is.
func (s *site) rows() (all map[string][]string) {
	s.Helper()
	rows, err := s.db.Pool.Query(s.Context(), `select oid::regclass::text from pg_class where relkind in ('r', 'p') and relnamespace::regnamespace::text !~ '^pg_|^information_schema$'`)
	s.must(err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	s.must(err)
	if len(tables) < 30 || !slices.Contains(tables, "private.donor") {
		s.Fatalf("tables: %q", tables)
	}
	all = map[string][]string{}
	for _, table := range tables {
		rows, err := s.db.Pool.Query(s.Context(), "select t::text from "+table+" t")
		s.must(err)
		all[table], err = pgx.CollectRows(rows, pgx.RowTo[string])
		s.must(err)
	}
	return all
}

// spelt are the ways in which a text may stand in a row or a log.
func spelt(mark string) []string {
	asJSON, _ := json.Marshal(mark)
	ascii := strings.Trim(fmt.Sprintf("%+q", mark), `"`)
	list := []string{mark, url.QueryEscape(mark), url.PathEscape(mark), hex.EncodeToString([]byte(mark)), strings.Trim(string(asJSON), `"`), ascii}
	for shift := range 3 { // wherever it stands in what is encoded
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", shift) + mark))
		list = append(list, text[(shift*8+5)/6:len(text)-4])
	}
	return list
}

// holders are the tables in which any of the marks stands.
func (s *site) holders(marks ...string) (found []string) {
	s.Helper()
	for table, rows := range s.rows() {
		for _, row := range rows {
			for _, mark := range marks {
				for _, text := range spelt(mark) {
					if strings.Contains(strings.ToLower(row), strings.ToLower(text)) {
						found = append(found, table+" holds "+mark)
					}
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// TestNothingPersonalInClear (issue 4): marked names, e-mails and messages come by page, API and import file, are looked at,
// searched for, taken out and part of a request to refund; no table holds them in clear. Then they are erased: their
// ciphertext, keys and indexes are gone too, gifts and totals stand, the book verifies, and the log never had any of it.
func TestNothingPersonalInClear(t *testing.T) {
	s := newSite(t)
	marks := []string{"Canary-Page-Name", "canary-page@example.org", "Canary-Page-Message", "金丝雀接口", "Canary-API-Message", "Canary-Import-Name", "Canary-Import-Message",
		"Canary-Refused-Name"}

	form := url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"}, "name": {marks[0]}, "email": {marks[1]}, "message": {marks[2]}}
	paying, _ := s.post(0, "/c/c/give", form)
	paid, page := s.post(0, paying.Request.URL.Path, url.Values{"result": {"success"}})
	ref := regexp.MustCompile(`^/g/(.+)$`).FindStringSubmatch(paid.Request.URL.Path)
	if ref == nil {
		t.Fatalf("not paid: %s\n%s", paid.Request.URL, page)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if answer, _ := s.ask(0, http.MethodGet, "/g/"+ref[1]+"/receipt", "", ""); answer.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the gift was never booked")
		}
	}
	form.Set("form", uuid.Must(uuid.NewV7()).String())
	s.post(0, "/c/c/give", form) // started, and never paid
	body := fmt.Sprintf(`{"campaign":"c","amount":"20.00","currency":"CNY","channel":"wechat","ref":"api-1","paid_at":%q,"donor_name":%q,"message":%q}`,
		time.Now().Add(-time.Hour).Format(time.RFC3339), marks[3], marks[4])
	s.api(http.StatusCreated, "/api/v1/gifts", body)
	s.api(http.StatusOK, "/api/v1/gifts", body)
	s.api(http.StatusOK, "/api/v1/gifts/batch", `{"gifts":[`+body+`]}`)
	s.importFile(marks[5], marks[6], marks[7])

	s.post(0, "/console/sign-in", url.Values{"login": {"mei"}, "password": {"right-canary-password"}})
	list := s.get(http.StatusOK, "/console/gifts")
	for _, mark := range []string{marks[0], marks[2], marks[3], marks[4], marks[5], marks[6]} {
		if !strings.Contains(list, mark) {
			t.Errorf("the console does not show %s, so this shows little", mark)
		}
	}
	s.get(http.StatusOK, "/console/gifts?q="+marks[1])
	s.get(http.StatusOK, "/console/gifts?format=csv&q="+url.QueryEscape(marks[3]))
	s.get(http.StatusOK, "/console/search?q="+marks[0])
	donors := regexp.MustCompile(`/console/donors/[0-9a-f-]{36}`).FindAllString(list, -1)
	if len(donors) != 3 {
		t.Fatalf("%q", donors)
	}
	refund := strings.Replace(donors[0], "donors", "gifts", 1) + "/refund" // a donor has the id of the first gift
	s.post(http.StatusOK, refund, url.Values{"form": {uuid.NewString()}, "amount": {"1.00"}, "ref": {"R-1"}, "reason": {"double payment"}, "why": {"twice"}})
	for _, donor := range donors {
		s.get(http.StatusOK, donor)
		s.get(http.StatusOK, donor+"/record")
	}

	// The search finds what is there: in text, in bytea, in JSON.
	for _, there := range []struct{ mark, table string }{{"Accountant Mei", "person"}, {`"livemode"`, "inbox"}, {"double payment", "approval"}, {"R-1", "approval"}} {
		if found := s.holders(there.mark); !slices.Contains(found, there.table+" holds "+there.mark) {
			t.Errorf("%s is not found in %s but in %q", there.mark, there.table, found)
		}
	}
	if found := s.holders(marks...); len(found) > 0 {
		t.Errorf("in clear: %q", found)
	}

	var sealed []string
	rows, err := s.db.Pool.Query(t.Context(), `select unnest(array[encode(d.key, 'hex'), encode(d.name, 'hex'), encode(d.email, 'hex'), d.name_index::text, d.email_index::text, encode(m.text, 'hex')])
		from private.donor d left join private.message m on m.donor_id = d.id`)
	s.must(err)
	for rows.Next() {
		var text *string
		s.must(rows.Scan(&text))
		if text != nil {
			sealed = append(sealed, *text)
		}
	}
	s.must(rows.Err())
	if len(sealed) < 15 || len(s.holders(sealed...)) == 0 {
		t.Fatalf("%d sealed texts", len(sealed))
	}
	before := s.totals()
	for _, donor := range donors {
		look := s.get(http.StatusOK, donor+"/erase")
		seen := regexp.MustCompile(`name="seen" value="([0-9a-f]+)"`).FindStringSubmatch(look)
		s.post(http.StatusOK, donor+"/erase", url.Values{"seen": {seen[1]}, "reason": {"asked"}, "sure": {"yes"}})
	}
	if found := s.holders(append(slices.Clone(marks), sealed...)...); len(found) > 0 {
		t.Errorf("after erasing: %q", found)
	}
	if after := s.totals(); after != before {
		t.Errorf("totals were %s and are %s", before, after)
	}
	s.verify()
	s.api(http.StatusOK, "/api/v1/gifts", body) // the same gift, sent again: nothing comes back
	if list := s.get(http.StatusOK, "/console/gifts"); strings.Contains(list, marks[3]) || !strings.Contains(list, "已删除") && !strings.Contains(list, "erased") {
		t.Error("the list shows what was erased, or does not say so")
	}

	text := s.log.String()
	if !strings.Contains(text, "/console/donors/:id/erase") {
		t.Fatalf("the log is not of this run:\n%s", text)
	}
	for _, mark := range append(marks, strings.Fields(pgtest.KeyLine)[1], s.token, "right-canary-password") {
		for _, spelling := range spelt(mark) {
			if at := strings.Index(text, spelling); at >= 0 {
				t.Errorf("%q stands in the log: …%s", spelling, text[max(0, at-200):min(len(text), at+100)])
			}
		}
	}
}

// importFile runs the import command on a file with a good and a bad line.
func (s *site) importFile(name, message, refused string) {
	s.Helper()
	file := filepath.Join(s.TempDir(), "gifts.csv")
	line := "%s," + time.Now().Add(-time.Hour).Format(time.RFC3339) + ",c,%s,wechat,30.00,CNY,0.00,,%s,false,%s,\n"
	text := "gift_no,paid_at,campaign,fund,channel,amount,currency,fee,processor_ref,donor_name,anonymous,message,refund_of\n" +
		fmt.Sprintf(line, "F1", "G", name, message) + fmt.Sprintf(line, "F2", "nowhere", refused, "")
	s.must(os.WriteFile(file, []byte(text), 0o600))
	var out strings.Builder
	c := importGiftsCmd{database: database{DatabaseURL: s.db.DSN(pgtest.Service)}, keyRing: keyRing{Keys: pgtest.KeyLine}, File: file}
	if err := c.Run(s.Context(), terminal{out: &out, err: s.log}); !errors.Is(err, errRefusedLines) || strings.Contains(out.String()+err.Error(), refused) {
		s.Fatalf("%v\n%s", err, &out)
	}
}

// totals are the figures that erasing may not move.
func (s *site) totals() (text string) {
	s.Helper()
	s.must(s.db.Pool.QueryRow(s.Context(), `select concat_ws(' ', (select count(*) from gift), (select sum(amount) from gift), (select count(*) from entry), (select sum(amount) from posting where amount > 0),
		(select sum(balance * seq) from balance), (select md5(string_agg(e::text, '' order by id)) from entry e), (select md5(string_agg(g::text, '' order by id)) from gift g))`).Scan(&text))
	return text
}

func (s *site) verify() {
	s.Helper()
	s.must(pg.InTx(s.Context(), s.db.Service, func(tx pgx.Tx) error {
		checks, err := verifyBook(s.Context(), tx, s.book)
		for _, c := range checks {
			if c.DiffersAll > 0 {
				s.Errorf("%s: %v", c.Code, c.Differs)
			}
		}
		return err
	}))
}

// Keys are made in a file for its owner only, added in front, and asked for by whoever needs them, in words that help.
func TestKeys(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	keptBook(t, db, "one") // sealed by the tests' key
	file := filepath.Join(t.TempDir(), "keys")
	say := func(args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), append(args, "--database-url="+db.DSN(pgtest.Service)), &out, io.Discard)
		return out.String(), err
	}
	make := func(args ...string) (string, error) {
		var out strings.Builder
		err := run(t.Context(), append([]string{"key", "new"}, args...), &out, io.Discard)
		return out.String(), err
	}
	if _, err := (keyRing{}).read(); !errors.Is(err, errNoKeyRing) {
		t.Errorf("no keys: %v", err)
	}
	if out, err := make(file); err != nil || !strings.Contains(out, "keep a copy") {
		t.Fatalf("%v %s", err, out)
	}
	if _, err := make(file); !errors.Is(err, errKeyFileThere) {
		t.Errorf("again: %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if _, err := say("key", "rewrap", "--key-file="+file); !errors.Is(err, ledger.ErrKeyLost) || !strings.Contains(err.Error(), pgtest.Ring().Current()) {
		t.Errorf("without the book's key: %v", err)
	}
	if err := (&serveCmd{DatabaseURL: db.DSN(pgtest.Service), Listen: "127.0.0.1:0", LogLevel: "warn", keyRing: keyRing{KeyFile: file}}).Run(t.Context(), terminal{io.Discard, io.Discard}); !errors.Is(err, ledger.ErrKeyLost) {
		t.Errorf("serve without the book's key: %v", err)
	}
	if err := (&serveCmd{DatabaseURL: db.DSN(pgtest.Service), Listen: "127.0.0.1:0", LogLevel: "warn"}).Run(t.Context(), terminal{io.Discard, io.Discard}); !errors.Is(err, errNoKeyRing) {
		t.Errorf("serve without keys: %v", err)
	}
	if err := os.WriteFile(file, []byte(pgtest.KeyLine+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := make(file, "--add"); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Count(string(text), "sunfund-key-1 ") != 2 || !strings.HasSuffix(string(text), pgtest.KeyLine+"\n") {
		t.Fatalf("%v %d keys", err, strings.Count(string(text), "sunfund-key-1 "))
	}
	if out, err := say("key", "rewrap", "--key-file="+file); err != nil || !strings.Contains(out, "Book one: 0 donors") {
		t.Errorf("%v %s", err, out)
	}
	if out, err := make("-"); err != nil || strings.Count(out, "\n") != 1 {
		t.Errorf("%v %s", err, out)
	} else if _, err := seal.Parse([]byte(out)); err != nil {
		t.Error(err)
	}
}
