package pgtest

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"
)

// waitLooks bounds how often Waits looks, a hundredth of a second apart: some minutes, longer than anything that does come.
const waitLooks = 20_000

// Waits returns once a session of the database waits for a lock, as whoever is second does behind the first. It is an error when ended tells that the second has
// answered without waiting, when nobody ever waits, and when the context ends.
func Waits(ctx context.Context, db *pgxpool.Pool, ended func() bool) error {
	for range waitLooks {
		over := ended()
		var waits bool
		if err := db.QueryRow(ctx, `select exists (select from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and wait_event_type = 'Lock')`).Scan(&waits); err != nil || waits {
			return err
		}
		if over {
			return errors.New("the second did not wait for the first")
		}
		if _, err := db.Exec(ctx, `select pg_sleep(0.01)`); err != nil {
			return err
		}
	}
	return errors.New("nobody waits")
}
