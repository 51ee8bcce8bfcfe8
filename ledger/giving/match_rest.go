package giving

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
)

const (
	sqlRestOfPools = `
select a.dims ->> 'source', coalesce(a.dims ->> 'nature', '') = 'rest', b.balance
  from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
 where a.book_id = $1 and a.chart = 'match.pledged' and a.dims ->> 'source' = any($2::text[]) and b.balance > 0`

	sqlWaiting = `
select exists (select from account a join balance b on b.book_id = a.book_id and b.account_id = a.account_id
                where a.book_id = $1 and a.chart in ('match.earned', 'match.held') and a.dims ->> 'source' = any($2::text[]) and b.balance > 0)`

	// What was given to each campaign in gifts that count, refunds taken off.
	sqlCountedByCampaign = `
select a.campaign_id, sum(least(g.amount, $3::int8) - least(g.amount, coalesce(r.amount, 0)))::int8
  from match_award a
 cross join lateral (select amount from gift where book_id = $1 and id = a.gift_id limit 1) g
  left join lateral (select sum(r.amount) as amount from ` + StandingRefund + ` r where r.book_id = $1 and r.gift_id = a.gift_id) r on true
 where a.book_id = $1 and a.event_id = $2 and a.part = 0 and split_part(a.reasons, ' ', 1) <> all($4::text[])
 group by 1 having sum(least(g.amount, $3::int8) - least(g.amount, coalesce(r.amount, 0))) > 0`
)

// rest is what is left of a pool: open to gifts, or come back and kept for the end.
type rest struct{ open, kept int64 }

func restOf(ctx context.Context, tx pgx.Tx, book *ledger.Book, pools map[string]*matchPool) (map[string]rest, error) {
	tags, codes := []string{}, map[string]string{}
	for code, p := range pools {
		tag := poolTag(p.event, code)
		tags, codes[tag] = append(tags, tag), code
	}
	rows, err := tx.Query(ctx, sqlRestOfPools, book.ID, tags)
	if err != nil {
		return nil, fmt.Errorf("read what is left of pools: %w", err)
	}
	left := map[string]rest{}
	var tag string
	var kept bool
	var balance int64
	_, err = pgx.ForEachRow(rows, []any{&tag, &kept, &balance}, func() error {
		r := left[codes[tag]]
		if kept {
			r.kept += balance
		} else {
			r.open += balance
		}
		left[codes[tag]] = r
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read what is left of pools: %w", err)
	}
	return left, nil
}

// ReturnRest gives what is left of a pool back to its funder (kind PayReturned), or sets it free for a later event whose rule pledges it
// anew (PayRolled): the promise ends, own money is no longer reserved. Only of a closed event. It gives the sum; the same Sign.Key again returns
// nothing more. ErrEventState, ErrNoPool, ErrStep for another kind, ledger.ErrSamePerson.
func ReturnRest(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, pool, kind string, s Sign) (int64, error) {
	if kind != PayReturned && kind != PayRolled {
		return 0, fmt.Errorf("%w: %q", ErrStep, kind)
	}
	p, state, known, err := beginPaying(ctx, tx, book, event, pool, kind, s)
	if err != nil || known > 0 {
		return known, err
	}
	if state != EventClosed {
		return 0, ErrEventState
	}
	left, err := restOf(ctx, tx, book, map[string]*matchPool{pool: p.pool})
	if err != nil {
		return 0, err
	}
	r := left[pool]
	amount := r.open + r.kept
	if amount == 0 {
		return 0, nil
	}
	lines := []ledger.Line{ledger.Debit(p.pool.leaf("match.contra", 0), amount), {Leaf: p.pool.back(true), Amount: -r.open}, {Leaf: p.pool.back(false), Amount: -r.kept}}
	if p.pool.kind == PoolFund {
		lines = append(lines, p.pool.reserve(-amount)...)
	}
	p.add(map[string]string{PayReturned: "配捐余额退回 Rest of pool returned: ", PayRolled: "配捐余额结转 Rest of pool rolled over: "}[kind]+pool, nonzero(lines), []int32{0}, []int64{amount})
	return amount, p.carryOut(ctx, tx)
}

// notCounted are the reasons for which a gift does not count for its campaign.
var notCounted = []string{string(match.BelowMin), string(match.NotRecurring), string(match.FromFunder), string(match.DonorUnknown), string(match.OrgUnknown), string(match.NotFirst)}

// GiveAnyway gives what is left of the pools of a closed event to the campaigns, by what was given to each, where the rule says so. It is
// earned then, and is settled like the rest. It gives the sum; again it finds nothing left. ErrEventState also when the rule says otherwise.
func GiveAnyway(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, s Sign) (total int64, err error) {
	if err := s.two(); err != nil {
		return 0, err
	}
	state, err := lockEvent(ctx, tx, book, event)
	if err != nil {
		return 0, err
	}
	c := &changing{book: book, sign: s, day: book.Day(s.At), events: map[int32]*changingEvent{}}
	e, err := c.event(ctx, tx, event)
	if err != nil {
		return 0, err
	}
	var newest int32
	for version := range e.rules {
		newest = max(newest, version)
	}
	if state != EventClosed || newest == 0 || e.rules[newest].Terms().Unspent != match.GiveAnyway {
		return 0, ErrEventState
	}
	rule := e.rules[newest]
	left, err := restOf(ctx, tx, book, e.pools)
	if err != nil {
		return 0, err
	}
	raised, ids, err := countedBy(ctx, tx, book, event, rule.Terms(), e.places)
	if err != nil {
		return 0, err
	}
	var parts []match.Part
	for _, p := range rule.Terms().Pools {
		if amount := left[p.Code].open + left[p.Code].kept; amount > 0 {
			parts = append(parts, match.Part{Pool: p.Code, Amount: amount})
		}
	}
	var rows awardRows
	to := &openEvent{id: event, seq: e.position}
	for _, g := range rule.GiveRest(parts, raised) {
		if g.Amount == 0 {
			continue
		}
		pool, campaign := e.pools[g.Pool], ids[g.Campaign]
		entry := c.entry(e, pool)
		open := min(g.Amount, left[g.Pool].open)
		left[g.Pool] = rest{left[g.Pool].open - open, left[g.Pool].kept - (g.Amount - open)}
		entry.add(pool.back(true), -open)
		entry.add(pool.back(false), open-g.Amount)
		entry.add(pool.leaf("match.earned", campaign), g.Amount)
		rows.add(to, nil, campaign, newest, &match.Gift{}, match.Award{Parts: []match.Part{{Pool: g.Pool, Amount: g.Amount}}}, func(match.Part) *uuid.UUID { return &entry.id })
		total += g.Amount
	}
	if total == 0 {
		return 0, nil
	}
	c.kind = stepGive
	if err := postAll(ctx, tx, book, c.entries()); err != nil {
		return 0, err
	}
	q := &pgx.Batch{}
	rows.queue(q, book.ID)
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return 0, fmt.Errorf("write what is given anyway: %w", err)
	}
	return total, nil
}

// countedBy is what was given to each campaign in gifts that count, by the code that the rule knows it by.
func countedBy(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, terms match.Terms, places map[int32]matchPlace) (raised map[string]int64, ids map[string]int32, err error) {
	most := ledger.AmountMax
	if terms.Gifts.MaxCounted != "" {
		if most, err = money.Parse(terms.Gifts.MaxCounted, book.Currency); err != nil {
			return nil, nil, err
		}
	}
	rows, err := tx.Query(ctx, sqlCountedByCampaign, book.ID, event, most, notCounted)
	if err != nil {
		return nil, nil, fmt.Errorf("read what counts for campaigns: %w", err)
	}
	raised, ids = map[string]int64{}, map[string]int32{}
	var campaign int32
	var amount int64
	_, err = pgx.ForEachRow(rows, []any{&campaign, &amount}, func() error {
		code := places[campaign].slug
		raised[code], ids[code] = amount, campaign
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read what counts for campaigns: %w", err)
	}
	return raised, ids, nil
}

// EndEvent closes the books of a closed event: nothing waits to be paid or looked at, and no pool has anything left. ErrMatchOpen, ErrEventState.
func EndEvent(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, now time.Time) error {
	if _, err := lockEvent(ctx, tx, book, event); err != nil {
		return err
	}
	pools, err := poolsOf(ctx, tx, book, event)
	if err != nil {
		return err
	}
	left, err := restOf(ctx, tx, book, pools)
	if err != nil {
		return err
	}
	tags := []string{}
	for code := range pools {
		tags = append(tags, poolTag(event, code))
	}
	var waits bool
	if err := tx.QueryRow(ctx, sqlWaiting, book.ID, tags).Scan(&waits); err != nil {
		return fmt.Errorf("look for match that waits: %w", err)
	}
	if waits || len(left) > 0 {
		return ErrMatchOpen
	}
	return eventMoves(ctx, tx, book, event, EventClosed, EventEnded, now)
}
