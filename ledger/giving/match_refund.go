package giving

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving/match"
)

const (
	sqlMatchedEver = `select exists (select from match_event where book_id = $1 and state <> 'draft')`

	// Of gifts in order of deciding; events that have ended keep what they gave.
	sqlAwardsOfGifts = `
select ` + awardColumns + `
  from unnest($2::uuid[]) u(id)
 cross join lateral (select * from match_award where book_id = $1 and gift_id = u.id) a
  join match_event e on e.book_id = $1 and e.event_id = a.event_id and e.state <> 'ended'` + awardSteps + `
 order by a.event_id, a.seq`

	sqlEarned = `
select b.balance from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.campaign = $2 and a.fund_id = $3 and a.chart = 'match.earned' and a.dims ->> 'source' = $4`
)

// unmatching frees the match of gifts that are given back: as far as the rule says, and as far as it was not paid yet. What was
// paid is not touched; it is clawed back by people (DueBack lists it).
type unmatching struct {
	changing
	b *returning
}

// rider has match freed with the refunds.
func (b *returning) rider(ctx context.Context, tx pgx.Tx) ledger.Rider {
	if !b.matched {
		return ledger.Rider{Write: b.write}
	}
	u := &unmatching{b: b, changing: changing{book: b.book, kind: StepRefund, events: map[int32]*changingEvent{}}}
	return ledger.Rider{
		Then: func(results []ledger.Result) ([]ledger.Entry, error) { return u.decide(ctx, tx, results) },
		Write: func(q *pgx.Batch, results []ledger.Result) {
			b.write(q, results)
			u.write(q)
		},
	}
}

// decide is run under the book's lock, once it is known which refunds are booked.
func (u *unmatching) decide(ctx context.Context, tx pgx.Tx, results []ledger.Result) ([]ledger.Entry, error) {
	refunds := map[uuid.UUID][]int{} // by gift
	var gifts []uuid.UUID
	for i, e := range u.b.entryOf {
		if e >= 0 && results[e].Err == nil && !results[e].Replayed {
			id := u.b.gifts[i].id
			if refunds[id] == nil {
				gifts = append(gifts, id)
			}
			refunds[id] = append(refunds[id], i)
			u.sign.At = latest(u.sign.At, u.b.list[i].RefundedAt)
		}
	}
	if len(gifts) == 0 {
		return nil, nil
	}
	rows, err := tx.Query(ctx, sqlAwardsOfGifts, u.book.ID, gifts)
	if err != nil {
		return nil, fmt.Errorf("read awards of refunded gifts: %w", err)
	}
	awards, err := pgx.CollectRows(rows, pgx.RowToStructByPos[MatchAward])
	if err != nil {
		return nil, fmt.Errorf("read awards of refunded gifts: %w", err)
	}
	if err := u.know(ctx, tx, awards); err != nil {
		return nil, err
	}
	waits := map[ledger.Leaf]int64{} // what still waits to be paid
	for of := range ofOneGift(awards) {
		given := refunds[*of[0].GiftID]
		before := u.b.gifts[given[0]].amount - u.b.gifts[given[0]].refunded
		for _, i := range given {
			after := before - u.b.list[i].Amount
			u.day = u.b.entries[u.b.entryOf[i]].EffectiveOn // the match falls on the day of its refund
			if err := u.fall(ctx, tx, of, before, after, results[u.b.entryOf[i]].ID, waits); err != nil {
				return nil, err
			}
			before = after
		}
	}
	return u.entries(), u.count(ctx, tx)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// fall takes back what one refund makes fall of a gift's match in one event.
func (u *unmatching) fall(ctx context.Context, tx pgx.Tx, awards []MatchAward, before, after int64, refund uuid.UUID, waits map[ledger.Leaf]int64) error {
	e, err := u.event(ctx, tx, awards[0].Event)
	if err != nil {
		return err
	}
	rule, gift := e.rules[awards[0].Version], u.gift(e, &awards[0])
	var parts []match.Part
	for _, a := range awards {
		if a.Pool != "" {
			parts = append(parts, match.Part{Pool: a.Pool, Slice: a.Slice, Amount: a.Amount})
		}
	}
	fallen, changes := rule.Refund(gift, parts, before, after)
	first := len(u.rows.seq)
	var really []match.Part
	for _, part := range fallen {
		for i := range awards {
			a := &awards[i]
			if a.Pool != part.Pool || a.Slice != part.Slice {
				continue
			}
			amount, err := u.free(ctx, tx, e, a, part.Amount, waits)
			if err != nil {
				return err
			}
			if amount > 0 {
				u.take(e, a, amount, &refund)
				a.Left -= amount
				really = append(really, match.Part{Pool: a.Pool, Slice: a.Slice, Amount: amount})
			}
		}
	}
	if len(really) == 0 {
		u.take(e, &awards[0], 0, &refund)
	}
	changes = slices.DeleteFunc(changes, func(c match.Change) bool { return c.Key.Kind != match.Raised }) // of the gift, whatever became of its match
	u.change(e, first, append(rule.Undo(gift, really), changes...))
	return nil
}

// free is how much of an award can be taken back: what is left of it, and was not paid.
func (u *unmatching) free(ctx context.Context, tx pgx.Tx, e *changingEvent, a *MatchAward, amount int64, waits map[ledger.Leaf]int64) (_ int64, err error) {
	amount = min(amount, a.Left)
	if a.Held || amount == 0 {
		return amount, nil
	}
	leaf := e.pools[a.Pool].leaf("match.earned", a.Campaign)
	if _, known := waits[leaf]; !known {
		if waits[leaf], err = u.waits(ctx, tx, leaf); err != nil {
			return 0, err
		}
	}
	amount = min(amount, waits[leaf])
	waits[leaf] -= amount
	return amount, nil
}

// waits is how much of a campaign's match in a pool is earned and not paid.
func (u *unmatching) waits(ctx context.Context, tx pgx.Tx, leaf ledger.Leaf) (balance int64, err error) {
	err = tx.QueryRow(ctx, sqlEarned, u.book.ID, leaf.Dims.Campaign, leaf.Fund, leaf.Dims.Source).Scan(&balance)
	if err != nil {
		return 0, fmt.Errorf("read what waits of match: %w", err)
	}
	return balance, nil
}
