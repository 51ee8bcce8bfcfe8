package platforms_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
)

func (d *desk) asks(f *platforms.File, lines int) error {
	return pg.InTx(pg.WithBook(d.Context(), d.book.ID), d.db, func(tx pgx.Tx) error {
		return platforms.Ask(pg.WithBook(d.Context(), d.book.ID), tx, d.book, f, lines, d.sign())
	})
}

func (d *desk) booking(f *platforms.File) *platforms.Booking {
	d.Helper()
	b, err := platforms.BookingOf(pg.WithBook(d.Context(), d.book.ID), d.db, d.book, f.ID)
	d.ok(err)
	return b
}

// TestABookingGoesOn: a file that is asked for is booked by the worker; killed in the middle it goes on behind what is booked,
// and two workers at once book each line once.
func TestABookingGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	text, want := platforms.Sample(2500, feast)
	f := d.kept("大名单.csv", []byte(text))
	d.ok(d.asks(f, 2500))
	d.ok(d.asks(f, 2500)) // the form again
	killed := errors.New("killed")
	_, err := platforms.Book(d.Context(), d.db, d.book, f, d.sign(), func(done, all int) error {
		if done == 2000 {
			return killed
		}
		return nil
	})
	if !errors.Is(err, killed) {
		t.Fatalf("killed in the middle: %v", err)
	}
	if b := d.booking(f); b.State != platforms.BookingRuns || d.again(f).State != platforms.FileRead {
		t.Errorf("after the kill the booking is %+v", b)
	}
	clock := func() time.Time { return start }
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() {
			w := platforms.NewWorker(d.db, d.book, clock)
			for more := true; more; {
				var err error
				if more, err = w.Work(d.Context()); err != nil && !errors.Is(err, ledger.ErrStale) {
					t.Error(err)
				}
			}
		})
	}
	both.Wait()
	if b := d.booking(f); b.State != platforms.BookingDone || b.Done != 2500 || b.Total != 2500 {
		t.Errorf("in the end the booking is %+v", b)
	}
	d.holds(d.r, map[chart.ID]int64{"gift.r": -want.Amount, "ar.platform": want.Net, "match.earned": want.Match})
	if err := d.asks(d.again(f), 2500); !errors.Is(err, giving.ErrStep) {
		t.Errorf("a booked file is asked for: %v", err)
	}
	d.clean()
}

// TestABookingStops: what cannot be booked without somebody stops with its reason, and goes on when asked for again.
func TestABookingStops(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	f := d.kept("配捐.csv", []byte(matched))
	d.ok(d.asks(f, 1))
	killed := errors.New("killed")
	_, err := platforms.Book(d.Context(), d.db, d.book, f, d.sign(), func(int, int) error { return killed }) // its gift is booked, its match is not
	if !errors.Is(err, killed) {
		t.Fatal(err)
	}
	_, err = d.owner.Exec(d.Context(), `insert into period (book_id, month, state) values ($1, '2026-10-01', 'hard')`, d.book.ID)
	d.ok(err)
	work := func(now time.Time) {
		d.Helper()
		_, err := platforms.NewWorker(d.db, d.book, func() time.Time { return now }).Work(d.Context())
		d.ok(err)
	}
	work(start.AddDate(0, 1, 0)) // its match would be earned in a closed month
	if b := d.booking(f); b.State != platforms.BookingStopped || b.Problem != "closed" {
		t.Fatalf("the booking is %+v", b)
	}
	work(start.AddDate(0, 2, 0)) // nothing to do until somebody asks
	d.holds(d.r, map[chart.ID]int64{"match.earned": 0})
	d.ok(d.asks(f, 1))
	work(start.AddDate(0, 2, 0))
	if b := d.booking(f); b.State != platforms.BookingDone || b.Problem != "" {
		t.Errorf("the booking is %+v", b)
	}
	d.holds(d.r, map[chart.ID]int64{"match.earned": 12_000_00, "gift.r": -40_000_00})
	d.clean()
}
