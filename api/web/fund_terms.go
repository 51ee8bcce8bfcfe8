package web

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/ledger"
	"sunfund/ledger/funds"
)

// termBlanks are the rules of a fund as fields, filled with those that stand; the first is the choice of purposes.
func (v *visit) termBlanks(now *funds.Terms, purposes []Option) []blank {
	t := funds.Terms{Interest: funds.InterestFund, FeeBearer: ledger.FeeByGeneral}
	if now != nil {
		t = *now
		for i := range purposes {
			purposes[i].Chosen = slices.Contains(t.Purposes, purposes[i].Value)
		}
	}
	day := func(day *time.Time) string {
		if day == nil {
			return ""
		}
		return ISODay(*day)
	}
	voted := "no"
	if t.Voted {
		voted = "yes"
	}
	months := ""
	if t.DormantMonths != nil {
		months = strconv.Itoa(int(*t.DormantMonths))
	}
	return []blank{{name: "purposes", label: "fundfile.purposes", hint: "fundfile.purposes.hint", kind: "picks", options: purposes},
		{name: "due-opens", label: "fundfile.opens", hint: "fundfile.opens.hint", kind: "day", value: day(t.OpensOn), optional: true},
		{name: "due-closes", label: "fundfile.closes", hint: "fundfile.closes.hint", kind: "day", value: day(t.ClosesOn), optional: true},
		{name: "levy", label: "fundfile.levy", hint: "fundfile.levy.hint", kind: "amount", value: percent(t.LevyBP), optional: true},
		{name: "interest", label: "fundfile.interest", kind: "select", value: t.Interest, options: v.choices("fundfile.interest", funds.InterestFund, funds.InterestGeneral)},
		{name: "bearer", label: "fundfile.bearer", kind: "select", value: t.FeeBearer, options: v.choices("campaign.fee", ledger.FeeBearers()...)},
		{name: "spend", label: "fundfile.spend", hint: "fundfile.spend.hint", kind: "amount", value: percent(t.SpendBP), optional: true},
		{name: "dormant", label: "fundfile.dormant", hint: "fundfile.dormant.hint", kind: "number", value: months, optional: true},
		{name: "voted", label: "fundfile.voted", hint: "fundfile.voted.hint", kind: "select", value: voted, options: v.choices("fundfile.voted", "no", "yes")}}
}

// percent writes basis points as the percent that a form takes: 525 is "5.25".
func percent(bp *int32) string {
	if bp == nil {
		return ""
	}
	text := strconv.Itoa(int(*bp / 100))
	if rest := *bp % 100; rest != 0 {
		text += "." + strings.TrimRight(strconv.Itoa(100 + int(rest))[1:], "0")
	}
	return text
}

// termsOf reads the rules of a form. Percents have two places, as money has.
func (v *visit) termsOf(in inputs) funds.Terms {
	t := funds.Terms{Purposes: strings.Fields(in["purposes"]), Interest: in["interest"], FeeBearer: in["bearer"], Voted: in["voted"] == "yes"}
	points := func(name string) *int32 {
		if in[name] == "" {
			return nil
		}
		n := int32(min(in.sum(name, v.book), 1_000_000))
		return &n
	}
	day := func(name string) *time.Time {
		if in[name] == "" {
			return nil
		}
		d := in.day(name)
		return &d
	}
	t.OpensOn, t.ClosesOn, t.LevyBP, t.SpendBP = day("due-opens"), day("due-closes"), points("levy"), points("spend")
	if in["dormant"] != "" {
		n := int32(in.number("dormant"))
		t.DormantMonths = &n
	}
	return t
}

// windowWords say when a fund may be spent.
func (v *visit) windowWords(t *funds.Terms) string {
	if t.OpensOn == nil && t.ClosesOn == nil {
		return T(v.lang, "fundfile.window.always")
	}
	from, to := "…", "…"
	if t.OpensOn != nil {
		from = Day(v.lang, *t.OpensOn)
	}
	if t.ClosesOn != nil {
		to = Day(v.lang, *t.ClosesOn)
	}
	return from + " – " + to
}

// levyWords say what may be taken from a fund for management.
func (v *visit) levyWords(t *funds.Terms) string {
	return v.shareWords(t.LevyBP, "fundfile.levy.most", "fundfile.levy.silent")
}

func (v *visit) shareWords(bp *int32, key, none string) string {
	if bp == nil {
		return T(v.lang, none)
	}
	return T(v.lang, key, percent(bp))
}

// termFacts are the rules as people read them. What is not agreed says so.
func (v *visit) termFacts(t *funds.Terms) ([]Fact, error) {
	uses, err := v.purposeNames(t.Purposes)
	if err != nil {
		return nil, err
	}
	sleeps := T(v.lang, "fundfile.dormant.never")
	if t.DormantMonths != nil {
		sleeps = T(v.lang, "fundfile.dormant.after", int(*t.DormantMonths))
	}
	voted := "no"
	if t.Voted {
		voted = "yes"
	}
	return []Fact{v.fact("fundfile.sort", T(v.lang, "fundfile.sort."+t.Sort)), v.fact("fundfile.purposes", uses), v.fact("fundfile.window", v.windowWords(t)),
		v.fact("fundfile.levy", v.levyWords(t)), v.fact("fundfile.interest", T(v.lang, "fundfile.interest."+t.Interest)),
		v.fact("fundfile.bearer", T(v.lang, "campaign.fee."+t.FeeBearer)), v.fact("fundfile.spend", v.shareWords(t.SpendBP, "fundfile.spend.least", "fundfile.spend.none")),
		v.fact("fundfile.dormant", sleeps), v.fact("fundfile.voted", T(v.lang, "fundfile.voted."+voted))}, nil
}

// hashShown is the beginning of a paper's hash.
func hashShown(hash []byte) string { return hex.EncodeToString(hash[:min(len(hash), 8)]) }
