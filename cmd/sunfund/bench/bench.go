// Package bench measures how fast the book takes gifts, beside what the same machine can do at best, and proves that
// every gift it was told is booked stands in the book.
//
// Everything runs on a private PostgreSQL with fsync and synchronous_commit on: the book, the service over HTTP on
// loopback in this same process, and the clients. All share the machine's processors. Each measurement starts with an
// empty book. Measurements are interleaved in rounds, since a machine's speed drifts by more than what is compared: only ratios
// within one run mean anything.
package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/ledger/giving"
)

// Serve starts the service on a database. Its address is a host and port on loopback; stop ends it in good order.
type Serve func(ctx context.Context, db *pgxpool.Pool) (address string, stop func() error, err error)

// Config says what is measured and for how long.
type Config struct {
	Dir       string        // an existing folder for the private PostgreSQL
	Span      time.Duration // measured time of each row in each round
	WarmUp    time.Duration // before it, not counted
	Rounds    int           // the median counts
	Campaigns int           // how many the book has, each with a fund of its own
	Copied    int           // transfers that the bare COPY loads
	Scale     int           // of pgbench's tables
	Postings  int           // in the fund that back-dated gifts go into
	Founding  int           // gifts of the founding case; 0 leaves it out
	Grow      int           // entries that the book is grown to; 0 leaves that out
	Only      []string      // beginnings of the names of rows to measure; all when empty
	Settings  map[string]string
	Keys      string // for personal data, as seal.Parse reads them
	Serve     Serve
	Progress  func(string) // told what is being measured
}

// Defaults are what `sunfund bench` measures when it is not told otherwise.
func Defaults() Config {
	return Config{Span: 2 * time.Second, WarmUp: 500 * time.Millisecond, Rounds: 3, Campaigns: 1000, Copied: 1_000_000, Scale: 50,
		Postings: 1_000_000, Founding: 957_646,
		Settings: map[string]string{"shared_buffers": "2GB", "max_wal_size": "8GB", "max_connections": "200"}}
}

// Quick is enough to see that everything works, and says nothing about speed.
func Quick() Config {
	return Config{Span: 150 * time.Millisecond, WarmUp: 50 * time.Millisecond, Rounds: 1, Campaigns: 12, Copied: 1000, Scale: 1,
		Postings: 2000, Founding: 3000, Grow: 2000, Settings: map[string]string{"shared_buffers": "32MB"}}
}

// ErrNotBooked means that what was acknowledged is not what the book holds.
var ErrNotBooked = errors.New("acknowledged and booked differ")

// row is something to measure. It is run once a round.
type row struct {
	name      string
	campaigns int // that take gifts
	clients   int
	batch     int  // gifts a call
	people    bool // with an address each
	run       func(context.Context, *lab, *row) (sample, error)
}

// backDated is measured in the first round only: its book takes long to fill.
const backDated = "back-dated"

// Run measures everything and reports.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Progress == nil {
		cfg.Progress = func(string) {}
	}
	l, err := openLab(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer l.close()
	rows := slices.DeleteFunc(rowsOf(cfg), func(r row) bool { return !cfg.wants(r.name) })
	samples := make([][]sample, len(rows))
	for round := range cfg.Rounds {
		l.round = round
		for i := range rows {
			if round > 0 && rows[i].name == backDated {
				continue
			}
			cfg.Progress(fmt.Sprintf("round %d of %d: %s", round+1, cfg.Rounds, rows[i].name))
			s, err := rows[i].run(ctx, l, &rows[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", rows[i].name, err)
			}
			samples[i] = append(samples[i], s)
			l.dropWorlds(false)
		}
		l.dropWorlds(true)
	}
	report := newReport(ctx, l, rows, samples)
	if cfg.Founding > 0 && cfg.wants("founding") {
		if err := l.founding(ctx, report); err != nil {
			return nil, fmt.Errorf("founding case: %w", err)
		}
	}
	if cfg.Grow > 0 && cfg.wants("grow") {
		if err := l.grow(ctx, report); err != nil {
			return nil, fmt.Errorf("growth: %w", err)
		}
	}
	report.judge()
	return report, nil
}

func (c *Config) wants(name string) bool {
	return len(c.Only) == 0 || slices.ContainsFunc(c.Only, func(p string) bool { return strings.HasPrefix(name, p) })
}

// many is how many campaigns take gifts where gifts are spread.
func (c *Config) many() int { return min(500, c.Campaigns/2) }

// rowsOf lists what one round measures, what is compared side by side.
func rowsOf(cfg Config) []row {
	many := cfg.many()
	rows := []row{
		{"intake hot 1000", 1, 4, 1000, false, measureIntake},
		{"import hot", 1, 1, giving.BatchMax, false, measureImport},
		{"copy hot", 1, 1, 1000, false, measureCopy},
		{"intake many 1000", many, 4, 1000, false, measureIntake},
		{"copy many", many, 1, 1000, false, measureCopy},
		{"intake hot 1", 1, 64, 1, false, measureIntake},
		{"two committers hot 1000", 2, 2, 1000, false, measureTwoCommitters},
		{"two committers many 1000", many, 2, 1000, false, measureTwoCommitters},
		{matchNone, min(10, cfg.many()), 4, 1000, true, measureMatch},
		{matchOn, min(10, cfg.many()), 4, 1000, true, measureMatch},
		{matchPair, min(10, cfg.many()), 4, 1000, true, measureMatchPair},
		{"first second", 1, 4, 1000, false, measureFirstSecond},
		{"pgbench row lock 64", 1, 64, 1, false, measureRowLock},
		{"pgbench -N 64", 1, 64, 1, false, measureSimpleUpdate},
		{"http hot 1 x1", 1, 1, 1, false, measureHTTP},
		{"http hot 1 x8", 1, 8, 1, false, measureHTTP},
		{"http hot 1 x64", 1, 64, 1, false, measureHTTP},
		{"http hot 1 x256", 1, 256, 1, false, measureHTTP},
		{"http all 1 x64", cfg.Campaigns, 64, 1, false, measureHTTP},
		{"http hot 100 x8", 1, 8, 100, false, measureHTTP},
		{"http hot 1000 x8", 1, 8, 1000, false, measureHTTP},
		{"http many 1000 x8", many, 8, 1000, false, measureHTTP},
		{"slow flush hot 1 x256", 1, 256, 1, false, measureSlowFlush},
		{"slow flush hot 100 x8", 1, 8, 100, false, measureSlowFlush},
		{"copy bare", 1, 1, 1, false, measureBareCopy},
		{backDated, 1, 1, 1, false, measureBackDated},
	}
	for _, clients := range []int{8, 16, 64} {
		rows = append(rows, row{fmt.Sprintf("pgbench TPC-B %d", clients), 1, clients, 1, false, measureTPCB})
	}
	return rows
}
