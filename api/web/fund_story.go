package web

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
)

// The story of a fund is told from so many entries, in so many lines.
const (
	happeningsRead  = 200
	happeningsShown = 20
)

// happening is what happened to a fund on one day, in words that a donor and an auditor both understand: all entries of one kind. No
// word of a voucher is shown: it may name somebody.
type happening struct {
	Day     time.Time
	What    string
	Times   int64
	In, Out money.Money // income and expense
	Moved   money.Money // where there was neither: money that changed its place
	Href    string      // the vouchers; empty on public pages
}

// happenings tells the latest of a fund, newest first.
func (v *visit) happenings(q pg.Querier, fund int32, vouchers bool) (list []happening, err error) {
	page, err := ledger.Journal(v.ctx(), q, v.book, ledger.JournalFilter{Fund: fund, Funds: []int32{fund}, Limit: happeningsRead})
	if err != nil {
		return nil, err
	}
	ids := make([]uuid.UUID, len(page.Entries))
	for i := range page.Entries {
		ids[i] = page.Entries[i].ID
	}
	effects, err := ledger.Effects(v.ctx(), q, v.book, fund, ids)
	if err != nil {
		return nil, err
	}
	for i := range page.Entries {
		e := &page.Entries[i]
		what := T(v.lang, "happened."+e.Kind.Info().Code)
		at := slices.IndexFunc(list, func(h happening) bool { return h.What == what && h.Day.Equal(e.EffectiveOn) })
		if at < 0 {
			at = len(list)
			list = append(list, happening{Day: e.EffectiveOn, What: what, In: v.amount(0), Out: v.amount(0), Moved: v.amount(0)})
			if vouchers {
				day := ISODay(e.EffectiveOn)
				list[at].Href = address("/console/entries", url.Values{"fund": {strconv.Itoa(int(fund))}, "kind": {e.Kind.Info().Code}, "from": {day}, "to": {day}})
			}
		}
		h, did := &list[at], effects[e.ID]
		h.Times++
		if e.Kind == ledger.KindClose { // it empties income and expense, and nothing came or went
			did = ledger.Effect{}
		}
		h.In.Minor += did.In
		h.Out.Minor += did.Out
		if did == (ledger.Effect{}) {
			h.Moved.Minor += e.Amount
		}
	}
	slices.SortStableFunc(list, func(a, b happening) int { return b.Day.Compare(a.Day) })
	return list[:min(len(list), happeningsShown)], nil
}
