package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/net/html"
)

// figure is a drawn figure of a page as somebody who cannot see it meets it.
type figure struct {
	*testing.T
	id   string
	node *html.Node
}

// picturesOf reads the pictures of a page by their ids, which no two of them share.
func picturesOf(t *testing.T, page string) map[string]figure {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]figure{}
	for n := range doc.Descendants() {
		if n.Data != "figure" || attr(n, "class") != "chart" && attr(n, "class") != "sankey" { // a money bar has its amounts beside it
			continue
		}
		p := figure{t, "", n}
		if svg := p.all("svg"); len(svg) > 0 && attr(svg[0], "role") == "img" {
			p.id, _, _ = strings.Cut(attr(svg[0], "aria-labelledby"), "-title ")
			if all[p.id].node != nil {
				t.Errorf("two pictures are called %s", p.id)
			}
			all[p.id] = p
		}
	}
	return all
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if strings.EqualFold(a.Key, name) {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(b.String())
}

func (p figure) all(tag string) (list []*html.Node) {
	for n := range p.node.Descendants() {
		if n.Type == html.ElementNode && n.Data == tag {
			list = append(list, n)
		}
	}
	return list
}

// table is the table behind the picture: heads, and rows of texts.
func (p figure) table() (heads []string, rows [][]string) {
	for _, tr := range p.all("tr") {
		var row []string
		for cell := range tr.ChildNodes() {
			if cell.Type == html.ElementNode {
				row = append(row, textOf(cell))
			}
		}
		if tr.Parent.Data == "thead" {
			heads = row
		} else {
			rows = append(rows, row)
		}
	}
	return heads, rows
}

// plain is a figure as a number of its smallest units: of money, of count.
func (p figure) plain(figure string) int64 {
	p.Helper()
	figure = strings.NewReplacer(",", "", "−", "-").Replace(figure)
	whole, part, money := strings.Cut(figure, ".")
	n, err := strconv.ParseInt(whole+part, 10, 64)
	if err != nil || money && len(part) != 2 {
		p.Errorf("%s: %q is no figure", p.id, figure)
	}
	return n
}

// holds checks what every picture must have: the role, a title, a sentence, a table behind it, and a pattern or a word besides each colour; and that what is
// drawn is what the table says, as high and in that order.
func (p figure) holds() {
	p.Helper()
	svg := p.all("svg")[0]
	if attr(svg, "aria-labelledby") != p.id+"-title "+p.id+"-desc" {
		p.Errorf("%s is labelled by %q", p.id, attr(svg, "aria-labelledby"))
	}
	for _, of := range []string{"title", "desc"} {
		if i := slices.IndexFunc(p.all(of), func(n *html.Node) bool { return attr(n, "id") == p.id+"-"+of && textOf(n) != "" }); i < 0 {
			p.Errorf("%s has no %s", p.id, of)
		}
	}
	region := p.all("div")
	if len(region) == 0 || attr(region[0], "role") != "region" || attr(region[0], "aria-label") == "" || attr(region[0], "tabindex") != "0" || region[0].Parent.Data != "details" || len(p.all("figcaption")) != 1 {
		p.Errorf("%s: the table behind it is not to be found", p.id)
	}
	heads, rows := p.table()
	if len(heads) < 2 || len(rows) == 0 {
		p.Errorf("%s has an empty table: %q", p.id, heads)
		return
	}
	if attr(p.node, "class") == "sankey" {
		p.holdsFlow(rows)
	} else {
		p.holdsColumns(heads, rows)
	}
}

// holdsFlow holds the bands and nodes of a flow to the rows of its table.
func (p figure) holdsFlow(rows [][]string) {
	p.Helper()
	var table, drawn []string
	for _, row := range rows {
		table = append(table, row[0]+" → "+row[1]+" "+row[2])
	}
	for _, band := range p.all("path") {
		drawn = append(drawn, textOf(band))
	}
	slices.Sort(table)
	slices.Sort(drawn)
	if !slices.Equal(table, drawn) {
		p.Errorf("%s draws %q, its table says %q", p.id, drawn, table)
	}
	nodes := 0
	for _, n := range p.all("rect") {
		if n.Parent.Data == "svg" {
			nodes++
		}
	}
	if labels := p.all("text"); nodes == 0 || nodes != len(labels) {
		p.Errorf("%s has %d nodes and %d labels", p.id, nodes, len(labels))
	}
}

// holdsColumns holds each piece of each column to its cell of the table.
func (p figure) holdsColumns(heads []string, rows [][]string) {
	p.Helper()
	patterns, looks := map[string]string{}, map[string]bool{}
	for _, n := range p.all("pattern") {
		var b strings.Builder
		for _, inner := range p.all("rect") {
			if inner.Parent == n && strings.HasPrefix(attr(inner, "class"), "c-") {
				patterns[attr(n, "id")] = attr(inner, "class")
			}
		}
		for inner := range n.ChildNodes() { // what it looks like without colours
			if class := attr(inner, "class"); !strings.HasPrefix(class, "c-") {
				fmt.Fprint(&b, inner.Data, inner.Attr)
			}
		}
		looks[b.String()+attr(n, "patternTransform")] = true
	}
	if len(looks) != len(patterns) || len(patterns) == 0 || len(patterns) > len(heads)-1 {
		p.Errorf("%s tells %d series apart by %d patterns", p.id, len(patterns), len(looks))
	}
	if key := p.all("li"); len(patterns) > 1 && len(key) != len(patterns) {
		p.Errorf("%s has a key of %d", p.id, len(key))
	}
	var top int64
	for _, n := range p.all("text") {
		if attr(n, "class") == "axis" {
			figure := textOf(n)
			if strings.Contains(rows[0][1], ".") && !strings.Contains(figure, ".") {
				figure += ".00"
			}
			top = max(top, p.plain(figure))
		}
	}
	var drawn []*html.Node
	for _, n := range p.all("rect") {
		if strings.HasPrefix(attr(n, "class"), "o-") && n.Parent == p.all("svg")[0] {
			drawn = append(drawn, n)
		}
	}
	for _, row := range rows {
		for series := range len(patterns) {
			v := p.plain(row[1+series])
			if v <= 0 {
				continue
			}
			if len(drawn) == 0 {
				p.Errorf("%s does not draw %s of %s", p.id, row[1+series], row[0])
				return
			}
			n := drawn[0]
			drawn = drawn[1:]
			says := row[0]
			if len(patterns) > 1 {
				says += " " + heads[1+series]
			}
			if textOf(n) != says+": "+row[1+series] {
				p.Errorf("%s draws %q for %s of %s", p.id, textOf(n), row[1+series], row[0])
			}
			if fill := strings.TrimSuffix(strings.TrimPrefix(attr(n, "fill"), "url(#"), ")"); patterns[fill] == "" || strings.TrimPrefix(attr(n, "class"), "o-") != strings.TrimPrefix(patterns[fill], "c-") {
				p.Errorf("%s fills %s with %q", p.id, attr(n, "class"), fill)
			}
			if tall, want := p.plain(strings.TrimSuffix(attr(n, "height"), "em")), max(6, chartHeight*v/max(1, top)); tall != want {
				p.Errorf("%s draws %s as high as %d of %d, not %d", p.id, row[1+series], tall, chartHeight, want)
			}
		}
	}
	if len(drawn) > 0 {
		p.Errorf("%s draws %d pieces more than its table has", p.id, len(drawn))
	}
}

// pictures holds the pictures of a page, which are those named.
func (c *client) pictures(path string, ids ...string) map[string]figure {
	c.Helper()
	a := c.get(path)
	c.wants(a, http.StatusOK)
	all := picturesOf(c.T, a.text)
	for _, id := range ids {
		if all[id].node == nil {
			c.Errorf("%s does not draw %s", path, id)
		}
	}
	for id, p := range all {
		if !slices.Contains(ids, id) {
			c.Errorf("%s draws %s as well", path, id)
		}
		p.holds()
	}
	return all
}

// The values of a chart's lines have room beside the first column, whatever they are: a figure is at most 0.6 of the text's size wide, a sign 0.3.
func TestChartsLeaveRoomForValues(t *testing.T) {
	t.Parallel()
	for _, of := range []struct {
		most int64
		unit string
		side int
	}{{1, "", 2}, {40, "", 2}, {3999, "", 4}, {1_00, "CNY", 2}, {4_00, "CNY", 2}, {3200_00, "CNY", 4}, {77_777_777_77, "CNY", 7}, {99_999_999_999_00, "CNY", 9}} {
		c := Chart{Unit: of.unit, Series: []string{"a"}, Columns: []ChartColumn{{Label: "x", Values: []int64{of.most}}, {Label: "y", Values: []int64{of.most / 3}}}}
		if c.Side() != of.side {
			t.Errorf("%d %s: %d beside the columns, not %d", of.most, of.unit, c.Side(), of.side)
		}
		for _, line := range c.Grid() {
			signs := int64(strings.Count(line.Text, ",") + strings.Count(line.Text, "."))
			if wide := 60*(int64(len(line.Text))-signs) + 30*signs + 40; wide > 100*int64(c.Side()) {
				t.Errorf("%s is %d wide beside %d", line.Text, wide, 100*c.Side())
			}
		}
	}
	far := Chart{Unit: "CNY", Series: []string{"a"}, Columns: []ChartColumn{{Label: "x", Values: []int64{9_000_000_000_000_000_00}}}}
	if far.Side() != chartSideMost {
		t.Errorf("%d beside the columns, over the most", far.Side())
	}
	css := staticText(t, "sunfund.css")
	for side := 2; side <= chartSideMost; side++ {
		if !strings.Contains(css, ".side-"+strconv.Itoa(side)+" {") {
			t.Errorf("the style has no room of %d", side)
		}
	}
}

// Every picture of the books, in both languages, has a title, a sentence, a pattern or a word besides each colour and the table behind it, and draws what
// that says. (Commitments by age: TestAProjectInTheConsole.)
func TestPictures(t *testing.T) {
	t.Parallel()
	r := newReconciled(t)
	r.disclosed()
	r.tx(func(ctx context.Context, tx pgx.Tx) error {
		return givingDay(ctx, tx, r.book, "today", "2026-09-01T00:00", true, r.now.AddDate(0, 0, -1))
	})
	for i, at := range []time.Time{r.now, r.now.Add(-time.Minute), r.now.Add(-5 * time.Hour)} {
		r.giftBy("王女士", fmt.Sprint("wang", i, "@example.org"), int64(333_33*(i+1)), at)
	}
	li, chen, wu := r.as("li"), r.as("chen"), r.as("wu")
	project := wu.stepped(projectsPath, "project-enter", "title", "11 户居室改造", "fund", wu.fundOf(1), "plan", "给 11 户装床和灯", "homes", "11", "due-starts", "2026-09-01", "due-ends", "2026-12-31")
	wu.stepped(project, "item-add", "label", "人工与材料", "amount", "1,000.10")
	chen.approved(li.stepped(project, "project-approve", "day", ISODay(r.book.Day(r.now))))
	for _, lang := range []string{"zh-CN", "en"} {
		for _, page := range []struct {
			path     string
			pictures []string
		}{
			{flowPath, []string{"flow", "months", "budgets"}},
			{"/f/YRJ", []string{"months"}},
			{"/days/today", []string{"hours", "pools"}},
			{"/console/match/today", []string{"hours", "pools"}},
			{"/console", []string{"ageing", "turnover"}},
			{breaksPath, []string{"ageing"}},
			{lawRule("R01"), []string{"law-spending"}},
		} {
			join := "?"
			if strings.Contains(page.path, "?") {
				join = "&"
			}
			li.pictures(page.path+join+"lang="+lang, page.pictures...)
		}
	}
}
