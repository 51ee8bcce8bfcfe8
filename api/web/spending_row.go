package web

import (
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// noDay asks for positions as they are now.
var noDay time.Time

// spendingRow is one use of money as pages list it.
type spendingRow struct {
	Summary  string
	Amount   money.Money
	Day      time.Time
	Number   string // of the voucher
	Reversed bool
	Fund     *Link // nil on a page of the fund itself
}

// spendings reads the newest uses of money, of one fund or, with fund 0, of all.
func (v *visit) spendings(q pg.Querier, fund int32, limit int, sums []fundSum) ([]spendingRow, error) {
	list, err := ledger.Spendings(v.ctx(), q, v.book, fund, limit)
	if err != nil {
		return nil, err
	}
	rows := make([]spendingRow, len(list))
	for i, s := range list {
		rows[i] = spendingRow{Summary: s.Summary, Amount: v.amount(s.Amount), Day: s.EffectiveOn, Reversed: s.Reversed}
		if s.Number != 0 {
			rows[i].Number = Count(int64(s.Number))
		}
		for _, sum := range sums {
			if sum.Fund.ID == s.Fund {
				rows[i].Fund = &Link{sum.Fund.Name(string(v.lang)), fundHref(&sum.Fund)}
			}
		}
	}
	return rows, nil
}

// fundHref is the public page of a fund.
func fundHref(f *ledger.Fund) string { return "/f/" + f.Code }
