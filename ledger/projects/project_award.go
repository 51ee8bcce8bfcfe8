package projects

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

// Commission plans a project that is approved at once, with the budget of the proposal that was awarded. Where residents decide about the
// fund, decision names what they chose; nil for none. It is entered by who asks for it; a second person approves. *giving.FieldErrors, ErrVote,
// polls.ErrNotWon, giving.ErrStep.
func Commission(ctx context.Context, q pg.Querier, book *ledger.Book, p Project, items []Item, decision *Decision, day time.Time) (*giving.Move, error) {
	kind, _, err := fundOf(ctx, q, book, p.FundID)
	if err == nil && kind == ledger.Agency || errors.Is(err, pgx.ErrNoRows) {
		return nil, giving.ErrStep
	}
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	if p.Purpose, err = purposeOf(ctx, q, book, p.FundID, p.Purpose, &wrong); err != nil || len(wrong.List) > 0 {
		return nil, errors.Join(err, wrong.Err())
	}
	if p.Number, err = number(ctx, q, book, sqlProjectNext); err != nil {
		return nil, err
	}
	p.State, p.Version, p.Budget = Draft, 1, 0
	for _, item := range items {
		p.Budget += item.Amount
	}
	m, err := Approve(ctx, q, book, &p, decision, day)
	if err != nil {
		return nil, err
	}
	approve := m.Settle
	m.Act = "project-awarded"
	m.SettleAs = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID, s giving.Sign) error {
		err := giving.Settled(ctx, tx, sqlProjectInsert, book.ID, p.ID, p.Number, p.Title, p.FundID, p.Community, p.Plan, p.People, p.Homes, p.StartsOn, p.EndsOn, s.By, p.Purpose)
		for _, item := range items {
			if err == nil {
				err = giving.Settled(ctx, tx, sqlItemInsert, book.ID, p.ID, item.Position, item.Label, item.Amount)
			}
		}
		if err != nil {
			return err
		}
		return approve(ctx, tx, entry)
	}
	return m, nil
}
