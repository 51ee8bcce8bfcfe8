package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/money"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/projects/votes"
)

// votesPath lists the votes of residents.
const votesPath = "/votes"

type voteListView struct {
	Page
	Cards []voteCard
	Empty Empty
	Next  string
}

type voteCard struct {
	Href, Name, When string
	State            cell
	Budget           money.Money
}

// pollState says where a vote stands, by the clock as well.
func (v *visit) pollState(p *polls.Poll) cell {
	name, tag := p.State, map[string]string{polls.Draft: "draft", polls.Open: "good", polls.Closed: "waiting", polls.Counted: "done", polls.Void: "held"}[p.State]
	if p.State == polls.Open && v.now.Before(p.OpensAt) {
		name, tag = "soon", "waiting"
	}
	if p.State == polls.Open && !v.now.Before(p.ClosesAt) {
		name, tag = polls.Closed, "waiting"
	}
	return cell{Text: T(v.lang, "vote.state."+name), Tag: tag}
}

func (v *visit) pollWhen(p *polls.Poll) string {
	return T(v.lang, "vote.when", When(v.lang, p.OpensAt, v.book.Zone), v.pollCloses(p))
}

// pollCloses is the last minute of a vote: midnight would read as the day after.
func (v *visit) pollCloses(p *polls.Poll) string {
	return When(v.lang, p.ClosesAt.Add(-time.Minute), v.book.Zone)
}

// pollHref is where the public reads a vote.
func pollHref(p *polls.Poll) string { return "/vote/" + strconv.Itoa(int(p.Number)) }

// voteList answers /votes.
func (v *visit) voteList() error {
	before, _ := cursorID(v.QueryParam("before"))
	list, err := polls.List(v.ctx(), v.s.DB, v.book, polls.Filter{All: true, Before: before})
	if err != nil {
		return err
	}
	view := voteListView{Page: v.page(T(v.lang, "vote.heading")), Empty: Empty{Text: T(v.lang, "vote.none")}}
	if len(list) > polls.ListMax {
		list = list[:polls.ListMax]
		view.Next = v.with("before", strconv.Itoa(int(list[len(list)-1].Number)))
	}
	for i := range list {
		p := &list[i]
		view.Cards = append(view.Cards, voteCard{Href: pollHref(p), Name: p.Title(string(v.lang)), When: v.pollWhen(p), State: v.pollState(p), Budget: v.amount(p.Budget)})
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/vote_list", view)
}

// ballotView is what a ballot is filled in with; the template part "ballot" draws it.
type ballotView struct {
	Choices *Choices // ticks
	Points  []Field  // or points, a field each
}

// ballot makes the form of a ballot as it was filled in.
func (v *visit) ballot(p Page, poll *polls.Poll, filled votes.Ballot) ballotView {
	given := map[int]int{}
	for _, m := range filled {
		given[m.Option] = m.Points
	}
	var view ballotView
	var ticks []Option
	for i := range poll.Options {
		o := &poll.Options[i]
		place, cost := strconv.Itoa(int(o.Place)), Amount(v.lang, v.amount(o.Cost))
		if poll.Rule.Ballot != votes.Points {
			ticks = append(ticks, Option{Value: place, Label: place + ". " + o.Title(string(v.lang)) + " · " + cost, Hint: o.About, Chosen: given[i] > 0})
			continue
		}
		f := Field{Name: "points-" + place, Label: place + ". " + o.Title(string(v.lang)) + " · " + cost, Hint: o.About, Type: "text", Mode: "numeric", Fill: "off", Width: "4", Optional: true,
			Error: p.Errors.For("points-" + place)}
		if given[i] > 0 {
			f.Value = strconv.Itoa(given[i])
		}
		view.Points = append(view.Points, f)
	}
	if ticks != nil {
		view.Choices = &Choices{Name: "choice", Legend: p.T("vote.choices"), Error: p.Errors.For("choice"), Many: true, Options: ticks}
	}
	return view
}

// readBallot reads the form of a ballot, and says at which field it breaks the rule.
func (v *visit) readBallot(poll *polls.Poll) (b votes.Ballot, wrong Errors) {
	_ = v.FormValue("choice") // the form is read now
	for i := range poll.Options {
		place := strconv.Itoa(int(poll.Options[i].Place))
		if poll.Rule.Ballot != votes.Points {
			for _, ticked := range v.Request().PostForm["choice"] {
				if ticked == place {
					b = append(b, votes.Mark{Option: i, Points: 1})
					break
				}
			}
			continue
		}
		if text := v.typed("points-"+place, 8); text != "" && text != "0" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 || n > votes.PointsMax {
				wrong.Add("points-"+place, T(v.lang, "vote.points.wrong", votes.PointsMax))
				continue
			}
			b = append(b, votes.Mark{Option: i, Points: n})
		}
	}
	if len(wrong) == 0 {
		wrong = v.ballotWrong(poll, poll.Election(v.book.Currency, string(v.lang)).Accepts(b))
	}
	return b, wrong
}

// ballotWrong is what stands against a ballot, at its field.
func (v *visit) ballotWrong(poll *polls.Poll, err error) (wrong Errors) {
	var bad *votes.BallotError
	if !errors.As(err, &bad) {
		return nil
	}
	field, name := "choice", ""
	if len(poll.Options) > 0 {
		name = poll.Options[bad.Option].Title(string(v.lang))
		if poll.Rule.Ballot == votes.Points {
			field = fmt.Sprintf("points-%d", poll.Options[bad.Option].Place)
		}
	}
	switch bad.Reason {
	case votes.OverBudget:
		wrong.Add(field, T(v.lang, "vote.wrong.over-budget", name, v.amount(bad.By)))
	case votes.OverEach:
		wrong.Add(field, T(v.lang, "vote.wrong.over-each", name, bad.Limit))
	default:
		wrong.Add(field, T(v.lang, "vote.wrong."+bad.Reason, bad.Limit))
	}
	return wrong
}

type voteView struct {
	Page
	Heading, Here string
	State         cell
	Facts         []Fact
	Words         []string
	Rows          []grid // the projects, where no ballot can be filled in
	Ballot        *ballotView
	Form          string
	Note          string // why one cannot vote here and now
	Ask           string // where the code is entered
	Sure          *voteSure
	Done          bool
	Cast          bool   // there is a ballot already
	Hash          string // of what was published
	Result        string // where the result stands
}

// voteSure is what the check page shows before a ballot is cast.
type voteSure struct {
	Rows   grid
	Hidden []Option // name and value of the ballot's fields
	Sum    money.Money
	Budget money.Money
	Basket bool
}

// pollOfNumber reads the published vote of the address.
func (v *visit) pollOfNumber(q pg.Querier) (*polls.Poll, error) {
	n, err := strconv.ParseInt(v.Param("number"), 10, 32)
	if err != nil {
		return nil, polls.ErrNoPoll
	}
	p, err := polls.ByNumber(v.ctx(), q, v.book, int32(n))
	if err == nil && (p.State == polls.Draft || p.State == polls.Void) {
		return nil, polls.ErrNoPoll
	}
	return p, err
}

// voteShow answers /vote/{number}: what is voted on, how it is counted, and the ballot.
func (v *visit) voteShow() error {
	p, err := v.pollOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	r, err := v.resident(v.s.DB)
	var filled votes.Ballot
	if err == nil {
		filled, err = polls.Mine(v.ctx(), v.s.DB, v.book, p, r)
	}
	if err != nil && !errors.Is(err, residents.ErrNoSession) {
		return err
	}
	return v.voteAgain(http.StatusOK, p, filled, nil, nil)
}

func (v *visit) voteAgain(status int, p *polls.Poll, filled votes.Ballot, sure *voteSure, wrong Errors) error {
	v.private()
	view := voteView{Page: v.page(p.Title(string(v.lang))), Heading: p.Title(string(v.lang)), Here: pollHref(p), State: v.pollState(p), Words: p.Election(v.book.Currency, string(v.lang)).Words(string(v.lang)),
		Form: newForm(), Sure: sure, Done: v.QueryParam("cast") == "1", Hash: fmt.Sprintf("%x", p.RuleHash)}
	view.Errors, view.Path = wrong, view.Here
	view.Crumbs = []Link{{view.T("vote.heading"), votesPath}, {Label: view.Heading}}
	var err error
	if view.Facts, err = v.pollFacts(v.s.DB, p); err != nil {
		return err
	}
	if p.State == polls.Counted {
		view.Result = view.Here + "/result"
	}
	r, err := v.resident(v.s.DB)
	switch {
	case !p.Takes(v.now):
		view.Note = T(v.lang, "vote.note.closed", When(v.lang, p.OpensAt, v.book.Zone), v.pollCloses(p))
	case errors.Is(err, residents.ErrNoSession):
		view.Note, view.Ask = T(v.lang, "vote.note.code"), residentPath+"?next="+view.Here
	case err != nil:
		return err
	default:
		channel, err := polls.Voted(v.ctx(), v.s.DB, v.book, p, r)
		if err != nil {
			return err
		}
		switch {
		case !entitled(p, r):
			view.Note = T(v.lang, "vote.note.elsewhere")
		case channel == "paper":
			view.Note = T(v.lang, "vote.note.paper", p.PaperAt)
		default:
			ballot := v.ballot(view.Page, p, filled)
			view.Ballot, view.Cast = &ballot, channel != ""
		}
	}
	if view.Ballot == nil {
		view.Rows = []grid{v.optionGrid(p)}
	}
	return v.s.render.Render(v.Response(), status, "public/vote", view)
}

func entitled(p *polls.Poll, r *residents.Resident) bool {
	for _, c := range p.Communities {
		if c == r.CommunityID {
			return true
		}
	}
	return false
}

// pollFacts are what everybody may know of a vote before it is counted.
func (v *visit) pollFacts(q pg.Querier, p *polls.Poll) ([]Fact, error) {
	var names []string
	for _, id := range p.Communities {
		c, err := residents.CommunityByID(v.ctx(), q, v.book, id)
		if err != nil {
			return nil, err
		}
		names = append(names, c.Name(string(v.lang)))
	}
	fund, err := v.fundNamed(p.FundID)
	if err != nil {
		return nil, err
	}
	facts := []Fact{fund, v.sumFact("vote.budget", p.Budget), v.fact("vote.days", v.pollWhen(p)), v.fact("vote.communities", strings.Join(names, T(v.lang, "bar.comma")))}
	if p.PaperAt != "" {
		facts = append(facts, v.fact("vote.paper-at", p.PaperAt))
	}
	return facts, nil
}

// fundNamed is the fund with its public page.
func (v *visit) fundNamed(id int32) (Fact, error) {
	list, err := v.fundsByID(v.ctx(), v.s.DB)
	if err != nil {
		return Fact{}, err
	}
	return Fact{Term: T(v.lang, "vote.fund"), Value: list[id].Name(string(v.lang)), Href: "/f/" + list[id].Code}, nil
}

func (v *visit) optionGrid(p *polls.Poll) grid {
	g := grid{Title: T(v.lang, "vote.options"), Empty: T(v.lang, "vote.options.none"), Heads: v.heads("vote.place", "vote.option", "vote.about", "#vote.cost")}
	for i := range p.Options {
		o := &p.Options[i]
		g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(int(o.Place))}, textCell(o.Title(string(v.lang))), textCell(o.About), v.sumCell(o.Cost)})
	}
	return g
}

// voteCast answers the ballot: first with a page to check it on, then by putting it in.
func (v *visit) voteCast() error {
	p, err := v.pollOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	r, err := v.resident(v.s.DB)
	if errors.Is(err, residents.ErrNoSession) {
		return v.see(residentPath + "?next=" + pollHref(p))
	}
	if err != nil {
		return err
	}
	b, wrong := v.readBallot(p)
	if len(wrong) > 0 {
		return v.voteAgain(http.StatusUnprocessableEntity, p, b, nil, wrong)
	}
	if v.FormValue("do") == "check" {
		return v.voteAgain(http.StatusOK, p, b, v.voteSure(p, b), nil)
	}
	if v.FormValue("do") == "change" {
		return v.voteAgain(http.StatusOK, p, b, nil, nil)
	}
	if err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return polls.Cast(v.ctx(), tx, v.book, p, r, b, v.now) }); err != nil {
		return err
	}
	return v.see(pollHref(p) + "?cast=1")
}

func (v *visit) voteSure(p *polls.Poll, b votes.Ballot) *voteSure {
	s := &voteSure{Rows: grid{Title: T(v.lang, "vote.sure"), Heads: v.heads("vote.option", "#vote.cost")}, Budget: v.amount(p.Budget), Basket: p.Rule.Ballot == votes.Basket}
	if p.Rule.Ballot == votes.Points {
		s.Rows.Heads = v.heads("vote.option", "#vote.points")
	}
	var sum int64
	for _, m := range b {
		o := &p.Options[m.Option]
		row := []cell{textCell(o.Title(string(v.lang))), v.sumCell(o.Cost)}
		hidden := Option{Value: strconv.Itoa(int(o.Place)), Label: "choice"}
		if p.Rule.Ballot == votes.Points {
			row[1], hidden = cell{Text: strconv.Itoa(m.Points)}, Option{Value: strconv.Itoa(m.Points), Label: fmt.Sprintf("points-%d", o.Place)}
		}
		s.Rows.Rows, s.Hidden = append(s.Rows.Rows, row), append(s.Hidden, hidden)
		sum += o.Cost
	}
	s.Sum = v.amount(sum)
	return s
}

type voteResultView struct {
	Page
	Heading, Here string
	Lead          string
	Facts         []Fact
	Grids         []grid
	Words         []string
	File          string // the ballots; empty before the count
}

// voteResult answers /vote/{number}/result: turnout, steps of the count, what was chosen and what not and why, and the ballots.
func (v *visit) voteResult() error {
	p, err := v.pollOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	view := voteResultView{Page: v.page(T(v.lang, "vote.result.title", p.Title(string(v.lang)))), Heading: p.Title(string(v.lang)), Here: pollHref(p)}
	view.Crumbs = []Link{{view.T("vote.heading"), votesPath}, {view.Heading, view.Here}, {Label: view.T("vote.result")}}
	if view.Facts, err = v.pollFacts(v.s.DB, p); err != nil {
		return err
	}
	view.Words = p.Election(v.book.Currency, string(v.lang)).Words(string(v.lang))
	if p.State != polls.Counted {
		view.Lead = T(v.lang, "vote.result.later", v.pollCloses(p))
		return v.s.render.Render(v.Response(), http.StatusOK, "public/vote_result", view)
	}
	r := p.Result
	view.File = view.Here + "/ballots"
	view.Lead = T(v.lang, "vote.result.lead", len(r.Steps), v.amount(r.Cost), v.amount(p.Budget))
	view.Facts = append(view.Facts, v.fact("vote.turnout", T(v.lang, "vote.turnout.is", r.Online+r.Paper, r.Online, r.Paper, r.Spoiled)), v.fact("vote.counted", When(v.lang, *p.CountedAt, v.book.Zone)))
	if r.Share != "" {
		view.Facts = append(view.Facts, v.fact("vote.share", T(v.lang, "vote.share.is", v.amount(polls.Whole(r.Share)), r.Raises)))
	}
	outcome, err := v.outcomeGrid(p)
	if err != nil {
		return err
	}
	view.Grids = []grid{outcome, v.stepGrid(p)}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/vote_result", view)
}

// outcomeGrid says how each project came out, and what of its money is still set aside.
func (v *visit) outcomeGrid(p *polls.Poll) (grid, error) {
	g := grid{Title: T(v.lang, "vote.outcome"), Heads: v.heads("vote.place", "vote.option", "vote.state", "#vote.cost", "#vote.voters", "#vote.left")}
	if p.Rule.Ballot == votes.Points {
		g.Heads = v.heads("vote.place", "vote.option", "vote.state", "#vote.cost", "#vote.points", "#vote.left")
	}
	for i, s := range p.Result.Options {
		o := &p.Options[i]
		tag := map[string]string{votes.Won: "good", votes.Filled: "good"}[s.State]
		row := []cell{{Text: strconv.Itoa(int(o.Place))}, textCell(o.Title(string(v.lang))), {Text: T(v.lang, "vote.outcome."+s.State), Tag: tag}, v.sumCell(o.Cost), {Text: Count(s.Votes)}, {}}
		if tag == "" {
			row[2].Tag = "held"
		} else {
			left, err := polls.Left(v.ctx(), v.s.DB, v.book, p, o.Place)
			if err != nil {
				return g, err
			}
			row[5] = v.sumCell(left)
		}
		g.Rows = append(g.Rows, row)
	}
	return g, nil
}

// stepGrid is the count, project by project.
func (v *visit) stepGrid(p *polls.Poll) grid {
	g := grid{Title: T(v.lang, "vote.steps"), Empty: T(v.lang, "vote.steps.none"), Heads: v.heads("vote.step", "vote.option", "vote.step.how", "#vote.step.left")}
	for i, s := range p.Result.Steps {
		how, name := T(v.lang, "vote.step.most"), ""
		for j := range p.Options {
			if p.Options[j].Place == s.Place {
				name = p.Options[j].Title(string(v.lang))
			}
		}
		if s.Price != "" {
			how = T(v.lang, "vote.step.shared", s.Full, v.amount(polls.Whole(s.Price)))
			if p.Rule.Ballot == votes.Points {
				how = T(v.lang, "vote.step.shared-points", s.Full, v.amount(polls.Whole(s.Price)))
			}
		}
		g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(i + 1)}, textCell(name), {Text: how}, v.sumCell(s.Left)})
	}
	return g
}

// voteBallots hands out the ballots without names, for anybody to count again.
func (v *visit) voteBallots() error {
	p, err := v.pollOfNumber(v.s.DB)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := polls.WriteBallots(v.ctx(), v.s.DB, v.book, p, &file); err != nil {
		return err
	}
	head := v.Response().Header()
	head.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="vote-%d.pb"`, p.Number))
	head.Set("X-Content-Type-Options", "nosniff")
	return v.Blob(http.StatusOK, "text/plain; charset=utf-8", file.Bytes())
}
