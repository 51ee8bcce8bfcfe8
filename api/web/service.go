package web

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// serviceNote writes down a service given.
func (v *visit) serviceNote() (act, error) {
	campaigns, err := v.campaignOptions("offline.choose")
	return act{name: "service-note", needs: staff.OfflineWrite, to: "/console/services/", blanks: []blank{v.todayBlank("day", "service.day"),
		{name: "what", label: "service.what", max: 120}, {name: "hours", label: "service.hours", kind: "number"}, {name: "campaign", label: "gift.campaign", kind: "select", options: campaigns},
		{name: "firm", label: "offline.firm", optional: true, max: 100}, {name: "person", label: "offline.person", hint: "offline.person.hint", optional: true, max: 60}},
		plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			return giving.NoteService(v.ctx(), q, v.book, giving.Service{ID: id, Day: in.day("day"), What: in["what"], Minutes: int32(min(in.number("hours"), 100_000)) * 60,
				Firm: in["firm"], CampaignID: int32(in.number("campaign"))}, in["person"], v.now)
		}}, err
}

// serviceSeconds are the steps of a service that a second person approves.
func (v *visit) serviceSeconds() []act {
	of := func(plan func(v *visit, q pg.Querier, s *giving.Service, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
		return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			s, err := giving.ServiceByID(v.ctx(), q, v.book, id)
			if err != nil {
				return nil, err
			}
			return plan(v, q, s, in)
		}
	}
	return []act{
		{name: "service-value", needs: staff.OfflineWrite, second: staff.GoodsKind, blanks: []blank{v.todayBlank("day", "voucher.day"), {name: "value", label: "lot.value", kind: "amount"},
			{name: "document", label: "service.document"}}, plan: of(func(v *visit, q pg.Querier, s *giving.Service, in inputs) (*giving.Move, error) {
			return giving.ValueService(v.ctx(), q, v.book, s, in.sum("value", v.book), in["document"], in.day("day"))
		})},
		{name: "service-correct", needs: staff.OfflineWrite, second: staff.GoodsKind, danger: true, blanks: v.reasonBlanks(),
			plan: of(func(v *visit, q pg.Querier, s *giving.Service, in inputs) (*giving.Move, error) {
				return giving.CorrectService(v.ctx(), q, v.book, s, in["reason"], in.day("day"))
			})},
	}
}

func (v *visit) serviceActs(s *giving.Service) []act {
	if s.Value == 0 {
		return v.serviceSeconds()[:1]
	}
	return v.serviceSeconds()[1:]
}

// serviceList shows services given.
func (v *visit) serviceList() error { return v.servicesAgain(http.StatusOK, nil) }

func (v *visit) servicesAgain(status int, wrong Errors) error {
	view := v.recordPage(T(v.lang, "service.heading"), "/console/services")
	view.Errors, view.Path = wrong, "/console/services"
	list, err := giving.Services(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "service.all"), Empty: T(v.lang, "service.none"), Heads: v.heads("service.what", "service.day", "offline.giver", "#service.hours", "#lot.value")}
	for _, s := range list {
		who, err := v.giver(s.Firm, s.Donor)
		if err != nil {
			return err
		}
		value := cell{Text: T(v.lang, "service.noted")}
		if s.Value > 0 {
			value = v.sumCell(s.Value)
		}
		g.Rows = append(g.Rows, []cell{{Text: s.What, Href: "/console/services/" + s.ID.String(), User: true}, dayCell(s.Day), textCell(who), {Text: hours(s.Minutes)}, value})
	}
	view.Grids = []grid{g}
	note, err := v.serviceNote()
	if err != nil {
		return err
	}
	if err := v.offer(&view, "/console/services", note); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

// hours writes minutes as hours with one decimal where needed.
func hours(minutes int32) string {
	if minutes%60 == 0 {
		return fmt.Sprint(minutes / 60)
	}
	return fmt.Sprintf("%d:%02d", minutes/60, minutes%60)
}

// serviceCreate notes a service.
func (v *visit) serviceCreate() error {
	note, err := v.serviceNote()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, "/console/services", v.servicesAgain, note)
}

// serviceShow shows a service given.
func (v *visit) serviceShow() error { return v.serviceAgain(http.StatusOK, nil) }

func (v *visit) serviceAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	s, err := giving.ServiceByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := "/console/services/" + id.String()
	view := v.recordPage(s.What, "")
	view.Errors, view.Path = wrong, here
	campaign, err := v.campaignName(s.CampaignID)
	if err != nil {
		return err
	}
	who, err := v.giver(s.Firm, s.Donor)
	if err != nil {
		return err
	}
	view.Facts = []Fact{campaign, v.fact("offline.giver", who), v.fact("service.day", Day(v.lang, s.Day)), v.fact("service.hours", hours(s.Minutes))}
	if s.Value > 0 {
		view.Facts = append(view.Facts, v.sumFact("lot.value", s.Value), v.fact("service.document", s.Document))
	} else {
		view.Lead = T(v.lang, "service.noted.rule")
	}
	if err := v.offer(&view, here, v.serviceActs(s)...); err != nil {
		return err
	}
	return v.showRecord(view, s.Object(), status)
}

// serviceStep takes a step with a service.
func (v *visit) serviceStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	s, err := giving.ServiceByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	return v.perform(id, "/console/services/"+id.String(), v.serviceAgain, v.serviceActs(s)...)
}
