package web

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"sunfund/ledger"
)

// Both sides of a fund add up to the same, or nothing is drawn; the largest nodes stand, the others are one; no amount is lost.
func TestSankey(t *testing.T) {
	t.Parallel()
	s := Sankey{ID: "x", Unit: "CNY", Heads: []string{"kinds", "funds", "uses"}}
	rest := func(n int) string { return strconv.Itoa(n) + " others" }
	links := []SankeyLink{{From: "k", FromName: "gifts", To: "f", ToName: "fund", Minor: 300}}
	for i := range 20 {
		links = append(links, SankeyLink{From: "f", FromName: "fund", To: "u" + strconv.Itoa(i), ToName: "use " + strconv.Itoa(i), Minor: int64(i) + 5, column: 1})
	}
	links = append(links, SankeyLink{From: "f", FromName: "fund", To: "left", ToName: "left", Minor: 10, column: 1})
	drawn := newSankey(s, links, rest)
	if drawn.Why != "" || len(drawn.Nodes) != 2+sankeyMost || len(drawn.Bands) != 1+sankeyMost {
		t.Fatalf("%q with %d nodes and %d bands", drawn.Why, len(drawn.Nodes), len(drawn.Bands))
	}
	var out int64
	others := false
	for _, l := range drawn.Links {
		if l.column == 1 {
			out += l.Minor
		}
		others = others || l.ToName == "10 others"
	}
	if out != 300 || !others {
		t.Errorf("%d flows out of 300, others %t: %+v", out, others, drawn.Links)
	}
	links[0].Minor = 301
	if s := newSankey(s, links, rest); s.Why != "unequal" || len(s.Nodes) != 0 {
		t.Errorf("unequal sides are drawn: %q", s.Why)
	}
	if s := newSankey(s, nil, rest); s.Why != "empty" {
		t.Errorf("nothing is drawn: %q", s.Why)
	}
	if s := newSankey(s, []SankeyLink{{From: "a", To: "b", Minor: -1}}, rest); s.Why != "negative" {
		t.Errorf("a negative flow is drawn: %q", s.Why)
	}
}

// A name beside its node has room for twenty letters or ten characters; the table has the whole name.
func TestNamesInTheDrawing(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"": "", "临江社区公益服务经费": "临江社区公益服务经费", "石坪桥社区阳光基金专户": "石坪桥社区阳光基金…", "General fund of gifts": "General fund of gif…",
		"Linjiang community x": "Linjiang community x", "Linjiang community sunshine fund": "Linjiang community…", "E爱空间·阳光相伴专项基金": "E爱空间·阳光相伴专…"} {
		if got := roomy(name, sankeyRoom, 0); got != want {
			t.Errorf("%q is drawn as %q, not %q", name, got, want)
		}
	}
	alike := []SankeyNode{{Whole: "Linjiang community sunshine fund"}, {Whole: "Linjiang community service money"}, {Whole: "General fund"}}
	nameNodes(alike)
	if alike[0].Name != "Linjiang…shine fund" || alike[1].Name != "Linjiang…vice money" || alike[2].Name != "General fund" {
		t.Errorf("alike: %+v", alike)
	}
	long := "Linjiang community sunshine fund"
	s := newSankey(Sankey{Unit: "CNY", Heads: []string{"kinds", "funds"}}, []SankeyLink{{From: "k", FromName: "gifts", To: "f", ToName: long, Minor: 300}}, nil)
	if s.Links[0].ToName != long || s.Nodes[1].Whole != long || s.Nodes[1].Name == long || !strings.Contains(s.Bands[0].Title, long) {
		t.Errorf("%+v", s)
	}
}

// flows holds the table behind the year's flow to what a project took and where that went: pairs of a name and an amount, the project first.
func (o *office) flows(pairs ...string) {
	o.Helper()
	page := o.browser().get(flowPath).text
	if !strings.Contains(page, `<title id="flow-title">`) || !strings.Contains(page, `<desc id="flow-desc">`) {
		o.Errorf("the flow is not drawn: %s", page)
	}
	row := func(from, to, amount string) {
		o.Helper()
		found := false
		for _, tr := range strings.Split(page, "<tr>") {
			cells := strings.Split(tr, "<td")
			found = found || len(cells) == 4 && (from == "" || strings.Contains(cells[1], ">"+from+"<")) && strings.Contains(cells[2], ">"+to+"<") && strings.Contains(cells[3], ">"+amount+"<")
		}
		if !found {
			o.Errorf("no flow of %s from %q to %q", amount, from, to)
		}
	}
	row("", pairs[0], pairs[1])
	for i := 2; i < len(pairs); i += 2 {
		row(pairs[0], pairs[i], pairs[i+1])
	}
}

// The page of a year's money: kinds, funds and what was paid, with title, description and the table behind it.
func TestFlowPage(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.disclosed()
	anybody := o.browser()
	page := anybody.get(flowPath)
	anybody.wants(page, http.StatusOK, "资金流向", "捐赠", "一日捐基金", "助困物资", "还没有用", "4,500.00", "<title id=\"flow-title\">", "<desc id=\"flow-desc\">", "每月收支", "项目预算与支出")
	// Each picture has a title, a sentence and the table of its figures, which are the books'.
	fund := anybody.get("/f/YRJ")
	for _, in := range []struct {
		page  reply
		id    string
		wants []string
	}{{page, "months", []string{"8,0"}}, {fund, "months", []string{"8,000.00", "3,500.00"}}} {
		_, chart, there := strings.Cut(in.page.text, `<title id="`+in.id+`-title">`)
		chart, _, _ = strings.Cut(chart, "</figure>")
		if !there || !strings.Contains(chart, `<desc id="`+in.id+`-desc">`) || !strings.Contains(chart, "<pattern") || !strings.Contains(chart, "<table>") {
			t.Errorf("the picture %s lacks title, sentence, pattern or table", in.id)
		}
		for _, figure := range in.wants {
			if !strings.Contains(chart[strings.Index(chart, "<table>"):], figure) {
				t.Errorf("the table behind %s lacks %s", in.id, figure)
			}
		}
	}
	if strings.Count(page.text, `<path class="o-`) < 5 {
		t.Error("the flow has no bands")
	}
	anybody.wants(anybody.get(flowPath+"?year=1999"), http.StatusOK, "这一年还没有进出")
	anybody.wants(anybody.get(flowPath+"?year=x"), http.StatusOK, o.book.Day(o.now).Format("2006"))
	o.post(ledger.KindTransfer, o.book.Day(o.now), "划转", ledger.Debit(ledger.Leaf{Chart: "transfer", Fund: o.funds[1].ID}, 10_00), ledger.Credit(ledger.Leaf{Chart: "bank.basic", Fund: o.funds[1].ID}, 10_00),
		ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: o.funds[2].ID}, 10_00), ledger.Credit(ledger.Leaf{Chart: "transfer", Fund: o.funds[2].ID}, 10_00))
	anybody.wants(anybody.get(flowPath), http.StatusOK, "其他基金转来")
	// Match that was paid, less what went back, and goods are kinds of their own.
	gift := func(nature string) ledger.Leaf {
		return ledger.Leaf{Chart: "gift.r", Fund: o.funds[1].ID, Dims: ledger.Dims{Nature: nature}}
	}
	bank := ledger.Leaf{Chart: "bank.basic", Fund: o.funds[1].ID}
	o.post(ledger.KindVoucher, o.book.Day(o.now), "配捐与物资", ledger.Debit(bank, 12_34+7_77), ledger.Credit(gift("match"), 12_34), ledger.Credit(gift("in-kind"), 7_77))
	o.post(ledger.KindVoucher, o.book.Day(o.now), "退回配捐", ledger.Debit(gift("match-back"), 1_11), ledger.Credit(bank, 1_11))
	page = anybody.get(flowPath)
	for kind, amount := range map[string]string{"配捐到账": "11.23", "实物与义拍": "7.77"} {
		if !strings.Contains(page.text, kind+" → "+o.funds[1].NameZH+" "+amount) {
			t.Errorf("%s of %s does not flow to %s", kind, amount, o.funds[1].NameZH)
		}
	}
	// Where more match went back in a year than came, it lessens the gifts and the year is drawn all the same.
	o.post(ledger.KindVoucher, o.book.Day(o.now), "捐赠和退回往年配捐", ledger.Debit(bank, 10_00), ledger.Debit(gift("match-back"), 20_00), ledger.Credit(gift(""), 30_00))
	page = anybody.get(flowPath)
	if strings.Contains(page.text, "配捐到账") || !strings.Contains(page.text, "实物与义拍 → ") || !strings.Contains(page.text, `<title id="flow-title">`) {
		t.Error("match that went back is not drawn among the gifts")
	}
	o.looks(t, "flow", [][3]string{{"li", "year", flowPath}, {"li", "fund", "/f/YRJ"}})
}
