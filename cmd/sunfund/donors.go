package main

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
	"sunfund/ledger/giving/plans"
	"sunfund/ledger/payments"
)

const donorsEvery = 5 * time.Second

// wakeDonors has the donors' desk look at once; a look that is due already does for both.
func (s *service) wakeDonors() {
	select {
	case s.asked <- struct{}{}:
	default:
	}
}

// serveDonors answers what donors ask for on their pages. Several processes may: each takes what no other holds.
func (s *service) serveDonors(ctx context.Context) error {
	tick := time.NewTicker(donorsEvery)
	defer tick.Stop()
	for {
		for _, b := range s.books {
			if err := s.donorsOf(pg.WithBook(ctx, b.ID), b); err != nil {
				s.log.Error("donors not served", "book", b.Code, "error", err)
			}
		}
		select { // have letters sent now
		case s.posted <- struct{}{}:
		default:
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-s.asked:
		}
	}
}

func (s *service) donorsOf(ctx context.Context, book *ledger.Book) error {
	if book.Keys == nil {
		return nil // nobody could ask
	}
	for n := 1; n > 0; {
		err := pg.InTx(ctx, s.db, func(tx pgx.Tx) (err error) {
			n, err = giving.AnswerSignIns(ctx, tx, book, time.Now())
			return err
		})
		if err != nil {
			return err
		}
	}
	for n := 1; n > 0; {
		err := pg.InTx(ctx, s.db, func(tx pgx.Tx) (err error) {
			n, err = plans.Step(ctx, tx, book, time.Now())
			return err
		})
		if err != nil {
			return err
		}
	}
	for n := 1; n > 0; {
		err := pg.InTx(ctx, s.db, func(tx pgx.Tx) (err error) {
			n, err = giving.RemindPledges(ctx, tx, book, time.Now())
			return err
		})
		if err != nil {
			return err
		}
	}
	var charged int
	err := pg.InTx(ctx, s.db, func(tx pgx.Tx) (err error) {
		charged, err = payments.ChargeSandboxPlans(ctx, tx, book, time.Now())
		return err
	})
	if charged > 0 {
		s.senders[book.ID].Wake()
	}
	return err
}
