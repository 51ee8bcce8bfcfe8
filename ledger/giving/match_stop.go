package giving

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// ErrEventUnread means that the rule, the seed, the pools or the counters of an event cannot be read: a damaged row, or a key that is not on the
// ring. Gifts are booked without its match.
var ErrEventUnread = errors.New("the rule, seed or counters of the event cannot be read")

// MissedGift is a gift that an event did not decide while it was stopped. It has no match of the event.
type MissedGift struct {
	GiftID   uuid.UUID
	Campaign int32
	Amount   int64 // of Currency, minor units
	Currency string
	PaidAt   time.Time
	At       time.Time  // when it was booked without
	KnownAt  *time.Time // when two people let the event go on without it
	Reason   string     // of theirs
}

const (
	sqlEventStop = `
update match_event set stopped_at = now(), stopped_why = $3 where book_id = $1 and event_id = $2 and stopped_at is null`

	sqlMissedInsert = `
insert into match_missed (book_id, event_id, gift_id, at) select $1, $2, unnest($3::uuid[]), now() on conflict do nothing`

	sqlEventResume = `
update match_event set stopped_at = null, stopped_why = '' where book_id = $1 and event_id = $2 and stopped_at is not null`

	sqlMissedKnown = `
update match_missed set known_at = $3, by_person = $4, second = $5, reason = $6 where book_id = $1 and event_id = $2 and known_at is null`

	sqlEventsStopped = `select ` + eventColumns + ` from ` + eventTables + ` where e.book_id = $1 and e.stopped_at is not null order by e.event_id`

	// A gift's id begins with the time it was paid.
	sqlMissed = `
select m.gift_id, g.campaign_id, g.amount, g.ccy, g.paid_at, m.at, m.known_at, m.reason
  from match_missed m join gift g on g.book_id = m.book_id and g.id = m.gift_id
 where m.book_id = $1 and m.event_id = $2 and m.gift_id > $3 order by m.gift_id limit $4`
)

// fail notes the first thing of the event that cannot be read.
func (e *openEvent) fail(err error) {
	if e.unread == nil {
		e.unread = fmt.Errorf("%w: event %d: %w", ErrEventUnread, e.id, err)
	}
}

// unfitEvents are events whose accounts refused what was decided for a batch, with why.
type unfitEvents map[int32]error

func (u unfitEvents) Error() string { return "accounts of match refuse what was decided" }

// learns takes events from an error of the batch, and tells whether there was one that it did not know.
func (u unfitEvents) learns(err error) bool {
	var more unfitEvents
	known := len(u)
	if errors.As(err, &more) {
		maps.Copy(u, more)
	}
	return len(u) > known
}

// check has the events that an entry of match was refused of pass the batch without match.
func (m *matching) check(results []ledger.Result) error {
	unfit := unfitEvents{}
	for i, r := range results {
		if r.Err != nil {
			unfit[m.made[i].event] = fmt.Errorf("its accounts do not hold what was decided: %w", r.Err)
		}
	}
	if len(unfit) == 0 {
		return nil
	}
	return unfit
}

// check finds what reading row by row cannot: an event of which rows are missing.
func (e *openEvent) check() {
	if len(e.versions) == 0 {
		e.fail(errors.New("its rule or its seed is missing"))
	}
	for _, v := range e.versions {
		for _, t := range v.rule.Terms().Pools {
			if e.pools[t.Code] == nil {
				e.fail(fmt.Errorf("pool %s is missing", t.Code))
			}
		}
	}
}

// miss leaves a gift without the event's match. The gift's outcome tells of the stop when it began with this batch.
func (m *matching) miss(e *openEvent, member int) {
	e.missed = append(e.missed, m.b.paid[member].ID)
	if !e.stopped {
		m.b.outcomes[member].Stopped = e.unread
	}
}

// writeMissed queues what the events of the batch did not decide.
func (m *matching) writeMissed(q *pgx.Batch) {
	for _, e := range m.events {
		if len(e.missed) == 0 {
			continue
		}
		q.Queue(sqlMissedInsert, m.b.book.ID, e.id, e.missed)
		if !e.stopped {
			why := []rune(e.unread.Error())
			q.Queue(sqlEventStop, m.b.book.ID, e.id, string(why[:min(len(why), 400)]))
		}
	}
}

// ResumeEvent lets a stopped event decide gifts again, by the word of two people, once all of it can be read. What it missed stays without match:
// deciding it afterwards would not be in the order of booking. It gives how many gifts that are. ErrEventState when it is not stopped,
// ErrEventUnread, ledger.ErrSamePerson, ErrNoEvent.
func ResumeEvent(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, reason string, s Sign) (missed int64, err error) {
	if err := s.two(); err != nil {
		return 0, err
	}
	if _, err := lockEvent(ctx, tx, book, event); err != nil {
		return 0, err
	}
	if err := readable(ctx, tx, book, event); err != nil {
		return 0, err
	}
	if err := Settled(ctx, tx, sqlEventResume, book.ID, event); errors.Is(err, ErrStep) {
		return 0, ErrEventState
	} else if err != nil {
		return 0, err
	}
	tag, err := tx.Exec(ctx, sqlMissedKnown, book.ID, event, s.At, s.By, s.Second, reason)
	if err != nil {
		return 0, fmt.Errorf("note what was missed: %w", err)
	}
	return tag.RowsAffected(), nil
}

// readable reads all that gifts are decided by.
func readable(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32) error {
	e := &openEvent{id: event, pools: map[string]*matchPool{}, counters: newCounters()}
	rows, err := tx.Query(ctx, sqlMatchRules, book.ID, []int32{event})
	if err != nil {
		return fmt.Errorf("read rules of match: %w", err)
	}
	if err := scanRules(rows, book, map[int32]*openEvent{event: e}); err != nil {
		return fmt.Errorf("read rules of match: %w", err)
	}
	if e.pools, err = poolsOf(ctx, tx, book, event); err != nil {
		return err
	}
	e.check()
	if rows, err = tx.Query(ctx, sqlAllCounts, book.ID, event); err != nil {
		return fmt.Errorf("read counters of match: %w", err)
	}
	var subject, text string
	var day int32
	_, err = pgx.ForEachRow(rows, []any{&subject, &day, &text}, func() error {
		if err := e.counters.read(subject, day, text); err != nil {
			e.fail(err)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read counters of match: %w", err)
	}
	return e.unread
}

// StoppedEvents lists the events that gifts pass without match until somebody looks at them: an alarm for staff.
func StoppedEvents(ctx context.Context, q pg.Querier, book *ledger.Book) ([]MatchEvent, error) {
	rows, err := q.Query(ctx, sqlEventsStopped, book.ID)
	if err != nil {
		return nil, fmt.Errorf("list stopped events: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MatchEvent])
}

// Missed lists the gifts that an event did not decide, in order of their ids, behind after; at most limit.
func Missed(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, after uuid.UUID, limit int) ([]MissedGift, error) {
	rows, err := q.Query(ctx, sqlMissed, book.ID, event, after, pageSize(limit))
	if err != nil {
		return nil, fmt.Errorf("list what an event missed: %w", err)
	}
	return pgx.CollectRows(rows, pgx.RowToStructByPos[MissedGift])
}
