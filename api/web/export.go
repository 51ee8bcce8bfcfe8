package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/reports"
	"sunfund/ledger/staff"
)

// download is a file as its address asks for it: what it is called, about how long it is, and how it is written.
type download struct {
	title string                                         // in words, for who asked
	name  string                                         // of the file
	kind  string                                         // its media type
	run   bool                                           // made by a run, however short
	list  bool                                           // how long it is shows when it is written
	look  func() error                                   // reports.ErrNoExport when the address is of no list; nil: it is known by then
	audit string                                         // what the audit trail calls it; empty: nothing is noted unless it is made by a run
	count func(q pg.Querier, limit int64) (int64, error) // its rows, at most limit; nil: it is never long
	write func(ctx context.Context, q pg.Querier, w io.Writer, tell func(reports.Told)) (root string, err error)
}

// exportCount is up to where rows are counted to say how long a file will be.
const exportCount = 1_000_000

// exportPage is an address whose files may be long.
type exportPage struct {
	path  string
	needs staff.Permission
	fresh bool // it holds names: whoever takes it has just proved who they are
	list  bool // it is made with the rights of who asked for it, all of which she must still have
	of    func(*visit) (*download, error)
}

// exportPages are those that have more to choose than a list; the lists are sheetPages.
func exportPages() []exportPage {
	return []exportPage{
		{reportPath, staff.ReportRead, false, false, (*visit).reportOfAddress},
		{"/console/entries", staff.EntryRead, false, false, (*visit).entriesOfAddress},
		{"/console/gifts", staff.GiftRead, true, false, (*visit).giftsOfAddress},
		{bundleFile, staff.LawRead, false, false, (*visit).bundleOfAddress},
		{bookFile, staff.LawRead, false, false, (*visit).bookOfAddress},
	}
}

// exportPageOf finds the page that an address of ours is on, or reports.ErrNoExport.
func (s *Server) exportPageOf(ask string) (*exportPage, *url.URL, error) {
	u, err := url.Parse(ask)
	if err != nil || u.Host != "" || u.Scheme != "" || len(ask) > 4000 {
		return nil, nil, reports.ErrNoExport
	}
	if page := s.sheetAt(u); page != nil {
		return page, u, nil
	}
	pages := exportPages()
	i := slices.IndexFunc(pages, func(p exportPage) bool { return p.path == u.Path })
	if i < 0 {
		return nil, nil, reports.ErrNoExport
	}
	return &pages[i], u, nil
}

// errStale means that a file holds names, and who asks for it has not just proved who she is.
var errStale = errors.New("file with names is asked for without a fresh proof")

// exportOf is what an address asks for, as far as this person may have it: as one that there is not, when she may not. errStale.
func (v *visit) exportOf(ask string) (*exportPage, *download, error) {
	page, u, err := v.s.exportPageOf(ask)
	if err != nil {
		return nil, nil, err
	}
	if !v.who.May(page.needs) {
		return nil, nil, reports.ErrNoExport
	}
	if page.fresh && !staff.Fresh(v.who, v.now) {
		return nil, nil, errStale
	}
	of, err := v.asked(v.ctx(), u)
	if err != nil {
		return nil, nil, err
	}
	d, err := page.of(of)
	if err == nil && d.look != nil {
		err = d.look()
	}
	return page, d, err
}

// rows counts what a download has, up to limit.
func (v *visit) rows(d *download, limit int64) (n int64, err error) {
	if d.count == nil {
		return 0, nil
	}
	err = v.read(func(q pg.Querier) error {
		n, err = d.count(q, limit)
		return err
	})
	return n, err
}

// give sends a file once it is whole: what breaks off is an error and no torn file, and who reads slowly keeps no transaction open. A long one is to be made by a run.
func (v *visit) give(d *download) error {
	long := d.run
	if !long {
		n, err := v.rows(d, reports.DirectMax+1)
		if err != nil {
			return err
		}
		long = n > reports.DirectMax
	}
	if long {
		return v.see(exportNewHref(v.with()))
	}
	var file *os.File
	if err := v.read(func(q pg.Querier) (err error) {
		file, err = written(func(w io.Writer) error {
			_, err := d.write(v.ctx(), q, w, func(reports.Told) {})
			return err
		})
		return err
	}); err != nil {
		if file != nil {
			err = errors.Join(err, file.Close())
		}
		return err
	}
	return v.sendNoted(file, d.name, d.kind, d.audit)
}

// sendNoted sends a file whole and closes it, once the audit trail tells who took it.
func (v *visit) sendNoted(file *os.File, name, kind, audit string) error {
	if audit != "" {
		if err := v.inTx(func(ctx context.Context, tx pgx.Tx) error {
			return staff.Record(ctx, tx, v.book.ID, staff.Event{At: v.now, Who: v.who.Person.ID, What: audit})
		}); err != nil {
			return errors.Join(err, file.Close())
		}
	}
	return v.sendFile(file, name, kind)
}

// WriteExport makes the file of a run, with the sight that its maker had when she asked. It is a reports.ExportWriter.
func (s *Server) WriteExport(ctx context.Context, tx pgx.Tx, book *ledger.Book, run *reports.ExportRun, w io.Writer, tell func(reports.Told)) (made reports.Exported, err error) {
	ask, err := run.Address(book)
	if err != nil {
		return made, err
	}
	page, u, err := s.exportPageOf(ask)
	if err != nil {
		return made, err
	}
	funds, err := ledger.Funds(ctx, tx, book)
	if err != nil {
		return made, err
	}
	sees := &sight{all: run.Funds == nil, funds: slices.DeleteFunc(funds, func(f ledger.Fund) bool { return run.Funds != nil && !slices.Contains(run.Funds, f.ID) })}
	v := &visit{s: s, book: book, lang: Lang(run.Lang), now: s.Now(), sees: sees}
	if page.list {
		if v.who, err = maker(ctx, tx, book.ID, run, v.now); err == nil && !v.who.May(page.needs) {
			err = reports.ErrNoExport
		}
		if err != nil {
			return made, err
		}
	}
	v, err = v.asked(ctx, u)
	if err != nil {
		return made, err
	}
	d, err := page.of(v)
	if err != nil {
		return made, fmt.Errorf("export %s: %w", page.path, err)
	}
	made.Root, err = d.write(ctx, tx, w, tell)
	made.Name, made.Kind = d.name, d.kind // a list is named when it has begun
	return made, err
}

// covers tells whether all that a run was made of is in sight now.
func (s *sight) covers(run *reports.ExportRun) bool {
	if s.all {
		return true
	}
	return run.Funds != nil && !slices.ContainsFunc(run.Funds, func(id int32) bool { return s.fund(id) == nil })
}

// reportOfAddress is a report as a file. One of a donor is asked for on the donor's page and never long.
func (v *visit) reportOfAddress() (*download, error) {
	a, err := v.askReport()
	if err == nil && len(a.view.Errors) > 0 {
		err = reports.ErrNoReport
	}
	if err != nil {
		return nil, err
	}
	return v.reportDownload(a, v.typed("format", 4))
}

// plainKinds are what the whole book is written as for other programs, and how its files end.
var plainKinds = []struct {
	format, ending string
	write          func(context.Context, pg.Querier, *ledger.Book, io.Writer, reports.Options) error
}{{"hledger", "journal", reports.WriteHledger}, {"ledger", "ledger", reports.WriteLedger}, {"beancount", "beancount", reports.WriteBeancount}}

// bookOfAddress is the whole book for another bookkeeping program.
func (v *visit) bookOfAddress() (*download, error) {
	for _, k := range plainKinds {
		if k.format != v.typed("format", 10) {
			continue
		}
		return &download{title: T(v.lang, "exported.book", k.format), name: "book-" + v.book.Code + "-" + ISODay(v.businessDay()) + "." + k.ending, kind: "text/plain; charset=utf-8", audit: "export.book",
			count: func(q pg.Querier, limit int64) (int64, error) { return reports.EntriesUpTo(v.ctx(), q, v.book, limit) },
			write: func(ctx context.Context, q pg.Querier, w io.Writer, tell func(reports.Told)) (string, error) {
				return "", k.write(ctx, q, v.book, w, reports.Options{Lang: string(v.lang), Progress: func(n int64) { tell(reports.Told{Done: n}) }})
			}}, nil
	}
	return nil, reports.ErrNoExport
}

// bookDownload sends the whole book, or leads to the run that makes it.
func (v *visit) bookDownload() error {
	d, err := v.bookOfAddress()
	if err != nil {
		return err
	}
	return v.give(d)
}

// auditName is what the audit trail calls a run of a download.
func (d *download) auditName() string { return cmp.Or(d.audit, "export.file") }
