package law

import (
	"context"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// SpendState is how much of its yearly least a fund has spent. Minor units of the book's currency.
type SpendState struct {
	BP     int32
	Opened int64 // net assets when the year began
	Least  int64 // to be spent in the year, rounded up
	Spent  int64 // by the day
	Left   int64 // still to be spent
	Due    bool  // something is left and the day of the year has come from which it is said
}

// SpendOf works out a fund's least spending of the year of a day, in basis points of what it had when the year began: opened are the positions of
// the day before.
func (l *Law) SpendOf(ctx context.Context, q pg.Querier, book *ledger.Book, fund, bp int32, opened []ledger.Position, day time.Time) (s SpendState, err error) {
	s.BP = bp
	first := ledger.Year(day)
	for _, p := range opened {
		if p.Fund.ID == fund {
			s.Opened = max(p.NetAssets, 0)
		}
	}
	flows, err := ledger.Flows(ctx, q, book, first, day, fund)
	if err != nil {
		return s, err
	}
	for _, f := range flows {
		if f.Chart.ID == "program.r" || f.Chart.ID == "program.u" {
			s.Spent += f.Amount
		}
	}
	s.Least = money.CeilShare(s.Opened, int64(bp), 10_000)
	s.Left = max(s.Least-s.Spent, 0)
	if p, ok := l.Figure("R04", "remind_from", day); ok {
		s.Due = s.Left > 0 && !day.Before(p.In(day.Year()))
	}
	return s, nil
}
