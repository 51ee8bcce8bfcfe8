package web

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/disclosure"
)

// flowSpendings is how many entries of a year are told one by one before the largest are chosen.
const flowSpendings = ledger.PageMax

// flowPayments is how many payments of a year, the largest, stand one by one; what was paid beside them is one band of each project.
const flowPayments = ledger.PageMax

// yearFlow collects the links of a year: kinds of money → funds → projects and other uses → payments with their invoices.
type yearFlow struct {
	v     *visit
	year  int
	links []SankeyLink
	funds map[int32]string
	rest  map[int32]int64 // what has to come from or go to other funds, so that both sides of a fund are one sum
	left  map[int32]int64 // of a fund's net assets, what no project has in advance
	parts map[flowPart]*flowSums
	kinds map[giftPart]int64 // gifts that are not money of donors
}

// giftPart is a kind of gifts to a fund.
type giftPart struct {
	fund int32
	kind string
}

// flowPart is what one fund pays for one project.
type flowPart struct {
	project string // as accounts are tagged: X3
	fund    int32
}

// flowSums are what a project cost in the year, and what was prepaid (positive) or owed (negative) for it before and after.
type flowSums struct{ cost, before, after int64 }

func (f *yearFlow) key(fund int32) string { return "fund " + strconv.Itoa(int(fund)) }

func (f *yearFlow) into(fund int32, kind string, minor int64) {
	f.links = append(f.links, SankeyLink{From: "kind " + kind, FromName: T(f.v.lang, "flow.kind."+kind), To: f.key(fund), ToName: f.funds[fund], Minor: minor})
	f.rest[fund] -= minor
}

func (f *yearFlow) out(fund int32, use, name string, minor int64) {
	f.links = append(f.links, SankeyLink{From: f.key(fund), FromName: f.funds[fund], To: use, ToName: name, Minor: minor, column: 1})
	f.rest[fund] += minor
}

func (f *yearFlow) pays(use, name, what, words string, minor int64) {
	f.links = append(f.links, SankeyLink{From: use, FromName: name, To: what, ToName: words, Minor: minor, column: 2})
}

// yearSankey draws a year. Into a fund flows what it had before, its income, what it owed for projects and what other funds gave; out of it what projects
// took, its cost, what it gave, and what is left. Into a project flows what it cost, what was owed for it before and what is paid ahead; out of it
// what was paid, by invoice, what is owed still, and what had been paid before. Both sides are one sum, or nothing is drawn.
func (v *visit) yearSankey(q pg.Querier, year int) (Sankey, error) {
	from, to := ledger.Day(year, time.January, 1), ledger.Day(year, time.December, 31)
	s := Sankey{ID: "flow", Title: T(v.lang, "flow.sankey"), Unit: v.book.Currency, Heads: []string{T(v.lang, "flow.kinds"), T(v.lang, "flow.funds"), T(v.lang, "flow.uses"), T(v.lang, "flow.payments")}}
	f := &yearFlow{v: v, year: year, funds: map[int32]string{}, rest: map[int32]int64{}, left: map[int32]int64{}, parts: map[flowPart]*flowSums{}, kinds: map[giftPart]int64{}}
	before, err := ledger.Positions(v.ctx(), q, v.book, from.AddDate(0, 0, -1))
	if err != nil {
		return s, err
	}
	after, err := ledger.Positions(v.ctx(), q, v.book, to)
	if err != nil {
		return s, err
	}
	for _, p := range slices.Concat(before, after) {
		f.funds[p.Fund.ID] = p.Fund.Name(string(v.lang))
	}
	for _, p := range before {
		if p.NetAssets != 0 {
			f.into(p.Fund.ID, "before", p.NetAssets)
		}
	}
	if err := f.split(q, from, to); err != nil {
		return s, err
	}
	flows, err := ledger.Flows(v.ctx(), q, v.book, from, to, 0)
	if err != nil {
		return s, err
	}
	direct, gifts := map[int32]int64{}, map[int32]int64{}
	for _, x := range flows {
		switch {
		case x.Chart.Type == chart.Income:
			kind := flowKind(x.Chart.ID)
			if kind == "gift" {
				gifts[x.Fund] += x.Amount
			}
			f.into(x.Fund, kind, x.Amount)
		case isProgram(x.Chart.ID):
			direct[x.Fund] += x.Amount
		default:
			f.out(x.Fund, "use cost", T(v.lang, "flow.use.cost"), x.Amount)
		}
	}
	for _, part := range slices.SortedFunc(maps.Keys(f.kinds), func(a, b giftPart) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.fund, b.fund)) }) {
		minor := f.kinds[part]
		if minor <= 0 || minor > gifts[part.fund] { // more went back than came in the year: it stays among the gifts
			continue
		}
		gifts[part.fund] -= minor
		f.into(part.fund, part.kind, minor)
		f.into(part.fund, "gift", -minor)
	}
	for part, sums := range f.parts {
		direct[part.fund] -= sums.cost
	}
	if err := f.projects(q, from, to); err != nil {
		return s, err
	}
	if err := f.direct(q, direct); err != nil {
		return s, err
	}
	for _, p := range after {
		if minor := p.NetAssets - f.left[p.Fund.ID]; minor != 0 {
			f.out(p.Fund.ID, "use left", T(v.lang, "flow.use.left"), minor)
		}
		switch minor := f.rest[p.Fund.ID]; {
		case minor > 0:
			f.into(p.Fund.ID, "other", minor)
		case minor < 0:
			f.out(p.Fund.ID, "use other", T(v.lang, "flow.use.other"), -minor)
		}
	}
	s = newSankey(s, f.links, func(n int) string { return T(v.lang, "flow.rest", n) })
	switch s.Why {
	case "":
		s.Desc = T(v.lang, "flow.sankey.desc", strconv.Itoa(year))
	default:
		s.Desc = T(v.lang, "flow.why."+s.Why)
	}
	return s, nil
}

func isProgram(id chart.ID) bool { return id == "program.r" || id == "program.u" }

// giftKind is which kind of gifts an account of them holds, where that is not money of donors: match that was paid, goods and what they brought at auction.
func giftKind(id chart.ID, nature string) string {
	if base, _, _ := strings.Cut(string(id), "."); base != "gift" {
		return ""
	}
	switch nature {
	case "match", "match-back":
		return "match"
	case "in-kind", "auction":
		return "goods"
	}
	return ""
}

// isOwed tells accounts that stand between a project's cost and the bank: payables, retention, advances.
func isOwed(id chart.ID) bool { return id == "ap" || id == "retention" || id == "prepay" }

// split reads what each project cost of each fund, what was owed or prepaid for it, and what of the gifts is not money of donors.
func (f *yearFlow) split(q pg.Querier, from, to time.Time) error {
	moved, err := ledger.MovedBefore(f.v.ctx(), q, f.v.book, ledger.Cut{Tags: [2]string{"project", ""}}, from, to.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	for _, m := range moved {
		if m.Nature == ledger.NatureClose {
			continue
		}
		if kind := giftKind(m.Chart, m.Nature); kind != "" {
			f.kinds[giftPart{m.Fund, kind}] += m.Before[1].Credit - m.Before[1].Debit - m.Before[0].Credit + m.Before[0].Debit
			continue
		}
		if m.Tags[0] == "" || !isProgram(m.Chart) && !isOwed(m.Chart) {
			continue
		}
		part := flowPart{m.Tags[0], m.Fund}
		if f.parts[part] == nil {
			f.parts[part] = &flowSums{}
		}
		sums, then, now := f.parts[part], m.Before[0].Debit-m.Before[0].Credit, m.Before[1].Debit-m.Before[1].Credit
		if isProgram(m.Chart) {
			sums.cost += now - then
		} else {
			sums.before += then
			sums.after += now
		}
	}
	return nil
}

// projects adds what projects took, and what was paid of it.
func (f *yearFlow) projects(q pg.Querier, from, to time.Time) error {
	var numbers []int32
	for part := range f.parts {
		if n, err := strconv.ParseInt(strings.TrimPrefix(part.project, "X"), 10, 32); err == nil {
			numbers = append(numbers, int32(n))
		}
	}
	titles, err := disclosure.ProjectTitles(f.v.ctx(), q, f.v.book, numbers)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for number, title := range titles {
		names["X"+strconv.Itoa(int(number))] = title
	}
	payments, err := disclosure.PaidBetween(f.v.ctx(), q, f.v.book, from, to, flowPayments)
	if err != nil {
		return err
	}
	paid := map[string][]disclosure.Paid{}
	for _, d := range payments {
		tag := "X" + strconv.Itoa(int(d.Project))
		paid[tag] = append(paid[tag], d)
	}
	sums := map[string]int64{} // paid by the books, of all funds of a project
	order := slices.SortedFunc(maps.Keys(f.parts), func(a, b flowPart) int { return cmp.Or(cmp.Compare(a.project, b.project), cmp.Compare(a.fund, b.fund)) })
	for _, part := range order {
		x, use, name := f.parts[part], "project "+part.project, cmp.Or(names[part.project], part.project)
		if owed := max(0, -x.before); owed > 0 {
			f.into(part.fund, "owed", owed)
		}
		f.left[part.fund] += max(0, x.after)
		if in := x.cost + max(0, -x.before) + max(0, x.after); in != 0 {
			f.out(part.fund, use, name, in)
		}
		if owed := max(0, -x.after); owed > 0 {
			f.pays(use, name, "owed", T(f.v.lang, "flow.use.owed"), owed)
		}
		if ahead := max(0, x.before); ahead > 0 {
			f.pays(use, name, "ahead", T(f.v.lang, "flow.use.ahead"), ahead)
		}
		sums[part.project] += x.cost + x.after - x.before
	}
	for _, tag := range slices.Sorted(maps.Keys(sums)) {
		use, name, rest := "project "+tag, cmp.Or(names[tag], tag), sums[tag]
		for _, d := range paid[tag] {
			if minor := min(d.Amount, rest); minor > 0 {
				f.pays(use, name, "payment "+d.ID.String(), strings.TrimSuffix("FK"+strconv.Itoa(int(d.Number))+" · "+d.Invoice, " · "), minor)
				rest -= minor
			}
		}
		if rest != 0 {
			f.pays(use, name, "use paid", T(f.v.lang, "flow.use.paid"), rest)
		}
	}
	return nil
}

// direct adds what funds spent without a project, by voucher as far as these are told.
func (f *yearFlow) direct(q pg.Querier, sums map[int32]int64) error {
	told, err := ledger.Spendings(f.v.ctx(), q, f.v.book, 0, flowSpendings)
	if err != nil {
		return err
	}
	use, name := "use direct", T(f.v.lang, "flow.use.direct")
	for _, fund := range slices.Sorted(maps.Keys(sums)) {
		rest := sums[fund]
		if rest == 0 {
			continue
		}
		f.out(fund, use, name, rest)
		for _, sp := range told {
			if sp.Fund == fund && sp.EffectiveOn.Year() == f.year && sp.Amount > 0 && !sp.Reversed && !sp.Project && sp.Amount <= rest {
				f.pays(use, name, sp.Entry.String(), sp.Summary, sp.Amount)
				rest -= sp.Amount
			}
		}
		if rest != 0 {
			f.pays(use, name, "program", T(f.v.lang, "flow.use.program"), rest)
		}
	}
	return nil
}

// flowKind is under which kind an account of income stands.
func flowKind(id chart.ID) string {
	switch base, _, _ := strings.Cut(string(id), "."); base {
	case "gift", "grant", "service":
		return base
	}
	return "income"
}
