package web

import (
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

func shortHash(hash []byte) string { return hex.EncodeToString(hash)[:16] + "…" }

// matchShow shows an event with its amounts, its rule, what is held and the steps that may follow.
func (v *visit) matchShow() error { return v.matchAgain(http.StatusOK, nil) }

func (v *visit) matchAgain(status int, wrong Errors) error {
	var view recordView
	err := v.read(func(q pg.Querier) (err error) {
		d, err := v.matchDesk(q)
		if err != nil {
			return err
		}
		view, err = v.matchView(q, d, wrong)
		return err
	})
	if err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) matchView(q pg.Querier, d *matchDesk, wrong Errors) (recordView, error) {
	name := d.event.Name(string(v.lang))
	view := recordView{Page: v.consolePage(name, matchPath), Heading: name, Lead: v.matchNext(d)}
	view.Errors, view.Path = wrong, d.at()
	view.Figure = v.asOf(0)
	state := v.matchState(d.event.State)
	view.Status, view.State = state.Tag, state.Text
	view.Facts = v.matchFacts(d)
	if v.who.May(staff.CampaignWrite) && (d.event.State == giving.EventDraft || d.event.State == giving.EventOpen) {
		view.Links = append(view.Links, Link{T(v.lang, "match.build"), d.at() + "/rule"})
	}
	if d.rule != nil {
		view.Links = append(view.Links, Link{T(v.lang, "match.public"), matchPublicPath + "/" + d.event.Code}, Link{T(v.lang, "match.day"), "/days/" + d.event.Code}, Link{T(v.lang, "match.refresh"), d.at()})
	}
	if d.event.State != giving.EventDraft {
		hours, err := v.dayHours(q, d.event, d.rule, d.amounts, d.at())
		if err != nil {
			return view, err
		}
		view.Charts, view.Links = hours.Charts, append(view.Links, hours.Links...)
	}
	campaigns, err := v.matchCampaigns(q, d)
	if err != nil {
		return view, err
	}
	holds, err := v.matchHolds(q, d)
	if err != nil {
		return view, err
	}
	payments, err := v.matchPayments(q, d)
	if err != nil {
		return view, err
	}
	requests, err := v.matchRequests(q, d)
	if err != nil {
		return view, err
	}
	view.Grids = []grid{v.matchPools(d), requests, campaigns, holds, payments, v.matchVersions(d, matchPublicPath+"/"+d.event.Code)}
	if d.rule != nil {
		words, err := v.matchWords(q, d.rule, v.lang, v.otherLang())
		if err != nil {
			return view, err
		}
		view.Grids = append(view.Grids, words...)
	}
	acts, err := v.matchActs(q, d)
	if err != nil {
		return view, err
	}
	return view, v.offer(&view, d.at(), acts...)
}

// matchListed is how many payments and requests the page of an event lists.
const matchListed = 50

// matchPayments lists what was paid, clawed back and returned, newest first, with the bank's number and who signed.
func (v *visit) matchPayments(q pg.Querier, d *matchDesk) (grid, error) {
	g := grid{Title: T(v.lang, "match.payments"), Empty: T(v.lang, "match.payments.none"),
		Heads: v.heads("match.payment.day", "match.payment.kind", "match.pool", "#filter.amount", "#match.payment.campaigns", "bankline.ref", "match.payment.signed")}
	list, err := giving.PaidMatches(v.ctx(), q, v.book, d.event.ID, uuid.Max, matchListed)
	if err != nil {
		return g, err
	}
	who := newNames(v)
	for _, p := range list {
		by, err := who.of(p.By)
		if err != nil {
			return g, err
		}
		second, err := who.of(p.Second)
		if err != nil {
			return g, err
		}
		g.Rows = append(g.Rows, []cell{{Text: Day(v.lang, p.Day)}, {Text: T(v.lang, "match.paid."+p.Kind)}, textCell(d.funder(v.lang, p.Pool) + " (" + p.Pool + ")"), v.sumCell(p.Amount),
			{Text: strconv.Itoa(p.Campaigns)}, textCell(p.BankRef), textCell(by + " · " + second)})
	}
	return g, nil
}

// matchRequests lists what waits for a second person.
func (v *visit) matchRequests(q pg.Querier, d *matchDesk) (grid, error) {
	g := grid{Title: T(v.lang, "match.requests"), Empty: T(v.lang, "match.requests.none"), Heads: v.heads("approval.summary", "#filter.amount", "match.request.by", "approval.made")}
	list, err := staff.About(v.ctx(), q, v.who, staff.MatchKind, matchPayee(d.event.Code), matchListed)
	if err != nil {
		return g, err
	}
	who := newNames(v)
	for _, a := range list {
		by, err := who.of(a.MadeBy)
		if err != nil {
			return g, err
		}
		about := textCell(a.Summary)
		if a.Visible(v.who) {
			about.Href = approvalPath(a)
		}
		g.Rows = append(g.Rows, []cell{about, v.sumCell(a.Amount), textCell(by), {Text: When(v.lang, a.MadeAt, v.book.Zone)}})
	}
	return g, nil
}

// matchPayee is whom requests about an event name.
func matchPayee(code string) string { return "match:" + code }

// matchFacts are what stands about an event apart from its amounts.
func (v *visit) matchFacts(d *matchDesk) []Fact {
	facts := []Fact{v.fact("match.window", v.matchWindow(d.rule)), v.fact("match.commitment", d.event.Commitment)}
	if d.event.Seed != nil {
		facts = append(facts, v.fact("match.seed", *d.event.Seed))
	} else {
		facts = append(facts, v.fact("match.seed", T(v.lang, "match.seed.later")))
	}
	if len(d.versions) > 0 {
		facts = append(facts, v.fact("match.hash", hex.EncodeToString(d.versions[0].Hash)))
	}
	if d.event.StoppedAt != nil {
		facts = append(facts, v.fact("match.stopped", d.event.StoppedWhy))
	}
	facts = append(facts, v.fact("match.decided", Count(d.amounts.Decided)))
	if d.event.State == giving.EventOpen {
		facts = append(facts, v.fact("match.rate", T(v.lang, "match.rate.minute", int(d.rate.Gifts), v.amount(d.rate.Match))))
	}
	if d.event.State != giving.EventDraft {
		errors := T(v.lang, "match.errors.none")
		if d.rate.Missed > 0 {
			errors = T(v.lang, "match.errors.missed", int(d.rate.Missed))
		}
		facts = append(facts, v.fact("match.errors", errors))
	}
	if d.event.OpenedAt != nil {
		facts = append(facts, v.fact("match.opened", When(v.lang, *d.event.OpenedAt, v.book.Zone)))
	}
	if d.event.ClosedAt != nil {
		facts = append(facts, v.fact("match.closed", When(v.lang, *d.event.ClosedAt, v.book.Zone)))
	}
	return facts
}

// matchHolds lists what is earned and being looked at, the first of it; how many there are is told above.
func (v *visit) matchHolds(q pg.Querier, d *matchDesk) (grid, error) {
	g := grid{Title: T(v.lang, "match.holds.count", int(d.amounts.HeldAwards), int(d.amounts.HeldDonors)), Empty: T(v.lang, "match.holds.none"),
		Heads: v.heads("match.award", "gift.campaign", "match.donor", "#filter.amount", "match.why")}
	if d.amounts.HeldAwards == 0 {
		g.Title = T(v.lang, "match.holds")
		return g, nil
	}
	held, err := giving.Held(v.ctx(), q, v.book, d.event.ID, 0, matchHeldShown)
	if err != nil {
		return g, err
	}
	titles := map[int32]string{}
	for _, a := range held {
		if titles[a.Campaign] == "" {
			c, err := giving.CampaignByID(v.ctx(), q, v.book, a.Campaign)
			if err != nil {
				return g, err
			}
			titles[a.Campaign] = c.Title(string(v.lang))
		}
		g.Rows = append(g.Rows, []cell{{Text: "#" + strconv.FormatInt(a.Seq, 10)}, textCell(titles[a.Campaign]), {Text: a.Donor}, v.sumCell(a.Left), {Text: v.matchReasons(a.ReasonList())}})
	}
	return g, nil
}
