package match_test

import "sunfund/ledger/giving/match"

// sample is a rule with every parameter of its kind in use.
type sample struct {
	name  string
	terms match.Terms
}

// samples are a rule of every kind.
func samples() []sample {
	var all []sample
	add := func(name string, change func(*match.Terms)) { all = append(all, sample{name, terms(change)}) }
	add("one to one while it lasts", nil)
	add("three funders, daily quota, surprise slot", func(t *match.Terms) {
		t.Windows = []match.Window{
			{Name: "days", From: "2026-09-07T00:00", To: "2026-09-10T00:00", Opens: "09:00", Closes: "23:30"},
			{Name: "surprise", From: "2026-09-08T21:09", To: "2026-09-08T21:30"},
		}
		t.Pools = []match.Pool{pool("street", 5000*yuan, "lunch", "home"), pool("city", 20_000*yuan), pool("firm", 5000*yuan, "lunch")}
		t.Pools[1].Daily, t.Pools[1].Slices = "6000", []match.Slice{{Window: "surprise", Amount: "2000"}}
		t.Pools[2].AtMost = "street"
		t.Award = ratio(1, 2)
		t.Gifts = match.Gifts{Min: "10", MaxCounted: "1000", Channels: []string{"wechat", "alipay"}, Campaigns: []string{"home", "lunch", "road"}, First: match.FirstOfDonorCampaign, NotFunders: true}
		t.Unlock = match.Goal{Raised: "300", Percent: "5", Donors: 3}
		t.Caps = match.Caps{
			Gift: limit(100 * yuan), DonorDay: limit(200 * yuan), DonorEvent: limit(300 * yuan),
			CampaignDay: match.Limit{Percent: "10"}, CampaignEvent: match.Limit{Percent: "25.5"}, Organisation: limit(15_000 * yuan),
		}
		t.Notice, t.Unspent, t.Refund = 10, match.RollOver, match.ToRest
		t.Holds = match.Holds{PerMinute: 5, Funder: true, Circular: true}
	})
	add("tiers by gift", func(t *match.Terms) {
		t.Award = match.Formula{Tiers: []match.Tier{{From: "50", Match: 0, Gift: 1}, {From: "100", Match: 20, Gift: 100}, {From: "500", Match: 30, Gift: 100}}}
		t.Gifts.First = match.FirstOfDonor
	})
	add("stages of the event", func(t *match.Terms) {
		t.Pools[0].Daily = "3000"
		t.Award = match.Formula{Stages: &match.Stages{Per: match.PerEvent, Rows: []match.Stage{{Until: limit(2000 * yuan), Award: ratio(1, 1)}, {Award: ratio(1, 10)}}}}
	})
	add("stages of the day", func(t *match.Terms) {
		t.Pools[0].Daily = "3000"
		t.Award = match.Formula{Stages: &match.Stages{Per: match.PerDay, Rows: []match.Stage{
			{Until: match.Limit{Percent: "50"}, Award: ratio(6, 1)},
			{Award: match.Formula{Draw: &match.Draw{Base: "5", Wave: "2", Chance: "10", Bonus: "50", BonusWave: "20"}}},
		}}}
		t.Gifts = match.Gifts{Min: "10", First: match.FirstOfDonorDay}
	})
	add("by what remains", func(t *match.Terms) {
		t.Pools[0].Daily = "3000"
		t.Award = match.Formula{Remaining: &match.Remaining{Per: match.PerEvent, Rows: []match.Band{{From: "0", To: "5000", Low: "0.5", High: "1"}, {From: "5000", Low: "1", High: "3"}}}}
	})
	add("by what remains of the day", func(t *match.Terms) {
		t.Pools[0].Daily = "3000"
		t.Award = match.Formula{Remaining: &match.Remaining{Per: match.PerDay, Rows: []match.Band{{From: "0", Low: "1", High: "3"}}}}
	})
	add("random share and flowers", func(t *match.Terms) {
		t.Award = match.Formula{Between: &match.Between{Low: "1", High: "12.5"}}
		t.Boosts = []match.Boost{{Flowers: 39, Low: "0.05", High: "0.1", Step: "0.01"}, {Invited: 10, Flowers: 299, Low: "3", High: "10", Step: "1"}}
		t.Caps.DonorDay = limit(999 * yuan)
	})
	add("streak", func(t *match.Terms) {
		t.Award = match.Formula{Streak: &match.Streak{Every: 3, Base: "1", Wave: "0.5", Bonus: "10", BonusWave: "5"}}
	})
	add("effort", func(t *match.Terms) {
		t.Award = match.Formula{Effort: &match.Effort{From: match.EffortPoint{Effort: 1000, Match: "0.1"}, To: match.EffortPoint{Effort: 10000, Match: "2"}, Penalties: []match.EffortPoint{{Effort: 60000, Match: "0.01"}}}}
	})
	add("second month", func(t *match.Terms) {
		t.Gifts.Recurring = 2
		t.Caps.Gift = limit(100 * yuan)
		t.Unspent = match.GiveAnyway
	})
	add("lump sum", func(t *match.Terms) {
		t.Award = match.Formula{Lump: &match.Lump{Amount: "500", Goal: match.Goal{Raised: "1000", Percent: "50", Donors: 20}}}
	})
	add("start-up lump sum", func(t *match.Terms) { t.Award = match.Formula{Lump: &match.Lump{Amount: "3000"}} })
	add("threshold at the end", func(t *match.Terms) { t.Order, t.Unlock = match.AtEnd, match.Goal{Raised: "500", Donors: 10} })
	add("pro rata", func(t *match.Terms) {
		shared(10_000*yuan, nil)(t)
		t.Award.Share.Most = &match.Ratio{Match: 2, Gift: 1}
	})
	add("quadratic", func(t *match.Terms) {
		shared(10_000*yuan, nil)(t)
		t.Pools = append(t.Pools, pool("home", 1000*yuan, "home"))
		t.Award.Share.By = match.Quadratic
		t.Caps.CampaignEvent.Percent = "20"
	})
	return all
}
