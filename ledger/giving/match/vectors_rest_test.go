package match_test

// What of the sources is no ratio: releases by the day, pledges that end, how many friends.

import (
	"slices"
	"testing"
	"time"

	"sunfund/ledger/giving/match"
)

// Big Give 2013 (content.thebiggive.org.uk): money was released at 10:00 on three days, and the campaign ended on 18 December. Which days is not in what we read:
// here 5 to 7 December. What one day leaves is still there on the next.
func TestBigGive2013(t *testing.T) {
	t.Parallel()
	d := start(t, rule(t, func(t *match.Terms) {
		t.Currency, t.Zone = "GBP", "Europe/London"
		t.Windows, t.Pools = nil, []match.Pool{pool("released", 900*yuan)}
		for _, name := range []string{"05", "06", "07"} {
			t.Windows = append(t.Windows, match.Window{Name: "from-" + name, From: "2013-12-" + name + "T10:00", To: "2013-12-19T00:00"})
			t.Pools[0].Slices = append(t.Pools[0].Slices, match.Slice{Window: "from-" + name, Amount: "300"})
		}
	}))
	for n, step := range []struct {
		day, hour, minute int
		pounds, want      int64
		why               []match.Reason
	}{
		{5, 9, 59, 1, 0, []match.Reason{match.WindowClosed}},
		{5, 10, 0, 400, 300, []match.Reason{match.PoolEmpty}},
		{6, 9, 59, 10, 0, []match.Reason{match.PoolEmpty}},
		{6, 10, 0, 100, 100, nil},
		{7, 10, 0, 450, 450, nil}, // 200 of the second day's and 250 of the third's
		{18, 23, 59, 100, 50, []match.Reason{match.PoolEmpty}},
		{19, 0, 0, 1, 0, []match.Reason{match.WindowClosed}},
	} {
		g := gift(n, "a", "d", step.pounds*yuan)
		g.Currency, g.PaidAt = "GBP", time.Date(2013, 12, step.day, step.hour, step.minute, 0, 0, time.UTC)
		d.wants(g, step.want*yuan, step.why...)
	}
}

// Tiltify's donation match ends in one of two ways: "all", the whole pledge is given at the end, or "amount", only what was matched, and the rest returns.
func TestPledgeThatEnds(t *testing.T) {
	t.Parallel()
	for unspent, rest := range map[string][]match.Given{match.GiveBack: nil, match.GiveAnyway: {{Pool: "main", Campaign: "a", Amount: 700 * yuan}}} {
		d := start(t, rule(t, func(t *match.Terms) {
			t.Pools[0].Amount, t.Unspent = "1000", unspent
		}))
		d.wants(gift(1, "a", "d", 300*yuan), 300*yuan)
		left := d.rule.Left(d.state)
		if !slices.Equal(left, []match.Part{{Pool: "main", Amount: 700 * yuan}}) {
			t.Errorf("%s: left %v", unspent, left)
		}
		if unspent == match.GiveBack {
			continue // it goes back to its funder
		}
		if given := d.rule.GiveRest(left, map[string]int64{"a": 300 * yuan}); !slices.Equal(given, rest) {
			t.Errorf("%s: given %v", unspent, given)
		}
	}
}

// 99 Giving Day 2020 (公益时报 2020-07-14): between 10 and 25 friends the factor is the same draw, and above 25 it is no other.
func TestFriends2020(t *testing.T) {
	t.Parallel()
	r := rule(t, func(t *match.Terms) {
		t.Pools[0].Amount = "299990000"
		t.Award = match.Formula{Draw: &match.Draw{Base: "8"}}
		t.Boosts = []match.Boost{{Invited: 10, Flowers: 299, Low: "3", High: "10", Step: "1"}}
	})
	g := gift(1, "a", "d", 200*yuan)
	g.ID, g.Flowers = lucky("boost", 3, 10, 10), 299
	for invited, want := range map[int64]int64{9: 8, 10: 88, 25: 88, 26: 88} {
		if g.Invited = invited; r.Decide(match.State{}, seed, g).Total() != want*yuan {
			t.Errorf("%d friends: %+v", invited, r.Decide(match.State{}, seed, g))
		}
	}
}
