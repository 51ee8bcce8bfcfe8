package web

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/match"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// Addresses of events of match: for the staff, and for everybody.
const (
	matchPath       = "/console/match"
	matchPublicPath = "/match"
)

// matchDesk is an event with all that its page says. It belongs to the book: no street has a part of it.
type matchDesk struct {
	event    *giving.MatchEvent
	amounts  *giving.EventAmounts
	rate     giving.DayRate
	versions []giving.RuleVersion // newest first
	rule     *match.Rule          // the newest; nil before one is published
}

// matchDesk reads the event of the address.
func (v *visit) matchDesk(q pg.Querier) (*matchDesk, error) {
	e, err := giving.EventByCode(v.ctx(), q, v.book, v.Param("event"))
	if err != nil {
		return nil, err
	}
	d := &matchDesk{event: e}
	if d.amounts, err = giving.AmountsOf(v.ctx(), q, v.book, e.ID, v.now); err != nil {
		return nil, err
	}
	if d.rate, err = giving.DayRateOf(v.ctx(), q, v.book, e.ID, v.now); err != nil {
		return nil, err
	}
	if d.versions, err = giving.RuleVersions(v.ctx(), q, v.book, e.ID); err != nil {
		return nil, err
	}
	if len(d.versions) > 0 {
		d.rule, err = d.versions[0].Rule()
	}
	return d, err
}

// at is the event's page in the console.
func (d *matchDesk) at() string { return matchPath + "/" + d.event.Code }

// funder is who funds a pool, as the newest rule says it.
func (d *matchDesk) funder(lang Lang, code string) string {
	if d.rule != nil {
		for _, p := range d.rule.Terms().Pools {
			if p.Code == code {
				return ruleName(lang, p.Funder)
			}
		}
	}
	return code
}

func ruleName(lang Lang, n match.Name) string {
	if lang == "en" {
		return n.EN
	}
	return n.ZH
}

func (v *visit) matchState(state string) cell {
	return cell{Text: T(v.lang, "match.state."+state), Tag: map[string]string{giving.EventDraft: "draft", giving.EventOpen: "good", giving.EventClosed: "waiting", giving.EventEnded: "done"}[state]}
}

// matchWindow is from when until when a rule matches.
func (v *visit) matchWindow(r *match.Rule) string {
	if r == nil {
		return T(v.lang, "match.rule.none")
	}
	from, to := r.Bounds()
	return T(v.lang, "match.span", When(v.lang, from, v.book.Zone), When(v.lang, to, v.book.Zone))
}

// matchNames calls campaigns by their titles and channels by their names.
func (v *visit) matchNames(q pg.Querier, lang Lang, terms match.Terms) (match.Namer, error) {
	var slugs []string
	for _, p := range terms.Pools {
		slugs = append(slugs, p.Campaigns...)
	}
	titles := map[string]string{}
	if slugs = append(slugs, terms.Gifts.Campaigns...); len(slugs) > 0 {
		list, err := giving.ListCampaigns(v.ctx(), q, v.book, giving.CampaignFilter{Drafts: true}, v.now, 0, giving.PageMax)
		if err != nil {
			return nil, err
		}
		for i := range list {
			titles[list[i].Slug] = list[i].Title(string(lang))
		}
	}
	return func(kind, code string) string {
		if kind == "campaign" && titles[code] != "" {
			return titles[code]
		}
		return code
	}, nil
}

// matchWords says a rule in plain words, made from the rule itself: a grid for each language.
func (v *visit) matchWords(q pg.Querier, r *match.Rule, langs ...Lang) (grids []grid, err error) {
	for _, lang := range langs {
		name, err := v.matchNames(q, lang, r.Terms())
		if err != nil {
			return nil, err
		}
		g := grid{Title: T(v.lang, "match.words."+string(lang)), Heads: v.heads("match.words.part", "match.words.says")}
		for _, p := range r.Words(string(lang), name) {
			g.Rows = append(g.Rows, []cell{{Text: p.Title}, textCell(sentences(lang, p.Lines))})
		}
		grids = append(grids, g)
	}
	return grids, nil
}

// sentences puts whole sentences one after the other, as the language does.
func sentences(lang Lang, list []string) string {
	if lang == "en" {
		return strings.Join(list, " ")
	}
	return strings.Join(list, "")
}

// otherLang is the language that the page is not in.
func (v *visit) otherLang() Lang {
	if v.lang == "en" {
		return "zh-CN"
	}
	return "en"
}

// matchPools is the grid of pools: what each promised and where that stands, column by column, never added across.
func (v *visit) matchPools(d *matchDesk) grid {
	g := grid{Title: T(v.lang, "match.pools"), Empty: T(v.lang, "match.pools.none"),
		Heads: v.heads("match.pool", "match.kept", "#match.promised", "#match.left", "#match.reserved", "#match.held", "#match.settled", "#match.clawed", "#match.returned")}
	if len(d.amounts.Pools) == 0 {
		return g
	}
	sums := func(promised int64, a giving.MatchAmounts) []cell {
		return []cell{v.sumCell(promised), v.sumCell(a.Pledged), v.sumCell(a.Reserved), v.sumCell(a.Held), v.sumCell(a.Settled), v.sumCell(a.Clawed), v.sumCell(a.Returned)}
	}
	var promised int64
	for _, p := range d.amounts.Pools {
		promised += p.Amount
		g.Rows = append(g.Rows, append([]cell{textCell(d.funder(v.lang, p.Pool) + " (" + p.Pool + ")"), {Text: T(v.lang, "match.kept."+p.Kind)}}, sums(p.Amount, p.MatchAmounts)...))
	}
	if len(d.amounts.Pools) > 1 {
		g.Rows = append(g.Rows, append([]cell{{Text: T(v.lang, "match.all")}, {}}, sums(promised, d.amounts.MatchAmounts)...))
	}
	return g
}

// matchCampaigns is the grid of campaigns that earned something.
func (v *visit) matchCampaigns(q pg.Querier, d *matchDesk) (grid, error) {
	g := grid{Title: T(v.lang, "match.campaigns"), Empty: T(v.lang, "match.campaigns.none"),
		Heads: v.heads("gift.campaign", "#match.reserved", "#match.held", "#match.settled", "#match.clawed")}
	for _, c := range d.amounts.Campaigns {
		campaign, err := giving.CampaignByID(v.ctx(), q, v.book, c.CampaignID)
		if err != nil {
			return g, err
		}
		g.Rows = append(g.Rows, []cell{{Text: campaign.Title(string(v.lang)), Href: "/c/" + campaign.Slug, User: true}, v.sumCell(c.Reserved), v.sumCell(c.Held), v.sumCell(c.Settled), v.sumCell(c.Clawed)})
	}
	return g, nil
}

// matchVersions lists the versions of the rule.
func (v *visit) matchVersions(d *matchDesk, at string) grid {
	g := grid{Title: T(v.lang, "match.versions"), Empty: T(v.lang, "match.rule.none"), Heads: v.heads("match.version", "match.from", "match.published", "match.hash")}
	for i := range d.versions {
		r := &d.versions[i]
		number := strconv.Itoa(int(r.Version))
		g.Rows = append(g.Rows, []cell{{Text: number, Href: at + "?version=" + number}, {Text: When(v.lang, r.From, v.book.Zone)}, {Text: When(v.lang, r.PublishedAt, v.book.Zone)}, {Text: shortHash(r.Hash)}})
	}
	return g
}

// matchReasons says why an award is as it is.
func (v *visit) matchReasons(list []string) string {
	said := make([]string, len(list))
	for i, why := range list {
		said[i] = match.Reason(why).Text(string(v.lang))
	}
	return sentences(v.lang, said)
}

// matchDue is when reserved match may be paid first: after the public notice. Zero while the event is not closed.
func (d *matchDesk) due() time.Time {
	if d.event.ClosedAt == nil || d.rule == nil {
		return time.Time{}
	}
	return d.event.ClosedAt.AddDate(0, 0, d.rule.Terms().Notice)
}

// matchNext says who acts next.
func (v *visit) matchNext(d *matchDesk) string {
	switch {
	case d.event.StoppedAt != nil:
		return T(v.lang, "match.next.stopped", When(v.lang, *d.event.StoppedAt, v.book.Zone))
	case d.event.State == giving.EventDraft && d.rule == nil:
		return T(v.lang, "match.next.rule")
	case d.event.State == giving.EventDraft:
		return T(v.lang, "match.next.open")
	case d.event.State == giving.EventOpen:
		_, to := d.rule.Bounds()
		return T(v.lang, "match.next.close", When(v.lang, to, v.book.Zone))
	case d.event.State == giving.EventEnded:
		return T(v.lang, "match.next.done")
	case d.amounts.HeldAwards > 0:
		return T(v.lang, "match.next.held", int(d.amounts.HeldAwards))
	case d.amounts.Reserved > 0 && v.now.Before(d.due()):
		return T(v.lang, "match.next.notice", When(v.lang, d.due(), v.book.Zone))
	case d.amounts.Reserved > 0:
		return T(v.lang, "match.next.settle", Amount(v.lang, v.amount(d.amounts.Reserved)))
	case d.amounts.Pledged > 0:
		return T(v.lang, "match.next.rest", Amount(v.lang, v.amount(d.amounts.Pledged)))
	}
	return T(v.lang, "match.next.end")
}

// matchPoolOptions offers the pools for which has says so.
func (v *visit) matchPoolOptions(d *matchDesk, has func(giving.PoolAmounts) int64) (options []Option) {
	for _, p := range d.amounts.Pools {
		if sum := has(p); sum > 0 {
			options = append(options, Option{Value: p.Pool, Label: d.funder(v.lang, p.Pool) + " · " + Amount(v.lang, v.amount(sum))})
		}
	}
	return options
}

// Steps with an event that one person takes: they move no money and change nothing of where it goes.
const (
	matchCreate = "match-create"
	matchClose  = "match-close"
	matchReveal = "match-reveal"
	matchEnd    = "match-end"
	matchCircle = "match-circle" // holds what it finds; paying it or not takes two
)

// matchActs are the steps that may follow, the likeliest first.
func (v *visit) matchActs(q pg.Querier, d *matchDesk) (acts []act, err error) {
	second := func(name string, danger bool, blanks ...blank) {
		acts = append(acts, act{name: name, needs: staff.CampaignWrite, second: staff.MatchKind, danger: danger, blanks: blanks})
	}
	alone := func(name string, danger bool) {
		acts = append(acts, act{name: name, needs: staff.CampaignWrite, danger: danger})
	}
	reason := blank{name: "reason", label: "offline.reason", kind: "area", max: 400}
	pool := func(options []Option) blank {
		return blank{name: "pool", label: "match.pool", kind: "select", options: options}
	}
	state := d.event.State
	if d.event.StoppedAt != nil {
		second("match-resume", false, reason)
	}
	if state == giving.EventDraft && d.rule != nil {
		second("match-open", false)
	}
	if state == giving.EventClosed && d.rule.AtEnd() && d.amounts.Reserved+d.amounts.Held+d.amounts.Settled == 0 {
		second("match-share", false)
	}
	if d.amounts.HeldAwards > 0 {
		picks, err := v.matchHeldOptions(q, d)
		if err != nil {
			return nil, err
		}
		which := blank{name: "awards", label: "match.holds", hint: "match.holds.pick", kind: "picks", options: picks}
		second("match-release", false, which, reason)
		second("match-refuse", true, which, reason)
	}
	if d.rule != nil && (state == giving.EventOpen || state == giving.EventClosed && d.amounts.Reserved > 0) {
		acts = append(acts, act{name: matchCircle, needs: staff.CampaignWrite, blanks: []blank{{name: "counterparty", label: "match.circle.party", hint: "match.circle.party.hint", max: 80},
			{name: "email", label: "match.circle.email", max: 200}, {name: "since", label: "match.circle.since", kind: "day", value: ISODay(v.businessDay().AddDate(0, -6, 0))}}})
	}
	if paid := v.matchPoolOptions(d, func(p giving.PoolAmounts) int64 { return p.Reserved }); len(paid) > 0 && state != giving.EventDraft {
		second("match-settle", false, pool(paid), blank{name: "amount", label: "filter.amount", hint: "match.amount.all", kind: "amount", optional: true},
			blank{name: "bank", label: "subsidy.bank", kind: "select", options: v.bankOptions()}, blank{name: "ref", label: "bankline.ref", hint: "bankline.ref.hint", max: 100}, v.todayBlank("day", "bankline.day"))
	}
	if state == giving.EventOpen {
		alone(matchClose, true)
	}
	if state == giving.EventClosed {
		if d.event.Seed == nil {
			alone(matchReveal, false)
		}
		if left := v.matchPoolOptions(d, func(p giving.PoolAmounts) int64 { return p.Pledged }); len(left) > 0 {
			second("match-return", false, pool(left))
			second("match-roll", false, pool(left))
			if d.rule.Terms().Unspent == match.GiveAnyway {
				second("match-give", false)
			}
		}
		if d.amounts.Pledged+d.amounts.Reserved+d.amounts.Held == 0 {
			alone(matchEnd, false)
		}
	}
	if paid := v.matchPoolOptions(d, func(p giving.PoolAmounts) int64 { return p.Settled - p.Clawed }); len(paid) > 0 {
		campaigns, err := v.matchPaidCampaigns(q, d)
		if err != nil {
			return nil, err
		}
		causes := []Option{{Value: string(giving.Outside), Label: T(v.lang, "match.cause.outside")}, {Value: string(giving.OwnFault), Label: T(v.lang, "match.cause.own")}}
		second("match-claw-back", true, pool(paid), blank{name: "campaign", label: "gift.campaign", kind: "select", options: campaigns}, blank{name: "amount", label: "filter.amount", kind: "amount"},
			blank{name: "cause", label: "match.cause", kind: "select", options: causes}, reason)
	}
	return slices.DeleteFunc(acts, func(a act) bool { return !v.who.May(a.needs) }), nil
}

func (v *visit) matchPaidCampaigns(q pg.Querier, d *matchDesk) (options []Option, err error) {
	for _, c := range d.amounts.Campaigns {
		if paid := c.Settled - c.Clawed; paid > 0 {
			campaign, err := giving.CampaignByID(v.ctx(), q, v.book, c.CampaignID)
			if err != nil {
				return nil, err
			}
			options = append(options, Option{Value: strconv.Itoa(int(c.CampaignID)), Label: campaign.Title(string(v.lang)) + " · " + Amount(v.lang, v.amount(paid))})
		}
	}
	return options, nil
}

// matchHeldShown is how many held awards a page lists and a form offers.
const matchHeldShown = 100

// matchHeldOptions are held awards to choose from, each with its campaign, its amount and why it is held.
func (v *visit) matchHeldOptions(q pg.Querier, d *matchDesk) (options []Option, err error) {
	held, err := giving.Held(v.ctx(), q, v.book, d.event.ID, 0, matchHeldShown)
	if err != nil {
		return nil, err
	}
	titles := map[int32]string{}
	for _, a := range held {
		if titles[a.Campaign] == "" {
			c, err := giving.CampaignByID(v.ctx(), q, v.book, a.Campaign)
			if err != nil {
				return nil, err
			}
			titles[a.Campaign] = c.Title(string(v.lang))
		}
		options = append(options, Option{Value: strconv.FormatInt(a.Seq, 10), Label: "#" + strconv.FormatInt(a.Seq, 10) + " · " + titles[a.Campaign] + " · " + Amount(v.lang, v.amount(a.Left)),
			Hint: v.matchReasons(a.ReasonList())})
	}
	return options, nil
}

// decimal writes an amount as a request carries it.
func (v *visit) decimal(minor int64) string { return money.Format(minor, v.book.Currency) }
