package funds

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

var (
	// ErrSameFund means that a transfer would lead back into its own fund.
	ErrSameFund = errors.New("a transfer needs two funds")
	// ErrNotTransferable means that the money of the fund is not the association's to move: agency money, subsidies
	// and endowments. They are paid back, or spent as agreed.
	ErrNotTransferable = errors.New("money of this fund may not be transferred")
	// ErrUnlike means that money given for a purpose would come where it may be used for another. A filing number or the donors' consent lifts it;
	// an unrestricted fund gets it by a release only.
	ErrUnlike = errors.New("the other fund is not for the same or a similar purpose")
)

// Transfer moves money between two funds of the book (E28): neither income nor cost of the association.
type Transfer struct {
	From, To *ledger.Fund
	Amount   int64    // minor units of the book's currency, above zero
	Bank     chart.ID // the account that both funds keep it in
	Basis    string   // what allows it: BySimilar, ByFiling, ByConsent
	Ref      string   // number of the filing or the consent
}

// TransferBanks are the accounts that a transfer may move money in.
func TransferBanks() []chart.ID { return []chart.ID{"bank.basic", "bank.online"} }

// CheckBank refuses an account in which no money is moved between funds.
func CheckBank(bank chart.ID, wrong *giving.FieldErrors) {
	if !slices.Contains(TransferBanks(), bank) {
		wrong.Refuse("bank", "transfer.bank.wrong")
	}
}

// Bases lists what a transfer may rest on, in the order in which a form offers it.
func Bases() []string { return []string{BySimilar, ByFiling, ByConsent} }

// Lines are the transfer's entry, or ErrSameFund, ErrNotTransferable, ledger.ErrAmount. Check says what the funds' charters have against it.
func (t Transfer) Lines() ([]ledger.Line, error) {
	switch {
	case t.From.ID == t.To.ID:
		return nil, ErrSameFund
	case !movable(t.From.Kind) || t.To.Kind == ledger.Agency || t.To.Kind == ledger.Subsidy:
		return nil, ErrNotTransferable
	case t.Amount <= 0 || t.Amount > ledger.AmountMax:
		return nil, ledger.ErrAmount
	}
	return append(between(t.From.ID, t.To.ID, t.Amount, "transfer", "transfer"), at(t.Bank, t.From.ID, t.To.ID, t.Amount)...), nil
}

// between debits an account of one fund and credits one of another.
func between(from, to int32, amount int64, debit, credit chart.ID) []ledger.Line {
	return []ledger.Line{ledger.Debit(ledger.Leaf{Chart: debit, Fund: from}, amount), ledger.Credit(ledger.Leaf{Chart: credit, Fund: to}, amount)}
}

// at moves money from one fund to another inside a bank account.
func at(bank chart.ID, from, to int32, amount int64) []ledger.Line {
	return []ledger.Line{ledger.Credit(ledger.Leaf{Chart: bank, Fund: from}, amount), ledger.Debit(ledger.Leaf{Chart: bank, Fund: to}, amount)}
}

func movable(kind string) bool {
	return kind == ledger.General || kind == ledger.Designated || kind == ledger.Restricted
}

// Check holds the transfer to both funds' charters: what was given for a purpose stays with it. A fund without a charter has no rules of its
// own. ErrUnlike, giving.ErrFundClosed, ledger.ErrWindow.
func (t Transfer) Check(ctx context.Context, q pg.Querier, book *ledger.Book, day time.Time) error {
	all, err := Charters(ctx, q, book)
	if err != nil {
		return err
	}
	if err := giving.FundTakes(ctx, q, book, t.To.ID); err != nil {
		return err
	}
	from, to := all[t.From.ID], all[t.To.ID]
	if to != nil && to.Terms.ClosesOn != nil && day.After(*to.Terms.ClosesOn) {
		return &ledger.WindowError{Fund: t.To.ID, Day: day, From: to.Terms.OpensOn, To: to.Terms.ClosesOn}
	}
	if from == nil || !t.From.HasRestriction() {
		return nil
	}
	switch {
	case to == nil || !t.To.HasRestriction():
		return fmt.Errorf("%w: fund %d has no purposes", ErrUnlike, t.To.ID)
	case (t.Basis == ByFiling || t.Basis == ByConsent) && t.Ref != "":
		return nil
	}
	for _, code := range to.Terms.Purposes {
		if !slices.Contains(from.Terms.Purposes, code) {
			return fmt.Errorf("%w: %s", ErrUnlike, code)
		}
	}
	return nil
}
