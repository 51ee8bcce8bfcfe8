package reports

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"sunfund/ledger"
	"sunfund/ledger/chart"
)

// Made is what a figure is made of: an account, or an entry. Amounts add up to the figure.
type Made struct {
	Account  int32 // of the book; zero for facts that none holds
	Chart    chart.Account
	Fact     string // what no account holds by itself: "released", "restricted", "prior", "pending", "spent", "opening"
	Fund     ledger.Fund
	Entry    uuid.UUID // zero for what an account moved or holds
	Amount   int64
	From, To time.Time // the days of the account's lines; From is zero for what there is on a day
}

// Place is where a figure stands in a list: in which of its tables, by the ids of its row and column.
type Place struct {
	Table       int
	Row, Column string
}

// part keeps that an account gave an amount to a figure and to the total of its column, if the request asked for parts: of what moved from a day on (zero: what there is) to
// the end of another.
func (r *Report) part(at Place, m ledger.Moved, amount int64, from, to time.Time) {
	if r.parts == nil || amount == 0 {
		return
	}
	for _, row := range []string{at.Row, "total"} {
		at.Row = row
		if r.parts[at] == nil {
			r.parts[at] = map[int32]*Made{}
		}
		made := r.parts[at][m.Account]
		if made == nil {
			made = &Made{Account: m.Account, Chart: chart.MustByID(m.Chart), Fund: ledger.Fund{ID: m.Fund}, From: from, To: to}
			r.parts[at][m.Account] = made
		}
		made.Amount += amount
	}
}

// moved and held keep parts of what accounts moved in the report's days, and of what they held at their end or before them.
func (r *Report) moved(table int, row, column string, m ledger.Moved, amount int64) {
	r.part(Place{table, row, column}, m, amount, r.From, r.To)
}

func (r *Report) held(table int, row, column string, m ledger.Moved, amount int64) {
	day := r.To
	if column == "opening" {
		day = r.From.AddDate(0, 0, -1)
	}
	r.part(Place{table, row, column}, m, amount, time.Time{}, day)
}

// shifted are parts of tables that stand further down now.
func shifted(parts map[Place]map[int32]*Made, by int) map[Place]map[int32]*Made {
	if parts == nil {
		return nil
	}
	all := make(map[Place]map[int32]*Made, len(parts))
	for at, made := range parts {
		at.Table += by
		all[at] = made
	}
	return all
}

// opens marks the rows whose figures lead to parts. Columns that no account gave to have none.
func (r *Report) opens(tables ...int) {
	for _, n := range tables {
		for i := range r.Tables[n].Rows {
			if row := &r.Tables[n].Rows[i]; row.Style != Head {
				row.Opens = true
			}
		}
	}
}

// Parts says what a figure of a list is made of, account by account; false when there is no such figure, or none that accounts make. The request had to ask for it.
func (r *Report) Parts(at Place) (made []Made, there bool) {
	if at.Table < 0 || at.Table >= len(r.Tables) {
		return nil, false
	}
	t := &r.Tables[at.Table]
	if !slices.ContainsFunc(t.Rows, func(x Row) bool { return x.ID == at.Row && x.Opens }) || !slices.ContainsFunc(t.Columns, func(c Column) bool { return c.Key == at.Column && c.Sum }) {
		return nil, false
	}
	for _, m := range r.parts[at] {
		if m.Amount != 0 {
			made = append(made, *m)
		}
	}
	inOrder(made)
	return made, true
}

// Names are what the row and the column of a figure of a list are called, and the figure.
func (r *Report) Names(at Place) (name, head string, amount int64) {
	t := &r.Tables[at.Table]
	row := slices.IndexFunc(t.Rows, func(x Row) bool { return x.ID == at.Row && x.Opens })
	column := slices.IndexFunc(t.Columns, func(c Column) bool { return c.Key == at.Column })
	name, head, amount = t.Rows[row].Cells[0].Text, t.Columns[column].Label, t.Rows[row].Cells[column].Minor
	if t.Title != "" {
		head = t.Title + " · " + head
	}
	return name, head, amount
}

func inOrder(made []Made) {
	slices.SortFunc(made, func(a, b Made) int {
		return cmp.Or(cmp.Compare(a.Chart.Code2026, b.Chart.Code2026), cmp.Compare(a.Fact, b.Fact), cmp.Compare(a.Fund.ID, b.Fund.ID), cmp.Compare(a.Account, b.Account), slices.Compare(a.Entry[:], b.Entry[:]))
	})
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
		chart   chart.ID
		fund    int32
		account int32
		entry   uuid.UUID
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
			k := id{x.chart, x.fund.ID, x.account, x.entry}
			if sums[k] == nil {
				at := s.form.Rows[t.row].At // what there was then, in a statement of what moved
				end := c.end
				if at == "begin" {
					end = c.begin
				}
				m := &Made{Account: x.account, Fund: *x.fund, Entry: x.entry, To: s.facts.points[end].AddDate(0, 0, -1)}
				if acct, account := chart.ByID(x.chart); account {
					m.Chart = acct
				} else {
					m.Fact = string(x.chart[1:])
				}
				if !c.holds && at == "" {
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
	inOrder(made)
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
