package web

import (
	"net/http"
	"strconv"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/projects"
)

// directoryPath lists social organisations for everybody.
const directoryPath = "/organisations"

func providerHref(number int32) string { return directoryPath + "/" + strconv.Itoa(int(number)) }

type directoryView struct {
	Page
	Heading, Lead    string
	Search, Standing string
	Standings        []Option
	Grid             grid
	First, Next      string
	CSV              string
	Empty            Empty
}

// directory answers /organisations?q=&standing=&before=: who is registered or filed, what it does and how its work was assessed. Neither bank
// accounts nor people are on it.
func (v *visit) directory() error {
	before, err := cursorID(v.QueryParam("before"))
	if err != nil {
		return err
	}
	title := T(v.lang, "directory.heading")
	view := directoryView{Page: v.page(title), Heading: title, Lead: T(v.lang, "directory.lead"), Search: oneLine(v.queried("q"), 60), Empty: Empty{Text: T(v.lang, "directory.none")}}
	view.Filtered = v.filtered()
	view.Crumbs = []Link{{view.T("board.heading"), boardPath}, {Label: title}}
	view.Standing, view.Standings = v.pick("standing", "payee.standing", projects.Registered, projects.Filed)
	from := listed[projects.Provider, int32]{projects.PageMax, func(before int32) (list []projects.Provider, err error) {
		return projects.Directory(v.ctx(), v.s.DB, v.book, view.Standing, view.Search, before)
	}, func(p *projects.Provider) int32 { return p.Number }, func(list []projects.Provider) (rows [][]cell, err error) {
		for i := range list {
			p := &list[i]
			rows = append(rows, []cell{{Text: p.Name, Href: providerHref(p.Number), User: true}, {Text: T(v.lang, "payee.standing."+p.Standing)}, textCell(p.Services), pointsCell(p.Points, p.Assessed),
				{Text: T(v.lang, "board.assessed", p.Contracts, p.Assessed)}})
		}
		return rows, nil
	}}
	view.Grid = grid{Title: title, Heads: v.heads("payee.name", "payee.standing", "payee.services", "#board.points", "#board.contracts")}
	if v.QueryParam("format") == "csv" {
		list := workPages{Page: view.Page, Grid: view.Grid}
		return showAll(v, &list, "organisations", 0, from)
	}
	rows, next, err := from.page(before)
	if err != nil {
		return err
	}
	if view.Grid.Rows = rows; next != 0 {
		view.Next = v.with("before", strconv.Itoa(int(next)))
	}
	view.First, view.CSV = v.firstPage("before", before != 0), v.with("format", "csv", "before", "")
	return v.s.render.Render(v.Response(), http.StatusOK, "public/directory", view)
}

// directoryShow answers /organisations/{number}: one organisation and the projects that it works for.
func (v *visit) directoryShow() error {
	var view storyView
	err := v.read(func(q pg.Querier) error {
		p, err := projects.ProviderByNumber(v.ctx(), q, v.book, v.recordNumber())
		if err != nil {
			return err
		}
		view.Page, view.Heading, view.Lead = v.page(p.Name), p.Name, p.Services
		view.Crumbs = []Link{{view.T("directory.heading"), directoryPath}, {Label: p.Name}}
		view.Facts = []Fact{v.fact("payee.standing", T(v.lang, "payee.standing."+p.Standing))}
		if p.Code != "" {
			view.Facts = append(view.Facts, v.fact("payee.code", p.Code))
		}
		view.Facts = append(view.Facts, v.fact("board.points", pointsCell(p.Points, p.Assessed).Text), v.fact("board.contracts", T(v.lang, "board.assessed", p.Contracts, p.Assessed)))
		work, err := p.Work(v.ctx(), q, v.book, boardShown)
		if err != nil {
			return err
		}
		g := grid{Title: T(v.lang, "directory.work"), Empty: T(v.lang, "directory.work.none"), Heads: v.heads("board.project", "person.state", "contract.heading", "#board.points", "#filter.amount", "#project.paid")}
		for _, w := range work {
			on := projects.Project{Number: w.Project, State: w.State}
			g.Rows = append(g.Rows, []cell{{Text: w.Title, Href: projectHref(&on), User: true}, v.projectState(&on), textCell(w.Contract), pointsCell(w.Points, w.Points), v.sumCell(w.Amount), v.sumCell(w.Paid)})
		}
		view.Grids = []grid{g}
		position, err := ledger.Posted(v.ctx(), q, v.book, 0)
		view.AsOf = v.asOf(position)
		return err
	})
	if err != nil {
		return err
	}
	view.Rules = []string{T(v.lang, "board.rule.points")}
	view.Links = []Link{{T(v.lang, "board.all"), boardPath}}
	return v.story(view)
}
