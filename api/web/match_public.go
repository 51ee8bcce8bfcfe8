package web

import (
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
)

// matchPublicView is what everybody may read of an event of match: its rule, its amounts, how many awards are held, what its draws are made of.
type matchPublicView struct {
	Page
	Heading, State, Tag string
	Facts               []Fact
	Note                string // this is no longer the newest version
	Grids               []grid
	JSON                string
	Recompute, File     string // where every gift is decided again; the rule as a file
}

// matchPublic answers /match/{event}, or with ?version= an older version of its rule. An event without a published rule is not there yet.
func (v *visit) matchPublic() error {
	var view matchPublicView
	err := v.read(func(q pg.Querier) error {
		d, err := v.publicDesk(q)
		if err != nil {
			return err
		}
		return v.fillMatchPublic(q, d, &view)
	})
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/match", view)
}

func (v *visit) fillMatchPublic(q pg.Querier, d *matchDesk, view *matchPublicView) error {
	name := d.event.Name(string(v.lang))
	view.Page = v.page(T(v.lang, "match.public.title", name))
	view.Heading = name
	state := v.matchState(d.event.State)
	view.State, view.Tag = state.Text, state.Tag
	view.Figure = v.asOf(0)
	shown := &d.versions[0]
	for i := range d.versions {
		if wanted := v.number("version"); wanted > 0 && d.versions[i].Version == wanted {
			shown = &d.versions[i]
		}
	}
	rule := d.rule
	if shown.Version != d.versions[0].Version {
		var err error
		if rule, err = shown.Rule(); err != nil {
			return err
		}
		view.Note = T(v.lang, "match.public.older", int(shown.Version), int(d.versions[0].Version))
	}
	at := matchPublicPath + "/" + d.event.Code
	view.JSON, view.Recompute, view.File = string(rule.JSON()), at+"/recompute", at+"/rule?version="+strconv.Itoa(int(shown.Version))
	view.Facts = v.matchPublicFacts(d, shown, rule)
	campaigns, err := v.matchCampaigns(q, d)
	if err != nil {
		return err
	}
	words, err := v.matchWords(q, rule, v.lang)
	if err != nil {
		return err
	}
	words[0].Title = T(v.lang, "match.public.words")
	pools := v.matchPools(d) // how each is kept is in the rule's words; without it the figures fit beside each other
	pools.Heads = slices.Delete(pools.Heads, 1, 2)
	for i := range pools.Rows {
		pools.Rows[i] = slices.Delete(pools.Rows[i], 1, 2)
	}
	view.Grids = []grid{words[0], pools, campaigns, v.matchVersions(d, at)}
	return nil
}

func (v *visit) matchPublicFacts(d *matchDesk, shown *giving.RuleVersion, rule *match.Rule) []Fact {
	facts := []Fact{v.fact("match.window", v.matchWindow(rule)), v.fact("match.from", When(v.lang, shown.From, v.book.Zone)), v.fact("match.hash", hex.EncodeToString(shown.Hash)),
		v.fact("match.commitment", d.event.Commitment)}
	if d.event.Seed != nil {
		facts = append(facts, v.fact("match.seed", *d.event.Seed))
	} else {
		facts = append(facts, v.fact("match.seed", T(v.lang, "match.seed.later")))
	}
	return append(facts, v.fact("match.held", T(v.lang, "match.public.held", int(d.amounts.HeldAwards), Amount(v.lang, v.amount(d.amounts.Held)))))
}
