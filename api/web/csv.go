package web

import (
	"fmt"
	"io"
	"net/http"
	"time"

	tables "sunfund/internal/sheet"
	"sunfund/ledger/money"
)

// sheet is a table on its way out as CSV, row by row, so that its length costs no memory.
type sheet struct {
	w   *tables.Writer
	out http.ResponseWriter // nil: it goes into a file
	to  *sheetFile          // nil: it is sent as it comes
	n   int64               // rows, the heads among them
}

// newSheet begins a CSV answer, or the file that one is made into.
func (v *visit) newSheet(name string, heads ...string) *sheet {
	if name += "-" + ISODay(v.businessDay()) + ".csv"; v.file != nil {
		v.file.name = name
		s := sheetOn(v.file.w, v.lang, heads...)
		s.to = v.file
		return s
	}
	out := v.Response()
	out.Header().Set("Content-Type", "text/csv; charset=utf-8")
	out.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	out.WriteHeader(http.StatusOK)
	s := sheetOn(out, v.lang, heads...)
	s.out = out
	return s
}

// sheetOn begins a CSV with the mark that tells spreadsheet programs that it is UTF-8, and with the words of heads. What could not be written flush reports.
func sheetOn(w io.Writer, lang Lang, heads ...string) *sheet {
	_, _ = io.WriteString(w, tables.Mark)
	s := &sheet{w: tables.NewWriter(w)}
	if len(heads) > 0 {
		cells := make([]any, len(heads))
		for i, key := range heads {
			cells[i] = T(lang, key)
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
			fields[i] = c
		case money.Money:
			fields[i] = money.Format(c.Minor, c.Currency)
		case time.Time:
			fields[i] = ISODay(c)
		default:
			fields[i] = fmt.Sprint(c)
		}
	}
	s.n++
	_ = s.w.Row(fields...) // kept by the writer; flush reports it
}

// flush sends what is written so far.
func (s *sheet) flush() error {
	if err := s.w.Flush(); err != nil {
		return err
	}
	if s.to != nil {
		return s.to.flushed(s.n)
	}
	if s.out == nil {
		return nil
	}
	return http.NewResponseController(s.out).Flush()
}
