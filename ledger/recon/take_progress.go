package recon

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
)

// A file is read in one transaction, and what that writes nobody sees before its end. How far it is stands in the name of its session meanwhile.
const (
	sqlReadingSay = `select set_config('application_name', format('file:%s:%s:%s', $1::uuid, $2::int8, $3::int8), true)`

	sqlReadingSeen = `
select split_part(application_name, ':', 3)::int8, split_part(application_name, ':', 4)::int8
  from pg_stat_activity where datname = current_database() and application_name ~ format('^file:%s:[0-9]+:[0-9]+$', $1::uuid) limit 1`
)

// say tells how many lines are read, of bytes up to at; of how many is what the rest would have if it is like them.
func (t *taking) say(ctx context.Context, lines, at, size int64) error {
	about := lines
	if at > 0 && size > at {
		about = lines * size / at
	}
	if _, err := t.tx.Exec(ctx, sqlReadingSay, t.file.ID, lines, about); err != nil {
		return fmt.Errorf("say how far a file is read: %w", err)
	}
	return nil
}

// Reading tells how many lines of a file have been read, and of about how many, while somebody reads it; zeros when nobody does.
func Reading(ctx context.Context, q pg.Querier, file uuid.UUID) (lines, about int64, err error) {
	err = q.QueryRow(ctx, sqlReadingSeen, file).Scan(&lines, &about)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, fmt.Errorf("look how far a file is read: %w", err)
	}
	return lines, about, nil
}
