// Command stop stops the cluster that the tests leave running, unless tests are using it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"sunfund/internal/pglocal"
	"sunfund/internal/pgtest"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "stop the tests' PostgreSQL:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	cfg, err := pgtest.Config()
	if err != nil {
		return err
	}
	stopped, err := pglocal.Shutdown(ctx, cfg)
	if err != nil {
		return err
	}
	if stopped {
		fmt.Println("stopped the tests' PostgreSQL")
	} else {
		fmt.Println("the tests' PostgreSQL is not running, or other tests are using it")
	}
	return nil
}
