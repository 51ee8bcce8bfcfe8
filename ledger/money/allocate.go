package money

import (
	"fmt"
	"math/big"
	"math/bits"
	"slices"
)

// Allocate splits total in proportion to weights by largest remainder; on a tie the earlier index gets the unit.
// The shares add up to total exactly; a negative total gives the mirror image of the positive one.
// It panics when a weight is negative, or when there is a total but no weight above zero to carry it.
func Allocate(total int64, weights []int64) []int64 {
	wide := make([]*big.Int, len(weights))
	for i, w := range weights {
		wide[i] = big.NewInt(w)
	}
	return AllocateBig(total, wide)
}

// AllocateBig is Allocate for weights of any size.
func AllocateBig(total int64, weights []*big.Int) []int64 {
	sum := new(big.Int)
	for i, w := range weights {
		if w.Sign() < 0 {
			panic(fmt.Sprintf("money: allocate: weight %d is %d", i, w))
		}
		sum.Add(sum, w)
	}
	shares := make([]int64, len(weights))
	if total == 0 {
		return shares
	}
	if sum.Sign() == 0 {
		panic(fmt.Sprintf("money: allocate %d: no weight above zero", total))
	}

	whole := new(big.Int).SetUint64(magnitude(total))
	remainders := make([]*big.Int, len(weights))
	left := magnitude(total)
	for i, w := range weights {
		share, remainder := new(big.Int), new(big.Int)
		share.QuoRem(share.Mul(whole, w), sum, remainder)
		remainders[i] = remainder
		left -= share.Uint64()
		shares[i] = int64(share.Uint64()) // 1<<63 wraps, and the mirror below turns it into the smallest int64
	}
	for _, i := range byRemainder(remainders)[:left] {
		shares[i]++
	}
	if total < 0 {
		for i := range shares {
			shares[i] = -shares[i]
		}
	}
	return shares
}

// byRemainder gives the indices, largest remainder first, earlier index first among equals.
func byRemainder(remainders []*big.Int) []int {
	order := make([]int, len(remainders))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return remainders[b].Cmp(remainders[a]) })
	return order
}

// FloorShare is base × num / den rounded down (towards minus infinity): for caps.
// The three share functions panic when num < 0, den < 1 or the result does not fit int64.
func FloorShare(base, num, den int64) int64 {
	q, r := share(base, num, den)
	if base < 0 {
		return signed(q+carry(r > 0), true)
	}
	return signed(q, false)
}

// CeilShare is base × num / den rounded up (towards plus infinity): for floors such as a minimum spending.
func CeilShare(base, num, den int64) int64 {
	q, r := share(base, num, den)
	if base < 0 {
		return signed(q, true)
	}
	return signed(q+carry(r > 0), false)
}

// HalfUpShare is base × num / den rounded to the nearest unit, halves away from zero: for fees. 0.6 % of 27,505.13 is
// HalfUpShare(2750513, 6, 1000) = 16503. The share of -base is the exact negative, so that a refund undoes a fee.
func HalfUpShare(base, num, den int64) int64 {
	q, r := share(base, num, den)
	return signed(q+carry(r >= uint64(den)-r), base < 0) // r ≥ den - r is 2r ≥ den without the overflow
}

// share is |base| × num / den with its remainder.
func share(base, num, den int64) (quotient, remainder uint64) {
	if num < 0 || den < 1 {
		panic(fmt.Sprintf("money: rate %d/%d", num, den))
	}
	hi, lo := bits.Mul64(magnitude(base), uint64(num))
	if hi >= uint64(den) {
		panic(fmt.Sprintf("money: %d × %d/%d does not fit", base, num, den))
	}
	quotient, remainder = bits.Div64(hi, lo, uint64(den))
	signed(quotient, base < 0) // refused here already, so that rounding up cannot wrap
	return quotient, remainder
}

func carry(up bool) uint64 {
	if up {
		return 1
	}
	return 0
}

func signed(v uint64, negative bool) int64 {
	if v > 1<<63 || v == 1<<63 && !negative {
		panic(fmt.Sprintf("money: share of %d does not fit", v))
	}
	if negative {
		return -int64(v)
	}
	return int64(v)
}
