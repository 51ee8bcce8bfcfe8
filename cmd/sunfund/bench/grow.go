package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// grow measures the same on three books side by side: a new one with one gift a campaign, one that is a year old with few gifts
// a day in each campaign, and one of the same age with as many entries as were asked for. The accounts and days that a
// reading adds up are those of the second: what differs between the last two is the number of entries alone.
func (l *lab) grow(ctx context.Context, r *Report) error {
	aged := min(l.cfg.Grow, 2*(l.cfg.many()-1)*filledDays) // every campaign has a gift on every day
	g := &Grown{Entries: l.cfg.Grow, Aged: aged}
	var books []*grown
	for _, b := range []struct {
		name    string
		entries int
	}{{"grow new", 0}, {"grow aged", aged}, {"grow full", l.cfg.Grow}} {
		w, err := l.world(ctx, &row{name: b.name, campaigns: l.cfg.many()})
		if err != nil {
			return err
		}
		if b.entries == 0 {
			_, err = w.seed(ctx, w.camps)
		} else {
			err = w.fill(ctx, w.camps, b.entries)
		}
		if err != nil {
			return err
		}
		one, err := l.openGrown(ctx, w)
		if err != nil {
			return err
		}
		defer one.stop()
		books = append(books, one)
	}
	if err := l.growRates(ctx, g, books); err != nil {
		return err
	}
	if err := l.growReadings(ctx, g, books); err != nil {
		return err
	}
	full := books[2].world
	begin := time.Now()
	l.cfg.Progress("verifying the grown book")
	if err := full.verify(ctx); err != nil {
		return err
	}
	g.VerifySeconds = time.Since(begin).Seconds()
	if err := full.owner.QueryRow(ctx, sqlHeldEntries, full.book.ID).Scan(&g.InDatabase); err != nil {
		return err
	}
	r.Grown, r.ProvenRows = g, l.proven
	return nil
}

const sqlHeldEntries = `select count(*) from entry where book_id = $1`

// grown is one of the books, with the service before it.
type grown struct {
	*world
	page     string // a campaign's page
	stop     func() error
	hot, few int32 // accounts
}

const (
	sqlFirstAccount = `select min(account_id) from account where book_id = $1`
	sqlLastAccount  = `
select a.account_id from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.chart = $2 order by b.seq, a.account_id desc limit 1`
)

func (l *lab) openGrown(ctx context.Context, w *world) (*grown, error) {
	b := &grown{world: w}
	if err := w.owner.QueryRow(ctx, sqlFirstAccount, w.book.ID).Scan(&b.hot); err != nil {
		return nil, err
	}
	if err := w.owner.QueryRow(ctx, sqlLastAccount, w.book.ID, chart.ID("gift.r")).Scan(&b.few); err != nil {
		return nil, err
	}
	address, stop, err := l.cfg.Serve(ctx, w.db)
	if err != nil {
		return nil, err
	}
	b.page, b.stop = "http://"+address+"/c/"+w.slugs[0], stop
	return b, nil
}

// growRates lets the books take gifts in turn; the median counts.
func (l *lab) growRates(ctx context.Context, g *Grown, books []*grown) error {
	r := row{clients: 4, batch: 1000}
	for _, where := range []struct {
		what string
		hot  bool
	}{{"hot, 1,000 a batch", true}, {"many campaigns, 1,000 a batch", false}} {
		rates := make([][]float64, len(books))
		for round := range l.cfg.Rounds {
			for i, b := range books {
				l.cfg.Progress(fmt.Sprintf("grown, round %d of %d: %s", round+1, l.cfg.Rounds, where.what))
				campaigns := b.camps
				if where.hot {
					campaigns = campaigns[:1]
				}
				s, err := b.driveIntake(pg.WithBook(ctx, b.book.ID), &r, campaigns)
				if err != nil {
					return err
				}
				rates[i] = append(rates[i], s.rate())
			}
		}
		var median [3]float64
		for i, of := range rates {
			slices.Sort(of)
			median[i] = of[len(of)/2]
		}
		g.add(where.what, "gifts/s", median)
		l.cfg.Progress(fmt.Sprintf("grown, %s, gifts/s: %.0f empty, %.0f same age, %.0f grown", where.what, median[0], median[1], median[2]))
	}
	return nil
}

const readings = 400

// growReadings reads each book in turn, so that all of them suffer alike from whatever else the machine does.
func (l *lab) growReadings(ctx context.Context, g *Grown, books []*grown) error {
	l.cfg.Progress("reading the grown book")
	for _, read := range []struct {
		what string
		read func(context.Context, *grown, time.Time) error
	}{
		{"balance of the hot account on a past day", func(ctx context.Context, b *grown, past time.Time) error {
			_, err := ledger.BalanceOn(ctx, b.db, b.book, b.hot, past)
			return err
		}},
		{"balance of a small account on a past day", func(ctx context.Context, b *grown, past time.Time) error {
			_, err := ledger.BalanceOn(ctx, b.db, b.book, b.few, past)
			return err
		}},
		{"trial balance of a year on a past day", func(ctx context.Context, b *grown, past time.Time) error {
			_, err := ledger.TrialBalance(ctx, b.db, b.book, ledger.Day(past.Year(), 1, 1), past, 0, false)
			return err
		}},
		{"trial balance of a year at a month's end", func(ctx context.Context, b *grown, past time.Time) error {
			_, err := ledger.TrialBalance(ctx, b.db, b.book, ledger.Day(past.Year(), 1, 1), ledger.Month(past).AddDate(0, 0, -1), 0, false)
			return err
		}},
		{"progress of the hot campaign", func(ctx context.Context, b *grown, _ time.Time) error {
			_, err := giving.ProgressOf(ctx, b.db, b.book, time.Now(), b.camps[0])
			return err
		}},
		{"latest gifts of the hot campaign", func(ctx context.Context, b *grown, _ time.Time) error {
			_, err := giving.RecentGifts(ctx, b.db, b.book, b.camps[0], uuid.Nil, 20)
			return err
		}},
		{"page of the hot campaign over HTTP", func(ctx context.Context, b *grown, _ time.Time) error { return b.readPage(ctx) }},
		{"journal of a small account", func(ctx context.Context, b *grown, _ time.Time) error {
			_, err := ledger.Journal(ctx, b.db, b.book, ledger.JournalFilter{Account: b.few, Limit: 50})
			return err
		}},
	} {
		took := make([][]time.Duration, len(books))
		for n := range readings + 20 {
			for i, b := range books {
				past := b.book.Day(time.Now().AddDate(0, 0, -60-n*7%280)) // any day of the year that all but the new book have
				begin := time.Now()
				if err := read.read(pg.WithBook(ctx, b.book.ID), b, past); err != nil {
					return fmt.Errorf("%s: %w", read.what, err)
				}
				if n >= 20 { // the first ones make plans
					took[i] = append(took[i], time.Since(begin))
				}
			}
		}
		var p50, p99 [3]float64
		for i, of := range took {
			slices.Sort(of)
			s := sample{waits: of}
			p50[i], p99[i] = ms(s.percentile(0.5)), ms(s.percentile(0.99))
		}
		g.add(read.what+", p50", "ms", p50)
		g.add(read.what+", p99", "ms", p99)
		l.cfg.Progress(fmt.Sprintf("%s, p99 ms: %.2f empty, %.2f same age, %.2f grown", read.what, p99[0], p99[1], p99[2]))
	}
	return nil
}

func (b *grown) readPage(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, b.page, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	if err = errors.Join(err, res.Body.Close()); err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("status %d", res.StatusCode)
	}
	return err
}

func (g *Grown) add(what, unit string, of [3]float64) {
	g.Ratios = append(g.Ratios, Growth{What: what, Unit: unit, Empty: of[0], SameAge: of[1], Full: of[2],
		Ratio: ratio(of[2], of[0]), RatioSameAge: ratio(of[2], of[1])})
}
