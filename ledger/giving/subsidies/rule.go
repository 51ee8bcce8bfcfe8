package subsidies

// Rule is how a street's support follows from what is raised. Amounts are minor units of the book's currency.
type Rule struct {
	Per       string // Whole, or PerCampaign: each campaign stands by itself
	Threshold int64  // below it nothing is earned
	Lump      int64  // earned at once when the threshold is reached; without a threshold and per letter, from the first day
	Num, Den  int32  // the street gives Num for Den raised; Num zero: no ratio
	ShareCap  int64  // most for one campaign; zero: no limit but Cap
	Cap       int64  // most of all
}

// What a rule looks at.
const (
	Whole       = "letter"
	PerCampaign = "campaign"
)

// RatioMax bounds both sides of a ratio, so that a product of it with an amount fits.
const RatioMax = 1000

// Unit is what was raised in one place: a campaign, or the whole of what a letter counts.
type Unit struct {
	Name   string // the campaign's id; empty: the whole
	Raised int64  // gifts less refunds
	Gifts  int64
}

// Earned is what the street owes for what was raised. Each share is rounded down to the minor unit.
func (r Rule) Earned(units []Unit) (sum int64) {
	for _, u := range units {
		sum += r.Share(u)
		if sum >= r.Cap {
			return r.Cap
		}
	}
	if len(units) == 0 && r.Per == Whole {
		return min(r.Share(Unit{}), r.Cap)
	}
	return sum
}

// Share is what one place has earned, before the letter's cap.
func (r Rule) Share(u Unit) int64 {
	if u.Raised < r.Threshold || r.Per == PerCampaign && u.Raised <= 0 {
		return 0
	}
	share := r.Lump
	if u.Raised > 0 {
		share += u.Raised / int64(r.Den) * int64(r.Num)
		share += u.Raised % int64(r.Den) * int64(r.Num) / int64(r.Den)
	}
	if r.ShareCap > 0 {
		share = min(share, r.ShareCap)
	}
	return min(share, r.Cap)
}
