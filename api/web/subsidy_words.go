package web

import (
	"strconv"

	"sunfund/ledger/giving"
	"sunfund/ledger/giving/subsidies"
)

// ruleWords says a letter's rule in plain words, made from the rule itself.
func (v *visit) ruleWords(l *subsidies.Letter) (said []string) {
	sum := func(minor int64) string { return Amount(v.lang, v.amount(minor)) }
	each := ""
	if l.Per == subsidies.PerCampaign {
		each = ".each"
	}
	if l.Threshold > 0 {
		said = append(said, T(v.lang, "subsidy.say.threshold"+each, sum(l.Threshold)))
	}
	if l.Lump > 0 {
		said = append(said, T(v.lang, "subsidy.say.lump"+each, sum(l.Lump)))
	}
	if l.Num > 0 {
		said = append(said, T(v.lang, "subsidy.say.ratio", int(l.Num), int(l.Den)))
	}
	if l.ShareCap > 0 {
		said = append(said, T(v.lang, "subsidy.say.share", sum(l.ShareCap)))
	}
	return append(said, T(v.lang, "subsidy.say.cap", sum(l.Cap)))
}

// countsWords says which gifts a letter counts.
func (v *visit) countsWords(l *subsidies.Letter) (string, error) {
	to := T(v.lang, "subsidy.say.fund")
	if l.CampaignID != nil {
		c, err := giving.CampaignByID(v.ctx(), v.s.DB, v.book, *l.CampaignID)
		if err != nil {
			return "", err
		}
		to = T(v.lang, "subsidy.say.campaign", c.Title(string(v.lang)))
	}
	said := T(v.lang, "subsidy.say.counts."+l.Counts, Day(v.lang, l.OpensOn), Day(v.lang, l.ClosesOn), to)
	if l.GiftMin > 0 {
		said += T(v.lang, "subsidy.say.min", Amount(v.lang, v.amount(l.GiftMin)))
	}
	return said, nil
}

func (v *visit) letterState(l *subsidies.Letter) cell {
	key, tag := l.State, map[string]string{subsidies.Draft: "draft", subsidies.Open: "waiting", subsidies.Lapsed: "done", subsidies.Void: "reversed"}[l.State]
	if l.State == subsidies.Open && l.Claimed == l.Cap && l.Due() == 0 {
		key, tag = "paid", "done"
	} else if l.State == subsidies.Open && l.NoticedOn != nil {
		key, tag = "noticed", "attention"
	}
	return cell{Text: T(v.lang, "subsidy.state."+key), Tag: tag}
}

// letterFacts are what the letter says.
func (v *visit) letterFacts(l *subsidies.Letter) ([]Fact, error) {
	counts, err := v.countsWords(l)
	if err != nil {
		return nil, err
	}
	streets, err := v.streets()
	if err != nil {
		return nil, err
	}
	s, err := v.sight()
	if err != nil {
		return nil, err
	}
	facts := []Fact{v.fact("subsidy.document", l.Document), v.fact("subsidy.signed", Day(v.lang, l.SignedOn)), v.fact("subsidy.street", streets[l.StreetID]), v.fact("subsidy.party", l.Party)}
	if fund := s.fund(l.FundID); fund != nil {
		facts = append(facts, Fact{Term: T(v.lang, "subsidy.fund"), Value: fund.Code + " " + fund.Name(string(v.lang)), Href: "/console/funds/" + strconv.Itoa(int(fund.ID))})
	}
	facts = append(facts, v.fact("subsidy.counts", counts))
	for i, said := range v.ruleWords(l) {
		term := "subsidy.rule"
		if i > 0 {
			term = "subsidy.rule.more"
		}
		facts = append(facts, v.fact(term, said))
	}
	return append(facts, v.fact("subsidy.terms", T(v.lang, "subsidy.terms."+l.Terms)),
		v.fact("subsidy.year", T(v.lang, "subsidy.year.until", strconv.Itoa(int(l.FiscalYear)), Day(v.lang, l.LapsesOn)))), nil
}

// homeRows are the families' shares, those alike in one row.
func (v *visit) homeRows(gifts, street int64, homes int32) ([][]cell, error) {
	if homes == 0 || gifts < 0 {
		return nil, nil
	}
	list, err := subsidies.Shares(gifts, street, int(homes))
	if err != nil {
		return nil, err
	}
	var rows [][]cell
	for from := 0; from < len(list); {
		to := from
		for to < len(list) && list[to] == list[from] {
			to++
		}
		which := strconv.Itoa(from + 1)
		if to-from > 1 {
			which += "–" + strconv.Itoa(to)
		}
		rows = append(rows, []cell{{Text: which}, {Text: strconv.Itoa(to - from)}, v.sumCell(list[from].Gifts), v.sumCell(list[from].Street), v.sumCell(list[from].Total())})
		from = to
	}
	return rows, nil
}
