package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"

	"sunfund/internal/pg"
	"sunfund/internal/pglocal"
)

var errNoDatabase = errors.New("which database? Set DATABASE_URL, or start `sunfund demo` once and run this in the same folder")

// database says where a tool finds its books: on the server of DATABASE_URL, or in the demo's folder.
type database struct {
	DatabaseURL string `env:"DATABASE_URL" placeholder:"URL" help:"Database as the service's role; the demo's own when missing."`
	DemoDir     string `env:"SUNFUND_DEMO_DIR" default:".local/demo" placeholder:"DIR" help:"Folder of the demo's PostgreSQL."`
}

// open connects; close also stops the demo's server when we started it.
func (d database) open(ctx context.Context, opts ...pg.Option) (db *pgxpool.Pool, close func(), err error) {
	url, stop := d.DatabaseURL, func() {}
	if url == "" {
		if _, err := os.Stat(d.DemoDir); err != nil {
			return nil, nil, errNoDatabase
		}
		server, err := pglocal.Start(ctx, pglocal.Config{Dir: d.DemoDir, Settings: demoSettings})
		if err != nil {
			return nil, nil, err
		}
		url = server.DSN(demoDatabase, pglocal.Service)
		stop = func() {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
			defer cancel()
			if err := server.Stop(ctx); err != nil {
				fmt.Fprintln(os.Stderr, "sunfund:", err)
			}
		}
	}
	if db, err = pg.Open(ctx, url, opts...); err != nil {
		stop()
		return nil, nil, err
	}
	return db, func() { db.Close(); stop() }, nil
}
