package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime/pprof"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/cmd/sunfund/bench"
	"sunfund/internal/seal"
)

// benchCmd measures on a private PostgreSQL of its own, which is removed afterwards.
type benchCmd struct {
	What     string        `arg:"" optional:"" enum:"rows,giving-day,recon,reports" default:"rows" help:"What to measure: rows; giving-day: an opening rush with random match from three pools, machines among the donors, recomputed afterwards; recon: bills and a bank statement held against the book; or reports: every statement of a large book."`
	Dir      string        `default:".local" placeholder:"DIR" help:"Where the private PostgreSQL gets a folder; it must be on the disk to be measured."`
	JSON     bool          `name:"json" help:"Write the figures for programs."`
	Seconds  float64       `default:"2" help:"How long each row is measured in each round."`
	Rounds   int           `default:"3" help:"How many rounds; the median counts."`
	Founding int           `default:"957646" help:"Gifts of the founding case; 0 leaves it out."`
	Grow     int           `default:"0" help:"Measure also with so many entries in the book. A million takes about 1 GB."`
	Only     []string      `placeholder:"ROW" help:"Measure only rows whose names begin so: intake, import, copy, http, pgbench, founding, grow …"`
	Lines    int           `default:"1000000" help:"Of recon: lines of the processor, and gifts in the book."`
	More     int           `default:"10000" help:"Of recon: lines that come afterwards."`
	Step     time.Duration `default:"30s" help:"How long each of the six steps of a giving day lasts; 1m is the rush of 2020 by the clock."`
	Gifts    int           `default:"0" help:"Give a giving day so many gifts, as fast as the machine takes them, in place of steps by the clock."`
	Postings int           `default:"5000000" help:"Of reports: postings in the book."`
	Profile  string        `placeholder:"FILE" help:"Write a processor profile of this process, service and clients, for go tool pprof."`
	Quick    bool          `help:"See in half a minute that everything works; the figures mean nothing."`
}

func (c *benchCmd) Run(ctx context.Context, term terminal) error {
	if err := c.run(ctx, term); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}

func (c *benchCmd) run(ctx context.Context, term terminal) error {
	cfg := bench.Defaults()
	cfg.Span, cfg.Rounds = time.Duration(c.Seconds*float64(time.Second)), c.Rounds
	cfg.Founding, cfg.Grow = c.Founding, c.Grow
	if c.Quick {
		cfg = bench.Quick()
	}
	if cfg.Span <= 0 || cfg.Rounds < 1 || cfg.Founding < 0 || cfg.Grow < 0 {
		return errors.New("seconds and rounds must be positive")
	}
	cfg.Only, cfg.Keys = c.Only, seal.NewLine()
	cfg.Serve = func(ctx context.Context, db *pgxpool.Pool) (string, func() error, error) {
		return serveBench(ctx, db, cfg.Keys, term)
	}
	cfg.Progress = func(what string) { fmt.Fprintln(term.err, time.Now().Format(time.TimeOnly), what) }
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(c.Dir, "bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil { // root's server runs as somebody else
		return err
	}
	cfg.Dir = dir
	collectSeldom() // as the service does
	if c.Profile != "" {
		stop, err := profile(c.Profile)
		if err != nil {
			return err
		}
		defer stop()
	}
	if c.What == "giving-day" {
		return c.givingDay(ctx, cfg, term)
	}
	if c.What == "recon" {
		return c.recon(ctx, cfg, term)
	}
	if c.What == "reports" {
		return c.reports(ctx, cfg, term)
	}
	report, err := bench.Run(ctx, cfg)
	if err != nil {
		return err
	}
	if c.JSON {
		return report.WriteJSON(term.out)
	}
	return report.WriteText(term.out)
}

func (c *benchCmd) recon(ctx context.Context, cfg bench.Config, term terminal) error {
	lines, more := c.Lines, c.More
	if c.Quick {
		lines, more = 5_000, 500
	}
	if lines < 1000 || more < 1 {
		return errors.New("there must be at least 1000 lines, and one more")
	}
	figures, err := bench.Reconcile(ctx, cfg, lines, more)
	if err != nil {
		return err
	}
	if c.JSON {
		return figures.WriteJSON(term.out)
	}
	return figures.WriteText(term.out)
}

func (c *benchCmd) reports(ctx context.Context, cfg bench.Config, term terminal) error {
	postings := c.Postings
	if c.Quick {
		postings = 4_000
	}
	if postings < 2_000 {
		return errors.New("there must be at least 2000 postings")
	}
	figures, err := bench.Statements(ctx, cfg, postings/2)
	if err != nil {
		return err
	}
	if c.JSON {
		return figures.WriteJSON(term.out)
	}
	return figures.WriteText(term.out)
}

func (c *benchCmd) givingDay(ctx context.Context, cfg bench.Config, term terminal) error {
	step := c.Step
	if step <= 0 {
		return errors.New("a step must be positive")
	}
	if c.Gifts < 0 {
		return errors.New("gifts must not be negative")
	}
	if c.Quick {
		step = 500 * time.Millisecond
	}
	day, err := bench.GivingDay(ctx, cfg, step, c.Gifts)
	if err != nil {
		return err
	}
	if c.JSON {
		return day.WriteJSON(term.out)
	}
	return day.WriteText(term.out)
}

// profile writes where this process spends its processor time, until stopped.
func profile(path string) (stop func(), err error) {
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { pprof.StopCPUProfile(); _ = file.Close() }, nil
}

// serveBench is the service as `sunfund serve` wires it, in this process.
func serveBench(ctx context.Context, db *pgxpool.Pool, keys string, term terminal) (address string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	s, err := newService(ctx, db, listener, serveCmd{LogLevel: "warn", keyRing: keyRing{Keys: keys}}, term)
	if err != nil {
		return "", nil, errors.Join(err, listener.Close())
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- s.run(ctx) }()
	return listener.Addr().String(), func() error { cancel(); return <-ended }, nil
}
