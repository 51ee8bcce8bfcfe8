package giving

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving/match"
)

// endChunk is how many awards travel in one statement.
const endChunk = 4000

// DecideEnd shares the pools of a closed event whose rule decides when all gifts are in: pro rata, or by the square of the sum of roots, or gift
// by gift against thresholds that are reached by then. The awards are those of match.Rule.Settle over the gifts that counted, refunds taken
// off. It is one transaction: broken off it has done nothing, and run again it gives the sum that stands. ErrEventState when the event is not
// closed or its rule decided each gift as it came.
func DecideEnd(ctx context.Context, tx pgx.Tx, book *ledger.Book, event int32, s Sign) (total int64, err error) {
	state, err := lockEvent(ctx, tx, book, event)
	if err != nil {
		return 0, err
	}
	r, err := newReplay(ctx, tx, book, event)
	if err != nil {
		return 0, err
	}
	version := r.newest()
	if state != EventClosed || version == 0 || !r.rules[version].AtEnd() {
		return 0, ErrEventState
	}
	if err := r.run(ctx, tx); err != nil {
		return 0, err
	}
	if r.ended {
		return r.given, nil
	}
	r.takeOffRefunds()
	outcome := r.rules[version].Settle(r.seed, r.gifts)
	to := &openEvent{id: event, seq: r.seq, filling: map[entryKey]*matchEntry{}}
	m := &matching{}
	day := book.Day(s.At)
	pools, err := poolsOf(ctx, tx, book, event)
	if err != nil {
		return 0, err
	}
	for i, a := range outcome.Awards {
		if len(a.Parts) == 0 {
			continue
		}
		seen := outcome.Gifts[i]
		id, err := uuid.Parse(seen.ID)
		if err != nil {
			return 0, fmt.Errorf("gift of an award: %w", err)
		}
		campaign := r.campaignOf[seen.Campaign]
		m.rows.addParts(to, &id, campaign, version, &seen, a, 1, func(p match.Part) *uuid.UUID {
			return m.earn(to, pools[p.Pool], day, campaign, a.Held, p.Amount)
		})
		total += a.Total()
	}
	if total == 0 {
		return 0, nil
	}
	entries := make([]ledger.Entry, len(m.made))
	for i, e := range m.made {
		entries[i] = ledger.Entry{ID: e.id, Kind: ledger.KindMatch, EffectiveOn: e.day, Actor: s.By, Lines: e.lines}
	}
	if err := postAll(ctx, tx, book, entries); err != nil {
		return 0, err
	}
	q := &pgx.Batch{}
	for from := 0; from < len(m.rows.seq); from += endChunk {
		m.rows.chunk(from, min(from+endChunk, len(m.rows.seq))).queue(q, book.ID)
	}
	all := newCounters()
	for _, state := range []match.State{r.state, outcome.State} {
		for k := range state {
			all.apply([]match.Change{{Key: k}})
		}
	}
	all.state = outcome.State
	for _, row := range all.changed {
		row.stored = true // as far as gifts counted before
	}
	var counts countWrites
	counts.add(event, &all)
	counts.queue(q, book.ID)
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return 0, fmt.Errorf("write what was shared: %w", err)
	}
	return total, nil
}

// replay decides an event anew from what is stored of it: rules, seed, campaigns, gifts, steps. It keeps nothing of the awards but to compare.
type replay struct {
	book       *ledger.Book
	event      int32
	seed       match.Seed
	rules      map[int32]*match.Rule
	places     map[int32]matchPlace
	campaignOf map[string]int32
	steps      []replayStep

	state    match.State
	gifts    []match.Gift    // that counted, refunds of before the end taken off
	at       map[int64]int   // gifts by seq of their award
	refunded map[int64]int64 // by seq of the gift's first award
	seq      int64
	ended    bool  // awards of the end are there
	given    int64 // by them
	compared int64
	differs  func(string)
}

type replayStep struct {
	seq, position, refund int64
	changes               string
}

// decided is an award as it is stored, with its gift.
type decided struct {
	MatchAward
	gift match.Gift
}

const (
	sqlReplaySteps = `
select s.seq, s.position, coalesce(r.amount, 0), s.changes
  from match_step s left join refund r on r.book_id = s.book_id and r.id = s.refund_id
 where s.book_id = $1 and s.event_id = $2 order by s.number`

	sqlReplayAwards = `
select a.seq, a.gift_id, a.campaign_id, a.version, a.part, a.pool, a.slice, a.amount, a.held, a.donor, a.reasons, a.drawn, a.facts,
       coalesce(g.amount, 0), coalesce(g.ccy, ''), coalesce(g.channel, 0), coalesce(g.paid_at, 'epoch')
  from match_award a left join gift g on g.book_id = a.book_id and g.id = a.gift_id
 where a.book_id = $1 and a.event_id = $2 order by a.seq`
)

func newReplay(ctx context.Context, tx pg.Querier, book *ledger.Book, event int32) (*replay, error) {
	r := &replay{book: book, event: event, rules: map[int32]*match.Rule{}, campaignOf: map[string]int32{}, state: match.State{}, at: map[int64]int{},
		refunded: map[int64]int64{}, differs: func(string) {}}
	versions, err := RuleVersions(ctx, tx, book, event)
	if err != nil {
		return nil, err
	}
	for i := range versions {
		if r.rules[versions[i].Version], err = versions[i].Rule(); err != nil {
			return nil, fmt.Errorf("rule %d of event %d: %w", versions[i].Version, event, err)
		}
	}
	if r.seed, err = readSeed(ctx, tx, book, event); err != nil {
		return nil, err
	}
	if r.places, err = keptPlaces(ctx, tx, book, event); err != nil {
		return nil, err
	}
	for id, p := range r.places {
		r.campaignOf[p.slug] = id
	}
	rows, err := tx.Query(ctx, sqlReplaySteps, book.ID, event)
	if err != nil {
		return nil, fmt.Errorf("read steps of match: %w", err)
	}
	r.steps, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (s replayStep, err error) {
		err = row.Scan(&s.seq, &s.position, &s.refund, &s.changes)
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read steps of match: %w", err)
	}
	return r, nil
}

func (r *replay) newest() (version int32) {
	for v := range r.rules {
		version = max(version, v)
	}
	return version
}

// run goes through all awards in order.
func (r *replay) run(ctx context.Context, tx pg.Querier) error {
	var ends [][]decided
	err := r.each(ctx, tx, func(of []decided) error {
		switch {
		case of[0].GiftID == nil: // what was left and given anyway
			return nil
		case of[0].Part > 0:
			if !r.ended {
				if err := r.step(of[0].Seq); err != nil {
					return err
				}
			}
			r.ended, ends = true, append(ends, of)
			return nil
		}
		return r.decide(of)
	})
	if err != nil {
		return err
	}
	if r.ended {
		r.compareEnd(ends)
	}
	return r.step(1<<63 - 1)
}

// each reads the awards in order, those of one gift together.
func (r *replay) each(ctx context.Context, tx pg.Querier, take func([]decided) error) error {
	rows, err := tx.Query(ctx, sqlReplayAwards, r.book.ID, r.event)
	if err != nil {
		return fmt.Errorf("read awards: %w", err)
	}
	defer rows.Close()
	var of []decided
	for rows.Next() {
		var d decided
		var channel Channel
		if err := rows.Scan(&d.Seq, &d.GiftID, &d.Campaign, &d.Version, &d.Part, &d.Pool, &d.Slice, &d.Amount, &d.Held, &d.Donor, &d.Reasons, &d.Drawn, &d.Facts,
			&d.gift.Amount, &d.gift.Currency, &channel, &d.gift.PaidAt); err != nil {
			return fmt.Errorf("read awards: %w", err)
		}
		d.gift.Channel = channel.Code()
		if len(of) > 0 && (!sameGift(of[0].GiftID, d.GiftID) || d.Part == 0) {
			if err := take(of); err != nil {
				return err
			}
			of = nil
		}
		of, r.seq = append(of, d), d.Seq
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read awards: %w", err)
	}
	if len(of) > 0 {
		return take(of)
	}
	return nil
}

// step applies the steps that were made before an award.
func (r *replay) step(before int64) error {
	for len(r.steps) > 0 && r.steps[0].position < before {
		s := r.steps[0]
		r.steps = r.steps[1:]
		changes, err := changesOf(s.changes)
		if err != nil {
			return err
		}
		r.state.Apply(changes)
		if !r.ended {
			r.refunded[s.seq] += s.refund
		}
	}
	return nil
}

// seen is a gift as its event saw it.
func (r *replay) seen(d *decided) (match.Gift, error) {
	g, place := d.gift, r.places[d.Campaign]
	g.ID, g.Campaign, g.Organisation, g.Goal, g.Donor = d.GiftID.String(), place.slug, place.organisation, place.goal, d.Donor
	f, err := factsFrom(d.Facts)
	g.Recurring, g.Invited, g.Flowers, g.Effort, g.Funder, g.Circular = f.Recurring, f.Invited, f.Flowers, f.Effort, f.Funder, f.Circular
	return g, err
}

func (r *replay) decide(of []decided) error {
	if err := r.step(of[0].Seq); err != nil {
		return err
	}
	rule := r.rules[of[0].Version]
	g, err := r.seen(&of[0])
	if err != nil || rule == nil {
		r.differs(fmt.Sprintf("award %d of event %d: its facts or its rule cannot be read", of[0].Seq, r.event))
		return nil
	}
	a := rule.Decide(r.state, r.seed, g)
	r.state.Apply(a.Changes)
	r.compare(of, a)
	if rule.AtEnd() {
		r.at[of[0].Seq] = len(r.gifts)
		r.gifts = append(r.gifts, g)
	}
	return nil
}

// compare holds what is stored of one gift against an award.
func (r *replay) compare(of []decided, a match.Award) {
	r.compared += int64(len(of))
	first := of[0].Part
	same := of[0].Reasons == reasonsText(a.Reasons) && of[0].Drawn == drawnText(a.Drawn) && of[0].Held == a.Held && len(of) == max(1, len(a.Parts))
	for i := 0; same && i < len(a.Parts); i++ {
		p := a.Parts[i]
		same = of[i].Pool == p.Pool && of[i].Slice == p.Slice && of[i].Amount == p.Amount && of[i].Part == first+int16(i)
	}
	if same && len(a.Parts) == 0 {
		same = of[0].Pool == ""
	}
	if !same {
		r.differs(fmt.Sprintf("gift %s: award %d of event %d is %s; decided again it is %s", of[0].GiftID, of[0].Seq, r.event, storedText(of), awardText(a)))
	}
}

func storedText(of []decided) string {
	var b strings.Builder
	for _, d := range of {
		fmt.Fprintf(&b, "%s%s %d ", d.Pool, d.Slice, d.Amount)
	}
	fmt.Fprintf(&b, "held %t (%s; %s)", of[0].Held, of[0].Reasons, of[0].Drawn)
	return b.String()
}

func awardText(a match.Award) string {
	var b strings.Builder
	for _, p := range a.Parts {
		fmt.Fprintf(&b, "%s%s %d ", p.Pool, p.Slice, p.Amount)
	}
	fmt.Fprintf(&b, "held %t (%s; %s)", a.Held, reasonsText(a.Reasons), drawnText(a.Drawn))
	return b.String()
}

// takeOffRefunds leaves of each gift what was not refunded before the end; one that was, in whole, is none.
func (r *replay) takeOffRefunds() {
	for seq, amount := range r.refunded {
		if i, ok := r.at[seq]; ok {
			r.gifts[i].Amount -= amount
		}
	}
	r.gifts = slices.DeleteFunc(r.gifts, func(g match.Gift) bool { return g.Amount <= 0 })
}

// compareEnd shares the pools again, among the gifts less what was refunded before.
func (r *replay) compareEnd(ends [][]decided) {
	rule := r.rules[ends[0][0].Version]
	r.takeOffRefunds()
	outcome := rule.Settle(r.seed, r.gifts)
	stored := map[string][]decided{}
	for _, of := range ends {
		stored[of[0].GiftID.String()] = of
		for _, d := range of {
			r.given += d.Amount
		}
	}
	for i, a := range outcome.Awards {
		id := outcome.Gifts[i].ID
		of := stored[id]
		delete(stored, id)
		switch {
		case of != nil:
			r.compare(of, a)
		case len(a.Parts) > 0:
			r.differs(fmt.Sprintf("gift %s: event %d shared again gives it %s", id, r.event, awardText(a)))
		}
	}
	for id, of := range stored {
		r.differs(fmt.Sprintf("gift %s: event %d gave it %s, shared again nothing", id, r.event, storedText(of)))
	}
	r.state = outcome.State
}
