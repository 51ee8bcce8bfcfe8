package web

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
)

// The form of a rule. Its fields are called as match.Wrong calls the parts of a rule ("pools[1].amount"), so that what is wrong stands where it was
// written. What the form has no field for (stages, remaining, between, streak, effort, boosts, slices, caps in percent) is kept as the rule has it.

// Rows that the form takes.
const (
	ruleWindowsMost = 12
	rulePoolsMost   = 20
	ruleTiersMost   = 12
)

// ruleDraft is a rule as it is being written.
type ruleDraft struct {
	terms match.Terms
	plans []giving.PoolPlan
	typed map[string]string // what stands in a field of numbers that is no number
}

// ruleNone stands in a field of numbers that is no number: the check refuses it at the field.
const ruleNone = -1

// readMatchRule reads the form over base.
func (v *visit) readMatchRule(base match.Terms) *ruleDraft {
	d := &ruleDraft{terms: base, typed: map[string]string{}}
	t := &d.terms
	text := func(name string) string { return giving.CleanText(v.typed(name, match.SizeMax)) }
	number := func(from, to string) int64 {
		typed := text(from)
		if typed == "" {
			return 0
		}
		n, err := strconv.ParseInt(typed, 10, 32)
		if err != nil {
			d.typed[to] = typed
			return ruleNone
		}
		return n
	}
	list := func(name string) []string { return splitWords(text(name)) }
	t.Zone = text("zone")
	t.Windows = nil
	for i := range v.ruleRows("windows", ruleWindowsMost, "name", "from", "to", "opens", "closes") {
		at := func(field string) string { return text(ruleAt("windows", i, field)) }
		t.Windows = append(t.Windows, match.Window{Name: at("name"), From: at("from"), To: at("to"), Opens: at("opens"), Closes: at("closes")})
	}
	t.Pools = nil
	for i := range v.ruleRows("pools", rulePoolsMost, "code", "funder.zh", "funder.en", "amount", "daily", "campaigns") {
		at := func(field string) string { return text(ruleAt("pools", i, field)) }
		p := match.Pool{Code: at("code"), Funder: match.Name{ZH: at("funder.zh"), EN: at("funder.en")}, Amount: ruleSum(at("amount")), Daily: ruleSum(at("daily")),
			Campaigns: list(ruleAt("pools", i, "campaigns"))}
		for _, old := range base.Pools {
			if old.Code == p.Code {
				p.Slices, p.AtMost = old.Slices, old.AtMost
			}
		}
		t.Pools = append(t.Pools, p)
		plan := giving.PoolPlan{Code: p.Code, Kind: giving.PoolPromised}
		if fund, err := strconv.ParseInt(at("fund"), 10, 32); err == nil && fund > 0 {
			plan.Kind, plan.FundID = giving.PoolFund, int32(fund)
		}
		d.plans = append(d.plans, plan)
	}
	g := &t.Gifts
	g.Min, g.MaxCounted, g.First = ruleSum(text("gifts.min")), ruleSum(text("gifts.max_counted")), text("gifts.first")
	g.Channels, g.Campaigns, g.NotFunders = list("gifts.channels"), list("gifts.campaigns"), text("gifts.not_funders") == "yes"
	t.Unlock = match.Goal{Raised: ruleSum(text("unlock.raised")), Percent: text("unlock.percent"), Donors: int(number("unlock.donors", "unlock.donors"))}
	v.readFormula(&t.Award, text, number)
	for _, c := range ruleCaps(&t.Caps) {
		c.limit.Amount = ruleSum(text("caps." + c.name + ".amount"))
		if c.limit.Amount != "" {
			c.limit.Percent = ""
		}
	}
	t.Order, t.Unspent, t.Refund = text("order"), text("unspent"), text("refund")
	t.Notice = int(number("notice_days", "notice_days"))
	t.Holds = match.Holds{PerMinute: int(number("holds.per_minute", "holds.per_minute")), Funder: text("holds.funder") == "yes", Circular: text("holds.circular") == "yes"}
	return d
}

// readFormula reads the parameters of the formula that the rule has.
func (v *visit) readFormula(f *match.Formula, text func(string) string, number func(from, to string) int64) {
	num := func(name string) int64 { return number(name, name) }
	switch {
	case f.Fixed != nil:
		f.Fixed = &match.Ratio{Match: num("award.fixed.match"), Gift: num("award.fixed.gift")}
	case f.Tiers != nil:
		f.Tiers = []match.Tier{}
		for i := range v.ruleRows("award.tiers", ruleTiersMost, "from", "match", "gift") {
			at := func(field string) string { return ruleAt("award.tiers", i, field) }
			to := func(field string) string { return ruleAt("award.tiers", len(f.Tiers), field) }
			f.Tiers = append(f.Tiers, match.Tier{From: ruleSum(text(at("from"))), Match: number(at("match"), to("match")), Gift: number(at("gift"), to("gift"))})
		}
	case f.Draw != nil:
		f.Draw = &match.Draw{Base: ruleSum(text("award.draw.base")), Wave: ruleSum(text("award.draw.wave")), Chance: text("award.draw.chance"),
			Bonus: ruleSum(text("award.draw.bonus")), BonusWave: ruleSum(text("award.draw.bonus_wave"))}
	case f.Lump != nil:
		f.Lump = &match.Lump{Amount: ruleSum(text("award.lump.amount")), Goal: match.Goal{Raised: ruleSum(text("award.lump.goal.raised")),
			Percent: text("award.lump.goal.percent"), Donors: int(num("award.lump.goal.donors"))}}
	case f.Share != nil:
		f.Share = &match.Share{By: text("award.share.by")}
		if most := (match.Ratio{Match: num("award.share.most.match"), Gift: num("award.share.most.gift")}); most != (match.Ratio{}) {
			f.Share.Most = &most
		}
	}
}

func ruleAt(list string, i int, field string) string { return fmt.Sprintf("%s[%d].%s", list, i, field) }

// ruleSum takes the commas out of an amount as people type it.
func ruleSum(text string) string { return strings.NewReplacer(",", "", "，", "").Replace(text) }

// ruleRows are the rows of a list in which something stands.
func (v *visit) ruleRows(list string, most int, fields ...string) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range most {
			if slices.ContainsFunc(fields, func(f string) bool { return v.typed(ruleAt(list, i, f), 4000) != "" }) && !yield(i) {
				return
			}
		}
	}
}

type ruleCap struct {
	name  string
	limit *match.Limit
}

func ruleCaps(c *match.Caps) []ruleCap {
	return []ruleCap{{"gift", &c.Gift}, {"donor_day", &c.DonorDay}, {"donor_event", &c.DonorEvent}, {"campaign_day", &c.CampaignDay}, {"campaign_event", &c.CampaignEvent},
		{"organisation", &c.Organisation}}
}

// ruleSection is a part of the form.
type ruleSection struct {
	Title, Note string
	Fields      []Field
	Rows        []matchRuleRow
}

// matchRuleRow is a row of a list: a window, a pool, a tier. The last one is empty, for one more.
type matchRuleRow struct {
	Title  string
	Fields []Field
}

// ruleWriter makes the fields of the form.
type ruleWriter struct {
	v    *visit
	page Page
	d    *ruleDraft
	err  error
}

func (w *ruleWriter) field(name, label, value string, pairs ...any) Field {
	if typed, ok := w.d.typed[name]; ok {
		value = typed
	}
	f, err := newField(w.page, name, "matchrule."+label, value, pairs...)
	if err != nil {
		w.err = err
	}
	return f
}

func (w *ruleWriter) sum(name, label, value string, pairs ...any) Field {
	return w.field(name, label, value, append([]any{"mode", "decimal", "fill", "off", "width", "12"}, pairs...)...)
}

func (w *ruleWriter) count(name, label string, n int64, pairs ...any) Field {
	value := ""
	if n != 0 {
		value = strconv.FormatInt(n, 10)
	}
	return w.field(name, label, value, append([]any{"mode", "numeric", "fill", "off", "width", "4"}, pairs...)...)
}

func (w *ruleWriter) choice(name, label, value string, words ...string) Field {
	var options []Option
	for _, word := range words {
		options = append(options, Option{Value: word, Label: w.page.T("matchrule." + label + "." + word)})
	}
	return w.field(name, label, value, "type", "select", "options", options)
}

func (w *ruleWriter) yes(name, label string, is bool) Field {
	value := "no"
	if is {
		value = "yes"
	}
	return w.field(name, label, value, "type", "select", "options", []Option{{Value: "no", Label: w.page.T("matchrule.no")}, {Value: "yes", Label: w.page.T("matchrule.yes")}})
}

const ruleOptional = "optional"

// sections are the form in order. funds are where money of our own may lie.
func (w *ruleWriter) sections(funds []Option, kept map[string]bool) []ruleSection {
	t := &w.d.terms
	when := ruleSection{Title: w.page.T("matchrule.when"), Fields: []Field{w.field("zone", "zone", t.Zone, "hint", "matchrule.zone.hint")}}
	for i, one := range append(slices.Clone(t.Windows), match.Window{}) {
		if i == ruleWindowsMost {
			break
		}
		at := func(field string) string { return ruleAt("windows", i, field) }
		when.Rows = append(when.Rows, matchRuleRow{w.page.T("matchrule.window", i+1), []Field{
			w.field(at("name"), "window.name", one.Name, "hint", "matchrule.window.name.hint"), w.field(at("from"), "window.from", one.From, "type", "datetime-local"), w.field(at("to"), "window.to", one.To, "type", "datetime-local"),
			w.field(at("opens"), "window.opens", one.Opens, ruleOptional, "yes", "width", "8"), w.field(at("closes"), "window.closes", one.Closes, ruleOptional, "yes", "width", "8")}})
	}
	pools := ruleSection{Title: w.page.T("matchrule.pools"), Note: w.page.T("matchrule.pools.note")}
	for i, one := range append(slices.Clone(t.Pools), match.Pool{}) {
		if i == rulePoolsMost {
			break
		}
		at := func(field string) string { return ruleAt("pools", i, field) }
		row := matchRuleRow{w.page.T("matchrule.pool", i+1), []Field{
			w.field(at("code"), "pool.code", one.Code, "hint", "matchrule.pool.code.hint"), w.field(at("funder.zh"), "pool.zh", one.Funder.ZH), w.field(at("funder.en"), "pool.en", one.Funder.EN),
			w.sum(at("amount"), "pool.amount", one.Amount), w.sum(at("daily"), "pool.daily", one.Daily, ruleOptional, "yes"),
			w.field(at("campaigns"), "pool.campaigns", strings.Join(one.Campaigns, ", "), ruleOptional, "yes", "hint", "matchrule.campaigns.hint", "width", "full")}}
		if !kept[one.Code] || one.Code == "" {
			value := ""
			if i < len(w.d.plans) && w.d.plans[i].Kind == giving.PoolFund {
				value = strconv.Itoa(int(w.d.plans[i].FundID))
			}
			row.Fields = append(row.Fields, w.field(at("fund"), "pool.fund", value, "type", "select", "options", funds, "hint", "matchrule.pool.fund.hint"))
		}
		pools.Rows = append(pools.Rows, row)
	}
	gifts := ruleSection{Title: w.page.T("matchrule.gifts"), Fields: []Field{
		w.sum("gifts.min", "gifts.min", t.Gifts.Min, ruleOptional, "yes"), w.sum("gifts.max_counted", "gifts.max", t.Gifts.MaxCounted, ruleOptional, "yes"),
		w.field("gifts.channels", "gifts.channels", strings.Join(t.Gifts.Channels, ", "), ruleOptional, "yes", "hint", "matchrule.channels.hint"),
		w.field("gifts.campaigns", "gifts.campaigns", strings.Join(t.Gifts.Campaigns, ", "), ruleOptional, "yes", "hint", "matchrule.campaigns.hint", "width", "full"),
		w.first(t.Gifts.First), w.yes("gifts.not_funders", "gifts.not-funders", t.Gifts.NotFunders),
		w.sum("unlock.raised", "unlock.raised", t.Unlock.Raised, ruleOptional, "yes", "hint", "matchrule.unlock.hint"), w.field("unlock.percent", "unlock.percent", t.Unlock.Percent, ruleOptional, "yes", "width", "8"),
		w.count("unlock.donors", "unlock.donors", int64(t.Unlock.Donors), ruleOptional, "yes")}}
	caps := ruleSection{Title: w.page.T("matchrule.caps")}
	for _, c := range ruleCaps(&t.Caps) {
		pairs := []any{ruleOptional, "yes"}
		if c.limit.Percent != "" {
			pairs = append(pairs, "hint", "matchrule.cap.percent")
		}
		caps.Fields = append(caps.Fields, w.sum("caps."+c.name+".amount", "cap."+strings.ReplaceAll(c.name, "_", "-"), c.limit.Amount, pairs...))
	}
	after := ruleSection{Title: w.page.T("matchrule.after"), Fields: []Field{
		w.choice("order", "order", t.Order, match.FirstCome, match.AtEnd), w.count("notice_days", "notice", int64(t.Notice), ruleOptional, "yes", "hint", "matchrule.notice.hint"),
		w.choice("unspent", "unspent", t.Unspent, match.GiveBack, match.RollOver, match.GiveAnyway), w.choice("refund", "refund", t.Refund, match.ToPool, match.ToRest),
		w.count("holds.per_minute", "hold.minute", int64(t.Holds.PerMinute), ruleOptional, "yes", "hint", "matchrule.hold.minute.hint"),
		w.yes("holds.funder", "hold.funder", t.Holds.Funder), w.yes("holds.circular", "hold.circular", t.Holds.Circular)}}
	return []ruleSection{when, pools, gifts, w.award(), caps, after}
}

func (w *ruleWriter) first(value string) Field {
	options := []Option{{Label: w.page.T("matchrule.first.all")}}
	for _, word := range []string{match.FirstOfDonor, match.FirstOfDonorCampaign, match.FirstOfDonorDay} {
		options = append(options, Option{Value: word, Label: w.page.T("matchrule.first." + word)})
	}
	return w.field("gifts.first", "first", value, "type", "select", "options", options)
}

// award is the section of the formula; one that the form does not know is written as JSON.
func (w *ruleWriter) award() ruleSection {
	f := &w.d.terms.Award
	s := ruleSection{Title: w.page.T("matchrule.award")}
	switch {
	case f.Fixed != nil:
		s.Fields = []Field{w.count("award.fixed.match", "ratio.match", f.Fixed.Match), w.count("award.fixed.gift", "ratio.gift", f.Fixed.Gift)}
	case f.Tiers != nil:
		for i, one := range append(slices.Clone(f.Tiers), match.Tier{}) {
			if i == ruleTiersMost {
				break
			}
			at := func(field string) string { return ruleAt("award.tiers", i, field) }
			s.Rows = append(s.Rows, matchRuleRow{w.page.T("matchrule.tier", i+1), []Field{w.sum(at("from"), "tier.from", one.From), w.count(at("match"), "ratio.match", one.Match), w.count(at("gift"), "ratio.gift", one.Gift)}})
		}
	case f.Draw != nil:
		s.Fields = []Field{w.sum("award.draw.base", "draw.base", f.Draw.Base), w.sum("award.draw.wave", "draw.wave", f.Draw.Wave, ruleOptional, "yes"),
			w.field("award.draw.chance", "draw.chance", f.Draw.Chance, ruleOptional, "yes", "width", "8"), w.sum("award.draw.bonus", "draw.bonus", f.Draw.Bonus, ruleOptional, "yes"),
			w.sum("award.draw.bonus_wave", "draw.bonus-wave", f.Draw.BonusWave, ruleOptional, "yes")}
	case f.Lump != nil:
		s.Fields = []Field{w.sum("award.lump.amount", "lump.amount", f.Lump.Amount), w.sum("award.lump.goal.raised", "unlock.raised", f.Lump.Goal.Raised, ruleOptional, "yes"),
			w.field("award.lump.goal.percent", "unlock.percent", f.Lump.Goal.Percent, ruleOptional, "yes", "width", "8"), w.count("award.lump.goal.donors", "unlock.donors", int64(f.Lump.Goal.Donors), ruleOptional, "yes")}
	case f.Share != nil:
		most := match.Ratio{}
		if f.Share.Most != nil {
			most = *f.Share.Most
		}
		s.Fields = []Field{w.choice("award.share.by", "share.by", f.Share.By, match.ByAmount, match.Quadratic),
			w.count("award.share.most.match", "share.most.match", most.Match, ruleOptional, "yes"), w.count("award.share.most.gift", "share.most.gift", most.Gift, ruleOptional, "yes")}
	default:
		s.Note = w.page.T("matchrule.award.json")
	}
	return s
}
