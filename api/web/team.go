package web

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/teams"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

const teamsPath = "/console/teams"

type teamFormView struct {
	Page
	Ref, Title, Goal string
	Campaign         Link
}

// teamOf reads the team of the address with its campaign.
func (v *visit) teamOf(q pg.Querier) (*teams.Team, *giving.Campaign, error) {
	t, err := teams.ByCode(v.ctx(), q, v.book, v.Param("code"))
	if err != nil {
		return nil, nil, err
	}
	c, err := giving.CampaignByID(v.ctx(), q, v.book, t.CampaignID)
	return t, c, err
}

// teamForm answers GET /g/{ref}/team: whoever made a gift may begin a team, one for each gift.
func (v *visit) teamForm() error { return v.teamFormAgain(http.StatusOK, nil) }

func (v *visit) teamFormAgain(status int, wrong Errors) error {
	id, err := giving.ParseRef(v.book, v.Param("ref"))
	if err != nil {
		return err
	}
	r, err := giving.GiftByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	if t, err := teams.OfGift(v.ctx(), v.s.DB, v.book, id); err == nil && !t.Hidden {
		return v.see("/t/" + t.Code)
	}
	c, err := giving.CampaignByID(v.ctx(), v.s.DB, v.book, r.Gift.CampaignID)
	if err != nil {
		return err
	}
	view := teamFormView{Page: v.page(T(v.lang, "team.start")), Ref: v.Param("ref"), Title: v.typed("title", 80), Goal: v.typed("goal", 40),
		Campaign: Link{c.Title(string(v.lang)), "/c/" + c.Slug}}
	view.Errors, view.Path = wrong, "/g/"+view.Ref+"/team"
	view.Crumbs = []Link{view.Campaign, {Label: view.T("team.start")}}
	secret(v)
	return v.s.render.Render(v.Response(), status, "public/team_form", view)
}

// teamStart begins the team.
func (v *visit) teamStart() error {
	id, err := giving.ParseRef(v.book, v.Param("ref"))
	if err != nil {
		return err
	}
	if err := staff.TakeTurn(v.ctx(), v.s.DB, v.book.ID, staff.TeamForm, id.String(), v.ip(), v.now); err != nil {
		return err
	}
	if _, err := giving.GiftByID(v.ctx(), v.s.DB, v.book, id); err != nil {
		return err
	}
	goal, err := money.ParseInput(v.typed("goal", 40), v.book.Currency)
	if err != nil {
		goal = 0 // refused below
	}
	var t *teams.Team
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) (err error) {
		t, err = teams.Start(v.ctx(), tx, v.book, id, v.typed("title", 80), goal, rand.Reader, v.now)
		return err
	})
	var fields *giving.FieldErrors
	if errors.As(err, &fields) {
		var wrong Errors
		for _, f := range fields.List {
			wrong.Add(f.Field, v.fieldWords(f))
		}
		return v.teamFormAgain(http.StatusUnprocessableEntity, wrong)
	}
	if err != nil {
		return err
	}
	return v.see("/t/" + t.Code)
}

type teamView struct {
	Page
	Code, Name   string
	Campaign     Link
	Goal         money.Money
	Raised       money.Money
	Percent      int64
	Bar          int64 // in thousandths of the goal, at most all
	Facts        []Fact
	Give, Poster string
	Address      string
	Open         bool
	Note         string
}

// teamShow answers /t/{code}: how far the team has come.
func (v *visit) teamShow() error { return v.teamAgain(http.StatusOK, "") }

func (v *visit) teamAgain(status int, note string) error {
	var view teamView
	err := v.read(func(q pg.Querier) error {
		t, c, err := v.teamOf(q)
		if err != nil {
			return err
		}
		p, err := teams.ProgressOf(v.ctx(), q, v.book, t)
		if err != nil {
			return err
		}
		view = teamView{Page: v.page(T(v.lang, "team.title", t.Title)), Code: t.Code, Name: t.Title, Campaign: Link{c.Title(string(v.lang)), "/c/" + c.Slug}, Goal: v.amount(t.Goal),
			Raised: v.amount(p.Raised), Percent: max(0, p.Raised) * 100 / t.Goal, Bar: min(1000, max(0, p.Raised)*1000/t.Goal), Give: "/c/" + c.Slug + "/give?team=" + t.Code,
			Poster: "/t/" + t.Code + "/poster", Address: v.origin() + "/t/" + t.Code, Open: v.givable(c), Note: note}
		view.Facts = []Fact{v.fact("team.gifts", Count(p.Gifts)), v.fact("team.friends", Count(p.Friends)), v.fact("team.flowers", Count(p.Flowers))}
		return nil
	})
	if err != nil {
		return err
	}
	view.Path = "/t/" + view.Code
	view.Crumbs = []Link{view.Campaign, {view.T("team.list"), view.Campaign.Href + "/teams"}, {Label: view.Name}}
	view.Figure = v.asOf(0)
	return v.s.render.Render(v.Response(), status, "public/team", view)
}

// teamFlower gives the team a flower, for whoever has opened their own page by a letter.
func (v *visit) teamFlower() error {
	t, _, err := v.teamOf(v.s.DB)
	if err != nil {
		return err
	}
	donor, err := v.donorOf(v.s.DB)
	if errors.Is(err, giving.ErrNoSession) {
		return v.see(ownPath)
	}
	if err != nil {
		return err
	}
	err = pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error { return teams.Flower(v.ctx(), tx, v.book, t, donor, v.now) })
	if errors.Is(err, teams.ErrFlowers) {
		return v.teamAgain(http.StatusConflict, T(v.lang, "team.flower.none", teams.FlowersMax))
	}
	if err != nil {
		return err
	}
	return v.see("/t/" + t.Code)
}

type teamListView struct {
	Page
	Campaign Link
	Rows     []teamRow
	Empty    Empty
}

type teamRow struct {
	Href, Name                   string
	Place, Gifts, Friends, Bloom string
	Raised, Goal                 money.Money
}

// teamList answers /c/{slug}/teams: the teams of a campaign, those that raised most first.
func (v *visit) teamList() error {
	c, err := v.campaign(v.s.DB)
	if err != nil {
		return err
	}
	list, err := teams.List(v.ctx(), v.s.DB, v.book, c.ID, false)
	if err != nil {
		return err
	}
	view := teamListView{Page: v.page(T(v.lang, "team.list")), Campaign: Link{c.Title(string(v.lang)), "/c/" + c.Slug}}
	view.Crumbs = []Link{view.Campaign, {Label: view.T("team.list")}}
	view.Empty = Empty{Text: view.T("team.none"), Action: &Link{view.T("campaign.give"), view.Campaign.Href + "/give"}}
	for i, s := range list {
		view.Rows = append(view.Rows, teamRow{"/t/" + s.Code, s.Title, Count(int64(i + 1)), Count(s.Gifts), Count(s.Friends), Count(s.Progress.Flowers),
			v.amount(s.Raised), v.amount(s.Goal)})
	}
	view.Figure = v.asOf(0)
	return v.s.render.Render(v.Response(), http.StatusOK, "public/team_list", view)
}

// teamManage lists the teams of campaigns in sight, for those who may take one off the pages.
func (v *visit) teamManage() error { return v.teamsAgain(http.StatusOK, nil) }

func (v *visit) teamsAgain(status int, wrong Errors) error {
	s, err := v.sight()
	if err != nil {
		return err
	}
	view := recordView{Page: v.consolePage(T(v.lang, "place.teams"), teamsPath), Heading: T(v.lang, "place.teams"), Lead: T(v.lang, "team.lead")}
	view.Errors, view.Path = wrong, teamsPath
	list, err := teams.List(v.ctx(), v.s.DB, v.book, 0, true)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "team.list"), Empty: T(v.lang, "team.none"), Heads: v.heads("team.name", "gift.campaign", "team.code", "person.state", "#team.gifts", "#team.raised", "#team.goal")}
	for _, t := range list {
		c, err := giving.CampaignByID(v.ctx(), v.s.DB, v.book, t.CampaignID)
		if err != nil {
			return err
		}
		if s.fund(c.FundID) == nil {
			continue
		}
		state, href := cell{Text: T(v.lang, "team.state.shown"), Tag: "good"}, "/t/"+t.Code
		if t.Hidden {
			state, href = cell{Text: T(v.lang, "team.state.hidden"), Tag: "held"}, ""
		}
		g.Rows = append(g.Rows, []cell{{Text: t.Title, Href: href, User: true}, textCell(c.Title(string(v.lang))), {Text: t.Code}, state, {Text: Count(t.Gifts)}, v.sumCell(t.Raised), v.sumCell(t.Goal)})
	}
	view.Grids = []grid{g}
	if err := v.offer(&view, teamsPath, teamHide()); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func teamHide() act {
	return act{name: "team-hide", needs: staff.CampaignWrite, danger: true, blanks: []blank{{name: "code", label: "team.code", max: 16}, {name: "reason", label: "offline.reason", kind: "area"}},
		plan: func(v *visit, q pg.Querier, _ uuid.UUID, in inputs) (*giving.Move, error) {
			return teams.Hide(v.ctx(), q, v.book, in["code"], in["reason"], v.businessDay())
		}}
}

// teamStep takes a team off the pages.
func (v *visit) teamStep() error { return v.perform(uuid.Nil, teamsPath, v.teamsAgain, teamHide()) }
