package match_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sunfund/ledger/giving/match"
)

// Rules and gifts of the tests: one event of three days in September 2026, amounts in yuan.
var opening = time.Date(2026, 9, 7, 2, 0, 0, 0, time.UTC) // 10:00 in Shanghai

var seed = match.Seed{1, 2, 3}

func terms(change func(*match.Terms)) match.Terms {
	t := match.Terms{
		Language: match.Language, Currency: "CNY", Zone: "Asia/Shanghai",
		Windows: []match.Window{{Name: "days", From: "2026-09-07T00:00", To: "2026-09-10T00:00", Opens: "10:00"}},
		Pools:   []match.Pool{{Code: "main", Funder: match.Name{ZH: "甲公司", EN: "Company A"}, Amount: "10000.00"}},
		Award:   match.Formula{Fixed: &match.Ratio{Match: 1, Gift: 1}},
		Order:   match.FirstCome, Unspent: match.GiveBack, Refund: match.ToPool,
	}
	if change != nil {
		change(&t)
	}
	return t
}

func rule(t testing.TB, change func(*match.Terms)) *match.Rule {
	t.Helper()
	r, err := match.New(terms(change))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func gift(n int, campaign, donor string, fen int64) match.Gift {
	return match.Gift{
		ID: fmt.Sprintf("gift-%d", n), Campaign: campaign, Organisation: "assoc", Donor: donor, Amount: fen, Currency: "CNY",
		Channel: "wechat", PaidAt: opening.Add(time.Duration(n) * time.Minute),
	}
}

// day runs gifts through a rule one after the other.
type day struct {
	t     testing.TB
	rule  *match.Rule
	state match.State
}

func start(t testing.TB, r *match.Rule) *day { return &day{t, r, match.State{}} }

func (d *day) gives(g match.Gift) match.Award {
	d.t.Helper()
	a := d.rule.Decide(d.state, seed, g)
	d.state.Apply(a.Changes)
	return a
}

func (d *day) wants(g match.Gift, fen int64, reasons ...match.Reason) {
	d.t.Helper()
	a := d.gives(g)
	if a.Total() != fen || !slices.Equal(a.Reasons, reasons) {
		d.t.Errorf("%s of %d by %s to %s: match %d %v, want %d %v", g.ID, g.Amount, g.Donor, g.Campaign, a.Total(), a.Reasons, fen, reasons)
	}
}

// Goteo's "duplicate" (DuplicateInvestMatcherProcessor.php): the gift again, at most 100 per gift and 500 per project, nothing
// after a donor's first gift in the project, until the pool is empty.
func TestGoteoDuplicate(t *testing.T) {
	t.Parallel()
	d := start(t, rule(t, func(t *match.Terms) {
		t.Pools[0].Amount = "640.00"
		t.Gifts.First = match.FirstOfDonorCampaign
		t.Caps = match.Caps{Gift: match.Limit{Amount: "100"}, CampaignEvent: match.Limit{Amount: "500"}}
	}))
	d.wants(gift(1, "a", "d1", 5000), 5000)
	d.wants(gift(2, "a", "d1", 5000), 0, match.NotFirst)
	d.wants(gift(3, "a", "d2", 25000), 10000, match.CapGift)
	for n := 4; n < 7; n++ {
		d.wants(gift(n, "a", fmt.Sprint("d", n), 10000), 10000)
	}
	d.wants(gift(7, "a", "d7", 10000), 5000, match.CapCampaign)
	d.wants(gift(8, "a", "d8", 10000), 0, match.CapCampaign)
	d.wants(gift(9, "b", "d1", 10000), 10000)
	d.wants(gift(10, "b", "d2", 10000), 4000, match.PoolEmpty)
	d.wants(gift(11, "b", "d3", 10000), 0, match.PoolEmpty)
}

func TestWhatDoesNotCount(t *testing.T) {
	t.Parallel()
	r := rule(t, func(t *match.Terms) {
		t.Pools[0].Campaigns = []string{"a"}
		t.Gifts = match.Gifts{Min: "10.00", MaxCounted: "100.00", Channels: []string{"wechat"}, Recurring: 2, NotFunders: true}
		t.Caps.DonorEvent, t.Caps.Organisation = match.Limit{Amount: "9999"}, match.Limit{Percent: "50"}
	})
	for want, change := range map[match.Reason]func(*match.Gift){
		match.OtherCurrency: func(g *match.Gift) { g.Currency = "USD" },
		match.BelowMin:      func(g *match.Gift) { g.Amount = 999 },
		match.OtherChannel:  func(g *match.Gift) { g.Channel = "cash" },
		match.OtherCampaign: func(g *match.Gift) { g.Campaign = "b" },
		match.NotRecurring:  func(g *match.Gift) { g.Recurring = 1 },
		match.FromFunder:    func(g *match.Gift) { g.Funder = true },
		match.DonorUnknown:  func(g *match.Gift) { g.Donor = "" },
		match.OrgUnknown:    func(g *match.Gift) { g.Organisation = "" },
		match.WindowClosed:  func(g *match.Gift) { g.PaidAt = opening.Add(-time.Second) },
		match.MaxCounted:    func(g *match.Gift) { g.Amount = 10001 },
	} {
		g := gift(0, "a", "d", 1000)
		g.Recurring = 2
		if a := r.Decide(match.State{}, seed, g); a.Total() != 1000 || a.Reasons != nil {
			t.Fatalf("a gift that counts: %+v", a)
		}
		change(&g)
		a := r.Decide(match.State{}, seed, g)
		if !slices.Equal(a.Reasons, []match.Reason{want}) || want != match.MaxCounted && len(a.Parts)+len(a.Changes) > 0 {
			t.Errorf("want %s: %+v", want, a)
		}
		if want == match.MaxCounted && a.Total() != 10000 {
			t.Errorf("counted %d of %d", a.Total(), g.Amount)
		}
	}
}

// Where two ratios meet no fen of a gift is matched twice; what a slice adds is no part of the day's quota.
func TestStagesMeet(t *testing.T) {
	t.Parallel()
	d := start(t, rule(t, func(t *match.Terms) {
		t.Award = match.Formula{Stages: &match.Stages{Per: match.PerEvent, Rows: []match.Stage{{Until: limit(5), Award: ratio(2, 3)}, {Award: ratio(1, 1)}}}}
	}))
	d.wants(gift(1, "a", "d", 20), 5+12) // 7.5 fen earn the 5 fen, so 8 are gone
	d = start(t, rule(t, func(t *match.Terms) {
		t.Windows = append(t.Windows, match.Window{Name: "rush", From: "2026-09-07T10:00", To: "2026-09-07T11:00"})
		t.Pools[0].Daily, t.Pools[0].Slices = "20", []match.Slice{{Window: "rush", Amount: "30"}}
		t.Award = match.Formula{Stages: &match.Stages{Per: match.PerDay, Rows: []match.Stage{{Until: limit(10 * yuan), Award: ratio(1, 1)}, {Award: ratio(1, 2)}}}}
	}))
	for n := range 4 {
		d.wants(gift(n, "a", "d", 7*yuan), 7*yuan) // 28 of the slice's 30
	}
	d.wants(gift(5, "a", "d", 10*yuan), 10*yuan) // 2 of the slice, 8 of the quota
	d.wants(gift(6, "a", "d", 10*yuan), 6*yuan)  // 2 one to one, 8 at half
}

func TestParseNamesTheField(t *testing.T) {
	t.Parallel()
	good := string(rule(t, nil).JSON())
	for text, field := range map[string]string{
		strings.Replace(good, `"10000.00"`, `"10000.001"`, 1):     "pools[0].amount",
		strings.Replace(good, `"10000.00"`, `10000`, 1):           "pools.amount",
		strings.Replace(good, `"match":1`, `"match":0`, 1):        "award.fixed.match",
		strings.Replace(good, `"gift":1`, `"gifts":1`, 1):         "gifts",
		strings.Replace(good, `Asia/Shanghai`, `Asia/Nowhere`, 1): "zone",
		strings.Replace(good, `"10:00"`, `"25:00"`, 1):            "windows[0].opens",
		strings.Replace(good, `first-come`, `first`, 1):           "order",
		good + "{}": "",
		`{}`:        "language",
	} {
		_, err := match.Parse([]byte(text))
		var wrong *match.TermsError
		if !errors.As(err, &wrong) || wrong.List[0].Field != field {
			t.Errorf("%s: %v, want %q", text, err, field)
			continue
		}
		for _, w := range wrong.List {
			if zh, en := w.Text("zh-CN"), w.Text("en"); zh == en || strings.ContainsAny(zh+en, "{}") {
				t.Errorf("%s: %s, %s", field, zh, en)
			}
		}
	}
}

// Spelling does not make another version; every other change does.
func TestHashIsOfTheCanonicalForm(t *testing.T) {
	t.Parallel()
	a := rule(t, func(t *match.Terms) { t.Caps.Gift.Amount = "100"; t.Caps.Organisation.Percent = "20.50" })
	b := rule(t, func(t *match.Terms) { t.Caps.Gift.Amount = "100.00"; t.Caps.Organisation.Percent = "20.5" })
	c := rule(t, func(t *match.Terms) { t.Caps.Gift.Amount = "100.01"; t.Caps.Organisation.Percent = "20.5" })
	again, err := match.Parse(b.JSON())
	if err != nil || a.Hash() != b.Hash() || again.Hash() != a.Hash() || a.Hash() == c.Hash() {
		t.Errorf("%s\n%s\n%s %v", a.JSON(), b.JSON(), again.JSON(), err)
	}
}

// The rule that docs/matching.md shows is a rule.
func TestRuleOfTheDocument(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/matching.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	example, _, _ := strings.Cut(rest, "```")
	r, err := match.Parse([]byte(example))
	if err != nil {
		t.Fatal(err)
	}
	d := start(t, r)
	d.wants(gift(0, "lunch", "d", 300*yuan), 100*yuan, match.CapGift)
	for _, field := range []string{"fixed", "tiers", "stages", "remaining", "draw", "between", "streak", "effort", "lump", "share"} {
		if !strings.Contains(string(text), "| `"+field+"` |") {
			t.Errorf("docs/matching.md does not say what %s is", field)
		}
	}
}
