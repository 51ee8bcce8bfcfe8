package reports

import (
	"archive/zip"
	"bufio"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"sunfund/internal/sheet"
	"sunfund/ledger/money"
)

// The parts of a workbook that are the same in each. Styles by number: see xlsxStyles.
const (
	xlsxTypes = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`
	xlsxRoot = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>`
	xlsxBook = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="%s" sheetId="1" r:id="rId1"/></sheets><calcPr calcId="0" fullCalcOnLoad="1"/></workbook>`
	xlsxBookRels = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles" Target="styles.xml"/></Relationships>`
	xlsxStyles = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="1"><numFmt numFmtId="164" formatCode="%s"/></numFmts>
<fonts count="3"><font><sz val="10"/><name val="SimSun"/></font><font><b/><sz val="10"/><name val="SimSun"/></font><font><b/><sz val="16"/><name val="SimSun"/></font></fonts>
<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>
<borders count="2"><border/><border><left style="thin"/><right style="thin"/><top style="thin"/><bottom style="thin"/></border></borders>
<cellStyleXfs count="1"><xf/></cellStyleXfs>
<cellXfs count="9"><xf/><xf fontId="2" applyFont="1"/><xf fontId="1" borderId="1" applyFont="1" applyBorder="1"><alignment horizontal="center" vertical="center" wrapText="1"/></xf><xf borderId="1" applyBorder="1"><alignment wrapText="1" vertical="center"/></xf><xf numFmtId="164" borderId="1" applyNumberFormat="1" applyBorder="1"/><xf fontId="1" borderId="1" applyFont="1" applyBorder="1"><alignment wrapText="1" vertical="center"/></xf><xf fontId="1" numFmtId="164" borderId="1" applyFont="1" applyNumberFormat="1" applyBorder="1"/><xf borderId="1" applyBorder="1" quotePrefix="1"><alignment wrapText="1" vertical="center"/></xf><xf quotePrefix="1"/></cellXfs>
</styleSheet>`
)

const (
	xlsxPlain = iota
	xlsxTitle
	xlsxHead
	xlsxText
	xlsxSum
	xlsxTextBold
	xlsxSumBold
	xlsxGuarded // text that begins as a formula and stays text when it is edited
	xlsxGuardedPlain
)

// WriteXLSX writes a spreadsheet: numbers as numbers, sums as formulas with their values beside them for programs that do not
// calculate. It is written row by row.
func (r *Report) WriteXLSX(w io.Writer) error {
	z := zip.NewWriter(w)
	put := func(name, text string) error {
		part, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		return err
	}
	for _, part := range [][2]string{{"[Content_Types].xml", xlsxTypes}, {"_rels/.rels", xlsxRoot}, {"xl/workbook.xml", fmt.Sprintf(xlsxBook, escape(sheetName(r.Title)))},
		{"xl/_rels/workbook.xml.rels", xlsxBookRels}, {"xl/styles.xml", fmt.Sprintf(xlsxStyles, escape(numberFormat(r.Currency)))}} {
		if err := put(part[0], part[1]); err != nil {
			return fmt.Errorf("write spreadsheet: %w", err)
		}
	}
	part, err := z.Create("xl/worksheets/sheet1.xml")
	if err != nil {
		return fmt.Errorf("write spreadsheet: %w", err)
	}
	x := &xlsx{w: bufio.NewWriter(part), r: r}
	x.sheet()
	if err := cmp.Or(x.err, x.w.Flush()); err != nil {
		return fmt.Errorf("write spreadsheet: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("write spreadsheet: %w", err)
	}
	return nil
}

// numberFormat has as many decimals as the currency; nothing is left empty.
func numberFormat(currency string) string {
	format := "#,##0"
	if _, decimals, there := strings.Cut(money.Format(0, currency), "."); there {
		format += "." + decimals
	}
	return format + ";[Red]-" + format + ";"
}

// sheetName keeps what a name of a sheet may hold.
func sheetName(title string) string {
	name := []rune(strings.NewReplacer("[", "(", "]", ")", ":", " ", "*", " ", "?", " ", "/", " ", `\`, " ", "'", " ").Replace(title))
	return string(name[:min(len(name), 31)])
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return b.String()
}

// xlsx is a sheet under way.
type xlsx struct {
	w   *bufio.Writer
	r   *Report
	row int
	err error // of reading what is written
}

// sheetRows is how many rows a spreadsheet can have.
const sheetRows = 1 << 20

// ErrTooLong means that a list has more rows than a spreadsheet can hold: CSV and JSON have no such bound.
var ErrTooLong = errors.New("list is too long for a spreadsheet")

// Beside tells that the two tables of a balance sheet stand beside each other.
func (r *Report) Beside() bool { return r.Official && len(r.Tables) == 2 }

func (x *xlsx) sheet() {
	wide := "portrait"
	if r := x.r; r.Beside() || len(r.Tables) > 0 && len(r.Tables[0].Columns) > 7 {
		wide = "landscape"
	}
	fmt.Fprint(x.w, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\n"+`<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetPr><pageSetUpPr fitToPage="1"/></sheetPr><cols>`)
	at := 1
	for i, t := range x.r.Tables {
		if i > 0 && !x.r.Beside() {
			break
		}
		for j, c := range t.Columns {
			width := 14
			switch {
			case j == 0:
				width = 36
			case c.Key == "no":
				width = 6
			case c.Sum:
				width = 18
			}
			fmt.Fprintf(x.w, `<col min="%d" max="%d" width="%d" customWidth="1"/>`, at, at, width)
			at++
		}
	}
	fmt.Fprint(x.w, `</cols><sheetData>`)
	x.line(func() { x.text(0, xlsxTitle, x.r.Title) })
	for _, t := range x.r.Heading() {
		x.line(func() { x.text(0, xlsxPlain, t.Label); x.text(1, xlsxPlain, t.Text) })
	}
	if x.r.Beside() {
		x.tables(x.r.Tables...)
	} else {
		for _, t := range x.r.Tables {
			x.tables(t)
		}
	}
	x.line(func() {})
	for _, n := range x.r.Notes {
		x.line(func() { x.text(0, xlsxPlain, n) })
	}
	fmt.Fprintf(x.w, `</sheetData><pageMargins left="0.6" right="0.6" top="0.6" bottom="0.6" header="0.3" footer="0.3"/><pageSetup paperSize="9" orientation="%s" fitToHeight="0"/></worksheet>`, wide)
}

// line writes one row.
func (x *xlsx) line(cells func()) {
	x.row++
	fmt.Fprintf(x.w, `<row r="%d">`, x.row)
	cells()
	fmt.Fprint(x.w, `</row>`)
}

// tables writes tables beside each other.
func (x *xlsx) tables(tables ...Table) {
	x.line(func() {})
	rows := 0
	for _, t := range tables {
		rows = max(rows, len(t.Rows))
		if t.Title != "" {
			x.line(func() { x.text(0, xlsxTextBold, t.Title) })
		}
	}
	x.line(func() {
		at := 0
		for _, t := range tables {
			for _, c := range t.Columns {
				x.text(at, xlsxHead, c.label())
				at++
			}
		}
	})
	first := x.row + 1
	if len(tables) == 1 && tables[0].each != nil {
		x.long(&tables[0], first)
		return
	}
	for i := range rows {
		x.line(func() {
			at := 0
			for _, t := range tables {
				if i < len(t.Rows) {
					x.cells(t, i, at, first)
				}
				at += len(t.Columns)
			}
		})
	}
}

// long writes rows while they are read, with a formula for their sum.
func (x *xlsx) long(t *Table, first int) {
	x.err = cmp.Or(x.err, t.walk(x.r.lang, func(row Row) error {
		if x.row >= sheetRows-100 {
			return ErrTooLong
		}
		words, sums := xlsxText, xlsxSum
		if row.Style != Line {
			words, sums = xlsxTextBold, xlsxSumBold
		}
		x.line(func() {
			for j, c := range t.Columns {
				if !c.Sum {
					x.text(j, words, row.Cells[j].Text)
					continue
				}
				formula := ""
				if row.Style == Grand {
					formula = fmt.Sprintf("<f>SUM(%s%d:%s%d)</f>", letters(j), first, letters(j), x.row-1)
				}
				fmt.Fprintf(x.w, `<c r="%s%d" s="%d">%s<v>%s</v></c>`, letters(j), x.row, sums, formula, money.Format(row.Cells[j].Minor, x.r.Currency))
			}
		})
		return nil
	}))
}

func (x *xlsx) cells(t Table, i, at, first int) {
	row := t.Rows[i]
	words, sums := xlsxText, xlsxSum
	if row.Style != Line {
		words, sums = xlsxTextBold, xlsxSumBold
	}
	for j, c := range t.Columns {
		switch {
		case j >= len(row.Cells):
			x.text(at+j, words, "")
		case c.Sum:
			fmt.Fprintf(x.w, `<c r="%s%d" s="%d">%s<v>%s</v></c>`, letters(at+j), x.row, sums, formula(t, i, j, at, first), money.Format(row.Cells[j].Minor, x.r.Currency))
		default:
			x.text(at+j, words, row.Cells[j].Text)
		}
	}
}

// formula is how a sum is made of cells of the same table; nothing where it is not, so that the figure stands by itself.
func formula(t Table, i, j, at, first int) string {
	row := t.Rows[i]
	var sum int64
	var text strings.Builder
	for n := 0; n < len(row.sums); n++ {
		s := row.sums[n]
		if j >= len(t.Rows[s.row].Cells) {
			return ""
		}
		last := n
		for last+1 < len(row.sums) && s.sign > 0 && row.sums[last+1] == (summed{row.sums[last].row + 1, 1}) {
			last++
		}
		if s.sign < 0 {
			text.WriteByte('-')
		} else if text.Len() > 0 {
			text.WriteByte('+')
		}
		if last > n+1 {
			fmt.Fprintf(&text, "SUM(%s%d:%s%d)", letters(at+j), first+s.row, letters(at+j), first+row.sums[last].row)
		} else {
			last = n
			fmt.Fprintf(&text, "%s%d", letters(at+j), first+s.row)
		}
		for ; n < last; n++ {
			sum += t.Rows[row.sums[n].row].Cells[j].Minor
		}
		sum += s.sign * t.Rows[row.sums[last].row].Cells[j].Minor
	}
	if row.sums == nil {
		for _, c := range t.Columns[j].sums {
			if text.Len() > 0 {
				text.WriteByte('+')
			}
			fmt.Fprintf(&text, "%s%d", letters(at+c), first+i)
			sum += row.Cells[c].Minor
		}
	}
	if text.Len() == 0 || sum != row.Cells[j].Minor {
		return ""
	}
	return "<f>" + text.String() + "</f>"
}

// text writes a text as text; what begins as a formula stays one even when it is edited.
func (x *xlsx) text(column, style int, text string) {
	if sheet.NoFormula(text) != text {
		if style == xlsxPlain || style == xlsxTitle {
			style = xlsxGuardedPlain
		} else {
			style = xlsxGuarded
		}
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' {
			return ' ' // XML cannot hold it
		}
		return r
	}, text)
	fmt.Fprintf(x.w, `<c r="%s%d" t="inlineStr" s="%d"><is><t xml:space="preserve">%s</t></is></c>`, letters(column), x.row, style, escape(text))
}

// letters names a column, counted from 0.
func letters(column int) string {
	name := ""
	for column++; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return name
}
