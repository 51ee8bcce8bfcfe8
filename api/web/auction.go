package web

import (
	"fmt"
	"net/http"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger/giving"
	"sunfund/ledger/staff"
)

// ofAuction is a step with an auction and its lot.
func ofAuction(plan func(v *visit, q pg.Querier, l *giving.Lot, a *giving.Auction, in inputs) (*giving.Move, error)) func(*visit, pg.Querier, uuid.UUID, inputs) (*giving.Move, error) {
	return func(v *visit, q pg.Querier, id uuid.UUID, in inputs) (*giving.Move, error) {
		a, err := giving.AuctionByID(v.ctx(), q, v.book, id)
		if err != nil {
			return nil, err
		}
		l, err := giving.LotByID(v.ctx(), q, v.book, a.LotID)
		if err != nil {
			return nil, err
		}
		return plan(v, q, l, a, in)
	}
}

// auctionSeconds are the steps of an auction that a second person approves: a sale, and money that leaves.
func (v *visit) auctionSeconds(held []Option) []act {
	day := v.todayBlank("day", "voucher.day")
	return []act{
		{name: "auction-sell", needs: staff.OfflineWrite, second: staff.GoodsKind, blanks: []blank{day, {name: "buyer", label: "auction.buyer", thing: "bidder", kind: "select", options: held},
			{name: "price", label: "auction.hammer", kind: "amount"}, {name: "costs", label: "auction.costs", hint: "auction.costs.hint", kind: "amount", optional: true},
			{name: "way", label: "auction.way", hint: "auction.way.hint", kind: "select", options: []Option{{Value: giving.SaleGross, Label: T(v.lang, "auction.way.gross")},
				{Value: giving.SalePremium, Label: T(v.lang, "auction.way.premium")}}}},
			plan: ofAuction(func(v *visit, q pg.Querier, l *giving.Lot, a *giving.Auction, in inputs) (*giving.Move, error) {
				return giving.SellLot(v.ctx(), q, v.book, l, a, giving.Hammer{Buyer: in.id("buyer"), Price: in.sum("price", v.book), Costs: in.sum("costs", v.book), Way: in["way"], Day: in.day("day")})
			})},
		{name: "deposit-return", needs: staff.OfflineWrite, second: staff.GoodsKind, blanks: []blank{day, {name: "bidder", label: "auction.bidder", thing: "bidder", kind: "select", options: held}},
			plan: ofAuction(func(v *visit, q pg.Querier, l *giving.Lot, a *giving.Auction, in inputs) (*giving.Move, error) {
				return giving.ReturnDeposit(v.ctx(), q, v.book, l, a, in.id("bidder"), in.day("day"))
			})},
	}
}

// auctionActs are what may follow, as the auction stands.
func (v *visit) auctionActs(a *giving.Auction, held []Option) (acts []act) {
	seconds := v.auctionSeconds(held)
	if a.State == "open" {
		acts = append(acts, act{name: "auction-deposit", needs: staff.OfflineWrite, blanks: []blank{v.todayBlank("day", "voucher.day"),
			{name: "paddle", label: "auction.paddle", kind: "number"}, {name: "firm", label: "offline.firm", optional: true, max: 100},
			{name: "person", label: "offline.person", hint: "offline.person.hint", optional: true, max: 60}, {name: "deposit", label: "auction.deposit", kind: "amount"}},
			plan: ofAuction(func(v *visit, q pg.Querier, l *giving.Lot, a *giving.Auction, in inputs) (*giving.Move, error) {
				form, err := v.formID()
				if err != nil {
					return nil, err
				}
				return giving.TakeDeposit(v.ctx(), q, v.book, l, a, giving.Bidder{ID: form, Paddle: int32(in.number("paddle")), Firm: in["firm"], Deposit: in.sum("deposit", v.book)},
					in["person"], in.day("day"), v.now)
			})})
		if len(held) > 0 {
			acts = append(acts, seconds[0])
		}
		acts = append(acts, act{name: "auction-unsold", needs: staff.OfflineWrite, danger: true, blanks: v.reasonBlanks(),
			plan: ofAuction(func(v *visit, _ pg.Querier, l *giving.Lot, a *giving.Auction, in inputs) (*giving.Move, error) {
				return giving.EndUnsold(v.book, l, a, in["reason"], in.day("day"))
			})})
	}
	if len(held) > 0 {
		acts = append(acts, seconds[1])
	}
	return acts
}

// heldOptions offers the bidders whose deposits are held.
func (v *visit) heldOptions(list []giving.Bidder) (options []Option, err error) {
	for _, b := range list {
		if b.State == "held" {
			who, err := v.giver(b.Firm, b.Donor)
			if err != nil {
				return nil, err
			}
			options = append(options, Option{Value: b.ID.String(), Label: fmt.Sprintf("#%d %s", b.Paddle, who)})
		}
	}
	return options, nil
}

func (v *visit) auctionState(state string) cell {
	return cell{Text: T(v.lang, "auction.state."+state), Tag: map[string]string{"open": "waiting", "sold": "done", "unsold": "held"}[state]}
}

// auctionShow shows an auction with its bidders.
func (v *visit) auctionShow() error { return v.auctionAgain(http.StatusOK, nil) }

func (v *visit) auctionAgain(status int, wrong Errors) error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	a, err := giving.AuctionByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	l, err := giving.LotByID(v.ctx(), v.s.DB, v.book, a.LotID)
	if err != nil {
		return err
	}
	here := "/console/auctions/" + id.String()
	view := v.recordPage(T(v.lang, "auction.title", l.Title), "")
	view.Errors, view.Path = wrong, here
	state := v.auctionState(a.State)
	view.Status, view.State = state.Tag, state.Text
	view.Facts = []Fact{{Term: T(v.lang, "lot.one"), Value: l.Name() + " " + l.Title, Href: "/console/goods/" + l.ID.String()}, v.fact("auction.day", Day(v.lang, a.HeldOn)),
		v.fact("auction.house", a.House), v.sumFact("auction.reserve", a.Reserve)}
	if a.Hammer != nil {
		view.Facts = append(view.Facts, v.sumFact("auction.hammer", *a.Hammer), v.sumFact("auction.costs", *a.Costs), v.fact("auction.way", T(v.lang, "auction.way."+*a.Way)))
	}
	list, err := giving.Bidders(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	g := grid{Title: T(v.lang, "auction.bidders"), Empty: T(v.lang, "auction.bidders.none"), Heads: v.heads("auction.paddle", "offline.giver", "person.state", "#auction.deposit")}
	for _, b := range list {
		who, err := v.giver(b.Firm, b.Donor)
		if err != nil {
			return err
		}
		g.Rows = append(g.Rows, []cell{{Text: fmt.Sprintf("#%d", b.Paddle)}, textCell(who), {Text: T(v.lang, "bidder.state."+b.State),
			Tag: map[string]string{"held": "waiting", "applied": "done", "returned": "reversed"}[b.State]}, v.sumCell(b.Deposit)})
	}
	due, err := v.receiptsDue(l)
	if err != nil {
		return err
	}
	view.Grids = []grid{g, due}
	held, err := v.heldOptions(list)
	if err != nil {
		return err
	}
	if err := v.offer(&view, here, v.auctionActs(a, held)...); err != nil {
		return err
	}
	return v.showRecord(view, a.Object(), status)
}

// auctionStep takes a step with an auction.
func (v *visit) auctionStep() error {
	id, err := v.recordParam()
	if err != nil {
		return err
	}
	a, err := giving.AuctionByID(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	list, err := giving.Bidders(v.ctx(), v.s.DB, v.book, id)
	if err != nil {
		return err
	}
	held, err := v.heldOptions(list)
	if err != nil {
		return err
	}
	return v.perform(id, "/console/auctions/"+id.String(), v.auctionAgain, v.auctionActs(a, held)...)
}
