package web

import (
	"errors"
	"html"
	"net/http"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// widgetPath is the console's page of sites that show our campaigns.
const widgetPath = "/console/widget"

type widgetListView struct {
	Page
	Rows  []widgetRow
	Site  string // as typed
	Codes []widgetCode
	Empty Empty
}

// widgetRow is a site on the list.
type widgetRow struct {
	Origin  string
	AddedAt time.Time
	By      string
}

// widgetCode is what a site puts into its page to show a campaign.
type widgetCode struct{ Name, Code string }

// widgetList shows on whose pages campaigns may stand, and the line that puts them there.
func (v *visit) widgetList() error { return v.widgetsAgain(http.StatusOK, "", nil) }

func (v *visit) widgetsAgain(status int, typed string, wrong Errors) error {
	view := widgetListView{Page: v.consolePage(T(v.lang, "place.widget"), widgetPath), Site: typed, Empty: Empty{Text: T(v.lang, "widget.empty")}}
	view.Errors, view.Path = wrong, widgetPath
	sites, err := giving.WidgetSites(v.ctx(), v.s.DB, v.book.ID)
	if err != nil {
		return err
	}
	names := newNames(v)
	for _, s := range sites {
		by, err := names.of(s.AddedBy)
		if err != nil {
			return err
		}
		view.Rows = append(view.Rows, widgetRow{s.Origin, s.AddedAt, by})
	}
	campaigns, err := giving.ListCampaigns(v.ctx(), v.s.DB, v.book, giving.CampaignFilter{When: giving.Running}, v.now, 0, giving.PageMax)
	if err != nil {
		return err
	}
	home := v.Scheme() + "://" + v.Request().Host
	for _, c := range campaigns {
		name := c.Title(string(v.lang))
		view.Codes = append(view.Codes, widgetCode{name, `<iframe src="` + home + "/c/" + c.Slug + "/widget?lang=" + string(v.lang) + `" title="` +
			html.EscapeString(name) + `" width="100%" height="420" loading="lazy"></iframe>`})
	}
	return v.s.render.Render(v.Response(), status, "console/widget", view)
}

// widgetAllow puts a site on the list.
func (v *visit) widgetAllow() error {
	typed := v.typed("site", textMax)
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		site := giving.WidgetSite{Origin: typed, AddedAt: v.now, AddedBy: v.who.Person.ID}
		added, err := giving.AllowWidgetSite(v.ctx(), tx, v.book.ID, site)
		if err != nil || !added {
			return err
		}
		return v.recordWidget(tx, "widget.allow", typed)
	})
	switch {
	case errors.Is(err, giving.ErrWidgetSite):
		return v.widgetsAgain(http.StatusUnprocessableEntity, typed, Errors{{"site", T(v.lang, "widget.site.wrong")}})
	case errors.Is(err, giving.ErrWidgetSites):
		return v.widgetsAgain(http.StatusUnprocessableEntity, typed, Errors{{"site", T(v.lang, "widget.site.many", giving.WidgetSitesMax)}})
	case err != nil:
		return err
	}
	return v.see(widgetPath)
}

// widgetRemove takes a site off the list. Twice is once.
func (v *visit) widgetRemove() error {
	origin := v.typed("site", textMax)
	err := pg.InTx(v.ctx(), v.s.DB, func(tx pgx.Tx) error {
		removed, err := giving.RemoveWidgetSite(v.ctx(), tx, v.book.ID, origin)
		if err != nil || !removed {
			return err
		}
		return v.recordWidget(tx, "widget.remove", origin)
	})
	if err != nil {
		return err
	}
	return v.see(widgetPath)
}

func (v *visit) recordWidget(tx pgx.Tx, what, site string) error {
	return staff.Record(v.ctx(), tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: what, Detail: map[string]string{"site": site}})
}
