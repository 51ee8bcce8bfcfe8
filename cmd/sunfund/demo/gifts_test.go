package demo

import (
	"testing"

	"sunfund/ledger/money"
)

func TestTheFirstCampaignsGiftsAddUp(t *testing.T) {
	t.Parallel()
	amounts, err := firstAmounts(412)
	if err != nil {
		t.Fatal(err)
	}
	var total, fees int64
	for _, a := range amounts {
		if a <= 0 {
			t.Errorf("a gift of %d", a)
		}
		total += a
		fees += money.HalfUpShare(a, 6, 1000)
	}
	if len(amounts) != 412 || total != 2750513 || fees != 16503 {
		t.Errorf("%d gifts, %d fen, fees %d", len(amounts), total, fees)
	}
}
