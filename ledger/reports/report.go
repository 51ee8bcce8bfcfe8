package reports

import (
	"time"

	"sunfund/ledger/money"
)

// Report is a sheet of tables in one language, as a page, a print, a spreadsheet, JSON and PDF show it alike.
type Report struct {
	ID       string
	Title    string
	Code     string // of the official form; empty for none
	Maker    string // 编制单位
	Scope    string // which funds
	Period   string
	From, To time.Time
	Currency string
	Recorded time.Time // as of which moment; zero for now
	Position int64     // ledger position that the figures stand at
	Tables   []Table
	Ties     []Tie
	Notes    []string
	Official bool // of a statement that is signed
	lang     string
	parts    map[Place]map[int32]*Made // by account; nil when nobody asked
}

// Table is rows under columns.
type Table struct {
	Title   string
	Columns []Column
	Rows    []Row
	Ages    int                             // how many of the last columns are classes of age, of which a picture is made; 0: none
	each    func(put func(Row) error) error // of a list too long to hold: its rows are read while it is written, the sum of them comes last
}

// Column is a column of a table. Those beside each other with the same group stand under one head.
type Column struct {
	Key   string
	Group string
	Label string
	Sum   bool // amounts of money in the report's currency
	sums  []int
}

// Row styles.
const (
	Line  = "line"
	Head  = "head"
	Sum   = "sum"
	Grand = "grand"
)

// Row is a row of a table.
type Row struct {
	ID    string
	Style string
	Cells []Cell
	sums  []summed
	Opens bool // its figures lead to what they are made of
}

// summed is a row whose figures are added, or with -1 taken off.
type summed struct {
	row  int
	sign int64
}

// Cell is a text, or an amount in minor units of the report's currency.
type Cell struct {
	Text  string
	Minor int64
	To    Ref
}

// Ref is a thing of the book that a cell leads to.
type Ref struct{ Kind, ID string }

// What a Ref may be of.
const (
	ToEntry    = "entry"
	ToFund     = "fund"
	ToContract = "contract"
	ToProject  = "project"
	ToReceipt  = "receipt"
	ToAccount  = "account"
	ToPayee    = "payee"
	ToDonor    = "donor"
)

// Tie is two figures that have to be the same (I18 of docs/bookkeeping.md).
type Tie struct {
	Name        string
	Left, Right int64
	Why         []string // what stands in the way; says so when nothing is found
}

// Off is by how much the two differ.
func (t Tie) Off() int64 { return t.Left - t.Right }

// Tied tells whether all figures are the same that have to be.
func (r *Report) Tied() bool {
	for _, t := range r.Ties {
		if t.Off() != 0 {
			return false
		}
	}
	return true
}

// Amount is a cell's amount as money.
func (r *Report) Amount(c Cell) money.Money {
	return money.Money{Minor: c.Minor, Currency: r.Currency}
}

// cell finds a figure by the ids of its row and column.
func (r *Report) cell(row, column string) (amount int64, there bool) {
	for _, t := range r.Tables {
		for i, c := range t.Columns {
			if c.Key != column {
				continue
			}
			for _, x := range t.Rows {
				if x.ID == row && len(x.Cells) > i {
					return x.Cells[i].Minor, true
				}
			}
		}
	}
	return 0, false
}

// Figure is a figure by the ids of its row and column, in minor units; false when there is none such.
func (r *Report) Figure(row, column string) (int64, bool) { return r.cell(row, column) }

// Streamed is a table of a list too long to hold: each gives its rows while they are written, and the sum of them comes last. Columns that are sums hold amounts in
// minor units of the report's currency.
func Streamed(columns []Column, each func(put func(Row) error) error) Table {
	return Table{Columns: columns, each: each}
}

// InLang sets the language of the report's own words, such as that of its total.
func (r *Report) InLang(lang string) *Report {
	r.lang = lang
	return r
}
