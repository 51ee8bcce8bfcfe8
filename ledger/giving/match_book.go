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

// matching is the match of one batch of gifts: what it is decided by, and what was decided. Everything that another batch
// may change is read under the book's lock, with the ledger's own reads; gifts are decided in the order of the batch,
// once it is known which of them are really booked.
type matching struct {
	b      *batch
	events []*openEvent
	people map[uuid.UUID]*int64 // donors of checkouts -> where their address is found
	gifts  []matchGift          // of the batch, in order
	facts  facts                // that rules ask for
	made   []*matchEntry
	rows   awardRows
	counts countWrites
}

// openEvent is an event while the gifts of a batch are decided.
type openEvent struct {
	id       int32
	seed     match.Seed
	versions []matchVersion // newest first
	pools    map[string]*matchPool
	places   map[int32]*matchPlace // campaigns of the batch
	seen     []match.Gift          // the batch's gifts as the event sees them

	unread  error       // what of it cannot be read: its gifts are booked without match
	stopped bool        // before, under the lock
	missed  []uuid.UUID // of the batch, for either

	open     bool // still, under the lock
	seq      int64
	counters counters
	circle   map[string]bool
	filling  map[entryKey]*matchEntry
}

type matchVersion struct {
	number int32
	from   time.Time
	rule   *match.Rule
}

// matchPool is where the memo accounts of a pool are.
type matchPool struct {
	event  int32
	code   string
	kind   string
	fund   int32
	amount int64
	funder string
}

// matchPlace is a campaign as a rule sees it. What an event saw first is kept for it.
type matchPlace struct {
	campaign     int32
	slug         string
	organisation string
	fund         int32
	goal         int64
	kept         bool
}

// matchGift is a member of the batch that may be matched.
type matchGift struct {
	member   int
	campaign int32
	gift     match.Gift // without what differs from event to event
	donor    uuid.UUID  // of a checkout; nil for none
	email    *int64
}

const (
	sqlMatchRules = `
select r.event_id, r.version, r.from_at, r.hash, r.terms, s.sealed_by, s.sealed_key, s.sealed, s.seed
  from unnest($2::int4[]) u(id)
 cross join lateral (select event_id, version, from_at, hash, terms from match_rule where book_id = $1 and event_id = u.id order by version desc limit 1000) r
 cross join lateral (select sealed_by, sealed_key, sealed, seed from match_seed where book_id = $1 and event_id = u.id limit 1) s
 order by r.event_id, r.version desc`

	sqlMatchPools = `
select event_id, code, kind, fund_id, amount, funder from match_pool where book_id = $1 and event_id = any($2::int4[])`

	// What an event saw of a campaign first, or else what it is now: a row for each event and campaign of the batch.
	sqlMatchPlaces = `
select u.event_id, u.id, coalesce(m.slug, c.slug), coalesce(m.organisation, s.code, (select code from book where book_id = $1)), coalesce(m.fund_id, c.fund_id), coalesce(m.goal, c.goal), m.slug is not null
  from unnest($2::int4[], $3::int4[]) u(event_id, id)
 cross join lateral (select slug, goal, fund_id from campaign where book_id = $1 and campaign_id between u.id and u.id
                      order by campaign_id limit 1) c
  left join lateral (select street_id from fund where book_id = $1 and fund_id = c.fund_id limit 1) f on true
  left join lateral (select code from street where book_id = $1 and street_id = f.street_id limit 1) s on true
  left join lateral (select slug, organisation, fund_id, goal from match_campaign where book_id = $1 and event_id = u.event_id and campaign_id = u.id limit 1) m on true`

	sqlMatchPeople = `
select u.id, d.email_index
  from unnest($2::uuid[]) u(id)
 cross join lateral (select email_index from private.donor where book_id = $1 and id = u.id limit 1) d
 where d.email_index is not null`

	sqlMatchStands = `
select e.event_id, e.state = 'open', e.stopped_at is not null, coalesce((select seq from match_award where book_id = $1 and event_id = e.event_id order by seq desc limit 1), 0)
  from match_event e where e.book_id = $1 and e.event_id = any($2::int4[])`

	sqlMatchCircle = `select event_id, donor from match_circle where book_id = $1 and event_id = any($2::int4[])`
)

// newMatching reads what the batch's gifts are matched by; nil when there is nothing to match. Events that are unfit stop.
func newMatching(ctx context.Context, tx pgx.Tx, b *batch, unfit unfitEvents) (*matching, error) {
	if len(b.events) == 0 || len(b.entries) == 0 {
		return nil, nil
	}
	slices.Sort(b.events)
	m := &matching{b: b, people: map[uuid.UUID]*int64{}}
	campaigns, donors := m.gather()
	byID := map[int32]*openEvent{}
	for _, id := range b.events {
		e := &openEvent{id: id, pools: map[string]*matchPool{}, places: map[int32]*matchPlace{}, counters: newCounters(),
			circle: map[string]bool{}, filling: map[entryKey]*matchEntry{}}
		if err := unfit[id]; err != nil {
			e.fail(err)
		}
		m.events, byID[id] = append(m.events, e), e
	}
	q := &pgx.Batch{}
	q.Queue(sqlMatchRules, b.book.ID, b.events).Query(func(rows pgx.Rows) error { return scanRules(rows, b.book, byID) })
	q.Queue(sqlMatchPools, b.book.ID, b.events).Query(func(rows pgx.Rows) error {
		_, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (struct{}, error) {
			p := &matchPool{}
			err := row.Scan(&p.event, &p.code, &p.kind, &p.fund, &p.amount, &p.funder)
			if err == nil {
				byID[p.event].pools[p.code] = p
			}
			return struct{}{}, err
		})
		return err
	})
	events, places := pairs(b.events, campaigns)
	q.Queue(sqlMatchPlaces, b.book.ID, events, places).Query(func(rows pgx.Rows) error {
		var event int32
		var p matchPlace
		_, err := pgx.ForEachRow(rows, []any{&event, &p.campaign, &p.slug, &p.organisation, &p.fund, &p.goal, &p.kept}, func() error {
			place := p
			byID[event].places[p.campaign] = &place
			return nil
		})
		return err
	})
	if len(donors) > 0 {
		q.Queue(sqlMatchPeople, b.book.ID, donors).Query(func(rows pgx.Rows) error {
			var id uuid.UUID
			var at int64
			_, err := pgx.ForEachRow(rows, []any{&id, &at}, func() error { email := at; m.people[id] = &email; return nil })
			return err
		})
	}
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return nil, fmt.Errorf("read rules of match: %w", err)
	}
	for _, e := range m.events {
		e.check()
	}
	return m, m.readFacts(ctx, tx)
}

// pairs is each of the one with each of the other.
func pairs(events, campaigns []int32) (first, second []int32) {
	for _, e := range events {
		for _, c := range campaigns {
			first, second = append(first, e), append(second, c)
		}
	}
	return first, second
}

// gather lists the members that may be matched, with their campaigns and the donors whose address is not known yet.
func (m *matching) gather() (campaigns []int32, donors []uuid.UUID) {
	seen := map[int32]bool{}
	for i, e := range m.b.entryOf {
		if e < 0 {
			continue
		}
		p := &m.b.paid[i]
		g := matchGift{member: i, campaign: p.CampaignID, gift: match.Gift{ID: p.ID.String(), Amount: p.Amount, Currency: p.Currency, Channel: p.Channel.Code(), PaidAt: p.PaidAt, Effort: p.Effort}}
		if s, ok := m.b.started[p.ID]; ok {
			if s.donor != nil {
				g.donor = *s.donor
				donors = append(donors, g.donor)
			}
		} else if p.sealed != nil {
			g.email = p.sealed.emailIndex
		}
		if !seen[g.campaign] {
			seen[g.campaign] = true
			campaigns = append(campaigns, g.campaign)
		}
		m.gifts = append(m.gifts, g)
	}
	return campaigns, donors
}

// scanRules reads rules and seeds. What cannot be read stops its event and not the batch.
func scanRules(rows pgx.Rows, book *ledger.Book, events map[int32]*openEvent) error {
	var id int32
	var v matchVersion
	var r RuleVersion
	var s sealedSeed
	_, err := pgx.ForEachRow(rows, []any{&id, &v.number, &v.from, &r.Hash, &r.Terms, &s.by, &s.key, &s.box, &s.told}, func() (err error) {
		e := events[id]
		if len(e.versions) == 0 {
			if e.seed, err = s.open(book, id); err != nil {
				e.fail(err)
				return nil
			}
		}
		if v.rule, err = r.Rule(); err != nil {
			e.fail(fmt.Errorf("rule %d: %w", v.number, err))
			return nil
		}
		e.versions = append(e.versions, v)
		return nil
	})
	return err
}

// inForce is the version of the rule for a gift paid at a moment; nil before the first.
func (e *openEvent) inForce(at time.Time) *matchVersion {
	for i := range e.versions {
		if !at.Before(e.versions[i].from) {
			return &e.versions[i]
		}
	}
	return nil
}

// look makes the batch's gifts as the event sees them.
func (m *matching) look(e *openEvent) {
	e.seen = make([]match.Gift, len(m.gifts))
	mac := donorMAC(m.b.book)
	for i := range m.gifts {
		g, seen, place := &m.gifts[i], &e.seen[i], e.places[m.gifts[i].campaign]
		*seen = g.gift
		seen.Campaign, seen.Organisation, seen.Goal = place.slug, place.organisation, place.goal
		email := m.email(g)
		m.facts.tell(e, g, email, seen)
		if seen.Donor = pseudonym(mac, e.id, email); seen.Donor != "" {
			for _, p := range e.pools {
				seen.Funder = seen.Funder || p.funder == seen.Donor
			}
		}
	}
}

// read queues what is decided on: read under the book's lock.
func (m *matching) read(q *pgx.Batch) {
	book := m.b.book.ID
	byID := map[int32]*openEvent{}
	var counts countKeys
	for _, e := range m.events {
		byID[e.id] = e
		if e.unread != nil {
			continue
		}
		m.look(e)
		asked := map[countRow]bool{}
		for i := range e.seen {
			v := e.inForce(e.seen[i].PaidAt)
			if v == nil {
				continue
			}
			counts.want(e.id, asked, v.rule.Needs(e.seen[i]))
		}
	}
	q.Queue(sqlMatchStands, book, m.b.events).Query(func(rows pgx.Rows) error {
		var id int32
		var open, stopped bool
		var seq int64
		_, err := pgx.ForEachRow(rows, []any{&id, &open, &stopped, &seq}, func() error {
			byID[id].open, byID[id].stopped, byID[id].seq = open, stopped, seq
			return nil
		})
		return err
	})
	q.Queue(sqlMatchCircle, book, m.b.events).Query(func(rows pgx.Rows) error {
		var id int32
		var donor string
		_, err := pgx.ForEachRow(rows, []any{&id, &donor}, func() error { byID[id].circle[donor] = true; return nil })
		return err
	})
	counts.queue(q, book, func(event int32, subject string, day int32, text string) error {
		if err := byID[event].counters.read(subject, day, text); err != nil {
			byID[event].fail(err)
		}
		return nil
	})
}
