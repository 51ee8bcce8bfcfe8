package ledger

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// ErrHalted means that a fund does not balance, or a project is over its limit (a break of severity 0): no money leaves the book until that is
// cleared. It comes as a *Halted.
var ErrHalted = errors.New("payments are stopped")

// Halted is ErrHalted with what broke.
type Halted struct {
	Check string // by which it was found: E5 or E6
	What  string // the fund or project, and its figures
}

func (h *Halted) Error() string { return fmt.Sprintf("%v: check %s: %s", ErrHalted, h.Check, h.What) }

func (h *Halted) Unwrap() error { return ErrHalted }

const sqlHalted = `select key, note from break_item where book_id = $1 and type = 'B14' and ended_at is null order by first_seen, id limit 1`

// MayPayOut refuses with ErrHalted while the equations of the book's funds or projects are broken. Whoever sends money out asks it first, in the
// transaction that does.
func MayPayOut(ctx context.Context, q pg.Querier, book int32) error {
	var key string
	h := &Halted{Check: "E5"} // reconciliation itself looks for E5, under the fund's number
	err := q.QueryRow(ctx, sqlHalted, book).Scan(&key, &h.What)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look whether payments are stopped: %w", err)
	}
	if part := strings.SplitN(key, ":", 3); len(part) > 1 && strings.HasPrefix(part[1], "E") {
		h.Check = strings.TrimSuffix(part[1], "n") // of the part that is looked at by night
	}
	return h
}
