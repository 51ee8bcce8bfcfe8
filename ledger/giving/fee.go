package giving

import (
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

// feeMember is the fee of the gift or refund that one entry of the batch books.
type feeMember struct {
	entry int
	fee   int64
}

func (f *fees) add(fund ledger.Fund, channel Channel, day time.Time, fee int64, entry int) {
	if fee == 0 {
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
	g.members = append(g.members, feeMember{entry, fee})
}

// entries appends the fee entries to those they depend on. Each counts only members that were really booked.
func (f *fees) entries(book *ledger.Book, before []ledger.Entry, general int32) []ledger.Entry {
	all := before[:len(before):len(before)]
	for _, g := range f.groups {
		all = append(all, ledger.Entry{
			Kind: ledger.KindFee, EffectiveOn: g.day,
			Lines: g.lines(general, 1), // names the accounts; the figure is known after the decisions
			Recount: func(before []ledger.Result) []ledger.Line {
				var sum int64
				for _, m := range g.members {
					if r := before[m.entry]; r.Err == nil && !r.Replayed {
						sum += m.fee
					}
				}
				if sum == 0 {
					return nil
				}
				return g.lines(general, sum)
			},
		})
	}
	return all
}

// lines are E03 as the fund says: a the fund bears the fee, b the general fund does and owes it to the
// fund until they settle, c the donor gave it on top. A negative sum is a fee given back.
func (g *feeGroup) lines(general int32, sum int64) []ledger.Line {
	kept := g.channel.balance(g.fund)
	instrument := ledger.Dims{Instrument: g.channel.Code()}
	cost := func(fund ledger.Fund) ledger.Leaf {
		return ledger.Leaf{Chart: chart.ID(fund.Class("fundraising")), Fund: fund.ID, Dims: instrument}
	}
	ofGeneral := ledger.Fund{ID: general, Kind: ledger.General}
	switch {
	case g.owner.FeeBearer == ledger.FeeByDonor:
		atGeneral := g.channel.balance(general)
		cover := ledger.Leaf{Chart: "gift.u", Fund: general, Dims: ledger.Dims{Instrument: g.channel.Code(), Nature: natureFeeCover}}
		return []ledger.Line{
			{Leaf: atGeneral, Amount: sum}, {Leaf: cover, Amount: -sum},
			{Leaf: cost(ofGeneral), Amount: sum}, {Leaf: atGeneral, Amount: -sum},
		}
	case g.owner.FeeBearer == ledger.FeeByGeneral && g.fund != general:
		return []ledger.Line{
			{Leaf: cost(ofGeneral), Amount: sum},
			{Leaf: ledger.Leaf{Chart: "if.due.to", Fund: general, Dims: counterparty(g.fund)}, Amount: -sum},
			{Leaf: ledger.Leaf{Chart: "if.due.from", Fund: g.fund, Dims: counterparty(general)}, Amount: sum},
			{Leaf: kept, Amount: -sum},
		}
	}
	return []ledger.Line{{Leaf: cost(g.owner), Amount: sum}, {Leaf: kept, Amount: -sum}}
}

// counterparty names the other fund of what one fund owes another.
func counterparty(fund int32) ledger.Dims {
	return ledger.Dims{Counterparty: "fund:" + strconv.Itoa(int(fund))}
}
