package reports

import (
	"fmt"
	"io"
	"strings"

	"codeberg.org/go-pdf/fpdf"

	"sunfund/ledger/money"
)

// Millimetres on A4.
const (
	pdfMargin = 15
	pdfLine   = 5
	pdfNo     = 10 // of the column of line numbers
)

// pdf is a report on its way to paper.
type pdf struct {
	*fpdf.Fpdf
	r     *Report
	width float64
}

// WritePDF writes the report on A4 sheets, laid across where it has many columns, with heads on every sheet, page numbers and room for
// signatures. ErrNoFont.
func (r *Report) WritePDF(w io.Writer, font Font) error {
	if len(font) == 0 {
		return ErrNoFont
	}
	way, width := "P", 210
	if r.Wide() {
		way, width = "L", 297
	}
	p := &pdf{fpdf.New(way, "mm", "A4", ""), r, float64(width - 2*pdfMargin)}
	p.SetMargins(pdfMargin, pdfMargin, pdfMargin)
	p.SetAutoPageBreak(false, pdfMargin)
	p.AddUTF8FontFromBytes("face", "", font)
	p.AliasNbPages("{all}")
	p.SetFooterFunc(func() {
		p.SetY(-pdfMargin + 3)
		p.SetFont("face", "", 7)
		p.CellFormat(p.width, 4, fmt.Sprintf("%s %d · %d/{all}", words(r.lang, "账页", "Ledger position"), r.Position, p.PageNo()), "", 0, "R", false, 0, "")
	})
	p.AddPage()
	p.SetFont("face", "", 15)
	p.CellFormat(p.width, 9, r.Title, "", 1, "C", false, 0, "")
	p.SetFont("face", "", 8)
	for i, t := range r.Heading() {
		p.CellFormat(p.width/3, pdfLine, p.fit(t.Label+" "+t.Text, p.width/3), "", map[bool]int{true: 1}[i%3 == 2], "L", false, 0, "")
	}
	p.Ln(pdfLine + 2)
	if r.Beside() {
		p.tables(r.Tables...)
	} else {
		for _, t := range r.Tables {
			p.tables(t)
			p.Ln(3)
		}
	}
	for _, n := range r.Notes {
		p.MultiCell(p.width, pdfLine, n, "", "L", false)
	}
	if r.Official {
		p.Ln(6)
		for _, name := range []string{words(r.lang, "单位负责人", "Head of the entity"), words(r.lang, "财务负责人", "Head of finance"), words(r.lang, "制表", "Made by")} {
			p.CellFormat(p.width/3, pdfLine, name+" ____________", "", 0, "L", false, 0, "")
		}
	}
	if err := p.Output(w); err != nil {
		return fmt.Errorf("write report as PDF: %w", err)
	}
	return nil
}

// Wide tells that a report is laid across the sheet.
func (r *Report) Wide() bool {
	most := 0
	for _, t := range r.Tables {
		most = max(most, len(t.Columns))
	}
	return r.Beside() || most > 6
}

// tables prints tables beside each other, breaking sheets between rows.
func (p *pdf) tables(tables ...Table) {
	_, high := p.GetPageSize()
	share := p.width / float64(len(tables))
	widths := make([][]float64, len(tables))
	rows := 0
	for i, t := range tables {
		widths[i] = p.widths(t, share)
		rows = max(rows, len(t.Rows))
		if t.Title != "" {
			p.SetFont("face", "", 10)
			p.CellFormat(p.width, 6, t.Title, "", 1, "L", false, 0, "")
		}
	}
	heads := func() {
		p.SetFont("face", "", 7.5)
		for i, t := range tables {
			for j, c := range t.Columns {
				p.CellFormat(widths[i][j], pdfLine+1, p.fit(c.label(), widths[i][j]), "1", 0, "C", false, 0, "")
			}
		}
		p.Ln(-1)
	}
	heads()
	for n := range rows {
		if p.GetY()+pdfLine > high-pdfMargin {
			p.AddPage()
			heads()
		}
		for i, t := range tables {
			if n < len(t.Rows) {
				p.row(t, t.Rows[n], widths[i])
			} else {
				p.SetX(p.GetX() + share)
			}
		}
		p.Ln(-1)
	}
}

func (p *pdf) row(t Table, row Row, widths []float64) {
	p.SetFont("face", "", 7.5)
	for j, c := range t.Columns {
		text, align := "", "L"
		if j < len(row.Cells) {
			if text = row.Cells[j].Text; c.Sum {
				if align = "R"; row.Cells[j].Minor != 0 || row.Style != Line {
					text = group(money.Format(row.Cells[j].Minor, p.r.Currency))
				}
			} else if j == 0 && row.Style == Line {
				text = "  " + text
			}
		}
		border := "LR"
		if row.Style != Line {
			border = "1"
		}
		p.CellFormat(widths[j], pdfLine, p.fit(text, widths[j]), border+"TB", 0, align, false, 0, "")
	}
}

// widths gives amounts what they need and words the rest.
func (p *pdf) widths(t Table, share float64) []float64 {
	all := make([]float64, len(t.Columns))
	left, texts := share, 0
	for j, c := range t.Columns {
		switch {
		case c.Key == "no":
			all[j] = pdfNo
		case c.Sum:
			all[j] = min(26, share/float64(len(t.Columns)))
		default:
			texts++
		}
		left -= all[j]
	}
	for j := range all {
		if all[j] == 0 {
			all[j] = left / float64(texts)
		}
	}
	return all
}

// fit shortens what a cell cannot hold.
func (p *pdf) fit(text string, width float64) string {
	if p.GetStringWidth(text) <= width-2 {
		return text
	}
	signs := []rune(text)
	for len(signs) > 0 && p.GetStringWidth(string(signs)+"…") > width-2 {
		signs = signs[:len(signs)-1]
	}
	return string(signs) + "…"
}

// group puts commas between thousands.
func group(decimal string) string {
	whole, rest, _ := strings.Cut(decimal, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}
