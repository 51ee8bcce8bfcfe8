package funds

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/google/uuid"
	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/chart"
	"sunfund/ledger/giving"
)

// Why a restriction is over.
const (
	ByTime  = "time"  // the charter's last day has passed
	ByGiver = "giver" // the giver lifted it
)

// Release plans E45 for money that is no longer restricted: it moves to an unrestricted fund of the association, since the class of money follows
// from its fund. A second person approves. ErrNoCharter, ErrNotTransferable, *giving.FieldErrors, giving.ErrStep.
func Release(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, to *ledger.Fund, amount int64, why, ref string, bank chart.ID, day time.Time) (*giving.Move, error) {
	if f.State != Open {
		return nil, giving.ErrStep
	}
	c, err := CharterOf(ctx, q, book, *f.FundID)
	if err != nil {
		return nil, err
	}
	if Kind(c.Terms.Sort) != ledger.Restricted && Kind(c.Terms.Sort) != ledger.Endowment {
		return nil, fmt.Errorf("%w: public and agency money goes back to its payer", ErrNotTransferable)
	}
	var wrong giving.FieldErrors
	wrong.Sum("amount", amount)
	wrong.Text("ref", ref, 1, 100)
	CheckBank(bank, &wrong)
	if to == nil || to.Kind != ledger.General && to.Kind != ledger.Designated {
		wrong.Refuse("to", "fundfile.release.to")
	}
	switch {
	case why == ByTime && (c.Terms.ClosesOn == nil || !day.After(*c.Terms.ClosesOn)):
		wrong.Refuse("why", "fundfile.release.early")
	case why != ByTime && why != ByGiver:
		wrong.Refuse("why", "fundfile.basis.wrong")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	lines, err := f.outOfRestriction(ctx, q, book, to.ID, amount, natureRelease)
	if err != nil {
		return nil, err
	}
	return &giving.Move{Source: "fund", Object: f.Object(), Act: "fund-released", Note: ref, Amount: amount, Kind: ledger.KindRelease, Day: day,
		Lines:  append(lines, at(bank, *f.FundID, to.ID, amount)...),
		Settle: func(ctx context.Context, tx pgx.Tx, _ uuid.UUID) error { return f.becomes(ctx, tx, book, *f) }}, nil
}
