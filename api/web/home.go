package web

import (
	"net/http"
	"net/url"
	"slices"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

const (
	homeCampaigns = 3
	homeSpendings = 5
)

type homeView struct {
	Page
	Year                       string
	Received, Spent, Available money.Money
	AsOf                       *AsOf
	Cards                      []campaignCard
	Finished                   bool // no campaign is running, so the cards are of finished ones
	Spendings                  []spendingRow
	Streets                    []streetFunds
}

// streetFunds sums the funds of one street.
type streetFunds struct {
	Name      string
	Href      string
	Funds     int64
	Available money.Money
}

func (v *visit) home() error {
	view := homeView{Page: v.page(""), Year: v.yearFrom().Format("2006")}
	if err := v.read(func(q pg.Querier) error { return v.readHome(q, &view) }); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/home", view)
}

func (v *visit) readHome(q pg.Querier, view *homeView) error {
	sums, err := v.fundSums(q)
	if err != nil {
		return err
	}
	received, spent, available := totals(sums)
	view.Received, view.Spent, view.Available = v.amount(received), v.amount(spent), v.amount(available)
	if view.Streets, err = v.streetSums(q, sums); err != nil {
		return err
	}
	if err := v.readHomeCampaigns(q, view); err != nil {
		return err
	}
	if view.Spendings, err = v.spendings(q, 0, homeSpendings, sums); err != nil {
		return err
	}
	position, err := ledger.Posted(v.ctx(), q, v.book, 0)
	view.AsOf = v.asOf(position)
	return err
}

func (v *visit) readHomeCampaigns(q pg.Querier, view *homeView) error {
	campaigns, err := giving.ListCampaigns(v.ctx(), q, v.book, giving.CampaignFilter{When: giving.Running}, v.now, 0, campaignsShown)
	if err != nil {
		return err
	}
	campaigns = slices.DeleteFunc(campaigns, func(c giving.Campaign) bool { return !c.Open(v.now) })
	campaigns = campaigns[:min(len(campaigns), homeCampaigns)]
	if len(campaigns) == 0 {
		view.Finished = true
		campaigns, err = giving.ListCampaigns(v.ctx(), q, v.book, giving.CampaignFilter{When: giving.Finished}, v.now, 0, homeCampaigns)
		if err != nil {
			return err
		}
	}
	view.Cards, err = v.campaignCards(q, campaigns)
	return err
}

// fundSum is one fund with what came and went this year and what it may spend.
type fundSum struct {
	ledger.Position
	Received, Spent int64
}

// fundSums reads every fund of the book, in order of opening.
func (v *visit) fundSums(q pg.Querier) ([]fundSum, error) {
	positions, err := ledger.Positions(v.ctx(), q, v.book, noDay)
	if err != nil {
		return nil, err
	}
	flows, err := ledger.Flows(v.ctx(), q, v.book, v.yearFrom(), v.book.Day(v.now), 0)
	if err != nil {
		return nil, err
	}
	sums := make([]fundSum, len(positions))
	at := make(map[int32]*fundSum, len(positions))
	for i, p := range positions {
		sums[i].Position = p
		at[p.Fund.ID] = &sums[i]
	}
	for _, f := range flows {
		if f.Chart.Type == chart.Income {
			at[f.Fund].Received += f.Amount
		} else {
			at[f.Fund].Spent += f.Amount
		}
	}
	return sums, nil
}

func totals(sums []fundSum) (received, spent, available int64) {
	for _, s := range sums {
		received, spent, available = received+s.Received, spent+s.Spent, available+s.Available
	}
	return received, spent, available
}

// streetSums adds up the funds of each street that has any.
func (v *visit) streetSums(q pg.Querier, sums []fundSum) ([]streetFunds, error) {
	streets, err := ledger.Streets(v.ctx(), q, v.book)
	if err != nil {
		return nil, err
	}
	var list []streetFunds
	for _, street := range streets {
		one := streetFunds{Name: street.Name(string(v.lang)), Href: "/funds?street=" + url.QueryEscape(street.Code)}
		var available int64
		for _, s := range sums {
			if s.Fund.StreetID != nil && *s.Fund.StreetID == street.ID {
				one.Funds++
				available += s.Available
			}
		}
		if one.Available = v.amount(available); one.Funds > 0 {
			list = append(list, one)
		}
	}
	return list, nil
}
