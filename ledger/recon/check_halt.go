package recon

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/money"
)

// stopping checks stop what pays out of the book while they are red: E5 and E6 (B14).
var stopping = map[string]bool{"E5": true, "E6": true}

// trip stops the book's payments for each row of a stopping check, and ends the stops whose rows are gone. Nobody ends one by their word.
func trip(ctx context.Context, tx pgx.Tx, book *ledger.Book, all []found, now time.Time) error {
	for _, f := range all {
		if !stopping[strings.TrimSuffix(f.code, night)] { // what is looked at by night alone stops and goes on by itself
			continue
		}
		var still []string
		for _, b := range f.breaks {
			key := f.code + ":" + b.Say + ":" + b.Object
			still = append(still, key)
			var amount int64
			words := []string{b.Name}
			for i, sum := range b.Sums {
				words = append(words, money.Format(sum, book.Currency))
				if amount = sum; i == 1 {
					amount = b.Sums[0] - sum
				}
			}
			if _, err := Halt(ctx, tx, book, key, strings.Join(words, " "), amount, now); err != nil {
				return fmt.Errorf("check %s: %w", f.code, err)
			}
		}
		if err := Resume(ctx, tx, book, f.code+":", still, now); err != nil {
			return fmt.Errorf("check %s: %w", f.code, err)
		}
	}
	return nil
}

// Equations runs what follows every reconciliation, E5 to E7, and keeps what it found (see RunChecks).
func Equations(ctx context.Context, tx pgx.Tx, book *ledger.Book, now time.Time) error {
	var all []found
	for _, code := range []string{"E5", "E6", "E7"} {
		c := CheckByCode(code)
		f, err := c.run(ctx, tx, book, book.Day(now), c.rows)
		if err != nil {
			return err
		}
		all = append(all, f)
	}
	return keep(ctx, tx, book, all, now)
}
