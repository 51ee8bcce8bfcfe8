package reports

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/money"
)

// sheetCell is a cell of a spreadsheet as it was written.
type sheetCell struct {
	At      string `xml:"r,attr"`
	Style   string `xml:"s,attr"`
	Kind    string `xml:"t,attr"`
	Formula string `xml:"f"`
	Value   string `xml:"v"`
	Text    string `xml:"is>t"`
}

// readSheet unpacks a spreadsheet: every part of it has to be good XML.
func readSheet(t *testing.T, body []byte) map[string]sheetCell {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	cells := map[string]sheetCell{}
	for _, f := range z.File {
		part, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Rows []struct {
				Cells []sheetCell `xml:"c"`
			} `xml:"sheetData>row"`
		}
		if err := xml.Unmarshal(text, &doc); err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		for _, row := range doc.Rows {
			for _, c := range row.Cells {
				cells[c.At] = c
			}
		}
	}
	return cells
}

// calculate works a formula out: cells, sums of ranges, plus and minus.
func calculate(t *testing.T, cells map[string]sheetCell, formula string) (sum int64) {
	t.Helper()
	value := func(at string) int64 {
		v, err := money.Parse(cells[at].Value, "CNY")
		if err != nil {
			t.Fatalf("%s: %v", at, err)
		}
		return v
	}
	for _, term := range regexp.MustCompile(`([+-]?)(?:SUM\(([A-Z]+)(\d+):[A-Z]+(\d+)\)|([A-Z]+\d+))`).FindAllStringSubmatch(formula, -1) {
		var part int64
		if term[5] != "" {
			part = value(term[5])
		} else {
			first, _ := strconv.Atoi(term[3])
			last, _ := strconv.Atoi(term[4])
			for row := first; row <= last; row++ {
				if at := term[2] + strconv.Itoa(row); cells[at].Value != "" {
					part += value(at)
				}
			}
		}
		if term[1] == "-" {
			part = -part
		}
		sum += part
	}
	return sum
}

// In every statement of both regimes and in every register each formula gives what stands beside it, and what is drawn up as the sum of a table is one.
func TestEverySumIsAFormula(t *testing.T) {
	t.Parallel()
	for _, regime := range []string{chart.CN2026, chart.CN2004} {
		b := newKeptBook(t, regime)
		b.worked()
		for _, kind := range Sheets(regime) {
			if kind.Donor {
				continue
			}
			b.tx(func(ctx context.Context, tx pgx.Tx) error {
				r, err := kind.Make(ctx, tx, b.Book, Request{Lang: "zh-CN", From: ledger.Day(2026, 9, 1), To: ledger.Day(2026, 12, 31), All: true, Now: time.Unix(1_790_000_000, 0)})
				if err != nil {
					return err
				}
				for _, table := range r.Tables {
					for i, row := range table.Rows {
						for j, c := range table.Columns {
							if row.ID == "total" && c.Sum && row.Cells[j].Minor != 0 && formula(table, i, j, 0, 1) == "" {
								t.Errorf("%s %s: %s of the total is no formula", regime, kind.ID, c.Key)
							}
						}
					}
				}
				var out bytes.Buffer
				if err := r.WriteXLSX(&out); err != nil {
					return err
				}
				cells := readSheet(t, out.Bytes())
				formulas := 0
				for at, c := range cells {
					if c.Formula == "" {
						continue
					}
					formulas++
					if got := money.Format(calculate(t, cells, c.Formula), r.Currency); got != c.Value {
						t.Errorf("%s %s: %s: %s gives %s, beside it stands %s", regime, kind.ID, at, c.Formula, got, c.Value)
					}
				}
				if kind.Form != nil && formulas == 0 {
					t.Errorf("%s %s has no formula", regime, kind.ID)
				}
				return nil
			})
		}
	}
}

// Sums are formulas that give what stands beside them; text that begins as a formula is text.
func TestSpreadsheet(t *testing.T) {
	t.Parallel()
	b := newKeptBook(t, chart.CN2026)
	b.worked()
	for _, form := range []string{"cn2026-balance", "cn2026-activities", "cn2026-cash", "uk-sofa", "us-position"} {
		s := b.make(form, "2026-09-01", "2026-12-31")
		s.Notes = []string{`=HYPERLINK("http://evil")`}
		var out bytes.Buffer
		if err := s.WriteXLSX(&out); err != nil {
			t.Fatal(err)
		}
		cells := readSheet(t, out.Bytes())
		formulas, guarded := 0, false
		for at, c := range cells {
			if c.Formula != "" {
				formulas++
				if got := calculate(t, cells, c.Formula); money.Format(got, "CNY") != c.Value {
					t.Errorf("%s: %s: %s gives %s, beside it stands %s", form, at, c.Formula, money.Format(got, "CNY"), c.Value)
				}
			}
			guarded = guarded || strings.HasPrefix(c.Text, "=HYPERLINK") && c.Kind == "inlineStr" && c.Style == strconv.Itoa(xlsxGuardedPlain)
		}
		if formulas < 8 || !guarded {
			t.Errorf("%s: %d formulas, text guarded %v", form, formulas, guarded)
		}
		out.Reset()
		if err := s.WriteCSV(&out); err != nil || !strings.Contains(out.String(), "'=HYPERLINK") {
			t.Errorf("%s: not guarded: %v", form, err)
		}
		out.Reset()
		var back struct {
			Position int64 `json:"ledger_position"`
			Tables   []struct {
				Rows []jsonRow `json:"rows"`
			} `json:"tables"`
		}
		if err := s.WriteJSON(&out); err != nil || json.Unmarshal(out.Bytes(), &back) != nil || back.Position != s.Position || len(back.Tables) != len(s.Tables) || len(back.Tables[0].Rows) != len(s.Tables[0].Rows) {
			t.Errorf("%s: JSON: %v %+v", form, err, back)
		}
	}
	for column, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 701: "ZZ", 702: "AAA"} {
		if got := letters(column); got != want {
			t.Errorf("column %d is %s", column, got)
		}
	}
}
