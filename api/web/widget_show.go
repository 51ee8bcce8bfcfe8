package web

import (
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
)

type widgetView struct {
	Page
	Name, When string
	Bar        MoneyBar
	Href       string
	Givable    bool
}

// widgetShow answers /c/{slug}/widget: a campaign's figures for the frame of another site. It has no form, no script and
// no cookie, and its one button opens the campaign in a window of its own.
func (v *visit) widgetShow() error {
	var view widgetView
	var sites []giving.WidgetSite
	err := v.read(func(q pg.Querier) error {
		c, err := v.campaign(q)
		if err != nil {
			return err
		}
		cards, err := v.campaignCards(q, []giving.Campaign{*c})
		if err != nil {
			return err
		}
		view = widgetView{Page: v.page(cards[0].Name), Name: cards[0].Name, When: cards[0].When, Bar: cards[0].Bar, Href: cards[0].Href, Givable: v.givable(c)}
		sites, err = giving.WidgetSites(v.ctx(), q, v.book.ID)
		return err
	})
	if err != nil {
		return err
	}
	view.Prefs = Prefs{Lang: v.lang}
	frameIn(v.Response().Header(), sites)
	return v.s.render.Render(v.Response(), http.StatusOK, "widget/campaign", view)
}

// frameIn lets the pages of these sites hold this answer in a frame, and nobody when there are none. What is in a frame
// keeps nothing in the browser, not even the language.
func frameIn(head http.Header, sites []giving.WidgetSite) {
	ancestors := make([]string, 0, len(sites))
	for _, s := range sites {
		ancestors = append(ancestors, s.Origin)
	}
	if len(ancestors) > 0 {
		head.Del("X-Frame-Options")
		head.Set("Cross-Origin-Resource-Policy", "cross-origin")
	} else {
		ancestors = []string{"'none'"}
	}
	head.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors "+strings.Join(ancestors, " "))
	head.Del(echo.HeaderSetCookie)
	head.Set(echo.HeaderCacheControl, "private, max-age=30")
}
