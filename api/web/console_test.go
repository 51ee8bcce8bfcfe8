package web

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"sunfund/internal/oidctest"
	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

const (
	consolePassword = "correct horse"
	// consoleHash is its hash at a cost that no test notices: hundreds sign in. What we hash ourselves costs what it does in life.
	consoleHash = "$argon2id$v=19$m=64,t=1,p=1$c2FsdCBvZiB0ZXN0cyAxNg$/fiE1RuW2p825YfCx4sO57SQnljL7gAkbbxYjaaBhCo"
)

var consoleHasher = sync.OnceValues(func() (*staff.Hasher, error) { return staff.NewHasher(2) })

// office is an association with two streets, a fund of each beside the general one, some entries, and one person of
// each role: li drafts, chen approves, wu serves street 1, shen audits, guan and hu administer.
type office struct {
	*testing.T
	book    *ledger.Book
	db      *pgxpool.Pool // in the book
	bare    *pgxpool.Pool // as the pages have it
	owner   *pgxpool.Pool
	sent    *pgtest.Statements // by the pages
	url     string
	pages   *Server
	now     time.Time
	general *ledger.Fund
	funds   map[int]*ledger.Fund // by street
	entry   uuid.UUID            // money into the fund of street 1
	other   uuid.UUID            // money into the fund of street 2
	both    uuid.UUID            // touches both
	others  []*ledger.Book       // in the same database, at host names of their own
}

func newOffice(t *testing.T) *office {
	t.Helper()
	db := pgtest.New(t)
	o := &office{T: t, db: db.Service, owner: db.Pool, now: testNow, funds: map[int]*ledger.Fund{}}
	o.bare, o.sent = db.Watched(t)
	o.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		o.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "demo", NameZH: "阳光区慈善会", NameEN: "Sunshine Charity Association",
			Regime: chart.CN2026, Currency: "CNY", Zone: shanghai(t), Sandbox: true})
		if err != nil {
			return err
		}
		o.general, err = ledger.CreateFund(ctx, tx, o.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常基金", NameEN: "General fund"})
		if err != nil {
			return err
		}
		for i, name := range []string{"石坪桥街道", "谢家湾街道"} {
			street, err := ledger.CreateStreet(ctx, tx, o.book, ledger.Street{Code: string(rune('a' + i)), NameZH: name, NameEN: []string{"Shiping Bridge", "Xiejia Bay"}[i]})
			if err != nil {
				return err
			}
			o.funds[i+1], err = ledger.CreateFund(ctx, tx, o.book, ledger.Fund{Code: []string{"SPQ", "XJW"}[i], Kind: ledger.Restricted, NameZH: name + "阳光基金",
				NameEN: []string{"Shiping Bridge sunshine fund", "Xiejia Bay sunshine fund"}[i], PurposeZH: "社区长者午餐与困境儿童居住改造", PurposeEN: "Lunches for the elderly and homes of children", StreetID: &street.ID})
			if err != nil {
				return err
			}
		}
		return nil
	})
	o.rule(staff.Settings{Password: staff.PasswordAlone})
	day := o.book.Day(o.now)
	o.entry = o.post(ledger.KindOpening, day.AddDate(0, -1, 0), "期初：石坪桥基金存款", o.debit("bank.basic", 1, 5_000_000), o.credit("na.r", 1, 5_000_000))
	o.other = o.post(ledger.KindOpening, day.AddDate(0, -1, 0), "期初：谢家湾基金存款", o.debit("bank.basic", 2, 800_000), o.credit("na.r", 2, 800_000))
	o.both = o.post(ledger.KindTransfer, day, "两街道共同活动分摊", o.debit("program.r", 1, 10_000), o.credit("bank.basic", 1, 10_000),
		o.debit("program.r", 2, 20_000), o.credit("bank.basic", 2, 20_000))
	o.person("li", "李会计", "Li", staff.Held{Role: staff.Accountant})
	o.person("chen", "陈审批", "Chen", staff.Held{Role: staff.Approver})
	street := int32(1)
	o.person("wu", "吴街道", "Wu", staff.Held{Role: staff.StreetOfficer, Street: &street})
	o.person("shen", "沈审计", "Shen", staff.Held{Role: staff.Auditor})
	o.person("guan", "管理员", "Guan", staff.Held{Role: staff.Admin})
	o.person("hu", "胡管理", "Hu", staff.Held{Role: staff.Admin})
	o.serve()
	return o
}

func shanghai(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// rule sets by what the office's people sign in.
func (o *office) rule(s staff.Settings) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		return staff.SetSettings(ctx, tx, o.book.ID, s, uuid.Nil, o.now)
	})
}

// serve runs the pages of the office.
func (o *office) serve() {
	o.Helper()
	hasher, err := consoleHasher()
	o.must(err)
	s, err := NewServer(Config{DB: o.bare, Books: append([]*ledger.Book{o.book}, o.others...), Hasher: hasher, Issuers: staff.NewIssuers(map[int32]string{o.book.ID: oidctest.Secret}, oidctest.Network), Now: func() time.Time { return o.now },
		Log: slog.New(slog.NewTextHandler(o.Output(), nil))})
	o.must(err)
	e := echo.New()
	e.HTTPErrorHandler = s.Error
	o.must(s.Register(e))
	o.pages = s
	server := httptest.NewServer(e)
	o.Cleanup(server.Close)
	o.url = server.URL
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	o.Helper()
	o.must(pg.InTx(o.Context(), o.db, func(tx pgx.Tx) error { return fn(o.Context(), tx) }))
}

func (o *office) debit(id chart.ID, street int, amount int64) ledger.Line {
	return ledger.Debit(ledger.Leaf{Chart: id, Fund: o.funds[street].ID}, amount)
}

func (o *office) credit(id chart.ID, street int, amount int64) ledger.Line {
	return ledger.Credit(ledger.Leaf{Chart: id, Fund: o.funds[street].ID}, amount)
}

func (o *office) post(kind ledger.Kind, day time.Time, summary string, lines ...ledger.Line) (id uuid.UUID) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		r, err := ledger.PostOne(ctx, tx, o.book, ledger.Entry{Kind: kind, EffectiveOn: day, Lines: lines,
			Document: &ledger.Document{Summary: summary, SourceKind: "opening", SourceRef: "2026-01", MadeBy: "李会计", CheckedBy: "陈审批"}})
		id = r.ID
		return err
	})
	return id
}

func (o *office) person(login, zh, en string, roles ...staff.Held) {
	o.Helper()
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		p, err := staff.Create(ctx, tx, o.book.ID, staff.Person{Login: login, NameZH: zh, NameEN: en, Lang: "zh-CN"}, consoleHash, uuid.Nil, o.now)
		if err != nil {
			return err
		}
		for _, held := range roles {
			if _, err := staff.GrantRole(ctx, tx, o.book.ID, p.ID, uuid.Nil, held, o.now); err != nil {
				return err
			}
		}
		return nil
	})
}

// gift books a gift to the fund of street 1 and returns its id.
func (o *office) gift(name string, amount int64) uuid.UUID {
	o.Helper()
	var id uuid.UUID
	o.tx(func(ctx context.Context, tx pgx.Tx) error {
		list, err := giving.ListCampaigns(ctx, tx, o.book, giving.CampaignFilter{}, o.now, 0, 1)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			c, err := giving.CreateCampaign(ctx, tx, o.book, giving.Campaign{FundID: o.funds[1].ID, Slug: "space", TitleZH: "E爱空间·阳光相伴", TitleEN: "E-Space",
				SummaryZH: "改造居住空间", SummaryEN: "Homes", StoryZH: "故事", StoryEN: "Story", Goal: 5_000_000, OpensAt: o.now.AddDate(0, -1, 0), ClosesAt: o.now.AddDate(0, 1, 0)})
			if err != nil {
				return err
			}
			list = []giving.Campaign{*c}
		}
		out, err := giving.Book(ctx, tx, o.book, []giving.Paid{{CampaignID: list[0].ID, Amount: amount, Fee: amount / 200, PaidAt: o.now, Channel: giving.WeChat,
			Ref: "WX" + uuid.NewString(), Name: name, Message: "加油"}})
		if err != nil {
			return err
		}
		id = out[0].ID
		return out[0].Err
	})
	return id
}

// client is a browser of one person.
type client struct {
	*office
	http *http.Client
	host string // of the pages; empty for the address they are served at
}

func (o *office) browser() *client {
	o.Helper()
	jar, err := cookiejar.New(nil)
	o.must(err)
	return &client{office: o, http: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as signs somebody in.
func (o *office) as(login string) *client {
	o.Helper()
	c := o.browser()
	if a := c.post("/console/sign-in", url.Values{"login": {login}, "password": {consolePassword}}); a.status != http.StatusSeeOther {
		o.Fatalf("sign in %s: %d\n%s", login, a.status, a.text)
	}
	return c
}

// reply is what a page said.
type reply struct {
	status int
	to     string // Location
	head   http.Header
	text   string
	sent   []string // to the database, meanwhile
}

func (c *client) do(method, path string, form url.Values) reply {
	c.Helper()
	request, err := http.NewRequestWithContext(c.Context(), method, c.url+path, strings.NewReader(form.Encode()))
	c.must(err)
	request.Host = c.host
	request.Header.Set("User-Agent", "browser")
	request.Header.Set("Accept-Language", "zh-CN")
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	return c.send(request)
}

// send asks for a page and reads the answer.
func (c *client) send(request *http.Request) reply {
	c.Helper()
	c.sent.Taken()
	response, err := c.http.Do(request)
	c.must(err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	c.must(err)
	return reply{response.StatusCode, response.Header.Get("Location"), response.Header, html.UnescapeString(string(body)), c.sent.Taken()}
}

func (c *client) get(path string) reply { c.Helper(); return c.do(http.MethodGet, path, nil) }

func (c *client) post(path string, form url.Values) reply {
	c.Helper()
	if form == nil {
		form = url.Values{}
	}
	return c.do(http.MethodPost, path, form)
}

// wants fails unless the answer has the status and holds the texts.
func (c *client) wants(a reply, status int, texts ...string) {
	c.Helper()
	if a.status != status {
		c.Fatalf("status %d, want %d\n%s", a.status, status, a.text)
	}
	for _, text := range texts {
		if !strings.Contains(a.text, text) {
			c.Errorf("answer lacks %q\n%s", text, a.text)
		}
	}
	if utf8.ValidString(a.text) && (strings.Contains(a.text, "⟦") || strings.Contains(a.text, "<no value>") || strings.Contains(a.text, "%!")) { // a packed file may hold any bytes
		c.Errorf("a word is missing:\n%s", a.text)
	}
}

func (c *client) lacks(a reply, texts ...string) {
	c.Helper()
	for _, text := range texts {
		if strings.Contains(a.text, text) {
			c.Errorf("answer holds %q", text)
		}
	}
}

// hidden is the value of a hidden field on a page.
func (c *client) hidden(a reply, name string) string {
	c.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.text)
	if m == nil {
		c.Fatalf("no hidden field %s in\n%s", name, a.text)
	}
	return m[1]
}

// voucher is a filled-in voucher form; lines are account, fund, debit, credit.
func (c *client) voucher(summary string, lines ...[4]string) url.Values {
	c.Helper()
	form := url.Values{"form": {uuid.NewString()}, "day": {"2026-09-07"}, "summary": {summary}, "attachments": {"2"}, "do": {"submit"}}
	for _, l := range lines {
		for i, name := range []string{"account", "fund", "debit", "credit"} {
			form.Add(name, l[i])
		}
	}
	return form
}

// drafted submits a voucher and returns the address of its request.
func (c *client) drafted(summary string, lines ...[4]string) string {
	c.Helper()
	a := c.post("/console/vouchers", c.voucher(summary, lines...))
	if a.status != http.StatusSeeOther || !strings.HasPrefix(a.to, "/console/approvals/") {
		c.Fatalf("draft: %d %s\n%s", a.status, a.to, a.text)
	}
	return a.to
}

// decides posts a decision on the request as this person sees it now.
func (c *client) decides(path, do, reason string) reply {
	c.Helper()
	return c.post(path, url.Values{"hash": {c.hidden(c.get(path), "hash")}, "do": {do}, "reason": {reason}})
}
