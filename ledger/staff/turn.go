package staff

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// Form names a form or look-up that needs no account, and so is counted.
type Form string

const (
	GiftForm Form = "gift"     // to begin a gift
	PayForm  Form = "pay"      // to decide on a payment of the sandbox
	LookUp   Form = "look_up"  // of a gift by its reference; only those that find nothing count
	AskLink  Form = "ask_link" // for a letter that opens the donor's page; the visitor is the address typed
	TeamForm Form = "team"     // to begin a team; the visitor is the gift
	CodeForm Form = "code"     // to enter a resident's code; the visitor is the browser's address alone
	NeedForm Form = "need"     // to ask for something or support it; the visitor is the resident
	AskMail  Form = "ask_mail" // to send a receipt by e-mail; the visitor is the gift
)

// TurnWindow is the time in which turns are counted.
const TurnWindow = 10 * time.Minute

// turnsMost is how often a form may be used in a window: by one visitor, which is one form that was shown, and from one
// address. Thousands of donors share the address of a mobile network, so that one is high; zero is no limit.
var turnsMost = map[Form]struct{ visitor, address int }{
	GiftForm: {30, 12_000},
	PayForm:  {30, 12_000},
	LookUp:   {0, 1_000},
	AskLink:  {5, 1_000},
	TeamForm: {10, 1_000},
	CodeForm: {0, 300},
	NeedForm: {20, 1_000},
	AskMail:  {3, 1_000},
}

// Visitor before address, always, so that two requests cannot wait for each other.
const sqlTurnTake = `
insert into form_turn as t (book_id, form, kind, subject, turns, window_ends)
values ($1, $2, 'visitor', $3, 1, $6), ($1, $2, 'address', $4, 1, $6)
on conflict (book_id, form, kind, subject) do update
   set turns       = case when t.window_ends <= $5 then 1 else t.turns + 1 end,
       window_ends = case when t.window_ends <= $5 then $6 else t.window_ends end
returning kind, turns, window_ends`

// TakeTurn counts one use of a form in a transaction of its own: it counts whatever becomes of it. visitor is what this
// browser's form is known by. ErrTooMany (as TooMany).
func TakeTurn(ctx context.Context, db pg.Beginner, book int32, f Form, visitor string, ip netip.Addr, now time.Time) error {
	most := turnsMost[f]
	subject, address := trySubjects(Try{Login: visitor, IP: ip})
	var wait time.Duration
	err := pg.InTx(ctx, db, func(tx pgx.Tx) error {
		wait = 0
		rows, err := tx.Query(ctx, sqlTurnTake, book, f, subject, address, now, now.Add(TurnWindow))
		if err != nil {
			return err
		}
		var kind string
		var turns int
		var ends time.Time
		_, err = pgx.ForEachRow(rows, []any{&kind, &turns, &ends}, func() error {
			limit := most.visitor
			if kind == "address" {
				limit = most.address
			}
			if limit > 0 && turns > limit {
				wait = max(wait, ends.Sub(now))
			}
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("count use of form %s: %w", f, err)
	}
	if wait > 0 {
		return TooMany{RetryAfter: wait}
	}
	return nil
}

const sqlTurnsTaken = `
select turns, window_ends from form_turn
 where book_id = $1 and form = $2 and kind = 'address' and subject = $3 and window_ends > $4`

// TurnLeft tells whether an address may still use a form, without counting. ErrTooMany (as TooMany).
func TurnLeft(ctx context.Context, q pg.Querier, book int32, f Form, ip netip.Addr, now time.Time) error {
	_, address := trySubjects(Try{IP: ip})
	var turns int
	var ends time.Time
	err := q.QueryRow(ctx, sqlTurnsTaken, book, f, address, now).Scan(&turns, &ends)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("read use of form %s: %w", f, err)
	case turns >= turnsMost[f].address:
		return TooMany{RetryAfter: ends.Sub(now)}
	}
	return nil
}
