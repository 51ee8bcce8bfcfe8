package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/staff"
)

// callsPublicPath lists the calls that everybody reads.
const callsPublicPath = "/calls"

func callHref(c *calls.Call) string { return callsPublicPath + "/" + strconv.Itoa(int(c.Number)) }

type callListView struct {
	Page
	Search      string
	Cards       []callCard
	First, Next string
	Empty       Empty
}

type callCard struct {
	Href, Title, When string
	State             cell
	Budget            money.Money
}

// callPublicList answers /calls.
func (v *visit) callPublicList() error {
	before, err := cursorID(v.QueryParam("before"))
	if err != nil {
		return err
	}
	view := callListView{Page: v.page(T(v.lang, "call.public.heading")), Search: oneLine(v.queried("q"), 60), Empty: Empty{Text: T(v.lang, "call.none")}, First: v.firstPage("before", before != 0)}
	view.Filtered = v.filtered()
	list, err := calls.List(v.ctx(), v.s.DB, v.book, calls.Filter{All: true, Text: view.Search, Before: before})
	if err != nil {
		return err
	}
	if len(list) > calls.PageMax {
		list = list[:calls.PageMax]
		view.Next = v.with("before", strconv.Itoa(int(list[len(list)-1].Number)))
	}
	for i := range list {
		c := &list[i]
		view.Cards = append(view.Cards, callCard{callHref(c), c.Title, v.callDays(c), v.callState(c), v.amount(c.Budget)})
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/call_list", view)
}

type callView struct {
	Page
	Heading, Here, About, Next string
	State                      cell
	Facts                      []Fact
	Rules                      []string
	Grids                      []grid
	Apply                      string // where an organisation hands in
	Ask                        string // where a resident enters a code to object
	Choices                    []Option
	Chosen, Text, Form         string
	Objects, Sent              bool
}

// callOfNumber reads the published call of the address.
func (v *visit) callOfNumber(q pg.Querier) (*calls.Call, error) {
	n, err := strconv.ParseInt(v.Param("number"), 10, 32)
	if err != nil {
		return nil, giving.ErrNoRecord
	}
	c, err := calls.ByNumber(v.ctx(), q, v.book, int32(n))
	if err == nil && !c.Shown() {
		return nil, giving.ErrNoRecord
	}
	return c, err
}

// callPublic answers /calls/{number}: what is asked for, the rules, the ranking and what was said against it.
func (v *visit) callPublic() error {
	c, err := v.callOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	return v.callPublicAgain(http.StatusOK, c, nil)
}

func (v *visit) callPublicAgain(status int, c *calls.Call, wrong Errors) error {
	v.private()
	view := callView{Page: v.page(c.Name() + " " + c.Title), Heading: c.Title, Here: callHref(c), About: c.About, State: v.callState(c), Next: T(v.lang, "call.public.next."+v.callStage(c)), Rules: v.callRules(c),
		Form: newForm(), Sent: v.QueryParam("sent") == "1"}
	view.Errors, view.Path = wrong, view.Here
	view.Crumbs = []Link{{view.T("call.public.heading"), callsPublicPath}, {Label: c.Name()}}
	streets, err := v.streets()
	if err != nil {
		return err
	}
	view.Facts = []Fact{v.fact("need.number", c.Name()), v.fact("subsidy.street", streets[c.StreetID]), v.fact("call.days", v.callDays(c)), v.sumFact("call.budget", c.Budget)}
	if c.NoticeUntil != nil {
		view.Facts = append(view.Facts, v.fact("call.notice.until", v.lastMinute(*c.NoticeUntil)))
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
	if c.Takes(v.now) {
		view.Apply = providerPath + callHref(c)
	}
	objections, said, err := v.callObjections(c)
	if err != nil {
		return err
	}
	if len(said) > 0 || c.NoticeFrom != nil {
		view.Grids = append([]grid{objections}, view.Grids...)
	}
	if c.NoticeFrom != nil {
		ranking, err := v.callRanking(c)
		if err != nil {
			return err
		}
		view.Grids = append([]grid{ranking}, view.Grids...)
	}
	if c.TakesObjections(v.now) {
		if err := v.callObjectForm(&view, c); err != nil {
			return err
		}
	}
	return v.s.render.Render(v.Response(), status, "public/call", view)
}

// callObjectForm asks a resident what she objects to, or for her code.
func (v *visit) callObjectForm(view *callView, c *calls.Call) error {
	_, err := v.resident(v.s.DB)
	if errors.Is(err, residents.ErrNoSession) {
		view.Ask = residentPath + "?next=" + view.Here
		return nil
	}
	if err != nil {
		return err
	}
	view.Objects = true
	if view.Choices, err = v.objectionAbout(c); err != nil {
		return err
	}
	if len(view.Errors) > 0 {
		view.Chosen, view.Text = v.typed("about", 40), v.FormValue("objection")
	}
	return nil
}

// callRanking is the ranking as the public sees it while the notice stands and afterwards.
func (v *visit) callRanking(c *calls.Call) (grid, error) {
	g := grid{Title: T(v.lang, "call.ranking"), Empty: T(v.lang, "proposal.none"), Heads: v.heads("#call.rank", "call.title", "contract.payee", "#call.total", "#filter.amount", "person.state")}
	ranked, err := calls.Ranking(v.ctx(), v.s.DB, v.book, c)
	if err != nil && !errors.Is(err, calls.ErrReviews) {
		return g, err
	}
	proposals := make([]calls.Proposal, len(ranked))
	for i := range ranked {
		proposals[i] = ranked[i].Proposal
	}
	became, err := v.becameProjects(proposals)
	if err != nil {
		return g, err
	}
	for i := range ranked {
		p := &ranked[i]
		if p.Rank == nil {
			continue
		}
		title := textCell(p.Title)
		if p.ProjectID != nil && became[*p.ProjectID] != nil {
			title.Href = projectHref(became[*p.ProjectID])
		}
		g.Rows = append(g.Rows, []cell{{Text: rankWords(p.Rank)}, title, textCell(p.Payee), {Text: v.points(*p.Points, 1)}, v.sumCell(p.Amount), {Text: v.proposalState(&p.Proposal).Text}})
	}
	return g, nil
}

// callObject takes an objection of a resident in.
func (v *visit) callObject() error {
	c, err := v.callOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	v.private()
	r, err := v.resident(v.s.DB)
	if errors.Is(err, residents.ErrNoSession) {
		return v.see(residentPath + "?next=" + callHref(c))
	}
	if err != nil {
		return err
	}
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.NeedForm, r.ID.String(), v.ip(), v.now); err != nil {
		return err
	}
	form, err := v.formID()
	if err != nil {
		return err
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		return calls.Object(v.ctx(), tx, v.book, c, calls.Objection{ID: form, ProposalID: idOf(v.FormValue("about")), Text: giving.CleanText(v.typed("objection", 401)), Resident: &r.ID}, v.now)
	})
	if wrong := v.layoutWrong(err); len(wrong) > 0 {
		return v.callPublicAgain(http.StatusUnprocessableEntity, c, wrong)
	}
	if err != nil {
		return err
	}
	return v.see(callHref(c) + "?sent=1")
}
