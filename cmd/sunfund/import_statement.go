package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/recon"
	"sunfund/ledger/recon/statement"
)

var (
	errNoSource    = errors.New("no such account; add it on the page of statements")
	errQuarantined = errors.New("the file is in quarantine; nothing of it was imported")
)

type importStatementCmd struct {
	database
	keyRing
	File    string `arg:"" type:"existingfile" help:"The file, as the bank or processor made it."`
	Source  string `required:"" placeholder:"NAME" help:"Whose statement it is: the name of the account on the page of statements."`
	Book    string `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	SHA1    string `name:"sha1" placeholder:"HEX" help:"The SHA-1 that the processor announced; another file goes into quarantine."`
	Opening string `placeholder:"0.00" help:"The opening balance by online banking, for a file without balances."`
	Closing string `placeholder:"0.00" help:"The closing balance, together with the opening one."`
}

func (c *importStatementCmd) Run(ctx context.Context, term terminal) error {
	if err := c.run(ctx, term); err != nil {
		return fmt.Errorf("import statement: %w", err)
	}
	return nil
}

func (c *importStatementCmd) run(ctx context.Context, term terminal) error {
	db, book, done, err := c.openToImport(ctx, c.keyRing, c.Book)
	if err != nil {
		return err
	}
	defer done()
	ctx = pg.WithBook(ctx, book.ID)
	source, err := recon.SourceByName(ctx, db, book, c.Source)
	if errors.Is(err, giving.ErrNoRecord) {
		return fmt.Errorf("%w: %s", errNoSource, c.Source)
	}
	if err != nil {
		return err
	}
	n := recon.NewFile{ID: uuid.Must(uuid.NewV7()), Name: filepath.Base(c.File), Announced: c.SHA1}
	for _, told := range []struct {
		text string
		to   **int64
	}{{c.Opening, &n.Opening}, {c.Closing, &n.Closing}} {
		if told.text == "" {
			continue
		}
		minor, err := money.ParseInput(told.text, source.Currency)
		if err != nil {
			return err
		}
		*told.to = &minor
	}
	if n.Body, err = readFile(c.File, statement.SizeMax+1); err != nil {
		return err
	}
	f, err := takeStatement(ctx, db, book, source, n)
	if err != nil {
		return err
	}
	switch f.State {
	case recon.FileDuplicate:
		fmt.Fprintf(term.out, "Book %s, %s: the same file came before; nothing was imported again\n", book.Code, source.Name)
		return nil
	case recon.FileQuarantined:
		return fmt.Errorf("%w: %s at line %d, want %q, got %q", errQuarantined, *f.Reason, *f.ReasonLine, *f.Want, *f.Got)
	}
	fmt.Fprintf(term.out, "Book %s, %s: %d lines, %d of them new\n", book.Code, source.Name, *f.Lines, *f.Fresh)
	return nil
}

// takeStatement keeps a file and has it read. The file stays even when it is refused.
func takeStatement(ctx context.Context, db *pgxpool.Pool, book *ledger.Book, source *recon.Source, n recon.NewFile) (f *recon.File, err error) {
	now := time.Now()
	err = pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
		f, err = recon.Receive(ctx, tx, book, source, n, now)
		return err
	})
	if err != nil || f.State != recon.FileReceived {
		return f, err
	}
	err = pg.InTx(ctx, db, func(tx pgx.Tx) error {
		done, err := recon.Take(ctx, tx, book, f, now)
		if err == nil {
			f = done
		}
		return err
	})
	return f, err
}
