package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/term"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/payments"
	"sunfund/ledger/staff"
)

// bookCmd opens books.
type bookCmd struct {
	Create  bookCreateCmd  `cmd:"" help:"Open a new, empty book with a general fund."`
	Rule    bookRuleCmd    `cmd:"" help:"Ask for more approvers from an amount on."`
	Rules   bookRulesCmd   `cmd:"" help:"List the approval rules of a book."`
	RuleEnd bookRuleEndCmd `cmd:"" name:"rule-end" help:"End an approval rule."`
	Secret  bookSecretCmd  `cmd:"" help:"Rotate the secret that signs the sandbox's events."`
	Law     bookLawCmd     `cmd:"" help:"Say under which law a book stands, and tell how its rules stand."`
	Figures bookFiguresCmd `cmd:"" help:"Enter figures of the rules of law from a file: newer ones, or those of a place."`
	SignIn  bookSignInCmd  `cmd:"" name:"sign-in" help:"Set by what its people sign in. What is not given is as the defaults say."`
}

type bookSignInCmd struct {
	database
	Book     string `arg:"" help:"Code of the book."`
	Password string `enum:"alone,with_code,never" default:"with_code" help:"What a password is worth: alone, with_code (time-based or recovery code) or never."`
	Issuer   string `placeholder:"URL" help:"Address of an OpenID Connect issuer; none without it."`
	Client   string `placeholder:"ID" help:"Our client id there. Its secret, if any, is SUNFUND_OIDC_SECRETS of serve."`
	ACR      string `name:"acr" help:"acr value that the issuer must tell before sensitive steps; without it amr must tell of a second factor, unless a password alone is enough."`
}

func (c *bookSignInCmd) Run(ctx context.Context, t terminal) error {
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return fmt.Errorf("set sign-in: %w", err)
	}
	defer done()
	err = pg.InTx(pg.WithBook(ctx, book.ID), db, func(tx pgx.Tx) error {
		return staff.SetSettings(ctx, tx, book.ID, staff.Settings{Password: staff.PasswordRule(c.Password), Issuer: c.Issuer, Client: c.Client, ACR: c.ACR}, uuid.Nil, time.Now())
	})
	if err != nil {
		return fmt.Errorf("set sign-in: %w", err)
	}
	fmt.Fprintf(t.out, "book %s: password %s, issuer %q\n", book.Code, c.Password, c.Issuer)
	return nil
}

type bookCreateCmd struct {
	database
	Code     string `arg:"" help:"Short code: letters, digits, dashes."`
	NameZH   string `required:"" name:"name-zh" help:"Name in Chinese."`
	NameEN   string `required:"" name:"name-en" help:"Name in English."`
	Host     string `help:"Host name that serves it."`
	Currency string `default:"CNY" help:"Currency the books are kept in."`
	TimeZone string `default:"Asia/Shanghai" help:"Time zone of its business days."`
	Sandbox  bool   `help:"Take no real money: gifts are paid at the built-in sandbox."`
}

func (c *bookCreateCmd) Run(ctx context.Context, t terminal) error {
	zone, err := time.LoadLocation(c.TimeZone)
	if err != nil {
		return fmt.Errorf("create book: %w", err)
	}
	db, done, err := c.open(ctx)
	if err != nil {
		return fmt.Errorf("create book: %w", err)
	}
	defer done()
	err = pg.InTx(ctx, db, func(tx pgx.Tx) error {
		book, err := ledger.CreateBook(ctx, tx, ledger.Book{Code: c.Code, Host: c.Host, NameZH: c.NameZH, NameEN: c.NameEN,
			Regime: chart.CN2026, Currency: c.Currency, Zone: zone, Sandbox: c.Sandbox})
		if err != nil {
			return err
		}
		if c.Sandbox {
			if err := payments.AddProcessor(ctx, tx, book, payments.SandboxCode); err != nil {
				return err
			}
		}
		_, err = ledger.CreateFund(ctx, tx, book, ledger.Fund{Code: "G", Kind: ledger.General, NameZH: "日常基金", NameEN: "General fund"})
		return err
	})
	if err != nil {
		return fmt.Errorf("create book: %w", err)
	}
	fmt.Fprintf(t.out, "Book %s is open, with fund G. A running service sees it after its next start.\n", c.Code)
	return nil
}

// userCmd looks after people and keys from the command line, as the first admin needs it.
type userCmd struct {
	Add userAddCmd `cmd:"" help:"Add somebody who may sign in. The password is asked for."`
	Key userKeyCmd `cmd:"" help:"Make an API key. The token is shown once."`
}

type userAddCmd struct {
	database
	Book   string `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	Login  string `arg:"" help:"Name to sign in with."`
	NameZH string `required:"" name:"name-zh" help:"Name in Chinese."`
	NameEN string `required:"" name:"name-en" help:"Name in English."`
	Role   string `required:"" enum:"accountant,approver,street_officer,resident,provider,supervisor,donor,auditor,admin" help:"What they are: accountant, approver, street_officer, resident, provider, supervisor, donor, auditor or admin."`
	Street string `placeholder:"CODE" help:"Street of a street officer, resident or supervisor."`
	Fund   string `placeholder:"CODE" help:"Fund of a supervisor, instead of a street."`
	Email  string `help:"Where they are told of requests."`
}

func (c *userAddCmd) Run(ctx context.Context, t terminal) error {
	if err := c.run(ctx, t); err != nil {
		return fmt.Errorf("add user: %w", err)
	}
	return nil
}

func (c *userAddCmd) run(ctx context.Context, t terminal) error {
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return err
	}
	defer done()
	ctx = pg.WithBook(ctx, book.ID)
	held, err := c.held(ctx, db, book)
	if err != nil {
		return err
	}
	password, err := askPassword(os.Stdin, t.err)
	if err != nil {
		return err
	}
	hasher, err := staff.NewHasher(1)
	if err != nil {
		return err
	}
	hash, err := hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	err = pg.InTx(ctx, db, func(tx pgx.Tx) error {
		now := time.Now()
		p, err := staff.Create(ctx, tx, book.ID, staff.Person{Login: c.Login, NameZH: c.NameZH, NameEN: c.NameEN, Lang: "zh-CN"}, hash, uuid.Nil, now)
		if err != nil {
			return err
		}
		if c.Email != "" {
			if err := staff.SetEmail(ctx, tx, book.ID, p.ID, uuid.Nil, c.Email, now); err != nil {
				return err
			}
		}
		_, err = staff.GrantRole(ctx, tx, book.ID, p.ID, uuid.Nil, held, now)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%s may sign in to book %s as %s\n", c.Login, book.Code, c.Role)
	return nil
}

// held is the role with the street's or fund's number.
func (c *userAddCmd) held(ctx context.Context, q pg.Querier, book *ledger.Book) (staff.Held, error) {
	held := staff.Held{Role: staff.Role(c.Role)}
	if c.Fund != "" {
		fund, err := ledger.FundByCode(ctx, q, book, c.Fund)
		if err != nil {
			return held, err
		}
		held.Fund = &fund.ID
	}
	if c.Street == "" {
		return held, nil
	}
	streets, err := ledger.Streets(ctx, q, book)
	if err != nil {
		return held, err
	}
	for _, s := range streets {
		if s.Code == c.Street {
			held.Street = &s.ID
			return held, nil
		}
	}
	return held, fmt.Errorf("there is no street %q", c.Street)
}

var errNoPassword = errors.New("no password was given")

// askPassword reads a password: without echo at a terminal, else the first line of input.
func askPassword(in *os.File, prompt io.Writer) (string, error) {
	if term.IsTerminal(int(in.Fd())) {
		fmt.Fprint(prompt, "Password: ")
		b, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(prompt)
		return string(b), err
	}
	line, err := bufio.NewReader(in).ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", errors.Join(errNoPassword, err)
	}
	return line, nil
}

type userKeyCmd struct {
	database
	Book  string   `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	Name  string   `arg:"" help:"What the key is for."`
	Scope []string `required:"" help:"What it may do, e.g. gifts:write,balances:read."`
	Days  int      `default:"90" help:"How many days it is valid."`
}

func (c *userKeyCmd) Run(ctx context.Context, t terminal) error {
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	defer done()
	ctx = pg.WithBook(ctx, book.ID)
	scopes := make([]staff.Scope, len(c.Scope))
	for i, s := range c.Scope {
		scopes[i] = staff.Scope(s)
	}
	var token string
	err = pg.InTx(ctx, db, func(tx pgx.Tx) (err error) {
		now := time.Now()
		_, token, err = staff.CreateKey(ctx, tx, book.ID, c.Name, scopes, uuid.Nil, now.AddDate(0, 0, c.Days), now)
		return err
	})
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	fmt.Fprintln(t.out, token)
	return nil
}
