package match_test

// Western giving days, shared pools, streets and community funds; each figure with its source.

import (
	"fmt"
	"testing"
	"time"

	"sunfund/ledger/giving/match"
)

// 99 Giving Day 2016 and later: several funders one after the other; notice; a pool for a region; personal quotas; teams.
func TestGivingDayPools(t *testing.T) {
	t.Parallel()
	// 2016 (Chengdu Daily 2016-09-19): 199.99 m and 101 m from companies, ten days of public notice.
	d := start(t, rule(t, func(t *match.Terms) {
		t.Pools = []match.Pool{pool("tencent", 199_990_000*yuan), pool("companies", 101*million)}
		t.Notice = 10
	}))
	a := d.gives(gift(1, "a", "d", 200*million))
	if fmt.Sprint(a.Parts) != fmt.Sprint([]match.Part{{Pool: "tencent", Amount: 199_990_000 * yuan}, {Pool: "companies", Amount: 10_000 * yuan}}) {
		t.Errorf("2016: %v", a.Parts)
	}
	// 2022 (gongyidaobao.cn): Henan has 50 m of its own.
	d = start(t, rule(t, func(t *match.Terms) {
		t.Pools = []match.Pool{pool("henan", 50*million, "zhengzhou"), pool("all", 300*million)}
	}))
	d.wants(gift(1, "elsewhere", "d", 260*million), 260*million)
	d.wants(gift(2, "zhengzhou", "d", 100*million), 90*million, match.PoolEmpty)
	// 2024 (gudianfeng.com): a monthly donor's personal quota of 299 yuan.
	d = start(t, rule(t, func(t *match.Terms) {
		t.Gifts.Recurring, t.Caps.DonorEvent = 2, limit(299*yuan)
	}))
	monthly := gift(1, "a", "d", 200*yuan)
	d.wants(monthly, 0, match.NotRecurring)
	monthly.Recurring = 2
	d.wants(monthly, 200*yuan)
	d.wants(monthly, 99*yuan, match.CapDonor)
	// 2025 (gd.huaxia.com): a team gift must reach its target.
	d = start(t, rule(t, func(t *match.Terms) { t.Unlock.Percent = "100" }))
	for n, want := range []int64{0, 0, 400 * yuan} {
		g := gift(n, "team", "d", 400*yuan)
		g.Goal = 1200 * yuan
		if want == 0 {
			d.wants(g, 0, match.Locked)
		} else {
			d.wants(g, want)
		}
	}
	// 2023 (dawenge.com 612445): 27 m on 234 m of gifts, about 11.5 %.
	o := rule(t, shared(27*million, nil)).Settle(seed, []match.Gift{gift(1, "a", "d", 1000*yuan), gift(2, "b", "e", 234*million-1000*yuan)})
	if got := o.Campaigns[0].Match; got != 11538 {
		t.Errorf("2023: 1,000 gets %d", got)
	}
	// Zhenjiang 2020: 2.15 m of gifts, 136,800 from Tencent and 97,000 from the province.
	o = rule(t, func(t *match.Terms) {
		shared(136_800*yuan, nil)(t)
		t.Pools = append(t.Pools, pool("province", 97_000*yuan))
	}).Settle(seed, []match.Gift{gift(1, "zhenjiang", "d", 2_150_000*yuan)})
	if got := o.Campaigns[0].Match; got != 233_800*yuan || len(o.Awards[0].Parts) != 2 {
		t.Errorf("Zhenjiang: %+v", o.Awards[0])
	}
}

// Facebook's and Meta's Giving Tuesday.
func TestFacebook(t *testing.T) {
	t.Parallel()
	dollars := func(pool int64, award match.Formula, caps match.Caps) *day {
		return start(t, rule(t, func(t *match.Terms) {
			t.Currency, t.Zone = "USD", "America/New_York"
			t.Windows = []match.Window{{Name: "tuesday", From: "2026-09-06T08:00", To: "2026-09-10T00:00"}}
			t.Pools[0].Amount = money(pool)
			t.Award, t.Caps = award, caps
		}))
	}
	n := 0
	give := func(button, charity, donor string, cents int64) match.Gift {
		n++
		g := gift(n, button, donor, cents)
		g.Organisation, g.Currency = charity, "USD"
		return g
	}
	// 2017 (digitaltrends.com): 2 m, 1,000 per button, 50,000 per charity.
	d := dollars(2*million, ratio(1, 1), match.Caps{CampaignEvent: limit(1000 * yuan), Organisation: limit(50_000 * yuan)})
	for button := range 51 {
		want, why := int64(1000*yuan), []match.Reason{match.CapCampaign}
		if button == 50 {
			want, why = 0, []match.Reason{match.CapCampaign, match.CapOrg}
		}
		d.wants(give(fmt.Sprint("b", button), "charity", "d", 1500*yuan), want, why...)
	}
	// 2018 (intercom.help/networkforgood): 7 m, 250,000 per charity, 20,000 per donor.
	d = dollars(7*million, ratio(1, 1), match.Caps{DonorEvent: limit(20_000 * yuan), Organisation: limit(250_000 * yuan)})
	d.wants(give("a", "charity", "d0", 30_000*yuan), 20_000*yuan, match.CapDonor)
	for donor := 1; donor < 12; donor++ {
		d.wants(give("a", "charity", fmt.Sprint("d", donor), 20_000*yuan), 20_000*yuan)
	}
	d.wants(give("a", "charity", "d12", 20_000*yuan), 10_000*yuan, match.CapOrg)
	// 2019: 100,000 per charity.
	d = dollars(7*million, ratio(1, 1), match.Caps{DonorEvent: limit(20_000 * yuan), Organisation: limit(100_000 * yuan)})
	for donor := range 5 {
		d.wants(give("a", "charity", fmt.Sprint("d", donor), 20_000*yuan), 20_000*yuan)
	}
	d.wants(give("a", "charity", "d5", 100), 0, match.CapOrg)
	// 2020: the first 2 m of gifts at 100 %, the next 50 m at 10 %: 7 m. 2021: 2 m at 100 %, then 6 m at 10 %, of 8 m.
	tiers := match.Formula{Stages: &match.Stages{Per: match.PerEvent, Rows: []match.Stage{{Until: limit(2 * million), Award: ratio(1, 1)}, {Award: ratio(1, 10)}}}}
	d = dollars(7*million, tiers, match.Caps{})
	d.wants(give("a", "x", "d", 1_999_990*yuan), 1_999_990*yuan)
	d.wants(give("a", "x", "d", 110*yuan), 20*yuan) // ten at 100 %, a hundred at 10 %
	d.wants(give("a", "x", "d", 49_999_900*yuan), 4_999_990*yuan)
	d.wants(give("a", "x", "d", 100*yuan), 0, match.PoolEmpty)
	d = dollars(8*million, tiers, match.Caps{})
	d.wants(give("a", "x", "d", 2*million), 2*million)
	d.wants(give("a", "x", "d", 60*million), 6*million)
	d.wants(give("a", "x", "d", 100*yuan), 0, match.PoolEmpty)
	// Meta 2022 (forum-bots.effectivealtruism.org): the second payment of a monthly gift, up to 100.
	d = start(t, rule(t, func(t *match.Terms) { t.Gifts.Recurring, t.Caps.Gift = 2, limit(100*yuan) }))
	g := gift(1, "a", "d", 150*yuan)
	for g.Recurring = 0; g.Recurring < 4; g.Recurring++ {
		if g.Recurring == 2 {
			d.wants(g, 100*yuan, match.CapGift)
		} else {
			d.wants(g, 0, match.NotRecurring)
		}
	}
}

// GlobalGiving's bonus day 2024: 100-499 20 %, 500-749 30 %, 750-1,000 40 %, only the first 1,000 of a gift, one gift per
// donor and charity, 2,000 match per charity, from 09:00.
func TestGlobalGiving(t *testing.T) {
	t.Parallel()
	d := start(t, rule(t, func(t *match.Terms) {
		t.Windows[0].Opens = "09:00"
		t.Award = match.Formula{Tiers: []match.Tier{{From: "100", Match: 20, Gift: 100}, {From: "500", Match: 30, Gift: 100}, {From: "750", Match: 40, Gift: 100}}}
		t.Gifts = match.Gifts{MaxCounted: "1000", First: match.FirstOfDonorCampaign}
		t.Caps.CampaignEvent = limit(2000 * yuan)
	}))
	n := 0
	for _, c := range []struct{ gift, match int64 }{{9999, 0}, {10000, 2000}, {49999, 9999}, {50000, 15000}, {74999, 22499}, {75000, 30000}, {100000, 40000}} {
		n++
		if c.match == 0 {
			d.wants(gift(n, fmt.Sprint("c", n), "d", c.gift), 0, match.NoAward)
		} else {
			d.wants(gift(n, fmt.Sprint("c", n), "d", c.gift), c.match)
		}
	}
	d.wants(gift(20, "x", "d", 150000), 40000, match.MaxCounted)
	d.wants(gift(21, "x", "d", 100000), 0, match.NotFirst)
	for donor := range 4 {
		d.wants(gift(22+donor, "x", fmt.Sprint("e", donor), 100000), 40000)
	}
	d.wants(gift(30, "x", "last", 100000), 0, match.CapCampaign)
}

// Big Give (biggive.org): pledges are used before the champion's money, which is at most as much; each charity has its own;
// 1:1; a pledger cannot be the online donor; 5,000 per gift (2018).
func TestBigGive(t *testing.T) {
	t.Parallel()
	big := func(t *match.Terms) {
		t.Currency, t.Zone = "GBP", "Europe/London"
		t.Pools = []match.Pool{pool("pledges-a", 20_000*yuan, "a"), pool("champion-a", 20_000*yuan, "a"), pool("pledges-b", 1000*yuan, "b"), pool("champion-b", 500*yuan, "b")}
		t.Pools[1].AtMost, t.Pools[3].AtMost = "pledges-a", "pledges-b"
		t.Gifts = match.Gifts{MaxCounted: "5000", NotFunders: true}
	}
	d := start(t, rule(t, big))
	pays := func(n int, campaign string, pounds int64, parts ...match.Part) {
		t.Helper()
		g := gift(n, campaign, "d", pounds*yuan)
		g.Currency, g.PaidAt = "GBP", opening.Add(8*time.Hour)
		if a := d.gives(g); fmt.Sprint(a.Parts) != fmt.Sprint(parts) {
			t.Errorf("%s %d: %v %v, want %v", campaign, pounds, a.Parts, a.Reasons, parts)
		}
	}
	pays(1, "b", 900, match.Part{Pool: "pledges-b", Amount: 900 * yuan})
	pays(2, "b", 900, match.Part{Pool: "pledges-b", Amount: 100 * yuan}, match.Part{Pool: "champion-b", Amount: 500 * yuan})
	pays(3, "b", 900)
	pays(4, "c", 900)
	for n := range 8 {
		code := "pledges-a"
		if n >= 4 {
			code = "champion-a"
		}
		pays(10+n, "a", 6000, match.Part{Pool: code, Amount: 5000 * yuan})
	}
	pledger := gift(30, "a", "d", 100)
	pledger.Currency, pledger.Funder, pledger.PaidAt = "GBP", true, opening.Add(8*time.Hour)
	d.wants(pledger, 0, match.FromFunder)
	t.Run("champion above the pledges", func(t *testing.T) {
		over := terms(big)
		over.Pools[3].Amount = "1000.01"
		if _, err := match.New(over); err == nil {
			t.Error("taken")
		}
	})
}

// Colorado (coloradogives.org): 10,000 of 10 m from 1 m is 1,000. North Texas (northtexasgivingday.zendesk.com): pool ÷ eligible
// total is the rate, 1 m over 10 m is 0.10; a gift counts up to 10,000.
func TestProRata(t *testing.T) {
	t.Parallel()
	o := rule(t, shared(million, nil)).Settle(seed, []match.Gift{gift(1, "a", "d", 10_000*yuan), gift(2, "b", "d", 9_990_000*yuan)})
	if o.Campaigns[0].Match != 1000*yuan || o.Campaigns[1].Match != 999_000*yuan || o.Awards[0].Total() != 1000*yuan {
		t.Errorf("Colorado: %+v", o.Campaigns)
	}
	texas := rule(t, func(t *match.Terms) { shared(million, nil)(t); t.Gifts.MaxCounted = "10000" })
	var gifts []match.Gift
	for n := range 800 { // counted: 800 × 10,000 and 200 × 10,000
		gifts = append(gifts, gift(n%100, "a", fmt.Sprint(n), int64(10_000+n)*yuan))
		gifts[n].ID = fmt.Sprint(n)
	}
	for n := range 200 {
		gifts = append(gifts, gift(200, fmt.Sprint("c", n), "d", 10_000*yuan))
		gifts[800+n].ID = fmt.Sprint(800 + n)
	}
	o = texas.Settle(seed, gifts)
	if o.Campaigns[0].Match != 800_000*yuan || o.Campaigns[7].Match != 1000*yuan {
		t.Errorf("North Texas: %+v", o.Campaigns[0])
	}
	for i, a := range o.Awards {
		if a.Total() != a.Counted/10 {
			t.Fatalf("gift %s: %d of %d", o.Gifts[i].ID, a.Total(), a.Counted)
		}
	}
}

// Giveth (giveth-dapps-v2#2886): quadratic, pool 10,000, cap 20 %: 2,000 each, what is above is shared again; grants-stack#978
// keeps the uncapped figure and a flag.
func TestQuadratic(t *testing.T) {
	t.Parallel()
	r := rule(t, func(t *match.Terms) {
		shared(10_000*yuan, nil)(t)
		t.Award.Share.By = match.Quadratic
		t.Caps.CampaignEvent.Percent = "20"
	})
	var gifts []match.Gift
	n := 0
	given := func(campaign string, donors int, fen int64) {
		for range donors {
			n++
			gifts = append(gifts, gift(n, campaign, fmt.Sprint("d", n), fen))
		}
	}
	// Weights (Σ√)²: ten donors of 1 yuan 100², four of 4 yuan 80², one of 64 yuan 80², and three small ones 20², 10², 10².
	given("a", 10, 100)
	given("b", 4, 400)
	given("c", 1, 6400)
	given("d", 1, 400)
	given("e", 1, 100)
	given("f", 1, 100)
	o := r.Settle(seed, gifts)
	// Of 234 parts a has 100, b and c 64 each, d 4, e and f 1 each: 4,273.50, 2,735.04 twice, 170.94, 42.74 twice. Three are cut
	// to 2,000. Of the 4,000 left d would get 2,666.67 and is cut too; the last 2,000 are 1,000 each for e and f.
	want := map[string]int64{"a": 2000, "b": 2000, "c": 2000, "d": 2000, "e": 1000, "f": 1000}
	for _, c := range o.Campaigns {
		if c.Match != want[c.Code]*yuan || c.Saturated != (c.Code < "d") {
			t.Errorf("%s: %d, saturated %v, uncapped %d", c.Code, c.Match, c.Saturated, c.Uncapped)
		}
	}
	if o.Campaigns[0].Uncapped != 427350 || o.Campaigns[3].Uncapped != 17094 {
		t.Errorf("uncapped: %d, %d", o.Campaigns[0].Uncapped, o.Campaigns[3].Uncapped)
	}
	// One donor's gifts count together: four times 1 yuan weigh as one of 4 yuan.
	split := gifts[:0:0]
	for i, g := range gifts {
		if g.Campaign == "d" {
			for part := range 4 {
				g.ID, g.Amount = fmt.Sprint(i, "-", part), 100
				split = append(split, g)
			}
			continue
		}
		split = append(split, g)
	}
	for i, c := range r.Settle(seed, split).Campaigns {
		if c.Match != o.Campaigns[i].Match || c.Uncapped != o.Campaigns[i].Uncapped {
			t.Errorf("split gifts change %s: %+v", c.Code, c)
		}
	}
	// A money cap, and what nobody has room for stays.
	money := rule(t, func(t *match.Terms) {
		shared(10_000*yuan, nil)(t)
		t.Award.Share.By = match.Quadratic
		t.Caps.CampaignEvent = limit(1500 * yuan)
	})
	o = money.Settle(seed, gifts)
	if left := money.Left(o.State); len(left) != 1 || left[0].Amount != 1000*yuan {
		t.Errorf("left: %v", left)
	}
}

// Goteo "criteria" (CriteriaInvestMatcherProcessor.php): one fixed payment once (share of goal or amount) and donors are there.
// Shimen'er Road 2017: a building with 500 yuan gets the street's top-up. Daya Bay 2022: 50,000 for each pilot fund.
func TestLumps(t *testing.T) {
	t.Parallel()
	lump := func(amount int64, goal match.Goal) *day {
		return start(t, rule(t, func(t *match.Terms) {
			t.Pools[0].Amount = "120000"
			t.Award = match.Formula{Lump: &match.Lump{Amount: money(amount), Goal: goal}}
		}))
	}
	goteo := lump(300*yuan, match.Goal{Percent: "50", Raised: "900", Donors: 2})
	given := func(n int, campaign, donor string, minor int64) match.Gift {
		g := gift(n, campaign, donor, minor)
		g.Goal = 1000 * yuan
		return g
	}
	goteo.wants(given(1, "a", "d1", 600*yuan), 0, match.Locked)
	goteo.wants(given(2, "a", "d1", 100*yuan), 0, match.Locked)
	goteo.wants(given(3, "a", "d2", 1), 300*yuan)
	goteo.wants(given(4, "a", "d3", 100), 0, match.LumpPaid)

	building := lump(200*yuan, match.Goal{Raised: "500"})
	building.wants(gift(1, "9", "d1", 499_99), 0, match.Locked)
	building.wants(gift(2, "9", "d2", 1), 200*yuan)
	// One building: 70 of 81 households, 305.7 yuan each.
	end := rule(t, func(t *match.Terms) {
		t.Order, t.Unlock = match.AtEnd, match.Goal{Raised: "500", Donors: 70}
		t.Pools[0].Amount = "50000"
	})
	var gifts []match.Gift
	for n := range 70 {
		gifts = append(gifts, gift(n, "building", fmt.Sprint("flat-", n), 305_70))
	}
	o := end.Settle(seed, append(gifts, gift(99, "other", "flat-1", 499_99)))
	if total := o.State[match.Key{Kind: match.PoolUsed, A: "main"}]; total != 70*305_70 {
		t.Errorf("threshold at the end: %d", total) // 21,399.00: all gifts of the building, none of the other
	}

	daya := lump(50_000*yuan, match.Goal{})
	daya.wants(gift(1, "pilot-1", "d", 1), 50_000*yuan)
	daya.wants(gift(2, "pilot-1", "d", 1), 0, match.LumpPaid)
	daya.wants(gift(3, "pilot-2", "d", 1), 50_000*yuan)
	daya.wants(gift(4, "pilot-3", "d", 1), 20_000*yuan, match.PoolEmpty)
}

// Shipingqiao 2020: layers on each other: the street's old fund over 200,000, the city 600,000, the district 200,000, fifty firms
// 360,000. Each layer is a rule of its own on the same gifts. Wuhan 2023: match at once and a reward besides.
func TestLayers(t *testing.T) {
	t.Parallel()
	var sum int64
	for name, amount := range map[string]int64{"street": 200_000, "city": 600_000, "district": 200_000, "firms": 360_000} {
		layer := rule(t, func(t *match.Terms) {
			t.Pools = []match.Pool{pool(name, amount*yuan)}
			t.Award = match.Formula{Lump: &match.Lump{Amount: money(amount * yuan)}}
		})
		sum += start(t, layer).gives(gift(1, "shipingqiao", "d", 100)).Total()
	}
	if sum != 1_360_000*yuan {
		t.Errorf("layers: %d", sum)
	}
	atOnce := start(t, rule(t, nil))
	reward := start(t, rule(t, func(t *match.Terms) {
		t.Award = match.Formula{Lump: &match.Lump{Amount: "500", Goal: match.Goal{Raised: "1000"}}}
	}))
	atOnce.wants(gift(1, "fund", "d", 600*yuan), 600*yuan)
	reward.wants(gift(1, "fund", "d", 600*yuan), 0, match.Locked)
	atOnce.wants(gift(2, "fund", "d", 600*yuan), 600*yuan)
	reward.wants(gift(2, "fund", "d", 600*yuan), 500*yuan)
}
