package demo

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/reports"
)

// matchStatement holds the match statement of September 2026 to the rule of the demo's own giving day and to the list of the platform's, and to the rows of its sums.
func matchStatement(t *testing.T, ctx context.Context, q pg.Querier, book *ledger.Book) {
	t.Helper()
	sheet, _ := reports.SheetByID("match")
	r, err := sheet.Make(ctx, q, book, reports.Request{From: ledger.Day(2026, 9, 1), To: ledger.Day(2026, 9, 30), Lang: "en", Now: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	_, listed := platforms.Sample(120, ledger.Day(2026, 9, 9))
	for at, want := range map[[2]string]int64{
		{CharityDay + " bayu", "pool-amount"}: 3200_00, {CharityDay + " bayu", "earned"}: 3173_10, {CharityDay + " bayu", "disallowed"}: 50_00, {CharityDay + " bayu", "settled"}: 3123_10,
		{CharityDay + " bayu", "returned"}: 76_90, {CharityDay + " bayu", "pledged"}: 0, {"elder-lunch", "earned"}: listed.Match, {"elder-lunch", "settled"}: listed.Match - 60_00,
	} {
		if got, there := r.Figure(at[0], at[1]); got != want || !there {
			t.Errorf("match statement: %v is %d (%v), not %d", at, got, there, want)
		}
	}
	if !r.Tied() {
		t.Errorf("match statement: %+v", r.Ties)
	}
}

// The demo's giving day: gifts over fifteen hours, the day's part of the pool used up before the evening's opens, a refund whose match fell back, the rest of it
// paid to the campaigns by two and what was left returned. The hours tell the pool's story, everything recomputed is the same, and loaded again nothing changes.
func TestTheDemosCharityDay(t *testing.T) {
	t.Parallel()
	ctx, db, book, now := demoBook(t)
	l := withMail(t, db, book, now)
	if err := l.recall(ctx); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := l.charityDay(ctx); err != nil {
			t.Fatal(err)
		}
	}
	e, err := giving.EventByCode(ctx, db.Service, book, CharityDay)
	if err != nil || e.State != giving.EventEnded || e.Seed == nil {
		t.Fatalf("%+v, %v", e, err)
	}
	a, err := giving.AmountsOf(ctx, db.Service, book, e.ID, now)
	if err != nil {
		t.Fatal(err)
	}
	const pool, day = 3200_00, 2000_00
	if a.Settled+a.Returned != pool || a.Returned == 0 || a.Pledged+a.Reserved+a.Held+a.Clawed != 0 || len(a.Campaigns) != len(charityCampaigns) {
		t.Errorf("%+v", a)
	}
	paid := map[string]int64{}
	for _, c := range a.Campaigns {
		paid[c.Slug] = c.Settled
		if c.Settled > pool/2 {
			t.Errorf("%s was paid %d", c.Slug, c.Settled)
		}
	}
	if want := (map[string]int64{"elder-lunch": 445_10, "golden-ideas": 612_80, "reading-room": 1207_40, "school-desks": 857_80}); !maps.Equal(paid, want) { // the order of gifts is the story's
		t.Errorf("campaigns were paid %v, not %v", paid, want)
	}
	var h *giving.MatchHours
	var checks []ledger.Check
	err = pg.Snapshot(ctx, db.Service, func(tx pgx.Tx) (err error) {
		if h, err = giving.HoursOf(ctx, tx, book, e.ID); err != nil {
			return err
		}
		checks, err = giving.Verify(ctx, tx, book)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var gifts, left int64 = 0, pool
	for i, hour := range h.Hours {
		if hour.Gifts != int64(charityGifts[i]) || !hour.Hour.Equal(september(5, 9+i, 0)) {
			t.Errorf("hour %d: %+v", i, hour)
		}
		gifts, left = gifts+hour.Gifts, left+hour.Freed-hour.Match
		switch 9 + i {
		case charityRefund:
			if hour.Freed != 50_00 {
				t.Errorf("%d fell back in the hour of the refund", hour.Freed)
			}
		case 19:
			if left != pool-day {
				t.Errorf("before the evening %d are left, of which %d may not be used yet", left, pool-day)
			}
		}
		t.Logf("%d: %d gifts of %d, match %d, %d left", 9+i, hour.Gifts, hour.Amount, hour.Match, left)
	}
	if len(h.Hours) != len(charityGifts) || left != a.Returned {
		t.Errorf("%d hours with %d gifts leave %d, returned were %d", len(h.Hours), gifts, left, a.Returned)
	}
	for _, c := range checks {
		if c.DiffersAll > 0 {
			t.Errorf("%+v", c)
		}
	}
}
