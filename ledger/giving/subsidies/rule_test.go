package subsidies_test

import (
	"testing"

	"sunfund/ledger/giving/subsidies"
)

// The rules of streets that were found: domain/matching.md 3.4, and the letter of the worked case.
func TestEarned(t *testing.T) {
	t.Parallel()
	units := func(raised ...int64) (list []subsidies.Unit) {
		for _, r := range raised {
			list = append(list, subsidies.Unit{Raised: r, Gifts: 1})
		}
		return list
	}
	building := subsidies.Rule{Per: subsidies.PerCampaign, Threshold: 500_00, Lump: 500_00, Den: 1, Cap: 20_000_00}
	startup := subsidies.Rule{Per: subsidies.Whole, Lump: 50_000_00, Den: 1, Cap: 50_000_00}
	for _, c := range []struct {
		name  string
		rule  subsidies.Rule
		units []subsidies.Unit
		want  int64
	}{
		{"yuan for yuan up to a cap", subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 1, Cap: 21_940_87}, units(27_505_13), 21_940_87},
		{"below the cap", subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 1, Cap: 21_940_87}, units(10_000_00), 10_000_00},
		{"one for three, rounded down", subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 3, Cap: 100_000_00}, units(100_01), 33_33},
		{"two for three", subsidies.Rule{Per: subsidies.Whole, Num: 2, Den: 3, Cap: 100_000_00}, units(100_00), 66_66},
		{"a building below 500 gets nothing", building, units(499_99), 0},
		{"a building at 500 gets its lump", building, units(500_00), 500_00},
		{"each building by itself", building, units(499_99, 500_00, 24_685_90), 1_000_00},
		{"a building with nothing", building, units(0), 0},
		{"a start-up of 50,000 without any gift", startup, nil, 50_000_00},
		{"a start-up after gifts", startup, units(3_00), 50_000_00},
		{"a threshold opens the ratio", subsidies.Rule{Per: subsidies.Whole, Threshold: 1_000_00, Num: 1, Den: 2, Cap: 9_000_00}, units(1_000_00), 500_00},
		{"and before it nothing", subsidies.Rule{Per: subsidies.Whole, Threshold: 1_000_00, Num: 1, Den: 2, Cap: 9_000_00}, units(999_99), 0},
		{"lump and ratio", subsidies.Rule{Per: subsidies.Whole, Lump: 100_00, Num: 1, Den: 2, Cap: 9_000_00}, units(50_00), 125_00},
		{"a cap for each campaign", subsidies.Rule{Per: subsidies.PerCampaign, Num: 1, Den: 1, ShareCap: 200_00, Cap: 9_000_00}, units(500_00, 100_00), 300_00},
		{"the letter's cap over all campaigns", subsidies.Rule{Per: subsidies.PerCampaign, Num: 1, Den: 1, ShareCap: 200_00, Cap: 250_00}, units(500_00, 500_00), 250_00},
		{"more given back than given", subsidies.Rule{Per: subsidies.Whole, Num: 1, Den: 1, Cap: 100_00}, units(-5_00), 0},
		{"as much as a book can hold", subsidies.Rule{Per: subsidies.Whole, Num: 1000, Den: 1, Cap: 1_000_000_000_000_000}, units(1_000_000_000_000_000), 1_000_000_000_000_000},
	} {
		if got := c.rule.Earned(c.units); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		gifts, street int64
		homes         int
	}{{27_505_13, 21_940_87, 11}, {0, 0, 3}, {1, 1, 3}, {2, 2, 3}, {100, 0, 7}, {0, 100, 7}, {5, 9, 1}, {3, 2, 10000}} {
		list, err := subsidies.Shares(c.gifts, c.street, c.homes)
		if err != nil {
			t.Fatal(err)
		}
		var gifts, street int64
		least, most := list[0].Total(), list[0].Total()
		for _, h := range list {
			gifts, street = gifts+h.Gifts, street+h.Street
			least, most = min(least, h.Total()), max(most, h.Total())
			if h.Gifts < 0 || h.Street < 0 {
				t.Errorf("%+v: a share of %+v", c, h)
			}
		}
		if gifts != c.gifts || street != c.street || most-least > 1 {
			t.Errorf("%+v: %d and %d, from %d to %d", c, gifts, street, least, most)
		}
	}
	if _, err := subsidies.Shares(1, 1, 0); err == nil {
		t.Error("nobody shares")
	}
}
