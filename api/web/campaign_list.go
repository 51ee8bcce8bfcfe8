package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

const (
	campaignsShown = 12 // on one page of the list
	searchMax      = 100
	campaignsAll   = "all" // running, finished and not yet open
)

type campaignListView struct {
	Page
	Search, When, Street string
	Whens, Streets       []Option
	Filtered             bool
	FilterWords          string // what the list was narrowed to, for the empty state
	Cards                []campaignCard
	AsOf                 *AsOf
	Paged                bool
	Next                 string
	First                string
}

// campaignList answers /campaigns?q=&when=&street=&before=.
func (v *visit) campaignList() error {
	view := campaignListView{
		Search: strings.TrimSpace(v.QueryParam("q")), When: v.QueryParam("when"), Street: v.QueryParam("street"),
	}
	view.Page = v.page(T(v.lang, "campaigns.heading"))
	if utf8.RuneCountInString(view.Search) > searchMax {
		view.Search = string([]rune(view.Search)[:searchMax])
	}
	if view.When != giving.Finished && view.When != campaignsAll {
		view.When = giving.Running // what one can give to
	}
	before, err := cursorID(v.QueryParam("before"))
	if err != nil {
		return err
	}
	view.Whens = []Option{
		{Value: giving.Running, Label: view.T("campaigns.when.running")},
		{Value: giving.Finished, Label: view.T("campaigns.when.finished")},
		{Value: campaignsAll, Label: view.T("campaigns.when.all")},
	}
	err = v.read(func(q pg.Querier) error { return v.readCampaignList(q, &view, before) })
	if err != nil {
		return err
	}
	view.Paged = before != 0
	view.First = campaignListHref(view.Search, view.When, view.Street, 0)
	return v.s.render.Render(v.Response(), http.StatusOK, "public/campaign_list", view)
}

func (v *visit) readCampaignList(q pg.Querier, view *campaignListView, before int32) error {
	streets, err := ledger.Streets(v.ctx(), q, v.book)
	if err != nil {
		return err
	}
	filter := giving.CampaignFilter{Search: view.Search, When: view.When}
	if view.When == campaignsAll {
		filter.When = ""
	}
	var words []string
	if view.Search != "" {
		words = append(words, view.T("campaigns.search.words", view.Search))
	}
	if view.When == giving.Finished {
		words = append(words, view.T("campaigns.when.finished"))
	}
	view.Streets = []Option{{Value: "", Label: view.T("campaigns.street.all")}}
	for _, s := range streets {
		view.Streets = append(view.Streets, Option{Value: s.Code, Label: s.Name(string(v.lang))})
		if s.Code == view.Street {
			filter.StreetID = s.ID
			words = append(words, s.Name(string(v.lang)))
		}
	}
	if filter.StreetID == 0 {
		view.Street = "" // a street that is not ours narrows nothing
	}
	view.Filtered, view.FilterWords = len(words) > 0, strings.Join(words, " · ")
	campaigns, err := giving.ListCampaigns(v.ctx(), q, v.book, filter, v.now, before, campaignsShown+1)
	if err != nil {
		return err
	}
	if len(campaigns) > campaignsShown {
		campaigns = campaigns[:campaignsShown]
		view.Next = campaignListHref(view.Search, view.When, view.Street, campaigns[campaignsShown-1].ID)
	}
	if view.Cards, err = v.campaignCards(q, campaigns); err != nil {
		return err
	}
	position, err := ledger.Posted(v.ctx(), q, v.book, 0)
	view.AsOf = v.asOf(position)
	return err
}

// campaignListHref is the address of one page of the list; before 0 is the first.
func campaignListHref(search, when, street string, before int32) string {
	query := url.Values{}
	for name, value := range map[string]string{"q": search, "when": when, "street": street} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if before != 0 {
		query.Set("before", strconv.Itoa(int(before)))
	}
	if len(query) == 0 {
		return "/campaigns"
	}
	return "/campaigns?" + query.Encode()
}

// cursorID reads a cursor that is an id, or ledger.ErrCursor; empty is zero.
func cursorID(text string) (int32, error) {
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil || id <= 0 {
		return 0, ledger.ErrCursor
	}
	return int32(id), nil
}
