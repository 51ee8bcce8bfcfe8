package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

var (
	testNow = time.Date(2026, 3, 31, 4, 0, 0, 0, time.UTC) // noon in Shanghai
	clerk   = uuid.MustParse("019d3a1c-8c00-7f3e-9a51-1c7a4b1d2e3f")
)

// office is two books behind a real HTTP server on a database of its own.
type office struct {
	*testing.T
	ctx         context.Context
	db          *pgxpool.Pool // as the service
	owner       *pgxpool.Pool
	server      *Server
	url         string
	book, other *association
	router      routers.Router
}

// association is one of the books, with a key that may do all.
type association struct {
	*ledger.Book
	funds     map[string]*ledger.Fund
	campaigns map[string]*giving.Campaign
	token     string
}

func newOffice(t *testing.T) *office {
	t.Helper()
	t.Parallel()
	db := pgtest.New(t)
	o := &office{T: t, ctx: context.Background(), db: db.Bare(t), owner: db.Pool}
	o.server = &Server{Config: Config{DB: db.Bare(t), Now: func() time.Time { return testNow }, Intakes: map[int32]*giving.Intake{},
		Log: slog.New(slog.NewTextHandler(logTo{t}, nil))}}
	o.book, o.other = o.association("one"), o.association("two")
	o.ctx = pg.WithBook(o.ctx, o.book.ID) // the one that tests look into

	e := echo.New()
	e.HTTPErrorHandler = o.server.Error
	e.Use(middleware.RequestID())
	o.server.Register(e)
	web := httptest.NewServer(e)
	t.Cleanup(web.Close)
	o.url = web.URL
	o.router = o.contract()
	return o
}

type logTo struct{ t *testing.T }

func (l logTo) Write(b []byte) (int, error) { l.t.Logf("%s", bytes.TrimSpace(b)); return len(b), nil }

func (o *office) association(code string) *association {
	o.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	o.must(err)
	a := &association{funds: map[string]*ledger.Fund{}, campaigns: map[string]*giving.Campaign{}}
	o.tx(func(tx pgx.Tx) (err error) {
		a.Book, err = ledger.CreateBook(o.ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: code, Host: code + ".example.org", NameZH: "慈善会", NameEN: "Association",
			Regime: chart.CN2026, Currency: "CNY", Zone: zone, Sandbox: true})
		if err != nil {
			return err
		}
		for _, f := range []ledger.Fund{{Code: "G", Kind: ledger.General}, {Code: "R", Kind: ledger.Restricted}, {Code: "A", Kind: ledger.Agency}} {
			f.NameZH, f.NameEN = "基金"+f.Code, "Fund "+f.Code
			if a.funds[f.Code], err = ledger.CreateFund(o.ctx, tx, a.Book, f); err != nil {
				return err
			}
		}
		for _, slug := range []string{"sunshine", "spring", "ended", "draft"} {
			if a.campaigns[slug], err = giving.CreateCampaign(o.ctx, tx, a.Book, campaignFor(a.funds["R"].ID, slug)); err != nil {
				return err
			}
		}
		return nil
	})
	o.server.Books = append(o.server.Books, a.Book)
	intake := giving.NewIntake(o.db, a.Book)
	o.server.Intakes[a.ID] = intake
	o.Cleanup(func() {
		if err := intake.Close(context.Background()); err != nil {
			o.Error(err)
		}
	})
	_, a.token = o.key(a, staff.Scopes()...)
	return a
}

func campaignFor(fund int32, slug string) giving.Campaign {
	c := giving.Campaign{FundID: fund, Slug: slug, TitleZH: "阳光" + slug, TitleEN: "The " + slug, SummaryZH: "简介", SummaryEN: "Summary",
		StoryZH: "故事", StoryEN: "Story", Goal: 1_000_000_00, OpensAt: testNow.AddDate(0, -2, 0), ClosesAt: testNow.AddDate(0, 1, 0)}
	switch slug {
	case "ended":
		c.ClosesAt = testNow.AddDate(0, -1, 0)
	case "draft":
		c.State = giving.Draft
	}
	return c
}

func (o *office) key(a *association, scopes ...staff.Scope) (k staff.Key, token string) {
	o.Helper()
	o.tx(func(tx pgx.Tx) (err error) {
		if err := pg.EnterBook(o.ctx, tx, a.ID); err != nil {
			return err
		}
		k, token, err = staff.CreateKey(o.ctx, tx, a.ID, "partner", scopes, clerk, testNow.AddDate(0, 6, 0), testNow.AddDate(0, -1, 0))
		return err
	})
	return k, token
}

func (o *office) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o *office) tx(fn func(tx pgx.Tx) error) {
	o.Helper()
	o.must(pg.InTx(o.ctx, o.db, fn))
}

func (o *office) count(sql string, args ...any) (n int64) {
	o.Helper()
	o.must(o.owner.QueryRow(o.ctx, sql, args...).Scan(&n))
	return n
}

// postings is how much stands in both books: what a refusal must leave as it was.
func (o *office) postings() int64 {
	o.Helper()
	return o.count(`select (select count(*) from posting) + (select count(*) from gift) + (select count(*) from document)`)
}

var parsedContract = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(contract)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background())
})

func (o *office) contract() routers.Router {
	o.Helper()
	doc, err := parsedContract()
	o.must(err)
	here := *doc
	here.Servers = openapi3.Servers{{URL: o.url + apiPath}}
	router, err := legacy.NewRouter(&here)
	o.must(err)
	return router
}

// request is what a test asks. An empty token means the key of the first book that may do all, "-" none at all.
type request struct {
	method, path string
	token        string
	key          string // Idempotency-Key
	body         any    // marshalled, or sent as it is when a string
	lang         string
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

func (a answer) problem() problemBody {
	var p problemBody
	if json.Unmarshal(a.body, &p) != nil {
		return problemBody{}
	}
	return p
}

// ask sends a request and holds it and its answer to the contract. A request that the contract does not allow must be
// refused; in a batch, in part.
func (o *office) ask(r request) answer {
	o.Helper()
	a, err := o.try(r)
	if err != nil {
		o.Fatal(err)
	}
	return a
}

func (o *office) get(path string) answer {
	o.Helper()
	return o.ask(request{method: http.MethodGet, path: path})
}

// want asks and insists on status and problem type.
func (o *office) want(r request, status int, problemType string) answer {
	o.Helper()
	a := o.ask(r)
	if a.status != status || status >= 400 && a.problem().Type != problemPath+problemType {
		o.Fatalf("%s %s: %d %s; want %d %s", r.method, r.path, a.status, a.body, status, problemType)
	}
	return a
}

// try is ask for goroutines.
func (o *office) try(r request) (answer, error) {
	var body []byte
	switch b := r.body.(type) {
	case nil:
	case string:
		body = []byte(b)
	default:
		var err error
		if body, err = json.Marshal(b); err != nil {
			return answer{}, err
		}
	}
	req, err := http.NewRequestWithContext(o.ctx, r.method, o.url+apiPath+r.path, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if r.token == "" {
		r.token = o.book.token
	}
	if r.token != "-" {
		req.Header.Set("Authorization", "Bearer "+r.token)
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		req.Header.Set(idempotencyKey, r.key)
	}
	if r.lang != "" {
		req.Header.Set("Accept-Language", r.lang)
	}
	return o.send(req, body)
}

func (o *office) send(req *http.Request, body []byte) (answer, error) {
	route, params, err := o.router.FindRoute(req)
	if err != nil {
		return answer{}, fmt.Errorf("%s %s is not in the contract: %w", req.Method, req.URL, err)
	}
	asked := &openapi3filter.RequestValidationInput{Request: req, Route: route, PathParams: params, Options: &openapi3filter.Options{
		AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true}}
	broken := openapi3filter.ValidateRequest(o.ctx, asked)
	req.Body = io.NopCloser(bytes.NewReader(body))

	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{res.StatusCode, res.Header, got}
	err = openapi3filter.ValidateResponse(o.ctx, &openapi3filter.ResponseValidationInput{RequestValidationInput: asked, Status: a.status,
		Header: a.header, Body: io.NopCloser(bytes.NewReader(got)), Options: asked.Options})
	if err != nil {
		return a, fmt.Errorf("%s %s: answer %d is not the contract's: %w\n%s", req.Method, req.URL, a.status, err, got)
	}
	inPart := strings.HasSuffix(req.URL.Path, "/batch") && bytes.Contains(got, []byte(`"refused"`))
	if broken != nil && (a.status < 400 || a.status >= 500) && !inPart {
		return a, fmt.Errorf("%s %s breaks the contract and was answered %d: %w", req.Method, req.URL, a.status, broken)
	}
	return a, nil
}

// pages follows next to the end and gives all items.
func pages[T any](o *office, path string) (all []T) {
	o.Helper()
	sign := "?"
	if strings.Contains(path, "?") {
		sign = "&"
	}
	for cursor := ""; ; {
		var p page[T]
		o.want(request{method: http.MethodGet, path: path + cursor}, 200, "").decode(o.T, &p)
		all = append(all, p.Items...)
		if p.Next == "" {
			return all
		}
		if len(p.Items) == 0 {
			o.Fatal("an empty page is not the last one")
		}
		cursor = sign + "cursor=" + p.Next
	}
}
