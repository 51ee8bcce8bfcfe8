package web

import (
	"net/url"
	"strconv"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// happeningsRead is how many entries the story of a fund is told from.
const happeningsRead = 100

// happening is what happened to a fund on one day, in words that a donor and an auditor both understand: entries of one kind that
// follow each other. No word of a voucher is shown: it may name somebody.
type happening struct {
	Day   time.Time
	What  string
	Times int64
	Sum   money.Money // of the debits in the fund
	Href  string      // the vouchers; empty on public pages
}

// happenings tells the latest of a fund, newest first.
func (v *visit) happenings(q pg.Querier, fund int32, vouchers bool) (list []happening, err error) {
	page, err := ledger.Journal(v.ctx(), q, v.book, ledger.JournalFilter{Fund: fund, Funds: []int32{fund}, Limit: happeningsRead})
	if err != nil {
		return nil, err
	}
	for i := range page.Entries {
		e := &page.Entries[i]
		what := T(v.lang, "happened."+e.Kind.Info().Code)
		if n := len(list) - 1; n >= 0 && list[n].What == what && list[n].Day.Equal(e.EffectiveOn) {
			list[n].Times++
			list[n].Sum.Minor += e.Amount
			continue
		}
		one := happening{Day: e.EffectiveOn, What: what, Times: 1, Sum: v.amount(e.Amount)}
		if vouchers {
			day := ISODay(e.EffectiveOn)
			one.Href = address("/console/entries", url.Values{"fund": {strconv.Itoa(int(fund))}, "kind": {e.Kind.Info().Code}, "from": {day}, "to": {day}})
		}
		list = append(list, one)
	}
	return list, nil
}
