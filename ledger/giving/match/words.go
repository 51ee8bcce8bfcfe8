package match

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"sunfund/ledger/money"
)

// Passage is a part of a rule in plain words.
type Passage struct {
	Title string
	Lines []string // whole sentences
}

// Namer gives the name of what a rule names by a code: kind is "campaign" or "channel".
type Namer func(kind, code string) string

// Words says the rule in lang, zh-CN or en, from its terms and nothing else: whatever changes money changes the words.
// Without a namer campaigns and channels are called by their codes.
func (r *Rule) Words(lang string, name Namer) []Passage {
	if name == nil {
		name = func(_, code string) string { return code }
	}
	s := &speaker{lang: lang, terms: &r.terms, reads: &r.reads, name: name}
	return []Passage{
		{s.say("title.when"), s.when()}, {s.say("title.pools"), s.pools()}, {s.say("title.gifts"), s.gifts()},
		{s.say("title.award"), s.award()}, {s.say("title.caps"), s.caps()}, {s.say("title.after"), s.after()},
	}
}

// speaker says parts of terms in one language.
type speaker struct {
	lang  string
	terms *Terms
	reads *reads
	name  Namer
}

// say fills a sentence; pairs are names and values by turns.
func (s *speaker) say(key string, pairs ...string) string {
	params := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
		if pairs[i] == "award" && english(s.lang) {
			params["award"] = lowered(pairs[i+1])
		}
	}
	t, ok := said[key]
	if !ok {
		panic("match: no sentence for " + key)
	}
	if english(s.lang) {
		return t.in(s.lang, params)
	}
	return hanGap.ReplaceAllString(t.in(s.lang, params), "$1$2")
}

// hanGap is a space between two Chinese characters: sentences have spaces around figures, and units follow figures.
var hanGap = regexp.MustCompile(`(\p{Han}) (\p{Han})`)

// lowered is a sentence as it stands after a colon; a currency's code keeps its capitals.
func lowered(sentence string) string {
	if len(sentence) > 1 && sentence[1] >= 'A' && sentence[1] <= 'Z' {
		return sentence
	}
	return strings.ToLower(sentence[:1]) + sentence[1:]
}

func (s *speaker) list(kind string, codes []string) string {
	names := make([]string, len(codes))
	for i, code := range codes {
		names[i] = s.name(kind, code)
	}
	return strings.Join(names, s.say("list"))
}

// amount writes an amount of the terms: 10,000.00 元 or CNY 10,000.00.
func (s *speaker) amount(text string) string {
	whole, fraction, _ := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	if english(s.lang) {
		return s.terms.Currency + " " + whole
	}
	return whole + " " + s.unit()
}

func (s *speaker) unit() string {
	if english(s.lang) {
		return s.terms.Currency
	}
	if unit, ok := units[s.terms.Currency]; ok {
		return unit
	}
	return s.terms.Currency
}

var units = map[string]string{"CNY": "元", "USD": "美元", "GBP": "英镑", "EUR": "欧元", "HKD": "港元"}

// currency is the currency's name where a sentence needs it.
func (s *speaker) currency() string {
	c, _ := money.Lookup(s.terms.Currency)
	if english(s.lang) {
		return c.Code
	}
	return strings.TrimSuffix(c.NameZH, "元")
}

// limit is an amount or a percentage with what it refers to.
func (s *speaker) limit(l Limit, of string) string {
	if l.Percent != "" {
		return s.say(of, "percent", l.Percent)
	}
	return s.amount(l.Amount)
}

func (s *speaker) when() (lines []string) {
	for _, w := range s.terms.Windows {
		lines = append(lines, s.window(w)+s.say("stop"))
	}
	return append(lines, s.say("zone", "zone", s.terms.Zone), s.say(s.terms.Order))
}

func (s *speaker) window(w Window) string {
	span := s.say("from-to", "from", s.moment(w.From), "to", s.moment(w.To))
	if w.Opens == "" && w.Closes == "" {
		return span
	}
	opens, closes := w.Opens, w.Closes
	if opens == "" {
		opens = "00:00"
	}
	if closes == "" {
		closes = "24:00"
	}
	return span + s.say("hours", "opens", opens, "closes", closes)
}

func (s *speaker) moment(text string) string {
	at, err := time.Parse(momentLayout, text)
	if err != nil {
		panic(fmt.Sprintf("match: moment %q was checked: %v", text, err))
	}
	if english(s.lang) {
		return at.Format("2 January 2006 15:04")
	}
	return at.Format("2006年1月2日 15:04")
}

func (s *speaker) pools() (lines []string) {
	funder := func(p Pool) string {
		if english(s.lang) {
			return p.Funder.EN
		}
		return p.Funder.ZH
	}
	for _, p := range s.terms.Pools {
		key := "pool-all"
		if len(p.Campaigns) > 0 {
			key = "pool-fenced"
		}
		parts := []string{s.say(key, "funder", funder(p), "amount", s.amount(p.Amount), "campaigns", s.list("campaign", p.Campaigns))}
		if p.Daily != "" {
			parts = append(parts, s.say("pool-daily", "daily", s.amount(p.Daily)))
		}
		for _, slice := range p.Slices {
			for _, w := range s.terms.Windows {
				if w.Name == slice.Window {
					parts = append(parts, s.say("pool-slice", "amount", s.amount(slice.Amount), "window", s.window(w)))
				}
			}
		}
		if len(p.Slices) > 0 {
			parts = append(parts, s.say("pool-rest"))
		}
		for _, other := range s.terms.Pools {
			if other.Code == p.AtMost {
				parts = append(parts, s.say("pool-most", "funder", funder(other)))
			}
		}
		lines = append(lines, s.join(parts))
	}
	switch {
	case len(s.terms.Pools) == 1:
	case s.terms.Award.Share != nil:
		lines = append(lines, s.say("pools-shared"))
	default:
		lines = append(lines, s.say("pools-order"))
	}
	return lines
}

// join puts sentences behind each other.
func (s *speaker) join(sentences []string) string {
	if english(s.lang) {
		return strings.Join(sentences, " ")
	}
	return strings.Join(sentences, "")
}

func (s *speaker) gifts() (lines []string) {
	g := s.terms.Gifts
	add := func(has bool, key string, pairs ...string) {
		if has {
			lines = append(lines, s.say(key, pairs...))
		}
	}
	add(g.Min != "", "gift-min", "min", s.amount(g.Min))
	add(g.MaxCounted != "", "gift-max", "max", s.amount(g.MaxCounted))
	add(len(g.Channels) > 0, "gift-channels", "channels", s.list("channel", g.Channels))
	add(len(g.Campaigns) > 0, "gift-campaign", "campaigns", s.list("campaign", g.Campaigns))
	add(g.First == FirstOfDonor, "first-donor")
	add(g.First == FirstOfDonorCampaign, "first-pair")
	add(g.First == FirstOfDonorDay, "first-day")
	add(g.Recurring > 0, "recurring", "n", strconv.Itoa(g.Recurring))
	add(g.NotFunders, "not-funders")
	add(s.reads.donor, "known-donor")
	add(s.terms.Caps.Organisation != (Limit{}), "known-org")
	intro := "gifts-some"
	if len(lines) == 0 {
		intro = "gifts-all"
	}
	lines = append([]string{s.say(intro, "currency", s.currency())}, lines...)
	if s.terms.Unlock != (Goal{}) {
		key := "unlock-first"
		if s.terms.Order == AtEnd {
			key = "unlock-end"
		}
		lines = append(lines, s.say(key, "goal", s.goal(s.terms.Unlock)))
	}
	return lines
}

// goal is what a campaign must have reached, as the end of a sentence.
func (s *speaker) goal(g Goal) string {
	var raised []string
	if g.Raised != "" {
		raised = append(raised, s.say("goal-raised", "raised", s.amount(g.Raised)))
	}
	if g.Percent != "" {
		raised = append(raised, s.say("goal-percent", "percent", g.Percent))
	}
	all := strings.Join(raised, s.say("or"))
	if g.Donors == 0 {
		return all
	}
	donors := s.say("goal-donors", "donors", strconv.Itoa(g.Donors))
	if all == "" {
		return donors
	}
	return all + s.say("and") + donors
}

func (s *speaker) caps() (lines []string) {
	c := s.terms.Caps
	for _, cap := range []struct {
		name  string
		limit Limit
	}{{"gift", c.Gift}, {"donor_day", c.DonorDay}, {"donor_event", c.DonorEvent}, {"campaign_day", c.CampaignDay}, {"campaign_event", c.CampaignEvent}, {"organisation", c.Organisation}} {
		if cap.limit != (Limit{}) {
			lines = append(lines, s.say("cap", "whom", s.say("cap-"+cap.name), "limit", s.limit(cap.limit, "percent-of-all")))
		}
	}
	if lines == nil {
		return []string{s.say("no-caps")}
	}
	return lines
}

func (s *speaker) after() []string {
	t := s.terms
	lines := []string{s.say("notice-0")}
	if t.Notice > 0 {
		lines[0] = s.say("notice", "days", strconv.Itoa(t.Notice))
	}
	lines = append(lines,
		s.say(map[string]string{GiveBack: "unspent-return", RollOver: "unspent-roll", GiveAnyway: "unspent-give"}[t.Unspent]),
		s.say(map[string]string{ToPool: "refund-pool", ToRest: "refund-rest"}[t.Refund]))
	if t.Gifts.Min != "" && t.Award.Lump == nil {
		lines = append(lines, s.say("refund-min"))
	}
	if t.Award.Lump != nil {
		lines = append(lines, s.say("refund-lump"))
	}
	if t.Holds == (Holds{}) {
		return append(lines, s.say("no-holds"))
	}
	if t.Holds.PerMinute > 0 {
		lines = append(lines, s.say("hold-rate", "n", strconv.Itoa(t.Holds.PerMinute)))
	}
	if t.Holds.Funder {
		lines = append(lines, s.say("hold-funder"))
	}
	if t.Holds.Circular {
		lines = append(lines, s.say("hold-circular"))
	}
	return append(lines, s.say("held-not-counted"))
}
