package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/reports"
)

var (
	errWhichBook = errors.New("there are several books, name one with --book")
	errNoBooks   = errors.New("there is no book yet")
)

// exportCmd writes a book for other programs to add up, or a match event for anybody to recompute.
type exportCmd struct {
	database
	Format   string `required:"" enum:"hledger,ledger,beancount,match,xlsx,csv,json,pdf" placeholder:"FORMAT" help:"hledger, ledger or beancount: the whole book; match: the replay file of an event, for sunfund verify match; xlsx, csv, json or pdf: the report that --report names."`
	Report   string `placeholder:"ID" help:"Which report, as its page is called: cn2026-balance, cn2026-activities, cn2026-cash, funds, ..."`
	From     string `placeholder:"DAY" help:"First day of the report, 2026-01-01; the month or the year of its last day when missing."`
	To       string `placeholder:"DAY" help:"Last day of the report; today when missing."`
	At       string `placeholder:"TIME" help:"Leave out what was recorded after this moment, 2026-09-07T10:03:00+08:00."`
	FontDir  string `env:"SUNFUND_FONT_DIR" placeholder:"FOLDER" help:"Folder with a TrueType font that has Chinese, for pdf; else that of Debian's fonts-lxgw-wenkai."`
	Progress bool   `help:"Say how many entries or rows are written, on standard error."`
	Event    string `placeholder:"CODE" help:"Which event of match; its seed must have been told."`
	Book     string `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	Output   string `short:"o" placeholder:"FILE" help:"Where to write; to standard output when missing. The file appears when it is complete."`
	Lang     string `env:"LANG" default:"en" help:"Language of descriptions where an entry has no words of its own: zh-CN or en."`
}

func (c *exportCmd) Run(ctx context.Context, term terminal) error {
	err := inOneMoment(ctx, c.database, func(tx pgx.Tx) error {
		books, err := chosenBooks(ctx, tx, c.Book)
		if err != nil {
			return err
		}
		if len(books) > 1 {
			return errWhichBook
		}
		if err := pg.EnterBook(ctx, tx, books[0].ID); err != nil {
			return err
		}
		write := func(w io.Writer) error { return c.write(ctx, tx, books[0], w, term.err) }
		if c.Output == "" {
			return write(term.out)
		}
		return writeFile(c.Output, write)
	})
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

func (c *exportCmd) write(ctx context.Context, tx pgx.Tx, book *ledger.Book, w, progress io.Writer) error {
	opt := reports.Options{Lang: language(c.Lang)}
	if c.Progress {
		opt.Progress = func(entries int64) { fmt.Fprintf(progress, "%d entries written\n", entries) }
	}
	switch c.Format {
	case "hledger":
		return reports.WriteHledger(ctx, tx, book, w, opt)
	case "ledger":
		return reports.WriteLedger(ctx, tx, book, w, opt)
	case "beancount":
		return reports.WriteBeancount(ctx, tx, book, w, opt)
	case "xlsx", "csv", "json", "pdf":
		return c.report(ctx, tx, book, w, progress)
	}
	event, err := giving.EventByCode(ctx, tx, book, c.Event)
	if err != nil {
		return err
	}
	return giving.WriteReplay(ctx, tx, book, event.ID, w)
}

// report draws up the report that is asked for.
func (c *exportCmd) report(ctx context.Context, tx pgx.Tx, book *ledger.Book, w, progress io.Writer) error {
	kind, there := reports.SheetByID(c.Report)
	if !there || kind.Donor { // names are taken out on the donor's page, which notes who did
		return fmt.Errorf("--report %s: %w", c.Report, reports.ErrNoReport)
	}
	now := time.Now()
	r := reports.Request{To: book.Day(now), Now: now, Lang: language(c.Lang), All: c.Format != "pdf"}
	if c.Progress {
		r.Progress = func(rows int64) { fmt.Fprintf(progress, "%d rows written\n", rows) }
	}
	for _, day := range []struct {
		text string
		to   *time.Time
	}{{c.From, &r.From}, {c.To, &r.To}} {
		if day.text != "" {
			var err error
			if *day.to, err = time.Parse(time.DateOnly, day.text); err != nil {
				return err
			}
		}
	}
	if c.At != "" {
		var err error
		if r.Recorded, err = time.Parse(time.RFC3339, c.At); err != nil {
			return err
		}
	}
	report, err := kind.Make(ctx, tx, book, r)
	if err != nil {
		return err
	}
	switch c.Format {
	case "xlsx":
		return report.WriteXLSX(w)
	case "csv":
		return report.WriteCSV(w)
	case "json":
		return report.WriteJSON(w)
	}
	font, err := reports.LoadFont(c.FontDir)
	if err != nil {
		return err
	}
	return report.WritePDF(w, font)
}

// inOneMoment runs fn in a read-only transaction that sees the database as it is now, however long it takes.
func inOneMoment(ctx context.Context, d database, fn func(pgx.Tx) error) error {
	db, done, err := d.open(ctx, pg.MaxConns(1), pg.StatementTimeout(0),
		pg.Param("idle_in_transaction_session_timeout", "0")) // a reader of our output may be slow
	if err != nil {
		return err
	}
	defer done()
	return pg.Snapshot(ctx, db, fn)
}

// chosenBooks are the one with the code, or all when code is empty; at least one.
func chosenBooks(ctx context.Context, q pg.Querier, code string) ([]*ledger.Book, error) {
	if code != "" {
		book, err := ledger.BookByCode(ctx, q, code)
		return []*ledger.Book{book}, err
	}
	books, err := ledger.Books(ctx, q)
	if err == nil && len(books) == 0 {
		err = errNoBooks
	}
	return books, err
}

// language reads "zh-CN" as well as a locale, "zh_CN.UTF-8"; all but Chinese is English.
func language(locale string) string {
	if strings.HasPrefix(strings.ToLower(locale), "zh") {
		return "zh-CN"
	}
	return "en"
}

// writeFile replaces the file at path once fn has written all of it. A device or pipe is written to as it is.
func writeFile(path string, fn func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(fn(f), f.Close())
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err := errors.Join(fn(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
