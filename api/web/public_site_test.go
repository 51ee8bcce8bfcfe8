package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
)

// publicSite is the public pages of one book on a database of its own, with the sandbox processor at work behind them.
type publicSite struct {
	*httptest.Server
	t                  *testing.T
	pages              *Server
	db                 *pgxpool.Pool // as the service
	owner              *pgxpool.Pool
	book               *ledger.Book
	street             *ledger.Street
	general, fund      *ledger.Fund
	open, closed, soon *giving.Campaign
}

func newPublicSite(t *testing.T) *publicSite {
	t.Helper()
	db := pgtest.New(t)
	s := &publicSite{t: t, db: db.Bare(t), owner: db.Pool}
	s.tx(s.found)
	s.pages = s.serve()
	return s
}

func (s *publicSite) tx(f func(context.Context, pgx.Tx) error) {
	s.t.Helper()
	ctx := context.Background()
	if err := pg.InTx(ctx, s.owner, func(tx pgx.Tx) error { return f(ctx, tx) }); err != nil {
		s.t.Fatal(err)
	}
}

// found makes the book: a general fund, a street's fund and three campaigns for it.
func (s *publicSite) found(ctx context.Context, tx pgx.Tx) (err error) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return err
	}
	if s.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "sun", NameZH: "阳光区慈善会", NameEN: "Sunshine District Charity",
		Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true}); err != nil {
		return err
	}
	if err := payments.AddProcessor(ctx, tx, s.book, payments.SandboxCode); err != nil {
		return err
	}
	if s.street, err = ledger.CreateStreet(ctx, tx, s.book, ledger.Street{Code: "spq", NameZH: "石坪桥街道", NameEN: "Shipingqiao Street"}); err != nil {
		return err
	}
	if s.general, err = ledger.CreateFund(ctx, tx, s.book, ledger.Fund{Code: "general", Kind: ledger.General, NameZH: "日常基金", NameEN: "General fund"}); err != nil {
		return err
	}
	if s.fund, err = ledger.CreateFund(ctx, tx, s.book, ledger.Fund{Code: "spq-sun", Kind: ledger.Restricted, NameZH: "石坪桥社区阳光基金",
		NameEN: "Shipingqiao Sunshine Fund", PurposeZH: "困境儿童居住空间改造", PurposeEN: "homes of children in difficulty", StreetID: &s.street.ID}); err != nil {
		return err
	}
	now := time.Now()
	for _, c := range []struct {
		at         **giving.Campaign
		slug       string
		zh, en     string
		from, till int
	}{
		{&s.closed, "canteen", "长者午餐", "Lunch for elders", -90, -30},
		{&s.soon, "winter", "暖冬行动", "Warm winter", 20, 60},
		{&s.open, "ekongjian", "E爱空间·阳光相伴", "A room of one's own", -10, 12},
	} {
		*c.at, err = giving.CreateCampaign(ctx, tx, s.book, giving.Campaign{FundID: s.fund.ID, Slug: c.slug, TitleZH: c.zh, TitleEN: c.en,
			SummaryZH: "为 11 户困境儿童改造居住空间", SummaryEN: "Better homes for children in 11 households",
			StoryZH: "十一户人家的孩子没有自己的书桌。\n\n我们为他们改造居住空间。", StoryEN: "Children in eleven households have no desk of their own.\n\nWe make room for them.",
			FilingNo: "53500000TEST20260001", Goal: 50_000_00, OpensAt: now.AddDate(0, 0, c.from), ClosesAt: now.AddDate(0, 0, c.till)})
		if err != nil {
			return err
		}
	}
	return nil
}

// serve starts the pages, the webhook and the machinery behind it.
func (s *publicSite) serve() *Server {
	s.t.Helper()
	intake := giving.NewIntake(s.db, s.book)
	worker := payments.NewWorker(s.db, s.book, intake, nil, time.Now)
	e := echo.New()
	s.Server = httptest.NewServer(e)
	post := payments.NewDeliverer(s.db, s.book, s.URL+"/hook", time.Now)
	pages, err := NewServer(Config{DB: s.db, Books: []*ledger.Book{s.book}, Now: time.Now, Contact: "023-0000 0000",
		Log: slog.New(slog.NewTextHandler(s.t.Output(), nil)), Decided: func(*ledger.Book) { post.Wake() }})
	if err != nil {
		s.t.Fatal(err)
	}
	e.HTTPErrorHandler = pages.Error
	if err := pages.Register(e); err != nil {
		s.t.Fatal(err)
	}
	e.POST("/hook", func(c echo.Context) error {
		body, err := io.ReadAll(c.Request().Body)
		if err != nil {
			return err
		}
		if _, err := payments.Receive(c.Request().Context(), s.db, s.book, payments.SandboxCode, body, c.Request().Header.Get(payments.SignatureHeader), time.Now()); err != nil {
			return err
		}
		worker.Wake()
		return c.NoContent(http.StatusOK)
	})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- worker.Run(ctx) }()
	go func() { ended <- post.Run(ctx) }()
	s.t.Cleanup(func() {
		pages.Close()
		stop()
		<-ended
		<-ended
		s.Close()
		if err := intake.Close(context.Background()); err != nil {
			s.t.Error(err)
		}
	})
	return pages
}

// answer is what a page said.
type answer struct {
	status int
	head   http.Header
	body   string
}

func (s *publicSite) ask(method, path string, form url.Values) answer {
	s.t.Helper()
	request, err := http.NewRequest(method, s.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

func (s *publicSite) get(path string) answer { s.t.Helper(); return s.ask(http.MethodGet, path, nil) }

func (s *publicSite) post(path string, form url.Values) answer {
	s.t.Helper()
	return s.ask(http.MethodPost, path, form)
}

// page is an answer that must be a page with all these words.
func (s *publicSite) page(path string, words ...string) answer {
	s.t.Helper()
	a := s.get(path)
	if a.status != http.StatusOK {
		s.t.Fatalf("%s: status %d\n%s", path, a.status, a.body)
	}
	for _, word := range words {
		if !strings.Contains(a.body, word) {
			s.t.Errorf("%s lacks %q", path, word)
		}
	}
	return a
}

// count counts the rows of a table.
func (s *publicSite) count(table string) (n int) {
	s.t.Helper()
	if err := s.owner.QueryRow(context.Background(), "select count(*) from "+pgx.Identifier(strings.Split(table, ".")).Sanitize()).Scan(&n); err != nil {
		s.t.Fatal(err)
	}
	return n
}

// form is a right form to give, as the page sends it.
func (s *publicSite) form(amount string) url.Values {
	s.t.Helper()
	id := regexp.MustCompile(`name="form" value="([^"]+)"`).FindStringSubmatch(s.page("/c/ekongjian/give").body)
	if id == nil {
		s.t.Fatal("the form has no id")
	}
	return url.Values{"form": {id[1]}, "currency": {"CNY"}, "amount": {"other"}, "other": {amount}}
}

// give sends a form, decides the payment and gives the address of the gift.
func (s *publicSite) give(form url.Values, decision url.Values) (gift string) {
	s.t.Helper()
	started := s.post("/c/ekongjian/give", form)
	if started.status != http.StatusSeeOther {
		s.t.Fatalf("give: status %d\n%s", started.status, started.body)
	}
	ended := s.post(started.head.Get("Location"), decision)
	if ended.status != http.StatusSeeOther {
		s.t.Fatalf("pay: status %d\n%s", ended.status, ended.body)
	}
	return ended.head.Get("Location")
}

// until asks for a page again until it has the words.
func (s *publicSite) until(path, words string) answer {
	s.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if a := s.get(path); strings.Contains(a.body, words) {
			return a
		}
	}
	_, main, _ := strings.Cut(s.get(path).body, "<main")
	s.t.Fatalf("%s never says %q:\n%.2000s", path, words, main)
	return answer{}
}

// spend books a street subsidy of 1,000.00 and a use of 300.00 for the fund.
func (s *publicSite) spend() {
	s.t.Helper()
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		bank := ledger.Leaf{Chart: "bank.basic", Fund: s.fund.ID}
		today := s.book.Day(time.Now())
		_, err := ledger.PostOne(ctx, tx, s.book, ledger.Entry{Kind: ledger.KindSubsidy, EffectiveOn: today,
			Document: &ledger.Document{Summary: "街道配套到账", SourceKind: "subsidy", MadeBy: "wang"},
			Lines: []ledger.Line{ledger.Debit(bank, 1000_00), ledger.Credit(ledger.Leaf{Chart: "grant.r", Fund: s.fund.ID,
				Dims: ledger.Dims{Campaign: strconv.Itoa(int(s.open.ID))}}, 1000_00)}})
		if err != nil {
			return err
		}
		_, err = ledger.PostOne(ctx, tx, s.book, ledger.Entry{Kind: ledger.KindPayment, EffectiveOn: today,
			Document: &ledger.Document{Summary: "书桌 3 张", SourceKind: "voucher", MadeBy: "wang"},
			Lines:    []ledger.Line{ledger.Debit(ledger.Leaf{Chart: "program.r", Fund: s.fund.ID}, 300_00), ledger.Credit(bank, 300_00)}})
		return err
	})
}

// copyCampaign adds one more campaign like the open one.
func (s *publicSite) copyCampaign(slug string) {
	s.t.Helper()
	s.tx(func(ctx context.Context, tx pgx.Tx) error {
		c := *s.open
		c.Slug, c.TitleZH = slug, slug
		_, err := giving.CreateCampaign(ctx, tx, s.book, c)
		return err
	})
}
