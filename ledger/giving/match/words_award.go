package match

import (
	"strconv"
	"strings"

	"sunfund/ledger/money"
)

// award says the formula, the boosts, the draws and the rounding.
func (s *speaker) award() []string {
	lines := s.formula(s.terms.Award)
	for _, b := range s.terms.Boosts {
		key := "boost"
		if b.Low == b.High {
			key = "boost-one"
		}
		lines = append(lines, s.say(key, "condition", s.condition(b), "low", b.Low, "high", b.High, "step", b.Step))
	}
	if len(s.terms.Boosts) > 1 {
		lines = append(lines, s.say("boost-last"))
	}
	if s.terms.random() {
		lines = append(lines, s.say("draws"))
	}
	if s.terms.Award.Share != nil {
		return append(lines, s.say("rounding-shares"))
	}
	return append(lines, s.say("rounding"))
}

// condition is what a donor must have done for a boost.
func (s *speaker) condition(b Boost) string {
	var parts []string
	if b.Invited > 0 {
		parts = append(parts, s.say("invited", "n", strconv.FormatInt(b.Invited, 10)))
	}
	if b.Flowers > 0 {
		parts = append(parts, s.say("flowers", "n", strconv.FormatInt(b.Flowers, 10)))
	}
	if parts == nil {
		return s.say("always")
	}
	return strings.Join(parts, s.say("and-also"))
}

// random says whether the terms draw anything.
func (t *Terms) random() bool {
	drawing := func(f Formula) bool {
		return f.Draw != nil && f.Draw.Wave+f.Draw.Chance != "" || f.Streak != nil && f.Streak.Wave+f.Streak.BonusWave != "" ||
			f.Between != nil || f.Remaining != nil
	}
	if len(t.Boosts) > 0 || drawing(t.Award) {
		return true
	}
	if t.Award.Stages != nil {
		for _, row := range t.Award.Stages.Rows {
			if drawing(row.Award) {
				return true
			}
		}
	}
	return false
}

func (s *speaker) formula(f Formula) []string {
	switch {
	case f.Fixed != nil:
		return []string{s.ratio("fixed", f.Fixed.Match, f.Fixed.Gift)}
	case f.Tiers != nil:
		return s.tiers(f.Tiers)
	case f.Stages != nil:
		return s.stages(f.Stages)
	case f.Remaining != nil:
		return s.remaining(f.Remaining)
	case f.Draw != nil:
		return s.drawing(f.Draw)
	case f.Between != nil:
		return []string{s.say("between", "low", f.Between.Low, "high", f.Between.High)}
	case f.Streak != nil:
		bonus := s.waved(f.Streak.Bonus, f.Streak.BonusWave)
		if f.Streak.Every == 0 {
			return []string{bonus}
		}
		return []string{s.say("streak", "n", strconv.Itoa(f.Streak.Every), "award", bonus), s.say("other-days", "award", s.waved(f.Streak.Base, f.Streak.Wave))}
	case f.Effort != nil:
		return s.effort(f.Effort)
	case f.Lump != nil:
		if f.Lump.Goal == (Goal{}) {
			return []string{s.say("lump", "amount", s.amount(f.Lump.Amount))}
		}
		return []string{s.say("lump-goal", "amount", s.amount(f.Lump.Amount), "goal", s.goal(f.Lump.Goal))}
	}
	return s.sharing(f.Share)
}

func (s *speaker) ratio(key string, match, gift int64) string {
	return s.say(key, "match", strconv.FormatInt(match, 10), "gift", strconv.FormatInt(gift, 10), "unit", s.unit())
}

func (s *speaker) tiers(tiers []Tier) (lines []string) {
	for i, t := range tiers {
		award := s.say("nothing")
		if t.Match > 0 {
			award = s.ratio("fixed", t.Match, t.Gift)
		}
		if i == len(tiers)-1 {
			lines = append(lines, s.say("tier-last", "from", s.amount(t.From), "award", award))
		} else {
			lines = append(lines, s.say("tier", "from", s.amount(t.From), "to", s.amount(tiers[i+1].From), "award", award))
		}
	}
	return lines
}

func (s *speaker) stages(t *Stages) (lines []string) {
	for i, row := range t.Rows {
		award := s.join(s.formula(row.Award))
		switch {
		case len(t.Rows) == 1:
			lines = append(lines, s.say("stage-first", "award", award))
		case i == len(t.Rows)-1:
			lines = append(lines, s.say("stage-last", "award", award))
		case t.Per == PerDay:
			lines = append(lines, s.say("stage-day", "until", s.limit(row.Until, "percent-of-day"), "award", award))
		default:
			lines = append(lines, s.say("stage-event", "until", s.limit(row.Until, "percent-of-all"), "award", award))
		}
	}
	if len(t.Rows) > 1 {
		lines = append(lines, s.say("stage-crossing"))
	}
	return lines
}

func (s *speaker) remaining(t *Remaining) (lines []string) {
	key := "band-event"
	if t.Per == PerDay {
		key = "band-day"
	}
	for _, b := range t.Rows {
		award := s.span(b.Low, b.High)
		if b.To == "" {
			lines = append(lines, s.say(key+"-last", "from", s.amount(b.From), "award", award))
		} else {
			lines = append(lines, s.say(key, "from", s.amount(b.From), "to", s.amount(b.To), "award", award))
		}
	}
	return lines
}

func (s *speaker) drawing(t *Draw) []string {
	base := s.waved(t.Base, t.Wave)
	if t.Chance == "" {
		return []string{base}
	}
	return []string{s.say("chance", "percent", t.Chance, "award", s.waved(t.Bonus, t.BonusWave)), s.say("otherwise", "award", base)}
}

// waved says an amount ± a wave as the ends that can be drawn.
func (s *speaker) waved(amount, wave string) string {
	c := &checker{terms: *s.terms}
	middle, reach := c.amount("", &amount), c.amount("", &wave)
	if reach == 0 || middle < reach {
		return s.span(amount, amount)
	}
	return s.span(money.Format(middle-reach, s.terms.Currency), money.Format(middle+reach, s.terms.Currency))
}

// span says a random amount between two ends, or the one amount there is.
func (s *speaker) span(low, high string) string {
	switch {
	case low != high:
		return s.say("random", "low", s.amount(low), "high", s.amount(high))
	case strings.Trim(low, "0.") == "":
		return s.say("nothing")
	}
	return s.say("plain", "amount", s.amount(low))
}

func (s *speaker) effort(t *Effort) []string {
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	lines := []string{s.say("effort", "from", number(t.From.Effort), "to", number(t.To.Effort), "low", s.amount(t.From.Match), "high", s.amount(t.To.Match))}
	for _, p := range t.Penalties {
		lines = append(lines, s.say("penalty", "effort", number(p.Effort), "match", s.amount(p.Match)))
	}
	return lines
}

func (s *speaker) sharing(t *Share) []string {
	lines := []string{s.say("share-" + t.By)}
	if t.Most != nil {
		lines = append(lines, s.ratio("share-most", t.Most.Match, t.Most.Gift))
	}
	if t.Most != nil || s.terms.Caps.CampaignEvent != (Limit{}) {
		lines = append(lines, s.say("share-again"))
	}
	return lines
}
