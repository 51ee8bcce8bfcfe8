package web

import (
	"encoding/xml"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/updates"
)

// updatesPath lists the posts of the whole association.
const updatesPath = "/updates"

// How many posts the page of a campaign or project begins with, how many characters of each, and how many a feed has.
const (
	updatesBrief = 3
	updateBrief  = 120
	updatesFed   = 30
)

func updateHref(p *updates.Post) string { return updatesPath + "/" + strconv.Itoa(int(p.Number)) }

// updateRow is a post as the public reads it.
type updateRow struct {
	Number         int32
	Href, Title    string
	Lang           string // of the words, where it is not the reader's
	Only           string // says so
	Text           []string
	Photos         []photoView
	When, By, Gone string // Gone: when and why it was withdrawn
	About          Link
	Top            bool // its title is the first heading after the page's
}

// updatesPart are the newest posts on the page of a campaign, a project or a fund; the template part "updates-part" draws it.
type updatesPart struct {
	Rows []updateRow
	All  string
	Feed string
}

func (v *visit) updateRow(p *updates.Post) updateRow {
	title, text, only := p.In(string(v.lang))
	r := updateRow{Number: p.Number, Href: updateHref(p), Title: title, Text: paragraphs(text), When: Day(v.lang, v.book.Day(*p.ShownAt)), By: p.Firm, About: Link{p.About(string(v.lang)), "/c/" + p.Slug}}
	if p.ProjectID != nil {
		r.About.Href = boardPath + "/" + strconv.Itoa(int(p.Project))
	}
	if r.By == "" {
		r.By = v.book.Name(string(v.lang))
	}
	if p.State() == updates.Withdrawn {
		r.Title, r.Gone = T(v.lang, "update.gone.title"), T(v.lang, "update.gone", Day(v.lang, v.book.Day(*p.EndedAt)), p.Reason)
		return r
	}
	if only != "" {
		r.Lang, r.Only = Lang(only).HTML(), T(v.lang, "update.only."+only)
	}
	for n := range int(p.Photos) {
		r.Photos = append(r.Photos, photoView{fmt.Sprintf("%s/photo?n=%d", r.Href, n), T(v.lang, "need.photo.alt", n+1)})
	}
	return r
}

// updatesPart reads the newest posts about a campaign, a project or a fund, the beginning of each.
func (v *visit) updatesPart(q pg.Querier, of updatesOf) (*updatesPart, error) {
	list, err := updates.Public(v.ctx(), q, v.book, of.Filter, true, 0, updatesBrief)
	if err != nil {
		return nil, err
	}
	part := &updatesPart{All: of.public + "/updates", Feed: of.public + "/updates/feed"}
	for i := range list {
		r := v.updateRow(&list[i])
		if r.Photos = nil; !of.many() {
			r.About = Link{}
		}
		if len(r.Text) > 0 {
			first := []rune(r.Text[0])
			if r.Text = r.Text[:1]; len(first) > updateBrief {
				r.Text[0] = string(first[:updateBrief]) + "…"
			}
		}
		part.Rows = append(part.Rows, r)
	}
	return part, nil
}

// feedsOf are the feeds that a page of posts names to programs: its own, and that of the whole association.
func (v *visit) feedsOf(of updatesOf) []Link {
	feeds := []Link{{v.book.Name(string(v.lang)) + " · " + T(v.lang, "update.heading"), updatesPath + "/feed"}}
	if of.name != "" {
		feeds = append([]Link{{T(v.lang, "update.of", of.name), of.public + "/updates/feed"}}, feeds...)
	}
	return feeds
}

type updateListView struct {
	Page
	Heading, Lead string
	Rows          []updateRow
	Feed          string
	First, Next   string
	Empty         Empty
}

// The posts of everything, of a campaign, of a project and of a fund, each as a page and as a feed.
func (v *visit) updateList() error { return v.updatesShown(v.allUpdates) }
func (v *visit) campaignNews() error {
	return v.updatesShown(v.campaignUpdatesOf)
}
func (v *visit) projectNews() error { return v.updatesShown(v.projectUpdatesOf) }
func (v *visit) fundNews() error    { return v.updatesShown(v.fundUpdatesOf) }
func (v *visit) updateFeed() error  { return v.updatesFeed(v.allUpdates) }
func (v *visit) campaignFeed() error {
	return v.updatesFeed(v.campaignUpdatesOf)
}
func (v *visit) projectFeed() error { return v.updatesFeed(v.projectUpdatesOf) }
func (v *visit) fundFeed() error    { return v.updatesFeed(v.fundUpdatesOf) }

func (v *visit) allUpdates(pg.Querier) (updatesOf, error) { return updatesOf{}, nil }

func (v *visit) campaignUpdatesOf(q pg.Querier) (of updatesOf, err error) {
	c, err := v.campaign(q)
	if err != nil {
		return of, err
	}
	return ofCampaign(v.lang, c), nil
}

func (v *visit) projectUpdatesOf(q pg.Querier) (of updatesOf, err error) {
	p, err := projects.PublicProject(v.ctx(), q, v.book, v.recordNumber())
	if err != nil {
		return of, err
	}
	return updatesOfProject(p), nil
}

func (v *visit) fundUpdatesOf(q pg.Querier) (of updatesOf, err error) {
	f, err := ledger.FundByCode(v.ctx(), q, v.book, v.Param("code"))
	if err != nil {
		return of, err
	}
	return updatesOfFund(v.lang, f), nil
}

// many tells whether the posts are about more than one thing, so that each says what it is about.
func (o updatesOf) many() bool { return o.Campaign == 0 && o.Project == nil }

// updatesShown lists what was shown, the newest first; withdrawn posts keep their place with the reason.
func (v *visit) updatesShown(find func(pg.Querier) (updatesOf, error)) error {
	before, err := cursorID(v.QueryParam("before"))
	if err != nil {
		return err
	}
	var of updatesOf
	var list []updates.Post
	err = v.read(func(q pg.Querier) (err error) {
		if of, err = find(q); err != nil {
			return err
		}
		list, err = updates.Public(v.ctx(), q, v.book, of.Filter, true, before, updates.ListMax+1)
		return err
	})
	if err != nil {
		return err
	}
	heading := T(v.lang, "update.public.heading")
	if of.name != "" {
		heading = T(v.lang, "update.of", of.name)
	}
	view := updateListView{Page: v.page(heading), Heading: heading, Lead: T(v.lang, "update.public.lead"), Feed: of.public + updatesPath + "/feed", Empty: Empty{Text: T(v.lang, "update.public.none")}}
	if view.Feeds = v.feedsOf(of); of.name != "" {
		view.Crumbs = []Link{{of.name, of.public}, {Label: T(v.lang, "update.heading")}}
		view.Empty.Action = &Link{of.name, of.public}
	}
	if len(list) > updates.ListMax {
		list = list[:updates.ListMax]
		view.Next = v.with("before", strconv.Itoa(int(list[len(list)-1].Number)))
	}
	view.First = v.firstPage("before", before != 0)
	for i := range list {
		r := v.updateRow(&list[i])
		if r.Top = true; !of.many() {
			r.About = Link{}
		}
		view.Rows = append(view.Rows, r)
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "public/update_list", view)
}

type updateView struct {
	Page
	Row updateRow
}

// updatePublic answers /updates/{number}: one post, or that and why it was withdrawn.
func (v *visit) updatePublic() error {
	p, err := updates.ByNumber(v.ctx(), v.s.DB, v.book, v.recordNumber())
	if err != nil {
		return err
	}
	view := updateView{Row: v.updateRow(p)}
	view.Page = v.page(T(v.lang, "update.number", int(p.Number), view.Row.Title))
	view.Crumbs = []Link{view.Row.About, {T(v.lang, "update.heading"), view.Row.About.Href + "/updates"}, {Label: T(v.lang, "update.number.short", int(p.Number))}}
	view.Feeds = v.feedsOf(updatesOf{name: view.Row.About.Label, public: view.Row.About.Href})
	return v.s.render.Render(v.Response(), http.StatusOK, "public/update", view)
}

// updatePhoto answers /updates/{number}/photo?n=; those of a withdrawn post are gone.
func (v *visit) updatePhoto() error {
	p, err := updates.ByNumber(v.ctx(), v.s.DB, v.book, v.recordNumber())
	if err != nil {
		return err
	}
	return v.photoOfUpdate(p, true)
}

// angles are signs that some readers of feeds take for markup even in a title, which is plain text.
var angles = strings.NewReplacer("<", "‹", ">", "›")

// updatesFeed answers what was shown lately as RSS. What stands in description is HTML to whoever reads a feed, so the text is escaped for that
// first, and for XML when it is written.
func (v *visit) updatesFeed(find func(pg.Querier) (updatesOf, error)) error {
	var of updatesOf
	var list []updates.Post
	err := v.read(func(q pg.Querier) (err error) {
		if of, err = find(q); err != nil {
			return err
		}
		list, err = updates.Public(v.ctx(), q, v.book, of.Filter, false, 0, updatesFed)
		return err
	})
	if err != nil {
		return err
	}
	f := feed{Version: "2.0", Title: v.book.Name(string(v.lang)) + " · " + T(v.lang, "update.public.heading"), Link: v.address() + of.public + updatesPath, Text: T(v.lang, "update.public.lead"), Lang: string(v.lang)}
	if of.name != "" {
		f.Title = v.book.Name(string(v.lang)) + " · " + T(v.lang, "update.of", of.name)
	}
	f.Title = angles.Replace(f.Title)
	for i := range list {
		r := v.updateRow(&list[i])
		item := feedItem{Title: angles.Replace(r.About.Label + " · " + r.Title), Link: v.address() + r.Href, Date: list[i].ShownAt.UTC().Format(time.RFC1123Z)}
		if !of.many() {
			item.Title = angles.Replace(r.Title)
		}
		for _, text := range r.Text {
			item.Text += "<p>" + html.EscapeString(text) + "</p>"
		}
		item.GUID.ID = list[i].Object()
		f.Items = append(f.Items, item)
	}
	body, err := xml.MarshalIndent(f, "", " ")
	if err != nil {
		return fmt.Errorf("write feed: %w", err)
	}
	return v.cached("application/rss+xml; charset=utf-8", append([]byte(xml.Header), body...))
}

// openUpdates are the posts as open data. A withdrawn one keeps its row and its id, without text.
func (v *visit) openUpdates(q pg.Querier, after string, most int) (rows [][]any, err error) {
	id, err := openID(after, "update:")
	if err != nil {
		return nil, err
	}
	list, err := updates.Open(v.ctx(), q, v.book, id, most)
	for i := range list {
		p := &list[i]
		campaign, project, withdrawn := "", "", ""
		if p.CampaignID != nil {
			campaign = "campaign:" + strconv.Itoa(int(*p.CampaignID))
		} else {
			project = giving.Object("project", *p.ProjectID)
		}
		if p.EndedAt != nil {
			withdrawn = ISODay(v.book.Day(*p.EndedAt))
		}
		rows = append(rows, []any{p.Object(), int64(p.Number), campaign, project, p.State(), p.ShownAt.UTC().Format(time.RFC3339), p.TitleZH, p.TitleEN, p.TextZH, p.TextEN, p.Firm, int64(p.Photos), withdrawn, p.Reason, v.address() + updateHref(p)})
	}
	return rows, err
}
