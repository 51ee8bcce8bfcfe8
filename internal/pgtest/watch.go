package pgtest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Statements are what a pool of Watched sent to the server, in order.
type Statements struct {
	mu   sync.Mutex
	list []string
}

// Watched connects as the service in no book but the context's, and keeps the text of every statement.
func (db *DB) Watched(t testing.TB) (*pgxpool.Pool, *Statements) {
	t.Helper()
	s := &Statements{}
	pool := open(t, db.DSN(Service), func(c *pgxpool.Config) { c.ConnConfig.Tracer = s })
	return pool, s
}

// Taken returns the statements since the last call, without those that only move the connection to another book.
func (s *Statements) Taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return slices.DeleteFunc(list, func(sql string) bool {
		return strings.HasPrefix(sql, "set sunfund.book") || strings.HasPrefix(sql, "reset sunfund.book") || sql == "-- ping"
	})
}

func (s *Statements) add(sql string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, sql)
}

// TraceQueryStart and the four others are what pgx calls. A batch is noted as it is sent: what follows an error is not read.
func (s *Statements) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	s.add(q.SQL)
	return ctx
}

func (s *Statements) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *Statements) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		s.add(q.SQL)
	}
	return ctx
}

func (s *Statements) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (s *Statements) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

var (
	_ pgx.QueryTracer = (*Statements)(nil)
	_ pgx.BatchTracer = (*Statements)(nil)
)
