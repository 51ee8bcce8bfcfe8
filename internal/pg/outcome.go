package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// A transaction ends in one of three ways, and a ledger must not confuse the last two:
//
//	done      the server said COMMIT. It is in the book.
//	refused   it is certainly not in the book: our code or the server said no, or the
//	          connection broke before COMMIT left this machine.
//	unknown   COMMIT was sent and the answer never came, or it came with a warning: a wait for a
//	          synchronous standby that is cancelled ends so. It may be in the book or not, or not
//	          for long. Trying again could book twice; reporting failure could lose a gift. Only
//	          looking for the idempotency key, on another connection, settles it; see Confirm.
type Outcome int

const (
	Done Outcome = iota
	Refused
	Unknown
)

// ErrUnknown marks the third outcome. It is never retried by this package.
var ErrUnknown = errors.New("commit was sent but its answer was lost")

// OutcomeOf reads the outcome from what InTx returned.
func OutcomeOf(err error) Outcome {
	switch {
	case err == nil:
		return Done
	case errors.Is(err, ErrUnknown):
		return Unknown
	default:
		return Refused
	}
}

const (
	codeSerialization    = "40001"
	codeDeadlock         = "40P01"
	codeCompletionLost   = "40003" // statement completion unknown
	codeResolutionLost   = "08007" // transaction resolution unknown
	codeIdleTransaction  = "25P03" // the server ended the transaction while it was idle
	codeTransactionLimit = "25P04" // the same for one that was open too long
)

// commit ends the transaction. What certainly keeps COMMIT from being sent is looked at before, since
// the driver's word on it cannot be taken afterwards: pgx v5.12 reports a connection that broke while
// the answer was awaited as "conn closed, safe to retry".
func commit(ctx context.Context, tx pgx.Tx) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("before commit: %w", err)
	}
	if tx.Conn().IsClosed() {
		return fmt.Errorf("before commit: %w", pgconn.ErrConnClosed)
	}
	said := &warning{}
	tx.Conn().PgConn().CustomData()[lastWarning] = said
	// A pool takes the connection back with the commit: from here on only what is ours may be looked at.
	if err := commitError(tx.Commit(ctx)); err != nil {
		return err
	}
	if n := said.notice.Load(); n != nil {
		return fmt.Errorf("%w: %s", ErrUnknown, n.Message)
	}
	return nil
}

// warning is where one commit's warning is kept: each has its own, so a later user of the connection does not meet it.
type warning struct{ notice atomic.Pointer[pgconn.Notice] }

// lastWarning is where a connection of Open finds the warning of the commit under way.
const lastWarning = "sunfund.warning"

func keepWarning(conn *pgconn.PgConn, n *pgconn.Notice) {
	if said, ok := conn.CustomData()[lastWarning].(*warning); ok && n.SeverityUnlocalized == "WARNING" {
		said.notice.Store(n)
	}
}

const sqlConfirm = `select pg_logical_emit_message(true, 'sunfund', '')`

// Confirm makes the commit of tx wait for the disk and for synchronous standbys although tx only read. Whoever says
// "it was recorded before" needs it: what others can read may, after a cancelled wait, not be on the standby yet.
func Confirm(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, sqlConfirm); err != nil {
		return fmt.Errorf("confirm what was recorded before: %w", err)
	}
	return nil
}

// commitError turns what Commit returned into nil, a refusal or ErrUnknown.
func commitError(err error) error {
	switch {
	case err == nil:
		return nil
	case commitRefused(err):
		return fmt.Errorf("commit: %w", err)
	default:
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
}

// commitRefused says whether the error proves that nothing was committed. Doubt counts as no.
func commitRefused(err error) bool {
	// The server answered ROLLBACK to our COMMIT.
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return true
	}
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		return false
	}
	switch answer.Code {
	case codeCompletionLost, codeResolutionLost:
		return false
	case codeIdleTransaction, codeTransactionLimit:
		return true
	}
	// An ERROR is an answer to our COMMIT. FATAL and PANIC end the session for reasons of the
	// server (shutdown, crash of a neighbour) and may come after the commit was already durable.
	return answer.SeverityUnlocalized == "ERROR"
}

// Unavailable tells whether the error means that the database cannot do its work now and may do so later: it does not
// answer, ends sessions, has no room, or took too long.
func Unavailable(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		switch answer.Code[:2] {
		case "08", "53", "58": // connection, resources, the system below
			return true
		}
		switch answer.Code {
		case codeSerialization, codeDeadlock, codeIdleTransaction, codeTransactionLimit,
			"55P03", "57014", "57P01", "57P02", "57P03", "57P05": // a lock or statement that took too long; shutdown, crash, start
			return true
		}
		return false
	}
	var refused *pgconn.ConnectError
	var network net.Error // a context that ran out of time is one too
	return errors.As(err, &refused) || errors.As(err, &network) || errors.Is(err, context.Canceled) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, pgconn.ErrConnClosed)
}

// retryable says whether the same work may be tried again at once: the server rolled it back
// because of other transactions, not because of what it asked for.
func retryable(err error) bool {
	if errors.Is(err, ErrUnknown) {
		return false
	}
	var wanted interface{ TryAgain() bool } // an error of ours that a new transaction may not meet
	if errors.As(err, &wanted) && wanted.TryAgain() {
		return true
	}
	var answer *pgconn.PgError
	return errors.As(err, &answer) && (answer.Code == codeSerialization || answer.Code == codeDeadlock)
}
