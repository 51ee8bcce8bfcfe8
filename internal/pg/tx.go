package pg

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
)

// Beginner opens a transaction: a pool or a connection.
type Beginner interface {
	BeginTx(ctx context.Context, opts pgx.TxOptions) (pgx.Tx, error)
}

const (
	maxAttempts  = 10
	firstBackoff = 5 * time.Millisecond
	maxBackoff   = 500 * time.Millisecond
	// Rolling back must work although the caller's context is over, but not wait for ever.
	rollbackTimeout = 5 * time.Second
)

// InTx runs fn in a read committed transaction in the book of ctx and commits it. When the server rolls it back for a
// serialization failure or a deadlock, or fn's error says TryAgain, fn runs again in a new transaction, up to ten times, so fn
// must keep no trace of an attempt outside the transaction, and must not end it itself.
//
// A nil error means committed. An error that is ErrUnknown means nobody knows; every other error
// means that nothing was committed. See Outcome.
func InTx(ctx context.Context, db Beginner, fn func(pgx.Tx) error) error {
	for attempt := 1; ; attempt++ {
		err := once(ctx, db, fn)
		if err == nil || !retryable(err) {
			return err
		}
		if attempt == maxAttempts {
			return fmt.Errorf("gave up after %d attempts: %w", attempt, err)
		}
		select {
		case <-ctx.Done():
			return err // the refusal is certain and says more than the context does
		case <-time.After(backoff(attempt)):
		}
	}
}

// Snapshot runs fn in the context's book on one view of the database, which does not change meanwhile and which fn cannot change.
func Snapshot(ctx context.Context, db Beginner, fn func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, db, pgx.TxOptions{BeginQuery: beginIn(ctx, "repeatable read read only")}, fn)
}

func once(ctx context.Context, db Beginner, fn func(pgx.Tx) error) error {
	tx, err := db.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginIn(ctx, "read committed")})
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer func() {
		// Also reached when fn panics: the connection must not go back to the pool in mid-transaction.
		// After COMMIT was sent this does nothing.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = tx.Rollback(ctx) // a connection that cannot even roll back is closed by pgx
	}()
	if err := fn(tx); err != nil {
		return err
	}
	return commit(ctx, tx)
}

// backoff doubles with each attempt and is jittered over its whole range, so that transactions that
// met once do not meet again in step.
func backoff(attempt int) time.Duration {
	ceiling := min(firstBackoff<<attempt, maxBackoff)
	return time.Duration(rand.Int64N(int64(ceiling)) + 1)
}
