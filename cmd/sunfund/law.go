package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/law"
)

// bookLawCmd says under which law a book stands, and tells how its rules stand. The operator's word needs no second person; the console's does.
type bookLawCmd struct {
	database
	Book   string    `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	From   time.Time `format:"2006-01-02" placeholder:"DAY" help:"From this day on it stands under the law given; without it the rules are told as they stand."`
	Place  string    `default:"CN" help:"Country, or a part of it that has rules of its own, as CN-HN."`
	Form   string    `default:"association" enum:"association,foundation,service" help:"Legal form: association, foundation or service."`
	Public bool      `help:"It may raise from the public."`
	Code   string    `help:"Unified social credit code, eighteen letters and digits."`
	Year   int       `help:"Year over which yearly rules are told; this year without it."`
}

func (c *bookLawCmd) Run(ctx context.Context, t terminal) error {
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return fmt.Errorf("law: %w", err)
	}
	defer done()
	ctx = pg.WithBook(ctx, book.ID)
	now := time.Now()
	if !c.From.IsZero() {
		err := pg.InTx(ctx, db, func(tx pgx.Tx) error {
			return law.SetProfile(ctx, tx, book, law.Profile{From: c.From, Jurisdiction: c.Place, Form: c.Form, Public: c.Public, Code: c.Code}, now)
		})
		if err != nil {
			return fmt.Errorf("law: %w", err)
		}
	}
	today := book.Day(now)
	l, err := law.Read(ctx, db, book)
	if err != nil {
		return fmt.Errorf("law: %w", err)
	}
	p := l.On(today)
	if p == nil {
		fmt.Fprintln(t.out, "no legal profile: nothing is checked and nothing is refused")
		return nil
	}
	public := "may not raise from the public"
	if p.Public {
		public = "may raise from the public"
	}
	fmt.Fprintf(t.out, "%s %s, %s, from %s on\n", p.Jurisdiction, p.Form, public, p.From.Format(time.DateOnly))
	year := c.Year
	if year == 0 {
		year = today.Year()
	}
	all, err := law.Look(ctx, db, book, year, today)
	if err != nil {
		return fmt.Errorf("law: %w", err)
	}
	for _, f := range all {
		fmt.Fprintf(t.out, "%-4s %-8s %s\n", f.Code, f.State, f.NameEN)
		for _, r := range f.Rows {
			fmt.Fprintf(t.out, "     %s: %s\n", r.Called("en"), r.EN)
		}
	}
	return nil
}

// bookFiguresCmd enters figures of rules from a file in the form of the program's own.
type bookFiguresCmd struct {
	database
	Book string `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	File string `arg:"" type:"existingfile" help:"CSV with rule, name, jurisdiction, form, public, valid_from, valid_to, value, article_zh, article_en, source."`
}

func (c *bookFiguresCmd) Run(ctx context.Context, t terminal) error {
	f, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("enter figures: %w", err)
	}
	defer f.Close()
	figures, err := law.ReadFigures(f)
	if err != nil {
		return fmt.Errorf("enter figures: %w", err)
	}
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return fmt.Errorf("enter figures: %w", err)
	}
	defer done()
	ctx = pg.WithBook(ctx, book.ID)
	now := time.Now()
	err = pg.InTx(ctx, db, func(tx pgx.Tx) error {
		for _, p := range figures {
			if err := law.SetParam(ctx, tx, book, p, uuid.Nil, now); err != nil {
				return fmt.Errorf("%s %s: %w", p.Rule, p.Name, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("enter figures: %w", err)
	}
	fmt.Fprintf(t.out, "%d figures entered\n", len(figures))
	return nil
}
