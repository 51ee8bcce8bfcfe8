package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/shopspring/decimal"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/money"
	"sunfund/ledger/payments"
)

var errRefusedLines = errors.New("some lines were refused")

// importCmd brings files of others onto the books.
type importCmd struct {
	Gifts    importGiftsCmd    `cmd:"" help:"Book a gift file (CSV), each line once however often it is run."`
	Platform importPlatformCmd `cmd:"" help:"Book a giving platform's file of gifts by its saved profile, each line once however often it is run."`

	Statement importStatementCmd `cmd:"" help:"Take in a statement file of a bank or processor: whole, or not at all with the reason."`

	Setup importSetupCmd `cmd:"" help:"Open the funds and campaigns of a set-up file (JSON) that the book does not have yet."`
}

type importGiftsCmd struct {
	database
	keyRing
	File    string            `arg:"" type:"existingfile" help:"The file."`
	Book    string            `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	Rejects string            `placeholder:"FILE" help:"Where refused lines go with number and reason; FILE.rejects.csv beside the file when missing."`
	Rate    map[string]string `placeholder:"USD=7.10" help:"Book currency for one unit of a foreign currency; others go by the table of rates."`
}

func (c *importGiftsCmd) Run(ctx context.Context, term terminal) error {
	if err := c.run(ctx, term); err != nil {
		return fmt.Errorf("import gifts: %w", err)
	}
	return nil
}

func (c *importGiftsCmd) run(ctx context.Context, term terminal) error {
	rates := map[string]decimal.Decimal{}
	for ccy, text := range c.Rate {
		rate, err := decimal.NewFromString(text)
		if err != nil || !rate.IsPositive() {
			return fmt.Errorf("--rate %s=%s: not a rate", ccy, text)
		}
		rates[ccy] = rate
	}
	db, book, done, err := c.openToImport(ctx, c.keyRing, c.Book)
	if err != nil {
		return err
	}
	defer done()
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	path := c.Rejects
	if path == "" {
		path = strings.TrimSuffix(c.File, ".csv") + ".rejects.csv"
	}
	rejects, err := os.Create(path)
	if err != nil {
		return err
	}
	defer rejects.Close()
	totals, err := payments.ImportGifts(ctx, db, book, file, payments.ImportOptions{
		Rejects: rejects, Rates: rates, Now: time.Now(),
		Progress: func(lines, bytes int64) {
			fmt.Fprintf(term.err, "\r%d lines, %d %% of the file", lines, bytes*100/max(info.Size(), 1))
		},
	})
	fmt.Fprintln(term.err)
	if totals != nil {
		printTotals(term.out, book, totals)
	}
	if err != nil {
		return err
	}
	if totals.Refused > 0 {
		return fmt.Errorf("%w: %d, see %s", errRefusedLines, totals.Refused, path)
	}
	// Nothing was refused: an empty file would only make somebody look for what is in it.
	if err := rejects.Close(); err != nil {
		return err
	}
	if c.Rejects != "" {
		return nil // the file that somebody named stays
	}
	return os.Remove(path)
}

// openBook opens the database for the book with the code, or for the only one there is.
func (d database) openBook(ctx context.Context, code string, opts ...pg.Option) (*pgxpool.Pool, *ledger.Book, func(), error) {
	db, done, err := d.open(ctx, opts...)
	if err != nil {
		return nil, nil, nil, err
	}
	books, err := chosenBooks(ctx, db, code)
	if err == nil && len(books) > 1 {
		err = errWhichBook
	}
	if err != nil {
		done()
		return nil, nil, nil, err
	}
	return db, books[0], done, nil
}

// openToImport opens a book for a long posting, with its keys.
func (d database) openToImport(ctx context.Context, keys keyRing, code string) (*pgxpool.Pool, *ledger.Book, func(), error) {
	ring, err := keys.of(d)
	if err != nil {
		return nil, nil, nil, err
	}
	db, book, done, err := d.openBook(ctx, code, pg.StatementTimeout(0), pg.Posting)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := useKeys(ctx, db, ring, book); err != nil {
		done()
		return nil, nil, nil, err
	}
	return db, book, done, nil
}

// printTotals prints the control totals, to be held against those of who made the file.
func printTotals(w io.Writer, book *ledger.Book, t *payments.Totals) {
	fmt.Fprintf(w, "Book %s: %d lines read; %d gifts, %d refunds; %d booked now, %d booked before, %d refused\n",
		book.Code, t.Lines, t.Gifts, t.Refunds, t.Booked, t.Replayed, t.Refused)
	for _, group := range []struct {
		name string
		sums map[string]map[string]int64
	}{{"fund", t.ByFund}, {"campaign", t.ByCampaign}} {
		for _, code := range slices.Sorted(maps.Keys(group.sums)) {
			for _, ccy := range slices.Sorted(maps.Keys(group.sums[code])) {
				fmt.Fprintf(w, "  %-8s %-24s %s %18s\n", group.name, code, ccy, money.Format(group.sums[code][ccy], ccy))
			}
		}
	}
}

type importSetupCmd struct {
	database
	File string `arg:"" type:"existingfile" help:"The file."`
	Book string `placeholder:"CODE" help:"Which book; not needed when there is only one."`
}

func (c *importSetupCmd) Run(ctx context.Context, term terminal) error {
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return fmt.Errorf("import setup: %w", err)
	}
	defer done()
	err = pg.InTx(pg.WithBook(ctx, book.ID), db, func(tx pgx.Tx) error {
		file, err := os.Open(c.File) // again for each try of the transaction
		if err != nil {
			return err
		}
		defer file.Close()
		return payments.PrepareFromSetup(ctx, tx, book, file)
	})
	if err != nil {
		return fmt.Errorf("import setup: %w", err)
	}
	fmt.Fprintf(term.out, "Book %s has the funds and campaigns of %s\n", book.Code, c.File)
	return nil
}
