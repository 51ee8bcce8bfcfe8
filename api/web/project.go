package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/needs"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/staff"
)

// projectList shows the projects of the streets in sight.
func (v *visit) projectList() error {
	view := v.workList("project", projectsPath)
	filter := projects.ProjectFilter{Limit: projects.PageMax + 1, Funds: v.who.Funds()}
	filter.All, filter.Streets = v.who.Streets()
	var err error
	if filter.Text, err = view.search(v, "project.search"); err != nil {
		return err
	}
	if filter.State, err = view.choose(v, "state", "person.state", "project.state", projects.Draft, projects.Approved, projects.Ended, projects.Dropped); err != nil {
		return err
	}
	s, err := v.sight()
	if err != nil {
		return err
	}
	view.Grid.Heads = v.heads("project.number", "project.title", "subsidy.fund", "person.state", "#project.budget", "#project.committed")
	if v.who.May(staff.ProjectEnter) {
		view.Links = []Link{{T(v.lang, "act.project-enter"), projectsPath + "/new"}}
		view.Empty.Action = &view.Links[0]
	}
	return showAll(v, &view, "projects", v.turned(), listed[projects.Project, int32]{projects.PageMax, func(before int32) ([]projects.Project, error) {
		filter.Before = before
		return projects.Projects(v.ctx(), v.db(), v.book, filter)
	}, func(p *projects.Project) int32 { return p.Number }, func(list []projects.Project) (rows [][]cell, err error) {
		for i := range list {
			p := &list[i]
			fund := ""
			if f := s.fund(p.FundID); f != nil {
				fund = f.Name(string(v.lang))
			}
			rows = append(rows, []cell{{Text: p.Name(), Href: projectsPath + "/" + p.ID.String()}, textCell(p.Title), textCell(fund), v.projectState(p), v.sumCell(p.Budget), v.sumCell(p.Committed)})
		}
		return rows, nil
	}})
}

func (v *visit) projectState(p *projects.Project) cell {
	tag := map[string]string{projects.Draft: "draft", projects.Approved: "waiting", projects.Ended: "done", projects.Dropped: "reversed"}[p.State]
	return cell{Text: T(v.lang, "project.state."+p.State), Tag: tag}
}

func ofProject(plan func(v *visit, q pg.Querier, p *projects.Project, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		p, err := v.project(q, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, p, in)
	}
}

func (v *visit) projectEnter() (act, error) {
	s, err := v.sight()
	if err != nil {
		return act{}, err
	}
	funds := []Option{{Label: T(v.lang, "offline.choose")}}
	for _, f := range s.funds {
		if f.Kind != ledger.Agency && f.Kind != ledger.Endowment {
			funds = append(funds, Option{Value: strconv.Itoa(int(f.ID)), Label: f.Code + " " + f.Name(string(v.lang))})
		}
	}
	uses, err := v.useOptions()
	if err != nil {
		return act{}, err
	}
	return act{name: "project-enter", needs: staff.ProjectEnter, to: projectsPath + "/", blanks: []blank{{name: "title", label: "project.title", max: 100}, {name: "fund", label: "subsidy.fund", kind: "select", options: funds},
		{name: "use", label: "project.use", thing: "purpose", hint: "project.use.hint", kind: "select", options: uses, optional: true},
		{name: "community", label: "project.community", optional: true, max: 100}, {name: "plan", label: "project.plan", hint: "project.plan.hint", kind: "area", max: 2000},
		{name: "people", label: "project.people", kind: "number", optional: true}, {name: "homes", label: "project.homes", hint: "project.homes.hint", kind: "number", optional: true},
		{name: "due-starts", label: "project.starts", kind: "day"}, {name: "due-ends", label: "project.ends", kind: "day"}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			s, err := v.sight()
			if err != nil {
				return nil, err
			}
			fund := int32(in.number("fund"))
			if s.fund(fund) == nil {
				fund = 0 // refused as a fund that is not there
			}
			return projects.Propose(v.ctx(), q, v.book, projects.Project{ID: id, Title: in["title"], FundID: fund, Purpose: in["use"], Community: in["community"], Plan: in["plan"], People: int32(in.number("people")),
				Homes: int32(min(in.number("homes"), 10000)), StartsOn: in.day("due-starts"), EndsOn: in.day("due-ends"), EnteredBy: v.who.Person.ID})
		}}, nil
}

// votesWon offers what residents chose on a fund.
func (v *visit) votesWon(q pg.Querier, fund int32) ([]Option, error) {
	options := []Option{{Label: T(v.lang, "project.vote.none")}}
	list, err := polls.List(v.ctx(), q, v.book, polls.Filter{All: true})
	if err != nil {
		return nil, err
	}
	for i := range list {
		poll, err := polls.ByID(v.ctx(), q, v.book, list[i].ID)
		if err != nil {
			return nil, err
		}
		for _, c := range poll.Options {
			if poll.FundID == fund && poll.Won(c.Place) {
				options = append(options, Option{Value: fmt.Sprintf("%s/%d", poll.ID, c.Place), Label: poll.Name() + " · " + c.Title(string(v.lang)) + " " + Amount(v.lang, v.amount(c.Cost))})
			}
		}
	}
	return options, nil
}

// decision reads what votesWon offered; nil for none.
func decision(text string) *projects.Decision {
	poll, place, ok := strings.Cut(text, "/")
	n, err := strconv.ParseInt(place, 10, 16)
	id, bad := uuid.Parse(poll)
	if !ok || err != nil || bad != nil {
		return nil
	}
	return &projects.Decision{Poll: id, Place: int16(n)}
}

// projectSeconds are the steps with a project that a second person approves.
func (v *visit) projectSeconds() []act {
	day := v.todayBlank("day", "voucher.day")
	return []act{
		{name: "project-approve", needs: staff.ProjectWrite, second: staff.ContractKind, blanks: []blank{day, {name: "vote", label: "project.vote", hint: "project.vote.hint", kind: "select", optional: true}},
			plan: ofProject(func(v *visit, q pg.Querier, p *projects.Project, in inputs) (*giving.Move, error) {
				return projects.Approve(v.ctx(), q, v.book, p, decision(in["vote"]), in.day("day"))
			})},
		{name: "project-end", needs: staff.ProjectWrite, second: staff.ContractKind, blanks: []blank{day}, plan: ofProject(func(v *visit, q pg.Querier, p *projects.Project, in inputs) (*giving.Move, error) {
			return projects.End(v.ctx(), q, v.book, p, in.day("day"))
		})},
	}
}

// projectActs are the steps that may follow, the likeliest first.
func (v *visit) projectActs(q pg.Querier, p *projects.Project, items []projects.Item) ([]act, error) {
	seconds := v.projectSeconds()
	switch p.State {
	case projects.Draft:
		add := act{name: "item-add", needs: staff.ProjectEnter, blanks: []blank{{name: "label", label: "project.item", max: 100}, {name: "amount", label: "filter.amount", kind: "amount"}},
			plan: ofProject(func(v *visit, q pg.Querier, p *projects.Project, in inputs) (*giving.Move, error) {
				return projects.AddItem(v.ctx(), q, v.book, p, in["label"], in.sum("amount", v.book))
			})}
		drop := act{name: "project-drop", needs: staff.ProjectEnter, danger: true, blanks: []blank{{name: "reason", label: "offline.reason", kind: "area"}},
			plan: ofProject(func(v *visit, _ pg.Querier, p *projects.Project, in inputs) (*giving.Move, error) {
				return projects.DropProject(v.book, p, in["reason"])
			})}
		if len(items) == 0 {
			return []act{add, drop}, nil
		}
		won, err := v.votesWon(q, p.FundID)
		if err != nil {
			return nil, err
		}
		seconds[0].blanks[1].options = won
		off := act{name: "item-drop", needs: staff.ProjectEnter, danger: true, blanks: []blank{{name: "item", label: "project.item", kind: "select", options: v.itemOptions(items)}},
			plan: ofProject(func(v *visit, q pg.Querier, p *projects.Project, in inputs) (*giving.Move, error) {
				return projects.DropItem(v.ctx(), q, v.book, p, int16(in.number("item")))
			})}
		return []act{add, seconds[0], off, drop}, nil
	case projects.Approved:
		draft, err := v.contractDraft(q)
		if err != nil {
			return nil, err
		}
		if err := v.contractOf(q, p, &draft); err != nil {
			return nil, err
		}
		earmark, err := v.projectEarmark(q, p)
		return append([]act{draft, seconds[1]}, earmark...), err
	case projects.Ended:
		publish := act{name: "project-publish", needs: staff.ProjectWrite, blanks: []blank{v.todayBlank("day", "project.published"), {name: "where", label: "project.where", hint: "project.where.hint", optional: true}},
			plan: ofProject(func(v *visit, q pg.Querier, p *projects.Project, in inputs) (*giving.Move, error) {
				return projects.Publish(v.ctx(), q, v.book, p, in["where"], in["reason"], in.day("day"))
			})}
		if p.PublishedOn != nil {
			publish.name = "project-correct"
			publish.blanks = append(publish.blanks, blank{name: "reason", label: "offline.reason", kind: "area"})
		}
		return []act{publish}, nil
	}
	return nil, nil
}

// projectEarmark names a campaign whose gifts pay for the project first; there is none to offer where the fund has no campaign.
func (v *visit) projectEarmark(q pg.Querier, p *projects.Project) ([]act, error) {
	list, err := giving.ListCampaigns(v.ctx(), q, v.book, giving.CampaignFilter{FundID: p.FundID}, v.now, 0, campaignsShown)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	var options []Option
	for i := range list {
		options = append(options, Option{Value: strconv.Itoa(int(list[i].ID)), Label: list[i].Title(string(v.lang))})
	}
	return []act{{name: "project-earmark", needs: staff.ProjectWrite, blanks: []blank{{name: "campaign", label: "project.campaign", hint: "project.campaign.hint", kind: "select", options: options}},
		plan: ofProject(func(v *visit, q pg.Querier, p *projects.Project, in inputs) (*giving.Move, error) {
			return projects.Earmark(v.ctx(), q, v.book, p, int32(in.number("campaign")))
		})}}, nil
}

// contractOf fills the form of a project's contract with what was proposed, where the project came from a proposal.
func (v *visit) contractOf(q pg.Querier, p *projects.Project, draft *act) error {
	from, err := calls.ProposalOf(v.ctx(), q, v.book, p.ID)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil
	}
	if err != nil {
		return err
	}
	values := map[string]string{"payee": from.PayeeID.String(), "title": from.Title, "due-ends": ISODay(from.EndsOn)}
	for i := range draft.blanks {
		if value := values[draft.blanks[i].name]; value != "" {
			draft.blanks[i].value = value
		}
	}
	return nil
}

// proposalFact leads to the proposal that a project came from.
func (v *visit) proposalFact(q pg.Querier, p *projects.Project) ([]Fact, error) {
	from, err := calls.ProposalOf(v.ctx(), q, v.book, p.ID)
	if errors.Is(err, giving.ErrNoRecord) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	facts := []Fact{{Term: T(v.lang, "proposal.proposal"), Value: from.Name() + " " + from.Payee, Href: proposalsPath + "/" + from.ID.String()}}
	if from.NeedID == nil {
		return facts, nil
	}
	need, err := needs.ByID(v.ctx(), q, v.book, *from.NeedID)
	if err != nil {
		return nil, err
	}
	return append(facts, Fact{Term: T(v.lang, "proposal.need"), Value: need.Name() + " " + need.Title, Href: needsPath + "/" + need.ID.String()}), nil
}

func (v *visit) itemOptions(items []projects.Item) (options []Option) {
	for _, item := range items {
		options = append(options, Option{Value: strconv.Itoa(int(item.Position)), Label: item.Label + " " + Amount(v.lang, v.amount(item.Amount))})
	}
	return options
}

func (v *visit) projectForm() error { return v.projectFormAgain(http.StatusOK, nil) }

func (v *visit) projectFormAgain(status int, wrong Errors) error {
	enter, err := v.projectEnter()
	if err != nil {
		return err
	}
	view := v.workRecord(T(v.lang, "act.project-enter"), projectsPath, wrong, projectsPath+"/new")
	view.Lead = T(v.lang, "project.new.lead")
	if err := v.offer(&view, projectsPath, enter); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) projectCreate() error {
	enter, err := v.projectEnter()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, projectsPath+"/new", v.projectFormAgain, enter)
}

// projectShow is a project with its budget, its contracts and its account by source.
func (v *visit) projectShow() error { return v.projectAgain(http.StatusOK, nil) }

func (v *visit) projectAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.project(v.s.DB, id)
	if err != nil {
		return err
	}
	items, err := projects.Items(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := projectsPath + "/" + id.String()
	view := v.workRecord(p.Name()+" "+p.Title, projectsPath, wrong, here)
	state := v.projectState(p)
	view.Status, view.State = state.Tag, state.Text
	s, err := v.sight()
	if err != nil {
		return err
	}
	if fund := s.fund(p.FundID); fund != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "subsidy.fund"), Value: fund.Code + " " + fund.Name(string(v.lang)), Href: "/console/funds/" + strconv.Itoa(int(fund.ID))})
	}
	from, err := v.proposalFact(v.s.DB, p)
	if err != nil {
		return err
	}
	view.Facts = append(view.Facts, from...)
	if p.Community != "" {
		view.Facts = append(view.Facts, v.fact("project.community", p.Community))
	}
	view.Facts = append(view.Facts, v.fact("project.plan", p.Plan), v.fact("project.days", Day(v.lang, p.StartsOn)+" – "+Day(v.lang, p.EndsOn)),
		v.sumFact("project.budget", p.Budget), v.sumFact("project.committed", p.Committed))
	if p.PollID != nil {
		poll, err := polls.ByID(v.ctx(), v.s.DB, v.book, *p.PollID)
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, v.fact("project.vote", poll.Name()+" "+poll.Title(string(v.lang))))
	}
	if p.Purpose != "" {
		use, err := v.purposeNames([]string{p.Purpose})
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, v.fact("project.use", use))
	}
	if p.People > 0 {
		view.Facts = append(view.Facts, v.fact("project.people", strconv.Itoa(int(p.People))))
	}
	if p.PublishBy != nil {
		view.Facts = append(view.Facts, v.fact("project.publishby", Day(v.lang, *p.PublishBy)))
	}
	if p.PublishedOn != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "project.published"), Value: Day(v.lang, *p.PublishedOn) + " " + p.PublishedAt, Href: projectHref(p) + "/account"})
	}
	if view.Lead, err = v.projectNext(p, len(items)); err != nil {
		return err
	}
	if view.Grids, err = v.projectGrids(p, items); err != nil {
		return err
	}
	if err := v.projectPublicPart(&view, p, here); err != nil {
		return err
	}
	acts, err := v.projectActs(v.s.DB, p, items)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	return v.showRecord(view, p.Object(), status)
}

func (v *visit) projectNext(p *projects.Project, items int) (string, error) {
	key := p.State
	switch {
	case p.State == projects.Draft && items == 0:
		key = "items"
	case p.State == projects.Ended && p.PublishedOn != nil:
		key = "published"
	case p.State == projects.Ended && p.PublishBy == nil:
		key = "unpublished"
	case p.State == projects.Ended:
		left := -v.daysSince(*p.PublishBy)
		if left < 0 {
			return T(v.lang, "project.next.late", -left), nil
		}
		return T(v.lang, "project.next.ended", Day(v.lang, *p.PublishBy), left), nil
	}
	return T(v.lang, "project.next."+key), nil
}

func (v *visit) projectGrids(p *projects.Project, items []projects.Item) ([]grid, error) {
	budget := grid{Title: T(v.lang, "project.items"), Empty: T(v.lang, "project.items.none"), Heads: v.heads("project.item", "#filter.amount")}
	for _, item := range items {
		budget.Rows = append(budget.Rows, []cell{textCell(item.Label), v.sumCell(item.Amount)})
	}
	if p.State == projects.Draft || p.State == projects.Dropped {
		return []grid{budget}, nil
	}
	contracts, err := v.contractGrid(projects.ContractFilter{All: true, Project: &p.ID})
	if err != nil {
		return nil, err
	}
	list, err := projects.FinalAccount(v.ctx(), v.s.DB, v.book, p.ID)
	if err != nil {
		return nil, err
	}
	var cost int64
	for _, f := range list {
		cost += f.Cost
	}
	grids := []grid{budget, contracts, v.finalGrid(list)}
	if p.Homes > 0 && cost > 0 {
		homes := grid{Title: T(v.lang, "subsidy.homes.heading", int(p.Homes)), Heads: v.heads("subsidy.home", "#subsidy.home.count", "#subsidy.home.total")}
		shares := money.Allocate(cost, slices.Repeat([]int64{1}, int(p.Homes))) // the larger first
		for from := 0; from < len(shares); {
			to := from
			for to < len(shares) && shares[to] == shares[from] {
				to++
			}
			which := strconv.Itoa(from + 1)
			if to-from > 1 {
				which += "–" + strconv.Itoa(to)
			}
			homes.Rows = append(homes.Rows, []cell{{Text: which}, {Text: strconv.Itoa(to - from)}, v.sumCell(shares[from])})
			from = to
		}
		grids = append(grids, homes)
	}
	return grids, nil
}

func (v *visit) projectStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.project(v.s.DB, id)
	if err != nil {
		return err
	}
	items, err := projects.Items(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	acts, err := v.projectActs(v.s.DB, p, items)
	if err != nil {
		return err
	}
	return v.perform(id, projectsPath+"/"+id.String(), v.projectAgain, acts...)
}
