package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/sheet"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/money"
	"sunfund/ledger/payments/platforms"
)

var (
	errNoProfile = errors.New("no such platform profile; make one on the page of platform files")
	errNotTold   = errors.New("the file's totals are not those that were told; nothing was booked")
	errDone      = errors.New("this file is on the books already")
)

type importPlatformCmd struct {
	database
	keyRing
	File     string `arg:"" type:"existingfile" help:"The file."`
	Platform string `required:"" placeholder:"CODE" help:"Whose profile reads it: the platform's code; the newest version."`
	Book     string `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	Count    int64  `help:"How many gifts the platform's letter says; 0 is not compared." default:"0"`
	Amount   string `placeholder:"0.00" help:"The sum of the gifts by the letter; compared before anything is booked."`
	Match    string `placeholder:"0.00" help:"The sum of the match by the letter."`
	Rejects  string `placeholder:"FILE" help:"Where refused lines go with number and reason; FILE.rejects.csv beside the file when missing."`
	Dry      bool   `name:"check" help:"Only read the file and print its totals."`
}

func (c *importPlatformCmd) Run(ctx context.Context, term terminal) error {
	if err := c.run(ctx, term); err != nil {
		return fmt.Errorf("import platform: %w", err)
	}
	return nil
}

func (c *importPlatformCmd) run(ctx context.Context, term terminal) error {
	db, book, done, err := c.openToImport(ctx, c.keyRing, c.Book)
	if err != nil {
		return err
	}
	defer done()
	ctx = pg.WithBook(ctx, book.ID)
	body, err := readFile(c.File, platforms.FileMax+1)
	if err != nil {
		return err
	}
	now := time.Now()
	profile, err := c.profile(ctx, db, book)
	if err != nil {
		return err
	}
	content, err := platforms.Read(book, &profile.Layout, body, now)
	if err != nil {
		return err
	}
	printPlatform(term.out, book, content)
	if err := c.told(book, content.Totals); err != nil || c.Dry {
		return err
	}
	file, err := keepPlatform(ctx, db, book, filepath.Base(c.File), body, profile, now)
	if err != nil {
		return err
	}
	sign := giving.Sign{Key: uuid.Must(uuid.NewV7()), At: now, Made: "sunfund import platform"}
	result, err := platforms.Book(ctx, db, book, file, sign, func(done, all int) error {
		fmt.Fprintf(term.err, "\r%d of %d lines", done, all)
		return nil
	})
	fmt.Fprintln(term.err)
	if err != nil {
		return err
	}
	fmt.Fprintf(term.out, "Book %s: %d booked now, %d booked before, %d refused\n", book.Code, result.Booked, result.Known, len(result.Faults))
	if len(result.Faults) == 0 {
		return nil
	}
	path := c.Rejects
	if path == "" {
		path = c.File + ".rejects.csv"
	}
	if err := writePlatformRejects(path, result); err != nil {
		return err
	}
	return fmt.Errorf("%w: %d, see %s", errRefusedLines, len(result.Faults), path)
}

// readFile reads no more of a file than limit bytes.
func readFile(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit))
}

func (c *importPlatformCmd) profile(ctx context.Context, db *pgxpool.Pool, book *ledger.Book) (*platforms.Profile, error) {
	profiles, err := platforms.Profiles(ctx, db, book)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(profiles, func(p platforms.Profile) bool { return p.Platform == c.Platform })
	if at < 0 {
		return nil, fmt.Errorf("%w: %s", errNoProfile, c.Platform)
	}
	return &profiles[at], nil
}

// told holds the file's totals against what was said on the command line.
func (c *importPlatformCmd) told(book *ledger.Book, t platforms.Totals) error {
	if c.Count != 0 && c.Count != t.Count {
		return fmt.Errorf("%w: %d gifts, %d were told", errNotTold, t.Count, c.Count)
	}
	for _, one := range []struct {
		name, told string
		is         int64
	}{{"amount", c.Amount, t.Amount}, {"match", c.Match, t.Match}} {
		if one.told == "" {
			continue
		}
		minor, err := money.Parse(one.told, book.Currency)
		if err != nil {
			return err
		}
		if minor != one.is {
			return fmt.Errorf("%w: %s %s, %s was told", errNotTold, one.name, money.Format(one.is, book.Currency), one.told)
		}
	}
	return nil
}

func keepPlatform(ctx context.Context, db *pgxpool.Pool, book *ledger.Book, name string, body []byte, p *platforms.Profile, now time.Time) (file *platforms.File, err error) {
	err = pg.InTx(ctx, db, func(tx pgx.Tx) error {
		id, err := platforms.Keep(ctx, tx, book, uuid.Must(uuid.NewV7()), name, body, uuid.Nil, now)
		if err != nil {
			return err
		}
		if file, err = platforms.FileByID(ctx, tx, book, id); err != nil {
			return err
		}
		switch {
		case file.State == platforms.FileBooked:
			return fmt.Errorf("%w: as %s on %s", errDone, file.Name, file.BookedAt.Format(time.DateOnly))
		case file.ProfileID == nil || *file.ProfileID != p.ID:
			err := platforms.UseProfile(ctx, tx, book, file, p.ID)
			if err != nil && !errors.Is(err, platforms.ErrStarted) { // what broke off goes on by the profile that it began with
				return err
			}
		}
		file, err = platforms.FileByID(ctx, tx, book, id)
		return err
	})
	return file, err
}

// printPlatform prints what the file says, to be held against the platform's letter.
func printPlatform(w io.Writer, book *ledger.Book, c *platforms.Content) {
	sum := func(minor int64) string { return money.Format(minor, book.Currency) }
	fmt.Fprintf(w, "Book %s: %d gifts of %s, fee %s, net %s, match %s; %d lines refused, %d passed over\n",
		book.Code, c.Totals.Count, sum(c.Totals.Amount), sum(c.Totals.Fee), sum(c.Totals.Net), sum(c.Totals.Match), len(c.Faults), c.Ignored)
}

// writePlatformRejects writes refused lines: number, order, field, reason, then the line as it came where it is one that could not be read.
func writePlatformRejects(path string, d *platforms.Done) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := sheet.NewWriter(f)
	rows := [][]string{append([]string{"line", "order_no", "field", "reason"}, d.Content.Header...)}
	for _, x := range d.Faults {
		rows = append(rows, append([]string{strconv.Itoa(x.Line), x.Order, x.Field, x.Reason}, x.Cells...))
	}
	for _, row := range rows {
		_ = w.Row(row...) // kept by the writer
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Close()
}
