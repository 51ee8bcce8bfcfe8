package web

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func parts(minors ...int64) []BarPart {
	var all []BarPart
	for _, minor := range minors {
		all = append(all, BarPart{Kind: Gifts, Amount: yuan(minor)})
	}
	return all
}

func widths(rects []BarRect) string {
	var all [][2]int
	for _, r := range rects {
		all = append(all, [2]int{r.X, r.Width})
	}
	return fmt.Sprint(all)
}

func TestMoneyBar(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name               string
		bar                MoneyBar
		thick, thin, tick  string
		anchor             string
		received, promised int64
	}{
		{"the example of the wireframe", MoneyBar{Goal: yuan(5000000), Received: parts(2750513, 2194087), Promised: parts(221040)},
			"[[0 550] [550 438]]", "[[0 44]]", "100%", "end", 4944600, 221040},
		{"nothing yet", MoneyBar{Goal: yuan(5000000)}, "[]", "[]", "100%", "end", 0, 0},
		{"no goal", MoneyBar{Goal: yuan(0), Received: parts(100, 300)}, "[[0 250] [250 750]]", "[]", "0%", "start", 400, 0},
		{"a fen is seen", MoneyBar{Goal: yuan(5000000), Received: parts(1)}, "[[0 3]]", "[]", "100%", "end", 1, 0},
		{"a fen beside much is seen", MoneyBar{Goal: yuan(1000000), Received: parts(999999, 1)}, "[[0 997] [997 3]]", "[]", "100%", "end", 1000000, 0},
		{"one short of the goal stays short", MoneyBar{Goal: yuan(1000000), Received: parts(999999)}, "[[0 999]]", "[]", "100%", "end", 999999, 0},
		{"above the goal the scale grows", MoneyBar{Goal: yuan(1000000), Received: parts(2000000)}, "[[0 1000]]", "[]", "50%", "middle", 2000000, 0},
		{"far above the goal", MoneyBar{Goal: yuan(100), Received: parts(1000)}, "[[0 1000]]", "[]", "10%", "start", 1000, 0},
		{"promised above the goal scales both", MoneyBar{Goal: yuan(1000), Received: parts(500), Promised: parts(4000)},
			"[[0 125]]", "[[0 1000]]", "25%", "middle", 500, 4000},
		{"more went back than came of one kind", MoneyBar{Goal: yuan(1000), Received: parts(600, -100)}, "[[0 500]]", "[]", "100%", "end", 500, 0},
		{"more went back than came at all", MoneyBar{Goal: yuan(1000), Received: parts(100, -600)}, "[]", "[]", "100%", "end", -500, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := widths(c.bar.Thick()); got != c.thick {
				t.Errorf("thick %s, want %s", got, c.thick)
			}
			if got := widths(c.bar.Thin()); got != c.thin {
				t.Errorf("thin %s, want %s", got, c.thin)
			}
			if got := c.bar.Tick(); got != c.tick {
				t.Errorf("tick %s, want %s", got, c.tick)
			}
			if got := c.bar.TickAnchor(); got != c.anchor {
				t.Errorf("anchor %s, want %s", got, c.anchor)
			}
			if got := c.bar.Total().Minor; got != c.received {
				t.Errorf("received %d, want %d", got, c.received)
			}
			if got := c.bar.TotalPromised().Minor; got != c.promised {
				t.Errorf("promised %d, want %d", got, c.promised)
			}
		})
	}
}

func TestMoneyBarAlwaysFits(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		minors := rapid.SliceOfN(rapid.Int64Range(0, 1e15), 1, 5).Draw(t, "parts")
		goal := rapid.Int64Range(0, 1e15).Draw(t, "goal")
		bar := MoneyBar{Goal: yuan(goal), Received: parts(minors...)}
		end := 0
		for _, r := range bar.Thick() {
			if r.X != end || r.Width < partMin {
				t.Fatalf("part at %d is %d wide, the one before ends at %d", r.X, r.Width, end)
			}
			end += r.Width
		}
		if end > barUnits {
			t.Fatalf("bar is %d units", end)
		}
		if total := bar.Total().Minor; total > 0 && total < goal && end == barUnits && goal > 1000 {
			t.Fatalf("bar is full at %d of %d", total, goal)
		}
	})
}
