package bench

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
)

// oneThread is the rule of dayTerms written down once more, as plainly as it goes: one gift after the other, counters in maps, no code of the
// engine or of the intake. Amounts are in minor units.
type oneThread struct {
	zone      *time.Location
	funder    string
	pools     []modelPool // in the order of use
	donorDay  map[donorDay]int64
	minute    map[donorMinute]int64
	campaigns map[int32]int64 // reserved and held
	gifts     map[string][]modelPart
	compared  int64
}

type modelPool struct {
	code         string
	amount, used int64
}

type modelPart struct {
	pool     int
	amount   int64
	campaign int32
}

type donorDay struct {
	donor string
	day   int64 // since 1970-01-01, in the rule's zone
}

type donorMinute struct {
	donor  string
	minute int64
}

const (
	modelDonorDay = 999_00
	modelRate     = 5 // gifts in a minute, of which the last is held
)

// modelDraw is the draw as docs/matching.md describes it.
func modelDraw(gift, label string, low, high int64) int64 {
	span := uint64(high-low) + 1
	over := -span % span // 2^64 mod span: so many numbers at the top are passed over
	for n := 0; ; n++ {
		mac := hmac.New(sha256.New, daySeed[:])
		mac.Write([]byte(gift + "/" + label + "/" + strconv.Itoa(n)))
		for sum := mac.Sum(nil); len(sum) > 0; sum = sum[8:] {
			if x := binary.BigEndian.Uint64(sum); over == 0 || x < -over {
				return low + int64(x%span)
			}
		}
	}
}

// decide gives the parts of a gift's match, and whether they are held.
func (m *oneThread) decide(gift, donor string, campaign int32, paidAt time.Time) (parts []modelPart, held bool) {
	var wanted int64
	if modelDraw(gift, "chance", 1, 1_000_000) <= 50_000 {
		wanted = modelDraw(gift, "bonus", 40_00, 80_00)
	} else {
		wanted = modelDraw(gift, "base", 0, 16_00)
	}
	local := paidAt.In(m.zone)
	day := donorDay{donor, time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, time.UTC).Unix() / 86400}
	wanted = min(wanted, modelDonorDay-m.donorDay[day])
	for i := range m.pools {
		p := &m.pools[i]
		if amount := min(wanted, p.amount-p.used); amount > 0 {
			p.used += amount
			wanted -= amount
			m.donorDay[day] += amount
			m.campaigns[campaign] += amount
			parts = append(parts, modelPart{i, amount, campaign})
		}
	}
	minute := donorMinute{donor, paidAt.Unix() / 60}
	m.minute[minute]++
	m.gifts[gift] = parts
	return parts, len(parts) > 0 && (m.minute[minute] >= modelRate || donor == m.funder)
}

// refund frees what a whole gift earned: its pools have it again, what limits the donor stays used.
func (m *oneThread) refund(gift string) {
	for _, p := range m.gifts[gift] {
		m.pools[p.pool].used -= p.amount
		m.campaigns[p.campaign] -= p.amount
	}
	delete(m.gifts, gift)
}

// In the order of deciding: awards, and refunds behind the last award of their moment.
const sqlModelRows = `
select 0 as what, a.seq, 0::int8 as number, a.gift_id::text, a.campaign_id, a.donor, g.paid_at, a.part, a.pool, a.amount, a.held
  from match_award a join gift g on g.book_id = a.book_id and g.id = a.gift_id
 where a.book_id = $1 and a.event_id = $2
 union all
select 1, min(s.position), min(s.number), min(a.gift_id::text), 0, '', min(s.at), 0::int2, '', min(r.amount - g.amount), false
  from match_step s
  join match_award a on a.book_id = s.book_id and a.event_id = s.event_id and a.seq = s.seq
  join refund r on r.book_id = s.book_id and r.id = s.refund_id
  join gift g on g.book_id = a.book_id and g.id = a.gift_id
 where s.book_id = $1 and s.event_id = $2
 group by s.refund_id
 order by seq, what, number`

// likeOneThread has one thread decide all gifts again in the order of booking and compares award by award, then what is left in each pool, what
// each campaign earned, the limits of donors, and every counter.
func (d *Day) likeOneThread(ctx context.Context, w *world, e *giving.MatchEvent, a *giving.EventAmounts) error {
	funder, err := giving.FunderDonor(w.book, e.ID, dayFunder)
	if err != nil {
		return err
	}
	m := &oneThread{zone: w.book.Zone, funder: funder, donorDay: map[donorDay]int64{}, minute: map[donorMinute]int64{}, campaigns: map[int32]int64{}, gifts: map[string][]modelPart{}}
	for _, code := range []string{"city", "firm", "street"} {
		for _, p := range a.Pools {
			if p.Pool == code {
				m.pools = append(m.pools, modelPool{code: code, amount: p.Amount})
			}
		}
	}
	return pg.InTx(ctx, w.owner, func(tx pgx.Tx) error {
		if err := m.compareAwards(ctx, tx, w.book.ID, e.ID); err != nil {
			return err
		}
		d.OneThread = m.compared
		if err := m.compareAmounts(a); err != nil {
			return err
		}
		d.Counters, err = m.compareCounters(ctx, tx, w.book.ID, e.ID)
		return err
	})
}

func (m *oneThread) compareAwards(ctx context.Context, tx pgx.Tx, book, event int32) error {
	rows, err := tx.Query(ctx, sqlModelRows, book, event)
	if err != nil {
		return err
	}
	var due []modelPart
	var held, heldDue bool
	var what, campaign int32
	var part int16
	var seq, number, amount, last int64
	var gift, donor, pool string
	var paidAt time.Time
	_, err = pgx.ForEachRow(rows, []any{&what, &seq, &number, &gift, &campaign, &donor, &paidAt, &part, &pool, &amount, &held}, func() error {
		if what == 1 {
			if amount != 0 {
				return fmt.Errorf("%w: gift %s was given back in part", ErrNotBooked, gift)
			}
			m.refund(gift)
			return nil
		}
		if last++; seq != last {
			return fmt.Errorf("%w: award %d follows award %d", ErrNotBooked, seq, last-1)
		}
		if part == 0 {
			if len(due) > 0 {
				return fmt.Errorf("%w: before award %d one thread gives %v more", ErrNotBooked, seq, due)
			}
			m.compared++
			if due, heldDue = m.decide(gift, donor, campaign, paidAt); len(due) == 0 && amount == 0 {
				return nil
			}
		}
		if len(due) == 0 || m.pools[due[0].pool].code != pool || due[0].amount != amount || held != heldDue {
			return fmt.Errorf("%w: award %d is %d of %q, held %t; one thread gives %v, held %t", ErrNotBooked, seq, amount, pool, held, due, heldDue)
		}
		due = due[1:]
		return nil
	})
	if err == nil && len(due) > 0 {
		err = fmt.Errorf("%w: at the end one thread gives %v more", ErrNotBooked, due)
	}
	return err
}

// compareAmounts holds the accounts to the model: no pool below zero, no limit of a donor passed.
func (m *oneThread) compareAmounts(a *giving.EventAmounts) error {
	for _, p := range m.pools {
		for _, stands := range a.Pools {
			if stands.Pool == p.code && (stands.Reserved+stands.Held != p.used || stands.Pledged != p.amount-p.used || stands.Pledged < 0) {
				return fmt.Errorf("%w: pool %s %+v, one thread used %d", ErrNotBooked, p.code, stands.MatchAmounts, p.used)
			}
		}
	}
	for _, c := range a.Campaigns {
		if c.Reserved+c.Held != m.campaigns[c.CampaignID] {
			return fmt.Errorf("%w: campaign %d %+v, one thread gave %d", ErrNotBooked, c.CampaignID, c.MatchAmounts, m.campaigns[c.CampaignID])
		}
		delete(m.campaigns, c.CampaignID)
	}
	for id, n := range m.campaigns {
		if n != 0 {
			return fmt.Errorf("%w: campaign %d has nothing, one thread gave %d", ErrNotBooked, id, n)
		}
	}
	for d, n := range m.donorDay {
		if n > modelDonorDay {
			return fmt.Errorf("%w: %s earned %d on day %d", ErrNotBooked, d.donor, n, d.day)
		}
	}
	return nil
}

const sqlModelCounts = `select subject, day, counts from match_count where book_id = $1 and event_id = $2`

// compareCounters holds every stored counter to the model's, and the model's to those stored.
func (m *oneThread) compareCounters(ctx context.Context, tx pgx.Tx, book, event int32) (compared int64, err error) {
	rows, err := tx.Query(ctx, sqlModelCounts, book, event)
	if err != nil {
		return 0, err
	}
	pools := map[string]int64{}
	for _, p := range m.pools {
		pools[p.code] = p.used
	}
	var subject, counts string
	var day int64
	_, err = pgx.ForEachRow(rows, []any{&subject, &day, &counts}, func() error {
		var list []json.RawMessage
		if err := json.Unmarshal([]byte(counts), &list); err != nil {
			return err
		}
		name := subject[1:]
		for _, c := range list {
			var kind int
			var b string
			var n, want int64
			if err := json.Unmarshal(c, &[]any{&kind, &b, &n}); err != nil {
				return err
			}
			switch kind {
			case 1: // used of a pool
				want = pools[name]
				delete(pools, name)
			case 6: // match of a donor and day
				want = m.donorDay[donorDay{name, day}]
				delete(m.donorDay, donorDay{name, day})
			case 19: // gifts of a donor in a minute
				minute, err := strconv.ParseInt(b, 10, 64)
				if err != nil {
					return err
				}
				want = m.minute[donorMinute{name, minute}]
				delete(m.minute, donorMinute{name, minute})
			default:
				return fmt.Errorf("%w: the rule has no counter of kind %d", ErrNotBooked, kind)
			}
			if compared++; n != want {
				return fmt.Errorf("%w: counter %s %d %s is %d, one thread counts %d", ErrNotBooked, subject, day, c, n, want)
			}
		}
		return nil
	})
	if err != nil {
		return compared, err
	}
	if len(pools)+len(m.donorDay)+len(m.minute) > 0 {
		return compared, fmt.Errorf("%w: counters that one thread has are not stored: of %d pools, %d donors' days, %d minutes", ErrNotBooked, len(pools), len(m.donorDay), len(m.minute))
	}
	return compared, nil
}
