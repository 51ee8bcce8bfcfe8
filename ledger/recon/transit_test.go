package recon

import (
	"slices"
	"testing"
)

// What arrives is set against what was sent in the same amount, else against the oldest; the rest is still on its way.
func TestSettle(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ moved, open []int64 }{
		{[]int64{100, -100}, nil},
		{[]int64{100, 30, -30}, []int64{100}},
		{[]int64{100, 30, -40}, []int64{60, 30}},
		{[]int64{100, 30, -120}, []int64{10}},
		{[]int64{100, 30, -50, -80}, nil},
		{[]int64{100, 30, -150}, []int64{-20}},
		{[]int64{-40, 15}, []int64{-25}},
	} {
		var open []Transit
		for _, amount := range c.moved {
			open = settle(open, Transit{Amount: amount})
		}
		var got []int64
		for _, o := range open {
			got = append(got, o.Amount)
		}
		if !slices.Equal(got, c.open) {
			t.Errorf("%v leaves %v, not %v", c.moved, got, c.open)
		}
	}
}
