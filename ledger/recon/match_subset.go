package recon

import (
	"cmp"
	"slices"
	"strings"
)

// subset looks for the amounts that add up to a target, all of one sign. It tells their places, and how many sets there are: none, one, or 2 for more than
// one. More than bucketMax amounts are not looked at: that counts as more than one, as it may be. Meet in the middle: all sums of one half, sorted, are
// searched for what each sum of the other half lacks.
func subset(target int64, amounts []int64) (places []int, sets int) {
	if len(amounts) > bucketMax {
		return nil, 2
	}
	half := len(amounts) / 2
	left, right := halfSums(amounts[:half]), halfSums(amounts[half:])
	slices.SortFunc(right, func(a, b halfSum) int { return cmp.Compare(a.sum, b.sum) })
	var mask int
	for _, l := range left {
		at, found := slices.BinarySearchFunc(right, target-l.sum, func(s halfSum, want int64) int { return cmp.Compare(s.sum, want) })
		if !found {
			continue
		}
		if sets > 0 || at+1 < len(right) && right[at+1].sum == right[at].sum {
			return nil, 2
		}
		sets, mask = 1, l.mask|right[at].mask<<half
	}
	for i := range amounts {
		if mask&(1<<i) != 0 {
			places = append(places, i)
		}
	}
	return places, sets
}

type halfSum struct {
	sum  int64
	mask int
}

// halfSums are the sums of all sets of some amounts, at most 2 to the 12th.
func halfSums(amounts []int64) []halfSum {
	sums := make([]halfSum, 1, 1<<len(amounts))
	for i, a := range amounts {
		for _, s := range sums {
			sums = append(sums, halfSum{s.sum + a, s.mask | 1<<i})
		}
	}
	return sums
}

// nearTo is how many letters of a number are enough for one of them to be wrong.
const nearTo = 6

// nearly tells in how many letters two numbers differ (one changed, left out, put in, or two neighbours swapped count one each), and whether that is so few
// that one may be meant for the other: one in six. Case and what is no letter or digit do not count.
func nearly(a, b string) (int, bool) {
	x, y := plain(a), plain(b)
	most := min(len(x), len(y)) / nearTo
	if most == 0 || max(len(x), len(y))-min(len(x), len(y)) > most {
		return 0, false
	}
	rows := [3][]int{make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(x); i++ {
		before, last, now := rows[0], rows[1], rows[2]
		now[0] = i
		for j := 1; j <= len(y); j++ {
			wrong := 1
			if x[i-1] == y[j-1] {
				wrong = 0
			}
			now[j] = min(last[j]+1, now[j-1]+1, last[j-1]+wrong)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				now[j] = min(now[j], before[j-2]+1)
			}
		}
		rows = [3][]int{last, now, before}
	}
	d := rows[1][len(y)]
	return d, d <= most
}

// plain keeps the first 80 letters and digits of a number, in capitals.
func plain(s string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return -1
	}, s)
	return kept[:min(len(kept), 80)]
}
