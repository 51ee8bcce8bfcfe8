package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/staff"
)

// Addresses of calls and proposals on the desk.
const (
	callsPath     = "/console/calls"
	proposalsPath = "/console/proposals"
)

// call reads a call in this person's sight; one of another street is as one that is not there.
func (v *visit) call(q pg.Querier, id uuid.UUID) (*calls.Call, error) {
	c, err := calls.ByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if !v.who.MaySee(0, &c.StreetID) {
		return nil, giving.ErrNoRecord
	}
	return c, nil
}

func ofCall(plan func(v *visit, q pg.Querier, c *calls.Call, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		c, err := v.call(q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, c, in)
	}
}

// callStage names where a call stands, by the clock as well.
func (v *visit) callStage(c *calls.Call) string {
	switch {
	case c.State == calls.Open && v.now.Before(c.OpensAt):
		return "soon"
	case c.State == calls.Open && !v.now.Before(c.ClosesAt):
		return "review"
	case c.State == calls.Notice && !c.TakesObjections(v.now):
		return "award"
	}
	return c.State
}

func (v *visit) callState(c *calls.Call) cell {
	stage := v.callStage(c)
	return cell{Text: T(v.lang, "call.state."+stage), Tag: map[string]string{calls.Draft: "draft", "soon": "waiting", calls.Open: "good", "review": "waiting", calls.Notice: "attention", "award": "waiting", calls.Settled: "done", calls.Void: "reversed"}[stage]}
}

// callDays are the first and the last minute in which proposals are taken.
func (v *visit) callDays(c *calls.Call) string {
	return T(v.lang, "vote.when", When(v.lang, c.OpensAt, v.book.Zone), v.lastMinute(c.ClosesAt))
}

// lastMinute is the minute before an end: midnight would read as the day after.
func (v *visit) lastMinute(end time.Time) string {
	return When(v.lang, end.Add(-time.Minute), v.book.Zone)
}

// callList shows the calls of the streets in sight.
func (v *visit) callList() error {
	view := v.needDesk("call", callsPath)
	filter := calls.Filter{Drafts: true}
	filter.All, filter.Streets = v.who.Streets()
	var err error
	if filter.Text, err = view.search(v, "call.search"); err != nil {
		return err
	}
	if filter.State, err = view.choose(v, "state", "person.state", "call.state", calls.Draft, calls.Open, calls.Notice, calls.Settled, calls.Void); err != nil {
		return err
	}
	view.Grid.Heads = v.heads("need.number", "call.title", "person.state", "call.days", "#call.budget")
	if v.who.May(staff.NeedWrite) {
		view.Links = []Link{{T(v.lang, "act.call-enter"), callsPath + "/new"}}
		view.Empty.Action = &view.Links[0]
	}
	return showAll(v, &view, "calls", v.turned(), listed[calls.Call, int32]{calls.PageMax, func(before int32) ([]calls.Call, error) {
		filter.Before = before
		return calls.List(v.ctx(), v.db(), v.book, filter)
	}, func(c *calls.Call) int32 { return c.Number }, func(list []calls.Call) (rows [][]cell, err error) {
		for i := range list {
			c := &list[i]
			rows = append(rows, []cell{{Text: c.Name(), Href: callsPath + "/" + c.ID.String()}, textCell(c.Title), v.callState(c), {Text: v.callDays(c)}, v.sumCell(c.Budget)})
		}
		return rows, nil
	}})
}

// callTies are the tie-breaks that a form offers; what is handed in first decides at last.
var callTies = map[string][]string{"cost-people": {calls.LowerCost, calls.MorePeople}, "people-cost": {calls.MorePeople, calls.LowerCost}, "filed": {calls.FiledFirst}}

func tieName(ties []string) string {
	for name, list := range callTies {
		if strings.Join(list, " ") == strings.Join(ties, " ") {
			return name
		}
	}
	return "filed"
}

// callEnter drafts a call.
func (v *visit) callEnter() (act, error) {
	streets, err := v.streetOptions()
	if err != nil {
		return act{}, err
	}
	standings := v.choices("payee.standing", projects.Registered, projects.Filed, projects.Other)
	standings[0].Chosen, standings[1].Chosen = true, true
	return act{name: "call-enter", needs: staff.NeedWrite, to: callsPath + "/", blanks: []blank{
		{name: "standings", label: "call.standings", hint: "call.standings.hint", kind: "picks", options: standings},
		{name: "title", label: "call.title", max: 80}, {name: "about", label: "call.about", hint: "call.about.hint", kind: "area", max: 2000}, {name: "street", label: "subsidy.street", kind: "select", options: streets},
		{name: "due-opens", label: "call.opens", kind: "day"}, {name: "due-closes", label: "call.closes", hint: "poll.closes.hint", kind: "day"},
		{name: "each", label: "call.each", hint: "call.each.hint", kind: "amount", optional: true}, {name: "firm", label: "call.firm", kind: "number", value: "1"},
		{name: "credit", label: "call.credit", kind: "select", options: v.choices("call.credit", projects.Good, projects.Warned)},
		{name: "rating", label: "call.rating", hint: "call.rating.hint", kind: "number", optional: true}, {name: "renew", label: "call.renew", hint: "call.renew.hint", kind: "number", optional: true},
		{name: "bonus", label: "call.bonus", hint: "call.bonus.hint", kind: "number", optional: true}, {name: "reviews", label: "call.reviews", hint: "call.reviews.hint", kind: "number", value: "3"},
		{name: "pass", label: "call.pass", kind: "number", value: "60"}, {name: "ties", label: "poll.ties", kind: "select", options: v.choices("call.ties", "cost-people", "people-cost", "filed")},
		{name: "notice", label: "call.notice", kind: "number", value: "7"}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			c := calls.Call{ID: id, StreetID: int32(in.number("street")), Title: in["title"], About: in["about"], OpensAt: v.startOf(in.day("due-opens")), ClosesAt: v.startOf(in.day("due-closes").AddDate(0, 0, 1)),
				PerFirm: small(in.number("firm")), Standings: strings.Fields(in["standings"]), Credit: in["credit"], RatingLeast: 100 * int32(small(in.number("rating"))), RenewLeast: 100 * int32(small(in.number("renew"))),
				RenewPoints: int32(small(in.number("bonus"))), Reviews: small(in.number("reviews")), Pass: 100 * int32(small(in.number("pass"))), Ties: callTies[in["ties"]], NoticeDays: small(in.number("notice")), MadeBy: v.who.Person.ID}
			if in["each"] != "" {
				c.EachMost = in.sum("each", v.book)
			}
			return calls.Enter(v.ctx(), q, v.book, c)
		}}, nil
}

// small is a number of a form as a small one; what is larger is refused as too large.
func small(n int) int16 { return int16(min(n, 30_000)) }

func (v *visit) callForm() error { return v.callFormAgain(http.StatusOK, nil) }

func (v *visit) callFormAgain(status int, wrong Errors) error {
	enter, err := v.callEnter()
	if err != nil {
		return err
	}
	view := v.needRecord(T(v.lang, "act.call-enter"), callsPath, wrong, callsPath+"/new")
	view.Lead = T(v.lang, "call.new.lead")
	if err := v.offer(&view, callsPath, enter); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) callCreate() error {
	enter, err := v.callEnter()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, callsPath+"/new", v.callFormAgain, enter)
}

// callRules are what decides under a call, as its public page says it.
func (v *visit) callRules(c *calls.Call) []string {
	var standings []string
	for _, s := range c.Standings {
		standings = append(standings, T(v.lang, "payee.standing."+s))
	}
	rules := []string{T(v.lang, "call.rule.standing", strings.Join(standings, T(v.lang, "bar.comma"))), T(v.lang, "call.rule.credit."+c.Credit), T(v.lang, "call.rule.firm", int(c.PerFirm)),
		T(v.lang, "call.rule.most", v.amount(c.Most()))}
	if c.RatingLeast > 0 {
		rules = append(rules, T(v.lang, "call.rule.rating", v.points(c.RatingLeast, 1)))
	}
	if c.RenewPoints > 0 {
		rules = append(rules, T(v.lang, "call.rule.renew", v.points(c.RenewLeast, 1), int(c.RenewPoints)))
	}
	return append(rules, T(v.lang, "call.rule.reviews", int(c.Reviews)), T(v.lang, "call.rule.pass", v.points(c.Pass, 1)), T(v.lang, "call.rule.ties."+tieName(c.Ties)), T(v.lang, "call.rule.notice", int(c.NoticeDays)))
}

func (v *visit) callSources(c *calls.Call) (grid, error) {
	g := grid{Title: T(v.lang, "call.sources"), Empty: T(v.lang, "call.sources.none"), Heads: v.heads("call.payer", "contract.treatment", "vote.fund", "#filter.amount")}
	list, err := calls.Sources(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return g, err
	}
	funds, err := v.fundsByID(v.ctx(), v.s.DB)
	if err != nil {
		return g, err
	}
	for _, s := range list {
		g.Rows = append(g.Rows, []cell{textCell(s.Payer), {Text: T(v.lang, "contract.treatment."+s.Treatment)}, textCell(funds[s.FundID].Name(string(v.lang))), v.sumCell(s.Amount)})
	}
	return g, nil
}

func (v *visit) callCriteria(c *calls.Call) (grid, []calls.Criterion, error) {
	g := grid{Title: T(v.lang, "call.criteria"), Empty: T(v.lang, "call.criteria.none"), Heads: v.heads("call.criterion", "#call.points.most")}
	list, err := calls.Criteria(v.ctx(), v.s.DB, v.book, c.ID)
	for _, one := range list {
		g.Rows = append(g.Rows, []cell{textCell(one.Label), {Text: strconv.Itoa(int(one.Points))}})
	}
	return g, list, err
}

// proposalState says where a proposal stands.
func (v *visit) proposalState(p *calls.Proposal) cell {
	return cell{Text: T(v.lang, "proposal.state."+p.State), Tag: map[string]string{calls.Draft: "draft", calls.Filed: "waiting", calls.Eligible: "waiting", calls.Refused: "reversed", calls.Withdrawn: "reversed",
		calls.Chosen: "good", calls.Reserve: "held", calls.Awarded: "done", calls.Declined: "reversed"}[p.State]}
}

// callProposals are the proposals of a call on the desk; points are shown once the ranking is public.
func (v *visit) callProposals(c *calls.Call) (grid, error) {
	g := grid{Title: T(v.lang, "proposal.heading"), Empty: T(v.lang, "proposal.none"), Heads: v.heads("need.number", "call.title", "contract.payee", "person.state", "#filter.amount", "#call.scores", "#call.total", "#call.rank")}
	list, err := calls.Proposals(v.ctx(), v.s.DB, v.book, calls.Filter{All: true, Call: &c.ID, Limit: 500})
	if err != nil {
		return g, err
	}
	reviews, err := calls.Reviews(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return g, err
	}
	scores := map[uuid.UUID]int{}
	for _, r := range reviews {
		if r.Conflict == "" {
			scores[r.Proposal]++
		}
	}
	for i := range list {
		p := &list[i]
		row := []cell{{Text: p.Name(), Href: proposalsPath + "/" + p.ID.String()}, textCell(p.Title), textCell(p.Payee), v.proposalState(p), v.sumCell(p.Amount), {Text: fmt.Sprintf("%d / %d", scores[p.ID], c.Reviews)}, {}, {}}
		if p.Points != nil {
			row[6].Text, row[7].Text = v.points(*p.Points, 1), strconv.Itoa(int(*p.Rank))
		}
		g.Rows = append(g.Rows, row)
	}
	return g, nil
}

// callObjections are what was said against the ranking.
func (v *visit) callObjections(c *calls.Call) (grid, []calls.Objection, error) {
	g := grid{Title: T(v.lang, "call.objections"), Empty: T(v.lang, "call.objections.none"), Heads: v.heads("call.objection.at", "proposal.heading", "call.objection", "person.state", "need.answer")}
	list, err := calls.Objections(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return g, nil, err
	}
	about := map[uuid.UUID]string{}
	if slices.ContainsFunc(list, func(o calls.Objection) bool { return o.ProposalID != nil }) {
		proposals, err := calls.Proposals(v.ctx(), v.s.DB, v.book, calls.Filter{All: true, Call: &c.ID, Limit: 1000})
		if err != nil {
			return g, nil, err
		}
		for i := range proposals {
			about[proposals[i].ID] = proposals[i].Name() + " " + proposals[i].Title
		}
	}
	for _, o := range list {
		on := T(v.lang, "call.objection.all")
		if o.ProposalID != nil {
			on = about[*o.ProposalID]
		}
		g.Rows = append(g.Rows, []cell{dayCell(v.book.Day(o.FiledAt)), textCell(on), textCell(o.Text), {Text: T(v.lang, "call.objection."+o.State), Tag: map[string]string{calls.ObjectionOpen: "attention", calls.Rejected: "done", calls.Upheld: "waiting"}[o.State]}, textCell(o.Answer)})
	}
	return g, list, nil
}

// callShow is a call as a task: what is fixed, what came in, what was found, and the next step.
func (v *visit) callShow() error { return v.callAgain(http.StatusOK, nil) }

func (v *visit) callAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	c, err := v.call(v.s.DB, id)
	if err != nil {
		return err
	}
	here := callsPath + "/" + id.String()
	view := v.needRecord(c.Name()+" "+c.Title, callsPath, wrong, here)
	state := v.callState(c)
	view.Status, view.State, view.Story, view.Lead = state.Tag, state.Text, c.About, T(v.lang, "call.next."+v.callStage(c))
	streets, err := v.streets()
	if err != nil {
		return err
	}
	view.Facts = []Fact{v.fact("subsidy.street", streets[c.StreetID]), v.fact("call.days", v.callDays(c)), v.sumFact("call.budget", c.Budget)}
	for i, rule := range v.callRules(c) {
		view.Facts = append(view.Facts, v.fact("call.rule", strconv.Itoa(i+1)+". "+rule))
	}
	if c.NoticeUntil != nil {
		view.Facts = append(view.Facts, v.fact("call.notice.until", v.lastMinute(*c.NoticeUntil)))
	}
	reviewers, err := v.callReviewers(c)
	if err != nil {
		return err
	}
	view.Facts = append(view.Facts, v.fact("call.reviewers", reviewers))
	if c.Shown() {
		view.Links = []Link{{T(v.lang, "need.public"), callHref(c)}}
	}
	sources, err := v.callSources(c)
	if err != nil {
		return err
	}
	criteria, _, err := v.callCriteria(c)
	if err != nil {
		return err
	}
	view.Grids = []grid{sources, criteria}
	if c.State != calls.Draft {
		list, err := v.callProposals(c)
		if err != nil {
			return err
		}
		view.Grids = append([]grid{list}, view.Grids...)
	}
	objections, said, err := v.callObjections(c)
	if err != nil {
		return err
	}
	if len(said) > 0 || c.NoticeFrom != nil {
		view.Grids = append(view.Grids, objections)
	}
	acts, err := v.callActs(c)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	return v.showRecord(view, c.Object(), status)
}

func (v *visit) callReviewers(c *calls.Call) (string, error) {
	ids, err := calls.Reviewers(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return "", err
	}
	names := newNames(v)
	var list []string
	for _, id := range ids {
		name, err := names.of(id)
		if err != nil {
			return "", err
		}
		list = append(list, name)
	}
	if len(list) == 0 {
		return T(v.lang, "call.reviewers.none"), nil
	}
	return strings.Join(list, T(v.lang, "bar.comma")), nil
}

func (v *visit) callStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	c, err := v.call(v.s.DB, id)
	if err != nil {
		return err
	}
	acts, err := v.callActs(c)
	if err != nil {
		return err
	}
	return v.perform(id, callsPath+"/"+id.String(), v.callAgain, acts...)
}

// callFunds are the funds whose money a call of a street may spend.
func (v *visit) callFunds(street int32) ([]Option, error) {
	s, err := v.sight()
	if err != nil {
		return nil, err
	}
	options := []Option{{Label: T(v.lang, "offline.choose")}}
	for _, f := range s.funds {
		if (f.StreetID == nil || *f.StreetID == street) && f.Kind != ledger.Endowment {
			options = append(options, Option{Value: strconv.Itoa(int(f.ID)), Label: f.Code + " " + f.Name(string(v.lang))})
		}
	}
	return options, nil
}
