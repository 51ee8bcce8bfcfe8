package votes_test

import (
	"bytes"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sunfund/internal/skipped"
	"sunfund/ledger/projects/votes"
)

// The green budget of Wieliczka, 2023: 6,586 ballots under the four rules, as equalshares.net's own implementation counts them.
func TestRealElection(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("SUNFUND_VECTORS")
	if dir == "" {
		dir = filepath.FromSlash("../../../../shared/vectors")
	}
	file, err := os.ReadFile(filepath.Join(dir, "votes", "poland_wieliczka_2023_green-budget.pb"))
	if err != nil {
		skipped.Test(t, "no real election here; SUNFUND_VECTORS names its folder")
	}
	e, err := votes.ReadPabulib(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Ballots) != 6586 || len(e.Options) != 64 || e.Budget != 1_000_000_00 || e.Currency != "PLN" {
		t.Fatalf("%d ballots, %d projects, %d %s", len(e.Ballots), len(e.Options), e.Budget, e.Currency)
	}
	for _, c := range []struct {
		method, completion string
		cost               int64
		won                string
	}{
		{votes.EqualShares, votes.Raise, 995_079_00, "6,7,9,17,19,20,24,25,26,29,32,33,34,36,39,40,41,42,43,46,56,58,60,61,62,69,70,71,74,88"},
		{votes.EqualShares, votes.NoMore, 450_548_00, "17,20,24,25,26,29,34,36,39,41,43,56,58,60,62,66,69,70,71,74,88"},
		{votes.EqualShares, votes.Fill, 991_347_00, "6,16,17,19,20,21,24,25,26,29,32,33,34,36,39,40,41,42,43,56,58,60,62,66,69,70,71,74,88"},
		{votes.Greedy, "", 998_997_00, "6,8,16,17,19,20,21,24,25,29,32,33,34,39,40,41,42,43,58,60,70,74,87"},
	} {
		e.Rule.Method, e.Rule.Completion, e.Rule.Step = c.method, c.completion, 0
		if c.completion == votes.Raise {
			e.Rule.Step = 1_00
		}
		r, err := e.Count()
		if err != nil {
			t.Fatal(err)
		}
		if r.Cost != c.cost || ids(e, r) != c.won || r.Ballots != 6586 {
			t.Errorf("%s %s: %d for %s", c.method, c.completion, r.Cost, ids(e, r))
		}
		t.Logf("%s %s: %d projects, %d raises", c.method, c.completion, len(r.Steps), r.Raises)
	}
}

// ids lists the winners by number.
func ids(e *votes.Election, r *votes.Result) string {
	var won []string
	for _, i := range r.Winners() {
		won = append(won, e.Options[i].ID)
	}
	slices.SortFunc(won, func(a, b string) int {
		x, _ := new(big.Int).SetString(a, 10)
		y, _ := new(big.Int).SetString(b, 10)
		return x.Cmp(y)
	})
	return strings.Join(won, ",")
}

// draw makes a small election of any kind.
func draw(t *rapid.T) *votes.Election {
	e := &votes.Election{Title: "t", Currency: "CNY", Rule: votes.Rule{Least: 1,
		Ballot: rapid.SampledFrom([]string{votes.Approval, votes.Points, votes.Basket}).Draw(t, "ballot"),
		Method: rapid.SampledFrom([]string{votes.Greedy, votes.EqualShares, votes.EqualShares, votes.EqualShares}).Draw(t, "method"),
		Ties:   rapid.Permutation([]string{votes.LowerCost, votes.MoreVotes}).Draw(t, "ties")[:rapid.IntRange(0, 2).Draw(t, "breaks")]}}
	if e.Rule.Method == votes.EqualShares {
		e.Rule.Completion = rapid.SampledFrom([]string{votes.NoMore, votes.Raise, votes.Fill}).Draw(t, "completion")
		if e.Rule.Completion == votes.Raise {
			e.Rule.Step = rapid.Int64Range(1, 300).Draw(t, "step")
		}
	}
	if e.Rule.Ballot == votes.Points {
		e.Rule.Points = rapid.IntRange(3, 12).Draw(t, "points")
		e.Rule.PointsEach = rapid.IntRange(0, e.Rule.Points).Draw(t, "each")
	}
	e.Budget = rapid.Int64Range(100, 3000).Draw(t, "budget")
	for i := range rapid.IntRange(1, 7).Draw(t, "projects") {
		e.Options = append(e.Options, votes.Option{ID: string(rune('a' + i)), Name: "p", Cost: rapid.OneOf(rapid.Int64Range(1, 2000), rapid.SampledFrom([]int64{100, 200, 500})).Draw(t, "cost")})
	}
	for range rapid.IntRange(0, 14).Draw(t, "ballots") {
		var b votes.Ballot
		for i := range e.Options {
			if rapid.Bool().Draw(t, "tick") {
				m := votes.Mark{Option: i, Points: 1}
				if e.Rule.Ballot == votes.Points {
					m.Points = rapid.IntRange(1, 4).Draw(t, "given")
				}
				if trial := append(slices.Clone(b), m); e.Accepts(trial) == nil {
					b = trial
				}
			}
		}
		if e.Accepts(b) == nil {
			e.Ballots = append(e.Ballots, b)
		}
	}
	return e
}

func TestCountProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := draw(t)
		r, err := e.Count()
		if err != nil {
			t.Fatal(err)
		}
		var cost int64
		for _, i := range r.Winners() {
			cost += e.Options[i].Cost
			if r.Outcomes[i].Voters == 0 {
				t.Fatal("taken though nobody chose it")
			}
		}
		if cost != r.Cost || cost > e.Budget || len(r.Winners()) != len(r.Steps) {
			t.Fatalf("%d of %d in %d steps", cost, e.Budget, len(r.Steps))
		}
		if want := naive(e); !slices.Equal(want, taken(r)) {
			t.Fatalf("the model takes %v, the count %v", want, taken(r))
		}
		// another order of ballots and of their marks
		turned := *e
		turned.Ballots = slices.Clone(e.Ballots)
		slices.Reverse(turned.Ballots)
		for i := range turned.Ballots {
			turned.Ballots[i] = slices.Clone(turned.Ballots[i])
			slices.Reverse(turned.Ballots[i])
		}
		again, err := turned.Count()
		if err != nil || !slices.Equal(taken(r), taken(again)) {
			t.Fatalf("in another order: %v %v, before %v", taken(again), err, taken(r))
		}
		// written out and read again
		if len(e.Ballots) == 0 {
			return
		}
		var file bytes.Buffer
		if err := e.WritePabulib(&file); err != nil {
			t.Fatal(err)
		}
		read, err := votes.ReadPabulib(bytes.NewReader(file.Bytes()))
		if err != nil {
			t.Fatalf("%v in\n%s", err, file.Bytes())
		}
		if got, err := read.Count(); err != nil || !slices.Equal(taken(r), taken(got)) {
			t.Fatalf("from the file: %v %v, before %v\n%s", taken(got), err, taken(r), file.Bytes())
		}
		var same bytes.Buffer
		if err := turned.WritePabulib(&same); err != nil || !bytes.Equal(file.Bytes(), same.Bytes()) {
			t.Fatal("the order of ballots shows in the file")
		}
	})
}

// taken are the projects in the order of the count.
func taken(r *votes.Result) []int {
	var list []int
	for _, s := range r.Steps {
		list = append(list, s.Option)
	}
	return list
}

// naive counts voter by voter in fractions, straight from the definition and with none of the count's short cuts.
func naive(e *votes.Election) []int {
	votesOf := make([]int64, len(e.Options))
	for _, b := range e.Ballots {
		for _, m := range b {
			votesOf[m.Option] += int64(m.Points)
		}
	}
	before := func(a, b int) bool { // between equals
		for _, tie := range e.Rule.Ties {
			if tie == votes.LowerCost && e.Options[a].Cost != e.Options[b].Cost {
				return e.Options[a].Cost < e.Options[b].Cost
			}
			if tie == votes.MoreVotes && votesOf[a] != votesOf[b] {
				return votesOf[a] > votesOf[b]
			}
		}
		return a < b
	}
	sum := func(list []int) (cost int64) {
		for _, i := range list {
			cost += e.Options[i].Cost
		}
		return cost
	}
	fill := func(list []int) []int {
		passed := map[int]bool{}
		for {
			best := -1
			for i := range e.Options {
				if votesOf[i] > 0 && !passed[i] && !slices.Contains(list, i) && (best < 0 || votesOf[i] > votesOf[best] || votesOf[i] == votesOf[best] && before(i, best)) {
					best = i
				}
			}
			if best < 0 {
				return list
			}
			if passed[best] = true; sum(list)+e.Options[best].Cost <= e.Budget {
				list = append(list, best)
			}
		}
	}
	if e.Rule.Method == votes.Greedy {
		return fill(nil)
	}
	if len(e.Ballots) == 0 {
		return nil
	}
	shares := func(share *big.Rat) (list []int) {
		money := make([]*big.Rat, len(e.Ballots))
		for i := range money {
			money[i] = share
		}
		for {
			best, bestRate, bestPrice := -1, new(big.Rat), new(big.Rat)
			for i, o := range e.Options {
				if slices.Contains(list, i) || votesOf[i] == 0 {
					continue
				}
				price := priceOf(e, i, money)
				if price == nil {
					continue
				}
				rate := new(big.Rat).Quo(new(big.Rat).SetInt64(o.Cost), price)
				if by := rate.Cmp(bestRate); best < 0 || by > 0 || by == 0 && before(i, best) {
					best, bestRate, bestPrice = i, rate, price
				}
			}
			if best < 0 {
				return list
			}
			list = append(list, best)
			for v, b := range e.Ballots {
				for _, m := range b {
					if m.Option != best {
						continue
					}
					if pay := new(big.Rat).Mul(bestPrice, new(big.Rat).SetInt64(int64(m.Points))); pay.Cmp(money[v]) < 0 {
						money[v] = new(big.Rat).Sub(money[v], pay)
					} else {
						money[v] = new(big.Rat)
					}
				}
			}
		}
	}
	n := int64(len(e.Ballots))
	list := shares(big.NewRat(e.Budget, n))
	switch e.Rule.Completion {
	case votes.Fill:
		return fill(list)
	case votes.Raise:
		share := e.Budget / n / e.Rule.Step * e.Rule.Step
		for raised := 0; raised < votes.RaisesMax; raised++ {
			if !slices.ContainsFunc(e.Options, func(o votes.Option) bool {
				i := slices.Index(e.Options, o)
				return votesOf[i] > 0 && !slices.Contains(list, i)
			}) {
				break
			}
			share += e.Rule.Step
			next := shares(big.NewRat(share, 1))
			if sum(next) > e.Budget {
				break
			}
			list = next
		}
	}
	return list
}

// priceOf is the price of a point at which the supporters, none paying more than she has, pay the project; nil when they cannot. The
// candidates are tried one after the other: the poorest k pay all they have.
func priceOf(e *votes.Election, option int, money []*big.Rat) *big.Rat {
	type payer struct{ has, points, most *big.Rat }
	var payers []payer
	for v, b := range e.Ballots {
		for _, m := range b {
			if m.Option == option {
				points := new(big.Rat).SetInt64(int64(m.Points))
				payers = append(payers, payer{money[v], points, new(big.Rat).Quo(money[v], points)})
			}
		}
	}
	slices.SortFunc(payers, func(a, b payer) int { return a.most.Cmp(b.most) })
	for k := range payers {
		rest, points := new(big.Rat).SetInt64(e.Options[option].Cost), new(big.Rat)
		for i, p := range payers {
			if i < k {
				rest.Sub(rest, p.has)
			} else {
				points.Add(points, p.points)
			}
		}
		if price := rest.Quo(rest, points); price.Cmp(payers[k].most) <= 0 {
			return price
		}
	}
	return nil
}

// TestShares: one worked by hand. Budget 100, four voters with 25 each. Three want the park (60), which takes 20 of each; the fourth is
// alone with the bench (30), which her 25 do not pay. Raised by 5 they do, and the lamp (10) comes as well.
func TestShares(t *testing.T) {
	t.Parallel()
	e := votes.Election{Currency: "CNY", Budget: 100, Rule: votes.Rule{Ballot: votes.Approval, Least: 1, Method: votes.EqualShares, Completion: votes.NoMore, Ties: []string{votes.LowerCost}},
		Options: []votes.Option{{ID: "park", Cost: 60}, {ID: "bench", Cost: 30}, {ID: "lamp", Cost: 10}, {ID: "pond", Cost: 20}},
		Ballots: []votes.Ballot{{{0, 1}, {2, 1}}, {{0, 1}, {2, 1}}, {{0, 1}}, {{1, 1}}}}
	r, err := e.Count()
	if err != nil {
		t.Fatal(err)
	}
	if got := taken(r); !slices.Equal(got, []int{0, 2}) || r.Steps[0].Price.RatString() != "20" || r.Steps[1].Price.RatString() != "5" || r.Steps[1].Left != 30 || r.Share.RatString() != "25" {
		t.Errorf("%v %+v", got, r.Steps)
	}
	if r.Outcomes[1].State != votes.NotAfforded || r.Outcomes[3].State != votes.NoVotes {
		t.Errorf("%+v", r.Outcomes)
	}
	e.Rule.Completion, e.Rule.Step = votes.Raise, 5
	if r, err = e.Count(); err != nil || r.Raises != 1 || r.Cost != 100 || r.Share.RatString() != "30" {
		t.Errorf("raised: %+v %v", r, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	whole := func() votes.Election {
		return votes.Election{Currency: "CNY", Budget: 100, Rule: votes.Rule{Ballot: votes.Basket, Least: 1, Most: 2, Method: votes.Greedy},
			Options: []votes.Option{{ID: "a", Cost: 60}, {ID: "b", Cost: 50}, {ID: "c", Cost: 10}}}
	}
	for field, change := range map[string]func(e *votes.Election){
		"ballot": func(e *votes.Election) { e.Rule.Ballot = "ranking" }, "method": func(e *votes.Election) { e.Rule.Method = "" },
		"completion": func(e *votes.Election) { e.Rule.Completion = votes.Fill }, "step": func(e *votes.Election) { e.Rule.Step = 1 },
		"least": func(e *votes.Election) { e.Rule.Least = 0 }, "most": func(e *votes.Election) { e.Rule.Most = 4 }, "points": func(e *votes.Election) { e.Rule.Points = 5 },
		"points_each": func(e *votes.Election) { e.Rule.Ballot, e.Rule.Points, e.Rule.PointsEach = votes.Points, 5, 6 }, "budget": func(e *votes.Election) { e.Budget = 0 },
		"ties": func(e *votes.Election) { e.Rule.Ties = []string{votes.LowerCost, votes.LowerCost} }, "options": func(e *votes.Election) { e.Options[1].ID = "a" },
	} {
		e := whole()
		change(&e)
		var wrong *votes.RuleError
		if err := e.Check(); !errors.As(err, &wrong) || !errors.Is(err, votes.ErrRule) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	e := whole()
	for reason, b := range map[string]votes.Ballot{votes.TooFew: nil, votes.TooMany: {{0, 1}, {1, 1}, {2, 1}}, votes.Unknown: {{0, 1}, {0, 1}}, votes.OverBudget: {{0, 1}, {1, 1}}} {
		var wrong *votes.BallotError
		if err := e.Accepts(b); !errors.As(err, &wrong) || wrong.Reason != reason || reason == votes.OverBudget && (wrong.Option != 1 || wrong.By != 10) {
			t.Errorf("%s: %v", reason, err)
		}
		e.Ballots = []votes.Ballot{b}
		if _, err := e.Count(); !errors.Is(err, votes.ErrBallot) {
			t.Errorf("counted: %v", err)
		}
	}
	e.Rule.Ballot, e.Rule.Points, e.Rule.PointsEach = votes.Points, 5, 3
	for reason, b := range map[string]votes.Ballot{votes.OverPoints: {{0, 3}, {1, 3}}, votes.OverEach: {{2, 4}}, votes.Unknown: {{2, 0}}} {
		var wrong *votes.BallotError
		if err := e.Accepts(b); !errors.As(err, &wrong) || wrong.Reason != reason {
			t.Errorf("%s: %v", reason, err)
		}
	}
}

// TestWords: every rule is told in both languages, with its figures and without a place left open.
func TestWords(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := draw(t)
		e.Rule.Most = rapid.IntRange(0, len(e.Options)).Draw(t, "most")
		zh, en := e.Words("zh-CN"), e.Words("en")
		if len(zh) != len(en) || len(zh) < 5 {
			t.Fatalf("%d and %d sentences", len(zh), len(en))
		}
		for i := range zh {
			if strings.ContainsAny(zh[i]+en[i], "{}") || !strings.HasSuffix(zh[i], "。") || !strings.HasSuffix(en[i], ".") {
				t.Fatalf("%q %q", zh[i], en[i])
			}
		}
	})
}

func FuzzReadPabulib(f *testing.F) {
	f.Add([]byte("META\nkey;value\nbudget;10\nrule;greedy\nvote_type;approval\nPROJECTS\nproject_id;cost\n1;5\nVOTES\nvoter_id;vote\n1;1\n"))
	f.Add([]byte("PROJECTS\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		e, err := votes.ReadPabulib(bytes.NewReader(file))
		if err == nil {
			if err := e.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
