package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/disclosure"
	"sunfund/ledger/law"
	"sunfund/ledger/projects/trace"
	"sunfund/ledger/staff"
)

// lawful says under which law the demo's association stands, and that its campaigns were filed twenty days before they opened.
func (l *loader) lawful(ctx context.Context, tx pgx.Tx) error {
	if err := law.SetProfile(ctx, tx, l.book, law.Profile{From: ledger.Day(2020, time.January, 1), Jurisdiction: "CN", Form: law.Association, Public: true}, l.now); err != nil {
		return err
	}
	enters, err := staff.ByLogin(ctx, tx, l.book.ID, People[0].Login)
	if err != nil {
		return err
	}
	for slug, c := range l.camps {
		if c.FilingNo == "" {
			continue
		}
		day, until := l.book.Day(c.OpensAt.AddDate(0, 0, -20)), l.book.Day(c.ClosesAt)
		err := law.Enter(ctx, tx, l.book, law.Fact{ID: key("filed %s", slug), Rule: "R06", Item: "filed", Object: law.Campaign(c.ID), Day: &day, Until: &until, Words: c.FilingNo, EnteredBy: enters.ID, EnteredAt: l.now})
		if err != nil {
			return err
		}
	}
	return nil
}

// phases say as what a deadline's draft is published.
var phases = map[string]string{"progress": disclosure.Progress, "final": disclosure.Last, "year": disclosure.Last}

// disclosed publishes, three days before each was due, what had to be public by a moment: a campaign that runs long comes again every three months.
func (l *loader) disclosed(ctx context.Context, until time.Time) error {
	if err := trace.CatchUp(ctx, l.db, l.book, 0); err != nil { // what campaigns of one fund spent is told as money is followed
		return err
	}
	for {
		dues, err := law.Deadlines(ctx, l.db, l.book, l.book.Day(until))
		if err != nil {
			return err
		}
		published := 0
		for _, due := range dues {
			if due.Left(l.book.Day(until)) >= 0 {
				continue
			}
			at := due.Due.AddDate(0, 0, -3).Add(2 * time.Hour)
			err := pg.InTx(ctx, l.db, func(tx pgx.Tx) error {
				draft, err := disclosure.Make(ctx, tx, l.book, due.Object, at)
				if err != nil {
					return err
				}
				_, err = disclosure.Publish(ctx, tx, l.book, draft, disclosure.Version{Entry: key("disclosure %s", due.Object), Phase: phases[due.Phase], MadeBy: l.persons["wang"], Second: l.persons["li"],
					PublishedAt: at, PublishedOn: l.book.Day(at)})
				return err
			})
			if err != nil {
				return fmt.Errorf("publish %s: %w", due.Key, err)
			}
			published++
		}
		if published == 0 {
			return nil
		}
	}
}
