package match

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sunfund/ledger/money"
)

// Limits of terms.
const (
	windowsMax   = 60
	poolsMax     = 1000
	slicesMax    = 20
	listMax      = 2000 // campaigns of a pool or rule
	rowsMax      = 50
	ratioMax     = 1000
	noticeMax    = 400
	amountMax    = 1_000_000_000_000_000 // minor units; a thousand pools of it fit int64
	factorMax    = 1000
	perHundred   = 10_000 // a percentage of one, in four decimals
	millionths   = 100 * perHundred
	countMax     = 1_000_000_000
	spanMaxYears = 10
)

// checker reads terms into a rule, writes amounts back in full, and collects what is wrong.
type checker struct {
	terms Terms
	rule  *Rule
	wrong TermsError
}

func (c *checker) check() {
	t, r := &c.terms, c.rule
	if t.Language != Language {
		c.wrong.refuse("language", "language", "known", fmt.Sprint(Language))
	}
	if _, ok := money.Lookup(t.Currency); !ok {
		c.wrong.refuse("currency", "currency")
		return // no amount can be read
	}
	c.windows()
	c.pools()
	c.gifts()
	c.word("order", t.Order, FirstCome, AtEnd)
	c.word("unspent", t.Unspent, GiveBack, RollOver, GiveAnyway)
	c.word("refund", t.Refund, ToPool, ToRest)
	c.count("notice_days", int64(t.Notice), 0, noticeMax)
	r.unlock = c.goal("unlock", &t.Unlock)
	r.earn = c.formula("award", &t.Award, 0)
	c.boosts()
	c.caps()
	c.count("holds.per_minute", int64(t.Holds.PerMinute), 0, 1000)
	r.perMin = int64(t.Holds.PerMinute)
	c.together()
	r.reads, r.asks = r.reading(), r.asking(c.terms.Award)
}

// together are the checks that look at several parts.
func (c *checker) together() {
	t := &c.terms
	if t.Award.Share == nil {
		return
	}
	if t.Order != AtEnd {
		c.wrong.refuse("order", "share-order")
	}
	if len(t.Boosts) > 0 {
		c.wrong.refuse("boosts", "not-shared")
	}
	for field, limit := range map[string]Limit{"gift": t.Caps.Gift, "donor_day": t.Caps.DonorDay, "donor_event": t.Caps.DonorEvent, "campaign_day": t.Caps.CampaignDay, "organisation": t.Caps.Organisation} {
		if limit != (Limit{}) {
			c.wrong.refuse("caps."+field, "not-shared")
		}
	}
	for i, p := range t.Pools {
		if p.Daily != "" || len(p.Slices) > 0 {
			c.wrong.refuse(at("pools", i, ""), "pool-shared")
		}
	}
	slices.SortFunc(c.wrong.List, func(a, b Wrong) int { return strings.Compare(a.Field, b.Field) })
}

func (c *checker) windows() {
	t, r := &c.terms, c.rule
	zone, err := time.LoadLocation(t.Zone)
	if err != nil || t.Zone == "" || t.Zone == "Local" {
		c.wrong.refuse("zone", "zone")
		return
	}
	r.zone = zone
	c.length("windows", len(t.Windows), 1, windowsMax)
	for i := range t.Windows {
		w := &t.Windows[i]
		c.code(at("windows", i, "name"), w.Name)
		if slices.ContainsFunc(t.Windows[:i], func(o Window) bool { return o.Name == w.Name }) {
			c.wrong.refuse(at("windows", i, "name"), "twice")
		}
		from, to := c.moment(at("windows", i, "from"), w.From), c.moment(at("windows", i, "to"), w.To)
		if !from.Before(to) || to.After(from.AddDate(spanMaxYears, 0, 0)) {
			c.wrong.refuse(at("windows", i, "to"), "window-order")
		}
		opens, closes := c.minute(at("windows", i, "opens"), &w.Opens, 0), c.minute(at("windows", i, "closes"), &w.Closes, wholeDay)
		if opens >= closes {
			c.wrong.refuse(at("windows", i, "closes"), "window-hours")
		}
		r.windows = append(r.windows, window{from, to, opens, closes})
	}
}

const momentLayout = "2006-01-02T15:04"

func (c *checker) moment(field, text string) time.Time {
	shown, err := time.Parse(momentLayout, text)
	if err != nil || shown.Year() < 1971 || shown.Year() > 9000 {
		c.wrong.refuse(field, "moment")
		return time.Time{}
	}
	return instant(c.rule.zone, Day(shown.Unix()/secondsADay), shown.Hour()*60+shown.Minute())
}

// minute is a time of day, left out when it is the missing one anyway.
func (c *checker) minute(field string, text *string, missing int) int {
	minute := missing
	if clock, err := time.Parse("15:04", *text); err == nil && len(*text) == 5 {
		minute = clock.Hour()*60 + clock.Minute()
	} else if *text == "24:00" {
		minute = wholeDay
	} else if *text != "" {
		c.wrong.refuse(field, "hour")
	}
	if minute == missing {
		*text = ""
	}
	return minute
}

// gifts is Gifts, checked.
type gifts struct {
	min, max  int64
	channels  []string
	campaigns map[string]bool // nil: all
	first     Kind            // the counter that must be zero; 0: none
	recurring int
}

func (c *checker) gifts() {
	t, r := &c.terms.Gifts, c.rule
	r.gifts = gifts{min: c.optional("gifts.min", &t.Min), max: unlimited, channels: slices.Clone(t.Channels), recurring: t.Recurring}
	if t.MaxCounted != "" {
		r.gifts.max = c.positive("gifts.max_counted", &t.MaxCounted)
		if r.gifts.max < r.gifts.min {
			c.wrong.refuse("gifts.max_counted", "below-min")
		}
	}
	c.count("gifts.recurring", int64(t.Recurring), 0, 1000)
	c.codes("gifts.channels", t.Channels)
	c.codes("gifts.campaigns", t.Campaigns)
	if len(t.Campaigns) > 0 {
		r.gifts.campaigns = map[string]bool{}
		for _, campaign := range t.Campaigns {
			r.gifts.campaigns[campaign] = true
		}
	}
	switch t.First {
	case "":
	case FirstOfDonor:
		r.gifts.first = DonorGifts
	case FirstOfDonorCampaign:
		r.gifts.first = PairGifts
	case FirstOfDonorDay:
		r.gifts.first = DonorDayGifts
	default:
		c.word("gifts.first", t.First, FirstOfDonor, FirstOfDonorCampaign, FirstOfDonorDay)
	}
}

// goal is Goal, checked.
type goal struct {
	raised, percent int64 // percent in millionths
	donors          int64
}

func (c *checker) goal(field string, t *Goal) goal {
	c.count(field+".donors", int64(t.Donors), 0, countMax)
	return goal{
		raised:  c.optional(field+".raised", &t.Raised),
		percent: c.chance(field+".percent", &t.Percent, 1000),
		donors:  int64(t.Donors),
	}
}

// caps is Caps in minor units.
type caps struct{ gift, donorDay, donor, day, campaign, org int64 }

func (c *checker) caps() {
	t := &c.terms.Caps
	limit := func(field string, l *Limit) int64 { return c.limit("caps."+field, l, c.rule.total) }
	c.rule.caps = caps{
		limit("gift", &t.Gift), limit("donor_day", &t.DonorDay), limit("donor_event", &t.DonorEvent),
		limit("campaign_day", &t.CampaignDay), limit("campaign_event", &t.CampaignEvent), limit("organisation", &t.Organisation),
	}
}

// limit is an amount or a part of base, in minor units.
func (c *checker) limit(field string, l *Limit, base int64) int64 {
	switch {
	case l.Amount != "" && l.Percent != "":
		c.wrong.refuse(field, "limit")
	case l.Amount != "":
		return c.positive(field+".amount", &l.Amount)
	case l.Percent != "":
		percent := c.decimal(field+".percent", &l.Percent, 100)
		if percent == 0 {
			c.wrong.refuse(field+".percent", "positive")
		}
		return money.FloorShare(base, percent, millionths)
	}
	return unlimited
}

// amount reads an amount and writes it back with all its decimals; empty is zero.
func (c *checker) amount(field string, text *string) int64 {
	if *text == "" {
		*text = "0"
	}
	minor, err := money.Parse(*text, c.terms.Currency)
	if err != nil || minor < 0 || minor > amountMax {
		c.wrong.refuse(field, "amount", "currency", c.terms.Currency)
		return 0
	}
	*text = money.Format(minor, c.terms.Currency)
	return minor
}

// optional is an amount that is left out when it is zero.
func (c *checker) optional(field string, text *string) int64 {
	minor := c.amount(field, text)
	if minor == 0 {
		*text = ""
	}
	return minor
}

// positive is an amount that must be there.
func (c *checker) positive(field string, text *string) int64 {
	before := len(c.wrong.List)
	minor := c.amount(field, text)
	if minor == 0 && len(c.wrong.List) == before {
		c.wrong.refuse(field, "positive")
	}
	return minor
}

var decimalForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?$`)

// decimal reads a number of at most four decimals in ten-thousandths (a percentage: in millionths of the whole) and writes it
// back in its shortest form; empty is zero.
func (c *checker) decimal(field string, text *string, most int64) int64 {
	if *text == "" {
		*text = "0"
	}
	m := decimalForm.FindStringSubmatch(*text)
	if m == nil {
		c.wrong.refuse(field, "decimal")
		return 0
	}
	var value int64
	for _, digit := range m[1] + (m[2] + "00000")[min(1, len(m[2])):][:4] {
		value = value*10 + int64(digit-'0')
	}
	if value > most*perHundred {
		c.wrong.refuse(field, "range", "low", "0", "high", fmt.Sprint(most))
		return 0
	}
	if strings.Contains(*text, ".") {
		*text = strings.TrimRight(strings.TrimRight(*text, "0"), ".")
	}
	return value
}

// chance is a percentage, in millionths of the whole, that is left out when it is zero.
func (c *checker) chance(field string, text *string, most int64) int64 {
	millionths := c.decimal(field, text, most)
	if millionths == 0 {
		*text = ""
	}
	return millionths
}

func (c *checker) count(field string, n, low, high int64) {
	if n < low || n > high {
		c.wrong.refuse(field, "range", "low", fmt.Sprint(low), "high", fmt.Sprint(high))
	}
}

func (c *checker) length(field string, n, low, high int) {
	if n < low || n > high {
		c.wrong.refuse(field, "length", "low", fmt.Sprint(low), "high", fmt.Sprint(high))
	}
}

func (c *checker) word(field, word string, words ...string) {
	if !slices.Contains(words, word) {
		c.wrong.refuse(field, "word", "words", strings.Join(words, ", "))
	}
}

var codeForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,79}$`)

func (c *checker) code(field, code string) {
	if !codeForm.MatchString(code) {
		c.wrong.refuse(field, "code")
	}
}

// codes are a list of different codes.
func (c *checker) codes(field string, codes []string) {
	c.length(field, len(codes), 0, listMax)
	seen := map[string]bool{}
	for i, code := range codes {
		c.code(fmt.Sprintf("%s[%d]", field, i), code)
		if seen[code] {
			c.wrong.refuse(fmt.Sprintf("%s[%d]", field, i), "twice")
		}
		seen[code] = true
	}
}

func (c *checker) name(field string, n Name) {
	for lang, text := range map[string]string{"zh": n.ZH, "en": n.EN} {
		if strings.TrimSpace(text) != text || text == "" || utf8.RuneCountInString(text) > 120 || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == utf8.RuneError }) {
			c.wrong.refuse(field+"."+lang, "name")
		}
	}
}

// at names a field of a row of a list; rows count from 0, as in JSON.
func at(list string, i int, field string) string {
	if field == "" {
		return fmt.Sprintf("%s[%d]", list, i)
	}
	return fmt.Sprintf("%s[%d].%s", list, i, field)
}
