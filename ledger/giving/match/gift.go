package match

import "time"

// Gift is what a rule may know of a gift. Donor is a pseudonym, never a name; empty where nobody knows who gave, and such
// a gift earns nothing under a rule that counts by donor.
type Gift struct {
	ID           string
	Campaign     string
	Organisation string
	Donor        string
	Amount       int64 // minor units
	Currency     string
	Channel      string
	PaidAt       time.Time
	Recurring    int   // which payment of a monthly gift, from 1; 0: a single gift
	Goal         int64 // of the campaign, minor units
	Invited      int64 // friends the donor invited, each counted once
	Flowers      int64 // flowers collected for the donor, each person counted once
	Effort       int64
	Funder       bool // the donor funds or pledged a pool of this rule
	Circular     bool // the ledger shows money of a funder coming back as this gift
}

// Award is what the rule gives for a gift.
type Award struct {
	Parts   []Part   // by pool, in the order of use; none: no match
	Held    bool     // earned, but kept apart: Reasons say why
	Counted int64    // of the gift, minor units
	Wanted  int64    // what the formula gives, before caps and pools
	Drawn   []Drawn  // every draw that was made
	Reasons []Reason // why not more, and why held; in the order in which they were met
	Changes []Change // of the counters, to be applied before the next gift
}

// Total is the match in minor units, held or not.
func (a Award) Total() int64 {
	var sum int64
	for _, p := range a.Parts {
		sum += p.Amount
	}
	return sum
}

// Part is what one pool adds, from its slice for a window or, where Slice is empty, from the rest of it.
type Part struct {
	Pool   string
	Slice  string
	Amount int64 // minor units, above zero
}

// Drawn is one draw: any of Low to High was equally likely.
type Drawn struct {
	Label            string
	Low, High, Value int64
}

// Reason says, for machines, why an award is not more, or held.
type Reason string

// The gift does not count.
const (
	OtherCurrency Reason = "currency"
	WindowClosed  Reason = "window-closed"
	BelowMin      Reason = "below-min"
	OtherChannel  Reason = "channel"
	OtherCampaign Reason = "campaign" // not in the rule's list, or no pool is for it
	NotRecurring  Reason = "recurring"
	FromFunder    Reason = "from-funder"
	DonorUnknown  Reason = "donor-unknown"
	OrgUnknown    Reason = "organisation-unknown"
	NotFirst      Reason = "not-first"
)

// The gift counts and earns nothing, or less.
const (
	Locked       Reason = "locked"      // the campaign has not reached its threshold
	NoAward      Reason = "no-award"    // the formula gives nothing: no tier, no luck, too little effort
	LumpPaid     Reason = "lump-paid"   // the campaign has had its lump sum
	MaxCounted   Reason = "max-counted" // only a part of the gift counts
	StageEnded   Reason = "stage-ended"
	CapGift      Reason = "cap-gift"
	CapDonorDay  Reason = "cap-donor-day"
	CapDonor     Reason = "cap-donor-event"
	CapDay       Reason = "cap-campaign-day"
	CapCampaign  Reason = "cap-campaign-event"
	CapOrg       Reason = "cap-organisation"
	PoolDay      Reason = "pool-day"       // today's quota is used up
	PoolEmpty    Reason = "pool-empty"     // what the pools have is used up
	SliceEmpty   Reason = "slice-empty"    // what is kept for this window is used up
	DecidedAtEnd Reason = "decided-at-end" // shared when all gifts are in
)

// The match is earned and held.
const (
	HeldRate     Reason = "held-rate"
	HeldFunder   Reason = "held-funder"
	HeldCircular Reason = "held-circular"
)
