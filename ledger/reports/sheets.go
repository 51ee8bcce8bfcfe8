package reports

import (
	"context"
	"errors"
	"slices"

	"sunfund/internal/pg"
	"sunfund/ledger"
)

// ErrNoReport means that there is no such report, or not for who asks. Answer 404.
var ErrNoReport = errors.New("no such report")

// Sheet is a report that can be asked for.
type Sheet struct {
	ID             string
	Group          string
	ZH, EN         string
	SaysZH, SaysEN string // what it answers
	Whole          bool   // only for who sees the whole book
	Form           *Form  // of a statement; nil for a list
	make           func(ctx context.Context, q pg.Querier, book *ledger.Book, r Request) (*Report, error)
}

// Name is Chinese for languages starting with "zh" and English for all others. Says likewise.
func (s Sheet) Name(lang string) string { return words(lang, s.ZH, s.EN) }

// Says is what the report answers.
func (s Sheet) Says(lang string) string { return words(lang, s.SaysZH, s.SaysEN) }

// Code is that of the official form; empty for none.
func (s Sheet) Code() string {
	if s.Form == nil {
		return ""
	}
	return s.Form.Code
}

// Make draws the report up. Run it in one repeatable read transaction.
func (s Sheet) Make(ctx context.Context, q pg.Querier, book *ledger.Book, r Request) (*Report, error) {
	if s.Form != nil {
		statement, err := Make(ctx, q, book, s.Form, r)
		if err != nil {
			return nil, err
		}
		return &statement.Report, nil
	}
	return s.make(ctx, q, book, r)
}

// Groups are the groups of reports in order.
func Groups() []string {
	return []string{"statutory", "other-regime", "us", "uk", "funds", "work", "giving", "checks"}
}

// Sheets are all reports; the statements of the regime come first.
func Sheets(regime string) []Sheet {
	var all []Sheet
	for _, f := range Forms(regime) {
		s := Sheet{ID: f.ID, ZH: f.ZH, EN: f.EN, Form: f, Group: "statutory"}
		switch {
		case f.Regime == "":
			s.Group = f.ID[:2]
		case f.Regime != regime:
			s.Group = "other-regime"
		}
		says := map[string][2]string{Balance: {"有什么、欠什么、净资产多少", "What there is, what is owed, what is left"}, Activities: {"收了什么、花了什么，限定与非限定分列", "What came and what was spent, restricted and unrestricted apart"},
			Cash: {"现金从哪里来、到哪里去（直接法）", "Where cash came from and went (direct method)"}}[f.Kind]
		s.SaysZH, s.SaysEN = says[0], says[1]
		all = append(all, s)
	}
	return slices.Concat(all, lists)
}

// SheetByID finds a report.
func SheetByID(id string) (Sheet, bool) {
	all := Sheets("")
	if i := slices.IndexFunc(all, func(s Sheet) bool { return s.ID == id }); i >= 0 {
		return all[i], true
	}
	return Sheet{}, false
}

// lists are the reports that are not statements.
var lists []Sheet
