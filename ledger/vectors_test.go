package ledger_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// vectorLine is one line of a vector file: a posting, or an expected balance.
type vectorLine struct {
	expect bool
	code   string
	fund   string
	amount int64 // debit positive
	units  int64 // of US dollars
	usd    bool
}

type vectorBlock struct {
	name  string
	lines []vectorLine
}

func readVectors(t *testing.T, file string) []vectorBlock {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var blocks []vectorBlock
	for sc := bufio.NewScanner(f); sc.Scan(); {
		text := sc.Text()
		if name, ok := strings.CutPrefix(text, "## "); ok {
			blocks = append(blocks, vectorBlock{name: name})
			continue
		}
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		blocks[len(blocks)-1].lines = append(blocks[len(blocks)-1].lines, parseVector(t, text))
	}
	return blocks
}

func parseVector(t *testing.T, text string) (l vectorLine) {
	t.Helper()
	posting, note, _ := strings.Cut(text, " ; ")
	fields := strings.Fields(posting)
	side, amount := fields[0], fields[len(fields)-1]
	l.code, l.fund = fields[1], fields[2]
	if side == "=" {
		l.expect, side = true, fields[3]
	}
	l.amount = parse(t, amount, "CNY")
	if usd, ok := strings.CutPrefix(note, "USD "); ok {
		l.usd, l.units = true, parse(t, usd, "USD")
	}
	if side == "C" {
		l.amount, l.units = -l.amount, -l.units
	}
	return l
}

func parse(t *testing.T, text, ccy string) int64 {
	t.Helper()
	v, err := money.Parse(text, ccy)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return v
}

func (b *testBook) line(v vectorLine) ledger.Line {
	l := ledger.Line{Leaf: b.leaf(v.code, v.fund), Amount: v.amount, Units: v.units}
	if v.usd {
		l.Leaf.Currency = "USD"
	}
	return l
}

// groups cuts a block's lines into entries: as few lines as balance in every fund and between funds. The
// relief of a commitment belongs to the entry that spends it, else the money would count twice in between.
func (b *testBook) groups(lines []vectorLine) [][]ledger.Line {
	var all [][]ledger.Line
	var open []ledger.Line
	sums := map[string]int64{}
	for _, v := range lines {
		open = append(open, b.line(v))
		sums[v.fund] += v.amount
		if v.code == "1991" || v.code == "2991" {
			sums["between"] += v.amount
		}
		if v.code == "3901" {
			sums["transfers"] += v.amount
		}
		settled := true
		for _, s := range sums {
			settled = settled && s == 0
		}
		if !settled {
			continue
		}
		first := open[0]
		relief := (first.Leaf.Chart == "enc.contra" || first.Leaf.Chart == "resv.contra") && first.Amount > 0
		if relief && len(all) > 0 {
			all[len(all)-1] = append(all[len(all)-1], open...)
		} else {
			all = append(all, open)
		}
		open = nil
	}
	if open != nil {
		b.t.Fatalf("%d lines at the end do not balance", len(open))
	}
	return all
}

// endow gives every account that a block lowers enough to start with, as if earlier entries had.
func (b *testBook) endow(lines []vectorLine) {
	const plenty = 1_000_000_00
	seen := map[string]bool{}
	for _, v := range lines {
		if seen[v.code+v.fund] || v.fund == "" {
			continue
		}
		seen[v.code+v.fund] = true
		acct := chart.ByCode(chart.CN2026, v.code)[0]
		fund := b.funds[v.fund]
		against := ledger.Leaf{Chart: "na.u", Fund: fund.ID}
		if fund.HasRestriction() {
			against.Chart = "na.r"
		}
		switch {
		case fund.Kind == ledger.Agency:
			against.Chart = "agency.l"
			if acct.ID != "bank.agency" {
				continue
			}
		case acct.Memo():
			if acct.Guard == chart.GuardFloor {
				contra := strings.SplitN(string(acct.ID), ".", 2)[0] + ".contra"
				against.Chart = chart.ID(contra)
			} else {
				continue
			}
		case acct.Guard == chart.GuardNone || acct.ID == "na.r":
			continue
		}
		amount := int64(plenty)
		if acct.Memo() {
			amount /= 10
		}
		if acct.Guard == chart.GuardCeiling {
			amount = -amount
			against = ledger.Leaf{Chart: "bank.basic", Fund: fund.ID}
		}
		e := entry(day.AddDate(0, -1, 0), ledger.Line{Leaf: b.line(v).Leaf, Amount: amount}, ledger.Line{Leaf: against, Amount: -amount})
		e.Kind = ledger.KindOpening
		b.post(e)
	}
}

func TestEveryEventOfTheVectorsPosts(t *testing.T) {
	t.Parallel()
	shared := newBook(t)
	for _, block := range readVectors(t, "testdata/journal-events.txt") {
		t.Run(strings.Fields(block.name)[0], func(t *testing.T) {
			b := shared.another(t)
			t.Parallel()
			for _, f := range []string{"G", "R", "C", "P", "S"} { // something to spend in every fund
				na := ledger.Leaf{Chart: "na.u", Fund: b.funds[f].ID}
				if b.funds[f].HasRestriction() {
					na.Chart = "na.r"
				}
				e := entry(day.AddDate(0, -1, 0), ledger.Debit(b.leaf("1002.01", f), 1_000_000_00), ledger.Credit(na, 1_000_000_00))
				e.Kind = ledger.KindOpening
				b.post(e)
			}
			b.endow(block.lines)
			before := map[ledger.Leaf]int64{}
			want := map[ledger.Leaf]int64{}
			var lines []ledger.Line
			for _, v := range block.lines {
				l := b.line(v)
				lines = append(lines, l)
				want[l.Leaf] += l.Amount
				before[l.Leaf] = b.worth(l.Leaf)
			}
			b.post(entry(day, lines...))
			for leaf, moved := range want {
				if got := b.worth(leaf) - before[leaf]; got != moved {
					t.Errorf("%s of fund %d moved by %d, want %d", leaf.Chart, leaf.Fund, got, moved)
				}
			}
			b.verified()
		})
	}
}

// worth is a leaf's balance in the book's currency, also when it holds foreign money.
func (b *testBook) worth(leaf ledger.Leaf) int64 {
	if leaf.Currency != "" {
		leaf.Dims.Foreign, leaf.Currency = leaf.Currency, ""
	}
	return b.balance(leaf)
}

func TestWorkedExamplesComeOutToTheFen(t *testing.T) {
	t.Parallel()
	shared := newBook(t)
	for _, block := range readVectors(t, "testdata/journal-worked.txt") {
		t.Run(strings.Fields(block.name)[0], func(t *testing.T) {
			b := shared.another(t)
			t.Parallel()
			var pending []vectorLine
			entries, expected := 0, 0
			flush := func() {
				for _, lines := range b.groups(pending) {
					b.post(entry(day, lines...))
					entries++
				}
				pending = nil
			}
			for _, v := range block.lines {
				if !v.expect {
					pending = append(pending, v)
					continue
				}
				flush()
				expected++
				if got := b.balance(b.leaf(v.code, v.fund)); got != v.amount {
					t.Errorf("%s %s stands at %d, want %d", v.code, v.fund, got, v.amount)
				}
			}
			flush()
			if entries == 0 || expected == 0 {
				t.Errorf("%d entries, %d expectations: nothing was tested", entries, expected)
			}
			b.verified()
		})
	}
}

func ExampleDebit() {
	l := ledger.Debit(ledger.Leaf{Chart: "bank.basic", Fund: 1}, 27_505_13)
	fmt.Println(l.Amount, ledger.Credit(l.Leaf, 100).Amount)
	// Output: 2750513 -100
}
