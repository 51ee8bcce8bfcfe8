package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/recon"
)

// errRed makes the command exit 1.
var errRed = errors.New("a check is red")

// checkCmd runs the named checks and prints how each stands; what it finds is what the console shows.
type checkCmd struct {
	database
	keyRing
	Book  string `placeholder:"CODE" help:"Which book; all of them when missing."`
	Every string `placeholder:"FREQUENCY" enum:",hourly,daily,monthly" default:"" help:"Run those of one frequency alone: hourly, daily or monthly."`
	Lang  string `env:"LANG" default:"en" help:"Language of the report: zh-CN or en."`
}

func (c *checkCmd) Run(ctx context.Context, term terminal) error {
	red := false
	db, done, err := c.open(ctx, pg.MaxConns(1), pg.StatementTimeout(0), pg.Param("idle_in_transaction_session_timeout", "0")) // matches are decided anew between two statements
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	defer done()
	books, err := chosenBooks(ctx, db, c.Book)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	ring, err := c.of(c.database)
	if err != nil && !errors.Is(err, errNoKeyRing) && !errors.Is(err, fs.ErrNotExist) { // as verify: seeds of match alone need it
		return fmt.Errorf("check: %w", err)
	}
	var every []recon.Frequency
	if c.Every != "" {
		every = append(every, recon.Frequency(c.Every))
	}
	for _, book := range books {
		book.Keys = ring
		var all []recon.Outcome
		ctx := pg.WithBook(ctx, book.ID)
		if err := pg.InTx(ctx, db, func(tx pgx.Tx) error {
			all, err = recon.RunChecks(ctx, tx, book, time.Now(), every...)
			return err
		}); err != nil {
			return fmt.Errorf("check book %s: %w", book.Code, err)
		}
		red = printOutcomes(term.out, book, all, language(c.Lang)) || red
	}
	if red {
		return fmt.Errorf("check: %w", errRed)
	}
	return nil
}

// stateNames are the states of a check in a column of one width.
var stateNames = map[string]map[recon.State]string{
	"en":    {recon.Green: "green   ", recon.Red: "RED     ", recon.Empty: "nothing ", recon.NotYet: "not kept", recon.Pending: "not run "},
	"zh-CN": {recon.Green: "正常", recon.Red: "不符", recon.Empty: "没有", recon.NotYet: "未设", recon.Pending: "未跑"},
}

// printOutcomes prints each check with the rows that break it, and tells whether one is red.
func printOutcomes(w io.Writer, book *ledger.Book, all []recon.Outcome, lang string) (red bool) {
	fmt.Fprintf(w, verifyTexts[lang].book, book.Code, book.Name(lang))
	for _, o := range all {
		at := "—"
		if !o.At.IsZero() {
			at = o.At.In(book.Zone).Format("2006-01-02 15:04")
		}
		fmt.Fprintf(w, "  %s  %-3s  %s  %s\n", stateNames[lang][o.State], o.Code, at, o.Name(lang))
		if lacks := o.Lacks(lang); lacks != "" {
			fmt.Fprintf(w, "           %s\n", lacks)
		}
		if o.State != recon.Red {
			continue
		}
		red = true
		for _, b := range o.Breaks {
			fmt.Fprintf(w, "           %s\n", b.Text(book, lang))
		}
		if rest := o.Found - int64(len(o.Breaks)); rest > 0 {
			fmt.Fprintf(w, verifyTexts[lang].more, rest)
		}
		fmt.Fprintf(w, "           → %s\n", o.Next(lang))
	}
	return red
}
