package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// managedShown is how many campaigns one page of the console lists.
const managedShown = 50

type campaignManageView struct {
	Page
	Rows     []managedRow
	Next     string
	First    string
	MayWrite bool
	Empty    Empty
}

// managedRow is a campaign in the console.
type managedRow struct {
	Href, Name, State, Word, Fund, Days string
	Goal, Raised                        money.Money
}

// stateTag is the shape of a campaign's state.
func stateTag(c *giving.Campaign, finished bool) (shape, key string) {
	switch {
	case c.State == giving.Draft:
		return "draft", "campaigns.draft"
	case finished:
		return "done", "campaigns.finished"
	}
	return "good", "campaigns.published"
}

// campaignManage lists the campaigns of the funds in sight, drafts too, the newest first.
func (v *visit) campaignManage() error {
	before, err := cursorID(v.QueryParam("before"))
	if err != nil {
		return v.see("/console/campaigns")
	}
	s, err := v.sight()
	if err != nil {
		return err
	}
	view := campaignManageView{Page: v.consolePage(T(v.lang, "place.campaigns"), "/console/campaigns"), MayWrite: v.who.May(staff.CampaignWrite),
		Empty: Empty{Text: T(v.lang, "campaigns.none")}}
	if before != 0 {
		view.First = "/console/campaigns"
	}
	var shown []giving.Campaign
	for len(shown) < managedShown { // what is out of sight takes no place
		list, err := giving.ListCampaigns(v.ctx(), v.s.DB, v.book, giving.CampaignFilter{Drafts: true}, v.now, before, managedShown+1)
		if err != nil {
			return err
		}
		for _, c := range list {
			if len(shown) == managedShown {
				view.Next = v.with("before", strconv.Itoa(int(before)))
				break
			}
			before = c.ID
			if s.fund(c.FundID) != nil {
				shown = append(shown, c)
			}
		}
		if len(list) <= managedShown {
			break
		}
	}
	if view.Rows, err = v.managedRows(shown, s); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), http.StatusOK, "console/campaign_manage", view)
}

// managedRows are campaigns with what they have raised, read together.
func (v *visit) managedRows(list []giving.Campaign, s *sight) ([]managedRow, error) {
	ids := make([]int32, len(list))
	for i := range list {
		ids[i] = list[i].ID
	}
	progress, err := giving.ProgressOf(v.ctx(), v.s.DB, v.book, v.now, ids...)
	if err != nil {
		return nil, err
	}
	rows := make([]managedRow, len(list))
	for i := range list {
		c := &list[i]
		rows[i] = managedRow{Href: deskHref(c.ID), Name: c.Title(string(v.lang)), Fund: v.fundName(s, c.FundID), Goal: v.amount(c.Goal), Raised: v.amount(progress[i].Raised()),
			Days: ISODay(v.book.Day(c.OpensAt)) + " – " + ISODay(v.book.Day(c.ClosesAt.Add(-1)))}
		rows[i].State, rows[i].Word = stateTag(c, c.Finished(v.now))
	}
	return rows, nil
}

type campaignDeskView struct {
	Page
	managedRow
	ID       int32
	Facts    []Fact
	Public   string
	Draft    bool
	Ready    []Step // what a draft needs before the public may see it
	Running  bool
	MayWrite bool
	Form     string
	Reason   string
}

// campaignDesk shows one campaign, to be changed, published or closed.
func (v *visit) campaignDesk() error { return v.campaignDeskAgain(http.StatusOK, nil) }

func (v *visit) campaignDeskAgain(status int, wrong Errors) error {
	c, s, err := v.visibleCampaign()
	if err != nil {
		return err
	}
	rows, err := v.managedRows([]giving.Campaign{*c}, s)
	if err != nil {
		return err
	}
	view := campaignDeskView{Page: v.consolePage(c.Title(string(v.lang)), "/console/campaigns"), managedRow: rows[0], ID: c.ID, Draft: c.State == giving.Draft,
		Running: c.State == giving.Published && !c.Finished(v.now), MayWrite: v.who.May(staff.CampaignWrite), Form: newForm(), Facts: v.draftFacts(v.formOfCampaign(c), s),
		Reason: v.typed("reason", 1000)}
	view.Errors, view.Path = wrong, deskHref(c.ID)
	if view.Draft {
		view.Ready, err = v.campaignReady(c, s)
		if err != nil {
			return err
		}
	} else {
		view.Public = "/c/" + c.Slug
	}
	return v.s.render.Render(v.Response(), status, "console/campaign_desk", view)
}

// draftFacts are all that the public would read, in the order of the form.
func (v *visit) draftFacts(f campaignForm, s *sight) []Fact {
	fund, _ := strconv.ParseInt(f.Fund, 10, 32)
	theme := T(v.lang, "setting.none")
	if f.Theme != "" {
		theme = f.Theme
		for _, known := range campaignThemes {
			if known == f.Theme {
				theme = T(v.lang, "theme."+known)
			}
		}
	}
	filing := f.Filing
	if filing == "" {
		filing = T(v.lang, "setting.none")
	}
	facts := []Fact{}
	for _, one := range []struct{ key, value string }{{"title_zh", f.TitleZH}, {"title_en", f.TitleEN}, {"slug", "/c/" + f.Slug}, {"fund", v.fundName(s, int32(fund))},
		{"summary_zh", f.SummaryZH}, {"summary_en", f.SummaryEN}, {"story_zh", f.StoryZH}, {"story_en", f.StoryEN}, {"theme", theme}, {"filing", filing},
		{"goal", v.grouped(f.Goal)}, {"least", v.grouped(f.Least)}, {"most", v.grouped(f.Most)}, {"presets", f.Presets}, {"opens", f.Opens}, {"closes", f.Closes}} {
		facts = append(facts, Fact{Term: T(v.lang, "campaigns."+one.key), Value: one.value})
	}
	return facts
}

// grouped is a typed amount as pages show it.
func (v *visit) grouped(typed string) string {
	minor, err := money.Parse(typed, v.book.Currency)
	if err != nil {
		return typed
	}
	return Amount(v.lang, v.amount(minor))
}

// campaignChange saves a draft, asks for it to be published, or closes a campaign.
func (v *visit) campaignChange() error {
	c, s, err := v.visibleCampaign()
	if err != nil {
		return err
	}
	back := Link{c.Title(string(v.lang)), deskHref(c.ID)}
	switch v.FormValue("do") {
	case "save":
		err = v.campaignSave(c, s)
	case "publish":
		err = v.campaignPublish(c, s)
	case "close":
		reason := v.typed("reason", 1000)
		if reason == "" {
			return v.campaignDeskAgain(http.StatusUnprocessableEntity, Errors{{"reason", T(v.lang, "campaigns.close.wrong")}})
		}
		err = v.inTx(func(ctx context.Context, tx pgx.Tx) error {
			if err := giving.CloseCampaign(ctx, tx, v.book, c.ID); err != nil {
				return err
			}
			return v.record(tx, "campaign", "close", strconv.Itoa(int(c.ID)), reason)
		})
		if err == nil || errors.Is(err, giving.ErrNotPublished) && c.State == giving.Closed { // closed twice is closed
			return v.see(deskHref(c.ID))
		}
	default:
		return staff.ErrRequestInvalid
	}
	if errors.Is(err, giving.ErrNotDraft) || errors.Is(err, giving.ErrNotPublished) || errors.Is(err, law.ErrLaw) {
		return v.refuse(err, s, back)
	}
	return err
}

func (v *visit) campaignSave(c *giving.Campaign, s *sight) error {
	f := v.typedCampaign()
	f.ID = c.ID
	next, wrong := v.draftOfForm(f, s)
	if c.State != giving.Draft {
		return giving.ErrNotDraft
	}
	if len(wrong) > 0 {
		return v.campaignEdit(http.StatusUnprocessableEntity, c, f, wrong)
	}
	err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
		if err := giving.UpdateDraft(ctx, tx, v.book, next); err != nil {
			return err
		}
		return v.record(tx, "campaign", "draft", strconv.Itoa(int(c.ID)), "")
	})
	if err != nil {
		return v.campaignWrong(err, c, f)
	}
	return v.see(deskHref(c.ID))
}

// campaignPublish asks somebody else to let the public see the draft, exactly as it is.
func (v *visit) campaignPublish(c *giving.Campaign, s *sight) error {
	form, err := v.formID()
	if err != nil {
		return err
	}
	if c.State != giving.Draft {
		return giving.ErrNotDraft
	}
	f := v.formOfCampaign(c)
	if wrong := v.campaignLacks(c, f, s); len(wrong) > 0 {
		return v.campaignEdit(http.StatusUnprocessableEntity, c, f, wrong)
	}
	if err := law.MayPublish(v.ctx(), v.s.DB, v.book, c.ID, v.businessDay()); err != nil {
		return err
	}
	return v.request(staff.Draft{Form: form, Kind: staff.Opening, Summary: oneLine(T(v.lang, "campaigns.summary", c.Title(string(v.lang))), 400), Payload: f})
}

func (v *visit) readOpening(a staff.Approval) (f campaignForm, err error) {
	if err := json.Unmarshal(a.Payload, &f); err != nil {
		return f, fmt.Errorf("read request %s: %w", a.ID, err)
	}
	return f, nil
}

func (v *visit) askedCampaign(q pg.Querier, a staff.Approval) (asked, error) {
	f, err := v.readOpening(a)
	if err != nil {
		return asked{}, err
	}
	s, err := v.sight()
	if err != nil {
		return asked{}, err
	}
	now, err := giving.CampaignByID(v.ctx(), q, v.book, f.ID)
	if err != nil {
		return asked{}, err
	}
	r := asked{facts: v.draftFacts(f, s)}
	then, _ := v.draftOfForm(f, s)
	switch {
	case now.State != giving.Draft:
		r.stop = giving.ErrNotDraft
	case !now.Says(then):
		r.stop = giving.ErrCampaignChanged
	default:
		if err := law.MayPublish(v.ctx(), q, v.book, f.ID, v.businessDay()); err != nil {
			if !errors.Is(err, law.ErrLaw) {
				return asked{}, err
			}
			r.stop = err
		}
	}
	return r, nil
}

// openCampaign lets the public see the draft as it was agreed to.
func (v *visit) openCampaign(tx pgx.Tx, a staff.Approval) error {
	f, err := v.readOpening(a)
	if err != nil {
		return err
	}
	s, err := v.sight()
	if err != nil {
		return err
	}
	agreed, _ := v.draftOfForm(f, s)
	if err := giving.Publish(v.ctx(), tx, v.book, agreed, v.now); err != nil {
		return err
	}
	return v.record(tx, "campaign", "publish", strconv.Itoa(int(f.ID)), "")
}
