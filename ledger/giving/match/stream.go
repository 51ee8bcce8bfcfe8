package match

import (
	"fmt"
	"iter"
	"math/bits"
	"time"
)

// Stream describes a made-up giving day. Gifts come in a rush and then fall off as on 7 September 2020, when the first
// minute brought 957,646 gifts of 80 yuan each and the first half hour seven times as many; amounts have a long tail;
// a few hot campaigns take most of it; bots give one yuan again and again.
type Stream struct {
	Seed      uint64
	Gifts     int
	From      time.Time
	Lasts     time.Duration // at least two hours
	Campaigns int
	Hot       int // of the campaigns; they take 60 % of the gifts
	Donors    int // at least one, as of campaigns
	Bots      int // donors beside these; each thirtieth gift is theirs. 0: none
	Currency  string
	Scale     int64 // minor units of one unit of the currency: 100 for CNY
}

// rush is which part of all gifts has come after so many seconds, in thousandths.
var rush = []struct{ after, part int64 }{{0, 0}, {60, 74}, {1800, 500}, {3600, 670}}

// sizes are amounts in units of the currency, and how many of ten thousand gifts have them; 80 on average.
var sizes = []struct{ amount, of int64 }{
	{10, 2396}, {50, 1450}, {20, 1400}, {100, 1250}, {1, 1150}, {5, 900}, {200, 450}, {2, 300}, {30, 250}, {500, 240}, {1000, 140}, {66, 48}, {5000, 15}, {10000, 11},
}

// All gives the gifts in the order of their times. The same stream gives the same gifts.
func (s Stream) All() iter.Seq[Gift] {
	return func(yield func(Gift) bool) {
		random := splitmix(s.Seed)
		for i := range s.Gifts {
			if !yield(s.gift(i, &random)) {
				return
			}
		}
	}
}

func (s Stream) gift(i int, random *splitmix) Gift {
	// Random numbers are drawn in one order, whatever comes of them.
	within, to, donor, size := random.below(1000), s.campaign(random), random.below(int64(s.Donors)), random.below(10_000)
	bot, friends, flowers := random.below(30), random.below(30), random.below(400)
	g := Gift{
		ID: fmt.Sprintf("%016x-%d", s.Seed, i+1), Donor: fmt.Sprintf("donor-%d", donor+1), Amount: s.amount(size), Currency: s.Currency, Channel: "wechat",
		PaidAt: s.From.Add(s.after(int64(i)*1000+within, int64(s.Gifts)*1000)), Invited: friends, Flowers: flowers,
	}
	if s.Bots > 0 && bot == 0 {
		// A bot gives its gifts one after the other to one campaign, so that many fall into a minute.
		n := int64(i) * int64(s.Bots) / int64(s.Gifts)
		g.Donor, g.Amount, to = fmt.Sprintf("bot-%d", n+1), s.Scale, n%int64(s.Campaigns)
	}
	g.Campaign, g.Organisation = fmt.Sprintf("campaign-%d", to+1), fmt.Sprintf("organisation-%d", to/5+1)
	return g
}

// after is when the gift at a place of the whole comes: a straight line between the points of rush.
func (s Stream) after(place, whole int64) time.Duration {
	for i, from := range rush {
		to, part := int64(s.Lasts/time.Second), int64(1000)
		if i+1 < len(rush) {
			to, part = rush[i+1].after, rush[i+1].part
		}
		if low, high := whole/1000*from.part, whole/1000*part; place < high {
			return time.Duration(from.after)*time.Second + time.Duration(scaled((to-from.after)*int64(time.Second), place-low, high-low))
		}
	}
	return s.Lasts - 1
}

// scaled is a × num / den without overflow in between; num < den.
func scaled(a, num, den int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(num))
	q, _ := bits.Div64(hi, lo, uint64(den))
	return int64(q)
}

// campaign is the index of one of all, or, six times in ten, of a hot one: the smaller of two, so that the first are hottest.
func (s Stream) campaign(random *splitmix) int64 {
	hot := int64(min(max(s.Hot, 1), s.Campaigns))
	chance, one, other, any := random.below(10), random.below(hot), random.below(hot), random.below(int64(s.Campaigns))
	if chance < 6 {
		return min(one, other)
	}
	return any
}

func (s Stream) amount(size int64) int64 {
	for _, a := range sizes {
		if size -= a.of; size < 0 {
			return a.amount * s.Scale
		}
	}
	panic("match: sizes do not add up to ten thousand")
}

// splitmix is Steele, Lea and Flood's SplitMix64: small, and the same on every machine and with every compiler.
type splitmix uint64

func (s *splitmix) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below gives 0 to n-1; for made-up streams it may be a hair uneven.
func (s *splitmix) below(n int64) int64 {
	hi, _ := bits.Mul64(s.next(), uint64(n))
	return int64(hi)
}
