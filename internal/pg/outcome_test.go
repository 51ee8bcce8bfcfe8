package pg

import (
	"errors"
	"fmt"
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
