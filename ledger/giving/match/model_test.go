package match_test

// A model of the engine for people: it has no counters, looks at the whole history for every gift, and shares no code with
// the engine. It knows Shanghai's clock only.

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/ledger/giving/match"
)

type past struct {
	gift    match.Gift
	day     string
	counted int64
	parts   []match.Part
}

type model struct {
	t       match.Terms
	history []past // of gifts that counted
	g       match.Gift
	now     time.Time
	counted int64
	streak  int
}

// fen reads "12.34"; empty is zero.
func fen(text string) int64 {
	whole, fraction, _ := strings.Cut(text, ".")
	n, _ := strconv.ParseInt(whole+(fraction + "00")[:2], 10, 64)
	return n
}

// rate reads a decimal number.
func rate(text string) *big.Rat {
	if text == "" {
		return new(big.Rat)
	}
	r, _ := new(big.Rat).SetString(text)
	return r
}

// times is a × r rounded down.
func times(a int64, r *big.Rat) int64 {
	p := new(big.Rat).Mul(big.NewRat(a, 1), r)
	return new(big.Int).Quo(p.Num(), p.Denom()).Int64()
}

// sum adds up the match of past gifts.
func (m *model) sum(which func(past, match.Part) bool) (total int64) {
	for _, p := range m.history {
		for _, part := range p.parts {
			if which(p, part) {
				total += part.Amount
			}
		}
	}
	return total
}

func (m *model) count(which func(past) bool) (n int) {
	for _, p := range m.history {
		if which(p) {
			n++
		}
	}
	return n
}

func (m *model) day() string { return m.now.Format(time.DateOnly) }

func (m *model) drawn(label string, low, high int64) int64 {
	span := new(big.Int).Sub(big.NewInt(high+1), big.NewInt(low))
	all := new(big.Int).Lsh(big.NewInt(1), 64)
	fair := new(big.Int).Sub(all, new(big.Int).Mod(all, span))
	for n := 0; ; n++ {
		mac := hmac.New(sha256.New, seed[:])
		fmt.Fprintf(mac, "%s/%s/%d", m.g.ID, label, n)
		sum := mac.Sum(nil)
		for i := range 4 {
			if number := new(big.Int).SetUint64(binary.BigEndian.Uint64(sum[8*i:])); number.Cmp(fair) < 0 {
				return low + new(big.Int).Mod(number, span).Int64()
			}
		}
	}
}

// open are the names of the windows that are open now.
func (m *model) open() (names []string) {
	for _, w := range m.t.Windows {
		local, clock := m.now.Format("2006-01-02T15:04:05"), m.now.Format("15:04:05")
		if local >= w.From+":00" && local < w.To+":00" && clock >= w.Opens && (w.Closes == "" || clock < w.Closes) {
			names = append(names, w.Name)
		}
	}
	return names
}

// gives decides one gift and remembers it.
func (m *model) gives(g match.Gift) (parts []match.Part, held bool) {
	m.g, m.now = g, g.PaidAt.In(time.FixedZone("", 8*60*60))
	t := m.t
	same := func(p past) bool { return p.gift.Donor == g.Donor }
	sameCampaign := func(p past) bool { return p.gift.Campaign == g.Campaign }
	first := map[string]func(past) bool{
		"":                         func(past) bool { return false },
		match.FirstOfDonor:         same,
		match.FirstOfDonorCampaign: func(p past) bool { return same(p) && sameCampaign(p) },
		match.FirstOfDonorDay:      func(p past) bool { return same(p) && p.day == m.day() },
	}[t.Gifts.First]
	if len(m.open()) == 0 || g.Amount < fen(t.Gifts.Min) || len(t.Gifts.Channels) > 0 && !slices.Contains(t.Gifts.Channels, g.Channel) ||
		!slices.ContainsFunc(t.Pools, m.reaches) || t.Gifts.NotFunders && g.Funder || m.count(first) > 0 {
		return nil, false
	}
	m.counted = g.Amount
	if most := fen(t.Gifts.MaxCounted); most > 0 {
		m.counted = min(m.counted, most)
	}
	now := past{gift: g, day: m.day(), counted: m.counted}
	m.history = append(m.history, now)
	m.streak = 0
	for day := m.now; m.count(func(p past) bool { return same(p) && p.day == day.Format(time.DateOnly) }) > 0; day = day.AddDate(0, 0, -1) {
		m.streak++
	}
	if m.reached(t.Unlock) {
		parts = m.draw(m.capped(m.boosted(m.formula(t.Award, m.counted))))
	}
	m.history[len(m.history)-1].parts = parts
	fast := m.count(func(p past) bool { return same(p) && p.gift.PaidAt.Unix()/60 == g.PaidAt.Unix()/60 })
	held = t.Holds.PerMinute > 0 && fast >= t.Holds.PerMinute || t.Holds.Funder && g.Funder || t.Holds.Circular && g.Circular
	return parts, held && len(parts) > 0
}

func (m *model) reaches(p match.Pool) bool {
	return len(p.Campaigns) == 0 || slices.Contains(p.Campaigns, m.g.Campaign)
}

func (m *model) reached(goal match.Goal) bool {
	var raised int64
	donors := map[string]bool{}
	for _, p := range m.history {
		if p.gift.Campaign == m.g.Campaign {
			raised += p.counted
			donors[p.gift.Donor] = true
		}
	}
	money := goal.Raised == "" && goal.Percent == ""
	money = money || goal.Raised != "" && raised >= fen(goal.Raised)
	money = money || goal.Percent != "" && m.g.Goal > 0 &&
		new(big.Rat).Mul(big.NewRat(raised, 1), big.NewRat(100, 1)).Cmp(new(big.Rat).Mul(rate(goal.Percent), big.NewRat(m.g.Goal, 1))) >= 0
	return money && len(donors) >= goal.Donors
}

// all is what is used of all pools, in the event or in the daily quotas of today, and the whole of it.
func (m *model) all(per string) (used, whole int64) {
	for _, p := range m.t.Pools {
		if per == match.PerDay {
			whole += fen(p.Daily)
		} else {
			whole += fen(p.Amount)
		}
	}
	return m.sum(func(p past, part match.Part) bool {
		return per != match.PerDay || p.day == m.day() && part.Slice == ""
	}), whole
}

func (m *model) around(amount, wave, label string) int64 {
	if a, w := fen(amount), fen(wave); w > 0 && a >= w {
		return m.drawn(label, a-w, a+w)
	}
	return fen(amount)
}

func (m *model) formula(f match.Formula, counted int64) int64 {
	switch {
	case f.Fixed != nil:
		return times(counted, big.NewRat(f.Fixed.Match, f.Fixed.Gift))
	case f.Tiers != nil:
		var earned int64
		for _, t := range f.Tiers {
			if counted >= fen(t.From) {
				earned = times(counted, big.NewRat(t.Match, t.Gift))
			}
		}
		return earned
	case f.Stages != nil:
		return m.staged(f.Stages, counted)
	case f.Remaining != nil:
		used, whole := m.all(f.Remaining.Per)
		for i, b := range f.Remaining.Rows {
			if left := whole - used; left >= fen(b.From) && (b.To == "" || left < fen(b.To)) {
				if fen(b.Low) == fen(b.High) {
					return fen(b.Low)
				}
				return m.drawn(fmt.Sprint("band-", i), fen(b.Low), fen(b.High))
			}
		}
		return 0
	case f.Draw != nil:
		if f.Draw.Chance != "" && big.NewRat(m.drawn("chance", 1, 1_000_000), 10_000).Cmp(rate(f.Draw.Chance)) <= 0 {
			return m.around(f.Draw.Bonus, f.Draw.BonusWave, "bonus")
		}
		return m.around(f.Draw.Base, f.Draw.Wave, "base")
	case f.Between != nil:
		scaled := func(text string) int64 { return times(10_000, rate(text)) }
		share := scaled(f.Between.Low)
		if high := scaled(f.Between.High); high > share {
			share = m.drawn("share", share, high)
		}
		return times(counted, big.NewRat(share, 1_000_000))
	case f.Streak != nil:
		if f.Streak.Every == 0 || m.streak%f.Streak.Every == 0 {
			return m.around(f.Streak.Bonus, f.Streak.BonusWave, "bonus")
		}
		return m.around(f.Streak.Base, f.Streak.Wave, "base")
	case f.Effort != nil:
		e := f.Effort
		for _, p := range slices.Backward(e.Penalties) {
			if m.g.Effort >= p.Effort {
				return fen(p.Match)
			}
		}
		if m.g.Effort < e.From.Effort {
			return 0
		}
		rise := big.NewRat(min(m.g.Effort, e.To.Effort)-e.From.Effort, e.To.Effort-e.From.Effort)
		return fen(e.From.Match) + times(fen(e.To.Match)-fen(e.From.Match), rise)
	}
	paid := m.sum(func(p past, _ match.Part) bool { return p.gift.Campaign == m.g.Campaign })
	if paid > 0 || !m.reached(f.Lump.Goal) {
		return 0
	}
	return fen(f.Lump.Amount)
}

// staged matches the gift fen by fen where ratios meet: with the most fen of it that earn no more than there is room for.
func (m *model) staged(s *match.Stages, counted int64) (earned int64) {
	used, whole := m.all(s.Per)
	for i, row := range s.Rows {
		part := m.formula(row.Award, counted)
		if row.Until == (match.Limit{}) {
			return earned + part
		}
		until := m.limit(row.Until, whole)
		if used >= until {
			continue
		}
		room := until - used
		if part <= room {
			return earned + part
		}
		earned, used = earned+room, until
		if row.Award.Fixed == nil || s.Rows[i+1].Award.Fixed == nil {
			return earned
		}
		spent := counted // the fewest fen that earn the room
		for low := int64(0); low < spent; {
			if middle := (low + spent) / 2; times(middle, big.NewRat(row.Award.Fixed.Match, row.Award.Fixed.Gift)) >= room {
				spent = middle
			} else {
				low = middle + 1
			}
		}
		counted -= spent
	}
	return earned
}

func (m *model) boosted(base int64) int64 {
	for _, b := range slices.Backward(m.t.Boosts) {
		if base == 0 || m.g.Invited < b.Invited || m.g.Flowers < b.Flowers {
			continue
		}
		step := rate(b.Step)
		steps := func(text string) int64 { return times(1, new(big.Rat).Quo(rate(text), step)) }
		k := steps(b.Low)
		if high := steps(b.High); high > k {
			k = m.drawn("boost", k, high)
		}
		return base + times(base, new(big.Rat).Mul(step, big.NewRat(k, 1)))
	}
	return base
}

func (m *model) limit(l match.Limit, whole int64) int64 {
	if l.Percent != "" {
		return times(whole, new(big.Rat).Quo(rate(l.Percent), big.NewRat(100, 1)))
	}
	return fen(l.Amount)
}

func (m *model) capped(amount int64) int64 {
	_, whole := m.all(match.PerEvent)
	c := m.t.Caps
	for _, cap := range []struct {
		l     match.Limit
		which func(past) bool
	}{
		{c.Gift, func(past) bool { return false }},
		{c.DonorDay, func(p past) bool { return p.gift.Donor == m.g.Donor && p.day == m.day() }},
		{c.DonorEvent, func(p past) bool { return p.gift.Donor == m.g.Donor }},
		{c.CampaignDay, func(p past) bool { return p.gift.Campaign == m.g.Campaign && p.day == m.day() }},
		{c.CampaignEvent, func(p past) bool { return p.gift.Campaign == m.g.Campaign }},
		{c.Organisation, func(p past) bool { return p.gift.Organisation == m.g.Organisation }},
	} {
		if cap.l != (match.Limit{}) {
			amount = min(amount, max(0, m.limit(cap.l, whole)-m.sum(func(p past, _ match.Part) bool { return cap.which(p) })))
		}
	}
	return amount
}

func (m *model) draw(left int64) (parts []match.Part) {
	take := func(pool, slice string, amount int64) {
		if amount = min(amount, left); amount > 0 {
			parts = append(parts, match.Part{Pool: pool, Slice: slice, Amount: amount})
			left -= amount
		}
	}
	for _, p := range m.t.Pools {
		if !m.reaches(p) {
			continue
		}
		main, shut := fen(p.Amount), m.open()
		for _, s := range p.Slices {
			main -= fen(s.Amount)
			if slices.Contains(m.open(), s.Window) {
				take(p.Code, s.Window, fen(s.Amount)-m.sum(func(_ past, o match.Part) bool { return o.Pool == p.Code && o.Slice == s.Window }))
			}
			shut = slices.DeleteFunc(shut, func(name string) bool { return name == s.Window })
		}
		if len(shut) == 0 {
			continue
		}
		rest := main - m.sum(func(_ past, o match.Part) bool { return o.Pool == p.Code && o.Slice == "" })
		if p.Daily != "" {
			rest = min(rest, fen(p.Daily)-m.sum(func(h past, o match.Part) bool { return o.Pool == p.Code && o.Slice == "" && h.day == m.day() }))
		}
		take(p.Code, "", rest)
	}
	return parts
}
