package giving_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
)

// hours reads an event's hours on one view of the database.
func (w *world) hours(book *ledger.Book, e *giving.MatchEvent) (h *giving.MatchHours) {
	w.t.Helper()
	err := pg.Snapshot(pg.WithBook(w.t.Context(), book.ID), w.db, func(tx pgx.Tx) (err error) {
		h, err = giving.HoursOf(w.t.Context(), tx, book, e.ID)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func (w *world) countHours() (n int) {
	w.t.Helper()
	for {
		var step int
		w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			step, err = giving.CountHours(ctx, tx, w.book)
			return err
		})
		if step == 0 {
			return n
		}
		n += step
	}
}

// A random day in a zone whose hours begin at a quarter past those of UTC: hour by hour the gifts, their amount and the match they earned are what the
// gifts and awards say, counted on the way, by the job, or half of each. What is refunded stays in the hour it was given in; its match falls back in the
// hour of the refund. Added up, the hours leave in the pool what its account holds.
func TestGiftsByTheHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	zone, err := time.LoadLocation("Asia/Kathmandu")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.owner.Exec(t.Context(), `update book set time_zone = 'Asia/Kathmandu' where book_id = $1`, w.book.ID); err != nil {
		t.Fatal(err)
	}
	w.book.Zone = zone
	e := w.event("nine", matchTerms(func(m *match.Terms) {
		m.Pools = append(m.Pools, match.Pool{Code: "second", Funder: m.Pools[0].Funder, Amount: "200.00"})
	}))
	layer := w.event("street", matchTerms(func(m *match.Terms) { m.Gifts.Campaigns = []string{"fund"} }))
	if h := w.hours(w.book, e); len(h.Hours) != 0 || h.Behind != 0 || w.countHours() != 0 {
		t.Fatalf("before the first gift: %+v", h)
	}
	random := rand.New(rand.NewPCG(9, 9))
	hour := func(at time.Time) time.Time {
		y, m, d := at.In(zone).Date()
		return time.Date(y, m, d, at.In(zone).Hour(), 0, 0, 0, zone)
	}
	want := map[int64]giving.MatchHour{}
	check := func(when string) {
		t.Helper()
		var match, freed int64
		h := w.hours(w.book, e)
		got := map[int64]giving.MatchHour{}
		for _, at := range h.Hours {
			match, freed = match+at.Match, freed+at.Freed
			got[at.Hour.Unix()] = giving.MatchHour{Gifts: at.Gifts, Amount: at.Amount}
		}
		held := maps.Clone(want)
		for at := range got {
			if _, ok := held[at]; !ok { // of a refund alone
				held[at] = giving.MatchHour{}
			}
		}
		if !maps.Equal(got, held) || h.Behind != 0 {
			t.Errorf("%s: %v, want %v; %d behind", when, got, held, h.Behind)
		}
		if left := w.amounts(e).Pledged; 1200_00-match+freed != left {
			t.Errorf("%s: the hours leave %d in the pools, their accounts %d", when, 1200_00-match+freed, left)
		}
	}
	// earned holds what is kept of the pools and what came since against all awards and steps.
	earned := func(when string) {
		t.Helper()
		list, err := giving.PoolsEarned(w.t.Context(), w.db, w.book, e.ID, layer.ID)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := w.owner.Query(t.Context(), `select a.event_id, a.pool, sum(a.amount)::int8, coalesce(sum((select sum(amount) from match_step s where s.event_id = a.event_id and s.seq = a.seq
			and s.kind in ('refund', 'refuse', 'disallow'))), 0)::int8 from match_award a where a.pool <> '' group by 1, 2 order by 1, 2`)
		if err != nil {
			t.Fatal(err)
		}
		want, err := pgx.CollectRows(rows, pgx.RowToStructByPos[giving.PoolEarned])
		if err != nil || !slices.Equal(list, want) || len(want) < 2 {
			t.Errorf("%s: pools are told %+v, awards and steps give %+v (%v)", when, list, want, err)
		}
	}
	border := time.Date(2026, 9, 7, 10, 0, 0, 0, zone)
	give := func(n int) {
		for i := range n {
			p := w.from(fmt.Sprint("d", i), []string{"fund", "general", "donor"}[random.IntN(3)], fmt.Sprint("g", len(want), i, random.Int64()), 1_00+random.Int64N(80_00))
			switch p.PaidAt = testNow.Truncate(time.Minute).Add(time.Duration(random.IntN(600)-300) * time.Minute); i {
			case 0:
				p.PaidAt = border
			case 1:
				p.PaidAt = border.Add(-time.Microsecond)
			}
			w.give(p)
			at := want[hour(p.PaidAt).Unix()]
			at.Gifts, at.Amount = at.Gifts+1, at.Amount+p.Amount
			want[hour(p.PaidAt).Unix()] = at
			if random.IntN(4) == 0 {
				w.refund(giving.Refunded{GiftRef: p.Ref, Amount: p.Amount / int64(1+random.IntN(2)), RefundedAt: p.PaidAt.Add(3 * time.Hour), Channel: giving.Sandbox, Ref: "r" + p.Ref})
			}
		}
	}
	give(12)
	check("counted on the way")
	earned("counted on the way")
	if w.countHours() == 0 || w.countHours() != 0 {
		t.Error("the job counts at once, and once")
	}
	check("counted by the job")
	earned("counted by the job")
	give(12)
	check("half of each")
	earned("half of each")
	w.countHours()
	check("counted twice")
	earned("counted twice")
	if h := w.hours(w.book, layer); len(h.Hours) == 0 || slices.ContainsFunc(h.Hours, func(a giving.MatchHour) bool { return a.Gifts > want[a.Hour.Unix()].Gifts }) {
		t.Errorf("the layer counts %+v", h.Hours)
	}
	w.verify()
	notices(t, w.owner, w.book, []damage{
		{"match-hour", `update match_hour set gifts = gifts + 1 where (event_id, hour) = (select event_id, min(hour) from match_hour group by 1 order by 1 limit 1)`},
		{"match-hour", `delete from match_hour where (event_id, hour) = (select event_id, min(hour) from match_hour group by 1 order by 1 limit 1)`},
		{"match-hour", `update match_counted set seq = seq - 1 where event_id = 1`},
		{"match-hour", `update match_counted set step = step + 1 where event_id = 1`},
		{"match-hour", `delete from match_counted where event_id = 1`},
		{"match-earned", `update match_earned set earned = earned + 1 where event_id = 1 and pool = 'main'`},
		{"match-earned", `update match_earned set freed = freed + 1 where event_id = 1 and pool = 'second'`},
		{"match-earned", `delete from match_earned where event_id = 2`},
		{"match-earned", `update match_counted set earned_seq = earned_seq - 1 where event_id = 1`},
		{"match-hour", `update match_counted set earned_step = earned_step + 1 where event_id = 1`},
		{"match-hour", `update gift set paid_at = paid_at - interval '1 hour' where id = (select gift_id from match_award where event_id = 1 and seq = 1)`},
	})
	// Another book sees nothing of it.
	var other *ledger.Book
	w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
		other, err = ledger.CreateBook(ctx, tx, ledger.Book{Code: "other", NameZH: "另一家", NameEN: "Other", Regime: w.book.Regime, Currency: "CNY", Zone: zone, Sandbox: true})
		return err
	})
	err = pg.Snapshot(pg.WithBook(t.Context(), other.ID), w.db, func(tx pgx.Tx) error {
		var n int
		if err := tx.QueryRow(t.Context(), `select (select count(*) from match_hour) + (select count(*) from match_counted)`).Scan(&n); err != nil || n != 0 {
			t.Errorf("another book sees %d rows: %v", n, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Awards and steps are counted in bounded strides, each by its own mark: a refund may be counted before the award it takes from. Verify finds no
// difference at any stride, and the pools are told in full.
func TestCountingBehind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.event("nine", matchTerms(nil))
	for _, ref := range []string{"g1", "g2", "g3"} {
		w.give(w.from(ref, "fund", ref, 60_00))
	}
	w.refund(giving.Refunded{GiftRef: "g3", Amount: 60_00, RefundedAt: testNow, Channel: giving.Sandbox, Ref: "r3"})
	want, err := giving.PoolsEarned(t.Context(), w.db, w.book, e.ID)
	if err != nil || len(want) != 1 || want[0].Freed == 0 {
		t.Fatalf("nothing fell back: %+v, %v", want, err)
	}
	for stride := range 4 {
		var n int
		w.tx(func(ctx context.Context, tx pgx.Tx) (err error) {
			n, err = giving.CountHoursTo(ctx, tx, w.book, 1)
			return err
		})
		if (n == 0) != (stride == 3) {
			t.Errorf("stride %d counts %d", stride, n)
		}
		w.verify()
		if list, err := giving.PoolsEarned(t.Context(), w.db, w.book, e.ID); err != nil || !slices.Equal(list, want) {
			t.Errorf("stride %d: the pools are told %+v, want %+v (%v)", stride, list, want, err)
		}
	}
}
