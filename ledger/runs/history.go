package runs

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// HistoryMax is how many runs one page of the history holds at most.
const HistoryMax = 200

// How long runs are kept.
const (
	RunLife    = 400 * 24 * time.Hour
	OftenLife  = 14 * 24 * time.Hour // of jobs that run more than once a day, when all went well
	oftenBelow = 24 * 60 * 60        // seconds
)

// Filter chooses runs.
type Filter struct {
	Name   string     // of the job; empty: all
	State  string     // empty: all
	Before *uuid.UUID // runs that began earlier than this one; nil: from the latest
	Limit  int
}

const (
	sqlHistory = `
select ` + runColumns + ` from job_run r
 where r.book_id = $1 and ($2 = '' or r.name = $2) and ($3 = '' or r.state = $3) and ($4::uuid is null or r.id < $4)
 order by r.id desc limit $5`

	sqlRunsSweep = `
delete from job_run r using job j
 where r.book_id = $1 and j.book_id = $1 and j.name = r.name and r.state <> 'running' and r.slot < j.done_slot
   and (r.started_at < $2 or r.state = 'done' and r.started_at < $3 and j.seconds < $4)`
)

// History lists runs, the latest first.
func History(ctx context.Context, q pg.Querier, book int32, f Filter) ([]Run, error) {
	return collect(ctx, q, sqlHistory, book, f.Name, f.State, f.Before, min(max(f.Limit, 1), HistoryMax))
}

// Sweep deletes runs that are old: RunLife, or OftenLife where nothing is to be learnt from them. It says how many.
func Sweep(ctx context.Context, tx pgx.Tx, book int32, now time.Time) (int64, error) {
	tag, err := tx.Exec(ctx, sqlRunsSweep, book, now.Add(-RunLife), now.Add(-OftenLife), oftenBelow)
	if err != nil {
		return 0, fmt.Errorf("sweep runs of jobs: %w", err)
	}
	return tag.RowsAffected(), nil
}
