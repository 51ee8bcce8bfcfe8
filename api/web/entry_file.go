package web

import (
	"context"
	"io"
	"strconv"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/reports"
)

// entryHeads are the columns of the journal as a file; the amount is a sum.
var entryHeads = []string{"entry.day", "entry.number", "entry.kind", "entry.summary", "entry.amount", "entry.made", "entry.checked", "entry.source", "entry.reverses", "entry.recorded", "entry.id"}

const entryAmount = 4 // in entryHeads

// entriesOfAddress is the journal of an address as a file.
func (v *visit) entriesOfAddress() (*download, error) {
	view, filter, err := v.entryAsk()
	if err == nil && len(view.Errors) > 0 {
		err = reports.ErrNoExport
	}
	if err != nil {
		return nil, err
	}
	return v.entryDownload(filter)
}

// entryDownload is the whole filter, read page by page while it is written: a table as CSV, a report as XLSX and JSON.
func (v *visit) entryDownload(f ledger.JournalFilter) (*download, error) {
	format := v.typed("format", 4)
	if fileTypes[format] == "" || format == "pdf" {
		return nil, reports.ErrNoExport
	}
	f.After, f.Limit = "", ledger.PageMax
	return &download{title: T(v.lang, "place.entries") + " " + T(v.lang, "report.as."+format), name: "entries-" + ISODay(v.businessDay()) + "." + format, kind: fileTypes[format], audit: "export.journal",
		count: func(q pg.Querier, _ int64) (int64, error) { return ledger.JournalCount(v.ctx(), q, v.book, f) },
		write: func(ctx context.Context, q pg.Querier, w io.Writer, tell func(reports.Told)) (string, error) {
			if format != "csv" {
				r, err := v.entryReport(ctx, q, f, tell)
				if err != nil {
					return "", err
				}
				return "", writeReport(r, w, format)
			}
			out := sheetOn(w, v.lang, entryHeads...)
			err := v.eachEntry(ctx, q, f, tell, func(cells []string, amount int64) error {
				row := make([]any, len(cells))
				for i, text := range cells {
					row[i] = text
				}
				row[entryAmount] = v.amount(amount)
				out.row(row...)
				return nil
			})
			if err != nil {
				return "", err
			}
			return "", out.flush()
		}}, nil
}

// eachEntry gives the entries of a filter as cells, all but the amount.
func (v *visit) eachEntry(ctx context.Context, q pg.Querier, f ledger.JournalFilter, tell func(reports.Told), put func(cells []string, amount int64) error) error {
	for done := int64(0); ; {
		page, err := ledger.Journal(ctx, q, v.book, f)
		if err != nil {
			return err
		}
		for _, r := range page.Entries {
			row, number, source, reverses := v.entryRow(r), "", "", ""
			if r.Number != 0 {
				number = strconv.Itoa(int(r.Number))
			}
			if r.Document != nil {
				source = v.source(r.Document.SourceKind) + " " + r.Document.SourceRef
			}
			if row.Reverses != [16]byte{} {
				reverses = row.Reverses.String()
			}
			if err := put([]string{ISODay(r.EffectiveOn), number, row.Kind, row.Summary, "", row.Made(), row.Checked(), source, reverses, Stamp(r.RecordedAt, v.book.Zone), r.ID.String()}, r.Amount); err != nil {
				return err
			}
		}
		before := done / entryTold
		if done += int64(len(page.Entries)); done/entryTold > before {
			tell(reports.Told{Done: done})
		}
		if page.Next == "" {
			return nil
		}
		f.After = page.Next
	}
}

// entryTold is after how many entries a file tells how far it is.
const entryTold = 5_000

// entryReport is the journal as a report of one list.
func (v *visit) entryReport(ctx context.Context, q pg.Querier, f ledger.JournalFilter, tell func(reports.Told)) (*reports.Report, error) {
	position, err := ledger.Postings(ctx, q, v.book)
	if err != nil {
		return nil, err
	}
	columns := make([]reports.Column, len(entryHeads))
	for i, key := range entryHeads {
		columns[i] = reports.Column{Key: key[len("entry."):], Label: T(v.lang, key), Sum: i == entryAmount}
	}
	r := &reports.Report{ID: "entries", Title: T(v.lang, "place.entries"), Maker: v.book.Name(string(v.lang)), From: f.From, To: f.To, Currency: v.book.Currency, Position: position}
	r.Tables = []reports.Table{reports.Streamed(columns, func(put func(reports.Row) error) error {
		return v.eachEntry(ctx, q, f, tell, func(cells []string, amount int64) error {
			row := reports.Row{ID: cells[len(cells)-1], Style: reports.Line, Cells: make([]reports.Cell, len(cells))}
			for i, text := range cells {
				row.Cells[i].Text = text
			}
			row.Cells[entryAmount].Minor = amount
			return put(row)
		})
	})}
	return r.InLang(string(v.lang)), nil
}
