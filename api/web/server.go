package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"

	"sunfund/api/problem"
	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/payments"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

// Config is what the pages work with.
type Config struct {
	DB      *pgxpool.Pool
	Books   []*ledger.Book // the first one answers host names that no book claims
	Contact string         // telephone, address or e-mail of the association; shown in the foot and on /about
	Hasher  *staff.Hasher
	Issuers *staff.Issuers // nil: nobody signs in elsewhere
	Now     func() time.Time
	Log     *slog.Logger
	Origins []string                   // trusted beside our own, for forms
	Font    reports.Font               // for receipts as PDF; nil: they are printed from their page
	Stripes map[int32]*payments.Stripe // by book: those that take payments through Stripe, the others through the sandbox

	// Decided is told of each decision on a sandbox payment, so that its event goes out at once; nil tells nobody.
	Decided func(*ledger.Book)
	// DonorAsked is told that letters to donors are to be made; nil tells nobody, and they wait for the job's next slot.
	DonorAsked func(*ledger.Book)
	// ReceiptsAsked is told that receipts are to be issued; nil tells nobody, and they wait for the job's next slot.
	ReceiptsAsked func(*ledger.Book)
	// PlatformAsked is told that a platform's file is to be booked; nil tells nobody, and it waits for the job's next slot.
	PlatformAsked func(*ledger.Book)
	// ExportAsked is told that a file is to be made; nil tells nobody, and it waits for the job's next slot.
	ExportAsked func(*ledger.Book)
	// JobAsked is told that somebody wants a job to run now; nil tells nobody, and it waits for the next look.
	JobAsked func(*ledger.Book)
}

// Server answers the pages of all books.
type Server struct {
	Config
	render    *Renderer
	live      *live
	keptPages *openMemory[*openBody]
	keptSets  *openMemory[[][]any]
	refused   problem.Refused
	reports   problem.Reports
	cards     payments.Watch
}

// NewServer parses all templates, once in a process.
func NewServer(cfg Config) (*Server, error) {
	r, err := renderer()
	if err != nil {
		return nil, err
	}
	return &Server{Config: cfg, render: r, live: newLive(), keptPages: newOpenMemory[*openBody](), keptSets: newOpenMemory[[][]any]()}, nil
}

// visit is one request: whose book, who asks, and the page that answers.
type visit struct {
	echo.Context
	s    *Server
	book *ledger.Book
	who  staff.Identity // zero when nobody is signed in
	lang Lang
	now  time.Time
	sees *sight     // nil: what who sees now; set while a run is made of what she saw when she asked
	file *sheetFile // of a list; nil: it is shown, or sent as it comes
}

// sessionCookie carries a staff session's token. Over https the name binds it to the host.
const (
	sessionCookie       = "sunfund_session"
	sessionCookieSecure = "__Host-sunfund_session"
)

// bookOf is the book of a host name, with or without a port.
func (s *Server) bookOf(host string) (*ledger.Book, error) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	for _, b := range s.Books {
		if b.Host != "" && b.Host == host {
			return b, nil
		}
	}
	if len(s.Books) == 0 {
		return nil, ledger.ErrNoBook
	}
	return s.Books[0], nil
}

func (s *Server) visit(c echo.Context) (*visit, error) {
	book, err := s.bookOf(c.Request().Host)
	if err != nil {
		return nil, err
	}
	v := &visit{Context: c, s: s, book: book, lang: PrefsOf(c).Lang, now: s.Now()}
	from := staff.Origin{Request: c.Response().Header().Get(echo.HeaderXRequestID), IP: v.ip()}
	c.SetRequest(c.Request().WithContext(pg.WithBook(staff.WithOrigin(v.ctx(), from), book.ID)))
	return v, nil
}

// handler answers one visit.
type handler func(*visit) error

// open is a page that anybody may see.
func (s *Server) open(h handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := s.visit(c)
		if err != nil {
			return err
		}
		return h(v)
	}
}

// needs is a page for staff who carry the permission. Who is not signed in is asked to, and comes back.
func (s *Server) needs(p staff.Permission, h handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		v, err := s.visit(c)
		if err != nil {
			return err
		}
		c.Response().Header().Set("Cache-Control", "no-store") // the way to sign in too: it names the page
		if err := v.identify(); err != nil {
			if errors.Is(err, staff.ErrNoSession) {
				return v.toSignIn()
			}
			return err
		}
		if v.who.MustChoose() && !choosing(v.Path()) {
			return v.see("/console/me?setup=1")
		}
		if v.who.MustSetUp() && !setUp(v.Path()) {
			return v.see("/console/me?setup=1")
		}
		if p != signedIn && !v.who.May(p) {
			return staff.ErrDenied
		}
		if v.costly() {
			done, err := s.reports.Take(v.who.Person.ID.String())
			if err != nil {
				return err
			}
			defer done()
		}
		return h(v)
	}
}

// costly tells whether what is asked for is made from all the books: the trial balance, and every table as a file.
func (v *visit) costly() bool {
	return v.Path() == "/console/trial-balance" || v.QueryParam("format") != ""
}

// signedIn is asked of pages that are for every member of staff, such as one's own sessions.
const signedIn staff.Permission = ""

// setUp tells whether a route is open to a session that came in by a password alone where that is not enough: one's own
// account, to set up a factor, and the way out.
func setUp(route string) bool {
	return strings.HasPrefix(route, "/console/me") || strings.HasPrefix(route, "/console/confirm") || route == "/console/sign-out"
}

// choosing tells whether a route is open to a session whose password an admin has seen: to choose another, and the way out.
func choosing(route string) bool {
	return route == "/console/me" || route == "/console/me/password" || route == "/console/me/language" || strings.HasPrefix(route, "/console/confirm") ||
		route == "/console/sign-out"
}

// identify reads who is signed in, or staff.ErrNoSession.
func (v *visit) identify() error {
	token := cookie(v.Context, v.cookieName())
	if token == "" {
		return staff.ErrNoSession
	}
	ctx := v.ctx()
	who, seen, err := staff.Lookup(ctx, v.s.DB, v.book.ID, token, v.now)
	if err != nil {
		return err
	}
	v.who = who
	if v.now.Sub(seen) > time.Minute { // one write a minute is enough to know that somebody is there
		return pg.InTx(ctx, v.s.DB, func(tx pgx.Tx) error { return staff.Touch(ctx, tx, who, v.now) })
	}
	return nil
}

func (v *visit) cookieName() string {
	if v.Scheme() == "https" {
		return sessionCookieSecure
	}
	return sessionCookie
}

func (v *visit) toSignIn() error {
	if method := v.Request().Method; method != http.MethodGet && method != http.MethodHead {
		return staff.ErrNoSession
	}
	return v.Redirect(http.StatusSeeOther, "/console/sign-in?next="+urlQuery(v.Request().URL.RequestURI()))
}

// urlQuery spells text as a value in an address.
func urlQuery(text string) string { return url.QueryEscape(text) }

func (v *visit) ctx() context.Context { return v.Request().Context() }

func (v *visit) ip() netip.Addr {
	addr, err := netip.ParseAddr(v.RealIP())
	if err != nil {
		return netip.Addr{}
	}
	return addr
}

// site is what all pages of the book show.
func (v *visit) site() Site {
	name := v.book.Name(string(v.lang))
	return Site{Book: name, Legal: name, Contact: v.s.Contact, Sandbox: v.book.Sandbox, Zone: v.book.Zone}
}

// Error answers a request that failed: the table of problems says what the error means, the log gets the rest.
func (s *Server) Error(err error, c echo.Context) {
	if c.Response().Committed {
		return
	}
	v, bookErr := s.visit(c)
	if bookErr != nil {
		http.Error(c.Response(), problem.Of(bookErr).Title(string(PrefsOf(c).Lang)), http.StatusNotFound)
		return
	}
	p := problem.Of(err)
	var httpErr *echo.HTTPError
	if errors.As(err, &httpErr) {
		p = problem.Problem{Type: strings.ToLower(http.StatusText(httpErr.Code)), Status: httpErr.Code}
	}
	page := v.page("")
	if v.identify() == nil {
		page = v.consolePage("", "")
	}
	if p.Status == http.StatusForbidden || p.Status == http.StatusNotFound && v.who.Person.ID != uuid.Nil && strings.HasPrefix(c.Path(), "/console/") {
		v.denied(p)
	}
	view := NewErrorView(page, p.Status)
	if title := p.Title(string(v.lang)); title != "" && p.Status != http.StatusForbidden && p.Status != http.StatusNotFound && p.Status != http.StatusTooManyRequests {
		view.What = title
	}
	if p.Status >= http.StatusInternalServerError {
		view.Reference = c.Response().Header().Get(echo.HeaderXRequestID)
	}
	switch {
	case p.Status == http.StatusServiceUnavailable:
		s.refused.Note(s.Log, v.now, c.Path(), err)
	case p.Status >= http.StatusInternalServerError:
		s.Log.Error("request failed", "path", c.Path(), "error", err, "request", view.Reference)
	}
	var wait staff.TooMany
	if errors.Is(err, payments.ErrTries) {
		wait.RetryAfter = payments.TryWindow
	}
	if errors.As(err, &wait) || wait.RetryAfter > 0 {
		view.RetryAt = v.now.Add(wait.RetryAfter)
	}
	if errors.Is(err, reports.ErrExports) {
		view.What = p.Title(string(v.lang))
	}
	if errors.Is(err, problem.ErrReports) {
		view.What, view.RetryAt = p.Title(string(v.lang)), v.now.Add(problem.ReportsWait*time.Second)
	}
	if err := s.render.Fail(c, view); err != nil {
		s.Log.Error("error page failed", "error", fmt.Errorf("write error page: %w", err))
	}
}
