package giving

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// Steps that change an award after it was earned.
const (
	StepHold     = "hold"     // earned, now looked at
	StepRelease  = "release"  // held, now earned
	StepRefuse   = "refuse"   // held, now not given
	StepDisallow = "disallow" // earned, not paid by the funder
	StepRefund   = "refund"   // its gift was given back, in whole or in part; by BookRefunds alone
)

var (
	// ErrNoAward means that the event has no such award with anything left of it. Answer 404.
	ErrNoAward = errors.New("no such award")
	// ErrPaidMatch means that the match was paid already: it is clawed back, not taken back.
	ErrPaidMatch = errors.New("match was paid already")
	// ErrTooManyAwards means more than AwardsMax in one step.
	ErrTooManyAwards = errors.New("too many awards in one step")
)

// AwardsMax is how many awards one step may name.
const AwardsMax = 2000

// MatchAward is what a gift earned from one pool, and what is left of it. Amounts are minor units of the book's currency.
type MatchAward struct {
	Event    int32
	Seq      int64 // in the order of deciding
	GiftID   *uuid.UUID
	Campaign int32
	Version  int32 // of the rule
	Part     int16
	Pool     string // empty when the gift counted and earned nothing
	Slice    string
	Amount   int64 // earned
	Left     int64 // after refunds and what was refused
	Held     bool  // as it stands now
	Donor    string
	Reasons  string // apart by spaces
	Drawn    string
	Facts    *string
}

const (
	// Kinds of steps by which match falls back to its pool.
	freeing = `'refund', 'refuse', 'disallow'`

	awardColumns = `
a.event_id, a.seq, a.gift_id, a.campaign_id, a.version, a.part, a.pool, a.slice, a.amount, a.amount - coalesce(s.freed, 0)::int8, coalesce(s.held, a.held),
       a.donor, a.reasons, a.drawn, a.facts`

	awardSteps = `
  left join lateral (select sum(amount) filter (where kind in (` + freeing + `)) as freed,
                            (array_agg(kind = 'hold' order by number desc) filter (where kind in ('hold', 'release')))[1] as held
                       from match_step where book_id = $1 and event_id = a.event_id and seq = a.seq) s on true`

	sqlAwardsBySeq = `
select ` + awardColumns + `
  from unnest($3::int8[]) u(seq)
 cross join lateral (select * from match_award where book_id = $1 and event_id = $2 and seq = u.seq limit 1) a` + awardSteps
)

// ChangeAwards holds, releases, refuses or disallows awards of an event, for a reason, by the word of two people; holding takes
// one. An award that stands there already is passed over, so the same step again changes nothing. It gives the sum that moved.
// ErrNoAward, ErrPaidMatch when less than that waits to be paid, ErrTooManyAwards, ledger.ErrSamePerson, ErrNoEvent.
func ChangeAwards(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, kind string, seqs []int64, reason string, s Sign) (moved int64, err error) {
	switch {
	case kind != StepHold && kind != StepRelease && kind != StepRefuse && kind != StepDisallow:
		return 0, fmt.Errorf("%w: %q", ErrStep, kind)
	case len(seqs) > AwardsMax:
		return 0, ErrTooManyAwards
	case kind != StepHold:
		if err := s.two(); err != nil {
			return 0, err
		}
	}
	if _, err := lockEvent(ctx, tx, book, event); err != nil {
		return 0, err
	}
	awards, err := awardsBySeq(ctx, tx, book, event, seqs)
	if err != nil {
		return 0, err
	}
	if len(awards) < len(seqs) || slices.ContainsFunc(awards, func(a MatchAward) bool { return a.Pool == "" }) {
		return 0, ErrNoAward
	}
	wants := kind == StepRelease || kind == StepRefuse // of held ones
	awards = slices.DeleteFunc(awards, func(a MatchAward) bool { return a.Left == 0 || a.Held != wants })
	c := &changing{book: book, kind: kind, reason: reason, sign: s, day: book.Day(s.At), events: map[int32]*changingEvent{}}
	if err := c.know(ctx, tx, awards); err != nil {
		return 0, err
	}
	for of := range ofOneGift(awards) {
		if err := c.takeWhole(ctx, tx, of); err != nil {
			return 0, err
		}
		for _, a := range of {
			moved += a.Left
		}
	}
	if moved == 0 {
		return 0, nil
	}
	if err := postAll(ctx, tx, book, c.entries()); errors.Is(err, ledger.ErrGuarded) {
		return 0, fmt.Errorf("%w: %w", ErrPaidMatch, err)
	} else if err != nil {
		return 0, err
	}
	if err := c.count(ctx, tx); err != nil {
		return 0, err
	}
	q := &pgx.Batch{}
	c.write(q)
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return 0, fmt.Errorf("write steps of match: %w", err)
	}
	return moved, nil
}

func awardsBySeq(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, seqs []int64) ([]MatchAward, error) {
	rows, err := q.Query(ctx, sqlAwardsBySeq, book.ID, event, seqs)
	if err != nil {
		return nil, fmt.Errorf("read awards: %w", err)
	}
	awards, err := pgx.CollectRows(rows, pgx.RowToStructByPos[MatchAward])
	if err != nil {
		return nil, fmt.Errorf("read awards: %w", err)
	}
	slices.SortFunc(awards, func(a, b MatchAward) int { return int(a.Seq - b.Seq) })
	return awards, nil
}

// ofOneGift parts awards, in order of deciding, by gift and event.
func ofOneGift(awards []MatchAward) iter.Seq[[]MatchAward] {
	return func(yield func([]MatchAward) bool) {
		for from := 0; from < len(awards); {
			to := from + 1
			for to < len(awards) && awards[to].Event == awards[from].Event && sameGift(awards[to].GiftID, awards[from].GiftID) {
				to++
			}
			if !yield(awards[from:to]) {
				return
			}
			from = to
		}
	}
}

func sameGift(a, b *uuid.UUID) bool { return a != nil && b != nil && *a == *b }
