package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/text/width"

	"sunfund/ledger/money"
)

// Sankey is money flowing through columns of nodes: as thick as it is much. The template part "sankey" draws it as SVG with title, description and the
// table behind it; on a phone the table stands alone. Every node is labelled with name and amount, so that nothing hangs on its colour.
type Sankey struct {
	ID, Title, Desc string
	Unit            string   // currency
	Heads           []string // of the columns
	Nodes           []SankeyNode
	Bands           []SankeyBand
	Links           []SankeyLink // for the table
	High            string
	Why             string // why it is not drawn
}

// SankeyLink is an amount from one node to another of the next column. Nodes are known by key.
type SankeyLink struct {
	From, To         string
	FromName, ToName string
	Minor            int64
	column           int // of From
}

// SankeyNode is a drawn node; its places are SVG attributes.
type SankeyNode struct {
	X, Y, H, TextX, TextY string
	Name, Sum             string
	Whole                 string // the name as it is, where the drawing has no room for it
	Series                int
}

// SankeyBand is a drawn flow.
type SankeyBand struct {
	Path, Wide, Title string
	Series            int
}

const (
	sankeyMost  = 12 // nodes of a column; the others become one
	sankeyHigh  = 4800
	sankeyGap   = 620
	sankeyNode  = 140 // how wide a node is
	sankeyWide  = 9600
	sankeySweep = 6
	sankeyRoom  = 20 // of a name beside its node, in letters; a Chinese character takes two
)

type sankeySpot struct {
	key, name      string
	column, series int
	in, out, minor int64
	y, high        int64
	inY, outY      int64
	weight         int64
}

// newSankey lays flows out: nodes in the order of their size, drawn nearer to what they are linked with in six sweeps. What flows into a node of a middle column
// flows out of it again; else nothing is drawn and Why says so. rest names what became one node, given how many.
func newSankey(s Sankey, links []SankeyLink, rest func(int) string) Sankey {
	columns := len(s.Heads)
	links = sankeyMerged(links, columns, rest)
	spots := map[string]*sankeySpot{}
	byColumn := make([][]*sankeySpot, columns)
	spot := func(key, name string, column int) *sankeySpot {
		if spots[key] == nil {
			spots[key] = &sankeySpot{key: key, name: name, column: column}
			byColumn[column] = append(byColumn[column], spots[key])
		}
		return spots[key]
	}
	for _, l := range links {
		if l.Minor < 0 {
			s.Why = "negative"
			return s
		}
		spot(l.From, l.FromName, l.column).out += l.Minor
		spot(l.To, l.ToName, l.column+1).in += l.Minor
	}
	var most, total int64
	for c, column := range byColumn {
		var sum int64
		for _, p := range column {
			p.minor = max(p.in, p.out)
			if c > 0 && c < columns-1 && p.in != p.out && p.out != 0 { // what nothing flows out of is an end
				s.Why = "unequal"
				return s
			}
			sum += p.minor
		}
		slices.SortStableFunc(column, func(a, b *sankeySpot) int { return cmp.Compare(b.minor, a.minor) })
		most, total = max(most, int64(len(column))), max(total, sum)
	}
	if total == 0 {
		s.Why = "empty"
		return s
	}
	for _, column := range byColumn {
		for i, p := range column {
			p.series = i % 4
		}
	}
	sankeyOrder(byColumn, spots, links)
	high := sankeyHigh + sankeyGap*(most+1)
	for c, column := range byColumn {
		y := int64(0)
		for _, p := range column {
			p.y, p.high = y, max(10, money.FloorShare(p.minor, sankeyHigh, total))
			p.inY, p.outY = p.y, p.y
			y += p.high + sankeyGap
		}
		x := sankeyX(c, columns)
		for _, p := range column {
			n := SankeyNode{X: hundredths(x), Y: hundredths(p.y), H: hundredths(p.high), TextX: hundredths(x + sankeyNode + 60), TextY: hundredths(p.y + p.high/2), Whole: p.name,
				Sum: Figure(money.Money{Minor: p.minor, Currency: s.Unit}), Series: p.series}
			s.Nodes = append(s.Nodes, n)
		}
		nameNodes(s.Nodes[len(s.Nodes)-len(column):])
	}
	s.bands(links, spots, total, columns)
	s.Links, s.High = links, hundredths(high)
	return s
}

// letters is how much room a text takes; a Chinese character takes that of two letters.
func letters(text string) (n int) {
	for _, r := range text {
		n++
		if k := width.LookupRune(r).Kind(); k == width.EastAsianWide || k == width.EastAsianFullwidth {
			n++
		}
	}
	return n
}

// roomy is a name cut to so many letters, its last ones kept, with an ellipsis where it was cut.
func roomy(name string, room, last int) string {
	runes := []rune(name)
	if letters(name) <= room {
		return name
	}
	from := len(runes)
	for from > 0 && letters(string(runes[from-1:])) <= last {
		from--
	}
	to := 0
	for letters(string(runes[:to+1]))+1+letters(string(runes[from:])) <= room {
		to++
	}
	return strings.TrimSpace(string(runes[:to])) + "…" + strings.TrimSpace(string(runes[from:]))
}

// nameNodes writes the names of a column as far as there is room; two that would read alike keep their ends.
func nameNodes(nodes []SankeyNode) {
	times := map[string]int{}
	for i := range nodes {
		nodes[i].Name = roomy(nodes[i].Whole, sankeyRoom, 0)
		times[nodes[i].Name]++
	}
	for i := range nodes {
		if n := &nodes[i]; times[n.Name] > 1 {
			n.Name = roomy(n.Whole, sankeyRoom, sankeyRoom/2)
		}
	}
}

// sankeyX is where a column stands; behind the last one the drawing has room for its words.
func sankeyX(column, columns int) int64 {
	return int64(column) * (sankeyWide - sankeyNode) / int64(columns-1)
}

func (s *Sankey) bands(links []SankeyLink, spots map[string]*sankeySpot, total int64, columns int) {
	ordered := slices.Clone(links)
	slices.SortStableFunc(ordered, func(a, b SankeyLink) int {
		return cmp.Or(cmp.Compare(a.column, b.column), cmp.Compare(spots[a.From].y, spots[b.From].y), cmp.Compare(spots[a.To].y, spots[b.To].y))
	})
	for _, l := range ordered {
		from, to := spots[l.From], spots[l.To]
		thick := max(10, money.FloorShare(l.Minor, sankeyHigh, total))
		y0, y1 := from.outY+thick/2, to.inY+thick/2
		from.outY, to.inY = from.outY+thick, to.inY+thick
		x0, x1 := sankeyX(l.column, columns)+sankeyNode, sankeyX(l.column+1, columns)
		mid := (x0 + x1) / 2
		s.Bands = append(s.Bands, SankeyBand{Path: fmt.Sprintf("M%s %sC%s %s %s %s %s %s", hundredths(x0), hundredths(y0), hundredths(mid), hundredths(y0), hundredths(mid), hundredths(y1), hundredths(x1), hundredths(y1)),
			Wide: hundredths(thick), Series: from.series, Title: l.FromName + " → " + l.ToName + " " + Figure(money.Money{Minor: l.Minor, Currency: s.Unit})})
	}
}

// sankeyOrder draws nodes nearer to the middle of what they are linked with, forth and back.
func sankeyOrder(byColumn [][]*sankeySpot, spots map[string]*sankeySpot, links []SankeyLink) {
	place := func(column []*sankeySpot) {
		for i, p := range column {
			p.y = int64(i) * 1000
		}
	}
	for _, column := range byColumn {
		place(column)
	}
	for sweep := range sankeySweep {
		for c := range byColumn {
			if sweep%2 == 1 {
				c = len(byColumn) - 1 - c
			}
			for _, p := range byColumn[c] {
				var sum, weight int64
				for _, l := range links {
					unit := max(1, l.Minor/1000)
					switch {
					case sweep%2 == 0 && l.To == p.key:
						sum, weight = sum+spots[l.From].y*unit, weight+unit
					case sweep%2 == 1 && l.From == p.key:
						sum, weight = sum+spots[l.To].y*unit, weight+unit
					}
				}
				if p.weight = p.y; weight > 0 {
					p.weight = sum / weight
				}
			}
			slices.SortStableFunc(byColumn[c], func(a, b *sankeySpot) int { return cmp.Compare(a.weight, b.weight) })
			place(byColumn[c])
		}
	}
}

// sankeyMerged keeps the largest nodes of each column, makes the others one, and adds up links between the same two.
func sankeyMerged(links []SankeyLink, columns int, rest func(int) string) []SankeyLink {
	for c := range columns {
		sums, names := map[string]int64{}, map[string]bool{}
		for _, l := range links {
			switch {
			case l.column == c:
				sums[l.From] += l.Minor
			case l.column == c-1 && c == columns-1:
				sums[l.To] += l.Minor
			}
		}
		keys := make([]string, 0, len(sums))
		for key := range sums {
			keys = append(keys, key)
			names[key] = true
		}
		if len(keys) <= sankeyMost {
			continue
		}
		slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(sums[b], sums[a]), cmp.Compare(a, b)) })
		for _, key := range keys[:sankeyMost-1] {
			delete(names, key)
		}
		one, word := fmt.Sprintf("rest %d", c), rest(len(names))
		for i := range links {
			if l := &links[i]; l.column == c && names[l.From] {
				l.From, l.FromName = one, word
			}
			if l := &links[i]; l.column == c-1 && names[l.To] {
				l.To, l.ToName = one, word
			}
		}
	}
	var all []SankeyLink
	at := map[[2]string]int{}
	for _, l := range links {
		if l.Minor == 0 {
			continue
		}
		if i, ok := at[[2]string{l.From, l.To}]; ok {
			all[i].Minor += l.Minor
			continue
		}
		at[[2]string{l.From, l.To}] = len(all)
		all = append(all, l)
	}
	return all
}

// Cell is an amount in the table.
func (s Sankey) Cell(minor int64) string {
	return Figure(money.Money{Minor: minor, Currency: s.Unit})
}
