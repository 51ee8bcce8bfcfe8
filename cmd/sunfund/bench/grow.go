package bench

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// grow measures the same on a book with one gift a campaign and on one with millions.
func (l *lab) grow(ctx context.Context, r *Report) error {
	g := &Grown{Entries: l.cfg.Grow}
	var before, after []Growth
	for _, entries := range []int{0, l.cfg.Grow} {
		w, err := l.world(ctx, &row{name: "grow", campaigns: l.cfg.many()})
		if err != nil {
			return err
		}
		if entries == 0 {
			_, err = w.seed(ctx, w.camps)
		} else {
			err = w.fill(ctx, w.camps, entries)
		}
		if err != nil {
			return err
		}
		figures, err := w.figures(ctx)
		if err != nil {
			return err
		}
		before, after = after, figures
		l.dropWorlds(true)
	}
	for i, a := range after {
		b := before[i]
		g.Ratios = append(g.Ratios, Growth{What: a.What, Unit: a.Unit, Empty: b.Full, Full: a.Full, Ratio: ratio(a.Full, b.Full)})
	}
	r.Grown, r.ProvenRows = g, l.proven
	return nil
}

const readings = 300

// figures are what must not suffer when the book grows.
func (w *world) figures(ctx context.Context) ([]Growth, error) {
	ctx = pg.WithBook(ctx, w.book.ID)
	w.l.cfg.Progress("measuring the book")
	var all []Growth
	r := row{clients: 4, batch: 1000}
	for _, where := range []struct {
		what      string
		campaigns []int32
	}{{"hot, 1,000 a batch", w.camps[:1]}, {"many campaigns, 1,000 a batch", w.camps}} {
		s, err := w.driveIntake(ctx, &r, where.campaigns)
		if err != nil {
			return nil, err
		}
		all = append(all, Growth{What: where.what, Unit: "gifts/s", Full: s.rate()})
	}
	past := w.book.Day(time.Now().AddDate(0, -4, 0))
	var account int32
	if err := w.owner.QueryRow(ctx, sqlFirstAccount, w.book.ID).Scan(&account); err != nil {
		return nil, err
	}
	for _, read := range []struct {
		what string
		read func() error
	}{
		{"balance of the hot account on a past day, p99", func() error {
			_, err := ledger.BalanceOn(ctx, w.db, w.book, account, past)
			return err
		}},
		{"trial balance of a year on a past day, p99", func() error {
			_, err := ledger.TrialBalance(ctx, w.db, w.book, ledger.Day(past.Year(), 1, 1), past, 0, false)
			return err
		}},
		{"progress of the hot campaign, p99", func() error {
			_, err := giving.ProgressOf(ctx, w.db, w.book, time.Now(), w.camps[0])
			return err
		}},
		{"latest gifts of the hot campaign, p99", func() error {
			_, err := giving.RecentGifts(ctx, w.db, w.book, w.camps[0], uuid.Nil, 20)
			return err
		}},
	} {
		took := make([]time.Duration, readings)
		for i := range took {
			begin := time.Now()
			if err := read.read(); err != nil {
				return nil, err
			}
			took[i] = time.Since(begin)
		}
		slices.Sort(took)
		s := sample{waits: took}
		all = append(all, Growth{What: read.what, Unit: "ms", Full: ms(s.percentile(0.99))})
	}
	return all, nil
}

const sqlFirstAccount = `select min(account_id) from account where book_id = $1`
