package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/staff"
)

// contractList shows the contracts of the streets in sight.
func (v *visit) contractList() error {
	view := v.workList("contract", contractsPath)
	filter := projects.ContractFilter{Limit: projects.PageMax + 1, Funds: v.who.Funds()}
	filter.All, filter.Streets = v.who.Streets()
	var err error
	if filter.Text, err = view.search(v, "contract.search"); err != nil {
		return err
	}
	if filter.State, err = view.choose(v, "state", "person.state", "contract.state", projects.Draft, projects.Signed, projects.Stopped, projects.Terminated, projects.Closed, projects.Void); err != nil {
		return err
	}
	view.Grid.Heads = v.contractHeads()
	return showAll(v, &view, "contracts", v.turned(), listed[projects.Contract, int32]{projects.PageMax, func(before int32) ([]projects.Contract, error) {
		filter.Before = before
		return projects.Contracts(v.ctx(), v.db(), v.book, filter)
	}, func(c *projects.Contract) int32 { return c.Number }, v.contractRows})
}

func (v *visit) contractHeads() []head {
	return v.heads("contract.code", "contract.title", "contract.payee", "person.state", "#contract.amount", "#contract.accepted", "#contract.payable", "#contract.last")
}

func (v *visit) contractRows(list []projects.Contract) ([][]cell, error) {
	var rows [][]cell
	names := map[uuid.UUID]string{}
	for i := range list {
		c := &list[i]
		if names[c.PayeeID] == "" {
			p, err := projects.PayeeByID(v.ctx(), v.db(), v.book, c.PayeeID)
			if err != nil {
				return nil, err
			}
			names[c.PayeeID] = p.Name
		}
		rows = append(rows, []cell{{Text: c.Code, Href: contractsPath + "/" + c.ID.String(), User: true}, textCell(c.Title), textCell(names[c.PayeeID]), v.contractState(c), v.sumCell(c.Amount), v.sumCell(c.Accepted),
			v.sumCell(c.Payable()), v.sumCell(c.Last())})
	}
	return rows, nil
}

// contractGrid lists contracts on another record's page.
func (v *visit) contractGrid(f projects.ContractFilter) (grid, error) {
	list, err := projects.Contracts(v.ctx(), v.s.DB, v.book, f)
	if err != nil {
		return grid{}, err
	}
	rows, err := v.contractRows(list)
	return grid{Title: T(v.lang, "contract.heading"), Empty: T(v.lang, "contract.none"), Heads: v.contractHeads(), Rows: rows}, err
}

func (v *visit) contractState(c *projects.Contract) cell {
	tag := map[string]string{projects.Draft: "draft", projects.Signed: "waiting", projects.Stopped: "attention", projects.Terminated: "attention", projects.Closed: "done", projects.Void: "reversed"}[c.State]
	return cell{Text: T(v.lang, "contract.state."+c.State), Tag: tag}
}

// contractPage is all that a contract's page shows.
type contractPage struct {
	*projects.Contract
	project *projects.Project
	payee   *projects.Payee
	sources []projects.Source
	stages  []projects.Milestone
	visits  []projects.Visit
	scores  []projects.Score
	scheme  *projects.Scheme
	result  *projects.Result // nil while a side is missing
	choices contractChoices
}

func (v *visit) contractPage(id uuid.UUID) (p contractPage, err error) {
	db, ctx := v.s.DB, v.ctx()
	if p.Contract, err = v.contract(db, id); err != nil {
		return p, err
	}
	if p.project, err = projects.ProjectByID(ctx, db, v.book, p.ProjectID); err != nil {
		return p, err
	}
	if p.payee, err = projects.PayeeByID(ctx, db, v.book, p.PayeeID); err != nil {
		return p, err
	}
	if p.sources, err = projects.Sources(ctx, db, v.book, id); err != nil {
		return p, err
	}
	if p.stages, err = projects.Milestones(ctx, db, v.book, id); err != nil {
		return p, err
	}
	if p.visits, err = projects.Visits(ctx, db, v.book, id); err != nil {
		return p, err
	}
	if p.scores, err = projects.Scores(ctx, db, v.book, id); err != nil {
		return p, err
	}
	if p.scheme, err = projects.SchemeOf(ctx, db, v.book, p.Scheme); err != nil {
		return p, err
	}
	p.result, err = projects.ResultOf(ctx, db, v.book, p.Contract)
	if errors.Is(err, projects.ErrScores) {
		p.result, err = nil, nil
	}
	v.contractOptions(&p)
	return p, err
}

// contractOptions fills in what the forms offer.
func (v *visit) contractOptions(p *contractPage) {
	for _, s := range p.sources {
		o := Option{Value: strconv.Itoa(int(s.Position)), Label: s.Code() + " " + s.Payer + " " + Amount(v.lang, v.amount(s.Amount))}
		p.choices.sources = append(p.choices.sources, o)
		if s.DueBack > 0 {
			p.choices.back = append(p.choices.back, Option{Value: o.Value, Label: s.Code() + " " + s.Payer + " " + Amount(v.lang, v.amount(s.DueBack))})
		}
	}
	for _, m := range p.stages {
		o := Option{Value: strconv.Itoa(int(m.Position)), Label: m.Title + " " + Amount(v.lang, v.amount(m.Amount))}
		p.choices.stages = append(p.choices.stages, o)
		switch m.State {
		case projects.Planned, projects.Refused:
			p.choices.due = append(p.choices.due, o)
		case projects.Inspected:
			p.choices.inspected = append(p.choices.inspected, Option{Value: o.Value, Label: m.Title + " " + Amount(v.lang, v.amount(m.Accepted))})
		}
	}
	for _, one := range p.visits {
		o := Option{Value: one.ID.String(), Label: ISODay(one.Day) + " " + oneLine(one.Finding, 60)}
		switch one.State {
		case projects.FindingOpen:
			p.choices.visits = append(p.choices.visits, o)
		case projects.Answered:
			p.choices.answered = append(p.choices.answered, o)
		}
	}
}

// contractActs are the steps that may follow, the likeliest first.
func (v *visit) contractActs(p contractPage) ([]act, error) {
	if p.State == projects.Draft {
		return v.contractDrafts(p.Contract, p.choices)
	}
	all := v.contractWork(p.Contract, p.project.StreetID, p.choices)
	var names []string
	add := func(fits bool, name string) {
		if fits {
			names = append(names, name)
		}
	}
	c, has := p.Contract, p.choices
	signs := p.project.StreetID != nil && v.who.SignsFor(*p.project.StreetID)
	var receivable, prepaid bool
	for _, s := range p.sources {
		receivable = receivable || s.Received < s.Amount && (s.Treatment == projects.AsService || s.Treatment == projects.AsGrant || s.Treatment == projects.AsAgency)
		prepaid = prepaid || s.Prepaid > 0
	}
	_, middle := projects.Round(p.scores, projects.Middle)
	running := c.State == projects.Signed
	add(running && len(has.inspected) > 0, "stage-book")
	add(running && signs && len(has.due) > 0, "stage-inspect")
	add(c.State == projects.Stopped, "contract-resume")
	add(p.result != nil && p.result.HoldOff > c.Forfeited && len(has.due)+len(has.inspected) == 0 && (running || c.State == projects.Terminated), "contract-forfeit")
	add((running || c.State == projects.Terminated) && (c.Payable() > 0 || c.Last() > 0 || running && c.Advanced < c.Advance), "pay-ask")
	speaks, open := running && len(v.sides(p.project.StreetID)) > 0 && (p.result == nil || len(middle) < len(projects.Sides())), len(has.due)+len(has.inspected) > 0
	add(speaks && !open, "assess")
	add(c.Running(), "visit-note")
	add(len(has.visits) > 0, "finding-answer")
	add(len(has.answered) > 0, "finding-settle")
	add(speaks && open, "assess") // in the middle; the end's comes with the last stage
	add(c.State != projects.Void && c.State != projects.Closed && receivable, "contract-receive")
	add(c.State == projects.Terminated && prepaid, "contract-recover")
	add(c.State == projects.Terminated && prepaid, "contract-write-off")
	add(len(has.back) > 0, "source-back")
	add(running && len(has.due)+len(has.inspected) == 0 || c.State == projects.Terminated, "contract-close")
	add(c.Running(), "contract-change")
	add(signs && running && len(has.due)+len(has.inspected) > 0, "stage-refuse")
	add(c.Running() && len(has.inspected) == 0, "contract-terminate")
	acts := make([]act, len(names))
	for i, name := range names {
		acts[i] = all[name]
	}
	return acts, nil
}

// contractShow is a contract with its sources, stages, visits, scores and payments.
func (v *visit) contractShow() error { return v.contractAgain(http.StatusOK, nil) }

func (v *visit) contractAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.contractPage(id)
	if err != nil {
		return err
	}
	here := contractsPath + "/" + id.String()
	view := v.workRecord(p.Code+" "+p.Title, contractsPath, wrong, here)
	state := v.contractState(p.Contract)
	view.Status, view.State, view.Lead = state.Tag, state.Text, v.contractNext(p)
	view.Facts = []Fact{{Term: T(v.lang, "contract.project"), Value: p.project.Name() + " " + p.project.Title, Href: projectsPath + "/" + p.ProjectID.String()},
		{Term: T(v.lang, "contract.payee"), Value: p.payee.Name, Href: payeesPath + "/" + p.PayeeID.String()}, v.fact("contract.kind", T(v.lang, "contract.kind."+p.Kind)), v.fact("contract.draws", T(v.lang, "contract.draws."+p.Draws)),
		v.sumFact("contract.amount", p.Amount), v.sumFact("contract.advance", p.Advance), v.fact("contract.kept", T(v.lang, "contract.percent", int(p.KeptBP/100))), v.fact("contract.ends", Day(v.lang, p.EndsOn))}
	if p.SignedOn != nil {
		view.Facts = append(view.Facts, v.fact("contract.signed", Day(v.lang, *p.SignedOn)), v.sumFact("contract.accepted", p.Accepted), v.sumFact("contract.payable", p.Payable()), v.sumFact("contract.last", p.Last()))
	}
	if view.Grids, err = v.contractGrids(p); err != nil {
		return err
	}
	acts, err := v.contractActs(p)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	return v.showRecord(view, p.Object(), status)
}

// contractNext says who acts next.
func (v *visit) contractNext(p contractPage) string {
	sum := func(minor int64) string { return Amount(v.lang, v.amount(minor)) }
	c, has := p.Contract, p.choices
	open := len(has.due) + len(has.inspected)
	switch {
	case c.State == projects.Draft && (len(has.sources) == 0 || len(has.stages) == 0):
		return T(v.lang, "contract.next.draft")
	case c.State != projects.Signed:
		return T(v.lang, "contract.next."+c.State)
	case len(has.inspected) > 0:
		return T(v.lang, "contract.next.book")
	case c.Payable() > 0 && open > 0:
		return T(v.lang, "contract.next.pay", sum(c.Payable()))
	case open > 0:
		return T(v.lang, "contract.next.inspect")
	case p.result == nil:
		return T(v.lang, "contract.next.assess", v.missingSides(p))
	case p.result.HoldOff > c.Forfeited:
		return T(v.lang, "contract.next.forfeit", sum(p.result.HoldOff-c.Forfeited))
	case c.Payable()+c.Last() > 0:
		return T(v.lang, "contract.next.last", sum(c.Payable()+c.Last()))
	}
	return T(v.lang, "contract.next.close")
}

// missingSides lists who has not spoken yet, never what others said.
func (v *visit) missingSides(p contractPage) (missing string) {
	_, list := projects.Round(p.scores, projects.AtEnd)
	for _, side := range projects.Sides() {
		spoken := false
		for _, s := range list {
			spoken = spoken || s.Side == side
		}
		if !spoken {
			if missing != "" {
				missing += T(v.lang, "console.and")
			}
			missing += T(v.lang, "assess.side."+side)
		}
	}
	return missing
}

func (v *visit) contractGrids(p contractPage) ([]grid, error) {
	sources := grid{Title: T(v.lang, "contract.sources"), Empty: T(v.lang, "contract.sources.none"), Heads: v.heads("contract.source", "contract.payer", "contract.treatment", "#contract.amount", "#contract.open", "#contract.prepaid", "#contract.drawn", "#contract.payable", "#contract.last")}
	for _, s := range p.sources {
		sources.Rows = append(sources.Rows, []cell{{Text: s.Code()}, textCell(s.Payer), {Text: T(v.lang, "contract.treatment."+s.Treatment)}, v.sumCell(s.Amount), v.sumCell(s.Open), v.sumCell(s.Prepaid), v.sumCell(s.Drawn),
			v.sumCell(s.Owed), v.sumCell(s.Kept)})
	}
	stages := grid{Title: T(v.lang, "contract.stages"), Empty: T(v.lang, "contract.stages.none"), Heads: v.heads("contract.stage", "contract.due", "person.state", "#contract.amount", "#contract.accepted")}
	for _, m := range p.stages {
		tag := map[string]string{projects.Planned: "waiting", projects.Inspected: "attention", projects.Refused: "reversed", projects.Accepted: "done"}[m.State]
		stages.Rows = append(stages.Rows, []cell{textCell(m.Title), dayCell(m.DueOn), {Text: T(v.lang, "contract.stage."+m.State), Tag: tag}, v.sumCell(m.Amount), v.sumCell(m.Accepted)})
	}
	grids := []grid{sources, stages}
	if p.State == projects.Draft || p.State == projects.Void {
		return grids, nil
	}
	payments, err := v.paymentGrid(projects.PaymentFilter{All: true, Contract: &p.ID})
	if err != nil {
		return nil, err
	}
	times, people, err := projects.Reach(v.ctx(), v.s.DB, v.book, p.ID)
	if err != nil {
		return nil, err
	}
	visits := grid{Title: T(v.lang, "visit.heading", int(times), int(people)), Empty: T(v.lang, "visit.none"), Heads: v.heads("visit.day", "visit.report", "visit.finding", "visit.due", "person.state", "#visit.times")}
	for _, one := range p.visits {
		due := cell{}
		if one.DueOn != nil {
			due = dayCell(*one.DueOn)
			if one.State == projects.FindingOpen && one.DueOn.Before(v.businessDay()) {
				due.Tag = "attention"
			}
		}
		tag := map[string]string{projects.Fine: "done", projects.FindingOpen: "attention", projects.Answered: "waiting", projects.Cleared: "done"}[one.State]
		visits.Rows = append(visits.Rows, []cell{dayCell(one.Day), textCell(one.Report), textCell(one.Finding), due, {Text: T(v.lang, "visit.state."+one.State), Tag: tag}, {Text: strconv.Itoa(int(one.PersonTimes))}})
	}
	return append(grids, payments, v.scoreGrid(p, projects.AtEnd), v.scoreGrid(p, projects.Middle), visits), nil
}

// scoreGrid shows who has spoken; what they said only once all four have.
func (v *visit) scoreGrid(p contractPage, phase string) grid {
	g := grid{Title: T(v.lang, "assess.heading."+phase), Empty: T(v.lang, "assess.none"), Heads: v.heads("assess.side", "person.state", "#assess.weight", "#assess.points", "assess.note")}
	_, list := projects.Round(p.scores, phase)
	total, done := p.scheme.Total(list)
	if len(list) == 0 {
		return g
	}
	for _, side := range projects.Sides() {
		row := []cell{{Text: T(v.lang, "assess.side."+side)}, {Text: T(v.lang, "assess.missing"), Tag: "waiting"}, {Text: T(v.lang, "contract.percent", int(p.scheme.Weights[side]/100))}, {Text: "—"}, {}}
		for _, s := range list {
			if s.Side == side {
				row[1] = cell{Text: T(v.lang, "assess.given"), Tag: "done"}
				if done {
					row[3], row[4] = cell{Text: strconv.Itoa(int(s.Points))}, textCell(s.Note)
				}
			}
		}
		g.Rows = append(g.Rows, row)
	}
	if done {
		grade := p.scheme.Grade(total)
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "assess.total")}, {Text: T(v.lang, "assess.grade."+grade.Code)}, {}, {Text: v.points(total, 1)}, {Text: T(v.lang, "assess.pays", int(grade.Pays/100))}})
	}
	return g
}

func (v *visit) contractStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.contractPage(id)
	if err != nil {
		return err
	}
	acts, err := v.contractActs(p)
	if err != nil {
		return err
	}
	return v.perform(id, contractsPath+"/"+id.String(), v.contractAgain, acts...)
}

// assessmentShow is how the four sides are weighed, and how to change it.
func (v *visit) assessmentShow() error { return v.assessmentAgain(http.StatusOK, nil) }

func (v *visit) assessmentAgain(status int, wrong Errors) error {
	scheme, err := projects.CurrentScheme(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	view := v.workRecord(T(v.lang, "assess.scheme"), assessmentPath, wrong, assessmentPath)
	view.Lead = T(v.lang, "assess.scheme.lead", int(scheme.Number))
	sides := grid{Title: T(v.lang, "assess.weights"), Heads: v.heads("assess.side", "#assess.weight", "assess.who")}
	for _, side := range projects.Sides() {
		sides.Rows = append(sides.Rows, []cell{{Text: T(v.lang, "assess.side."+side)}, {Text: T(v.lang, "contract.percent", int(scheme.Weights[side]/100))}, {Text: T(v.lang, "assess.who."+side)}})
	}
	grades := grid{Title: T(v.lang, "assess.grades"), Heads: v.heads("assess.grade", "#assess.least", "#assess.pay")}
	for _, g := range scheme.Grades {
		grades.Rows = append(grades.Rows, []cell{{Text: T(v.lang, "assess.grade."+g.Code)}, {Text: v.points(g.Least, 1)}, {Text: T(v.lang, "contract.percent", int(g.Pays/100))}})
	}
	view.Grids = []grid{sides, grades}
	if err := v.offer(&view, assessmentPath, v.schemeSet(scheme)); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// schemeSet asks for other weights and grades; a second person approves.
func (v *visit) schemeSet(now *projects.Scheme) act {
	if now == nil {
		first := projects.DefaultScheme()
		now = &first
	}
	a := act{name: "scheme-set", needs: staff.ProjectWrite, second: staff.ContractKind}
	for _, side := range projects.Sides() {
		a.blanks = append(a.blanks, blank{name: "weight-" + side, label: "assess.side." + side, kind: "number", value: strconv.Itoa(int(now.Weights[side] / 100))})
	}
	for _, g := range now.Grades {
		if g.Least > 0 {
			a.blanks = append(a.blanks, blank{name: "least-" + g.Code, label: "assess.from." + g.Code, kind: "number", value: strconv.Itoa(int(g.Least / 100))})
		}
		a.blanks = append(a.blanks, blank{name: "pays-" + g.Code, label: "assess.paid." + g.Code, kind: "number", value: strconv.Itoa(int(g.Pays / 100))})
	}
	a.plan = func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		s := projects.Scheme{Weights: map[string]int32{}}
		for _, side := range projects.Sides() {
			s.Weights[side] = int32(min(in.number("weight-"+side), 1000) * 100)
		}
		for _, g := range projects.DefaultScheme().Grades {
			s.Grades = append(s.Grades, projects.Grade{Code: g.Code, Least: int32(min(in.number("least-"+g.Code), 1000) * 100), Pays: int32(min(in.number("pays-"+g.Code), 1000) * 100)})
		}
		return projects.ChangeScheme(v.ctx(), q, v.book, id, s)
	}
	return a
}

func (v *visit) assessmentStep() error {
	scheme, err := projects.CurrentScheme(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, assessmentPath, v.assessmentAgain, v.schemeSet(scheme))
}
