package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
)

// DayCounting is what the job that counts gifts by hours and pools took after the day, of which it had counted nothing, and what readers took before and after.
type DayCounting struct {
	Counted int     `json:"counted"` // awards and steps
	Seconds float64 `json:"seconds"`
	FreshMs float64 `json:"fresh_ms"` // for the match statement to add up all awards
	KeptMs  float64 `json:"kept_ms"`  // for it to read what is kept
	HoursMs float64 `json:"hours_ms"` // for the page to read the hours, all counted
}

func (c *DayCounting) run(ctx context.Context, w *world, e *giving.MatchEvent, a *giving.EventAmounts) error {
	read := func(ms *float64) error {
		begin := time.Now()
		pools, err := giving.PoolsEarned(ctx, w.db, w.book, e.ID)
		if err != nil {
			return err
		}
		*ms = float64(time.Since(begin).Microseconds()) / 1000
		var earned int64
		for _, p := range pools {
			earned += p.Earned - p.Freed
		}
		if earned != a.Reserved+a.Held {
			return fmt.Errorf("%w: pools earned %d, their accounts hold %d", ErrNotBooked, earned, a.Reserved+a.Held)
		}
		return nil
	}
	if err := read(&c.FreshMs); err != nil {
		return err
	}
	begin := time.Now()
	for {
		var n int
		if err := pg.InTx(ctx, w.db, func(tx pgx.Tx) (err error) {
			n, err = giving.CountHours(ctx, tx, w.book)
			return err
		}); err != nil {
			return err
		}
		if n == 0 {
			break
		}
		c.Counted += n
	}
	c.Seconds = time.Since(begin).Seconds()
	if err := read(&c.KeptMs); err != nil {
		return err
	}
	begin = time.Now()
	err := pg.Snapshot(ctx, w.db, func(tx pgx.Tx) error {
		h, err := giving.HoursOf(ctx, tx, w.book, e.ID)
		if err == nil && h.Behind > 0 {
			err = fmt.Errorf("%w: %d awards are not counted", ErrNotBooked, h.Behind)
		}
		return err
	})
	c.HoursMs = float64(time.Since(begin).Microseconds()) / 1000
	return err
}
