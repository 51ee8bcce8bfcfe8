package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/oidctest"
	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// kept is a log in memory.
type kept struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (k *kept) Write(b []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.Write(b)
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.text.String()
}

// TestK1LogsCarryNothingPersonal (K1): marked names, e-mails, messages, passwords, tokens and addresses of gifts go through
// the whole service at debug level, in requests that succeed and that fail; none of them stands in its log.
func TestK1LogsCarryNothingPersonal(t *testing.T) {
	db := pgtest.New(t)
	ctx := t.Context()
	now := time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	marks := []string{"Canary-Name", "canary-mail@example.org", "Canary-Message", "canary-password", "canary-login", "canary-form-field"}
	hasher, err := staff.NewHasher(1)
	must(err)
	hash, err := hasher.Hash(ctx, "right-canary-password")
	must(err)
	var token string
	issuer := oidctest.New(t, time.Now)
	issuer.Subject = "canary-subject"
	must(pg.InTx(ctx, db.Service, func(tx pgx.Tx) error {
		book, err := ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "sun", NameZH: "慈善会", NameEN: "Charity", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC, Sandbox: true})
		must(err)
		fund, err := ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常", NameEN: "General"})
		must(err)
		_, err = giving.CreateCampaign(ctx, tx, book, giving.Campaign{FundID: fund.ID, Slug: "c", TitleZH: "题", TitleEN: "Title", SummaryZH: "要",
			SummaryEN: "Summary", StoryZH: "事", StoryEN: "Story", Goal: 1_000_00, OpensAt: now.AddDate(0, -1, 0), ClosesAt: now.AddDate(0, 1, 0)})
		must(err)
		must(payments.AddProcessor(ctx, tx, book, payments.SandboxCode))
		must(staff.SetSettings(ctx, tx, book.ID, staff.Settings{Password: staff.PasswordAlone, Issuer: issuer.URL, Client: oidctest.Client}, uuid.Nil, now))
		p, err := staff.Create(ctx, tx, book.ID, staff.Person{Login: "mei", NameZH: "梅", NameEN: "Mei", Lang: "zh-CN"}, hash, uuid.Nil, now)
		must(err)
		_, err = staff.GrantRole(ctx, tx, book.ID, p.ID, uuid.Nil, staff.Held{Role: staff.Accountant}, now)
		must(err)
		_, token, err = staff.CreateKey(ctx, tx, book.ID, "partner", staff.Scopes(), uuid.Nil, now.AddDate(0, 1, 0), now)
		return err
	}))
	var secret []byte
	must(db.Pool.QueryRow(ctx, `select webhook_secret from processor`).Scan(&secret))

	var log kept
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	pool := db.Bare(t)
	s, err := newService(ctx, pool, listener, serveCmd{LogLevel: "debug", keyRing: keyRing{Keys: pgtest.KeyLine}, OIDCSecrets: map[string]string{"sun": oidctest.Secret}, OIDCNetworks: []netip.Prefix{oidctest.Network}}, terminal{out: io.Discard, err: &log})
	must(err)
	running, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.run(running) }()

	jar, err := cookiejar.New(nil)
	must(err)
	browser := &http.Client{Jar: jar}
	home := "http://" + listener.Addr().String()
	ask := func(method, path, kind, body string, headers ...string) (*http.Response, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(ctx, method, home+path, strings.NewReader(body))
		must(err)
		r.Header.Set("Content-Type", kind)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		answer, err := browser.Do(r)
		must(err)
		defer answer.Body.Close()
		page, err := io.ReadAll(answer.Body)
		must(err)
		return answer, string(page)
	}
	post := func(path string, form url.Values) (*http.Response, string) {
		t.Helper()
		form.Set("lang", "en")
		return ask(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode(), "Origin", home)
	}
	get := func(path string, headers ...string) (*http.Response, string) {
		t.Helper()
		return ask(http.MethodGet, path, "", "", headers...)
	}

	gift := url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"},
		"name": {"Canary-Name"}, "email": {"canary-mail@example.org"}, "message": {"Canary-Message"}}
	paying, page := post("/c/c/give", gift)
	if !strings.HasPrefix(paying.Request.URL.Path, "/sandbox/") {
		t.Fatalf("the gift was not begun: %s\n%s", paying.Status, page)
	}
	marks = append(marks, strings.TrimPrefix(paying.Request.URL.Path, "/sandbox/"))
	paid, page := post(paying.Request.URL.Path, url.Values{"result": {"success"}})
	ref := regexp.MustCompile(`^/g/(.+)$`).FindStringSubmatch(paid.Request.URL.Path)
	if ref == nil {
		t.Fatalf("not paid: %s %s\n%s", paid.Request.URL, paid.Status, page)
	}
	marks = append(marks, ref[1])
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if answer, _ := get("/g/" + ref[1] + "/receipt"); answer.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the gift was never booked")
		}
	}
	gift.Set("amount", "-1") // refused, and shown again
	post("/c/c/give", gift)
	get("/g/canary-form-field")
	get("/c/canary-form-field?q=canary-form-field&email=canary-mail@example.org")

	post("/console/sign-in", url.Values{"login": {"canary-login"}, "password": {"canary-password"}})
	post("/console/sign-in", url.Values{"login": {"mei"}, "password": {"right-canary-password"}})
	here, _ := url.Parse(home)
	if cookies := jar.Cookies(here); len(cookies) == 0 {
		t.Fatal("not signed in")
	} else {
		for _, c := range cookies {
			if len(c.Value) > 20 {
				marks = append(marks, c.Value)
			}
		}
	}
	if answer, page := get("/console/gifts"); answer.StatusCode != http.StatusOK || !strings.Contains(page, "Canary-Name") {
		t.Errorf("the console does not show the gift, so this shows little: %s", answer.Status)
	}
	get("/console/search?q=Canary-Name")
	_, factor := get("/console/me/factor")
	secretOf := regexp.MustCompile(`name="secret" value="([A-Z2-7]{16,})"`).FindStringSubmatch(factor)
	if secretOf == nil {
		t.Fatalf("no secret for a time-based code on the page:\n%s", factor)
	}
	marks = append(marks, secretOf[1], strings.Fields(pgtest.KeyLine)[1])
	post("/console/me/factor", url.Values{"secret": {secretOf[1]}, "code": {"000000"}, "password": {"canary-password"}})

	// To the issuer of identities and back: our secret there, its codes, tokens and subjects.
	issuer.Redirect = home + "/console/sign-in/return"
	for _, alg := range []string{"", "none", "other"} {
		issuer.Alg = alg
		back, _ := get("/console/sign-in/issuer")
		if back.Request.URL.Path != "/console/sign-in/return" || back.StatusCode != http.StatusUnauthorized {
			t.Errorf("%q: %s of %s", alg, back.Status, back.Request.URL.Path)
		}
		marks = append(marks, back.Request.URL.Query().Get("code"), back.Request.URL.Query().Get("state"), issuer.Asked.Get("nonce"))
	}
	issuer.Redirect = "https://elsewhere.example" // the issuer refuses
	get("/console/sign-in/issuer")
	get("/console/sign-in/return?code=canary-form-field&state=" + issuer.Asked.Get("state"))
	marks = append(marks, oidctest.Secret, "canary-subject", issuer.Asked.Get("state"), strings.Fields(pgtest.KeyLine)[1])
	if answer, body := get("/api/v1/gifts", "Authorization", "Bearer "+token); answer.StatusCode != http.StatusOK || !strings.Contains(body, "items") {
		t.Errorf("API: %s", answer.Status)
	}
	get("/api/v1/gifts", "Authorization", "Bearer sf_canary-form-field_x")
	ask(http.MethodPost, "/api/v1/gifts", "application/json", `{"campaign":"c","donor":{"name":"Canary-Name"},"canary-form-field":1}`, "Authorization", "Bearer "+token,
		"Idempotency-Key", "k")
	ask(http.MethodPost, "/webhooks/sun/sandbox", "application/json", `{"id":"canary-form-field"}`, payments.SignatureHeader, "t=1,v1=00")
	parts := strings.Split(token, "_")
	marks = append(marks, token, parts[len(parts)-1], string(secret))
	pool.Close() // what fails inside is logged: this much of it
	gift.Set("form", uuid.Must(uuid.NewV7()).String())
	gift.Set("amount", "other")
	if answer, _ := post("/c/c/give", gift); answer.StatusCode < 500 {
		t.Errorf("without a database: %s", answer.Status)
	}
	get("/g/" + ref[1])

	stop()
	<-ended // intakes complain that the database went
	text := log.String()
	if n := strings.Count(text, `"request"`); n < 12 || !strings.Contains(text, "/g/:ref") || !strings.Contains(text, "request failed") {
		t.Fatalf("only %d requests logged:\n%s", n, text)
	}
	for _, mark := range marks {
		for _, spelt := range []string{mark, url.QueryEscape(mark)} {
			if at := strings.Index(text, spelt); at >= 0 {
				t.Errorf("%q stands in the log: …%s", spelt, text[max(0, at-200):min(len(text), at+100)])
			}
		}
	}
}
