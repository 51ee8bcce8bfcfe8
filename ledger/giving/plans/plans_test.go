package plans_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/pgtest"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
)

var begin = time.Date(2026, 1, 31, 4, 0, 0, 0, time.UTC)

type desk struct {
	*testing.T
	db   *pgtest.DB
	book *ledger.Book
	now  time.Time
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	t.Parallel()
	d := &desk{T: t, db: pgtest.New(t), now: begin}
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		d.book, err = ledger.CreateBook(ctx, tx, ledger.Book{Keys: pgtest.Ring(), Code: "test", NameZH: "测试", NameEN: "Test", Regime: chart.CN2026, Currency: "CNY", Zone: time.UTC, Sandbox: true})
		if err != nil {
			return err
		}
		fund, err := ledger.CreateFund(ctx, tx, d.book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "总", NameEN: "General"})
		if err != nil {
			return err
		}
		_, err = giving.CreateCampaign(ctx, tx, d.book, giving.Campaign{FundID: fund.ID, Slug: "c", TitleZH: "题", TitleEN: "T", SummaryZH: "要", SummaryEN: "S", StoryZH: "事", StoryEN: "S",
			Goal: 1_000_00, OpensAt: begin.AddDate(0, -1, 0), ClosesAt: begin.AddDate(2, 0, 0)})
		return err
	})
	return d
}

func (d *desk) try(fn func(ctx context.Context, tx pgx.Tx) error) error {
	return pg.InTx(d.Context(), d.db.Service, func(tx pgx.Tx) error { return fn(d.Context(), tx) })
}

func (d *desk) tx(fn func(ctx context.Context, tx pgx.Tx) error) {
	d.Helper()
	if err := d.try(fn); err != nil {
		d.Fatal(err)
	}
}

// pay books a started gift.
func (d *desk) pay(c *giving.Checkout) {
	d.Helper()
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		out, err := giving.Book(ctx, tx, d.book, []giving.Paid{{ID: c.ID, Amount: c.Amount, Currency: c.Currency, PaidAt: d.now, Channel: giving.Sandbox, Ref: c.ID.String()}})
		if err != nil {
			return err
		}
		return out[0].Err
	})
}

// plan begins one, with its first gift paid.
func (d *desk) plan() *plans.Plan {
	d.Helper()
	var first *giving.Checkout
	var list []plans.Plan
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		first, err = giving.Begin(ctx, tx, d.book, giving.Form{FormID: uuid.New(), CampaignID: 1, Amount: "50", Currency: "CNY", Name: "王女士", Email: "wang@example.org", Channel: giving.Sandbox}, d.now)
		if err != nil {
			return err
		}
		for range 2 { // the form sent twice
			if _, err := plans.Start(ctx, tx, d.book, first, plans.Terms{Way: plans.ByLetter, Every: plans.Monthly}, d.now); err != nil {
				return err
			}
		}
		list, err = plans.OfDonors(ctx, tx, d.book, []uuid.UUID{first.ID})
		return err
	})
	if len(list) != 1 || list[0].State != plans.New || list[0].Day != plans.DayMax || !list[0].NextOn.Equal(ledger.Day(2026, 2, 28)) {
		d.Fatalf("plans %+v", list)
	}
	d.pay(first)
	return &list[0]
}

func (d *desk) step() (n int) {
	d.Helper()
	d.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		n, err = plans.Step(ctx, tx, d.book, d.now)
		return err
	})
	return n
}

func (d *desk) read(id uuid.UUID) *plans.Plan {
	d.Helper()
	p, err := plans.ByID(d.Context(), d.db.Service, d.book, id)
	if err != nil {
		d.Fatal(err)
	}
	return p
}

func (d *desk) due(id uuid.UUID) (*giving.Checkout, error) {
	var c *giving.Checkout
	err := d.try(func(ctx context.Context, tx pgx.Tx) (err error) {
		c, err = plans.Pay(ctx, tx, d.book, id, giving.Sandbox, d.now)
		return err
	})
	return c, err
}

func (d *desk) letters() (kinds []giving.LetterKind) {
	d.Helper()
	list, err := giving.Letters(d.Context(), d.db.Service, d.book, uuid.Nil, 100)
	if err != nil {
		d.Fatal(err)
	}
	for _, l := range list {
		kinds = append(kinds, l.Kind)
	}
	slices.Reverse(kinds)
	return kinds
}

// However many runners race, whatever of their work is lost before it is committed, and however days are left out: a plan has one letter
// a month and one gift a month that is paid.
func TestNothingTwiceAMonth(t *testing.T) {
	d := newDesk(t)
	var all []*plans.Plan
	for range 5 {
		all = append(all, d.plan())
	}
	lost := errors.New("killed before the commit")
	chance := rand.New(rand.NewPCG(1, 2))
	for d.now.Before(begin.AddDate(0, 14, 0)) {
		d.now = d.now.AddDate(0, 0, 1+chance.IntN(20))
		if chance.IntN(4) == 0 { // nobody ran for long
			d.now = d.now.AddDate(0, 2, 0)
		}
		var runners sync.WaitGroup
		for i := range 4 {
			runners.Go(func() {
				err := d.try(func(ctx context.Context, tx pgx.Tx) error {
					if _, err := plans.Step(ctx, tx, d.book, d.now); err != nil {
						return err
					}
					if i == 0 {
						return lost
					}
					return nil
				})
				if err != nil && !errors.Is(err, lost) {
					t.Error(err)
				}
			})
		}
		runners.Wait()
		d.step()
		for _, p := range all {
			var taps sync.WaitGroup
			var mu sync.Mutex
			started := map[uuid.UUID]*giving.Checkout{}
			for range 3 {
				taps.Go(func() {
					c, err := d.due(p.ID)
					if errors.Is(err, plans.ErrNotDue) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					started[c.ID] = c
					mu.Unlock()
				})
			}
			taps.Wait()
			if len(started) > 1 {
				t.Fatalf("%d gifts can be paid for one month", len(started))
			}
			for _, c := range started {
				d.pay(c)
			}
		}
	}
	var letters, months, gifts, most int
	err := d.db.Service.QueryRow(t.Context(), `
		select (select count(*) from private.letter where kind = 'reminder'), (select count(*) from plan_month), (select count(*) from gift) - 5,
		       (select max(n) from (select count(*) as n from private.letter l group by about, date_trunc('month', l.made_at)) x)`).Scan(&letters, &months, &gifts, &most)
	if err != nil {
		t.Fatal(err)
	}
	if letters != months || gifts != months || most != 1 || months < 25 {
		t.Errorf("%d letters, %d months, %d gifts, %d letters in one month", letters, months, gifts, most)
	}
}

// A payment that failed is followed by another, one that waits or is made by none.
func TestPayingAMonth(t *testing.T) {
	d := newDesk(t)
	p := d.plan()
	if _, err := d.due(p.ID); !errors.Is(err, plans.ErrNotDue) {
		t.Errorf("before a letter: %v", err)
	}
	d.now = time.Date(2026, 2, 28, 1, 0, 0, 0, time.UTC)
	d.step()
	mark := func(c *giving.Checkout, state string) {
		d.tx(func(ctx context.Context, tx pgx.Tx) error {
			return giving.MarkCheckouts(ctx, tx, d.book, []giving.Mark{{ID: c.ID, State: state}}, d.now)
		})
	}
	first, err := d.due(p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if first.Name != "王女士" || first.Email != "wang@example.org" || first.Amount != 50_00 {
		t.Errorf("gift of the month %+v", first)
	}
	mark(first, giving.CheckoutFailed)
	second, err := d.due(p.ID)
	if err != nil || second.ID == first.ID {
		t.Fatalf("after a failure %v, %v", second, err)
	}
	mark(second, giving.CheckoutPending)
	if _, err := d.due(p.ID); !errors.Is(err, plans.ErrNotDue) {
		t.Errorf("while it waits: %v", err)
	}
	d.pay(second)
	if _, err := d.due(p.ID); !errors.Is(err, plans.ErrNotDue) {
		t.Errorf("once it is paid: %v", err)
	}
}

// Three letters without a payment stop a plan, with a letter; so does the end of its campaign. Who pays goes on.
func TestPlanStops(t *testing.T) {
	d := newDesk(t)
	p := d.plan()
	for month := range 5 {
		d.now = ledger.Day(2026, time.February+time.Month(month), 28)
		d.step()
	}
	if p = d.read(p.ID); p.State != plans.Ended || p.Reason != plans.Missed {
		t.Errorf("plan %+v", p)
	}
	want := []giving.LetterKind{giving.ReminderLetter, giving.ReminderLetter, giving.ReminderLetter, giving.StoppedLetter}
	if got := d.letters(); !slices.Equal(got, want) {
		t.Errorf("letters %v", got)
	}
}

func TestPlanChanges(t *testing.T) {
	d := newDesk(t)
	p := d.plan()
	d.now = d.now.AddDate(0, 0, 1)
	d.step()
	change := func(c plans.Change) error {
		return d.try(func(ctx context.Context, tx pgx.Tx) error { return plans.Apply(ctx, tx, d.book, p.ID, c, d.now) })
	}
	for _, wrong := range []plans.Change{{Amount: 1 << 50}, {Day: 29}, {Day: -1}} {
		if err := change(wrong); !errors.Is(err, plans.ErrAmount) {
			t.Errorf("%+v: %v", wrong, err)
		}
	}
	if err := change(plans.Change{Amount: 70_00, Day: 5}); err != nil {
		t.Fatal(err)
	}
	if p = d.read(p.ID); p.Amount != 70_00 || !p.NextOn.Equal(ledger.Day(2026, 2, 5)) {
		t.Errorf("changed to %+v", p)
	}
	if err := change(plans.Change{Pause: true}); err != nil {
		t.Fatal(err)
	}
	d.now = time.Date(2026, 6, 20, 0, 0, 0, 0, time.UTC)
	if n := d.step(); n != 0 {
		t.Error("a paused plan was due")
	}
	if err := change(plans.Change{Resume: true}); err != nil {
		t.Fatal(err)
	}
	if p = d.read(p.ID); !p.NextOn.Equal(ledger.Day(2026, 7, 5)) {
		t.Errorf("goes on on %s", p.NextOn)
	}
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		_, err := giving.EraseDonors(ctx, tx, d.book, []uuid.UUID{p.Donor}, d.now)
		return err
	})
	if p = d.read(p.ID); p.State != plans.Ended || p.Reason != plans.Erased {
		t.Errorf("of somebody erased: %+v", p)
	}
	if err := change(plans.Change{Resume: true}); !errors.Is(err, plans.ErrEnded) {
		t.Errorf("change of an ended plan: %v", err)
	}
}

// A plan whose first gift is never paid writes to nobody.
func TestUnpaidPlanIsForgotten(t *testing.T) {
	d := newDesk(t)
	d.tx(func(ctx context.Context, tx pgx.Tx) error {
		c, err := giving.Begin(ctx, tx, d.book, giving.Form{FormID: uuid.New(), CampaignID: 1, Amount: "50", Currency: "CNY", Email: "somebody@example.org", Channel: giving.Sandbox}, d.now)
		if err != nil {
			return err
		}
		_, err = plans.Start(ctx, tx, d.book, c, plans.Terms{Way: plans.ByLetter, Every: plans.Monthly}, d.now)
		return err
	})
	for range 3 {
		d.now = d.now.AddDate(0, 1, 0)
		d.step()
	}
	if got := d.letters(); len(got) != 0 {
		t.Errorf("letters %v", got)
	}
}
