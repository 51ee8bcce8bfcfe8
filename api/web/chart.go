package web

import (
	"cmp"
	"fmt"
	"strings"

	"sunfund/ledger/money"
)

// Chart is columns over a few labels: beside each other, or on top of each other. The template part "chart" draws it as SVG with title, description and the
// table behind it. Widths are shares of the whole and heights are of the text's size, so that it fits every page and letters are never stretched. What
// belongs together has a pattern besides its colour, and stands in one order. Every piece says its label and figure.
type Chart struct {
	ID      string // unique on the page
	Title   string
	Desc    string // what it shows, in one sentence
	Axis    string // what is counted, with its unit
	Stacked bool
	Steps   bool     // columns touch: something that stays until it changes
	Series  []string // names, at most four
	Kind    int      // pattern and colour of the first of the series
	Columns []ChartColumn
	Every   int         // only each so manieth label stands under its column; 0: all
	Marks   []ChartMark // moments
	Mark    string      // what the marks are
	Head    string      // of the labels, in the table
	Beside  []string    // heads of what stands in the table only
	Unit    string      // currency of the values; empty: they are counted
}

// ChartColumn is what stands over one label. One without values is still to come: it has its place, and no row in the table.
type ChartColumn struct {
	Label, Href string
	Short       string  // under the column, where there are many; empty: Label
	Values      []int64 // one for each of the series; what is negative stands in the table only
	Beside      []string
}

// ChartMark is a moment within a column.
type ChartMark struct {
	Column int
	Part   int64 // of the column, in hundredths
}

// Total is the sum of a column.
func (c ChartColumn) Total() (sum int64) {
	for _, v := range c.Values {
		sum += max(0, v)
	}
	return sum
}

// chartHeight is the height of the drawing in hundredths of the text's size, without labels; chartTop is the room over it for totals, chartGrid how many lines.
const (
	chartHeight = 900
	chartTop    = 150
	chartGrid   = 4
)

// Room beside the first column for the values of the lines, in hundredths of the text's size: of a figure, of a sign between figures, of the gap, and at most.
const (
	chartDigit    = 60
	chartSign     = 30
	chartGap      = 70
	chartSideMost = 10
)

// chartPromised is the colour and pattern of match that is promised: of one series, behind those that others count from.
const chartPromised = 4

// ChartRect is a drawn piece; its places are SVG attributes.
type ChartRect struct {
	X, Y, W, H string
	Series     int
	Says       string // its label, series and figure
}

// ChartLine is a line of the grid with its value.
type ChartLine struct{ Y, Text string }

// ChartWord is a text under or over a column.
type ChartWord struct{ X, Text string }

// Drawn tells whether there is anything to draw.
func (c Chart) Drawn() bool { return c.most() > 0 }

func (c Chart) most() (most int64) {
	for _, column := range c.Columns {
		if c.Stacked {
			most = max(most, column.Total())
			continue
		}
		for _, v := range column.Values {
			most = max(most, v)
		}
	}
	return most
}

// scale is the round number at the top of the grid: 1, 2, 4 or 8 times a power of ten, so that quarters of it are round too.
func (c Chart) scale() int64 {
	most, round := c.most(), int64(1)
	if c.Unit != "" {
		round = 100
	}
	for {
		for _, n := range []int64{4, 8, 20} {
			if n*round >= most {
				return n * round
			}
		}
		round *= 10
	}
}

// Grid is the lines from zero up.
func (c Chart) Grid() (lines []ChartLine) {
	for i := range int64(chartGrid + 1) {
		lines = append(lines, ChartLine{high(chartTop + chartHeight - chartHeight*i/chartGrid), c.short(c.scale() / chartGrid * i)})
	}
	return lines
}

// Side is the room for the longest value of the lines, in whole sizes of the text: the style side-… leaves it free beside the first column.
func (c Chart) Side() int {
	most := 0
	for _, line := range c.Grid() {
		room := chartGap
		for _, r := range line.Text {
			if r >= '0' && r <= '9' {
				room += chartDigit
			} else {
				room += chartSign
			}
		}
		most = max(most, room)
	}
	return min(chartSideMost, (most+99)/100)
}

// Rects are the pieces of all columns.
func (c Chart) Rects() (rects []ChartRect) {
	if len(c.Columns) == 0 {
		return nil
	}
	wide := c.wide()
	inner, off := wide*7/10, wide*15/100
	if c.Steps {
		inner, off = wide, 0
	}
	for i, column := range c.Columns {
		left, under := wide*int64(i)+off, int64(0)
		for n, v := range column.Values {
			tall := chartHeight * max(0, v) / c.scale()
			if v > 0 {
				tall = max(tall, 6) // is to be seen
			}
			r := ChartRect{X: percents(left), W: percents(inner), Y: high(chartTop + chartHeight - under - tall), H: high(tall), Series: c.Pattern(n), Says: c.says(column.Label, n, v)}
			if c.Stacked {
				under += tall
			} else {
				each := inner / int64(len(column.Values))
				r.X, r.W = percents(left+each*int64(n)), percents(each)
			}
			if v > 0 {
				rects = append(rects, r)
			}
		}
	}
	return rects
}

// Under are the labels, over are the totals where there is room for them.
func (c Chart) Under() (words []ChartWord) {
	for i, column := range c.Columns {
		if i%max(1, c.Every) == 0 {
			words = append(words, ChartWord{c.middle(i), cmp.Or(column.Short, column.Label)})
		}
	}
	return words
}

// Pattern is the number of colour and pattern of a series.
func (c Chart) Pattern(series int) int { return c.Kind + series }

// says names a piece: its label, the series where there are several, its figure.
func (c Chart) says(label string, series int, v int64) string {
	if len(c.Series) > 1 {
		label += " " + c.Series[series]
	}
	return label + ": " + c.Cell(v)
}

// Lines are where the marks stand.
func (c Chart) Lines() (at []string) {
	wide := c.wide()
	for _, m := range c.Marks {
		at = append(at, percents(wide*int64(m.Column)+wide*m.Part/100))
	}
	return at
}

// Over are the totals of few columns, without currency.
func (c Chart) Over() (words []ChartWord) {
	if len(c.Columns) > 7 || !c.Stacked {
		return nil
	}
	for i, column := range c.Columns {
		words = append(words, ChartWord{c.middle(i), c.short(column.Total())})
	}
	return words
}

// wide is the share of a column, in hundredths of a percent.
func (c Chart) wide() int64 { return 10_000 / int64(len(c.Columns)) }

func (c Chart) middle(i int) string { return percents(c.wide()*int64(i) + c.wide()/2) }

// Cell is a value in the table.
func (c Chart) Cell(v int64) string {
	if c.Unit == "" {
		return fmt.Sprint(v)
	}
	return Figure(money.Money{Minor: v, Currency: c.Unit})
}

// short is a value on the axis: no minor units where there are none.
func (c Chart) short(v int64) string { return strings.TrimSuffix(c.Cell(v), ".00") }

// high and percents spell hundredths of the text's size and of a percent.
func high(v int64) string     { return hundredths(v) + "em" }
func percents(v int64) string { return hundredths(v) + "%" }

func hundredths(v int64) string { return fmt.Sprintf("%d.%02d", v/100, v%100) }
