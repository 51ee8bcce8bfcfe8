package match

// Language is the version of the rule language that this package reads and writes.
const Language = 1

// Terms is a rule as it is written and published. Amounts are decimal strings of major units in Currency ("500.00"),
// percentages and factors are decimal strings with at most four decimals ("20", "0.05"). What is empty or zero does not
// limit anything. Terms become a Rule by New.
type Terms struct {
	Language int      `json:"language"`
	Currency string   `json:"currency"`
	Zone     string   `json:"zone"` // IANA name, "Asia/Shanghai": of windows and of days
	Windows  []Window `json:"windows"`
	Pools    []Pool   `json:"pools"` // in the order in which they are used up
	Gifts    Gifts    `json:"gifts,omitzero"`
	Unlock   Goal     `json:"unlock,omitzero"` // nothing is matched before the campaign is there; see Goal
	Award    Formula  `json:"award"`
	Boosts   []Boost  `json:"boosts,omitempty"` // ascending; the last one whose conditions hold counts
	Caps     Caps     `json:"caps,omitzero"`
	Order    string   `json:"order"`                 // FirstCome or AtEnd
	Notice   int      `json:"notice_days,omitempty"` // public notice between award and payment; 0 pays at once
	Unspent  string   `json:"unspent"`               // GiveBack, RollOver or GiveAnyway
	Refund   string   `json:"refund"`                // ToPool or ToRest
	Holds    Holds    `json:"holds,omitzero"`
}

// What the words of Terms may be.
const (
	FirstCome = "first-come" // each gift is decided when it is paid, in that order
	AtEnd     = "end"        // all gifts are decided when the last window has closed

	GiveBack   = "return"    // what is left returns to its funder
	RollOver   = "roll-over" // what is left stays for the next event
	GiveAnyway = "give"      // what is left is given too: Rule.Leftover

	ToPool = "pool" // the match of a refunded gift is open to later gifts again
	ToRest = "rest" // it is not: it belongs to what is left

	PerEvent = "event" // measured over the whole event
	PerDay   = "day"   // measured over the day
)

// Window is when gifts are matched: from From until To (not included), both local times "2026-09-07T10:00", and on each of
// these days from Opens until Closes ("10:00", "24:00"; empty: the whole day). Where clocks are put forward a missing
// time means the moment of the change; where they are put back a time that comes twice means the first.
type Window struct {
	Name   string `json:"name"`
	From   string `json:"from"`
	To     string `json:"to"`
	Opens  string `json:"opens,omitempty"`
	Closes string `json:"closes,omitempty"`
}

// Pool is what one funder adds. Without campaigns it is for all; with them it is ring-fenced. Daily is how much of it may
// be used on one day. A slice is a part of Amount that is kept for one window: there it is used first, elsewhere
// never, and it does not count into Daily. In a window that is only in slices the rest of the pool stays shut.
type Pool struct {
	Code      string   `json:"code"`
	Funder    Name     `json:"funder"`
	Amount    string   `json:"amount"`
	Campaigns []string `json:"campaigns,omitempty"`
	Daily     string   `json:"daily,omitempty"`
	Slices    []Slice  `json:"slices,omitempty"`
	AtMost    string   `json:"at_most_pool,omitempty"` // Amount may not be above that pool's: a champion adds at most the pledges
}

// Slice is the part of a pool that is kept for a window.
type Slice struct {
	Window string `json:"window"`
	Amount string `json:"amount"`
}

// Name is a name in both languages.
type Name struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// Gifts says which gifts count, and with how much.
type Gifts struct {
	Min        string   `json:"min,omitempty"`
	MaxCounted string   `json:"max_counted,omitempty"` // of a larger gift only this much counts
	Channels   []string `json:"channels,omitempty"`
	Campaigns  []string `json:"campaigns,omitempty"`
	First      string   `json:"first,omitempty"`       // FirstOfDonor, FirstOfDonorCampaign or FirstOfDonorDay
	Recurring  int      `json:"recurring,omitempty"`   // only this payment of a monthly gift, from 1
	NotFunders bool     `json:"not_funders,omitempty"` // gifts of those who fund or pledged a pool are not matched
}

// Of several gifts only the first one counts: of a donor, of a donor in a campaign, of a donor on a day.
const (
	FirstOfDonor         = "donor"
	FirstOfDonorCampaign = "donor-campaign"
	FirstOfDonorDay      = "donor-day"
)

// Goal is what a campaign must have reached: (Raised, or Percent of its own goal) and Donors, counted in gifts that count.
// First come, the gift that reaches it is the first to be matched, and earlier gifts are not; at the end, all are.
type Goal struct {
	Raised  string `json:"raised,omitempty"`
	Percent string `json:"percent,omitempty"`
	Donors  int    `json:"donors,omitempty"`
}

// Formula is how much a gift earns before caps and pools. Exactly one field is set.
type Formula struct {
	Fixed     *Ratio     `json:"fixed,omitempty"`
	Tiers     []Tier     `json:"tiers,omitempty"` // by the size of the gift, ascending
	Stages    *Stages    `json:"stages,omitempty"`
	Remaining *Remaining `json:"remaining,omitempty"`
	Draw      *Draw      `json:"draw,omitempty"`
	Between   *Between   `json:"between,omitempty"`
	Streak    *Streak    `json:"streak,omitempty"`
	Effort    *Effort    `json:"effort,omitempty"`
	Lump      *Lump      `json:"lump,omitempty"`
	Share     *Share     `json:"share,omitempty"`
}

// Ratio adds Match for every Gift: {1, 2} adds half of the gift.
type Ratio struct {
	Match int64 `json:"match"`
	Gift  int64 `json:"gift"`
}

// Tier is the ratio for gifts from From on, for the whole gift.
type Tier struct {
	From  string `json:"from"`
	Match int64  `json:"match"`
	Gift  int64  `json:"gift"`
}

// Stages change the formula with what is used of all pools together, over the event or the day. A gift that crosses a
// step gets what is left of the step; if both sides are fixed ratios the rest of the gift is matched by the next.
type Stages struct {
	Per  string  `json:"per"`
	Rows []Stage `json:"rows"`
}

// Stage holds until so much is used; the last one has no Until. With PerDay a percentage is of the daily quotas.
type Stage struct {
	Until Limit   `json:"until,omitzero"`
	Award Formula `json:"award"` // any but Stages, Lump and Share
}

// Limit is an amount, or a percentage of all pools of the rule together, rounded down. Neither: no limit.
type Limit struct {
	Amount  string `json:"amount,omitempty"`
	Percent string `json:"percent,omitempty"`
}

// Remaining draws between two amounts that depend on what is left of all pools together.
type Remaining struct {
	Per  string `json:"per"`
	Rows []Band `json:"rows"`
}

// Band holds while From ≤ left < To; an empty To is without end. Outside of all bands nothing is added.
type Band struct {
	From string `json:"from"`
	To   string `json:"to,omitempty"`
	Low  string `json:"low"`
	High string `json:"high"`
}

// Draw adds Base ± Wave, or, with a chance of Chance percent, Bonus ± BonusWave; each amount in reach is equally likely.
// Where the base is smaller than the wave, the plain base is added.
type Draw struct {
	Base      string `json:"base"`
	Wave      string `json:"wave,omitempty"`
	Chance    string `json:"chance,omitempty"`
	Bonus     string `json:"bonus,omitempty"`
	BonusWave string `json:"bonus_wave,omitempty"`
}

// Between adds a random share of the gift, from Low to High percent.
type Between struct {
	Low  string `json:"low"`
	High string `json:"high"`
}

// Streak adds Base ± Wave; on each Every-th day in a row on which the donor gave, Bonus ± BonusWave. Every 0 adds the bonus
// daily. A gift that is booked after one of a later day begins no row and ends none: it counts as a first day.
type Streak struct {
	Every     int    `json:"every"`
	Base      string `json:"base"`
	Wave      string `json:"wave,omitempty"`
	Bonus     string `json:"bonus"`
	BonusWave string `json:"bonus_wave,omitempty"`
}

// Effort pays for effort (steps walked): nothing below From, a straight line between From and To, flat above.
// An effort of a penalty's From or more is not believed and earns the penalty's amount.
type Effort struct {
	From      EffortPoint   `json:"from"`
	To        EffortPoint   `json:"to"`
	Penalties []EffortPoint `json:"penalties,omitempty"`
}

// EffortPoint is an effort and what it earns.
type EffortPoint struct {
	Effort int64  `json:"effort"`
	Match  string `json:"match"`
}

// Lump adds one amount to a campaign, once, when it has reached the goal. Without a goal: with its first gift that counts.
type Lump struct {
	Amount string `json:"amount"`
	Goal   Goal   `json:"goal,omitzero"`
}

// Share divides the pools among the campaigns when all gifts are in: by what was given to each (ByAmount), or by the
// square of the sum of the roots of what each donor gave (Quadratic). What a cap cuts off is shared among the others.
type Share struct {
	By   string `json:"by"`
	Most *Ratio `json:"most,omitempty"` // a campaign gets at most this for what was given to it
}

// The ways of Share.
const (
	ByAmount  = "amount"
	Quadratic = "quadratic"
)

// Boost adds a random multiple of what the formula gives, from Low to High in steps of Step, for donors who invited so
// many friends and collected so many flowers. {Flowers: 39, Low: "0.05", High: "0.10"} adds 5 to 10 % of the match.
type Boost struct {
	Invited int64  `json:"invited,omitempty"`
	Flowers int64  `json:"flowers,omitempty"`
	Low     string `json:"low"`
	High    string `json:"high"`
	Step    string `json:"step"`
}

// Caps limit the match of a gift, of a donor, of a campaign, of an organisation; boosts included.
type Caps struct {
	Gift          Limit `json:"gift,omitzero"`
	DonorDay      Limit `json:"donor_day,omitzero"`
	DonorEvent    Limit `json:"donor_event,omitzero"`
	CampaignDay   Limit `json:"campaign_day,omitzero"`
	CampaignEvent Limit `json:"campaign_event,omitzero"`
	Organisation  Limit `json:"organisation,omitzero"`
}

// Holds are the suspicions under which a match is earned but kept apart until two people looked at it.
type Holds struct {
	PerMinute int  `json:"per_minute,omitempty"` // the n-th gift of a donor in one minute of the clock, and each after it
	Funder    bool `json:"funder,omitempty"`     // the donor funds a pool
	Circular  bool `json:"circular,omitempty"`   // money of a funder that came back as a gift
}
