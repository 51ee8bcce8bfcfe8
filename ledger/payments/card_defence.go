package payments

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Tier is how a book defends itself against card testing.
type Tier string

const (
	TierNormal    Tier = "normal"    // nobody notices anything
	TierChallenge Tier = "challenge" // everybody proves a little work, or answers a small sum
	TierPaused    Tier = "paused"    // no cards; other ways to pay stay
)

// The breaker: from so many failures within TryWindow on, and from so many of a hundred payments decided. Of genuine donors' cards
// one in ten or fewer is declined.
const (
	guardFailed, guardPercent = 30, 40
	pauseFailed, pausePercent = 150, 70
	guardFor, pauseFor        = 30 * time.Minute, 15 * time.Minute
	slotLength                = 15 * time.Second
	defenceRemembered         = time.Second
)

// Defence is how the breaker stands, with the figures of the last alarm.
type Defence struct {
	PausedTo, GuardedTo, RaisedAt time.Time
	Failed, Paid                  int32 // payments within TryWindow when it was raised last
}

// Tier is what holds at a time. After a pause everybody answers challenges for a while.
func (d Defence) Tier(now time.Time) Tier {
	switch {
	case now.Before(d.PausedTo):
		return TierPaused
	case now.Before(d.GuardedTo):
		return TierChallenge
	}
	return TierNormal
}

const (
	sqlDefence = `select paused_to, guarded_to, raised_at, failed, paid from card_defence where book_id = $1`

	sqlOutcomeSlot = `
insert into card_slot as c (book_id, slot, failed, paid) values ($1, $2, $3, $4)
on conflict (book_id, slot) do update set failed = c.failed + excluded.failed, paid = c.paid + excluded.paid`

	sqlOutcomeCounts = `
insert into card_count as c (book_id, kind, subject, failed, paid, window_ends)
select $1::int4, k.kind, k.subject, count(*) filter (where u.failed), count(*) filter (where not u.failed), $5::timestamptz
  from unnest($2::uuid[], $3::bool[]) u(gift, failed)
  join card_source s on s.book_id = $1 and s.gift_id = u.gift
 cross join lateral (values ('address', s.address), ('campaign', s.campaign), ('email', s.email), ('session', s.session)) k(kind, subject)
 where k.subject is not null group by k.kind, k.subject order by k.kind, k.subject
on conflict (book_id, kind, subject) do update
   set begun       = case when c.window_ends <= $4 then 0 else c.begun end,
       failed      = case when c.window_ends <= $4 then 0 else c.failed end + excluded.failed,
       paid        = case when c.window_ends <= $4 then 0 else c.paid end + excluded.paid,
       window_ends = case when c.window_ends <= $4 then $5 else c.window_ends end`

	sqlOutcomeSums = `
select coalesce(sum(s.failed), 0)::int4, coalesce(sum(s.paid), 0)::int4 from card_slot s
 where s.book_id = $1 and s.slot > $2 and s.slot > coalesce((select d.counted_at from card_defence d where d.book_id = $1), '-infinity')`

	sqlDefenceRaise = `
insert into card_defence as d (book_id, paused_to, guarded_to, raised_at, counted_at, failed, paid)
values ($1, $2, $3, $4, '-infinity', $5, $6)
on conflict (book_id) do update set paused_to = greatest(d.paused_to, excluded.paused_to), guarded_to = greatest(d.guarded_to, excluded.guarded_to),
       raised_at = excluded.raised_at, failed = excluded.failed, paid = excluded.paid`

	sqlDefenceLift = `
update card_defence set paused_to = $2, guarded_to = $2, counted_at = $2 where book_id = $1 and guarded_to > $2`
)

// DefenceOf reads how the breaker stands.
func DefenceOf(ctx context.Context, q pg.Querier, book *ledger.Book) (d Defence, err error) {
	err = q.QueryRow(ctx, sqlDefence, book.ID).Scan(&d.PausedTo, &d.GuardedTo, &d.RaisedAt, &d.Failed, &d.Paid)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return d, fmt.Errorf("read defence: %w", err)
	}
	return d, nil
}

// Watch remembers how the breakers stand for a second. Its zero value is ready.
type Watch struct {
	mu   sync.Mutex
	seen map[int32]watched
}

type watched struct {
	Defence
	at time.Time
}

// Tier is what holds for a book.
func (w *Watch) Tier(ctx context.Context, q pg.Querier, book *ledger.Book, now time.Time) (Tier, error) {
	w.mu.Lock()
	known, ok := w.seen[book.ID]
	w.mu.Unlock()
	if age := now.Sub(known.at); !ok || age < 0 || age >= defenceRemembered {
		d, err := DefenceOf(ctx, q, book)
		if err != nil {
			return "", err
		}
		known = watched{d, now}
		w.mu.Lock()
		if w.seen == nil {
			w.seen = map[int32]watched{}
		}
		w.seen[book.ID] = known
		w.mu.Unlock()
	}
	return known.Defence.Tier(now), nil
}

// Admit tells whether a try may begin a payment: in normal times always, in doubt with its challenge answered. card says that it can
// only be paid by card. ErrCardsPaused, ErrTries.
func (w *Watch) Admit(ctx context.Context, q pg.Querier, book *ledger.Book, t Try, a Answer, card bool, now time.Time) (bool, error) {
	tier, err := w.Tier(ctx, q, book, now)
	if err != nil {
		return false, err
	}
	if tier == TierPaused && card {
		return false, ErrCardsPaused
	}
	doubt, err := Doubt(ctx, q, book, t, now)
	if err != nil {
		return false, err
	}
	if tier == TierNormal && !doubt {
		return true, nil
	}
	return solved(book, t.Form, a, now)
}

// Forget has the next look read anew, after somebody lifted an alarm.
func (w *Watch) Forget() {
	w.mu.Lock()
	w.seen = nil
	w.mu.Unlock()
}

// outcome is what became of one payment, or of one try of it.
type outcome struct {
	gift   uuid.UUID
	failed bool
}

// noteOutcomes counts what became of payments, and raises the alarm where too many fail. The books are not touched.
func noteOutcomes(ctx context.Context, tx pgx.Tx, book *ledger.Book, of []outcome, now time.Time) error {
	if len(of) == 0 {
		return nil
	}
	gifts, failures := make([]uuid.UUID, len(of)), make([]bool, len(of))
	var failed, paid int32
	for i, o := range of {
		gifts[i], failures[i] = o.gift, o.failed
		if o.failed {
			failed++
		} else {
			paid++
		}
	}
	if _, err := tx.Exec(ctx, sqlOutcomeCounts, book.ID, gifts, failures, now, now.Add(TryWindow)); err != nil {
		return fmt.Errorf("count payments: %w", err)
	}
	if _, err := tx.Exec(ctx, sqlOutcomeSlot, book.ID, now.Truncate(slotLength), failed, paid); err != nil {
		return fmt.Errorf("count payments: %w", err)
	}
	if failed == 0 {
		return nil
	}
	if err := tx.QueryRow(ctx, sqlOutcomeSums, book.ID, now.Add(-TryWindow)).Scan(&failed, &paid); err != nil {
		return fmt.Errorf("sum payments: %w", err)
	}
	if failed < guardFailed || failed*100 < (failed+paid)*guardPercent {
		return nil
	}
	pausedTo, guardedTo := now, now.Add(guardFor)
	if failed >= pauseFailed && failed*100 >= (failed+paid)*pausePercent {
		pausedTo, guardedTo = now.Add(pauseFor), now.Add(pauseFor+guardFor)
	}
	if _, err := tx.Exec(ctx, sqlDefenceRaise, book.ID, pausedTo, guardedTo, now, failed, paid); err != nil {
		return fmt.Errorf("raise alarm: %w", err)
	}
	return nil
}

// LiftDefence ends an alarm before its time; counting begins anew. It tells whether there was one. The caller writes down who and why.
func LiftDefence(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) (bool, error) {
	tag, err := tx.Exec(ctx, sqlDefenceLift, book.ID, now)
	if err != nil {
		return false, fmt.Errorf("lift alarm: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

const (
	sqlSweepSources = `delete from card_source where book_id = $1 and begun_at < $2`
	sqlSweepCounts  = `delete from card_count where book_id = $1 and window_ends < $2`
	sqlSweepSlots   = `delete from card_slot where book_id = $1 and slot < $2`
)

// SweepTries deletes counts that mean nothing any more; where a gift came from is forgotten after two days.
func SweepTries(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) error {
	for sql, before := range map[string]time.Time{sqlSweepSources: now.Add(-48 * time.Hour), sqlSweepCounts: now, sqlSweepSlots: now.Add(-time.Hour)} {
		if _, err := tx.Exec(ctx, sql, book.ID, before); err != nil {
			return fmt.Errorf("sweep tries: %w", err)
		}
	}
	return nil
}
