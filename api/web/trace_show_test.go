package web

import (
	"testing"

	"sunfund/ledger/projects/trace"
)

// The page of a gift lists so many uses; the rest is one sum.
func TestUsesOfAGiftAreCutAtASum(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, usesShown, usesShown + 1, 3 * usesShown} {
		all := make([]trace.Use, n)
		for i := range all {
			all[i].Amount = int64(i + 1)
		}
		first, more, rest := firstUses(all)
		sum := rest
		for _, u := range first {
			sum += u.Amount
		}
		if len(first)+more != n || len(first) > usesShown || sum != int64(n*(n+1)/2) {
			t.Errorf("%d uses: %d shown, %d more of %d", n, len(first), more, rest)
		}
	}
}
