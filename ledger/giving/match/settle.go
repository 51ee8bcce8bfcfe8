package match

import (
	"cmp"
	"maps"
	"slices"

	"sunfund/ledger/money"
)

// Outcome is what a rule gives when all gifts are in.
type Outcome struct {
	Gifts     []Gift     // by time of payment, then by id: the order in which they were decided
	Awards    []Award    // of the gifts, in the same order
	Campaigns []Campaign // by code; only where the pools are shared among them
	State     State      // the counters afterwards
}

// Settle decides all gifts of a rule whose order is AtEnd; it panics for another. Gifts may come in any order.
func (r *Rule) Settle(seed Seed, gifts []Gift) Outcome {
	if !r.AtEnd() {
		panic("match: settle: the rule decides gifts first come, first served")
	}
	o := Outcome{Gifts: slices.SortedFunc(slices.Values(gifts), byPayment), State: State{}}
	o.Awards = make([]Award, len(o.Gifts))
	raised, suspicions := State{}, make([][]Reason, len(o.Gifts))
	for i := range o.Gifts {
		suspicions[i] = (&decision{rule: r, state: raised, gift: &o.Gifts[i]}).suspicions()
		o.Awards[i] = r.decide(raised, seed, &o.Gifts[i], false)
		raised.Apply(o.Awards[i].Changes)
	}
	if r.share != nil {
		r.settleShares(&o, raised, suspicions)
		return o
	}
	for key, n := range raised {
		if key.Kind == Raised || key.Kind == Donors {
			o.State[key] = n
		}
	}
	for i := range o.Gifts {
		o.Awards[i] = r.decide(o.State, seed, &o.Gifts[i], true)
		o.State.Apply(o.Awards[i].Changes)
	}
	return o
}

func byPayment(a, b Gift) int { return cmp.Or(a.PaidAt.Compare(b.PaidAt), cmp.Compare(a.ID, b.ID)) }

// settleShares divides the pools among the campaigns, and what a campaign gets among its gifts by what counts of them.
func (r *Rule) settleShares(o *Outcome, raised State, suspicions [][]Reason) {
	o.State = raised
	byCode := map[string]*Campaign{}
	goals := map[string]int64{}
	for i, a := range o.Awards {
		if a.Counted == 0 {
			continue
		}
		g := &o.Gifts[i]
		c := byCode[g.Campaign]
		if c == nil {
			c = &Campaign{Code: g.Campaign, donors: map[string]int64{}}
			byCode[g.Campaign] = c
		}
		c.Counted += a.Counted
		c.donors[g.Donor] += a.Counted
		c.gifts = append(c.gifts, i)
		goals[g.Campaign] = max(goals[g.Campaign], g.Goal)
	}
	var all, open []*Campaign
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		c := byCode[code]
		all = append(all, c)
		if r.unlock.reached(c.Counted, raised[Key{Kind: Donors, A: code}], goals[code]) {
			open = append(open, c)
		}
	}
	r.shareOut(open)
	for _, c := range all {
		r.shareAmongGifts(o, c, suspicions)
		o.Campaigns = append(o.Campaigns, *c)
	}
}

func (r *Rule) shareAmongGifts(o *Outcome, c *Campaign, suspicions [][]Reason) {
	weights := make([]int64, len(c.gifts))
	for j, i := range c.gifts {
		weights[j] = o.Awards[i].Counted
		o.Awards[i].Reasons = slices.DeleteFunc(o.Awards[i].Reasons, func(why Reason) bool { return why == DecidedAtEnd })
	}
	for _, part := range c.parts {
		for j, amount := range money.Allocate(part.Amount, weights) {
			if amount > 0 {
				a := &o.Awards[c.gifts[j]]
				a.Wanted += amount
				a.Parts = append(a.Parts, Part{Pool: part.Pool, Amount: amount})
				a.Changes = append(a.Changes, Change{Key{Kind: PoolUsed, A: part.Pool}, amount})
				o.State[Key{Kind: PoolUsed, A: part.Pool}] += amount
			}
		}
	}
	for _, i := range c.gifts {
		a := &o.Awards[i]
		switch {
		case c.Saturated:
			a.Reasons = append(a.Reasons, CapCampaign)
		case len(a.Parts) == 0:
			a.Reasons = append(a.Reasons, Locked)
		}
		if a.Held = len(a.Parts) > 0 && len(suspicions[i]) > 0; a.Held {
			a.Reasons = append(a.Reasons, suspicions[i]...)
		}
	}
}

// Left is what is left of each pool and slice, in the order of the pools.
func (r *Rule) Left(s State) (left []Part) {
	for _, p := range r.pools {
		for _, part := range p.slices {
			left = append(left, Part{p.code, part.name, part.amount - s[Key{Kind: SliceUsed, A: p.code, B: part.name}]})
		}
		left = append(left, Part{p.code, "", p.main - s[Key{Kind: PoolUsed, A: p.code}]})
	}
	return slices.DeleteFunc(left, func(p Part) bool { return p.Amount <= 0 })
}

// Given is what a pool gives to a campaign without regard to single gifts.
type Given struct {
	Pool, Campaign string
	Amount         int64
}

// GiveRest divides what is left under GiveAnyway among the campaigns that may use each pool, by what was raised by each
// (minor units of gifts that count); caps do not apply. What no campaign may use is not given.
func (r *Rule) GiveRest(left []Part, raised map[string]int64) (given []Given) {
	for _, part := range left {
		i := slices.IndexFunc(r.pools, func(p pool) bool { return p.code == part.Pool })
		var codes []string
		var weights []int64
		for _, code := range slices.Sorted(maps.Keys(raised)) {
			if raised[code] > 0 && slices.Contains(r.poolsFor(code), i) {
				codes, weights = append(codes, code), append(weights, raised[code])
			}
		}
		if len(codes) == 0 {
			continue
		}
		for j, amount := range money.Allocate(part.Amount, weights) {
			given = append(given, Given{part.Pool, codes[j], amount})
		}
	}
	return given
}
