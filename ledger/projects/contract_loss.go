package projects

import (
	"context"
	"slices"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/funds"
	"sunfund/ledger/giving"
)

// Who bears an advance that does not come back.
const (
	LossGeneral = "general" // the association: its general fund makes good what others' funds lost
	LossFund    = "fund"    // the funds that paid it, since their agreement says so
)

// Losses lists them in the order in which a form offers them.
func Losses() []string { return []string{LossGeneral, LossFund} }

// WriteOff plans the end of what did not come back of a terminated contract's advance (accounting.md 2.9, E44): a loss (5501) in the funds that had
// paid it, which the general fund makes good first, in money of bank; where bearer is LossFund they bear it themselves, and ref is the number of
// the agreement that says so. Of money held for others only the register is cleared: it left the books when it was paid. 5501 and 1131, 1131
// and 1122.05 are booked as the one pair they come to. A second person approves. *giving.FieldErrors, giving.ErrStep; ledger.ErrGuarded or ledger.ErrShort where the
// general fund has too little.
func WriteOff(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, amount int64, bearer, ref string, bank chart.ID, reason string, day time.Time) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	left := make([]int64, len(w.sources))
	var most int64
	for i, s := range w.sources {
		if s.onBooks() {
			left[i] = s.Prepaid
			most += s.Prepaid
		}
	}
	if c.State != Terminated || most == 0 {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Sum("amount", amount)
	wrong.Text("reason", reason, 1, 200)
	if amount > most {
		wrong.Refuse("amount", "contract.recover.more")
	}
	if !slices.Contains(Losses(), bearer) {
		wrong.Refuse("bearer", "contract.loss.bearer.wrong")
	}
	if bearer == LossGeneral {
		funds.CheckBank(bank, &wrong)
	}
	wrong.Text("ref", ref, map[string]int{LossFund: 1}[bearer], 100)
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	general, err := giving.GeneralFund(ctx, q, book)
	if err != nil {
		return nil, err
	}
	shares, err := draw(ProRata, amount, left, 0)
	if err != nil {
		return nil, err
	}
	var lines []ledger.Line
	for i := range w.sources {
		s := &w.sources[i]
		s.Prepaid -= shares[i]
		if s.Treatment == AsAgency || shares[i] == 0 {
			continue
		}
		if bearer == LossGeneral && s.FundID != general {
			lines = append(lines, pair(ledger.Leaf{Chart: "transfer", Fund: general}, ledger.Leaf{Chart: "transfer", Fund: s.FundID}, shares[i])...)
			lines = append(lines, pair(ledger.Leaf{Chart: bank, Fund: s.FundID}, ledger.Leaf{Chart: bank, Fund: general}, shares[i])...)
		} else {
			s.Lost += shares[i]
		}
		lines = append(lines, pair(w.leaf(s.class("impair"), s), w.leaf("ar.recover", s), shares[i])...)
	}
	to := *c
	to.WrittenOff += amount
	note := reason
	if ref != "" {
		note = ref + " " + reason
	}
	m := c.move(book, "contract-written-off", note, to, w.sources)
	m.Amount, m.Day, m.Lines, m.Reason = amount, day, lines, reason
	return m, nil
}
