package web

import (
	"net/http"
	"strconv"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// boxIssue takes a new box or kiosk into the register.
func (v *visit) boxIssue() (act, error) {
	campaigns, err := v.campaignOptions("offline.choose")
	kinds := []Option{{Value: "kiosk", Label: T(v.lang, "box.kind.kiosk")}, {Value: "box", Label: T(v.lang, "box.kind.box")}}
	return act{name: "box-issue", needs: staff.OfflineWrite, to: "/console/boxes/", blanks: []blank{
		v.todayBlank("day", "box.day"),
		{name: "code", label: "box.code", hint: "box.code.hint", max: 20},
		{name: "kind", label: "box.kind", kind: "select", options: kinds},
		{name: "campaign", label: "box.campaign", hint: "box.campaign.hint", kind: "select", options: campaigns},
		{name: "days", label: "box.days", hint: "box.days.hint", kind: "number", value: "90"},
	}, plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		return payments.IssueBox(v.ctx(), q, v.book, payments.Box{ID: id, Code: in["code"], Kind: in["kind"], CampaignID: int32(in.number("campaign")),
			OpenDays: int16(min(in.number("days"), 10_000)), Since: in.day("day")})
	}}, err
}

// boxActs are the steps of a box, by the state that each begins in.
func (v *visit) boxActs(state string) []act {
	one := func(name string, needs staff.Permission, blanks []blank, plan func(v *visit, q pg.Querier, b *payments.Box, in inputs) (*giving.Move, error)) act {
		return act{name: name, needs: needs, blanks: blanks, plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
			b, err := payments.BoxByID(v.ctx(), q, v.book, id)
			if err != nil {
				return nil, err
			}
			return plan(v, q, b, in)
		}}
	}
	day := v.todayBlank("day", "voucher.day")
	place := one("box-place", staff.OfflineWrite, []blank{day, {name: "place", label: "box.place", max: 100}, {name: "keeper", label: "box.keeper", hint: "box.keeper.hint", max: 100}},
		func(v *visit, _ pg.Querier, b *payments.Box, in inputs) (*giving.Move, error) {
			return payments.PlaceBox(v.book, b, in["place"], in["keeper"], in.day("day"))
		})
	seal := one("box-seal", staff.CashCount, []blank{day, {name: "seal", label: "box.seal", max: 40}},
		func(v *visit, _ pg.Querier, b *payments.Box, in inputs) (*giving.Move, error) {
			return payments.SealBox(v.book, b, in["seal"], in.day("day"))
		})
	open := one("box-open", staff.CashCount, []blank{day, {name: "seal", label: "box.seal.found", hint: "box.seal.found.hint", max: 40}, {name: "remark", label: "box.remark", optional: true}},
		func(v *visit, _ pg.Querier, b *payments.Box, in inputs) (*giving.Move, error) {
			return payments.OpenBox(v.book, b, in["seal"], in["remark"], v.who.Person.ID, in.day("day"))
		})
	witness := one("box-witness", staff.CashCount, nil, func(v *visit, _ pg.Querier, b *payments.Box, _ inputs) (*giving.Move, error) {
		return payments.WitnessBox(v.book, b, v.who.Person.ID, v.businessDay())
	})
	count := one("box-count", staff.CashCount, append([]blank{day}, sheetBlanks()...), func(v *visit, q pg.Querier, b *payments.Box, in inputs) (*giving.Move, error) {
		form, err := v.formID() // the count is a record of its own
		if err != nil {
			return nil, err
		}
		return payments.CountBox(v.ctx(), q, v.book, b, payments.Counting{ID: form, Day: in.day("day"), Sheet: in.sheet()}, v.who.Person.ID, v.now)
	})
	retire := one("box-retire", staff.OfflineWrite, v.reasonBlanks(), func(v *visit, _ pg.Querier, b *payments.Box, in inputs) (*giving.Move, error) {
		return payments.RetireBox(v.book, b, in["reason"], in.day("day"))
	})
	retire.danger = true
	switch state {
	case payments.BoxIssued:
		return []act{place, retire}
	case payments.BoxPlaced:
		return []act{seal, place, retire}
	case payments.BoxSealed:
		return []act{open}
	case payments.BoxOpening:
		return []act{witness}
	case payments.BoxOpened:
		return []act{count}
	}
	return nil
}

// boxList shows every box: where it is, whose it is to keep, and whether it should have been opened.
func (v *visit) boxList() error { return v.boxesAgain(http.StatusOK, nil) }

func (v *visit) boxesAgain(status int, wrong Errors) error {
	view := v.recordPage(T(v.lang, "box.heading"), "/console/boxes")
	view.Errors, view.Path = wrong, "/console/boxes"
	list, err := payments.Boxes(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "box.all"), Empty: T(v.lang, "box.none"), Heads: v.heads("box.code", "box.kind", "box.place", "person.state", "box.since", "box.due")}
	for _, b := range list {
		due, late := cell{}, b.Since.AddDate(0, 0, int(b.OpenDays))
		if b.State == payments.BoxSealed {
			due = dayCell(late)
			if late.Before(v.businessDay()) {
				due.Tag, due.Text = "attention", ISODay(late)
			}
		}
		g.Rows = append(g.Rows, []cell{{Text: b.Code, Href: "/console/boxes/" + b.ID.String()}, {Text: T(v.lang, "box.kind."+b.Kind)}, textCell(b.Place), v.boxState(b.State),
			dayCell(b.Since), due})
	}
	view.Grids = []grid{g}
	issue, err := v.boxIssue()
	if err != nil {
		return err
	}
	if err := v.offer(&view, "/console/boxes", issue); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) boxState(state string) cell {
	return cell{Text: T(v.lang, "box.state."+state), Tag: map[string]string{"issued": "draft", "placed": "waiting", "sealed": "good", "opening": "attention", "opened": "waiting",
		"retired": "held"}[state]}
}

// boxCreate issues a box.
func (v *visit) boxCreate() error {
	issue, err := v.boxIssue()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, "/console/boxes", v.boxesAgain, issue)
}

// boxShow shows a box with its whole custody.
func (v *visit) boxShow() error { return v.boxAgain(http.StatusOK, nil) }

func (v *visit) boxAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	b, err := payments.BoxByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := "/console/boxes/" + id.String()
	view := v.recordPage(T(v.lang, "box.kind."+b.Kind)+" "+b.Code, "")
	view.Errors, view.Path = wrong, here
	state := v.boxState(b.State)
	view.Status, view.State = state.Tag, state.Text
	campaign, err := v.campaignName(b.CampaignID)
	if err != nil {
		return err
	}
	view.Facts = []Fact{campaign, v.fact("box.since", Day(v.lang, b.Since)), v.fact("box.days", strconv.Itoa(int(b.OpenDays)))}
	if b.Place != "" {
		view.Facts = append(view.Facts, v.fact("box.place", b.Place), v.fact("box.keeper", b.Keeper))
	}
	if b.Seal != "" {
		view.Facts = append(view.Facts, v.fact("box.seal", b.Seal))
	}
	counts, err := payments.CountsOfBox(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	g, err := v.countGrid(counts, newNames(v))
	if err != nil {
		return err
	}
	g.Title, g.Empty = T(v.lang, "box.counts"), T(v.lang, "box.counts.none")
	view.Grids = []grid{g}
	acts := v.boxActs(b.State)
	if b.State == payments.BoxOpening && *b.OpenedBy == v.who.Person.ID {
		view.Lead, acts = T(v.lang, "box.own"), nil
	}
	if b.State == payments.BoxOpened && len(counts) > 0 && counts[0].State == payments.CountOpen {
		view.Lead, acts = T(v.lang, "box.counted"), nil
	}
	if err := v.offer(&view, here, acts...); err != nil {
		return err
	}
	return v.showRecord(view, b.Object(), status)
}

// boxStep takes the next step of a box.
func (v *visit) boxStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	b, err := payments.BoxByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	return v.perform(id, "/console/boxes/"+id.String(), v.boxAgain, v.boxActs(b.State)...)
}
