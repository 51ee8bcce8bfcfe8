package api

import (
	"net/http"
	"strconv"
	"time"

	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// progressJSON keeps what has come, what was given back, what the state adds and what is only announced apart.
type progressJSON struct {
	Received     string    `json:"received"`
	Refunded     string    `json:"refunded"`
	Subsidy      string    `json:"subsidy"`
	Gifts        int64     `json:"gifts"`
	Pending      string    `json:"pending"`
	PendingGifts int64     `json:"pending_gifts"`
	Position     int64     `json:"position"`
	AsOf         time.Time `json:"as_of"`
}

type campaignJSON struct {
	Slug      string       `json:"slug"`
	State     string       `json:"state"` // published or closed
	Open      bool         `json:"open"`  // takes gifts now
	TitleZH   string       `json:"title_zh"`
	TitleEN   string       `json:"title_en"`
	SummaryZH string       `json:"summary_zh"`
	SummaryEN string       `json:"summary_en"`
	StoryZH   string       `json:"story_zh,omitempty"` // of a single campaign only
	StoryEN   string       `json:"story_en,omitempty"`
	Theme     string       `json:"theme,omitempty"`
	FilingNo  string       `json:"filing_no,omitempty"`
	Fund      string       `json:"fund"`
	Currency  string       `json:"currency"`
	Goal      string       `json:"goal"`
	GiftMin   string       `json:"gift_min"`
	GiftMax   string       `json:"gift_max"`
	Presets   []string     `json:"presets"`
	OpensAt   time.Time    `json:"opens_at"`
	ClosesAt  time.Time    `json:"closes_at"`
	DaysLeft  int          `json:"days_left"`
	Progress  progressJSON `json:"progress"`
}

func (c *call) campaignOf(g *giving.Campaign, p giving.Progress, codes map[int32]string) campaignJSON {
	f := func(minor int64) string { return money.Format(minor, g.Currency) }
	j := campaignJSON{Slug: g.Slug, State: g.State, Open: g.Open(c.now), TitleZH: g.TitleZH, TitleEN: g.TitleEN,
		SummaryZH: g.SummaryZH, SummaryEN: g.SummaryEN, Theme: g.Theme, FilingNo: g.FilingNo, Fund: codes[g.FundID],
		Currency: g.Currency, Goal: f(g.Goal), GiftMin: f(g.GiftMin), GiftMax: f(g.GiftMax), Presets: []string{},
		OpensAt: g.OpensAt.UTC(), ClosesAt: g.ClosesAt.UTC(), DaysLeft: g.DaysLeft(c.now)}
	for _, preset := range g.Presets {
		j.Presets = append(j.Presets, f(preset))
	}
	j.Progress = progressJSON{f(p.Received), f(p.Refunded), f(p.Subsidy), p.Gifts, f(p.Pending), p.PendingGifts, p.Position, p.AsOf.UTC()}
	return j
}

func (c *call) campaigns() error {
	filter := giving.CampaignFilter{Search: c.QueryParam("q"), When: c.QueryParam("when")}
	switch filter.When {
	case "", giving.Running, giving.Finished:
	default:
		return badParam{"when"}
	}
	limit, err := c.limit()
	if err != nil {
		return err
	}
	before, err := c.after()
	if err != nil {
		return err
	}
	list, err := giving.ListCampaigns(c.ctx(), c.s.DB, c.book, filter, c.now, before, limit+1)
	if err != nil {
		return err
	}
	ids := make([]int32, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	progress, err := giving.ProgressOf(c.ctx(), c.s.DB, c.book, c.now, ids...)
	if err != nil {
		return err
	}
	of := make(map[int32]giving.Progress, len(progress))
	for _, p := range progress {
		of[p.CampaignID] = p
	}
	codes, err := c.fundCodes(c.s.DB)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, pageOf(list, limit,
		func(g *giving.Campaign) campaignJSON { return c.campaignOf(g, of[g.ID], codes) },
		func(g *giving.Campaign) string { return strconv.Itoa(int(g.ID)) }))
}

func (c *call) campaign() error {
	g, err := c.publicCampaign(c.Param("slug"))
	if err != nil {
		return err
	}
	progress, err := giving.ProgressOf(c.ctx(), c.s.DB, c.book, c.now, g.ID)
	if err != nil {
		return err
	}
	codes, err := c.fundCodes(c.s.DB)
	if err != nil {
		return err
	}
	j := c.campaignOf(g, progress[0], codes)
	j.StoryZH, j.StoryEN = g.StoryZH, g.StoryEN
	return c.JSON(http.StatusOK, j)
}

// publicCampaign finds a campaign by its slug. A draft is not there for programs.
func (c *call) publicCampaign(slug string) (*giving.Campaign, error) {
	g, err := giving.CampaignBySlug(c.ctx(), c.s.DB, c.book, slug)
	if err != nil {
		return nil, err
	}
	if g.State == giving.Draft {
		return nil, giving.ErrNoCampaign
	}
	return g, nil
}
