package money

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The households of 阳光相伴: 49,446.00 = 27,505.13 online + 21,940.87 from the street, over eleven.
func TestAllocateHouseholds(t *testing.T) {
	for _, c := range []struct {
		total, more, less int64
		first             int // how many get more
	}{
		{4944600, 449510, 449509, 1},
		{2750513, 250047, 250046, 7},
		{2194087, 199463, 199462, 5},
		{-2750513, -250047, -250046, 7},
	} {
		want := append(slices.Repeat([]int64{c.more}, c.first), slices.Repeat([]int64{c.less}, 11-c.first)...)
		if got := Allocate(c.total, slices.Repeat([]int64{3}, 11)); !slices.Equal(got, want) {
			t.Errorf("Allocate(%d) = %d, want %d", c.total, got, want)
		}
	}
}

func TestAllocate(t *testing.T) {
	const most = math.MaxInt64
	for _, c := range []struct {
		total   int64
		weights []int64
		want    []int64
	}{
		{100, []int64{1, 1, 1}, []int64{34, 33, 33}},
		{-100, []int64{1, 1, 1}, []int64{-34, -33, -33}},
		{100, []int64{0, 1, 0}, []int64{0, 100, 0}},
		{1, []int64{1, 2}, []int64{0, 1}},
		{2, []int64{1, 1, 1, 1}, []int64{1, 1, 0, 0}},
		{1111000000, []int64{40, 20, 30, 10}, []int64{444400000, 222200000, 333300000, 111100000}},
		{most, []int64{most}, []int64{most}},
		{math.MinInt64, []int64{most}, []int64{math.MinInt64}},
		{math.MinInt64, []int64{1, 1}, []int64{math.MinInt64 / 2, math.MinInt64 / 2}},
		{most, []int64{most, most, most}, []int64{most/3 + 1, most / 3, most / 3}},
		{0, []int64{0, 0}, []int64{0, 0}},
		{0, nil, []int64{}},
	} {
		if got := Allocate(c.total, c.weights); !slices.Equal(got, c.want) {
			t.Errorf("Allocate(%d, %d) = %d, want %d", c.total, c.weights, got, c.want)
		}
	}
	panics(t, "negative weight", func() { Allocate(1, []int64{2, -1}) })
	panics(t, "no weight", func() { Allocate(1, []int64{0}) })
	panics(t, "nobody", func() { Allocate(1, nil) })
}

func TestAllocateProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64().Draw(t, "total")
		weights := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 9), rapid.Int64Range(0, math.MaxInt64)), 1, 12).Draw(t, "weights")
		weights[0] = max(weights[0], 1)
		shares := Allocate(total, weights)

		var sum int64 // partial sums stay within total: all shares have its sign
		weightSum := new(big.Int)
		for i, s := range shares {
			if s > 0 && total < 0 || s < 0 && total > 0 {
				t.Fatalf("share %d has the wrong sign", s)
			}
			sum += s
			weightSum.Add(weightSum, big.NewInt(weights[i]))
		}
		if sum != total {
			t.Fatalf("sum %d, want %d", sum, total)
		}
		for i := range shares {
			// |share × Σweights − total × weight| < Σweights: no share is a whole unit away from its exact value.
			off := new(big.Int).Mul(big.NewInt(shares[i]), weightSum)
			off.Sub(off, new(big.Int).Mul(big.NewInt(total), big.NewInt(weights[i])))
			if off.CmpAbs(weightSum) >= 0 {
				t.Fatalf("share %d of %d is a unit or more off", shares[i], total)
			}
			for j := range shares {
				if weights[i] > weights[j] && magnitude(shares[i]) < magnitude(shares[j]) {
					t.Fatalf("weight %d got %d, weight %d got %d", weights[i], shares[i], weights[j], shares[j])
				}
				if weights[i] == weights[j] && i < j && magnitude(shares[i]) < magnitude(shares[j]) {
					t.Fatalf("tie at %d and %d went to the later", i, j)
				}
			}
		}
		if total != math.MinInt64 {
			for i, s := range Allocate(-total, weights) {
				if s != -shares[i] {
					t.Fatalf("the negative total is not the mirror image")
				}
			}
		}
	})
}

func TestShares(t *testing.T) {
	for _, c := range []struct {
		base, num, den     int64
		floor, ceil, round int64
	}{
		{2750513, 6, 1000, 16503, 16504, 16503}, // 0.6 % of 27,505.13
		{2750513, 5, 100, 137525, 137526, 137526},
		{10000, 6, 1000, 60, 60, 60},
		{250, 1, 100, 2, 3, 3},
		{-250, 1, 100, -3, -2, -3},
		{-2750513, 6, 1000, -16504, -16503, -16503},
		{249, 1, 100, 2, 3, 2},
		{0, 6, 1000, 0, 0, 0},
		{100, 0, 1, 0, 0, 0},
		{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{math.MinInt64, 1, 1, math.MinInt64, math.MinInt64, math.MinInt64},
	} {
		if f, u, r := FloorShare(c.base, c.num, c.den), CeilShare(c.base, c.num, c.den), HalfUpShare(c.base, c.num, c.den); f != c.floor || u != c.ceil || r != c.round {
			t.Errorf("%d × %d/%d: floor %d, ceil %d, half up %d; want %d, %d, %d", c.base, c.num, c.den, f, u, r, c.floor, c.ceil, c.round)
		}
	}
	panics(t, "rate below zero", func() { FloorShare(1, -1, 1) })
	panics(t, "no denominator", func() { FloorShare(1, 1, 0) })
	panics(t, "over int64", func() { CeilShare(math.MaxInt64, 2, 1) })
	panics(t, "over uint64", func() { HalfUpShare(math.MaxInt64, 5, 1) })
	panics(t, "one over int64", func() { HalfUpShare(math.MaxInt64, math.MaxInt64, math.MaxInt64-1) })
}

func TestSharesAgainstRationals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Int64().Draw(t, "base")
		den := rapid.Int64Range(1, math.MaxInt64).Draw(t, "den")
		num := rapid.Int64Range(0, den).Draw(t, "num")
		exact := new(big.Int).Mul(big.NewInt(base), big.NewInt(num))
		d := big.NewInt(den)

		floor := new(big.Int).Div(exact, d) // Euclidean, which is the floor for a positive divisor
		ceil := new(big.Int).Neg(new(big.Int).Div(new(big.Int).Neg(exact), d))
		twice := new(big.Int).Abs(exact)
		twice.Add(twice.Lsh(twice, 1), d)
		round := twice.Div(twice, new(big.Int).Lsh(d, 1))
		if base < 0 {
			round.Neg(round)
		}
		if got := FloorShare(base, num, den); got != floor.Int64() {
			t.Fatalf("floor %d, want %s", got, floor)
		}
		if got := CeilShare(base, num, den); got != ceil.Int64() {
			t.Fatalf("ceil %d, want %s", got, ceil)
		}
		if got := HalfUpShare(base, num, den); got != round.Int64() {
			t.Fatalf("half up %d, want %s", got, round)
		}
	})
}

func ExampleAllocate() {
	fmt.Println(Allocate(10000, []int64{1, 1, 1}))
	// Output: [3334 3333 3333]
}

func ExampleHalfUpShare() {
	fee := HalfUpShare(2750513, 6, 1000) // 0.6 %
	fmt.Println(Format(fee, "CNY"))
	// Output: 165.03
}
