package giving

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving/match"
)

// matchEntry is the match of a batch that one event and pool earned on one day (E22a).
type matchEntry struct {
	id    uuid.UUID
	event int32
	day   time.Time
	lines []ledger.Line
	at    map[ledger.Leaf]int // line of a leaf
}

type entryKey struct {
	pool *matchPool
	day  time.Time
}

// matchLinesMax leaves room for one more award in an entry.
const matchLinesMax = ledger.LinesMax - 2

func (e *matchEntry) add(leaf ledger.Leaf, amount int64) {
	i, ok := e.at[leaf]
	if !ok {
		i = len(e.lines)
		e.at[leaf] = i
		e.lines = append(e.lines, ledger.Line{Leaf: leaf})
	}
	e.lines[i].Amount += amount
}

// leaf is a memo account of a pool; campaign 0 for those of no campaign.
func (p *matchPool) leaf(id chart.ID, campaign int32) ledger.Leaf {
	l := ledger.Leaf{Chart: id, Fund: p.fund, Dims: ledger.Dims{Source: poolTag(p.event, p.code)}}
	if campaign != 0 {
		l.Dims.Campaign = campaignTag(campaign)
	}
	return l
}

// poolTag is how accounts name a pool.
func poolTag(event int32, pool string) string {
	return "match:" + strconv.Itoa(int(event)) + ":" + pool
}

// earnedChart is where match waits to be paid.
func earnedChart(held bool) chart.ID {
	if held {
		return "match.held"
	}
	return "match.earned"
}

// decide gives each gift that was booked what the rules in force say, in order. PostgreSQL writes the gifts meanwhile.
func (m *matching) decide(results []ledger.Result) {
	m.rows.grow(len(m.gifts))
	for i := range m.gifts {
		g := &m.gifts[i]
		at := m.b.entryOf[g.member]
		if r := results[at]; r.Err != nil || r.Replayed {
			continue
		}
		for _, e := range m.events {
			switch v := e.inForce(g.gift.PaidAt); {
			case !e.open:
			case e.stopped || e.unread != nil:
				m.miss(e, g.member)
			case v != nil:
				m.award(e, v, i, m.b.entries[at].EffectiveOn)
			}
		}
	}
	for _, e := range m.events {
		m.counts.add(e.id, &e.counters)
	}
}

// entries are what was decided: for each event, pool and day one with a line for each campaign.
func (m *matching) entries([]ledger.Result) ([]ledger.Entry, error) {
	entries := make([]ledger.Entry, len(m.made))
	for i, e := range m.made {
		entries[i] = ledger.Entry{ID: e.id, Kind: ledger.KindMatch, EffectiveOn: e.day, Lines: e.lines}
	}
	return entries, nil
}

// post books what was decided for the gifts that were booked. Where accounts refuse it, their event passes the batch without match.
func (m *matching) post(ctx context.Context, tx pgx.Tx, booked []ledger.Result) error {
	for unfit := (unfitEvents{}); ; {
		_, err := ledger.PostWith(ctx, tx, m.b.book, nil, ledger.Rider{Then: m.entries, Check: m.check, Write: func(q *pgx.Batch, _ []ledger.Result) { m.write(q) }})
		if !unfit.learns(err) {
			return err
		}
		again, err := newMatching(ctx, tx, m.b, unfit)
		if err != nil {
			return err
		}
		q := &pgx.Batch{}
		again.read(q)
		if err := tx.SendBatch(ctx, q).Close(); err != nil {
			return fmt.Errorf("read what match is decided by: %w", err)
		}
		again.decide(booked)
		m = again
	}
}

// uncounted are reasons for which a gift is none of the event's, so that nothing is kept of it.
var uncounted = map[match.Reason]bool{match.OtherCurrency: true, match.WindowClosed: true, match.OtherChannel: true, match.OtherCampaign: true}

func (m *matching) award(e *openEvent, v *matchVersion, i int, day time.Time) {
	g, seen := &m.gifts[i], &e.seen[i]
	seen.Circular = e.circle[seen.Donor]
	a := v.rule.Decide(e.counters.state, e.seed, *seen)
	if len(a.Parts) == 0 && len(a.Changes) == 0 && len(a.Reasons) > 0 && uncounted[a.Reasons[0]] {
		return
	}
	e.counters.apply(a.Changes)
	if place := e.places[g.campaign]; !place.kept {
		place.kept = true
		m.rows.places = append(m.rows.places, eventPlace{e.id, place})
	}
	m.rows.add(e, &m.b.paid[g.member].ID, g.campaign, v.number, seen, a, func(p match.Part) *uuid.UUID {
		return m.earn(e, e.pools[p.Pool], day, g.campaign, a.Held, p.Amount)
	})
}

// earn moves match from its pool to its campaign, or to what is held for it, and tells by which entry.
func (m *matching) earn(e *openEvent, p *matchPool, day time.Time, campaign int32, held bool, amount int64) *uuid.UUID {
	key := entryKey{p, day}
	entry := e.filling[key]
	if entry == nil || len(entry.lines) > matchLinesMax {
		entry = &matchEntry{id: uuid.Must(uuid.NewV7()), event: p.event, day: day, at: map[ledger.Leaf]int{}}
		e.filling[key] = entry
		m.made = append(m.made, entry)
	}
	entry.add(p.leaf("match.pledged", 0), -amount)
	entry.add(p.leaf(earnedChart(held), campaign), amount)
	return &entry.id
}

// awardRows are the columns of what a batch decided.
type awardRows struct {
	event                              []int32
	seq, amount                        []int64
	gift, entry                        []*uuid.UUID
	campaign, version                  []int32
	part                               []int16
	held                               []bool
	pool, slice, donor, reasons, drawn []string
	facts                              []*string
	places                             []eventPlace
}

type eventPlace struct {
	event int32
	place *matchPlace
}

// matchFacts are what a rule was told of a gift beside what the gift and the campaign say.
type matchFacts struct {
	Recurring int   `json:"recurring,omitempty"`
	Invited   int64 `json:"invited,omitempty"`
	Flowers   int64 `json:"flowers,omitempty"`
	Effort    int64 `json:"effort,omitempty"`
	Funder    bool  `json:"funder,omitempty"`
	Circular  bool  `json:"circular,omitempty"`
}

func factsFrom(text *string) (f matchFacts, err error) {
	if text != nil {
		err = json.Unmarshal([]byte(*text), &f)
	}
	return f, err
}

func factsOf(g *match.Gift) *string {
	f := matchFacts{g.Recurring, g.Invited, g.Flowers, g.Effort, g.Funder, g.Circular}
	if f == (matchFacts{}) {
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil {
		panic(err) // a struct of numbers always marshals
	}
	s := string(text)
	return &s
}

// grow makes room for n rows.
func (r *awardRows) grow(n int) {
	r.event, r.seq, r.amount, r.gift, r.entry = slices.Grow(r.event, n), slices.Grow(r.seq, n), slices.Grow(r.amount, n), slices.Grow(r.gift, n), slices.Grow(r.entry, n)
	r.campaign, r.version, r.part, r.held = slices.Grow(r.campaign, n), slices.Grow(r.version, n), slices.Grow(r.part, n), slices.Grow(r.held, n)
	r.pool, r.slice, r.donor, r.reasons, r.drawn = slices.Grow(r.pool, n), slices.Grow(r.slice, n), slices.Grow(r.donor, n), slices.Grow(r.reasons, n), slices.Grow(r.drawn, n)
	r.facts = slices.Grow(r.facts, n)
}

// add takes an award into the rows, a row a part; earn books a part.
func (r *awardRows) add(e *openEvent, gift *uuid.UUID, campaign, version int32, seen *match.Gift, a match.Award, earn func(match.Part) *uuid.UUID) {
	r.addParts(e, gift, campaign, version, seen, a, 0, earn)
}

// addParts counts the parts from first on: from 1 when they are decided at the end, behind the row of part 0 which says that they will be.
func (r *awardRows) addParts(e *openEvent, gift *uuid.UUID, campaign, version int32, seen *match.Gift, a match.Award, first int, earn func(match.Part) *uuid.UUID) {
	reasons, drawn, facts := reasonsText(a.Reasons), drawnText(a.Drawn), factsOf(seen)
	for i := range max(1, len(a.Parts)) {
		var part match.Part
		var entry *uuid.UUID
		if i < len(a.Parts) {
			part = a.Parts[i]
			entry = earn(part)
		}
		if i > 0 {
			reasons, drawn, facts = "", "", nil
		}
		e.seq++
		r.event, r.seq, r.amount = append(r.event, e.id), append(r.seq, e.seq), append(r.amount, part.Amount)
		r.gift, r.entry = append(r.gift, gift), append(r.entry, entry)
		r.campaign, r.version, r.part = append(r.campaign, campaign), append(r.version, version), append(r.part, int16(first+i))
		r.held, r.pool, r.slice = append(r.held, a.Held), append(r.pool, part.Pool), append(r.slice, part.Slice)
		r.donor, r.reasons, r.drawn, r.facts = append(r.donor, seen.Donor), append(r.reasons, reasons), append(r.drawn, drawn), append(r.facts, facts)
	}
}

func reasonsText(reasons []match.Reason) string {
	if len(reasons) == 0 {
		return ""
	}
	words := make([]string, len(reasons))
	for i, r := range reasons {
		words[i] = string(r)
	}
	return strings.Join(words, " ")
}

func drawnText(drawn []match.Drawn) string {
	if len(drawn) == 0 {
		return ""
	}
	var b []byte
	for i, d := range drawn {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, d.Label...)
		for _, n := range []int64{d.Low, d.High, d.Value} {
			b = strconv.AppendInt(append(b, ' '), n, 10)
		}
	}
	return string(b)
}

const (
	sqlAwardInsert = `
insert into match_award (book_id, event_id, seq, amount, gift_id, entry_id, campaign_id, version, part, held, pool, slice, donor, reasons, drawn, facts)
select $1, unnest($2::int4[]), unnest($3::int8[]), unnest($4::int8[]), unnest($5::uuid[]), unnest($6::uuid[]), unnest($7::int4[]), unnest($8::int4[]),
       unnest($9::int2[]), unnest($10::bool[]), unnest($11::text[]), unnest($12::text[]), unnest($13::text[]), unnest($14::text[]), unnest($15::text[]), unnest($16::text[])`

	sqlPlaceInsert = `
insert into match_campaign (book_id, event_id, campaign_id, slug, organisation, fund_id, goal)
select $1, unnest($2::int4[]), unnest($3::int4[]), unnest($4::text[]), unnest($5::text[]), unnest($6::int4[]), unnest($7::int8[])
    on conflict do nothing`
)

// write queues the rows of what was decided.
func (m *matching) write(q *pgx.Batch) {
	r, book := &m.rows, m.b.book.ID
	m.writeMissed(q)
	if len(r.seq) == 0 {
		return
	}
	r.queue(q, book)
	if len(r.places) > 0 {
		queuePlaces(q, book, r.places)
	}
	m.counts.queue(q, book)
}

// chunk is the rows from..to.
func (r *awardRows) chunk(from, to int) *awardRows {
	return &awardRows{r.event[from:to], r.seq[from:to], r.amount[from:to], r.gift[from:to], r.entry[from:to], r.campaign[from:to], r.version[from:to], r.part[from:to],
		r.held[from:to], r.pool[from:to], r.slice[from:to], r.donor[from:to], r.reasons[from:to], r.drawn[from:to], r.facts[from:to], nil}
}

func (r *awardRows) queue(q *pgx.Batch, book int32) {
	q.Queue(sqlAwardInsert, book, r.event, r.seq, r.amount, r.gift, r.entry, r.campaign, r.version, r.part, r.held, r.pool, r.slice, r.donor,
		r.reasons, r.drawn, r.facts)
}

func queuePlaces(q *pgx.Batch, book int32, places []eventPlace) {
	n := len(places)
	event, campaign, fund := make([]int32, n), make([]int32, n), make([]int32, n)
	slugs, organisation, goal := make([]string, n), make([]string, n), make([]int64, n)
	for i, p := range places {
		event[i], campaign[i], fund[i] = p.event, p.place.campaign, p.place.fund
		slugs[i], organisation[i], goal[i] = p.place.slug, p.place.organisation, p.place.goal
	}
	q.Queue(sqlPlaceInsert, book, event, campaign, slugs, organisation, fund, goal)
}
