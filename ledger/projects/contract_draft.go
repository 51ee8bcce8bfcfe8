package projects

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

const (
	sourcesMax    = 9
	milestonesMax = 60
)

// DraftContract plans a contract of an approved project as a draft: sources and milestones follow. *giving.FieldErrors, giving.ErrStep.
func DraftContract(ctx context.Context, q pg.Querier, book *ledger.Book, p *Project, payee *Payee, c Contract) (*giving.Move, error) {
	if p.State != Approved {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("code", c.Code, 1, 40)
	wrong.Text("title", c.Title, 1, 100)
	switch {
	case payee.Kind != Organisation:
		wrong.Refuse("payee", "contract.payee.home")
	case payee.Credit == Barred:
		wrong.Refuse("payee", "contract.payee.barred")
	}
	if c.Advance < 0 || c.Advance > ledger.AmountMax {
		wrong.Refuse("advance", "offline.amount.wrong")
	}
	if c.Draws == Specific && c.Advance > 0 {
		wrong.Refuse("advance", "contract.advance.specific")
	}
	if c.KeptBP < 0 || c.KeptBP > 5000 {
		wrong.Refuse("kept", "contract.kept.wrong")
	}
	var taken bool
	if err := q.QueryRow(ctx, sqlContractCode, book.ID, c.Code).Scan(&taken); err != nil {
		return nil, fmt.Errorf("look for contract: %w", err)
	}
	if taken {
		wrong.Refuse("code", "contract.code.taken")
	}
	var err error
	if c.Number, err = number(ctx, q, book, sqlContractNext); err != nil {
		return nil, err
	}
	return &giving.Move{Source: "contract", Object: c.Object(), Act: "contract-drafted", Note: c.Code + " " + c.Title, Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlContractInsert, book.ID, c.ID, c.Number, c.Code, p.ID, payee.ID, c.Title, c.Kind, c.Draws, c.Advance, c.KeptBP, c.EndsOn, c.EnteredBy)
	}}, wrong.Err()
}

// AddSource plans that somebody's money pays part of a draft; the contract's amount grows by it. *giving.FieldErrors, giving.ErrStep.
func AddSource(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, s Source) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	if c.State != Draft || len(w.sources) >= sourcesMax {
		return nil, giving.ErrStep
	}
	s.Position = 1
	if n := len(w.sources); n > 0 {
		s.Position = w.sources[n-1].Position + 1
	}
	var wrong giving.FieldErrors
	wrong.Text("payer", s.Payer, 1, 100)
	wrong.Text("party", s.Party, 0, 40)
	wrong.Sum("amount", s.Amount)
	if s.Position > sourcesMax {
		return nil, giving.ErrStep
	}
	kind, _, err := fundOf(ctx, q, book, s.FundID)
	switch {
	case errors.Is(err, pgx.ErrNoRows), err == nil && (kind == ledger.Agency) != (s.Treatment == AsAgency):
		wrong.Refuse("fund", "contract.fund.agency")
	case err != nil:
		return nil, err
	case kind == ledger.Endowment:
		wrong.Refuse("fund", "contract.fund.endowment")
	}
	to := *c
	to.Amount += max(s.Amount, 0)
	m := also(c.move(book, "contract-source", s.Payer, to, nil), func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlSourceInsert, book.ID, c.ID, s.Position, s.FundID, s.Treatment, s.Payer, s.Party, s.Amount)
	})
	m.Amount = s.Amount
	return m, wrong.Err()
}

// DropSource plans that a source leaves a draft. giving.ErrStep.
func DropSource(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, position int16) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	for _, s := range w.sources {
		if s.Position != position || c.State != Draft {
			continue
		}
		to := *c
		to.Amount -= s.Amount
		m := also(c.move(book, "contract-source-off", s.Payer, to, nil), func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
			return giving.Settled(ctx, tx, sqlSourceDrop, book.ID, c.ID, position)
		})
		m.Amount = s.Amount
		return m, nil
	}
	return nil, giving.ErrStep
}

// AddMilestone plans one more stage of a draft. *giving.FieldErrors, giving.ErrStep.
func AddMilestone(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, stage Milestone) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	stage.Position = 1
	if n := len(w.stages); n > 0 {
		stage.Position = w.stages[n-1].Position + 1
	}
	if c.State != Draft || stage.Position > milestonesMax {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("title", stage.Title, 1, 100)
	wrong.Sum("amount", stage.Amount)
	if (c.Draws == Specific) != (stage.Source != nil) || stage.Source != nil && w.source(*stage.Source) < 0 {
		wrong.Refuse("source", "contract.stage.source")
	}
	m := also(c.move(book, "contract-stage", stage.Title, *c, nil), func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
		return giving.Settled(ctx, tx, sqlMilestoneInsert, book.ID, c.ID, stage.Position, stage.Title, stage.DueOn, stage.Amount, stage.Source)
	})
	m.Amount = stage.Amount
	return m, wrong.Err()
}

// DropMilestone plans that a stage leaves a draft. giving.ErrStep.
func DropMilestone(ctx context.Context, q pg.Querier, book *ledger.Book, c *Contract, position int16) (*giving.Move, error) {
	w, err := c.whole(ctx, q, book)
	if err != nil {
		return nil, err
	}
	for _, stage := range w.stages {
		if stage.Position == position && c.State == Draft {
			m := also(c.move(book, "contract-stage-off", stage.Title, *c, nil), func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error {
				return giving.Settled(ctx, tx, sqlMilestoneDrop, book.ID, c.ID, position)
			})
			m.Amount = stage.Amount
			return m, nil
		}
	}
	return nil, giving.ErrStep
}

// VoidContract plans that a draft is put aside. *giving.FieldErrors, giving.ErrStep.
func VoidContract(book *ledger.Book, c *Contract, reason string) (*giving.Move, error) {
	if c.State != Draft {
		return nil, giving.ErrStep
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	to := *c
	to.State = Void
	return c.move(book, "contract-void", reason, to, nil), wrong.Err()
}

// source is the place of a source in the list, or -1.
func (w *whole) source(position int16) int {
	for i := range w.sources {
		if w.sources[i].Position == position {
			return i
		}
	}
	return -1
}
