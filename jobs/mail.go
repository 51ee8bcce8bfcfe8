package jobs

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// Post hands letters to a mail server. A letter that was handed over when the process was killed before it could note that is handed over again,
// under the same Message-ID.
type Post struct {
	Staff func(context.Context, staff.Mail) error
	Donor func(context.Context, pg.Querier, *ledger.Book, giving.Letter) error
}

// errMailAway makes the job fail when so many letters in a row do.
var errMailAway = errors.New("mail server takes no letters")

const mailFailures = 5

// mail sends what is due to staff and donors. A letter that fails is kept for later and does not hold up the others.
func (tools Tools) mail(ctx context.Context, t *Turn) error {
	staffs := func(tx pgx.Tx) (bool, error, error) {
		return staff.SendOne(ctx, tx, t.Book.ID, func(m staff.Mail) error { return tools.Mail.Staff(ctx, m) }, t.Now)
	}
	donors := func(tx pgx.Tx) (bool, error, error) {
		return giving.SendLetter(ctx, tx, t.Book, func(l giving.Letter) error { return tools.Mail.Donor(ctx, tx, t.Book, l) }, t.Now)
	}
	return errors.Join(t.send(ctx, staffs), t.send(ctx, donors))
}

func (t *Turn) send(ctx context.Context, one func(pgx.Tx) (found bool, failed, err error)) error {
	for failures := 0; ; {
		var found bool
		var failed error
		sent, err := t.Tx(ctx, "letters", func(tx pgx.Tx) (n int, err error) {
			if found, failed, err = one(tx); found && failed == nil {
				n = 1
			}
			return n, err
		})
		if err != nil || !found {
			return err
		}
		if failures++; sent > 0 {
			failures = 0
		} else if _, err := t.Tx(ctx, "unsent", func(pgx.Tx) (int, error) { return 1, nil }); err != nil {
			return err
		}
		if failures == mailFailures {
			return fmt.Errorf("%w: %w", errMailAway, failed)
		}
	}
}
