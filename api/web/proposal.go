package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/staff"
)

// proposal reads a proposal in this person's sight: of her streets, or of the organisation she signs in for.
func (v *visit) proposal(q pg.Querier, id uuid.UUID) (*calls.Proposal, error) {
	p, err := calls.ProposalByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if !v.who.MaySee(0, &p.StreetID) {
		return nil, giving.ErrNoRecord
	}
	return p, nil
}

// proposalList shows the proposals of the streets in sight.
func (v *visit) proposalList() error {
	view := v.needDesk("proposal", proposalsPath)
	filter := calls.Filter{}
	filter.All, filter.Streets = v.who.Streets()
	var err error
	if filter.Text, err = view.search(v, "proposal.search"); err != nil {
		return err
	}
	if filter.State, err = view.choose(v, "state", "person.state", "proposal.state", calls.Draft, calls.Filed, calls.Eligible, calls.Chosen, calls.Reserve, calls.Awarded, calls.Refused, calls.Declined, calls.Withdrawn); err != nil {
		return err
	}
	view.Grid.Heads = v.proposalHeads()
	return showAll(v, &view, "proposals", v.turned(), listed[calls.Proposal, int32]{calls.PageMax, func(before int32) ([]calls.Proposal, error) {
		filter.Before = before
		return calls.Proposals(v.ctx(), v.db(), v.book, filter)
	}, func(p *calls.Proposal) int32 { return p.Number }, func(list []calls.Proposal) ([][]cell, error) { return v.proposalRows(list, proposalsPath), nil }})
}

func (v *visit) proposalHeads() []head {
	return v.heads("need.number", "call.title", "contract.payee", "person.state", "#filter.amount", "#call.total", "#call.rank")
}

func (v *visit) proposalRows(list []calls.Proposal, path string) (rows [][]cell) {
	for i := range list {
		p := &list[i]
		row := []cell{{Text: p.Name(), Href: path + "/" + p.ID.String()}, textCell(p.Title), textCell(p.Payee), v.proposalState(p), v.sumCell(p.Amount), {Text: "—"}, {Text: rankWords(p.Rank)}}
		if p.Points != nil {
			row[5].Text = v.points(*p.Points, 1)
		}
		rows = append(rows, row)
	}
	return rows
}

// proposalBlanks are the fields of a proposal beside its organisation.
func (v *visit) proposalBlanks(c *calls.Call) ([]blank, error) {
	list, err := needs.Find(v.ctx(), v.s.DB, v.book, needs.Filter{Streets: []int32{c.StreetID}, Books: []string{needs.Need, needs.Idea}, State: needs.Listed, Limit: 200})
	if err != nil {
		return nil, err
	}
	wanted := []Option{{Label: T(v.lang, "proposal.need.none")}}
	for i := range list {
		wanted = append(wanted, Option{Value: list[i].ID.String(), Label: list[i].Name() + " " + list[i].Title})
	}
	return []blank{{name: "title", label: "call.title", max: 80}, {name: "plan", label: "project.plan", hint: "project.plan.hint", kind: "area", max: 2000},
		{name: "need", label: "proposal.need", hint: "proposal.need.hint", kind: "select", options: wanted, optional: true}, {name: "place", label: "need.where", max: 100, optional: true},
		{name: "people", label: "project.people", kind: "number", optional: true}, {name: "due-starts", label: "project.starts", kind: "day"}, {name: "due-ends", label: "project.ends", kind: "day"}}, nil
}

// reads is how a proposal is read for a step: by staff in their streets, or by its own organisation.
type reads func(v *visit, q pg.Querier, id uuid.UUID) (*calls.Proposal, error)

func (r reads) of(plan func(v *visit, q pg.Querier, p *calls.Proposal, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		p, err := r(v, q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, p, in)
	}
}

// proposalDrafting are the steps with a proposal before it is ranked that its organisation takes itself, or staff for it.
func (v *visit) proposalDrafting(p *calls.Proposal, read reads, needs staff.Permission) (acts []act, err error) {
	withdraw := act{name: "proposal-withdraw", needs: needs, danger: true, blanks: []blank{whyBlank()}, plan: read.of(func(v *visit, _ pg.Querier, p *calls.Proposal, in inputs) (*giving.Move, error) {
		return calls.Withdraw(v.book, p, in["reason"])
	})}
	if p.State == calls.Draft {
		items, err := calls.Items(v.ctx(), v.s.DB, v.book, p.ID)
		if err != nil {
			return nil, err
		}
		acts = append(acts, act{name: "proposal-item", needs: needs, blanks: []blank{{name: "label", label: "project.item", hint: "proposal.item.hint", max: 100}, {name: "amount", label: "filter.amount", kind: "amount"}},
			plan: read.of(func(v *visit, q pg.Querier, p *calls.Proposal, in inputs) (*giving.Move, error) {
				return calls.AddItem(v.ctx(), q, v.book, p, in["label"], in.sum("amount", v.book), v.now)
			})})
		if len(items) > 0 {
			acts = append(acts, act{name: "proposal-file", needs: needs, plan: read.of(func(v *visit, q pg.Querier, p *calls.Proposal, _ inputs) (*giving.Move, error) {
				return calls.File(v.ctx(), q, v.book, p, v.now)
			})}, act{name: "proposal-item-off", needs: needs, danger: true, blanks: []blank{{name: "item", label: "project.item", kind: "select", options: v.itemOptions(items)}},
				plan: read.of(func(v *visit, q pg.Querier, p *calls.Proposal, in inputs) (*giving.Move, error) {
					return calls.DropItem(v.ctx(), q, v.book, p, int16(in.number("item")))
				})})
		}
	}
	if p.State == calls.Draft || p.State == calls.Filed || p.State == calls.Eligible {
		acts = append(acts, withdraw)
	}
	return acts, nil
}

// proposalSeconds are the steps with a proposal that a second person approves; uses are the purposes that they offer.
func (v *visit) proposalSeconds(uses []Option) []act {
	return []act{{name: "proposal-award", needs: staff.ProjectWrite, second: staff.ContractKind, blanks: []blank{v.todayBlank("day", "voucher.day"), {name: "use", label: "project.use", thing: "purpose", hint: "project.use.hint", kind: "select", options: uses, optional: true}},
		plan: reads((*visit).proposal).of(func(v *visit, q pg.Querier, p *calls.Proposal, in inputs) (*giving.Move, error) {
			return calls.Award(v.ctx(), q, v.book, p, in["use"], in.day("day"), v.now)
		})}}
}

// proposalActs are the steps that may follow, the likeliest first.
func (v *visit) proposalActs(p *calls.Proposal, c *calls.Call) ([]act, error) {
	read := reads((*visit).proposal)
	refuse := act{name: "proposal-refuse", needs: staff.NeedWrite, danger: true, blanks: []blank{{name: "reason", label: "offline.reason", kind: "area", max: 400}}, plan: read.of(func(v *visit, _ pg.Querier, p *calls.Proposal, in inputs) (*giving.Move, error) {
		return calls.Refuse(v.book, p, in["reason"])
	})}
	decline := act{name: "proposal-decline", needs: staff.NeedWrite, danger: true, blanks: []blank{whyBlank()}, plan: read.of(func(v *visit, _ pg.Querier, p *calls.Proposal, in inputs) (*giving.Move, error) {
		return calls.Decline(v.book, p, in["reason"])
	})}
	acts, err := v.proposalDrafting(p, read, staff.NeedWrite)
	if err != nil {
		return nil, err
	}
	uses, err := v.useOptions()
	if err != nil {
		return nil, err
	}
	switch p.State {
	case calls.Filed:
		acts = append([]act{{name: "proposal-check", needs: staff.NeedWrite, plan: read.of(func(v *visit, q pg.Querier, p *calls.Proposal, _ inputs) (*giving.Move, error) {
			return calls.Examine(v.ctx(), q, v.book, p)
		})}, refuse}, acts...)
	case calls.Eligible:
		if c == nil {
			return append(v.proposalSeconds(uses), decline), nil
		}
		review, err := v.reviewActs(c)
		if err != nil {
			return nil, err
		}
		acts = append(append(review, refuse), acts...)
	case calls.Chosen:
		acts = append(v.proposalSeconds(uses), decline)
	case calls.Reserve:
		acts = []act{{name: "proposal-promote", needs: staff.NeedWrite, plan: read.of(func(v *visit, q pg.Querier, p *calls.Proposal, _ inputs) (*giving.Move, error) {
			c, err := calls.ByID(v.ctx(), q, v.book, *p.CallID)
			if err != nil {
				return nil, err
			}
			return calls.Promote(v.ctx(), q, v.book, c, p, v.now)
		})}, decline}
		if p.PollID != nil {
			acts = append(v.proposalSeconds(uses), acts...)
		}
	}
	return acts, nil
}

// reviewActs are a reviewer's two: points, or a conflict declared.
func (v *visit) reviewActs(c *calls.Call) ([]act, error) {
	criteria, err := calls.Criteria(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return nil, err
	}
	score := act{name: "review-score", needs: staff.ProjectAssess}
	for _, one := range criteria {
		score.blanks = append(score.blanks, blank{name: fmt.Sprintf("points-%d", one.Position), label: "call.points", of: fmt.Sprintf("%s (0–%d)", one.Label, one.Points), kind: "number"})
	}
	score.blanks = append(score.blanks, blank{name: "note", label: "call.note", hint: "call.note.hint", kind: "area", max: 400})
	read := reads((*visit).proposal)
	score.plan = read.of(func(v *visit, q pg.Querier, p *calls.Proposal, in inputs) (*giving.Move, error) {
		r := calls.Review{Person: v.who.Person.ID, Note: in["note"]}
		for _, one := range criteria {
			r.Points = append(r.Points, int32(in.number(fmt.Sprintf("points-%d", one.Position))))
		}
		return calls.Score(v.ctx(), q, v.book, p, r, v.now)
	})
	return []act{score, {name: "review-conflict", needs: staff.ProjectAssess, danger: true, blanks: []blank{{name: "conflict", label: "call.conflict", hint: "call.conflict.hint", kind: "area"}},
		plan: read.of(func(v *visit, q pg.Querier, p *calls.Proposal, in inputs) (*giving.Move, error) {
			return calls.Abstain(v.ctx(), q, v.book, p, v.who.Person.ID, in["conflict"], v.now)
		})}}, nil
}

// proposalShow is a proposal with its budget, the rules it was held to, and what reviewers said.
func (v *visit) proposalShow() error { return v.proposalAgain(http.StatusOK, nil) }

func (v *visit) proposalAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.proposal(v.s.DB, id)
	if err != nil {
		return err
	}
	here := proposalsPath + "/" + id.String()
	view := v.needRecord(p.Name()+" "+p.Title, proposalsPath, wrong, here)
	c, err := v.proposalFill(&view, p)
	if err != nil {
		return err
	}
	view.Facts[0].Href = payeesPath + "/" + p.PayeeID.String()
	if c != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "call.call"), Value: c.Name() + " " + c.Title, Href: callsPath + "/" + c.ID.String()})
		reviews, err := v.proposalReviews(p, c)
		if err != nil {
			return err
		}
		view.Grids = append(view.Grids, reviews)
		shares, err := v.proposalShares(p, c)
		if err != nil {
			return err
		}
		view.Grids = append(view.Grids, shares...)
	}
	if err := v.proposalLinks(&view, p); err != nil {
		return err
	}
	acts, err := v.proposalActs(p, c)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	return v.showRecord(view, p.Object(), status)
}

// proposalFill is what staff and the organisation itself see of a proposal.
func (v *visit) proposalFill(view *recordView, p *calls.Proposal) (c *calls.Call, err error) {
	state := v.proposalState(p)
	view.Status, view.State, view.Story, view.Lead = state.Tag, state.Text, p.Plan, T(v.lang, "proposal.next."+p.State)
	view.Facts = []Fact{v.fact("contract.payee", p.Payee), v.sumFact("project.budget", p.Amount), v.fact("project.days", ISODay(p.StartsOn)+" – "+ISODay(p.EndsOn)), v.fact("project.people", Count(int64(p.People)))}
	if p.NeedID != nil {
		need, err := needs.ByID(v.ctx(), v.s.DB, v.book, *p.NeedID)
		if err != nil {
			return nil, err
		}
		answers := v.fact("proposal.need", need.Name()+" "+need.Title)
		if need.Shown() {
			answers.Href = needHref(need)
		}
		view.Facts = append(view.Facts, answers)
	}
	if p.Place != "" {
		view.Facts = append(view.Facts, v.fact("need.where", p.Place))
	}
	if p.Verdict != "" {
		view.Facts = append(view.Facts, v.fact("offline.reason", p.Verdict))
	}
	if p.Points != nil {
		view.Facts = append(view.Facts, v.fact("call.total", v.points(*p.Points, 1)), v.fact("call.rank", rankWords(p.Rank)))
	}
	items, err := calls.Items(v.ctx(), v.s.DB, v.book, p.ID)
	if err != nil {
		return nil, err
	}
	budget := grid{Title: T(v.lang, "project.items"), Empty: T(v.lang, "project.items.none"), Heads: v.heads("project.item", "#filter.amount")}
	for _, item := range items {
		budget.Rows = append(budget.Rows, []cell{textCell(item.Label), v.sumCell(item.Amount)})
	}
	if p.CallID != nil {
		if c, err = calls.ByID(v.ctx(), v.s.DB, v.book, *p.CallID); err != nil {
			return nil, err
		}
	}
	checks, err := v.proposalChecks(p, c)
	view.Grids = []grid{budget, checks}
	return c, err
}

// proposalChecks are the rules of eligibility: as they were found, or before the check as they stand now.
func (v *visit) proposalChecks(p *calls.Proposal, c *calls.Call) (grid, error) {
	g := grid{Title: T(v.lang, "call.eligibility"), Heads: v.heads("call.rule", "call.wants", "call.is", "person.state")}
	list := p.Checks
	if len(list) == 0 {
		payee, err := projects.PayeeByID(v.ctx(), v.s.DB, v.book, p.PayeeID)
		if err != nil {
			return g, err
		}
		if list, err = calls.Eligibility(v.ctx(), v.s.DB, v.book, c, payee, p.Amount); err != nil {
			return g, err
		}
	}
	for _, one := range list {
		result := cell{Text: T(v.lang, "call.ok"), Tag: "good"}
		if !one.OK {
			result = cell{Text: T(v.lang, "call.broken"), Tag: "broken"}
		}
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "call.check."+one.Rule)}, {Text: v.checkWords(one.Rule, one.Wants)}, {Text: v.checkWords(one.Rule, one.Is)}, result})
	}
	return g, nil
}

// checkWords says what a rule asks for, or what is.
func (v *visit) checkWords(rule, value string) string {
	switch rule {
	case calls.RuleStanding:
		var words []string
		for _, s := range strings.Fields(value) {
			words = append(words, T(v.lang, "payee.standing."+s))
		}
		return strings.Join(words, T(v.lang, "bar.comma"))
	case calls.RuleCredit:
		return T(v.lang, "payee.credit."+value)
	case calls.RuleRating:
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil {
			return T(v.lang, "call.rating.none")
		}
		return v.points(int32(n), 1)
	}
	minor, err := money.Parse(value, v.book.Currency)
	if err != nil {
		return value
	}
	return Amount(v.lang, v.amount(minor))
}

// proposalReviews says who has spoken; what was said is shown once the ranking is public, and to each reviewer her own.
func (v *visit) proposalReviews(p *calls.Proposal, c *calls.Call) (grid, error) {
	g := grid{Title: T(v.lang, "call.review"), Empty: T(v.lang, "call.review.none"), Heads: v.heads("call.reviewer", "#call.total", "call.note")}
	list, err := calls.Reviews(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return g, err
	}
	names := newNames(v)
	for _, r := range list {
		if r.Proposal != p.ID {
			continue
		}
		name, err := names.of(r.Person)
		if err != nil {
			return g, err
		}
		row := []cell{textCell(name), {Text: T(v.lang, "call.review.hidden")}, {}}
		switch {
		case r.Conflict != "":
			row[1], row[2] = cell{Text: T(v.lang, "call.review.conflict"), Tag: "held"}, textCell(r.Conflict)
		case c.State != calls.Open || r.Person == v.who.Person.ID:
			row[1], row[2] = cell{Text: strconv.Itoa(int(r.Sum()))}, textCell(r.Note)
		}
		g.Rows = append(g.Rows, row)
	}
	return g, nil
}

// proposalShares says which sources of the call pay for a proposal that was chosen.
func (v *visit) proposalShares(p *calls.Proposal, c *calls.Call) ([]grid, error) {
	if p.Rank == nil {
		return nil, nil
	}
	ranked, err := calls.Ranking(v.ctx(), v.s.DB, v.book, c)
	if err != nil && !errors.Is(err, calls.ErrReviews) {
		return nil, err
	}
	sources, err := calls.Sources(v.ctx(), v.s.DB, v.book, c.ID)
	if err != nil {
		return nil, err
	}
	shares := calls.Split(sources, ranked)[p.ID]
	if len(shares) == 0 {
		return nil, nil
	}
	g := grid{Title: T(v.lang, "call.shares"), Heads: v.heads("call.payer", "contract.treatment", "#filter.amount")}
	for _, s := range shares {
		g.Rows = append(g.Rows, []cell{textCell(s.Payer), {Text: T(v.lang, "contract.treatment."+s.Treatment)}, v.sumCell(s.Pays)})
	}
	return []grid{g}, nil
}

// proposalLinks lead to the need, the intent, the vote and the project of a proposal.
func (v *visit) proposalLinks(view *recordView, p *calls.Proposal) error {
	if p.NeedID != nil {
		need, err := needs.ByID(v.ctx(), v.s.DB, v.book, *p.NeedID)
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "proposal.need"), Value: need.Name() + " " + need.Title, Href: needsPath + "/" + need.ID.String()})
	}
	if p.IntentID != nil {
		view.Links = append(view.Links, Link{T(v.lang, "need.intent"), intentsPath + "/" + p.IntentID.String()})
	}
	if p.PollID != nil {
		poll, err := polls.ByID(v.ctx(), v.s.DB, v.book, *p.PollID)
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "project.vote"), Value: fmt.Sprintf("%s · %d", poll.Name(), *p.PollPlace), Href: pollsPath + "/" + poll.ID.String()})
	}
	if p.ProjectID != nil {
		view.Links = append(view.Links, Link{T(v.lang, "proposal.project"), projectsPath + "/" + p.ProjectID.String()})
	}
	return nil
}

func (v *visit) proposalStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.proposal(v.s.DB, id)
	if err != nil {
		return err
	}
	var c *calls.Call
	if p.CallID != nil {
		if c, err = calls.ByID(v.ctx(), v.s.DB, v.book, *p.CallID); err != nil {
			return err
		}
	}
	acts, err := v.proposalActs(p, c)
	if err != nil {
		return err
	}
	return v.perform(id, proposalsPath+"/"+id.String(), v.proposalAgain, acts...)
}
