package match_test

import (
	"errors"
	"strings"
	"testing"

	"sunfund/ledger/giving/match"
)

// Whatever is sent as a rule is refused with a reason in both languages, or is a rule that reads back, speaks and decides.
func FuzzParse(f *testing.F) {
	for _, s := range samples() {
		r, err := match.New(s.terms)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.JSON())
	}
	f.Add([]byte(`{"language":1,"currency":"XXX","pools":[{}],"award":{"stages":{"rows":[{"award":{}}]}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := match.Parse(text)
		var wrong *match.TermsError
		switch {
		case errors.As(err, &wrong):
			for _, w := range wrong.List {
				_, _ = w.Text("zh-CN"), w.Text("en")
			}
			return
		case err != nil:
			t.Fatalf("%v is no *TermsError", err)
		}
		again, err := match.Parse(r.JSON())
		if err != nil || again.Hash() != r.Hash() {
			t.Fatalf("%s reads back as %v", r.JSON(), err)
		}
		if zh, en := words(r, "zh-CN"), words(r, "en"); strings.ContainsAny(zh+en, "{}") && !strings.ContainsAny(string(text), "{}") {
			t.Fatalf("%s\n%s", zh, en)
		}
		from, _ := r.Bounds()
		var gifts []match.Gift
		for n, amount := range []int64{1, 5000, 1_000_000_000_000_000} {
			g := gift(n, "lunch", "d", amount)
			g.Currency, g.PaidAt, g.Goal, g.Effort, g.Flowers = r.Terms().Currency, from.Add(13*3600e9), amount, amount, amount
			gifts = append(gifts, g)
		}
		if r.AtEnd() {
			r.Settle(seed, gifts)
			return
		}
		state := match.State{}
		for _, g := range gifts {
			a := r.Decide(state, seed, g)
			state.Apply(a.Changes)
			if a.Total() < 0 || a.Total() > r.Total() {
				t.Fatalf("%s gives %d of %d", r.JSON(), a.Total(), r.Total())
			}
		}
	})
}

// Whatever is sent as a replay file is refused or recomputed.
func FuzzVerify(f *testing.F) {
	var rules []*match.Rule
	for _, order := range []string{match.FirstCome, match.AtEnd} {
		r := rule(f, func(t *match.Terms) { t.Order, t.Unlock.Raised = order, "10" })
		rules = append(rules, r)
		f.Add([]byte(published(f, r, []match.Gift{gift(1, "a", "d", 1000), gift(2, "b", "e", 5000)})))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		v, err := match.Verify(rules, strings.NewReader(string(file)))
		if err != nil && !errors.Is(err, match.ErrReplay) {
			t.Fatal(err)
		}
		if err == nil && (v.Match < 0 || v.Fallen > v.Match) {
			t.Fatalf("%+v", v)
		}
	})
}
