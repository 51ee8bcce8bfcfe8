package match_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"sunfund/ledger/giving/match"
)

func givingDay(gifts int) match.Stream {
	return match.Stream{
		Seed: 99, Gifts: gifts, From: opening, Lasts: 14 * time.Hour, Campaigns: 500, Hot: 10, Donors: gifts / 3, Bots: gifts/2000 + 1, Currency: "CNY", Scale: 100,
	}
}

// The stream has 2020's shape: 7.4 % of all gifts in the first minute, half in the first half hour, 80 yuan each.
func TestStreamIsLikeAGivingDay(t *testing.T) {
	t.Parallel()
	const n = 60_000
	var last time.Time
	var sum int64
	minute, half, hot, bots := 0, 0, 0, 0
	donors := map[string]bool{}
	for g := range givingDay(n).All() {
		if g.PaidAt.Before(last) {
			t.Fatal("gifts go back in time")
		}
		last = g.PaidAt
		if after := g.PaidAt.Sub(opening); after < time.Minute {
			minute++
		} else if after >= 14*time.Hour {
			t.Fatalf("%s after the end", g.ID)
		}
		if g.PaidAt.Sub(opening) < 30*time.Minute {
			half++
		}
		if strings.HasPrefix(g.Donor, "bot-") {
			bots++
		} else {
			sum += g.Amount
		}
		var number int
		fmt.Sscanf(g.Campaign, "campaign-%d", &number)
		if number <= 10 {
			hot++
		}
		donors[g.Donor] = true
	}
	if minute != n*74/1000 || half != n/2 {
		t.Errorf("%d in the first minute, %d in the first half hour", minute, half)
	}
	if mean := sum / int64(n-bots); mean < 70*yuan || mean > 90*yuan || bots < n/35 || bots > n/25 || hot < n*55/100 || hot > n*70/100 || len(donors) < n/5 {
		t.Errorf("mean %d, %d by bots, %d to the hot ones, %d donors", mean, bots, hot, len(donors))
	}
	again, other := slices.Collect(givingDay(500).All()), givingDay(500)
	if other.Seed++; !reflect.DeepEqual(again, slices.Collect(givingDay(500).All())) || reflect.DeepEqual(again, slices.Collect(other.All())) {
		t.Error("the same stream is not the same, or another one is")
	}
}

func TestSimulateAGivingDay(t *testing.T) {
	t.Parallel()
	r := rule(t, func(t *match.Terms) {
		t.Pools = []match.Pool{pool("street", 60_000*yuan, "campaign-1", "campaign-2"), pool("city", 300_000*yuan), pool("night", 20_000*yuan)}
		t.Windows = append(t.Windows, match.Window{Name: "surprise", From: "2026-09-07T21:09", To: "2026-09-07T21:30"})
		t.Pools[1].Daily = "150000"
		t.Pools[2].Slices = []match.Slice{{Window: "surprise", Amount: "20000"}}
		t.Award = match.Formula{Between: &match.Between{Low: "0", High: "60"}}
		t.Caps = match.Caps{DonorDay: limit(999 * yuan), CampaignEvent: match.Limit{Percent: "5"}}
		t.Holds.PerMinute = 5
	})
	p := r.Simulate(seed, givingDay(40_000).All())
	if p.Gifts != 40_000 || p.Given == 0 || p.Held == 0 || p.Held > 40_000/30 || p.HeldSum == 0 {
		t.Errorf("%d gifts of %d, %d held for %d", p.Gifts, p.Given, p.Held, p.HeldSum)
	}
	var match1, byCampaign, used int64
	for _, c := range p.Campaigns {
		byCampaign += c.Match
		match1 = max(match1, c.Match)
	}
	for _, part := range p.Used {
		used += part.Amount
	}
	for _, part := range p.Left {
		used += part.Amount
	}
	if byCampaign != p.Match || used != r.Total() || match1 > r.Total()/20 || len(p.Campaigns) != 500 {
		t.Errorf("campaigns %d, match %d, used and left %d, highest %d", byCampaign, p.Match, used, match1)
	}
	ended := map[string]time.Duration{}
	for _, e := range p.Ends {
		ended[e.Pool+"/"+e.Slice+"/"+fmt.Sprint(e.Day != 0)] = e.At.Sub(opening)
	}
	if at, ok := ended["city//true"]; !ok || at <= 0 || at > 14*time.Hour {
		t.Errorf("ends: %v", ended)
	}
	for _, why := range []match.Reason{match.CapDonorDay, match.CapCampaign, match.PoolDay, match.HeldRate} {
		if !slices.ContainsFunc(p.Reasons, func(c match.ReasonCount) bool { return c.Reason == why && c.Gifts > 0 }) {
			t.Errorf("%s never happened: %v", why, p.Reasons)
		}
	}
	if again := r.Simulate(seed, givingDay(40_000).All()); !reflect.DeepEqual(p, again) {
		t.Error("the same day comes out differently")
	}
	end := rule(t, func(t *match.Terms) { shared(10_000*yuan, nil)(t) }).Simulate(seed, givingDay(2000).All())
	if end.Match != 10_000*yuan || len(end.Left) != 0 {
		t.Errorf("shared at the end: %d of 10,000.00, left %v", end.Match, end.Left)
	}
}

func BenchmarkDecide(b *testing.B) {
	r := rule(b, func(t *match.Terms) {
		t.Pools = []match.Pool{pool("street", 60*million, "campaign-1"), pool("city", 300*million), pool("firm", 20*million)}
		t.Pools[1].Daily = "150000000"
		t.Award = match.Formula{Between: &match.Between{Low: "0", High: "6"}}
		t.Caps = match.Caps{DonorDay: limit(999 * yuan), CampaignEvent: match.Limit{Percent: "10"}}
		t.Holds.PerMinute = 5
	})
	gifts := slices.Collect(givingDay(100_000).All())
	state := match.State{}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		state.Apply(r.Decide(state, seed, gifts[i%len(gifts)]).Changes)
	}
}
