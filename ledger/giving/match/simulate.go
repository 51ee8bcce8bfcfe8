package match

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"
)

// Report is what a stream of gifts would get. Amounts are in minor units.
type Report struct {
	Gifts, Matched, Held  int
	Given, Match, HeldSum int64 // Match includes what is held
	Campaigns             []CampaignReport
	Used, Left            []Part // of each pool and slice
	Ends                  []End  // when pools, slices and daily quotas were used up, in this order
	Reasons               []ReasonCount
	State                 State
	campaigns             map[string]*CampaignReport
	reasons               map[Reason]int
	used                  map[Part]int64
	ended                 map[End]bool
}

// CampaignReport is what one campaign would get.
type CampaignReport struct {
	Code           string
	Gifts, Matched int
	Given, Match   int64
}

// ReasonCount is for how many gifts a reason was given.
type ReasonCount struct {
	Reason Reason
	Gifts  int
}

// End is the moment at which a pool, a slice of it, or, with a Day, its quota of that day was used up.
type End struct {
	Pool, Slice string
	Day         Day
	At          time.Time
}

// Simulate runs gifts through the rule in the order in which they come (at the end: sorted by time of payment).
func (r *Rule) Simulate(seed Seed, gifts iter.Seq[Gift]) *Report {
	p := &Report{State: State{}, campaigns: map[string]*CampaignReport{}, reasons: map[Reason]int{}, used: map[Part]int64{}, ended: map[End]bool{}}
	if r.AtEnd() {
		o := r.Settle(seed, slices.Collect(gifts))
		p.State = o.State
		for i, a := range o.Awards {
			p.count(o.Gifts[i], a)
		}
	} else {
		for g := range gifts {
			a := r.Decide(p.State, seed, g)
			p.State.Apply(a.Changes)
			p.count(g, a)
			r.ends(p, g, a)
		}
	}
	p.Left = r.Left(p.State)
	for part, amount := range p.used {
		p.Used = append(p.Used, Part{part.Pool, part.Slice, amount})
	}
	slices.SortFunc(p.Used, func(a, b Part) int { return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Slice, b.Slice)) })
	for _, code := range slices.Sorted(maps.Keys(p.campaigns)) {
		p.Campaigns = append(p.Campaigns, *p.campaigns[code])
	}
	for _, why := range slices.Sorted(maps.Keys(p.reasons)) {
		p.Reasons = append(p.Reasons, ReasonCount{why, p.reasons[why]})
	}
	return p
}

func (p *Report) count(g Gift, a Award) {
	c := p.campaigns[g.Campaign]
	if c == nil {
		c = &CampaignReport{Code: g.Campaign}
		p.campaigns[g.Campaign] = c
	}
	total := a.Total()
	p.Gifts, c.Gifts = p.Gifts+1, c.Gifts+1
	p.Given, c.Given = p.Given+g.Amount, c.Given+g.Amount
	p.Match, c.Match = p.Match+total, c.Match+total
	if total > 0 {
		p.Matched, c.Matched = p.Matched+1, c.Matched+1
	}
	if a.Held {
		p.Held, p.HeldSum = p.Held+1, p.HeldSum+total
	}
	for _, why := range a.Reasons {
		p.reasons[why]++
	}
	for _, part := range a.Parts {
		p.used[Part{Pool: part.Pool, Slice: part.Slice}] += part.Amount
	}
}

// ends notes what a gift used up.
func (r *Rule) ends(p *Report, g Gift, a Award) {
	if len(a.Parts) == 0 {
		return
	}
	day, _ := r.windowsAt(g.PaidAt)
	note := func(key Key, limit int64, e End) {
		if p.State[key] == limit && !p.ended[e] {
			p.ended[e] = true
			e.At = g.PaidAt
			p.Ends = append(p.Ends, e)
		}
	}
	for _, part := range a.Parts {
		i := slices.IndexFunc(r.pools, func(o pool) bool { return o.code == part.Pool })
		for _, s := range r.pools[i].slices {
			if s.name == part.Slice {
				note(Key{Kind: SliceUsed, A: part.Pool, B: s.name}, s.amount, End{Pool: part.Pool, Slice: s.name})
			}
		}
		if part.Slice == "" {
			note(Key{Kind: PoolDayUsed, A: part.Pool, Day: day}, r.pools[i].daily, End{Pool: part.Pool, Day: day})
			note(Key{Kind: PoolUsed, A: part.Pool}, r.pools[i].main, End{Pool: part.Pool})
		}
	}
}
