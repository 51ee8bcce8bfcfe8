package giving

import (
	"slices"
	"strconv"
	"time"

	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// natureFeeCover marks what donors gave on top to cover the processor's fee.
const natureFeeCover = "fee-cover"

// fees gathers the fees of a batch: one entry a fund, channel and day.
type fees struct {
	groups []*feeGroup
	index  map[feeKey]*feeGroup
}

type feeKey struct {
	fund    int32
	channel Channel
	day     time.Time
}

type feeGroup struct {
	feeKey
	owner   ledger.Fund
	members []feeMember
}

// feeMember is the fee of the gift or refund that one entry of the batch books, and what its donor paid on top for it.
type feeMember struct {
	entry      int
	fee, cover int64
}

// cover is what the donor of a fund whose donors bear the fee paid on top.
func (p *Paid) cover() int64 {
	if p.Cover != 0 || p.Exact {
		return p.Cover
	}
	return p.Fee
}

func (f *fees) add(fund ledger.Fund, channel Channel, day time.Time, m feeMember) {
	if m.fee == 0 && m.cover == 0 {
		return
	}
	if f.index == nil {
		f.index = map[feeKey]*feeGroup{}
	}
	key := feeKey{fund.ID, channel, day}
	g := f.index[key]
	if g == nil {
		g = &feeGroup{feeKey: key, owner: fund}
		f.index[key] = g
		f.groups = append(f.groups, g)
	}
	g.members = append(g.members, m)
}

// entries appends the fee entries to those they depend on. Each counts only members that were really booked.
func (f *fees) entries(book *ledger.Book, before []ledger.Entry, general int32) []ledger.Entry {
	all := before[:len(before):len(before)]
	for _, g := range f.groups {
		all = append(all, ledger.Entry{
			Kind: ledger.KindFee, EffectiveOn: g.day,
			Lines: g.lines(general, 1, 1), // names the accounts; the figure is known after the decisions
			Recount: func(before []ledger.Result) []ledger.Line {
				var sum, cover int64
				for _, m := range g.members {
					if r := before[m.entry]; r.Err == nil && !r.Replayed {
						sum, cover = sum+m.fee, cover+m.cover
					}
				}
				return nonzero(g.lines(general, sum, cover))
			},
		})
	}
	return all
}

// lines are E03 as the fund says: a the fund bears the fee, b the general fund does and owes it to the
// fund until they settle, c the donor gave cover on top. A negative sum is a fee given back.
func (g *feeGroup) lines(general int32, sum, cover int64) []ledger.Line {
	kept := g.channel.balance(g.fund)
	instrument := ledger.Dims{Instrument: g.channel.Code()}
	cost := func(fund ledger.Fund) ledger.Leaf {
		return ledger.Leaf{Chart: chart.ID(fund.Class("fundraising")), Fund: fund.ID, Dims: instrument}
	}
	ofGeneral := ledger.Fund{ID: general, Kind: ledger.General}
	switch {
	case g.owner.FeeBearer == ledger.FeeByDonor && g.channel != Platform: // at a platform nobody pays it on top
		atGeneral := g.channel.balance(general)
		return []ledger.Line{
			{Leaf: atGeneral, Amount: cover}, {Leaf: coverLeaf(g.channel, general), Amount: -cover},
			{Leaf: cost(ofGeneral), Amount: sum}, {Leaf: atGeneral, Amount: -sum},
		}
	case g.owner.FeeBearer != ledger.FeeByFund && g.fund != general:
		return []ledger.Line{
			{Leaf: cost(ofGeneral), Amount: sum},
			{Leaf: ledger.Leaf{Chart: "if.due.to", Fund: general, Dims: counterparty(g.fund)}, Amount: -sum},
			{Leaf: ledger.Leaf{Chart: "if.due.from", Fund: g.fund, Dims: counterparty(general)}, Amount: sum},
			{Leaf: kept, Amount: -sum},
		}
	}
	return []ledger.Line{{Leaf: cost(g.owner), Amount: sum}, {Leaf: kept, Amount: -sum}}
}

// FeeLines are E03 for a fee that a channel kept beside those of its gifts. general is the book's general fund, sum minor
// units of the book's currency.
func FeeLines(c Channel, owner ledger.Fund, general int32, sum int64) []ledger.Line {
	g := feeGroup{feeKey: feeKey{fund: owner.ID, channel: c}, owner: owner}
	return nonzero(g.lines(general, sum, 0))
}

// nonzero leaves out lines that move nothing.
func nonzero(lines []ledger.Line) []ledger.Line {
	return slices.DeleteFunc(lines, func(l ledger.Line) bool { return l.Amount == 0 })
}

// coverLeaf is where that is earned which donors pay on top for the fee.
func coverLeaf(c Channel, general int32) ledger.Leaf {
	return ledger.Leaf{Chart: "gift.u", Fund: general, Dims: ledger.Dims{Instrument: c.Code(), Nature: natureFeeCover}}
}

// counterparty names the other fund of what one fund owes another.
func counterparty(fund int32) ledger.Dims {
	return ledger.Dims{Counterparty: "fund:" + strconv.Itoa(int(fund))}
}
