package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// bookSecretCmd changes the secret that signs events of a processor that is ours. Stripe's secrets are settings of serve.
type bookSecretCmd struct {
	database
	Do        string `arg:"" enum:"rotate,forget" help:"rotate makes a new secret, the one before stays good; forget ends the one before."`
	Book      string `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	Processor string `default:"sandbox" help:"Which processor."`
}

func (c *bookSecretCmd) Run(ctx context.Context, t terminal) error {
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return fmt.Errorf("%s secret: %w", c.Do, err)
	}
	defer done()
	change, said := payments.RotateSecret, "a new secret signs from now on; the one before is good until `sunfund book secret forget`"
	if c.Do == "forget" {
		change, said = payments.ForgetSecret, "only the newest secret is good"
	}
	err = pg.InTx(pg.WithBook(ctx, book.ID), db, func(tx pgx.Tx) error {
		if err := change(ctx, tx, book, c.Processor); err != nil {
			return err
		}
		return staff.Record(ctx, tx, book.ID, staff.Event{At: time.Now(), Who: uuid.Nil, What: "secret." + c.Do, Object: "processor:" + c.Processor})
	})
	if err != nil {
		return fmt.Errorf("%s secret: %w", c.Do, err)
	}
	fmt.Fprintf(t.out, "%s: %s\n", c.Processor, said)
	return nil
}
