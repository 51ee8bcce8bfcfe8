package giving

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/giving/match"
)

// facts are what rules ask of a batch's gifts beside what gift and campaign say. Read once for a batch, and only for rules that ask.
type facts struct {
	payments map[string]int      // gifts -> which payment of a monthly gift
	social   map[starter]sociale // what came of the teams that a donor began under a campaign
}

// starter is who may have begun teams under a campaign.
type starter struct {
	campaign int32
	email    int64
}

// sociale is what others did for a starter, each person counted once.
type sociale struct{ invited, flowers int64 }

// Bounds of what is looked at for one donor and campaign: gifts of theirs, and gifts or flowers to their teams.
const (
	startsMax = 200
	socialMax = 5000
)

const (
	// Payments of the same plan that are on the books, and this one.
	sqlMatchPayments = `
select u.id, p.plan_id, (select count(*) from plan_gift o where o.book_id = $1 and o.plan_id = p.plan_id and o.gift_id <> u.id
                            and exists (select from gift g where g.book_id = $1 and g.id = o.gift_id))
  from unnest($2::uuid[]) u(id)
 cross join lateral (select plan_id from plan_gift where book_id = $1 and gift_id = u.id limit 1) p
 cross join lateral (select from plan where book_id = $1 and id = p.plan_id and every = 'month' limit 1) m`

	// Teams that the association has hidden do not count, nor gifts that were given back in whole, nor what the starter gave to the own team.
	sqlMatchSocial = `
select u.campaign_id, u.email,
       (select count(distinct d.email_index)
          from (select tg.gift_id from unnest(t.ids) i(id) cross join lateral (select gift_id from team_gift where book_id = $1 and team_id = i.id order by gift_id limit $5) tg limit $5) tg
         cross join lateral (select id, amount, donor_id from gift where book_id = $1 and id = tg.gift_id limit 1) g
         cross join lateral (select email_index from private.donor where book_id = $1 and id = g.donor_id and email_index is not null limit 1) d
         where d.email_index <> u.email
           and g.amount > coalesce((select sum(r.amount) from ` + StandingRefund + ` r where r.book_id = $1 and r.gift_id = g.id), 0)),
       (select count(distinct f.person)
          from (select f.person from unnest(t.ids) i(id) cross join lateral (select person from flower where book_id = $1 and team_id = i.id order by person limit $5) f limit $5) f
         where f.person <> u.person)
  from unnest($2::int4[], $3::int8[], $4::text[]) u(campaign_id, email, person)
 cross join lateral (
   select array_agg(t.id) as ids
     from (select g.id
             from (select id from private.donor where book_id = $1 and email_index = u.email limit $6) d
            cross join lateral (select id from gift where book_id = $1 and donor_id = d.id order by id limit $6) g limit $6) g
    cross join lateral (select id from team where book_id = $1 and gift_id = g.id and campaign_id = u.campaign_id and not hidden limit 1) t) t
 where t.ids is not null`
)

// FlowerPerson is what somebody with this address is known by where flowers are given: it says nothing outside of the book.
func FlowerPerson(book *ledger.Book, email int64) string {
	mac := hmac.New(sha256.New, book.RefKey[:])
	fmt.Fprintf(mac, "flower %d", email)
	return hex.EncodeToString(mac.Sum(nil)[:12])
}

// email is where the giver's address is found; nil when nobody knows who gave.
func (m *matching) email(g *matchGift) *int64 {
	if g.email != nil {
		return g.email
	}
	return m.people[g.donor]
}

// asks is what the event's rule in force asks of a gift.
func (e *openEvent) asks(g *matchGift) match.Asks {
	if v := e.inForce(g.gift.PaidAt); v != nil && e.unread == nil {
		return v.rule.Asks()
	}
	return match.Asks{}
}

// readFacts looks up what the rules in force ask for. Rules that ask for nothing cost nothing.
func (m *matching) readFacts(ctx context.Context, tx pgx.Tx) error {
	var gifts []uuid.UUID
	var campaigns []int32
	var emails []int64
	var people []string
	asked := map[starter]bool{}
	for i := range m.gifts {
		g := &m.gifts[i]
		var a match.Asks
		for _, e := range m.events {
			one := e.asks(g)
			a.Recurring, a.Social = a.Recurring || one.Recurring, a.Social || one.Social
		}
		if a.Recurring {
			gifts = append(gifts, m.b.paid[g.member].ID)
		}
		if email := m.email(g); a.Social && email != nil && !asked[starter{g.campaign, *email}] {
			asked[starter{g.campaign, *email}] = true
			campaigns, emails, people = append(campaigns, g.campaign), append(emails, *email), append(people, FlowerPerson(m.b.book, *email))
		}
	}
	q := &pgx.Batch{}
	if len(gifts) > 0 {
		q.Queue(sqlMatchPayments, m.b.book.ID, gifts).Query(func(rows pgx.Rows) error { return m.facts.scanPayments(rows, gifts) })
	}
	if len(campaigns) > 0 {
		q.Queue(sqlMatchSocial, m.b.book.ID, campaigns, emails, people, socialMax, startsMax).Query(m.facts.scanSocial)
	}
	if q.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, q).Close(); err != nil {
		return fmt.Errorf("read facts for rules of match: %w", err)
	}
	return nil
}

// payment is a payment of a plan.
type payment struct {
	gift, plan uuid.UUID
	before     int
}

// scanPayments numbers the payments of plans among gifts, which are in order: two of one plan in one batch come one after the other.
func (f *facts) scanPayments(rows pgx.Rows, gifts []uuid.UUID) error {
	found := map[uuid.UUID]payment{}
	var p payment
	if _, err := pgx.ForEachRow(rows, []any{&p.gift, &p.plan, &p.before}, func() error { found[p.gift] = p; return nil }); err != nil {
		return err
	}
	f.payments = make(map[string]int, len(found))
	inBatch := map[uuid.UUID]int{}
	for _, id := range gifts {
		if p, ok := found[id]; ok {
			inBatch[p.plan]++
			f.payments[id.String()] = p.before + inBatch[p.plan]
		}
	}
	return nil
}

func (f *facts) scanSocial(rows pgx.Rows) error {
	f.social = map[starter]sociale{}
	var s starter
	var what sociale
	_, err := pgx.ForEachRow(rows, []any{&s.campaign, &s.email, &what.invited, &what.flowers}, func() error { f.social[s] = what; return nil })
	return err
}

// tell gives a gift the facts that the event's rule asks for, and no others: they are published with it.
func (f *facts) tell(e *openEvent, g *matchGift, email *int64, seen *match.Gift) {
	asks := e.asks(g)
	if !asks.Effort {
		seen.Effort = 0
	}
	if asks.Recurring {
		seen.Recurring = f.payments[seen.ID]
	}
	if asks.Social && email != nil {
		what := f.social[starter{g.campaign, *email}]
		seen.Invited, seen.Flowers = what.invited, what.flowers
	}
}
