package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/reports"
)

// bundleCmd writes the auditor's bundle of a book.
type bundleCmd struct {
	database
	Book   string `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	Output string `short:"o" required:"" placeholder:"FILE" help:"Where to write the zip file. It appears when it is complete."`
}

func (c *bundleCmd) Run(ctx context.Context, term terminal) error {
	tell := func(p reports.BundleProgress) {
		if p.Done == 0 {
			fmt.Fprintf(term.err, "%s\n", p.File)
			return
		}
		fmt.Fprintf(term.err, "%s: %d / %d\n", p.File, p.Done, p.Entries)
	}
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
		return writeFile(c.Output, func(w io.Writer) error {
			_, _, err := reports.WriteBundle(ctx, tx, books[0], w, tell)
			return err
		})
	})
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	check, err := verifyBundle(c.Output)
	if err != nil {
		return fmt.Errorf("bundle: %w", err)
	}
	for _, d := range check.Differs {
		fmt.Fprintf(term.err, "  %s\n", d.Text("en"))
	}
	if check.All > 0 {
		return fmt.Errorf("bundle: %w", errDiffers)
	}
	fmt.Fprintf(term.out, "%s: %d entries, %d postings through %s\nSHA256SUMS %s\n", c.Output, check.Info.Entries, check.Info.Position, check.Info.Through, check.Root)
	return nil
}

func verifyBundle(path string) (*reports.BundleCheck, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return reports.VerifyBundle(f, info.Size())
}

// bundleTexts are what a check of a bundle says.
var bundleTexts = map[string]struct{ book, sum, root, more, other, paper, papers string }{
	"en": {"Bundle of book %s: %s, %d entries, %d postings through %s\n", "  %d files, %d lines compared, %d differ\n", "  hash of SHA256SUMS, to be compared with what the association told: %s\n", "  and %d more\n",
		"  SHA256SUMS is not the one that was told: it has the hash %s\n", "  %s: no such paper in papers.csv: it was swapped or changed\n", "  %d papers found in papers.csv\n"},
	"zh-CN": {"账套 %s 的审计包：%s，%d 张凭证，%d 行分录，记到 %s\n", "  %d 个文件，核对 %d 行，不符 %d 项\n", "  SHA256SUMS 的哈希（与慈善会告知的比较）：%s\n", "  另有 %d 项\n",
		"  SHA256SUMS 与告知的不同：它的哈希是 %s\n", "  %s：papers.csv 里没有这个文件，它被换过或改过\n", "  %d 个附件在 papers.csv 里\n"},
}

// bundleCheck says what a bundle is held to besides itself: the hash that was told of its SHA256SUMS, and a folder of papers.
type bundleCheck struct{ path, root, papers string }

// verifyOf checks a bundle and prints what was found; it needs no database.
func verifyOf(w io.Writer, asked bundleCheck, lang string) error {
	c, err := verifyBundle(asked.path)
	if err != nil {
		return err
	}
	text := bundleTexts[lang]
	name := c.Info.NameZH
	if lang == "en" {
		name = c.Info.NameEN
	}
	fmt.Fprintf(w, text.book, c.Info.Book, name, c.Info.Entries, c.Info.Position, c.Info.Through)
	for _, d := range c.Differs {
		fmt.Fprintf(w, "  %s\n", d.Text(lang))
	}
	if rest := c.All - len(c.Differs); rest > 0 {
		fmt.Fprintf(w, text.more, rest)
	}
	if asked.root != "" && !strings.EqualFold(asked.root, c.Root) {
		c.All++
		fmt.Fprintf(w, text.other, c.Root)
	}
	if asked.papers != "" {
		strange, known, err := strangePapers(asked.papers, c.Papers)
		if err != nil {
			return err
		}
		for _, path := range strange {
			c.All++
			fmt.Fprintf(w, text.paper, path)
		}
		fmt.Fprintf(w, text.papers, known)
	}
	fmt.Fprintf(w, text.sum, c.Files, c.Compared, c.All)
	fmt.Fprintf(w, text.root, c.Root)
	if c.All > 0 {
		return errDiffers
	}
	return nil
}

// strangePapers hashes every file of a folder and gives those that are not among the papers.
func strangePapers(folder string, papers map[string]bool) (strange []string, known int, err error) {
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		sum := sha256.New()
		if _, err := io.Copy(sum, f); err != nil {
			return err
		}
		if papers[hex.EncodeToString(sum.Sum(nil))] {
			known++
		} else {
			strange = append(strange, path)
		}
		return nil
	})
	return strange, known, err
}
