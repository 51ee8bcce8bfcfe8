package platforms

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"sunfund/internal/pg"
	"sunfund/ledger"
	"sunfund/ledger/giving"
)

const (
	// standing leaves out settlements that were taken back.
	standing = ` and not exists (select from platform_undo u where u.book_id = s.book_id and u.settlement_id = s.id)`

	sqlStanding = `
select s.campaign_id, s.fund_id, s.kind, s.day, s.gifts, s.match, s.gift_id,
       coalesce(g.amount - coalesce((select sum(r.amount) from ` + giving.StandingRefund + ` r where r.book_id = $1 and r.gift_id = g.id), 0), 0)::int8
  from platform_settlement s
  left join gift g on g.book_id = $1 and g.id = s.gift_id
 where s.book_id = $1 and s.file_id = $2 and s.id = $3` + standing + `
 order by s.campaign_id`

	sqlUndoInsert = `insert into platform_undo (book_id, settlement_id, entry_id, day, reason) values ($1, $2, $3, $4, $5)`
)

// settledPart is a campaign's part of a settlement that stands.
type settledPart struct {
	Open
	kind string
	day  time.Time
	gift *uuid.UUID // of the match that it paid
	left int64      // of that gift
}

// Undo plans that a settlement which was typed wrong is taken back: its entry is reversed, match that it brought is given back, and
// what the platform owes is open again. Both stay in sight. A second person approves. *giving.FieldErrors, giving.ErrStep.
func Undo(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, settlement uuid.UUID, day time.Time, reason string) (*giving.Move, error) {
	if f.State != FileBooked {
		return nil, giving.ErrStep
	}
	parts, err := standingParts(ctx, q, book, f, settlement)
	if err != nil {
		return nil, err
	}
	earned, err := earnedOf(ctx, q, book, f)
	if err != nil {
		return nil, err
	}
	held, err := HeldOf(ctx, q, book, f)
	if err != nil {
		return nil, err
	}
	free := map[int32]int64{}
	for _, h := range held {
		free[h.Campaign] = h.Free()
	}
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	m := &giving.Move{Object: f.Object(), Act: "platform-undone", Note: reason, Reason: reason, Kind: ledger.KindCorrection, Day: day, Reverse: settlement}
	var back []giving.Refunded
	for _, p := range parts {
		m.Amount += p.Gifts + p.Match
		if day.Before(p.day) {
			wrong.Refuse("day", "platform.undo.before")
		}
		if p.kind == "paid" && p.Match > free[p.Campaign] || p.gift != nil && p.left < p.Match {
			wrong.Refuse("settlement", "platform.undo.used")
		}
		if _, still := earned[p.Campaign]; p.gift == nil || still {
			continue
		}
		back = append(back, giving.Refunded{GiftID: *p.gift, Amount: p.Match, RefundedAt: noon(book, day), Channel: giving.Bank,
			Ref: fmt.Sprintf("%s/undone/%d", settlement, p.Campaign), Asset: giftBank(p.Fund)})
	}
	if len(parts) == 0 {
		wrong.Refuse("settlement", "platform.undo.gone")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	original, err := ledger.ReadEntry(ctx, q, book, settlement)
	if err != nil {
		return nil, err
	}
	m.Lines = ledger.Mirror(original)
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		if err := f.lock(ctx, tx, book); err != nil {
			return err
		}
		if err := bookRefunds(ctx, tx, book, back); err != nil {
			return err
		}
		if err := earnAgain(ctx, tx, book, earned, parts, settlement, day, reason); err != nil {
			return err
		}
		if err := giving.Settled(ctx, tx, sqlUndoInsert, book.ID, settlement, entry, day, reason); err != nil {
			return err
		}
		return f.heldStill(ctx, tx, book)
	}
	return m, nil
}

func standingParts(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, settlement uuid.UUID) ([]settledPart, error) {
	rows, err := q.Query(ctx, sqlStanding, book.ID, f.ID, settlement)
	if err != nil {
		return nil, fmt.Errorf("read settlement: %w", err)
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (p settledPart, err error) {
		err = row.Scan(&p.Campaign, &p.Fund, &p.kind, &p.day, &p.Gifts, &p.Match, &p.gift, &p.left)
		return p, err
	})
}

// earnAgain makes match income again that was said to be unpaid, and was not.
func earnAgain(ctx context.Context, tx pgx.Tx, book *ledger.Book, earned map[int32]uuid.UUID, parts []settledPart, settlement uuid.UUID, day time.Time, reason string) error {
	for _, p := range parts {
		if _, ok := earned[p.Campaign]; !ok || p.kind != "disallowed" {
			continue
		}
		_, err := giving.FailRefund(ctx, tx, book, giving.RefundFailure{Channel: giving.Bank, Ref: unearnRef(settlement, p.Campaign), At: noon(book, day), On: day,
			Reason: reason, By: "sunfund"})
		if err != nil {
			return err
		}
	}
	return nil
}
