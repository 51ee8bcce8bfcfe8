package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"sunfund/api"
	"sunfund/api/web"
	"sunfund/internal/pg"
	"sunfund/jobs"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
	"sunfund/migrations"
)

// stripeSettings connect books to Stripe.
type stripeSettings struct {
	StripeKeys     map[string]string `env:"SUNFUND_STRIPE_KEYS" placeholder:"BOOK=KEY;…" help:"Secret keys of Stripe, by book code; a book without one takes sandbox payments. Set them in the environment, not on the command line."`
	StripeWebhooks map[string]string `env:"SUNFUND_STRIPE_WEBHOOK_SECRETS" placeholder:"BOOK=SECRET,OLD;…" help:"Secrets of Stripe's webhooks, by book code; two with a comma while one is being replaced."`
	StripeAccounts map[string]string `env:"SUNFUND_STRIPE_ACCOUNTS" placeholder:"BOOK=ACCT;…" help:"Ids of the accounts at Stripe, by book code."`
	StripeURL      string            `env:"SUNFUND_STRIPE_URL" placeholder:"URL" help:"Another address of Stripe's API, for trials with test keys."`
}

// serveCmd is the service on a PostgreSQL that somebody else runs. Its role is a member of sunfund_app and owns nothing.
type serveCmd struct {
	DatabaseURL  string            `required:"" env:"DATABASE_URL" placeholder:"URL" help:"Database as the service's role, e.g. postgres://sunfund_service@localhost/sunfund."`
	Listen       string            `env:"SUNFUND_LISTEN" default:":8080" placeholder:"HOST:PORT" help:"Where to listen."`
	BehindProxy  bool              `env:"SUNFUND_BEHIND_PROXY" help:"Take the client's address and scheme from the headers of a proxy on a private address."`
	Origins      []string          `env:"SUNFUND_ORIGINS" placeholder:"https://…" help:"Other origins whose pages may send our forms."`
	Contact      string            `env:"SUNFUND_CONTACT" help:"Telephone, address or e-mail of the association, for the foot of every page."`
	URL          string            `env:"SUNFUND_URL" placeholder:"https://…" help:"Where staff reach us: the address in front of links in mails."`
	SMTP         string            `env:"SUNFUND_SMTP" placeholder:"HOST:PORT" help:"Mail server for notices to staff; without one, none are sent. TLS is demanded."`
	SMTPUser     string            `env:"SUNFUND_SMTP_USER" help:"User name at the mail server."`
	SMTPSecret   string            `env:"SUNFUND_SMTP_PASSWORD_FILE" type:"existingfile" placeholder:"FILE" help:"File with the password at the mail server."`
	MailFrom     string            `env:"SUNFUND_MAIL_FROM" placeholder:"ADDRESS" help:"Sender of notices."`
	OIDCSecrets  map[string]string `env:"SUNFUND_OIDC_SECRETS" name:"oidc-secrets" placeholder:"BOOK=SECRET;…" help:"Our secrets at the issuers of identities, by book code. Set them in the environment, not on the command line."`
	OIDCNetworks []netip.Prefix    `env:"SUNFUND_OIDC_NETWORKS" name:"oidc-networks" placeholder:"10.2.0.0/16" help:"Networks of our own in which an issuer of identities, or the proxy to it, may be. Other private addresses are never asked."`
	BackupDir    string            `env:"SUNFUND_BACKUP_DIR" placeholder:"FOLDER" help:"Folder of the database's backups: a job looks at the newest every morning."`
	BackupAge    time.Duration     `env:"SUNFUND_BACKUP_AGE" default:"26h" help:"How old the newest backup may be."`
	Metrics      string            `env:"SUNFUND_METRICS_LISTEN" placeholder:"HOST:PORT" help:"Where to answer GET /metrics, for Prometheus: an address that only your own machines reach. Without it nobody is told."`
	FontDir      string            `env:"SUNFUND_FONT_DIR" placeholder:"FOLDER" help:"Folder with a TrueType font that has Chinese, for PDF; else that of Debian's fonts-lxgw-wenkai."`
	stripeSettings
	keyRing
	LogLevel string `env:"SUNFUND_LOG_LEVEL" enum:"debug,info,warn,error" default:"info" help:"Least level that is logged."`
}

func (c *serveCmd) Run(ctx context.Context, term terminal) error {
	db, err := pg.Open(ctx, c.DatabaseURL)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	defer db.Close()
	pending, err := migrations.Pending(ctx, db)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	if len(pending) > 0 {
		return fmt.Errorf("serve: the database lacks %s: run `sunfund migrate` first", strings.Join(pending, ", "))
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	s, err := newService(ctx, db, listener, *c, term)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	s.log.Info("serving", "address", listener.Addr().String(), "books", len(s.books))
	return s.run(ctx)
}

// service is everything that runs: the two faces over HTTP, and per book its intake, inbox and sandbox.
type service struct {
	db       *pgxpool.Pool
	posting  *pgxpool.Pool // the intakes' connections
	books    []*ledger.Book
	intakes  map[int32]*giving.Intake
	workers  map[int32]*payments.Worker
	senders  map[int32]*payments.Deliverer // of books in sandbox mode
	stripes  map[int32]*payments.Stripe    // of books with keys of Stripe
	mails    *mailer                       // nil: notices stay in the outbox
	pages    *web.Server
	jobs     *jobs.Runner
	loading  chan struct{} // closed when the demo is loaded; nil when nothing is to be waited for
	http     *http.Server
	listener net.Listener
	figures  net.Listener // where /metrics is answered; nil: nowhere
	log      *slog.Logger
}

const (
	shutdownTimeout = 20 * time.Second
	requestTimeout  = 10 * time.Second
	errorTimeout    = 5 * time.Second
	hashersMax      = 2 // password hashes at a time: each takes much memory
	// The heap is small, so collecting it less often costs tens of megabytes and gives back a fifth of a gift's time.
	gcPercent = 400
)

// newService wires everything together, in reading order. Nothing runs before run.
func newService(ctx context.Context, db *pgxpool.Pool, listener net.Listener, cfg serveCmd, term terminal) (*service, error) {
	books, err := ledger.Books(ctx, db)
	if err != nil {
		return nil, err
	}
	ring, err := cfg.read()
	if err != nil {
		return nil, err
	}
	if err := useKeys(ctx, db, ring, books...); err != nil {
		return nil, err
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	s := &service{db: db, books: books, listener: listener, intakes: map[int32]*giving.Intake{}, workers: map[int32]*payments.Worker{},
		senders: map[int32]*payments.Deliverer{}, stripes: map[int32]*payments.Stripe{}, log: slog.New(slog.NewJSONHandler(term.err, &slog.HandlerOptions{Level: level}))}
	collectSeldom()
	posting := db.Config()
	pg.Posting(posting)
	posting.MaxConns = max(2, int32(len(books)))
	if s.posting, err = pgxpool.NewWithConfig(ctx, posting); err != nil {
		return nil, fmt.Errorf("connect intakes: %w", err)
	}
	for _, b := range books {
		s.intakes[b.ID] = giving.NewIntake(s.posting, b)
		if err := s.connectStripe(b, cfg); err != nil {
			return nil, err
		}
		s.workers[b.ID] = payments.NewWorker(db, b, s.intakes[b.ID], s.stripes[b.ID], time.Now)
		if b.Sandbox {
			s.senders[b.ID] = payments.NewDeliverer(db, b, webhookURL(listener, b), time.Now)
		}
	}
	if s.mails, err = newMailer(cfg); err != nil {
		return nil, err
	}
	hasher, err := staff.NewHasher(hashersMax)
	if err != nil {
		return nil, err
	}
	secrets := map[int32]string{}
	for _, b := range books {
		secrets[b.ID] = cfg.OIDCSecrets[b.Code]
	}
	font, err := reports.LoadFont(cfg.FontDir)
	if err != nil {
		s.log.Info("receipts have no PDF and are printed from their pages", "why", err)
	}
	pages, err := web.NewServer(web.Config{DB: db, Books: books, Contact: cfg.Contact, Hasher: hasher, Issuers: staff.NewIssuers(secrets, cfg.OIDCNetworks...), Now: time.Now, Log: s.log,
		Origins: cfg.Origins, Font: font, Stripes: s.stripes, Decided: func(b *ledger.Book) { s.senders[b.ID].Wake() },
		DonorAsked:    func(b *ledger.Book) { s.jobs.Wake(b, jobs.SignIns) },
		ReceiptsAsked: func(b *ledger.Book) { s.jobs.Wake(b, jobs.Receipts) },
		PlatformAsked: func(b *ledger.Book) { s.jobs.Wake(b, jobs.Files) },
		ExportAsked: func(b *ledger.Book) {
			s.jobs.Wake(b, jobs.Exports)
			s.jobs.Wake(b, jobs.SlowExports)
		},
		JobAsked: func(b *ledger.Book) { s.jobs.Wake(b, "") }})
	if err != nil {
		return nil, err
	}
	s.pages = pages
	if s.jobs, err = s.newRunner(cfg); err != nil {
		return nil, err
	}
	if cfg.Metrics != "" {
		if s.figures, err = net.Listen("tcp", cfg.Metrics); err != nil {
			return nil, fmt.Errorf("metrics: %w", err)
		}
	}
	programs := &api.Server{Config: api.Config{DB: db, Books: books, Intakes: s.intakes, Workers: s.workers, Stripes: s.stripes, Now: time.Now, Log: s.log}}
	e := s.router(cfg, pages, programs)
	if err := pages.Register(e); err != nil {
		return nil, err
	}
	programs.Register(e)
	s.http = &http.Server{Handler: e, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 60 * time.Second, WriteTimeout: 2 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn)}
	return s, nil
}

// connectStripe connects a book to Stripe when it has keys, and says in the log how it takes payments.
func (s *service) connectStripe(b *ledger.Book, cfg serveCmd) error {
	key := cfg.StripeKeys[b.Code]
	if key == "" {
		takes := "sandbox"
		if !b.Sandbox {
			takes = "none"
		}
		s.log.Info("payments", "book", b.Code, "processor", takes)
		return nil
	}
	var err error
	s.stripes[b.ID], err = payments.NewStripe(s.db, b, s.intakes[b.ID], payments.StripeKeys{Secret: key, Webhooks: strings.Split(cfg.StripeWebhooks[b.Code], ","),
		Account: cfg.StripeAccounts[b.Code], URL: cfg.StripeURL}, time.Now)
	if err != nil {
		return err
	}
	s.log.Info("payments", "book", b.Code, "processor", "stripe", "account", s.stripes[b.ID].Account(), "live", s.stripes[b.ID].Live())
	return nil
}

// collectSeldom sets the garbage collector's pace, unless the environment does.
func collectSeldom() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// webhookURL is where the sandbox reaches us: the address we listen on, whatever name the world knows us by.
func webhookURL(listener net.Listener, b *ledger.Book) string {
	host, port, err := net.SplitHostPort(listener.Addr().String())
	if ip := net.ParseIP(host); err == nil && (ip == nil || ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + "/webhooks/" + b.Code + "/" + payments.SandboxCode
}

func (s *service) router(cfg serveCmd, pages *web.Server, programs *api.Server) *echo.Echo {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.IPExtractor = echo.ExtractIPDirect()
	if cfg.BehindProxy {
		e.IPExtractor = echo.ExtractIPFromXFFHeader()
	}
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		// The deadline of the request has ended with it; who asked, and that they were denied, is still to be read and written.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), errorTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		if c.Response().Committed {
			if !errors.Is(err, context.Canceled) { // else the reader has left
				s.log.Error("answer broke off", "path", c.Path(), "error", err)
			}
			panic(http.ErrAbortHandler) // half a list must not look like a whole one
		}
		path := c.Request().URL.Path
		if strings.HasPrefix(path, "/api/") || strings.HasPrefix(path, "/webhooks/") {
			programs.Error(err, c)
			return
		}
		pages.Error(err, c)
	}
	e.Pre(middleware.RemoveTrailingSlash())
	e.Use(middleware.RequestID(), middleware.RecoverWithConfig(middleware.RecoverConfig{
		LogErrorFunc: func(c echo.Context, err error, stack []byte) error {
			s.log.Error("panic", "path", c.Path(), "error", err, "stack", string(stack))
			return err
		},
	}), s.logRequests(), deadline)
	e.GET("/healthz", s.health)
	return e
}

// logRequests notes each request by its route, not its address: addresses of gifts are secrets.
func (s *service) logRequests() echo.MiddlewareFunc {
	if !s.log.Enabled(context.Background(), slog.LevelDebug) {
		return func(next echo.HandlerFunc) echo.HandlerFunc { return next }
	}
	return middleware.RequestLoggerWithConfig(middleware.RequestLoggerConfig{
		LogStatus: true, LogMethod: true, LogRoutePath: true, LogLatency: true, LogRequestID: true,
		LogValuesFunc: func(_ echo.Context, v middleware.RequestLoggerValues) error {
			s.log.Debug("request", "method", v.Method, "route", v.RoutePath, "status", v.Status, "ms", v.Latency.Milliseconds(), "id", v.RequestID)
			return nil
		},
	})
}

// deadline bounds every request but the event streams, which end when their reader leaves.
func deadline(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if strings.HasSuffix(c.Path(), "/live") {
			return next(c)
		}
		ctx, cancel := context.WithTimeout(c.Request().Context(), requestTimeout)
		defer cancel()
		c.SetRequest(c.Request().WithContext(ctx))
		return next(c)
	}
}

// health answers whether the database does.
func (s *service) health(c echo.Context) error {
	if err := s.db.Ping(c.Request().Context()); err != nil {
		return c.String(http.StatusServiceUnavailable, "database does not answer\n")
	}
	return c.String(http.StatusOK, "well\n")
}

// run serves until ctx ends, then lets requests and gifts under way come to their end.
func (s *service) run(ctx context.Context) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	var tasks sync.WaitGroup
	task := func(name string, run func(context.Context) error) {
		tasks.Go(func() {
			if err := run(background); err != nil && !errors.Is(err, context.Canceled) {
				s.log.Error("task ended", "task", name, "error", err)
			}
		})
	}
	for id := range s.workers {
		task("inbox", s.workers[id].Run)
		if sender := s.senders[id]; sender != nil {
			task("sandbox", sender.Run)
		}
	}
	task("jobs", s.afterLoading(s.jobs.Run))
	if s.figures != nil {
		task("metrics", func(ctx context.Context) error { return s.serveMetrics(ctx, s.figures) })
	}
	s.http.RegisterOnShutdown(s.pages.Close) // event streams would never end by themselves; all other requests do
	s.http.BaseContext = func(net.Listener) context.Context { return background }
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	return errors.Join(err, s.close(stop, &tasks))
}

// afterLoading lets a task wait until the demo has lived through its years: what goes by the calendar would end them early.
func (s *service) afterLoading(run func(context.Context) error) func(context.Context) error {
	if s.loading == nil {
		return run
	}
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return nil
		case <-s.loading:
			return run(ctx)
		}
	}
}

func (s *service) close(stop func(), tasks *sync.WaitGroup) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	stop()
	tasks.Wait()
	for _, in := range s.intakes {
		err = errors.Join(err, in.Close(ctx))
	}
	s.posting.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
