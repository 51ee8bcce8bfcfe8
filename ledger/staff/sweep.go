package staff

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// How long what has run out is kept.
const (
	RequestKeyLife = 7 * 24 * time.Hour  // an Idempotency-Key may be repeated for so long
	MailLife       = 30 * 24 * time.Hour // a letter, sent or not
	SessionTrail   = 90 * 24 * time.Hour // an ended session stays in the database for so long
)

const sqlSweepTries = `
delete from sign_in_attempt where book_id = $1 and window_ends <= $2`

const sqlSweepTurns = `
delete from form_turn where book_id = $1 and window_ends <= $2`

const sqlSweepRequests = `
delete from request_key where book_id = $1 and created_at < $2`

const sqlSweepMail = `
delete from mail where book_id = $1 and made_at < $2`

const sqlSweepSessions = `
delete from session where book_id = $1 and ends_at < $2`

const sqlSweepCeremonies = `
delete from sign_in_ceremony where book_id = $1 and ends_at <= $2`

// Sweep deletes counters, answers, open questions and sessions that no longer mean anything. Once an hour is enough.
func Sweep(ctx context.Context, tx pgx.Tx, book int32, now time.Time) error {
	for _, s := range []struct {
		sql    string
		before time.Time
	}{
		{sqlSweepTries, now},
		{sqlSweepTurns, now},
		{sqlSweepMail, now.Add(-MailLife)},
		{sqlSweepCeremonies, now},
		{sqlSweepRequests, now.Add(-RequestKeyLife)},
		{sqlSweepSessions, now.Add(-SessionTrail)},
	} {
		if _, err := tx.Exec(ctx, s.sql, book, s.before); err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
	}
	return nil
}
