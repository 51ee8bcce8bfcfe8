package match

import (
	"slices"
	"strconv"

	"sunfund/ledger/money"
)

// decision is one gift being decided.
type decision struct {
	rule   *Rule
	state  State
	seed   Seed
	gift   *Gift
	day    Day
	open   uint64 // windows that are open, a bit each
	final  bool   // all gifts are in, and what was raised stands in the state already
	raised int64  // by the campaign, and its donors, with this gift
	donors int64
	streak int64 // days in a row on which the donor gave, with this one
	award  Award
}

// Decide gives what the rule adds to a gift, with the reasons and the changes of the counters. The state holds the
// counters that Needs names (missing ones are zero) and is not changed. The same arguments always give the same award.
// Under a rule that is decided at the end the award is empty and its changes only count the gift.
func (r *Rule) Decide(s State, seed Seed, g Gift) Award {
	return r.decide(s, seed, &g, false)
}

func (r *Rule) decide(s State, seed Seed, g *Gift, final bool) Award {
	d := &decision{rule: r, state: s, seed: seed, gift: g, final: final}
	if why := d.refusal(); why != "" {
		return Award{Reasons: []Reason{why}}
	}
	d.award.Counted = min(g.Amount, r.gifts.max)
	d.award.Changes = make([]Change, 0, len(r.reads.kinds)+4) // rarely more; growing it costs as much as a draw
	if d.award.Counted < g.Amount {
		d.because(MaxCounted)
	}
	d.progress()
	d.earn()
	d.suspect()
	return d.award
}

// refusal says why the gift does not count at all.
func (d *decision) refusal() Reason {
	r, g := d.rule, d.gift
	switch {
	case g.Currency != r.terms.Currency:
		return OtherCurrency
	case g.Amount <= 0 || g.Amount < r.gifts.min || g.Amount > amountMax:
		return BelowMin
	case len(r.gifts.channels) > 0 && !slices.Contains(r.gifts.channels, g.Channel):
		return OtherChannel
	case r.gifts.campaigns != nil && !r.gifts.campaigns[g.Campaign], len(r.poolsFor(g.Campaign)) == 0:
		return OtherCampaign
	case r.gifts.recurring > 0 && g.Recurring != r.gifts.recurring:
		return NotRecurring
	case r.terms.Gifts.NotFunders && g.Funder:
		return FromFunder
	case r.reads.donor && g.Donor == "":
		return DonorUnknown
	case r.caps.org != unlimited && g.Organisation == "":
		return OrgUnknown
	}
	if d.day, d.open = r.windowsAt(g.PaidAt); d.open == 0 {
		return WindowClosed
	}
	if first := r.gifts.first; first != 0 && d.state[d.key(first)] > 0 {
		return NotFirst
	}
	return ""
}

// progress counts a gift that counts.
func (d *decision) progress() {
	r, g := d.rule, d.gift
	if first := r.gifts.first; first != 0 && first != PairGifts {
		d.count(d.key(first), 1)
	}
	before := d.state[d.key(PairGifts)]
	if r.reads.pair {
		d.count(d.key(PairGifts), 1)
	}
	d.raised, d.donors = d.state[d.key(Raised)], d.state[d.key(Donors)]
	if !d.final {
		if r.reads.raised {
			d.raised += d.award.Counted
			d.count(d.key(Raised), d.award.Counted)
		}
		if r.reads.donors && before == 0 {
			d.donors++
			d.count(d.key(Donors), 1)
		}
	}
	if r.reads.streak {
		d.inARow()
	}
	if r.perMin > 0 && g.Donor != "" {
		d.count(d.key(DonorMinute), 1)
	}
}

// inARow counts the days on which the donor gave without a gap.
func (d *decision) inARow() {
	days, last := d.state[d.key(StreakDays)], d.state[d.key(StreakLast)]
	switch int64(d.day) - last {
	case 0:
		d.streak = days
		return
	case 1:
		d.streak = days + 1
	default: // a gap, or a gift that was paid before the last one and came after it
		d.streak = 1
	}
	if int64(d.day) > last {
		d.count(d.key(StreakDays), d.streak-days)
		d.count(d.key(StreakLast), int64(d.day)-last)
	}
}

// earn applies formula, boosts, caps and pools, in this order.
func (d *decision) earn() {
	r := d.rule
	switch {
	case r.AtEnd() && !d.final:
		d.because(DecidedAtEnd)
		return
	case !d.reached(r.unlock):
		d.because(Locked)
		return
	}
	known := len(d.award.Reasons)
	d.award.Wanted = d.boosted(min(r.earn(d, d.award.Counted), amountMax))
	if d.award.Wanted == 0 {
		if len(d.award.Reasons) == known {
			d.because(NoAward)
		}
		return
	}
	if amount := d.capped(d.award.Wanted); amount > 0 {
		d.draw(amount)
	}
	if total := d.award.Total(); total > 0 {
		d.used(total)
	}
}

// capped clips an amount to the caps; every cap that took something away is a reason.
func (d *decision) capped(amount int64) int64 {
	clip := func(cap int64, kind Kind, why Reason) {
		if cap == unlimited {
			return
		}
		var used int64
		if kind != 0 {
			used = d.state[d.key(kind)]
		}
		if rest := max(cap-used, 0); amount > rest {
			amount = rest
			d.because(why)
		}
	}
	c := d.rule.caps
	clip(c.gift, 0, CapGift)
	clip(c.donorDay, DonorDayMatch, CapDonorDay)
	clip(c.donor, DonorMatch, CapDonor)
	clip(c.day, CampaignDayMatch, CapDay)
	clip(c.campaign, CampaignMatch, CapCampaign)
	clip(c.org, OrgMatch, CapOrg)
	return amount
}

// used counts a match where a cap looks.
func (d *decision) used(total int64) {
	c := d.rule.caps
	for _, cap := range []struct {
		limit int64
		kind  Kind
	}{{c.donorDay, DonorDayMatch}, {c.donor, DonorMatch}, {c.day, CampaignDayMatch}, {c.campaign, CampaignMatch}, {c.org, OrgMatch}} {
		if cap.limit != unlimited {
			d.count(d.key(cap.kind), total)
		}
	}
	if d.rule.reads.lump {
		d.count(d.key(LumpDone), 1)
	}
}

// suspect holds a match that was earned under suspicion.
func (d *decision) suspect() {
	if why := d.suspicions(); len(why) > 0 && len(d.award.Parts) > 0 {
		d.award.Held = true
		d.award.Reasons = append(d.award.Reasons, why...)
	}
}

func (d *decision) suspicions() (why []Reason) {
	r, g := d.rule, d.gift
	if r.perMin > 0 && g.Donor != "" && d.state[d.key(DonorMinute)]+1 >= r.perMin {
		why = append(why, HeldRate)
	}
	if r.terms.Holds.Funder && g.Funder {
		why = append(why, HeldFunder)
	}
	if r.terms.Holds.Circular && g.Circular {
		why = append(why, HeldCircular)
	}
	return why
}

// reached says whether the campaign is at a goal, this gift included.
func (d *decision) reached(g goal) bool { return g.reached(d.raised, d.donors, d.gift.Goal) }

func (g goal) reached(raised, donors, campaignGoal int64) bool {
	switch {
	case donors < g.donors:
		return false
	case g.raised == 0 && g.percent == 0:
		return true
	}
	return g.raised > 0 && raised >= g.raised ||
		g.percent > 0 && campaignGoal > 0 && campaignGoal <= amountMax && raised >= money.CeilShare(campaignGoal, g.percent, millionths)
}

func (d *decision) because(why Reason) { d.award.Reasons = append(d.award.Reasons, why) }

func (d *decision) count(key Key, n int64) {
	d.award.Changes = append(d.award.Changes, Change{key, n})
}

// drawn is a draw for this gift, kept in the award.
func (d *decision) drawn(label string, low, high int64) int64 {
	if low == high {
		return low
	}
	value := d.seed.Draw(d.gift.ID, label, low, high)
	d.award.Drawn = append(d.award.Drawn, Drawn{label, low, high, value})
	return value
}

// key names the counter of a kind that belongs to this gift.
func (d *decision) key(kind Kind) Key { return keyOf(kind, d.gift, d.day) }

func keyOf(kind Kind, g *Gift, day Day) Key {
	switch kind {
	case AllUsed:
		return Key{Kind: kind}
	case AllDayUsed:
		return Key{Kind: kind, Day: day}
	case DonorDayMatch, DonorDayGifts:
		return Key{Kind: kind, A: g.Donor, Day: day}
	case DonorMatch, DonorGifts, StreakDays, StreakLast:
		return Key{Kind: kind, A: g.Donor}
	case CampaignDayMatch:
		return Key{Kind: kind, A: g.Campaign, Day: day}
	case CampaignMatch, Raised, Donors, LumpDone:
		return Key{Kind: kind, A: g.Campaign}
	case OrgMatch:
		return Key{Kind: kind, A: g.Organisation}
	case PairGifts:
		return Key{Kind: kind, A: g.Donor, B: g.Campaign}
	case DonorMinute:
		return Key{Kind: kind, A: g.Donor, B: strconv.FormatInt(g.PaidAt.Unix()/60, 10)}
	}
	panic("match: a counter of pools belongs to no gift")
}
