package demo

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"sunfund/ledger"
	"sunfund/ledger/law"
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
