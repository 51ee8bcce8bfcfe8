package runs

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// ErrNoJob means that the book has no job of the name. Answer 404.
var ErrNoJob = errors.New("no such job")

// Job is something that happens by itself, and how it stands.
type Job struct {
	Name         string
	Spec         string // five fields of cron in UTC, or "local HH:MM" in the book's time zone
	Seconds      int32  // from one slot to the next, as a rule
	LateAfter    int32  // seconds behind a slot that is not done
	DoneSlot     time.Time
	NextSlot     time.Time // the first that is not done
	FailingSince *time.Time
	AskedAt      *time.Time // to run out of its turn, and it has not begun
	AskedBy      *uuid.UUID
	Last         *Run // the latest that has ended; nil: none has
	Now          *Run // the one under way; nil: none is
}

// Red tells that the job's last run failed.
func (j *Job) Red() bool { return j.FailingSince != nil }

// Late tells that a slot should have been done by now.
func (j *Job) Late(now time.Time) bool {
	return now.After(j.NextSlot.Add(time.Duration(j.LateAfter) * time.Second))
}

// Planned is a job as the program knows it.
type Planned struct {
	Name      string
	Spec      string
	Every     time.Duration // from one slot to the next, as a rule
	LateAfter time.Duration
	// Next is the first slot after a moment.
	Next func(after time.Time) time.Time
}

const (
	sqlJobUpsert = `
insert into job (book_id, name, spec, seconds, late_after, done_slot, next_slot) values ($1, $2, $3, $4, $5, $6, $7)
    on conflict (book_id, name) do update set spec = excluded.spec, seconds = excluded.seconds, late_after = excluded.late_after, gone = false
returning done_slot`

	sqlJobNext = `update job set next_slot = $3 where book_id = $1 and name = $2 and next_slot <> $3`

	sqlJobsGone = `
update job set gone = true, asked_at = null, asked_by = null, failing_since = null, told_at = null where book_id = $1 and name <> all ($2) and not gone`
)

// Plan notes which jobs a book has. One that is new has missed nothing: its first slot is after now.
func Plan(ctx context.Context, tx pgx.Tx, book int32, list []Planned, now time.Time) error {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.Name
		var done time.Time
		err := tx.QueryRow(ctx, sqlJobUpsert, book, p.Name, p.Spec, int32(p.Every/time.Second), int32(p.LateAfter/time.Second), now, p.Next(now)).Scan(&done)
		if err != nil {
			return fmt.Errorf("plan job %s: %w", p.Name, err)
		}
		if _, err := tx.Exec(ctx, sqlJobNext, book, p.Name, p.Next(done)); err != nil { // its times may have changed
			return fmt.Errorf("plan job %s: %w", p.Name, err)
		}
	}
	if _, err := tx.Exec(ctx, sqlJobsGone, book, names); err != nil {
		return fmt.Errorf("put jobs aside: %w", err)
	}
	return nil
}

const (
	jobColumns = `j.name, j.spec, j.seconds, j.late_after, j.done_slot, j.next_slot, j.failing_since, j.asked_at, j.asked_by`

	sqlJobs = `select ` + jobColumns + ` from job j where j.book_id = $1 and not j.gone order by j.name`

	sqlJobsRuns = `
select r.* from job j
  cross join lateral (
    (select ` + runColumns + ` from job_run r where r.book_id = j.book_id and r.name = j.name and r.state = 'running' limit 1)
    union all
    (select ` + runColumns + ` from job_run r where r.book_id = j.book_id and r.name = j.name and r.state <> 'running' order by r.slot desc limit 1)) r
 where j.book_id = $1 and not j.gone`
)

func scanJob(row pgx.CollectableRow) (j Job, err error) {
	return j, row.Scan(&j.Name, &j.Spec, &j.Seconds, &j.LateAfter, &j.DoneSlot, &j.NextSlot, &j.FailingSince, &j.AskedAt, &j.AskedBy)
}

// Jobs lists the book's jobs by name, each with its last run and the one under way.
func Jobs(ctx context.Context, q pg.Querier, book int32) ([]Job, error) {
	rows, err := q.Query(ctx, sqlJobs, book)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	jobs, err := pgx.CollectRows(rows, scanJob)
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	list, err := collect(ctx, q, sqlJobsRuns, book)
	if err != nil {
		return nil, err
	}
	at := map[string]*Job{}
	for i := range jobs {
		at[jobs[i].Name] = &jobs[i]
	}
	for i := range list {
		j := at[list[i].Name]
		switch {
		case j == nil: // planned between the two readings
		case list[i].State == Running:
			j.Now = &list[i]
		default:
			j.Last = &list[i]
		}
	}
	return jobs, nil
}

const sqlJobAsk = `
update job set asked_at = coalesce(asked_at, $3), asked_by = coalesce(asked_by, $4) where book_id = $1 and name = $2 and not gone`

// Ask has a job run now, out of its turn; one that is running runs again after it. Asked twice before it begins, it runs once. ErrNoJob.
func Ask(ctx context.Context, tx pgx.Tx, book int32, name string, by uuid.UUID, now time.Time) error {
	tag, err := tx.Exec(ctx, sqlJobAsk, book, name, now, by)
	if err != nil {
		return fmt.Errorf("ask for job %s: %w", name, err)
	}
	if tag.RowsAffected() == 0 {
		return fmt.Errorf("%w: %s", ErrNoJob, name)
	}
	return nil
}

const (
	sqlAlarms = `
select ` + jobColumns + `
  from job j
 where j.book_id = $1 and not j.gone and j.told_at is null
   and (j.failing_since <= $2::timestamptz - $3::interval
        or greatest(j.next_slot, $4) + make_interval(secs => j.late_after) < $2
           and not exists (select from job_run r where r.book_id = j.book_id and r.name = j.name and r.state = 'running'
                              and r.started_at + make_interval(secs => j.late_after) >= $2))
 order by j.name for update skip locked`

	sqlAlarmsTold = `update job set told_at = $3 where book_id = $1 and name = any ($2)`
)

// TellAfter is how long a job may fail before somebody is told: it has been tried again by then.
const TellAfter = 10 * time.Minute

// Alarms takes the jobs that have failed for TellAfter or are late and of which nobody was told yet. What was missed before since, when nobody
// ran, or is being made up for, is not late until it has had its time. Until each has ended well once, it is not taken again. The caller tells in the
// same transaction.
func Alarms(ctx context.Context, tx pgx.Tx, book int32, since, now time.Time) ([]Job, error) {
	rows, err := tx.Query(ctx, sqlAlarms, book, now, TellAfter, since)
	if err != nil {
		return nil, fmt.Errorf("look for alarms of jobs: %w", err)
	}
	list, err := pgx.CollectRows(rows, scanJob)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	names := make([]string, len(list))
	for i, j := range list {
		names[i] = j.Name
	}
	if _, err := tx.Exec(ctx, sqlAlarmsTold, book, names, now); err != nil {
		return nil, fmt.Errorf("note alarms of jobs: %w", err)
	}
	return list, nil
}
