// Package funds keeps what happens between the funds of a book: money that moves from one to another.
package funds

import (
	"errors"

	"sunfund/ledger"
	"sunfund/ledger/chart"
)

var (
	// ErrSameFund means that a transfer would lead back into its own fund.
	ErrSameFund = errors.New("a transfer needs two funds")
	// ErrNotTransferable means that the money of the fund is not the association's to move: agency money, subsidies
	// and endowments. They are paid back, or spent as agreed.
	ErrNotTransferable = errors.New("money of this fund may not be transferred")
)

// Transfer moves money between two funds of the book (E28): neither income nor cost of the association.
type Transfer struct {
	From, To *ledger.Fund
	Amount   int64    // minor units of the book's currency, above zero
	Bank     chart.ID // the account that both funds keep it in
}

// TransferBanks are the accounts that a transfer may move money in.
func TransferBanks() []chart.ID { return []chart.ID{"bank.basic", "bank.online"} }

// Lines are the transfer's entry, or ErrSameFund, ErrNotTransferable, ledger.ErrAmount.
func (t Transfer) Lines() ([]ledger.Line, error) {
	switch {
	case t.From.ID == t.To.ID:
		return nil, ErrSameFund
	case !movable(t.From.Kind) || t.To.Kind == ledger.Agency || t.To.Kind == ledger.Subsidy:
		return nil, ErrNotTransferable
	case t.Amount <= 0 || t.Amount > ledger.AmountMax:
		return nil, ledger.ErrAmount
	}
	leaf := func(id chart.ID, fund *ledger.Fund) ledger.Leaf { return ledger.Leaf{Chart: id, Fund: fund.ID} }
	return []ledger.Line{
		ledger.Debit(leaf("transfer", t.From), t.Amount), ledger.Credit(leaf(t.Bank, t.From), t.Amount),
		ledger.Debit(leaf(t.Bank, t.To), t.Amount), ledger.Credit(leaf("transfer", t.To), t.Amount),
	}, nil
}

func movable(kind string) bool {
	return kind == ledger.General || kind == ledger.Designated || kind == ledger.Restricted
}
