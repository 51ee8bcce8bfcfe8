package main

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving/subsidies"
	"sunfund/ledger/projects/polls"
)

const streetsEvery = 10 * time.Second

// serveStreets counts gifts for the letters of streets as they come, tells both sides before a letter lapses, and ends it when its fiscal
// year is over. It closes votes whose time is over. Pages do not wait for it: they count on the way. Several processes may.
func (s *service) serveStreets(ctx context.Context) error {
	tick := time.NewTicker(streetsEvery)
	defer tick.Stop()
	for {
		for _, b := range s.books {
			if err := s.streetsOf(pg.WithBook(ctx, b.ID), b); err != nil {
				s.log.Error("letters of streets not served", "book", b.Code, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *service) streetsOf(ctx context.Context, book *ledger.Book) error {
	now := time.Now()
	if err := s.closeVotes(ctx, book, now); err != nil {
		return err
	}
	waiting, err := subsidies.Counting(ctx, s.db, book)
	if err != nil {
		return err
	}
	each := func(ids []uuid.UUID, do func(tx pgx.Tx, l *subsidies.Letter) error) error {
		for _, id := range ids {
			err := pg.InTx(ctx, s.db, func(tx pgx.Tx) error {
				l, err := subsidies.ByID(ctx, tx, book, id)
				if err != nil {
					return err
				}
				return do(tx, l)
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	err = each(waiting, func(tx pgx.Tx, l *subsidies.Letter) error {
		_, err := subsidies.Count(ctx, tx, book, l, now)
		return err
	})
	if err != nil {
		return err
	}
	ending, err := subsidies.Lapsing(ctx, s.db, book, book.Day(now))
	if err != nil {
		return err
	}
	return each(ending, func(tx pgx.Tx, l *subsidies.Letter) error {
		if err := s.pages.NoticeLetter(ctx, tx, book, l, now); err != nil {
			return err
		}
		if l, err = subsidies.ByID(ctx, tx, book, l.ID); err != nil {
			return err
		}
		_, err := subsidies.End(ctx, tx, book, l, now)
		return err
	})
}

// closeVotes takes the names off the ballots of votes whose time is over.
func (s *service) closeVotes(ctx context.Context, book *ledger.Book, now time.Time) error {
	ended, err := polls.Ended(ctx, s.db, book, now)
	if err != nil {
		return err
	}
	for _, id := range ended {
		err := pg.InTx(ctx, s.db, func(tx pgx.Tx) error {
			p, err := polls.ByID(ctx, tx, book, id)
			if err != nil {
				return err
			}
			return polls.Close(ctx, tx, book, p, now)
		})
		if err != nil && !errors.Is(err, polls.ErrNotOpen) { // another process was first
			return err
		}
	}
	return nil
}
