package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

const (
	giftsShown     = 10 // on one page of a campaign's gifts
	spendingsShown = 10
)

// shownGift is a gift as the public sees it.
type shownGift struct {
	Name    string // empty: a well-wisher
	Amount  money.Money
	Message string
	Erased  bool
	At, Now time.Time
}

// campaignFigures is what changes while the page is open; the page's block "live" draws it.
type campaignFigures struct {
	Version string // of the figures
	Bar     MoneyBar
	Gifts   []shownGift
	Pager   Pager
	Unit    string
	Say     string // read aloud to those who do not see the bar move
}

type campaignView struct {
	Page
	campaignFigures
	Slug, Name, Summary string
	Story               []string
	State               string // soon, open or closed
	Givable             bool
	When                string
	Live                string // address of the stream; empty on later pages of the gifts
	Fund                Link
	Spendings           []spendingRow
	Spent, Received     money.Money // by the fund, since it began
	SpentPart           string      // of what it received; empty when it spent more
	Facts               []Fact
	Recent              bool // the gifts are the newest ones
	Updates             *updatesPart
	Preview             bool // of a draft, for staff
}

// campaign finds the campaign of the address. A draft does not exist for the public.
func (v *visit) campaign(q pg.Querier) (*giving.Campaign, error) {
	c, err := giving.CampaignBySlug(v.ctx(), q, v.book, v.Param("slug"))
	if err == nil && c.State == giving.Draft {
		err = fmt.Errorf("%w: %s is a draft", giving.ErrNoCampaign, c.Slug)
	}
	return c, err
}

// campaignShow answers /c/{slug}?before= with the story, the money and the gifts of a campaign.
func (v *visit) campaignShow() error {
	var view campaignView
	before, err := cursorUUID(v.QueryParam("before"))
	if err != nil {
		return err
	}
	err = v.read(func(q pg.Querier) error {
		c, err := v.campaign(q)
		if err != nil {
			return err
		}
		if view.campaignFigures, err = v.campaignFigures(v.ctx(), q, c, before); err != nil {
			return err
		}
		return v.readCampaign(q, c, &view)
	})
	if err != nil {
		return err
	}
	if view.Recent = before == uuid.Nil; view.Recent && view.State != campaignSoon {
		view.Live = "/c/" + view.Slug + "/live?v=" + view.Version
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/campaign", view)
}

// States of a campaign's page.
const (
	campaignSoon   = "soon"
	campaignOpen   = "open"
	campaignClosed = "closed"
)

// readCampaign fills in what does not change by a gift.
func (v *visit) readCampaign(q pg.Querier, c *giving.Campaign, view *campaignView) error {
	lang := string(v.lang)
	view.Slug, view.Name, view.Summary = c.Slug, c.Title(lang), c.Summary(lang)
	view.Page = v.page(T(v.lang, "campaign.title", view.Bar.Total(), view.Name))
	view.Crumbs = []Link{{view.T("campaigns.heading"), "/campaigns"}, {Label: view.Name}}
	view.Story = paragraphs(c.Story(lang))
	view.When, view.Givable = v.campaignWhen(c), v.givable(c)
	switch {
	case c.Open(v.now):
		view.State = campaignOpen
	case c.Finished(v.now):
		view.State = campaignClosed
	default:
		view.State = campaignSoon
	}
	funds, err := v.fundsByID(v.ctx(), q)
	if err != nil {
		return err
	}
	fund, ok := funds[c.FundID]
	if !ok {
		return fmt.Errorf("%w: %d", ledger.ErrNoFund, c.FundID)
	}
	view.Fund = Link{fund.Name(lang), fundHref(fund)}
	if view.Spendings, err = v.spendings(q, fund.ID, spendingsShown, nil); err != nil {
		return err
	}
	received, spent, err := ledger.FlowSum(v.ctx(), q, v.book, fund.ID)
	if err != nil {
		return err
	}
	view.Spent, view.Received = v.amount(spent), v.amount(received)
	if spent <= received { // of more than it received, a share would say nothing
		view.SpentPart = Percent(spent, received)
	}
	view.Facts = v.campaignFacts(c, fund, view)
	of := ofCampaign(v.lang, c)
	view.Feeds = v.feedsOf(of)
	view.Updates, err = v.updatesPart(q, of)
	return err
}

func (v *visit) campaignFacts(c *giving.Campaign, fund *ledger.Fund, view *campaignView) []Fact {
	filing := c.FilingNo
	if filing == "" {
		filing = view.T("campaign.filing.none")
	}
	facts := []Fact{
		{Term: view.T("campaign.fact.by"), Value: view.Legal, Href: "/about"},
		{Term: view.T("campaign.fact.fund"), Value: view.Fund.Label, Href: view.Fund.Href},
		{Term: view.T("campaign.fact.filing"), Value: filing},
		{Term: view.T("campaign.fact.from"), Value: When(v.lang, c.OpensAt, v.book.Zone)},
		{Term: view.T("campaign.fact.to"), Value: When(v.lang, c.ClosesAt, v.book.Zone)},
		{Term: view.T("campaign.fact.fee"), Value: view.T("campaign.fee." + fund.FeeBearer)},
	}
	if purpose := fund.Purpose(string(v.lang)); purpose != "" {
		facts = append(facts, Fact{Term: view.T("campaign.fact.purpose"), Value: purpose})
	}
	return facts
}

// campaignEnd is the day a campaign took its last gifts.
func (v *visit) campaignEnd(c *giving.Campaign) time.Time {
	end := c.ClosesAt
	if end.After(v.now) { // closed before its time; when is not kept
		end = v.now
	}
	return v.book.Day(end)
}

// paragraphs parts a text at its empty lines.
func paragraphs(text string) []string {
	var list []string
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			list = append(list, part)
		}
	}
	return list
}

// cursorUUID reads a cursor that is an id, or ledger.ErrCursor; empty is the nil id.
func cursorUUID(text string) (uuid.UUID, error) {
	if text == "" {
		return uuid.Nil, nil
	}
	id, err := uuid.Parse(text)
	if err != nil {
		return uuid.Nil, ledger.ErrCursor
	}
	return id, nil
}

// campaignHref is one page of a campaign's gifts; the nil id is the newest.
func campaignHref(slug string, before uuid.UUID) string {
	if before == uuid.Nil {
		return "/c/" + slug
	}
	return "/c/" + slug + "?" + url.Values{"before": {before.String()}}.Encode() + "#gifts"
}
