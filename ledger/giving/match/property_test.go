package match_test

import (
	"fmt"
	"maps"
	"math/rand"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sunfund/ledger/giving/match"
)

// anyRule mixes the parameters of the language; small figures, so that everything runs out.
func anyRule(t *rapid.T) *match.Rule {
	pick := func(name string, texts ...string) string { return rapid.SampledFrom(texts).Draw(t, name) }
	chance := func(name string) bool { return rapid.Bool().Draw(t, name) }
	cap := func(name string) match.Limit {
		switch rapid.IntRange(0, 3).Draw(t, name) {
		case 0:
			return match.Limit{Amount: pick(name, "0.07", "5", "50", "120.5")}
		case 1:
			return match.Limit{Percent: pick(name, "10", "33.3333")}
		}
		return match.Limit{}
	}
	goal := func(name string) match.Goal {
		return match.Goal{Raised: pick(name, "", "20", "100"), Percent: pick(name, "", "", "15"), Donors: rapid.IntRange(0, 3).Draw(t, name)}
	}
	simple := func(name string) match.Formula {
		switch rapid.IntRange(0, 6).Draw(t, name) {
		case 0:
			return match.Formula{Tiers: []match.Tier{{From: "1", Match: 1, Gift: 3}, {From: "20", Match: 0, Gift: 1}, {From: "30", Match: 2, Gift: 1}}}
		case 1:
			return match.Formula{Draw: &match.Draw{Base: pick(name, "0", "3", "8"), Wave: pick(name, "", "2", "5"), Chance: "12.5", Bonus: "20", BonusWave: pick(name, "", "19.99")}}
		case 2:
			return match.Formula{Between: &match.Between{Low: pick(name, "0", "1.5"), High: pick(name, "1.5", "300")}}
		case 3:
			return match.Formula{Remaining: &match.Remaining{Per: pick(name, match.PerEvent, match.PerDay), Rows: []match.Band{{From: "10", To: "60", Low: "1", High: "1"}, {From: "60", To: "200", Low: "2", High: "9"}, {From: "230", Low: "0", High: "40"}}}}
		case 4:
			return match.Formula{Streak: &match.Streak{Every: rapid.IntRange(0, 3).Draw(t, name), Base: "1", Wave: pick(name, "", "1"), Bonus: "11", BonusWave: "4"}}
		case 5:
			return match.Formula{Effort: &match.Effort{From: match.EffortPoint{Effort: 10, Match: "0.3"}, To: match.EffortPoint{Effort: 77, Match: "20"}, Penalties: []match.EffortPoint{{Effort: 90, Match: "0.01"}}}}
		}
		return match.Formula{Fixed: &match.Ratio{Match: rapid.Int64Range(1, 7).Draw(t, name), Gift: rapid.Int64Range(1, 7).Draw(t, name)}}
	}
	r := terms(func(r *match.Terms) {
		r.Windows = []match.Window{
			{Name: "days", From: "2026-09-07T00:00", To: "2026-09-10T12:30", Opens: pick("opens", "", "10:00"), Closes: pick("closes", "", "23:30")},
			{Name: "noon", From: "2026-09-08T12:00", To: "2026-09-08T18:00"},
			{Name: "late", From: "2026-09-10T20:00", To: "2026-09-10T23:00"},
		}
		r.Pools = []match.Pool{pool("a", 150*yuan, "c0", "c1"), pool("b", 90*yuan), pool("c", 40*yuan, "c1", "c2")}[:rapid.IntRange(1, 3).Draw(t, "pools")]
		for i := range r.Pools {
			r.Pools[i].Daily = pick("daily", "25", "70.01")
			if chance("slice") {
				r.Pools[i].Slices = []match.Slice{{Window: pick("slice", "noon", "late"), Amount: "17.77"}}
			}
		}
		r.Gifts = match.Gifts{Min: pick("min", "", "2"), MaxCounted: pick("max", "", "30"), First: pick("first", "", "", "", match.FirstOfDonor, match.FirstOfDonorCampaign, match.FirstOfDonorDay), NotFunders: chance("not funders")}
		if chance("channels") {
			r.Gifts.Channels = []string{"wechat"}
		}
		if chance("unlock") {
			r.Unlock = goal("unlock")
		}
		switch rapid.IntRange(0, 4).Draw(t, "award") {
		case 0:
			r.Award = match.Formula{Stages: &match.Stages{Per: pick("per", match.PerEvent, match.PerDay), Rows: []match.Stage{
				{Until: match.Limit{Amount: "7"}, Award: simple("stage 1")}, {Until: match.Limit{Percent: "55"}, Award: simple("stage 2")}, {Award: simple("stage 3")},
			}}}
		case 1:
			r.Award = match.Formula{Lump: &match.Lump{Amount: "33", Goal: goal("lump")}}
		default:
			r.Award = simple("award")
		}
		if chance("boosts") {
			r.Boosts = []match.Boost{{Flowers: 3, Low: "0.05", High: "0.3", Step: "0.05"}, {Invited: 2, Flowers: 5, Low: "2", High: pick("boost", "2", "5"), Step: "0.5"}}
		}
		r.Caps = match.Caps{Gift: cap("gift"), DonorDay: cap("donor day"), DonorEvent: cap("donor"), CampaignDay: cap("campaign day"), CampaignEvent: cap("campaign"), Organisation: cap("organisation")}
		r.Holds = match.Holds{PerMinute: rapid.IntRange(0, 3).Draw(t, "per minute"), Funder: chance("hold funder"), Circular: chance("hold circular")}
		r.Refund = pick("refund", match.ToPool, match.ToRest)
	})
	made, err := match.New(r)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// anyGifts are gifts in the order in which they are booked, which is not quite the order in which they were paid.
func anyGifts(t *rapid.T) []match.Gift {
	random := rand.New(rand.NewSource(rapid.Int64().Draw(t, "gifts")))
	gifts := make([]match.Gift, rapid.IntRange(1, 120).Draw(t, "n"))
	from := time.Date(2026, 9, 6, 15, 30, 0, 0, time.UTC)
	for i := range gifts {
		campaign := random.Intn(4)
		gifts[i] = match.Gift{
			ID: fmt.Sprintf("%d/%d", i, random.Int()), Campaign: fmt.Sprint("c", campaign), Organisation: fmt.Sprint("o", campaign/2), Donor: fmt.Sprint("d", random.Intn(5)),
			Amount: 1 + random.Int63n([]int64{200, 3000, 20_000}[random.Intn(3)]), Currency: "CNY", Channel: []string{"wechat", "wechat", "cash"}[random.Intn(3)],
			PaidAt: from.Add(time.Duration(i) * 105 * time.Hour / time.Duration(len(gifts)).Truncate(1)), Goal: 500 * yuan,
			Invited: random.Int63n(4), Flowers: random.Int63n(8), Effort: random.Int63n(100), Funder: random.Intn(9) == 0, Circular: random.Intn(9) == 0,
		}
		if i > 0 && random.Intn(3) == 0 {
			gifts[i].PaidAt = gifts[i-1].PaidAt.Add(time.Duration(random.Intn(90)-30) * time.Second)
		}
	}
	return gifts
}

func TestEngineEqualsModel(t *testing.T) {
	t.Parallel()
	matched, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		r := anyRule(t)
		m, state := &model{t: r.Terms()}, match.State{}
		for _, g := range anyGifts(t) {
			a := r.Decide(state, seed, g)
			state.Apply(a.Changes)
			parts, held := m.gives(g)
			if fmt.Sprint(a.Parts) != fmt.Sprint(parts) || a.Held != held {
				t.Fatalf("%s\n%+v\nengine %+v\nmodel %v, held %v", r.JSON(), g, a, parts, held)
			}
			if a.Total() > 0 {
				matched++
			} else if refused++; len(a.Reasons) == 0 {
				t.Fatalf("%+v: no match and no reason", g)
			}
			if a.Total() < a.Wanted && len(a.Reasons) == 0 {
				t.Fatalf("%+v: %d wanted, %d given, no reason", g, a.Wanted, a.Total())
			}
		}
	})
	if matched == 0 || refused == 0 {
		t.Errorf("%d matched, %d refused: nothing was tried", matched, refused)
	}
}

// What is in the counters never exceeds a pool, a day's quota, a slice or a cap.
func TestNeverOver(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := anyRule(t)
		terms, state := r.Terms(), match.State{}
		most := map[match.Kind]match.Limit{
			match.DonorDayMatch: terms.Caps.DonorDay, match.DonorMatch: terms.Caps.DonorEvent, match.CampaignDayMatch: terms.Caps.CampaignDay,
			match.CampaignMatch: terms.Caps.CampaignEvent, match.OrgMatch: terms.Caps.Organisation,
		}
		model := &model{t: terms}
		for _, g := range anyGifts(t) {
			state.Apply(r.Decide(state, seed, g).Changes)
		}
		for key, n := range state {
			limit := int64(1 << 62)
			if l, ok := most[key.Kind]; ok {
				limit = model.limit(l, r.Total())
			}
			for _, p := range terms.Pools {
				switch {
				case p.Code != key.A:
				case key.Kind == match.PoolUsed:
					limit = fen(p.Amount)
					for _, s := range p.Slices {
						limit -= fen(s.Amount)
					}
				case key.Kind == match.PoolDayUsed:
					limit = fen(p.Daily)
				case key.Kind == match.SliceUsed:
					limit = fen(p.Slices[0].Amount)
				}
			}
			if n < 0 || n > limit {
				t.Fatalf("%s\n%+v is %d of %d", r.JSON(), key, n, limit)
			}
		}
	})
}

// A caller that keeps the counters elsewhere and loads for a batch only what Needs names comes to the same awards and
// counters as one that has all of them, whatever the size of the batches.
func TestBatchesMakeNoDifference(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, gifts := anyRule(t), anyGifts(t)
		var one, many []match.Award
		whole := match.State{}
		for _, g := range gifts {
			one = append(one, r.Decide(whole, seed, g))
			whole.Apply(one[len(one)-1].Changes)
		}
		kept := match.State{}
		for rest := gifts; len(rest) > 0; {
			batch := rest[:min(len(rest), rapid.IntRange(1, 40).Draw(t, "batch"))]
			rest = rest[len(batch):]
			loaded := match.State{}
			for _, g := range batch {
				for _, key := range r.Needs(g) {
					if n, ok := kept[key]; ok {
						loaded[key] = n
					}
				}
			}
			for _, g := range batch {
				a := r.Decide(loaded, seed, g)
				for _, c := range a.Changes {
					if !slices.Contains(r.Needs(g), c.Key) {
						t.Fatalf("%+v changes and was not needed", c.Key)
					}
				}
				loaded.Apply(a.Changes)
				many = append(many, a)
			}
			maps.Copy(kept, loaded)
		}
		if !reflect.DeepEqual(one, many) || !maps.Equal(whole, kept) {
			t.Fatalf("%s\none by one %+v\nin batches %+v", r.JSON(), one, many)
		}
	})
}

// A gift that goes back in several steps loses the same match as at once; nothing is left; no counter falls below zero.
func TestRefundsInSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, gifts := anyRule(t), anyGifts(t)
		state := match.State{}
		awards := make([]match.Award, len(gifts))
		for i, g := range gifts {
			awards[i] = r.Decide(state, seed, g)
			state.Apply(awards[i].Changes)
		}
		for i, g := range gifts {
			if awards[i].Counted == 0 {
				continue
			}
			fallen := map[match.Part]int64{}
			middle := rapid.Int64Range(0, g.Amount).Draw(t, "left")
			for _, step := range [][2]int64{{g.Amount, middle}, {middle, 0}} {
				parts, changes := r.Refund(g, awards[i].Parts, step[0], step[1])
				state.Apply(changes)
				for _, p := range parts {
					fallen[match.Part{Pool: p.Pool, Slice: p.Slice}] += p.Amount
				}
			}
			for _, p := range awards[i].Parts {
				if key := (match.Part{Pool: p.Pool, Slice: p.Slice}); fallen[key] != p.Amount {
					t.Fatalf("%+v: %d fell", p, fallen[key])
				}
			}
		}
		pools := r.Terms().Refund == match.ToPool
		for key, n := range state {
			switch key.Kind {
			case match.PoolUsed, match.PoolDayUsed, match.SliceUsed, match.AllUsed, match.AllDayUsed:
				if n < 0 || pools && n != 0 {
					t.Fatalf("%+v is %d after all gifts went back", key, n)
				}
			case match.CampaignMatch, match.CampaignDayMatch, match.OrgMatch, match.Raised, match.LumpDone:
				if n != 0 {
					t.Fatalf("%+v is %d after all gifts went back", key, n)
				}
			}
		}
	})
}

// At the end the order of the file does not count; pools are given out whole as far as caps leave room; nobody is above a cap.
func TestSettleShares(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, err := match.New(terms(func(r *match.Terms) {
			shared(1000*yuan+7, nil)(r)
			r.Windows[0] = match.Window{Name: "days", From: "2026-09-06T00:00", To: "2026-09-12T00:00"}
			r.Pools = append(r.Pools, pool("b", 333*yuan, "c1", "c2"))
			r.Award.Share.By = rapid.SampledFrom([]string{match.ByAmount, match.Quadratic}).Draw(t, "by")
			if rapid.Bool().Draw(t, "cap") {
				r.Caps.CampaignEvent.Percent = rapid.SampledFrom([]string{"20", "35", "60"}).Draw(t, "percent")
			}
			if rapid.Bool().Draw(t, "most") {
				r.Award.Share.Most = &match.Ratio{Match: 1, Gift: 2}
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		gifts := anyGifts(t)
		o := r.Settle(seed, gifts)
		mixed := slices.Clone(gifts)
		rand.New(rand.NewSource(1)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		if again := r.Settle(seed, mixed); !reflect.DeepEqual(o.Awards, again.Awards) {
			t.Fatal("another order gives other awards")
		}
		cap := (&model{t: r.Terms()}).limit(r.Terms().Caps.CampaignEvent, r.Total())
		byGift := map[string]int64{}
		for i, a := range o.Awards {
			byGift[o.Gifts[i].Campaign] += a.Total()
		}
		room := false
		for _, c := range o.Campaigns {
			limited := r.Terms().Award.Share.Most != nil && c.Match > c.Counted/2 || cap > 0 && c.Match > cap
			if c.Match != byGift[c.Code] || limited || c.Saturated != (c.Match < c.Uncapped) {
				t.Fatalf("%+v: cap %d, by gift %d", c, cap, byGift[c.Code])
			}
			room = room || !(r.Terms().Award.Share.Most != nil && c.Match >= c.Counted/2 || cap > 0 && c.Match >= cap)
		}
		for _, left := range r.Left(o.State) {
			reached := left.Pool == "pool" || byGift["c1"]+byGift["c2"] > 0
			if room && left.Pool == "pool" && reached {
				t.Fatalf("%+v is left and somebody has room", left)
			}
		}
	})
}
