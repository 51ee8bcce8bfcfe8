package ledger_test

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// nature is what the model knows of an account: written down a second time, by hand, from accounting.md.
type nature struct{ floor, ceiling, liquid, committed, net, memo, agency bool }

var natures = map[chart.ID]nature{
	"bank.basic": {floor: true, liquid: true}, "psp.avail": {liquid: true}, "ap": {ceiling: true, liquid: true},
	"bank.agency": {floor: true, agency: true}, "agency.l": {ceiling: true, agency: true},
	"advance": {}, "if.due.from": {liquid: true}, "if.due.to": {liquid: true}, "transfer": {net: true},
	"gift.u": {net: true}, "gift.r": {net: true}, "program.u": {net: true}, "program.r": {net: true},
	"fundraising.u": {net: true}, "fundraising.r": {net: true}, "na.u": {net: true}, "na.r": {net: true, ceiling: true},
	"enc": {floor: true, committed: true, memo: true}, "enc.contra": {memo: true},
	"resv": {floor: true, committed: true, memo: true}, "resv.contra": {memo: true},
}

// outside are the kinds that are booked even when a fund falls short by them.
var outside = []ledger.Kind{ledger.KindGift, ledger.KindFee, ledger.KindPayoutLanded, ledger.KindRefund}

// model is the book in memory: balances, sums per day, what stands under a key, and what was reversed.
type model struct {
	kinds    map[int32]string // of funds
	balances map[ledger.Leaf]int64
	days     map[ledger.Leaf]map[time.Time]ledger.Turnover
	booked   map[uuid.UUID]ledger.Entry // by key
	reversed map[uuid.UUID]uuid.UUID    // entry to the key of its reversal
	closed   map[time.Time]bool
}

func newModel() *model {
	return &model{map[int32]string{}, map[ledger.Leaf]int64{}, map[ledger.Leaf]map[time.Time]ledger.Turnover{},
		map[uuid.UUID]ledger.Entry{}, map[uuid.UUID]uuid.UUID{}, map[time.Time]bool{}}
}

// post says what the book must answer, and books what it must book.
func (m *model) post(e ledger.Entry) (want ledger.Result) {
	want.ID = e.ID
	if want.Err = m.malformed(e); want.Err != nil {
		return want
	}
	if before, ok := m.booked[e.Key]; ok {
		want.ID, want.Replayed = before.ID, sameBody(before, e)
		if !want.Replayed {
			want.Err = ledger.ErrKeyReused
		}
		return want
	}
	if want.Err = m.refusal(e); want.Err != nil {
		return want
	}
	m.booked[e.Key] = e
	if e.Reverses != uuid.Nil {
		m.reversed[e.Reverses] = e.Key
	}
	for _, l := range e.Lines {
		m.balances[l.Leaf] += l.Amount
		if m.days[l.Leaf] == nil {
			m.days[l.Leaf] = map[time.Time]ledger.Turnover{}
		}
		t := m.days[l.Leaf][e.EffectiveOn]
		t.Debit, t.Credit = t.Debit+max(l.Amount, 0), t.Credit+max(-l.Amount, 0)
		m.days[l.Leaf][e.EffectiveOn] = t
	}
	return want
}

func sameBody(a, b ledger.Entry) bool {
	return a.Kind == b.Kind && a.EffectiveOn.Equal(b.EffectiveOn) && a.Reverses == b.Reverses && slices.Equal(a.Lines, b.Lines) &&
		(a.Document == nil) == (b.Document == nil) && (a.Document == nil || *a.Document == *b.Document)
}

func (m *model) malformed(e ledger.Entry) error {
	type cell struct {
		fund         int32
		memo, agency bool
	}
	sums, interfund, transfer := map[cell]int64{}, int64(0), int64(0)
	for _, l := range e.Lines {
		n, ok := natures[l.Leaf.Chart]
		switch {
		case !ok:
			return ledger.ErrUnknownAccount
		case l.Amount == 0:
			return ledger.ErrAmount
		}
		sums[cell{l.Leaf.Fund, n.memo, n.agency}] += l.Amount
		switch l.Leaf.Chart {
		case "if.due.from", "if.due.to":
			interfund += l.Amount
		case "transfer":
			transfer += l.Amount
		}
	}
	for _, s := range sums {
		if s != 0 {
			return ledger.ErrUnbalanced
		}
	}
	if len(e.Lines) < 2 || interfund != 0 || transfer != 0 {
		return ledger.ErrUnbalanced
	}
	return nil
}

func (m *model) refusal(e ledger.Entry) error {
	for month := range m.closed { // with all that lie before it
		if !ledger.Month(e.EffectiveOn).After(month) {
			return ledger.ErrPeriodClosed
		}
	}
	after := map[ledger.Leaf]int64{}
	for _, l := range e.Lines {
		if m.kinds[l.Leaf.Fund] == "" {
			return ledger.ErrUnknownAccount
		}
		after[l.Leaf] += l.Amount
	}
	available, net := map[int32]int64{}, map[int32]int64{}
	for leaf, moved := range after {
		n := natures[leaf.Chart]
		if b := m.balances[leaf] + moved; n.floor && b < 0 || n.ceiling && b > 0 {
			return ledger.ErrGuarded
		}
		a, v := effect(leaf, moved)
		available[leaf.Fund], net[leaf.Fund] = available[leaf.Fund]+a, net[leaf.Fund]+v
	}
	if slices.Contains(outside, e.Kind) {
		return nil
	}
	for fund := range available {
		a, n := m.position(fund, time.Time{})
		kept := []string{ledger.Restricted, ledger.Subsidy, ledger.Endowment}
		switch kind := m.kinds[fund]; {
		case kind == ledger.Agency:
		case available[fund] < 0 && a+available[fund] < 0,
			net[fund] < 0 && n+net[fund] < 0 && slices.Contains(kept, kind):
			return ledger.ErrShort
		}
	}
	return nil
}

// effect is what an amount in a leaf does to its fund's available money and net assets.
func effect(leaf ledger.Leaf, amount int64) (available, net int64) {
	n := natures[leaf.Chart]
	if n.liquid {
		available = amount
	}
	if n.committed {
		available = -amount
	}
	if n.net {
		net = -amount
	}
	return available, net
}

// position sums a fund, at the end of a day unless it is zero.
func (m *model) position(fund int32, day time.Time) (available, net int64) {
	for leaf := range m.balances {
		if leaf.Fund == fund {
			a, n := effect(leaf, m.on(leaf, day))
			available, net = available+a, net+n
		}
	}
	return available, net
}

func (m *model) on(leaf ledger.Leaf, day time.Time) int64 {
	if day.IsZero() {
		return m.balances[leaf]
	}
	t := m.between(leaf, time.Time{}, day)
	return t.Debit - t.Credit
}

func (m *model) between(leaf ledger.Leaf, from, to time.Time) (sum ledger.Turnover) {
	for day, t := range m.days[leaf] {
		if !day.Before(from) && !day.After(to) {
			sum.Debit, sum.Credit = sum.Debit+t.Debit, sum.Credit+t.Credit
		}
	}
	return sum
}

// leaves are the accounts the model knows, in a fixed order.
func (m *model) leaves() []ledger.Leaf {
	return slices.SortedFunc(maps.Keys(m.balances), func(a, b ledger.Leaf) int {
		return cmp.Or(cmp.Compare(a.Chart, b.Chart), cmp.Compare(a.Fund, b.Fund), cmp.Compare(a.Dims.Campaign, b.Dims.Campaign))
	})
}

// refusals are the kinds of answers that model and book must agree on.
var refusals = []error{ledger.ErrUnknownAccount, ledger.ErrAmount, ledger.ErrUnbalanced, ledger.ErrKeyReused, ledger.ErrPeriodClosed,
	ledger.ErrGuarded, ledger.ErrShort, ledger.ErrReversed, ledger.ErrNoReason}

// kindOf is the refusal an error is, the error itself when it is none of them.
func kindOf(err error) error {
	for _, r := range refusals {
		if errors.Is(err, r) {
			return r
		}
	}
	return err
}
