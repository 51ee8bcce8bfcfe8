package giving

import (
	"context"
	"fmt"
	"io"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving/match"
)

const (
	sqlReplayFalls = `
select s.kind, s.position, a.gift_id, a.pool, a.slice, s.amount, coalesce(r.amount, 0), coalesce(s.refund_id, a.gift_id)
  from match_step s
  join match_award a on a.book_id = s.book_id and a.event_id = s.event_id and a.seq = s.seq
  left join refund r on r.book_id = s.book_id and r.id = s.refund_id
 where s.book_id = $1 and s.event_id = $2 and s.kind in ('refund', 'refuse') and a.gift_id is not null order by s.number`

	sqlReplayEnds = `
select gift_id, pool, slice, amount, held, seq from match_award where book_id = $1 and event_id = $2 and part > 0 and gift_id is not null
   and exists (select from match_award f where f.book_id = $1 and f.event_id = $2 and f.gift_id = match_award.gift_id and f.part = 0 and f.pool = '')
 order by seq`
)

// replayFall is a refund, or a held match that was refused.
type replayFall struct {
	kind     string
	position int64
	gift     uuid.UUID
	amount   int64 // refunded
	of       uuid.UUID
	parts    []match.Part
}

// WriteReplay writes what is published of an event whose seed is told: the gifts without names, in the order in which they were decided, with
// their match, and what fell of it. `sunfund verify match` recomputes it. ErrEventState while the seed is a secret.
func WriteReplay(ctx context.Context, q pg.Querier, book *ledger.Book, event int32, w io.Writer) error {
	e, err := EventByID(ctx, q, book, event)
	if err != nil {
		return err
	}
	r, err := newReplay(ctx, q, book, event)
	if err != nil {
		return err
	}
	if e.Seed == nil || len(r.rules) == 0 {
		return ErrEventState
	}
	falls, err := fallsOf(ctx, q, book, event)
	if err != nil {
		return err
	}
	ends, heldEnds, end, err := endsOf(ctx, q, book, event)
	if err != nil {
		return err
	}
	falls, less := beforeEnd(falls, end)
	file, err := match.NewReplay(w, r.rules[1], r.seed)
	if err != nil {
		return err
	}
	fall := func(before int64) error {
		for len(falls) > 0 && falls[0].position < before {
			f := falls[0]
			falls = falls[1:]
			err := error(nil)
			if f.kind == StepRefund {
				err = file.Refund(f.gift.String(), f.amount, f.parts)
			} else {
				err = file.Refused(f.gift.String())
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	err = r.each(ctx, q, func(of []decided) error {
		if of[0].GiftID == nil || of[0].Part > 0 {
			return nil
		}
		if err := fall(of[0].Seq); err != nil {
			return err
		}
		g, err := r.seen(&of[0])
		if err != nil {
			return err
		}
		if g.Amount -= less[*of[0].GiftID]; g.Amount <= 0 {
			return nil
		}
		parts, held := ends[*of[0].GiftID], of[0].Held || heldEnds[*of[0].GiftID]
		for _, d := range of {
			if d.Pool != "" {
				parts = append(parts, match.Part{Pool: d.Pool, Slice: d.Slice, Amount: d.Amount})
			}
		}
		return file.Gift(r.rules[of[0].Version], g, parts, held)
	})
	if err != nil {
		return err
	}
	return fall(1<<63 - 1)
}

// fallsOf gathers the steps by which match fell, those of one refund or refusal together.
func fallsOf(ctx context.Context, q pg.Querier, book *ledger.Book, event int32) (falls []replayFall, err error) {
	rows, err := q.Query(ctx, sqlReplayFalls, book.ID, event)
	if err != nil {
		return nil, fmt.Errorf("read what fell of match: %w", err)
	}
	var f replayFall
	var p match.Part
	_, err = pgx.ForEachRow(rows, []any{&f.kind, &f.position, &f.gift, &p.Pool, &p.Slice, &p.Amount, &f.amount, &f.of}, func() error {
		n := len(falls)
		if n == 0 || falls[n-1].kind != f.kind || falls[n-1].of != f.of || falls[n-1].gift != f.gift {
			falls, n = append(falls, f), n+1
		}
		if p.Amount > 0 {
			falls[n-1].parts = append(falls[n-1].parts, p)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what fell of match: %w", err)
	}
	return falls, nil
}

// endsOf is what gifts were given when all were in, and the seq of the first such award.
func endsOf(ctx context.Context, q pg.Querier, book *ledger.Book, event int32) (parts map[uuid.UUID][]match.Part, held map[uuid.UUID]bool, first int64, err error) {
	rows, err := q.Query(ctx, sqlReplayEnds, book.ID, event)
	if err != nil {
		return nil, nil, 0, fmt.Errorf("read what was shared: %w", err)
	}
	parts, held = map[uuid.UUID][]match.Part{}, map[uuid.UUID]bool{}
	var gift uuid.UUID
	var p match.Part
	var is bool
	var seq int64
	_, err = pgx.ForEachRow(rows, []any{&gift, &p.Pool, &p.Slice, &p.Amount, &is, &seq}, func() error {
		if first == 0 {
			first = seq
		}
		parts[gift], held[gift] = append(parts[gift], p), is
		return nil
	})
	if err != nil {
		return nil, nil, 0, fmt.Errorf("read what was shared: %w", err)
	}
	return parts, held, first, nil
}

// beforeEnd parts off the refunds of before the pools were shared: they made the gifts smaller that were counted then.
func beforeEnd(falls []replayFall, end int64) (rest []replayFall, less map[uuid.UUID]int64) {
	less = map[uuid.UUID]int64{}
	for _, f := range falls {
		if f.kind == StepRefund && f.position < end {
			less[f.gift] += f.amount
		} else {
			rest = append(rest, f)
		}
	}
	return rest, less
}
