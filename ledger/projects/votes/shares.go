package votes

import (
	"cmp"
	"math/big"
	"slices"
)

// run is one count by equal shares from one share of each voter.
type run struct {
	*count
	unit   *big.Int   // all amounts below are fractions with this denominator
	money  []*big.Int // left to each voter of a crowd
	open   []offer    // projects that may still be taken
	steps  []Step
	cost   int64
	share  *big.Rat
	raises int
}

// offer is a project with its effective votes: its cost over the price of a point. They only fall while money is spent, so an old figure
// bounds the new one.
type offer struct {
	option   int
	num, den *big.Int // effective votes
	rest     *big.Int // the price of a point is rest/(weight·unit)
	weight   int64    // points of those who pay the full price
	full     int64    // how many they are
}

// more compares effective votes.
func (o *offer) more(than *offer) int {
	return new(big.Int).Mul(o.num, than.den).Cmp(new(big.Int).Mul(than.num, o.den))
}

// equalShares counts with the budget shared out exactly, and again with shares raised as the rule says.
func (c *count) equalShares() *run {
	if c.ballots == 0 {
		return &run{count: c, share: new(big.Rat)}
	}
	best := c.shares(big.NewInt(c.Budget), big.NewInt(c.ballots))
	if c.Rule.Completion != Raise {
		return best
	}
	share := c.Budget / c.ballots / c.Rule.Step * c.Rule.Step
	for raises := 1; raises <= RaisesMax && len(best.steps) < c.chosen(); raises++ {
		share += c.Rule.Step
		next := c.shares(big.NewInt(share), big.NewInt(1))
		if next.cost > c.Budget {
			break
		}
		next.raises, best = raises, next
	}
	return best
}

// chosen is how many projects somebody chose. Once all are taken no raise changes anything.
func (c *count) chosen() (n int) {
	for _, v := range c.voters {
		if v > 0 {
			n++
		}
	}
	return n
}

// shares counts with num/den for each voter.
func (c *count) shares(num, den *big.Int) *run {
	r := &run{count: c, unit: den, share: new(big.Rat).SetFrac(num, den)}
	for range c.crowds {
		r.money = append(r.money, new(big.Int).Set(num))
	}
	for i := range c.Options {
		if c.voters[i] > 0 {
			r.open = append(r.open, offer{option: i, num: big.NewInt(c.votes[i]), den: big.NewInt(1)})
		}
	}
	for {
		best, ok := r.best()
		if !ok {
			return r
		}
		r.buy(best)
	}
}

// best looks at the open projects, best last figure first, and takes those out that can no longer be paid.
func (r *run) best() (best offer, ok bool) {
	slices.SortStableFunc(r.open, func(a, b offer) int { return b.more(&a) })
	kept := r.open[:0]
	for i, o := range r.open {
		if ok && o.more(&best) < 0 {
			kept = append(kept, r.open[i:]...)
			break
		}
		if !r.price(&o) {
			continue
		}
		kept = append(kept, o)
		if by := 1; ok {
			if by = o.more(&best); by == 0 {
				by = -r.tie(o.option, best.option)
			}
			if by < 0 {
				continue
			}
		}
		best, ok = o, true
	}
	r.open = kept
	return best, ok
}

// price finds what a project's supporters pay: the same for each point, but nobody more than she has. It is false when they have too
// little together. Whoever cannot pay the price while the others share the rest can pay it even less once they do not share.
func (r *run) price(o *offer) bool {
	cost := big.NewInt(r.Options[o.option].Cost)
	rest := new(big.Int).Mul(cost, r.unit)
	have, one := new(big.Int), new(big.Int)
	for _, s := range r.behind[o.option] {
		have.Add(have, one.Mul(big.NewInt(r.crowds[s.crowd].size), r.money[s.crowd]))
	}
	if have.Cmp(rest) < 0 {
		return false
	}
	weight, full := r.votes[o.option], r.voters[o.option]
	poor := make([]bool, len(r.behind[o.option]))
	due, w := new(big.Int), new(big.Int)
	for changed := true; changed; {
		changed = false
		w.SetInt64(weight)
		left, leftWeight := new(big.Int).Set(rest), weight
		for i, s := range r.behind[o.option] {
			if poor[i] {
				continue
			}
			if one.Mul(r.money[s.crowd], w).Cmp(due.Mul(rest, big.NewInt(s.weight))) >= 0 {
				continue
			}
			size := r.crowds[s.crowd].size
			poor[i], changed = true, true
			left.Sub(left, one.Mul(r.money[s.crowd], big.NewInt(size)))
			leftWeight -= size * s.weight
			full -= size
		}
		rest, weight = left, leftWeight
	}
	o.rest, o.weight, o.full = rest, weight, full
	o.num, o.den = new(big.Int).Mul(cost.Mul(cost, r.unit), big.NewInt(weight)), rest
	return true
}

// buy has the supporters pay and writes all money over the new denominator.
func (r *run) buy(o offer) {
	weight := big.NewInt(o.weight)
	if divisor := new(big.Int).GCD(nil, nil, o.rest, weight); divisor.Sign() > 0 {
		o.rest, weight = new(big.Int).Quo(o.rest, divisor), weight.Quo(weight, divisor)
	}
	for i, m := range r.money {
		r.money[i] = m.Mul(m, weight)
	}
	for _, s := range r.behind[o.option] {
		m := r.money[s.crowd]
		if m.Sub(m, new(big.Int).Mul(o.rest, big.NewInt(s.weight))); m.Sign() < 0 {
			m.SetInt64(0)
		}
	}
	r.unit = new(big.Int).Mul(r.unit, weight)
	r.steps = append(r.steps, Step{Option: o.option, Price: new(big.Rat).SetFrac(o.rest, r.unit), Voters: o.full})
	r.cost += r.Options[o.option].Cost
	r.open = slices.DeleteFunc(r.open, func(p offer) bool { return cmp.Compare(p.option, o.option) == 0 })
}
