// Package pg holds what every room needs to speak with PostgreSQL: a pool with limits,
// a transaction that retries what may be retried, and a name for each way a commit can end.
package pg

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Querier is what a read needs. A pool, a connection and a transaction all satisfy it.
type Querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

var (
	_ Querier = (*pgxpool.Pool)(nil)
	_ Querier = (*pgx.Conn)(nil)
	_ Querier = (pgx.Tx)(nil)
)

// Limits that hold unless the DSN or an Option says otherwise.
const (
	DefaultMaxConns         = 16
	DefaultStatementTimeout = time.Minute
	// An open transaction keeps locks; one that nobody is working in is a bug or a dead client.
	defaultIdleInTransaction = time.Minute
	connectTimeout           = 10 * time.Second
)

// Option changes one limit of Open.
type Option func(*pgxpool.Config)

// MaxConns bounds the number of connections of the pool.
func MaxConns(n int32) Option {
	return func(c *pgxpool.Config) { c.MaxConns = n }
}

// StatementTimeout bounds a single statement; zero means no limit (exports, verify).
func StatementTimeout(d time.Duration) Option {
	return func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["statement_timeout"] = milliseconds(d)
	}
}

// Param sets a server parameter on every connection, e.g. "plan_cache_mode".
func Param(name, value string) Option {
	return func(c *pgxpool.Config) { c.ConnConfig.RuntimeParams[name] = value }
}

// Posting is for the connections of the intake. Its statements probe indexes by the keys of a batch whatever the batch, and
// planning them anew for each took a fifth of a small batch's time. Plans are made on the empty tables of a new book, where
// reading all of a table looks cheap; joins by hash stay, since without them a wrong guess compares everything with everything.
func Posting(c *pgxpool.Config) {
	params := c.ConnConfig.RuntimeParams
	params["plan_cache_mode"], params["enable_seqscan"], params["enable_bitmapscan"] = "force_generic_plan", "off", "off"
}

// Open connects a pool and proves that the server answers. The DSN is a URL or a keyword string as
// libpq reads it, and what it says itself (pool_max_conns, statement_timeout, …) wins over the
// defaults; options win over both.
func Open(ctx context.Context, dsn string, opts ...Option) (*pgxpool.Pool, error) {
	cfg, err := config(dsn)
	if err != nil {
		return nil, err
	}
	for _, o := range opts {
		o(cfg)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return pool, nil
}

func config(dsn string) (*pgxpool.Config, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read database address: %w", err) // pgx keeps the password out of it
	}
	// ParseConfig removes pool settings from RuntimeParams, so ask a second parse whether one was given.
	plain, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read database address: %w", err)
	}
	given := plain.RuntimeParams
	if given["pool_max_conns"] == "" {
		cfg.MaxConns = DefaultMaxConns
	}
	if given["pool_max_conn_lifetime_jitter"] == "" {
		cfg.MaxConnLifetimeJitter = 5 * time.Minute
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	params := map[string]string{
		"application_name":                    "sunfund",
		"timezone":                            "UTC",
		"statement_timeout":                   milliseconds(DefaultStatementTimeout),
		"idle_in_transaction_session_timeout": milliseconds(defaultIdleInTransaction),
		// What we ask takes milliseconds; in a book of many millions the estimates cross jit_above_cost, and compiling takes tens of them.
		"jit": "off",
	}
	maps.Copy(params, cfg.ConnConfig.RuntimeParams)
	cfg.ConnConfig.RuntimeParams = params
	cfg.ConnConfig.OnNotice = keepWarning
	cfg.PrepareConn = prepareBook
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		registerUUID(conn.TypeMap())
		registerArrays(conn.TypeMap())
		return nil
	}
	return cfg, nil
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
