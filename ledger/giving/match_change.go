package giving

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving/match"
)

// natureRest marks what came back to a pool after its gift was refunded and is not open to later gifts: it belongs to what is left.
const natureRest = "rest"

const (
	sqlStepNext = `
select e.state, coalesce((select number from match_step where book_id = $1 and event_id = $2 order by number desc limit 1), 0),
       coalesce((select seq from match_award where book_id = $1 and event_id = $2 order by seq desc limit 1), 0)
  from match_event e where e.book_id = $1 and e.event_id = $2`

	sqlStepsInsert = `
insert into match_step (book_id, event_id, number, kind, seq, amount, position, to_pool, entry_id, refund_id, by_person, second, reason, at, changes)
select $1, unnest($2::int4[]), unnest($3::int8[]), $4, unnest($5::int8[]), unnest($6::int8[]), unnest($7::int8[]), unnest($8::bool[]), unnest($9::uuid[]),
       unnest($10::uuid[]), $11, $12, $13, $14, unnest($15::text[])`

	sqlGiftsOfAwards = `
select g.id, g.amount, g.ccy, g.channel, g.paid_at
  from unnest($2::uuid[]) u(id)
 cross join lateral (select id, amount, ccy, channel, paid_at from gift where book_id = $1 and id = u.id limit 1) g`

	sqlKeptPlaces = `select campaign_id, slug, organisation, fund_id, goal from match_campaign where book_id = $1 and event_id = $2`
)

// changing gathers steps of one kind: their entries, their rows and what the counters change by. Everything is read under the book's lock.
type changing struct {
	book   *ledger.Book
	kind   string
	reason string
	sign   Sign
	day    time.Time
	events map[int32]*changingEvent
	gifts  map[uuid.UUID]match.Gift // as the book has them
	made   []*matchEntry
	pools  []*matchPool // of made
	rows   stepRows
}

type changingEvent struct {
	open     bool
	number   int64 // of the last step
	position int64 // seq of the last award
	pools    map[string]*matchPool
	places   map[int32]matchPlace
	rules    map[int32]*match.Rule
	filling  map[entryKey]*matchEntry
	changes  []match.Change
}

type stepRows struct {
	event                         []int32
	number, seq, amount, position []int64
	toPool                        []bool
	entry, refund                 []*uuid.UUID
	changes                       []string
}

// event reads what steps of an event need, once.
func (c *changing) event(ctx context.Context, tx pgx.Tx, id int32) (*changingEvent, error) {
	if e := c.events[id]; e != nil {
		return e, nil
	}
	e := &changingEvent{rules: map[int32]*match.Rule{}, filling: map[entryKey]*matchEntry{}}
	var state string
	if err := tx.QueryRow(ctx, sqlStepNext, c.book.ID, id).Scan(&state, &e.number, &e.position); err != nil {
		return nil, fmt.Errorf("read steps of match: %w", err)
	}
	e.open = state == EventOpen
	versions, err := RuleVersions(ctx, tx, c.book, id)
	if err != nil {
		return nil, err
	}
	for i := range versions {
		if e.rules[versions[i].Version], err = versions[i].Rule(); err != nil {
			return nil, fmt.Errorf("rule %d of event %d: %w", versions[i].Version, id, err)
		}
	}
	if e.pools, err = poolsOf(ctx, tx, c.book, id); err != nil {
		return nil, err
	}
	if e.places, err = keptPlaces(ctx, tx, c.book, id); err != nil {
		return nil, err
	}
	c.events[id] = e
	return e, nil
}

// know reads the gifts of awards.
func (c *changing) know(ctx context.Context, tx pgx.Tx, awards []MatchAward) error {
	var ids []uuid.UUID
	for i := range awards {
		if id := awards[i].GiftID; id != nil {
			ids = append(ids, *id)
		}
	}
	rows, err := tx.Query(ctx, sqlGiftsOfAwards, c.book.ID, ids)
	if err != nil {
		return fmt.Errorf("read gifts of awards: %w", err)
	}
	c.gifts = make(map[uuid.UUID]match.Gift, len(ids))
	var id uuid.UUID
	var g match.Gift
	var channel Channel
	_, err = pgx.ForEachRow(rows, []any{&id, &g.Amount, &g.Currency, &channel, &g.PaidAt}, func() error {
		g.ID, g.Channel = id.String(), channel.Code()
		c.gifts[id] = g
		return nil
	})
	if err != nil {
		return fmt.Errorf("read gifts of awards: %w", err)
	}
	return nil
}

// gift is the gift of an award as its event saw it.
func (c *changing) gift(e *changingEvent, a *MatchAward) match.Gift {
	g, place := c.gifts[*a.GiftID], e.places[a.Campaign]
	g.Campaign, g.Organisation, g.Goal, g.Donor = place.slug, place.organisation, place.goal, a.Donor
	return g
}

// takeWhole moves all that is left of the awards of one gift in one event.
func (c *changing) takeWhole(ctx context.Context, tx pgx.Tx, awards []MatchAward) error {
	e, err := c.event(ctx, tx, awards[0].Event)
	if err != nil {
		return err
	}
	first, parts := len(c.rows.seq), make([]match.Part, len(awards))
	for i := range awards {
		parts[i] = match.Part{Pool: awards[i].Pool, Slice: awards[i].Slice, Amount: awards[i].Left}
		c.take(e, &awards[i], awards[i].Left, nil)
	}
	if c.kind != StepHold && c.kind != StepRelease && awards[0].GiftID != nil {
		c.change(e, first, e.rules[awards[0].Version].Undo(c.gift(e, &awards[0]), parts))
	}
	return nil
}

// change moves counters, and notes it with the first step of a gift.
func (c *changing) change(e *changingEvent, step int, changes []match.Change) {
	e.changes = append(e.changes, changes...)
	if len(changes) > 0 {
		c.rows.changes[step] = changesText(changes)
	}
}

// take moves an amount of an award as the kind of step says.
func (c *changing) take(e *changingEvent, a *MatchAward, amount int64, refund *uuid.UUID) {
	toPool := c.kind != StepHold && c.kind != StepRelease && e.rules[a.Version].Terms().Refund == match.ToPool
	var in *uuid.UUID
	if amount > 0 {
		pool := e.pools[a.Pool]
		to := pool.back(toPool)
		if c.kind == StepHold || c.kind == StepRelease {
			to = pool.leaf(earnedChart(c.kind == StepHold), a.Campaign)
		}
		entry := c.entry(e, pool)
		entry.add(pool.leaf(earnedChart(a.Held), a.Campaign), -amount)
		entry.add(to, amount)
		in = &entry.id
	}
	e.number++
	r := &c.rows
	r.event, r.number, r.seq, r.amount = append(r.event, a.Event), append(r.number, e.number), append(r.seq, a.Seq), append(r.amount, amount)
	r.position, r.toPool, r.entry, r.refund = append(r.position, e.position), append(r.toPool, toPool), append(r.entry, in), append(r.refund, refund)
	r.changes = append(r.changes, "")
}

// back is where match goes that is not given after all: open to later gifts again, or part of what is left.
func (p *matchPool) back(toPool bool) ledger.Leaf {
	l := p.leaf("match.pledged", 0)
	if !toPool {
		l.Dims.Nature = natureRest
	}
	return l
}

func (c *changing) entry(e *changingEvent, pool *matchPool) *matchEntry {
	key := entryKey{pool, c.day}
	entry := e.filling[key]
	if entry == nil || len(entry.lines) > matchLinesMax {
		entry = &matchEntry{id: uuid.Must(uuid.NewV7()), day: c.day, at: map[ledger.Leaf]int{}}
		e.filling[key] = entry
		c.made, c.pools = append(c.made, entry), append(c.pools, pool)
	}
	return entry
}

// entries are the vouchers of the steps; those of refunds have no document, like the refunds.
func (c *changing) entries() []ledger.Entry {
	entries := make([]ledger.Entry, len(c.made))
	for i, m := range c.made {
		entries[i] = ledger.Entry{ID: m.id, Kind: ledger.KindMatch, EffectiveOn: m.day, Actor: c.sign.By, Lines: nonzero(slices.Clone(m.lines))}
		if c.kind != StepRefund {
			pool := c.pools[i]
			entries[i].Document = &ledger.Document{Summary: stepSummaries[c.kind] + ": " + pool.code, SourceKind: "match", SourceRef: poolTag(pool.event, pool.code),
				Reason: c.reason, MadeBy: c.sign.Made, CheckedBy: c.sign.Check}
		}
	}
	return entries
}

// stepGive is what is left and given anyway: awards of their own, not steps of others.
const stepGive = "give"

var stepSummaries = map[string]string{
	StepHold: "冻结配捐 Match held", StepRelease: "解冻配捐 Match released", StepRefuse: "配捐不予支付 Match refused", StepDisallow: "配捐剔除 Match disallowed",
	stepGive: "配捐余额分配 Rest of pools given",
}

// write queues the rows of the steps.
func (c *changing) write(q *pgx.Batch) {
	r := &c.rows
	if len(r.seq) == 0 {
		return
	}
	q.Queue(sqlStepsInsert, c.book.ID, r.event, r.number, c.kind, r.seq, r.amount, r.position, r.toPool, r.entry, r.refund,
		idOrNull(c.sign.By), idOrNull(c.sign.Second), c.reason, c.sign.At, r.changes)
}

// count moves the counters, before the rows are written.
func (c *changing) count(ctx context.Context, tx pgx.Tx) error {
	changes := map[int32][]match.Change{}
	for id, e := range c.events {
		if len(e.changes) > 0 {
			changes[id] = e.changes
		}
	}
	return changeCounts(ctx, tx, c.book, changes)
}

// changesText notes changes of counters: [kind, a, b, day, added] each.
func changesText(changes []match.Change) string {
	list := make([][5]any, len(changes))
	for i, c := range changes {
		list[i] = [5]any{c.Key.Kind, c.Key.A, c.Key.B, c.Key.Day, c.Add}
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(err) // numbers and texts always marshal
	}
	return string(text)
}

// changesOf reads what changesText wrote.
func changesOf(text string) ([]match.Change, error) {
	if text == "" {
		return nil, nil
	}
	var raw [][5]json.RawMessage
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return nil, fmt.Errorf("read changes of counters: %w", err)
	}
	changes := make([]match.Change, len(raw))
	for i, r := range raw {
		c := &changes[i]
		for j, to := range []any{&c.Key.Kind, &c.Key.A, &c.Key.B, &c.Key.Day, &c.Add} {
			if err := json.Unmarshal(r[j], to); err != nil {
				return nil, fmt.Errorf("read changes of counters: %w", err)
			}
		}
	}
	return changes, nil
}

// keptPlaces are the campaigns that an event has seen.
func keptPlaces(ctx context.Context, tx pg.Querier, book *ledger.Book, event int32) (map[int32]matchPlace, error) {
	rows, err := tx.Query(ctx, sqlKeptPlaces, book.ID, event)
	if err != nil {
		return nil, fmt.Errorf("read campaigns of event: %w", err)
	}
	places := map[int32]matchPlace{}
	p := matchPlace{kept: true}
	_, err = pgx.ForEachRow(rows, []any{&p.campaign, &p.slug, &p.organisation, &p.fund, &p.goal}, func() error { places[p.campaign] = p; return nil })
	if err != nil {
		return nil, fmt.Errorf("read campaigns of event: %w", err)
	}
	return places, nil
}
