package recon

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving"
)

const (
	sqlBreakLock = `select state, type from break_item where book_id = $1 and id = $2 for update`

	sqlBreakStep = `
with step as (
  update break_item set state = $3, owner = coalesce($4, owner), ended_at = $5 where book_id = $1 and id = $2 returning id
)
insert into break_event (book_id, break_id, seq, state, actor, owner, note, evidence, at)
select $1, id, (select coalesce(max(seq), 0) + 1 from break_event where book_id = $1 and break_id = $2), $6, $7, $4, $8, $9, $10 from step`

	// With evidence it is a correction that waits (Propose), which is decided where it was asked for.
	sqlBreakAsked = `
select actor, evidence is not null from break_event where book_id = $1 and break_id = $2 and state = 'proposed' order by seq desc limit 1`

	sqlBreakMake = `
insert into break_item (book_id, id, key, type, amount, ccy, day, ours, lines, files, note, first_seen, due_at, run_no, state)
values ($1, recon_id($2), $2, $3, $4, $5, $6, '{}', '{}', '{}', $7, $8, $8, 0, 'open')
    on conflict (book_id, id) do nothing returning id`
)

// step moves a break that is not ended, and writes the event.
func step(ctx context.Context, tx pgx.Tx, book *ledger.Book, id uuid.UUID, from []string, state, event string, by uuid.UUID, owner *uuid.UUID, note string, evidence []byte, now time.Time) error {
	var was string
	var kind BreakType
	err := tx.QueryRow(ctx, sqlBreakLock, book.ID, id).Scan(&was, &kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return giving.ErrNoRecord
	}
	if err != nil {
		return fmt.Errorf("lock break: %w", err)
	}
	if state == "" {
		state = was
	}
	fits := false
	for _, f := range from {
		fits = fits || f == was
	}
	if !fits || kind == FundEquation && (state == BreakClosed || state == BreakAccepted || state == BreakProposed && evidence == nil) { // it ends when the check is green, and by nobody's word
		return giving.ErrStep
	}
	var end *time.Time
	switch state {
	case BreakClosed, BreakAccepted:
		end = &now
	}
	if _, err := tx.Exec(ctx, sqlBreakStep, book.ID, id, state, owner, end, event, by, note, evidence, now); err != nil {
		return fmt.Errorf("move break: %w", err)
	}
	return nil
}

var worked = []string{BreakOpen, BreakAssigned, BreakProposed, BreakApproved, BreakPosted}

// Assign gives a break to somebody. giving.ErrNoRecord, giving.ErrStep when it is over.
func Assign(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, to, by uuid.UUID, now time.Time) error {
	return step(ctx, tx, book, id, []string{BreakOpen, BreakAssigned}, BreakAssigned, "assigned", by, &to, "", nil, now)
}

// Note writes down what somebody found out about a break, at most 400 characters, with the hash of a paper or none. *giving.FieldErrors, giving.ErrNoRecord,
// giving.ErrStep when it is over.
func Note(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, by uuid.UUID, note string, evidence []byte, now time.Time) error {
	if err := reason(note); err != nil {
		return err
	}
	return step(ctx, tx, book, id, worked, "", "noted", by, nil, note, evidence, now)
}

// CloseBreak ends a break that has been put right, and says how. Breaks that are looked for in every run stay ended; the money of a break that
// is closed does not become another one. giving.ErrStep while a correction waits.
func CloseBreak(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, by uuid.UUID, resolution string, now time.Time) error {
	if err := reason(resolution); err != nil {
		return err
	}
	var waits bool
	if _, err := tx.Exec(ctx, sqlBreakLock, book.ID, id); err != nil { // a statement of its own, so that the next sees what was committed before
		return fmt.Errorf("lock break: %w", err)
	}
	if err := tx.QueryRow(ctx, sqlBreakWaits, book.ID, id).Scan(&waits); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("read break: %w", err)
	}
	if waits {
		return giving.ErrStep
	}
	return step(ctx, tx, book, id, worked, BreakClosed, "closed", by, nil, resolution, nil, now)
}

const sqlBreakWaits = `
select state = 'proposed' and (select e.evidence is not null from break_event e where e.book_id = $1 and e.break_id = $2 and e.state = 'proposed' order by e.seq desc limit 1)
  from break_item where book_id = $1 and id = $2`

// AskAccept asks to leave a break as it is; another person accepts it.
func AskAccept(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, by uuid.UUID, why string, now time.Time) error {
	if err := reason(why); err != nil {
		return err
	}
	return step(ctx, tx, book, id, []string{BreakOpen, BreakAssigned}, BreakProposed, "proposed", by, nil, why, nil, now)
}

// Accept leaves a break as it is, by the word of a second person. ledger.ErrSamePerson when it is the one who asked.
func Accept(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, by uuid.UUID, now time.Time) error {
	if err := acceptable(ctx, tx, book, id, by); err != nil {
		return err
	}
	return step(ctx, tx, book, id, []string{BreakProposed}, BreakAccepted, "accepted", by, nil, "", nil, now)
}

// Decline is the second person's no to leaving a break as it is: it is open again, and says why. ledger.ErrSamePerson, giving.ErrStep as in Accept.
func Decline(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, by uuid.UUID, why string, now time.Time) error {
	if err := reason(why); err != nil {
		return err
	}
	if err := acceptable(ctx, tx, book, id, by); err != nil {
		return err
	}
	return step(ctx, tx, book, id, []string{BreakProposed}, BreakOpen, "reopened", by, nil, why, nil, now)
}

// acceptable refuses whoever may not answer that a break be left as it is.
func acceptable(ctx context.Context, tx pgx.Tx, book *ledger.Book, id, by uuid.UUID) error {
	var asked uuid.UUID
	var correction bool
	if _, err := tx.Exec(ctx, sqlBreakLock, book.ID, id); err != nil {
		return fmt.Errorf("lock break: %w", err)
	}
	err := tx.QueryRow(ctx, sqlBreakAsked, book.ID, id).Scan(&asked, &correction)
	if errors.Is(err, pgx.ErrNoRows) {
		return giving.ErrStep
	}
	if err != nil {
		return fmt.Errorf("read break: %w", err)
	}
	if asked == by {
		return ledger.ErrSamePerson
	}
	if correction {
		return giving.ErrStep
	}
	return nil
}

// Halt makes a break of severity 0, for whoever checks the equations of funds and projects: nothing is paid out of the book until Resume. The key names
// the equation and what breaks it, beginning with a letter; the same again changes nothing. It tells whether it is new.
func Halt(ctx context.Context, tx pgx.Tx, book *ledger.Book, key, note string, amount int64, now time.Time) (bool, error) {
	var id uuid.UUID
	err := tx.QueryRow(ctx, sqlBreakMake, book.ID, "B14:"+key, FundEquation, amount, book.Currency, book.Day(now), note, now).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		_, err = tx.Exec(ctx, sqlHaltAgain, book.ID, "B14:"+key, System, now)
		return false, err
	}
	if err != nil {
		return false, fmt.Errorf("stop payments: %w", err)
	}
	_, err = tx.Exec(ctx, sqlBreakStep, book.ID, id, BreakOpen, nil, nil, BreakOpen, System, "", nil, now)
	return true, err
}

const (
	sqlHaltAgain = `
with again as (update break_item set state = 'open', ended_at = null where book_id = $1 and id = recon_id($2) and ended_at is not null returning id)
insert into break_event (book_id, break_id, seq, state, actor, note, at)
select $1, id, (select max(seq) + 1 from break_event e where e.book_id = $1 and e.break_id = again.id), 'reopened', $3, '', $4 from again`

	// Those that a run looks for itself begin with the number of a fund.
	sqlHaltOver = `
with over as (
  update break_item set state = 'self-cleared', ended_at = $4
   where book_id = $1 and type = 'B14' and ended_at is null and key like 'B14:' || $2::text || '%' and key <> all($3::text[]) returning id
)
insert into break_event (book_id, break_id, seq, state, actor, note, at)
select $1, id, (select max(seq) + 1 from break_event e where e.book_id = $1 and e.break_id = over.id), 'self-cleared', $5, '', $4 from over`
)

// Resume ends the breaks of severity 0 whose keys begin with prefix and are not in still: their equations hold again.
func Resume(ctx context.Context, tx pgx.Tx, book *ledger.Book, prefix string, still []string, now time.Time) error {
	keys := make([]string, len(still))
	for i, k := range still {
		keys[i] = "B14:" + k
	}
	if _, err := tx.Exec(ctx, sqlHaltOver, book.ID, prefix, keys, now, System); err != nil {
		return fmt.Errorf("end stop of payments: %w", err)
	}
	return nil
}

func reason(text string) error {
	var wrong giving.FieldErrors
	wrong.Text("reason", strings.TrimSpace(text), 1, 400)
	return wrong.Err()
}
