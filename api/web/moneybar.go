package web

import (
	"slices"
	"strconv"

	"sunfund/ledger/money"
)

// Kind is a kind of money; it keeps its colour, pattern and order on every chart.
type Kind string

// The kinds of money in the order they are drawn.
const (
	Gifts   Kind = "gift"
	Subsidy Kind = "subsidy"
	Match   Kind = "match"
	Offline Kind = "offline"
	Rest    Kind = "rest"
)

// BarPart is one kind of money on the bar and its line in the legend.
type BarPart struct {
	Kind   Kind
	Label  string // empty: the kind's own name
	Note   string // beside the label: until when, from whom
	Amount money.Money
	Count  int64 // number of gifts; 0 is not shown
	Href   string
	Pledge bool // promised by word only: outlined, not hatched
}

// MoneyBar shows what was received against a goal, and apart from it what is promised. Pending payments are a line of
// text and never drawn. All amounts share one currency.
type MoneyBar struct {
	ID       string      // unique on the page
	Goal     money.Money // Minor 0: no goal; its currency is the bar's
	Received []BarPart
	Promised []BarPart
	Pending  *BarPart
	AsOf     *AsOf
}

// The bar is drawn on 1,000 units; a part that is not zero is wide enough to be seen.
const (
	barUnits = 1000
	partMin  = 3
)

// BarRect is one drawn part; X and Width are in units of the bar.
type BarRect struct {
	BarPart
	X, Width int
}

// Left and Wide are the rectangle's SVG attributes: percentages, so that patterns are not stretched with the bar.
func (r BarRect) Left() string { return tenths(r.X) }

// Wide is the width as an SVG attribute.
func (r BarRect) Wide() string { return tenths(r.Width) }

// Fill is the paint of the part: plain, dotted, lined; promised money is hatched.
func (r BarRect) Fill(bar string, promised bool) string {
	switch {
	case promised && r.Pledge:
		return "none"
	case promised:
		return "url(#" + bar + "-hatch-" + string(r.Kind) + ")"
	default:
		return "url(#" + bar + "-" + string(r.Kind) + ")"
	}
}

func tenths(units int) string {
	text := strconv.Itoa(units / 10)
	if rest := units % 10; rest != 0 {
		text += "." + strconv.Itoa(rest)
	}
	return text + "%"
}

// Total is the money received, and nothing else.
func (b MoneyBar) Total() money.Money { return b.sum(b.Received) }

// TotalPromised is what is promised and not yet here; it is never added to Total.
func (b MoneyBar) TotalPromised() money.Money { return b.sum(b.Promised) }

func (b MoneyBar) sum(parts []BarPart) money.Money {
	total := money.Money{Currency: b.Goal.Currency}
	for _, part := range parts {
		total.Minor += part.Amount.Minor
	}
	return total
}

// scale is the amount the full width stands for: the goal, or more once more came in. The goal itself never moves.
func (b MoneyBar) scale() int64 {
	return max(b.Goal.Minor, b.Total().Minor, b.TotalPromised().Minor)
}

// Thick is the track of received money.
func (b MoneyBar) Thick() []BarRect { return layParts(b.Received, b.Total().Minor, b.scale()) }

// Thin is the track of promised money, on the same scale, from the same zero.
func (b MoneyBar) Thin() []BarRect { return layParts(b.Promised, b.TotalPromised().Minor, b.scale()) }

// HasGoal says whether a tick is drawn.
func (b MoneyBar) HasGoal() bool { return b.Goal.Minor > 0 }

// Over is what came in above the goal; zero below it.
func (b MoneyBar) Over() money.Money {
	return money.Money{Minor: max(0, b.Total().Minor-b.Goal.Minor), Currency: b.Goal.Currency}
}

// Tick is where the goal stands, as an SVG attribute.
func (b MoneyBar) Tick() string { return tenths(b.tickUnits()) }

// TickAnchor keeps the tick's label inside the bar.
func (b MoneyBar) TickAnchor() string {
	switch at := b.tickUnits(); {
	case at > 850:
		return "end"
	case at < 150:
		return "start"
	}
	return "middle"
}

func (b MoneyBar) tickUnits() int {
	if b.scale() <= 0 {
		return 0
	}
	return int(money.FloorShare(b.Goal.Minor, barUnits, b.scale()))
}

// Kinds are the patterns the drawing needs, each once; those of promised money are hatched.
func (b MoneyBar) Kinds(promised bool) []Kind {
	parts := b.Received
	if promised {
		parts = b.Promised
	}
	var kinds []Kind
	for _, part := range parts {
		if !slices.Contains(kinds, part.Kind) {
			kinds = append(kinds, part.Kind)
		}
	}
	return kinds
}

// layParts lays the parts side by side. Together they are as wide as total on the scale, rounded down; a tiny part is
// widened to be seen, at the cost of the widest.
func layParts(parts []BarPart, total, scale int64) []BarRect {
	if scale <= 0 || total <= 0 {
		return nil
	}
	var rects []BarRect
	var drawn int64
	for _, part := range parts {
		if part.Amount.Minor > 0 { // a kind of which more went back than came stands in the legend only
			rects = append(rects, BarRect{BarPart: part})
			drawn += part.Amount.Minor
		}
	}
	width := max(int(money.FloorShare(total, barUnits, scale)), partMin*len(rects))
	left := width
	for i := range rects {
		rects[i].Width = max(int(money.FloorShare(rects[i].Amount.Minor, int64(width), drawn)), partMin)
		left -= rects[i].Width
	}
	for ; left != 0; left -= sign(left) {
		rects[widest(rects)].Width += sign(left)
	}
	for i := 1; i < len(rects); i++ {
		rects[i].X = rects[i-1].X + rects[i-1].Width
	}
	return rects
}

func widest(rects []BarRect) int {
	at := 0
	for i := range rects {
		if rects[i].Width > rects[at].Width {
			at = i
		}
	}
	return at
}

func sign(n int) int {
	if n < 0 {
		return -1
	}
	return 1
}
