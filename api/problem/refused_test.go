package problem_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sunfund/api/problem"
)

func TestRefusedWarnsOnceInAWhileAndCounts(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	var r problem.Refused
	now := time.Date(2026, 9, 7, 4, 0, 0, 0, time.UTC)
	for i := range 1001 { // ten seconds, a hundred a second
		r.Note(log, now.Add(time.Duration(i)*10*time.Millisecond), "/api/v1/gifts", errors.New("busy"))
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "count=1 ") || !strings.Contains(lines[1], "count=1000 ") {
		t.Errorf("%q", lines)
	}
}
