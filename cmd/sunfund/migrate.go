package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"sunfund/migrations"
)

// migrateCmd runs as the schema's owner, a role that the service never uses.
type migrateCmd struct {
	DatabaseURL string `required:"" env:"MIGRATE_DATABASE_URL,DATABASE_URL" placeholder:"URL" help:"Database as its owner, e.g. postgres://sunfund_owner@localhost/sunfund."`
}

func (c *migrateCmd) Run(ctx context.Context, term terminal) error {
	conn, err := pgx.Connect(ctx, c.DatabaseURL)
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	applied, err := migrations.Apply(ctx, conn)
	for _, name := range applied {
		fmt.Fprintln(term.out, "applied", name)
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	if len(applied) == 0 {
		fmt.Fprintln(term.out, "the schema is up to date")
	}
	return nil
}
