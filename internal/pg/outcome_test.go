package pg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestCommitError(t *testing.T) {
	t.Parallel()
	answer := func(severity, code string) error {
		return fmt.Errorf("wrapped: %w", &pgconn.PgError{Severity: "ОШИБКА", SeverityUnlocalized: severity, Code: code})
	}
	for _, c := range []struct {
		name string
		err  error
		want Outcome
	}{
		{"no error", nil, Done},
		{"rolled back instead", pgx.ErrTxCommitRollback, Refused},
		{"deferred constraint", answer("ERROR", "23503"), Refused},
		{"serialization failure", answer("ERROR", codeSerialization), Refused},
		{"idle too long", answer("FATAL", codeIdleTransaction), Refused},
		{"server shutting down", answer("FATAL", "57P01"), Unknown},
		{"a neighbour crashed", answer("WARNING", "57P02"), Unknown},
		{"completion unknown", answer("ERROR", codeCompletionLost), Unknown},
		{"resolution unknown", answer("ERROR", codeResolutionLost), Unknown},
		{"connection reset", errors.New("read: connection reset by peer"), Unknown},
		{"ended by our own code", pgx.ErrTxClosed, Unknown},
	} {
		got := commitError(c.err)
		if OutcomeOf(got) != c.want {
			t.Errorf("%s: outcome %d, want %d", c.name, OutcomeOf(got), c.want)
		}
		if c.err != nil && !errors.Is(got, c.err) {
			t.Errorf("%s: the cause is lost in %v", c.name, got)
		}
		if c.want == Unknown && retryable(got) {
			t.Errorf("%s: would be tried again", c.name)
		}
	}
}

func TestUnavailable(t *testing.T) {
	t.Parallel()
	answer := func(code string) error { return &pgconn.PgError{Code: code} }
	for _, c := range []struct {
		err  error
		want bool
	}{
		{answer("53100"), true}, // disk full
		{answer("53300"), true}, // too many connections
		{answer("57P03"), true}, // starting up
		{answer("57P01"), true}, // shutting down
		{answer("57014"), true}, // statement took too long
		{answer(codeDeadlock), true},
		{context.DeadlineExceeded, true},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, true},
		{io.ErrUnexpectedEOF, true},
		{pgconn.ErrConnClosed, true},
		{answer("23505"), false}, // a constraint
		{answer("42703"), false}, // no such column
		{answer("42501"), false}, // no right to do it
		{pgx.ErrNoRows, false},
		{errors.New("a bug"), false},
		{nil, false},
	} {
		if got := Unavailable(c.err); got != c.want {
			t.Errorf("%v: %v", c.err, got)
		}
		if got := c.err != nil && Unavailable(fmt.Errorf("wrapped: %w", c.err)); got != c.want {
			t.Errorf("%v, wrapped: %v", c.err, got)
		}
	}
}
