package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
)

// Limits of a trial: so many gifts, and so long.
const (
	trialGifts   = 20_000
	trialTime    = 4 * time.Second
	trialBars    = 10
	trialBarTall = 32 // tenths of a line of text that a campaign takes in the chart
)

// ruleTrial is what a stream of gifts would get by a rule that is not published.
type ruleTrial struct {
	Summary                   string
	Cut                       string // why not all gifts were tried
	Campaigns, Pools, Reasons grid
	Bars                      []trialBar
	Title, Desc               string
	Height                    string
	Empty                     string
}

// trialBar is one campaign of the chart: widths as SVG attributes, heights in lines of text.
type trialBar struct {
	Label, Given, Match, Sums string
	TextY, GivenY, MatchY     string
}

// tryRule runs gifts through the rule: last year's of this book, a year later, or a made-up stream. The seed of its draws is made of the trial's own
// number, not the event's: nobody learns anything of the draws to come.
func (v *visit) tryRule(rule *match.Rule, view *matchRuleView) (*ruleTrial, error) {
	gifts, err := v.trialGifts(rule, view)
	if err != nil || len(view.Errors) > 0 {
		return nil, err
	}
	t := &ruleTrial{}
	if len(gifts) == 0 {
		t.Empty = T(v.lang, "matchrule.trial.none")
		return t, nil
	}
	if len(gifts) > trialGifts {
		gifts = gifts[:trialGifts]
		t.Cut = T(v.lang, "matchrule.trial.cut", Count(trialGifts))
	}
	var seed match.Seed
	copy(seed[:], view.Seed)
	end := time.Now().Add(trialTime)
	var inTime iter.Seq[match.Gift] = func(yield func(match.Gift) bool) {
		for i, g := range gifts {
			if i%256 == 0 && time.Now().After(end) {
				t.Cut = T(v.lang, "matchrule.trial.late", Count(int64(i)))
				return
			}
			if !yield(g) {
				return
			}
		}
	}
	return t, v.showTrial(t, rule, rule.Simulate(seed, inTime))
}

// trialGifts are the gifts to try a rule with; what cannot be read of the form is an error at its field.
func (v *visit) trialGifts(rule *match.Rule, view *matchRuleView) ([]match.Gift, error) {
	from, to := rule.Bounds()
	if view.Source == "past" {
		ctx, cancel := context.WithTimeout(v.ctx(), trialTime)
		defer cancel()
		gifts, err := giving.PastGifts(ctx, v.s.DB, v.book, from.AddDate(-1, 0, 0), to.AddDate(-1, 0, 0), trialGifts+1)
		if errors.Is(err, context.DeadlineExceeded) {
			view.Errors.Add("source", T(v.lang, "matchrule.source.slow"))
			return nil, nil
		}
		for i := range gifts {
			gifts[i].PaidAt = gifts[i].PaidAt.AddDate(1, 0, 0)
		}
		return gifts, err
	}
	number := func(name, text string, low, high int64) int64 {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < low || n > high {
			view.Errors.Add(name, T(v.lang, "matchrule.trial.range", Count(low), Count(high)))
		}
		return n
	}
	seed, size := number("seed", view.Seed, 0, 1_000_000_000), number("size", view.Size, 1, trialGifts)
	list, err := giving.ListCampaigns(v.ctx(), v.s.DB, v.book, giving.CampaignFilter{Drafts: true}, v.now, 0, giving.PageMax)
	if err != nil || len(view.Errors) > 0 || len(list) == 0 {
		return nil, err
	}
	first := from
	for ; first.Before(to); first = first.Add(time.Minute) { // the rush is at the first opening
		if _, open := rule.OpenAt(first); open || first.Sub(from) > 48*time.Hour {
			break
		}
	}
	stream := match.Stream{Seed: uint64(seed), Gifts: int(size), From: first, Lasts: max(to.Sub(first), 2*time.Hour), Campaigns: len(list), Hot: (len(list) + 2) / 3, Donors: max(1, int(size)/3),
		Bots: int(size)/500 + 1, Currency: v.book.Currency, Scale: v.unit()}
	var gifts []match.Gift
	for g := range stream.All() {
		var n int
		if _, err := fmt.Sscanf(g.Campaign, "campaign-%d", &n); err != nil {
			return nil, fmt.Errorf("campaign of a made-up gift: %w", err)
		}
		c := &list[n-1]
		g.Campaign, g.Goal = c.Slug, c.Goal
		gifts = append(gifts, g)
	}
	return gifts, nil
}

// ems is a length of text in tenths, as an SVG attribute.
func ems(tenth int) string { return strconv.Itoa(tenth/10) + "." + strconv.Itoa(tenth%10) + "em" }

// unit is one unit of the book's currency in minor units.
func (v *visit) unit() int64 {
	unit := int64(1)
	if c, ok := money.Lookup(v.book.Currency); ok {
		for range c.Exponent {
			unit *= 10
		}
	}
	return unit
}

// showTrial writes what came of a trial.
func (v *visit) showTrial(t *ruleTrial, rule *match.Rule, r *match.Report) error {
	sum := func(minor int64) string { return Amount(v.lang, v.amount(minor)) }
	t.Summary = T(v.lang, "matchrule.trial.summary", Count(int64(r.Gifts)), sum(r.Given), Count(int64(r.Matched)), sum(r.Match), sum(rule.Total()), Count(int64(r.Held)), sum(r.HeldSum))
	titles := map[string]string{}
	list, err := giving.ListCampaigns(v.ctx(), v.s.DB, v.book, giving.CampaignFilter{Drafts: true}, v.now, 0, giving.PageMax)
	if err != nil {
		return err
	}
	for i := range list {
		titles[list[i].Slug] = list[i].Title(string(v.lang))
	}
	name := func(code string) string { return cmp.Or(titles[code], code) }
	slices.SortStableFunc(r.Campaigns, func(a, b match.CampaignReport) int { return cmp.Compare(b.Match, a.Match) })
	t.Campaigns = grid{Title: T(v.lang, "matchrule.trial.campaigns"), Heads: v.heads("gift.campaign", "#matchrule.trial.gifts", "#matchrule.trial.given", "#matchrule.trial.matched", "#matchrule.trial.match")}
	var most int64 = 1
	for _, c := range r.Campaigns {
		most = max(most, c.Given, c.Match)
		t.Campaigns.Rows = append(t.Campaigns.Rows, []cell{textCell(name(c.Code)), {Text: strconv.Itoa(c.Gifts)}, v.sumCell(c.Given), {Text: strconv.Itoa(c.Matched)}, v.sumCell(c.Match)})
	}
	for i, c := range r.Campaigns[:min(len(r.Campaigns), trialBars)] {
		em := func(tenth int) string { return ems(i*trialBarTall + tenth) }
		t.Bars = append(t.Bars, trialBar{Label: oneLine(name(c.Code), 24), Given: tenths(int(c.Given * barUnits / most)), Match: tenths(int(c.Match * barUnits / most)),
			TextY: em(10), GivenY: em(14), MatchY: em(21)})
	}
	t.Height = ems(len(t.Bars) * trialBarTall)
	t.Title, t.Desc = T(v.lang, "matchrule.trial.chart"), T(v.lang, "matchrule.trial.chart.desc", len(t.Bars), sum(r.Given), sum(r.Match))
	t.Pools = v.trialPools(rule, r)
	t.Reasons = grid{Title: T(v.lang, "matchrule.trial.reasons"), Empty: T(v.lang, "matchrule.trial.reasons.none"), Heads: v.heads("match.why", "#matchrule.trial.gifts")}
	for _, why := range r.Reasons {
		t.Reasons.Rows = append(t.Reasons.Rows, []cell{{Text: why.Reason.Text(string(v.lang))}, {Text: strconv.Itoa(why.Gifts)}})
	}
	return nil
}

// trialPools are what each pool would have given and left, and when it would have ended.
func (v *visit) trialPools(rule *match.Rule, r *match.Report) grid {
	g := grid{Title: T(v.lang, "matchrule.trial.pools"), Heads: v.heads("match.pool", "#matchrule.trial.used", "#match.left", "matchrule.trial.end")}
	used := func(pool, slice string) (sum int64) {
		for _, p := range r.Used {
			if p.Pool == pool && p.Slice == slice {
				sum += p.Amount
			}
		}
		return sum
	}
	left := func(pool, slice string) (sum int64) {
		for _, p := range r.Left {
			if p.Pool == pool && p.Slice == slice {
				sum += p.Amount
			}
		}
		return sum
	}
	row := func(pool, slice string) {
		label, end := pool, T(v.lang, "matchrule.trial.lasts")
		if slice != "" {
			label += " · " + slice
		}
		for _, e := range r.Ends {
			if e.Pool == pool && e.Slice == slice && e.Day == 0 {
				end = When(v.lang, e.At, v.book.Zone)
			}
		}
		g.Rows = append(g.Rows, []cell{textCell(label), v.sumCell(used(pool, slice)), v.sumCell(left(pool, slice)), {Text: end}})
	}
	for _, p := range rule.Terms().Pools {
		for _, slice := range p.Slices {
			row(p.Code, slice.Window)
		}
		row(p.Code, "")
	}
	for _, e := range r.Ends {
		if e.Day != 0 {
			g.Rows = append(g.Rows, []cell{textCell(e.Pool + " · " + e.Day.String()), {}, {}, {Text: When(v.lang, e.At, v.book.Zone)}})
		}
	}
	return g
}
