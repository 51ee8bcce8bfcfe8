package web

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
)

// sayEvery is how often the page speaks to those who listen to it.
const sayEvery = 10 * time.Second

// campaignLive answers /c/{slug}/live?v= with a stream of the campaign's figures as they change.
func (v *visit) campaignLive() error {
	c, err := v.campaign(v.s.DB)
	if err != nil {
		return err
	}
	key := fmt.Sprintf("campaign %d %d", v.book.ID, c.ID)
	updates, leave, err := v.s.live.watch(v.book.ID, key, v.lang, v.QueryParam("v"), liveEvery, v.lookAtCampaign(c))
	if err != nil {
		return err
	}
	defer leave()
	return Stream(v.Context, v.book.Zone, v.s.Now, updates)
}

// lookAtCampaign reads the figures of a campaign for all who have it open. It outlives the visit that began it.
func (v *visit) lookAtCampaign(c *giving.Campaign) look {
	begun := visit{s: v.s, book: v.book}
	var seen string
	var said, news giving.Progress // when the page last spoke, and what came since
	return func(ctx context.Context) (string, func(Lang) (string, error), error) {
		of := begun
		of.now = v.s.Now()
		progress, err := giving.ProgressOf(ctx, of.s.DB, of.book, of.now, c.ID)
		if err != nil {
			return "", nil, err
		}
		version := progressVersion(progress[0])
		if version != seen {
			seen, news = version, giving.Progress{}
			if !said.AsOf.IsZero() && of.now.Sub(said.AsOf) >= sayEvery {
				news.Gifts, news.Received = progress[0].Gifts-said.Gifts, progress[0].Received-said.Received
			}
			if said.AsOf.IsZero() || news.Gifts > 0 {
				said = progress[0]
			}
		}
		return version, func(lang Lang) (string, error) { return of.campaignFragment(ctx, c, lang, news) }, nil
	}
}

// campaignFragment draws the changing part of a campaign's page.
func (v visit) campaignFragment(ctx context.Context, c *giving.Campaign, lang Lang, news giving.Progress) (string, error) {
	v.lang = lang
	figures, err := v.campaignFigures(ctx, v.s.DB, c, uuid.Nil)
	if err != nil {
		return "", err
	}
	if news.Gifts > 0 {
		figures.Say = T(lang, "campaign.say", news.Gifts, money.Money{Minor: news.Received, Currency: c.Currency})
	}
	page := Page{Site: v.site(), Prefs: Prefs{Lang: lang}, Now: v.now}
	return v.s.render.Fragment(page, "public/campaign", "live", figures)
}

// campaignFigures reads the bar and one page of gifts.
func (v *visit) campaignFigures(ctx context.Context, q pg.Querier, c *giving.Campaign, before uuid.UUID) (f campaignFigures, err error) {
	progress, err := giving.ProgressOf(ctx, q, v.book, v.now, c.ID)
	if err != nil {
		return f, err
	}
	promised, err := giving.PromisedTo(ctx, q, v.book, c.ID)
	if err != nil {
		return f, err
	}
	gifts, err := giving.RecentGifts(ctx, q, v.book, c.ID, before, giftsShown+1)
	if err != nil {
		return f, err
	}
	f.Version, f.Unit = progressVersion(progress[0]), c.Currency
	f.Bar = v.campaignBar(c, progress[0], promised)
	f.Bar.AsOf = v.asOf(progress[0].Position)
	f.Pager.Total = progress[0].Gifts
	if len(gifts) > giftsShown {
		gifts = gifts[:giftsShown]
		f.Pager.Next = campaignHref(c.Slug, gifts[giftsShown-1].ID)
	}
	f.Pager.Shown = int64(len(gifts))
	for _, g := range gifts {
		f.Gifts = append(f.Gifts, shownGift{Name: g.Name, Amount: money.Money{Minor: g.Amount, Currency: g.Currency}, Message: g.Message, Erased: g.Erased,
			At: g.PaidAt, Now: v.now})
	}
	return f, nil
}

// progressVersion changes whenever the figures of a campaign do.
func progressVersion(p giving.Progress) string {
	return fmt.Sprintf("%d-%d-%d", p.Position, p.PendingGifts, p.Pending)
}
