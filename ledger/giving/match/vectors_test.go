package match_test

// Figures of giving days as they were published, each with its source. Amounts in fen or cents.

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sunfund/ledger/giving/match"
)

const yuan = 100
const million = 1_000_000 * yuan

func money(minor int64) string { return fmt.Sprintf("%d.%02d", minor/100, minor%100) }

func ratio(m, g int64) match.Formula { return match.Formula{Fixed: &match.Ratio{Match: m, Gift: g}} }

func pool(code string, minor int64, campaigns ...string) match.Pool {
	return match.Pool{Code: code, Funder: match.Name{ZH: "出资方" + code, EN: "Funder " + code}, Amount: money(minor), Campaigns: campaigns}
}

func limit(minor int64) match.Limit { return match.Limit{Amount: money(minor)} }

// lucky is a gift id whose draw of a label has a value.
func lucky(label string, low, high, value int64) string {
	for n := 0; ; n++ {
		if id := fmt.Sprint("lucky-", n); seed.Draw(id, label, low, high) == value {
			return id
		}
	}
}

// 99 Giving Day 2015: 99.99 m yuan 1:1 while it lasts.
func TestGivingDay2015(t *testing.T) {
	t.Parallel()
	d := start(t, rule(t, func(t *match.Terms) { t.Pools[0].Amount = "99990000" }))
	d.wants(gift(1, "a", "d1", 50*million), 50*million)
	d.wants(gift(2, "b", "d2", 50*million), 49_990_000*yuan, match.PoolEmpty)
}

// 99 Giving Day 2017 (公益时报 2017-09-12): opens at 09:00, 299.99 m yuan, 99.99 m a day; at 21:09 a surprise of 6.6666 m;
// five gifts a minute are taken for a machine's.
func TestGivingDay2017(t *testing.T) {
	t.Parallel()
	d := start(t, rule(t, func(t *match.Terms) {
		t.Windows = []match.Window{
			{Name: "days", From: "2017-09-07T00:00", To: "2017-09-10T00:00", Opens: "09:00"},
			{Name: "surprise", From: "2017-09-08T21:09", To: "2017-09-08T21:30"},
		}
		t.Pools = []match.Pool{pool("main", 299_990_000*yuan), pool("surprise", 6_666_600*yuan)}
		t.Pools[0].Daily = "99990000"
		t.Pools[1].Slices = []match.Slice{{Window: "surprise", Amount: "6666600"}}
		t.Holds.PerMinute = 5
	}))
	kept := start(t, rule(t, func(t *match.Terms) {
		t.Windows = append(t.Windows, match.Window{Name: "night", From: "2026-09-07T03:00", To: "2026-09-07T04:00"})
		t.Pools[0].Slices = []match.Slice{{Window: "night", Amount: "10"}}
	}))
	night := gift(-6*60, "a", "d", 15*yuan) // 04:00 is shut, 03:59 is not
	kept.wants(night, 0, match.WindowClosed)
	night.PaidAt = night.PaidAt.Add(-time.Minute)
	kept.wants(night, 10*yuan, match.SliceEmpty)
	shanghai := time.FixedZone("", 8*60*60)
	give := func(n, day, hour, minute int, minor int64) match.Gift {
		g := gift(n, "a", "d", minor)
		g.PaidAt = time.Date(2017, 9, day, hour, minute, 0, 0, shanghai)
		return g
	}
	d.wants(give(1, 7, 8, 59, 100), 0, match.WindowClosed)
	d.wants(give(2, 7, 9, 0, 100*million), 99_990_000*yuan, match.PoolDay)
	d.wants(give(3, 7, 21, 9, 100), 0, match.PoolDay)
	d.wants(give(4, 8, 9, 0, 99_990_000*yuan), 99_990_000*yuan)
	d.wants(give(5, 8, 21, 8, 100), 0, match.PoolDay)
	d.wants(give(6, 8, 21, 9, 7*million), 6_666_600*yuan, match.PoolDay)
	d.wants(give(7, 9, 9, 0, 100*million), 99_990_000*yuan, match.PoolDay)
	d.wants(give(8, 10, 0, 0, 100), 0, match.WindowClosed)
	if left := d.rule.Left(d.state); !slices.Equal(left, []match.Part{{Pool: "main", Amount: 20_000 * yuan}}) {
		t.Errorf("left: %v", left) // three quotas of 99.99 m are 299.97 m
	}
	for n := range 4 {
		if a := d.gives(give(20+n, 7, 10, 0, 100)); a.Held {
			t.Errorf("gift %d of a minute is held: %v", n+1, a.Reasons)
		}
	}
	fast := start(t, rule(t, func(t *match.Terms) { t.Holds.PerMinute = 5 }))
	for n := range 7 {
		g := gift(n, "a", "bot", 100)
		g.PaidAt = opening.Add(time.Duration(n) * 8 * time.Second)
		if a := fast.gives(g); a.Held != (n >= 4) || a.Total() != 100 {
			t.Errorf("gift %d: held %v, %v", n+1, a.Held, a.Reasons)
		}
	}
}

// 99 Giving Day 2018 (公益时报 2018-09-11): gifts from 1 yuan may be matched; flowers 0-38 none, 39-98 5-10 %, 99-198
// 10-30 % on top; 999 yuan a person and day, bonus included.
func TestGivingDay2018(t *testing.T) {
	t.Parallel()
	r := rule(t, func(t *match.Terms) {
		t.Pools[0].Amount = "1000000"
		t.Gifts.Min = "1"
		t.Award = match.Formula{Draw: &match.Draw{Base: "500"}}
		t.Boosts = []match.Boost{{Flowers: 39, Low: "0.05", High: "0.1", Step: "0.01"}, {Flowers: 99, Low: "0.1", High: "0.3", Step: "0.01"}}
		t.Caps.DonorDay = match.Limit{Amount: "999"}
	})
	seen := map[int64]map[int64]bool{}
	for _, flowers := range []int64{0, 38, 39, 98, 99, 198} {
		seen[flowers] = map[int64]bool{}
		for n := range 300 {
			g := gift(n, "a", fmt.Sprint("d", n), 100)
			g.Flowers = flowers
			seen[flowers][r.Decide(match.State{}, seed, g).Total()-500*yuan] = true
		}
	}
	for flowers, want := range map[int64][2]int64{0: {0, 0}, 38: {0, 0}, 39: {25, 50}, 98: {25, 50}, 99: {50, 150}, 198: {50, 150}} {
		for extra := range seen[flowers] {
			if extra < want[0]*yuan || extra > want[1]*yuan || extra%(5*yuan) != 0 {
				t.Errorf("%d flowers: extra %d", flowers, extra)
			}
		}
		if len(seen[flowers]) != int(want[1]-want[0])/5+1 {
			t.Errorf("%d flowers: only %d different bonuses", flowers, len(seen[flowers]))
		}
	}
	d := start(t, r)
	g := gift(1, "a", "d", 100)
	g.Flowers = 99
	first := d.gives(g).Total()
	g.ID = "again"
	d.wants(g, 999*yuan-first, match.CapDonorDay)
	d.wants(gift(3, "b", "d", 99), 0, match.BelowMin)
	d.wants(gift(3+24*60, "b", "d", 100), 500*yuan)

	may := rule(t, func(t *match.Terms) {
		t.Pools[0].Amount = "1000000"
		t.Award = match.Formula{Draw: &match.Draw{Base: "0", Chance: "25", Bonus: "5"}}
	})
	matched := 0
	for n := range 4000 {
		g := gift(1, "a", "d", 100)
		if g.ID = fmt.Sprint(n); may.Decide(match.State{}, seed, g).Total() == 500 {
			matched++
		}
	}
	if matched < 900 || matched > 1100 {
		t.Errorf("one in four gifts: %d of 4000", matched)
	}
}

// 99 Giving Day 2020 (公益时报 2020-07-14): invite 10 friends, reach 299 flowers, extra = base × 3 to 10. Published: gift 200,
// base 8, factor 5, extra 40, the project receives 248.
func TestGivingDay2020(t *testing.T) {
	t.Parallel()
	r := rule(t, func(t *match.Terms) {
		t.Pools[0].Amount = "299990000"
		t.Award = match.Formula{Draw: &match.Draw{Base: "8"}}
		t.Boosts = []match.Boost{{Invited: 10, Flowers: 299, Low: "3", High: "10", Step: "1"}}
	})
	g := gift(1, "a", "d", 200*yuan)
	g.ID, g.Invited, g.Flowers = lucky("boost", 3, 10, 5), 10, 299
	a := r.Decide(match.State{}, seed, g)
	if a.Total() != 48*yuan || g.Amount+a.Total() != 248*yuan || !slices.Equal(a.Drawn, []match.Drawn{{Label: "boost", Low: 3, High: 10, Value: 5}}) {
		t.Errorf("200, 8, 5: %+v", a)
	}
	for _, less := range []func(*match.Gift){func(g *match.Gift) { g.Invited = 9 }, func(g *match.Gift) { g.Flowers = 298 }} {
		g := g
		if less(&g); r.Decide(match.State{}, seed, g).Total() != 8*yuan {
			t.Errorf("%d friends, %d flowers are enough", g.Invited, g.Flowers)
		}
	}
	// 100 m unrestricted beside: 80 m for all, 10 m for projects with 1 m of public gifts, 10 m for joint bodies.
	gifts := []match.Gift{gift(1, "small", "d", million/2), gift(2, "big", "d", million), gift(3, "joint", "d", million/2)}
	layers := []*match.Rule{
		rule(t, shared(80*million, nil)),
		rule(t, func(t *match.Terms) { shared(10*million, nil)(t); t.Unlock.Raised = "1000000" }),
		rule(t, shared(10*million, []string{"joint"})),
	}
	got := map[string]int64{}
	for _, layer := range layers {
		for _, c := range layer.Settle(seed, gifts).Campaigns {
			got[c.Code] += c.Match
		}
	}
	if got["small"] != 20*million || got["big"] != 50*million || got["joint"] != 30*million {
		t.Errorf("layers: %v", got)
	}
}

func shared(minor int64, campaigns []string) func(*match.Terms) {
	return func(t *match.Terms) {
		t.Order = match.AtEnd
		t.Pools = []match.Pool{pool("pool", minor, campaigns...)}
		t.Award = match.Formula{Share: &match.Share{By: match.ByAmount}}
	}
}

// Tencent's step-giving (Go source of gongyi/yqz, and its SQL schema).
func TestStepGiving(t *testing.T) {
	t.Parallel()
	daily := func(change func(*match.Terms)) *match.Rule {
		return rule(t, func(t *match.Terms) { t.Gifts.First = match.FirstOfDonorDay; change(t) })
	}
	// "remaining": half-open intervals over what is left, a uniform draw between low and high; at most one a day.
	table := start(t, daily(func(t *match.Terms) {
		t.Pools[0].Amount = "100"
		t.Award = match.Formula{Remaining: &match.Remaining{Per: match.PerEvent, Rows: []match.Band{
			{From: "0", To: "50", Low: "1", High: "1"}, {From: "50", To: "100", Low: "2", High: "4"}, {From: "100", Low: "50", High: "50"},
		}}}
	}))
	table.wants(gift(1, "a", "d1", 1), 50*yuan)
	table.wants(gift(2, "a", "d1", 1), 0, match.NotFirst)
	if a := table.gives(gift(3, "a", "d2", 1)); a.Total() < 2*yuan || a.Total() > 4*yuan || a.Drawn[0].Label != "band-1" {
		t.Errorf("50 left: %+v", a)
	}
	table.wants(gift(4, "a", "d3", 1), 1*yuan)

	// "percent": p % bonus ± wave, else base ± wave; a base smaller than the wave is paid plainly.
	percent := daily(func(t *match.Terms) {
		t.Award = match.Formula{Draw: &match.Draw{Base: "0.05", Wave: "0.10", Chance: "30", Bonus: "3", BonusWave: "0.50"}}
	})
	bonus := 0
	for n := range 1000 {
		g := gift(1, "a", "d", 1)
		g.ID = fmt.Sprint(n)
		switch sum := percent.Decide(match.State{}, seed, g).Total(); {
		case sum == 5:
		case sum >= 250 && sum <= 350:
			bonus++
		default:
			t.Fatalf("gift %d: %d", n, sum)
		}
	}
	if bonus == 0 || bonus == 1000 {
		t.Errorf("%d bonuses", bonus)
	}

	// "combo": bonus when the days in a row are a multiple of the threshold; threshold 0 is a bonus daily.
	combo := func(every int) *day {
		return start(t, daily(func(t *match.Terms) {
			t.Windows[0] = match.Window{Name: "month", From: "2026-09-01T00:00", To: "2026-10-01T00:00"}
			t.Award = match.Formula{Streak: &match.Streak{Every: every, Base: "1", Bonus: "10"}}
		}))
	}
	three, daily0 := combo(3), combo(0)
	for i, step := range []struct{ day, pays int64 }{{0, 1}, {1, 1}, {2, 10}, {3, 1}, {5, 1}, {6, 1}, {7, 10}} {
		three.wants(gift(int(step.day)*24*60, "a", "d", 1), step.pays*yuan)
		daily0.wants(gift(int(step.day)*24*60, "a", "d", 1), 10*yuan)
		if i == 2 {
			three.wants(gift(int(step.day)*24*60+1, "a", "d", 1), 0, match.NotFirst)
		}
	}

	// "proportional to effort": a straight line in whole units, flat above; suspicious effort earns a penalty amount.
	effort := daily(func(t *match.Terms) {
		t.Award = match.Formula{Effort: &match.Effort{
			From: match.EffortPoint{Effort: 1000, Match: "0.10"}, To: match.EffortPoint{Effort: 10000, Match: "2.00"},
			Penalties: []match.EffortPoint{{Effort: 60000, Match: "0.02"}, {Effort: 90000, Match: "0"}},
		}}
	})
	for steps, want := range map[int64]int64{999: 0, 1000: 10, 1047: 10, 1048: 11, 5500: 105, 10000: 200, 59999: 200, 60000: 2, 90000: 0} {
		g := gift(1, "a", "d", 1)
		g.Effort = steps
		if got := effort.Decide(match.State{}, seed, g).Total(); got != want {
			t.Errorf("%d steps: %d, want %d", steps, got, want)
		}
	}
}

// A pet-rescue platform: 10:00 daily; the first half of the day's pool at 6:1 for gifts from 10 yuan, the second random.
func TestPetRescue(t *testing.T) {
	t.Parallel()
	d := start(t, rule(t, func(t *match.Terms) {
		t.Pools[0].Daily = "100"
		t.Gifts.Min = "10"
		t.Award = match.Formula{Stages: &match.Stages{Per: match.PerDay, Rows: []match.Stage{
			{Until: match.Limit{Percent: "50"}, Award: ratio(1, 6)},
			{Award: match.Formula{Draw: &match.Draw{Base: "5", Wave: "5"}}},
		}}}
	}))
	for today := range 2 {
		n := today * 24 * 60
		d.wants(gift(n, "a", "d", 999), 0, match.BelowMin)
		d.wants(gift(n+1, "a", "d", 24000), 4000)
		d.wants(gift(n+2, "a", "d", 9000), 1000, match.StageEnded)
		if a := d.gives(gift(n+3, "a", "d", 9000)); a.Total() > 1000 || len(a.Drawn) != 1 {
			t.Errorf("second half: %+v", a)
		}
	}
}
