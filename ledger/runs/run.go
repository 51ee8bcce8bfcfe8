package runs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// ErrLost means that a run's lease lapsed and another process has taken its slot.
var ErrLost = errors.New("another process runs this slot")

// States of a run.
const (
	Running = "running"
	Done    = "done"
	Failed  = "failed"
)

// Counts say how much a run did, by a word for each kind of thing.
type Counts map[string]int64

// Run is one slot of a job.
type Run struct {
	Name       string
	Slot       time.Time
	ID         uuid.UUID
	State      string
	Tries      int32
	Missed     int32 // earlier slots that it makes up for
	AskedBy    *uuid.UUID
	Runner     string
	Token      uuid.UUID
	StartedAt  time.Time
	FinishedAt *time.Time
	Counts     Counts
	Error      string
	After      time.Time // everything up to here was done when it was taken; set by Claim only
}

// Took is how long it ran, or has run by now.
func (r *Run) Took(now time.Time) time.Duration {
	if r.FinishedAt != nil {
		now = *r.FinishedAt
	}
	return max(0, now.Sub(r.StartedAt))
}

const runColumns = `r.name, r.slot, r.id, r.state, r.tries, r.missed, r.asked_by, r.runner, r.token, r.started_at, r.finished_at, r.counts, r.error`

func scanRun(row pgx.CollectableRow) (r Run, err error) {
	return r, row.Scan(&r.Name, &r.Slot, &r.ID, &r.State, &r.Tries, &r.Missed, &r.AskedBy, &r.Runner, &r.Token, &r.StartedAt, &r.FinishedAt, &r.Counts, &r.Error)
}

func collect(ctx context.Context, q pg.Querier, sql string, args ...any) ([]Run, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("read runs of jobs: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanRun)
	if err != nil {
		return nil, fmt.Errorf("read runs of jobs: %w", err)
	}
	return list, nil
}

// Claimant is a process that would run a job.
type Claimant struct {
	Runner string        // who, for the history
	Lease  time.Duration // by the database's clock
	Now    time.Time
	Hurry  bool // there is work now: run out of turn
	// Due is the slot to run when everything up to after is done, and how many earlier ones it makes up for; ok is false when none is due.
	Due func(after time.Time) (slot time.Time, missed int, ok bool)
}

const (
	// One claimant at a time looks at a job; the others come again.
	sqlJobLock = `select done_slot, asked_at, asked_by from job where book_id = $1 and name = $2 and not gone for update skip locked`

	sqlRunOpen = `select slot, lease_until > clock_timestamp() from job_run where book_id = $1 and name = $2 and state = 'running'`

	sqlRunSlot = `select state = 'failed' and next_try > $4 from job_run where book_id = $1 and name = $2 and slot = $3 and state <> 'running'`

	sqlRunTake = `
insert into job_run as r (book_id, name, slot, id, missed, asked_by, runner, token, lease_until, started_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp() + $9::interval, $10)
    on conflict (book_id, name, slot) do update set state = 'running', tries = r.tries + 1, missed = greatest(r.missed, excluded.missed), runner = excluded.runner,
       asked_by = coalesce(excluded.asked_by, r.asked_by), token = excluded.token, lease_until = excluded.lease_until, finished_at = null, next_try = null, error = ''
 where r.state <> 'done'
returning ` + runColumns

	sqlJobTaken = `update job set asked_at = null, asked_by = null where book_id = $1 and name = $2`
)

// Claim takes the slot of a job that is to be run now: first one that was broken off, then what is due, then what was asked for. ok is false
// when there is none, when another process runs the job, or when a failed slot is to wait.
func Claim(ctx context.Context, tx pgx.Tx, book int32, name string, by Claimant) (run Run, ok bool, err error) {
	fail := func(err error) (Run, bool, error) { return Run{}, false, fmt.Errorf("take job %s: %w", name, err) }
	var after time.Time
	var askedAt *time.Time
	var askedBy *uuid.UUID
	err = tx.QueryRow(ctx, sqlJobLock, book, name).Scan(&after, &askedAt, &askedBy)
	if errors.Is(err, pgx.ErrNoRows) {
		return Run{}, false, nil
	}
	if err != nil {
		return fail(err)
	}
	slot, missed, broken, live := time.Time{}, 0, false, false
	err = tx.QueryRow(ctx, sqlRunOpen, book, name).Scan(&slot, &live)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
	case err != nil:
		return fail(err)
	case live:
		return Run{}, false, nil
	default:
		broken = true
	}
	asked := askedAt != nil
	if !broken {
		due := false
		if slot, missed, due = by.Due(after); !due {
			if !asked && !by.Hurry {
				return Run{}, false, nil
			}
			slot = by.Now.Truncate(time.Microsecond)
		}
		var waits bool
		err := tx.QueryRow(ctx, sqlRunSlot, book, name, slot, by.Now).Scan(&waits)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fail(err)
		}
		if waits && !asked && !by.Hurry {
			return Run{}, false, nil
		}
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fail(err)
	}
	list, err := collect(ctx, tx, sqlRunTake, book, name, slot, id, missed, askedBy, by.Runner, uuid.New(), by.Lease, by.Now)
	if err != nil {
		return fail(err)
	}
	if len(list) == 0 { // asked for twice at one moment
		return Run{}, false, nil
	}
	run = list[0]
	run.After = after
	if _, err := tx.Exec(ctx, sqlJobTaken, book, name); err != nil {
		return fail(err)
	}
	return run, true, nil
}

const (
	sqlRunBeat = `
update job_run set lease_until = clock_timestamp() + $5::interval where book_id = $1 and name = $2 and slot = $3 and token = $4 and state = 'running'`

	sqlRunCount = `
update job_run set counts = counts || jsonb_build_object($5::text, coalesce((counts->>$5)::int8, 0) + $6::int8)
 where book_id = $1 and name = $2 and slot = $3 and token = $4 and state = 'running'`

	sqlRunOnce = `
update job_run set counts = counts || jsonb_build_object($5::text, 1)
 where book_id = $1 and name = $2 and slot = $3 and token = $4 and state = 'running' and not counts ? $5
returning 1`

	sqlRunMine = `select true from job_run where book_id = $1 and name = $2 and slot = $3 and token = $4 and state = 'running' for update`

	sqlRunEnd = `
update job_run set state = $5, finished_at = $6, error = $7, next_try = case when $5 = 'failed' then $8::timestamptz end
 where book_id = $1 and name = $2 and slot = $3 and token = $4 and state = 'running'`

	sqlRunDrop = `update job_run set lease_until = clock_timestamp() where book_id = $1 and name = $2 and slot = $3 and token = $4 and state = 'running'`

	sqlJobDone = `
update job set done_slot = greatest(done_slot, $3), next_slot = case when done_slot <= $3 then $4 else next_slot end, failing_since = null, told_at = null
 where book_id = $1 and name = $2`

	sqlJobFailed = `update job set failing_since = coalesce(failing_since, $3) where book_id = $1 and name = $2`
)

// mine runs a statement that holds only while the run is the caller's: ErrLost.
func (r *Run) mine(ctx context.Context, tx pgx.Tx, book int32, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, append([]any{book, r.Name, r.Slot, r.Token}, args...)...)
	if err != nil {
		return fmt.Errorf("write run of job %s: %w", r.Name, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w: %s at %s", ErrLost, r.Name, r.Slot.UTC().Format(time.RFC3339))
	}
	return nil
}

// Beat renews the lease. ErrLost.
func Beat(ctx context.Context, tx pgx.Tx, book int32, r *Run, lease time.Duration) error {
	return r.mine(ctx, tx, book, sqlRunBeat, lease)
}

// Count adds to a count of the run, in the transaction of what is counted, so that a run that was broken off and taken up again counts
// everything once. ErrLost refuses the work of a process that was overtaken.
func Count(ctx context.Context, tx pgx.Tx, book int32, r *Run, what string, n int64) error {
	return r.mine(ctx, tx, book, sqlRunCount, what, n)
}

// Once tells whether the run does something for the first time, whatever was broken off before. It holds when the transaction commits.
func Once(ctx context.Context, tx pgx.Tx, book int32, r *Run, what string) (bool, error) {
	var one int
	err := tx.QueryRow(ctx, sqlRunOnce, book, r.Name, r.Slot, r.Token, what).Scan(&one)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, r.mine(ctx, tx, book, sqlRunMine)
	}
	if err != nil {
		return false, fmt.Errorf("write run of job %s: %w", r.Name, err)
	}
	return true, nil
}

// errorMax is how much of an error's text is kept.
const errorMax = 1000

// End notes what became of the run: done when failed is nil, and then everything up to its slot is; else it is tried again, ever later.
// next is the first slot behind it. ErrLost.
func End(ctx context.Context, tx pgx.Tx, book int32, r *Run, failed error, next, now time.Time) error {
	if failed == nil {
		if err := r.mine(ctx, tx, book, sqlRunEnd, Done, now, "", nil); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, sqlJobDone, book, r.Name, r.Slot, next); err != nil {
			return fmt.Errorf("note end of job %s: %w", r.Name, err)
		}
		return nil
	}
	text := strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(failed.Error(), "\x00", ""), ""))
	for utf8.RuneCountInString(text) > errorMax {
		text = string([]rune(text)[:errorMax])
	}
	if text == "" {
		text = "?"
	}
	if err := r.mine(ctx, tx, book, sqlRunEnd, Failed, now, text, now.Add(pause(r.Tries))); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, sqlJobFailed, book, r.Name, now); err != nil {
		return fmt.Errorf("note failure of job %s: %w", r.Name, err)
	}
	return nil
}

// pause is how long a failed slot waits: 1, 4, 16 minutes and so on, six hours at most.
func pause(tries int32) time.Duration {
	return min(time.Minute<<(2*min(max(tries-1, 0), 9)), 6*time.Hour)
}

// Drop gives a run back that was broken off on purpose: whoever comes next takes it up at once.
func Drop(ctx context.Context, tx pgx.Tx, book int32, r *Run) error {
	return r.mine(ctx, tx, book, sqlRunDrop)
}
