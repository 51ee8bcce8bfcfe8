package web

import (
	"cmp"
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// remindDays is how long before an instalment is due the firm may be reminded of it.
const remindDays = 14

// pledgeSign writes down what a firm has promised.
func (v *visit) pledgeSign() (act, error) {
	campaigns, err := v.campaignOptions("offline.choose")
	return act{name: "pledge-sign", needs: staff.OfflineWrite, to: "/console/pledges/", blanks: []blank{
		v.todayBlank("day", "pledge.signed"), {name: "firm", label: "offline.firm", max: 100}, {name: "document", label: "pledge.document"},
		{name: "campaign", label: "gift.campaign", kind: "select", options: campaigns}, {name: "amount", label: "pledge.amount", kind: "amount"},
		{name: "parts", label: "pledge.parts", kind: "number", value: "1"}, {name: "due", label: "pledge.first", kind: "day"},
		{name: "months", label: "pledge.months", hint: "pledge.months.hint", kind: "number", value: "3"},
		{name: "email", label: "pledge.contact", hint: "pledge.contact.hint", optional: true, max: giving.EmailMax},
		{name: "lang", label: "pledge.contact.lang", kind: "select", value: string(v.lang), optional: true,
			options: []Option{{Value: "zh-CN", Label: T(v.lang, "pledge.lang.zh-CN")}, {Value: "en", Label: T(v.lang, "pledge.lang.en")}}},
	}, plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		parts := giving.Instalments(in.sum("amount", v.book), min(in.number("parts"), giving.PartsMax+1), in.day("due"), min(in.number("months"), 120))
		return giving.SignPledge(v.ctx(), q, v.book, giving.Pledge{ID: id, Firm: in["firm"], CampaignID: int32(in.number("campaign")), Document: in["document"],
			SignedOn: in.day("day"), Amount: in.sum("amount", v.book)}, parts,
			giving.Contact{Email: in["email"], Lang: cmp.Or(in["lang"], string(v.lang))}, v.now)
	}}, err
}

func ofPledge(plan func(v *visit, q pg.Querier, p *giving.Pledge, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		p, err := giving.PledgeByID(v.ctx(), q, v.book, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, p, in)
	}
}

// pledgePaid books an instalment that came.
func (v *visit) pledgePaid() act {
	return act{name: "pledge-paid", needs: staff.OfflineWrite, blanks: []blank{v.todayBlank("day", "bankline.day"), {name: "amount", label: "filter.amount", kind: "amount"},
		{name: "ref", label: "bankline.ref", hint: "bankline.ref.hint", max: 100}}, plan: ofPledge(func(v *visit, _ pg.Querier, p *giving.Pledge, in inputs) (*giving.Move, error) {
		return giving.PledgePaid(v.book, p, in.sum("amount", v.book), in["ref"], in.day("day"))
	})}
}

// pledgeSeconds are the ends of a pledge that a second person approves.
func (v *visit) pledgeSeconds() []act {
	return []act{
		{name: "pledge-end", needs: staff.OfflineWrite, second: staff.PledgeKind, danger: true, blanks: v.reasonBlanks(),
			plan: ofPledge(func(v *visit, _ pg.Querier, p *giving.Pledge, in inputs) (*giving.Move, error) {
				return giving.EndPledge(v.book, p, in["reason"], in.day("day"))
			})},
		{name: "pledge-void", needs: staff.OfflineWrite, second: staff.PledgeKind, danger: true, blanks: v.reasonBlanks(),
			plan: ofPledge(func(v *visit, q pg.Querier, p *giving.Pledge, in inputs) (*giving.Move, error) {
				return giving.VoidPledge(v.ctx(), q, v.book, p, in["reason"], in.day("day"))
			})},
	}
}

func (v *visit) pledgeActs(p *giving.Pledge) []act {
	if p.State != "open" {
		return nil
	}
	acts := append([]act{v.pledgePaid()}, v.pledgeSeconds()...)
	if p.Received > 0 {
		acts = acts[:2]
	}
	return acts
}

// pledgeList shows what is promised, and what is due.
func (v *visit) pledgeList() error { return v.pledgesAgain(http.StatusOK, nil) }

func (v *visit) pledgesAgain(status int, wrong Errors) error {
	view := v.recordPage(T(v.lang, "pledge.heading"), "/console/pledges")
	view.Errors, view.Path = wrong, "/console/pledges"
	list, err := giving.Pledges(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	due, err := giving.PartsDue(v.ctx(), v.s.DB, v.book, v.businessDay().AddDate(0, 0, remindDays))
	if err != nil {
		return err
	}
	soon := grid{Title: T(v.lang, "pledge.due"), Empty: T(v.lang, "pledge.due.none", remindDays), Heads: v.heads("pledge.number", "offline.firm", "pledge.part", "pledge.due.day", "#pledge.open")}
	for _, d := range due {
		when := dayCell(d.Due)
		if d.Due.Before(v.businessDay()) {
			when.Tag = "attention"
		}
		soon.Rows = append(soon.Rows, []cell{{Text: d.Pledge.Name(), Href: "/console/pledges/" + d.Pledge.ID.String()}, textCell(d.Pledge.Firm),
			{Text: strconv.Itoa(int(d.Part.Part))}, when, v.sumCell(d.Part.Amount - d.Part.Received)})
	}
	all := grid{Title: T(v.lang, "pledge.all"), Empty: T(v.lang, "pledge.none"), Heads: v.heads("pledge.number", "offline.firm", "person.state", "#pledge.amount", "#pledge.received", "#pledge.open")}
	var open int64
	for _, p := range list {
		if p.State == "open" {
			open += p.Open()
		}
		all.Rows = append(all.Rows, []cell{{Text: p.Name(), Href: "/console/pledges/" + p.ID.String()}, textCell(p.Firm), v.pledgeState(p.State), v.sumCell(p.Amount),
			v.sumCell(p.Received), v.sumCell(p.Open())})
	}
	view.Lead, view.Facts, view.Grids = T(v.lang, "pledge.lead"), []Fact{v.sumFact("pledge.open.sum", open)}, []grid{soon, all}
	sign, err := v.pledgeSign()
	if err != nil {
		return err
	}
	if err := v.offer(&view, "/console/pledges", sign); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) pledgeState(state string) cell {
	return cell{Text: T(v.lang, "pledge.state."+state), Tag: map[string]string{"open": "waiting", "kept": "done", "ended": "held", "void": "reversed"}[state]}
}

// pledgeCreate signs a pledge.
func (v *visit) pledgeCreate() error {
	sign, err := v.pledgeSign()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, "/console/pledges", v.pledgesAgain, sign)
}

// pledgeShow shows a pledge with its instalments.
func (v *visit) pledgeShow() error { return v.pledgeAgain(http.StatusOK, nil) }

func (v *visit) pledgeAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := giving.PledgeByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := "/console/pledges/" + id.String()
	view := v.recordPage(p.Name()+" "+p.Firm, "")
	view.Errors, view.Path = wrong, here
	state := v.pledgeState(p.State)
	view.Status, view.State = state.Tag, state.Text
	campaign, err := v.campaignName(p.CampaignID)
	if err != nil {
		return err
	}
	view.Facts = []Fact{campaign, v.fact("pledge.document", p.Document), v.fact("pledge.signed", Day(v.lang, p.SignedOn)), v.sumFact("pledge.amount", p.Amount),
		v.sumFact("pledge.received", p.Received), v.sumFact("pledge.open", p.Open())}
	contact, err := v.pledgeContact(p)
	if err != nil {
		return err
	}
	view.Facts = append(view.Facts, contact)
	parts, err := giving.Parts(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "pledge.parts.heading"), Heads: v.heads("pledge.part", "pledge.due.day", "#pledge.amount", "#pledge.received", "pledge.reminded")}
	for _, part := range parts {
		due, reminded := dayCell(part.Due), cell{}
		if p.State == "open" && part.Received < part.Amount && part.Due.Before(v.businessDay()) {
			due.Tag = "attention"
		}
		if part.RemindedOn != nil {
			reminded = dayCell(*part.RemindedOn)
		}
		g.Rows = append(g.Rows, []cell{{Text: strconv.Itoa(int(part.Part))}, due, v.sumCell(part.Amount), v.sumCell(part.Received), reminded})
	}
	view.Grids = []grid{g}
	if err := v.offer(&view, here, v.pledgeActs(p)...); err != nil {
		return err
	}
	return v.showRecord(view, p.Object(), status)
}

// pledgeContact tells whether letters remind the firm, without the address itself.
func (v *visit) pledgeContact(p *giving.Pledge) (Fact, error) {
	if p.Donor == nil {
		return v.fact("pledge.letters", T(v.lang, "pledge.letters.none")), nil
	}
	there, err := giving.Donors(v.ctx(), v.s.DB, v.book, []uuid.UUID{*p.Donor})
	if _, ok := there[*p.Donor]; err != nil || !ok {
		return v.fact("pledge.letters", T(v.lang, "pledge.letters.erased")), err
	}
	return v.fact("pledge.letters", T(v.lang, "pledge.letters.sent", giving.RemindDays, T(v.lang, "pledge.lang."+*p.Lang))), nil
}

// pledgeStep takes a step with a pledge.
func (v *visit) pledgeStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	p, err := giving.PledgeByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	return v.perform(id, "/console/pledges/"+id.String(), v.pledgeAgain, v.pledgeActs(p)...)
}
