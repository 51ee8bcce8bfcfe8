// Package reports writes what the books say for readers outside: it reads, and changes nothing.
//
// # Statements
//
// A statement is a [Form] with figures. Forms are data: forms/*.yaml name the accounts of every row, per set of rules (cn2026, cn2004, us,
// uk) and since which year; a change of rules is a new file. [Make] draws a statement up from turnovers that the ledger keeps anyway, so
// its cost follows the accounts and days of a book and not its postings, and holds it against the others of its set ([Report.Ties], I18).
// [Statement.Parts] says what a figure is made of: account and fund, or an entry. A [Request] names days, funds, language, and a moment:
// what was recorded after it is left out, whatever day it belongs to.
//
//	form, _ := reports.FormByID("cn2026-activities")
//	s, err := reports.Make(ctx, tx, book, form, reports.Request{To: day, Lang: "zh-CN"})
//	spent, _ := s.Figure("program", "year") // minor units of the book's currency, as all amounts here
//
// Columns of a balance sheet are "opening" and "closing"; of a statement of activities "period", "year" and "prior" in total, and with a
// class behind a dot ("year.restricted"); of a cash flow statement "period", "year" and "prior". A period that begins with the year
// has no "period" column.
//
// # Every sheet
//
// [Report] is the frame that all sheets share; [Report.WriteCSV], [Report.WriteJSON], [Report.WriteXLSX] and [Report.WritePDF] are its
// forms outside of pages. [Sheets] lists them all, statements and registers. A new register is a function that fills a Report and a
// row in lists.
//
// # The whole book
//
// [WriteHledger], [WriteLedger] and [WriteBeancount] give it as plain text, so that programs that have nothing in common with this
// one can add it up again.
package reports
