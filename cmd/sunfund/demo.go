package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/cmd/sunfund/demo"
	"sunfund/internal/pg"
	"sunfund/internal/pglocal"
	"sunfund/ledger"
	"sunfund/ledger/staff"
	"sunfund/migrations"
)

// demoCmd is the service with everything it needs: a PostgreSQL of its own, in a folder, and the demo association.
type demoCmd struct {
	Dir      string `env:"SUNFUND_DEMO_DIR" default:".local/demo" placeholder:"DIR" help:"Folder of the private PostgreSQL. Nothing in it is ever deleted."`
	Port     int    `env:"SUNFUND_DEMO_PORT" default:"8080" help:"Port to serve on; the next free one when it is taken."`
	LogLevel string `env:"SUNFUND_LOG_LEVEL" enum:"debug,info,warn,error" default:"warn" help:"Least level that is logged."`
	FontDir  string `env:"SUNFUND_FONT_DIR" placeholder:"FOLDER" help:"Folder with a TrueType font that has Chinese, for PDF; else that of Debian's fonts-lxgw-wenkai."`
	stripeSettings
}

const (
	demoDatabase = "sunfund"
	portTries    = 50
)

// demoSettings keep the private server small; what makes a commit durable stays on.
var demoSettings = map[string]string{"shared_buffers": "256MB", "max_wal_size": "2GB"}

func (c *demoCmd) Run(ctx context.Context, term terminal) error {
	fmt.Fprintf(term.out, "Starting PostgreSQL in %s\n", c.Dir)
	server, err := pglocal.Start(ctx, pglocal.Config{Dir: c.Dir, Settings: demoSettings})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if err := server.Stop(stopCtx); err != nil {
			fmt.Fprintln(term.err, "sunfund:", err)
		}
	}()
	if err := prepareDatabase(ctx, server, term); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	db, err := pg.Open(ctx, server.DSN(demoDatabase, pglocal.Service))
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer db.Close()
	if err := c.serve(ctx, db, term); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// prepareDatabase makes the database when it is not there and brings it up to our schema.
func prepareDatabase(ctx context.Context, server *pglocal.Server, term terminal) error {
	admin, err := pgx.Connect(ctx, server.DSN("postgres", pglocal.Owner))
	if err != nil {
		return err
	}
	defer admin.Close(context.WithoutCancel(ctx))
	var there bool
	if err := admin.QueryRow(ctx, `select exists (select from pg_database where datname = $1)`, demoDatabase).Scan(&there); err != nil {
		return err
	}
	if !there {
		if _, err := admin.Exec(ctx, "create database "+pgx.Identifier{demoDatabase}.Sanitize()); err != nil {
			return err
		}
	}
	owner, err := pgx.Connect(ctx, server.DSN(demoDatabase, pglocal.Owner))
	if err != nil {
		return err
	}
	defer owner.Close(context.WithoutCancel(ctx))
	applied, err := migrations.Apply(ctx, owner)
	for _, name := range applied {
		fmt.Fprintln(term.out, "Applied", name)
	}
	return err
}

func (c *demoCmd) serve(ctx context.Context, db *pgxpool.Pool, term terminal) error {
	keys, err := demoKeys(c.Dir)
	if err != nil {
		return err
	}
	ring, err := keys.read()
	if err != nil {
		return err
	}
	hasher, err := staff.NewHasher(1)
	if err != nil {
		return err
	}
	book, err := demo.Prepare(ctx, db, hasher, time.Now())
	if err != nil {
		return err
	}
	if err := useKeys(ctx, db, ring, book); err != nil {
		return err
	}
	loaded, err := demo.Loaded(ctx, db, book)
	if err != nil {
		return err
	}
	listener, err := listenNear(c.Port)
	if err != nil {
		return err
	}
	s, err := newService(ctx, db, listener, serveCmd{LogLevel: c.LogLevel, FontDir: c.FontDir, stripeSettings: c.stripeSettings, keyRing: keys}, term)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if !loaded {
		s.loading = make(chan struct{})
	}
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	if !loaded {
		fmt.Fprintln(term.out, "Loading the demo association, once:")
		err = demo.Load(ctx, db, book, demo.Post{Deliver: s.senders[book.ID].Deliver, Work: s.workers[book.ID].Work}, time.Now(),
			func(what string) { fmt.Fprintln(term.out, "  "+what) })
		if err != nil {
			stop()
			return errors.Join(err, <-ended)
		}
		close(s.loading)
	}
	c.welcome(term, listener, book)
	return <-ended
}

// listenNear takes the port, or the next one that is free.
func listenNear(port int) (net.Listener, error) {
	for try := range portTries {
		listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port+try)))
		if !errors.Is(err, syscall.EADDRINUSE) {
			return listener, err
		}
	}
	return nil, fmt.Errorf("ports %d to %d are all taken", port, port+portTries-1)
}

// welcome prints where to look and how to sign in.
func (c *demoCmd) welcome(term terminal, listener net.Listener, book *ledger.Book) {
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	url := "http://localhost:" + port
	if port != strconv.Itoa(c.Port) {
		fmt.Fprintf(term.out, "\nPort %d is taken, so this runs on %s.\n", c.Port, port)
	}
	fmt.Fprintf(term.out, "\n%s / %s\n", book.NameZH, book.NameEN)
	for _, page := range []struct{ path, what string }{
		{"/", "home / 首页"},
		{"/campaigns", "campaigns / 募捐项目"},
		{"/c/e-ai-kongjian", "the eleven homes, finished / E爱空间·阳光相伴"},
		{"/c/elder-lunch", "give here / 社区长者午餐，可捐赠"},
		{"/days/" + demo.CharityDay, "a giving day hour by hour / 慈善日逐小时"},
		{"/console", "console for staff / 控制台"},
		{"/api/v1/openapi.yaml", "the API's contract / 接口约定"},
	} {
		fmt.Fprintf(term.out, "  %-44s %s\n", url+page.path, page.what)
	}
	fmt.Fprintf(term.out, "\nSign in at %s/console as one of these, password %s:\n", url, demo.Password)
	for _, p := range demo.People {
		fmt.Fprintf(term.out, "  %-8s %s %s\n", p.Login, p.Role, p.Street)
	}
	fmt.Fprintln(term.out, "\nNo real money is taken. Stop with Ctrl-C; the data stays for next time.")
}
