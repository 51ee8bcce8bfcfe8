package web

import (
	"fmt"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// campaignCard is a campaign in a list.
type campaignCard struct {
	Href    string
	Name    string
	Summary string
	When    string // days left, opening day, or that it is finished
	Bar     MoneyBar
}

// campaignCards reads what lists show of campaigns.
func (v *visit) campaignCards(q pg.Querier, campaigns []giving.Campaign) ([]campaignCard, error) {
	ids := make([]int32, len(campaigns))
	for i := range campaigns {
		ids[i] = campaigns[i].ID
	}
	progress, err := giving.ProgressOf(v.ctx(), q, v.book, v.now, ids...)
	if err != nil {
		return nil, err
	}
	cards := make([]campaignCard, len(campaigns))
	for i := range campaigns {
		c := &campaigns[i]
		cards[i] = campaignCard{
			Href: "/c/" + c.Slug, Name: c.Title(string(v.lang)), Summary: c.Summary(string(v.lang)),
			When: v.campaignWhen(c), Bar: v.campaignBar(c, progress[i], giving.Promised{}),
		}
	}
	return cards, nil
}

// campaignWhen says how long a campaign still runs.
func (v *visit) campaignWhen(c *giving.Campaign) string {
	switch {
	case c.Finished(v.now):
		return T(v.lang, "campaign.finished", Day(v.lang, v.campaignEnd(c)))
	case !c.Open(v.now):
		return T(v.lang, "campaign.opens", When(v.lang, c.OpensAt, v.book.Zone))
	}
	return T(v.lang, "campaign.days", c.DaysLeft(v.now))
}

// campaignBar draws what came to a campaign. Money given back is no longer here, so it is not drawn.
func (v *visit) campaignBar(c *giving.Campaign, p giving.Progress, promised giving.Promised) MoneyBar {
	sum := func(minor int64) money.Money { return money.Money{Minor: minor, Currency: c.Currency} }
	bar := MoneyBar{ID: fmt.Sprintf("bar-%d", c.ID), Goal: sum(c.Goal)}
	gifts := BarPart{Kind: Gifts, Amount: sum(p.Raised()), Count: p.Gifts}
	if p.Refunded != 0 {
		gifts.Note = T(v.lang, "campaign.refunded", sum(p.Refunded))
	}
	bar.Received = append(bar.Received, gifts)
	if p.Subsidy != 0 {
		bar.Received = append(bar.Received, BarPart{Kind: Subsidy, Amount: sum(p.Subsidy)})
	}
	for _, part := range []BarPart{
		{Kind: Subsidy, Amount: sum(promised.Subsidy), Label: T(v.lang, "campaign.promised.subsidy")},
		{Kind: Match, Amount: sum(promised.Match), Label: T(v.lang, "campaign.promised.match")},
		{Kind: Gifts, Amount: sum(promised.Pledge), Label: T(v.lang, "campaign.promised.pledge"), Pledge: true},
	} {
		if part.Amount.Minor > 0 {
			bar.Promised = append(bar.Promised, part)
		}
	}
	if p.PendingGifts > 0 {
		bar.Pending = &BarPart{Kind: Gifts, Label: T(v.lang, "campaign.pending"), Amount: sum(p.Pending), Count: p.PendingGifts}
	}
	return bar
}
