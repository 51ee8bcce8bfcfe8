package reports

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"sunfund/internal/sheet"
	"sunfund/ledger/money"
)

// text is a cell as plain text: amounts as decimals with an ASCII minus.
func (r *Report) text(c Column, x Cell) string {
	if c.Sum {
		return money.Format(x.Minor, r.Currency)
	}
	return x.Text
}

// Heading is what stands above the tables: maker, scope, period, unit, code, moment.
func (r *Report) Heading() (all []Term) {
	add := func(zh, en, text string) {
		if text != "" {
			all = append(all, Term{words(r.lang, zh, en), text})
		}
	}
	add("编制单位", "Entity", r.Maker)
	add("范围", "Scope", r.Scope)
	add("期间", "Period", r.Period)
	add("单位", "Unit", r.unit())
	add("表号", "Form", r.Code)
	add("账页", "Ledger position", fmt.Sprint(r.Position))
	if !r.Recorded.IsZero() {
		add("截至记账时刻", "As recorded until", r.Recorded.UTC().Format(time.RFC3339))
	}
	return all
}

func (r *Report) unit() string {
	if r.Currency == "CNY" {
		return words(r.lang, "元", "CNY")
	}
	return r.Currency
}

// label is a column's head on one line.
func (c Column) label() string {
	if c.Group == "" {
		return c.Label
	}
	return c.Group + " " + c.Label
}

// WriteCSV writes every table, with the mark that tells spreadsheet programs that it is UTF-8. Text that begins as a formula is guarded.
func (r *Report) WriteCSV(w io.Writer) error {
	if _, err := io.WriteString(w, sheet.Mark); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	out := sheet.NewWriter(w)
	write := func(cells ...string) { _ = out.Row(cells...) } // kept by the writer
	write(r.Title)
	for _, t := range r.Heading() {
		write(t.Label, t.Text)
	}
	for i := range r.Tables {
		t := &r.Tables[i]
		write()
		if t.Title != "" {
			write(t.Title)
		}
		var heads []string
		for _, c := range t.Columns {
			heads = append(heads, c.label())
		}
		write(heads...)
		if err := t.walk(r.lang, func(x Row) error {
			cells := make([]string, len(x.Cells))
			for i, c := range x.Cells {
				cells[i] = r.text(t.Columns[i], c)
			}
			return out.Row(cells...)
		}); err != nil {
			return fmt.Errorf("write CSV: %w", err)
		}
	}
	for _, n := range r.Notes {
		write(n)
	}
	return out.Flush()
}

type jsonReport struct {
	ID       string      `json:"id"`
	Title    string      `json:"title"`
	Code     string      `json:"code,omitempty"`
	Maker    string      `json:"maker"`
	Scope    string      `json:"scope,omitempty"`
	Period   string      `json:"period"`
	Currency string      `json:"currency"`
	Recorded *time.Time  `json:"recorded_until,omitempty"`
	Position int64       `json:"ledger_position"`
	Tables   []jsonTable `json:"tables,omitempty"` // written after the rest, row by row
	Ties     []jsonTie   `json:"ties,omitempty"`
	Notes    []string    `json:"notes,omitempty"`
}

type jsonTable struct {
	Title   string       `json:"title,omitempty"`
	Columns []jsonColumn `json:"columns"`
	Rows    []jsonRow    `json:"rows,omitempty"`
}

type jsonColumn struct {
	Key   string `json:"key"`
	Label string `json:"label"`
	Money bool   `json:"money,omitempty"`
}

type jsonRow struct {
	ID    string   `json:"id,omitempty"`
	Style string   `json:"style"`
	Cells []string `json:"cells"`
}

type jsonTie struct {
	Name  string   `json:"name"`
	Left  string   `json:"left"`
	Right string   `json:"right"`
	Why   []string `json:"why,omitempty"`
}

// WriteJSON writes the report for programs: amounts are decimal strings, keys of columns and rows do not change with the language.
func (r *Report) WriteJSON(w io.Writer) error {
	j := jsonReport{ID: r.ID, Title: r.Title, Code: r.Code, Maker: r.Maker, Scope: r.Scope, Period: r.Period, Currency: r.Currency, Position: r.Position, Notes: r.Notes}
	if !r.Recorded.IsZero() {
		j.Recorded = &r.Recorded
	}
	for _, t := range r.Ties {
		j.Ties = append(j.Ties, jsonTie{t.Name, money.Format(t.Left, r.Currency), money.Format(t.Right, r.Currency), t.Why})
	}
	out := &jsonWriter{w: bufio.NewWriter(w)}
	out.open(j)
	out.text(`,"tables":[`)
	for i := range r.Tables {
		t := &r.Tables[i]
		table := jsonTable{Title: t.Title}
		for _, c := range t.Columns {
			table.Columns = append(table.Columns, jsonColumn{c.Key, c.label(), c.Sum})
		}
		out.comma(i)
		out.open(table)
		out.text(`,"rows":[`)
		n := 0
		if err := t.walk(r.lang, func(x Row) error {
			row := jsonRow{ID: x.ID, Style: x.Style}
			for i, c := range x.Cells {
				row.Cells = append(row.Cells, r.text(t.Columns[i], c))
			}
			out.comma(n)
			out.open(row)
			out.text("}")
			n++
			return out.err
		}); err != nil {
			return fmt.Errorf("write JSON: %w", err)
		}
		out.text("]}")
	}
	out.text("\n]}\n")
	if err := cmp.Or(out.err, out.w.Flush()); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// jsonWriter writes JSON piece by piece, a line for each row; err is its first error.
type jsonWriter struct {
	w   *bufio.Writer
	err error
}

func (j *jsonWriter) text(text string) {
	if j.err == nil {
		_, j.err = j.w.WriteString(text)
	}
}

// comma goes before all but the first, each on a line of its own.
func (j *jsonWriter) comma(n int) {
	if n > 0 {
		j.text(",")
	}
	j.text("\n")
}

// open writes an object without its end.
func (j *jsonWriter) open(v any) {
	var b strings.Builder
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	if err := out.Encode(v); err != nil {
		j.err = cmp.Or(j.err, err)
	}
	j.text(strings.TrimSuffix(b.String(), "}\n"))
}
