package demo

import (
	"slices"
	"testing"
	"time"

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

// Whenever a demo is made, one can give.
func TestSomeCampaignsAlwaysRun(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("Asia/Shanghai", 8*3600)
	for _, now := range []time.Time{time.Date(2026, 11, 22, 0, 0, 0, 0, zone), time.Date(2026, 12, 31, 23, 59, 0, 0, zone), time.Date(2028, 2, 29, 0, 0, 0, 0, zone)} {
		var running []string
		for _, c := range campaigns(zone, now) {
			if !c.OpensAt.After(now) && c.ClosesAt.After(now.AddDate(0, 1, 0)) {
				running = append(running, c.Slug)
			}
		}
		if !slices.Contains(running, "elder-lunch") || !slices.Contains(running, "everyday") {
			t.Errorf("at %s only %q run", now, running)
		}
	}
}
