package match

import (
	"maps"
	"math/big"
	"slices"

	"sunfund/ledger/money"
)

// share is a Share, checked.
type share struct {
	quadratic bool
	most      *Ratio
}

func (c *checker) share(field string, t *Share) formula {
	c.word(field+".by", t.By, ByAmount, Quadratic)
	if t.Most != nil {
		c.fixed(field+".most", *t.Most)
	}
	c.rule.share = &share{t.By == Quadratic, t.Most}
	return nil
}

// Campaign is what a campaign gets when the pools are shared. Amounts are in minor units.
type Campaign struct {
	Code      string
	Counted   int64 // what counts of its gifts
	Uncapped  int64 // what it would get without caps
	Match     int64
	Saturated bool // a cap took something away

	donors map[string]int64
	parts  []Part
	gifts  []int // indices of the gifts that count
}

// shareOut divides the pools, one after the other, among the campaigns that may use them.
func (r *Rule) shareOut(campaigns []*Campaign) {
	weights := make([]*big.Int, len(campaigns))
	room := make([]int64, len(campaigns))
	for i, c := range campaigns {
		weights[i], room[i] = r.weight(c), r.caps.campaign
		if most := r.share.most; most != nil {
			if c.Counted <= unlimited/most.Match {
				room[i] = min(room[i], most.of(c.Counted))
			}
		}
	}
	for p, pool := range r.pools {
		var reach []int
		for i, c := range campaigns {
			if weights[i].Sign() > 0 && slices.Contains(r.poolsFor(c.Code), p) {
				reach = append(reach, i)
			}
		}
		for i, amount := range divide(pool.main, weights, room, reach, false) {
			campaigns[i].Uncapped += amount
		}
		for i, amount := range divide(pool.main, weights, room, reach, true) {
			c := campaigns[i]
			c.Match += amount
			c.parts = append(c.parts, Part{Pool: pool.code, Amount: amount})
			room[i] -= amount
		}
	}
	for _, c := range campaigns {
		c.Saturated = c.Match < c.Uncapped
	}
}

// divide shares amount by weight among those in reach. With caps, whoever would get more than there is room for gets the
// room, and the rest is shared among the others, until nobody is above.
func divide(amount int64, weights []*big.Int, room []int64, reach []int, capped bool) map[int]int64 {
	got := map[int]int64{}
	for len(reach) > 0 && amount > 0 {
		open := make([]*big.Int, len(reach))
		for j, i := range reach {
			open[j] = weights[i]
		}
		shares := money.AllocateBig(amount, open)
		above := func(j int) bool { return capped && shares[j] > room[reach[j]] }
		var below []int
		for j, i := range reach {
			if above(j) {
				got[i] = room[i]
				amount -= room[i]
			} else {
				below = append(below, i)
			}
		}
		if len(below) == len(reach) {
			for j, i := range reach {
				got[i] = shares[j]
			}
			break
		}
		reach = below
	}
	maps.DeleteFunc(got, func(_ int, amount int64) bool { return amount == 0 })
	return got
}

// rootBits are the binary digits after the point of the roots of quadratic weights.
const rootBits = 16

// weight is what was given, or the square of the sum of the roots of what each donor gave.
func (r *Rule) weight(c *Campaign) *big.Int {
	if !r.share.quadratic {
		return big.NewInt(c.Counted)
	}
	sum := new(big.Int)
	for _, given := range c.donors {
		root := new(big.Int).Lsh(big.NewInt(given), 2*rootBits)
		sum.Add(sum, root.Sqrt(root))
	}
	return sum.Mul(sum, sum)
}
