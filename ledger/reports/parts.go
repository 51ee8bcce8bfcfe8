package reports

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Made is what a figure is made of: an account in a fund, or an entry. Amounts add up to the figure.
type Made struct {
	Chart    chart.Account
	Fact     string // what no account holds by itself: "released", "restricted", "prior", "pending", "spent", "opening"
	Fund     ledger.Fund
	Entry    uuid.UUID // zero for what an account moved or holds
	Amount   int64
	From, To time.Time // the days of the account's lines; From is zero for what there is on a day
}

// Parts says what a figure is made of; false when there is no such figure.
func (s *Statement) Parts(row, key string) (made []Made, there bool) {
	at := s.form.rowAt(row)
	col := slices.IndexFunc(s.columns, func(c column) bool { return c.Key == key })
	if at < 0 || col < 0 || s.form.Rows[at].Head {
		return nil, false
	}
	signs := map[int]int64{}
	s.form.expand(at, 1, signs)
	c := s.columns[col]
	type id struct {
		chart chart.ID
		fund  int32
		entry uuid.UUID
	}
	sums := map[id]*Made{}
	for i := range s.facts.all {
		x := &s.facts.all[i]
		class := s.classOf(x)
		for _, t := range s.form.rowsOf(x.chart, x.nature) {
			amount := signs[t.row] * s.amount(x, class, t, c)
			if amount == 0 {
				continue
			}
			k := id{x.chart, x.fund.ID, x.entry}
			if sums[k] == nil {
				m := &Made{Fund: *x.fund, Entry: x.entry, To: s.facts.points[c.end].AddDate(0, 0, -1)}
				if acct, account := chart.ByID(x.chart); account {
					m.Chart = acct
				} else {
					m.Fact = string(x.chart[1:])
				}
				if !c.holds {
					m.From = s.facts.points[c.begin]
				}
				sums[k] = m
			}
			sums[k].Amount += amount
		}
	}
	for _, m := range sums {
		if m.Amount != 0 {
			made = append(made, *m)
		}
	}
	slices.SortFunc(made, func(a, b Made) int {
		return cmp.Or(cmp.Compare(a.Chart.Code2026, b.Chart.Code2026), cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Fund.ID, b.Fund.ID), slices.Compare(a.Entry[:], b.Entry[:]))
	})
	return made, true
}

// expand finds the lines that a row sums, with their signs.
func (f *Form) expand(row int, sign int64, signs map[int]int64) {
	r := f.Rows[row]
	if r.Sum == "" {
		signs[row] += sign
	}
	for _, p := range r.parts() {
		f.expand(f.row[p.id], sign*p.sign, signs)
	}
}

// Names are what a row and a column are called, and the figure where they meet.
func (s *Statement) Names(row, key string) (name, head string, amount int64) {
	if at := s.form.rowAt(row); at >= 0 {
		name = s.form.Rows[at].Name(s.lang)
	}
	for _, c := range s.columns {
		if c.Key == key {
			head = c.label()
		}
	}
	amount, _ = s.cell(row, key)
	return name, head, amount
}
