package match_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"sunfund/ledger/giving/match"
)

// The numbers were computed by another program, with hmac and hashlib of Python, from the description at Seed.Draw.
func TestDrawVectors(t *testing.T) {
	t.Parallel()
	s, err := match.ParseSeed("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	const commitment = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
	if s.Commitment() != commitment || !s.Opens(commitment) || seed.Opens(commitment) || s.Opens("") {
		t.Errorf("commitment %s", s.Commitment())
	}
	for _, v := range []struct {
		gift, label     string
		low, high, want int64
	}{
		{"gift-1", "base", 1, 6, 3}, {"gift-1", "bonus", 1, 6, 5}, {"gift-2", "base", 0, 999_999, 729_082},
		{"0192f0c4-5c7e-7d3a-9b1e-2f6a8d4c1e00", "boost", 3, 10, 6}, {"礼", "share", -5, 5, 1},
		{"gift-1", "base", 0, 3<<61 - 1, 5_770_784_435_403_573_929}, // its first number is thrown away
		{"gift-1", "base", 7, 7, 7},
	} {
		if got := s.Draw(v.gift, v.label, v.low, v.high); got != v.want {
			t.Errorf("%+v: %d", v, got)
		}
	}
	for _, text := range []string{"", "00", s.String() + "00", strings.Repeat("x", 64)} {
		if _, err := match.ParseSeed(text); !errors.Is(err, match.ErrSeed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Every number comes about as often; labels are independent of each other.
func TestDrawsAreFair(t *testing.T) {
	t.Parallel()
	const gifts = 8000
	var faces, pairs [8]int
	for n := range gifts {
		id := fmt.Sprint("fair-", n)
		base, boost := seed.Draw(id, "base", 3, 10), seed.Draw(id, "boost", 3, 10)
		faces[base-3]++
		pairs[(base-boost+8)%8]++
	}
	for i := range faces {
		for _, n := range []int{faces[i], pairs[i]} {
			if n < 850 || n > 1150 { // 1,000 ± five standard deviations
				t.Errorf("faces %v, differences %v", faces, pairs)
				return
			}
		}
	}
}
