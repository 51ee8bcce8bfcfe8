package web

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// lotReceive takes goods or a picture in.
func (v *visit) lotReceive() (act, error) {
	campaigns, err := v.campaignOptions("offline.choose")
	return act{name: "lot-receive", needs: staff.OfflineWrite, to: "/console/goods/", blanks: []blank{
		v.todayBlank("day", "lot.day"),
		{name: "kind", label: "lot.kind", kind: "select", options: []Option{{Value: "art", Label: T(v.lang, "lot.kind.art")}, {Value: "goods", Label: T(v.lang, "lot.kind.goods")}}},
		{name: "title", label: "lot.title", max: 120},
		{name: "pieces", label: "lot.pieces", kind: "number", value: "1"},
		{name: "unit", label: "lot.unit", hint: "lot.unit.hint", max: 20},
		{name: "campaign", label: "gift.campaign", kind: "select", options: campaigns},
		{name: "firm", label: "offline.firm", optional: true, max: 100},
		{name: "person", label: "offline.person", hint: "offline.person.hint", optional: true, max: 60},
		{name: "place", label: "lot.place", optional: true, max: 100},
		{name: "title-kept", label: "lot.keeps", kind: "select", optional: true, options: []Option{{Label: T(v.lang, "lot.keeps.no")}, {Value: "yes", Label: T(v.lang, "lot.keeps.yes")}}},
	}, plan: func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		return giving.ReceiveLot(v.ctx(), q, v.book, giving.Lot{ID: id, Kind: in["kind"], Title: in["title"], Unit: in["unit"], Pieces: int32(in.number("pieces")),
			CampaignID: int32(in.number("campaign")), Firm: in["firm"], KeepsTitle: in["title-kept"] == "yes", ReceivedOn: in.day("day"), Place: in["place"]}, in["person"], v.now)
	}}, err
}

// ofLot is a step with a lot.
func ofLot(plan func(v *visit, q pg.Querier, l *giving.Lot, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		l, err := giving.LotByID(v.ctx(), q, v.book, id)
		if err != nil {
			return nil, err
		}
		return plan(v, q, l, in)
	}
}

// lotSeconds are the steps of a lot that a second person approves: its value is judged, or it leaves.
func (v *visit) lotSeconds() []act {
	day := v.todayBlank("day", "voucher.day")
	return []act{
		{name: "lot-value", needs: staff.OfflineWrite, second: staff.GoodsKind, blanks: []blank{day,
			{name: "basis", label: "lot.basis", kind: "select", options: []Option{{Value: "document", Label: T(v.lang, "lot.basis.document")}, {Value: "appraisal", Label: T(v.lang, "lot.basis.appraisal")}}},
			{name: "appraiser", label: "lot.appraiser", hint: "lot.appraiser.hint", max: 100}, {name: "value", label: "lot.value", kind: "amount"}},
			plan: ofLot(func(v *visit, q pg.Querier, l *giving.Lot, in inputs) (*giving.Move, error) {
				return giving.ValueLot(v.ctx(), q, v.book, l, in["basis"], in["appraiser"], in.sum("value", v.book), in.day("day"))
			})},
		{name: "lot-use", needs: staff.OfflineWrite, second: staff.GoodsKind, blanks: []blank{day, {name: "pieces", label: "lot.pieces", kind: "number"},
			{name: "use", label: "lot.use", hint: "lot.use.hint"}},
			plan: ofLot(func(v *visit, q pg.Querier, l *giving.Lot, in inputs) (*giving.Move, error) {
				return giving.UseLot(v.ctx(), q, v.book, l, int32(in.number("pieces")), in["use"], in.day("day"))
			})},
		{name: "lot-impair", needs: staff.OfflineWrite, second: staff.GoodsKind, danger: true, blanks: []blank{day, {name: "amount", label: "lot.loss", kind: "amount"},
			{name: "reason", label: "offline.reason", kind: "area"}},
			plan: ofLot(func(v *visit, q pg.Querier, l *giving.Lot, in inputs) (*giving.Move, error) {
				return giving.ImpairLot(v.ctx(), q, v.book, l, in.sum("amount", v.book), in["reason"], in.day("day"))
			})},
		{name: "lot-return", needs: staff.OfflineWrite, second: staff.GoodsKind, danger: true, blanks: v.reasonBlanks(),
			plan: ofLot(func(v *visit, q pg.Querier, l *giving.Lot, in inputs) (*giving.Move, error) {
				return giving.ReturnLot(v.ctx(), q, v.book, l, in["reason"], in.day("day"))
			})},
		{name: "lot-correct", needs: staff.OfflineWrite, second: staff.GoodsKind, danger: true, blanks: v.reasonBlanks(),
			plan: ofLot(func(v *visit, q pg.Querier, l *giving.Lot, in inputs) (*giving.Move, error) {
				return giving.CorrectLot(v.ctx(), q, v.book, l, in["reason"], in.day("day"))
			})},
	}
}

// lotActs are what may follow, as the lot stands.
func (v *visit) lotActs(l *giving.Lot) (acts []act) {
	day := v.todayBlank("day", "voucher.day")
	store := act{name: "lot-store", needs: staff.OfflineWrite, blanks: []blank{day, {name: "place", label: "lot.place", max: 100}},
		plan: ofLot(func(v *visit, _ pg.Querier, l *giving.Lot, in inputs) (*giving.Move, error) {
			return giving.StoreLot(v.book, l, in["place"], in.day("day"))
		})}
	auction := act{name: "auction-open", needs: staff.OfflineWrite, blanks: []blank{v.todayBlank("day", "auction.day"), {name: "house", label: "auction.house", max: 100},
		{name: "reserve", label: "auction.reserve", kind: "amount", optional: true}},
		plan: ofLot(func(v *visit, _ pg.Querier, l *giving.Lot, in inputs) (*giving.Move, error) {
			form, err := v.formID() // the auction is a record of its own
			if err != nil {
				return nil, err
			}
			return giving.OpenAuction(v.book, l, giving.Auction{ID: form, HeldOn: in.day("day"), House: in["house"], Reserve: in.sum("reserve", v.book)})
		})}
	switch l.State {
	case giving.LotKept:
		whole := l.Left == l.Pieces
		for _, a := range v.lotSeconds() {
			fits := map[string]bool{"lot-value": l.Value == 0 && !l.KeepsTitle, "lot-use": !l.KeepsTitle, "lot-impair": l.LeftValue > l.Impaired, "lot-return": whole,
				"lot-correct": whole && l.Impaired == 0}
			if fits[a.name] {
				acts = append(acts, a)
			}
		}
		if whole {
			acts = append(acts, auction)
		}
		return append(acts, store)
	case giving.LotAuction:
		return []act{store}
	}
	return nil
}

// lotList shows what was given in kind.
func (v *visit) lotList() error { return v.lotsAgain(http.StatusOK, nil) }

func (v *visit) lotsAgain(status int, wrong Errors) error {
	view := v.recordPage(T(v.lang, "lot.heading"), "/console/goods")
	view.Errors, view.Path = wrong, "/console/goods"
	list, err := giving.Lots(v.ctx(), v.s.DB, v.book)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "lot.all"), Empty: T(v.lang, "lot.none"), Heads: v.heads("lot.number", "lot.title", "person.state", "lot.left", "lot.place", "#lot.value")}
	for _, l := range list {
		value := cell{Text: T(v.lang, "lot.unvalued")}
		if l.Value > 0 {
			value = v.sumCell(l.Value)
		}
		g.Rows = append(g.Rows, []cell{{Text: l.Name(), Href: "/console/goods/" + l.ID.String()}, textCell(l.Title), v.lotState(l.State),
			textCell(fmt.Sprintf("%d %s", l.Left, l.Unit)), textCell(l.Place), value})
	}
	view.Grids = []grid{g}
	receive, err := v.lotReceive()
	if err != nil {
		return err
	}
	if err := v.offer(&view, "/console/goods", receive); err != nil {
		return err
	}
	return v.s.render.Render(v.Response(), status, "console/record", view)
}

func (v *visit) lotState(state string) cell {
	return cell{Text: T(v.lang, "lot.state."+state), Tag: map[string]string{"kept": "good", "auction": "waiting", "sold": "done", "used": "done", "returned": "reversed", "void": "reversed"}[state]}
}

// lotCreate takes a lot in.
func (v *visit) lotCreate() error {
	receive, err := v.lotReceive()
	if err != nil {
		return err
	}
	return v.perform(uuid.Nil, "/console/goods", v.lotsAgain, receive)
}

// lotShow shows a lot, its auctions and who is to get which receipt.
func (v *visit) lotShow() error { return v.lotAgain(http.StatusOK, nil) }

func (v *visit) lotAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	l, err := giving.LotByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	here := "/console/goods/" + id.String()
	view := v.recordPage(l.Name()+" "+l.Title, "")
	view.Errors, view.Path = wrong, here
	state := v.lotState(l.State)
	view.Status, view.State = state.Tag, state.Text
	if view.Facts, err = v.lotFacts(l); err != nil {
		return err
	}
	auctions, err := giving.AuctionsOf(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "auction.heading"), Empty: T(v.lang, "auction.none"), Heads: v.heads("auction.day", "auction.house", "person.state", "#auction.hammer")}
	for _, a := range auctions {
		hammer := cell{}
		if a.Hammer != nil {
			hammer = v.sumCell(*a.Hammer)
		}
		g.Rows = append(g.Rows, []cell{{Text: ISODay(a.HeldOn), Href: "/console/auctions/" + a.ID.String()}, textCell(a.House), v.auctionState(a.State), hammer})
	}
	due, err := v.receiptsDue(l)
	if err != nil {
		return err
	}
	view.Grids = []grid{g, due}
	receipt, err := v.lotReceiptActs(l)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, append(receipt, v.lotActs(l)...)...); err != nil {
		return err
	}
	return v.showRecord(view, l.Object(), status)
}

func (v *visit) lotFacts(l *giving.Lot) ([]Fact, error) {
	campaign, err := v.campaignName(l.CampaignID)
	if err != nil {
		return nil, err
	}
	who, err := v.giver(l.Firm, l.Donor)
	if err != nil {
		return nil, err
	}
	facts := []Fact{campaign, v.fact("offline.giver", who), v.fact("lot.day", Day(v.lang, l.ReceivedOn)), v.fact("lot.left", fmt.Sprintf("%d / %d %s", l.Left, l.Pieces, l.Unit))}
	switch {
	case l.KeepsTitle:
		facts = append(facts, v.fact("lot.keeps", T(v.lang, "lot.keeps.yes")))
	case l.Value == 0:
		facts = append(facts, v.fact("lot.value", T(v.lang, "lot.unvalued")))
	default:
		facts = append(facts, v.sumFact("lot.value", l.Value), v.fact("lot.basis", T(v.lang, "lot.basis."+l.Basis)+" · "+l.Appraiser), v.sumFact("lot.book", l.LeftValue-l.Impaired))
	}
	if l.Place != "" {
		facts = append(facts, v.fact("lot.place", l.Place))
	}
	return facts, nil
}

// lotStep takes a step with a lot.
func (v *visit) lotStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	l, err := giving.LotByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	receipt, err := v.lotReceiptActs(l)
	if err != nil {
		return err
	}
	return v.perform(id, "/console/goods/"+id.String(), v.lotAgain, append(receipt, v.lotActs(l)...)...)
}
