package reports

import (
	"context"
	"time"

	"github.com/google/uuid"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Facts that no account holds by itself. They have a class of their own.
const (
	factReleased   chart.ID = "@released"   // an entry made restricted net assets unrestricted (E45, E29b)
	factRestricted chart.ID = "@restricted" // and the other way (E53)
	factPrior      chart.ID = "@prior"      // an entry went to net assets and was neither that nor an opening balance
	factPending    chart.ID = "@pending"    // what the year's end of 2004 rules will release: used, and not released yet
	factSpent      chart.ID = "@spent"      // what funds with restrictions spent, where rules want all expenses unrestricted
	factOpening    chart.ID = "@opening"    // net assets that came with opening balances
)

// fact is what an account of a fund had moved before each of the points. Debit positive.
type fact struct {
	chart   chart.ID
	fund    *ledger.Fund
	nature  string
	class   chart.Class // of facts that no account holds
	entry   uuid.UUID   // that made it; zero for accounts
	flows   bool        // counts in what moved between two points
	holds   bool        // counts in what there is at a point
	account int32
	before  []ledger.Turnover
}

func netOf(t ledger.Turnover) int64 { return t.Debit - t.Credit }

// facts are the facts of a book, or of some funds of it, at some points.
type facts struct {
	book   *ledger.Book
	points []time.Time
	all    []fact
	whole  bool // all funds
}

// readFacts reads the book as of a moment. What a year's end moved counts in what there is and not in what moved; opening balances
// likewise, so that a statement of what moved begins with them.
func readFacts(ctx context.Context, q pg.Querier, book *ledger.Book, cut ledger.Cut, points []time.Time) (*facts, error) {
	funds, err := ledger.Funds(ctx, q, book)
	if err != nil {
		return nil, err
	}
	moved, err := ledger.MovedBefore(ctx, q, book, cut, points...)
	if err != nil {
		return nil, err
	}
	low, high := points[0], points[0]
	for _, p := range points {
		if p.Before(low) {
			low = p
		}
		if p.After(high) {
			high = p
		}
	}
	lines, err := ledger.DirectLines(ctx, q, book, cut, low, high)
	if err != nil {
		return nil, err
	}
	return newFacts(book, funds, moved, lines, points, cut.Funds), nil
}

// newFacts puts together what was read of a book, or of a bundle: of the funds named by only, or with nil of all.
func newFacts(book *ledger.Book, funds []ledger.Fund, moved []ledger.Moved, lines []ledger.DirectLine, points []time.Time, only []int32) *facts {
	byID := make(map[int32]*ledger.Fund, len(funds))
	for i := range funds {
		byID[funds[i].ID] = &funds[i]
	}
	f := &facts{book: book, points: points, whole: only == nil}
	for _, m := range moved {
		acct := chart.MustByID(m.Chart)
		if fund := byID[m.Fund]; fund != nil && !acct.Memo() {
			net := m.Chart == "na.u" || m.Chart == "na.r"
			f.all = append(f.all, fact{chart: m.Chart, fund: fund, nature: m.Nature, account: m.Account, before: m.Before, holds: true, flows: !net && m.Nature != ledger.NatureClose})
		}
	}
	in := make(map[int32]*ledger.Fund, len(byID))
	for id, fund := range byID {
		in[id] = fund
	}
	if only != nil {
		clear(in)
		for _, id := range only {
			in[id] = byID[id]
		}
	}
	for i := 0; i < len(lines); {
		n := i + 1
		for n < len(lines) && lines[n].Entry == lines[i].Entry {
			n++
		}
		f.direct(lines[i:n], in)
		i = n
	}
	if book.Regime == chart.CN2004 {
		f.pending()
	}
	f.spent()
	return f
}

// direct tells what an entry did to net assets.
func (f *facts) direct(lines []ledger.DirectLine, in map[int32]*ledger.Fund) {
	first := lines[0]
	var up, rp int64 // what classes gained
	for _, l := range lines {
		switch l.Chart {
		case "na.u":
			up -= l.Amount
		case "na.r":
			rp -= l.Amount
		}
	}
	for _, l := range lines {
		fund := in[l.Fund]
		if fund == nil {
			continue
		}
		net := l.Chart == "na.u" || l.Chart == "na.r"
		class := chart.Unrestricted
		if l.Chart == "na.r" {
			class = chart.Restricted
		}
		switch {
		case !net: // an account of an opening or closing entry: its turnover does not count as moved
			f.all = append(f.all, fact{chart: l.Chart, fund: fund, nature: l.Nature, entry: l.Entry, flows: true, before: f.from(l.EffectiveOn, -l.Amount)})
		case first.Kind == ledger.KindOpening:
			f.all = append(f.all, fact{chart: factOpening, fund: fund, class: class, entry: l.Entry, flows: true, before: f.from(l.EffectiveOn, l.Amount)})
		case first.Kind == ledger.KindClose && !first.Pure:
		default:
			id := factPrior // also where one class gained what the other did not give
			switch {
			case up > 0 && up == -rp:
				id = factReleased
			case up < 0 && up == -rp:
				id = factRestricted
			}
			f.all = append(f.all, fact{chart: id, fund: fund, class: class, entry: l.Entry, flows: true, before: f.from(l.EffectiveOn, l.Amount)})
		}
	}
}

// from is an amount that stands before every point behind a day.
func (f *facts) from(day time.Time, amount int64) []ledger.Turnover {
	before := make([]ledger.Turnover, len(f.points))
	for i, p := range f.points {
		if day.Before(p) {
			before[i] = side(amount)
		}
	}
	return before
}

func side(amount int64) ledger.Turnover {
	if amount < 0 {
		return ledger.Turnover{Credit: -amount}
	}
	return ledger.Turnover{Debit: amount}
}

// pending finds what each fund with restrictions used and nobody released yet: as much as its unrestricted net assets lack, which is what
// ledger.YearEnd will release.
func (f *facts) pending() {
	used := map[*ledger.Fund][]int64{}
	for _, x := range f.all {
		acct, known := chart.ByID(x.chart)
		if !known || !x.holds || !x.fund.HasRestriction() {
			continue
		}
		if acct.Type != chart.Expense && (acct.Class != chart.Unrestricted || acct.Type != chart.Income && acct.Type != chart.NetAssets && acct.Type != chart.Internal) {
			continue
		}
		if used[x.fund] == nil {
			used[x.fund] = make([]int64, len(f.points))
		}
		for i, t := range x.before {
			used[x.fund][i] += netOf(t)
		}
	}
	f.moves(factPending, used, true)
}

// spent is for rules that want all expenses unrestricted of a book that keeps them where they were borne.
func (f *facts) spent() {
	used := map[*ledger.Fund][]int64{}
	for _, x := range f.all {
		if acct, known := chart.ByID(x.chart); !known || !x.flows || acct.Type != chart.Expense || !x.fund.HasRestriction() {
			continue
		}
		if used[x.fund] == nil {
			used[x.fund] = make([]int64, len(f.points))
		}
		for i, t := range x.before {
			used[x.fund][i] += netOf(t)
		}
	}
	f.moves(factSpent, used, false)
}

// moves adds facts that take amounts from restricted and give them to unrestricted.
func (f *facts) moves(id chart.ID, used map[*ledger.Fund][]int64, holds bool) {
	for _, x := range f.all { // in the order of accounts, each fund once
		amounts := used[x.fund]
		if amounts == nil {
			continue
		}
		delete(used, x.fund)
		out, in := make([]ledger.Turnover, len(amounts)), make([]ledger.Turnover, len(amounts))
		for i, amount := range amounts {
			if holds {
				amount = max(amount, 0)
			}
			out[i], in[i] = side(amount), side(-amount)
		}
		f.all = append(f.all, fact{chart: id, fund: x.fund, class: chart.Unrestricted, flows: true, holds: holds, before: in},
			fact{chart: id, fund: x.fund, class: chart.Restricted, flows: true, holds: holds, before: out})
	}
}
