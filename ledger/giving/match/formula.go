package match

import (
	"fmt"

	"sunfund/ledger/money"
)

// formula gives what a gift earns before boosts, caps and pools, in minor units. counted is what counts of the gift.
type formula func(d *decision, counted int64) int64

// formula checks the one field of f that is set. depth is 1 inside a stage.
func (c *checker) formula(field string, f *Formula, depth int) formula {
	set := 0
	var made formula
	use := func(name string, has bool, make func(field string) formula) {
		if !has {
			return
		}
		set++
		if depth > 0 && (name == "stages" || name == "lump" || name == "share") {
			c.wrong.refuse(field+"."+name, "nested")
			return
		}
		made = make(field + "." + name)
	}
	use("fixed", f.Fixed != nil, func(field string) formula { return c.fixed(field, *f.Fixed) })
	use("tiers", f.Tiers != nil, func(field string) formula { return c.tiers(field, f.Tiers) })
	use("stages", f.Stages != nil, func(field string) formula { return c.stages(field, f.Stages) })
	use("remaining", f.Remaining != nil, func(field string) formula { return c.remaining(field, f.Remaining) })
	use("draw", f.Draw != nil, func(field string) formula { return c.drawn(field, f.Draw) })
	use("between", f.Between != nil, func(field string) formula { return c.between(field, f.Between) })
	use("streak", f.Streak != nil, func(field string) formula { return c.streak(field, f.Streak) })
	use("effort", f.Effort != nil, func(field string) formula { return c.effort(field, f.Effort) })
	use("lump", f.Lump != nil, func(field string) formula { return c.lump(field, f.Lump) })
	use("share", f.Share != nil, func(field string) formula { return c.share(field, f.Share) })
	if set != 1 {
		c.wrong.refuse(field, "one-formula")
	}
	return made
}

func (c *checker) fixed(field string, r Ratio) formula {
	c.count(field+".match", r.Match, 1, ratioMax)
	c.count(field+".gift", r.Gift, 1, ratioMax)
	return func(_ *decision, counted int64) int64 { return r.of(counted) }
}

// of is the match of an amount, rounded down.
func (r Ratio) of(amount int64) int64 { return money.FloorShare(amount, r.Match, r.Gift) }

func (c *checker) tiers(field string, tiers []Tier) formula {
	c.length(field, len(tiers), 1, rowsMax)
	from := make([]int64, len(tiers))
	for i := range tiers {
		from[i] = c.amount(at(field, i, "from"), &tiers[i].From)
		if i > 0 && from[i] <= from[i-1] {
			c.wrong.refuse(at(field, i, "from"), "ascending")
		}
		c.count(at(field, i, "match"), tiers[i].Match, 0, ratioMax)
		c.count(at(field, i, "gift"), tiers[i].Gift, 1, ratioMax)
		if tiers[i].Match == 0 {
			tiers[i].Gift = 1 // one way to write nothing
		}
	}
	return func(_ *decision, counted int64) int64 {
		for i := len(tiers) - 1; i >= 0; i-- {
			if counted >= from[i] {
				return Ratio{tiers[i].Match, tiers[i].Gift}.of(counted)
			}
		}
		return 0
	}
}

func (c *checker) between(field string, b *Between) formula {
	low, high := c.decimal(field+".low", &b.Low, 1000), c.decimal(field+".high", &b.High, 1000)
	c.ordered(field+".high", low, high)
	return func(d *decision, counted int64) int64 {
		return money.FloorShare(counted, d.drawn("share", low, high), millionths)
	}
}

func (c *checker) drawn(field string, t *Draw) formula {
	base := c.waved(field+".base", &t.Base, field+".wave", &t.Wave, "base")
	chance := c.chance(field+".chance", &t.Chance, 100)
	var bonus func(*decision) int64
	if t.Bonus+t.BonusWave != "" {
		bonus = c.waved(field+".bonus", &t.Bonus, field+".bonus_wave", &t.BonusWave, "bonus")
	}
	if (chance > 0) != (bonus != nil) {
		c.wrong.refuse(field+".chance", "chance")
	}
	return func(d *decision, _ int64) int64 {
		if chance > 0 && d.drawn("chance", 1, millionths) <= chance {
			return bonus(d)
		}
		return base(d)
	}
}

// waved is an amount ± a wave; the plain amount where it is smaller than the wave.
func (c *checker) waved(field string, amount *string, waveField string, wave *string, label string) func(*decision) int64 {
	middle, reach := c.amount(field, amount), c.optional(waveField, wave)
	return func(d *decision) int64 {
		if reach == 0 || middle < reach {
			return middle
		}
		return d.drawn(label, middle-reach, middle+reach)
	}
}

func (c *checker) streak(field string, t *Streak) formula {
	c.count(field+".every", int64(t.Every), 0, 366)
	base := c.waved(field+".base", &t.Base, field+".wave", &t.Wave, "base")
	bonus := c.waved(field+".bonus", &t.Bonus, field+".bonus_wave", &t.BonusWave, "bonus")
	every := int64(t.Every)
	c.rule.reads.streak = true
	return func(d *decision, _ int64) int64 {
		if every == 0 || d.streak%every == 0 {
			return bonus(d)
		}
		return base(d)
	}
}

func (c *checker) effort(field string, t *Effort) formula {
	c.count(field+".from.effort", t.From.Effort, 0, countMax)
	c.count(field+".to.effort", t.To.Effort, 0, countMax)
	low, high := c.amount(field+".from.match", &t.From.Match), c.amount(field+".to.match", &t.To.Match)
	c.ordered(field+".to.match", low, high)
	if t.From.Effort >= t.To.Effort {
		c.wrong.refuse(field+".to.effort", "ascending")
	}
	c.length(field+".penalties", len(t.Penalties), 0, rowsMax)
	pays := make([]int64, len(t.Penalties))
	for i := range t.Penalties {
		p := &t.Penalties[i]
		pays[i] = c.amount(at(field+".penalties", i, "match"), &p.Match)
		c.count(at(field+".penalties", i, "effort"), p.Effort, 1, countMax)
		if i > 0 && p.Effort <= t.Penalties[i-1].Effort {
			c.wrong.refuse(at(field+".penalties", i, "effort"), "ascending")
		}
	}
	from, to := t.From.Effort, t.To.Effort
	return func(d *decision, _ int64) int64 {
		e := d.gift.Effort
		for i := len(pays) - 1; i >= 0; i-- {
			if e >= t.Penalties[i].Effort {
				return pays[i]
			}
		}
		if e < from {
			return 0
		}
		return low + money.FloorShare(high-low, min(e, to)-from, to-from)
	}
}

func (c *checker) lump(field string, t *Lump) formula {
	amount := c.positive(field+".amount", &t.Amount)
	reach := c.goal(field+".goal", &t.Goal)
	c.rule.reads.lump = true
	c.rule.lumpGoal = reach
	return func(d *decision, _ int64) int64 {
		switch {
		case d.state[Key{Kind: LumpDone, A: d.gift.Campaign}] > 0:
			d.because(LumpPaid)
			return 0
		case !d.reached(reach):
			d.because(Locked)
			return 0
		}
		return amount
	}
}

func (c *checker) ordered(field string, low, high int64) {
	if low > high {
		c.wrong.refuse(field, "low-high")
	}
}

// boost is a Boost, factors in ten-thousandths.
type boost struct{ invited, flowers, low, high, step int64 }

func (c *checker) boosts() {
	rows := c.terms.Boosts
	c.length("boosts", len(rows), 0, rowsMax)
	for i := range rows {
		b := &rows[i]
		made := boost{
			b.Invited, b.Flowers,
			c.decimal(at("boosts", i, "low"), &b.Low, factorMax), c.decimal(at("boosts", i, "high"), &b.High, factorMax),
			c.decimal(at("boosts", i, "step"), &b.Step, factorMax),
		}
		c.count(at("boosts", i, "invited"), b.Invited, 0, countMax)
		c.count(at("boosts", i, "flowers"), b.Flowers, 0, countMax)
		c.ordered(at("boosts", i, "high"), made.low, made.high)
		if made.step < 1 || made.low%made.step != 0 || made.high%made.step != 0 {
			c.wrong.refuse(at("boosts", i, "step"), "step")
		}
		c.rule.boosts = append(c.rule.boosts, made)
	}
}

// boosted adds to what the formula gave the multiple of the last boost whose conditions hold.
func (d *decision) boosted(base int64) int64 {
	for i := len(d.rule.boosts) - 1; i >= 0 && base > 0; i-- {
		b := d.rule.boosts[i]
		if d.gift.Invited >= b.invited && d.gift.Flowers >= b.flowers {
			factor := b.step * d.drawn("boost", b.low/b.step, b.high/b.step)
			return base + money.FloorShare(base, factor, perHundred)
		}
	}
	return base
}

// stage is a Stage in minor units; plain is its ratio where it is a fixed one.
type stage struct {
	until int64
	earn  formula
	plain *Ratio
}

func (c *checker) stages(field string, t *Stages) formula {
	c.length(field+".rows", len(t.Rows), 1, rowsMax)
	used, base := c.measure(field+".per", t.Per)
	rows := make([]stage, len(t.Rows))
	for i := range t.Rows {
		row := &t.Rows[i]
		name := at(field+".rows", i, "")
		rows[i] = stage{c.limit(name+".until", &row.Until, base), c.formula(name+".award", &row.Award, 1), row.Award.Fixed}
		if last := i == len(rows)-1; last != (row.Until == Limit{}) {
			c.wrong.refuse(name+".until", "last-stage")
		}
		if i > 0 && rows[i].until <= rows[i-1].until {
			c.wrong.refuse(name+".until", "ascending")
		}
	}
	return func(d *decision, counted int64) int64 { return staged(d, rows, used(d), counted) }
}

// staged walks through the stages from what is used on.
func staged(d *decision, rows []stage, used, counted int64) (earned int64) {
	for i, row := range rows {
		if used >= row.until {
			continue
		}
		room, part := row.until-used, row.earn(d, counted)
		if part <= room {
			return earned + part
		}
		earned, used = earned+room, row.until
		if row.plain == nil || rows[i+1].plain == nil {
			d.because(StageEnded)
			return earned
		}
		// What of the gift was matched is rounded up, so that no fen of it is matched twice.
		counted -= money.CeilShare(room, row.plain.Gift, row.plain.Match)
	}
	return earned
}

// measure gives how much of all pools is used in the event or today, and what percentages of it refer to.
func (c *checker) measure(field, per string) (used func(*decision) int64, base int64) {
	c.word(field, per, PerEvent, PerDay)
	if per != PerDay {
		c.rule.reads.all = true
		return func(d *decision) int64 { return d.state[Key{Kind: AllUsed}] }, c.rule.total
	}
	c.rule.reads.allDay = true
	for i, p := range c.rule.pools {
		if p.daily == unlimited {
			c.wrong.refuse(at("pools", i, "daily"), "daily-needed")
			continue
		}
		base += p.daily
	}
	return func(d *decision) int64 { return d.state[Key{Kind: AllDayUsed, Day: d.day}] }, base
}

func (c *checker) remaining(field string, t *Remaining) formula {
	c.length(field+".rows", len(t.Rows), 1, rowsMax)
	used, base := c.measure(field+".per", t.Per)
	type band struct{ from, to, low, high int64 }
	bands := make([]band, len(t.Rows))
	for i := range t.Rows {
		row := &t.Rows[i]
		name := func(f string) string { return at(field+".rows", i, f) }
		b := band{c.amount(name("from"), &row.From), unlimited, c.amount(name("low"), &row.Low), c.amount(name("high"), &row.High)}
		if row.To != "" {
			b.to = c.positive(name("to"), &row.To)
		}
		c.ordered(name("high"), b.low, b.high)
		if b.from >= b.to || i > 0 && b.from < bands[i-1].to {
			c.wrong.refuse(name("from"), "bands")
		}
		bands[i] = b
	}
	return func(d *decision, _ int64) int64 {
		left := base - used(d)
		for i, b := range bands {
			if b.from <= left && left < b.to {
				return d.drawn(fmt.Sprintf("band-%d", i), b.low, b.high)
			}
		}
		return 0
	}
}
