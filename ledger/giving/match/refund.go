package match

import (
	"slices"

	"sunfund/ledger/money"
)

// Refund says what of a gift's match falls when money goes back to the donor. parts is the whole match as it was awarded;
// before and after are what of the gift is left to the campaign before and after this refund, in minor units.
//
// The match falls in the proportion in which the part of the gift that counts shrinks, rounded so that the donor's
// campaign never keeps too much; all of it falls when the gift falls below the smallest one that counts. A lump sum
// falls only with the whole gift. The pool that was used last is freed first. Nobody else gets more for it afterwards:
// the changes only open the pools to gifts that come later, or not even that (Terms.Refund). What limits a donor stays
// used, so that giving again after a refund brings no second draw.
func (r *Rule) Refund(g Gift, parts []Part, before, after int64) (fallen []Part, changes []Change) {
	if after < 0 || before < after || g.Amount < before {
		panic("match: refund: more goes back than there is")
	}
	standing, stands := r.standing(g, parts, before), r.standing(g, parts, after)
	var upTo int64
	for _, p := range parts {
		from := upTo
		upTo += p.Amount
		if amount := min(upTo, standing) - max(from, stands); amount > 0 {
			fallen = append(fallen, Part{p.Pool, p.Slice, amount})
		}
	}
	slices.Reverse(fallen)
	changes = r.Undo(g, fallen)
	if r.reads.raised {
		if n := r.counts(before) - r.counts(after); n > 0 {
			changes = append(changes, Change{Key{Kind: Raised, A: g.Campaign}, -n})
		}
	}
	return fallen, changes
}

// standing is how much of a match stands while so much of the gift is left.
func (r *Rule) standing(g Gift, parts []Part, left int64) int64 {
	total := Award{Parts: parts}.Total()
	if r.reads.lump {
		if left > 0 {
			return total
		}
		return 0
	}
	return money.FloorShare(total, r.counts(left), min(g.Amount, r.gifts.max))
}

// counts is what counts of a gift of which so much is left.
func (r *Rule) counts(left int64) int64 {
	if left < r.gifts.min {
		return 0
	}
	return min(left, r.gifts.max)
}

// Undo gives the changes of the counters when parts of a gift's match fall: refunded, or held and then refused.
func (r *Rule) Undo(g Gift, parts []Part) (changes []Change) {
	day, _ := r.windowsAt(g.PaidAt)
	less := func(used bool, key Key, n int64) {
		if used && n > 0 {
			changes = append(changes, Change{key, -n})
		}
	}
	for _, p := range parts {
		if r.terms.Refund != ToPool {
			break
		}
		i := slices.IndexFunc(r.pools, func(o pool) bool { return o.code == p.Pool })
		less(p.Slice != "", Key{Kind: SliceUsed, A: p.Pool, B: p.Slice}, p.Amount)
		less(p.Slice == "", Key{Kind: PoolUsed, A: p.Pool}, p.Amount)
		less(p.Slice == "" && r.pools[i].daily != unlimited, Key{Kind: PoolDayUsed, A: p.Pool, Day: day}, p.Amount)
		less(r.reads.all, Key{Kind: AllUsed}, p.Amount)
		less(r.reads.allDay && p.Slice == "", Key{Kind: AllDayUsed, Day: day}, p.Amount)
	}
	total := Award{Parts: parts}.Total()
	less(r.caps.day != unlimited, keyOf(CampaignDayMatch, &g, day), total)
	less(r.caps.campaign != unlimited, keyOf(CampaignMatch, &g, day), total)
	less(r.caps.org != unlimited, keyOf(OrgMatch, &g, day), total)
	if total > 0 {
		less(r.reads.lump, keyOf(LumpDone, &g, day), 1)
	}
	return changes
}
