package recon

import (
	"context"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/receipts"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/payments"
	"sunfund/ledger/payments/platforms"
	"sunfund/ledger/projects"
	"sunfund/ledger/projects/calls"
	"sunfund/ledger/projects/polls"
	"sunfund/ledger/projects/trace"
)

// Verify is every comparison of `sunfund verify` on one book: each room's. Run it in one repeatable read transaction in the book.
func Verify(ctx context.Context, q pg.Querier, book *ledger.Book) (all []ledger.Check, err error) {
	for _, verify := range []func(context.Context, pg.Querier, *ledger.Book) ([]ledger.Check, error){
		ledger.Verify, giving.Verify, payments.VerifyBook, platforms.Verify, receipts.Verify, subsidies.Verify, polls.Verify, projects.Verify, calls.Verify, trace.Verify, verifyMatches,
	} {
		checks, err := verify(ctx, q, book)
		if err != nil {
			return nil, err
		}
		all = append(all, checks...)
	}
	return all, nil
}

func verifyByCode(ctx context.Context, q pg.Querier, book *ledger.Book) (map[string]ledger.Check, error) {
	checks, err := Verify(ctx, q, book)
	if err != nil {
		return nil, err
	}
	byCode := map[string]ledger.Check{}
	for _, c := range checks {
		byCode[c.Code] = c
	}
	return byCode, nil
}
