package match

// reads are the counters that a rule looks at.
type reads struct {
	donor, pair    bool // who gave; who gave to what
	raised, donors bool
	all, allDay    bool
	streak, lump   bool
	kinds          []Kind // of counters that belong to a gift
}

// reading finds out what the rule looks at.
func (r *Rule) reading() reads {
	n := r.reads
	for _, g := range []goal{r.unlock, r.lumpGoal} {
		n.raised = n.raised || g.raised > 0 || g.percent > 0
		n.donors = n.donors || g.donors > 0
	}
	n.pair = n.donors || r.gifts.first == PairGifts
	n.donor = n.pair || n.streak || r.gifts.first != 0 || r.caps.donorDay != unlimited || r.caps.donor != unlimited ||
		r.share != nil && r.share.quadratic
	add := func(reads bool, kinds ...Kind) {
		if reads {
			n.kinds = append(n.kinds, kinds...)
		}
	}
	add(n.all, AllUsed)
	add(n.allDay, AllDayUsed)
	add(r.caps.donorDay != unlimited, DonorDayMatch)
	add(r.caps.donor != unlimited, DonorMatch)
	add(r.caps.day != unlimited, CampaignDayMatch)
	add(r.caps.campaign != unlimited, CampaignMatch)
	add(r.caps.org != unlimited, OrgMatch)
	add(r.gifts.first != 0 && r.gifts.first != PairGifts, r.gifts.first)
	add(n.pair, PairGifts)
	add(n.raised, Raised)
	add(n.donors, Donors)
	add(n.lump, LumpDone)
	add(n.streak, StreakDays, StreakLast)
	add(r.perMin > 0, DonorMinute)
	return n
}

// Needs names the counters that Decide looks at for a gift: to be loaded before. None when the gift lies in no window.
func (r *Rule) Needs(g Gift) []Key {
	day, open := r.windowsAt(g.PaidAt)
	if open == 0 {
		return nil
	}
	keys := make([]Key, 0, len(r.reads.kinds)+4)
	for _, kind := range r.reads.kinds {
		if kind == DonorMinute && g.Donor == "" {
			continue // nobody knows how many gifts an unknown donor made
		}
		keys = append(keys, keyOf(kind, &g, day))
	}
	for _, i := range r.poolsFor(g.Campaign) {
		p := &r.pools[i]
		for _, s := range p.slices {
			if open&(1<<s.window) != 0 {
				keys = append(keys, Key{Kind: SliceUsed, A: p.code, B: s.name})
			}
		}
		keys = append(keys, Key{Kind: PoolUsed, A: p.code})
		if p.daily != unlimited {
			keys = append(keys, Key{Kind: PoolDayUsed, A: p.code, Day: day})
		}
	}
	return keys
}

// Asks are the facts beside gift and campaign that a rule looks at. Who decides gifts looks them up for the rules that ask.
type Asks struct {
	Recurring bool // Gift.Recurring
	Social    bool // Gift.Invited and Gift.Flowers
	Effort    bool // Gift.Effort
}

// Asks tells which facts Decide looks at.
func (r *Rule) Asks() Asks { return r.asks }

func (r *Rule) asking(award Formula) Asks {
	a := Asks{Recurring: r.gifts.recurring > 0, Effort: asksEffort(award)}
	for _, b := range r.boosts {
		a.Social = a.Social || b.invited > 0 || b.flowers > 0
	}
	return a
}

func asksEffort(f Formula) bool {
	if f.Stages != nil {
		for _, row := range f.Stages.Rows {
			if asksEffort(row.Award) {
				return true
			}
		}
	}
	return f.Effort != nil
}
