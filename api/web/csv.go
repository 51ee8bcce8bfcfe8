package web

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"time"

	tables "sunfund/internal/sheet"
	"sunfund/ledger/money"
)

// sheet is a table on its way out as CSV, row by row, so that its length costs no memory.
type sheet struct {
	w   *csv.Writer
	out http.ResponseWriter
}

// newSheet begins a CSV answer. The mark in front tells spreadsheet programs that it is UTF-8.
func (v *visit) newSheet(name string, heads ...string) *sheet {
	out := v.Response()
	out.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out.Header().Set("Content-Disposition", `attachment; filename="`+name+"-"+ISODay(v.businessDay())+`.csv"`)
	out.WriteHeader(http.StatusOK)
	_, _ = out.Write([]byte("\ufeff")) // a reader who left is noticed by the first flush
	s := &sheet{w: csv.NewWriter(out), out: out}
	if len(heads) > 0 {
		cells := make([]any, len(heads))
		for i, key := range heads {
			cells[i] = T(v.lang, key)
		}
		s.row(cells...)
	}
	return s
}

// row writes texts, amounts (plain decimals), days and numbers.
func (s *sheet) row(cells ...any) {
	fields := make([]string, len(cells))
	for i, cell := range cells {
		switch c := cell.(type) {
		case string:
			fields[i] = tables.NoFormula(c)
		case money.Money:
			fields[i] = money.Format(c.Minor, c.Currency)
		case time.Time:
			fields[i] = ISODay(c)
		default:
			fields[i] = fmt.Sprint(c)
		}
	}
	_ = s.w.Write(fields) // kept by the writer; flush reports it
}

// flush sends what is written so far.
func (s *sheet) flush() error {
	s.w.Flush()
	if err := s.w.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return http.NewResponseController(s.out).Flush()
}
