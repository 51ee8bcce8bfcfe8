package match

import (
	"maps"
	"slices"

	"sunfund/ledger/money"
)

// pool is a Pool in minor units.
type pool struct {
	code   string
	main   int64 // without its slices
	daily  int64
	slices []slice
	sliced uint64 // windows of its slices, a bit each
}

type slice struct {
	window int
	name   string
	amount int64
}

func (c *checker) pools() {
	t, r := &c.terms, c.rule
	c.length("pools", len(t.Pools), 1, poolsMax)
	amounts := map[string]int64{}
	r.fenced = map[string][]int{}
	for i := range t.Pools {
		p := &t.Pools[i]
		c.code(at("pools", i, "code"), p.Code)
		if _, twice := amounts[p.Code]; twice {
			c.wrong.refuse(at("pools", i, "code"), "twice")
		}
		c.name(at("pools", i, "funder"), p.Funder)
		c.codes(at("pools", i, "campaigns"), p.Campaigns)
		made := pool{code: p.Code, main: c.positive(at("pools", i, "amount"), &p.Amount), daily: unlimited}
		amounts[p.Code] = made.main
		r.total += made.main
		if p.Daily != "" {
			made.daily = c.positive(at("pools", i, "daily"), &p.Daily)
		}
		c.slices(i, p, &made)
		r.pools = append(r.pools, made)
		for _, campaign := range p.Campaigns {
			r.fenced[campaign] = nil
		}
	}
	for i, p := range t.Pools {
		if most, ok := amounts[p.AtMost]; p.AtMost != "" && (!ok || p.AtMost == p.Code) {
			c.wrong.refuse(at("pools", i, "at_most_pool"), "pool")
		} else if ok && amounts[p.Code] > most {
			c.wrong.refuse(at("pools", i, "amount"), "at-most", "pool", p.AtMost, "amount", money.Format(most, t.Currency))
		}
	}
	c.fences()
}

func (c *checker) slices(i int, p *Pool, made *pool) {
	c.length(at("pools", i, "slices"), len(p.Slices), 0, slicesMax)
	for j := range p.Slices {
		s := &p.Slices[j]
		field := at(at("pools", i, "slices"), j, "")
		made.slices = append(made.slices, slice{
			window: slices.IndexFunc(c.terms.Windows, func(w Window) bool { return w.Name == s.Window }),
			name:   s.Window, amount: c.positive(field+".amount", &s.Amount),
		})
		last := made.slices[j]
		if last.window < 0 || made.sliced&(1<<last.window) != 0 {
			c.wrong.refuse(field+".window", "slice-window")
			continue
		}
		made.sliced |= 1 << last.window
		if made.main -= last.amount; made.main < 0 {
			c.wrong.refuse(field+".amount", "slices-sum")
		}
	}
}

// fences lists for each campaign that has a pool of its own all pools it may use, in order.
func (c *checker) fences() {
	r := c.rule
	for i, p := range c.terms.Pools {
		reach := p.Campaigns
		if len(reach) == 0 {
			r.shared = append(r.shared, i)
			reach = slices.Collect(maps.Keys(r.fenced))
		}
		for _, campaign := range reach {
			r.fenced[campaign] = append(r.fenced[campaign], i)
		}
	}
}

// poolsFor are the pools that a campaign may use, in order.
func (r *Rule) poolsFor(campaign string) []int {
	if own, ok := r.fenced[campaign]; ok {
		return own
	}
	return r.shared
}

// draw takes wanted from the pools in their order and says what stopped it.
func (d *decision) draw(wanted int64) {
	r, left := d.rule, wanted
	quota, shut := false, false
	for _, i := range r.poolsFor(d.gift.Campaign) {
		p := &r.pools[i]
		for _, s := range p.slices {
			if d.open&(1<<s.window) != 0 {
				key := Key{Kind: SliceUsed, A: p.code, B: s.name}
				left -= d.take(p.code, s.name, min(left, s.amount-d.state[key]), key)
			}
		}
		used := Key{Kind: PoolUsed, A: p.code}
		rest := p.main - d.state[used]
		if d.open&^p.sliced == 0 {
			shut = shut || rest > 0
			continue
		}
		if p.daily == unlimited {
			left -= d.take(p.code, "", min(left, rest), used)
			continue
		}
		today := Key{Kind: PoolDayUsed, A: p.code, Day: d.day}
		part := d.take(p.code, "", min(left, rest, p.daily-d.state[today]), used, today)
		left -= part
		quota = quota || rest > part
	}
	switch {
	case left == 0:
	case quota:
		d.because(PoolDay)
	case shut:
		d.because(SliceEmpty)
	default:
		d.because(PoolEmpty)
	}
}

// take adds a part to the award and counts it.
func (d *decision) take(pool, slice string, amount int64, keys ...Key) int64 {
	if amount <= 0 {
		return 0
	}
	d.award.Parts = append(d.award.Parts, Part{pool, slice, amount})
	for _, key := range keys {
		d.count(key, amount)
	}
	if d.rule.reads.all {
		d.count(Key{Kind: AllUsed}, amount)
	}
	if d.rule.reads.allDay && slice == "" {
		d.count(Key{Kind: AllDayUsed, Day: d.day}, amount)
	}
	return amount
}
