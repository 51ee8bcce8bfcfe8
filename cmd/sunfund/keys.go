package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/internal/seal"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/residents"
	"sunfund/ledger/recon"
)

var (
	errNoKeyRing = errors.New("where are the keys for donors' personal data? Set SUNFUND_KEY_FILE (or SUNFUND_KEYS); " +
		"`sunfund key new FILE` makes a file with a new key. Without the keys of before, what is sealed by them cannot be read")
	errKeyFileThere = errors.New("there is a file of that name already; to change keys, add one with --add and run `sunfund key rewrap`")
)

// keyRing says where the keys for personal data are.
type keyRing struct {
	KeyFile string `env:"SUNFUND_KEY_FILE" placeholder:"FILE" help:"File with the keys for donors' personal data; see sunfund key new."`
	Keys    string `env:"SUNFUND_KEYS" placeholder:"KEYS" help:"The same keys where there is no file, parted by semicolons. Set them in the environment, not on the command line."`
}

// read reads the keys. Errors never quote them.
func (k keyRing) read() (*seal.Ring, error) {
	text, from := []byte(strings.ReplaceAll(k.Keys, ";", "\n")), "SUNFUND_KEYS"
	if k.Keys == "" {
		if k.KeyFile == "" {
			return nil, errNoKeyRing
		}
		var err error
		if text, err = os.ReadFile(k.KeyFile); err != nil {
			return nil, fmt.Errorf("read the keys for personal data: %w", err)
		}
		from = k.KeyFile
	}
	ring, err := seal.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", from, err)
	}
	return ring, nil
}

// of is the ring of a tool: the one that is named, or the demo's when the tool works on the demo.
func (k keyRing) of(d database) (*seal.Ring, error) {
	if k == (keyRing{}) && d.DatabaseURL == "" {
		k.KeyFile = demoKeyFile(d.DemoDir)
	}
	return k.read()
}

// useKeys gives books their keys, or says which one is missing.
func useKeys(ctx context.Context, db pg.Beginner, ring *seal.Ring, books ...*ledger.Book) error {
	for _, b := range books {
		err := pg.InTx(pg.WithBook(ctx, b.ID), db, func(tx pgx.Tx) error { return ledger.UseKeys(ctx, tx, b, ring) })
		if err != nil {
			return err
		}
	}
	return nil
}

func demoKeyFile(dir string) string { return filepath.Join(dir, "donor-keys") }

// demoKeys are the demo's own keys, made with its folder.
func demoKeys(dir string) (keyRing, error) {
	file := demoKeyFile(dir)
	err := newKeyFile(file)
	if errors.Is(err, errKeyFileThere) {
		err = nil
	}
	return keyRing{KeyFile: file}, err
}

// keyCmd makes and changes the keys for personal data.
type keyCmd struct {
	New    keyNewCmd    `cmd:"" help:"Make a file with a new key for donors' personal data. Keep a copy of it apart from the database's backups."`
	Rewrap keyRewrapCmd `cmd:"" help:"Seal by the first key of the ring what an older one seals; afterwards the older ones can be taken away."`
}

type keyNewCmd struct {
	File string `arg:"" help:"The file; it must not exist, unless with --add. A dash prints a key instead, for SUNFUND_KEYS."`
	Add  bool   `help:"Put a new key before those of the file, to seal by it from now on."`
}

func (c *keyNewCmd) Run(term terminal) error {
	if c.File == "-" {
		_, err := fmt.Fprintln(term.out, seal.NewLine())
		return err
	}
	change := newKeyFile
	if c.Add {
		change = addKey
	}
	if err := change(c.File); err != nil {
		return fmt.Errorf("key new: %w", err)
	}
	ring, err := keyRing{KeyFile: c.File}.read()
	if err != nil {
		return fmt.Errorf("key new: %w", err)
	}
	fmt.Fprintf(term.out, "%s seals by key %s. Whoever loses this file loses donors' names, e-mails and messages: keep a copy apart from the backups.\n", c.File, ring.Current())
	return nil
}

const keyFileHead = "# Keys for donors' personal data. The first one seals, all of them open. Keep a copy apart from the backups.\n"

// newKeyFile makes a file that only its owner may read, or errKeyFileThere.
func newKeyFile(file string) error {
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%w: %s", errKeyFileThere, file)
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(keyFileHead + seal.NewLine() + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

// addKey puts a new key first. The file is replaced whole, so that a crash loses no key.
func addKey(file string) error {
	old, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if _, err := seal.Parse(old); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".keys-*") // for its owner only
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(keyFileHead + seal.NewLine() + "\n" + strings.TrimPrefix(string(old), keyFileHead))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

type keyRewrapCmd struct {
	database
	keyRing
	Book string `placeholder:"CODE" help:"Which book; all when missing."`
}

func (c *keyRewrapCmd) Run(ctx context.Context, term terminal) error {
	if err := c.run(ctx, term); err != nil {
		return fmt.Errorf("key rewrap: %w", err)
	}
	return nil
}

func (c *keyRewrapCmd) run(ctx context.Context, term terminal) error {
	ring, err := c.of(c.database)
	if err != nil {
		return err
	}
	db, done, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer done()
	books, err := chosenBooks(ctx, db, c.Book)
	if err != nil {
		return err
	}
	if err := useKeys(ctx, db, ring, books...); err != nil {
		return err
	}
	for _, b := range books {
		others := 0
		for _, rewrap := range []func(context.Context, pg.Beginner, *ledger.Book) (int, error){recon.RewrapFiles, platforms.RewrapFiles, giving.RewrapSeeds, residents.Rewrap, polls.Rewrap} {
			n, err := rewrap(ctx, db, b)
			if err != nil {
				return err
			}
			others += n
		}
		n, err := giving.RewrapDonors(ctx, db, b) // last: it forgets keys that seal nothing any more
		if err != nil {
			return err
		}
		fmt.Fprintf(term.out, "Book %s: %d donors, %d files and seeds of match now sealed by key %s\n", b.Code, n, others, ring.Current())
	}
	return nil
}
