package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger/money"
	"sunfund/ledger/staff"
)

// bookRuleCmd adds a rule for approvals.
type bookRuleCmd struct {
	database
	Book      string        `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	Kind      string        `arg:"" enum:"voucher,reversal,refund,transfer,role,reopening,campaign,rule,sign_in,reset" help:"Kind of request: voucher, reversal, refund, transfer, role, reopening, campaign, rule, sign_in or reset."`
	From      string        `default:"0" placeholder:"AMOUNT" help:"Amount from which it holds, in the book's currency."`
	Window    time.Duration `help:"Look at the sum of the same maker or payee within this time, e.g. 72h, instead of each request by itself."`
	Approvers int           `default:"2" help:"How many must approve, 1 to 5."`
	Role      string        `default:"approver" enum:"approver,admin" help:"Role that each of them holds; admin for kinds role, rule, sign_in and reset."`
}

func (c *bookRuleCmd) Run(ctx context.Context, t terminal) error {
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return fmt.Errorf("add rule: %w", err)
	}
	defer done()
	from, err := money.Parse(c.From, book.Currency)
	if err != nil {
		return fmt.Errorf("add rule: %w", err)
	}
	err = pg.InTx(pg.WithBook(ctx, book.ID), db, func(tx pgx.Tx) error {
		_, err := staff.AddRule(ctx, tx, book.ID, staff.Rule{Kind: staff.Kind(c.Kind), From: from, Window: c.Window, Approvers: c.Approvers,
			Role: staff.Role(c.Role)}, uuid.Nil, time.Now())
		return err
	})
	if err != nil {
		return fmt.Errorf("add rule: %w", err)
	}
	fmt.Fprintf(t.out, "%s from %s on needs %d approvers\n", c.Kind, money.Format(from, book.Currency), c.Approvers)
	return nil
}

// bookRulesCmd lists the rules that hold.
type bookRulesCmd struct {
	database
	Book string `placeholder:"CODE" help:"Which book; not needed when there is only one."`
}

func (c *bookRulesCmd) Run(ctx context.Context, t terminal) error {
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return fmt.Errorf("list rules: %w", err)
	}
	defer done()
	rules, err := staff.Rules(pg.WithBook(ctx, book.ID), db, book.ID, "")
	if err != nil {
		return fmt.Errorf("list rules: %w", err)
	}
	for _, r := range rules {
		fmt.Fprintf(t.out, "%s  %s from %s, window %s, %d × %s\n", r.ID, r.Kind, money.Format(r.From, book.Currency), r.Window, r.Approvers, r.Role)
	}
	if len(rules) == 0 {
		fmt.Fprintln(t.out, "no rules: one person approves each request")
	}
	return nil
}

// bookRuleEndCmd ends a rule without a second admin, for who has the database.
type bookRuleEndCmd struct {
	database
	Book   string    `placeholder:"CODE" help:"Which book; not needed when there is only one."`
	Rule   uuid.UUID `arg:"" help:"Id of the rule, as book rules lists it."`
	Reason string    `required:"" help:"Why; it stands in the audit trail."`
}

func (c *bookRuleEndCmd) Run(ctx context.Context, t terminal) error {
	db, book, done, err := c.openBook(ctx, c.Book)
	if err != nil {
		return fmt.Errorf("end rule: %w", err)
	}
	defer done()
	err = pg.InTx(pg.WithBook(ctx, book.ID), db, func(tx pgx.Tx) error {
		return staff.EndRule(ctx, tx, book.ID, c.Rule, uuid.Nil, c.Reason, time.Now())
	})
	if err != nil {
		return fmt.Errorf("end rule: %w", err)
	}
	fmt.Fprintf(t.out, "rule %s has ended\n", c.Rule)
	return nil
}
