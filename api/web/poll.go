package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/votes"
	"sunfund/ledger/staff"
)

// pollsPath is where votes of residents are prepared and counted.
const pollsPath = "/console/votes"

// whyBlank asks for the reason of a step that has no day of its own.
func whyBlank() blank { return blank{name: "reason", label: "offline.reason", kind: "area"} }

// poll reads a vote in this person's sight; one of another street is as one that is not there.
func (v *visit) poll(q pg.Querier, id uuid.UUID) (*polls.Poll, error) {
	p, err := polls.ByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if all, streets := v.who.Streets(); !all && !slices.Contains(streets, p.StreetID) {
		return nil, polls.ErrNoPoll
	}
	return p, nil
}

func (v *visit) ofPoll(plan func(v *visit, q pg.Querier, p *polls.Poll, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		p, err := v.poll(q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, p, in)
	}
}

func (v *visit) pollList() error { return v.pollsAgain(http.StatusOK, nil) }

func (v *visit) pollsAgain(status int, wrong Errors) error {
	view := recordView{Page: v.consolePage(T(v.lang, "place.polls"), pollsPath), Heading: T(v.lang, "place.polls"), Lead: T(v.lang, "poll.lead")}
	view.Errors, view.Path = wrong, pollsPath
	before, _ := cursorID(v.QueryParam("before"))
	filter := polls.Filter{Drafts: true, Before: before}
	filter.All, filter.Streets = v.who.Streets()
	list, err := polls.List(v.ctx(), v.s.DB, v.book, filter)
	if err != nil {
		return err
	}
	if len(list) > polls.ListMax {
		list = list[:polls.ListMax]
		view.Links = []Link{{T(v.lang, "pager.next"), v.with("before", strconv.Itoa(int(list[len(list)-1].Number)))}}
	}
	g := grid{Title: T(v.lang, "poll.list"), Empty: T(v.lang, "poll.none"), Heads: v.heads("poll.number", "poll.title", "vote.state", "vote.days", "#vote.budget")}
	for i := range list {
		p := &list[i]
		g.Rows = append(g.Rows, []cell{{Text: p.Name(), Href: pollsPath + "/" + p.ID.String()}, textCell(p.Title(string(v.lang))), v.pollState(p), {Text: v.pollWhen(p)}, v.sumCell(p.Budget)})
	}
	acts, required, err := v.pollActsOfList()
	if err != nil {
		return err
	}
	view.Grids = []grid{g, required}
	if err := v.offer(&view, pollsPath, acts...); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// pollActsOfList are the drafting of a vote and the setting of funds, with the funds that are spent by vote.
func (v *visit) pollActsOfList() (acts []act, required grid, err error) {
	s, err := v.sight()
	if err != nil {
		return nil, required, err
	}
	required = grid{Title: T(v.lang, "poll.required"), Empty: T(v.lang, "poll.required.none"), Heads: v.heads("fund.code", "vote.fund")}
	for i := range s.funds {
		voted, err := polls.Required(v.ctx(), v.s.DB, v.book, s.funds[i].ID)
		if err != nil {
			return nil, required, err
		}
		if voted {
			required.Rows = append(required.Rows, []cell{{Text: s.funds[i].Code, Href: "/console/funds/" + strconv.Itoa(int(s.funds[i].ID))}, textCell(s.funds[i].Name(string(v.lang)))})
		}
	}
	enter, err := v.pollEnter(s)
	var funds []Option
	for i := range s.funds {
		if f := &s.funds[i]; f.Kind != ledger.Agency && f.Kind != ledger.General {
			funds = append(funds, v.fundOption(f))
		}
	}
	return append([]act{enter}, v.fundVoteSeconds(funds)...), required, err
}

// fundVoteSeconds set and lift that a fund is spent by vote only.
func (v *visit) fundVoteSeconds(funds []Option) []act {
	set := func(name string, voted bool) act {
		return act{name: name, needs: staff.VoteSettle, second: staff.PollKind, blanks: []blank{{name: "fund", label: "vote.fund", thing: "fund", kind: "select", options: funds}, whyBlank()},
			plan: func(v *visit, _ pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
				return polls.Require(v.book, int32(in.number("fund")), voted, in["reason"])
			}}
	}
	return []act{set("vote-require", true), set("vote-release", false)}
}

// methods are the ways of counting that a form offers: method and completion.
var methods = map[string][2]string{"greedy": {votes.Greedy, ""}, "shares-raise": {votes.EqualShares, votes.Raise}, "shares-fill": {votes.EqualShares, votes.Fill}, "shares": {votes.EqualShares, votes.NoMore}}

// tieRules are the tie-breaks that a form offers; the published order comes last in any case.
var tieRules = map[string][]string{"cost-votes": {votes.LowerCost, votes.MoreVotes}, "votes-cost": {votes.MoreVotes, votes.LowerCost}, "order": {}}

// pollEnter drafts a vote.
func (v *visit) pollEnter(s *sight) (act, error) {
	var funds, communities []Option
	for i := range s.funds {
		if f := &s.funds[i]; f.StreetID != nil && f.Kind != ledger.Agency {
			funds = append(funds, Option{Value: strconv.Itoa(int(f.ID)), Label: f.Code + " " + f.Name(string(v.lang))})
		}
	}
	list, err := v.communities()
	if err != nil {
		return act{}, err
	}
	for i := range list {
		communities = append(communities, Option{Value: strconv.Itoa(int(list[i].ID)), Label: list[i].Name(string(v.lang))})
	}
	choices := func(family string, names ...string) (options []Option) {
		for _, name := range names {
			options = append(options, Option{Value: name, Label: T(v.lang, family+"."+name)})
		}
		return options
	}
	return act{name: "poll-enter", needs: staff.VoteWrite, to: pollsPath + "/", blanks: []blank{
		{name: "communities", label: "poll.communities", hint: "poll.communities.hint", kind: "picks", options: communities},
		{name: "zh", label: "poll.title.zh", max: 80}, {name: "en", label: "poll.title.en", max: 80}, {name: "fund", label: "vote.fund", thing: "fund", kind: "select", options: funds},
		{name: "budget", label: "vote.budget", kind: "amount"}, {name: "due-opens", label: "poll.opens", kind: "day"}, {name: "due-closes", label: "poll.closes", hint: "poll.closes.hint", kind: "day"},
		{name: "paper", label: "vote.paper-at", hint: "poll.paper.hint", optional: true},
		{name: "ballot", label: "poll.ballot", kind: "select", options: choices("poll.ballot", votes.Approval, votes.Points, votes.Basket)},
		{name: "least", label: "poll.least", kind: "number", value: "1"}, {name: "most", label: "poll.most", hint: "poll.most.hint", kind: "number", optional: true},
		{name: "points", label: "poll.points", hint: "poll.points.hint", kind: "number", optional: true}, {name: "each", label: "poll.each", hint: "poll.points.hint", kind: "number", optional: true},
		{name: "method", label: "poll.method", hint: "poll.method.hint", kind: "select", options: choices("poll.method", "greedy", "shares-raise", "shares-fill", "shares")},
		{name: "step", label: "poll.step", hint: "poll.step.hint", kind: "amount", optional: true},
		{name: "ties", label: "poll.ties", kind: "select", options: choices("poll.ties", "cost-votes", "votes-cost", "order")},
	}, plan: (*visit).planPoll}, nil
}

func (v *visit) planPoll(q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
	s, err := v.sight()
	if err != nil {
		return nil, err
	}
	method := methods[in["method"]]
	p := polls.Poll{ID: id, FundID: int32(in.number("fund")), TitleZH: in["zh"], TitleEN: in["en"], PaperAt: in["paper"], Budget: in.sum("budget", v.book), MadeBy: v.who.Person.ID,
		Rule: votes.Rule{Ballot: in["ballot"], Least: in.number("least"), Most: in.number("most"), Points: in.number("points"), PointsEach: in.number("each"), Method: method[0], Completion: method[1],
			Ties: tieRules[in["ties"]]}}
	if p.Rule.Completion == votes.Raise {
		if p.Rule.Step = in.sum("step", v.book); p.Rule.Step == 0 {
			p.Rule.Step, _ = money.Parse("1", v.book.Currency)
		}
	}
	if fund := s.fund(p.FundID); fund != nil && fund.StreetID != nil {
		p.StreetID = *fund.StreetID
	} else {
		p.FundID = 0 // refused as a fund that is not there
	}
	for _, text := range strings.Fields(in["communities"]) {
		c, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return nil, residents.ErrNoCommunity
		}
		p.Communities = append(p.Communities, int32(c))
	}
	opens, closes := in.day("due-opens"), in.day("due-closes")
	p.OpensAt = v.startOf(opens)
	p.ClosesAt = v.startOf(closes.AddDate(0, 0, 1))
	return polls.Enter(v.ctx(), q, v.book, p)
}

// pollCreate drafts a vote, or asks to set a fund.
func (v *visit) pollCreate() error {
	acts, _, err := v.pollActsOfList()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, pollsPath, v.pollsAgain, acts...)
}
