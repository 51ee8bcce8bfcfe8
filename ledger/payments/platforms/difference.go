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
	"sunfund/ledger/money"
)

// Difference is why a part of what a platform owes will not come.
type Difference struct {
	Day    time.Time
	Amount int64
	Reason string
}

// KeptFee plans a fee that the platform kept beside those of its list: a cost of who bears fees of the fund (E03). A second
// person approves. *giving.FieldErrors, giving.ErrStep.
func KeptFee(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, d Difference) (*giving.Move, error) {
	open, _, err := f.owed(ctx, q, book)
	if err != nil {
		return nil, err
	}
	gifts, _ := sums(open)
	if err := d.check(f, gifts, book); err != nil {
		return nil, err
	}
	general, err := giving.GeneralFund(ctx, q, book)
	if err != nil {
		return nil, err
	}
	parts := split(open, d.Amount, 0)
	m := d.move(book, f, "fee", parts)
	for _, o := range parts {
		if o.Gifts == 0 {
			continue
		}
		owner, err := fundOf(ctx, q, book, o.Fund)
		if err != nil {
			return nil, err
		}
		m.Lines = append(m.Lines, giving.FeeLines(giving.Platform, *owner, general, o.Gifts)...)
	}
	return m, nil
}

// Disallow plans match that the foundation will not pay: its memo ends, and income that it was already is taken back (E23). A
// second person approves.
// *giving.FieldErrors, giving.ErrStep.
func Disallow(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, d Difference) (*giving.Move, error) {
	open, _, err := f.owed(ctx, q, book)
	if err != nil {
		return nil, err
	}
	_, matched := sums(open)
	if err := d.check(f, matched, book); err != nil {
		return nil, err
	}
	parts := split(open, 0, d.Amount)
	m := d.move(book, f, "disallowed", parts)
	for _, o := range parts {
		m.Lines = append(m.Lines, unearned(o)...)
	}
	earned, err := earnedOf(ctx, q, book, f)
	if err != nil {
		return nil, err
	}
	settle := m.Settle
	m.Settle = func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
		if err := unearn(ctx, tx, book, earned, parts, d.Day, entry); err != nil {
			return err
		}
		return settle(ctx, tx, entry)
	}
	return m, nil
}

func (d Difference) check(f *File, most int64, book *ledger.Book) error {
	var wrong giving.FieldErrors
	wrong.Text("reason", d.Reason, 1, 200)
	wrong.Sum("amount", d.Amount)
	if d.Amount > most {
		wrong.Refuse("amount", "platform.over", "most", money.Format(most, book.Currency))
	}
	if f.LastDay != nil && d.Day.Before(*f.LastDay) {
		wrong.Refuse("day", "platform.day.before")
	}
	return wrong.Err()
}

func (d Difference) move(book *ledger.Book, f *File, kind string, parts []Open) *giving.Move {
	return &giving.Move{Object: f.Object(), Act: "platform-" + kind, Note: d.Reason, Amount: d.Amount, Kind: ledger.KindPlatform, Day: d.Day,
		Settle: func(ctx context.Context, tx pgx.Tx, entry uuid.UUID) error {
			return settle(ctx, tx, book, f, Settlement{ID: entry, Kind: kind, Day: d.Day, Reason: d.Reason}, parts, nil)
		}}
}

// Refund plans a gift that the platform gave back before it paid us (E07). A second person approves.
// *giving.FieldErrors, giving.ErrStep, and what giving.BookRefunds refuses.
func Refund(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, order string, d Difference) (*giving.Move, error) {
	open, profile, err := f.owed(ctx, q, book)
	if err != nil {
		return nil, err
	}
	gifts, _ := sums(open)
	if err := d.check(f, gifts, book); err != nil {
		return nil, err
	}
	c, err := Compare(ctx, q, book, profile.Platform, []Row{{Order: order}})
	if err != nil {
		return nil, err
	}
	var wrong giving.FieldErrors
	switch {
	case len(c.Conflicts) == 0 || c.Conflicts[0].Was.File != f.ID:
		wrong.Refuse("order", "platform.order.unknown")
	case c.Conflicts[0].Was.Amount < d.Amount:
		wrong.Refuse("amount", "platform.over", "most", money.Format(c.Conflicts[0].Was.Amount, book.Currency))
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	m := &giving.Move{Object: f.Object(), Act: "platform-refund", Note: order + " · " + d.Reason, Amount: d.Amount, Kind: ledger.KindRefund, Day: d.Day,
		Settle: func(context.Context, pgx.Tx, uuid.UUID) error { return nil }}
	m.Refund = &giving.Refunded{GiftID: c.Conflicts[0].Was.Gift, Amount: d.Amount, RefundedAt: noon(book, d.Day), Channel: giving.Platform,
		Ref: fmt.Sprintf("%s:%s/refund/%s/%d", profile.Platform, order, d.Day.Format(time.DateOnly), d.Amount), Cause: giving.Outside}
	m.Lines, err = giving.PreviewRefund(ctx, q, book, *m.Refund)
	return m, err
}

// Late plans the note that the platform will pay later, and until when. It books nothing: what is open stays open and ages.
// *giving.FieldErrors, giving.ErrStep.
func Late(ctx context.Context, q pg.Querier, book *ledger.Book, f *File, due time.Time, reason string) (*giving.Move, error) {
	open, _, err := f.owed(ctx, q, book)
	if err != nil {
		return nil, err
	}
	gifts, matched := sums(open)
	var wrong giving.FieldErrors
	wrong.Text("reason", reason, 1, 200)
	if gifts+matched == 0 {
		return nil, giving.ErrStep
	}
	return &giving.Move{Object: f.Object(), Act: "platform-late", Note: due.Format(time.DateOnly) + " · " + reason, Amount: gifts + matched,
		Settle: func(context.Context, pgx.Tx, uuid.UUID) error { return nil }}, wrong.Err()
}
