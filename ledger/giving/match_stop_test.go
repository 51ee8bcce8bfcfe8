package giving_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// damage changes what the service may not change.
func (w *world) damage(sql string, args ...any) {
	w.t.Helper()
	tx, err := w.owner.Begin(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(w.t.Context()))
	if _, err := tx.Exec(w.t.Context(), `set local session_replication_role = replica`); err != nil {
		w.t.Fatal(err)
	}
	if _, err := tx.Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
	if err := tx.Commit(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// differs names the checks that find a difference.
func (w *world) differs() string {
	w.t.Helper()
	checks, err := giving.Verify(w.t.Context(), w.db, w.book)
	if err != nil {
		w.t.Fatal(err)
	}
	var codes []string
	for _, c := range checks {
		if c.DiffersAll > 0 {
			codes = append(codes, c.Code)
		}
	}
	return strings.Join(codes, " ")
}

func (w *world) resume(e *giving.MatchEvent, s giving.Sign) (missed int64, err error) {
	err = w.try(func(ctx context.Context, tx pgx.Tx) (err error) {
		missed, err = giving.ResumeEvent(ctx, tx, w.book, e.ID, "查明", s)
		return err
	})
	return missed, err
}

// What cannot be read of one event stops that event: gifts are booked, other events match them, staff see which had no match, verify says so
// until two people let the event go on, and from then on it matches again.
func TestWhatCannotBeReadStopsNoGift(t *testing.T) {
	t.Parallel()
	for _, of := range []struct{ name, damage, repair string }{
		{"the rule's text", `update match_rule set terms = '{' || terms where event_id = 1`, `update match_rule set terms = substr(terms, 2) where event_id = 1`},
		{"the rule's amount", `update match_rule set terms = replace(terms, '1000.00', '9000.00') where event_id = 1`,
			`update match_rule set terms = replace(terms, '9000.00', '1000.00') where event_id = 1`},
		{"the seed", `update match_seed set sealed = sealed || '\x00' where event_id = 1`, `update match_seed set sealed = substr(sealed, 1, length(sealed) - 1) where event_id = 1`},
		{"the seed's row", `update match_seed set event_id = 99 where event_id = 1`, `update match_seed set event_id = 1 where event_id = 99`},
		{"a pool", `update match_pool set code = 'other' where event_id = 1`, `update match_pool set code = 'main' where event_id = 1`},
		{"a counter", `update match_count set counts = 'x' || counts where event_id = 1`, `update match_count set counts = substr(counts, 2) where event_id = 1`},
	} {
		t.Run(of.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			e, other := w.event("nine", matchTerms(nil)), w.event("ten", matchTerms(nil))
			w.give(w.from("a", "fund", "g1", 100_00))
			w.damage(of.damage)
			out := w.give(w.from("a", "fund", "g2", 50_00), w.from("b", "fund", "g3", 25_00))
			for _, o := range out {
				if o.Err != nil || !errors.Is(o.Stopped, giving.ErrEventUnread) {
					t.Errorf("%+v", o)
				}
			}
			stopped, err := giving.StoppedEvents(t.Context(), w.db, w.book)
			if err != nil || len(stopped) != 1 || stopped[0].Code != "nine" {
				t.Errorf("stopped %+v, %v", stopped, err)
			}
			if _, err := w.resume(e, twoPeople(testNow)); !errors.Is(err, giving.ErrEventUnread) {
				t.Errorf("resumed before it was repaired: %v", err)
			}
			w.damage(of.repair)
			if out := w.give(w.from("c", "fund", "g4", 10_00)); out[0].Err != nil || out[0].Stopped != nil { // stopped until people look
				t.Errorf("%+v", out)
			}
			w.wantAmounts(e, giving.MatchAmounts{Pledged: 900_00, Reserved: 100_00})
			w.wantAmounts(other, giving.MatchAmounts{Pledged: 815_00, Reserved: 185_00})
			missed, err := giving.Missed(t.Context(), w.db, w.book, e.ID, uuid.Nil, 10)
			if err != nil || len(missed) != 3 || missed[0].KnownAt != nil {
				t.Errorf("missed %+v, %v", missed, err)
			}
			if got := w.differs(); !strings.Contains(got, "match-missed") {
				t.Errorf("verify finds %q", got)
			}
			one := twoPeople(testNow)
			one.Second = one.By
			if _, err := w.resume(e, one); !errors.Is(err, ledger.ErrSamePerson) {
				t.Errorf("resumed by one: %v", err)
			}
			if n, err := w.resume(e, twoPeople(testNow)); n != 3 || err != nil {
				t.Errorf("%d missed, %v", n, err)
			}
			if _, err := w.resume(e, twoPeople(testNow)); !errors.Is(err, giving.ErrEventState) {
				t.Errorf("resumed twice: %v", err)
			}
			w.give(w.from("d", "fund", "g5", 1_00))
			w.wantAmounts(e, giving.MatchAmounts{Pledged: 899_00, Reserved: 101_00})
			w.refund(giving.Refunded{GiftID: out[0].ID, Amount: 50_00, RefundedAt: testNow, Channel: giving.Sandbox, Ref: "r1"})
			w.wantAmounts(e, giving.MatchAmounts{Pledged: 899_00, Reserved: 101_00}) // it had no match of this event
			w.wantAmounts(other, giving.MatchAmounts{Pledged: 864_00, Reserved: 136_00})
			w.verify()
		})
	}
}

// A key that is not on the ring stops the event and no gift; verify does not fall over it either.
func TestAMissingKeyStopsNoGift(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	e := w.event("nine", matchTerms(nil))
	ring := w.book.Keys
	w.book.Keys = newRing(t, seal.NewLine())
	nobody := w.from("", "fund", "g1", 100_00)
	nobody.Email = ""
	if out := w.give(nobody); out[0].Err != nil || !errors.Is(out[0].Stopped, giving.ErrEventUnread) {
		t.Errorf("%+v", out)
	}
	if got := w.differs(); !strings.Contains(got, "match-missed") || !strings.Contains(got, "match-replay") {
		t.Errorf("verify finds %q", got)
	}
	w.book.Keys = ring
	if n, err := w.resume(e, twoPeople(testNow)); n != 1 || err != nil {
		t.Errorf("%d missed, %v", n, err)
	}
	w.give(w.from("b", "fund", "g2", 100_00))
	w.wantAmounts(e, giving.MatchAmounts{Pledged: 900_00, Reserved: 100_00})
	w.verify()
}
