package projects

import (
	"errors"
	"fmt"

	"sunfund/ledger/money"
)

// ErrDraw means that the sources of a contract cannot bear an amount.
var ErrDraw = errors.New("sources of the contract do not bear the amount")

// Orders in which sources are drawn.
const (
	ProRata   = "pro_rata"  // in proportion to what each has left, the largest remainder gets the fen, ties in their order
	Waterfall = "waterfall" // the first until it is used up
	Specific  = "specific"  // each stage names its own
)

// draw splits an amount between sources that have left what is listed, in their order. The shares add up to the amount and none is more
// than what its source has left: pro rata weighs by what is left, so that the last draw empties each to the fen. ErrDraw.
func draw(order string, amount int64, left []int64, source int) ([]int64, error) {
	var sum int64
	for _, l := range left {
		sum += l
	}
	if amount < 0 || amount > sum {
		return nil, fmt.Errorf("%w: %d of %d", ErrDraw, amount, sum)
	}
	shares := make([]int64, len(left))
	switch order {
	case ProRata:
		return money.Allocate(amount, left), nil
	case Waterfall:
		for i, l := range left {
			shares[i] = min(amount, l)
			amount -= shares[i]
		}
		return shares, nil
	case Specific:
		if amount == 0 {
			return shares, nil
		}
		if source < 0 || source >= len(left) || left[source] < amount {
			return nil, fmt.Errorf("%w: source %d", ErrDraw, source+1)
		}
		shares[source] = amount
		return shares, nil
	}
	return nil, fmt.Errorf("%w: order %q", ErrDraw, order)
}

// delivery is how an accepted amount is borne: part of it by what was paid before, the rest by what is open; of the rest, some is kept back.
type delivery struct {
	applied, fresh, kept []int64
}

// deliver splits an accepted amount of a contract. The advance is worked off in proportion to the contract (accepted × advanced ÷ amount,
// rounded down), whole by the last stage; kept basis points of the amount are kept back, rounded down, and never more than what is payable.
func (c *Contract) deliver(list []Source, amount int64, source int, last bool) (delivery, error) {
	var d delivery
	prepaid, open := make([]int64, len(list)), make([]int64, len(list))
	for i, s := range list {
		prepaid[i], open[i] = s.Prepaid, s.Open
	}
	unapplied := c.Advanced - c.Applied
	apply := min(unapplied, amount)
	if !last && c.Accepted+amount < c.Amount {
		var rest int64
		for _, o := range open {
			rest += o
		}
		apply = min(apply, max(money.FloorShare(amount, c.Advanced, c.Amount), amount-rest)) // the advance bears what nothing else can
	}
	var err error
	if d.applied, err = draw(inOrder(c.Draws), apply, prepaid, source); err != nil {
		return d, err
	}
	if d.fresh, err = draw(c.Draws, amount-apply, open, source); err != nil {
		return d, err
	}
	payable := make([]int64, len(list))
	var most int64
	for i, s := range list {
		if s.onBooks() {
			payable[i] = d.fresh[i]
			most += payable[i]
		}
	}
	d.kept, err = draw(ProRata, min(money.FloorShare(amount, int64(c.KeptBP), 10000), most), payable, 0)
	return d, err
}

// inOrder is the order in which an advance is worked off: a contract whose stages name their sources has none, so any order serves.
func inOrder(order string) string {
	if order == Specific {
		return ProRata
	}
	return order
}
