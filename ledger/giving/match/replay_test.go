package match_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"sunfund/ledger/giving/match"
)

// published makes the replay file of a day with refunds and refusals.
func published(t interface{ Fatal(...any) }, r *match.Rule, gifts []match.Gift) string {
	var file bytes.Buffer
	p, err := match.NewReplay(&file, r, seed)
	if err != nil {
		t.Fatal(err)
	}
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	state, awards := match.State{}, map[string]match.Award{}
	if r.AtEnd() {
		o := r.Settle(seed, gifts)
		state = o.State
		for i, g := range o.Gifts {
			awards[g.ID] = o.Awards[i]
		}
	}
	after := func(i int, g match.Gift) { // now and then a gift goes back, or its held match is refused
		a := awards[g.ID]
		switch {
		case a.Held && i%2 == 0:
			state.Apply(r.Undo(g, a.Parts))
			check(p.Refused(g.ID))
		case i%5 == 0:
			fallen, changes := r.Refund(g, a.Parts, g.Amount, g.Amount/3)
			state.Apply(changes)
			check(p.Refund(g.ID, g.Amount-g.Amount/3, fallen))
		}
	}
	for i, g := range gifts {
		if !r.AtEnd() {
			a := r.Decide(state, seed, g)
			state.Apply(a.Changes)
			awards[g.ID] = a
		}
		check(p.Gift(r, g, awards[g.ID].Parts, awards[g.ID].Held))
		if !r.AtEnd() {
			after(i, g)
		}
	}
	for i, g := range gifts {
		if r.AtEnd() {
			after(i, g)
		}
	}
	return file.String()
}

// What was published recomputes to the same, for any rule; and a fen changed anywhere is found.
func TestReplay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r, gifts := anyRule(t), anyGifts(t)
		if rapid.Bool().Draw(t, "at the end") {
			terms := r.Terms()
			terms.Order = match.AtEnd
			var err error
			if r, err = match.New(terms); err != nil {
				t.Fatal(err)
			}
		}
		file := published(t, r, gifts)
		v, err := match.Verify([]*match.Rule{r}, strings.NewReader(file))
		if err != nil || !v.Clean() || v.Gifts != len(gifts) {
			t.Fatalf("%s\n%s\n%+v %v", r.JSON(), file, v, err)
		}
		lines := strings.SplitAfter(file, "\n")
		n := rapid.IntRange(1, len(lines)-2).Draw(t, "line")
		if head, tail, ok := strings.Cut(lines[n], `"match":[{"pool":"a","amount":"`); ok {
			lines[n] = head + `"match":[{"pool":"a","amount":"9` + tail
			v, err = match.Verify([]*match.Rule{r}, strings.NewReader(strings.Join(lines, "")))
			if err != nil || v.Differs != 1 || v.Differences[0].Line != n+1 || v.Clean() {
				t.Fatalf("a changed match in line %d: %+v %v", n+1, v, err)
			}
		}
	})
}

func TestReplayRefuses(t *testing.T) {
	t.Parallel()
	r := rule(t, func(t *match.Terms) { t.Award = match.Formula{Between: &match.Between{Low: "1", High: "50"}} })
	file := published(t, r, []match.Gift{gift(1, "a", "d", 1000), gift(2, "b", "e", 5000)})
	other := rule(t, nil)
	if _, err := match.Verify([]*match.Rule{other}, strings.NewReader(file)); !errors.Is(err, match.ErrReplay) || !strings.HasPrefix(err.Error(), "Line 1: ") {
		t.Errorf("another rule: %v", err)
	}
	// Another seed than was promised: the draws may be right, the promise is not kept.
	promised := strings.Replace(file, seed.Commitment(), match.Seed{9}.Commitment(), 1)
	if v, err := match.Verify([]*match.Rule{r}, strings.NewReader(promised)); err != nil || v.Promised || v.Clean() || v.Differs != 0 {
		t.Errorf("another commitment: %+v %v", v, err)
	}
	if v, err := match.Verify([]*match.Rule{r}, strings.NewReader(strings.Replace(file, seed.String(), match.Seed{9}.String(), 1))); err != nil || v.Promised || v.Differs == 0 {
		t.Errorf("another seed: %+v %v", v, err)
	}
	second := strings.Index(file, "\n") + 1
	for text, line := range map[string]int{
		"":     1,
		"{}\n": 1,
		strings.Replace(file, `"seed":"01`, `"seed":"0`, 1): 1,
		file + file[second:]:                                        5,
		file + `{"refund":"nobody","amount":"1.00"}`:                5,
		file + `{"refund":"gift-1","amount":"10.01"}`:               5,
		file + `{"gift":"g","amount":"1.00"}`:                       5,
		file + `{"gift":"g","refund":"gift-1","amount":"1.00"}`:     5,
		file + `{"name":"王女士"}`:                                     5,
		file + strings.Repeat(" ", 70<<10):                          5,
		strings.Replace(file, `"amount":"50.00"`, `"amount":50`, 1): 4,
	} {
		_, err := match.Verify([]*match.Rule{r}, strings.NewReader(text))
		var wrong *match.ReplayError
		if !errors.As(err, &wrong) || wrong.Line != line || wrong.Text("zh-CN") == wrong.Text("en") {
			t.Errorf("%.300s: %v, want line %d", text, err, line)
		}
	}
}

// A rule that changed during the event is recomputed from all its versions; counters go on.
func TestReplayOfVersions(t *testing.T) {
	t.Parallel()
	first := rule(t, nil)
	second := rule(t, func(t *match.Terms) { t.Award = ratio(1, 2); t.Pools[0].Amount = "12000.00" })
	end := rule(t, func(t *match.Terms) { t.Order = match.AtEnd })
	var file bytes.Buffer
	p, err := match.NewReplay(&file, first, seed)
	if err != nil {
		t.Fatal(err)
	}
	state := match.State{}
	for n, version := range []*match.Rule{first, first, second, second} {
		g := gift(n, "a", "d", 6000*yuan)
		a := version.Decide(state, seed, g)
		state.Apply(a.Changes)
		if err := p.Gift(version, g, a.Parts, a.Held); err != nil {
			t.Fatal(err)
		}
	}
	v, err := match.Verify([]*match.Rule{second, first}, bytes.NewReader(file.Bytes()))
	if err != nil || !v.Clean() || v.Match != 12_000*yuan || v.Matched != 3 {
		t.Errorf("%+v %v", v, err)
	}
	var wrong *match.ReplayError
	if _, err := match.Verify([]*match.Rule{first}, bytes.NewReader(file.Bytes())); !errors.As(err, &wrong) || wrong.Line != 4 {
		t.Errorf("without the second version: %v", err)
	}
	mixed := strings.ReplaceAll(file.String(), second.Hash().String(), end.Hash().String())
	if _, err := match.Verify([]*match.Rule{first, end}, strings.NewReader(mixed)); !errors.As(err, &wrong) || wrong.Line != 4 {
		t.Errorf("beside a rule that is worked out at the end: %v", err)
	}
}
