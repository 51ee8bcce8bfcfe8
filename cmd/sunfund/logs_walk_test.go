package main

import (
	"bytes"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
)

// marked is a site whose visitors type marks and are given secrets, and which remembers both.
type marked struct {
	*site
	marks []string
}

// mark is a text that stands nowhere else.
func (m *marked) mark(what string) string {
	text := "Canary-" + what + "-Xq"
	m.secret(text)
	return text
}

func (m *marked) secret(texts ...string) {
	m.Helper()
	for _, text := range texts {
		if len(text) < 6 {
			m.Fatalf("%q is no mark", text)
		}
	}
	m.marks = append(m.marks, texts...)
}

// as is another browser, signed in.
func (s *site) as(login string) *site {
	s.Helper()
	jar, err := cookiejar.New(nil)
	s.must(err)
	other := *s
	other.browser = &http.Client{Jar: jar}
	other.post(http.StatusOK, "/console/sign-in", url.Values{"login": {login}, "password": {"right-canary-password"}})
	return &other
}

// step sends the form of a step of an offline record, and returns where it leads.
func (s *site) step(path, act string, pairs ...string) string {
	s.Helper()
	form := url.Values{"form": {uuid.NewString()}, "act": {act}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(act+"-"+pairs[i], pairs[i+1])
	}
	answer, _ := s.post(http.StatusOK, path, form)
	return answer.Request.URL.Path
}

// approve gives the second person's word.
func (s *site) approve(path string) {
	s.Helper()
	hash := s.found(s.get(http.StatusOK, path), `name="hash" value="([0-9a-f]+)"`)
	if _, page := s.post(http.StatusOK, path, url.Values{"hash": {hash}, "do": {"approve"}}); !strings.Contains(page, "Approved") && !strings.Contains(page, "已批准") {
		s.Fatalf("%s: not approved\n%s", path, page)
	}
}

func (s *site) upload(path string, field [2]string, part, name string, body []byte) string {
	s.Helper()
	var sent bytes.Buffer
	form := multipart.NewWriter(&sent)
	s.must(form.WriteField(field[0], field[1]))
	file, err := form.CreateFormFile(part, name)
	s.must(err)
	_, err = file.Write(body)
	s.must(err)
	s.must(form.Close())
	answer, _ := s.ask(http.StatusOK, http.MethodPost, path, form.FormDataContentType(), sent.String(), "Origin", s.home)
	return answer.Request.URL.Path
}

// found is what the pattern's group matches in a page.
func (s *site) found(page, pattern string) string {
	s.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(page)
	if m == nil {
		s.Fatalf("no %s in\n%s", pattern, page)
	}
	return m[1]
}

// letter waits for the first letter of a kind.
func (s *site) letter(kind giving.LetterKind) giving.Letter {
	s.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		var list []giving.Letter
		s.must(pg.InTx(s.Context(), s.db.Service, func(tx pgx.Tx) (err error) {
			list, err = giving.Letters(s.Context(), tx, s.book, uuid.Nil, 100)
			return err
		}))
		if at := slices.IndexFunc(list, func(l giving.Letter) bool { return l.Kind == kind }); at >= 0 {
			return list[at]
		}
		if time.Now().After(deadline) {
			s.Fatalf("no letter %s", kind)
		}
	}
}

// give gives through the page and the sandbox, and returns the gift's address once it is booked.
func (s *site) give(form url.Values) string {
	s.Helper()
	paying, page := s.post(http.StatusOK, "/c/c/give", form)
	if !strings.HasPrefix(paying.Request.URL.Path, "/sandbox/") {
		s.Fatalf("not begun: %s\n%s", paying.Request.URL, page)
	}
	paid, _ := s.post(0, paying.Request.URL.Path, url.Values{"result": {"success"}})
	gift := paid.Request.URL.Path
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if answer, _ := s.ask(0, http.MethodGet, gift+"/receipt", "", ""); answer.StatusCode == http.StatusOK {
			return gift
		}
		if time.Now().After(deadline) {
			s.Fatal("the gift was never booked")
		}
	}
}

// TestK1LogOfAWholeRun (K1): marked names, addresses, papers and reasons go through receipts, the donor's page and its
// letters, monthly giving, records of offline gifts, platform files, refunds and accounts of staff; then every request is
// sent once more while the database refuses to write, and again while it refuses to open what is private. None of the
// marks, and none of the secrets that were given out, stands in the log of it all.
func TestK1LogOfAWholeRun(t *testing.T) {
	m := &marked{site: newSite(t)}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(m.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	m.secret(m.token, strings.Fields(pgtest.KeyLine)[1], "right-canary-password")
	mei, bo, guan := m.as("mei"), m.as("bo"), m.as("guan")
	m.receipts(mei)
	m.ownPage()
	m.plan()
	m.offline(mei, bo)
	m.platform(mei)
	m.refund(mei, bo)
	m.staff(guan)

	walk := slices.Clone(*m.asked)
	for _, refuse := range []string{"insert, update, delete on all tables in schema public, private", "all on all tables in schema private",
		"all on gift, bank_receipt, lot, pledge, platform_file, receipt, attachment, plan"} {
		_, err := m.db.Pool.Exec(t.Context(), "revoke "+refuse+" from sunfund_app")
		m.must(err)
		for _, a := range walk {
			m.send(a)
		}
	}

	text := m.log.String()
	for _, route := range []string{"/g/:ref/receipt", "/g/:ref/receipt/mail", "/g/:ref/refund", "/me/in/:token", "/me/record", "/me/statement", "/me/name", "/plan/:ref", "/verify", "/console/papers/:id",
		"/console/bank-receipts/:id", "/console/pledges/:id", "/console/goods/:id", "/console/auctions/:id", "/console/services/:id", "/console/platforms/:id/profile", "/console/receipts/:id/replace",
		"/console/gifts/:id/refund", "/console/people/:id", "/console/keys", "/console/donors/:id/record"} {
		if !strings.Contains(text, `"`+route+`"`) {
			t.Errorf("%s was never asked for", route)
		}
	}
	if n := strings.Count(text, "request failed"); n < 50 || !strings.Contains(text, "permission denied") {
		t.Fatalf("only %d failures, so this shows little:\n%s", n, text)
	}
	slices.Sort(m.marks)
	for _, mark := range slices.Compact(m.marks) {
		for _, spelling := range spelt(mark) {
			if at := strings.Index(text, spelling); at >= 0 {
				t.Errorf("%q stands in the log: …%s", spelling, text[max(0, at-200):min(len(text), at+100)])
				break
			}
		}
	}
	t.Logf("%d marks, %d lines", len(m.marks), strings.Count(text, "\n"))
}

func (m *marked) receipts(mei *site) {
	m.Helper()
	mei.post(http.StatusOK, "/console/receipt-ranges", url.Values{"code": {"50010126"}, "first": {"1"}, "last": {"90"}, "allotted": {time.Now().UTC().Format(time.DateOnly)}})
	gift := m.give(url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"50"},
		"name": {m.mark("Giver")}, "email": {"canary-own-xq@example.org"}, "message": {m.mark("Message")}})
	m.secret("canary-own-xq@example.org", strings.TrimPrefix(gift, "/g/"))
	m.post(http.StatusUnprocessableEntity, gift+"/receipt", url.Values{"kind": {"organisation"}, "payer": {m.mark("Firm")}, "uscc": {"91350100M000100Y99"}})
	m.post(http.StatusOK, gift+"/receipt", url.Values{"kind": {"person"}, "payer": {m.mark("Payer")}})
	m.get(0, gift+"/receipt/pdf")
	slip := m.found(m.get(http.StatusOK, gift+"/receipt"), `/verify\?([^<"]+)`)
	slip = strings.ReplaceAll(slip, "&amp;", "&")
	values, err := url.ParseQuery(slip)
	m.must(err)
	m.secret(values.Get("check"))
	m.get(http.StatusOK, "/verify?"+slip)
	m.get(http.StatusOK, "/verify?number="+m.mark("Number")+"&code="+m.mark("Code")+"&check="+m.mark("Check"))
	m.post(http.StatusOK, gift+"/receipt/mail", nil)
	m.letter(giving.ReceiptLetter)
	receipt := m.found(mei.get(http.StatusOK, "/console/receipts?q="+m.mark("Payer")), `href="(/console/receipts/[0-9a-f-]{36})`)
	mei.get(0, receipt+"/pdf")
	mei.post(http.StatusOK, receipt+"/replace", url.Values{"kind": {"person"}, "payer": {m.mark("Other-Payer")}, "reason": {m.mark("Receipt-Reason")}})
	donor := m.found(mei.get(http.StatusOK, "/console/gifts?q=canary-own-xq@example.org"), `(/console/donors/[0-9a-f-]{36})`)
	mei.get(http.StatusOK, donor+"/record")
	m.post(0, gift+"/refund", url.Values{"amount": {"1.00"}, "why": {"mistake"}, "note": {m.mark("Refund-Note")}})
}

// cookies of this browser are secrets too.
func (m *marked) cookies(of *site) {
	m.Helper()
	here, err := url.Parse(m.home)
	m.must(err)
	for _, c := range of.browser.Jar.Cookies(here) {
		if len(c.Value) > 20 {
			m.secret(c.Value)
		}
	}
}

func (m *marked) ownPage() {
	m.Helper()
	m.post(http.StatusUnprocessableEntity, "/me/sign-in", url.Values{"email": {m.mark("No-Address")}})
	m.post(http.StatusOK, "/me/sign-in", url.Values{"email": {"canary-stranger-xq@example.org"}})
	m.post(http.StatusOK, "/me/sign-in", url.Values{"email": {"canary-own-xq@example.org"}})
	m.secret("canary-stranger-xq@example.org")
	m.cookies(m.site)
	link := m.letter(giving.SignInLetter).Secret
	guess := giving.NewSecret()
	m.secret(link, guess)
	m.get(http.StatusNotFound, "/me/in/"+guess)
	m.get(http.StatusOK, "/me/in/"+link)
	m.post(http.StatusOK, "/me/in/"+link, nil)
	m.cookies(m.site)
	page := m.get(http.StatusOK, "/me")
	if !strings.Contains(page, "Canary-Giver-Xq") {
		m.Fatalf("the donor's page does not show her name\n%s", page)
	}
	ref := m.found(page, `name="ref" value="([^"]+)"`)
	m.post(http.StatusOK, "/me/name", url.Values{"ref": {ref}, "anonymous": {"yes"}})
	m.get(http.StatusOK, "/me/record")
	m.get(http.StatusOK, "/me/statement?year="+time.Now().UTC().Format("2006"))
	m.get(http.StatusOK, "/me/erase")
	m.post(0, "/me/erase", url.Values{"seen": {m.mark("Seen")}})
}

func (m *marked) plan() {
	m.Helper()
	m.give(url.Values{"form": {uuid.Must(uuid.NewV7()).String()}, "currency": {"CNY"}, "amount": {"other"}, "other": {"60"}, "often": {"monthly"},
		"name": {m.mark("Monthly")}, "email": {"canary-own-xq@example.org"}, "message": {m.mark("Monthly-Message")}})
	plan := "/plan/" + m.found(m.get(http.StatusOK, "/me"), `href="/plan/([^"?]+)"`)
	m.secret(strings.TrimPrefix(plan, "/plan/"))
	m.get(http.StatusOK, plan)
	m.post(http.StatusUnprocessableEntity, plan, url.Values{"do": {"change"}, "amount": {m.mark("Sum")}, "on": {"5"}})
	for _, do := range []string{"pause", "resume", "stop"} {
		m.post(http.StatusOK, plan, url.Values{"do": {do}})
	}
}

func (m *marked) offline(mei, bo *site) {
	m.Helper()
	day := time.Now().UTC().Format(time.DateOnly)
	receipt := mei.step("/console/bank-receipts", "receipt-take", "day", day, "ref", m.mark("Bank-Ref"), "amount", "500", "person", m.mark("Sender"))
	mei.upload("/console/papers", [2]string{"object", "bank-receipt:" + receipt[strings.LastIndex(receipt, "/")+1:]}, "paper", m.mark("Paper")+".png",
		[]byte("\x89PNG\r\n\x1a\n "+m.mark("Scan")))
	mei.get(http.StatusOK, m.found(mei.get(http.StatusOK, receipt), `(/console/papers/[0-9a-f-]{36})`))
	mei.step(receipt, "receipt-claim", "day", day, "campaign", "1", "person", m.mark("Claimer"), "proof", m.mark("Proof"))
	back := mei.step("/console/bank-receipts", "receipt-take", "day", day, "ref", "B-2", "amount", "60", "person", m.mark("Sent-Back"))
	bo.approve(mei.step(back, "receipt-return", "day", day, "reason", m.mark("Back-Reason")))

	pledge := mei.step("/console/pledges", "pledge-sign", "day", day, "firm", m.mark("Pledger"), "document", m.mark("Contract"), "campaign", "1", "amount", "100", "parts", "1", "due", day, "months", "1")
	mei.step(pledge, "pledge-paid", "day", day, "amount", "60", "ref", m.mark("Pledge-Ref"))
	bo.approve(mei.step(pledge, "pledge-end", "day", day, "reason", m.mark("Pledge-Reason")))

	lot := mei.step("/console/goods", "lot-receive", "day", day, "kind", "art", "title", m.mark("Picture"), "pieces", "1", "unit", "幅", "campaign", "1", "person", m.mark("Painter"), "place", m.mark("Place"))
	bo.approve(mei.step(lot, "lot-value", "day", day, "basis", "appraisal", "appraiser", m.mark("Appraiser"), "value", "500"))
	mei.step(lot, "auction-open", "day", day, "house", m.mark("House"), "reserve", "30")
	auction := m.found(mei.get(http.StatusOK, lot), `(/console/auctions/[0-9a-f-]{36})`)
	mei.step(auction, "auction-deposit", "day", day, "paddle", "7", "person", m.mark("Bidder"), "deposit", "10")
	buyer := m.found(mei.get(http.StatusOK, auction), `<option value="([0-9a-f-]{36})"`)
	bo.approve(mei.step(auction, "auction-sell", "day", day, "buyer", buyer, "price", "600", "costs", "3", "way", "premium"))

	service := mei.step("/console/services", "service-note", "day", day, "what", m.mark("Service"), "hours", "8", "campaign", "1", "person", m.mark("Lawyer"))
	bo.approve(mei.step(service, "service-value", "day", day, "value", "80", "document", m.mark("Invoice")))

	count := mei.step("/console/cash", "cash-count", "day", day, "campaign", "1", "n10000", "2", "slips", "210", "reason", m.mark("Short"))
	bo.step(count, "count-confirm", "total", "200")
	for _, path := range []string{receipt, back, pledge, lot, auction, service, count, "/console/offline", "/console/search?q=" + m.mark("Sender")} {
		mei.get(http.StatusOK, path)
	}
}

func (m *marked) platform(mei *site) {
	m.Helper()
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Truncate(24 * time.Hour)
	text, _ := platforms.Sample(9, yesterday)
	text = strings.ReplaceAll(text, "王先生", m.mark("Platform-Giver")) + m.mark("Bad-Line") + ",x,1,0,0," + m.mark("Bad-Giver") + ",P-001,人民币,支付成功\n"
	file := mei.upload("/console/platforms", [2]string{"form", uuid.Must(uuid.NewV7()).String()}, "file", m.mark("File")+".csv", []byte(text))
	profile := url.Values{"form": {uuid.NewString()}, "do": {"save"}, "charset": {"utf-8"}, "delimiter": {"comma"}, "header": {"2"}, "time_form": {"2006-01-02 15:04:05"}, "zone": {"Asia/Shanghai"},
		"unit": {"yuan"}, "ignore": {"合计"}, "paid": {"支付成功"}, "codes": {"P-001=c"}, "foundation": {"基金会"}, "platform": {"shili"}, "name": {"示例"}, "col_order": {"1"}, "col_time": {"2"},
		"col_amount": {"3"}, "col_fee": {"4"}, "col_match": {"5"}, "col_donor": {"6"}, "col_campaign": {"7"}, "col_currency": {"8"}, "col_state": {"9"}}
	mei.post(http.StatusOK, file+"/profile", profile)
	mei.get(http.StatusOK, file+"/faults")
	mei.step(file, "platform-book", "reason", m.mark("Platform-Reason"))
	mei.get(http.StatusOK, file)
}

func (m *marked) refund(mei, bo *site) {
	m.Helper()
	gift := strings.Replace(m.found(mei.get(http.StatusOK, "/console/gifts?q=Canary-Giver-Xq"), `(/console/donors/[0-9a-f-]{36})`), "donors", "gifts", 1)
	answer, _ := mei.post(http.StatusOK, gift+"/refund", url.Values{"form": {uuid.NewString()}, "amount": {"1.00"}, "ref": {m.mark("Refund-Ref")}, "reason": {m.mark("Refund-Reason")}, "why": {"twice"}})
	bo.approve(answer.Request.URL.Path)
}

// staff makes an account and a key: what is shown once is a secret.
func (m *marked) staff(guan *site) {
	m.Helper()
	once := func(path string, form url.Values) {
		m.Helper()
		_, page := guan.post(http.StatusOK, path, form)
		m.secret(m.found(page, `class="once"><code>([^<]+)</code>`))
	}
	once("/console/people", url.Values{"form": {uuid.NewString()}, "login": {"canary-login-xq"}, "name_zh": {m.mark("Colleague")}, "name_en": {m.mark("Colleague-EN")}, "speaks": {"en"}})
	m.secret("canary-login-xq")
	person := m.found(guan.get(http.StatusOK, "/console/people?q=canary-login-xq"), `href="(/console/people/[0-9a-f-]{36})"[^<]*>[^<]*Canary`)
	guan.post(http.StatusOK, person, url.Values{"form": {uuid.NewString()}, "do": {"email"}, "email": {"canary-staff-xq@example.org"}})
	m.secret("canary-staff-xq@example.org")
	once("/console/keys", url.Values{"form": {uuid.NewString()}, "name": {m.mark("Key")}, "life": {"90"}, "scopes": {"gifts:read"}})
	_, page := guan.post(http.StatusOK, "/console/me/recovery", url.Values{"form": {uuid.NewString()}})
	codes := regexp.MustCompile(`[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}`).FindAllString(page, -1)
	if len(codes) == 0 {
		m.Fatalf("no recovery codes\n%s", page)
	}
	m.secret(codes...)
	m.cookies(guan)
}
