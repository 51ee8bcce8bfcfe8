package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/law"
	"sunfund/ledger/staff"
)

// campaignLacks is what a draft lacks before somebody may ask for its publication. An imported draft may lack what the public must read.
func (v *visit) campaignLacks(c *giving.Campaign, f campaignForm, s *sight) Errors {
	_, wrong := v.draftOfForm(f, s)
	if !v.now.Before(c.ClosesAt) {
		wrong.Add("closes", T(v.lang, "campaigns.closes.past"))
	}
	if c.FilingNo == "" && !v.book.Sandbox {
		wrong.Add("filing", T(v.lang, "campaigns.filing.wrong"))
	}
	return wrong
}

// campaignReady lists what is done and what is open on the way of a draft to the public: complete, lawful, approved.
func (v *visit) campaignReady(c *giving.Campaign, s *sight) ([]Step, error) {
	complete := Step{State: "done", Label: T(v.lang, "campaigns.ready.complete")}
	if wrong := v.campaignLacks(c, v.formOfCampaign(c), s); len(wrong) > 0 {
		var all []string
		for _, one := range wrong {
			all = append(all, one.Message)
		}
		complete.State, complete.Note = "open", strings.Join(all, " ")
		if v.who.May(staff.CampaignWrite) {
			complete.Link = &Link{T(v.lang, "campaigns.change"), deskHref(c.ID) + "/edit"}
		}
	}
	lawful := Step{State: "done", Label: T(v.lang, "campaigns.ready.lawful")}
	var refusal *law.Refusal
	switch err := law.MayPublish(v.ctx(), v.s.DB, v.book, c.ID, v.businessDay()); {
	case errors.As(err, &refusal):
		lawful.State, lawful.Note = "open", refusal.Text(string(v.lang))
		if v.who.May(staff.LawRead) {
			lawful.Link = &Link{refusal.Rule.Code, lawRule(refusal.Rule.Code)}
		}
	case err != nil:
		return nil, err
	}
	return []Step{complete, lawful, {State: "open", Label: T(v.lang, "campaigns.ready.approved")}}, nil
}

// campaignPreview shows a draft as the public will see it.
func (v *visit) campaignPreview() error {
	c, _, err := v.visibleCampaign()
	if err != nil {
		return err
	}
	if c.State != giving.Draft {
		return v.see("/c/" + c.Slug)
	}
	view := campaignView{Preview: true, Recent: true}
	err = v.read(func(q pg.Querier) error {
		if view.campaignFigures, err = v.campaignFigures(v.ctx(), q, c, uuid.Nil); err != nil {
			return err
		}
		return v.readCampaign(q, c, &view)
	})
	if err != nil {
		return err
	}
	view.Crumbs = []Link{{T(v.lang, "place.campaigns"), "/console/campaigns"}, {view.Name, deskHref(c.ID)}, {Label: T(v.lang, "campaigns.preview")}}
	view.Givable, view.Feeds, view.Updates = false, nil, nil // a draft has none of its own
	return v.s.render.Render(v.Response(), http.StatusOK, "public/campaign", view)
}
