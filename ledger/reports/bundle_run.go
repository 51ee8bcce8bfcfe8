package reports

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// BundleRun is a bundle that somebody has made or is making in the console.
type BundleRun struct {
	ID        uuid.UUID
	MadeBy    uuid.UUID
	StartedAt time.Time
	ToldAt    time.Time // when it was last heard of
	EndedAt   *time.Time
	Failed    bool
	File      string // being written
	Done      int64  // entries of it
	Entries   int64
	Root      string // SHA-256 of its SHA256SUMS; empty until it is made
}

// bundleSilence is after how long without a word a run counts as broken off: its process is gone.
const bundleSilence = 10 * time.Minute

// Running tells whether it is being made.
func (r *BundleRun) Running(now time.Time) bool {
	return r.EndedAt == nil && now.Sub(r.ToldAt) < bundleSilence
}

const (
	sqlBundleStart = `insert into bundle_run (book_id, id, made_by, started_at, told_at) values ($1, $2, $3, $4, $4)`

	sqlBundleTell = `update bundle_run set told_at = $6, file = $3, done = $4, entries = $5 where book_id = $1 and id = $2`

	sqlBundleEnd = `
update bundle_run set told_at = $6, ended_at = $6, failed = $3, root = nullif($4, ''), through = $5::text::date where book_id = $1 and id = $2`

	sqlBundleRuns = `
select id, made_by, started_at, told_at, ended_at, failed, file, done, entries, coalesce(root, '') from bundle_run where book_id = $1 order by started_at desc, id desc limit $2`
)

// StartBundle notes that somebody has a bundle made.
func StartBundle(ctx context.Context, tx pgx.Tx, book *ledger.Book, r BundleRun) error {
	if _, err := tx.Exec(ctx, sqlBundleStart, book.ID, r.ID, r.MadeBy, r.StartedAt); err != nil {
		return fmt.Errorf("start bundle: %w", err)
	}
	return nil
}

// TellBundle says how far a bundle is, in a transaction of its own: the one that reads the book has not ended.
func TellBundle(ctx context.Context, db *pgxpool.Pool, book *ledger.Book, id uuid.UUID, at time.Time, p BundleProgress) error {
	return pg.InTx(ctx, db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlBundleTell, book.ID, id, p.File, p.Done, p.Entries, at)
		return err
	})
}

// EndBundle says that a bundle is made, or with an empty root that it is not.
func EndBundle(ctx context.Context, db *pgxpool.Pool, book *ledger.Book, id uuid.UUID, at time.Time, info BundleInfo, root string) error {
	var through *string
	if info.Through != "" {
		through = &info.Through
	}
	return pg.InTx(ctx, db, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, sqlBundleEnd, book.ID, id, root == "", root, through, at)
		return err
	})
}

// BundleRuns are the latest, newest first.
func BundleRuns(ctx context.Context, q pg.Querier, book *ledger.Book, limit int) ([]BundleRun, error) {
	rows, err := q.Query(ctx, sqlBundleRuns, book.ID, limit)
	if err != nil {
		return nil, fmt.Errorf("list bundles: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[BundleRun])
}
