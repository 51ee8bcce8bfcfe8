// Command sunfund is the whole program: the service, its demo and the tools around its book.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// cli lists the commands; each is described in the file of its name.
type cli struct {
	Serve   serveCmd   `cmd:"" help:"Serve the pages and the API on a database that is there."`
	Demo    demoCmd    `cmd:"" help:"Serve the demo association on a private PostgreSQL, with nothing to set up."`
	Book    bookCmd    `cmd:"" help:"Open books."`
	User    userCmd    `cmd:"" help:"Add people and API keys."`
	Key     keyCmd     `cmd:"" help:"Make and change the keys for donors' personal data."`
	Import  importCmd  `cmd:"" help:"Bring files onto the books."`
	Verify  verifyCmds `cmd:"" help:"Recompute every figure of the books, or a published match, and compare; exit 1 on any difference."`
	Check   checkCmd   `cmd:"" help:"Run the named checks E1 to E7 and C01 to C24 and print the rows that break them; exit 1 if one is red."`
	Bundle  bundleCmd  `cmd:"" help:"Write the auditor's bundle of a book: all of it as files that anybody can check; makers are told by id, donors are not named."`
	Export  exportCmd  `cmd:"" help:"Write a book as plain text for hledger or beancount, or what is published of a match event."`
	Migrate migrateCmd `cmd:"" help:"Bring a database up to this program's schema."`
	Bench   benchCmd   `cmd:"" help:"Measure how fast the book takes gifts on this machine, beside what it can do at best."`
	Health  healthCmd  `cmd:"" help:"Ask a running service whether it is well; exit 1 if not."`
	Version versionCmd `cmd:"" help:"Print the version of the program and of its schema."`
}

// terminal is where a command writes: answers to out, progress and complaints to err.
type terminal struct{ out, err io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for an orderly end; a second one is no longer caught and ends at once.
	context.AfterFunc(ctx, stop)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(exitCode(err, os.Stderr))
}

func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "sunfund:", err)
	var usage *kong.ParseError
	if errors.As(err, &usage) {
		return 2
	}
	return 1
}

// run carries out one command line.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var c cli
	helped := false
	parser, err := kong.New(&c,
		kong.Name("sunfund"),
		kong.Description("Sunfund keeps a charity's books so that everybody can see them. Every setting is a flag; most can be set in the environment too."),
		kong.Writers(stdout, stderr),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		// --help ends the command line, not the process: tests run in it.
		kong.Exit(func(int) { helped = true }),
	)
	if err != nil {
		return fmt.Errorf("read command line: %w", err)
	}
	command, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return err
	}
	command.BindTo(ctx, (*context.Context)(nil))
	return command.Run(terminal{out: stdout, err: stderr})
}
