package reports

import (
	"fmt"
	"io"
	"slices"
	"time"

	"sunfund/ledger"
	"sunfund/ledger/money"
)

// bundleForms is the folder of the forms: which accounts stand in which line of a statement.
const bundleForms = BundleStatement + "forms/"

// bundleStatement is one statement of a bundle: of a year, or of the last one until the day that the book has come to.
type bundleStatement struct {
	form    *Form
	request Request
}

// name is its file's, without the end.
func (s bundleStatement) name() string {
	return fmt.Sprintf("%s%d/%s", BundleStatement, s.request.To.Year(), s.form.ID)
}

// statementsOf are the statements of a bundle in both Chinese regimes, one set for each year that the book has entries between. A form is left out of
// years before its rules.
func (i BundleInfo) statementsOf(forms []*Form) (all []bundleStatement, err error) {
	if i.Entries == 0 {
		return nil, nil
	}
	first, err := time.Parse(time.DateOnly, i.First)
	if err != nil {
		return nil, err
	}
	last, err := time.Parse(time.DateOnly, i.Through)
	if err != nil {
		return nil, err
	}
	for year := first.Year(); year <= last.Year() && year-first.Year() < 100; year++ {
		to := ledger.Day(year, time.December, 31)
		if last.Before(to) {
			to = last
		}
		for _, f := range forms {
			if f.Regime != "" && f.Since <= year {
				all = append(all, bundleStatement{f, Request{From: ledger.Day(year, time.January, 1), To: to, Lang: "zh-CN"}})
			}
		}
	}
	return all, nil
}

// statements writes the forms and, of each year, every statement as CSV and JSON.
func (b *bundle) statements() error {
	forms := Forms(b.book.Regime)
	for _, f := range forms {
		if f.Regime == "" {
			continue
		}
		text, err := formFiles.ReadFile("forms/" + f.ID + ".yaml")
		if err != nil {
			return err
		}
		if err := b.file(bundleForms+f.ID+".yaml", func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
			return err
		}
	}
	all, err := b.info.statementsOf(forms)
	if err != nil {
		return err
	}
	for _, s := range all {
		made, err := Make(b.ctx, b.q, b.book, s.form, s.request)
		if err != nil {
			return fmt.Errorf("statement %s: %w", s.form.ID, err)
		}
		if err := b.file(s.name()+".csv", made.writePlain); err != nil {
			return err
		}
		if err := b.file(s.name()+".json", made.WriteJSON); err != nil {
			return err
		}
	}
	return nil
}

// writePlain writes the figures as rows by their ids, in both languages at once.
func (s *Statement) writePlain(w io.Writer) error {
	heads := []string{"part", "row", "no", "name_zh", "name_en"}
	for _, c := range s.columns {
		heads = append(heads, c.Key)
	}
	return table(w, heads, func(row func(...string)) error {
		for part, t := range s.Tables {
			for _, r := range t.Rows {
				form := s.form.Rows[s.form.row[r.ID]]
				fields := []string{fmt.Sprint(part + 1), r.ID, "", form.ZH, form.EN}
				if len(r.Cells) > 1 {
					fields[2] = r.Cells[1].Text
				}
				for i := range s.columns {
					text := ""
					if at := i + 2; at < len(r.Cells) {
						text = money.Format(r.Cells[at].Minor, s.Currency)
					}
					fields = append(fields, text)
				}
				row(fields...)
			}
		}
		return nil
	})
}

// figures are all amounts of a statement as decimals, by row and column.
func (s *Statement) figures() map[[2]string]string {
	all := map[[2]string]string{}
	for _, t := range s.Tables {
		for _, r := range t.Rows {
			for i, cell := range r.Cells {
				if i < len(t.Columns) && t.Columns[i].Sum {
					all[[2]string{r.ID, t.Columns[i].Key}] = money.Format(cell.Minor, s.Currency)
				}
			}
		}
	}
	return all
}

// days are all points that statements are made from, each once, in order.
func days(all []bundleStatement) (points []time.Time) {
	for _, s := range all {
		for _, day := range s.form.points(&s.request) {
			if at, there := slices.BinarySearchFunc(points, day, time.Time.Compare); !there {
				points = slices.Insert(points, at, day)
			}
		}
	}
	return points
}
