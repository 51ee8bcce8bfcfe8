package jobs

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger/money"
	"sunfund/ledger/reports"
)

// ErrOutside means that hledger adds the exported book up to other balances than ours.
var ErrOutside = errors.New("hledger has other balances")

// crossCheck exports the book, has hledger add it up and compares every account. Where hledger is not installed, the run counts a skip.
func crossCheck(ctx context.Context, t *Turn) error {
	program, err := exec.LookPath("hledger")
	if err != nil {
		_, err := t.Tx(ctx, "skipped", func(pgx.Tx) (int, error) { return 1, nil })
		return err
	}
	dir, err := os.MkdirTemp("", "sunfund-hledger-")
	if err != nil {
		return fmt.Errorf("place for the export: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "book.journal")
	ours, err := t.export(ctx, file)
	if err != nil {
		return err
	}
	theirs, err := askHledger(ctx, program, file)
	if err != nil {
		return err
	}
	if _, err := t.Tx(ctx, "compared", func(pgx.Tx) (int, error) { return len(ours), nil }); err != nil {
		return err
	}
	return differences(ours, theirs)
}

// export writes the book for hledger and gives its balances at the same moment.
func (t *Turn) export(ctx context.Context, file string) (balances map[string]money.Money, err error) {
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write the export: %w", err)
	}
	defer out.Close()
	err = t.moment(ctx, func(tx pgx.Tx) error {
		if err := reports.WriteHledger(ctx, tx, t.Book, out, reports.Options{Lang: "en"}); err != nil {
			return err
		}
		balances, err = reports.PlainBalances(ctx, tx, t.Book)
		return err
	})
	if err == nil {
		err = out.Close()
	}
	return balances, err
}

// askHledger gives the balance that hledger finds for each account, as text with its currency; "0" has none.
func askHledger(ctx context.Context, program, file string) (map[string]string, error) {
	cmd := exec.CommandContext(ctx, program, "-f", file, "balance", "--flat", "-N", "-E", "-O", "csv")
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	var out, complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("ask hledger: %w: %.300s", err, complaint.String())
	}
	r := csv.NewReader(&out)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read hledger's answer: %w", err)
	}
	balances := map[string]string{}
	for i, row := range rows {
		if i > 0 && len(row) == 2 {
			balances[row[0]] = row[1]
		}
	}
	return balances, nil
}

// differences names up to five accounts on which the two disagree.
func differences(ours map[string]money.Money, theirs map[string]string) error {
	var wrong []string
	n := 0
	note := func(text string) {
		if n++; n <= 5 {
			wrong = append(wrong, text)
		}
	}
	for name, m := range ours {
		text, there := theirs[name]
		number, ccy, _ := strings.Cut(text, " ")
		theirsMinor, err := int64(0), error(nil)
		if there && number != "0" {
			theirsMinor, err = money.Parse(number, m.Currency)
		}
		if err != nil || theirsMinor != m.Minor || ccy != "" && ccy != m.Currency {
			note(fmt.Sprintf("%s: ours %s %s, theirs %q", name, money.Format(m.Minor, m.Currency), m.Currency, text))
		}
	}
	for name := range theirs {
		if _, ok := ours[name]; !ok {
			note(name + ": not ours")
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d accounts: %s", ErrOutside, n, strings.Join(wrong, "; "))
}
