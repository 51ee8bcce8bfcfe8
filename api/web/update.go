package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/updates"
	"sunfund/ledger/staff"
)

// updatesDeskPath is where one post is shown, withdrawn or given up. Posts are written beside their campaign or project.
const updatesDeskPath = "/console/updates"

// updatesOf is what posts are about, and where its pages are.
type updatesOf struct {
	updates.Filter
	name   string
	back   string // its page for whoever writes
	place  string // of the side bar
	public string // its page for everybody; empty while there is none
	payee  *uuid.UUID
	payees []uuid.UUID // whose posts it lists; nil: everybody's
}

func ofCampaign(lang Lang, c *giving.Campaign) updatesOf {
	of := updatesOf{Filter: updates.Filter{About: updates.About{Campaign: c.ID}}, name: c.Title(string(lang)), back: deskHref(c.ID), place: "/console/campaigns"}
	if c.State != giving.Draft {
		of.public = "/c/" + c.Slug
	}
	return of
}

// updatesOfFund are the posts about all campaigns and projects of a fund.
func updatesOfFund(lang Lang, f *ledger.Fund) updatesOf {
	return updatesOf{Filter: updates.Filter{Fund: f.ID}, name: f.Name(string(lang)), public: fundHref(f)}
}

func updatesOfProject(p *projects.Project) updatesOf {
	of := updatesOf{Filter: updates.Filter{About: updates.About{Project: &p.ID}}, name: p.Title, back: projectsPath + "/" + p.ID.String(), place: projectsPath}
	if p.State == projects.Approved || p.State == projects.Ended {
		of.public = projectHref(p)
	}
	return of
}

// update reads a post about what is in this person's sight; another is as one that is not there.
func (v *visit) update(q pg.Querier, id uuid.UUID) (*updates.Post, error) {
	p, err := updates.ByID(v.ctx(), q, v.book, id)
	if err != nil {
		return nil, err
	}
	if !v.who.MaySee(p.FundID, p.StreetID) {
		return nil, giving.ErrNoRecord
	}
	return p, nil
}

func (v *visit) updateState(p *updates.Post) cell {
	tag := map[string]string{updates.Waiting: "waiting", updates.Shown: "good", updates.Withdrawn: "reversed", updates.Dropped: "held"}[p.State()]
	return cell{Text: T(v.lang, "update.state."+p.State()), Tag: tag}
}

// campaignUpdates and projectUpdates list the posts of one of them, with the form of a new one.
func (v *visit) campaignUpdates() error {
	c, _, err := v.visibleCampaign()
	if err != nil {
		return err
	}
	return v.updatesAgain(ofCampaign(v.lang, c), http.StatusOK, nil)
}

func (v *visit) projectUpdates() error {
	of, err := v.updatesProject()
	if err != nil {
		return err
	}
	return v.updatesAgain(of, http.StatusOK, nil)
}

func (v *visit) updatesProject() (of updatesOf, err error) {
	id, err := v.recordParam()
	if err != nil {
		return of, err
	}
	p, err := v.project(v.s.DB, id)
	if err != nil {
		return of, err
	}
	return updatesOfProject(p), nil
}

func (v *visit) updatesAgain(of updatesOf, status int, wrong Errors) error {
	here := of.back + "/updates"
	heading := T(v.lang, "update.of", of.name)
	view := recordView{Page: v.consolePage(heading, of.place), Heading: heading, Lead: T(v.lang, "update.lead"), Links: []Link{{of.name, of.back}}}
	view.Errors, view.Path = wrong, here
	list, err := v.updatesGrid(of, updatesDeskPath, &view)
	if err != nil {
		return err
	}
	view.Grids = []grid{list}
	if of.public == "" {
		view.Lead = T(v.lang, "update.early")
		return v.s.render.Render(v.Response(), status, "console/record", view)
	}
	view.Links = append(view.Links, Link{T(v.lang, "update.public"), of.public + "/updates"})
	if err := v.offer(&view, here, v.updateWrite(of, nil)); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// updatesGrid lists posts with where they stand; desk is where each is shown, empty for nowhere.
func (v *visit) updatesGrid(of updatesOf, desk string, view *recordView) (grid, error) {
	g := grid{Title: T(v.lang, "update.heading"), Empty: T(v.lang, "update.none"), Heads: v.heads("update.title", "person.state", "update.written", "update.by", "update.shown", "update.reason")}
	var before *uuid.UUID
	if id, err := uuid.Parse(v.QueryParam("before")); err == nil { // anything else is the first page
		before = &id
	}
	list, err := updates.Written(v.ctx(), v.s.DB, v.book, of.About, of.payees, before, updates.ListMax+1)
	if err != nil {
		return g, err
	}
	if first := v.firstPage("before", before != nil); first != "" {
		view.Links = append(view.Links, Link{T(v.lang, "pager.first"), first})
	}
	if len(list) > updates.ListMax {
		list = list[:updates.ListMax]
		view.Links = append(view.Links, Link{T(v.lang, "update.older"), v.with("before", list[len(list)-1].ID.String())})
	}
	names := newNames(v)
	for i := range list {
		p := &list[i]
		title, _, _ := p.In(string(v.lang))
		row := []cell{textCell(title), v.updateState(p), dayCell(v.book.Day(p.WrittenAt)), {User: true, Text: p.Firm}, {}, textCell(p.Reason)}
		if desk != "" {
			row[0].Href = desk + "/" + p.ID.String()
		}
		if p.Firm == "" {
			if row[3].Text, err = names.of(p.WrittenBy); err != nil {
				return g, err
			}
		}
		if p.ShownAt != nil {
			row[4] = dayCell(v.book.Day(*p.ShownAt))
			if desk == "" && p.EndedAt == nil {
				row[0].Href = updateHref(p)
			}
		}
		g.Rows = append(g.Rows, row)
	}
	return g, nil
}

// updateWrite writes a post and asks for it to be shown, in one.
func (v *visit) updateWrite(of updatesOf, photos [][]byte) act {
	needs := staff.UpdateAsk
	if of.payee != nil {
		needs = staff.OwnWork
	}
	return act{name: "update-write", needs: needs, photos: "update.photos", blanks: []blank{
		{name: "title-zh", label: "update.title.zh", hint: "update.title.hint", optional: true, max: updates.TitleMax}, {name: "text-zh", label: "update.text.zh", hint: "update.text.hint", kind: "story", optional: true, max: updates.TextMax},
		{name: "title-en", label: "update.title.en", hint: "update.one", optional: true, max: updates.TitleMax}, {name: "text-en", label: "update.text.en", hint: "update.text.hint", kind: "story", optional: true, max: updates.TextMax}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			p := updates.Post{ID: id, ProjectID: of.Project, TitleZH: in["title-zh"], TextZH: in["text-zh"], TitleEN: in["title-en"], TextEN: in["text-en"], PayeeID: of.payee}
			if of.Campaign != 0 {
				p.CampaignID = &of.Campaign
			}
			m, err := updates.Write(v.book, p, photos)
			if err != nil {
				return nil, err
			}
			write := m.SettleAs
			m.SettleAs = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID, s giving.Sign) error {
				if err := write(ctx, tx, entry, s); err != nil {
					return err
				}
				title, _, _ := p.In(string(v.lang))
				a, err := staff.Request(ctx, tx, v.who, staff.Draft{Form: p.ID, Kind: staff.UpdateKind, Payload: stepDraft{"update-show", p.ID, inputs{}}, Payee: p.Object(),
					Summary: oneLine(T(v.lang, "act.update-show")+" · "+of.name+" · "+title, 400)}, v.now)
				if err != nil {
					return err
				}
				return v.announce(tx, a)
			}
			return m, nil
		}}
}

// writeUpdate takes the form of a new post with its photos.
func (v *visit) writeUpdate(of updatesOf, again func(of updatesOf, status int, wrong Errors) error) error {
	if of.public == "" {
		return giving.ErrStep
	}
	show := func(status int, wrong Errors) error { return again(of, status, wrong) }
	photos, wrong, err := v.photos(act{name: "update-write"}.photoField())
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return show(http.StatusUnprocessableEntity, wrong)
	}
	write := v.updateWrite(of, photos)
	if of.payee == nil { // an organisation's person has no page of a post
		write.to = updatesDeskPath + "/"
	}
	return v.perform(uuid.Nil, of.back+"/updates", show, write)
}

func (v *visit) campaignUpdateWrite() error {
	c, _, err := v.visibleCampaign()
	if err != nil {
		return err
	}
	return v.writeUpdate(ofCampaign(v.lang, c), v.updatesAgain)
}

func (v *visit) projectUpdateWrite() error {
	of, err := v.updatesProject()
	if err != nil {
		return err
	}
	return v.writeUpdate(of, v.updatesAgain)
}

// updateShow lets the public read a post; the other person is not who wrote it, whoever asked.
func (v *visit) updateShow() act {
	return act{name: "update-show", needs: staff.UpdateAsk, second: staff.UpdateKind, plan: func(v *visit, q pg.Querier, id uuid.UUID, _ inputs) (*giving.Move, error) {
		p, err := v.update(q, id)
		if err != nil {
			return nil, err
		}
		return updates.Show(v.book, p)
	}}
}

// updateEnd withdraws a shown post, or gives up one that waits.
func (v *visit) updateEnd(name, label string) act {
	return act{name: name, needs: staff.UpdateAsk, danger: true, blanks: []blank{{name: "reason", label: label, kind: "area", max: updates.ReasonMax}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			p, err := v.update(q, id)
			if err != nil {
				return nil, err
			}
			m, err := updates.End(v.book, p, in["reason"])
			if err != nil || p.State() != updates.Waiting {
				return m, err
			}
			end := m.SettleAs // what waits for a second person is over with the post
			m.SettleAs = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID, s giving.Sign) error {
				closed, err := staff.Moot(ctx, tx, v.who, staff.UpdateKind, p.Object(), in["reason"], v.now)
				if err != nil {
					return err
				}
				for _, a := range closed {
					if err := v.report(tx, a); err != nil {
						return err
					}
				}
				return end(ctx, tx, entry, s)
			}
			return m, nil
		}}
}

// updateActs are the steps that may follow. Who asks for a post to be shown has to see it; open says that somebody has asked.
func (v *visit) updateActs(p *updates.Post, open bool) []act {
	switch p.State() {
	case updates.Shown:
		return []act{v.updateEnd("update-withdraw", "update.reason.public")}
	case updates.Waiting:
		if open {
			return []act{v.updateEnd("update-drop", "offline.reason")}
		}
		return []act{v.updateShow(), v.updateEnd("update-drop", "offline.reason")}
	}
	return nil
}

// updateAsked is the open request for a post to be shown, or nil.
func (v *visit) updateAsked(p *updates.Post) (*staff.Approval, error) {
	list, err := staff.About(v.ctx(), v.s.DB, v.who, staff.UpdateKind, p.Object(), 1)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// updateParam is the post of the address.
func (v *visit) updateParam() (*updates.Post, error) {
	id, err := v.recordParam()
	if err != nil {
		return nil, err
	}
	return v.update(v.s.DB, id)
}

// updateDesk is a post as it was written, with where it stands and what may follow.
func (v *visit) updateDesk() error { return v.updateDeskAgain(http.StatusOK, nil) }

func (v *visit) updateDeskAgain(status int, wrong Errors) error {
	p, err := v.updateParam()
	if err != nil {
		return err
	}
	here := updatesDeskPath + "/" + p.ID.String()
	title, _, _ := p.In(string(v.lang))
	place, back := "/console/campaigns", ""
	if p.CampaignID != nil {
		back = deskHref(*p.CampaignID)
	} else {
		place, back = projectsPath, projectsPath+"/"+p.ProjectID.String()
	}
	view := recordView{Page: v.consolePage(title, place), Heading: title}
	view.Errors, view.Path = wrong, here
	state := v.updateState(p)
	view.Status, view.State = state.Tag, state.Text
	asked, err := v.updateAsked(p)
	if err != nil {
		return err
	}
	next := p.State()
	if next == updates.Waiting && asked == nil {
		next = "returned"
	}
	view.Lead = T(v.lang, "update.next."+next)
	by := p.Firm
	if by == "" {
		if by, err = newNames(v).of(p.WrittenBy); err != nil {
			return err
		}
	}
	view.Facts = append([]Fact{{Term: T(v.lang, "update.about"), Value: p.About(string(v.lang)), Href: back}, v.fact("update.by", by), v.fact("update.written", When(v.lang, p.WrittenAt, v.book.Zone))}, v.updateSays(p)...)
	if p.ShownAt != nil {
		view.Facts = append(view.Facts, v.fact("update.shown", When(v.lang, *p.ShownAt, v.book.Zone)))
	}
	if p.EndedAt != nil {
		who, err := newNames(v).of(*p.EndedBy)
		if err != nil {
			return err
		}
		view.Facts = append(view.Facts, v.fact("update.ended", When(v.lang, *p.EndedAt, v.book.Zone)+" · "+who), v.fact("offline.reason", p.Reason))
	}
	for n := range int(p.Photos) {
		view.Photos = append(view.Photos, photoView{fmt.Sprintf("%s/photo?n=%d", here, n), T(v.lang, "need.photo.alt", n+1)})
	}
	view.Links = []Link{{T(v.lang, "update.all"), back + "/updates"}}
	if p.Number != 0 {
		view.Links = append(view.Links, Link{T(v.lang, "update.public"), updateHref(p)})
	}
	if asked != nil && asked.Visible(v.who) {
		view.Links = append(view.Links, Link{T(v.lang, "update.asked"), approvalPath(*asked)})
	}
	if err := v.offer(&view, here, v.updateActs(p, asked != nil)...); err != nil {
		return err
	}
	return v.showRecord(view, p.Object(), status)
}

// updateSays is all that the public would read of a post.
func (v *visit) updateSays(p *updates.Post) (facts []Fact) {
	for _, one := range []struct{ key, value string }{{"update.title.zh", p.TitleZH}, {"update.text.zh", p.TextZH}, {"update.title.en", p.TitleEN}, {"update.text.en", p.TextEN}} {
		if one.value != "" {
			facts = append(facts, v.fact(one.key, one.value))
		}
	}
	return append(facts, v.fact("update.photos", strconv.Itoa(int(p.Photos))))
}

func (v *visit) updateStep() error {
	p, err := v.updateParam()
	if err != nil {
		return err
	}
	asked, err := v.updateAsked(p)
	if err != nil {
		return err
	}
	return v.perform(p.ID, updatesDeskPath+"/"+p.ID.String(), v.updateDeskAgain, v.updateActs(p, asked != nil)...)
}

// updateDeskPhoto hands a photo out to whoever sees the post.
func (v *visit) updateDeskPhoto() error {
	p, err := v.updateParam()
	if err != nil {
		return err
	}
	return v.photoOfUpdate(p, false)
}

func (v *visit) photoOfUpdate(p *updates.Post, public bool) error {
	n, err := strconv.Atoi(v.QueryParam("n"))
	if err != nil || n < 0 || n >= int(p.Photos) {
		return giving.ErrNoRecord
	}
	body, err := updates.Photo(v.ctx(), v.s.DB, v.book, p, n)
	if err != nil {
		return err
	}
	return v.sendPhoto(body, public)
}
