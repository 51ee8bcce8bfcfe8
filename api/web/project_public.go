package web

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

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

// boardPath ranks projects and providers.
const boardPath = "/projects"

// How many projects, providers and payments a public page lists.
const (
	boardShown  = 100
	outlayShown = 60
)

func projectHref(p *projects.Project) string { return boardPath + "/" + strconv.Itoa(int(p.Number)) }

func pointsCell(points, of int32) cell {
	if of == 0 {
		return cell{Text: "—"}
	}
	return cell{Text: hundredths(int64(points))}
}

// board answers /projects: projects and providers, the best assessed first.
func (v *visit) board() error {
	view := storyView{Page: v.page(T(v.lang, "board.heading")), Heading: T(v.lang, "board.heading"), Lead: T(v.lang, "board.lead")}
	err := v.read(func(q pg.Querier) error {
		list, err := projects.Board(v.ctx(), q, v.book, 0, boardShown)
		if err != nil {
			return err
		}
		view.Grids = append(view.Grids, v.boardGrid(list))
		payees, err := projects.PayeeBoard(v.ctx(), q, v.book, boardShown)
		if err != nil {
			return err
		}
		g := grid{Title: T(v.lang, "board.payees"), Empty: T(v.lang, "board.none"), Heads: v.heads("#board.place", "board.payee", "#board.points", "#board.contracts", "#board.times", "#board.ontime", "#project.paid")}
		place := 0
		for i, p := range payees {
			if i == 0 || p.Points != payees[i-1].Points || p.Times != payees[i-1].Times {
				place = i + 1
			}
			g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(place)}, {Text: p.Name, Href: providerHref(p.Number), User: true}, pointsCell(p.Points, p.Assessed), {Text: T(v.lang, "board.assessed", p.Contracts, p.Assessed)}, {Text: Count(p.Times)},
				{Text: T(v.lang, "board.of", p.OnTime, p.Accepted)}, v.sumCell(p.Paid)})
		}
		view.Grids = append(view.Grids, g)
		position, err := ledger.Posted(v.ctx(), q, v.book, 0)
		view.AsOf = v.asOf(position)
		return err
	})
	if err != nil {
		return err
	}
	view.Rules = []string{T(v.lang, "board.rule.points"), T(v.lang, "board.rule.tie"), T(v.lang, "board.rule.people")}
	view.Links = []Link{{T(v.lang, "trace.rule.link"), tracePath}, {T(v.lang, "directory.heading"), directoryPath}, {T(v.lang, "vote.heading"), votesPath}}
	return v.story(view)
}

func (v *visit) boardGrid(list []projects.Standing) grid {
	g := grid{Title: T(v.lang, "board.projects"), Empty: T(v.lang, "board.none"), Heads: v.heads("#board.place", "board.project", "person.state", "#board.points", "#board.times", "#board.stages", "#project.budget", "#project.paid")}
	place := 0
	for i, s := range list {
		if i == 0 || s.Points != list[i-1].Points || s.Times != list[i-1].Times {
			place = i + 1
		}
		p := projects.Project{Number: s.Number, State: s.State}
		g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(place)}, {Text: s.Title, Href: projectHref(&p), User: true}, v.projectState(&p), pointsCell(s.Points, s.Assessed), {Text: Count(s.Times)},
			{Text: T(v.lang, "board.of", s.Accepted, s.Stages)}, v.sumCell(s.Budget), v.sumCell(s.Paid)})
	}
	return g
}

// outlayGrid lists payments that went to the bank.
func (v *visit) outlayGrid(list []projects.Payment) grid {
	g := grid{Title: T(v.lang, "board.invoices"), Empty: T(v.lang, "board.invoices.none"), Heads: v.heads("trace.what", "pay.kind", "person.state", "trace.day", "#filter.amount")}
	for i := range list {
		p := &list[i]
		day := "—"
		if p.PaidOn != nil {
			day = ISODay(*p.PaidOn)
		}
		g.Rows = append(g.Rows, []cell{{Text: v.paymentName(p), Href: paymentHref(p), User: true}, {Text: T(v.lang, "pay.kind."+p.Kind)}, v.paymentState(p), {Text: day}, v.sumCell(p.Amount)})
	}
	return g
}

// projectPublic answers /projects/{number}: what was promised, what was done, what it cost.
func (v *visit) projectPublic() error {
	var view storyView
	err := v.read(func(q pg.Querier) error {
		p, err := projects.PublicProject(v.ctx(), q, v.book, v.recordNumber())
		if err != nil {
			return err
		}
		return v.fillProject(q, p, &view)
	})
	if err != nil {
		return err
	}
	return v.story(view)
}

// projectNeed leads back to what residents asked for.
func (v *visit) projectNeed(q pg.Querier, p *projects.Project, view *storyView) error {
	from, err := calls.ProposalOf(v.ctx(), q, v.book, p.ID)
	if errors.Is(err, giving.ErrNoRecord) || err == nil && from.NeedID == nil {
		return nil
	}
	if err != nil {
		return err
	}
	need, err := needs.ByID(v.ctx(), q, v.book, *from.NeedID)
	if err == nil && need.Shown() {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "proposal.need"), Value: need.Title, Href: needHref(need)})
	}
	return err
}

func (v *visit) fillProject(q pg.Querier, p *projects.Project, view *storyView) error {
	view.Page = v.page(p.Title)
	view.Heading, view.Lead, view.State = p.Title, p.Plan, v.projectState(p)
	view.Crumbs = []Link{{view.T("board.heading"), boardPath}, {Label: p.Name()}}
	view.Facts = []Fact{v.fact("project.days", Day(v.lang, p.StartsOn)+" – "+Day(v.lang, p.EndsOn)), v.sumFact("project.budget", p.Budget), v.sumFact("project.committed", p.Committed)}
	if p.Community != "" {
		view.Facts = append(view.Facts, v.fact("project.community", p.Community))
	}
	if p.People > 0 {
		view.Facts = append(view.Facts, v.fact("project.people", Count(int64(p.People))))
	}
	funds, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return err
	}
	if f := funds[p.FundID]; f != nil {
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "subsidy.fund"), Value: f.Name(string(v.lang)), Href: fundHref(f)})
	}
	if p.PollID != nil {
		poll, err := polls.ByID(v.ctx(), q, v.book, *p.PollID)
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "project.vote"), Value: poll.Title(string(v.lang)), Href: pollHref(poll) + "/result"})
	}
	if err := v.projectNeed(q, p, view); err != nil {
		return err
	}
	if err := v.projectFigures(q, p, view); err != nil {
		return err
	}
	if err := v.projectWork(q, p, view); err != nil {
		return err
	}
	list, err := projects.Outlay(v.ctx(), q, v.book, &p.ID, 0, outlayShown)
	if err != nil {
		return err
	}
	view.Grids = append(view.Grids, v.outlayGrid(list))
	photos, err := projects.Photos(v.ctx(), q, v.book, p)
	if err != nil {
		return err
	}
	for n := range photos {
		view.Photos = append(view.Photos, photoView{fmt.Sprintf("%s/photo?n=%d", projectHref(p), n), T(v.lang, "need.photo.alt", n+1)})
	}
	position, err := ledger.Posted(v.ctx(), q, v.book, 0)
	view.AsOf = v.asOf(position)
	if err != nil {
		return err
	}
	view.Links = append(view.Links, Link{T(v.lang, "trace.rule.link"), tracePath})
	of := updatesOfProject(p)
	view.Feeds = v.feedsOf(of)
	view.Updates, err = v.updatesPart(q, of)
	return err
}

// projectFigures are money in by source, person-times, and the published account or when it is due.
func (v *visit) projectFigures(q pg.Querier, p *projects.Project, view *storyView) error {
	finals, err := projects.FinalAccount(v.ctx(), q, v.book, p.ID)
	if err != nil {
		return err
	}
	view.Grids = append(view.Grids, v.finalGrid(finals))
	s, err := p.Standing(v.ctx(), q, v.book)
	if err != nil {
		return err
	}
	view.Facts = append(view.Facts, v.sumFact("project.paid", s.Paid), v.fact("board.times", Count(s.Times)), v.fact("board.reached", Count(s.People)))
	switch {
	case p.PublishedOn != nil:
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "project.final"), Value: T(v.lang, "project.published.on", Day(v.lang, *p.PublishedOn)), Href: projectHref(p) + "/account"})
	case p.PublishBy != nil:
		view.Facts = append(view.Facts, v.fact("project.publishby", Day(v.lang, *p.PublishBy)))
	}
	return nil
}

// finalGrid is an account by source.
func (v *visit) finalGrid(list []projects.Final) grid {
	g := grid{Title: T(v.lang, "project.final"), Empty: T(v.lang, "project.final.none"), Heads: v.heads("contract.payer", "contract.treatment", "#project.budget", "#project.cost", "#project.paid", "#project.returned", "#project.rest")}
	var sum projects.Final
	for _, f := range list {
		g.Rows = append(g.Rows, []cell{textCell(f.Payer), {Text: T(v.lang, "contract.treatment."+f.Treatment)}, v.sumCell(f.Budget), v.sumCell(f.Cost), v.sumCell(f.Paid), v.sumCell(f.Returned), v.sumCell(f.Rest)})
		sum.Budget, sum.Cost, sum.Paid, sum.Returned, sum.Rest = sum.Budget+f.Budget, sum.Cost+f.Cost, sum.Paid+f.Paid, sum.Returned+f.Returned, sum.Rest+f.Rest
	}
	if len(list) > 1 {
		g.Rows = append(g.Rows, []cell{{Text: T(v.lang, "project.sum")}, {}, v.sumCell(sum.Budget), v.sumCell(sum.Cost), v.sumCell(sum.Paid), v.sumCell(sum.Returned), v.sumCell(sum.Rest)})
	}
	return g
}

// projectWork are the stages of a project's contracts as stations, and what the four sides found. Scores are shown once all four are in.
func (v *visit) projectWork(q pg.Querier, p *projects.Project, view *storyView) error {
	contracts, err := projects.Contracts(v.ctx(), q, v.book, projects.ContractFilter{All: true, Project: &p.ID, Limit: boardShown})
	if err != nil {
		return err
	}
	scores := grid{Title: T(v.lang, "board.scores"), Empty: T(v.lang, "board.scores.none"), Heads: v.heads("contract.heading", "board.payee", "assess.side", "#assess.points")}
	view.StepsTitle = T(v.lang, "board.milestones")
	for i := range contracts {
		c := &contracts[i]
		if c.State == projects.Draft || c.State == projects.Void {
			continue
		}
		stages, err := projects.Milestones(v.ctx(), q, v.book, c.ID)
		if err != nil {
			return err
		}
		for _, m := range stages {
			view.Steps = append(view.Steps, v.stageStep(&m))
		}
		payee, err := projects.PayeeByID(v.ctx(), q, v.book, c.PayeeID)
		if err != nil {
			return err
		}
		result, err := projects.ResultOf(v.ctx(), q, v.book, c)
		if errors.Is(err, projects.ErrScores) {
			continue
		}
		if err != nil {
			return err
		}
		all, err := projects.Scores(v.ctx(), q, v.book, c.ID)
		if err != nil {
			return err
		}
		_, list := projects.Round(all, projects.AtEnd)
		for _, s := range list {
			scores.Rows = append(scores.Rows, []cell{textCell(c.Title), textCell(payee.Name), {Text: T(v.lang, "assess.side."+s.Side)}, {Text: strconv.Itoa(int(s.Points))}})
		}
		scores.Rows = append(scores.Rows, []cell{textCell(c.Title), textCell(payee.Name), {Text: T(v.lang, "board.scores.total", T(v.lang, "assess.grade."+result.Grade.Code))}, {Text: hundredths(int64(result.Points))}})
	}
	view.Grids = append(view.Grids, scores)
	return nil
}

func (v *visit) stageStep(m *projects.Milestone) Step {
	step := Step{State: "open", Label: m.Title + " " + Amount(v.lang, v.amount(m.Amount)), At: T(v.lang, "board.due", Day(v.lang, m.DueOn))}
	switch m.State {
	case projects.Inspected:
		step.State = "now"
	case projects.Accepted:
		step.State, step.At = "done", Day(v.lang, *m.AcceptedOn)
		if m.Accepted < m.Amount {
			step.Note = T(v.lang, "board.accepted.part", v.amount(m.Accepted))
		}
	case projects.Refused:
		step.Note = T(v.lang, "board.refused")
	}
	return step
}

// projectPhoto answers /projects/{number}/photo?n=.
func (v *visit) projectPhoto() error {
	p, err := projects.PublicProject(v.ctx(), v.s.DB, v.book, v.recordNumber())
	if err != nil {
		return err
	}
	return v.photoOfProject(p, true)
}

func (v *visit) photoOfProject(p *projects.Project, public bool) error {
	hashes, err := projects.Photos(v.ctx(), v.s.DB, v.book, p)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(v.QueryParam("n"))
	if err != nil || n < 0 || n >= len(hashes) {
		return giving.ErrNoRecord
	}
	body, err := projects.Photo(v.ctx(), v.s.DB, v.book, p, hashes[n])
	if err != nil {
		return err
	}
	return v.sendPhoto(body, public)
}

// projectAccount answers /projects/{number}/account: the final account as it was published, to be printed. ?version= shows an earlier one.
func (v *visit) projectAccount() error {
	db := v.s.DB
	p, err := projects.PublicProject(v.ctx(), db, v.book, v.recordNumber())
	if err != nil {
		return err
	}
	all, err := projects.Settlements(v.ctx(), db, v.book, p.ID)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return giving.ErrNoRecord
	}
	chosen := &all[0]
	for i := range all {
		if strconv.Itoa(int(all[i].Version)) == v.QueryParam("version") {
			chosen = &all[i]
		}
	}
	a, err := chosen.Read()
	if err != nil {
		return err
	}
	title := T(v.lang, "settlement.title", a.Title)
	view := storyView{Page: v.page(title), Heading: title, Lead: T(v.lang, "settlement.lead", Day(v.lang, chosen.Day), chosen.Version)}
	view.Crumbs = []Link{{view.T("board.heading"), boardPath}, {p.Title, projectHref(p)}, {Label: view.T("project.final")}}
	if err := v.settlement(a, &view); err != nil {
		return err
	}
	view.Facts = append(view.Facts, v.fact("settlement.hash", hex.EncodeToString(chosen.Hash)))
	if chosen.Reason != "" {
		view.Notes = append(view.Notes, T(v.lang, "settlement.corrected", chosen.Reason))
	}
	if chosen.Version != all[0].Version {
		view.Notes = append(view.Notes, T(v.lang, "settlement.old"))
	}
	for i := range all {
		if all[i].Version != chosen.Version {
			view.Links = append(view.Links, Link{T(v.lang, "settlement.version", all[i].Version, Day(v.lang, all[i].Day)), projectHref(p) + "/account?version=" + strconv.Itoa(int(all[i].Version))})
		}
	}
	return v.story(view)
}

func (v *visit) settlement(a *projects.Settlement, view *storyView) error {
	var wrong error
	sum := func(text string) cell {
		m, err := money.Parse(text, a.Currency)
		if err != nil {
			wrong = err
		}
		return cell{Sum: &money.Money{Minor: m, Currency: a.Currency}}
	}
	day := func(text string) string {
		at, err := time.Parse(time.DateOnly, text)
		if err != nil {
			wrong = err
		}
		return Day(v.lang, at)
	}
	view.Facts = []Fact{v.fact("project.number", a.Project), v.fact("project.days", day(a.Started)+" – "+day(a.Ended)), v.fact("project.budget", Amount(v.lang, *sum(a.Budget).Sum)), v.fact("board.times", Count(a.Times)),
		v.fact("board.reached", Count(a.People)), v.fact("board.points", orDash(a.Points)), v.fact("settlement.position", Count(a.Position))}
	g := grid{Title: T(v.lang, "project.final"), Heads: v.heads("contract.payer", "contract.treatment", "subsidy.fund", "#project.budget", "#project.cost", "#project.paid", "#project.returned", "#project.rest")}
	for _, s := range a.Sources {
		g.Rows = append(g.Rows, []cell{textCell(s.Payer), {Text: T(v.lang, "contract.treatment."+s.Treatment)}, {Text: s.Fund}, sum(s.Promised), sum(s.Cost), sum(s.Paid), sum(s.Returned), sum(s.Rest)})
	}
	paid := grid{Title: T(v.lang, "board.invoices"), Empty: T(v.lang, "board.invoices.none"), Heads: v.heads("pay.number", "board.payee", "pay.invoice", "trace.day", "#filter.amount")}
	for _, p := range a.Payments {
		paid.Rows = append(paid.Rows, []cell{{Text: p.Number}, textCell(p.Payee), textCell(orDash(p.Invoice)), {Text: p.Day}, sum(p.Amount)})
	}
	view.Grids = []grid{g, paid}
	return wrong
}

// projectPublicPart is what a project's page in the console shows of its public page: photos, campaigns that pay first, the way there.
func (v *visit) projectPublicPart(view *recordView, p *projects.Project, here string) error {
	if p.State != projects.Approved && p.State != projects.Ended {
		return nil
	}
	photos, err := projects.Photos(v.ctx(), v.s.DB, v.book, p)
	if err != nil {
		return err
	}
	for n := range photos {
		view.Photos = append(view.Photos, photoView{fmt.Sprintf("%s/photo?n=%d", here, n), T(v.lang, "need.photo.alt", n+1)})
	}
	if v.who.May(staff.ProjectEnter) && len(photos) < projects.PhotosMax {
		view.Upload = &uploadView{Words: "project.photo", Action: here + "/photo", Form: newForm(), Most: paperSize(needs.PhotoMax), Accept: "image/jpeg,image/png"}
	}
	earmarked, err := projects.Earmarked(v.ctx(), v.s.DB, v.book, p.ID)
	if err != nil {
		return err
	}
	for _, id := range earmarked {
		c, err := giving.CampaignByID(v.ctx(), v.s.DB, v.book, id)
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, Fact{Term: T(v.lang, "project.campaign"), Value: c.Title(string(v.lang)), Href: "/c/" + c.Slug})
	}
	view.Links = append(view.Links, Link{T(v.lang, "project.public"), projectHref(p)}, Link{T(v.lang, "update.heading"), here + "/updates"})
	return nil
}

func (v *visit) projectDeskPhoto() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.project(v.s.DB, id)
	if err != nil {
		return err
	}
	return v.photoOfProject(p, false)
}

// projectPhotoAdd puts a photo on the project's public page, drawn anew: place, time and camera are gone.
func (v *visit) projectPhotoAdd() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := v.project(v.s.DB, id)
	if err != nil {
		return err
	}
	if p.State != projects.Approved && p.State != projects.Ended {
		return giving.ErrStep
	}
	return v.photosAdded(v.projectAgain, func(tx pgx.Tx, photo []byte) error { return projects.AddPhoto(v.ctx(), tx, v.book, p, photo) },
		staff.Event{What: "project.photo", Object: p.Object()}, projectsPath+"/"+id.String())
}
